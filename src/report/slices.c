/* From switches to slices; see slices.h. */
#include "report/slices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nt/status.h"

static void *checked(void *p)
{
    IR_ASSERT(p);
    return p;
}

static char *copy(const char *text)
{
    return checked(strdup(text));
}

/* ---- what an agent did between two events ---- */

static void print_task(FILE *f, const struct story *s, int task, size_t to, bool starts)
{
    const struct task *t = &s->tasks[task];
    fprintf(f, "%s%s", starts ? "" : "goes on with ", t->title);
    if (t->kind != TASK_REQUEST || !t->ended || t->last > to)
        return;
    const struct request *q = &s->requests[t->request];
    if (q->pended && (q->completion == NO_EVENT || q->completion > t->last))
        fputs(" pends", f);
    else if (q->completion != NO_EVENT && q->status)
        fprintf(f, " (%s)", nt_status_name(q->status));
}

/* A completion of a program's request by somebody else than its own dispatch. */
static bool completes_for_other(const struct story *s, size_t event)
{
    for (int i = 0; i < s->request_count; i++)
        if (s->requests[i].completion == event)
            return s->requests[i].task != s->task_of[event];
    return false;
}

static char *what_was_done(const struct story *s, uint32_t agent, size_t from, size_t to)
{
    char *text = NULL;
    size_t size = 0;
    int last = NO_TASK;
    const char *comma = "";
    FILE *f = checked(open_memstream(&text, &size));
    for (size_t i = from; i < to; i++) {
        const struct record_event *e = &s->record->events[i];
        if (e->agent_name != agent)
            continue;
        if (s->task_of[i] != NO_TASK && s->task_of[i] != last) {
            last = s->task_of[i];
            fputs(comma, f);
            print_task(f, s, last, to, s->tasks[last].first == i);
            comma = ", ";
        }
        if (e->r.kind == TRACE_IRP_COMPLETE && completes_for_other(s, i))
            fprintf(f, "%scompletes %s with %s", comma[0] ? ": " : "", story_irp_what(s, i), nt_status_name((NTSTATUS)e->r.b));
        if (e->r.kind == TRACE_THREAD_EXIT) {
            fprintf(f, "%sends", comma);
            comma = ", ";
        }
    }
    fclose(f);
    return text;
}

/* A thread that waits for its own request in the kernel says so better than by the address of an event. */
static char *how_it_stopped(const struct story *s, const struct record_switch *sw, size_t at)
{
    const char *where = sw->where ? sw->where : "";
    if (strcmp(where, "the next timer expires") == 0)
        return copy("a timer expires");
    if (strncmp(where, "waits for ", 10) == 0)
        for (int i = s->request_count; i-- > 0;) {
            const struct request *q = &s->requests[i];
            bool open = q->agent == sw->from && q->dispatch < at && (q->completion == NO_EVENT || q->completion > at);
            if (open && q->pended && s->tasks[q->task].ended && s->tasks[q->task].last < at) {
                char text[200];
                snprintf(text, sizeof text, "waits for its %s", q->what);
                return copy(text);
            }
        }
    return copy(where);
}

/* ---- slices ---- */

static size_t first_event_of_step(const struct record *r, uint32_t step)
{
    size_t i = 0;
    while (i < r->event_count && r->events[i].step < step)
        i++;
    return i;
}

static struct slice *add(struct slices *out)
{
    out->list = checked(realloc(out->list, (out->count + 1) * sizeof *out->list));
    struct slice *p = &out->list[out->count++];
    memset(p, 0, sizeof *p);
    return p;
}

static bool is_program(const struct record *r, uint32_t name)
{
    for (size_t i = 0; i < r->event_count; i++)
        if (r->events[i].agent_name == name && r->events[i].by_program)
            return true;
    return false;
}

/* What comes before the first thread of a program runs is set-up; without a program nothing is. */
static size_t first_told(const struct record *r)
{
    for (size_t i = 0; i < r->switch_count; i++)
        if (is_program(r, r->switches[i].to))
            return i;
    return 0;
}

static bool same_as_before(const struct slices *out, uint32_t agent)
{
    return out->count && out->list[out->count - 1].agent == agent && !out->list[out->count - 1].preempted;
}

static void add_slice(struct slices *out, const struct story *s, size_t i)
{
    const struct record *r = s->record;
    const struct record_switch *sw = &r->switches[i], *next = i + 1 < r->switch_count ? sw + 1 : NULL;
    size_t from = first_event_of_step(r, sw->step), to = next ? first_event_of_step(r, next->step) : r->event_count;
    struct slice *p = add(out);
    p->agent = sw->to;
    p->step = sw->step;
    p->steps = next ? next->step - sw->step : 0;
    p->did = what_was_done(s, sw->to, from, to);
    p->preempted = next && next->preemption;
    p->stop = next && next->from == sw->to ? how_it_stopped(s, next, to) : copy("");
    p->verdict = s->verdict >= from && s->verdict < to;
}

/* A slice that did nothing between two of another agent is left out, unless somebody was preempted for it. */
static bool is_trivial(const struct slices *out, const struct story *s, const struct slice *p)
{
    return !p->did[0] && !p->preempted && !p->verdict && out->count > 1 && !out->list[out->count - 2].preempted && !is_program(s->record, p->agent);
}

static void drop_last(struct slices *out)
{
    struct slice *p = &out->list[--out->count];
    free(p->did);
    free(p->stop);
}

void slices_of(struct slices *out, const struct story *s)
{
    const struct record *r = s->record;
    memset(out, 0, sizeof *out);
    size_t i = first_told(r);
    if (i > 0) {
        struct slice *p = add(out);
        p->agent = NO_NAME;
        p->steps = r->switches[i].step;
        p->did = copy("the drivers are loaded, the devices started");
        p->stop = copy("");
    }
    for (; i < r->switch_count; i++) {
        if (same_as_before(out, r->switches[i].to) && r->switches[i].from == NO_NAME)
            continue;
        add_slice(out, s, i);
        struct slice *p = &out->list[out->count - 1];
        if (p->verdict) {
            out->after = (unsigned)(r->switch_count - i - 1);
            break;
        }
        out->preemptions += p->preempted;
        if (is_trivial(out, s, p))
            drop_last(out);
    }
    for (size_t k = 1; k < out->count; k++)
        out->switches += out->list[k - 1].agent != NO_NAME;
}

void slices_free(struct slices *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->list[i].did);
        free(s->list[i].stop);
    }
    free(s->list);
    memset(s, 0, sizeof *s);
}
