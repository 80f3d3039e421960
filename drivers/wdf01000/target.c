/* WDFIOTARGET: creation, opening, states. Formatting is in target_format.c, sending in target_send.c. */
#include <initguid.h>
#include <wdmguid.h>

#include "fx.h"
#include "fx_usb.h"

#include <ntstrsafe.h>

FXM(NTSTATUS, FxIoTargetRemote, Open, (FxTarget * t, PWDF_IO_TARGET_OPEN_PARAMS p));
FXM(NTSTATUS, FxIoTargetRemote, OpenTargetHandle, (FxTarget * t, PWDF_IO_TARGET_OPEN_PARAMS p));
FXM(void, FxIoTargetRemote, Close, (FxTarget * t, WDF_IO_TARGET_STATE state));
extern void FxTargetResend(FxTarget *t);
extern void FxTargetFailPended(FxTarget *t, NTSTATUS s);

static FxTarget *target(PWDF_DRIVER_GLOBALS G, WDFIOTARGET t)
{
    return FX_OBJ(FxGet(G), t, FxTarget, FX_TYPE_IO_TARGET);
}

static void set_state(FxTarget *t, WDF_IO_TARGET_STATE s)
{
    FXLOG(t->O.Globals, TargetState, P64(FxHandle(t)), t->State, s);
    t->State = s;
}

/* What was sent is back; a reader's work item is at rest. */
static void wait_empty(FxTarget *t)
{
    if (t->Reader)
        FxUsbReaderWait(t->Reader);
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&t->Empty, Executive, KernelMode, FALSE, NULL);
    KeLeaveCriticalRegion();
}

BOOLEAN FxTargetDispose(FxObject *o)
{
    FxTarget *t = (FxTarget *)o;
    FxDevice *d = o->Device;
    KIRQL irql;
    if (t->Remote)
        FxIoTargetRemote_Close(t, WdfIoTargetClosed);
    KeAcquireSpinLock(&t->TargetLock, &irql);
    set_state(t, WdfIoTargetDeleted);
    KeReleaseSpinLock(&t->TargetLock, irql);
    FxTargetFailPended(t, STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
    FxTargetCancelAll(t);
    wait_empty(t);
    KeAcquireSpinLock(&d->IoLock, &irql);
    if (t->Entry.Flink)
        RemoveEntryList(&t->Entry);
    KeReleaseSpinLock(&d->IoLock, irql);
    return TRUE;
}

static void target_destroy(FxObject *o)
{
    FxTarget *t = (FxTarget *)o;
    FxFreeString(&t->Name);
}

FxTarget *FxTargetNew(FxGlobals *g, FxDevice *d, enum fx_type type, size_t size, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *s)
{
    FxTarget *t = FxObjectCreate(g, type, size, a, s);
    if (!t)
        return NULL;
    KeInitializeSpinLock(&t->TargetLock);
    InitializeListHead(&t->Sent);
    InitializeListHead(&t->Pended);
    KeInitializeEvent(&t->Empty, NotificationEvent, TRUE);
    t->O.Device = d;
    t->O.Destroy = target_destroy;
    return t;
}

static FxTarget *target_new(FxGlobals *g, FxDevice *d, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *s)
{
    return FxTargetNew(g, d, FX_TYPE_IO_TARGET, sizeof(FxTarget), a, s);
}

NTSTATUS FxTargetCommit(FxTarget *t, const WDF_OBJECT_ATTRIBUTES *a, FxObject *parent, WDFOBJECT *h)
{
    FxDevice *d = t->O.Device;
    NTSTATUS s = FxObjectCommit(FX(t), a, parent, h);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(t));
        return s;
    }
    t->O.Flags |= FXO_PASSIVE;
    t->O.Dispose = FxTargetDispose;
    KIRQL irql;
    KeAcquireSpinLock(&d->IoLock, &irql);
    InsertTailList(&d->Targets, &t->Entry);
    KeReleaseSpinLock(&d->IoLock, irql);
    return STATUS_SUCCESS;
}

static NTSTATUS target_commit(FxTarget *t, const WDF_OBJECT_ATTRIBUTES *a, WDFOBJECT *h)
{
    return FxTargetCommit(t, a, FX(t->O.Device), h);
}

