/* Ob exports and the Zw calls on names and handles. */
#include <string.h>

#include "ke/ke.h"
#include "mm/mm.h"
#include "ob/object.h"
#include "ps/ps.h"

LONG64 ObfReferenceObject(PVOID object)
{
    ob_reference(object);
    return OBJECT_TO_OBJECT_HEADER(object)->PointerCount;
}

LONG64 ObfDereferenceObject(PVOID object)
{
    LONG64 n = OBJECT_TO_OBJECT_HEADER(object)->PointerCount - 1;
    ob_dereference(object);
    return n;
}

ULONG ObIsKernelHandle(HANDLE handle);

/* A type argument is the object that IoFileObjectType and its like point to; NULL is any. */
static enum ob_type_index type_index(const void *type)
{
    if (!type)
        return OB_NONE;
    for (int i = 1; i < OB_TYPE_COUNT; i++)
        if (ob_room()->type_objects[i] == type)
            return (enum ob_type_index)i;
    return OB_TYPE_COUNT; /* fits nothing */
}

NTSTATUS ObReferenceObjectByHandle(HANDLE handle, ULONG access, PVOID type, ULONG mode, PVOID *object, OBJECT_HANDLE_INFORMATION *info)
{
    void *found;
    ACCESS_MASK granted;
    *object = NULL;
    /* DOC: a handle of the kernel's is none for user mode. */
    if ((mode & 0xFF) == UserMode && ObIsKernelHandle(handle))
        return STATUS_INVALID_HANDLE;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_NONE, 0, &found, &granted);
    if (!NT_SUCCESS(s))
        return s;
    enum ob_type_index wanted = type_index(type);
    if (wanted != OB_NONE && ob_type_of(found) != wanted)
        s = STATUS_OBJECT_TYPE_MISMATCH;
    else if ((mode & 0xFF) == UserMode && (access & ~granted))
        s = STATUS_ACCESS_DENIED;
    if (!NT_SUCCESS(s)) {
        ob_dereference(found);
        return s;
    }
    if (info) {
        info->HandleAttributes = 0;
        info->GrantedAccess = granted;
    }
    *object = found;
    return s;
}

NTSTATUS ObReferenceObjectByHandleWithTag(HANDLE handle, ULONG access, PVOID type, ULONG mode, ULONG tag, PVOID *object, OBJECT_HANDLE_INFORMATION *info)
{
    return ObReferenceObjectByHandle(handle, access, type, mode, object, info);
}

NTSTATUS ObReferenceObjectByPointer(PVOID object, ULONG access, PVOID type, ULONG mode)
{
    enum ob_type_index wanted = type_index(type);
    if (wanted != OB_NONE && ob_type_of(object) != wanted)
        return STATUS_OBJECT_TYPE_MISMATCH;
    ob_reference(object);
    return STATUS_SUCCESS;
}

LONG64 ObfReferenceObjectWithTag(PVOID object, ULONG tag)
{
    return ObfReferenceObject(object);
}

LONG64 ObfDereferenceObjectWithTag(PVOID object, ULONG tag)
{
    return ObfDereferenceObject(object);
}

/* DOC: the delete runs later, in a system thread, so that the caller's locks do not matter. Nothing here needs that. */
void ObDereferenceObjectDeferDelete(PVOID object)
{
    ob_dereference(object);
}

NTSTATUS ObOpenObjectByPointer(PVOID object, ULONG attributes, PVOID access_state, ULONG access, PVOID type, ULONG mode, HANDLE *handle)
{
    enum ob_type_index wanted = type_index(type);
    if (wanted != OB_NONE && ob_type_of(object) != wanted)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return ob_handle_create(attributes & OBJ_KERNEL_HANDLE ? ps_system() : ps_current_process(), object, access ? access : 0x1F0000, attributes, handle);
}

/* An unnamed object has an empty name. */
NTSTATUS ObQueryNameString(PVOID object, UNICODE_STRING *info, ULONG length, ULONG *needed)
{
    size_t n = ob_name_wide(object, NULL, 0), bytes = sizeof *info + (n ? (n + 1) * 2 : 0);
    *needed = (ULONG)bytes;
    if (length < bytes)
        return length < sizeof *info ? STATUS_INFO_LENGTH_MISMATCH : STATUS_BUFFER_OVERFLOW;
    *info = (UNICODE_STRING) { 0 };
    if (n) {
        info->Buffer = (WCHAR *)(info + 1);
        info->Length = (USHORT)(n * 2);
        info->MaximumLength = (USHORT)(n * 2 + 2);
        ob_name_wide(object, info->Buffer, n);
        info->Buffer[n] = 0;
    }
    return STATUS_SUCCESS;
}

ULONG ObGetObjectPointerCount(PVOID object)
{
    return (ULONG)OBJECT_TO_OBJECT_HEADER(object)->PointerCount;
}

PVOID ObGetObjectType(PVOID object)
{
    return ob_room()->type_objects[ob_type_of(object)];
}

ULONG ObIsKernelHandle(HANDLE handle)
{
    return (LONG_PTR)handle < 0 && handle != (HANDLE)-1ll && handle != (HANDLE)-2ll;
}

NTSTATUS ObCloseHandle(HANDLE handle, ULONG mode)
{
    return ob_handle_close(ps_current_process(), handle);
}

/* ---- directories and links by handle ---- */

static struct process *handle_owner(const OBJECT_ATTRIBUTES *oa)
{
    return oa->Attributes & OBJ_KERNEL_HANDLE ? ps_system() : ps_current_process();
}

