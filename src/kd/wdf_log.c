/* The framework's in-flight recorder, read as !wdfkd.wdflogdump reads it: records hold a message number and arguments, the texts are in
 * drivers/wdf01000/messages.def, as trace format data is beside the image on Windows. A file from Windows that replaces ours has other messages
 * (another trace GUID): its records are counted, not shown. */
#include "kd/kd.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "host/layout.h"
#include "nt/io.h"
#include "nt/ke.h"
#include "nt/status.h"
#include "pe/symbols.h"
#include "sim/image.h"
#include "trace/trace.h"

#include "../../drivers/wdf01000/log.h"

static const struct {
    const char *function, *text;
    int level;
} messages[] = {
#define FXMSG(id, function, level, text) { function, text, level },
#include "../../drivers/wdf01000/messages.def"
#undef FXMSG
};

enum { MESSAGES = sizeof messages / sizeof messages[0] };

static const GUID own_guid = FX_LOG_GUID;

static const char *const object_states[] = {
    "FxObjectStateInvalid", "FxObjectStateCreated", "FxObjectStateDisposed", "FxObjectStateDisposingEarly", "FxObjectStateDisposingDisposeChildren",
    "FxObjectStateDeferedDisposing", "FxObjectStateDeferedDeleting", "FxObjectStateWaitingForEarlyDispose",
    "FxObjectStateWaitingForParentDeleteAndDisposed", "FxObjectStateDeletedDisposing", "FxObjectStateDeletedAndDisposed", "FxObjectStateDeferedDestroy",
    "FxObjectStateDestroyed",
};

static const char *const target_states[] = { "WdfIoTargetStateUndefined", "WdfIoTargetStarted", "WdfIoTargetStopped", "WdfIoTargetClosedForQueryRemove",
                                             "WdfIoTargetClosed", "WdfIoTargetDeleted", "WdfIoTargetPurged" };

