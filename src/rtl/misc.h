/* Time, arithmetic, checksums, random numbers, status and access: the small pure exports. */
#ifndef IRPLAB_RTL_MISC_H
#define IRPLAB_RTL_MISC_H

#include "nt/ob.h"
#include "nt/types.h"

/* time.c */
typedef struct TIME_FIELDS {
    SHORT Year; /* 1601 … */
    SHORT Month; /* 1 … 12 */
    SHORT Day; /* 1 … 31 */
    SHORT Hour;
    SHORT Minute;
    SHORT Second;
    SHORT Milliseconds;
    SHORT Weekday; /* 0 Sunday */
} TIME_FIELDS;
void RtlTimeToTimeFields(const LARGE_INTEGER *time, TIME_FIELDS *fields);
BOOLEAN RtlTimeFieldsToTime(const TIME_FIELDS *fields, LARGE_INTEGER *time);
void RtlTimeToElapsedTimeFields(const LARGE_INTEGER *time, TIME_FIELDS *fields);
BOOLEAN RtlTimeToSecondsSince1970(const LARGE_INTEGER *time, ULONG *seconds);
BOOLEAN RtlTimeToSecondsSince1980(const LARGE_INTEGER *time, ULONG *seconds);
void RtlSecondsSince1970ToTime(ULONG seconds, LARGE_INTEGER *time);
void RtlSecondsSince1980ToTime(ULONG seconds, LARGE_INTEGER *time);

/* arith.c */
USHORT RtlUshortByteSwap(ULONG value);
ULONG RtlUlongByteSwap(ULONG value);
ULONGLONG RtlUlonglongByteSwap(ULONGLONG value);
LONGLONG RtlLargeIntegerAdd(LONGLONG a, LONGLONG b);
LONGLONG RtlLargeIntegerSubtract(LONGLONG a, LONGLONG b);
LONGLONG RtlLargeIntegerNegate(LONGLONG a);
LONGLONG RtlLargeIntegerShiftLeft(LONGLONG a, ULONG count);
LONGLONG RtlLargeIntegerShiftRight(LONGLONG a, ULONG count);
LONGLONG RtlLargeIntegerArithmeticShift(LONGLONG a, ULONG count);
ULONGLONG RtlLargeIntegerDivide(ULONGLONG dividend, ULONGLONG divisor, ULONGLONG *remainder);
LONGLONG RtlEnlargedIntegerMultiply(LONG a, LONG b);
LONGLONG RtlEnlargedUnsignedMultiply(ULONG a, ULONG b);
ULONG RtlEnlargedUnsignedDivide(ULONGLONG dividend, ULONG divisor, ULONG *remainder);
LONGLONG RtlExtendedIntegerMultiply(LONGLONG a, LONG b);
ULONGLONG RtlExtendedLargeIntegerDivide(ULONGLONG dividend, ULONG divisor, ULONG *remainder);
LONGLONG RtlExtendedMagicDivide(LONGLONG dividend, ULONGLONG magic, LONG shift);
LONGLONG RtlConvertLongToLargeInteger(LONG value);
LONGLONG RtlConvertUlongToLargeInteger(ULONG value);
ULONG RtlComputeCrc32(ULONG crc, const void *at, ULONG bytes);
ULONG RtlCrc32(const void *at, SIZE_T bytes, ULONG crc);
ULONGLONG RtlCrc64(const void *at, SIZE_T bytes, ULONGLONG crc);
ULONG RtlUniform(ULONG *seed);
ULONG RtlRandom(ULONG *seed);
ULONG RtlRandomEx(ULONG *seed);

/* access.c */
ULONG RtlNtStatusToDosErrorNoTeb(NTSTATUS status);
void RtlMapGenericMask(ACCESS_MASK *mask, const GENERIC_MAPPING *mapping);
BOOLEAN RtlAreAllAccessesGranted(ACCESS_MASK granted, ACCESS_MASK desired);
BOOLEAN RtlAreAnyAccessesGranted(ACCESS_MASK granted, ACCESS_MASK desired);
NTSTATUS RtlMapSecurityErrorToNtStatus(ULONG error);

#endif