void FxTargetIsLocal(FxTarget *t)
{
    FxDevice *d = t->O.Device;
    if (d->Attached) {
        t->Device = d->Attached;
        t->StackSize = d->Attached->StackSize;
        t->IoFlags = d->Attached->Flags;
    } else if (d->ParentDevice) {
        t->Device = d->ParentDevice->DeviceObject;
        t->StackSize = t->Device->StackSize;
        t->IoFlags = t->Device->Flags;
    }
    t->Pdo = d->Pdo;
    t->InStack = d;
    t->State = WdfIoTargetStarted;
}

/* The device's own target: the device that it is attached to. Its stack size is taken now and stays. */
NTSTATUS FxTargetCreateLocal(FxDevice *d, FxTarget **out)
{
    NTSTATUS s;
    FxTarget *t = target_new(d->O.Globals, d, NULL, &s);
    if (!t)
        return s;
    FxTargetIsLocal(t);
    s = target_commit(t, NULL, NULL);
    if (NT_SUCCESS(s)) {
        t->O.Flags |= FXO_NO_DELETE;
        *out = t;
    }
    return s;
}

NTSTATUS imp_WdfIoTargetCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_OBJECT_ATTRIBUTES Attributes, WDFIOTARGET *IoTarget)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FX_NOT_NULL(g, IoTarget);
    FX_PASSIVE(g);
    *IoTarget = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    if (Attributes && Attributes->ParentObject) { /* DOC: the device, or an object below one */
        FxObject *p = FX_OBJ(g, Attributes->ParentObject, FxObject, FX_TYPE_OBJECT);
        if (p->Device != d && p != FX(d)) {
            FXLOG(g, ParentWrongType, P64(Attributes->ParentObject), S64(STATUS_INVALID_DEVICE_REQUEST));
            FxVerifierDbgBreakPoint(g, p, __builtin_return_address(0));
            return STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    FxTarget *t = target_new(g, d, Attributes, &s);
    if (!t)
        return s;
    t->Remote = TRUE;
    t->State = WdfIoTargetClosed;
    s = target_commit(t, Attributes, (WDFOBJECT *)IoTarget);
    return s;
}

WDFIOTARGET imp_WdfDeviceGetSelfIoTarget(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    NTSTATUS s;
    if (!d->D.SelfTarget)
        return NULL;
    if (!d->SelfTarget) {
        FxTarget *t = target_new(g, d, NULL, &s);
        if (!t)
            return NULL;
        t->Self = TRUE;
        t->Device = d->DeviceObject;
        t->StackSize = d->DeviceObject->StackSize;
        t->IoFlags = d->DeviceObject->Flags;
        t->InStack = d;
        t->State = WdfIoTargetStarted;
        if (!NT_SUCCESS(target_commit(t, NULL, NULL)))
            return NULL;
        t->O.Flags |= FXO_NO_DELETE;
        d->SelfTarget = t;
    }
    return (WDFIOTARGET)FxHandle(d->SelfTarget);
}

NTSTATUS imp_WdfIoTargetSelfAssignDefaultIoQueue(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFQUEUE Queue)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    FxQueue *q = FX_OBJ(g, Queue, FxQueue, FX_TYPE_QUEUE);
    if (!t->Self || q->O.Device != t->InStack)
        return STATUS_INVALID_DEVICE_REQUEST;
    t->SelfQueue = q;
    return STATUS_SUCCESS;
}

/* ---- opening ---- */

static NTSTATUS notify(PVOID structure, PVOID context) __asm__("FxIoTargetRemote::_PlugPlayNotification");

static NTSTATUS query_remove(FxTarget *t)
{
    if (t->Open.EvtIoTargetQueryRemove) {
        NTSTATUS s;
        FX_CALL_R(t->O.Globals, s, t->Open.EvtIoTargetQueryRemove, (WDFIOTARGET)FxHandle(t));
        return s;
    }
    FxIoTargetRemote_Close(t, WdfIoTargetClosedForQueryRemove);
    return STATUS_SUCCESS;
}

