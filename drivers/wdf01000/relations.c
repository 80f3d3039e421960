/* Related devices that a driver names: removal relations of its device, ejection relations of a PDO, and devices that a special file depends on.
 *
 * Each list holds a reference to its device objects, is guarded by the device's RelationLock, and goes with the device. Relations are reported when
 * the PnP manager asks (IRP_MN_QUERY_DEVICE_RELATIONS); usage notifications go to the dependents before the device's own stack. */
#include "fx.h"
#include "power.h"

typedef struct FxRelation {
    struct FxRelation *Next;
    DEVICE_OBJECT *Device;
} FxRelation;

static FxRelation **place(FxDevice *d, enum fx_relations which, DEVICE_OBJECT *o)
{
    FxRelation **at = &d->Relations[which];
    while (*at && (*at)->Device != o)
        at = &(*at)->Next;
    return at;
}

/* STATUS_DUPLICATE_OBJECTID as the framework's related-device list has it. */
static NTSTATUS add(PWDF_DRIVER_GLOBALS G, FxDevice *d, enum fx_relations which, DEVICE_OBJECT *o)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, o);
    FxRelation *fresh = FxPoolAllocate(g, NonPagedPoolNx, sizeof *fresh, FX_TAG);
    KIRQL irql;
    if (!fresh)
        return STATUS_INSUFFICIENT_RESOURCES;
    fresh->Device = o;
    KeAcquireSpinLock(&d->RelationLock, &irql);
    FxRelation **at = place(d, which, o);
    BOOLEAN there = *at != NULL;
    if (!there) {
        ObReferenceObject(o);
        *at = fresh;
    }
    KeReleaseSpinLock(&d->RelationLock, irql);
    if (!there)
        return STATUS_SUCCESS;
    ExFreePoolWithTag(fresh, FX_TAG);
    return STATUS_DUPLICATE_OBJECTID;
}

static BOOLEAN drop(FxDevice *d, enum fx_relations which, DEVICE_OBJECT *o)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->RelationLock, &irql);
    FxRelation **at = o ? place(d, which, o) : &d->Relations[which], *gone = *at;
    if (gone)
        *at = gone->Next;
    KeReleaseSpinLock(&d->RelationLock, irql);
    if (!gone)
        return FALSE;
    ObDereferenceObject(gone->Device);
    ExFreePoolWithTag(gone, FX_TAG);
    return TRUE;
}

static void clear(FxDevice *d, enum fx_relations which)
{
    while (drop(d, which, NULL))
        ;
}

void FxRelationsFree(FxDevice *d)
{
    for (int i = 0; i < FX_RELATIONS; i++)
        clear(d, i);
}

/* With the lock. */
static ULONG count(const FxRelation *r)
{
    ULONG n = 0;
    for (; r; r = r->Next)
        n++;
    return n;
}

/* What another driver has put into the IRP already stays. */
NTSTATUS FxRelationsQuery(FxDevice *d, IRP *irp, enum fx_relations which)
{
    DEVICE_RELATIONS *old = (PVOID)irp->IoStatus.Information;
    ULONG had = old ? old->Count : 0;
    KIRQL irql;
    KeAcquireSpinLock(&d->RelationLock, &irql);
    ULONG room = count(d->Relations[which]);
    KeReleaseSpinLock(&d->RelationLock, irql);
    if (!room)
        return STATUS_NOT_SUPPORTED;
    DEVICE_RELATIONS *r = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *r + (room + had) * sizeof(PVOID), FX_TAG);
    if (!r)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->Count = had;
    if (had)
        RtlCopyMemory(r->Objects, old->Objects, had * sizeof(PVOID));
    KeAcquireSpinLock(&d->RelationLock, &irql);
    for (FxRelation *x = d->Relations[which]; x && r->Count < room + had; x = x->Next) {
        ObReferenceObject(x->Device);
        r->Objects[r->Count++] = x->Device;
    }
    KeReleaseSpinLock(&d->RelationLock, irql);
    if (old)
        ExFreePool(old);
    irp->IoStatus.Information = (ULONG_PTR)r;
    irp->IoStatus.Status = STATUS_SUCCESS;
    return STATUS_SUCCESS;
}

/* ---- dependents of special files ---- */

