/* From the events of shown tasks to the rows of a diagram; see sequence.h.
 *
 * Which functions are active is read off the stack: each event carries the frames that its agent had then. The difference between two
 * of them opens and closes boxes. */
#include "report/sequence.h"

#include <stdlib.h>
#include <string.h>

#include "nt/status.h"
#include "report/sequence_private.h"

enum { ROWS_AFTER_VERDICT = 30 };

/* A frame of the stack that wants a box. */
struct want {
    int lifeline;
    const char *function;
    uint64_t sp;
    bool completing; /* the I/O manager in IoCompleteRequest */
};

static struct seq_agent *agent_of(struct seq_builder *b, size_t event)
{
    return &b->agents[b->r->events[event].agent_name];
}

static struct act *top_of(struct seq_builder *b, size_t event)
{
    struct seq_agent *a = agent_of(b, event);
    return a->count ? &a->acts[a->count - 1] : NULL;
}

static enum seq_tone tone_of(NTSTATUS status)
{
    return status == STATUS_PENDING ? TONE_QUIET : NT_SUCCESS(status) ? TONE_GOOD : TONE_BAD;
}

/* ---- before a row ---- */

static const struct record_switch *switch_before(const struct seq_builder *b, size_t event)
{
    const struct record_event *e = &b->r->events[event];
    const struct record_switch *found = NULL;
    for (size_t i = 0; i < b->r->switch_count && b->r->switches[i].step <= e->step; i++)
        if (b->r->switches[i].from == b->last_agent)
            found = &b->r->switches[i];
    return found;
}

static void gap(struct seq_builder *b, size_t event)
{
    const struct record_event *e = &b->r->events[event];
    if (e->agent_name == b->last_agent)
        return;
    const struct record_switch *s = b->last_agent == NO_NAME ? NULL : switch_before(b, event);
    uint64_t passed = b->last_agent == NO_NAME ? 0 : e->r.time_100ns - b->last_time;
    struct seq_row *row = seq_row_add(b, SEQ_GAP, event);
    row->label = seq_text("%s%s", s && s->preemption ? "preempted by " : "", record_name(b->r, e->agent_name));
    if (passed)
        row->status = seq_text("%.3f s later", (double)passed / 1e7);
    if (s)
        row->tip = seq_text("%s %s", record_name(b->r, b->last_agent), s->where ? s->where : "");
    b->last_agent = e->agent_name;
}

/* What precedes any row of an event: what was left out, and who goes on. */
static void ready(struct seq_builder *b, size_t event)
{
    seq_band(b);
    gap(b, event);
    b->last_time = b->r->events[event].r.time_100ns;
    b->any = true;
}

static struct seq_row *row_in_top(struct seq_builder *b, enum seq_kind kind, size_t event)
{
    ready(b, event);
    struct seq_row *row = seq_row_add(b, kind, event);
    const struct act *top = top_of(b, event);
    row->from = row->to = top ? top->lifeline : SEQ_IO_MANAGER;
    row->from_box = row->to_box = top ? top->box : SEQ_NO_BOX;
    return row;
}

/* ---- opening and closing ---- */

static void pop(struct seq_builder *b, size_t event, bool on_line)
{
    struct seq_agent *a = agent_of(b, event);
    IR_ASSERT(a->count);
    a->count--;
    seq_box_close(b, &a->acts[a->count], a->last_row, on_line);
}

/* A message to a box that opens with it. */
static struct act *message(struct seq_builder *b, size_t event, enum seq_kind kind, int to, enum act_kind act, const char *function, char *label)
{
    struct seq_row *row = row_in_top(b, kind, event);
    size_t index = b->q->row_count - 1;
    if (kind == SEQ_CALL && row->from == to)
        row->kind = SEQ_SELF;
    row->label = label;
    row->to = to;
    struct act *opened = seq_push(b, b->r->events[event].agent_name, act, to, function);
    b->q->rows[index].to_box = opened->box;
    return opened;
}

