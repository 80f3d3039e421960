/* irplab's own root bus: devices to stand on. Its dispatch routine completes PnP and power as the root bus does and answers control
 * codes from the configuration's table. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "po/po.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "session/config.h"
#include "sim/door.h"

enum { ID_TAG = 0x70506E50 };

/* Ends with two zeros: good as a string and as a list of one. */
static WCHAR *pool_string(const char *text)
{
    size_t n = strlen(text);
    WCHAR *w = ex_pool_alloc(PagedPool, (n + 2) * 2, ID_TAG);
    for (size_t i = 0; i < n; i++)
        w[i] = (UCHAR)text[i];
    w[n] = w[n + 1] = 0;
    return w;
}

static NTSTATUS answer_id(struct devnode *n, IRP *irp, ULONG type)
{
    switch (type) {
    case BusQueryDeviceID:
        irp->IoStatus.Information = (ULONG_PTR)pool_string(n->root->hwid);
        return STATUS_SUCCESS;
    case BusQueryHardwareIDs:
        irp->IoStatus.Information = (ULONG_PTR)pool_string(n->root->hwid);
        return STATUS_SUCCESS;
    case BusQueryInstanceID: {
        char text[16];
        unsigned before = 0; /* devices with the same id */
        for (const struct config_device *d = pnp_room()->config->devices; d < n->root; d++)
            before += strcasecmp(d->hwid, n->root->hwid) == 0;
        snprintf(text, sizeof text, "%04u", before % 10000);
        irp->IoStatus.Information = (ULONG_PTR)pool_string(text);
        return STATUS_SUCCESS;
    }
    default:
        return irp->IoStatus.Status;
    }
}

static void answer_relations(DEVICE_OBJECT *device, IRP *irp)
{
    DEVICE_RELATIONS *r = ex_pool_alloc(PagedPool, sizeof *r, ID_TAG);
    r->Count = 1;
    r->Objects[0] = device;
    ob_reference(device);
    irp->IoStatus.Information = (ULONG_PTR)r;
}

static void answer_bus(IRP *irp)
{
    /* GUESS: GUID_BUS_TYPE_INTERNAL and PNPBus are what the root bus says. */
    static const GUID internal = { 0x1530EA73, 0x086B, 0x11D1, { 0xA0, 0x9F, 0x00, 0xC0, 0x4F, 0xC3, 0x40, 0xB1 } };
    PNP_BUS_INFORMATION *b = ex_pool_alloc(PagedPool, sizeof *b, ID_TAG);
    *b = (PNP_BUS_INFORMATION) { internal, PNPBus, 0 };
    irp->IoStatus.Information = (ULONG_PTR)b;
}

static NTSTATUS answer_pnp(DEVICE_OBJECT *device, struct devnode *n, IRP *irp, IO_STACK_LOCATION *sl)
{
    switch (sl->MinorFunction) {
    case IRP_MN_START_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
    case IRP_MN_QUERY_PNP_DEVICE_STATE: /* Information says what is special: nothing, or what those above said */
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (sl->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation)
            return irp->IoStatus.Status;
        answer_relations(device, irp);
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_BUS_INFORMATION:
        answer_bus(irp);
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_RESOURCES:
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS: {
        IO_RESOURCE_REQUIREMENTS_LIST *l = n && n->root ? pnp_requirements_of(n->root) : NULL;
        if (!l)
            return irp->IoStatus.Status;
        irp->IoStatus.Information = (ULONG_PTR)l;
        if (sl->MinorFunction == IRP_MN_QUERY_RESOURCES) {
            irp->IoStatus.Information = (ULONG_PTR)pnp_resources_assign(l);
            ex_pool_free(l);
        }
        return STATUS_SUCCESS;
    }
    case IRP_MN_QUERY_CAPABILITIES: {
        DEVICE_CAPABILITIES *c = sl->Parameters.DeviceCapabilities.Capabilities;
        c->UniqueID = 1;
        c->DeviceState[PowerSystemWorking] = PowerDeviceD0;
        for (int i = PowerSystemSleeping1; i < PowerSystemMaximum; i++)
            c->DeviceState[i] = PowerDeviceD3;
        return STATUS_SUCCESS;
    }
    case IRP_MN_QUERY_ID:
        return n ? answer_id(n, irp, sl->Parameters.QueryId.IdType) : irp->IoStatus.Status;
    default:
        return irp->IoStatus.Status;
    }
}

static const struct config_code *code_for(const struct devnode *n, ULONG code)
{
    for (uint32_t i = 0; n && n->root && i < n->root->code_count; i++)
        if (n->root->codes[i].code == code)
            return &n->root->codes[i];
    return NULL;
}

/* Zeros for the requestor; returns how many. */
static ULONG fill_output(const struct config_code *c, IRP *irp, const IO_STACK_LOCATION *sl)
{
    ULONG room_for = sl->Parameters.DeviceIoControl.OutputBufferLength, bytes = c->bytes < room_for ? c->bytes : room_for;
    ULONG method = METHOD_FROM_CTL_CODE(c->code);
    if (!bytes || NT_ERROR((NTSTATUS)c->status))
        return bytes;
    if (method == METHOD_BUFFERED && irp->AssociatedIrp.SystemBuffer)
        memset(irp->AssociatedIrp.SystemBuffer, 0, bytes);
    else if (method == METHOD_OUT_DIRECT && irp->MdlAddress)
        memset(MmMapLockedPagesSpecifyCache(irp->MdlAddress, KernelMode, 1, NULL, FALSE, 16), 0, bytes);
    return bytes;
}

