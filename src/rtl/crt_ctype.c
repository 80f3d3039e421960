/* Characters, conversions between char and wchar_t, rand, sorting: what is left of the C run-time. */
#include "rtl/crt.h"
#include "rtl/memory.h"
#include "rtl/nls.h"
#include "rtl/pool_hooks.h"

int nt_isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}

int nt_islower(int c)
{
    return c >= 'a' && c <= 'z';
}

int nt_isalpha(int c)
{
    return nt_isupper(c) || nt_islower(c);
}

int nt_isdigit(int c)
{
    return c >= '0' && c <= '9';
}

int nt_isxdigit(int c)
{
    return nt_isdigit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

int nt_isalnum(int c)
{
    return nt_isalpha(c) || nt_isdigit(c);
}

int nt_isspace(int c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

int nt_isprint(int c)
{
    return c >= 0x20 && c < 0x7F;
}

int nt_isgraph(int c)
{
    return c > 0x20 && c < 0x7F;
}

int nt_ispunct(int c)
{
    return nt_isgraph(c) && !nt_isalnum(c);
}

int nt_iscntrl(int c)
{
    return (c >= 0 && c < 0x20) || c == 0x7F;
}

int nt_iswalpha(ULONG c)
{
    WCHAR w = (WCHAR)c;
    return nt_isalpha(w) || (w >= 0x80 && (rtl_upcase(w) != w || rtl_downcase(w) != w));
}

int nt_iswctype(ULONG c, ULONG mask)
{
    enum { UPPER = 1, LOWER = 2, DIGIT = 4, SPACE = 8, PUNCT = 0x10, CONTROL = 0x20, BLANK = 0x40, HEX = 0x80, ALPHA = 0x100 };
    WCHAR w = (WCHAR)c;
    return ((mask & UPPER) && nt_isupper(w)) || ((mask & LOWER) && nt_islower(w)) ||
           ((mask & DIGIT) && nt_isdigit(w)) || ((mask & SPACE) && nt_isspace(w)) ||
           ((mask & PUNCT) && nt_ispunct(w)) || ((mask & CONTROL) && nt_iscntrl(w)) ||
           ((mask & BLANK) && (w == ' ' || w == '\t')) || ((mask & HEX) && nt_isxdigit(w)) ||
           ((mask & ALPHA) && nt_iswalpha(w));
}

int nt_iswdigit(ULONG c)
{
    return nt_isdigit((WCHAR)c);
}

int nt_iswxdigit(ULONG c)
{
    return nt_isxdigit((WCHAR)c);
}

int nt_iswspace(ULONG c)
{
    return nt_isspace((WCHAR)c);
}

int nt_iswlower(ULONG c)
{
    return nt_islower((WCHAR)c);
}

int nt_iswupper(ULONG c)
{
    return nt_isupper((WCHAR)c);
}

int nt_tolower(int c)
{
    return nt_isupper(c) ? c + 32 : c;
}

int nt_toupper(int c)
{
    return nt_islower(c) ? c - 32 : c;
}

WCHAR nt_towlower(ULONG c)
{
    return rtl_downcase((WCHAR)c);
}

WCHAR nt_towupper(ULONG c)
{
    return rtl_upcase((WCHAR)c);
}

size_t nt_mbstowcs(WCHAR *to, const CHAR *from, size_t count)
{
    size_t i = 0;
    for (; !to || i < count; i++) {
        if (to)
            to[i] = rtl_ansi_to_wide((UCHAR)from[i]);
        if (!from[i])
            break;
    }
    return i;
}

size_t nt_wcstombs(CHAR *to, const WCHAR *from, size_t count)
{
    size_t i = 0;
    for (; !to || i < count; i++) {
        if (to)
            to[i] = (CHAR)rtl_wide_to_ansi(from[i]);
        if (!from[i])
            break;
    }
    return i;
}

int nt_mbtowc(WCHAR *to, const CHAR *from, size_t count)
{
    if (!from || !count)
        return 0;
    if (to)
        *to = rtl_ansi_to_wide((UCHAR)*from);
    return *from != 0;
}

int nt_wctomb(CHAR *to, ULONG c)
{
    if (!to)
        return 0;
    UCHAR byte = rtl_wide_to_ansi((WCHAR)c);
    *to = (CHAR)byte;
    return byte == '?' && (WCHAR)c != '?' ? -1 : 1;
}

/* The constants every release of the run-time has had. */
int nt_rand(void)
{
    uint32_t *state = rtl_rand_state();
    *state = *state * 214013u + 2531011u;
    return (int)(*state >> 16 & 0x7FFF);
}

void nt_srand(ULONG seed)
{
    *rtl_rand_state() = seed;
}

int nt_abs(int value)
{
    return value < 0 ? (int)(0 - (unsigned)value) : value;
}

LONG nt_labs(LONG value)
{
    return nt_abs(value);
}

static int compare_elements(PVOID compare, const void *a, const void *b)
{
    return (int)guest_call(0, compare, 2, (uint64_t)a, (uint64_t)b);
}

static void swap_bytes(UCHAR *a, UCHAR *b, size_t size)
{
    for (size_t i = 0; a != b && i < size; i++) {
        UCHAR c = a[i];
        a[i] = b[i];
        b[i] = c;
    }
}

static void sift_down(UCHAR *base, size_t root, size_t count, size_t size, PVOID compare)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare_elements(compare, base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare_elements(compare, base + root * size, base + child * size) >= 0)
            return;
        swap_bytes(base + root * size, base + child * size, size);
    }
}

/* A heap sort: it needs no memory and no recursion across the guest's comparisons. The order of equal elements and of
 * the calls is not Windows's. */
void nt_qsort(void *base, size_t count, size_t size, PVOID compare)
{
    if (count < 2 || !size)
        return;
    for (size_t i = count / 2; i-- > 0;)
        sift_down(base, i, count, size, compare);
    for (size_t end = count - 1; end > 0; end--) {
        swap_bytes(base, (UCHAR *)base + end * size, size);
        sift_down(base, 0, end, size, compare);
    }
}

void *nt_bsearch(const void *key, const void *base, size_t count, size_t size, PVOID compare)
{
    const UCHAR *at = base;
    while (count) {
        const UCHAR *middle = at + count / 2 * size;
        int order = compare_elements(compare, key, middle);
        if (!order)
            return (void *)middle;
        if (order > 0) {
            at = middle + size;
            count -= count / 2 + 1;
        } else {
            count /= 2;
        }
    }
    return NULL;
}
