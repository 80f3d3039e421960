/* Patterns of a search, and what is known about routines by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "graph/arguments.h"
#include "graph/search.h"
#include "graph/tree.h"

static struct graph_pattern parsed(const char *text)
{
    struct graph_pattern p;
    char err[256] = "";
    if (!graph_pattern_parse(text, &p, err, sizeof err))
        fail_msg("%s: %s", text, err);
    return p;
}

static void kinds(void **unused)
{
    struct graph_pattern p = parsed("48 8b ?? 4? e8");
    assert_int_equal(p.kind, GRAPH_PATTERN_BYTES);
    assert_int_equal(p.length, 5);
    assert_memory_equal(p.mask, "\xff\xff\x00\xf0\xff", 5);
    assert_memory_equal(p.bytes, "\x48\x8b\x00\x40\xe8", 5);
    static const char *const same[] = { "0C0000120h", "0xC0000120", "STATUS_CANCELLED", "status_cancelled" };
    for (size_t k = 0; k < sizeof same / sizeof same[0]; k++) {
        p = parsed(same[k]);
        assert_int_equal(p.kind, GRAPH_PATTERN_CONSTANT);
        assert_int_equal(p.constant, 0xC0000120);
    }
    assert_int_equal(parsed("cli").kind, GRAPH_PATTERN_TEXT);
    assert_true(parsed("mov reg,[reg+30h]").has_disp);
    assert_false(parsed("mov reg,[*+30h]").has_disp);
    assert_false(parsed("mov reg,[state+30h]").has_disp);
}

static void refused(void **unused)
{
    static const char *const wrong[] = { "", "   ", "STATUS_NO_SUCH_THING", "mov eax,STATUS_NO_SUCH_THING" };
    struct graph_pattern p;
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        char err[256] = "";
        assert_false(graph_pattern_parse(wrong[k], &p, err, sizeof err));
        assert_true(err[0] && !strchr(err, '\n'));
    }
    char longest[600];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    char err[256];
    assert_false(graph_pattern_parse(longest, &p, err, sizeof err));
}

static void texts(void **unused)
{
    static const struct {
        const char *pattern, *line;
        bool fits;
    } cases[] = {
        { "mov reg,[reg+30h]", "mov     rcx,qword ptr [rdi+30h]", true },
        { "mov reg,[reg+30h]", "mov     rcx,qword ptr [rdi+38h]", false },
        { "mov r32,imm", "mov     edx,0C0000120h", true },
        { "mov r32,imm", "mov     rdx,0C0000120h", false },
        { "mov [rdi+30h],0C0000120h", "mov     dword ptr [rdi+30h],0C0000120h", true },
        { "mov edx,STATUS_CANCELLED", "mov     edx,0C0000120h", true },
        { "cli", "cli", true },
        { "cli", "clflush byte ptr [rax]", false },
        { "call *WorkItem*", "call    qword ptr [drv!_imp_IoQueueWorkItem (00000001`40002130)]", true },
        { "mov mem,*", "mov     qword ptr gs:[188h],rax", true },
        { "rep stos *", "rep stos dword ptr [rdi]", true },
        { "xchg reg,[reg+68h]", "xchg    rax,qword ptr [rcx+68h]", true },
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct graph_pattern p = parsed(cases[k].pattern);
        if (graph_text_fits(&p, cases[k].line) != cases[k].fits)
            fail_msg("%s against %s", cases[k].pattern, cases[k].line);
    }
}

static void routines(void **unused)
{
    size_t count;
    assert_int_equal(graph_role_of("ExAllocatePool2", 2), GRAPH_ROLE_TAG);
    assert_int_equal(graph_role_of("ExAllocatePool2", 1), GRAPH_ROLE_NONE);
    assert_int_equal(graph_role_of("KeBugCheckEx", 0), GRAPH_ROLE_BUGCHECK);
    assert_string_equal(graph_bugcheck_name(0xF7), "DRIVER_OVERRAN_STACK_BUFFER");
    assert_null(graph_bugcheck_name(0x12345));
    assert_int_equal(graph_arity_of("IoQueueWorkItem"), 4);
    assert_int_equal(graph_arity_of("IofCompleteRequest"), 2);
    assert_int_equal(graph_arity_of("NobodyKnowsThis"), GRAPH_ANY_ARGUMENTS);
    assert_string_equal(graph_framework_name(152), "WdfIoQueueCreate");
    assert_null(graph_framework_name(458));
    const struct graph_callback_field *fields = graph_callback_fields("WdfIoQueueCreate", 2, &count);
    assert_int_equal(count, 8);
    assert_string_equal(fields[3].name, "EvtIoDeviceControl");
    assert_null(graph_callback_fields("IoQueueWorkItem", 2, &count));
    assert_string_equal(graph_direct_callback("WdfRequestMarkCancelable", 2), "EvtRequestCancel");
    assert_true(graph_stop_listed("memcpy"));
    assert_false(graph_stop_listed("MemoryMap_Open"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(kinds), cmocka_unit_test(refused), cmocka_unit_test(texts), cmocka_unit_test(routines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
