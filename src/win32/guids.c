/* Identifiers as text and new ones (ole32, rpcrt4), and what console programs call around them. New ones come from the process's own
 * generator: the same in every run. */
#include "win32/crt.h"

#include <stdio.h>

enum { GUID_CHARS = 38, S_OK_ = 0, S_FALSE_ = 1, E_BAD_CLASS_TEXT = (int)0x800401F3, RPC_S_INVALID_STRING_UUID_ = 1705 };

static void print(const GUID *g, bool braces, bool upper, char *out)
{
    const char *format = upper ? "%s%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X%s" : "%s%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x%s";
    snprintf(out, GUID_CHARS + 1, format, braces ? "{" : "", g->Data1, g->Data2, g->Data3, g->Data4[0], g->Data4[1], g->Data4[2], g->Data4[3], g->Data4[4],
             g->Data4[5], g->Data4[6], g->Data4[7], braces ? "}" : "");
}

static int digit(WCHAR c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 8-4-4-4-12 digits; the text must end there (or with the brace). */
static bool parse(const WCHAR *s, bool braces, GUID *out)
{
    uint8_t bytes[16];
    unsigned n = 0;
    if (braces && *s++ != '{')
        return false;
    for (unsigned at = 0; at < 36;) {
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (s[at++] != '-')
                return false;
            continue;
        }
        int high = digit(s[at]), low = high < 0 ? -1 : digit(s[at + 1]);
        if (low < 0)
            return false;
        bytes[n++] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    if (braces ? s[36] != '}' || s[37] : s[36])
        return false;
    GUID g = { (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3], (uint16_t)(bytes[4] << 8 | bytes[5]),
               (uint16_t)(bytes[6] << 8 | bytes[7]), { 0 } };
    memcpy(g.Data4, bytes + 8, 8);
    memcpy(out, &g, sizeof g);
    return true;
}

/* Version 4: random. */
static void make(GUID *to)
{
    uint32_t r[4];
    for (int i = 0; i < 4; i++)
        r[i] = w32_random();
    memcpy(to, r, sizeof r);
    to->Data3 = (uint16_t)((to->Data3 & 0x0FFF) | 0x4000);
    to->Data4[0] = (uint8_t)((to->Data4[0] & 0x3F) | 0x80);
}

LONG StringFromGUID2(const GUID *g, WCHAR *to, LONG chars)
{
    char text[GUID_CHARS + 1];
    if (chars <= GUID_CHARS)
        return 0;
    print(g, true, true, text);
    for (int i = 0; i <= GUID_CHARS; i++)
        to[i] = (uint8_t)text[i];
    return GUID_CHARS + 1;
}

LONG StringFromCLSID(const GUID *g, uint64_t *to)
{
    *to = w32_alloc((GUID_CHARS + 1) * 2);
    StringFromGUID2(g, (WCHAR *)*to, GUID_CHARS + 1);
    return S_OK_;
}

LONG CLSIDFromString(const WCHAR *text, GUID *to)
{
    if (parse(text, true, to))
        return S_OK_;
    memset(to, 0, sizeof *to);
    return E_BAD_CLASS_TEXT;
}

LONG CoCreateGuid(GUID *to)
{
    make(to);
    return S_OK_;
}

LONG UuidCreate(GUID *to)
{
    make(to);
    return 0;
}

LONG UuidToStringA(const GUID *g, uint64_t *to)
{
    uint64_t text = w32_alloc(GUID_CHARS + 1);
    print(g, false, false, (char *)text);
    *to = text;
    return 0;
}

LONG UuidToStringW(const GUID *g, uint64_t *to)
{
    char text[GUID_CHARS + 1];
    print(g, false, false, text);
    *to = w32_widen(text);
    return 0;
}

LONG UuidFromStringW(const WCHAR *text, GUID *to)
{
    return parse(text, false, to) ? 0 : RPC_S_INVALID_STRING_UUID_;
}

LONG UuidFromStringA(const char *text, GUID *to)
{
    uint64_t w = w32_widen(text);
    LONG r = UuidFromStringW((const WCHAR *)w, to);
    w32_free(w);
    return r;
}

LONG RpcStringFree(uint64_t *text)
{
    w32_free(*text);
    *text = 0;
    return 0;
}

/* ---- ole32's memory and apartments ---- */

uint64_t CoTaskMemAlloc(uint64_t bytes)
{
    return w32_alloc(bytes ? bytes : 1);
}

void CoTaskMemFree(uint64_t block)
{
    w32_free(block);
}

/* Nothing depends on an apartment: no class can be created here. */
LONG CoInitializeEx(void *reserved, ULONG model)
{
    return S_OK_;
}

LONG CoInitialize(void *reserved)
{
    return S_OK_;
}

void CoUninitialize(void)
{
}

/* ---- random numbers for programs: the process's generator ---- */

uint32_t SystemFunction036(uint8_t *to, ULONG bytes)
{
    for (ULONG i = 0; i < bytes; i++)
        to[i] = (uint8_t)w32_random();
    return 1;
}

NTSTATUS BCryptGenRandom(void *algorithm, uint8_t *to, ULONG bytes, ULONG flags)
{
    SystemFunction036(to, bytes);
    return STATUS_SUCCESS;
}

/* ---- odds and ends of kernel32 and winmm ---- */

LONG MulDiv(LONG a, LONG b, LONG c)
{
    if (c == 0)
        return -1;
    int64_t n = (int64_t)a * b, d = c;
    if (d < 0)
        n = -n, d = -d;
    n = n >= 0 ? (n + d / 2) / d : -((-n + d / 2) / d);
    return n > INT32_MAX || n < INT32_MIN ? -1 : (LONG)n;
}

ULONG timeBeginPeriod(ULONG period)
{
    return period ? 0 : 97; /* TIMERR_NOCANDO */
}
