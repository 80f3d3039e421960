/* Child devices: dynamic lists (descriptions come and go, the framework asks for a PDO for each), static children, and what a PDO answers.
 *
 * An entry lives until its device has been removed: Present says what the driver last said, Missing that it has been reported so. Lists are guarded by
 * their own spin lock; the driver's compare and copy routines are called with it, as DOC says (<= DISPATCH_LEVEL). */
#include "machine.h"
#include "power.h"

#include <ntstrsafe.h>

typedef struct FxChildEntry {
    LIST_ENTRY Entry;
    struct FxChildList *List;
    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id;
    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER Address;
    FxDevice *Pdo;
    BOOLEAN Present, Scanned, Missing, Failed, Creating;
} FxChildEntry;

typedef struct FxChildList {
    FxObject O;
    LIST_ENTRY ListEntry; /* device's ChildLists */
    WDF_CHILD_LIST_CONFIG C;
    BOOLEAN Static, Changed;
    KSPIN_LOCK ChildLock;
    LIST_ENTRY Entries;
    LONG Scans, Iterations;
} FxChildList;

static FxChildList *list_of(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST l)
{
    return FX_OBJ(FxGet(G), l, FxChildList, FX_TYPE_CHILD_LIST);
}

static void entry_free(FxChildEntry *e)
{
    const WDF_CHILD_LIST_CONFIG *c = &e->List->C;
    if (e->Id && c->EvtChildListIdentificationDescriptionCleanup)
        c->EvtChildListIdentificationDescriptionCleanup((WDFCHILDLIST)FxHandle(e->List), e->Id);
    if (e->Address && c->EvtChildListAddressDescriptionCleanup)
        c->EvtChildListAddressDescriptionCleanup((WDFCHILDLIST)FxHandle(e->List), e->Address);
    ExFreePoolWithTag(e, FX_TAG);
}

static void list_destroy(FxObject *o)
{
    FxChildList *l = (FxChildList *)o;
    while (!IsListEmpty(&l->Entries))
        entry_free(CONTAINING_RECORD(RemoveHeadList(&l->Entries), FxChildEntry, Entry));
}

static NTSTATUS list_make(FxDevice *d, const WDF_CHILD_LIST_CONFIG *c, const WDF_OBJECT_ATTRIBUTES *a, BOOLEAN isStatic, FxChildList **out)
{
    NTSTATUS s;
    FxChildList *l = FxObjectCreate(d->O.Globals, FX_TYPE_CHILD_LIST, sizeof *l, a && a->Size ? a : NULL, &s);
    if (!l)
        return s;
    if (c)
        l->C = *c;
    l->Static = isStatic;
    KeInitializeSpinLock(&l->ChildLock);
    InitializeListHead(&l->Entries);
    l->O.Destroy = list_destroy;
    s = FxObjectCommit(FX(l), a && a->Size ? a : NULL, FX(d), NULL);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(l));
        return s;
    }
    l->O.Flags |= FXO_PASSIVE | FXO_NO_DELETE;
    InsertTailList(&d->ChildLists, &l->ListEntry);
    *out = l;
    return STATUS_SUCCESS;
}

NTSTATUS FxChildListCreateDefault(FxDevice *d)
{
    FxChildList *l;
    NTSTATUS s = STATUS_SUCCESS;
    if (d->D.HasChildList) {
        s = list_make(d, &d->D.ChildList, &d->D.ChildListAttributes, FALSE, &l);
        if (NT_SUCCESS(s))
            d->DefaultChildList = l;
    }
    return s;
}

NTSTATUS imp_WdfChildListCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_CHILD_LIST_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFCHILDLIST *ChildList)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FX_NOT_NULL(g, Config);
    FX_NOT_NULL(g, ChildList);
    FX_PASSIVE(g);
    *ChildList = NULL;
    if (Config->Size != sizeof *Config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (d->D.Kind != FX_INIT_FDO || !Config->EvtChildListCreateDevice || Config->IdentificationDescriptionSize < sizeof(WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER))
        return STATUS_INVALID_PARAMETER;
    FxChildList *l;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_REFUSED);
    if (NT_SUCCESS(s))
        s = list_make(d, Config, Attributes, FALSE, &l);
    if (NT_SUCCESS(s))
        *ChildList = (WDFCHILDLIST)FxHandle(l);
    return s;
}

WDFCHILDLIST imp_WdfFdoGetDefaultChildList(PWDF_DRIVER_GLOBALS G, WDFDEVICE Fdo)
{
    FxDevice *d = FX_OBJ(FxGet(G), Fdo, FxDevice, FX_TYPE_DEVICE);
    return d->DefaultChildList ? (WDFCHILDLIST)FxHandle(d->DefaultChildList) : NULL;
}

WDFDEVICE imp_WdfChildListGetDevice(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList)
{
    return (WDFDEVICE)FxHandle(list_of(G, ChildList)->O.Device);
}

/* ---- descriptions ---- */

