/* The device tree: finding children, adding drivers, start and remove. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cm/cm.h"
#include "ex/work.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "session/config.h"
#include "sim/door.h"
#include "trace/trace.h"

struct pnp_room *pnp_room(void)
{
    return MACHINE->rooms[ROOM_PNP];
}

struct devnode *pnp_root(void)
{
    return pnp_room() ? pnp_room()->root : NULL;
}

static struct devnode *find(struct devnode *n, const DEVICE_OBJECT *pdo)
{
    for (; n; n = n->sibling) {
        if (n->pdo == pdo)
            return n;
        struct devnode *c = find(n->child, pdo);
        if (c)
            return c;
    }
    return NULL;
}

struct devnode *pnp_node_of(const DEVICE_OBJECT *pdo)
{
    return pdo ? find(pnp_root(), pdo) : NULL;
}

/* ---- PnP requests ---- */

NTSTATUS pnp_send(DEVICE_OBJECT *device, IO_STACK_LOCATION *parameters, ULONG_PTR *information)
{
    DEVICE_OBJECT *top = io_top_of_stack(device);
    ob_reference(top);
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    irp->IoStatus.Information = information ? *information : 0;
    IO_STACK_LOCATION *sl = io_next_location(irp);
    *sl = *parameters;
    sl->MajorFunction = IRP_MJ_PNP;
    trace_event(TRACE_PNP, (uint64_t)device, parameters->MinorFunction, (uint64_t)irp, 0);
    NTSTATUS s = io_send_and_wait(top, irp, information, FRAME_IopSynchronousCall);
    ob_dereference(top);
    return s;
}

static NTSTATUS send_minor(DEVICE_OBJECT *device, UCHAR minor)
{
    IO_STACK_LOCATION p = { .MinorFunction = minor };
    return pnp_send(device, &p, NULL);
}

/* ---- identity ---- */

/* Copies a string or multi-string of the guest as text, entries separated by newlines. */
static void text_of(const WCHAR *w, bool multi, char *out, size_t size)
{
    size_t n = 0;
    while (*w && n + 1 < size) {
        for (; *w && n + 1 < size; w++)
            out[n++] = *w < 0x80 ? (char)*w : '?';
        if (!multi)
            break;
        w++;
        if (*w && n + 1 < size)
            out[n++] = '\n';
    }
    out[n] = 0;
}

static bool query_text(DEVICE_OBJECT *pdo, IO_STACK_LOCATION *p, bool multi, char *out, size_t size)
{
    ULONG_PTR info = 0;
    out[0] = 0;
    if (!NT_SUCCESS(pnp_send(pdo, p, &info)) || !info)
        return false;
    text_of((const WCHAR *)info, multi, out, size);
    ex_pool_free((void *)info);
    return true;
}

static bool query_id(DEVICE_OBJECT *pdo, ULONG type, char *out, size_t size)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_ID };
    p.Parameters.QueryId.IdType = (BUS_QUERY_ID_TYPE)type;
    return query_text(pdo, &p, type == BusQueryHardwareIDs || type == BusQueryCompatibleIDs, out, size);
}

static void query_device_text(DEVICE_OBJECT *pdo, ULONG type, char *out, size_t size)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_DEVICE_TEXT };
    p.Parameters.QueryDeviceText.DeviceTextType = (DEVICE_TEXT_TYPE)type;
    p.Parameters.QueryDeviceText.LocaleId = 0x409;
    query_text(pdo, &p, false, out, size);
}

bool pnp_id_listed(const char *ids, const char *hwid)
{
    size_t n = strlen(hwid);
    for (const char *p = ids; *p;) {
        size_t len = strcspn(p, "\n");
        if (len == n && strncasecmp(p, hwid, n) == 0)
            return true;
        p += len + (p[len] == '\n');
    }
    return false;
}

