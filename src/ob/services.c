/* Services on any object by its handle, and on what a directory holds. */
#include <string.h>

#include "ob/object.h"
#include "ps/ps.h"
#include "sim/door.h"

typedef struct {
    ULONG Attributes, GrantedAccess, HandleCount, PointerCount, Reserved[10];
} OBJECT_BASIC_INFORMATION;
_Static_assert(sizeof(OBJECT_BASIC_INFORMATION) == 0x38, "PUBLIC_OBJECT_BASIC_INFORMATION");

typedef struct {
    UNICODE_STRING TypeName;
    ULONG Reserved[22];
} OBJECT_TYPE_INFORMATION;
_Static_assert(sizeof(OBJECT_TYPE_INFORMATION) == 0x68, "PUBLIC_OBJECT_TYPE_INFORMATION");

typedef struct {
    UNICODE_STRING Name, TypeName;
} OBJECT_DIRECTORY_INFORMATION;

enum { BASIC, NAME, TYPE };

NTSTATUS ZwCreateSymbolicLinkObject(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, UNICODE_STRING *target)
{
    void *link;
    if (target->Length == 0 || target->Length % 2 || target->MaximumLength < target->Length)
        return STATUS_INVALID_PARAMETER;
    struct ob_path path;
    NTSTATUS s = ob_attributes_path(oa, &path);
    if (NT_SUCCESS(s))
        s = ob_symlink_create(&path.name, target, &link);
    if (!NT_SUCCESS(s))
        return s;
    s = ob_handle_create(oa->Attributes & OBJ_KERNEL_HANDLE ? ps_system() : ps_current_process(), link, access, oa->Attributes, handle);
    if (!NT_SUCCESS(s))
        ob_remove_name(link);
    if (!(oa->Attributes & OBJ_PERMANENT))
        ob_make_temporary(link);
    ob_dereference(link);
    return s;
}

static NTSTATUS give(const void *from, ULONG need, void *to, ULONG length, ULONG *returned)
{
    if (returned)
        *returned = need;
    if (length < need)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(to, from, need);
    return STATUS_SUCCESS;
}

static NTSTATUS query_type(const void *object, OBJECT_TYPE_INFORMATION *to, ULONG length, ULONG *returned)
{
    const char *name = ob_type_name(ob_type_of(object));
    ULONG chars = (ULONG)strlen(name), need = (ULONG)(sizeof *to + (chars + 1) * 2);
    if (returned)
        *returned = need;
    if (length < need)
        return STATUS_INFO_LENGTH_MISMATCH;
    memset(to, 0, sizeof *to);
    to->TypeName = ob_text(name, (WCHAR *)(to + 1), chars + 1);
    return STATUS_SUCCESS;
}

NTSTATUS ZwQueryObject(HANDLE handle, ULONG class, PVOID info, ULONG length, ULONG *returned)
{
    void *object;
    ACCESS_MASK granted;
    ULONG attributes = 0;
    if (class > TYPE)
        return STATUS_INVALID_INFO_CLASS;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_NONE, 0, &object, &granted);
    if (!NT_SUCCESS(s))
        return s;
    const OBJECT_HEADER *h = OBJECT_TO_OBJECT_HEADER(object);
    ob_handle_attributes(ps_current_process(), handle, 0, 0, &attributes);
    if (class == BASIC) {
        const OBJECT_BASIC_INFORMATION basic = { attributes, granted, (ULONG)h->HandleCount, (ULONG)h->PointerCount - 1, { 0 } };
        s = length != sizeof basic ? STATUS_INFO_LENGTH_MISMATCH : give(&basic, sizeof basic, info, length, returned);
    } else if (class == NAME) {
        ULONG needed;
        s = ObQueryNameString(object, info, length, &needed);
        if (returned)
            *returned = needed;
    } else {
        s = query_type(object, info, length, returned);
    }
    ob_dereference(object);
    return s;
}

/* The entries that fit, in the order of the directory, from *context on. */
static NTSTATUS list(const struct ob_record *directory, OBJECT_DIRECTORY_INFORMATION *to, ULONG length, bool single, ULONG *context, ULONG *returned)
{
    const struct ob_record *first = directory->first_child;
    for (ULONG skip = *context; first && skip; skip--)
        first = first->sibling;
    if (!first)
        return STATUS_NO_MORE_ENTRIES;
    ULONG count = 0, bytes = sizeof *to; /* an empty entry ends the list */
    for (const struct ob_record *r = first; r && (!single || count == 0); r = r->sibling, count++) {
        ULONG more = (ULONG)(sizeof *to + r->name.Length + 2 + (strlen(ob_type_name(ob_type_of(r->object))) + 1) * 2);
        if (bytes + more > length) {
            if (count == 0)
                bytes += more;
            break;
        }
        bytes += more;
    }
    if (returned)
        *returned = bytes;
    if (count == 0)
        return STATUS_BUFFER_TOO_SMALL;
    WCHAR *text = (WCHAR *)(to + count + 1);
    const struct ob_record *r = first;
    for (ULONG i = 0; i < count; i++, r = r->sibling) {
        const char *type = ob_type_name(ob_type_of(r->object));
        to[i].Name = (UNICODE_STRING) { r->name.Length, (USHORT)(r->name.Length + 2), text };
        memcpy(text, r->name.Buffer, r->name.Length);
        text += r->name.Length / 2;
        *text++ = 0;
        to[i].TypeName = ob_text(type, text, strlen(type) + 1);
        text += strlen(type) + 1;
    }
    memset(&to[count], 0, sizeof *to);
    *context += count;
    return r && !single ? STATUS_MORE_ENTRIES : STATUS_SUCCESS;
}

/* Source: "NtQueryDirectoryObject function". */
NTSTATUS ZwQueryDirectoryObject(HANDLE handle, PVOID buffer, ULONG length, ULONG single, ULONG restart, ULONG *context, ULONG *returned)
{
    void *directory;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_DIRECTORY, 1 /* DIRECTORY_QUERY */, &directory, NULL);
    if (!NT_SUCCESS(s))
        return s;
    ULONG at = restart & 0xFF ? 0 : *context;
    s = list(ob_record(directory), buffer, length, (single & 0xFF) != 0, &at, returned);
    *context = at;
    ob_dereference(directory);
    return s;
}
