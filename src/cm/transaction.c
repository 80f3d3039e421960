/* Keys that transactions make: hidden from everybody else until the transaction is committed, gone when it is rolled back. That is all that can be
 * done in a transaction; changes of keys that were there before stop the run (cm_key_to_change). */
#include "cm/key.h"

void cm_transaction_ended(void *transaction, bool committed)
{
    struct cm_room *r = cm_room();
    r->viewer = transaction;
    /* The newest first: children before what they lie in. */
    for (uint64_t i = r->key_count; i-- > 0;) {
        struct cm_key *k = r->by_id[i];
        if (k->maker != transaction || k->deleted)
            continue;
        k->maker = NULL;
        if (committed)
            cm_notify(k->parent, NOTIFY_NAME);
        else
            cm_key_delete(k);
    }
    r->viewer = NULL;
}
