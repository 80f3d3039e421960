/* Imports and delay imports of a mapped image.
 *
 * The lookup table is read entry by entry before the callback sees the entry, so that an image whose
 * lookup table is its address table (no OriginalFirstThunk) can be bound by the callback itself. */
#include "base/assert.h"
#include "pe/format.h"
#include "pe/pe.h"
#include "pe/text.h"

#include <string.h>

#define BY_ORDINAL (1ull << 63)

struct walk {
    const struct pe_mapped *m;
    pe_import_fn *fn;
    void *ctx;
    uint32_t budget; /* slots left: more imports than slots that fit in the image means overlapping tables */
    char *err;
    size_t errlen;
};

static enum pe_status name_of(struct walk *w, uint64_t entry, struct pe_import *imp)
{
    uint32_t rva = (uint32_t)entry;
    const uint8_t *hint = entry <= UINT32_MAX - 2 ? pe_at(w->m, rva, 2) : NULL;
    imp->name = hint ? pe_string_at(w->m, rva + 2) : NULL;
    if (!imp->name)
        return pe_bad(w->err, w->errlen, "import from %.64s names something outside the image (0x%llx)", imp->module,
                      (unsigned long long)entry);
    memcpy(&imp->hint, hint, 2);
    return PE_OK;
}

static enum pe_status walk_module(struct walk *w, const char *module, uint32_t lookup, uint32_t iat, bool delay)
{
    for (uint64_t i = 0;; i += 8) {
        uint64_t entry;
        const void *p = lookup + i <= UINT32_MAX ? pe_at(w->m, (uint32_t)(lookup + i), 8) : NULL;
        bool slot = iat + i <= UINT32_MAX && pe_at(w->m, (uint32_t)(iat + i), 8);
        if (!p || !slot)
            return pe_bad(w->err, w->errlen, "import table of %.64s runs out of the image", module);
        memcpy(&entry, p, 8);
        if (entry == 0)
            return PE_OK;
        if (w->budget-- == 0)
            return pe_bad(w->err, w->errlen, "more imports than the image can hold");
        struct pe_import imp = { .module = module, .slot_rva = (uint32_t)(iat + i), .delay = delay };
        enum pe_status st = PE_OK;
        if (entry & BY_ORDINAL)
            imp.ordinal = (uint16_t)entry;
        else
            st = name_of(w, entry, &imp);
        if (st != PE_OK)
            return st;
        if (!w->fn(w->ctx, &imp))
            return PE_STOPPED;
    }
}

static enum pe_status module_name(struct walk *w, uint32_t rva, const char **name)
{
    *name = rva ? pe_string_at(w->m, rva) : NULL;
    return *name ? PE_OK : pe_bad(w->err, w->errlen, "an imported module's name lies outside the image (0x%x)", rva);
}

static enum pe_status walk_imports(struct walk *w, struct pe_directory d)
{
    /* The end is the empty descriptor; the directory's size is not reliable (some linkers count the names too). */
    for (uint64_t at = d.rva;; at += sizeof(struct pe_raw_import)) {
        const struct pe_raw_import *raw = at <= UINT32_MAX ? pe_at(w->m, (uint32_t)at, sizeof *raw) : NULL;
        if (!raw)
            return pe_bad(w->err, w->errlen, "import directory runs out of the image");
        if (raw->name_rva == 0 || raw->iat_rva == 0)
            return PE_OK;
        const char *module;
        enum pe_status st = module_name(w, raw->name_rva, &module);
        if (st == PE_OK)
            st = walk_module(w, module, raw->lookup_rva ? raw->lookup_rva : raw->iat_rva, raw->iat_rva, false);
        if (st != PE_OK)
            return st;
    }
}

static enum pe_status walk_delay_imports(struct walk *w, struct pe_directory d)
{
    for (uint64_t at = d.rva;; at += sizeof(struct pe_raw_delay)) {
        const struct pe_raw_delay *raw = at <= UINT32_MAX ? pe_at(w->m, (uint32_t)at, sizeof *raw) : NULL;
        if (!raw)
            return pe_bad(w->err, w->errlen, "delay import directory runs out of the image");
        if (raw->name_rva == 0)
            return PE_OK;
        if (!(raw->attributes & 1))
            return pe_bad(w->err, w->errlen, "delay imports by absolute address (before 2002) are not for x64");
        const char *module;
        enum pe_status st = module_name(w, raw->name_rva, &module);
        if (st == PE_OK && raw->lookup_rva && raw->iat_rva)
            st = walk_module(w, module, raw->lookup_rva, raw->iat_rva, true);
        if (st != PE_OK)
            return st;
    }
}

enum pe_status pe_imports(const struct pe_mapped *m, pe_import_fn *fn, void *ctx, char *err, size_t errlen)
{
    IR_ASSERT(m && fn);
    struct walk w = { m, fn, ctx, m->size / 8, err, errlen };
    enum pe_status st = PE_OK;
    if (m->dirs[PE_DIR_IMPORT].rva)
        st = walk_imports(&w, m->dirs[PE_DIR_IMPORT]);
    if (st == PE_OK && m->dirs[PE_DIR_DELAY_IMPORT].rva)
        st = walk_delay_imports(&w, m->dirs[PE_DIR_DELAY_IMPORT]);
    return st;
}
