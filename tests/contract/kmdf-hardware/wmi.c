/* WMI: a block with two instances, one answered by a callback and one by its context; WMI's requests are sent by the driver to itself. */
#include "hardware.h"

static const GUID Block = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x31 } };
static const GUID Nobody = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x32 } };

typedef struct _VALUES {
    ULONG Value[3];
} VALUES;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(VALUES, ValuesOf)

static NTSTATUS Query(WDFWMIINSTANCE Instance, ULONG Size, PVOID Buffer, PULONG Used)
{
    WDFDEVICE d = WdfWmiInstanceGetDevice(Instance);
    *Used = 8;
    if (Size < 8)
        return STATUS_BUFFER_TOO_SMALL;
    ((PULONG)Buffer)[0] = 0x51;
    ((PULONG)Buffer)[1] = HardwareOf(d)->Set;
    return STATUS_SUCCESS;
}

static NTSTATUS Set(WDFWMIINSTANCE Instance, ULONG Size, PVOID Buffer)
{
    if (Size != sizeof(ULONG))
        return STATUS_WMI_SET_FAILURE;
    HardwareOf(WdfWmiInstanceGetDevice(Instance))->Set = *(PULONG)Buffer;
    return STATUS_SUCCESS;
}

static NTSTATUS SetItem(WDFWMIINSTANCE Instance, ULONG Item, ULONG Size, PVOID Buffer)
{
    PHARDWARE h = HardwareOf(WdfWmiInstanceGetDevice(Instance));
    h->Item = Item;
    h->ItemSize = Size;
    return Item == 2 ? STATUS_SUCCESS : STATUS_WMI_ITEMID_NOT_FOUND;
}

static NTSTATUS Execute(WDFWMIINSTANCE Instance, ULONG Method, ULONG In, ULONG Out, PVOID Buffer, PULONG Used)
{
    *Used = 4;
    if (Method != 5 || In != 4)
        return STATUS_WMI_ITEMID_NOT_FOUND;
    if (Out < 4)
        return STATUS_BUFFER_TOO_SMALL;
    *(PULONG)Buffer += 1;
    return STATUS_SUCCESS;
}

static NTSTATUS FunctionControl(WDFWMIPROVIDER Provider, WDF_WMI_PROVIDER_CONTROL What, BOOLEAN Enable)
{
    PHARDWARE h = HardwareOf(WdfWmiProviderGetDevice(Provider));
    h->Controls += What == WdfWmiEventControl ? 1 : 16;
    h->On = Enable;
    return STATUS_SUCCESS;
}

VOID WmiSetUp(WDFDEVICE d)
{
    PHARDWARE h = HardwareOf(d);
    WDF_WMI_PROVIDER_CONFIG provider;
    WDF_WMI_INSTANCE_CONFIG instance;
    WDF_OBJECT_ATTRIBUTES a;
    WDFWMIPROVIDER again;
    DECLARE_CONST_UNICODE_STRING(mof, L"HardwareMof");
    CHECK(d, WdfDeviceAssignMofResourceName(d, &mof) == STATUS_SUCCESS);
    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &Block);
    provider.Flags = WdfWmiProviderExpensive;
    CHECK(d, WdfWmiProviderCreate(d, &provider, WDF_NO_OBJECT_ATTRIBUTES, &h->Provider) == STATUS_INVALID_PARAMETER); /* nobody to control it */
    provider.EvtWmiProviderFunctionControl = FunctionControl;
    provider.MinInstanceBufferSize = 8;
    CHECK(d, WdfWmiProviderCreate(d, &provider, WDF_NO_OBJECT_ATTRIBUTES, &h->Provider) == STATUS_SUCCESS);
    CHECK(d, WdfWmiProviderCreate(d, &provider, WDF_NO_OBJECT_ATTRIBUTES, &again) == STATUS_OBJECT_NAME_COLLISION);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&instance, h->Provider);
    instance.Register = TRUE;
    instance.EvtWmiInstanceQueryInstance = Query;
    instance.EvtWmiInstanceSetInstance = Set;
    instance.EvtWmiInstanceSetItem = SetItem;
    instance.EvtWmiInstanceExecuteMethod = Execute;
    CHECK(d, WdfWmiInstanceCreate(d, &instance, WDF_NO_OBJECT_ATTRIBUTES, &h->First) == STATUS_SUCCESS);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&instance, h->Provider);
    instance.UseContextForQuery = TRUE;
    CHECK(d, !NT_SUCCESS(WdfWmiInstanceCreate(d, &instance, WDF_NO_OBJECT_ATTRIBUTES, &h->Second))); /* which context? */
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, VALUES);
    CHECK(d, WdfWmiInstanceCreate(d, &instance, &a, &h->Second) == STATUS_SUCCESS);
    CHECK(d, WdfWmiInstanceGetProvider(h->Second) == h->Provider);
    ValuesOf(h->Second)->Value[2] = 0x77;
}

