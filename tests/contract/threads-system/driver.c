/* System threads and APCs. */
#include "contract_driver.h"
#include <ntundoc.h>

typedef struct _BODY {
    PKTHREAD Thread;
    HANDLE Id;
    BOOLEAN InSystem, IsSystem;
    KPRIORITY Priority;
    KIRQL Irql;
    KEVENT Started, Go;
} BODY, *PBODY;

static HANDLE Start(PKSTART_ROUTINE Routine, PVOID Context, PCLIENT_ID Id, PVOID *Thread)
{
    HANDLE handle = NULL;
    OBJECT_ATTRIBUTES attributes;

    *Thread = NULL;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, Id, Routine, Context)))
        ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, Thread, NULL);
    return handle;
}

static KSTART_ROUTINE Body;
static VOID Body(PVOID Context)
{
    PBODY body = (PBODY)Context;

    body->Thread = KeGetCurrentThread();
    body->Id = PsGetCurrentThreadId();
    body->InSystem = PsGetCurrentProcess() == PsInitialSystemProcess;
    body->IsSystem = PsIsSystemThread((PETHREAD)body->Thread);
    body->Irql = KeGetCurrentIrql();
    KeSetPriorityThread(body->Thread, LOW_REALTIME_PRIORITY);
    body->Priority = KeQueryPriorityThread(body->Thread);
    KeSetEvent(&body->Started, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&body->Go, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_REQUEST_ABORTED);
}

static VOID LifeOfAThread(PCONTRACT t)
{
    BODY body;
    CLIENT_ID id;
    PVOID thread;
    HANDLE handle;
    LARGE_INTEGER now = {.QuadPart = 0};

    RtlZeroMemory(&body, sizeof(body));
    KeInitializeEvent(&body.Started, NotificationEvent, FALSE);
    KeInitializeEvent(&body.Go, NotificationEvent, FALSE);
    handle = Start(Body, &body, &id, &thread);
    CHECK(handle && thread);
    if (!thread)
        return;
    KeWaitForSingleObject(&body.Started, Executive, KernelMode, FALSE, NULL);
    CHECK(body.Thread == thread);
    CHECK(body.Thread != KeGetCurrentThread());
    CHECK(body.Id == id.UniqueThread);
    CHECK(PsGetThreadId((PETHREAD)thread) == id.UniqueThread);
    CHECK(body.InSystem);
    CHECK(body.IsSystem);
    CHECK(!PsIsSystemThread(PsGetCurrentThread()));
    CHECK_EQ(body.Irql, PASSIVE_LEVEL);
    CHECK_EQ(body.Priority, LOW_REALTIME_PRIORITY);
    CHECK_STATUS(KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, &now), STATUS_TIMEOUT);
    KeSetEvent(&body.Go, IO_NO_INCREMENT, FALSE);
    CHECK_STATUS(KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK_STATUS(PsGetThreadExitStatus((PETHREAD)thread), STATUS_REQUEST_ABORTED);
    CHECK_STATUS(ZwWaitForSingleObject(handle, FALSE, NULL), STATUS_SUCCESS);
    ObDereferenceObject(thread);
    ZwClose(handle);
}

static KSTART_ROUTINE JustReturns;
static VOID JustReturns(PVOID Context)
{
    *(PULONG)Context = 1;
}

static VOID Returning(PCONTRACT t)
{
    ULONG ran = 0;
    PVOID thread;
    HANDLE handle = Start(JustReturns, &ran, NULL, &thread);

    CHECK(thread != NULL);
    if (!thread)
        return;
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ(ran, 1);
    ObDereferenceObject(thread);
    ZwClose(handle);
}

static VOID Many(PCONTRACT t)
{
    ULONG ran[8] = {0};
    PVOID threads[8];

    for (ULONG i = 0; i < 8; i++)
        ZwClose(Start(JustReturns, &ran[i], NULL, &threads[i]));
    for (ULONG i = 0; i < 8; i++) {
        KeWaitForSingleObject(threads[i], Executive, KernelMode, FALSE, NULL);
        CHECK_EQ(ran[i], 1);
        ObDereferenceObject(threads[i]);
    }
}

/* ---- APCs to the current thread ---- */

static ULONG KernelPart;
static KIRQL KernelLevel, NormalLevel;

static VOID NTAPI Kernel(PKAPC Apc, KNORMAL_ROUTINE **Normal, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KernelPart++;
    KernelLevel = KeGetCurrentIrql();
}

static VOID NTAPI Normal(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    *(PULONG)Context += 1;
    NormalLevel = KeGetCurrentIrql();
}

