/* Resource lists, and interrupts: created by drivers, connected on the way to D0. */
#include "fx.h"
#include "power.h"

/* ---- WDFCMRESLIST ---- */

typedef struct {
    FxObject O;
    ULONG Count;
    BOOLEAN Changed;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *Items;
} FxCmList;

static FxCmList *cm_list(PWDF_DRIVER_GLOBALS G, WDFCMRESLIST l)
{
    return FX_OBJ(FxGet(G), l, FxCmList, FX_TYPE_CMRESLIST);
}

static void cm_destroy(FxObject *o)
{
    FxCmList *l = (FxCmList *)o;
    if (l->Items)
        ExFreePoolWithTag(l->Items, FX_TAG);
}

static NTSTATUS cm_make(FxDevice *d, CM_RESOURCE_LIST *from, WDFCMRESLIST *out)
{
    NTSTATUS s;
    FxCmList *l = FxObjectCreate(d->O.Globals, FX_TYPE_CMRESLIST, sizeof *l, NULL, &s);
    if (!l)
        return s;
    l->O.Destroy = cm_destroy;
    ULONG n = from && from->Count ? from->List[0].PartialResourceList.Count : 0;
    if (n) {
        l->Items = FxPoolAllocate(d->O.Globals, NonPagedPoolNx, n * sizeof *l->Items, FX_TAG);
        if (!l->Items) {
            FxObjectDeleteFromFailedCreate(FX(l));
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(l->Items, from->List[0].PartialResourceList.PartialDescriptors, n * sizeof *l->Items);
        l->Count = n;
    }
    s = FxObjectCommit(FX(l), NULL, FX(d), (WDFOBJECT *)out);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(FX(l));
    else
        l->O.Flags |= FXO_NO_DELETE;
    return s;
}

NTSTATUS FxResourceListsCreate(FxDevice *d, CM_RESOURCE_LIST *raw, CM_RESOURCE_LIST *translated, WDFCMRESLIST *r, WDFCMRESLIST *t)
{
    FxResourcesDelete(d);
    NTSTATUS s = cm_make(d, raw, r);
    if (!NT_SUCCESS(s))
        return s;
    d->Raw = (PVOID)*r;
    s = cm_make(d, translated, t);
    if (NT_SUCCESS(s))
        d->Translated = (PVOID)*t;
    else
        FxResourcesDelete(d);
    return s;
}

WDFCMRESLIST FxResourcesHandle(FxDevice *d)
{
    return (WDFCMRESLIST)d->Translated;
}

static void forget(FxDevice *d, PVOID *h)
{
    if (*h)
        FxObject_DeleteObject(FX_OBJ(d->O.Globals, *h, FxObject, FX_TYPE_CMRESLIST));
    *h = NULL;
}

void FxResourcesDelete(FxDevice *d)
{
    if (d->O.State != FxObjectStateCreated) { /* children have gone with the device */
        d->Raw = d->Translated = NULL;
        return;
    }
    forget(d, (PVOID *)&d->Raw);
    forget(d, (PVOID *)&d->Translated);
}

ULONG imp_WdfCmResourceListGetCount(PWDF_DRIVER_GLOBALS G, WDFCMRESLIST List)
{
    return cm_list(G, List)->Count;
}

PCM_PARTIAL_RESOURCE_DESCRIPTOR imp_WdfCmResourceListGetDescriptor(PWDF_DRIVER_GLOBALS G, WDFCMRESLIST List, ULONG Index)
{
    FxCmList *l = cm_list(G, List);
    return Index < l->Count ? &l->Items[Index] : NULL;
}

NTSTATUS imp_WdfCmResourceListInsertDescriptor(PWDF_DRIVER_GLOBALS G, WDFCMRESLIST List, PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, ULONG Index)
{
    FxGlobals *g = FxGet(G);
    FxCmList *l = cm_list(G, List);
    FX_NOT_NULL(g, Descriptor);
    if (Index > l->Count)
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *n = FxPoolAllocate(g, NonPagedPoolNx, (l->Count + 1) * sizeof *n, FX_TAG);
    if (!n)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i <= l->Count; i++)
        n[i] = i < Index ? l->Items[i] : i == Index ? *Descriptor : l->Items[i - 1];
    if (l->Items)
        ExFreePoolWithTag(l->Items, FX_TAG);
    l->Items = n;
    l->Count++;
    l->Changed = TRUE;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfCmResourceListAppendDescriptor(PWDF_DRIVER_GLOBALS G, WDFCMRESLIST List, PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor)
{
    return imp_WdfCmResourceListInsertDescriptor(G, List, Descriptor, cm_list(G, List)->Count);
}

VOID imp_WdfCmResourceListRemove(PWDF_DRIVER_GLOBALS G, WDFCMRESLIST List, ULONG Index)
{
    FxCmList *l = cm_list(G, List);
    if (Index >= l->Count)
        return;
    for (ULONG i = Index; i + 1 < l->Count; i++)
        l->Items[i] = l->Items[i + 1];
    l->Count--;
    l->Changed = TRUE;
}

VOID imp_WdfCmResourceListRemoveByDescriptor(PWDF_DRIVER_GLOBALS G, WDFCMRESLIST List, PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor)
{
    FxCmList *l = cm_list(G, List);
    for (ULONG i = 0; i < l->Count; i++)
        if (&l->Items[i] == Descriptor) {
            imp_WdfCmResourceListRemove(G, List, i);
            return;
        }
}

/* DOC: the FDO's filter callbacks see a WDFIORESREQLIST; the requirements pass unchanged when there are none. */
NTSTATUS FxFilterRequirements(FxDevice *d, IRP *irp, BOOLEAN *done)
{
    *done = FALSE;
    return STATUS_SUCCESS;
}

/* ---- WDFINTERRUPT ---- */

typedef struct {
    FxObject O;
    LIST_ENTRY Entry;
    WDF_INTERRUPT_CONFIG C;
    PKINTERRUPT Interrupt;
    KSPIN_LOCK IsrLock;
    KDPC Dpc;
    PIO_WORKITEM Item;
    BOOLEAN Connected, Enabled, WorkQueued, Forced, Passive;
    KIRQL Old;
    KMUTEX PassiveLock;
    WDF_INTERRUPT_EXTENDED_POLICY Policy;
    ULONG Number, Vector;
    UCHAR Irql;
    KAFFINITY Affinity;
    USHORT Share, Mode;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *Assigned;
    KEVENT Idle;
} FxInterrupt;

static FxInterrupt *interrupt(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT i)
{
    return FX_OBJ(FxGet(G), i, FxInterrupt, FX_TYPE_INTERRUPT);
}

static BOOLEAN isr(PKINTERRUPT k, PVOID context) __asm__("FxInterrupt::_InterruptThunk");
static void dpc(KDPC *k, PVOID context, PVOID a, PVOID b) __asm__("FxInterrupt::_InterruptDpcThunk");
static void work(DEVICE_OBJECT *d, PVOID context) __asm__("FxInterrupt::_InterruptWorkItemCallback");

static BOOLEAN isr(PKINTERRUPT k, PVOID context)
{
    FxInterrupt *i = context;
    return i->C.EvtInterruptIsr((WDFINTERRUPT)FxHandle(i), 0);
}

static void dpc(KDPC *k, PVOID context, PVOID a, PVOID b)
{
    FxInterrupt *i = context;
    KIRQL cb;
    FxCallbackLock *l = i->C.AutomaticSerialization ? FxObjectCallbackLock(i->O.Parent) : NULL;
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(i->O.Globals, i->C.EvtInterruptDpc, (WDFINTERRUPT)FxHandle(i), FxHandle(i->O.Parent));
    FxCallbackLockRelease(l, cb);
}

static void work(DEVICE_OBJECT *d, PVOID context)
{
    FxInterrupt *i = context;
    KIRQL cb;
    InterlockedExchange8((volatile char *)&i->WorkQueued, FALSE);
    FxCallbackLock *l = i->C.AutomaticSerialization ? FxObjectCallbackLock(i->O.Parent) : NULL;
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(i->O.Globals, i->C.EvtInterruptWorkItem, (WDFINTERRUPT)FxHandle(i), FxHandle(i->O.Parent));
    FxCallbackLockRelease(l, cb);
    KeSetEvent(&i->Idle, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN interrupt_dispose(FxObject *o)
{
    FxInterrupt *i = (FxInterrupt *)o;
    KIRQL irql;
    KeAcquireSpinLock(&o->Device->IoLock, &irql);
    RemoveEntryList(&i->Entry);
    KeReleaseSpinLock(&o->Device->IoLock, irql);
    KeFlushQueuedDpcs();
    KeWaitForSingleObject(&i->Idle, Executive, KernelMode, FALSE, NULL);
    return TRUE;
}

static void interrupt_destroy(FxObject *o)
{
    FxInterrupt *i = (FxInterrupt *)o;
    if (i->Item)
        IoFreeWorkItem(i->Item);
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
    if (!NT_SUCCESS(s))
        return s;
    WDF_INTERRUPT_CONFIG c = { 0 };
    RtlCopyMemory(&c, Config, Config->Size);
    if (!c.EvtInterruptIsr || (c.EvtInterruptDpc && c.EvtInterruptWorkItem && !c.PassiveHandling)) {
        FXLOG(g, InterruptState, 0, S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    if (c.PassiveHandling) {
        FXLOG(g, InterruptState, 0, S64(STATUS_NOT_SUPPORTED));
        return STATUS_NOT_SUPPORTED;
    }
    FxInterrupt *i = FxObjectCreate(g, FX_TYPE_INTERRUPT, sizeof *i, Attributes, &s);
    if (!i)
        return s;
    i->C = c;
    KeInitializeSpinLock(&i->IsrLock);
    KeInitializeEvent(&i->Idle, NotificationEvent, TRUE);
    KeInitializeMutex(&i->PassiveLock, 0);
    KeInitializeDpc(&i->Dpc, dpc, i);
    i->O.Destroy = interrupt_destroy;
    i->O.Device = d;
    i->Item = IoAllocateWorkItem(d->DeviceObject);
    if (!i->Item)
        s = STATUS_INSUFFICIENT_RESOURCES;
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts; e = e->Flink)
        i->Number++;
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

/* DOC: interrupts get the assigned interrupt resources in order of creation, or the one that the driver names (1.11). */
static CM_PARTIAL_RESOURCE_DESCRIPTOR *assigned(FxDevice *d, FxInterrupt *i, FxCmList *list)
{
    ULONG n = i->Number;
    if (i->C.InterruptTranslated)
        return i->C.InterruptTranslated;
    for (ULONG k = 0; list && k < list->Count; k++)
        if (list->Items[k].Type == CmResourceTypeInterrupt && n-- == 0)
            return &list->Items[k];
    return NULL;
}

static NTSTATUS connect(FxDevice *d, FxInterrupt *i)
{
    FxCmList *list = d->Translated ? cm_list(&d->O.Globals->Public, (WDFCMRESLIST)d->Translated) : NULL;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *r = assigned(d, i, list);
    if (i->Connected || !r)
        return STATUS_SUCCESS; /* DOC: an interrupt without a resource stays unconnected */
    i->Vector = r->u.Interrupt.Vector;
    i->Irql = (UCHAR)r->u.Interrupt.Level;
    i->Affinity = r->u.Interrupt.Affinity;
    i->Share = r->ShareDisposition == CmResourceShareShared;
    i->Mode = (r->Flags & CM_RESOURCE_INTERRUPT_LATCHED) ? Latched : LevelSensitive;
    i->Assigned = r;
    NTSTATUS s = IoConnectInterrupt(&i->Interrupt, isr, i, &i->IsrLock, i->Vector, i->Irql, i->Irql, i->Mode, i->Share != 0, i->Affinity, i->C.FloatingSave);
    i->Connected = NT_SUCCESS(s);
    return s;
}

NTSTATUS FxInterruptsConnect(FxDevice *d)
{
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts; e = e->Flink) {
        NTSTATUS s = connect(d, CONTAINING_RECORD(e, FxInterrupt, Entry));
        if (!NT_SUCCESS(s))
            return s;
    }
    return STATUS_SUCCESS;
}

void FxInterruptsDisconnect(FxDevice *d)
{
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts; e = e->Flink) {
        FxInterrupt *i = CONTAINING_RECORD(e, FxInterrupt, Entry);
        if (i->Connected)
            IoDisconnectInterrupt(i->Interrupt);
        i->Connected = FALSE;
        i->Interrupt = NULL;
        KeFlushQueuedDpcs();
    }
}

struct enable {
    FxInterrupt *I;
    BOOLEAN On;
    NTSTATUS Status;
};

static BOOLEAN enable_at_dirql(PVOID context)
{
    struct enable *e = context;
    PFN_WDF_INTERRUPT_ENABLE fn = e->On ? e->I->C.EvtInterruptEnable : (PFN_WDF_INTERRUPT_ENABLE)e->I->C.EvtInterruptDisable;
    e->Status = fn((WDFINTERRUPT)FxHandle(e->I), (WDFDEVICE)FxHandle(e->I->O.Device));
    return TRUE;
}

static NTSTATUS enable_one(FxInterrupt *i, BOOLEAN on)
{
    struct enable e = { i, on, STATUS_SUCCESS };
    if (!i->Connected || i->Enabled == on)
        return STATUS_SUCCESS;
    if (on ? (PVOID)i->C.EvtInterruptEnable : (PVOID)i->C.EvtInterruptDisable)
        KeSynchronizeExecution(i->Interrupt, enable_at_dirql, &e);
    i->Enabled = on;
    return e.Status;
}

NTSTATUS FxInterruptsEnable(FxDevice *d, BOOLEAN on)
{
    NTSTATUS s = STATUS_SUCCESS;
    for (LIST_ENTRY *e = d->Interrupts.Flink; e != &d->Interrupts && NT_SUCCESS(s); e = e->Flink)
        s = enable_one(CONTAINING_RECORD(e, FxInterrupt, Entry), on);
    return s;
}

VOID imp_WdfInterruptEnable(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    enable_one(interrupt(G, Interrupt), TRUE);
}

VOID imp_WdfInterruptDisable(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    enable_one(interrupt(G, Interrupt), FALSE);
}

BOOLEAN imp_WdfInterruptQueueDpcForIsr(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    if (i->C.EvtInterruptDpc)
        return KeInsertQueueDpc(&i->Dpc, NULL, NULL);
    return FALSE;
}

static void queue_item(KDPC *k, PVOID context, PVOID a, PVOID b)
{
}

BOOLEAN imp_WdfInterruptQueueWorkItemForIsr(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    (void)queue_item;
    if (!i->C.EvtInterruptWorkItem || KeGetCurrentIrql() > DISPATCH_LEVEL)
        return FALSE;
    if (InterlockedExchange8((volatile char *)&i->WorkQueued, TRUE))
        return FALSE;
    KeClearEvent(&i->Idle);
    IoQueueWorkItem(i->Item, work, DelayedWorkQueue, i);
    return TRUE;
}

struct synchronize {
    PFN_WDF_INTERRUPT_SYNCHRONIZE Fn;
    WDFINTERRUPT I;
    WDFCONTEXT Context;
};

static BOOLEAN synchronize_at_dirql(PVOID context)
{
    struct synchronize *s = context;
    return s->Fn(s->I, s->Context);
}

BOOLEAN imp_WdfInterruptSynchronize(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback, WDFCONTEXT Context)
{
    FxGlobals *g = FxGet(G);
    FxInterrupt *i = interrupt(G, Interrupt);
    FX_NOT_NULL(g, (PVOID)Callback);
    struct synchronize s = { Callback, Interrupt, Context };
    if (!i->Connected) {
        FXLOG(g, InterruptState, P64(Interrupt), S64(STATUS_INVALID_DEVICE_STATE));
        return FALSE;
    }
    return KeSynchronizeExecution(i->Interrupt, synchronize_at_dirql, &s);
}

VOID imp_WdfInterruptAcquireLock(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    if (i->Connected) {
        KIRQL old = KeAcquireInterruptSpinLock(i->Interrupt);
        i->Old = old;
    }
}

VOID imp_WdfInterruptReleaseLock(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    if (i->Connected)
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
    out.Mode = i->Mode;
    out.ShareDisposition = (UCHAR)(i->Share ? CmResourceShareShared : CmResourceShareDeviceExclusive);
    RtlCopyMemory(Info, &out, size);
}

VOID imp_WdfInterruptSetPolicy(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy, WDF_INTERRUPT_PRIORITY Priority, KAFFINITY TargetProcessorSet)
{
    FxInterrupt *i = interrupt(G, Interrupt);
    i->Policy.Policy = Policy;
    i->Policy.Priority = Priority;
}

VOID imp_WdfInterruptSetExtendedPolicy(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt, PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup)
{
    FxGlobals *g = FxGet(G);
    FxInterrupt *i = interrupt(G, Interrupt);
    FX_NOT_NULL(g, PolicyAndGroup);
    if (PolicyAndGroup->Size == sizeof *PolicyAndGroup)
        i->Policy = *PolicyAndGroup;
}

WDFDEVICE imp_WdfInterruptGetDevice(PWDF_DRIVER_GLOBALS G, WDFINTERRUPT Interrupt)
{
    return (WDFDEVICE)FxHandle(interrupt(G, Interrupt)->O.Device);
}
