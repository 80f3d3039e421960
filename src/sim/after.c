/* Looking ahead behind a call; see after.h. */
#include "sim/after.h"

#include <Zydis/Zydis.h>
#include <string.h>

#include "sim/machine.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, NO_REGISTER = 0xFF };
enum { MOST_INSTRUCTIONS = 64, MOST_WAYS = 8, CACHED = 4096, PAGE = 4096 };

/* One instruction, as far as it matters here. */
enum kind { STOP, OTHER, MOVE, LEA, ADD, SUBTRACT, PUSH, POP, JUMP, BRANCH, RETURN };

struct memory {
    bool there;
    uint8_t base, index, scale;
    bool of_rip;
    int64_t displacement;
};

struct instruction {
    uint64_t at;
    uint32_t generation; /* 0: an empty place of the cache */
    uint8_t kind, bytes, width; /* width of the operands: 8, 4 or less */
    uint8_t to, from; /* registers; from: NO_REGISTER: the immediate, unless memory is read */
    bool touches, loads, stores; /* the memory operand is accessed at all; what it holds goes to `to`; it is written */
    uint16_t clobbers;
    int64_t immediate; /* or where a jump leads */
    struct memory m;
};

static struct instruction cache[CACHED]; /* of the process: a function of the code */
static uint32_t generation = 1;

void after_forget(void)
{
    generation++;
}

static uint8_t register_number(ZydisRegister r)
{
    ZydisRegister large = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return large >= ZYDIS_REGISTER_RAX && large <= ZYDIS_REGISTER_R15 ? (uint8_t)(large - ZYDIS_REGISTER_RAX) : NO_REGISTER;
}

