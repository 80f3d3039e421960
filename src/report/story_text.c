/* A story in words: the sentence that opens a report, and the steps that led to the failure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nt/status.h"
#include "report/story.h"

void story_program(const struct story *s, char *out, size_t size)
{
    const char *path = session_config() ? session_config()->program : "";
    const char *name = strrchr(path, strchr(path, '/') ? '/' : ':');
    snprintf(out, size, "%s", name ? name + 1 : path[0] ? path : "the program");
}

static FILE *stream(char **text)
{
    static size_t unused; /* the length is not wanted */
    FILE *f = open_memstream(text, &unused);
    IR_ASSERT(f);
    return f;
}

static const char *function_at(const struct story *s, size_t event)
{
    const struct record_frame *f = record_driver_frame(s->record, &s->record->events[event]);
    return f && f->function[0] ? f->function : NULL;
}

static void print_in(FILE *f, const struct story *s, size_t event)
{
    const char *in = function_at(s, event);
    if (in)
        fprintf(f, " in %s", in);
}

static const char *who(const struct story *s, size_t event)
{
    return record_name(s->record, s->record->events[event].agent_name);
}

/* ---- the sentence ---- */

static void waits_sentence(FILE *f, const struct story *s)
{
    const struct record *r = s->record;
    for (size_t i = 0; i < r->wait_count; i++)
        fprintf(f, "%s%s waits for %s", i ? "; " : "nothing can go on: ", record_name(r, r->waits[i].who), r->waits[i].what);
    if (!r->wait_count)
        fprintf(f, "%s", r->outcome.message);
}

char *story_sentence(const struct story *s)
{
    char *text = NULL;
    FILE *f = stream(&text);
    const struct record *r = s->record;
    if (r->outcome.kind == FAILURE_DEADLOCK)
        waits_sentence(f, s);
    else
        fprintf(f, "%s", r->outcome.message);
    if (s->victim >= 0 && s->requests[s->victim].completion != NO_EVENT) {
        const struct request *q = &s->requests[s->victim];
        fprintf(f, ": its %s (request %u) was completed with %s by %s", q->what, q->number, nt_status_name(q->status), who(s, q->completion));
    }
    fclose(f);
    return text;
}

/* ---- the steps ---- */

struct step {
    size_t event;
    char *text;
};

struct steps {
    struct step list[64];
    unsigned count;
};

static FILE *new_step(struct steps *l, size_t event)
{
    struct step *p = &l->list[l->count++];
    p->event = event;
    return stream(&p->text);
}

static bool has_room(const struct steps *l)
{
    return l->count + 1 < sizeof l->list / sizeof l->list[0];
}

static const char *starts(enum task_kind kind)
{
    switch (kind) {
    case TASK_WORK:
        return "queues the work item";
    case TASK_POWER:
        return "requests the power IRP";
    case TASK_DPC:
        return "causes the DPC";
    case TASK_THREAD:
        return "creates the thread";
    default:
        return "causes";
    }
}

/* How a task came to run: a line for each cause on the way. */
static void explain_task(struct steps *l, const struct story *s, int task)
{
    for (; task != NO_TASK && s->tasks[task].cause != NO_EVENT && has_room(l); task = s->tasks[task].parent) {
        const struct task *t = &s->tasks[task];
        FILE *f = new_step(l, t->cause);
        fprintf(f, "%s: %s %s %s", who(s, t->cause), t->parent != NO_TASK ? s->tasks[t->parent].title : "it", starts(t->kind), t->title);
        const char *in = function_at(s, t->cause);
        if (in && (t->parent == NO_TASK || strcmp(in, s->tasks[t->parent].title) != 0))
            fprintf(f, " (in %s)", in);
        fclose(f);
    }
}

static void explain_victim(struct steps *l, const struct story *s)
{
    const struct request *q = &s->requests[s->victim];
    if (s->drained.known) {
        FILE *f = new_step(l, s->drained.done);
        fprintf(f, "%s: %s is put into the cancel-safe queue", who(s, s->drained.done), q->what);
        print_in(f, s, s->drained.done);
        fclose(f);
        explain_task(l, s, s->task_of[s->drained.undone]);
        f = new_step(l, s->drained.undone);
        fprintf(f, "%s: %s takes it out", who(s, s->drained.undone), s->tasks[s->task_of[s->drained.undone]].title);
        print_in(f, s, s->drained.undone);
        fprintf(f, " and completes it with %s", nt_status_name(q->status));
        if (s->drained.foreign)
            fputs("; nothing of this was started for that request", f);
        fclose(f);
        return;
    }
    int task = s->task_of[q->completion];
    FILE *f = new_step(l, q->dispatch);
    fprintf(f, "%s: %s%s", who(s, q->dispatch), q->what, q->pended ? " pends" : " is made");
    fclose(f);
    explain_task(l, s, task);
    f = new_step(l, q->completion);
    fprintf(f, "%s: %s completes %s with %s", who(s, q->completion), task == NO_TASK ? "it" : s->tasks[task].title, q->what, nt_status_name(q->status));
    print_in(f, s, q->completion);
    if (s->answered.known && s->answered.foreign)
        fputs("; nothing of this was started for that request", f);
    fclose(f);
}

static void explain_event(struct steps *l, const struct story *s, size_t event, const char *what)
{
    const struct record_event *e = &s->record->events[event];
    FILE *f = new_step(l, event);
    fprintf(f, "%s: %s", who(s, event), e->text);
    print_in(f, s, event);
    fprintf(f, " %s", what);
    fclose(f);
}

static void explain_deadlock(struct steps *l, const struct story *s)
{
    const struct record *r = s->record;
    if (s->cleared.known) {
        explain_event(l, s, s->cleared.done, "signals what is waited for");
        explain_event(l, s, s->cleared.undone, "takes the signal away");
    }
    for (size_t i = 0; i < r->wait_count && has_room(l); i++) {
        size_t at = r->event_count;
        for (size_t k = 0; k < r->event_count; k++)
            if (r->events[k].r.kind == TRACE_WAIT_BLOCK && r->events[k].agent_name == r->waits[i].who)
                at = k;
        FILE *f = new_step(l, at);
        fprintf(f, "%s: waits for %s%s%s and is never woken", record_name(r, r->waits[i].who), r->waits[i].what, r->waits[i].where[0] ? " in " : "", r->waits[i].where);
        fclose(f);
    }
}

static int by_event(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    return x->event < y->event ? -1 : x->event > y->event;
}

char *story_steps(const struct story *s)
{
    struct steps l = { .count = 0 };
    if (s->victim >= 0 && s->requests[s->victim].completion != NO_EVENT)
        explain_victim(&l, s);
    else if (s->record->outcome.kind == FAILURE_DEADLOCK)
        explain_deadlock(&l, s);
    if (!l.count)
        return NULL;
    qsort(l.list, l.count, sizeof l.list[0], by_event);
    char *text = NULL;
    FILE *f = stream(&text);
    for (unsigned i = 0; i < l.count; i++) {
        fprintf(f, "%s\n", l.list[i].text);
        free(l.list[i].text);
    }
    fclose(f);
    return text;
}
