/* Object callbacks and process notification as a driver uses them to protect a process: rights that are taken from handles, processes
 * that may not begin. On Windows the image must be linked with /INTEGRITYCHECK. */
#include "contract_driver.h"

enum { PROTECT, UNPROTECT, COUNTS, FORBID, ALLOW };

#define MY_PROCESS_TERMINATE 0x0001
#define MY_THREAD_SUSPEND_RESUME 0x0002

static PVOID Registration;
static HANDLE Protected;
static LONG Pre, Post, Threads, Duplicates, Refused;
static ACCESS_MASK LastGranted;
static char Mark;

static OB_PREOP_CALLBACK_STATUS BeforeHandle(PVOID Context, POB_PRE_OPERATION_INFORMATION Information)
{
    BOOLEAN create = Information->Operation == OB_OPERATION_HANDLE_CREATE;
    PACCESS_MASK access = create ? &Information->Parameters->CreateHandleInformation.DesiredAccess
                                 : &Information->Parameters->DuplicateHandleInformation.DesiredAccess;

    if (Context != &Mark || Information->KernelHandle)
        return OB_PREOP_SUCCESS;
    if (Information->ObjectType == *PsProcessType && PsGetProcessId(Information->Object) == Protected) {
        InterlockedIncrement(create ? &Pre : &Duplicates);
        *access &= ~MY_PROCESS_TERMINATE;
        *access |= 0x80000; /* WRITE_OWNER: rights that were not asked for are not given */
        Information->CallContext = &Mark;
    } else if (Information->ObjectType == *PsThreadType && PsGetThreadProcessId(Information->Object) == Protected) {
        InterlockedIncrement(&Threads);
        *access &= ~MY_THREAD_SUSPEND_RESUME;
    }
    return OB_PREOP_SUCCESS;
}

static VOID AfterHandle(PVOID Context, POB_POST_OPERATION_INFORMATION Information)
{
    if (Context != &Mark || Information->CallContext != &Mark)
        return;
    InterlockedIncrement(&Post);
    if (NT_SUCCESS(Information->ReturnStatus) && Information->Operation == OB_OPERATION_HANDLE_CREATE)
        LastGranted = Information->Parameters->CreateHandleInformation.GrantedAccess;
}

static NTSTATUS RegisterAt(PCWSTR Altitude, USHORT Version, USHORT Count, PVOID *Handle)
{
    OB_OPERATION_REGISTRATION operations[2] = {
        {PsProcessType, OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE, BeforeHandle, AfterHandle},
        {PsThreadType, OB_OPERATION_HANDLE_CREATE, BeforeHandle, NULL},
    };
    OB_CALLBACK_REGISTRATION registration = {Version, Count, {0}, &Mark, operations};

    RtlInitUnicodeString(&registration.Altitude, Altitude);
    return ObRegisterCallbacks(&registration, Handle);
}

static VOID Registrations(PCONTRACT t)
{
    PVOID first = NULL, second = NULL;

    CHECK_EQ(ObGetFilterVersion(), OB_FLT_REGISTRATION_VERSION);
    CHECK_STATUS(RegisterAt(L"321000", OB_FLT_REGISTRATION_VERSION, 0, &first), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RegisterAt(L"321000", 0x0200, 2, &first), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RegisterAt(L"321000", OB_FLT_REGISTRATION_VERSION, 2, &first), STATUS_SUCCESS);
    CHECK_STATUS(RegisterAt(L"321000", OB_FLT_REGISTRATION_VERSION, 1, &second), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    CHECK_STATUS(RegisterAt(L"321000.1", OB_FLT_REGISTRATION_VERSION, 1, &second), STATUS_SUCCESS);
    ObUnRegisterCallbacks(second);
    ObUnRegisterCallbacks(first);
    CHECK_STATUS(RegisterAt(L"321000", OB_FLT_REGISTRATION_VERSION, 2, &first), STATUS_SUCCESS);
    ObUnRegisterCallbacks(first);
}

static VOID KernelHandles(PCONTRACT t)
{
    PVOID registration;
    HANDLE handle;
    LONG before = Pre;

    Protected = PsGetCurrentProcessId();
    CHECK_STATUS(RegisterAt(L"321000", OB_FLT_REGISTRATION_VERSION, 2, &registration), STATUS_SUCCESS);
    CHECK_STATUS(ObOpenObjectByPointer(PsGetCurrentProcess(), OBJ_KERNEL_HANDLE, NULL, MY_PROCESS_TERMINATE, *PsProcessType, KernelMode, &handle),
                 STATUS_SUCCESS);
    CHECK_EQ(Pre, before); /* seen, but marked as the kernel's */
    ZwClose(handle);
    ObUnRegisterCallbacks(registration);
    Protected = NULL;
}

/* SystemProcessInformation: the head of an entry. */
typedef struct _PROCESS_ENTRY {
    ULONG NextEntryOffset, NumberOfThreads;
    UCHAR Reserved1[48];
    UNICODE_STRING ImageName;
    LONG BasePriority;
    HANDLE UniqueProcessId;
} PROCESS_ENTRY;

NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG Class, PVOID Information, ULONG Length, PULONG Needed);

