/* IoConnectInterrupt and its kin: from a device's resources to ke's interrupt objects. */
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "pnp/pnp.h"
#include "nt/status.h"

enum { FULLY_SPECIFIED = 1, LINE_BASED, MESSAGE_BASED, FULLY_SPECIFIED_GROUP, LATCHED = 1, MESSAGE_TAG = 0x6D496F49,
       MESSAGE_ADDRESS = 0xFEE00000 /* where a message is written to: the local APIC's, processor 0 */ };

/* IO_CONNECT_INTERRUPT_PARAMETERS: its three forms, which begin alike, in one. */
struct parameters {
    ULONG version;
    DEVICE_OBJECT *device;
    union {
        struct _KINTERRUPT **object;
        struct message_table **table;
    };
    PVOID routine;
    PVOID context;
    KSPIN_LOCK *lock;
    KIRQL synchronize_irql;
    BOOLEAN floating_save;
    BOOLEAN shared;
    ULONG vector;
    union {
        struct {
            KIRQL irql;
            ULONG mode;
        };
        PVOID fallback; /* message based (whose object is a table, its routine a PKMESSAGE_SERVICE_ROUTINE): the routine for a device that has only a line */
    };
    uint64_t processors;
    USHORT group;
};
_Static_assert(offsetof(struct parameters, object) == 0x10 && offsetof(struct parameters, synchronize_irql) == 0x30, "layout");
_Static_assert(offsetof(struct parameters, shared) == 0x32 && offsetof(struct parameters, vector) == 0x34, "layout");
_Static_assert(offsetof(struct parameters, fallback) == 0x38 && offsetof(struct parameters, mode) == 0x3C, "layout");
_Static_assert(offsetof(struct parameters, processors) == 0x40 && sizeof(struct parameters) == 0x50, "layout");

/* IO_INTERRUPT_MESSAGE_INFO */
struct message_entry {
    PHYSICAL_ADDRESS address;
    KAFFINITY processors;
    struct _KINTERRUPT *object;
    ULONG data;
    ULONG vector;
    KIRQL irql;
    ULONG mode;
    ULONG polarity;
};
struct message_table {
    KIRQL unified_irql;
    ULONG count;
    struct message_entry message[];
};
_Static_assert(offsetof(struct message_entry, object) == 0x10 && offsetof(struct message_entry, vector) == 0x1C && offsetof(struct message_entry, mode) == 0x24, "layout");
_Static_assert(sizeof(struct message_entry) == 0x30 && offsetof(struct message_table, message) == 8, "layout");

/* IO_DISCONNECT_INTERRUPT_PARAMETERS, IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS */
struct connection {
    ULONG version;
    union {
        struct _KINTERRUPT *object;
        struct message_table *table;
    };
};

NTSTATUS IoConnectInterrupt(struct _KINTERRUPT **object, PVOID routine, PVOID context, KSPIN_LOCK *lock, ULONG vector, ULONG irql, ULONG synchronize_irql, ULONG mode,
                            ULONG shared, uint64_t processors, ULONG floating_save)
{
    const struct ke_interrupt want = { .routine = routine, .context = context, .lock = lock, .vector = vector, .irql = (KIRQL)irql, .synchronize_irql = (KIRQL)synchronize_irql,
                                       .shared = (BOOLEAN)shared, .latched = mode == LATCHED };
    *object = NULL;
    return processors ? ke_interrupt_connect(&want, object) : STATUS_INVALID_PARAMETER;
}

void IoDisconnectInterrupt(struct _KINTERRUPT *object)
{
    ke_interrupt_disconnect(object);
}

/* The line that the device was given when it was started. */
static NTSTATUS connect_line(const struct parameters *p, PVOID routine)
{
    struct pnp_interrupt line;
    if (!p->device || !pnp_interrupt_of(p->device, &line))
        return STATUS_NOT_FOUND;
    const struct ke_interrupt want = { .routine = routine, .context = p->context, .lock = p->lock, .vector = line.vector, .irql = line.irql,
                                       .synchronize_irql = p->synchronize_irql > line.irql ? p->synchronize_irql : line.irql, .shared = line.shared, .latched = line.latched };
    return ke_interrupt_connect(&want, p->object);
}

