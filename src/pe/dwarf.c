/* Functions from DWARF (versions 2 to 5), for images whose symbol table is gone but whose debug information is there.
 *
 * Only DW_TAG_subprogram entries with an address are read: name (the linkage name where there is one, so that C++ names come out
 * qualified), extent, whether it is external. Everything is read within bounds; a damaged unit ends the reading, what came before
 * it stays. DOC: DWARF Debugging Information Format 5, 7.5. */
#include "pe/symbol_table.h"

#include <string.h>

enum { TAG_SUBPROGRAM = 0x2e };
enum { AT_NAME = 0x03, AT_LOW_PC = 0x11, AT_HIGH_PC = 0x12, AT_ABSTRACT_ORIGIN = 0x31, AT_EXTERNAL = 0x3f, AT_SPECIFICATION = 0x47, AT_LINKAGE_NAME = 0x6e,
       AT_STR_OFFSETS_BASE = 0x72, AT_ADDR_BASE = 0x73, AT_MIPS_LINKAGE_NAME = 0x2007 };
enum { MOST_ABBREVIATIONS = 1 << 16, DEEPEST_REFERENCE = 4 };

struct bytes {
    const uint8_t *at;
    uint64_t size;
};

struct dwarf {
    struct pe_symbols *symbols;
    const struct pe_image *image;
    struct bytes info, abbrev, str, line_str, str_offsets, addr;
    uint64_t abbrev_at[4096]; /* by code, in the current table: offset of tag and attributes; 0: none */
    uint64_t abbrev_table;
    bool abbrev_known;
};

struct unit {
    uint64_t start, end; /* in info: of the header, behind the unit */
    uint64_t abbrev, str_base, addr_base;
    unsigned version, address_size, offset_size;
};

struct cursor {
    const struct bytes *b;
    uint64_t at;
    bool bad;
};

/* --- reading ------------------------------------------------------------------------------------------------------------ */

static uint64_t get(struct cursor *c, unsigned n)
{
    uint64_t v = 0;
    if (c->at > c->b->size || c->b->size - c->at < n) {
        c->bad = true;
        return 0;
    }
    memcpy(&v, c->b->at + c->at, n);
    c->at += n;
    return v;
}

static uint64_t leb(struct cursor *c, bool is_signed)
{
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = (uint8_t)get(c, 1);
        if (shift < 64)
            v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80 && !c->bad);
    if (is_signed && shift < 64 && byte & 0x40)
        v |= ~UINT64_C(0) << shift;
    return v;
}

static const char *string_of(const struct bytes *b, uint64_t at)
{
    return at < b->size && memchr(b->at + at, 0, b->size - at) ? (const char *)b->at + at : NULL;
}

struct value {
    uint64_t number;
    const char *text;
    bool is_address, is_reference;
};

static uint64_t indexed(const struct bytes *b, uint64_t base, uint64_t index, unsigned size)
{
    struct cursor c = { b, base + index * size, false };
    return index > b->size || base > b->size ? 0 : get(&c, size);
}

static void skip(struct cursor *c, uint64_t n)
{
    if (n > c->b->size || c->at > c->b->size - n)
        c->bad = true;
    else
        c->at += n;
}

