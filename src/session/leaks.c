/* Leak and deadlock texts; see leaks.h. */
#include "session/leaks.h"

#include <stdio.h>
#include <string.h>

#include "io/room.h"
#include "mm/mm.h"
#include "ob/ob.h"
#include "pnp/pnp.h"
#include "po/po.h"
#include "ps/ps.h"
#include "session/session.h"
#include "sim/image.h"
#include "win32/park.h"

struct leaks_room {
    uint64_t devices, drivers, files, irps;
};

static struct leaks_room *room(void)
{
    return MACHINE->rooms[ROOM_USER1];
}

void leaks_baseline(void)
{
    struct leaks_room *r = sim_alloc(sizeof *r);
    MACHINE->rooms[ROOM_USER1] = r;
    r->devices = ob_live_count(OB_DEVICE);
    r->drivers = ob_live_count(OB_DRIVER);
    r->files = ob_live_count(OB_FILE);
    r->irps = io_room()->irps_live;
}

static void tag_text(uint32_t tag, char out[5])
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(tag >> (8 * i) & 0xFF);
        out[i] = c >= 0x20 && c < 0x7F ? c : '.';
    }
    out[4] = 0;
}

struct pool_leak {
    uint64_t blocks, bytes;
    struct pool_block first;
};

/* Blocks whose allocating call came from a driver's image: those must be gone when the driver is. */
static void count_block(void *ctx, const struct pool_block *b)
{
    struct pool_leak *l = ctx;
    const struct image *i = image_at(b->caller);
    bool of_driver = i ? !i->synthetic : b->caller >= KERNEL_BASE + 0x2000000 && b->caller < KERNEL_BASE + 0x40000000;
    enum { OBJECT_TAG = 0x206A624F };
    if (!of_driver || b->tag == OBJECT_TAG) /* objects are counted as such */
        return;
    if (!l->blocks++)
        l->first = *b;
    l->bytes += b->bytes;
}

static bool all_unloaded(void)
{
    for (const struct io_driver *d = io_room()->drivers; d; d = d->next)
        if (d->image)
            return false;
    return true;
}

void leaks_check(struct session *s)
{
    struct leaks_room *r = room();
    if (io_room()->irps_live > r->irps) {
        s->leak = true;
        snprintf(s->message, sizeof s->message, "%llu IRPs were never completed or freed", (unsigned long long)(io_room()->irps_live - r->irps));
        return;
    }
    if (!all_unloaded())
        return; /* a driver without Unload stays, with what it owns */
    struct pool_leak l = { 0 };
    mm_pool_walk(count_block, &l);
    if (l.blocks) {
        char tag[5], where[200];
        tag_text(l.first.tag, tag);
        image_symbol_text(l.first.caller, where, sizeof where);
        s->leak = true;
        snprintf(s->message, sizeof s->message, "%llu pool blocks (%llu bytes) were not freed; the first: tag '%s', %zu bytes, allocated at %s",
                 (unsigned long long)l.blocks, (unsigned long long)l.bytes, tag, l.first.bytes, where);
        return;
    }
    uint64_t ours = pnp_root_device_count();
    if (ob_live_count(OB_DEVICE) > r->devices + ours) {
        s->leak = true;
        snprintf(s->message, sizeof s->message, "%llu device objects were not deleted", (unsigned long long)(ob_live_count(OB_DEVICE) - r->devices - ours));
    } else if (ob_live_count(OB_FILE) > r->files) {
        s->leak = true;
        snprintf(s->message, sizeof s->message, "%llu file objects are still referenced", (unsigned long long)(ob_live_count(OB_FILE) - r->files));
    }
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

bool leaks_waits_text(char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        const struct agent *a = t->agent;
        if (t->is_worker || a->state == AGENT_DEAD || !a->why)
            continue;
        if (session_state() && a == session_state()->agent && session_state()->phase == PHASE_PROGRAM)
            continue;
        char name[200];
        thread_name(t, name, sizeof name);
        char what[300];
        if (!park_describe(t, what, sizeof what))
            snprintf(what, sizeof what, "%s %llx", a->why, (unsigned long long)a->why_object);
        n += (size_t)snprintf(out + n, n < size ? size - n : 0, "%s%s waits for %s since %.3f s", n ? "; " : "", name, what, (double)a->why_since / 1e7);
        if (n >= size)
            return true;
    }
    return n != 0;
}

void leaks_deadlock_text(char *out, size_t size)
{
    if (!leaks_waits_text(out, size))
        snprintf(out, size, "nothing can go on");
}