static BOOLEAN same_id(FxChildList *l, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER a, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER b)
{
    if (l->C.EvtChildListIdentificationDescriptionCompare)
        return l->C.EvtChildListIdentificationDescriptionCompare((WDFCHILDLIST)FxHandle(l), a, b);
    return RtlEqualMemory(a, b, l->C.IdentificationDescriptionSize);
}

/* With the lock. A missing one has gone for the driver. */
static FxChildEntry *entry_find(FxChildList *l, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
    for (LIST_ENTRY *x = l->Entries.Flink; x != &l->Entries; x = x->Flink) {
        FxChildEntry *e = CONTAINING_RECORD(x, FxChildEntry, Entry);
        if (e->Id && e->Present && same_id(l, e->Id, id))
            return e;
    }
    return NULL;
}

static FxChildEntry *entry_make(FxGlobals *g, FxChildList *l)
{
    size_t id = (l->C.IdentificationDescriptionSize + 15) & ~(size_t)15;
    FxChildEntry *e = FxPoolAllocate(g, NonPagedPoolNx, ((sizeof *e + 15) & ~(size_t)15) + id + l->C.AddressDescriptionSize, FX_TAG);
    if (!e)
        return NULL;
    e->List = l;
    PUCHAR at = (PUCHAR)e + ((sizeof *e + 15) & ~(size_t)15);
    if (!l->Static)
        e->Id = (PVOID)at;
    if (l->C.AddressDescriptionSize)
        e->Address = (PVOID)(at + id);
    return e;
}

static NTSTATUS duplicate_id(FxChildList *l, FxChildEntry *e, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
    e->Id->IdentificationDescriptionSize = id->IdentificationDescriptionSize;
    if (l->C.EvtChildListIdentificationDescriptionDuplicate)
        return l->C.EvtChildListIdentificationDescriptionDuplicate((WDFCHILDLIST)FxHandle(l), id, e->Id);
    RtlCopyMemory(e->Id, id, l->C.IdentificationDescriptionSize);
    return STATUS_SUCCESS;
}

static NTSTATUS duplicate_address(FxChildList *l, FxChildEntry *e, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address, BOOLEAN update)
{
    if (!address || !e->Address)
        return STATUS_SUCCESS;
    e->Address->AddressDescriptionSize = address->AddressDescriptionSize;
    if (update && l->C.EvtChildListAddressDescriptionCopy) {
        l->C.EvtChildListAddressDescriptionCopy((WDFCHILDLIST)FxHandle(l), address, e->Address);
        return STATUS_SUCCESS;
    }
    if (!update && l->C.EvtChildListAddressDescriptionDuplicate)
        return l->C.EvtChildListAddressDescriptionDuplicate((WDFCHILDLIST)FxHandle(l), address, e->Address);
    RtlCopyMemory(e->Address, address, l->C.AddressDescriptionSize);
    return STATUS_SUCCESS;
}

static void invalidate(FxChildList *l)
{
    FxDevice *d = l->O.Device;
    if (d->Pdo && d->Pnp != FX_PNP_OBJECT_CREATED && !d->InRemove)
        IoInvalidateDeviceRelations(d->Pdo, BusRelations);
}

NTSTATUS imp_WdfChildListAddOrUpdateChildDescriptionAsPresent(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id,
                                                              PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER Address)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    FX_NOT_NULL(g, Id);
    if (Id->IdentificationDescriptionSize != l->C.IdentificationDescriptionSize || (Address && Address->AddressDescriptionSize != l->C.AddressDescriptionSize))
        return STATUS_INVALID_PARAMETER;
    KIRQL irql;
    NTSTATUS s = STATUS_SUCCESS;
    BOOLEAN tell = FALSE;
    FxChildEntry *fresh = entry_make(g, l);
    if (!fresh)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    FxChildEntry *e = entry_find(l, Id);
    if (e) {
        e->Scanned = TRUE;
        duplicate_address(l, e, Address, TRUE);
        s = STATUS_OBJECT_NAME_EXISTS;
    } else {
        s = duplicate_id(l, fresh, Id);
        if (NT_SUCCESS(s))
            s = duplicate_address(l, fresh, Address, FALSE);
        if (NT_SUCCESS(s)) {
            fresh->Present = fresh->Scanned = TRUE;
            InsertTailList(&l->Entries, &fresh->Entry);
            fresh = NULL;
            tell = l->Scans == 0;
            l->Changed = TRUE;
        }
    }
    KeReleaseSpinLock(&l->ChildLock, irql);
    if (fresh)
        ExFreePoolWithTag(fresh, FX_TAG);
    if (tell)
        invalidate(l);
    return s;
}

/* With the lock: TRUE when the entry was taken off and is to be freed. */
static BOOLEAN make_missing(FxChildEntry *e)
{
    e->Present = FALSE;
    if (e->Pdo || e->Creating)
        return FALSE;
    RemoveEntryList(&e->Entry);
    return TRUE;
}

static void reported_missing(FxDevice *pdo)
{
    if (pdo && pdo->D.PdoEvents.Size >= sizeof pdo->D.PdoEvents && pdo->D.PdoEvents.EvtDeviceReportedMissing)
        FX_CALL(pdo->O.Globals, pdo->D.PdoEvents.EvtDeviceReportedMissing, (WDFDEVICE)FxHandle(pdo));
}

