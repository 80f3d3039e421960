/* Last error and last status of a thread, and errors as text. */
#include "win32/crt.h"

#include <stdio.h>

void w32_set_error(ULONG error)
{
    memcpy(w32_teb() + TEB_LAST_ERROR_AT, &error, 4);
}

BOOL w32_error(ULONG error)
{
    w32_set_error(error);
    return FALSE;
}

BOOL w32_fail(NTSTATUS status)
{
    memcpy(w32_teb() + TEB_LAST_STATUS_AT, &status, 4);
    w32_set_error(rtl_nt_status_to_dos_error(status));
    return FALSE;
}

BOOL w32_result(NTSTATUS status)
{
    return NT_SUCCESS(status) ? TRUE : w32_fail(status);
}

/* ---- exports ---- */

ULONG GetLastError(void)
{
    ULONG e;
    memcpy(&e, w32_teb() + TEB_LAST_ERROR_AT, 4);
    return e;
}

void SetLastError(ULONG error)
{
    w32_set_error(error);
}

NTSTATUS RtlGetLastNtStatus(void)
{
    NTSTATUS s;
    memcpy(&s, w32_teb() + TEB_LAST_STATUS_AT, 4);
    return s;
}

ULONG ntdll_RtlNtStatusToDosError(NTSTATUS status)
{
    memcpy(w32_teb() + TEB_LAST_STATUS_AT, &status, 4);
    return rtl_nt_status_to_dos_error(status);
}

void RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS status)
{
    w32_fail(status);
}

/* ---- FormatMessage ---- */

enum { FM_ALLOCATE = 0x100, FM_IGNORE_INSERTS = 0x200, FM_FROM_STRING = 0x400, FM_FROM_HMODULE = 0x800, FM_FROM_SYSTEM = 0x1000,
       FM_ARGUMENT_ARRAY = 0x2000, FM_WIDTH = 0xFF };

/* The system's own texts for the codes that programs of this kind print. */
static const struct {
    ULONG error;
    const char *text;
} texts[] = {
    { 0, "The operation completed successfully.\r\n" },
    { 1, "Incorrect function.\r\n" },
    { 2, "The system cannot find the file specified.\r\n" },
    { 3, "The system cannot find the path specified.\r\n" },
    { 5, "Access is denied.\r\n" },
    { 6, "The handle is invalid.\r\n" },
    { 8, "Not enough memory resources are available to process this command.\r\n" },
    { 21, "The device is not ready.\r\n" },
    { 22, "The device does not recognize the command.\r\n" },
    { 24, "The program issued a command but the command length is incorrect.\r\n" },
    { 31, "A device attached to the system is not functioning.\r\n" },
    { 32, "The process cannot access the file because it is being used by another process.\r\n" },
    { 38, "Reached the end of the file.\r\n" },
    { 50, "The request is not supported.\r\n" },
    { 55, "The specified network resource or device is no longer available.\r\n" },
    { 87, "The parameter is incorrect.\r\n" },
    { 122, "The data area passed to a system call is too small.\r\n" },
    { 126, "The specified module could not be found.\r\n" },
    { 127, "The specified procedure could not be found.\r\n" },
    { 170, "The requested resource is in use.\r\n" },
    { 183, "Cannot create a file when that file already exists.\r\n" },
    { 234, "More data is available.\r\n" },
    { 258, "The wait operation timed out.\r\n" },
    { 433, "A device which does not exist was specified.\r\n" },
    { 487, "Attempt to access invalid address.\r\n" },
    { 995, "The I/O operation has been aborted because of either a thread exit or an application request.\r\n" },
    { 996, "Overlapped I/O event is not in a signaled state.\r\n" },
    { 997, "Overlapped I/O operation is in progress.\r\n" },
    { 998, "Invalid access to memory location.\r\n" },
    { 1117, "The request could not be performed because of an I/O device error.\r\n" },
    { 1167, "The device is not connected.\r\n" },
    { 1168, "Element not found.\r\n" },
    { 1223, "The operation was canceled by the user.\r\n" },
    { 1450, "Insufficient system resources exist to complete the requested service.\r\n" },
    { 1460, "This operation returned because the timeout period expired.\r\n" },
};

static const char *text_of(ULONG error, char *buffer, size_t size)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].error == error)
            return texts[i].text;
    /* GUESS: the name stands in for a sentence that is not in the table. */
    const char *name = nt_win32_error_name(error);
    if (strcmp(name, "unknown") == 0)
        return NULL;
    snprintf(buffer, size, "%s\r\n", name);
    return buffer;
}

struct message {
    char text[1024];
    size_t n;
    bool full;
};

static void put(struct message *m, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (m->n == sizeof m->text - 1) {
            m->full = true;
            return;
        }
        m->text[m->n++] = s[i];
    }
}

/* An insert goes through printf. */
struct insert {
    struct crt_out out;
    struct message *m;
};

