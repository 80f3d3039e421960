/* The report of a failure for a terminal, in the order in which one asks: what failed, how it came about, what the program saw, the
 * stacks, the schedule, the point where it could still have gone well. */
#include "report/text.h"

#include <stdlib.h>
#include <string.h>

#include "nt/status.h"
#include "report/slices.h"
#include "report/story.h"

enum { MANY_REQUESTS = 40, LAST_REQUESTS = 15 };

struct style {
    const char *red, *bold, *off;
};

static int widest_name(const struct record *r)
{
    size_t widest = 0;
    for (size_t i = 0; i < r->name_count; i++)
        widest = strlen(r->names[i]) > widest ? strlen(r->names[i]) : widest;
    return (int)(widest < 28 ? widest : 28);
}

static void print_title(FILE *out, const struct style *c, const char *title)
{
    fprintf(out, "\n%s%s%s\n", c->bold, title, c->off);
}

static void print_what_failed(FILE *out, const struct story *s, const struct style *c)
{
    char *sentence = story_sentence(s), *steps = story_steps(s);
    fprintf(out, "%sfailure: %s: %s%s\n", c->red, outcome_contract_kind(&s->record->outcome), sentence, c->off);
    if (steps) {
        int n = 0;
        print_title(out, c, "how it came about");
        for (char *line = strtok(steps, "\n"); line; line = strtok(NULL, "\n"))
            fprintf(out, "  %d. %s\n", ++n, line);
    }
    free(sentence);
    free(steps);
}

static void print_request(FILE *out, const struct story *s, int i)
{
    const struct record *r = s->record;
    const struct request *q = &s->requests[i];
    fprintf(out, "%c %3u  %-*s  %-34s ", i == s->victim ? '>' : ' ', q->number, widest_name(r), record_name(r, q->agent), q->what);
    if (q->completion == NO_EVENT) {
        fprintf(out, "never completed%s\n", q->pended ? ", pending" : "");
        return;
    }
    fprintf(out, "%s", nt_status_name(q->status));
    if (r->events[q->completion].agent_name != q->agent)
        fprintf(out, " by %s", record_name(r, r->events[q->completion].agent_name));
    fprintf(out, "\n");
}

static void print_requests(FILE *out, const struct story *s, const struct style *c)
{
    if (!s->request_count)
        return;
    print_title(out, c, "requests of the program");
    int from = s->request_count > MANY_REQUESTS ? s->request_count - LAST_REQUESTS : 0;
    if (s->victim >= 0 && s->victim < from)
        print_request(out, s, s->victim);
    if (from)
        fprintf(out, "  %d earlier ones are not shown\n", from);
    for (int i = from; i < s->request_count; i++)
        print_request(out, s, i);
}

static void print_victim(FILE *out, const struct story *s, const struct style *c)
{
    const struct record *r = s->record;
    if (r->victim == SIZE_MAX)
        return;
    const struct record_event *v = &r->events[r->victim];
    fprintf(out, "\n%s%s was completed with %s by %s%s\n", c->bold, story_irp_what(s, r->victim), nt_status_name((NTSTATUS)v->r.b), record_name(r, v->agent_name), c->off);
    fprintf(out, "\nk\n%s\n!irp %016llx\n%s", v->stack, (unsigned long long)v->r.a, v->irp);
}

static void print_waits(FILE *out, const struct record *r, const struct style *c)
{
    for (size_t i = 0; i < r->wait_count; i++) {
        const struct record_wait *w = &r->waits[i];
        fprintf(out, "\n%s%s waits for %s since %.3f s%s%s%s\n", c->bold, record_name(r, w->who), w->what, (double)w->since_100ns / 1e7, w->where[0] ? ", in " : "", w->where,
                c->off);
        if (w->program)
            fprintf(out, "\nk\n%s", w->stack);
    }
}

static void print_slice(FILE *out, const struct record *r, const struct slice *p, unsigned *number)
{
    if (p->agent == NO_NAME) {
        fprintf(out, "       %s\n", p->did);
        return;
    }
    fprintf(out, "  %3u  %-*s  %s", ++*number, widest_name(r), record_name(r, p->agent), p->did);
    if (p->verdict)
        fprintf(out, "  <- the failure");
    else if (p->stop[0])
        fprintf(out, "%s%s%s", p->did[0] ? "; " : "", p->preempted ? "is preempted, " : "", p->stop);
    fprintf(out, "\n");
}

static void print_schedule(FILE *out, const struct story *s, const struct style *c)
{
    struct slices slices;
    slices_of(&slices, s);
    if (slices.count) {
        char title[100];
        unsigned number = 0;
        snprintf(title, sizeof title, "schedule: %u switch%s, %u preemption%s", slices.switches, slices.switches == 1 ? "" : "es", slices.preemptions,
                 slices.preemptions == 1 ? "" : "s");
        print_title(out, c, title);
        for (size_t i = 0; i < slices.count; i++)
            print_slice(out, s->record, &slices.list[i], &number);
        if (slices.after)
            fprintf(out, "       %u more switches to the end of the run\n", slices.after);
    }
    slices_free(&slices);
}

static void print_turn(FILE *out, const struct record *r, const struct style *c)
{
    const struct record_turn *t = &r->turn;
    if (!t->known)
        return;
    print_title(out, c, "last point at which it could have been avoided");
    fprintf(out, "  choice %u: %s goes on (%s);\n  with %s instead (%s) the run passes\n", t->step, record_name(r, t->ran), t->ran_where, record_name(r, t->instead),
            t->instead_where);
}

static void print_console(FILE *out, const struct record *r, const struct style *c)
{
    bool title = false;
    for (size_t i = 0; i < r->event_count; i++)
        if (r->events[i].r.kind == TRACE_CONSOLE && r->events[i].text) {
            if (!title)
                print_title(out, c, "program output");
            title = true;
            fputs(r->events[i].text, out);
        }
}

void report_text(FILE *out, const struct record *r, bool color)
{
    const struct style c = color ? (struct style) { "\033[31;1m", "\033[1m", "\033[0m" } : (struct style) { "", "", "" };
    struct story s;
    story_of_failure(&s, r);
    print_what_failed(out, &s, &c);
    if (r->failure && r->failure[0])
        fprintf(out, "\n%s", r->failure);
    print_requests(out, &s, &c);
    print_victim(out, &s, &c);
    print_waits(out, r, &c);
    if (r->blocked)
        fputs(r->blocked, out);
    print_schedule(out, &s, &c);
    print_turn(out, r, &c);
    print_console(out, r, &c);
    story_free(&s);
}