static void query_capabilities(struct devnode *n)
{
    DEVICE_CAPABILITIES *caps = ex_pool_alloc(NonPagedPoolNx, sizeof *caps, 0x70506E50);
    memset(caps, 0, sizeof *caps);
    caps->Size = sizeof *caps;
    caps->Version = 1;
    caps->Address = caps->UINumber = 0xFFFFFFFF;
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_CAPABILITIES };
    p.Parameters.DeviceCapabilities.Capabilities = caps;
    if (NT_SUCCESS(pnp_send(n->pdo, &p, NULL))) {
        n->address = caps->Address;
        n->ui_number = caps->UINumber;
        n->removable = caps->Removable;
    }
    ex_pool_free(caps);
}

/* What is asked before any driver is there but the bus's. DOC: the order is Windows's. */
static void identify(struct devnode *n)
{
    char more[400];
    ULONG_PTR info = 0;
    query_id(n->pdo, BusQueryDeviceID, n->device_id, sizeof n->device_id);
    n->address = n->ui_number = UINT32_MAX;
    query_capabilities(n);
    query_device_text(n->pdo, DeviceTextDescription, n->text, sizeof n->text);
    query_device_text(n->pdo, DeviceTextLocationInformation, n->location, sizeof n->location);
    if (!query_id(n->pdo, BusQueryInstanceID, n->instance, sizeof n->instance))
        strcpy(n->instance, "0");
    if (!query_id(n->pdo, BusQueryHardwareIDs, n->hwids, sizeof n->hwids))
        snprintf(n->hwids, sizeof n->hwids, "%s", n->device_id);
    bool compatible = query_id(n->pdo, BusQueryCompatibleIDs, more, sizeof more);
    pnp_registry_identify(n);
    if (compatible) {
        size_t at = strlen(n->hwids);
        snprintf(n->hwids + at, sizeof n->hwids - at, "\n%s", more);
        pnp_registry_compatible(n, more);
    }
    IO_STACK_LOCATION bus = { .MinorFunction = IRP_MN_QUERY_BUS_INFORMATION };
    if (NT_SUCCESS(pnp_send(n->pdo, &bus, &info)) && info) {
        n->bus = *(PNP_BUS_INFORMATION *)info;
        n->has_bus = true;
        ex_pool_free((void *)info);
    }
    info = 0;
    IO_STACK_LOCATION boot = { .MinorFunction = IRP_MN_QUERY_RESOURCES };
    if (NT_SUCCESS(pnp_send(n->pdo, &boot, &info)) && info)
        ex_pool_free((void *)info);
    info = 0;
    IO_STACK_LOCATION wanted = { .MinorFunction = IRP_MN_QUERY_RESOURCE_REQUIREMENTS };
    if (NT_SUCCESS(pnp_send(n->pdo, &wanted, &info)) && info)
        n->requirements = (IO_RESOURCE_REQUIREMENTS_LIST *)info;
}

/* ---- adding drivers ---- */

static NTSTATUS call_add_device(struct devnode *n, DRIVER_OBJECT *driver)
{
    NTSTATUS s = (NTSTATUS)guest_call(FRAME_PnpCallAddDevice, driver->DriverExtension->AddDevice, 2, (uint64_t)driver, (uint64_t)n->pdo);
    for (DEVICE_OBJECT *dev = io_top_of_stack(n->pdo); NT_SUCCESS(s) && dev; dev = dev->DeviceObjectExtension->AttachedTo)
        if (dev->DriverObject == driver && (dev->Flags & DO_DEVICE_INITIALIZING) && dev == io_top_of_stack(n->pdo))
            trace_text(TRACE_FINDING, "AddDevice left DO_DEVICE_INITIALIZING set", (uint64_t)dev);
    return s;
}

static NTSTATUS add_one(struct devnode *n, const struct config_driver *d)
{
    char service[64];
    config_service(d, service, sizeof service);
    DRIVER_OBJECT *driver = io_driver_find(service);
    if (d->role == ROLE_FUNCTION || d->role == ROLE_BUS)
        pnp_registry_count_instance(n);
    if (!driver || !driver->DriverExtension->AddDevice)
        return STATUS_NO_SUCH_DEVICE;
    return call_add_device(n, driver);
}

static bool drives(const struct config_driver *d, const struct devnode *n)
{
    for (const char *p = d->hwid; *p;) {
        char one[200];
        size_t length = strcspn(p, "\n");
        snprintf(one, sizeof one, "%.*s", (int)length, p);
        if (pnp_id_listed(n->hwids, one))
            return true;
        p += length + (p[length] == '\n');
    }
    return false;
}

