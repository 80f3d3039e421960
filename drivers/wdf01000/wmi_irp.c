/* WMI's requests to a device: which blocks it has (IRP_MN_REGINFO), their data, their methods, whether anybody listens.
 * DOC ("WMI Minor IRPs"): requests whose ProviderId is another device's go down the stack. An answer that does not fit is a
 * WNODE_TOO_SMALL, and the request succeeds. */
#include "fx_wmi.h"

static const GUID *path_of(const IO_STACK_LOCATION *sl)
{
    return (const GUID *)sl->Parameters.WMI.DataPath;
}

static FxWmiProvider *provider_of(FxDevice *d, const GUID *guid)
{
    FxWmiProvider *found = NULL;
    KIRQL irql;
    KeAcquireSpinLock(&d->WmiLock, &irql);
    for (LIST_ENTRY *e = d->WmiProviders.Flink; e != &d->WmiProviders && !found; e = e->Flink)
        if (RtlEqualMemory(&CONTAINING_RECORD(e, FxWmiProvider, Entry)->C.Guid, guid, sizeof *guid))
            found = CONTAINING_RECORD(e, FxWmiProvider, Entry);
    if (found)
        FxObject_AddRef(FX(found));
    KeReleaseSpinLock(&d->WmiLock, irql);
    return found;
}

/* The provider's instance of that number, referenced; NULL: there is none. */
static FxWmiInstance *instance_of(FxDevice *d, FxWmiProvider *p, ULONG index)
{
    FxWmiInstance *found = NULL;
    KIRQL irql;
    KeAcquireSpinLock(&d->WmiLock, &irql);
    for (LIST_ENTRY *e = p->Instances.Flink; e != &p->Instances && !found; e = e->Flink)
        if (!index--)
            found = CONTAINING_RECORD(e, FxWmiInstance, Entry);
    if (found)
        FxObject_AddRef(FX(found));
    KeReleaseSpinLock(&d->WmiLock, irql);
    return found;
}

/* ---- IRP_MN_REGINFO, IRP_MN_REGINFO_EX ---- */

static UNICODE_STRING *mof_of(FxDevice *d)
{
    return d->Mof.Buffer ? &d->Mof : &d->O.Globals->Mof;
}

static ULONG put_string(WMIREGINFOW *info, ULONG at, const UNICODE_STRING *s)
{
    *(USHORT *)((PUCHAR)info + at) = s->Length;
    if (s->Length)
        RtlCopyMemory((PUCHAR)info + at + sizeof(USHORT), s->Buffer, s->Length);
    return at + sizeof(USHORT) + s->Length;
}

static NTSTATUS register_info(FxDevice *d, IO_STACK_LOCATION *sl, ULONG_PTR *used)
{
    WMIREGINFOW *info = sl->Parameters.WMI.Buffer;
    const UNICODE_STRING *mof = mof_of(d), *path = &d->O.Globals->RegistryPath;
    BOOLEAN ex = sl->MinorFunction == IRP_MN_REGINFO_EX, update = (ULONG_PTR)sl->Parameters.WMI.DataPath == 1;
    ULONG count = 0, needed;
    KIRQL irql;
    KeAcquireSpinLock(&d->WmiLock, &irql);
    for (LIST_ENTRY *e = d->WmiProviders.Flink; e != &d->WmiProviders; e = e->Flink)
        count++;
    needed = (ULONG)(FIELD_OFFSET(WMIREGINFOW, WmiRegGuid) + count * sizeof(WMIREGGUIDW) + 2 * sizeof(USHORT) + mof->Length + path->Length);
    if (sl->Parameters.WMI.BufferSize < needed) {
        KeReleaseSpinLock(&d->WmiLock, irql);
        if (sl->Parameters.WMI.BufferSize >= sizeof(ULONG))
            *(ULONG *)info = needed;
        *used = sizeof(ULONG);
        return sl->Parameters.WMI.BufferSize >= sizeof(ULONG) ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
    }
    RtlZeroMemory(info, needed);
    info->BufferSize = needed;
    for (LIST_ENTRY *e = d->WmiProviders.Flink; e != &d->WmiProviders; e = e->Flink) {
        FxWmiProvider *p = CONTAINING_RECORD(e, FxWmiProvider, Entry);
        WMIREGGUIDW *g = &info->WmiRegGuid[info->GuidCount++];
        g->Guid = p->C.Guid;
        g->InstanceCount = p->Count;
        g->Flags = WMIREG_FLAG_INSTANCE_PDO | (p->C.Flags & WdfWmiProviderExpensive ? WMIREG_FLAG_EXPENSIVE : 0) |
                   (p->C.Flags & WdfWmiProviderEventOnly ? WMIREG_FLAG_EVENT_ONLY_GUID : 0) |
                   (p->Remove ? WMIREG_FLAG_REMOVE_GUID : 0) |
                   (p->C.Flags & WdfWmiProviderTracing ? WMIREG_FLAG_TRACED_GUID | WMIREG_FLAG_TRACE_CONTROL_GUID : 0);
        p->Remove = FALSE;
        g->Pdo = (ULONG_PTR)(d->Pdo ? d->Pdo : d->DeviceObject);
        if (ex)
            ObReferenceObject((PVOID)g->Pdo);
    }
    KeReleaseSpinLock(&d->WmiLock, irql);
    if (!update) { /* DOC: an update has neither */
        ULONG at = (ULONG)(FIELD_OFFSET(WMIREGINFOW, WmiRegGuid) + count * sizeof(WMIREGGUIDW));
        info->MofResourceName = at;
        info->RegistryPath = put_string(info, at, mof);
        put_string(info, info->RegistryPath, path);
    }
    *used = needed;
    return STATUS_SUCCESS;
}

