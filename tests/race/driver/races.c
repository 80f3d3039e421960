/* A driver with one fault for each control code: memory shared without synchronisation. With RIGHT the same driver without them. */
#include <ntddk.h>

#include "codes.h"

typedef struct _ITEM {
    LIST_ENTRY Entry;
    LONG Value;
} ITEM, *PITEM;

typedef struct _TABLE {
    LONG Entries[4];
} TABLE, *PTABLE;

static KSPIN_LOCK Lock;
static FAST_MUTEX InitLock;
static KDPC Dpc;
static KEVENT DpcRan, WorkDone;
static LONG Ready; /* DPC and dispatch routine */
static PTABLE Table; /* made by whoever comes first */
static LONG References;
static LIST_ENTRY Items;
static PDEVICE_OBJECT Device;
static volatile LONG Answer; /* so that nothing is computed for nobody */
static struct {
    LONG Result;
    PIO_WORKITEM Item;
} Work;

#ifdef RIGHT
#define ACQUIRE(irql) KeAcquireSpinLock(&Lock, irql)
#define RELEASE(irql) KeReleaseSpinLock(&Lock, irql)
#else
#define ACQUIRE(irql) ((void)(irql))
#define RELEASE(irql) ((void)(irql))
#endif

/* ---- a flag between a DPC and a dispatch routine ---- */

static VOID DpcRoutine(PKDPC dpc, PVOID context, PVOID a, PVOID b)
{
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(a);
    UNREFERENCED_PARAMETER(b);
#ifdef RIGHT
    KeAcquireSpinLockAtDpcLevel(&Lock);
#endif
    Ready = 1;
#ifdef RIGHT
    KeReleaseSpinLockFromDpcLevel(&Lock);
#endif
    KeSetEvent(&DpcRan, IO_NO_INCREMENT, FALSE);
}

static ULONG FlagAndDpc(VOID)
{
    KIRQL irql;
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    ACQUIRE(&irql);
    ULONG seen = (ULONG)Ready;
    RELEASE(irql);
    KeWaitForSingleObject(&DpcRan, Executive, KernelMode, FALSE, NULL);
    return seen;
}

/* ---- initialisation that is checked twice ---- */

static ULONG CheckedTwice(VOID)
{
#ifndef RIGHT
    if (!Table) /* the pointer may be seen before what it points to */
#endif
    {
        ExAcquireFastMutex(&InitLock);
        if (!Table) {
            PTABLE t = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *t, 'lbaT');
            if (t) {
                for (LONG i = 0; i < 4; i++)
                    t->Entries[i] = i;
                Table = t;
            }
        }
        ExReleaseFastMutex(&InitLock);
    }
    ExAcquireFastMutex(&InitLock);
    ULONG third = Table ? (ULONG)Table->Entries[3] : 0;
    ExReleaseFastMutex(&InitLock);
    return third;
}

/* ---- a reference count ---- */

static ULONG Reference(VOID)
{
#ifdef RIGHT
    InterlockedIncrement(&References);
    return (ULONG)InterlockedDecrement(&References);
#else
    References++;
    Answer = (LONG)KeQueryTimeIncrement(); /* a call: the count is in memory meanwhile */
    References--;
    return (ULONG)References;
#endif
}

/* ---- a list ---- */

static ULONG ListInsert(VOID)
{
    PITEM item = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *item, 'metI');
    if (!item)
        return 0;
    item->Value = 1;
#ifdef RIGHT
    ExInterlockedInsertTailList(&Items, &item->Entry, &Lock);
#else
    InsertTailList(&Items, &item->Entry);
#endif
    return 0;
}

static VOID ListFree(VOID)
{
    while (!IsListEmpty(&Items))
        ExFreePoolWithTag(CONTAINING_RECORD(RemoveHeadList(&Items), ITEM, Entry), 'metI');
}

/* ---- a result of a work item ---- */

static VOID WorkRoutine(PDEVICE_OBJECT device, PVOID context)
{
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(context);
    Work.Result = 7;
    KeSetEvent(&WorkDone, IO_NO_INCREMENT, FALSE);
}

static ULONG WorkResult(VOID)
{
    ULONG result;
    IoQueueWorkItem(Work.Item, WorkRoutine, DelayedWorkQueue, NULL);
#ifdef RIGHT
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
    result = (ULONG)Work.Result;
#else
    result = (ULONG)Work.Result;
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
#endif
    return result;
}

/* ---- */

static NTSTATUS OpenClose(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG code = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode, answer = 0;
    UNREFERENCED_PARAMETER(device);
    switch (code) {
    case CODE_FLAG:
        answer = FlagAndDpc();
        break;
    case CODE_INIT:
        answer = CheckedTwice();
        break;
    case CODE_COUNT:
        answer = Reference();
        break;
    case CODE_LIST:
        answer = ListInsert();
        break;
    case CODE_WORK:
        answer = WorkResult();
        break;
    }
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    Answer = (LONG)answer;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Races");
    ListFree();
    if (Table)
        ExFreePoolWithTag(Table, 'lbaT');
    IoFreeWorkItem(Work.Item);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Races"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\Races");
    UNREFERENCED_PARAMETER(path);
    KeInitializeSpinLock(&Lock);
    ExInitializeFastMutex(&InitLock);
    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
    KeInitializeEvent(&DpcRan, SynchronizationEvent, FALSE);
    KeInitializeEvent(&WorkDone, SynchronizationEvent, FALSE);
    InitializeListHead(&Items);
    driver->DriverUnload = Unload;
    driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    NTSTATUS s = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(s))
        return s;
    Work.Item = IoAllocateWorkItem(Device);
    return IoCreateSymbolicLink(&link, &name);
}