static NTSTATUS Ask(WDFDEVICE d, UCHAR Minor, const GUID *Guid, PVOID Buffer, ULONG Size, PULONG_PTR Used)
{
    *Used = 0;
    return SendToSelf(d, IRP_MJ_SYSTEM_CONTROL, Minor, WdfDeviceWdmGetDeviceObject(d), (PVOID)Guid, (PVOID)(ULONG_PTR)Size, Buffer, Used);
}

static union {
    UCHAR Bytes[512];
    WNODE_ALL_DATA All;
    WNODE_SINGLE_INSTANCE Single;
    WNODE_SINGLE_ITEM Item;
    WNODE_METHOD_ITEM Method;
    WNODE_TOO_SMALL Small;
    WMIREGINFOW Info;
} B;

static VOID Single(ULONG Index)
{
    RtlZeroMemory(&B, sizeof B);
    B.Single.WnodeHeader.BufferSize = sizeof B;
    B.Single.InstanceIndex = Index;
    B.Single.DataBlockOffset = 64;
}

VOID WmiRun(WDFDEVICE d)
{
    PHARDWARE h = HardwareOf(d);
    ULONG_PTR used;
    CHECK(d, Ask(d, IRP_MN_REGINFO_EX, NULL, &B, sizeof B, &used) == STATUS_SUCCESS && used == B.Info.BufferSize && used > sizeof(WMIREGINFOW));
    CHECK(d, B.Info.GuidCount == 1 && B.Info.WmiRegGuid[0].InstanceCount == 1 && RtlEqualMemory(&B.Info.WmiRegGuid[0].Guid, &Block, sizeof(GUID)));
    CHECK(d, (B.Info.WmiRegGuid[0].Flags & WMIREG_FLAG_INSTANCE_PDO) && (PDEVICE_OBJECT)B.Info.WmiRegGuid[0].Pdo == WdfDeviceWdmGetPhysicalDevice(d));
    ObDereferenceObject((PVOID)B.Info.WmiRegGuid[0].Pdo);
    CHECK(d, *(PUSHORT)(B.Bytes + B.Info.MofResourceName) == 22 && RtlEqualMemory(B.Bytes + B.Info.MofResourceName + 2, L"HardwareMof", 22));
    CHECK(d, Ask(d, IRP_MN_REGINFO_EX, NULL, &B, 4, &used) == STATUS_SUCCESS && used == 4);
    /* one instance, the other is not registered yet */
    Single(0);
    CHECK(d, Ask(d, IRP_MN_QUERY_SINGLE_INSTANCE, &Nobody, &B, sizeof B, &used) == STATUS_WMI_GUID_NOT_FOUND);
    CHECK(d, Ask(d, IRP_MN_QUERY_SINGLE_INSTANCE, &Block, &B, sizeof B, &used) == STATUS_SUCCESS);
    CHECK(d, used == 72 && B.Single.WnodeHeader.BufferSize == 72 && B.Single.SizeDataBlock == 8 && *(PULONG)(B.Bytes + 64) == 0x51);
    Single(1);
    CHECK(d, Ask(d, IRP_MN_QUERY_SINGLE_INSTANCE, &Block, &B, sizeof B, &used) == STATUS_WMI_INSTANCE_NOT_FOUND);
    CHECK(d, WdfWmiInstanceRegister(h->Second) == STATUS_SUCCESS && WdfWmiInstanceRegister(h->Second) == STATUS_INVALID_DEVICE_STATE);
    CHECK(d, Ask(d, IRP_MN_QUERY_SINGLE_INSTANCE, &Block, &B, sizeof B, &used) == STATUS_SUCCESS);
    CHECK(d, B.Single.SizeDataBlock == sizeof(VALUES) && ((PULONG)(B.Bytes + 64))[2] == 0x77);
    Single(0);
    CHECK(d, Ask(d, IRP_MN_QUERY_SINGLE_INSTANCE, &Block, &B, 68, &used) == STATUS_SUCCESS && used == sizeof(WNODE_TOO_SMALL));
    CHECK(d, (B.Small.WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL) && B.Small.SizeNeeded == 72);
    /* all of them */
    RtlZeroMemory(&B, sizeof B);
    CHECK(d, Ask(d, IRP_MN_QUERY_ALL_DATA, &Block, &B, sizeof B, &used) == STATUS_SUCCESS && B.All.InstanceCount == 2);
    CHECK(d, B.All.OffsetInstanceDataAndLength[0].LengthInstanceData == 8 && B.All.OffsetInstanceDataAndLength[1].LengthInstanceData == sizeof(VALUES));
    CHECK(d, *(PULONG)(B.Bytes + B.All.OffsetInstanceDataAndLength[0].OffsetInstanceData) == 0x51);
    CHECK(d, B.All.OffsetInstanceDataAndLength[1].OffsetInstanceData % 8 == 0 && used <= sizeof B);
    CHECK(d, Ask(d, IRP_MN_QUERY_ALL_DATA, &Block, &B, 80, &used) == STATUS_SUCCESS && (B.Small.WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL) && B.Small.SizeNeeded > 80);
}

