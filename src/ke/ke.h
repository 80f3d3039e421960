/* The kernel core: waits, DPCs, timers, APCs, exceptions, bug checks. Exports keep NT's names; this is the face for siblings. */
#ifndef IRPLAB_KE_KE_H
#define IRPLAB_KE_KE_H

#include "nt/ke.h"
#include "sim/machine.h"

struct thread;

void ke_init(void); /* processors' KPCRs, DPC activities, hooks of sim */

/* Thread part: KTHREAD fields, APC state. Called by ps for a zeroed KTHREAD. */
void ke_thread_init(struct thread *t);
/* Signals the thread object; wakes waiters. */
void ke_thread_signal(struct thread *t);
/* First thing a new thread does, on its own stack. */
void ke_thread_running(struct thread *t);
/* Current thread ends: mutants abandoned, APC queues run down. */
void ke_thread_rundown(struct thread *t);
/* Another thread shall end (t->terminating is set): breaks a UserMode wait with STATUS_THREAD_IS_TERMINATING. */
void ke_thread_terminate(struct thread *t);
/* Signals a process or other notification-like object for good. */
void ke_object_signal(DISPATCHER_HEADER *header);

NTSTATUS KeWaitForSingleObject(PVOID object, ULONG reason, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout);
NTSTATUS KeWaitForMultipleObjects(ULONG count, PVOID *objects, ULONG type, ULONG reason, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout,
                                  KWAIT_BLOCK *blocks);
NTSTATUS KeDelayExecutionThread(ULONG mode, ULONG alertable, LARGE_INTEGER *interval);
void KeInitializeEvent(KEVENT *event, ULONG type, ULONG state);
LONG KeSetEvent(KEVENT *event, LONG increment, ULONG wait);
LONG KeResetEvent(KEVENT *event);
void KeClearEvent(KEVENT *event);

KIRQL KfRaiseIrql(ULONG irql);
void KeLowerIrql(ULONG irql);

/* APCs. */
void KeInitializeApc(KAPC *apc, KTHREAD *thread, ULONG environment, PVOID kernel, PVOID rundown, PVOID normal, ULONG mode, PVOID context);
BOOLEAN KeInsertQueueApc(KAPC *apc, PVOID arg1, PVOID arg2, LONG increment);
/* A special kernel APC whose kernel routine is host code; frame is its NT name. */
void ke_apc_init_host(KAPC *apc, KTHREAD *thread, void (*kernel)(KAPC *apc), uint32_t frame);
/* Delivers what can be delivered to the current thread now. */
void ke_deliver_apcs(void);
bool ke_apc_pending(const struct thread *t);

/* Time. */
uint64_t ke_system_time(void); /* 100 ns since 1601 */
/* Queues host work at a virtual time (used for waits' time-outs and timers). */

/* Raises a status in the guest code that called the current export; does not return. */
_Noreturn void ke_raise_status(NTSTATUS status);
_Noreturn void ke_raise_exception(NTSTATUS code, uint32_t nparams, const uint64_t *params);
_Noreturn void KeBugCheckEx(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4);

/* The bug check of the run, for views. */
struct ke_bugcheck {
    bool happened;
    ULONG code;
    uint64_t p[4];
    struct agent *agent; /* on whose stack */
};
const struct ke_bugcheck *ke_bugcheck_info(void);
/* Stops the run because the images want something that is not there. */
_Noreturn void ke_unsupported(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
