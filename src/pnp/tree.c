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

static bool query_id(DEVICE_OBJECT *pdo, ULONG type, char *out, size_t size)
{
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_ID };
    p.Parameters.QueryId.IdType = (BUS_QUERY_ID_TYPE)type;
    ULONG_PTR info = 0;
    out[0] = 0;
    if (!NT_SUCCESS(pnp_send(pdo, &p, &info)) || !info)
        return false;
    text_of((const WCHAR *)info, type == BusQueryHardwareIDs || type == BusQueryCompatibleIDs, out, size);
    ex_pool_free((void *)info);
    return true;
}

static bool id_listed(const char *ids, const char *hwid)
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

static void identify(struct devnode *n)
{
    char more[400];
    query_id(n->pdo, BusQueryDeviceID, n->device_id, sizeof n->device_id);
    if (!query_id(n->pdo, BusQueryInstanceID, n->instance, sizeof n->instance))
        strcpy(n->instance, "0");
    if (!query_id(n->pdo, BusQueryHardwareIDs, n->hwids, sizeof n->hwids))
        snprintf(n->hwids, sizeof n->hwids, "%s", n->device_id);
    if (query_id(n->pdo, BusQueryCompatibleIDs, more, sizeof more)) {
        size_t at = strlen(n->hwids);
        snprintf(n->hwids + at, sizeof n->hwids - at, "\n%s", more);
    }
}

/* ---- adding drivers ---- */

static void service_of(const struct config_driver *d, char *out, size_t size)
{
    const char *slash = strrchr(d->file, strchr(d->file, '/') ? '/' : ':');
    snprintf(out, size, "%s", slash ? slash + 1 : d->file);
    char *dot = strrchr(out, '.');
    if (dot)
        *dot = 0;
}

/* The configuration's values for devices with one of this node's hardware ids. */
static void values_apply(const struct devnode *n, const char *prefix, const char *path)
{
    const struct config *c = pnp_room()->config;
    size_t length = strlen(prefix);
    for (uint32_t i = 0; i < c->registry_count; i++) {
        const struct config_value *v = &c->registry[i];
        if (strncmp(v->path, prefix, length) != 0 || !id_listed(n->hwids, v->path + length))
            continue;
        if (v->is_dword)
            cm_set_dword(path, v->name, (uint32_t)strtoul(v->text, NULL, 0));
        else
            cm_set_text(path, v->name, v->text);
    }
}

static NTSTATUS add_one(struct devnode *n, const struct config_driver *d)
{
    char service[64];
    service_of(d, service, sizeof service);
    DRIVER_OBJECT *driver = io_driver_find(service);
    if (!driver || !driver->DriverExtension->AddDevice)
        return STATUS_NO_SUCH_DEVICE;
    if (d->role == ROLE_FUNCTION || d->role == ROLE_BUS) {
        char key[400];
        snprintf(n->service, sizeof n->service, "%s", service);
        snprintf(key, sizeof key, "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\%s\\%s", n->service, n->instance);
        values_apply(n, "driver:", key);
    }
    NTSTATUS s = (NTSTATUS)guest_call(FRAME_PnpCallAddDevice, driver->DriverExtension->AddDevice, 2, (uint64_t)driver, (uint64_t)n->pdo);
    for (DEVICE_OBJECT *dev = io_top_of_stack(n->pdo); NT_SUCCESS(s) && dev; dev = dev->DeviceObjectExtension->AttachedTo)
        if (dev->DriverObject == driver && (dev->Flags & DO_DEVICE_INITIALIZING) && dev == io_top_of_stack(n->pdo))
            trace_text(TRACE_FINDING, "AddDevice left DO_DEVICE_INITIALIZING set", (uint64_t)dev);
    return s;
}

