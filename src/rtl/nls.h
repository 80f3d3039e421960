/* Characters: case of Unicode and ANSI characters, the ANSI (1252) and OEM (437) code pages, UTF-8.
 *
 * NT takes these from its NLS tables; ours are those of a US English system. A character that a code page does not have
 * becomes '?'. */
#ifndef IRPLAB_RTL_NLS_H
#define IRPLAB_RTL_NLS_H

#include "nt/types.h"

WCHAR rtl_upcase(WCHAR c);
WCHAR rtl_downcase(WCHAR c);
UCHAR rtl_upcase_ansi(UCHAR c);
UCHAR rtl_downcase_ansi(UCHAR c);
WCHAR rtl_ansi_to_wide(UCHAR c);
WCHAR rtl_oem_to_wide(UCHAR c);
UCHAR rtl_wide_to_ansi(WCHAR c);
UCHAR rtl_wide_to_oem(WCHAR c);

/* Exports: counts are in bytes, results may be NULL where the documentation says so. */
WCHAR RtlUpcaseUnicodeChar(ULONG c);
WCHAR RtlDowncaseUnicodeChar(ULONG c);
CHAR RtlUpperChar(ULONG c);
WCHAR RtlAnsiCharToUnicodeChar(UCHAR **source);
NTSTATUS RtlMultiByteToUnicodeN(WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG from_bytes);
NTSTATUS RtlOemToUnicodeN(WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG from_bytes);
NTSTATUS RtlUnicodeToMultiByteN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes);
NTSTATUS RtlUnicodeToOemN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes);
NTSTATUS RtlUpcaseUnicodeToMultiByteN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes);
NTSTATUS RtlUpcaseUnicodeToOemN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes);
NTSTATUS RtlMultiByteToUnicodeSize(ULONG *bytes, const CHAR *from, ULONG from_bytes);
NTSTATUS RtlUnicodeToMultiByteSize(ULONG *bytes, const WCHAR *from, ULONG from_bytes);
NTSTATUS RtlUTF8ToUnicodeN(WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG from_bytes);
NTSTATUS RtlUnicodeToUTF8N(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes);
void RtlGetDefaultCodePage(USHORT *ansi, USHORT *oem);
BOOLEAN RtlIsValidOemCharacter(WCHAR *c);

#endif
