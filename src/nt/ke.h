/* Kernel-core structures: what lies in guest memory for waits, DPCs, APCs, threads and processors.
 * Layouts are those of x64 Windows 10 (19041); gen_layout_asserts.py checks them against layouts.tsv.
 * A field that holds a guest function is PVOID: the host never calls it directly, only guest_call does.
 * KTHREAD, ETHREAD, EPROCESS and KPCR are not promised by the WDK; only fields that drivers, inlined
 * WDK code or a debugger view read are named. */
#ifndef IRPLAB_NT_KE_H
#define IRPLAB_NT_KE_H

#include "nt/types.h"

typedef ULONG_PTR KSPIN_LOCK;
typedef ULONG_PTR KAFFINITY;
typedef CCHAR KPROCESSOR_STATE_INDEX;

enum { PASSIVE_LEVEL = 0, LOW_LEVEL = 0, APC_LEVEL = 1, DISPATCH_LEVEL = 2, CMCI_LEVEL = 5, CLOCK_LEVEL = 13,
       IPI_LEVEL = 14, DRS_LEVEL = 14, POWER_LEVEL = 14, PROFILE_LEVEL = 15, HIGH_LEVEL = 15 };

enum { KernelMode = 0, UserMode = 1, MaximumMode = 2 };

/* DISPATCHER_HEADER.Type and the Type of other kernel objects. */
typedef enum KOBJECTS {
    EventNotificationObject = 0,
    EventSynchronizationObject = 1,
    MutantObject = 2,
    ProcessObject = 3,
    QueueObject = 4,
    SemaphoreObject = 5,
    ThreadObject = 6,
    GateObject = 7,
    TimerNotificationObject = 8,
    TimerSynchronizationObject = 9,
    ApcObject = 18,
    DpcObject = 19,
    DeviceQueueObject = 20,
    EventPairObject = 21,
    InterruptObject = 22,
    ProfileObject = 23,
    ThreadedDpcObject = 24,
} KOBJECTS;

typedef enum EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum WAIT_TYPE { WaitAll, WaitAny, WaitNotification, WaitDequeue, WaitDpc } WAIT_TYPE;
typedef enum KDPC_IMPORTANCE { LowImportance, MediumImportance, HighImportance, MediumHighImportance } KDPC_IMPORTANCE;
typedef enum KAPC_ENVIRONMENT {
    OriginalApcEnvironment, AttachedApcEnvironment, CurrentApcEnvironment, InsertApcEnvironment
} KAPC_ENVIRONMENT;

typedef enum KWAIT_REASON {
    Executive, FreePage, PageIn, PoolAllocation, DelayExecution, Suspended, UserRequest, WrExecutive, WrFreePage,
    WrPageIn, WrPoolAllocation, WrDelayExecution, WrSuspended, WrUserRequest, WrEventPair, WrQueue, WrLpcReceive,
    WrLpcReply, WrVirtualMemory, WrPageOut, WrRendezvous, WrKeyedEvent, WrTerminated, WrProcessInSwap,
    WrCpuRateControl, WrCalloutStack, WrKernel, WrResource, WrPushLock, WrMutex, WrQuantumEnd, WrDispatchInt,
    WrPreempted, WrYieldExecution, WrFastMutex, WrGuardedMutex, WrRundown, WrAlertByThreadId, WrDeferredPreempt,
    MaximumWaitReason
} KWAIT_REASON;

/* KTHREAD.State. */
typedef enum KTHREAD_STATE {
    Initialized, Ready, Running, Standby, Terminated, Waiting, Transition, DeferredReady, GateWaitObsolete,
    WaitingForProcessInSwap
} KTHREAD_STATE;

enum { MAXIMUM_WAIT_OBJECTS = 64, THREAD_WAIT_OBJECTS = 3 };

