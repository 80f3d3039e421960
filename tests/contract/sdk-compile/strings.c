/* Bounded strings, safe integers, constant strings, GUID text. */
#include <ntddk.h>
#include <ntstrsafe.h>
#include <ntintsafe.h>

DRIVER_INITIALIZE DriverEntry;

DECLARE_CONST_UNICODE_STRING(DeviceName, L"\\Device\\Strings");
DECLARE_GLOBAL_CONST_UNICODE_STRING(LinkName, L"\\DosDevices\\Strings");

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    DECLARE_UNICODE_STRING_SIZE(name, 64);
    WCHAR wide[32];
    CHAR narrow[32];
    PSTR end;
    SIZE_T remaining, length;
    ULONG sum;
    USHORT small;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(DriverObject);
    status = RtlStringCchPrintfW(wide, ARRAYSIZE(wide), L"%wZ %d", RegistryPath, 42);
    if (!NT_SUCCESS(status) && status != STATUS_BUFFER_OVERFLOW) {
        return status;
    }
    status = RtlStringCbPrintfA(narrow, sizeof(narrow), "%s-%I64x", "text", 0x123456789ABCDEFI64);
    status = RtlStringCbCopyExA(narrow, sizeof(narrow), "abc", &end, &remaining, STRSAFE_FILL_BEHIND_NULL);
    status = RtlStringCchCatA(narrow, RTL_NUMBER_OF(narrow), "def");
    status = RtlStringCbLengthW(wide, sizeof(wide), &length);
    status = RtlStringCchCatNW(wide, ARRAYSIZE(wide), L"tail", 2);
    status = RtlUnicodeStringInit(&name, wide);
    status = RtlUnicodeStringPrintf(&name, L"\\Device\\Unit%u", 7u);
    status = RtlUnicodeStringCatString(&name, L"x");
    status = RtlUnicodeStringCopy(&name, &DeviceName);
    status = RtlULongAdd(1, 2, &sum);
    status = RtlULongMult(sum, 4, &sum);
    status = RtlULongToUShort(sum, &small);
    return RtlEqualUnicodeString(&name, &LinkName, TRUE) ? STATUS_UNSUCCESSFUL : status;
}
