/* The decoder: two tables, and Zydis for what they do not cover. */
#include "graph/decode.h"

#include <string.h>

#include <Zydis/Zydis.h>

enum { LONGEST = 15 };

/* What follows an opcode of the one-byte map. */
enum {
    M = 1,      /* ModRM */
    B = 2,      /* imm8 or rel8 */
    Z = 4,      /* imm16/32 by operand size */
    V = 8,      /* imm64 with REX.W */
    W = 0x10,   /* imm16 */
    J = 0x20,   /* rel32: 66 does not shorten it */
    O = 0x40,   /* 64-bit address */
    S = 0x80,   /* ask Zydis */
};

static const uint8_t one_byte[256] = {
    /* 00 */ M, M, M, M, B, Z, S, S, M, M, M, M, B, Z, S, S,
    /* 10 */ M, M, M, M, B, Z, S, S, M, M, M, M, B, Z, S, S,
    /* 20 */ M, M, M, M, B, Z, S, S, M, M, M, M, B, Z, S, S,
    /* 30 */ M, M, M, M, B, Z, S, S, M, M, M, M, B, Z, S, S,
    /* 40 */ S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S,
    /* 50 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* 60 */ S, S, S, M, S, S, S, S, Z, M | Z, B, M | B, 0, 0, 0, 0,
    /* 70 */ B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    /* 80 */ M | B, M | Z, S, M | B, M, M, M, M, M, M, M, M, S, M, S, M,
    /* 90 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, S, 0, 0, 0, 0, 0,
    /* a0 */ O, O, O, O, 0, 0, 0, 0, B, Z, 0, 0, 0, 0, 0, 0,
    /* b0 */ B, B, B, B, B, B, B, B, V, V, V, V, V, V, V, V,
    /* c0 */ M | B, M | B, W, 0, S, S, M | B, M | Z, W | B, 0, W, 0, 0, B, S, 0,
    /* d0 */ M, M, M, M, S, S, S, 0, M, M, M, M, M, M, M, M,
    /* e0 */ B, B, B, B, B, B, B, B, J, J, S, B, 0, 0, 0, 0,
    /* f0 */ S, 0, S, S, 0, 0, M, M, 0, 0, 0, 0, 0, 0, M, M,
};

/* The 0F map: for which mandatory prefixes (bit 0 none, 1 for 66, 2 for F3, 3 for F2) every ModRM byte is valid. */
enum { NP = 1, P6 = 2, P3 = 4, P2 = 8, ALL = 15, I8 = 0x10, NOMOD = 0x20, JCC = 0x40 };
#define NP66 (NP | P6)

