/* The C run-time that ntoskrnl.exe and ntdll.dll export. Names carry the prefix nt_ because libc has most of them.
 *
 * `long` has 32 bits, size_t 64, wchar_t 16. A function that takes `...` in C takes all its arguments as an array here
 * (`const uint64_t *a`); a va_list is a pointer into such an array. */
#ifndef IRPLAB_RTL_CRT_H
#define IRPLAB_RTL_CRT_H

#include "nt/types.h"

enum { CRT_EINVAL = 22, CRT_ERANGE = 34, CRT_STRUNCATE = 80 };
#define CRT_TRUNCATE ((size_t)-1)

/* crt_string.c, crt_wide.c */
size_t nt_strlen(const CHAR *s);
size_t nt_strnlen(const CHAR *s, size_t max);
CHAR *nt_strcpy(CHAR *to, const CHAR *from);
CHAR *nt_strncpy(CHAR *to, const CHAR *from, size_t count);
CHAR *nt_strcat(CHAR *to, const CHAR *from);
CHAR *nt_strncat(CHAR *to, const CHAR *from, size_t count);
int nt_strcmp(const CHAR *a, const CHAR *b);
int nt_strncmp(const CHAR *a, const CHAR *b, size_t count);
int nt__stricmp(const CHAR *a, const CHAR *b);
int nt__strnicmp(const CHAR *a, const CHAR *b, size_t count);
CHAR *nt_strchr(const CHAR *s, int c);
CHAR *nt_strrchr(const CHAR *s, int c);
CHAR *nt_strstr(const CHAR *s, const CHAR *part);
size_t nt_strspn(const CHAR *s, const CHAR *set);
size_t nt_strcspn(const CHAR *s, const CHAR *set);
CHAR *nt_strpbrk(const CHAR *s, const CHAR *set);
CHAR *nt_strtok_s(CHAR *s, const CHAR *delimiters, CHAR **context);
CHAR *nt__strlwr(CHAR *s);
CHAR *nt__strupr(CHAR *s);
CHAR *nt__strrev(CHAR *s);
CHAR *nt__strset(CHAR *s, int c);
CHAR *nt__strnset(CHAR *s, int c, size_t count);
int nt_strcpy_s(CHAR *to, size_t size, const CHAR *from);
int nt_strncpy_s(CHAR *to, size_t size, const CHAR *from, size_t count);
int nt_strcat_s(CHAR *to, size_t size, const CHAR *from);
int nt_strncat_s(CHAR *to, size_t size, const CHAR *from, size_t count);
int nt__strset_s(CHAR *s, size_t size, int c);
int nt__strnset_s(CHAR *s, size_t size, int c, size_t count);
int nt__strlwr_s(CHAR *s, size_t size);
int nt__strupr_s(CHAR *s, size_t size);

