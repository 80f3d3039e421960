/* Between target_format.c and target_send.c. */
#ifndef WDF01000_TARGET_IO_H
#define WDF01000_TARGET_IO_H

/* A buffer of a request: of a WDFMEMORY, an MDL or plain. Length 0: none. */
typedef struct {
    PVOID Buffer;
    size_t Length;
    PMDL Mdl;
    FxMemory *Memory;
} FxIoBuffer;

NTSTATUS FxIoBufferOfMemory(FxGlobals *g, WDFMEMORY h, const WDFMEMORY_OFFSET *o, FxIoBuffer *b);
NTSTATUS FxIoBufferOfDescriptor(FxGlobals *g, PWDF_MEMORY_DESCRIPTOR d, FxIoBuffer *b);
NTSTATUS FxIoTargetFormatIoctl(FxGlobals *g, FxTarget *t, FxRequest *r, ULONG code, BOOLEAN internal, FxIoBuffer *in, FxIoBuffer *out);
NTSTATUS FxIoTargetFormatIo(FxGlobals *g, FxTarget *t, FxRequest *r, BOOLEAN write, FxIoBuffer *b, PLONGLONG offset);
NTSTATUS FxIoTargetFormatOthers(FxGlobals *g, FxTarget *t, FxRequest *r, ULONG code, FxIoBuffer *a);
/* What a format does: the IRP is kept, its next location set up, the buffer referenced and described. */
void FxFormatSave(FxRequest *r);
IO_STACK_LOCATION *FxFormatLocation(FxRequest *r, FxTarget *t, UCHAR major);
void FxFormatHold(FxMemory **held, size_t *offset, const FxIoBuffer *b);
NTSTATUS FxFormatMdl(FxRequest *r, const FxIoBuffer *b, PMDL *mdl);
/* The forms that format, send and wait: the driver's request, or one for this call; s: what formatting it came to. */
FxRequest *FxSyncRequest(PWDF_DRIVER_GLOBALS G, WDFREQUEST given, NTSTATUS *s);
NTSTATUS FxSyncSend(FxTarget *t, FxRequest *r, WDFREQUEST given, NTSTATUS s, PWDF_REQUEST_SEND_OPTIONS o, PULONG_PTR bytes);
NTSTATUS FxSyncOptions(PWDF_REQUEST_SEND_OPTIONS o);
/* 0x10D(6,3) if it is under way. */
void FxRequestNotSent(FxGlobals *g, FxRequest *r);

#endif
