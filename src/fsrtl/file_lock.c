/* Byte-range locks of files: FILE_LOCK and what file systems do with it.
 *
 * Granted locks and requests that wait hang from FILE_LOCK.LockInformation (pool), each in the order in which they came. A request that cannot
 * be granted, and may wait, is tried again whenever a lock goes; it can be cancelled meanwhile.
 *
 * DOC: "LockFileEx": a range under an exclusive lock is its owner's alone; one under shared locks can be read by everybody and written by
 * nobody, its owners included; an owner may add a shared lock to its exclusive one, and an unlock takes the exclusive one first. An owner is a
 * file object, a process and a key. A lock of no bytes excludes nobody. */
#include <stddef.h>
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "sim/access.h"
#include "sim/door.h"

enum { LOCK_TAG = 0x6B636F4C /* 'Lock' */, FAIL_IMMEDIATELY = 1, EXCLUSIVE = 2 /* SL_… of the stack location */ };

typedef struct FILE_LOCK_INFO {
    LARGE_INTEGER StartingByte;
    LARGE_INTEGER Length;
    BOOLEAN ExclusiveLock;
    ULONG Key;
    FILE_OBJECT *FileObject;
    PVOID ProcessId;
    LARGE_INTEGER EndingByte;
} FILE_LOCK_INFO;

struct locks;
PVOID IoGetRequestorProcess(const IRP *irp);

typedef struct FILE_LOCK {
    PVOID CompleteLockIrpRoutine;
    PVOID UnlockRoutine;
    BOOLEAN FastIoIsQuestionable;
    BOOLEAN SpareC[3];
    struct locks *LockInformation;
    FILE_LOCK_INFO LastReturnedLockInfo;
    PVOID LastReturnedLock;
    LONG LockRequestsInProgress;
} FILE_LOCK;
_Static_assert(sizeof(FILE_LOCK_INFO) == 0x30 && offsetof(FILE_LOCK_INFO, FileObject) == 0x18 && offsetof(FILE_LOCK, LastReturnedLockInfo) == 0x20, "layout");
_Static_assert(offsetof(FILE_LOCK, LastReturnedLock) == 0x50 && sizeof(FILE_LOCK) == 0x60, "layout");

struct lock {
    struct lock *next;
    FILE_LOCK_INFO info;
    IRP *irp; /* of a request that waits */
    PVOID context;
};

struct locks {
    FILE_LOCK *of;
    struct lock *granted, *waiting;
};

/* ---- ranges ---- */

struct owner {
    const FILE_OBJECT *file;
    const void *process;
    ULONG key;
};

static bool owns(const struct owner *o, const FILE_LOCK_INFO *l)
{
    return l->FileObject == o->file && l->ProcessId == o->process && l->Key == o->key;
}

static bool overlap(const FILE_LOCK_INFO *l, uint64_t start, uint64_t length)
{
    uint64_t from = (uint64_t)l->StartingByte.QuadPart, bytes = (uint64_t)l->Length.QuadPart;
    return bytes && length && from <= start + (length - 1) && start <= from + (bytes - 1);
}

static bool conflicts(const struct locks *all, const FILE_LOCK_INFO *wanted)
{
    const struct owner o = { wanted->FileObject, wanted->ProcessId, wanted->Key };
    for (const struct lock *l = all->granted; l; l = l->next) {
        if (!overlap(&l->info, (uint64_t)wanted->StartingByte.QuadPart, (uint64_t)wanted->Length.QuadPart))
            continue;
        if (wanted->ExclusiveLock || (l->info.ExclusiveLock && !owns(&o, &l->info)))
            return true;
    }
    return false;
}

/* ---- life ---- */

static void touch(const FILE_LOCK *f)
{
    sim_access((uint64_t)f, SIM_WRITE);
}

void FsRtlInitializeFileLock(FILE_LOCK *f, PVOID complete, PVOID unlock)
{
    *f = (FILE_LOCK) { .CompleteLockIrpRoutine = complete, .UnlockRoutine = unlock };
}

FILE_LOCK *FsRtlAllocateFileLock(PVOID complete, PVOID unlock)
{
    FILE_LOCK *f = ex_pool_alloc(NonPagedPoolNx, sizeof *f, LOCK_TAG);
    if (f)
        FsRtlInitializeFileLock(f, complete, unlock);
    return f;
}

static struct locks *locks_of(FILE_LOCK *f)
{
    if (f->LockInformation)
        return f->LockInformation;
    struct locks *l = ex_pool_alloc(NonPagedPoolNx, sizeof *l, LOCK_TAG);
    if (!l)
        ke_raise_status(STATUS_INSUFFICIENT_RESOURCES);
    *l = (struct locks) { .of = f };
    return f->LockInformation = l;
}

