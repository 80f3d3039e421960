/* At DISPATCH_LEVEL it waits for a thread that, with one processor, cannot run. */
#include <ntddk.h>

static volatile LONG Flag;
static LONG Turns;

static KSTART_ROUTINE SetFlag;
static VOID SetFlag(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Flag = 1;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

__declspec(noinline) static VOID WaitAtDispatch(VOID)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    while (!Flag)
        Turns++;
    KeLowerIrql(irql);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HANDLE thread;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, SetFlag, NULL)))
        ZwClose(thread);
    WaitAtDispatch();
    return STATUS_UNSUCCESSFUL;
}
