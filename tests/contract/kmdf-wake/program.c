/* A device idles armed for wake and comes back, by I/O and by its wake; arming fails, at the device and at the bus; the system sleeps and wakes.
 * kmdf-wake.exe io|wake|sleep|remove: two of these at once, to be explored. */
#include <windows.h>
#include <winioctl.h>
#include <cfgmgr32.h>
#include <powrprof.h>
#include <stdio.h>
#include <string.h>
#include "codes.h"

#define STATUS(x) ((DWORD)(x))
enum { GOOD = 0 };
static HANDLE bus, device;
static int failures;

static void check(int line, int good, const char *what)
{
    if (!good) {
        printf("program.c:%d: %s (error %lu)\n", line, what, GetLastError());
        failures++;
    }
}
#define CHECK(x) check(__LINE__, (x) != 0, #x)

static DWORD ask(HANDLE h, DWORD code, DWORD in)
{
    DWORD out = 0xDEAD, n;
    return DeviceIoControl(h, code, &in, sizeof in, &out, sizeof out, &n, NULL) ? out : 0xBAD;
}

static void tell(HANDLE h, DWORD code, DWORD in)
{
    DWORD n;
    CHECK(DeviceIoControl(h, code, &in, sizeof in, NULL, 0, &n, NULL));
}

static void expect(int line, DWORD ms, const char *wanted)
{
    char log[201] = { 0 };
    DWORD n = 0;
    Sleep(ms);
    DeviceIoControl(bus, IOCTL_LOG, NULL, 0, log, 200, &n, NULL);
    log[n] = 0;
    if (strcmp(log, wanted)) {
        printf("program.c:%d: \"%s\", not \"%s\"\n", line, log, wanted);
        failures++;
    }
}
#define EXPECT(ms, wanted) expect(__LINE__, ms, wanted)

static HANDLE open_it(const char *name)
{
    HANDLE h = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    for (int i = 0; i < 20 && h == INVALID_HANDLE_VALUE; i++) {
        Sleep(100);
        h = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    }
    CHECK(h != INVALID_HANDLE_VALUE);
    return h;
}

/* Of the device's hardware key: what the framework keeps for the user. */
static DWORD kept(const char *value)
{
    DEVINST node;
    HKEY key, own;
    DWORD v = 0xDEAD, n = sizeof v;
    CHECK(CM_Locate_DevNodeA(&node, (char *)"LAB\\KmdfWakes\\0", 0) == CR_SUCCESS);
    if (CM_Open_DevNode_Key(node, KEY_READ, 0, RegDisposition_OpenExisting, &key, CM_REGISTRY_HARDWARE) != CR_SUCCESS)
        return 0xDEAD;
    if (RegOpenKeyExA(key, "WDF", 0, KEY_READ, &own) == ERROR_SUCCESS) {
        RegQueryValueExA(own, value, NULL, NULL, (BYTE *)&v, &n);
        RegCloseKey(own);
    }
    RegCloseKey(key);
    return v;
}

static void settings(void)
{
    CHECK(ask(device, IOCTL_IDLE, IDLE_TOO_DEEP) == STATUS(0xC00002D3)); /* STATUS_POWER_STATE_INVALID: it wakes from D2 at the deepest */
    CHECK(ask(device, IOCTL_IDLE, IDLE_USB) == GOOD);
    CHECK(ask(device, IOCTL_IDLE, IDLE_BAD_CAPS) == STATUS(0xC000000D));
    CHECK(ask(device, IOCTL_IDLE, IDLE_BAD_SIZE) == STATUS(0xC0000004));
    CHECK(ask(device, IOCTL_SX, SX_TOO_DEEP) == STATUS(0xC00002D3));
    CHECK(ask(device, IOCTL_SX, SX_BAD_SIZE) == STATUS(0xC0000004));
    CHECK(ask(device, IOCTL_SX, SX_BAD_USER) == STATUS(0xC000000D));
    CHECK(ask(device, IOCTL_IDLE, IDLE_WAKE) == GOOD);
}

