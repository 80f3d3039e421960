/* Wdf01000: the kernel-mode driver framework's private face.
 *
 * Every framework object begins with FxObject. Names are those of the public framework source, so that `k` and the log read as they do
 * on Windows: class members are C functions Class_Member whose symbol is Class::Member (FXM below); the functions that a driver's table
 * points at are imp_WdfXxx.
 *
 * Rules: locks are kernel spin locks, waits are on kernel events, so that exploration sees them. Nothing holds a framework lock across a
 * callback into the client, except the callback lock that the client asked for. */
#ifndef WDF01000_FX_H
#define WDF01000_FX_H

#include <ntddk.h>
#include <wdf.h>
#include <wdfusb.h>

#include "wdf_prototypes.h"

/* A C function with the symbol of the C++ member that it stands for. */
#define FXM(ret, cls, member, args) ret cls##_##member args __asm__(#cls "::" #member)

/* Exports that the toolchain's headers leave out. */
ULONG IoGetRequestorProcessId(PIRP Irp);
NTSTATUS WmiTraceMessage(ULONG64 LoggerHandle, ULONG Flags, const GUID *Guid, USHORT Number, ...);

#define FX_TAG 'rDxF'
#define FX_LOG_TAG 'gLxF'
#ifndef WDF_VIOLATION
#define WDF_VIOLATION 0x10D
#endif
#ifndef STATUS_WDF_QUEUED
#define STATUS_WDF_QUEUED ((NTSTATUS)0xC0200211L)
#endif

/* The first parameter of bug check 0x10D. DOC: "Bug Check 0x10D: WDF_VIOLATION". */
enum {
    FXBC_POWER_TIMEOUT = 1, FXBC_RECURSIVE_LOCK = 2, FXBC_FATAL = 3, FXBC_NULL_PARAMETER = 4, FXBC_INVALID_HANDLE = 5, FXBC_REQUEST = 6,
    FXBC_OBJECT = 7, FXBC_DMA = 8, FXBC_INTERRUPT = 9, FXBC_QUEUE = 0xA, FXBC_LOCK = 0xB, FXBC_PNP = 0xC, FXBC_POWER_POLICY = 0xD,
    FXBC_IRQL = 0xE, FXBC_CRITICAL_REGION = 0xF, FXBC_UNAVAILABLE = 0x10,
};
/* The second parameter of WDF_REQUEST_FATAL_ERROR. */
enum { FXREQ_NO_STACK = 1, FXREQ_NULL_IRP = 2, FXREQ_ALREADY_SENT = 3, FXREQ_INFORMATION = 4, FXREQ_NOT_IN_QUEUE = 5 };

/* Types as !wdfhandle shows them. */
enum fx_type {
    FX_TYPE_NONE = 0, FX_TYPE_OBJECT = 0x1000, FX_TYPE_DRIVER, FX_TYPE_DEVICE, FX_TYPE_QUEUE, FX_TYPE_WMI_PROVIDER, FX_TYPE_WMI_INSTANCE,
    FX_TYPE_REGKEY, FX_TYPE_STRING, FX_TYPE_REQUEST, FX_TYPE_LOOKASIDE, IFX_TYPE_MEMORY, FX_TYPE_COLLECTION, FX_TYPE_FILEOBJECT,
    FX_TYPE_DPC, FX_TYPE_TIMER, FX_TYPE_WORKITEM, FX_TYPE_SPIN_LOCK, FX_TYPE_WAIT_LOCK, FX_TYPE_INTERRUPT, FX_TYPE_CHILD_LIST,
    FX_TYPE_CMRESLIST, FX_TYPE_IORESREQLIST, FX_TYPE_IORESLIST, FX_TYPE_DMA_ENABLER, FX_TYPE_DMA_TRANSACTION, FX_TYPE_COMMON_BUFFER,
    FX_TYPE_IO_TARGET, FX_TYPE_IO_TARGET_USB_DEVICE, FX_TYPE_IO_TARGET_USB_PIPE, FX_TYPE_USB_INTERFACE, FX_TYPE_MAX,
};

/* DOC: object states, spelled as the log spells them. */
enum fx_state {
    FxObjectStateInvalid, FxObjectStateCreated, FxObjectStateDisposed, FxObjectStateDisposingEarly, FxObjectStateDisposingDisposeChildren,
    FxObjectStateDeferedDisposing, FxObjectStateDeferedDeleting, FxObjectStateWaitingForEarlyDispose,
    FxObjectStateWaitingForParentDeleteAndDisposed, FxObjectStateDeletedDisposing, FxObjectStateDeletedAndDisposed,
    FxObjectStateDeferedDestroy, FxObjectStateDestroyed,
};

typedef struct FxObject FxObject;
typedef struct FxDriver FxDriver;
typedef struct FxDevice FxDevice;
typedef struct FxQueue FxQueue;
typedef struct FxRequest FxRequest;
typedef struct FxMemory FxMemory;
typedef struct FxTarget FxTarget;
typedef struct FxFile FxFile;
typedef struct FxGlobals FxGlobals;
typedef struct FxCallbackLock FxCallbackLock;