/* ---- data ---- */

/* Without a way to its data an instance that has methods is there, with no bytes. */
static BOOLEAN can_query(const FxWmiInstance *i)
{
    return i->Own || i->C.UseContextForQuery || i->C.EvtWmiInstanceQueryInstance || i->C.EvtWmiInstanceExecuteMethod;
}

/* What a callback said of its buffer, judged. */
static NTSTATUS judged(FxWmiInstance *i, NTSTATUS s, ULONG room, ULONG used)
{
    FxGlobals *g = i->O.Globals;
    if (s == STATUS_PENDING)
        FXLOG(g, WmiPending, P64(FxHandle(i)));
    else if (NT_SUCCESS(s) && used > room)
        FXLOG(g, WmiOverrun, P64(FxHandle(i)), used, room);
    else
        return s;
    FxVerifierDbgBreakPoint(g, FX(i), __builtin_return_address(0));
    return STATUS_UNSUCCESSFUL;
}

static NTSTATUS query(FxWmiInstance *i, ULONG room, PVOID out, ULONG *used)
{
    FxWmiProvider *p = i->Provider;
    *used = 0;
    if (i->Own || i->C.UseContextForQuery) {
        *used = i->Own ? sizeof(BOOLEAN) : (ULONG)i->ContextSize;
        if (room < *used)
            return STATUS_BUFFER_TOO_SMALL;
        if (i->Own)
            *(BOOLEAN *)out = FxPowerWmiGet(i);
        else
            RtlCopyMemory(out, i->Context, *used);
        return STATUS_SUCCESS;
    }
    if (!i->C.EvtWmiInstanceQueryInstance)
        return can_query(i) ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
    if (room < p->C.MinInstanceBufferSize) {
        *used = p->C.MinInstanceBufferSize;
        return STATUS_BUFFER_TOO_SMALL;
    }
    return judged(i, i->C.EvtWmiInstanceQueryInstance((WDFWMIINSTANCE)FxHandle(i), room, out, used), room, *used);
}

static ULONG align(ULONG n)
{
    return (n + MEMORY_ALLOCATION_ALIGNMENT - 1) & ~(MEMORY_ALLOCATION_ALIGNMENT - 1u);
}

static void too_small(WNODE_HEADER *h, ULONG needed, ULONG_PTR *used)
{
    h->Flags = WNODE_FLAG_TOO_SMALL;
    h->BufferSize = sizeof(WNODE_TOO_SMALL);
    ((WNODE_TOO_SMALL *)h)->SizeNeeded = needed;
    *used = sizeof(WNODE_TOO_SMALL);
}

