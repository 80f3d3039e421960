/* WDFSPINLOCK, WDFWAITLOCK, WDFTIMER, WDFDPC, WDFWORKITEM: the kernel's objects with an owner and a parent. */
#include "fx.h"

/* ---- spin locks ---- */

typedef struct {
    FxObject O;
    KSPIN_LOCK Spin;
    KIRQL Old;
    PKTHREAD Owner;
} FxSpinLock;

KSPIN_LOCK *FxSpinLockOf(FxGlobals *g, WDFSPINLOCK l)
{
    return &FX_OBJ(g, l, FxSpinLock, FX_TYPE_SPIN_LOCK)->Spin;
}

NTSTATUS imp_WdfSpinLockCreate(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, WDFSPINLOCK *SpinLock)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, SpinLock);
    *SpinLock = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    FxSpinLock *l = FxObjectCreate(g, FX_TYPE_SPIN_LOCK, sizeof *l, Attributes, &s);
    if (!l)
        return s;
    KeInitializeSpinLock(&l->Spin);
    s = FxObjectCommit(FX(l), Attributes, FX(g->Driver), (WDFOBJECT *)SpinLock);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(FX(l));
    return s;
}

VOID imp_WdfSpinLockAcquire(PWDF_DRIVER_GLOBALS G, WDFSPINLOCK SpinLock)
{
    FxGlobals *g = FxGet(G);
    FxSpinLock *l = FX_OBJ(g, SpinLock, FxSpinLock, FX_TYPE_SPIN_LOCK);
    KIRQL old;
    if (l->Owner == KeGetCurrentThread() && KeGetCurrentIrql() >= DISPATCH_LEVEL) {
        FXLOG(g, SpinLockTwice, P64(SpinLock));
        FxVerifierKeBugCheck(g, FXBC_RECURSIVE_LOCK, (ULONG64)SpinLock, (ULONG64)l, (ULONG64)__builtin_return_address(0));
    }
    KeAcquireSpinLock(&l->Spin, &old);
    l->Old = old;
    l->Owner = KeGetCurrentThread();
}

VOID imp_WdfSpinLockRelease(PWDF_DRIVER_GLOBALS G, WDFSPINLOCK SpinLock)
{
    FxGlobals *g = FxGet(G);
    FxSpinLock *l = FX_OBJ(g, SpinLock, FxSpinLock, FX_TYPE_SPIN_LOCK);
    if (l->Owner != KeGetCurrentThread()) {
        FXLOG(g, SpinLockNotOwned, P64(SpinLock));
        FxVerifierKeBugCheck(g, FXBC_LOCK, (ULONG64)SpinLock, (ULONG64)l, (ULONG64)__builtin_return_address(0));
    }
    l->Owner = NULL;
    KeReleaseSpinLock(&l->Spin, l->Old);
}

/* ---- wait locks ---- */

typedef struct {
    FxObject O;
    KEVENT Event; /* synchronisation event: signalled when free */
    PKTHREAD Owner;
} FxWaitLock;

NTSTATUS imp_WdfWaitLockCreate(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWAITLOCK *Lock)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Lock);
    *Lock = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    FxWaitLock *l = FxObjectCreate(g, FX_TYPE_WAIT_LOCK, sizeof *l, Attributes, &s);
    if (!l)
        return s;
    KeInitializeEvent(&l->Event, SynchronizationEvent, TRUE);
    l->O.Flags |= FXO_PASSIVE;
    s = FxObjectCommit(FX(l), Attributes, FX(g->Driver), (WDFOBJECT *)Lock);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(FX(l));
    return s;
}

NTSTATUS imp_WdfWaitLockAcquire(PWDF_DRIVER_GLOBALS G, WDFWAITLOCK Lock, PLONGLONG Timeout)
{
    FxGlobals *g = FxGet(G);
    FxWaitLock *l = FX_OBJ(g, Lock, FxWaitLock, FX_TYPE_WAIT_LOCK);
    LARGE_INTEGER due = { .QuadPart = Timeout ? *Timeout : 0 };
    if (!Timeout || due.QuadPart)
        FX_PASSIVE(g);
    if (l->Owner == KeGetCurrentThread()) {
        FXLOG(g, WaitLockTwice, P64(Lock));
        if (g->VerifierOn || !Timeout)
            FxVerifierKeBugCheck(g, FXBC_RECURSIVE_LOCK, (ULONG64)Lock, (ULONG64)l, (ULONG64)__builtin_return_address(0));
    }
    KeEnterCriticalRegion();
    NTSTATUS s = KeWaitForSingleObject(&l->Event, Executive, KernelMode, FALSE, Timeout ? &due : NULL);
    if (s == STATUS_SUCCESS)
        l->Owner = KeGetCurrentThread();
    else
        KeLeaveCriticalRegion();
    return s;
}

