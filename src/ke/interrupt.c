/* Device interrupts: vectors, interrupt objects, service routines at the device's IRQL under the interrupt's spin lock.
 *
 * A vector's line is asserted by a simulated device (ke_interrupt_assert). Its activity (sim_interrupt_create) then comes in wherever the
 * IRQL allows and calls the service routines in the order of their connection until one claims the interrupt; for an edge-triggered line
 * all of them. A line that nobody claims is dropped. */
#include "ke/private.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { INTERRUPT_TAG = 0x6E496F49, INTERRUPT_OBJECT = 22, FIRST_DEVICE_IRQL = 3, LAST_DEVICE_IRQL = 12 };

/* Opaque to drivers. GUESS: the places of the fields, which only debuggers look at. */
typedef struct _KINTERRUPT {
    SHORT Type;
    SHORT Size;
    LIST_ENTRY InterruptListEntry;
    PVOID ServiceRoutine;
    PVOID MessageServiceRoutine;
    ULONG MessageIndex;
    PVOID ServiceContext;
    KSPIN_LOCK SpinLock;
    ULONG TickCount;
    KSPIN_LOCK *ActualLock;
    PVOID DispatchAddress;
    ULONG Vector;
    KIRQL Irql;
    KIRQL SynchronizeIrql;
    BOOLEAN FloatingSave;
    BOOLEAN Connected;
    ULONG Number;
    BOOLEAN ShareVector;
    UCHAR Mode;
    BOOLEAN Inactive;
} KINTERRUPT;

struct line {
    uint32_t vector;
    bool asserted;
    struct agent *activity;
    LIST_ENTRY *first; /* of the connected objects, in a ring; NULL = none */
    struct line *next;
};

static struct line *line_of(uint32_t vector)
{
    for (struct line *l = ke_room()->lines; l; l = l->next)
        if (l->vector == vector)
            return l;
    return NULL;
}

static KINTERRUPT *object_of(LIST_ENTRY *e)
{
    return LIST_ITEM(e, KINTERRUPT, InterruptListEntry);
}

static void lock(KINTERRUPT *i)
{
    if (i->ActualLock)
        KeAcquireSpinLockAtDpcLevel(i->ActualLock);
}

static void unlock(KINTERRUPT *i)
{
    if (i->ActualLock)
        KeReleaseSpinLockFromDpcLevel(i->ActualLock);
}

static bool service(KINTERRUPT *i)
{
    bool by_message = i->MessageServiceRoutine != NULL;
    PVOID routine = by_message ? i->MessageServiceRoutine : i->ServiceRoutine;
    sim_irql_set(i->SynchronizeIrql);
    lock(i);
    trace_event(TRACE_INTERRUPT, (uint64_t)i, (uint64_t)routine, i->Vector, 0);
    const uint64_t args[4] = { (uint64_t)i, (uint64_t)i->ServiceContext, i->MessageIndex };
    bool claimed = (uint8_t)guest_call_array(FRAME_KiCallInterruptServiceRoutine, routine, by_message ? 3 : 2, args);
    trace_event(TRACE_INTERRUPT_DONE, (uint64_t)i, (uint64_t)routine, claimed, 0);
    if (sim_irql() != i->SynchronizeIrql)
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, (ULONG64)sim_irql() << 16 | (ULONG64)i->SynchronizeIrql << 8, (ULONG64)routine, 0, 0);
    unlock(i);
    sim_irql_set(i->Irql);
    return claimed;
}

static void serve(struct line *l)
{
    while (l->asserted) {
        sim_access((uint64_t)l->activity->stable_id, SIM_WRITE);
        l->asserted = false;
        LIST_ENTRY *e = l->first;
        while (e) {
            KINTERRUPT *i = object_of(e);
            LIST_ENTRY *next = e->Flink == l->first ? NULL : e->Flink;
            if (!i->Inactive && service(i) && i->Mode == 0)
                break;
            e = next;
        }
    }
}

static void activity_body(void *unused)
{
    struct agent *self = sim_current();
    self->fiber.frame_site = 0;
    guest_frame_push(FRAME_KiInterruptDispatch);
    for (;;) {
        for (struct line *l = ke_room()->lines; l; l = l->next)
            if (l->activity == self)
                serve(l);
        sim_dpc_idle();
    }
}

