/* The engine of the state machines of power and power policy; see machine.h.
 *
 * Events go through a queue under a spin lock, so that they may come at DISPATCH_LEVEL; states are run one at a time, at PASSIVE_LEVEL. Whoever posts
 * an event at PASSIVE_LEVEL runs the machine if it is free. Otherwise, a work item does: the thread that is in the machine may just have
 * found the queue empty. An event that is posted from within the machine is taken by the loop that called the state. */
#include "machine.h"
#include "power.h"

static const FxMachineState *state_of(const FxMachine *m)
{
    return &m->States[(m->Device->State[m->Which] & ~(ULONG)WdfDevStateNP) - m->Base];
}

static void enter(FxMachine *m, ULONG state)
{
    while (state) {
        FxState(m->Device, m->Which, state);
        const FxMachineState *s = state_of(m);
        state = s->Enter ? s->Enter(m->Device) : 0;
        FxStateSettled(m->Device, m->Which);
    }
}

/* The next event that the present state takes; 0: none. */
static ULONG take(FxMachine *m)
{
    KIRQL irql;
    ULONG event = 0;
    KeAcquireSpinLock(&m->Lock, &irql);
    if (m->Count && ((m->Events[0] & m->Urgent) || state_of(m)->Open)) {
        event = m->Events[0];
        RtlMoveMemory(m->Events, m->Events + 1, --m->Count * sizeof *m->Events);
    }
    KeReleaseSpinLock(&m->Lock, irql);
    return event;
}

/* With Free taken. */
static void run(FxMachine *m)
{
    ULONG event;
    m->Owner = KeGetCurrentThread();
    while ((event = take(m)) != 0) {
        const FxTransition *t = state_of(m)->To;
        while (t && t->Event && t->Event != event)
            t++;
        if (t && t->Event)
            enter(m, t->State);
        else
            m->Dropped(m->Device, event);
    }
    m->Owner = NULL;
    KeSetEvent(&m->Free, IO_NO_INCREMENT, FALSE);
}

/* Who posts an event, or runs it on a work item, may find the device on its way out: it is waited for. */
static void part(FxMachine *m)
{
    KIRQL irql;
    KeAcquireSpinLock(&m->Lock, &irql);
    if (!--m->Users)
        KeSetEvent(&m->Quiet, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&m->Lock, irql);
}

/* With the lock. */
static void join(FxMachine *m)
{
    if (!m->Users++)
        KeClearEvent(&m->Quiet);
}

static void work(DEVICE_OBJECT *o, PVOID context)
{
    FxMachine *m = context;
    KIRQL irql;
    KeAcquireSpinLock(&m->Lock, &irql);
    m->Queued = FALSE;
    KeReleaseSpinLock(&m->Lock, irql);
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&m->Free, Executive, KernelMode, FALSE, NULL);
    run(m);
    KeLeaveCriticalRegion();
    part(m);
}

static void queue_work(FxMachine *m)
{
    KIRQL irql;
    KeAcquireSpinLock(&m->Lock, &irql);
    BOOLEAN needed = m->Count && !m->Queued; /* somebody may have processed the event meanwhile */
    if (needed) {
        m->Queued = TRUE;
        join(m);
        IoQueueWorkItem(m->Item, work, DelayedWorkQueue, m);
    }
    KeReleaseSpinLock(&m->Lock, irql);
}

/* FALSE: the event is there already. */
static BOOLEAN put(FxMachine *m, ULONG event, KIRQL *irql)
{
    BOOLEAN there = FALSE;
    KeAcquireSpinLock(&m->Lock, irql);
    for (ULONG i = 0; (event & m->Once) && i < m->Count; i++)
        there |= m->Events[i] == event;
    if (!there) {
        ULONG at = event & m->Urgent ? 0 : m->Count;
        NT_ASSERT(m->Count < sizeof m->Events / sizeof *m->Events);
        RtlMoveMemory(m->Events + at + 1, m->Events + at, (m->Count - at) * sizeof *m->Events);
        m->Events[at] = event;
        m->Count++;
        join(m);
    }
    KeReleaseSpinLock(&m->Lock, *irql);
    return !there;
}

/* TRUE: it was free. */
static BOOLEAN run_now(FxMachine *m)
{
    LARGE_INTEGER none = { .QuadPart = 0 };
    KeEnterCriticalRegion();
    BOOLEAN mine = KeWaitForSingleObject(&m->Free, Executive, KernelMode, FALSE, &none) == STATUS_SUCCESS;
    if (mine)
        run(m);
    KeLeaveCriticalRegion();
    return mine;
}

