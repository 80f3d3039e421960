/* Events and status blocks in stack frames that have been popped, and IRPs that thread ends wait for; see stack.h.
 *
 * An agent with such IRPs has `watched` set; the door then asks here at each of its calls. Everything is kept as numbers; words are
 * made when a report asks. */
#include "verify/stack.h"

#include <stdio.h>
#include <string.h>

#include "ke/ke.h"
#include "nt/irp_names.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "trace/trace.h"
#include "verify/guard.h"
#include "verify/pool_rules.h"

enum { MAX_WATCHES = 64, MAX_WARNINGS = 16, IOMANAGER_VIOLATION = 0xC9, DETECTED_VIOLATION = 0xC4,
       CANCELLED_IRP_NOT_COMPLETED = 0x135, FIVE_MINUTES_MS = 300000, STATUS_BLOCK_ON_DEAD_STACK = 0xC, EVENT_ON_DEAD_STACK = 0xD };

struct watch {
    const IRP *irp;
    struct agent *agent;
    const char *builder;
    uint64_t site; /* return address of the call that built it */
    uint64_t frame; /* the stack pointer there */
    uint64_t event, status_block, buffer; /* 0: not on this thread's stack */
    uint8_t irql; /* there */
    int16_t special; /* SpecialApcDisable there */
    bool completed;
    bool harmless; /* failed at once: nothing will be written */
};

struct warning {
    struct watch w;
    const char *call;
    uint64_t site;
    uint8_t irql;
    int16_t special;
};

struct verify_room {
    bool on;
    struct watch watches[MAX_WATCHES];
    unsigned count;
    struct warning warnings[MAX_WARNINGS];
    unsigned warning_count;
    struct finding {
        enum { NOTHING_FOUND, DEAD_FRAME, STUCK_IRP } kind;
        struct watch w;
        uint64_t live; /* lowest stack address in use */
        uint64_t site; /* who calls */
        const char *call;
    } finding;
};

static struct verify_room *room(void)
{
    return MACHINE->rooms[ROOM_VERIFY];
}

bool verify_is_on(void)
{
    return room() && room()->on;
}

/* ---- what is watched ---- */

static bool on_stack_of(const struct agent *a, uint64_t address)
{
    return address >= a->fiber.kernel_stack && address < a->fiber.kernel_stack_top;
}

static struct watch *find(const IRP *irp)
{
    struct verify_room *r = room();
    for (unsigned i = 0; r && i < r->count; i++)
        if (r->watches[i].irp == irp)
            return &r->watches[i];
    return NULL;
}

static const struct door_frame *here(void)
{
    return (const struct door_frame *)MACHINE->fiber->fiber.guest_sp;
}

static void warn(const struct watch *w, const char *call)
{
    struct verify_room *r = room();
    uint64_t site = here()->return_address;
    for (unsigned i = 0; i < r->warning_count; i++)
        if (r->warnings[i].site == site || r->warnings[i].w.irp == w->irp)
            return;
    if (r->warning_count == MAX_WARNINGS)
        return;
    r->warnings[r->warning_count++] = (struct warning) { *w, call, site, sim_irql(), ps_current()->ethread->Tcb.SpecialApcDisable };
    trace_event(TRACE_FINDING, (uint64_t)w->irp, site, sim_irql(), (uint64_t)(uint16_t)ps_current()->ethread->Tcb.SpecialApcDisable);
}

void verify_threaded_built(const IRP *irp, const char *builder)
{
    struct verify_room *r = room();
    struct agent *a = sim_current();
    if (!r || !r->on || a->kind != AGENT_THREAD || r->count == MAX_WATCHES)
        return;
    struct watch w = { .irp = irp, .agent = a, .builder = builder, .irql = sim_irql() };
    w.site = here()->return_address;
    w.frame = (uint64_t)here()->args;
    w.special = ps_current()->ethread->Tcb.SpecialApcDisable;
    w.event = on_stack_of(a, (uint64_t)irp->UserEvent) ? (uint64_t)irp->UserEvent : 0;
    w.status_block = on_stack_of(a, (uint64_t)irp->UserIosb) ? (uint64_t)irp->UserIosb : 0;
    w.buffer = (irp->Flags & IRP_INPUT_OPERATION) && on_stack_of(a, (uint64_t)irp->UserBuffer) ? (uint64_t)irp->UserBuffer : 0;
    if (KeAreAllApcsDisabled())
        warn(&w, builder);
    if (!w.event && !w.status_block)
        return;
    r->watches[r->count++] = w;
    a->watched++;
}

void verify_threaded_sent(const IRP *irp)
{
    const struct watch *w = find(irp);
    if (w && w->agent == sim_current() && KeAreAllApcsDisabled())
        warn(w, "IofCallDriver");
}

void verify_threaded_completed(const IRP *irp)
{
    struct watch *w = find(irp);
    if (!w)
        return;
    w->completed = true;
    w->harmless = NT_ERROR(irp->IoStatus.Status) && !irp->PendingReturned;
}

void verify_threaded_gone(const IRP *irp)
{
    struct watch *w = find(irp);
    if (!w)
        return;
    w->agent->watched--;
    struct verify_room *r = room();
    size_t behind = (size_t)(&r->watches[r->count] - (w + 1));
    memmove(w, w + 1, behind * sizeof *w);
    r->count--;
}

/* ---- the finding ---- */

static bool dead(uint64_t address, uint64_t live)
{
    return address && address < live;
}

