/* irplab explore --check-orders: do kernel operations tell all that they touch? Random walks through a case; wherever two neighbours
 * are said not to depend on each other they are run the other way round, and the bytes that guests can see have to be the same
 * (explore_check). Each kind of difference is printed once, with where the bytes differ. What differs is either an access that a
 * kernel function does not report, or memory that a driver shares between two of its threads without synchronisation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/orders.h"
#include "explore/explore.h"
#include "mm/mm.h"
#include "ps/ps.h"
#include "session/explorable.h"
#include "session/session.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"

static struct copy {
    uint8_t *bytes;
    size_t room;
    uint32_t count;
    struct {
        uint64_t base, used;
        size_t offset;
    } parts[512];
} copies[2];
static unsigned newest; /* the other one is the state asked for before */
static double deadline;

static bool is_readable(uint64_t at)
{
    return host_page_protection(at) & 1;
}

enum { PROCESSORS = 0xA0000000 }; /* their pages, in the kernel half */

/* Which processor a thread had last, and who is on it, shows only to those who ask; see processors_matter. */
static void mask_processors(const struct segment *s, uint8_t *bytes)
{
    if (s->base >= KERNEL_BASE + PROCESSORS && s->base < KERNEL_BASE + PROCESSORS + MAX_PROCESSORS * 0x10000ull) {
        memset(bytes, 0, s->used);
        return;
    }
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        uint64_t k = (uint64_t)t->ethread;
        if (!k || k < s->base || k + sizeof(KTHREAD) > s->base + s->used)
            continue;
        KTHREAD *copy = (KTHREAD *)(bytes + (k - s->base));
        copy->NextProcessor = 0;
        if (copy->State == Running || copy->State == Ready)
            copy->State = 0;
    }
}

enum { RECORDER_TAG = 0x674C7846 /* 'FxLg' */, MOST_RECORDERS = 16 };

static struct recorders {
    struct pool_block blocks[MOST_RECORDERS];
    unsigned count;
} recorders;

static void note_recorder(void *context, const struct pool_block *b)
{
    if (b->tag == RECORDER_TAG && recorders.count < MOST_RECORDERS)
        recorders.blocks[recorders.count++] = *b;
}

/* Drivers of the KMDF library write to their recorder without a lock, and nobody but the debugger reads it (docs/dependence.md). */
static void mask_recorders(const struct segment *s, uint8_t *bytes)
{
    for (unsigned i = 0; i < recorders.count; i++) {
        const struct pool_block *b = &recorders.blocks[i];
        if (b->base >= s->base && b->base + b->bytes <= s->base + s->used)
            memset(bytes + (b->base - s->base), 0, b->bytes);
    }
}

/* What images, pool and user memory hold. Order of segments follows from creation order; the sum does not. */
static uint64_t state(void *context)
{
    newest = !newest;
    struct copy *c = &copies[newest];
    uint64_t sum = 0;
    size_t total = 0;
    c->count = 0;
    recorders.count = 0;
    mm_pool_walk(note_recorder, NULL);
    for (uint32_t i = 0; i < MACHINE->segment_count; i++) {
        const struct segment *s = &MACHINE->segments[i];
        if (!s->hashed || s->kind != SEGMENT_PLAIN || !s->used || c->count == 512 || !is_readable(s->base))
            continue;
        if (total + s->used > c->room) {
            c->room = (total + s->used) * 2;
            c->bytes = realloc(c->bytes, c->room);
        }
        memcpy(c->bytes + total, (const void *)s->base, s->used);
        if (!MACHINE->processors_matter)
            mask_processors(s, c->bytes + total);
        mask_recorders(s, c->bytes + total);
        c->parts[c->count].base = s->base;
        c->parts[c->count].used = s->used;
        c->parts[c->count++].offset = total;
        sum += base_hash_bytes(s->base, c->bytes + total, s->used);
        total += s->used;
    }
    return sum;
}

