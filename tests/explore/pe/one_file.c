/* Threads that send requests to one file at a time there. Driver (no ONE_FILE_PROGRAM) and program in one source.
 *
 * usage: one-file.exe N CODE: N threads, each one request; CODE 0 is completed at once, 1 by a DPC. */
#ifndef ONE_FILE_PROGRAM
#include <ntddk.h>

struct later {
    KDPC dpc;
    IRP *irp;
};

static VOID complete_later(KDPC *dpc, PVOID context, PVOID a, PVOID b)
{
    struct later *l = context;
    IRP *irp = l->irp;
    ExFreePool(l);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static NTSTATUS dispatch(DEVICE_OBJECT *device, IRP *irp)
{
    const IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    if (sl->MajorFunction == IRP_MJ_DEVICE_CONTROL && (sl->Parameters.DeviceIoControl.IoControlCode >> 2 & 1)) {
        struct later *l = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *l, 'eliF');
        if (!l)
            return STATUS_INSUFFICIENT_RESOURCES;
        l->irp = irp;
        KeInitializeDpc(&l->dpc, complete_later, l);
        IoMarkIrpPending(irp);
        KeInsertQueueDpc(&l->dpc, NULL, NULL);
        return STATUS_PENDING;
    }
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID unload(DRIVER_OBJECT *driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\??\\OneFile");
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\OneFile"), link = RTL_CONSTANT_STRING(L"\\??\\OneFile");
    DEVICE_OBJECT *device;
    driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLEANUP] = driver->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    driver->DriverUnload = unload;
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    return NT_SUCCESS(status) ? IoCreateSymbolicLink(&link, &name) : status;
}
#else
#include <windows.h>
#include <winioctl.h>
#include <stdlib.h>

static HANDLE file;
static DWORD code;

static DWORD WINAPI request(void *unused)
{
    DWORD n;
    return !DeviceIoControl(file, CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + code, METHOD_BUFFERED, FILE_ANY_ACCESS), NULL, 0, NULL, 0, &n, NULL);
}

int main(int argc, char **argv)
{
    HANDLE threads[16];
    DWORD n = argc > 2 ? (DWORD)atoi(argv[1]) : 0, failed = 0, result;
    if (!n || n > 16)
        return 2;
    code = (DWORD)atoi(argv[2]);
    file = CreateFileA("\\\\.\\OneFile", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    for (DWORD i = 0; i < n; i++)
        threads[i] = CreateThread(NULL, 0, request, NULL, 0, NULL);
    WaitForMultipleObjects(n, threads, TRUE, INFINITE);
    for (DWORD i = 0; i < n; i++)
        failed |= !GetExitCodeThread(threads[i], &result) || result;
    return (int)failed;
}
#endif
