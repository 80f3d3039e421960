/* WDFINTERRUPT: created by drivers, given a line or a message by the device's resources, connected on the way to D0.
 *
 * Each has a lock: a spin lock at the interrupt's IRQL (the driver's WDFSPINLOCK if it gives one), or with passive-level handling one that can be
 * waited for (the driver's WDFWAITLOCK). With passive-level handling the service routine that the system calls takes the interrupt and leaves the
 * driver's to a work item; the system has taken the line to be served, so the driver's answer does not pass it on to others on a shared line.
 * DOC: "Handling Hardware Interrupts", "Supporting Passive-Level Interrupts". */
#include "fx.h"
#include "power.h"

typedef struct {
    FxObject O;
    LIST_ENTRY Entry; /* device's Interrupts, in order of creation */
    WDF_INTERRUPT_CONFIG C;
    PKINTERRUPT Interrupt;
    KSPIN_LOCK OwnLock, *IsrLock;
    KMUTEX PassiveLock; /* with PassiveHandling and no WDFWAITLOCK */
    KDPC Dpc, WorkDpc, PassiveDpc;
    PIO_WORKITEM Work, PassiveWork;
    BOOLEAN Connected, Enabled, Message;
    LONG WorkQueued, PassivePending, Busy; /* Busy: work items under way */
    KEVENT Idle; /* none is */
    KIRQL Old;
    WDF_INTERRUPT_EXTENDED_POLICY Policy;
    BOOLEAN HasPolicy;
    ULONG Vector, MessageNumber;
    KIRQL Irql;
    KAFFINITY Affinity;
    BOOLEAN Shared;
    KINTERRUPT_MODE Mode;
} FxInterrupt;

static FxInterrupt *interrupt(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT i)
{
    return FX_OBJ(FxGet(G), i, FxInterrupt, FX_TYPE_INTERRUPT);
}

static WDFINTERRUPT handle(FxInterrupt *i)
{
    return (WDFINTERRUPT)FxHandle(i);
}

static BOOLEAN isr(PKINTERRUPT k, PVOID context) __asm__("FxInterrupt::_InterruptThunk");
static BOOLEAN passive_isr(PKINTERRUPT k, PVOID context) __asm__("FxInterrupt::_InterruptPassiveThunk");
static void dpc(KDPC *k, PVOID context, PVOID a, PVOID b) __asm__("FxInterrupt::_InterruptDpcThunk");
static void work(DEVICE_OBJECT *d, PVOID context) __asm__("FxInterrupt::_InterruptWorkItemCallback");
static void passive_work(DEVICE_OBJECT *d, PVOID context) __asm__("FxInterrupt::_InterruptPassiveWorkItem");

/* ---- the lock of passive-level handling ---- */

extern NTSTATUS imp_WdfWaitLockAcquire(PWDF_DRIVER_GLOBALS G, WDFWAITLOCK Lock, PLONGLONG Timeout);
extern VOID imp_WdfWaitLockRelease(PWDF_DRIVER_GLOBALS G, WDFWAITLOCK Lock);

static BOOLEAN passive_lock(FxInterrupt *i, BOOLEAN wait)
{
    LARGE_INTEGER now = { .QuadPart = 0 };
    LONGLONG none = 0;
    if (i->C.WaitLock)
        return imp_WdfWaitLockAcquire(&i->O.Globals->Public, i->C.WaitLock, wait ? NULL : &none) == STATUS_SUCCESS;
    KeEnterCriticalRegion();
    if (KeWaitForSingleObject(&i->PassiveLock, Executive, KernelMode, FALSE, wait ? NULL : &now) == STATUS_SUCCESS)
        return TRUE;
    KeLeaveCriticalRegion();
    return FALSE;
}

static void passive_unlock(FxInterrupt *i)
{
    if (i->C.WaitLock) {
        imp_WdfWaitLockRelease(&i->O.Globals->Public, i->C.WaitLock);
        return;
    }
    KeReleaseMutex(&i->PassiveLock, FALSE);
    KeLeaveCriticalRegion();
}