static NTSTATUS add_role(struct devnode *n, enum driver_role role, unsigned *count)
{
    const struct config *c = pnp_room()->config;
    for (uint32_t i = 0; i < c->driver_count; i++) {
        const struct config_driver *d = &c->drivers[i];
        if (d->role != role || !drives(d, n))
            continue;
        NTSTATUS s = add_one(n, d);
        if (!NT_SUCCESS(s))
            return s;
        (*count)++;
        if (role == ROLE_FUNCTION || role == ROLE_BUS)
            break;
    }
    return STATUS_SUCCESS;
}

/* Filters that the registry names. DOC: one that cannot be loaded keeps the device from starting. */
static NTSTATUS add_filters(struct devnode *n, bool of_class, bool upper, char *err, size_t errlen)
{
    char services[600];
    if (!pnp_registry_filters(n, of_class, upper, services, sizeof services))
        return STATUS_SUCCESS;
    for (char *p = services, *end; *p; p = end) {
        end = p + strcspn(p, "\n");
        if (*end)
            *end++ = 0;
        DRIVER_OBJECT *driver = io_driver_find(p);
        if (!driver) {
            snprintf(err, errlen, "the filter service %s, named by %sFilters, has no --driver; starting %s", p, upper ? "Upper" : "Lower", n->device_id);
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        if (!driver->DriverExtension->AddDevice)
            continue;
        NTSTATUS s = call_add_device(n, driver);
        if (!NT_SUCCESS(s))
            return s;
    }
    return STATUS_SUCCESS;
}

/* The driver whose software key the device gets. */
static const struct config_driver *function_of(const struct devnode *n)
{
    const struct config *c = pnp_room()->config;
    for (uint32_t i = 0; i < c->driver_count; i++)
        if ((c->drivers[i].role == ROLE_FUNCTION || c->drivers[i].role == ROLE_BUS) && drives(&c->drivers[i], n))
            return &c->drivers[i];
    return NULL;
}

/* From below: device's and class's lower filters, the function driver, device's and class's upper filters. */
static NTSTATUS add_drivers(struct devnode *n, char *err, size_t errlen)
{
    unsigned count = 0;
    NTSTATUS s = STATUS_SUCCESS;
    snprintf(err, errlen, "AddDevice for %s", n->device_id);
    const struct config_driver *function = function_of(n);
    if (function)
        pnp_registry_install(n, function);
    for (int step = 0; step < 8 && NT_SUCCESS(s); step++) {
        switch (step) {
        case 0:
            s = add_filters(n, false, false, err, errlen);
            break;
        case 1:
            s = function ? add_filters(n, true, false, err, errlen) : s;
            break;
        case 2:
            s = add_role(n, ROLE_LOWER, &count);
            break;
        case 3:
            s = add_role(n, ROLE_FUNCTION, &count);
            break;
        case 4:
            s = add_role(n, ROLE_BUS, &count);
            break;
        case 5:
            s = add_filters(n, false, true, err, errlen);
            break;
        case 6:
            s = function ? add_filters(n, true, true, err, errlen) : s;
            break;
        default:
            s = add_role(n, ROLE_UPPER, &count);
        }
    }
    n->state = NT_SUCCESS(s) ? NODE_ADDED : NODE_FAILED;
    return NT_SUCCESS(s) && !count ? STATUS_NO_MORE_ENTRIES : s;
}

/* ---- start ---- */

static struct devnode *node_new(struct devnode *parent, DEVICE_OBJECT *pdo)
{
    struct devnode *n = sim_alloc(sizeof *n);
    n->pdo = pdo;
    n->parent = parent;
    struct devnode **at = &parent->child;
    while (*at)
        at = &(*at)->sibling;
    *at = n;
    pdo->DeviceObjectExtension->DeviceNode = n;
    pdo->Flags |= DO_BUS_ENUMERATED_DEVICE;
    return n;
}

struct devnode *pnp_node_new(struct devnode *parent, DEVICE_OBJECT *pdo)
{
    return node_new(parent, pdo);
}

static struct devnode *child_with(struct devnode *n, const DEVICE_OBJECT *pdo)
{
    for (struct devnode *c = n->child; c; c = c->sibling)
        if (c->pdo == pdo && c->state != NODE_REMOVED)
            return c;
    return NULL;
}

static bool relation_has(const DEVICE_RELATIONS *r, const DEVICE_OBJECT *pdo)
{
    for (ULONG i = 0; r && i < r->Count; i++)
        if (r->Objects[i] == pdo)
            return true;
    return false;
}

static void remove_tree(struct devnode *n, bool surprise);

/* Asks the bus for its children: starts new ones, removes the ones that are gone. */
NTSTATUS pnp_enumerate(struct devnode *n, char *err, size_t errlen)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS };
    p.Parameters.QueryDeviceRelations.Type = BusRelations;
    ULONG_PTR info = 0;
    NTSTATUS s = pnp_send(n->pdo, &p, &info);
    if (!NT_SUCCESS(s))
        return STATUS_SUCCESS; /* not a bus */
    DEVICE_RELATIONS *r = (DEVICE_RELATIONS *)info;
    for (struct devnode *c = n->child, *next; c; c = next) {
        next = c->sibling;
        if (c->state != NODE_REMOVED && !relation_has(r, c->pdo))
            remove_tree(c, true);
    }
    NTSTATUS first = STATUS_SUCCESS;
    for (ULONG i = 0; r && i < r->Count; i++) {
        if (child_with(n, r->Objects[i])) {
            ob_dereference(r->Objects[i]);
            continue;
        }
        /* The reference that the bus driver took is ours now. */
        s = pnp_start_node(node_new(n, r->Objects[i]), err, errlen);
        if (!NT_SUCCESS(s) && NT_SUCCESS(first))
            first = s;
    }
    if (r)
        ex_pool_free(r);
    return first;
}

