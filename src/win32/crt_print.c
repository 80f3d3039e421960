/* The printf family on top of crt_format: to streams, to buffers with each of their truncation rules, and UCRT's common forms. */
#include "win32/crt.h"

/* ---- to streams ---- */

struct file_out {
    struct crt_out out;
    struct crt_file *file;
};

static void file_narrow(struct crt_out *o, const char *s, size_t n)
{
    if (!crt_file_put(((struct file_out *)o)->file, s, n))
        o->failed = true;
}

static void file_wide(struct crt_out *o, const WCHAR *s, size_t n)
{
    char c[4];
    for (size_t i = 0, used; i < n; i += used)
        file_narrow(o, c, base_utf8_put(w32_from_utf16(s + i, n - i, &used), c));
}

static int print_file(struct crt_file *f, const void *format, const uint64_t *args, unsigned flags)
{
    if (!f || !format)
        return crt_invalid_parameter(CRT_EINVAL);
    /* Collected first: a stream without buffer gets whole lines. */
    struct file_out o = { { file_narrow, file_wide, false }, f };
    return crt_format(&o.out, format, args, flags);
}

enum { NARROW_OLD = FORMAT_MSVCRT | FORMAT_S_AS_FORMAT, WIDE_OLD = FORMAT_MSVCRT | FORMAT_S_AS_FORMAT | FORMAT_WIDE };

int crt_printf(const uint64_t *a)
{
    return print_file(crt_iob() + 1, (const void *)a[0], a + 1, NARROW_OLD);
}

int crt_fprintf(const uint64_t *a)
{
    return print_file((struct crt_file *)a[0], (const void *)a[1], a + 2, NARROW_OLD);
}

int crt_vprintf(const char *format, const uint64_t *args)
{
    return print_file(crt_iob() + 1, format, args, NARROW_OLD);
}

int crt_vfprintf(struct crt_file *f, const char *format, const uint64_t *args)
{
    return print_file(f, format, args, NARROW_OLD);
}

int crt_wprintf(const uint64_t *a)
{
    return print_file(crt_iob() + 1, (const void *)a[0], a + 1, WIDE_OLD);
}

int crt_fwprintf(const uint64_t *a)
{
    return print_file((struct crt_file *)a[0], (const void *)a[1], a + 2, WIDE_OLD);
}

int crt_vwprintf(const WCHAR *format, const uint64_t *args)
{
    return print_file(crt_iob() + 1, format, args, WIDE_OLD);
}

int crt_vfwprintf(struct crt_file *f, const WCHAR *format, const uint64_t *args)
{
    return print_file(f, format, args, WIDE_OLD);
}

/* ---- to buffers ---- */

struct buffer_out {
    struct crt_out out;
    void *to;
    size_t n, room; /* characters */
    bool wide;
};

static void buffer_unit(struct buffer_out *b, unsigned c)
{
    if (b->n < b->room) {
        if (b->wide)
            ((WCHAR *)b->to)[b->n] = (WCHAR)c;
        else
            ((char *)b->to)[b->n] = (char)c;
    }
    b->n++;
}

static void buffer_narrow(struct crt_out *o, const char *s, size_t n)
{
    struct buffer_out *b = (struct buffer_out *)o;
    if (!b->wide && b->n < b->room) {
        size_t fits = n < b->room - b->n ? n : b->room - b->n;
        memcpy((char *)b->to + b->n, s, fits);
        b->n += n;
        return;
    }
    for (size_t i = 0; i < n; i++)
        buffer_unit(b, b->wide ? w32_ansi_to_wide((uint8_t)s[i]) : (uint8_t)s[i]);
}

static void buffer_wide(struct crt_out *o, const WCHAR *s, size_t n)
{
    struct buffer_out *b = (struct buffer_out *)o;
    for (size_t i = 0; i < n; i++) {
        /* In the C locale a wide character is the byte of the same value, or an error. */
        if (!b->wide && s[i] > 0xFF) {
            o->failed = true;
            *crt_errno() = CRT_EILSEQ;
            return;
        }
        buffer_unit(b, s[i]);
    }
}

static int print_buffer(void *to, size_t room, bool wide, const void *format, const uint64_t *args, unsigned flags)
{
    struct buffer_out b = { { buffer_narrow, buffer_wide, false }, to, 0, room, wide };
    return crt_format(&b.out, format, args, flags);
}

static void terminate(void *to, size_t at, bool wide)
{
    if (wide)
        ((WCHAR *)to)[at] = 0;
    else
        ((char *)to)[at] = 0;
}

