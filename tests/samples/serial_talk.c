/* A virtual serial port that answers like a modem: two threads read while the program dials; what was sent comes back with the answer behind it, each byte
 * to one of the readers. Baud rate, line control, a mask that is waited for, its replacement, and a read that is cancelled. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>

#define SERIAL(n) CTL_CODE(FILE_DEVICE_SERIAL_PORT, (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
enum { SET_BAUD = 1, SET_LINE = 3, SET_MASK = 17, WAIT_MASK = 18, GET_BAUD = 20, GET_LINE = 21 };

static const char wanted[] = "ATD1\r\r\nCONNECT\r\n";
static volatile LONG total, sum;

static HANDLE port(void)
{
    return CreateFileW(L"\\\\.\\COM7", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
}

/* The error of a request, which may take its time. */
static DWORD control(HANDLE h, int code, void *in, DWORD in_bytes, void *out, DWORD out_bytes)
{
    OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    DWORD done = 0, error = 0;
    if (!DeviceIoControl(h, SERIAL(code), in, in_bytes, out, out_bytes, NULL, &o))
        error = GetLastError();
    if ((!error || error == ERROR_IO_PENDING))
        error = GetOverlappedResult(h, &o, &done, TRUE) ? done == out_bytes ? 0 : ERROR_BAD_LENGTH : GetLastError();
    CloseHandle(o.hEvent);
    return error;
}

static DWORD WINAPI reader(void *unused)
{
    HANDLE h = port();
    char text[64];
    (void)unused;
    while (total < (LONG)sizeof wanted - 1) {
        OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
        DWORD done = 0;
        BOOL begun = ReadFile(h, text, sizeof text, NULL, &o) || GetLastError() == ERROR_IO_PENDING;
        if (begun && !HasOverlappedIoCompleted(&o) && WaitForSingleObject(o.hEvent, 200) == WAIT_TIMEOUT)
            CancelIoEx(h, &o);
        if (begun && GetOverlappedResult(h, &o, &done, TRUE))
            for (DWORD i = 0; i < done; i++)
                InterlockedAdd(&sum, text[i]);
        InterlockedAdd(&total, (LONG)done);
        CloseHandle(o.hEvent);
        if (!begun)
            break;
    }
    CloseHandle(h);
    return 0;
}

static DWORD WINAPI wait_mask(void *h)
{
    DWORD mask = 0xDEAD;
    return control(h, WAIT_MASK, NULL, 0, &mask, sizeof mask) || mask;
}

static int settings(HANDLE h)
{
    DWORD baud = 115200, back = 0;
    UCHAR line[3] = {2, 2, 7}, is[3] = {0}, wrong[3] = {1, 0, 8}; /* stop bits, parity, word length */
    int failed = control(h, SET_BAUD, &baud, sizeof baud, NULL, 0) || control(h, GET_BAUD, NULL, 0, &back, sizeof back) || back != baud;
    failed |= control(h, SET_LINE, line, sizeof line, NULL, 0) || control(h, GET_LINE, NULL, 0, is, sizeof is) || memcmp(line, is, sizeof is);
    failed |= control(h, SET_LINE, wrong, sizeof wrong, NULL, 0) != ERROR_INVALID_PARAMETER;
    failed |= control(h, SET_BAUD, &baud, 1, NULL, 0) == 0;
    failed |= control(h, 99, NULL, 0, NULL, 0) != ERROR_INVALID_PARAMETER;
    return failed;
}

int main(void)
{
    HANDLE h = port(), thread[3];
    DWORD code, n;
    LONG expected = 0;
    int failed;
    if (h == INVALID_HANDLE_VALUE)
        return printf("COM7: error %lu\n", GetLastError()), 1;
    failed = settings(h);
    if (failed)
        puts("settings");
    thread[0] = CreateThread(NULL, 0, reader, NULL, 0, NULL);
    thread[1] = CreateThread(NULL, 0, reader, NULL, 0, NULL);
    thread[2] = CreateThread(NULL, 0, wait_mask, h, 0, NULL);
    OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    if ((!WriteFile(h, "ATD1\r", 5, NULL, &o) && GetLastError() != ERROR_IO_PENDING) || !GetOverlappedResult(h, &o, &n, TRUE) || n != 5)
        failed |= printf("write: error %lu\n", GetLastError()) > 0;
    do
        failed |= control(h, SET_MASK, NULL, 0, NULL, 0) != 0;
    while (WaitForSingleObject(thread[2], 50) == WAIT_TIMEOUT);
    WaitForMultipleObjects(3, thread, TRUE, INFINITE);
    GetExitCodeThread(thread[2], &code);
    for (int i = 0; i < 3; i++)
        CloseHandle(thread[i]);
    for (const char *p = wanted; *p; p++)
        expected += *p;
    if (code || total != (LONG)sizeof wanted - 1 || sum != expected)
        failed |= printf("mask %lu, %ld bytes, sum %ld of %ld\n", code, total, sum, expected) > 0;
    CloseHandle(o.hEvent);
    CloseHandle(h);
    puts(failed ? "wrong" : "connected");
    return failed;
}
