/* Stories and diagrams of records made by hand: what no case shows, or not for sure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nt/status.h"
#include "report/markup.h"
#include "report/sequence.h"
#include "report/slices.h"

enum { PROGRAM, WORKER, OTHER, AGENTS };
enum { MAX_EVENTS = 400, IRP_A = 0xA000, ITEM = 0xB000, QUEUE = 0xC000 };

static const char driver[] = "drv", nt[] = "nt", dispatch[] = "Dispatch", work[] = "Work", drain[] = "Drain";
static char *names[AGENTS] = { "p.exe:4", "worker", "other worker" };
static uint64_t keys[AGENTS] = { 11, 22, 33 };
static struct record_event events[MAX_EVENTS];
static struct record_frame frames[MAX_EVENTS * 4];
static struct record record;

static int begin(void **state)
{
    memset(events, 0, sizeof events);
    memset(&record, 0, sizeof record);
    record = (struct record) { .events = events, .frames = frames, .names = names, .name_keys = keys, .name_count = AGENTS, .victim = SIZE_MAX, .failed = NO_NAME };
    return 0;
}

/* An event of an agent that stands in this function of the driver; NULL: in none. */
static struct record_event *add(unsigned agent, unsigned kind, uint64_t a, uint64_t b, uint64_t c, const char *function)
{
    assert_true(record.event_count < MAX_EVENTS);
    struct record_event *e = &events[record.event_count++];
    *e = (struct record_event) { .agent_name = agent, .by_program = agent == PROGRAM, .signal = NO_SIGNAL, .step = (uint32_t)record.event_count, .chain = record.frame_count };
    e->r = (struct trace_record) { .kind = (uint16_t)kind, .a = a, .b = b, .c = c };
    frames[record.frame_count++] = (struct record_frame) { nt, nt, 0x9000, SIDE_KERNEL };
    if (function)
        frames[record.frame_count++] = (struct record_frame) { driver, function, 0x8000 + (function == drain ? 0x10 : 0), SIDE_DRIVER };
    e->chain_length = record.frame_count - e->chain;
    return e;
}

static void request(uint64_t irp, const char *what)
{
    add(PROGRAM, TRACE_IRP_ALLOCATE, irp, 1, 0, NULL);
    struct record_event *e = add(PROGRAM, TRACE_IRP_DISPATCH, irp, 1, 0, NULL);
    e->text = (char *)what;
    e->module = driver;
    e->target = dispatch;
}

static size_t complete(unsigned agent, uint64_t irp, NTSTATUS status, const char *function)
{
    add(agent, TRACE_IRP_COMPLETE, irp, (uint32_t)status, 0, function);
    return record.event_count - 1;
}

static void returned(uint64_t irp, NTSTATUS status)
{
    add(PROGRAM, TRACE_IRP_DISPATCHED, irp, 1, (uint32_t)status, NULL);
}

static void start_work(unsigned agent, uint64_t item)
{
    struct record_event *e = add(agent, TRACE_WORK_RUN, item, 0, 0, NULL);
    e->module = driver;
    e->target = work;
}

static void queue_work(unsigned agent, uint64_t item)
{
    struct record_event *e = add(agent, TRACE_WORK_QUEUE, item, 0, 0, dispatch);
    e->module = driver;
    e->target = work;
}

/* A close that queues a work item; an open that waits in a queue; who drains it is the caller's. */
static void race(bool by_close)
{
    request(IRP_A, "IRP_MJ_CLOSE");
    if (by_close)
        queue_work(PROGRAM, ITEM);
    complete(PROGRAM, IRP_A, STATUS_SUCCESS, dispatch);
    returned(IRP_A, STATUS_SUCCESS);
    add(PROGRAM, TRACE_IRP_FREE, IRP_A, 0, 0, NULL);
    request(IRP_A, "IRP_MJ_CREATE");
    add(PROGRAM, TRACE_CSQ_INSERT, QUEUE, IRP_A, 0, dispatch);
    if (!by_close)
        queue_work(PROGRAM, ITEM);
    returned(IRP_A, STATUS_PENDING);
    start_work(WORKER, ITEM);
    add(WORKER, TRACE_CSQ_REMOVE, QUEUE, IRP_A, 0, drain);
    record.victim = complete(WORKER, IRP_A, STATUS_CANCELLED, drain);
    add(WORKER, TRACE_WORK_DONE, ITEM, 0, 0, NULL);
}

static void an_address_used_again_is_another_irp(void **state)
{
    struct story s;
    race(true);
    story_of_failure(&s, &record);
    assert_int_equal(s.request_count, 2);
    assert_int_not_equal(s.requests[0].irp, s.requests[1].irp);
    assert_int_equal(s.requests[0].status, STATUS_SUCCESS);
    assert_false(s.requests[0].pended);
    assert_int_equal(s.requests[1].status, STATUS_CANCELLED);
    assert_true(s.requests[1].pended);
    assert_int_equal(s.victim, 1);
    story_free(&s);
}

static void a_drain_by_what_something_else_started_is_foreign(void **state)
{
    struct story s;
    race(true);
    story_of_failure(&s, &record);
    assert_true(s.drained.known && s.drained.foreign);
    assert_true(s.tasks[0].shown); /* the close that queued the work item */
    story_free(&s);
}

static void a_drain_by_what_the_request_started_is_not(void **state)
{
    struct story s;
    race(false);
    story_of_failure(&s, &record);
    assert_true(s.drained.known);
    assert_false(s.drained.foreign);
    assert_false(s.tasks[0].shown); /* the close has no part in it */
    story_free(&s);
}

