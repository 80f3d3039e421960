/* Event and semaphore objects. */
#include "ex/room.h"
#include "ex/objects.h"

#include "ke/ke.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/door.h"

/* References the object behind a handle; the operation that follows is a scheduling point on it. */
static NTSTATUS begin(struct syscall *sc, uint32_t frame, HANDLE handle, enum ob_type_index type, ACCESS_MASK access, void **object)
{
    ps_syscall_enter(sc, frame);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, type, sc->nested ? 0 : access, object, NULL);
    if (NT_SUCCESS(s))
        sim_point((uint64_t)*object);
    return s;
}

static NTSTATUS end(struct syscall *sc, NTSTATUS s)
{
    ps_syscall_leave(sc);
    return s;
}

static NTSTATUS end_previous(struct syscall *sc, void *object, LONG before, LONG *previous)
{
    ob_dereference(object);
    return end(sc, ex_put(previous, &before, sizeof before) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION);
}

/* ---- events ---- */

struct event_values {
    ULONG type, state;
};

static void event_initialise(void *body, const void *context)
{
    const struct event_values *v = context;
    KeInitializeEvent(body, v->type, v->state);
}

NTSTATUS NtCreateEvent(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG type, ULONG state)
{
    struct syscall sc;
    struct event_values v = { type, (UCHAR)state };
    ps_syscall_enter(&sc, FRAME_NtCreateEvent);
    sim_point(0);
    return end(&sc, type > SynchronizationEvent ? STATUS_INVALID_PARAMETER_4 : ex_object_create(handle, OB_EVENT, sizeof(KEVENT), access, oa, event_initialise, &v));
}

NTSTATUS NtOpenEvent(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtOpenEvent);
    sim_point(0);
    return end(&sc, ex_object_open(handle, OB_EVENT, access, oa));
}

NTSTATUS NtSetEvent(HANDLE handle, LONG *previous)
{
    struct syscall sc;
    void *object;
    NTSTATUS s = begin(&sc, FRAME_NtSetEvent, handle, OB_EVENT, EVENT_MODIFY_STATE, &object);
    return NT_SUCCESS(s) ? end_previous(&sc, object, KeSetEvent(object, 1, FALSE), previous) : end(&sc, s);
}

NTSTATUS NtResetEvent(HANDLE handle, LONG *previous)
{
    struct syscall sc;
    void *object;
    NTSTATUS s = begin(&sc, FRAME_NtResetEvent, handle, OB_EVENT, EVENT_MODIFY_STATE, &object);
    return NT_SUCCESS(s) ? end_previous(&sc, object, KeResetEvent(object), previous) : end(&sc, s);
}

NTSTATUS NtClearEvent(HANDLE handle)
{
    return NtResetEvent(handle, NULL);
}

NTSTATUS NtPulseEvent(HANDLE handle, LONG *previous)
{
    struct syscall sc;
    void *object;
    NTSTATUS s = begin(&sc, FRAME_NtPulseEvent, handle, OB_EVENT, EVENT_MODIFY_STATE, &object);
    return NT_SUCCESS(s) ? end_previous(&sc, object, KePulseEvent(object, 1, FALSE), previous) : end(&sc, s);
}

