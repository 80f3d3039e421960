/* Bitmaps. Searches look at one bit at a time: maps are small, and the answers must be right first. */
#include "rtl/bitmap.h"

static const ULONG NONE = 0xFFFFFFFF;

static int bit_at(const RTL_BITMAP *map, ULONG i)
{
    return map->Buffer[i / 32] >> (i % 32) & 1;
}

static void put_bit(RTL_BITMAP *map, ULONG i, int value)
{
    ULONG mask = 1u << (i % 32);
    if (value)
        map->Buffer[i / 32] |= mask;
    else
        map->Buffer[i / 32] &= ~mask;
}

static void put_bits(RTL_BITMAP *map, ULONG start, ULONG count, int value)
{
    if (start >= map->SizeOfBitMap)
        return;
    if (count > map->SizeOfBitMap - start)
        count = map->SizeOfBitMap - start;
    for (ULONG i = 0; i < count; i++)
        put_bit(map, start + i, value);
}

/* How many bits from start have this value, at most up to limit. */
static ULONG run_length(const RTL_BITMAP *map, ULONG start, ULONG limit, int value)
{
    ULONG i = start;
    while (i < limit && bit_at(map, i) == value)
        i++;
    return i - start;
}

void RtlInitializeBitMap(RTL_BITMAP *map, ULONG *buffer, ULONG bits)
{
    map->SizeOfBitMap = bits;
    map->Buffer = buffer;
}

void RtlClearBit(RTL_BITMAP *map, ULONG bit)
{
    put_bit(map, bit, 0);
}

void RtlSetBit(RTL_BITMAP *map, ULONG bit)
{
    put_bit(map, bit, 1);
}

BOOLEAN RtlTestBit(const RTL_BITMAP *map, ULONG bit)
{
    return (BOOLEAN)bit_at(map, bit);
}

/* Whole words: bits behind the end change too, as on NT. */
void RtlClearAllBits(RTL_BITMAP *map)
{
    for (ULONG i = 0; i < (map->SizeOfBitMap + 31ull) / 32; i++)
        map->Buffer[i] = 0;
}

void RtlSetAllBits(RTL_BITMAP *map)
{
    for (ULONG i = 0; i < (map->SizeOfBitMap + 31ull) / 32; i++)
        map->Buffer[i] = NONE;
}

void RtlClearBits(RTL_BITMAP *map, ULONG start, ULONG count)
{
    put_bits(map, start, count, 0);
}

void RtlSetBits(RTL_BITMAP *map, ULONG start, ULONG count)
{
    put_bits(map, start, count, 1);
}

void RtlInterlockedClearBitRun(RTL_BITMAP *map, ULONG start, ULONG count)
{
    put_bits(map, start, count, 0);
}

void RtlInterlockedSetBitRun(RTL_BITMAP *map, ULONG start, ULONG count)
{
    put_bits(map, start, count, 1);
}

/* GUESS: an empty range is neither clear nor set. */
static BOOLEAN are_bits(const RTL_BITMAP *map, ULONG start, ULONG count, int value)
{
    if (!count || start >= map->SizeOfBitMap || count > map->SizeOfBitMap - start)
        return FALSE;
    return run_length(map, start, start + count, value) == count;
}

BOOLEAN RtlAreBitsClear(const RTL_BITMAP *map, ULONG start, ULONG count)
{
    return are_bits(map, start, count, 0);
}

BOOLEAN RtlAreBitsSet(const RTL_BITMAP *map, ULONG start, ULONG count)
{
    return are_bits(map, start, count, 1);
}

/* The first run of count bits that begins in [begin, end) and ends within the map. */
static ULONG find_run(const RTL_BITMAP *map, ULONG count, ULONG begin, ULONG end, int value)
{
    ULONG size = map->SizeOfBitMap;
    for (ULONG i = begin; i < end && count <= size - i;) {
        ULONG n = run_length(map, i, i + count, value);
        if (n == count)
            return i;
        i += n + 1;
    }
    return NONE;
}

/* From the hint to the end, then from the begin. DOC: asked for no bits, the hint rounded down to a byte. */
static ULONG find_bits(const RTL_BITMAP *map, ULONG count, ULONG hint, int value)
{
    if (hint >= map->SizeOfBitMap)
        hint = 0;
    if (!count)
        return hint & ~7u;
    if (count > map->SizeOfBitMap)
        return NONE;
    ULONG found = find_run(map, count, hint, map->SizeOfBitMap, value);
    return found == NONE ? find_run(map, count, 0, hint, value) : found;
}

ULONG RtlFindClearBits(const RTL_BITMAP *map, ULONG count, ULONG hint)
{
    return find_bits(map, count, hint, 0);
}

ULONG RtlFindSetBits(const RTL_BITMAP *map, ULONG count, ULONG hint)
{
    return find_bits(map, count, hint, 1);
}

ULONG RtlFindClearBitsAndSet(RTL_BITMAP *map, ULONG count, ULONG hint)
{
    ULONG found = find_bits(map, count, hint, 0);
    if (found != NONE)
        put_bits(map, found, count, 1);
    return found;
}

