/* Transaction managers and resource managers: only those that keep no log. */
#include <string.h>

#include "ps/ps.h"
#include "sim/machine.h"
#include "tm/room.h"

enum { VOLATILE = 1 };

static void resource_delete(void *object)
{
    ob_dereference(((struct tm_resource *)object)->manager);
}

static const struct ob_type manager_type = { "TmTm", NULL, NULL, OB_NOT_WAITABLE };
static const struct ob_type resource_type = { "TmRm", resource_delete, NULL, OB_NOT_WAITABLE };

struct tm_room *tm_room(void)
{
    return MACHINE->rooms[ROOM_TM];
}

void tm_init(void (*ended)(void *transaction, bool committed))
{
    struct tm_room *r = sim_alloc(sizeof *r);
    r->ended = ended;
    MACHINE->rooms[ROOM_TM] = r;
    ob_type_register(OB_TM_MANAGER, &manager_type);
    ob_type_register(OB_TM_RESOURCE, &resource_type);
    ob_type_register(OB_TM_TRANSACTION, &tm_transaction_type);
    ob_type_register(OB_TM_ENLISTMENT, &tm_enlistment_type);
}

NTSTATUS tm_object_of(HANDLE handle, enum ob_type_index type, void **object)
{
    return ob_handle_reference(ps_current_process(), handle, type, 0, object, NULL);
}

NTSTATUS tm_handle_of(void *object, ACCESS_MASK access, const OBJECT_ATTRIBUTES *oa, HANDLE *handle)
{
    ULONG attributes = oa ? oa->Attributes : 0;
    HANDLE h;
    NTSTATUS status = ob_handle_create(attributes & OBJ_KERNEL_HANDLE ? ps_system() : ps_current_process(), object, access, attributes, &h);
    ob_dereference(object);
    if (NT_SUCCESS(status))
        *handle = h;
    return status;
}

static void refuse_name(const OBJECT_ATTRIBUTES *oa, const char *function)
{
    if (oa && oa->ObjectName && oa->ObjectName->Length)
        ke_unsupported("%s with a name", function);
}

/* DOC ("ZwCreateTransactionManager"): a log file exactly if it is not volatile. */
NTSTATUS ZwCreateTransactionManager(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, UNICODE_STRING *log, ULONG options, ULONG strength)
{
    if (((options & VOLATILE) != 0) == (log != NULL))
        return STATUS_INVALID_PARAMETER;
    if (log)
        ke_unsupported("ZwCreateTransactionManager with a log file");
    refuse_name(oa, "ZwCreateTransactionManager");
    struct tm_manager *m = ob_create(OB_TM_MANAGER, sizeof *m);
    m->is_volatile = TRUE;
    return tm_handle_of(m, access, oa, handle);
}

/* DOC ("ZwCreateResourceManager"): one that lasts needs a transaction manager that does. */
NTSTATUS ZwCreateResourceManager(HANDLE *handle, ULONG access, HANDLE manager, const void *guid, OBJECT_ATTRIBUTES *oa, ULONG options,
                                 UNICODE_STRING *description)
{
    void *m;
    NTSTATUS status = tm_object_of(manager, OB_TM_MANAGER, &m);
    if (!NT_SUCCESS(status))
        return status;
    if (!(options & VOLATILE)) {
        ob_dereference(m);
        return STATUS_TM_VOLATILE;
    }
    refuse_name(oa, "ZwCreateResourceManager");
    struct tm_resource *r = ob_create(OB_TM_RESOURCE, sizeof *r);
    r->manager = m;
    return tm_handle_of(r, access, oa, handle);
}

/* DOC ("TmEnableCallbacks"): the routine hears of what the enlistments of the resource manager asked for. */
NTSTATUS TmEnableCallbacks(PVOID resource, PVOID routine, PVOID key)
{
    struct tm_resource *r = resource;
    if (ob_type_of(r) != OB_TM_RESOURCE || !routine)
        return STATUS_INVALID_PARAMETER;
    r->routine = routine;
    r->key = key;
    return STATUS_SUCCESS;
}
