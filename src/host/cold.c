/* See cold.h. */
#include "host/cold.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "host/host.h"

enum { PAGE = 0x1000 };

uint8_t host_cold_pages[(PRIVATE_END - USER_BASE) >> 12];
size_t host_cold_count;
static uint64_t *heated; /* room for all that have ever been cold: the signal handler cannot ask for more */
static size_t heated_count, heated_room;

static void protect(uint64_t page, int prot)
{
    if (mprotect((void *)page, PAGE, prot) != 0)
        base_panic("mprotect of a page at %llx", (unsigned long long)page);
}

void host_cool(uint64_t address, size_t bytes)
{
    uint64_t end = address + bytes;
    IR_ASSERT(address >= USER_BASE && end <= PRIVATE_END);
    for (uint64_t page = address & ~(uint64_t)(PAGE - 1); page < end; page += PAGE) {
        if (host_is_cold(page))
            continue;
        if (heated_room < heated_count + host_cold_count + 1) {
            heated_room = heated_room * 2 + 1024;
            heated = realloc(heated, heated_room * sizeof *heated);
            IR_ASSERT(heated);
        }
        host_cold_pages[(page - USER_BASE) >> 12] = 1;
        host_cold_count++;
        int prot = host_actual_protection(page);
        if (prot & PROT_WRITE)
            protect(page, prot & ~PROT_WRITE);
    }
}

bool host_heat(uint64_t address)
{
    if (!host_is_cold(address))
        return false;
    uint64_t page = address & ~(uint64_t)(PAGE - 1);
    int prot = host_actual_protection(page);
    host_cold_pages[(page - USER_BASE) >> 12] = 0;
    host_cold_count--;
    heated[heated_count++] = page;
    if (prot & PROT_WRITE)
        protect(page, prot);
    return true;
}

void host_heat_range(uint64_t address, size_t bytes)
{
    for (uint64_t page = address & ~(uint64_t)(PAGE - 1); host_cold_count && page < address + bytes; page += PAGE)
        host_heat(page);
}

size_t host_heated(const uint64_t **pages)
{
    *pages = heated;
    return heated_count;
}
