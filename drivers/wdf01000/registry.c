/* WDFKEY: registry keys and typed values. All at PASSIVE_LEVEL. */
#include "fx.h"

typedef struct {
    FxObject O;
    HANDLE Handle;
} FxKey;

static void key_destroy(FxObject *o)
{
    FxKey *k = (FxKey *)o;
    if (k->Handle)
        ZwClose(k->Handle);
}

static HANDLE handle_of(PWDF_DRIVER_GLOBALS G, WDFKEY Key)
{
    return FX_OBJ(FxGet(G), Key, FxKey, FX_TYPE_REGKEY)->Handle;
}

/* Takes over the handle, also when it fails. */
NTSTATUS FxRegistryFromHandle(FxGlobals *g, HANDLE handle, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent, WDFKEY *key)
{
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_OPTIONAL);
    FxKey *k = NT_SUCCESS(s) ? FxObjectCreate(g, FX_TYPE_REGKEY, sizeof *k, a, &s) : NULL;
    if (!k) {
        ZwClose(handle);
        return s;
    }
    k->Handle = handle;
    k->O.Flags |= FXO_PASSIVE;
    k->O.Destroy = key_destroy;
    s = FxObjectCommit(FX(k), a, parent, (WDFOBJECT *)key);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(FX(k));
    return s;
}

NTSTATUS FxRegistryOpen(FxGlobals *g, HANDLE root, const UNICODE_STRING *path, ACCESS_MASK access, BOOLEAN create, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                        WDFKEY *key)
{
    OBJECT_ATTRIBUTES oa;
    HANDLE h;
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    InitializeObjectAttributes(&oa, (UNICODE_STRING *)path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root, NULL);
    s = create ? ZwCreateKey(&h, access, &oa, 0, NULL, REG_OPTION_NON_VOLATILE, NULL) : ZwOpenKey(&h, access, &oa);
    return NT_SUCCESS(s) ? FxRegistryFromHandle(g, h, a, parent, key) : s;
}

NTSTATUS imp_WdfRegistryOpenKey(PWDF_DRIVER_GLOBALS G, WDFKEY ParentKey, PCUNICODE_STRING KeyName, ACCESS_MASK DesiredAccess, PWDF_OBJECT_ATTRIBUTES KeyAttributes,
                                WDFKEY *Key)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, KeyName);
    FX_NOT_NULL(g, Key);
    FX_PASSIVE(g);
    *Key = NULL;
    return FxRegistryOpen(g, ParentKey ? handle_of(G, ParentKey) : NULL, KeyName, DesiredAccess, FALSE, KeyAttributes, FX(g->Driver), Key);
}

NTSTATUS imp_WdfRegistryCreateKey(PWDF_DRIVER_GLOBALS G, WDFKEY ParentKey, PCUNICODE_STRING KeyName, ACCESS_MASK DesiredAccess, ULONG CreateOptions,
                                  PULONG CreateDisposition, PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key)
{
    FxGlobals *g = FxGet(G);
    OBJECT_ATTRIBUTES oa;
    HANDLE h;
    FX_NOT_NULL(g, KeyName);
    FX_NOT_NULL(g, Key);
    FX_PASSIVE(g);
    *Key = NULL;
    InitializeObjectAttributes(&oa, (UNICODE_STRING *)KeyName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, ParentKey ? handle_of(G, ParentKey) : NULL, NULL);
    NTSTATUS s = ZwCreateKey(&h, DesiredAccess, &oa, 0, NULL, CreateOptions, CreateDisposition);
    return NT_SUCCESS(s) ? FxRegistryFromHandle(g, h, KeyAttributes, FX(g->Driver), Key) : s;
}

VOID imp_WdfRegistryClose(PWDF_DRIVER_GLOBALS G, WDFKEY Key)
{
    FxKey *k = FX_OBJ(FxGet(G), Key, FxKey, FX_TYPE_REGKEY);
    FX_PASSIVE_V(FxGet(G));
    ZwClose(k->Handle);
    k->Handle = NULL;
    FxObject_DeleteObject(FX(k));
}

HANDLE imp_WdfRegistryWdmGetHandle(PWDF_DRIVER_GLOBALS G, WDFKEY Key)
{
    return handle_of(G, Key);
}

