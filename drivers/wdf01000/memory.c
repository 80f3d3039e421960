/* WDFMEMORY, WDFLOOKASIDE, WDFSTRING, WDFCOLLECTION. */
#include "fx.h"

static FxMemory *memory(PWDF_DRIVER_GLOBALS G, WDFMEMORY m)
{
    return FX_OBJ(FxGet(G), m, FxMemory, IFX_TYPE_MEMORY);
}

static void memory_destroy(FxObject *o)
{
    FxMemory *m = (FxMemory *)o;
    if (m->OwnsMdl && m->Mdl)
        IoFreeMdl(m->Mdl);
    if (m->OwnsBuffer && m->Buffer)
        ExFreePoolWithTag(m->Buffer, m->Tag);
}

PMDL FxMemoryMdl(FxMemory *m)
{
    if (!m->Mdl) {
        m->Mdl = IoAllocateMdl(m->Buffer, (ULONG)m->Length, FALSE, FALSE, NULL);
        if (m->Mdl) {
            MmBuildMdlForNonPagedPool(m->Mdl);
            m->OwnsMdl = TRUE;
        }
    }
    return m->Mdl;
}

static NTSTATUS memory_new(FxGlobals *g, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent, PVOID buffer, size_t size, BOOLEAN own, ULONG tag, WDFMEMORY *out)
{
    NTSTATUS s;
    FxMemory *m = FxObjectCreate(g, IFX_TYPE_MEMORY, sizeof *m, a, &s);
    if (!m)
        return s;
    m->Buffer = buffer;
    m->Length = size;
    m->Tag = tag;
    s = FxObjectCommit(FX(m), a, parent, (WDFOBJECT *)out);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(m));
        return s;
    }
    m->OwnsBuffer = own;
    m->O.Destroy = memory_destroy;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfMemoryCreate(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, POOL_TYPE PoolType, ULONG PoolTag, size_t BufferSize, WDFMEMORY *Memory,
                             PVOID *Buffer)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Memory);
    *Memory = NULL;
    if (!BufferSize)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    if (!PoolTag)
        PoolTag = G->DriverTag;
    PVOID p = ExAllocatePoolWithTag(PoolType, BufferSize, PoolTag);
    if (p && g->VerifierOn && g->AllocateFailCount >= 0 && InterlockedDecrement(&g->AllocateFailCount) < 0) {
        g->AllocateFailCount = 0;
        ExFreePoolWithTag(p, PoolTag);
        p = NULL;
    }
    if (!p)
        return STATUS_INSUFFICIENT_RESOURCES;
    s = memory_new(g, Attributes, FX(g->Driver), p, BufferSize, TRUE, PoolTag, Memory);
    if (!NT_SUCCESS(s)) {
        ExFreePoolWithTag(p, PoolTag);
        return s;
    }
    if (Buffer)
        *Buffer = p;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfMemoryCreatePreallocated(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, PVOID Buffer, size_t BufferSize, WDFMEMORY *Memory)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Memory);
    FX_NOT_NULL(g, Buffer);
    *Memory = NULL;
    if (!BufferSize)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    return NT_SUCCESS(s) ? memory_new(g, Attributes, FX(g->Driver), Buffer, BufferSize, FALSE, 0, Memory) : s;
}

PVOID imp_WdfMemoryGetBuffer(PWDF_DRIVER_GLOBALS G, WDFMEMORY Memory, size_t *BufferSize)
{
    FxMemory *m = memory(G, Memory);
    if (BufferSize)
        *BufferSize = m->Length;
    return m->Buffer;
}

/* DOC: only memory made with WdfMemoryCreatePreallocated takes another buffer. */
NTSTATUS imp_WdfMemoryAssignBuffer(PWDF_DRIVER_GLOBALS G, WDFMEMORY Memory, PVOID Buffer, size_t BufferSize)
{
    FxGlobals *g = FxGet(G);
    FxMemory *m = memory(G, Memory);
    FX_NOT_NULL(g, Buffer);
    if (m->OwnsBuffer || m->Request || m->Lookaside)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!BufferSize)
        return STATUS_INVALID_PARAMETER;
    if (m->OwnsMdl && m->Mdl)
        IoFreeMdl(m->Mdl);
    m->Mdl = NULL;
    m->OwnsMdl = FALSE;
    m->Buffer = Buffer;
    m->Length = BufferSize;
    return STATUS_SUCCESS;
}

