/* Threads: creation, the way into and out of the kernel, exit.
 *
 * Life: created (agent waiting) → started (ready) → runs → ps_exit_thread: I/O cancelled, APCs run down, object signalled, agent
 * gone. A user thread's code runs on its user stack; a kernel call moves to its kernel stack and back. */
#include <string.h>
#include <sys/mman.h>

#include "io/io.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/modules.h"
#include "ps/notify.h"
#include "ps/nt_thread.h"
#include "ps/process.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { USER_STACK_RESERVE = 0x100000, USER_STACK_COMMIT = 0x4000, TEB_BYTES = 0x2000 };

struct thread *ps_current(void)
{
    struct agent *a = MACHINE->fiber;
    if (!a)
        return NULL;
    if (a->kind == AGENT_DPC)
        a = a->processor->thread;
    return a ? a->thread : NULL;
}

struct process *ps_current_process(void)
{
    struct thread *t = ps_current();
    if (!t)
        return ps_system();
    return t->attached ? t->attached : t->process;
}

struct thread *ps_threads(void)
{
    return ps_room()->threads;
}

struct thread *ps_thread_of(const void *kthread)
{
    for (struct thread *t = ps_room()->threads; t; t = t->next)
        if (t->ethread == kthread)
            return t;
    return NULL;
}

struct thread *ps_thread_living(const void *kthread)
{
    sim_access((uint64_t)kthread, SIM_READ);
    return ps_thread_of(kthread);
}

/* Beginnings write who is next, ends read whether they are the last. */
void ps_looked_for(void)
{
    sim_access(SIM_ACCESS_THREAD_IDS, SIM_READ);
    for (const struct process *p = ps_processes(); p; p = p->next)
        sim_access_order(SIM_ACCESS_OF(SIM_THREADS, p->eprocess), SIM_COMMUTE);
}

static void list_append(struct thread *t)
{
    struct thread **at = &ps_room()->threads;
    while (*at)
        at = &(*at)->next;
    *at = t;
}

static void list_remove(struct thread *t)
{
    struct thread **at = &ps_room()->threads;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
}

/* ---- creation ---- */

void (*ps_user_end_hook)(void);

static void thread_start(void *arg);

static struct thread *create(struct process *process, void *fn, void *context, const char *name)
{
    struct thread *t = sim_alloc(sizeof *t);
    t->agent = sim_agent_create(AGENT_THREAD, thread_start, t);
    t->agent->thread = t;
    t->process = process;
    t->start = fn;
    t->context = context;
    t->name = name;
    t->in_kernel = true;
    t->ethread = ob_create(OB_THREAD, sizeof(ETHREAD));
    ETHREAD *e = t->ethread;
    t->agent->thread_object = e;
    e->Cid.UniqueProcess = (HANDLE)(uint64_t)process->id;
    e->Cid.UniqueThread = (HANDLE)(uint64_t)(ps_room()->next_id += 4);
    e->StartAddress = fn;
    e->ThreadsProcess = process->eprocess;
    e->ExitStatus = STATUS_PENDING;
    e->CreateTime.QuadPart = (LONGLONG)ke_system_time();
    e->IrpList.Flink = e->IrpList.Blink = &e->IrpList;
    e->Tcb.StackBase = (PVOID)t->agent->fiber.kernel_stack_top;
    e->Tcb.StackLimit = (PVOID)t->agent->fiber.kernel_stack;
    e->Tcb.InitialStack = e->Tcb.StackBase;
    sim_access(SIM_ACCESS_THREAD_IDS, SIM_WRITE);
    sim_access(SIM_ACCESS_CLOCK, SIM_READ);
    sim_access(SIM_ACCESS_OF(SIM_THREADS, process->eprocess), SIM_READ);
    ob_reference(process->eprocess);
    ke_thread_init(t);
    process->threads++;
    process->had_threads += process->had_threads < 2;
    process->eprocess->ActiveThreads++;
    list_append(t);
    trace_event(TRACE_THREAD_CREATE, (uint64_t)e, (uint64_t)fn, process->id, 0);
    return t;
}

