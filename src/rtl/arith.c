/* Byte order, 64-bit arithmetic from the days of 32-bit compilers, checksums, random numbers. */
#include "nt/status.h"
#include "rtl/misc.h"
#include "rtl/pool_hooks.h"

USHORT RtlUshortByteSwap(ULONG value)
{
    return __builtin_bswap16((USHORT)value);
}

ULONG RtlUlongByteSwap(ULONG value)
{
    return __builtin_bswap32(value);
}

ULONGLONG RtlUlonglongByteSwap(ULONGLONG value)
{
    return __builtin_bswap64(value);
}

LONGLONG RtlLargeIntegerAdd(LONGLONG a, LONGLONG b)
{
    return (LONGLONG)((ULONGLONG)a + (ULONGLONG)b);
}

LONGLONG RtlLargeIntegerSubtract(LONGLONG a, LONGLONG b)
{
    return (LONGLONG)((ULONGLONG)a - (ULONGLONG)b);
}

LONGLONG RtlLargeIntegerNegate(LONGLONG a)
{
    return (LONGLONG)(0 - (ULONGLONG)a);
}

LONGLONG RtlLargeIntegerShiftLeft(LONGLONG a, ULONG count)
{
    return (LONGLONG)((ULONGLONG)a << (count & 63));
}

LONGLONG RtlLargeIntegerShiftRight(LONGLONG a, ULONG count)
{
    return (LONGLONG)((ULONGLONG)a >> (count & 63));
}

LONGLONG RtlLargeIntegerArithmeticShift(LONGLONG a, ULONG count)
{
    return a >> (count & 63);
}

static void check_divisor(ULONGLONG divisor)
{
    if (!divisor)
        ke_raise_status(STATUS_INTEGER_DIVIDE_BY_ZERO);
}

ULONGLONG RtlLargeIntegerDivide(ULONGLONG dividend, ULONGLONG divisor, ULONGLONG *remainder)
{
    check_divisor(divisor);
    if (remainder)
        *remainder = dividend % divisor;
    return dividend / divisor;
}

LONGLONG RtlEnlargedIntegerMultiply(LONG a, LONG b)
{
    return (LONGLONG)a * b;
}

LONGLONG RtlEnlargedUnsignedMultiply(ULONG a, ULONG b)
{
    return (LONGLONG)((ULONGLONG)a * b);
}

ULONG RtlEnlargedUnsignedDivide(ULONGLONG dividend, ULONG divisor, ULONG *remainder)
{
    check_divisor(divisor);
    if (remainder)
        *remainder = (ULONG)(dividend % divisor);
    return (ULONG)(dividend / divisor);
}

LONGLONG RtlExtendedIntegerMultiply(LONGLONG a, LONG b)
{
    return (LONGLONG)((ULONGLONG)a * (ULONGLONG)(LONGLONG)b);
}

ULONGLONG RtlExtendedLargeIntegerDivide(ULONGLONG dividend, ULONG divisor, ULONG *remainder)
{
    check_divisor(divisor);
    if (remainder)
        *remainder = (ULONG)(dividend % divisor);
    return dividend / divisor;
}

/* The high 64 bits of |dividend| * magic, shifted right, with the dividend's sign. */
LONGLONG RtlExtendedMagicDivide(LONGLONG dividend, ULONGLONG magic, LONG shift)
{
    ULONGLONG magnitude = dividend < 0 ? 0 - (ULONGLONG)dividend : (ULONGLONG)dividend;
    ULONGLONG quotient = (ULONGLONG)((unsigned __int128)magnitude * magic >> 64) >> (shift & 63);
    return (LONGLONG)(dividend < 0 ? 0 - quotient : quotient);
}

LONGLONG RtlConvertLongToLargeInteger(LONG value)
{
    return value;
}

LONGLONG RtlConvertUlongToLargeInteger(ULONG value)
{
    return value;
}

static ULONGLONG crc(ULONGLONG reflected_polynomial, const UCHAR *at, SIZE_T bytes, ULONGLONG value)
{
    for (SIZE_T i = 0; i < bytes; i++) {
        value ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ reflected_polynomial : value >> 1;
    }
    return value;
}

/* The CRC-32 of Ethernet and zip; a partial result may be given to go on from. */
ULONG RtlComputeCrc32(ULONG partial, const void *at, ULONG bytes)
{
    return ~(ULONG)crc(0xEDB88320u, at, bytes, (ULONG)~partial);
}

ULONG RtlCrc32(const void *at, SIZE_T bytes, ULONG partial)
{
    return ~(ULONG)crc(0xEDB88320u, at, bytes, (ULONG)~partial);
}

/* GUESS: the polynomial that NVMe uses. */
ULONGLONG RtlCrc64(const void *at, SIZE_T bytes, ULONGLONG partial)
{
    return ~crc(0x9A6C9329AC4BC9B5ull, at, bytes, ~partial);
}

/* DOC: a Lehmer generator. GUESS: its constants; RtlRandom's shuffle table is left out, so that the seed is all the state
 * there is. */
ULONG RtlUniform(ULONG *seed)
{
    ULONG next = (ULONG)(((ULONGLONG)*seed * 0x7FFFFFED + 0x7FFFFFC3) % 0x7FFFFFFF);
    *seed = next;
    return next;
}

ULONG RtlRandom(ULONG *seed)
{
    RtlUniform(seed);
    return RtlUniform(seed);
}

ULONG RtlRandomEx(ULONG *seed)
{
    return RtlUniform(seed);
}