NTSTATUS imp_WdfRegistryRemoveKey(PWDF_DRIVER_GLOBALS G, WDFKEY Key)
{
    FxGlobals *g = FxGet(G);
    FxKey *k = FX_OBJ(g, Key, FxKey, FX_TYPE_REGKEY);
    FX_PASSIVE(g);
    NTSTATUS s = ZwDeleteKey(k->Handle);
    if (NT_SUCCESS(s)) {
        ZwClose(k->Handle);
        k->Handle = NULL;
        FxObject_DeleteObject(FX(k));
    }
    return s;
}

NTSTATUS imp_WdfRegistryRemoveValue(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName)
{
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    FX_NOT_NULL(g, ValueName);
    FX_PASSIVE(g);
    return ZwDeleteValueKey(h, (UNICODE_STRING *)ValueName);
}

/* The value with its header, in pool; the caller frees it. */
static NTSTATUS read_value(FxGlobals *g, HANDLE h, PCUNICODE_STRING name, KEY_VALUE_PARTIAL_INFORMATION **out)
{
    ULONG size = 0;
    NTSTATUS s = ZwQueryValueKey(h, (UNICODE_STRING *)name, KeyValuePartialInformation, NULL, 0, &size);
    if (s != STATUS_BUFFER_TOO_SMALL && s != STATUS_BUFFER_OVERFLOW)
        return NT_SUCCESS(s) ? STATUS_UNSUCCESSFUL : s;
    *out = FxPoolAllocate(g, PagedPool, size + 2 * sizeof(WCHAR), FX_TAG);
    if (!*out)
        return STATUS_INSUFFICIENT_RESOURCES;
    s = ZwQueryValueKey(h, (UNICODE_STRING *)name, KeyValuePartialInformation, *out, size, &size);
    if (!NT_SUCCESS(s))
        ExFreePoolWithTag(*out, FX_TAG);
    return s;
}

NTSTATUS imp_WdfRegistryQueryValue(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueLength, PVOID Value, PULONG Queried, PULONG ValueType)
{
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    KEY_VALUE_PARTIAL_INFORMATION *v;
    FX_NOT_NULL(g, ValueName);
    FX_PASSIVE(g);
    NTSTATUS s = read_value(g, h, ValueName, &v);
    if (!NT_SUCCESS(s))
        return s;
    if (Queried)
        *Queried = v->DataLength;
    if (ValueType)
        *ValueType = v->Type;
    if (Value && ValueLength)
        RtlCopyMemory(Value, v->Data, min(ValueLength, v->DataLength));
    s = ValueLength < v->DataLength ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    ExFreePoolWithTag(v, FX_TAG);
    return s;
}

NTSTATUS imp_WdfRegistryQueryMemory(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, POOL_TYPE PoolType, PWDF_OBJECT_ATTRIBUTES MemoryAttributes,
                                    WDFMEMORY *Memory, PULONG ValueType)
{
    extern NTSTATUS imp_WdfMemoryCreate(PWDF_DRIVER_GLOBALS, PWDF_OBJECT_ATTRIBUTES, POOL_TYPE, ULONG, size_t, WDFMEMORY *, PVOID *);
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    KEY_VALUE_PARTIAL_INFORMATION *v;
    PVOID p;
    FX_NOT_NULL(g, ValueName);
    FX_NOT_NULL(g, Memory);
    FX_PASSIVE(g);
    *Memory = NULL;
    NTSTATUS s = read_value(g, h, ValueName, &v);
    if (!NT_SUCCESS(s))
        return s;
    s = imp_WdfMemoryCreate(G, MemoryAttributes, PoolType, 0, v->DataLength ? v->DataLength : 1, Memory, &p);
    if (NT_SUCCESS(s)) {
        RtlCopyMemory(p, v->Data, v->DataLength);
        if (ValueType)
            *ValueType = v->Type;
    }
    ExFreePoolWithTag(v, FX_TAG);
    return s;
}

NTSTATUS imp_WdfRegistryQueryULong(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, PULONG Value)
{
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    KEY_VALUE_PARTIAL_INFORMATION *v;
    FX_NOT_NULL(g, ValueName);
    FX_NOT_NULL(g, Value);
    FX_PASSIVE(g);
    NTSTATUS s = read_value(g, h, ValueName, &v);
    if (!NT_SUCCESS(s))
        return s;
    if (v->Type != REG_DWORD)
        s = STATUS_OBJECT_TYPE_MISMATCH;
    else
        RtlCopyMemory(Value, v->Data, sizeof *Value);
    ExFreePoolWithTag(v, FX_TAG);
    return s;
}