static void indications(void)
{
    CHECK(ask(bus, IOCTL_INDICATE, 0) == STATUS(0xC0000010)); /* nobody waits */
    CHECK(ask(bus, IOCTL_INDICATE, 0x103) == STATUS(0xC000000D));
    CHECK(ask(bus, IOCTL_INDICATE, 0xC0000120) == STATUS(0xC000000D));
    CHECK(ask(bus, IOCTL_INDICATE_BUS, 0) == STATUS(0xC0000184)); /* no bus driver's business here */
}

static void idle(void)
{
    EXPECT(2000, "sBAqx");
    ask(device, IOCTL_TOUCH, 0);
    EXPECT(100, "bepar");
    EXPECT(2000, "sBAqx");
    CHECK(ask(bus, IOCTL_INDICATE, 0) == GOOD);
    CHECK(ask(bus, IOCTL_INDICATE, 0) == STATUS(0xC0000010)); /* it has been told */
    EXPECT(100, "bepTar");
    EXPECT(2000, "sBAqx");
    CHECK(ask(bus, IOCTL_INDICATE, 0xC0000185) == GOOD); /* the bus stops waiting: the device comes back untriggered */
    EXPECT(100, "bepar");
    /* kept awake */
    CHECK(ask(device, IOCTL_STOP_IDLE, 0) == GOOD);
    EXPECT(3000, "");
    ask(device, IOCTL_RESUME_IDLE, 0);
    EXPECT(2000, "sBAqx");
    ask(device, IOCTL_TOUCH, 0);
    EXPECT(100, "bepar");
}

static void failing(void)
{
    tell(device, IOCTL_ARM_FAILS, 1);
    EXPECT(1500, "sBAbqxepr"); /* down and up again, unarmed */
    EXPECT(1500, "sBAqx");
    ask(device, IOCTL_TOUCH, 0);
    EXPECT(100, "bepar");
    tell(bus, IOCTL_BUS_FAILS, 1);
    EXPECT(1500, "sBaqxepr");
    EXPECT(1500, "sBAqx");
    ask(device, IOCTL_TOUCH, 0);
    EXPECT(100, "bepar");
}

static void without_wake(void)
{
    CHECK(ask(device, IOCTL_IDLE, IDLE_NO_WAKE) == GOOD);
    EXPECT(2000, "sqx");
    ask(device, IOCTL_TOUCH, 0);
    EXPECT(100, "epr");
    CHECK(ask(device, IOCTL_IDLE, IDLE_OFF) == GOOD);
    EXPECT(2000, "");
}

static void sleeping(void)
{
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    EXPECT(100, "sqxepr");
    CHECK(ask(device, IOCTL_SX, SX_ON) == GOOD);
    CHECK(kept("WakeFromSleepState") == 1);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    EXPECT(100, "sBWqxbepwr");
    tell(bus, IOCTL_WAKES_ASLEEP, 1);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    EXPECT(100, "sBWqxbeptwr");
    /* the callback that disarms is called for arming that failed */
    tell(device, IOCTL_ARM_FAILS, 1);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    EXPECT(100, "sBWwbqxepr");
    /* idle and armed for S0: up, and down again armed for sleep */
    CHECK(ask(device, IOCTL_IDLE, IDLE_WAKE) == GOOD);
    EXPECT(2000, "sBAqx");
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    EXPECT(100, "beparsBWqxbepwr");
    CHECK(ask(device, IOCTL_SX, SX_OFF) == GOOD);
    CHECK(kept("WakeFromSleepState") == 0);
    CHECK(ask(device, IOCTL_IDLE, IDLE_OFF) == GOOD);
    EXPECT(100, "");
}

