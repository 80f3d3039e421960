/* Rows and boxes, and what is derived from them: loops, links, what is folded away. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nt/status.h"
#include "report/sequence_private.h"

enum { MAX_ROWS = 150, MAX_ITERATIONS = 3, BAND_NAMES = 4 };

static void *checked(void *p)
{
    IR_ASSERT(p);
    return p;
}

char *seq_text(const char *format, ...)
{
    char *text;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    IR_ASSERT(n >= 0);
    return text;
}

struct seq_row *seq_row_add(struct seq_builder *b, enum seq_kind kind, size_t event)
{
    struct sequence *q = b->q;
    q->rows = checked(realloc(q->rows, (q->row_count + 1) * sizeof *q->rows));
    struct seq_row *row = &q->rows[q->row_count];
    bool of_event = event != NO_EVENT;
    *row = (struct seq_row) { .kind = kind, .event = event, .agent = of_event ? b->r->events[event].agent_name : NO_NAME, .irp = of_event ? b->s->irp_of[event] : 0,
                              .from_box = SEQ_NO_BOX, .to_box = SEQ_NO_BOX };
    if (of_event && row->agent != NO_NAME)
        b->agents[row->agent].last_row = q->row_count;
    q->row_count++;
    return row;
}

static bool slot_taken(const struct seq_builder *b, int lifeline, unsigned slot)
{
    for (size_t i = 0; i < b->r->name_count; i++)
        for (unsigned k = 0; k < b->agents[i].count; k++) {
            const struct act *a = &b->agents[i].acts[k];
            if (a->lifeline == lifeline && b->q->boxes[a->box].slot == slot)
                return true;
        }
    return false;
}

size_t seq_box_open(struct seq_builder *b, uint32_t agent, int lifeline, const char *name)
{
    struct sequence *q = b->q;
    unsigned slot = 0;
    for (unsigned k = 0; k < b->agents[agent].count; k++) {
        const struct act *a = &b->agents[agent].acts[k];
        if (a->lifeline == lifeline && q->boxes[a->box].slot >= slot)
            slot = q->boxes[a->box].slot + 1;
    }
    while (slot_taken(b, lifeline, slot))
        slot++;
    q->boxes = checked(realloc(q->boxes, (q->box_count + 1) * sizeof *q->boxes));
    size_t row = q->row_count ? q->row_count - 1 : 0;
    q->boxes[q->box_count] = (struct seq_box) { .lifeline = lifeline, .slot = slot, .first = row, .last = row, .agent = agent, .name = name };
    return q->box_count++;
}

void seq_box_close(struct seq_builder *b, const struct act *a, size_t last, bool on_line)
{
    struct seq_box *box = &b->q->boxes[a->box];
    if (last != SEQ_NO_BOX && last > box->first)
        box->last = last;
    box->ends_on_line = on_line && box->last > box->first;
}

struct act *seq_push(struct seq_builder *b, uint32_t agent, enum act_kind kind, int lifeline, const char *function)
{
    struct seq_agent *a = &b->agents[agent];
    IR_ASSERT(a->count < SEQ_MAX_ACTS);
    size_t box = seq_box_open(b, agent, lifeline, function);
    struct act *act = &a->acts[a->count++];
    *act = (struct act) { .kind = kind, .box = box, .lifeline = lifeline, .function = function };
    return act;
}

/* ---- lifelines ---- */

int seq_lifeline(const struct sequence *q, const char *module)
{
    for (int i = 1; i < q->lifeline_count; i++)
        if (q->lifelines[i] == module)
            return i;
    return q->lifeline_count == SEQ_MAX_LIFELINES ? SEQ_MAX_LIFELINES - 1 : SEQ_IO_MANAGER; /* drivers that there is no room for share the last */
}

static void add_lifeline(struct sequence *q, const char *module)
{
    for (int i = 1; i < q->lifeline_count; i++)
        if (q->lifelines[i] == module)
            return;
    if (q->lifeline_count < SEQ_MAX_LIFELINES)
        q->lifelines[q->lifeline_count++] = module;
}

