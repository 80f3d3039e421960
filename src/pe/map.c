/* An image in memory: laying it out, moving it, and the bounds-checked reads that everything else uses. */
#include "base/assert.h"
#include "pe/format.h"
#include "pe/pe.h"
#include "pe/text.h"

#include <stdlib.h>
#include <string.h>

void *pe_at(const struct pe_mapped *m, uint32_t rva, size_t len)
{
    if (rva > m->size || len > m->size - rva)
        return NULL;
    return m->base + rva;
}

const char *pe_string_at(const struct pe_mapped *m, uint32_t rva)
{
    if (rva >= m->size)
        return NULL;
    const char *s = (const char *)m->base + rva;
    size_t room = m->size - rva;
    return memchr(s, 0, room < PE_MAX_STRING ? room : PE_MAX_STRING) ? s : NULL;
}

uint32_t pe_rva_of(const struct pe_mapped *m, uint64_t va)
{
    return va >= m->va && va - m->va < m->size ? (uint32_t)(va - m->va) : 0;
}

/* --- layout ------------------------------------------------------------------------------------------- */

void pe_map(const struct pe_image *img, void *dest, struct pe_mapped *out)
{
    IR_ASSERT(img->file && dest && out);
    memset(out, 0, sizeof *out);
    out->base = dest;
    out->size = img->size_of_image;
    out->va = img->image_base;
    out->relocs_stripped = (img->characteristics & PE_FILE_RELOCS_STRIPPED) != 0;
    memcpy(out->dirs, img->dirs, sizeof out->dirs);
    memcpy(out->base, img->file, img->size_of_headers);
    for (uint32_t i = 0; i < img->section_count; i++) {
        const struct pe_section *s = &img->sections[i];
        IR_ASSERT((uint64_t)s->raw + s->raw_size <= img->file_size);
        IR_ASSERT((uint64_t)s->rva + s->raw_size <= img->size_of_image || s->raw_size == 0);
        memcpy(out->base + (s->raw_size ? s->rva : 0), img->file + s->raw, s->raw_size);
    }
}

enum pe_status pe_map_private(const struct pe_image *img, struct pe_mapped *out, char *err, size_t errlen)
{
    memset(out, 0, sizeof *out);
    void *p = calloc(1, img->size_of_image);
    if (!p)
        return pe_bad(err, errlen, "out of memory for an image of 0x%x bytes", img->size_of_image);
    pe_map(img, p, out);
    return PE_OK;
}

void pe_unmap_private(struct pe_mapped *m)
{
    free(m->base);
    memset(m, 0, sizeof *m);
}

/* --- relocation --------------------------------------------------------------------------------------- */

struct relocation {
    struct pe_mapped *m;
    uint64_t delta;
    bool write; /* false: only check */
    char *err;
    size_t errlen;
};

static enum pe_status relocate_dir64(struct relocation *r, uint32_t rva)
{
    uint64_t value;
    uint8_t *p = pe_at(r->m, rva, sizeof value);
    if (!p)
        return pe_bad(r->err, r->errlen, "relocation of 8 bytes at 0x%x lies outside the image", rva);
    memcpy(&value, p, sizeof value);
    value += r->delta;
    if (r->write)
        memcpy(p, &value, sizeof value);
    return PE_OK;
}

static enum pe_status relocate_highlow(struct relocation *r, uint32_t rva)
{
    uint32_t value;
    uint8_t *p = pe_at(r->m, rva, sizeof value);
    if (!p)
        return pe_bad(r->err, r->errlen, "relocation of 4 bytes at 0x%x lies outside the image", rva);
    memcpy(&value, p, sizeof value);
    uint64_t moved = value + r->delta;
    if (moved > UINT32_MAX)
        return pe_bad(r->err, r->errlen, "32-bit address at 0x%x cannot follow the image to 0x%llx", rva,
                      (unsigned long long)(r->m->va + r->delta));
    value = (uint32_t)moved;
    if (r->write)
        memcpy(p, &value, sizeof value);
    return PE_OK;
}

static enum pe_status relocate_entry(struct relocation *r, uint32_t page, uint16_t entry)
{
    uint64_t rva = (uint64_t)page + (entry & 0xfff);
    if (rva > UINT32_MAX)
        return pe_bad(r->err, r->errlen, "relocation page 0x%x lies outside the image", page);
    switch (entry >> 12) {
    case PE_REL_ABSOLUTE: /* padding */
        return PE_OK;
    case PE_REL_HIGHLOW:
        return relocate_highlow(r, (uint32_t)rva);
    case PE_REL_DIR64:
        return relocate_dir64(r, (uint32_t)rva);
    default:
        return pe_bad(r->err, r->errlen, "relocation type %u at 0x%llx is not for x64", entry >> 12,
                      (unsigned long long)rva);
    }
}

static enum pe_status relocate_block(struct relocation *r, uint32_t at, struct pe_raw_reloc_block b)
{
    for (uint32_t i = sizeof b; i + 2 <= b.size; i += 2) {
        uint16_t entry;
        memcpy(&entry, r->m->base + at + i, sizeof entry);
        enum pe_status st = relocate_entry(r, b.page_rva, entry);
        if (st != PE_OK)
            return st;
    }
    return PE_OK;
}

static enum pe_status relocate_all(struct relocation *r)
{
    struct pe_directory d = r->m->dirs[PE_DIR_RELOC];
    for (uint32_t done = 0; done + sizeof(struct pe_raw_reloc_block) <= d.size;) {
        struct pe_raw_reloc_block b;
        memcpy(&b, r->m->base + d.rva + done, sizeof b);
        if (b.page_rva == 0 && b.size == 0) /* padding of the section */
            break;
        if (b.size < sizeof b || b.size > d.size - done)
            return pe_bad(r->err, r->errlen, "relocation block at 0x%x has a bad size 0x%x", d.rva + done, b.size);
        enum pe_status st = relocate_block(r, d.rva + done, b);
        if (st != PE_OK)
            return st;
        done += b.size;
    }
    return PE_OK;
}

/* The memory manager shows the new base in the header, where code finds it through __ImageBase.
 * GUESS: for drivers as for programs. */
static void write_header_base(struct pe_mapped *m, uint64_t base)
{
    uint32_t at = 0;
    uint8_t *p = pe_at(m, 0x3c, sizeof at);
    if (p)
        memcpy(&at, p, sizeof at);
    uint64_t field = (uint64_t)at + 4 + sizeof(struct pe_raw_file_header) + offsetof(struct pe_raw_optional, image_base);
    p = field <= UINT32_MAX ? pe_at(m, (uint32_t)field, sizeof base) : NULL;
    if (p)
        memcpy(p, &base, sizeof base);
}

enum pe_status pe_relocate(struct pe_mapped *m, uint64_t new_base, char *err, size_t errlen)
{
    struct relocation r = { m, new_base - m->va, false, err, errlen };
    if (r.delta == 0)
        return PE_OK;
    if (m->relocs_stripped) {
        pe_bad(err, errlen, "relocations are stripped: runs only at 0x%llx", (unsigned long long)m->va);
        return PE_NO_RELOCATIONS;
    }
    enum pe_status st = relocate_all(&r);
    if (st != PE_OK)
        return st;
    /* The second pass checks again: relocations of a hostile image may rewrite the relocations. */
    r.write = true;
    if ((st = relocate_all(&r)) != PE_OK)
        return st;
    write_header_base(m, new_base);
    m->va = new_base;
    return PE_OK;
}
