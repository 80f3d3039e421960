/* The unwinder on frames written by hand: codes that compilers here do not emit (machine frames, version 2),
 * handlers, establisher frames, and malformed data. test_unwind_step.c covers real prologs and epilogs. */
#include "support.h"

#include "pe/unwind.h"

#include <string.h>

enum { CODE = 0x1000, INFO = 0x2000, SIZE = 0x3000, BASE = 0x140000000, STACK = 0x7000 };

struct world {
    struct pe_mapped m;
    struct pe_function fn;
    struct pe_regs regs;
    struct pe_unwound out;
    uint64_t stack[0x100]; /* at STACK */
    uint8_t bytes[SIZE];
    char err[PE_ERROR_TEXT];
};

static bool read_world(void *ctx, uint64_t va, void *to, size_t len)
{
    struct world *w = ctx;
    if (va >= BASE && va - BASE <= SIZE - len)
        memcpy(to, w->bytes + (va - BASE), len);
    else if (va >= STACK && va - STACK <= sizeof w->stack - len)
        memcpy(to, (uint8_t *)w->stack + (va - STACK), len);
    else
        return false;
    return true;
}

/* A function of 0x100 bytes of nop with this UNWIND_INFO; the stack holds its own addresses plus a mark. */
static void make(struct world *w, const uint8_t *info, size_t n, uint32_t pc)
{
    memset(w, 0, sizeof *w);
    w->m = (struct pe_mapped){ .base = w->bytes, .size = SIZE, .va = BASE };
    w->fn = (struct pe_function){ CODE, CODE + 0x100, INFO };
    memset(w->bytes + CODE, 0x90, 0x100);
    memcpy(w->bytes + INFO, info, n);
    for (unsigned i = 0; i < 0x100; i++)
        w->stack[i] = 0xabcd0000 + STACK + i * 8;
    for (unsigned i = 0; i < 16; i++)
        w->regs.gpr[i] = i;
    w->regs.gpr[PE_RSP] = STACK;
    w->regs.rip = BASE + CODE + pc;
}

#define MAKE(w, pc, ...) make(w, (const uint8_t[]){ __VA_ARGS__ }, sizeof (const uint8_t[]){ __VA_ARGS__ }, pc)

static enum pe_status unwind(struct world *w, unsigned handler)
{
    return pe_virtual_unwind(&w->m, &w->fn, handler, &w->regs, read_world, w, &w->out, w->err, sizeof w->err);
}

static uint64_t slot(unsigned offset)
{
    return 0xabcd0000 + STACK + offset;
}

#define CODES(offset, op, info) (offset), ((info) << 4 | (op))

/* push rbx (1), push rsi (2), sub rsp 0x20 (6), save rdi at 0x58 (0xb), save xmm6 at 0x10 (0x10) */
#define PLAIN_CODES \
    CODES(0x10, PE_UWOP_SAVE_XMM128, 6), 1, 0, CODES(0xb, PE_UWOP_SAVE_NONVOL, PE_RDI), 0xb, 0, \
    CODES(6, PE_UWOP_ALLOC_SMALL, 3), CODES(2, PE_UWOP_PUSH_NONVOL, PE_RSI), CODES(1, PE_UWOP_PUSH_NONVOL, PE_RBX)
#define PLAIN 1, 0x10, 7, 0, PLAIN_CODES

