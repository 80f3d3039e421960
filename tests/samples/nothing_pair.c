/* OSR's Nothing of lab 6a: who opened first may write, and a write waits for a read. Two threads read what the first opener writes in two
 * pieces; another one's write is refused until the first has gone. With a filter on top (-DFILTER) its control code comes back, too. */
#include <windows.h>
#include <stdio.h>

static HANDLE nothing(DWORD flags)
{
    return CreateFileW(L"\\\\.\\Nothing", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, flags, NULL);
}

static DWORD WINAPI reader(void *unused)
{
    char text[16] = "";
    DWORD done = 0;
    HANDLE h = nothing(0);
    (void)unused;
    BOOL good = ReadFile(h, text, sizeof text, &done, NULL) && done == 5 && (!memcmp(text, "first", 5) || !memcmp(text, "other", 5));
    CloseHandle(h);
    return good ? text[0] : 0;
}

static DWORD put(HANDLE h, const char *text)
{
    DWORD done = 0;
    return WriteFile(h, text, 5, &done, NULL) ? done == 5 ? 0 : ERROR_BAD_LENGTH : GetLastError();
}

int main(void)
{
    HANDLE owner = nothing(0), other = nothing(0), thread[2];
    DWORD got[2] = {0}, done;
    int failed = 0;
    if (owner == INVALID_HANDLE_VALUE || other == INVALID_HANDLE_VALUE)
        return printf("open: error %lu\n", GetLastError()), 1;
    if ((done = put(other, "never")) != ERROR_WRITE_PROTECT)
        failed |= printf("the second opener's write: error %lu\n", done) > 0;
    for (int i = 0; i < 2; i++)
        thread[i] = CreateThread(NULL, 0, reader, NULL, 0, NULL);
    failed |= put(owner, "first") || put(owner, "other");
    WaitForMultipleObjects(2, thread, TRUE, INFINITE);
    for (int i = 0; i < 2; i++) {
        GetExitCodeThread(thread[i], &got[i]);
        CloseHandle(thread[i]);
    }
    if (got[0] + got[1] != 'f' + 'o')
        failed |= printf("the readers got %lx and %lx\n", got[0], got[1]) > 0;
#ifdef FILTER
    if (!DeviceIoControl(owner, CTL_CODE(FILE_DEVICE_UNKNOWN, 2048, METHOD_BUFFERED, FILE_ANY_ACCESS), NULL, 0, NULL, 0, &done, NULL) || done)
        failed |= printf("the filter's code: error %lu\n", GetLastError()) > 0;
#endif
    CloseHandle(owner);
    OVERLAPPED o = {0};
    HANDLE late = nothing(FILE_FLAG_OVERLAPPED);
    if (WriteFile(late, "later", 5, NULL, &o) || (GetLastError() != ERROR_WRITE_PROTECT && GetLastError() != ERROR_IO_PENDING))
        failed |= printf("a later write: error %lu\n", GetLastError()) > 0;
    CloseHandle(late);
    CloseHandle(other);
    puts(failed ? "wrong" : "written and read");
    return failed;
}
