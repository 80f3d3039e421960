#include "race/shadow.h"

#include <string.h>

enum { PAGE = 0x1000, GRANULE = 8, PER_PAGE = PAGE / GRANULE };

struct page {
    uint64_t number; /* address / PAGE, 0: free place */
    uint8_t *at;
};

struct shadow {
    struct page *pages;
    size_t count, size;
};

struct shadow *shadow_new(void)
{
    struct shadow *s = sim_alloc(sizeof *s);
    s->size = 64;
    s->pages = sim_alloc(s->size * sizeof *s->pages);
    return s;
}

static struct page *place_of(struct page *table, size_t size, uint64_t number)
{
    size_t i = (size_t)(number * 0x9E3779B97F4A7C15ull >> 30) & (size - 1);
    while (table[i].number && table[i].number != number)
        i = (i + 1) & (size - 1);
    return &table[i];
}

static const uint8_t *page_of(const struct shadow *s, uint64_t address)
{
    return place_of(s->pages, s->size, address / PAGE)->at;
}

static uint8_t *page_make(struct shadow *s, uint64_t address)
{
    if (s->count * 2 >= s->size) {
        size_t size = s->size * 2;
        struct page *table = sim_alloc(size * sizeof *table);
        for (size_t i = 0; i < s->size; i++)
            if (s->pages[i].number)
                *place_of(table, size, s->pages[i].number) = s->pages[i];
        sim_free(s->pages, s->size * sizeof *table);
        s->pages = table;
        s->size = size;
    }
    struct page *p = place_of(s->pages, s->size, address / PAGE);
    if (!p->at) {
        s->count++;
        p->number = address / PAGE;
        p->at = sim_alloc(PER_PAGE);
    }
    return p->at;
}

void shadow_set(struct shadow *s, uint64_t address, uint64_t count, uint8_t value)
{
    while (count) {
        uint64_t in_page = address % PAGE / GRANULE, n = PER_PAGE - in_page < count ? PER_PAGE - in_page : count;
        if (value || page_of(s, address))
            memset(page_make(s, address) + in_page, value, n);
        address += n * GRANULE;
        count -= n;
    }
}

void shadow_open(struct shadow *s, uint64_t address, uint64_t bytes)
{
    uint64_t end = address + bytes, first = address & ~(uint64_t)(GRANULE - 1);
    shadow_set(s, first, (end - first) / GRANULE, 0);
    if (end % GRANULE) {
        uint8_t now = shadow_at(s, end);
        if (now && (now >= GRANULE || now < end % GRANULE))
            shadow_set(s, end & ~(uint64_t)(GRANULE - 1), 1, end % GRANULE);
    }
}

void shadow_close(struct shadow *s, uint64_t address, uint64_t bytes, uint8_t why)
{
    uint64_t end = address + bytes;
    if (address % GRANULE) { /* the bytes before it stay open */
        uint64_t first = address & ~(uint64_t)(GRANULE - 1);
        uint8_t now = shadow_at(s, address);
        if (end >= first + GRANULE && (now == 0 || (now < GRANULE && now > address % GRANULE)))
            shadow_set(s, first, 1, address % GRANULE);
        address = first + GRANULE;
    }
    if (address < end)
        shadow_set(s, address, (end - address) / GRANULE, why); /* a part at the end cannot be closed alone */
}

void shadow_reopen(struct shadow *s, uint64_t address, uint64_t bytes, uint8_t why)
{
    for (uint64_t at = address & ~(uint64_t)(GRANULE - 1); at < address + bytes; at += GRANULE)
        if (shadow_at(s, at) == why)
            shadow_set(s, at, 1, 0);
}

uint8_t shadow_at(const struct shadow *s, uint64_t address)
{
    const uint8_t *p = page_of(s, address);
    return p ? p[address % PAGE / GRANULE] : 0;
}

bool shadow_find(const struct shadow *s, uint64_t address, uint64_t bytes, uint64_t *bad)
{
    for (uint64_t at = address, end = address + bytes; at < end;) {
        const uint8_t *p = page_of(s, at);
        if (!p) {
            at = (at | (PAGE - 1)) + 1;
            continue;
        }
        uint8_t value = p[at % PAGE / GRANULE];
        uint64_t next = (at | (GRANULE - 1)) + 1, last = (next < end ? next : end) - 1;
        if (value && (value >= GRANULE || last % GRANULE >= value)) {
            *bad = value < GRANULE && at % GRANULE < value ? (at & ~(uint64_t)(GRANULE - 1)) + value : at;
            return true;
        }
        at = next;
    }
    return false;
}
