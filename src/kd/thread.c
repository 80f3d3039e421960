/* `!thread` and `!apc`, in the layouts of the debugger's documentation and of the seeds. */
#include <string.h>

#include "host/host.h"
#include "kd/kd.h"
#include "nt/io.h"
#include "nt/status.h"
#include "ps/process.h"
#include "sim/image.h"
#include "sim/machine.h"

enum { TICK_100NS = 156250, MAX_FRAMES = 128, MAX_LIST = 1000 };

static const char *const wait_reasons[] = {
    "Executive", "FreePage", "PageIn", "PoolAllocation", "DelayExecution", "Suspended", "UserRequest", "WrExecutive", "WrFreePage", "WrPageIn",
    "WrPoolAllocation", "WrDelayExecution", "WrSuspended", "WrUserRequest", "WrEventPair", "WrQueue", "WrLpcReceive", "WrLpcReply", "WrVirtualMemory",
    "WrPageOut", "WrRendezvous", "WrKeyedEvent", "WrTerminated", "WrProcessInSwap", "WrCpuRateControl", "WrCalloutStack", "WrKernel", "WrResource",
    "WrPushLock", "WrMutex", "WrQuantumEnd", "WrDispatchInt", "WrPreempted", "WrYieldExecution", "WrFastMutex", "WrGuardedMutex", "WrRundown",
    "WrAlertByThreadId", "WrDeferredPreempt",
};

static const char *wait_reason(unsigned reason)
{
    return reason < sizeof wait_reasons / sizeof *wait_reasons ? wait_reasons[reason] : "?";
}

static const char *object_type(unsigned type)
{
    switch (type) {
    case EventNotificationObject:
        return "NotificationEvent";
    case EventSynchronizationObject:
        return "SynchronizationEvent";
    case MutantObject:
        return "Mutant";
    case ProcessObject:
        return "ProcessObject";
    case QueueObject:
        return "QueueObject";
    case SemaphoreObject:
        return "Semaphore";
    case ThreadObject:
        return "Thread";
    case GateObject:
        return "Gate";
    case TimerNotificationObject:
        return "NotificationTimer";
    case TimerSynchronizationObject:
        return "SynchronizationTimer";
    default:
        return "Unknown";
    }
}

static unsigned long long wide(const volatile void *p)
{
    return (unsigned long long)(uint64_t)p;
}

static void print_object(FILE *out, const volatile void *object)
{
    DISPATCHER_HEADER h;
    if (!host_guarded_copy(&h, (const void *)object, sizeof h)) {
        fprintf(out, "    %016llx  Unknown\n", wide(object));
        return;
    }
    fprintf(out, "    %016llx  %s", wide(object), object_type(h.Type));
    KMUTANT m;
    KSEMAPHORE s;
    if (h.Type == SemaphoreObject && host_guarded_copy(&s, (const void *)object, sizeof s))
        fprintf(out, " Limit 0x%x", (unsigned)s.Limit);
    if (h.Type == MutantObject && host_guarded_copy(&m, (const void *)object, sizeof m))
        fprintf(out, " - owning thread %llx", wide(m.OwnerThread));
    fprintf(out, "\n");
}

static void print_state(FILE *out, const struct thread *t, const KTHREAD *k)
{
    if (k->State == Waiting) {
        bool alertable = k->MiscFlags & (1 << 4);
        fprintf(out, "WAIT: (%s) %s %s\n", wait_reason(k->WaitReason), k->WaitMode ? "UserMode" : "KernelMode", alertable ? "Alertable" : "Non-Alertable");
        for (unsigned i = 0; i < k->WaitBlockCount; i++)
            print_object(out, k->WaitBlockList[i].Object);
        if (!k->WaitBlockCount)
            print_object(out, &k->Timer);
    } else if (k->State == Running) {
        fprintf(out, "RUNNING on processor %x\n", t->agent->processor ? t->agent->processor->number : 0);
    } else {
        static const char *const words[] = { "INITIALIZED", "READY", "RUNNING", "STANDBY", "TERMINATED" };
        fprintf(out, "%s\n", k->State < 5 ? words[k->State] : "????");
    }
}

