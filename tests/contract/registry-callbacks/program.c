/* What a program sees of a driver that stands guard over the registry. */
#include "contract_program.h"

static void guarded(HANDLE device)
{
    HKEY key;
    DWORD value = 1, n = 0, denied = 0;

    CHECK(DeviceIoControl(device, IOCTL_AREA(0, METHOD_BUFFERED), NULL, 0, NULL, 0, &n, NULL));
    CHECK_EQ(RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"Software\\IrplabGuarded", 0, NULL, REG_OPTION_VOLATILE, KEY_ALL_ACCESS, NULL, &key, NULL), 0);
    CHECK_EQ(RegSetValueExW(key, L"Allowed", 0, REG_DWORD, (const BYTE *)&value, sizeof value), 0);
    CHECK_EQ(RegSetValueExW(key, L"forbidden", 0, REG_DWORD, (const BYTE *)&value, sizeof value), ERROR_ACCESS_DENIED);
    CHECK_EQ(RegQueryValueExW(key, L"forbidden", NULL, NULL, NULL, NULL), ERROR_FILE_NOT_FOUND);
    CHECK(DeviceIoControl(device, IOCTL_AREA(1, METHOD_BUFFERED), NULL, 0, &denied, sizeof denied, &n, NULL));
    CHECK_EQ(denied, 1);
    CHECK_EQ(RegSetValueExW(key, L"forbidden", 0, REG_DWORD, (const BYTE *)&value, sizeof value), 0);
    RegCloseKey(key);
    CHECK_EQ(RegDeleteKeyW(HKEY_LOCAL_MACHINE, L"Software\\IrplabGuarded"), 0);
}

const struct program_test program_tests[] = {{"guarded values", guarded}, {NULL, NULL}};
