/* Between record.c and its helpers. They run inside a sink: they read the machine and never change it. */
#ifndef IRPLAB_REPORT_RECORD_PRIVATE_H
#define IRPLAB_REPORT_RECORD_PRIVATE_H

#include "report/record.h"

struct agent;

/* record_names.c: texts that stand for addresses and agents. */
const char *record_intern(struct record *r, const char *text);
void record_interned_free(struct record *r);
/* Module and function at a code address. */
void record_symbol(struct record *r, uint64_t address, const char **module, const char **function);
uint32_t record_agent_name(struct record *r, const struct agent *a);
void record_chain(struct record *r, const struct agent *a, struct record_event *e);
void record_object_text(uint64_t object, const char *why, char *out, size_t size);
/* How an agent stopped, or where it stands. */
void record_place_text(const struct agent *a, char *out, size_t size);
char *record_stack_text(const struct agent *a);
char *record_failure_text(void);
char *record_blocked_text(void);
void record_waits(struct record *r);

/* record_events.c: what the arguments of an event mean. */
void record_describe(struct record *r, struct record_event *e);

/* record_calls.c: calls of drivers, through the door's hook. begin and end bracket a run. */
struct record_event *record_append(struct record *r); /* of record.c: zeroed, with agent, time, step and sequence filled in */
void record_calls_begin(struct record *r);
void record_calls_end(void);

#endif
