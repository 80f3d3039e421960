/* oleaut32's texts: the length in bytes lies in front of the characters, and a zero behind them. */
#include "win32/win32.h"

static WCHAR *make(const void *text, ULONG bytes)
{
    uint8_t *block = (uint8_t *)w32_alloc_zeroed(8 + (uint64_t)bytes + 4);
    if (!block)
        return NULL;
    memcpy(block + 4, &bytes, 4);
    if (text)
        memcpy(block + 8, text, bytes);
    return (WCHAR *)(block + 8);
}

WCHAR *SysAllocString(const WCHAR *text)
{
    return text ? make(text, (ULONG)w32_wcslen(text) * 2) : NULL;
}

WCHAR *SysAllocStringLen(const WCHAR *text, ULONG units)
{
    return units < 0x7FFFFFF0 ? make(text, units * 2) : NULL;
}

WCHAR *SysAllocStringByteLen(const char *text, ULONG bytes)
{
    return make(text, bytes);
}

void SysFreeString(WCHAR *s)
{
    if (s)
        w32_free((uint64_t)s - 8);
}

ULONG SysStringByteLen(const WCHAR *s)
{
    ULONG bytes = 0;
    if (s)
        memcpy(&bytes, (const uint8_t *)s - 4, 4);
    return bytes;
}

ULONG SysStringLen(const WCHAR *s)
{
    return SysStringByteLen(s) / 2;
}

/* ---- VARIANT: numbers and texts ---- */

struct variant {
    uint16_t type, reserved[3];
    uint64_t value, more;
};
enum { VT_BSTR = 8, VT_DISPATCH = 9, VT_UNKNOWN = 13, VT_LAST_PLAIN = 23, VT_FILETIME = 64, DISP_E_BADVARTYPE = (int)0x80020008, OUT_OF_MEMORY = (int)0x8007000E };

static bool is_plain(uint16_t type)
{
    return (type <= VT_LAST_PLAIN && type != VT_DISPATCH && type != VT_UNKNOWN && type != 12 && type != 15) || type == VT_FILETIME;
}

void VariantInit(struct variant *v)
{
    v->type = 0;
}

int32_t VariantClear(struct variant *v)
{
    if (!is_plain(v->type))
        return DISP_E_BADVARTYPE;
    if (v->type == VT_BSTR)
        SysFreeString((WCHAR *)v->value);
    v->type = 0;
    return 0;
}

int32_t VariantCopy(struct variant *to, const struct variant *from)
{
    if (to == from)
        return 0;
    if (!is_plain(from->type))
        return DISP_E_BADVARTYPE;
    int32_t r = VariantClear(to);
    if (r)
        return r;
    struct variant v = *from;
    if (v.type == VT_BSTR && v.value) {
        v.value = (uint64_t)make((const void *)from->value, SysStringByteLen((const WCHAR *)from->value));
        if (!v.value)
            return OUT_OF_MEMORY;
    }
    *to = v;
    return 0;
}
