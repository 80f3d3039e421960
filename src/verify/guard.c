/* See guard.h. What was found is kept as numbers in the run's room; words are made when a report asks. */
#include "verify/guard.h"

#include <stdio.h>
#include <string.h>

#include "ke/ke.h"
#include "nt/bugcheck.h"
#include "nt/irp_names.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/door.h"
#include "sim/image.h"

enum { MAX_LAST = 64, MAX_OBJECTS = 128, STATUS_BLOCK_ON_DEAD_STACK = 0xC, EVENT_ON_DEAD_STACK = 0xD };

#define STACKS_BASE (KERNEL_BASE + 0x80000000ull)
#define STACKS_END (KERNEL_BASE + 0xA0000000ull)

/* An IRP whose driver has no further location, and what lies where that would be and is nobody's to change there. */
struct last_location {
    const IRP *irp;
    ULONG64 thread, auxiliary, file, extension;
};

struct guard_finding {
    enum { NOTHING, TOUCHED, BAD_FREE, SLACK, LOCATION, DEAD_OBJECT, DEAD_OF_IRP, DEAD_CONTEXT } kind;
    struct guard_block block;
    bool has_block;
    enum guard_wrong how;
    enum guard_free reason;
    unsigned access;
    uint64_t caller; /* TOUCHED by a function of ours: who called it; 0 = unknown */
    uint64_t address, site; /* what; who: an instruction, or the return address of a call */
    const char *call, *what;
    const IRP *irp;
    const struct agent *owner; /* of the dead frame */
    uint64_t live; /* lowest stack address in use there */
};

/* Something on a kernel stack that others were told of: an object when it is initialised, a context, event or status block when its IRP is
 * sent. Dead from the first call on that its thread makes with less stack in use, whatever lies there then. */
struct stack_object {
    uint64_t address, agent_id;
    const struct agent *agent;
    bool dead;
};

struct verify_guard_room {
    struct stack_object objects[MAX_OBJECTS];
    unsigned object_count, next_object;
    struct last_location last[MAX_LAST];
    unsigned count;
    struct guard_finding found;
};

static struct verify_guard_room *room(void)
{
    return MACHINE->rooms[ROOM_GUARD];
}

static size_t stack_now(uint64_t *frames, size_t max);

/* ---- findings ---- */

static void found(struct guard_finding f, const struct guard_block *b)
{
    if (!room())
        return;
    room()->found = f;
    room()->found.has_block = b != NULL;
    if (b)
        room()->found.block = *b;
}

/* The innermost frame on the stack that is not ours; 0. */
static uint64_t caller(void)
{
    uint64_t frames[24];
    size_t n = stack_now(frames, 24);
    for (size_t i = 0; i < n; i++) {
        const struct image *image = image_at(frames[i]);
        if (image && !image->synthetic)
            return frames[i];
    }
    return 0;
}

_Noreturn void verify_guard_touched(const struct guard_block *b, enum guard_wrong how, uint64_t address, unsigned access, uint64_t rip, bool ours)
{
    found((struct guard_finding) { .kind = TOUCHED, .how = how, .access = access, .address = address, .site = rip, .caller = ours ? caller() : 0 }, b);
    ULONG code = how == GUARD_FREED ? (ours ? PAGE_FAULT_IN_FREED_SPECIAL_POOL : DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL)
                                    : (ours ? PAGE_FAULT_BEYOND_END_OF_ALLOCATION : DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION);
    KeBugCheckEx(code, address, access, rip, 0);
}

_Noreturn void verify_guard_bad_free(const struct guard_block *b, uint64_t p1, uint64_t p2, uint64_t p3, enum guard_free reason)
{
    found((struct guard_finding) { .kind = BAD_FREE, .reason = reason, .address = p2 ? p2 : p1, .site = caller() }, b);
    KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, p1, p2, p3, reason);
}

/* ---- stacks ---- */

static struct stack_object *object_at(uint64_t address)
{
    struct verify_guard_room *r = room();
    for (unsigned i = 0; i < r->object_count; i++)
        if (r->objects[i].address == address)
            return &r->objects[i];
    return NULL;
}

