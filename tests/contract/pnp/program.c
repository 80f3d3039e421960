/* Finds the device by its interface, opens it under several names, and prints what the driver found wrong. */
#include <windows.h>
#include <winioctl.h>
#include <setupapi.h>
#include <stdio.h>
#include "codes.h"

static int failures;

static void fail(int line, const char *what)
{
    printf("program.c:%d: %s (error %lu)\n", line, what, GetLastError());
    failures++;
}

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

static HANDLE open_path(const wchar_t *path)
{
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
}

static void check_name(const wchar_t *path, const wchar_t *expected)
{
    wchar_t name[100] = {0};
    DWORD bytes = 0;
    HANDLE h = open_path(path);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(DeviceIoControl(h, IOCTL_PNP_NAME, NULL, 0, name, sizeof name, &bytes, NULL));
    CHECK(!wcscmp(name, expected));
    CloseHandle(h);
}

/* The paths of the class's interfaces; returns how many. */
static int find(wchar_t paths[4][300])
{
    HDEVINFO set = SetupDiGetClassDevsW(&GUID_CONTRACT_PNP, NULL, NULL, DIGCF_DEVICEINTERFACE | DIGCF_PRESENT);
    SP_DEVICE_INTERFACE_DATA data = {.cbSize = sizeof data};
    int n = 0;
    CHECK(set != INVALID_HANDLE_VALUE);
    for (; n < 4 && SetupDiEnumDeviceInterfaces(set, NULL, &GUID_CONTRACT_PNP, n, &data); n++) {
        char buffer[1000];
        SP_DEVICE_INTERFACE_DETAIL_DATA_W *detail = (void *)buffer;
        detail->cbSize = sizeof *detail;
        CHECK(SetupDiGetDeviceInterfaceDetailW(set, &data, detail, sizeof buffer, NULL, NULL));
        wcscpy(paths[n], detail->DevicePath);
    }
    SetupDiDestroyDeviceInfoList(set);
    return n;
}

int main(void)
{
    static wchar_t paths[4][300];
    static char text[4000];
    DWORD bytes = 0;
    int n = find(paths);
    CHECK(n == 2);
    if (n < 2)
        return 1;
    const wchar_t *plain = wcslen(paths[0]) < wcslen(paths[1]) ? paths[0] : paths[1], *named = plain == paths[0] ? paths[1] : paths[0];
    check_name(plain, L"");
    check_name(named, L"\\second");
    wchar_t longer[320];
    wcscpy(longer, plain);
    wcscat(longer, L"\\some\\where");
    check_name(longer, L"\\some\\where");
    HANDLE h = open_path(plain);
    CHECK(DeviceIoControl(h, IOCTL_PNP_STARTED, NULL, 0, NULL, 0, &bytes, NULL));
    CHECK(DeviceIoControl(h, IOCTL_PNP_RESULTS, NULL, 0, text, sizeof text - 1, &bytes, NULL));
    CloseHandle(h);
    if (bytes)
        failures++;
    printf("%s", text);
    printf("pnp: %d failed\n", failures);
    return failures;
}
