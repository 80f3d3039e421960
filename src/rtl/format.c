/* The formatter (format.h). A specification is read into struct spec, its argument turned into text of the output's kind,
 * and the text padded; narrow and wide formats share everything but the reading of the format's characters. */
#include "rtl/format.h"

#include <string.h>

#include "rtl/nls.h"

enum flags { LEFT = 1, PLUS = 2, SPACE = 4, ALTERNATE = 8, ZERO = 16 };

/* Size prefixes. Integers: bits of the argument. Text: which kind a string or character is. */
enum size { SIZE_NONE, SIZE_CHAR, SIZE_SHORT, SIZE_LONG, SIZE_64, SIZE_WIDE };

struct spec {
    unsigned flags;
    int width;
    int precision; /* -1: none */
    enum size size;
    WCHAR type;
};

struct printer {
    struct rtl_sink *sink;
    const void *format;
    const uint64_t *args;
    size_t position; /* in format */
    int count;
    int wide; /* format and output are wide */
};

static WCHAR format_at(const struct printer *p, size_t i)
{
    return p->wide ? ((const WCHAR *)p->format)[i] : ((const UCHAR *)p->format)[i];
}

static void put(struct printer *p, WCHAR c)
{
    p->sink->put(p->sink, c);
    p->count++;
}

static void put_many(struct printer *p, WCHAR c, int n)
{
    while (n-- > 0)
        put(p, c);
}

static int parse_number(struct printer *p, int *is_star)
{
    int n = 0;
    *is_star = format_at(p, p->position) == '*';
    if (*is_star) {
        p->position++;
        return (int)*p->args++;
    }
    for (; format_at(p, p->position) >= '0' && format_at(p, p->position) <= '9'; p->position++)
        if (n < 100000)
            n = n * 10 + (format_at(p, p->position) - '0');
    return n;
}

static void parse_flags(struct printer *p, struct spec *s)
{
    for (;; p->position++) {
        switch (format_at(p, p->position)) {
        case '-':
            s->flags |= LEFT;
            break;
        case '+':
            s->flags |= PLUS;
            break;
        case ' ':
            s->flags |= SPACE;
            break;
        case '#':
            s->flags |= ALTERNATE;
            break;
        case '0':
            s->flags |= ZERO;
            break;
        default:
            return;
        }
    }
}

static int looking_at(const struct printer *p, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (format_at(p, p->position + i) != (WCHAR)text[i])
            return 0;
    return 1;
}

static void parse_size(struct printer *p, struct spec *s)
{
    static const struct {
        const char *text;
        enum size size;
    } sizes[] = {
        {"I64", SIZE_64}, {"I32", SIZE_NONE}, {"I", SIZE_64}, {"hh", SIZE_CHAR}, {"h", SIZE_SHORT}, {"ll", SIZE_64},
        {"l", SIZE_LONG}, {"L", SIZE_64},     {"w", SIZE_WIDE}, {"z", SIZE_64},  {"t", SIZE_64},   {"j", SIZE_64},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (looking_at(p, sizes[i].text)) {
            p->position += strlen(sizes[i].text);
            s->size = sizes[i].size;
            return;
        }
    }
}

static struct spec parse_spec(struct printer *p)
{
    struct spec s = {.precision = -1};
    int star;
    parse_flags(p, &s);
    s.width = parse_number(p, &star);
    if (star && s.width < 0) {
        s.flags |= LEFT;
        s.width = -s.width;
    }
    if (format_at(p, p->position) == '.') {
        p->position++;
        s.precision = parse_number(p, &star);
        if (s.precision < 0)
            s.precision = -1;
    }
    parse_size(p, &s);
    s.type = format_at(p, p->position);
    if (s.type)
        p->position++;
    return s;
}

/* Pads what put_body will write. Zeros go between the prefix (sign, 0x) and the body; the run-time pads text with zeros
 * too when asked. */
struct field {
    const char *prefix;
    const void *text;
    int length; /* characters of output */
    int text_is_wide;
};

static WCHAR convert(const struct printer *p, const struct field *f, int i)
{
    WCHAR c = f->text_is_wide ? ((const WCHAR *)f->text)[i] : ((const UCHAR *)f->text)[i];
    if (p->wide == f->text_is_wide)
        return c;
    return p->wide ? rtl_ansi_to_wide((UCHAR)c) : rtl_wide_to_ansi(c);
}

