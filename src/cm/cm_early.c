#include "nt/ob.h"
#include "nt/status.h"
/* Until the registry is there. */
NTSTATUS ZwCreateKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options, ULONG *disposition);
NTSTATUS ZwCreateKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options, ULONG *disposition)
{
    return STATUS_NOT_SUPPORTED;
}