static const uint8_t two_byte[256] = {
    [0x05] = NOMOD | NP, [0x0b] = NOMOD | NP,
    [0x10] = ALL, [0x11] = ALL, [0x14] = NP66, [0x15] = NP66,
    [0x18] = 0, [0x1f] = NP66, [0x28] = NP66, [0x29] = NP66,
    [0x2a] = P3 | P2, [0x2c] = P3 | P2, [0x2d] = P3 | P2, [0x2e] = NP66, [0x2f] = NP66,
    [0x30] = NOMOD | NP, [0x31] = NOMOD | NP, [0x32] = NOMOD | NP,
    [0x40] = NP66, [0x41] = NP66, [0x42] = NP66, [0x43] = NP66, [0x44] = NP66, [0x45] = NP66, [0x46] = NP66, [0x47] = NP66,
    [0x48] = NP66, [0x49] = NP66, [0x4a] = NP66, [0x4b] = NP66, [0x4c] = NP66, [0x4d] = NP66, [0x4e] = NP66, [0x4f] = NP66,
    [0x51] = ALL, [0x52] = NP | P3, [0x53] = NP | P3, [0x54] = NP66, [0x55] = NP66, [0x56] = NP66, [0x57] = NP66,
    [0x58] = ALL, [0x59] = ALL, [0x5a] = ALL, [0x5b] = NP66 | P3, [0x5c] = ALL, [0x5d] = ALL, [0x5e] = ALL, [0x5f] = ALL,
    [0x60] = P6, [0x61] = P6, [0x62] = P6, [0x63] = P6, [0x64] = P6, [0x65] = P6, [0x66] = P6, [0x67] = P6,
    [0x68] = P6, [0x69] = P6, [0x6a] = P6, [0x6b] = P6, [0x6c] = P6, [0x6d] = P6, [0x6e] = NP66, [0x6f] = P6 | P3,
    [0x70] = P6 | P3 | P2 | I8, [0x74] = P6, [0x75] = P6, [0x76] = P6, [0x7e] = NP66 | P3, [0x7f] = P6 | P3,
    [0x80] = JCC, [0x81] = JCC, [0x82] = JCC, [0x83] = JCC, [0x84] = JCC, [0x85] = JCC, [0x86] = JCC, [0x87] = JCC,
    [0x88] = JCC, [0x89] = JCC, [0x8a] = JCC, [0x8b] = JCC, [0x8c] = JCC, [0x8d] = JCC, [0x8e] = JCC, [0x8f] = JCC,
    [0x90] = NP, [0x91] = NP, [0x92] = NP, [0x93] = NP, [0x94] = NP, [0x95] = NP, [0x96] = NP, [0x97] = NP,
    [0x98] = NP, [0x99] = NP, [0x9a] = NP, [0x9b] = NP, [0x9c] = NP, [0x9d] = NP, [0x9e] = NP, [0x9f] = NP,
    [0xa2] = NOMOD | NP, [0xa3] = NP66, [0xa4] = NP66 | I8, [0xa5] = NP66, [0xab] = NP66, [0xac] = NP66 | I8, [0xad] = NP66,
    [0xaf] = NP66, [0xb0] = NP66, [0xb1] = NP66, [0xb3] = NP66, [0xb6] = NP66, [0xb7] = NP66, [0xbb] = NP66,
    [0xbc] = NP66 | P3, [0xbd] = NP66 | P3, [0xbe] = NP66, [0xbf] = NP66, [0xc0] = NP66, [0xc1] = NP66, [0xc6] = NP66 | I8,
    [0xc8] = NOMOD | NP, [0xc9] = NOMOD | NP, [0xca] = NOMOD | NP, [0xcb] = NOMOD | NP,
    [0xcc] = NOMOD | NP, [0xcd] = NOMOD | NP, [0xce] = NOMOD | NP, [0xcf] = NOMOD | NP,
    [0xd1] = P6, [0xd2] = P6, [0xd3] = P6, [0xd4] = P6, [0xd5] = P6, [0xd8] = P6, [0xd9] = P6, [0xda] = P6, [0xdb] = P6,
    [0xdc] = P6, [0xdd] = P6, [0xde] = P6, [0xdf] = P6, [0xe0] = P6, [0xe1] = P6, [0xe2] = P6, [0xe3] = P6, [0xe4] = P6,
    [0xe5] = P6, [0xe8] = P6, [0xe9] = P6, [0xea] = P6, [0xeb] = P6, [0xec] = P6, [0xed] = P6, [0xee] = P6, [0xef] = P6,
    [0xf1] = P6, [0xf2] = P6, [0xf3] = P6, [0xf4] = P6, [0xf5] = P6, [0xf6] = P6, [0xf8] = P6, [0xf9] = P6, [0xfa] = P6,
    [0xfb] = P6, [0xfc] = P6, [0xfd] = P6, [0xfe] = P6,
};

/* Digits (ModRM.reg) for which an opcode group of the one-byte map is valid with any operand; others ask Zydis. */
static bool group_is_plain(uint8_t opcode, uint8_t modrm)
{
    unsigned digit = modrm >> 3 & 7, mod = modrm >> 6;
    switch (opcode) {
    case 0x8d:
        return mod != 3;
    case 0x8f: case 0xc6: case 0xc7:
        return digit == 0;
    case 0xc0: case 0xc1: case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        return digit != 6;
    case 0xf6: case 0xf7:
        return digit != 1;
    case 0xfe:
        return digit < 2;
    case 0xff:
        return digit != 7 && digit != 3 && digit != 5;
    case 0xd8: case 0xda: case 0xdc: case 0xde: case 0xdf:
        return mod != 3;
    case 0xd9:
        return mod != 3 && digit != 1;
    case 0xdb:
        return mod != 3 && digit != 4 && digit != 6;
    case 0xdd:
        return mod != 3 && digit != 5;
    default:
        return true;
    }
}

