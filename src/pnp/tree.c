/* The device tree: finding children, adding drivers, starting. Removal is remove.c's. */
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
#include "sim/access.h"
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

void pnp_tree_touch(unsigned how)
{
    sim_access((uint64_t)&pnp_room()->root, how);
}

void pnp_node_state(struct devnode *n, enum devnode_state state)
{
    pnp_tree_touch(SIM_WRITE);
    n->state = state;
}

void pnp_interfaces_touch(unsigned how)
{
    sim_access((uint64_t)&pnp_room()->interfaces, how);
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
    if (!pdo || !pnp_room())
        return NULL;
    pnp_tree_touch(SIM_READ);
    return find(pnp_root(), pdo);
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

NTSTATUS pnp_send_minor(DEVICE_OBJECT *device, UCHAR minor)
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

/* CM_DEVCAP_… */
static ULONG capability_flags(const DEVICE_CAPABILITIES *c)
{
    return (c->LockSupported ? 1u : 0) | (c->EjectSupported ? 2u : 0) | (c->Removable ? 4u : 0) | (c->DockDevice ? 8u : 0) | (c->UniqueID ? 0x10u : 0) |
           (c->SilentInstall ? 0x20u : 0) | (c->RawDeviceOK ? 0x40u : 0) | (c->SurpriseRemovalOK ? 0x80u : 0) | (c->HardwareDisabled ? 0x100u : 0) |
           (c->NonDynamic ? 0x200u : 0);
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
        n->capabilities = capability_flags(caps);
        memcpy(n->device_states, caps->DeviceState, sizeof n->device_states);
    }
    ex_pool_free(caps);
}

static unsigned depth_of(const struct devnode *n)
{
    return n->parent ? depth_of(n->parent) + 1 : 0;
}

/* DOC: an instance id that is unique only on its bus is made unique by the place of that bus. GUESS: how it looks. */
static void instance_make_unique(struct devnode *n)
{
    char text[sizeof n->instance];
    uint32_t h = 2166136261u;
    for (const char *p = n->parent->device_id; *p; p++)
        h = (h ^ (uint8_t)tolower((unsigned char)*p)) * 16777619u;
    for (const char *p = n->parent->instance; *p; p++)
        h = (h ^ (uint8_t)tolower((unsigned char)*p)) * 16777619u;
    snprintf(text, sizeof text, "%u&%x&0&%.36s", depth_of(n), h & 0x0FFFFFFF, n->instance);
    strcpy(n->instance, text);
}

static struct devnode *find_id(struct devnode *n, const char *id)
{
    char own[300];
    for (; n; n = n->sibling) {
        snprintf(own, sizeof own, "%s\\%s", n->device_id, n->instance);
        if (n->pdo && (strcasecmp(own, id) == 0 || pnp_id_listed(n->hwids, id)))
            return n;
        struct devnode *c = find_id(n->child, id);
        if (c)
            return c;
    }
    return NULL;
}

struct devnode *pnp_find(const char *id)
{
    return find_id(pnp_root()->child, id);
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
    if (!(n->capabilities & PNP_CAP_UNIQUE_ID))
        instance_make_unique(n);
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

/* A driver that was unloaded with its last device is loaded again. NULL: it cannot be. */
static DRIVER_OBJECT *driver_of(const struct config_driver *d)
{
    char service[64], path[CONFIG_PATH], err[400];
    config_service(d, service, sizeof service);
    DRIVER_OBJECT *driver = io_driver_find(service);
    if (!driver && config_find_file(pnp_room()->config, d->file, path, sizeof path) && !NT_SUCCESS(io_load_driver(path, service, &driver, err, sizeof err)))
        driver = NULL;
    return driver;
}

static DRIVER_OBJECT *driver_of_service(const char *name)
{
    const struct config *c = pnp_room()->config;
    char service[64];
    for (uint32_t i = 0; i < c->driver_count; i++) {
        config_service(&c->drivers[i], service, sizeof service);
        if (strcasecmp(service, name) == 0)
            return driver_of(&c->drivers[i]);
    }
    return io_driver_find(name);
}

static NTSTATUS add_one(struct devnode *n, const struct config_driver *d)
{
    DRIVER_OBJECT *driver = driver_of(d);
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
        DRIVER_OBJECT *driver = driver_of_service(p);
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
    pnp_node_state(n, NT_SUCCESS(s) ? NODE_ADDED : NODE_FAILED);
    if (function)
        pnp_registry_count_instances(n->service);
    return NT_SUCCESS(s) && !count ? STATUS_NO_MORE_ENTRIES : s;
}

/* ---- start ---- */

struct devnode *pnp_node_new(struct devnode *parent, DEVICE_OBJECT *pdo)
{
    struct devnode *n = sim_alloc(sizeof *n);
    pnp_tree_touch(SIM_WRITE);
    n->pdo = pdo;
    n->parent = parent;
    n->number = ++pnp_room()->node_serial;
    struct devnode **at = &parent->child;
    while (*at)
        at = &(*at)->sibling;
    *at = n;
    pdo->DeviceObjectExtension->DeviceNode = pdo->DeviceObjectExtension; /* opaque; not where our record lies, which depends on what else was made before */
    pdo->Flags |= DO_BUS_ENUMERATED_DEVICE;
    return n;
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

/* Relations of a device, in pool; each is referenced by the driver that names it. NULL: none. */
DEVICE_RELATIONS *pnp_relations(struct devnode *n, ULONG type)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS };
    p.Parameters.QueryDeviceRelations.Type = (DEVICE_RELATION_TYPE)type;
    ULONG_PTR info = 0;
    n->no_relations = !NT_SUCCESS(pnp_send(n->pdo, &p, &info));
    return n->no_relations ? NULL : (DEVICE_RELATIONS *)info;
}

