/* The same memory a second time: system addresses of locked pages, behind the kernel half, and views in processes (sections, locked
 * pages mapped for user mode), in the last part of a slice, where nothing else ever lies. A system address follows from the page
 * that it shows, so that it does not depend on what else is mapped; only a page that is mapped twice gets another one.
 *
 * Mappings are the process's, not the snapshot's: mm_alias_restored makes them agree with the restored list, exactly, because a
 * driver may still hold a system address from before. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mm/room.h"

enum { PAGE = 0x1000, SYSTEM_PAGES = (KERNEL_BASE - USER_BASE) / PAGE, VIEW_PAGES = USER_VIEWS / PAGE, PLACES = SYSTEM_PAGES + USER_SLICES * VIEW_PAGES };
#define ALIAS_END (ALIAS_BASE + (uint64_t)SYSTEM_PAGES * PAGE)

/* What this process has mapped at each place: the page shown ((page - USER_BASE) / PAGE + 1; 0 = none yet), and, while it is
 * accessible, where it stands in `open`, plus one. */
static uint32_t shown[PLACES], open_at[PLACES];
static uint64_t *open; /* addresses of accessible places */
static uint32_t open_count, open_room;
static uint64_t applied_generation, last_generation;

static uint32_t place_of(uint64_t va)
{
    if (va >= ALIAS_BASE)
        return (uint32_t)((va - ALIAS_BASE) / PAGE);
    uint64_t slice = (va - USER_BASE) / USER_SLICE, offset = (va - USER_BASE) % USER_SLICE - (USER_SLICE - USER_VIEWS);
    return (uint32_t)(SYSTEM_PAGES + slice * VIEW_PAGES + offset / PAGE);
}

static void page_show(uint64_t va, uint64_t original)
{
    uint32_t i = place_of(va), page = (uint32_t)((original - USER_BASE) / PAGE) + 1;
    if (shown[i] != page)
        host_alias(va, original, PAGE, PROT_READ | PROT_WRITE);
    else if (!open_at[i])
        host_protect(va, PAGE, PROT_READ | PROT_WRITE);
    shown[i] = page;
    if (open_at[i])
        return;
    if (open_count == open_room) {
        open_room = open_room ? open_room * 2 : 256;
        open = realloc(open, open_room * sizeof *open);
        IR_ASSERT(open);
    }
    open[open_count++] = va;
    open_at[i] = open_count;
}

static void page_hide(uint64_t va)
{
    uint32_t i = place_of(va), at = open_at[i];
    if (!at)
        return;
    host_protect(va, PAGE, PROT_NONE);
    uint64_t last = open[--open_count];
    open[at - 1] = last;
    open_at[place_of(last)] = at;
    open_at[i] = 0;
}

static void generation_new(void)
{
    applied_generation = ++last_generation;
    mm_room()->alias_generation = applied_generation;
}

/* The link that points to where an alias of n pages would go, from a wanted address on; *va gets the address. */
static struct mm_alias **place_from(uint64_t wanted, uint64_t end, uint64_t n, uint64_t *va)
{
    struct mm_alias **at = &mm_room()->aliases;
    while (*at && (*at)->va < wanted + n * PAGE) {
        if ((*at)->va + (*at)->pages * PAGE > wanted)
            wanted = (*at)->va + (*at)->pages * PAGE;
        at = &(*at)->next;
    }
    *va = wanted;
    return wanted + n * PAGE <= end ? at : NULL;
}

static uint64_t map_at(struct mm_alias **at, uint64_t va, const uint64_t *pages, uint64_t n)
{
    struct mm_alias *a = sim_alloc(sizeof *a + n * 8);
    a->va = va;
    a->pages = n;
    a->next = *at;
    memcpy(a->originals, pages, n * 8);
    *at = a;
    for (uint64_t i = 0; i < n; i++)
        page_show(va + i * PAGE, pages[i]);
    generation_new();
    return va;
}

uint64_t mm_alias_map(const uint64_t *pages, uint64_t n)
{
    uint64_t va, wanted = ALIAS_BASE + (pages[0] - USER_BASE) % (ALIAS_END - ALIAS_BASE);
    struct mm_alias **at = place_from(wanted, ALIAS_END, n, &va);
    if (!at)
        at = place_from(ALIAS_BASE, ALIAS_END, n, &va);
    return at ? map_at(at, va, pages, n) : 0;
}

uint64_t mm_view_map(uint64_t slice, const uint64_t *pages, uint64_t n)
{
    uint64_t va, base = slice + USER_SLICE - USER_VIEWS;
    struct mm_alias **at = place_from(base, slice + USER_SLICE, n, &va);
    return at ? map_at(at, va, pages, n) : 0;
}

bool mm_alias_unmap(uint64_t va)
{
    for (struct mm_alias **at = &mm_room()->aliases; *at; at = &(*at)->next) {
        struct mm_alias *a = *at;
        if (a->va != (va & ~0xFFFull))
            continue;
        for (uint64_t i = 0; i < a->pages; i++)
            page_hide(a->va + i * PAGE);
        *at = a->next;
        sim_free(a, sizeof *a + a->pages * 8);
        generation_new();
        return true;
    }
    return false;
}

static const struct mm_alias *alias_at(uint64_t va)
{
    for (const struct mm_alias *a = mm_room()->aliases; a; a = a->next)
        if (va - a->va < a->pages * PAGE)
            return a;
    return NULL;
}

uint64_t mm_alias_original(uint64_t page)
{
    bool may_be = page >= ALIAS_BASE || (page < USER_END && (page - USER_BASE) % USER_SLICE >= USER_SLICE - USER_VIEWS);
    const struct mm_alias *a = may_be ? alias_at(page) : NULL;
    return a ? a->originals[(page - a->va) / PAGE] : page;
}

void mm_alias_restored(void)
{
    if (mm_room()->alias_generation == applied_generation)
        return;
    for (uint32_t i = open_count; i-- > 0;)
        if (!alias_at(open[i]))
            page_hide(open[i]);
    for (const struct mm_alias *a = mm_room()->aliases; a; a = a->next)
        for (uint64_t i = 0; i < a->pages; i++)
            page_show(a->va + i * PAGE, a->originals[i]);
    applied_generation = mm_room()->alias_generation;
}