static NTSTATUS add_role(struct devnode *n, enum driver_role role, unsigned *count)
{
    const struct config *c = pnp_room()->config;
    for (uint32_t i = 0; i < c->driver_count; i++) {
        const struct config_driver *d = &c->drivers[i];
        if (d->role != role || !d->hwid[0] || !id_listed(n->hwids, d->hwid))
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

static NTSTATUS add_drivers(struct devnode *n)
{
    static const enum driver_role order[] = { ROLE_LOWER, ROLE_FUNCTION, ROLE_BUS, ROLE_UPPER };
    unsigned count = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        NTSTATUS s = add_role(n, order[i], &count);
        if (!NT_SUCCESS(s)) {
            n->state = NODE_FAILED;
            return s;
        }
    }
    n->state = NODE_ADDED;
    return count ? STATUS_SUCCESS : STATUS_NO_MORE_ENTRIES;
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

static void registry_make(struct devnode *n)
{
    char path[400];
    snprintf(path, sizeof path, "\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\%s\\%s\\Device Parameters", n->device_id, n->instance);
    pnp_registry_key_make(path);
    values_apply(n, "device:", path);
}

NTSTATUS pnp_start_node(struct devnode *n, char *err, size_t errlen)
{
    identify(n);
    registry_make(n);
    NTSTATUS s = add_drivers(n);
    if (s == STATUS_NO_MORE_ENTRIES)
        return STATUS_SUCCESS; /* no driver for it: stays found */
    if (!NT_SUCCESS(s)) {
        snprintf(err, errlen, "AddDevice for %s", n->device_id);
        return s;
    }
    s = send_minor(n->pdo, IRP_MN_START_DEVICE);
    if (!NT_SUCCESS(s)) {
        snprintf(err, errlen, "IRP_MN_START_DEVICE of %s", n->device_id);
        n->state = NODE_FAILED;
        return s;
    }
    n->state = NODE_STARTED;
    DEVICE_CAPABILITIES *caps = ex_pool_alloc(NonPagedPoolNx, sizeof *caps, 0x70506E50);
    memset(caps, 0, sizeof *caps);
    caps->Size = sizeof *caps;
    caps->Version = 1;
    caps->Address = caps->UINumber = 0xFFFFFFFF;
    IO_STACK_LOCATION p = { .MinorFunction = IRP_MN_QUERY_CAPABILITIES };
    p.Parameters.DeviceCapabilities.Capabilities = caps;
    pnp_send(n->pdo, &p, NULL);
    ex_pool_free(caps);
    send_minor(n->pdo, IRP_MN_QUERY_PNP_DEVICE_STATE);
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

static void remove_tree(struct devnode *n, bool surprise)
{
    for (struct devnode *c = n->child; c; c = c->sibling)
        if (c->state != NODE_REMOVED)
            remove_tree(c, surprise);
    if (surprise && n->state == NODE_STARTED)
        send_minor(n->pdo, IRP_MN_SURPRISE_REMOVAL);
    n->state = NODE_REMOVED;
    pnp_interfaces_disable(n->pdo);
    send_minor(n->pdo, IRP_MN_REMOVE_DEVICE);
    pnp_interfaces_forget(n->pdo);
    n->pdo->DeviceObjectExtension->DeviceNode = NULL;
    ob_dereference(n->pdo);
    n->pdo = NULL;
}

static bool query_remove(struct devnode *n)
{
    for (struct devnode *c = n->child; c; c = c->sibling)
        if (c->state == NODE_STARTED && !query_remove(c))
            return false;
    return n->state != NODE_STARTED || NT_SUCCESS(send_minor(n->pdo, IRP_MN_QUERY_REMOVE_DEVICE));
}

void pnp_remove_all(void)
{
    if (!pnp_root())
        return;
    for (struct devnode *n = pnp_root()->child; n; n = n->sibling) {
        if (n->state == NODE_REMOVED)
            continue;
        if (!query_remove(n))
            trace_text(TRACE_FINDING, "a driver refused IRP_MN_QUERY_REMOVE_DEVICE at the end of the run", (uint64_t)n->pdo);
        remove_tree(n, false);
    }
}

/* ---- invalidation ---- */

struct invalidation {
    WORK_QUEUE_ITEM item;
    struct devnode *node;
    DEVICE_OBJECT *pdo;
};

static void enumerate_again(void *context)
{
    struct invalidation *v = context;
    char err[400];
    struct devnode *n = pnp_node_of(v->pdo);
    if (n && n->state == NODE_STARTED)
        pnp_enumerate(n, err, sizeof err);
    ob_dereference(v->pdo);
    ex_pool_free(v);
}

void IoInvalidateDeviceRelations(DEVICE_OBJECT *pdo, ULONG type)
{
    if (type != BusRelations || !pnp_node_of(pdo))
        return;
    struct invalidation *v = ex_pool_alloc(NonPagedPoolNx, sizeof *v, 0x70506E50);
    memset(v, 0, sizeof *v);
    v->pdo = pdo;
    ob_reference(pdo);
    ex_work_queue_host(&v->item, enumerate_again, v, WORK_DELAYED);
}

void IoInvalidateDeviceState(DEVICE_OBJECT *pdo)
{
}

void IoRequestDeviceEject(DEVICE_OBJECT *pdo)
{
}

void pnp_init(void)
{
    struct pnp_room *r = sim_alloc(sizeof *r);
    MACHINE->rooms[ROOM_PNP] = r;
    r->root = sim_alloc(sizeof *r->root);
    r->root->state = NODE_STARTED;
    strcpy(r->root->device_id, "HTREE\\ROOT");
}
