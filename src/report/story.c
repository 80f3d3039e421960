/* From events to tasks, requests and their causes; see story.h. */
#include "report/story.h"

#include <stdlib.h>
#include <string.h>

#include "nt/status.h"
#include "report/story_private.h"

enum { MAX_DEPTH = 64 };

/* What an agent is in while the events go by. */
struct inside {
    int task;
    uint32_t irps[MAX_DEPTH]; /* dispatches under way */
    unsigned depth;
    bool by_stack; /* the task is known only from driver frames on the stack */
    uint32_t requests;
};

struct live_irp {
    uint64_t address;
    uint32_t id;
};

struct builder {
    struct story *s;
    struct inside *agents; /* by name, one more for nobody */
    struct live_irp *live;
    size_t live_count;
};

static void *checked(void *p)
{
    IR_ASSERT(p);
    return p;
}

/* ---- identity of IRPs: an address is used again ---- */

static uint32_t new_irp(struct builder *b, uint64_t address)
{
    struct story *s = b->s;
    uint32_t id = s->irp_count++;
    s->irp_what = checked(realloc(s->irp_what, s->irp_count * sizeof *s->irp_what));
    s->irp_what[id] = NULL;
    for (size_t i = 0; i < b->live_count; i++)
        if (b->live[i].address == address) {
            b->live[i].id = id;
            return id;
        }
    b->live = checked(realloc(b->live, (b->live_count + 1) * sizeof *b->live));
    b->live[b->live_count++] = (struct live_irp) { address, id };
    return id;
}

static uint32_t irp_id(struct builder *b, uint64_t address)
{
    for (size_t i = 0; i < b->live_count; i++)
        if (b->live[i].address == address)
            return b->live[i].id;
    return new_irp(b, address);
}

static uint32_t irp_of_event(struct builder *b, const struct record_event *e)
{
    switch (e->r.kind) {
    case TRACE_IRP_ALLOCATE:
        return new_irp(b, e->r.a);
    case TRACE_IRP_FREE:
    case TRACE_IRP_DISPATCH:
    case TRACE_IRP_DISPATCHED:
    case TRACE_IRP_COMPLETE:
    case TRACE_IRP_COMPLETION_ROUTINE:
    case TRACE_IRP_FINISHED:
    case TRACE_IRP_CANCEL:
    case TRACE_IRP_DISOWNED:
    case TRACE_POWER_REQUEST:
    case TRACE_POWER_DISPATCH:
    case TRACE_POWER_DONE:
        return irp_id(b, e->r.a);
    case TRACE_CSQ_INSERT:
    case TRACE_CSQ_REMOVE:
        return irp_id(b, e->r.b);
    default:
        return 0;
    }
}

/* ---- tasks ---- */

static struct task *open_task(struct builder *b, struct inside *in, enum task_kind kind, size_t event, const char *title)
{
    struct story *s = b->s;
    const struct record_event *e = &s->record->events[event];
    s->tasks = checked(realloc(s->tasks, ((size_t)s->task_count + 1) * sizeof *s->tasks));
    struct task *t = &s->tasks[s->task_count];
    *t = (struct task) { .kind = kind, .agent = e->agent_name, .title = title ? title : "", .first = event, .last = event, .cause = NO_EVENT, .parent = NO_TASK,
                         .request = -1, .irp = s->irp_of[event] };
    in->task = s->task_count++;
    in->depth = 0;
    in->by_stack = false;
    return t;
}

static void caused_by(struct story *s, struct task *t, size_t cause)
{
    t->cause = cause;
    t->parent = cause == NO_EVENT ? NO_TASK : s->task_of[cause];
}

/* The latest event before `before` of a kind whose argument a is this. */
static size_t latest(const struct story *s, size_t before, unsigned kind, uint64_t a)
{
    while (before-- > 0)
        if (s->record->events[before].r.kind == kind && s->record->events[before].r.a == a)
            return before;
    return NO_EVENT;
}

static size_t latest_irp(const struct story *s, size_t before, unsigned kind, uint32_t irp)
{
    while (before-- > 0)
        if (s->record->events[before].r.kind == kind && s->irp_of[before] == irp)
            return before;
    return NO_EVENT;
}

