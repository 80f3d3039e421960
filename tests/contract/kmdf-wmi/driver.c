/* WMI, provider and consumer in one driver: a KMDF device has a lamp's state (two instances), an expensive block, an event and methods;
 * the same driver opens these blocks as any other kernel-mode consumer would. */
#include <ntddk.h>
#include <wdf.h>
#include <wmistr.h>
#include "codes.h"

#define TEST_GUID(n) { 0x5D624F94, 0x8850, 0x40C3, { 0xA3, 0xFA, 0xA4, 0xFD, 0x20, 0x80, 0xBA, (n) } }
static const GUID StateGuid = TEST_GUID(1), DearGuid = TEST_GUID(2), EventGuid = TEST_GUID(3), MethodGuid = TEST_GUID(4), NobodyGuid = TEST_GUID(5),
                  LaterGuid = TEST_GUID(6), TraceGuid = TEST_GUID(7), CheapGuid = TEST_GUID(8), SmallGuid = TEST_GUID(9), NoGuid;

typedef struct _STATE {
    ULONG Level;
    UCHAR Colour;
} STATE, *PSTATE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(STATE, StateOf)

typedef struct _LITTLE {
    UCHAR Byte;
} LITTLE, *PLITTLE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(LITTLE, LittleOf)

static WDFDEVICE Device;
static WDFWMIPROVIDER StateProvider, DearProvider, TraceProvider, CheapProvider, SmallProvider;
static WDFWMIINSTANCE States[2], EventInstance, MethodInstance, LaterInstance, CheapInstance;
static ULONG Failed, EventSwitches, Collections, Heard;
static NTSTATUS ControlAnswer = STATUS_SUCCESS;
static WNODE_SINGLE_INSTANCE Last;
static ULONG LastValue;

#define CHECK(x)                                                                                                                    \
    do {                                                                                                                            \
        if (!(x)) {                                                                                                                 \
            Failed++;                                                                                                               \
            DbgPrint("kmdf-wmi: line %d: %s\n", __LINE__, #x);                                                                      \
        }                                                                                                                           \
    } while (0)

/* ---- the provider ---- */

static EVT_WDF_WMI_INSTANCE_QUERY_INSTANCE Query;
static EVT_WDF_WMI_INSTANCE_SET_INSTANCE Set;
static EVT_WDF_WMI_INSTANCE_SET_ITEM SetItem;
static EVT_WDF_WMI_INSTANCE_EXECUTE_METHOD Execute;
static EVT_WDF_WMI_PROVIDER_FUNCTION_CONTROL Control;

static NTSTATUS Query(WDFWMIINSTANCE Instance, ULONG Size, PVOID Buffer, PULONG Used)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(Size >= sizeof(STATE)); /* the framework has looked at MinInstanceBufferSize */
    *(PSTATE)Buffer = *StateOf(Instance);
    *Used = sizeof(STATE);
    return STATUS_SUCCESS;
}

static NTSTATUS Set(WDFWMIINSTANCE Instance, ULONG Size, PVOID Buffer)
{
    CHECK(Size == sizeof(STATE));
    if (((PSTATE)Buffer)->Level > 100)
        return STATUS_WMI_SET_FAILURE;
    *StateOf(Instance) = *(PSTATE)Buffer;
    return STATUS_SUCCESS;
}

static NTSTATUS SetItem(WDFWMIINSTANCE Instance, ULONG Id, ULONG Size, PVOID Buffer)
{
    if (Id != 1)
        return STATUS_WMI_READ_ONLY;
    CHECK(Size == sizeof(ULONG));
    StateOf(Instance)->Level = *(PULONG)Buffer;
    return STATUS_SUCCESS;
}

static NTSTATUS Execute(WDFWMIINSTANCE Instance, ULONG Method, ULONG In, ULONG Out, PVOID Buffer, PULONG Used)
{
    CHECK(Instance == MethodInstance);
    if (Method != 7)
        return STATUS_WMI_ITEMID_NOT_FOUND;
    if (In < sizeof(ULONG))
        return STATUS_INVALID_PARAMETER_MIX;
    *Used = 2 * sizeof(ULONG);
    if (Out < *Used)
        return STATUS_BUFFER_TOO_SMALL;
    ((PULONG)Buffer)[1] = 2 * ((PULONG)Buffer)[0];
    return STATUS_SUCCESS;
}

