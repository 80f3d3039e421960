/* The formatter. OBS: layout and spelling follow listings of `uf` published with bug analyses. */
#include "graph/format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *at;
    size_t length;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
    va_list v;
    va_start(v, format);
    int n = vsnprintf(t->at + t->length, GRAPH_LINE - t->length, format, v);
    va_end(v);
    if (n > 0)
        t->length += (size_t)n;
    if (t->length >= GRAPH_LINE)
        t->length = GRAPH_LINE - 1;
}

bool graph_decode_full(const struct graph_image *g, uint32_t rva, struct graph_decoded *out)
{
    ZydisDecoder d;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    out->rva = rva;
    if (rva >= g->m.size)
        return false;
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, g->m.base + rva, g->m.size - rva, &out->i, out->op));
}

/* --- numbers and addresses -------------------------------------------------------------------------------- */

static void put_number(struct text *t, uint64_t v)
{
    char digits[20];
    if (v < 10) {
        put(t, "%u", (unsigned)v);
        return;
    }
    snprintf(digits, sizeof digits, "%" PRIX64, v);
    put(t, "%s%sh", digits[0] > '9' ? "0" : "", digits);
}

static void put_address(struct text *t, const struct graph_image *g, uint64_t va)
{
    char name[GRAPH_NAME];
    const char *known = graph_peer_name(g, va, name);
    if (known)
        put(t, "%s (", known);
    put(t, "%08x`%08x", (unsigned)(va >> 32), (unsigned)va);
    if (known)
        put(t, ")");
}

/* --- mnemonics -------------------------------------------------------------------------------------------- */

static const char *const spelled[][2] = {
    { "jnz", "jne" }, { "jz", "je" }, { "jnb", "jae" }, { "jnbe", "ja" }, { "jnl", "jge" }, { "jnle", "jg" },
    { "setnz", "setne" }, { "setz", "sete" }, { "setnb", "setae" }, { "setnbe", "seta" }, { "setnl", "setge" }, { "setnle", "setg" },
    { "cmovnz", "cmovne" }, { "cmovz", "cmove" }, { "cmovnb", "cmovae" }, { "cmovnbe", "cmova" }, { "cmovnl", "cmovge" },
    { "cmovnle", "cmovg" }, { "int3", "int" }, { "int1", "int" },
    { "stosb", "stos" }, { "stosw", "stos" }, { "stosd", "stos" }, { "stosq", "stos" },
    { "movsb", "movs" }, { "movsw", "movs" }, { "movsq", "movs" },
    { "lodsb", "lods" }, { "lodsw", "lods" }, { "lodsd", "lods" }, { "lodsq", "lods" },
    { "scasb", "scas" }, { "scasw", "scas" }, { "scasd", "scas" }, { "scasq", "scas" },
    { "cmpsb", "cmps" }, { "cmpsw", "cmps" }, { "cmpsq", "cmps" },
};

static bool is_string(const ZydisDecodedInstruction *i)
{
    return i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
           ((i->opcode >= 0xa4 && i->opcode <= 0xa7) || (i->opcode >= 0xaa && i->opcode <= 0xaf));
}

