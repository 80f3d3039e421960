/* Texts for addresses and agents, taken while the run stands still. */
#include "report/record_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ex/ex.h"
#include "io/room.h"
#include "kd/kd.h"
#include "ps/ps.h"
#include "sim/image.h"
#include "sim/machine.h"

enum { BUCKETS = 1024, MAX_FRAMES = 64 };

struct interned {
    struct interned *next;
    char text[];
};

const char *record_intern(struct record *r, const char *text)
{
    struct interned **buckets = r->interned;
    if (!buckets)
        buckets = r->interned = calloc(BUCKETS, sizeof *buckets);
    IR_ASSERT(buckets);
    uint32_t h = 2166136261u;
    for (const char *p = text; *p; p++)
        h = (h ^ (uint8_t)*p) * 16777619u;
    struct interned **at = &buckets[h % BUCKETS];
    for (struct interned *i = *at; i; i = i->next)
        if (strcmp(i->text, text) == 0)
            return i->text;
    struct interned *i = malloc(sizeof *i + strlen(text) + 1);
    IR_ASSERT(i);
    strcpy(i->text, text);
    i->next = *at;
    *at = i;
    return i->text;
}

void record_interned_free(struct record *r)
{
    struct interned **buckets = r->interned;
    for (size_t i = 0; buckets && i < BUCKETS; i++)
        for (struct interned *p = buckets[i], *next; p; p = next) {
            next = p->next;
            free(p);
        }
    free(buckets);
}

void record_symbol(struct record *r, uint64_t address, const char **module, const char **function)
{
    const struct image *image;
    uint64_t offset;
    const char *name = image_symbol(address, &image, &offset);
    *module = image ? record_intern(r, image->module) : NULL;
    *function = name ? record_intern(r, name) : image ? record_intern(r, "") : NULL;
}

/* ---- agents ---- */

static void thread_text(const struct thread *t, char *out, size_t size)
{
    if (t->process && t->process != ps_system())
        snprintf(out, size, "%s:%llx", t->process->name, (unsigned long long)(t->ethread ? (uint64_t)t->ethread->Cid.UniqueThread : 0));
    else if (t->name)
        snprintf(out, size, "%s", t->name);
    else
        image_symbol_text((uint64_t)t->start, out, size);
}

static void agent_text(const struct agent *a, char *out, size_t size)
{
    if (a->kind == AGENT_DPC && a->bound) {
        snprintf(out, size, "DPC on processor %u", a->bound->number);
        return;
    }
    if (a->device_irql) {
        snprintf(out, size, "interrupt");
        return;
    }
    if (a->kind == AGENT_DPC) {
        char owner[160];
        agent_text(a->owner, owner, sizeof owner);
        snprintf(out, size, "DPC of %s", owner);
        return;
    }
    if (a->kind != AGENT_THREAD)
        snprintf(out, size, "the clock");
    else if (!a->thread || !((const struct thread *)a->thread)->process)
        snprintf(out, size, "thread %u", a->id);
    else
        thread_text(a->thread, out, size);
}

uint32_t record_agent_name(struct record *rec, const struct agent *a)
{
    for (size_t i = 0; i < rec->name_count; i++)
        if (rec->name_keys[i] == a->stable_id)
            return (uint32_t)i;
    char text[200];
    agent_text(a, text, sizeof text);
    rec->names = realloc(rec->names, (rec->name_count + 1) * sizeof *rec->names);
    rec->name_keys = realloc(rec->name_keys, (rec->name_count + 1) * sizeof *rec->name_keys);
    IR_ASSERT(rec->names && rec->name_keys);
    rec->names[rec->name_count] = strdup(text);
    rec->name_keys[rec->name_count] = a->stable_id;
    return (uint32_t)rec->name_count++;
}

/* ---- stacks ---- */

static enum frame_side side_of(const struct image *i)
{
    if (i && i->user)
        return SIDE_USER;
    return !i || i->synthetic ? SIDE_KERNEL : SIDE_DRIVER;
}

void record_chain(struct record *r, const struct agent *a, struct record_event *e)
{
    struct kd_frame walked[MAX_FRAMES];
    size_t n = a && a->kind != AGENT_CLOCK ? kd_stack_walk(a, walked, MAX_FRAMES) : 0;
    if (r->frame_count + n > r->frame_room) {
        r->frame_room = (r->frame_count + n) * 2 + 1024;
        r->frames = realloc(r->frames, r->frame_room * sizeof *r->frames);
        IR_ASSERT(r->frames);
    }
    e->chain = r->frame_count;
    e->chain_length = n;
    for (size_t i = n; i-- > 0;) {
        struct record_frame *f = &r->frames[r->frame_count++];
        record_symbol(r, walked[i].pc, &f->module, &f->function);
        f->sp = walked[i].child_sp;
        f->side = side_of(image_at(walked[i].pc));
        if (!f->module)
            f->module = f->function = record_intern(r, "");
    }
}

