/* The entry of a KMDF driver as small as it can be: binds with the pointer form of the table (KMDF_FUNCTIONS says how many functions, that is which
 * version) or, up to 438, with an array. */
#include <ntddk.h>
#include <wdf.h>

#ifndef KMDF_MINOR
#define KMDF_MINOR 15
#define KMDF_FUNCTIONS 444
#endif

typedef struct {
    ULONG Size;
    PCWSTR Component;
    ULONG Major, Minor, Build, FuncCount;
    PVOID FuncTable, Module;
} BIND_INFO;

NTSTATUS WdfVersionBind(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, BIND_INFO *Info, PVOID *Globals);
NTSTATUS WdfVersionUnbind(PUNICODE_STRING RegistryPath, BIND_INFO *Info, PVOID Globals);
DRIVER_INITIALIZE DriverEntry;

#if KMDF_FUNCTIONS > 438
const WDFFUNC *WdfFunctions;
#define TABLE &WdfFunctions
#else
WDFFUNC WdfFunctions[KMDF_FUNCTIONS];
#define TABLE WdfFunctions
#endif
PWDF_DRIVER_GLOBALS WdfDriverGlobals;
WDFFUNC WdfDriverMiniportUnloadOverride;

static BIND_INFO info = { sizeof info, L"KmdfLibrary", 1, KMDF_MINOR, 0, KMDF_FUNCTIONS, TABLE, NULL };
static WCHAR buffer[260];
static UNICODE_STRING path = { 0, sizeof buffer, buffer };
static PDRIVER_UNLOAD displaced;

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    if (displaced)
        displaced(DriverObject);
    WdfVersionUnbind(&path, &info, WdfDriverGlobals);
}

NTSTATUS FxDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    RtlCopyUnicodeString(&path, RegistryPath);
    NTSTATUS status = WdfVersionBind(DriverObject, &path, &info, (PVOID *)&WdfDriverGlobals);
    if (!NT_SUCCESS(status))
        return status;
    status = DriverEntry(DriverObject, &path);
    if (!NT_SUCCESS(status)) {
        WdfVersionUnbind(&path, &info, WdfDriverGlobals);
    } else if (WdfDriverGlobals->DisplaceDriverUnload) {
        displaced = DriverObject->DriverUnload;
        DriverObject->DriverUnload = Unload;
    }
    return status;
}
