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

/* fastmutex.c */
void ExInitializeFastMutex(FAST_MUTEX *m);
void ExAcquireFastMutex(FAST_MUTEX *m);
void ExReleaseFastMutex(FAST_MUTEX *m);
BOOLEAN ExTryToAcquireFastMutex(FAST_MUTEX *m);
void ExAcquireFastMutexUnsafe(FAST_MUTEX *m);
void ExReleaseFastMutexUnsafe(FAST_MUTEX *m);
void ExEnterCriticalRegionAndAcquireFastMutexUnsafe(FAST_MUTEX *m);
void ExReleaseFastMutexUnsafeAndLeaveCriticalRegion(FAST_MUTEX *m);
void KeInitializeGuardedMutex(FAST_MUTEX *m);
void KeAcquireGuardedMutexUnsafe(FAST_MUTEX *m);
void KeReleaseGuardedMutexUnsafe(FAST_MUTEX *m);
void KeAcquireGuardedMutex(FAST_MUTEX *m);
void KeReleaseGuardedMutex(FAST_MUTEX *m);
BOOLEAN KeTryToAcquireGuardedMutex(FAST_MUTEX *m);

/* queue.c */
void KeInitializeQueue(KQUEUE *q, ULONG count);
LONG KeReadStateQueue(KQUEUE *q);
LONG KeInsertQueue(KQUEUE *q, LIST_ENTRY *entry);
LONG KeInsertHeadQueue(KQUEUE *q, LIST_ENTRY *entry);
LIST_ENTRY *KeRemoveQueue(KQUEUE *q, ULONG mode, LARGE_INTEGER *timeout);
ULONG KeRemoveQueueEx(KQUEUE *q, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout, LIST_ENTRY **entries, ULONG count);
LIST_ENTRY *KeRundownQueue(KQUEUE *q);

/* device_queue.c */
void KeInitializeDeviceQueue(KDEVICE_QUEUE *q);
BOOLEAN KeInsertDeviceQueue(KDEVICE_QUEUE *q, KDEVICE_QUEUE_ENTRY *e);
BOOLEAN KeInsertByKeyDeviceQueue(KDEVICE_QUEUE *q, KDEVICE_QUEUE_ENTRY *e, ULONG key);
KDEVICE_QUEUE_ENTRY *KeRemoveDeviceQueue(KDEVICE_QUEUE *q);
KDEVICE_QUEUE_ENTRY *KeRemoveByKeyDeviceQueue(KDEVICE_QUEUE *q, ULONG key);
KDEVICE_QUEUE_ENTRY *KeRemoveByKeyDeviceQueueIfBusy(KDEVICE_QUEUE *q, ULONG key);
BOOLEAN KeRemoveEntryDeviceQueue(KDEVICE_QUEUE *q, KDEVICE_QUEUE_ENTRY *e);

/* processor.c */
ULONG KeGetCurrentProcessorNumber(void);
ULONG KeGetCurrentProcessorNumberEx(PROCESSOR_NUMBER *number);
NTSTATUS KeGetProcessorNumberFromIndex(ULONG index, PROCESSOR_NUMBER *number);
ULONG KeGetProcessorIndexFromNumber(const PROCESSOR_NUMBER *number);
KAFFINITY KeQueryActiveProcessors(void);
ULONG KeQueryActiveProcessorCount(KAFFINITY *mask);
ULONG KeQueryMaximumProcessorCount(void);
ULONG KeQueryActiveProcessorCountEx(ULONG group);
ULONG KeQueryMaximumProcessorCountEx(ULONG group);
ULONG KeQueryActiveGroupCount(void);
ULONG KeQueryMaximumGroupCount(void);
KAFFINITY KeQueryGroupAffinity(ULONG group);
ULONG KeGetCurrentNodeNumber(void);
ULONG KeQueryHighestNodeNumber(void);
void KeQueryNodeActiveAffinity(ULONG node, GROUP_AFFINITY *affinity, USHORT *count);
ULONG KeQueryNodeMaximumProcessorCount(ULONG node);
PVOID KeQueryPrcbAddress(ULONG number);
void KeSetSystemAffinityThread(KAFFINITY mask);
KAFFINITY KeSetSystemAffinityThreadEx(KAFFINITY mask);
void KeRevertToUserAffinityThread(void);
void KeRevertToUserAffinityThreadEx(KAFFINITY mask);
void KeSetSystemGroupAffinityThread(const GROUP_AFFINITY *affinity, GROUP_AFFINITY *before);
void KeRevertToUserGroupAffinityThread(const GROUP_AFFINITY *before);
KAFFINITY KeSetAffinityThread(KTHREAD *thread, KAFFINITY mask);
ULONG KeSetIdealProcessorThread(KTHREAD *thread, ULONG processor);
PVOID KeRegisterProcessorChangeCallback(PVOID routine, PVOID context, ULONG flags);
void KeDeregisterProcessorChangeCallback(PVOID handle);