size_t nt_wcslen(const WCHAR *s);
size_t nt_wcsnlen(const WCHAR *s, size_t max);
WCHAR *nt_wcscpy(WCHAR *to, const WCHAR *from);
WCHAR *nt_wcsncpy(WCHAR *to, const WCHAR *from, size_t count);
WCHAR *nt_wcscat(WCHAR *to, const WCHAR *from);
WCHAR *nt_wcsncat(WCHAR *to, const WCHAR *from, size_t count);
int nt_wcscmp(const WCHAR *a, const WCHAR *b);
int nt_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count);
int nt__wcsicmp(const WCHAR *a, const WCHAR *b);
int nt__wcsnicmp(const WCHAR *a, const WCHAR *b, size_t count);
WCHAR *nt_wcschr(const WCHAR *s, int c);
WCHAR *nt_wcsrchr(const WCHAR *s, int c);
WCHAR *nt_wcsstr(const WCHAR *s, const WCHAR *part);
size_t nt_wcsspn(const WCHAR *s, const WCHAR *set);
size_t nt_wcscspn(const WCHAR *s, const WCHAR *set);
WCHAR *nt_wcspbrk(const WCHAR *s, const WCHAR *set);
WCHAR *nt_wcstok_s(WCHAR *s, const WCHAR *delimiters, WCHAR **context);
WCHAR *nt__wcslwr(WCHAR *s);
WCHAR *nt__wcsupr(WCHAR *s);
WCHAR *nt__wcsrev(WCHAR *s);
WCHAR *nt__wcsset(WCHAR *s, int c);
WCHAR *nt__wcsnset(WCHAR *s, int c, size_t count);
int nt_wcscpy_s(WCHAR *to, size_t size, const WCHAR *from);
int nt_wcsncpy_s(WCHAR *to, size_t size, const WCHAR *from, size_t count);
int nt_wcscat_s(WCHAR *to, size_t size, const WCHAR *from);
int nt_wcsncat_s(WCHAR *to, size_t size, const WCHAR *from, size_t count);
int nt__wcsset_s(WCHAR *s, size_t size, int c);
int nt__wcsnset_s(WCHAR *s, size_t size, int c, size_t count);
int nt__wcslwr_s(WCHAR *s, size_t size);
int nt__wcsupr_s(WCHAR *s, size_t size);

/* crt_number.c */
LONG nt_strtol(const CHAR *s, CHAR **end, int base);
ULONG nt_strtoul(const CHAR *s, CHAR **end, int base);
LONGLONG nt__strtoi64(const CHAR *s, CHAR **end, int base);
ULONGLONG nt__strtoui64(const CHAR *s, CHAR **end, int base);
int nt_atoi(const CHAR *s);
LONG nt_atol(const CHAR *s);
LONGLONG nt_atoi64(const CHAR *s);
CHAR *nt__itoa(int value, CHAR *to, int base);
int nt__itoa_s(int value, CHAR *to, size_t size, int base);
CHAR *nt__ltoa(LONG value, CHAR *to, int base);
int nt__ltoa_s(LONG value, CHAR *to, size_t size, int base);
CHAR *nt__ultoa(ULONG value, CHAR *to, int base);
int nt__ultoa_s(ULONG value, CHAR *to, size_t size, int base);
CHAR *nt__i64toa(LONGLONG value, CHAR *to, int base);
int nt__i64toa_s(LONGLONG value, CHAR *to, size_t size, int base);
CHAR *nt__ui64toa(ULONGLONG value, CHAR *to, int base);
int nt__ui64toa_s(ULONGLONG value, CHAR *to, size_t size, int base);

LONG nt_wcstol(const WCHAR *s, WCHAR **end, int base);
ULONG nt_wcstoul(const WCHAR *s, WCHAR **end, int base);
LONGLONG nt__wcstoi64(const WCHAR *s, WCHAR **end, int base);
ULONGLONG nt__wcstoui64(const WCHAR *s, WCHAR **end, int base);
int nt__wtoi(const WCHAR *s);
LONG nt__wtol(const WCHAR *s);
LONGLONG nt__wtoi64(const WCHAR *s);
WCHAR *nt__itow(int value, WCHAR *to, int base);
int nt__itow_s(int value, WCHAR *to, size_t size, int base);
WCHAR *nt__ltow(LONG value, WCHAR *to, int base);
int nt__ltow_s(LONG value, WCHAR *to, size_t size, int base);
WCHAR *nt__ultow(ULONG value, WCHAR *to, int base);
int nt__ultow_s(ULONG value, WCHAR *to, size_t size, int base);
WCHAR *nt__i64tow(LONGLONG value, WCHAR *to, int base);
int nt__i64tow_s(LONGLONG value, WCHAR *to, size_t size, int base);
WCHAR *nt__ui64tow(ULONGLONG value, WCHAR *to, int base);
int nt__ui64tow_s(ULONGLONG value, WCHAR *to, size_t size, int base);