static NTSTATUS Control(WDFWMIPROVIDER Provider, WDF_WMI_PROVIDER_CONTROL What, BOOLEAN Enable)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(WdfWmiProviderGetDevice(Provider) == Device);
    CHECK(!WdfWmiProviderIsEnabled(Provider, What) == !Enable);
    if (What == WdfWmiEventControl)
        EventSwitches = EventSwitches * 10 + 1 + Enable;
    else
        Collections = Collections * 10 + 1 + Enable;
    return ControlAnswer;
}

static NTSTATUS AddInstance(WDFWMIPROVIDER Provider, BOOLEAN Register, WDFWMIINSTANCE *Instance)
{
    WDF_WMI_INSTANCE_CONFIG c;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&c, Provider);
    c.Register = Register;
    c.EvtWmiInstanceQueryInstance = Query;
    c.EvtWmiInstanceSetInstance = Set;
    c.EvtWmiInstanceSetItem = SetItem;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, STATE);
    return WdfWmiInstanceCreate(Device, &c, &a, Instance);
}

/* Configurations that are no good. */
static void Refused(void)
{
    WDF_WMI_PROVIDER_CONFIG p;
    WDF_WMI_INSTANCE_CONFIG c;
    WDF_OBJECT_ATTRIBUTES a;
    WDFWMIPROVIDER provider;
    WDFWMIINSTANCE instance;
    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &SmallGuid);
    p.Size--;
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &provider) == STATUS_INFO_LENGTH_MISMATCH);
    p.Size++;
    p.Flags = WdfWmiProviderTracing | WdfWmiProviderExpensive;
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &provider) == STATUS_INVALID_PARAMETER);
    p.Flags = 8;
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &provider) == STATUS_INVALID_PARAMETER);
    p.Flags = WdfWmiProviderEventOnly;
    p.EvtWmiProviderFunctionControl = Control; /* of what? */
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &provider) == STATUS_INVALID_PARAMETER);
    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &NoGuid);
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &provider) == STATUS_INVALID_PARAMETER);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&c, StateProvider);
    c.Size++;
    CHECK(WdfWmiInstanceCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, &instance) == STATUS_INFO_LENGTH_MISMATCH);
    c.Size--;
    c.ProviderConfig = &p; /* both */
    CHECK(WdfWmiInstanceCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, &instance) == STATUS_INVALID_PARAMETER);
    c.ProviderConfig = NULL;
    c.UseContextForQuery = TRUE;
    CHECK(WdfWmiInstanceCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, &instance) == STATUS_INVALID_PARAMETER); /* which context? */
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, LITTLE);
    CHECK(WdfWmiInstanceCreate(Device, &c, &a, &instance) == STATUS_BUFFER_TOO_SMALL); /* than MinInstanceBufferSize */
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, STATE);
    c.EvtWmiInstanceSetItem = SetItem;
    CHECK(WdfWmiInstanceCreate(Device, &c, &a, &instance) == STATUS_INVALID_PARAMETER);
    c.Provider = NULL;
    CHECK(WdfWmiInstanceCreate(Device, &c, &a, &instance) == STATUS_INVALID_PARAMETER);
}

