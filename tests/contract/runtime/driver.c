/* The run time in detail: what is cut, what is refused, and the edges of conversions and searches. */
#include "contract_driver.h"
#include <ntstrsafe.h>
#include <stdio.h>
#include <stdlib.h>

/* Not declared by the kernel headers, or not in the import library: found by name, as a driver for several versions does. */
char *__cdecl _itoa(int, char *, int);
wchar_t *__cdecl _itow(int, wchar_t *, int);
unsigned long __cdecl wcstoul(const wchar_t *, wchar_t **, int);
int __cdecl sscanf_s(const char *, const char *, ...);

static PVOID Find(PCWSTR Text)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Text);
    return MmGetSystemRoutineAddress(&name);
}

#define D_wtoi64 ((long long(*)(const wchar_t*))Find(L"_wtoi64"))
#define D_i64toa ((char*(*)(long long,char*,int))Find(L"_i64toa"))
#define Dstrtoul ((unsigned long(*)(const char*,char**,int))Find(L"strtoul"))
#define Dstrtol ((long(*)(const char*,char**,int))Find(L"strtol"))
#define Dwcstol ((long(*)(const wchar_t*,wchar_t**,int))Find(L"wcstol"))
#define Disalpha ((int(*)(int))Find(L"isalpha"))
#define Disalnum ((int(*)(int))Find(L"isalnum"))
#define DRtlSuffixUnicodeString ((BOOLEAN(*)(PCUNICODE_STRING,PCUNICODE_STRING,BOOLEAN))Find(L"RtlSuffixUnicodeString"))



static VOID Same(PCONTRACT t, ULONG Line, PCSTR Is, PCSTR Expected)
{
    if (strcmp(Is, Expected)) {
        DbgPrint("line %u: is '%s', expected '%s'\n", Line, Is, Expected);
        ContractFail(t, Line, Expected);
    }
}

#define FORMAT(expected, ...)                                   \
    do {                                                        \
        CHAR text_[700];                                        \
        _snprintf(text_, sizeof(text_), __VA_ARGS__);           \
        Same(t, __LINE__, text_, expected);                     \
    } while (0)

static VOID Formats(PCONTRACT t)
{
    UNICODE_STRING u = RTL_CONSTANT_STRING(L"counted"), none = {0};
    PVOID null = NULL;

    FORMAT("(null)|(null)|(null)|(null)", "%s|%S|%wZ|%Z", null, null, null, null);
    FORMAT("(null)", "%wZ", &none);
    FORMAT("  (null)|(nu", "%8s|%.3s", null, null);
    FORMAT("-1 4294967295 ffffffff", "%I32d %I32u %I32x", -1, -1, -1);
    FORMAT("-1 18446744073709551615 ffffffffffffffff FFFFFFFFFFFFFFFF", "%Id %Iu %Ix %IX", (LONG_PTR)-1, (LONG_PTR)-1, (LONG_PTR)-1, (LONG_PTR)-1);
    FORMAT("-9223372036854775808", "%I64d", (LONGLONG)0x8000000000000000ULL);
    FORMAT("-2147483648", "%d", (int)0x80000000);
    FORMAT("0000BEEF|0xbeef|0|017|0", "%08lX|%#x|%#x|%#o|%#o", 0xBEEFL, 0xBEEF, 0, 15, 0);
    FORMAT("[    7][7    ][00007]", "[%*d][%-*d][%0*d]", 5, 7, 5, 7, 5, 7);
    FORMAT("[7    ]", "[%*d]", -5, 7);
    FORMAT("abc|abcdef", "%.*s|%.*s", 3, "abcdef", -1, "abcdef");
    FORMAT("A|B|C|D", "%c|%C|%wc|%hc", 'A', L'B', L'C', 'D');
    FORMAT("%|100%", "%%|%d%%", 100);
    FORMAT("||  |", "%.0d|%.0x|%2.0d|", 0, 0, 0);
    FORMAT("-005|+5| 5|  005", "%.3d|%+d|% d|%5.3d", -5, 5, 5, 5);
    FORMAT("000000007FFF0000|0000000000000000", "%p|%p", (PVOID)0x7fff0000, null);
    FORMAT("coun|   counted|counted   |", "%.4wZ|%10wZ|%-10wZ|", &u, &u, &u);
    FORMAT("-128 255 -32768 65535", "%hhd %hhu %hd %hu", 0x80, 0xff, 0x8000, 0xffff);
    FORMAT("1.500000|-2.3|1.000000e+010|0.5", "%f|%.1f|%e|%g", 1.5, -2.25 - 0.05, 1e10, 0.5);
    FORMAT("wide|wide|narrow", "%ls|%ws|%hs", L"wide", L"wide", "narrow");
    FORMAT("7 8 9", "%lld %llu %zu", 7LL, 8ULL, (SIZE_T)9);
}