static void differences(void)
{
    const struct copy *a = &copies[!newest], *b = &copies[newest];
    unsigned shown = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t k = 0;
        while (k < b->count && b->parts[k].base != a->parts[i].base)
            k++;
        if (k == b->count) {
            printf("    no segment %llx\n", (unsigned long long)a->parts[i].base);
            continue;
        }
        const uint8_t *p = a->bytes + a->parts[i].offset, *q = b->bytes + b->parts[k].offset;
        uint64_t n = a->parts[i].used < b->parts[k].used ? a->parts[i].used : b->parts[k].used;
        if (a->parts[i].used != b->parts[k].used)
            printf("    segment %llx: %llx bytes, %llx\n", (unsigned long long)a->parts[i].base, (unsigned long long)a->parts[i].used, (unsigned long long)b->parts[k].used);
        for (uint64_t x = 0; x + 8 <= n && shown < 6; x += 8)
            if (memcmp(p + x, q + x, 8) != 0) {
                char name[160];
                uint64_t v, w;
                memcpy(&v, p + x, 8);
                memcpy(&w, q + x, 8);
                image_symbol_text(a->parts[i].base + x, name, sizeof name);
                printf("    %s (%llx): %llx, other order %llx\n", name, (unsigned long long)(a->parts[i].base + x), (unsigned long long)v, (unsigned long long)w);
                shown++;
            }
    }
}

static unsigned kinds;
static bool verbose; /* the schedules too */

/* With the names of operations in place of their numbers. */
static void print_named(const char *text)
{
    for (const char *p; (p = strstr(text, "operation ")); text = p) {
        unsigned long op = strtoul(p + 10, (char **)&p, 10);
        printf("%.*s%s", (int)(strstr(text, "operation ") - text), text, op && op <= door_count ? door_table[op - 1].name : "(no call)");
    }
    printf("%s\n", text);
}

static void report(void *user, const char *text, const struct explore_schedule *upto)
{
    static char seen[400][200];
    /* One of each: what is wrong and the objects, without agents and numbers of events. */
    char key[200];
    size_t n = 0;
    for (const char *p = text; *p && n + 1 < sizeof key; p++) {
        if (strncmp(p, "agent ", 6) == 0)
            p += 6 + strcspn(p + 6, ",");
        if (strncmp(p, "event ", 6) == 0)
            p += 6 + strspn(p + 6, "0123456789");
        if (!*p)
            break;
        key[n++] = *p;
    }
    key[n] = 0;
    for (unsigned i = 0; i < kinds && i < 400; i++)
        if (strcmp(seen[i], key) == 0)
            return;
    if (kinds < 400)
        strcpy(seen[kinds], key);
    kinds++;
    if (kinds > 25)
        return;
    print_named(text);
    if (verbose && upto) {
        char *line = explore_schedule_print(upto);
        printf("    %s\n", line);
        free(line);
    }
    if (strncmp(text, "the state", 9) == 0)
        differences();
    fflush(stdout);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool out_of_time(void *user)
{
    return now() > deadline;
}

int cli_check_orders(const struct options *o)
{
    const struct explore_machine *machine = explorable_open(&o->lab.ready);
    struct explore_config c = explore_defaults;
    c.seed = o->lab.ready.seed ? o->lab.ready.seed : 1;
    c.schedules = o->lab.search.schedules >= 0 ? (uint64_t)o->lab.search.schedules : 100;
    verbose = o->verbose;
    c.steps = 100000;
    c.stop = out_of_time;
    deadline = now() + (o->lab.search.seconds > 0 ? o->lab.search.seconds : 60);
    uint64_t breaches, pairs = explore_check(machine, &c, state, report, NULL, &breaches);
    printf("%llu pairs run in both orders, %llu differ (%u kinds)\n", (unsigned long long)pairs, (unsigned long long)breaches, kinds);
    return breaches ? EXIT_FAILURE_FOUND : EXIT_OK;
}