static void put_last(struct lock **list, struct lock *l)
{
    while (*list)
        list = &(*list)->next;
    l->next = NULL;
    *list = l;
}

static void take_out(struct lock **list, const struct lock *l)
{
    while (*list != l)
        list = &(*list)->next;
    *list = l->next;
}

/* ---- completing requests ---- */

/* DOC: PCOMPLETE_LOCK_IRP_ROUTINE: the file system completes the request; what it returns is the outcome. */
static NTSTATUS finish(const FILE_LOCK *f, PVOID context, IRP *irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    if (f->CompleteLockIrpRoutine)
        return (NTSTATUS)guest_call(FRAME_NONE, f->CompleteLockIrpRoutine, 2, (uint64_t)context, (uint64_t)irp);
    IofCompleteRequest(irp, IO_DISK_INCREMENT);
    return status;
}

static void grant(struct locks *all, struct lock *l)
{
    put_last(&all->granted, l);
    all->of->FastIoIsQuestionable = TRUE;
}

/* Requests that can be granted now, oldest first. Completing one may change everything. */
static void retry(FILE_LOCK *f)
{
    struct locks *all = f->LockInformation;
    for (struct lock *l = all ? all->waiting : NULL; l;) {
        if (conflicts(all, &l->info) || !io_cancel_routine_set(l->irp, NULL)) {
            l = l->next;
            continue;
        }
        IRP *irp = l->irp;
        PVOID context = l->context;
        take_out(&all->waiting, l);
        l->irp = NULL;
        grant(all, l);
        if (!NT_SUCCESS(finish(f, context, irp, STATUS_SUCCESS))) {
            take_out(&all->granted, l);
            ex_pool_free(l);
        }
        l = all->waiting;
    }
}

/* The cancel routine of requests that wait; guest code reaches it through its slot in the kernel image. */
void FsRtlpCancelWaitingIrp(DEVICE_OBJECT *device, IRP *irp)
{
    void IoReleaseCancelSpinLock(ULONG irql);
    struct locks *all = (struct locks *)irp->IoStatus.Information;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    struct lock *l = all->waiting;
    while (l && l->irp != irp)
        l = l->next;
    IR_ASSERT(l);
    touch(all->of);
    PVOID context = l->context;
    take_out(&all->waiting, l);
    ex_pool_free(l);
    finish(all->of, context, irp, STATUS_CANCELLED);
}

static NTSTATUS wait_for(struct locks *all, struct lock *l, IRP *irp, PVOID context)
{
    l->irp = irp;
    l->context = context;
    put_last(&all->waiting, l);
    irp->IoStatus.Information = (ULONG_PTR)all;
    io_current_location(irp)->Control |= SL_PENDING_RETURNED;
    io_cancel_routine_set(irp, (PVOID)door_export_address("ntoskrnl.exe", "FsRtlpCancelWaitingIrp"));
    if (irp->Cancel && io_cancel_routine_set(irp, NULL)) {
        take_out(&all->waiting, l);
        ex_pool_free(l);
        finish(all->of, context, irp, STATUS_CANCELLED);
    }
    return STATUS_PENDING;
}

/* ---- locking ---- */

/* TRUE: *iosb says what came of it (a request that waits: STATUS_PENDING); an IRP that was given is completed, or will be. */
BOOLEAN FsRtlPrivateLock(FILE_LOCK *f, FILE_OBJECT *file, const LARGE_INTEGER *offset, const LARGE_INTEGER *length, PVOID process, ULONG key, ULONG fail_immediately,
                         ULONG exclusive, IO_STATUS_BLOCK *iosb, IRP *irp, PVOID context, ULONG already_synchronized)
{
    const FILE_LOCK_INFO wanted = { *offset, *length, (BOOLEAN)exclusive != 0, key, file, process, { .QuadPart = offset->QuadPart + length->QuadPart - 1 } };
    uint64_t start = (uint64_t)offset->QuadPart, bytes = (uint64_t)length->QuadPart;
    touch(f);
    iosb->Information = 0;
    if (bytes && start + (bytes - 1) < start) {
        iosb->Status = STATUS_INVALID_LOCK_RANGE;
    } else {
        struct locks *all = locks_of(f);
        bool blocked = conflicts(all, &wanted);
        if (blocked && !(fail_immediately & 0xFF) && !irp)
            return FALSE; /* DOC: the fast path cannot wait: the caller sends a request */
        iosb->Status = blocked ? STATUS_LOCK_NOT_GRANTED : STATUS_SUCCESS;
        if (!blocked || !(fail_immediately & 0xFF)) {
            struct lock *l = ex_pool_alloc(NonPagedPoolNx, sizeof *l, LOCK_TAG);
            if (!l)
                ke_raise_status(STATUS_INSUFFICIENT_RESOURCES);
            *l = (struct lock) { .info = wanted };
            if (blocked) {
                iosb->Status = wait_for(all, l, irp, context);
                return TRUE;
            }
            grant(all, l);
            if (irp && !NT_SUCCESS(iosb->Status = finish(f, context, irp, STATUS_SUCCESS))) {
                take_out(&all->granted, l);
                ex_pool_free(l);
            }
            return TRUE;
        }
    }
    if (irp)
        iosb->Status = finish(f, context, irp, iosb->Status);
    return TRUE;
}