static void Provide(void)
{
    WDF_WMI_PROVIDER_CONFIG p;
    WDF_WMI_INSTANCE_CONFIG c;
    WDF_OBJECT_ATTRIBUTES a;
    DECLARE_CONST_UNICODE_STRING(mof, L"LampMof");
    CHECK(WdfDeviceAssignMofResourceName(Device, &mof) == STATUS_SUCCESS);
    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &StateGuid);
    p.MinInstanceBufferSize = sizeof(STATE);
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &StateProvider) == STATUS_SUCCESS);
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &DearProvider) == STATUS_OBJECT_NAME_COLLISION);
    CHECK(AddInstance(StateProvider, TRUE, &States[0]) == STATUS_SUCCESS);
    CHECK(AddInstance(StateProvider, TRUE, &States[1]) == STATUS_SUCCESS);
    StateOf(States[0])->Level = 10;
    StateOf(States[1])->Level = 20;
    StateOf(States[1])->Colour = 'g';

    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &DearGuid);
    p.Flags = WdfWmiProviderExpensive;
    p.EvtWmiProviderFunctionControl = Control;
    p.MinInstanceBufferSize = sizeof(STATE);
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &DearProvider) == STATUS_SUCCESS);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&c, DearProvider);
    c.Register = TRUE;
    c.UseContextForQuery = TRUE;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, STATE);
    WDFWMIINSTANCE dear;
    CHECK(WdfWmiInstanceCreate(Device, &c, &a, &dear) == STATUS_SUCCESS);
    StateOf(dear)->Level = 77;

    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &EventGuid);
    p.Flags = WdfWmiProviderEventOnly;
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(&c, &p);
    c.Register = TRUE;
    c.EvtWmiInstanceQueryInstance = Query;
    CHECK(WdfWmiInstanceCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, &EventInstance) == STATUS_INVALID_PARAMETER); /* an event has no data */
    c.EvtWmiInstanceQueryInstance = NULL;
    CHECK(WdfWmiInstanceCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, &EventInstance) == STATUS_SUCCESS);

    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &MethodGuid);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(&c, &p);
    c.Register = TRUE;
    c.EvtWmiInstanceExecuteMethod = Execute;
    CHECK(WdfWmiInstanceCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, &MethodInstance) == STATUS_SUCCESS);
    Refused();

    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &TraceGuid);
    p.Flags = WdfWmiProviderTracing;
    p.EvtWmiProviderFunctionControl = Control;
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &TraceProvider) == STATUS_SUCCESS);
    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &CheapGuid);
    p.Flags = WdfWmiProviderExpensive; /* that nobody is told of is no error */
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &CheapProvider) == STATUS_SUCCESS);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&c, CheapProvider);
    CHECK(WdfWmiInstanceCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, &CheapInstance) == STATUS_SUCCESS);
    CHECK(WdfWmiInstanceRegister(CheapInstance) == STATUS_SUCCESS);
    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &SmallGuid);
    p.MinInstanceBufferSize = sizeof(STATE);
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &SmallProvider) == STATUS_SUCCESS);
    CHECK(WdfWmiInstanceGetDevice(MethodInstance) == Device);
    CHECK(WdfWmiInstanceGetProvider(States[1]) == StateProvider);
}

/* ---- the consumer ---- */

static void Wait(ULONG Milliseconds)
{
    LARGE_INTEGER t;
    t.QuadPart = WDF_REL_TIMEOUT_IN_MS(Milliseconds);
    KeDelayExecutionThread(KernelMode, FALSE, &t);
}

/* The name of the instance of that number: the device's instance id and the number. */
static void NameOf(ULONG Index, UNICODE_STRING *Name, PWCHAR Buffer, ULONG Bytes)
{
    static const WCHAR id[] = L"LAB\\KmdfWmi\\0000_";
    RtlInitEmptyUnicodeString(Name, Buffer, (USHORT)Bytes);
    RtlAppendUnicodeToString(Name, id);
    Name->Buffer[Name->Length / 2] = (WCHAR)(L'0' + Index);
    Name->Length += sizeof(WCHAR);
}

