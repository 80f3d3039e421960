/* Resource requirements: an I/O port is added to what the device needs, and taken out of what the drivers below are started with. */
#include "hardware.h"

/* An interrupt's requirement in full: not every toolchain's IO_RESOURCE_DESCRIPTOR has the policies. */
typedef struct _INTERRUPT_REQUIREMENT {
    ULONG MinimumVector, MaximumVector, AffinityPolicy, PriorityPolicy;
    KAFFINITY TargetedProcessors;
} INTERRUPT_REQUIREMENT;

static IO_RESOURCE_DESCRIPTOR Port(VOID)
{
    IO_RESOURCE_DESCRIPTOR r;
    RtlZeroMemory(&r, sizeof r);
    r.Type = CmResourceTypePort;
    r.ShareDisposition = CmResourceShareDeviceExclusive;
    r.Flags = CM_RESOURCE_PORT_IO;
    r.u.Port.Length = 8;
    r.u.Port.Alignment = 8;
    r.u.Port.MinimumAddress.QuadPart = 0x9000;
    r.u.Port.MaximumAddress.QuadPart = 0x90FF;
    return r;
}

static NTSTATUS FilterAdd(WDFDEVICE d, WDFIORESREQLIST Requirements)
{
    WDFIORESLIST list = WdfIoResourceRequirementsListGetIoResList(Requirements, 0), other, stranger;
    IO_RESOURCE_DESCRIPTOR port = Port(), *r;
    PHARDWARE h = HardwareOf(d);
    if (h->Added++)
        return STATUS_SUCCESS;
    CHECK(d, WdfIoResourceRequirementsListGetCount(Requirements) == 1 && list != NULL);
    CHECK(d, WdfIoResourceRequirementsListGetIoResList(Requirements, 1) == NULL);
    if (!list)
        return STATUS_SUCCESS;
    CHECK(d, WdfIoResourceListGetCount(list) == 2);
    CHECK(d, WdfIoResourceListGetDescriptor(list, 0)->Type == CmResourceTypeInterrupt && WdfIoResourceListGetDescriptor(list, 2) == NULL);
    /* what can be done with lists */
    CHECK(d, WdfIoResourceListInsertDescriptor(list, &port, 7) == STATUS_ARRAY_BOUNDS_EXCEEDED);
    CHECK(d, WdfIoResourceListInsertDescriptor(list, &port, 0) == STATUS_SUCCESS && WdfIoResourceListGetCount(list) == 3);
    CHECK(d, WdfIoResourceListGetDescriptor(list, 0)->Type == CmResourceTypePort && WdfIoResourceListGetDescriptor(list, 1)->Type == CmResourceTypeInterrupt);
    WdfIoResourceListRemoveByDescriptor(list, &port);
    CHECK(d, WdfIoResourceListGetCount(list) == 2);
    CHECK(d, WdfIoResourceListAppendDescriptor(list, &port) == STATUS_SUCCESS);
    port.u.Port.Length = 16;
    port.u.Port.Alignment = 16;
    WdfIoResourceListUpdateDescriptor(list, &port, 2);
    r = WdfIoResourceListGetDescriptor(list, 2);
    CHECK(d, r->u.Port.Length == 16);
    /* alternatives */
    CHECK(d, WdfIoResourceListCreate(Requirements, WDF_NO_OBJECT_ATTRIBUTES, &other) == STATUS_SUCCESS && WdfIoResourceListGetCount(other) == 0);
    CHECK(d, WdfIoResourceRequirementsListInsertIoResList(Requirements, other, 5) == STATUS_ARRAY_BOUNDS_EXCEEDED);
    CHECK(d, WdfIoResourceRequirementsListInsertIoResList(Requirements, other, 0) == STATUS_SUCCESS);
    CHECK(d, WdfIoResourceRequirementsListGetIoResList(Requirements, 0) == other && WdfIoResourceRequirementsListGetIoResList(Requirements, 1) == list);
    WdfIoResourceRequirementsListRemove(Requirements, 0);
    CHECK(d, WdfIoResourceRequirementsListGetCount(Requirements) == 1);
    CHECK(d, WdfIoResourceListCreate(Requirements, WDF_NO_OBJECT_ATTRIBUTES, &stranger) == STATUS_SUCCESS);
    CHECK(d, WdfIoResourceRequirementsListAppendIoResList(Requirements, stranger) == STATUS_SUCCESS);
    WdfIoResourceRequirementsListRemoveByIoResList(Requirements, stranger);
    CHECK(d, WdfIoResourceRequirementsListGetCount(Requirements) == 1);
    WdfIoResourceRequirementsListSetSlotNumber(Requirements, 4);
    WdfIoResourceRequirementsListSetInterfaceType(Requirements, PCIBus);
    return STATUS_SUCCESS;
}

