/* WMI, as far as registration: providers and instances are objects; the device registers with WMI when it starts if it has any.
 * Requests for data (IRP_MJ_SYSTEM_CONTROL) of others pass down; nobody asks for ours here (docs/limits.md). */
#include "fx.h"

typedef struct {
    FxObject O;
    LIST_ENTRY Entry; /* device's WmiProviders */
    LIST_ENTRY Instances;
    WDF_WMI_PROVIDER_CONFIG C;
    ULONG Count;
} FxWmiProvider;

typedef struct {
    FxObject O;
    LIST_ENTRY Entry;
    FxWmiProvider *Provider;
    WDF_WMI_INSTANCE_CONFIG C;
    BOOLEAN Registered;
} FxWmiInstance;

NTSTATUS FxWmiIrpHandler_Dispatch(FxDevice *d, IRP *irp)
{
    if (d->Attached)
        return FxDevicePass(d, irp);
    return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
}

NTSTATUS FxWmiRegister(FxDevice *d)
{
    if (d->WmiRegistered || IsListEmpty(&d->WmiProviders))
        return STATUS_SUCCESS;
    NTSTATUS s = IoWMIRegistrationControl(d->DeviceObject, WMIREG_ACTION_REGISTER);
    d->WmiRegistered = NT_SUCCESS(s);
    return s;
}

void FxWmiDeregister(FxDevice *d)
{
    if (d->WmiRegistered)
        IoWMIRegistrationControl(d->DeviceObject, WMIREG_ACTION_DEREGISTER);
    d->WmiRegistered = FALSE;
}

static NTSTATUS provider_make(FxGlobals *g, FxDevice *d, PWDF_WMI_PROVIDER_CONFIG c, PWDF_OBJECT_ATTRIBUTES a, FxWmiProvider **out)
{
    NTSTATUS s;
    if (c->Size != sizeof *c)
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((c->Flags & ~(ULONG)(WdfWmiProviderEventOnly | WdfWmiProviderExpensive | WdfWmiProviderTracing)) ||
        ((c->Flags & WdfWmiProviderExpensive) && !c->EvtWmiProviderFunctionControl)) {
        FXLOG(g, WmiInvalid, P64(FxHandle(d)), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    for (LIST_ENTRY *e = d->WmiProviders.Flink; e != &d->WmiProviders; e = e->Flink)
        if (RtlEqualMemory(&CONTAINING_RECORD(e, FxWmiProvider, Entry)->C.Guid, &c->Guid, sizeof(GUID)))
            return STATUS_OBJECT_NAME_COLLISION;
    FxWmiProvider *p = FxObjectCreate(g, FX_TYPE_WMI_PROVIDER, sizeof *p, a, &s);
    if (!p)
        return s;
    p->C = *c;
    InitializeListHead(&p->Instances);
    s = FxObjectCommit(FX(p), a, FX(d), NULL);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(p));
        return s;
    }
    p->O.Flags |= FXO_PASSIVE | FXO_NO_DELETE;
    KIRQL irql;
    KeAcquireSpinLock(&d->WmiLock, &irql);
    InsertTailList(&d->WmiProviders, &p->Entry);
    KeReleaseSpinLock(&d->WmiLock, irql);
    if (d->Pnp == FX_PNP_STARTED)
        FxWmiRegister(d);
    *out = p;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfWmiProviderCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_WMI_PROVIDER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWMIPROVIDER *WmiProvider)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FxWmiProvider *p;
    FX_NOT_NULL(g, Config);
    FX_NOT_NULL(g, WmiProvider);
    FX_PASSIVE(g);
    *WmiProvider = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_REFUSED);
    if (NT_SUCCESS(s))
        s = provider_make(g, d, Config, Attributes, &p);
    if (NT_SUCCESS(s))
        *WmiProvider = (WDFWMIPROVIDER)FxHandle(p);
    return s;
}