VOID imp_WdfWaitLockRelease(PWDF_DRIVER_GLOBALS G, WDFWAITLOCK Lock)
{
    FxGlobals *g = FxGet(G);
    FxWaitLock *l = FX_OBJ(g, Lock, FxWaitLock, FX_TYPE_WAIT_LOCK);
    if (!l->Owner) {
        FXLOG(g, WaitLockNotOwned, P64(Lock));
        FxVerifierKeBugCheck(g, FXBC_LOCK, (ULONG64)Lock, (ULONG64)l, (ULONG64)__builtin_return_address(0));
    }
    l->Owner = NULL;
    KeSetEvent(&l->Event, IO_NO_INCREMENT, FALSE);
    KeLeaveCriticalRegion();
}

/* ---- parents and serialisation, common to timers, DPCs and work items ---- */

static NTSTATUS parent_check(FxGlobals *g, PWDF_OBJECT_ATTRIBUTES a, FxObject **parent)
{
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_REQUIRED);
    if (!NT_SUCCESS(s)) {
        FxVerifierDbgBreakPoint(g, FX(g->Driver), __builtin_return_address(0));
        return s;
    }
    *parent = FX_OBJ(g, a->ParentObject, FxObject, FX_TYPE_OBJECT);
    if (!(*parent)->Device) { /* DOC: the parent must be a device or below one */
        FXLOG(g, ParentWrongType, P64(a->ParentObject), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, *parent, __builtin_return_address(0));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return STATUS_SUCCESS;
}

/* The lock for automatic serialisation; the level on which the callback runs must be the lock's. */
static NTSTATUS serialise(FxGlobals *g, FxObject *parent, BOOLEAN wanted, BOOLEAN passive, FxCallbackLock **l)
{
    *l = wanted ? FxObjectCallbackLock(parent) : NULL;
    if (*l && (*l)->Passive != passive) {
        FXLOG(g, TimerParent, P64(FxHandle(parent)), S64(STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL));
        return STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    }
    return STATUS_SUCCESS;
}

/* ---- timers ---- */

typedef struct {
    FxObject O;
    WDF_TIMER_CONFIG C;
    KTIMER Timer;
    KDPC Dpc;
    PIO_WORKITEM Item; /* execution level passive */
    FxCallbackLock *Serial;
    BOOLEAN Passive, WorkQueued, Stopping, StartAborted;
    KEVENT Idle; /* no work item under way */
    KSPIN_LOCK TimerLock;
    PKTHREAD InCallback;
    BOOLEAN *Gone; /* of a callback at passive level that is under way: set when it deletes its own timer */
} FxTimer;

static FxTimer *timer_of(PWDF_DRIVER_GLOBALS G, WDFTIMER t)
{
    return FX_OBJ(FxGet(G), t, FxTimer, FX_TYPE_TIMER);
}

static void timer_call(FxTimer *t)
{
    KIRQL cb;
    FxGlobals *g = t->O.Globals;
    FxCallbackLock *l = t->Serial;
    PFN_WDF_TIMER routine = t->C.EvtTimerFunc;
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(g, routine, (WDFTIMER)FxHandle(t)); /* may delete the timer */
    FxCallbackLockRelease(l, cb);
}

static void timer_work(DEVICE_OBJECT *d, PVOID context) __asm__("FxTimer::_FxTimerWorkItemCallback");
static void timer_dpc(KDPC *dpc, PVOID context, PVOID a, PVOID b) __asm__("FxTimer::_FxTimerDpcThunk");

static void timer_work(DEVICE_OBJECT *d, PVOID context)
{
    FxTimer *t = context;
    KIRQL irql;
    BOOLEAN gone = FALSE;
    KeAcquireSpinLock(&t->TimerLock, &irql);
    t->WorkQueued = FALSE;
    t->InCallback = KeGetCurrentThread();
    t->Gone = &gone;
    KeReleaseSpinLock(&t->TimerLock, irql);
    timer_call(t);
    if (gone)
        return;
    KeAcquireSpinLock(&t->TimerLock, &irql);
    t->InCallback = NULL;
    t->Gone = NULL;
    if (!t->WorkQueued)
        KeSetEvent(&t->Idle, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&t->TimerLock, irql);
}