static VOID CutFormats(PCONTRACT t)
{
    CHAR a[8];
    WCHAR w[8];

    RtlFillMemory(a, sizeof(a), 'x');
    CHECK_EQ(_snprintf(a, 4, "%s", "abcd"), 4);
    CHECK_EQ(a[4], 'x');
    CHECK_EQ((LONG)_snprintf(a, 4, "%s", "efghi"), (LONG)-1);
    CHECK(!memcmp(a, "efghx", 5));
    CHECK_EQ(_snprintf(a, 4, "%s", "abc"), 3);
    CHECK_EQ(a[3], 0);
    RtlFillMemory(w, sizeof(w), 'x');
    CHECK_EQ((LONG)_snwprintf(w, 4, L"%s", L"efghi"), (LONG)-1);
    CHECK_EQ(w[3], L'h');
    CHECK_EQ(w[4], 0x7878);
    CHECK_EQ(swprintf_s(w, 8, L"%d", 1234567), 7);
    CHECK_STATUS(RtlStringCbPrintfA(a, 0, "x"), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlStringCbPrintfA(a, 1, "x"), STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(a[0], 0);
    CHECK_STATUS(RtlStringCbPrintfA(a, 1, ""), STATUS_SUCCESS);
    CHECK_STATUS(RtlStringCbPrintfA(a, 4, "abc"), STATUS_SUCCESS);
    CHECK_STATUS(RtlStringCbPrintfA(a, 3, "abc"), STATUS_BUFFER_OVERFLOW);
    CHECK(!strcmp(a, "ab"));
    CHECK_STATUS(RtlStringCbPrintfA(a, NTSTRSAFE_MAX_CCH + 1ull, "x"), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlStringCbPrintfW(w, 5, L"abc"), STATUS_BUFFER_OVERFLOW);
    CHECK(!wcscmp(w, L"a"));
    CHECK_STATUS(RtlStringCbPrintfW(w, 1, L"abc"), STATUS_INVALID_PARAMETER);
}

static int __cdecl Down(const void *a, const void *b)
{
    return *(const UCHAR *)b - *(const UCHAR *)a;
}

static VOID RunTime(PCONTRACT t)
{
    CHAR a[80], *end, *context;
    WCHAR w[80], *wend;
    UCHAR bytes[] = {3, 1, 2, 9, 9, 0, 200, 7, 5, 4, 6, 11};
    UCHAR key = 200;

    CHECK_EQ(memcmp("\x80", "\x7f", 1) > 0, TRUE);
    CHECK_EQ(memcmp("a", "b", 0), 0);
    CHECK(memchr("abc", 0, 4) != NULL);
    CHECK(memchr("abc", 'd', 3) == NULL);
    CHECK(strchr("abc", 0) != NULL && !*strchr("abc", 0));
    CHECK(strrchr("abcb", 'b')[1] == 0);
    CHECK(strstr("abc", "") != NULL);
    CHECK(strstr("aab", "ab") != NULL);
    CHECK(wcsstr(L"abc", L"") != NULL);
    CHECK(wcsstr(L"ab", L"abc") == NULL);
    CHECK(wcschr(L"abc", L'z') == NULL);
    CHECK_EQ(strspn("aabbc", "ab"), 4);
    CHECK_EQ(wcscspn(L"hello", L"lo"), 2);
    CHECK_EQ(strcmp("a", "\xff") < 0, TRUE);
    CHECK_EQ(_stricmp("aBc", "AbC"), 0);
    CHECK_EQ(_stricmp("a_", "aB") < 0, TRUE); /* compared in lower case: '_' is below 'b' */
    CHECK_EQ(_strnicmp("abX", "ABy", 2), 0);
    CHECK_EQ(_strnicmp("a", "b", 0), 0);
    CHECK_EQ(_wcsicmp(L"DEVICE", L"device"), 0);
    strncpy(a, "ab", 5);
    CHECK(!memcmp(a, "ab\0\0\0", 5));
    strcpy(a, "ab");
    CHECK(!strcmp(strncat(a, "cdef", 2), "abcd"));
    CHECK_EQ(strnlen("abc", 2), 2);
    CHECK_EQ(strcpy_s(a, 4, "abc"), 0);
    CHECK_EQ(strcpy_s(a, 3, "abc"), 34); /* ERANGE */
    CHECK_EQ(a[0], 0);
    CHECK_EQ(strcpy_s(NULL, 3, "abc"), 22); /* EINVAL */
    CHECK_EQ(strncpy_s(a, 4, "abcdef", 3), 0);
    CHECK(!strcmp(a, "abc"));
    CHECK_EQ(strncpy_s(a, 3, "abcdef", _TRUNCATE), 80); /* STRUNCATE */
    CHECK(!strcmp(a, "ab"));
    CHECK_EQ(strcat_s(a, 5, "cd"), 0);
    CHECK_EQ(strcat_s(a, 5, "e"), 34);
    CHECK_EQ(wcscpy_s(w, 4, L"abc"), 0);
    CHECK_EQ(wcscat_s(w, 6, L"de"), 0);
    CHECK_EQ(memcpy_s(a, 2, "abc", 3), 34);
    CHECK_EQ(a[0], 0);
    strcpy(a, ",,one,,two;three");
    CHECK(!strcmp(strtok_s(a, ",;", &context), "one"));
    CHECK(!strcmp(strtok_s(NULL, ",", &context), "two;three"));
    CHECK(strtok_s(NULL, ",", &context) == NULL);
    qsort(bytes, sizeof(bytes), 1, Down);
    for (ULONG i = 1; i < sizeof(bytes); i++)
        CHECK(bytes[i - 1] >= bytes[i]);
    CHECK(bsearch(&key, bytes, sizeof(bytes), 1, Down) == bytes);
    key = 8;
    CHECK(bsearch(&key, bytes, sizeof(bytes), 1, Down) == NULL);
    CHECK(bsearch(&key, bytes, 0, 1, Down) == NULL);
    CHECK_EQ(atoi(" \t-12x"), -12);
    CHECK_EQ(atoi("+7"), 7);
    CHECK_EQ(atoi(""), 0);
    CHECK_EQ(atol("99"), 99);
    CHECK_EQ(D_wtoi64(L"-9223372036854775808"), (LONGLONG)0x8000000000000000ULL);
    CHECK(!strcmp(_itoa(-10, a, 10), "-10"));
    CHECK(!strcmp(_itoa(-1, a, 16), "ffffffff"));
    CHECK(!strcmp(_itoa(0, a, 2), "0"));
    CHECK(!strcmp(D_i64toa((LONGLONG)0x8000000000000000ULL, a, 10), "-9223372036854775808"));
    CHECK(!strcmp(D_i64toa(-1, a, 2), "1111111111111111111111111111111111111111111111111111111111111111"));
    CHECK(!wcscmp(_itow(35, w, 36), L"z"));
    CHECK_EQ(Dstrtoul("0x1Fg", &end, 0), 31);
    CHECK_EQ(*end, 'g');
    CHECK_EQ(Dstrtoul("4294967296", &end, 10), 0xffffffffUL);
    CHECK_EQ(Dstrtol("-99999999999", &end, 10), (LONG)0x80000000);
    CHECK_EQ(Dstrtol("zz", &end, 10), 0);
    CHECK_EQ(*end, 'z');
    CHECK_EQ(wcstoul(L"077", &wend, 0), 63);
    CHECK_EQ(wcstoul(L"-1", &wend, 10), 0xffffffffUL);
    CHECK_EQ(Dwcstol(L" 12,", &wend, 10), 12);
    CHECK_EQ(*wend, L',');
    CHECK_EQ(tolower('A'), 'a');
    CHECK_EQ(tolower('['), '[');
    CHECK_EQ(toupper(0xe4), 0xe4);
    CHECK_EQ(towlower(L'Z'), L'z');
    CHECK_EQ(towupper(L'z'), L'Z');
    CHECK(isdigit('9') && !isdigit('a') && isxdigit('F') && !isxdigit('g'));
    CHECK(isspace('\v') && !isspace('x') && isprint(' ') && !isprint(0x7f));
    CHECK(Disalpha('z') && !Disalpha('1') && Disalnum('1') && isupper('A') && islower('a'));
    strcpy(a, "MiXed1");
    CHECK(!strcmp(_strupr(a), "MIXED1"));
    CHECK(!strcmp(_strlwr(a), "mixed1"));
    CHECK(!strcmp(_strrev(a), "1dexim"));
    CHECK_EQ(mbstowcs(w, "abc", 10), 3);
    CHECK_EQ(wcstombs(a, L"abc", 10), 3);
    CHECK_EQ(sscanf_s("12 ab 0x1f", "%d %*s %x", (int *)&a[0], (unsigned *)&a[8]), 2);
    CHECK_EQ(*(int *)&a[0], 12);
    CHECK_EQ(*(int *)&a[8], 31);
}

static VOID Counted(PCONTRACT t)
{
    WCHAR buffer[8];
    UNICODE_STRING a = RTL_CONSTANT_STRING(L"Device"), b, c = RTL_CONSTANT_STRING(L"VICE"), empty = {0}, big = {65534, 65534, buffer};
    ANSI_STRING ansi, ansi2;
    ULONG hash, hash2;
    CHAR small[4];

    RtlInitUnicodeString(&b, L"");
    CHECK_EQ(b.Length, 0);
    CHECK_EQ(b.MaximumLength, 2);
    CHECK_STATUS(RtlInitUnicodeStringEx(&b, NULL), STATUS_SUCCESS);
    CHECK(RtlPrefixUnicodeString(&empty, &a, FALSE));
    CHECK(RtlEqualUnicodeString(&empty, &empty, FALSE));
    CHECK(RtlCompareUnicodeString(&empty, &a, FALSE) < 0);
    CHECK(DRtlSuffixUnicodeString(&c, &a, TRUE));
    CHECK(!DRtlSuffixUnicodeString(&c, &a, FALSE));
    RtlInitEmptyUnicodeString(&b, buffer, 12);
    CHECK_STATUS(RtlAppendUnicodeStringToString(&b, &a), STATUS_SUCCESS);
    CHECK_STATUS(RtlAppendUnicodeStringToString(&b, &empty), STATUS_SUCCESS);
    CHECK_STATUS(RtlAppendUnicodeToString(&b, NULL), STATUS_SUCCESS);
    CHECK_STATUS(RtlAppendUnicodeToString(&b, L"x"), STATUS_BUFFER_TOO_SMALL);
    CHECK_STATUS(RtlAppendUnicodeStringToString(&b, &big), STATUS_BUFFER_TOO_SMALL);
    RtlCopyUnicodeString(&b, NULL);
    CHECK_EQ(b.Length, 0);
    CHECK_STATUS(RtlHashUnicodeString(&a, FALSE, HASH_STRING_ALGORITHM_X65599, &hash), STATUS_SUCCESS);
    hash2 = 0;
    for (ULONG i = 0; i < 6; i++)
        hash2 = hash2 * 65599 + a.Buffer[i];
    CHECK_EQ(hash, hash2);
    CHECK_STATUS(RtlHashUnicodeString(&a, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &hash), STATUS_SUCCESS);
    CHECK_STATUS(RtlHashUnicodeString(&a, FALSE, 77, &hash2), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlHashUnicodeString(NULL, FALSE, 0, &hash2), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE, &a, &b), STATUS_SUCCESS);
    CHECK_EQ(b.Length, 12);
    CHECK_EQ(b.MaximumLength, 14);
    CHECK_EQ(b.Buffer[6], 0);
    RtlFreeUnicodeString(&b);
    CHECK_STATUS(RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE, &empty, &b), STATUS_SUCCESS);
    CHECK(b.Buffer == NULL);
    CHECK_STATUS(RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE | RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING, &empty, &b), STATUS_SUCCESS);
    CHECK(b.Buffer != NULL);
    CHECK_EQ(b.MaximumLength, 2);
    RtlFreeUnicodeString(&b);
    CHECK_STATUS(RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING, &empty, &b), STATUS_INVALID_PARAMETER);
    CHECK(RtlCreateUnicodeString(&b, L"abc"));
    CHECK_EQ(b.MaximumLength, 8);
    RtlFreeUnicodeString(&b);
    RtlInitEmptyAnsiString(&ansi, small, sizeof(small));
    CHECK_STATUS(RtlUnicodeStringToAnsiString(&ansi, &a, FALSE), STATUS_BUFFER_OVERFLOW);
    CHECK(!memcmp(small, "Dev", 4));
    CHECK_EQ(ansi.Length, 3);
    RtlInitAnsiString(&ansi, "abc");
    RtlInitEmptyUnicodeString(&b, buffer, 6);
    CHECK_STATUS(RtlAnsiStringToUnicodeString(&b, &ansi, FALSE), STATUS_BUFFER_OVERFLOW);
    RtlInitAnsiString(&ansi2, "ABC");
    CHECK(RtlEqualString(&ansi, &ansi2, TRUE));
    CHECK(RtlCompareString(&ansi, &ansi2, FALSE) > 0);
}

