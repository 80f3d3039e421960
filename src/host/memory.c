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
    map_at(VIEW_BASE, USER_END - USER_BASE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, arena_fd, 0);
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

/* Of each process's slice: whether it is hidden, and what of it was ever accessible. */
static struct {
    bool hidden;
    uint64_t low, high;
} slices[USER_SLICES];
static bool any_hidden;

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

static void protection_note(uint64_t address, size_t bytes, int prot)
{
    if (address < USER_BASE || address >= PRIVATE_BASE)
        return;
    if (address < USER_END && prot != PROT_NONE)
        slice_note(address, bytes);
    memset(page_protection + ((address - USER_BASE) >> 12), prot, (bytes + 0xFFF) >> 12);
    write_losses += !(prot & PROT_WRITE);
}

int host_page_protection(uint64_t address)
{
    return address >= USER_BASE && address < PRIVATE_BASE ? page_protection[(address - USER_BASE) >> 12] : PROT_NONE;
}

uint64_t host_write_losses(void)
{
    return write_losses;
}

bool host_slice_is_hidden(uint64_t address)
{
    return any_hidden && address >= USER_BASE && address < USER_END && slices[(address - USER_BASE) / USER_SLICE].hidden;
}

void host_slice_show(uint64_t address)
{
    if (!host_slice_is_hidden(address))
        return;
    uint64_t i = (address - USER_BASE) / USER_SLICE, run;
    slices[i].hidden = false;
    any_hidden = false;
    for (unsigned k = 0; k < USER_SLICES; k++)
        any_hidden |= slices[k].hidden;
    for (uint64_t at = slices[i].low; at < slices[i].high; at = run) {
        int prot = host_page_protection(at);
        for (run = at + 0x1000; run < slices[i].high && host_page_protection(run) == prot;)
            run += 0x1000;
        if (prot != PROT_NONE && mprotect((void *)at, run - at, prot) != 0)
            base_panic("mprotect of %zu bytes at %llx: %s", (size_t)(run - at), (unsigned long long)at, strerror(errno));
    }
}

void host_slices_show(void)
{
    for (uint64_t i = 0; any_hidden && i < USER_SLICES; i++)
        host_slice_show(USER_BASE + i * USER_SLICE);
}

void host_slices_hide_but(uint64_t shown)
{
    for (uint64_t i = 0; i < USER_SLICES; i++) {
        if (slices[i].hidden || !slices[i].high || USER_BASE + i * USER_SLICE == shown)
            continue;
        if (mprotect((void *)slices[i].low, slices[i].high - slices[i].low, PROT_NONE) != 0)
            base_panic("mprotect of a process's slice: %s", strerror(errno));
        slices[i].hidden = any_hidden = true;
    }
}

void host_protect(uint64_t address, size_t bytes, int prot)
{
    host_slice_show(address);
    if (mprotect((void *)address, bytes, prot) != 0)
        base_panic("mprotect of %zu bytes at %llx: %s", bytes, (unsigned long long)address, strerror(errno));
    protection_note(address, bytes, prot);
}

void host_discard(uint64_t address, size_t bytes)
{
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
    host_slice_show(alias);
    void *got = mmap((void *)alias, bytes, prot, MAP_SHARED | MAP_FIXED, arena_fd, (off_t)(original - USER_BASE));
    if (got == MAP_FAILED)
        base_panic("cannot alias %zu bytes: %s", bytes, strerror(errno));
    protection_note(alias, bytes, prot);
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
