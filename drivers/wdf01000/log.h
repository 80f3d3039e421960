/* The recorder's ring, as the framework writes it and irplab reads it. Layout: spec of the public wdfifr header. */
#ifndef WDF01000_LOG_H
#define WDF01000_LOG_H

#define FX_LOG_SIGNATURE 0x324C /* 'L2' */
#define FX_LOG_GUID { 0x5D7AE0C6, 0x1B54, 0x4F27, { 0x9A, 0x3E, 0x28, 0x61, 0x0C, 0x74, 0xD2, 0x9F } }

typedef struct {
    GUID Guid;
    UCHAR *Base;
    ULONG Size;
    volatile LONG Offsets; /* low: where the next record goes; high: where the last one began */
    volatile LONG Sequence;
    char DriverName[32];
    UCHAR UseTimeStamp, PreciseTimeStamp;
} FxLogHeader;

#pragma pack(push, 2)
typedef struct {
    USHORT Signature, Length;
    LONG Sequence;
    USHORT Previous, Message;
    GUID Guid;
    LONGLONG Time;
    /* arguments follow */
} FxLogRecord;
#pragma pack(pop)

/* The framework's symbol FxLastStackRefusal. */
typedef struct {
    ULONG Count; /* 0: none yet */
    ULONG Target, Present, Current; /* the target's stack size; the IRP's locations and its current one */
    IRP *Irp;
    DEVICE_OBJECT *Device, *TargetDevice; /* whose location is the current one; what the target leads to */
    ULONG64 Request, IoTarget; /* handles */
} FxStackRefusal;

#endif
