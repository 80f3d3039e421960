/* Resource requirement lists: what a bus driver says that its child needs, and what a function or filter driver changes of what its device needs.
 *
 * WDFIORESREQLIST is a list of alternatives, WDFIORESLIST one of them; they live as long as the callback that is given them. Lists are looked at in
 * the callback's thread alone, so they have no locks. DOC: "Hardware Resources for Framework-Based Drivers". */
#include "fx.h"
#include "power.h"

typedef struct {
    FxObject O;
    ULONG Count;
    IO_RESOURCE_DESCRIPTOR *Items;
} FxIoResList;

typedef struct {
    FxObject O;
    ULONG Slot, Count;
    INTERFACE_TYPE Interface;
    ULONG Bus;
    BOOLEAN Changed;
    FxIoResList **Lists;
} FxIoResReqList;

static FxIoResReqList *requirements(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST l)
{
    return FX_OBJ(FxGet(G), l, FxIoResReqList, FX_TYPE_IORESREQLIST);
}

static FxIoResList *alternative(PWDF_DRIVER_GLOBALS G, WDFIORESLIST l)
{
    return FX_OBJ(FxGet(G), l, FxIoResList, FX_TYPE_IORESLIST);
}

/* ---- arrays that grow ---- */

/* A copy with room for one more at `index`, or without the one at it; NULL: no memory. The old array is freed. */
static PVOID array_change(FxGlobals *g, PVOID old, ULONG count, SIZE_T size, ULONG index, const void *item)
{
    ULONG now = item ? count + 1 : count - 1, from = item ? index : index + 1, to = item ? index + 1 : index;
    PUCHAR fresh = FxPoolAllocate(g, NonPagedPoolNx, max(now, 1) * size, FX_TAG);
    if (!fresh)
        return NULL;
    if (old) {
        RtlCopyMemory(fresh, old, index * size);
        RtlCopyMemory(fresh + to * size, (PUCHAR)old + from * size, (count - from) * size);
        ExFreePoolWithTag(old, FX_TAG);
    }
    if (item)
        RtlCopyMemory(fresh + index * size, item, size);
    return fresh;
}

static NTSTATUS list_insert(FxIoResList *l, const IO_RESOURCE_DESCRIPTOR *d, ULONG index)
{
    if (index > l->Count)
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    IO_RESOURCE_DESCRIPTOR *items = array_change(l->O.Globals, l->Items, l->Count, sizeof *d, index, d);
    if (!items)
        return STATUS_INSUFFICIENT_RESOURCES;
    l->Items = items;
    l->Count++;
    return STATUS_SUCCESS;
}

static void list_remove(FxIoResList *l, ULONG index)
{
    if (index >= l->Count)
        return;
    for (ULONG i = index; i + 1 < l->Count; i++)
        l->Items[i] = l->Items[i + 1];
    l->Count--;
}

static NTSTATUS requirements_insert(FxIoResReqList *r, FxIoResList *l, ULONG index)
{
    if (index > r->Count)
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    if (l->O.Parent != FX(r)) {
        FXLOG(r->O.Globals, RequirementsInvalid, P64(FxHandle(l)), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(r->O.Globals, FX(l), __builtin_return_address(0));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    FxIoResList **lists = array_change(r->O.Globals, r->Lists, r->Count, sizeof l, index, &l);
    if (!lists)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->Lists = lists;
    r->Count++;
    return STATUS_SUCCESS;
}

static void requirements_remove(FxIoResReqList *r, ULONG index)
{
    if (index >= r->Count)
        return;
    for (ULONG i = index; i + 1 < r->Count; i++)
        r->Lists[i] = r->Lists[i + 1];
    r->Count--;
}

/* ---- objects ---- */

static void list_destroy(FxObject *o)
{
    if (((FxIoResList *)o)->Items)
        ExFreePoolWithTag(((FxIoResList *)o)->Items, FX_TAG);
}

static void requirements_destroy(FxObject *o)
{
    if (((FxIoResReqList *)o)->Lists)
        ExFreePoolWithTag(((FxIoResReqList *)o)->Lists, FX_TAG);
}

static NTSTATUS list_new(FxIoResReqList *r, const WDF_OBJECT_ATTRIBUTES *a, FxIoResList **out)
{
    NTSTATUS s;
    FxIoResList *l = FxObjectCreate(r->O.Globals, FX_TYPE_IORESLIST, sizeof *l, a, &s);
    if (!l)
        return s;
    l->O.Destroy = list_destroy;
    s = FxObjectCommit(FX(l), a, FX(r), NULL);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(l));
        return s;
    }
    *out = l;
    return STATUS_SUCCESS;
}

