/* The math library: the host's. Floating parameters arrive in the register of their position, so integer parameters before them
 * are declared as such and what stands for a floating one is unused.
 * Limit: results of transcendental functions are those of the host's library; they may differ in the last bit between hosts. */
#include "win32/crt.h"

#include <fenv.h>
#include <math.h>

static double checked(double r, bool domain)
{
    if (domain)
        *crt_errno() = CRT_EDOM;
    return r;
}

double crt_sqrt(double x)
{
    return checked(sqrt(x), x < 0);
}

double crt_sin(double x)
{
    return sin(x);
}

double crt_cos(double x)
{
    return cos(x);
}

double crt_tan(double x)
{
    return tan(x);
}

double crt_asin(double x)
{
    return checked(asin(x), x > 1 || x < -1);
}

double crt_acos(double x)
{
    return checked(acos(x), x > 1 || x < -1);
}

double crt_atan(double x)
{
    return atan(x);
}

double crt_atan2(double y, double x)
{
    return atan2(y, x);
}

double crt_sinh(double x)
{
    return sinh(x);
}

double crt_cosh(double x)
{
    return cosh(x);
}

double crt_tanh(double x)
{
    return tanh(x);
}

double crt_exp(double x)
{
    return exp(x);
}

double crt_exp2(double x)
{
    return exp2(x);
}

double crt_log(double x)
{
    return checked(log(x), x < 0);
}

double crt_log10(double x)
{
    return checked(log10(x), x < 0);
}

double crt_log2(double x)
{
    return checked(log2(x), x < 0);
}

double crt_pow(double x, double y)
{
    return pow(x, y);
}

double crt_fmod(double x, double y)
{
    return checked(fmod(x, y), y == 0);
}

double crt_floor(double x)
{
    return floor(x);
}

double crt_ceil(double x)
{
    return ceil(x);
}

double crt_round(double x)
{
    return round(x);
}

double crt_trunc(double x)
{
    return trunc(x);
}

double crt_fabs(double x)
{
    return fabs(x);
}

double crt_cbrt(double x)
{
    return cbrt(x);
}

double crt_hypot(double x, double y)
{
    return hypot(x, y);
}

double crt_copysign(double x, double y)
{
    return copysign(x, y);
}

double crt_fmax(double x, double y)
{
    return fmax(x, y);
}

double crt_fmin(double x, double y)
{
    return fmin(x, y);
}

float crt_sqrtf(float x)
{
    return sqrtf(x);
}

float crt_sinf(float x)
{
    return sinf(x);
}

float crt_cosf(float x)
{
    return cosf(x);
}

float crt_tanf(float x)
{
    return tanf(x);
}

float crt_expf(float x)
{
    return expf(x);
}

float crt_logf(float x)
{
    return logf(x);
}

float crt_log10f(float x)
{
    return log10f(x);
}

float crt_powf(float x, float y)
{
    return powf(x, y);
}

float crt_fmodf(float x, float y)
{
    return fmodf(x, y);
}

float crt_floorf(float x)
{
    return floorf(x);
}

float crt_ceilf(float x)
{
    return ceilf(x);
}

float crt_atan2f(float y, float x)
{
    return atan2f(y, x);
}

float crt_atanf(float x)
{
    return atanf(x);
}

float crt_roundf(float x)
{
    return roundf(x);
}

double crt_ldexp(uint64_t unused, int32_t exponent, double x)
{
    return ldexp(x, exponent);
}

double crt_frexp(uint64_t unused, int32_t *exponent, double x)
{
    int e;
    double m = frexp(x, &e);
    *exponent = isfinite(x) ? e : -1;
    return m;
}

double crt_modf(uint64_t unused, double *whole, double x)
{
    return modf(x, whole);
}

int32_t crt__isnan(double x)
{
    return isnan(x) != 0;
}

int32_t crt__finite(double x)
{
    return isfinite(x) != 0;
}

/* Microsoft's class bits. */
int32_t crt__fpclass(double x)
{
    bool negative = signbit(x) != 0;
    switch (fpclassify(x)) {
    case FP_NAN:
        return 0x0002;
    case FP_INFINITE:
        return negative ? 0x0004 : 0x0200;
    case FP_ZERO:
        return negative ? 0x0020 : 0x0040;
    case FP_SUBNORMAL:
        return negative ? 0x0010 : 0x0080;
    default:
        return negative ? 0x0008 : 0x0100;
    }
}

/* UCRT: FP_INFINITE 1, FP_NAN 2, FP_NORMAL -1, FP_SUBNORMAL -2, FP_ZERO 0 */
int32_t crt__dclass(double x)
{
    switch (fpclassify(x)) {
    case FP_NAN:
        return 2;
    case FP_INFINITE:
        return 1;
    case FP_ZERO:
        return 0;
    case FP_SUBNORMAL:
        return -2;
    default:
        return -1;
    }
}

int32_t crt__dsign(double x)
{
    return signbit(x) ? 0x8000 : 0;
}

int32_t crt_lround(double x)
{
    return (int32_t)lround(x);
}

int64_t crt_llround(double x)
{
    return llround(x);
}

int32_t crt_lrint(double x)
{
    return (int32_t)lrint(x);
}

double crt_rint(double x)
{
    return rint(x);
}

double crt_nearbyint(double x)
{
    return nearbyint(x);
}

double crt_expm1(double x)
{
    return expm1(x);
}

double crt_log1p(double x)
{
    return log1p(x);
}

double crt__copysign(double x, double y)
{
    return copysign(x, y);
}

double crt__hypot(double x, double y)
{
    return hypot(x, y);
}
