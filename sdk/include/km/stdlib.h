/* What of stdlib.h nt exports. */
#ifndef IRPLAB_KM_STDLIB_H
#define IRPLAB_KM_STDLIB_H
#define _INC_STDLIB

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

__declspec(noreturn) void __cdecl abort(void);
int __cdecl abs(int value);
long __cdecl labs(long value);
int __cdecl atoi(const char *text);
long __cdecl atol(const char *text);
int __cdecl rand(void);
void __cdecl srand(unsigned int seed);
void __cdecl qsort(void *base, size_t number, size_t width, int(__cdecl *compare)(const void *, const void *));
void *__cdecl bsearch(const void *key, const void *base, size_t number, size_t width,
                      int(__cdecl *compare)(const void *, const void *));
unsigned long __cdecl strtoul(const char *text, char **end, int base);
long __cdecl strtol(const char *text, char **end, int base);
size_t __cdecl wcstombs(char *to, const wchar_t *from, size_t count);
size_t __cdecl mbstowcs(wchar_t *to, const char *from, size_t count);

#ifndef _countof
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#endif

#ifdef __cplusplus
}
#endif

#endif
