/* Memory functions (memory.h says why they do not use libc). */
#include "rtl/memory.h"

#include "rtl/crt.h"

static void copy_up(void *to, const void *from, size_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

static void copy_down(void *to, const void *from, size_t bytes)
{
    to = (UCHAR *)to + bytes - 1;
    from = (const UCHAR *)from + bytes - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory", "cc");
}

void rtl_copy(void *to, const void *from, size_t bytes)
{
    if (!bytes)
        return;
    if ((ULONG_PTR)to - (ULONG_PTR)from >= bytes)
        copy_up(to, from, bytes);
    else
        copy_down(to, from, bytes);
}

void rtl_fill(void *at, size_t bytes, UCHAR value)
{
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
}

void *nt_memcpy(void *to, const void *from, size_t bytes)
{
    rtl_copy(to, from, bytes);
    return to;
}

void *nt_memmove(void *to, const void *from, size_t bytes)
{
    rtl_copy(to, from, bytes);
    return to;
}

void *nt_memset(void *at, int value, size_t bytes)
{
    rtl_fill(at, bytes, (UCHAR)value);
    return at;
}

int nt_memcmp(const void *a, const void *b, size_t bytes)
{
    const UCHAR *p = a;
    const UCHAR *q = b;
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != q[i])
            return p[i] < q[i] ? -1 : 1;
    return 0;
}

void *nt_memchr(const void *at, int value, size_t bytes)
{
    const UCHAR *p = at;
    for (size_t i = 0; i < bytes; i++)
        if (p[i] == (UCHAR)value)
            return (void *)(p + i);
    return NULL;
}

void *nt__memccpy(void *to, const void *from, int value, size_t bytes)
{
    UCHAR *p = to;
    const UCHAR *q = from;
    for (size_t i = 0; i < bytes; i++) {
        p[i] = q[i];
        if (q[i] == (UCHAR)value)
            return p + i + 1;
    }
    return NULL;
}

static int lower_ascii(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

int nt__memicmp(const void *a, const void *b, size_t bytes)
{
    const UCHAR *p = a;
    const UCHAR *q = b;
    for (size_t i = 0; i < bytes; i++) {
        int difference = lower_ascii(p[i]) - lower_ascii(q[i]);
        if (difference)
            return difference;
    }
    return 0;
}

int nt_memcpy_s(void *to, size_t size, const void *from, size_t bytes)
{
    if (!bytes)
        return 0;
    if (!to)
        return CRT_EINVAL;
    if (!from || size < bytes) {
        rtl_fill(to, size, 0);
        return from ? CRT_ERANGE : CRT_EINVAL;
    }
    rtl_copy(to, from, bytes);
    return 0;
}

int nt_memmove_s(void *to, size_t size, const void *from, size_t bytes)
{
    if (!bytes)
        return 0;
    if (!to || !from)
        return CRT_EINVAL;
    if (size < bytes)
        return CRT_ERANGE;
    rtl_copy(to, from, bytes);
    return 0;
}

SIZE_T RtlCompareMemory(const void *a, const void *b, SIZE_T bytes)
{
    const UCHAR *p = a;
    const UCHAR *q = b;
    SIZE_T i = 0;
    while (i < bytes && p[i] == q[i])
        i++;
    return i;
}

/* Counts in whole ULONGs; a rest of less than four bytes is not looked at. */
SIZE_T RtlCompareMemoryUlong(const void *at, SIZE_T bytes, ULONG pattern)
{
    const ULONG *p = at;
    SIZE_T count = bytes / sizeof(ULONG);
    SIZE_T i = 0;
    while (i < count && p[i] == pattern)
        i++;
    return i * sizeof(ULONG);
}

void RtlCopyMemory(void *to, const void *from, SIZE_T bytes)
{
    rtl_copy(to, from, bytes);
}

void RtlCopyMemoryNonTemporal(void *to, const void *from, SIZE_T bytes)
{
    rtl_copy(to, from, bytes);
}

void RtlMoveMemory(void *to, const void *from, SIZE_T bytes)
{
    rtl_copy(to, from, bytes);
}

void RtlFillMemory(void *at, SIZE_T bytes, ULONG value)
{
    rtl_fill(at, bytes, (UCHAR)value);
}

void RtlFillMemoryUlong(void *at, SIZE_T bytes, ULONG pattern)
{
    SIZE_T count = bytes / sizeof(ULONG);
    __asm__ volatile("rep stosl" : "+D"(at), "+c"(count) : "a"(pattern) : "memory");
}

void RtlFillMemoryUlonglong(void *at, SIZE_T bytes, ULONGLONG pattern)
{
    SIZE_T count = bytes / sizeof(ULONGLONG);
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(count) : "a"(pattern) : "memory");
}

void RtlZeroMemory(void *at, SIZE_T bytes)
{
    rtl_fill(at, bytes, 0);
}

void RtlSecureZeroMemory(void *at, SIZE_T bytes)
{
    rtl_fill(at, bytes, 0);
}

BOOLEAN RtlEqualMemory(const void *a, const void *b, SIZE_T bytes)
{
    return nt_memcmp(a, b, bytes) == 0;
}

BOOLEAN RtlIsZeroMemory(const void *at, SIZE_T bytes)
{
    const UCHAR *p = at;
    for (SIZE_T i = 0; i < bytes; i++)
        if (p[i])
            return FALSE;
    return TRUE;
}

/* A hint to a cache that this machine does not have. */
void RtlPrefetchMemoryNonTemporal(const void *at, SIZE_T bytes)
{
}
