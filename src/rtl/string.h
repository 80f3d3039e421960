/* Counted strings: UNICODE_STRING, ANSI_STRING (also for OEM and UTF-8), their conversions, numbers, names.
 *
 * Functions that allocate come in two forms: RtlX takes the kernel's pool, ntdll_RtlX the process heap. */
#ifndef IRPLAB_RTL_STRING_H
#define IRPLAB_RTL_STRING_H

#include "nt/types.h"

/* unicode_string.c */
void RtlInitUnicodeString(UNICODE_STRING *s, const WCHAR *text);
NTSTATUS RtlInitUnicodeStringEx(UNICODE_STRING *s, const WCHAR *text);
void RtlCopyUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from);
LONG RtlCompareUnicodeString(const UNICODE_STRING *a, const UNICODE_STRING *b, ULONG ignore_case);
LONG RtlCompareUnicodeStrings(const WCHAR *a, SIZE_T a_chars, const WCHAR *b, SIZE_T b_chars, ULONG ignore_case);
BOOLEAN RtlEqualUnicodeString(const UNICODE_STRING *a, const UNICODE_STRING *b, ULONG ignore_case);
BOOLEAN RtlPrefixUnicodeString(const UNICODE_STRING *prefix, const UNICODE_STRING *s, ULONG ignore_case);
BOOLEAN RtlSuffixUnicodeString(const UNICODE_STRING *suffix, const UNICODE_STRING *s, ULONG ignore_case);
NTSTATUS RtlAppendUnicodeToString(UNICODE_STRING *to, const WCHAR *text);
NTSTATUS RtlAppendUnicodeStringToString(UNICODE_STRING *to, const UNICODE_STRING *from);
NTSTATUS RtlHashUnicodeString(const UNICODE_STRING *s, ULONG ignore_case, ULONG algorithm, ULONG *hash);
NTSTATUS RtlValidateUnicodeString(ULONG flags, const UNICODE_STRING *s);
NTSTATUS RtlUpcaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS RtlDowncaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate);
BOOLEAN RtlCreateUnicodeString(UNICODE_STRING *s, const WCHAR *text);
NTSTATUS RtlDuplicateUnicodeString(ULONG flags, const UNICODE_STRING *from, UNICODE_STRING *to);
void RtlFreeUnicodeString(UNICODE_STRING *s);
NTSTATUS ntdll_RtlUpcaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlDowncaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate);
BOOLEAN ntdll_RtlCreateUnicodeString(UNICODE_STRING *s, const WCHAR *text);
NTSTATUS ntdll_RtlDuplicateUnicodeString(ULONG flags, const UNICODE_STRING *from, UNICODE_STRING *to);
void ntdll_RtlFreeUnicodeString(UNICODE_STRING *s);

/* ansi_string.c */
void RtlInitAnsiString(ANSI_STRING *s, const CHAR *text);
void RtlInitString(ANSI_STRING *s, const CHAR *text);
void RtlInitUTF8String(ANSI_STRING *s, const CHAR *text);
NTSTATUS RtlInitAnsiStringEx(ANSI_STRING *s, const CHAR *text);
NTSTATUS RtlInitStringEx(ANSI_STRING *s, const CHAR *text);
NTSTATUS RtlInitUTF8StringEx(ANSI_STRING *s, const CHAR *text);
void RtlCopyString(ANSI_STRING *to, const ANSI_STRING *from);
LONG RtlCompareString(const ANSI_STRING *a, const ANSI_STRING *b, ULONG ignore_case);
BOOLEAN RtlEqualString(const ANSI_STRING *a, const ANSI_STRING *b, ULONG ignore_case);
BOOLEAN RtlPrefixString(const ANSI_STRING *prefix, const ANSI_STRING *s, ULONG ignore_case);
NTSTATUS RtlAppendAsciizToString(ANSI_STRING *to, const CHAR *text);
NTSTATUS RtlAppendStringToString(ANSI_STRING *to, const ANSI_STRING *from);
void RtlUpperString(ANSI_STRING *to, const ANSI_STRING *from);