static void put_mnemonic(struct text *t, const ZydisDecodedInstruction *i)
{
    const char *name = ZydisMnemonicGetString(i->mnemonic);
    size_t start = t->length;
    for (size_t k = 0; k < sizeof spelled / sizeof spelled[0]; k++)
        if (strcmp(spelled[k][0], name) == 0)
            name = spelled[k][1];
    if (is_string(i) && strcmp(name, "movsd") == 0)
        name = "movs";
    if (is_string(i) && strcmp(name, "cmpsd") == 0)
        name = "cmps";
    if (i->attributes & ZYDIS_ATTRIB_HAS_LOCK)
        put(t, "lock ");
    if (i->attributes & ZYDIS_ATTRIB_HAS_REPNE)
        put(t, "repne ");
    else if (i->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
        put(t, i->attributes & ZYDIS_ATTRIB_HAS_REPE ? "repe " : "rep ");
    put(t, "%s", name);
    if (i->mnemonic == ZYDIS_MNEMONIC_INT3 || i->mnemonic == ZYDIS_MNEMONIC_INT1)
        put(t, "     %d", i->mnemonic == ZYDIS_MNEMONIC_INT3 ? 3 : 1);
    else if (i->operand_count_visible || is_string(i))
        put(t, "%*s", t->length - start < 8 ? (int)(8 - (t->length - start)) : 1, "");
}

/* --- operands --------------------------------------------------------------------------------------------- */

static const char *size_name(unsigned bits)
{
    switch (bits) {
    case 8: return "byte ptr ";
    case 16: return "word ptr ";
    case 32: return "dword ptr ";
    case 48: return "fword ptr ";
    case 64: return "qword ptr ";
    case 80: return "tbyte ptr ";
    case 128: return "xmmword ptr ";
    case 256: return "ymmword ptr ";
    case 512: return "zmmword ptr ";
    default: return "";
    }
}

static void put_memory(struct text *t, const struct graph_image *g, const struct graph_decoded *d, const ZydisDecodedOperand *op)
{
    const ZydisDecodedOperandMem *m = &op->mem;
    bool bare = m->type == ZYDIS_MEMOP_TYPE_AGEN || d->i.meta.category == ZYDIS_CATEGORY_PREFETCH;
    put(t, "%s", bare ? "" : size_name(op->size));
    if (m->segment == ZYDIS_REGISTER_GS || m->segment == ZYDIS_REGISTER_FS)
        put(t, "%s:", ZydisRegisterGetString(m->segment));
    put(t, "[");
    if (m->base == ZYDIS_REGISTER_RIP) {
        put_address(t, g, g->x.image_base + d->rva + d->i.length + (uint64_t)m->disp.value);
        put(t, "]");
        return;
    }
    bool any = false;
    if (m->base != ZYDIS_REGISTER_NONE) {
        put(t, "%s", ZydisRegisterGetString(m->base));
        any = true;
    }
    if (m->index != ZYDIS_REGISTER_NONE && m->type != ZYDIS_MEMOP_TYPE_MIB) {
        put(t, "%s%s", any ? "+" : "", ZydisRegisterGetString(m->index));
        if (m->scale > 1)
            put(t, "*%u", m->scale);
        any = true;
    }
    if (!any) {
        put_number(t, (uint64_t)m->disp.value & (m->disp.value < 0 && m->segment == ZYDIS_REGISTER_DS ? UINT64_MAX : UINT32_MAX));
    } else if (m->disp.has_displacement && m->disp.value) {
        put(t, m->disp.value < 0 ? "-" : "+");
        put_number(t, (uint64_t)(m->disp.value < 0 ? -m->disp.value : m->disp.value));
    }
    put(t, "]");
}

static void put_immediate(struct text *t, const struct graph_image *g, const struct graph_decoded *d, const ZydisDecodedOperand *op)
{
    uint64_t v = op->imm.value.u;
    if (op->imm.is_relative) {
        put_address(t, g, g->x.image_base + d->rva + d->i.length + v);
        return;
    }
    unsigned bits = d->i.operand_width;
    if (d->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER || d->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
        bits = d->op[0].size < bits ? d->op[0].size : bits;
    if (op->imm.is_signed && d->i.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && bits)
        v &= bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    else if (op->size && op->size < 64)
        v &= (UINT64_C(1) << op->size) - 1;
    put_number(t, v);
}

static void put_operand(struct text *t, const struct graph_image *g, const struct graph_decoded *d, const ZydisDecodedOperand *op)
{
    switch (op->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        put(t, "%s", ZydisRegisterGetString(op->reg.value));
        return;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        put_memory(t, g, d, op);
        return;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        put_immediate(t, g, d, op);
        return;
    default:
        return;
    }
}

/* The operands of string instructions are implicit; listings show those in memory. */
static void put_string_operands(struct text *t, const struct graph_image *g, const struct graph_decoded *d)
{
    bool any = false;
    for (unsigned k = 0; k < d->i.operand_count; k++) {
        if (d->op[k].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        struct graph_decoded plain = *d;
        plain.op[k].mem.segment = ZYDIS_REGISTER_NONE;
        put(t, "%s", any ? "," : "");
        put_memory(t, g, &plain, &plain.op[k]);
        any = true;
    }
}

const char *graph_format(const struct graph_image *g, const struct graph_decoded *d, char *out)
{
    struct text t = { out, 0 };
    if (d->i.mnemonic == ZYDIS_MNEMONIC_NOP && d->i.opcode == 0x90 && d->i.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) {
        put(&t, "xchg    ax,ax");
        return out;
    }
    put_mnemonic(&t, &d->i);
    if (is_string(&d->i)) {
        put_string_operands(&t, g, d);
        return out;
    }
    unsigned visible = d->i.operand_count_visible;
    if (d->i.mnemonic == ZYDIS_MNEMONIC_NOP && visible > 1)
        visible = 1;
    if (d->i.mnemonic == ZYDIS_MNEMONIC_INT3 || d->i.mnemonic == ZYDIS_MNEMONIC_INT1)
        visible = 0;
    for (unsigned k = 0; k < visible; k++) {
        put(&t, "%s", k ? "," : "");
        put_operand(&t, g, d, &d->op[k]);
    }
    return out;
}