static void timer_dpc(KDPC *dpc, PVOID context, PVOID a, PVOID b)
{
    FxTimer *t = context;
    if (!t->Passive) {
        timer_call(t);
        return;
    }
    KIRQL irql;
    KeAcquireSpinLock(&t->TimerLock, &irql);
    BOOLEAN queue = !t->WorkQueued;
    t->WorkQueued = TRUE;
    KeClearEvent(&t->Idle);
    KeReleaseSpinLock(&t->TimerLock, irql);
    if (queue)
        IoQueueWorkItem(t->Item, timer_work, DelayedWorkQueue, t);
}

static BOOLEAN timer_dispose(FxObject *o)
{
    FxTimer *t = (FxTimer *)o;
    KIRQL irql;
    KeAcquireSpinLock(&t->TimerLock, &irql);
    t->Stopping = TRUE; /* for good */
    KeReleaseSpinLock(&t->TimerLock, irql);
    KeCancelTimer(&t->Timer);
    KeFlushQueuedDpcs();
    if (t->Passive && t->InCallback == KeGetCurrentThread()) {
        *t->Gone = TRUE;
    } else if (t->Passive) {
        KeWaitForSingleObject(&t->Idle, Executive, KernelMode, FALSE, NULL);
        KeAcquireSpinLock(&t->TimerLock, &irql); /* who has set the event still holds the lock */
        KeReleaseSpinLock(&t->TimerLock, irql);
    }
    return TRUE;
}

static void timer_destroy(FxObject *o)
{
    FxTimer *t = (FxTimer *)o;
    if (t->Item)
        IoFreeWorkItem(t->Item);
}

NTSTATUS imp_WdfTimerCreate(PWDF_DRIVER_GLOBALS G, PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFTIMER *Timer)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Config);
    FX_NOT_NULL(g, Timer);
    *Timer = NULL;
    FxObject *parent;
    if (Config->Size > sizeof *Config || Config->Size < FIELD_OFFSET(WDF_TIMER_CONFIG, TolerableDelay)) {
        FXLOG(g, TimerConfig, S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!Config->EvtTimerFunc || Config->Period > MAXLONG) {
        FXLOG(g, TimerConfig, S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS s = parent_check(g, Attributes, &parent);
    if (!NT_SUCCESS(s))
        return s;
    FxTimer *t = FxObjectCreate(g, FX_TYPE_TIMER, sizeof *t, Attributes, &s);
    if (!t)
        return s;
    RtlCopyMemory(&t->C, Config, Config->Size);
    t->Passive = Attributes->ExecutionLevel == WdfExecutionLevelPassive;
    KeInitializeTimer(&t->Timer);
    KeInitializeDpc(&t->Dpc, timer_dpc, t);
    KeInitializeEvent(&t->Idle, NotificationEvent, TRUE);
    KeInitializeSpinLock(&t->TimerLock);
    t->O.Destroy = timer_destroy;
    if (t->Passive && t->C.Period) { /* DOC: periodic timers run at DISPATCH_LEVEL */
        FXLOG(g, TimerConfig, S64(STATUS_NOT_SUPPORTED));
        s = STATUS_NOT_SUPPORTED;
    }
    if (NT_SUCCESS(s))
        s = serialise(g, parent, t->C.AutomaticSerialization, t->Passive, &t->Serial);
    if (NT_SUCCESS(s) && t->Passive && !(t->Item = IoAllocateWorkItem(parent->Device->DeviceObject)))
        s = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(t), Attributes, NULL, (WDFOBJECT *)Timer);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(t));
        return s;
    }
    t->O.Flags |= FXO_PASSIVE;
    t->O.Dispose = timer_dispose;
    return STATUS_SUCCESS;
}

BOOLEAN imp_WdfTimerStart(PWDF_DRIVER_GLOBALS G, WDFTIMER Timer, LONGLONG DueTime)
{
    FxTimer *t = timer_of(G, Timer);
    LARGE_INTEGER due = { .QuadPart = DueTime };
    KIRQL irql;
    BOOLEAN was = FALSE;
    KeAcquireSpinLock(&t->TimerLock, &irql);
    if (!t->Stopping)
        was = KeSetTimerEx(&t->Timer, due, (LONG)t->C.Period, &t->Dpc);
    KeReleaseSpinLock(&t->TimerLock, irql);
    return was;
}