static int32_t read32(const uint8_t *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* ModRM, SIB and displacement. Returns what follows. */
static inline const uint8_t *operands(const uint8_t *p, struct graph_insn *out)
{
    uint8_t modrm = *p++;
    unsigned mod = modrm >> 6;
    out->has_modrm = true;
    out->modrm = modrm;
    if (mod == 3)
        return p;
    bool wide = mod == 2;
    if ((modrm & 7) == 4) {
        out->sib = *p++;
        wide |= mod == 0 && (out->sib & 7) == 5;
    }
    if (wide || (modrm & 0xc7) == 5) {
        out->disp = read32(p);
        return p + 4;
    }
    if (mod == 1)
        out->disp = (int8_t)*p++;
    return p;
}

/* --- the rest: Zydis ------------------------------------------------------------------------------------ */

static uint8_t zydis_map(const ZydisDecodedInstruction *z)
{
    if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return GRAPH_MAP_OTHER;
    switch (z->opcode_map) {
    case ZYDIS_OPCODE_MAP_DEFAULT:
        return GRAPH_MAP_1;
    case ZYDIS_OPCODE_MAP_0F:
        return GRAPH_MAP_0F;
    case ZYDIS_OPCODE_MAP_0F38:
        return GRAPH_MAP_0F38;
    case ZYDIS_OPCODE_MAP_0F3A:
        return GRAPH_MAP_0F3A;
    default:
        return GRAPH_MAP_OTHER;
    }
}

static uint8_t zydis_prefixes(const ZydisDecodedInstruction *z)
{
    unsigned out = 0;
    for (unsigned i = 0; i < z->raw.prefix_count; i++) {
        switch (z->raw.prefixes[i].value) {
        case 0x66: out |= GRAPH_P66; break;
        case 0x67: out |= GRAPH_P67; break;
        case 0xf3: out |= GRAPH_PF3; break;
        case 0xf2: out |= GRAPH_PF2; break;
        case 0xf0: out |= GRAPH_LOCK; break;
        case 0x64: case 0x65: out |= GRAPH_SEGMENT; break;
        }
    }
    return (uint8_t)out;
}

static __attribute__((noinline)) bool decode_slow(const uint8_t *p, const uint8_t *end, struct graph_insn *out)
{
    static const ZydisDecoder decoder = { .machine_mode = ZYDIS_MACHINE_MODE_LONG_64, .stack_width = ZYDIS_STACK_WIDTH_64,
                                          .decoder_mode = { [ZYDIS_DECODER_MODE_MPX] = 1, [ZYDIS_DECODER_MODE_CET] = 1,
                                                            [ZYDIS_DECODER_MODE_LZCNT] = 1, [ZYDIS_DECODER_MODE_TZCNT] = 1,
                                                            [ZYDIS_DECODER_MODE_CLDEMOTE] = 1 } };
    ZydisDecoderContext c;
    ZydisDecodedInstruction z;
    memset(out, 0, sizeof *out);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &c, p, (ZyanUSize)(end - p), &z)))
        return false;
    out->length = z.length;
    out->map = zydis_map(&z);
    out->opcode = z.opcode;
    out->prefixes = zydis_prefixes(&z);
    out->rex = (uint8_t)(z.raw.rex.W << 3 | z.raw.rex.R << 2 | z.raw.rex.X << 1 | z.raw.rex.B);
    if (z.attributes & ZYDIS_ATTRIB_HAS_MODRM) {
        out->has_modrm = true;
        out->modrm = p[z.raw.modrm.offset];
        out->sib = z.attributes & ZYDIS_ATTRIB_HAS_SIB ? p[z.raw.sib.offset] : 0;
        out->disp = (int32_t)z.raw.disp.value;
    }
    out->imm = z.raw.imm[0].is_signed ? z.raw.imm[0].value.s : (int64_t)z.raw.imm[0].value.u;
    return true;
}

/* --- the fast path -------------------------------------------------------------------------------------- */

static const uint8_t *immediate(const uint8_t *p, unsigned kind, struct graph_insn *out)
{
    if (kind & B && !(kind & W)) {
        out->imm = (int8_t)*p;
        return p + 1;
    }
    if (kind & J || (kind & (Z | V) && !(out->prefixes & GRAPH_P66) && !(kind & V && out->rex & GRAPH_REX_W))) {
        out->imm = read32(p);
        return p + 4;
    }
    if (kind & O || (kind & V && out->rex & GRAPH_REX_W)) {
        memcpy(&out->imm, p, 8);
        return p + 8;
    }
    if (kind & Z && out->rex & GRAPH_REX_W) { /* REX.W wins over 66 */
        out->imm = read32(p);
        return p + 4;
    }
    if (kind & (Z | V | W)) {
        int16_t v;
        memcpy(&v, p, sizeof v);
        out->imm = v;
        return p + 2 + (kind & B ? 1 : 0);
    }
    return p;
}

