/* A driver that others import from: by name, by ordinal, through forwarders, data. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD Unload;

ULONG Shared = 41;

ULONG AddOne(ULONG x)
{
    return x + 1;
}

ULONG Twice(ULONG x)
{
    return x * 2;
}

NTSTATUS DllInitialize(PUNICODE_STRING RegistryPath)
{
    DbgPrint("exporter: DllInitialize %wZ\n", RegistryPath);
    return STATUS_SUCCESS;
}

NTSTATUS DllUnload(void)
{
    DbgPrint("exporter: DllUnload\n");
    return STATUS_SUCCESS;
}

VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("exporter: unload\n");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    DbgPrint("exporter: entry %u\n", Shared);
    return STATUS_SUCCESS;
}