static const IO_RESOURCE_LIST *next_list(const IO_RESOURCE_LIST *l)
{
    return (const IO_RESOURCE_LIST *)&l->Descriptors[l->Count];
}

static NTSTATUS requirements_fill(FxIoResReqList *r, const IO_RESOURCE_REQUIREMENTS_LIST *from)
{
    const IO_RESOURCE_LIST *l = from->List;
    NTSTATUS s = STATUS_SUCCESS;
    r->Slot = from->SlotNumber;
    r->Interface = from->InterfaceType;
    r->Bus = from->BusNumber;
    for (ULONG i = 0; i < from->AlternativeLists && NT_SUCCESS(s); i++, l = next_list(l)) {
        FxIoResList *one;
        s = list_new(r, NULL, &one);
        for (ULONG k = 0; k < l->Count && NT_SUCCESS(s); k++)
            s = list_insert(one, &l->Descriptors[k], k);
        if (NT_SUCCESS(s))
            s = requirements_insert(r, one, r->Count);
    }
    return s;
}

static NTSTATUS requirements_new(FxDevice *d, const IO_RESOURCE_REQUIREMENTS_LIST *from, FxIoResReqList **out)
{
    NTSTATUS s;
    FxIoResReqList *r = FxObjectCreate(d->O.Globals, FX_TYPE_IORESREQLIST, sizeof *r, NULL, &s);
    if (!r)
        return s;
    r->O.Destroy = requirements_destroy;
    r->Interface = Internal;
    s = FxObjectCommit(FX(r), NULL, FX(d), NULL);
    if (NT_SUCCESS(s) && from)
        s = requirements_fill(r, from);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(r));
        return s;
    }
    r->O.Flags |= FXO_NO_DELETE;
    *out = r;
    return STATUS_SUCCESS;
}

/* As the PnP manager has it, from paged pool; NULL: no memory, or nothing wanted (*s says which). */
static IO_RESOURCE_REQUIREMENTS_LIST *requirements_build(const FxIoResReqList *r, NTSTATUS *s)
{
    ULONG size = FIELD_OFFSET(IO_RESOURCE_REQUIREMENTS_LIST, List);
    *s = STATUS_SUCCESS;
    for (ULONG i = 0; i < r->Count; i++)
        size += FIELD_OFFSET(IO_RESOURCE_LIST, Descriptors) + r->Lists[i]->Count * sizeof(IO_RESOURCE_DESCRIPTOR);
    if (!r->Count)
        return NULL;
    IO_RESOURCE_REQUIREMENTS_LIST *out = ExAllocatePoolWithTag(PagedPool, max(size, sizeof *out), FX_TAG);
    if (!out) {
        *s = STATUS_INSUFFICIENT_RESOURCES;
        return NULL;
    }
    RtlZeroMemory(out, max(size, sizeof *out));
    out->ListSize = size;
    out->InterfaceType = r->Interface;
    out->BusNumber = r->Bus;
    out->SlotNumber = r->Slot;
    out->AlternativeLists = r->Count;
    IO_RESOURCE_LIST *l = out->List;
    for (ULONG i = 0; i < r->Count; i++) {
        l->Version = l->Revision = 1;
        l->Count = r->Lists[i]->Count;
        RtlCopyMemory(l->Descriptors, r->Lists[i]->Items, l->Count * sizeof l->Descriptors[0]);
        l = (IO_RESOURCE_LIST *)next_list(l);
    }
    return out;
}

/* ---- what the PnP manager asks ---- */