/* NULL: ask Zydis. */
static inline const uint8_t *decode_0f(const uint8_t *p, struct graph_insn *out)
{
    uint8_t opcode = *p++, kind = two_byte[opcode];
    unsigned mandatory = out->prefixes & (GRAPH_P66 | GRAPH_PF3 | GRAPH_PF2);
    out->map = GRAPH_MAP_0F;
    out->opcode = opcode;
    if (kind & JCC) {
        out->imm = read32(p);
        return mandatory ? NULL : p + 4;
    }
    if (!(kind & (mandatory == 0 ? NP : mandatory == GRAPH_P66 ? P6 : mandatory == GRAPH_PF3 ? P3 : mandatory == GRAPH_PF2 ? P2 : 0)))
        return NULL;
    if (!(kind & NOMOD))
        p = operands(p, out);
    if (kind & I8)
        out->imm = (int8_t)*p++;
    return p;
}

static inline const uint8_t *decode_fast(const uint8_t *p, struct graph_insn *out)
{
    uint8_t b = *p++;
    for (;; b = *p++) {
        if (b == 0x66)
            out->prefixes |= GRAPH_P66;
        else if (b == 0xf3)
            out->prefixes |= GRAPH_PF3;
        else if (b == 0xf2)
            out->prefixes |= GRAPH_PF2;
        else if (b == 0x64 || b == 0x65)
            out->prefixes |= GRAPH_SEGMENT;
        else if (b != 0x2e)
            break;
    }
    if ((b & 0xf0) == 0x40) {
        out->rex = b;
        b = *p++;
    }
    if (b == 0x0f)
        return decode_0f(p, out);
    uint8_t kind = one_byte[b];
    out->opcode = b;
    if (kind & S)
        return NULL;
    if (kind & M) {
        if (!group_is_plain(b, *p))
            return NULL;
        p = operands(p, out);
        if ((b & 0xfe) == 0xf6 && (out->modrm & 0x38) == 0) /* test has an immediate, its group has none */
            kind |= b & 1 ? Z : B;
    }
    return kind & ~M ? immediate(p, kind, out) : p;
}

bool graph_decode(const uint8_t *p, const uint8_t *end, struct graph_insn *out)
{
    uint8_t padded[48];
    const uint8_t *from = p, *limit = end;
    if (end - p < 32) {
        if (end <= p) {
            memset(out, 0, sizeof *out);
            return false;
        }
        memset(padded, 0, sizeof padded);
        memcpy(padded, p, (size_t)(end - p));
        from = padded;
        limit = padded + (end - p);
    }
    memset(out, 0, sizeof *out);
    /* The longest run of prefixes that the fast path may eat is bounded by the bytes that are surely there. */
    unsigned prefixes = 0;
    while (prefixes < LONGEST && (from[prefixes] == 0x66 || from[prefixes] == 0x2e))
        prefixes++;
    const uint8_t *next = prefixes < 10 ? decode_fast(from, out) : NULL;
    if (!next || next - from > LONGEST || next > limit)
        return decode_slow(p, end, out);
    out->length = (uint8_t)(next - from);
    return true;
}

/* --- control flow --------------------------------------------------------------------------------------- */

static enum graph_flow flow_one(const struct graph_insn *i)
{
    switch (i->opcode) {
    case 0xe8:
        return GRAPH_CALL;
    case 0xe9: case 0xeb:
        return GRAPH_JUMP;
    case 0xe0: case 0xe1: case 0xe2: case 0xe3:
        return GRAPH_BRANCH;
    case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf:
        return GRAPH_RETURN;
    case 0xcc: case 0xf4:
        return GRAPH_STOP;
    case 0xcd: /* int 29h is __fastfail */
        return (uint8_t)i->imm == 0x29 ? GRAPH_STOP : GRAPH_NEXT;
    case 0xff:
        return graph_digit(i) == 2 ? GRAPH_CALL_FAR : graph_digit(i) == 4 ? GRAPH_JUMP_FAR : GRAPH_NEXT;
    default:
        return (i->opcode & 0xf0) == 0x70 ? GRAPH_BRANCH : GRAPH_NEXT;
    }
}

enum graph_flow graph_flow_of(const struct graph_insn *i)
{
    if (i->map == GRAPH_MAP_1)
        return flow_one(i);
    if (i->map != GRAPH_MAP_0F)
        return GRAPH_NEXT;
    if ((i->opcode & 0xf0) == 0x80)
        return GRAPH_BRANCH;
    if (i->opcode == 0x0b || i->opcode == 0x07 || i->opcode == 0xb9 || i->opcode == 0xff)
        return GRAPH_STOP;
    return GRAPH_NEXT;
}