/* ---- per-driver globals ---- */

struct FxGlobals {
    LIST_ENTRY Entry; /* FxLibraryGlobals.Clients */
    struct FxLog *Log; /* here: irplab finds the rings through FxLibraryGlobals (src/kd/wdf_log.c) */
    WDF_DRIVER_GLOBALS Public; /* what WdfVersionBind hands out */
    DRIVER_OBJECT *DriverObject;
    FxDriver *Driver;
    ULONG Major, Minor, Build, FuncCount;
    const WDFFUNC *Table;
    UNICODE_STRING RegistryPath;
    WCHAR RegistryBuffer[260];
    BOOLEAN VerifierOn, VerboseOn, VerifyOn, DbgBreakOnError, TrackAll, VerifyDownLevel;
    LONG AllocateFailCount; /* -1: never */
    USHORT Track[16]; /* types listed in TrackHandles */
    UNICODE_STRING Mof;
    LONG ObjectCount; /* client-visible objects not freed; judged at unbind */
    KSPIN_LOCK AllLock; /* AllObjects: with the verifier on */
    LIST_ENTRY AllObjects;
    KSPIN_LOCK DisposeLock; /* objects that wait to be disposed at PASSIVE_LEVEL */
    LIST_ENTRY DisposeList;
    PIO_WORKITEM DisposeItem;
    BOOLEAN DisposeQueued;
    KEVENT DisposeDone; /* signalled while nothing waits */
    ULONG RequestTimeout;
};

static inline FxGlobals *FxGet(PWDF_DRIVER_GLOBALS p)
{
    return CONTAINING_RECORD(p, FxGlobals, Public);
}

struct FxLibraryGlobals {
    KSPIN_LOCK Lock;
    LIST_ENTRY Clients;
    DRIVER_OBJECT *DriverObject;
    DEVICE_OBJECT *Device; /* work items of clients without a device of their own */
    OSVERSIONINFOW Version;
};
extern struct FxLibraryGlobals FxLibraryGlobals;
extern const WDFFUNC FxFunctions[];
enum { FX_FUNCTION_COUNT = 458 };

/* ---- the recorder (log.c); messages are in messages.def ---- */

