/* The in-flight recorder: a ring of binary records for each client.
 *
 * DOC: one page by default, LogPages of the client's Parameters\Wdf key, more than 16 is one; 5 with VerifierOn and VerboseOn. A record is a
 * header and the message's arguments, at most 256 bytes of them: a longer message is dropped, its sequence number is not. Errors, warnings and
 * information are always recorded, verbose messages only with VerboseOn. Whoever reads the ring has the texts (messages.def).
 * Who records takes no lock and executes no atomic instruction: with them the recorder would make an order between threads that have nothing to do with
 * each other, and every such order would be explored. Here a thread is interrupted only at scheduling points, and there is none in FxLogWrite.
 * Each record is also handed to the system's tracing (WmiTraceMessage), whose listener shows it live. */
#include "fx.h"
#include "log.h"

/* The trace GUID of our messages; the reader compares it. */
static const GUID trace_guid = FX_LOG_GUID;

static const struct {
    UCHAR Level;
    const char *Text;
} messages[] = {
#define FXMSG(id, function, level, text) { level, text },
#include "messages.def"
#undef FXMSG
};

BOOLEAN FxIFR_Start(FxGlobals *g, ULONG pages)
{
    if (pages == 0 || pages > 16)
        pages = 1;
    if (g->VerifierOn && g->VerboseOn && pages < 5)
        pages = 5;
    FxLogHeader *h = ExAllocatePoolWithTag(NonPagedPoolNx, pages * PAGE_SIZE, FX_LOG_TAG);
    if (!h)
        return FALSE;
    RtlZeroMemory(h, pages * PAGE_SIZE);
    h->Guid = trace_guid;
    h->Base = (PUCHAR)(h + 1);
    h->Size = pages * PAGE_SIZE - sizeof *h;
    h->UseTimeStamp = 1;
    RtlCopyMemory(h->DriverName, g->Public.DriverName, sizeof h->DriverName);
    g->Log = (struct FxLog *)h;
    FxLogWrite(g, FXLOG_IfrStart, NULL, 0);
    return TRUE;
}

void FxIFR_Stop(FxGlobals *g)
{
    if (g->Log)
        ExFreePoolWithTag(g->Log, FX_LOG_TAG);
    g->Log = NULL;
}

/* Pointers are stored as 8 bytes, all else as 4, as the text's letters say. */
static ULONG pack(const char *text, const ULONG64 *args, ULONG count, PUCHAR out)
{
    ULONG n = 0, at = 0;
    for (; *text && n < count; text++) {
        if (*text != '%')
            continue;
        if (*++text == '!') {
            for (text++; *text && *text != '!'; text++)
                ;
        }
        ULONG size = *text == 'p' ? 8 : 4;
        RtlCopyMemory(out + at, &args[n++], size);
        at += size;
    }
    return at;
}

void FxLogWrite(FxGlobals *g, enum fx_message id, const ULONG64 *args, ULONG count)
{
    FxLogHeader *h = g ? (FxLogHeader *)g->Log : NULL;
    if (!h || (messages[id].Level >= 5 && !g->VerboseOn))
        return;
    FxLogRecord r = { FX_LOG_SIGNATURE, sizeof r, 0, 0, id, trace_guid, 0 };
    UCHAR packed[256];
    r.Sequence = ++h->Sequence;
    if (count * 8 > sizeof packed)
        return;
    ULONG bytes = pack(messages[id].Text, args, count, packed);
    r.Length = (USHORT)(sizeof r + bytes);
    LARGE_INTEGER now;
    KeQuerySystemTime(&now);
    r.Time = h->UseTimeStamp ? now.QuadPart : 0;
    LONG old = h->Offsets;
    USHORT at = (USHORT)old;
    if ((ULONG)at + r.Length > h->Size)
        at = 0;
    h->Offsets = (LONG)(((ULONG)at << 16) | (USHORT)(at + r.Length));
    r.Previous = (USHORT)((ULONG)old >> 16);
    RtlCopyMemory(h->Base + at, &r, sizeof r);
    RtlCopyMemory(h->Base + at + sizeof r, packed, bytes);
    WmiTraceMessage(0, 0, &trace_guid, (USHORT)id, &r, sizeof r, packed, (SIZE_T)bytes, h->DriverName, sizeof h->DriverName, NULL);
}
