/* Leak and deadlock texts; see leaks.h. */
#include "session/leaks.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "ex/ex.h"
#include "host/host.h"
#include "io/room.h"
#include "kd/kd.h"
#include "mm/mm.h"
#include "ob/ob.h"
#include "pnp/pnp.h"
#include "po/po.h"
#include "ps/ps.h"
#include "session/session.h"
#include "sim/door.h"
#include "sim/image.h"
#include "win32/park.h"

struct leaks_room {
    uint64_t devices, drivers, files, links, irps, handles;
};

static struct leaks_room *room(void)
{
    return MACHINE->rooms[ROOM_USER1];
}

void leaks_baseline(void)
{
    struct leaks_room *r = sim_alloc(sizeof *r);
    HANDLE last;
    void *object;
    MACHINE->rooms[ROOM_USER1] = r;
    r->devices = ob_live_count(OB_DEVICE);
    r->drivers = ob_live_count(OB_DRIVER);
    r->files = ob_live_count(OB_FILE);
    r->links = ob_live_count(OB_SYMLINK);
    r->irps = io_room()->irps_live;
    r->handles = ob_handle_count(ps_system(), &last, &object);
}

static void tag_text(uint32_t tag, char out[5])
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(tag >> (8 * i) & 0xFF);
        out[i] = c >= 0x20 && c < 0x7F ? c : '.';
    }
    out[4] = 0;
}

/* Drivers' images, those that are gone too. */
static bool is_of_driver(uint64_t caller)
{
    if (caller < KERNEL_BASE + 0x2000000 || caller >= KERNEL_BASE + 0x10000000) /* most blocks are nobody's */
        return false;
    const struct image *i = image_at(caller);
    return !i || (!i->synthetic && !i->user);
}

struct pool_leak {
    uint64_t blocks, bytes;
    struct pool_block first;
};

/* Blocks whose allocating call came from a driver's image: those must be gone when the driver is. */
static void count_block(void *ctx, const struct pool_block *b)
{
    struct pool_leak *l = ctx;
    enum { OBJECT_TAG = 0x206A624F };
    if (!is_of_driver(b->caller) || b->tag == OBJECT_TAG) /* objects are counted as such */
        return;
    if (!l->blocks++)
        l->first = *b;
    l->bytes += b->bytes;
}

static bool all_unloaded(void)
{
    for (const struct io_driver *d = io_room()->drivers; d; d = d->next)
        if (d->image && !d->unloaded)
            return false;
    return true;
}

/* The first object of a type that a driver made; what is said of it. */
struct object_leak {
    void *object;
    uint64_t caller;
};

static void note_object(void *ctx, void *object, uint64_t caller)
{
    struct object_leak *l = ctx;
    if (is_of_driver(caller) && !l->object)
        *l = (struct object_leak) { object, caller };
}

static void made_at(uint64_t caller, const char *how, char *out, size_t size)
{
    char where[200];
    out[0] = 0;
    if (!caller)
        return;
    image_symbol_text(caller, where, sizeof where);
    snprintf(out, size, ", %s at %s", how, where);
}

static bool leak(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool leak(struct session *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->message, sizeof s->message, format, ap);
    va_end(ap);
    return s->leak = true;
}

struct irp_leak {
    bool drivers_stay; /* then their own IRPs are no leak */
    uint64_t count, caller;
    IRP *first;
};

static void count_irp(void *ctx, IRP *irp)
{
    struct irp_leak *l = ctx;
    struct pool_block b;
    if (!mm_pool_find((uint64_t)irp, &b) || (l->drivers_stay && is_of_driver(b.caller)))
        return;
    if (!l->count++) {
        l->first = irp;
        l->caller = b.caller;
    }
}

static bool irps_left(struct session *s, bool drivers_stay)
{
    struct irp_leak l = { .drivers_stay = drivers_stay };
    char where[300] = "";
    io_irps_walk(count_irp, &l);
    if (!l.count)
        return false;
    made_at(l.caller, "allocated", where, sizeof where);
    return leak(s, "%llu IRP%s never completed or freed; the first: %llx%s", (unsigned long long)l.count, l.count == 1 ? " was" : "s were",
                (unsigned long long)(uint64_t)l.first, where);
}

/* Were there any in this run? */
static bool drivers_were_there(void)
{
    for (const struct io_driver *d = io_room()->drivers; d; d = d->next)
        if (d->image)
            return true;
    return MACHINE->images_gone > 0;
}