static void AllData(void)
{
    PVOID block;
    static UCHAR buffer[1024];
    PWNODE_ALL_DATA n = (PWNODE_ALL_DATA)buffer;
    UNICODE_STRING name, got;
    WCHAR text[64];
    ULONG size = 16;
    CHECK(IoWMIOpenBlock((GUID *)&StateGuid, WMIGUID_QUERY, &block) == STATUS_SUCCESS);
    CHECK(IoWMIQueryAllData(block, &size, NULL) == STATUS_BUFFER_TOO_SMALL);
    CHECK(size > sizeof(WNODE_ALL_DATA) && size < sizeof buffer);
    size = sizeof buffer;
    CHECK(IoWMIQueryAllData(block, &size, buffer) == STATUS_SUCCESS);
    CHECK(n->WnodeHeader.Flags & WNODE_FLAG_ALL_DATA);
    CHECK(RtlCompareMemory(&n->WnodeHeader.Guid, &StateGuid, sizeof(GUID)) == sizeof(GUID));
    CHECK(n->WnodeHeader.ProviderId == IoWMIDeviceObjectToProviderId(WdfDeviceWdmGetDeviceObject(Device)));
    CHECK(n->InstanceCount == 2);
    for (ULONG i = 0; i < 2; i++) {
        ULONG at = n->WnodeHeader.Flags & WNODE_FLAG_FIXED_INSTANCE_SIZE ? n->DataBlockOffset + i * n->FixedInstanceSize
                                                                         : n->OffsetInstanceDataAndLength[i].OffsetInstanceData;
        CHECK(at % MEMORY_ALLOCATION_ALIGNMENT == 0 && ((PSTATE)(buffer + at))->Level == (i + 1) * 10);
        PUCHAR counted = buffer + *(PULONG)(buffer + n->OffsetInstanceNameOffsets + i * sizeof(ULONG));
        got.Length = got.MaximumLength = *(PUSHORT)counted;
        got.Buffer = (PWCH)(counted + sizeof(USHORT));
        NameOf(i, &name, text, sizeof text);
        CHECK(RtlEqualUnicodeString(&name, &got, TRUE));
    }
    ObDereferenceObject(block);
}

static void SingleInstance(void)
{
    PVOID block;
    static UCHAR buffer[512];
    PWNODE_SINGLE_INSTANCE n = (PWNODE_SINGLE_INSTANCE)buffer;
    UNICODE_STRING name;
    WCHAR text[64];
    ULONG size = sizeof buffer;
    CHECK(IoWMIOpenBlock((GUID *)&StateGuid, WMIGUID_QUERY, &block) == STATUS_SUCCESS);
    NameOf(1, &name, text, sizeof text);
    CHECK(IoWMIQuerySingleInstance(block, &name, &size, buffer) == STATUS_SUCCESS);
    CHECK(n->InstanceIndex == 1 && n->SizeDataBlock == sizeof(STATE));
    CHECK(((PSTATE)(buffer + n->DataBlockOffset))->Colour == 'g');
    NameOf(2, &name, text, sizeof text);
    size = sizeof buffer;
    CHECK(IoWMIQuerySingleInstance(block, &name, &size, buffer) == STATUS_WMI_INSTANCE_NOT_FOUND);
    ObDereferenceObject(block);
}

static void Change(void)
{
    PVOID block;
    UNICODE_STRING name;
    WCHAR text[64];
    STATE s = {55, 'b'};
    ULONG level = 33;
    CHECK(IoWMIOpenBlock((GUID *)&StateGuid, WMIGUID_SET, &block) == STATUS_SUCCESS);
    NameOf(0, &name, text, sizeof text);
    CHECK(IoWMISetSingleInstance(block, &name, 1, sizeof s, &s) == STATUS_SUCCESS);
    CHECK(StateOf(States[0])->Level == 55 && StateOf(States[0])->Colour == 'b' && StateOf(States[1])->Level == 20);
    s.Level = 101;
    CHECK(IoWMISetSingleInstance(block, &name, 1, sizeof s, &s) == STATUS_WMI_SET_FAILURE);
    CHECK(IoWMISetSingleItem(block, &name, 1, 1, sizeof level, &level) == STATUS_SUCCESS);
    CHECK(StateOf(States[0])->Level == 33 && StateOf(States[0])->Colour == 'b');
    CHECK(IoWMISetSingleItem(block, &name, 2, 1, sizeof level, &level) == STATUS_WMI_READ_ONLY);
    ULONG size = 0;
    CHECK(!NT_SUCCESS(IoWMIQueryAllData(block, &size, NULL))); /* opened to be changed */
    ObDereferenceObject(block);
}

