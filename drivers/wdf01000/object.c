/* Framework objects: handles, contexts, parents, references, the states of disposal, and the Wdf functions that every object has.
 *
 * The life of an object:  Created -> DeletedDisposing -> DeletedAndDisposed -> Destroyed when it is deleted itself,
 * Created -> DisposingDisposeChildren -> Disposed -> DeletedAndDisposed -> Destroyed when its parent is.
 * DOC: all children's EvtCleanup return before their parent's; contexts stay until EvtDestroy has returned. A child holds a reference to its
 * parent until it is freed. Objects with FXO_PASSIVE (or such a child) wait on the client's dispose list when IRQL is higher. */
#include "fx.h"

enum { FX_CONTEXT_HEADER = (sizeof(FxContext) + 15) & ~15 };

static PVOID context_of(FxContext *c)
{
    return (PUCHAR)c + FX_CONTEXT_HEADER;
}

PVOID FxObjectContext(FxObject *o)
{
    return context_of(o->Contexts);
}

BOOLEAN FxTypeCheck(enum fx_type type, enum fx_type wanted)
{
    if (wanted == FX_TYPE_IO_TARGET)
        return type >= FX_TYPE_IO_TARGET && type <= FX_TYPE_IO_TARGET_USB_PIPE;
    return wanted == FX_TYPE_OBJECT ? type >= FX_TYPE_OBJECT && type < FX_TYPE_MAX : type == wanted;
}

void *FxObjectHandleGetPtr(FxGlobals *g, WDFOBJECT h, enum fx_type type)
{
    FxObject *o = (FxObject *)((((ULONG_PTR)h) ^ ~(ULONG_PTR)7) & ~(ULONG_PTR)7);
    BOOLEAN embedded = (((ULONG_PTR)h ^ ~(ULONG_PTR)7) & 7) == 1, good = h && MmIsAddressValid(o);
    if (good)
        good = FxTypeCheck(o->Type, type) && embedded == ((o->Flags & FXO_EMBEDDED) != 0);
    if (!good) {
        FXLOG(g, InvalidHandle, P64(h), type);
        FxVerifierKeBugCheck(g, FXBC_INVALID_HANDLE, (ULONG64)h, type, (ULONG64)__builtin_return_address(0));
    }
    return o;
}

void *FxPoolAllocate(FxGlobals *g, POOL_TYPE type, size_t size, ULONG tag)
{
    if (g && g->VerifierOn && g->AllocateFailCount >= 0 && InterlockedDecrement(&g->AllocateFailCount) < 0) {
        g->AllocateFailCount = 0;
        return NULL;
    }
    void *p = ExAllocatePoolWithTag(type, size, tag);
    if (p)
        RtlZeroMemory(p, size);
    return p;
}