/* ---- what the system calls ---- */

static BOOLEAN isr(PKINTERRUPT k, PVOID context)
{
    FxInterrupt *i = context;
    return i->C.EvtInterruptIsr(handle(i), i->MessageNumber);
}

static void dpc(KDPC *k, PVOID context, PVOID a, PVOID b)
{
    FxInterrupt *i = context;
    KIRQL cb;
    FxCallbackLock *l = i->C.AutomaticSerialization ? FxObjectCallbackLock(i->O.Parent) : NULL;
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(i->O.Globals, i->C.EvtInterruptDpc, handle(i), FxHandle(i->O.Parent));
    FxCallbackLockRelease(l, cb);
}

static void queue(FxInterrupt *i, PIO_WORKITEM item, PIO_WORKITEM_ROUTINE routine)
{
    if (InterlockedIncrement(&i->Busy) == 1)
        KeClearEvent(&i->Idle);
    IoQueueWorkItem(item, routine, DelayedWorkQueue, i);
}

static void queued_done(FxInterrupt *i)
{
    if (InterlockedDecrement(&i->Busy) == 0)
        KeSetEvent(&i->Idle, IO_NO_INCREMENT, FALSE);
}

static void work(DEVICE_OBJECT *d, PVOID context)
{
    FxInterrupt *i = context;
    KIRQL cb;
    InterlockedExchange(&i->WorkQueued, 0);
    FxCallbackLock *l = i->C.AutomaticSerialization ? FxObjectCallbackLock(i->O.Parent) : NULL;
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(i->O.Globals, i->C.EvtInterruptWorkItem, handle(i), FxHandle(i->O.Parent));
    FxCallbackLockRelease(l, cb);
    queued_done(i);
}

static void work_dpc(KDPC *k, PVOID context, PVOID a, PVOID b)
{
    FxInterrupt *i = context;
    queue(i, i->Work, work);
}

/* As often as the interrupt came while the routine was on its way. */
static void passive_work(DEVICE_OBJECT *d, PVOID context)
{
    FxInterrupt *i = context;
    do {
        passive_lock(i, TRUE);
        if (i->Connected)
            FX_CALL(i->O.Globals, i->C.EvtInterruptIsr, handle(i), i->MessageNumber);
        passive_unlock(i);
    } while (InterlockedDecrement(&i->PassivePending) > 0);
    queued_done(i);
}

static void passive_dpc(KDPC *k, PVOID context, PVOID a, PVOID b)
{
    FxInterrupt *i = context;
    queue(i, i->PassiveWork, passive_work);
}

static BOOLEAN passive_isr(PKINTERRUPT k, PVOID context)
{
    FxInterrupt *i = context;
    if (InterlockedIncrement(&i->PassivePending) == 1)
        KeInsertQueueDpc(&i->PassiveDpc, NULL, NULL);
    return TRUE;
}

static void wait_idle(FxInterrupt *i)
{
    KeFlushQueuedDpcs();
    KeWaitForSingleObject(&i->Idle, Executive, KernelMode, FALSE, NULL);
}

/* ---- creation ---- */

static BOOLEAN interrupt_dispose(FxObject *o)
{
    FxInterrupt *i = (FxInterrupt *)o;
    KIRQL irql;
    KeAcquireSpinLock(&o->Device->IoLock, &irql);
    RemoveEntryList(&i->Entry);
    KeReleaseSpinLock(&o->Device->IoLock, irql);
    wait_idle(i);
    return TRUE;
}

static void interrupt_destroy(FxObject *o)
{
    FxInterrupt *i = (FxInterrupt *)o;
    if (i->Work)
        IoFreeWorkItem(i->Work);
    if (i->PassiveWork)
        IoFreeWorkItem(i->PassiveWork);
}

