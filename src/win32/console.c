/* The console: standard handles, console modes, WriteConsole. A guest's standard streams are always a console, whatever
 * irplab's own are, so that a run does not depend on how irplab was started. Its input is what --input says, else empty. */
#include "win32/win32.h"

#include "trace/trace.h"

/* Values that no handle table reaches, with the low bits set as console handles had them before Windows 8. */
#define CONSOLE_INPUT 0x0FFF0003ull
#define CONSOLE_OUTPUT 0x0FFF0007ull
#define CONSOLE_ERROR 0x0FFF000Bull

enum { PARAMETERS_AT = 0x20, STANDARD_INPUT_AT = 0x20, CHUNK = 512 };

int w32_console_of(HANDLE handle)
{
    uint64_t h = (uint64_t)handle;
    return h == CONSOLE_INPUT ? 1 : h == CONSOLE_OUTPUT ? 2 : h == CONSOLE_ERROR ? 3 : 0;
}

/* Output is an event per line. A part of a line is held back until something else happens that may end the run. */
void w32_console_flush(void)
{
    struct w32_process *p = w32_process();
    if (!p->line_used)
        return;
    p->line[p->line_used] = 0;
    trace_console(p->line_stream, p->line, p->line_used);
    p->line_used = 0;
}

void w32_console_write(int fd, const char *bytes, size_t count)
{
    struct w32_process *p = w32_process();
    if (p->line_stream != (unsigned)fd)
        w32_console_flush();
    p->line_stream = (unsigned)fd;
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\r' && i + 1 < count && bytes[i + 1] == '\n')
            continue;
        p->line[p->line_used++] = bytes[i];
        if (bytes[i] == '\n' || p->line_used == sizeof p->line - 1)
            w32_console_flush();
    }
}

void w32_console_write_wide(int fd, const WCHAR *text, size_t count)
{
    char out[CHUNK];
    size_t n = 0;
    for (size_t i = 0, used; i < count; i += used) {
        n += base_utf8_put(w32_from_utf16(text + i, count - i, &used), out + n);
        if (n > sizeof out - 4) {
            w32_console_write(fd, out, n);
            n = 0;
        }
    }
    w32_console_write(fd, out, n);
}

const char *w32_console_typed;

static const char *rest_of_input(void)
{
    return w32_console_typed ? w32_console_typed + w32_room()->typed_at : "";
}

int w32_console_key(bool take)
{
    char c = *rest_of_input();
    if (!c)
        return -1;
    w32_room()->typed_at += take;
    w32_room()->typed_return &= !take;
    return c == '\n' ? '\r' : c;
}

size_t w32_console_read(char *bytes, size_t size)
{
    size_t n = 0;
    for (char c = 0; n < size && c != '\n'; n++) {
        c = *rest_of_input();
        if (!c)
            break;
        if (c == '\n' && !w32_room()->typed_return) {
            w32_room()->typed_return = true;
            bytes[n] = '\r';
            c = 0;
            continue;
        }
        w32_room()->typed_return = false;
        w32_room()->typed_at++;
        bytes[n] = c;
    }
    return n;
}

/* The standard handles are in the process parameters, where the kernel side put what it knows. */
static uint64_t *standard_slot(ULONG which)
{
    uint64_t parameters;
    memcpy(&parameters, w32_peb() + PARAMETERS_AT, 8);
    unsigned i = (unsigned)-(int)which - 10; /* -10 input, -11 output, -12 error */
    return i < 3 && parameters ? (uint64_t *)(parameters + STANDARD_INPUT_AT) + i : NULL;
}

void w32_console_attach(void)
{
    static const uint64_t handles[3] = { CONSOLE_INPUT, CONSOLE_OUTPUT, CONSOLE_ERROR };
    for (unsigned i = 0; i < 3; i++) {
        uint64_t *slot = standard_slot((ULONG)-(10 + (int)i));
        if (slot && !*slot) /* the creator may have given one */
            *slot = handles[i];
    }
}

/* ---- exports ---- */

