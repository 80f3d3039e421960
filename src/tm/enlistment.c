/* Enlistments: who hears of a transaction, and what they answer. */
#include <string.h>

#include "sim/door.h"
#include "tm/room.h"

static void enlistment_delete(void *object)
{
    struct tm_enlistment *e = object;
    ob_dereference(e->resource);
    ob_dereference(e->transaction);
}

/* DOC (WDK samples, general/registry/regfltr, RMCallback): closing it before the transaction aborts or commits aborts the transaction. */
static void enlistment_close(void *object, struct process *process, bool last)
{
    struct tm_enlistment *e = object;
    if (last && tm_is_active(e->transaction))
        tm_roll_back(e->transaction);
}

const struct ob_type tm_enlistment_type = { "TmEn", enlistment_delete, enlistment_close, OB_NOT_WAITABLE };

NTSTATUS ZwCreateEnlistment(HANDLE *handle, ULONG access, HANDLE resource, HANDLE transaction, OBJECT_ATTRIBUTES *oa, ULONG options, ULONG mask, PVOID key)
{
    enum { SUPERIOR = 1, KNOWN = 0xF };
    void *r, *t;
    if (options & SUPERIOR)
        ke_unsupported("ZwCreateEnlistment of a superior transaction manager");
    if (!(mask & KNOWN))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = tm_object_of(resource, OB_TM_RESOURCE, &r);
    if (!NT_SUCCESS(status))
        return status;
    status = tm_transaction_of(transaction, &t);
    if (!NT_SUCCESS(status)) {
        ob_dereference(r);
        return status;
    }
    if (!((struct tm_resource *)r)->routine)
        ke_unsupported("ZwCreateEnlistment for a resource manager without TmEnableCallbacks");
    struct tm_enlistment *e = ob_create(OB_TM_ENLISTMENT, sizeof *e), **at = &((struct tm_transaction *)t)->first;
    *e = (struct tm_enlistment) { .resource = r, .transaction = t, .key = key, .mask = mask };
    while (*at)
        at = &(*at)->next;
    ob_reference(*at = e);
    return tm_handle_of(e, access, oa, handle);
}

/* The routine gets the time of the transaction manager's virtual clock by address. Its status says nothing that its answer does not
 * (GUESS). */
static void tell(struct tm_enlistment *e, ULONG notification)
{
    struct tm_transaction *t = e->transaction;
    e->told = TRUE;
    e->asked = notification;
    t->unanswered++;
    ob_reference(e);
    guest_call(FRAME_TmpCallNotificationRoutine, e->resource->routine, 7, (uint64_t)e, (uint64_t)e->resource->key, (uint64_t)e->key, (uint64_t)notification,
               (uint64_t)&t->clock, (uint64_t)0, (uint64_t)0);
    ob_dereference(e);
}

/* Begins anew after each: a routine may change the list. */
void tm_tell(struct tm_transaction *t, ULONG notification)
{
    struct tm_enlistment *e = t->first;
    for (; e; e = e->next)
        e->told = FALSE;
    for (e = t->first; e;)
        if (e->told || e->read_only || !(e->mask & notification)) {
            e = e->next;
        } else {
            tell(e, notification);
            e = t->first;
        }
}

/* ---- answers ---- */

static NTSTATUS answer(PVOID enlistment, ULONG notification, bool read_only)
{
    struct tm_enlistment *e = enlistment;
    if (ob_type_of(e) != OB_TM_ENLISTMENT)
        return STATUS_INVALID_PARAMETER;
    if (!(e->asked & notification))
        return STATUS_TRANSACTION_NOT_REQUESTED;
    struct tm_transaction *t = e->transaction;
    e->asked = 0;
    e->read_only |= read_only;
    if (--t->unanswered == 0)
        tm_answered(t);
    return STATUS_SUCCESS;
}

NTSTATUS TmPrePrepareComplete(PVOID enlistment, LARGE_INTEGER *clock)
{
    return answer(enlistment, NOTIFY_PREPREPARE, false);
}

NTSTATUS TmPrepareComplete(PVOID enlistment, LARGE_INTEGER *clock)
{
    return answer(enlistment, NOTIFY_PREPARE, false);
}

NTSTATUS TmCommitComplete(PVOID enlistment, LARGE_INTEGER *clock)
{
    return answer(enlistment, NOTIFY_COMMIT, false);
}

NTSTATUS TmRollbackComplete(PVOID enlistment, LARGE_INTEGER *clock)
{
    return answer(enlistment, NOTIFY_ROLLBACK, false);
}

/* DOC ("TmReadOnlyEnlistment"): it hears no more of the transaction. */
NTSTATUS TmReadOnlyEnlistment(PVOID enlistment, LARGE_INTEGER *clock)
{
    return answer(enlistment, NOTIFY_PREPREPARE | NOTIFY_PREPARE, true);
}

/* DOC ("TmRollbackEnlistment"): up to its answer to the prepare notification a resource manager can roll back. */
NTSTATUS TmRollbackEnlistment(PVOID enlistment, LARGE_INTEGER *clock)
{
    struct tm_enlistment *e = enlistment;
    if (ob_type_of(e) != OB_TM_ENLISTMENT)
        return STATUS_INVALID_PARAMETER;
    return tm_roll_back(e->transaction) ? STATUS_SUCCESS : STATUS_TRANSACTION_REQUEST_NOT_VALID;
}

static NTSTATUS by_handle(HANDLE handle, LARGE_INTEGER *clock, NTSTATUS (*answers)(PVOID, LARGE_INTEGER *))
{
    void *e;
    NTSTATUS status = tm_object_of(handle, OB_TM_ENLISTMENT, &e);
    if (!NT_SUCCESS(status))
        return status;
    status = answers(e, clock);
    ob_dereference(e);
    return status;
}

NTSTATUS ZwPrePrepareComplete(HANDLE enlistment, LARGE_INTEGER *clock)
{
    return by_handle(enlistment, clock, TmPrePrepareComplete);
}

NTSTATUS ZwPrepareComplete(HANDLE enlistment, LARGE_INTEGER *clock)
{
    return by_handle(enlistment, clock, TmPrepareComplete);
}

NTSTATUS ZwCommitComplete(HANDLE enlistment, LARGE_INTEGER *clock)
{
    return by_handle(enlistment, clock, TmCommitComplete);
}

NTSTATUS ZwRollbackComplete(HANDLE enlistment, LARGE_INTEGER *clock)
{
    return by_handle(enlistment, clock, TmRollbackComplete);
}

NTSTATUS ZwReadOnlyEnlistment(HANDLE enlistment, LARGE_INTEGER *clock)
{
    return by_handle(enlistment, clock, TmReadOnlyEnlistment);
}

NTSTATUS ZwRollbackEnlistment(HANDLE enlistment, LARGE_INTEGER *clock)
{
    return by_handle(enlistment, clock, TmRollbackEnlistment);
}
