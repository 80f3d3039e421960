/* Guest half of test_seh.c: each exported function is called once and returns 0, or the line that is wrong. */
#include <ntddk.h>

NTSYSAPI VOID NTAPI RtlCaptureContext(PCONTEXT);
NTSYSAPI VOID NTAPI ExRaiseException(PEXCEPTION_RECORD);
NTSYSAPI USHORT NTAPI RtlCaptureStackBackTrace(ULONG, ULONG, PVOID *, PULONG);

#define EXPORT __declspec(dllexport)
#define CHECK(x) do { if (!(x)) return __LINE__; } while (0)

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}

/* The kernel's is an export like others: this file wants to stand alone. */
void *memcpy(void *to, const void *from, SIZE_T n)
{
    volatile char *t = to;
    for (SIZE_T i = 0; i < n; i++)
        t[i] = ((const volatile char *)from)[i];
    return to;
}

#define USER_ADDRESS ((volatile ULONG *)0x200000123000)
#define NONCANONICAL ((volatile ULONG *)0x8000000012345678)

static int filter_calls;
static volatile ULONG sink;
static ULONG trail;

EXPORT ULONG *trail_at(void)
{
    return &trail;
}

static void step(ULONG digit)
{
    trail = trail * 10 + digit;
}

/* Returns, as far as the compiler can see: it drops scopes that it believes to be left only by an exception. */
static __declspec(noinline) void raise(NTSTATUS status)
{
    if (sink != 0x12345)
        ExRaiseStatus(status);
}

static __declspec(noinline) LONG keep(EXCEPTION_POINTERS *p, EXCEPTION_RECORD *out)
{
    filter_calls++;
    *out = *p->ExceptionRecord;
    return EXCEPTION_EXECUTE_HANDLER;
}

/* A plain load directly in the body. */
EXPORT int plain_load(void)
{
    EXCEPTION_RECORD r = { 0 };
    volatile int caught = 0, local = 1234;
    __try {
        sink = *USER_ADDRESS;
        caught = 2;
    } __except (keep(GetExceptionInformation(), &r)) {
        CHECK(GetExceptionCode() == STATUS_ACCESS_VIOLATION);
        caught = 1;
    }
    CHECK(caught == 1 && local == 1234 && filter_calls == 1);
    CHECK(r.NumberParameters == 2 && r.ExceptionInformation[0] == 0 && r.ExceptionInformation[1] == (ULONG_PTR)USER_ADDRESS);
    return 0;
}

EXPORT int plain_store(void)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        USER_ADDRESS[1] = 5;
        return __LINE__;
    } __except (keep(GetExceptionInformation(), &r)) {
        CHECK(r.ExceptionInformation[0] == 1 && r.ExceptionInformation[1] == (ULONG_PTR)(USER_ADDRESS + 1));
    }
    return 0;
}

EXPORT int null_call(void)
{
    EXCEPTION_RECORD r = { 0 };
    void (*volatile fn)(void) = NULL;
    __try {
        fn();
        return __LINE__;
    } __except (keep(GetExceptionInformation(), &r)) {
        CHECK(r.ExceptionInformation[0] == 8 && r.ExceptionAddress == NULL);
    }
    return 0;
}

EXPORT int noncanonical(void)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        sink = *NONCANONICAL;
        return __LINE__;
    } __except (keep(GetExceptionInformation(), &r)) {
        CHECK(r.ExceptionCode == STATUS_ACCESS_VIOLATION && r.ExceptionInformation[0] == 0 && r.ExceptionInformation[1] == (ULONG_PTR)-1);
    }
    return 0;
}

/* The kernel's own code touches the bad memory. */
EXPORT int inside_export(void)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        RtlCaptureContext((PCONTEXT)USER_ADDRESS);
        return __LINE__;
    } __except (keep(GetExceptionInformation(), &r)) {
        CHECK(r.ExceptionCode == STATUS_ACCESS_VIOLATION && r.ExceptionInformation[0] == 1);
        CHECK((ULONG_PTR)r.ExceptionAddress - (ULONG_PTR)RtlCaptureContext < 64);
    }
    return 0;
}

EXPORT int raise_status(void)
{
    volatile ULONG keeps = 77;
    __try {
        ExRaiseStatus(STATUS_INVALID_PARAMETER);
    } __except (GetExceptionCode() == STATUS_INVALID_PARAMETER ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        return keeps == 77 ? 0 : __LINE__;
    }
    return __LINE__;
}

static __declspec(noinline) void deep(int n)
{
    volatile char room[64];
    room[0] = (char)n;
    if (n == 0)
        raise(STATUS_NO_MEMORY);
    deep(n - 1);
    sink = room[0];
}

static __declspec(noinline) void middle(void)
{
    __try {
        __try {
            deep(5);
        } __finally {
            step(AbnormalTermination() ? 1 : 9);
        }
    } __finally {
        step(AbnormalTermination() ? 2 : 9);
    }
}

EXPORT int nested_finally(void)
{
    trail = 0;
    __try {
        __try {
            middle();
        } __except (GetExceptionCode() == STATUS_SUCCESS) {
            return __LINE__;
        }
    } __except (step(7), EXCEPTION_EXECUTE_HANDLER) {
        step(3);
    }
    CHECK(trail == 7123);
    return 0;
}