struct thread *ps_create_system_thread(void *fn, void *context, const char *name)
{
    struct thread *t = create(ps_system(), fn, context, name);
    ps_notify_thread(t, true);
    sim_ready(t->agent);
    return t;
}

struct thread *ps_create_host_thread(void (*fn)(void *), void *arg, const char *name)
{
    struct thread *t = create(ps_system(), NULL, arg, name);
    t->host_start = fn;
    sim_ready(t->agent);
    return t;
}

/* The environment block and the thread's own variables: they come and go with the stack. */
static uint64_t bytes_behind_stack(const struct process *p)
{
    return TEB_BYTES + ps_modules_thread_bytes(p);
}

static bool user_stack_make(struct thread *t, uint64_t reserve)
{
    if (reserve < USER_STACK_RESERVE)
        reserve = USER_STACK_RESERVE;
    if (reserve > USER_SLICE)
        return false;
    reserve = (reserve + 0xFFF) & ~0xFFFull;
    uint64_t low = mm_user_reserve(t->process, reserve, bytes_behind_stack(t->process));
    if (!low)
        return false;
    t->user_stack = low;
    t->user_stack_top = low + reserve;
    t->user_stack_limit = t->user_stack_top - USER_STACK_COMMIT;
    host_protect(t->user_stack_limit, USER_STACK_COMMIT, PROT_READ | PROT_WRITE);
    host_zero_user(t->user_stack_limit, USER_STACK_COMMIT);
    struct segment *s = sim_segment_add(t->user_stack_limit, USER_STACK_COMMIT, SEGMENT_STACK, true);
    s->agent = t->agent->id;
    return true;
}

/* Protections are the processor's, not the snapshot's: stacks that have grown here, and how far. */
enum { MAX_GROWN = 64, STACK_RESERVE_PAGES = 4 };
static struct {
    uint64_t stack, low, top;
} grown[MAX_GROWN];
static unsigned grown_count;

static void note_growth(const struct thread *t, uint64_t limit)
{
    unsigned i = 0;
    while (i < grown_count && grown[i].stack != t->user_stack)
        i++;
    if (i == MAX_GROWN)
        return;
    if (i == grown_count)
        grown_count++;
    grown[i].stack = t->user_stack;
    grown[i].low = limit;
    grown[i].top = t->user_stack_top;
}

void ps_user_stacks_restored(void)
{
    for (unsigned i = 0; i < grown_count; i++) {
        uint64_t limit = grown[i].top;
        for (const struct thread *t = ps_room()->threads; t; t = t->next)
            if (t->teb && t->user_stack == grown[i].stack)
                limit = t->user_stack_limit;
        if (limit > grown[i].low)
            host_protection_restore(grown[i].low, limit - grown[i].low, PROT_NONE);
    }
    grown_count = 0;
}

static bool commit_down_to(struct thread *t, uint64_t limit)
{
    struct machine *m = MACHINE;
    note_growth(t, limit);
    for (uint32_t i = 0; i < m->segment_count; i++) {
        struct segment *s = &m->segments[i];
        if (s->base != t->user_stack_limit)
            continue;
        host_protect(limit, t->user_stack_limit - limit, PROT_READ | PROT_WRITE);
        memset((void *)limit, 0, t->user_stack_limit - limit);
        s->size += s->base - limit;
        s->used = s->size;
        s->base = limit;
        t->user_stack_limit = limit;
        *(uint64_t *)(t->teb + TEB_STACK_LIMIT) = limit;
        return true;
    }
    return false;
}

bool ps_user_stack_grow(uint64_t address)
{
    struct thread *t = MACHINE->fiber ? MACHINE->fiber->thread : NULL;
    if (!t || !t->teb || address < t->user_stack + STACK_RESERVE_PAGES * 0x1000 || address >= t->user_stack_limit)
        return false;
    return commit_down_to(t, address & ~0xFFFull);
}

bool ps_user_stack_last(uint64_t address)
{
    struct thread *t = MACHINE->fiber->thread;
    if (!t || !t->teb || address < t->user_stack || address >= t->user_stack_limit)
        return false;
    return commit_down_to(t, t->user_stack);
}

