/* Two threads, a handle each. */
#include <windows.h>
#include <winioctl.h>

#include <string.h>

#define CODE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

static DWORD WINAPI Talk(void *name)
{
    HANDLE h = CreateFileA("\\\\.\\KmdfEcho", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    char out[16] = { 0 };
    DWORD n = 0, bad = 0;
    if (h == INVALID_HANDLE_VALUE)
        return 1;
    if (!DeviceIoControl(h, CODE, name, 4, out, sizeof out, &n, NULL) || n != 4 || memcmp(out, name, 4) != 0)
        bad |= 2;
    if (strcmp(name, "one") == 0) {
        if (!WriteFile(h, "kept", 4, &n, NULL) || n != 4)
            bad |= 4;
        if (!ReadFile(h, out, sizeof out, &n, NULL) || n != 4 || memcmp(out, "kept", 4) != 0)
            bad |= 8;
        if (DeviceIoControl(h, CODE, name, 4, out, 2, &n, NULL) || GetLastError() != ERROR_INSUFFICIENT_BUFFER)
            bad |= 16;
    }
    CloseHandle(h);
    return bad;
}

int main(void)
{
    static char one[] = "one", two[] = "two";
    DWORD code = 1;
    HANDLE thread = CreateThread(NULL, 0, Talk, two, 0, NULL);
    DWORD bad = Talk(one);
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    return (int)(bad | code << 8);
}
