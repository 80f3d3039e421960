/* Executive support structures: work items, resources, lookaside lists, rundown protection. */
#ifndef IRPLAB_NT_EX_H
#define IRPLAB_NT_EX_H

#include "nt/ke.h"

typedef enum POOL_TYPE {
    NonPagedPool = 0,
    NonPagedPoolExecute = 0,
    PagedPool = 1,
    NonPagedPoolMustSucceed = 2,
    DontUseThisType = 3,
    NonPagedPoolCacheAligned = 4,
    PagedPoolCacheAligned = 5,
    NonPagedPoolCacheAlignedMustS = 6,
    MaxPoolType = 7,
    NonPagedPoolSession = 32,
    PagedPoolSession = 33,
    NonPagedPoolNx = 512,
    NonPagedPoolNxCacheAligned = 516,
    NonPagedPoolSessionNx = 544,
} POOL_TYPE;

enum { POOL_QUOTA_FAIL_INSTEAD_OF_RAISE = 8, POOL_RAISE_IF_ALLOCATION_FAILURE = 16, POOL_COLD_ALLOCATION = 256,
       POOL_NX_ALLOCATION = 512, POOL_ZERO_ALLOCATION = 1024 };

/* POOL_FLAGS of ExAllocatePool2. */
#define POOL_FLAG_REQUIRED_START 0x1ull
#define POOL_FLAG_USE_QUOTA 0x1ull
#define POOL_FLAG_UNINITIALIZED 0x2ull
#define POOL_FLAG_SESSION 0x4ull
#define POOL_FLAG_CACHE_ALIGNED 0x8ull
#define POOL_FLAG_RESERVED1 0x10ull
#define POOL_FLAG_RAISE_ON_FAILURE 0x20ull
#define POOL_FLAG_NON_PAGED 0x40ull
#define POOL_FLAG_NON_PAGED_EXECUTE 0x80ull
#define POOL_FLAG_PAGED 0x100ull
#define POOL_FLAG_RESERVED2 0x200ull
#define POOL_FLAG_RESERVED3 0x400ull

typedef struct SLIST_ENTRY {
    struct SLIST_ENTRY *Next;
    ULONG_PTR Alignment;
} __attribute__((aligned(16))) SLIST_ENTRY;

/* x64: Depth 16 bits, Sequence 48 bits; then 4 reserved bits and the 60 high bits of the first entry. */
typedef union SLIST_HEADER {
    struct {
        ULONGLONG Alignment;
        ULONGLONG Region;
    };
    struct {
        ULONGLONG Depth : 16;
        ULONGLONG Sequence : 48;
        ULONGLONG Reserved : 4;
        ULONGLONG NextEntry : 60;
    } HeaderX64;
} __attribute__((aligned(16))) SLIST_HEADER;

#define GENERAL_LOOKASIDE_FIELDS                                                                                       \
    SLIST_HEADER ListHead;                                                                                             \
    USHORT Depth;                                                                                                      \
    USHORT MaximumDepth;                                                                                               \
    ULONG TotalAllocates;                                                                                              \
    union {                                                                                                            \
        ULONG AllocateMisses;                                                                                          \
        ULONG AllocateHits;                                                                                            \
    };                                                                                                                 \
    ULONG TotalFrees;                                                                                                  \
    union {                                                                                                            \
        ULONG FreeMisses;                                                                                              \
        ULONG FreeHits;                                                                                                \
    };                                                                                                                 \
    ULONG Type; /* POOL_TYPE */                                                                                        \
    ULONG Tag;                                                                                                         \
    ULONG Size;                                                                                                        \
    PVOID Allocate;                                                                                                    \
    PVOID Free;                                                                                                        \
    LIST_ENTRY ListEntry;                                                                                              \
    ULONG LastTotalAllocates;                                                                                          \
    ULONG LastAllocateMisses;                                                                                          \
    ULONG Future[2];

typedef struct GENERAL_LOOKASIDE {
    GENERAL_LOOKASIDE_FIELDS
} __attribute__((aligned(64))) GENERAL_LOOKASIDE;

typedef struct GENERAL_LOOKASIDE_POOL {
    GENERAL_LOOKASIDE_FIELDS
} GENERAL_LOOKASIDE_POOL;

typedef struct NPAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} NPAGED_LOOKASIDE_LIST;

typedef struct PAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} PAGED_LOOKASIDE_LIST;

typedef struct LOOKASIDE_LIST_EX {
    GENERAL_LOOKASIDE_POOL L;
} LOOKASIDE_LIST_EX;

typedef enum WORK_QUEUE_TYPE {
    CriticalWorkQueue, DelayedWorkQueue, HyperCriticalWorkQueue, NormalWorkQueue, BackgroundWorkQueue,
    RealTimeWorkQueue, SuperCriticalWorkQueue, MaximumWorkQueue, CustomPriorityWorkQueue = 32
} WORK_QUEUE_TYPE;

typedef struct WORK_QUEUE_ITEM {
    LIST_ENTRY List; /* Flink NULL: not queued */
    PVOID WorkerRoutine;
    PVOID Parameter;
} WORK_QUEUE_ITEM;

typedef struct OWNER_ENTRY {
    ULONG_PTR OwnerThread;
    union {
        struct {
            ULONG IoPriorityBoosted : 1;
            ULONG OwnerReferenced : 1;
            ULONG OwnerCount : 30;
        };
        ULONG TableSize;
    };
} OWNER_ENTRY;

enum { ResourceNeverExclusive = 0x10, ResourceReleaseByOtherThread = 0x20, ResourceOwnedExclusive = 0x80 };

typedef struct ERESOURCE {
    LIST_ENTRY SystemResourcesList;
    OWNER_ENTRY *OwnerTable;
    SHORT ActiveCount;
    USHORT Flag;
    KSEMAPHORE *volatile SharedWaiters;
    KEVENT *volatile ExclusiveWaiters;
    OWNER_ENTRY OwnerEntry;
    ULONG ActiveEntries;
    ULONG ContentionCount;
    ULONG NumberOfSharedWaiters;
    ULONG NumberOfExclusiveWaiters;
    PVOID Reserved2;
    union {
        PVOID Address;
        ULONG_PTR CreatorBackTraceIndex;
    };
    KSPIN_LOCK SpinLock;
} ERESOURCE;

typedef struct EX_RUNDOWN_REF {
    union {
        volatile ULONG_PTR Count; /* references * 2; bit 0: run down */
        volatile PVOID Ptr;
    };
} EX_RUNDOWN_REF;

typedef struct EX_PUSH_LOCK {
    union {
        ULONG_PTR Value;
        PVOID Ptr;
    };
} EX_PUSH_LOCK;

#endif
