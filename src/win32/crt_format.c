/* printf's formatting as Microsoft's run-times do it: I64 and w prefixes, %S and %C, %Z, three-digit exponents of msvcrt. */
#include "win32/crt.h"

#include <math.h>
#include <stdio.h>

enum { PRECISION_MAX = 1000, NUMBER_ROOM = 1400 };

enum size_prefix { SIZE_NONE, SIZE_HH, SIZE_H, SIZE_L, SIZE_LL, SIZE_I, SIZE_I32, SIZE_W, SIZE_LONG_DOUBLE };

struct spec {
    bool left, plus, space, alternate, zero;
    int width, precision; /* precision -1: none */
    enum size_prefix size;
    unsigned conversion;
};

struct formatter {
    struct crt_out *out;
    const uint8_t *narrow;
    const WCHAR *wide;
    const uint64_t *args;
    unsigned flags;
    uint64_t count;
};

static unsigned peek(const struct formatter *f)
{
    return f->wide ? *f->wide : *f->narrow;
}

static unsigned next(struct formatter *f)
{
    return f->wide ? *f->wide++ : *f->narrow++;
}

static void put(struct formatter *f, const char *s, size_t n)
{
    if (n)
        f->out->narrow(f->out, s, n);
    f->count += n;
}

static void put_wide(struct formatter *f, const WCHAR *s, size_t n)
{
    if (n)
        f->out->wide(f->out, s, n);
    f->count += n;
}

static void pad(struct formatter *f, char c, int64_t n)
{
    char block[32];
    memset(block, c, sizeof block);
    for (; n > 0; n -= (int64_t)sizeof block)
        put(f, block, n < (int64_t)sizeof block ? (size_t)n : sizeof block);
}

/* ---- the parts of a specification ---- */

static bool take_flag(struct spec *s, unsigned c)
{
    switch (c) {
    case '-':
        s->left = true;
        return true;
    case '+':
        s->plus = true;
        return true;
    case ' ':
        s->space = true;
        return true;
    case '#':
        s->alternate = true;
        return true;
    case '0':
        s->zero = true;
        return true;
    default:
        return false;
    }
}

static int take_number(struct formatter *f)
{
    int n = 0;
    while (peek(f) >= '0' && peek(f) <= '9') {
        n = n * 10 + (int)(next(f) - '0');
        if (n > 1 << 24)
            n = 1 << 24;
    }
    return n;
}

static void take_width(struct formatter *f, struct spec *s)
{
    if (peek(f) != '*') {
        s->width = take_number(f);
        return;
    }
    next(f);
    s->width = (int32_t)*f->args++;
    if (s->width < 0) {
        s->left = true;
        s->width = -s->width;
    }
}

static void take_precision(struct formatter *f, struct spec *s)
{
    s->precision = -1;
    if (peek(f) != '.')
        return;
    next(f);
    if (peek(f) == '*') {
        next(f);
        s->precision = (int32_t)*f->args++;
        if (s->precision < 0)
            s->precision = -1;
    } else {
        s->precision = take_number(f);
    }
}

static enum size_prefix take_size_i(struct formatter *f)
{
    unsigned a = f->wide ? f->wide[0] : f->narrow[0];
    unsigned b = a ? (f->wide ? f->wide[1] : f->narrow[1]) : 0;
    if ((a == '6' && b == '4') || (a == '3' && b == '2')) {
        next(f);
        next(f);
        return a == '6' ? SIZE_LL : SIZE_I32;
    }
    return SIZE_I;
}

static enum size_prefix take_size(struct formatter *f)
{
    switch (peek(f)) {
    case 'h':
        next(f);
        if (peek(f) != 'h')
            return SIZE_H;
        next(f);
        return SIZE_HH;
    case 'l':
        next(f);
        if (peek(f) != 'l')
            return SIZE_L;
        next(f);
        return SIZE_LL;
    case 'I':
        next(f);
        return take_size_i(f);
    case 'j':
        next(f);
        return SIZE_LL;
    case 'z':
    case 't':
        next(f);
        return SIZE_I;
    case 'L':
        next(f);
        return SIZE_LONG_DOUBLE;
    case 'w':
        next(f);
        return SIZE_W;
    default:
        return SIZE_NONE;
    }
}

