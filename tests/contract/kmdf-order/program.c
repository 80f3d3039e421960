/* Starts the device with one callback after the other failing, sends it to sleep, rebalances it, lets it fail; its driver prints what it was called for. */
#include <windows.h>
#include <winioctl.h>
#include <cfgmgr32.h>
#include <powrprof.h>
#include <stdio.h>
#include "codes.h"

static DEVINST node;
static int failures;

static void check(int line, int good)
{
    if (!good) {
        printf("program.c:%d: failed (error %lu)\n", line, GetLastError());
        failures++;
    }
}
#define CHECK(x) check(__LINE__, (x) != 0)

static void set_fail(DWORD fail)
{
    HKEY key;
    CHECK(CM_Open_DevNode_Key(node, KEY_ALL_ACCESS, 0, RegDisposition_OpenAlways, &key, CM_REGISTRY_HARDWARE) == CR_SUCCESS);
    RegSetValueExA(key, "Fail", 0, REG_DWORD, (BYTE *)&fail, sizeof fail);
    RegCloseKey(key);
}

static HANDLE open_device(void)
{
    return CreateFileA("\\\\.\\KmdfOrder", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
}

static BOOL ask(HANDLE h, DWORD what)
{
    OVERLAPPED o = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    DWORD n;
    BOOL good = DeviceIoControl(h, IOCTL_ORDER, &what, sizeof what, NULL, 0, &n, &o) || (GetLastError() == ERROR_IO_PENDING && GetOverlappedResult(h, &o, &n, TRUE));
    CloseHandle(o.hEvent);
    return good;
}

static void quick(DWORD what)
{
    HANDLE h = open_device();
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(ask(h, what));
    CloseHandle(h);
}

/* The device goes, and comes back with another failure. */
static void again(DWORD fail, BOOL starts)
{
    CM_Disable_DevNode(node, 0);
    set_fail(fail);
    CM_Enable_DevNode(node, 0);
    HANDLE h = open_device();
    CHECK((h != INVALID_HANDLE_VALUE) == starts);
    if (h != INVALID_HANDLE_VALUE)
        CloseHandle(h);
}

static void sleep_with_request(void)
{
    OVERLAPPED o = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    DWORD n, what = ORDER_HOLD;
    HANDLE h = open_device();
    CHECK(!DeviceIoControl(h, IOCTL_ORDER, &what, sizeof what, NULL, 0, &n, &o) && GetLastError() == ERROR_IO_PENDING);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    CHECK(GetOverlappedResult(h, &o, &n, TRUE));
    CloseHandle(h);
    CloseHandle(o.hEvent);
}

int main(void)
{
    CHECK(CM_Locate_DevNodeA(&node, (char *)"ROOT\\KmdfOrder\\0000", 0) == CR_SUCCESS);
    /* a device whose EvtIoStop acknowledges, and which is resumed */
    sleep_with_request();
    Sleep(1000);
    again(FAIL_PREPARE, FALSE);
    again(FAIL_ENTRY, FALSE);
    again(FAIL_POST, FALSE);
    again(FAIL_INIT, FALSE);
    again(FAIL_ADD, FALSE);
    again(FAIL_NONE, TRUE);
    /* stopped and started again */
    quick(ORDER_REBALANCE);
    Sleep(1000);
    again(FAIL_QUERY_STOP, TRUE);
    quick(ORDER_REBALANCE);
    Sleep(1000);
    /* surprise removal, with a request that is still held */
    again(FAIL_NONE, TRUE);
    OVERLAPPED o = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    DWORD n, what = ORDER_HOLD;
    HANDLE h = open_device();
    DeviceIoControl(h, IOCTL_ORDER, &what, sizeof what, NULL, 0, &n, &o);
    CHECK(ask(h, ORDER_SET_FAILED));
    CHECK(!GetOverlappedResult(h, &o, &n, TRUE));
    CloseHandle(h);
    CloseHandle(o.hEvent);
    Sleep(1000);
    /* on the way back from sleep */
    again(FAIL_ENTRY_LATER, TRUE);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    Sleep(1000);
    again(FAIL_ENTRY_LATER | FAIL_RELEASE_LATE, TRUE);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    Sleep(1000);
    again(FAIL_NONE | WITH_DMA, TRUE);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    Sleep(1000);
    again(FAIL_DMA | WITH_DMA, FALSE);
    again(FAIL_RESTART, TRUE);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    Sleep(1000);
    again(FAIL_EXIT, TRUE);
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    Sleep(1000);
    /* refused by the driver, by a special file, by the driver beforehand */
    again(FAIL_QUERY_REMOVE, TRUE);
    CHECK(CM_Disable_DevNode(node, 0) != CR_SUCCESS);
    quick(ORDER_SET_FAILED);
    Sleep(1000);
    again(FAIL_NONE, TRUE);
    quick(ORDER_SPECIAL);
    CHECK(CM_Disable_DevNode(node, 0) != CR_SUCCESS);
    quick(ORDER_NOT_SPECIAL);
    again(FAIL_NONE, TRUE);
    quick(ORDER_STATIC);
    CHECK(CM_Disable_DevNode(node, 0) != CR_SUCCESS);
    quick(ORDER_SET_FAILED);
    Sleep(1000);
    printf("order: %d failed\n", failures);
    return failures;
}
