/* Objects with a handle that only wrap a dispatcher object: events, mutants, semaphores, timers. The Nt functions enter the
 * kernel themselves (a call by a driver is already in it). */
#ifndef IRPLAB_EX_OBJECTS_H
#define IRPLAB_EX_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "nt/ke.h"
#include "nt/ob.h"
#include "nt/types.h"
#include "ob/ob.h"

void ex_objects_init(void);

/* Values of the information classes: *BasicInformation is 0. */
typedef struct EVENT_BASIC_INFORMATION {
    ULONG EventType;
    LONG EventState;
} EVENT_BASIC_INFORMATION;
typedef struct SEMAPHORE_BASIC_INFORMATION {
    LONG CurrentCount;
    LONG MaximumCount;
} SEMAPHORE_BASIC_INFORMATION;
typedef struct MUTANT_BASIC_INFORMATION {
    LONG CurrentCount;
    BOOLEAN OwnedByCaller;
    BOOLEAN AbandonedState;
} MUTANT_BASIC_INFORMATION;
typedef struct TIMER_BASIC_INFORMATION {
    LARGE_INTEGER RemainingTime;
    BOOLEAN TimerState;
} TIMER_BASIC_INFORMATION;

NTSTATUS NtCreateEvent(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG type, ULONG state);
NTSTATUS NtOpenEvent(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa);
NTSTATUS NtSetEvent(HANDLE handle, LONG *previous);
NTSTATUS NtResetEvent(HANDLE handle, LONG *previous);
NTSTATUS NtClearEvent(HANDLE handle);
NTSTATUS NtPulseEvent(HANDLE handle, LONG *previous);
NTSTATUS NtQueryEvent(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned);

NTSTATUS NtCreateSemaphore(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, LONG count, LONG limit);
NTSTATUS NtOpenSemaphore(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa);
NTSTATUS NtReleaseSemaphore(HANDLE handle, LONG count, LONG *previous);
NTSTATUS NtQuerySemaphore(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned);

NTSTATUS NtCreateMutant(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG owned);
NTSTATUS NtOpenMutant(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa);
NTSTATUS NtReleaseMutant(HANDLE handle, LONG *previous);
NTSTATUS NtQueryMutant(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned);

NTSTATUS NtCreateTimer(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG type);
NTSTATUS NtOpenTimer(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa);
/* apc: user routine (context, low, high) for the calling thread, or NULL. */
NTSTATUS NtSetTimer(HANDLE handle, LARGE_INTEGER *due, PVOID apc, PVOID context, ULONG resume, LONG period, BOOLEAN *previous);
NTSTATUS NtCancelTimer(HANDLE handle, BOOLEAN *state);
NTSTATUS NtQueryTimer(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned);

/* ---- for these objects and their like (io's completion ports) ---- */

/* A new object and a handle to it, or with OBJ_OPENIF the one of that name that is there (STATUS_OBJECT_NAME_EXISTS).
 * initialise fills the fresh body from context. */
NTSTATUS ex_object_create(HANDLE *handle, enum ob_type_index type, size_t bytes, ACCESS_MASK access, const OBJECT_ATTRIBUTES *oa,
                          void (*initialise)(void *body, const void *context), const void *context);
NTSTATUS ex_object_open(HANDLE *handle, enum ob_type_index type, ACCESS_MASK access, const OBJECT_ATTRIBUTES *oa);
/* Stores a result at an address that the caller of a system call gave; false = it is not accessible. */
bool ex_put(void *to, const void *from, size_t bytes);

#endif