ULONG RtlFindSetBitsAndClear(RTL_BITMAP *map, ULONG count, ULONG hint)
{
    ULONG found = find_bits(map, count, hint, 1);
    if (found != NONE)
        put_bits(map, found, count, 0);
    return found;
}

ULONG RtlFindNextForwardRunClear(const RTL_BITMAP *map, ULONG from, ULONG *start)
{
    ULONG size = map->SizeOfBitMap;
    if (from >= size) {
        *start = from;
        return 0;
    }
    ULONG begin = from + run_length(map, from, size, 1);
    *start = begin;
    return run_length(map, begin, size, 0);
}

ULONG RtlFindFirstRunClear(const RTL_BITMAP *map, ULONG *start)
{
    return RtlFindNextForwardRunClear(map, 0, start);
}

/* The run that lies at or before bit `from`, of which only the part up to `from` counts. */
ULONG RtlFindLastBackwardRunClear(const RTL_BITMAP *map, ULONG from, ULONG *start)
{
    ULONG size = map->SizeOfBitMap;
    ULONG end = from >= size ? size : from + 1;
    while (end && bit_at(map, end - 1))
        end--;
    ULONG begin = end;
    while (begin && !bit_at(map, begin - 1))
        begin--;
    *start = end ? begin : 0;
    return end - begin;
}

/* Keeps the array sorted by falling length; of equal runs the earlier stays in front. */
static void insert_by_length(RTL_BITMAP_RUN *runs, ULONG *count, ULONG max, RTL_BITMAP_RUN run)
{
    ULONG i = *count < max ? (*count)++ : max;
    if (i == max) {
        if (runs[max - 1].NumberOfBits >= run.NumberOfBits)
            return;
        i = max - 1;
    }
    for (; i > 0 && runs[i - 1].NumberOfBits < run.NumberOfBits; i--)
        runs[i] = runs[i - 1];
    runs[i] = run;
}

ULONG RtlFindClearRuns(const RTL_BITMAP *map, RTL_BITMAP_RUN *runs, ULONG max, ULONG longest)
{
    ULONG count = 0;
    ULONG at = 0;
    RTL_BITMAP_RUN run;
    if (!max)
        return 0;
    while ((run.NumberOfBits = RtlFindNextForwardRunClear(map, at, &run.StartingIndex)) != 0) {
        if (longest & 0xFF)
            insert_by_length(runs, &count, max, run);
        else
            runs[count++] = run;
        if (!(longest & 0xFF) && count == max)
            break;
        at = run.StartingIndex + run.NumberOfBits;
    }
    return count;
}

ULONG RtlFindLongestRunClear(const RTL_BITMAP *map, ULONG *start)
{
    RTL_BITMAP_RUN run = {0};
    RtlFindClearRuns(map, &run, 1, TRUE);
    *start = run.StartingIndex;
    return run.NumberOfBits;
}

ULONG RtlNumberOfSetBitsInRange(const RTL_BITMAP *map, ULONG start, ULONG count)
{
    ULONG n = 0;
    for (ULONG i = start; i < map->SizeOfBitMap && i - start < count; i++)
        n += (ULONG)bit_at(map, i);
    return n;
}

ULONG RtlNumberOfClearBitsInRange(const RTL_BITMAP *map, ULONG start, ULONG count)
{
    if (start >= map->SizeOfBitMap)
        return 0;
    if (count > map->SizeOfBitMap - start)
        count = map->SizeOfBitMap - start;
    return count - RtlNumberOfSetBitsInRange(map, start, count);
}

ULONG RtlNumberOfSetBits(const RTL_BITMAP *map)
{
    return RtlNumberOfSetBitsInRange(map, 0, map->SizeOfBitMap);
}

ULONG RtlNumberOfClearBits(const RTL_BITMAP *map)
{
    return map->SizeOfBitMap - RtlNumberOfSetBits(map);
}

ULONG RtlNumberOfSetBitsUlongPtr(ULONG_PTR value)
{
    return (ULONG)__builtin_popcountll(value);
}

CCHAR RtlFindMostSignificantBit(ULONGLONG value)
{
    return value ? (CCHAR)(63 - __builtin_clzll(value)) : -1;
}

CCHAR RtlFindLeastSignificantBit(ULONGLONG value)
{
    return value ? (CCHAR)__builtin_ctzll(value) : -1;
}

/* Writes all of from into to at to_bit, as far as to reaches. */
void RtlCopyBitMap(const RTL_BITMAP *from, RTL_BITMAP *to, ULONG to_bit)
{
    for (ULONG i = 0; i < from->SizeOfBitMap && to_bit + (ULONGLONG)i < to->SizeOfBitMap; i++)
        put_bit(to, to_bit + i, bit_at(from, i));
}

void RtlExtractBitMap(const RTL_BITMAP *from, RTL_BITMAP *to, ULONG from_bit, ULONG count)
{
    for (ULONG i = 0; i < count && i < to->SizeOfBitMap && from_bit + (ULONGLONG)i < from->SizeOfBitMap; i++)
        put_bit(to, i, bit_at(from, from_bit + i));
}
