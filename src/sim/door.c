/* Dispatching calls through the door and calling back; see door.h. */
#include "sim/door.h"

#include <string.h>

#include "sim/access.h"
#include "sim/after.h"
#include "sim/image.h"
#include "sim/machine.h"

_Static_assert(offsetof(struct door_frame, rbx) == DOOR_FRAME_GPR, "door.S");
_Static_assert(offsetof(struct door_frame, xmm) == DOOR_FRAME_XMM, "door.S");
_Static_assert(offsetof(struct door_frame, index) == DOOR_FRAME_INDEX, "door.S");
_Static_assert(offsetof(struct door_frame, return_address) == DOOR_FRAME_SIZE, "door.S");

void (*door_breach_hook)(const struct door_entry *e, uint8_t irql);
void (*door_trace_hook)(const struct door_entry *e, const struct door_frame *f, bool leaving, uint64_t result);
void (*door_watch_hook)(const struct door_frame *f, const char *name);
void (*door_gone_hook)(uint64_t address);
void (*door_leave_hook)(void);
void (*door_freed_hook)(uint64_t address, bool writes, uint64_t rip);
void (*door_memory_hook)(uint64_t caller, uint64_t to, bool writes, uint64_t from, uint64_t bytes);

/* The four doubles are xmm0 to xmm3 in both conventions: whatever the function takes, it finds it there. */
typedef uint64_t fn6(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double, double);
typedef double fn6d(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double, double);
typedef uint64_t fn9(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
typedef uint64_t fn16(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                      uint64_t, uint64_t, uint64_t, uint64_t);
typedef uint64_t fnv(const uint64_t *);

static uint64_t call(const struct door_entry *e, const uint64_t *a, const double *d)
{
    if (e->nargs == DOOR_VARARGS)
        return ((fnv *)e->fn)(a);
    if (e->nargs <= 4)
        return ((fn6 *)e->fn)(a[0], a[1], a[2], a[3], 0, 0, d[0], d[1], d[2], d[3]);
    if (e->nargs <= 6)
        return ((fn6 *)e->fn)(a[0], a[1], a[2], a[3], a[4], a[5], d[0], d[1], d[2], d[3]);
    if (e->nargs <= 9)
        return ((fn9 *)e->fn)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
    return ((fn16 *)e->fn)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15]);
}

static bool irql_allowed(uint8_t rule, uint8_t irql)
{
    if (rule == IRQL_EXACT_DISPATCH)
        return irql == DISPATCH_LEVEL;
    return irql <= rule;
}

static uint64_t truncate_result(uint8_t ret, uint64_t r)
{
    switch (ret) {
    case 0:
        return 0;
    case 1:
        return (uint8_t)r;
    case 2:
        return (uint16_t)r;
    case 4:
        return (uint32_t)r;
    default:
        return r;
    }
}

/* The guest gets its saved registers back, and the result in rax. */
static void look_behind(const struct door_entry *e, const struct door_frame *f, uint64_t result)
{
    struct machine *m = MACHINE;
    bool alone = m->runnable == 1 && !m->every_point && !m->time_any;
    if (m->fiber->quiet || !sim_block_hook || (alone && !sim_access_wanted()))
        return;
    struct after_state s = { .rip = f->return_address,
                             .reg = { result, 0, 0, f->rbx, (uint64_t)f->args, f->rbp, f->rsi, f->rdi, 0, 0, 0, 0, f->r12, f->r13, f->r14, f->r15 },
                             .known = 0xF0F8 };
    if (e->ret && e->ret != DOOR_RET_DOUBLE)
        s.known |= 1;
    struct after_touch touches[AFTER_MOST];
    unsigned n = after_touches(&s, sim_block_hook, touches);
    if (!n)
        return;
    uint64_t blocks[AFTER_MOST];
    for (unsigned i = 0; i < n; i++)
        blocks[i] = touches[i].block;
    bool switched = sim_point_after(blocks, n);
    if (!door_freed_hook)
        return;
    if (switched)
        n = after_touches(&s, sim_block_hook, touches); /* as it is now that it goes on */
    for (unsigned i = 0; i < n; i++)
        if (touches[i].freed && touches[i].certain)
            door_freed_hook(touches[i].address, touches[i].writes, touches[i].rip);
}

static void tell_memory(const struct door_entry *e, const struct door_frame *f)
{
    uint64_t bytes = e->point & DOOR_CLEARS ? f->args[1] : f->args[2];
    bool two = e->point & (DOOR_COPIES | DOOR_COMPARES);
    door_memory_hook(f->return_address, f->args[0], !(e->point & DOOR_COMPARES), two ? f->args[1] : 0, bytes);
}

uint64_t door_result_high; /* between two instructions of one call only: no state of a run */