NTSTATUS imp_WdfChildListUpdateChildDescriptionAsMissing(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    FX_NOT_NULL(g, Id);
    if (Id->IdentificationDescriptionSize != l->C.IdentificationDescriptionSize)
        return STATUS_INVALID_PARAMETER;
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    FxChildEntry *e = entry_find(l, Id);
    BOOLEAN gone = e && make_missing(e), tell = e && l->Scans == 0;
    FxDevice *pdo = e && !gone ? e->Pdo : NULL;
    if (pdo)
        FxObject_AddRef(FX(pdo));
    KeReleaseSpinLock(&l->ChildLock, irql);
    if (gone)
        entry_free(e);
    if (pdo) {
        reported_missing(pdo);
        FxObject_Release(FX(pdo));
    }
    if (tell)
        invalidate(l);
    return e ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

VOID imp_WdfChildListUpdateAllChildDescriptionsAsPresent(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList)
{
    FxChildList *l = list_of(G, ChildList);
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    for (LIST_ENTRY *x = l->Entries.Flink; x != &l->Entries; x = x->Flink)
        CONTAINING_RECORD(x, FxChildEntry, Entry)->Scanned = TRUE;
    KeReleaseSpinLock(&l->ChildLock, irql);
}

VOID imp_WdfChildListBeginScan(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList)
{
    FxChildList *l = list_of(G, ChildList);
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    if (l->Scans++ == 0)
        for (LIST_ENTRY *x = l->Entries.Flink; x != &l->Entries; x = x->Flink)
            CONTAINING_RECORD(x, FxChildEntry, Entry)->Scanned = FALSE;
    KeReleaseSpinLock(&l->ChildLock, irql);
}

VOID imp_WdfChildListEndScan(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    KIRQL irql;
    LIST_ENTRY gone;
    InitializeListHead(&gone);
    KeAcquireSpinLock(&l->ChildLock, &irql);
    if (l->Scans == 0) {
        KeReleaseSpinLock(&l->ChildLock, irql);
        FXLOG(g, ChildListState, P64(ChildList), S64(STATUS_INVALID_DEVICE_STATE));
        FxVerifierDbgBreakPoint(g, FX(l), __builtin_return_address(0));
        return;
    }
    BOOLEAN last = --l->Scans == 0;
    for (LIST_ENTRY *x = l->Entries.Flink, *next; last && x != &l->Entries; x = next) {
        FxChildEntry *e = CONTAINING_RECORD(x, FxChildEntry, Entry);
        next = x->Flink;
        if (!e->Scanned && e->Present && make_missing(e))
            InsertTailList(&gone, &e->Entry);
    }
    KeReleaseSpinLock(&l->ChildLock, irql);
    while (!IsListEmpty(&gone))
        entry_free(CONTAINING_RECORD(RemoveHeadList(&gone), FxChildEntry, Entry));
    if (last)
        invalidate(l);
}

/* ---- looking through a list ---- */

VOID imp_WdfChildListBeginIteration(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    FX_NOT_NULL(g, Iterator);
    if (Iterator->Size != sizeof *Iterator || !(Iterator->Flags & WdfRetrieveAllChildren)) {
        FXLOG(g, ChildListState, P64(ChildList), S64(STATUS_INVALID_PARAMETER));
        FxVerifierDbgBreakPoint(g, FX(l), __builtin_return_address(0));
        return;
    }
    InterlockedIncrement(&l->Iterations);
    RtlZeroMemory(Iterator->Reserved, sizeof Iterator->Reserved);
}

static ULONG retrieve_flag(const FxChildEntry *e)
{
    return !e->Present ? WdfRetrieveMissingChildren : e->Pdo ? WdfRetrievePresentChildren : WdfRetrievePendingChildren;
}

static void retrieve_info(FxChildList *l, FxChildEntry *e, PWDF_CHILD_RETRIEVE_INFO info)
{
    if (!info)
        return;
    info->Status = !e->Present ? WdfChildListRetrieveDeviceSuccess : e->Pdo ? WdfChildListRetrieveDeviceSuccess : WdfChildListRetrieveDeviceNotYetCreated;
    if (info->IdentificationDescription && e->Id) {
        if (l->C.EvtChildListIdentificationDescriptionCopy)
            l->C.EvtChildListIdentificationDescriptionCopy((WDFCHILDLIST)FxHandle(l), e->Id, info->IdentificationDescription);
        else
            RtlCopyMemory(info->IdentificationDescription, e->Id, l->C.IdentificationDescriptionSize);
    }
    if (info->AddressDescription && e->Address) {
        if (l->C.EvtChildListAddressDescriptionCopy)
            l->C.EvtChildListAddressDescriptionCopy((WDFCHILDLIST)FxHandle(l), e->Address, info->AddressDescription);
        else
            RtlCopyMemory(info->AddressDescription, e->Address, l->C.AddressDescriptionSize);
    }
}

NTSTATUS imp_WdfChildListRetrieveNextDevice(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator, WDFDEVICE *Device,
                                            PWDF_CHILD_RETRIEVE_INFO Info)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    FX_NOT_NULL(g, Iterator);
    FX_NOT_NULL(g, Device);
    KIRQL irql;
    NTSTATUS s = STATUS_NO_MORE_ENTRIES;
    *Device = NULL;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    LIST_ENTRY *x = Iterator->Reserved[0] ? ((LIST_ENTRY *)Iterator->Reserved[0])->Flink : l->Entries.Flink;
    for (; x != &l->Entries; x = x->Flink) {
        FxChildEntry *e = CONTAINING_RECORD(x, FxChildEntry, Entry);
        if (!(Iterator->Flags & retrieve_flag(e)))
            continue;
        if (Info && Info->EvtChildListIdentificationDescriptionCompare && Info->IdentificationDescription &&
            !Info->EvtChildListIdentificationDescriptionCompare(ChildList, Info->IdentificationDescription, e->Id))
            continue;
        Iterator->Reserved[0] = x;
        retrieve_info(l, e, Info);
        *Device = e->Pdo ? (WDFDEVICE)FxHandle(e->Pdo) : NULL;
        s = STATUS_SUCCESS;
        break;
    }
    KeReleaseSpinLock(&l->ChildLock, irql);
    return s;
}

