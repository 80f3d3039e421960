/* Numbers from and to text, for char and wchar_t. `long` has 32 bits. */
#include "rtl/crt.h"
#include "rtl/memory.h"

struct nt_number {
    uint64_t magnitude; /* modulo 2^64 */
    int negative;
    int overflow; /* the magnitude needs more than 64 bits */
};

static int64_t nt_saturate(struct nt_number n, int64_t max)
{
    if (n.negative)
        return n.overflow || n.magnitude > (uint64_t)max + 1 ? -max - 1 : (int64_t)(0 - n.magnitude);
    return n.overflow || n.magnitude > (uint64_t)max ? max : (int64_t)n.magnitude;
}

#define CH CHAR
#define SKIP_SPACE skip_space
#define DIGIT digit_value
#define READ read_number
#define WRITE write_number
#define WRITE_S write_number_s
#define TO(x) nt_strto##x
#define TO64(x) nt__strto##x
#define ATO(x) nt_ato##x
#define FROM(x) nt__##x##toa
#define FROM_S(x) nt__##x##toa_s
#include "rtl/crt_number.inc"
#undef CH
#undef SKIP_SPACE
#undef DIGIT
#undef READ
#undef WRITE
#undef WRITE_S
#undef TO
#undef TO64
#undef ATO
#undef FROM
#undef FROM_S

#define CH WCHAR
#define SKIP_SPACE skip_wide_space
#define DIGIT wide_digit_value
#define READ read_wide_number
#define WRITE write_wide_number
#define WRITE_S write_wide_number_s
#define TO(x) nt_wcsto##x
#define TO64(x) nt__wcsto##x
#define ATO(x) nt__wto##x
#define FROM(x) nt__##x##tow
#define FROM_S(x) nt__##x##tow_s
#include "rtl/crt_number.inc"