static NTSTATUS call_filter(FxDevice *d, PFN_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS evt, IRP *irp)
{
    IO_RESOURCE_REQUIREMENTS_LIST *old = (PVOID)irp->IoStatus.Information, *now;
    FxIoResReqList *r;
    if (!old)
        old = IoGetCurrentIrpStackLocation(irp)->Parameters.FilterResourceRequirements.IoResourceRequirementList;
    NTSTATUS s = requirements_new(d, old, &r);
    if (!NT_SUCCESS(s))
        return s;
    FX_CALL_R(d->O.Globals, s, evt, (WDFDEVICE)FxHandle(d), (WDFIORESREQLIST)FxHandle(r));
    if (NT_SUCCESS(s)) {
        now = requirements_build(r, &s);
        if (NT_SUCCESS(s)) {
            if (irp->IoStatus.Information)
                ExFreePool((PVOID)irp->IoStatus.Information);
            irp->IoStatus.Information = (ULONG_PTR)now;
            irp->IoStatus.Status = STATUS_SUCCESS;
        }
    }
    FxObject_DeleteObject(FX(r));
    return s;
}

static void apply_policies(FxDevice *d, IO_RESOURCE_REQUIREMENTS_LIST *all)
{
    IO_RESOURCE_LIST *l = all ? all->List : NULL;
    for (ULONG i = 0; all && i < all->AlternativeLists; i++, l = (IO_RESOURCE_LIST *)next_list(l)) {
        ULONG number = 0;
        for (ULONG k = 0; k < l->Count; k++)
            if (l->Descriptors[k].Type == CmResourceTypeInterrupt && !(l->Descriptors[k].Option & IO_RESOURCE_ALTERNATIVE))
                FxInterruptPolicyApply(d, number++, &l->Descriptors[k]);
    }
}

/* DOC: IRP_MN_FILTER_RESOURCE_REQUIREMENTS: who adds does so before the drivers below see the request, who changes or removes afterwards. */
NTSTATUS FxFilterRequirements(FxDevice *d, IRP *irp)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (d->D.FdoEvents.EvtDeviceFilterAddResourceRequirements)
        s = call_filter(d, d->D.FdoEvents.EvtDeviceFilterAddResourceRequirements, irp);
    if (NT_SUCCESS(s)) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        s = FxSendIrpSynchronously(d->Attached, irp);
        if (s == STATUS_NOT_SUPPORTED && irp->IoStatus.Information)
            s = STATUS_SUCCESS; /* nobody below minded */
    }
    if ((NT_SUCCESS(s) || s == STATUS_NOT_SUPPORTED) && d->D.FdoEvents.EvtDeviceFilterRemoveResourceRequirements)
        s = call_filter(d, d->D.FdoEvents.EvtDeviceFilterRemoveResourceRequirements, irp);
    if (NT_SUCCESS(s) || s == STATUS_NOT_SUPPORTED)
        apply_policies(d, irp->IoStatus.Information ? (PVOID)irp->IoStatus.Information :
                                                      IoGetCurrentIrpStackLocation(irp)->Parameters.FilterResourceRequirements.IoResourceRequirementList);
    return FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
}

NTSTATUS FxPdoRequirements(FxDevice *d, IRP *irp)
{
    FxIoResReqList *r;
    NTSTATUS s = irp->IoStatus.Status;
    PVOID out = NULL;
    if (!d->D.PdoEvents.EvtDeviceResourceRequirementsQuery)
        return FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
    s = requirements_new(d, NULL, &r);
    if (!NT_SUCCESS(s))
        return FxDeviceCompleteIrp(irp, s, 0);
    FX_CALL_R(d->O.Globals, s, d->D.PdoEvents.EvtDeviceResourceRequirementsQuery, (WDFDEVICE)FxHandle(d), (WDFIORESREQLIST)FxHandle(r));
    if (NT_SUCCESS(s))
        out = requirements_build(r, &s);
    FxObject_DeleteObject(FX(r));
    return FxDeviceCompleteIrp(irp, s, (ULONG_PTR)out);
}

/* ---- what drivers call ---- */

VOID imp_WdfIoResourceRequirementsListSetSlotNumber(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, ULONG SlotNumber)
{
    requirements(G, List)->Slot = SlotNumber;
}

VOID imp_WdfIoResourceRequirementsListSetInterfaceType(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, INTERFACE_TYPE InterfaceType)
{
    requirements(G, List)->Interface = InterfaceType;
}

NTSTATUS imp_WdfIoResourceRequirementsListInsertIoResList(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, WDFIORESLIST IoResList, ULONG Index)
{
    return requirements_insert(requirements(G, List), alternative(G, IoResList), Index);
}