bool ke_interrupt_assert(uint32_t vector)
{
    struct line *l = line_of(vector);
    if (!l || !l->first)
        return false;
    sim_access(l->activity->stable_id, SIM_WRITE);
    l->asserted = true;
    sim_dpc_request(l->activity);
    return true;
}

NTSTATUS ke_interrupt_connect(const struct ke_interrupt *want, KINTERRUPT **out)
{
    struct line *l = line_of(want->vector);
    if (want->irql < FIRST_DEVICE_IRQL || want->irql > LAST_DEVICE_IRQL || want->synchronize_irql < want->irql || want->synchronize_irql > LAST_DEVICE_IRQL ||
        (!want->routine && !want->message_routine))
        return STATUS_INVALID_PARAMETER;
    for (LIST_ENTRY *e = l ? l->first : NULL; e; e = e->Flink == l->first ? NULL : e->Flink) {
        const KINTERRUPT *other = object_of(e);
        if (!other->ShareVector || !want->shared || other->Mode != want->latched || other->Irql != want->irql)
            return STATUS_INVALID_PARAMETER;
    }
    KINTERRUPT *i = ex_pool_alloc(512 /* NonPagedPoolNx */, sizeof *i, INTERRUPT_TAG);
    if (!i)
        return STATUS_INSUFFICIENT_RESOURCES;
    *i = (KINTERRUPT) { .Type = INTERRUPT_OBJECT, .Size = sizeof *i, .ServiceRoutine = want->routine, .MessageServiceRoutine = want->message_routine, .MessageIndex = want->message,
                        .ServiceContext = want->context, .Vector = want->vector,
                        .Irql = want->irql, .SynchronizeIrql = want->synchronize_irql, .Connected = TRUE, .ShareVector = want->shared, .Mode = want->latched };
    i->ActualLock = want->lock ? want->lock : &i->SpinLock;
    if (!l) {
        l = sim_alloc(sizeof *l);
        l->vector = want->vector;
        l->activity = sim_interrupt_create(want->irql, activity_body);
        l->next = ke_room()->lines;
        ke_room()->lines = l;
    }
    sim_access(l->activity->stable_id, SIM_WRITE);
    if (l->first) {
        list_append(l->first, &i->InterruptListEntry);
    } else {
        list_init(&i->InterruptListEntry);
        l->first = &i->InterruptListEntry;
    }
    *out = i;
    return STATUS_SUCCESS;
}

void ke_interrupt_disconnect(KINTERRUPT *i)
{
    struct line *l = line_of(i->Vector);
    IR_ASSERT(l && i->Connected);
    /* Its service routine runs under the lock: once that is ours, it has ended. */
    KIRQL before = sim_irql();
    sim_irql_set(i->SynchronizeIrql);
    lock(i);
    sim_access(l->activity->stable_id, SIM_WRITE);
    if (l->first == &i->InterruptListEntry)
        l->first = i->InterruptListEntry.Flink == l->first ? NULL : i->InterruptListEntry.Flink;
    list_remove(&i->InterruptListEntry);
    i->Connected = FALSE;
    unlock(i);
    ke_irql_lower(before);
    ex_pool_free(i);
}

void ke_interrupt_activate(KINTERRUPT *i, bool active)
{
    sim_access(line_of(i->Vector)->activity->stable_id, SIM_WRITE);
    i->Inactive = !active;
}

BOOLEAN KeSynchronizeExecution(KINTERRUPT *i, PVOID routine, PVOID context)
{
    KIRQL before = sim_irql();
    if (i->SynchronizeIrql < before)
        KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, (ULONG64)i, before, i->SynchronizeIrql, 0);
    sim_irql_set(i->SynchronizeIrql);
    lock(i);
    BOOLEAN result = (BOOLEAN)guest_call(FRAME_NONE, routine, 1, (uint64_t)context);
    unlock(i);
    ke_irql_lower(before);
    return result;
}

KIRQL KeAcquireInterruptSpinLock(KINTERRUPT *i)
{
    KIRQL before = sim_irql();
    sim_irql_set(i->SynchronizeIrql);
    lock(i);
    return before;
}

void KeReleaseInterruptSpinLock(KINTERRUPT *i, ULONG irql)
{
    unlock(i);
    ke_irql_lower((KIRQL)irql);
}
