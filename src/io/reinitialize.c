/* Reinitialisation routines, shutdown notification, driver objects without an image (IoCreateDriver). */
#include <stdio.h>
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"

/* Waiting for the end of a driver's loading; each is called once for each registration. */
struct io_reinitialize {
    struct io_reinitialize *next;
    DRIVER_OBJECT *driver;
    PVOID routine, context;
};

/* DOC: called after every driver's DriverEntry has returned; Count says which call of this driver it is, from 1. A routine may
 * register again and is then called once more. */
void IoRegisterDriverReinitialization(DRIVER_OBJECT *driver, PVOID routine, PVOID context)
{
    struct io_reinitialize *r = sim_alloc(sizeof *r);
    *r = (struct io_reinitialize) { NULL, driver, routine, context };
    driver->Flags |= DRVO_REINIT_REGISTERED;
    struct io_reinitialize **at = &io_room()->reinitialize;
    while (*at)
        at = &(*at)->next;
    *at = r;
}

void io_reinitialize_drivers(void)
{
    struct io_reinitialize *r;
    while ((r = io_room()->reinitialize) != NULL) {
        struct io_reinitialize one = *r;
        io_room()->reinitialize = r->next;
        sim_free(r, sizeof *r);
        one.driver->Flags &= ~(ULONG)DRVO_REINIT_REGISTERED;
        guest_call(FRAME_IopCallDriverReinitializationRoutines, one.routine, 3, (uint64_t)one.driver, (uint64_t)one.context,
                   (uint64_t)++one.driver->DriverExtension->Count);
    }
}

/* ---- shutdown ---- */

struct io_shutdown {
    struct io_shutdown *next;
    DEVICE_OBJECT *device; /* referenced */
    bool last_chance;
};

static NTSTATUS shutdown_register(DEVICE_OBJECT *d, bool last_chance)
{
    struct io_shutdown *s = sim_alloc(sizeof *s);
    *s = (struct io_shutdown) { io_room()->shutdowns, d, last_chance };
    io_room()->shutdowns = s; /* DOC: told in the reverse order */
    ob_reference(d);
    d->Flags |= DO_SHUTDOWN_REGISTERED;
    return STATUS_SUCCESS;
}

NTSTATUS IoRegisterShutdownNotification(DEVICE_OBJECT *d)
{
    return shutdown_register(d, false);
}

NTSTATUS IoRegisterLastChanceShutdownNotification(DEVICE_OBJECT *d)
{
    return shutdown_register(d, true);
}

void IoUnregisterShutdownNotification(DEVICE_OBJECT *d)
{
    for (struct io_shutdown **at = &io_room()->shutdowns; *at;) {
        struct io_shutdown *s = *at;
        if (s->device != d) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        sim_free(s, sizeof *s);
        d->Flags &= ~(ULONG)DO_SHUTDOWN_REGISTERED;
        ob_dereference(d);
    }
}

static void tell(DEVICE_OBJECT *d)
{
    DEVICE_OBJECT *top = io_top_of_stack(d);
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    io_next_location(irp)->MajorFunction = IRP_MJ_SHUTDOWN;
    io_send_and_wait(top, irp, NULL, FRAME_IoShutdownSystem);
}

/* The end of the system, for those drivers that stay loaded: first the ordinary ones, then the last chance. */
void io_shutdown_system(void)
{
    for (int last = 0; last < 2; last++)
        for (struct io_shutdown *s = io_room()->shutdowns, *next; s; s = next) {
            next = s->next;
            if (s->last_chance == (last != 0) && io_driver_of(s->device->DriverObject))
                tell(s->device);
        }
}

unsigned io_shutdowns_of(const DRIVER_OBJECT *driver)
{
    unsigned n = 0;
    for (const struct io_shutdown *s = io_room()->shutdowns; s; s = s->next)
        n += driver ? s->device->DriverObject == driver : !io_driver_of(s->device->DriverObject);
    return n;
}

/* ---- IoCreateDriver ---- */

NTSTATUS IoCreateDriver(const UNICODE_STRING *name, PVOID entry)
{
    char text[64] = "";
    if (name && name->Length) {
        unsigned from = name->Length / 2u;
        while (from && name->Buffer[from - 1] != '\\')
            from--;
        for (unsigned i = from, n = 0; i < name->Length / 2u && n + 1 < sizeof text; i++, n++) {
            text[n] = (char)name->Buffer[i];
            text[n + 1] = 0;
        }
    } else {
        snprintf(text, sizeof text, "%08llX", (unsigned long long)++io_room()->device_names); /* GUESS: NT uses the tick count */
    }
    DRIVER_OBJECT *d = io_driver_create(text, NULL, 0);
    if (!d)
        return STATUS_OBJECT_NAME_COLLISION;
    d->DriverInit = entry;
    NTSTATUS s = (NTSTATUS)guest_call(FRAME_IoCreateDriver, entry, 2, (uint64_t)d, (uint64_t)0);
    if (!NT_SUCCESS(s)) {
        io_driver_forget(d);
        return s;
    }
    for (DEVICE_OBJECT *dev = d->DeviceObject; dev; dev = dev->NextDevice)
        dev->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    d->Flags |= DRVO_INITIALIZED;
    return s;
}

void IoDeleteDriver(DRIVER_OBJECT *d)
{
    io_driver_forget(d);
}
