/* A recording of one run: its events, with what only exists while the run stands still (stacks, !irp, names of routines) taken at the
 * moments that reports show. Made by running a schedule again with a recorder as sink.
 *
 * A record owns all its texts; names of functions and modules are interned, so that two equal ones are one pointer. */
#ifndef IRPLAB_REPORT_RECORD_H
#define IRPLAB_REPORT_RECORD_H

#include "explore/explore.h"
#include "session/session.h"
#include "trace/trace.h"

/* Kinds beside those of the trace: calls that drivers make to some exports (record_calls.c has the list). The event's text is the
 * export's name, a to d are the first four arguments. The return's a is the index of the call's event, d the result. */
enum { RECORD_CALL = TRACE_KIND_COUNT, RECORD_RETURN };

enum { NO_NAME = 0xFFFFFFFFu, NO_SIGNAL = -0x7FFFFFFF };

enum frame_side { SIDE_USER, SIDE_KERNEL /* ours */, SIDE_DRIVER };

struct record_frame {
    const char *module, *function; /* function without offset; "" if the image has no symbols */
    uint64_t sp; /* tells two activations of one function apart */
    enum frame_side side;
};

struct record_event {
    struct trace_record r;
    char *text; /* of the trace; for IRPs what they ask for ("IRP_MN_SET_POWER (D3)"); for calls the export */
    char *stack, *irp; /* `k` and `!irp` at that moment, for completions with an error; or NULL */
    const char *module, *target; /* the routine that the event is about (dispatch, work, completion, DPC), or NULL */
    bool ours; /* the routine is of a driver of ours */
    int32_t signal; /* SignalState of the object before a call, NO_SIGNAL if it has none */
    bool user_request; /* a completion of a request that came from user mode */
    bool by_program; /* in a thread of a program */
    uint32_t agent_name; /* index in names */
    uint32_t step; /* number of the choice in the schedule during which it happened */
    size_t chain, chain_length; /* the agent's stack: frames, outermost first */
};

struct record_switch {
    uint32_t step;
    uint32_t from, to; /* names; from may be NO_NAME at the start */
    bool preemption;
    char *where; /* how `from` stopped, after its name: "waits for a work item", "stops at usbvideo!PowerDownDevice+0x10 before …" */
};

/* Who still waits at the end. */
struct record_wait {
    uint32_t who;
    char *what; /* "event wakeup!PostedEvent" */
    char *where; /* "wakeup!WaitForPost+0x41", or "" */
    uint64_t since_100ns, object;
    char *stack; /* `k` */
    bool program;
};

/* The last choice that could have avoided the failure. */
struct record_turn {
    bool known;
    uint32_t step, ran, instead; /* names */
    char *ran_where, *instead_where;
};

struct record {
    struct record_event *events;
    size_t event_count, event_room;
    struct record_frame *frames;
    size_t frame_count, frame_room;
    char **names; /* of agents */
    uint64_t *name_keys; /* stable ids */
    size_t name_count;
    struct record_switch *switches;
    size_t switch_count, switch_room;
    struct record_wait *waits;
    size_t wait_count;
    struct record_turn turn;
    struct outcome outcome;
    uint64_t run_hash;
    uint32_t program_exit;
    bool program_ended;
    uint32_t failed; /* name of who failed (bug check, crash), NO_NAME otherwise */
    char *blocked; /* what a deadlock left: threads, IRPs, APCs; or NULL */
    char *failure; /* bug check screen or crash with `k`, or NULL */
    size_t victim; /* index of the completion event of the request that failed, SIZE_MAX if there is none */
    void *interned;
};

/* What is known of the schedule's turning point: its index, and the run that takes the other way there. */
struct record_turning {
    size_t index;
    const struct explore_schedule *passing;
};

/* Runs the schedule on the machine and records. turning may be NULL. */
struct record *record_run(const struct explore_machine *machine, const struct explore_schedule *schedule, const struct record_turning *turning);
void record_free(struct record *r);

const char *record_name(const struct record *r, uint32_t name);
/* The innermost driver frame of an event's chain; NULL. */
const struct record_frame *record_driver_frame(const struct record *r, const struct record_event *e);
const char *record_kind_text(unsigned kind);

#endif
