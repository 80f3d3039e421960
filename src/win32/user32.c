/* The few functions of user32 that console programs use. */
#include "win32/crt.h"

enum { WSPRINTF_MOST = 1024 };

struct line_out {
    struct crt_out out;
    void *to;
    size_t n;
    bool wide;
};

static void put(struct line_out *l, unsigned c)
{
    if (l->n >= WSPRINTF_MOST - 1)
        return;
    if (l->wide)
        ((WCHAR *)l->to)[l->n++] = (WCHAR)c;
    else
        ((char *)l->to)[l->n++] = (char)c;
}

static void put_narrow(struct crt_out *o, const char *s, size_t n)
{
    struct line_out *l = (struct line_out *)o;
    for (size_t i = 0; i < n; i++)
        put(l, l->wide ? w32_ansi_to_wide((uint8_t)s[i]) : (uint8_t)s[i]);
}

static void put_wide(struct crt_out *o, const WCHAR *s, size_t n)
{
    struct line_out *l = (struct line_out *)o;
    for (size_t i = 0; i < n; i++) {
        int c = l->wide ? s[i] : w32_wide_to_ansi(s[i]);
        put(l, (unsigned)(c < 0 ? '?' : c));
    }
}

static int32_t format(void *to, bool wide, const void *text, const uint64_t *args)
{
    struct line_out l = { { put_narrow, put_wide, false }, to, 0, wide };
    crt_format(&l.out, text, args, FORMAT_S_AS_FORMAT | (wide ? FORMAT_WIDE : 0));
    if (wide)
        ((WCHAR *)to)[l.n] = 0;
    else
        ((char *)to)[l.n] = 0;
    return (int32_t)l.n;
}

int32_t wsprintfA(const uint64_t *a)
{
    return format((void *)a[0], false, (const void *)a[1], a + 2);
}

int32_t wsprintfW(const uint64_t *a)
{
    return format((void *)a[0], true, (const void *)a[1], a + 2);
}

int32_t wvsprintfA(char *to, const char *text, const uint64_t *args)
{
    return format(to, false, text, args);
}

int32_t wvsprintfW(WCHAR *to, const WCHAR *text, const uint64_t *args)
{
    return format(to, true, text, args);
}

/* There is nobody to press a button: the text goes to standard error, and the answer is the first button. */
int32_t MessageBoxA(HANDLE window, const char *text, const char *caption, uint32_t type)
{
    const char *parts[] = { caption ? caption : "Error", ": ", text ? text : "", "\n" };
    for (int i = 0; i < 4; i++)
        w32_console_write(2, parts[i], strlen(parts[i]));
    return (type & 0xF) == 4 || (type & 0xF) == 3 ? 6 : (type & 0xF) == 2 ? 3 : 1; /* IDYES, IDABORT, IDOK */
}

int32_t MessageBoxW(HANDLE window, const WCHAR *text, const WCHAR *caption, uint32_t type)
{
    uint64_t t = text ? w32_narrow(text) : 0, c = caption ? w32_narrow(caption) : 0;
    int32_t r = MessageBoxA(window, (const char *)t, (const char *)c, type);
    w32_free(t);
    w32_free(c);
    return r;
}