/* Called by door.S on the host stack of the running agent. */
uint64_t door_dispatch(struct door_frame *f, uint32_t index);
uint64_t door_dispatch(struct door_frame *f, uint32_t index)
{
    IR_ASSERT(index < door_count);
    const struct door_entry *e = &door_table[index];
    struct fiber *fiber = &MACHINE->fiber->fiber;
    uint64_t site = fiber->frame_site;
    double xmm[4], result = 0;
    memcpy(xmm, f->out, sizeof xmm); /* before a callback uses the place */
    fiber->frame_site = door_site(index); /* first of all: who looks at the stack from here on sees this call */
    if (MACHINE->fiber->watched || MACHINE->watch_all)
        door_watch_hook(f, e->name);
    if (!irql_allowed(e->irql, sim_irql()) && door_breach_hook)
        door_breach_hook(e, sim_irql());
    if (e->gate)
        sim_point_when(f->args[0], e->gate, f->args);
    else if (e->point & DOOR_BEFORE)
        sim_point(f->args[0]);
    else if (e->point >= DOOR_COPIES && door_memory_hook)
        tell_memory(e, f);
    if (door_trace_hook && !MACHINE->probing)
        door_trace_hook(e, f, false, 0);
    uint64_t r = 0;
    if (e->ret == DOOR_RET_DOUBLE)
        result = ((fn6d *)e->fn)(f->args[0], f->args[1], f->args[2], f->args[3], 0, 0, xmm[0], xmm[1], xmm[2], xmm[3]);
    else
        r = truncate_result(e->ret, call(e, f->args, xmm));
    memcpy(f->out, &result, sizeof result);
    f->out[1] = door_result_high;
    door_result_high = 0;
    if (e->point & DOOR_BEHIND)
        look_behind(e, f, r);
    fiber->frame_site = site;
    if (door_trace_hook && !MACHINE->probing)
        door_trace_hook(e, f, true, r);
    if (host_losses_wait)
        host_lose_now();
    return r;
}

const struct door_entry *door_current_call(const struct agent *a)
{
    const struct door_frame *f = (const struct door_frame *)a->fiber.guest_sp;
    return f->index < door_count ? &door_table[f->index] : NULL;
}

void *guest_frame_locals(void)
{
    return memset((void *)(MACHINE->fiber->fiber.guest_sp + CALLBACK_MAX_ARGS * 8), 0, 0x80);
}

void *guest_small_local(void)
{
    return (void *)(MACHINE->fiber->fiber.guest_sp + (CALLBACK_MAX_ARGS - 1) * 8);
}

struct guest_mark guest_frame_push(uint32_t frame)
{
    struct fiber *f = &MACHINE->fiber->fiber;
    struct guest_mark mark = { f->guest_sp, f->frame_site };
    uint64_t *sp = (uint64_t *)f->guest_sp;
    uint32_t size = door_frame_size((enum frame_name)frame);
    *--sp = f->frame_site;
    f->guest_sp = (uint64_t)sp - size;
    f->frame_site = door_frame_site((enum frame_name)frame);
    return mark;
}

void guest_frame_pop(struct guest_mark mark)
{
    struct fiber *f = &MACHINE->fiber->fiber;
    f->guest_sp = mark.sp;
    f->frame_site = mark.site;
}

/* The driver whose code an agent is about to run, or has run: on its own account (in a thread, work item or DPC), or called by others than that
 * driver, from the call at sp. Unloading is in order with that. */
static void outermost(const void *fn, uint64_t sp)
{
    if (!(sim_listeners & SIM_LISTENS_ACCESS) || (uint64_t)fn < KERNEL_BASE)
        return;
    const struct image *image = image_at((uint64_t)fn);
    uint64_t caller = sp ? ((const struct door_frame *)sp)->return_address : 0;
    if (image && !image->synthetic && caller - image->base >= image->size)
        sim_access_order(SIM_ACCESS_OF(SIM_IMAGE, image->base), SIM_READ);
}

uint64_t guest_call_array(uint32_t frame, void *fn, unsigned nargs, const uint64_t *args)
{
    IR_ASSERT(nargs <= CALLBACK_MAX_ARGS);
    struct fiber *f = &MACHINE->fiber->fiber;
    struct guest_mark mark = { f->guest_sp, f->frame_site };
    if (frame)
        guest_frame_push(frame);
    if (MACHINE->images_gone)
        door_gone_hook((uint64_t)fn);
    for (unsigned i = 4; i < nargs; i++)
        ((uint64_t *)(f->guest_sp + 0x20))[i - 4] = args[i];
    bool first = !f->callback;
    if (first) {
        outermost(fn, 0);
        host_slices_hide_now();
    }
    if (host_losses_wait)
        host_lose_now();
    uint64_t r = host_guest_call(fn, f->guest_sp, args, f->frame_site);
    outermost(fn, first ? 0 : mark.sp);
    guest_frame_pop(mark);
    return r;
}