enum fx_message {
#define FXMSG(id, function, level, text) FXLOG_##id,
#include "messages.def"
#undef FXMSG
};
/* args: as many as the message's text has, pointers and integers widened to 64 bits. */
void FxLogWrite(FxGlobals *g, enum fx_message id, const ULONG64 *args, ULONG count);
#define FXLOG(g, id, ...)                                                                                    \
    do {                                                                                                     \
        const ULONG64 fx_args[] = { __VA_ARGS__ };                                                           \
        FxLogWrite(g, FXLOG_##id, fx_args, sizeof fx_args / sizeof fx_args[0]);                              \
    } while (0)
#define P64(x) ((ULONG64)(x))
#define S64(x) ((ULONG64)(ULONG)(x))
FXM(BOOLEAN, FxIFR, Start, (FxGlobals * g, ULONG pages));
FXM(void, FxIFR, Stop, (FxGlobals * g));

/* ---- the verifier (verifier.c) ---- */

DECLSPEC_NORETURN void FxVerifierKeBugCheck(FxGlobals *g, ULONG code, ULONG64 a, ULONG64 b, ULONG64 c);
/* A rule that holds only with the verifier on: records the message's consequence and stops. */
void FxVerifierDbgBreakPoint(FxGlobals *g, FxObject *o, PVOID caller);
NTSTATUS FxVerifierCheckIrqlLevelAt(FxGlobals *g, KIRQL highest, PVOID caller) __asm__("FxVerifierCheckIrqlLevel");
#define FxVerifierCheckIrqlLevel(g, highest) FxVerifierCheckIrqlLevelAt(g, highest, __builtin_return_address(0))
#define FX_PASSIVE(g)                                                       \
    do {                                                                    \
        NTSTATUS fx_s = FxVerifierCheckIrqlLevel(g, PASSIVE_LEVEL);         \
        if (!NT_SUCCESS(fx_s))                                              \
            return fx_s;                                                    \
    } while (0)
#define FX_PASSIVE_V(g)                                                       \
    do {                                                                      \
        if (!NT_SUCCESS(FxVerifierCheckIrqlLevel(g, PASSIVE_LEVEL)))          \
            return;                                                           \
    } while (0)
/* A parameter that must not be NULL. */
#define FX_NOT_NULL(g, p)                                                                                       \
    do {                                                                                                        \
        if (!(p))                                                                                               \
            FxVerifierNullBugCheck(g, __builtin_return_address(0));                                             \
    } while (0)
DECLSPEC_NORETURN void FxVerifierNullBugCheck(FxGlobals *g, PVOID caller);
/* Around a callback into the client, with the verifier on: IRQL and critical regions as they were. */
struct FxGuard {
    KIRQL Irql;
    BOOLEAN Apcs, On;
};
struct FxGuard FxGuardEnter(FxGlobals *g);
void FxGuardLeave(FxGlobals *g, const struct FxGuard *guard, PVOID routine);
#define FX_CALL(g, routine, ...)                                  \
    do {                                                          \
        struct FxGuard fx_guard = FxGuardEnter(g);                \
        routine(__VA_ARGS__);                                     \
        FxGuardLeave(g, &fx_guard, (PVOID)(routine));             \
    } while (0)
#define FX_CALL_R(g, result, routine, ...)                        \
    do {                                                          \
        struct FxGuard fx_guard = FxGuardEnter(g);                \
        result = routine(__VA_ARGS__);                            \
        FxGuardLeave(g, &fx_guard, (PVOID)(routine));             \
    } while (0)

/* ---- objects (object.c) ---- */

typedef struct FxContext {
    struct FxContext *Next;
    FxObject *Object;
    const WDF_OBJECT_CONTEXT_TYPE_INFO *Type; /* NULL: the empty one of a device without context */
    PFN_WDF_OBJECT_CONTEXT_CLEANUP Cleanup;
    PFN_WDF_OBJECT_CONTEXT_DESTROY Destroy;
    ULONG64 Size;
    /* the context itself follows, 16-aligned */
} FxContext;

enum {
    FXO_NO_DELETE = 1, /* WdfObjectDelete is refused */
    FXO_PASSIVE = 2, /* disposed and destroyed at PASSIVE_LEVEL */
    FXO_EMBEDDED = 4, /* part of its owner: references are the owner's */
    FXO_HANDLED = 8, /* the client has a handle: counts as client-visible */
    FXO_TRACED = 0x10, /* state changes are recorded */
    FXO_COMMITTED = 0x20,
    FXO_NO_PARENT_REF = 0x40,
};

struct FxObject {
    USHORT Type, Size;
    LONG Refs;
    FxGlobals *Globals;
    UCHAR State, Flags, Level, Scope; /* Level: WDF_EXECUTION_LEVEL, Scope: WDF_SYNCHRONIZATION_SCOPE, resolved */
    LONG CleanupDone;
    KSPIN_LOCK Lock; /* State, Children, Contexts */
    FxObject *Parent, *Owner; /* Owner: of an embedded one */
    LIST_ENTRY Children, Sibling, All, DisposeEntry;
    FxContext *Contexts;
    FxDevice *Device;
    BOOLEAN (*Dispose)(FxObject *o); /* before EvtCleanup; FALSE: the class calls the clean-up itself */
    void (*Destroy)(FxObject *o); /* the class's destructor */
    ULONG References; /* taken by the client with tags, for the verifier */
};

#define FX_FIRST_CONTEXT_AT(size) (((size) + 15) & ~15u)

static inline WDFOBJECT FxHandle(const void *o)
{
    const FxObject *x = o;
    return (WDFOBJECT)(((ULONG_PTR)x | ((x->Flags & FXO_EMBEDDED) ? 1 : 0)) ^ ~(ULONG_PTR)7);
}

/* The object behind a handle; a wrong handle is bug check 0x10D(5). */
void *FxObjectHandleGetPtr(FxGlobals *g, WDFOBJECT h, enum fx_type type);
#define FX_OBJ(g, h, T, type) ((T *)FxObjectHandleGetPtr(g, (WDFOBJECT)(h), type))

/* Zeroed object with room for the attributes' context, reference count 1, no parent yet. size: of the class. NULL: no memory. */
void *FxObjectCreate(FxGlobals *g, enum fx_type type, size_t size, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *status);
/* Checks attributes: size, sizes of contexts, parent wanted or refused. */
enum { FXA_PARENT_OPTIONAL, FXA_PARENT_REQUIRED, FXA_PARENT_REFUSED };
NTSTATUS FxValidateObjectAttributes(FxGlobals *g, const WDF_OBJECT_ATTRIBUTES *a, int parent);
/* Gives it its parent (the attributes' or `def`), its callbacks and its handle. Fails when the parent is being deleted. */
NTSTATUS FxObjectCommit(FxObject *o, const WDF_OBJECT_ATTRIBUTES *a, FxObject *def, WDFOBJECT *handle);
/* Creation that failed after FxObjectCreate: no callbacks are called. */
void FxObjectDeleteFromFailedCreate(FxObject *o);
/* The context that the object was created with. */
PVOID FxObjectContext(FxObject *o);
NTSTATUS FxObjectAddContext(FxObject *o, const WDF_OBJECT_ATTRIBUTES *a, PVOID *context, BOOLEAN first);
FXM(void, FxObject, AddRef, (FxObject * o));
FXM(void, FxObject, Release, (FxObject * o));
FXM(void, FxObject, DeleteObject, (FxObject * o));
FXM(void, FxObject, EarlyDispose, (FxObject * o)); /* clean-up of it and its children, without deleting it */
FXM(void, FxObject, SetObjectStateLocked, (FxObject * o, UCHAR state));
FXM(void, FxObject, PerformCleanup, (FxObject * o)); /* EvtCleanup of all contexts, once */
FXM(void, FxObject, DeleteChildren, (FxObject * o));
void FxWaitForDisposals(FxGlobals *g);
void *FxPoolAllocate(FxGlobals *g, POOL_TYPE type, size_t size, ULONG tag);
static inline FxObject *FX(void *o)
{
    return o;
}
BOOLEAN FxTypeCheck(enum fx_type type, enum fx_type wanted);

/* Execution level and synchronisation scope, inherited from parents. */
void FxResolveConstraints(FxObject *o, const WDF_OBJECT_ATTRIBUTES *a, FxObject *parent);

/* The lock that callbacks of one scope share: a spin lock (dispatch level) or a mutex (passive level). */
struct FxCallbackLock {
    BOOLEAN Passive, Used;
    KSPIN_LOCK Spin;
    KMUTEX Mutex;
    KIRQL Old;
    PKTHREAD Owner;
    LONG Depth;
};
void FxCallbackLockInit(FxCallbackLock *l, BOOLEAN passive);
void FxCallbackLockAcquire(FxCallbackLock *l, KIRQL *irql); /* recursive in its owner */
void FxCallbackLockRelease(FxCallbackLock *l, KIRQL irql);
BOOLEAN FxCallbackLockOwned(const FxCallbackLock *l);
/* The lock of an object's scope; NULL: none. */
FxCallbackLock *FxObjectCallbackLock(FxObject *o);

/* ---- driver ---- */

struct FxDriver {
    FxObject O;
    DRIVER_OBJECT *DriverObject;
    WDF_DRIVER_CONFIG Config;
    PVOID DisplacedUnload;
    BOOLEAN Pnp;
    KEVENT NoDevices;
    FxCallbackLock CallbackLock;
};
extern const char FxDriverExtensionId;

/* ---- device initialisation ---- */

enum fx_init_kind { FX_INIT_FDO, FX_INIT_PDO, FX_INIT_CONTROL };

typedef struct FxPreprocess {
    struct FxPreprocess *Next;
    UCHAR Major;
    PFN_WDFDEVICE_WDM_IRP_PREPROCESS Evt;
    BOOLEAN AllMinors;
    ULONG MinorCount;
    UCHAR Minors[64];
} FxPreprocess;

enum fx_machine { FX_PNP_MACHINE, FX_POWER_MACHINE, FX_POLICY_MACHINE, FX_MACHINES };

typedef struct FxStateCallback { /* states.c */
    struct FxStateCallback *Next;
    enum fx_machine Machine;
    ULONG State, Types;
    PVOID Evt;
} FxStateCallback;

typedef struct FxTextList {
    struct FxTextList *Next;
    UNICODE_STRING Text, Location;
    LCID Locale;
} FxTextList;

typedef struct FxPowerPolicyEvents {
    WDF_POWER_POLICY_EVENT_CALLBACKS C;
} FxPowerPolicyEvents;

typedef struct FxInitData {
    enum fx_init_kind Kind;
    WDF_DEVICE_IO_TYPE IoType, IoctlType;
    DEVICE_TYPE DeviceType;
    ULONG Characteristics;
    BOOLEAN Exclusive, HasName, AutoName, Filter, PowerPageable, PowerSet, InrushSet, OwnerSet, PowerPolicyOwner, RemoveLockIo, SelfTarget, HasFile,
        HasRequest, HasClass, NoDefaultChildList;
    UNICODE_STRING Name, Sddl;
    GUID Class;
    WDF_FILEOBJECT_CONFIG File;
    WDF_OBJECT_ATTRIBUTES FileAttributes, RequestAttributes;
    PFN_WDF_IO_IN_CALLER_CONTEXT InCallerContext;
    FxPreprocess *Preprocess;
    FxStateCallback *StateCallbacks;
    WDF_PNPPOWER_EVENT_CALLBACKS Pnp;
    WDF_POWER_POLICY_EVENT_CALLBACKS Policy;
    ULONG ReleaseHardwareOrder;
    /* FDO */
    WDF_FDO_EVENT_CALLBACKS FdoEvents;
    WDF_CHILD_LIST_CONFIG ChildList;
    WDF_OBJECT_ATTRIBUTES ChildListAttributes;
    BOOLEAN HasChildList;
    ULONG ChildListPool;
    /* PDO */
    WDF_PDO_EVENT_CALLBACKS PdoEvents;
    UNICODE_STRING DeviceId, InstanceId, ContainerId;
    FxTextList *HardwareIds, *CompatibleIds, *Texts;
    LCID DefaultLocale;
    BOOLEAN Raw, RawOk, ForwardToParent;
    GUID RawClass;
    /* control */
    PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION Shutdown;
    UCHAR ShutdownFlags;
} FxInitData;

struct WDFDEVICE_INIT {
    FxGlobals *Globals;
    FxDriver *Driver;
    FxDevice *Created, *Parent;
    DEVICE_OBJECT *Pdo; /* FDO: the physical device */
    struct FxChildEntry *ChildEntry; /* PDO made for a dynamic list */
    struct FxChildList *ChildList;
    BOOLEAN Owned; /* the client must free it (control, static PDO) */
    FxInitData D;
};
struct WDFDEVICE_INIT *FxDeviceInitAllocate(FxGlobals *g, FxDriver *d, enum fx_init_kind kind);
void FxDeviceInitFree(struct WDFDEVICE_INIT *i);
void FxInitDataFree(FxInitData *d);
NTSTATUS FxCopyString(FxGlobals *g, UNICODE_STRING *to, const UNICODE_STRING *from);
void FxFreeString(UNICODE_STRING *s);

/* ---- device ---- */

typedef struct FxInterface {
    struct FxInterface *Next;
    GUID Guid;
    UNICODE_STRING Reference, Link;
    BOOLEAN HasReference, Enabled, Wanted;
} FxInterface;

typedef struct FxQueryInterface {
    struct FxQueryInterface *Next;
    GUID Guid;
    INTERFACE *Interface;
    BOOLEAN SendToParent, Import;
    PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST Process;
} FxQueryInterface;

enum fx_pnp { FX_PNP_OBJECT_CREATED, FX_PNP_INIT, FX_PNP_STARTED, FX_PNP_QUERY_STOP, FX_PNP_STOPPED, FX_PNP_QUERY_REMOVE, FX_PNP_SURPRISE, FX_PNP_FAILED, FX_PNP_REMOVED };

enum fx_relations { FX_REMOVAL, FX_EJECTION, FX_DEPENDENTS, FX_RELATIONS };

struct FxDevice {
    FxObject O;
    FxDriver *Driver;
    DEVICE_OBJECT *DeviceObject, *Attached, *Pdo;
    FxDevice *ParentDevice; /* of a PDO */
    FxInitData D;
    BOOLEAN Legacy, Miniport, Finished, NoPnp, HasLink, Deleted;
    UNICODE_STRING Link;
    FxCallbackLock CallbackLock;
    struct FxSystemWorkItem *ChildWork;
    /* I/O package */
    FxQueue *DefaultQueue, *Dispatching[IRP_MJ_MAXIMUM_FUNCTION + 1];
    KSPIN_LOCK IoLock; /* Queues, Files */
    LIST_ENTRY Queues, Files, Targets, Interrupts, ChildLists, StaticChildren;
    FxTarget *DefaultTarget, *SelfTarget;
    IO_REMOVE_LOCK RemoveLock;
    BOOLEAN RemoveLockUsed;
    WDF_REMOVE_LOCK_OPTIONS_FLAGS RemoveLockFlags;
    /* PnP and power */
    enum fx_pnp Pnp;
    ULONG State[FX_MACHINES]; /* as the driver is told: states.c */
    BOOLEAN StateDone[FX_MACHINES];
    WDF_POWER_DEVICE_STATE PowerState;
    DEVICE_POWER_STATE Dx;
    SYSTEM_POWER_STATE Sx;
    POWER_ACTION SystemAction;
    BOOLEAN PowerPolicyOwner, HardwarePrepared, SelfManagedInited, D0, InterruptsConnected, SuspendedIo, Failed, InRemove, SurpriseRemoved, ReportedMissing, Awake;
    WDF_DEVICE_FAILED_ACTION FailedAction;
    FxInterface *Interfaces;
    FxQueryInterface *QueryInterfaces;
    WDF_DEVICE_PNP_CAPABILITIES PnpCaps;
    WDF_DEVICE_POWER_CAPABILITIES PowerCaps;
    WDF_DEVICE_STATE DeviceState;
    BOOLEAN HasPnpCaps, HasPowerCaps, HasBusInformation, StaticStopRemove;
    PNP_BUS_INFORMATION BusInformation;
    LONG UsageCount[8];
    BOOLEAN UsageSupported[8];
    PCM_RESOURCE_LIST Raw, Translated;
    /* idle (power.c) */
    struct FxIdle *Idle;
    struct FxPower *M; /* machine.h; NULL: a control device */
    KSPIN_LOCK PowerLock; /* children of M, what follows a failure */
    /* dynamic and static children */
    struct FxChildList *DefaultChildList, *StaticList;
    struct FxChildEntry *ChildEntry;
    struct FxChildList *ChildListOf;
    LIST_ENTRY PdoSibling;
    LONG EjectRequested;
    /* WMI */
    LIST_ENTRY WmiProviders, DmaEnablers;
    KSPIN_LOCK WmiLock;
    BOOLEAN WmiRegistered;
    UNICODE_STRING Mof;
    struct FxDispatchStep *Dispatch;
    struct FxRelation *Relations[FX_RELATIONS]; /* relations.c */
    KSPIN_LOCK RelationLock;
    ULONG StackForParent;
};
FxDevice *FxDeviceOf(const DEVICE_OBJECT *d);
NTSTATUS FxDispatch(DEVICE_OBJECT *d, IRP *irp);
NTSTATUS FxDevicePass(FxDevice *d, IRP *irp); /* skips the location and calls the device below; a PDO completes */
NTSTATUS FxDeviceCompleteIrp(IRP *irp, NTSTATUS status, ULONG_PTR information);
FXM(NTSTATUS, FxPkgIo, Dispatch, (FxDevice * d, IRP *irp));
FXM(NTSTATUS, FxPkgIo, DispatchStep2, (FxDevice * d, IRP *irp, FxQueue *queue));
FXM(NTSTATUS, FxPkgGeneral, Dispatch, (FxDevice * d, IRP *irp));
FXM(NTSTATUS, FxPkgPnp, Dispatch, (FxDevice * d, IRP *irp));
FXM(NTSTATUS, FxPkgPnp, DispatchPower, (FxDevice * d, IRP *irp));
FXM(NTSTATUS, FxWmiIrpHandler, Dispatch, (FxDevice * d, IRP *irp));
void FxDeviceInterfacesSet(FxDevice *d, BOOLEAN on);
void FxDeviceInterfacesFree(FxDevice *d);
void FxDeviceRemove(FxDevice *d); /* deletes framework and NT device */
BOOLEAN FxDeviceIsPdo(const FxDevice *d);
NTSTATUS FxSendIrpSynchronously(DEVICE_OBJECT *target, IRP *irp);
/* IRP_MN_QUERY_INTERFACE to the device. PASSIVE_LEVEL. */
NTSTATUS FxSendQueryInterface(DEVICE_OBJECT *top, LPCGUID type, PINTERFACE to, USHORT size, USHORT version, PVOID data);

/* ---- files ---- */

struct FxFile {
    FxObject O;
    LIST_ENTRY Entry; /* device's Files */
    FILE_OBJECT *FileObject;
    WDF_FILEOBJECT_CLASS Class;
    ULONG Initiator; /* process that opened it */
    UNICODE_STRING Name;
};
FxFile *FxFileFind(FxDevice *d, FILE_OBJECT *file);

/* ---- memory ---- */

struct FxMemory {
    FxObject O;
    PVOID Buffer;
    size_t Length;
    PMDL Mdl; /* of a request's buffer; freed with it when OwnsMdl */
    BOOLEAN OwnsBuffer, OwnsMdl, ReadOnly;
    ULONG Tag;
    struct FxLookaside *Lookaside;
    FxRequest *Request; /* whose buffer it is */
    LONG TargetRefs;
};
NTSTATUS FxMemoryInit(FxGlobals *g, FxMemory *m, PVOID buffer, size_t length);
PMDL FxMemoryMdl(FxMemory *m); /* describes all of it; NULL: no memory */
PVOID FxMemoryBuffer(FxMemory *m, const WDFMEMORY_OFFSET *o, size_t *length, NTSTATUS *status);

/* ---- queues ---- */

struct FxQueue {
    FxObject O;
    LIST_ENTRY Entry; /* device's Queues */
    WDF_IO_QUEUE_CONFIG C;
    KSPIN_LOCK QueueLock; /* all below */
    LIST_ENTRY Waiting; /* requests not presented, in order */
    LIST_ENTRY Owned; /* requests that the client owns */
    LIST_ENTRY CanceledWaiting, CanceledOwned; /* events to be raised */
    LONG WaitingCount, OwnedCount, Presenting;
    ULONG State; /* WDF_IO_QUEUE_STATE bits */
    LONG Dispatching; /* turns wanted from the thread that is in DispatchEvents */
    BOOLEAN PowerManaged, PowerOn, Default, Deleted, WasEmpty, PassiveLevel, Deferred;
    BOOLEAN PowerReferenced, PowerCounted;
    PFN_WDF_IO_QUEUE_STATE IdleDone, PurgeDone, ReadyNotify;
    WDFCONTEXT IdleContext, PurgeContext, ReadyContext;
    BOOLEAN ReadyPending;
    KEVENT Idle; /* nothing owned (and, when purging, nothing waiting) */
    FxCallbackLock CallbackLock;
    KDPC DeferDpc;
    PIO_WORKITEM DeferItem;
    BOOLEAN DeferQueued;
    /* forward progress */
    BOOLEAN ForwardProgress;
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY Policy;
    KSPIN_LOCK ReserveLock; /* Reserved, PendedIrps: forward_progress.c */
    LIST_ENTRY Reserved, PendedIrps;
    LIST_ENTRY Dispatchers; /* threads in DispatchEvents */
    LONG StopPending;
    BOOLEAN Suspended, InStop;
    LONG NextStamp; /* arrival order */
};
FXM(NTSTATUS, FxIoQueue, QueueRequest, (FxQueue * q, FxRequest *r));
FXM(void, FxIoQueue, DispatchEvents, (FxQueue * q));
FXM(void, FxIoQueue, RequestCompleted, (FxQueue * q, FxRequest *r));
FXM(void, FxIoQueue, StopProcessingForPower, (FxQueue * q, ULONG action)); /* WDF_REQUEST_STOP_ACTION_FLAGS: suspend or purge */
FXM(void, FxIoQueue, StartPowerTransitionOn, (FxQueue * q));
/* forward_progress.c. fresh: the request made for the IRP, NULL if there was no memory. NULL: see *status; STATUS_PENDING: the IRP waits. */
FxRequest *FxForwardProgressRequest(FxQueue *q, IRP *irp, FxRequest *fresh, NTSTATUS *status);
void FxForwardProgressReturn(FxQueue *q, FxRequest *r); /* its IRP is completed */
void FxForwardProgressCancel(FxQueue *q, FILE_OBJECT *file); /* IRPs that wait; NULL: all */
void FxForwardProgressFree(FxQueue *q);
FXM(NTSTATUS, FxPkgIo, EnterQueue, (FxQueue * q, FxRequest *r, IRP *irp));
BOOLEAN FxQueueHasHandler(const FxQueue *q, UCHAR major);
void FxQueueHoldIo(FxDevice *d, ULONG action);
void FxQueueReleaseIo(FxDevice *d);
void FxQueuePurgeIo(FxDevice *d, BOOLEAN powerManagedOnly);

/* ---- requests ---- */

enum { FXR_IDLE, FXR_WAITING, FXR_OWNED, FXR_COMPLETED, FXR_FORWARDING };
enum fx_irp_owner { FX_IRP_NONE, FX_IRP_IO, FX_IRP_INTERNAL, FX_IRP_DRIVER };

/* What formatting changed in the IRP and must put back. */
typedef struct FxFormat {
    BOOLEAN Active, Location; /* Location: the next stack location is set up */
    WDF_REQUEST_TYPE Type;
    BOOLEAN SavedIrp;
    PVOID SystemBuffer, UserBuffer;
    PMDL Mdl;
    ULONG Flags;
    PVOID Bounce; /* buffered: our copy, and where its bytes go */
    size_t BounceSize;
    PVOID CopyTo;
    size_t CopyLimit;
    PMDL OwnMdl; /* made for this request */
    FxMemory *In, *Out;
    FxMemory *Others[3];
    ULONG Ioctl;
    size_t InOffset, OutOffset;
    struct FxUsbContext *Usb; /* the request's, while it is formatted for a USB target */
} FxFormat;

struct FxRequest {
    FxObject O;
    IRP *Irp;
    enum fx_irp_owner Owner;
    UCHAR Where; /* FXR_…: guarded by its queue's lock */
    BOOLEAN Completed, Presented, Cancelable, CancelRaised, MustComplete, Reserved, InUseReserved, StopAcked, StopWaiting, Requeued, CanComplete,
        CancelCalled, ForwardedToParent, RetrievedManually;
    FxQueue *Queue; /* in or from which it is */
    FxQueue *ReservedFor;
    LIST_ENTRY Entry, CancelEntry;
    PFN_WDF_REQUEST_CANCEL EvtCancel;
    LONG Stamp;
    FxMemory InMemory, OutMemory, SystemMemory;
    BOOLEAN InMade, OutMade, SystemMade;
    PMDL InMdl, OutMdl;
    ULONG_PTR Information;
    NTSTATUS Status;
    FILE_OBJECT *FileObject;
    UCHAR Major;
    /* as target's request */
    FxFormat F;
    FxTarget *Target;
    LIST_ENTRY TargetEntry;
    PFN_WDF_REQUEST_COMPLETION_ROUTINE CompletionRoutine;
    WDFCONTEXT CompletionContext;
    WDF_REQUEST_COMPLETION_PARAMS Params;
    BOOLEAN Sent, Pended, CancelWanted, TimedOut, Sync, TimerSet, FormatFailed, SyncSent, UserModeRequest;
    LONG IrpRefs; /* completion reference: 1 while sent, +1 while cancelling */
    KEVENT SyncDone;
    KTIMER *Timer;
    KDPC *TimerDpc;
    KEVENT TimerIdle;
    LIST_ENTRY LockedPages; /* FxProbedMemory */
    struct FxUsbContext *Usb; /* usb_request.c */
};
FxRequest *FxRequestCreateForIrp(FxDevice *d, IRP *irp, NTSTATUS *status);
FXM(NTSTATUS, FxRequest, CompleteInternal, (FxRequest * r, NTSTATUS status));
FXM(BOOLEAN, FxRequest, SetCancel, (FxRequest * r, PFN_WDF_REQUEST_CANCEL evt, PDRIVER_CANCEL wdm));
void FxRequestCheckOwned(FxGlobals *g, FxRequest *r); /* 0x10D(6,5) unless the client owns it */
void FxRequestUndoFormat(FxRequest *r);
NTSTATUS FxRequestRetrieveMemory(FxRequest *r, BOOLEAN output, FxMemory **out);
void FxRequestFreeBuffers(FxRequest *r);
NTSTATUS FxMapStatus(NTSTATUS s);
FXM(NTSTATUS, FxRequestBase, ValidateTarget, (FxRequest * r, FxTarget *t));

/* ---- I/O targets ---- */

struct FxTarget {
    FxObject O;
    BOOLEAN Remote, Self, Removed;
    LIST_ENTRY Entry; /* device's Targets */
    WDF_IO_TARGET_STATE State;
    KSPIN_LOCK TargetLock; /* State, Sent, Pended, counts */
    LIST_ENTRY Sent, Pended;
    LONG SentCount;
    KEVENT Empty; /* nothing sent */
    DEVICE_OBJECT *Device, *Pdo;
    FILE_OBJECT *File;
    HANDLE Handle;
    CCHAR StackSize;
    BOOLEAN OwnsFile;
    FxDevice *InStack; /* self and local targets */
    WDF_IO_TARGET_OPEN_PARAMS Open;
    UNICODE_STRING Name, EaCopy;
    BOOLEAN Opened, OpenForRemove;
    PVOID Notification;
    FxQueue *SelfQueue;
    ULONG IoFlags;
    struct FxUsbReader *Reader; /* of a pipe: usb_reader.c */
};
NTSTATUS FxTargetCreateLocal(FxDevice *d, FxTarget **out);
/* For targets that are more than that (size: of their class): not yet the device's. Committed it is the device's; a commit that fails frees it. */
FxTarget *FxTargetNew(FxGlobals *g, FxDevice *d, enum fx_type type, size_t size, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *s);
NTSTATUS FxTargetCommit(FxTarget *t, const WDF_OBJECT_ATTRIBUTES *a, FxObject *parent, WDFOBJECT *h);
void FxTargetIsLocal(FxTarget *t); /* leads to the device below */
BOOLEAN FxTargetDispose(FxObject *o);
void FxTargetRemove(FxTarget *t); /* cancels and waits: nothing is accepted any more */
void FxTargetStop(FxTarget *t, WDF_IO_TARGET_SENT_IO_ACTION action);
NTSTATUS FxTargetStart(FxTarget *t);
void FxTargetsRemove(FxDevice *d);
FXM(NTSTATUS, FxIoTarget, SubmitLocked, (FxTarget * t, FxRequest *r, const WDF_REQUEST_SEND_OPTIONS *o, BOOLEAN *send));
FXM(BOOLEAN, FxIoTarget, SubmitSync, (FxTarget * t, FxRequest *r, PWDF_REQUEST_SEND_OPTIONS o));
FXM(void, FxIoTarget, Send, (FxTarget * t, FxRequest *r));
FXM(BOOLEAN, FxRequestBase, Cancel, (FxRequest * r));
void FxTargetCancelAll(FxTarget *t);
FxRequest *FxRequestNew(FxGlobals *g, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *status);

/* ---- PnP and power ---- */

NTSTATUS FxPnpDeviceCreated(FxDevice *d);
void FxPnpDeviceGone(FxDevice *d);
void FxStatesInit(FxDevice *d);
BOOLEAN FxIdleReference(FxDevice *d); /* a power-managed queue has something to do. FALSE: not counted */
void FxIdleDereference(FxDevice *d);
NTSTATUS FxInterruptsConnect(FxDevice *d);
void FxInterruptsDisconnect(FxDevice *d);
NTSTATUS FxDmaPowerUp(FxDevice *d);
NTSTATUS FxDmaPowerDown(FxDevice *d);
NTSTATUS FxInterruptsEnable(FxDevice *d, BOOLEAN on);
void FxInterruptsAssign(FxDevice *d, const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw, const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated, ULONG count);
void FxInterruptPolicyApply(FxDevice *d, ULONG number, IO_RESOURCE_DESCRIPTOR *r);
KSPIN_LOCK *FxSpinLockOf(FxGlobals *g, WDFSPINLOCK l); /* the system's, inside */
NTSTATUS FxResourceListsCreate(FxDevice *d, CM_RESOURCE_LIST *raw, CM_RESOURCE_LIST *translated, WDFCMRESLIST *r, WDFCMRESLIST *t);
NTSTATUS FxPdoDispatch(FxDevice *d, IRP *irp, BOOLEAN *done);
NTSTATUS FxChildListsQueryRelations(FxDevice *d, IRP *irp);
void FxChildListsRemove(FxDevice *d, BOOLEAN surprise);
void FxChildPdoRemoved(FxDevice *d);
void FxChildPdoForget(FxDevice *d); /* its driver deletes it before it was added */
NTSTATUS FxWmiRegister(FxDevice *d);
void FxWmiDeregister(FxDevice *d);

#endif
