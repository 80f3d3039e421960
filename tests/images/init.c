/* Code in INIT is gone once DriverEntry has succeeded. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD Unload;
VOID OnlyAtStart(VOID);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(INIT, OnlyAtStart)
#pragma alloc_text(PAGE, Unload)
#endif

DECLSPEC_NOINLINE VOID OnlyAtStart(VOID)
{
    DbgPrint("init: start\n");
}

VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    PAGED_CODE();
#ifdef LATE
    OnlyAtStart();
#endif
    DbgPrint("init: bye\n");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    OnlyAtStart();
    return STATUS_SUCCESS;
}