/* DOC: WDF_INTERRUPT_CONFIG: a DPC or a work item after a service routine at DIRQL, not both; locks as the handling has them. */
static NTSTATUS config_check(FxDevice *d, const WDF_INTERRUPT_CONFIG *c)
{
    if (!c->EvtInterruptIsr || (c->EvtInterruptDpc && c->EvtInterruptWorkItem))
        return STATUS_INVALID_PARAMETER;
    if (c->PassiveHandling ? c->SpinLock != NULL : c->WaitLock != NULL)
        return STATUS_INVALID_PARAMETER;
    if (!c->InterruptRaw != !c->InterruptTranslated)
        return STATUS_INVALID_PARAMETER;
    /* Callbacks at PASSIVE_LEVEL and at DISPATCH_LEVEL cannot share a callback lock. */
    if (c->AutomaticSerialization && (c->EvtInterruptDpc ? d->O.Level == WdfExecutionLevelPassive : c->EvtInterruptWorkItem && d->O.Level != WdfExecutionLevelPassive) &&
        d->O.Scope == WdfSynchronizationScopeDevice)
        return STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    return STATUS_SUCCESS;
}

static NTSTATUS interrupt_init(FxInterrupt *i, FxDevice *d, const WDF_INTERRUPT_CONFIG *c)
{
    i->C = *c;
    KeInitializeSpinLock(&i->OwnLock);
    i->IsrLock = c->SpinLock ? FxSpinLockOf(i->O.Globals, c->SpinLock) : &i->OwnLock;
    KeInitializeEvent(&i->Idle, NotificationEvent, TRUE);
    KeInitializeMutex(&i->PassiveLock, 0);
    KeInitializeDpc(&i->Dpc, dpc, i);
    KeInitializeDpc(&i->WorkDpc, work_dpc, i);
    KeInitializeDpc(&i->PassiveDpc, passive_dpc, i);
    i->O.Destroy = interrupt_destroy;
    i->O.Device = d;
    i->Work = IoAllocateWorkItem(d->DeviceObject);
    i->PassiveWork = IoAllocateWorkItem(d->DeviceObject);
    return i->Work && i->PassiveWork ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS imp_WdfInterruptCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_INTERRUPT_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFINTERRUPT *Interrupt)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FX_NOT_NULL(g, Config);
    FX_NOT_NULL(g, Interrupt);
    FX_PASSIVE(g);
    *Interrupt = NULL;
    if (Config->Size > sizeof *Config || Config->Size < FIELD_OFFSET(WDF_INTERRUPT_CONFIG, EvtInterruptDisable) + sizeof(PVOID))
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    WDF_INTERRUPT_CONFIG c = { 0 };
    RtlCopyMemory(&c, Config, Config->Size);
    if (NT_SUCCESS(s))
        s = config_check(d, &c);
    FxInterrupt *i = NT_SUCCESS(s) ? FxObjectCreate(g, FX_TYPE_INTERRUPT, sizeof *i, Attributes, &s) : NULL;
    if (!i) {
        FXLOG(g, InterruptState, 0, S64(s));
        return s;
    }
    s = interrupt_init(i, d, &c);
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(i), Attributes, FX(d), (WDFOBJECT *)Interrupt);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(i));
        return s;
    }
    i->O.Flags |= FXO_PASSIVE | FXO_NO_DELETE;
    i->O.Dispose = interrupt_dispose;
    KIRQL irql;
    KeAcquireSpinLock(&d->IoLock, &irql);
    InsertTailList(&d->Interrupts, &i->Entry);
    KeReleaseSpinLock(&d->IoLock, irql);
    return STATUS_SUCCESS;
}

/* ---- resources ---- */

