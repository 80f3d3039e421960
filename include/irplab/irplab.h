/* irplab as a library: what the command line stands on, for tests and tools that want to run drivers from C.
 *
 *     struct irplab *lab = irplab_new();
 *     if (irplab_set(lab, "driver", "toaster.sys") && irplab_program(lab, "toast.exe", 0, NULL)) {
 *         struct irplab_result *r = irplab_explore(lab);
 *         if (r)
 *             puts(irplab_json(r));
 *         irplab_result_free(r);
 *     }
 *     if (irplab_error(lab))
 *         fprintf(stderr, "%s\n", irplab_error(lab));
 *     irplab_free(lab);
 *
 * There is one machine to a process, at fixed addresses: a call that runs guests may be made as often as wanted, by one thread, and
 * the signal handlers for faults stay installed. Strings that are returned belong to the object they come from. Link with
 * libirplab.a and the libraries that `pkg-config --libs irplab` names. */
#ifndef IRPLAB_H
#define IRPLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what is to be run ---- */

/* Two processors, Windows 10, time model idle, no drivers. Freed with irplab_free. */
struct irplab;
struct irplab *irplab_new(void);
void irplab_free(struct irplab *lab);

/* One line that says what was wrong with the last call that failed, naming file or option; NULL after a call that did not. */
const char *irplab_error(const struct irplab *lab);

/* A case: a folder with irplab.yaml. It replaces what was set before; irplab_set may change it afterwards. */
bool irplab_case(struct irplab *lab, const char *folder);
/* The program and its arguments, without its own name. NULL: drivers are only loaded, started and unloaded. */
bool irplab_program(struct irplab *lab, const char *file, int argc, const char *const argv[]);
/* An option of the command line by its name without dashes: driver, inf, device, stub, cpus, time-model, input, seed, watch, verifier, guard
 * (value NULL), strategy, preemptions, schedules, time, jobs, keep-going (value NULL), output. driver, device and stub add, the others replace. */
bool irplab_set(struct irplab *lab, const char *option, const char *value);

/* What programs and DbgPrint write, as they do; stream: 1 standard output, 2 standard error, 3 the debugger. Called on the machine's
 * own stacks: it may write and copy, not call back into irplab. NULL (default): programs write to ours, the debugger's text is dropped. */
typedef void irplab_output(void *user, int stream, const char *text, size_t bytes);
void irplab_on_output(struct irplab *lab, irplab_output *fn, void *user);

/* ---- running ---- */

/* NULL if the input was wrong: see irplab_error. Findings are results. Freed with irplab_result_free. */
struct irplab_result;
/* One run, by default choices. */
struct irplab_result *irplab_run(struct irplab *lab);
/* Every schedule that matters within the bounds; the first failure is made small, confirmed and written to a replay file. */
struct irplab_result *irplab_explore(struct irplab *lab);
/* The schedule in a replay file again. What was set in lab does not matter, but for the output. */
struct irplab_result *irplab_replay(struct irplab *lab, const char *file);
/* One page about a replay file; written whole or not at all. */
bool irplab_report(struct irplab *lab, const char *replay_file, const char *html_file);

/* ---- what came of it ---- */

/* As the command line's exit status: 0 no failure, 1 a failure was found. */
int irplab_status(const struct irplab_result *r);
/* The document that --json prints. */
const char *irplab_json(const struct irplab_result *r);
/* The report that the command prints: failure, k, !irp, switches. Nothing for a run without failure. */
void irplab_print(const struct irplab_result *r, FILE *to, bool color);

uint64_t irplab_schedules(const struct irplab_result *r);
bool irplab_complete(const struct irplab_result *r);
/* Hash of all that the guests could see; 0 for explorations without failure. */
uint64_t irplab_run_hash(const struct irplab_result *r);

struct irplab_failure {
    const char *kind; /* bugcheck, verifier, deadlock, hang, crash or exit */
    uint32_t code; /* of the bug check, the exception, or the exit code */
    const char *name, *message;
    const char *replay; /* absolute path, or NULL */
};
size_t irplab_failure_count(const struct irplab_result *r);
/* i below irplab_failure_count. */
struct irplab_failure irplab_failure(const struct irplab_result *r, size_t i);

void irplab_result_free(struct irplab_result *r);

#ifdef __cplusplus
}
#endif

#endif
