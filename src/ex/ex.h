/* The executive's support routines: face for siblings. Work queues: ex/work.h. Pool: mm/mm.h. */
#ifndef IRPLAB_EX_EX_H
#define IRPLAB_EX_EX_H

#include <stdbool.h>
#include <stddef.h>
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

/* Calls those who registered with one of the system's callback objects. PASSIVE_LEVEL. */
void ex_callback_notify_named(const char *name, uint64_t argument1, uint64_t argument2);

/* list: as a Microsoft va_list. */
NTSTATUS vDbgPrintEx(ULONG component, ULONG level, const char *format, const uint64_t *list);

ULONG ExGetPreviousMode(void);

struct thread;
/* For findings: the resource, push lock or rundown protection that t waits for, and in holder who owns it (a resource; NULL: not
 * known). False: t waits for nothing of the kind, and nothing is written. */
bool ex_wait_describe(const struct thread *t, char *what, size_t size, const struct thread **holder);

/* Exports that siblings call by their NT name; documented where they are defined. */
PVOID ExAllocatePoolWithTag(ULONG pool_type, SIZE_T bytes, ULONG tag);
PVOID ExAllocatePoolWithQuotaTag(ULONG pool_type, SIZE_T bytes, ULONG tag);
void ExQueueWorkItem(WORK_QUEUE_ITEM *item, ULONG type);

/* The last message that was printed for the debugger since it was forgotten. */
const char *ex_debug_last(void);
void ex_debug_forget(void);

#endif