static void Methods(void)
{
    PVOID block;
    UNICODE_STRING name;
    WCHAR text[64];
    ULONG buffer[2] = {21, 0}, out = sizeof buffer;
    CHECK(IoWMIOpenBlock((GUID *)&MethodGuid, WMIGUID_EXECUTE, &block) == STATUS_SUCCESS);
    NameOf(0, &name, text, sizeof text);
    CHECK(IoWMIExecuteMethod(block, &name, 7, sizeof(ULONG), &out, (PUCHAR)buffer) == STATUS_SUCCESS);
    CHECK(out == sizeof buffer && buffer[1] == 42);
    out = sizeof(ULONG);
    CHECK(IoWMIExecuteMethod(block, &name, 7, sizeof(ULONG), &out, (PUCHAR)buffer) == STATUS_BUFFER_TOO_SMALL);
    CHECK(out == sizeof buffer);
    CHECK(IoWMIExecuteMethod(block, &name, 8, sizeof(ULONG), &out, (PUCHAR)buffer) == STATUS_WMI_ITEMID_NOT_FOUND);
    out = sizeof buffer;
    CHECK(IoWMIExecuteMethod(block, &name, 7, 0, &out, (PUCHAR)buffer) == STATUS_INVALID_PARAMETER_MIX);
    ObDereferenceObject(block);
}

static VOID NTAPI Hear(PVOID Wnode, PVOID Context)
{
    PWNODE_SINGLE_INSTANCE n = Wnode;
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(Context == &Heard);
    RtlCopyMemory(&Last, n, sizeof Last);
    LastValue = *(PULONG)((PUCHAR)n + n->DataBlockOffset);
    Heard++;
}

static void Events(void)
{
    PVOID block;
    ULONG value = 4711;
    Heard = 0;
    CHECK(WdfWmiInstanceFireEvent(EventInstance, sizeof value, &value) == STATUS_SUCCESS); /* nobody listens */
    CHECK(IoWMIOpenBlock((GUID *)&EventGuid, WMIGUID_NOTIFICATION, &block) == STATUS_SUCCESS);
    CHECK(WdfWmiProviderIsEnabled(WdfWmiInstanceGetProvider(EventInstance), WdfWmiEventControl));
    CHECK(!WdfWmiProviderIsEnabled(WdfWmiInstanceGetProvider(EventInstance), WdfWmiInstanceControl));
    CHECK(IoWMISetNotificationCallback(block, Hear, &Heard) == STATUS_SUCCESS);
    CHECK(WdfWmiInstanceFireEvent(EventInstance, sizeof value, &value) == STATUS_SUCCESS);
    Wait(100);
    CHECK(Heard == 1 && LastValue == 4711 && Last.SizeDataBlock == sizeof value);
    CHECK((Last.WnodeHeader.Flags & WNODE_FLAG_EVENT_ITEM) && (Last.WnodeHeader.Flags & WNODE_FLAG_SINGLE_INSTANCE));
    CHECK(Last.WnodeHeader.ProviderId == IoWMIDeviceObjectToProviderId(WdfDeviceWdmGetDeviceObject(Device)));
    CHECK(RtlCompareMemory(&Last.WnodeHeader.Guid, &EventGuid, sizeof(GUID)) == sizeof(GUID));
    ObDereferenceObject(block);
    Wait(100);
    CHECK(!WdfWmiProviderIsEnabled(WdfWmiInstanceGetProvider(EventInstance), WdfWmiEventControl));
    WdfWmiInstanceFireEvent(EventInstance, sizeof value, &value);
    Wait(100);
    CHECK(Heard == 1);
}

static void Expensive(void)
{
    PVOID first, second;
    static UCHAR buffer[512];
    ULONG size = sizeof buffer;
    Collections = 0;
    CHECK(IoWMIOpenBlock((GUID *)&DearGuid, WMIGUID_QUERY, &first) == STATUS_SUCCESS);
    CHECK(IoWMIOpenBlock((GUID *)&DearGuid, WMIGUID_QUERY, &second) == STATUS_SUCCESS);
    CHECK(Collections == 2); /* once for both */
    CHECK(IoWMIQueryAllData(first, &size, buffer) == STATUS_SUCCESS);
    PWNODE_ALL_DATA n = (PWNODE_ALL_DATA)buffer;
    CHECK(n->InstanceCount == 1);
    CHECK(((PSTATE)(buffer + n->OffsetInstanceDataAndLength[0].OffsetInstanceData))->Level == 77); /* the instance's context */
    ObDereferenceObject(first);
    Wait(50);
    CHECK(Collections == 2);
    ObDereferenceObject(second);
    Wait(50);
    CHECK(Collections == 21);
}

