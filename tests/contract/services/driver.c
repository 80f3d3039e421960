/* The executive's smaller services: device queues, calls on every processor, stacks, timers of the executive, callbacks, references with tags,
 * processes and threads, privileges and security descriptors, waits of user objects by handle. */
#include "contract_driver.h"
#include <ntundoc.h>

/* Exports that no header declares. */
NTKERNELAPI POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object);
NTKERNELAPI NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);
NTKERNELAPI NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process);
NTKERNELAPI BOOLEAN NTAPI KeIsAttachedProcess(VOID);
NTSYSAPI NTSTATUS NTAPI ZwCreateSemaphore(PHANDLE Handle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes, LONG Count, LONG Limit);
NTSYSAPI NTSTATUS NTAPI ZwReleaseSemaphore(HANDLE Handle, LONG Count, PLONG Previous);
NTSYSAPI NTSTATUS NTAPI ZwCreateMutant(PHANDLE Handle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes, BOOLEAN Owned);
NTSYSAPI NTSTATUS NTAPI ZwReleaseMutant(HANDLE Handle, PLONG Previous);

enum { TAG = 'vreS' };

/* ---- device queues ---- */

static VOID DeviceQueues(PCONTRACT t)
{
    KDEVICE_QUEUE queue;
    KDEVICE_QUEUE_ENTRY e[4];
    KIRQL irql;

    RtlZeroMemory(e, sizeof(e));
    KeInitializeDeviceQueue(&queue);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(!KeInsertDeviceQueue(&queue, &e[0]) && queue.Busy); /* not busy: the caller goes on with it */
    CHECK(KeInsertByKeyDeviceQueue(&queue, &e[1], 30) && KeInsertByKeyDeviceQueue(&queue, &e[2], 10) && KeInsertByKeyDeviceQueue(&queue, &e[3], 20));
    CHECK(KeRemoveByKeyDeviceQueue(&queue, 15) == &e[3]);
    CHECK(KeRemoveByKeyDeviceQueueIfBusy(&queue, 25) == &e[1]);
    CHECK(KeRemoveEntryDeviceQueue(&queue, &e[2]) && !KeRemoveEntryDeviceQueue(&queue, &e[2]));
    CHECK(KeInsertDeviceQueue(&queue, &e[1]));
    CHECK(KeRemoveDeviceQueue(&queue) == &e[1] && queue.Busy);
    CHECK(KeRemoveDeviceQueue(&queue) == NULL && !queue.Busy);
    CHECK(KeRemoveByKeyDeviceQueueIfBusy(&queue, 1) == NULL);
    KeLowerIrql(irql);
}

/* ---- on every processor ---- */

static LONG volatile Seen, Together;

static ULONG_PTR NTAPI OnProcessor(ULONG_PTR Argument)
{
    if (KeGetCurrentIrql() >= DISPATCH_LEVEL)
        InterlockedIncrement(&Seen);
    return Argument + 1;
}

static VOID NTAPI Generic(PKDPC Dpc, PVOID Context, PVOID Done, PVOID Barrier)
{
    UNREFERENCED_PARAMETER(Dpc);
    if (Context == (PVOID)&Together)
        InterlockedIncrement(&Seen);
    KeSignalCallDpcSynchronize(Barrier);
    InterlockedIncrement(&Together);
    KeSignalCallDpcDone(Done);
}

static VOID EveryProcessor(PCONTRACT t)
{
    ULONG processors = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), i;
    PROCESSOR_NUMBER number;

    CHECK(processors >= 1 && KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS) >= processors);
    Seen = 0;
    CHECK_EQ(KeIpiGenericCall(OnProcessor, 41), 42);
    CHECK_EQ(Seen, processors);
    Seen = Together = 0;
    KeGenericCallDpc(Generic, (PVOID)&Together);
    CHECK(Seen == (LONG)processors && Together == (LONG)processors);
    for (i = 0; i < processors; i++) {
        CHECK_STATUS(KeGetProcessorNumberFromIndex(i, &number), STATUS_SUCCESS);
        CHECK_EQ(KeGetProcessorIndexFromNumber(&number), i);
    }
    CHECK_STATUS(KeGetProcessorNumberFromIndex(processors + 64, &number), STATUS_INVALID_PARAMETER);
    CHECK(KeQueryActiveGroupCount() >= 1 && KeQueryMaximumGroupCount() >= KeQueryActiveGroupCount());
    CHECK(KeQueryActiveProcessors() != 0 && KeQueryHighestNodeNumber() <= 63);
}