static void put_narrow(struct crt_out *o, const char *s, size_t n)
{
    put(((struct insert *)o)->m, s, n);
}

static void put_wide(struct crt_out *o, const WCHAR *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int c = w32_wide_to_ansi(s[i]);
        char narrow = (char)(c < 0 ? '?' : c);
        put(((struct insert *)o)->m, &narrow, 1);
    }
}

/* What stands between the exclamation marks, or "s"; %s is text of the function's own width. */
static void put_insert(struct message *m, const char *spec, size_t n, const uint64_t *args, bool wide)
{
    struct insert o = { { put_narrow, put_wide, false }, m };
    WCHAR wide_format[36] = { '%' };
    char format[36] = "%";
    for (size_t i = 0; i < n && i < 34; i++) {
        format[i + 1] = spec[i];
        wide_format[i + 1] = (uint8_t)spec[i];
    }
    crt_format(&o.out, wide ? (const void *)wide_format : format, args, FORMAT_S_AS_FORMAT | (wide ? FORMAT_WIDE : 0));
}

/* %1 … %99 with an optional !printf format!, %%, %n, %0. args: 8 bytes each. */
static void expand(struct message *m, const char *format, const uint64_t *args, bool wide)
{
    for (const char *p = format; *p; p++) {
        if (*p != '%') {
            put(m, p, 1);
            continue;
        }
        p++;
        if (*p == 0 || *p == '0')
            return;
        if (*p == 'n') {
            put(m, "\r\n", 2);
        } else if (*p >= '1' && *p <= '9' && args) {
            unsigned number = (unsigned)(*p - '0');
            if (p[1] >= '0' && p[1] <= '9')
                number = number * 10 + (unsigned)(*++p - '0');
            const char *end = p[1] == '!' ? strchr(p + 2, '!') : NULL;
            if (p[1] == '!' && !end)
                return;
            put_insert(m, end ? p + 2 : "s", end ? (size_t)(end - p - 2) : 1, args + number - 1, wide);
            p = end ? end : p;
        } else {
            put(m, p, 1);
        }
    }
}

static ULONG build(struct message *m, ULONG flags, const void *source, ULONG id, const uint64_t *arguments, bool wide)
{
    char name[80], narrow[1024];
    const char *format = NULL;
    if (flags & FM_FROM_STRING) {
        format = source;
        if (wide) {
            size_t i = 0;
            for (const WCHAR *w = source; *w && i < sizeof narrow - 1; w++)
                narrow[i++] = (char)w32_wide_to_ansi(*w);
            narrow[i] = 0;
            format = narrow;
        }
    } else if (flags & FM_FROM_SYSTEM) {
        format = text_of(id, name, sizeof name);
    }
    if (!format)
        return 317; /* ERROR_MR_MID_NOT_FOUND */
    m->n = 0;
    m->full = false;
    if (flags & FM_IGNORE_INSERTS)
        put(m, format, strlen(format));
    else
        /* Without the array flag the argument is a pointer to a va_list, which on x64 is a pointer to the array. */
        expand(m, format, arguments && !(flags & FM_ARGUMENT_ARRAY) ? *(const uint64_t *const *)arguments : arguments, wide);
    m->text[m->n] = 0;
    return 0;
}

ULONG FormatMessageA(ULONG flags, const void *source, ULONG id, ULONG language, char *buffer, ULONG size, const uint64_t *arguments)
{
    struct message m;
    ULONG error = build(&m, flags, source, id, arguments, false);
    if (error)
        return (ULONG)w32_error(error);
    if (flags & FM_ALLOCATE) {
        uint64_t at = w32_alloc_zeroed(m.n + 1 > size ? m.n + 1 : size);
        memcpy((void *)at, m.text, m.n + 1);
        memcpy(buffer, &at, 8);
        return (ULONG)m.n;
    }
    if (size <= m.n)
        return (ULONG)w32_error(ERROR_INSUFFICIENT_BUFFER);
    memcpy(buffer, m.text, m.n + 1);
    return (ULONG)m.n;
}

ULONG FormatMessageW(ULONG flags, const void *source, ULONG id, ULONG language, WCHAR *buffer, ULONG size, const uint64_t *arguments)
{
    struct message m;
    ULONG error = build(&m, flags, source, id, arguments, true);
    if (error)
        return (ULONG)w32_error(error);
    WCHAR *to = buffer;
    if (flags & FM_ALLOCATE) {
        uint64_t at = w32_alloc_zeroed((m.n + 1 > size ? m.n + 1 : size) * 2);
        memcpy(buffer, &at, 8);
        to = (WCHAR *)at;
    } else if (size <= m.n) {
        return (ULONG)w32_error(ERROR_INSUFFICIENT_BUFFER);
    }
    for (size_t i = 0; i <= m.n; i++)
        to[i] = w32_ansi_to_wide((uint8_t)m.text[i]);
    return (ULONG)m.n;
}