/* If it lies in the part of the running agent's kernel stack that is in use, from bottom on. */
static void object_note(uint64_t address, uint64_t bottom)
{
    struct verify_guard_room *r = room();
    const struct agent *a = MACHINE->fiber;
    if (address < bottom || address >= a->fiber.kernel_stack_top || bottom < a->fiber.kernel_stack)
        return;
    struct stack_object *o = object_at(address);
    if (!o && r->object_count < MAX_OBJECTS)
        o = &r->objects[r->object_count++];
    if (!o) /* more than are kept: the oldest makes room */
        o = &r->objects[r->next_object++ % MAX_OBJECTS];
    *o = (struct stack_object) { address, a->stable_id, a, false };
}

static void objects_bury(const struct door_frame *f)
{
    struct verify_guard_room *r = room();
    const struct agent *a = MACHINE->fiber;
    bool user = (uint64_t)f < a->fiber.kernel_stack || (uint64_t)f >= a->fiber.kernel_stack_top;
    for (unsigned i = 0; i < r->object_count; i++)
        if (r->objects[i].agent == a && (user || r->objects[i].address < (uint64_t)f->args))
            r->objects[i].dead = true;
}

/* Who had it on the stack, if the frame has gone; NULL. */
static const struct agent *buried(uint64_t address)
{
    const struct stack_object *o = address - STACKS_BASE < STACKS_END - STACKS_BASE ? object_at(address) : NULL;
    return o && (o->dead || o->agent->state == AGENT_DEAD || o->agent->stable_id != o->agent_id) ? o->agent : NULL;
}

/* Whose kernel stack an address lies on, if that part of it is not in use, or is by now for something else (again: of what was told in the
 * same way); NULL. bottom: where the running agent's begins. What it hands over of its own stack is what lies there now. */
static const struct agent *dead_on(uint64_t address, uint64_t bottom, bool again, uint64_t *live)
{
    const struct machine *m = MACHINE;
    *live = 0;
    if (address - STACKS_BASE >= STACKS_END - STACKS_BASE)
        return NULL;
    const struct agent *had = again ? buried(address) : NULL;
    if (had && (had != m->fiber || address < bottom)) {
        *live = 0;
        return had;
    }
    for (uint32_t i = 0; i < m->agent_count; i++) {
        const struct agent *a = m->agents[i];
        const struct fiber *s = &a->fiber;
        if (address < s->kernel_stack || address >= s->kernel_stack_top)
            continue;
        uint64_t sp = a == m->fiber ? bottom : s->guest_sp;
        bool on_it = sp >= s->kernel_stack && sp < s->kernel_stack_top && a->state != AGENT_DEAD && !a->fresh;
        *live = on_it ? sp : s->kernel_stack_top;
        return address < *live ? a : NULL;
    }
    return NULL;
}

/* ---- stack locations ---- */

static ULONG64 word_at(const IRP *irp, size_t offset)
{
    ULONG64 w;
    memcpy(&w, (const UCHAR *)irp + offset, sizeof w);
    return w;
}

static struct last_location look_at(const IRP *irp)
{
    return (struct last_location) { irp, word_at(irp, offsetof(IRP, Tail.Overlay.Thread)), word_at(irp, offsetof(IRP, Tail.Overlay.AuxiliaryBuffer)),
                                    word_at(irp, offsetof(IRP, Tail.Overlay.OriginalFileObject)), word_at(irp, sizeof *irp - 8) };
}

void verify_guard_irp_left(const IRP *irp)
{
    struct verify_guard_room *r = room();
    for (unsigned i = 0; r && i < r->count; i++)
        if (r->last[i].irp == irp) {
            r->last[i] = r->last[--r->count];
            return;
        }
}

void verify_guard_irp_sent(const IRP *irp)
{
    struct verify_guard_room *r = room();
    if (!MACHINE->watch_all)
        return;
    verify_guard_irp_left(irp);
    const IO_STACK_LOCATION *sl = irp->Tail.Overlay.CurrentStackLocation;
    uint64_t bottom = MACHINE->fiber->fiber.guest_sp;
    if (sl->CompletionRoutine)
        object_note((uint64_t)sl->Context, bottom);
    object_note((uint64_t)irp->UserEvent, bottom);
    object_note((uint64_t)irp->UserIosb, bottom);
    if (irp->CurrentLocation == 1 && r->count < MAX_LAST)
        r->last[r->count++] = look_at(irp);
}