/* A DPC is queued by somebody, or by the expiry of a timer that somebody set. */
static size_t cause_of_dpc(const struct story *s, size_t event)
{
    const struct record_event *events = s->record->events;
    for (size_t i = event; i-- > 0;) {
        if (events[i].r.kind == TRACE_DPC_QUEUE && events[i].r.a == events[event].r.a && s->task_of[i] != NO_TASK)
            return i;
        if (events[i].r.kind == TRACE_TIMER_EXPIRE && events[i].r.b == events[event].r.a)
            return latest(s, i, TRACE_TIMER_SET, events[i].r.a);
    }
    return NO_EVENT;
}

static void open_request(struct builder *b, struct inside *in, size_t event)
{
    struct story *s = b->s;
    const struct record_event *e = &s->record->events[event];
    struct task *t = open_task(b, in, TASK_REQUEST, event, e->text);
    t->request = s->request_count;
    s->requests = checked(realloc(s->requests, ((size_t)s->request_count + 1) * sizeof *s->requests));
    s->requests[s->request_count] = (struct request) { .number = (uint32_t)s->request_count + 1, .agent = e->agent_name, .of_agent = ++in->requests, .what = e->text,
                                                       .irp = s->irp_of[event], .task = in->task, .dispatch = event, .completion = NO_EVENT };
    s->request_count++;
}

/* A thread that a driver made, or the system in a routine of a driver (DriverEntry, AddDevice …). */
static void open_by_stack(struct builder *b, struct inside *in, size_t event)
{
    struct story *s = b->s;
    const struct record *r = s->record;
    const struct record_event *e = &r->events[event];
    const char *routine = NULL;
    for (size_t i = 0; i < e->chain_length && !routine; i++)
        if (r->frames[e->chain + i].side == SIDE_DRIVER)
            routine = r->frames[e->chain + i].function;
    size_t made = NO_EVENT;
    for (size_t i = event; i-- > 0 && made == NO_EVENT;)
        if (r->events[i].r.kind == TRACE_THREAD_CREATE && r->events[i].target == routine && r->events[i].module)
            made = i;
    struct task *t = open_task(b, in, made == NO_EVENT ? TASK_SYSTEM : TASK_THREAD, event, routine);
    caused_by(s, t, made);
    in->by_stack = true;
}

static void maybe_open(struct builder *b, struct inside *in, size_t event)
{
    struct story *s = b->s;
    const struct record_event *e = &s->record->events[event];
    switch (e->r.kind) {
    case TRACE_POWER_DISPATCH:
        caused_by(s, open_task(b, in, TASK_POWER, event, e->text), latest_irp(s, event, TRACE_POWER_REQUEST, s->irp_of[event]));
        break;
    case TRACE_WORK_RUN:
        caused_by(s, open_task(b, in, TASK_WORK, event, e->target), latest(s, event, TRACE_WORK_QUEUE, e->r.a));
        break;
    case TRACE_DPC_RUN:
        caused_by(s, open_task(b, in, TASK_DPC, event, e->target), cause_of_dpc(s, event));
        break;
    case TRACE_INTERRUPT:
        open_task(b, in, TASK_DPC, event, e->target);
        break;
    case TRACE_IRP_DISPATCH:
        if (e->by_program)
            open_request(b, in, event);
        else
            open_task(b, in, TASK_SYSTEM, event, e->text);
        break;
    default:
        if (!e->by_program && e->chain_length && record_driver_frame(s->record, e))
            open_by_stack(b, in, event);
    }
}

/* The dispatch that returns, and those inside it that an exception left. */
static void leave_dispatch(struct inside *in, uint32_t irp)
{
    unsigned depth = in->depth;
    while (depth > 0 && in->irps[depth - 1] != irp)
        depth--;
    if (depth > 0)
        in->depth = depth - 1;
}

static bool ends_task(const struct story *s, struct inside *in, const struct record_event *e, uint32_t irp)
{
    const struct task *t = &s->tasks[in->task];
    switch (e->r.kind) {
    case TRACE_IRP_DISPATCHED:
        leave_dispatch(in, irp);
        return in->depth == 0 && !in->by_stack && (t->kind == TASK_REQUEST || t->kind == TASK_POWER || t->kind == TASK_SYSTEM);
    case TRACE_WORK_DONE:
        return t->kind == TASK_WORK;
    case TRACE_DPC_DONE:
    case TRACE_INTERRUPT_DONE:
        return t->kind == TASK_DPC;
    case TRACE_THREAD_EXIT:
        return true;
    default:
        return false;
    }
}

