/* Command line, environment, start-up information, and what a process's record holds at first. */
#include "win32/exports.h"
#include "win32/env.h"

#include "sim/image.h"
#include "win32/heap.h"

#include <stdio.h>
#include <sys/mman.h>

enum { PARAMETERS_AT = 0x20, PROCESS_HEAP_AT = 0x30, IMAGE_PATH_AT = 0x60, COMMAND_LINE_AT = 0x70, ENVIRONMENT_AT = 0x80 };

/* What every process sees; the host's environment would make runs differ. */
static const char *const variables[] = {
    "ComSpec=C:\\Windows\\system32\\cmd.exe", "NUMBER_OF_PROCESSORS=2", "OS=Windows_NT", "PATH=C:\\Windows\\system32;C:\\Windows",
    "PROCESSOR_ARCHITECTURE=AMD64", "SystemDrive=C:", "SystemRoot=C:\\Windows", "TEMP=C:\\Temp", "TMP=C:\\Temp", "USERNAME=user", "windir=C:\\Windows",
};

static const uint8_t *parameters(void)
{
    uint8_t *at;
    memcpy(&at, w32_peb() + PARAMETERS_AT, 8);
    return at;
}

/* What its creator gave a child. */
static bool environment_given(struct w32_process *p)
{
    if (!p->process->eprocess->InheritedFromUniqueProcessId)
        return false;
    const WCHAR *given = *(WCHAR *const *)((uint8_t *)parameters() + ENVIRONMENT_AT);
    size_t n = 0;
    while (given[n] || given[n + 1])
        n++;
    p->environment = w32_alloc((n + 2) * 2);
    memcpy((void *)p->environment, given, (n + 2) * 2);
    memcpy((uint8_t *)parameters() + ENVIRONMENT_AT, &p->environment, 8);
    return true;
}

static void environment_make(struct w32_process *p)
{
    if (environment_given(p))
        return;
    size_t chars = 1;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        chars += strlen(variables[i]) + 1;
    p->environment = w32_alloc(chars * 2);
    WCHAR *to = (WCHAR *)p->environment;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        for (const char *s = variables[i];; s++) {
            *to++ = (uint8_t)*s;
            if (!*s)
                break;
        }
    *to = 0;
    memcpy((uint8_t *)parameters() + ENVIRONMENT_AT, &p->environment, 8);
}

static void command_line_make(struct w32_process *p)
{
    const UNICODE_STRING *s = (const UNICODE_STRING *)(parameters() + COMMAND_LINE_AT);
    size_t n = s->Length / 2;
    WCHAR *w = (WCHAR *)w32_alloc((n + 1) * 2);
    memcpy(w, s->Buffer, n * 2);
    w[n] = 0;
    p->command_line_w = (uint64_t)w;
    p->command_line_a = w32_narrow(w);
}

void w32_process_fill(struct w32_process *p)
{
    p->default_heap = heap_create(p);
    IR_ASSERT(p->default_heap);
    HANDLE heap = GetProcessHeap();
    memcpy(w32_peb() + PROCESS_HEAP_AT, &heap, 8);
    w32_console_attach();
    environment_make(p);
    command_line_make(p);
    p->tls_used[0] = 1; /* slot 0 is not given out, as on Windows */
    p->fls_used[0] = 1;
    crt_process_fill(p);
}

/* ---- command line ---- */

char *GetCommandLineA(void)
{
    return (char *)w32_process()->command_line_a;
}

WCHAR *GetCommandLineW(void)
{
    return (WCHAR *)w32_process()->command_line_w;
}

/* The C run-time's rules: 2n backslashes before a quote are n and the quote works; 2n+1 are n and the quote is a character;
 * "" inside quotes is a quote. The program's name only knows quotes. Returns where the next argument begins, NULL at the end. */