static void undoes_what_the_prolog_has_done(void **state)
{
    static const struct {
        uint32_t pc, rsp;
        bool xmm, rdi, rsi, rbx;
        unsigned rsi_at, rbx_at;
    } at[] = {
        { 0x00, 0x00, 0, 0, 0, 0, 0, 0 },       { 0x01, 0x08, 0, 0, 0, 1, 0, 0 },
        { 0x02, 0x10, 0, 0, 1, 1, 0, 8 },       { 0x05, 0x10, 0, 0, 1, 1, 0, 8 },
        { 0x06, 0x30, 0, 0, 1, 1, 0x20, 0x28 }, { 0x0b, 0x30, 0, 1, 1, 1, 0x20, 0x28 },
        { 0x0f, 0x30, 0, 1, 1, 1, 0x20, 0x28 }, { 0x10, 0x30, 1, 1, 1, 1, 0x20, 0x28 },
        { 0x80, 0x30, 1, 1, 1, 1, 0x20, 0x28 },
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct world w;
        MAKE(&w, at[i].pc, PLAIN);
        assert_int_equal(unwind(&w, 0), PE_OK);
        assert_int_equal(w.regs.rip, slot(at[i].rsp));
        assert_int_equal(w.regs.gpr[PE_RSP], STACK + at[i].rsp + 8);
        assert_int_equal(w.regs.gpr[PE_RBX], at[i].rbx ? slot(at[i].rbx_at) : PE_RBX);
        assert_int_equal(w.regs.gpr[PE_RSI], at[i].rsi ? slot(at[i].rsi_at) : PE_RSI);
        assert_int_equal(w.regs.gpr[PE_RDI], at[i].rdi ? slot(0x58) : PE_RDI);
        assert_int_equal(w.regs.xmm[6].high, at[i].xmm ? slot(0x18) : 0);
        assert_int_equal(w.out.gpr_at[PE_RDI], at[i].rdi ? STACK + 0x58 : 0);
        assert_int_equal(w.out.xmm_at[6], at[i].xmm ? STACK + 0x10 : 0);
        assert_int_equal(w.out.part, at[i].pc < 0x10 ? PE_FRAME_PROLOG : PE_FRAME_BODY);
        assert_int_equal(w.out.establisher_frame, STACK);
    }
}

static void unwinds_a_leaf(void **state)
{
    struct world w;
    MAKE(&w, 0, PLAIN);
    assert_int_equal(pe_virtual_unwind(&w.m, NULL, 3, &w.regs, read_world, &w, &w.out, w.err, sizeof w.err), PE_OK);
    assert_int_equal(w.regs.rip, slot(0));
    assert_int_equal(w.regs.gpr[PE_RSP], STACK + 8);
    assert_int_equal(w.out.part, PE_FRAME_LEAF);
}

/* lea rbp, [rsp + 0x20] at 5, rbp is the frame register: rsp may be anywhere. */
#define FRAMED 1 | 3 << 3, 5, 3, PE_RBP | 2 << 4, CODES(5, PE_UWOP_SET_FPREG, 0), CODES(5 - 1, PE_UWOP_ALLOC_SMALL, 3), \
    CODES(1, PE_UWOP_PUSH_NONVOL, PE_RBP), 0, 0, 0x10, 0x10, 0, 0

static void uses_the_frame_register(void **state)
{
    struct world w;
    MAKE(&w, 0x20, FRAMED);
    w.regs.gpr[PE_RBP] = STACK + 0x100 + 0x20;
    assert_int_equal(unwind(&w, 0), PE_OK);
    assert_int_equal(w.out.establisher_frame, STACK + 0x100);
    assert_int_equal(w.regs.gpr[PE_RBP], slot(0x120));
    assert_int_equal(w.regs.rip, slot(0x128));
    MAKE(&w, 4, FRAMED); /* not set yet */
    assert_int_equal(unwind(&w, 0), PE_OK);
    assert_int_equal(w.out.establisher_frame, STACK);
    assert_int_equal(w.regs.rip, slot(0x28));
}

static void gives_handlers_only_in_the_body(void **state)
{
    static const struct {
        uint32_t pc;
        unsigned wanted;
        bool found;
    } at[] = { { 0x20, PE_UNW_EHANDLER, 1 }, { 0x20, PE_UNW_UHANDLER, 1 }, { 0x20, 0, 0 },
               { 5, PE_UNW_EHANDLER, 1 },    { 4, PE_UNW_EHANDLER, 0 },    { 0xfe, PE_UNW_EHANDLER, 0 } };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct world w;
        MAKE(&w, at[i].pc, FRAMED);
        w.regs.gpr[PE_RBP] = STACK + 0x20;
        memcpy(w.bytes + CODE + 0xfe, "\x5d\xc3", 2); /* pop rbp; ret */
        assert_int_equal(unwind(&w, at[i].wanted), PE_OK);
        assert_int_equal(w.out.handler_rva, at[i].found ? 0x1010 : 0);
        assert_int_equal(w.out.handler_data_rva, at[i].found ? INFO + 16 : 0);
    }
}