static void Unknown(void)
{
    PVOID block;
    CHECK(IoWMIOpenBlock((GUID *)&NobodyGuid, WMIGUID_QUERY, &block) == STATUS_WMI_GUID_NOT_FOUND);
}

/* A provider of a started device, and an instance that is registered later. */
static void Later(void)
{
    PVOID block;
    static UCHAR buffer[512];
    ULONG size = sizeof buffer;
    WDFWMIPROVIDER provider;
    WDF_WMI_PROVIDER_CONFIG p;
    WDF_WMI_PROVIDER_CONFIG_INIT(&p, &LaterGuid);
    p.MinInstanceBufferSize = sizeof(STATE);
    CHECK(WdfWmiProviderCreate(Device, &p, WDF_NO_OBJECT_ATTRIBUTES, &provider) == STATUS_SUCCESS);
    CHECK(AddInstance(provider, FALSE, &LaterInstance) == STATUS_SUCCESS);
    CHECK(WdfWmiInstanceRegister(LaterInstance) == STATUS_SUCCESS);
    CHECK(WdfWmiInstanceRegister(LaterInstance) == STATUS_INVALID_DEVICE_REQUEST);
    Wait(100); /* WMI asks again */
    CHECK(IoWMIOpenBlock((GUID *)&LaterGuid, WMIGUID_QUERY, &block) == STATUS_SUCCESS);
    CHECK(IoWMIQueryAllData(block, &size, buffer) == STATUS_SUCCESS && ((PWNODE_ALL_DATA)buffer)->InstanceCount == 1);
    WdfWmiInstanceDeregister(LaterInstance);
    ObDereferenceObject(block);
    Wait(100);
    CHECK(IoWMIOpenBlock((GUID *)&LaterGuid, WMIGUID_QUERY, &block) == STATUS_WMI_GUID_NOT_FOUND); /* with its last instance the block goes */
}

/* ---- requests as WMI sends them, of which its functions for consumers make only some ---- */

static UCHAR Buffer[512];

static NTSTATUS SendOne(UCHAR Minor, const GUID *Guid, ULONG Size, PULONG Used)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(WdfDeviceWdmGetDeviceObject(Device));
    IO_STATUS_BLOCK status = {0};
    KEVENT done;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, top, NULL, 0, NULL, &done, &status);
    if (!irp) {
        ObDereferenceObject(top);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    stack->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    stack->MinorFunction = Minor;
    stack->Parameters.WMI.ProviderId = (ULONG_PTR)WdfDeviceWdmGetDeviceObject(Device);
    stack->Parameters.WMI.DataPath = (PVOID)Guid;
    stack->Parameters.WMI.BufferSize = Size;
    stack->Parameters.WMI.Buffer = Buffer;
    NTSTATUS s = IoCallDriver(top, irp);
    if (s == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        s = status.Status;
    }
    ObDereferenceObject(top);
    *Used = (ULONG)status.Information;
    return s;
}

static PWNODE_SINGLE_INSTANCE Single(const GUID *Guid, ULONG Index, ULONG Bytes)
{
    PWNODE_SINGLE_INSTANCE n = (PWNODE_SINGLE_INSTANCE)Buffer;
    RtlZeroMemory(Buffer, sizeof Buffer);
    n->WnodeHeader.BufferSize = sizeof *n + Bytes;
    n->WnodeHeader.ProviderId = IoWMIDeviceObjectToProviderId(WdfDeviceWdmGetDeviceObject(Device));
    n->WnodeHeader.Guid = *Guid;
    n->WnodeHeader.Flags = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    n->InstanceIndex = Index;
    n->DataBlockOffset = sizeof *n;
    n->SizeDataBlock = Bytes;
    return n;
}

