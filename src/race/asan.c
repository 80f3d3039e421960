/* The callbacks of address instrumentation, and what is told to the shadow: blocks given out and back, IRPs completed, globals of images,
 * frames.
 *
 * The compiler computes shadow addresses from a constant base (irplab cc says which) and hands them to us; nothing lies there. Frames
 * of functions clear what they closed when they return; those that an exception or longjmp skips are cleared when the guest goes on
 * above them. An address in a stack below what is in use belongs to a frame that is gone, whatever the shadow says. */
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "pe/pe.h"
#include "ps/ps.h"
#include "race/intern.h"
#include "race/room.h"
#include "race/sweep.h"
#include "race/shadow.h"
#include "sim/access.h"
#include "sim/image.h"

#define SHADOW_BASE 0x300000000000ull /* -asan-mapping-offset of irplab cc */

enum { FRAME_MAGIC = 0x41B58AB3, ZONE = 16, KEPT_BYTES = 0x100000 };

/* What the compiler says of a global. */
struct global {
    uint64_t at, size, size_with_zone, name, module, dynamic, location, odr;
};

/* ---- images ---- */

static void globals_close(struct shadow *s, const struct image *image)
{
    const struct pe_section *section = image->file ? pe_section_find(&image->file->pe, ".ASAN") : NULL;
    for (uint32_t at = 0; section && at + sizeof(struct global) <= section->vsize; at += sizeof(struct global)) {
        struct global g;
        if (!host_guarded_copy(&g, (const void *)(image->base + section->rva + at), sizeof g) || !g.at || g.size_with_zone <= g.size)
            continue;
        shadow_close(s, g.at + g.size, g.size_with_zone - g.size, SHADOW_GLOBAL);
    }
}

static void (*next_hook)(struct image *image);

static void on_image(struct image *image)
{
    struct race_room *r = race_room();
    if (r && r->detector)
        race_forget(r->detector, image->base, image->size);
    if (r && r->shadow) {
        shadow_open(r->shadow, image->base, image->size);
        globals_close(r->shadow, image);
    }
    if (next_hook)
        next_hook(image);
}

void race_process_init(void)
{
    if (image_patch_hook == on_image)
        return;
    next_hook = image_patch_hook;
    image_patch_hook = on_image;
    race_sweep_init();
}

static struct race_room *room(void)
{
    struct race_room *r = race_room();
    if (__builtin_expect(!r || !r->shadow, 0)) {
        r = race_room_make();
        r->shadow = shadow_new();
        for (const struct image *i = image_first(); i; i = i->next)
            globals_close(r->shadow, i);
    }
    return r;
}

/* ---- memory ---- */

void race_shadow_memory(struct race_room *r, uint64_t base, uint64_t bytes, unsigned what)
{
    struct shadow *s = r->shadow;
    switch (what) {
    case SIM_MEMORY_NEW:
        shadow_close(s, base - ZONE, ZONE, SHADOW_BLOCK_ZONE);
        shadow_open(s, base, bytes);
        /* The rest of its last sixteen bytes, and the header of what comes next. */
        shadow_close(s, base + bytes, (base + bytes + 15) / 16 * 16 + ZONE - (base + bytes), SHADOW_BLOCK_ZONE);
        break;
    case SIM_MEMORY_FREED:
        shadow_close(s, base, (bytes + 7) / 8 * 8, SHADOW_FREED);
        break;
    case SIM_MEMORY_COMPLETED:
        shadow_close(s, base, bytes, SHADOW_IRP);
        break;
    case SIM_MEMORY_PAGES:
        shadow_open(s, base, bytes);
        break;
    case SIM_MEMORY_ANEW:
        shadow_reopen(s, base, bytes, SHADOW_IRP);
        break;
    }
}

bool race_keeps_freed(uint64_t owner_bytes)
{
    const struct race_room *r = race_room();
    return r && r->shadow && owner_bytes < KEPT_BYTES;
}

/* ---- frames ---- */

struct stack {
    uint64_t low, top, used; /* used: lowest byte in use */
    const struct agent *agent;
};

static bool kernel_stack_at(uint64_t address, struct stack *out)
{
    const struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->agent_count; i++) {
        const struct agent *a = m->agents[i];
        if (address < a->fiber.kernel_stack || address >= a->fiber.kernel_stack_top)
            continue;
        bool inside = a->fiber.guest_sp >= a->fiber.kernel_stack && a->fiber.guest_sp < a->fiber.kernel_stack_top;
        *out = (struct stack) { a->fiber.kernel_stack, a->fiber.kernel_stack_top, inside ? a->fiber.guest_sp : a->fiber.kernel_stack, a };
        return true;
    }
    return false;
}

static bool user_stack_at(uint64_t address, struct stack *out)
{
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        if (!t->user_stack || address < t->user_stack || address >= t->user_stack_top)
            continue;
        uint64_t sp = t->in_kernel ? t->agent->fiber.user_sp : t->agent->fiber.guest_sp;
        bool inside = sp >= t->user_stack && sp < t->user_stack_top;
        *out = (struct stack) { t->user_stack, t->user_stack_top, inside ? sp : t->user_stack, t->agent };
        return true;
    }
    return false;
}