/* ---- conversions ---- */

/* prefix and digits with zeros and blanks around them. */
static void put_number(struct formatter *f, const struct spec *s, const char *prefix, const char *digits, size_t n, int64_t zeros)
{
    size_t p = strlen(prefix);
    int64_t blanks = s->width - (int64_t)(p + n) - (zeros > 0 ? zeros : 0);
    if (!s->left)
        pad(f, ' ', blanks);
    put(f, prefix, p);
    pad(f, '0', zeros);
    put(f, digits, n);
    if (s->left)
        pad(f, ' ', blanks);
}

static void put_integer(struct formatter *f, const struct spec *s, uint64_t v, const char *sign)
{
    unsigned base = s->conversion == 'o' ? 8 : s->conversion == 'x' || s->conversion == 'X' || s->conversion == 'p' ? 16 : 10;
    const char *alphabet = s->conversion == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    char digits[32], *p = digits + sizeof digits;
    bool nonzero = v != 0;
    for (; v; v /= base)
        *--p = alphabet[v % base];
    int64_t n = digits + sizeof digits - p;
    const char *prefix = sign;
    if (s->alternate && nonzero && base == 16 && s->conversion != 'p')
        prefix = s->conversion == 'x' ? "0x" : "0X";
    int64_t zeros = (s->precision >= 0 ? s->precision : 1) - n;
    if (s->alternate && base == 8 && zeros <= 0)
        zeros = nonzero ? 1 : zeros;
    if (s->precision < 0 && s->zero && !s->left) {
        int64_t fill = s->width - n - (int64_t)strlen(prefix);
        zeros = fill > zeros ? fill : zeros;
    }
    put_number(f, s, prefix, p, (size_t)n, zeros);
}

static int64_t signed_argument(const struct spec *s, uint64_t v)
{
    switch (s->size) {
    case SIZE_HH:
        return (int8_t)v;
    case SIZE_H:
        return (int16_t)v;
    case SIZE_LL:
    case SIZE_I:
        return (int64_t)v;
    default:
        return (int32_t)v;
    }
}

static uint64_t unsigned_argument(const struct spec *s, uint64_t v)
{
    switch (s->size) {
    case SIZE_HH:
        return (uint8_t)v;
    case SIZE_H:
        return (uint16_t)v;
    case SIZE_LL:
    case SIZE_I:
        return v;
    default:
        return (uint32_t)v;
    }
}

static void put_signed(struct formatter *f, const struct spec *s)
{
    int64_t v = signed_argument(s, *f->args++);
    put_integer(f, s, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "");
}

static void put_unsigned(struct formatter *f, const struct spec *s)
{
    put_integer(f, s, unsigned_argument(s, *f->args++), "");
}

static void put_pointer(struct formatter *f, struct spec *s)
{
    s->precision = 16;
    put_integer(f, s, *f->args++, "");
}

/* Text of an infinity or a NaN without its sign. */
static const char *special_text(double v, bool msvcrt, bool upper, bool negative)
{
    if (msvcrt)
        return isinf(v) ? "1.#INF" : negative ? "1.#IND" : "1.#QNAN";
    if (isinf(v))
        return upper ? "INF" : "inf";
    return negative ? (upper ? "NAN(IND)" : "nan(ind)") : (upper ? "NAN" : "nan");
}

/* msvcrt writes at least three digits of a decimal exponent. */
static size_t widen_exponent(char *text, size_t n)
{
    char *e = memchr(text, 'e', n);
    if (!e)
        e = memchr(text, 'E', n);
    if (!e || text + n - e != 4)
        return n;
    memmove(e + 3, e + 2, 2);
    e[2] = '0';
    return n + 1;
}