NTSTATUS FxValidateObjectAttributes(FxGlobals *g, const WDF_OBJECT_ATTRIBUTES *a, int parent)
{
    if (!a)
        return parent == FXA_PARENT_REQUIRED ? STATUS_WDF_PARENT_NOT_SPECIFIED : STATUS_SUCCESS;
    if (a->Size != sizeof *a) {
        FXLOG(g, AttributesSize, P64(a), a->Size, sizeof *a, S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (a->ContextTypeInfo && (a->ContextTypeInfo->Size != sizeof *a->ContextTypeInfo)) {
        FXLOG(g, AttributesInvalid, P64(a), S64(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID));
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    }
    if (a->ContextSizeOverride && (!a->ContextTypeInfo || a->ContextSizeOverride < a->ContextTypeInfo->ContextSize)) {
        FXLOG(g, AttributesInvalid, P64(a), S64(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID));
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    }
    if (parent == FXA_PARENT_REFUSED && a->ParentObject) {
        FXLOG(g, ParentRefused, P64(a->ParentObject), S64(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED));
        return STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED;
    }
    if (parent == FXA_PARENT_REQUIRED && !a->ParentObject) {
        FXLOG(g, ParentRequired, P64(a), S64(STATUS_WDF_PARENT_NOT_SPECIFIED));
        return STATUS_WDF_PARENT_NOT_SPECIFIED;
    }
    if (a->ExecutionLevel == WdfExecutionLevelInvalid || a->ExecutionLevel > WdfExecutionLevelDispatch || a->SynchronizationScope == WdfSynchronizationScopeInvalid ||
        a->SynchronizationScope > WdfSynchronizationScopeNone) {
        FXLOG(g, AttributesInvalid, P64(a), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

static size_t context_size(const WDF_OBJECT_ATTRIBUTES *a)
{
    return !a || !a->ContextTypeInfo ? 0 : a->ContextSizeOverride ? a->ContextSizeOverride : a->ContextTypeInfo->ContextSize;
}

static void context_init(FxContext *c, FxObject *o, const WDF_OBJECT_ATTRIBUTES *a)
{
    c->Object = o;
    c->Size = context_size(a);
    if (!a)
        return;
    c->Type = a->ContextTypeInfo ? a->ContextTypeInfo->UniqueType ? a->ContextTypeInfo->UniqueType : a->ContextTypeInfo : NULL;
}

void *FxObjectCreate(FxGlobals *g, enum fx_type type, size_t size, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *status)
{
    size_t first = FX_FIRST_CONTEXT_AT(size), all = first + FX_CONTEXT_HEADER + context_size(a);
    FxObject *o = FxPoolAllocate(g, NonPagedPoolNx, all, g->Public.DriverTag);
    if (!o) {
        FXLOG(g, ObjectNoMemory, type, S64(STATUS_INSUFFICIENT_RESOURCES));
        if (status)
            *status = STATUS_INSUFFICIENT_RESOURCES;
        return NULL;
    }
    o->Type = (USHORT)type;
    o->Size = (USHORT)size;
    o->Refs = 1;
    o->Globals = g;
    o->State = FxObjectStateCreated;
    KeInitializeSpinLock(&o->Lock);
    InitializeListHead(&o->Children);
    o->Contexts = (FxContext *)((PUCHAR)o + first);
    context_init(o->Contexts, o, a);
    for (int i = 0; i < 16 && g->VerifierOn && g->VerboseOn; i++)
        if (g->TrackAll || g->Track[i] == type)
            o->Flags |= FXO_TRACED;
    return o;
}

void FxResolveConstraints(FxObject *o, const WDF_OBJECT_ATTRIBUTES *a, FxObject *parent)
{
    UCHAR level = a ? (UCHAR)a->ExecutionLevel : WdfExecutionLevelInheritFromParent;
    UCHAR scope = a ? (UCHAR)a->SynchronizationScope : WdfSynchronizationScopeInheritFromParent;
    if (level == WdfExecutionLevelInheritFromParent)
        level = parent ? parent->Level : WdfExecutionLevelDispatch;
    if (scope == WdfSynchronizationScopeInheritFromParent)
        scope = parent ? parent->Scope : WdfSynchronizationScopeNone;
    o->Level = level;
    o->Scope = scope;
}

static NTSTATUS adopt(FxObject *o, FxObject *parent)
{
    KIRQL irql;
    KeAcquireSpinLock(&parent->Lock, &irql);
    BOOLEAN alive = parent->State == FxObjectStateCreated;
    if (alive) {
        InsertHeadList(&parent->Children, &o->Sibling); /* the youngest is disposed first */
        o->Parent = parent;
    }
    KeReleaseSpinLock(&parent->Lock, irql);
    if (!alive) {
        FXLOG(o->Globals, ParentDeleting, P64(FxHandle(parent)), S64(STATUS_DELETE_PENDING));
        return STATUS_DELETE_PENDING;
    }
    FxObject_AddRef(parent);
    return STATUS_SUCCESS;
}

NTSTATUS FxObjectCommit(FxObject *o, const WDF_OBJECT_ATTRIBUTES *a, FxObject *def, WDFOBJECT *handle)
{
    FxGlobals *g = o->Globals;
    FxObject *parent = a && a->ParentObject ? FX_OBJ(g, a->ParentObject, FxObject, FX_TYPE_OBJECT) : def;
    if (parent) {
        NTSTATUS s = adopt(o, parent);
        if (!NT_SUCCESS(s))
            return s;
        if (!o->Device)
            o->Device = parent->Type == FX_TYPE_DEVICE ? (FxDevice *)parent : parent->Device;
    }
    if (!o->Level)
        FxResolveConstraints(o, a, parent);
    if (a) {
        o->Contexts->Cleanup = a->EvtCleanupCallback;
        o->Contexts->Destroy = a->EvtDestroyCallback;
    }
    o->Flags |= FXO_HANDLED | FXO_COMMITTED;
    if (g->VerifierOn) {
        KIRQL irql;
        KeAcquireSpinLock(&g->AllLock, &irql);
        InsertTailList(&g->AllObjects, &o->All);
        KeReleaseSpinLock(&g->AllLock, irql);
    }
    if (handle)
        *handle = FxHandle(o);
    return STATUS_SUCCESS;
}

void FxObjectDeleteFromFailedCreate(FxObject *o)
{
    o->Contexts->Cleanup = NULL;
    o->Contexts->Destroy = NULL;
    FxObject_DeleteObject(o);
}

void FxObject_SetObjectStateLocked(FxObject *o, UCHAR state)
{
    if (o->Flags & FXO_TRACED)
        FXLOG(o->Globals, ObjectState, P64(o), P64(FxHandle(o)), o->State, state);
    o->State = state;
}

void FxObject_AddRef(FxObject *o)
{
    while (o->Flags & FXO_EMBEDDED)
        o = o->Owner;
    InterlockedIncrement(&o->Refs);
}

static void free_object(FxObject *o)
{
    FxGlobals *g = o->Globals;
    FxObject *parent = o->Parent;
    FxObject_SetObjectStateLocked(o, FxObjectStateDestroyed);
    for (FxContext *c = o->Contexts; c; c = c->Next)
        if (c->Destroy)
            FX_CALL(g, c->Destroy, FxHandle(o));
    if (o->Destroy)
        o->Destroy(o);
    if (g->VerifierOn && (o->Flags & FXO_COMMITTED)) {
        KIRQL irql;
        KeAcquireSpinLock(&g->AllLock, &irql);
        RemoveEntryList(&o->All);
        KeReleaseSpinLock(&g->AllLock, irql);
    }
    for (FxContext *c = o->Contexts, *next; c; c = next) {
        next = c->Next;
        if ((PUCHAR)c != (PUCHAR)o + FX_FIRST_CONTEXT_AT(o->Size))
            ExFreePoolWithTag(c, g->Public.DriverTag);
    }
    o->Type = FX_TYPE_NONE;
    o->Refs = 0;
    ExFreePoolWithTag(o, g->Public.DriverTag);
    if (parent)
        FxObject_Release(parent);
}

static void dispose_worker(DEVICE_OBJECT *unused, PVOID context);

static void defer(FxObject *o, UCHAR state)
{
    FxGlobals *g = o->Globals;
    KIRQL irql;
    FxObject_SetObjectStateLocked(o, state);
    KeAcquireSpinLock(&g->DisposeLock, &irql);
    InsertTailList(&g->DisposeList, &o->DisposeEntry);
    BOOLEAN start = !g->DisposeQueued;
    g->DisposeQueued = TRUE;
    if (start)
        KeClearEvent(&g->DisposeDone);
    KeReleaseSpinLock(&g->DisposeLock, irql);
    if (start)
        IoQueueWorkItem(g->DisposeItem, dispose_worker, CriticalWorkQueue, g);
}

void FxObject_Release(FxObject *o)
{
    while (o->Flags & FXO_EMBEDDED)
        o = o->Owner;
    LONG left = InterlockedDecrement(&o->Refs);
    if (left > 0)
        return;
    if (left < 0 || o->State != FxObjectStateDeletedAndDisposed) {
        FXLOG(o->Globals, DereferencedToZero, P64(o), P64(FxHandle(o)));
        FxVerifierKeBugCheck(o->Globals, FXBC_OBJECT, (ULONG64)FxHandle(o), (ULONG64)o, (ULONG64)__builtin_return_address(0));
    }
    if ((o->Flags & FXO_PASSIVE) && KeGetCurrentIrql() > PASSIVE_LEVEL)
        defer(o, FxObjectStateDeferedDestroy);
    else
        free_object(o);
}

void FxObject_PerformCleanup(FxObject *o)
{
    if (InterlockedExchange(&o->CleanupDone, 1))
        return;
    for (FxContext *c = o->Contexts; c; c = c->Next)
        if (c->Cleanup)
            FX_CALL(o->Globals, c->Cleanup, FxHandle(o));
}

static BOOLEAN to_state(FxObject *o, UCHAR state)
{
    KIRQL irql;
    KeAcquireSpinLock(&o->Lock, &irql);
    BOOLEAN ok = o->State == FxObjectStateCreated;
    if (ok)
        FxObject_SetObjectStateLocked(o, state);
    KeReleaseSpinLock(&o->Lock, irql);
    return ok;
}

static void dispose_tree(FxObject *o);

/* Takes the children off, one by one, and disposes them; those that are ours to destroy go to `mine`. */
static void dispose_children(FxObject *o, LIST_ENTRY *mine)
{
    for (;;) {
        KIRQL irql;
        FxObject *child = NULL;
        if (IsListEmpty(&o->Children)) /* nobody may add any more */
            return;
        KeAcquireSpinLock(&o->Lock, &irql);
        if (!IsListEmpty(&o->Children)) {
            child = CONTAINING_RECORD(RemoveHeadList(&o->Children), FxObject, Sibling);
            child->Sibling.Flink = NULL;
            InterlockedIncrement(&child->Refs);
        }
        KeReleaseSpinLock(&o->Lock, irql);
        if (!child)
            return;
        if (to_state(child, FxObjectStateDisposingDisposeChildren)) {
            dispose_tree(child);
            FxObject_SetObjectStateLocked(child, FxObjectStateDisposed);
            InsertTailList(mine, &child->Sibling);
        } else {
            FxObject_Release(child); /* being deleted by somebody else */
        }
    }
}

static void destroy(FxObject *o)
{
    FxObject_SetObjectStateLocked(o, FxObjectStateDeletedAndDisposed);
    FxObject_Release(o);
}

static void dispose_tree(FxObject *o)
{
    LIST_ENTRY mine;
    InitializeListHead(&mine);
    dispose_children(o, &mine);
    if (!o->Dispose || o->Dispose(o))
        FxObject_PerformCleanup(o);
    while (!IsListEmpty(&mine)) {
        FxObject *child = CONTAINING_RECORD(RemoveHeadList(&mine), FxObject, Sibling);
        child->Sibling.Flink = NULL;
        destroy(child);
        FxObject_Release(child);
    }
}

void FxObject_DeleteChildren(FxObject *o)
{
    LIST_ENTRY mine;
    InitializeListHead(&mine);
    dispose_children(o, &mine);
    while (!IsListEmpty(&mine)) {
        FxObject *child = CONTAINING_RECORD(RemoveHeadList(&mine), FxObject, Sibling);
        child->Sibling.Flink = NULL;
        destroy(child);
        FxObject_Release(child);
    }
}

static BOOLEAN needs_passive(FxObject *o)
{
    if (o->Flags & FXO_PASSIVE)
        return TRUE;
    for (LIST_ENTRY *e = o->Children.Flink; e != &o->Children; e = e->Flink)
        if (needs_passive(CONTAINING_RECORD(e, FxObject, Sibling)))
            return TRUE;
    return FALSE;
}

static void delete_now(FxObject *o)
{
    dispose_tree(o);
    destroy(o);
}

static void unlink_from_parent(FxObject *o)
{
    KIRQL irql;
    if (!o->Parent)
        return;
    KeAcquireSpinLock(&o->Parent->Lock, &irql);
    if (o->Sibling.Flink)
        RemoveEntryList(&o->Sibling);
    o->Sibling.Flink = NULL;
    KeReleaseSpinLock(&o->Parent->Lock, irql);
}

void FxObject_DeleteObject(FxObject *o)
{
    if (!to_state(o, FxObjectStateDeletedDisposing)) {
        FXLOG(o->Globals, DeletedTwice, P64(o), P64(FxHandle(o)), o->State);
        return;
    }
    unlink_from_parent(o);
    if (KeGetCurrentIrql() > PASSIVE_LEVEL && needs_passive(o))
        defer(o, FxObjectStateDeferedDeleting);
    else
        delete_now(o);
}

void FxObject_EarlyDispose(FxObject *o)
{
    if (to_state(o, FxObjectStateDisposingEarly)) {
        dispose_tree(o);
        FxObject_SetObjectStateLocked(o, FxObjectStateCreated);
    }
}

static void dispose_worker(DEVICE_OBJECT *unused, PVOID context)
{
    FxGlobals *g = context;
    for (;;) {
        KIRQL irql;
        FxObject *o = NULL;
        KeAcquireSpinLock(&g->DisposeLock, &irql);
        if (IsListEmpty(&g->DisposeList)) {
            g->DisposeQueued = FALSE;
            KeSetEvent(&g->DisposeDone, IO_NO_INCREMENT, FALSE);
        } else {
            o = CONTAINING_RECORD(RemoveHeadList(&g->DisposeList), FxObject, DisposeEntry);
        }
        KeReleaseSpinLock(&g->DisposeLock, irql);
        if (!o)
            return;
        if (o->State == FxObjectStateDeferedDestroy)
            free_object(o);
        else
            delete_now(o);
    }
}

void FxWaitForDisposals(FxGlobals *g)
{
    KeWaitForSingleObject(&g->DisposeDone, Executive, KernelMode, FALSE, NULL);
}

/* ---- contexts ---- */

static FxContext *context_find(FxObject *o, const WDF_OBJECT_CONTEXT_TYPE_INFO *type)
{
    const WDF_OBJECT_CONTEXT_TYPE_INFO *unique = type->UniqueType ? type->UniqueType : type;
    for (FxContext *c = o->Contexts; c; c = c->Next)
        if (c->Type == unique)
            return c;
    return NULL;
}

NTSTATUS FxObjectAddContext(FxObject *o, const WDF_OBJECT_ATTRIBUTES *a, PVOID *context, BOOLEAN first)
{
    FxContext *old = context_find(o, a->ContextTypeInfo);
    if (old) {
        *context = context_of(old);
        return STATUS_OBJECT_NAME_EXISTS;
    }
    FxContext *c = FxPoolAllocate(o->Globals, NonPagedPoolNx, FX_CONTEXT_HEADER + context_size(a), o->Globals->Public.DriverTag);
    if (!c)
        return STATUS_INSUFFICIENT_RESOURCES;
    context_init(c, o, a);
    c->Cleanup = a->EvtCleanupCallback;
    c->Destroy = a->EvtDestroyCallback;
    KIRQL irql;
    KeAcquireSpinLock(&o->Lock, &irql);
    FxContext **at = &o->Contexts;
    while (*at)
        at = &(*at)->Next;
    *at = c;
    KeReleaseSpinLock(&o->Lock, irql);
    *context = context_of(c);
    return STATUS_SUCCESS;
}

PVOID imp_WdfObjectGetTypedContextWorker(PWDF_DRIVER_GLOBALS G, WDFOBJECT Handle, const WDF_OBJECT_CONTEXT_TYPE_INFO *TypeInfo)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, TypeInfo);
    FxObject *o = FX_OBJ(g, Handle, FxObject, FX_TYPE_OBJECT);
    FxContext *c = context_find(o, TypeInfo);
    if (!c) {
        FXLOG(g, ContextNotFound, P64(Handle), P64(TypeInfo));
        return NULL;
    }
    return context_of(c);
}

NTSTATUS imp_WdfObjectAllocateContext(PWDF_DRIVER_GLOBALS G, WDFOBJECT Handle, PWDF_OBJECT_ATTRIBUTES ContextAttributes, PVOID *Context)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, ContextAttributes);
    FxObject *o = FX_OBJ(g, Handle, FxObject, FX_TYPE_OBJECT);
    PVOID found = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, ContextAttributes, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    if (!ContextAttributes->ContextTypeInfo)
        return STATUS_OBJECT_NAME_INVALID;
    if (o->State != FxObjectStateCreated) {
        FXLOG(g, ContextOfDeleted, P64(Handle), o->State, S64(STATUS_DELETE_PENDING));
        return STATUS_DELETE_PENDING;
    }
    s = FxObjectAddContext(o, ContextAttributes, &found, FALSE);
    if (Context)
        *Context = found;
    return s;
}

WDFOBJECT imp_WdfObjectContextGetObject(PWDF_DRIVER_GLOBALS G, PVOID ContextPointer)
{
    FX_NOT_NULL(FxGet(G), ContextPointer);
    FxContext *c = (FxContext *)((PUCHAR)ContextPointer - FX_CONTEXT_HEADER);
    return FxHandle(c->Object);
}

/* ---- references ---- */

VOID imp_WdfObjectReferenceActual(PWDF_DRIVER_GLOBALS G, WDFOBJECT Handle, PVOID Tag, LONG Line, PCCH File)
{
    FxObject *o = FX_OBJ(FxGet(G), Handle, FxObject, FX_TYPE_OBJECT);
    FxObject_AddRef(o);
}

VOID imp_WdfObjectDereferenceActual(PWDF_DRIVER_GLOBALS G, WDFOBJECT Handle, PVOID Tag, LONG Line, PCCH File)
{
    FxObject *o = FX_OBJ(FxGet(G), Handle, FxObject, FX_TYPE_OBJECT);
    FxObject_Release(o);
}

NTSTATUS imp_WdfObjectCreate(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, WDFOBJECT *Object)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Object);
    *Object = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    if (Attributes && (Attributes->ExecutionLevel == WdfExecutionLevelPassive || Attributes->ExecutionLevel == WdfExecutionLevelDispatch)) {
        FXLOG(g, AttributesInvalid, P64(Attributes), S64(STATUS_WDF_EXECUTION_LEVEL_INVALID));
        return STATUS_WDF_EXECUTION_LEVEL_INVALID;
    }
    if (Attributes && Attributes->SynchronizationScope != WdfSynchronizationScopeInheritFromParent && Attributes->SynchronizationScope != WdfSynchronizationScopeNone) {
        FXLOG(g, AttributesInvalid, P64(Attributes), S64(STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID));
        return STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID;
    }
    FxObject *o = FxObjectCreate(g, FX_TYPE_OBJECT, sizeof *o, Attributes, &s);
    if (!o)
        return s;
    s = FxObjectCommit(o, Attributes, FX(g->Driver), Object);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(o);
    return s;
}

