/* The guest's view: exports that only images and tests call; see ke.h for those that siblings use. */
#ifndef IRPLAB_KE_EXPORTS_H
#define IRPLAB_KE_EXPORTS_H

#include "nt/ke.h"

typedef volatile ULONG EX_SPIN_LOCK;

/* wait.c */
NTSTATUS KeWaitForMutexObject(PVOID object, ULONG reason, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout);

/* event.c */
void KeSetEventBoostPriority(KEVENT *event, PVOID *thread);

/* mutex.c */
LONG KeReadStateMutex(KMUTANT *mutex);

/* timer.c */
void KeInitializeTimer(KTIMER *timer);
BOOLEAN KeSetCoalescableTimer(KTIMER *timer, LARGE_INTEGER due_time, ULONG period, ULONG tolerable_delay, KDPC *dpc);
ULONGLONG KeQueryTimerDueTime(KTIMER *timer);

/* clock.c */
void KeStallExecutionProcessor(ULONG microseconds);
void KeQuerySystemTime(LARGE_INTEGER *time);
void KeQuerySystemTimePrecise(LARGE_INTEGER *time);
ULONG64 KeQueryInterruptTime(void);
ULONG64 KeQueryInterruptTimePrecise(ULONG64 *counter);
ULONG64 KeQueryUnbiasedInterruptTime(void);
ULONG64 KeQueryUnbiasedInterruptTimePrecise(ULONG64 *counter);
void KeQueryTickCount(LARGE_INTEGER *count);
ULONG KeQueryTimeIncrement(void);
LARGE_INTEGER KeQueryPerformanceCounter(LARGE_INTEGER *frequency);
ULONG ExSetTimerResolution(ULONG desired, ULONG set);
void ExQueryTimerResolution(ULONG *maximum, ULONG *minimum, ULONG *current);
void ExSystemTimeToLocalTime(const LARGE_INTEGER *system, LARGE_INTEGER *local);
void ExLocalTimeToSystemTime(const LARGE_INTEGER *local, LARGE_INTEGER *system);

/* dpc.c */
void KeInitializeThreadedDpc(KDPC *dpc, PVOID routine, PVOID context);
void KeSetImportanceDpc(KDPC *dpc, ULONG importance);
void KeSetTargetProcessorDpc(KDPC *dpc, ULONG number);
NTSTATUS KeSetTargetProcessorDpcEx(KDPC *dpc, const PROCESSOR_NUMBER *number);

/* apc.c */
BOOLEAN KeRemoveQueueApc(KAPC *apc);

/* thread.c */
KTHREAD *KeGetCurrentThread(void);
LONG KeSetPriorityThread(KTHREAD *thread, LONG priority);
LONG KeQueryPriorityThread(KTHREAD *thread);
LONG KeSetBasePriorityThread(KTHREAD *thread, LONG increment);
LONG KeQueryBasePriorityThread(KTHREAD *thread);

/* irql.c */
KIRQL KeGetCurrentIrql(void);
void KeRaiseIrql(ULONG irql, KIRQL *before);
KIRQL KeRaiseIrqlToDpcLevel(void);
KIRQL KeRaiseIrqlToSynchLevel(void);

/* spinlock.c */
void KeInitializeSpinLock(KSPIN_LOCK *lock);
KIRQL KeAcquireSpinLockRaiseToSynch(KSPIN_LOCK *lock);
void KeAcquireSpinLock(KSPIN_LOCK *lock, KIRQL *before);
BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(KSPIN_LOCK *lock);
BOOLEAN KeTestSpinLock(KSPIN_LOCK *lock);
KIRQL KeAcquireSpinLockForDpc(KSPIN_LOCK *lock);
void KeReleaseSpinLockForDpc(KSPIN_LOCK *lock, ULONG irql);
void KeAcquireInStackQueuedSpinLock(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle);
void KeAcquireInStackQueuedSpinLockRaiseToSynch(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle);
void KeReleaseInStackQueuedSpinLock(KLOCK_QUEUE_HANDLE *handle);
void KeAcquireInStackQueuedSpinLockAtDpcLevel(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle);
void KeReleaseInStackQueuedSpinLockFromDpcLevel(KLOCK_QUEUE_HANDLE *handle);
void KeAcquireInStackQueuedSpinLockForDpc(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle);
void KeReleaseInStackQueuedSpinLockForDpc(KLOCK_QUEUE_HANDLE *handle);
void ExAcquireSpinLockSharedAtDpcLevel(EX_SPIN_LOCK *lock);
KIRQL ExAcquireSpinLockShared(EX_SPIN_LOCK *lock);
void ExReleaseSpinLockSharedFromDpcLevel(EX_SPIN_LOCK *lock);
void ExReleaseSpinLockShared(EX_SPIN_LOCK *lock, ULONG irql);
void ExAcquireSpinLockExclusiveAtDpcLevel(EX_SPIN_LOCK *lock);
KIRQL ExAcquireSpinLockExclusive(EX_SPIN_LOCK *lock);
void ExReleaseSpinLockExclusiveFromDpcLevel(EX_SPIN_LOCK *lock);
void ExReleaseSpinLockExclusive(EX_SPIN_LOCK *lock, ULONG irql);
ULONG ExTryConvertSharedSpinLockExclusive(EX_SPIN_LOCK *lock);
ULONG ExTryAcquireSpinLockSharedAtDpcLevel(EX_SPIN_LOCK *lock);
ULONG ExTryAcquireSpinLockExclusiveAtDpcLevel(EX_SPIN_LOCK *lock);

#endif