static NTSTATUS overflow(FxGlobals *g, FxMemory *m, size_t offset, size_t length)
{
    if (offset <= m->Length && length <= m->Length - offset)
        return STATUS_SUCCESS;
    FXLOG(g, MemoryOverflow, P64(FxHandle(m)), m->Length, length, offset, S64(STATUS_BUFFER_TOO_SMALL));
    return STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS imp_WdfMemoryCopyToBuffer(PWDF_DRIVER_GLOBALS G, WDFMEMORY SourceMemory, size_t SourceOffset, PVOID Buffer, size_t NumBytesToCopyTo)
{
    FxGlobals *g = FxGet(G);
    FxMemory *m = memory(G, SourceMemory);
    FX_NOT_NULL(g, Buffer);
    if (!NumBytesToCopyTo)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = overflow(g, m, SourceOffset, NumBytesToCopyTo);
    if (NT_SUCCESS(s))
        RtlCopyMemory(Buffer, (PUCHAR)m->Buffer + SourceOffset, NumBytesToCopyTo);
    return s;
}

NTSTATUS imp_WdfMemoryCopyFromBuffer(PWDF_DRIVER_GLOBALS G, WDFMEMORY DestinationMemory, size_t DestinationOffset, PVOID Buffer, size_t NumBytesToCopyFrom)
{
    FxGlobals *g = FxGet(G);
    FxMemory *m = memory(G, DestinationMemory);
    FX_NOT_NULL(g, Buffer);
    if (!NumBytesToCopyFrom)
        return STATUS_INVALID_PARAMETER;
    if (m->ReadOnly)
        return STATUS_ACCESS_VIOLATION;
    NTSTATUS s = overflow(g, m, DestinationOffset, NumBytesToCopyFrom);
    if (NT_SUCCESS(s))
        RtlCopyMemory((PUCHAR)m->Buffer + DestinationOffset, Buffer, NumBytesToCopyFrom);
    return s;
}

/* The part of a memory that an offset names; the whole of it without one. */
PVOID FxMemoryBuffer(FxMemory *m, const WDFMEMORY_OFFSET *o, size_t *length, NTSTATUS *status)
{
    size_t at = o ? o->BufferOffset : 0, size = o ? o->BufferLength : 0;
    *status = STATUS_SUCCESS;
    if (at > m->Length || (size && size > m->Length - at)) {
        *status = at > m->Length || size > m->Length - at ? STATUS_INTEGER_OVERFLOW : STATUS_SUCCESS;
        FXLOG(m->O.Globals, MemoryOverflow, P64(FxHandle(m)), m->Length, size, at, S64(*status));
        return NULL;
    }
    *length = size ? size : m->Length - at;
    return (PUCHAR)m->Buffer + at;
}

extern NTSTATUS FxMemoryOfProperty(FxGlobals *g, DEVICE_OBJECT *pdo, DEVICE_REGISTRY_PROPERTY property, POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                                   WDFMEMORY *out);

NTSTATUS FxMemoryOfProperty(FxGlobals *g, DEVICE_OBJECT *pdo, DEVICE_REGISTRY_PROPERTY property, POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                            WDFMEMORY *out)
{
    ULONG size = 0;
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    s = IoGetDeviceProperty(pdo, property, 0, NULL, &size);
    if (s != STATUS_BUFFER_TOO_SMALL && !NT_SUCCESS(s))
        return s;
    if (!size)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    PVOID p = ExAllocatePoolWithTag(pool, size, g->Public.DriverTag);
    if (!p)
        return STATUS_INSUFFICIENT_RESOURCES;
    s = IoGetDeviceProperty(pdo, property, size, p, &size);
    if (NT_SUCCESS(s))
        s = memory_new(g, a, parent, p, size, TRUE, g->Public.DriverTag, out);
    if (!NT_SUCCESS(s))
        ExFreePoolWithTag(p, g->Public.DriverTag);
    return s;
}

/* buffer: from pool with the tag, the memory's from now on. */
NTSTATUS FxMemoryOfBuffer(FxGlobals *g, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent, PVOID buffer, size_t length, ULONG tag, WDFMEMORY *out)
{
    return memory_new(g, a, parent, buffer, length, TRUE, tag, out);
}

/* ---- look-aside lists ---- */

typedef struct FxLookaside {
    FxObject O;
    size_t Size;
    ULONG Tag;
    POOL_TYPE Pool;
    BOOLEAN Paged;
    union {
        NPAGED_LOOKASIDE_LIST NonPaged;
        PAGED_LOOKASIDE_LIST PagedList;
    };
    WDF_OBJECT_ATTRIBUTES MemoryAttributes;
    BOOLEAN HasAttributes;
} FxLookaside;

static void lookaside_destroy(FxObject *o)
{
    FxLookaside *l = (FxLookaside *)o;
    if (l->Paged)
        ExDeletePagedLookasideList(&l->PagedList);
    else
        ExDeleteNPagedLookasideList(&l->NonPaged);
}

NTSTATUS imp_WdfLookasideListCreate(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES LookasideAttributes, size_t BufferSize, POOL_TYPE PoolType,
                                    PWDF_OBJECT_ATTRIBUTES MemoryAttributes, ULONG PoolTag, WDFLOOKASIDE *Lookaside)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Lookaside);
    FX_PASSIVE(g);
    *Lookaside = NULL;
    if (!BufferSize)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = FxValidateObjectAttributes(g, LookasideAttributes, FXA_PARENT_OPTIONAL);
    if (NT_SUCCESS(s))
        s = FxValidateObjectAttributes(g, MemoryAttributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    FxLookaside *l = FxObjectCreate(g, FX_TYPE_LOOKASIDE, sizeof *l, LookasideAttributes, &s);
    if (!l)
        return s;
    l->Size = BufferSize;
    l->Tag = PoolTag ? PoolTag : G->DriverTag;
    l->Pool = PoolType;
    l->Paged = (PoolType & 1) != 0;
    if (MemoryAttributes) {
        l->MemoryAttributes = *MemoryAttributes;
        l->HasAttributes = TRUE;
    }
    s = FxObjectCommit(FX(l), LookasideAttributes, FX(g->Driver), (WDFOBJECT *)Lookaside);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(l));
        return s;
    }
    if (l->Paged)
        ExInitializePagedLookasideList(&l->PagedList, NULL, NULL, 0, BufferSize, l->Tag, 0);
    else
        ExInitializeNPagedLookasideList(&l->NonPaged, NULL, NULL, 0, BufferSize, l->Tag, 0);
    l->O.Flags |= FXO_PASSIVE;
    l->O.Destroy = lookaside_destroy;
    return STATUS_SUCCESS;
}