static void open_root(struct seq_builder *b, size_t event)
{
    struct seq_agent *a = agent_of(b, event);
    const struct task *t = &b->s->tasks[b->s->task_of[event]];
    if (a->count)
        return;
    ready(b, event);
    const struct act *root = seq_push(b, b->r->events[event].agent_name, ACT_ROOT, SEQ_IO_MANAGER, t->title);
    b->q->boxes[root->box].first = b->q->row_count; /* the row to come, not the gap above it */
}

static void open_want(struct seq_builder *b, size_t event, const struct want *w)
{
    const struct act *top = top_of(b, event);
    bool starts = top && top->kind == ACT_ROOT && b->s->tasks[b->s->task_of[event]].kind == TASK_THREAD;
    enum seq_kind kind = starts ? SEQ_ASYNC : top && top->lifeline == w->lifeline ? SEQ_SELF : SEQ_CALL;
    char *label = w->completing ? seq_text("IoCompleteRequest") : seq_text("%s", w->function);
    struct act *a = message(b, event, kind, w->lifeline, w->completing ? ACT_COMPLETE : ACT_ROUTINE, w->function, label);
    a->sp = w->sp;
}

/* Functions on the way to something small share one row. */
static void open_joined(struct seq_builder *b, size_t event, const struct want *w, unsigned count)
{
    char *inner = seq_text("› %s", w[1].function);
    for (unsigned i = 2; i < count; i++) {
        char *more = seq_text("%s › %s", inner, w[i].function);
        free(inner);
        inner = more;
    }
    uint32_t agent = b->r->events[event].agent_name;
    struct act *a = message(b, event, SEQ_SELF, w[0].lifeline, ACT_ROUTINE, w[0].function, seq_text("%s", w[0].function));
    a->sp = w[0].sp;
    for (unsigned i = 1; i < count; i++) {
        a = seq_push(b, agent, ACT_ROUTINE, w[i].lifeline, w[i].function);
        a->sp = w[i].sp;
    }
    struct seq_row *row = &b->q->rows[b->q->row_count - 1];
    row->status = inner;
    row->tone = TONE_QUIET;
}

static bool completes_requests(const char *function)
{
    return strcmp(function, "IofCompleteRequest") == 0 || strcmp(function, "IoCompleteRequest") == 0 || strcmp(function, "IopfCompleteRequest") == 0;
}

static unsigned wants_of(struct seq_builder *b, size_t event, struct want *out)
{
    const struct record_event *e = &b->r->events[event];
    unsigned n = 0;
    for (size_t i = 0; i < e->chain_length && n < SEQ_MAX_ACTS / 2; i++) {
        const struct record_frame *f = &b->r->frames[e->chain + i];
        bool completing = f->side == SIDE_KERNEL && completes_requests(f->function) && !(n && out[n - 1].completing);
        bool last = i + 1 == e->chain_length;
        if (f->side == SIDE_DRIVER)
            out[n++] = (struct want) { seq_lifeline(b->q, f->module), f->function[0] ? f->function : f->module, f->sp, false };
        else if (completing && n && !last) /* the call itself is not a callback's caller */
            out[n++] = (struct want) { SEQ_IO_MANAGER, "IoCompleteRequest", f->sp, true };
    }
    return n;
}

static bool is_same(struct act *a, const struct want *w)
{
    if (a->lifeline != w->lifeline || (a->kind == ACT_COMPLETE) != w->completing)
        return false;
    if (a->sp == 0) { /* opened by an event before its frame existed; a tail call may have put another function in its place */
        a->sp = w->sp;
        a->function = w->function;
        return true;
    }
    return a->sp == w->sp && (a->kind == ACT_DISPATCH || strcmp(a->function, w->function) == 0);
}

