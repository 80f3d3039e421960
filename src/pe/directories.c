/* The small directories of a mapped image: thread-local storage, load configuration, .pdata, CodeView. */
#include "base/assert.h"
#include "pe/format.h"
#include "pe/pe.h"

#include <string.h>

/* --- thread-local storage ------------------------------------------------------------------------------ */

bool pe_tls(const struct pe_mapped *m, struct pe_tls *out)
{
    memset(out, 0, sizeof *out);
    const struct pe_raw_tls *raw = m->dirs[PE_DIR_TLS].rva ? pe_at(m, m->dirs[PE_DIR_TLS].rva, sizeof *raw) : NULL;
    if (!raw || raw->raw_end < raw->raw_start)
        return false;
    uint64_t size = raw->raw_end - raw->raw_start;
    out->raw_rva = pe_rva_of(m, raw->raw_start);
    out->raw_size = size <= m->size ? (uint32_t)size : 0;
    if (size && (!out->raw_rva || out->raw_size != size || !pe_at(m, out->raw_rva, out->raw_size)))
        return false;
    out->zero_fill = raw->zero_fill;
    out->index_rva = pe_rva_of(m, raw->index);
    if (out->index_rva && !pe_at(m, out->index_rva, 4))
        return false;
    out->callbacks_rva = pe_rva_of(m, raw->callbacks);
    uint32_t power = raw->characteristics >> 20 & 0xf; /* IMAGE_SCN_ALIGN_*: 1 is 1 byte, 14 is 8192 */
    out->alignment = power > 5 && power < 15 ? 1u << (power - 1) : 16;
    return true;
}

bool pe_tls_callback(const struct pe_mapped *m, const struct pe_tls *tls, unsigned i, uint32_t *rva)
{
    uint64_t at = tls->callbacks_rva + (uint64_t)i * 8, va;
    const void *p = tls->callbacks_rva && at <= UINT32_MAX ? pe_at(m, (uint32_t)at, 8) : NULL;
    if (!p)
        return false;
    memcpy(&va, p, 8);
    *rva = pe_rva_of(m, va);
    return *rva != 0;
}

/* --- load configuration -------------------------------------------------------------------------------- */

/* A pointer slot of 8 bytes. */
static uint32_t slot_rva(const struct pe_mapped *m, uint64_t va)
{
    uint32_t rva = pe_rva_of(m, va);
    return rva && pe_at(m, rva, 8) ? rva : 0;
}

static uint32_t table_rva(const struct pe_mapped *m, uint64_t va, uint64_t count, uint32_t stride)
{
    uint32_t rva = pe_rva_of(m, va);
    return rva && count <= m->size && pe_at(m, rva, count * stride) ? rva : 0;
}

static void read_guard(const struct pe_mapped *m, const struct pe_raw_load_config *raw, struct pe_load_config *out)
{
    out->guard_check_pointer_rva = slot_rva(m, raw->guard_check);
    out->guard_dispatch_pointer_rva = slot_rva(m, raw->guard_dispatch);
    out->guard_flags = raw->guard_flags;
    out->guard_table_stride = 4 + (raw->guard_flags >> 28);
    out->guard_table_rva = table_rva(m, raw->guard_table, raw->guard_count, out->guard_table_stride);
    out->guard_table_count = out->guard_table_rva ? (uint32_t)raw->guard_count : 0;
    out->guard_xfg_check_pointer_rva = slot_rva(m, raw->guard_xfg_check);
    out->guard_xfg_dispatch_pointer_rva = slot_rva(m, raw->guard_xfg_dispatch);
    out->guard_xfg_table_dispatch_pointer_rva = slot_rva(m, raw->guard_xfg_table_dispatch);
}

bool pe_load_config(const struct pe_mapped *m, struct pe_load_config *out)
{
    memset(out, 0, sizeof *out);
    uint32_t rva = m->dirs[PE_DIR_LOAD_CONFIG].rva, size;
    const void *p = rva ? pe_at(m, rva, sizeof size) : NULL;
    if (!p)
        return false;
    /* The structure grew over the years; its first field says how much of it is there, the directory's size may
     * be that of an old version. */
    memcpy(&size, p, sizeof size);
    if (!pe_at(m, rva, size))
        return false;
    struct pe_raw_load_config raw = { 0 };
    memcpy(&raw, p, size < sizeof raw ? size : sizeof raw);
    out->size = size;
    out->security_cookie_rva = slot_rva(m, raw.security_cookie);
    out->seh_table_rva = table_rva(m, raw.seh_table, raw.seh_count, 4);
    out->seh_count = out->seh_table_rva ? (uint32_t)raw.seh_count : 0;
    read_guard(m, &raw, out);
    return true;
}

/* --- functions ----------------------------------------------------------------------------------------- */

uint32_t pe_function_count(const struct pe_mapped *m)
{
    return m->dirs[PE_DIR_EXCEPTION].size / (uint32_t)sizeof(struct pe_function);
}

bool pe_function_get(const struct pe_mapped *m, uint32_t index, struct pe_function *out)
{
    if (index >= pe_function_count(m))
        return false;
    /* The directory was checked to lie inside when the image was opened. */
    uint32_t rva = m->dirs[PE_DIR_EXCEPTION].rva + index * (uint32_t)sizeof *out;
    const void *p = pe_at(m, rva, sizeof *out);
    IR_ASSERT(p);
    memcpy(out, p, sizeof *out);
    return true;
}

bool pe_function_entry(const struct pe_mapped *m, uint32_t rva, struct pe_function *out)
{
    uint32_t low = 0, high = pe_function_count(m);
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        pe_function_get(m, mid, out);
        if (rva < out->begin_rva)
            high = mid;
        else if (rva >= out->end_rva)
            low = mid + 1;
        else
            return true;
    }
    return false;
}

/* --- CodeView ------------------------------------------------------------------------------------------ */

static bool read_rsds(const struct pe_mapped *m, const struct pe_raw_debug *d, struct pe_codeview *out)
{
    const struct pe_raw_rsds *r = pe_at(m, d->rva, sizeof *r);
    if (!r || d->size < sizeof *r || memcmp(&r->signature, "RSDS", 4) != 0)
        return false;
    memcpy(out->guid, r->guid, sizeof out->guid);
    out->age = r->age;
    out->path = pe_string_at(m, d->rva + (uint32_t)sizeof *r);
    return out->path != NULL;
}

bool pe_codeview(const struct pe_mapped *m, struct pe_codeview *out)
{
    struct pe_directory d = m->dirs[PE_DIR_DEBUG];
    for (uint32_t at = 0; at + sizeof(struct pe_raw_debug) <= d.size; at += sizeof(struct pe_raw_debug)) {
        const struct pe_raw_debug *raw = pe_at(m, d.rva + at, sizeof *raw);
        if (raw && raw->type == PE_DEBUG_CODEVIEW && raw->rva && read_rsds(m, raw, out))
            return true;
    }
    return false;
}
