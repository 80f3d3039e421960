/* Remove locks. The structure is the driver's, in the free or the checked form; both begin with the common block. */
#include "io/room.h"

#include <string.h>

#include "ke/ke.h"
#include "nt/status.h"

void IoInitializeRemoveLockEx(IO_REMOVE_LOCK *lock, ULONG tag, ULONG max_minutes, ULONG high_water, ULONG bytes)
{
    memset(lock, 0, bytes);
    lock->Common.IoCount = 1;
    KeInitializeEvent(&lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS IoAcquireRemoveLockEx(IO_REMOVE_LOCK *lock, PVOID tag, const char *file, ULONG line, ULONG bytes)
{
    lock->Common.IoCount++;
    if (!lock->Common.Removed)
        return STATUS_SUCCESS;
    if (--lock->Common.IoCount == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    return STATUS_DELETE_PENDING;
}

void IoReleaseRemoveLockEx(IO_REMOVE_LOCK *lock, PVOID tag, ULONG bytes)
{
    if (--lock->Common.IoCount == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    else if (lock->Common.IoCount < 0)
        KeBugCheckEx(0xC4, 0xD6, (ULONG64)lock, (ULONG64)tag, 0); /* DOC: released more often than acquired */
}

void IoReleaseRemoveLockAndWaitEx(IO_REMOVE_LOCK *lock, PVOID tag, ULONG bytes)
{
    lock->Common.Removed = TRUE;
    lock->Common.IoCount -= 2;
    if (lock->Common.IoCount > 0)
        KeWaitForSingleObject(&lock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
