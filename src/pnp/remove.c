/* Devices that go, for good or for a while: query-remove and remove, surprise removal, disable and enable, eject, stop and start. And
 * the order of all that: one change of the tree at a time, those that drivers and programs ask for in a queue that a system worker
 * thread works off (as NT's PnpDeviceActionWorker).
 *
 *            ┌──────────────── enable ───────────────┐
 *   STARTED ─┤ query-remove of all ─▶ remove ─▶ DISABLED (the node stays, with its problem)
 *            │        └ refused ─▶ cancel-remove
 *            └ surprise-removal ─▶ SURPRISE ─ last file closed ─▶ remove ─▶ REMOVED (gone), or FAILED (still there)
 */
#include <stdio.h>
#include <string.h>

#include "ex/work.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "session/config.h"
#include "sim/access.h"
#include "trace/trace.h"

enum { REMOVE_TAG = 0x70506E50, MOST_NODES = 64, MOST_DRIVERS = 16 };

/* ---- one change at a time ---- */

struct pnp_lock { /* in pool */
    KEVENT free;
    WORK_QUEUE_ITEM drain;
};

static void drain(void *unused);

static void touch(void)
{
    sim_access(SIM_ACCESS_OF(SIM_POWER, pnp_room()->lock), SIM_WRITE);
}

void pnp_tree_enter(void)
{
    struct pnp_room *r = pnp_room();
    if (r->owner == sim_current()) {
        r->depth++;
        return;
    }
    KeWaitForSingleObject(&r->lock->free, Executive, KernelMode, FALSE, NULL);
    r->owner = sim_current();
    r->depth = 1;
}

static void drain_wanted(void)
{
    struct pnp_room *r = pnp_room();
    if (r->jobs && !r->drain_queued) {
        r->drain_queued = true;
        ex_work_queue_host(&r->lock->drain, drain, NULL, WORK_DELAYED);
    }
}

void pnp_tree_leave(void)
{
    struct pnp_room *r = pnp_room();
    IR_ASSERT(r->owner == sim_current());
    if (--r->depth)
        return;
    r->owner = NULL;
    KeSetEvent(&r->lock->free, 0, FALSE);
    touch();
    drain_wanted();
}

/* ---- who is open ---- */

static bool stack_is_open(const struct devnode *n)
{
    for (const DEVICE_OBJECT *d = n->pdo; d; d = d->AttachedDevice)
        if (d->ReferenceCount > 0)
            return true;
    return false;
}

/* ---- which nodes ---- */

/* Descendants before what they stand on. */
struct batch {
    struct devnode *nodes[MOST_NODES];
    unsigned count;
};

static bool has(const struct batch *b, const struct devnode *n)
{
    for (unsigned i = 0; i < b->count; i++)
        if (b->nodes[i] == n)
            return true;
    return false;
}

static void collect(struct batch *b, struct devnode *n, bool ask);

/* DOC: devices that must go when this one goes, which are not its children. */
static void collect_relations(struct batch *b, struct devnode *n)
{
    DEVICE_RELATIONS *r = pnp_relations(n, RemovalRelations);
    for (ULONG i = 0; r && i < r->Count; i++) {
        struct devnode *other = pnp_node_of(r->Objects[i]);
        if (other)
            collect(b, other, true);
        ob_dereference(r->Objects[i]);
    }
    if (r)
        ex_pool_free(r);
}

static void collect(struct batch *b, struct devnode *n, bool ask)
{
    if (has(b, n) || n->state == NODE_REMOVED)
        return;
    for (struct devnode *c = n->child; c; c = c->sibling)
        collect(b, c, ask);
    if (ask && n->state == NODE_STARTED)
        collect_relations(b, n);
    IR_ASSERT(b->count < MOST_NODES);
    if (!has(b, n))
        b->nodes[b->count++] = n;
}

/* ---- removing ---- */

/* The drivers above a device; each is referenced. */
struct drivers {
    DRIVER_OBJECT *driver[MOST_DRIVERS];
    unsigned count;
};

static void drivers_collect(struct drivers *s, const DEVICE_OBJECT *pdo)
{
    for (const DEVICE_OBJECT *d = pdo->AttachedDevice; d && s->count < MOST_DRIVERS; d = d->AttachedDevice) {
        ob_reference(d->DriverObject);
        s->driver[s->count++] = d->DriverObject;
    }
}

