/* Small helpers for file systems: statuses, pool that raises, names, questions. */
#include <string.h>

#include "ex/ex.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/io.h"
#include "nt/status.h"

enum { FSRTL_TAG = 0x74727346 /* 'Fsrt' */ };

/* ---- statuses ---- */

/* DOC: what a file system may turn into another status in its exception filter; these mean that something is broken. */
BOOLEAN FsRtlIsNtstatusExpected(NTSTATUS status)
{
    switch (status) {
    case STATUS_DATATYPE_MISALIGNMENT:
    case STATUS_ACCESS_VIOLATION:
    case STATUS_ILLEGAL_INSTRUCTION:
    case STATUS_INSTRUCTION_MISALIGNMENT:
        return FALSE;
    default:
        return TRUE;
    }
}

NTSTATUS FsRtlNormalizeNtstatus(NTSTATUS exception, NTSTATUS generic)
{
    return FsRtlIsNtstatusExpected(exception) ? exception : generic;
}

BOOLEAN FsRtlIsTotalDeviceFailure(NTSTATUS status)
{
    if (NT_SUCCESS(status))
        return FALSE;
    switch (status) {
    case STATUS_CRC_ERROR:
    case STATUS_DEVICE_DATA_ERROR:
    case STATUS_DISK_CORRUPT_ERROR:
        return FALSE;
    default:
        return TRUE;
    }
}

/* ---- pool that raises ---- */

static PVOID or_raise(PVOID p)
{
    if (!p)
        ke_raise_status(STATUS_INSUFFICIENT_RESOURCES);
    return p;
}

PVOID FsRtlAllocatePoolWithTag(ULONG type, ULONG bytes, ULONG tag)
{
    return or_raise(ExAllocatePoolWithTag(type, bytes, tag));
}

PVOID FsRtlAllocatePoolWithQuotaTag(ULONG type, ULONG bytes, ULONG tag)
{
    return ExAllocatePoolWithQuotaTag(type & ~8u, bytes, tag);
}

PVOID FsRtlAllocatePool(ULONG type, ULONG bytes)
{
    return FsRtlAllocatePoolWithTag(type, bytes, FSRTL_TAG);
}

PVOID FsRtlAllocatePoolWithQuota(ULONG type, ULONG bytes)
{
    return FsRtlAllocatePoolWithQuotaTag(type, bytes, FSRTL_TAG);
}

/* DOC: a resource of a shared pool; it is never freed. */
ERESOURCE *FsRtlAllocateResource(void)
{
    ERESOURCE *r = FsRtlAllocatePoolWithTag(0, sizeof *r, FSRTL_TAG);
    ExInitializeResourceLite(r);
    return r;
}

/* ---- names ---- */

/* Splits a path behind its first component. The path is passed by value, which is by address in the Microsoft convention. */
void FsRtlDissectName(const UNICODE_STRING *by_value, UNICODE_STRING *first, UNICODE_STRING *rest)
{
    UNICODE_STRING path = *by_value; /* may be *rest */
    unsigned chars = path.Length / 2u, start = chars && path.Buffer[0] == '\\', end = start;
    memset(first, 0, sizeof *first);
    memset(rest, 0, sizeof *rest);
    while (end < chars && path.Buffer[end] != '\\')
        end++;
    if (chars == 0)
        return;
    first->Buffer = path.Buffer + start;
    first->Length = first->MaximumLength = (USHORT)((end - start) * 2);
    if (end < chars) {
        rest->Buffer = path.Buffer + end + 1;
        rest->Length = rest->MaximumLength = (USHORT)((chars - end - 1) * 2);
    }
}

/* ---- questions ---- */

ULONG FsRtlIsPagingFile(FILE_OBJECT *file)
{
    return FALSE;
}

BOOLEAN FsRtlAreVolumeStartupApplicationsComplete(void)
{
    return TRUE;
}

/* ---- resources of a file, as its header names them ---- */

struct common_fcb_header {
    SHORT node_type;
    SHORT node_size;
    UCHAR flags, fast_io, flags2, reserved;
    ERESOURCE *resource, *paging_resource;
    LARGE_INTEGER allocation_size, file_size, valid_data_length;
};

void FsRtlAcquireFileExclusive(FILE_OBJECT *file)
{
    struct common_fcb_header *h = file->FsContext;
    if (h && h->resource)
        ExAcquireResourceExclusiveLite(h->resource, TRUE);
}

void FsRtlReleaseFile(FILE_OBJECT *file)
{
    struct common_fcb_header *h = file->FsContext;
    if (h && h->resource)
        ExReleaseResourceLite(h->resource);
}