static ULONG message_count(const DEVICE_OBJECT *device)
{
    struct pnp_interrupt unused;
    ULONG n = 0;
    while (device && pnp_message_of(device, n, &unused))
        n++;
    return n;
}

static void disconnect_messages(struct message_table *t)
{
    for (ULONG i = 0; i < t->count; i++)
        ke_interrupt_disconnect(t->message[i].object);
    ex_pool_free(t);
}

static NTSTATUS connect_message(const struct parameters *p, struct message_table *t, KIRQL synchronize_irql, const struct pnp_interrupt *m)
{
    struct message_entry *e = &t->message[t->count];
    const struct ke_interrupt want = { .message_routine = p->routine, .message = t->count, .context = p->context, .lock = p->lock, .vector = m->vector, .irql = m->irql,
                                       .synchronize_irql = synchronize_irql, .shared = m->shared, .latched = m->latched };
    *e = (struct message_entry) { .address.QuadPart = MESSAGE_ADDRESS, .processors = sim_processors(), .data = m->vector, .vector = m->vector,
                                  .irql = m->irql, .mode = LATCHED };
    NTSTATUS status = ke_interrupt_connect(&want, &e->object);
    t->count += NT_SUCCESS(status);
    return status;
}

/* All messages that the device was given. Messages that share a lock are served at the highest IRQL of all (UnifiedIrql). */
static NTSTATUS connect_messages(const struct parameters *p, ULONG count)
{
    struct pnp_interrupt m;
    KIRQL highest = p->synchronize_irql;
    for (ULONG i = 0; pnp_message_of(p->device, i, &m); i++)
        highest = m.irql > highest ? m.irql : highest;
    struct message_table *t = ex_pool_alloc(NonPagedPoolNx, sizeof *t + count * sizeof t->message[0], MESSAGE_TAG);
    if (!t)
        return STATUS_INSUFFICIENT_RESOURCES;
    *t = (struct message_table) { .unified_irql = highest };
    NTSTATUS status = STATUS_SUCCESS;
    while (t->count < count && NT_SUCCESS(status)) {
        pnp_message_of(p->device, t->count, &m);
        status = connect_message(p, t, highest, &m);
    }
    if (!NT_SUCCESS(status)) {
        disconnect_messages(t);
        return status;
    }
    *p->table = t;
    return STATUS_SUCCESS;
}

/* DOC: IoConnectInterruptEx: without messages the line is used if the driver has a routine for it, and the version says so. */
static NTSTATUS connect_messages_or_line(struct parameters *p)
{
    ULONG count = message_count(p->device);
    if (count)
        return connect_messages(p, count);
    if (!p->fallback)
        return STATUS_NOT_FOUND;
    p->version = LINE_BASED;
    return connect_line(p, p->fallback);
}

NTSTATUS IoConnectInterruptEx(struct parameters *p)
{
    switch (p->version) {
    case FULLY_SPECIFIED:
    case FULLY_SPECIFIED_GROUP:
        return IoConnectInterrupt(p->object, p->routine, p->context, p->lock, p->vector, p->irql, p->synchronize_irql, p->mode, p->shared, p->processors, p->floating_save);
    case LINE_BASED:
        return connect_line(p, p->routine);
    case MESSAGE_BASED:
        return connect_messages_or_line(p);
    default:
        p->version = FULLY_SPECIFIED_GROUP; /* the highest that is known */
        return STATUS_NOT_SUPPORTED;
    }
}

void IoDisconnectInterruptEx(const struct connection *p)
{
    if (p->version == MESSAGE_BASED)
        disconnect_messages(p->table);
    else
        ke_interrupt_disconnect(p->object);
}

static void activate(const struct connection *p, bool active)
{
    if (p->version != MESSAGE_BASED) {
        ke_interrupt_activate(p->object, active);
        return;
    }
    for (ULONG i = 0; i < p->table->count; i++)
        ke_interrupt_activate(p->table->message[i].object, active);
}

/* DOC: "IoReportInterruptInactive": until the driver reports it active again its service routine is not called. */
void IoReportInterruptActive(const struct connection *p)
{
    activate(p, true);
}

void IoReportInterruptInactive(const struct connection *p)
{
    activate(p, false);
}