static NTSTATUS notify(PVOID structure, PVOID context)
{
    PTARGET_DEVICE_REMOVAL_NOTIFICATION n = structure;
    FxTarget *t = context;
    if (RtlEqualMemory(&n->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE, sizeof(GUID)))
        return query_remove(t);
    if (RtlEqualMemory(&n->Event, &GUID_TARGET_DEVICE_REMOVE_COMPLETE, sizeof(GUID))) {
        if (t->Open.EvtIoTargetRemoveComplete)
            FX_CALL(t->O.Globals, t->Open.EvtIoTargetRemoveComplete, (WDFIOTARGET)FxHandle(t));
        else
            FxIoTargetRemote_Close(t, WdfIoTargetClosed);
        return STATUS_SUCCESS;
    }
    if (RtlEqualMemory(&n->Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED, sizeof(GUID))) {
        WDF_IO_TARGET_OPEN_PARAMS reopen = { .Size = sizeof reopen, .Type = WdfIoTargetOpenReopen };
        if (t->Open.EvtIoTargetRemoveCanceled)
            FX_CALL(t->O.Globals, t->Open.EvtIoTargetRemoveCanceled, (WDFIOTARGET)FxHandle(t));
        else
            FxIoTargetRemote_Open(t, &reopen);
    }
    return STATUS_SUCCESS;
}

NTSTATUS FxIoTargetRemote_OpenTargetHandle(FxTarget *t, PWDF_IO_TARGET_OPEN_PARAMS p)
{
    OBJECT_ATTRIBUTES oa;
    IO_STATUS_BLOCK io = { { 0 } };
    InitializeObjectAttributes(&oa, &t->Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS s = ZwCreateFile(&t->Handle, p->DesiredAccess, &oa, &io, (PLARGE_INTEGER)p->AllocationSize, p->FileAttributes, p->ShareAccess, p->CreateDisposition, p->CreateOptions,
                              p->EaBuffer, p->EaBufferLength);
    FXLOG(t->O.Globals, TargetOpenHandle, P64(FxHandle(t)), S64(s), io.Information);
    if (!NT_SUCCESS(s)) {
        t->Handle = NULL;
        return s;
    }
    s = ObReferenceObjectByHandle(t->Handle, p->DesiredAccess, *IoFileObjectType, KernelMode, (PVOID *)&t->File, NULL);
    if (!NT_SUCCESS(s)) {
        ZwClose(t->Handle);
        t->Handle = NULL;
        return s;
    }
    t->OwnsFile = TRUE;
    t->Device = IoGetRelatedDeviceObject(t->File);
    ObReferenceObject(t->Device);
    return s;
}

/* DOC: the target's physical device, by IRP_MN_QUERY_DEVICE_RELATIONS; only the lack of memory fails the open. */
static NTSTATUS query_pdo(FxTarget *t)
{
    IRP *irp = IoAllocateIrp(t->Device->StackSize, FALSE);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    IO_STACK_LOCATION *sl = IoGetNextIrpStackLocation(irp);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    sl->MajorFunction = IRP_MJ_PNP;
    sl->MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS;
    sl->Parameters.QueryDeviceRelations.Type = TargetDeviceRelation;
    NTSTATUS s = FxSendIrpSynchronously(t->Device, irp);
    DEVICE_RELATIONS *r = NT_SUCCESS(s) ? (PVOID)irp->IoStatus.Information : NULL;
    if (r) {
        if (r->Count)
            t->Pdo = r->Objects[0]; /* referenced by the query */
        ExFreePool(r);
    }
    IoFreeIrp(irp);
    return STATUS_SUCCESS;
}

static void forget_device(FxTarget *t)
{
    if (t->Pdo)
        ObDereferenceObject(t->Pdo);
    t->Pdo = NULL;
    if (t->File && (t->OwnsFile || t->Opened))
        ObDereferenceObject(t->File);
    t->File = NULL;
    if (t->Device)
        ObDereferenceObject(t->Device);
    t->Device = NULL;
    if (t->Handle)
        ZwClose(t->Handle);
    t->Handle = NULL;
    t->OwnsFile = FALSE;
}

static NTSTATUS open_existing(FxTarget *t, PWDF_IO_TARGET_OPEN_PARAMS p)
{
    if (!p->TargetDeviceObject)
        return STATUS_INVALID_PARAMETER;
    t->Device = p->TargetDeviceObject;
    ObReferenceObject(t->Device);
    t->File = p->TargetFileObject;
    if (t->File) {
        ObReferenceObject(t->File);
        t->OwnsFile = TRUE;
    }
    return STATUS_SUCCESS;
}

NTSTATUS FxIoTargetRemote_Open(FxTarget *t, PWDF_IO_TARGET_OPEN_PARAMS p)
{
    FxGlobals *g = t->O.Globals;
    NTSTATUS s = STATUS_SUCCESS;
    if (t->State == WdfIoTargetStarted || t->State == WdfIoTargetStopped || t->State == WdfIoTargetPurged || t->State == WdfIoTargetDeleted) {
        FXLOG(g, TargetOpenState, P64(FxHandle(t)), S64(STATUS_INVALID_DEVICE_STATE));
        return STATUS_INVALID_DEVICE_STATE;
    }
    if (p->Type == WdfIoTargetOpenReopen) {
        if (t->Open.Type != WdfIoTargetOpenByName || !t->Name.Buffer)
            return STATUS_INVALID_DEVICE_STATE;
        p = &t->Open;
    } else {
        if (t->Notification)
            IoUnregisterPlugPlayNotificationEx(t->Notification);
        t->Notification = NULL;
        if (p->Type == WdfIoTargetOpenByName)
            s = FxCopyString(g, &t->Name, &p->TargetDeviceName);
        if (!NT_SUCCESS(s))
            return s;
        RtlZeroMemory(&t->Open, sizeof t->Open);
        RtlCopyMemory(&t->Open, p, p->Size);
        t->Open.AllocationSize = NULL;
    }
    s = p->Type == WdfIoTargetOpenByName ? FxIoTargetRemote_OpenTargetHandle(t, p) : open_existing(t, p);
    if (NT_SUCCESS(s))
        s = query_pdo(t);
    if (!NT_SUCCESS(s)) {
        forget_device(t);
        return s;
    }
    t->StackSize = t->Device->StackSize;
    t->IoFlags = t->Device->Flags;
    t->Opened = TRUE;
    if (t->File && !t->Notification && t->Pdo)
        IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, t->File, g->DriverObject, notify, t, &t->Notification);
    KIRQL irql;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    set_state(t, WdfIoTargetStarted);
    KeReleaseSpinLock(&t->TargetLock, irql);
    FxTargetResend(t);
    return STATUS_SUCCESS;
}