static void check_locations(const struct door_frame *f, const char *call)
{
    struct verify_guard_room *r = room();
    for (unsigned i = 0; i < r->count; i++) {
        const struct last_location *l = &r->last[i], now = look_at(l->irp);
        if (l->irp->CurrentLocation > 1)
            continue;
        const IO_STACK_LOCATION *current = (const IO_STACK_LOCATION *)(l->irp + 1) + l->irp->CurrentLocation - 1;
        if (l->irp->Tail.Overlay.CurrentStackLocation == current && now.thread == l->thread && now.auxiliary == l->auxiliary && now.file == l->file &&
            now.extension == l->extension)
            continue;
        found((struct guard_finding) { .kind = LOCATION, .irp = l->irp, .site = f->return_address, .call = call }, mm_guard_block((uint64_t)l->irp));
        KeBugCheckEx(NO_MORE_IRP_STACK_LOCATIONS, (ULONG64)l->irp, 0, 0, 0);
    }
}

/* ---- objects in dead frames ---- */

/* Calls whose first argument is an object that they look into: those whose objects are initialised by a call, which is seen, then the others. */
static const char *const objects[] = {
    "KeSetEvent", "KeResetEvent", "KeClearEvent", "KePulseEvent", "KeReadStateEvent", "KeReleaseSemaphore", "KeReleaseMutex", "KeSetTimer", "KeSetTimerEx",
    "KeCancelTimer", "KeInsertQueueDpc", "KeRemoveQueueDpc", "KeWaitForSingleObject", "KeAcquireGuardedMutex", "KeReleaseGuardedMutex", NULL,
    "KeInsertQueueApc", "KeAcquireSpinLockRaiseToDpc", "KeReleaseSpinLock", "KfAcquireSpinLock", "KfReleaseSpinLock", "KeAcquireSpinLockAtDpcLevel",
    "KeReleaseSpinLockFromDpcLevel", "ExAcquireFastMutex", "ExReleaseFastMutex", "IofCompleteRequest", "IoFreeIrp", "IoCancelIrp",
};

static bool looks_into(const char *call, bool *initialised_by_call)
{
    *initialised_by_call = true;
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        *initialised_by_call &= objects[i] != NULL;
        if (objects[i] && strcmp(objects[i], call) == 0)
            return true;
    }
    return false;
}

static void check_argument(const struct door_frame *f, const char *call)
{
    uint64_t live;
    bool again;
    if (f->args[0] - STACKS_BASE >= STACKS_END - STACKS_BASE || !looks_into(call, &again))
        return;
    const struct agent *owner = dead_on(f->args[0], (uint64_t)f->args, again, &live);
    if (!owner)
        return;
    found((struct guard_finding) { .kind = DEAD_OBJECT, .address = f->args[0], .site = f->return_address, .call = call, .owner = owner, .live = live }, NULL);
    KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, EVENT_ON_DEAD_STACK, f->args[0], 0, f->return_address);
}

struct looking {
    const struct door_frame *f;
    const char *call;
};

static void check_irp(void *ctx, const struct guard_block *b)
{
    const struct looking *k = ctx;
    const IRP *irp = (const IRP *)b->base;
    enum { IRP_TAG = 0x20707249 };
    uint64_t live;
    /* On its way; or done, and its APC has yet to write (not after a failure that was not pended). */
    bool done = irp->CurrentLocation > irp->StackCount + 1 && (!NT_ERROR(irp->IoStatus.Status) || irp->PendingReturned);
    if (b->tag != IRP_TAG || b->bytes < sizeof *irp || irp->Type != IO_TYPE_IRP || (irp->CurrentLocation > irp->StackCount && !done))
        return;
    uint64_t bottom = (uint64_t)k->f->args;
    const struct agent *event = dead_on((uint64_t)irp->UserEvent, bottom, true, &live);
    const struct agent *status = event ? NULL : dead_on((uint64_t)irp->UserIosb, bottom, true, &live);
    if (!event && !status)
        return;
    uint64_t at = event ? (uint64_t)irp->UserEvent : (uint64_t)irp->UserIosb;
    found((struct guard_finding) { .kind = DEAD_OF_IRP, .irp = irp, .address = at, .what = event ? "event" : "status block", .site = k->f->return_address,
                                   .call = k->call, .owner = event ? event : status, .live = live }, b);
    KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, event ? EVENT_ON_DEAD_STACK : STATUS_BLOCK_ON_DEAD_STACK, at, (ULONG64)irp, k->f->return_address);
}

