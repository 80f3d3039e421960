/* What events, mutants, semaphores and timers have in common: names, handles, results; see objects.h. */
#include "ex/objects.h"

#include "ke/ke.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/access.h"

bool ex_put(void *to, const void *from, size_t bytes)
{
    return !to || host_guarded_copy(to, from, bytes);
}

static struct process *handle_owner(const OBJECT_ATTRIBUTES *oa)
{
    return oa && (oa->Attributes & OBJ_KERNEL_HANDLE) ? ps_system() : ps_current_process();
}

/* The specific rights of these types are the low bits; GENERIC_ALL and MAXIMUM_ALLOWED mean all of them. */
static ACCESS_MASK specific(ACCESS_MASK access)
{
    ACCESS_MASK a = access & 0x00FFFFFF;
    if (access & (GENERIC_ALL | MAXIMUM_ALLOWED))
        a |= STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3;
    if (access & GENERIC_READ)
        a |= STANDARD_RIGHTS_READ | 0x1;
    if (access & GENERIC_WRITE)
        a |= STANDARD_RIGHTS_WRITE | 0x2;
    if (access & GENERIC_EXECUTE)
        a |= STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE;
    return a;
}

static NTSTATUS lookup(const OBJECT_ATTRIBUTES *oa, enum ob_type_index type, void **object)
{
    UNICODE_STRING rest;
    struct ob_path path;
    sim_access(SIM_ACCESS_NAMESPACE, SIM_READ);
    NTSTATUS s = ob_attributes_path(oa, &path);
    if (NT_SUCCESS(s))
        s = ob_lookup(&path.name, oa->Attributes, object, &rest);
    if (!NT_SUCCESS(s))
        return s;
    if (rest.Length == 0 && ob_type_of(*object) == type)
        return STATUS_SUCCESS;
    ob_dereference(*object);
    return rest.Length ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_TYPE_MISMATCH;
}

static NTSTATUS give_handle(HANDLE *handle, void *object, ACCESS_MASK access, const OBJECT_ATTRIBUTES *oa)
{
    HANDLE h;
    NTSTATUS s = ob_handle_create(handle_owner(oa), object, specific(access), oa ? oa->Attributes : 0, &h);
    ob_dereference(object);
    if (NT_SUCCESS(s) && !ex_put(handle, &h, sizeof h)) {
        ob_handle_close(handle_owner(oa), h);
        return STATUS_ACCESS_VIOLATION;
    }
    return s;
}

static bool has_name(const OBJECT_ATTRIBUTES *oa)
{
    return oa && oa->ObjectName && oa->ObjectName->Length;
}

NTSTATUS ex_object_create(HANDLE *handle, enum ob_type_index type, size_t bytes, ACCESS_MASK access, const OBJECT_ATTRIBUTES *oa,
                          void (*initialise)(void *body, const void *context), const void *context)
{
    void *object;
    if (has_name(oa) && (oa->Attributes & OBJ_OPENIF)) {
        NTSTATUS s = lookup(oa, type, &object);
        if (NT_SUCCESS(s)) {
            s = give_handle(handle, object, access, oa);
            return NT_SUCCESS(s) ? STATUS_OBJECT_NAME_EXISTS : s;
        }
        if (s == STATUS_OBJECT_TYPE_MISMATCH)
            return s;
    }
    object = ob_create(type, bytes);
    initialise(object, context);
    if (has_name(oa)) {
        sim_access(SIM_ACCESS_NAMESPACE, SIM_WRITE);
        struct ob_path path;
        NTSTATUS s = ob_attributes_path(oa, &path);
        if (NT_SUCCESS(s))
            s = ob_insert_name(object, &path.name, oa->Attributes);
        if (!NT_SUCCESS(s)) {
            ob_dereference(object);
            return s;
        }
        if (oa->Attributes & OBJ_PERMANENT)
            OBJECT_TO_OBJECT_HEADER(object)->Flags |= OB_FLAG_PERMANENT_OBJECT;
    }
    return give_handle(handle, object, access, oa);
}

NTSTATUS ex_object_open(HANDLE *handle, enum ob_type_index type, ACCESS_MASK access, const OBJECT_ATTRIBUTES *oa)
{
    void *object;
    if (!has_name(oa))
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    NTSTATUS s = lookup(oa, type, &object);
    return NT_SUCCESS(s) ? give_handle(handle, object, access, oa) : s;
}
