/* Recording a run; see record.h. The recorder is a sink: it reads the machine, never changes it. */
#include "report/record_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kd/kd.h"
#include "nt/io.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "session/explorable.h"
#include "sim/machine.h"

static struct record *recording; /* the sink has no other way to reach it while the machine runs */
static uint32_t current_step;

static void *grow(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 256;
    list = realloc(list, *room * size);
    IR_ASSERT(list);
    return list;
}

static bool is_program(const struct agent *a)
{
    const struct thread *t = a && a->kind == AGENT_THREAD ? a->thread : NULL;
    return t && t->process && t->process != ps_system();
}

struct record_event *record_append(struct record *rec)
{
    rec->events = grow(rec->events, rec->event_count, &rec->event_room, sizeof *rec->events);
    struct record_event *e = &rec->events[rec->event_count++];
    const struct agent *a = MACHINE->fiber;
    memset(e, 0, sizeof *e);
    e->signal = NO_SIGNAL;
    e->step = current_step;
    e->agent_name = a ? record_agent_name(rec, a) : NO_NAME;
    e->by_program = is_program(a);
    e->r.time_100ns = MACHINE->clock_100ns;
    return e;
}

static bool is_user_request(const IRP *irp)
{
    return irp->RequestorMode == UserMode && irp->Tail.Overlay.OriginalFileObject;
}

static char *irp_text(const void *irp)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    IR_ASSERT(f);
    kd_print_irp(f, irp);
    kd_print_wdf_log(f, NULL);
    kd_print_wdf_stack_refusal(f, irp);
    fclose(f);
    return text;
}

static void on_event(void *ctx, const struct trace_record *r)
{
    struct record *rec = recording;
    struct record_event *e = record_append(rec);
    e->r = *r;
    e->r.text = NULL;
    if (r->text) {
        e->text = r->kind == TRACE_CONSOLE ? strndup(r->text, r->a) : strdup(r->text);
        IR_ASSERT(e->text);
    }
    record_describe(rec, e);
    if (r->kind == TRACE_IRP_COMPLETE) {
        IRP *irp = (IRP *)r->a;
        e->user_request = is_user_request(irp);
        if (NT_ERROR(irp->IoStatus.Status) && e->user_request) {
            e->stack = record_stack_text(MACHINE->fiber);
            e->irp = irp_text(irp);
        }
    }
}

static void note_switch(struct record *rec, const struct agent *from, const struct agent *to, bool preemption)
{
    rec->switches = grow(rec->switches, rec->switch_count, &rec->switch_room, sizeof *rec->switches);
    struct record_switch *s = &rec->switches[rec->switch_count++];
    *s = (struct record_switch) { .step = current_step, .from = NO_NAME, .to = record_agent_name(rec, to), .preemption = preemption };
    if (!from)
        return;
    char where[400];
    s->from = record_agent_name(rec, from);
    record_place_text(from, where, sizeof where);
    s->where = strdup(where);
    IR_ASSERT(s->where);
}

static const struct agent *agent_with(uint32_t id)
{
    const struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->agent_count; i++)
        if (m->agents[i] && m->agents[i]->state != AGENT_DEAD && explorable_agent_id(m->agents[i]) == id)
            return m->agents[i];
    return NULL;
}

static char *place(const struct agent *a)
{
    char text[400];
    record_place_text(a, text, sizeof text);
    const char *stops = "stops at ";
    char *copy = strdup(strncmp(text, stops, strlen(stops)) == 0 ? text + strlen("stops ") : text);
    IR_ASSERT(copy);
    return copy;
}

static void note_turn(struct record *rec, uint32_t chosen, const struct explore_schedule *passing)
{
    const struct agent *ran = agent_with(chosen), *instead = current_step < passing->count ? agent_with(passing->choices[current_step].agent) : NULL;
    if (!ran || !instead)
        return;
    rec->turn = (struct record_turn) { true, current_step, record_agent_name(rec, ran), record_agent_name(rec, instead), place(ran), place(instead) };
}