static void Sizes(void)
{
    PWNODE_SINGLE_INSTANCE n = Single(&StateGuid, 0, 4);
    PWNODE_TOO_SMALL small = (PWNODE_TOO_SMALL)Buffer;
    ULONG used;
    CHECK(SendOne(IRP_MN_QUERY_SINGLE_INSTANCE, &StateGuid, sizeof *n + 4, &used) == STATUS_SUCCESS);
    CHECK(used == sizeof *small && small->WnodeHeader.BufferSize == sizeof *small && small->WnodeHeader.Flags == WNODE_FLAG_TOO_SMALL);
    CHECK(small->SizeNeeded == sizeof *n + sizeof(STATE));
    n = Single(&StateGuid, 0, sizeof(STATE));
    CHECK(SendOne(IRP_MN_QUERY_SINGLE_INSTANCE, &StateGuid, sizeof Buffer, &used) == STATUS_SUCCESS);
    CHECK(used == sizeof *n + sizeof(STATE) && n->WnodeHeader.BufferSize == used && n->SizeDataBlock == sizeof(STATE) && n->WnodeHeader.TimeStamp.QuadPart);
    Single(&StateGuid, 0, 4); /* to set, too little cannot be made good */
    CHECK(SendOne(IRP_MN_CHANGE_SINGLE_INSTANCE, &StateGuid, sizeof *n + 4, &used) == STATUS_WMI_SET_FAILURE && used == 0);
    Single(&StateGuid, 7, sizeof(STATE));
    CHECK(SendOne(IRP_MN_QUERY_SINGLE_INSTANCE, &StateGuid, sizeof Buffer, &used) == STATUS_WMI_INSTANCE_NOT_FOUND);
    Single(&StateGuid, 0, sizeof(STATE));
    CHECK(SendOne(IRP_MN_QUERY_ALL_DATA, &StateGuid, sizeof(WNODE_ALL_DATA) - 8, &used) == STATUS_UNSUCCESSFUL);
    CHECK(SendOne(IRP_MN_QUERY_ALL_DATA, &SmallGuid, sizeof Buffer, &used) == STATUS_WMI_INSTANCE_NOT_FOUND); /* none at all */
    CHECK(SendOne(IRP_MN_QUERY_ALL_DATA, &NobodyGuid, sizeof Buffer, &used) == STATUS_WMI_GUID_NOT_FOUND);
    Single(&StateGuid, 0, 0);
    CHECK(SendOne(IRP_MN_REGINFO_EX, NULL, sizeof(ULONG), &used) == STATUS_SUCCESS && used == sizeof(ULONG) && *(PULONG)Buffer > sizeof(WMIREGINFOW));
}

/* What a block does not do. */
static void Unsupported(void)
{
    PWNODE_SINGLE_INSTANCE n = Single(&CheapGuid, 0, sizeof(STATE));
    PWNODE_ALL_DATA all = (PWNODE_ALL_DATA)Buffer;
    ULONG used;
    CHECK(SendOne(IRP_MN_QUERY_SINGLE_INSTANCE, &CheapGuid, sizeof Buffer, &used) == STATUS_INVALID_DEVICE_REQUEST);
    Single(&CheapGuid, 0, sizeof(STATE));
    CHECK(SendOne(IRP_MN_CHANGE_SINGLE_INSTANCE, &CheapGuid, sizeof Buffer, &used) == STATUS_WMI_READ_ONLY);
    n = Single(&CheapGuid, 0, sizeof(STATE));
    n->WnodeHeader.Flags = WNODE_FLAG_METHOD_ITEM | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    ((PWNODE_METHOD_ITEM)n)->DataBlockOffset = sizeof(WNODE_METHOD_ITEM);
    ((PWNODE_METHOD_ITEM)n)->SizeDataBlock = 0;
    CHECK(SendOne(IRP_MN_EXECUTE_METHOD, &CheapGuid, sizeof Buffer, &used) == STATUS_INVALID_DEVICE_REQUEST);
    Single(&CheapGuid, 0, 0);
    CHECK(SendOne(IRP_MN_QUERY_ALL_DATA, &CheapGuid, sizeof Buffer, &used) == STATUS_SUCCESS); /* there, without data */
    CHECK(all->InstanceCount == 1 && all->OffsetInstanceDataAndLength[0].LengthInstanceData == 0);
    Single(&MethodGuid, 0, 16);
    CHECK(SendOne(IRP_MN_QUERY_SINGLE_INSTANCE, &MethodGuid, sizeof Buffer, &used) == STATUS_SUCCESS);
    CHECK(((PWNODE_SINGLE_INSTANCE)Buffer)->SizeDataBlock == 0); /* methods alone: nothing to be read, no error */
}

