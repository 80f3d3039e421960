/* What an exploration found, in the formats that continuous-integration servers read. */
#ifndef IRPLAB_REPORT_CI_H
#define IRPLAB_REPORT_CI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct record;

struct ci_failure {
    const char *kind; /* bugcheck, verifier, … */
    const char *name, *message;
    uint32_t code;
    uint64_t key; /* equal for failures of one cause, in this and in later builds of the same sources as far as names allow */
    const char *replay; /* path, or NULL */
    const char *report; /* the text report */
    const struct record *record; /* for the stack; may be NULL */
};

struct ci_result {
    const char *name; /* of the case or program */
    const char *file; /* that tells what is run: the case's description, or the program; relative to the current folder where it lies below; NULL: unknown */
    const char *bound;
    const char *version; /* irplab's */
    uint64_t schedules, failing;
    bool complete;
    double seconds;
    const struct ci_failure *failures;
    size_t failure_count;
};

/* One test suite: a test case for each failure, or one that passed. Text is UTF-8; what XML cannot hold is replaced by '?'. */
void ci_junit(FILE *out, const struct ci_result *r);
/* SARIF 2.1.0: a rule for each kind, a result for each failure with its stack. */
void ci_sarif(FILE *out, const struct ci_result *r);

#endif
