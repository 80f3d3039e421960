/* Decoding of UNWIND_INFO. */
#include "base/assert.h"
#include "pe/unwind.h"

#include <string.h>

enum { MAX_CHAIN = 32 };

/* An entry whose unwind address is odd points to another entry (IMAGE_RUNTIME_FUNCTION_ENTRY shared by copies). */
static bool resolve_indirect(const struct pe_mapped *m, const struct pe_function *fn, uint32_t *unwind_rva)
{
    *unwind_rva = fn->unwind_rva;
    for (int i = 0; *unwind_rva & 1; i++) {
        struct pe_function next;
        const void *p = pe_at(m, *unwind_rva & ~1u, sizeof next);
        if (!p || i == MAX_CHAIN)
            return false;
        memcpy(&next, p, sizeof next);
        *unwind_rva = next.unwind_rva;
    }
    return true;
}

/* What follows the codes: a handler and its data, or the parent's entry. */
static bool read_tail(const struct pe_mapped *m, uint32_t rva, struct pe_unwind_info *out)
{
    if (out->flags & PE_UNW_CHAININFO) {
        const void *p = pe_at(m, rva, sizeof out->chained);
        if (p)
            memcpy(&out->chained, p, sizeof out->chained);
        return p != NULL;
    }
    if (out->flags & (PE_UNW_EHANDLER | PE_UNW_UHANDLER)) {
        const void *p = pe_at(m, rva, 4);
        if (!p)
            return false;
        memcpy(&out->handler_rva, p, 4);
        out->handler_data_rva = rva + 4;
        return out->handler_rva < m->size;
    }
    return true;
}

bool pe_unwind_info(const struct pe_mapped *m, const struct pe_function *fn, struct pe_unwind_info *out)
{
    memset(out, 0, sizeof *out);
    uint32_t rva;
    if (!resolve_indirect(m, fn, &rva))
        return false;
    const uint8_t *p = pe_at(m, rva, 4);
    if (!p)
        return false;
    out->version = p[0] & 7;
    out->flags = p[0] >> 3;
    out->prolog_size = p[1];
    out->code_count = p[2];
    out->frame_register = p[3] & 0xf;
    out->frame_offset = (uint32_t)(p[3] >> 4) * 16;
    out->codes = pe_at(m, rva + 4, out->code_count * 2u);
    uint32_t tail = rva + 4 + ((out->code_count + 1u) & ~1u) * 2; /* the array is padded to an even count */
    return out->codes && read_tail(m, tail, out);
}

/* --- codes --------------------------------------------------------------------------------------------- */

static unsigned slots_of(const struct pe_unwind_info *info, uint8_t op, uint8_t op_info)
{
    switch (op) {
    case PE_UWOP_PUSH_NONVOL:
    case PE_UWOP_ALLOC_SMALL:
    case PE_UWOP_SET_FPREG:
    case PE_UWOP_PUSH_MACHFRAME:
        return 1;
    case PE_UWOP_ALLOC_LARGE:
        return op_info == 0 ? 2 : op_info == 1 ? 3 : 0;
    case PE_UWOP_SAVE_NONVOL:
    case PE_UWOP_SAVE_XMM128:
        return 2;
    case PE_UWOP_SAVE_NONVOL_FAR:
    case PE_UWOP_SAVE_XMM128_FAR:
        return 3;
    case PE_UWOP_EPILOG:
        return info->version == 1 ? 0 : 1;
    default:
        return 0;
    }
}

static uint32_t operand_of(const uint8_t *p, const struct pe_unwind_op *op)
{
    uint16_t scaled = 0;
    uint32_t full = 0;
    if (op->slots == 2)
        memcpy(&scaled, p + 2, 2);
    if (op->slots == 3)
        memcpy(&full, p + 2, 4);
    switch (op->op) {
    case PE_UWOP_ALLOC_SMALL:
        return op->info * 8u + 8;
    case PE_UWOP_SAVE_XMM128:
        return scaled * 16u;
    case PE_UWOP_ALLOC_LARGE:
    case PE_UWOP_SAVE_NONVOL:
        return op->slots == 2 ? scaled * 8u : full;
    default:
        return full;
    }
}

bool pe_unwind_op(const struct pe_unwind_info *info, unsigned i, struct pe_unwind_op *out)
{
    memset(out, 0, sizeof *out);
    if (i >= info->code_count)
        return false;
    const uint8_t *p = info->codes + i * 2u;
    out->code_offset = p[0];
    out->op = p[1] & 0xf;
    out->info = p[1] >> 4;
    unsigned slots = slots_of(info, out->op, out->info);
    if (slots == 0 || slots > info->code_count - i)
        return false;
    out->slots = (uint8_t)slots;
    out->operand = operand_of(p, out);
    return true;
}

bool pe_function_primary(const struct pe_mapped *m, const struct pe_function *fn, struct pe_function *out)
{
    *out = *fn;
    for (int i = 0; i < MAX_CHAIN; i++) {
        struct pe_unwind_info info;
        if (!pe_unwind_info(m, out, &info))
            return false;
        if (!(info.flags & PE_UNW_CHAININFO))
            return true;
        *out = info.chained;
    }
    return false;
}
