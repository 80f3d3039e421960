/* Cancel-safe queue with typed callbacks, work items of both kinds, DPC and timer roles, system thread. */
#include <wdm.h>
#include <csq.h>

typedef struct _QUEUE {
    IO_CSQ Csq;
    LIST_ENTRY List;
    KSPIN_LOCK Lock;
    KDPC Dpc;
    KTIMER Timer;
    KEVENT Stop;
    PVOID Thread;
    volatile LONG Running;
    LIST_ENTRY Spare;
    NPAGED_LOOKASIDE_LIST Lookaside;
    FAST_MUTEX Mutex;
} QUEUE, *PQUEUE;

DRIVER_INITIALIZE DriverEntry;
IO_CSQ_INSERT_IRP QueueInsert;
IO_CSQ_REMOVE_IRP QueueRemove;
IO_CSQ_PEEK_NEXT_IRP QueuePeek;
IO_CSQ_ACQUIRE_LOCK QueueAcquire;
IO_CSQ_RELEASE_LOCK QueueRelease;
IO_CSQ_COMPLETE_CANCELED_IRP QueueCanceled;
IO_WORKITEM_ROUTINE QueueWork;
IO_WORKITEM_ROUTINE_EX QueueWorkEx;
KDEFERRED_ROUTINE QueueDpc;
KSTART_ROUTINE QueueThread;

VOID QueueInsert(_In_ PIO_CSQ Csq, _In_ PIRP Irp)
{
    PQUEUE queue = CONTAINING_RECORD(Csq, QUEUE, Csq);
    InsertTailList(&queue->List, &Irp->Tail.Overlay.ListEntry);
}

VOID QueueRemove(_In_ PIO_CSQ Csq, _In_ PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

PIRP QueuePeek(_In_ PIO_CSQ Csq, _In_ PIRP Irp, _In_ PVOID PeekContext)
{
    PQUEUE queue = CONTAINING_RECORD(Csq, QUEUE, Csq);
    PLIST_ENTRY next = Irp ? Irp->Tail.Overlay.ListEntry.Flink : queue->List.Flink;

    for (; next != &queue->List; next = next->Flink) {
        PIRP candidate = CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
        if (!PeekContext || IoGetCurrentIrpStackLocation(candidate)->FileObject == (PFILE_OBJECT)PeekContext) {
            return candidate;
        }
    }
    return NULL;
}

_IRQL_raises_(DISPATCH_LEVEL)
_IRQL_requires_max_(DISPATCH_LEVEL)
_Acquires_lock_(CONTAINING_RECORD(Csq, QUEUE, Csq)->Lock)
VOID QueueAcquire(_In_ PIO_CSQ Csq, _Out_ _At_(*Irql, _Post_ _IRQL_saves_) PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, QUEUE, Csq)->Lock, Irql);
}

VOID QueueRelease(_In_ PIO_CSQ Csq, _In_ _IRQL_restores_ KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, QUEUE, Csq)->Lock, Irql);
}

VOID QueueCanceled(_In_ PIO_CSQ Csq, _In_ PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

VOID QueueWork(_In_ PDEVICE_OBJECT DeviceObject, _In_opt_ PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedDecrement(&((PQUEUE)Context)->Running);
}

VOID QueueWorkEx(_In_ PVOID IoObject, _In_opt_ PVOID Context, _In_ PIO_WORKITEM IoWorkItem)
{
    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(Context);
    IoFreeWorkItem(IoWorkItem);
}

_Function_class_(KDEFERRED_ROUTINE)
VOID QueueDpc(_In_ PKDPC Dpc, _In_opt_ PVOID Context, _In_opt_ PVOID Argument1, _In_opt_ PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(&((PQUEUE)Context)->Stop, EVENT_INCREMENT, FALSE);
}

VOID QueueThread(_In_ PVOID Context)
{
    PQUEUE queue = (PQUEUE)Context;
    LARGE_INTEGER due = {.QuadPart = -10I64 * 1000 * 1000};

    KeSetTimerEx(&queue->Timer, due, 0, &queue->Dpc);
    KeWaitForSingleObject(&queue->Stop, Executive, KernelMode, FALSE, NULL);
    ExAcquireFastMutex(&queue->Mutex);
    ExReleaseFastMutex(&queue->Mutex);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    static QUEUE queue;
    HANDLE thread;
    OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    PIO_WORKITEM item;

    UNREFERENCED_PARAMETER(RegistryPath);
    InitializeListHead(&queue.List);
    KeInitializeSpinLock(&queue.Lock);
    KeInitializeDpc(&queue.Dpc, QueueDpc, &queue);
    KeInitializeTimerEx(&queue.Timer, SynchronizationTimer);
    KeInitializeEvent(&queue.Stop, NotificationEvent, FALSE);
    ExInitializeFastMutex(&queue.Mutex);
    ExInitializeNPagedLookasideList(&queue.Lookaside, NULL, NULL, POOL_NX_ALLOCATION, 64, 'euqQ', 0);
    ExDeleteNPagedLookasideList(&queue.Lookaside);
    status = IoCsqInitialize(&queue.Csq, QueueInsert, QueueRemove, QueuePeek, QueueAcquire, QueueRelease, QueueCanceled);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    item = IoAllocateWorkItem(DriverObject->DeviceObject);
    if (item) {
        queue.Running = 1;
        IoQueueWorkItem(item, QueueWork, DelayedWorkQueue, &queue);
        IoQueueWorkItemEx(item, QueueWorkEx, CriticalWorkQueue, NULL);
        IoTryQueueWorkItem(item, QueueWorkEx, DelayedWorkQueue, NULL);
    }
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, &attributes, NULL, NULL, QueueThread, &queue);
    if (NT_SUCCESS(status)) {
        ObReferenceObjectByHandle(thread, SYNCHRONIZE, *PsThreadType, KernelMode, &queue.Thread, NULL);
        ZwClose(thread);
        ObDereferenceObject(queue.Thread);
    }
    return status;
}