static NTSTATUS FilterRemove(WDFDEVICE d, WDFIORESREQLIST Requirements)
{
    WDFIORESLIST list = WdfIoResourceRequirementsListGetIoResList(Requirements, 0);
    HardwareOf(d)->Filtered++;
    CHECK(d, list != NULL && WdfIoResourceListGetCount(list) == 3);
    return STATUS_SUCCESS;
}

static NTSTATUS RemoveAdded(WDFDEVICE d, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR copy;
    HardwareOf(d)->RemovedAdded++;
    CHECK(d, WdfCmResourceListGetCount(Raw) == 3 && WdfCmResourceListGetCount(Translated) == 3);
    copy = *WdfCmResourceListGetDescriptor(Raw, 2);
    CHECK(d, copy.Type == CmResourceTypePort && copy.u.Port.Start.QuadPart == 0x9000 && copy.u.Port.Length == 16);
    WdfCmResourceListRemove(Raw, 2);
    WdfCmResourceListRemoveByDescriptor(Translated, WdfCmResourceListGetDescriptor(Translated, 2));
    CHECK(d, WdfCmResourceListGetCount(Raw) == 2 && WdfCmResourceListGetCount(Translated) == 2);
    CHECK(d, WdfCmResourceListInsertDescriptor(Raw, &copy, 9) == STATUS_ARRAY_BOUNDS_EXCEEDED);
    CHECK(d, WdfCmResourceListInsertDescriptor(Raw, &copy, 0) == STATUS_SUCCESS && WdfCmResourceListGetDescriptor(Raw, 0)->Type == CmResourceTypePort);
    WdfCmResourceListRemove(Raw, 0);
    CHECK(d, WdfCmResourceListAppendDescriptor(Raw, &copy) == STATUS_SUCCESS && WdfCmResourceListGetCount(Raw) == 3);
    WdfCmResourceListRemove(Raw, 2);
    return STATUS_SUCCESS;
}

VOID RequirementsSetUp(PWDFDEVICE_INIT Init)
{
    WDF_FDO_EVENT_CALLBACKS events;
    WDF_FDO_EVENT_CALLBACKS_INIT(&events);
    events.EvtDeviceFilterAddResourceRequirements = FilterAdd;
    events.EvtDeviceFilterRemoveResourceRequirements = FilterRemove;
    events.EvtDeviceRemoveAddedResources = RemoveAdded;
    WdfFdoInitSetEventCallbacks(Init, &events);
}

/* As the PnP manager asks; the interrupts' policies are in the answer. */
VOID RequirementsRun(WDFDEVICE d)
{
    PIO_RESOURCE_REQUIREMENTS_LIST list = ExAllocatePoolWithTag(PagedPool, sizeof *list + 2 * sizeof(IO_RESOURCE_DESCRIPTOR), 'wHmK');
    ULONG_PTR information = (ULONG_PTR)list;
    if (!list)
        return;
    RtlZeroMemory(list, sizeof *list + 2 * sizeof(IO_RESOURCE_DESCRIPTOR));
    list->ListSize = sizeof *list + 2 * sizeof(IO_RESOURCE_DESCRIPTOR);
    list->AlternativeLists = 1;
    list->List[0].Version = list->List[0].Revision = 1;
    list->List[0].Count = 3;
    list->List[0].Descriptors[0].Type = list->List[0].Descriptors[2].Type = CmResourceTypeInterrupt;
    list->List[0].Descriptors[1] = Port();
    NTSTATUS s = SendToSelf(d, IRP_MJ_PNP, IRP_MN_FILTER_RESOURCE_REQUIREMENTS, list, NULL, NULL, NULL, &information);
    CHECK(d, NT_SUCCESS(s) && information != 0);
    list = (PIO_RESOURCE_REQUIREMENTS_LIST)information;
    if (!list)
        return;
    const IO_RESOURCE_DESCRIPTOR *r = list->List[0].Descriptors;
    CHECK(d, list->List[0].Count == 3 && (r[0].Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED) && (r[2].Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED));
    const INTERRUPT_REQUIREMENT *first = (const INTERRUPT_REQUIREMENT *)&r[0].u, *second = (const INTERRUPT_REQUIREMENT *)&r[2].u;
    CHECK(d, first->AffinityPolicy == WdfIrqPolicySpecifiedProcessors && first->PriorityPolicy == WdfIrqPriorityHigh && first->TargetedProcessors == 1);
    CHECK(d, second->AffinityPolicy == WdfIrqPolicyOneCloseProcessor && second->PriorityPolicy == WdfIrqPriorityLow && r[1].Type == CmResourceTypePort);
    ExFreePool(list);
}