static bool stack_at(uint64_t address, struct stack *out)
{
    if (address >= KERNEL_BASE ? !kernel_stack_at(address, out) : !user_stack_at(address, out))
        return false;
    /* Our own call lies below the frame that makes the access. */
    uint64_t sp = race_call_sp(race_call());
    if (out->agent == MACHINE->fiber && sp >= out->low && sp < out->top)
        out->used = sp;
    return true;
}

void race_unwound(uint64_t sp)
{
    struct race_room *r = race_room();
    struct stack s;
    if (r && r->shadow && (sp >= KERNEL_BASE ? kernel_stack_at(sp, &s) : user_stack_at(sp, &s)))
        shadow_set(r->shadow, s.low, (sp - s.low) / 8, 0);
}

/* The variable whose redzone or dead bytes an address lies in. The compiler leaves a magic number, a description and the function at
 * the frame's beginning. */
static bool variable_text(const struct shadow *s, uint64_t address, char *out, size_t size)
{
    uint64_t at = address & ~7ull;
    for (unsigned i = 0; i < 0x2000 && shadow_at(s, at) != SHADOW_STACK_LEFT; i++)
        at -= 8;
    while (shadow_at(s, at - 8) == SHADOW_STACK_LEFT)
        at -= 8;
    uint64_t head[3];
    char text[512] = "", function[160], *p = text;
    if (!host_guarded_copy(head, (const void *)at, sizeof head) || head[0] != FRAME_MAGIC)
        return false;
    for (size_t i = 0; i < sizeof text - 1 && host_guarded_copy(&text[i], (const void *)(head[1] + i), 1) && text[i]; i++)
        text[i + 1] = 0;
    image_symbol_text(head[2], function, sizeof function);
    unsigned long count = strtoul(p, &p, 10);
    uint64_t best = UINT64_MAX;
    for (unsigned long i = 0; i < count; i++) {
        unsigned long start = strtoul(p, &p, 10), bytes = strtoul(p, &p, 10), length = strtoul(p, &p, 10);
        if (*p != ' ' || strlen(p + 1) < length)
            break;
        const char *name = p + 1;
        p += 1 + length;
        uint64_t from = at + start, to = from + bytes;
        uint64_t far = address < from ? from - address : address >= to ? address - to + 1 : 0;
        if (far >= best)
            continue;
        best = far;
        int shown = (int)strcspn(name, ":");
        shown = shown < (int)length ? shown : (int)length;
        if (far == 0)
            snprintf(out, size, "in variable %.*s of %s", shown, name, function);
        else
            snprintf(out, size, "%llu byte%s %s variable %.*s (%lu bytes) of %s", (unsigned long long)(address < from ? far : far - 1),
                     (address < from ? far : far - 1) == 1 ? "" : "s", address < from ? "before" : "behind the end of", shown, name, bytes, function);
    }
    return best != UINT64_MAX;
}

/* ---- findings ---- */

static void global_text(uint64_t address, char *out, size_t size)
{
    const struct image *image = image_at(address);
    const struct pe_section *section = image && image->file ? pe_section_find(&image->file->pe, ".ASAN") : NULL;
    for (uint32_t at = 0; section && at + sizeof(struct global) <= section->vsize; at += sizeof(struct global)) {
        struct global g;
        char name[100] = "";
        if (!host_guarded_copy(&g, (const void *)(image->base + section->rva + at), sizeof g) || !g.at || address < g.at || address >= g.at + g.size_with_zone)
            continue;
        for (size_t i = 0; i < sizeof name - 1 && host_guarded_copy(&name[i], (const void *)(g.name + i), 1) && name[i]; i++)
            name[i + 1] = 0;
        snprintf(out, size, "%llu bytes behind the end of %s!%s (%llu bytes)", (unsigned long long)(address - g.at - g.size), image->module, name,
                 (unsigned long long)g.size);
        return;
    }
}

static enum race_rule rule_of(uint8_t value)
{
    switch (value) {
    case SHADOW_FREED:
        return RACE_USE_AFTER_FREE;
    case SHADOW_GLOBAL:
        return RACE_GLOBAL_OUT_OF_BOUNDS;
    case SHADOW_SCOPE:
        return RACE_USE_AFTER_SCOPE;
    case SHADOW_IRP:
        return RACE_USE_OF_COMPLETED_IRP;
    case SHADOW_STACK_LEFT:
    case SHADOW_STACK_MIDDLE:
    case SHADOW_STACK_RIGHT:
    case SHADOW_ALLOCA_LEFT:
    case SHADOW_ALLOCA_RIGHT:
        return RACE_STACK_OUT_OF_BOUNDS;
    default:
        return RACE_OUT_OF_BOUNDS;
    }
}