/* The user has a say once the driver has left it to him. */
static void user(void)
{
    CHECK(ask(bus, IOCTL_WMI, 4) == 0xDEAD);
    CHECK(ask(device, IOCTL_IDLE, IDLE_USER) == GOOD);
    Sleep(100); /* WMI asks for the blocks in its own time */
    CHECK(ask(bus, IOCTL_WMI, 4) == 0); /* what it was before: off */
    CHECK(ask(bus, IOCTL_WMI, 1) == 1);
    CHECK(ask(bus, IOCTL_WMI, 4) == 1);
    EXPECT(2000, "sBAqx");
    CHECK(ask(bus, IOCTL_WMI, 0) == 0);
    EXPECT(3000, "bepar");
    CHECK(ask(bus, IOCTL_WMI, 5) == 0); /* wake: off since sleeping() */
    CHECK(ask(bus, IOCTL_WMI, 3) == 1);
    CHECK(kept("WakeFromSleepState") == 1);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    EXPECT(100, "sBWqxbepwr");
    CHECK(ask(bus, IOCTL_WMI, 2) == 0);
}

static void removal(void)
{
    CHECK(ask(device, IOCTL_IDLE, IDLE_WAKE) == GOOD);
    EXPECT(2000, "sBAqx");
    CHECK(ask(device, IOCTL_FAILED, 0) == 0);
    EXPECT(2000, "beparsBAqx");
    CloseHandle(device);
    tell(bus, IOCTL_UNPLUG, 0); /* gone while asleep: it is not powered up again */
    EXPECT(500, "Rb.");
    tell(bus, IOCTL_PLUG, 0);
    device = open_it("\\\\.\\KmdfWake");
    EXPECT(100, "PEpI");
    EXPECT(2000, "sBAqx");
    CloseHandle(device);
    DEVINST node;
    CHECK(CM_Locate_DevNodeA(&node, (char *)"LAB\\KmdfWakes\\0", 0) == CR_SUCCESS);
    CHECK(CM_Disable_DevNode(node, 0) == CR_SUCCESS); /* asked whether it may go, it is awake */
    EXPECT(100, "beparsqXR.");
}

/* ---- races ---- */

static DWORD WINAPI wake_it(void *unused)
{
    ask(bus, IOCTL_INDICATE, 0);
    return 0;
}

static DWORD WINAPI touch_it(void *unused)
{
    ask(device, IOCTL_TOUCH, 0);
    return 0;
}

static DWORD WINAPI remove_it(void *unused)
{
    DWORD n;
    DeviceIoControl(bus, IOCTL_UNPLUG, NULL, 0, NULL, 0, &n, NULL);
    return 0;
}

static DWORD WINAPI sleep_it(void *unused)
{
    SetSuspendState(FALSE, FALSE, FALSE);
    return 0;
}

static int race(const char *how)
{
    DWORD(WINAPI * first)(void *) = strcmp(how, "io") == 0 ? touch_it : wake_it;
    DWORD(WINAPI * second)(void *) = strcmp(how, "sleep") == 0 ? sleep_it : strcmp(how, "remove") == 0 ? remove_it : strcmp(how, "io") == 0 ? wake_it : touch_it;
    if (strcmp(how, "timeout") != 0)
        Sleep(1500); /* it is in D2, armed */
    else
        Sleep(1000); /* the timer is about to expire */
    HANDLE t = CreateThread(NULL, 0, first, NULL, 0, NULL);
    second(NULL);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    if (strcmp(how, "remove") != 0)
        CHECK(ask(device, IOCTL_FAILED, 0) == 0);
    return failures;
}

int main(int argc, char **argv)
{
    bus = open_it("\\\\.\\KmdfWakeBus");
    device = open_it("\\\\.\\KmdfWake");
    if (argc > 1)
        return race(argv[1]);
    EXPECT(0, "PEpI");
    settings();
    EXPECT(100, "");
    indications();
    idle();
    failing();
    without_wake();
    sleeping();
    user();
    removal();
    printf("kmdf-wake: %d failed\n", failures);
    return failures;
}
