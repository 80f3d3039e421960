/* Reading dumps: where each page lies. */
#include "graph/dump.h"
#include "graph/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 0x2000, TYPE_FULL = 1, TYPE_BITMAP_FULL = 5, TYPE_BITMAP_KERNEL = 6, TYPE_KERNEL = 8, TYPE_KERNEL_USER = 9, TYPE_COMPLETE = 10 };
enum { MOST_RUNS = 1 << 22 };

static uint64_t read64(const struct graph_dump *d, uint64_t at)
{
    uint64_t v = 0;
    if (at <= d->size && d->size - at >= 8)
        memcpy(&v, d->file + at, 8);
    return v;
}

static uint32_t read32(const struct graph_dump *d, uint64_t at)
{
    uint32_t v = 0;
    if (at <= d->size && d->size - at >= 4)
        memcpy(&v, d->file + at, 4);
    return v;
}

bool graph_is_dump(const char *path)
{
    char start[8] = { 0 };
    FILE *f = fopen(path, "rb");
    bool ok = f && fread(start, 1, 8, f) == 8 && memcmp(start, "PAGEDU64", 8) == 0;
    if (f)
        fclose(f);
    return ok;
}

static bool add_run(struct graph_dump *d, uint64_t pfn, uint64_t count, uint64_t offset)
{
    if (!count || d->run_count >= MOST_RUNS || pfn > UINT64_MAX >> 13 || count > d->size / 4096 + 1)
        return d->run_count < MOST_RUNS;
    struct graph_run *last = d->run_count ? &d->runs[d->run_count - 1] : NULL;
    if (last && last->pfn + last->count == pfn && last->offset + last->count * 4096 == offset) {
        last->count += count;
        return true;
    }
    void *p = graph_grow(d->runs, &d->run_room, d->run_count, sizeof *d->runs);
    if (!p)
        return false;
    d->runs = p;
    d->runs[d->run_count++] = (struct graph_run){ pfn, count, offset };
    return true;
}

/* Type 1: the runs of the header, one after the other. */
static bool runs_of_header(struct graph_dump *d)
{
    uint32_t n = read32(d, 0x88);
    uint64_t offset = HEADER;
    for (uint32_t i = 0; i < n && i < 42; i++) { /* as many as fit into 700 bytes */
        uint64_t pfn = read64(d, 0x98 + 16 * (uint64_t)i), count = read64(d, 0xa0 + 16 * (uint64_t)i);
        if (!add_run(d, pfn, count, offset))
            return false;
        offset += count * 4096;
    }
    return true;
}

/* Types 5 and 6: a bit for each page, then the pages whose bit is set. */
static bool runs_of_bitmap(struct graph_dump *d)
{
    uint64_t offset = read64(d, HEADER + 0x20), pages = read64(d, HEADER + 0x30), bitmap = HEADER + 0x38;
    for (uint64_t pfn = 0; pfn < pages && bitmap + pfn / 8 < d->size; pfn++) {
        if (pfn % 8 == 0 && d->file[bitmap + pfn / 8] == 0) {
            pfn += 7;
            continue;
        }
        if (!(d->file[bitmap + pfn / 8] >> pfn % 8 & 1))
            continue;
        if (!add_run(d, pfn, 1, offset))
            return false;
        offset += 4096;
    }
    return true;
}

/* Types 8 to 10: runs after a second header, ended by an empty one or, in type 10, by the number of pages. */
static bool runs_of_list(struct graph_dump *d)
{
    uint64_t offset = read64(d, HEADER + 0x20), total = read64(d, HEADER + 0x28), seen = 0;
    for (uint64_t at = HEADER + 0x30; at + 16 <= d->size && at < offset; at += 16) {
        uint64_t pfn = read64(d, at), count = read64(d, at + 8);
        if (d->type == TYPE_COMPLETE ? seen >= total : pfn == 0)
            break;
        if (!add_run(d, pfn, count, offset))
            return false;
        offset += count * 4096;
        seen += count;
    }
    return true;
}