/* False: a form that nobody here knows. */
static bool read_form(const struct dwarf *d, const struct unit *u, struct cursor *c, uint64_t form, int64_t implicit, struct value *v)
{
    memset(v, 0, sizeof *v);
    switch (form) {
    case 0x01: v->number = get(c, u->address_size); v->is_address = true; return true;
    case 0x03: skip(c, get(c, 2)); return true;
    case 0x04: skip(c, get(c, 4)); return true;
    case 0x0a: skip(c, get(c, 1)); return true;
    case 0x09: case 0x18: skip(c, leb(c, false)); return true;
    case 0x0b: case 0x0c: v->number = get(c, 1); return true;
    case 0x05: v->number = get(c, 2); return true;
    case 0x06: v->number = get(c, 4); return true;
    case 0x07: v->number = get(c, 8); return true;
    case 0x1e: skip(c, 16); return true;
    case 0x0d: v->number = leb(c, true); return true;
    case 0x0f: v->number = leb(c, false); return true;
    case 0x08:
        v->text = string_of(c->b, c->at);
        c->bad |= !v->text;
        skip(c, v->text ? strlen(v->text) + 1 : 0);
        return true;
    case 0x0e: v->text = string_of(&d->str, get(c, u->offset_size)); return true;
    case 0x1f: v->text = string_of(&d->line_str, get(c, u->offset_size)); return true;
    case 0x10: v->number = get(c, u->version == 2 ? u->address_size : u->offset_size); v->is_reference = true; return true;
    case 0x11: case 0x12: case 0x13: case 0x14:
        v->number = u->start + get(c, 1u << (form - 0x11));
        v->is_reference = true;
        return true;
    case 0x15: v->number = u->start + leb(c, false); v->is_reference = true; return true;
    case 0x16: return read_form(d, u, c, leb(c, false), 0, v);
    case 0x17: v->number = get(c, u->offset_size); return true;
    case 0x19: v->number = 1; return true;
    case 0x1a: case 0x1f02:
        v->text = string_of(&d->str, indexed(&d->str_offsets, u->str_base, leb(c, false), u->offset_size));
        return true;
    case 0x25: case 0x26: case 0x27: case 0x28:
        v->text = string_of(&d->str, indexed(&d->str_offsets, u->str_base, get(c, (unsigned)(form - 0x24)), u->offset_size));
        return true;
    case 0x1b: case 0x1f01:
        v->number = indexed(&d->addr, u->addr_base, leb(c, false), u->address_size);
        return v->is_address = true;
    case 0x29: case 0x2a: case 0x2b: case 0x2c:
        v->number = indexed(&d->addr, u->addr_base, get(c, (unsigned)(form - 0x28)), u->address_size);
        return v->is_address = true;
    case 0x1c: skip(c, 4); return true;
    case 0x1d: case 0x1f20: case 0x1f21: skip(c, u->offset_size); return true;
    case 0x20: case 0x24: skip(c, 8); return true;
    case 0x21: v->number = (uint64_t)implicit; return true;
    case 0x22: case 0x23: v->number = leb(c, false); return true;
    default: return false;
    }
}

/* --- abbreviations -------------------------------------------------------------------------------------------------------- */

static void read_abbreviations(struct dwarf *d, uint64_t table)
{
    struct cursor c = { &d->abbrev, table, false };
    if (d->abbrev_known && d->abbrev_table == table)
        return;
    memset(d->abbrev_at, 0, sizeof d->abbrev_at);
    d->abbrev_table = table;
    d->abbrev_known = true;
    for (unsigned n = 0; n < MOST_ABBREVIATIONS; n++) {
        uint64_t code = leb(&c, false), at = c.at, name, form;
        if (!code || c.bad)
            return;
        leb(&c, false);
        get(&c, 1);
        do {
            name = leb(&c, false);
            form = leb(&c, false);
            if (form == 0x21)
                leb(&c, true);
        } while ((name || form) && !c.bad);
        if (!c.bad && code < sizeof d->abbrev_at / sizeof d->abbrev_at[0])
            d->abbrev_at[code] = at;
    }
}

/* --- entries ---------------------------------------------------------------------------------------------------------------- */

struct entry {
    uint64_t tag, low, high, origin, str_base, addr_base;
    const char *name, *linkage;
    bool has_low, high_is_address, external;
};

/* False: the end of a list of children (*e is empty), or damage (c->bad). */
static bool read_entry(const struct dwarf *d, const struct unit *u, struct cursor *c, struct entry *e)
{
    uint64_t code = leb(c, false);
    memset(e, 0, sizeof *e);
    if (!code || c->bad)
        return false;
    uint64_t at = code < sizeof d->abbrev_at / sizeof d->abbrev_at[0] ? d->abbrev_at[code] : 0;
    struct cursor a = { &d->abbrev, at, false };
    if (!at) {
        c->bad = true;
        return false;
    }
    e->tag = leb(&a, false);
    get(&a, 1);
    for (;;) {
        uint64_t name = leb(&a, false), form = leb(&a, false);
        int64_t implicit = form == 0x21 ? (int64_t)leb(&a, true) : 0;
        struct value v;
        if ((!name && !form) || a.bad)
            break;
        if (!read_form(d, u, c, form, implicit, &v) || c->bad) {
            c->bad = true;
            return false;
        }
        switch (name) {
        case AT_NAME: e->name = v.text; break;
        case AT_LINKAGE_NAME: case AT_MIPS_LINKAGE_NAME: e->linkage = v.text; break;
        case AT_LOW_PC: e->low = v.number; e->has_low = true; break;
        case AT_HIGH_PC: e->high = v.number; e->high_is_address = v.is_address; break;
        case AT_EXTERNAL: e->external = v.number != 0; break;
        case AT_SPECIFICATION: case AT_ABSTRACT_ORIGIN: e->origin = v.is_reference ? v.number : 0; break;
        case AT_STR_OFFSETS_BASE: e->str_base = v.number; break;
        case AT_ADDR_BASE: e->addr_base = v.number; break;
        }
    }
    return !a.bad;
}

