#include "pe/pdb.h"
#include "base/assert.h"
#include "pe/format.h"
#include "pe/text.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_INFO = 1, STREAM_DBI = 3, NO_STREAM = 0xffff };

struct PE_PACKED info_header {
    uint32_t version, signature, age;
    uint8_t guid[16];
};

struct PE_PACKED dbi_header {
    int32_t signature;
    uint32_t version, age;
    uint16_t globals, build, publics, dll_version, records, dll_rebuild;
    uint32_t modules_size, contributions_size, section_map_size, sources_size, type_server_size, mfc_index;
    uint32_t optional_size, ec_size;
    uint16_t flags, machine;
    uint32_t padding;
};

struct PE_PACKED module_info {
    uint32_t unused;
    uint8_t contribution[28];
    uint16_t flags, stream;
    uint32_t symbols_size, c11_size, c13_size;
    uint16_t file_count, padding;
    uint32_t unused2, source_index, path_index;
    /* two strings, padding to 4 */
};

struct PE_PACKED record {
    uint16_t length; /* without this field */
    uint16_t kind;
};

enum { /* the kinds that name an address */
    S_END = 0x0006,
    S_THUNK32 = 0x1102,
    S_LDATA32 = 0x110c,
    S_GDATA32 = 0x110d,
    S_PUB32 = 0x110e,
    S_LPROC32 = 0x110f,
    S_GPROC32 = 0x1110,
    S_LPROC32_ID = 0x1146,
    S_GPROC32_ID = 0x1147,
    S_PROC_ID_END = 0x114f,
    S_LPROC32_DPC = 0x1155,
    S_LPROC32_DPC_ID = 0x1156,
};

struct PE_PACKED public_record {
    struct record head;
    uint32_t flags, offset;
    uint16_t section;
    char name[];
};

enum { PUBLIC_CODE = 1, PUBLIC_FUNCTION = 2 };

struct PE_PACKED proc_record {
    struct record head;
    uint32_t parent, end, next, size, debug_start, debug_end, type, offset;
    uint16_t section;
    uint8_t flags;
    char name[];
};

struct PE_PACKED thunk_record {
    struct record head;
    uint32_t parent, end, next, offset;
    uint16_t section, size;
    uint8_t ordinal;
    char name[];
};

struct PE_PACKED data_record {
    struct record head;
    uint32_t type, offset;
    uint16_t section;
    char name[];
};

_Static_assert(sizeof(struct dbi_header) == 64, "DBI header");
_Static_assert(sizeof(struct module_info) == 64, "module info");
_Static_assert(offsetof(struct proc_record, name) == 39, "procedure record");

struct reader {
    const struct pe_msf *f;
    pe_pdb_symbol_fn *fn;
    void *ctx;
    uint8_t *buffer; /* of the stream being read */
    uint32_t room;
    uint64_t budget; /* bytes of module streams left: hostile lists may name one stream many times */
    char *err;
    size_t errlen;
};

/* --- records ---------------------------------------------------------------------------------------------- */

/* Calls out with the name that ends the record. False: the callback stopped. */
static bool emit(struct reader *r, struct pe_pdb_symbol *s, const uint8_t *record, uint32_t size, size_t name_at)
{
    if (size <= name_at)
        return true;
    s->name = (const char *)record + name_at;
    s->name_length = (uint32_t)strnlen(s->name, size - name_at);
    return s->name_length == 0 || r->fn(r->ctx, s);
}

static bool emit_public(struct reader *r, const uint8_t *p, uint32_t size)
{
    const struct public_record *rec = (const void *)p;
    if (size < sizeof *rec)
        return true;
    bool code = rec->flags & (PUBLIC_CODE | PUBLIC_FUNCTION);
    struct pe_pdb_symbol s = { .offset = rec->offset, .section = rec->section, .source = PE_SYMBOL_PUBLIC,
                               .kind = code ? PE_SYMBOL_FUNCTION : PE_SYMBOL_DATA };
    return emit(r, &s, p, size, offsetof(struct public_record, name));
}

static bool emit_data(struct reader *r, const uint8_t *p, uint32_t size, bool is_static)
{
    const struct data_record *rec = (const void *)p;
    if (size < sizeof *rec)
        return true;
    struct pe_pdb_symbol s = { .offset = rec->offset, .section = rec->section, .source = PE_SYMBOL_VARIABLE,
                               .kind = PE_SYMBOL_DATA, .is_static = is_static };
    return emit(r, &s, p, size, offsetof(struct data_record, name));
}