static int by_pfn(const void *a, const void *b)
{
    const struct graph_run *x = a, *y = b;
    return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static bool refuse(char *err, size_t errlen, const char *why, uint32_t n)
{
    snprintf(err, errlen, why, n);
    return false;
}

static bool read_runs(struct graph_dump *d, char *err, size_t errlen)
{
    bool ok;
    switch (d->type) {
    case TYPE_FULL:
        ok = runs_of_header(d);
        break;
    case TYPE_BITMAP_FULL: case TYPE_BITMAP_KERNEL:
        ok = runs_of_bitmap(d);
        break;
    case TYPE_KERNEL: case TYPE_KERNEL_USER: case TYPE_COMPLETE:
        ok = runs_of_list(d);
        break;
    case 4:
        return refuse(err, errlen, "a small memory dump holds no code", 0);
    default:
        return refuse(err, errlen, "dumps of type %u are not known", d->type);
    }
    if (ok && d->run_count)
        qsort(d->runs, d->run_count, sizeof *d->runs, by_pfn);
    return ok && d->run_count ? true : refuse(err, errlen, ok ? "the dump holds no pages" : "out of memory", 0);
}

bool graph_dump_open(struct graph_dump *d, const char *path, char *err, size_t errlen)
{
    struct stat st;
    memset(d, 0, sizeof *d);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *at = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= HEADER + 0x40
                   ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (fd >= 0)
        close(fd);
    if (at == MAP_FAILED)
        return refuse(err, errlen, "cannot be read as a memory dump", 0);
    d->file = at;
    d->size = (uint64_t)st.st_size;
    if (memcmp(d->file, "PAGEDU64", 8) != 0 || read32(d, 0x30) != 0x8664) {
        graph_dump_close(d);
        return refuse(err, errlen, "not a memory dump of x64 Windows", 0);
    }
    d->type = read32(d, 0xf98);
    d->directory = read64(d, 0x10) & 0xffffffffff000;
    d->modules = read64(d, 0x20);
    d->bugcheck = read32(d, 0x38);
    for (int k = 0; k < 4; k++)
        d->parameters[k] = read64(d, 0x40 + 8 * (uint64_t)k);
    if (read_runs(d, err, errlen))
        return true;
    graph_dump_close(d);
    return false;
}

void graph_dump_close(struct graph_dump *d)
{
    if (d->file)
        munmap((void *)(uintptr_t)d->file, d->size);
    free(d->runs);
    memset(d, 0, sizeof *d);
}

/* --- memory ------------------------------------------------------------------------------------------------- */

static const uint8_t *page(const struct graph_dump *d, uint64_t pfn)
{
    size_t low = 0, high = d->run_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (d->runs[mid].pfn <= pfn)
            low = mid + 1;
        else
            high = mid;
    }
    const struct graph_run *r = low ? &d->runs[low - 1] : NULL;
    if (!r || pfn - r->pfn >= r->count)
        return NULL;
    uint64_t offset = r->offset + (pfn - r->pfn) * 4096;
    return offset <= d->size && d->size - offset >= 4096 ? d->file + offset : NULL;
}

bool graph_dump_physical(const struct graph_dump *d, uint64_t pa, void *to, size_t n)
{
    uint8_t *out = to;
    while (n) {
        size_t part = 4096 - (pa & 4095) < n ? 4096 - (pa & 4095) : n;
        const uint8_t *p = page(d, pa >> 12);
        if (!p)
            return false;
        memcpy(out, p + (pa & 4095), part);
        out += part;
        pa += part;
        n -= part;
    }
    return true;
}

static bool translate(const struct graph_dump *d, uint64_t va, uint64_t *pa)
{
    uint64_t table = d->directory, entry;
    for (int level = 3; level >= 0; level--) {
        unsigned shift = 12 + 9 * (unsigned)level;
        if (!graph_dump_physical(d, table + (va >> shift & 511) * 8, &entry, 8) || !(entry & 1))
            return false;
        table = entry & 0xffffffffff000;
        if (level == 0 || ((level == 1 || level == 2) && entry & 0x80)) {
            uint64_t mask = (UINT64_C(1) << shift) - 1;
            *pa = (table & ~mask) | (va & mask);
            return true;
        }
    }
    return false;
}

bool graph_dump_virtual(const struct graph_dump *d, uint64_t va, void *to, size_t n)
{
    uint8_t *out = to;
    while (n) {
        uint64_t pa;
        size_t part = 4096 - (va & 4095) < n ? 4096 - (va & 4095) : n;
        if (!translate(d, va, &pa) || !graph_dump_physical(d, pa, out, part))
            return false;
        out += part;
        va += part;
        n -= part;
    }
    return true;
}