static void given(FxInterrupt *i, const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated, ULONG message)
{
    i->Message = (translated->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
    i->MessageNumber = message;
    i->Vector = translated->u.Interrupt.Vector + message;
    i->Irql = (KIRQL)translated->u.Interrupt.Level;
    i->Affinity = translated->u.Interrupt.Affinity;
    i->Shared = i->C.ShareVector == WdfUseDefault ? translated->ShareDisposition == CmResourceShareShared : i->C.ShareVector == WdfTrue;
    i->Mode = translated->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
}

/* DOC: interrupts get the assigned lines and messages in order of creation (a descriptor of several messages serves as many), or the one that the
 * driver names when it creates them in EvtDevicePrepareHardware. */
void FxInterruptsAssign(FxDevice *d, const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw, const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated, ULONG count)
{
    ULONG at = 0, message = 0;
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts; e = e->Flink) {
        FxInterrupt *i = CONTAINING_RECORD(e, FxInterrupt, Entry);
        i->Vector = 0;
        if (i->C.InterruptTranslated) {
            given(i, i->C.InterruptTranslated, 0);
            continue;
        }
        while (at < count && translated[at].Type != CmResourceTypeInterrupt)
            at++;
        if (at == count)
            continue;
        given(i, &translated[at], message);
        if (!i->Message || ++message >= raw[at].u.MessageInterrupt.Raw.MessageCount) {
            at++;
            message = 0;
        }
    }
}

/* ---- connecting, enabling ---- */

/* Those made in EvtDevicePrepareHardware come after the assignment. */
static NTSTATUS connect(FxInterrupt *i)
{
    if (!i->Vector && i->C.InterruptTranslated)
        given(i, i->C.InterruptTranslated, 0);
    if (i->Connected || !i->Vector)
        return STATUS_SUCCESS; /* DOC: an interrupt without a resource stays unconnected */
    NTSTATUS s = IoConnectInterrupt(&i->Interrupt, i->C.PassiveHandling ? passive_isr : isr, i, i->IsrLock, i->Vector, i->Irql, i->Irql, i->Mode, i->Shared, i->Affinity,
                                    i->C.FloatingSave);
    i->Connected = NT_SUCCESS(s);
    if (!NT_SUCCESS(s))
        FXLOG(i->O.Globals, InterruptState, P64(handle(i)), S64(s));
    return s;
}

NTSTATUS FxInterruptsConnect(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts && NT_SUCCESS(s); e = e->Flink)
        s = connect(CONTAINING_RECORD(e, FxInterrupt, Entry));
    return s;
}

void FxInterruptsDisconnect(FxDevice *d)
{
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts; e = e->Flink) {
        FxInterrupt *i = CONTAINING_RECORD(e, FxInterrupt, Entry);
        if (!i->Connected)
            continue;
        IoDisconnectInterrupt(i->Interrupt);
        i->Connected = FALSE;
        i->Interrupt = NULL;
        wait_idle(i);
    }
}

struct at_lock {
    FxInterrupt *I;
    PFN_WDF_INTERRUPT_ENABLE Enable; /* or Disable, of the same form */
    PFN_WDF_INTERRUPT_SYNCHRONIZE Fn;
    WDFCONTEXT Context;
    NTSTATUS Status;
};

static BOOLEAN call_at_lock(PVOID context)
{
    struct at_lock *a = context;
    if (a->Fn)
        return a->Fn(handle(a->I), a->Context);
    a->Status = a->Enable(handle(a->I), (WDFDEVICE)FxHandle(a->I->O.Device));
    return TRUE;
}

/* With the interrupt's lock, at its IRQL. */
static BOOLEAN synchronized(FxInterrupt *i, struct at_lock *a)
{
    if (!i->C.PassiveHandling)
        return KeSynchronizeExecution(i->Interrupt, call_at_lock, a);
    passive_lock(i, TRUE);
    BOOLEAN result = call_at_lock(a);
    passive_unlock(i);
    return result;
}

static NTSTATUS enable_one(FxInterrupt *i, BOOLEAN on)
{
    struct at_lock a = { .I = i, .Enable = on ? i->C.EvtInterruptEnable : (PFN_WDF_INTERRUPT_ENABLE)i->C.EvtInterruptDisable };
    if (!i->Connected || i->Enabled == on)
        return STATUS_SUCCESS;
    if (a.Enable)
        synchronized(i, &a);
    i->Enabled = on;
    return a.Status;
}

