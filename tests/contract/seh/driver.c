/* Structured exceptions: faults in the body of __try, raised statuses, filters, unwinding, also across the kernel. */
#include "contract_driver.h"
#include <stdlib.h>

/* Below every user allocation: a user address that is never mapped. */
static volatile ULONG_PTR BadUserAddress = 0x10;
static volatile SIZE_T Dynamic = 8;

static VOID PlainLoad(PCONTRACT t)
{
    volatile ULONG value = 0;
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        value = *(volatile ULONG *)BadUserAddress;
        ContractFail(t, __LINE__, "the load came back");
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_ACCESS_VIOLATION);
    CHECK_EQ(value, 0);
}

static VOID PlainStore(PCONTRACT t)
{
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        *(volatile ULONG *)BadUserAddress = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_ACCESS_VIOLATION);
}

static VOID InlinedCopy(PCONTRACT t)
{
    UCHAR buffer[16] = {0};
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        RtlCopyMemory(buffer, (PVOID)BadUserAddress, sizeof(buffer));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_ACCESS_VIOLATION);
    CHECK_EQ(buffer[0], 0);
}

static VOID CalledCopy(PCONTRACT t)
{
    UCHAR buffer[64] = {0};
    NTSTATUS in = STATUS_SUCCESS, out = STATUS_SUCCESS;

    __try {
        RtlCopyMemory(buffer, (PVOID)BadUserAddress, Dynamic);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        in = GetExceptionCode();
    }
    __try {
        RtlFillMemory((PVOID)BadUserAddress, Dynamic, 0xcc);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        out = GetExceptionCode();
    }
    CHECK_STATUS(in, STATUS_ACCESS_VIOLATION);
    CHECK_STATUS(out, STATUS_ACCESS_VIOLATION);
}

typedef struct _SEEN {
    ULONG Code, Flags, Count;
    ULONG_PTR Write, Address;
} SEEN;

static LONG Look(PEXCEPTION_POINTERS Pointers, SEEN *Seen)
{
    Seen->Code = Pointers->ExceptionRecord->ExceptionCode;
    Seen->Flags = Pointers->ExceptionRecord->ExceptionFlags;
    Seen->Count = Pointers->ExceptionRecord->NumberParameters;
    Seen->Write = Pointers->ExceptionRecord->ExceptionInformation[0];
    Seen->Address = Pointers->ExceptionRecord->ExceptionInformation[1];
    return EXCEPTION_EXECUTE_HANDLER;
}

static VOID TheRecord(PCONTRACT t)
{
    SEEN read = {0}, write = {0};
    volatile UCHAR value;

    __try {
        value = *(volatile UCHAR *)BadUserAddress;
        UNREFERENCED_PARAMETER(value);
    } __except (Look(GetExceptionInformation(), &read)) {
    }
    __try {
        *(volatile UCHAR *)BadUserAddress = 1;
    } __except (Look(GetExceptionInformation(), &write)) {
    }
    CHECK_STATUS(read.Code, STATUS_ACCESS_VIOLATION);
    CHECK_EQ(read.Count, 2);
    CHECK_EQ(read.Write, 0);
    CHECK_EQ(read.Address, BadUserAddress);
    CHECK_EQ(write.Write, 1);
    CHECK_EQ(write.Address, BadUserAddress);
}

static VOID NestedFinally(PCONTRACT t)
{
    volatile ULONG order = 0;
    volatile BOOLEAN abnormal = FALSE;

    __try {
        __try {
            __try {
                *(volatile ULONG *)BadUserAddress = 1;
            } __finally {
                order = order * 10 + 1;
                abnormal = AbnormalTermination() != 0;
            }
        } __finally {
            order = order * 10 + 2;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        order = order * 10 + 3;
    }
    CHECK_EQ(order, 123);
    CHECK(abnormal);
}

static VOID NormalFinally(PCONTRACT t)
{
    volatile ULONG order = 0;
    volatile BOOLEAN abnormal = TRUE;

    __try {
        __try {
            order = 1;
            if (order)
                __leave;
            order = 9;
        } __finally {
            order = order * 10 + 2;
            abnormal = AbnormalTermination() != 0;
        }
        order = order * 10 + 3;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        order = 0;
    }
    CHECK_EQ(order, 123);
    CHECK(!abnormal);
}

__declspec(noinline) static ULONG ReturnThroughFinally(volatile ULONG *Ran)
{
    __try {
        return 7;
    } __finally {
        *Ran += 1;
    }
}

static VOID ReturnInTry(PCONTRACT t)
{
    volatile ULONG ran = 0;

    CHECK_EQ(ReturnThroughFinally(&ran), 7);
    CHECK_EQ(ran, 1);
}

static volatile ULONG Unwound;
__declspec(noinline) static VOID Deep(ULONG Depth)
{
    __try {
        if (Depth)
            Deep(Depth - 1);
        else
            ExRaiseStatus(STATUS_DEVICE_NOT_READY);
    } __finally {
        Unwound++;
    }
}

static VOID ThroughFrames(PCONTRACT t)
{
    NTSTATUS status = STATUS_SUCCESS;

    Unwound = 0;
    __try {
        Deep(5);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_DEVICE_NOT_READY);
    CHECK_EQ(Unwound, 6);
}

static VOID FilterPassesOn(PCONTRACT t)
{
    volatile ULONG order = 0;

    __try {
        __try {
            ExRaiseStatus(STATUS_IO_TIMEOUT);
        } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER
                                                                  : EXCEPTION_CONTINUE_SEARCH) {
            order = 1;
        }
    } __except (GetExceptionCode() == STATUS_IO_TIMEOUT ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        order = 2;
    }
    CHECK_EQ(order, 2);
}