static void a_work_item_queued_twice_has_two_causes(void **state)
{
    struct story s;
    for (int i = 0; i < 2; i++) {
        request(IRP_A, "IRP_MJ_WRITE");
        queue_work(PROGRAM, ITEM);
        returned(IRP_A, STATUS_PENDING);
        start_work(WORKER, ITEM);
        add(WORKER, TRACE_WORK_DONE, ITEM, 0, 0, NULL);
    }
    story_of_failure(&s, &record);
    assert_int_equal(s.task_count, 4);
    assert_int_equal(s.tasks[1].parent, 0);
    assert_int_equal(s.tasks[3].parent, 2);
    story_free(&s);
}

static void an_exception_out_of_a_nested_dispatch_ends_both(void **state)
{
    struct story s;
    request(IRP_A, "IRP_MJ_READ");
    request(IRP_A + 0x1000, "IRP_MJ_INTERNAL_DEVICE_CONTROL 0x1"); /* never returns: an exception leaves it */
    returned(IRP_A, STATUS_SUCCESS);
    request(IRP_A, "IRP_MJ_READ");
    returned(IRP_A, STATUS_SUCCESS);
    story_of_failure(&s, &record);
    assert_int_equal(s.request_count, 2);
    assert_true(s.tasks[0].ended && s.tasks[1].ended);
    story_free(&s);
}

/* ---- diagrams ---- */

static void check_boxes(const struct sequence *q)
{
    for (size_t i = 0; i < q->box_count; i++) {
        const struct seq_box *a = &q->boxes[i];
        assert_true(a->first <= a->last && a->last < q->row_count);
        for (size_t k = 0; k < i; k++) {
            const struct seq_box *b = &q->boxes[k];
            bool overlap = a->first < b->last && b->first < a->last;
            assert_false(overlap && a->lifeline == b->lifeline && a->slot == b->slot);
        }
    }
    for (size_t i = 0; i < q->row_count; i++)
        assert_true(q->rows[i].label != NULL);
}

static void the_link_goes_from_insertion_to_removal(void **state)
{
    struct story s;
    struct sequence q;
    race(true);
    story_of_failure(&s, &record);
    sequence_build(&q, &s, UINT32_MAX, "", true);
    check_boxes(&q);
    assert_int_equal(q.lifeline_count, 2);
    assert_int_equal(q.link_count, 1);
    assert_int_equal(q.links[0].tone, TONE_BAD);
    assert_string_equal(q.rows[q.links[0].from].label, "IoCsqInsertIrp(IRP_MJ_CREATE)");
    assert_string_equal(q.rows[q.links[0].to].label, "IoCsqRemoveNextIrp: IRP_MJ_CREATE");
    sequence_free(&q);
    story_free(&s);
}

static void a_long_drain_is_one_loop_with_its_middle_folded(void **state)
{
    struct story s;
    struct sequence q;
    enum { MANY = 12 };
    for (uint64_t i = 0; i < MANY; i++) {
        request(IRP_A + i * 0x100, "IRP_MJ_CREATE");
        add(PROGRAM, TRACE_CSQ_INSERT, QUEUE, IRP_A + i * 0x100, 0, dispatch);
        if (i == 0)
            queue_work(PROGRAM, ITEM);
        returned(IRP_A + i * 0x100, STATUS_PENDING);
    }
    start_work(WORKER, ITEM);
    for (uint64_t i = 0; i < MANY; i++) {
        add(WORKER, TRACE_CSQ_REMOVE, QUEUE, IRP_A + i * 0x100, 0, drain);
        record.victim = complete(WORKER, IRP_A + i * 0x100, STATUS_CANCELLED, drain);
    }
    add(WORKER, TRACE_WORK_DONE, ITEM, 0, 0, NULL);
    story_of_failure(&s, &record);
    sequence_build(&q, &s, UINT32_MAX, "", true);
    check_boxes(&q);
    assert_int_equal(q.loop_count, 1);
    assert_string_equal(q.loops[0].label, "drain CSQ, 12 times");
    assert_string_equal(q.loops[0].note, "IRPs that Dispatch inserted");
    bool folded = false;
    for (size_t i = q.loops[0].first; i <= q.loops[0].last; i++)
        folded |= q.rows[i].kind == SEQ_BAND;
    assert_true(folded);
    sequence_free(&q);
    story_free(&s);
}

static void an_empty_record_has_an_empty_diagram(void **state)
{
    struct story s;
    struct sequence q;
    struct slices l;
    story_of_failure(&s, &record);
    sequence_build(&q, &s, UINT32_MAX, "", true);
    slices_of(&l, &s);
    assert_int_equal(q.box_count, 0);
    assert_int_equal(l.count, 0);
    slices_free(&l);
    sequence_free(&q);
    story_free(&s);
}

static void markup_is_escaped(void **state)
{
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    markup_text(f, "<a href=\"x\">&\x01\x7F \xC3\xA9</a>");
    fclose(f);
    assert_string_equal(out, "&lt;a href=&quot;x&quot;&gt;&amp;?? \xC3\xA9&lt;/a&gt;");
    assert_int_equal(markup_length("\xC3\xA9\xE2\x80\xBA."), 3);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_address_used_again_is_another_irp, begin),
        cmocka_unit_test_setup(a_drain_by_what_something_else_started_is_foreign, begin),
        cmocka_unit_test_setup(a_drain_by_what_the_request_started_is_not, begin),
        cmocka_unit_test_setup(a_work_item_queued_twice_has_two_causes, begin),
        cmocka_unit_test_setup(an_exception_out_of_a_nested_dispatch_ends_both, begin),
        cmocka_unit_test_setup(the_link_goes_from_insertion_to_removal, begin),
        cmocka_unit_test_setup(a_long_drain_is_one_loop_with_its_middle_folded, begin),
        cmocka_unit_test_setup(an_empty_record_has_an_empty_diagram, begin),
        cmocka_unit_test(markup_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
