/* What the arguments of an event mean: the routine it is about, what an IRP asks for, where its agent stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nt/io.h"
#include "nt/irp_names.h"
#include "report/record_private.h"
#include "ob/ob.h"
#include "sim/image.h"
#include "sim/machine.h"

static const char *const device_states[] = { "unspecified", "D0", "D1", "D2", "D3" };
static const char *const system_states[] = { "unspecified", "working", "S1", "S2", "S3", "hibernate", "shutdown" };

static const char *pick(const char *const *names, size_t count, uint32_t state)
{
    return state < count ? names[state] : "?";
}

static void power_text(const IO_STACK_LOCATION *sl, char *out, size_t size)
{
    const char *state = "";
    if (sl->MinorFunction == IRP_MN_SET_POWER || sl->MinorFunction == IRP_MN_QUERY_POWER)
        state = sl->Parameters.Power.Type == DevicePowerState ? pick(device_states, 5, sl->Parameters.Power.State.DeviceState)
                                                              : pick(system_states, 7, sl->Parameters.Power.State.SystemState);
    snprintf(out, size, "%s%s%s%s", nt_minor_name(IRP_MJ_POWER, sl->MinorFunction), state[0] ? " (" : "", state, state[0] ? ")" : "");
}

static void irp_text(const IO_STACK_LOCATION *sl, char *out, size_t size)
{
    const char *minor = nt_minor_name(sl->MajorFunction, sl->MinorFunction);
    switch (sl->MajorFunction) {
    case IRP_MJ_POWER:
        power_text(sl, out, size);
        break;
    case IRP_MJ_PNP:
        snprintf(out, size, "%s", minor[0] ? minor : "IRP_MJ_PNP");
        break;
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        snprintf(out, size, "%s 0x%X", nt_major_name(sl->MajorFunction), sl->Parameters.DeviceIoControl.IoControlCode);
        break;
    default:
        snprintf(out, size, "%s", nt_major_name(sl->MajorFunction));
    }
}

static void describe_dispatch(struct record *r, struct record_event *e)
{
    const DEVICE_OBJECT *device = (const DEVICE_OBJECT *)e->r.b;
    const IO_STACK_LOCATION *sl = ((const IRP *)e->r.a)->Tail.Overlay.CurrentStackLocation;
    char text[120];
    irp_text(sl, text, sizeof text);
    e->text = strdup(text);
    uint64_t routine = (uint64_t)device->DriverObject->MajorFunction[sl->MajorFunction];
    const struct image *image = image_at(routine);
    record_symbol(r, routine, &e->module, &e->target);
    if (image && image->synthetic) { /* a driver of ours (the root bus): its image says nothing, its object does */
        ob_name_text(device->DriverObject, text, sizeof text);
        const char *slash = strrchr(text, '\\');
        e->module = record_intern(r, slash ? slash + 1 : text);
        e->ours = true;
    }
}

static void describe_power(struct record_event *e, const char *state, unsigned minor)
{
    char text[120];
    bool has_state = minor == IRP_MN_SET_POWER || minor == IRP_MN_QUERY_POWER;
    snprintf(text, sizeof text, "%s%s%s%s", nt_minor_name(IRP_MJ_POWER, (UCHAR)minor), has_state ? " (" : "", has_state ? state : "", has_state ? ")" : "");
    e->text = strdup(text);
}

/* Kinds that a reader of diagrams follows: only for these is the stack walked. */
static bool wants_chain(unsigned kind)
{
    switch (kind) {
    case TRACE_THREAD_CREATE:
    case TRACE_THREAD_EXIT:
    case TRACE_WAIT_BLOCK:
    case TRACE_WAIT_DONE:
    case TRACE_APC_QUEUE:
    case TRACE_DPC_QUEUE:
    case TRACE_DPC_RUN:
    case TRACE_INTERRUPT:
    case TRACE_TIMER_SET:
    case TRACE_WORK_QUEUE:
    case TRACE_WORK_RUN:
    case TRACE_IRP_DISPATCH:
    case TRACE_IRP_DISPATCHED:
    case TRACE_IRP_COMPLETE:
    case TRACE_IRP_COMPLETION_ROUTINE:
    case TRACE_IRP_FINISHED:
    case TRACE_IRP_CANCEL:
    case TRACE_CSQ_INSERT:
    case TRACE_CSQ_REMOVE:
    case TRACE_POWER_REQUEST:
    case TRACE_POWER_DONE:
    case TRACE_DEBUG_PRINT:
    case TRACE_FINDING:
    case TRACE_BUGCHECK:
        return true;
    default:
        return false;
    }
}

void record_describe(struct record *r, struct record_event *e)
{
    switch (e->r.kind) {
    case TRACE_IRP_DISPATCH:
        describe_dispatch(r, e);
        break;
    case TRACE_POWER_REQUEST:
    case TRACE_POWER_DISPATCH:
        describe_power(e, pick(device_states, 5, (uint32_t)e->r.c), (unsigned)e->r.d);
        break;
    case TRACE_THREAD_CREATE:
    case TRACE_WORK_QUEUE:
    case TRACE_WORK_RUN:
    case TRACE_WORK_DONE:
    case TRACE_DPC_QUEUE:
    case TRACE_DPC_RUN:
    case TRACE_DPC_DONE:
    case TRACE_INTERRUPT:
    case TRACE_INTERRUPT_DONE:
    case TRACE_IRP_COMPLETION_ROUTINE:
        record_symbol(r, e->r.b, &e->module, &e->target);
        break;
    default:
        break;
    }
    if (wants_chain(e->r.kind))
        record_chain(r, MACHINE->fiber, e);
}