static _Noreturn void found(struct race_room *r, enum race_rule rule, uint64_t at, uint64_t bytes, bool write, uint64_t bad)
{
    struct race_finding *f = &r->finding;
    struct race_access a = { .address = bad, .pc = race_call()->return_address, .stack = race_stack_here(), .agent = MACHINE->fiber->id, .irql = sim_irql(),
                             .size = (uint8_t)(bytes < 255 ? bytes : 255), .write = write };
    f->rule = rule;
    f->second = false;
    race_party_fill(&f->parties[0], &a);
    race_memory_text(r, bad, &f->block, f->what, sizeof f->what);
    if (rule == RACE_USE_AFTER_FREE && f->block.tag == IRP_TAG)
        rule = f->rule = RACE_USE_OF_COMPLETED_IRP; /* the I/O manager freed it when it was done, or its owner did */
    char text[200] = "";
    if (rule == RACE_STACK_OUT_OF_BOUNDS || rule == RACE_USE_AFTER_SCOPE)
        variable_text(r->shadow, bad, text, sizeof text);
    else if (rule == RACE_GLOBAL_OUT_OF_BOUNDS)
        global_text(bad, text, sizeof text);
    else if (rule == RACE_USE_AFTER_RETURN)
        snprintf(text, sizeof text, "in the frame of a function that has returned");
    if (text[0])
        snprintf(f->what, sizeof f->what, "%s", text);
    f->place = race_place_number(a.pc) ^ (uint64_t)rule << 56;
    race_stop(r);
}

static void check(uint64_t at, uint64_t bytes, bool write)
{
    struct race_room *r = room();
    uint64_t bad;
    struct stack s;
    if (shadow_find(r->shadow, at, bytes, &bad)) {
        uint8_t value = shadow_at(r->shadow, bad);
        if (value < 8) /* the reason stands behind */
            value = shadow_at(r->shadow, bad + 8) >= 8 ? shadow_at(r->shadow, bad + 8) : SHADOW_BLOCK_ZONE;
        found(r, rule_of(value), at, bytes, write, bad);
    }
    if (stack_at(at, &s) && at < s.used)
        found(r, RACE_USE_AFTER_RETURN, at, bytes, write, at);
}

/* ---- callbacks ---- */

void race_load1(uint64_t at) { check(at, 1, false); }
void race_load2(uint64_t at) { check(at, 2, false); }
void race_load4(uint64_t at) { check(at, 4, false); }
void race_load8(uint64_t at) { check(at, 8, false); }
void race_load16(uint64_t at) { check(at, 16, false); }
void race_store1(uint64_t at) { check(at, 1, true); }
void race_store2(uint64_t at) { check(at, 2, true); }
void race_store4(uint64_t at) { check(at, 4, true); }
void race_store8(uint64_t at) { check(at, 8, true); }
void race_store16(uint64_t at) { check(at, 16, true); }
void race_load_n(uint64_t at, uint64_t bytes) { check(at, bytes, false); }
void race_store_n(uint64_t at, uint64_t bytes) { check(at, bytes, true); }

uint64_t race_checked_memcpy(uint64_t to, uint64_t from, uint64_t bytes)
{
    check(from, bytes, false);
    check(to, bytes, true);
    memmove((void *)to, (const void *)from, bytes);
    return to;
}

uint64_t race_checked_memset(uint64_t to, uint64_t value, uint64_t bytes)
{
    check(to, bytes, true);
    memset((void *)to, (int)value, bytes);
    return to;
}

void race_address_nothing(void)
{
    room();
}

static void set(uint64_t shadow, uint64_t count, uint8_t value)
{
    shadow_set(room()->shadow, (shadow - SHADOW_BASE) << 3, count, value);
}

#define SET(name, value) void race_set_##name(uint64_t shadow, uint64_t count) { set(shadow, count, value); }
SET(00, 0)
SET(01, 1)
SET(02, 2)
SET(03, 3)
SET(04, 4)
SET(05, 5)
SET(06, 6)
SET(07, 7)
SET(f1, 0xF1)
SET(f2, 0xF2)
SET(f3, 0xF3)
SET(f5, 0xF5)
SET(f8, 0xF8)

/* A dynamic block on the stack: 32 bytes before it, and behind it up to the next 32 and 32 more. */
void race_alloca_close(uint64_t at, uint64_t bytes)
{
    struct shadow *s = room()->shadow;
    shadow_close(s, at - 32, 32, SHADOW_ALLOCA_LEFT);
    shadow_open(s, at, bytes);
    shadow_close(s, at + bytes, (at + bytes + 31) / 32 * 32 + 32 - (at + bytes), SHADOW_ALLOCA_RIGHT);
}

void race_allocas_open(uint64_t top, uint64_t bottom)
{
    if (top && top < bottom)
        shadow_set(room()->shadow, top & ~7ull, (bottom - (top & ~7ull)) / 8, 0);
}

void race_scope_close(uint64_t at, uint64_t bytes) { shadow_close(room()->shadow, at, bytes, SHADOW_SCOPE); }
void race_scope_open(uint64_t at, uint64_t bytes) { shadow_open(room()->shadow, at, bytes); }
void race_region_close(uint64_t at, uint64_t bytes) { shadow_close(room()->shadow, at, bytes, SHADOW_BLOCK_ZONE); }