static bool pool_left(struct session *s)
{
    struct pool_leak l = { 0 };
    char tag[5], where[300];
    if (!drivers_were_there())
        return false;
    mm_pool_walk(count_block, &l);
    if (!l.blocks)
        return false;
    tag_text(l.first.tag, tag);
    made_at(l.first.caller, "allocated", where, sizeof where);
    return leak(s, "%llu pool block%s not freed (%llu bytes); the first: tag '%s', %zu bytes%s", (unsigned long long)l.blocks, l.blocks == 1 ? " was" : "s were",
                (unsigned long long)l.bytes, tag, l.first.bytes, where);
}

static bool objects_left(struct session *s, enum ob_type_index type, const char *what, const char *verb, uint64_t n)
{
    struct object_leak l = { 0 };
    char name[300], where[300];
    ob_walk(type, note_object, &l);
    if (!l.object)
        return false;
    ob_name_text(l.object, name, sizeof name);
    made_at(l.caller, "made", where, sizeof where);
    return leak(s, "%llu %s%s not %s; the first: %s%s%llx%s", (unsigned long long)n, what, n == 1 ? " was" : "s were", verb, name, name[0] ? " " : "",
                (unsigned long long)(uint64_t)l.object, where);
}

static bool handles_left(struct session *s, uint64_t before)
{
    HANDLE last = NULL;
    void *object = NULL;
    char name[300];
    uint64_t n = ob_handle_count(ps_system(), &last, &object);
    if (n <= before)
        return false;
    ob_name_text(object, name, sizeof name);
    return leak(s, "%llu kernel handle%s not closed; the last: %llx, a %s%s%s", (unsigned long long)(n - before), n - before == 1 ? " was" : "s were",
                (unsigned long long)(uint64_t)last, ob_type_name(ob_type_of(object)), name[0] ? " " : "", name);
}

/* Code of a driver that is gone would be called, sooner or later. */
static bool promises_left(struct session *s)
{
    if (pnp_notifications_of(NULL))
        return leak(s, "a plug and play notification of a driver that is unloaded is still registered");
    if (io_shutdowns_of(NULL))
        return leak(s, "a shutdown notification of a driver that is unloaded is still registered");
    for (const struct thread *t = ps_threads(); t; t = t->next)
        if (t->process == ps_system() && !t->host_start && t->start && t->agent->state != AGENT_DEAD && is_of_driver((uint64_t)t->start) && !image_at((uint64_t)t->start)) {
            char where[200];
            image_symbol_text((uint64_t)t->start, where, sizeof where);
            return leak(s, "a system thread of a driver that is unloaded still runs; its routine was %s", where);
        }
    return false;
}

void leaks_check(struct session *s)
{
    const struct leaks_room *r = room();
    if (io_room()->irps_live > r->irps && irps_left(s, !all_unloaded()))
        return;
    if (!all_unloaded())
        return; /* a driver without Unload stays, with what it owns */
    uint64_t ours = pnp_root_device_count(), devices = ob_live_count(OB_DEVICE) - ours, links = ob_live_count(OB_SYMLINK), files = ob_live_count(OB_FILE);
    if (promises_left(s) || pool_left(s))
        return;
    /* A device that was deleted stays while a file on it does. */
    if (files > r->files) {
        if (!objects_left(s, OB_FILE, "file object", "dereferenced", files - r->files))
            leak(s, "%llu file object%s still referenced", (unsigned long long)(files - r->files), files - r->files == 1 ? " is" : "s are");
        return;
    }
    if (devices > r->devices && objects_left(s, OB_DEVICE, "device object", "deleted", devices - r->devices))
        return;
    if (links > r->links && objects_left(s, OB_SYMLINK, "symbolic link", "deleted", links - r->links))
        return;
    handles_left(s, r->handles);
}

static void thread_name(const struct thread *t, char *out, size_t size)
{
    if (t->process != ps_system())
        snprintf(out, size, "thread %llx of %s", (unsigned long long)(uint64_t)t->ethread->Cid.UniqueThread, t->process->name);
    else if (t->name)
        snprintf(out, size, "%s", t->name);
    else {
        char where[160];
        image_symbol_text((uint64_t)t->start, where, sizeof where);
        snprintf(out, size, "system thread %s", where);
    }
}

/* Who owns the mutex that a waits for; NULL: it waits for something else, or nobody can say. */
static const struct thread *mutex_holder(const struct agent *a, uint64_t *mutex)
{
    if (!(host_page_protection(a->why_object & ~0xFFFull) & PROT_READ))
        return NULL;
    if (strcmp(a->why, "fast mutex") == 0 || strcmp(a->why, "guarded mutex") == 0) {
        *mutex = a->why_object - offsetof(FAST_MUTEX, Event);
        return ps_thread_of(((const FAST_MUTEX *)*mutex)->Owner);
    }
    return strcmp(a->why, "mutex") == 0 ? ps_thread_of(((const KMUTANT *)a->why_object)->OwnerThread) : NULL;
}