static const char *const pnp_states[] = {
    [0x00] = "WdfDevStatePnpObjectCreated",
    [0x01] = "WdfDevStatePnpCheckForDevicePresence",
    [0x02] = "WdfDevStatePnpEjectFailed",
    [0x03] = "WdfDevStatePnpEjectHardware",
    [0x04] = "WdfDevStatePnpEjectedWaitingForRemove",
    [0x05] = "WdfDevStatePnpInit",
    [0x06] = "WdfDevStatePnpInitStarting",
    [0x07] = "WdfDevStatePnpInitSurpriseRemoved",
    [0x08] = "WdfDevStatePnpHardwareAvailable",
    [0x09] = "WdfDevStatePnpEnableInterfaces",
    [0x0a] = "WdfDevStatePnpHardwareAvailablePowerPolicyFailed",
    [0x0b] = "WdfDevStatePnpQueryRemoveAskDriver",
    [0x0c] = "WdfDevStatePnpQueryRemovePending",
    [0x0d] = "WdfDevStatePnpQueryRemoveStaticCheck",
    [0x0e] = "WdfDevStatePnpQueriedRemoving",
    [0x0f] = "WdfDevStatePnpQueryStopAskDriver",
    [0x10] = "WdfDevStatePnpQueryStopPending",
    [0x11] = "WdfDevStatePnpQueryStopStaticCheck",
    [0x12] = "WdfDevStatePnpQueryCanceled",
    [0x13] = "WdfDevStatePnpRemoved",
    [0x14] = "WdfDevStatePnpPdoRemoved",
    [0x15] = "WdfDevStatePnpRemovedPdoWait",
    [0x16] = "WdfDevStatePnpRemovedPdoSurpriseRemoved",
    [0x17] = "WdfDevStatePnpRemovingDisableInterfaces",
    [0x18] = "WdfDevStatePnpRestarting",
    [0x19] = "WdfDevStatePnpStarted",
    [0x1a] = "WdfDevStatePnpStartedCancelStop",
    [0x1b] = "WdfDevStatePnpStartedCancelRemove",
    [0x1c] = "WdfDevStatePnpStartedRemoving",
    [0x1d] = "WdfDevStatePnpStartingFromStopped",
    [0x1e] = "WdfDevStatePnpStopped",
    [0x1f] = "WdfDevStatePnpStoppedWaitForStartCompletion",
    [0x20] = "WdfDevStatePnpStartedStopping",
    [0x21] = "WdfDevStatePnpSurpriseRemove",
    [0x22] = "WdfDevStatePnpInitQueryRemove",
    [0x23] = "WdfDevStatePnpInitQueryRemoveCanceled",
    [0x24] = "WdfDevStatePnpFdoRemoved",
    [0x25] = "WdfDevStatePnpRemovedWaitForChildren",
    [0x26] = "WdfDevStatePnpQueriedSurpriseRemove",
    [0x27] = "WdfDevStatePnpSurpriseRemoveIoStarted",
    [0x28] = "WdfDevStatePnpFailedPowerDown",
    [0x29] = "WdfDevStatePnpFailedIoStarting",
    [0x2a] = "WdfDevStatePnpFailedOwnHardware",
    [0x2b] = "WdfDevStatePnpFailed",
    [0x2c] = "WdfDevStatePnpFailedSurpriseRemoved",
    [0x2d] = "WdfDevStatePnpFailedStarted",
    [0x2e] = "WdfDevStatePnpFailedWaitForRemove",
    [0x2f] = "WdfDevStatePnpFailedInit",
    [0x30] = "WdfDevStatePnpPdoInitFailed",
    [0x31] = "WdfDevStatePnpRestart",
    [0x32] = "WdfDevStatePnpRestartReleaseHardware",
    [0x33] = "WdfDevStatePnpRestartHardwareAvailable",
    [0x34] = "WdfDevStatePnpPdoRestart",
    [0x35] = "WdfDevStatePnpFinal",
    [0x36] = "WdfDevStatePnpRemovedChildrenRemoved",
    [0x37] = "WdfDevStatePnpQueryRemoveEnsureDeviceAwake",
    [0x38] = "WdfDevStatePnpQueryStopEnsureDeviceAwake",
    [0x39] = "WdfDevStatePnpFailedPowerPolicyRemoved",
    [0x3a] = "WdfDevStatePnpNull",
};

struct text {
    char *at;
    size_t left;
};

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);
    if (n >= t->left)
        n = t->left ? t->left - 1 : 0;
    memcpy(t->at, s, n);
    t->at += n;
    t->left -= n;
    *t->at = 0;
}

static void put_enum(struct text *t, const char *kind, uint32_t v)
{
    char buf[80];
    const char *name = NULL;
    if (strncmp(kind, "STATUS!", 7) == 0) {
        snprintf(buf, sizeof buf, "0x%08x(%s)", v, nt_status_name((NTSTATUS)v));
        put(t, buf);
        return;
    }
    if (strncmp(kind, "FxObjectState!", 14) == 0 && v < sizeof object_states / sizeof object_states[0])
        name = object_states[v];
    else if (strncmp(kind, "WDF_IO_TARGET_STATE!", 20) == 0 && v < sizeof target_states / sizeof target_states[0])
        name = target_states[v];
    else if (strncmp(kind, "WDF_DEVICE_PNP_STATE!", 21) == 0 && v >= 0x100 && v - 0x100 < sizeof pnp_states / sizeof pnp_states[0])
        name = pnp_states[v - 0x100];
    snprintf(buf, sizeof buf, "0x%x", v);
    put(t, name ? name : buf);
}

