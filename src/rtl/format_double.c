/* Doubles as text, as msvcrt.dll and the kernel's C run-time print them (format.h).
 *
 * GUESS: the legacy run-time works from 17 correctly rounded significant digits, prints zeros after them, rounds halves
 * up, writes exponents with at least three digits and infinities as 1.#INF; the universal run-time differs in all four. */
#include "rtl/format.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS = 17, MAX_PRECISION = 512 };

struct decimal {
    char digit[DIGITS + 1]; /* '0'..'9' */
    int count;
    int exponent; /* of the first digit: d.ddd * 10^exponent */
};

/* snprintf is used on our own memory only; in the C locale its result is exact on every host. */
static void to_decimal(double value, struct decimal *d)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", DIGITS - 1, value);
    d->digit[0] = text[0];
    memcpy(d->digit + 1, text + 2, DIGITS - 1);
    d->count = DIGITS;
    d->exponent = 0;
    int sign = text[DIGITS + 2] == '-' ? -1 : 1;
    for (const char *p = text + DIGITS + 3; *p; p++)
        d->exponent = d->exponent * 10 + (*p - '0');
    d->exponent *= sign;
}

/* Keeps the first n digits (n may be 0 or negative), halves up; a carry out of the first digit raises the exponent. */
static void round_to(struct decimal *d, int n)
{
    if (n >= d->count)
        return;
    int up = n >= 0 && d->digit[n] >= '5';
    d->count = n < 0 ? 0 : n;
    int i = d->count - 1;
    while (up && i >= 0) {
        if (d->digit[i] != '9') {
            d->digit[i]++;
            return;
        }
        d->digit[i--] = '0';
    }
    if (!up)
        return;
    memmove(d->digit + 1, d->digit, (size_t)d->count);
    d->digit[0] = '1';
    d->count++;
    d->exponent++;
}

static char digit_at(const struct decimal *d, int i)
{
    return i >= 0 && i < d->count ? d->digit[i] : '0';
}

static char *put_fixed(char *out, const struct decimal *d, int precision, int point)
{
    int first = d->exponent > 0 ? d->exponent : 0;
    for (int place = first; place >= 0; place--)
        *out++ = d->exponent < 0 ? '0' : digit_at(d, d->exponent - place);
    if (precision > 0 || point)
        *out++ = '.';
    for (int i = 1; i <= precision; i++)
        *out++ = digit_at(d, d->exponent + i);
    return out;
}

static char *put_exponent(char *out, const struct decimal *d, int precision, int point, char letter)
{
    *out++ = digit_at(d, 0);
    if (precision > 0 || point)
        *out++ = '.';
    for (int i = 1; i <= precision; i++)
        *out++ = digit_at(d, i);
    int exponent = d->count && d->digit[0] != '0' ? d->exponent : 0;
    return out + sprintf(out, "%c%c%03d", letter, exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
}

static char *strip_zeros(char *begin, char *end)
{
    if (!memchr(begin, '.', (size_t)(end - begin)))
        return end;
    while (end[-1] == '0')
        end--;
    return end[-1] == '.' ? end - 1 : end;
}

static char *put_general(char *out, struct decimal *d, int precision, struct rtl_double_spec spec, int zero)
{
    if (precision == 0)
        precision = 1;
    round_to(d, precision);
    int exponent = zero ? 0 : d->exponent;
    if (exponent < -4 || exponent >= precision) {
        char mantissa[MAX_PRECISION + 40];
        char *end = put_exponent(mantissa, d, precision - 1, spec.alternate, spec.style == 'G' ? 'E' : 'e');
        char *tail = mantissa;
        while (*tail != 'e' && *tail != 'E')
            tail++;
        char *cut = spec.alternate ? tail : strip_zeros(mantissa, tail);
        memcpy(out, mantissa, (size_t)(cut - mantissa));
        out += cut - mantissa;
        memcpy(out, tail, (size_t)(end - tail));
        return out + (end - tail);
    }
    char *end = put_fixed(out, d, precision - 1 - exponent, spec.alternate);
    return spec.alternate ? end : strip_zeros(out, end);
}

/* "1.#INF", "1.#QNAN", "1.#IND": treated as digits, so that the precision cuts or pads them. */
static int put_special(char *out, uint64_t bits, struct rtl_double_spec spec)
{
    uint64_t fraction = bits & 0xFFFFFFFFFFFFFull;
    const char *name = !fraction ? "#INF" : !(fraction >> 51) ? "#SNAN" : bits == 0xFFF8000000000000ull ? "#IND" : "#QNAN";
    int precision = spec.precision < 0 ? 6 : spec.precision > MAX_PRECISION ? MAX_PRECISION : spec.precision;
    int n = (int)strlen(name);
    if (spec.style == 'g' || spec.style == 'G')
        precision = n;
    out[0] = '1';
    if (precision == 0 && !spec.alternate)
        return 1;
    out[1] = '.';
    for (int i = 0; i < precision; i++)
        out[2 + i] = i < n ? name[i] : '0';
    return 2 + precision;
}

static int put_hex(char *out, uint64_t bits, struct rtl_double_spec spec)
{
    int upper = spec.style == 'A';
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    int precision = spec.precision < 0 || spec.precision > 13 ? 13 : spec.precision;
    int exponent = (int)(bits >> 52 & 0x7FF);
    uint64_t mantissa = (bits & 0xFFFFFFFFFFFFFull) | (exponent ? 1ull << 52 : 0);
    if (precision < 13)
        mantissa += 8ull << (4 * (12 - precision));
    exponent = exponent ? exponent - 1023 : mantissa ? -1022 : 0;
    char *p = out;
    *p++ = '0';
    *p++ = upper ? 'X' : 'x';
    *p++ = digits[mantissa >> 52];
    if (precision > 0 || spec.alternate)
        *p++ = '.';
    for (int i = 0; i < precision; i++)
        *p++ = digits[mantissa >> (48 - 4 * i) & 15];
    return (int)(p - out) + sprintf(p, "%c%+d", upper ? 'P' : 'p', exponent);
}

int rtl_format_double(char out[RTL_DOUBLE_TEXT], double value, struct rtl_double_spec spec)
{
    uint64_t bits;
    struct decimal d;
    memcpy(&bits, &value, sizeof bits);
    bits &= ~(1ull << 63);
    if (bits >> 52 == 0x7FF) {
        memcpy(&bits, &value, sizeof bits);
        return put_special(out, bits, spec);
    }
    if (spec.style == 'a' || spec.style == 'A')
        return put_hex(out, bits, spec);
    memcpy(&value, &bits, sizeof bits);
    to_decimal(value, &d);
    int precision = spec.precision < 0 ? 6 : spec.precision > MAX_PRECISION ? MAX_PRECISION : spec.precision;
    switch (spec.style) {
    case 'f':
    case 'F':
        round_to(&d, d.exponent + 1 + precision);
        return (int)(put_fixed(out, &d, precision, spec.alternate) - out);
    case 'g':
    case 'G':
        return (int)(put_general(out, &d, precision, spec, bits == 0) - out);
    default:
        round_to(&d, precision + 1);
        return (int)(put_exponent(out, &d, precision, spec.alternate, spec.style) - out);
    }
}
