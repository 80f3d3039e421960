/* Functions whose frames differ: single-stepped by test_unwind_step.c, which unwinds at every instruction.
 * Freestanding, no imports; each exported function takes and returns a number. */
typedef unsigned long long u64;
#define NOINLINE __attribute__((noinline))
#define EXPORT __declspec(dllexport)

/* Compilers call it for frames over a page; the stack is mapped here, so it need not probe. */
__asm__(".globl ___chkstk_ms\n___chkstk_ms: ret\n.globl __chkstk\n__chkstk: ret\n");

int _fltused;

volatile u64 sink;

static NOINLINE u64 leaf(u64 x)
{
    return x * 3 + 1;
}

static NOINLINE u64 touch(u64 *p, u64 n)
{
    for (u64 i = 0; i < n; i++)
        p[i] = i ^ (u64)p;
    sink += p[n - 1];
    return p[n / 2];
}

EXPORT u64 shape_leaf(u64 x)
{
    return leaf(x);
}

EXPORT u64 shape_tail(u64 x)
{
    sink = x;
    return leaf(x + 1);
}

static u64 (*volatile pointer)(u64) = leaf;

EXPORT u64 shape_tail_indirect(u64 x)
{
    u64 a = leaf(x);
    return pointer(a + leaf(x));
}

EXPORT u64 shape_nonvolatiles(u64 x)
{
    u64 a = leaf(x), b = leaf(a), c = leaf(b), d = leaf(c), e = leaf(d), f = leaf(e), g = leaf(f), h = leaf(g);
    u64 i = leaf(h), j = leaf(i);
    return a ^ leaf(b) ^ leaf(c) ^ leaf(d) ^ leaf(e) ^ leaf(f) ^ leaf(g) ^ leaf(h) ^ leaf(i) ^ leaf(j);
}

EXPORT u64 shape_recursive(u64 n)
{
    u64 local[4];
    if (n == 0)
        return touch(local, 4);
    return touch(local, 3) + shape_recursive(n - 1) + leaf(n);
}

EXPORT u64 shape_page(u64 x)
{
    u64 local[900];
    return touch(local, 20) + leaf(x) + local[3];
}

EXPORT u64 shape_large(u64 x)
{
    u64 local[20000];
    return touch(local, 20) + leaf(x) + local[x & 7];
}

EXPORT u64 shape_dynamic(u64 n)
{
    u64 *p = __builtin_alloca((n & 15) * 8 + 8);
    u64 fixed[6];
    return touch(p, (n & 15) + 1) + touch(fixed, 6) + leaf(n);
}

EXPORT u64 shape_dynamic_large(u64 n)
{
    u64 *p = __builtin_alloca((n & 15) * 8 + 8);
    u64 fixed[800];
    u64 a = leaf(n), b = leaf(a), c = leaf(b);
    return touch(p, (n & 15) + 1) + touch(fixed, 6) + leaf(a) + leaf(b) + leaf(c);
}

static NOINLINE double half(double x)
{
    return x * 0.5;
}

EXPORT u64 shape_floating(u64 x)
{
    double a = half((double)x), b = half(a), c = half(b), d = half(c), e = half(d), f = half(e), g = half(f);
    double h = half(g), i = half(h), j = half(i);
    return (u64)(a + half(b) + half(c) + half(d) + half(e) + half(f) + half(g) + half(h) + half(i) + half(j));
}

EXPORT u64 shape_floating_dynamic(u64 n)
{
    double a = half((double)n), b = half(a), c = half(b);
    u64 *p = __builtin_alloca((n & 15) * 8 + 8);
    u64 r = touch(p, (n & 15) + 1);
    return r + (u64)(a + half(b) + half(c));
}

EXPORT u64 shape_floating_large(u64 n)
{
    double a = half((double)n), b = half(a), c = half(b);
    u64 far[9000];
    return touch(far, 5) + (u64)(a + half(b) + half(c));
}

static NOINLINE u64 variadic(u64 n, ...)
{
    __builtin_ms_va_list ap;
    u64 sum = 0;
    __builtin_ms_va_start(ap, n);
    for (u64 i = 0; i < n; i++)
        sum += leaf(__builtin_va_arg(ap, u64));
    __builtin_ms_va_end(ap);
    return sum;
}

EXPORT u64 shape_variadic(u64 x)
{
    return variadic(6, x, x + 1, x + 2, x + 3, x + 4, x + 5);
}

EXPORT u64 shape_switch(u64 x)
{
    u64 local[3];
    switch (x & 7) {
    case 0: return touch(local, 1);
    case 1: return leaf(x) + touch(local, 2);
    case 2: sink = leaf(x); break;
    case 3: sink = leaf(x + 9) * 5; break;
    case 4: return leaf(sink);
    case 5: sink ^= touch(local, 3); break;
    case 6: return 7;
    default: return pointer(x);
    }
    return leaf(x) + 2;
}

EXPORT u64 shape_early(u64 x)
{
    if (x & 1)
        return x;
    u64 a = leaf(x), b = leaf(a), c = leaf(b);
    if (a & 4)
        return leaf(b) + c;
    return leaf(a) + leaf(b) + leaf(c);
}

static int by_value(const void *a, const void *b)
{
    return *(const u64 *)a < *(const u64 *)b;
}

static NOINLINE void sort(u64 *v, u64 n, int (*order)(const void *, const void *))
{
    for (u64 i = 1; i < n; i++)
        for (u64 k = i; k && order(&v[k - 1], &v[k]); k--) {
            u64 t = v[k];
            v[k] = v[k - 1];
            v[k - 1] = t;
        }
}

EXPORT u64 shape_callback(u64 x)
{
    u64 v[6] = { x, 3, 9, x ^ 5, 1, 7 };
    sort(v, 6, by_value);
    return v[0] + leaf(v[1]);
}

int entry(void)
{
    return 1;
}
