/* Several processes: creation, exit codes, inherited and duplicated handles, and ends in the middle of I/O. The children are this
 * program again, with the environment variable CHILD naming what they do. */
#include "contract_program.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_FOR_EVER, PENDING, CLEANUPS, CLOSES, PROCESS };
#define CODE(n) IOCTL_AREA(n, METHOD_BUFFERED)

static DWORD ask(HANDLE device, DWORD code)
{
    DWORD value = 0, n;
    DeviceIoControl(device, CODE(code), NULL, 0, &value, sizeof value, &n, NULL);
    return value;
}

/* ---- the child ---- */

static int child_main(const char *what)
{
    char text[40] = "";
    DWORD n;
    HANDLE device = contract_open(0);
    GetEnvironmentVariableA("HANDLE", text, sizeof text);
    HANDLE handle = (HANDLE)(ULONG_PTR)strtoull(text, NULL, 16);

    if (strcmp(what, "code") == 0)
        return 42;
    if (strcmp(what, "set") == 0)
        return SetEvent(handle) ? 0 : (int)GetLastError();
    if (strcmp(what, "process") == 0)
        return ask(device, PROCESS) == GetCurrentProcessId() ? 0 : 1;
    if (strcmp(what, "device") == 0) /* through the parent's handle */
        return DeviceIoControl(handle, CODE(PENDING), NULL, 0, &n, sizeof n, &n, NULL) ? 0 : (int)GetLastError();
    if (strcmp(what, "wait") == 0) {
        DeviceIoControl(device, CODE(WAIT_FOR_EVER), NULL, 0, NULL, 0, &n, NULL);
        return 1; /* it is killed there */
    }
    if (strcmp(what, "leave") == 0) {
        static OVERLAPPED o;
        HANDLE h = contract_open(FILE_FLAG_OVERLAPPED);
        DeviceIoControl(h, CODE(WAIT_FOR_EVER), NULL, 0, NULL, 0, NULL, &o);
        return GetLastError() == ERROR_IO_PENDING ? 5 : 6;
    }
    return 99;
}

__attribute__((constructor)) static void be_a_child(void)
{
    char what[20];
    if (GetEnvironmentVariableA("CHILD", what, sizeof what))
        exit(child_main(what));
}

/* ---- the parent ---- */

static PROCESS_INFORMATION start(const char *what, HANDLE handle, BOOL inherit, DWORD flags)
{
    STARTUPINFOA si = {.cb = sizeof si};
    PROCESS_INFORMATION p = {0};
    char path[300], text[40];
    sprintf(text, "%llx", (unsigned long long)(ULONG_PTR)handle);
    SetEnvironmentVariableA("CHILD", what);
    SetEnvironmentVariableA("HANDLE", text);
    GetModuleFileNameA(NULL, path, sizeof path);
    CHECK(CreateProcessA(path, NULL, NULL, NULL, inherit, flags, NULL, NULL, &si, &p));
    SetEnvironmentVariableA("CHILD", NULL);
    return p;
}

static DWORD end_of(PROCESS_INFORMATION *p)
{
    DWORD code = 0xFFFF;
    CHECK_EQ(WaitForSingleObject(p->hProcess, 10000), WAIT_OBJECT_0);
    CHECK(GetExitCodeProcess(p->hProcess, &code));
    CHECK_EQ(WaitForSingleObject(p->hThread, 10000), WAIT_OBJECT_0);
    CloseHandle(p->hProcess);
    CloseHandle(p->hThread);
    return code;
}

static void exit_codes(HANDLE device)
{
    DWORD code = 0;
    PROCESS_INFORMATION p = start("code", NULL, FALSE, CREATE_SUSPENDED);
    (void)device;
    CHECK(p.dwProcessId && p.dwProcessId != GetCurrentProcessId());
    CHECK_EQ(GetProcessId(p.hProcess), p.dwProcessId);
    CHECK_EQ(WaitForSingleObject(p.hProcess, 10), WAIT_TIMEOUT);
    CHECK(GetExitCodeProcess(p.hProcess, &code));
    CHECK_EQ(code, STILL_ACTIVE);
    CHECK_EQ(ResumeThread(p.hThread), 1);
    CHECK_EQ(end_of(&p), 42);
    p = start("process", NULL, FALSE, 0);
    CHECK_EQ(end_of(&p), 0);
}

