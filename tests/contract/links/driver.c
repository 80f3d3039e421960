/* Names: devices, symbolic links, directories, opening by name inside the kernel. */
#include "contract_driver.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\ContractNamed");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\??\\ContractLink");

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return ContractDefault(Irp);
}

static NTSTATUS Named(PCONTRACT t, PDEVICE_OBJECT *Device)
{
    NTSTATUS status =
        IoCreateDevice(t->Device->DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, Device);
    if (NT_SUCCESS(status))
        (*Device)->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}

static VOID Devices(PCONTRACT t)
{
    PDEVICE_OBJECT device = NULL, second = NULL;

    CHECK_STATUS(Named(t, &device), STATUS_SUCCESS);
    CHECK_STATUS(Named(t, &second), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(device->Type, IO_TYPE_DEVICE);
    CHECK_EQ(device->StackSize, 1);
    CHECK(device->DriverObject == t->Device->DriverObject);
    CHECK(device->Flags & DO_DEVICE_HAS_NAME);
    IoDeleteDevice(device);
    CHECK_STATUS(Named(t, &device), STATUS_SUCCESS);
    IoDeleteDevice(device);
}

static VOID Links(PCONTRACT t)
{
    OBJECT_ATTRIBUTES attributes;
    WCHAR buffer[64];
    UNICODE_STRING target;
    HANDLE link;

    CHECK_STATUS(IoCreateSymbolicLink(&LinkName, &DeviceName), STATUS_SUCCESS);
    CHECK_STATUS(IoCreateSymbolicLink(&LinkName, &DeviceName), STATUS_OBJECT_NAME_COLLISION);
    InitializeObjectAttributes(&attributes, &LinkName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwOpenSymbolicLinkObject(&link, GENERIC_READ, &attributes), STATUS_SUCCESS);
    RtlInitEmptyUnicodeString(&target, buffer, sizeof(buffer));
    CHECK_STATUS(ZwQuerySymbolicLinkObject(link, &target, NULL), STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&target, &DeviceName, FALSE));
    ZwClose(link);
    CHECK_STATUS(IoDeleteSymbolicLink(&LinkName), STATUS_SUCCESS);
    CHECK_STATUS(IoDeleteSymbolicLink(&LinkName), STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID ByName(PCONTRACT t)
{
    PDEVICE_OBJECT device = NULL, found = NULL;
    PFILE_OBJECT file = NULL;
    UNICODE_STRING nothing = RTL_CONSTANT_STRING(L"\\Device\\ContractNothing");

    CHECK_STATUS(Named(t, &device), STATUS_SUCCESS);
    CHECK_STATUS(IoCreateSymbolicLink(&LinkName, &DeviceName), STATUS_SUCCESS);
    CHECK_STATUS(IoGetDeviceObjectPointer(&DeviceName, FILE_READ_DATA, &file, &found), STATUS_SUCCESS);
    CHECK(found == device);
    CHECK(file && file->DeviceObject == device);
    ObDereferenceObject(file);
    CHECK_STATUS(IoGetDeviceObjectPointer(&LinkName, FILE_READ_DATA, &file, &found), STATUS_SUCCESS);
    CHECK(found == device);
    ObDereferenceObject(file);
    CHECK_STATUS(IoGetDeviceObjectPointer(&nothing, FILE_READ_DATA, &file, &found), STATUS_OBJECT_NAME_NOT_FOUND);
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(device);
}

static VOID Handles(PCONTRACT t)
{
    PDEVICE_OBJECT device = NULL;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE handle = NULL;
    PFILE_OBJECT file = NULL;

    CHECK_STATUS(Named(t, &device), STATUS_SUCCESS);
    InitializeObjectAttributes(&attributes, &DeviceName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwCreateFile(&handle, FILE_READ_DATA | SYNCHRONIZE, &attributes, &block, NULL, FILE_ATTRIBUTE_NORMAL, 0,
                              FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0),
                 STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(handle, FILE_READ_DATA, *IoFileObjectType, KernelMode, (PVOID *)&file, NULL),
                 STATUS_SUCCESS);
    CHECK(file && file->Type == IO_TYPE_FILE);
    CHECK(IoGetRelatedDeviceObject(file) == device);
    ObDereferenceObject(file);
    CHECK_STATUS(ObReferenceObjectByHandle(handle, 0, *ExEventObjectType, KernelMode, (PVOID *)&file, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(ZwClose(handle), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&file, NULL),
                 STATUS_INVALID_HANDLE);
    IoDeleteDevice(device);
}

static VOID CaseOfNames(PCONTRACT t)
{
    PDEVICE_OBJECT device = NULL;
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING other = RTL_CONSTANT_STRING(L"\\DEVICE\\CONTRACTNAMED");
    IO_STATUS_BLOCK block;
    HANDLE handle;

    CHECK_STATUS(Named(t, &device), STATUS_SUCCESS);
    InitializeObjectAttributes(&attributes, &other, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwOpenFile(&handle, FILE_READ_DATA | SYNCHRONIZE, &attributes, &block, FILE_SHARE_READ, 0), STATUS_SUCCESS);
    ZwClose(handle);
    IoDeleteDevice(device);
}

/* \SystemRoot leads into a volume: what follows the link is looked for below its folder. */
static VOID IntoAVolume(PCONTRACT t)
{
    static const PCWSTR names[] = {L"\\SystemRoot\\Temp\\contract-link.txt", L"\\??\\C:\\Windows\\Temp\\contract-link.txt"};
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE handle;

    for (ULONG i = 0; i < RTL_NUMBER_OF(names); i++) { /* made through the link, deleted through the other name */
        UNICODE_STRING name;
        RtlInitUnicodeString(&name, names[i]);
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
        CHECK_STATUS(ZwCreateFile(&handle, DELETE | FILE_WRITE_DATA | SYNCHRONIZE, &attributes, &block, NULL, FILE_ATTRIBUTE_NORMAL, 0,
                                  i ? FILE_OPEN : FILE_OVERWRITE_IF,
                                  FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE | (i ? FILE_DELETE_ON_CLOSE : 0), NULL, 0),
                     STATUS_SUCCESS);
        CHECK_STATUS(ZwClose(handle), STATUS_SUCCESS);
    }
}

static const CONTRACT_TEST Tests[] = {
    {"named devices", Devices},
    {"symbolic links", Links},
    {"a device by its name", ByName},
    {"handles", Handles},
    {"case", CaseOfNames},
    {"a link into a volume", IntoAVolume},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests), NULL, NULL, Other};
