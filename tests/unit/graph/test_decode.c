/* The fast decoder against Zydis: the same lengths, the same refusals, on bytes that nobody chose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

#include "graph/decode.h"

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t next(void) /* xorshift64 */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void same_as_zydis(void **unused)
{
    static const uint8_t common[] = { 0x48, 0x0f, 0x66, 0xf3, 0xf2, 0x41, 0x4c, 0x8b, 0x89, 0xe8, 0xff, 0xc5, 0xc4, 0x62, 0xf0, 0x67, 0x65, 0x38, 0x3a, 0x8d };
    ZydisDecoder d;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (int n = 0; n < 400000; n++) {
        uint8_t bytes[16];
        size_t length = 1 + next() % 16;
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = next() % 3 ? (uint8_t)next() : common[next() % sizeof common];
        ZydisDecodedInstruction i;
        struct graph_insn ours;
        bool theirs = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, NULL, bytes, length, &i)), us = graph_decode(bytes, bytes + length, &ours);
        if (theirs != us || (us && ours.length != i.length))
            fail_msg("%02x %02x %02x %02x %02x %02x (%zu): Zydis %d, ours %d", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], length, theirs ? i.length : 0,
                     us ? ours.length : 0);
    }
}

static void flow(void **unused)
{
    static const struct {
        uint8_t bytes[8];
        size_t n;
        enum graph_flow flow;
    } cases[] = {
        { { 0xe8, 1, 0, 0, 0 }, 5, GRAPH_CALL },       { { 0xff, 0x15, 0, 0, 0, 0 }, 6, GRAPH_CALL_FAR }, { { 0xff, 0xd0 }, 2, GRAPH_CALL_FAR },
        { { 0xeb, 0xfe }, 2, GRAPH_JUMP },             { { 0xff, 0x25, 0, 0, 0, 0 }, 6, GRAPH_JUMP_FAR }, { { 0x74, 2 }, 2, GRAPH_BRANCH },
        { { 0x0f, 0x85, 0, 0, 0, 0 }, 6, GRAPH_BRANCH }, { { 0xc3 }, 1, GRAPH_RETURN },                   { { 0xcc }, 1, GRAPH_STOP },
        { { 0x0f, 0x0b }, 2, GRAPH_STOP },             { { 0xcd, 0x29 }, 2, GRAPH_STOP },                 { { 0x90 }, 1, GRAPH_NEXT },
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct graph_insn i;
        assert_true(graph_decode(cases[k].bytes, cases[k].bytes + cases[k].n, &i));
        assert_int_equal(i.length, cases[k].n);
        assert_int_equal(graph_flow_of(&i), cases[k].flow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(same_as_zydis), cmocka_unit_test(flow) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
