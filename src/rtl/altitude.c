/* Altitudes are compared as numbers, digit by digit: they may be longer than any integer. */
#include "rtl/altitude.h"

struct digits {
    const WCHAR *whole, *fraction;
    unsigned whole_count, fraction_count;
};

static struct digits split(const UNICODE_STRING *a)
{
    struct digits d = { .whole = a->Buffer };
    unsigned n = a->Length / 2u, i = 0;
    while (i < n && a->Buffer[i] == '0')
        i++;
    d.whole = a->Buffer + i;
    while (i < n && a->Buffer[i] != '.')
        i++;
    d.whole_count = (unsigned)(a->Buffer + i - d.whole);
    d.fraction = a->Buffer + i + (i < n);
    d.fraction_count = i < n ? n - i - 1 : 0;
    while (d.fraction_count && d.fraction[d.fraction_count - 1] == '0')
        d.fraction_count--;
    return d;
}

bool rtl_altitude_is_valid(const UNICODE_STRING *a)
{
    unsigned n = a->Length / 2u, points = 0;
    for (unsigned i = 0; i < n; i++) {
        bool point = a->Buffer[i] == '.';
        points += point;
        if ((!point && (a->Buffer[i] < '0' || a->Buffer[i] > '9')) || points > 1)
            return false;
    }
    return n > points;
}

int rtl_altitude_compare(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
    struct digits x = split(a), y = split(b);
    if (x.whole_count != y.whole_count)
        return x.whole_count < y.whole_count ? -1 : 1;
    for (unsigned i = 0; i < x.whole_count; i++)
        if (x.whole[i] != y.whole[i])
            return x.whole[i] < y.whole[i] ? -1 : 1;
    for (unsigned i = 0; i < x.fraction_count || i < y.fraction_count; i++) {
        WCHAR p = i < x.fraction_count ? x.fraction[i] : '0', q = i < y.fraction_count ? y.fraction[i] : '0';
        if (p != q)
            return p < q ? -1 : 1;
    }
    return 0;
}