EXPORT int finally_in_order(void)
{
    trail = 0;
    __try {
        __try {
            step(1);
            __leave;
        } __finally {
            step(AbnormalTermination() ? 9 : 2);
        }
        step(3);
        sink = *USER_ADDRESS;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        step(4);
    }
    CHECK(trail == 1234);
    return 0;
}

static __declspec(noinline) int return_from_try(void)
{
    __try {
        __try {
            return 5;
        } __finally {
            step(1);
        }
    } __finally {
        step(2);
    }
    return 6;
}

EXPORT int finally_on_return(void)
{
    trail = 0;
    CHECK(return_from_try() == 5 && trail == 12);
    return 0;
}

static LONG repair(EXCEPTION_POINTERS *p, ULONG_PTR good)
{
    /* Every register that held the bad address gets the good one. */
    ULONG64 *r = &p->ContextRecord->Rax;
    for (int i = 0; i < 16; i++)
        if (r[i] == (ULONG_PTR)USER_ADDRESS)
            r[i] = good;
    filter_calls++;
    return EXCEPTION_CONTINUE_EXECUTION;
}

EXPORT int continue_execution(void)
{
    ULONG value = 99, got = 0;
    volatile ULONG *volatile bad = USER_ADDRESS;
    filter_calls = 0;
    __try {
        volatile ULONG *p = bad;
        __asm__ volatile("movl (%%rcx), %%eax" : "=a"(got) : "c"(p) : "memory");
    } __except (repair(GetExceptionInformation(), (ULONG_PTR)&value)) {
        return __LINE__;
    }
    CHECK(got == 99 && filter_calls == 1);
    return 0;
}

static LONG faulting_filter(void)
{
    step(1);
    __try {
        sink = *USER_ADDRESS;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        step(2);
    }
    return EXCEPTION_EXECUTE_HANDLER;
}

/* An exception that is raised and handled inside a filter. */
EXPORT int exception_in_filter(void)
{
    trail = 0;
    __try {
        raise(STATUS_UNSUCCESSFUL);
    } __except (faulting_filter()) {
        step(3);
    }
    CHECK(trail == 123);
    return 0;
}

static LONG flags_filter(EXCEPTION_POINTERS *p)
{
    step(p->ExceptionRecord->ExceptionFlags & 0x10 ? 9 : 3);
    return p->ExceptionRecord->ExceptionCode == STATUS_NO_MEMORY;
}

/* Asked about the exception that it raised itself, too. */
static LONG raising_filter(EXCEPTION_POINTERS *p)
{
    if (p->ExceptionRecord->ExceptionCode == STATUS_NO_MEMORY) {
        step(p->ExceptionRecord->ExceptionFlags & 0x10 ? 2 : 8);
        return EXCEPTION_CONTINUE_SEARCH;
    }
    step(1);
    raise(STATUS_NO_MEMORY);
    return 0;
}

static __declspec(noinline) void raise_in_filter(void)
{
    __try {
        raise(STATUS_UNSUCCESSFUL);
    } __except (raising_filter(GetExceptionInformation())) {
        step(9);
    }
}

/* An exception that leaves a filter: frames between are asked again with the nested flag. */
EXPORT int exception_out_of_filter(void)
{
    trail = 0;
    __try {
        raise_in_filter();
    } __except (flags_filter(GetExceptionInformation())) {
        step(4);
    }
    CHECK(trail == 1234);
    return 0;
}

static __declspec(noinline) void collide(void)
{
    __try {
        __try {
            raise(STATUS_UNSUCCESSFUL);
        } __finally {
            step(1);
            raise(STATUS_NO_MEMORY);
        }
    } __finally {
        step(2);
    }
}

/* A termination handler raises while its frame is unwound. */
EXPORT int collided_unwind(void)
{
    trail = 0;
    __try {
        collide();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        CHECK(GetExceptionCode() == STATUS_NO_MEMORY);
        step(3);
    }
    CHECK(trail == 123);
    return 0;
}

/* The exception of a termination handler is caught inside the frame that is being unwound. */
static __declspec(noinline) void collide_inside(void)
{
    __try {
        __try {
            __try {
                raise(STATUS_UNSUCCESSFUL);
            } __finally {
                step(1);
                raise(STATUS_NO_MEMORY);
            }
        } __except (GetExceptionCode() == STATUS_NO_MEMORY) {
            step(2);
        }
        step(3);
    } __finally {
        step(4);
    }
}

EXPORT int collided_inside(void)
{
    trail = 0;
    __try {
        collide_inside();
        step(5);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        step(9);
    }
    CHECK(trail == 12345);
    return 0;
}

EXPORT int breakpoint(void)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        __debugbreak();
        return __LINE__;
    } __except (keep(GetExceptionInformation(), &r)) {
        CHECK(r.ExceptionCode == STATUS_BREAKPOINT && *(unsigned char *)r.ExceptionAddress == 0xCC);
    }
    return 0;
}