/* ---- unlocking ---- */

static void drop(FILE_LOCK *f, struct lock *l, PVOID context)
{
    take_out(&f->LockInformation->granted, l);
    f->FastIoIsQuestionable = f->LockInformation->granted != NULL;
    if (f->UnlockRoutine)
        guest_call(FRAME_NONE, f->UnlockRoutine, 2, (uint64_t)context, (uint64_t)&l->info);
    ex_pool_free(l);
}

static struct lock *find(const FILE_LOCK *f, const struct owner *o, const LARGE_INTEGER *offset, const LARGE_INTEGER *length, bool exclusive)
{
    struct lock *l = f->LockInformation ? f->LockInformation->granted : NULL;
    while (l && !(owns(o, &l->info) && l->info.ExclusiveLock == exclusive && l->info.StartingByte.QuadPart == offset->QuadPart && l->info.Length.QuadPart == length->QuadPart))
        l = l->next;
    return l;
}

NTSTATUS FsRtlFastUnlockSingle(FILE_LOCK *f, FILE_OBJECT *file, const LARGE_INTEGER *offset, const LARGE_INTEGER *length, PVOID process, ULONG key, PVOID context,
                               ULONG already_synchronized)
{
    const struct owner o = { file, process, key };
    struct lock *l = find(f, &o, offset, length, true);
    touch(f);
    if (!l)
        l = find(f, &o, offset, length, false);
    if (!l)
        return STATUS_RANGE_NOT_LOCKED;
    drop(f, l, context);
    retry(f);
    return STATUS_SUCCESS;
}

static NTSTATUS unlock_all(FILE_LOCK *f, const FILE_OBJECT *file, const void *process, const ULONG *key, PVOID context)
{
    bool any = false;
    touch(f);
    for (struct lock *l = f->LockInformation ? f->LockInformation->granted : NULL; l;) {
        if (l->info.FileObject != file || l->info.ProcessId != process || (key && l->info.Key != *key)) {
            l = l->next;
            continue;
        }
        drop(f, l, context);
        any = true;
        l = f->LockInformation->granted; /* the routine may have changed them */
    }
    if (any)
        retry(f);
    return any ? STATUS_SUCCESS : STATUS_RANGE_NOT_LOCKED;
}

NTSTATUS FsRtlFastUnlockAll(FILE_LOCK *f, FILE_OBJECT *file, PVOID process, PVOID context)
{
    return unlock_all(f, file, process, NULL, context);
}

NTSTATUS FsRtlFastUnlockAllByKey(FILE_LOCK *f, FILE_OBJECT *file, PVOID process, ULONG key, PVOID context)
{
    return unlock_all(f, file, process, &key, context);
}

NTSTATUS FsRtlProcessFileLock(FILE_LOCK *f, IRP *irp, PVOID context)
{
    const IO_STACK_LOCATION *sl = io_current_location(irp);
    PVOID process = IoGetRequestorProcess(irp);
    LARGE_INTEGER *length = sl->Parameters.LockControl.Length;
    LARGE_INTEGER offset = sl->Parameters.LockControl.ByteOffset;
    IO_STATUS_BLOCK iosb = { .Status = STATUS_INVALID_DEVICE_REQUEST };
    switch (sl->MinorFunction) {
    case IRP_MN_LOCK:
        FsRtlPrivateLock(f, sl->FileObject, &offset, length, process, sl->Parameters.LockControl.Key, sl->Flags & FAIL_IMMEDIATELY, (sl->Flags & EXCLUSIVE) != 0, &iosb, irp,
                         context, FALSE);
        return iosb.Status;
    case IRP_MN_UNLOCK_SINGLE:
        iosb.Status = FsRtlFastUnlockSingle(f, sl->FileObject, &offset, length, process, sl->Parameters.LockControl.Key, context, FALSE);
        break;
    case IRP_MN_UNLOCK_ALL:
        iosb.Status = FsRtlFastUnlockAll(f, sl->FileObject, process, context);
        break;
    case IRP_MN_UNLOCK_ALL_BY_KEY:
        iosb.Status = FsRtlFastUnlockAllByKey(f, sl->FileObject, process, sl->Parameters.LockControl.Key, context);
        break;
    default:
        break;
    }
    finish(f, context, irp, iosb.Status);
    return iosb.Status;
}

