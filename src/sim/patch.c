/* Applying plans, and finding sites again; see patch.h. */
#include "sim/patch.h"

#include <string.h>
#include <sys/mman.h>

#include "host/host.h"
#include "sim/image.h"
#include "sim/machine.h"

enum { MAX_AREAS = 128, INT3 = 0xCC, LONGEST = 15 };

/* Where plans are in force. Not part of a run: after a restore the same images lie at the same places, and those that are loaded again
 * replace their entry. */
static struct area {
    uint64_t base, size; /* of the image */
    const struct patch_plan *plan;
} areas[MAX_AREAS];
static unsigned area_count;

uint64_t patch_room(uint64_t image_size)
{
    uint64_t quarter = (image_size / 4 + 0xFFFF) & ~0xFFFFull;
    return quarter < 0x10000 ? 0x10000 : quarter;
}

static const struct area *area_at(uint64_t address)
{
    for (unsigned i = 0; i < area_count; i++)
        if (address - areas[i].base < areas[i].size + areas[i].plan->trampoline_bytes)
            return &areas[i];
    return NULL;
}

static struct area *area_for(uint64_t base, uint64_t size)
{
    unsigned n = 0;
    for (unsigned i = 0; i < area_count; i++)
        if (areas[i].base + areas[i].size + patch_room(areas[i].size) <= base || areas[i].base >= base + size)
            areas[n++] = areas[i];
    area_count = n;
    if (area_count == MAX_AREAS)
        base_panic("more than %d images with patches", MAX_AREAS);
    return &areas[area_count++];
}

static bool is_patched(const struct patch_site *t)
{
    return t->kind < PATCH_TRAPS;
}

/* The instruction's copy and a jump behind the original. */
static void put_trampoline(const struct image *image, const struct patch_site *t)
{
    uint8_t *to = (uint8_t *)(image->base + image->size + t->trampoline);
    uint64_t from = image->base + t->rva, next = from + t->length;
    memcpy(to, (const void *)from, t->length);
    to[0] = t->original;
    if (t->rip_relative) {
        int32_t moved = (int32_t)((int64_t)t->disp + (int64_t)from - (int64_t)to);
        memcpy(to + t->disp_at, &moved, 4);
    }
    static const uint8_t jump[6] = { 0xFF, 0x25, 0, 0, 0, 0 };
    memcpy(to + t->length, jump, 6);
    memcpy(to + t->length + 6, &next, 8);
}

/* Program images keep instructions that only the kernel may execute: they fault there. */
static bool applies(const struct image *image, const struct patch_site *t)
{
    return !image->user || (t->kind != PATCH_PUSHF && t->kind != PATCH_POPF);
}

static bool trampolines_map(struct image *image, const struct patch_plan *plan, bool mapped_before)
{
    uint64_t at = image->base + image->size, bytes = (plan->trampoline_bytes + 0xFFFu) & ~0xFFFull;
    bool in_arena = image->base >= USER_BASE && image->base < KERNEL_END;
    if (!in_arena && !mapped_before && !host_map_fixed(at, bytes))
        return false;
    host_protect(at, bytes, PROT_READ | PROT_WRITE);
    return true;
}

void patch_image(struct image *image)
{
    struct image_file *file = image->file;
    if (!file->patches)
        file->patches = patch_scan(&file->pe, &image->pe);
    const struct patch_plan *plan = file->patches;
    const struct area *before = area_at(image->base);
    bool room = trampolines_map(image, plan, before && before->plan == plan);
    *area_for(image->base, image->size) = (struct area) { image->base, image->size, plan };
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct patch_site *t = &plan->sites[i];
        if (!is_patched(t) || !applies(image, t) || (t->trampoline && !room))
            continue;
        if (t->trampoline)
            put_trampoline(image, t);
        *(uint8_t *)(image->base + t->rva) = INT3;
    }
    if (room)
        host_protect(image->base + image->size, (plan->trampoline_bytes + 0xFFFu) & ~0xFFFull, PROT_READ | PROT_EXEC);
}

/* ---- finding ---- */

/* The first site at or behind rva. */
static uint32_t lower_bound(const struct patch_plan *p, uint64_t rva)
{
    uint32_t low = 0, high = p->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (p->sites[mid].rva < rva)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct patch_site *patch_site_at(uint64_t rip)
{
    const struct area *a = area_at(rip);
    if (!a)
        return NULL;
    uint32_t i = lower_bound(a->plan, rip - a->base);
    return i < a->plan->count && a->plan->sites[i].rva == rip - a->base ? &a->plan->sites[i] : NULL;
}

uint64_t patch_trampoline(uint64_t rip, const struct patch_site *site)
{
    const struct area *a = area_at(rip);
    return a->base + a->size + site->trampoline;
}

uint64_t patch_original_address(uint64_t rip)
{
    const struct area *a = area_at(rip);
    if (!a || rip - a->base < a->size)
        return rip;
    uint64_t offset = rip - a->base - a->size;
    for (uint32_t i = 0; i < a->plan->count; i++) {
        const struct patch_site *t = &a->plan->sites[i];
        if (t->trampoline && offset - t->trampoline < t->length + 14u)
            return a->base + t->rva + (offset == t->trampoline ? 0 : t->length);
    }
    return rip;
}

uint64_t patch_operand_address(const struct patch_site *t, const struct host_context *c)
{
    uint64_t at = (uint64_t)(int64_t)t->disp;
    if (t->rip_relative)
        return at + c->rip + t->length;
    if (t->base != PATCH_NO_REGISTER)
        at += c->gpr[t->base];
    if (t->index != PATCH_NO_REGISTER)
        at += c->gpr[t->index] * t->scale;
    return at;
}

void patch_original_bytes(uint64_t address, void *copy, size_t bytes)
{
    const struct area *a = area_at(address);
    if (!a)
        return;
    uint64_t rva = address - a->base;
    for (uint32_t i = lower_bound(a->plan, rva); i < a->plan->count && a->plan->sites[i].rva < rva + bytes; i++)
        if (is_patched(&a->plan->sites[i]))
            ((uint8_t *)copy)[a->plan->sites[i].rva - rva] = a->plan->sites[i].original;
}
