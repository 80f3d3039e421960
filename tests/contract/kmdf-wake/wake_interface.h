/* What the bus lends its child: the log that both write. */
static const GUID WakeInterfaceGuid = { 0x0d1c9a51, 0x2c43, 0x4a4f, { 0x9d, 0x0e, 0x5a, 0x7f, 0x3b, 0x61, 0x22, 0x10 } };
typedef struct _WAKE_LOG {
    KSPIN_LOCK Lock;
    ULONG Used;
    CHAR Text[200];
} WAKE_LOG, *PWAKE_LOG;
typedef struct _WAKE_INTERFACE {
    INTERFACE Header;
    PWAKE_LOG Log;
} WAKE_INTERFACE;

static VOID Note(PWAKE_LOG Log, CHAR What)
{
    KIRQL irql;
    KeAcquireSpinLock(&Log->Lock, &irql);
    if (Log->Used < sizeof Log->Text - 1)
        Log->Text[Log->Used++] = What;
    KeReleaseSpinLock(&Log->Lock, irql);
}
