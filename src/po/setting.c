/* Power settings: what the machine is running on, its display, its lid, and who wants to hear of them.
 *
 * DOC: "PoRegisterPowerSettingCallback": the callback is called soon after the registration with the present value, and again whenever it
 * changes, at PASSIVE_LEVEL, in the order of the changes. Here a system worker thread does that; when, is a choice like all others.
 * A registration that has been told of a value is not told of it twice: what is delivered carries the number of its change.
 *
 *   registered ─ a worker ─▶ told the present value ─ change, a worker ─▶ told ─ … ─ unregistered: its callback has returned
 */
#include <string.h>

#include "ex/work.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "po/po.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { SETTING_TAG = 0x53506F50, LARGEST_VALUE = sizeof(GUID) / sizeof(ULONG) };

/* GUIDs and meaning of the values: winnt.h, "Power Setting GUIDs". */
static const struct known {
    GUID guid;
    ULONG first; /* the value that the machine starts with */
} known[PO_SETTINGS] = {
    [PO_POWER_SOURCE] = { { 0x5D3E9A59, 0xE9D5, 0x4B00, { 0xA6, 0xBD, 0xFF, 0x34, 0xFF, 0x51, 0x65, 0x48 } }, 0 }, /* PoAc, PoDc, PoHot */
    [PO_BATTERY] = { { 0xA7AD8041, 0xB45A, 0x4CAE, { 0x87, 0xA3, 0xEE, 0xCB, 0xB4, 0x68, 0xA9, 0xE1 } }, 100 }, /* percent */
    [PO_MONITOR] = { { 0x02731015, 0x4510, 0x4526, { 0x99, 0xE6, 0xE5, 0xA1, 0x7E, 0xBD, 0x1A, 0xEA } }, 1 }, /* off, on */
    [PO_CONSOLE_DISPLAY] = { { 0x6FE69556, 0x704A, 0x47A0, { 0x8F, 0x24, 0xC2, 0x8D, 0x93, 0x6F, 0xDA, 0x47 } }, 1 }, /* off, on, dimmed */
    [PO_SESSION_DISPLAY] = { { 0x2B84C20E, 0xAD23, 0x4DDF, { 0x93, 0xDB, 0x05, 0xFF, 0xBD, 0x7E, 0xFC, 0xA5 } }, 1 }, /* the same of the session */
    [PO_LID] = { { 0xBA3E0F4D, 0xB817, 0x4094, { 0xA2, 0xD1, 0xD5, 0x63, 0x79, 0xE6, 0xA0, 0xF3 } }, 1 }, /* closed, open */
    [PO_AWAY_MODE] = { { 0x98A7F580, 0x01F7, 0x48AA, { 0x9C, 0x0F, 0x44, 0x35, 0x2C, 0x29, 0xE5, 0xC0 } }, 0 }, /* left, entered */
    [PO_SAVING] = { { 0xE00958C0, 0xC213, 0x4ACE, { 0xAC, 0x77, 0xFE, 0xCC, 0xED, 0x2E, 0xEE, 0xA5 } }, 0 }, /* battery saver: off, on */
};

/* The scheme's personality, whose value is a GUID: balanced. It never changes. */
static const GUID personality = { 0x245D8541, 0x3943, 0x4422, { 0xB0, 0x25, 0x13, 0xA7, 0x84, 0xF6, 0x79, 0xB7 } },
                  balanced = { 0x381B4222, 0xF694, 0x41F0, { 0x96, 0x85, 0xFF, 0x5B, 0xB2, 0x60, 0xDF, 0x2E } };

struct registration { /* in pool */
    struct registration *next;
    GUID guid;
    PVOID callback, context;
    uint32_t told; /* number of the last change that it was told of; 0: of nothing */
    const struct agent *runs_in; /* its callback does; NULL */
    bool gone; /* unregistered meanwhile */
    bool awaited; /* somebody waits for its callback to return and frees it */
    ULONG value[LARGEST_VALUE]; /* what the callback is pointed at */
};

struct notice { /* in pool */
    struct notice *next;
    unsigned setting;
    ULONG value;
    uint32_t number;
};

struct po_settings {
    struct registration *registrations; /* oldest first */
    struct notice *notices; /* changes that are not yet delivered, oldest first */
    ULONG values[PO_SETTINGS];
    uint32_t number[PO_SETTINGS], serial; /* of the last change */
    bool worker; /* is queued or runs */
    WORK_QUEUE_ITEM item;
    KEVENT idle; /* no callback runs */
};

void po_settings_init(void)
{
    struct po_settings *s = ex_pool_alloc(NonPagedPoolNx, sizeof *s, SETTING_TAG);
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < PO_SETTINGS; i++) {
        s->values[i] = known[i].first;
        s->number[i] = 1;
    }
    s->serial = 1;
    KeInitializeEvent(&s->idle, NotificationEvent, TRUE);
    *po_settings_room() = s;
}

