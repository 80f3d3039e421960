/* A disk and a file system in one driver: what mounting gives the file system, and where requests for files go afterwards. */
#include "contract_driver.h"

static PDEVICE_OBJECT Control, Disk, Volume;
static ULONG Mounts, Calls; /* Calls: of the routine that is told of file systems */
static BOOLEAN Refuse, LastActive;
static PVPB MountedVpb;
static PDEVICE_OBJECT MountedDevice, CreatedOn, LastFileSystem;
static PVPB FileVpb;

static VOID NTAPI Changed(PDEVICE_OBJECT Device, BOOLEAN Active)
{
    Calls++;
    LastFileSystem = Device;
    LastActive = Active;
}

static NTSTATUS Mount(PIO_STACK_LOCATION Location)
{
    NTSTATUS status;

    Mounts++;
    MountedVpb = Location->Parameters.MountVolume.Vpb;
    MountedDevice = Location->Parameters.MountVolume.DeviceObject;
    if (Refuse || MountedVpb->RealDevice != Disk)
        return STATUS_UNRECOGNIZED_VOLUME;
    status = IoCreateDevice(Control->DriverObject, 0, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Volume);
    if (NT_SUCCESS(status))
        MountedVpb->DeviceObject = Volume;
    return status;
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    switch (location->MajorFunction) {
    case IRP_MJ_CREATE:
        if (Device == Disk || Device == Volume) {
            CreatedOn = Device;
            FileVpb = location->FileObject->Vpb;
        }
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_READ:
        /* The volume answers 'v', the disk 'd'. */
        if (Irp->MdlAddress)
            *(PUCHAR)MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority) = Device == Volume ? 'v' : 'd';
        else if (Irp->AssociatedIrp.SystemBuffer)
            *(PUCHAR)Irp->AssociatedIrp.SystemBuffer = Device == Volume ? 'v' : 'd';
        else
            *(PUCHAR)Irp->UserBuffer = Device == Volume ? 'v' : 'd';
        return ContractComplete(Irp, STATUS_SUCCESS, 1);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        if (Device == Control && location->MinorFunction == IRP_MN_MOUNT_VOLUME)
            return ContractComplete(Irp, Mount(location), 0);
        return ContractComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    default:
        return ContractDefault(Irp);
    }
}

static UNICODE_STRING FsName = RTL_CONSTANT_STRING(L"\\Device\\ContractFs");
static UNICODE_STRING DiskName = RTL_CONSTANT_STRING(L"\\Device\\ContractDisk");
static UNICODE_STRING FileName = RTL_CONSTANT_STRING(L"\\Device\\ContractDisk\\a file");

static NTSTATUS Open(PUNICODE_STRING Name, ACCESS_MASK Access, PHANDLE Handle, PFILE_OBJECT *File)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = ZwOpenFile(Handle, Access | SYNCHRONIZE, &attributes, &iosb, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT);
    *File = NULL;
    if (NT_SUCCESS(status))
        ObReferenceObjectByHandle(*Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)File, NULL);
    return status;
}

static VOID Close(HANDLE Handle, PFILE_OBJECT File)
{
    if (File)
        ObDereferenceObject(File);
    ZwClose(Handle);
}

static VOID Vpbs(PCONTRACT t)
{
    CHECK(Disk->Vpb != NULL);
    CHECK(Control->Vpb == NULL);
    CHECK(t->Device->Vpb == NULL);
    if (Disk->Vpb) {
        CHECK_EQ(Disk->Vpb->Type, 10);
        CHECK_EQ(Disk->Vpb->Size, sizeof(VPB));
        CHECK(Disk->Vpb->RealDevice == Disk);
        CHECK(Disk->Vpb->DeviceObject == NULL);
        CHECK(!(Disk->Vpb->Flags & VPB_MOUNTED));
    }
}

static VOID Registration(PCONTRACT t)
{
    PDRIVER_OBJECT driver = Control->DriverObject;
    LONG references = Control->ReferenceCount;

    Calls = 0;
    CHECK_STATUS(IoRegisterFsRegistrationChange(driver, Changed), STATUS_SUCCESS);
    IoRegisterFileSystem(Control);
    CHECK(Calls >= 1 && LastFileSystem == Control && LastActive);
    CHECK_EQ(Control->ReferenceCount, references + 1);
    IoUnregisterFileSystem(Control);
    CHECK(LastFileSystem == Control && !LastActive);
    CHECK_EQ(Control->ReferenceCount, references);
    IoUnregisterFsRegistrationChange(driver, Changed);
    Calls = 0;
    IoRegisterFileSystem(Control);
    CHECK_EQ(Calls, 0);
}