void FxIoTargetRemote_Close(FxTarget *t, WDF_IO_TARGET_STATE state)
{
    KIRQL irql;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    BOOLEAN was = t->Opened;
    t->Opened = FALSE;
    if (was || t->State == WdfIoTargetClosedForQueryRemove)
        set_state(t, state);
    KeReleaseSpinLock(&t->TargetLock, irql);
    if (was) {
        FxTargetFailPended(t, STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
        FxTargetCancelAll(t);
        wait_empty(t);
        t->StackSize = 0;
        t->Opened = FALSE;
        forget_device(t);
    }
    if (state == WdfIoTargetClosed && t->Notification) {
        IoUnregisterPlugPlayNotificationEx(t->Notification);
        t->Notification = NULL;
    }
}

NTSTATUS imp_WdfIoTargetOpen(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, PWDF_IO_TARGET_OPEN_PARAMS P)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    FX_NOT_NULL(g, P);
    FX_PASSIVE(g);
    NTSTATUS s = STATUS_SUCCESS;
    if (P->Size > sizeof *P || P->Size < FIELD_OFFSET(WDF_IO_TARGET_OPEN_PARAMS, DesiredAccess))
        s = STATUS_INFO_LENGTH_MISMATCH;
    else if (!t->Remote)
        s = STATUS_INVALID_DEVICE_REQUEST;
    else if (P->Type == WdfIoTargetOpenUndefined || P->Type >= WdfIoTargetOpenLocalTargetByFile)
        s = STATUS_INVALID_PARAMETER;
    else if (P->Type == WdfIoTargetOpenByName && (!P->TargetDeviceName.Buffer || !P->TargetDeviceName.Length))
        s = STATUS_INVALID_PARAMETER;
    else if (P->Type == WdfIoTargetOpenUseExistingDevice &&
             (!P->TargetDeviceObject || ((P->EvtIoTargetQueryRemove || P->EvtIoTargetRemoveCanceled || P->EvtIoTargetRemoveComplete) && !P->TargetFileObject)))
        s = STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(s)) {
        FXLOG(g, TargetOpenParams, P64(IoTarget), S64(s));
        return s;
    }
    return FxIoTargetRemote_Open(t, P);
}

