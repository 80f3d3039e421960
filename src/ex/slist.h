/* Private to ex: sequenced lists and lookaside lists. */
#ifndef IRPLAB_EX_SLIST_H
#define IRPLAB_EX_SLIST_H

#include <stdbool.h>

#include "nt/ex.h"

/* Whether this is the list of an initialised lookaside list. */
bool ex_is_lookaside(const SLIST_HEADER *h);

SLIST_ENTRY *ExpInterlockedPushEntrySList(SLIST_HEADER *h, SLIST_ENTRY *e);
SLIST_ENTRY *ExpInterlockedPopEntrySList(SLIST_HEADER *h);
SLIST_ENTRY *ExpInterlockedFlushSList(SLIST_HEADER *h);
void InitializeSListHead(SLIST_HEADER *h);

#endif