/* ---- stacks, floating point ---- */

static VOID NTAPI Deep(PVOID Context)
{
    volatile UCHAR room[12000];
    RtlZeroMemory((PVOID)room, sizeof(room));
    *(PULONG_PTR)Context = IoGetRemainingStackSize();
}

static VOID Stacks(PCONTRACT t)
{
    ULONG_PTR low, high, left = 0;
    KFLOATING_SAVE state;
    XSTATE_SAVE extended;

    IoGetStackLimits(&low, &high);
    CHECK(low < (ULONG_PTR)&low && (ULONG_PTR)&low < high);
    CHECK(IoGetRemainingStackSize() > 0 && IoGetRemainingStackSize() < high - low && IoGetInitialStack() != NULL);
    CHECK(IoWithinStackLimits((ULONG_PTR)&low, sizeof(low)) && !IoWithinStackLimits(high, 16));
    CHECK_STATUS(KeExpandKernelStackAndCallout(Deep, &left, 40000), STATUS_SUCCESS);
    CHECK(left >= 1000);
    CHECK_STATUS(KeExpandKernelStackAndCallout(Deep, &left, 0x1000000), STATUS_INVALID_PARAMETER_3);
    CHECK_STATUS(KeSaveFloatingPointState(&state), STATUS_SUCCESS);
    CHECK_STATUS(KeRestoreFloatingPointState(&state), STATUS_SUCCESS);
    CHECK_STATUS(KeSaveExtendedProcessorState(XSTATE_MASK_LEGACY, &extended), STATUS_SUCCESS);
    KeRestoreExtendedProcessorState(&extended);
}

/* ---- timers of the executive ---- */

static LONG volatile Expired;
static KEVENT TimerEvent;

static VOID NTAPI OnTimer(PEX_TIMER Timer, PVOID Context)
{
    UNREFERENCED_PARAMETER(Timer);
    if (Context == (PVOID)&Expired && KeGetCurrentIrql() == DISPATCH_LEVEL)
        InterlockedIncrement(&Expired);
    KeSetEvent(&TimerEvent, IO_NO_INCREMENT, FALSE);
}

static VOID ExTimers(PCONTRACT t)
{
    PEX_TIMER timer = ExAllocateTimer(OnTimer, (PVOID)&Expired, 0);
    LARGE_INTEGER wait = ContractMs(1000);

    CHECK(timer != NULL);
    if (!timer)
        return;
    Expired = 0;
    KeInitializeEvent(&TimerEvent, SynchronizationEvent, FALSE);
    CHECK(!ExSetTimer(timer, ContractMs(10).QuadPart, 0, NULL));
    CHECK_STATUS(KeWaitForSingleObject(&TimerEvent, Executive, KernelMode, FALSE, &wait), STATUS_SUCCESS);
    CHECK_EQ(Expired, 1);
    CHECK(!ExCancelTimer(timer, NULL));
    CHECK(!ExSetTimer(timer, ContractMs(500).QuadPart, 0, NULL));
    CHECK(ExSetTimer(timer, ContractMs(600).QuadPart, 0, NULL)); /* it was set */
    CHECK(ExCancelTimer(timer, NULL));
    CHECK_STATUS(KeWaitForSingleObject(&TimerEvent, Executive, KernelMode, FALSE, &wait), STATUS_TIMEOUT);
    CHECK(!ExSetTimer(timer, ContractMs(10).QuadPart, 20 * 10000, NULL));
    CHECK_STATUS(KeWaitForSingleObject(&TimerEvent, Executive, KernelMode, FALSE, &wait), STATUS_SUCCESS);
    CHECK_STATUS(KeWaitForSingleObject(&TimerEvent, Executive, KernelMode, FALSE, &wait), STATUS_SUCCESS);
    CHECK(ExDeleteTimer(timer, TRUE, TRUE, NULL));
    CHECK(Expired >= 3);
}

/* ---- references ---- */