void FxMachinePost(FxMachine *m, ULONG event)
{
    KIRQL irql;
    if (!put(m, event, &irql))
        return;
    if (m->Owner != KeGetCurrentThread() && (irql != PASSIVE_LEVEL || !run_now(m)))
        queue_work(m);
    part(m);
}

void FxMachineWait(FxMachine *m)
{
    KIRQL irql;
    KeWaitForSingleObject(&m->Quiet, Executive, KernelMode, FALSE, NULL);
    KeAcquireSpinLock(&m->Lock, &irql); /* the last one has let go of it, too */
    KeReleaseSpinLock(&m->Lock, irql);
}

static NTSTATUS make(FxMachine *m, FxDevice *d, enum fx_machine which)
{
    m->Device = d;
    m->Which = which;
    KeInitializeSpinLock(&m->Lock);
    KeInitializeEvent(&m->Free, SynchronizationEvent, TRUE);
    KeInitializeEvent(&m->Quiet, NotificationEvent, TRUE);
    m->Item = IoAllocateWorkItem(d->DeviceObject);
    return m->Item ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS FxPowerMake(FxDevice *d)
{
    struct FxPower *p = FxPoolAllocate(d->O.Globals, NonPagedPoolNx, sizeof *p, FX_TAG);
    if (!p)
        return STATUS_INSUFFICIENT_RESOURCES;
    d->M = p;
    NTSTATUS s = make(&p->Power, d, FX_POWER_MACHINE);
    if (NT_SUCCESS(s))
        s = make(&p->Policy, d, FX_POLICY_MACHINE);
    if (NT_SUCCESS(s) && !(p->FailItem = IoAllocateWorkItem(d->DeviceObject)))
        s = STATUS_INSUFFICIENT_RESOURCES;
    p->Power.States = FxPowerStates;
    p->Power.Base = WdfDevStatePowerObjectCreated;
    p->Power.Urgent = FXP_PARENT_TO_D0 | FXP_COMPLETE_D0 | FXP_COMPLETE_DX;
    p->Power.Once = FXP_PARENT_TO_D0;
    p->Power.Dropped = FxPowerDropped;
    p->Policy.States = d->PowerPolicyOwner ? FxPolicyStates : FxOtherPolicyStates;
    p->Policy.Base = WdfDevStatePwrPolObjectCreated;
    p->Policy.Urgent = FXPOL_UP | FXPOL_UP_FAILED | FXPOL_DOWN | FXPOL_DOWN_FAILED;
    if (d->PowerPolicyOwner)
        p->Policy.Urgent |= FXPOL_DOWN_IO_STOPPED | FXPOL_UP_HW_STARTED | FXPOL_IMPLICIT_DOWN | FXPOL_IMPLICIT_DOWN_FAILED | FXPOL_WAKE_ARRIVED |
                            FXPOL_WAKE_SUCCESS | FXPOL_WAKE_FAILED | FXPOL_UP_NOT_SEEN;
    p->Policy.Once = FXPOL_IDLE_CHANGED;
    p->Policy.Dropped = FxPolicyDropped;
    KeInitializeEvent(&p->Answered, SynchronizationEvent, FALSE);
    KeInitializeEvent(&p->FailDone, NotificationEvent, TRUE);
    KeInitializeSpinLock(&p->WakeLock);
    InitializeListHead(&p->WakeDone);
    p->WaitWakeOwner = FxDeviceIsPdo(d);
    p->WaitWakeStatus = STATUS_NOT_SUPPORTED;
    p->IdleDx = p->WakeDx = PowerDeviceD3;
    return s;
}

/* Nobody is in the machines or will be. */
void FxPowerQuiet(FxDevice *d)
{
    if (!d->M)
        return;
    KeWaitForSingleObject(&d->M->FailDone, Executive, KernelMode, FALSE, NULL);
    FxMachineWait(&d->M->Policy);
    FxMachineWait(&d->M->Power);
}

void FxPowerFree(FxDevice *d)
{
    struct FxPower *p = d->M;
    if (!p)
        return;
    if (p->Power.Item)
        IoFreeWorkItem(p->Power.Item);
    if (p->Policy.Item)
        IoFreeWorkItem(p->Policy.Item);
    if (p->FailItem)
        IoFreeWorkItem(p->FailItem);
    ExFreePoolWithTag(p, FX_TAG);
    d->M = NULL;
}