const WCHAR *w32_argument_next(const WCHAR *s, bool program, WCHAR *out, size_t *length)
{
    while (!program && (*s == ' ' || *s == '\t'))
        s++;
    if (!*s && !program)
        return NULL;
    size_t n = 0;
    bool quoted = false;
    for (; *s && (quoted || (*s != ' ' && *s != '\t')); s++) {
        size_t slashes = 0;
        while (!program && s[slashes] == '\\')
            slashes++;
        if (slashes) {
            bool quote = s[slashes] == '"';
            for (size_t i = 0; i < (quote ? slashes / 2 : slashes); i++)
                out[n++] = '\\';
            s += slashes - 1;
            if (quote && slashes % 2) {
                out[n++] = '"';
                s++;
            }
        } else if (*s != '"') {
            out[n++] = *s;
        } else if (!program && quoted && s[1] == '"') {
            out[n++] = '"';
            s++;
        } else {
            quoted = !quoted;
        }
    }
    *length = n;
    return s;
}

/* CommandLineToArgvW: one block with the pointers and the strings, for LocalFree. */
WCHAR **CommandLineToArgvW(const WCHAR *line, int *count)
{
    size_t chars = w32_wcslen(line), most = chars / 2 + 2;
    uint64_t *table = (uint64_t *)w32_alloc((most + 1) * 8 + (chars + most + 1) * 2);
    if (!table)
        return NULL;
    WCHAR *text = (WCHAR *)(table + most + 1);
    int n = 0;
    size_t length;
    const WCHAR *s = line;
    if (*s == '"') { /* documented: a quoted program name ends with its second quote, whatever follows */
        for (length = 0, s++; *s && *s != '"'; s++)
            text[length++] = *s;
        s += *s == '"';
        table[n++] = (uint64_t)text;
        text[length] = 0;
        text += length + 1;
    }
    for (; (s = w32_argument_next(s, n == 0, text, &length)) != NULL; n++) {
        table[n] = (uint64_t)text;
        text[length] = 0;
        text += length + 1;
    }
    table[n] = 0;
    *count = n;
    return (WCHAR **)table;
}

/* ---- environment ---- */

static const WCHAR *find_variable(const WCHAR *block, const WCHAR *name, size_t length)
{
    for (const WCHAR *s = block; *s; s += w32_wcslen(s) + 1) {
        size_t i = 0;
        while (i < length && s[i] && w32_upper(s[i]) == w32_upper(name[i]))
            i++;
        if (i == length && s[i] == '=')
            return s;
    }
    return NULL;
}

const WCHAR *w32_variable(const WCHAR *name, size_t length)
{
    const WCHAR *s = length ? find_variable((const WCHAR *)w32_process()->environment, name, length) : NULL;
    return s ? s + length + 1 : NULL;
}

static size_t block_chars(const WCHAR *block)
{
    const WCHAR *s = block;
    while (*s)
        s += w32_wcslen(s) + 1;
    return (size_t)(s - block) + 1;
}

ULONG GetEnvironmentVariableW(const WCHAR *name, WCHAR *buffer, ULONG size)
{
    const WCHAR *value = w32_variable(name, w32_wcslen(name));
    if (!value)
        return (ULONG)w32_error(ERROR_ENVVAR_NOT_FOUND);
    size_t n = w32_wcslen(value);
    if (size <= n)
        return (ULONG)n + 1;
    memcpy(buffer, value, (n + 1) * 2);
    return (ULONG)n;
}

ULONG GetEnvironmentVariableA(const char *name, char *buffer, ULONG size)
{
    WCHAR wide[256];
    size_t length = strlen(name);
    if (length >= 256)
        return (ULONG)w32_error(ERROR_ENVVAR_NOT_FOUND);
    for (size_t i = 0; i <= length; i++)
        wide[i] = w32_ansi_to_wide((uint8_t)name[i]);
    const WCHAR *value = w32_variable(wide, length);
    if (!value)
        return (ULONG)w32_error(ERROR_ENVVAR_NOT_FOUND);
    size_t n = w32_wcslen(value);
    if (size <= n)
        return (ULONG)n + 1;
    for (size_t i = 0; i <= n; i++) {
        int c = w32_wide_to_ansi(value[i]);
        buffer[i] = (char)(c < 0 ? '?' : c);
    }
    return (ULONG)n;
}