static struct po_settings *room(void)
{
    return *po_settings_room();
}

static void touch(void)
{
    sim_access((uint64_t)room(), SIM_WRITE);
}

static void call(struct registration *r, const void *value, ULONG bytes, uint32_t number)
{
    memcpy(r->value, value, bytes);
    r->told = number;
    r->runs_in = sim_current();
    KeClearEvent(&room()->idle);
    guest_call(FRAME_PopPowerSettingWorker, r->callback, 4, (uint64_t)&r->guid, (uint64_t)r->value, (uint64_t)bytes, (uint64_t)r->context);
    r->runs_in = NULL;
    touch();
    ke_event_set(&room()->idle);
}

/* The oldest that has not heard of anything yet. */
static bool tell_new(void)
{
    struct registration *r = room()->registrations;
    while (r && (r->told || r->gone))
        r = r->next;
    if (!r)
        return false;
    if (memcmp(&r->guid, &personality, sizeof(GUID)) == 0) {
        call(r, &balanced, sizeof(GUID), 1);
        return true;
    }
    for (unsigned i = 0; i < PO_SETTINGS; i++)
        if (memcmp(&r->guid, &known[i].guid, sizeof(GUID)) == 0) {
            call(r, &room()->values[i], sizeof(ULONG), room()->number[i]);
            return true;
        }
    r->told = 1; /* GUESS: a setting that the system does not know has no value to begin with */
    return true;
}

/* One callback of the oldest change; the change goes when nobody is left to be told. */
static bool tell_change(void)
{
    struct notice *n = room()->notices;
    if (!n)
        return false;
    for (struct registration *r = room()->registrations; r; r = r->next)
        if (!r->gone && r->told < n->number && memcmp(&r->guid, &known[n->setting].guid, sizeof(GUID)) == 0) {
            call(r, &n->value, sizeof n->value, n->number);
            return true;
        }
    room()->notices = n->next;
    ex_pool_free(n);
    return true;
}

static void sweep(void)
{
    for (struct registration **at = &room()->registrations; *at;) {
        struct registration *r = *at;
        if (!r->gone || r->runs_in || r->awaited) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        ex_pool_free(r);
    }
}

static void work(void *unused)
{
    touch();
    while (tell_new() || tell_change())
        sweep();
    room()->worker = false;
}

static void work_wanted(void)
{
    touch();
    if (room()->worker)
        return;
    room()->worker = true;
    ex_work_queue_host(&room()->item, work, NULL, WORK_DELAYED);
}

void po_setting_change(enum po_setting setting, ULONG value)
{
    struct po_settings *s = room();
    sim_point((uint64_t)s);
    touch();
    if (s->values[setting] == value)
        return;
    struct notice *n = ex_pool_alloc(NonPagedPoolNx, sizeof *n, SETTING_TAG);
    s->values[setting] = value;
    s->number[setting] = ++s->serial;
    *n = (struct notice) { NULL, setting, value, s->serial };
    struct notice **at = &s->notices;
    while (*at)
        at = &(*at)->next;
    *at = n;
    work_wanted();
}

ULONG po_setting_value(enum po_setting setting)
{
    sim_access((uint64_t)room(), SIM_READ);
    return room()->values[setting];
}

/* device: for the system's own records only. */
NTSTATUS PoRegisterPowerSettingCallback(DEVICE_OBJECT *device, const GUID *guid, PVOID callback, PVOID context, PVOID *handle)
{
    const GUID wanted = *guid;
    if (!callback)
        return STATUS_INVALID_PARAMETER;
    struct registration *r = ex_pool_alloc(NonPagedPoolNx, sizeof *r, SETTING_TAG);
    if (!r)
        return STATUS_INSUFFICIENT_RESOURCES;
    memset(r, 0, sizeof *r);
    r->guid = wanted;
    r->callback = callback;
    r->context = context;
    if (handle)
        *handle = r;
    struct registration **at = &room()->registrations;
    while (*at)
        at = &(*at)->next;
    *at = r;
    work_wanted();
    return STATUS_SUCCESS;
}

/* Once it has returned the callback is not called any more. GUESS: it waits for one that runs, unless it is called by that. */
NTSTATUS PoUnregisterPowerSettingCallback(PVOID handle)
{
    struct registration *r = room()->registrations;
    touch();
    while (r && (r != handle || r->gone))
        r = r->next;
    if (!r)
        return STATUS_INVALID_PARAMETER;
    r->gone = r->awaited = true;
    while (r->runs_in && r->runs_in != sim_current())
        KeWaitForSingleObject(&room()->idle, Executive, KernelMode, FALSE, NULL);
    r->awaited = false;
    sweep();
    return STATUS_SUCCESS;
}
