/* Transactions: from active to an outcome; see room.h. */
#include <string.h>

#include "ps/ps.h"
#include "sim/machine.h"
#include "tm/room.h"

static void transaction_close(void *object, struct process *process, bool last)
{
    if (last) /* DOC ("ZwCreateTransaction"): rolled back when its last handle is closed before it is committed */
        tm_roll_back(object);
}

const struct ob_type tm_transaction_type = { "TmTx", NULL, transaction_close, OB_NOT_WAITABLE };

bool tm_is_active(const void *transaction)
{
    return ((const struct tm_transaction *)transaction)->state == TM_ACTIVE;
}

NTSTATUS tm_transaction_of(HANDLE handle, void **transaction)
{
    NTSTATUS status = tm_object_of(handle, OB_TM_TRANSACTION, transaction);
    if (!NT_SUCCESS(status) || tm_is_active(*transaction))
        return status;
    ob_dereference(*transaction);
    return STATUS_TRANSACTION_NOT_ACTIVE;
}

NTSTATUS ZwCreateTransaction(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, const void *uow, HANDLE manager, ULONG options, ULONG isolation,
                             ULONG isolation_flags, LARGE_INTEGER *timeout, UNICODE_STRING *description)
{
    if (isolation || isolation_flags) /* DOC: reserved */
        return STATUS_INVALID_PARAMETER;
    if (timeout && timeout->QuadPart)
        ke_unsupported("ZwCreateTransaction with a timeout");
    if (oa && oa->ObjectName && oa->ObjectName->Length)
        ke_unsupported("ZwCreateTransaction with a name");
    struct tm_transaction *t = ob_create(OB_TM_TRANSACTION, sizeof *t);
    KeInitializeEvent(&t->ended, NotificationEvent, FALSE);
    return tm_handle_of(t, access, oa, handle);
}

/* ---- the way to an outcome ---- */

static void finish(struct tm_transaction *t, enum tm_state outcome)
{
    t->state = outcome;
    struct tm_enlistment *e = t->first;
    t->first = NULL;
    while (e) {
        struct tm_enlistment *next = e->next;
        e->next = NULL;
        ob_dereference(e);
        e = next;
    }
    KeSetEvent(&t->ended, 0, FALSE);
}

/* One is counted for the teller, so that nothing goes on before all have been told. */
static void enter(struct tm_transaction *t, enum tm_state state, ULONG notification)
{
    t->state = state;
    t->clock.QuadPart++;
    t->unanswered = 1;
    tm_tell(t, notification);
    if (--t->unanswered == 0)
        tm_answered(t);
}

void tm_answered(struct tm_transaction *t)
{
    switch (t->state) {
    case TM_PREPREPARING:
        enter(t, TM_PREPARING, NOTIFY_PREPARE);
        break;
    case TM_PREPARING:
        tm_room()->ended(t, true);
        enter(t, TM_COMMITTING, NOTIFY_COMMIT);
        break;
    case TM_COMMITTING:
        finish(t, TM_COMMITTED);
        break;
    case TM_ROLLING_BACK:
        finish(t, TM_ABORTED);
        break;
    default:
        IR_ASSERT(!"an answer without a question");
    }
}

bool tm_roll_back(struct tm_transaction *t)
{
    if (t->state > TM_PREPARING)
        return false;
    for (struct tm_enlistment *e = t->first; e; e = e->next)
        e->asked = 0; /* nobody waits for that any more */
    tm_room()->ended(t, false);
    ob_reference(t);
    enter(t, TM_ROLLING_BACK, NOTIFY_ROLLBACK);
    ob_dereference(t);
    return true;
}

/* DOC: what is said of a transaction that has its outcome already. */
static NTSTATUS too_late(const struct tm_transaction *t)
{
    return t->state == TM_COMMITTED ? STATUS_TRANSACTION_ALREADY_COMMITTED
           : t->state == TM_ABORTED || t->state == TM_ROLLING_BACK ? STATUS_TRANSACTION_ALREADY_ABORTED : STATUS_TRANSACTION_REQUEST_NOT_VALID;
}

/* DOC: without wait, STATUS_PENDING while answers are missing. */
static NTSTATUS outcome(struct tm_transaction *t, BOOLEAN wait, enum tm_state wanted)
{
    if (wait)
        KeWaitForSingleObject(&t->ended, 0, KernelMode, FALSE, NULL);
    else if (t->state != TM_COMMITTED && t->state != TM_ABORTED)
        return STATUS_PENDING;
    return t->state == wanted ? STATUS_SUCCESS : STATUS_TRANSACTION_ABORTED;
}

NTSTATUS ZwCommitTransaction(HANDLE handle, BOOLEAN wait)
{
    void *object;
    NTSTATUS status = tm_object_of(handle, OB_TM_TRANSACTION, &object);
    if (!NT_SUCCESS(status))
        return status;
    struct tm_transaction *t = object;
    if (t->state != TM_ACTIVE) {
        status = too_late(t);
    } else {
        enter(t, TM_PREPREPARING, NOTIFY_PREPREPARE);
        status = outcome(t, wait, TM_COMMITTED);
    }
    ob_dereference(t);
    return status;
}

NTSTATUS ZwRollbackTransaction(HANDLE handle, BOOLEAN wait)
{
    void *object;
    NTSTATUS status = tm_object_of(handle, OB_TM_TRANSACTION, &object);
    if (!NT_SUCCESS(status))
        return status;
    struct tm_transaction *t = object;
    status = tm_roll_back(t) ? outcome(t, wait, TM_ABORTED) : too_late(t);
    ob_dereference(t);
    return status;
}

BOOLEAN TmIsTransactionActive(PVOID transaction)
{
    return tm_is_active(transaction);
}
