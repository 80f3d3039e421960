/* The arena: one reservation at a fixed address, made accessible piece by piece. */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "host/cold.h"

static int arena_fd = -1;

static void *map_at(uint64_t address, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    void *want = (void *)address;
    void *got = mmap(want, bytes, prot, flags | MAP_FIXED_NOREPLACE, fd, offset);
    if (got != want)
        base_panic("cannot map %zu MiB at %p: %s", bytes >> 20, want, strerror(errno));
    return got;
}

static void door_page_write(uint64_t entry, void (*target)(void))
{
    /* jmp qword ptr [rip+2]; nop; nop; target */
    uint8_t *p = (uint8_t *)(DOOR_PAGE + entry);
    static const uint8_t jump[8] = { 0xFF, 0x25, 0x02, 0x00, 0x00, 0x00, 0x90, 0x90 };
    memcpy(p, jump, sizeof jump);
    memcpy(p + 8, &target, 8);
}

void host_arena_map(void)
{
    IR_ASSERT(arena_fd < 0);
    /* A memory file, so that a page can be seen at two addresses (MDL system addresses). Private to this process. */
    arena_fd = memfd_create("arena", MFD_CLOEXEC);
    if (arena_fd < 0 || ftruncate(arena_fd, PRIVATE_END - USER_BASE) != 0)
        base_panic("cannot make the arena: %s", strerror(errno));
    map_at(USER_BASE, PRIVATE_END - USER_BASE, PROT_NONE, MAP_SHARED | MAP_NORESERVE, arena_fd, 0);
    map_at(VIEW_BASE, PRIVATE_BASE - USER_BASE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, arena_fd, 0);
    map_at(DOOR_PAGE, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    door_page_write(DOOR_ENTRY, host_door_entry);
    door_page_write(DOOR_RETURN, host_door_return);
    door_page_write(DOOR_POINT, host_point_entry);
    host_protect(DOOR_PAGE, 0x1000, PROT_READ | PROT_EXEC);
}

/* What was asked for each page of the user and kernel halves: the processor's page tables, readable. They are no part of a
 * snapshot; sim/snapshot.c gives back protections that memory needs to be restored. */
static uint8_t page_protection[(PRIVATE_BASE - USER_BASE) >> 12];
static uint64_t write_losses;

/* What the processor's page tables say. They give more than page_protection says for the ranges in `losses`: access is taken away when
 * guest code runs next, or somebody looks whether it is there. Most is given back before, by a restore. In the user half they may give
 * less, nothing: that is how memory of processes that are not current is hidden. A page that should be accessible and is not gets its
 * access at the first fault, with its neighbours of the same protection, if who touches it may. */
static uint8_t page_actual[(PRIVATE_BASE - USER_BASE) >> 12];
static uint8_t page_apart[(PRIVATE_BASE - USER_BASE) >> 12]; /* host_map_apart has been called for it */
enum { MOST_LOSSES = 128 };
static struct {
    uint64_t address;
    size_t bytes;
} losses[MOST_LOSSES];
static unsigned loss_count;
bool host_losses_wait;

/* Of each process's slice: where the page tables give any access. */
static struct {
    uint64_t low, high;
} slices[USER_SLICES];
static uint64_t hide_later; /* the slice to be shown, plus one, when guest code next runs; 0 = nothing to do */

static void slice_note(uint64_t address, size_t bytes)
{
    uint64_t i = (address - USER_BASE) / USER_SLICE;
    if (i >= USER_SLICES)
        return;
    if (!slices[i].high || address < slices[i].low)
        slices[i].low = address & ~0xFFFull;
    if (address + bytes > slices[i].high)
        slices[i].high = (address + bytes + 0xFFF) & ~0xFFFull;
}

/* The newest changes of page_protection, for restores. */
enum { CHANGES_KEPT = 512 };
static struct {
    uint64_t from, to;
} changes[CHANGES_KEPT];
static uint64_t change_count;

/* How many of n bytes from p on are v. */
static size_t run_of(const uint8_t *p, size_t n, uint8_t v)
{
    size_t i = 0;
    for (uint64_t words = v * 0x0101010101010101ull, w; i + 8 <= n; i += 8) {
        memcpy(&w, p + i, 8);
        if (w != words)
            break;
    }
    while (i < n && p[i] == v)
        i++;
    return i;
}

static void protection_note(uint64_t address, size_t bytes, int prot)
{
    if (address < USER_BASE || address >= PRIVATE_BASE)
        return;
    uint64_t low = address & ~0xFFFull, first = (low - USER_BASE) >> 12, end = first + ((address + bytes - low + 0xFFF) >> 12);
    first += run_of(page_protection + first, end - first, (uint8_t)prot);
    if (!(prot & PROT_WRITE))
        write_losses++;
    if (first == end)
        return;
    const uint8_t *cold = host_cold_pages + first, *last = host_cold_pages + end;
    while (host_cold_count && cold < last && (cold = memchr(cold, 1, (size_t)(last - cold)))) {
        uint64_t page = USER_BASE + ((uint64_t)(cold++ - host_cold_pages) << 12);
        if (host_page_protection(page) != prot)
            host_heat(page);
    }
    memset(page_protection + first, prot, end - first);
    changes[change_count % CHANGES_KEPT].from = USER_BASE + (first << 12);
    changes[change_count++ % CHANGES_KEPT].to = USER_BASE + (end << 12);
}

uint64_t host_protection_changes(void)
{
    return change_count;
}

void host_protection_span(uint64_t since, uint64_t *from, uint64_t *to)
{
    *from = change_count - since > CHANGES_KEPT ? 0 : UINT64_MAX;
    *to = change_count - since > CHANGES_KEPT ? UINT64_MAX : 0;
    for (uint64_t i = since; i < change_count && *from; i++) {
        *from = changes[i % CHANGES_KEPT].from < *from ? changes[i % CHANGES_KEPT].from : *from;
        *to = changes[i % CHANGES_KEPT].to > *to ? changes[i % CHANGES_KEPT].to : *to;
    }
}

bool host_protection_changed(uint64_t since, uint64_t address, size_t bytes)
{
    if (change_count - since > CHANGES_KEPT)
        return true;
    for (uint64_t i = since; i < change_count; i++)
        if (changes[i % CHANGES_KEPT].from < address + bytes && address < changes[i % CHANGES_KEPT].to)
            return true;
    return false;
}

int host_page_protection(uint64_t address)
{
    return address >= USER_BASE && address < PRIVATE_BASE ? page_protection[(address - USER_BASE) >> 12] : PROT_NONE;
}

uint64_t host_write_losses(void)
{
    return write_losses;
}

static uint8_t *actual_of(uint64_t address)
{
    return page_actual + ((address - USER_BASE) >> 12);
}

static bool is_tracked(uint64_t address)
{
    return address >= USER_BASE && address < PRIVATE_BASE;
}

static void actual_note(uint64_t address, size_t bytes, int prot)
{
    if (!is_tracked(address))
        return;
    memset(actual_of(address), prot, (bytes + 0xFFF) >> 12);
    if (address < USER_END && prot != PROT_NONE)
        slice_note(address, bytes);
}

int host_actual_protection(uint64_t page)
{
    return is_tracked(page) ? *actual_of(page) : PROT_READ | PROT_WRITE;
}

/* Cold pages (cold.h) are not to be written, whatever else may be done to them: more than a few runs of them are not worth the calls. */
static void protect_around_cold(uint64_t address, size_t bytes, int prot)
{
    enum { MOST_RUNS = 4 };
    unsigned runs = 0;
    for (uint64_t page = address; page < address + bytes; page += 0x1000)
        runs += host_is_cold(page) && !(page > address && host_is_cold(page - 0x1000));
    if (runs > MOST_RUNS)
        host_heat_range(address, bytes);
    for (uint64_t page = address, end; page < address + bytes; page = end) {
        bool cold = host_is_cold(page);
        for (end = page + 0x1000; end < address + bytes && host_is_cold(end) == cold; end += 0x1000)
            ;
        if (mprotect((void *)page, end - page, cold ? prot & ~PROT_WRITE : prot) != 0)
            base_panic("mprotect at %llx: %s", (unsigned long long)page, strerror(errno));
    }
}

static void protect_now(uint64_t address, size_t bytes, int prot)
{
    if (host_cold_count && (prot & PROT_WRITE) && is_tracked(address))
        protect_around_cold(address & ~0xFFFull, bytes + (address & 0xFFF), prot);
    else if (mprotect((void *)address, bytes, prot) != 0)
        base_panic("mprotect of %zu bytes at %llx: %s", bytes, (unsigned long long)address, strerror(errno));
    actual_note(address, bytes, prot);
}

bool host_is_hidden(uint64_t address)
{
    return address >= USER_BASE && address < USER_END && (host_page_protection(address) & ~*actual_of(address));
}

void host_show(uint64_t address)
{
    uint64_t page = address & ~0xFFFull, low = page, high = page + 0x1000;
    uint64_t begin = page - (page - USER_BASE) % USER_SLICE, end = begin + USER_SLICE;
    int prot = host_page_protection(page);
    while (low > begin && host_page_protection(low - 0x1000) == prot && *actual_of(low - 0x1000) != prot)
        low -= 0x1000;
    while (high < end && host_page_protection(high) == prot && *actual_of(high) != prot)
        high += 0x1000;
    protect_now(low, high - low, prot);
}

void host_slices_hide_but_later(uint64_t shown)
{
    hide_later = shown + 1;
}

void host_slices_hide_now(void)
{
    if (hide_later)
        host_slices_hide_but(hide_later - 1);
}

void host_slices_hide_but(uint64_t shown)
{
    hide_later = 0;
    for (uint64_t i = 0; i < USER_SLICES; i++) {
        if (!slices[i].high || USER_BASE + i * USER_SLICE == shown)
            continue;
        protect_now(slices[i].low, slices[i].high - slices[i].low, PROT_NONE);
        slices[i].low = slices[i].high = 0;
    }
    if (host_losses_wait)
        host_lose_now();
}

bool host_protection_is(uint64_t address, size_t bytes, int prot)
{
    IR_ASSERT(address >= USER_BASE && address + bytes <= PRIVATE_BASE);
    const uint8_t *p = page_protection + ((address - USER_BASE) >> 12);
    size_t n = (bytes + 0xFFF) >> 12;
    return p[0] == prot && (n == 1 || memcmp(p, p + 1, n - 1) == 0);
}

/* Pages of a range where the page tables give more than they should. */
static void lose(uint64_t address, size_t bytes)
{
    const uint8_t *want = page_protection + ((address - USER_BASE) >> 12), *is = actual_of(address);
    size_t n = (bytes + 0xFFF) >> 12, end;
    for (size_t i = 0; i < n; i = end) {
        int prot = want[i];
        end = i + 1;
        if (!(is[i] & ~prot)) {
            end += is[i] == PROT_NONE ? run_of(is + end, n - end, PROT_NONE) : 0; /* most of a stack */
            continue;
        }
        while (end < n && want[end] == prot && (is[end] & ~prot))
            end++;
        protect_now(address + (i << 12), (end - i) << 12, prot);
    }
}

bool host_peek(void *to, uint64_t from, size_t bytes)
{
    if (from >= KERNEL_BASE && from + bytes <= PRIVATE_BASE && (from & 0xFFF) + bytes <= 0x1000) { /* nearly always */
        if (!(page_protection[(from - USER_BASE) >> 12] & PROT_READ))
            return false;
        memcpy(to, (const void *)from, bytes);
        return true;
    }
    bool user = from < USER_END, view = user && (from + bytes - 1 - USER_BASE) % USER_SLICE >= USER_SLICE - USER_VIEWS; /* other pages' aliases */
    if (!is_tracked(from) || !is_tracked(from + bytes - 1) || view)
        return host_guarded_copy(to, (const void *)from, bytes);
    for (uint64_t page = from & ~0xFFFull; page < from + bytes; page += 0x1000)
        if (!(host_page_protection(page) & PROT_READ))
            return false;
    memcpy(to, (const void *)(user ? from - USER_BASE + VIEW_BASE : from), bytes);
    return true;
}

bool host_will_lose(uint64_t address, size_t bytes)
{
    bool will = false;
    for (uint64_t page = address & ~0xFFFull; page < address + bytes && is_tracked(page) && !will; page += 0x1000)
        will = *actual_of(page) & ~host_page_protection(page);
    return will;
}

void (*host_lose_hook)(void);

void host_shut(uint64_t page, bool shut)
{
    if (mprotect((void *)page, 0x1000, shut ? PROT_NONE : PROT_READ | PROT_WRITE) != 0)
        base_panic("cannot change the access to the page at %llx: %s", (unsigned long long)page, strerror(errno));
}

void host_lose_now(void)
{
    if (host_lose_hook)
        host_lose_hook();
    for (unsigned i = 0; i < loss_count; i++)
        lose(losses[i].address, losses[i].bytes);
    loss_count = 0;
    host_losses_wait = false;
}

/* Ranges side by side become one, to be lost in one call. */
static void lose_later(uint64_t address, size_t bytes)
{
    for (unsigned i = 0; i < loss_count;) {
        uint64_t low = losses[i].address, end = low + losses[i].bytes;
        if (low <= address && address + bytes <= end)
            return;
        if (end < address || address + bytes < low) {
            i++;
            continue;
        }
        low = low < address ? low : address;
        bytes = (end > address + bytes ? end : address + bytes) - low;
        address = low;
        losses[i] = losses[--loss_count];
        i = 0;
    }
    if (loss_count == MOST_LOSSES)
        host_lose_now();
    losses[loss_count].address = address;
    losses[loss_count++].bytes = bytes;
    host_losses_wait = true;
}

enum change { CHANGES_NOTHING, TAKES_AWAY, GIVES };

static enum change change_of(uint64_t address, size_t bytes, int prot)
{
    const uint8_t *is = actual_of(address);
    enum change c = CHANGES_NOTHING;
    for (size_t n = (bytes + 0xFFF) >> 12, i = run_of(is, n, (uint8_t)prot); i < n; i++)
        if (is[i] != prot) {
            if (prot & ~is[i])
                return GIVES;
            c = TAKES_AWAY;
        }
    return c;
}

void host_protect(uint64_t address, size_t bytes, int prot)
{
    enum change c = GIVES;
    if (is_tracked(address)) {
        protection_note(address, bytes, prot);
        c = change_of(address, bytes, prot);
    }
    if (c == GIVES)
        protect_now(address, bytes, prot);
    else if (c == TAKES_AWAY)
        lose_later(address, bytes);
}

void host_protection_restore(uint64_t address, size_t bytes, int prot)
{
    if (address < USER_BASE || address >= USER_END) {
        host_protect(address, bytes, prot);
        return;
    }
    protection_note(address, bytes, prot);
    lose_later(address, bytes);
}

void host_protect_apart(uint64_t address, size_t bytes, int prot)
{
    uint64_t losses = write_losses;
    host_protect(address, bytes, prot);
    write_losses = losses;
}

void host_zero_user(uint64_t address, size_t bytes)
{
    IR_ASSERT(address >= USER_BASE && address + bytes <= USER_END);
    host_heat_range(address, bytes);
    memset((void *)(address - USER_BASE + VIEW_BASE), 0, bytes);
}

/* Neighbours of another kind are never merged with it, nor is it split when all of its access changes: several times as fast. The kind is
 * whether a core dump has it, which means nothing here; it stays for the life of the process. */
void host_map_apart(uint64_t address, size_t bytes)
{
    uint8_t *apart = page_apart + ((address - USER_BASE) >> 12);
    IR_ASSERT(is_tracked(address) && bytes);
    if (apart[0] && apart[(bytes - 1) >> 12])
        return;
    memset(apart, 1, (bytes + 0xFFF) >> 12);
    madvise((void *)address, bytes, MADV_DONTDUMP);
}

void host_discard(uint64_t address, size_t bytes)
{
    host_heat_range(address, bytes);
    if (madvise((void *)address, bytes, MADV_REMOVE) != 0)
        base_panic("cannot clear %zu bytes at %llx: %s", bytes, (unsigned long long)address, strerror(errno));
}

bool host_map_fixed(uint64_t address, size_t bytes)
{
    void *want = (void *)address;
    void *got = mmap(want, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == want)
        return true;
    if (got != MAP_FAILED)
        munmap(got, bytes);
    return false;
}

void host_alias(uint64_t alias, uint64_t original, size_t bytes, int prot)
{
    IR_ASSERT(original >= USER_BASE && original + bytes <= PRIVATE_END);
    host_heat_range(original, bytes);
    host_heat_range(alias, bytes);
    void *got = mmap((void *)alias, bytes, prot, MAP_SHARED | MAP_FIXED, arena_fd, (off_t)(original - USER_BASE));
    if (got == MAP_FAILED)
        base_panic("cannot alias %zu bytes: %s", bytes, strerror(errno));
    protection_note(alias, bytes, prot);
    actual_note(alias, bytes, prot);
}

uint64_t host_stack_prepare(uint64_t top, void (*fn)(void *), void *arg)
{
    /* host_switch pops r15 r14 r13 r12 rbp rbx and returns to host_fiber_start with a 16-aligned stack, as before a call. */
    uint64_t *sp = (uint64_t *)(top & ~0xFull);
    *--sp = 0;
    *--sp = 0;
    *--sp = (uint64_t)host_fiber_start;
    *--sp = (uint64_t)fn; /* rbx */
    *--sp = 0; /* rbp */
    *--sp = (uint64_t)arg; /* r12 */
    *--sp = 0;
    *--sp = 0;
    *--sp = 0;
    return (uint64_t)sp;
}