/* DOC: with Wait, returns when a callback that is under way has returned; not from the callback itself. */
BOOLEAN imp_WdfTimerStop(PWDF_DRIVER_GLOBALS G, WDFTIMER Timer, BOOLEAN Wait)
{
    FxGlobals *g = FxGet(G);
    FxTimer *t = timer_of(G, Timer);
    KIRQL irql;
    if (Wait && !NT_SUCCESS(FxVerifierCheckIrqlLevel(g, PASSIVE_LEVEL)))
        return FALSE;
    BOOLEAN old = t->Stopping;
    KeAcquireSpinLock(&t->TimerLock, &irql);
    if (Wait)
        t->Stopping = TRUE; /* a callback that starts it again meanwhile does not */
    BOOLEAN was = KeCancelTimer(&t->Timer);
    KeReleaseSpinLock(&t->TimerLock, irql);
    if (!Wait)
        return was;
    KeFlushQueuedDpcs();
    if (t->Passive && t->InCallback != KeGetCurrentThread())
        KeWaitForSingleObject(&t->Idle, Executive, KernelMode, FALSE, NULL);
    t->Stopping = old;
    return was;
}

WDFOBJECT imp_WdfTimerGetParentObject(PWDF_DRIVER_GLOBALS G, WDFTIMER Timer)
{
    return FxHandle(timer_of(G, Timer)->O.Parent);
}

/* ---- DPCs ---- */

typedef struct {
    FxObject O;
    WDF_DPC_CONFIG C;
    KDPC Dpc;
    FxCallbackLock *Serial;
} FxDpc;

static FxDpc *dpc_of(PWDF_DRIVER_GLOBALS G, WDFDPC d)
{
    return FX_OBJ(FxGet(G), d, FxDpc, FX_TYPE_DPC);
}

static void dpc_thunk(KDPC *k, PVOID context, PVOID a, PVOID b) __asm__("FxDpc::_FxDpcThunk");

static void dpc_thunk(KDPC *k, PVOID context, PVOID a, PVOID b)
{
    FxDpc *d = context;
    KIRQL cb;
    FxCallbackLockAcquire(d->Serial, &cb);
    FX_CALL(d->O.Globals, d->C.EvtDpcFunc, (WDFDPC)FxHandle(d));
    FxCallbackLockRelease(d->Serial, cb);
}

static BOOLEAN dpc_dispose(FxObject *o)
{
    KeRemoveQueueDpc(&((FxDpc *)o)->Dpc);
    KeFlushQueuedDpcs();
    return TRUE;
}

NTSTATUS imp_WdfDpcCreate(PWDF_DRIVER_GLOBALS G, PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Config);
    FX_NOT_NULL(g, Dpc);
    *Dpc = NULL;
    FxObject *parent;
    if (Config->Size != sizeof *Config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!Config->EvtDpcFunc)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = parent_check(g, Attributes, &parent);
    if (!NT_SUCCESS(s))
        return s;
    FxDpc *d = FxObjectCreate(g, FX_TYPE_DPC, sizeof *d, Attributes, &s);
    if (!d)
        return s;
    d->C = *Config;
    KeInitializeDpc(&d->Dpc, dpc_thunk, d);
    s = serialise(g, parent, Config->AutomaticSerialization, FALSE, &d->Serial);
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(d), Attributes, NULL, (WDFOBJECT *)Dpc);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(d));
        return s;
    }
    d->O.Flags |= FXO_PASSIVE;
    d->O.Dispose = dpc_dispose;
    return STATUS_SUCCESS;
}

BOOLEAN imp_WdfDpcEnqueue(PWDF_DRIVER_GLOBALS G, WDFDPC Dpc)
{
    return KeInsertQueueDpc(&dpc_of(G, Dpc)->Dpc, NULL, NULL);
}

BOOLEAN imp_WdfDpcCancel(PWDF_DRIVER_GLOBALS G, WDFDPC Dpc, BOOLEAN Wait)
{
    FxDpc *d = dpc_of(G, Dpc);
    if (Wait && !NT_SUCCESS(FxVerifierCheckIrqlLevel(FxGet(G), PASSIVE_LEVEL)))
        return FALSE;
    BOOLEAN was = KeRemoveQueueDpc(&d->Dpc);
    if (Wait)
        KeFlushQueuedDpcs();
    return was;
}

WDFOBJECT imp_WdfDpcGetParentObject(PWDF_DRIVER_GLOBALS G, WDFDPC Dpc)
{
    return FxHandle(dpc_of(G, Dpc)->O.Parent);
}

PKDPC imp_WdfDpcWdmGetDpc(PWDF_DRIVER_GLOBALS G, WDFDPC Dpc)
{
    return &dpc_of(G, Dpc)->Dpc;
}

/* ---- work items ---- */

typedef struct {
    FxObject O;
    WDF_WORKITEM_CONFIG C;
    PIO_WORKITEM Item;
    FxCallbackLock *Serial;
    KSPIN_LOCK ItemLock;
    BOOLEAN Enqueued;
    LONG UnderWay;
    KEVENT Idle;
    PKTHREAD InCallback;
} FxWorkItem;

