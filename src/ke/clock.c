/* Virtual time and what drivers read of it: interrupt time, system time, ticks, KUSER_SHARED_DATA, performance counter.
 *
 * Time stands still while anything can run (the idle model) and goes to the next due timer when nothing can. Stalling the processor
 * moves it too, and so does asking for the time again and again without doing anything else: a loop that waits for a moment ends. */
#include <string.h>

#include "ke/private.h"
#include "sim/access.h"

enum {
    INCREMENT_100NS = 156250, /* one clock interrupt */
    QUERIES_BEFORE_TIME_MOVES = 100,
};

#define SYSTEM_TIME_AT_BOOT 132223104000000000ull /* 2020-01-01 00:00 UTC */
#define BOOT_DURATION 600000000ull /* the run begins one minute after boot */
#define LONGEST_POLL_100NS (3600ull * 10000000)
#define COUNTER_FREQUENCY 10000000

static const struct ke_os systems[] = {
    { "win7", 6, 1, 7601 }, { "8", 6, 2, 9200 }, { "8.1", 6, 3, 9600 }, { "10", 10, 0, 19045 }, { "11", 10, 0, 22631 },
};

const struct ke_os *ke_os(void)
{
    return ke_room()->os;
}

static void os_put(const struct ke_os *os)
{
    KUSER_SHARED_DATA *s = &ke_room()->global->shared;
    ke_room()->os = os;
    s->NtMajorVersion = os->major;
    s->NtMinorVersion = os->minor;
    /* DOC: KUSER_SHARED_DATA.NtBuildNumber exists from Windows 10 on */
    s->NtBuildNumber = os->major >= 10 ? os->build : 0;
}

bool ke_set_os(const char *name)
{
    const char *n = strncmp(name, "win", 3) == 0 ? name + 3 : name;
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        const char *own = strncmp(systems[i].name, "win", 3) == 0 ? systems[i].name + 3 : systems[i].name;
        if (strcmp(own, n) != 0)
            continue;
        os_put(&systems[i]);
        return true;
    }
    return false;
}

uint64_t ke_shared_data(void)
{
    return (uint64_t)&ke_room()->global->shared;
}

static void put_time(volatile KSYSTEM_TIME *t, uint64_t value)
{
    t->High2Time = (LONG)(value >> 32);
    t->LowPart = (ULONG)value;
    t->High1Time = (LONG)(value >> 32);
}

void ke_clock_set(uint64_t now_100ns)
{
    IR_ASSERT(now_100ns >= MACHINE->clock_100ns);
    MACHINE->clock_100ns = now_100ns;
    sim_access(SIM_ACCESS_CLOCK, SIM_WRITE);
    KUSER_SHARED_DATA *s = &ke_room()->global->shared;
    put_time(&s->InterruptTime, now_100ns);
    put_time(&s->SystemTime, ke_system_time());
    uint64_t ticks = now_100ns / INCREMENT_100NS;
    put_time(&s->TickCount, ticks);
    s->TickCountLowDeprecated = (ULONG)ticks;
}

void ke_clock_init(void)
{
    KUSER_SHARED_DATA *s = &ke_room()->global->shared;
    static const char root[] = "C:\\Windows";
    for (size_t i = 0; i < sizeof root; i++)
        s->NtSystemRoot[i] = (WCHAR)root[i];
    s->TickCountMultiplier = 0x0FA00000; /* 15.625 ms as fixed point with 24 binary places */
    s->ImageNumberLow = s->ImageNumberHigh = 0x8664;
    s->NtProductType = 1;
    s->ProductTypeIsValid = TRUE;
    s->NativeProcessorArchitecture = 9;
    s->QpcFrequency = COUNTER_FREQUENCY;
    s->ActiveProcessorCount = MACHINE->processor_count;
    s->ActiveGroupCount = 1;
    s->UnparkedProcessorCount = (USHORT)MACHINE->processor_count;
    s->NumberOfPhysicalPages = 0x100000;
    s->LargePageMinimum = 0x200000;
    s->SuiteMask = 0x110;
    s->NXSupportPolicy = 2;
    static const uint8_t features[] = { 2, 3, 6, 8, 10, 12, 13, 17, 20, 23 }; /* cmpxchg8b, mmx, sse, rdtsc, sse2, nx, sse3, cmpxchg16b, … */
    for (size_t i = 0; i < sizeof features; i++)
        s->ProcessorFeatures[features[i]] = TRUE;
    ke_set_os("10");
    ke_clock_set(BOOT_DURATION);
}

uint64_t ke_system_time(void)
{
    return SYSTEM_TIME_AT_BOOT + MACHINE->clock_100ns;
}

uint64_t ke_due_time(const LARGE_INTEGER *t)
{
    sim_access(SIM_ACCESS_CLOCK, SIM_READ);
    if (t->QuadPart < 0)
        return MACHINE->clock_100ns + (uint64_t)-t->QuadPart;
    return (uint64_t)t->QuadPart > SYSTEM_TIME_AT_BOOT ? (uint64_t)t->QuadPart - SYSTEM_TIME_AT_BOOT : 0;
}

/* ---- a step of the clock ---- */

bool ke_clock_idle(void)
{
    struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->processor_count; i++)
        if (!m->processors[i].thread && ke_room()->cpu[i]->kpcr.Prcb.CurrentThread != &ke_room()->cpu[i]->idle.Tcb)
            ke_room()->cpu[i]->kpcr.Prcb.CurrentThread = &ke_room()->cpu[i]->idle.Tcb;
    /* Periodic timers that nobody listens to would keep time going for ever. */
    for (unsigned vain = 0; vain < 1000; vain++) {
        KTIMER *t = ke_timer_first();
        if (!t)
            return false;
        if ((uint64_t)t->DueTime.QuadPart > m->clock_100ns)
            ke_clock_set((uint64_t)t->DueTime.QuadPart);
        if (ke_timers_expire())
            return true;
    }
    return false;
}