/* attach.c */
void KeStackAttachProcess(KPROCESS *process, KAPC_STATE *saved);
void KeUnstackDetachProcess(KAPC_STATE *saved);
void KeAttachProcess(KPROCESS *process);
void KeDetachProcess(void);
BOOLEAN KeIsAttachedProcess(void);

/* misc.c */
ULONG KeIsExecutingDpc(void);
BOOLEAN KeIsWaitListEmpty(const DISPATCHER_HEADER *object);
ULONG KeGetRecommendedSharedDataAlignment(void);
NTSTATUS KeSaveFloatingPointState(KFLOATING_SAVE *save);
NTSTATUS KeRestoreFloatingPointState(const KFLOATING_SAVE *save);
NTSTATUS KeSaveExtendedProcessorState(ULONG64 mask, PVOID save);
void KeRestoreExtendedProcessorState(PVOID save);
void KeFlushIoBuffers(PVOID mdl, ULONG read, ULONG dma);
void KeFlushWriteBuffer(void);
BOOLEAN KeInvalidateAllCaches(void);
void KeInvalidateRangeAllCaches(PVOID base, ULONG bytes);
void KeFlushEntireTb(ULONG invalid, ULONG all);
void KeSetDmaIoCoherency(ULONG attributes);
BOOLEAN KeSetKernelStackSwapEnable(ULONG enable);
ULONG KeQueryRuntimeThread(KTHREAD *thread, ULONG *user_ticks);
NTSTATUS KeQueryDpcWatchdogInformation(ULONG *information);
NTSTATUS KeExpandKernelStackAndCalloutEx(PVOID callout, PVOID parameter, SIZE_T size, ULONG wait, PVOID context);
NTSTATUS KeExpandKernelStackAndCallout(PVOID callout, PVOID parameter, SIZE_T size);
BOOLEAN KeRegisterBugCheckCallback(PVOID record, PVOID routine, PVOID buffer, ULONG length, PVOID component);
BOOLEAN KeDeregisterBugCheckCallback(PVOID record);
BOOLEAN KeRegisterBugCheckReasonCallback(PVOID record, PVOID routine, ULONG reason, PVOID component);
BOOLEAN KeDeregisterBugCheckReasonCallback(PVOID record);
PVOID KeRegisterNmiCallback(PVOID routine, PVOID context);
NTSTATUS KeDeregisterNmiCallback(PVOID handle);

/* ex_timer.c */
PVOID ExAllocateTimer(PVOID callback, PVOID context, ULONG attributes);
BOOLEAN ExSetTimer(PVOID timer, LONGLONG due_time, LONGLONG period_100ns, PVOID parameters);
BOOLEAN ExCancelTimer(PVOID timer, PVOID parameters);
BOOLEAN ExDeleteTimer(PVOID timer, ULONG cancel, ULONG wait, const void *parameters);

/* generic_call.c */
void KeGenericCallDpc(PVOID routine, PVOID context);
void KeSignalCallDpcDone(volatile ULONG *left);
ULONG KeSignalCallDpcSynchronize(PVOID argument);
ULONG_PTR KeIpiGenericCall(PVOID routine, ULONG_PTR context);

#endif
