/* Imports from exporter.sys in every way; LOOP: through forwarders that lead in a circle. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD Unload;

__declspec(dllimport) extern ULONG Shared;
__declspec(dllimport) ULONG AddOne(ULONG x);
__declspec(dllimport) ULONG Twice(ULONG x);
__declspec(dllimport) ULONG ForwardedSelf(ULONG x);
__declspec(dllimport) ULONG ForwardedOrdinal(ULONG x);
__declspec(dllimport) ULONG ForwardedPrint(PCSTR Format, ...);
__declspec(dllimport) VOID ForwardedStall(ULONG Microseconds);
__declspec(dllimport) ULONG Loop1(ULONG x);
__declspec(dllimport) ULONG ForwardedNowhere(ULONG x);

VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("importer: unload\n");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
#ifdef LOOP
    return Loop1(1) + ForwardedNowhere(2);
#else
    Shared++;
    ForwardedStall(1);
    ForwardedPrint("importer: %u %u %u %u %u\n", Shared, AddOne(1), Twice(21), ForwardedSelf(5), ForwardedOrdinal(6));
    return STATUS_SUCCESS;
#endif
}