/* Members and inlined functions have their name elsewhere, within the unit. */
static void follow_origin(const struct dwarf *d, const struct unit *u, struct entry *e)
{
    uint64_t origin = e->origin;
    for (int k = 0; k < DEEPEST_REFERENCE && origin > u->start && origin < u->end && !e->linkage; k++) {
        struct cursor c = { &d->info, origin, false };
        struct entry other;
        if (!read_entry(d, u, &c, &other))
            return;
        e->linkage = other.linkage;
        e->name = e->name ? e->name : other.name;
        e->external |= other.external;
        origin = other.origin;
    }
}

static bool add_function(const struct dwarf *d, const struct unit *u, struct entry *e)
{
    if (e->tag != TAG_SUBPROGRAM || !e->has_low || e->low < d->image->image_base || e->low - d->image->image_base >= d->image->size_of_image)
        return true;
    follow_origin(d, u, e);
    const char *name = e->linkage ? e->linkage : e->name;
    uint64_t size = e->high_is_address ? e->high - e->low : e->high;
    struct pe_symbol s = { .rva = (uint32_t)(e->low - d->image->image_base), .size = size < d->image->size_of_image ? (uint32_t)size : 0,
                           .kind = PE_SYMBOL_FUNCTION, .source = PE_SYMBOL_COFF, .is_static = !e->external };
    return !name || !name[0] || pe_symbol_add(d->symbols, &s, name, strlen(name));
}

/* --- units -------------------------------------------------------------------------------------------------------------------- */

static bool read_unit(struct dwarf *d, struct cursor *c, struct unit *u)
{
    *u = (struct unit){ .start = c->at, .offset_size = 4 };
    uint64_t length = get(c, 4);
    if (length == 0xffffffff) {
        length = get(c, 8);
        u->offset_size = 8;
    }
    if (c->bad || length > c->b->size - c->at)
        return false;
    u->end = c->at + length;
    u->version = (unsigned)get(c, 2);
    unsigned kind = 1;
    if (u->version >= 5) {
        kind = (unsigned)get(c, 1);
        u->address_size = (unsigned)get(c, 1);
        u->abbrev = get(c, u->offset_size);
        skip(c, kind == 4 || kind == 5 ? 8 : kind == 2 || kind == 6 ? 8 + u->offset_size : 0);
    } else {
        u->abbrev = get(c, u->offset_size);
        u->address_size = (unsigned)get(c, 1);
    }
    u->str_base = u->addr_base = u->offset_size == 8 ? 16 : 8;
    return !c->bad && u->version >= 2 && u->version <= 5 && (u->address_size == 8 || u->address_size == 4);
}

static bool functions_of_unit(struct dwarf *d, struct cursor *c, struct unit *u)
{
    bool first = true;
    read_abbreviations(d, u->abbrev);
    while (c->at < u->end && !c->bad) {
        struct entry e;
        if (!read_entry(d, u, c, &e))
            continue;
        if (first) {
            u->str_base = e.str_base ? e.str_base : u->str_base;
            u->addr_base = e.addr_base ? e.addr_base : u->addr_base;
        }
        first = false;
        if (!add_function(d, u, &e))
            return false;
    }
    c->bad = false;
    c->at = u->end;
    return true;
}

static struct bytes section(const struct pe_image *img, const char *name)
{
    for (uint32_t i = 0; i < img->section_count; i++) {
        const struct pe_section *s = &img->sections[i];
        uint32_t n = s->vsize && s->vsize < s->raw_size ? s->vsize : s->raw_size;
        if (strcmp(s->name, name) == 0 && s->raw <= img->file_size && n <= img->file_size - s->raw)
            return (struct bytes){ img->file + s->raw, n };
    }
    return (struct bytes){ 0 };
}

bool pe_symbols_dwarf(struct pe_symbols *s, const struct pe_image *img)
{
    struct dwarf d = { .symbols = s, .image = img };
    d.info = section(img, ".debug_info");
    d.abbrev = section(img, ".debug_abbrev");
    d.str = section(img, ".debug_str");
    d.line_str = section(img, ".debug_line_str");
    d.str_offsets = section(img, ".debug_str_offsets");
    d.addr = section(img, ".debug_addr");
    if (!d.info.size || !d.abbrev.size)
        return true;
    struct cursor c = { &d.info, 0, false };
    struct unit u;
    while (c.at < d.info.size && read_unit(&d, &c, &u))
        if (!functions_of_unit(&d, &c, &u))
            return false;
    return true;
}