HANDLE GetStdHandle(ULONG which)
{
    w32_process();
    uint64_t *slot = standard_slot(which);
    if (!slot) {
        w32_error(ERROR_INVALID_HANDLE);
        return INVALID_HANDLE_VALUE;
    }
    return (HANDLE)*slot;
}

BOOL SetStdHandle(ULONG which, HANDLE handle)
{
    w32_process();
    uint64_t *slot = standard_slot(which);
    if (!slot)
        return w32_error(ERROR_INVALID_HANDLE);
    *slot = (uint64_t)handle;
    return TRUE;
}

BOOL GetConsoleMode(HANDLE handle, ULONG *mode)
{
    int c = w32_console_of(handle);
    if (!c)
        return w32_error(ERROR_INVALID_HANDLE);
    *mode = c == 1 ? 0x1F7 : 0x3; /* Windows' defaults */
    return TRUE;
}

BOOL SetConsoleMode(HANDLE handle, ULONG mode)
{
    return w32_console_of(handle) ? TRUE : w32_error(ERROR_INVALID_HANDLE);
}

BOOL WriteConsoleA(HANDLE handle, const char *text, ULONG count, ULONG *written, void *reserved)
{
    int c = w32_console_of(handle);
    if (c < 2)
        return w32_error(ERROR_INVALID_HANDLE);
    w32_console_write(c - 1, text, count);
    if (written)
        *written = count;
    return TRUE;
}

BOOL WriteConsoleW(HANDLE handle, const WCHAR *text, ULONG count, ULONG *written, void *reserved)
{
    int c = w32_console_of(handle);
    if (c < 2)
        return w32_error(ERROR_INVALID_HANDLE);
    w32_console_write_wide(c - 1, text, count);
    if (written)
        *written = count;
    return TRUE;
}

BOOL ReadConsoleW(HANDLE handle, void *text, ULONG count, ULONG *read, void *control)
{
    char bytes[CHUNK];
    if (w32_console_of(handle) != 1)
        return w32_error(ERROR_INVALID_HANDLE);
    size_t n = w32_console_read(bytes, count < CHUNK ? count : CHUNK);
    for (size_t i = 0; i < n; i++)
        ((WCHAR *)text)[i] = (WCHAR)bytes[i];
    *read = (ULONG)n;
    return TRUE;
}

ULONG GetConsoleCP(void)
{
    return 437;
}

ULONG GetConsoleOutputCP(void)
{
    return 65001; /* bytes reach the host's terminal as they are */
}

BOOL SetConsoleOutputCP(ULONG page)
{
    return TRUE;
}

BOOL SetConsoleTitleW(const WCHAR *title)
{
    return TRUE;
}

BOOL SetConsoleTextAttribute(HANDLE handle, ULONG attributes)
{
    return w32_console_of(handle) >= 2 ? TRUE : w32_error(ERROR_INVALID_HANDLE);
}

BOOL GetConsoleScreenBufferInfo(HANDLE handle, void *info)
{
    if (w32_console_of(handle) < 2)
        return w32_error(ERROR_INVALID_HANDLE);
    /* 80 × 25, cursor in the corner, white on black. */
    static const int16_t screen[11] = { 80, 25, 0, 0, 7, 0, 0, 79, 24, 80, 25 };
    memcpy(info, screen, sizeof screen);
    return TRUE;
}

BOOL SetConsoleCtrlHandler(uint64_t handler, BOOL add)
{
    struct w32_process *p = w32_process();
    for (unsigned i = 0; i < sizeof p->console_handlers / 8; i++)
        if (p->console_handlers[i] == (add ? 0 : handler)) {
            p->console_handlers[i] = add ? handler : 0;
            return TRUE;
        }
    return w32_error(ERROR_INVALID_PARAMETER);
}

BOOL AllocConsole(void)
{
    return w32_error(ERROR_ACCESS_DENIED);
}

BOOL FreeConsole(void)
{
    return TRUE;
}

HANDLE GetConsoleWindow(void)
{
    return NULL;
}
