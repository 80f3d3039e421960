/* Timer objects. A timer set with an APC routine has a DPC that queues the APC to the thread that set it; cancelling or setting
 * it again takes both back. */
#include "ex/room.h"
#include "ex/objects.h"

#include "ke/exports.h"
#include "ke/ke.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/door.h"

typedef struct ETIMER {
    KTIMER KeTimer;
    KAPC TimerApc;
    KDPC TimerDpc;
    KTHREAD *ApcThread; /* referenced while an APC routine is set */
} ETIMER;

static void apc_kernel_routine(KAPC *apc)
{
    /* Nothing: the KAPC is part of the timer, which the thread's reference keeps. */
}

static void timer_dpc(KDPC *dpc)
{
    ETIMER *t = (ETIMER *)((UCHAR *)dpc - offsetof(ETIMER, TimerDpc));
    if (t->ApcThread)
        KeInsertQueueApc(&t->TimerApc, (PVOID)(ULONG_PTR)(ULONG)t->KeTimer.DueTime.QuadPart, (PVOID)(ULONG_PTR)(t->KeTimer.DueTime.QuadPart >> 32), 0);
}

static void apc_drop(ETIMER *t)
{
    if (!t->ApcThread)
        return;
    KeRemoveQueueDpc(&t->TimerDpc);
    KeRemoveQueueApc(&t->TimerApc);
    ob_dereference(t->ApcThread);
    t->ApcThread = NULL;
}

static void timer_initialise(void *body, const void *context)
{
    ETIMER *t = body;
    KeInitializeTimerEx(&t->KeTimer, *(const ULONG *)context);
    ke_dpc_init_host(&t->TimerDpc, timer_dpc, FRAME_ExpTimerDpcRoutine);
}

static void timer_delete(void *object)
{
    ETIMER *t = object;
    KeCancelTimer(&t->KeTimer);
    apc_drop(t);
}

void ex_timer_objects_init(void)
{
    static const struct ob_type timer = { "Timer", timer_delete, ob_close_named, offsetof(ETIMER, KeTimer) };
    ob_type_register(OB_TIMER, &timer);
}

NTSTATUS NtCreateTimer(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG type)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtCreateTimer);
    sim_point(0);
    NTSTATUS s = type > SynchronizationTimer ? STATUS_INVALID_PARAMETER_4 : ex_object_create(handle, OB_TIMER, sizeof(ETIMER), access, oa, timer_initialise, &type);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtOpenTimer(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtOpenTimer);
    sim_point(0);
    NTSTATUS s = ex_object_open(handle, OB_TIMER, access, oa);
    ps_syscall_leave(&sc);
    return s;
}

static bool set(ETIMER *t, LARGE_INTEGER due, PVOID apc, PVOID context, LONG period)
{
    bool was_set = KeCancelTimer(&t->KeTimer);
    apc_drop(t);
    if (apc) {
        t->ApcThread = (KTHREAD *)ps_current()->ethread;
        ob_reference(t->ApcThread);
        ke_apc_init_host_normal(&t->TimerApc, t->ApcThread, apc_kernel_routine, FRAME_ExpTimerApcRoutine, apc, UserMode, context);
    }
    KeSetTimerEx(&t->KeTimer, due, period, apc ? &t->TimerDpc : NULL);
    return was_set;
}

NTSTATUS NtSetTimer(HANDLE handle, LARGE_INTEGER *due, PVOID apc, PVOID context, ULONG resume, LONG period, BOOLEAN *previous)
{
    struct syscall sc;
    void *object;
    LARGE_INTEGER when;
    ps_syscall_enter(&sc, FRAME_NtSetTimer);
    NTSTATUS s = period < 0 ? STATUS_INVALID_PARAMETER_6 : !host_guarded_copy(&when, due, sizeof when) ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
    if (NT_SUCCESS(s))
        s = ob_handle_reference(ps_current_process(), handle, OB_TIMER, sc.nested ? 0 : TIMER_MODIFY_STATE, &object, NULL);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)object);
        BOOLEAN was_set = set(object, when, apc, context, period);
        ob_dereference(object);
        if (!ex_put(previous, &was_set, 1))
            s = STATUS_ACCESS_VIOLATION;
        else if ((UCHAR)resume)
            s = STATUS_TIMER_RESUME_IGNORED; /* this machine never sleeps */
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtCancelTimer(HANDLE handle, BOOLEAN *state)
{
    struct syscall sc;
    void *object;
    ps_syscall_enter(&sc, FRAME_NtCancelTimer);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_TIMER, sc.nested ? 0 : TIMER_MODIFY_STATE, &object, NULL);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)object);
        ETIMER *t = object;
        KeCancelTimer(&t->KeTimer);
        apc_drop(t);
        BOOLEAN signalled = KeReadStateTimer(&t->KeTimer);
        ob_dereference(object);
        if (!ex_put(state, &signalled, 1))
            s = STATUS_ACCESS_VIOLATION;
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtQueryTimer(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned)
{
    struct syscall sc;
    void *object;
    TIMER_BASIC_INFORMATION i = { 0 };
    ULONG bytes = sizeof i;
    if (class != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length != bytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    ps_syscall_enter(&sc, FRAME_NtQueryTimer);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_TIMER, sc.nested ? 0 : TIMER_QUERY_STATE, &object, NULL);
    if (NT_SUCCESS(s)) {
        ETIMER *t = object;
        i.TimerState = KeReadStateTimer(&t->KeTimer);
        i.RemainingTime.QuadPart = (LONGLONG)KeQueryTimerDueTime(&t->KeTimer) - (LONGLONG)MACHINE->clock_100ns;
        ob_dereference(object);
        s = ex_put(information, &i, sizeof i) && ex_put(returned, &bytes, sizeof bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    ps_syscall_leave(&sc);
    return s;
}
