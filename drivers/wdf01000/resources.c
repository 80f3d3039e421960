/* WDFCMRESLIST: the resources that a device was given, as its driver sees and, where it may, changes them. */
#include "fx.h"
#include "power.h"

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
    if (!NT_SUCCESS(s)) {
        FxResourcesDelete(d);
        return s;
    }
    d->Translated = (PVOID)*t;
    FxCmList *in = cm_list(&d->O.Globals->Public, *r), *out = cm_list(&d->O.Globals->Public, *t);
    if (in->Count == out->Count)
        FxInterruptsAssign(d, in->Items, out->Items, out->Count);
    return s;
}

/* As the PnP manager has it, from the list; NULL: no memory, or an empty list. */
static CM_RESOURCE_LIST *cm_build(const FxCmList *l, INTERFACE_TYPE type, ULONG bus)
{
    ULONG size = FIELD_OFFSET(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors) + l->Count * sizeof *l->Items;
    CM_RESOURCE_LIST *r = l->Count ? ExAllocatePoolWithTag(PagedPool, max(size, sizeof *r), FX_TAG) : NULL;
    if (!r)
        return NULL;
    RtlZeroMemory(r, max(size, sizeof *r));
    r->Count = 1;
    r->List[0].InterfaceType = type;
    r->List[0].BusNumber = bus;
    r->List[0].PartialResourceList.Version = r->List[0].PartialResourceList.Revision = 1;
    r->List[0].PartialResourceList.Count = l->Count;
    RtlCopyMemory(r->List[0].PartialResourceList.PartialDescriptors, l->Items, l->Count * sizeof *l->Items);
    return r;
}

static void cm_delete(WDFCMRESLIST l, FxDevice *d)
{
    if (l)
        FxObject_DeleteObject(FX_OBJ(d->O.Globals, l, FxObject, FX_TYPE_CMRESLIST));
}

/* DOC: EvtDeviceRemoveAddedResources: what the driver has added to the requirements is taken out of the start request before the drivers below see it.
 * The new lists stand in the next location; FxResourcesRestore frees them. */
NTSTATUS FxResourcesRemoveAdded(FxDevice *d, IO_STACK_LOCATION *now, IO_STACK_LOCATION *next)
{
    PFN_WDF_DEVICE_REMOVE_ADDED_RESOURCES evt = d->D.FdoEvents.EvtDeviceRemoveAddedResources;
    CM_RESOURCE_LIST *raw = now->Parameters.StartDevice.AllocatedResources, *translated = now->Parameters.StartDevice.AllocatedResourcesTranslated;
    WDFCMRESLIST r = NULL, t = NULL;
    if (!evt)
        return STATUS_SUCCESS;
    NTSTATUS s = cm_make(d, raw, &r);
    if (NT_SUCCESS(s))
        s = cm_make(d, translated, &t);
    if (NT_SUCCESS(s))
        FX_CALL_R(d->O.Globals, s, evt, (WDFDEVICE)FxHandle(d), r, t);
    if (NT_SUCCESS(s) && raw && translated) {
        FxCmList *a = cm_list(&d->O.Globals->Public, r), *b = cm_list(&d->O.Globals->Public, t);
        if (a->Changed)
            next->Parameters.StartDevice.AllocatedResources = cm_build(a, raw->List[0].InterfaceType, raw->List[0].BusNumber);
        if (b->Changed)
            next->Parameters.StartDevice.AllocatedResourcesTranslated = cm_build(b, translated->List[0].InterfaceType, translated->List[0].BusNumber);
    }
    cm_delete(r, d);
    cm_delete(t, d);
    return s;
}

/* EvtDeviceResourcesQuery: what a child's device has from the start (boot configuration). */
NTSTATUS FxPdoResources(FxDevice *d, IRP *irp)
{
    WDFCMRESLIST l;
    CM_RESOURCE_LIST *out = NULL;
    if (!d->D.PdoEvents.EvtDeviceResourcesQuery)
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    NTSTATUS s = cm_make(d, NULL, &l);
    if (!NT_SUCCESS(s))
        return FxDeviceCompleteIrp(irp, s, 0);
    FX_CALL_R(d->O.Globals, s, d->D.PdoEvents.EvtDeviceResourcesQuery, (WDFDEVICE)FxHandle(d), l);
    if (NT_SUCCESS(s) && cm_list(&d->O.Globals->Public, l)->Count) {
        out = cm_build(cm_list(&d->O.Globals->Public, l), Internal, 0);
        s = out ? s : STATUS_INSUFFICIENT_RESOURCES;
    }
    cm_delete(l, d);
    return FxDeviceCompleteIrp(irp, s, (ULONG_PTR)out);
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
