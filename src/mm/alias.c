/* System addresses of locked pages: the same memory a second time, behind the kernel half. An address follows from the page that
 * it shows, so that it does not depend on what else is mapped; only a page that is mapped twice gets another one.
 *
 * Mappings are the process's, not the snapshot's: mm_alias_restored makes them agree with the restored list, exactly, because a
 * driver may still hold a system address from before. */
#include <string.h>
#include <sys/mman.h>

#include "mm/room.h"

enum { PAGE = 0x1000, ALIAS_PAGES = (KERNEL_BASE - USER_BASE) / PAGE };
#define ALIAS_END (ALIAS_BASE + (uint64_t)ALIAS_PAGES * PAGE)

/* What this process has mapped: the page shown at each place (0 = not the alias's, as at the start), and if accessible. */
static uint32_t shown[ALIAS_PAGES]; /* (page - USER_BASE) / PAGE + 1 */
static uint8_t accessible[ALIAS_PAGES];
static uint64_t lowest = ALIAS_END, highest; /* nothing is accessible outside */
static uint64_t applied_generation, last_generation;

static void page_show(uint64_t va, uint64_t original)
{
    uint64_t i = (va - ALIAS_BASE) / PAGE;
    uint32_t page = (uint32_t)((original - USER_BASE) / PAGE) + 1;
    if (shown[i] != page)
        host_alias(va, original, PAGE, PROT_READ | PROT_WRITE);
    else if (!accessible[i])
        host_protect(va, PAGE, PROT_READ | PROT_WRITE);
    shown[i] = page;
    accessible[i] = 1;
    lowest = va < lowest ? va : lowest;
    highest = va >= highest ? va + PAGE : highest;
}

static void page_hide(uint64_t va)
{
    uint64_t i = (va - ALIAS_BASE) / PAGE;
    if (accessible[i])
        host_protect(va, PAGE, PROT_NONE);
    accessible[i] = 0;
}

static void generation_new(void)
{
    applied_generation = ++last_generation;
    mm_room()->alias_generation = applied_generation;
}

/* The link that points to where an alias of n pages would go, from a wanted address on; *va gets the address. */
static struct mm_alias **place_from(uint64_t wanted, uint64_t n, uint64_t *va)
{
    struct mm_alias **at = &mm_room()->aliases;
    while (*at && (*at)->va < wanted + n * PAGE) {
        if ((*at)->va + (*at)->pages * PAGE > wanted)
            wanted = (*at)->va + (*at)->pages * PAGE;
        at = &(*at)->next;
    }
    *va = wanted;
    return wanted + n * PAGE <= ALIAS_END ? at : NULL;
}

uint64_t mm_alias_map(const uint64_t *pages, uint64_t n)
{
    uint64_t va, wanted = ALIAS_BASE + (pages[0] - USER_BASE) % (ALIAS_END - ALIAS_BASE);
    struct mm_alias **at = place_from(wanted, n, &va);
    if (!at)
        at = place_from(ALIAS_BASE, n, &va);
    if (!at)
        return 0;
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

uint64_t mm_alias_original(uint64_t page)
{
    if (page < ALIAS_BASE || page >= ALIAS_END)
        return page;
    for (const struct mm_alias *a = mm_room()->aliases; a; a = a->next)
        if (page - a->va < a->pages * PAGE)
            return a->originals[(page - a->va) / PAGE];
    return page;
}

void mm_alias_restored(void)
{
    if (mm_room()->alias_generation == applied_generation)
        return;
    for (uint64_t va = lowest; va < highest; va += PAGE)
        if (mm_alias_original(va) == va)
            page_hide(va);
    lowest = ALIAS_END;
    highest = 0;
    for (const struct mm_alias *a = mm_room()->aliases; a; a = a->next)
        for (uint64_t i = 0; i < a->pages; i++)
            page_show(a->va + i * PAGE, a->originals[i]);
    applied_generation = mm_room()->alias_generation;
}
