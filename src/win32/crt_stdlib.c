/* Numbers, sorting, random numbers and what else stdlib.h has. `long` has 32 bits here. */
#include "win32/crt.h"
#include "win32/env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- text to numbers ---- */

struct digits {
    uint64_t value;
    bool negative, overflow, any;
    size_t used; /* characters, 0: no number */
};

static int digit_of(unsigned c)
{
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    if (c >= 'a' && c <= 'z')
        return (int)(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z')
        return (int)(c - 'A') + 10;
    return 99;
}

static unsigned unit(const void *s, size_t i, bool wide)
{
    return wide ? ((const WCHAR *)s)[i] : ((const uint8_t *)s)[i];
}

static struct digits parse(const void *s, bool wide, int base)
{
    struct digits d = { 0 };
    size_t i = 0;
    while (unit(s, i, wide) == ' ' || (unit(s, i, wide) >= 9 && unit(s, i, wide) <= 13))
        i++;
    if (unit(s, i, wide) == '-' || unit(s, i, wide) == '+')
        d.negative = unit(s, i++, wide) == '-';
    if ((base == 0 || base == 16) && unit(s, i, wide) == '0' && (unit(s, i + 1, wide) | 0x20) == 'x' && digit_of(unit(s, i + 2, wide)) < 16) {
        base = 16;
        i += 2;
    } else if (base == 0) {
        base = unit(s, i, wide) == '0' ? 8 : 10;
    }
    for (int v; (v = digit_of(unit(s, i, wide))) < base; i++) {
        d.any = true;
        d.overflow |= __builtin_mul_overflow(d.value, (uint64_t)base, &d.value);
        d.overflow |= __builtin_add_overflow(d.value, (uint64_t)v, &d.value);
    }
    d.used = d.any ? i : 0;
    return d;
}

static void put_end(const void *s, bool wide, size_t used, uint64_t *end)
{
    if (end)
        *end = (uint64_t)s + used * (wide ? 2 : 1);
}

static int64_t to_signed(const void *s, bool wide, uint64_t *end, int base, unsigned bits)
{
    if (!s || base < 0 || base == 1 || base > 36) {
        crt_invalid_parameter(CRT_EINVAL);
        return 0;
    }
    struct digits d = parse(s, wide, base);
    put_end(s, wide, d.used, end);
    uint64_t most = (1ull << (bits - 1)) - 1;
    if (d.overflow || d.value > most + d.negative) {
        *crt_errno() = CRT_ERANGE;
        return d.negative ? (int64_t)(0 - most - 1) : (int64_t)most;
    }
    return d.negative ? (int64_t)(0 - d.value) : (int64_t)d.value;
}

static uint64_t to_unsigned(const void *s, bool wide, uint64_t *end, int base, unsigned bits)
{
    if (!s || base < 0 || base == 1 || base > 36) {
        crt_invalid_parameter(CRT_EINVAL);
        return 0;
    }
    struct digits d = parse(s, wide, base);
    put_end(s, wide, d.used, end);
    uint64_t most = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
    if (d.overflow || d.value > most) {
        *crt_errno() = CRT_ERANGE;
        return most;
    }
    return d.negative ? 0 - d.value : d.value;
}

int32_t crt_strtol(const char *s, uint64_t *end, int32_t base)
{
    return (int32_t)to_signed(s, false, end, base, 32);
}

uint32_t crt_strtoul(const char *s, uint64_t *end, int32_t base)
{
    return (uint32_t)to_unsigned(s, false, end, base, 32);
}

int64_t crt__strtoi64(const char *s, uint64_t *end, int32_t base)
{
    return to_signed(s, false, end, base, 64);
}

uint64_t crt__strtoui64(const char *s, uint64_t *end, int32_t base)
{
    return to_unsigned(s, false, end, base, 64);
}

int32_t crt_wcstol(const WCHAR *s, uint64_t *end, int32_t base)
{
    return (int32_t)to_signed(s, true, end, base, 32);
}

uint32_t crt_wcstoul(const WCHAR *s, uint64_t *end, int32_t base)
{
    return (uint32_t)to_unsigned(s, true, end, base, 32);
}

int64_t crt__wcstoi64(const WCHAR *s, uint64_t *end, int32_t base)
{
    return to_signed(s, true, end, base, 64);
}

uint64_t crt__wcstoui64(const WCHAR *s, uint64_t *end, int32_t base)
{
    return to_unsigned(s, true, end, base, 64);
}

int32_t crt_atoi(const char *s)
{
    return (int32_t)to_signed(s, false, NULL, 10, 32);
}

int64_t crt__atoi64(const char *s)
{
    return to_signed(s, false, NULL, 10, 64);
}

int32_t crt__wtoi(const WCHAR *s)
{
    return (int32_t)to_signed(s, true, NULL, 10, 32);
}

int64_t crt__wtoi64(const WCHAR *s)
{
    return to_signed(s, true, NULL, 10, 64);
}

double crt_strtod(const char *s, uint64_t *end)
{
    char *stop;
    errno = 0;
    double d = strtod(s, &stop);
    if (errno == ERANGE)
        *crt_errno() = CRT_ERANGE;
    if (end)
        *end = (uint64_t)stop;
    return d;
}

float crt_strtof(const char *s, uint64_t *end)
{
    char *stop;
    errno = 0;
    float d = strtof(s, &stop);
    if (errno == ERANGE)
        *crt_errno() = CRT_ERANGE;
    if (end)
        *end = (uint64_t)stop;
    return d;
}

double crt_atof(const char *s)
{
    return crt_strtod(s, NULL);
}

double crt_wcstod(const WCHAR *s, uint64_t *end)
{
    char narrow[400];
    size_t i = 0;
    for (; s[i] && s[i] < 0x80 && i < sizeof narrow - 1; i++)
        narrow[i] = (char)s[i];
    narrow[i] = 0;
    uint64_t stop;
    double d = crt_strtod(narrow, &stop);
    put_end(s, true, stop - (uint64_t)narrow, end);
    return d;
}

double crt__wtof(const WCHAR *s)
{
    return crt_wcstod(s, NULL);
}

/* ---- numbers to text ---- */

static size_t digits_of(uint64_t v, bool negative, unsigned base, char out[72])
{
    char text[72];
    size_t n = 0;
    do {
        text[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % base];
        v /= base;
    } while (v);
    if (negative)
        text[n++] = '-';
    for (size_t i = 0; i < n; i++)
        out[i] = text[n - 1 - i];
    out[n] = 0;
    return n;
}

static int32_t put_digits(void *to, bool wide, uint64_t size, uint64_t v, bool negative, int32_t base)
{
    if (!to || base < 2 || base > 36)
        return crt_invalid_parameter(CRT_EINVAL), CRT_EINVAL;
    char text[72];
    size_t n = digits_of(v, negative, (unsigned)base, text);
    if (n >= size)
        return crt_invalid_parameter(CRT_ERANGE), CRT_ERANGE;
    for (size_t i = 0; i <= n; i++) {
        if (wide)
            ((WCHAR *)to)[i] = (uint8_t)text[i];
        else
            ((char *)to)[i] = text[i];
    }
    return 0;
}

/* Only base 10 shows a sign; other bases show the bits. */
static int32_t put_int(void *to, bool wide, uint64_t size, int64_t v, unsigned bits, int32_t base)
{
    bool negative = base == 10 && v < 0;
    uint64_t u = negative ? 0 - (uint64_t)v : (uint64_t)v;
    return put_digits(to, wide, size, bits == 32 && !negative ? (uint32_t)u : u, negative, base);
}

char *crt__itoa(int32_t v, char *to, int32_t base)
{
    put_int(to, false, 72, v, 32, base);
    return to;
}

WCHAR *crt__itow(int32_t v, WCHAR *to, int32_t base)
{
    put_int(to, true, 72, v, 32, base);
    return to;
}

char *crt__ultoa(uint32_t v, char *to, int32_t base)
{
    put_digits(to, false, 72, v, false, base);
    return to;
}

char *crt__i64toa(int64_t v, char *to, int32_t base)
{
    put_int(to, false, 72, v, 64, base);
    return to;
}

char *crt__ui64toa(uint64_t v, char *to, int32_t base)
{
    put_digits(to, false, 72, v, false, base);
    return to;
}

WCHAR *crt__i64tow(int64_t v, WCHAR *to, int32_t base)
{
    put_int(to, true, 72, v, 64, base);
    return to;
}

WCHAR *crt__ui64tow(uint64_t v, WCHAR *to, int32_t base)
{
    put_digits(to, true, 72, v, false, base);
    return to;
}

WCHAR *crt__ultow(uint32_t v, WCHAR *to, int32_t base)
{
    put_digits(to, true, 72, v, false, base);
    return to;
}

int32_t crt__itoa_s(int32_t v, char *to, uint64_t size, int32_t base)
{
    return put_int(to, false, size, v, 32, base);
}

int32_t crt__itow_s(int32_t v, WCHAR *to, uint64_t size, int32_t base)
{
    return put_int(to, true, size, v, 32, base);
}

int32_t crt__i64toa_s(int64_t v, char *to, uint64_t size, int32_t base)
{
    return put_int(to, false, size, v, 64, base);
}

int32_t crt__ui64toa_s(uint64_t v, char *to, uint64_t size, int32_t base)
{
    return put_digits(to, false, size, v, false, base);
}

/* ---- integers ---- */

int32_t crt_abs(int32_t v)
{
    return v < 0 ? (int32_t)(0u - (uint32_t)v) : v;
}

int64_t crt__abs64(int64_t v)
{
    return v < 0 ? (int64_t)(0ull - (uint64_t)v) : v;
}

/* Both parts in one register. */
uint64_t crt_div(int32_t a, int32_t b)
{
    return (uint32_t)(a / b) | (uint64_t)(uint32_t)(a % b) << 32;
}

uint32_t crt__byteswap_ulong(uint32_t v)
{
    return __builtin_bswap32(v);
}

uint64_t crt__byteswap_uint64(uint64_t v)
{
    return __builtin_bswap64(v);
}

uint32_t crt__byteswap_ushort(uint32_t v)
{
    return __builtin_bswap16((uint16_t)v);
}

uint32_t crt__rotl(uint32_t v, int32_t n)
{
    n &= 31;
    return n ? v << n | v >> (32 - n) : v;
}

uint32_t crt__rotr(uint32_t v, int32_t n)
{
    n &= 31;
    return n ? v >> n | v << (32 - n) : v;
}

uint64_t crt__rotl64(uint64_t v, int32_t n)
{
    n &= 63;
    return n ? v << n | v >> (64 - n) : v;
}

uint64_t crt__rotr64(uint64_t v, int32_t n)
{
    n &= 63;
    return n ? v >> n | v << (64 - n) : v;
}

/* ---- random numbers: the generator that Microsoft documents by its sequence, one state a thread ---- */

int32_t crt_rand(void)
{
    struct crt_thread *t = crt_thread();
    t->random = t->random * 214013 + 2531011;
    return (int32_t)(t->random >> 16 & 0x7FFF);
}

void crt_srand(uint32_t seed)
{
    crt_thread()->random = seed;
}

/* Not secret here: the same numbers in every run. */
int32_t crt_rand_s(uint32_t *value)
{
    if (!value)
        return crt_invalid_parameter(CRT_EINVAL), CRT_EINVAL;
    *value = w32_random();
    return 0;
}

/* ---- sorting and searching; the comparison is guest code ---- */

static int compare(uint64_t fn, uint64_t a, uint64_t b)
{
    return (int32_t)guest_call(FRAME_NONE, (void *)fn, 2, a, b);
}

static void swap(uint8_t *a, uint8_t *b, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++) {
        uint8_t t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

static void sift(uint64_t base, uint64_t i, uint64_t n, uint64_t size, uint64_t fn)
{
    for (;;) {
        uint64_t child = 2 * i + 1;
        if (child >= n)
            return;
        if (child + 1 < n && compare(fn, base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(fn, base + i * size, base + child * size) >= 0)
            return;
        swap((uint8_t *)(base + i * size), (uint8_t *)(base + child * size), size);
        i = child;
    }
}

/* In place, so that nothing is lost if the comparison never returns: insertion for few elements, otherwise heap sort. */
void crt_qsort(uint64_t base, uint64_t n, uint64_t size, uint64_t fn)
{
    if (n <= 16) {
        for (uint64_t i = 1; i < n; i++)
            for (uint64_t k = i; k > 0 && compare(fn, base + (k - 1) * size, base + k * size) > 0; k--)
                swap((uint8_t *)(base + (k - 1) * size), (uint8_t *)(base + k * size), size);
        return;
    }
    for (uint64_t i = n / 2; i-- > 0;)
        sift(base, i, n, size, fn);
    for (uint64_t k = n - 1; k > 0; k--) {
        swap((uint8_t *)base, (uint8_t *)(base + k * size), size);
        sift(base, 0, k, size, fn);
    }
}

uint64_t crt_bsearch(uint64_t key, uint64_t base, uint64_t n, uint64_t size, uint64_t fn)
{
    uint64_t low = 0, high = n;
    while (low < high) {
        uint64_t mid = (low + high) / 2;
        int c = compare(fn, key, base + mid * size);
        if (c == 0)
            return base + mid * size;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

/* ---- environment ---- */

/* A pointer into the run-time's own array of "name=value". */
uint64_t crt_getenv(const char *name)
{
    size_t n = strlen(name);
    for (uint64_t *e = (uint64_t *)w32_process()->environ_a; *e; e++)
        if (w32_strnicmp((const char *)*e, name, n) == 0 && ((const char *)*e)[n] == '=')
            return *e + n + 1;
    return 0;
}

int32_t crt_getenv_s(uint64_t *needed, char *to, uint64_t size, const char *name)
{
    const char *v = (const char *)crt_getenv(name);
    *needed = v ? strlen(v) + 1 : 0;
    if (to && size)
        *to = 0;
    if (!v || (!to && !size))
        return 0;
    if (*needed > size)
        return CRT_ERANGE;
    memcpy(to, v, *needed);
    return 0;
}

int32_t crt__dupenv_s(uint64_t *to, uint64_t *count, const char *name)
{
    const char *v = (const char *)crt_getenv(name);
    *to = 0;
    if (count)
        *count = v ? strlen(v) + 1 : 0;
    if (v) {
        *to = w32_alloc(strlen(v) + 1);
        strcpy((char *)*to, v);
    }
    return 0;
}

static void environment_renew(struct w32_process *p);

int32_t crt__putenv(const char *assignment)
{
    const char *eq = strchr(assignment, '=');
    if (!eq || eq == assignment)
        return -1;
    uint64_t name = w32_widen(assignment), value = w32_widen(eq + 1);
    ((WCHAR *)name)[eq - assignment] = 0;
    SetEnvironmentVariableW((const WCHAR *)name, eq[1] ? (const WCHAR *)value : NULL);
    w32_free(name);
    w32_free(value);
    environment_renew(w32_process());
    return 0;
}

int32_t crt__putenv_s(const char *name, const char *value)
{
    uint64_t n = w32_widen(name), v = w32_widen(value);
    SetEnvironmentVariableW((const WCHAR *)n, *value ? (const WCHAR *)v : NULL);
    w32_free(n);
    w32_free(v);
    environment_renew(w32_process());
    return 0;
}

static void environment_renew(struct w32_process *p)
{
    crt_environment_fill(p);
}

uint64_t crt__wgetenv(const WCHAR *name)
{
    return (uint64_t)w32_variable(name, w32_wcslen(name));
}
