/* The machine around a program: registry, device names, services, locale, versions, wsprintf. */
#include "check.h"

#include <string.h>

static char b[300];
static WCHAR w[300];

static void test_registry(void)
{
    HKEY key, sub;
    DWORD disposition = 0, type = 0, value = 7, size = sizeof value, n = 300;
    CHECK_EQ(RegCreateKeyExA(HKEY_LOCAL_MACHINE, "Software\\IrplabTest", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, &disposition), 0);
    CHECK_EQ(disposition, REG_CREATED_NEW_KEY);
    CHECK_EQ(RegSetValueExA(key, "Number", 0, REG_DWORD, (BYTE *)&value, sizeof value), 0);
    CHECK_EQ(RegSetValueExA(key, "Text", 0, REG_SZ, (BYTE *)"hello", 6), 0);
    value = 0;
    CHECK_EQ(RegQueryValueExA(key, "Number", NULL, &type, (BYTE *)&value, &size), 0);
    CHECK(type == REG_DWORD && value == 7 && size == 4);
    CHECK_EQ(RegQueryValueExA(key, "Text", NULL, &type, (BYTE *)b, &n), 0);
    CHECK(type == REG_SZ && n == 6);
    CHECK_STR(b, "hello");
    n = 300;
    CHECK_EQ(RegQueryValueExW(key, L"Text", NULL, NULL, (BYTE *)w, &n), 0);
    CHECK_EQ(n, 12);
    CHECK(wcscmp(w, L"hello") == 0);
    n = 2;
    CHECK_EQ(RegQueryValueExW(key, L"Text", NULL, NULL, (BYTE *)w, &n), ERROR_MORE_DATA);
    CHECK_EQ(n, 12);
    CHECK_EQ(RegQueryValueExA(key, "Nothing", NULL, NULL, NULL, NULL), ERROR_FILE_NOT_FOUND);
    CHECK_EQ(RegCreateKeyExW(key, L"Child", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &sub, NULL), 0);
    CHECK_EQ(RegCloseKey(sub), 0);
    n = 300;
    CHECK_EQ(RegEnumKeyExA(key, 0, b, &n, NULL, NULL, NULL, NULL), 0);
    CHECK_STR(b, "Child");
    n = 300;
    CHECK_EQ(RegEnumKeyExA(key, 1, b, &n, NULL, NULL, NULL, NULL), ERROR_NO_MORE_ITEMS);
    n = 300;
    size = sizeof value;
    CHECK_EQ(RegEnumValueA(key, 0, b, &n, NULL, &type, (BYTE *)&value, &size), 0);
    CHECK_STR(b, "Number");
    DWORD keys = 0, values = 0;
    CHECK_EQ(RegQueryInfoKeyW(key, NULL, NULL, NULL, &keys, NULL, NULL, &values, NULL, NULL, NULL, NULL), 0);
    CHECK(keys == 1 && values == 2);
    CHECK_EQ(RegDeleteValueA(key, "Number"), 0);
    CHECK_EQ(RegDeleteValueA(key, "Number"), ERROR_FILE_NOT_FOUND);
    CHECK_EQ(RegDeleteKeyA(key, "Child"), 0);
    CHECK_EQ(RegCloseKey(key), 0);
    CHECK_EQ(RegDeleteKeyA(HKEY_LOCAL_MACHINE, "Software\\IrplabTest"), 0);
    CHECK_EQ(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "Software\\IrplabTest", 0, KEY_READ, &key), ERROR_FILE_NOT_FOUND);
}

static void test_names(void)
{
    CHECK_EQ(QueryDosDeviceA("irplab-not-there", b, sizeof b), 0);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK(GetModuleFileNameA(NULL, b, sizeof b) > 4);
    CHECK_EQ(_stricmp(b + strlen(b) - 4, ".exe"), 0);
    CHECK(GetFullPathNameA("C:\\a\\.\\b\\..\\c", sizeof b, b, NULL) == 6);
    CHECK_STR(b, "C:\\a\\c");
    CHECK_EQ(GetFileAttributesA("C:\\irplab-not-there"), INVALID_FILE_ATTRIBUTES);
}