VOID WmiChanges(WDFDEVICE d)
{
    PHARDWARE h = HardwareOf(d);
    ULONG_PTR used;
    ULONG event = 7;
    Single(0);
    B.Single.SizeDataBlock = 4;
    *(PULONG)(B.Bytes + 64) = 0x99;
    CHECK(d, Ask(d, IRP_MN_CHANGE_SINGLE_INSTANCE, &Block, &B, sizeof B, &used) == STATUS_SUCCESS && h->Set == 0x99);
    B.Single.SizeDataBlock = 600; /* beyond the buffer */
    CHECK(d, Ask(d, IRP_MN_CHANGE_SINGLE_INSTANCE, &Block, &B, sizeof B, &used) == STATUS_INVALID_PARAMETER);
    B.Single.InstanceIndex = 1;
    B.Single.SizeDataBlock = 4;
    CHECK(d, Ask(d, IRP_MN_CHANGE_SINGLE_INSTANCE, &Block, &B, sizeof B, &used) == STATUS_WMI_READ_ONLY);
    RtlZeroMemory(&B, sizeof B);
    B.Item.ItemId = 2;
    B.Item.DataBlockOffset = 72;
    B.Item.SizeDataItem = 4;
    CHECK(d, Ask(d, IRP_MN_CHANGE_SINGLE_ITEM, &Block, &B, sizeof B, &used) == STATUS_SUCCESS && h->Item == 2 && h->ItemSize == 4);
    B.Item.ItemId = 3;
    CHECK(d, Ask(d, IRP_MN_CHANGE_SINGLE_ITEM, &Block, &B, sizeof B, &used) == STATUS_WMI_ITEMID_NOT_FOUND);
    RtlZeroMemory(&B, sizeof B);
    B.Method.MethodId = 5;
    B.Method.DataBlockOffset = 72;
    B.Method.SizeDataBlock = 4;
    *(PULONG)(B.Bytes + 72) = 41;
    CHECK(d, Ask(d, IRP_MN_EXECUTE_METHOD, &Block, &B, sizeof B, &used) == STATUS_SUCCESS && *(PULONG)(B.Bytes + 72) == 42 && used == 76);
    /* switching on and off */
    CHECK(d, !WdfWmiProviderIsEnabled(h->Provider, WdfWmiEventControl) && WdfWmiProviderGetTracingHandle(h->Provider) == 0);
    CHECK(d, Ask(d, IRP_MN_ENABLE_EVENTS, &Block, &B, sizeof B, &used) == STATUS_SUCCESS && h->Controls == 1 && h->On);
    CHECK(d, WdfWmiProviderIsEnabled(h->Provider, WdfWmiEventControl) && !WdfWmiProviderIsEnabled(h->Provider, WdfWmiInstanceControl));
    CHECK(d, Ask(d, IRP_MN_ENABLE_COLLECTION, &Block, &B, sizeof B, &used) == STATUS_SUCCESS && h->Controls == 17);
    CHECK(d, Ask(d, IRP_MN_DISABLE_EVENTS, &Block, &B, sizeof B, &used) == STATUS_SUCCESS && h->Controls == 18 && !h->On);
    CHECK(d, !WdfWmiProviderIsEnabled(h->Provider, WdfWmiEventControl) && WdfWmiProviderIsEnabled(h->Provider, WdfWmiInstanceControl));
    CHECK(d, WdfWmiInstanceFireEvent(h->First, sizeof event, &event) == STATUS_SUCCESS);
    WdfWmiInstanceDeregister(h->Second);
    Single(1);
    CHECK(d, Ask(d, IRP_MN_QUERY_SINGLE_INSTANCE, &Block, &B, sizeof B, &used) == STATUS_WMI_INSTANCE_NOT_FOUND);
}