/* crt_ctype.c */
int nt_isupper(int c);
int nt_islower(int c);
int nt_isalpha(int c);
int nt_isdigit(int c);
int nt_isxdigit(int c);
int nt_isalnum(int c);
int nt_isspace(int c);
int nt_isprint(int c);
int nt_isgraph(int c);
int nt_ispunct(int c);
int nt_iscntrl(int c);
int nt_iswalpha(ULONG c);
int nt_iswdigit(ULONG c);
int nt_iswxdigit(ULONG c);
int nt_iswspace(ULONG c);
int nt_iswlower(ULONG c);
int nt_iswupper(ULONG c);
int nt_iswctype(ULONG c, ULONG mask);
int nt_tolower(int c);
int nt_toupper(int c);
WCHAR nt_towlower(ULONG c);
WCHAR nt_towupper(ULONG c);
size_t nt_mbstowcs(WCHAR *to, const CHAR *from, size_t count);
size_t nt_wcstombs(CHAR *to, const WCHAR *from, size_t count);
int nt_mbtowc(WCHAR *to, const CHAR *from, size_t count);
int nt_wctomb(CHAR *to, ULONG c);
int nt_rand(void);
void nt_srand(ULONG seed);
int nt_abs(int value);
LONG nt_labs(LONG value);
void nt_qsort(void *base, size_t count, size_t size, PVOID compare);
void *nt_bsearch(const void *key, const void *base, size_t count, size_t size, PVOID compare);

/* crt_printf.c; _vswprintf is the form without a size */
int nt_vsprintf(CHAR *to, const CHAR *format, const uint64_t *args);
int nt__vswprintf(WCHAR *to, const WCHAR *format, const uint64_t *args);
int nt__vsnprintf(CHAR *to, size_t size, const CHAR *format, const uint64_t *args);
int nt__vsnwprintf(WCHAR *to, size_t size, const WCHAR *format, const uint64_t *args);
int nt__vsnprintf_s(CHAR *to, size_t size, size_t count, const CHAR *format, const uint64_t *args);
int nt__vsnwprintf_s(WCHAR *to, size_t size, size_t count, const WCHAR *format, const uint64_t *args);
int nt_vsprintf_s(CHAR *to, size_t size, const CHAR *format, const uint64_t *args);
int nt_vswprintf_s(WCHAR *to, size_t size, const WCHAR *format, const uint64_t *args);
int nt_sprintf(const uint64_t *a);
int nt_swprintf(const uint64_t *a);
int nt__snprintf(const uint64_t *a);
int nt__snwprintf(const uint64_t *a);
int nt_sprintf_s(const uint64_t *a);
int nt_swprintf_s(const uint64_t *a);
int nt__snprintf_s(const uint64_t *a);
int nt__snwprintf_s(const uint64_t *a);
int nt__vscprintf(const CHAR *format, const uint64_t *args);
int nt__vscwprintf(const WCHAR *format, const uint64_t *args);

/* scan.c */
int nt_sscanf(const uint64_t *a);
int nt_swscanf(const uint64_t *a);
int nt_sscanf_s(const uint64_t *a);
int nt_swscanf_s(const uint64_t *a);
int nt__snscanf_s(const uint64_t *a);
int nt__snwscanf_s(const uint64_t *a);

/* crt_path.c */
int nt__splitpath_s(const CHAR *path, CHAR *drive, size_t drive_size, CHAR *dir, size_t dir_size, CHAR *name,
                    size_t name_size, CHAR *ext, size_t ext_size);
int nt__makepath_s(CHAR *path, size_t size, const CHAR *drive, const CHAR *dir, const CHAR *name, const CHAR *ext);
int nt__wsplitpath_s(const WCHAR *path, WCHAR *drive, size_t drive_size, WCHAR *dir, size_t dir_size, WCHAR *name,
                    size_t name_size, WCHAR *ext, size_t ext_size);
int nt__wmakepath_s(WCHAR *path, size_t size, const WCHAR *drive, const WCHAR *dir, const WCHAR *name, const WCHAR *ext);

#endif
