/* Memory functions, as exports and for our own use.
 *
 * They move bytes with string instructions, not with libc: after a fault half-way the guest sees how many bytes were
 * done, and that must not depend on which vector instructions a host's libc picked. For the same reason the rest of rtl
 * copies guest memory only through these or in loops that end on the data. */
#ifndef IRPLAB_RTL_MEMORY_H
#define IRPLAB_RTL_MEMORY_H

#include "nt/types.h"

void rtl_copy(void *to, const void *from, size_t bytes); /* ascending; overlap as memmove */
void rtl_fill(void *at, size_t bytes, UCHAR value);

void *nt_memcpy(void *to, const void *from, size_t bytes);
void *nt_memmove(void *to, const void *from, size_t bytes);
void *nt_memset(void *at, int value, size_t bytes);
int nt_memcmp(const void *a, const void *b, size_t bytes);
void *nt_memchr(const void *at, int value, size_t bytes);
void *nt__memccpy(void *to, const void *from, int value, size_t bytes);
int nt__memicmp(const void *a, const void *b, size_t bytes);
int nt_memcpy_s(void *to, size_t size, const void *from, size_t bytes);
int nt_memmove_s(void *to, size_t size, const void *from, size_t bytes);

SIZE_T RtlCompareMemory(const void *a, const void *b, SIZE_T bytes);
SIZE_T RtlCompareMemoryUlong(const void *at, SIZE_T bytes, ULONG pattern);
void RtlCopyMemory(void *to, const void *from, SIZE_T bytes);
void RtlCopyMemoryNonTemporal(void *to, const void *from, SIZE_T bytes);
void RtlMoveMemory(void *to, const void *from, SIZE_T bytes);
void RtlFillMemory(void *at, SIZE_T bytes, ULONG value);
void RtlFillMemoryUlong(void *at, SIZE_T bytes, ULONG pattern);
void RtlFillMemoryUlonglong(void *at, SIZE_T bytes, ULONGLONG pattern);
void RtlZeroMemory(void *at, SIZE_T bytes);
void RtlSecureZeroMemory(void *at, SIZE_T bytes);
BOOLEAN RtlEqualMemory(const void *a, const void *b, SIZE_T bytes);
BOOLEAN RtlIsZeroMemory(const void *at, SIZE_T bytes);
void RtlPrefetchMemoryNonTemporal(const void *at, SIZE_T bytes);

#endif