VOID imp_WdfChildListEndIteration(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator)
{
    InterlockedDecrement(&list_of(G, ChildList)->Iterations);
}

WDFDEVICE imp_WdfChildListRetrievePdo(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_RETRIEVE_INFO RetrieveInfo)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    FX_NOT_NULL(g, RetrieveInfo);
    FX_NOT_NULL(g, RetrieveInfo->IdentificationDescription);
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    FxChildEntry *e = entry_find(l, RetrieveInfo->IdentificationDescription);
    WDFDEVICE d = e && e->Pdo ? (WDFDEVICE)FxHandle(e->Pdo) : NULL;
    RetrieveInfo->Status = !e ? WdfChildListRetrieveDeviceNoSuchDevice : e->Pdo ? WdfChildListRetrieveDeviceSuccess : WdfChildListRetrieveDeviceNotYetCreated;
    if (e)
        retrieve_info(l, e, RetrieveInfo);
    KeReleaseSpinLock(&l->ChildLock, irql);
    return d;
}

NTSTATUS imp_WdfChildListRetrieveAddressDescription(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id,
                                                    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER Address)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    FX_NOT_NULL(g, Id);
    FX_NOT_NULL(g, Address);
    if (Id->IdentificationDescriptionSize != l->C.IdentificationDescriptionSize || Address->AddressDescriptionSize != l->C.AddressDescriptionSize)
        return STATUS_INVALID_PARAMETER;
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    FxChildEntry *e = entry_find(l, Id);
    if (e && e->Address)
        RtlCopyMemory(Address, e->Address, l->C.AddressDescriptionSize);
    KeReleaseSpinLock(&l->ChildLock, irql);
    return e && e->Address ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

BOOLEAN imp_WdfChildListRequestChildEject(PWDF_DRIVER_GLOBALS G, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id)
{
    FxGlobals *g = FxGet(G);
    FxChildList *l = list_of(G, ChildList);
    FX_NOT_NULL(g, Id);
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    FxChildEntry *e = entry_find(l, Id);
    DEVICE_OBJECT *pdo = e && e->Pdo ? e->Pdo->DeviceObject : NULL;
    if (pdo)
        ObReferenceObject(pdo);
    KeReleaseSpinLock(&l->ChildLock, irql);
    if (!pdo)
        return FALSE;
    IoRequestDeviceEject(pdo);
    ObDereferenceObject(pdo);
    return TRUE;
}

/* ---- static children ---- */

void FxStaticChildAttach(FxDevice *d, PWDFDEVICE_INIT i)
{
    if (i->ChildEntry) {
        i->ChildEntry->Pdo = d;
        d->ChildEntry = i->ChildEntry;
        d->ChildListOf = i->ChildList;
    }
}

NTSTATUS imp_WdfFdoAddStaticChild(PWDF_DRIVER_GLOBALS G, WDFDEVICE Fdo, WDFDEVICE Child)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Fdo, FxDevice, FX_TYPE_DEVICE), *child = FX_OBJ(g, Child, FxDevice, FX_TYPE_DEVICE);
    FX_PASSIVE(g);
    if (!FxDeviceIsPdo(child) || child->ParentDevice != d || child->ChildEntry)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = d->StaticList ? STATUS_SUCCESS : list_make(d, NULL, NULL, TRUE, &d->StaticList);
    if (!NT_SUCCESS(s))
        return s;
    FxChildEntry *e = entry_make(g, d->StaticList);
    if (!e)
        return STATUS_INSUFFICIENT_RESOURCES;
    e->Pdo = child;
    e->Present = e->Scanned = TRUE;
    child->ChildEntry = e;
    child->ChildListOf = d->StaticList;
    child->DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    child->O.Flags |= FXO_NO_DELETE; /* the PnP manager's from now on */
    KIRQL irql;
    KeAcquireSpinLock(&d->StaticList->ChildLock, &irql);
    InsertTailList(&d->StaticList->Entries, &e->Entry);
    KeReleaseSpinLock(&d->StaticList->ChildLock, irql);
    invalidate(d->StaticList);
    return STATUS_SUCCESS;
}