/* Makes the agent's boxes those of its stack at this event. small: new functions of one driver may share a row. */
static void align(struct seq_builder *b, size_t event, bool small)
{
    struct seq_agent *a = agent_of(b, event);
    struct want wants[SEQ_MAX_ACTS / 2];
    unsigned n = wants_of(b, event, wants), have = 1, w = 0;
    while (w < n && have < a->count) {
        if (is_same(&a->acts[have], &wants[w]))
            w++;
        else if (a->acts[have].kind != ACT_DISPATCH || !a->acts[have].ours)
            break;
        have++;
    }
    while (a->count > have && a->acts[a->count - 1].kind != ACT_DISPATCH)
        pop(b, event, false);
    for (; w < n; w++) {
        unsigned same = 1;
        const struct act *top = top_of(b, event);
        while (small && w + same < n && !wants[w + same].completing && wants[w + same].lifeline == wants[w].lifeline)
            same++;
        if (same > 1 && top && top->lifeline == wants[w].lifeline) {
            open_joined(b, event, &wants[w], same);
            w += same - 1;
        } else {
            open_want(b, event, &wants[w]);
        }
    }
}

/* A call of the I/O manager whose inside is of no interest. */
static void short_call(struct seq_builder *b, size_t event, char *label, const char *function)
{
    align(b, event, false);
    message(b, event, SEQ_CALL, SEQ_IO_MANAGER, ACT_CALL, function, label);
}

/* ---- events ---- */

/* A request that a driver built and that was done before its call returned. */
static bool is_small_irp(const struct seq_builder *b, size_t event)
{
    const struct story *s = b->s;
    uint32_t irp = s->irp_of[event];
    int task = s->task_of[event];
    if (!irp || s->tasks[task].irp == irp)
        return false;
    bool allocated = false, completed = false;
    for (size_t i = s->tasks[task].first; i <= s->tasks[task].last; i++) {
        if (s->task_of[i] != task || s->irp_of[i] != irp)
            continue;
        allocated |= b->r->events[i].r.kind == TRACE_IRP_ALLOCATE;
        completed |= b->r->events[i].r.kind == TRACE_IRP_COMPLETE;
    }
    return allocated && completed;
}

static const char *short_what(const char *what)
{
    return strncmp(what, "IRP_M", 5) == 0 ? what + 7 : what;
}

static void on_dispatch(struct seq_builder *b, size_t i)
{
    const struct record_event *e = &b->r->events[i];
    bool small = is_small_irp(b, i);
    int to = seq_lifeline(b->q, e->module);
    align(b, i, small);
    char *label = small ? seq_text("%s", short_what(e->text)) : seq_text("%s", e->target && e->target[0] ? e->target : e->text);
    struct act *a = message(b, i, SEQ_CALL, to, ACT_DISPATCH, e->target ? e->target : "", label);
    a->irp = b->s->irp_of[i];
    a->ours = e->ours;
    struct seq_row *row = &b->q->rows[b->q->row_count - 1];
    if (!small)
        row->status = seq_text("%s", e->text);
    row->tone = TONE_QUIET;
    row->tip = seq_text("%s: %s!%s", e->text, e->module ? e->module : "?", e->target ? e->target : "?");
}

static void on_dispatched(struct seq_builder *b, size_t i)
{
    struct seq_agent *a = agent_of(b, i);
    NTSTATUS status = (NTSTATUS)b->r->events[i].r.c;
    unsigned at = a->count;
    while (at > 0 && !(a->acts[at - 1].kind == ACT_DISPATCH && a->acts[at - 1].irp == b->s->irp_of[i]))
        at--;
    if (at < 2)
        return;
    while (a->count > at)
        pop(b, i, false);
    struct seq_row *row = row_in_top(b, SEQ_RETURN, i);
    row->label = seq_text("%s", nt_status_name(status));
    row->tone = NT_ERROR(status) ? TONE_BAD : TONE_QUIET;
    row->to = a->acts[at - 2].lifeline;
    row->to_box = a->acts[at - 2].box;
    pop(b, i, true);
}

static bool completes_again(const struct seq_builder *b, size_t event)
{
    for (size_t i = event + 1; i < b->r->event_count; i++)
        if (b->s->irp_of[i] == b->s->irp_of[event]) {
            if (b->r->events[i].r.kind == TRACE_IRP_COMPLETE)
                return true;
            if (b->r->events[i].r.kind == TRACE_IRP_FREE)
                return false;
        }
    return false;
}