static void teb_make(struct thread *t)
{
    t->teb = mm_user_alloc_at(t->process, t->user_stack_top, TEB_BYTES);
    IR_ASSERT(t->teb);
    uint64_t *q = (uint64_t *)t->teb;
    q[1] = t->user_stack_top;
    q[2] = t->user_stack_limit;
    q[6] = t->teb; /* Self */
    q[8] = (uint64_t)t->ethread->Cid.UniqueProcess;
    q[9] = (uint64_t)t->ethread->Cid.UniqueThread;
    q[12] = t->process->peb;
    *(uint64_t *)(t->teb + TEB_DEALLOCATION_STACK) = t->user_stack;
    t->ethread->Tcb.Teb = (PVOID)t->teb;
}

NTSTATUS ps_create_user_thread(struct process *process, void *start, void *parameter, uint64_t stack_size, bool suspended, struct thread **out)
{
    sim_access(SIM_ACCESS_OF(SIM_THREADS, process->eprocess), SIM_READ);
    if (process->exit_status_set) /* its threads have been told to end: one more would not know */
        return STATUS_PROCESS_IS_TERMINATING;
    struct thread *t = create(process, start, parameter, NULL);
    sim_access(SIM_ACCESS_OF(SIM_USER_MEMORY, process->eprocess), SIM_WRITE);
    if (!user_stack_make(t, stack_size))
        return STATUS_NO_MEMORY;
    teb_make(t);
    ps_modules_thread_create(t, t->teb + TEB_BYTES);
    host_map_apart(t->user_stack_limit, (USER_STACK_COMMIT + bytes_behind_stack(process) + 0xFFF) & ~0xFFFull);
    t->ethread->Win32StartAddress = start;
    t->suspended = suspended;
    ps_notify_thread(t, true);
    if (!suspended)
        sim_ready(t->agent);
    *out = t;
    return STATUS_SUCCESS;
}

/* ---- running ---- */

static void run_user(struct thread *t)
{
    struct fiber *f = &t->agent->fiber;
    f->guest_sp = t->user_stack_top - 0x100;
    f->frame_site = 0;
    f->gs_base = t->teb;
    t->in_kernel = false;
    t->previous_mode = UserMode;
    host_set_gs(t->teb);
    ps_notify_program_begin(t);
    guest_frame_push(FRAME_RtlUserThreadStart);
    if (t->process->main_thread != t)
        sim_quiet_begin();
    ps_modules_thread_begin(t);
    if (t->process->main_thread != t)
        sim_quiet_end();
    /* OBS: user APCs that were queued before run before the start routine. */
    sim_access((uint64_t)t->ethread, SIM_READ);
    const LIST_ENTRY *apcs = &t->ethread->Tcb.ApcState.ApcListHead[UserMode];
    if (apcs->Flink != apcs)
        NtTestAlert();
    uint64_t result = guest_call(FRAME_BaseThreadInitThunk, t->start, 1, (uint64_t)t->context);
    ps_user_exit_thread((NTSTATUS)result);
}

static void thread_start(void *arg)
{
    struct thread *t = arg;
    ke_thread_running(t);
    if (t->teb && t->terminating) /* before it has begun: it never runs user code */
        ps_exit_thread(t->ethread->ExitStatus);
    if (t->teb)
        run_user(t);
    t->agent->fiber.frame_site = 0;
    guest_frame_push(FRAME_KiStartSystemThread);
    if (t->host_start) {
        guest_frame_push(FRAME_PspSystemThreadStartup);
        t->host_start(t->context);
    } else {
        guest_call(FRAME_PspSystemThreadStartup, t->start, 1, (uint64_t)t->context);
    }
    ps_exit_thread(STATUS_SUCCESS);
}

