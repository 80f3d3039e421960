/* Remove locks. */
#include "contract_driver.h"

static VOID Counting(PCONTRACT t)
{
    IO_REMOVE_LOCK lock;

    IoInitializeRemoveLock(&lock, CONTRACT_TAG, 0, 0);
    CHECK_STATUS(IoAcquireRemoveLock(&lock, (PVOID)1), STATUS_SUCCESS);
    CHECK_STATUS(IoAcquireRemoveLock(&lock, (PVOID)2), STATUS_SUCCESS);
    CHECK_STATUS(IoAcquireRemoveLock(&lock, (PVOID)2), STATUS_SUCCESS);
    IoReleaseRemoveLock(&lock, (PVOID)2);
    IoReleaseRemoveLock(&lock, (PVOID)2);
    IoReleaseRemoveLock(&lock, (PVOID)1);
    CHECK_STATUS(IoAcquireRemoveLock(&lock, (PVOID)3), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(&lock, (PVOID)3);
    CHECK_STATUS(IoAcquireRemoveLock(&lock, (PVOID)4), STATUS_DELETE_PENDING);
}

static VOID AtDispatchLevel(PCONTRACT t)
{
    IO_REMOVE_LOCK lock;
    KIRQL irql;
    NTSTATUS status;

    IoInitializeRemoveLock(&lock, CONTRACT_TAG, 0, 0);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = IoAcquireRemoveLock(&lock, NULL);
    IoReleaseRemoveLock(&lock, NULL);
    KeLowerIrql(irql);
    CHECK_STATUS(status, STATUS_SUCCESS);
}

typedef struct _HOLDER {
    IO_REMOVE_LOCK Lock;
    LONG Released;
} HOLDER, *PHOLDER;

static KSTART_ROUTINE HoldForAWhile;
static VOID HoldForAWhile(PVOID Context)
{
    PHOLDER holder = (PHOLDER)Context;
    LARGE_INTEGER wait = ContractMs(20);

    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    holder->Released = 1;
    IoReleaseRemoveLock(&holder->Lock, holder);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID RemovalWaits(PCONTRACT t)
{
    HOLDER holder = {.Released = 0};
    HANDLE handle;
    PVOID thread;
    OBJECT_ATTRIBUTES attributes;

    IoInitializeRemoveLock(&holder.Lock, CONTRACT_TAG, 0, 0);
    CHECK_STATUS(IoAcquireRemoveLock(&holder.Lock, &holder), STATUS_SUCCESS);
    CHECK_STATUS(IoAcquireRemoveLock(&holder.Lock, t), STATUS_SUCCESS);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, HoldForAWhile, &holder),
                 STATUS_SUCCESS);
    ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &thread, NULL);
    ZwClose(handle);
    IoReleaseRemoveLockAndWait(&holder.Lock, t);
    CHECK_EQ(holder.Released, 1);
    CHECK_STATUS(IoAcquireRemoveLock(&holder.Lock, t), STATUS_DELETE_PENDING);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

static const CONTRACT_TEST Tests[] = {
    {"acquire and release", Counting},
    {"at DISPATCH_LEVEL", AtDispatchLevel},
    {"removal waits for the last holder", RemovalWaits},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
