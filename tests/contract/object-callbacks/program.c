/* A process that a driver protects: it cannot be ended through handles that others open. The child is this program, which waits. */
#include "contract_program.h"

#include <stdlib.h>

enum { PROTECT, UNPROTECT, COUNTS, FORBID, ALLOW };
enum { PRE, POST, THREADS, DUPLICATES, GRANTED, REFUSED };

__attribute__((constructor)) static void be_a_child(void)
{
    char what[20];
    if (GetEnvironmentVariableA("CHILD", what, sizeof what)) {
        Sleep(INFINITE);
        exit(0);
    }
}

static BOOL start(PROCESS_INFORMATION *p)
{
    STARTUPINFOA si = {.cb = sizeof si};
    char path[300];
    SetEnvironmentVariableA("CHILD", "wait");
    GetModuleFileNameA(NULL, path, sizeof path);
    BOOL made = CreateProcessA(path, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, p);
    DWORD error = GetLastError();
    SetEnvironmentVariableA("CHILD", NULL);
    SetLastError(error);
    return made;
}

static void tell(HANDLE device, DWORD code, DWORD value)
{
    DWORD n;
    CHECK(DeviceIoControl(device, IOCTL_AREA(code, METHOD_BUFFERED), &value, sizeof value, NULL, 0, &n, NULL));
}

static void ask(HANDLE device, DWORD *numbers)
{
    DWORD n;
    CHECK(DeviceIoControl(device, IOCTL_AREA(COUNTS, METHOD_BUFFERED), NULL, 0, numbers, 6 * sizeof *numbers, &n, NULL));
}

static void protection(HANDLE device)
{
    PROCESS_INFORMATION p = {0};
    DWORD numbers[6];
    HANDLE copy = NULL;

    CHECK(start(&p));
    tell(device, PROTECT, p.dwProcessId);
    HANDLE h = OpenProcess(PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, p.dwProcessId);
    CHECK(h != NULL);
    CHECK(!TerminateProcess(h, 9));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK_EQ(WaitForSingleObject(h, 10), WAIT_TIMEOUT);
    CHECK(DuplicateHandle(GetCurrentProcess(), p.hProcess, GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK(!TerminateProcess(copy, 9));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    HANDLE t = OpenThread(THREAD_SUSPEND_RESUME, FALSE, p.dwThreadId);
    CHECK(t != NULL);
    CHECK_EQ(SuspendThread(t), 0xFFFFFFFFu);
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    ask(device, numbers);
    CHECK_EQ(numbers[PRE], 1);
    CHECK_EQ(numbers[DUPLICATES], 1);
    CHECK_EQ(numbers[POST], 2);
    CHECK_EQ(numbers[THREADS], 1);
    CHECK_EQ(numbers[GRANTED], PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE);
    tell(device, UNPROTECT, 0);
    CHECK(TerminateProcess(p.hProcess, 9)); /* the creator's handle is older */
    CHECK_EQ(WaitForSingleObject(h, 10000), WAIT_OBJECT_0);
    CloseHandle(t);
    CloseHandle(copy);
    CloseHandle(h);
    CloseHandle(p.hThread);
    CloseHandle(p.hProcess);
}

static void refusal(HANDLE device)
{
    PROCESS_INFORMATION p = {0};
    DWORD numbers[6];

    tell(device, FORBID, 0);
    CHECK(!start(&p));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    tell(device, ALLOW, 0);
    ask(device, numbers);
    CHECK_EQ(numbers[REFUSED], 1);
    CHECK(start(&p));
    CHECK(TerminateProcess(p.hProcess, 0));
    CHECK_EQ(WaitForSingleObject(p.hProcess, 10000), WAIT_OBJECT_0);
    CloseHandle(p.hThread);
    CloseHandle(p.hProcess);
}

const struct program_test program_tests[] = {{"protection", protection}, {"refusal", refusal}, {NULL, NULL}};
