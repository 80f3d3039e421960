/* RTL_BITMAP: an array of 32-bit words; bit i is bit i % 32 of word i / 32. "None" is 0xFFFFFFFF. */
#ifndef IRPLAB_RTL_BITMAP_H
#define IRPLAB_RTL_BITMAP_H

#include "nt/types.h"

typedef struct RTL_BITMAP {
    ULONG SizeOfBitMap; /* bits */
    ULONG *Buffer;
} RTL_BITMAP;

typedef struct RTL_BITMAP_RUN {
    ULONG StartingIndex;
    ULONG NumberOfBits;
} RTL_BITMAP_RUN;

void RtlInitializeBitMap(RTL_BITMAP *map, ULONG *buffer, ULONG bits);
void RtlClearBit(RTL_BITMAP *map, ULONG bit);
void RtlSetBit(RTL_BITMAP *map, ULONG bit);
BOOLEAN RtlTestBit(const RTL_BITMAP *map, ULONG bit);
void RtlClearAllBits(RTL_BITMAP *map);
void RtlSetAllBits(RTL_BITMAP *map);
void RtlClearBits(RTL_BITMAP *map, ULONG start, ULONG count);
void RtlSetBits(RTL_BITMAP *map, ULONG start, ULONG count);
void RtlInterlockedClearBitRun(RTL_BITMAP *map, ULONG start, ULONG count);
void RtlInterlockedSetBitRun(RTL_BITMAP *map, ULONG start, ULONG count);
BOOLEAN RtlAreBitsClear(const RTL_BITMAP *map, ULONG start, ULONG count);
BOOLEAN RtlAreBitsSet(const RTL_BITMAP *map, ULONG start, ULONG count);
ULONG RtlFindClearBits(const RTL_BITMAP *map, ULONG count, ULONG hint);
ULONG RtlFindSetBits(const RTL_BITMAP *map, ULONG count, ULONG hint);
ULONG RtlFindClearBitsAndSet(RTL_BITMAP *map, ULONG count, ULONG hint);
ULONG RtlFindSetBitsAndClear(RTL_BITMAP *map, ULONG count, ULONG hint);
ULONG RtlFindClearRuns(const RTL_BITMAP *map, RTL_BITMAP_RUN *runs, ULONG max, ULONG longest);
ULONG RtlFindLongestRunClear(const RTL_BITMAP *map, ULONG *start);
ULONG RtlFindFirstRunClear(const RTL_BITMAP *map, ULONG *start);
ULONG RtlFindNextForwardRunClear(const RTL_BITMAP *map, ULONG from, ULONG *start);
ULONG RtlFindLastBackwardRunClear(const RTL_BITMAP *map, ULONG from, ULONG *start);
ULONG RtlNumberOfClearBits(const RTL_BITMAP *map);
ULONG RtlNumberOfSetBits(const RTL_BITMAP *map);
ULONG RtlNumberOfClearBitsInRange(const RTL_BITMAP *map, ULONG start, ULONG count);
ULONG RtlNumberOfSetBitsInRange(const RTL_BITMAP *map, ULONG start, ULONG count);
ULONG RtlNumberOfSetBitsUlongPtr(ULONG_PTR value);
CCHAR RtlFindMostSignificantBit(ULONGLONG value);
CCHAR RtlFindLeastSignificantBit(ULONGLONG value);
void RtlCopyBitMap(const RTL_BITMAP *from, RTL_BITMAP *to, ULONG to_bit);
void RtlExtractBitMap(const RTL_BITMAP *from, RTL_BITMAP *to, ULONG from_bit, ULONG count);

#endif