EXPORT int divide(void)
{
    volatile int zero = 0, one = 1, minimum = (int)0x80000000, minus = -1;
    volatile int hits = 0;
    __try {
        sink = (ULONG)(one / zero);
    } __except (GetExceptionCode() == STATUS_INTEGER_DIVIDE_BY_ZERO) {
        hits = hits + 1;
    }
    __try {
        sink = (ULONG)(minimum / minus);
    } __except (GetExceptionCode() == STATUS_INTEGER_OVERFLOW) {
        hits = hits + 1;
    }
    CHECK(hits == 2);
    return 0;
}

EXPORT int illegal(void)
{
    __try {
        __asm__ volatile("ud2");
        return __LINE__;
    } __except (GetExceptionCode() == STATUS_ILLEGAL_INSTRUCTION) {
        return 0;
    }
}

EXPORT int assertion(void)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        __asm__ volatile("int $0x2C");
        return __LINE__;
    } __except (keep(GetExceptionInformation(), &r)) {
        CHECK(r.ExceptionCode == STATUS_ASSERTION_FAILURE && *(unsigned short *)r.ExceptionAddress == 0x2CCD);
    }
    return 0;
}

EXPORT int debug_service(void)
{
    ULONG eax = 1;
    __asm__ volatile("int $0x2D\n int3" : "+a"(eax));
    CHECK(eax == 1);
    return 0;
}

EXPORT int raise_record(void)
{
    EXCEPTION_RECORD r = { 0 }, seen = { 0 };
    r.ExceptionCode = 0x20000001;
    r.NumberParameters = 2;
    r.ExceptionInformation[1] = 42;
    filter_calls = 0;
    __try {
        ExRaiseException(&r);
        return __LINE__;
    } __except (keep(GetExceptionInformation(), &seen)) {
        CHECK(seen.ExceptionCode == 0x20000001 && seen.NumberParameters == 2 && seen.ExceptionInformation[1] == 42);
        CHECK(seen.ExceptionAddress == r.ExceptionAddress);
    }
    return 0;
}

EXPORT int raise_and_continue(void)
{
    EXCEPTION_RECORD r = { 0 };
    volatile ULONG_PTR kept = 0x123456789;
    r.ExceptionCode = 0x20000002;
    __try {
        ExRaiseException(&r);
        trail = 5;
    } __except (EXCEPTION_CONTINUE_EXECUTION) {
        return __LINE__;
    }
    CHECK(trail == 5 && kept == 0x123456789);
    return 0;
}

static ULONG_PTR xorshift(ULONG_PTR x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

/* Values in non-volatile registers of the handling function survive frames that use them. */
EXPORT int registers_survive(void)
{
    ULONG_PTR a = xorshift((ULONG_PTR)&trail), b = xorshift(a), c = xorshift(b), d = xorshift(c), e = xorshift(d);
    ULONG_PTR sum = a + b + c + d + e;
    for (volatile int i = 0; i < 3; i++) {
        __try {
            middle();
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            a = xorshift(a);
        }
        CHECK(xorshift(xorshift(b)) == d && xorshift(d) == e);
    }
    return sum != 0 ? 0 : __LINE__;
}

static __declspec(noinline) ULONG frames(PVOID *out, ULONG n)
{
    ULONG got = RtlCaptureStackBackTrace(0, n, out, NULL);
    sink = got;
    return got;
}

EXPORT int back_trace(void)
{
    PVOID out[8] = { 0 };
    ULONG n = frames(out, 8);
    CHECK(n >= 2);
    CHECK((char *)out[0] > (char *)frames && (char *)out[0] < (char *)frames + 200);
    CHECK((char *)out[1] > (char *)back_trace && (char *)out[1] < (char *)back_trace + 200);
    return 0;
}

/* Ends of runs: these do not return. */
EXPORT int bug_kernel_address(void)
{
    __try {
        sink = *(volatile ULONG *)0x2001F0000000;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return __LINE__;
    }
    return __LINE__;
}

EXPORT int bug_at_dispatch(void)
{
    KIRQL old;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    sink = *USER_ADDRESS;
    return __LINE__;
}

EXPORT int bug_read_only(void)
{
    *(volatile char *)&bug_read_only = 1;
    return __LINE__;
}

EXPORT int bug_execute_data(void)
{
    static volatile ULONG data = 0xC3C3C3C3;
    ((void (*)(void))&data)();
    return __LINE__;
}

EXPORT int bug_fast_fail(void)
{
    __try {
        __fastfail(3);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return __LINE__;
    }
}

EXPORT int bug_unhandled(void)
{
    ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return __LINE__;
}

static __declspec(noinline) int recurse(int n)
{
    volatile char room[512];
    room[n & 511] = (char)n;
    return recurse(n + 1) + room[(n + 1) & 511];
}

EXPORT int bug_stack_overflow(void)
{
    return recurse(1);
}

static __declspec(noinline) int big_frame(int n)
{
    volatile char room[0x8000];
    room[n] = 1;
    return room[n];
}

/* Jumps over the guard page unless __chkstk is called. */
EXPORT int bug_big_frame(void)
{
    return big_frame((int)sink);
}
