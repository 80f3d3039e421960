/* Asks a temperature sensor as the thermal manager does: what is outside of the bounds is answered at once, else when the time is over; two at a
 * time, one of which is cancelled. The device has no interface: it is opened by the name of its physical device. */
#include <windows.h>
#include <setupapi.h>
#include <initguid.h>
#include <poclass.h>
#include <stdio.h>

enum { TEMPERATURE = 42 };
static WCHAR path[300] = L"\\\\?\\GLOBALROOT";

static HANDLE sensor(DWORD flags)
{
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, flags, NULL);
}

static BOOL find(void)
{
    SP_DEVINFO_DATA device = {sizeof device};
    HDEVINFO set = SetupDiGetClassDevsW(NULL, L"ACPI", NULL, DIGCF_ALLCLASSES | DIGCF_PRESENT);
    size_t used = wcslen(path);
    BOOL found = set == INVALID_HANDLE_VALUE ? FALSE : SetupDiEnumDeviceInfo(set, 0, &device);
    if (!found) {
        set = SetupDiGetClassDevsW(NULL, NULL, NULL, DIGCF_ALLCLASSES | DIGCF_PRESENT);
        found = SetupDiEnumDeviceInfo(set, 0, &device);
    }
    found = found && SetupDiGetDeviceRegistryPropertyW(set, &device, SPDRP_PHYSICAL_DEVICE_OBJECT_NAME, NULL, (PBYTE)(path + used), sizeof path - used * 2, NULL);
    SetupDiDestroyDeviceInfoList(set);
    return found;
}

static DWORD ask(HANDLE h, ULONG timeout, ULONG low, ULONG high, ULONG *temperature, DWORD bytes)
{
    THERMAL_WAIT_READ read = {timeout, low, high};
    DWORD done = 0;
    return DeviceIoControl(h, IOCTL_THERMAL_READ_TEMPERATURE, &read, bytes, temperature, sizeof *temperature, &done, NULL) && done == sizeof *temperature
               ? 0 : GetLastError() | (done ? 0x80000000 : 0);
}

static DWORD WINAPI wait_for(void *timeout)
{
    ULONG temperature = 0;
    HANDLE h = sensor(0);
    DWORD begun = GetTickCount(), error = ask(h, (ULONG)(ULONG_PTR)timeout, 0, 100, &temperature, sizeof(THERMAL_WAIT_READ));
    DWORD passed = GetTickCount() - begun;
    CloseHandle(h);
    return error || temperature != TEMPERATURE || passed + 20 < (ULONG_PTR)timeout;
}

static int cancelled(void)
{
    HANDLE h = sensor(FILE_FLAG_OVERLAPPED);
    THERMAL_WAIT_READ read = {(ULONG)-1, 0, 100};
    OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    ULONG temperature;
    DWORD done;
    BOOL pended = !DeviceIoControl(h, IOCTL_THERMAL_READ_TEMPERATURE, &read, sizeof read, &temperature, sizeof temperature, NULL, &o) &&
                  GetLastError() == ERROR_IO_PENDING;
    BOOL asked = CancelIoEx(h, &o), ended = GetOverlappedResult(h, &o, &done, TRUE);
    DWORD error = GetLastError();
    CloseHandle(o.hEvent);
    CloseHandle(h);
    return pended && asked && !ended && error == ERROR_OPERATION_ABORTED ? 0 : (printf("cancelled: error %lu\n", error), 1);
}

int main(void)
{
    ULONG temperature = 0;
    HANDLE thread[2], h;
    DWORD code, failed = 0;
    if (!find() || (h = sensor(0)) == INVALID_HANDLE_VALUE)
        return printf("the sensor is not there (%ls, error %lu)\n", path, GetLastError()), 1;
    failed |= ask(h, 0, 0, 100, &temperature, sizeof(THERMAL_WAIT_READ)) || temperature != TEMPERATURE;
    failed |= ask(h, (ULONG)-1, 50, 60, &temperature, sizeof(THERMAL_WAIT_READ)) || temperature != TEMPERATURE;
    failed |= ask(h, 0, 0, 100, &temperature, 4) != ERROR_INSUFFICIENT_BUFFER;
    if (failed)
        printf("at once: %lu degrees\n", temperature);
    thread[0] = CreateThread(NULL, 0, wait_for, (void *)300, 0, NULL);
    thread[1] = CreateThread(NULL, 0, wait_for, (void *)500, 0, NULL);
    failed |= (DWORD)cancelled();
    WaitForMultipleObjects(2, thread, TRUE, INFINITE);
    for (int i = 0; i < 2; i++) {
        failed |= !GetExitCodeThread(thread[i], &code) || code;
        CloseHandle(thread[i]);
    }
    CloseHandle(h);
    puts(failed ? "the sensor answers wrongly" : "the sensor answers as it should");
    return (int)failed;
}
