/* x64 unwinding: UNWIND_INFO and one step from a frame to its caller.
 *
 * DOC: "x64 exception handling" (Microsoft Learn) for versions 1 and the procedure; version 2 (epilogs described by
 * codes) from the notes of compilers that emit it.
 *
 * Owns nothing. Unwind data is read from the mapped image; stack and instruction bytes through the caller's
 * `read`, so that a caller may unwind another machine's memory and show original bytes where code is patched.
 * Input is hostile: a malformed record gives PE_BAD and leaves the registers as they were.
 * The caller finds the function (pe_function_entry; NULL for a leaf) and calls handlers; this room does neither. */
#ifndef IRPLAB_PE_UNWIND_H
#define IRPLAB_PE_UNWIND_H

#include "pe/pe.h"

enum pe_gpr { /* the numbers of machine code and of unwind codes */
    PE_RAX, PE_RCX, PE_RDX, PE_RBX, PE_RSP, PE_RBP, PE_RSI, PE_RDI,
    PE_R8, PE_R9, PE_R10, PE_R11, PE_R12, PE_R13, PE_R14, PE_R15,
};

struct pe_xmm {
    uint64_t low, high;
};

struct pe_regs {
    uint64_t rip;
    uint64_t gpr[16];
    struct pe_xmm xmm[16]; /* only 6 to 15 survive calls */
};

/* False: not readable. Must not change anything. */
typedef bool pe_read_fn(void *ctx, uint64_t va, void *to, size_t len);

enum { PE_UNW_EHANDLER = 1, PE_UNW_UHANDLER = 2, PE_UNW_CHAININFO = 4 };

enum pe_frame_part { PE_FRAME_LEAF, PE_FRAME_PROLOG, PE_FRAME_BODY, PE_FRAME_EPILOG };

struct pe_unwound {
    uint32_t handler_rva; /* 0: no handler of the wanted kind, or control is not in the body */
    uint32_t handler_data_rva;
    uint64_t establisher_frame;
    uint32_t function_rva; /* begin of the primary entry: what chained parts belong to */
    enum pe_frame_part part;
    bool machine_frame;   /* the caller was interrupted: its rip is an instruction, not a return address */
    uint64_t gpr_at[16];  /* where each restored register was found; 0: it was not saved */
    uint64_t xmm_at[16];
};

/* Unwinds one frame. `fn` is the entry that covers regs->rip (NULL: a leaf); `handler` is PE_UNW_EHANDLER,
 * PE_UNW_UHANDLER or 0. Addresses in `regs` are relative to m->va. On failure *regs is unchanged. */
enum pe_status pe_virtual_unwind(const struct pe_mapped *m, const struct pe_function *fn, unsigned handler,
                                 struct pe_regs *regs, pe_read_fn *read, void *ctx, struct pe_unwound *out,
                                 char *err, size_t errlen);

/* --- decoding ------------------------------------------------------------------------------------------ */

enum pe_unwind_opcode {
    PE_UWOP_PUSH_NONVOL = 0,
    PE_UWOP_ALLOC_LARGE = 1,
    PE_UWOP_ALLOC_SMALL = 2,
    PE_UWOP_SET_FPREG = 3,
    PE_UWOP_SAVE_NONVOL = 4,
    PE_UWOP_SAVE_NONVOL_FAR = 5,
    PE_UWOP_EPILOG = 6,       /* version 2; in version 1 the withdrawn SAVE_XMM */
    PE_UWOP_SPARE = 7,        /* in version 1 the withdrawn SAVE_XMM_FAR */
    PE_UWOP_SAVE_XMM128 = 8,
    PE_UWOP_SAVE_XMM128_FAR = 9,
    PE_UWOP_PUSH_MACHFRAME = 10,
};

struct pe_unwind_info {
    uint8_t version, flags, prolog_size, code_count, frame_register;
    uint32_t frame_offset;      /* bytes */
    const uint8_t *codes;       /* code_count * 2 bytes */
    uint32_t handler_rva;       /* when flags has a handler */
    uint32_t handler_data_rva;
    struct pe_function chained; /* when flags has CHAININFO */
};

struct pe_unwind_op {
    uint8_t code_offset; /* of the end of the prolog's instruction */
    uint8_t op;          /* enum pe_unwind_opcode */
    uint8_t info;
    uint8_t slots;       /* array entries it takes */
    uint32_t operand;    /* bytes: allocation or offset */
};

/* Follows indirect entries. */
bool pe_unwind_info(const struct pe_mapped *m, const struct pe_function *fn, struct pe_unwind_info *out);

/* The code at array index `i`; false past the end or if malformed. The next one is at i + out->slots. */
bool pe_unwind_op(const struct pe_unwind_info *info, unsigned i, struct pe_unwind_op *out);

/* The function a chained entry is part of (itself when not chained). */
bool pe_function_primary(const struct pe_mapped *m, const struct pe_function *fn, struct pe_function *out);

#endif
