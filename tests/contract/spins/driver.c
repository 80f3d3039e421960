/* Loops that wait for memory and make no calls: whoever writes that memory gets to run. */
#include "contract_driver.h"

static volatile LONG Flag;
static volatile LONG Lock;
static LONG Turns, Sum[8];

static KSTART_ROUTINE RaiseFlag;
static VOID RaiseFlag(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Flag = 1;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static KSTART_ROUTINE SetFlagLater;
static VOID SetFlagLater(PVOID Context)
{
    LARGE_INTEGER time = ContractMs(30);

    UNREFERENCED_PARAMETER(Context);
    KeDelayExecutionThread(KernelMode, FALSE, &time);
    Flag = 1;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static KSTART_ROUTINE HoldLock;
static VOID HoldLock(PVOID Context)
{
    LARGE_INTEGER time = ContractMs(10);

    UNREFERENCED_PARAMETER(Context);
    KeDelayExecutionThread(KernelMode, FALSE, &time);
    InterlockedExchange(&Lock, 0);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static PKTHREAD Begin(PCONTRACT t, PKSTART_ROUTINE Routine)
{
    HANDLE handle;
    PKTHREAD thread = NULL;
    NTSTATUS status;

    Flag = 0;
    Turns = 0;
    status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, NULL);
    CHECK_STATUS(status, STATUS_SUCCESS);
    if (NT_SUCCESS(status)) {
        ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, (PVOID *)&thread, NULL);
        ZwClose(handle);
    }
    return thread;
}

static VOID End(PKTHREAD Thread)
{
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

static VOID Counts(PCONTRACT t)
{
    PKTHREAD thread = Begin(t, RaiseFlag);

    while (!Flag) {
        Turns++;
        Sum[Turns & 7] += Turns;
    }
    CHECK_EQ(Flag, 1);
    End(thread);
}

static VOID WaitsForTime(PCONTRACT t)
{
    PKTHREAD thread = Begin(t, SetFlagLater);
    ULONG64 begin = KeQueryInterruptTime();

    while (!Flag)
        Turns++;
    CHECK(KeQueryInterruptTime() - begin >= 290000);
    End(thread);
}

static VOID Pauses(PCONTRACT t)
{
    PKTHREAD thread = Begin(t, SetFlagLater);

    while (!Flag) {
        Turns++;
        YieldProcessor();
    }
    CHECK_EQ(Flag, 1);
    End(thread);
}

static VOID Exchanges(PCONTRACT t)
{
    PKTHREAD thread;

    Lock = 1;
    thread = Begin(t, HoldLock);
    while (InterlockedExchange(&Lock, 1) != 0)
        Turns++;
    CHECK_EQ(Lock, 1);
    Lock = 0;
    End(thread);
}

/* A loop of its own in a function that the waiting loop calls. */
__declspec(noinline) static LONG Look(VOID)
{
    LONG i, seen = 0;

    for (i = 0; i < 20; i++)
        seen += Flag;
    Turns++;
    return seen;
}

static VOID Helper(PCONTRACT t)
{
    PKTHREAD thread = Begin(t, RaiseFlag);

    while (!Look())
        Sum[0]++;
    CHECK(Turns > 0);
    End(thread);
}

/* The writer runs on another processor. */
static VOID AtDispatch(PCONTRACT t)
{
    PKTHREAD thread;
    KIRQL irql;

    if (KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) < 2)
        return;
    thread = Begin(t, RaiseFlag);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    while (!Flag)
        Turns++;
    KeLowerIrql(irql);
    CHECK_EQ(Flag, 1);
    End(thread);
}

static KDEFERRED_ROUTINE FlagRoutine;
static VOID FlagRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Flag = 1;
}

static VOID ForTimer(PCONTRACT t)
{
    KTIMER timer;
    KDPC dpc;

    Flag = 0;
    Turns = 0;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, FlagRoutine, NULL);
    KeSetTimer(&timer, ContractMs(20), &dpc);
    while (!Flag)
        Turns++;
    CHECK_EQ(Flag, 1);
    KeFlushQueuedDpcs();
}

/* Gives up by itself. */
static VOID Bounded(PCONTRACT t)
{
    volatile LONG never = 0;
    LONG n = 0;

    while (!never && n < 1000000)
        n++;
    CHECK_EQ(n, 1000000);
}

static const CONTRACT_TEST Tests[] = {
    { "counts while it waits", Counts },
    { "waits for a thread that sleeps", WaitsForTime },
    { "pauses", Pauses },
    { "exchanges", Exchanges },
    { "calls a function of its own", Helper },
    { "at DISPATCH_LEVEL for another processor", AtDispatch },
    { "waits for a timer's DPC", ForTimer },
    { "ends by itself", Bounded },
};

const CONTRACT_AREA ContractArea = { Tests, RTL_NUMBER_OF(Tests) };
