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
/* On the way back to user mode: bug checks 0x4A and 0x1 if a driver has left the thread with a raised IRQL, attached, or with APCs
 * disabled. service: an address in the system service. */
void ke_user_return_check(const struct thread *t, uint64_t service);
/* First thing of the end: bug check 0x20 if the thread has APCs disabled or a raised IRQL. */
void ke_thread_exit_check(const struct thread *t);
/* Current thread ends: mutants abandoned, APC queues run down. */
void ke_thread_rundown(struct thread *t);
/* Another thread shall end (t->terminating is set): a UserMode wait, present or next, ends with STATUS_USER_APC. */
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
LONG KeReadStateEvent(KEVENT *event);
LONG KePulseEvent(KEVENT *event, LONG increment, ULONG wait);
/* Signalling exports end with a scheduling point if they woke somebody; ke_event_set does not. */
LONG ke_event_set(KEVENT *event);
void KeInitializeSemaphore(KSEMAPHORE *semaphore, LONG count, LONG limit);
LONG KeReleaseSemaphore(KSEMAPHORE *semaphore, LONG increment, LONG adjustment, ULONG wait);
LONG KeReadStateSemaphore(KSEMAPHORE *semaphore);
void KeInitializeMutex(KMUTANT *mutex, ULONG level);
LONG KeReleaseMutex(KMUTANT *mutex, ULONG wait);
void KeInitializeMutant(KMUTANT *mutant, ULONG owned);
LONG KeReleaseMutant(KMUTANT *mutant, LONG increment, ULONG abandoned, ULONG wait);
LONG KeReadStateMutant(KMUTANT *mutant);
void KeInitializeTimerEx(KTIMER *timer, ULONG type);
BOOLEAN KeSetTimer(KTIMER *timer, LARGE_INTEGER due_time, KDPC *dpc);
BOOLEAN KeSetTimerEx(KTIMER *timer, LARGE_INTEGER due_time, LONG period, KDPC *dpc);
BOOLEAN KeCancelTimer(KTIMER *timer);
BOOLEAN KeReadStateTimer(KTIMER *timer);

/* A timer that is set, in that range; NULL if there is none. */
const KTIMER *ke_timer_in(uint64_t base, uint64_t bytes);
/* The same for a queued DPC. */
const KDPC *ke_dpc_in(uint64_t base, uint64_t bytes);

/* DPCs. */
void KeInitializeDpc(KDPC *dpc, PVOID routine, PVOID context);
BOOLEAN KeInsertQueueDpc(KDPC *dpc, PVOID arg1, PVOID arg2);
BOOLEAN KeRemoveQueueDpc(KDPC *dpc);
void KeFlushQueuedDpcs(void);
/* A DPC whose routine is host code; frame is its NT name. */
void ke_dpc_init_host(KDPC *dpc, void (*routine)(KDPC *dpc), uint32_t frame);

/* Device interrupts; vectors are those of translated resources. */
struct _KINTERRUPT;
struct ke_interrupt {
    PVOID routine, context; /* PKSERVICE_ROUTINE */
    PVOID message_routine; /* PKMESSAGE_SERVICE_ROUTINE; NULL: routine is meant */
    uint32_t message; /* what message_routine is told */
    KSPIN_LOCK *lock; /* NULL: the interrupt's own */
    uint32_t vector;
    KIRQL irql, synchronize_irql;
    bool shared, latched;
};
/* STATUS_INVALID_PARAMETER: impossible IRQLs, or the vector is taken by somebody who does not share it. */
NTSTATUS ke_interrupt_connect(const struct ke_interrupt *want, struct _KINTERRUPT **out);
/* Waits for a service routine that runs; frees the object. */
void ke_interrupt_disconnect(struct _KINTERRUPT *i);
/* Whether its service routine is called; what comes in meanwhile is nobody's. */
void ke_interrupt_activate(struct _KINTERRUPT *i, bool active);
/* A device asserts its line, or sends the message of that vector. false: nobody is connected. */
bool ke_interrupt_assert(uint32_t vector);

void KeEnterCriticalRegion(void);
void KeLeaveCriticalRegion(void);
void KeEnterGuardedRegion(void);
void KeLeaveGuardedRegion(void);
BOOLEAN KeAreApcsDisabled(void);
BOOLEAN KeAreAllApcsDisabled(void);