/* The request of the program that went wrong: the last one that failed, of a kind that also succeeded if there is one. */
static size_t find_victim(const struct record *rec)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < rec->event_count; i++)
        if (rec->events[i].irp) {
            for (size_t j = 0; j < rec->event_count; j++) {
                const struct record_event *o = &rec->events[j];
                if (o->r.kind == TRACE_IRP_COMPLETE && !o->irp && o->r.c == rec->events[i].r.c && !NT_ERROR((NTSTATUS)o->r.b))
                    return i;
            }
            last = i;
        }
    return last;
}

/* The schedule's choices as far as they can be made, then whoever comes first. */
static void run(struct record *rec, const struct explore_machine *machine, const struct explore_schedule *schedule, const struct record_turning *turning)
{
    struct explore_point p;
    struct explore_event ev;
    machine->reset(machine->context);
    for (current_step = 0; machine->point(machine->context, &p) == EXPLORE_RUNNING; current_step++) {
        uint32_t agent = p.enabled[0].id, alternative = 0;
        if (current_step < schedule->count) {
            agent = schedule->choices[current_step].agent;
            alternative = schedule->choices[current_step].alternative;
        }
        bool possible = false;
        for (unsigned k = 0; k < p.enabled_count; k++)
            possible |= p.enabled[k].id == agent;
        if (!possible)
            agent = p.enabled[0].id;
        if (turning && turning->index == current_step)
            note_turn(rec, agent, turning->passing);
        if (agent != p.running)
            note_switch(rec, p.running == EXPLORE_NO_AGENT ? NULL : agent_with(p.running), agent_with(agent), p.running_can_go_on);
        machine->step(machine->context, agent, alternative, &ev);
    }
}

static void note_end(struct record *rec)
{
    const struct session *s = session_state();
    const struct agent *failed = kd_failed_agent();
    session_outcome(&rec->outcome);
    rec->run_hash = session_run_hash();
    rec->program_ended = s->program_ended;
    rec->program_exit = s->program_exit;
    rec->failed = failed ? record_agent_name(rec, failed) : NO_NAME;
    rec->failure = failed ? record_failure_text() : NULL;
    if (rec->outcome.kind == FAILURE_DEADLOCK)
        record_waits(rec);
    if (rec->outcome.kind == FAILURE_DEADLOCK || rec->outcome.kind == FAILURE_HANG)
        rec->blocked = record_blocked_text();
    rec->victim = find_victim(rec);
}

struct record *record_run(const struct explore_machine *machine, const struct explore_schedule *schedule, const struct record_turning *turning)
{
    struct record *rec = calloc(1, sizeof *rec);
    IR_ASSERT(rec);
    recording = rec;
    trace_sink_add(on_event, rec, TRACE_ALL);
    trace_hash_enable(true);
    record_calls_begin(rec);
    run(rec, machine, schedule, turning);
    note_end(rec);
    record_calls_end();
    trace_sink_remove(on_event, rec);
    trace_hash_enable(false);
    recording = NULL;
    return rec;
}

void record_free(struct record *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->event_count; i++) {
        free(r->events[i].text);
        free(r->events[i].stack);
        free(r->events[i].irp);
    }
    for (size_t i = 0; i < r->name_count; i++)
        free(r->names[i]);
    for (size_t i = 0; i < r->switch_count; i++)
        free(r->switches[i].where);
    for (size_t i = 0; i < r->wait_count; i++) {
        free(r->waits[i].what);
        free(r->waits[i].where);
        free(r->waits[i].stack);
    }
    free(r->turn.ran_where);
    free(r->turn.instead_where);
    free(r->events);
    free(r->frames);
    free(r->names);
    free(r->name_keys);
    free(r->switches);
    free(r->waits);
    free(r->failure);
    free(r->blocked);
    record_interned_free(r);
    free(r);
}

const char *record_name(const struct record *r, uint32_t name)
{
    return name < r->name_count ? r->names[name] : "-";
}

const struct record_frame *record_driver_frame(const struct record *r, const struct record_event *e)
{
    for (size_t i = e->chain_length; i-- > 0;)
        if (r->frames[e->chain + i].side == SIDE_DRIVER)
            return &r->frames[e->chain + i];
    return NULL;
}

const char *record_kind_text(unsigned kind)
{
    return kind == RECORD_CALL ? "calls" : kind == RECORD_RETURN ? "returns" : trace_kind_text((enum trace_kind)kind);
}
