/* The public face, as a program that embeds irplab would use it: argv[1] is the build's folder of cases, argv[2] a folder to write to. */
#include <irplab/irplab.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *cases, *scratch;

struct heard {
    char text[1024];
    size_t n;
};

static void hear(void *user, int stream, const char *text, size_t bytes)
{
    struct heard *h = user;
    if (stream == 1 && h->n + bytes < sizeof h->text) {
        memcpy(h->text + h->n, text, bytes);
        h->n += bytes;
    }
}

static struct irplab *lab_for(const char *name)
{
    char path[1000];
    struct irplab *lab = irplab_new();
    snprintf(path, sizeof path, "%s/%s", cases, name);
    assert_true(irplab_case(lab, path));
    assert_null(irplab_error(lab));
    assert_true(irplab_set(lab, "output", scratch));
    return lab;
}

static void test_explore_replay_report(void **state)
{
    struct irplab *lab = lab_for("lost-wakeup");
    struct irplab_result *r = irplab_explore(lab);
    assert_non_null(r);
    assert_int_equal(irplab_status(r), 1);
    assert_false(irplab_complete(r));
    assert_int_equal(irplab_failure_count(r), 1);
    struct irplab_failure f = irplab_failure(r, 0);
    assert_string_equal(f.kind, "deadlock");
    assert_non_null(f.replay);
    assert_non_null(strstr(irplab_json(r), "\"deadlock\""));

    /* Twice, in the same process, and equal. */
    for (int i = 0; i < 2; i++) {
        struct irplab_result *again = irplab_replay(lab, f.replay);
        assert_non_null(again);
        assert_int_equal(irplab_status(again), 1);
        assert_true(irplab_run_hash(again) != 0);
        assert_true(irplab_run_hash(again) == irplab_run_hash(r));
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);
        irplab_print(again, to, false);
        fclose(to);
        assert_non_null(strstr(text, "waits for"));
        free(text);
        irplab_result_free(again);
    }
    char page[1000];
    snprintf(page, sizeof page, "%s/lost-wakeup.html", scratch);
    assert_true(irplab_report(lab, f.replay, page));
    assert_int_equal(access(page, R_OK), 0);
    irplab_result_free(r);
    irplab_free(lab);
}

static void test_complete(void **state)
{
    struct irplab *lab = lab_for("lost-wakeup/fixed");
    struct irplab_result *r = irplab_explore(lab);
    assert_non_null(r);
    assert_int_equal(irplab_status(r), 0);
    assert_true(irplab_complete(r));
    assert_true(irplab_schedules(r) > 1);
    assert_int_equal(irplab_failure_count(r), 0);
    irplab_result_free(r);
    irplab_free(lab);
}

static void test_run_and_output(void **state)
{
    char program[1000];
    struct irplab *lab = irplab_new();
    struct heard heard = { .n = 0 };
    snprintf(program, sizeof program, "%s/../tests/programs/crt.exe", cases);
    assert_true(irplab_program(lab, program, 0, NULL));
    irplab_on_output(lab, hear, &heard);
    struct irplab_result *r = irplab_run(lab), *second = irplab_run(lab);
    assert_non_null(r);
    assert_non_null(second);
    assert_int_equal(irplab_status(r), 0);
    assert_true(irplab_run_hash(r) == irplab_run_hash(second));
    assert_true(heard.n > 0);
    assert_memory_equal(heard.text, heard.text + heard.n / 2, heard.n / 2); /* both runs said the same */
    irplab_result_free(r);
    irplab_result_free(second);
    irplab_free(lab);
}

static void test_wrong_input(void **state)
{
    struct irplab *lab = irplab_new();
    assert_null(irplab_run(lab));
    assert_non_null(strstr(irplab_error(lab), "nothing to run"));
    assert_false(irplab_set(lab, "driver", "no-such-file.sys"));
    assert_non_null(strstr(irplab_error(lab), "no-such-file.sys"));
    assert_false(irplab_set(lab, "cpus", "65"));
    assert_false(irplab_set(lab, "colour", "blue"));
    assert_false(irplab_case(lab, "no-such-folder"));
    assert_null(irplab_replay(lab, "no-such-file.irplab"));
    assert_non_null(strstr(irplab_error(lab), "no-such-file.irplab"));
    assert_false(irplab_report(lab, "no-such-file.irplab", "x.html"));
    assert_true(irplab_set(lab, "cpus", "1"));
    assert_null(irplab_error(lab));
    irplab_free(lab);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explore_replay_report),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_run_and_output),
        cmocka_unit_test(test_wrong_input),
    };
    if (argc != 3)
        return 2;
    cases = argv[1];
    scratch = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