/* Asks the bus for its children: starts new ones, removes the ones that are gone. */
NTSTATUS pnp_enumerate(struct devnode *n, char *err, size_t errlen)
{
    DEVICE_RELATIONS *r = pnp_relations(n, BusRelations);
    if (n->no_relations)
        return STATUS_SUCCESS; /* not a bus */
    for (struct devnode *c = n->child, *next; c; c = next) {
        next = c->sibling;
        if (c->state != NODE_REMOVED && c->state != NODE_SURPRISE && !relation_has(r, c->pdo))
            pnp_remove_node(c, true);
    }
    NTSTATUS first = STATUS_SUCCESS;
    for (ULONG i = 0; r && i < r->Count; i++) {
        if (child_with(n, r->Objects[i])) {
            ob_dereference(r->Objects[i]);
            continue;
        }
        /* The reference that the bus driver took is ours now. */
        NTSTATUS s = pnp_start_node(pnp_node_new(n, r->Objects[i]), err, errlen);
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

void pnp_resources_free(struct devnode *n)
{
    if (n->raw)
        ex_pool_free(n->raw);
    if (n->translated)
        ex_pool_free(n->translated);
    n->raw = n->translated = NULL;
}

NTSTATUS pnp_start_device(struct devnode *n)
{
    filter_requirements(n);
    pnp_resources_free(n);
    n->raw = pnp_resources_assign(n->requirements);
    n->translated = pnp_resources_translate(n->raw);
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_START_DEVICE };
    p.Parameters.StartDevice.AllocatedResources = n->raw;
    p.Parameters.StartDevice.AllocatedResourcesTranslated = n->translated;
    return pnp_send(n->pdo, &p, NULL);
}

/* DOC: a stack that could not be built or started gets IRP_MN_REMOVE_DEVICE, without a query. */
static void give_up(struct devnode *n, unsigned problem)
{
    pnp_node_state(n, NODE_FAILED);
    n->problem = problem;
    pnp_interfaces_disable(n->pdo);
    if (n->pdo->AttachedDevice)
        pnp_send_remove(n);
}

ULONG_PTR pnp_device_state(struct devnode *n)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_PNP_DEVICE_STATE };
    ULONG_PTR info = 0;
    info = NT_SUCCESS(pnp_send(n->pdo, &p, &info)) ? info : 0;
    n->not_disableable = (info & PNP_DEVICE_NOT_DISABLEABLE) != 0;
    return info;
}

/* What follows a successful start, the first one or one after a removal. */
static NTSTATUS started(struct devnode *n, char *err, size_t errlen)
{
    pnp_node_state(n, NODE_STARTED);
    n->problem = 0;
    query_capabilities(n);
    if (pnp_device_state(n) & PNP_DEVICE_FAILED) {
        pnp_fail_node(n, PROBLEM_FAILED_POST_START);
        return STATUS_SUCCESS;
    }
    pnp_interfaces_started(n->pdo);
    pnp_notify_instance(n, true);
    return pnp_enumerate(n, err, errlen);
}

NTSTATUS pnp_bring_up(struct devnode *n, char *err, size_t errlen)
{
    pnp_node_state(n, NODE_FOUND);
    n->problem = 0;
    NTSTATUS s = add_drivers(n, err, errlen);
    if (s == STATUS_NO_MORE_ENTRIES && !(n->capabilities & PNP_CAP_RAW)) {
        n->problem = PROBLEM_FAILED_INSTALL; /* no driver for it: stays found */
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(s) && s != STATUS_NO_MORE_ENTRIES) {
        give_up(n, PROBLEM_FAILED_ADD);
        return s;
    }
    s = pnp_start_device(n);
    if (!NT_SUCCESS(s)) {
        snprintf(err, errlen, "IRP_MN_START_DEVICE of %s", n->device_id);
        give_up(n, PROBLEM_FAILED_START);
        return s;
    }
    return started(n, err, errlen);
}

NTSTATUS pnp_start_node(struct devnode *n, char *err, size_t errlen)
{
    identify(n);
    return pnp_bring_up(n, err, errlen);
}

NTSTATUS pnp_start(const struct config *config, char *err, size_t errlen)
{
    pnp_tree_enter();
    pnp_room()->config = config;
    pnp_roots_make(config);
    NTSTATUS first = STATUS_SUCCESS;
    for (struct devnode *n = pnp_root()->child; n; n = n->sibling) {
        NTSTATUS s = pnp_start_node(n, err, errlen);
        if (!NT_SUCCESS(s) && NT_SUCCESS(first))
            first = s;
    }
    pnp_tree_leave();
    return first;
}
