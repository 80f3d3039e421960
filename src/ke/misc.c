/* Small things: what the processor model makes trivial, and the lists of bug check callbacks. */
#include "ke/private.h"

ULONG KeIsExecutingDpc(void)
{
    return sim_current()->kind == AGENT_DPC;
}

BOOLEAN KeIsWaitListEmpty(const DISPATCHER_HEADER *object)
{
    return list_empty(&object->WaitListHead);
}

void KiCheckForKernelApcDelivery(void)
{
    ke_deliver_apcs();
}

ULONG KeGetRecommendedSharedDataAlignment(void)
{
    return 64;
}

/* Registers belong to the fiber: nothing a driver does to them can hurt another thread. */
NTSTATUS KeSaveFloatingPointState(KFLOATING_SAVE *save)
{
    save->Dummy = 0;
    return STATUS_SUCCESS;
}

NTSTATUS KeRestoreFloatingPointState(const KFLOATING_SAVE *save)
{
    return STATUS_SUCCESS;
}

NTSTATUS KeSaveExtendedProcessorState(ULONG64 mask, PVOID save)
{
    return STATUS_SUCCESS;
}

void KeRestoreExtendedProcessorState(PVOID save)
{
}

/* Memory is coherent. */
void KeFlushIoBuffers(PVOID mdl, ULONG read, ULONG dma)
{
}

void KeFlushWriteBuffer(void)
{
}

BOOLEAN KeInvalidateAllCaches(void)
{
    return TRUE;
}

void KeInvalidateRangeAllCaches(PVOID base, ULONG bytes)
{
}

void KeFlushEntireTb(ULONG invalid, ULONG all)
{
}

void KeSetDmaIoCoherency(ULONG attributes)
{
}

BOOLEAN KeSetKernelStackSwapEnable(ULONG enable)
{
    return TRUE;
}

ULONG KeQueryRuntimeThread(KTHREAD *thread, ULONG *user_ticks)
{
    *user_ticks = 0;
    return 0;
}

/* KDPC_WATCHDOG_INFORMATION: no limits are enforced. */
NTSTATUS KeQueryDpcWatchdogInformation(ULONG *information)
{
    if (sim_irql() < DISPATCH_LEVEL)
        return STATUS_UNSUCCESSFUL;
    for (int i = 0; i < 5; i++)
        information[i] = 0;
    return STATUS_SUCCESS;
}

/* GUESS: the stack is not really expanded; a callout that uses more than what is left runs into the guard page as any other code. */
NTSTATUS KeExpandKernelStackAndCalloutEx(PVOID callout, PVOID parameter, SIZE_T size, ULONG wait, PVOID context)
{
    enum { MAXIMUM_EXPANSION_SIZE = 0x12000 - 0x800 };
    if (size > MAXIMUM_EXPANSION_SIZE)
        return STATUS_INVALID_PARAMETER_3;
    guest_call(FRAME_KeExpandKernelStackAndCalloutInternal, callout, 1, (uint64_t)parameter);
    return STATUS_SUCCESS;
}

NTSTATUS KeExpandKernelStackAndCallout(PVOID callout, PVOID parameter, SIZE_T size)
{
    return KeExpandKernelStackAndCalloutEx(callout, parameter, size, FALSE, NULL);
}

/* ---- bug check callbacks: kept for the debugger; they do not run, the run ends first ---- */

enum { BUFFER_EMPTY, BUFFER_INSERTED };

struct bugcheck_record { /* KBUGCHECK_CALLBACK_RECORD */
    LIST_ENTRY entry;
    PVOID routine, buffer;
    ULONG length;
    PVOID component;
    ULONG_PTR checksum;
    UCHAR state;
};

struct bugcheck_reason_record { /* KBUGCHECK_REASON_CALLBACK_RECORD */
    LIST_ENTRY entry;
    PVOID routine, component;
    ULONG_PTR checksum;
    ULONG reason;
    UCHAR state;
};

BOOLEAN KeRegisterBugCheckCallback(PVOID record, PVOID routine, PVOID buffer, ULONG length, PVOID component)
{
    struct bugcheck_record *r = record;
    if (r->state == BUFFER_INSERTED)
        return FALSE;
    r->routine = routine;
    r->buffer = buffer;
    r->length = length;
    r->component = component;
    r->checksum = (ULONG_PTR)routine + (ULONG_PTR)buffer + length + (ULONG_PTR)component;
    r->state = BUFFER_INSERTED;
    list_insert_before(ke_room()->global->bugcheck_callbacks.Flink, &r->entry);
    return TRUE;
}

BOOLEAN KeDeregisterBugCheckCallback(PVOID record)
{
    struct bugcheck_record *r = record;
    if (r->state != BUFFER_INSERTED)
        return FALSE;
    list_remove(&r->entry);
    r->state = BUFFER_EMPTY;
    return TRUE;
}

BOOLEAN KeRegisterBugCheckReasonCallback(PVOID record, PVOID routine, ULONG reason, PVOID component)
{
    struct bugcheck_reason_record *r = record;
    if (r->state == BUFFER_INSERTED)
        return FALSE;
    r->routine = routine;
    r->reason = reason;
    r->component = component;
    r->checksum = (ULONG_PTR)routine + reason + (ULONG_PTR)component;
    r->state = BUFFER_INSERTED;
    list_insert_before(ke_room()->global->bugcheck_reason_callbacks.Flink, &r->entry);
    return TRUE;
}

BOOLEAN KeDeregisterBugCheckReasonCallback(PVOID record)
{
    struct bugcheck_reason_record *r = record;
    if (r->state != BUFFER_INSERTED)
        return FALSE;
    list_remove(&r->entry);
    r->state = BUFFER_EMPTY;
    return TRUE;
}

/* There are no non-maskable interrupts. */
PVOID KeRegisterNmiCallback(PVOID routine, PVOID context)
{
    return routine;
}

NTSTATUS KeDeregisterNmiCallback(PVOID handle)
{
    return STATUS_SUCCESS;
}
