/* Access masks; status to Win32 error. */
#include "nt/status.h"
#include "rtl/misc.h"

ULONG RtlNtStatusToDosErrorNoTeb(NTSTATUS status)
{
    return rtl_nt_status_to_dos_error(status);
}

void RtlMapGenericMask(ACCESS_MASK *mask, const GENERIC_MAPPING *mapping)
{
    ACCESS_MASK m = *mask;
    if (m & GENERIC_READ)
        m |= mapping->GenericRead;
    if (m & GENERIC_WRITE)
        m |= mapping->GenericWrite;
    if (m & GENERIC_EXECUTE)
        m |= mapping->GenericExecute;
    if (m & GENERIC_ALL)
        m |= mapping->GenericAll;
    *mask = m & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
}

BOOLEAN RtlAreAllAccessesGranted(ACCESS_MASK granted, ACCESS_MASK desired)
{
    return (desired & ~granted) == 0;
}

BOOLEAN RtlAreAnyAccessesGranted(ACCESS_MASK granted, ACCESS_MASK desired)
{
    return (desired & granted) != 0;
}

/* SEC_E_… of the security support providers. */
NTSTATUS RtlMapSecurityErrorToNtStatus(ULONG error)
{
    switch (error) {
    case 0x80090300: /* insufficient memory */
        return STATUS_NO_MEMORY;
    case 0x80090301: /* invalid handle */
        return STATUS_INVALID_HANDLE;
    case 0x80090302: /* unsupported function */
        return STATUS_NOT_SUPPORTED;
    case 0x80090304: /* internal error */
        return STATUS_INTERNAL_ERROR;
    case 0x80090305: /* package not found */
        return STATUS_NO_SUCH_PACKAGE;
    case 0x80090308: /* invalid token */
        return STATUS_INVALID_PARAMETER;
    case 0x8009030C: /* logon denied */
        return STATUS_LOGON_FAILURE;
    default:
        return (NTSTATUS)error;
    }
}