VOID imp_WdfObjectDelete(PWDF_DRIVER_GLOBALS G, WDFOBJECT Object)
{
    FxGlobals *g = FxGet(G);
    FxObject *o = FX_OBJ(g, Object, FxObject, FX_TYPE_OBJECT);
    if ((o->Flags & (FXO_NO_DELETE | FXO_EMBEDDED))) {
        FXLOG(g, CannotBeDeleted, P64(Object), o->Type, S64(STATUS_CANNOT_DELETE));
        FxVerifierKeBugCheck(g, FXBC_OBJECT, (ULONG64)Object, (ULONG64)o, (ULONG64)__builtin_return_address(0));
    }
    FxObject_DeleteObject(o);
}

NTSTATUS imp_WdfObjectQuery(PWDF_DRIVER_GLOBALS G, WDFOBJECT Object, const GUID *Guid, ULONG QueryBufferLength, PVOID QueryBuffer)
{
    FX_OBJ(FxGet(G), Object, FxObject, FX_TYPE_OBJECT);
    return STATUS_NOT_FOUND; /* DOC: only the framework's own tests know a GUID */
}

/* ---- callback locks ---- */

void FxCallbackLockInit(FxCallbackLock *l, BOOLEAN passive)
{
    RtlZeroMemory(l, sizeof *l);
    l->Passive = passive;
    KeInitializeSpinLock(&l->Spin);
    KeInitializeMutex(&l->Mutex, 0);
    l->Used = TRUE;
}

