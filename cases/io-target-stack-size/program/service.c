/* The service of the virtual readers, twice: each puts a card into its reader through the bus, while the smart card manager asks the same
 * reader for its state.
 *
 *     service [plug]
 *
 * With `plug` the second service unplugs its reader instead, and plugs in another. The exit code is the number of requests that failed
 * though nothing was in their way. */
#include <windows.h>
#include <winioctl.h>
#include <winsmcrd.h>
#include <stdio.h>
#include <string.h>

#include "../driver/vsc.h"

NTSYSAPI LONG NTAPI RtlGetLastNtStatus(void);

static HANDLE bus;
static LONG failures;
static int plugging;

static void failed(const char *what, unsigned reader)
{
    printf("%s, reader %u: 0x%08lX\n", what, reader, (unsigned long)RtlGetLastNtStatus());
    InterlockedIncrement(&failures);
}

static BOOL control(HANDLE file, DWORD code, unsigned reader, void *answer, DWORD size)
{
    VSC_REQUEST request = {reader};
    DWORD got = 0;
    return DeviceIoControl(file, code, &request, sizeof request, answer, size, &got, NULL);
}

static HANDLE open_reader(unsigned reader)
{
    wchar_t name[] = L"\\\\.\\SCReader0";
    name[12] = (wchar_t)(L'0' + reader);
    return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
}

/* The smart card manager's part: the reader's state is that of before or after. */
static DWORD WINAPI manage(void *reader)
{
    ULONG state = 0;
    DWORD got = 0;
    if (!DeviceIoControl(reader, IOCTL_SMARTCARD_GET_STATE, NULL, 0, &state, sizeof state, &got, NULL))
        failed("IOCTL_SMARTCARD_GET_STATE", 0);
    else if (state != SCARD_ABSENT && state != SCARD_PRESENT)
        failed("state", 0);
    return 0;
}

static DWORD WINAPI serve(void *context)
{
    unsigned reader = (unsigned)(ULONG_PTR)context;
    VSC_ANSWER answer = {0};
    if (plugging && reader) {
        if (!control(bus, IOCTL_VSC_UNPLUG, reader, NULL, 0))
            failed("IOCTL_VSC_UNPLUG", reader);
        if (!control(bus, IOCTL_VSC_PLUG, reader + 1, NULL, 0))
            failed("IOCTL_VSC_PLUG", reader + 1);
        return 0;
    }
    if (!control(bus, IOCTL_VSC_INSERT_CARD, reader, &answer, sizeof answer))
        failed("IOCTL_VSC_INSERT_CARD", reader);
    else if (answer.Cards != 1)
        failed("number of cards", reader);
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE others[2], reader;
    plugging = argc > 1 && !strcmp(argv[1], "plug");
    bus = CreateFileW(L"\\\\.\\VscBus", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (bus == INVALID_HANDLE_VALUE) {
        failed("open of the bus", 0);
        return 255;
    }
    reader = open_reader(0);
    if (reader == INVALID_HANDLE_VALUE) {
        failed("open", 0);
        return 255;
    }
    others[0] = CreateThread(NULL, 0, serve, (void *)1, 0, NULL);
    others[1] = CreateThread(NULL, 0, manage, reader, 0, NULL);
    serve((void *)0);
    WaitForMultipleObjects(2, others, TRUE, INFINITE);
    CloseHandle(others[0]);
    CloseHandle(others[1]);
    CloseHandle(reader);
    CloseHandle(bus);
    return (int)failures;
}