/* Requests that wait are completed, as if their range had never been locked. */
void FsRtlUninitializeFileLock(FILE_LOCK *f)
{
    struct locks *all = f->LockInformation;
    touch(f);
    while (all && all->granted) {
        struct lock *l = all->granted;
        all->granted = l->next;
        ex_pool_free(l);
    }
    while (all && all->waiting) {
        struct lock *l = all->waiting;
        all->waiting = l->next;
        if (io_cancel_routine_set(l->irp, NULL))
            finish(f, l->context, l->irp, STATUS_RANGE_NOT_LOCKED);
        ex_pool_free(l);
    }
    if (all)
        ex_pool_free(all);
    f->LockInformation = NULL;
}

void FsRtlFreeFileLock(FILE_LOCK *f)
{
    FsRtlUninitializeFileLock(f);
    ex_pool_free(f);
}

/* ---- questions ---- */

static BOOLEAN may(const FILE_LOCK *f, const LARGE_INTEGER *offset, const LARGE_INTEGER *length, ULONG key, const FILE_OBJECT *file, const void *process, bool write)
{
    const struct owner o = { file, process, key };
    sim_access((uint64_t)f, SIM_READ);
    for (const struct lock *l = f->LockInformation ? f->LockInformation->granted : NULL; l; l = l->next) {
        if (!overlap(&l->info, (uint64_t)offset->QuadPart, (uint64_t)length->QuadPart))
            continue;
        if (l->info.ExclusiveLock ? !owns(&o, &l->info) : write)
            return FALSE;
    }
    return TRUE;
}

BOOLEAN FsRtlFastCheckLockForRead(const FILE_LOCK *f, const LARGE_INTEGER *offset, const LARGE_INTEGER *length, ULONG key, const FILE_OBJECT *file, PVOID process)
{
    return may(f, offset, length, key, file, process, false);
}

BOOLEAN FsRtlFastCheckLockForWrite(const FILE_LOCK *f, const LARGE_INTEGER *offset, const LARGE_INTEGER *length, ULONG key, const FILE_OBJECT *file, PVOID process)
{
    return may(f, offset, length, key, file, process, true);
}

/* Read and Write have their parameters at the same places. */
static BOOLEAN irp_may(const FILE_LOCK *f, IRP *irp, bool write)
{
    const IO_STACK_LOCATION *sl = io_current_location(irp);
    const LARGE_INTEGER length = { .QuadPart = sl->Parameters.Read.Length }, offset = sl->Parameters.Read.ByteOffset;
    return may(f, &offset, &length, sl->Parameters.Read.Key, sl->FileObject, IoGetRequestorProcess(irp), write);
}

BOOLEAN FsRtlCheckLockForReadAccess(const FILE_LOCK *f, IRP *irp)
{
    return irp_may(f, irp, false);
}

BOOLEAN FsRtlCheckLockForWriteAccess(const FILE_LOCK *f, IRP *irp)
{
    return irp_may(f, irp, true);
}

/* DOC: the locks one after the other, beginning with the first when restart is TRUE; the information is a copy. */
FILE_LOCK_INFO *FsRtlGetNextFileLock(FILE_LOCK *f, ULONG restart)
{
    const struct lock *l = f->LockInformation ? f->LockInformation->granted : NULL;
    sim_access((uint64_t)f, SIM_READ);
    if (!(restart & 0xFF)) {
        while (l && l != f->LastReturnedLock)
            l = l->next;
        l = l ? l->next : NULL;
    }
    if (!l)
        return NULL;
    f->LastReturnedLock = (PVOID)l;
    f->LastReturnedLockInfo = l->info;
    return &f->LastReturnedLockInfo;
}

BOOLEAN FsRtlAreThereCurrentOrInProgressFileLocks(const FILE_LOCK *f)
{
    sim_access((uint64_t)f, SIM_READ);
    return f->LockInformation && (f->LockInformation->granted || f->LockInformation->waiting);
}