static void lookaside_memory_destroy(FxObject *o)
{
    FxMemory *m = (FxMemory *)o;
    FxLookaside *l = (FxLookaside *)m->Lookaside;
    if (m->OwnsMdl && m->Mdl)
        IoFreeMdl(m->Mdl);
    if (l->Paged)
        ExFreeToPagedLookasideList(&l->PagedList, m->Buffer);
    else
        ExFreeToNPagedLookasideList(&l->NonPaged, m->Buffer);
    FxObject_Release(FX(l));
}

NTSTATUS imp_WdfMemoryCreateFromLookaside(PWDF_DRIVER_GLOBALS G, WDFLOOKASIDE Lookaside, WDFMEMORY *Memory)
{
    FxGlobals *g = FxGet(G);
    FxLookaside *l = FX_OBJ(g, Lookaside, FxLookaside, FX_TYPE_LOOKASIDE);
    FX_NOT_NULL(g, Memory);
    *Memory = NULL;
    PVOID p = l->Paged ? ExAllocateFromPagedLookasideList(&l->PagedList) : ExAllocateFromNPagedLookasideList(&l->NonPaged);
    if (!p)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS s = memory_new(g, l->HasAttributes ? &l->MemoryAttributes : NULL, FX(g->Driver), p, l->Size, FALSE, l->Tag, Memory);
    if (!NT_SUCCESS(s)) {
        if (l->Paged)
            ExFreeToPagedLookasideList(&l->PagedList, p);
        else
            ExFreeToNPagedLookasideList(&l->NonPaged, p);
        return s;
    }
    FxMemory *m = memory(G, *Memory);
    m->Lookaside = (struct FxLookaside *)l;
    m->O.Destroy = lookaside_memory_destroy;
    FxObject_AddRef(FX(l));
    return STATUS_SUCCESS;
}

