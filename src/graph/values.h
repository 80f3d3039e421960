/* What registers and stack slots may hold at a place of a function: a small forward propagation of constants.
 *
 * Every set lists the constants that may arrive along some path, and says whether something else may. Values other than
 * constants: what was loaded from a global, what the function was given as a parameter, memory that hangs from it, and
 * places on the stack. Anything not understood makes its destination unknown. */
#ifndef IRPLAB_GRAPH_VALUES_H
#define IRPLAB_GRAPH_VALUES_H

#include "graph/flow.h"

enum graph_value_kind {
    GRAPH_CONST,
    GRAPH_LOADED, /* what lies in a global, plus field; number: address of the global */
    GRAPH_MEMBER, /* what lies at field of what a global points at; number: address of the global */
    GRAPH_DEREF,  /* what lies at field of something, plus number */
    GRAPH_PARAM,  /* parameter `param`, plus number */
    GRAPH_FIELD,  /* what lies at parameter + field, plus number */
    GRAPH_STACK,  /* number: offset from rsp at the first instruction */
};

struct graph_value {
    uint8_t kind, param;
    int32_t field;
    uint64_t number;
};

enum { GRAPH_SET = 4, GRAPH_SLOTS = 40 };

struct graph_set {
    uint8_t count;
    bool unknown; /* something else may arrive too */
    bool full;    /* too many: stays unknown */
    struct graph_value v[GRAPH_SET];
};

struct graph_slot {
    int64_t offset;
    bool old; /* a call lies between: as the argument of another it no longer counts */
    struct graph_set set;
};

struct graph_state {
    bool known; /* a path leads here */
    bool sp_known;
    bool narrow; /* only imports, addresses of code and of the stack are followed: much faster */
    bool vectors; /* something is known of a vector register; else xmm and high are not to be read */
    int64_t sp; /* relative to rsp at the first instruction */
    uint32_t slot_count;
    struct graph_set reg[16];
    struct graph_slot slot[GRAPH_SLOTS]; /* so many are valid as slot_count says */
    struct graph_set xmm[16], high[16]; /* the halves of vector registers */
};

/* States are large and mostly empty: only what is valid is copied. */
void graph_state_copy(struct graph_state *to, const struct graph_state *from);
/* Nothing is known but the stack pointer; parameters only if asked for. */
void graph_state_start(struct graph_state *st, bool parameters);


struct graph_watch {
    void *ctx;
    bool narrow; /* see graph_state */
    /* Before each call and each jump out of the function. */
    void (*at_call)(void *ctx, uint32_t site, const struct graph_insn *i, const struct graph_state *st);
    /* Each store of known values to an address that is not on the stack. `indexed`: an unknown index is added to it. */
    void (*at_store)(void *ctx, uint32_t site, const struct graph_set *at, bool indexed, const struct graph_set *what);
    /* Before each return. */
    void (*at_return)(void *ctx, uint32_t site, const struct graph_state *st);
    /* Whether the immediate of the instruction there shall count as some other number. */
    bool (*hides)(void *ctx, uint32_t site);
    /* Each load from the stack, by its offset from rsp at the first instruction. */
    void (*at_stack_load)(void *ctx, int64_t offset);
};

/* `entry` may be NULL: parameters are unknown but have names. */
bool graph_propagate(const struct graph_image *g, const struct graph_body *body, const struct graph_state *entry,
                     const struct graph_watch *watch);

/* The effect of one instruction at rva. */
void graph_step(const struct graph_image *g, struct graph_state *st, uint32_t rva, const struct graph_insn *i,
                const struct graph_watch *watch);

/* The set in the slot at rsp + offset, or NULL: of an argument of the next call. */
const struct graph_set *graph_stack_argument(const struct graph_state *st, int64_t offset);

/* The set in the slot at an offset from rsp at the first instruction, or NULL. */
const struct graph_set *graph_stack_slot(const struct graph_state *st, int64_t offset);

/* What a call or jump through a register or memory goes to. */
struct graph_set graph_called(const struct graph_image *g, const struct graph_state *st, uint32_t rva, const struct graph_insn *i);

#endif