void verify_guard_context(const IRP *irp, uint64_t routine, uint64_t context)
{
    uint64_t live;
    const struct agent *owner = MACHINE->watch_all ? dead_on(context, MACHINE->fiber->fiber.guest_sp, true, &live) : NULL;
    if (!owner)
        return;
    found((struct guard_finding) { .kind = DEAD_CONTEXT, .irp = irp, .address = context, .site = routine, .owner = owner, .live = live }, NULL);
    KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, EVENT_ON_DEAD_STACK, context, (ULONG64)irp, routine);
}

/* ---- the door ---- */

void verify_guard_door(const struct door_frame *f, const char *call)
{
    const struct guard_block *b;
    uint64_t at = mm_guard_slack_damage(false, &b);
    if (at) {
        found((struct guard_finding) { .kind = SLACK, .how = mm_guard_looks_at_all() ? GUARD_BEYOND : GUARD_FREED, .address = at, .site = f->return_address, .call = call }, b);
        KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, b->base, at, b->bytes, GUARD_FREE_DAMAGE_BEHIND);
    }
    objects_bury(f);
    check_locations(f, call);
    check_argument(f, call);
    if (strncmp(call, "KeInitialize", 12) == 0)
        object_note(f->args[0], (uint64_t)f->args);
    struct looking k = { f, call };
    mm_guard_walk_irps(check_irp, &k);
}

void verify_guard_begin(bool on)
{
    if (!room())
        MACHINE->rooms[ROOM_GUARD] = sim_alloc(sizeof(struct verify_guard_room));
    MACHINE->watch_all = on;
    mm_guard_stack_hook = stack_now;
    mm_guard_set(on);
}

/* ---- words ---- */

static size_t stack_now(uint64_t *frames, size_t max)
{
    return verify_stack_hook ? verify_stack_hook(MACHINE->fiber, frames, max) : 0;
}

size_t (*verify_stack_hook)(const struct agent *a, uint64_t *frames, size_t max);

const struct guard_block *verify_guard_found_block(void)
{
    return room() && room()->found.kind && room()->found.has_block ? &room()->found.block : NULL;
}

static const char *kind_of_block(uint32_t tag, uint32_t bytes)
{
    if (memcmp("Io  ", &tag, 4) == 0 && bytes == sizeof(IO_WORKITEM))
        return "work item";
    static const struct {
        char tag[5];
        const char *name;
    } kinds[] = { { "Irp ", "IRP" }, { "Mdl ", "MDL" }, { "Obj ", "object" } };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (memcmp(kinds[i].tag, &tag, 4) == 0)
            return kinds[i].name;
    return "pool block";
}

/* The innermost frame of a driver in a stack; the innermost of all if there is none. */
static void who(const uint32_t *stack, char out[200])
{
    uint64_t pc = stack[0] ? KERNEL_BASE + stack[0] : 0;
    for (unsigned i = 0; i < GUARD_STACK && stack[i]; i++) {
        const struct image *image = image_at(KERNEL_BASE + stack[i]);
        if (!image || image->synthetic)
            continue;
        pc = KERNEL_BASE + stack[i];
        break;
    }
    snprintf(out, 200, "somebody");
    if (pc)
        image_symbol_text(pc, out, 200);
}

static size_t block_text(const struct guard_block *b, char *out, size_t size)
{
    char by[200], freed[200] = "", tag[5];
    for (int i = 0; i < 4; i++) {
        char c = (char)(b->tag >> 8 * i);
        tag[i] = c >= 0x20 && c < 0x7F ? c : '.';
    }
    tag[4] = 0;
    who(b->allocated, by);
    if (!b->live)
        who(b->freed, freed);
    return (size_t)snprintf(out, size, "%s %016llx (tag '%s', %u bytes; allocated by %s%s%s)", kind_of_block(b->tag, b->bytes), (unsigned long long)b->base, tag, b->bytes, by,
                            b->live ? "" : ", freed by ", freed);
}

static void place_text(const struct guard_finding *g, char *out, size_t size)
{
    const struct guard_block *b = &g->block;
    uint64_t end = b->base + b->bytes;
    char block[600];
    block_text(b, block, sizeof block);
    if (g->address < b->base)
        snprintf(out, size, "%llu bytes before the %s%s", (unsigned long long)(b->base - g->address), b->live ? "" : "freed ", block);
    else if (g->address >= end)
        snprintf(out, size, "behind the end (offset 0x%llx) of the %s%s", (unsigned long long)(g->address - b->base), b->live ? "" : "freed ", block);
    else
        snprintf(out, size, "at offset 0x%llx of the %s%s", (unsigned long long)(g->address - b->base), b->live ? "" : "freed ", block);
}