/* Spin locks that siblings take for the guest to see. */
void KeAcquireSpinLockAtDpcLevel(KSPIN_LOCK *lock);
void KeReleaseSpinLockFromDpcLevel(KSPIN_LOCK *lock);
KIRQL KeAcquireSpinLockRaiseToDpc(KSPIN_LOCK *lock);
void KeReleaseSpinLock(KSPIN_LOCK *lock, ULONG irql);

KIRQL KfRaiseIrql(ULONG irql);
void KeLowerIrql(ULONG irql);
/* Lowers: pending DPCs run, then pending APCs. Also for emulated writes of cr8. */
void ke_irql_lower(KIRQL irql);

/* APCs. */
void KeInitializeApc(KAPC *apc, KTHREAD *thread, ULONG environment, PVOID kernel, PVOID rundown, PVOID normal, ULONG mode, PVOID context);
BOOLEAN KeInsertQueueApc(KAPC *apc, PVOID arg1, PVOID arg2, LONG increment);
/* A special kernel APC whose kernel routine is host code; frame is its NT name. */
void ke_apc_init_host(KAPC *apc, KTHREAD *thread, void (*kernel)(KAPC *apc), uint32_t frame);
/* The same with a normal or user routine of the guest's. */
void ke_apc_init_host_normal(KAPC *apc, KTHREAD *thread, void (*kernel)(KAPC *apc), uint32_t frame, PVOID normal, ULONG mode, PVOID context);
/* What becomes of it if it is still queued when its thread ends; frame is the routine's NT name. */
void ke_apc_rundown_set(KAPC *apc, void (*rundown)(KAPC *apc), uint32_t frame);
/* KeInsertQueueApc without its scheduling point and without delivery to the current thread (ke_deliver_apcs does that). */
bool ke_apc_insert(KAPC *apc, PVOID arg1, PVOID arg2);
/* Takes the next pending user APC of the current thread (its kernel routine has run): call normal(context, arg1, arg2) in user mode, if
 * not NULL, then ke_user_apc_done; again until false. For the return to user mode. */
struct ke_user_apc {
    PVOID normal, context, arg1, arg2;
};
bool ke_user_apc_take(struct ke_user_apc *out);
void ke_user_apc_done(void);
BOOLEAN KeTestAlertThread(ULONG mode);
BOOLEAN KeAlertThread(KTHREAD *thread, ULONG mode);
/* KeAlertThread without its scheduling point. */
bool ke_alert(KTHREAD *thread, ULONG mode);
/* Delivers what can be delivered to the current thread now. */
void ke_deliver_apcs(void);
bool ke_apc_pending(const struct thread *t);

/* Time. */
uint64_t ke_system_time(void); /* 100 ns since 1601 */
/* The version of Windows that the kernel presents itself as: win7, 8, 8.1, 10 (default), 11. false: unknown name. */
bool ke_set_os(const char *name);
struct ke_os {
    const char *name;
    uint32_t major, minor, build;
};
const struct ke_os *ke_os(void);
/* Address of the KUSER_SHARED_DATA that reads of 0xFFFFF78000000000 and 0x7FFE0000 are redirected to. */
uint64_t ke_shared_data(void);
/* Time was read: a loop that only waits for time to pass makes it pass. */
/* For who stands in a chain of sim_idle_hook: a timer is due by then; the clock goes there and queues a DPC. */
bool ke_clock_due_by(uint64_t when_100ns);
void ke_clock_run_at(uint64_t when_100ns, KDPC *dpc);
/* sim_yield, for who gives up the processor of its own accord: done again and again it takes time, too. */
void ke_yield(void);
void ke_time_asked(void);
void ke_time_asked_often(uint32_t times); /* so many times */

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

/* Gates of waits (sim_point_when): args as uint64_t[], those of KeWaitForSingleObject and of KeWaitForMultipleObjects. */
/* Something ends or must interrupt a wait of this thread, whatever it waits for. */
bool ke_wait_is_disturbed(const struct thread *t);
bool ke_gate_wait(const struct agent *a, const void *args);
bool ke_gate_wait_multiple(const struct agent *a, const void *args);

#endif
