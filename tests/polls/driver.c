/* Loops that poll, in DriverEntry: each comes to its end, or is said never to. */
#include <ntifs.h>

static KTIMER Timer;
static KEVENT Event;
static KDPC Dpc;

static VOID Set(PKDPC D, PVOID Context, PVOID A, PVOID B)
{
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
}

static VOID Unload(PDRIVER_OBJECT Driver)
{
}

#ifdef WORK
static PIO_WORKITEM Item;

static VOID NeverReturns(PDEVICE_OBJECT Device, PVOID Context)
{
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
}
#endif

static VOID Poll(PDRIVER_OBJECT Driver)
{
    LARGE_INTEGER begin, now, nothing = {.QuadPart = 0};

#if defined(TIMER)
    while (!KeReadStateTimer(&Timer))
        ;
#elif defined(EVENT)
    while (!KeReadStateEvent(&Event))
        ;
#elif defined(NEVER)
    KeCancelTimer(&Timer);
    while (!KeReadStateEvent(&Event))
        ;
#elif defined(TICKS)
    KeQueryTickCount(&begin);
    do
        KeQueryTickCount(&now);
    while (now.QuadPart - begin.QuadPart < 100);
#elif defined(TIME)
    KeQuerySystemTime(&begin);
    do
        KeQuerySystemTime(&now);
    while (now.QuadPart - begin.QuadPart < 50000000);
#elif defined(NO_DELAY)
    while (!KeReadStateEvent(&Event))
        KeDelayExecutionThread(KernelMode, FALSE, &nothing);
#elif defined(NO_WAIT)
    while (KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &nothing) == STATUS_TIMEOUT)
        ;
#elif defined(ENDS_ITSELF)
    PsTerminateSystemThread(STATUS_SUCCESS);
#elif defined(WORK)
    PDEVICE_OBJECT device;
    KeCancelTimer(&Timer);
    IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    Item = IoAllocateWorkItem(device);
    IoQueueWorkItem(Item, NeverReturns, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
#endif
    (void)begin, (void)now, (void)nothing;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    LARGE_INTEGER due = {.QuadPart = -10000 * 100};

    Driver->DriverUnload = Unload;
    KeInitializeTimer(&Timer);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeInitializeDpc(&Dpc, Set, NULL);
    KeSetTimer(&Timer, due, &Dpc);
    Poll(Driver);
    KeCancelTimer(&Timer);
    return STATUS_SUCCESS;
}
