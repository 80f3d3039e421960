/* A recording of one run: its events, with the texts that only exist while the run stands still (stacks, !irp) taken at the
 * moments that reports show. Made by running a schedule again with a recorder as sink. */
#ifndef IRPLAB_REPORT_RECORD_H
#define IRPLAB_REPORT_RECORD_H

#include "explore/explore.h"
#include "session/session.h"
#include "trace/trace.h"

struct record_event {
    struct trace_record r;
    char *text; /* owned; NULL if the event has none */
    char *stack; /* `k` at that moment, or NULL */
    char *irp; /* `!irp` at that moment, or NULL */
    bool user_request; /* an IRP event of a request that a program made */
    uint32_t agent_name; /* index in names */
    uint32_t step; /* number of the choice in the schedule during which it happened */
};

struct record_switch {
    uint32_t step;
    uint32_t from, to; /* names; from may be UINT32_MAX at the start */
    bool preemption;
    char *where; /* where `from` was stopped: "usbvideo!PowerDownDevice+0x10 (before IoQueueWorkItem)" */
};

struct record {
    struct record_event *events;
    size_t event_count, event_room;
    char **names; /* of agents */
    uint64_t *name_keys; /* stable ids */
    size_t name_count;
    struct record_switch *switches;
    size_t switch_count, switch_room;
    struct outcome outcome;
    uint64_t run_hash;
    uint32_t program_exit;
    bool program_ended;
    char *final_stack; /* `k` of the agent that failed (bug check, crash), or NULL */
    size_t victim; /* index of the completion event of the request that failed, SIZE_MAX if there is none */
    char *console; /* program output */
};

/* Runs the schedule on the machine and records. */
struct record *record_run(const struct explore_machine *machine, const struct explore_schedule *schedule);
void record_free(struct record *r);

#endif
