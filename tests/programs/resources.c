/* Resources of the program, by number and by name. */
#include "check.h"

#include <wchar.h>

static int names;

static BOOL CALLBACK on_name(HMODULE module, LPCSTR type, LPSTR name, LONG_PTR parameter)
{
    CHECK_EQ(parameter, 7);
    if (IS_INTRESOURCE(name))
        names += (int)(ULONG_PTR)name;
    else
        names += strcmp(name, "TEXT") == 0 ? 1000 : 0;
    return TRUE;
}

static void test_data(void)
{
    HRSRC r = FindResourceA(NULL, "text", RT_RCDATA);
    CHECK(r != NULL);
    CHECK_EQ(SizeofResource(NULL, r), 5);
    CHECK(memcmp(LockResource(LoadResource(NULL, r)), "hello", 5) == 0);
    r = FindResourceW(GetModuleHandleW(NULL), L"#12", MAKEINTRESOURCEW(10));
    CHECK_EQ(SizeofResource(NULL, r), 4);
    CHECK(FindResourceA(NULL, "none", RT_RCDATA) == NULL);
    CHECK_EQ(GetLastError(), ERROR_RESOURCE_NAME_NOT_FOUND);
    CHECK(FindResourceA(NULL, "none", RT_FONT) == NULL);
    CHECK_EQ(GetLastError(), ERROR_RESOURCE_TYPE_NOT_FOUND);
    CHECK(EnumResourceNamesA(NULL, RT_RCDATA, on_name, 7));
    CHECK_EQ(names, 1012);
}

static void test_texts(void)
{
    char text[32];
    WCHAR wide[32];
    const WCHAR *at = NULL;
    CHECK_EQ(LoadStringA(NULL, 17, text, sizeof text), 9);
    CHECK_STR(text, "seventeen");
    CHECK_EQ(LoadStringW(NULL, 16, wide, 32), 7);
    CHECK(wcscmp(wide, L"sixteen") == 0);
    CHECK_EQ(LoadStringW(NULL, 16, wide, 4), 3);
    CHECK(wcscmp(wide, L"six") == 0);
    CHECK_EQ(LoadStringW(NULL, 17, (WCHAR *)&at, 0), 9);
    CHECK(at && wcsncmp(at, L"seventeen", 9) == 0);
    CHECK_EQ(LoadStringA(NULL, 18, text, sizeof text), 0);
    CHECK_STR(text, "");
}

int main(void)
{
    test_data();
    test_texts();
    return check_failures;
}