static void test_text(void)
{
    CHECK_EQ(wsprintfA(b, "%d %s %x", 5, "five", 0x55), 9);
    CHECK_STR(b, "5 five 55");
    CHECK_EQ(wsprintfW(w, L"%s-%hs", L"wide", "narrow"), 11);
    CHECK(wcscmp(w, L"wide-narrow") == 0);
    CHECK_EQ(CompareStringA(LOCALE_USER_DEFAULT, NORM_IGNORECASE, "abc", -1, "ABC", -1), CSTR_EQUAL);
    CHECK_EQ(CompareStringA(LOCALE_USER_DEFAULT, 0, "a", -1, "b", -1), CSTR_LESS_THAN);
    CHECK_EQ(LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_UPPERCASE, L"abc", -1, w, 300), 4);
    CHECK(wcscmp(w, L"ABC") == 0);
    WORD types[3];
    CHECK(GetStringTypeW(CT_CTYPE1, L"a1 ", 3, types));
    CHECK((types[0] & C1_LOWER) && (types[1] & C1_DIGIT) && (types[2] & C1_SPACE));
    CHECK(GetACP() != 0);
}

static void test_system(void)
{
    SYSTEM_INFO s;
    GetSystemInfo(&s);
    CHECK_EQ(s.dwPageSize, 4096);
    CHECK_EQ(s.dwAllocationGranularity, 0x10000);
    CHECK(s.dwNumberOfProcessors >= 1);
    CHECK(s.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_AMD64);
    OSVERSIONINFOA v = {sizeof v};
    CHECK(GetVersionExA(&v) && v.dwMajorVersion >= 6);
    CHECK(GetSystemDirectoryA(b, sizeof b) > 3);
    CHECK(IsProcessorFeaturePresent(PF_XMMI64_INSTRUCTIONS_AVAILABLE));
    HANDLE h = NULL;
    CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &h, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK_EQ(GetThreadId(h), GetCurrentThreadId());
    CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
    CHECK(CloseHandle(h));
    h = OpenProcess(PROCESS_ALL_ACCESS, FALSE, GetCurrentProcessId());
    CHECK(h != NULL && GetProcessId(h) == GetCurrentProcessId());
    CloseHandle(h);
}

static void test_services(void)
{
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    CHECK(manager != NULL);
    CHECK(OpenServiceA(manager, "irplab-not-there", SERVICE_ALL_ACCESS) == NULL);
    CHECK_EQ(GetLastError(), ERROR_SERVICE_DOES_NOT_EXIST);
    SC_HANDLE s = CreateServiceA(manager, "irplab-test", "irplab-test", SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
                                 "C:\\irplab-not-there.sys", NULL, NULL, NULL, NULL, NULL);
    CHECK(s != NULL);
    CHECK(CreateServiceA(manager, "irplab-test", "irplab-test", SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, "x.sys", NULL,
                         NULL, NULL, NULL, NULL) == NULL);
    CHECK_EQ(GetLastError(), ERROR_SERVICE_EXISTS);
    SERVICE_STATUS status;
    CHECK(QueryServiceStatus(s, &status));
    CHECK_EQ(status.dwCurrentState, SERVICE_STOPPED);
    CHECK(!StartServiceA(s, 0, NULL));
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK(DeleteService(s));
    CHECK(CloseServiceHandle(s));
    CHECK(CloseServiceHandle(manager));
}

static void test_code_page_forms(void)
{
    WORD types[3];
    char text[8];
    CHECK(SetHandleCount(32) == 32);
    CHECK(GetStringTypeA(LOCALE_SYSTEM_DEFAULT, CT_CTYPE1, "aZ5", 3, types));
    CHECK((types[0] & C1_LOWER) && (types[1] & C1_UPPER) && (types[2] & C1_DIGIT));
    CHECK(LCMapStringA(LOCALE_SYSTEM_DEFAULT, LCMAP_UPPERCASE, "aZ\xe4", -1, text, sizeof text) == 4 && !strcmp(text, "AZ\xc4"));
    CHECK(!LCMapStringA(LOCALE_SYSTEM_DEFAULT, LCMAP_UPPERCASE, "abc", -1, text, 2) && GetLastError() == ERROR_INSUFFICIENT_BUFFER);
}

int main(void)
{
    test_registry();
    test_names();
    test_text();
    test_system();
    test_services();
    test_code_page_forms();
    printf("platform: %d failures\n", check_failures);
    return check_failures;
}