bool leaks_waits_text(char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        const struct agent *a = t->agent;
        char routine[200];
        bool works = t->is_worker && a->state != AGENT_DEAD && leaks_work_routine(a, routine, sizeof routine);
        if ((t->is_worker && !works) || a->state == AGENT_DEAD || !a->why)
            continue;
        if (session_state() && a == session_state()->agent && session_state()->phase == PHASE_PROGRAM)
            continue;
        char name[440];
        thread_name(t, name, 200);
        if (works)
            snprintf(name + strlen(name), sizeof name - strlen(name), " in the work item of %s", routine);
        char what[300], where[300], owner[260] = "";
        const struct thread *holder = NULL;
        if (!park_describe(t, what, sizeof what) && !ex_wait_describe(t, what, sizeof what, &holder)) {
            uint64_t object = a->why_object;
            holder = mutex_holder(a, &object);
            char object_name[200];
            const struct thread *thread = ps_thread_of((const void *)object);
            if (thread == t)
                snprintf(object_name, sizeof object_name, "%llx (itself)", (unsigned long long)object);
            else if (thread)
                thread_name(thread, object_name, sizeof object_name);
            else
                image_symbol_text(object, object_name, sizeof object_name);
            snprintf(what, sizeof what, "%s %s", a->why, object_name);
        }
        if (holder) {
            char holder_name[200];
            thread_name(holder, holder_name, sizeof holder_name);
            snprintf(owner, sizeof owner, ", owned by %s,", holder == t ? "itself" : holder_name);
        }
        kd_where(a, where, sizeof where);
        n += (size_t)snprintf(out + n, n < size ? size - n : 0, "%s%s waits for %s%s since %.3f s (%s)", n ? "; " : "", name, what, owner, (double)a->why_since / 1e7, where);
        if (n >= size)
            return true;
    }
    return n != 0;
}

/* Threads, work items of a driver's own and DPCs are for the driver to end; the rest is under way for the I/O manager. */
static bool is_own_account(uint64_t called_from)
{
    switch (door_frame_at(called_from)) {
    case FRAME_PspSystemThreadStartup:
    case FRAME_ExpWorkerThread:
    case FRAME_KiRetireDpcList:
    case FRAME_KiExecuteAllDpcs:
    case FRAME_KiTimerExpiration:
    case FRAME_ExpTimerDpcRoutine:
        return true;
    default:
        return false;
    }
}

bool leaks_image_busy(const struct image *image, bool by_others)
{
    const struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->agent_count; i++) {
        const struct agent *a = m->agents[i];
        uint64_t frames[64];
        if ((a == m->fiber) == by_others || a->state == AGENT_DEAD || a->state == AGENT_FREE || a->kind == AGENT_CLOCK ||
            !kd_stack_may_have(a, image->base, image->size))
            continue;
        size_t n = kd_stack_addresses(a, frames, 64), outermost = n;
        for (size_t k = 0; k < n; k++)
            if (frames[k] - image->base < image->size)
                outermost = k;
        if (outermost + 1 < n && !is_own_account(frames[outermost + 1]))
            return true;
    }
    return false;
}

bool leaks_work_routine(const struct agent *a, char *out, size_t size)
{
    const struct thread *t = a && a->kind == AGENT_THREAD ? a->thread : NULL;
    uint64_t frames[64], outermost = 0;
    size_t n = t && t->is_worker ? kd_stack_addresses(a, frames, 64) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct image *image = image_at(frames[i]);
        if (image && !image->synthetic)
            outermost = frames[i];
    }
    if (!outermost)
        return false;
    image_symbol_text(outermost, out, size);
    char *plus = strrchr(out, '+');
    if (plus)
        *plus = 0;
    return true;
}

/* What it waits for, and who owns that. */
static uint64_t waits_for(const struct thread *t, const struct thread **holder)
{
    char text[300];
    uint64_t object = t->agent->why_object;
    *holder = NULL;
    if (t->agent->state == AGENT_DEAD || !t->agent->why)
        return 0;
    uint64_t key = park_key(t, holder);
    if (key)
        return key;
    if (!ex_wait_describe(t, text, sizeof text, holder))
        *holder = mutex_holder(t->agent, &object);
    return object;
}

/* A thread that waits for itself by way of others; NULL: there is none. */
static const struct thread *in_circle(void)
{
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        const struct thread *at = t;
        for (unsigned i = 0; i < MAX_AGENTS && at; i++) {
            waits_for(at, &at);
            if (at == t)
                return t;
        }
    }
    return NULL;
}