BOOL SetEnvironmentVariableW(const WCHAR *name, const WCHAR *value)
{
    struct w32_process *p = w32_process();
    size_t length = w32_wcslen(name), value_length = value ? w32_wcslen(value) : 0;
    for (size_t i = 0; i < length; i++)
        if (name[i] == '=')
            return w32_error(ERROR_INVALID_PARAMETER);
    if (!length)
        return w32_error(ERROR_INVALID_PARAMETER);
    const WCHAR *block = (const WCHAR *)p->environment, *old = find_variable(block, name, length);
    if (!old && !value)
        return w32_error(ERROR_ENVVAR_NOT_FOUND);
    WCHAR *fresh = (WCHAR *)w32_alloc((block_chars(block) + length + value_length + 2) * 2), *to = fresh;
    if (!fresh)
        return w32_error(ERROR_NOT_ENOUGH_MEMORY);
    for (const WCHAR *s = block; *s; s += w32_wcslen(s) + 1)
        if (s != old) {
            lstrcpyW(to, s);
            to += w32_wcslen(s) + 1;
        }
    if (value) {
        lstrcpyW(to, name);
        to[length] = '=';
        lstrcpyW(to + length + 1, value);
        to += length + value_length + 2;
    }
    *to = 0;
    uint64_t old_block = p->environment;
    p->environment = (uint64_t)fresh;
    memcpy((uint8_t *)parameters() + ENVIRONMENT_AT, &p->environment, 8);
    w32_free(old_block);
    return TRUE;
}

BOOL SetEnvironmentVariableA(const char *name, const char *value)
{
    uint64_t n = w32_widen(name), v = value ? w32_widen(value) : 0;
    BOOL r = SetEnvironmentVariableW((const WCHAR *)n, (const WCHAR *)v);
    w32_free(n);
    w32_free(v);
    return r;
}

WCHAR *GetEnvironmentStringsW(void)
{
    const WCHAR *block = (const WCHAR *)w32_process()->environment;
    size_t n = block_chars(block);
    WCHAR *copy = (WCHAR *)w32_alloc(n * 2);
    if (copy)
        memcpy(copy, block, n * 2);
    return copy;
}

char *GetEnvironmentStringsA(void)
{
    const WCHAR *block = (const WCHAR *)w32_process()->environment;
    size_t n = block_chars(block);
    char *copy = (char *)w32_alloc(n);
    for (size_t i = 0; copy && i < n; i++) {
        int c = w32_wide_to_ansi(block[i]);
        copy[i] = (char)(c < 0 ? '?' : c);
    }
    return copy;
}

BOOL FreeEnvironmentStringsW(WCHAR *block)
{
    w32_free((uint64_t)block);
    return TRUE;
}

BOOL FreeEnvironmentStringsA(char *block)
{
    w32_free((uint64_t)block);
    return TRUE;
}

ULONG ExpandEnvironmentStringsW(const WCHAR *from, WCHAR *to, ULONG size)
{
    size_t n = 0;
    for (const WCHAR *s = from;; s++) {
        const WCHAR *end = *s == '%' ? s + 1 : NULL;
        while (end && *end && *end != '%')
            end++;
        const WCHAR *value = end && *end ? w32_variable(s + 1, (size_t)(end - s - 1)) : NULL;
        if (value) {
            for (; *value; value++, n++)
                if (n < size)
                    to[n] = *value;
            s = end;
            continue;
        }
        if (n < size)
            to[n] = *s;
        n++;
        if (!*s)
            return (ULONG)n;
    }
}

ULONG ExpandEnvironmentStringsA(const char *from, char *to, ULONG size)
{
    uint64_t w = w32_widen(from);
    ULONG n = ExpandEnvironmentStringsW((const WCHAR *)w, NULL, 0);
    WCHAR *wide = (WCHAR *)w32_alloc((size_t)n * 2);
    ExpandEnvironmentStringsW((const WCHAR *)w, wide, n);
    uint64_t a = w32_narrow(wide);
    if (n <= size)
        memcpy(to, (const char *)a, n);
    w32_free(a);
    w32_free((uint64_t)wide);
    w32_free(w);
    return n;
}

/* ---- start-up information ---- */

static void startup_info(uint64_t *info)
{
    memset(info, 0, 104);
    *(ULONG *)info = 104; /* cb */
    for (unsigned i = 0; i < 3; i++)
        info[10 + i] = (uint64_t)GetStdHandle((ULONG)-(10 + (int)i));
}

void GetStartupInfoA(uint64_t *info)
{
    startup_info(info);
}

void GetStartupInfoW(uint64_t *info)
{
    startup_info(info);
}
