/* Remove locks. The structure is the driver's, in the free or the checked form; both begin with the common block. */
#include "io/room.h"

#include <string.h>

#include "ke/ke.h"
#include "nt/status.h"
#include "sim/access.h"

/* Before removal has begun the count cannot reach 0, so acquiring and releasing may be done in any order. */
static void touch(const IO_REMOVE_LOCK *lock)
{
    sim_access((uint64_t)lock, lock->Common.Removed ? SIM_WRITE : SIM_READ);
}

void IoInitializeRemoveLockEx(IO_REMOVE_LOCK *lock, ULONG tag, ULONG max_minutes, ULONG high_water, ULONG bytes)
{
    memset(lock, 0, bytes);
    lock->Common.IoCount = 1;
    KeInitializeEvent(&lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS IoAcquireRemoveLockEx(IO_REMOVE_LOCK *lock, PVOID tag, const char *file, ULONG line, ULONG bytes)
{
    touch(lock);
    lock->Common.IoCount++;
    if (!lock->Common.Removed)
        return STATUS_SUCCESS;
    if (--lock->Common.IoCount == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    return STATUS_DELETE_PENDING;
}

void IoReleaseRemoveLockEx(IO_REMOVE_LOCK *lock, PVOID tag, ULONG bytes)
{
    touch(lock);
    if (--lock->Common.IoCount == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    else if (lock->Common.IoCount < 0)
        KeBugCheckEx(0xC4, 0xD6, (ULONG64)lock, (ULONG64)tag, 0); /* DOC: released more often than acquired */
}

void IoReleaseRemoveLockAndWaitEx(IO_REMOVE_LOCK *lock, PVOID tag, ULONG bytes)
{
    sim_access((uint64_t)lock, SIM_WRITE);
    lock->Common.Removed = TRUE;
    lock->Common.IoCount -= 2;
    if (lock->Common.IoCount > 0)
        KeWaitForSingleObject(&lock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