static VOID Numbers(PCONTRACT t)
{
    WCHAR buffer[70];
    UNICODE_STRING s;
    ULONG v;
    GUID guid;

    RtlInitEmptyUnicodeString(&s, buffer, sizeof(buffer));
    CHECK_STATUS(RtlInt64ToUnicodeString(0xFEDCBA9876543210ULL, 16, &s), STATUS_SUCCESS);
    CHECK(!wcscmp(buffer, L"FEDCBA9876543210"));
    CHECK_STATUS(RtlInt64ToUnicodeString(5, 3, &s), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlIntegerToUnicodeString(5, 2, &s), STATUS_SUCCESS);
    CHECK(!wcscmp(buffer, L"101"));
    CHECK_STATUS(RtlIntegerToUnicodeString(0xffffffff, 0, &s), STATUS_SUCCESS);
    CHECK(!wcscmp(buffer, L"4294967295"));
    RtlInitUnicodeString(&s, L"  0b101");
    CHECK_STATUS(RtlUnicodeStringToInteger(&s, 0, &v), STATUS_SUCCESS);
    CHECK_EQ(v, 5);
    RtlInitUnicodeString(&s, L"0o17");
    CHECK_STATUS(RtlUnicodeStringToInteger(&s, 0, &v), STATUS_SUCCESS);
    CHECK_EQ(v, 15);
    RtlInitUnicodeString(&s, L"x");
    CHECK_STATUS(RtlUnicodeStringToInteger(&s, 10, &v), STATUS_SUCCESS);
    CHECK_EQ(v, 0);
    CHECK_STATUS(RtlCharToInteger("-0x10", 0, &v), STATUS_SUCCESS);
    CHECK_EQ((LONG)v, -16);
    CHECK_STATUS(RtlCharToInteger("12", 5, &v), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlCharToInteger("12", 8, &v), STATUS_SUCCESS);
    CHECK_EQ(v, 10);
    RtlInitUnicodeString(&s, L"{E5323777-F976-4F5B-9B55-B94699C46E4}");
    CHECK_STATUS(RtlGUIDFromString(&s, &guid), STATUS_INVALID_PARAMETER);
    RtlInitUnicodeString(&s, L"E5323777-F976-4F5B-9B55-B94699C46E44");
    CHECK_STATUS(RtlGUIDFromString(&s, &guid), STATUS_INVALID_PARAMETER);
}

