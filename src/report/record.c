/* Recording a run; see record.h. The recorder is a sink: it reads the machine, never changes it. */
#include "report/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kd/kd.h"
#include "nt/io.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/image.h"
#include "sim/machine.h"

static struct record *recording; /* the sink has no other way to reach it while the machine runs */
static uint32_t current_step;

static char *copy(const char *text)
{
    char *c = strdup(text);
    IR_ASSERT(c);
    return c;
}

static void name_of(const struct agent *a, char *out, size_t size)
{
    if (a->kind == AGENT_DPC) {
        snprintf(out, size, "DPC on processor %u", a->processor->number);
        return;
    }
    if (a->kind == AGENT_CLOCK) {
        snprintf(out, size, "the clock");
        return;
    }
    const struct thread *t = a->thread;
    if (!t || !t->process)
        snprintf(out, size, "thread %u", a->id);
    else if (t->process != ps_system())
        snprintf(out, size, "%s:%llx", t->process->name, (unsigned long long)(t->ethread ? (uint64_t)t->ethread->Cid.UniqueThread : 0));
    else if (t->name)
        snprintf(out, size, "%s", t->name);
    else
        image_symbol_text((uint64_t)t->start, out, size);
}

static uint32_t agent_name(struct record *rec, const struct agent *a)
{
    for (size_t i = 0; i < rec->name_count; i++)
        if (rec->name_keys[i] == a->stable_id)
            return (uint32_t)i;
    char text[200];
    name_of(a, text, sizeof text);
    rec->names = realloc(rec->names, (rec->name_count + 1) * sizeof *rec->names);
    rec->name_keys = realloc(rec->name_keys, (rec->name_count + 1) * sizeof *rec->name_keys);
    IR_ASSERT(rec->names && rec->name_keys);
    rec->names[rec->name_count] = copy(text);
    rec->name_keys[rec->name_count] = a->stable_id;
    return (uint32_t)rec->name_count++;
}

static char *text_from(void (*print)(FILE *, const void *), const void *arg)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    IR_ASSERT(f);
    print(f, arg);
    fclose(f);
    return text;
}

static void print_stack(FILE *f, const void *agent)
{
    kd_print_k(f, agent);
}

static void print_irp(FILE *f, const void *irp)
{
    kd_print_irp(f, irp);
}

static bool is_user_request(const IRP *irp)
{
    return irp->RequestorMode == UserMode && irp->Tail.Overlay.OriginalFileObject;
}

static void on_event(void *ctx, const struct trace_record *r)
{
    struct record *rec = recording;
    if (rec->event_count == rec->event_room) {
        rec->event_room = rec->event_room ? rec->event_room * 2 : 1024;
        rec->events = realloc(rec->events, rec->event_room * sizeof *rec->events);
        IR_ASSERT(rec->events);
    }
    struct record_event *e = &rec->events[rec->event_count++];
    memset(e, 0, sizeof *e);
    e->r = *r;
    e->r.text = NULL;
    e->step = current_step;
    e->agent_name = MACHINE->fiber ? agent_name(rec, MACHINE->fiber) : UINT32_MAX;
    if (r->text)
        e->text = r->kind == TRACE_CONSOLE ? strndup(r->text, r->a) : copy(r->text);
    if (r->kind == TRACE_IRP_COMPLETE) {
        IRP *irp = (IRP *)r->a;
        e->user_request = is_user_request(irp);
        if (NT_ERROR(irp->IoStatus.Status) && e->user_request) {
            e->stack = text_from(print_stack, MACHINE->fiber);
            e->irp = text_from(print_irp, irp);
        }
    }
}

static void note_switch(struct record *rec, const struct agent *from, const struct agent *to, bool preemption)
{
    if (rec->switch_count == rec->switch_room) {
        rec->switch_room = rec->switch_room ? rec->switch_room * 2 : 64;
        rec->switches = realloc(rec->switches, rec->switch_room * sizeof *rec->switches);
        IR_ASSERT(rec->switches);
    }
    struct record_switch *s = &rec->switches[rec->switch_count++];
    s->step = current_step;
    s->from = from ? agent_name(rec, from) : UINT32_MAX;
    s->to = agent_name(rec, to);
    s->preemption = preemption;
    s->where = NULL;
    if (from) {
        char where[300];
        kd_where(from, where, sizeof where);
        s->where = copy(where);
    }
}

static const struct agent *agent_with(uint32_t id)
{
    extern uint32_t explorable_agent_id(const struct agent *a);
    const struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->agent_count; i++)
        if (explorable_agent_id(m->agents[i]) == id)
            return m->agents[i];
    return NULL;
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

struct record *record_run(const struct explore_machine *machine, const struct explore_schedule *schedule)
{
    struct record *rec = calloc(1, sizeof *rec);
    IR_ASSERT(rec);
    recording = rec;
    current_step = 0;
    trace_sink_add(on_event, rec);
    trace_hash_enable(true);
    machine->reset(machine->context);
    struct explore_point p;
    struct explore_event ev;
    enum explore_status status;
    size_t i = 0;
    while ((status = machine->point(machine->context, &p)) == EXPLORE_RUNNING) {
        uint32_t agent = p.enabled[0].id, alternative = 0;
        if (i < schedule->count) {
            agent = schedule->choices[i].agent;
            alternative = schedule->choices[i].alternative;
        }
        bool possible = false;
        for (unsigned k = 0; k < p.enabled_count; k++)
            possible |= p.enabled[k].id == agent;
        if (!possible)
            agent = p.enabled[0].id;
        if (agent != p.running)
            note_switch(rec, p.running == EXPLORE_NO_AGENT ? NULL : agent_with(p.running), agent_with(agent), p.running_can_go_on);
        machine->step(machine->context, agent, alternative, &ev);
        i++;
        current_step++;
    }
    session_outcome(&rec->outcome);
    rec->run_hash = session_run_hash();
    const struct session *s = session_state();
    rec->program_ended = s->program_ended;
    rec->program_exit = s->program_exit;
    const struct agent *failed = kd_failed_agent();
    if (failed)
        rec->final_stack = text_from(print_stack, failed);
    rec->victim = find_victim(rec);
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
    free(r->events);
    free(r->names);
    free(r->name_keys);
    free(r->switches);
    free(r->final_stack);
    free(r->console);
    free(r);
}