VOID imp_WdfFdoLockStaticChildListForIteration(PWDF_DRIVER_GLOBALS G, WDFDEVICE Fdo)
{
    FxDevice *d = FX_OBJ(FxGet(G), Fdo, FxDevice, FX_TYPE_DEVICE);
    if (d->StaticList)
        InterlockedIncrement(&d->StaticList->Iterations);
}

VOID imp_WdfFdoUnlockStaticChildListFromIteration(PWDF_DRIVER_GLOBALS G, WDFDEVICE Fdo)
{
    FxDevice *d = FX_OBJ(FxGet(G), Fdo, FxDevice, FX_TYPE_DEVICE);
    if (d->StaticList)
        InterlockedDecrement(&d->StaticList->Iterations);
}

WDFDEVICE imp_WdfFdoRetrieveNextStaticChild(PWDF_DRIVER_GLOBALS G, WDFDEVICE Fdo, WDFDEVICE PreviousChild, ULONG Flags)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Fdo, FxDevice, FX_TYPE_DEVICE);
    FxDevice *previous = PreviousChild ? FX_OBJ(g, PreviousChild, FxDevice, FX_TYPE_DEVICE) : NULL, *found = NULL;
    FxChildList *l = d->StaticList;
    BOOLEAN seen = previous == NULL;
    KIRQL irql;
    if (!l)
        return NULL;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    for (LIST_ENTRY *x = l->Entries.Flink; x != &l->Entries && !found; x = x->Flink) {
        FxChildEntry *e = CONTAINING_RECORD(x, FxChildEntry, Entry);
        if (seen && (Flags & retrieve_flag(e)))
            found = e->Pdo;
        seen |= e->Pdo == previous;
    }
    KeReleaseSpinLock(&l->ChildLock, irql);
    return found ? (WDFDEVICE)FxHandle(found) : NULL;
}

/* ---- PDO ---- */

static FxDevice *pdo_of(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    if (!FxDeviceIsPdo(d)) {
        FXLOG(g, PdoInvalid, P64(Device), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, FX(d), __builtin_return_address(0));
        return NULL;
    }
    return d;
}

WDFDEVICE imp_WdfPdoGetParent(PWDF_DRIVER_GLOBALS G, WDFDEVICE Pdo)
{
    FxDevice *d = pdo_of(G, Pdo);
    return d && d->ParentDevice ? (WDFDEVICE)FxHandle(d->ParentDevice) : NULL;
}

NTSTATUS imp_WdfPdoMarkMissing(PWDF_DRIVER_GLOBALS G, WDFDEVICE Pdo)
{
    FxDevice *d = pdo_of(G, Pdo);
    KIRQL irql;
    if (!d)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!d->ChildEntry)
        return STATUS_INVALID_PARAMETER;
    FxChildList *l = d->ChildListOf;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    d->ChildEntry->Present = FALSE;
    KeReleaseSpinLock(&l->ChildLock, irql);
    reported_missing(d);
    invalidate(l);
    return STATUS_SUCCESS;
}

VOID imp_WdfPdoRequestEject(PWDF_DRIVER_GLOBALS G, WDFDEVICE Pdo)
{
    FxDevice *d = pdo_of(G, Pdo);
    if (d)
        IoRequestDeviceEject(d->DeviceObject);
}

NTSTATUS imp_WdfPdoRetrieveIdentificationDescription(PWDF_DRIVER_GLOBALS G, WDFDEVICE Pdo, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = pdo_of(G, Pdo);
    FX_NOT_NULL(g, Id);
    if (!d || !d->ChildEntry || !d->ChildEntry->Id)
        return STATUS_INVALID_PARAMETER;
    FxChildList *l = d->ChildListOf;
    if (Id->IdentificationDescriptionSize != l->C.IdentificationDescriptionSize)
        return STATUS_INFO_LENGTH_MISMATCH;
    KIRQL irql;
    WDF_CHILD_RETRIEVE_INFO info = { .Size = sizeof info, .IdentificationDescription = Id };
    KeAcquireSpinLock(&l->ChildLock, &irql);
    retrieve_info(l, d->ChildEntry, &info);
    KeReleaseSpinLock(&l->ChildLock, irql);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfPdoRetrieveAddressDescription(PWDF_DRIVER_GLOBALS G, WDFDEVICE Pdo, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER Address)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = pdo_of(G, Pdo);
    FX_NOT_NULL(g, Address);
    if (!d || !d->ChildEntry || !d->ChildEntry->Address)
        return STATUS_INVALID_PARAMETER;
    FxChildList *l = d->ChildListOf;
    if (Address->AddressDescriptionSize != l->C.AddressDescriptionSize)
        return STATUS_INFO_LENGTH_MISMATCH;
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    RtlCopyMemory(Address, d->ChildEntry->Address, l->C.AddressDescriptionSize);
    KeReleaseSpinLock(&l->ChildLock, irql);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfPdoUpdateAddressDescription(PWDF_DRIVER_GLOBALS G, WDFDEVICE Pdo, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER Address)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = pdo_of(G, Pdo);
    FX_NOT_NULL(g, Address);
    if (!d || !d->ChildEntry || !d->ChildEntry->Address)
        return STATUS_INVALID_PARAMETER;
    FxChildList *l = d->ChildListOf;
    if (Address->AddressDescriptionSize != l->C.AddressDescriptionSize)
        return STATUS_INFO_LENGTH_MISMATCH;
    KIRQL irql;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    RtlCopyMemory(d->ChildEntry->Address, Address, l->C.AddressDescriptionSize);
    KeReleaseSpinLock(&l->ChildLock, irql);
    return STATUS_SUCCESS;
}