static VOID Processes(PCONTRACT t)
{
    ULONG needed = 0, seen = 0, system = 0;
    UCHAR small[4];
    PUCHAR buffer;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"System");

    CHECK_STATUS(ZwQuerySystemInformation(5, small, sizeof(small), &needed), STATUS_INFO_LENGTH_MISMATCH);
    CHECK(needed > sizeof(PROCESS_ENTRY));
    buffer = ExAllocatePoolWithTag(PagedPool, needed + 0x4000, CONTRACT_TAG);
    if (!buffer)
        return;
    CHECK_STATUS(ZwQuerySystemInformation(5, buffer, needed + 0x4000, NULL), STATUS_SUCCESS);
    for (PROCESS_ENTRY *e = (PROCESS_ENTRY *)buffer;; e = (PROCESS_ENTRY *)((PUCHAR)e + e->NextEntryOffset)) {
        CHECK(e->NumberOfThreads > 0);
        if (e->UniqueProcessId == PsGetCurrentProcessId())
            seen++;
        if (e->UniqueProcessId == (HANDLE)4 && RtlEqualUnicodeString(&e->ImageName, &name, FALSE))
            system++;
        if (!e->NextEntryOffset)
            break;
    }
    CHECK_EQ(seen, 1);
    CHECK_EQ(system, 1);
    ExFreePoolWithTag(buffer, CONTRACT_TAG);
}

static VOID ProcessNotify(PEPROCESS Process, HANDLE Id, PPS_CREATE_NOTIFY_INFO Info)
{
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(Id);
    if (!Info)
        return;
    InterlockedIncrement(&Refused);
    Info->CreationStatus = STATUS_ACCESS_DENIED;
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    PULONG numbers = Irp->AssociatedIrp.SystemBuffer;

    UNREFERENCED_PARAMETER(Device);
    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_AREA(PROTECT, METHOD_BUFFERED):
        Pre = Post = Threads = Duplicates = 0;
        Protected = (HANDLE)(ULONG_PTR)numbers[0];
        return ContractComplete(Irp, RegisterAt(L"321000", OB_FLT_REGISTRATION_VERSION, 2, &Registration), 0);
    case IOCTL_AREA(UNPROTECT, METHOD_BUFFERED):
        ObUnRegisterCallbacks(Registration);
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_AREA(COUNTS, METHOD_BUFFERED):
        numbers[0] = (ULONG)Pre;
        numbers[1] = (ULONG)Post;
        numbers[2] = (ULONG)Threads;
        numbers[3] = (ULONG)Duplicates;
        numbers[4] = LastGranted;
        numbers[5] = (ULONG)Refused;
        return ContractComplete(Irp, STATUS_SUCCESS, 6 * sizeof(ULONG));
    case IOCTL_AREA(FORBID, METHOD_BUFFERED):
        return ContractComplete(Irp, PsSetCreateProcessNotifyRoutineEx(ProcessNotify, FALSE), 0);
    case IOCTL_AREA(ALLOW, METHOD_BUFFERED):
        return ContractComplete(Irp, PsSetCreateProcessNotifyRoutineEx(ProcessNotify, TRUE), 0);
    default:
        return ContractDefault(Irp);
    }
}

static const CONTRACT_TEST Tests[] = {{"registrations", Registrations}, {"handles of the kernel", KernelHandles}, {"the list of processes", Processes}};

const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests), .Other = Other};