static DEVICE_OBJECT *dependent(FxDevice *d, ULONG n)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->RelationLock, &irql);
    FxRelation *r = d->Relations[FX_DEPENDENTS];
    for (; r && n; n--)
        r = r->Next;
    DEVICE_OBJECT *o = r ? r->Device : NULL;
    if (o)
        ObReferenceObject(o);
    KeReleaseSpinLock(&d->RelationLock, irql);
    return o;
}

static NTSTATUS notify_one(DEVICE_OBJECT *o, ULONG type, BOOLEAN in)
{
    DEVICE_OBJECT *top = IoGetAttachedDeviceReference(o);
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    NTSTATUS s = STATUS_INSUFFICIENT_RESOURCES;
    if (irp) {
        IO_STACK_LOCATION *sl = IoGetNextIrpStackLocation(irp);
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        sl->MajorFunction = IRP_MJ_PNP;
        sl->MinorFunction = IRP_MN_DEVICE_USAGE_NOTIFICATION;
        sl->Parameters.UsageNotification.Type = type;
        sl->Parameters.UsageNotification.InPath = in;
        s = FxSendIrpSynchronously(top, irp);
        IoFreeIrp(irp);
    }
    ObDereferenceObject(top);
    return s;
}

/* All dependents, or none: those that agreed are told the opposite when one refuses. */
NTSTATUS FxDependentsNotify(FxDevice *d, ULONG type, BOOLEAN in)
{
    NTSTATUS s = STATUS_SUCCESS;
    ULONG n = 0;
    for (DEVICE_OBJECT *o; NT_SUCCESS(s) && (o = dependent(d, n)) != NULL; ObDereferenceObject(o)) {
        s = notify_one(o, type, in);
        if (NT_SUCCESS(s))
            n++;
    }
    if (NT_SUCCESS(s))
        return s;
    while (n-- > 0) {
        DEVICE_OBJECT *o = dependent(d, n);
        if (!o)
            continue;
        notify_one(o, type, !in);
        ObDereferenceObject(o);
    }
    return s;
}

/* ---- what drivers call ---- */

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

static FxDevice *pdo(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    if (FxDeviceIsPdo(d))
        return d;
    FXLOG(g, PdoInvalid, P64(Device), S64(STATUS_INVALID_PARAMETER));
    FxVerifierDbgBreakPoint(g, FX(d), __builtin_return_address(0));
    return NULL;
}

NTSTATUS imp_WdfDeviceAddRemovalRelationsPhysicalDevice(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    return add(G, device(G, Device), FX_REMOVAL, PhysicalDevice);
}

VOID imp_WdfDeviceRemoveRemovalRelationsPhysicalDevice(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    FX_NOT_NULL(FxGet(G), PhysicalDevice);
    drop(device(G, Device), FX_REMOVAL, PhysicalDevice);
}

VOID imp_WdfDeviceClearRemovalRelationsDevices(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    clear(device(G, Device), FX_REMOVAL);
}

NTSTATUS imp_WdfPdoAddEjectionRelationsPhysicalDevice(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    FxDevice *d = pdo(G, Device);
    return d ? add(G, d, FX_EJECTION, PhysicalDevice) : STATUS_INVALID_PARAMETER;
}

VOID imp_WdfPdoRemoveEjectionRelationsPhysicalDevice(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    FxDevice *d = pdo(G, Device);
    FX_NOT_NULL(FxGet(G), PhysicalDevice);
    if (d)
        drop(d, FX_EJECTION, PhysicalDevice);
}

VOID imp_WdfPdoClearEjectionRelationsDevices(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxDevice *d = pdo(G, Device);
    if (d)
        clear(d, FX_EJECTION);
}

NTSTATUS imp_WdfDeviceAddDependentUsageDeviceObject(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PDEVICE_OBJECT DependentDevice)
{
    return add(G, device(G, Device), FX_DEPENDENTS, DependentDevice);
}

VOID imp_WdfDeviceRemoveDependentUsageDeviceObject(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PDEVICE_OBJECT DependentDevice)
{
    FX_NOT_NULL(FxGet(G), DependentDevice);
    drop(device(G, Device), FX_DEPENDENTS, DependentDevice);
}