static void put_field(struct printer *p, const struct spec *s, const struct field *f)
{
    int prefix = f->prefix ? (int)strlen(f->prefix) : 0;
    int padding = s->width - f->length - prefix;
    if (!(s->flags & (LEFT | ZERO)))
        put_many(p, ' ', padding);
    for (int i = 0; i < prefix; i++)
        put(p, (WCHAR)f->prefix[i]);
    if ((s->flags & (LEFT | ZERO)) == ZERO)
        put_many(p, '0', padding);
    for (int i = 0; i < f->length; i++)
        put(p, convert(p, f, i));
    if (s->flags & LEFT)
        put_many(p, ' ', padding);
}

/* A string without a length: its end is looked for within the precision only, so that it need not be terminated. */
static int text_length(const void *text, int is_wide, int precision)
{
    int n = 0;
    while ((precision < 0 || n < precision) &&
           (is_wide ? ((const WCHAR *)text)[n] != 0 : ((const UCHAR *)text)[n] != 0))
        n++;
    return n;
}

/* %s follows the format's width, %S the other; h, l and w override both. */
static int text_is_wide(const struct printer *p, const struct spec *s, int capital)
{
    if (s->size == SIZE_SHORT || s->size == SIZE_CHAR)
        return 0;
    if (s->size == SIZE_LONG || s->size == SIZE_WIDE)
        return 1;
    return capital ? !p->wide : p->wide;
}

static void put_string(struct printer *p, const struct spec *s)
{
    struct field f = {.text = (const void *)*p->args++, .text_is_wide = text_is_wide(p, s, s->type == 'S')};
    if (!f.text) {
        f.text = "(null)";
        f.text_is_wide = 0;
    }
    f.length = text_length(f.text, f.text_is_wide, s->precision);
    put_field(p, s, &f);
}

static void put_counted_string(struct printer *p, const struct spec *s)
{
    const UNICODE_STRING *string = (const UNICODE_STRING *)*p->args++;
    /* GUESS: without w it is an ANSI_STRING in wide formats too. */
    struct field f = {.text_is_wide = s->size == SIZE_WIDE || s->size == SIZE_LONG};
    if (!string || !string->Buffer) {
        f.text = "(null)";
        f.text_is_wide = 0;
        f.length = 6;
    } else {
        f.text = string->Buffer;
        f.length = f.text_is_wide ? string->Length / 2 : string->Length;
    }
    if (s->precision >= 0 && s->precision < f.length)
        f.length = s->precision;
    put_field(p, s, &f);
}

static void put_character(struct printer *p, const struct spec *s)
{
    int is_wide = text_is_wide(p, s, s->type == 'C');
    WCHAR wide = (WCHAR)*p->args;
    UCHAR narrow = (UCHAR)*p->args++;
    struct field f = {.text = is_wide ? (void *)&wide : (void *)&narrow, .length = 1, .text_is_wide = is_wide};
    put_field(p, s, &f);
}

static uint64_t integer_argument(struct printer *p, const struct spec *s, int is_signed)
{
    uint64_t v = *p->args++;
    switch (s->size) {
    case SIZE_64:
        return v;
    case SIZE_CHAR:
        return is_signed ? (uint64_t)(int8_t)v : (uint8_t)v;
    case SIZE_SHORT:
        return is_signed ? (uint64_t)(int16_t)v : (uint16_t)v;
    default:
        return is_signed ? (uint64_t)(int32_t)v : (uint32_t)v;
    }
}

enum { MAX_DIGITS = 512 }; /* as many as a precision may ask for */

/* Writes value's digits, at least `least`, so that they end at end. */
static char *digits_before(char *end, uint64_t value, unsigned base, int upper, int least)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *begin = end;
    while (value || least > 0) {
        *--begin = digits[value % base];
        value /= base;
        least--;
    }
    return begin;
}

static void put_integer(struct printer *p, struct spec *s, uint64_t value, unsigned base, const char *prefix, int upper)
{
    char text[MAX_DIGITS + 2];
    char *end = text + sizeof text;
    int least = s->precision < 0 ? 1 : s->precision > MAX_DIGITS ? MAX_DIGITS : s->precision;
    if (s->precision >= 0)
        s->flags &= ~(unsigned)ZERO;
    char *begin = digits_before(end, value, base, upper, least);
    if (base == 8 && (s->flags & ALTERNATE) && (begin == end || *begin != '0'))
        *--begin = '0';
    struct field f = {.prefix = prefix, .text = begin, .length = (int)(end - begin)};
    put_field(p, s, &f);
}