static VOID Bitmaps(PCONTRACT t)
{
    ULONG bits[3] = {0}, start;
    RTL_BITMAP map;
    RTL_BITMAP_RUN runs[4];

    RtlInitializeBitMap(&map, bits, 70);
    CHECK_EQ(RtlFindClearBits(&map, 70, 0), 0);
    CHECK_EQ(RtlFindClearBits(&map, 71, 0), 0xffffffff);
    CHECK_EQ(RtlFindClearBits(&map, 0, 9), 8); /* nothing asked for: the hint, rounded down */
    RtlSetBits(&map, 30, 5);
    RtlSetBit(&map, 69);
    CHECK(RtlTestBit(&map, 69) && !RtlTestBit(&map, 68));
    CHECK_EQ(RtlNumberOfSetBits(&map), 6);
    CHECK_EQ(RtlNumberOfClearBits(&map), 64);
    CHECK_EQ(RtlFindFirstRunClear(&map, &start), 30);
    CHECK_EQ(start, 0);
    CHECK_EQ(RtlFindLongestRunClear(&map, &start), 34);
    CHECK_EQ(start, 35);
    CHECK_EQ(RtlFindNextForwardRunClear(&map, 31, &start), 34);
    CHECK_EQ(start, 35);
    CHECK_EQ(RtlFindLastBackwardRunClear(&map, 32, &start), 30);
    CHECK_EQ(start, 0);
    CHECK_EQ(RtlFindClearRuns(&map, runs, 4, TRUE), 2);
    CHECK_EQ(runs[0].NumberOfBits, 34);
    CHECK_EQ(runs[1].NumberOfBits, 30);
    CHECK_EQ(RtlFindSetBitsAndClear(&map, 5, 0), 30);
    CHECK_EQ(RtlFindSetBits(&map, 2, 0), 0xffffffff);
    CHECK_EQ(RtlFindClearBitsAndSet(&map, 10, 65), 0); /* wraps */
    CHECK(!RtlAreBitsSet(&map, 65, 6));
    CHECK(!RtlAreBitsClear(&map, 0, 0));
    CHECK(!RtlAreBitsSet(&map, 0, 0));
    RtlClearBit(&map, 69);
    CHECK_EQ(RtlNumberOfSetBits(&map), 10);
    CHECK_EQ((LONG)RtlFindMostSignificantBit(0), -1);
    CHECK_EQ(RtlFindMostSignificantBit(0x8000000000000000ULL), 63);
    CHECK_EQ(RtlFindLeastSignificantBit(8), 3);
}