/* _vsnprintf: no terminator when it does not fit; the length when it fits exactly; -1 when it does not. */
static int print_old(void *to, size_t room, bool wide, const void *format, const uint64_t *args, unsigned flags)
{
    int n = print_buffer(to, room, wide, format, args, flags);
    if (n < 0)
        return n;
    if ((size_t)n < room)
        terminate(to, (size_t)n, wide);
    return !to && room == 0 ? n : (size_t)n <= room ? n : -1;
}

/* C's snprintf: always terminated, returns the whole length. */
static int print_standard(void *to, size_t room, bool wide, const void *format, const uint64_t *args, unsigned flags)
{
    int n = print_buffer(to, room ? room - 1 : 0, wide, format, args, flags);
    if (room)
        terminate(to, n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1, wide);
    return n;
}

/* The _s forms: what does not fit empties the buffer and is an invalid parameter; count is how much may be written
 * ((size_t)-1: _TRUNCATE). */
static int print_secure(void *to, size_t size, size_t count, bool wide, const void *format, const uint64_t *args, unsigned flags)
{
    if (!format || !to || size == 0) {
        if (to == NULL && size == 0 && count == 0)
            return 0;
        return crt_invalid_parameter(CRT_EINVAL);
    }
    size_t most = count < size ? count : size - 1;
    int n = print_buffer(to, most, wide, format, args, flags);
    if (n < 0) {
        terminate(to, 0, wide);
        return -1;
    }
    if ((size_t)n <= most) {
        terminate(to, (size_t)n, wide);
        return n;
    }
    if (count == (size_t)-1 || count < size) {
        terminate(to, most, wide);
        return -1;
    }
    terminate(to, 0, wide);
    return crt_invalid_parameter(CRT_ERANGE);
}

int crt_sprintf(const uint64_t *a)
{
    return print_old((void *)a[0], INT32_MAX, false, (const void *)a[1], a + 2, NARROW_OLD);
}

int crt_vsprintf(char *to, const char *format, const uint64_t *args)
{
    return print_old(to, INT32_MAX, false, format, args, NARROW_OLD);
}

int crt__snprintf(const uint64_t *a)
{
    return print_old((void *)a[0], a[1], false, (const void *)a[2], a + 3, NARROW_OLD);
}

int crt__vsnprintf(char *to, uint64_t room, const char *format, const uint64_t *args)
{
    return print_old(to, room, false, format, args, NARROW_OLD);
}

int crt_vsnprintf(char *to, uint64_t room, const char *format, const uint64_t *args)
{
    return print_standard(to, room, false, format, args, NARROW_OLD);
}

int crt__scprintf(const uint64_t *a)
{
    return print_buffer(NULL, 0, false, (const void *)a[0], a + 1, NARROW_OLD);
}

int crt__vscprintf(const char *format, const uint64_t *args)
{
    return print_buffer(NULL, 0, false, format, args, NARROW_OLD);
}

int crt__scwprintf(const uint64_t *a)
{
    return print_buffer(NULL, 0, true, (const void *)a[0], a + 1, WIDE_OLD);
}

int crt__vscwprintf(const WCHAR *format, const uint64_t *args)
{
    return print_buffer(NULL, 0, true, format, args, WIDE_OLD);
}

int crt_sprintf_s(const uint64_t *a)
{
    return print_secure((void *)a[0], a[1], (size_t)INT32_MAX, false, (const void *)a[2], a + 3, NARROW_OLD);
}

int crt_vsprintf_s(char *to, uint64_t size, const char *format, const uint64_t *args)
{
    return print_secure(to, size, (size_t)INT32_MAX, false, format, args, NARROW_OLD);
}

int crt__snprintf_s(const uint64_t *a)
{
    return print_secure((void *)a[0], a[1], a[2], false, (const void *)a[3], a + 4, NARROW_OLD);
}

int crt__vsnprintf_s(char *to, uint64_t size, uint64_t count, const char *format, const uint64_t *args)
{
    return print_secure(to, size, count, false, format, args, NARROW_OLD);
}

/* msvcrt's swprintf has no room argument. */
int crt_swprintf(const uint64_t *a)
{
    return print_old((void *)a[0], INT32_MAX, true, (const void *)a[1], a + 2, WIDE_OLD);
}

int crt_vswprintf(WCHAR *to, const WCHAR *format, const uint64_t *args)
{
    return print_old(to, INT32_MAX, true, format, args, WIDE_OLD);
}

int crt__snwprintf(const uint64_t *a)
{
    return print_old((void *)a[0], a[1], true, (const void *)a[2], a + 3, WIDE_OLD);
}