/* msvcrt rounds a tie away from zero, the host's library to even. A tie at `precision` has its last digit, a 5, right behind it:
 * then one digit more is exact. */
static size_t round_tie_away(char *text, size_t size, int precision, double v)
{
    if (precision > 50 || fmod(ldexp(v, precision + 1), 1) != 0)
        return 0;
    size_t n = (size_t)snprintf(text + 1, size - 1, "%.*f", precision + 1, v);
    if (text[n] != '5')
        return 0;
    text[0] = '0'; /* room for a carry */
    n -= precision == 0 ? 2 : 1; /* without the 5, and without the point */
    for (size_t i = n;; i--) {
        if (text[i] == '.')
            continue;
        if (text[i] != '9') {
            text[i]++;
            break;
        }
        text[i] = '0';
    }
    if (text[0] == '0') {
        memmove(text, text + 1, n);
        return n;
    }
    return n + 1;
}

static void put_double(struct formatter *f, const struct spec *s)
{
    double v;
    memcpy(&v, f->args++, 8);
    bool negative = signbit(v) != 0, msvcrt = (f->flags & FORMAT_MSVCRT) != 0;
    const char *sign = negative ? "-" : s->plus ? "+" : s->space ? " " : "";
    unsigned c = s->conversion;
    if (!isfinite(v)) {
        char text[64];
        size_t n = (size_t)snprintf(text, sizeof text, "%s", special_text(v, msvcrt, c < 'a', negative));
        /* msvcrt fills up to the precision as if these were digits: 1.#INF00e+000 */
        if (msvcrt && c != 'g' && c != 'G') {
            for (int digits = (int)n - 2; digits < (s->precision < 0 ? 6 : s->precision) && n < sizeof text - 8; digits++)
                text[n++] = '0';
            if ((c | 0x20) == 'e')
                n += (size_t)snprintf(text + n, sizeof text - n, "%c+000", (char)c);
        }
        put_number(f, s, sign, text, n, 0);
        return;
    }
    char format[8] = "%", text[NUMBER_ROOM];
    snprintf(format + 1, sizeof format - 1, "%s.*%c", s->alternate ? "#" : "", (char)c);
    int precision = s->precision > PRECISION_MAX ? PRECISION_MAX : s->precision;
    if (precision < 0)
        precision = c == 'a' || c == 'A' ? 13 : 6;
    size_t n = (size_t)snprintf(text, sizeof text - 2, format, precision, fabs(v));
    if (msvcrt && c != 'a' && c != 'A')
        n = widen_exponent(text, n);
    if (msvcrt && (c == 'f' || c == 'F') && !s->alternate) {
        char tied[NUMBER_ROOM];
        size_t k = round_tie_away(tied, sizeof tied, precision, fabs(v));
        if (k)
            memcpy(text, tied, n = k);
    }
    int64_t zeros = s->zero && !s->left ? s->width - (int64_t)(strlen(sign) + n) : 0;
    if (c == 'a' || c == 'A') { /* zeros belong behind 0x */
        char prefix[4];
        snprintf(prefix, sizeof prefix, "%s%.2s", sign, text);
        put_number(f, s, prefix, text + 2, n - 2, zeros);
        return;
    }
    put_number(f, s, sign, text, n, zeros);
}

static bool is_wide_text(const struct formatter *f, const struct spec *s)
{
    if (s->size == SIZE_H)
        return false;
    if (s->size == SIZE_L || s->size == SIZE_W || s->size == SIZE_LL)
        return true;
    bool as_format = f->wide && (f->flags & FORMAT_S_AS_FORMAT);
    /* Capital letters mean the other width. */
    return s->conversion == 's' || s->conversion == 'c' ? as_format : !f->wide || !(f->flags & FORMAT_S_AS_FORMAT);
}

