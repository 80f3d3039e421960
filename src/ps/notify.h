/* What drivers are told of processes, threads and images (PsSetCreateProcessNotifyRoutine and its like). Private to ps and those
 * that create processes. All may call guest code; the caller is a thread at PASSIVE_LEVEL in the kernel and holds nothing. */
#ifndef IRPLAB_PS_NOTIFY_H
#define IRPLAB_PS_NOTIFY_H

#include "ps/ps.h"

struct image;

/* A process is there, its first thread does not run yet. Told once. Returns what a routine has put into CreationStatus: a failure
 * means that the process is not to start. command_line may be NULL; it is the guest's. */
NTSTATUS ps_notify_process_begin(struct process *p, struct process *parent, const UNICODE_STRING *command_line);
/* Its last thread ends, in that thread. */
void ps_notify_process_end(struct process *p);
/* In the creator before it runs, in the thread itself when it ends. */
void ps_notify_thread(struct thread *t, bool begins);
/* An image was mapped; p is the System process for drivers. */
void ps_notify_image(const struct image *image, struct process *p);
/* Whether a routine is registered that lies in this range: its image is about to go. */
bool ps_notify_left_in(uint64_t base, uint64_t size, uint64_t *routine);
/* By the first thread of a program when it begins: what its creator has not told yet, and the images of every process. */
void ps_notify_program_begin(struct thread *t);

#endif
