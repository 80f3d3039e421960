/* Exports of a mapped image: lookup, iteration, forwarders. */
#include "base/assert.h"
#include "pe/format.h"
#include "pe/pe.h"
#include "pe/text.h"

#include <stdlib.h>
#include <string.h>

struct table { /* the three arrays, each checked to lie inside the image */
    const struct pe_mapped *m;
    uint32_t base, functions, names;
    const uint8_t *function, *name, *ordinal;
    uint32_t name_rva;
};

static uint32_t u32(const uint8_t *array, uint32_t i)
{
    uint32_t v;
    memcpy(&v, array + (size_t)i * 4, 4);
    return v;
}

static uint16_t u16(const uint8_t *array, uint32_t i)
{
    uint16_t v;
    memcpy(&v, array + (size_t)i * 2, 2);
    return v;
}

static bool open_table(const struct pe_mapped *m, struct table *t)
{
    struct pe_directory d = m->dirs[PE_DIR_EXPORT];
    const struct pe_raw_export *raw = d.rva ? pe_at(m, d.rva, sizeof *raw) : NULL;
    if (!raw)
        return false;
    *t = (struct table){ .m = m, .base = raw->ordinal_base, .functions = raw->function_count,
                         .names = raw->name_count, .name_rva = raw->name_rva };
    t->function = pe_at(m, raw->functions_rva, (size_t)t->functions * 4);
    t->name = pe_at(m, raw->names_rva, (size_t)t->names * 4);
    t->ordinal = pe_at(m, raw->ordinals_rva, (size_t)t->names * 2);
    return t->function && t->name && t->ordinal;
}

/* Slot `i` of the function array. False: nothing exported there, or nonsense. */
static bool fill(const struct table *t, uint32_t i, const char *name, struct pe_export *out)
{
    if (i >= t->functions)
        return false;
    uint32_t rva = u32(t->function, i);
    struct pe_directory d = t->m->dirs[PE_DIR_EXPORT];
    *out = (struct pe_export){ .name = name, .ordinal = t->base + i };
    if (rva == 0 || rva >= t->m->size)
        return false;
    if (rva - d.rva < d.size) { /* an address inside the directory is a forwarder's text */
        out->forward = pe_string_at(t->m, rva);
        return out->forward != NULL;
    }
    out->rva = rva;
    return true;
}

bool pe_export_by_name(const struct pe_mapped *m, const char *name, struct pe_export *out)
{
    struct table t;
    if (!open_table(m, &t))
        return false;
    uint32_t low = 0, high = t.names;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const char *at = pe_string_at(m, u32(t.name, mid));
        if (!at)
            return false;
        int order = strcmp(name, at);
        if (order == 0)
            return fill(&t, u16(t.ordinal, mid), at, out);
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

static const char *name_of_slot(const struct table *t, uint32_t i)
{
    for (uint32_t k = 0; k < t->names; k++)
        if (u16(t->ordinal, k) == i)
            return pe_string_at(t->m, u32(t->name, k));
    return NULL;
}

bool pe_export_by_ordinal(const struct pe_mapped *m, uint32_t ordinal, struct pe_export *out)
{
    struct table t;
    if (!open_table(m, &t) || ordinal < t.base || !fill(&t, ordinal - t.base, NULL, out))
        return false;
    out->name = name_of_slot(&t, ordinal - t.base);
    return true;
}

const char *pe_export_module(const struct pe_mapped *m)
{
    struct table t;
    return open_table(m, &t) && t.name_rva ? pe_string_at(m, t.name_rva) : NULL;
}

static enum pe_status each_named(const struct table *t, uint8_t *named, pe_export_fn *fn, void *ctx, char *err,
                                 size_t errlen)
{
    for (uint32_t k = 0; k < t->names; k++) {
        const char *name = pe_string_at(t->m, u32(t->name, k));
        uint16_t i = u16(t->ordinal, k);
        struct pe_export e;
        if (!name)
            return pe_bad(err, errlen, "the name of export %u lies outside the image", k);
        named[i] = 1;
        if (fill(t, i, name, &e) && !fn(ctx, &e))
            return PE_STOPPED;
    }
    return PE_OK;
}

static enum pe_status each_unnamed(const struct table *t, const uint8_t *named, pe_export_fn *fn, void *ctx)
{
    for (uint32_t i = 0; i < t->functions; i++) {
        struct pe_export e;
        if (i <= UINT16_MAX && named[i])
            continue;
        if (fill(t, i, NULL, &e) && !fn(ctx, &e))
            return PE_STOPPED;
    }
    return PE_OK;
}

enum pe_status pe_exports(const struct pe_mapped *m, pe_export_fn *fn, void *ctx, char *err, size_t errlen)
{
    IR_ASSERT(m && fn);
    struct table t;
    if (m->dirs[PE_DIR_EXPORT].rva == 0)
        return PE_OK;
    if (!open_table(m, &t))
        return pe_bad(err, errlen, "export tables lie outside the image");
    uint8_t *named = calloc(1, UINT16_MAX + 1);
    if (!named)
        return pe_bad(err, errlen, "out of memory");
    enum pe_status st = each_named(&t, named, fn, ctx, err, errlen);
    if (st == PE_OK)
        st = each_unnamed(&t, named, fn, ctx);
    free(named);
    return st;
}

/* --- forwarders --------------------------------------------------------------------------------------- */

static bool parse_ordinal(const char *digits, uint32_t *out)
{
    uint32_t n = 0;
    if (!*digits)
        return false;
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9' || n > UINT16_MAX)
            return false;
        n = n * 10 + (uint32_t)(*digits - '0');
    }
    *out = n;
    return n <= UINT16_MAX;
}

bool pe_forwarder_parse(const char *forward, struct pe_forwarder *out)
{
    memset(out, 0, sizeof *out);
    const char *dot = strrchr(forward, '.'); /* the last one: API set names have none, file names may have several */
    if (!dot || dot == forward || !dot[1] || (size_t)(dot - forward) >= sizeof out->module)
        return false;
    memcpy(out->module, forward, (size_t)(dot - forward));
    if (dot[1] == '#')
        return parse_ordinal(dot + 2, &out->ordinal);
    out->name = dot + 1;
    return true;
}