VOID imp_WdfIoTargetClose(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    FX_PASSIVE_V(g);
    if (t->Remote)
        FxIoTargetRemote_Close(t, g->Minor < 9 ? WdfIoTargetClosedForQueryRemove : WdfIoTargetClosed);
}

VOID imp_WdfIoTargetCloseForQueryRemove(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    FxTarget *t = target(G, IoTarget);
    FX_PASSIVE_V(FxGet(G));
    if (t->Remote)
        FxIoTargetRemote_Close(t, WdfIoTargetClosedForQueryRemove);
}

/* ---- states ---- */

/* A pipe's reader posts its reads; a USB device's pipes are started with it. */
NTSTATUS FxTargetStart(FxTarget *t)
{
    KIRQL irql;
    NTSTATUS s = STATUS_SUCCESS;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    if (t->State == WdfIoTargetStopped || t->State == WdfIoTargetPurged)
        set_state(t, WdfIoTargetStarted);
    KeReleaseSpinLock(&t->TargetLock, irql);
    if (t->Reader)
        s = FxUsbReaderStart(t->Reader);
    FxTargetResend(t);
    if (t->O.Type == FX_TYPE_IO_TARGET_USB_DEVICE)
        FxUsbPipesStart(t);
    return s;
}

NTSTATUS imp_WdfIoTargetStart(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    FxTarget *t = target(G, IoTarget);
    if (t->State == WdfIoTargetClosed || t->State == WdfIoTargetClosedForQueryRemove || t->State == WdfIoTargetDeleted)
        return STATUS_INVALID_DEVICE_STATE;
    return FxTargetStart(t);
}

/* DOC: what a continuous reader has sent is cancelled and waited for, whatever the action. */
void FxTargetStop(FxTarget *t, WDF_IO_TARGET_SENT_IO_ACTION action)
{
    KIRQL irql;
    if (t->Reader)
        action = WdfIoTargetCancelSentIo;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    if (t->State == WdfIoTargetStarted || t->State == WdfIoTargetPurged)
        set_state(t, WdfIoTargetStopped);
    if (t->Reader)
        FxUsbReaderStopped(t->Reader);
    KeReleaseSpinLock(&t->TargetLock, irql);
    if (t->O.Type == FX_TYPE_IO_TARGET_USB_DEVICE)
        FxUsbPipesStop(t, action);
    if (action == WdfIoTargetCancelSentIo)
        FxTargetCancelAll(t);
    if (action != WdfIoTargetLeaveSentIoPending)
        wait_empty(t);
}

VOID imp_WdfIoTargetStop(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDF_IO_TARGET_SENT_IO_ACTION Action)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    if (Action == WdfIoTargetSentIoUndefined || Action > WdfIoTargetLeaveSentIoPending)
        return;
    if (Action != WdfIoTargetLeaveSentIoPending)
        FX_PASSIVE_V(g);
    FxTargetStop(t, Action);
}