BOOLEAN FxCallbackLockOwned(const FxCallbackLock *l)
{
    return l && l->Owner == KeGetCurrentThread();
}

void FxCallbackLockAcquire(FxCallbackLock *l, KIRQL *irql)
{
    *irql = KeGetCurrentIrql();
    if (!l)
        return;
    if (l->Owner == KeGetCurrentThread() && (l->Passive || *irql == DISPATCH_LEVEL)) {
        l->Depth++;
        return;
    }
    if (l->Passive) {
        KeEnterCriticalRegion();
        KeWaitForSingleObject(&l->Mutex, Executive, KernelMode, FALSE, NULL);
    } else {
        KeAcquireSpinLock(&l->Spin, irql);
    }
    l->Owner = KeGetCurrentThread();
    l->Depth = 1;
}

void FxCallbackLockRelease(FxCallbackLock *l, KIRQL irql)
{
    if (!l || --l->Depth)
        return;
    l->Owner = NULL;
    if (l->Passive) {
        KeReleaseMutex(&l->Mutex, FALSE);
        KeLeaveCriticalRegion();
    } else {
        KeReleaseSpinLock(&l->Spin, irql);
    }
}

FxCallbackLock *FxObjectCallbackLock(FxObject *o)
{
    for (FxObject *x = o; x; x = x->Parent) {
        if (x->Type == FX_TYPE_QUEUE)
            return x->Scope == WdfSynchronizationScopeQueue ? &((FxQueue *)x)->CallbackLock :
                   x->Scope == WdfSynchronizationScopeDevice && x->Device ? &x->Device->CallbackLock : NULL;
        if (x->Type == FX_TYPE_DEVICE)
            return x->Scope == WdfSynchronizationScopeDevice || x->Scope == WdfSynchronizationScopeQueue ? &((FxDevice *)x)->CallbackLock : NULL;
        if (x->Type == FX_TYPE_DRIVER)
            return NULL;
    }
    return NULL;
}

