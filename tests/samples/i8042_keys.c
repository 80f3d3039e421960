/* Two threads press keys, or move the mouse (-DMOUSE); all of them must arrive in the class driver, those of a thread in their order. */
#include <windows.h>
#include <cfgmgr32.h>
#include <ntddkbd.h>
#include <ntddmou.h>
#include <stdio.h>
#include "i8042.h"

#ifdef MOUSE
typedef MOUSE_INPUT_DATA PACKET;
#define VALUE LastX
#else
typedef KEYBOARD_INPUT_DATA PACKET;
#define VALUE MakeCode
#endif

enum { EACH = 3, THREADS = 2 };
static WCHAR path[1024];

static HANDLE device(void)
{
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

static DWORD WINAPI press(void *first)
{
    PACKET packet[EACH] = {0};
    DWORD done = 0;
    HANDLE h = device();
    for (int i = 0; i < EACH; i++)
        packet[i].VALUE = (USHORT)((ULONG_PTR)first + i);
    BOOL good = WriteFile(h, packet, sizeof packet, &done, NULL);
    CloseHandle(h);
    return good && done == sizeof packet ? 0 : 1;
}

static int look(HANDLE h)
{
    PACKET packet[EACH * THREADS + 1];
    DWORD done = 0;
    LONG next[THREADS] = {16, 32};
    if (!ReadFile(h, packet, sizeof packet, &done, NULL) || done != EACH * THREADS * sizeof *packet)
        return printf("%lu bytes arrived, error %lu\n", done, GetLastError()), 1;
    for (int i = 0; i < EACH * THREADS; i++) {
        LONG *n = &next[packet[i].VALUE >= 32];
        if ((LONG)packet[i].VALUE != (*n)++)
            return printf("packet %d is %ld\n", i, (LONG)packet[i].VALUE), 1;
    }
    return 0;
}

int main(void)
{
    HANDLE thread[THREADS];
    DWORD code[THREADS] = {0}, done;
    GUID guid = GUID_PS2_CLASS;
    if (CM_Get_Device_Interface_ListW(&guid, NULL, path, ARRAYSIZE(path), CM_GET_DEVICE_INTERFACE_LIST_PRESENT) != CR_SUCCESS || !*path)
        return puts("no class device"), 1;
    HANDLE h = device();
    if (h == INVALID_HANDLE_VALUE)
        return printf("open: error %lu\n", GetLastError()), 1;
    for (int i = 0; i < THREADS; i++)
        thread[i] = CreateThread(NULL, 0, press, (void *)(ULONG_PTR)(16 * (i + 1)), 0, NULL);
    WaitForMultipleObjects(THREADS, thread, TRUE, INFINITE);
    for (int i = 0; i < THREADS; i++) {
        GetExitCodeThread(thread[i], &code[i]);
        CloseHandle(thread[i]);
    }
    int failed = code[0] || code[1] ? puts("a write failed"), 1 : look(h);
    if (WriteFile(h, &done, 1, &done, NULL) || (GetLastError() != ERROR_BAD_LENGTH && GetLastError() != ERROR_INVALID_USER_BUFFER))
        failed |= printf("half a packet: error %lu\n", GetLastError()) > 0;
    CloseHandle(h);
    if (!failed)
        puts("all packets arrived in order");
    return failed;
}
