/* Handles, and what a driver sees of them. */
#include "contract_program.h"
#include "codes.h"

#include <string.h>

static char log_text[64];

/* The log since it was last asked for. */
static const char *taken(HANDLE control)
{
    DWORD bytes = 0;
    log_text[0] = 0;
    DeviceIoControl(control, IOCTL_FILES_LOG, NULL, 0, log_text, sizeof log_text, &bytes, NULL);
    return log_text;
}

#define CHECK_LOG(expected)                                       \
    do {                                                          \
        if (strcmp(taken(control), expected))                     \
            contract_fail(__LINE__, "the log is not " expected);  \
    } while (0)

static HANDLE open_name(const wchar_t *name, DWORD flags)
{
    wchar_t path[128] = CONTRACT_PATH;
    wcscat(path, name);
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, flags, NULL);
}

static void open_and_close(HANDLE control)
{
    taken(control);
    HANDLE file = open_name(L"", 0);
    CHECK(file != INVALID_HANDLE_VALUE);
    CHECK_LOG("C");
    CHECK(CloseHandle(file));
    CHECK_LOG("LX");
    CHECK(!CloseHandle(file));
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
}

static void duplicates(HANDLE control)
{
    HANDLE file = open_name(L"", 0), copy = NULL;
    taken(control);
    CHECK(DuplicateHandle(GetCurrentProcess(), file, GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK(CloseHandle(file));
    CHECK_LOG("");
    CHECK(CloseHandle(copy));
    CHECK_LOG("LX");
}

static void failing_create(HANDLE control)
{
    taken(control);
    HANDLE file = open_name(L"\\fail", 0);
    CHECK(file == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_BUSY);
    CHECK_EQ((unsigned)RtlGetLastNtStatus(), 0x80000011);
    CHECK_LOG("C");
}

static void pended_create(HANDLE control)
{
    taken(control);
    HANDLE file = open_name(L"\\later", 0);
    CHECK(file != INVALID_HANDLE_VALUE);
    CloseHandle(file);
    CHECK_LOG("CLX");
}

static void close_with_a_request(HANDLE control)
{
    OVERLAPPED o = {0};
    HANDLE file = open_name(L"", FILE_FLAG_OVERLAPPED);
    o.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    taken(control);
    CHECK(!DeviceIoControl(file, IOCTL_FILES_PARK, NULL, 0, NULL, 0, NULL, &o));
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CloseHandle(file);
    WaitForSingleObject(o.hEvent, INFINITE);
    Sleep(100); /* the close may come from another thread */
    CHECK_LOG("PLcX");
    CloseHandle(o.hEvent);
}

static void contexts(HANDLE control)
{
    unsigned long long first = 0, second = 0, again = 0;
    DWORD bytes;
    HANDLE a = open_name(L"", 0), b = open_name(L"", 0);
    CHECK(DeviceIoControl(a, IOCTL_FILES_CONTEXT, NULL, 0, &first, 8, &bytes, NULL));
    CHECK(DeviceIoControl(b, IOCTL_FILES_CONTEXT, NULL, 0, &second, 8, &bytes, NULL));
    CHECK(DeviceIoControl(a, IOCTL_FILES_CONTEXT, NULL, 0, &again, 8, &bytes, NULL));
    CHECK(first && second && first != second);
    CHECK_EQ(first, again);
    CloseHandle(a);
    CloseHandle(b);
    taken(control);
}

static void names(HANDLE control)
{
    wchar_t name[32] = {0};
    DWORD bytes = 0;
    HANDLE file = open_name(L"\\some\\name.txt", 0);
    CHECK(file != INVALID_HANDLE_VALUE);
    CHECK(DeviceIoControl(file, IOCTL_FILES_NAME, NULL, 0, name, sizeof name, &bytes, NULL));
    CHECK_EQ(bytes, 28);
    CHECK(!wcscmp(name, L"\\some\\name.txt"));
    CloseHandle(file);
    file = open_name(L"", 0);
    CHECK(DeviceIoControl(file, IOCTL_FILES_NAME, NULL, 0, name, sizeof name, &bytes, NULL));
    CHECK_EQ(bytes, 0);
    CloseHandle(file);
    taken(control);
}

static HANDLE open_exclusive(void)
{
    return CreateFileW(L"\\\\.\\ContractExclusive", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
}

static void one_at_a_time(HANDLE control)
{
    HANDLE first = open_exclusive();
    (void)control;
    CHECK(first != INVALID_HANDLE_VALUE);
    CHECK(open_exclusive() == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CloseHandle(first);
    first = open_exclusive();
    CHECK(first != INVALID_HANDLE_VALUE);
    CloseHandle(first);
}

static void nothing_there(HANDLE control)
{
    (void)control;
    CHECK(CreateFileW(L"\\\\.\\ContractNothing", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK_EQ((unsigned)RtlGetLastNtStatus(), 0xC0000034);
}

const struct program_test program_tests[] = {
    {"open and close", open_and_close},
    {"duplicated handles", duplicates},
    {"a create that fails", failing_create},
    {"a create that is pended", pended_create},
    {"closing with a request pending", close_with_a_request},
    {"contexts", contexts},
    {"names", names},
    {"exclusive devices", one_at_a_time},
    {"a name that is not there", nothing_there},
    {NULL, NULL},
};
