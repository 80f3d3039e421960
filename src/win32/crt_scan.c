/* scanf's reading, on characters from a stream or a string, narrow or wide. */
#include "win32/crt.h"

#include <stdlib.h>

enum { TOKEN = 400 };

struct scanner {
    struct crt_in *in;
    const uint8_t *narrow;
    const WCHAR *wide;
    const uint64_t *args;
    unsigned flags;
    int read, assigned;
};

struct scan_spec {
    bool suppress;
    int width;
    int bytes; /* of an integer */
    bool wide_text, narrow_text, is_double;
    unsigned conversion;
};

static unsigned peek(const struct scanner *s)
{
    return s->wide ? *s->wide : *s->narrow;
}

static unsigned next(struct scanner *s)
{
    return s->wide ? *s->wide++ : *s->narrow++;
}

static int get(struct scanner *s)
{
    int c = s->in->get(s->in);
    if (c >= 0)
        s->read++;
    return c;
}

static void unget(struct scanner *s, int c)
{
    if (c < 0)
        return;
    s->in->unget(s->in, c);
    s->read--;
}

static bool is_space(int c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static int skip_space(struct scanner *s)
{
    int c;
    do
        c = get(s);
    while (is_space(c));
    return c;
}

static void take_size(struct scanner *s, struct scan_spec *p)
{
    p->bytes = 4;
    switch (peek(s)) {
    case 'h':
        next(s);
        p->bytes = 2;
        p->narrow_text = true;
        if (peek(s) == 'h') {
            next(s);
            p->bytes = 1;
        }
        return;
    case 'l':
        next(s);
        p->wide_text = p->is_double = true;
        if (peek(s) == 'l') {
            next(s);
            p->bytes = 8;
        }
        return;
    case 'w':
        next(s);
        p->wide_text = true;
        return;
    case 'I':
        next(s);
        p->bytes = 8;
        if (peek(s) == '6' || peek(s) == '3') {
            p->bytes = next(s) == '6' ? 8 : 4;
            next(s);
        }
        return;
    case 'j':
    case 'z':
    case 't':
        next(s);
        p->bytes = 8;
        return;
    case 'L':
        next(s);
        p->bytes = 8;
        p->is_double = true;
        return;
    default:
        return;
    }
}

static void store_integer(struct scanner *s, const struct scan_spec *p, uint64_t v)
{
    if (p->suppress)
        return;
    memcpy((void *)*s->args++, &v, (size_t)p->bytes);
}

static int digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* false: no number there. */
static bool scan_integer(struct scanner *s, const struct scan_spec *p)
{
    unsigned k = p->conversion;
    int base = k == 'i' ? 0 : k == 'o' ? 8 : k == 'x' || k == 'X' || k == 'p' ? 16 : 10;
    int left = p->width ? p->width : INT32_MAX, c = skip_space(s);
    bool negative = c == '-', any = false;
    if ((c == '-' || c == '+') && left-- > 1)
        c = get(s);
    uint64_t v = 0;
    if (c == '0' && (base == 0 || base == 16) && left-- > 0) {
        any = true;
        c = left > 0 ? get(s) : -2;
        if (left > 0 && (c | 0x20) == 'x') {
            base = 16;
            left--;
            c = left > 0 ? get(s) : -2;
        } else if (base == 0) {
            base = 8;
        }
    }
    if (base == 0)
        base = 10;
    for (; left > 0 && c >= 0 && digit(c) < base; left--) {
        v = v * (uint64_t)base + (uint64_t)digit(c);
        any = true;
        c = left > 1 ? get(s) : -2;
    }
    unget(s, c);
    if (!any)
        return false;
    store_integer(s, p, negative ? 0 - v : v);
    return true;
}

static bool scan_double(struct scanner *s, const struct scan_spec *p)
{
    char text[TOKEN];
    size_t n = 0, most = p->width && p->width < TOKEN - 1 ? (size_t)p->width : TOKEN - 1;
    int c = skip_space(s);
    /* Everything that may belong to a number; what strtod does not take is not given back: numbers end at separators. */
    while (n < most && c >= 0 && (digit(c) < 10 || c == '.' || c == '+' || c == '-' || (c | 0x20) == 'e' || (c | 0x20) == 'x' || digit(c) < 16 || (c | 0x20) == 'p' ||
                                  ((c | 0x20) == 'i' && n < 2) || ((c | 0x20) == 'n'))) {
        if ((c == '+' || c == '-') && n && (text[n - 1] | 0x20) != 'e' && (text[n - 1] | 0x20) != 'p')
            break;
        text[n++] = (char)c;
        c = n < most ? get(s) : -2;
    }
    unget(s, c);
    text[n] = 0;
    char *end;
    double v = strtod(text, &end);
    if (end == text)
        return false;
    if (p->suppress)
        return true;
    float f = (float)v;
    memcpy((void *)*s->args++, p->is_double ? (void *)&v : (void *)&f, p->is_double ? 8 : 4);
    return true;
}

/* A set such as [^a-z]: 256 bits of low characters; others only match a negated set. */
struct set {
    uint8_t bits[32];
    bool negated;
};

static bool take_set(struct scanner *s, struct set *out)
{
    memset(out, 0, sizeof *out);
    if (peek(s) == '^') {
        next(s);
        out->negated = true;
    }
    bool first = true;
    for (unsigned c, last = 0; (c = peek(s)) != ']' || first; first = false) {
        if (!c)
            return false;
        next(s);
        unsigned to = c;
        unsigned ahead = s->wide ? s->wide[0] : s->narrow[0];
        if (c == '-' && !first && ahead != ']') {
            c = last;
            to = next(s);
        }
        for (unsigned k = c; k <= to && k < 256; k++)
            out->bits[k / 8] |= (uint8_t)(1u << k % 8);
        last = to;
    }
    next(s);
    return true;
}

static bool in_set(const struct set *set, int c)
{
    bool there = c < 256 && (set->bits[c / 8] >> c % 8 & 1);
    return there != set->negated;
}

static void put_text(void *to, size_t i, int c, bool wide)
{
    if (wide)
        ((WCHAR *)to)[i] = (WCHAR)c;
    else
        ((char *)to)[i] = (char)c;
}

/* %s, %[ and %c. With the secure forms a size follows the pointer. */
static bool scan_text(struct scanner *s, const struct scan_spec *p, const struct set *set)
{
    bool format_wide = s->wide != NULL;
    bool wide = p->wide_text || (!p->narrow_text && (p->conversion == 'S' || p->conversion == 'C' ? !format_wide : format_wide));
    bool chars = p->conversion == 'c' || p->conversion == 'C';
    size_t most = p->width ? (size_t)p->width : chars ? 1 : SIZE_MAX, room = SIZE_MAX, n = 0;
    void *to = NULL;
    if (!p->suppress) {
        to = (void *)*s->args++;
        if (s->flags & 0x100)
            room = (uint32_t)*s->args++;
    }
    int c = chars || set ? get(s) : skip_space(s);
    while (n < most && c >= 0 && (chars || (set ? in_set(set, c) : !is_space(c)))) {
        if (n + !chars >= room) { /* does not fit: empty, and the end */
            if (to && room)
                put_text(to, 0, 0, wide);
            return false;
        }
        if (to)
            put_text(to, n, c, wide);
        n++;
        c = n < most ? get(s) : -2;
    }
    unget(s, c);
    if (n == 0 || (chars && n < most))
        return false;
    if (to && !chars)
        put_text(to, n, 0, wide);
    return true;
}

/* 1: assigned or skipped, 0: does not match, -1: the input ended before. */
static int convert(struct scanner *s, struct scan_spec *p)
{
    struct set set;
    if (p->conversion == 'n') {
        store_integer(s, p, (uint64_t)s->read);
        s->assigned -= !p->suppress; /* not counted */
        return 1;
    }
    if (p->conversion == '[' && !take_set(s, &set))
        return 0;
    int c = get(s);
    if (c < 0)
        return -1;
    unget(s, c);
    if (p->conversion != 'c' && p->conversion != 'C' && p->conversion != '[') {
        c = skip_space(s);
        if (c < 0)
            return -1;
        unget(s, c);
    }
    switch (p->conversion) {
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        return scan_integer(s, p);
    case 'p':
        p->bytes = 8;
        return scan_integer(s, p);
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
    case 'a':
        return scan_double(s, p);
    case 's':
    case 'S':
    case 'c':
    case 'C':
        return scan_text(s, p, NULL);
    case '[':
        return scan_text(s, p, &set);
    default:
        return 0;
    }
}

static bool literal(struct scanner *s, unsigned want)
{
    int c = get(s);
    if (c == (int)want)
        return true;
    unget(s, c);
    return false;
}

int crt_scan(struct crt_in *in, const void *format, const uint64_t *args, unsigned flags)
{
    struct scanner s = { .in = in, .args = args, .flags = flags };
    if (flags & FORMAT_WIDE)
        s.wide = format;
    else
        s.narrow = format;
    while (peek(&s)) {
        unsigned f = next(&s);
        if (is_space((int)f)) {
            unget(&s, skip_space(&s));
            continue;
        }
        if (f != '%' || peek(&s) == '%') {
            if (f == '%') {
                next(&s);
                unget(&s, skip_space(&s));
            }
            if (!literal(&s, f))
                break;
            continue;
        }
        struct scan_spec p = { 0 };
        if (peek(&s) == '*') {
            next(&s);
            p.suppress = true;
        }
        while (peek(&s) >= '0' && peek(&s) <= '9')
            p.width = p.width * 10 + (int)(next(&s) - '0');
        take_size(&s, &p);
        p.conversion = next(&s);
        int r = convert(&s, &p);
        if (r < 0)
            return s.assigned ? s.assigned : -1;
        if (r == 0)
            break;
        s.assigned += !p.suppress;
    }
    return s.assigned;
}

/* ---- where characters come from ---- */

struct string_in {
    struct crt_in in;
    const void *text;
    size_t at, length;
    bool wide;
};

static int string_get(struct crt_in *in)
{
    struct string_in *s = (struct string_in *)in;
    if (s->at >= s->length)
        return -1;
    int c = s->wide ? ((const WCHAR *)s->text)[s->at] : ((const uint8_t *)s->text)[s->at];
    if (!c)
        return -1;
    s->at++;
    return c;
}

static void string_unget(struct crt_in *in, int c)
{
    ((struct string_in *)in)->at--;
}

struct file_in {
    struct crt_in in;
    struct crt_file *file;
};

static int file_get(struct crt_in *in)
{
    return crt_file_get(((struct file_in *)in)->file);
}

static void file_unget(struct crt_in *in, int c)
{
    crt_file_unget(((struct file_in *)in)->file, c);
}

static int scan_string(const void *text, size_t length, bool wide, const void *format, const uint64_t *args, bool secure)
{
    if (!text || !format)
        return crt_invalid_parameter(CRT_EINVAL);
    struct string_in in = { { string_get, string_unget }, text, 0, length, wide };
    return crt_scan(&in.in, format, args, (wide ? FORMAT_WIDE : 0) | (secure ? 0x100 : 0));
}

static int scan_file(struct crt_file *f, bool wide, const void *format, const uint64_t *args, bool secure)
{
    if (!f || !format)
        return crt_invalid_parameter(CRT_EINVAL);
    struct file_in in = { { file_get, file_unget }, f };
    return crt_scan(&in.in, format, args, (wide ? FORMAT_WIDE : 0) | (secure ? 0x100 : 0));
}

int crt_sscanf(const uint64_t *a)
{
    return scan_string((const void *)a[0], SIZE_MAX, false, (const void *)a[1], a + 2, false);
}

int crt_sscanf_s(const uint64_t *a)
{
    return scan_string((const void *)a[0], SIZE_MAX, false, (const void *)a[1], a + 2, true);
}

int crt_vsscanf(const char *text, const char *format, const uint64_t *args)
{
    return scan_string(text, SIZE_MAX, false, format, args, false);
}

int crt_swscanf(const uint64_t *a)
{
    return scan_string((const void *)a[0], SIZE_MAX, true, (const void *)a[1], a + 2, false);
}

int crt_swscanf_s(const uint64_t *a)
{
    return scan_string((const void *)a[0], SIZE_MAX, true, (const void *)a[1], a + 2, true);
}

int crt_fscanf(const uint64_t *a)
{
    return scan_file((struct crt_file *)a[0], false, (const void *)a[1], a + 2, false);
}

int crt_scanf(const uint64_t *a)
{
    return scan_file(crt_iob(), false, (const void *)a[0], a + 1, false);
}

int crt_scanf_s(const uint64_t *a)
{
    return scan_file(crt_iob(), false, (const void *)a[0], a + 1, true);
}

int crt_fwscanf(const uint64_t *a)
{
    return scan_file((struct crt_file *)a[0], true, (const void *)a[1], a + 2, false);
}

int crt_wscanf(const uint64_t *a)
{
    return scan_file(crt_iob(), true, (const void *)a[0], a + 1, false);
}

/* UCRT: option 1 is the secure form. */
int crt___stdio_common_vsscanf(uint64_t options, const char *text, uint64_t length, const char *format, void *locale, const uint64_t *args)
{
    return scan_string(text, length, false, format, args, (options & 1) != 0);
}

int crt___stdio_common_vswscanf(uint64_t options, const WCHAR *text, uint64_t length, const WCHAR *format, void *locale, const uint64_t *args)
{
    return scan_string(text, length, true, format, args, (options & 1) != 0);
}

int crt___stdio_common_vfscanf(uint64_t options, struct crt_file *f, const char *format, void *locale, const uint64_t *args)
{
    return scan_file(f, false, format, args, (options & 1) != 0);
}

int crt___stdio_common_vfwscanf(uint64_t options, struct crt_file *f, const WCHAR *format, void *locale, const uint64_t *args)
{
    return scan_file(f, true, format, args, (options & 1) != 0);
}
