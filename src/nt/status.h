/* NTSTATUS and Win32 error codes, their names, and the map from the first to the second.
 * The codes are int constants: compare them with NTSTATUS directly. */
#ifndef IRPLAB_NT_STATUS_H
#define IRPLAB_NT_STATUS_H

#include "nt/types.h"

enum nt_status_codes {
#define X(name, value) name = (int)(value),
#define NT_ALIAS(name, value) name = (int)(value),
#include "nt/status.def"
#undef X
#undef NT_ALIAS
};

enum nt_win32_error_codes {
#define X(name, value) name = (value),
#define NT_ALIAS(name, value) name = (value),
#include "nt/win32_error.def"
#undef X
#undef NT_ALIAS
};

#define NT_SUCCESS(s) ((NTSTATUS)(s) >= 0)
#define NT_INFORMATION(s) (((ULONG)(s)) >> 30 == 1)
#define NT_WARNING(s) (((ULONG)(s)) >> 30 == 2)
#define NT_ERROR(s) (((ULONG)(s)) >> 30 == 3)
#define NTSTATUS_FROM_WIN32(e) ((NTSTATUS)(0xC0070000u | ((ULONG)(e)&0xFFFFu)))

/* "STATUS_CANCELLED"; "unknown" for a code that is not listed. Never NULL. */
const char *nt_status_name(NTSTATUS status);

/* "ERROR_ACCESS_DENIED"; "unknown" for a code that is not listed. Never NULL. */
const char *nt_win32_error_name(ULONG error);

/* RtlNtStatusToDosErrorNoTeb: ERROR_MR_MID_NOT_FOUND for a status without a mapping. */
ULONG rtl_nt_status_to_dos_error(NTSTATUS status);

#endif