void ps_syscall_enter(struct syscall *s, uint32_t frame)
{
    struct agent *a = MACHINE->fiber;
    struct thread *t = a->thread;
    struct fiber *f = &a->fiber;
    s->user.sp = f->guest_sp;
    s->user.site = f->frame_site;
    s->nested = t->in_kernel;
    if (t->in_kernel)
        return;
    /* The machine frame that the processor would push: where the user side goes on. */
    uint64_t *machine_frame = (uint64_t *)(f->kernel_stack_top - 0x38);
    machine_frame[0] = f->frame_site;
    machine_frame[1] = 0x33;
    machine_frame[2] = 0x246;
    machine_frame[3] = f->guest_sp;
    machine_frame[4] = 0x2B;
    f->guest_sp = (uint64_t)machine_frame - LABEL_FRAME_SIZE;
    f->frame_site = door_frame_site(FRAME_KiSystemServiceCopyEnd);
    f->gs_base = a->processor->kpcr;
    host_set_gs(f->gs_base);
    t->in_kernel = true;
    t->previous_mode = UserMode;
    guest_frame_push(frame);
}

void ps_syscall_leave(struct syscall *s)
{
    struct agent *a = MACHINE->fiber;
    struct thread *t = a->thread;
    if (s->nested)
        return;
    ke_user_return_check(t, a->fiber.frame_site);
    sim_access((uint64_t)t->ethread, SIM_READ); /* told to end or to stand still, by others */
    if (t->suspend_count)
        ps_wait_while_suspended(t);
    if (!t->terminating && ps_user_apc_pending(t))
        ps_run_user_apcs(t, s);
    if (t->terminating)
        ps_exit_thread(t->ethread->ExitStatus);
    a->fiber.guest_sp = s->user.sp;
    a->fiber.frame_site = s->user.site;
    a->fiber.gs_base = t->teb;
    host_set_gs(t->teb);
    t->in_kernel = false;
}

/* ---- end ---- */

_Noreturn void ps_exit_thread(NTSTATUS status)
{
    struct thread *t = MACHINE->fiber->thread;
    struct process *p = t->process;
    IR_ASSERT(MACHINE->fiber->kind == AGENT_THREAD);
    struct syscall s;
    ps_syscall_enter(&s, FRAME_NtTerminateThread);
    ke_thread_exit_check(t);
    t->exiting = true;
    t->ethread->ExitStatus = status;
    ps_notify_thread(t, false);
    if (p->threads == 1)
        ps_notify_process_end(p);
    io_thread_rundown(t);
    ke_thread_rundown(t);
    p->threads--;
    bool last = ps_ends_last(t, 0);
    p->eprocess->ActiveThreads--;
    if (last && p != ps_system())
        ps_process_rundown(p, p->exit_status_set ? p->exit_status : status);
    if (t->keeps) {
        void *kept = t->keeps;
        t->keeps = NULL;
        ob_dereference(kept);
    }
    trace_event(TRACE_THREAD_EXIT, (uint64_t)t->ethread, (uint64_t)(uint32_t)status, 0, 0);
    ke_thread_signal(t);
    list_remove(t);
    if (t->on_fibers) {
        t->user_stack = t->own_stack;
        t->user_stack_limit = t->own_stack_limit;
        t->user_stack_top = t->own_stack_top;
    }
    if (t->teb) {
        ps_modules_thread_free(t);
        sim_segment_remove(t->user_stack_limit);
        mm_user_retire(p, t->user_stack);
        mm_user_retire(p, t->teb);
    }
    sim_quiet_begin(); /* the process does not end before its last thread, which has said so */
    ob_dereference(p->eprocess);
    sim_quiet_end();
    ob_dereference(t->ethread);
    t->ethread = NULL;
    sim_agent_exit();
}

void ps_terminate_thread(struct thread *t, NTSTATUS status)
{
    if (t->terminating || t->exiting)
        return;
    t->terminating = true;
    t->ethread->ExitStatus = status;
    t->agent->told = t->teb && !t->in_kernel;
    if (t->suspended) {
        t->suspended = false;
        sim_ready(t->agent);
    }
    ke_thread_terminate(t);
    if (t->resume)
        ke_event_set(t->resume);
}

NTSTATUS ps_resume_thread(struct thread *t)
{
    if (t->suspended) {
        t->suspended = false;
        sim_ready(t->agent);
    }
    return STATUS_SUCCESS;
}