static void owner_text(const struct agent *a, char out[80])
{
    const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
    if (a == ke_bugcheck_info()->agent)
        snprintf(out, 80, "this thread");
    else if (t && t->ethread)
        snprintf(out, 80, "thread %016llx", (unsigned long long)(uint64_t)t->ethread);
    else
        snprintf(out, 80, a->kind == AGENT_THREAD ? "a thread that has ended" : "a DPC");
}

static void dead_text(const struct guard_finding *g, char *out, size_t size)
{
    char owner[80], site[200], irp[64] = "", in_use[60] = "";
    owner_text(g->owner, owner);
    if (g->live)
        snprintf(in_use, sizeof in_use, ", which is in use from %016llx", (unsigned long long)g->live);
    image_symbol_text(g->site, site, sizeof site);
    if (g->irp)
        snprintf(irp, sizeof irp, " of IRP %016llx", (unsigned long long)(uint64_t)g->irp);
    if (g->kind == DEAD_OBJECT)
        snprintf(out, size, "%s gives nt!%s an object that lies in a stack frame that has been popped: %016llx, on the stack of %s%s", site,
                 g->call, (unsigned long long)g->address, owner, in_use);
    else if (g->kind == DEAD_CONTEXT)
        snprintf(out, size, "completion routine %s%s gets a context that lies in a stack frame that has been popped: %016llx, on the stack of %s%s",
                 site, irp, (unsigned long long)g->address, owner, in_use);
    else
        snprintf(out, size, "the %s%s, which is under way, lies in a stack frame that has been popped: %016llx, on the stack of %s%s "
                 "(seen when %s calls nt!%s)", g->what, irp, (unsigned long long)g->address, owner, in_use, site, g->call);
}

static void free_text(const struct guard_finding *g, const char *site, char *out, size_t size)
{
    char where[800] = "";
    if (g->has_block)
        place_text(g, where, sizeof where);
    if (g->reason == GUARD_FREE_BAD_ADDRESS)
        snprintf(out, size, "special pool: %s frees %016llx, where no block begins", site, (unsigned long long)g->address);
    else if (g->reason == GUARD_FREE_NOT_ALLOCATED)
        snprintf(out, size, "special pool: %s frees again the %s", site, strstr(where, "freed ") ? strstr(where, "freed ") : where);
    else
        snprintf(out, size, "special pool: memory was overwritten %s; seen when %s frees it", where, site);
}

bool verify_guard_text(char *out, size_t size, uint64_t *place)
{
    if (!room() || !room()->found.kind)
        return false;
    static const char *const did[9] = { [0] = "reads", [1] = "writes", [8] = "executes" };
    const struct guard_finding *g = &room()->found;
    char site[200], where[800];
    image_symbol_text(g->site, site, sizeof site);
    *place = g->site;
    switch (g->kind) {
    case TOUCHED:
        place_text(g, where, sizeof where);
        if (g->caller) {
            char by[200];
            image_symbol_text(g->caller, by, sizeof by);
            *place = g->caller;
            snprintf(site + strcspn(site, "+"), sizeof site - strcspn(site, "+"), ", called by %.150s,", by);
        }
        snprintf(out, size, "special pool: %s %s %s", site, did[g->access & 8 ? 8 : g->access & 1], where);
        break;
    case BAD_FREE:
        free_text(g, site, out, size);
        break;
    case SLACK:
        place_text(g, where, sizeof where);
        snprintf(out, size, "special pool: memory was overwritten %s; %s %s calls nt!%s", where, g->how == GUARD_BEYOND ? "it was whole at the call before" : "seen when",
                 site, g->call);
        break;
    case LOCATION:
        snprintf(out, size, "a stack location beyond the last one of IRP %016llx (StackCount %d) was written: its current location is the last, there is no next one; "
                 "seen when %s calls nt!%s", (unsigned long long)(uint64_t)g->irp, g->irp->StackCount, site, g->call);
        break;
    default:
        dead_text(g, out, size);
    }
    return true;
}
