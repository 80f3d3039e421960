/* Views as a WinDbg user knows them: text over the machine's state, which stays const. The machine stands still (between steps, in a
 * sink, after the run). */
#ifndef IRPLAB_KD_KD_H
#define IRPLAB_KD_KD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct agent;
struct thread;

struct kd_frame {
    uint64_t child_sp, return_address;
    uint64_t pc; /* where this frame is */
    char site[256]; /* "usbvideo!USBVideoSetPower+0x63" */
};

/* False: no frame of the agent's stack is in [base, base + size), kernel memory. Much cheaper than a walk; true may be wrong. */
bool kd_stack_may_have(const struct agent *a, uint64_t base, uint64_t size);
/* Where the frames of its stack are, innermost first; names nothing. */
size_t kd_stack_addresses(const struct agent *a, uint64_t *frames, size_t max);
/* The stack of an agent, innermost frame first; returns the number of frames. An agent that never ran has none. */
size_t kd_stack_walk(const struct agent *a, struct kd_frame *frames, size_t max);
/* `k`: title, then a line a frame. */
void kd_print_k(FILE *out, const struct agent *a);
/* `!irp address`. */
void kd_print_irp(FILE *out, const void *irp);
/* `!thread address`; stack: with what `!thread` prints below it. */
void kd_print_thread(FILE *out, const struct thread *t, bool stack);
/* `!apc`: everything that is queued. */
void kd_print_apc(FILE *out);
bool kd_has_apcs(void);
/* One line for lists of switches: the innermost frame in an image that is not ours, and the kernel function it called. */
void kd_where(const struct agent *a, char *text, size_t size);
/* On whose stack the run failed; NULL if the failure has no stack. */
const struct agent *kd_failed_agent(void);
/* The bug-check screen, or the crash, with `k`; nothing for other ends. */
void kd_print_failure(FILE *out);
/* Of a run in which nobody can go on: `!thread` of the programs' waiting threads, `!irp` of what they have under way and of what is in
 * nobody's list, `!apc`. */
void kd_print_blocked(FILE *out);
/* `!wdfkd.wdflogdump`: the framework's in-flight recorder of a KMDF driver ("echo"; NULL: all bound ones), oldest record first. Returns how
 * many drivers were shown. */
int kd_print_wdf_log(FILE *out, const char *driver);
/* The newest error record of all bound drivers, as a line without the driver's name; false: there is none. */
bool kd_wdf_last_error(char *line, size_t size);
/* Whether records are wanted as they are made (process-wide, set before a run), and the line of one: event TRACE_WPP. False: it is not ours. */
extern bool kd_wdf_log_live;
struct trace_record;
bool kd_wdf_log_line(const struct trace_record *e, char *line, size_t size);
/* The last request that had too few stack locations for its I/O target, and how many are missing; nothing if there was none, or another one
 * than that of the IRP (NULL: any). */
void kd_print_wdf_stack_refusal(FILE *out, const void *irp);
/* 64-bit address as WinDbg writes it: fffff804`0fa1c2b3. Returns buf. */
const char *kd_address(uint64_t a, char buf[18]);

#endif
