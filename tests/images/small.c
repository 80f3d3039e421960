/* A driver whose image is made in odd ways: relocated data, text that reads as instructions, an atomic, SEH. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD Unload;

static LONG counter = 5;
static const char *volatile greeting = "lollipop food";
static const WCHAR *volatile wide = L"loll";

VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("small: bye %s %ws %d\n", greeting, wide, counter);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    InterlockedIncrement(&counter);
#ifdef FAIL
    *(volatile UCHAR *)DriverEntry = 0;
#endif
#ifdef SEH
    __try {
        counter = *(volatile LONG *)0x1234;
    } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION) {
        counter += 10;
    }
#endif
    DbgPrint("small: %s %ws %d %d\n", greeting, wide, counter, (PVOID)DriverEntry == (PVOID)DriverObject->DriverInit);
    return STATUS_SUCCESS;
}