static void drivers_release(struct drivers *s)
{
    for (unsigned i = s->count; i-- > 0;) {
        io_driver_unload_idle(s->driver[i]);
        ob_dereference(s->driver[i]);
    }
}

void pnp_send_remove(struct devnode *n)
{
    struct drivers above = { .count = 0 };
    drivers_collect(&above, n->pdo);
    pnp_send_minor(n->pdo, IRP_MN_REMOVE_DEVICE);
    drivers_release(&above);
}

/* What a device was given while it ran. */
static void let_go(struct devnode *n)
{
    pnp_interfaces_disable(n->pdo);
    pnp_send_remove(n);
    if (!n->told_removed) {
        pnp_notify_removed(n->pdo);
        pnp_notify_instance(n, false);
    }
    n->told_removed = false;
    pnp_resources_free(n);
    pnp_registry_count_instances(n->service);
}

/* The node is gone; only its name is remembered. */
static void forget(struct devnode *n)
{
    pnp_node_state(n, NODE_REMOVED);
    let_go(n);
    pnp_interfaces_forget(n->pdo);
    pnp_properties_free(&n->properties);
    if (n->requirements)
        ex_pool_free(n->requirements);
    n->requirements = NULL;
    n->pdo->DeviceObjectExtension->DeviceNode = NULL;
    ob_dereference(n->pdo);
    pnp_tree_touch(SIM_WRITE);
    n->pdo = NULL;
}

/* The device stays where it is, without its drivers. */
static void rest(struct devnode *n, unsigned problem)
{
    pnp_tree_touch(SIM_WRITE);
    n->state = problem == PROBLEM_FAILED_POST_START || problem == PROBLEM_FAILED_START ? NODE_FAILED : NODE_DISABLED;
    n->problem = problem;
    let_go(n);
}

/* stays: the node that remains, with a problem. */
static void remove_batch(const struct batch *b, const struct devnode *stays, unsigned problem)
{
    for (unsigned i = 0; i < b->count; i++) {
        if (b->nodes[i] == stays)
            rest(b->nodes[i], problem);
        else
            forget(b->nodes[i]);
    }
}

/* DOC: first all of them are told, then IRP_MN_REMOVE_DEVICE follows for each when the last file on its stack is closed. */
static void surprise_batch(const struct batch *b, const struct devnode *stays, unsigned problem)
{
    for (unsigned i = 0; i < b->count; i++) {
        struct devnode *n = b->nodes[i];
        if (n->state != NODE_STARTED)
            continue;
        pnp_send_minor(n->pdo, IRP_MN_SURPRISE_REMOVAL);
        pnp_interfaces_disable(n->pdo);
        pnp_node_state(n, NODE_SURPRISE);
        n->problem = n == stays ? problem : PROBLEM_DEVICE_NOT_THERE;
        n->stays = n == stays;
        n->told_removed = true;
        pnp_notify_removed(n->pdo);
        pnp_notify_instance(n, false);
    }
    for (unsigned i = 0; i < b->count; i++) {
        struct devnode *n = b->nodes[i];
        if (n->state == NODE_REMOVED || (n->state == NODE_SURPRISE && stack_is_open(n)))
            continue;
        if (n == stays)
            rest(n, problem);
        else
            forget(n);
    }
}

void pnp_remove_node(struct devnode *n, bool surprise)
{
    struct batch b = { .count = 0 };
    collect(&b, n, false);
    if (surprise)
        surprise_batch(&b, NULL, 0);
    else
        remove_batch(&b, NULL, 0);
}

void pnp_fail_node(struct devnode *n, unsigned problem)
{
    struct batch b = { .count = 0 };
    collect(&b, n, false);
    surprise_batch(&b, n, problem);
}

/* ---- asking first ---- */

static void cancel(const struct batch *b, unsigned told, unsigned asked)
{
    for (unsigned i = 0; i < asked; i++)
        if (b->nodes[i]->state == NODE_STARTED)
            pnp_send_minor(b->nodes[i]->pdo, IRP_MN_CANCEL_REMOVE_DEVICE);
    for (unsigned i = 0; i < told; i++)
        if (b->nodes[i]->state == NODE_STARTED)
            pnp_notify_remove_cancelled(b->nodes[i]->pdo);
}

static void veto(struct pnp_answer *a, enum pnp_veto kind, const struct devnode *n)
{
    a->status = STATUS_PLUGPLAY_QUERY_VETOED;
    a->veto = kind;
    snprintf(a->name, sizeof a->name, "%s\\%s", n->device_id, n->instance);
}