WDFDEVICE imp_WdfWmiProviderGetDevice(PWDF_DRIVER_GLOBALS G, WDFWMIPROVIDER WmiProvider)
{
    return (WDFDEVICE)FxHandle(FX_OBJ(FxGet(G), WmiProvider, FxWmiProvider, FX_TYPE_WMI_PROVIDER)->O.Device);
}

BOOLEAN imp_WdfWmiProviderIsEnabled(PWDF_DRIVER_GLOBALS G, WDFWMIPROVIDER WmiProvider, WDF_WMI_PROVIDER_CONTROL ProviderControl)
{
    FX_OBJ(FxGet(G), WmiProvider, FxWmiProvider, FX_TYPE_WMI_PROVIDER);
    return FALSE; /* nobody collects or listens */
}

static void instance_destroy(FxObject *o)
{
    FxWmiInstance *i = (FxWmiInstance *)o;
    if (i->Registered && i->Provider) {
        RemoveEntryList(&i->Entry);
        i->Provider->Count--;
    }
    if (i->Provider)
        FxObject_Release(FX(i->Provider));
}

NTSTATUS imp_WdfWmiInstanceCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_WMI_INSTANCE_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWMIINSTANCE *Instance)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FxWmiProvider *p;
    FX_NOT_NULL(g, Config);
    FX_PASSIVE(g);
    if (Instance)
        *Instance = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    if (Config->Size != sizeof *Config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((Config->Provider != NULL) == (Config->ProviderConfig != NULL))
        s = STATUS_INVALID_PARAMETER;
    else if (Config->UseContextForQuery && (!Attributes || !Attributes->ContextTypeInfo || Config->EvtWmiInstanceQueryInstance))
        s = STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    if (!NT_SUCCESS(s)) {
        FXLOG(g, WmiInvalid, P64(Device), S64(s));
        return s;
    }
    if (Config->Provider)
        p = FX_OBJ(g, Config->Provider, FxWmiProvider, FX_TYPE_WMI_PROVIDER);
    else
        s = provider_make(g, d, Config->ProviderConfig, NULL, &p);
    if (!NT_SUCCESS(s))
        return s;
    FxWmiInstance *i = FxObjectCreate(g, FX_TYPE_WMI_INSTANCE, sizeof *i, Attributes, &s);
    if (!i)
        return s;
    i->C = *Config;
    i->Provider = p;
    FxObject_AddRef(FX(p));
    i->O.Destroy = instance_destroy;
    i->O.Flags |= FXO_PASSIVE;
    i->O.Device = d;
    s = FxObjectCommit(FX(i), Attributes, FX(p), (WDFOBJECT *)(Instance ? Instance : NULL));
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(i));
        return s;
    }
    if (Config->Register || TRUE) {
        InsertTailList(&p->Instances, &i->Entry);
        p->Count++;
        i->Registered = TRUE;
    }
    return STATUS_SUCCESS;
}

static FxWmiInstance *instance(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE i)
{
    return FX_OBJ(FxGet(G), i, FxWmiInstance, FX_TYPE_WMI_INSTANCE);
}

NTSTATUS imp_WdfWmiInstanceRegister(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    FxWmiInstance *i = instance(G, WmiInstance);
    FX_PASSIVE(FxGet(G));
    if (i->Registered)
        return STATUS_INVALID_DEVICE_STATE;
    InsertTailList(&i->Provider->Instances, &i->Entry);
    i->Provider->Count++;
    i->Registered = TRUE;
    return STATUS_SUCCESS;
}

VOID imp_WdfWmiInstanceDeregister(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    FxWmiInstance *i = instance(G, WmiInstance);
    if (!i->Registered)
        return;
    RemoveEntryList(&i->Entry);
    i->Provider->Count--;
    i->Registered = FALSE;
}

WDFDEVICE imp_WdfWmiInstanceGetDevice(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    return (WDFDEVICE)FxHandle(instance(G, WmiInstance)->O.Device);
}

WDFWMIPROVIDER imp_WdfWmiInstanceGetProvider(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    return (WDFWMIPROVIDER)FxHandle(instance(G, WmiInstance)->Provider);
}
