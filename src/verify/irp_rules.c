/* Rules that NT enforces even without Driver Verifier, and those of 0xC9 that cost nothing. */
#include "ke/ke.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "verify/stack.h"
#include "verify/verify.h"

enum { BUGCHECK_VERIFIER_IO = 0xC9 };

/* ---- the pending mark ----
 * A dispatch routine returns STATUS_PENDING exactly if its location is marked pending. The request may be completed, and gone, before
 * the routine returns, by anybody: so the calls under way are noted in a table, and what completion finds in the location with them.
 * A call that never returns (its thread ends, an exception passes it) keeps its slot. */

enum { SLOTS = 64, PENDING_UNMARKED = 0x220, MARKED_NOT_PENDING = 0x221 /* GUESS: the numbers */ };

struct dispatch_note {
    const IRP *irp; /* NULL: free */
    const IO_STACK_LOCATION *location;
    bool left, pended; /* completed through the location, and its mark then */
};

struct rules_room {
    struct dispatch_note notes[SLOTS];
    unsigned used; /* no slot from here on is taken */
};

static struct rules_room *rules(void)
{
    if (!MACHINE->rooms[ROOM_RULES])
        MACHINE->rooms[ROOM_RULES] = sim_alloc(sizeof(struct rules_room));
    return MACHINE->rooms[ROOM_RULES];
}

static int note_call(const IRP *irp)
{
    struct rules_room *r = rules();
    for (int i = 0; i < SLOTS; i++)
        if (!r->notes[i].irp) {
            r->notes[i] = (struct dispatch_note) { .irp = irp, .location = irp->Tail.Overlay.CurrentStackLocation };
            if (r->used <= (unsigned)i)
                r->used = (unsigned)i + 1;
            return i;
        }
    return -1;
}

void verify_location_left(const IRP *irp, const IO_STACK_LOCATION *location)
{
    struct rules_room *r = rules();
    for (unsigned i = 0; i < r->used; i++) {
        struct dispatch_note *n = &r->notes[i];
        if (n->irp == irp && n->location == location && !n->left) { /* once it has, another IRP may be at that address */
            n->left = true;
            n->pended = location->Control & SL_PENDING_RETURNED;
        }
    }
}

static bool is_of_driver(PVOID routine)
{
    const struct image *i = image_at((uint64_t)routine);
    return i && !i->synthetic;
}

static void check_mark(const struct verify_dispatch *v, NTSTATUS status)
{
    struct rules_room *r = rules();
    struct dispatch_note n = r->notes[v->slot];
    r->notes[v->slot].irp = NULL;
    while (r->used && !r->notes[r->used - 1].irp)
        r->used--;
    bool holds = !n.left && n.irp->Tail.Overlay.CurrentStackLocation == n.location;
    bool marked = n.left ? n.pended : holds && (n.location->Control & SL_PENDING_RETURNED);
    if (status == STATUS_PENDING && (n.left || holds) && !marked && is_of_driver(v->routine))
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, PENDING_UNMARKED, (ULONG64)v->routine, (ULONG64)v->device, (ULONG64)n.irp);
    if (status != STATUS_PENDING && holds && marked && is_of_driver(v->routine))
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, MARKED_NOT_PENDING, (ULONG64)v->routine, (ULONG64)v->device, (ULONG64)n.irp);
}

/* ---- dispatch routines ---- */

void verify_dispatch_enter(struct verify_dispatch *v, DEVICE_OBJECT *device, const IRP *irp)
{
    v->device = device;
    v->major = irp->Tail.Overlay.CurrentStackLocation->MajorFunction;
    v->routine = device->DriverObject->MajorFunction[v->major];
    v->irql = sim_irql();
    v->slot = note_call(irp);
}

void verify_dispatch_leave(struct verify_dispatch *v, NTSTATUS status)
{
    /* DOC: 0xC9 with 5: the dispatch routine returned at another IRQL. */
    if (verify_is_on() && sim_irql() != v->irql)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 5, (ULONG64)v->routine, sim_irql(), v->irql);
    if (v->slot >= 0)
        check_mark(v, status);
}

void verify_completion_enter(struct verify_completion *v, const IRP *irp, PVOID routine)
{
    v->routine = routine;
    v->irql = sim_irql();
}

void verify_completion_leave(const struct verify_completion *v, NTSTATUS status)
{
}

void verify_call_driver_bad_irp(const IRP *irp)
{
    KeBugCheckEx(BUGCHECK_VERIFIER_IO, 3, (ULONG64)irp, 0, 0);
}

void verify_irp_free(const IRP *irp)
{
    if (irp->Type != IO_TYPE_IRP)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 1, (ULONG64)irp, 0, 0);
    if (irp->ThreadListEntry.Flink != &irp->ThreadListEntry)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 2, (ULONG64)irp, 0, 0);
}

void verify_complete(const IRP *irp)
{
    if (irp->IoStatus.Status == STATUS_PENDING || irp->IoStatus.Status == -1)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 6, (ULONG64)(uint32_t)irp->IoStatus.Status, (ULONG64)irp, 0);
    if (irp->CancelRoutine)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 7, (ULONG64)irp->CancelRoutine, (ULONG64)irp, 0);
}