/* The stack may change what is asked for; the new list replaces the old one. */
static void filter_requirements(struct devnode *n)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_FILTER_RESOURCE_REQUIREMENTS };
    p.Parameters.FilterResourceRequirements.IoResourceRequirementList = n->requirements;
    ULONG_PTR info = (ULONG_PTR)n->requirements;
    /* DOC: a driver that gives a new list frees the old one. */
    if (NT_SUCCESS(pnp_send(n->pdo, &p, &info)) && info)
        n->requirements = (IO_RESOURCE_REQUIREMENTS_LIST *)info;
}

static void resources_free(struct devnode *n)
{
    if (n->raw)
        ex_pool_free(n->raw);
    if (n->translated)
        ex_pool_free(n->translated);
    n->raw = n->translated = NULL;
}

static NTSTATUS start_device(struct devnode *n)
{
    filter_requirements(n);
    resources_free(n);
    n->raw = pnp_resources_assign(n->requirements, false);
    n->translated = pnp_resources_assign(n->requirements, true);
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_START_DEVICE };
    p.Parameters.StartDevice.AllocatedResources = n->raw;
    p.Parameters.StartDevice.AllocatedResourcesTranslated = n->translated;
    return pnp_send(n->pdo, &p, NULL);
}

/* DOC: a stack that could not be built or started gets IRP_MN_REMOVE_DEVICE, without a query. */
static void give_up(struct devnode *n)
{
    n->state = NODE_FAILED;
    pnp_interfaces_disable(n->pdo);
    if (n->pdo->AttachedDevice)
        send_minor(n->pdo, IRP_MN_REMOVE_DEVICE);
}

static ULONG_PTR device_state(struct devnode *n)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_PNP_DEVICE_STATE };
    ULONG_PTR info = 0;
    return NT_SUCCESS(pnp_send(n->pdo, &p, &info)) ? info : 0;
}

