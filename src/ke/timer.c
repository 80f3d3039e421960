/* KTIMERs on the virtual clock. Queued timers are in one list by due time (KTIMER.DueTime, interrupt time), equal
 * ones by address: the order in which they were set must not matter.
 *
 * Expiry: signalled, its waiters woken, its DPC queued, then re-armed if it has a
 * period. A one-shot timer's DPC may still run after KeCancelTimer. */
#include "ke/private.h"
#include "sim/access.h"
#include "trace/trace.h"

enum {
    TIMER_INSERTED = 0x40, /* GUESS: bit of Header.TimerMiscFlags as public symbols show it */
    TIMER_OF_NO_GUEST = 0x80, /* ours: it expires when nobody else can go on, whatever the time model */
};

static LIST_ENTRY *timers(void)
{
    return &ke_room()->global->timers;
}

static bool is_before(const KTIMER *a, const KTIMER *b)
{
    return a->DueTime.QuadPart != b->DueTime.QuadPart ? (uint64_t)a->DueTime.QuadPart < (uint64_t)b->DueTime.QuadPart : a < b;
}

/* What the clock does next depends on the timers there are. Where time only moves when nobody can run, its steps come after
 * everything else anyway. */
static void touch(const KTIMER *timer)
{
    sim_access((uint64_t)timer, SIM_WRITE);
    if (MACHINE->time_any)
        sim_access(SIM_ACCESS_CLOCK, SIM_WRITE);
}

void ke_timer_insert(KTIMER *timer, uint64_t due)
{
    bool guests = MACHINE->fiber && MACHINE->fiber->fiber.callback;
    MACHINE->guests_time |= guests;
    IR_ASSERT(!(timer->Header.TimerMiscFlags & TIMER_INSERTED));
    touch(timer);
    timer->DueTime.QuadPart = (LONGLONG)due;
    timer->Header.TimerMiscFlags |= TIMER_INSERTED | (MACHINE->time_any && !guests && !timer->Period ? TIMER_OF_NO_GUEST : 0);
    LIST_ENTRY *at = timers()->Blink;
    while (at != timers() && is_before(timer, LIST_ITEM(at, KTIMER, TimerListEntry)))
        at = at->Blink;
    list_insert_before(at->Flink, &timer->TimerListEntry);
}

bool ke_timer_remove(KTIMER *timer)
{
    touch(timer);
    if (!(timer->Header.TimerMiscFlags & TIMER_INSERTED))
        return false;
    timer->Header.TimerMiscFlags &= (UCHAR)~(TIMER_INSERTED | TIMER_OF_NO_GUEST);
    list_remove(&timer->TimerListEntry);
    return true;
}

const KTIMER *ke_timer_in(uint64_t base, uint64_t bytes)
{
    for (LIST_ENTRY *e = timers()->Flink; e != timers(); e = e->Flink) {
        const KTIMER *t = LIST_ITEM(e, KTIMER, TimerListEntry);
        if ((uint64_t)t - base < bytes)
            return t;
    }
    return NULL;
}

bool ke_timer_waits(void)
{
    return !list_empty(timers());
}

bool ke_timer_may_come_early(void)
{
    const KTIMER *first = ke_timer_first();
    return first && !(first->Header.TimerMiscFlags & TIMER_OF_NO_GUEST);
}

KTIMER *ke_timer_first(void)
{
    return list_empty(timers()) ? NULL : LIST_ITEM(timers()->Flink, KTIMER, TimerListEntry);
}

/* dpcs: the activity that gets its DPC; NULL = the running agent's. */
static bool expire(KTIMER *timer, struct agent *dpcs)
{
    bool queued = false;
    trace_event(TRACE_TIMER_EXPIRE, (uint64_t)timer, (uint64_t)timer->Dpc, timer->Period, 0);
    timer->Header.SignalState = 1;
    ke_wait_test(&timer->Header);
    if (timer->Dpc) {
        LARGE_INTEGER now = { .QuadPart = (LONGLONG)ke_system_time() };
        queued = ke_dpc_queue(timer->Dpc, dpcs, (PVOID)(ULONG_PTR)now.LowPart, (PVOID)(ULONG_PTR)(ULONG)now.HighPart);
    }
    return queued;
}

bool ke_timers_expire(void)
{
    uint64_t now = MACHINE->clock_100ns;
    bool effect = false;
    ke_room()->woke = false;
    for (KTIMER *t = ke_timer_first(); t && (uint64_t)t->DueTime.QuadPart <= now; t = ke_timer_first()) {
        ke_timer_remove(t);
        if (t->Period)
            ke_timer_insert(t, now + t->Period * 10000ull);
        effect |= expire(t, ke_dpc_of_clock());
    }
    return effect | ke_room()->woke;
}

void KeInitializeTimerEx(KTIMER *timer, ULONG type)
{
    ke_header_init(&timer->Header, type == SynchronizationTimer ? TimerSynchronizationObject : TimerNotificationObject, sizeof *timer, 0);
    timer->Header.Size = 0; /* NT keeps TimerControlFlags here */
    timer->DueTime.QuadPart = 0;
    timer->TimerListEntry.Flink = timer->TimerListEntry.Blink = NULL;
    timer->Dpc = NULL;
    timer->Processor = 0;
    timer->Period = 0;
}

void KeInitializeTimer(KTIMER *timer)
{
    KeInitializeTimerEx(timer, NotificationTimer);
}

BOOLEAN KeSetTimerEx(KTIMER *timer, LARGE_INTEGER due_time, LONG period, KDPC *dpc)
{
    bool was_queued = ke_timer_remove(timer);
    uint64_t due = ke_due_time(&due_time);
    timer->Header.SignalState = 0;
    timer->Dpc = dpc;
    timer->Period = (ULONG)period;
    trace_event(TRACE_TIMER_SET, (uint64_t)timer, (uint64_t)dpc, due, (uint64_t)period);
    ke_timer_insert(timer, due);
    if (due <= MACHINE->clock_100ns) {
        ke_timer_remove(timer);
        if (period)
            ke_timer_insert(timer, MACHINE->clock_100ns + (uint64_t)period * 10000);
        expire(timer, NULL);
        ke_woken_point(timer);
    }
    return was_queued;
}

BOOLEAN KeSetTimer(KTIMER *timer, LARGE_INTEGER due_time, KDPC *dpc)
{
    return KeSetTimerEx(timer, due_time, 0, dpc);
}

BOOLEAN KeSetCoalescableTimer(KTIMER *timer, LARGE_INTEGER due_time, ULONG period, ULONG tolerable_delay, KDPC *dpc)
{
    return KeSetTimerEx(timer, due_time, (LONG)period, dpc);
}

BOOLEAN KeCancelTimer(KTIMER *timer)
{
    return ke_timer_remove(timer);
}

BOOLEAN KeReadStateTimer(KTIMER *timer)
{
    sim_access((uint64_t)timer, SIM_READ);
    return timer->Header.SignalState != 0;
}

ULONGLONG KeQueryTimerDueTime(KTIMER *timer)
{
    sim_access((uint64_t)timer, SIM_READ);
    return timer->Header.TimerMiscFlags & TIMER_INSERTED ? (ULONGLONG)timer->DueTime.QuadPart : 0;
}