static void on_complete(struct seq_builder *b, size_t i)
{
    const struct record_event *e = &b->r->events[i];
    if (is_small_irp(b, i) || completes_again(b, i))
        return;
    NTSTATUS status = (NTSTATUS)e->r.b;
    align(b, i, false);
    struct act *a = message(b, i, SEQ_CALL, SEQ_IO_MANAGER, ACT_COMPLETE, "IoCompleteRequest", seq_text("IoCompleteRequest(%s)", story_irp_what(b->s, i)));
    struct seq_row *row = &b->q->rows[b->q->row_count - 1];
    row->status = seq_text("%s", nt_status_name(status));
    row->tone = tone_of(status);
    b->q->boxes[a->box].tone = row->tone;
}

static void on_queue(struct seq_builder *b, size_t i, bool inserted)
{
    const struct record_event *e = &b->r->events[i];
    align(b, i, false);
    struct seq_row *row = row_in_top(b, SEQ_POINT, i);
    const char *what = story_irp_what(b->s, i);
    row->queue = !inserted && !e->r.c;
    row->label = inserted ? seq_text("IoCsqInsertIrp(%s)", what) : e->r.c ? seq_text("cancelled: %s leaves the CSQ", what) : seq_text("IoCsqRemoveNextIrp: %s", what);
}

static void on_power_request(struct seq_builder *b, size_t i)
{
    const char *text = b->r->events[i].text, *open = text ? strchr(text, '(') : NULL;
    char *state = open ? strndup(open + 1, strcspn(open + 1, ")")) : seq_text("%s", text ? text : "");
    char *label = b->power_callback ? seq_text("PoRequestPowerIrp(%s, %s)", state, b->power_callback) : seq_text("PoRequestPowerIrp(%s)", state);
    short_call(b, i, label, "PoRequestPowerIrp");
    b->q->rows[b->q->row_count - 1].tip = seq_text("%s is queued with the I/O manager", text ? text : "a power IRP");
    free(state);
}

static void on_work_queued(struct seq_builder *b, size_t i)
{
    const struct record_event *e = &b->r->events[i];
    const char *routine = e->target && e->target[0] ? e->target : "?";
    bool dpc = e->r.kind == TRACE_DPC_QUEUE;
    if (!record_driver_frame(b->r, e))
        return;
    short_call(b, i, seq_text("%s(%s)", dpc ? "KeInsertQueueDpc" : "IoQueueWorkItem", routine), "");
    b->q->rows[b->q->row_count - 1].tip = seq_text("%s: %s!%s", dpc ? "a DPC is queued" : "a work item is queued", e->module ? e->module : "?", routine);
}

static void on_start(struct seq_builder *b, size_t i)
{
    const struct record_event *e = &b->r->events[i];
    const char *routine = e->target && e->target[0] ? e->target : "?";
    message(b, i, SEQ_ASYNC, seq_lifeline(b->q, e->module), ACT_ROUTINE, routine, seq_text("%s", routine));
    b->q->rows[b->q->row_count - 1].tip = seq_text("%s starts: %s!%s", e->r.kind == TRACE_DPC_RUN ? "the DPC" : "the work item", e->module ? e->module : "?", routine);
}

static void on_wait(struct seq_builder *b, size_t i)
{
    const struct record_event *e = &b->r->events[i];
    if (!record_driver_frame(b->r, e))
        return;
    align(b, i, false);
    struct seq_row *row = row_in_top(b, SEQ_POINT, i);
    row->label = seq_text("waits");
    row->tone = story_watches(b->s, e->r.a) && b->r->outcome.kind == FAILURE_DEADLOCK ? TONE_BAD : TONE_QUIET;
    for (size_t k = 0; k < b->r->wait_count; k++)
        if (b->r->waits[k].object == e->r.a) {
            free(row->label);
            row->label = seq_text("waits for %s", b->r->waits[k].what);
        }
}

static void on_call(struct seq_builder *b, size_t i)
{
    const struct record_event *e = &b->r->events[i];
    b->power_callback = strcmp(e->text, "PoRequestPowerIrp") == 0 ? e->target : b->power_callback;
    if (!story_watches(b->s, e->r.a) || strncmp(e->text, "Ke", 2) != 0)
        return;
    align(b, i, false);
    struct seq_row *row = row_in_top(b, SEQ_POINT, i);
    row->label = seq_text("%s", e->text);
    if (e->signal != NO_SIGNAL)
        row->status = seq_text(e->signal ? "was signalled" : "was not signalled");
}

