/* SMCLIB.SYS: what a reader's life begins and ends with: buffers, links, remove lock, error log. The control codes are in control.c, the
 * answer to reset in atr.c, the protocols in protocol.c.
 *
 * DOC: "Smart Card Driver Library" (WDM): an export driver; readers link with it and hand it their SMARTCARD_EXTENSION. */
#include <ntddk.h>
#include <smclib.h>

enum { LINK_ROOM = 32 * sizeof(WCHAR) };

static ULONG debug_level;

static VOID unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DllUnload(VOID)
{
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

static PVOID allocate(SIZE_T size)
{
    PVOID p = ExAllocatePoolWithTag(NonPagedPoolNx, size, SMARTCARD_POOL_TAG);
    if (p)
        RtlZeroMemory(p, size);
    return p;
}

static VOID release(PVOID p)
{
    if (p)
        ExFreePoolWithTag(p, SMARTCARD_POOL_TAG);
}

static VOID prepare_os_data(POS_DEP_DATA os)
{
    KeInitializeMutex(&os->Mutex, 0);
    KeInitializeSpinLock(&os->SpinLock);
    KeInitializeEvent(&os->RemoveLock.RemovedEvent, NotificationEvent, FALSE);
    InitializeListHead(&os->RemoveLock.TagList);
    os->RemoveLock.RefCount = 1; /* SmartcardReleaseRemoveLockAndWait gives this one back */
}

static VOID take_back(PSMARTCARD_EXTENSION SmartcardExtension)
{
    release(SmartcardExtension->SmartcardRequest.Buffer);
    release(SmartcardExtension->SmartcardReply.Buffer);
    release(SmartcardExtension->PerfInfo);
    release(SmartcardExtension->OsData);
    SmartcardExtension->SmartcardRequest.Buffer = SmartcardExtension->SmartcardReply.Buffer = NULL;
    SmartcardExtension->PerfInfo = NULL;
    SmartcardExtension->OsData = NULL;
}

/* DOC: the driver says how large the buffers are to be; each has at least 288 bytes. A wrong Version is STATUS_UNSUCCESSFUL, and OsData
 * stays NULL. */
NTSTATUS NTAPI SmartcardInitialize(PSMARTCARD_EXTENSION SmartcardExtension)
{
    SmartcardExtension->OsData = NULL;
    if (SmartcardExtension->Version < SMCLIB_VERSION_REQUIRED)
        return STATUS_UNSUCCESSFUL;
    if (SmartcardExtension->SmartcardRequest.BufferSize < MIN_BUFFER_SIZE)
        SmartcardExtension->SmartcardRequest.BufferSize = MIN_BUFFER_SIZE;
    if (SmartcardExtension->SmartcardReply.BufferSize < MIN_BUFFER_SIZE)
        SmartcardExtension->SmartcardReply.BufferSize = MIN_BUFFER_SIZE;
    SmartcardExtension->SmartcardRequest.Buffer = allocate(SmartcardExtension->SmartcardRequest.BufferSize);
    SmartcardExtension->SmartcardReply.Buffer = allocate(SmartcardExtension->SmartcardReply.BufferSize);
    SmartcardExtension->OsData = allocate(sizeof(OS_DEP_DATA));
    SmartcardExtension->PerfInfo = allocate(sizeof(PERF_INFO));
    if (!SmartcardExtension->SmartcardRequest.Buffer || !SmartcardExtension->SmartcardReply.Buffer || !SmartcardExtension->OsData ||
        !SmartcardExtension->PerfInfo) {
        take_back(SmartcardExtension);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    prepare_os_data(SmartcardExtension->OsData);
    SmartcardExtension->ReaderCapabilities.CurrentState = SCARD_UNKNOWN;
    return STATUS_SUCCESS;
}

VOID NTAPI SmartcardExit(PSMARTCARD_EXTENSION SmartcardExtension)
{
    take_back(SmartcardExtension);
}

/* ---- names ---- */

/* DOC: legacy readers are \DosDevices\SCReader0 and so on; the buffer of LinkName is the library's until SmartcardDeleteLink. */
NTSTATUS NTAPI SmartcardCreateLink(PUNICODE_STRING LinkName, PUNICODE_STRING DeviceName)
{
    static const WCHAR prefix[] = L"\\DosDevices\\SCReader";
    const USHORT length = sizeof prefix - sizeof(WCHAR);
    if (!LinkName || !DeviceName)
        return STATUS_INVALID_PARAMETER;
    LinkName->Buffer = allocate(LINK_ROOM);
    if (!LinkName->Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    LinkName->MaximumLength = LINK_ROOM;
    LinkName->Length = length + sizeof(WCHAR);
    RtlCopyMemory(LinkName->Buffer, prefix, length);
    for (ULONG i = 0; i < MAXIMUM_SMARTCARD_READERS; i++) {
        LinkName->Buffer[length / sizeof(WCHAR)] = (WCHAR)(L'0' + i);
        NTSTATUS status = IoCreateSymbolicLink(LinkName, DeviceName);
        if (status != STATUS_OBJECT_NAME_COLLISION && status != STATUS_OBJECT_NAME_EXISTS) {
            if (!NT_SUCCESS(status)) {
                release(LinkName->Buffer);
                LinkName->Buffer = NULL;
            }
            return status;
        }
    }
    release(LinkName->Buffer);
    LinkName->Buffer = NULL;
    return STATUS_INSUFFICIENT_RESOURCES;
}

VOID NTAPI SmartcardDeleteLink(PUNICODE_STRING LinkName)
{
    IoDeleteSymbolicLink(LinkName);
    release(LinkName->Buffer);
    LinkName->Buffer = NULL;
}

VOID NTAPI SmartcardLogError(PVOID Object, NTSTATUS ErrorCode, PUNICODE_STRING Insertion, ULONG DumpData)
{
    ULONG text = Insertion ? Insertion->Length + sizeof(WCHAR) : 0, size = sizeof(IO_ERROR_LOG_PACKET) + text;
    PIO_ERROR_LOG_PACKET packet;
    if (size > ERROR_LOG_MAXIMUM_SIZE)
        return;
    packet = IoAllocateErrorLogEntry(Object, (UCHAR)size);
    if (!packet)
        return;
    RtlZeroMemory(packet, size);
    packet->ErrorCode = ErrorCode;
    packet->DumpData[0] = DumpData;
    packet->DumpDataSize = DumpData ? sizeof(ULONG) : 0;
    packet->StringOffset = sizeof(IO_ERROR_LOG_PACKET);
    packet->NumberOfStrings = Insertion ? 1 : 0;
    if (Insertion)
        RtlCopyMemory((PUCHAR)packet + sizeof(IO_ERROR_LOG_PACKET), Insertion->Buffer, Insertion->Length);
    IoWriteErrorLogEntry(packet);
}

/* ---- the remove lock: tags are for checked builds, and counted only here ---- */

NTSTATUS NTAPI SmartcardAcquireRemoveLockWithTag(PSMARTCARD_EXTENSION SmartcardExtension, ULONG Tag)
{
    POS_DEP_DATA os = SmartcardExtension->OsData;
    InterlockedIncrement(&os->RemoveLock.RefCount);
    if (!os->RemoveLock.Removed)
        return STATUS_SUCCESS;
    SmartcardReleaseRemoveLockWithTag(SmartcardExtension, Tag);
    return STATUS_DELETE_PENDING;
}

VOID NTAPI SmartcardReleaseRemoveLockWithTag(PSMARTCARD_EXTENSION SmartcardExtension, ULONG Tag)
{
    if (InterlockedDecrement(&SmartcardExtension->OsData->RemoveLock.RefCount) == 0)
        KeSetEvent(&SmartcardExtension->OsData->RemoveLock.RemovedEvent, IO_NO_INCREMENT, FALSE);
}

NTSTATUS NTAPI SmartcardAcquireRemoveLock(PSMARTCARD_EXTENSION SmartcardExtension)
{
    return SmartcardAcquireRemoveLockWithTag(SmartcardExtension, 0);
}

VOID NTAPI SmartcardReleaseRemoveLock(PSMARTCARD_EXTENSION SmartcardExtension)
{
    SmartcardReleaseRemoveLockWithTag(SmartcardExtension, 0);
}

/* The caller holds the lock once, as with IoReleaseRemoveLockAndWait. */
VOID NTAPI SmartcardReleaseRemoveLockAndWait(PSMARTCARD_EXTENSION SmartcardExtension)
{
    POS_DEP_DATA os = SmartcardExtension->OsData;
    os->RemoveLock.Removed = TRUE;
    InterlockedDecrement(&os->RemoveLock.RefCount);
    SmartcardReleaseRemoveLockWithTag(SmartcardExtension, 0);
    KeWaitForSingleObject(&os->RemoveLock.RemovedEvent, Executive, KernelMode, FALSE, NULL);
}

VOID NTAPI SmartcardSetDebugLevel(ULONG Level)
{
    debug_level = Level;
}

ULONG NTAPI SmartcardGetDebugLevel(VOID)
{
    return debug_level;
}