VOID imp_WdfObjectAcquireLock(PWDF_DRIVER_GLOBALS G, WDFOBJECT Object)
{
    FxGlobals *g = FxGet(G);
    FxObject *o = FX_OBJ(g, Object, FxObject, FX_TYPE_OBJECT);
    FxCallbackLock *l = FxObjectCallbackLock(o);
    KIRQL irql;
    if ((o->Type != FX_TYPE_DEVICE && o->Type != FX_TYPE_QUEUE) || !l) {
        FXLOG(g, LockOfUnlocked, P64(Object));
        FxVerifierKeBugCheck(g, FXBC_LOCK, (ULONG64)Object, 0, (ULONG64)__builtin_return_address(0));
    }
    FxCallbackLockAcquire(l, &irql);
    if (l->Depth == 1)
        l->Old = irql;
}

VOID imp_WdfObjectReleaseLock(PWDF_DRIVER_GLOBALS G, WDFOBJECT Object)
{
    FxGlobals *g = FxGet(G);
    FxObject *o = FX_OBJ(g, Object, FxObject, FX_TYPE_OBJECT);
    FxCallbackLock *l = FxObjectCallbackLock(o);
    if (!l || l->Owner != KeGetCurrentThread()) {
        FXLOG(g, LockNotOwned, P64(Object));
        FxVerifierKeBugCheck(g, FXBC_LOCK, (ULONG64)Object, 0, (ULONG64)__builtin_return_address(0));
    }
    FxCallbackLockRelease(l, l->Old);
}