static void crosses_machine_frames(void **state)
{
    for (unsigned error = 0; error < 2; error++) {
        struct world w;
        /* an interrupt's entry: push_machframe, then sub rsp 0x10 */
        MAKE(&w, 0x20, 1, 4, 2, 0, CODES(4, PE_UWOP_ALLOC_SMALL, 1), CODES(0, PE_UWOP_PUSH_MACHFRAME, error));
        assert_int_equal(unwind(&w, 0), PE_OK);
        assert_true(w.out.machine_frame);
        assert_int_equal(w.regs.rip, slot(0x10 + error * 8));
        assert_int_equal(w.regs.gpr[PE_RSP], slot(0x28 + error * 8));
        MAKE(&w, 0, 1, 4, 2, 0, CODES(4, PE_UWOP_ALLOC_SMALL, 1), CODES(0, PE_UWOP_PUSH_MACHFRAME, error));
        assert_int_equal(unwind(&w, 0), PE_OK); /* the frame is there before the first instruction */
        assert_int_equal(w.regs.rip, slot(error * 8));
    }
}

static void follows_chains_and_indirect_entries(void **state)
{
    struct world w;
    /* the part: save rdi at 0x40; chained to an info at 0x2100: handler, sub rsp 0x20, push rbx */
    MAKE(&w, 0x20, 1 | PE_UNW_CHAININFO << 3, 4, 2, 0, CODES(4, PE_UWOP_SAVE_NONVOL, PE_RDI), 8, 0, 0x00, 0x15, 0, 0,
         0x80, 0x15, 0, 0, 0x00, 0x21, 0, 0);
    const uint8_t parent[] = { 1 | PE_UNW_EHANDLER << 3, 5, 2, 0, CODES(5, PE_UWOP_ALLOC_SMALL, 3),
                               CODES(1, PE_UWOP_PUSH_NONVOL, PE_RBX), 0x44, 0x10, 0, 0 };
    memcpy(w.bytes + 0x2100, parent, sizeof parent);
    struct pe_regs before = w.regs;
    assert_int_equal(unwind(&w, PE_UNW_EHANDLER), PE_OK);
    assert_int_equal(w.regs.gpr[PE_RDI], slot(0x40));
    assert_int_equal(w.regs.gpr[PE_RBX], slot(0x20));
    assert_int_equal(w.regs.rip, slot(0x28));
    assert_int_equal(w.out.function_rva, 0x1500);
    assert_int_equal(w.out.handler_rva, 0x1044);
    struct pe_function primary;
    assert_true(pe_function_primary(&w.m, &w.fn, &primary));
    assert_int_equal(primary.begin_rva, 0x1500);

    w.regs = before;
    struct pe_function copy = w.fn;
    memcpy(w.bytes + 0x2200, &copy, sizeof copy);
    w.fn.unwind_rva = 0x2200 | 1;
    assert_int_equal(unwind(&w, 0), PE_OK);
    assert_int_equal(w.regs.rip, slot(0x28));
}

/* --- epilogs -------------------------------------------------------------------------------------------- */

#define ONE_PUSH 1, 5, 2, 0, CODES(5, PE_UWOP_ALLOC_SMALL, 3), CODES(1, PE_UWOP_PUSH_NONVOL, PE_RBX)

static enum pe_frame_part part_of(const char *code, size_t n)
{
    struct world w;
    MAKE(&w, 0x80, ONE_PUSH);
    memcpy(w.bytes + CODE + 0x80, code, n);
    assert_int_equal(unwind(&w, 0), PE_OK);
    return w.out.part;
}

#define PART(code) part_of(code, sizeof code - 1)