static VOID ForItsAttributes(PCONTRACT t)
{
    HANDLE handle;
    PFILE_OBJECT file;

    CHECK_STATUS(Open(&DiskName, FILE_READ_ATTRIBUTES, &handle, &file), STATUS_SUCCESS);
    CHECK_EQ(Mounts, 0);
    CHECK(CreatedOn == Disk);
    CHECK(file && (file->Flags & FO_DIRECT_DEVICE_OPEN) && file->Vpb == NULL);
    CHECK(file && IoGetRelatedDeviceObject(file) == Disk);
    Close(handle, file);
}

static VOID Mounted(PCONTRACT t)
{
    HANDLE handle, second, direct;
    PFILE_OBJECT file, other, device;
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER start = {.QuadPart = 0};
    UCHAR byte = 0;

    CHECK_STATUS(Open(&DiskName, FILE_READ_ATTRIBUTES, &direct, &device), STATUS_SUCCESS);
    CHECK_STATUS(Open(&FileName, FILE_READ_DATA, &handle, &file), STATUS_SUCCESS);
    CHECK_EQ(Mounts, 1);
    CHECK(MountedVpb == Disk->Vpb && MountedDevice == Disk);
    CHECK(CreatedOn == Volume && FileVpb == Disk->Vpb);
    CHECK(Disk->Vpb->Flags & VPB_MOUNTED);
    if (!file)
        return;
    CHECK(file->DeviceObject == Disk);
    CHECK(IoGetRelatedDeviceObject(file) == Volume);
    CHECK(IoGetBaseFileSystemDeviceObject(file) == Volume);
    CHECK_EQ(file->FileName.Length, 7 * sizeof(WCHAR));
    CHECK_EQ(Volume->StackSize, Disk->StackSize + 1);
    CHECK_STATUS(ZwReadFile(handle, NULL, NULL, NULL, &iosb, &byte, 1, &start, NULL), STATUS_SUCCESS);
    CHECK_EQ(byte, 'v');
    /* It is mounted once. */
    CHECK_STATUS(Open(&FileName, FILE_READ_DATA, &second, &other), STATUS_SUCCESS);
    CHECK_EQ(Mounts, 1);
    CHECK(IoGetRelatedDeviceObject(device) == Disk); /* opened directly: stays the device's */
    Close(second, other);
    Close(handle, file);
    Close(direct, device);
}

static VOID Dismounted(PCONTRACT t)
{
    HANDLE handle;
    PFILE_OBJECT file;
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER start = {.QuadPart = 0};
    UCHAR byte = 0;
    KIRQL irql;

    IoAcquireVpbSpinLock(&irql);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    Disk->Vpb->Flags &= ~VPB_MOUNTED;
    Disk->Vpb->DeviceObject = NULL;
    IoReleaseVpbSpinLock(irql);
    IoDeleteDevice(Volume);
    Volume = NULL;
    /* Nobody knows the volume now: the disk answers. GUESS: on Windows its requests come through the RAW file system. */
    Refuse = TRUE;
    CHECK_STATUS(Open(&FileName, FILE_READ_DATA, &handle, &file), STATUS_SUCCESS);
    CHECK_EQ(Mounts, 2);
    CHECK_STATUS(ZwReadFile(handle, NULL, NULL, NULL, &iosb, &byte, 1, &start, NULL), STATUS_SUCCESS);
    CHECK_EQ(byte, 'd');
    Close(handle, file);
    IoUnregisterFileSystem(Control);
}

static const CONTRACT_TEST Tests[] = {
    {"volume parameter blocks", Vpbs},
    {"registration", Registration},
    {"a device for its attributes", ForItsAttributes},
    {"mounted", Mounted},
    {"dismounted", Dismounted},
};

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    status = IoCreateDevice(DriverObject, 0, &FsName, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Control);
    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, &DiskName, FILE_DEVICE_DISK, 0, FALSE, &Disk);
    return status;
}

const CONTRACT_AREA ContractArea = {.Tests = Tests, .Count = RTL_NUMBER_OF(Tests), .Setup = Setup, .Other = Other};