/* One directive of the text behind the percent sign; args moves on. Returns what follows it. */
static const char *directive(struct text *t, const char *f, const uint8_t **args, const uint8_t *end)
{
    char buf[32];
    uint64_t p = 0;
    uint32_t v = 0;
    size_t size = *f == 'p' ? 8 : 4;
    if (*args + size <= end)
        memcpy(*f == 'p' ? (void *)&p : (void *)&v, *args, size);
    *args += size;
    switch (*f) {
    case 'p':
        snprintf(buf, sizeof buf, "%016" PRIX64, p);
        break;
    case 'd':
        snprintf(buf, sizeof buf, "%" PRId32, (int32_t)v);
        break;
    case 'x':
        snprintf(buf, sizeof buf, "%" PRIx32, v);
        break;
    default: /* ! */
        put_enum(t, f + 1, v);
        return strchr(f + 1, '!') ? strchr(f + 1, '!') + 1 : f + 1;
    }
    put(t, buf);
    return f + 1;
}

static void line_of(char *out, size_t size, const FxLogRecord *r, const uint8_t *args)
{
    struct text t = { out, size };
    char head[160];
    const uint8_t *end = args + (r->Length - sizeof *r);
    *out = 0;
    if (r->Message >= MESSAGES || memcmp(&r->Guid, &own_guid, sizeof own_guid) != 0) {
        snprintf(out, size, "%d: message %u of another framework", r->Sequence, r->Message);
        return;
    }
    snprintf(head, sizeof head, "%d: %s - ", r->Sequence, messages[r->Message].function);
    put(&t, head);
    for (const char *f = messages[r->Message].text; *f;) {
        char one[2] = { *f, 0 };
        if (*f == '%' && f[1]) {
            f = directive(&t, f + 1, &args, end);
            continue;
        }
        put(&t, one);
        f++;
    }
}

/* ---- live ---- */

bool kd_wdf_log_live;

bool kd_wdf_log_line(const struct trace_record *e, char *line, size_t size)
{
    FxLogRecord r;
    char name[33] = { 0 };
    memcpy(&r, (const void *)e->a, sizeof r);
    memcpy(name, (const void *)e->c, 32);
    if (r.Signature != FX_LOG_SIGNATURE || r.Length < sizeof r || r.Length > sizeof r + 256)
        return false;
    int n = snprintf(line, size, "%s: ", name);
    line_of(line + n, size - (size_t)n - 1, &r, (const uint8_t *)e->b);
    strcat(line, "\n");
    return true;
}

/* ---- from memory ---- */

/* Records in the order of their sequence: from the oldest that is whole behind the write position, then from the start. */
static void print_ring(FILE *out, const FxLogHeader *h)
{
    uint32_t best = 0;
    for (int32_t next = h->Sequence > 4096 ? h->Sequence - 4096 : 1; next <= h->Sequence; next++) {
        const uint8_t *found = NULL;
        for (uint32_t at = best; !found && at + sizeof(FxLogRecord) <= h->Size; at += 2) {
            const FxLogRecord *r = (const FxLogRecord *)(h->Base + at);
            if (r->Signature == FX_LOG_SIGNATURE && r->Sequence == next && r->Length >= sizeof *r && at + r->Length <= h->Size) {
                found = h->Base + at;
                best = at;
            }
        }
        for (uint32_t at = 0; !found && at < best; at += 2) {
            const FxLogRecord *r = (const FxLogRecord *)(h->Base + at);
            if (r->Signature == FX_LOG_SIGNATURE && r->Sequence == next && r->Length >= sizeof *r) {
                found = h->Base + at;
                best = at;
            }
        }
        if (!found)
            continue;
        char line[640];
        line_of(line, sizeof line, (const FxLogRecord *)found, found + sizeof(FxLogRecord));
        fprintf(out, "%s\n", line);
    }
}

static const struct image *library(const char *name_in_it, uint64_t *globals)
{
    const struct image *i = image_find("Wdf01000");
    const char *name;
    const struct image *same;
    uint64_t offset;
    if (!i || !i->file)
        return NULL;
    name = image_symbol(i->base + 0x1000, &same, &offset); /* has the symbols read */
    (void)name;
    const struct pe_symbol *s = i->file->symbols ? pe_symbol_find(i->file->symbols, name_in_it) : NULL;
    if (!s)
        return NULL;
    *globals = i->base + s->rva;
    return i;
}