/* ---- telling the PnP manager ---- */

static void create_device(FxChildList *l, FxChildEntry *e)
{
    FxDevice *parent = l->O.Device;
    FxGlobals *g = l->O.Globals;
    struct WDFDEVICE_INIT *i = FxDeviceInitAllocate(g, parent->Driver, FX_INIT_PDO);
    NTSTATUS s = STATUS_INSUFFICIENT_RESOURCES;
    if (i) {
        i->Parent = parent;
        i->ChildList = l;
        i->ChildEntry = e;
        FX_CALL_R(g, s, l->C.EvtChildListCreateDevice, (WDFCHILDLIST)FxHandle(l), e->Id, i);
        if (NT_SUCCESS(s) && e->Pdo) {
            e->Pdo->DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
            e->Pdo->O.Flags |= FXO_NO_DELETE;
        }
        if (!NT_SUCCESS(s) && e->Pdo) {
            FxDevice *d = e->Pdo;
            e->Pdo = NULL;
            d->ChildEntry = NULL;
            FxDeviceRemove(d);
        }
        FxDeviceInitFree(i);
    }
    if (!e->Pdo && s != STATUS_RETRY)
        e->Failed = TRUE;
}

static FxChildEntry *next_to_create(FxChildList *l)
{
    KIRQL irql;
    FxChildEntry *found = NULL;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    for (LIST_ENTRY *x = l->Entries.Flink; x != &l->Entries && !found; x = x->Flink) {
        FxChildEntry *e = CONTAINING_RECORD(x, FxChildEntry, Entry);
        if (e->Present && !e->Pdo && !e->Failed && !l->Static)
            found = e;
    }
    if (found)
        found->Creating = TRUE;
    KeReleaseSpinLock(&l->ChildLock, irql);
    return found;
}

static void create_devices(FxChildList *l)
{
    for (FxChildEntry *e; (e = next_to_create(l)) != NULL;) {
        KIRQL irql;
        create_device(l, e);
        KeAcquireSpinLock(&l->ChildLock, &irql);
        e->Creating = FALSE;
        BOOLEAN gone = !e->Pdo && (!e->Present || e->Failed);
        if (gone)
            RemoveEntryList(&e->Entry);
        KeReleaseSpinLock(&l->ChildLock, irql);
        if (gone)
            entry_free(e);
        else if (!e->Pdo)
            return; /* STATUS_RETRY: at the next query */
    }
}

static ULONG report(FxChildList *l, DEVICE_RELATIONS *r)
{
    KIRQL irql;
    ULONG n = 0;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    for (LIST_ENTRY *x = l->Entries.Flink; x != &l->Entries; x = x->Flink) {
        FxChildEntry *e = CONTAINING_RECORD(x, FxChildEntry, Entry);
        if (e->Present && e->Pdo) {
            if (r) {
                ObReferenceObject(e->Pdo->DeviceObject);
                r->Objects[r->Count++] = e->Pdo->DeviceObject;
            }
            n++;
        } else if (!e->Present && e->Pdo && r) {
            e->Missing = TRUE;
        }
    }
    KeReleaseSpinLock(&l->ChildLock, irql);
    return n;
}

NTSTATUS FxChildListsQueryRelations(FxDevice *d, IRP *irp)
{
    DEVICE_RELATIONS *old = (PVOID)irp->IoStatus.Information;
    ULONG n = 0;
    if (IsListEmpty(&d->ChildLists))
        return STATUS_NOT_SUPPORTED;
    for (LIST_ENTRY *x = d->ChildLists.Flink; x != &d->ChildLists; x = x->Flink) {
        FxChildList *l = CONTAINING_RECORD(x, FxChildList, ListEntry);
        create_devices(l);
        n += report(l, NULL);
    }
    ULONG had = old ? old->Count : 0;
    DEVICE_RELATIONS *r = ExAllocatePoolWithTag(PagedPool, sizeof *r + (n + had) * sizeof(PVOID), FX_TAG);
    if (!r)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->Count = 0;
    for (ULONG i = 0; i < had; i++)
        r->Objects[r->Count++] = old->Objects[i];
    for (LIST_ENTRY *x = d->ChildLists.Flink; x != &d->ChildLists; x = x->Flink)
        report(CONTAINING_RECORD(x, FxChildList, ListEntry), r);
    if (old)
        ExFreePool(old);
    irp->IoStatus.Information = (ULONG_PTR)r;
    irp->IoStatus.Status = STATUS_SUCCESS;
    return STATUS_SUCCESS;
}