NTSTATUS ZwCreateDirectoryObject(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    struct ob_path path;
    NTSTATUS s = ob_attributes_path(oa, &path);
    if (!NT_SUCCESS(s))
        return s;
    void *d = ob_create(OB_DIRECTORY, 0x158);
    s = ob_insert_name(d, &path.name, oa->Attributes);
    if (NT_SUCCESS(s))
        s = ob_handle_create(handle_owner(oa), d, access, oa->Attributes, handle);
    if (NT_SUCCESS(s) && (oa->Attributes & OBJ_PERMANENT))
        OBJECT_TO_OBJECT_HEADER(d)->Flags |= OB_FLAG_PERMANENT_OBJECT;
    ob_dereference(d);
    return s;
}

NTSTATUS ZwOpenDirectoryObject(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    void *directory;
    UNICODE_STRING rest;
    struct ob_path path;
    NTSTATUS s = ob_attributes_path(oa, &path);
    if (NT_SUCCESS(s))
        s = ob_lookup(&path.name, oa->Attributes, &directory, &rest);
    if (!NT_SUCCESS(s))
        return s;
    if (ob_type_of(directory) != OB_DIRECTORY)
        s = STATUS_OBJECT_TYPE_MISMATCH;
    else
        s = ob_handle_create(handle_owner(oa), directory, access, oa->Attributes, handle);
    ob_dereference(directory);
    return s;
}

NTSTATUS ZwOpenSymbolicLinkObject(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    void *link;
    struct ob_path path;
    NTSTATUS s = ob_attributes_path(oa, &path);
    if (NT_SUCCESS(s))
        s = ob_lookup_link(&path.name, &link);
    if (!NT_SUCCESS(s))
        return s;
    s = ob_handle_create(handle_owner(oa), link, access, oa->Attributes, handle);
    ob_dereference(link);
    return s;
}

NTSTATUS ZwQuerySymbolicLinkObject(HANDLE handle, UNICODE_STRING *target, ULONG *length)
{
    void *link;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_SYMLINK, 0, &link, NULL);
    if (!NT_SUCCESS(s))
        return s;
    const UNICODE_STRING *t = &ob_record(link)->target;
    if (length)
        *length = t->Length + 2u;
    if (target->MaximumLength < t->Length) {
        s = STATUS_BUFFER_TOO_SMALL;
    } else {
        memcpy(target->Buffer, t->Buffer, t->Length);
        target->Length = t->Length;
        if (target->MaximumLength >= t->Length + 2)
            target->Buffer[t->Length / 2] = 0;
    }
    ob_dereference(link);
    return s;
}

NTSTATUS ZwDuplicateObject(HANDLE from_process, HANDLE from, HANDLE to_process, HANDLE *to, ULONG access, ULONG attributes, ULONG options)
{
    void *a = NULL, *b = NULL;
    NTSTATUS s = ob_handle_reference(ps_current_process(), from_process, OB_PROCESS, 0, &a, NULL);
    if (!NT_SUCCESS(s))
        return s;
    if (to_process) {
        s = ob_handle_reference(ps_current_process(), to_process, OB_PROCESS, 0, &b, NULL);
        if (!NT_SUCCESS(s)) {
            ob_dereference(a);
            return s;
        }
    }
    HANDLE h = NULL;
    enum { CLOSE_SOURCE = 1, SAME_ACCESS = 2, SAME_ATTRIBUTES = 4 };
    if (b)
        s = ob_handle_duplicate(ps_process_of(a), from, ps_process_of(b), access, (options & SAME_ACCESS) != 0, options & SAME_ATTRIBUTES ? 0 : attributes, &h);
    if (NT_SUCCESS(s) && to)
        *to = h;
    if (options & CLOSE_SOURCE)
        ob_handle_close(ps_process_of(a), from);
    ob_dereference(a);
    if (b)
        ob_dereference(b);
    return s;
}

/* DOC: undocumented but exported; drivers find each other's driver objects with it. */
NTSTATUS ObReferenceObjectByName(UNICODE_STRING *name, ULONG attributes, PVOID access_state, ULONG access, PVOID type, ULONG mode, PVOID context, PVOID *object)
{
    void *found;
    UNICODE_STRING rest;
    enum ob_type_index wanted = type_index(type);
    *object = NULL;
    NTSTATUS s = ob_lookup(name, attributes, &found, &rest);
    if (!NT_SUCCESS(s))
        return s;
    if (rest.Length)
        s = STATUS_OBJECT_NAME_NOT_FOUND;
    else if (wanted != OB_NONE && ob_type_of(found) != wanted)
        s = STATUS_OBJECT_TYPE_MISMATCH;
    if (!NT_SUCCESS(s)) {
        ob_dereference(found);
        return s;
    }
    *object = found;
    return s;
}

NTSTATUS ObOpenObjectByPointerWithTag(PVOID object, ULONG attributes, PVOID access_state, ULONG access, PVOID type, ULONG mode, ULONG tag, HANDLE *handle)
{
    return ObOpenObjectByPointer(object, attributes, access_state, access, type, mode, handle);
}

NTSTATUS ObReferenceObjectByPointerWithTag(PVOID object, ULONG access, PVOID type, ULONG mode, ULONG tag)
{
    return ObReferenceObjectByPointer(object, access, type, mode);
}

void ObDereferenceObjectDeferDeleteWithTag(PVOID object, ULONG tag)
{
    ob_dereference(object);
}

/* The name goes at once if there is no handle, with the last one otherwise. */
void ObMakeTemporaryObject(PVOID object)
{
    ob_make_temporary(object);
    ob_close_named(object, NULL, OBJECT_TO_OBJECT_HEADER(object)->HandleCount == 0);
}

NTSTATUS ZwMakeTemporaryObject(HANDLE handle)
{
    void *object;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_NONE, 0, &object, NULL);
    if (NT_SUCCESS(s)) {
        ob_make_temporary(object); /* the handle is one at least */
        ob_dereference(object);
    }
    return s;
}