/* A driver that is called by one to its right moves behind it. Calls in circles leave the order of appearance. */
static void below_callers(struct seq_builder *b)
{
    struct sequence *q = b->q;
    for (int round = 0; round < SEQ_MAX_LIFELINES; round++)
        for (size_t i = 0; i < b->r->event_count; i++) {
            const struct record_event *e = &b->r->events[i];
            const struct record_frame *caller = record_driver_frame(b->r, e);
            if (e->r.kind != TRACE_IRP_DISPATCH || !caller || !e->module || b->s->task_of[i] == NO_TASK || !b->s->tasks[b->s->task_of[i]].shown)
                continue;
            int from = seq_lifeline(q, caller->module), to = seq_lifeline(q, e->module);
            if (to >= from || q->lifelines[to] != e->module || q->lifelines[from] != caller->module || round + 1 == SEQ_MAX_LIFELINES)
                continue;
            const char *moved = q->lifelines[to];
            memmove(&q->lifelines[to], &q->lifelines[to + 1], (size_t)(from - to) * sizeof moved);
            q->lifelines[from] = moved;
        }
}

void seq_lifelines(struct seq_builder *b)
{
    struct sequence *q = b->q;
    q->lifelines[SEQ_IO_MANAGER] = "I/O manager";
    q->lifeline_count = 1;
    for (size_t i = 0; i < b->r->event_count; i++) {
        const struct record_event *e = &b->r->events[i];
        if (b->s->task_of[i] == NO_TASK || !b->s->tasks[b->s->task_of[i]].shown)
            continue;
        for (size_t k = 0; k < e->chain_length; k++)
            if (b->r->frames[e->chain + k].side == SIDE_DRIVER)
                add_lifeline(q, b->r->frames[e->chain + k].module);
        if (e->r.kind == TRACE_IRP_DISPATCH && e->module)
            add_lifeline(q, e->module);
    }
    below_callers(b);
}

/* ---- what is left out ---- */

static void describe_skipped(FILE *f, const struct seq_builder *b, bool first)
{
    const struct story *s = b->s;
    int requests = 0, others = 0, system = 0;
    for (int i = 0; i < b->skipped_count; i++) {
        const struct task *t = &s->tasks[b->skipped[i]];
        requests += t->kind == TASK_REQUEST;
        system += t->kind == TASK_SYSTEM;
        others += t->kind != TASK_REQUEST && t->kind != TASK_SYSTEM;
    }
    const char *comma = "";
    if (system) {
        fprintf(f, "%s", first ? "start of the drivers and devices" : "the system's own requests");
        comma = ", ";
    }
    int named = 0;
    for (int i = 0; i < b->skipped_count && named < BAND_NAMES; i++) {
        const struct task *t = &s->tasks[b->skipped[i]];
        if (t->kind != TASK_REQUEST)
            continue;
        const struct request *q = &s->requests[t->request];
        fprintf(f, "%s%s", comma, q->what);
        if (q->completion != NO_EVENT && q->status)
            fprintf(f, " (%s)", nt_status_name(q->status));
        comma = ", ";
        named++;
    }
    if (requests > named)
        fprintf(f, " and %d more requests", requests - named);
    if (others)
        fprintf(f, "%swhat %s caused", comma, requests == 1 ? "it" : "they");
}

void seq_band(struct seq_builder *b)
{
    if (!b->skipped_count)
        return;
    char *text = NULL;
    size_t size = 0;
    FILE *f = checked(open_memstream(&text, &size));
    describe_skipped(f, b, !b->any);
    fclose(f);
    struct seq_row *row = seq_row_add(b, SEQ_BAND, NO_EVENT);
    row->label = text;
    row->tone = TONE_QUIET;
    b->skipped_count = 0;
}

void seq_elide(struct sequence *q, size_t first, size_t last, char *label)
{
    for (size_t i = first; i <= last; i++)
        q->rows[i].hidden = true;
    struct seq_row *row = &q->rows[first];
    free(row->label);
    free(row->status);
    free(row->tip);
    *row = (struct seq_row) { .kind = SEQ_BAND, .tone = TONE_QUIET, .agent = NO_NAME, .event = NO_EVENT, .from_box = SEQ_NO_BOX, .to_box = SEQ_NO_BOX, .label = label };
}

static bool is_end_of_link(const struct sequence *q, size_t row)
{
    for (size_t i = 0; i < q->link_count; i++)
        if (q->links[i].from == row || q->links[i].to == row)
            return true;
    return q->rows[row].kind == SEQ_VERDICT || q->rows[row].kind == SEQ_PART;
}

