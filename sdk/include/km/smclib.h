/* The smart card driver library, as reader drivers see it (smclib.sys, WDM style). Names, fields and constants are those of Microsoft's
 * documentation; the text is this project's.
 *
 * A reader driver embeds a SMARTCARD_EXTENSION, sets Version, buffer sizes, attributes and callbacks, calls SmartcardInitialize, and
 * hands every IRP_MJ_DEVICE_CONTROL to SmartcardDeviceControl, which completes it (unless a callback answers STATUS_PENDING). */
#ifndef _SMCLIB_
#define _SMCLIB_

#if defined(__clang__)
#pragma clang system_header
#endif

#ifdef __cplusplus
extern "C" {
#endif

#include <devioctl.h>
#include <winsmcrd.h>

#define SMCLIB_VERSION_REQUIRED 0x0150
#define SMCLIB_VERSION 0x0151

#ifndef SMARTCARD_POOL_TAG
#define SMARTCARD_POOL_TAG 'bLcS'
#endif

#ifndef FILE_DEVICE_SMARTCARD
#define FILE_DEVICE_SMARTCARD 0x00000031
#endif
#ifndef SCARD_READER_TYPE_TPM
#define SCARD_READER_TYPE_TPM 0x80
#endif

/* {50DD5230-BA8A-11D1-BF5D-0000F805F530}: the interface class of readers. */
#ifndef SMART_CARD_READER_GUID_DEFINED
#define SMART_CARD_READER_GUID_DEFINED
#include <initguid.h>
DEFINE_GUID(SmartCardReaderGuid, 0x50DD5230, 0xBA8A, 0x11D1, 0xBF, 0x5D, 0x00, 0x00, 0xF8, 0x05, 0xF5, 0x30);
#endif

#define DEBUG_IOCTL ((ULONG)0x00000001)
#define DEBUG_ATR ((ULONG)0x00000002)
#define DEBUG_PROTOCOL ((ULONG)0x00000004)
#define DEBUG_DRIVER ((ULONG)0x00000008)
#define DEBUG_TRACE ((ULONG)0x00000010)
#define DEBUG_ERROR ((ULONG)0x00000020)
#define DEBUG_INFO DEBUG_ERROR
#define DEBUG_PERF ((ULONG)0x00000080)
#define DEBUG_ALL ((ULONG)0x0000FFFF)

#if defined(DBG) && DBG
#define SmartcardDebug(LEVEL, STRING)                                                                                               \
    {                                                                                                                               \
        if (SmartcardGetDebugLevel() & (LEVEL))                                                                                     \
            DbgPrint STRING;                                                                                                        \
    }
#else
#define SmartcardDebug(LEVEL, STRING)
#endif

/* Indexes into ReaderFunction. */
#define RDF_CARD_POWER 0
#define RDF_TRANSMIT 1
#define RDF_CARD_EJECT 2
#define RDF_READER_SWALLOW 3
#define RDF_CARD_TRACKING 4
#define RDF_SET_PROTOCOL 5
#define RDF_DEBUG_LEVEL 6
#define RDF_CARD_CONFISCATE 7
#define RDF_IOCTL_VENDOR 8
#define RDF_ATR_PARSE 9

#define MIN_BUFFER_SIZE 288
#define MAXIMUM_ATR_CODES 4
#define MAXIMUM_ATR_LENGTH 33

typedef union _LENGTH {
    struct {
        ULONG l0;
    } l;
    struct {
        UCHAR b0;
        UCHAR b1;
        UCHAR b2;
        UCHAR b3;
    } b;
} LENGTH, *PLENGTH;

typedef struct _T0_DATA {
    ULONG Lc; /* bytes to the card behind the header */
    ULONG Le; /* bytes expected from it */
} T0_DATA, *PT0_DATA;

/* States of the T=1 machine. */
#define T1_INIT 0
#define T1_START 1
#define T1_I_BLOCK 2
#define T1_R_BLOCK 3
#define T1_RESYNCH_REQUEST 0xC0
#define T1_RESYNCH_RESPONSE 0xE0
#define T1_IFS_REQUEST 0xC1
#define T1_IFS_RESPONSE 0xE1
#define T1_ABORT_REQUEST 0xC2
#define T1_ABORT_RESPONSE 0xE2
#define T1_WTX_REQUEST 0xC3
#define T1_WTX_RESPONSE 0xE3
#define T1_VPP_ERROR 0xE4
#define T1_RESTART 0xFE
#define T1_ERROR 0xFF

#define T1_ERROR_CHKSUM 0x01
#define T1_ERROR_OTHER 0x02
#define T1_MORE_DATA 0x20
#define T1_BWT_DEFAULT 4
#define T1_CWT_DEFAULT 13
#define T1_MAX_RETRIES 3
#define T1_IFSD 254
#define T1_IFSD_DEFAULT 32
#define T1_IFSC_DEFAULT 32
#define T1_CRC_CHECK 1

/* DOC: "T1_DATA structure (smclib.h)": the library's; of it a driver may set NAD. */
typedef struct _T1_DATA {
    UCHAR IFSC;
    UCHAR IFSD;
    ULONG BytesReceived;
    ULONG BytesSent;
    ULONG BytesToSend;
    UCHAR LastError;
    BOOLEAN MoreData;
    UCHAR NAD;
    ULONG OriginalState;
    UCHAR Resend;
    UCHAR Resynch;
    UCHAR RSN;
    UCHAR SSN;
    ULONG State;
    UCHAR Wtx;
    PUCHAR ReplyData;
    BOOLEAN WaitForReply;
    UCHAR InfBytesSent;
    UCHAR Reserved[10 - sizeof(PUCHAR) - sizeof(BOOLEAN) - sizeof(UCHAR)]; /* none with pointers of 8 bytes */
} T1_DATA, *PT1_DATA;

typedef struct _T1_BLOCK_FRAME {
    UCHAR Nad;
    UCHAR Pcb;
    UCHAR Len;
    PUCHAR Inf;
} T1_BLOCK_FRAME, *PT1_BLOCK_FRAME;

typedef struct _CLOCK_RATE_CONVERSION {
    const ULONG F;
    const ULONG fs; /* Hz */
} CLOCK_RATE_CONVERSION, *PCLOCK_RATE_CONVERSION;

typedef struct _BIT_RATE_ADJUSTMENT {
    const ULONG DNumerator;
    const ULONG DDivisor;
} BIT_RATE_ADJUSTMENT, *PBIT_RATE_ADJUSTMENT;

#define PTS_TYPE_DEFAULT 0x00
#define PTS_TYPE_OPTIMAL 0x01
#define PTS_TYPE_USER 0x02

typedef struct _PTS_DATA {
    UCHAR Type;
    UCHAR Fl;
    UCHAR Dl;
    ULONG CLKFrequency; /* kHz */
    ULONG DataRate; /* bits a second */
    UCHAR StopBits;
} PTS_DATA, *PPTS_DATA;

typedef struct _SCARD_CARD_CAPABILITIES {
    BOOLEAN InversConvention;
    ULONG etu; /* microseconds */
    struct {
        UCHAR Buffer[64];
        UCHAR Length;
    } ATR;
    struct {
        UCHAR Buffer[16];
        UCHAR Length;
    } HistoricalChars;
    PCLOCK_RATE_CONVERSION ClockRateConversion;
    PBIT_RATE_ADJUSTMENT BitRateAdjustment;
    UCHAR Fl;
    UCHAR Dl;
    UCHAR II;
    UCHAR P;
    UCHAR N;
    ULONG GT; /* microseconds */
    struct {
        ULONG Supported;
        ULONG Selected;
    } Protocol;
    struct {
        UCHAR WI;
        ULONG WT; /* microseconds, as are the times of T1 */
    } T0;
    struct {
        UCHAR IFSC;
        UCHAR CWI;
        UCHAR BWI;
        UCHAR EDC;
        ULONG CWT;
        ULONG BWT;
        ULONG BGT;
    } T1;
    PTS_DATA PtsData;
    UCHAR Reserved[100 - sizeof(PTS_DATA)];
} SCARD_CARD_CAPABILITIES, *PSCARD_CARD_CAPABILITIES;

typedef struct _SCARD_READER_CAPABILITIES {
    ULONG SupportedProtocols;
    ULONG Reserved;
    ULONG ReaderType;
    ULONG MechProperties;
    ULONG CurrentState; /* under OsData->SpinLock */
    ULONG Channel;
    struct {
        ULONG Default;
        ULONG Max;
    } CLKFrequency;
    struct {
        ULONG Default;
        ULONG Max;
    } DataRate;
    ULONG MaxIFSD;
    ULONG PowerMgmtSupport;
    ULONG CardConfiscated;
    struct _DataRatesSupported {
        PULONG List;
        UCHAR Entries;
    } DataRatesSupported;
    struct _CLKFrequenciesSupported {
        PULONG List;
        UCHAR Entries;
    } CLKFrequenciesSupported;
    UCHAR Reserved1[100 - sizeof(ULONG) - sizeof(struct _DataRatesSupported) - sizeof(struct _CLKFrequenciesSupported)];
} SCARD_READER_CAPABILITIES, *PSCARD_READER_CAPABILITIES;

typedef struct _VENDOR_ATTR {
    struct {
        USHORT Length;
        UCHAR Buffer[MAXIMUM_ATTR_STRING_LENGTH];
    } VendorName;
    struct {
        USHORT Length;
        UCHAR Buffer[MAXIMUM_ATTR_STRING_LENGTH];
    } IfdType;
    ULONG UnitNo;
    struct {
        USHORT BuildNumber;
        UCHAR VersionMinor;
        UCHAR VersionMajor;
    } IfdVersion;
    struct {
        USHORT Length;
        UCHAR Buffer[MAXIMUM_ATTR_STRING_LENGTH];
    } IfdSerialNo;
    ULONG Reserved[25];
} VENDOR_ATTR, *PVENDOR_ATTR;

typedef struct _SMARTCARD_REQUEST {
    PUCHAR Buffer;
    ULONG BufferSize;
    ULONG BufferLength;
} SMARTCARD_REQUEST, *PSMARTCARD_REQUEST;

typedef struct _SMARTCARD_REPLY {
    PUCHAR Buffer;
    ULONG BufferSize;
    ULONG BufferLength;
} SMARTCARD_REPLY, *PSMARTCARD_REPLY;

/* GUESS: the order of the fields, which is that of the documentation's description. */
typedef struct _OS_DEP_DATA {
    PDEVICE_OBJECT DeviceObject;
    PIRP CurrentIrp;
    PIRP NotificationIrp; /* under SpinLock */
    KMUTEX Mutex; /* one request at a time, but for notifications */
    KSPIN_LOCK SpinLock;
    struct {
        BOOLEAN Removed;
        LONG RefCount;
        KEVENT RemovedEvent;
        LIST_ENTRY TagList;
    } RemoveLock;
} OS_DEP_DATA, *POS_DEP_DATA;

/* What a driver keeps for its reader: the driver's own structure of this name. */
typedef struct _READER_EXTENSION *PREADER_EXTENSION;

typedef struct _PERF_INFO {
    ULONG NumTransmissions;
    ULONG BytesSent;
    ULONG BytesReceived;
    LARGE_INTEGER IoTickCount;
    LARGE_INTEGER TickStart;
    LARGE_INTEGER TickEnd;
} PERF_INFO, *PPERF_INFO;

typedef struct _SMARTCARD_EXTENSION SMARTCARD_EXTENSION, *PSMARTCARD_EXTENSION;

struct _SMARTCARD_EXTENSION {
    ULONG Version;
    VENDOR_ATTR VendorAttr;
    NTSTATUS (*ReaderFunction[16])(PSMARTCARD_EXTENSION);
    SCARD_CARD_CAPABILITIES CardCapabilities;
    ULONG LastError;
    struct {
        PULONG Information;
        PUCHAR RequestBuffer;
        ULONG RequestBufferLength;
        PUCHAR ReplyBuffer;
        ULONG ReplyBufferLength;
    } IoRequest;
    ULONG MajorIoControlCode;
    ULONG MinorIoControlCode;
    POS_DEP_DATA OsData;
    SCARD_READER_CAPABILITIES ReaderCapabilities;
    PREADER_EXTENSION ReaderExtension;
    SMARTCARD_REPLY SmartcardReply;
    SMARTCARD_REQUEST SmartcardRequest;
    T0_DATA T0;
    T1_DATA T1;
    PPERF_INFO PerfInfo;
    ULONG Reserved[25 - sizeof(PPERF_INFO)];
};

#define AccessUnsafeData(Irql) KeAcquireSpinLock(&SmartcardExtension->OsData->SpinLock, (Irql))
#define EndAccessUnsafeData(Irql) KeReleaseSpinLock(&SmartcardExtension->OsData->SpinLock, (Irql))

/* IRQL PASSIVE_LEVEL unless said otherwise. */
NTSTATUS NTAPI SmartcardInitialize(PSMARTCARD_EXTENSION SmartcardExtension);
VOID NTAPI SmartcardExit(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardDeviceControl(PSMARTCARD_EXTENSION SmartcardExtension, PIRP Irp);
NTSTATUS NTAPI SmartcardCreateLink(PUNICODE_STRING LinkName, PUNICODE_STRING DeviceName);
VOID NTAPI SmartcardDeleteLink(PUNICODE_STRING LinkName);
VOID NTAPI SmartcardLogError(PVOID Object, NTSTATUS ErrorCode, PUNICODE_STRING Insertion, ULONG DumpData);
NTSTATUS NTAPI SmartcardUpdateCardCapabilities(PSMARTCARD_EXTENSION SmartcardExtension);
VOID NTAPI SmartcardInvertData(PUCHAR Buffer, ULONG Length);
NTSTATUS NTAPI SmartcardT0Request(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardT0Reply(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardT1Request(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardT1Reply(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardRawRequest(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardRawReply(PSMARTCARD_EXTENSION SmartcardExtension);
/* IRQL <= DISPATCH_LEVEL. */
VOID NTAPI SmartcardCompleteCardTracking(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardAcquireRemoveLock(PSMARTCARD_EXTENSION SmartcardExtension);
NTSTATUS NTAPI SmartcardAcquireRemoveLockWithTag(PSMARTCARD_EXTENSION SmartcardExtension, ULONG Tag);
VOID NTAPI SmartcardReleaseRemoveLock(PSMARTCARD_EXTENSION SmartcardExtension);
VOID NTAPI SmartcardReleaseRemoveLockWithTag(PSMARTCARD_EXTENSION SmartcardExtension, ULONG Tag);
VOID NTAPI SmartcardReleaseRemoveLockAndWait(PSMARTCARD_EXTENSION SmartcardExtension);
VOID NTAPI SmartcardSetDebugLevel(ULONG Level);
ULONG NTAPI SmartcardGetDebugLevel(VOID);

#ifdef __cplusplus
}
#endif

#endif