static NTSTATUS query_all(FxDevice *d, FxWmiProvider *p, ULONG size, PVOID buffer, ULONG_PTR *used)
{
    WNODE_ALL_DATA *n = buffer;
    ULONG count = p->Count, at = align((ULONG)(FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength) + count * sizeof(OFFSETINSTANCEDATAANDLENGTH)));
    BOOLEAN fits = at <= size;
    if (!count)
        return STATUS_WMI_INSTANCE_NOT_FOUND;
    if (size < sizeof *n)
        return STATUS_UNSUCCESSFUL;
    n->DataBlockOffset = at;
    n->InstanceCount = count;
    n->WnodeHeader.Flags &= ~WNODE_FLAG_FIXED_INSTANCE_SIZE;
    for (ULONG k = 0; k < count; k++) {
        FxWmiInstance *i = instance_of(d, p, k);
        ULONG bytes = 0;
        if (!i)
            return STATUS_WMI_INSTANCE_NOT_FOUND;
        NTSTATUS s = can_query(i) ? query(i, fits ? size - at : 0, fits ? (PUCHAR)n + at : NULL, &bytes) : STATUS_SUCCESS;
        FxObject_Release(FX(i));
        if (s == STATUS_BUFFER_TOO_SMALL)
            fits = FALSE;
        else if (!NT_SUCCESS(s))
            return s;
        if (fits) {
            n->OffsetInstanceDataAndLength[k].OffsetInstanceData = at;
            n->OffsetInstanceDataAndLength[k].LengthInstanceData = bytes;
        }
        at = align(at + bytes);
        fits = fits && at <= align(size);
    }
    if (!fits) {
        too_small(&n->WnodeHeader, at, used);
        return STATUS_SUCCESS;
    }
    KeQuerySystemTime(&n->WnodeHeader.TimeStamp);
    *used = n->WnodeHeader.BufferSize = at < size ? at : size;
    return STATUS_SUCCESS;
}

static NTSTATUS query_single(FxWmiInstance *i, ULONG size, PVOID buffer, ULONG_PTR *used)
{
    WNODE_SINGLE_INSTANCE *n = buffer;
    ULONG at = n->DataBlockOffset, bytes = 0;
    NTSTATUS s = query(i, size > at ? size - at : 0, (PUCHAR)n + at, &bytes);
    if (s == STATUS_BUFFER_TOO_SMALL) {
        too_small(&n->WnodeHeader, at + bytes, used);
        return STATUS_SUCCESS;
    }
    if (NT_SUCCESS(s)) {
        n->SizeDataBlock = bytes;
        KeQuerySystemTime(&n->WnodeHeader.TimeStamp);
        *used = n->WnodeHeader.BufferSize = at + bytes;
    }
    return s;
}

static NTSTATUS set_single(FxWmiInstance *i, PVOID buffer)
{
    WNODE_SINGLE_INSTANCE *n = buffer;
    if (!i->C.EvtWmiInstanceSetInstance && !i->Own)
        return STATUS_WMI_READ_ONLY;
    if (n->SizeDataBlock < i->Provider->C.MinInstanceBufferSize)
        return STATUS_BUFFER_TOO_SMALL;
    if (i->Own) {
        FxPowerWmiSet(i, *((PUCHAR)n + n->DataBlockOffset) != 0);
        return STATUS_SUCCESS;
    }
    return i->C.EvtWmiInstanceSetInstance((WDFWMIINSTANCE)FxHandle(i), n->SizeDataBlock, (PUCHAR)n + n->DataBlockOffset);
}

static NTSTATUS set_item(FxWmiInstance *i, PVOID buffer)
{
    WNODE_SINGLE_ITEM *n = buffer;
    if (i->Own) {
        if (n->ItemId != 0 || n->SizeDataItem < sizeof(BOOLEAN))
            return n->ItemId != 0 ? STATUS_INVALID_DEVICE_REQUEST : STATUS_BUFFER_TOO_SMALL;
        FxPowerWmiSet(i, *((PUCHAR)n + n->DataBlockOffset) != 0);
        return STATUS_SUCCESS;
    }
    if (!i->C.EvtWmiInstanceSetItem)
        return STATUS_WMI_READ_ONLY;
    return i->C.EvtWmiInstanceSetItem((WDFWMIINSTANCE)FxHandle(i), n->ItemId, n->SizeDataItem, (PUCHAR)n + n->DataBlockOffset);
}

/* There is no way to ask a consumer for more data. */
static NTSTATUS settled(NTSTATUS s)
{
    return s == STATUS_BUFFER_TOO_SMALL ? STATUS_WMI_SET_FAILURE : s;
}

static NTSTATUS execute(FxWmiInstance *i, ULONG size, PVOID buffer, ULONG_PTR *used)
{
    WNODE_METHOD_ITEM *n = buffer;
    ULONG at = n->DataBlockOffset, bytes = 0;
    if (!i->C.EvtWmiInstanceExecuteMethod)
        return STATUS_INVALID_DEVICE_REQUEST;
    ULONG room = size > at ? size - at : 0;
    NTSTATUS s = i->C.EvtWmiInstanceExecuteMethod((WDFWMIINSTANCE)FxHandle(i), n->MethodId, n->SizeDataBlock, room, (PUCHAR)n + at, &bytes);
    s = judged(i, s, room, bytes);
    if (s == STATUS_BUFFER_TOO_SMALL) {
        too_small(&n->WnodeHeader, at + bytes, used);
        return STATUS_SUCCESS;
    }
    if (NT_SUCCESS(s)) {
        n->SizeDataBlock = bytes;
        KeQuerySystemTime(&n->WnodeHeader.TimeStamp);
        *used = n->WnodeHeader.BufferSize = at + bytes;
    }
    return s;
}

