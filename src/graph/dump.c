/* Reading dumps: where each page lies. */
#include "graph/dump.h"
#include "graph/sweep.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 0x2000, TYPE_FULL = 1, TYPE_SUMMARY = 2, TYPE_TRIAGE = 4, TYPE_BITMAP_FULL = 5, TYPE_BITMAP_KERNEL = 6, TYPE_AUTOMATIC = 7,
       TYPE_KERNEL = 8, TYPE_KERNEL_USER = 9, TYPE_COMPLETE = 10 };
enum { MOST_RUNS = 1 << 22, HEADER_RUNS = 42 /* as many as fit into 700 bytes */, LIST = HEADER + 0x30, BITMAP = HEADER + 0x38 };

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

static bool refuse(char *err, size_t errlen, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool refuse(char *err, size_t errlen, const char *format, ...)
{
    va_list v;
    va_start(v, format);
    vsnprintf(err, errlen, format, v);
    va_end(v);
    return false;
}

/* Adds pages that lie one after the other at the end of what was read so far. A dump whose pages go on behind the end of
 * the file is refused: code that silently reads as zero is worse than none. */
static bool add_run(struct graph_dump *d, uint64_t pfn, uint64_t count, uint64_t *offset, char *err, size_t errlen)
{
    if (pfn > UINT64_MAX >> 13 || count > UINT64_MAX >> 13 || d->run_count >= MOST_RUNS)
        return refuse(err, errlen, "damaged memory dump: a run of %llu pages at page 0x%llx", (unsigned long long)count, (unsigned long long)pfn);
    if (*offset > d->size || (d->size - *offset) / 4096 < count)
        return refuse(err, errlen, "damaged memory dump: it ends before page 0x%llx that it says it holds",
                      (unsigned long long)(pfn + (*offset > d->size ? 0 : (d->size - *offset) / 4096)));
    struct graph_run *last = d->run_count ? &d->runs[d->run_count - 1] : NULL;
    if (last && last->pfn + last->count == pfn && last->offset + last->count * 4096 == *offset) {
        last->count += count;
    } else if (count) {
        void *p = graph_grow(d->runs, &d->run_room, d->run_count, sizeof *d->runs);
        if (!p)
            return refuse(err, errlen, "out of memory");
        d->runs = p;
        d->runs[d->run_count++] = (struct graph_run){ pfn, count, *offset };
    }
    *offset += count * 4096;
    return true;
}

/* Type 1: the runs of the header, one after the other. */
static bool runs_of_header(struct graph_dump *d, char *err, size_t errlen)
{
    uint32_t n = read32(d, 0x88);
    uint64_t offset = HEADER;
    if (n == 0 || n > HEADER_RUNS)
        return refuse(err, errlen, "damaged memory dump: %u runs of physical memory", n);
    for (uint32_t i = 0; i < n; i++)
        if (!add_run(d, read64(d, 0x98 + 16 * (uint64_t)i), read64(d, 0xa0 + 16 * (uint64_t)i), &offset, err, errlen))
            return false;
    return true;
}

/* Types 5 and 6 (2 and 7 where they are written the same way): a bit for each page, then the pages whose bit is set. */
static bool runs_of_bitmap(struct graph_dump *d, char *err, size_t errlen)
{
    const uint8_t *sign = d->file + HEADER;
    uint64_t offset = read64(d, HEADER + 0x20), pages = read64(d, BITMAP - 8);
    if ((memcmp(sign, "SDMP", 4) != 0 && memcmp(sign, "FDMP", 4) != 0) || memcmp(sign + 4, "DUMP", 4) != 0)
        return refuse(err, errlen, "damaged memory dump: no bitmap header behind the dump header");
    if (offset < BITMAP || offset > d->size || pages > (offset - BITMAP) * 8)
        return refuse(err, errlen, "damaged memory dump: a bitmap of %llu pages that ends at 0x%llx", (unsigned long long)pages, (unsigned long long)offset);
    for (uint64_t pfn = 0; pfn < pages; pfn++) {
        uint8_t bits = d->file[BITMAP + pfn / 8];
        if (pfn % 8 == 0 && bits == 0)
            pfn += 7;
        else if (bits >> pfn % 8 & 1 && !add_run(d, pfn, 1, &offset, err, errlen))
            return false;
    }
    return true;
}

/* Types 8 to 10: runs after a second header, ended by an empty one or, in type 10, by the number of pages. */
static bool runs_of_list(struct graph_dump *d, char *err, size_t errlen)
{
    uint64_t offset = read64(d, HEADER + 0x20), end = offset, total = read64(d, HEADER + 0x28), seen = 0;
    if (memcmp(d->file + HEADER + 4, "RDMP", 4) != 0 || memcmp(d->file + HEADER + 8, "DUMP", 4) != 0)
        return refuse(err, errlen, "damaged memory dump: no list of pages behind the dump header");
    if (offset < LIST || offset > d->size)
        return refuse(err, errlen, "damaged memory dump: its pages begin at 0x%llx", (unsigned long long)offset);
    for (uint64_t at = LIST; at + 16 <= end; at += 16) {
        uint64_t pfn = read64(d, at), count = read64(d, at + 8);
        if (d->type == TYPE_COMPLETE ? seen >= total : pfn == 0)
            break;
        if (!add_run(d, pfn, count, &offset, err, errlen))
            return false;
        seen += count;
    }
    return true;
}

static int by_pfn(const void *a, const void *b)
{
    const struct graph_run *x = a, *y = b;
    return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static bool read_runs(struct graph_dump *d, char *err, size_t errlen)
{
    bool ok;
    switch (d->type) {
    case TYPE_FULL:
        ok = runs_of_header(d, err, errlen);
        break;
    case TYPE_SUMMARY: case TYPE_BITMAP_FULL: case TYPE_BITMAP_KERNEL: case TYPE_AUTOMATIC:
        ok = runs_of_bitmap(d, err, errlen);
        break;
    case TYPE_KERNEL: case TYPE_KERNEL_USER: case TYPE_COMPLETE:
        ok = runs_of_list(d, err, errlen);
        break;
    case TYPE_TRIAGE:
        return refuse(err, errlen, "a small memory dump holds no code");
    default:
        return refuse(err, errlen, "memory dumps of type %u are not known", d->type);
    }
    if (ok && !d->run_count)
        return refuse(err, errlen, "the memory dump holds no pages");
    if (ok)
        qsort(d->runs, d->run_count, sizeof *d->runs, by_pfn);
    return ok;
}

static bool read_header(struct graph_dump *d, char *err, size_t errlen)
{
    if (d->size < 8 || memcmp(d->file, "PAGEDU64", 8) != 0)
        return refuse(err, errlen, "not a memory dump of x64 Windows");
    if (d->size < HEADER + 0x40)
        return refuse(err, errlen, "damaged memory dump: %llu bytes do not hold its header", (unsigned long long)d->size);
    if (read32(d, 0x30) != 0x8664)
        return refuse(err, errlen, "not a memory dump of x64 Windows");
    d->type = read32(d, 0xf98);
    d->directory = read64(d, 0x10) & 0xffffffffff000;
    d->modules = read64(d, 0x20);
    d->debugger_data = read64(d, 0x80);
    d->bugcheck = read32(d, 0x38);
    for (int k = 0; k < 4; k++)
        d->parameters[k] = read64(d, 0x40 + 8 * (uint64_t)k);
    return read_runs(d, err, errlen);
}

bool graph_dump_open_bytes(struct graph_dump *d, const void *bytes, size_t size, char *err, size_t errlen)
{
    *d = (struct graph_dump){ .file = bytes, .size = size };
    if (read_header(d, err, errlen))
        return true;
    graph_dump_close(d);
    return false;
}

bool graph_dump_open(struct graph_dump *d, const char *path, char *err, size_t errlen)
{
    struct stat st;
    memset(d, 0, sizeof *d);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *at = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                                                                                   : MAP_FAILED;
    if (fd >= 0)
        close(fd);
    if (at == MAP_FAILED)
        return refuse(err, errlen, "cannot be read as a memory dump");
    if (!graph_dump_open_bytes(d, at, (size_t)st.st_size, err, errlen)) {
        munmap(at, (size_t)st.st_size);
        return false;
    }
    d->mapped = true;
    return true;
}

void graph_dump_close(struct graph_dump *d)
{
    if (d->mapped)
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
        if (!graph_dump_physical(d, table + (va >> shift & 511) * 8, &entry, 8))
            return false;
        /* DOC: a page in transition (bit 11, not a prototype: bit 10) still has its content where the entry says. */
        bool transition = level == 0 && (entry & 0xc00) == 0x800;
        if (!(entry & 1) && !transition)
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