/* The longest stretch between rows that must be seen loses its middle. */
void seq_shorten(struct sequence *q)
{
    if (q->row_count <= MAX_ROWS)
        return;
    size_t best = 0, best_length = 0, start = 0;
    for (size_t i = 0; i <= q->row_count; i++) {
        if (i < q->row_count && !is_end_of_link(q, i))
            continue;
        if (i - start > best_length) {
            best = start;
            best_length = i - start;
        }
        start = i + 1;
    }
    size_t drop = q->row_count - MAX_ROWS, keep = 10;
    if (best_length <= 2 * keep + 1)
        return;
    if (drop > best_length - 2 * keep)
        drop = best_length - 2 * keep;
    size_t first = best + (best_length - drop) / 2;
    seq_elide(q, first, first + drop - 1, seq_text("%zu rows are left out", drop));
}

/* ---- loops ---- */

static void note_inserter(struct seq_loop *loop, const struct sequence *q, const struct story *s)
{
    size_t event = q->rows[loop->first].event;
    const struct record_event *events = s->record->events;
    for (size_t i = event; i-- > 0;)
        if (events[i].r.kind == TRACE_CSQ_INSERT && events[i].r.a == events[event].r.a) {
            const struct record_frame *f = record_driver_frame(s->record, &events[i]);
            if (f)
                loop->note = seq_text("IRPs that %s inserted", f->function[0] ? f->function : f->module);
            return;
        }
}

static void add_loop(struct sequence *q, const struct story *s, size_t first, size_t last, unsigned turns)
{
    q->loops = checked(realloc(q->loops, (q->loop_count + 1) * sizeof *q->loops));
    struct seq_loop *loop = &q->loops[q->loop_count++];
    *loop = (struct seq_loop) { .first = first, .last = last, .label = turns > MAX_ITERATIONS ? seq_text("drain CSQ, %u times", turns) : seq_text("drain CSQ") };
    note_inserter(loop, q, s);
}

/* Repeated removals in one activation are a loop that drains a queue. */
void seq_loops(struct sequence *q, const struct story *s)
{
    for (size_t i = 0; i < q->row_count; i++) {
        if (!q->rows[i].queue || q->rows[i].hidden)
            continue;
        size_t box = q->rows[i].to_box, last = i, third = 0;
        unsigned turns = 1;
        for (size_t k = i + 1; k < q->row_count && k <= q->boxes[box].last; k++)
            if (q->rows[k].queue && q->rows[k].to_box == box) {
                turns++;
                third = turns == MAX_ITERATIONS ? k : third;
                last = k;
            }
        if (turns < 2)
            continue;
        add_loop(q, s, i, last, turns);
        if (turns > MAX_ITERATIONS + 1 && last > third)
            seq_elide(q, third, last - 1, seq_text("%u more", turns - MAX_ITERATIONS));
        i = last;
    }
}

/* ---- links ---- */

static size_t row_of_event(const struct sequence *q, size_t event)
{
    for (size_t i = q->row_count; i-- > 0;) /* functions that were entered on the way to it have rows before its own */
        if (q->rows[i].event == event && (q->rows[i].kind == SEQ_POINT || q->rows[i].kind == SEQ_CALL))
            return i;
    return SIZE_MAX;
}

void seq_link_add(struct sequence *q, size_t from_event, size_t to_event, enum seq_tone tone, char *label)
{
    size_t from = row_of_event(q, from_event), to = row_of_event(q, to_event);
    if (from == SIZE_MAX || to == SIZE_MAX) {
        free(label);
        return;
    }
    q->links = checked(realloc(q->links, (q->link_count + 1) * sizeof *q->links));
    q->links[q->link_count++] = (struct seq_link) { from, to, tone, label };
}

void sequence_compare(struct sequence *a, struct sequence *b)
{
    if (!a->row_count || !b->row_count || a->rows[0].kind != SEQ_BAND || b->rows[0].kind != SEQ_BAND || strcmp(a->rows[0].label, b->rows[0].label) != 0)
        return;
    struct seq_row *rows[] = { &a->rows[0], &b->rows[0] };
    for (int i = 0; i < 2; i++) {
        char *text = seq_text("%s: the same in both", rows[i]->label);
        free(rows[i]->label);
        rows[i]->label = text;
    }
}

void sequence_free(struct sequence *q)
{
    for (size_t i = 0; i < q->row_count; i++) {
        free(q->rows[i].label);
        free(q->rows[i].status);
        free(q->rows[i].tip);
    }
    for (size_t i = 0; i < q->loop_count; i++) {
        free(q->loops[i].label);
        free(q->loops[i].note);
    }
    for (size_t i = 0; i < q->link_count; i++)
        free(q->links[i].label);
    free(q->rows);
    free(q->boxes);
    free(q->loops);
    free(q->links);
    memset(q, 0, sizeof *q);
}