bool ke_clock_due_by(uint64_t when_100ns)
{
    const KTIMER *t = ke_timer_first();
    return t && (uint64_t)t->DueTime.QuadPart <= when_100ns;
}

void ke_clock_run_at(uint64_t when_100ns, KDPC *dpc)
{
    if (MACHINE->clock_100ns < when_100ns)
        ke_clock_set(when_100ns);
    ke_dpc_queue(dpc, ke_dpc_of_clock(), NULL, NULL);
}

static void time_passes(uint64_t by_100ns)
{
    ke_clock_set(MACHINE->clock_100ns + by_100ns);
    ke_timers_expire();
    ke_room()->woke = false;
    sim_give_way();
}

void ke_time_asked(void)
{
    ke_time_asked_often(1);
}

/* To the next timer at most: what it does is seen at its time. */
static uint64_t step_of(uint64_t elapsed)
{
    uint64_t by = elapsed / 8 > INCREMENT_100NS / 10 ? elapsed / 8 : INCREMENT_100NS / 10, now = MACHINE->clock_100ns;
    const KTIMER *t = ke_timer_first();
    return t && (uint64_t)t->DueTime.QuadPart > now && (uint64_t)t->DueTime.QuadPart - now < by ? (uint64_t)t->DueTime.QuadPart - now : by;
}

/* The longer somebody asks, the longer it takes: a loop that waits for seconds ends soon, and is an eighth late at most. One that waits
 * for hours does not end. */
void ke_time_asked_often(uint32_t times)
{
    struct machine *m = MACHINE;
    struct asked *a = &ke_room()->asked[m->fiber->id];
    sim_access(SIM_ACCESS_CLOCK, SIM_READ);
    m->time_asked = true;
    if (m->probing)
        return;
    if (a->at != m->clock_100ns) {
        a->count = 0;
        if (a->moved_to != m->clock_100ns)
            a->since = m->clock_100ns;
    }
    a->count += times;
    a->at = m->clock_100ns;
    if (a->count <= QUERIES_BEFORE_TIME_MOVES || sim_irql() > DISPATCH_LEVEL)
        return;
    if (m->clock_100ns - a->since > LONGEST_POLL_100NS)
        sim_end(RUN_HANG);
    uint64_t by = step_of(m->clock_100ns - a->since);
    a->moved_to = m->clock_100ns + by;
    time_passes(by);
}

void ke_yield(void)
{
    uint64_t before = MACHINE->clock_100ns;
    if (MACHINE->probing) { /* a round of a loop is tried: without time */
        sim_give_way();
        return;
    }
    ke_time_asked();
    if (MACHINE->clock_100ns == before)
        sim_give_way();
}

void KeStallExecutionProcessor(ULONG microseconds)
{
    if (MACHINE->probing)
        sim_give_way();
    else if (sim_irql() > DISPATCH_LEVEL)
        ke_clock_set(MACHINE->clock_100ns + microseconds * 10ull);
    else
        time_passes(microseconds * 10ull);
}

/* ---- reading it ---- */

void KeQuerySystemTime(LARGE_INTEGER *time)
{
    ke_time_asked();
    time->QuadPart = (LONGLONG)ke_system_time();
}

void KeQuerySystemTimePrecise(LARGE_INTEGER *time)
{
    KeQuerySystemTime(time);
}

ULONG64 KeQueryInterruptTime(void)
{
    ke_time_asked();
    return MACHINE->clock_100ns;
}

ULONG64 KeQueryInterruptTimePrecise(ULONG64 *counter)
{
    ke_time_asked();
    *counter = MACHINE->clock_100ns;
    return MACHINE->clock_100ns;
}

ULONG64 KeQueryUnbiasedInterruptTime(void)
{
    return KeQueryInterruptTime();
}

ULONG64 KeQueryUnbiasedInterruptTimePrecise(ULONG64 *counter)
{
    return KeQueryInterruptTimePrecise(counter);
}

void KeQueryTickCount(LARGE_INTEGER *count)
{
    ke_time_asked();
    count->QuadPart = (LONGLONG)(MACHINE->clock_100ns / INCREMENT_100NS);
}

ULONG KeQueryTimeIncrement(void)
{
    return INCREMENT_100NS;
}

LARGE_INTEGER KeQueryPerformanceCounter(LARGE_INTEGER *frequency)
{
    if (frequency)
        frequency->QuadPart = COUNTER_FREQUENCY;
    ke_time_asked();
    return (LARGE_INTEGER) { .QuadPart = (LONGLONG)MACHINE->clock_100ns };
}

ULONG ExSetTimerResolution(ULONG desired, ULONG set)
{
    return INCREMENT_100NS;
}

void ExQueryTimerResolution(ULONG *maximum, ULONG *minimum, ULONG *current)
{
    *maximum = INCREMENT_100NS;
    *minimum = 5000;
    *current = INCREMENT_100NS;
}

/* The zone is UTC: local time is system time. */
void ExSystemTimeToLocalTime(const LARGE_INTEGER *system, LARGE_INTEGER *local)
{
    *local = *system;
}

void ExLocalTimeToSystemTime(const LARGE_INTEGER *local, LARGE_INTEGER *system)
{
    *system = *local;
}