NTSTATUS FxInterruptsEnable(FxDevice *d, BOOLEAN on)
{
    NTSTATUS s = STATUS_SUCCESS;
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts && (NT_SUCCESS(s) || !on); e = e->Flink)
        s = enable_one(CONTAINING_RECORD(e, FxInterrupt, Entry), on);
    return s;
}

static void enable(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, BOOLEAN on, PVOID caller)
{
    FxGlobals *g = FxGet(G);
    FxInterrupt *i = interrupt(G, Interrupt);
    FX_PASSIVE_V(g);
    if (!i->Connected) {
        FXLOG(g, InterruptState, P64(Interrupt), S64(STATUS_INVALID_DEVICE_STATE));
        FxVerifierDbgBreakPoint(g, FX(i), caller);
        return;
    }
    enable_one(i, on);
}

VOID imp_WdfInterruptEnable(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    enable(G, Interrupt, TRUE, __builtin_return_address(0));
}

VOID imp_WdfInterruptDisable(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    enable(G, Interrupt, FALSE, __builtin_return_address(0));
}

/* DOC: the interrupt stays connected; its service routine is not called until it is active again. */
static void report(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, BOOLEAN active)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS p = { .Version = CONNECT_FULLY_SPECIFIED };
    if (!i->Connected) {
        FXLOG(FxGet(G), InterruptState, P64(Interrupt), S64(STATUS_INVALID_DEVICE_STATE));
        return;
    }
    p.ConnectionContext.InterruptObject = i->Interrupt;
    if (active)
        IoReportInterruptActive(&p);
    else
        IoReportInterruptInactive(&p);
}

VOID imp_WdfInterruptReportActive(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    report(G, Interrupt, TRUE);
}

VOID imp_WdfInterruptReportInactive(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    report(G, Interrupt, FALSE);
}

/* ---- what drivers call ---- */

static BOOLEAN queue_work(FxInterrupt *i)
{
    if (!i->C.EvtInterruptWorkItem || InterlockedExchange(&i->WorkQueued, 1))
        return FALSE;
    if (KeGetCurrentIrql() > DISPATCH_LEVEL)
        KeInsertQueueDpc(&i->WorkDpc, NULL, NULL);
    else
        queue(i, i->Work, work);
    return TRUE;
}

/* DOC: with a work item instead of a DPC this one queues the work item. */
BOOLEAN imp_WdfInterruptQueueDpcForIsr(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    return i->C.EvtInterruptDpc ? KeInsertQueueDpc(&i->Dpc, NULL, NULL) : queue_work(i);
}

BOOLEAN imp_WdfInterruptQueueWorkItemForIsr(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    return queue_work(interrupt(G, Interrupt));
}

BOOLEAN imp_WdfInterruptSynchronize(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback, WDFCONTEXT Context)
{
    FxGlobals *g = FxGet(G);
    FxInterrupt *i = interrupt(G, Interrupt);
    FX_NOT_NULL(g, (PVOID)Callback);
    struct at_lock a = { .I = i, .Fn = Callback, .Context = Context };
    if (!i->Connected) {
        FXLOG(g, InterruptState, P64(Interrupt), S64(STATUS_INVALID_DEVICE_STATE));
        return FALSE;
    }
    return synchronized(i, &a);
}

VOID imp_WdfInterruptAcquireLock(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    if (i->C.PassiveHandling) {
        passive_lock(i, TRUE);
    } else if (i->Connected) {
        KIRQL old = KeAcquireInterruptSpinLock(i->Interrupt);
        i->Old = old;
    }
}

