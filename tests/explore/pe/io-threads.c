/* Sends each text between commas to the driver (io.c) by a thread of its own.
 *
 * usage: io-threads.exe TEXT[,TEXT]... */
#include <windows.h>
#include <string.h>

static HANDLE device;

static DWORD WINAPI thread(void *text)
{
    DWORD bytes;
    return !DeviceIoControl(device, 0x222000, text, (DWORD)strlen(text), NULL, 0, &bytes, NULL);
}

int main(int argc, char **argv)
{
    static char copy[200];
    HANDLE threads[8];
    int n = 0;
    if (argc < 2 || strlen(argv[1]) >= sizeof copy)
        return 2;
    strcpy(copy, argv[1]);
    device = CreateFileA("\\\\.\\Random", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (device == INVALID_HANDLE_VALUE)
        return 3;
    for (char *p = strtok(copy, ","); p && n < 8; p = strtok(NULL, ","))
        threads[n++] = CreateThread(NULL, 0, thread, p, 0, NULL);
    WaitForMultipleObjects((DWORD)n, threads, TRUE, INFINITE);
    CloseHandle(device);
    return 0;
}