static void assign(struct builder *b, size_t i)
{
    struct story *s = b->s;
    const struct record *r = s->record;
    const struct record_event *e = &r->events[i];
    struct inside *in = &b->agents[e->agent_name == NO_NAME ? r->name_count : e->agent_name];
    s->irp_of[i] = irp_of_event(b, e);
    s->task_of[i] = NO_TASK;
    if (e->r.kind == TRACE_IRP_DISPATCH && e->text)
        s->irp_what[s->irp_of[i]] = e->text;
    if (e->r.kind == TRACE_POWER_REQUEST && e->text)
        s->irp_what[s->irp_of[i]] = e->text;
    /* A routine of the system has returned when no driver is on the stack any more; a driver's thread lives until it ends. */
    if (in->task != NO_TASK && in->by_stack && s->tasks[in->task].kind == TASK_SYSTEM && e->chain_length && !record_driver_frame(r, e)) {
        s->tasks[in->task].ended = true;
        in->task = NO_TASK;
    }
    if (in->task == NO_TASK && e->agent_name != NO_NAME)
        maybe_open(b, in, i);
    if (in->task == NO_TASK)
        return;
    s->task_of[i] = in->task;
    s->tasks[in->task].last = i;
    if (e->r.kind == TRACE_IRP_DISPATCH && in->depth < MAX_DEPTH)
        in->irps[in->depth++] = s->irp_of[i];
    if (ends_task(s, in, e, s->irp_of[i])) {
        s->tasks[in->task].ended = true;
        in->task = NO_TASK;
    }
}

static void complete_requests(struct story *s)
{
    for (int q = 0; q < s->request_count; q++) {
        struct request *req = &s->requests[q];
        for (size_t i = req->dispatch; i < s->record->event_count; i++) {
            const struct record_event *e = &s->record->events[i];
            if (s->irp_of[i] != req->irp)
                continue;
            if (e->r.kind == TRACE_IRP_COMPLETE) {
                req->completion = i;
                req->status = (NTSTATUS)e->r.b;
            }
            if (e->r.kind == TRACE_IRP_DISPATCHED && s->task_of[i] == req->task && (NTSTATUS)e->r.c == STATUS_PENDING)
                req->pended = true;
        }
    }
}

void story_build(struct story *s, const struct record *r)
{
    memset(s, 0, sizeof *s);
    s->record = r;
    s->victim = -1;
    s->verdict = r->event_count ? r->event_count - 1 : 0;
    s->task_of = checked(calloc(r->event_count + 1, sizeof *s->task_of));
    s->irp_of = checked(calloc(r->event_count + 1, sizeof *s->irp_of));
    s->irp_what = checked(calloc(1, sizeof *s->irp_what));
    s->irp_count = 1; /* 0 is none */
    struct builder b = { .s = s, .agents = checked(calloc(r->name_count + 1, sizeof *b.agents)) };
    for (size_t i = 0; i <= r->name_count; i++)
        b.agents[i].task = NO_TASK;
    for (size_t i = 0; i < r->event_count; i++)
        assign(&b, i);
    complete_requests(s);
    free(b.agents);
    free(b.live);
}

void story_free(struct story *s)
{
    free(s->task_of);
    free(s->irp_of);
    free(s->tasks);
    free(s->requests);
    free(s->irp_what);
    memset(s, 0, sizeof *s);
}

bool story_is_ancestor(const struct story *s, int ancestor, int task)
{
    for (int steps = 0; task != NO_TASK && steps < s->task_count; steps++, task = s->tasks[task].parent)
        if (task == ancestor)
            return true;
    return false;
}

bool story_watches(const struct story *s, uint64_t object)
{
    for (unsigned i = 0; object && i < s->watched_count; i++)
        if (s->watched[i] == object)
            return true;
    return false;
}

const char *story_irp_what(const struct story *s, size_t event)
{
    uint32_t id = s->irp_of[event];
    return id && s->irp_what[id] ? s->irp_what[id] : "IRP";
}

int story_counterpart(const struct story *s, const struct story *other, int request)
{
    const struct request *q = &other->requests[request];
    for (int i = 0; i < s->request_count; i++)
        if (s->requests[i].of_agent == q->of_agent && s->record->name_keys[s->requests[i].agent] == other->record->name_keys[q->agent])
            return i;
    return -1;
}