static VOID Times(PCONTRACT t)
{
    TIME_FIELDS f, bad = {2023, 2, 29, 0, 0, 0, 0, 0};
    LARGE_INTEGER time, back;
    ULONG seconds, seed = 42;

    time.QuadPart = 0;
    RtlTimeToTimeFields(&time, &f);
    CHECK(f.Year == 1601 && f.Month == 1 && f.Day == 1 && f.Weekday == 1);
    time.QuadPart = 116444736000000000LL + 951782400LL * 10000000 + 123 * 10000;
    RtlTimeToTimeFields(&time, &f);
    CHECK(f.Year == 2000 && f.Month == 2 && f.Day == 29 && f.Milliseconds == 123 && f.Weekday == 2);
    CHECK(RtlTimeFieldsToTime(&f, &back));
    CHECK_EQ(back.QuadPart, time.QuadPart);
    CHECK(!RtlTimeFieldsToTime(&bad, &back));
    bad.Day = 28;
    bad.Hour = 24;
    CHECK(!RtlTimeFieldsToTime(&bad, &back));
    CHECK(RtlTimeToSecondsSince1970(&time, &seconds));
    CHECK_EQ(seconds, 951782400);
    time.QuadPart = 0;
    CHECK(!RtlTimeToSecondsSince1970(&time, &seconds));
    for (ULONG i = 0; i < 5; i++) {
        ULONG value = RtlRandomEx(&seed);
        CHECK(value < 0x7fffffff && seed < 0x7fffffff);
    }
}