static char *printed(void (*print)(FILE *, const struct agent *), const struct agent *a)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    IR_ASSERT(f);
    print(f, a);
    fclose(f);
    return text;
}

char *record_stack_text(const struct agent *a)
{
    return printed(kd_print_k, a);
}

static void print_failure(FILE *f, const struct agent *unused)
{
    kd_print_failure(f);
}

static void print_blocked(FILE *f, const struct agent *unused)
{
    kd_print_blocked(f);
}

char *record_blocked_text(void)
{
    return printed(print_blocked, NULL);
}

char *record_failure_text(void)
{
    return printed(print_failure, NULL);
}

/* ---- places and objects ---- */

/* An object in a driver's device extension is named after it: the member's name is in no image. */
static bool extension_text(uint64_t object, char *out, size_t size)
{
    for (const struct io_driver *d = io_room()->drivers; d; d = d->next)
        for (const DEVICE_OBJECT *dev = d->driver->DeviceObject; dev; dev = dev->NextDevice) {
            uint64_t low = (uint64_t)dev->DeviceExtension, high = (uint64_t)dev + dev->Size;
            if (!low || object < low || object >= high)
                continue;
            snprintf(out, size, "device extension of %s+0x%llx", d->service, (unsigned long long)(object - low));
            return true;
        }
    return false;
}

void record_object_text(uint64_t object, const char *why, char *out, size_t size)
{
    const struct image *image = image_at(object);
    const struct thread *t = ps_thread_of((const void *)object);
    int n = snprintf(out, size, "%s", why ? why : "object");
    if (!object || n < 0 || (size_t)n + 2 >= size)
        return;
    out[n++] = ' ';
    out[n] = 0;
    if (t)
        thread_text(t, out + n, size - (size_t)n);
    else if (image && !image->synthetic)
        image_symbol_text(object, out + n, size - (size_t)n);
    else if (!extension_text(object, out + n, size - (size_t)n))
        snprintf(out + n, size - (size_t)n, "%llx", (unsigned long long)object);
}

/* The innermost frame in an image that is not ours, and what of ours it called. */
static bool own_frame(const struct agent *a, struct kd_frame *own, char *call, size_t size)
{
    struct kd_frame frames[MAX_FRAMES];
    size_t n = a->kind == AGENT_CLOCK ? 0 : kd_stack_walk(a, frames, MAX_FRAMES), i = 0;
    call[0] = 0;
    for (; i < n; i++) {
        const struct image *image = image_at(frames[i].pc);
        if (image && !image->synthetic)
            break;
    }
    if (i == n)
        return false;
    *own = frames[i];
    if (i) {
        snprintf(call, size, "%s", frames[i - 1].site);
        char *plus = strrchr(call, '+');
        if (plus)
            *plus = 0;
    }
    return true;
}

void record_place_text(const struct agent *a, char *out, size_t size)
{
    struct kd_frame own;
    char call[256];
    const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
    if (a->kind == AGENT_CLOCK) {
        snprintf(out, size, "the next timer expires");
        return;
    }
    if (a->state == AGENT_DEAD || a->state == AGENT_IDLE) {
        snprintf(out, size, a->kind == AGENT_THREAD ? "ends" : "is done");
        return;
    }
    bool has = own_frame(a, &own, call, sizeof call);
    if (a->state == AGENT_WAITING) {
        char object[200];
        record_object_text(a->why_object, a->why, object, sizeof object);
        if (t && t->is_worker && !has)
            snprintf(out, size, "waits for work");
        else if (has)
            snprintf(out, size, "waits for %s in %s", object, own.site);
        else
            snprintf(out, size, "waits for %s", object);
    } else if (!has) {
        snprintf(out, size, a->fresh ? "has not started" : "ready to go on");
    } else if (strcmp(call, "nt!KiDpcInterrupt") == 0 || !call[0]) {
        snprintf(out, size, "stops at %s", own.site); /* before an interlocked instruction */
    } else {
        snprintf(out, size, "stops at %s %s %s", own.site, a->behind ? "behind" : "before", call);
    }
}

void record_waits(struct record *r)
{
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        const struct agent *a = t->agent;
        if (t->is_worker || a->state == AGENT_DEAD || !a->why || a == session_state()->agent)
            continue;
        r->waits = realloc(r->waits, (r->wait_count + 1) * sizeof *r->waits);
        IR_ASSERT(r->waits);
        struct kd_frame own;
        char call[256], object[200];
        const struct thread *holder;
        if (!ex_wait_describe(t, object, sizeof object, &holder))
            record_object_text(a->why_object, a->why, object, sizeof object);
        bool has = own_frame(a, &own, call, sizeof call);
        r->waits[r->wait_count++] = (struct record_wait) { .who = record_agent_name(r, a), .what = strdup(object), .where = strdup(has ? own.site : ""),
            .since_100ns = a->why_since, .object = a->why_object, .stack = record_stack_text(a), .program = t->process && t->process != ps_system() };
    }
}
