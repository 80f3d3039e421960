/* One half (A or W) of ntstrsafe.h; included from there with IRPLAB_STRSAFE_CHAR, _NAME and _VPRINT defined, which it
 * takes away again. Sizes in characters are "cch", in bytes "cb"; both forms end in the same worker. */

#define CH IRPLAB_STRSAFE_CHAR
#define N(rest) IRPLAB_STRSAFE_NAME(RtlString, rest)
#define WORKER(rest) IRPLAB_STRSAFE_NAME(irplab_strsafe_, rest)
#define STRSAFE_UNUSED __attribute__((unused))

static __inline STRSAFE_UNUSED NTSTATUS WORKER(length)(const CH *s, size_t max, size_t *length)
{
    size_t n = 0;
    if (length)
        *length = 0;
    if (!s || max > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    while (n < max && s[n])
        n++;
    if (n == max)
        return STATUS_INVALID_PARAMETER;
    if (length)
        *length = n;
    return STATUS_SUCCESS;
}

/* Puts text behind `at` and a terminator behind it; *used becomes the length reached. */
static __inline STRSAFE_UNUSED NTSTATUS WORKER(put)(CH *d, size_t cch, size_t at, const CH *s, size_t wanted,
                                                    size_t *used)
{
    size_t i = at, n = 0;
    while (n < wanted && s[n] && i + 1 < cch)
        d[i++] = s[n++];
    d[i] = 0;
    *used = i;
    return n == wanted || !s[n] ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static __inline STRSAFE_UNUSED NTSTATUS WORKER(vprint)(CH *d, size_t cch, const CH *format, va_list arguments,
                                                       size_t *used)
{
    int n = IRPLAB_STRSAFE_VPRINT(d, cch - 1, format, arguments);
    NTSTATUS status = n >= 0 && (size_t)n <= cch - 1 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
    *used = status == STATUS_SUCCESS ? (size_t)n : cch - 1;
    d[*used] = 0;
    return status;
}

/* The ends of all Ex functions: fill patterns, and where the next text would go. */
static __inline STRSAFE_UNUSED NTSTATUS WORKER(finish)(NTSTATUS status, CH *d, size_t cb, size_t start, size_t used,
                                                       CH **end, size_t *remaining, size_t unit, ULONG flags)
{
    size_t cch = cb / sizeof(CH);
    if (status == STATUS_SUCCESS && (flags & STRSAFE_FILL_BEHIND_NULL) && cch)
        irplab_strsafe_fill((unsigned char *)d, cb, (used + 1) * sizeof(CH), STRSAFE_GET_FILL_PATTERN(flags));
    if (status == STATUS_BUFFER_OVERFLOW && (flags & STRSAFE_NO_TRUNCATION) && cch)
        d[used = start] = 0;
    if (status != STATUS_SUCCESS && (flags & STRSAFE_FILL_ON_FAILURE) && cch) {
        int pattern = STRSAFE_GET_FILL_PATTERN(flags);
        irplab_strsafe_fill((unsigned char *)d, cb, 0, pattern);
        used = pattern ? cch - 1 : 0;
        d[cch - 1] = 0;
    }
    if (status != STATUS_SUCCESS && (flags & STRSAFE_NULL_ON_FAILURE) && cch)
        d[used = 0] = 0;
    if (status == STATUS_SUCCESS || status == STATUS_BUFFER_OVERFLOW) {
        if (end)
            *end = d + used;
        if (remaining)
            *remaining = unit == 1 ? cb - used * sizeof(CH) : cch - used;
    }
    return status;
}

/* A destination is good when it has room for a terminator at least; with IGNORE_NULLS an absent one counts as a buffer
 * of no size, in which only nothing fits. */
static __inline STRSAFE_UNUSED NTSTATUS WORKER(check)(const CH *d, size_t cch, ULONG flags)
{
    if (flags & ~STRSAFE_VALID_FLAGS)
        return STATUS_INVALID_PARAMETER;
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    if (flags & STRSAFE_IGNORE_NULLS)
        return d || !cch ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    return d && cch ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static __inline STRSAFE_UNUSED NTSTATUS WORKER(copy_ex)(CH *d, size_t cb, int append, const CH *s, size_t wanted,
                                                        CH **end, size_t *remaining, size_t unit, ULONG flags)
{
    static const CH nothing[1];
    size_t cch = cb / sizeof(CH), start = 0, used = 0;
    NTSTATUS status = WORKER(check)(d, cch, flags);
    if (!NT_SUCCESS(status) || wanted > NTSTRSAFE_MAX_CCH || (!s && !(flags & STRSAFE_IGNORE_NULLS)))
        return STATUS_INVALID_PARAMETER;
    if (!s)
        s = nothing;
    if (append && cch && !NT_SUCCESS(WORKER(length)(d, cch, &start)))
        return STATUS_INVALID_PARAMETER;
    used = start;
    if (cch)
        status = WORKER(put)(d, cch, start, s, wanted, &used);
    else if (wanted && *s)
        status = d ? STATUS_BUFFER_OVERFLOW : STATUS_INVALID_PARAMETER;
    return WORKER(finish)(status, d, cb, start, used, end, remaining, unit, flags);
}

static __inline STRSAFE_UNUSED NTSTATUS WORKER(print_ex)(CH *d, size_t cb, CH **end, size_t *remaining, size_t unit,
                                                         ULONG flags, const CH *format, va_list arguments)
{
    size_t cch = cb / sizeof(CH), used = 0;
    NTSTATUS status = WORKER(check)(d, cch, flags);
    if (!NT_SUCCESS(status) || (!format && !(flags & STRSAFE_IGNORE_NULLS)))
        return STATUS_INVALID_PARAMETER;
    if (!cch)
        status = !format || !*format ? STATUS_SUCCESS : d ? STATUS_BUFFER_OVERFLOW : STATUS_INVALID_PARAMETER;
    else if (!format)
        d[0] = 0;
    else
        status = WORKER(vprint)(d, cch, format, arguments, &used);
    return WORKER(finish)(status, d, cb, 0, used, end, remaining, unit, flags);
}

/* ---- the public names: Cch, then Cb ---- */

#define ALL NTSTRSAFE_MAX_CCH

NTSTRSAFE_DDI N(CchLength)(const CH *s, size_t max, size_t *length)
{
    return WORKER(length)(s, max, length);
}
NTSTRSAFE_DDI N(CbLength)(const CH *s, size_t max, size_t *length)
{
    size_t n = 0;
    NTSTATUS status = WORKER(length)(s, max / sizeof(CH), &n);
    if (length)
        *length = n * sizeof(CH);
    return status;
}
NTSTRSAFE_DDI N(CchCopy)(CH *d, size_t cch, const CH *s)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 0, s, ALL, NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CbCopy)(CH *d, size_t cb, const CH *s)
{
    return WORKER(copy_ex)(d, cb, 0, s, ALL, NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CchCopyEx)(CH *d, size_t cch, const CH *s, CH **end, size_t *remaining, ULONG flags)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 0, s, ALL, end, remaining, 2, flags);
}
NTSTRSAFE_DDI N(CbCopyEx)(CH *d, size_t cb, const CH *s, CH **end, size_t *remaining, ULONG flags)
{
    return WORKER(copy_ex)(d, cb, 0, s, ALL, end, remaining, 1, flags);
}
NTSTRSAFE_DDI N(CchCopyN)(CH *d, size_t cch, const CH *s, size_t wanted)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 0, s, wanted, NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CbCopyN)(CH *d, size_t cb, const CH *s, size_t wanted)
{
    return WORKER(copy_ex)(d, cb, 0, s, wanted / sizeof(CH), NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CchCopyNEx)(CH *d, size_t cch, const CH *s, size_t wanted, CH **end, size_t *remaining, ULONG flags)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 0, s, wanted, end, remaining, 2, flags);
}
NTSTRSAFE_DDI N(CbCopyNEx)(CH *d, size_t cb, const CH *s, size_t wanted, CH **end, size_t *remaining, ULONG flags)
{
    return WORKER(copy_ex)(d, cb, 0, s, wanted / sizeof(CH), end, remaining, 1, flags);
}
NTSTRSAFE_DDI N(CchCat)(CH *d, size_t cch, const CH *s)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 1, s, ALL, NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CbCat)(CH *d, size_t cb, const CH *s)
{
    return WORKER(copy_ex)(d, cb, 1, s, ALL, NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CchCatEx)(CH *d, size_t cch, const CH *s, CH **end, size_t *remaining, ULONG flags)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 1, s, ALL, end, remaining, 2, flags);
}
NTSTRSAFE_DDI N(CbCatEx)(CH *d, size_t cb, const CH *s, CH **end, size_t *remaining, ULONG flags)
{
    return WORKER(copy_ex)(d, cb, 1, s, ALL, end, remaining, 1, flags);
}
NTSTRSAFE_DDI N(CchCatN)(CH *d, size_t cch, const CH *s, size_t wanted)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 1, s, wanted, NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CbCatN)(CH *d, size_t cb, const CH *s, size_t wanted)
{
    return WORKER(copy_ex)(d, cb, 1, s, wanted / sizeof(CH), NULL, NULL, 1, 0);
}
NTSTRSAFE_DDI N(CchCatNEx)(CH *d, size_t cch, const CH *s, size_t wanted, CH **end, size_t *remaining, ULONG flags)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(copy_ex)(d, cch * sizeof(CH), 1, s, wanted, end, remaining, 2, flags);
}
NTSTRSAFE_DDI N(CbCatNEx)(CH *d, size_t cb, const CH *s, size_t wanted, CH **end, size_t *remaining, ULONG flags)
{
    return WORKER(copy_ex)(d, cb, 1, s, wanted / sizeof(CH), end, remaining, 1, flags);
}
NTSTRSAFE_DDI N(CchVPrintf)(CH *d, size_t cch, const CH *format, va_list arguments)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(print_ex)(d, cch * sizeof(CH), NULL, NULL, 1, 0, format, arguments);
}
NTSTRSAFE_DDI N(CbVPrintf)(CH *d, size_t cb, const CH *format, va_list arguments)
{
    return WORKER(print_ex)(d, cb, NULL, NULL, 1, 0, format, arguments);
}
NTSTRSAFE_DDI N(CchVPrintfEx)(CH *d, size_t cch, CH **end, size_t *remaining, ULONG flags, const CH *format,
                              va_list arguments)
{
    if (cch > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return WORKER(print_ex)(d, cch * sizeof(CH), end, remaining, 2, flags, format, arguments);
}
NTSTRSAFE_DDI N(CbVPrintfEx)(CH *d, size_t cb, CH **end, size_t *remaining, ULONG flags, const CH *format,
                             va_list arguments)
{
    return WORKER(print_ex)(d, cb, end, remaining, 1, flags, format, arguments);
}
NTSTRSAFE_DDIV N(CchPrintf)(CH *d, size_t cch, const CH *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    NTSTATUS status = N(CchVPrintf)(d, cch, format, arguments);
    va_end(arguments);
    return status;
}
NTSTRSAFE_DDIV N(CbPrintf)(CH *d, size_t cb, const CH *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    NTSTATUS status = N(CbVPrintf)(d, cb, format, arguments);
    va_end(arguments);
    return status;
}
NTSTRSAFE_DDIV N(CchPrintfEx)(CH *d, size_t cch, CH **end, size_t *remaining, ULONG flags, const CH *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    NTSTATUS status = N(CchVPrintfEx)(d, cch, end, remaining, flags, format, arguments);
    va_end(arguments);
    return status;
}
NTSTRSAFE_DDIV N(CbPrintfEx)(CH *d, size_t cb, CH **end, size_t *remaining, ULONG flags, const CH *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    NTSTATUS status = N(CbVPrintfEx)(d, cb, end, remaining, flags, format, arguments);
    va_end(arguments);
    return status;
}

#undef ALL
#undef CH
#undef N
#undef WORKER
#undef STRSAFE_UNUSED
#undef IRPLAB_STRSAFE_CHAR
#undef IRPLAB_STRSAFE_NAME
#undef IRPLAB_STRSAFE_VPRINT
