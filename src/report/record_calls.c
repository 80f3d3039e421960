/* Calls of drivers that no event of the trace shows, or whose result it does not: seen through the door's hook.
 *
 * The list is of the kernel's names only. Calls by programs and by our own code are left out. */
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "report/record_private.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"

enum { MAX_OPEN = 512 };

enum noted { NOTED_NOT, NOTED_CALL, NOTED_OBJECT /* its first argument is a dispatcher object */ };

static const struct {
    const char *name;
    enum noted how;
} noted_names[] = {
    { "IoCsqInsertIrp", NOTED_CALL }, { "IoCsqInsertIrpEx", NOTED_CALL }, { "IoCsqRemoveNextIrp", NOTED_CALL }, { "IoCsqRemoveIrp", NOTED_CALL },
    { "IoQueueWorkItem", NOTED_CALL }, { "IoQueueWorkItemEx", NOTED_CALL }, { "ExQueueWorkItem", NOTED_CALL }, { "PoRequestPowerIrp", NOTED_CALL },
    { "IofCallDriver", NOTED_CALL }, { "IoCallDriver", NOTED_CALL }, { "PoCallDriver", NOTED_CALL }, { "IofCompleteRequest", NOTED_CALL },
    { "IoCompleteRequest", NOTED_CALL }, { "IoCancelIrp", NOTED_CALL }, { "KeWaitForSingleObject", NOTED_OBJECT }, { "KeWaitForMutexObject", NOTED_OBJECT },
    { "KeSetEvent", NOTED_OBJECT }, { "KeClearEvent", NOTED_OBJECT }, { "KeResetEvent", NOTED_OBJECT }, { "KePulseEvent", NOTED_OBJECT },
    { "KeReadStateEvent", NOTED_OBJECT }, { "KeReleaseMutex", NOTED_OBJECT }, { "KeReleaseSemaphore", NOTED_OBJECT },
};

/* Set for the time of a run only; see record.c on why this cannot hang from the machine. */
static struct {
    struct record *record;
    uint8_t *how; /* by index in the door's table */
    struct {
        const struct door_frame *frame;
        const struct agent *agent;
        size_t event;
    } open[MAX_OPEN];
    size_t open_count;
    void (*before)(const struct door_entry *e, const struct door_frame *f, bool leaving, uint64_t result);
} calls;

static bool from_driver(const struct door_frame *f)
{
    const struct image *i = image_at(f->return_address);
    return i && !i->synthetic && !i->user;
}

/* Calls that an exception left lie deeper on the same stack than one that is made now. */
static void forget_left(const struct agent *a, const struct door_frame *f)
{
    size_t n = 0;
    for (size_t i = 0; i < calls.open_count; i++)
        if (calls.open[i].agent != a || calls.open[i].frame > f)
            calls.open[n++] = calls.open[i];
    calls.open_count = n;
}

static void note_call(const struct door_entry *e, const struct door_frame *f)
{
    struct record *r = calls.record;
    const struct agent *a = MACHINE->fiber;
    struct record_event *ev = record_append(r);
    ev->r.kind = RECORD_CALL;
    ev->r.a = f->args[0];
    ev->r.b = f->args[1];
    ev->r.c = f->args[2];
    ev->r.d = f->args[3];
    ev->text = strdup(e->name);
    if (calls.how[e - door_table] == NOTED_OBJECT && !host_guarded_copy(&ev->signal, (const uint8_t *)f->args[0] + 4, sizeof ev->signal))
        ev->signal = NO_SIGNAL;
    if (strcmp(e->name, "PoRequestPowerIrp") == 0 && f->args[3])
        record_symbol(r, f->args[3], &ev->module, &ev->target);
    record_chain(r, a, ev);
    forget_left(a, f);
    if (calls.open_count < MAX_OPEN) {
        calls.open[calls.open_count].frame = f;
        calls.open[calls.open_count].agent = a;
        calls.open[calls.open_count++].event = r->event_count - 1;
    }
}

static void note_return(const struct door_frame *f, uint64_t result)
{
    for (size_t i = calls.open_count; i-- > 0;) {
        if (calls.open[i].frame != f || calls.open[i].agent != MACHINE->fiber)
            continue;
        struct record *r = calls.record;
        size_t call = calls.open[i].event;
        struct record_event *ev = record_append(r);
        ev->r.kind = RECORD_RETURN;
        ev->r.a = call;
        ev->r.d = result;
        ev->text = strdup(r->events[call].text);
        ev->chain = r->events[call].chain;
        ev->chain_length = r->events[call].chain_length;
        calls.open[i] = calls.open[--calls.open_count];
        return;
    }
}

static void on_door(const struct door_entry *e, const struct door_frame *f, bool leaving, uint64_t result)
{
    if (calls.before)
        calls.before(e, f, leaving, result);
    if (!calls.how[e - door_table])
        return;
    if (leaving)
        note_return(f, result);
    else if (from_driver(f))
        note_call(e, f);
}

void record_calls_begin(struct record *r)
{
    calls.record = r;
    calls.open_count = 0;
    calls.how = calloc(door_count, 1);
    IR_ASSERT(calls.how);
    for (uint32_t i = 0; i < door_count; i++)
        for (size_t k = 0; k < sizeof noted_names / sizeof noted_names[0]; k++)
            if (strcmp(door_table[i].name, noted_names[k].name) == 0)
                calls.how[i] = (uint8_t)noted_names[k].how;
    calls.before = door_trace_hook;
    door_trace_hook = on_door;
}

void record_calls_end(void)
{
    door_trace_hook = calls.before;
    free(calls.how);
    calls.how = NULL;
}
