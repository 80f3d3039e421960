/* Asynchronous procedure calls: what holds them back, in which order they come, what they do to waits, what becomes of them when a
 * thread ends, and which regions stop the completion of I/O. */
#include "contract_driver.h"
#include <ntundoc.h>

enum { WAIT_ALERTABLE_KERNEL, WAIT_ALERTABLE_USER, WAIT_USER };

/* ---- what happened, in order ---- */

static struct {
    volatile LONG Count;
    volatile CHAR What[32];
    volatile KIRQL Irql[32];
    PKTHREAD volatile Thread[32];
} Log;

static VOID Note(CHAR What)
{
    LONG i = InterlockedIncrement(&Log.Count) - 1;

    if (i < 31) {
        Log.What[i] = What;
        Log.Irql[i] = KeGetCurrentIrql();
        Log.Thread[i] = KeGetCurrentThread();
    }
}

static VOID Clear(VOID)
{
    RtlZeroMemory(&Log, sizeof(Log));
}

static BOOLEAN LogIs(PCSTR Expected)
{
    LONG i = 0;

    for (; Expected[i]; i++)
        if (Log.What[i] != Expected[i])
            return FALSE;
    return Log.Count == i;
}

#define CHECK_LOG(expected) CHECK(LogIs(expected))

static VOID NTAPI Special(PKAPC Apc, KNORMAL_ROUTINE **Routine, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Routine);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Note('s');
}

static VOID NTAPI Kernel(PKAPC Apc, KNORMAL_ROUTINE **Routine, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Routine);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Note('k');
}

static VOID NTAPI Normal(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Note('n');
}

static VOID NTAPI Rundown(PKAPC Apc)
{
    UNREFERENCED_PARAMETER(Apc);
    Note('r');
}

static VOID InitSpecial(PKAPC Apc, PKTHREAD Thread)
{
    KeInitializeApc(Apc, Thread, OriginalApcEnvironment, Special, NULL, NULL, KernelMode, NULL);
}

static VOID InitNormal(PKAPC Apc, PKTHREAD Thread, KNORMAL_ROUTINE *Routine)
{
    KeInitializeApc(Apc, Thread, OriginalApcEnvironment, Kernel, NULL, Routine, KernelMode, NULL);
}

static BOOLEAN Queue(PKAPC Apc)
{
    return KeInsertQueueApc(Apc, NULL, NULL, IO_NO_INCREMENT);
}

/* ---- what is disabled where ---- */

