/* What failed, and which tasks have to do with it.
 *
 * Around a request that failed: the task that completed it with everything that led to that one, the task it came from, and what those
 * caused. Around a deadlock: the tasks that touched what is waited for. Otherwise what the failing agent was in, or the last tasks. */
#include <stdlib.h>
#include <string.h>

#include "report/story_private.h"

enum { LAST_TASKS = 6 };

static bool is_call(const struct record_event *e, const char *name)
{
    return e->r.kind == RECORD_CALL && strcmp(e->text, name) == 0;
}

static void show_with_ancestors(struct story *s, int task)
{
    bool first = true;
    for (int steps = 0; task != NO_TASK && steps <= s->task_count; steps++, task = s->tasks[task].parent, first = false)
        s->tasks[task].shown |= first || s->tasks[task].kind != TASK_SYSTEM; /* that DriverEntry made the thread tells nothing */
}

/* Causes come before what they cause: one pass is enough. */
static void show_consequences(struct story *s)
{
    for (int i = 0; i < s->task_count; i++)
        if (s->tasks[i].parent != NO_TASK && s->tasks[s->tasks[i].parent].shown)
            s->tasks[i].shown = true;
}

static bool any_shown(const struct story *s)
{
    for (int i = 0; i < s->task_count; i++)
        if (s->tasks[i].shown)
            return true;
    return false;
}

/* ---- a request that failed ---- */

static void find_drained(struct story *s, uint32_t irp, size_t completion)
{
    const struct record_event *events = s->record->events;
    size_t remove = NO_EVENT, insert = NO_EVENT;
    for (size_t i = completion; i-- > 0 && insert == NO_EVENT;) {
        if (s->irp_of[i] != irp)
            continue;
        if (events[i].r.kind == TRACE_CSQ_REMOVE && remove == NO_EVENT)
            remove = i;
        else if (events[i].r.kind == TRACE_CSQ_INSERT && remove != NO_EVENT)
            insert = i;
    }
    if (insert == NO_EVENT || s->task_of[insert] == NO_TASK || s->task_of[remove] == NO_TASK)
        return;
    s->drained = (struct undone) { true, insert, remove, !story_is_ancestor(s, s->task_of[insert], s->task_of[remove]) };
}

static void around_request(struct story *s, int request)
{
    const struct request *q = &s->requests[request];
    s->victim = request;
    s->tasks[q->task].shown = true;
    if (q->completion == NO_EVENT)
        return;
    s->verdict = q->completion;
    show_with_ancestors(s, s->task_of[q->completion]);
    find_drained(s, q->irp, q->completion);
    int by = s->task_of[q->completion];
    if (!s->drained.known && by != NO_TASK && by != q->task)
        s->answered = (struct undone) { true, q->dispatch, q->completion, !story_is_ancestor(s, q->task, by) };
}

static int failed_request(const struct story *s)
{
    const struct record *r = s->record;
    for (int i = 0; r->victim != SIZE_MAX && i < s->request_count; i++)
        if (s->requests[i].irp == s->irp_of[r->victim])
            return i;
    return -1;
}

/* ---- a deadlock ---- */

static void watch(struct story *s, uint64_t object)
{
    if (object && !story_watches(s, object) && s->watched_count < sizeof s->watched / sizeof s->watched[0])
        s->watched[s->watched_count++] = object;
}

static void find_cleared(struct story *s)
{
    const struct record_event *events = s->record->events;
    size_t clear = NO_EVENT;
    for (size_t i = s->record->event_count; i-- > 0;) {
        const struct record_event *e = &events[i];
        if (!story_watches(s, e->r.a))
            continue;
        if (clear == NO_EVENT && (is_call(e, "KeClearEvent") || is_call(e, "KeResetEvent")) && e->signal > 0)
            clear = i;
        if (clear == NO_EVENT || events[clear].r.a != e->r.a || !(is_call(e, "KeSetEvent") || is_call(e, "KePulseEvent")))
            continue;
        s->cleared = (struct undone) { true, i, clear, e->agent_name != events[clear].agent_name };
        return;
    }
}

static void show_watched(struct story *s)
{
    for (size_t i = 0; i < s->record->event_count; i++) {
        const struct record_event *e = &s->record->events[i];
        if ((e->r.kind == RECORD_CALL || e->r.kind == TRACE_WAIT_BLOCK || e->r.kind == TRACE_OBJECT_SIGNAL) && story_watches(s, e->r.a) && s->task_of[i] != NO_TASK)
            show_with_ancestors(s, s->task_of[i]);
    }
}