void FxChildListsScan(FxDevice *d)
{
    for (LIST_ENTRY *x = d->ChildLists.Flink; x != &d->ChildLists; x = x->Flink) {
        FxChildList *l = CONTAINING_RECORD(x, FxChildList, ListEntry);
        if (l->C.EvtChildListScanForChildren)
            FX_CALL(l->O.Globals, l->C.EvtChildListScanForChildren, (WDFCHILDLIST)FxHandle(l));
    }
}

void FxChildrenEach(FxDevice *d, void (*what)(FxDevice *pdo, ULONG_PTR context), ULONG_PTR context)
{
    for (LIST_ENTRY *x = d->ChildLists.Flink; x != &d->ChildLists; x = x->Flink) {
        FxChildList *l = CONTAINING_RECORD(x, FxChildList, ListEntry);
        FxDevice *pdos[32];
        ULONG n = 0;
        KIRQL irql;
        KeAcquireSpinLock(&l->ChildLock, &irql);
        for (LIST_ENTRY *y = l->Entries.Flink; y != &l->Entries && n < sizeof pdos / sizeof *pdos; y = y->Flink)
            if (CONTAINING_RECORD(y, FxChildEntry, Entry)->Pdo) {
                pdos[n] = CONTAINING_RECORD(y, FxChildEntry, Entry)->Pdo;
                FxObject_AddRef(FX(pdos[n++]));
            }
        KeReleaseSpinLock(&l->ChildLock, irql);
        for (ULONG i = 0; i < n; i++) {
            if (pdos[i]->M)
                what(pdos[i], context);
            FxObject_Release(FX(pdos[i]));
        }
    }
}

/* The bus goes: PDOs that were only told to remove themselves are deleted with it. */
void FxChildListsRemove(FxDevice *d, BOOLEAN surprise)
{
    if (surprise)
        return;
    for (LIST_ENTRY *x = d->ChildLists.Flink; x != &d->ChildLists; x = x->Flink) {
        FxChildList *l = CONTAINING_RECORD(x, FxChildList, ListEntry);
        for (;;) {
            KIRQL irql;
            FxDevice *pdo = NULL;
            KeAcquireSpinLock(&l->ChildLock, &irql);
            for (LIST_ENTRY *y = l->Entries.Flink; y != &l->Entries && !pdo; y = y->Flink) {
                FxChildEntry *e = CONTAINING_RECORD(y, FxChildEntry, Entry);
                pdo = e->Pdo;
                e->Pdo = NULL;
            }
            KeReleaseSpinLock(&l->ChildLock, irql);
            if (!pdo)
                break;
            pdo->ChildEntry = NULL;
            FxDeviceRemove(pdo);
        }
    }
}

BOOLEAN FxChildPdoGone(FxDevice *d)
{
    if (!d->ChildEntry)
        return TRUE;
    return d->ChildEntry->Missing || (d->ParentDevice && d->ParentDevice->InRemove);
}

void FxChildPdoRemoved(FxDevice *d)
{
    FxChildEntry *e = d->ChildEntry;
    KIRQL irql;
    if (!e)
        return;
    FxChildList *l = d->ChildListOf;
    KeAcquireSpinLock(&l->ChildLock, &irql);
    RemoveEntryList(&e->Entry);
    KeReleaseSpinLock(&l->ChildLock, irql);
    d->ChildEntry = NULL;
    entry_free(e);
}

void FxChildPdoForget(FxDevice *d)
{
    FxChildEntry *e = d->ChildEntry;
    KIRQL irql;
    if (!e)
        return;
    KeAcquireSpinLock(&d->ChildListOf->ChildLock, &irql);
    e->Pdo = NULL;
    KeReleaseSpinLock(&d->ChildListOf->ChildLock, irql);
    d->ChildEntry = NULL;
}

/* ---- what a PDO answers ---- */

static PWCH id_text(FxDevice *d, const UNICODE_STRING *s)
{
    PWCH p = ExAllocatePoolWithTag(PagedPool, (ULONG)s->Length + 2 * sizeof(WCHAR), FX_TAG);
    if (p) {
        RtlZeroMemory(p, (ULONG)s->Length + 2 * sizeof(WCHAR));
        RtlCopyMemory(p, s->Buffer, s->Length);
    }
    return p;
}

static PWCH id_list(const FxTextList *l)
{
    ULONG bytes = sizeof(WCHAR), at = 0;
    for (const FxTextList *x = l; x; x = x->Next)
        bytes += x->Text.Length + sizeof(WCHAR);
    PUCHAR p = ExAllocatePoolWithTag(PagedPool, bytes + sizeof(WCHAR), FX_TAG);
    if (!p)
        return NULL;
    RtlZeroMemory(p, bytes + sizeof(WCHAR));
    for (const FxTextList *x = l; x; x = x->Next) {
        RtlCopyMemory(p + at, x->Text.Buffer, x->Text.Length);
        at += x->Text.Length + sizeof(WCHAR);
    }
    return (PWCH)p;
}