static UNICODE_STRING Name(PCWSTR s)
{
    UNICODE_STRING u;
    RtlInitUnicodeString(&u, s);
    return u;
}

static GUID Provider = {0xe5323777, 0xf976, 0x4f5b, {0x9b, 0x55, 0xb9, 0x46, 0x99, 0xc4, 0x6e, 0x44}};

static VOID Services(PCONTRACT t)
{
    UNICODE_STRING s = Name(L"IoCreateDevice"), hal = Name(L"KeStallExecutionProcessor"), none = Name(L"NoSuchRoutine"), cased = Name(L"iocreatedevice"),
                   data = Name(L"IoFileObjectType");
    REGHANDLE handle = 0;
    EVENT_DESCRIPTOR event = {0};

    CHECK(MmGetSystemRoutineAddress(&s) == (PVOID)IoCreateDevice);
    CHECK(MmGetSystemRoutineAddress(&hal) != NULL);
    CHECK(MmGetSystemRoutineAddress(&none) == NULL);
    CHECK(MmGetSystemRoutineAddress(&cased) == NULL);
    CHECK(MmGetSystemRoutineAddress(&data) != NULL);
    CHECK_STATUS(EtwRegister(&Provider, NULL, NULL, &handle), STATUS_SUCCESS);
    CHECK(handle != 0);
    CHECK_STATUS(EtwWrite(handle, &event, NULL, 0, NULL), STATUS_SUCCESS);
    CHECK(!EtwEventEnabled(handle, &event));
    CHECK_STATUS(EtwUnregister(handle), STATUS_SUCCESS);
    CHECK_STATUS(IoWMIRegistrationControl(t->Device, WMIREG_ACTION_REGISTER), STATUS_SUCCESS);
    CHECK_STATUS(IoWMIRegistrationControl(t->Device, WMIREG_ACTION_DEREGISTER), STATUS_SUCCESS);
}

static const CONTRACT_TEST Tests[] = {
    {"formats", Formats}, {"cut formats", CutFormats}, {"C run time", RunTime}, {"counted strings", Counted}, {"numbers", Numbers},
    {"bitmaps", Bitmaps}, {"times", Times},          {"services", Services},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
