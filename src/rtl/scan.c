/* The sscanf family. Input and format are both narrow or both wide; arguments are pointers to where results go.
 *
 * The secure forms take the size of the buffer, in characters, after the pointer of each %s, %c and %[. A result that does
 * not fit there ends the scan and leaves the empty string. */
#include <stdlib.h>
#include <string.h>

#include "rtl/crt.h"
#include "rtl/nls.h"

struct scanner {
    const void *input;
    size_t position;
    size_t limit; /* characters of input that may be read */
    const void *format;
    size_t at; /* in format */
    const uint64_t *args;
    int wide;
    int secure;
    int assigned;
};

struct conversion {
    int suppress;
    int width; /* 0: none */
    char size; /* 0, 'H' char, 'h', 'l', 'L' 64 bits, 'w' */
    WCHAR type;
};

static WCHAR char_at(const struct scanner *s, const void *text, size_t i)
{
    return s->wide ? ((const WCHAR *)text)[i] : ((const UCHAR *)text)[i];
}

static WCHAR format_char(const struct scanner *s)
{
    return char_at(s, s->format, s->at);
}

static WCHAR input_char(const struct scanner *s)
{
    return s->position < s->limit ? char_at(s, s->input, s->position) : 0;
}

static int is_space(WCHAR c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static void skip_space(struct scanner *s)
{
    while (is_space(input_char(s)))
        s->position++;
}

static int accept(struct scanner *s, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (char_at(s, s->format, s->at + i) != (WCHAR)text[i])
            return 0;
    s->at += strlen(text);
    return 1;
}

static void read_size(struct scanner *s, struct conversion *c)
{
    if (accept(s, "I64") || accept(s, "ll") || accept(s, "L") || accept(s, "z") || accept(s, "t") || accept(s, "j"))
        c->size = 'L';
    else if (accept(s, "I32"))
        c->size = 0;
    else if (accept(s, "I"))
        c->size = 'L';
    else if (accept(s, "hh"))
        c->size = 'H';
    else if (accept(s, "h"))
        c->size = 'h';
    else if (accept(s, "l"))
        c->size = 'l';
    else if (accept(s, "w"))
        c->size = 'w';
}

static struct conversion read_conversion(struct scanner *s)
{
    struct conversion c = {0};
    c.suppress = accept(s, "*");
    for (; format_char(s) >= '0' && format_char(s) <= '9'; s->at++)
        if (c.width < 100000)
            c.width = c.width * 10 + (format_char(s) - '0');
    read_size(s, &c);
    c.type = format_char(s);
    if (c.type)
        s->at++;
    return c;
}

static int digit_value(WCHAR c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static void store_integer(struct scanner *s, const struct conversion *c, uint64_t value)
{
    void *to = (void *)*s->args++;
    if (c->size == 'L' || c->type == 'p')
        *(uint64_t *)to = value;
    else if (c->size == 'h')
        *(uint16_t *)to = (uint16_t)value;
    else if (c->size == 'H')
        *(uint8_t *)to = (uint8_t)value;
    else
        *(uint32_t *)to = (uint32_t)value;
}

static int base_of(WCHAR type)
{
    return type == 'x' || type == 'X' || type == 'p' ? 16 : type == 'o' ? 8 : type == 'i' ? 0 : 10;
}

/* Input characters this conversion may still take. */
static int has_room(const struct scanner *s, const struct conversion *c, size_t begin)
{
    return !c->width || s->position - begin < (size_t)c->width;
}

static int scan_integer(struct scanner *s, const struct conversion *c)
{
    int base = base_of(c->type);
    uint64_t value = 0;
    skip_space(s);
    size_t begin = s->position;
    int negative = input_char(s) == '-';
    if (negative || input_char(s) == '+')
        s->position++;
    int digits = 0;
    if ((base == 0 || base == 16) && input_char(s) == '0' && has_room(s, c, begin)) {
        s->position++;
        digits++;
        if ((input_char(s) | 0x20) == 'x' && has_room(s, c, begin)) {
            s->position++;
            digits = 0;
            base = 16;
        } else if (base == 0) {
            base = 8;
        }
    }
    if (base == 0)
        base = 10;
    for (; digit_value(input_char(s)) < base && has_room(s, c, begin); s->position++, digits++)
        value = value * (unsigned)base + (unsigned)digit_value(input_char(s));
    if (!digits)
        return 0;
    if (!c->suppress) {
        store_integer(s, c, negative ? 0 - value : value);
        s->assigned++;
    }
    return 1;
}

static int is_float_char(WCHAR c)
{
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

static int scan_float(struct scanner *s, const struct conversion *c)
{
    char text[128];
    char *end;
    size_t n = 0;
    skip_space(s);
    size_t begin = s->position;
    while (n + 1 < sizeof text && is_float_char(input_char(s)) && has_room(s, c, begin)) {
        text[n++] = (char)input_char(s);
        s->position++;
    }
    text[n] = 0;
    double value = strtod(text, &end);
    s->position = begin + (size_t)(end - text);
    if (end == text)
        return 0;
    if (!c->suppress) {
        void *to = (void *)*s->args++;
        if (c->size == 'l' || c->size == 'L')
            *(double *)to = value;
        else
            *(float *)to = (float)value;
        s->assigned++;
    }
    return 1;
}

/* A set of characters: everything but space for %s, everything for %c, the listed ones for %[. */
struct char_set {
    WCHAR kind;
    const void *list;
    size_t count;
    int inverted;
};

static int in_set(const struct scanner *s, const struct char_set *set, WCHAR c)
{
    if (set->kind == 'c')
        return 1;
    if (set->kind == 's')
        return !is_space(c);
    for (size_t i = 0; i < set->count; i++) {
        WCHAR low = char_at(s, set->list, i);
        WCHAR high = low;
        if (i + 2 < set->count && char_at(s, set->list, i + 1) == '-') {
            high = char_at(s, set->list, i + 2);
            i += 2;
        }
        if (c >= low && c <= high)
            return !set->inverted;
    }
    return set->inverted;
}

static struct char_set read_list(struct scanner *s)
{
    struct char_set set = {.kind = '['};
    set.inverted = accept(s, "^");
    size_t begin = s->at;
    if (format_char(s) == ']')
        s->at++;
    while (format_char(s) && format_char(s) != ']')
        s->at++;
    set.list = s->wide ? (const void *)((const WCHAR *)s->format + begin) : (const void *)((const UCHAR *)s->format + begin);
    set.count = s->at - begin;
    if (format_char(s))
        s->at++;
    return set;
}

static void store_char(void *to, int to_wide, size_t i, int from_wide, WCHAR c)
{
    if (to_wide)
        ((WCHAR *)to)[i] = from_wide ? c : rtl_ansi_to_wide((UCHAR)c);
    else
        ((CHAR *)to)[i] = (CHAR)(from_wide ? rtl_wide_to_ansi(c) : (UCHAR)c);
}

static int scan_text(struct scanner *s, const struct conversion *c, struct char_set set)
{
    int capital = c->type == 'S' || c->type == 'C';
    int to_wide = c->size == 'h' ? 0 : c->size == 'l' || c->size == 'w' ? 1 : capital ? !s->wide : s->wide;
    int terminate = set.kind != 'c';
    size_t max = c->width ? (size_t)c->width : set.kind == 'c' ? 1 : (size_t)-1;
    void *to = NULL;
    size_t size = (size_t)-1;
    if (!c->suppress) {
        to = (void *)*s->args++;
        if (s->secure)
            size = (uint32_t)*s->args++;
    }
    size_t n = 0;
    for (; n < max && s->position < s->limit && input_char(s) && in_set(s, &set, input_char(s)); n++, s->position++) {
        if (to && n + (size_t)terminate >= size) {
            if (size)
                store_char(to, to_wide, 0, 1, 0);
            return 0;
        }
        if (to)
            store_char(to, to_wide, n, s->wide, input_char(s));
    }
    if (!n || (set.kind == 'c' && n < max))
        return 0;
    if (to) {
        if (terminate)
            store_char(to, to_wide, n, 1, 0);
        s->assigned++;
    }
    return 1;
}

static int scan_conversion(struct scanner *s)
{
    struct conversion c = read_conversion(s);
    switch (c.type) {
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
    case 'p':
        return scan_integer(s, &c);
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
        return scan_float(s, &c);
    case 's':
    case 'S':
        skip_space(s);
        return scan_text(s, &c, (struct char_set){.kind = 's'});
    case 'c':
    case 'C':
        return scan_text(s, &c, (struct char_set){.kind = 'c'});
    case '[':
        return scan_text(s, &c, read_list(s));
    case 'n':
        if (!c.suppress)
            store_integer(s, &c, s->position);
        return 1;
    default:
        if (!c.type || input_char(s) != c.type)
            return 0;
        s->position++;
        return 1;
    }
}

/* Returns how many results were stored; -1 if the input ended before the first. */
static int scan(struct scanner *s)
{
    int failed = 0;
    for (WCHAR f; !failed && (f = format_char(s)) != 0;) {
        if (is_space(f)) {
            s->at++;
            skip_space(s);
        } else if (f == '%') {
            s->at++;
            failed = !scan_conversion(s);
        } else if (input_char(s) == f) {
            s->at++;
            s->position++;
        } else {
            failed = 1;
        }
    }
    return failed && !s->assigned && !input_char(s) ? -1 : s->assigned;
}

static int scan_string(int wide, int secure, uint64_t input, size_t limit, uint64_t format, const uint64_t *args)
{
    struct scanner s = {.input = (const void *)input,
                        .limit = limit,
                        .format = (const void *)format,
                        .args = args,
                        .wide = wide,
                        .secure = secure};
    return scan(&s);
}

int nt_sscanf(const uint64_t *a)
{
    return scan_string(0, 0, a[0], (size_t)-1, a[1], a + 2);
}

int nt_swscanf(const uint64_t *a)
{
    return scan_string(1, 0, a[0], (size_t)-1, a[1], a + 2);
}

int nt_sscanf_s(const uint64_t *a)
{
    return scan_string(0, 1, a[0], (size_t)-1, a[1], a + 2);
}

int nt_swscanf_s(const uint64_t *a)
{
    return scan_string(1, 1, a[0], (size_t)-1, a[1], a + 2);
}

int nt__snscanf_s(const uint64_t *a)
{
    return scan_string(0, 1, a[0], a[1], a[2], a + 3);
}

int nt__snwscanf_s(const uint64_t *a)
{
    return scan_string(1, 1, a[0], a[1], a[2], a + 3);
}