static void recognises_epilogs(void **state)
{
    static const char *const add = "\x48\x83\xc4\x20\x5b\xc3";
    struct world w;
    MAKE(&w, 0x80, ONE_PUSH);
    memcpy(w.bytes + CODE + 0x80, add, 6);
    assert_int_equal(unwind(&w, 0), PE_OK);
    assert_int_equal(w.out.part, PE_FRAME_EPILOG);
    assert_int_equal(w.regs.gpr[PE_RBX], slot(0x20));
    assert_int_equal(w.regs.rip, slot(0x28));
    assert_int_equal(PART("\x48\x81\xc4\x20\0\0\0\x5b\xc3"), PE_FRAME_EPILOG);
    assert_int_equal(PART("\x5b\xc3"), PE_FRAME_EPILOG);
    assert_int_equal(PART("\x41\x5f\x5b\xf3\xc3"), PE_FRAME_EPILOG);
    assert_int_equal(PART("\xc2\x08\0"), PE_FRAME_EPILOG);
    assert_int_equal(PART("\x48\xff\xe0"), PE_FRAME_EPILOG);              /* rex.w jmp rax */
    assert_int_equal(PART("\xff\x25\0\0\0\0"), PE_FRAME_EPILOG);          /* jmp [rip] */
    assert_int_equal(PART("\x48\xff\x24\xc8"), PE_FRAME_EPILOG);          /* rex.w jmp [rax+rcx*8] */
    assert_int_equal(PART("\xe9\x00\x10\0\0"), PE_FRAME_EPILOG);          /* jmp to a leaf */
    assert_int_equal(PART("\xe9\xff\xff\xff\x7f"), PE_FRAME_EPILOG);      /* jmp out of the image */
    assert_int_equal(PART("\xe9\x7b\xff\xff\xff"), PE_FRAME_EPILOG);      /* jmp to the function's own start */
    assert_int_equal(PART("\xeb\x10"), PE_FRAME_BODY);                    /* jmp inside */
    assert_int_equal(PART("\xff\xe0"), PE_FRAME_BODY);                    /* jmp rax: a switch */
    assert_int_equal(PART("\xff\x24\xc8"), PE_FRAME_BODY);                /* jmp [rax+rcx*8]: a switch */
    assert_int_equal(PART("\x48\xff\x60\x08"), PE_FRAME_BODY);            /* jmp [rax+8] */
    assert_int_equal(PART("\x5b\x90\xc3"), PE_FRAME_BODY);
    assert_int_equal(PART("\x48\x83\xc4\x20\x48\x83\xc4\x20\xc3"), PE_FRAME_BODY);
    assert_int_equal(PART("\x48\x8d\x65\x10\xc3"), PE_FRAME_BODY);        /* lea rsp, [rbp+10h] without frame register */
}

static void ends_epilogs_at_the_functions_end(void **state)
{
    struct world w;
    MAKE(&w, 0xff, ONE_PUSH);
    w.bytes[CODE + 0xff] = 0x5b;
    w.bytes[CODE + 0x100] = 0xc3; /* already another function's */
    assert_int_equal(unwind(&w, 0), PE_OK);
    assert_int_equal(w.out.part, PE_FRAME_BODY);
}

/* Version 2: epilogs of 3 bytes, one at the end and one 0x80 before it (12-bit distance: low byte, high bits). */
#define LISTED 2, 8, 6, 0, CODES(3, PE_UWOP_EPILOG, 1), CODES(0x83, PE_UWOP_EPILOG, 0), \
    CODES(8, PE_UWOP_ALLOC_SMALL, 3), CODES(3, PE_UWOP_PUSH_NONVOL, PE_R12), CODES(1, PE_UWOP_PUSH_NONVOL, PE_RBX), 0, 0

static void uses_listed_epilogs(void **state)
{
    static const struct {
        uint32_t pc, rsp;
        enum pe_frame_part part;
    } at[] = { { 0xfc, 0x30, PE_FRAME_BODY },   { 0xfd, 0x10, PE_FRAME_EPILOG }, { 0xff, 0x08, PE_FRAME_EPILOG },
               { 0x7c, 0x30, PE_FRAME_BODY },   { 0x7d, 0x10, PE_FRAME_EPILOG }, { 0x80, 0x30, PE_FRAME_BODY },
               { 0x40, 0x30, PE_FRAME_BODY },   { 0x00, 0x00, PE_FRAME_PROLOG }, { 0x03, 0x10, PE_FRAME_PROLOG } };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct world w;
        MAKE(&w, at[i].pc, LISTED);
        w.bytes[INFO + 2] = 5;
        memcpy(w.bytes + CODE + 0xfd, "\x41\x5c\x5b", 3);
        memcpy(w.bytes + CODE + 0x7d, "\x41\x5c\x5b", 3);
        assert_int_equal(unwind(&w, 0), PE_OK);
        assert_int_equal(w.out.part, at[i].part);
        assert_int_equal(w.regs.rip, slot(at[i].rsp));
    }
}