static void print_irps(FILE *out, const ETHREAD *e)
{
    const LIST_ENTRY *head = &e->IrpList;
    fprintf(out, "IRP List:\n");
    for (const LIST_ENTRY *l = head->Flink; l != head; l = l->Flink) {
        const IRP *irp = (const IRP *)((const UCHAR *)l - offsetof(IRP, ThreadListEntry));
        fprintf(out, "    %016llx: (%04x,%04x) Flags: %08x  Mdl: ", wide(irp), (unsigned)irp->Type, irp->Size, irp->Flags);
        fprintf(out, irp->MdlAddress ? "%016llx\n" : "%08llx\n", wide(irp->MdlAddress));
    }
}

static void print_times(FILE *out, const KTHREAD *k)
{
    uint32_t now = (uint32_t)(MACHINE->clock_100ns / TICK_100NS);
    uint32_t ticks = now - k->WaitTime;
    uint64_t ms = (uint64_t)ticks * TICK_100NS / 10000;
    fprintf(out, "%-26s%-12u  Ticks: %u (%llu:%02llu:%02llu:%02llu.%03llu)\n", "Wait Start TickCount", k->WaitTime, ticks, (unsigned long long)(ms / 86400000),
            (unsigned long long)(ms / 3600000 % 24), (unsigned long long)(ms / 60000 % 60), (unsigned long long)(ms / 1000 % 60), (unsigned long long)(ms % 1000));
    fprintf(out, "%-26s%-12u  IdealProcessor: 0\n", "Context Switch Count", k->ContextSwitches);
    fprintf(out, "%-26s00:00:00.000\n%-26s00:00:00.000\n", "UserTime", "KernelTime"); /* code takes no time on the virtual clock */
}

static void print_stack(FILE *out, const struct agent *a)
{
    struct kd_frame frames[MAX_FRAMES];
    size_t n = kd_stack_walk(a, frames, MAX_FRAMES);
    fprintf(out, "Child-SP          RetAddr               : Args to Child                                                           : Call Site\n");
    for (size_t i = 0; i < n; i++) {
        char sp[18], ret[18], arg[4][18];
        uint64_t args[4] = { 0 };
        if (i + 1 < n)
            host_guarded_copy(args, (const void *)frames[i + 1].child_sp, sizeof args);
        for (int k = 0; k < 4; k++)
            kd_address(args[k], arg[k]);
        fprintf(out, "%s %s     : %s %s %s %s : %s\n", kd_address(frames[i].child_sp, sp), kd_address(frames[i].return_address, ret), arg[0], arg[1], arg[2], arg[3],
                frames[i].site);
    }
}

static void image_name(const EPROCESS *p, char out[16])
{
    memcpy(out, p->ImageFileName, 15);
    out[15] = 0;
}

void kd_print_thread(FILE *out, const struct thread *t, bool stack)
{
    const ETHREAD *e = t->ethread;
    const KTHREAD *k = &e->Tcb;
    char image[16], attached[16], symbol[256];
    fprintf(out, "THREAD %016llx  Cid %04llx.%04llx  Teb: %016llx Win32Thread: %016llx ", wide(e), wide(e->Cid.UniqueProcess), wide(e->Cid.UniqueThread), wide(k->Teb),
            wide(k->Win32Thread));
    print_state(out, t, k);
    print_irps(out, e);
    image_name(t->process->eprocess, image);
    fprintf(out, "Not impersonating\n%-26s%016llx\n", "DeviceMap", 0ull);
    fprintf(out, "%-26s%016llx       Image:         %s\n", "Owning Process", wide(t->process->eprocess), image);
    if (t->attached) {
        image_name(t->attached->eprocess, attached);
        fprintf(out, "%-26s%016llx       Image:         %s\n", "Attached Process", wide(t->attached->eprocess), attached);
    } else {
        fprintf(out, "%-26sN/A            Image:         N/A\n", "Attached Process");
    }
    print_times(out, k);
    const void *start = e->Win32StartAddress ? e->Win32StartAddress : e->StartAddress;
    image_symbol_text((uint64_t)start, symbol, sizeof symbol);
    fprintf(out, "Win32 Start Address %s (0x%016llx)\n", start ? symbol : "nt!PspSystemThreadStartup", wide(start));
    fprintf(out, "Stack Init %016llx Current %016llx\n", wide(k->InitialStack), (unsigned long long)t->agent->fiber.guest_sp);
    fprintf(out, "Base %016llx Limit %016llx Call 0000000000000000\n", wide(k->StackBase), wide(k->StackLimit));
    fprintf(out, "Priority %d BasePriority %d PriorityDecrement 0 IoPriority 2 PagePriority 5\n", k->Priority, k->BasePriority);
    if (k->KernelApcDisable || k->SpecialApcDisable)
        fprintf(out, "KernelApcDisable %d SpecialApcDisable %d\n", k->KernelApcDisable, k->SpecialApcDisable);
    if (stack)
        print_stack(out, t->agent);
}

