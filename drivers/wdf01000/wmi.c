/* WMI: providers and instances are objects; the device registers with WMI when it starts if it has any. Requests: wmi_irp.c. */
#include "fx_wmi.h"

NTSTATUS FxWmiRegister(FxDevice *d)
{
    if (IsListEmpty(&d->WmiProviders))
        return STATUS_SUCCESS;
    if (d->WmiRegistered)
        return IoWMIRegistrationControl(d->DeviceObject, WMIREG_ACTION_UPDATE_GUIDS);
    d->WmiRegistered = TRUE; /* before WMI asks */
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
    static const GUID none;
    BOOLEAN good = !(c->Flags & ~(ULONG)(WdfWmiProviderEventOnly | WdfWmiProviderExpensive | WdfWmiProviderTracing)) && !RtlEqualMemory(&c->Guid, &none, sizeof none);
    if (c->Flags & WdfWmiProviderTracing)
        good = good && c->Flags == WdfWmiProviderTracing;
    else if (c->EvtWmiProviderFunctionControl)
        good = good && (c->Flags & WdfWmiProviderExpensive); /* DOC: who collects is told to an expensive one; who listens, to a tracing one */
    if (!good) {
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
    FxGlobals *g = FxGet(G);
    FxWmiProvider *p = FX_OBJ(g, WmiProvider, FxWmiProvider, FX_TYPE_WMI_PROVIDER);
    if (ProviderControl == WdfWmiEventControl)
        return p->EventsEnabled;
    return ProviderControl == WdfWmiInstanceControl && p->InstancesEnabled;
}

/* The session of a tracing provider, as WMI gave it when it was enabled. */
ULONGLONG imp_WdfWmiProviderGetTracingHandle(PWDF_DRIVER_GLOBALS G, WDFWMIPROVIDER WmiProvider)
{
    FxGlobals *g = FxGet(G);
    FxWmiProvider *p = FX_OBJ(g, WmiProvider, FxWmiProvider, FX_TYPE_WMI_PROVIDER);
    if (p->C.Flags & WdfWmiProviderTracing)
        return p->TraceHandle;
    FXLOG(g, WmiNotTracing, P64(WmiProvider), S64(STATUS_INVALID_DEVICE_REQUEST));
    FxVerifierDbgBreakPoint(g, FX(p), __builtin_return_address(0));
    return 0;
}

/* Adds the instance to its provider's, or takes it from them; whether that changed anything. */
static BOOLEAN set_registered(FxWmiInstance *i, BOOLEAN registered)
{
    FxDevice *d = i->O.Device;
    KIRQL irql;
    KeAcquireSpinLock(&d->WmiLock, &irql);
    BOOLEAN change = i->Registered != registered;
    if (change && registered) {
        InsertTailList(&i->Provider->Instances, &i->Entry);
        i->Provider->Count++;
        i->Provider->Remove = FALSE;
    } else if (change) {
        RemoveEntryList(&i->Entry);
        i->Provider->Remove = !--i->Provider->Count && !(i->Provider->C.Flags & WdfWmiProviderExpensive);
    }
    i->Registered = registered;
    KeReleaseSpinLock(&d->WmiLock, irql);
    return change;
}

/* WMI learns the number of instances of a started device anew. */
static void tell(FxDevice *d)
{
    if (d->WmiRegistered)
        FxWmiRegister(d);
}

static void instance_destroy(FxObject *o)
{
    FxWmiInstance *i = (FxWmiInstance *)o;
    if (i->Provider)
        set_registered(i, FALSE);
    if (i->Provider)
        FxObject_Release(FX(i->Provider));
}

static SIZE_T context_bytes(PWDF_OBJECT_ATTRIBUTES a)
{
    return a->ContextSizeOverride ? a->ContextSizeOverride : a->ContextTypeInfo->ContextSize;
}

static NTSTATUS instance_check(PWDF_WMI_INSTANCE_CONFIG c, const WDF_WMI_PROVIDER_CONFIG *provider, PWDF_OBJECT_ATTRIBUTES a)
{
    BOOLEAN set = c->EvtWmiInstanceSetInstance || c->EvtWmiInstanceSetItem;
    if ((provider->Flags & WdfWmiProviderEventOnly) && (set || c->UseContextForQuery || c->EvtWmiInstanceQueryInstance || c->EvtWmiInstanceExecuteMethod))
        return STATUS_INVALID_PARAMETER; /* it has no data */
    if (!c->UseContextForQuery)
        return STATUS_SUCCESS;
    if (set || !a || !a->ContextTypeInfo)
        return STATUS_INVALID_PARAMETER;
    return context_bytes(a) < provider->MinInstanceBufferSize ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

NTSTATUS imp_WdfWmiInstanceCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_WMI_INSTANCE_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWMIINSTANCE *Instance)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FxWmiProvider *p = NULL;
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
    else if (Config->Provider)
        p = FX_OBJ(g, Config->Provider, FxWmiProvider, FX_TYPE_WMI_PROVIDER);
    if (NT_SUCCESS(s))
        s = instance_check(Config, Config->Provider ? &p->C : Config->ProviderConfig, Attributes);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, WmiInvalid, P64(Device), S64(s));
        return s;
    }
    if (!Config->Provider)
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
    if (Config->UseContextForQuery) {
        i->Context = FxObjectContext(FX(i));
        i->ContextSize = context_bytes(Attributes);
    }
    if (Config->Register) {
        set_registered(i, TRUE);
        tell(d);
    }
    return STATUS_SUCCESS;
}

