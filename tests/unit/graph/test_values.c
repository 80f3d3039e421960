/* What registers and stack hold after some instructions: the effect of each kind on what is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/values.h"

static struct graph_image image;
static uint8_t memory[0x1000];
static struct graph_state st;

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

static void run(const char *bytes, size_t n)
{
    memcpy(memory + 0x100, bytes, n);
    for (uint32_t at = 0x100; at < 0x100 + n;) {
        struct graph_insn i;
        assert_true(graph_decode(memory + at, memory + 0x100 + n, &i));
        graph_step(&image, &st, at, &i, NULL);
        at += i.length;
    }
}
#define RUN(text) run(text, sizeof text - 1)

static void is_constant(unsigned reg, uint64_t v)
{
    const struct graph_set *s = &st.reg[reg];
    assert_int_equal(s->count, 1);
    assert_false(s->unknown);
    assert_int_equal(s->v[0].kind, GRAPH_CONST);
    assert_true(s->v[0].number == v);
}

static int start(void **unused)
{
    memset(&image, 0, sizeof image);
    image.m.base = memory;
    image.m.size = sizeof memory;
    image.m.va = image.x.image_base = 0x140000000;
    graph_state_start(&st, true);
    return 0;
}

static void constants(void **unused)
{
    RUN("\xb8\x00\xc0\x00\x00\xc1\xe0\x10\x0d\x20\x01\x00\x00"); /* mov eax,0C000h; shl eax,16; or eax,120h */
    is_constant(RAX, 0xC0000120);
    RUN("\x31\xc9\xff\xc1\x83\xc1\x07"); /* xor ecx,ecx; inc ecx; add ecx,7 */
    is_constant(RCX, 8);
    RUN("\xba\xdf\xfe\xff\x3f\xf7\xd2"); /* mov edx,3FFFFEDFh; not edx */
    is_constant(RDX, 0xC0000120);
    RUN("\x48\x63\xc2"); /* movsxd rax,edx */
    is_constant(RAX, 0xFFFFFFFFC0000120);
    RUN("\x48\x8d\x0d\x00\x00\x00\x00"); /* lea rcx,[rip] */
    is_constant(RCX, 0x140000107);
    RUN("\xb0\x01"); /* mov al,1: the rest of rax is what nobody knows */
    assert_true(st.reg[RAX].unknown);
}

static void parameters(void **unused)
{
    assert_int_equal(st.reg[RCX].v[0].kind, GRAPH_PARAM);
    RUN("\x48\x8b\x81\xb8\x00\x00\x00"); /* mov rax,[rcx+0B8h] */
    assert_int_equal(st.reg[RAX].v[0].kind, GRAPH_FIELD);
    assert_int_equal(st.reg[RAX].v[0].field, 0xb8);
    RUN("\x48\x83\xe8\x48"); /* sub rax,48h */
    assert_int_equal((int64_t)st.reg[RAX].v[0].number, -0x48);
    RUN("\x48\x8b\x40\x10"); /* mov rax,[rax+10h]: of that, only the field is kept */
    assert_int_equal(st.reg[RAX].v[0].kind, GRAPH_DEREF);
}

static void stack(void **unused)
{
    RUN("\x48\x83\xec\x48\x48\xc7\x44\x24\x20\x07\x00\x00\x00"); /* sub rsp,48h; mov qword [rsp+20h],7 */
    const struct graph_set *s = graph_stack_argument(&st, 0x20);
    assert_non_null(s);
    assert_int_equal(s->v[0].number, 7);
    RUN("\x48\x8b\x5c\x24\x20"); /* mov rbx,[rsp+20h] */
    is_constant(RBX, 7);
    RUN("\xe8\x00\x01\x00\x00"); /* call: it is no argument of the next one, but still there */
    assert_null(graph_stack_argument(&st, 0x20));
    assert_non_null(graph_stack_slot(&st, st.sp + 0x20));
    assert_true(st.reg[RAX].unknown && !st.reg[RAX].count);
    is_constant(RBX, 7);
    RUN("\x53\x59"); /* push rbx; pop rcx */
    is_constant(RCX, 7);
    RUN("\x48\x83\xc4\x48"); /* add rsp,48h */
    assert_int_equal(st.sp, 0);
}

static void vectors(void **unused)
{
    RUN("\x48\x83\xec\x48\xb8\x11\x00\x00\x00\xb9\x22\x00\x00\x00"); /* eax = 11h, ecx = 22h */
    assert_false(st.vectors);
    RUN("\x66\x48\x0f\x6e\xc0\x66\x48\x0f\x6e\xc9\x66\x0f\x6c\xc1"); /* movq xmm0,rax; movq xmm1,rcx; punpcklqdq xmm0,xmm1 */
    assert_true(st.vectors);
    RUN("\x0f\x11\x44\x24\x20"); /* movups [rsp+20h],xmm0 */
    assert_int_equal(graph_stack_argument(&st, 0x20)->v[0].number, 0x11);
    assert_int_equal(graph_stack_argument(&st, 0x28)->v[0].number, 0x22);
    RUN("\x66\x0f\x70\xd0\x4e\x0f\x11\x54\x24\x30"); /* pshufd xmm2,xmm0,4Eh swaps the halves; movups [rsp+30h],xmm2 */
    assert_int_equal(graph_stack_argument(&st, 0x30)->v[0].number, 0x22);
    assert_int_equal(graph_stack_argument(&st, 0x38)->v[0].number, 0x11);
}

static void copies(void **unused)
{
    struct graph_state other;
    RUN("\x48\x83\xec\x48\xb8\x11\x00\x00\x00\x48\x89\x44\x24\x20\x66\x48\x0f\x6e\xd8"); /* a slot and xmm3 */
    memset(&other, 0xee, sizeof other);
    graph_state_copy(&other, &st);
    assert_int_equal(other.slot_count, 1);
    assert_int_equal(other.xmm[3].v[0].number, 0x11);
    assert_int_equal(graph_stack_argument(&other, 0x20)->v[0].number, 0x11);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup(constants, start), cmocka_unit_test_setup(parameters, start), cmocka_unit_test_setup(stack, start),
                                        cmocka_unit_test_setup(vectors, start), cmocka_unit_test_setup(copies, start) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