static void on_returned(struct seq_builder *b, size_t i)
{
    const struct record_event *e = &b->r->events[i];
    struct act *top = top_of(b, i);
    if (strcmp(e->text, "IoCsqRemoveNextIrp") == 0 && !e->r.d) {
        align(b, i, false);
        struct seq_row *row = row_in_top(b, SEQ_POINT, i);
        row->label = seq_text("IoCsqRemoveNextIrp: NULL, empty");
        row->queue = true;
        row->tone = TONE_QUIET;
    }
    if (!top || top->kind != ACT_CALL || strcmp(top->function, e->text) != 0)
        return;
    struct seq_agent *a = agent_of(b, i);
    struct seq_row *row = row_in_top(b, SEQ_RETURN, i);
    row->label = seq_text("%s", nt_status_name((NTSTATUS)e->r.d));
    row->tone = NT_ERROR((NTSTATUS)e->r.d) ? TONE_BAD : TONE_QUIET;
    row->to = a->acts[a->count - 2].lifeline;
    row->to_box = a->acts[a->count - 2].box;
    pop(b, i, true);
}

static void on_print(struct seq_builder *b, size_t i)
{
    const char *text = b->r->events[i].text;
    if (!text || !record_driver_frame(b->r, &b->r->events[i]))
        return;
    align(b, i, false);
    int length = (int)strcspn(text, "\r\n");
    struct seq_row *row = row_in_top(b, SEQ_POINT, i);
    row->label = seq_text("DbgPrint: %.*s%s", length < 40 ? length : 40, text, length > 40 ? "…" : "");
    row->tip = seq_text("%.*s", length, text);
    row->tone = TONE_QUIET;
}

static void on_cancel(struct seq_builder *b, size_t i)
{
    align(b, i, false);
    row_in_top(b, SEQ_POINT, i)->label = seq_text("IoCancelIrp(%s)", story_irp_what(b->s, i));
}

static void on_task_event(struct seq_builder *b, size_t i)
{
    open_root(b, i);
    switch (b->r->events[i].r.kind) {
    case TRACE_IRP_DISPATCH:
        on_dispatch(b, i);
        break;
    case TRACE_IRP_DISPATCHED:
        on_dispatched(b, i);
        break;
    case TRACE_IRP_COMPLETE:
        on_complete(b, i);
        break;
    case TRACE_IRP_CANCEL:
        on_cancel(b, i);
        break;
    case TRACE_CSQ_INSERT:
    case TRACE_CSQ_REMOVE:
        on_queue(b, i, b->r->events[i].r.kind == TRACE_CSQ_INSERT);
        break;
    case TRACE_POWER_REQUEST:
        on_power_request(b, i);
        break;
    case TRACE_WORK_QUEUE:
    case TRACE_DPC_QUEUE:
        on_work_queued(b, i);
        break;
    case TRACE_WORK_RUN:
    case TRACE_DPC_RUN:
        on_start(b, i);
        break;
    case TRACE_WAIT_BLOCK:
        on_wait(b, i);
        break;
    case TRACE_DEBUG_PRINT:
        on_print(b, i);
        break;
    case RECORD_CALL:
        on_call(b, i);
        break;
    case RECORD_RETURN:
        on_returned(b, i);
        break;
    default:
        break;
    }
}

/* ---- the whole ---- */

static void end_of_task(struct seq_builder *b, size_t i)
{
    const struct task *t = &b->s->tasks[b->s->task_of[i]];
    if (!t->ended || t->last != i)
        return;
    while (agent_of(b, i)->count)
        pop(b, i, b->r->events[i].r.kind == TRACE_IRP_DISPATCHED && agent_of(b, i)->count == 1);
}