static FxWorkItem *work_of(PWDF_DRIVER_GLOBALS G, WDFWORKITEM w)
{
    return FX_OBJ(FxGet(G), w, FxWorkItem, FX_TYPE_WORKITEM);
}

static void work_thunk(DEVICE_OBJECT *d, PVOID context) __asm__("FxWorkItem::_WorkItemThunk");

static void work_thunk(DEVICE_OBJECT *d, PVOID context)
{
    FxWorkItem *w = context;
    KIRQL irql, cb;
    KeAcquireSpinLock(&w->ItemLock, &irql);
    w->Enqueued = FALSE; /* may be queued again from here on */
    w->InCallback = KeGetCurrentThread();
    KeReleaseSpinLock(&w->ItemLock, irql);
    FxCallbackLockAcquire(w->Serial, &cb);
    FX_CALL(w->O.Globals, w->C.EvtWorkItemFunc, (WDFWORKITEM)FxHandle(w));
    FxCallbackLockRelease(w->Serial, cb);
    KeAcquireSpinLock(&w->ItemLock, &irql);
    w->InCallback = NULL;
    if (!--w->UnderWay)
        KeSetEvent(&w->Idle, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&w->ItemLock, irql);
    FxObject_Release(FX(w));
}

static void work_wait(FxWorkItem *w)
{
    if (w->InCallback != KeGetCurrentThread())
        KeWaitForSingleObject(&w->Idle, Executive, KernelMode, FALSE, NULL);
}

static BOOLEAN work_dispose(FxObject *o)
{
    work_wait((FxWorkItem *)o);
    return TRUE;
}

static void work_destroy(FxObject *o)
{
    FxWorkItem *w = (FxWorkItem *)o;
    if (w->Item)
        IoFreeWorkItem(w->Item);
}

NTSTATUS imp_WdfWorkItemCreate(PWDF_DRIVER_GLOBALS G, PWDF_WORKITEM_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWORKITEM *WorkItem)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Config);
    FX_NOT_NULL(g, WorkItem);
    *WorkItem = NULL;
    FxObject *parent;
    if (Config->Size != sizeof *Config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!Config->EvtWorkItemFunc)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = parent_check(g, Attributes, &parent);
    if (!NT_SUCCESS(s))
        return s;
    FxWorkItem *w = FxObjectCreate(g, FX_TYPE_WORKITEM, sizeof *w, Attributes, &s);
    if (!w)
        return s;
    w->C = *Config;
    KeInitializeSpinLock(&w->ItemLock);
    KeInitializeEvent(&w->Idle, NotificationEvent, TRUE);
    w->O.Destroy = work_destroy;
    s = serialise(g, parent, Config->AutomaticSerialization, TRUE, &w->Serial);
    if (NT_SUCCESS(s) && !(w->Item = IoAllocateWorkItem(parent->Device->DeviceObject)))
        s = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(w), Attributes, NULL, (WDFOBJECT *)WorkItem);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(w));
        return s;
    }
    w->O.Flags |= FXO_PASSIVE;
    w->O.Dispose = work_dispose;
    return STATUS_SUCCESS;
}

VOID imp_WdfWorkItemEnqueue(PWDF_DRIVER_GLOBALS G, WDFWORKITEM WorkItem)
{
    FxWorkItem *w = work_of(G, WorkItem);
    KIRQL irql;
    KeAcquireSpinLock(&w->ItemLock, &irql);
    BOOLEAN queue = !w->Enqueued;
    if (queue) {
        w->Enqueued = TRUE;
        if (w->UnderWay++ == 0)
            KeClearEvent(&w->Idle);
    }
    KeReleaseSpinLock(&w->ItemLock, irql);
    if (!queue)
        return;
    FxObject_AddRef(FX(w));
    IoQueueWorkItem(w->Item, work_thunk, DelayedWorkQueue, w);
}

VOID imp_WdfWorkItemFlush(PWDF_DRIVER_GLOBALS G, WDFWORKITEM WorkItem)
{
    FxGlobals *g = FxGet(G);
    FxWorkItem *w = work_of(G, WorkItem);
    FX_PASSIVE_V(g);
    if (w->InCallback == KeGetCurrentThread()) { /* DOC: it would wait for itself */
        FxVerifierDbgBreakPoint(g, FX(w), __builtin_return_address(0));
        return;
    }
    work_wait(w);
}

WDFOBJECT imp_WdfWorkItemGetParentObject(PWDF_DRIVER_GLOBALS G, WDFWORKITEM WorkItem)
{
    return FxHandle(work_of(G, WorkItem)->O.Parent);
}