static NTSTATUS read_text(FxGlobals *g, HANDLE h, PCUNICODE_STRING name, KEY_VALUE_PARTIAL_INFORMATION **v, UNICODE_STRING *text)
{
    NTSTATUS s = read_value(g, h, name, v);
    if (!NT_SUCCESS(s))
        return s;
    if ((*v)->Type != REG_SZ) {
        ExFreePoolWithTag(*v, FX_TAG);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    text->Buffer = (PWCH)(*v)->Data;
    text->MaximumLength = (USHORT)((*v)->DataLength & ~1u);
    text->Length = text->MaximumLength;
    while (text->Length && !text->Buffer[text->Length / 2 - 1])
        text->Length -= sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRegistryQueryUnicodeString(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, PUSHORT ByteLength, PUNICODE_STRING Value)
{
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    KEY_VALUE_PARTIAL_INFORMATION *v;
    UNICODE_STRING text;
    FX_NOT_NULL(g, ValueName);
    FX_PASSIVE(g);
    NTSTATUS s = read_text(g, h, ValueName, &v, &text);
    if (!NT_SUCCESS(s))
        return s;
    if (ByteLength)
        *ByteLength = (USHORT)(text.Length + sizeof(WCHAR));
    if (Value && Value->Buffer) {
        if (Value->MaximumLength < text.Length)
            s = STATUS_BUFFER_OVERFLOW;
        else {
            RtlCopyUnicodeString(Value, &text);
            if (Value->MaximumLength >= text.Length + sizeof(WCHAR))
                Value->Buffer[text.Length / sizeof(WCHAR)] = 0;
        }
    } else if (!ByteLength) {
        s = STATUS_INVALID_PARAMETER;
    } else {
        s = STATUS_BUFFER_OVERFLOW;
    }
    ExFreePoolWithTag(v, FX_TAG);
    return s;
}

NTSTATUS imp_WdfRegistryQueryString(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, WDFSTRING String)
{
    extern NTSTATUS FxStringAssignUnicode(FxGlobals *, WDFSTRING, const UNICODE_STRING *);
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    KEY_VALUE_PARTIAL_INFORMATION *v;
    UNICODE_STRING text;
    FX_NOT_NULL(g, ValueName);
    FX_PASSIVE(g);
    NTSTATUS s = read_text(g, h, ValueName, &v, &text);
    if (!NT_SUCCESS(s))
        return s;
    s = FxStringAssignUnicode(g, String, &text);
    ExFreePoolWithTag(v, FX_TAG);
    return s;
}

NTSTATUS imp_WdfRegistryQueryMultiString(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, PWDF_OBJECT_ATTRIBUTES StringsAttributes,
                                         WDFCOLLECTION Collection)
{
    extern NTSTATUS imp_WdfStringCreate(PWDF_DRIVER_GLOBALS, PCUNICODE_STRING, PWDF_OBJECT_ATTRIBUTES, WDFSTRING *);
    extern NTSTATUS imp_WdfCollectionAdd(PWDF_DRIVER_GLOBALS, WDFCOLLECTION, WDFOBJECT);
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    KEY_VALUE_PARTIAL_INFORMATION *v;
    FX_NOT_NULL(g, ValueName);
    FX_OBJ(g, Collection, FxObject, FX_TYPE_COLLECTION);
    FX_PASSIVE(g);
    NTSTATUS s = read_value(g, h, ValueName, &v);
    if (!NT_SUCCESS(s))
        return s;
    if (v->Type != REG_MULTI_SZ)
        s = STATUS_OBJECT_TYPE_MISMATCH;
    for (PWCH at = (PWCH)v->Data; NT_SUCCESS(s) && *at;) {
        UNICODE_STRING one;
        WDFSTRING string;
        RtlInitUnicodeString(&one, at);
        s = imp_WdfStringCreate(G, &one, StringsAttributes, &string);
        if (NT_SUCCESS(s))
            s = imp_WdfCollectionAdd(G, Collection, string);
        at += one.Length / sizeof(WCHAR) + 1;
    }
    ExFreePoolWithTag(v, FX_TAG);
    return s;
}

NTSTATUS imp_WdfRegistryAssignValue(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueType, ULONG ValueLength, PVOID Value)
{
    FxGlobals *g = FxGet(G);
    HANDLE h = handle_of(G, Key);
    FX_NOT_NULL(g, ValueName);
    FX_NOT_NULL(g, Value);
    FX_PASSIVE(g);
    return ZwSetValueKey(h, (UNICODE_STRING *)ValueName, 0, ValueType, Value, ValueLength);
}

NTSTATUS imp_WdfRegistryAssignULong(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, ULONG Value)
{
    return imp_WdfRegistryAssignValue(G, Key, ValueName, REG_DWORD, sizeof Value, &Value);
}

static NTSTATUS assign_text(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, PCUNICODE_STRING text)
{
    FxGlobals *g = FxGet(G);
    UNICODE_STRING copy = { 0 };
    NTSTATUS s = FxCopyString(g, &copy, text); /* ended by a zero */
    if (!NT_SUCCESS(s))
        return s;
    s = imp_WdfRegistryAssignValue(G, Key, ValueName, REG_SZ, (ULONG)copy.Length + sizeof(WCHAR), copy.Buffer);
    FxFreeString(&copy);
    return s;
}

NTSTATUS imp_WdfRegistryAssignUnicodeString(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, PCUNICODE_STRING Value)
{
    FX_NOT_NULL(FxGet(G), Value);
    FX_PASSIVE(FxGet(G));
    return assign_text(G, Key, ValueName, Value);
}

NTSTATUS imp_WdfRegistryAssignString(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, WDFSTRING String)
{
    extern VOID imp_WdfStringGetUnicodeString(PWDF_DRIVER_GLOBALS, WDFSTRING, PUNICODE_STRING);
    UNICODE_STRING text;
    FX_PASSIVE(FxGet(G));
    imp_WdfStringGetUnicodeString(G, String, &text);
    return assign_text(G, Key, ValueName, &text);
}

NTSTATUS imp_WdfRegistryAssignMemory(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueType, WDFMEMORY Memory, PWDFMEMORY_OFFSET Offsets)
{
    FxGlobals *g = FxGet(G);
    FxMemory *m = FX_OBJ(g, Memory, FxMemory, IFX_TYPE_MEMORY);
    size_t length;
    NTSTATUS s;
    PVOID p = FxMemoryBuffer(m, Offsets, &length, &s);
    return p ? imp_WdfRegistryAssignValue(G, Key, ValueName, ValueType, (ULONG)length, p) : s;
}

NTSTATUS imp_WdfRegistryAssignMultiString(PWDF_DRIVER_GLOBALS G, WDFKEY Key, PCUNICODE_STRING ValueName, WDFCOLLECTION StringsCollection)
{
    extern ULONG imp_WdfCollectionGetCount(PWDF_DRIVER_GLOBALS, WDFCOLLECTION);
    extern WDFOBJECT imp_WdfCollectionGetItem(PWDF_DRIVER_GLOBALS, WDFCOLLECTION, ULONG);
    extern VOID imp_WdfStringGetUnicodeString(PWDF_DRIVER_GLOBALS, WDFSTRING, PUNICODE_STRING);
    FxGlobals *g = FxGet(G);
    ULONG count = imp_WdfCollectionGetCount(G, StringsCollection), bytes = sizeof(WCHAR);
    UNICODE_STRING text;
    FX_PASSIVE(g);
    for (ULONG i = 0; i < count; i++) {
        imp_WdfStringGetUnicodeString(G, (WDFSTRING)imp_WdfCollectionGetItem(G, StringsCollection, i), &text);
        bytes += text.Length + sizeof(WCHAR);
    }
    PUCHAR all = FxPoolAllocate(g, PagedPool, bytes, FX_TAG);
    if (!all)
        return STATUS_INSUFFICIENT_RESOURCES;
    ULONG at = 0;
    for (ULONG i = 0; i < count; i++) {
        imp_WdfStringGetUnicodeString(G, (WDFSTRING)imp_WdfCollectionGetItem(G, StringsCollection, i), &text);
        RtlCopyMemory(all + at, text.Buffer, text.Length);
        at += text.Length + sizeof(WCHAR);
    }
    NTSTATUS s = imp_WdfRegistryAssignValue(G, Key, ValueName, REG_MULTI_SZ, bytes, all);
    ExFreePoolWithTag(all, FX_TAG);
    return s;
}
