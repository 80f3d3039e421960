/* Opens the device and closes it; what the driver begins then is under way when it is unloaded. */
#include <windows.h>

int main(void)
{
    HANDLE device = CreateFileA("\\\\.\\ContractUnload", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    return device == INVALID_HANDLE_VALUE || !CloseHandle(device);
}