/* DOC: first programs and drivers that registered are asked, then the device stacks, children first; open handles refuse at the end
 * (to_the_end: not then, because the programs have ended). Whoever was asked hears of it when somebody refuses. */
static bool query_batch(const struct batch *b, bool to_the_end, struct pnp_answer *a)
{
    for (unsigned i = 0; i < b->count; i++) {
        enum pnp_veto who = b->nodes[i]->state == NODE_STARTED ? pnp_notify_query_remove(b->nodes[i]->pdo) : PNP_VETO_UNKNOWN;
        if (who) {
            veto(a, who, b->nodes[i]);
            cancel(b, i + 1, 0);
            return false;
        }
    }
    for (unsigned i = 0; i < b->count; i++)
        if (b->nodes[i]->state == NODE_STARTED && !NT_SUCCESS(pnp_send_minor(b->nodes[i]->pdo, IRP_MN_QUERY_REMOVE_DEVICE))) {
            veto(a, PNP_VETO_DEVICE, b->nodes[i]);
            cancel(b, b->count, i + 1);
            return false;
        }
    for (unsigned i = 0; i < b->count && !to_the_end; i++)
        if (b->nodes[i]->state == NODE_STARTED && stack_is_open(b->nodes[i])) {
            veto(a, PNP_VETO_OUTSTANDING_OPEN, b->nodes[i]);
            cancel(b, b->count, b->count);
            return false;
        }
    return true;
}

void pnp_remove_all(void)
{
    if (!pnp_root())
        return;
    pnp_tree_enter();
    for (struct devnode *n = pnp_root()->child; n; n = n->sibling) {
        struct pnp_answer a;
        if (n->state == NODE_REMOVED)
            continue;
        struct batch b = { .count = 0 };
        collect(&b, n, true);
        bool agreed = query_batch(&b, true, &a);
        /* One that refuses stays, then; but the run ends: the device is pulled out. */
        if (!agreed)
            trace_text(TRACE_FINDING, "a driver refused IRP_MN_QUERY_REMOVE_DEVICE at the end of the run", (uint64_t)n->pdo);
        if (agreed)
            remove_batch(&b, NULL, 0);
        else
            surprise_batch(&b, NULL, 0);
    }
    pnp_tree_leave();
}

/* ---- what can be asked for ---- */

/* Query-remove and remove; the node stays with this problem. */
static bool take_down(struct devnode *n, unsigned problem, struct pnp_answer *a)
{
    struct batch b = { .count = 0 };
    collect(&b, n, true);
    if (!query_batch(&b, false, a))
        return false;
    remove_batch(&b, n, problem);
    return true;
}

static void refuse(struct pnp_answer *a, NTSTATUS status)
{
    a->status = status;
}

static void disable(struct devnode *n, struct pnp_answer *a)
{
    if (n->state == NODE_STARTED && n->not_disableable) {
        veto(a, PNP_VETO_NON_DISABLEABLE, n);
    } else if (n->state == NODE_STARTED) {
        take_down(n, PROBLEM_DISABLED, a);
    } else if (n->state != NODE_SURPRISE) {
        n->problem = PROBLEM_DISABLED;
        pnp_node_state(n, NODE_DISABLED);
    }
}

static void enable(struct devnode *n, struct pnp_answer *a)
{
    char err[400];
    if (n->state == NODE_DISABLED || n->state == NODE_FAILED || (n->state == NODE_FOUND && n->problem))
        a->status = pnp_bring_up(n, err, sizeof err);
}

static void restart(struct devnode *n, struct pnp_answer *a)
{
    if (n->state != NODE_STARTED || take_down(n, PROBLEM_WILL_BE_REMOVED, a))
        enable(n, a);
}

/* The bus is asked whether what was ejected is still there. */
static void eject(struct devnode *n, struct pnp_answer *a)
{
    char err[400];
    struct devnode *bus = n->parent;
    if (!(n->capabilities & (PNP_CAP_EJECT | PNP_CAP_REMOVABLE))) {
        veto(a, PNP_VETO_ILLEGAL_REQUEST, n);
        return;
    }
    if (n->state == NODE_STARTED && !take_down(n, PROBLEM_HELD_FOR_EJECT, a))
        return;
    n->problem = PROBLEM_HELD_FOR_EJECT;
    if (n->capabilities & PNP_CAP_EJECT)
        pnp_send_minor(n->pdo, IRP_MN_EJECT);
    if (bus == pnp_root())
        forget(n);
    else if (bus->state == NODE_STARTED)
        pnp_enumerate(bus, err, sizeof err);
}