/* ---- !apc ---- */

static void print_routine(FILE *out, const char *title, const void *routine)
{
    char symbol[256];
    if (!routine)
        return;
    image_symbol_text((uint64_t)routine, symbol, sizeof symbol);
    fprintf(out, "            %-14s %016llx %s%s\n", title, wide(routine), symbol, strchr(symbol, '+') ? "" : "+0");
}

static void print_apc(FILE *out, const KAPC *apc)
{
    fprintf(out, "        KAPC @ %016llx\n            %-14s %x\n", wide(apc), "Type", apc->Type);
    print_routine(out, "KernelRoutine", apc->KernelRoutine);
    print_routine(out, "RundownRoutine", apc->RundownRoutine);
    print_routine(out, "NormalRoutine", apc->NormalRoutine);
}

static const KAPC *apc_of(const LIST_ENTRY *l)
{
    return (const KAPC *)((const UCHAR *)l - offsetof(KAPC, ApcListEntry));
}

static bool state_has_apcs(const KAPC_STATE *s)
{
    for (int mode = 0; mode < MaximumMode; mode++)
        if (s->ApcListHead[mode].Flink && s->ApcListHead[mode].Flink != &s->ApcListHead[mode])
            return true;
    return false;
}

static void print_state_apcs(FILE *out, const struct thread *t, const KAPC_STATE *s, unsigned index)
{
    for (int mode = 0; mode < MaximumMode; mode++) {
        const LIST_ENTRY *head = &s->ApcListHead[mode], *l = head->Flink;
        if (!l || l == head)
            continue;
        fprintf(out, "    Thread %016llx ApcStateIndex %u ApcListHead %016llx [%s]\n", wide(t->ethread), index, wide(head), mode ? "USER" : "KERNEL");
        for (int n = 0; l != head && n < MAX_LIST; l = l->Flink, n++)
            print_apc(out, apc_of(l));
    }
}

bool kd_has_apcs(void)
{
    for (const struct thread *t = ps_threads(); t; t = t->next)
        if (state_has_apcs(&t->ethread->Tcb.ApcState) || state_has_apcs(&t->ethread->Tcb.SavedApcState))
            return true;
    return false;
}

static void print_thread_apcs(FILE *out, const struct thread *t)
{
    const KTHREAD *k = &t->ethread->Tcb;
    print_state_apcs(out, t, &k->ApcState, k->ApcStateIndex);
    if (k->ApcStateIndex)
        print_state_apcs(out, t, &k->SavedApcState, 0);
}

void kd_print_apc(FILE *out)
{
    fprintf(out, "*** Enumerating APCs in all processes\n");
    for (const struct process *p = ps_processes(); p; p = p->next) {
        bool named = false;
        for (const struct thread *t = ps_threads(); t; t = t->next) {
            const KTHREAD *k = t->process == p ? &t->ethread->Tcb : NULL;
            if (!k || (!state_has_apcs(&k->ApcState) && !(k->ApcStateIndex && state_has_apcs(&k->SavedApcState))))
                continue;
            char image[16];
            image_name(p->eprocess, image);
            if (!named)
                fprintf(out, "Process %016llx %s\n", wide(p->eprocess), image);
            named = true;
            print_thread_apcs(out, t);
        }
    }
}