static void not_there(HANDLE device)
{
    STARTUPINFOA si = {.cb = sizeof si};
    PROCESS_INFORMATION p = {0};
    char line[] = "no-such-program.exe";
    (void)device;
    CHECK(!CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
}

static void inherited(HANDLE device)
{
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    HANDLE event = CreateEventA(&inherit, TRUE, FALSE, NULL), own = CreateEventA(NULL, TRUE, FALSE, NULL);
    DWORD flags = 0;
    PROCESS_INFORMATION p;
    (void)device;
    CHECK(GetHandleInformation(event, &flags) && flags == HANDLE_FLAG_INHERIT);
    CHECK(GetHandleInformation(own, &flags) && flags == 0);
    p = start("set", event, TRUE, 0);
    CHECK_EQ(end_of(&p), 0);
    CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    p = start("set", own, TRUE, 0); /* not inheritable: the child has nothing, or something else, there */
    end_of(&p);
    CHECK_EQ(WaitForSingleObject(own, 0), WAIT_TIMEOUT);
    ResetEvent(event);
    p = start("set", event, FALSE, 0); /* inheritable, but nothing is inherited */
    end_of(&p);
    CHECK_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    CHECK(SetHandleInformation(own, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    p = start("set", own, TRUE, 0);
    CHECK_EQ(end_of(&p), 0);
    CHECK_EQ(WaitForSingleObject(own, 0), WAIT_OBJECT_0);
    CloseHandle(event);
    CloseHandle(own);
}

/* A file object lives as long as any process has a handle to it. */
static void shared_file(HANDLE device)
{
    HANDLE h = contract_open(0);
    DWORD cleanups = ask(device, CLEANUPS), closes = ask(device, CLOSES);
    PROCESS_INFORMATION p;
    CHECK(SetHandleInformation(h, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    p = start("device", h, TRUE, CREATE_SUSPENDED);
    CloseHandle(h); /* the child's remains */
    CHECK_EQ(ask(device, CLEANUPS), cleanups);
    ResumeThread(p.hThread);
    CHECK_EQ(end_of(&p), 0);
    CHECK_EQ(ask(device, CLEANUPS), cleanups + 2); /* its own, and this one */
    CHECK_EQ(ask(device, CLOSES), closes + 2);
}

static void duplicated(HANDLE device)
{
    HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL), there = NULL;
    PROCESS_INFORMATION p = start("code", NULL, FALSE, CREATE_SUSPENDED);
    (void)device;
    CHECK(DuplicateHandle(GetCurrentProcess(), event, p.hProcess, &there, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK(there != NULL);
    /* and back: the same object */
    HANDLE back = NULL;
    CHECK(DuplicateHandle(p.hProcess, there, GetCurrentProcess(), &back, 0, FALSE, DUPLICATE_SAME_ACCESS));
    SetEvent(event);
    CHECK_EQ(WaitForSingleObject(back, 0), WAIT_OBJECT_0);
    ResumeThread(p.hThread);
    CHECK_EQ(end_of(&p), 42);
    CloseHandle(back);
    CloseHandle(event);
}

static void wait_until_pending(HANDLE device, DWORD count)
{
    for (int i = 0; ask(device, PENDING) != count && i < 1000; i++)
        Sleep(1);
    CHECK_EQ(ask(device, PENDING), count);
}

/* Killed while its thread waits for a request: the request is cancelled, the file cleaned up and closed, the code is the killer's. */
static void killed(HANDLE device)
{
    DWORD cleanups = ask(device, CLEANUPS);
    PROCESS_INFORMATION p = start("wait", NULL, FALSE, 0);
    wait_until_pending(device, 1);
    CHECK(TerminateProcess(p.hProcess, 77));
    CHECK_EQ(end_of(&p), 77);
    CHECK_EQ(ask(device, PENDING), 0);
    CHECK_EQ(ask(device, CLEANUPS), cleanups + 1);
}

/* Ends by itself with an asynchronous request under way. */
static void leaves(HANDLE device)
{
    PROCESS_INFORMATION p = start("leave", NULL, FALSE, 0);
    CHECK_EQ(end_of(&p), 5);
    CHECK_EQ(ask(device, PENDING), 0);
}

const struct program_test program_tests[] = {
    {"exit_codes", exit_codes}, {"not_there", not_there},   {"inherited", inherited}, {"shared_file", shared_file},
    {"duplicated", duplicated}, {"killed", killed},         {"leaves", leaves},       {NULL, NULL},
};