/* Rule: the IRP of a request that the framework did not allocate must have as many locations left as the target's stack is deep. */
void kd_print_wdf_stack_refusal(FILE *out, const void *irp)
{
    uint64_t at;
    if (!library("FxLastStackRefusal", &at))
        return;
    const FxStackRefusal *r = (const FxStackRefusal *)at;
    if (!r->Count || (irp && irp != (const void *)r->Irp))
        return;
    uint32_t missing = r->Target + 1 - r->Current;
    fprintf(out, "Rule IoTargetStackSize: WDFREQUEST %016" PRIX64 " cannot be sent to WDFIOTARGET %016" PRIX64 " (STATUS_REQUEST_NOT_ACCEPTED)\n", r->Request, r->IoTarget);
    fprintf(out, "  target device %016" PRIx64 ": StackSize T = %u\n", (uint64_t)r->TargetDevice, r->Target);
    fprintf(out, "  IRP %016" PRIx64 " at device %016" PRIx64 ": %u locations, current S = %u, %u left below it\n", (uint64_t)r->Irp, (uint64_t)r->Device, r->Present,
            r->Current, r->Current - 1);
    fprintf(out, "  The IRP came from outside: the framework must not replace it by a longer one.\n");
    fprintf(out, "  Missing: T + 1 - S = %u + 1 - %u = %u. Raise that device's StackSize by %u before IRPs are built for it; %u is not enough.\n", r->Target, r->Current,
            missing, missing, missing - 1);
}

int kd_print_wdf_log(FILE *out, const char *driver)
{
    uint64_t globals;
    int shown = 0;
    if (!library("FxLibraryGlobals", &globals))
        return 0;
    const LIST_ENTRY *head = (const LIST_ENTRY *)(globals + 8); /* behind its spin lock */
    for (const LIST_ENTRY *e = head->Flink; e && e != head && shown < 64; e = e->Flink) {
        const FxLogHeader *h = *(FxLogHeader *const *)(e + 1);
        if (!h || (driver && strncasecmp(h->DriverName, driver, sizeof h->DriverName) != 0))
            continue;
        fprintf(out, "!wdfkd.wdflogdump %.32s\nLog at %016" PRIx64 "\n---- start of log ----\n", h->DriverName, (uint64_t)h);
        print_ring(out, h);
        fprintf(out, "---- end of log ----\n");
        shown++;
    }
    return shown;
}

/* The error with the highest sequence number in a ring. */
static const FxLogRecord *last_error(const FxLogHeader *h)
{
    const FxLogRecord *best = NULL;
    for (uint32_t at = 0; at + sizeof(FxLogRecord) <= h->Size; at += 2) {
        const FxLogRecord *r = (const FxLogRecord *)(h->Base + at);
        if (r->Signature == FX_LOG_SIGNATURE && r->Length >= sizeof *r && at + r->Length <= h->Size && r->Message < MESSAGES &&
            memcmp(&r->Guid, &own_guid, sizeof own_guid) == 0 && messages[r->Message].level == 2 && (!best || r->Sequence > best->Sequence))
            best = r;
    }
    return best;
}

bool kd_wdf_last_error(char *line, size_t size)
{
    uint64_t globals;
    const FxLogRecord *best = NULL;
    if (!library("FxLibraryGlobals", &globals))
        return false;
    const LIST_ENTRY *head = (const LIST_ENTRY *)(globals + 8);
    int seen = 0;
    for (const LIST_ENTRY *e = head->Flink; e && e != head && seen < 64; e = e->Flink, seen++) {
        const FxLogHeader *h = *(FxLogHeader *const *)(e + 1);
        const FxLogRecord *r = h ? last_error(h) : NULL;
        if (r && (!best || r->Time >= best->Time))
            best = r;
    }
    if (best)
        line_of(line, size, best, (const uint8_t *)(best + 1));
    return best != NULL;
}