/* ---- strings ---- */

typedef struct {
    FxObject O;
    UNICODE_STRING Text;
} FxString;

static void string_destroy(FxObject *o)
{
    FxFreeString(&((FxString *)o)->Text);
}

NTSTATUS FxStringAssignUnicode(FxGlobals *g, WDFSTRING String, const UNICODE_STRING *text)
{
    return FxCopyString(g, &FX_OBJ(g, String, FxString, FX_TYPE_STRING)->Text, text);
}

NTSTATUS FxStringAssign(FxGlobals *g, WDFSTRING String, PCWSTR text)
{
    UNICODE_STRING u;
    RtlInitUnicodeString(&u, text);
    return FxStringAssignUnicode(g, String, &u);
}

NTSTATUS imp_WdfStringCreate(PWDF_DRIVER_GLOBALS G, PCUNICODE_STRING UnicodeString, PWDF_OBJECT_ATTRIBUTES Attributes, WDFSTRING *String)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, String);
    FX_PASSIVE(g);
    *String = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    if (UnicodeString && ((UnicodeString->Length & 1) || UnicodeString->Length > UnicodeString->MaximumLength))
        return STATUS_INVALID_PARAMETER;
    FxString *x = FxObjectCreate(g, FX_TYPE_STRING, sizeof *x, Attributes, &s);
    if (!x)
        return s;
    x->O.Flags |= FXO_PASSIVE;
    x->O.Destroy = string_destroy;
    if (UnicodeString)
        s = FxCopyString(g, &x->Text, UnicodeString);
    if (!UnicodeString || NT_SUCCESS(s))
        s = FxObjectCommit(FX(x), Attributes, FX(g->Driver), (WDFOBJECT *)String);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(FX(x));
    return s;
}

VOID imp_WdfStringGetUnicodeString(PWDF_DRIVER_GLOBALS G, WDFSTRING String, PUNICODE_STRING UnicodeString)
{
    FxGlobals *g = FxGet(G);
    FxString *x = FX_OBJ(g, String, FxString, FX_TYPE_STRING);
    FX_NOT_NULL(g, UnicodeString);
    FX_PASSIVE_V(g);
    *UnicodeString = x->Text;
}

/* ---- collections ---- */

typedef struct FxCollectionEntry {
    LIST_ENTRY Entry;
    FxObject *Object;
} FxCollectionEntry;

typedef struct {
    FxObject O;
    LIST_ENTRY Items;
    ULONG Count;
    KSPIN_LOCK ItemLock;
} FxCollection;

static FxCollection *collection(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION c)
{
    return FX_OBJ(FxGet(G), c, FxCollection, FX_TYPE_COLLECTION);
}

static void entry_free(FxCollection *c, FxCollectionEntry *e)
{
    FxObject *o = e->Object;
    ExFreePoolWithTag(e, FX_TAG);
    FxObject_Release(o);
}

/* At disposal: an item may be a child of its collection, and a child keeps its parent. */
static BOOLEAN collection_dispose(FxObject *o)
{
    FxCollection *c = (FxCollection *)o;
    while (!IsListEmpty(&c->Items))
        entry_free(c, CONTAINING_RECORD(RemoveHeadList(&c->Items), FxCollectionEntry, Entry));
    return TRUE;
}

