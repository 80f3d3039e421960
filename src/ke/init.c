/* Start of the kernel core: processors' blocks, DPC activities, and what the scheduler calls back. */
#include <string.h>
#include <sys/mman.h>

#include "ke/private.h"

enum { PROCESSOR_STRIDE = 0x10000, PROCESSOR_BYTES = 0x2000, GLOBAL_BYTES = 0x3000 };
#define PROCESSORS_BASE (KERNEL_BASE + 0xA0000000)
#define GLOBAL_BASE (PROCESSORS_BASE + MAX_PROCESSORS * PROCESSOR_STRIDE)

_Static_assert(sizeof(struct ke_processor_pages) <= PROCESSOR_BYTES, "pages");
_Static_assert(sizeof(struct ke_global_pages) <= GLOBAL_BYTES, "pages");

static void *map(uint64_t at, size_t bytes)
{
    host_protect(at, bytes, PROT_READ | PROT_WRITE);
    memset((void *)at, 0, bytes);
    struct segment *s = sim_segment_add(at, bytes, SEGMENT_PLAIN, true);
    s->used = bytes;
    return (void *)at;
}

static void idle_thread_init(KTHREAD *k)
{
    ke_header_init(&k->Header, ThreadObject, sizeof *k, 0);
    list_init(&k->ApcState.ApcListHead[KernelMode]);
    list_init(&k->ApcState.ApcListHead[UserMode]);
    list_init(&k->MutantListHead);
    k->State = Running;
}

static void processor_init(struct processor *p)
{
    struct ke_processor_pages *g = map(PROCESSORS_BASE + p->number * (uint64_t)PROCESSOR_STRIDE, PROCESSOR_BYTES);
    ke_room()->cpu[p->number] = g;
    idle_thread_init(&g->idle.Tcb);
    KPCR *k = &g->kpcr;
    k->Self = k;
    k->CurrentPrcb = &k->Prcb;
    k->MajorVersion = k->MinorVersion = 1;
    k->ObsoleteNumber = p->number;
    k->Prcb.MxCsr = 0x1F80;
    k->Prcb.LegacyNumber = p->number;
    k->Prcb.Number = p->number;
    k->Prcb.CurrentThread = k->Prcb.IdleThread = &g->idle.Tcb;
    p->kpcr = (uint64_t)k;
}

/* What a thread is sure to touch next, after a restore: cheaper than the faults. */
static void show_own_memory(const struct thread *t)
{
    if (t->process != ps_current_process())
        return;
    if (host_is_hidden(t->user_stack_top - 1))
        host_show(t->user_stack_top - 1);
    if (host_is_hidden(t->teb))
        host_show(t->teb);
}

/* gs and KPCR follow the agent; KTHREAD.State follows the processor. */
static void on_place(struct agent *a, struct processor *p)
{
    ke_room()->woke = false; /* of the step that begins; what was left over was somebody else's */
    struct ke_room *r = ke_room();
    KPCR *kpcr = (KPCR *)p->kpcr;
    struct agent *owner = a->kind == AGENT_THREAD ? a : p->thread;
    struct thread *t = owner ? owner->thread : NULL;
    struct agent **place = &r->last[p - MACHINE->processors], *last = *place;
    if (last != owner) {
        struct thread *other = last && last->state == AGENT_READY ? last->thread : NULL;
        if (other && other->ethread && other->ethread->Tcb.State == Running)
            other->ethread->Tcb.State = Ready;
        *place = owner;
    }
    KTHREAD *k = t && t->ethread ? &t->ethread->Tcb : kpcr->Prcb.IdleThread;
    kpcr->Prcb.CurrentThread = k;
    k->State = Running;
    a->fiber.gs_base = a->kind == AGENT_THREAD && t && t->teb && !t->in_kernel ? t->teb : p->kpcr;
    host_set_gs(a->fiber.gs_base);
    ke_address_space_follow();
    if (t && t->teb && a->kind == AGENT_THREAD)
        show_own_memory(t);
}

/* Memory of processes that are not current cannot be touched. That of the current one is shown when it is. */
void ke_address_space_follow(void)
{
    const struct process *p = ps_current_process();
    uint64_t slice = p ? p->slice : 0;
    if (MACHINE->fiber->fiber.callback) /* otherwise the kernel's own code, which sees everything; guest_call comes back to it */
        host_slices_hide_but(slice);
    else
        host_slices_hide_but_later(slice);
}

PVOID ke_host_routine_add(uint32_t frame, void (*fn)(void *))
{
    struct ke_room *r = ke_room();
    PVOID address = (PVOID)door_frame_start(frame);
    const struct ke_host_routine *there = ke_host_routine(address);
    IR_ASSERT(!there || there->fn == fn); /* a name stands for one routine */
    if (there)
        return address;
    IR_ASSERT(r->host_routine_count < sizeof r->host_routines / sizeof *r->host_routines);
    r->host_routines[r->host_routine_count++] = (struct ke_host_routine) { address, frame, fn };
    return address;
}

const struct ke_host_routine *ke_host_routine(const void *address)
{
    const struct ke_room *r = ke_room();
    for (uint32_t i = 0; i < r->host_routine_count; i++)
        if (r->host_routines[i].address == address)
            return &r->host_routines[i];
    return NULL;
}

void ke_init(void)
{
    struct machine *m = MACHINE;
    m->rooms[ROOM_KE] = sim_alloc(sizeof(struct ke_room));
    for (uint32_t i = 0; i < m->processor_count; i++)
        processor_init(&m->processors[i]);
    for (uint32_t i = m->processor_count; i < MAX_PROCESSORS; i++)
        m->processors[i].kpcr = m->processors[m->processors[i].number].kpcr;
    ke_room()->global = map(GLOBAL_BASE, GLOBAL_BYTES);
    list_init(&ke_room()->global->timers);
    list_init(&ke_room()->global->bugcheck_callbacks);
    list_init(&ke_room()->global->bugcheck_reason_callbacks);
    ke_clock_init();
    sim_clock_create();
    ke_dpc_init();
    sim_place_hook = on_place;
    sim_resume_hook = ke_apc_resume;
    sim_idle_hook = ke_clock_idle;
    sim_timer_hook = ke_timer_waits;
    sim_timer_early_hook = ke_timer_may_come_early;
}
