/* The executive's support routines: face for siblings. Work queues: ex/work.h. Pool: mm/mm.h. */
#ifndef IRPLAB_EX_EX_H
#define IRPLAB_EX_EX_H

#include "nt/ex.h"

/* After ob_init: callback objects. */
void ex_init(void);

BOOLEAN ExAcquireResourceExclusiveLite(ERESOURCE *r, ULONG wait);
BOOLEAN ExAcquireResourceSharedLite(ERESOURCE *r, ULONG wait);
void ExReleaseResourceLite(ERESOURCE *r);
NTSTATUS ExInitializeResourceLite(ERESOURCE *r);
NTSTATUS ExDeleteResourceLite(ERESOURCE *r);

void ExfAcquirePushLockExclusive(EX_PUSH_LOCK *l);
void ExfAcquirePushLockShared(EX_PUSH_LOCK *l);
void ExfReleasePushLock(EX_PUSH_LOCK *l);

void ExInitializeRundownProtection(EX_RUNDOWN_REF *r);
BOOLEAN ExAcquireRundownProtection(EX_RUNDOWN_REF *r);
void ExReleaseRundownProtection(EX_RUNDOWN_REF *r);
void ExWaitForRundownProtectionRelease(EX_RUNDOWN_REF *r);

ULONG ExGetPreviousMode(void);

#endif