static void rebalance(struct devnode *n, struct pnp_answer *a)
{
    char err[400];
    if (n->state != NODE_STARTED)
        return refuse(a, STATUS_INVALID_DEVICE_STATE);
    /* DOC: one that cannot stop is told that it goes on. */
    if (!NT_SUCCESS(pnp_send_minor(n->pdo, IRP_MN_QUERY_STOP_DEVICE))) {
        pnp_send_minor(n->pdo, IRP_MN_CANCEL_STOP_DEVICE);
        return veto(a, PNP_VETO_DEVICE, n);
    }
    pnp_send_minor(n->pdo, IRP_MN_STOP_DEVICE);
    if (!NT_SUCCESS(pnp_start_device(n)))
        return pnp_fail_node(n, PROBLEM_FAILED_START);
    pnp_enumerate(n, err, sizeof err);
}

/* DOC: failed or removed by itself: like a surprise removal; disabled: removed; changed resources: stopped and started. */
static void state_changed(struct devnode *n)
{
    struct pnp_answer unused = { .status = STATUS_SUCCESS };
    ULONG_PTR state = pnp_device_state(n);
    if (state & PNP_DEVICE_REMOVED)
        pnp_fail_node(n, PROBLEM_DEVICE_NOT_THERE);
    else if (state & PNP_DEVICE_FAILED)
        pnp_fail_node(n, PROBLEM_FAILED_POST_START);
    else if (state & PNP_DEVICE_DISABLED)
        take_down(n, PROBLEM_DISABLED, &unused);
    else if (state & PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED)
        rebalance(n, &unused);
}

static void uninstall(struct devnode *n, struct pnp_answer *a)
{
    char err[400];
    struct devnode *bus = n->parent;
    struct batch b = { .count = 0 };
    collect(&b, n, true);
    if (n->state == NODE_STARTED && !query_batch(&b, false, a))
        return;
    /* DOC: a device that its bus still reports is found again. */
    remove_batch(&b, NULL, 0);
    if (bus != pnp_root() && bus->state == NODE_STARTED && n->state == NODE_REMOVED)
        n->uninstalled = true;
    (void)err;
}

static void do_request(struct devnode *n, enum pnp_request what, struct pnp_answer *a)
{
    char err[400];
    switch (what) {
    case PNP_DISABLE:
        return disable(n, a);
    case PNP_ENABLE:
        return enable(n, a);
    case PNP_RESTART:
        return restart(n, a);
    case PNP_QUERY_AND_REMOVE:
        if (n->state == NODE_STARTED)
            take_down(n, PROBLEM_WILL_BE_REMOVED, a);
        return;
    case PNP_EJECT:
        return eject(n, a);
    case PNP_ENUMERATE:
        if (n == pnp_root())
            return;
        if (n->state != NODE_STARTED)
            return refuse(a, STATUS_INVALID_DEVICE_STATE);
        pnp_enumerate(n, err, sizeof err);
        return;
    case PNP_SURPRISE:
        return pnp_remove_node(n, true);
    case PNP_REBALANCE:
        return rebalance(n, a);
    case PNP_UNINSTALL:
        return uninstall(n, a);
    case PNP_STATE:
        if (n->state == NODE_STARTED)
            state_changed(n);
        return;
    case PNP_CLOSED:
        if (n->state != NODE_SURPRISE || stack_is_open(n))
            return;
        if (n->stays)
            rest(n, n->problem);
        else
            forget(n);
        return;
    }
}

/* ---- the queue ---- */

struct job { /* in pool */
    struct job *next;
    DEVICE_OBJECT *pdo; /* referenced */
    enum pnp_request what;
    struct pnp_answer *answer; /* NULL: nobody waits */
    KEVENT *done;
};

static void job_append(struct job *j)
{
    struct job **at = &pnp_room()->jobs;
    touch();
    while (*at)
        at = &(*at)->next;
    *at = j;
    if (!pnp_room()->owner)
        drain_wanted();
}