static bool emit_proc(struct reader *r, const uint8_t *p, uint32_t size, bool is_static)
{
    const struct proc_record *rec = (const void *)p;
    if (size < sizeof *rec)
        return true;
    struct pe_pdb_symbol s = { .offset = rec->offset, .section = rec->section, .size = rec->size,
                               .source = PE_SYMBOL_PROC, .kind = PE_SYMBOL_FUNCTION, .is_static = is_static };
    return emit(r, &s, p, size, offsetof(struct proc_record, name));
}

static bool emit_thunk(struct reader *r, const uint8_t *p, uint32_t size)
{
    const struct thunk_record *rec = (const void *)p;
    if (size < sizeof *rec)
        return true;
    struct pe_pdb_symbol s = { .offset = rec->offset, .section = rec->section, .size = rec->size,
                               .source = PE_SYMBOL_THUNK, .kind = PE_SYMBOL_FUNCTION };
    return emit(r, &s, p, size, offsetof(struct thunk_record, name));
}

static bool emit_record(struct reader *r, uint16_t kind, const uint8_t *p, uint32_t size)
{
    switch (kind) {
    case S_PUB32:
        return emit_public(r, p, size);
    case S_GPROC32:
    case S_GPROC32_ID:
        return emit_proc(r, p, size, false);
    case S_LPROC32:
    case S_LPROC32_ID:
    case S_LPROC32_DPC:
    case S_LPROC32_DPC_ID:
        return emit_proc(r, p, size, true);
    case S_THUNK32:
        return emit_thunk(r, p, size);
    case S_GDATA32:
        return emit_data(r, p, size, false);
    case S_LDATA32:
        return emit_data(r, p, size, true);
    default:
        return true;
    }
}

static struct record record_at(const uint8_t *p)
{
    struct record h;
    memcpy(&h, p, sizeof h);
    return h;
}

/* Procedures and thunks say where they end: what is inside them is skipped when the place holds an end indeed. */
static uint32_t after_scope(const uint8_t *bytes, uint32_t size, uint32_t at, struct record h)
{
    uint32_t next = at + 2 + h.length, end;
    bool scope = h.kind == S_GPROC32 || h.kind == S_LPROC32 || h.kind == S_GPROC32_ID || h.kind == S_LPROC32_ID ||
                 h.kind == S_THUNK32;
    if (!scope || h.length < 10)
        return next;
    memcpy(&end, bytes + at + offsetof(struct proc_record, end), 4);
    if (end < next || end > size - sizeof h || (end & 3))
        return next;
    struct record last = record_at(bytes + end);
    return last.kind == S_END || last.kind == S_PROC_ID_END ? end : next;
}

/* False: the callback stopped. A damaged record ends the stream quietly: what came before it is good. */
static bool walk_records(struct reader *r, const uint8_t *bytes, uint32_t size, uint32_t at)
{
    while (size >= sizeof(struct record) && at <= size - sizeof(struct record)) {
        struct record h = record_at(bytes + at);
        if (h.length < 2 || h.length > size - at - 2)
            return true;
        if (!emit_record(r, h.kind, bytes + at, h.length + 2u))
            return false;
        at = after_scope(bytes, size, at, h);
    }
    return true;
}

/* --- streams ---------------------------------------------------------------------------------------------- */

static enum pe_status read_stream(struct reader *r, uint32_t stream, uint32_t size, const char *what)
{
    if (size > r->room) {
        free(r->buffer);
        r->buffer = malloc(size);
        r->room = r->buffer ? size : 0;
    }
    if (size && !r->buffer)
        return pe_bad(r->err, r->errlen, "out of memory");
    if (!pe_msf_read(r->f, stream, 0, size, r->buffer))
        return pe_bad(r->err, r->errlen, "program database is damaged: %s", what);
    return PE_OK;
}

static enum pe_status stopped(struct reader *r)
{
    pe_bad(r->err, r->errlen, "out of memory");
    return PE_STOPPED;
}

static enum pe_status read_module(struct reader *r, const struct module_info *m)
{
    if (m->stream == NO_STREAM || m->symbols_size <= 4 || m->symbols_size > pe_msf_size(r->f, m->stream))
        return PE_OK;
    if (m->symbols_size > r->budget)
        return pe_bad(r->err, r->errlen, "program database is damaged: modules exceed the file");
    r->budget -= m->symbols_size;
    enum pe_status st = read_stream(r, m->stream, m->symbols_size, "a module's symbols");
    if (st != PE_OK)
        return st;
    return walk_records(r, r->buffer, m->symbols_size, 4) ? PE_OK : stopped(r); /* 4: the signature */
}