void FxTargetPurge(FxTarget *t, WDF_IO_TARGET_PURGE_IO_ACTION action)
{
    KIRQL irql;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    if (t->State == WdfIoTargetStarted || t->State == WdfIoTargetStopped)
        set_state(t, WdfIoTargetPurged);
    if (t->Reader)
        FxUsbReaderStopped(t->Reader);
    KeReleaseSpinLock(&t->TargetLock, irql);
    if (t->O.Type == FX_TYPE_IO_TARGET_USB_DEVICE)
        FxUsbPipesPurge(t, action);
    FxTargetFailPended(t, STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
    FxTargetCancelAll(t);
    if (action == WdfIoTargetPurgeIoAndWait || t->Reader)
        wait_empty(t);
}

VOID imp_WdfIoTargetPurge(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDF_IO_TARGET_PURGE_IO_ACTION Action)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    if (Action == WdfIoTargetPurgeIoAndWait)
        FX_PASSIVE_V(g);
    FxTargetPurge(t, Action);
}

void FxTargetRemove(FxTarget *t)
{
    KIRQL irql;
    if (t->Reader)
        FxUsbReaderRemoving(t->Reader);
    KeAcquireSpinLock(&t->TargetLock, &irql);
    set_state(t, WdfIoTargetPurged);
    if (t->Reader)
        FxUsbReaderStopped(t->Reader);
    KeReleaseSpinLock(&t->TargetLock, irql);
    FxTargetFailPended(t, STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
    FxTargetCancelAll(t);
    wait_empty(t);
}

/* The device is being removed: what it has sent is cancelled and waited for. */
void FxTargetsRemove(FxDevice *d)
{
    for (LIST_ENTRY *e = d->Targets.Flink; e != &d->Targets; e = e->Flink) {
        FxTarget *t = CONTAINING_RECORD(e, FxTarget, Entry);
        if (!t->Remote)
            FxTargetRemove(t);
    }
}

WDF_IO_TARGET_STATE imp_WdfIoTargetGetState(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    return target(G, IoTarget)->State;
}

WDFDEVICE imp_WdfIoTargetGetDevice(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    return (WDFDEVICE)FxHandle(target(G, IoTarget)->O.Device);
}

PDEVICE_OBJECT imp_WdfIoTargetWdmGetTargetDeviceObject(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    return target(G, IoTarget)->Device;
}

PDEVICE_OBJECT imp_WdfIoTargetWdmGetTargetPhysicalDevice(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    return target(G, IoTarget)->Pdo;
}

PFILE_OBJECT imp_WdfIoTargetWdmGetTargetFileObject(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    return target(G, IoTarget)->File;
}

HANDLE imp_WdfIoTargetWdmGetTargetFileHandle(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget)
{
    return target(G, IoTarget)->Handle;
}

NTSTATUS imp_WdfIoTargetQueryTargetProperty(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, DEVICE_REGISTRY_PROPERTY Property, ULONG Length, PVOID Buffer, PULONG Result)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    FX_NOT_NULL(g, Result);
    FX_PASSIVE(g);
    return t->Pdo ? IoGetDeviceProperty(t->Pdo, Property, Length, Buffer, Result) : STATUS_INVALID_DEVICE_STATE;
}

extern NTSTATUS FxMemoryOfProperty(FxGlobals *g, DEVICE_OBJECT *pdo, DEVICE_REGISTRY_PROPERTY property, POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                                   WDFMEMORY *memory);

NTSTATUS imp_WdfIoTargetAllocAndQueryTargetProperty(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, DEVICE_REGISTRY_PROPERTY Property, POOL_TYPE PoolType,
                                                    PWDF_OBJECT_ATTRIBUTES Attributes, WDFMEMORY *Memory)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    FX_NOT_NULL(g, Memory);
    FX_PASSIVE(g);
    *Memory = NULL;
    return t->Pdo ? FxMemoryOfProperty(g, t->Pdo, Property, PoolType, Attributes, FX(t), Memory) : STATUS_INVALID_DEVICE_STATE;
}

NTSTATUS imp_WdfIoTargetQueryForInterface(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, LPCGUID InterfaceType, PINTERFACE Interface, USHORT Size, USHORT Version, PVOID Data)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = target(G, IoTarget);
    FX_NOT_NULL(g, InterfaceType);
    FX_NOT_NULL(g, Interface);
    FX_PASSIVE(g);
    if (!t->Device)
        return STATUS_INVALID_DEVICE_STATE;
    return FxSendQueryInterface(t->Device, InterfaceType, Interface, Size, Version, Data);
}
