/* The modules of a dump, and each as a file. */
#include "graph/dump.h"
#include "graph/sweep.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_MODULES = 2000, LARGEST = 256 << 20, ENTRY = 0x68 };

static void read_name(const struct graph_dump *d, const uint8_t *unicode, char *out, size_t n)
{
    uint16_t length, text[64] = { 0 };
    uint64_t at;
    memcpy(&length, unicode, 2);
    memcpy(&at, unicode + 8, 8);
    length = length / 2 < 63 ? length / 2 : 63;
    size_t k = 0;
    if (graph_dump_virtual(d, at, text, length * 2u))
        for (; k < length && k + 1 < n; k++)
            out[k] = text[k] >= 0x20 && text[k] < 0x7f && text[k] != '/' ? (char)text[k] : '_';
    out[k] = 0;
}

bool graph_dump_modules(const struct graph_dump *d, struct graph_module **out, size_t *count)
{
    uint64_t at = 0;
    size_t room = 0;
    *out = NULL;
    *count = 0;
    graph_dump_virtual(d, d->modules, &at, 8);
    for (int steps = 0; at && at != d->modules && steps < MOST_MODULES; steps++) {
        uint8_t entry[ENTRY];
        struct graph_module m;
        if (!graph_dump_virtual(d, at, entry, sizeof entry))
            break;
        memcpy(&at, entry, 8);
        memcpy(&m.base, entry + 0x30, 8);
        memcpy(&m.size, entry + 0x40, 4);
        read_name(d, entry + 0x58, m.name, sizeof m.name);
        if (!m.size || m.size > LARGEST || !m.name[0])
            continue;
        void *p = graph_grow(*out, &room, *count, sizeof m);
        if (!p)
            return false;
        *out = p;
        (*out)[(*count)++] = m;
    }
    return true;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static void set32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

/* In memory a section lies at its RVA: so it shall in the file. */
static bool lay_out_as_file(uint8_t *image, uint32_t size, uint64_t base)
{
    uint32_t headers = size >= 0x40 ? get32(image + 0x3c) : size;
    if (headers > size - 0x108 || size < 0x1000 || memcmp(image + headers, "PE\0\0", 4) != 0)
        return false;
    uint16_t sections, optional;
    memcpy(&sections, image + headers + 6, 2);
    memcpy(&optional, image + headers + 20, 2);
    uint64_t table = (uint64_t)headers + 24 + optional;
    if (table + 40ull * sections > size)
        return false;
    memcpy(image + headers + 24 + 24, &base, 8);
    set32(image + headers + 24 + 36, 0x200);                            /* FileAlignment */
    set32(image + headers + 12, 0);                                     /* COFF symbols are not loaded */
    set32(image + headers + 16, 0);
    for (unsigned k = 0; k < sections; k++) {
        uint8_t *s = image + table + 40u * k;
        uint32_t vsize = get32(s + 8), rva = get32(s + 12);
        uint32_t there = rva < size ? size - rva : 0;
        set32(s + 16, vsize < there ? vsize : there);
        set32(s + 20, rva);
    }
    return true;
}

uint8_t *graph_dump_image(const struct graph_dump *d, const struct graph_module *m)
{
    uint8_t *image = calloc(1, m->size);
    if (!image)
        return NULL;
    for (uint32_t at = 0; at < m->size; at += 4096)
        graph_dump_virtual(d, m->base + at, image + at, m->size - at < 4096 ? m->size - at : 4096);
    if (lay_out_as_file(image, m->size, m->base))
        return image;
    free(image);
    return NULL;
}