static void Tracing(void)
{
    PWNODE_HEADER h = (PWNODE_HEADER)Buffer;
    ULONG used;
    EventSwitches = 0;
    CHECK(WdfWmiProviderGetTracingHandle(TraceProvider) == 0);
    Single(&TraceGuid, 0, 0);
    CHECK(SendOne(IRP_MN_ENABLE_EVENTS, &TraceGuid, sizeof *h - 1, &used) == STATUS_INVALID_PARAMETER);
    Single(&TraceGuid, 0, 0);
    h->HistoricalContext = 0x1234567890;
    CHECK(SendOne(IRP_MN_ENABLE_EVENTS, &TraceGuid, sizeof *h, &used) == STATUS_SUCCESS);
    CHECK(EventSwitches == 2 && WdfWmiProviderGetTracingHandle(TraceProvider) == 0x1234567890);
    CHECK(WdfWmiProviderIsEnabled(TraceProvider, WdfWmiEventControl));
    CHECK(SendOne(IRP_MN_DISABLE_EVENTS, &TraceGuid, sizeof *h, &used) == STATUS_SUCCESS);
    CHECK(EventSwitches == 21 && WdfWmiProviderGetTracingHandle(TraceProvider) == 0);
    ControlAnswer = STATUS_DEVICE_BUSY;
    h->HistoricalContext = 0x1234567890;
    CHECK(SendOne(IRP_MN_ENABLE_EVENTS, &TraceGuid, sizeof *h, &used) == STATUS_DEVICE_BUSY);
    ControlAnswer = STATUS_SUCCESS;
    CHECK(!WdfWmiProviderIsEnabled(TraceProvider, WdfWmiEventControl) && WdfWmiProviderGetTracingHandle(TraceProvider) == 0);
}


static void (*const Tests[])(void) = {AllData, SingleInstance, Change, Methods, Events, Expensive, Unknown, Later, Sizes, Unsupported, Tracing};

/* ---- the device ---- */

static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL Io;
static EVT_WDF_DRIVER_DEVICE_ADD Add;
DRIVER_INITIALIZE DriverEntry;

static VOID Io(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PULONG in, out;
    NTSTATUS s = WdfRequestRetrieveInputBuffer(Request, sizeof *in, (PVOID *)&in, NULL);
    UNREFERENCED_PARAMETER(Queue);
    UNREFERENCED_PARAMETER(Out);
    UNREFERENCED_PARAMETER(In);
    if (NT_SUCCESS(s))
        s = WdfRequestRetrieveOutputBuffer(Request, sizeof *out, (PVOID *)&out, NULL);
    if (NT_SUCCESS(s) && Code == IOCTL_RUN && *in < sizeof Tests / sizeof *Tests) {
        Tests[*in]();
        *out = Failed;
        Failed = 0;
    } else if (NT_SUCCESS(s)) {
        Wait(100); /* WMI asks a device that has registered from a worker thread */
        *out = sizeof Tests / sizeof *Tests;
    }
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? sizeof *out : 0);
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    WDF_IO_QUEUE_CONFIG queue;
    WDF_OBJECT_ATTRIBUTES a;
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfWmi");
    UNREFERENCED_PARAMETER(Driver);
    NTSTATUS s = WdfDeviceCreate(&Init, WDF_NO_OBJECT_ATTRIBUTES, &Device);
    if (!NT_SUCCESS(s))
        return s;
    Provide();
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchSequential);
    queue.EvtIoDeviceControl = Io;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ExecutionLevel = WdfExecutionLevelPassive;
    s = WdfIoQueueCreate(Device, &queue, &a, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(Device, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
