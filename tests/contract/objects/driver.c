/* Objects and their references: files opened relative to others, what a driver sees of an open, share access, references dropped at
 * DISPATCH_LEVEL, kernel handles, device timers, driver objects by name, reinitialisation. */
#include "contract_driver.h"
#include "codes.h"

static struct created Last;
static LONG Reinitialized, Order;
static PDRIVER_OBJECT Driver;
static KEVENT Closed;
static volatile LONG CloseIrql = -1; /* without a wait between: only looked at */
static HANDLE KernelEvent;

/* ---- share access ---- */

static VOID ShareAccess(PCONTRACT t)
{
    static FILE_OBJECT a, b, c; /* only the fields for share access are touched */
    SHARE_ACCESS share;

    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &a, &share);
    CHECK_EQ(share.OpenCount, 1);
    CHECK_EQ(share.Readers, 1);
    CHECK_EQ(share.SharedRead, 1);
    CHECK(a.ReadAccess && !a.WriteAccess && a.SharedRead && !a.SharedWrite);
    CHECK_STATUS(IoCheckShareAccess(FILE_WRITE_DATA, FILE_SHARE_READ, &b, &share, TRUE), STATUS_SHARING_VIOLATION);
    CHECK_EQ(share.OpenCount, 1);
    CHECK_STATUS(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_WRITE, &b, &share, TRUE), STATUS_SHARING_VIOLATION);
    CHECK_STATUS(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, &b, &share, FALSE), STATUS_SUCCESS);
    CHECK_EQ(share.OpenCount, 1);
    IoUpdateShareAccess(&b, &share);
    CHECK_EQ(share.OpenCount, 2);
    CHECK_EQ(share.SharedWrite, 1);
    CHECK_STATUS(IoCheckShareAccess(FILE_READ_ATTRIBUTES, 0, &c, &share, TRUE), STATUS_SUCCESS);
    CHECK_EQ(share.OpenCount, 2);
    IoRemoveShareAccess(&a, &share);
    IoRemoveShareAccess(&b, &share);
    CHECK_EQ(share.OpenCount, 0);
    CHECK_EQ(share.Readers, 0);
}

/* ---- references ---- */

static UNICODE_STRING SelfName = RTL_CONSTANT_STRING(L"\\Device\\Contract-objects");

static VOID DroppedAtDispatch(PCONTRACT t)
{
    PFILE_OBJECT file;
    PDEVICE_OBJECT device;
    KIRQL irql;
    LARGE_INTEGER second = ContractMs(1000);

    CHECK_STATUS(IoGetDeviceObjectPointer(&SelfName, FILE_READ_DATA, &file, &device), STATUS_SUCCESS);
    CHECK_EQ(device, t->Device);
    KeClearEvent(&Closed);
    CloseIrql = -1;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ObDereferenceObject(file);
    CHECK_EQ(CloseIrql, -1);
    KeLowerIrql(irql);
    CHECK_STATUS(KeWaitForSingleObject(&Closed, Executive, KernelMode, FALSE, &second), STATUS_SUCCESS);
    CHECK_EQ(CloseIrql, PASSIVE_LEVEL);
}