/* The first memory operand, implicit ones (push, pop, string instructions) left out. */
static void describe_memory(struct instruction *t, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    for (unsigned i = 0; i < in->operand_count_visible; i++) {
        if (op[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        const ZydisDecodedOperandMem *m = &op[i].mem;
        t->m = (struct memory) { .there = true, .base = register_number(m->base), .index = register_number(m->index), .scale = m->scale,
                                 .of_rip = m->base == ZYDIS_REGISTER_RIP, .displacement = m->disp.value };
        t->touches = m->type == ZYDIS_MEMOP_TYPE_MEM && in->meta.category != ZYDIS_CATEGORY_NOP && in->meta.category != ZYDIS_CATEGORY_WIDENOP &&
                     in->meta.category != ZYDIS_CATEGORY_PREFETCH && m->segment != ZYDIS_REGISTER_GS && m->segment != ZYDIS_REGISTER_FS;
        t->loads = t->touches && i == 1;
        t->stores = t->touches && (op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
        return;
    }
}

static void describe_move(struct instruction *t, const ZydisDecodedOperand *op)
{
    if (op[0].type != ZYDIS_OPERAND_TYPE_REGISTER || register_number(op[0].reg.value) == NO_REGISTER || t->width < 4)
        return;
    t->to = register_number(op[0].reg.value);
    if (op[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
        t->from = register_number(op[1].reg.value);
    else if (op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        t->immediate = op[1].imm.value.s;
    t->kind = MOVE;
}

static void describe_sum(struct instruction *t, const ZydisDecodedOperand *op, enum kind kind)
{
    if (op[0].type != ZYDIS_OPERAND_TYPE_REGISTER || t->width < 4 || t->m.there)
        return;
    t->to = register_number(op[0].reg.value);
    if (op[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
        t->from = register_number(op[1].reg.value);
    else
        t->immediate = op[1].imm.value.s;
    t->kind = kind;
}

static void describe_jump(struct instruction *t, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, enum kind kind)
{
    t->kind = STOP;
    ZyanU64 target;
    if (op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(in, &op[0], t->at, &target)))
        t->kind = (uint8_t)kind, t->immediate = (int64_t)target;
}

static void describe(struct instruction *t, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    t->bytes = in->length;
    t->width = (uint8_t)(in->operand_width / 8);
    t->kind = OTHER;
    t->to = t->from = NO_REGISTER;
    describe_memory(t, in, op);
    for (unsigned i = 0; i < in->operand_count; i++)
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && (op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) && register_number(op[i].reg.value) != NO_REGISTER)
            t->clobbers |= (uint16_t)(1u << register_number(op[i].reg.value));
    if (in->attributes & ZYDIS_ATTRIB_HAS_LOCK) {
        t->kind = STOP;
        return;
    }
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        describe_move(t, op);
        break;
    case ZYDIS_MNEMONIC_LEA:
        t->kind = LEA;
        t->to = register_number(op[0].reg.value);
        break;
    case ZYDIS_MNEMONIC_ADD:
        describe_sum(t, op, ADD);
        break;
    case ZYDIS_MNEMONIC_SUB:
        describe_sum(t, op, SUBTRACT);
        break;
    case ZYDIS_MNEMONIC_PUSH:
        t->kind = PUSH;
        break;
    case ZYDIS_MNEMONIC_POP:
        t->kind = POP;
        t->to = register_number(op[0].reg.value);
        break;
    case ZYDIS_MNEMONIC_JMP:
        describe_jump(t, in, op, JUMP);
        break;
    case ZYDIS_MNEMONIC_RET:
        t->kind = RETURN;
        break;
    case ZYDIS_MNEMONIC_XCHG: /* with memory: atomic */
        t->kind = t->m.there ? STOP : OTHER;
        break;
    default:
        if (in->meta.category == ZYDIS_CATEGORY_COND_BR)
            describe_jump(t, in, op, BRANCH);
        else if (in->meta.category == ZYDIS_CATEGORY_CALL || in->meta.category == ZYDIS_CATEGORY_INTERRUPT || in->meta.category == ZYDIS_CATEGORY_SYSCALL ||
                 in->meta.category == ZYDIS_CATEGORY_SYSTEM)
            t->kind = STOP;
    }
}

static const struct instruction *decode(uint64_t at)
{
    static const struct instruction nothing = { .kind = STOP };
    struct instruction *t = &cache[(at ^ at >> 12) % CACHED];
    if (t->at == at && t->generation == generation)
        return t;
    uint8_t code[15];
    size_t bytes = sizeof code;
    if (!machine_is_guest_code(at))
        return &nothing;
    if (!host_peek(code, at, bytes)) {
        bytes = PAGE - at % PAGE; /* the last instructions of a section */
        if (bytes >= sizeof code || !host_peek(code, at, bytes))
            return &nothing;
    }
    static ZydisDecoder decoder;
    static bool ready;
    if (!ready)
        ready = ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    *t = (struct instruction) { .at = at, .generation = generation, .kind = STOP };
    if (ready && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, bytes, &in, op)))
        describe(t, &in, op);
    return t;
}

/* One way that the code may take. */
struct way {
    struct after_state s;
    uint64_t stored[8]; /* where it has written, eight bytes or less each: what lies there is not known */
    unsigned stored_count;
    bool blind; /* it may have written anywhere */
    bool branched;
};

static bool is_known(const struct after_state *s, uint8_t r)
{
    return s->known >> r & 1;
}

static void set(struct after_state *s, uint8_t r, uint64_t value, unsigned width)
{
    if (r == NO_REGISTER)
        return;
    s->reg[r] = width == 4 ? (uint32_t)value : value;
    s->known |= (uint16_t)(1u << r);
}

static void lose(struct after_state *s, uint16_t registers)
{
    s->known &= (uint16_t)~registers;
}

static bool address_of(const struct after_state *s, const struct instruction *t, uint64_t *address)
{
    const struct memory *m = &t->m;
    uint64_t sum = (uint64_t)m->displacement;
    if (m->of_rip)
        sum += t->at + t->bytes;
    else if (m->base != NO_REGISTER) {
        if (!is_known(s, m->base))
            return false;
        sum += s->reg[m->base];
    }
    if (m->index != NO_REGISTER) {
        if (!is_known(s, m->index))
            return false;
        sum += s->reg[m->index] * m->scale;
    }
    *address = sum;
    return true;
}

static void note_store(struct way *w, bool known, uint64_t address)
{
    if (known && w->stored_count < sizeof w->stored / sizeof *w->stored)
        w->stored[w->stored_count++] = address;
    else
        w->blind = true;
}

static bool load(const struct way *w, uint64_t address, unsigned width, uint64_t *value)
{
    uint32_t half;
    if (w->blind)
        return false;
    for (unsigned i = 0; i < w->stored_count; i++)
        if (address + width > w->stored[i] && w->stored[i] + 8 > address)
            return false;
    if (width == 8)
        return sim_peek(value, address);
    if (width != 4 || !sim_peek(&half, address))
        return false;
    *value = half;
    return true;
}

/* What it leaves in registers. */
static void apply(struct way *w, const struct instruction *t)
{
    struct after_state *s = &w->s;
    uint64_t a = 0, v = 0;
    bool good = false;
    switch (t->kind) {
    case MOVE:
        if (t->loads)
            good = address_of(s, t, &a) && load(w, a, t->width, &v);
        else if (t->from != NO_REGISTER)
            good = is_known(s, t->from), v = s->reg[t->from];
        else
            good = true, v = (uint64_t)t->immediate;
        break;
    case LEA:
        good = address_of(s, t, &v);
        break;
    case ADD:
    case SUBTRACT:
        good = t->to != NO_REGISTER && is_known(s, t->to) && (t->from == NO_REGISTER || is_known(s, t->from));
        v = t->from == NO_REGISTER ? (uint64_t)t->immediate : s->reg[t->from];
        if (good)
            v = t->kind == ADD ? s->reg[t->to] + v : s->reg[t->to] - v;
        break;
    case POP:
        good = is_known(s, RSP) && load(w, s->reg[RSP], 8, &v);
        lose(s, t->clobbers & (uint16_t)~(1u << RSP));
        if (good)
            set(s, t->to, v, 8);
        s->reg[RSP] += 8;
        return;
    case PUSH:
        s->reg[RSP] -= 8;
        note_store(w, is_known(s, RSP), s->reg[RSP]);
        return;
    default:
        break;
    }
    if (t->stores) {
        bool known = address_of(s, t, &a);
        note_store(w, known && t->width <= 8, a);
    }
    lose(s, t->clobbers);
    if (good)
        set(s, t->to, v, t->width);
}

static void note(const struct after_touch *touch, struct after_touch touches[AFTER_MOST], unsigned *n)
{
    for (unsigned i = 0; i < *n; i++)
        if (touches[i].block == touch->block) {
            touches[i] = touches[i].certain >= touch->certain ? touches[i] : *touch;
            return;
        }
    if (*n < AFTER_MOST)
        touches[(*n)++] = *touch;
}

unsigned after_touches(const struct after_state *start, uint64_t (*block_of)(uint64_t, bool *), struct after_touch touches[AFTER_MOST])
{
    struct way ways[MOST_WAYS];
    unsigned left = 1, taken = 1, n = 0, budget = MOST_INSTRUCTIONS;
    ways[0] = (struct way) { .s = *start };
    while (left && budget) {
        struct way w = ways[--left];
        for (; budget; budget--) {
            const struct instruction *t = decode(w.s.rip);
            if (t->kind == STOP)
                break;
            struct after_touch touch = { .rip = w.s.rip, .writes = t->stores, .certain = !w.branched };
            if (t->touches && address_of(&w.s, t, &touch.address) && (touch.block = block_of(touch.address, &touch.freed)))
                note(&touch, touches, &n);
            uint64_t next = w.s.rip + t->bytes;
            if (t->kind == RETURN) {
                if (!is_known(&w.s, RSP) || !load(&w, w.s.reg[RSP], 8, &next))
                    break;
                w.s.reg[RSP] += 8;
            } else if (t->kind == JUMP) {
                next = (uint64_t)t->immediate;
            } else if (t->kind == BRANCH) {
                w.branched = true;
                if (taken < MOST_WAYS) {
                    taken++;
                    ways[left] = w;
                    ways[left++].s.rip = (uint64_t)t->immediate;
                }
            }
            apply(&w, t);
            w.s.rip = next;
        }
    }
    return n;
}
