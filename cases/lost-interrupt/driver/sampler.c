/* A converter that interrupts when a sample is there. With FIXED the event is cleared before the conversion begins. */
#include <ntddk.h>

#include "sampler.h"

typedef struct _SAMPLER {
    PDEVICE_OBJECT Self, Lower, Physical;
    PKINTERRUPT Interrupt;
    KEVENT Done;
    ULONG Samples; /* under the interrupt's lock */
} SAMPLER, *PSAMPLER;

static KSERVICE_ROUTINE SamplerIsr;
static IO_DPC_ROUTINE SamplerDpcForIsr;
static KSYNCHRONIZE_ROUTINE ReadSamples;
DRIVER_INITIALIZE DriverEntry;

static BOOLEAN SamplerIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    PSAMPLER sampler = Context;
    UNREFERENCED_PARAMETER(Interrupt);
    sampler->Samples++;
    IoRequestDpc(sampler->Self, NULL, sampler);
    return TRUE;
}

static VOID SamplerDpcForIsr(PKDPC Dpc, PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PSAMPLER sampler = Context;
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(&sampler->Done, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN ReadSamples(PVOID Context)
{
    PSAMPLER sampler = ((PVOID *)Context)[0];
    *(PULONG)((PVOID *)Context)[1] = sampler->Samples;
    return TRUE;
}

DECLSPEC_NOINLINE static NTSTATUS BeginConversion(PSAMPLER Sampler)
{
    KEVENT event;
    IO_STATUS_BLOCK block;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildDeviceIoControlRequest(IOCTL_SAMPLER_CONVERT, Sampler->Lower, NULL, 0, NULL, 0, FALSE, &event, &block);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = IoCallDriver(Sampler->Lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = block.Status;
    }
    return status;
}

DECLSPEC_NOINLINE static NTSTATUS TakeSample(PSAMPLER Sampler, PULONG Count)
{
    PVOID context[2] = { Sampler, Count };
#ifdef FIXED
    KeClearEvent(&Sampler->Done);
    NTSTATUS status = BeginConversion(Sampler);
#else
    NTSTATUS status = BeginConversion(Sampler);
    KeClearEvent(&Sampler->Done); /* of the sample before */
#endif
    if (!NT_SUCCESS(status))
        return status;
    KeWaitForSingleObject(&Sampler->Done, Executive, KernelMode, FALSE, NULL);
    KeSynchronizeExecution(Sampler->Interrupt, ReadSamples, context);
    return STATUS_SUCCESS;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS OpenClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_SAMPLER_TAKE)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    NTSTATUS status = TakeSample(Device->DeviceExtension, Irp->AssociatedIrp.SystemBuffer);
    return Complete(Irp, status, NT_SUCCESS(status) ? sizeof(ULONG) : 0);
}

static NTSTATUS ConnectInterrupt(PSAMPLER Sampler, PCM_RESOURCE_LIST Translated)
{
    ULONG i, count = Translated ? Translated->List[0].PartialResourceList.Count : 0;
    for (i = 0; i < count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR d = &Translated->List[0].PartialResourceList.PartialDescriptors[i];
        if (d->Type == CmResourceTypeInterrupt)
            return IoConnectInterrupt(&Sampler->Interrupt, SamplerIsr, Sampler, NULL, d->u.Interrupt.Vector, (KIRQL)d->u.Interrupt.Level,
                                      (KIRQL)d->u.Interrupt.Level, d->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive,
                                      d->ShareDisposition == CmResourceShareShared, d->u.Interrupt.Affinity, FALSE);
    }
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}

static NTSTATUS Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSAMPLER sampler = Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Sampler");
    switch (stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        if (!IoForwardIrpSynchronously(sampler->Lower, Irp))
            return Complete(Irp, STATUS_UNSUCCESSFUL, 0);
        status = Irp->IoStatus.Status;
        if (NT_SUCCESS(status))
            status = ConnectInterrupt(sampler, stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        return Complete(Irp, status, 0);
    case IRP_MN_REMOVE_DEVICE:
        if (sampler->Interrupt)
            IoDisconnectInterrupt(sampler->Interrupt);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(sampler->Lower, Irp);
        IoDetachDevice(sampler->Lower);
        IoDeleteSymbolicLink(&link);
        IoDeleteDevice(Device);
        return status;
    case IRP_MN_QUERY_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(sampler->Lower, Irp);
}

static NTSTATUS Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSAMPLER sampler = Device->DeviceExtension;
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(sampler->Lower, Irp);
}

static NTSTATUS AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Sampler"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\Sampler");
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(Driver, sizeof(SAMPLER), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    PSAMPLER sampler = device->DeviceExtension;
    sampler->Self = device;
    sampler->Physical = Physical;
    KeInitializeEvent(&sampler->Done, SynchronizationEvent, FALSE);
    IoInitializeDpcRequest(device, SamplerDpcForIsr);
    sampler->Lower = IoAttachDeviceToDeviceStack(device, Physical);
    status = sampler->Lower ? IoCreateSymbolicLink(&link, &name) : STATUS_NO_SUCH_DEVICE;
    if (!NT_SUCCESS(status)) {
        if (sampler->Lower)
            IoDetachDevice(sampler->Lower);
        IoDeleteDevice(device);
        return status;
    }
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT Driver)
{
    UNREFERENCED_PARAMETER(Driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