static VOID Types(PCONTRACT t)
{
    HANDLE event;
    PVOID object = (PVOID)1;
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwCreateEvent(&event, EVENT_QUERY_STATE | SYNCHRONIZE, &attributes, NotificationEvent, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(event, 0, *IoFileObjectType, KernelMode, &object, NULL), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_EQ(object, NULL);
    /* Access is not checked for the kernel's own requests. */
    CHECK_STATUS(ObReferenceObjectByHandle(event, EVENT_MODIFY_STATE, *ExEventObjectType, KernelMode, &object, NULL), STATUS_SUCCESS);
    if (object)
        ObDereferenceObject(object);
    CHECK_STATUS(ObReferenceObjectByHandle(event, 0, *ExEventObjectType, UserMode, &object, NULL), STATUS_INVALID_HANDLE);
    CHECK_STATUS(ZwClose(event), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle((HANDLE)0x7ff0, 0, NULL, KernelMode, &object, NULL), STATUS_INVALID_HANDLE);
}

/* ---- relative opens ---- */

static VOID Relative(PCONTRACT t)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE root, file, directory;
    UNICODE_STRING below = RTL_CONSTANT_STRING(L"below"), devices = RTL_CONSTANT_STRING(L"\\Device"), self = RTL_CONSTANT_STRING(L"Contract-objects\\tail");

    InitializeObjectAttributes(&attributes, &SelfName, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_STATUS(ZwCreateFile(&root, FILE_READ_DATA | SYNCHRONIZE, &attributes, &iosb, NULL, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0), STATUS_SUCCESS);
    CHECK_EQ(Last.related, 0);
    CHECK_EQ(Last.name[0], 0);
    InitializeObjectAttributes(&attributes, &below, OBJ_KERNEL_HANDLE, root, NULL);
    CHECK_STATUS(ZwCreateFile(&file, FILE_APPEND_DATA, &attributes, &iosb, NULL, 0, FILE_SHARE_READ, FILE_OPEN_IF, FILE_NON_DIRECTORY_FILE, NULL, 0), STATUS_SUCCESS);
    CHECK_EQ(Last.related, 1);
    CHECK(Last.name[0] == 'b' && Last.name[4] == 'w' && !Last.name[5]);
    CHECK_EQ(Last.options, (FILE_OPEN_IF << 24) | FILE_NON_DIRECTORY_FILE);
    CHECK_EQ(Last.access & (FILE_READ_DATA | FILE_APPEND_DATA), FILE_APPEND_DATA);
    CHECK_EQ(Last.share, FILE_SHARE_READ);
    CHECK_EQ(Last.file_flags & FO_SYNCHRONOUS_IO, 0);
    ZwClose(file);
    ZwClose(root);
    /* Below a directory of the namespace. */
    InitializeObjectAttributes(&attributes, &devices, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenDirectoryObject(&directory, 3, &attributes))) {
        InitializeObjectAttributes(&attributes, &self, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, directory, NULL);
        CHECK_STATUS(ZwOpenFile(&file, FILE_READ_DATA, &attributes, &iosb, 0, 0), STATUS_SUCCESS);
        CHECK_EQ(Last.related, 0);
        CHECK(Last.name[0] == '\\' && Last.name[1] == 't');
        ZwClose(file);
        ZwClose(directory);
    } else
        CHECK(!"the directory opens");
    InitializeObjectAttributes(&attributes, &SelfName, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwCreateFile(&file, FILE_READ_DATA, &attributes, &iosb, NULL, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ZwCreateFile(&file, FILE_READ_DATA, &attributes, &iosb, NULL, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE, NULL, 0),
                 STATUS_INVALID_PARAMETER);
}

/* ---- devices and drivers ---- */

static IO_TIMER_ROUTINE Tick;
static VOID NTAPI Tick(PDEVICE_OBJECT Device, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    InterlockedIncrement((PLONG)Context);
}

static VOID Timers(PCONTRACT t)
{
    PDEVICE_OBJECT device;
    static volatile LONG ticks;
    LARGE_INTEGER wait = ContractMs(2500);
    LONG before;

    CHECK_STATUS(IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_SUCCESS);
    CHECK_STATUS(IoInitializeTimer(device, Tick, (PVOID)&ticks), STATUS_SUCCESS);
    IoStartTimer(device);
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    CHECK(ticks >= 2 && ticks <= 3);
    IoStopTimer(device);
    before = ticks;
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    CHECK_EQ(ticks, before);
    IoDeleteDevice(device); /* the timer goes with it */
}

extern POBJECT_TYPE *IoDriverObjectType;

static VOID ByName(PCONTRACT t)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Driver\\objects"), none = RTL_CONSTANT_STRING(L"\\Driver\\nobody");
    PVOID object = NULL;

    CHECK_STATUS(ObReferenceObjectByName(&name, OBJ_CASE_INSENSITIVE, NULL, 0, *IoDriverObjectType, KernelMode, NULL, &object), STATUS_SUCCESS);
    CHECK_EQ(object, Driver);
    if (object)
        ObDereferenceObject(object);
    CHECK_STATUS(ObReferenceObjectByName(&name, OBJ_CASE_INSENSITIVE, NULL, 0, *IoFileObjectType, KernelMode, NULL, &object), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(ObReferenceObjectByName(&none, OBJ_CASE_INSENSITIVE, NULL, 0, NULL, KernelMode, NULL, &object), STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID Reinitialisation(PCONTRACT t)
{
    CHECK_EQ(Reinitialized, 2);
}

static DRIVER_REINITIALIZE Reinitialize;
static VOID NTAPI Reinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    if (Context == &Order && Count == (ULONG)Reinitialized + 1)
        Reinitialized++;
    if (Count == 1)
        IoRegisterDriverReinitialization(DriverObject, Reinitialize, Context);
}

/* ---- requests ---- */

static NTSTATUS Created(PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT file = stack->FileObject;

    RtlZeroMemory(&Last, sizeof(Last));
    Last.related = file->RelatedFileObject != NULL;
    Last.access = stack->Parameters.Create.SecurityContext->DesiredAccess;
    Last.options = stack->Parameters.Create.Options;
    Last.share = stack->Parameters.Create.ShareAccess;
    Last.file_flags = file->Flags;
    Last.read = file->ReadAccess;
    Last.write = file->WriteAccess;
    Last.del = file->DeleteAccess;
    if (file->FileName.Length < sizeof(Last.name))
        RtlCopyMemory(Last.name, file->FileName.Buffer, file->FileName.Length);
    return ContractComplete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

static NTSTATUS Answer(PIRP Irp, const VOID *Data, ULONG Length)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength < Length)
        return ContractComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Data, Length);
    return ContractComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS Reference(PIRP Irp)
{
    HANDLE handle = *(PHANDLE)Irp->AssociatedIrp.SystemBuffer;
    ULONG status[3];
    PVOID object;

    for (ULONG i = 0; i < 3; i++) {
        POBJECT_TYPE type = i == 0 ? *IoFileObjectType : *ExEventObjectType;
        ACCESS_MASK access = i == 2 ? EVENT_MODIFY_STATE : 0;
        object = NULL;
        status[i] = ObReferenceObjectByHandle(handle, access, type, UserMode, &object, NULL);
        if (object)
            ObDereferenceObject(object);
    }
    return Answer(Irp, status, sizeof(status));
}

static NTSTATUS KernelHandle(PIRP Irp)
{
    OBJECT_ATTRIBUTES attributes;

    if (KernelEvent)
        ZwClose(KernelEvent);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    KernelEvent = NULL;
    ZwCreateEvent(&KernelEvent, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE);
    return Answer(Irp, &KernelEvent, sizeof(KernelEvent));
}

static FAST_IO_DEVICE_CONTROL Fast;
static BOOLEAN NTAPI Fast(PFILE_OBJECT File, BOOLEAN Wait, PVOID In, ULONG InLength, PVOID Out, ULONG OutLength, ULONG Code, PIO_STATUS_BLOCK Iosb,
                          PDEVICE_OBJECT Device)
{
    if (Code != IOCTL_OBJECTS_FAST || !File || !Wait || Device->DriverObject != Driver || InLength != sizeof(ULONG) || OutLength != sizeof(ULONG))
        return FALSE;
    if (*(PULONG)In == 0)
        return FALSE;
    *(PULONG)Out = *(PULONG)In * 2;
    Iosb->Status = STATUS_SUCCESS;
    Iosb->Information = sizeof(ULONG);
    return TRUE;
}

static FAST_IO_DISPATCH FastTable;

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG room = stack->Parameters.DeviceIoControl.OutputBufferLength, given = stack->Parameters.DeviceIoControl.InputBufferLength;

    UNREFERENCED_PARAMETER(Device);
    switch (stack->MajorFunction) {
    case IRP_MJ_CREATE:
        return Created(Irp);
    case IRP_MJ_CLOSE:
        CloseIrql = KeGetCurrentIrql();
        KeSetEvent(&Closed, IO_NO_INCREMENT, FALSE);
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        return ContractComplete(Irp, STATUS_SUCCESS, stack->Parameters.Read.Length);
    case IRP_MJ_DEVICE_CONTROL:
        break;
    default:
        return ContractDefault(Irp);
    }
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_OBJECTS_CREATED:
        return Answer(Irp, &Last, sizeof(Last));
    case IOCTL_OBJECTS_REFERENCE:
        return Reference(Irp);
    case IOCTL_OBJECTS_KERNEL_HANDLE:
        return KernelHandle(Irp);
    case IOCTL_OBJECTS_FAST:
        *(PULONG)Irp->UserBuffer = 7; /* in the caller's context */
        return ContractComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    case IOCTL_OBJECTS_OUT:
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_OBJECTS_ECHO:
        return ContractComplete(Irp, STATUS_SUCCESS, given < room ? given : room);
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Driver = DriverObject;
    FastTable.SizeOfFastIoDispatch = sizeof(FastTable);
    FastTable.FastIoDeviceControl = Fast;
    DriverObject->FastIoDispatch = &FastTable;
    Device->Flags |= DO_BUFFERED_IO;
    KeInitializeEvent(&Closed, NotificationEvent, FALSE);
    IoRegisterDriverReinitialization(DriverObject, Reinitialize, &Order);
    return STATUS_SUCCESS;
}

static VOID Teardown(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (KernelEvent)
        ZwClose(KernelEvent);
}

static const CONTRACT_TEST Tests[] = {
    {"share access", ShareAccess},
    {"a reference dropped at DISPATCH_LEVEL", DroppedAtDispatch},
    {"types of handles", Types},
    {"relative opens", Relative},
    {"device timers", Timers},
    {"a driver by its name", ByName},
    {"reinitialisation", Reinitialisation},
};

const CONTRACT_AREA ContractArea = {Tests, sizeof(Tests) / sizeof(Tests[0]), Setup, Teardown, Other};
