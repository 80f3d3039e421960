/* What stands behind include/irplab/irplab.h: a run, an exploration or a replay, from options to result, in this process. The command line
 * uses these parts directly; the public face runs them in a process of their own (worker.c). */
#ifndef IRPLAB_LAB_LAB_H
#define IRPLAB_LAB_LAB_H

#include "explore/explore.h"
#include "irplab/irplab.h"
#include "report/record.h"
#include "session/session.h"

/* What only explorations ask for. */
struct lab_search {
    const char *strategy; /* NULL: auto */
    int32_t preemptions; /* -1: not given */
    int32_t delays; /* -1: not given */
    unsigned depth; /* of pct; 0: not given */
    int64_t schedules; /* -1: not given */
    double seconds; /* < 0: not given */
    int jobs;
    bool keep_going;
    void *target; /* what a state file or a queue needs to know of what is searched (campaign.c); of the process */
    size_t target_size;
    const char *schedule; /* run: one line of text; NULL: by default choices */
    char state[CONFIG_PATH]; /* file that the search is kept in; "" = none */
    char resume[CONFIG_PATH]; /* file that it goes on from; "" = none */
    char queue[CONFIG_PATH]; /* URL; "" = none */
};

struct irplab {
    struct config config; /* as given */
    struct config ready; /* what is run: INF files read, drivers at their devices */
    struct lab_search search;
    bool has_target; /* a case or program was given */
    char output[CONFIG_PATH]; /* folder for replay files; "" = the usual one */
    irplab_output *say;
    void *say_user;
    void (*progress)(uint64_t schedules, double seconds); /* called now and then; NULL: nobody looks */
    char error[CONFIG_PATH + 200];
    bool failed; /* the last call did, and error says why */
};

struct lab_failure {
    struct outcome outcome;
    uint64_t times; /* schedules that failed so */
    char *schedule; /* one line of text */
    char *replay; /* absolute path; NULL: none */
    struct record *record;
    struct record *passing; /* the run that takes the other way at the turning point; NULL: none is known */
    unsigned preemptions;
    size_t choices; /* in its schedule */
    char *screen; /* of a run: the failed agent's; or NULL */
    /* The same schedule with guard mode, if that named the cause; NULL text: it did not, or was on already. */
    struct outcome guard_outcome;
    char *guard_text; /* its screen */
};

enum lab_what { LAB_RUN, LAB_EXPLORE, LAB_REPLAY };

struct lab_result {
    enum lab_what what;
    struct explore_result found; /* of runs and replays only the counts */
    char bound[200];
    bool complete;
    const char *why_not; /* not complete, if found.why_not does not say why; or NULL */
    bool idle_timers; /* there were timers or time-outs, and they came only when nobody else could go on */
    size_t race_points; /* pairs of racing instructions that were scheduling points at the end */
    double seconds;
    bool program_ended;
    uint32_t program_exit;
    uint64_t run_hash; /* of the run or replay, or of the first failure */
    bool has_run_hash;
    uint64_t recorded_hash; /* replays: what the file says */
    int exit_status; /* of a run or replay that failed */
    struct lab_failure *failures;
    size_t failure_count;
};

/* Says what was wrong; returns false. */
bool lab_fail(struct irplab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lab_init(struct irplab *lab);
/* Before a run: makes lab->ready, sees that all files are there. */
bool lab_prepare(struct irplab *lab);

/* How an option is written on the command line. */
enum lab_option { LAB_NO_OPTION, LAB_VALUE, LAB_SWITCH };
enum lab_option lab_option(const char *name, bool exploring);

/* Once a process, after lab_prepare where there is one. false and a line in lab->error if the input was wrong; otherwise the result is to be
 * given to lab_result_free. Program output goes through say (lab_output_begin). */
bool lab_run(struct irplab *lab, struct lab_result *out);
/* The run of lab->search.schedule, as a replay's result. */
bool lab_run_schedule(struct irplab *lab, struct lab_result *out);
bool lab_explore(struct irplab *lab, struct lab_result *out);
bool lab_replay(struct irplab *lab, const char *file, struct lab_result *out);
/* Writes the page whole or not at all (NULL: none), and the same as data to json (NULL: nowhere). differs: the run was not the recorded one. */
bool lab_report(struct irplab *lab, const char *file, const char *page, FILE *json, bool *differs);
void lab_result_free(struct lab_result *r);

/* 0, 1, or 2 for an image that could not be used. */
int lab_status(const struct lab_result *r);
/* The document of --json, to be freed. */
char *lab_json(const struct lab_result *r);
/* What the command prints. */
void lab_print(const struct lab_result *r, FILE *to, bool color, bool quiet);

/* What guard mode says of a failure that was found without it, if it says anything. */
void lab_print_guard(const struct lab_failure *f, FILE *to);

/* Program output and debug prints (stream 3) go to say. Runs that begin again say nothing twice. */
void lab_output_begin(irplab_output *say, void *user);
void lab_output_again(void);
void lab_output_end(void);

double lab_now(void);

#endif
