/* Processors: how many, which one, affinity. One group, one node. */
#include "ke/private.h"
#include "mm/mm.h"

static KAFFINITY all(void)
{
    return sim_processors();
}

static void put_number(PROCESSOR_NUMBER *number, unsigned n)
{
    *number = (PROCESSOR_NUMBER) { .Number = (UCHAR)n };
}

ULONG KeGetCurrentProcessorNumber(void)
{
    return sim_processor()->number;
}

ULONG KeGetCurrentProcessorNumberEx(PROCESSOR_NUMBER *number)
{
    unsigned n = sim_processor()->number;
    if (number)
        put_number(number, n);
    return n;
}

NTSTATUS KeGetProcessorNumberFromIndex(ULONG index, PROCESSOR_NUMBER *number)
{
    if (index >= MACHINE->processor_count)
        return STATUS_INVALID_PARAMETER;
    put_number(number, index);
    return STATUS_SUCCESS;
}

ULONG KeGetProcessorIndexFromNumber(const PROCESSOR_NUMBER *number)
{
    return number->Group == 0 && number->Number < MACHINE->processor_count ? number->Number : 0xFFFFFFFF;
}

KAFFINITY KeQueryActiveProcessors(void)
{
    return all();
}

ULONG KeQueryActiveProcessorCount(KAFFINITY *mask)
{
    if (mask)
        *mask = all();
    return MACHINE->processor_count;
}

ULONG KeQueryMaximumProcessorCount(void)
{
    return MACHINE->processor_count;
}

enum { ALL_GROUPS = 0xFFFF };

ULONG KeQueryActiveProcessorCountEx(ULONG group)
{
    group = (USHORT)group;
    return group == 0 || group == ALL_GROUPS ? MACHINE->processor_count : 0;
}

ULONG KeQueryMaximumProcessorCountEx(ULONG group)
{
    return KeQueryActiveProcessorCountEx(group);
}

ULONG KeQueryActiveGroupCount(void)
{
    return 1;
}

ULONG KeQueryMaximumGroupCount(void)
{
    return 1;
}

KAFFINITY KeQueryGroupAffinity(ULONG group)
{
    return (USHORT)group == 0 ? all() : 0;
}

ULONG KeGetCurrentNodeNumber(void)
{
    return 0;
}

ULONG KeQueryHighestNodeNumber(void)
{
    return 0;
}

void KeQueryNodeActiveAffinity(ULONG node, GROUP_AFFINITY *affinity, USHORT *count)
{
    bool there = (USHORT)node == 0;
    if (affinity)
        *affinity = (GROUP_AFFINITY) { .Mask = there ? all() : 0 };
    if (count)
        *count = there ? (USHORT)MACHINE->processor_count : 0;
}

ULONG KeQueryNodeMaximumProcessorCount(ULONG node)
{
    return (USHORT)node == 0 ? MACHINE->processor_count : 0;
}

PVOID KeQueryPrcbAddress(ULONG number)
{
    return number < MACHINE->processor_count ? &ke_room()->cpu[number]->kpcr.Prcb : NULL;
}

/* ---- affinity of the current thread ---- */

/* 0 = no system affinity set. */
static KAFFINITY set_system_affinity(KAFFINITY mask)
{
    struct agent *a = sim_current();
    KAFFINITY before = a->affinity;
    a->affinity = mask & all();
    KTHREAD *k = ke_kthread();
    k->MiscFlags = mask ? k->MiscFlags | MISC_SYSTEM_AFFINITY : k->MiscFlags & ~(ULONG)MISC_SYSTEM_AFFINITY;
    /* GUESS: above APC_LEVEL the move happens when the IRQL falls; here, when the thread is next put on a processor */
    if (a->kind == AGENT_THREAD && a->affinity && !(a->affinity >> a->processor->number & 1) && sim_irql() < DISPATCH_LEVEL)
        sim_migrate();
    return before;
}

void KeSetSystemAffinityThread(KAFFINITY mask)
{
    set_system_affinity(mask);
}

KAFFINITY KeSetSystemAffinityThreadEx(KAFFINITY mask)
{
    return mask & all() ? set_system_affinity(mask) : 0;
}

void KeRevertToUserAffinityThread(void)
{
    set_system_affinity(0);
}

void KeRevertToUserAffinityThreadEx(KAFFINITY mask)
{
    set_system_affinity(mask);
}

void KeSetSystemGroupAffinityThread(const GROUP_AFFINITY *affinity, GROUP_AFFINITY *before)
{
    KAFFINITY old = affinity->Group == 0 && (affinity->Mask & all()) ? set_system_affinity(affinity->Mask) : sim_current()->affinity;
    if (before)
        *before = (GROUP_AFFINITY) { .Mask = old };
}

void KeRevertToUserGroupAffinityThread(const GROUP_AFFINITY *before)
{
    set_system_affinity(before->Mask);
}

/* An affinity for good; only of the calling thread does anybody need the effect at once. */
KAFFINITY KeSetAffinityThread(KTHREAD *thread, KAFFINITY mask)
{
    struct thread *t = ps_thread_of(thread);
    if (!t)
        return all();
    KAFFINITY before = t->agent->affinity ? t->agent->affinity : all();
    t->agent->affinity = mask & all();
    return before;
}

ULONG KeSetIdealProcessorThread(KTHREAD *thread, ULONG processor)
{
    UCHAR before = (UCHAR)thread->UserIdealProcessor;
    if ((UCHAR)processor < MACHINE->processor_count)
        thread->UserIdealProcessor = (UCHAR)processor;
    return before;
}

/* ---- changes: there are none, but a driver may ask to be told of the present ones ---- */

enum { ADD_EXISTING = 1, ADD_START = 0, ADD_COMPLETE = 1, CHANGE_TAG = 0x6843654B };

struct change { /* KE_PROCESSOR_CHANGE_NOTIFY_CONTEXT */
    ULONG state;
    ULONG number;
    NTSTATUS status;
    PROCESSOR_NUMBER processor;
};

PVOID KeRegisterProcessorChangeCallback(PVOID routine, PVOID context, ULONG flags)
{
    struct change *c = ex_pool_alloc(0, sizeof *c + 16, CHANGE_TAG);
    NTSTATUS *status = (NTSTATUS *)(c + 1);
    *status = STATUS_SUCCESS;
    for (unsigned i = 0; (flags & ADD_EXISTING) && i < MACHINE->processor_count && NT_SUCCESS(*status); i++) {
        *c = (struct change) { .state = ADD_START, .number = i, .processor = { .Number = (UCHAR)i } };
        guest_call(FRAME_NONE, routine, 3, (uint64_t)context, (uint64_t)c, (uint64_t)status);
    }
    bool accepted = NT_SUCCESS(*status);
    for (unsigned i = 0; (flags & ADD_EXISTING) && i < MACHINE->processor_count && accepted; i++) {
        *c = (struct change) { .state = ADD_COMPLETE, .number = i, .processor = { .Number = (UCHAR)i } };
        guest_call(FRAME_NONE, routine, 3, (uint64_t)context, (uint64_t)c, (uint64_t)status);
    }
    ex_pool_free(c);
    return accepted ? routine : NULL; /* any handle that is not NULL will do */
}

void KeDeregisterProcessorChangeCallback(PVOID handle)
{
}