NTSTATUS pnp_start_node(struct devnode *n, char *err, size_t errlen)
{
    identify(n);
    NTSTATUS s = add_drivers(n, err, errlen);
    if (s == STATUS_NO_MORE_ENTRIES)
        return STATUS_SUCCESS; /* no driver for it: stays found */
    if (!NT_SUCCESS(s)) {
        give_up(n);
        return s;
    }
    s = start_device(n);
    if (!NT_SUCCESS(s)) {
        snprintf(err, errlen, "IRP_MN_START_DEVICE of %s", n->device_id);
        give_up(n);
        return s;
    }
    n->state = NODE_STARTED;
    query_capabilities(n);
    ULONG_PTR state = device_state(n);
    if (state & PNP_DEVICE_FAILED) {
        pnp_remove_node(n, true);
        return STATUS_SUCCESS;
    }
    pnp_interfaces_started(n->pdo);
    return pnp_enumerate(n, err, errlen);
}

NTSTATUS pnp_start(const struct config *config, char *err, size_t errlen)
{
    pnp_room()->config = config;
    pnp_roots_make(config);
    NTSTATUS first = STATUS_SUCCESS;
    for (struct devnode *n = pnp_root()->child; n; n = n->sibling) {
        NTSTATUS s = pnp_start_node(n, err, errlen);
        if (!NT_SUCCESS(s) && NT_SUCCESS(first))
            first = s;
    }
    return first;
}

/* ---- remove ---- */

static bool stack_is_open(const struct devnode *n)
{
    for (const DEVICE_OBJECT *d = n->pdo; d; d = d->AttachedDevice)
        if (d->ReferenceCount > 0)
            return true;
    return false;
}

static void forget(struct devnode *n)
{
    n->state = NODE_REMOVED;
    pnp_interfaces_disable(n->pdo);
    send_minor(n->pdo, IRP_MN_REMOVE_DEVICE);
    pnp_notify_removed(n->pdo);
    pnp_interfaces_forget(n->pdo);
    pnp_properties_free(&n->properties);
    resources_free(n);
    if (n->requirements)
        ex_pool_free(n->requirements);
    n->requirements = NULL;
    n->pdo->DeviceObjectExtension->DeviceNode = NULL;
    ob_dereference(n->pdo);
    n->pdo = NULL;
}

/* DOC: after a surprise removal IRP_MN_REMOVE_DEVICE follows when the last file on the stack is closed. */
static void remove_tree(struct devnode *n, bool surprise)
{
    for (struct devnode *c = n->child; c; c = c->sibling)
        if (c->state != NODE_REMOVED)
            remove_tree(c, surprise);
    if (surprise && n->state == NODE_STARTED) {
        send_minor(n->pdo, IRP_MN_SURPRISE_REMOVAL);
        pnp_interfaces_disable(n->pdo);
        n->state = NODE_SURPRISE;
    }
    if (n->state == NODE_SURPRISE && surprise && stack_is_open(n))
        return;
    forget(n);
}

void pnp_remove_node(struct devnode *n, bool surprise)
{
    remove_tree(n, surprise);
}

static void cancel_remove(struct devnode *n)
{
    send_minor(n->pdo, IRP_MN_CANCEL_REMOVE_DEVICE);
    pnp_notify_remove_cancelled(n->pdo);
    for (struct devnode *c = n->child; c; c = c->sibling)
        if (c->state == NODE_STARTED)
            cancel_remove(c);
}

static bool query_remove(struct devnode *n)
{
    for (struct devnode *c = n->child; c; c = c->sibling)
        if (c->state == NODE_STARTED && !query_remove(c))
            return false;
    if (n->state != NODE_STARTED)
        return true;
    return pnp_notify_query_remove(n->pdo) && NT_SUCCESS(send_minor(n->pdo, IRP_MN_QUERY_REMOVE_DEVICE));
}

void pnp_remove_all(void)
{
    if (!pnp_root())
        return;
    for (struct devnode *n = pnp_root()->child; n; n = n->sibling) {
        if (n->state == NODE_REMOVED)
            continue;
        bool agreed = query_remove(n);
        if (!agreed) {
            /* It stays, then; but the run ends: the device is pulled out. */
            trace_text(TRACE_FINDING, "a driver refused IRP_MN_QUERY_REMOVE_DEVICE at the end of the run", (uint64_t)n->pdo);
            cancel_remove(n);
        }
        remove_tree(n, !agreed);
    }
}

/* ---- work of the manager's own ---- */

enum job_kind { JOB_ENUMERATE, JOB_STATE, JOB_EJECT, JOB_CLOSED };