static void check(const struct door_frame *f, const char *call)
{
    const struct agent *a = sim_current();
    struct verify_room *r = room();
    if (MACHINE->watch_all)
        verify_guard_door(f, call);
    uint64_t live = on_stack_of(a, (uint64_t)f) ? (uint64_t)f->args : a->fiber.kernel_stack_top; /* in user mode all of it is free */
    for (unsigned i = 0; i < r->count; i++) {
        const struct watch *w = &r->watches[i];
        if (w->agent != a || w->harmless || (!dead(w->event, live) && !dead(w->status_block, live)))
            continue;
        r->finding = (struct finding) { DEAD_FRAME, *w, live, f->return_address, call };
        if (dead(w->event, live))
            KeBugCheckEx(IOMANAGER_VIOLATION, EVENT_ON_DEAD_STACK, w->event, (ULONG64)w->irp, w->site);
        KeBugCheckEx(IOMANAGER_VIOLATION, STATUS_BLOCK_ON_DEAD_STACK, w->status_block, (ULONG64)w->irp, w->site);
    }
}

void verify_stuck(const IRP *irp, const ETHREAD *thread)
{
    struct verify_room *r = room();
    if (!r || !r->on)
        return;
    r->finding = (struct finding) { .kind = STUCK_IRP, .w.irp = irp, .site = (uint64_t)thread };
    KeBugCheckEx(DETECTED_VIOLATION, CANCELLED_IRP_NOT_COMPLETED, (ULONG64)irp, FIVE_MINUTES_MS, (ULONG64)thread);
}

void verify_init(bool on)
{
    struct verify_room *r = sim_alloc(sizeof *r);
    r->on = on;
    MACHINE->rooms[ROOM_VERIFY] = r;
    door_watch_hook = check;
    verify_pool_rules(on);
}

/* ---- words ---- */

static void held_back_by(uint8_t irql, int16_t special, char out[64])
{
    if (irql >= APC_LEVEL)
        snprintf(out, 64, "at IRQL %u%s", irql, irql == APC_LEVEL ? " (APC_LEVEL)" : "");
    else
        snprintf(out, 64, "in a guarded region (SpecialApcDisable %d)", special);
}

static size_t place(const struct watch *w, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    if (w->event)
        n += (size_t)snprintf(out + n, size - n, "event %016llx", (unsigned long long)w->event);
    if (w->status_block && n < size)
        n += (size_t)snprintf(out + n, size - n, "%sstatus block %016llx", n ? ", " : "", (unsigned long long)w->status_block);
    if (w->buffer && n < size)
        n += (size_t)snprintf(out + n, size - n, "%soutput buffer %016llx", n ? ", " : "", (unsigned long long)w->buffer);
    return n;
}

static void symbol(uint64_t address, char out[200])
{
    image_symbol_text(address, out, 200);
}

unsigned verify_warning_count(void)
{
    return room() ? room()->warning_count : 0;
}

void verify_warning_text(unsigned index, char *out, size_t size)
{
    const struct warning *w = &room()->warnings[index];
    char site[200], level[64], where[120];
    symbol(w->site, site);
    held_back_by(w->irql, w->special, level);
    place(&w->w, where, sizeof where);
    snprintf(out, size,
             "%s called %s: nt!%s %s a threaded IRP (%016llx) while all APCs are disabled; nt!IopCompleteRequest cannot run in this thread before they are "
             "enabled again%s%s%s",
             site, level, w->call, strcmp(w->call, "IofCallDriver") == 0 ? "sends" : "makes", (unsigned long long)(uint64_t)w->w.irp,
             where[0] ? ", and writes to this stack then (" : "", where, where[0] ? ")" : "");
}

static void stuck_text(const struct finding *f, char *out, size_t size)
{
    const IRP *irp = f->w.irp;
    const IO_STACK_LOCATION *sl = irp->Tail.Overlay.CurrentStackLocation;
    bool at_a_driver = irp->CurrentLocation <= irp->StackCount && sl->DeviceObject;
    char driver[128] = "nobody";
    if (at_a_driver)
        ob_name_text(sl->DeviceObject->DriverObject, driver, sizeof driver);
    snprintf(out, size, "stuck IRP: thread %016llx ends and cannot take %016llx (%s) with it: %s holds it, it %s, and five minutes after it was cancelled it has "
             "not been completed",
             (unsigned long long)f->site, (unsigned long long)(uint64_t)irp, at_a_driver ? nt_major_name(sl->MajorFunction) : "completed", driver,
             irp->CancelRoutine ? "has got a cancel routine since" : "had no cancel routine or its cancel routine did not complete it");
}

static void dead_frame_text(const struct finding *f, char *out, size_t size)
{
    char built[200], now[200], level[64], where[120];
    symbol(f->w.site, built);
    symbol(f->site, now);
    held_back_by(f->w.irql, f->w.special, level);
    place(&f->w, where, sizeof where);
    bool enabled = f->w.irql < APC_LEVEL && !f->w.special;
    snprintf(out, size,
             "threaded IRP %016llx, made by nt!%s for %s%s%s, is %s, and the frame that holds its %s has been popped (stack in use from %016llx, %s calling "
             "nt!%s): the special kernel APC nt!IopCompleteRequest (KAPC %016llx) will write there",
             (unsigned long long)(uint64_t)f->w.irp, f->w.builder, built, enabled ? "" : " ", enabled ? "" : level,
             f->w.completed ? "completed but not finished" : "still under way", where, (unsigned long long)f->live, now, f->call,
             (unsigned long long)((uint64_t)f->w.irp + offsetof(IRP, Tail.Apc)));
}

bool verify_finding_text(char *out, size_t size)
{
    const struct verify_room *r = room();
    if (!r || !r->finding.kind)
        return false;
    if (r->finding.kind == STUCK_IRP)
        stuck_text(&r->finding, out, size);
    else
        dead_frame_text(&r->finding, out, size);
    return true;
}