static VOID Regions(PCONTRACT t)
{
    FAST_MUTEX fast;
    KGUARDED_MUTEX guarded;
    KMUTEX mutex;
    KIRQL irql;

    CHECK(!KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
    KeEnterCriticalRegion();
    CHECK(KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
    CHECK(KeAreApcsDisabled());
    KeLeaveCriticalRegion();
    CHECK(!KeAreApcsDisabled());
    KeEnterGuardedRegion();
    CHECK(KeAreApcsDisabled());
    CHECK(KeAreAllApcsDisabled());
    KeEnterCriticalRegion();
    KeLeaveGuardedRegion();
    CHECK(KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
    KeLeaveCriticalRegion();
    KeRaiseIrql(APC_LEVEL, &irql);
    CHECK(KeAreAllApcsDisabled());
    CHECK(!KeAreApcsDisabled()); /* counts only */
    KeLowerIrql(irql);
    ExInitializeFastMutex(&fast);
    ExAcquireFastMutex(&fast);
    CHECK(KeAreAllApcsDisabled());
    CHECK_EQ(KeGetCurrentIrql(), APC_LEVEL);
    ExReleaseFastMutex(&fast);
    KeInitializeGuardedMutex(&guarded);
    KeAcquireGuardedMutex(&guarded);
    CHECK(KeAreAllApcsDisabled());
    KeReleaseGuardedMutex(&guarded);
    KeInitializeMutex(&mutex, 0);
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
    CHECK(KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
    KeReleaseMutex(&mutex, FALSE);
    FsRtlEnterFileSystem();
    CHECK(KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
    FsRtlExitFileSystem();
    CHECK(!KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
}

/* ---- order ---- */

static VOID SpecialFirst(PCONTRACT t)
{
    KAPC special[2], normal[2];
    KIRQL irql;

    Clear();
    for (ULONG i = 0; i < 2; i++) {
        InitSpecial(&special[i], KeGetCurrentThread());
        InitNormal(&normal[i], KeGetCurrentThread(), Normal);
    }
    KeRaiseIrql(APC_LEVEL, &irql);
    for (ULONG i = 0; i < 2; i++) {
        CHECK(Queue(&normal[i]));
        CHECK(Queue(&special[i]));
    }
    CHECK_LOG("");
    KeLowerIrql(irql);
    CHECK_LOG("ssknkn");
    CHECK_EQ(Log.Irql[0], APC_LEVEL);
    CHECK_EQ(Log.Irql[2], APC_LEVEL);
    CHECK_EQ(Log.Irql[3], PASSIVE_LEVEL);
    CHECK(Log.Thread[0] == KeGetCurrentThread());
}

static VOID HeldBack(PCONTRACT t)
{
    KAPC special, normal;

    Clear();
    InitSpecial(&special, KeGetCurrentThread());
    InitNormal(&normal, KeGetCurrentThread(), Normal);
    KeEnterCriticalRegion();
    Queue(&normal);
    CHECK_LOG("");
    Queue(&special);
    CHECK_LOG("s"); /* past the normal one that waits */
    KeEnterGuardedRegion();
    Queue(&special);
    KeLeaveCriticalRegion();
    CHECK_LOG("s");
    KeLeaveGuardedRegion();
    CHECK_LOG("sskn");
}

static KAPC InnerNormal, InnerSpecial;

static VOID NTAPI Busy(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Note('(');
    Queue(&InnerNormal);
    Queue(&InnerSpecial);
    Note(')');
}

static VOID OneNormalAtATime(PCONTRACT t)
{
    KAPC outer;

    Clear();
    InitNormal(&outer, KeGetCurrentThread(), Busy);
    InitNormal(&InnerNormal, KeGetCurrentThread(), Normal);
    InitSpecial(&InnerSpecial, KeGetCurrentThread());
    Queue(&outer);
    CHECK_LOG("k(s)kn");
}

/* ---- the kernel routine ---- */

static VOID NTAPI Skips(PKAPC Apc, KNORMAL_ROUTINE **Routine, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Note('x');
    *Routine = NULL;
}

static ULONG_PTR Seen[3];

static VOID NTAPI Sees(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    Seen[0] = (ULONG_PTR)Context;
    Seen[1] = (ULONG_PTR)Argument1;
    Seen[2] = (ULONG_PTR)Argument2;
}

static VOID NTAPI Changes(PKAPC Apc, KNORMAL_ROUTINE **Routine, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    *Routine = Sees;
    *(ULONG_PTR *)Context += 10;
    *(ULONG_PTR *)Argument1 += 20;
    *(ULONG_PTR *)Argument2 += 30;
}

static VOID KernelRoutineDecides(PCONTRACT t)
{
    KAPC apc;

    Clear();
    KeInitializeApc(&apc, KeGetCurrentThread(), OriginalApcEnvironment, Skips, NULL, Normal, KernelMode, NULL);
    Queue(&apc);
    CHECK_LOG("x");
    KeInitializeApc(&apc, KeGetCurrentThread(), OriginalApcEnvironment, Changes, NULL, Normal, KernelMode, (PVOID)1);
    CHECK(KeInsertQueueApc(&apc, (PVOID)2, (PVOID)3, IO_NO_INCREMENT));
    CHECK_LOG("x");
    CHECK_EQ(Seen[0], 11);
    CHECK_EQ(Seen[1], 22);
    CHECK_EQ(Seen[2], 33);
}

static ULONG Again;

static VOID NTAPI Requeues(PKAPC Apc, KNORMAL_ROUTINE **Routine, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Routine);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Note('q');
    if (Again-- && !Queue(Apc))
        Note('!');
}

static VOID InsertedOnce(PCONTRACT t)
{
    KAPC apc;
    KIRQL irql;

    Clear();
    InitSpecial(&apc, KeGetCurrentThread());
    KeRaiseIrql(APC_LEVEL, &irql);
    CHECK(Queue(&apc));
    CHECK(!Queue(&apc));
    CHECK(KeRemoveQueueApc(&apc));
    CHECK(!KeRemoveQueueApc(&apc));
    KeLowerIrql(irql);
    CHECK_LOG("");
    Again = 2;
    KeInitializeApc(&apc, KeGetCurrentThread(), OriginalApcEnvironment, Requeues, NULL, NULL, KernelMode, NULL);
    Queue(&apc);
    CHECK_LOG("qqq");
}

/* ---- another thread ---- */

typedef struct _OTHER {
    PKTHREAD Thread;
    HANDLE Handle;
    KEVENT Ready, Go;
    ULONG How;
    NTSTATUS Status;
    LONGLONG Waited;
} OTHER, *POTHER;

enum { WAIT_FOREVER, WAIT_TIMED, WAIT_IN_CRITICAL_REGION, WAIT_AT_APC_LEVEL, WAIT_ALERTABLE, LEAVES_USER_APC };

static VOID WaitAs(POTHER o, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    ULONG64 before = KeQueryInterruptTime();

    KeSetEvent(&o->Ready, IO_NO_INCREMENT, FALSE);
    o->Status = KeWaitForSingleObject(&o->Go, Executive, KernelMode, Alertable, Timeout);
    o->Waited = (LONGLONG)(KeQueryInterruptTime() - before);
    Note('w');
}

static KSTART_ROUTINE Body;
static VOID Body(PVOID Context)
{
    POTHER o = (POTHER)Context;
    LARGE_INTEGER timeout = ContractMs(100);
    KIRQL irql;

    switch (o->How) {
    case WAIT_IN_CRITICAL_REGION:
        KeEnterCriticalRegion();
        WaitAs(o, FALSE, NULL);
        KeLeaveCriticalRegion();
        break;
    case WAIT_AT_APC_LEVEL:
        KeRaiseIrql(APC_LEVEL, &irql);
        WaitAs(o, FALSE, NULL);
        KeLowerIrql(irql);
        break;
    case WAIT_ALERTABLE:
        WaitAs(o, TRUE, NULL);
        break;
    case WAIT_TIMED:
        WaitAs(o, FALSE, &timeout);
        break;
    default:
        WaitAs(o, FALSE, NULL);
    }
    Note('e');
}

static BOOLEAN Begin(POTHER o, ULONG How)
{
    OBJECT_ATTRIBUTES attributes;
    LARGE_INTEGER moment = ContractMs(20);

    RtlZeroMemory(o, sizeof(*o));
    o->How = How;
    KeInitializeEvent(&o->Ready, NotificationEvent, FALSE);
    KeInitializeEvent(&o->Go, NotificationEvent, FALSE);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(PsCreateSystemThread(&o->Handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, Body, o)))
        return FALSE;
    ObReferenceObjectByHandle(o->Handle, SYNCHRONIZE, *PsThreadType, KernelMode, (PVOID *)&o->Thread, NULL);
    KeWaitForSingleObject(&o->Ready, Executive, KernelMode, FALSE, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &moment); /* it waits by now */
    return TRUE;
}

static VOID LetGo(POTHER o)
{
    KeSetEvent(&o->Go, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(o->Thread, Executive, KernelMode, FALSE, NULL);
}

static VOID End(POTHER o)
{
    ObDereferenceObject(o->Thread);
    ZwClose(o->Handle);
}

static VOID Moment(VOID)
{
    LARGE_INTEGER moment = ContractMs(20);
    KeDelayExecutionThread(KernelMode, FALSE, &moment);
}

static VOID WaitsGoOn(PCONTRACT t)
{
    OTHER o;
    KAPC special, normal;

    Clear();
    if (!Begin(&o, WAIT_FOREVER))
        return;
    InitSpecial(&special, o.Thread);
    InitNormal(&normal, o.Thread, Normal);
    Queue(&special);
    Moment();
    Queue(&normal);
    Moment();
    CHECK_LOG("skn");
    CHECK(Log.Thread[0] == o.Thread);
    LetGo(&o);
    CHECK_LOG("sknwe");
    CHECK_STATUS(o.Status, STATUS_SUCCESS);
    CHECK(!Queue(&special)); /* the thread has ended */
    End(&o);
}

static VOID TimedWaitsAreNoLonger(PCONTRACT t)
{
    OTHER o;
    KAPC special;

    Clear();
    if (!Begin(&o, WAIT_TIMED))
        return;
    InitSpecial(&special, o.Thread);
    Queue(&special);
    Moment();
    Queue(&special);
    KeWaitForSingleObject(o.Thread, Executive, KernelMode, FALSE, NULL);
    CHECK_LOG("sswe");
    CHECK_STATUS(o.Status, STATUS_TIMEOUT);
    CHECK(o.Waited >= 900000 && o.Waited < 1500000);
    End(&o);
}

static VOID WaitsInRegions(PCONTRACT t)
{
    OTHER o;
    KAPC special, normal;

    Clear();
    if (!Begin(&o, WAIT_IN_CRITICAL_REGION))
        return;
    InitSpecial(&special, o.Thread);
    InitNormal(&normal, o.Thread, Normal);
    Queue(&normal);
    Queue(&special);
    Moment();
    CHECK_LOG("s");
    LetGo(&o);
    CHECK_LOG("swkne");
    End(&o);
    Clear();
    if (!Begin(&o, WAIT_AT_APC_LEVEL))
        return;
    InitSpecial(&special, o.Thread);
    InitNormal(&normal, o.Thread, Normal);
    Queue(&normal);
    Queue(&special);
    Moment();
    CHECK_LOG("");
    LetGo(&o);
    CHECK_LOG("wskne");
    End(&o);
}

/* ---- alerts ---- */

static VOID Alerts(PCONTRACT t)
{
    OTHER o;
    LARGE_INTEGER moment = ContractMs(20);
    KEVENT never;

    Clear();
    if (!Begin(&o, WAIT_ALERTABLE))
        return;
    KeAlertThread(o.Thread, KernelMode);
    KeWaitForSingleObject(o.Thread, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS(o.Status, STATUS_ALERTED);
    End(&o);
    if (!Begin(&o, WAIT_FOREVER))
        return;
    CHECK(!KeAlertThread(o.Thread, KernelMode));
    CHECK(KeAlertThread(o.Thread, KernelMode)); /* it was alerted */
    Moment();
    LetGo(&o);
    CHECK_STATUS(o.Status, STATUS_SUCCESS);
    End(&o);

    /* Remembered until an alertable wait, or until asked. */
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK_STATUS(KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, &moment), STATUS_TIMEOUT);
    CHECK_STATUS(KeWaitForSingleObject(&never, Executive, KernelMode, TRUE, &moment), STATUS_ALERTED);
    CHECK_STATUS(KeWaitForSingleObject(&never, Executive, KernelMode, TRUE, &moment), STATUS_TIMEOUT);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK_STATUS(KeDelayExecutionThread(KernelMode, TRUE, &moment), STATUS_ALERTED);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK(KeTestAlertThread(KernelMode));
    CHECK(!KeTestAlertThread(KernelMode));
    /* What is signalled comes first. */
    KeSetEvent(&never, IO_NO_INCREMENT, FALSE);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK_STATUS(KeWaitForSingleObject(&never, Executive, KernelMode, TRUE, NULL), STATUS_SUCCESS);
    CHECK(KeTestAlertThread(KernelMode));
    /* An alert for user mode does not end a wait in kernel mode. */
    KeClearEvent(&never);
    KeAlertThread(KeGetCurrentThread(), UserMode);
    CHECK_STATUS(KeWaitForSingleObject(&never, Executive, KernelMode, TRUE, &moment), STATUS_TIMEOUT);
    CHECK(KeTestAlertThread(UserMode));
}

/* ---- the end of a thread ---- */

static VOID RundownAtTheEnd(PCONTRACT t)
{
    OTHER o;
    KAPC user;

    Clear();
    if (!Begin(&o, WAIT_FOREVER))
        return;
    /* A user APC for a thread that never goes to user mode. */
    KeInitializeApc(&user, o.Thread, OriginalApcEnvironment, Kernel, Rundown, Normal, UserMode, NULL);
    CHECK(Queue(&user));
    Moment();
    CHECK_LOG("");
    LetGo(&o);
    CHECK_LOG("wer");
    CHECK(!Queue(&user));
    End(&o);
}

/* ---- completion is one ---- */

static PIRP Build(PCONTRACT t, PKEVENT Event, PIO_STATUS_BLOCK Status)
{
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    Status->Status = STATUS_PENDING;
    return IoBuildDeviceIoControlRequest(IOCTL_AREA(8, METHOD_BUFFERED), t->Device, NULL, 0, NULL, 0, TRUE, Event, Status);
}

static VOID Completion(PCONTRACT t)
{
    IO_STATUS_BLOCK status;
    KEVENT event;
    KIRQL irql;
    PIRP irp;

    /* Area(8) as an internal control code is completed at once with success. */
    irp = Build(t, &event, &status);
    CHECK(irp != NULL);
    CHECK_STATUS(IoCallDriver(t->Device, irp), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(&event));
    CHECK_STATUS(status.Status, STATUS_SUCCESS);

    KeEnterCriticalRegion();
    CHECK_STATUS(IoCallDriver(t->Device, Build(t, &event, &status)), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(&event));
    KeLeaveCriticalRegion();

    irp = Build(t, &event, &status);
    KeEnterGuardedRegion();
    CHECK_STATUS(IoCallDriver(t->Device, irp), STATUS_SUCCESS);
    CHECK(!KeReadStateEvent(&event));
    CHECK_STATUS(status.Status, STATUS_PENDING);
    KeLeaveGuardedRegion();
    CHECK(KeReadStateEvent(&event));
    CHECK_STATUS(status.Status, STATUS_SUCCESS);

    irp = Build(t, &event, &status);
    KeRaiseIrql(APC_LEVEL, &irql);
    IoCallDriver(t->Device, irp);
    CHECK(!KeReadStateEvent(&event));
    KeLowerIrql(irql);
    CHECK(KeReadStateEvent(&event));
}

static const CONTRACT_TEST Tests[] = {
    {"regions", Regions},
    {"special ones first", SpecialFirst},
    {"held back", HeldBack},
    {"one normal one at a time", OneNormalAtATime},
    {"the kernel routine decides", KernelRoutineDecides},
    {"inserted once", InsertedOnce},
    {"waits go on", WaitsGoOn},
    {"timed waits are no longer", TimedWaitsAreNoLonger},
    {"waits in regions", WaitsInRegions},
    {"alerts", Alerts},
    {"rundown at the end", RundownAtTheEnd},
    {"completion", Completion},
};

/* ---- for the program: waits of its thread ---- */

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    LARGE_INTEGER timeout = ContractMs(200);
    KEVENT never;
    ULONG n;

    UNREFERENCED_PARAMETER(Device);
    if (location->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL)
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    n = ((location->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xfff) - 0xa00;
    if (n > WAIT_USER)
        return ContractDefault(Irp);
    *(NTSTATUS *)Irp->AssociatedIrp.SystemBuffer =
        KeWaitForSingleObject(&never, Executive, n == WAIT_ALERTABLE_KERNEL ? KernelMode : UserMode, n != WAIT_USER, &timeout);
    return ContractComplete(Irp, STATUS_SUCCESS, sizeof(NTSTATUS));
}

const CONTRACT_AREA ContractArea = {.Tests = Tests, .Count = RTL_NUMBER_OF(Tests), .Other = Other};