static void put_text(struct formatter *f, const struct spec *s, const char *text, size_t n, bool wide)
{
    int64_t blanks = s->width - (int64_t)n;
    if (!s->left)
        pad(f, s->zero ? '0' : ' ', blanks);
    if (wide)
        put_wide(f, (const WCHAR *)text, n);
    else
        put(f, text, n);
    if (s->left)
        pad(f, ' ', blanks);
}

static void put_string(struct formatter *f, const struct spec *s)
{
    const char *text = (const char *)*f->args++;
    bool wide = text && is_wide_text(f, s);
    if (!text)
        text = "(null)";
    size_t n = 0, most = s->precision >= 0 ? (size_t)s->precision : SIZE_MAX;
    while (n < most && (wide ? ((const WCHAR *)text)[n] != 0 : text[n] != 0))
        n++;
    put_text(f, s, text, n, wide);
}

static void put_char(struct formatter *f, const struct spec *s)
{
    uint64_t v = *f->args++;
    WCHAR w = (WCHAR)v;
    char c = (char)v;
    bool wide = is_wide_text(f, s);
    put_text(f, s, wide ? (const char *)&w : &c, 1, wide);
}

/* %Z: a counted string. */
static void put_counted(struct formatter *f, const struct spec *s)
{
    const UNICODE_STRING *u = (const UNICODE_STRING *)*f->args++;
    bool wide = s->size == SIZE_W || s->size == SIZE_L;
    if (!u || !u->Buffer)
        put_text(f, s, "(null)", 6, false);
    else
        put_text(f, s, (const char *)u->Buffer, wide ? u->Length / 2 : u->Length, wide);
}

static bool convert(struct formatter *f, struct spec *s)
{
    switch (s->conversion) {
    case 'd':
    case 'i':
        put_signed(f, s);
        return true;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        put_unsigned(f, s);
        return true;
    case 'p':
        put_pointer(f, s);
        return true;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        put_double(f, s);
        return true;
    case 's':
    case 'S':
        put_string(f, s);
        return true;
    case 'c':
    case 'C':
        put_char(f, s);
        return true;
    case 'Z':
        put_counted(f, s);
        return true;
    default:
        return false;
    }
}

static void put_unit(struct formatter *f, unsigned c)
{
    if (f->wide) {
        WCHAR w = (WCHAR)c;
        put_wide(f, &w, 1);
    } else {
        char n = (char)c;
        put(f, &n, 1);
    }
}

/* Text up to the next % in one piece. */
static void put_literal(struct formatter *f)
{
    size_t n = 0;
    if (f->wide) {
        while (f->wide[n] && f->wide[n] != '%')
            n++;
        put_wide(f, f->wide, n);
        f->wide += n;
    } else {
        while (f->narrow[n] && f->narrow[n] != '%')
            n++;
        put(f, (const char *)f->narrow, n);
        f->narrow += n;
    }
}

int crt_format(struct crt_out *o, const void *format, const uint64_t *args, unsigned flags)
{
    struct formatter f = { .out = o, .args = args, .flags = flags };
    if (flags & FORMAT_WIDE)
        f.wide = format;
    else
        f.narrow = format;
    for (;;) {
        put_literal(&f);
        if (!peek(&f))
            break;
        next(&f);
        struct spec s = { 0 };
        while (take_flag(&s, peek(&f)))
            next(&f);
        take_width(&f, &s);
        take_precision(&f, &s);
        s.size = take_size(&f);
        if (!peek(&f))
            break;
        s.conversion = next(&f);
        /* %n is refused by default; an unknown letter is written as it is. */
        if (s.conversion == 'n')
            return crt_invalid_parameter(CRT_EINVAL);
        if (!convert(&f, &s))
            put_unit(&f, s.conversion);
    }
    return o->failed || f.count > INT32_MAX ? -1 : (int)f.count;
}