static void interrupt(struct devnode *n, const struct config_code *c)
{
    struct pnp_interrupt line;
    if (c->interrupt && pnp_interrupt_of(n->pdo, &line))
        ke_interrupt_assert(line.vector);
    if (c->message && pnp_message_of(n->pdo, c->message - 1, &line))
        ke_interrupt_assert(line.vector);
}

static void finish(IRP *irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
}

/* A request answered later: from a system thread after the delay. */
struct late {
    struct devnode *node;
    IRP *irp;
    const struct config_code *code;
    ULONG bytes;
};

static void answer_late(void *context)
{
    struct late l = *(struct late *)context;
    sim_free(context, sizeof l);
    if (l.code->delay_ms) {
        LARGE_INTEGER t = { .QuadPart = -10000ll * l.code->delay_ms };
        KeDelayExecutionThread(KernelMode, FALSE, &t);
    }
    KIRQL old = KfRaiseIrql(DISPATCH_LEVEL); /* as from a device's DPC */
    interrupt(l.node, l.code);
    finish(l.irp, (NTSTATUS)l.code->status, l.bytes);
    KeLowerIrql(old);
}

static NTSTATUS answer_control(struct devnode *n, IRP *irp, IO_STACK_LOCATION *sl)
{
    const struct config_code *c = code_for(n, sl->Parameters.DeviceIoControl.IoControlCode);
    if (!c) {
        finish(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    ULONG bytes = fill_output(c, irp, sl);
    if (c->pend || c->delay_ms) {
        sl->Control |= SL_PENDING_RETURNED;
        struct late *l = sim_alloc(sizeof *l);
        *l = (struct late) { n, irp, c, bytes };
        struct thread *t = ps_create_host_thread(answer_late, l, "simulated device");
        t->is_worker = true;
        return STATUS_PENDING;
    }
    interrupt(n, c);
    finish(irp, (NTSTATUS)c->status, bytes);
    return (NTSTATUS)c->status;
}

/* All dispatch entries of \Driver\PnpManager. */
NTSTATUS PnpRootDispatch(DEVICE_OBJECT *device, IRP *irp)
{
    IO_STACK_LOCATION *sl = io_current_location(irp);
    struct devnode *n = pnp_node_of(device);
    NTSTATUS s = irp->IoStatus.Status;
    bool removed = false;
    switch (sl->MajorFunction) {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        s = STATUS_SUCCESS;
        irp->IoStatus.Information = 0;
        break;
    case IRP_MJ_PNP:
        s = answer_pnp(device, n, irp, sl);
        /* A root device outlives the removal of its stack after a failed start; it goes with its node. */
        removed = sl->MinorFunction == IRP_MN_REMOVE_DEVICE && (!n || n->state == NODE_REMOVED);
        break;
    case IRP_MJ_POWER:
        if (sl->MinorFunction == IRP_MN_SET_POWER && sl->Parameters.Power.Type == DevicePowerState)
            PoSetPowerState(device, DevicePowerState, sl->Parameters.Power.State.DeviceState);
        if (sl->MinorFunction == IRP_MN_SET_POWER || sl->MinorFunction == IRP_MN_QUERY_POWER)
            s = STATUS_SUCCESS;
        break;
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return answer_control(n, irp, sl);
    case IRP_MJ_SYSTEM_CONTROL:
        break;
    default:
        s = STATUS_INVALID_DEVICE_REQUEST;
    }
    irp->IoStatus.Status = s;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    if (removed)
        IoDeleteDevice(device);
    return s;
}

void pnp_roots_make(const struct config *config)
{
    if (!config->device_count)
        return;
    DRIVER_OBJECT *d = io_driver_create("PnpManager", NULL, 0);
    IR_ASSERT(d);
    pnp_room()->root_driver = d;
    PVOID dispatch = (PVOID)door_export_address("ntoskrnl.exe", "PnpRootDispatch");
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        d->MajorFunction[i] = dispatch;
    for (uint32_t i = 0; i < config->device_count; i++) {
        DEVICE_OBJECT *pdo;
        NTSTATUS s = IoCreateDevice(d, 0, NULL, FILE_DEVICE_CONTROLLER, FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &pdo);
        IR_ASSERT(NT_SUCCESS(s));
        pdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
        pdo->Flags |= DO_POWER_PAGABLE;
        ob_reference(pdo);
        struct devnode *n = pnp_node_new(pnp_root(), pdo);
        n->root = &config->devices[i];
    }
}

uint64_t pnp_root_device_count(void)
{
    uint64_t n = 0;
    const DRIVER_OBJECT *d = pnp_room() ? pnp_room()->root_driver : NULL;
    for (const DEVICE_OBJECT *dev = d ? d->DeviceObject : NULL; dev; dev = dev->NextDevice)
        n++;
    return n;
}
