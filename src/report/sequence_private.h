/* Between sequence.c (events to rows) and sequence_model.c (rows, boxes, what is derived from them). */
#ifndef IRPLAB_REPORT_SEQUENCE_PRIVATE_H
#define IRPLAB_REPORT_SEQUENCE_PRIVATE_H

#include "report/sequence.h"

enum { SEQ_MAX_ACTS = 64 };

enum act_kind {
    ACT_ROOT, /* the I/O manager on behalf of a task */
    ACT_DISPATCH, /* a driver's dispatch routine; closed by its return, which is an event */
    ACT_ROUTINE, /* a driver's function */
    ACT_COMPLETE, /* the I/O manager in IoCompleteRequest */
    ACT_CALL, /* the I/O manager in another call of which the return is shown */
};

/* An open activation of an agent. */
struct act {
    enum act_kind kind;
    size_t box;
    int lifeline;
    const char *function;
    uint64_t sp; /* of its frame; 0 until it has been seen on the stack */
    uint32_t irp;
    bool ours; /* a driver of ours: it has no frames on the stack */
};

struct seq_agent {
    struct act acts[SEQ_MAX_ACTS];
    unsigned count;
    size_t last_row; /* the last row that it made; SEQ_NO_BOX none */
};

struct seq_builder {
    struct sequence *q;
    const struct story *s;
    const struct record *r;
    struct seq_agent *agents; /* by name */
    uint32_t last_agent;
    uint64_t last_time;
    int *skipped; /* tasks left out since the last row */
    int skipped_count;
    bool any; /* a row of an event exists */
    const char *power_callback; /* of the PoRequestPowerIrp under way */
};

__attribute__((format(printf, 1, 2))) char *seq_text(const char *format, ...);

struct seq_row *seq_row_add(struct seq_builder *b, enum seq_kind kind, size_t event);
/* Opens a box that starts with the row that was added last. Returns its index. */
size_t seq_box_open(struct seq_builder *b, uint32_t agent, int lifeline, const char *name);
void seq_box_close(struct seq_builder *b, const struct act *a, size_t last, bool on_line);
struct act *seq_push(struct seq_builder *b, uint32_t agent, enum act_kind kind, int lifeline, const char *function);
int seq_lifeline(const struct sequence *q, const char *module);
void seq_lifelines(struct seq_builder *b);
void seq_band(struct seq_builder *b);
void seq_loops(struct sequence *q, const struct story *s);
void seq_elide(struct sequence *q, size_t first, size_t last, char *label);
void seq_shorten(struct sequence *q);
void seq_link_add(struct sequence *q, size_t from_event, size_t to_event, enum seq_tone tone, char *label);

#endif