NTSTATUS FxWmiMakeOwn(FxDevice *d, PWDF_WMI_PROVIDER_CONFIG c, FxWmiInstance **out)
{
    FxWmiProvider *p;
    NTSTATUS s = provider_make(d->O.Globals, d, c, NULL, &p);
    if (!NT_SUCCESS(s))
        return s;
    FxWmiInstance *i = FxObjectCreate(d->O.Globals, FX_TYPE_WMI_INSTANCE, sizeof *i, NULL, &s);
    if (!i)
        return s;
    i->Provider = p;
    FxObject_AddRef(FX(p));
    i->O.Destroy = instance_destroy;
    i->O.Flags |= FXO_PASSIVE | FXO_NO_DELETE;
    i->O.Device = d;
    i->Own = TRUE;
    s = FxObjectCommit(FX(i), NULL, FX(p), NULL);
    if (NT_SUCCESS(s))
        *out = i;
    else
        FxObjectDeleteFromFailedCreate(FX(i));
    return s;
}

void FxWmiSetRegistered(FxWmiInstance *i, BOOLEAN registered)
{
    if (set_registered(i, registered))
        tell(i->O.Device);
}

static FxWmiInstance *instance(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE i)
{
    return FX_OBJ(FxGet(G), i, FxWmiInstance, FX_TYPE_WMI_INSTANCE);
}

NTSTATUS imp_WdfWmiInstanceRegister(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    FxWmiInstance *i = instance(G, WmiInstance);
    FX_PASSIVE(FxGet(G));
    if ((i->Provider->C.Flags & WdfWmiProviderTracing) || !set_registered(i, TRUE))
        return STATUS_INVALID_DEVICE_REQUEST;
    tell(i->O.Device);
    return STATUS_SUCCESS;
}

VOID imp_WdfWmiInstanceDeregister(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    FxWmiInstance *i = instance(G, WmiInstance);
    if (set_registered(i, FALSE))
        tell(i->O.Device);
}

WDFDEVICE imp_WdfWmiInstanceGetDevice(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    return (WDFDEVICE)FxHandle(instance(G, WmiInstance)->O.Device);
}

WDFWMIPROVIDER imp_WdfWmiInstanceGetProvider(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance)
{
    return (WDFWMIPROVIDER)FxHandle(instance(G, WmiInstance)->Provider);
}

/* DOC: an event item of the instance, which WMI frees. */
NTSTATUS imp_WdfWmiInstanceFireEvent(PWDF_DRIVER_GLOBALS G, WDFWMIINSTANCE WmiInstance, ULONG EventDataSize, PVOID EventData)
{
    FxWmiInstance *i = instance(G, WmiInstance);
    FxDevice *d = i->O.Device;
    ULONG at = sizeof(WNODE_SINGLE_INSTANCE), index = 0;
    KIRQL irql;
    if (!EventData)
        EventDataSize = 0;
    if (EventDataSize > MAXULONG - at)
        return STATUS_INTEGER_OVERFLOW;
    WNODE_SINGLE_INSTANCE *n = ExAllocatePoolWithTag(NonPagedPoolNx, at + EventDataSize, FxGet(G)->Public.DriverTag);
    if (!n)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(n, at);
    KeAcquireSpinLock(&d->WmiLock, &irql);
    for (LIST_ENTRY *e = i->Provider->Instances.Flink; e != &i->Provider->Instances && e != &i->Entry; e = e->Flink)
        index++;
    KeReleaseSpinLock(&d->WmiLock, irql);
    n->WnodeHeader.BufferSize = at + EventDataSize;
    n->WnodeHeader.ProviderId = IoWMIDeviceObjectToProviderId(d->DeviceObject);
    n->WnodeHeader.Version = 1;
    KeQuerySystemTime(&n->WnodeHeader.TimeStamp);
    n->WnodeHeader.Guid = i->Provider->C.Guid;
    n->WnodeHeader.Flags = WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    n->InstanceIndex = index;
    n->DataBlockOffset = at;
    n->SizeDataBlock = EventDataSize;
    if (EventDataSize)
        RtlCopyMemory((PUCHAR)n + at, EventData, EventDataSize);
    NTSTATUS s = IoWMIWriteEvent(n);
    if (!NT_SUCCESS(s))
        ExFreePool(n);
    return s;
}
