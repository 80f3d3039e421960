/* IoConnectInterrupt and its kin: from a device's resources to ke's interrupt objects. */
#include "io/room.h"
#include "ke/ke.h"
#include "pnp/pnp.h"
#include "nt/status.h"

enum { FULLY_SPECIFIED = 1, LINE_BASED, MESSAGE_BASED, FULLY_SPECIFIED_GROUP, LATCHED = 1 };

/* IO_CONNECT_INTERRUPT_PARAMETERS: its three forms, which begin alike, in one. */
struct parameters {
    ULONG version;
    DEVICE_OBJECT *device;
    struct _KINTERRUPT **object;
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
        PVOID fallback; /* message based: the routine for a device that has only a line */
    };
    uint64_t processors;
    USHORT group;
};
_Static_assert(offsetof(struct parameters, object) == 0x10 && offsetof(struct parameters, synchronize_irql) == 0x30, "layout");
_Static_assert(offsetof(struct parameters, shared) == 0x32 && offsetof(struct parameters, vector) == 0x34, "layout");
_Static_assert(offsetof(struct parameters, fallback) == 0x38 && offsetof(struct parameters, mode) == 0x3C, "layout");
_Static_assert(offsetof(struct parameters, processors) == 0x40 && sizeof(struct parameters) == 0x50, "layout");

/* IO_DISCONNECT_INTERRUPT_PARAMETERS */
struct disconnect {
    ULONG version;
    struct _KINTERRUPT *object;
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

NTSTATUS IoConnectInterruptEx(struct parameters *p)
{
    switch (p->version) {
    case FULLY_SPECIFIED:
    case FULLY_SPECIFIED_GROUP:
        return IoConnectInterrupt(p->object, p->routine, p->context, p->lock, p->vector, p->irql, p->synchronize_irql, p->mode, p->shared, p->processors, p->floating_save);
    case LINE_BASED:
        return connect_line(p, p->routine);
    case MESSAGE_BASED:
        /* No device here signals by messages: the line is used if the driver has a routine for it, and the version says so. */
        if (!p->fallback)
            return STATUS_NOT_FOUND;
        p->version = LINE_BASED;
        return connect_line(p, p->fallback);
    default:
        p->version = FULLY_SPECIFIED_GROUP; /* the highest that is known */
        return STATUS_NOT_SUPPORTED;
    }
}

void IoDisconnectInterruptEx(const struct disconnect *p)
{
    ke_interrupt_disconnect(p->object);
}