/* ---- whether anybody listens or collects ---- */

static NTSTATUS control(FxWmiProvider *p, IO_STACK_LOCATION *sl)
{
    UCHAR minor = sl->MinorFunction;
    WNODE_HEADER *h = sl->Parameters.WMI.Buffer;
    BOOLEAN events = minor == IRP_MN_ENABLE_EVENTS || minor == IRP_MN_DISABLE_EVENTS;
    BOOLEAN enable = minor == IRP_MN_ENABLE_EVENTS || minor == IRP_MN_ENABLE_COLLECTION;
    BOOLEAN *flag = events ? &p->EventsEnabled : &p->InstancesEnabled, traced = events && (p->C.Flags & WdfWmiProviderTracing);
    NTSTATUS s = STATUS_SUCCESS;
    if (sl->Parameters.WMI.BufferSize < sizeof *h)
        return STATUS_INVALID_PARAMETER;
    *flag = enable;
    if (traced)
        p->TraceHandle = enable ? h->HistoricalContext : 0;
    if (p->C.EvtWmiProviderFunctionControl)
        s = p->C.EvtWmiProviderFunctionControl((WDFWMIPROVIDER)FxHandle(p), events ? WdfWmiEventControl : WdfWmiInstanceControl, enable);
    if (!NT_SUCCESS(s)) {
        *flag = FALSE;
        if (traced)
            p->TraceHandle = 0;
    }
    return s;
}

/* ---- dispatch ---- */

static NTSTATUS for_instance(FxDevice *d, FxWmiProvider *p, IO_STACK_LOCATION *sl, ULONG_PTR *used)
{
    WNODE_SINGLE_INSTANCE *n = sl->Parameters.WMI.Buffer;
    ULONG size = sl->Parameters.WMI.BufferSize;
    FxWmiInstance *i = n->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES ? instance_of(d, p, n->InstanceIndex) : NULL;
    NTSTATUS s;
    if (!i)
        return STATUS_WMI_INSTANCE_NOT_FOUND;
    if (n->WnodeHeader.BufferSize > size || (sl->MinorFunction != IRP_MN_CHANGE_SINGLE_ITEM && sl->MinorFunction != IRP_MN_EXECUTE_METHOD && n->DataBlockOffset > size))
        s = STATUS_BUFFER_TOO_SMALL;
    else if (sl->MinorFunction == IRP_MN_QUERY_SINGLE_INSTANCE)
        s = query_single(i, size, n, used);
    else if (sl->MinorFunction == IRP_MN_CHANGE_SINGLE_INSTANCE)
        s = settled(set_single(i, n));
    else if (sl->MinorFunction == IRP_MN_CHANGE_SINGLE_ITEM)
        s = settled(set_item(i, n));
    else
        s = execute(i, size, n, used);
    FxObject_Release(FX(i));
    return s;
}

static NTSTATUS for_provider(FxDevice *d, IO_STACK_LOCATION *sl, ULONG_PTR *used)
{
    FxWmiProvider *p = provider_of(d, path_of(sl));
    NTSTATUS s;
    if (!p)
        return STATUS_WMI_GUID_NOT_FOUND;
    switch (sl->MinorFunction) {
    case IRP_MN_QUERY_ALL_DATA:
        s = query_all(d, p, sl->Parameters.WMI.BufferSize, sl->Parameters.WMI.Buffer, used);
        break;
    case IRP_MN_ENABLE_EVENTS:
    case IRP_MN_DISABLE_EVENTS:
    case IRP_MN_ENABLE_COLLECTION:
    case IRP_MN_DISABLE_COLLECTION:
        s = control(p, sl);
        break;
    default:
        s = for_instance(d, p, sl, used);
        break;
    }
    FxObject_Release(FX(p));
    return s;
}

NTSTATUS FxWmiIrpHandler_Dispatch(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    ULONG_PTR used = 0;
    if (sl->MinorFunction > IRP_MN_REGINFO_EX || sl->MinorFunction == 0x0A || sl->Parameters.WMI.ProviderId != (ULONG_PTR)d->DeviceObject || !d->WmiRegistered) {
        if (d->Attached)
            return FxDevicePass(d, irp);
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    }
    NTSTATUS s = sl->MinorFunction == IRP_MN_REGINFO || sl->MinorFunction == IRP_MN_REGINFO_EX ? register_info(d, sl, &used) : for_provider(d, sl, &used);
    return FxDeviceCompleteIrp(irp, s, used);
}