static NTSTATUS query_id(FxDevice *d, IRP *irp)
{
    static const UNICODE_STRING none = RTL_CONSTANT_STRING(L"0");
    PWCH p = NULL;
    switch (IoGetCurrentIrpStackLocation(irp)->Parameters.QueryId.IdType) {
    case BusQueryDeviceID:
        p = id_text(d, &d->D.DeviceId);
        break;
    case BusQueryInstanceID:
        p = id_text(d, d->D.InstanceId.Buffer ? &d->D.InstanceId : &none);
        break;
    case BusQueryHardwareIDs:
        if (!d->D.HardwareIds)
            p = id_text(d, &d->D.DeviceId);
        else
            p = id_list(d->D.HardwareIds);
        break;
    case BusQueryCompatibleIDs:
        p = id_list(d->D.CompatibleIds);
        break;
    case BusQueryContainerID:
        if (!d->D.ContainerId.Buffer)
            return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
        p = id_text(d, &d->D.ContainerId);
        break;
    default:
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    }
    return FxDeviceCompleteIrp(irp, p ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, (ULONG_PTR)p);
}

static NTSTATUS query_text(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    const FxTextList *best = NULL;
    for (const FxTextList *x = d->D.Texts; x; x = x->Next)
        if (x->Locale == sl->Parameters.QueryDeviceText.LocaleId || (!best && x->Locale == d->D.DefaultLocale))
            best = x;
    if (!best)
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    PWCH p = id_text(d, sl->Parameters.QueryDeviceText.DeviceTextType == DeviceTextDescription ? &best->Text : &best->Location);
    return FxDeviceCompleteIrp(irp, p ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, (ULONG_PTR)p);
}

static NTSTATUS query_bus(FxDevice *d, IRP *irp)
{
    if (!d->ParentDevice || !d->ParentDevice->HasBusInformation)
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    PNP_BUS_INFORMATION *b = ExAllocatePoolWithTag(PagedPool, sizeof *b, FX_TAG);
    if (b)
        *b = d->ParentDevice->BusInformation;
    return FxDeviceCompleteIrp(irp, b ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, (ULONG_PTR)b);
}

void FxPdoCapabilities(FxDevice *d, DEVICE_CAPABILITIES *c)
{
    c->RawDeviceOK = d->D.Raw || d->D.RawOk;
    c->UniqueID = d->D.InstanceId.Buffer != NULL && c->UniqueID;
    if (d->D.PdoEvents.EvtDeviceEject)
        c->EjectSupported = TRUE;
    if (d->D.PdoEvents.EvtDeviceSetLock)
        c->LockSupported = TRUE;
    c->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (int i = PowerSystemSleeping1; i < PowerSystemMaximum; i++)
        if (!c->DeviceState[i])
            c->DeviceState[i] = PowerDeviceD3;
}

NTSTATUS FxPdoRelations(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    if (sl->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation)
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    DEVICE_RELATIONS *r = ExAllocatePoolWithTag(PagedPool, sizeof *r, FX_TAG);
    if (!r)
        return FxDeviceCompleteIrp(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    r->Count = 1;
    r->Objects[0] = d->DeviceObject;
    ObReferenceObject(d->DeviceObject);
    return FxDeviceCompleteIrp(irp, STATUS_SUCCESS, (ULONG_PTR)r);
}

static NTSTATUS eject(FxDevice *d, IRP *irp)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (d->D.PdoEvents.EvtDeviceEject)
        FX_CALL_R(d->O.Globals, s, d->D.PdoEvents.EvtDeviceEject, (WDFDEVICE)FxHandle(d));
    if (NT_SUCCESS(s) && d->ChildEntry)
        d->ChildEntry->Present = FALSE;
    return FxDeviceCompleteIrp(irp, s, 0);
}

static NTSTATUS set_lock(FxDevice *d, IRP *irp)
{
    NTSTATUS s = STATUS_NOT_SUPPORTED;
    if (!d->D.PdoEvents.EvtDeviceSetLock)
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, 0);
    FX_CALL_R(d->O.Globals, s, d->D.PdoEvents.EvtDeviceSetLock, (WDFDEVICE)FxHandle(d), IoGetCurrentIrpStackLocation(irp)->Parameters.SetLock.Lock);
    return FxDeviceCompleteIrp(irp, s, 0);
}

NTSTATUS FxPdoDispatch(FxDevice *d, IRP *irp, BOOLEAN *done)
{
    *done = TRUE;
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_QUERY_ID:
        return query_id(d, irp);
    case IRP_MN_QUERY_DEVICE_TEXT:
        return query_text(d, irp);
    case IRP_MN_QUERY_BUS_INFORMATION:
        return query_bus(d, irp);
    case IRP_MN_QUERY_RESOURCES:
        return FxPdoResources(d, irp);
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        return FxPdoRequirements(d, irp);
    case IRP_MN_EJECT:
        return eject(d, irp);
    case IRP_MN_SET_LOCK:
        return set_lock(d, irp);
    default:
        *done = FALSE;
        return STATUS_NOT_SUPPORTED;
    }
}
