/* Applying plans, and finding sites again; see patch.h. */
#include "sim/patch.h"

#include <string.h>
#include <sys/mman.h>

#include "host/host.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "sim/spins.h"

enum { MAX_AREAS = 128, INT3 = 0xCC, LONGEST = 15 };

/* Where plans are in force. Not part of a run: after a restore the same images lie at the same places, and those that are loaded again
 * replace their entry. */
static struct area {
    uint64_t base, size; /* of the image */
    const struct patch_plan *plan;
    const struct image_file *file;
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

static uint64_t behind(const struct image *image, uint32_t offset)
{
    return image->base + image->size + offset;
}

static void put_jump(uint64_t at, uint64_t to)
{
    int32_t distance = (int32_t)(to - (at + 5));
    *(uint8_t *)at = 0xE9;
    memcpy((void *)(at + 1), &distance, 4);
}

/* mov [scratch], rax; lea rax, [here]; jmp [door page entry]. Changes no flags. */
static void put_point(const struct image *image, uint32_t offset)
{
    uint8_t *p = (uint8_t *)behind(image, offset);
    uint64_t scratch = PRIVATE_BASE + MACHINE_SCRATCH;
    int32_t to_cell = -(int32_t)(offset + POINT_BYTES);
    static const uint8_t lea[7] = { 0x48, 0x8D, 0x05, 0xEF, 0xFF, 0xFF, 0xFF };
    p[0] = 0x48;
    p[1] = 0xA3;
    memcpy(p + 2, &scratch, 8);
    memcpy(p + 10, lea, 7);
    p[17] = 0xFF;
    p[18] = 0x25;
    memcpy(p + 19, &to_cell, 4);
    _Static_assert(POINT_BYTES == 23, "host/layout.h");
}

static void put_copy(const struct image *image, const struct patch_copy *k)
{
    uint64_t from = image->base + k->rva, to = behind(image, k->offset);
    memcpy((void *)to, (const void *)from, k->length);
    if (!k->disp_at)
        return;
    int32_t disp;
    memcpy(&disp, (const void *)(from + k->disp_at), 4);
    disp += (int32_t)(from - to);
    memcpy((void *)(to + k->disp_at), &disp, 4);
}

static void put_trampoline(const struct image *image, const struct patch_plan *plan, const struct patch_site *t)
{
    uint32_t end = t->trampoline, next = t->rva + t->length;
    for (uint32_t i = t->first_copy; i < t->first_copy + t->copies; i++) {
        const struct patch_copy *k = &plan->copies[i];
        put_copy(image, k);
        if (k->rva >= t->rva) {
            end = k->offset + k->length;
            next = k->rva + k->length;
        }
    }
    if (t->patched == 5)
        put_point(image, t->trampoline - POINT_BYTES);
    put_jump(behind(image, end), image->base + next);
}

static void put_patch(const struct image *image, const struct patch_plan *plan, const struct patch_site *t)
{
    if (t->trampoline)
        put_trampoline(image, plan, t);
    if (t->patched == 1)
        *(uint8_t *)(image->base + t->rva) = INT3;
    else if (t->patched)
        put_jump(image->base + t->window, behind(image, t->copies && plan->copies[t->first_copy].rva < t->rva ? plan->copies[t->first_copy].offset
                                                                                                              : t->trampoline - POINT_BYTES));
}

/* Program images keep instructions that only the kernel may execute: they fault there. */
static bool applies(const struct image *image, const struct patch_site *t)
{
    return !image->user || (t->kind < PATCH_TRAPS && t->kind != PATCH_PUSHF && t->kind != PATCH_POPF);
}

static bool trampolines_map(struct image *image, const struct patch_plan *plan, bool mapped_before)
{
    uint64_t at = image->base + image->size, bytes = (plan->trampoline_bytes + 0xFFFu) & ~0xFFFull;
    bool in_arena = image->base >= USER_BASE && image->base < KERNEL_END;
    if (!in_arena && !mapped_before && !host_map_fixed(at, patch_room(image->size))) /* all of it: a later plan may need more */
        return false;
    host_protect(at, bytes, PROT_READ | PROT_WRITE);
    return true;
}

static bool is_stale(const struct patch_plan *p)
{
    return !p || p->generation != patch_generation();
}

void patch_image(struct image *image)
{
    struct image_file *file = image->file;
    if (is_stale(file->patches)) {
        struct patch_plan *other = file->other_patches;
        file->other_patches = file->patches;
        file->patches = is_stale(other) ? patch_scan(file->name, &file->pe, &image->pe, file->brought) : other;
    }
    const struct patch_plan *plan = file->patches;
    const struct area *before = area_at(image->base);
    bool room = trampolines_map(image, plan, before && before->file == file && before->base == image->base);
    *area_for(image->base, image->size) = (struct area) { image->base, image->size, plan, file };
    if (room)
        *(uint64_t *)behind(image, 0) = DOOR_PAGE + DOOR_POINT;
    MACHINE->may_spin |= spins_any_round();
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct patch_site *t = &plan->sites[i];
        MACHINE->may_spin |= t->kind == PATCH_SPIN || t->kind == PATCH_PAUSE;
        if (t->patched && applies(image, t) && (room || !t->trampoline))
            put_patch(image, plan, t);
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

/* The site whose trampoline the offset lies in; the caller knows that it lies in one. */
static const struct patch_site *site_of_trampoline(const struct patch_plan *p, uint64_t offset)
{
    uint32_t low = 0, high = p->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (p->sites[mid].region <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? &p->sites[low - 1] : NULL;
}

const struct patch_site *patch_site_of_point(uint64_t place, uint64_t *rip)
{
    const struct area *a = area_at(place);
    const struct patch_site *t = a ? site_of_trampoline(a->plan, place - a->base - a->size) : NULL;
    if (t)
        *rip = a->base + t->rva;
    return t;
}

uint64_t patch_continue_at(uint64_t rip, const struct patch_site *t)
{
    const struct area *a = area_at(rip);
    return t->trampoline && a ? a->base + a->size + t->trampoline : rip + t->length;
}

uint64_t patch_original_address(uint64_t rip)
{
    const struct area *a = area_at(rip);
    if (!a || rip - a->base < a->size)
        return rip;
    uint64_t offset = rip - a->base - a->size;
    const struct patch_site *t = site_of_trampoline(a->plan, offset);
    if (!t)
        return rip;
    /* Before its copy an instruction has not run; the way to the door page counts as the site. */
    uint64_t at = a->base + t->rva;
    for (uint32_t i = t->first_copy; i < t->first_copy + t->copies; i++) {
        const struct patch_copy *k = &a->plan->copies[i];
        if (offset == k->offset)
            return a->base + k->rva;
        if (offset > k->offset)
            at = a->base + k->rva + k->length;
    }
    if (offset >= t->trampoline && at == a->base + t->rva)
        at += t->length;
    return at;
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
    /* A window begins at most one instruction before its site. */
    for (uint32_t i = lower_bound(a->plan, rva > LONGEST ? rva - LONGEST : 0); i < a->plan->count && a->plan->sites[i].rva < rva + bytes + LONGEST; i++) {
        const struct patch_site *t = &a->plan->sites[i];
        for (uint32_t k = 0; k < t->patched; k++)
            if (t->window + k - rva < bytes)
                ((uint8_t *)copy)[t->window + k - rva] = t->original[k];
    }
}

/* ---- watched calls ---- */

static uint8_t call_mark; /* of the process, not of a run */

void patch_watch_calls(uint8_t mark)
{
    call_mark = mark;
}

void (*patch_access_hook)(uint64_t rip, uint64_t at, unsigned bytes, unsigned how);
void (*patch_atomic_hook)(uint64_t rip, uint64_t at, unsigned bytes, bool writes);

bool patch_calls_are_watched(void)
{
    return call_mark != 0;
}

void patch_note_call(uint64_t rip)
{
    const struct area *a = area_at(rip);
    const struct patch_site *t = patch_site_at(rip);
    if (a && t && a->plan->called)
        a->plan->called[t - a->plan->sites] |= call_mark;
}

bool patch_call_watched(const struct patch_plan *p, uint32_t rva)
{
    uint32_t i = p ? lower_bound(p, rva) : 0;
    return p && i < p->count && p->sites[i].rva == rva && p->sites[i].kind == PATCH_CALL && p->called;
}

uint8_t patch_call_marks(const struct patch_plan *p, uint32_t rva)
{
    return patch_call_watched(p, rva) ? p->called[lower_bound(p, rva)] : 0;
}
