/* Run-time strings: counted strings, conversions, formats, GUIDs, bitmaps, memory. */
#include "contract_driver.h"
#include <ntstrsafe.h>
#include <stdio.h>
#include <stdlib.h>

static VOID Counted(PCONTRACT t)
{
    UNICODE_STRING a, b, copy;
    WCHAR buffer[8];

    RtlInitUnicodeString(&a, L"Device");
    CHECK_EQ(a.Length, 12);
    CHECK_EQ(a.MaximumLength, 14);
    RtlInitUnicodeString(&b, NULL);
    CHECK_EQ(b.Length, 0);
    CHECK_EQ(b.MaximumLength, 0);
    CHECK(b.Buffer == NULL);
    RtlInitEmptyUnicodeString(&copy, buffer, sizeof(buffer));
    RtlCopyUnicodeString(&copy, &a);
    CHECK_EQ(copy.Length, 12);
    CHECK_EQ(copy.Buffer[6], 0);
    copy.MaximumLength = 6;
    RtlCopyUnicodeString(&copy, &a);
    CHECK_EQ(copy.Length, 6);
    copy.MaximumLength = sizeof(buffer);
    copy.Length = 0;
    CHECK_STATUS(RtlAppendUnicodeToString(&copy, L"abc"), STATUS_SUCCESS);
    CHECK_STATUS(RtlAppendUnicodeStringToString(&copy, &a), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(copy.Length, 6);
    CHECK_STATUS(RtlAppendUnicodeToString(&copy, L"de"), STATUS_SUCCESS);
    CHECK(RtlEqualMemory(copy.Buffer, L"abcde", 10));
}

static VOID Compared(PCONTRACT t)
{
    UNICODE_STRING lower = RTL_CONSTANT_STRING(L"device"), upper = RTL_CONSTANT_STRING(L"DEVICE"),
                   longer = RTL_CONSTANT_STRING(L"DeviceTree"), other = RTL_CONSTANT_STRING(L"driver");

    CHECK(RtlEqualUnicodeString(&lower, &upper, TRUE));
    CHECK(!RtlEqualUnicodeString(&lower, &upper, FALSE));
    CHECK_EQ(RtlCompareUnicodeString(&lower, &upper, TRUE), 0);
    CHECK(RtlCompareUnicodeString(&lower, &upper, FALSE) > 0);
    CHECK(RtlCompareUnicodeString(&lower, &other, TRUE) < 0);
    CHECK(RtlCompareUnicodeString(&lower, &longer, TRUE) < 0);
    CHECK(RtlPrefixUnicodeString(&upper, &longer, TRUE));
    CHECK(!RtlPrefixUnicodeString(&upper, &longer, FALSE));
    CHECK(!RtlPrefixUnicodeString(&longer, &upper, TRUE));
    CHECK_EQ(RtlUpcaseUnicodeChar(L'z'), L'Z');
    CHECK_EQ(RtlUpcaseUnicodeChar(0xe9), 0xc9);
    CHECK_EQ(RtlDowncaseUnicodeChar(L'Q'), L'q');
}

static VOID Converted(PCONTRACT t)
{
    ANSI_STRING ansi;
    UNICODE_STRING wide, upper;

    RtlInitAnsiString(&ansi, "Text 1");
    CHECK_EQ(ansi.Length, 6);
    CHECK_EQ(ansi.MaximumLength, 7);
    CHECK_STATUS(RtlAnsiStringToUnicodeString(&wide, &ansi, TRUE), STATUS_SUCCESS);
    CHECK_EQ(wide.Length, 12);
    CHECK(RtlEqualMemory(wide.Buffer, L"Text 1", 14));
    CHECK_STATUS(RtlUpcaseUnicodeString(&upper, &wide, TRUE), STATUS_SUCCESS);
    CHECK(RtlEqualMemory(upper.Buffer, L"TEXT 1", 12));
    RtlFreeUnicodeString(&upper);
    CHECK_STATUS(RtlUnicodeStringToAnsiString(&ansi, &wide, TRUE), STATUS_SUCCESS);
    CHECK(RtlEqualMemory(ansi.Buffer, "Text 1", 7));
    RtlFreeAnsiString(&ansi);
    RtlFreeUnicodeString(&wide);
    CHECK(wide.Buffer == NULL);
}

static VOID Numbers(PCONTRACT t)
{
    WCHAR buffer[32];
    UNICODE_STRING text;
    ULONG value = 0;

    RtlInitEmptyUnicodeString(&text, buffer, sizeof(buffer));
    CHECK_STATUS(RtlIntegerToUnicodeString(0xBEEF, 16, &text), STATUS_SUCCESS);
    CHECK(RtlEqualMemory(text.Buffer, L"BEEF", 8));
    CHECK_STATUS(RtlUnicodeStringToInteger(&text, 16, &value), STATUS_SUCCESS);
    CHECK_EQ(value, 0xBEEF);
    CHECK_STATUS(RtlIntegerToUnicodeString(0, 10, &text), STATUS_SUCCESS);
    CHECK_EQ(text.Length, 2);
    RtlInitUnicodeString(&text, L"0x20");
    CHECK_STATUS(RtlUnicodeStringToInteger(&text, 0, &value), STATUS_SUCCESS);
    CHECK_EQ(value, 0x20);
    RtlInitUnicodeString(&text, L"-12 apples");
    CHECK_STATUS(RtlUnicodeStringToInteger(&text, 10, &value), STATUS_SUCCESS);
    CHECK_EQ((LONG)value, -12);
    text.MaximumLength = 2;
    CHECK_STATUS(RtlIntegerToUnicodeString(123456, 10, &text), STATUS_BUFFER_OVERFLOW);
    CHECK_STATUS(RtlUnicodeStringToInteger(&text, 7, &value), STATUS_INVALID_PARAMETER);
}

static VOID Guids(PCONTRACT t)
{
    GUID guid = {0xe5323777, 0xf976, 0x4f5b, {0x9b, 0x55, 0xb9, 0x46, 0x99, 0xc4, 0x6e, 0x44}}, back;
    UNICODE_STRING text;

    CHECK_STATUS(RtlStringFromGUID(&guid, &text), STATUS_SUCCESS);
    CHECK_EQ(text.Length, 76);
    CHECK(!_wcsicmp(text.Buffer, L"{e5323777-f976-4f5b-9b55-b94699c46e44}"));
    CHECK_STATUS(RtlGUIDFromString(&text, &back), STATUS_SUCCESS);
    CHECK(RtlEqualMemory(&guid, &back, sizeof(GUID)));
    RtlFreeUnicodeString(&text);
    RtlInitUnicodeString(&text, L"{e5323777}");
    CHECK_STATUS(RtlGUIDFromString(&text, &back), STATUS_INVALID_PARAMETER);
}

static VOID Formats(PCONTRACT t)
{
    CHAR narrow[64];
    WCHAR wide[64];
    UNICODE_STRING counted = RTL_CONSTANT_STRING(L"counted");
    ANSI_STRING ansi = RTL_CONSTANT_STRING("ansi");

    CHECK_STATUS(RtlStringCbPrintfA(narrow, sizeof(narrow), "%d|%5u|%-4x|%04X|%c", -3, 42, 0xab, 0xcd, 'z'), STATUS_SUCCESS);
    CHECK(!strcmp(narrow, "-3|   42|ab  |00CD|z"));
    RtlStringCbPrintfA(narrow, sizeof(narrow), "%I64x %I64d %lu %hd", 0x123456789abULL, -5LL, 7UL, (SHORT)-2);
    CHECK(!strcmp(narrow, "123456789ab -5 7 -2"));
    RtlStringCbPrintfA(narrow, sizeof(narrow), "%s %S %ws", "narrow", L"wide", L"too");
    CHECK(!strcmp(narrow, "narrow wide too"));
    RtlStringCbPrintfA(narrow, sizeof(narrow), "%wZ %Z", &counted, &ansi);
    CHECK(!strcmp(narrow, "counted ansi"));
    RtlStringCbPrintfA(narrow, sizeof(narrow), "%.3s|%10s|%-6s|%%", "abcdef", "right", "left");
    CHECK(!strcmp(narrow, "abc|     right|left  |%"));
    RtlStringCbPrintfA(narrow, sizeof(narrow), "%p", (PVOID)0x1234);
    CHECK(!strcmp(narrow, "0000000000001234"));
    RtlStringCbPrintfA(narrow, sizeof(narrow), "%#x %+d %*d", 0x10, 4, 6, 9);
    CHECK(!strcmp(narrow, "0x10 +4      9"));
    CHECK_STATUS(RtlStringCbPrintfW(wide, sizeof(wide), L"%s %hs %wZ %d", L"wide", "narrow", &counted, 5), STATUS_SUCCESS);
    CHECK(!wcscmp(wide, L"wide narrow counted 5"));
}

static VOID Bounds(PCONTRACT t)
{
    CHAR narrow[8];
    WCHAR wide[4];
    PSTR end;
    SIZE_T rest, length;
    UNICODE_STRING counted;

    CHECK_STATUS(RtlStringCbCopyA(narrow, sizeof(narrow), "1234567"), STATUS_SUCCESS);
    CHECK_STATUS(RtlStringCbCopyA(narrow, sizeof(narrow), "12345678"), STATUS_BUFFER_OVERFLOW);
    CHECK(!strcmp(narrow, "1234567"));
    CHECK_STATUS(RtlStringCbCopyA(narrow, 0, "x"), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlStringCchPrintfA(narrow, 4, "%d", 12345), STATUS_BUFFER_OVERFLOW);
    CHECK(!strcmp(narrow, "123"));
    CHECK_STATUS(RtlStringCchCatA(narrow, sizeof(narrow), "45"), STATUS_SUCCESS);
    CHECK(!strcmp(narrow, "12345"));
    CHECK_STATUS(RtlStringCchCatNA(narrow, sizeof(narrow), "6789", 2), STATUS_SUCCESS);
    CHECK(!strcmp(narrow, "1234567"));
    CHECK_STATUS(RtlStringCchCopyExA(narrow, sizeof(narrow), "ab", &end, &rest, 0), STATUS_SUCCESS);
    CHECK(end == narrow + 2);
    CHECK_EQ(rest, 6);
    CHECK_STATUS(RtlStringCbLengthA("abc", 3, &length), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(RtlStringCbLengthA("abc", 4, &length), STATUS_SUCCESS);
    CHECK_EQ(length, 3);
    CHECK_STATUS(RtlStringCchCopyW(wide, 4, L"abcd"), STATUS_BUFFER_OVERFLOW);
    CHECK(!wcscmp(wide, L"abc"));
    RtlInitEmptyUnicodeString(&counted, wide, sizeof(wide));
    CHECK_STATUS(RtlUnicodeStringPrintf(&counted, L"%d", 12345), STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(counted.Length, 8);
    CHECK_STATUS(RtlUnicodeStringCopyString(&counted, L"xy"), STATUS_SUCCESS);
    CHECK_STATUS(RtlUnicodeStringCatString(&counted, L"zu"), STATUS_SUCCESS);
    CHECK_EQ(counted.Length, 8);
    CHECK_STATUS(RtlUnicodeStringCatString(&counted, L"!"), STATUS_BUFFER_OVERFLOW);
}

static VOID Bitmaps(PCONTRACT t)
{
    ULONG bits[2] = {0};
    RTL_BITMAP map;

    RtlInitializeBitMap(&map, bits, 64);
    RtlClearAllBits(&map);
    CHECK_EQ(RtlNumberOfSetBits(&map), 0);
    RtlSetBits(&map, 4, 8);
    CHECK_EQ(bits[0], 0xff0);
    CHECK(RtlAreBitsSet(&map, 4, 8));
    CHECK(!RtlAreBitsSet(&map, 3, 2));
    CHECK(RtlAreBitsClear(&map, 12, 20));
    CHECK_EQ(RtlFindClearBits(&map, 5, 0), 12);
    CHECK_EQ(RtlFindClearBitsAndSet(&map, 4, 0), 0);
    CHECK_EQ(RtlNumberOfSetBits(&map), 12);
    CHECK_EQ(RtlFindSetBits(&map, 12, 0), 0);
    RtlClearBits(&map, 0, 12);
    CHECK_EQ(RtlNumberOfSetBits(&map), 0);
    RtlSetAllBits(&map);
    CHECK_EQ(RtlFindClearBits(&map, 1, 0), 0xFFFFFFFF);
}

static VOID Memory(PCONTRACT t)
{
    UCHAR a[16], b[16];

    RtlFillMemory(a, sizeof(a), 0x5a);
    RtlCopyMemory(b, a, sizeof(a));
    CHECK_EQ(RtlCompareMemory(a, b, 16), 16);
    b[9] = 0;
    CHECK_EQ(RtlCompareMemory(a, b, 16), 9);
    RtlMoveMemory(a + 1, a, 15);
    RtlZeroMemory(a, 1);
    CHECK_EQ(a[0], 0);
    CHECK_EQ(a[1], 0x5a);
    RtlSecureZeroMemory(a, sizeof(a));
    CHECK_EQ(a[15], 0);
    CHECK_EQ(RtlUlongByteSwap(0x12345678), 0x78563412);
}

static int __cdecl CompareNumbers(const void *a, const void *b)
{
    return (int)*(const LONG *)a - (int)*(const LONG *)b;
}

static VOID RunTime(PCONTRACT t)
{
    LONG numbers[] = {5, -1, 3, 9, 0}, key = 3;
    WCHAR wide[16];
    CHAR narrow[16];

    qsort(numbers, 5, sizeof(LONG), CompareNumbers);
    CHECK_EQ(numbers[0], (LONG)-1);
    CHECK_EQ(numbers[4], 9);
    CHECK(bsearch(&key, numbers, 5, sizeof(LONG), CompareNumbers) == &numbers[2]);
    CHECK(wcsstr(L"\\Device\\Name", L"Name") != NULL);
    CHECK(wcsrchr(L"a\\b\\c", L'\\')[1] == L'c');
    CHECK(strstr("hello", "ll") != NULL);
    CHECK_EQ(_stricmp("ABC", "abc"), 0);
    CHECK_EQ(_wcsnicmp(L"ABCd", L"abcE", 3), 0);
    CHECK_EQ(wcslen(wcscpy(wide, L"four")), 4);
    CHECK_EQ(strlen(strcat(strcpy(narrow, "a"), "bc")), 3);
    CHECK_EQ(_snprintf(narrow, 4, "%d", 12345), -1);
    CHECK_EQ(atoi("42x"), 42);
    CHECK_EQ(toupper('q'), 'Q');
}

static const CONTRACT_TEST Tests[] = {
    {"counted strings", Counted},
    {"comparison", Compared},
    {"conversion", Converted},
    {"numbers", Numbers},
    {"GUIDs", Guids},
    {"formats", Formats},
    {"bounded functions", Bounds},
    {"bitmaps", Bitmaps},
    {"memory", Memory},
    {"C run time", RunTime},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
