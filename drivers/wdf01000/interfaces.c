/* Device interfaces (of a class, for programs) and query interfaces (IRP_MN_QUERY_INTERFACE, between drivers). */
#include "fx.h"

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

extern NTSTATUS FxStringAssignUnicode(FxGlobals *g, WDFSTRING s, const UNICODE_STRING *text);

/* ---- device interfaces ---- */

static BOOLEAN same_reference(const FxInterface *i, const UNICODE_STRING *reference)
{
    if (!reference || !i->HasReference)
        return !reference && !i->HasReference;
    return RtlEqualUnicodeString(&i->Reference, reference, FALSE);
}

static FxInterface *interface_find(FxDevice *d, const GUID *guid, const UNICODE_STRING *reference)
{
    for (FxInterface *i = d->Interfaces; i; i = i->Next)
        if (RtlEqualMemory(&i->Guid, guid, sizeof *guid) && same_reference(i, reference))
            return i;
    return NULL;
}

static NTSTATUS interface_register(FxDevice *d, FxInterface *i)
{
    if (i->Link.Buffer)
        return STATUS_SUCCESS;
    return IoRegisterDeviceInterface(d->Pdo, &i->Guid, i->HasReference ? &i->Reference : NULL, &i->Link);
}

NTSTATUS imp_WdfDeviceCreateDeviceInterface(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, CONST GUID *InterfaceClassGUID, PCUNICODE_STRING ReferenceString)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, InterfaceClassGUID);
    FX_PASSIVE(g);
    if (d->Legacy)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (interface_find(d, InterfaceClassGUID, ReferenceString))
        return STATUS_SUCCESS;
    FxInterface *i = FxPoolAllocate(g, NonPagedPoolNx, sizeof *i, FX_TAG);
    if (!i)
        return STATUS_INSUFFICIENT_RESOURCES;
    i->Guid = *InterfaceClassGUID;
    i->Wanted = TRUE;
    NTSTATUS s = STATUS_SUCCESS;
    if (ReferenceString) {
        i->HasReference = TRUE;
        s = FxCopyString(g, &i->Reference, ReferenceString);
    }
    /* A PDO is not known to the PnP manager yet: registered when it is started. */
    if (NT_SUCCESS(s) && !(FxDeviceIsPdo(d) && d->Pnp < FX_PNP_STARTED))
        s = interface_register(d, i);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, InterfaceFailed, P64(Device), S64(s));
        FxFreeString(&i->Reference);
        ExFreePoolWithTag(i, FX_TAG);
        return s;
    }
    FxInterface **at = &d->Interfaces;
    while (*at)
        at = &(*at)->Next;
    *at = i;
    if (d->Pnp == FX_PNP_STARTED && NT_SUCCESS(IoSetDeviceInterfaceState(&i->Link, TRUE)))
        i->Enabled = TRUE;
    return STATUS_SUCCESS;
}

void FxDeviceInterfacesSet(FxDevice *d, BOOLEAN on)
{
    for (FxInterface *i = d->Interfaces; i; i = i->Next) {
        if (on && !NT_SUCCESS(interface_register(d, i)))
            continue;
        BOOLEAN wanted = on && i->Wanted;
        if (!i->Link.Buffer || i->Enabled == wanted)
            continue;
        IoSetDeviceInterfaceState(&i->Link, wanted);
        i->Enabled = wanted;
    }
}

void FxDeviceInterfacesFree(FxDevice *d)
{
    while (d->Interfaces) {
        FxInterface *i = d->Interfaces;
        d->Interfaces = i->Next;
        if (i->Enabled)
            IoSetDeviceInterfaceState(&i->Link, FALSE);
        if (i->Link.Buffer)
            RtlFreeUnicodeString(&i->Link);
        FxFreeString(&i->Reference);
        ExFreePoolWithTag(i, FX_TAG);
    }
    while (d->QueryInterfaces) {
        FxQueryInterface *q = d->QueryInterfaces;
        d->QueryInterfaces = q->Next;
        if (q->Interface)
            ExFreePoolWithTag(q->Interface, FX_TAG);
        ExFreePoolWithTag(q, FX_TAG);
    }
}

static void interface_set(FxInterface *i, BOOLEAN enable)
{
    i->Wanted = enable;
    if (i->Link.Buffer && i->Enabled != enable) {
        IoSetDeviceInterfaceState(&i->Link, enable);
        i->Enabled = enable;
    }
}

VOID imp_WdfDeviceSetDeviceInterfaceState(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, CONST GUID *Guid, PCUNICODE_STRING ReferenceString, BOOLEAN Enable)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Guid);
    FX_PASSIVE_V(g);
    FxInterface *i = interface_find(d, Guid, ReferenceString);
    if (i && d->Pnp == FX_PNP_STARTED) /* DOC: for a started device; the start enables all that ..StateEx has not excepted */
        interface_set(i, Enable);
}

