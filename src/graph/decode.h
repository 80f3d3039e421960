/* Instruction lengths, control flow and operands at the speed of a scan.
 *
 * Owns a fast path for what compilers emit; everything rare or doubtful (vector extensions, lock, x87 registers,
 * whatever may be invalid) is decided by Zydis, so that both always agree. Nothing is allocated; any bytes are fine.
 * Leaves to others: text (format.h) and what an instruction does to registers (values.h). */
#ifndef IRPLAB_GRAPH_DECODE_H
#define IRPLAB_GRAPH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum graph_map { GRAPH_MAP_1, GRAPH_MAP_0F, GRAPH_MAP_0F38, GRAPH_MAP_0F3A, GRAPH_MAP_OTHER };

enum graph_prefix { GRAPH_P66 = 1, GRAPH_PF3 = 2, GRAPH_PF2 = 4, GRAPH_LOCK = 8, GRAPH_SEGMENT = 16, GRAPH_P67 = 32 };

enum { GRAPH_REX_B = 1, GRAPH_REX_X = 2, GRAPH_REX_R = 4, GRAPH_REX_W = 8, GRAPH_REX = 0x40 };

struct graph_insn {
    uint8_t length; /* 0: not an instruction */
    uint8_t map;    /* enum graph_map */
    uint8_t opcode;
    uint8_t rex;    /* bits of GRAPH_REX_*; GRAPH_REX set when the prefix is there */
    uint8_t prefixes;
    bool has_modrm;
    uint8_t modrm, sib;
    int32_t disp;
    int64_t imm; /* of branches: the displacement */
};

/* Decodes the instruction at p; false when the bytes up to `end` begin with none (then length is 0). */
bool graph_decode(const uint8_t *p, const uint8_t *end, struct graph_insn *out);

static inline unsigned graph_mod(const struct graph_insn *i) { return i->modrm >> 6; }
static inline unsigned graph_digit(const struct graph_insn *i) { return i->modrm >> 3 & 7; }

static inline unsigned graph_reg(const struct graph_insn *i)
{
    return graph_digit(i) | (i->rex & GRAPH_REX_R) << 1;
}

/* The register that r/m names when mod is 3. */
static inline unsigned graph_rm(const struct graph_insn *i)
{
    return (i->modrm & 7) | (i->rex & GRAPH_REX_B) << 3;
}

static inline bool graph_rip_relative(const struct graph_insn *i)
{
    return i->has_modrm && (i->modrm & 0xc7) == 5;
}

static inline bool graph_is(const struct graph_insn *i, enum graph_map map, uint8_t opcode)
{
    return i->map == map && i->opcode == opcode;
}

/* --- control flow --- */

enum graph_flow {
    GRAPH_NEXT,      /* goes on */
    GRAPH_CALL,      /* call rel32 */
    GRAPH_CALL_FAR,  /* call through a register or memory */
    GRAPH_JUMP,      /* jmp rel */
    GRAPH_JUMP_FAR,  /* jmp through a register or memory */
    GRAPH_BRANCH,    /* conditional, rel */
    GRAPH_RETURN,    /* ret, iretq, sysret */
    GRAPH_STOP,      /* int3, ud2, hlt, int 29h: nothing follows */
};

enum graph_flow graph_flow_of(const struct graph_insn *i);

#endif