static VOID SpecialApc(PCONTRACT t)
{
    KAPC apc;
    KIRQL irql;
    ULONG atApcLevel;
    BOOLEAN queued, twice;

    KernelPart = 0;
    KeInitializeApc(&apc, KeGetCurrentThread(), OriginalApcEnvironment, Kernel, NULL, NULL, KernelMode, NULL);
    KeRaiseIrql(APC_LEVEL, &irql);
    queued = KeInsertQueueApc(&apc, NULL, NULL, IO_NO_INCREMENT);
    twice = KeInsertQueueApc(&apc, NULL, NULL, IO_NO_INCREMENT);
    atApcLevel = KernelPart;
    KeLowerIrql(irql);
    CHECK(queued);
    CHECK(!twice);
    CHECK_EQ(atApcLevel, 0);
    CHECK_EQ(KernelPart, 1);
    CHECK_EQ(KernelLevel, APC_LEVEL);
    /* A critical region keeps it out no more than PASSIVE_LEVEL does, a guarded region does. */
    KeEnterCriticalRegion();
    KeInsertQueueApc(&apc, NULL, NULL, IO_NO_INCREMENT);
    CHECK_EQ(KernelPart, 2);
    KeLeaveCriticalRegion();
    KeEnterGuardedRegion();
    KeInsertQueueApc(&apc, NULL, NULL, IO_NO_INCREMENT);
    CHECK_EQ(KernelPart, 2);
    KeLeaveGuardedRegion();
    CHECK_EQ(KernelPart, 3);
}

static VOID NormalApc(PCONTRACT t)
{
    KAPC apc;
    ULONG ran = 0;

    KernelPart = 0;
    KeInitializeApc(&apc, KeGetCurrentThread(), OriginalApcEnvironment, Kernel, NULL, Normal, KernelMode, &ran);
    KeEnterCriticalRegion();
    CHECK(KeInsertQueueApc(&apc, NULL, NULL, IO_NO_INCREMENT));
    CHECK_EQ(ran, 0);
    KeLeaveCriticalRegion();
    CHECK_EQ(KernelPart, 1);
    CHECK_EQ(ran, 1);
    CHECK_EQ(NormalLevel, PASSIVE_LEVEL);
    CHECK(KeInsertQueueApc(&apc, NULL, NULL, IO_NO_INCREMENT));
    CHECK_EQ(ran, 2);
}

/* ---- notify routines ---- */

static LONG ThreadsBegun, ThreadsEnded, ProcessesTold;
static HANDLE WatchedThread;

static VOID OnThread(HANDLE Process, HANDLE Thread, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(Process);
    if (Create)
        InterlockedIncrement(&ThreadsBegun);
    else if (Thread == WatchedThread)
        InterlockedIncrement(&ThreadsEnded);
}

static VOID OnProcess(PEPROCESS Process, HANDLE Id, PPS_CREATE_NOTIFY_INFO Info)
{
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(Id);
    UNREFERENCED_PARAMETER(Info);
    InterlockedIncrement(&ProcessesTold);
}

static KSTART_ROUTINE EndAtOnce;
static VOID EndAtOnce(PVOID Context)
{
    KeWaitForSingleObject(Context, Executive, KernelMode, FALSE, NULL);
}

static VOID RunOne(PCONTRACT t)
{
    KEVENT go;
    CLIENT_ID id;
    PVOID thread;
    HANDLE handle;

    KeInitializeEvent(&go, NotificationEvent, FALSE);
    handle = Start(EndAtOnce, &go, &id, &thread);
    CHECK(handle && thread);
    if (!thread)
        return;
    WatchedThread = id.UniqueThread;
    KeSetEvent(&go, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
    ZwClose(handle);
}

static VOID ThreadNotify(PCONTRACT t)
{
    LONG begun, ended;

    CHECK(NT_SUCCESS(PsSetCreateThreadNotifyRoutine(OnThread)));
    RunOne(t);
    begun = ThreadsBegun;
    ended = ThreadsEnded;
    CHECK(begun >= 1);
    CHECK_EQ(ended, 1);
    CHECK(NT_SUCCESS(PsRemoveCreateThreadNotifyRoutine(OnThread)));
    CHECK_STATUS(PsRemoveCreateThreadNotifyRoutine(OnThread), STATUS_PROCEDURE_NOT_FOUND);
    begun = ThreadsBegun;
    RunOne(t);
    CHECK_EQ(ThreadsBegun, begun);
    CHECK_EQ(ThreadsEnded, ended);
}

static VOID ProcessNotify(PCONTRACT t)
{
    NTSTATUS status = PsSetCreateProcessNotifyRoutineEx(OnProcess, FALSE);

    if (status == STATUS_ACCESS_DENIED) /* linked without /INTEGRITYCHECK */
        return;
    CHECK(NT_SUCCESS(status));
    CHECK_STATUS(PsSetCreateProcessNotifyRoutineEx(OnProcess, FALSE), STATUS_INVALID_PARAMETER);
    CHECK(NT_SUCCESS(PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE)));
    CHECK(!NT_SUCCESS(PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE)));
}

static const CONTRACT_TEST Tests[] = {
    {"the life of a thread", LifeOfAThread},
    {"a thread that returns", Returning},
    {"several threads", Many},
    {"special kernel APC", SpecialApc},
    {"normal kernel APC", NormalApc},
    {"thread notify routines", ThreadNotify},
    {"process notify routines", ProcessNotify},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