/* string_convert.c */
ULONG RtlxAnsiStringToUnicodeSize(const ANSI_STRING *s);
ULONG RtlxOemStringToUnicodeSize(const ANSI_STRING *s);
ULONG RtlxUnicodeStringToAnsiSize(const UNICODE_STRING *s);
ULONG RtlxUnicodeStringToOemSize(const UNICODE_STRING *s);
NTSTATUS RtlAnsiStringToUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS RtlOemStringToUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS RtlOemStringToCountedUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS RtlUTF8StringToUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS RtlUnicodeStringToAnsiString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS RtlUnicodeStringToOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS RtlUnicodeStringToCountedOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS RtlUpcaseUnicodeStringToAnsiString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS RtlUpcaseUnicodeStringToOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS RtlUpcaseUnicodeStringToCountedOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS RtlUnicodeStringToUTF8String(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
BOOLEAN RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING *to, const CHAR *text);
void RtlFreeAnsiString(ANSI_STRING *s);
void RtlFreeOemString(ANSI_STRING *s);
void RtlFreeUTF8String(ANSI_STRING *s);
NTSTATUS ntdll_RtlAnsiStringToUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlOemStringToUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlOemStringToCountedUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUTF8StringToUnicodeString(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUnicodeStringToAnsiString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUnicodeStringToOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUnicodeStringToCountedOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUpcaseUnicodeStringToAnsiString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUpcaseUnicodeStringToOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUpcaseUnicodeStringToCountedOemString(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
NTSTATUS ntdll_RtlUnicodeStringToUTF8String(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate);
BOOLEAN ntdll_RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING *to, const CHAR *text);
void ntdll_RtlFreeAnsiString(ANSI_STRING *s);
void ntdll_RtlFreeOemString(ANSI_STRING *s);
void ntdll_RtlFreeUTF8String(ANSI_STRING *s);

/* string_number.c */
NTSTATUS RtlIntegerToUnicodeString(ULONG value, ULONG base, UNICODE_STRING *to);
NTSTATUS RtlInt64ToUnicodeString(ULONGLONG value, ULONG base, UNICODE_STRING *to);
NTSTATUS RtlIntegerToChar(ULONG value, ULONG base, LONG size, CHAR *to);
NTSTATUS RtlIntegerToUnicode(ULONG value, ULONG base, LONG size, WCHAR *to);
NTSTATUS RtlLargeIntegerToChar(const ULONGLONG *value, ULONG base, LONG size, CHAR *to);
NTSTATUS RtlUnicodeStringToInteger(const UNICODE_STRING *s, ULONG base, ULONG *value);
NTSTATUS RtlUnicodeStringToInt64(const UNICODE_STRING *s, ULONG base, LONGLONG *value, WCHAR **end);
NTSTATUS RtlCharToInteger(const CHAR *s, ULONG base, ULONG *value);

/* guid.c */
NTSTATUS RtlStringFromGUID(const GUID *guid, UNICODE_STRING *to);
NTSTATUS RtlStringFromGUIDEx(const GUID *guid, UNICODE_STRING *to, ULONG allocate);
NTSTATUS ntdll_RtlStringFromGUID(const GUID *guid, UNICODE_STRING *to);
NTSTATUS ntdll_RtlStringFromGUIDEx(const GUID *guid, UNICODE_STRING *to, ULONG allocate);
NTSTATUS RtlGUIDFromString(const UNICODE_STRING *s, GUID *guid);

/* expression.c */
BOOLEAN RtlIsNameInExpression(const UNICODE_STRING *expression, const UNICODE_STRING *name, ULONG ignore_case,
                              const WCHAR *upcase_table);
BOOLEAN FsRtlIsNameInExpression(const UNICODE_STRING *expression, const UNICODE_STRING *name, ULONG ignore_case,
                                const WCHAR *upcase_table);
BOOLEAN FsRtlDoesNameContainWildCards(const UNICODE_STRING *name);
BOOLEAN FsRtlAreNamesEqual(const UNICODE_STRING *a, const UNICODE_STRING *b, ULONG ignore_case,
                           const WCHAR *upcase_table);

#endif