static void around_deadlock(struct story *s)
{
    const struct record *r = s->record;
    for (size_t i = 0; i < r->wait_count; i++)
        watch(s, r->waits[i].object);
    show_watched(s);
    for (int i = 0; i < s->task_count; i++)
        for (size_t w = 0; w < r->wait_count; w++)
            if (!s->tasks[i].ended && s->tasks[i].agent == r->waits[w].who)
                show_with_ancestors(s, i);
    for (size_t i = 0; i < r->event_count; i++)
        if (r->events[i].r.kind == TRACE_WAIT_BLOCK && story_watches(s, r->events[i].r.a))
            s->verdict = i;
    find_cleared(s);
}

/* ---- everything else ---- */

/* Tasks that dealt with an IRP that this one deals with. */
static void show_sharers(struct story *s, int task)
{
    for (size_t i = 0; i < s->record->event_count; i++) {
        if (s->task_of[i] == NO_TASK || s->task_of[i] == task || !s->irp_of[i])
            continue;
        for (size_t k = s->tasks[task].first; k <= s->tasks[task].last; k++)
            if (s->task_of[k] == task && s->irp_of[k] == s->irp_of[i]) {
                show_with_ancestors(s, s->task_of[i]);
                break;
            }
    }
}

static void around_the_end(struct story *s)
{
    int left = LAST_TASKS;
    for (int i = s->task_count; i-- > 0 && left > 0;)
        if (s->tasks[i].kind != TASK_SYSTEM) {
            show_with_ancestors(s, i);
            left--;
        }
}

/* A failure of one agent is often the doing of another that ran shortly before. */
static void around_agent(struct story *s)
{
    const struct record *r = s->record;
    for (size_t i = 0; i < r->event_count; i++)
        if (r->events[i].agent_name == r->failed)
            s->verdict = i;
    for (int i = s->task_count; i-- > 0;)
        if (s->tasks[i].agent == r->failed && !s->tasks[i].ended) {
            show_with_ancestors(s, i);
            show_sharers(s, i);
            around_the_end(s);
            return;
        }
}

void story_of_failure(struct story *s, const struct record *r)
{
    story_build(s, r);
    int failed = failed_request(s);
    if (failed >= 0)
        around_request(s, failed);
    else if (r->outcome.kind == FAILURE_DEADLOCK)
        around_deadlock(s);
    else if (r->failed != NO_NAME)
        around_agent(s);
    if (!any_shown(s))
        around_the_end(s);
    show_consequences(s);
}

/* ---- the other run ---- */

/* A driver's thread is the same in both runs whoever made it. */
static bool is_root(const struct task *t)
{
    return t->parent == NO_TASK || t->kind == TASK_THREAD;
}

static void show_the_same(struct story *s, const struct story *failure)
{
    for (int i = 0; i < failure->task_count; i++) {
        const struct task *t = &failure->tasks[i];
        if (!t->shown || !is_root(t))
            continue;
        if (t->kind == TASK_REQUEST) {
            int q = story_counterpart(s, failure, t->request);
            if (q >= 0)
                s->tasks[s->requests[q].task].shown = true;
            continue;
        }
        for (int k = 0; k < s->task_count; k++)
            if (is_root(&s->tasks[k]) && s->tasks[k].kind == t->kind && strcmp(s->tasks[k].title, t->title) == 0)
                s->tasks[k].shown = true;
    }
}

void story_of_other(struct story *s, const struct record *r, const struct story *failure)
{
    story_build(s, r);
    for (unsigned i = 0; i < failure->watched_count; i++)
        watch(s, failure->watched[i]);
    show_the_same(s, failure);
    show_watched(s);
    int q = failure->victim >= 0 ? story_counterpart(s, failure, failure->victim) : -1;
    if (q >= 0)
        around_request(s, q);
    show_consequences(s);
    if (q >= 0 && s->requests[q].completion != NO_EVENT)
        return;
    s->verdict = 0;
    for (int i = 0; i < s->task_count; i++)
        if (s->tasks[i].shown && s->tasks[i].last > s->verdict)
            s->verdict = s->tasks[i].last;
}