static void put_signed(struct printer *p, struct spec *s)
{
    int64_t value = (int64_t)integer_argument(p, s, 1);
    const char *prefix = value < 0 ? "-" : s->flags & PLUS ? "+" : s->flags & SPACE ? " " : "";
    put_integer(p, s, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, prefix, 0);
}

static void put_unsigned(struct printer *p, struct spec *s)
{
    uint64_t value = integer_argument(p, s, 0);
    int upper = s->type == 'X';
    unsigned base = s->type == 'u' ? 10 : s->type == 'o' ? 8 : 16;
    const char *prefix = base == 16 && (s->flags & ALTERNATE) && value ? (upper ? "0X" : "0x") : "";
    put_integer(p, s, value, base, prefix, upper);
}

static void put_pointer(struct printer *p, struct spec *s)
{
    uint64_t value = *p->args++;
    s->precision = 16;
    put_integer(p, s, value, 16, s->flags & ALTERNATE && value ? "0X" : "", 1);
}

static void put_double(struct printer *p, struct spec *s)
{
    char text[RTL_DOUBLE_TEXT];
    double value;
    uint64_t bits = *p->args++;
    memcpy(&value, &bits, sizeof value);
    struct rtl_double_spec d = {(char)s->type, s->precision, (s->flags & ALTERNATE) != 0};
    struct field f = {.text = text, .length = rtl_format_double(text, value, d)};
    f.prefix = bits >> 63 ? "-" : s->flags & PLUS ? "+" : s->flags & SPACE ? " " : "";
    put_field(p, s, &f);
}

static void put_spec(struct printer *p)
{
    struct spec s = parse_spec(p);
    switch (s.type) {
    case 0:
        return;
    case 'd':
    case 'i':
        put_signed(p, &s);
        return;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        put_unsigned(p, &s);
        return;
    case 'p':
        put_pointer(p, &s);
        return;
    case 'c':
    case 'C':
        put_character(p, &s);
        return;
    case 's':
    case 'S':
        put_string(p, &s);
        return;
    case 'Z':
        put_counted_string(p, &s);
        return;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        put_double(p, &s);
        return;
    case 'n': /* stores nothing: a format must not write to memory */
        p->args++;
        return;
    default: /* "%%", and a letter that means nothing is printed as it is */
        put(p, s.type);
    }
}

static int format(struct printer *p)
{
    for (WCHAR c; (c = format_at(p, p->position)) != 0;) {
        p->position++;
        if (c == '%')
            put_spec(p);
        else
            put(p, c);
    }
    return p->count;
}

int rtl_format(struct rtl_sink *sink, const char *text, const uint64_t *args)
{
    struct printer p = {.sink = sink, .format = text, .args = args};
    return format(&p);
}

int rtl_format_wide(struct rtl_sink *sink, const WCHAR *text, const uint64_t *args)
{
    struct printer p = {.sink = sink, .format = text, .args = args, .wide = 1};
    return format(&p);
}

static void put_narrow(struct rtl_sink *sink, WCHAR c)
{
    struct rtl_buffer_sink *b = (struct rtl_buffer_sink *)sink;
    if (b->length < b->size)
        ((char *)b->buffer)[b->length] = (char)c;
    b->length++;
}

static void put_wide(struct rtl_sink *sink, WCHAR c)
{
    struct rtl_buffer_sink *b = (struct rtl_buffer_sink *)sink;
    if (b->length < b->size)
        ((WCHAR *)b->buffer)[b->length] = c;
    b->length++;
}

void rtl_buffer_sink_init(struct rtl_buffer_sink *b, char *buffer, size_t size)
{
    *b = (struct rtl_buffer_sink){.sink.put = put_narrow, .buffer = buffer, .size = size};
}

void rtl_wide_buffer_sink_init(struct rtl_buffer_sink *b, WCHAR *buffer, size_t size)
{
    *b = (struct rtl_buffer_sink){.sink.put = put_wide, .buffer = buffer, .size = size};
}
