/* Tracing: ETW and WPP. Everything registers and writes successfully; nobody listens, so nothing is enabled. */
#include <string.h>

#include "ex/room.h"
#include "mm/mm.h"
#include "nt/io.h"
#include "nt/status.h"
#include "trace/trace.h"

/* ---- ETW ---- */

NTSTATUS EtwRegister(const GUID *provider, PVOID callback, PVOID context, ULONG64 *handle)
{
    if (!provider || !handle)
        return STATUS_INVALID_PARAMETER;
    /* Any non-zero value; the provider's own address tells registrations apart and is the same in every run. */
    *handle = (ULONG64)handle;
    return STATUS_SUCCESS;
}

NTSTATUS EtwRegisterClassicProvider(const GUID *provider, ULONG type, PVOID callback, PVOID context, ULONG64 *handle)
{
    return EtwRegister(provider, callback, context, handle);
}

NTSTATUS EtwUnregister(ULONG64 handle)
{
    return handle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

NTSTATUS EtwSetInformation(ULONG64 handle, ULONG class, PVOID information, ULONG length)
{
    return handle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

BOOLEAN EtwEventEnabled(ULONG64 handle, PVOID descriptor)
{
    return FALSE;
}

BOOLEAN EtwProviderEnabled(ULONG64 handle, ULONG level, ULONG64 keyword)
{
    return FALSE;
}

NTSTATUS EtwWrite(ULONG64 handle, PVOID descriptor, const GUID *activity, ULONG count, PVOID data)
{
    return handle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

NTSTATUS EtwWriteTransfer(ULONG64 handle, PVOID descriptor, const GUID *activity, const GUID *related, ULONG count, PVOID data)
{
    return handle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

NTSTATUS EtwWriteEx(ULONG64 handle, PVOID descriptor, ULONG64 filter, ULONG flags, const GUID *activity, const GUID *related, ULONG count, PVOID data)
{
    return handle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

NTSTATUS EtwWriteString(ULONG64 handle, ULONG level, ULONG64 keyword, const GUID *activity, const WCHAR *text)
{
    return handle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

enum { ACTIVITY_GET = 1, ACTIVITY_SET, ACTIVITY_CREATE, ACTIVITY_GET_SET, ACTIVITY_CREATE_SET };

/* GUESS: a thread's activity is not kept; it always reads as the null GUID. */
NTSTATUS EtwActivityIdControl(ULONG code, GUID *id)
{
    switch (code) {
    case ACTIVITY_CREATE:
        return ExUuidCreate(id);
    case ACTIVITY_GET:
    case ACTIVITY_GET_SET:
    case ACTIVITY_CREATE_SET:
        memset(id, 0, sizeof *id);
        return STATUS_SUCCESS;
    default:
        return code == ACTIVITY_SET ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
}

/* ---- WPP ---- */

/* Handle, flags, GUID, number, then pointer and size of each argument up to NULL. Three arguments are what our framework's recorder hands over. */
NTSTATUS WmiTraceMessage(const uint64_t *args)
{
    int n = 0;
    while (n < 4 && args[4 + 2 * n])
        n++;
    if (n == 3)
        trace_event(TRACE_WPP, args[4], args[6], args[8], args[3] & 0xFFFF);
    return STATUS_SUCCESS;
}

NTSTATUS WmiTraceMessageVa(ULONG64 handle, ULONG flags, const GUID *guid, ULONG number, PVOID list)
{
    return STATUS_SUCCESS;
}

NTSTATUS WmiQueryTraceInformation(ULONG class, PVOID information, ULONG length, ULONG *needed, PVOID buffer)
{
    return STATUS_WMI_INSTANCE_NOT_FOUND; /* no logger runs */
}

/* ---- WMI: names; the rest is pnp/wmi.c ---- */

NTSTATUS IoWMISuggestInstanceName(DEVICE_OBJECT *pdo, UNICODE_STRING *link, ULONG combine, UNICODE_STRING *name)
{
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS IoWMIAllocateInstanceIds(const GUID *guid, ULONG count, ULONG *first)
{
    *first = 0;
    return STATUS_SUCCESS;
}

/* ---- wmilib.sys ---- */

enum sysctl_disposition { IRP_PROCESSED, IRP_NOT_COMPLETED, IRP_NOT_WMI, IRP_FORWARD };

/* The blocks that a driver describes to this library are not registered (docs/limits.md): each request passes down as somebody else's. */
NTSTATUS WmiSystemControl(PVOID context, DEVICE_OBJECT *device, IRP *irp, ULONG *disposition)
{
    const IO_STACK_LOCATION *s = irp->Tail.Overlay.CurrentStackLocation;
    *disposition = s->MinorFunction > IRP_MN_REGINFO_EX ? IRP_NOT_WMI : IRP_FORWARD;
    return STATUS_SUCCESS;
}

NTSTATUS WmiFireEvent(DEVICE_OBJECT *device, const GUID *guid, ULONG instance, ULONG size, PVOID data)
{
    if (data)
        ex_pool_free(data);
    return STATUS_SUCCESS;
}