static uint32_t string_end(const uint8_t *bytes, uint32_t size, uint32_t at)
{
    return at < size ? at + (uint32_t)strnlen((const char *)bytes + at, size - at) + 1 : size;
}

static enum pe_status read_modules(struct reader *r, const uint8_t *list, uint32_t size)
{
    for (uint32_t at = 0; size >= sizeof(struct module_info) && at <= size - sizeof(struct module_info);) {
        struct module_info m;
        memcpy(&m, list + at, sizeof m);
        enum pe_status st = read_module(r, &m);
        if (st != PE_OK)
            return st;
        at = string_end(list, size, at + (uint32_t)sizeof m);
        at = string_end(list, size, at);
        at = (at + 3) & ~3u;
    }
    return PE_OK;
}

static enum pe_status all_modules(struct reader *r, const struct dbi_header *dbi)
{
    uint32_t size = dbi->modules_size;
    if (size > pe_msf_size(r->f, STREAM_DBI) - sizeof *dbi)
        return pe_bad(r->err, r->errlen, "program database is damaged: list of modules");
    uint8_t *list = malloc(size + 1u);
    enum pe_status st = PE_BAD;
    if (!list || !pe_msf_read(r->f, STREAM_DBI, sizeof *dbi, size, list))
        pe_bad(r->err, r->errlen, "program database is damaged: list of modules");
    else
        st = read_modules(r, list, size);
    free(list);
    return st;
}

static enum pe_status all_records(struct reader *r, const struct dbi_header *dbi)
{
    uint32_t size = pe_msf_size(r->f, dbi->records);
    enum pe_status st = read_stream(r, dbi->records, size, "symbol records");
    if (st != PE_OK)
        return st;
    return walk_records(r, r->buffer, size, 0) ? PE_OK : stopped(r);
}

/* --- identity --------------------------------------------------------------------------------------------- */

/* Images rearranged after linking translate their addresses through OMAP streams (optional headers 3 and 4). */
static bool has_omap(const struct pe_msf *f, const struct dbi_header *h)
{
    uint64_t at = sizeof *h + (uint64_t)h->modules_size + h->contributions_size + h->section_map_size +
                  h->sources_size + h->type_server_size + h->ec_size;
    uint16_t streams[5];
    if (h->optional_size < sizeof streams || at > UINT32_MAX ||
        !pe_msf_read(f, STREAM_DBI, (uint32_t)at, sizeof streams, streams))
        return false;
    return pe_msf_size(f, streams[3]) || pe_msf_size(f, streams[4]);
}

static enum pe_status check_identity(const struct pe_msf *f, const struct pe_codeview *wanted, struct dbi_header *dbi,
                                     char *err, size_t errlen)
{
    struct info_header info;
    if (!pe_msf_read(f, STREAM_INFO, 0, sizeof info, &info))
        return pe_bad(err, errlen, "program database is damaged: no information stream");
    if (!pe_msf_read(f, STREAM_DBI, 0, sizeof *dbi, dbi))
        return pe_bad(err, errlen, "program database is damaged: no debug information stream");
    if (memcmp(info.guid, wanted->guid, sizeof info.guid) != 0)
        return pe_bad(err, errlen, "program database is of another build (GUID differs)");
    /* The age in the debug stream is the linker's; the one in the information stream counts every later change. */
    if (dbi->age != wanted->age)
        return pe_bad(err, errlen, "program database is of another link (age %u, image has %u)", dbi->age, wanted->age);
    if (has_omap(f, dbi))
        return pe_bad(err, errlen, "program database of a rearranged image (OMAP) is not supported");
    return PE_OK;
}

enum pe_status pe_pdb_symbols(const struct pe_msf *f, const struct pe_codeview *wanted, pe_pdb_symbol_fn *fn,
                              void *ctx, char *err, size_t errlen)
{
    IR_ASSERT(f && wanted && fn);
    struct dbi_header dbi;
    enum pe_status st = check_identity(f, wanted, &dbi, err, errlen);
    if (st != PE_OK)
        return st;
    struct reader r = { .f = f, .fn = fn, .ctx = ctx, .budget = f->size, .err = err, .errlen = errlen };
    st = all_modules(&r, &dbi);
    if (st == PE_OK)
        st = all_records(&r, &dbi);
    free(r.buffer);
    return st;
}