static void verdict_row(struct seq_builder *b, bool failed)
{
    const struct story *s = b->s;
    struct seq_row *row = seq_row_add(b, SEQ_VERDICT, NO_EVENT);
    row->tone = failed ? TONE_BAD : TONE_GOOD;
    if (s->victim >= 0) {
        const struct request *q = &s->requests[s->victim];
        row->tone = NT_ERROR(q->status) ? TONE_BAD : TONE_GOOD;
        row->label = seq_text("%s %s: %s", q->what, NT_ERROR(q->status) ? "fails" : "succeeds", nt_status_name(q->status));
    } else if (failed) {
        row->label = s->record->outcome.kind == FAILURE_DEADLOCK ? seq_text("nothing can go on: deadlock") : seq_text("%s", s->record->outcome.name);
        row->tip = seq_text("%s", s->record->outcome.message);
    } else {
        row->label = seq_text("all of this ends well");
    }
}

static void parting_row(struct seq_builder *b, const char *label)
{
    struct seq_row *row = seq_row_add(b, SEQ_PART, NO_EVENT);
    row->label = seq_text("%s", label);
}

static bool is_shown(const struct seq_builder *b, size_t event)
{
    int task = b->s->task_of[event];
    return task != NO_TASK && b->s->tasks[task].shown;
}

static void skip(struct seq_builder *b, size_t event)
{
    int task = b->s->task_of[event];
    if (task != NO_TASK && b->s->tasks[task].first == event)
        b->skipped[b->skipped_count++] = task;
}

static void all_events(struct seq_builder *b, uint32_t parts_at, const char *parting, bool failed)
{
    size_t verdict_at = SEQ_NO_BOX;
    for (size_t i = 0; i < b->r->event_count; i++) {
        bool shown = is_shown(b, i);
        if (parts_at != UINT32_MAX && shown && b->r->events[i].step >= parts_at) {
            parting_row(b, parting);
            parts_at = UINT32_MAX;
        }
        if (shown) {
            on_task_event(b, i);
            end_of_task(b, i);
        } else {
            skip(b, i);
        }
        if (i == b->s->verdict) {
            verdict_row(b, failed);
            verdict_at = b->q->row_count;
        }
        if (verdict_at != SEQ_NO_BOX && b->q->row_count > verdict_at + ROWS_AFTER_VERDICT)
            break;
    }
}

static void add_links(struct sequence *q, const struct story *s)
{
    if (s->drained.known)
        seq_link_add(q, s->drained.done, s->drained.undone, s->drained.foreign ? TONE_BAD : TONE_GOOD,
                     s->drained.foreign ? seq_text("drained by a thread that was not started for it") : seq_text("drained by what it started itself"));
    if (s->answered.known)
        seq_link_add(q, s->answered.done, s->answered.undone, s->answered.foreign ? TONE_BAD : TONE_GOOD,
                     s->answered.foreign ? seq_text("completed by a thread that was not started for it") : seq_text("completed by what it started itself"));
    if (s->cleared.known)
        seq_link_add(q, s->cleared.done, s->cleared.undone, TONE_BAD, seq_text("the signal is taken away"));
}

void sequence_build(struct sequence *q, const struct story *s, uint32_t parts_at, const char *parting, bool failed)
{
    memset(q, 0, sizeof *q);
    struct seq_builder b = { .q = q, .s = s, .r = s->record, .last_agent = NO_NAME };
    b.agents = calloc(s->record->name_count + 1, sizeof *b.agents);
    b.skipped = calloc((size_t)s->task_count + 1, sizeof *b.skipped);
    IR_ASSERT(b.agents && b.skipped);
    for (size_t i = 0; i < s->record->name_count; i++)
        b.agents[i].last_row = SEQ_NO_BOX;
    seq_lifelines(&b);
    all_events(&b, parts_at, parting, failed);
    for (size_t i = 0; i < s->record->name_count; i++)
        for (unsigned k = 0; k < b.agents[i].count; k++) /* still open: down to the end */
            seq_box_close(&b, &b.agents[i].acts[k], q->row_count ? q->row_count - 1 : 0, false);
    seq_loops(q, s);
    add_links(q, s);
    seq_shorten(q);
    free(b.agents);
    free(b.skipped);
}
