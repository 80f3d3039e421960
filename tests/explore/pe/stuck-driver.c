/* Two threads of a driver that take two fast mutexes in different orders, for check_stuck.py. */
#include <ntifs.h>

static FAST_MUTEX lock[2];

static VOID Thread(PVOID context)
{
    ULONG me = (ULONG)(ULONG_PTR)context;
    ExAcquireFastMutex(&lock[me]);
    ExAcquireFastMutex(&lock[1 - me]);
    ExReleaseFastMutex(&lock[1 - me]);
    ExReleaseFastMutex(&lock[me]);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID Unload(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    PVOID threads[2];
    UNREFERENCED_PARAMETER(path);
    driver->DriverUnload = Unload;
    for (ULONG i = 0; i < 2; i++)
        ExInitializeFastMutex(&lock[i]);
    for (ULONG i = 0; i < 2; i++) {
        HANDLE handle;
        NTSTATUS status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Thread, (PVOID)(ULONG_PTR)i);
        if (!NT_SUCCESS(status))
            return status;
        ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &threads[i], NULL);
        ZwClose(handle);
    }
    for (ULONG i = 0; i < 2; i++) {
        KeWaitForSingleObject(threads[i], Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(threads[i]);
    }
    return STATUS_SUCCESS;
}