VOID imp_WdfDeviceSetDeviceInterfaceStateEx(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, CONST GUID *Guid, PCUNICODE_STRING ReferenceString, BOOLEAN Enable)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Guid);
    FX_PASSIVE_V(g);
    FxInterface *i = interface_find(d, Guid, ReferenceString);
    if (!i)
        return;
    if (d->Pnp == FX_PNP_STARTED)
        interface_set(i, Enable);
    else
        i->Wanted = Enable;
}

NTSTATUS imp_WdfDeviceRetrieveDeviceInterfaceString(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, CONST GUID *Guid, PCUNICODE_STRING ReferenceString, WDFSTRING String)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Guid);
    FX_PASSIVE(g);
    FxInterface *i = interface_find(d, Guid, ReferenceString);
    if (!i)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (!i->Link.Buffer)
        return STATUS_INVALID_DEVICE_STATE;
    return FxStringAssignUnicode(g, String, &i->Link);
}

/* ---- query interface ---- */

NTSTATUS imp_WdfDeviceAddQueryInterface(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_QUERY_INTERFACE_CONFIG Config)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Config);
    FX_PASSIVE(g);
    if (Config->Size != sizeof *Config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!Config->InterfaceType || (!Config->Interface && !Config->SendQueryToParentStack && !Config->EvtDeviceProcessQueryInterfaceRequest))
        return STATUS_INVALID_PARAMETER;
    if (Config->SendQueryToParentStack && !FxDeviceIsPdo(d))
        return STATUS_INVALID_PARAMETER;
    if (Config->ImportInterface && !Config->EvtDeviceProcessQueryInterfaceRequest)
        return STATUS_INVALID_PARAMETER;
    FxQueryInterface *q = FxPoolAllocate(g, PagedPool, sizeof *q, FX_TAG);
    if (!q)
        return STATUS_INSUFFICIENT_RESOURCES;
    q->Guid = *Config->InterfaceType;
    q->SendToParent = Config->SendQueryToParentStack;
    q->Import = Config->ImportInterface;
    q->Process = Config->EvtDeviceProcessQueryInterfaceRequest;
    if (Config->Interface) {
        q->Interface = FxPoolAllocate(g, PagedPool, Config->Interface->Size, FX_TAG);
        if (!q->Interface) {
            ExFreePoolWithTag(q, FX_TAG);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(q->Interface, Config->Interface, Config->Interface->Size);
    }
    FxQueryInterface **at = &d->QueryInterfaces;
    while (*at)
        at = &(*at)->Next;
    *at = q;
    return STATUS_SUCCESS;
}

/* DOC: WdfFdoQueryForInterface sends IRP_MN_QUERY_INTERFACE to the top of the stack. */
NTSTATUS imp_WdfFdoQueryForInterface(PWDF_DRIVER_GLOBALS G, WDFDEVICE Fdo, LPCGUID InterfaceType, PINTERFACE Interface, USHORT Size, USHORT Version, PVOID Data)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Fdo);
    FX_NOT_NULL(g, InterfaceType);
    FX_NOT_NULL(g, Interface);
    FX_PASSIVE(g);
    if (d->D.Kind != FX_INIT_FDO)
        return STATUS_INVALID_DEVICE_REQUEST;
    DEVICE_OBJECT *top = IoGetAttachedDeviceReference(d->DeviceObject);
    NTSTATUS s = FxSendQueryInterface(top, InterfaceType, Interface, Size, Version, Data);
    ObDereferenceObject(top);
    return s;
}

static NTSTATUS sync_done(DEVICE_OBJECT *d, IRP *irp, PVOID context)
{
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The next location is set up; the caller frees or completes the IRP. */
NTSTATUS FxSendIrpSynchronously(DEVICE_OBJECT *target, IRP *irp)
{
    KEVENT done;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(irp, sync_done, &done, TRUE, TRUE, TRUE);
    BOOLEAN power = IoGetNextIrpStackLocation(irp)->MajorFunction == IRP_MJ_POWER;
    if ((power ? PoCallDriver(target, irp) : IoCallDriver(target, irp)) == STATUS_PENDING)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    return irp->IoStatus.Status;
}

NTSTATUS FxSendQueryInterface(DEVICE_OBJECT *top, LPCGUID type, PINTERFACE to, USHORT size, USHORT version, PVOID data)
{
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    IO_STACK_LOCATION *sl = IoGetNextIrpStackLocation(irp);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    sl->MajorFunction = IRP_MJ_PNP;
    sl->MinorFunction = IRP_MN_QUERY_INTERFACE;
    sl->Parameters.QueryInterface.InterfaceType = type;
    sl->Parameters.QueryInterface.Size = size;
    sl->Parameters.QueryInterface.Version = version;
    sl->Parameters.QueryInterface.Interface = to;
    sl->Parameters.QueryInterface.InterfaceSpecificData = data;
    NTSTATUS s = FxSendIrpSynchronously(top, irp);
    IoFreeIrp(irp);
    return s;
}