static VOID References(PCONTRACT t)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle, second;
    PKEVENT event;
    LONG count;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE), STATUS_SUCCESS);
    CHECK(ObIsKernelHandle(handle));
    CHECK_STATUS(ObReferenceObjectByHandleWithTag(handle, EVENT_MODIFY_STATE, *ExEventObjectType, KernelMode, TAG, (PVOID *)&event, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, (PVOID *)&second, NULL), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(ObGetObjectType(event) == *ExEventObjectType);
    count = (LONG)ObReferenceObjectWithTag(event, TAG);
    CHECK(count >= 3);
    CHECK_EQ(ObDereferenceObjectWithTag(event, TAG), count - 1);
    CHECK_STATUS(ObReferenceObjectByPointerWithTag(event, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, TAG), STATUS_SUCCESS);
    ObDereferenceObjectDeferDeleteWithTag(event, TAG);
    CHECK_STATUS(ObReferenceObjectByPointer(event, 0, *PsProcessType, KernelMode), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(ObOpenObjectByPointerWithTag(event, OBJ_KERNEL_HANDLE, NULL, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, TAG, &second), STATUS_SUCCESS);
    CHECK(second != handle);
    CHECK_STATUS(ObCloseHandle(second, KernelMode), STATUS_SUCCESS);
    ObDereferenceObjectWithTag(event, TAG);
    ZwClose(handle);
}

/* ---- processes and threads ---- */

static VOID Processes(PCONTRACT t)
{
    PEPROCESS process;
    PETHREAD thread;
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes;
    CLIENT_ID id;

    CHECK_STATUS(PsLookupProcessByProcessId(PsGetCurrentProcessId(), &process), STATUS_SUCCESS);
    CHECK(process == PsGetCurrentProcess() && PsGetProcessId(process) == PsGetCurrentProcessId());
    CHECK(PsGetProcessCreateTimeQuadPart(process) != 0 && PsGetProcessExitStatus(process) == STATUS_PENDING);
    ObDereferenceObject(process);
    CHECK_STATUS(PsLookupProcessByProcessId((HANDLE)(ULONG_PTR)0x7FFFFFF0, &process), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(PsLookupThreadByThreadId(PsGetCurrentThreadId(), &thread), STATUS_SUCCESS);
    CHECK(thread == PsGetCurrentThread() && !PsIsSystemThread(thread) && !PsIsThreadTerminating(thread));
    ObDereferenceObject(thread);
    CHECK_STATUS(PsLookupThreadByThreadId((HANDLE)(ULONG_PTR)0x7FFFFFF0, &thread), STATUS_INVALID_PARAMETER);
    id.UniqueProcess = PsGetCurrentProcessId();
    id.UniqueThread = NULL;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwOpenProcess(&handle, PROCESS_ALL_ACCESS, &attributes, &id), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(handle, 0, *PsProcessType, KernelMode, (PVOID *)&process, NULL), STATUS_SUCCESS);
    CHECK(process == PsGetCurrentProcess());
    ObDereferenceObject(process);
    ZwClose(handle);
    CHECK(KeGetCurrentThread() == (PKTHREAD)PsGetCurrentThread() && IoThreadToProcess(PsGetCurrentThread()) == PsGetCurrentProcess());
    CHECK(ExGetPreviousMode() == UserMode && !IoIsSystemThread(PsGetCurrentThread()));
}

/* ---- objects by handle ---- */

static VOID ByHandle(PCONTRACT t)
{
    OBJECT_ATTRIBUTES attributes;
    LARGE_INTEGER none;
    HANDLE semaphore, mutant;
    LONG before = 99;

    none.QuadPart = 0;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwCreateSemaphore(&semaphore, SEMAPHORE_ALL_ACCESS, &attributes, 1, 2), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForSingleObject(semaphore, FALSE, &none), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForSingleObject(semaphore, FALSE, &none), STATUS_TIMEOUT);
    CHECK_STATUS(ZwReleaseSemaphore(semaphore, 2, &before), STATUS_SUCCESS);
    CHECK_EQ(before, 0);
    CHECK_STATUS(ZwReleaseSemaphore(semaphore, 1, NULL), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    ZwClose(semaphore);
    CHECK_STATUS(ZwCreateSemaphore(&semaphore, SEMAPHORE_ALL_ACCESS, &attributes, 3, 2), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ZwCreateMutant(&mutant, 0x1F0001 /* MUTANT_ALL_ACCESS */, &attributes, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForSingleObject(mutant, FALSE, &none), STATUS_SUCCESS);
    CHECK_STATUS(ZwReleaseMutant(mutant, &before), STATUS_SUCCESS);
    CHECK_STATUS(ZwReleaseMutant(mutant, &before), STATUS_SUCCESS);
    CHECK_STATUS(ZwReleaseMutant(mutant, &before), STATUS_MUTANT_NOT_OWNED);
    ZwClose(mutant);
}

/* ---- callbacks of bug checks, floating and memory barriers, small questions ---- */

static VOID NTAPI OnBugCheck(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Length);
}

static VOID Small(PCONTRACT t)
{
    static KBUGCHECK_CALLBACK_RECORD record;
    static UCHAR buffer[16];
    LARGE_INTEGER system, local, back;
    ULONG64 first, second;
    UUID uuid, other;
    HANDLE key;

    KeInitializeCallbackRecord((&record));
    CHECK(KeRegisterBugCheckCallback(&record, OnBugCheck, buffer, sizeof(buffer), (PUCHAR) "contract"));
    CHECK(!KeRegisterBugCheckCallback(&record, OnBugCheck, buffer, sizeof(buffer), (PUCHAR) "contract"));
    CHECK(KeDeregisterBugCheckCallback(&record) && !KeDeregisterBugCheckCallback(&record));
    KeQuerySystemTimePrecise(&system);
    ExSystemTimeToLocalTime(&system, &local);
    ExLocalTimeToSystemTime(&local, &back);
    CHECK(system.QuadPart != 0 && back.QuadPart == system.QuadPart);
    KeQueryInterruptTimePrecise(&first);
    KeQueryInterruptTimePrecise(&second);
    CHECK(second >= first);
    CHECK(NT_SUCCESS(ExUuidCreate(&uuid)) && NT_SUCCESS(ExUuidCreate(&other)) && !RtlEqualMemory(&uuid, &other, sizeof(uuid)));
    CHECK(IoIsWdmVersionAvailable(1, 0x10) && !IoIsWdmVersionAvailable(99, 0));
    CHECK(RtlIsNtDdiVersionAvailable(0x06000000) && !RtlIsNtDdiVersionAvailable(0x7F000000));
    CHECK(ExIsProcessorFeaturePresent(PF_XMMI_INSTRUCTIONS_AVAILABLE) && !ExIsProcessorFeaturePresent(0x7FFF));
    CHECK(IoGetConfigurationInformation() != NULL && !KeIsAttachedProcess());
    CHECK_STATUS(IoOpenDriverRegistryKey(t->Device->DriverObject, DriverRegKeyParameters, KEY_ALL_ACCESS, 0, &key), STATUS_SUCCESS);
    ZwClose(key);
    CHECK_STATUS(IoOpenDriverRegistryKey(t->Device->DriverObject, DriverRegKeyParameters, KEY_ALL_ACCESS, 1, &key), STATUS_INVALID_PARAMETER);
    CHECK_EQ(KeSetBasePriorityThread(KeGetCurrentThread(), 2), 0);
    CHECK_EQ(KeSetBasePriorityThread(KeGetCurrentThread(), 0), 2);
}

/* ---- security ---- */

static VOID Security(PCONTRACT t)
{
    SECURITY_SUBJECT_CONTEXT subject;
    SECURITY_DESCRIPTOR descriptor;
    ACCESS_MASK granted = 0;
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    PACCESS_TOKEN token;
    LUID debug = {20, 0};
    GENERIC_MAPPING mapping = *IoGetFileObjectGenericMapping();

    SeCaptureSubjectContext(&subject);
    SeLockSubjectContext(&subject);
    CHECK_STATUS(RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
    CHECK_STATUS(RtlSetDaclSecurityDescriptor(&descriptor, TRUE, NULL, FALSE), STATUS_SUCCESS);
    CHECK(SeAccessCheck(&descriptor, &subject, TRUE, GENERIC_READ, 0, NULL, &mapping, UserMode, &granted, &status));
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK((granted & FILE_READ_DATA) && !(granted & GENERIC_READ));
    SeUnlockSubjectContext(&subject);
    SeReleaseSubjectContext(&subject);
    CHECK(SeSinglePrivilegeCheck(debug, KernelMode));
    token = PsReferencePrimaryToken(PsGetCurrentProcess());
    CHECK(token && SeTokenType(token) == TokenPrimary);
    PsDereferencePrimaryToken(token);
}

static const CONTRACT_TEST Tests[] = {
    {"device queues", DeviceQueues},
    {"every processor", EveryProcessor},
    {"stacks", Stacks},
    {"timers of the executive", ExTimers},
    {"references", References},
    {"processes", Processes},
    {"by handle", ByHandle},
    {"small services", Small},
    {"security", Security},
};

const CONTRACT_AREA ContractArea = {Tests, sizeof(Tests) / sizeof(Tests[0]), NULL, NULL, NULL};
