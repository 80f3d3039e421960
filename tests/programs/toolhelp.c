/* Snapshots of processes, threads and modules, and psapi's lists. */
#include "check.h"

#include <psapi.h>
#include <tlhelp32.h>

static HANDLE stop;

static DWORD WINAPI waiter(void *p)
{
    WaitForSingleObject(stop, INFINITE);
    return 0;
}

static void test_processes(void)
{
    PROCESSENTRY32 p = { .dwSize = sizeof p };
    HANDLE s = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    int system = 0, me = 0;
    CHECK(s != INVALID_HANDLE_VALUE);
    CHECK(Process32First(s, &p));
    CHECK_EQ(p.th32ProcessID, 0);
    CHECK_STR(p.szExeFile, "[System Process]");
    while (Process32Next(s, &p)) {
        system += p.th32ProcessID == 4 && strcmp(p.szExeFile, "System") == 0 && p.cntThreads > 0;
        me += p.th32ProcessID == GetCurrentProcessId() && strcmp(p.szExeFile, "toolhelp.exe") == 0 && p.cntThreads == 2;
    }
    CHECK_EQ(GetLastError(), ERROR_NO_MORE_FILES);
    CHECK_EQ(system, 1);
    CHECK_EQ(me, 1);
    CHECK(Process32First(s, &p)); /* once more from the beginning */
    CHECK_EQ(p.th32ProcessID, 0);
    p.dwSize = 8;
    CHECK(!Process32First(s, &p));
    CHECK_EQ(GetLastError(), ERROR_BAD_LENGTH);
    THREADENTRY32 t = { .dwSize = sizeof t };
    CHECK(!Thread32First(s, &t)); /* not asked for */
    CHECK(CloseHandle(s));
    p.dwSize = sizeof p;
    CHECK(!Process32First(s, &p));
}

static void test_threads(DWORD id)
{
    THREADENTRY32 t = { .dwSize = sizeof t };
    HANDLE s = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    int mine = 0, other = 0;
    for (BOOL more = Thread32First(s, &t); more; more = Thread32Next(s, &t)) {
        if (t.th32OwnerProcessID != GetCurrentProcessId())
            continue;
        mine += t.th32ThreadID == GetCurrentThreadId();
        other += t.th32ThreadID == id;
    }
    CHECK_EQ(mine, 1);
    CHECK_EQ(other, 1);
    CloseHandle(s);
}

static void test_modules(void)
{
    MODULEENTRY32W m = { .dwSize = sizeof m };
    HANDLE s = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, 0);
    int kernel32 = 0;
    CHECK(Module32FirstW(s, &m));
    CHECK(m.modBaseAddr == (BYTE *)GetModuleHandleW(NULL));
    CHECK(m.hModule == GetModuleHandleW(NULL));
    CHECK(m.modBaseSize >= 0x1000);
    CHECK(wcsstr(m.szExePath, L"\\toolhelp.exe") != NULL);
    while (Module32NextW(s, &m))
        kernel32 += m.hModule == GetModuleHandleW(L"kernel32");
    CHECK_EQ(kernel32, 1);
    CloseHandle(s);
    CHECK(CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, 0x7FFFFFFC) == INVALID_HANDLE_VALUE);
}

static void test_psapi(void)
{
    DWORD ids[64], n, me = 0;
    HMODULE modules[64];
    char text[MAX_PATH];
    MODULEINFO info;
    CHECK(EnumProcesses(ids, sizeof ids, &n));
    for (DWORD i = 0; i < n / 4; i++)
        me += ids[i] == GetCurrentProcessId();
    CHECK_EQ(me, 1);
    CHECK(EnumProcessModules(GetCurrentProcess(), modules, sizeof modules, &n));
    CHECK(n >= 3 * sizeof modules[0]);
    CHECK(modules[0] == GetModuleHandleA(NULL));
    CHECK_EQ(GetModuleBaseNameA(GetCurrentProcess(), NULL, text, sizeof text), 12);
    CHECK_STR(text, "toolhelp.exe");
    CHECK(GetModuleInformation(GetCurrentProcess(), modules[0], &info, sizeof info));
    CHECK(info.lpBaseOfDll == modules[0] && info.SizeOfImage >= 0x1000);
    n = sizeof text;
    CHECK(QueryFullProcessImageNameA(GetCurrentProcess(), 0, text, &n));
    CHECK_EQ(n, strlen(text));
    CHECK(strstr(text, "\\toolhelp.exe") != NULL);
    n = 3;
    CHECK(!QueryFullProcessImageNameA(GetCurrentProcess(), 0, text, &n));
    CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
}

int main(void)
{
    DWORD id;
    stop = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE t = CreateThread(NULL, 0, waiter, NULL, 0, &id);
    test_processes();
    test_threads(id);
    test_modules();
    test_psapi();
    SetEvent(stop);
    WaitForSingleObject(t, INFINITE);
    return check_failures;
}
