/* The header and the resource of a message file, which nobody names: both are made when they are included. */
#include <ntddk.h>
#include "Messages.h"

DRIVER_INITIALIZE DriverEntry;

C_ASSERT((ULONG)SAMPLE_STARTED == 0x40060001);
C_ASSERT((ULONG)SAMPLE_FAILED == 0xC0060002);
C_ASSERT(FACILITY_SAMPLE_CODE == 6);

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS started = SAMPLE_STARTED;
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return NT_SUCCESS(started) ? STATUS_UNSUCCESSFUL : SAMPLE_FAILED;
}