NTSTATUS imp_WdfIoResourceRequirementsListAppendIoResList(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, WDFIORESLIST IoResList)
{
    FxIoResReqList *r = requirements(G, List);
    return requirements_insert(r, alternative(G, IoResList), r->Count);
}

ULONG imp_WdfIoResourceRequirementsListGetCount(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List)
{
    return requirements(G, List)->Count;
}

WDFIORESLIST imp_WdfIoResourceRequirementsListGetIoResList(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, ULONG Index)
{
    FxIoResReqList *r = requirements(G, List);
    return Index < r->Count ? (WDFIORESLIST)FxHandle(r->Lists[Index]) : NULL;
}

VOID imp_WdfIoResourceRequirementsListRemove(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, ULONG Index)
{
    requirements_remove(requirements(G, List), Index);
}

VOID imp_WdfIoResourceRequirementsListRemoveByIoResList(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, WDFIORESLIST IoResList)
{
    FxIoResReqList *r = requirements(G, List);
    FxIoResList *l = alternative(G, IoResList);
    for (ULONG i = 0; i < r->Count; i++)
        if (r->Lists[i] == l) {
            requirements_remove(r, i);
            return;
        }
}

NTSTATUS imp_WdfIoResourceListCreate(PWDF_DRIVER_GLOBALS G, WDFIORESREQLIST List, PWDF_OBJECT_ATTRIBUTES Attributes, WDFIORESLIST *ResourceList)
{
    FxGlobals *g = FxGet(G);
    FxIoResReqList *r = requirements(G, List);
    FxIoResList *l;
    FX_NOT_NULL(g, ResourceList);
    *ResourceList = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_REFUSED);
    if (NT_SUCCESS(s))
        s = list_new(r, Attributes, &l);
    if (NT_SUCCESS(s))
        *ResourceList = (WDFIORESLIST)FxHandle(l);
    return s;
}

NTSTATUS imp_WdfIoResourceListInsertDescriptor(PWDF_DRIVER_GLOBALS G, WDFIORESLIST List, PIO_RESOURCE_DESCRIPTOR Descriptor, ULONG Index)
{
    FX_NOT_NULL(FxGet(G), Descriptor);
    return list_insert(alternative(G, List), Descriptor, Index);
}

NTSTATUS imp_WdfIoResourceListAppendDescriptor(PWDF_DRIVER_GLOBALS G, WDFIORESLIST List, PIO_RESOURCE_DESCRIPTOR Descriptor)
{
    FX_NOT_NULL(FxGet(G), Descriptor);
    return list_insert(alternative(G, List), Descriptor, alternative(G, List)->Count);
}

VOID imp_WdfIoResourceListUpdateDescriptor(PWDF_DRIVER_GLOBALS G, WDFIORESLIST List, PIO_RESOURCE_DESCRIPTOR Descriptor, ULONG Index)
{
    FxIoResList *l = alternative(G, List);
    FX_NOT_NULL(FxGet(G), Descriptor);
    if (Index < l->Count)
        l->Items[Index] = *Descriptor;
}

ULONG imp_WdfIoResourceListGetCount(PWDF_DRIVER_GLOBALS G, WDFIORESLIST List)
{
    return alternative(G, List)->Count;
}

PIO_RESOURCE_DESCRIPTOR imp_WdfIoResourceListGetDescriptor(PWDF_DRIVER_GLOBALS G, WDFIORESLIST List, ULONG Index)
{
    FxIoResList *l = alternative(G, List);
    return Index < l->Count ? &l->Items[Index] : NULL;
}

VOID imp_WdfIoResourceListRemove(PWDF_DRIVER_GLOBALS G, WDFIORESLIST List, ULONG Index)
{
    list_remove(alternative(G, List), Index);
}

VOID imp_WdfIoResourceListRemoveByDescriptor(PWDF_DRIVER_GLOBALS G, WDFIORESLIST List, PIO_RESOURCE_DESCRIPTOR Descriptor)
{
    FxIoResList *l = alternative(G, List);
    FX_NOT_NULL(FxGet(G), Descriptor);
    for (ULONG i = 0; i < l->Count; i++)
        if (RtlEqualMemory(&l->Items[i], Descriptor, sizeof *Descriptor)) {
            list_remove(l, i);
            return;
        }
}
