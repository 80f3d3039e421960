/* The sprintf family. They differ in what they do when the text does not fit; the formatter is one (format.h). */
#include "rtl/crt.h"
#include "rtl/format.h"

static const size_t UNBOUNDED = (size_t)-1;

/* Formats into size characters; returns the length that the whole text has. */
static size_t narrow(CHAR *to, size_t size, const CHAR *format, const uint64_t *args)
{
    struct rtl_buffer_sink b;
    rtl_buffer_sink_init(&b, to, to ? size : 0);
    rtl_format(&b.sink, format, args);
    return b.length;
}

static size_t wide(WCHAR *to, size_t size, const WCHAR *format, const uint64_t *args)
{
    struct rtl_buffer_sink b;
    rtl_wide_buffer_sink_init(&b, to, to ? size : 0);
    rtl_format_wide(&b.sink, format, args);
    return b.length;
}

int nt_vsprintf(CHAR *to, const CHAR *format, const uint64_t *args)
{
    size_t n = narrow(to, UNBOUNDED, format, args);
    to[n] = 0;
    return (int)n;
}

int nt__vswprintf(WCHAR *to, const WCHAR *format, const uint64_t *args)
{
    size_t n = wide(to, UNBOUNDED, format, args);
    to[n] = 0;
    return (int)n;
}

/* Cut text: size characters without a terminator and -1. Exactly size characters: no terminator either. */
int nt__vsnprintf(CHAR *to, size_t size, const CHAR *format, const uint64_t *args)
{
    size_t n = narrow(to, size, format, args);
    if (!to)
        return (int)n;
    if (n < size)
        to[n] = 0;
    return n <= size ? (int)n : -1;
}

int nt__vsnwprintf(WCHAR *to, size_t size, const WCHAR *format, const uint64_t *args)
{
    size_t n = wide(to, size, format, args);
    if (!to)
        return (int)n;
    if (n < size)
        to[n] = 0;
    return n <= size ? (int)n : -1;
}

/* Text of length n was formatted for a buffer of size; at most count characters were asked for. Returns the index of the
 * terminator and sets *result. */
static size_t secure_end(size_t n, size_t size, size_t count, int *result)
{
    *result = -1;
    if (n <= count && n < size) {
        *result = (int)n;
        return n;
    }
    if (count == CRT_TRUNCATE)
        return size - 1;
    return count < size ? count : 0; /* 0: an error, the result is empty */
}

int nt__vsnprintf_s(CHAR *to, size_t size, size_t count, const CHAR *format, const uint64_t *args)
{
    int result = 0;
    if (!to && !size && !count)
        return 0;
    if (!to || !size || !format)
        return -1;
    size_t n = narrow(to, size, format, args);
    to[secure_end(n, size, count, &result)] = 0;
    return result;
}

int nt__vsnwprintf_s(WCHAR *to, size_t size, size_t count, const WCHAR *format, const uint64_t *args)
{
    int result = 0;
    if (!to && !size && !count)
        return 0;
    if (!to || !size || !format)
        return -1;
    size_t n = wide(to, size, format, args);
    to[secure_end(n, size, count, &result)] = 0;
    return result;
}

/* count is one that no text reaches and that does not mean "cut". */
int nt_vsprintf_s(CHAR *to, size_t size, const CHAR *format, const uint64_t *args)
{
    return to && size ? nt__vsnprintf_s(to, size, (size_t)-2, format, args) : -1;
}

int nt_vswprintf_s(WCHAR *to, size_t size, const WCHAR *format, const uint64_t *args)
{
    return to && size ? nt__vsnwprintf_s(to, size, (size_t)-2, format, args) : -1;
}

int nt_sprintf(const uint64_t *a)
{
    return nt_vsprintf((CHAR *)a[0], (const CHAR *)a[1], a + 2);
}

int nt_swprintf(const uint64_t *a)
{
    return nt__vswprintf((WCHAR *)a[0], (const WCHAR *)a[1], a + 2);
}

int nt__snprintf(const uint64_t *a)
{
    return nt__vsnprintf((CHAR *)a[0], a[1], (const CHAR *)a[2], a + 3);
}

int nt__snwprintf(const uint64_t *a)
{
    return nt__vsnwprintf((WCHAR *)a[0], a[1], (const WCHAR *)a[2], a + 3);
}

int nt_sprintf_s(const uint64_t *a)
{
    return nt_vsprintf_s((CHAR *)a[0], a[1], (const CHAR *)a[2], a + 3);
}

int nt_swprintf_s(const uint64_t *a)
{
    return nt_vswprintf_s((WCHAR *)a[0], a[1], (const WCHAR *)a[2], a + 3);
}

int nt__snprintf_s(const uint64_t *a)
{
    return nt__vsnprintf_s((CHAR *)a[0], a[1], a[2], (const CHAR *)a[3], a + 4);
}

int nt__snwprintf_s(const uint64_t *a)
{
    return nt__vsnwprintf_s((WCHAR *)a[0], a[1], a[2], (const WCHAR *)a[3], a + 4);
}

int nt__vscprintf(const CHAR *format, const uint64_t *args)
{
    return (int)narrow(NULL, 0, format, args);
}

int nt__vscwprintf(const WCHAR *format, const uint64_t *args)
{
    return (int)wide(NULL, 0, format, args);
}