/* Filters run before anything is unwound. */
static ULONG Note(volatile ULONG *Order, ULONG Digit, LONG Result)
{
    *Order = *Order * 10 + Digit;
    return Result;
}

static VOID FiltersFirst(PCONTRACT t)
{
    volatile ULONG order = 0;

    __try {
        __try {
            ExRaiseAccessViolation();
        } __finally {
            Note(&order, 2, 0);
        }
    } __except (Note(&order, 1, EXCEPTION_EXECUTE_HANDLER)) {
        Note(&order, 3, 0);
    }
    CHECK_EQ(order, 123);
}

static VOID RaisedInHandler(PCONTRACT t)
{
    NTSTATUS first = STATUS_SUCCESS, second = STATUS_SUCCESS;

    __try {
        __try {
            ExRaiseStatus(STATUS_INVALID_PARAMETER);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            first = GetExceptionCode();
            ExRaiseStatus(STATUS_NO_MEMORY);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        second = GetExceptionCode();
    }
    CHECK_STATUS(first, STATUS_INVALID_PARAMETER);
    CHECK_STATUS(second, STATUS_NO_MEMORY);
}

/* The kernel raises what it finds wrong. */
static VOID KernelRaises(PCONTRACT t)
{
    KSEMAPHORE semaphore;
    NTSTATUS limit = STATUS_SUCCESS, aligned = STATUS_SUCCESS, kernel = STATUS_SUCCESS, bad = STATUS_SUCCESS;

    KeInitializeSemaphore(&semaphore, 0, 1);
    __try {
        KeReleaseSemaphore(&semaphore, IO_NO_INCREMENT, 2, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        limit = GetExceptionCode();
    }
    __try {
        ProbeForRead((PVOID)(BadUserAddress + 1), 4, 4);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        aligned = GetExceptionCode();
    }
    __try {
        ProbeForRead(t, 4, 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        kernel = GetExceptionCode();
    }
    __try {
        ProbeForWrite((PVOID)BadUserAddress, 4, 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        bad = GetExceptionCode();
    }
    CHECK_STATUS(limit, STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    CHECK_STATUS(aligned, STATUS_DATATYPE_MISALIGNMENT);
    CHECK_STATUS(kernel, STATUS_ACCESS_VIOLATION);
    CHECK_STATUS(bad, STATUS_ACCESS_VIOLATION);
}

/* From the driver through a kernel function, which called back, into the driver. */
int __cdecl CompareRaises(const void *a, const void *b)
{
    UNREFERENCED_PARAMETER(a);
    UNREFERENCED_PARAMETER(b);
    ExRaiseStatus(STATUS_DATA_ERROR);
    return 0;
}

static VOID ThroughTheKernel(PCONTRACT t)
{
    ULONG numbers[3] = {3, 2, 1};
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        qsort(numbers, 3, sizeof(ULONG), CompareRaises);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_DATA_ERROR);
}

static volatile LONG Zero;
static VOID DivideByZero(PCONTRACT t)
{
    NTSTATUS status = STATUS_SUCCESS;
    volatile LONG result = 0;

    __try {
        result = 10 / Zero; /* 1 / x would be made without a division */
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_INTEGER_DIVIDE_BY_ZERO);
    CHECK_EQ(result, 0);
}

/* Neither user nor kernel address: a general protection fault, told as an access violation. */
static VOID NonCanonical(PCONTRACT t)
{
    volatile ULONG_PTR address = 0x1234567800000000;
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        *(volatile ULONG *)address = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_ACCESS_VIOLATION);
}

static VOID IrqlIsNotRestored(PCONTRACT t)
{
    KIRQL irql;

    __try {
        KeRaiseIrql(APC_LEVEL, &irql);
        ExRaiseStatus(STATUS_UNSUCCESSFUL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        CHECK_EQ(KeGetCurrentIrql(), APC_LEVEL);
        KeLowerIrql(PASSIVE_LEVEL);
    }
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static const CONTRACT_TEST Tests[] = {
    {"a load", PlainLoad},
    {"a store", PlainStore},
    {"an inlined copy", InlinedCopy},
    {"a copy by call", CalledCopy},
    {"what the record says", TheRecord},
    {"nested __finally", NestedFinally},
    {"__finally without exception", NormalFinally},
    {"return out of __try", ReturnInTry},
    {"unwinding through frames", ThroughFrames},
    {"a filter passes on", FilterPassesOn},
    {"filters before unwinding", FiltersFirst},
    {"raised in a handler", RaisedInHandler},
    {"raised by the kernel", KernelRaises},
    {"raised through the kernel", ThroughTheKernel},
    {"division by zero", DivideByZero},
    {"a non-canonical address", NonCanonical},
    {"IRQL and exceptions", IrqlIsNotRestored},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