typedef struct DISPATCHER_HEADER {
    union {
        struct {
            UCHAR Type;
            union {
                UCHAR TimerControlFlags;
                UCHAR Abandoned;
                UCHAR Signalling;
            };
            union {
                UCHAR ThreadControlFlags;
                UCHAR Size; /* in units of 4 bytes */
                UCHAR Hand;
            };
            union {
                UCHAR TimerMiscFlags;
                UCHAR Inserted;
                UCHAR DebugActive;
                UCHAR DpcActive;
            };
        };
        volatile LONG Lock;
    };
    volatile LONG SignalState;
    LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER;

typedef struct KEVENT {
    DISPATCHER_HEADER Header;
} KEVENT;

typedef struct KGATE {
    DISPATCHER_HEADER Header;
} KGATE;

typedef struct KSEMAPHORE {
    DISPATCHER_HEADER Header;
    LONG Limit;
} KSEMAPHORE;

typedef struct KMUTANT {
    DISPATCHER_HEADER Header;
    LIST_ENTRY MutantListEntry;
    struct KTHREAD *OwnerThread;
    UCHAR Abandoned;
    UCHAR ApcDisable;
} KMUTANT;
typedef KMUTANT KMUTEX;

typedef struct KTIMER {
    DISPATCHER_HEADER Header;
    LARGE_INTEGER DueTime;
    LIST_ENTRY TimerListEntry;
    struct KDPC *Dpc;
    ULONG Processor;
    ULONG Period; /* milliseconds */
} KTIMER;

typedef struct KQUEUE {
    DISPATCHER_HEADER Header;
    LIST_ENTRY EntryListHead;
    volatile ULONG CurrentCount;
    ULONG MaximumCount;
    LIST_ENTRY ThreadListHead;
} KQUEUE;

typedef struct KDPC {
    UCHAR Type;
    UCHAR Importance;
    volatile USHORT Number;
    LIST_ENTRY DpcListEntry;
    PVOID DeferredRoutine;
    PVOID DeferredContext;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
    volatile PVOID DpcData; /* not NULL while queued */
} KDPC;

typedef struct KAPC {
    UCHAR Type;
    UCHAR SpareByte0;
    UCHAR Size;
    UCHAR SpareByte1;
    ULONG SpareLong0;
    struct KTHREAD *Thread;
    LIST_ENTRY ApcListEntry;
    PVOID KernelRoutine;
    PVOID RundownRoutine;
    PVOID NormalRoutine;
    PVOID NormalContext;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
    CCHAR ApcStateIndex;
    KPROCESSOR_MODE ApcMode;
    BOOLEAN Inserted;
} KAPC;

typedef struct KAPC_STATE {
    LIST_ENTRY ApcListHead[MaximumMode];
    struct KPROCESS *Process;
    BOOLEAN KernelApcInProgress; /* Windows 10 keeps flag bits here: bit 0 normal APC, bit 1 special APC in progress */
    BOOLEAN KernelApcPending;
    BOOLEAN UserApcPending;
} KAPC_STATE;

/* The order of Windows 8 and later. mingw's header still has that of 2003, so its rows of layouts.tsv are
 * replaced by those marked windows10; drivers only provide the storage (0x30 bytes in both). */
typedef struct KWAIT_BLOCK {
    LIST_ENTRY WaitListEntry;
    UCHAR WaitType;
    volatile UCHAR BlockState;
    USHORT WaitKey;
    LONG SpareLong;
    union {
        struct KTHREAD *Thread;
        KQUEUE *NotificationQueue;
    };
    PVOID Object;
    PVOID SparePtr;
} KWAIT_BLOCK;

typedef struct KDEVICE_QUEUE_ENTRY {
    LIST_ENTRY DeviceListEntry;
    ULONG SortKey;
    BOOLEAN Inserted;
} KDEVICE_QUEUE_ENTRY;

typedef struct KDEVICE_QUEUE {
    SHORT Type;
    SHORT Size;
    LIST_ENTRY DeviceListHead;
    KSPIN_LOCK Lock;
    union {
        BOOLEAN Busy;
        LONGLONG BusyAndHint; /* x64: Busy in the low 8 bits, a hint above */
    };
} KDEVICE_QUEUE;

typedef struct KSPIN_LOCK_QUEUE {
    struct KSPIN_LOCK_QUEUE *volatile Next;
    KSPIN_LOCK *volatile Lock;
} KSPIN_LOCK_QUEUE;

typedef struct KLOCK_QUEUE_HANDLE {
    KSPIN_LOCK_QUEUE LockQueue;
    KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE;

typedef struct FAST_MUTEX {
    volatile LONG Count; /* 1 free, 0 or less owned */
    PVOID Owner;
    ULONG Contention;
    KEVENT Event;
    ULONG OldIrql;
} FAST_MUTEX;

typedef struct KGUARDED_MUTEX {
    volatile LONG Count;
    struct KTHREAD *Owner;
    ULONG Contention;
    KGATE Gate;
    union {
        struct {
            SHORT KernelApcDisable;
            SHORT SpecialApcDisable;
        };
        ULONG CombinedApcDisable;
    };
} KGUARDED_MUTEX;

typedef struct KSYSTEM_TIME {
    ULONG LowPart;
    LONG High1Time;
    LONG High2Time;
} KSYSTEM_TIME;

typedef struct PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER;

typedef struct GROUP_AFFINITY {
    KAFFINITY Mask;
    USHORT Group;
    USHORT Reserved[3];
} GROUP_AFFINITY;

typedef struct CLIENT_ID {
    HANDLE UniqueProcess;
    HANDLE UniqueThread;
} CLIENT_ID;

typedef struct KFLOATING_SAVE {
    ULONG Dummy;
} KFLOATING_SAVE;

/* GUESS: offsets of KPROCESS, EPROCESS, KTHREAD, ETHREAD as public symbols of build 19041 show them; no
 * document promises them. Sizes and the named offsets are asserted in layouts.tsv (rows windows10). */
typedef struct KPROCESS {
    DISPATCHER_HEADER Header;
    LIST_ENTRY ProfileListHead;
    ULONG_PTR DirectoryTableBase;
    LIST_ENTRY ThreadListHead;
    UCHAR Reserved40[0x438 - 0x40];
} KPROCESS;

typedef struct EPROCESS {
    KPROCESS Pcb;
    PVOID ProcessLock;
    HANDLE UniqueProcessId;
    LIST_ENTRY ActiveProcessLinks;
    PVOID RundownProtect;
    ULONG Flags2;
    ULONG Flags;
    LARGE_INTEGER CreateTime;
    UCHAR Reserved470[0x4B8 - 0x470];
    PVOID Token;
    UCHAR Reserved4C0[0x520 - 0x4C0];
    PVOID SectionBaseAddress;
    UCHAR Reserved528[0x540 - 0x528];
    HANDLE InheritedFromUniqueProcessId;
    UCHAR Reserved548[8];
    PVOID Peb;
    UCHAR Reserved558[0x570 - 0x558];
    PVOID ObjectTable;
    UCHAR Reserved578[0x5A8 - 0x578];
    CHAR ImageFileName[15];
    UCHAR PriorityClass;
    UCHAR Reserved5B8[0x5E0 - 0x5B8];
    LIST_ENTRY ThreadListHead;
    volatile ULONG ActiveThreads;
    UCHAR Reserved5F4[0x7D4 - 0x5F4];
    NTSTATUS ExitStatus;
    UCHAR Reserved7D8[0xA40 - 0x7D8];
} EPROCESS;

typedef struct KTHREAD {
    DISPATCHER_HEADER Header;
    PVOID SListFaultAddress;
    ULONG64 QuantumTarget;
    PVOID InitialStack;
    volatile PVOID StackLimit;
    PVOID StackBase;
    KSPIN_LOCK ThreadLock;
    volatile ULONG64 CycleTime;
    ULONG CurrentRunTime;
    ULONG ExpectedRunTime;
    PVOID KernelStack;
    PVOID StateSaveArea;
    PVOID SchedulingGroup;
    UCHAR WaitRegister;
    volatile UCHAR Running;
    UCHAR Alerted[MaximumMode];
    ULONG MiscFlags; /* bit 4: Alertable */
    ULONG ThreadFlags;
    UCHAR Reserved7C[4];
    ULONG SystemCallNumber;
    ULONG ReadyTime;
    PVOID FirstArgument;
    PVOID TrapFrame;
    union {
        KAPC_STATE ApcState;
        struct {
            UCHAR ApcStateFill[43];
            CHAR Priority;
            ULONG UserIdealProcessor;
        };
    };
    volatile LONG_PTR WaitStatus;
    KWAIT_BLOCK *WaitBlockList;
    LIST_ENTRY WaitListEntry;
    KQUEUE *volatile Queue;
    PVOID Teb;
    ULONG64 RelativeTimerBias;
    KTIMER Timer;
    union {
        KWAIT_BLOCK WaitBlock[THREAD_WAIT_OBJECTS + 1];
        struct {
            UCHAR WaitBlockFill4[0x14];
            ULONG ContextSwitches;
            UCHAR WaitBlockFill5[0x44 - 0x18];
            volatile UCHAR State; /* KTHREAD_STATE */
            CHAR NpxState;
            KIRQL WaitIrql;
            KPROCESSOR_MODE WaitMode;
            UCHAR WaitBlockFill6[0x74 - 0x48];
            ULONG WaitTime;
            UCHAR WaitBlockFill7[0x88 - 0x78];
            PVOID Win32Thread;
            UCHAR WaitBlockFill8[0xA4 - 0x90];
            union {
                struct {
                    SHORT KernelApcDisable;
                    SHORT SpecialApcDisable;
                };
                ULONG CombinedApcDisable;
            };
        };
    };
    PVOID Spare18;
    LIST_ENTRY QueueListEntry;
    volatile ULONG NextProcessor;
    LONG QueuePriority;
    struct KPROCESS *Process;
    UCHAR Reserved228[0x232 - 0x228];
    KPROCESSOR_MODE PreviousMode;
    CHAR BasePriority;
    UCHAR Reserved234[0x24A - 0x234];
    UCHAR ApcStateIndex;
    UCHAR WaitBlockCount;
    UCHAR Reserved24C[0x258 - 0x24C];
    union {
        KAPC_STATE SavedApcState;
        struct {
            UCHAR SavedApcStateFill[43];
            UCHAR WaitReason; /* KWAIT_REASON */
            CHAR SuspendCount;
            CHAR Saturation;
            USHORT SListFaultCount;
        };
    };
    UCHAR Reserved288[0x2F8 - 0x288];
    LIST_ENTRY ThreadListEntry;
    LIST_ENTRY MutantListHead;
    UCHAR Reserved318[0x430 - 0x318];
} KTHREAD;

typedef struct ETHREAD {
    KTHREAD Tcb;
    LARGE_INTEGER CreateTime;
    LARGE_INTEGER ExitTime;
    UCHAR Reserved440[0x450 - 0x440];
    PVOID StartAddress;
    UCHAR Reserved458[0x478 - 0x458];
    CLIENT_ID Cid;
    UCHAR Reserved488[0x4A8 - 0x488];
    LIST_ENTRY IrpList; /* GUESS: the offset differs between builds; only our own code walks it */
    ULONG_PTR TopLevelIrp;
    EPROCESS *ThreadsProcess;
    PVOID Win32StartAddress;
    UCHAR Reserved4D0[0x4E8 - 0x4D0];
    LIST_ENTRY ThreadListEntry;
    UCHAR Reserved4F8[0x548 - 0x4F8];
    NTSTATUS ExitStatus;
    UCHAR Reserved54C[0x898 - 0x54C];
} ETHREAD;

/* The first fields of the processor block; gs:[188h] is KPCR.Prcb_.CurrentThread. */
typedef struct KPRCB {
    ULONG MxCsr;
    UCHAR LegacyNumber;
    UCHAR ReservedMustBeZero;
    BOOLEAN InterruptRequest;
    BOOLEAN IdleHalt;
    struct KTHREAD *CurrentThread;
    struct KTHREAD *NextThread;
    struct KTHREAD *IdleThread;
    UCHAR NestingLevel;
    UCHAR ClockOwner;
    UCHAR PendingTickFlags;
    UCHAR IdleState;
    ULONG Number;
    ULONG64 RspBase;
    ULONG64 PrcbLock;
    UCHAR Reserved38[0xE80 - 0x38];
} KPRCB;

/* One page a virtual processor. Documented in the WDK up to KernelReserved. */
typedef struct KPCR {
    PVOID GdtBase;
    PVOID TssBase;
    ULONG64 UserRsp;
    struct KPCR *Self; /* gs:[18h] */
    KPRCB *CurrentPrcb; /* gs:[20h] */
    KSPIN_LOCK_QUEUE *LockArray;
    PVOID Used_Self; /* in user mode the TEB's own pointer sits here */
    PVOID IdtBase;
    ULONG64 Unused[2];
    KIRQL Irql; /* not the truth on x64: that is cr8 */
    UCHAR SecondLevelCacheAssociativity;
    UCHAR ObsoleteNumber;
    UCHAR Fill0;
    ULONG Unused0[3];
    USHORT MajorVersion;
    USHORT MinorVersion;
    ULONG StallScaleFactor;
    PVOID Unused1[3];
    ULONG KernelReserved[15];
    ULONG SecondLevelCacheSize;
    ULONG HalReserved[16];
    ULONG Unused2;
    PVOID KdVersionBlock;
    PVOID Unused3;
    ULONG PcrAlign1[24];
    ULONG64 Reserved178;
    KPRCB Prcb;
} KPCR;

/* The page that inlined KeQuerySystemTime, KeQueryTickCount, … read. Times are 100 ns units as KSYSTEM_TIME. */
#define KI_USER_SHARED_DATA_KERNEL 0xFFFFF78000000000ull
#define KI_USER_SHARED_DATA_USER 0x7FFE0000ull

typedef struct KUSER_SHARED_DATA {
    ULONG TickCountLowDeprecated;
    ULONG TickCountMultiplier;
    volatile KSYSTEM_TIME InterruptTime;
    volatile KSYSTEM_TIME SystemTime;
    volatile KSYSTEM_TIME TimeZoneBias;
    USHORT ImageNumberLow;
    USHORT ImageNumberHigh;
    WCHAR NtSystemRoot[260];
    ULONG MaxStackTraceDepth;
    ULONG CryptoExponent;
    ULONG TimeZoneId;
    ULONG LargePageMinimum;
    ULONG AitSamplingValue;
    ULONG AppCompatFlag;
    ULONGLONG RNGSeedVersion;
    ULONG GlobalValidationRunlevel;
    LONG TimeZoneBiasStamp;
    ULONG NtBuildNumber;
    ULONG NtProductType; /* 1 workstation */
    BOOLEAN ProductTypeIsValid;
    BOOLEAN Reserved0;
    USHORT NativeProcessorArchitecture;
    ULONG NtMajorVersion;
    ULONG NtMinorVersion;
    BOOLEAN ProcessorFeatures[64];
    ULONG Reserved1;
    ULONG Reserved3;
    volatile ULONG TimeSlip;
    ULONG AlternativeArchitecture;
    ULONG BootId;
    LARGE_INTEGER SystemExpirationDate;
    ULONG SuiteMask;
    BOOLEAN KdDebuggerEnabled;
    UCHAR NXSupportPolicy;
    USHORT CyclesPerYield;
    volatile ULONG ActiveConsoleId;
    volatile ULONG DismountCount;
    ULONG ComPlusPackage;
    ULONG LastSystemRITEventTickCount;
    ULONG NumberOfPhysicalPages;
    BOOLEAN SafeBootMode;
    UCHAR VirtualizationFlags;
    UCHAR Reserved12[2];
    ULONG SharedDataFlags;
    ULONG DataFlagsPad[1];
    ULONGLONG TestRetInstruction;
    LONGLONG QpcFrequency;
    ULONG SystemCall;
    ULONG Reserved2;
    ULONGLONG SystemCallPad[2];
    union {
        volatile KSYSTEM_TIME TickCount;
        volatile ULONG64 TickCountQuad;
        ULONG ReservedTickCountOverlay[4];
    };
    ULONG Cookie;
    ULONG CookiePad[1];
    LONGLONG ConsoleSessionForegroundProcessId;
    ULONGLONG TimeUpdateLock;
    ULONGLONG BaselineSystemTimeQpc;
    ULONGLONG BaselineInterruptTimeQpc;
    ULONGLONG QpcSystemTimeIncrement;
    ULONGLONG QpcInterruptTimeIncrement;
    UCHAR QpcSystemTimeIncrementShift;
    UCHAR QpcInterruptTimeIncrementShift;
    USHORT UnparkedProcessorCount;
    ULONG EnclaveFeatureMask[4];
    ULONG TelemetryCoverageRound;
    USHORT UserModeGlobalLogger[16];
    ULONG ImageFileExecutionOptions;
    ULONG LangGenerationCount;
    ULONGLONG Reserved4;
    volatile ULONG64 InterruptTimeBias;
    volatile ULONG64 QpcBias;
    ULONG ActiveProcessorCount;
    volatile UCHAR ActiveGroupCount;
    UCHAR Reserved9;
    USHORT QpcData;
    LARGE_INTEGER TimeZoneBiasEffectiveStart;
    LARGE_INTEGER TimeZoneBiasEffectiveEnd;
} KUSER_SHARED_DATA;

#endif
