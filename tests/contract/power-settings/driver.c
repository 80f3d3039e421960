/* Power-setting callbacks. IOCTL_CHECK answers with the line of the first check that failed, 0 if none did; its input says whether somebody
 * changes the machine meanwhile (irplab.yaml). */
#include <initguid.h>
#include <ntddk.h>

#define IOCTL_CHECK CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define CHECK(condition)     \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)

DEFINE_GUID(GuidPersonality, 0x245d8541, 0x3943, 0x4422, 0xb0, 0x25, 0x13, 0xa7, 0x84, 0xf6, 0x79, 0xb7);
DEFINE_GUID(GuidBalanced, 0x381b4222, 0xf694, 0x41f0, 0x96, 0x85, 0xff, 0x5b, 0xb2, 0x60, 0xdf, 0x2e);

/* What one registration has heard. */
typedef struct _WATCH {
    const GUID *Guid;
    ULONG First, Last; /* Last: what it becomes, if somebody changes the machine */
    PVOID Handle;
    KEVENT Called;
    ULONG Calls, Values[8];
    BOOLEAN Bad;
} WATCH, *PWATCH;

static WATCH Watches[] = {
    { &GUID_ACDC_POWER_SOURCE, 0, 1 },      { &GUID_BATTERY_PERCENTAGE_REMAINING, 100, 40 }, { &GUID_MONITOR_POWER_ON, 1, 1 },
    { &GUID_CONSOLE_DISPLAY_STATE, 1, 2 }, { &GUID_LIDSWITCH_STATE_CHANGE, 1, 0 },
};
static WATCH Personality = { &GuidPersonality };
static GUID PersonalityValue;
static PDEVICE_OBJECT Device;

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS NTAPI Changed(LPCGUID SettingGuid, PVOID Value, ULONG ValueLength, PVOID Context)
{
    PWATCH w = Context;
    if (KeGetCurrentIrql() != PASSIVE_LEVEL || !IsEqualGUID(SettingGuid, w->Guid))
        w->Bad = TRUE;
    if (w == &Personality && ValueLength == sizeof PersonalityValue)
        PersonalityValue = *(GUID *)Value;
    else if (ValueLength != sizeof(ULONG) || w->Calls >= 8)
        w->Bad = TRUE;
    else
        w->Values[w->Calls] = *(PULONG)Value;
    w->Calls++;
    KeSetEvent(&w->Called, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS Register(PWATCH w)
{
    w->Calls = 0;
    w->Bad = FALSE;
    KeInitializeEvent(&w->Called, SynchronizationEvent, FALSE);
    return PoRegisterPowerSettingCallback(Device, w->Guid, Changed, w, &w->Handle);
}

static BOOLEAN WasCalled(PWATCH w, LONG Milliseconds)
{
    LARGE_INTEGER time;
    time.QuadPart = -10000LL * Milliseconds;
    return KeWaitForSingleObject(&w->Called, Executive, KernelMode, FALSE, &time) == STATUS_SUCCESS;
}

/* DOC: PoRegisterPowerSettingCallback: the callback is called after the registration with the present value, and after each change. */
static ULONG CheckWatch(PWATCH w, BOOLEAN Changes)
{
    LARGE_INTEGER later;
    ULONG i, calls;
    later.QuadPart = -1000000;
    CHECK(WasCalled(w, 1000));
    while (w->Values[w->Calls - 1] != (Changes ? w->Last : w->First))
        CHECK(WasCalled(w, 1000));
    CHECK(!w->Bad && w->Calls >= 1 && w->Calls <= 2);
    CHECK(w->Calls == 1 || w->Values[0] == w->First);
    calls = w->Calls;
    KeDelayExecutionThread(KernelMode, FALSE, &later);
    CHECK(w->Calls == calls);
    for (i = 1; i < w->Calls; i++)
        CHECK(w->Values[i] != w->Values[i - 1]);
    return 0;
}

static ULONG CheckAll(BOOLEAN Changes)
{
    const ULONG count = sizeof Watches / sizeof Watches[0];
    ULONG i, line = 0;
    for (i = 0; i < count; i++)
        CHECK(NT_SUCCESS(Register(&Watches[i])) && Watches[i].Handle);
    for (i = 0; i < count; i++) {
        ULONG failed = CheckWatch(&Watches[i], Changes);
        line = line ? line : failed;
    }
    for (i = 0; i < count; i++)
        CHECK(NT_SUCCESS(PoUnregisterPowerSettingCallback(Watches[i].Handle)));
    return line;
}

static ULONG CheckOthers(VOID)
{
    CHECK(NT_SUCCESS(Register(&Personality)) && WasCalled(&Personality, 1000));
    CHECK(!Personality.Bad && Personality.Calls == 1 && IsEqualGUID(&PersonalityValue, &GuidBalanced));
    CHECK(NT_SUCCESS(PoUnregisterPowerSettingCallback(Personality.Handle)));

    /* Unregistered at once, its callback is not called any more; it may have been. */
    CHECK(NT_SUCCESS(Register(&Watches[2])));
    CHECK(NT_SUCCESS(PoUnregisterPowerSettingCallback(Watches[2].Handle)));
    ULONG calls = Watches[2].Calls;
    CHECK(calls <= 1);
    KeClearEvent(&Watches[2].Called);
    CHECK(!WasCalled(&Watches[2], 100) && Watches[2].Calls == calls);
    return 0;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI Requests(PDEVICE_OBJECT Unused, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PULONG value = Irp->AssociatedIrp.SystemBuffer;
    UNREFERENCED_PARAMETER(Unused);
    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return Complete(Irp, STATUS_SUCCESS, 0);
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_CHECK || stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG) ||
        stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    ULONG line = CheckAll(*value != 0);
    *value = line ? line : CheckOthers();
    return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\PowerSettings");
    UNREFERENCED_PARAMETER(Driver);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\PowerSettings"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\PowerSettings");
    NTSTATUS status = IoCreateDevice(Driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(status))
        return status;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Requests;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Requests;
    Driver->DriverUnload = Unload;
    return IoCreateSymbolicLink(&link, &name);
}
