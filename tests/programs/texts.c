/* shlwapi's paths, oleaut32's texts, FAT's times, inserts of messages, what stands in a folder. */
#define COBJMACROS
#include "check.h"

#include <oleauto.h>
#include <shellapi.h>
#include <shlwapi.h>
#include <wchar.h>

#define CHECK_WIDE(a, b) CHECK(wcscmp((a), (b)) == 0)

static void test_paths(void)
{
    WCHAR p[MAX_PATH];
    CHECK_STR(PathFindFileNameA("C:\\a\\b.c"), "b.c");
    CHECK_STR(PathFindFileNameA("b.c"), "b.c");
    CHECK_STR(PathFindFileNameA("C:\\a\\"), "a\\");
    CHECK_WIDE(PathFindExtensionW(L"C:\\a.b\\c"), L"");
    CHECK_WIDE(PathFindExtensionW(L"c.d.e"), L".e");
    wcscpy(p, L"C:\\a\\b.c");
    CHECK(PathRemoveFileSpecW(p));
    CHECK_WIDE(p, L"C:\\a");
    CHECK(PathRemoveFileSpecW(p));
    CHECK_WIDE(p, L"C:\\");
    CHECK(!PathRemoveFileSpecW(p));
    CHECK_WIDE(PathCombineW(p, L"C:\\a", L"b\\..\\c"), L"C:\\a\\c");
    CHECK_WIDE(PathCombineW(p, L"C:\\a", L"D:\\x"), L"D:\\x");
    CHECK_WIDE(PathCombineW(p, L"C:\\a\\b", L"\\x"), L"C:\\x");
    wcscpy(p, L"C:\\a");
    CHECK(PathAppendW(p, L"\\b"));
    CHECK_WIDE(p, L"C:\\a\\b");
    CHECK(PathAddBackslashW(p) == p + 7);
    CHECK_WIDE(p, L"C:\\a\\b\\");
    CHECK(PathIsRelativeW(L"a\\b") && !PathIsRelativeW(L"\\a") && !PathIsRelativeW(L"C:a"));
    CHECK(PathIsDirectoryW(L"C:\\Windows") && !PathFileExistsW(L"C:\\none"));
    wcscpy(p, L"x\\y.z");
    PathStripPathW(p);
    CHECK_WIDE(p, L"y.z");
    PathRemoveExtensionW(p);
    CHECK_WIDE(p, L"y");
    const WCHAR *s = L"one Two";
    CHECK(StrStrIW(s, L"tWO") == s + 4 && StrStrW(s, L"two") == NULL);
    CHECK_EQ(StrCmpIW(L"aB", L"Ab"), 0);
}

static void test_bstr(void)
{
    BSTR s = SysAllocString(L"hello");
    VARIANT a, b;
    CHECK_EQ(SysStringLen(s), 5);
    CHECK_EQ(((DWORD *)s)[-1], 10);
    CHECK_EQ(s[5], 0);
    VariantInit(&a);
    VariantInit(&b);
    V_VT(&a) = VT_BSTR;
    V_BSTR(&a) = s;
    CHECK_EQ(VariantCopy(&b, &a), S_OK);
    CHECK(V_BSTR(&b) != s && wcscmp(V_BSTR(&b), L"hello") == 0);
    CHECK_EQ(VariantClear(&a), S_OK);
    CHECK_EQ(V_VT(&a), VT_EMPTY);
    CHECK_EQ(VariantClear(&b), S_OK);
    CHECK_EQ(SysStringLen(NULL), 0);
    s = SysAllocStringLen(L"abcdef", 3);
    CHECK_WIDE(s, L"abc");
    SysFreeString(s);
    SysFreeString(NULL);
}

static void test_dates(void)
{
    SYSTEMTIME t = { 2021, 3, 0, 4, 5, 6, 8, 0 };
    FILETIME f, g;
    WORD date, clock;
    CHECK(SystemTimeToFileTime(&t, &f));
    CHECK(FileTimeToDosDateTime(&f, &date, &clock));
    CHECK_EQ(date, 41 << 9 | 3 << 5 | 4);
    CHECK_EQ(clock, 5 << 11 | 6 << 5 | 4);
    CHECK(DosDateTimeToFileTime(date, clock, &g));
    CHECK_EQ(CompareFileTime(&f, &g), 0);
    CHECK(!DosDateTimeToFileTime(0, 0, &g)); /* month 0 */
}

static void test_messages(void)
{
    WCHAR text[100];
    char narrow[100];
    DWORD_PTR w[] = { (DWORD_PTR)L"wide", (DWORD_PTR) "narrow", 'C', 42 };
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, L"%1 %2!S! %3!c! %4!5d!|%4!04x!%%", 0, 0, text, 100, (va_list *)w));
    CHECK_WIDE(text, L"wide narrow C    42|002a%");
    DWORD_PTR n[] = { (DWORD_PTR) "one", 7 };
    CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, "%2!u!%1%n", 0, 0, narrow, 100, (va_list *)n));
    CHECK_STR(narrow, "7one\r\n");
}

static void test_folder(void)
{
    WIN32_FIND_DATAA f;
    CHECK(CreateDirectoryA("texts-test", NULL));
    HANDLE h = FindFirstFileA("texts-test\\*", &f);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK_STR(f.cFileName, ".");
    CHECK(f.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);
    CHECK(FindNextFileA(h, &f));
    CHECK_STR(f.cFileName, "..");
    CHECK(!FindNextFileA(h, &f));
    CHECK_EQ(GetLastError(), ERROR_NO_MORE_FILES);
    FindClose(h);
    h = FindFirstFileA("C:\\*", &f);
    CHECK(h != INVALID_HANDLE_VALUE && strcmp(f.cFileName, ".") != 0); /* not in the root */
    FindClose(h);
    CHECK(RemoveDirectoryA("texts-test"));
}

static void test_programs(void)
{
    WCHAR me[MAX_PATH], found[MAX_PATH], folder[MAX_PATH];
    DWORD type = 99;
    SHFILEINFOW info;
    GetModuleFileNameW(NULL, me, MAX_PATH);
    wcscpy(folder, me);
    PathRemoveFileSpecW(folder);
    CHECK(GetBinaryTypeW(me, &type));
    CHECK_EQ(type, SCS_64BIT_BINARY);
    CHECK_EQ(SHGetFileInfoW(me, 0, &info, sizeof info, SHGFI_EXETYPE), 0x4550); /* a console program */
    CHECK((INT_PTR)FindExecutableW(L"texts.exe", folder, found) > 32);
    CHECK_EQ(_wcsicmp(found, me), 0);
    CHECK_EQ((INT_PTR)FindExecutableW(L"none.exe", folder, found), SE_ERR_FNF);
    CHECK(!GetBinaryTypeW(L"C:\\none.exe", &type));
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
}

int main(void)
{
    test_programs();
    test_paths();
    test_bstr();
    test_dates();
    test_messages();
    test_folder();
    return check_failures;
}
