/* A driver with one fault for each control code: memory used that is not its own, or not any more. With RIGHT the same driver without them. */
#include <ntddk.h>

#include "codes.h"

typedef struct _CONTEXT_BLOCK {
    LONG Value;
    KEVENT Done;
    PIO_WORKITEM Item;
} CONTEXT_BLOCK, *PCONTEXT_BLOCK;

static PDEVICE_OBJECT Device;
static CHAR Names[13];
static volatile LONG Sum;
static volatile ULONG Counts[3] = {5, 21, sizeof("123456789012")}; /* not known to the compiler */
static PLONG volatile Kept;

#ifdef RIGHT
enum { LAST = 1 };
#else
enum { LAST = 0 };
#endif

/* ---- a context that is freed while a work item has it ---- */

static VOID WorkRoutine(PDEVICE_OBJECT device, PVOID parameter)
{
    PCONTEXT_BLOCK c = parameter;
    UNREFERENCED_PARAMETER(device);
#ifdef RIGHT
    c->Value++;
    KeSetEvent(&c->Done, IO_NO_INCREMENT, FALSE);
#else
    KeSetEvent(&c->Done, IO_NO_INCREMENT, FALSE);
    c->Value++; /* who waits may have freed it */
#endif
}

static VOID FreedContext(VOID)
{
    PCONTEXT_BLOCK c = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *c, 'xtnC');
    if (!c)
        return;
    c->Value = 0;
    KeInitializeEvent(&c->Done, NotificationEvent, FALSE);
    c->Item = IoAllocateWorkItem(Device);
    IoQueueWorkItem(c->Item, WorkRoutine, DelayedWorkQueue, c);
    KeWaitForSingleObject(&c->Done, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(c->Item);
    ExFreePoolWithTag(c, 'xtnC');
}

/* ---- ends of arrays ---- */

static __attribute__((noinline)) VOID BehindStack(ULONG count)
{
    volatile LONG values[5];
    for (ULONG i = 0; i + LAST <= count; i++)
        values[i] = (LONG)i;
    Sum = values[0];
}

static VOID BehindPool(ULONG count)
{
    PCHAR p = ExAllocatePoolWithTag(NonPagedPoolNx, count, 'dnuB');
    if (!p)
        return;
    for (ULONG i = 0; i + LAST <= count; i++)
        p[i] = (CHAR)i;
    Sum = p[0];
    ExFreePoolWithTag(p, 'dnuB');
}

static VOID BehindGlobal(ULONG count)
{
    for (ULONG i = 0; i + LAST <= count; i++)
        Names[i] = (CHAR)i;
    Sum = Names[count / 2];
}

/* ---- a frame that is gone ---- */

static __attribute__((noinline)) VOID Keep(PLONG p)
{
    Kept = p;
}

static __attribute__((noinline)) VOID Leave(VOID)
{
    LONG local = 5;
    Keep(&local);
    Sum = local;
}

static VOID Returned(VOID)
{
    Leave();
#ifndef RIGHT
    Sum = *Kept;
#endif
}

/* ---- */

static NTSTATUS Complete(PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS OpenClose(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    return Complete(irp);
}

static NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    UNREFERENCED_PARAMETER(device);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case CODE_CONTEXT:
        FreedContext();
        break;
    case CODE_STACK:
        BehindStack(Counts[0]);
        break;
    case CODE_POOL:
        BehindPool(Counts[1]);
        break;
    case CODE_GLOBAL:
        BehindGlobal(Counts[2]);
        break;
    case CODE_RETURNED:
        Returned();
        break;
    case CODE_COMPLETED:
        irp->IoStatus.Status = STATUS_SUCCESS;
        irp->IoStatus.Information = 0;
        IoCompleteRequest(irp, IO_NO_INCREMENT);
#ifdef RIGHT
        return STATUS_SUCCESS;
#else
        return irp->IoStatus.Status;
#endif
    }
    return Complete(irp);
}

static VOID Unload(PDRIVER_OBJECT driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Races");
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Races"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\Races");
    UNREFERENCED_PARAMETER(path);
    driver->DriverUnload = Unload;
    driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    NTSTATUS s = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    return NT_SUCCESS(s) ? IoCreateSymbolicLink(&link, &name) : s;
}
