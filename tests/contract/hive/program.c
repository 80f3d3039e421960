/* The registry holds what a hive file of the configuration has. */
#include <windows.h>
#include <stdio.h>
#include "../../programs/check.h"

static DWORD value(HKEY key, const char *name, DWORD type, void *to, DWORD size)
{
    DWORD kind = 99, bytes = size;
    if (RegQueryValueExA(key, name, NULL, &kind, (BYTE *)to, &bytes) || kind != type)
        return 0;
    return bytes;
}

int main(void)
{
    HKEY key, below;
    char text[100] = "";
    DWORD number = 0;
    ULONGLONG large = 0;
    CHECK_EQ(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "SOFTWARE\\FromHive", 0, KEY_ALL_ACCESS, &key), 0);
    CHECK_EQ(value(key, "Greeting", REG_SZ, text, sizeof text), 12);
    CHECK_STR(text, "from a hive");
    CHECK_EQ(value(key, NULL, REG_SZ, text, sizeof text), 8);
    CHECK_STR(text, "default");
    CHECK_EQ(value(key, "Number", REG_DWORD, &number, 4), 4);
    CHECK_EQ(number, 78); /* the entry after the hive */
    CHECK_EQ(RegOpenKeyExA(key, "Below", 0, KEY_READ, &below), 0);
    CHECK_EQ(value(below, "Bytes", REG_BINARY, text, sizeof text), 10);
    CHECK_EQ(text[9], 9);
    CHECK_EQ(value(below, "Many", REG_MULTI_SZ, text, sizeof text), 9);
    CHECK_STR(text + 4, "two");
    CHECK_EQ(value(below, "Large", REG_QWORD, &large, 8), 8);
    CHECK_EQ(large >> 32, 256);
    CHECK_EQ(RegCloseKey(below), 0);
    CHECK_EQ(RegOpenKeyExA(key, "Empty", 0, KEY_READ, &below), 0);
    CHECK_EQ(RegCloseKey(below), 0);
    number = 5;
    CHECK_EQ(RegSetValueExA(key, "Number", 0, REG_DWORD, (BYTE *)&number, 4), 0);
    CHECK_EQ(RegCloseKey(key), 0);
    printf("hive: %d failed\n", check_failures);
    return check_failures;
}
