/* What happened in a recording, in the terms of its causes.
 *
 * A task is what one agent does for one reason: a request of a program from dispatch to return, a work item, a power IRP, a DPC. It has
 * a cause, an event of another task (the work item was queued, the power IRP was requested), so that tasks are trees; their roots are
 * requests, threads and the system. A request that pends outlives its task: whoever completes it does so in a task of its own.
 *
 * A story only reads its record, which must outlive it. */
#ifndef IRPLAB_REPORT_STORY_H
#define IRPLAB_REPORT_STORY_H

#include "nt/types.h"
#include "report/record.h"

enum { NO_TASK = -1 };
#define NO_EVENT SIZE_MAX

enum task_kind { TASK_REQUEST /* of a program */, TASK_WORK, TASK_POWER, TASK_DPC, TASK_THREAD /* of a driver */, TASK_SYSTEM };

struct task {
    enum task_kind kind;
    uint32_t agent; /* name */
    const char *title; /* "IRP_MJ_CLOSE", "IdleDetectWorkItem" */
    size_t first, last; /* its events lie between, mixed with those of others */
    bool ended;
    size_t cause; /* event, or NO_EVENT */
    int parent; /* task, or NO_TASK */
    int request; /* TASK_REQUEST: index; else -1 */
    uint32_t irp; /* id; 0 none */
    bool shown; /* has to do with the failure */
};

struct request {
    uint32_t number; /* from 1, in order of their start */
    uint32_t agent, of_agent; /* whose, and its how many'th: the same request in another schedule has the same two */
    const char *what;
    uint32_t irp;
    int task;
    size_t dispatch, completion; /* events; NO_EVENT: never completed */
    NTSTATUS status; /* of the completion */
    bool pended;
};

/* Something one task did that another one undid. */
struct undone {
    bool known;
    size_t done, undone; /* events */
    bool foreign; /* the second task was not started because of the first */
};

struct story {
    const struct record *record;
    int *task_of; /* of each event; NO_TASK */
    uint32_t *irp_of; /* of each event: id of the IRP it is about; 0 none */
    struct task *tasks;
    int task_count;
    struct request *requests;
    int request_count;
    const char **irp_what; /* by id: what it asks for; NULL unknown */
    uint32_t irp_count; /* ids are below */
    int victim; /* request that failed, or -1 */
    size_t verdict; /* event with which the run had failed (or, in a passing run, succeeded where the other one failed) */
    struct undone drained; /* an IRP went into a cancel-safe queue and was taken out */
    struct undone answered; /* the same for a driver with a queue of its own: the request was dispatched and was completed by another task */
    struct undone cleared; /* an event was set and cleared, and somebody waits for it for ever */
    uint64_t watched[8]; /* objects that are waited for at the end */
    unsigned watched_count;
};

/* The story of a run that failed. */
void story_of_failure(struct story *s, const struct record *r);
/* The story of another run, with the same requests in its centre. */
void story_of_other(struct story *s, const struct record *r, const struct story *failure);
void story_free(struct story *s);

bool story_is_ancestor(const struct story *s, int ancestor, int task);
bool story_watches(const struct story *s, uint64_t object);
/* "IRP_MJ_CREATE" of the IRP that an event is about; "IRP" if unknown. */
const char *story_irp_what(const struct story *s, size_t event);
/* The request in one story that is the same as one in another; -1. */
int story_counterpart(const struct story *s, const struct story *other, int request);
/* The name of the process that the run's program had ("camera.exe"); "the program" if there is none. */
void story_program(const struct story *s, char *out, size_t size);
/* One sentence: what failed. */
char *story_sentence(const struct story *s);
/* How it came about: the steps as lines, each ended by '\n'; NULL if there is nothing to tell. */
char *story_steps(const struct story *s);

#endif
