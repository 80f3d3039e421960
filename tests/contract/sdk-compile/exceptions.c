/* Structured exceptions in both spellings, probes, and the trick of a handler that looks at the record. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

static LONG Filter(_In_ PEXCEPTION_POINTERS Pointers, _Out_ PNTSTATUS Status)
{
    *Status = Pointers->ExceptionRecord->ExceptionCode;
    return *Status == STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = STATUS_SUCCESS;
    volatile ULONG done = 0;

    UNREFERENCED_PARAMETER(RegistryPath);
    __try {
        ProbeForRead(DriverObject, sizeof(ULONG), sizeof(ULONG));
        if (done) {
            __leave;
        }
        done = 1;
    } __except (Filter(GetExceptionInformation(), &status)) {
        return GetExceptionCode();
    }
    try {
        try {
            ExRaiseStatus(STATUS_INVALID_PARAMETER);
            leave;
        } finally {
            done = AbnormalTermination() ? 2 : 3;
        }
    } except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}
