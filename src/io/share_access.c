/* Share access, as file systems and exclusive devices keep it; and small questions about files, requests and threads. */
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "mm/pool.h"
#include "nt/status.h"
#include "ob/ob.h"

enum { READ_BITS = 0x1 | 0x20 /* data, execute */, WRITE_BITS = 0x2 | 0x4 /* data, append */, DELETE_BIT = 0x10000 };

static void note(FILE_OBJECT *f, ULONG access, ULONG share)
{
    f->ReadAccess = (access & READ_BITS) != 0;
    f->WriteAccess = (access & WRITE_BITS) != 0;
    f->DeleteAccess = (access & DELETE_BIT) != 0;
    bool any = f->ReadAccess || f->WriteAccess || f->DeleteAccess;
    f->SharedRead = any && (share & FILE_SHARE_READ) != 0;
    f->SharedWrite = any && (share & FILE_SHARE_WRITE) != 0;
    f->SharedDelete = any && (share & FILE_SHARE_DELETE) != 0;
}

static void count(const FILE_OBJECT *f, SHARE_ACCESS *s, ULONG by)
{
    if (!f->ReadAccess && !f->WriteAccess && !f->DeleteAccess)
        return; /* DOC: an open for attributes only does not count */
    s->OpenCount += by;
    s->Readers += f->ReadAccess ? by : 0;
    s->Writers += f->WriteAccess ? by : 0;
    s->Deleters += f->DeleteAccess ? by : 0;
    s->SharedRead += f->SharedRead ? by : 0;
    s->SharedWrite += f->SharedWrite ? by : 0;
    s->SharedDelete += f->SharedDelete ? by : 0;
}

void IoSetShareAccess(ULONG access, ULONG share, FILE_OBJECT *f, SHARE_ACCESS *s)
{
    memset(s, 0, sizeof *s);
    note(f, access, share);
    count(f, s, 1);
}

void IoUpdateShareAccess(FILE_OBJECT *f, SHARE_ACCESS *s)
{
    count(f, s, 1);
}

void IoRemoveShareAccess(FILE_OBJECT *f, SHARE_ACCESS *s)
{
    count(f, s, (ULONG)-1);
}

NTSTATUS IoCheckShareAccess(ULONG access, ULONG share, FILE_OBJECT *f, SHARE_ACCESS *s, ULONG update)
{
    note(f, access, share);
    if (!f->ReadAccess && !f->WriteAccess && !f->DeleteAccess)
        return STATUS_SUCCESS;
    bool refused = (f->ReadAccess && s->SharedRead < s->OpenCount) || (f->WriteAccess && s->SharedWrite < s->OpenCount) ||
                   (f->DeleteAccess && s->SharedDelete < s->OpenCount) || (s->Readers && !f->SharedRead) || (s->Writers && !f->SharedWrite) ||
                   (s->Deleters && !f->SharedDelete);
    if (refused)
        return STATUS_SHARING_VIOLATION;
    if (update & 0xFF)
        count(f, s, 1);
    return STATUS_SUCCESS;
}

/* ---- access of a request ---- */

/* DOC: for control codes with FILE_ANY_ACCESS; access: FILE_READ_DATA, FILE_WRITE_DATA or both. */
NTSTATUS IoValidateDeviceIoControlAccess(IRP *irp, ULONG access)
{
    const IO_STACK_LOCATION *sl = io_current_location(irp);
    if ((access & ~3u) || !access)
        return STATUS_INVALID_PARAMETER;
    if (irp->RequestorMode == KernelMode || !sl->FileObject)
        return STATUS_SUCCESS;
    if (((access & 1) && !sl->FileObject->ReadAccess) || ((access & 2) && !sl->FileObject->WriteAccess))
        return STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

ULONG IoIsWdmVersionAvailable(UCHAR major, UCHAR minor)
{
    /* DOC: 6.0 is the last; Windows 7 and later still say so. */
    return major < 6 || (major == 6 && minor == 0);
}

/* Generic read, write, execute and all, of files. */
PVOID IoGetFileObjectGenericMapping(void)
{
    static const ULONG mapping[4] = { 0x120089, 0x120116, 0x1200A0, 0x1F01FF };
    struct io_room *r = io_room();
    if (!r->file_mapping)
        r->file_mapping = memcpy(pool_alloc(NonPagedPoolNx, sizeof mapping, 0x20206F49, 0), mapping, sizeof mapping); /* the system's own, whoever asks first */
    return r->file_mapping;
}

ULONG IoIsSystemThread(const ETHREAD *thread)
{
    const struct thread *t = ps_thread_of((ETHREAD *)thread);
    return t && t->process == ps_system();
}

PVOID IoThreadToProcess(const ETHREAD *thread)
{
    const struct thread *t = ps_thread_of((ETHREAD *)thread);
    return t ? t->process->eprocess : NULL;
}

NTSTATUS IoGetRequestorSessionId(const IRP *irp, ULONG *session)
{
    const struct thread *t = ps_thread_of(irp->Tail.Overlay.Thread);
    *session = t ? 0 : (ULONG)-1;
    return t ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

ULONG IoWithinStackLimits(ULONG64 start, ULONG64 bytes)
{
    const struct fiber *f = &MACHINE->fiber->fiber;
    return start >= f->kernel_stack && bytes <= f->kernel_stack_top - f->kernel_stack && start + bytes <= f->kernel_stack_top;
}

/* ---- priority hints: kept nowhere, always normal ---- */

ULONG IoGetIoPriorityHint(const IRP *irp)
{
    return 2; /* IoPriorityNormal */
}

NTSTATUS IoSetIoPriorityHint(IRP *irp, ULONG hint)
{
    return hint < 5 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

ULONG IoGetPagingIoPriority(const IRP *irp)
{
    return 0; /* IoPagingPriorityInvalid: not a paging request */
}