static NTSTATUS give(const void *value, ULONG bytes, ULONG class, PVOID information, ULONG length, ULONG *returned)
{
    if (class != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length != bytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    return ex_put(information, value, bytes) && ex_put(returned, &bytes, sizeof bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}

NTSTATUS NtQueryEvent(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned)
{
    struct syscall sc;
    void *object;
    NTSTATUS s = begin(&sc, FRAME_NtQueryEvent, handle, OB_EVENT, EVENT_QUERY_STATE, &object);
    if (!NT_SUCCESS(s))
        return end(&sc, s);
    const KEVENT *e = object;
    EVENT_BASIC_INFORMATION i = { e->Header.Type, e->Header.SignalState };
    ob_dereference(object);
    return end(&sc, give(&i, sizeof i, class, information, length, returned));
}

/* ---- semaphores ---- */

struct semaphore_values {
    LONG count, limit;
};

static void semaphore_initialise(void *body, const void *context)
{
    const struct semaphore_values *v = context;
    KeInitializeSemaphore(body, v->count, v->limit);
}

NTSTATUS NtCreateSemaphore(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, LONG count, LONG limit)
{
    struct syscall sc;
    struct semaphore_values v = { count, limit };
    ps_syscall_enter(&sc, FRAME_NtCreateSemaphore);
    sim_point(0);
    bool bad = limit <= 0 || count < 0 || count > limit;
    return end(&sc, bad ? STATUS_INVALID_PARAMETER : ex_object_create(handle, OB_SEMAPHORE, sizeof(KSEMAPHORE), access, oa, semaphore_initialise, &v));
}

NTSTATUS NtOpenSemaphore(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtOpenSemaphore);
    sim_point(0);
    return end(&sc, ex_object_open(handle, OB_SEMAPHORE, access, oa));
}

NTSTATUS NtReleaseSemaphore(HANDLE handle, LONG count, LONG *previous)
{
    struct syscall sc;
    void *object;
    if (count <= 0)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = begin(&sc, FRAME_NtReleaseSemaphore, handle, OB_SEMAPHORE, SEMAPHORE_MODIFY_STATE, &object);
    if (!NT_SUCCESS(s))
        return end(&sc, s);
    KSEMAPHORE *m = object;
    /* KeReleaseSemaphore would raise. */
    if ((LONG64)m->Header.SignalState + count > m->Limit) {
        ob_dereference(object);
        return end(&sc, STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    return end_previous(&sc, object, KeReleaseSemaphore(m, 1, count, FALSE), previous);
}

NTSTATUS NtQuerySemaphore(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned)
{
    struct syscall sc;
    void *object;
    NTSTATUS s = begin(&sc, FRAME_NtQuerySemaphore, handle, OB_SEMAPHORE, SEMAPHORE_QUERY_STATE, &object);
    if (!NT_SUCCESS(s))
        return end(&sc, s);
    const KSEMAPHORE *m = object;
    SEMAPHORE_BASIC_INFORMATION i = { m->Header.SignalState, m->Limit };
    ob_dereference(object);
    return end(&sc, give(&i, sizeof i, class, information, length, returned));
}

/* ---- mutants ---- */

static void mutant_initialise(void *body, const void *context)
{
    KeInitializeMutant(body, *(const ULONG *)context);
}

/* A mutant holds no reference on its owner; the owner's list of mutants holds none on it. Whoever closes the last handle of an
 * owned mutant takes it out of that list. */
static void mutant_delete(void *object)
{
    KMUTANT *m = object;
    if (m->OwnerThread && m->Header.SignalState <= 0) {
        m->MutantListEntry.Flink->Blink = m->MutantListEntry.Blink;
        m->MutantListEntry.Blink->Flink = m->MutantListEntry.Flink;
    }
}

NTSTATUS NtCreateMutant(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG owned)
{
    struct syscall sc;
    ULONG v = (UCHAR)owned;
    ps_syscall_enter(&sc, FRAME_NtCreateMutant);
    sim_point(0);
    return end(&sc, ex_object_create(handle, OB_MUTANT, sizeof(KMUTANT), access, oa, mutant_initialise, &v));
}

NTSTATUS NtOpenMutant(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtOpenMutant);
    sim_point(0);
    return end(&sc, ex_object_open(handle, OB_MUTANT, access, oa));
}

NTSTATUS NtReleaseMutant(HANDLE handle, LONG *previous)
{
    struct syscall sc;
    void *object;
    NTSTATUS s = begin(&sc, FRAME_NtReleaseMutant, handle, OB_MUTANT, 0, &object);
    if (!NT_SUCCESS(s))
        return end(&sc, s);
    KMUTANT *m = object;
    if (m->OwnerThread != (KTHREAD *)ps_current()->ethread) {
        s = m->Abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED;
        ob_dereference(object);
        return end(&sc, s);
    }
    return end_previous(&sc, object, KeReleaseMutant(m, 1, FALSE, FALSE), previous);
}

NTSTATUS NtQueryMutant(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned)
{
    struct syscall sc;
    void *object;
    NTSTATUS s = begin(&sc, FRAME_NtQueryMutant, handle, OB_MUTANT, MUTANT_QUERY_STATE, &object);
    if (!NT_SUCCESS(s))
        return end(&sc, s);
    const KMUTANT *m = object;
    MUTANT_BASIC_INFORMATION i = { m->Header.SignalState, m->OwnerThread == (KTHREAD *)ps_current()->ethread, m->Abandoned };
    ob_dereference(object);
    return end(&sc, give(&i, sizeof i, class, information, length, returned));
}

void ex_objects_init(void)
{
    static const struct ob_type event = { "Event", NULL, ob_close_named, 0 }, semaphore = { "Semaphore", NULL, ob_close_named, 0 },
                                mutant = { "Mutant", mutant_delete, ob_close_named, 0 };
    ob_type_register(OB_EVENT, &event);
    ob_type_register(OB_SEMAPHORE, &semaphore);
    ob_type_register(OB_MUTANT, &mutant);
    ex_timer_objects_init();
}