NTSTATUS imp_WdfCollectionCreate(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, WDFCOLLECTION *Collection)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, Collection);
    *Collection = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    FxCollection *c = FxObjectCreate(g, FX_TYPE_COLLECTION, sizeof *c, Attributes, &s);
    if (!c)
        return s;
    InitializeListHead(&c->Items);
    KeInitializeSpinLock(&c->ItemLock);
    c->O.Dispose = collection_dispose;
    s = FxObjectCommit(FX(c), Attributes, FX(g->Driver), (WDFOBJECT *)Collection);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(FX(c));
    return s;
}

ULONG imp_WdfCollectionGetCount(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION Collection)
{
    return collection(G, Collection)->Count;
}

NTSTATUS imp_WdfCollectionAdd(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION Collection, WDFOBJECT Object)
{
    FxGlobals *g = FxGet(G);
    FxCollection *c = collection(G, Collection);
    FxObject *o = FX_OBJ(g, Object, FxObject, FX_TYPE_OBJECT);
    FxCollectionEntry *e = FxPoolAllocate(g, NonPagedPoolNx, sizeof *e, FX_TAG);
    if (!e)
        return STATUS_INSUFFICIENT_RESOURCES;
    KIRQL irql;
    e->Object = o;
    FxObject_AddRef(o);
    KeAcquireSpinLock(&c->ItemLock, &irql);
    InsertTailList(&c->Items, &e->Entry);
    c->Count++;
    KeReleaseSpinLock(&c->ItemLock, irql);
    return STATUS_SUCCESS;
}

static FxCollectionEntry *item_at(FxCollection *c, ULONG index)
{
    LIST_ENTRY *e = c->Items.Flink;
    for (; e != &c->Items && index; e = e->Flink)
        index--;
    return e == &c->Items ? NULL : CONTAINING_RECORD(e, FxCollectionEntry, Entry);
}

static BOOLEAN remove_item(FxCollection *c, FxObject *o, ULONG index)
{
    KIRQL irql;
    FxCollectionEntry *found = NULL;
    KeAcquireSpinLock(&c->ItemLock, &irql);
    if (!o)
        found = item_at(c, index);
    for (LIST_ENTRY *e = c->Items.Flink; o && e != &c->Items && !found; e = e->Flink)
        if (CONTAINING_RECORD(e, FxCollectionEntry, Entry)->Object == o)
            found = CONTAINING_RECORD(e, FxCollectionEntry, Entry);
    if (found) {
        RemoveEntryList(&found->Entry);
        c->Count--;
    }
    KeReleaseSpinLock(&c->ItemLock, irql);
    if (found)
        entry_free(c, found);
    return found != NULL;
}

VOID imp_WdfCollectionRemove(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION Collection, WDFOBJECT Item)
{
    FxGlobals *g = FxGet(G);
    FxCollection *c = collection(G, Collection);
    if (!remove_item(c, FX_OBJ(g, Item, FxObject, FX_TYPE_OBJECT), 0))
        FxVerifierDbgBreakPoint(g, FX(c), __builtin_return_address(0));
}

VOID imp_WdfCollectionRemoveItem(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION Collection, ULONG Index)
{
    FxCollection *c = collection(G, Collection);
    if (!remove_item(c, NULL, Index))
        FxVerifierDbgBreakPoint(FxGet(G), FX(c), __builtin_return_address(0));
}

WDFOBJECT imp_WdfCollectionGetItem(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION Collection, ULONG Index)
{
    FxCollection *c = collection(G, Collection);
    KIRQL irql;
    KeAcquireSpinLock(&c->ItemLock, &irql);
    FxCollectionEntry *e = item_at(c, Index);
    KeReleaseSpinLock(&c->ItemLock, irql);
    return e ? FxHandle(e->Object) : NULL;
}

WDFOBJECT imp_WdfCollectionGetFirstItem(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION Collection)
{
    return imp_WdfCollectionGetItem(G, Collection, 0);
}

WDFOBJECT imp_WdfCollectionGetLastItem(PWDF_DRIVER_GLOBALS G, WDFCOLLECTION Collection)
{
    FxCollection *c = collection(G, Collection);
    return c->Count ? imp_WdfCollectionGetItem(G, Collection, c->Count - 1) : NULL;
}
