/* What of stdio.h nt exports: formatting into memory. The toolchain's own header would call its C run time. */
#ifndef IRPLAB_KM_STDIO_H
#define IRPLAB_KM_STDIO_H
#define _INC_STDIO

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef EOF
#define EOF (-1)
#endif

int __cdecl printf(const char *format, ...); /* declared as in the WDK; nt exports none: a driver that calls it brings its own */
int __cdecl sprintf(char *buffer, const char *format, ...);
int __cdecl vsprintf(char *buffer, const char *format, va_list arguments);
int __cdecl _snprintf(char *buffer, size_t count, const char *format, ...);
int __cdecl _vsnprintf(char *buffer, size_t count, const char *format, va_list arguments);
int __cdecl swprintf(wchar_t *buffer, const wchar_t *format, ...);
int __cdecl _snwprintf(wchar_t *buffer, size_t count, const wchar_t *format, ...);
int __cdecl _vsnwprintf(wchar_t *buffer, size_t count, const wchar_t *format, va_list arguments);
int __cdecl sscanf(const char *buffer, const char *format, ...);
int __cdecl sprintf_s(char *buffer, size_t size, const char *format, ...);
int __cdecl vsprintf_s(char *buffer, size_t size, const char *format, va_list arguments);
int __cdecl _snprintf_s(char *buffer, size_t size, size_t count, const char *format, ...);
int __cdecl _vsnprintf_s(char *buffer, size_t size, size_t count, const char *format, va_list arguments);
int __cdecl swprintf_s(wchar_t *buffer, size_t size, const wchar_t *format, ...);
int __cdecl vswprintf_s(wchar_t *buffer, size_t size, const wchar_t *format, va_list arguments);
int __cdecl _snwprintf_s(wchar_t *buffer, size_t size, size_t count, const wchar_t *format, ...);
int __cdecl _vsnwprintf_s(wchar_t *buffer, size_t size, size_t count, const wchar_t *format, va_list arguments);

#ifdef __cplusplus
}
#endif

#endif
