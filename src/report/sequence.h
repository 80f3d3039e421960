/* A sequence diagram as a model: lifelines, rows from top to bottom, activation boxes that span rows. What it looks like is svg.c's.
 *
 * Made from a story: only shown tasks have rows. The first lifeline is the I/O manager; the others are the drivers that take part, each
 * below those that call it. An agent's boxes form a stack; between its rows other agents may have theirs. */
#ifndef IRPLAB_REPORT_SEQUENCE_H
#define IRPLAB_REPORT_SEQUENCE_H

#include "report/story.h"

enum { SEQ_MAX_LIFELINES = 12, SEQ_IO_MANAGER = 0 };
#define SEQ_NO_BOX SIZE_MAX

enum seq_kind {
    SEQ_GAP, /* another agent goes on */
    SEQ_CALL, /* filled arrow head */
    SEQ_ASYNC, /* open arrow head */
    SEQ_RETURN, /* dashed */
    SEQ_SELF, /* a function calls one of its own driver */
    SEQ_POINT, /* something happens in the innermost box */
    SEQ_BAND, /* something is not shown */
    SEQ_PART, /* from here on the two orders differ */
    SEQ_VERDICT,
};

enum seq_tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_QUIET };

struct seq_row {
    enum seq_kind kind;
    enum seq_tone tone;
    uint32_t agent; /* name */
    int from, to; /* lifelines */
    size_t from_box, to_box;
    char *label, *status, *tip; /* owned; status and tip may be NULL */
    size_t event;
    uint32_t irp; /* id; 0 none */
    bool queue; /* SEQ_POINT: takes something out of a cancel-safe queue, or tries to */
    bool hidden;
};

struct seq_box {
    int lifeline;
    unsigned slot; /* how far to the right: boxes that overlap in time have different ones */
    size_t first, last; /* rows */
    bool ends_on_line; /* with the return that is its last row */
    uint32_t agent;
    enum seq_tone tone;
    const char *name;
};

struct seq_loop {
    size_t first, last; /* rows */
    char *label, *note;
};

struct seq_link {
    size_t from, to; /* rows */
    enum seq_tone tone;
    char *label;
};

struct sequence {
    const char *lifelines[SEQ_MAX_LIFELINES];
    int lifeline_count;
    struct seq_row *rows;
    size_t row_count;
    struct seq_box *boxes;
    size_t box_count;
    struct seq_loop *loops;
    size_t loop_count;
    struct seq_link *links;
    size_t link_count;
};

/* parts_at: the step from which the two orders differ, UINT32_MAX if there is no other one; parting: what is said there. failed: it is
 * the run that failed. */
void sequence_build(struct sequence *q, const struct story *s, uint32_t parts_at, const char *parting, bool failed);
/* Says of what is not shown at the beginning that it is the same in both, if it is. */
void sequence_compare(struct sequence *a, struct sequence *b);
void sequence_free(struct sequence *q);

#endif
