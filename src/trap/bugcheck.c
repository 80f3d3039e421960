/* How a run ends that cannot go on. The record stays in the machine for the views; nothing is printed here. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/door.h"
#include "trap/trap.h"

struct trap_room *trap_room(void)
{
    if (!MACHINE->rooms[ROOM_TRAP])
        MACHINE->rooms[ROOM_TRAP] = sim_alloc(sizeof(struct trap_room));
    return MACHINE->rooms[ROOM_TRAP];
}

/* A frame of an export that our own code called, so that `k` begins with KeBugCheckEx however we came here. */
static void export_frame_push(const char *name)
{
    struct fiber *f = &MACHINE->fiber->fiber;
    uint64_t slot = door_export_address("ntoskrnl.exe", name);
    if (!slot || f->guest_sp < f->kernel_stack + 0x400 || f->guest_sp > f->kernel_stack_top || f->frame_site - slot < 64)
        return;
    struct door_frame *d = (struct door_frame *)(f->guest_sp - 8 - DOOR_FRAME_SIZE);
    memset(d, 0, sizeof *d);
    d->return_address = f->frame_site;
    f->guest_sp = (uint64_t)d;
    f->frame_site = door_site(door_index_at(slot));
}

_Noreturn void KeBugCheckEx(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4)
{
    struct ke_bugcheck *b = &trap_room()->bugcheck;
    IR_ASSERT(MACHINE->fiber);
    export_frame_push("KeBugCheckEx");
    *b = (struct ke_bugcheck) { .happened = true, .code = code, .p = { p1, p2, p3, p4 }, .agent = MACHINE->fiber };
    sim_end(RUN_BUGCHECK);
}

_Noreturn void KeBugCheck(ULONG code);
_Noreturn void KeBugCheck(ULONG code)
{
    KeBugCheckEx(code, 0, 0, 0, 0);
}

const struct ke_bugcheck *ke_bugcheck_info(void)
{
    return &trap_room()->bugcheck;
}

_Noreturn void ke_unsupported(const char *format, ...)
{
    struct trap_room *r = trap_room();
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->unsupported, sizeof r->unsupported, format, ap);
    va_end(ap);
    r->unsupported_agent = MACHINE->fiber;
    if (!MACHINE->fiber)
        base_panic("%s", r->unsupported);
    sim_end(RUN_UNSUPPORTED);
}

const char *trap_unsupported_text(void)
{
    return trap_room()->unsupported[0] ? trap_room()->unsupported : NULL;
}

struct agent *trap_unsupported_agent(void)
{
    return trap_room()->unsupported_agent;
}

const struct trap_crash *trap_crash_info(void)
{
    return &trap_room()->crash;
}

const struct trap_crash *trap_hang_info(void)
{
    return &trap_room()->hang;
}