static size_t circle_text(char *out, size_t size)
{
    const struct thread *first = in_circle(), *at = first, *holder;
    size_t n = 0;
    char name[200], object[200];
    if (!first)
        return 0;
    thread_name(first, name, sizeof name);
    n = (size_t)snprintf(out, size, "circle of waits: %s", name);
    do {
        image_symbol_text(waits_for(at, &holder), object, sizeof object);
        thread_name(holder, name, sizeof name);
        n += (size_t)snprintf(out + n, n < size ? size - n : 0, " -> %s, owned by %s", object, name);
        at = holder;
    } while (at != first && n < size);
    n += (size_t)snprintf(out + n, n < size ? size - n : 0, "; ");
    return n < size ? n : size - 1;
}

bool leaks_lost_wakeup(void)
{
    const struct thread *holder;
    if (in_circle())
        return false;
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        uint64_t object = waits_for(t, &holder);
        if (object && !holder && sim_signal_was_lost(object))
            return true;
    }
    return false;
}

void leaks_deadlock_text(char *out, size_t size)
{
    size_t n = circle_text(out, size);
    out += n;
    size -= n;
    if (leaks_lost_wakeup()) {
        n = (size_t)snprintf(out, size, "lost wake-up: what is waited for was signalled before, when nobody waited; ");
        out += n;
        size -= n;
    }
    const struct session *s = session_state();
    if (s && s->agent && s->agent->state == AGENT_DEAD)
        snprintf(out, size, "nothing can go on: the system thread that loads, starts and unloads drivers was ended (PsTerminateSystemThread in %s)",
                 s->phase == PHASE_LOAD ? "DriverEntry" : s->phase == PHASE_UNLOAD ? "DriverUnload" : "a routine that was called in it");
    else if (!leaks_waits_text(out, size))
        snprintf(out, size, "nothing can go on");
}

/* What the rounds consist of: who comes by where. */
static size_t rounds_text(char *out, size_t size)
{
    const struct machine *m = MACHINE;
    size_t n = (size_t)snprintf(out, size, "livelock: ");
    uint32_t agent = UINT32_MAX, first = 0;
    for (uint32_t i = 0; i < m->round_step_count && n < size; i++) {
        const struct round_step *s = &m->round_steps[i];
        char name[100], where[200];
        image_symbol_text(s->rip, where, sizeof where);
        if (s->agent != agent) {
            thread_name(m->agents[s->agent]->thread, name, sizeof name);
            n += (size_t)snprintf(out + n, size - n, "%s%s goes round by ", agent == UINT32_MAX ? "" : "; ", name);
            agent = s->agent;
            first = i;
        }
        n += (size_t)snprintf(out + n, n < size ? size - n : 0, "%s%s%s%s", i == first ? "" : ", ", s->op ? door_table[s->op - 1].name : "", s->op ? " at " : "", where);
    }
    if (n < size)
        n += (size_t)snprintf(out + n, size - n, "; each round changes back what it changes, and nobody else can go on");
    return n;
}

void leaks_livelock_text(char *out, size_t size)
{
    char name[100], where[300], waits[600];
    bool rounds = MACHINE->round_step_count != 0, any = false;
    size_t n = rounds ? rounds_text(out, size) : (size_t)snprintf(out, size, "livelock: ");
    for (uint32_t i = 0; i < MACHINE->agent_count && n < size; i++) {
        const struct agent *a = MACHINE->agents[i];
        if (!a->at_await || a->state == AGENT_DEAD || !a->thread)
            continue;
        thread_name(a->thread, name, sizeof name);
        kd_where(a, where, sizeof where);
        n += (size_t)snprintf(out + n, size - n, "%s%s looks again and again at %s", any || rounds ? ", " : "", name, where);
        any = true;
    }
    if (n < size && !rounds)
        n += (size_t)snprintf(out + n, size - n, "; nobody is left to change what is looked at");
    if (n < size && leaks_waits_text(waits, sizeof waits))
        snprintf(out + n, size - n, "; %s", waits);
}

void leaks_hang_text(const struct agent *a, char *out, size_t size)
{
    char where[300], routine[200];
    size_t n = (size_t)snprintf(out, size, "no end after %llu scheduling points", (unsigned long long)MACHINE->points);
    if (!a || n >= size)
        return;
    if (MACHINE->idles)
        n += (size_t)snprintf(out + n, size - n, ": time passes, and nothing else happens");
    kd_where(a, where, sizeof where);
    n += (size_t)snprintf(out + n, n < size ? size - n : 0, "; the last to run stands in %s", where);
    if (n < size && leaks_work_routine(a, routine, sizeof routine))
        snprintf(out + n, size - n, ", in the work item of %s", routine);
}
