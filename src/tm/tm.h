/* Kernel transactions: what the registry, the one resource manager of irplab's own, needs of them. */
#ifndef IRPLAB_TM_TM_H
#define IRPLAB_TM_TM_H

#include <stdbool.h>

#include "nt/ob.h"
#include "nt/types.h"

/* After ob_init. ended: called once for each transaction whose outcome has been decided, before its enlistments hear of it; holds nothing. */
void tm_init(void (*ended)(void *transaction, bool committed));

/* The transaction that a handle of the current process means, referenced; STATUS_TRANSACTION_NOT_ACTIVE if it has ended. */
NTSTATUS tm_transaction_of(HANDLE handle, void **transaction);
bool tm_is_active(const void *transaction);

#endif