static void drain(void *unused)
{
    struct pnp_room *r = pnp_room();
    pnp_tree_enter();
    touch();
    r->drain_queued = false;
    for (struct job *j; (j = r->jobs) != NULL;) {
        struct pnp_answer a = { .status = STATUS_SUCCESS };
        r->jobs = j->next;
        j->next = NULL;
        struct devnode *n = pnp_node_of(j->pdo);
        bool started_only = j->what == PNP_ENUMERATE && !j->done;
        if (n && (!started_only || n->state == NODE_STARTED))
            do_request(n, j->what, &a);
        else if (!n)
            a.status = STATUS_NO_SUCH_DEVICE;
        if (j->done) {
            *j->answer = a;
            KeSetEvent(j->done, 0, FALSE);
        }
        ob_dereference(j->pdo);
        ex_pool_free(j);
        touch();
    }
    pnp_tree_leave();
}

static struct job *job_new(DEVICE_OBJECT *pdo, enum pnp_request what)
{
    struct job *j = ex_pool_alloc(NonPagedPoolNx, sizeof *j, REMOVE_TAG);
    memset(j, 0, sizeof *j);
    j->pdo = pdo;
    j->what = what;
    ob_reference(pdo);
    return j;
}

static void job_queue(DEVICE_OBJECT *pdo, enum pnp_request what)
{
    if (pnp_node_of(pdo))
        job_append(job_new(pdo, what));
}

void pnp_request(struct devnode *n, enum pnp_request what, struct pnp_answer *a)
{
    memset(a, 0, sizeof *a);
    if (!n->pdo) {
        a->status = n == pnp_root() && what == PNP_ENUMERATE ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
        return;
    }
    KEVENT *done = ex_pool_alloc(NonPagedPoolNx, sizeof *done, REMOVE_TAG);
    struct pnp_answer *answer = sim_alloc(sizeof *answer);
    struct job *j = job_new(n->pdo, what);
    KeInitializeEvent(done, NotificationEvent, FALSE);
    j->done = done;
    j->answer = answer;
    job_append(j);
    KeWaitForSingleObject(done, Executive, KernelMode, FALSE, NULL);
    *a = *answer;
    sim_free(answer, sizeof *answer);
    ex_pool_free(done);
}

/* ---- exports ---- */

void IoInvalidateDeviceRelations(DEVICE_OBJECT *pdo, ULONG type)
{
    /* DOC: ejection relations are asked for when they are needed. */
    if (type == BusRelations || type == SingleBusRelations)
        job_queue(pdo, PNP_ENUMERATE);
}

NTSTATUS IoSynchronousInvalidateDeviceRelations(DEVICE_OBJECT *pdo, ULONG type)
{
    char err[400];
    struct devnode *n = pnp_node_of(pdo);
    if (!n || type != BusRelations)
        return n ? STATUS_NOT_SUPPORTED : STATUS_NO_SUCH_DEVICE;
    if (n->state != NODE_STARTED)
        return STATUS_UNSUCCESSFUL;
    pnp_tree_enter();
    if (n->state == NODE_STARTED)
        pnp_enumerate(n, err, sizeof err);
    pnp_tree_leave();
    return STATUS_SUCCESS;
}

void IoInvalidateDeviceState(DEVICE_OBJECT *pdo)
{
    job_queue(pdo, PNP_STATE);
}

void IoRequestDeviceEject(DEVICE_OBJECT *pdo)
{
    job_queue(pdo, PNP_EJECT);
}

void pnp_file_closed(DEVICE_OBJECT *device)
{
    DEVICE_OBJECT *base = device;
    while (base->DeviceObjectExtension->AttachedTo)
        base = base->DeviceObjectExtension->AttachedTo;
    struct devnode *n = pnp_node_of(base);
    if (!n || n->state != NODE_SURPRISE)
        return;
    sim_access((uint64_t)device, SIM_WRITE); /* who is the last matters now */
    if (device->ReferenceCount == 0)
        job_queue(base, PNP_CLOSED);
}

void pnp_init(void)
{
    pnp_wmi_init();
    struct pnp_room *r = sim_alloc(sizeof *r);
    MACHINE->rooms[ROOM_PNP] = r;
    r->lock = ex_pool_alloc(NonPagedPoolNx, sizeof *r->lock, REMOVE_TAG);
    KeInitializeEvent(&r->lock->free, SynchronizationEvent, TRUE);
    r->root = sim_alloc(sizeof *r->root);
    r->root->state = NODE_STARTED;
    r->root->number = ++r->node_serial;
    strcpy(r->root->device_id, "HTREE\\ROOT");
    strcpy(r->root->instance, "0");
}