static void ignores_unlisted_epilogs(void **state)
{
    struct world w;
    MAKE(&w, 0x40, LISTED);
    w.bytes[INFO + 2] = 5;
    w.bytes[CODE + 0x40] = 0xc3;
    assert_int_equal(unwind(&w, 0), PE_OK);
    assert_int_equal(w.out.part, PE_FRAME_BODY);
}

/* --- malformed ------------------------------------------------------------------------------------------ */

static void refused(struct world *w)
{
    struct pe_regs before = w->regs;
    assert_int_equal(unwind(w, PE_UNW_EHANDLER), PE_BAD);
    assert_memory_equal(&before, &w->regs, sizeof before);
    assert_true(strlen(w->err) > 10);
}

static void refuses_malformed_data(void **state)
{
    struct world w;
    MAKE(&w, 0x20, 3, 0, 0, 0); /* version 3 */
    refused(&w);
    MAKE(&w, 0x20, 0, 0, 0, 0);
    refused(&w);
    MAKE(&w, 0x20, 1, 0, 1, 0, CODES(0, PE_UWOP_SAVE_NONVOL, 3)); /* its operand is missing */
    refused(&w);
    MAKE(&w, 0x20, 1, 0, 3, 0, CODES(0, PE_UWOP_ALLOC_LARGE, 2), 0, 0, 0, 0);
    refused(&w);
    MAKE(&w, 0x20, 1, 0, 1, 0, CODES(0, PE_UWOP_EPILOG, 0)); /* not in version 1 */
    refused(&w);
    MAKE(&w, 0x20, 1, 0, 1, 0, CODES(0, 12, 0));
    refused(&w);
    MAKE(&w, 0x20, 1 | PE_UNW_CHAININFO << 3, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x11, 0, 0, 0, 0x20, 0, 0); /* to itself */
    refused(&w);
    MAKE(&w, 0x20, 1 | PE_UNW_EHANDLER << 3, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f); /* handler out of the image */
    refused(&w);
    MAKE(&w, 0x20, PLAIN);
    w.fn.unwind_rva = SIZE - 2;
    refused(&w);
    w.fn.unwind_rva = 0xfffffffc;
    refused(&w);
    w.fn.unwind_rva = 0x2101; /* indirect to itself */
    memcpy(w.bytes + 0x2100, &w.fn, sizeof w.fn);
    refused(&w);
    MAKE(&w, 0x20, PLAIN);
    w.bytes[SIZE - 4] = 1;
    w.bytes[SIZE - 2] = 9; /* codes run out of the image */
    w.fn.unwind_rva = SIZE - 4;
    refused(&w);
}

static void refuses_unreadable_stacks_and_foreign_addresses(void **state)
{
    struct world w;
    MAKE(&w, 0x20, PLAIN);
    w.regs.gpr[PE_RSP] = 0x10;
    refused(&w);
    MAKE(&w, 0x100, PLAIN); /* just past the function */
    refused(&w);
    MAKE(&w, 0, PLAIN);
    w.regs.rip = BASE - 1;
    refused(&w);
    w.regs.rip = 0xffffffff00000000;
    refused(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undoes_what_the_prolog_has_done),
        cmocka_unit_test(unwinds_a_leaf),
        cmocka_unit_test(uses_the_frame_register),
        cmocka_unit_test(gives_handlers_only_in_the_body),
        cmocka_unit_test(crosses_machine_frames),
        cmocka_unit_test(follows_chains_and_indirect_entries),
        cmocka_unit_test(recognises_epilogs),
        cmocka_unit_test(ends_epilogs_at_the_functions_end),
        cmocka_unit_test(uses_listed_epilogs),
        cmocka_unit_test(ignores_unlisted_epilogs),
        cmocka_unit_test(refuses_malformed_data),
        cmocka_unit_test(refuses_unreadable_stacks_and_foreign_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
