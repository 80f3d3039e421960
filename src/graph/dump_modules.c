/* The modules of a dump, and each as a file. */
#include "graph/dump.h"
#include "graph/sweep.h"

#include <stdio.h>
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

/* DOC: KDDEBUGGER_DATA64 (wdbgexts.h): OwnerTag 0x10 is KDBG, KernBase 0x18, PsLoadedModuleList 0x48. */
static uint64_t list_of_debugger_data(const struct graph_dump *d)
{
    uint8_t data[0x50];
    uint64_t list = 0;
    if (d->debugger_data && graph_dump_virtual(d, d->debugger_data, data, sizeof data) && memcmp(data + 0x10, "KDBG", 4) == 0)
        memcpy(&list, data + 0x48, 8);
    return list;
}

static bool list_head(const struct graph_dump *d, uint64_t *head, uint64_t *first)
{
    uint64_t at[2] = { d->modules, list_of_debugger_data(d) };
    for (int k = 0; k < 2; k++)
        if (at[k] && graph_dump_virtual(d, at[k], first, 8) && *first) {
            *head = at[k];
            return true;
        }
    return false;
}

/* A damaged list may name one place again and again. */
static bool is_there(const struct graph_module *at, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++)
        if (at[i].base == base)
            return true;
    return false;
}

static bool add_module(struct graph_module **out, size_t *count, size_t *room, const struct graph_module *m)
{
    void *p = graph_grow(*out, room, *count, sizeof *m);
    if (!p)
        return false;
    *out = p;
    (*out)[(*count)++] = *m;
    return true;
}

bool graph_dump_modules(const struct graph_dump *d, struct graph_module **out, size_t *count, char *err, size_t errlen)
{
    uint64_t head, at;
    size_t room = 0;
    *out = NULL;
    *count = 0;
    snprintf(err, errlen, "damaged memory dump: the list of loaded modules cannot be read");
    if (!list_head(d, &head, &at))
        return false;
    for (int steps = 0; at != head; steps++) {
        uint8_t entry[ENTRY];
        struct graph_module m;
        if (steps == MOST_MODULES || !graph_dump_virtual(d, at, entry, sizeof entry))
            return false;
        memcpy(&at, entry, 8);
        memcpy(&m.base, entry + 0x30, 8);
        memcpy(&m.size, entry + 0x40, 4);
        read_name(d, entry + 0x58, m.name, sizeof m.name);
        if (!m.size || m.size > LARGEST || m.base > UINT64_MAX - m.size || !m.name[0] || is_there(*out, *count, m.base))
            continue;
        if (!add_module(out, count, &room, &m)) {
            snprintf(err, errlen, "out of memory");
            return false;
        }
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

/* The header is read first: most of what a damaged list claims ends here, before anything large is asked for. */
static bool has_header(const struct graph_dump *d, const struct graph_module *m)
{
    uint8_t start[0x40], sign[4];
    return graph_dump_virtual(d, m->base, start, sizeof start) && start[0] == 'M' && start[1] == 'Z' && get32(start + 0x3c) < m->size &&
           graph_dump_virtual(d, m->base + get32(start + 0x3c), sign, 4) && memcmp(sign, "PE\0\0", 4) == 0;
}

uint8_t *graph_dump_image(const struct graph_dump *d, const struct graph_module *m, uint8_t **absent)
{
    uint8_t *image = has_header(d, m) ? calloc(1, m->size) : NULL;
    uint8_t *bits = image ? calloc(1, m->size / 4096 / 8 + 1) : NULL;
    for (uint32_t at = 0; bits && at < m->size; at += 4096)
        if (!graph_dump_virtual(d, m->base + at, image + at, m->size - at < 4096 ? m->size - at : 4096))
            bits[at / 4096 / 8] |= (uint8_t)(1 << at / 4096 % 8);
    if (!bits || !lay_out_as_file(image, m->size, m->base)) {
        free(bits);
        free(image);
        return NULL;
    }
    if (absent)
        *absent = bits;
    else
        free(bits);
    return image;
}
