/* Private to tm. A transaction goes through these states; what enlistments asked to hear of is told on the way, and the next step is made when
 * all of them have answered:
 *
 *   ACTIVE ─ commit ─▶ PREPREPARING ─▶ PREPARING ─▶ COMMITTING ─▶ COMMITTED
 *      └─ roll back ──────┴──────────────┴────────▶ ROLLING_BACK ─▶ ABORTED
 *
 * Objects lie in pool, as in NT; drivers see them as handles and opaque pointers. A transaction holds its enlistments until it has ended. */
#ifndef IRPLAB_TM_ROOM_H
#define IRPLAB_TM_ROOM_H

#include "ke/ke.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "tm/tm.h"

/* ktmtypes.h: notifications are the states that they belong to. */
enum { NOTIFY_PREPREPARE = 1, NOTIFY_PREPARE = 2, NOTIFY_COMMIT = 4, NOTIFY_ROLLBACK = 8 };
enum tm_state { TM_ACTIVE, TM_PREPREPARING, TM_PREPARING, TM_COMMITTING, TM_ROLLING_BACK, TM_COMMITTED, TM_ABORTED };

struct tm_manager {
    BOOLEAN is_volatile;
};

struct tm_resource {
    struct tm_manager *manager; /* referenced */
    PVOID routine, key; /* TmEnableCallbacks; NULL: not yet */
};

struct tm_enlistment {
    struct tm_enlistment *next; /* of the transaction, in the order in which they came */
    struct tm_resource *resource; /* referenced */
    struct tm_transaction *transaction; /* referenced */
    PVOID key;
    ULONG mask;
    ULONG asked; /* the notification that has not been answered; 0: none */
    BOOLEAN told, read_only;
};

struct tm_transaction {
    enum tm_state state;
    ULONG unanswered;
    struct tm_enlistment *first; /* each referenced */
    LARGE_INTEGER clock;
    KEVENT ended;
};

struct tm_room {
    void (*ended)(void *transaction, bool committed);
};

struct tm_room *tm_room(void);

/* References the object of a handle of the current process. */
NTSTATUS tm_object_of(HANDLE handle, enum ob_type_index type, void **object);
/* Takes over the caller's reference. */
NTSTATUS tm_handle_of(void *object, ACCESS_MASK access, const OBJECT_ATTRIBUTES *oa, HANDLE *handle);

/* transaction.c: all that were asked in this state have answered. May call drivers. */
void tm_answered(struct tm_transaction *t);
/* From any state before the decision; false: it has been decided. May call drivers. */
bool tm_roll_back(struct tm_transaction *t);

/* enlistment.c: tells who asked for it; those that do not answer in their routine are counted in unanswered. Calls drivers. */
void tm_tell(struct tm_transaction *t, ULONG notification);

extern const struct ob_type tm_transaction_type, tm_enlistment_type;

#endif