int crt__vsnwprintf(WCHAR *to, uint64_t room, const WCHAR *format, const uint64_t *args)
{
    return print_old(to, room, true, format, args, WIDE_OLD);
}

int crt_swprintf_s(const uint64_t *a)
{
    return print_secure((void *)a[0], a[1], (size_t)INT32_MAX, true, (const void *)a[2], a + 3, WIDE_OLD);
}

int crt_vswprintf_s(WCHAR *to, uint64_t size, const WCHAR *format, const uint64_t *args)
{
    return print_secure(to, size, (size_t)INT32_MAX, true, format, args, WIDE_OLD);
}

int crt__snwprintf_s(const uint64_t *a)
{
    return print_secure((void *)a[0], a[1], a[2], true, (const void *)a[3], a + 4, WIDE_OLD);
}

int crt__vsnwprintf_s(WCHAR *to, uint64_t size, uint64_t count, const WCHAR *format, const uint64_t *args)
{
    return print_secure(to, size, count, true, format, args, WIDE_OLD);
}

int crt_printf_s(const uint64_t *a)
{
    return crt_printf(a);
}

int crt_fprintf_s(const uint64_t *a)
{
    return crt_fprintf(a);
}

/* ---- UCRT: options, place, format, locale, arguments ---- */

enum { OPTION_LEGACY_TERMINATION = 1, OPTION_STANDARD_SNPRINTF = 2, OPTION_LEGACY_WIDE = 4, OPTION_MSVCRT = 8, OPTION_THREE_DIGITS = 0x10 };

static unsigned common_flags(uint64_t options, bool wide)
{
    unsigned f = wide ? FORMAT_WIDE : 0;
    /* Narrow functions: %s is narrow either way. */
    if (!wide || (options & OPTION_LEGACY_WIDE))
        f |= FORMAT_S_AS_FORMAT;
    if (options & (OPTION_MSVCRT | OPTION_THREE_DIGITS))
        f |= FORMAT_MSVCRT;
    return f;
}

int crt___stdio_common_vfprintf(uint64_t options, struct crt_file *f, const char *format, void *locale, const uint64_t *args)
{
    return print_file(f, format, args, common_flags(options, false));
}

int crt___stdio_common_vfwprintf(uint64_t options, struct crt_file *f, const WCHAR *format, void *locale, const uint64_t *args)
{
    return print_file(f, format, args, common_flags(options, true));
}

static int common_buffer(uint64_t options, void *to, uint64_t room, bool wide, const void *format, const uint64_t *args)
{
    unsigned flags = common_flags(options, wide);
    if (!format || (!to && room))
        return crt_invalid_parameter(CRT_EINVAL);
    if (options & OPTION_STANDARD_SNPRINTF)
        return print_standard(to, room, wide, format, args, flags);
    if (options & OPTION_LEGACY_TERMINATION)
        return print_old(to, room, wide, format, args, flags);
    int n = print_standard(to, room, wide, format, args, flags);
    return n < 0 || (size_t)n < room || !to ? n : -1;
}

int crt___stdio_common_vsprintf(uint64_t options, char *to, uint64_t room, const char *format, void *locale, const uint64_t *args)
{
    return common_buffer(options, to, room, false, format, args);
}

int crt___stdio_common_vswprintf(uint64_t options, WCHAR *to, uint64_t room, const WCHAR *format, void *locale, const uint64_t *args)
{
    return common_buffer(options, to, room, true, format, args);
}

int crt___stdio_common_vsprintf_s(uint64_t options, char *to, uint64_t size, const char *format, void *locale, const uint64_t *args)
{
    return print_secure(to, size, (size_t)INT32_MAX, false, format, args, common_flags(options, false));
}

int crt___stdio_common_vswprintf_s(uint64_t options, WCHAR *to, uint64_t size, const WCHAR *format, void *locale, const uint64_t *args)
{
    return print_secure(to, size, (size_t)INT32_MAX, true, format, args, common_flags(options, true));
}

int crt___stdio_common_vsnprintf_s(uint64_t options, char *to, uint64_t size, uint64_t count, const char *format, void *locale, const uint64_t *args)
{
    return print_secure(to, size, count, false, format, args, common_flags(options, false));
}

int crt___stdio_common_vsnwprintf_s(uint64_t options, WCHAR *to, uint64_t size, uint64_t count, const WCHAR *format, void *locale, const uint64_t *args)
{
    return print_secure(to, size, count, true, format, args, common_flags(options, true));
}