/* DOC: only for passive-level handling. */
BOOLEAN imp_WdfInterruptTryToAcquireLock(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    if (!i->C.PassiveHandling) {
        FXLOG(FxGet(G), InterruptState, P64(Interrupt), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(FxGet(G), FX(i), __builtin_return_address(0));
        return FALSE;
    }
    return passive_lock(i, FALSE);
}

VOID imp_WdfInterruptReleaseLock(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    if (i->C.PassiveHandling)
        passive_unlock(i);
    else if (i->Connected)
        KeReleaseInterruptSpinLock(i->Interrupt, i->Old);
}

PKINTERRUPT imp_WdfInterruptWdmGetInterrupt(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    return interrupt(G, Interrupt)->Interrupt;
}

VOID imp_WdfInterruptGetInfo(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, PWDF_INTERRUPT_INFO Info)
{
    FxGlobals *g = FxGet(G);
    FxInterrupt *i = interrupt(G, Interrupt);
    FX_NOT_NULL(g, Info);
    ULONG size = Info->Size;
    WDF_INTERRUPT_INFO out = { 0 };
    if (size > sizeof out || size < FIELD_OFFSET(WDF_INTERRUPT_INFO, Vector)) {
        FXLOG(g, StructureSize, P64(Info), size, sizeof out, S64(STATUS_INFO_LENGTH_MISMATCH));
        return;
    }
    out.Size = size;
    out.Vector = i->Vector;
    out.Irql = i->Irql;
    out.TargetProcessorSet = i->Affinity;
    out.MessageNumber = i->MessageNumber;
    out.MessageSignaled = i->Message;
    out.Mode = i->Mode;
    out.ShareDisposition = (UCHAR)(i->Shared ? CmResourceShareShared : CmResourceShareDeviceExclusive);
    RtlCopyMemory(Info, &out, size);
}

VOID imp_WdfInterruptSetPolicy(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy, WDF_INTERRUPT_PRIORITY Priority, KAFFINITY TargetProcessorSet)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    RtlZeroMemory(&i->Policy, sizeof i->Policy);
    i->Policy.Size = sizeof i->Policy;
    i->Policy.Policy = Policy;
    i->Policy.Priority = Priority;
    i->Policy.TargetProcessorSetAndGroup.Mask = TargetProcessorSet;
    i->HasPolicy = TRUE;
}

VOID imp_WdfInterruptSetExtendedPolicy(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup)
{
    FxGlobals *g = FxGet(G);
    FxInterrupt *i = interrupt(G, Interrupt);
    FX_NOT_NULL(g, PolicyAndGroup);
    if (PolicyAndGroup->Size != sizeof *PolicyAndGroup) {
        FXLOG(g, StructureSize, P64(PolicyAndGroup), PolicyAndGroup->Size, sizeof *PolicyAndGroup, S64(STATUS_INFO_LENGTH_MISMATCH));
        FxVerifierDbgBreakPoint(g, FX(i), __builtin_return_address(0));
        return;
    }
    i->Policy = *PolicyAndGroup;
    i->HasPolicy = TRUE;
}

/* What the toolchain's IO_RESOURCE_DESCRIPTOR leaves out of its interrupt form. */
typedef struct {
    ULONG MinimumVector, MaximumVector;
    ULONG AffinityPolicy, PriorityPolicy;
    KAFFINITY TargetedProcessors;
} FxInterruptRequirement;
_Static_assert(sizeof(FxInterruptRequirement) == sizeof(IO_RESOURCE_DESCRIPTOR) - 8, "layout");

/* DOC: a policy goes into the device's resource requirements, so it must be set before they are asked for (in EvtDriverDeviceAdd). number: of the
 * interrupt descriptor in its alternative list. */
void FxInterruptPolicyApply(FxDevice *d, ULONG number, IO_RESOURCE_DESCRIPTOR *r)
{
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts; e = e->Flink) {
        FxInterrupt *i = CONTAINING_RECORD(e, FxInterrupt, Entry);
        if (number-- > 0)
            continue;
        if (!i->HasPolicy)
            return;
        r->Flags |= CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
        FxInterruptRequirement *q = (FxInterruptRequirement *)&r->u;
        q->AffinityPolicy = i->Policy.Policy;
        q->PriorityPolicy = i->Policy.Priority;
        q->TargetedProcessors = i->Policy.TargetProcessorSetAndGroup.Mask;
        return;
    }
}

WDFDEVICE imp_WdfInterruptGetDevice(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    return (WDFDEVICE)FxHandle(interrupt(G, Interrupt)->O.Device);
}