struct job {
    WORK_QUEUE_ITEM item;
    DEVICE_OBJECT *pdo; /* referenced */
    enum job_kind kind;
};

static void eject(struct devnode *n)
{
    if (!query_remove(n)) {
        cancel_remove(n);
        return;
    }
    /* DOC: IRP_MN_EJECT goes to the bus after the removal; irplab's own bus needs none. */
    remove_tree(n, false);
}

/* DOC: failed or removed by itself: like a surprise removal; changed resources: stopped and started. */
static void state_changed(struct devnode *n)
{
    ULONG_PTR state = device_state(n);
    if (state & (PNP_DEVICE_FAILED | PNP_DEVICE_REMOVED)) {
        remove_tree(n, true);
    } else if (state & PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED) {
        if (!NT_SUCCESS(send_minor(n->pdo, IRP_MN_QUERY_STOP_DEVICE))) {
            send_minor(n->pdo, IRP_MN_CANCEL_STOP_DEVICE);
            return;
        }
        send_minor(n->pdo, IRP_MN_STOP_DEVICE);
        if (!NT_SUCCESS(start_device(n)))
            remove_tree(n, true);
    }
}

static void job_run(void *context)
{
    struct job *j = context;
    char err[400];
    struct devnode *n = pnp_node_of(j->pdo);
    if (n && n->state == NODE_STARTED && j->kind == JOB_ENUMERATE)
        pnp_enumerate(n, err, sizeof err);
    else if (n && n->state == NODE_STARTED && j->kind == JOB_STATE)
        state_changed(n);
    else if (n && n->state == NODE_STARTED && j->kind == JOB_EJECT)
        eject(n);
    else if (n && n->state == NODE_SURPRISE && j->kind == JOB_CLOSED && !stack_is_open(n))
        forget(n);
    ob_dereference(j->pdo);
    ex_pool_free(j);
}

static void job_queue(DEVICE_OBJECT *pdo, enum job_kind kind)
{
    if (!pnp_node_of(pdo))
        return;
    struct job *j = ex_pool_alloc(NonPagedPoolNx, sizeof *j, 0x70506E50);
    memset(j, 0, sizeof *j);
    j->pdo = pdo;
    j->kind = kind;
    ob_reference(pdo);
    ex_work_queue_host(&j->item, job_run, j, WORK_DELAYED);
}

void IoInvalidateDeviceRelations(DEVICE_OBJECT *pdo, ULONG type)
{
    if (type == BusRelations || type == SingleBusRelations)
        job_queue(pdo, JOB_ENUMERATE);
}

NTSTATUS IoSynchronousInvalidateDeviceRelations(DEVICE_OBJECT *pdo, ULONG type)
{
    char err[400];
    struct devnode *n = pnp_node_of(pdo);
    if (!n || type != BusRelations)
        return n ? STATUS_NOT_SUPPORTED : STATUS_NO_SUCH_DEVICE;
    if (n->state != NODE_STARTED)
        return STATUS_UNSUCCESSFUL;
    pnp_enumerate(n, err, sizeof err);
    return STATUS_SUCCESS;
}

void IoInvalidateDeviceState(DEVICE_OBJECT *pdo)
{
    job_queue(pdo, JOB_STATE);
}

void IoRequestDeviceEject(DEVICE_OBJECT *pdo)
{
    job_queue(pdo, JOB_EJECT);
}

void pnp_file_closed(DEVICE_OBJECT *device)
{
    if (!pnp_room() || device->ReferenceCount > 0)
        return;
    while (device->DeviceObjectExtension->AttachedTo)
        device = device->DeviceObjectExtension->AttachedTo;
    struct devnode *n = pnp_node_of(device);
    if (n && n->state == NODE_SURPRISE)
        job_queue(device, JOB_CLOSED);
}

void pnp_init(void)
{
    struct pnp_room *r = sim_alloc(sizeof *r);
    MACHINE->rooms[ROOM_PNP] = r;
    r->root = sim_alloc(sizeof *r->root);
    r->root->state = NODE_STARTED;
    strcpy(r->root->device_id, "HTREE\\ROOT");
}
