/* WDFUSBINTERFACE, and selecting a configuration or an alternate setting.
 *
 * DOC: pipes are made before the URB goes down, the old ones of an interface are cancelled, waited for and thrown away; then the URB is sent, whatever the
 * target's state, with two seconds' time. When it fails, the interface has no pipes. With several interfaces, all but the first are selected once more,
 * one by one, because a parent driver of composite devices may fill in only the first. */
#include "fx_usb.h"

static FxUsbInterface *interface_of(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE i)
{
    return FX_OBJ(FxGet(G), i, FxUsbInterface, FX_TYPE_USB_INTERFACE);
}

static FxUsbDevice *device(FxGlobals *g, WDFUSBDEVICE h)
{
    return FX_OBJ(g, h, FxUsbDevice, FX_TYPE_IO_TARGET_USB_DEVICE);
}

/* ---- descriptors ---- */

static PUCHAR config_end(FxUsbDevice *u)
{
    return (PUCHAR)u->ConfigDescriptor + u->ConfigDescriptor->wTotalLength;
}

/* From `at` on, before `end`; the lengths have been checked. */
static PVOID find(PVOID at, PUCHAR end, UCHAR type)
{
    for (PUSB_COMMON_DESCRIPTOR d = at; (PUCHAR)d < end; d = (PVOID)((PUCHAR)d + d->bLength))
        if (d->bDescriptorType == type)
            return d;
    return NULL;
}

static PVOID behind(PVOID d)
{
    return (PUCHAR)d + ((PUSB_COMMON_DESCRIPTOR)d)->bLength;
}

static PUSB_INTERFACE_DESCRIPTOR first_interface(FxUsbDevice *u)
{
    return find(u->ConfigDescriptor, config_end(u), USB_INTERFACE_DESCRIPTOR_TYPE);
}

static PUSB_INTERFACE_DESCRIPTOR next_interface(FxUsbDevice *u, PUSB_INTERFACE_DESCRIPTOR d)
{
    return find(behind(d), config_end(u), USB_INTERFACE_DESCRIPTOR_TYPE);
}

static NTSTATUS bad_descriptor(FxUsbDevice *u, PVOID d, UCHAR length, NTSTATUS s)
{
    FXLOG(u->T.O.Globals, UsbBadDescriptor, (ULONG64)((PUCHAR)d - (PUCHAR)u->ConfigDescriptor), length, S64(s));
    return s;
}

static NTSTATUS check_descriptors(FxUsbDevice *u)
{
    PUCHAR end = config_end(u);
    for (PUSB_COMMON_DESCRIPTOR d = (PVOID)u->ConfigDescriptor; (PUCHAR)d < end; d = behind(d)) {
        if (end - (PUCHAR)d < (LONG_PTR)sizeof *d || !d->bLength || d->bLength > end - (PUCHAR)d)
            return bad_descriptor(u, d, d->bLength, STATUS_INVALID_PARAMETER);
        if (d->bDescriptorType == USB_INTERFACE_DESCRIPTOR_TYPE && d->bLength != sizeof(USB_INTERFACE_DESCRIPTOR))
            return bad_descriptor(u, d, d->bLength, STATUS_INVALID_PARAMETER);
    }
    return STATUS_SUCCESS;
}

/* ---- interfaces ---- */

static void interface_destroy(FxObject *o)
{
    FxUsbInterface *i = (FxUsbInterface *)o;
    if (i->Settings)
        ExFreePoolWithTag(i->Settings, FX_TAG);
    if (i->Pipes)
        ExFreePoolWithTag(i->Pipes, FX_TAG);
}

/* Of as many endpoints as the setting announces. */
static NTSTATUS check_endpoints(FxUsbInterface *i, PUSB_INTERFACE_DESCRIPTOR d)
{
    PUCHAR end = (PUCHAR)next_interface(i->Usb, d);
    PVOID at = behind(d);
    if (!end)
        end = config_end(i->Usb);
    for (UCHAR n = 0; n < d->bNumEndpoints && (at = find(at, end, USB_ENDPOINT_DESCRIPTOR_TYPE)); n++, at = behind(at))
        if (((PUSB_COMMON_DESCRIPTOR)at)->bLength < sizeof(USB_ENDPOINT_DESCRIPTOR))
            return bad_descriptor(i->Usb, at, ((PUSB_COMMON_DESCRIPTOR)at)->bLength, STATUS_INVALID_PARAMETER);
    return STATUS_SUCCESS;
}

/* DOC: settings are numbered from 0 without gaps. */
static NTSTATUS make_settings(FxUsbInterface *i)
{
    FxUsbDevice *u = i->Usb;
    for (PUSB_INTERFACE_DESCRIPTOR d = first_interface(u); d; d = next_interface(u, d))
        i->SettingCount += d->bInterfaceNumber == i->Number;
    i->Settings = FxPoolAllocate(u->T.O.Globals, NonPagedPoolNx, i->SettingCount * sizeof *i->Settings, FX_TAG);
    if (!i->Settings)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (PUSB_INTERFACE_DESCRIPTOR d = first_interface(u); d; d = next_interface(u, d)) {
        if (d->bInterfaceNumber != i->Number)
            continue;
        if (d->bAlternateSetting >= i->SettingCount)
            return bad_descriptor(u, d, d->bLength, STATUS_INVALID_DEVICE_REQUEST);
        i->Settings[d->bAlternateSetting] = d;
    }
    for (UCHAR n = 0; n < i->SettingCount; n++) {
        if (!i->Settings[n])
            return bad_descriptor(u, u->ConfigDescriptor, n, STATUS_INVALID_DEVICE_REQUEST);
        NTSTATUS s = check_endpoints(i, i->Settings[n]);
        if (!NT_SUCCESS(s))
            return s;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS interface_create(FxUsbDevice *u, UCHAR number, FxUsbInterface **out)
{
    NTSTATUS s;
    FxUsbInterface *i = FxObjectCreate(u->T.O.Globals, FX_TYPE_USB_INTERFACE, sizeof *i, NULL, &s);
    if (!i)
        return s;
    i->Usb = u;
    i->Number = number;
    i->O.Device = u->T.O.Device;
    i->O.Destroy = interface_destroy;
    s = FxObjectCommit(FX(i), NULL, FX(u), NULL);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(i));
        return s;
    }
    i->O.Flags |= FXO_NO_DELETE;
    *out = i;
    return make_settings(i);
}

static FxUsbInterface *by_number(FxUsbDevice *u, UCHAR number)
{
    for (ULONG i = 0; i < u->Count; i++)
        if (u->Interfaces[i]->Number == number)
            return u->Interfaces[i];
    return NULL;
}

/* DOC: fewer interfaces than announced are taken as they are; none at all is an error, and one where none is announced is remembered. */
NTSTATUS FxUsbInterfacesCreate(FxUsbDevice *u)
{
    ULONG announced = u->ConfigDescriptor->bNumInterfaces;
    NTSTATUS s = check_descriptors(u);
    if (!NT_SUCCESS(s))
        return s;
    u->Interfaces = FxPoolAllocate(u->T.O.Globals, NonPagedPoolNx, max(announced, 1) * sizeof *u->Interfaces, FX_TAG);
    if (!u->Interfaces)
        return STATUS_INSUFFICIENT_RESOURCES;
    PUSB_INTERFACE_DESCRIPTOR d = first_interface(u);
    u->Mismatched = d && !announced;
    for (; d && u->Count < announced; d = next_interface(u, d)) {
        if (by_number(u, d->bInterfaceNumber))
            continue;
        s = interface_create(u, d->bInterfaceNumber, &u->Interfaces[u->Count]);
        if (!NT_SUCCESS(s))
            return s;
        u->Count++;
    }
    return announced && !u->Count ? bad_descriptor(u, u->ConfigDescriptor, 0, STATUS_INVALID_DEVICE_REQUEST) : STATUS_SUCCESS;
}

FxUsbPipe *FxUsbNextPipe(FxUsbDevice *u, ULONG *number, ULONG *pipe)
{
    FxUsbPipe *p = NULL;
    KIRQL irql;
    KeAcquireSpinLock(&u->T.TargetLock, &irql);
    for (; *number < u->Count && !p; (*number)++, *pipe = 0) {
        FxUsbInterface *i = u->Interfaces[*number];
        if (i->Pipes && *pipe < i->PipeCount) {
            p = i->Pipes[(*pipe)++];
            FxObject_AddRef(FX(p));
            break;
        }
    }
    KeReleaseSpinLock(&u->T.TargetLock, irql);
    return p;
}

/* ---- pipes of an interface ---- */

/* count 0: an array all the same, which says that the interface is configured. */
static NTSTATUS make_pipes(FxUsbInterface *i, const WDF_OBJECT_ATTRIBUTES *a, ULONG count, FxUsbPipe ***out)
{
    FxUsbPipe **pipes = FxPoolAllocate(i->O.Globals, NonPagedPoolNx, max(count, 1) * sizeof *pipes, FX_TAG);
    NTSTATUS s = pipes ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    *out = pipes;
    for (ULONG n = 0; n < count && NT_SUCCESS(s); n++)
        s = FxUsbPipeCreate(i, a, &pipes[n]);
    return s;
}

static void drop_pipes(FxUsbPipe **pipes, ULONG count, BOOLEAN failed)
{
    if (!pipes)
        return;
    for (ULONG n = 0; n < count; n++)
        if (pipes[n])
            FxUsbPipeGoes(pipes[n], failed);
    ExFreePoolWithTag(pipes, FX_TAG);
}

static void unconfigure(FxUsbInterface *i)
{
    FxUsbDevice *u = i->Usb;
    KIRQL irql;
    KeWaitForSingleObject(&u->Iteration, Executive, KernelMode, FALSE, NULL);
    KeAcquireSpinLock(&u->T.TargetLock, &irql);
    FxUsbPipe **pipes = i->Pipes;
    ULONG count = i->PipeCount;
    i->Pipes = NULL;
    i->PipeCount = 0;
    KeReleaseSpinLock(&u->T.TargetLock, irql);
    drop_pipes(pipes, count, FALSE);
    KeReleaseMutex(&u->Iteration, FALSE);
}

static void configure(FxUsbInterface *i, FxUsbPipe **pipes, ULONG count, PUSBD_INTERFACE_INFORMATION info)
{
    KIRQL irql;
    for (ULONG n = 0; n < count; n++)
        pipes[n]->Info = info->Pipes[n];
    KeAcquireSpinLock(&i->Usb->T.TargetLock, &irql);
    i->Current = info->AlternateSetting;
    i->Pipes = pipes;
    i->PipeCount = count;
    KeReleaseSpinLock(&i->Usb->T.TargetLock, irql);
}

/* ---- settings ---- */

static USHORT setting_size(ULONG endpoints)
{
    return (USHORT)(FIELD_OFFSET(struct _URB_SELECT_INTERFACE, Interface) + GET_USBD_INTERFACE_SIZE(endpoints));
}

static void format_setting(FxUsbInterface *i, PURB urb, ULONG endpoints, UCHAR setting)
{
    RtlZeroMemory(urb, setting_size(endpoints));
    urb->UrbHeader.Function = URB_FUNCTION_SELECT_INTERFACE;
    urb->UrbHeader.Length = setting_size(endpoints);
    urb->UrbSelectInterface.ConfigurationHandle = i->Usb->Config;
    PUSBD_INTERFACE_INFORMATION info = &urb->UrbSelectInterface.Interface;
    info->Length = (USHORT)GET_USBD_INTERFACE_SIZE(endpoints);
    info->InterfaceNumber = i->Number;
    info->AlternateSetting = setting;
    info->NumberOfPipes = endpoints;
    for (ULONG n = 0; n < endpoints; n++)
        info->Pipes[n].MaximumTransferSize = USBD_DEFAULT_MAXIMUM_TRANSFER_SIZE;
}

static NTSTATUS select_setting(FxUsbInterface *i, const WDF_OBJECT_ATTRIBUTES *a, PURB urb)
{
    FxUsbDevice *u = i->Usb;
    FxGlobals *g = u->T.O.Globals;
    PUSBD_INTERFACE_INFORMATION info = &urb->UrbSelectInterface.Interface;
    const ULONG head = sizeof(USBD_INTERFACE_INFORMATION) - sizeof(USBD_PIPE_INFORMATION);
    FxUsbPipe **pipes = NULL;
    NTSTATUS s;
    if (i->Pipes && i->Current == info->AlternateSetting)
        return STATUS_SUCCESS;
    if (urb->UrbHeader.Length < head || info->Length < head)
        return STATUS_INVALID_PARAMETER;
    ULONG count = (UCHAR)((info->Length - head) / sizeof(USBD_PIPE_INFORMATION)); /* DOC: NumberOfPipes is the stack's answer */
    FxRequest *r = FxRequestNew(g, NULL, &s);
    if (!r)
        return s;
    s = make_pipes(i, a, count, &pipes);
    if (NT_SUCCESS(s)) {
        if (i->Pipes)
            unconfigure(i);
        s = FxUsbSendUrb(&u->T, r, urb, WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE, 2);
    }
    if (NT_SUCCESS(s))
        configure(i, pipes, count, info);
    else
        drop_pipes(pipes, count, TRUE);
    FxObject_DeleteObject(FX(r));
    return s;
}

static NTSTATUS select_number(FxUsbInterface *i, const WDF_OBJECT_ATTRIBUTES *a, ULONG endpoints, UCHAR setting)
{
    if (i->Pipes && i->Current == setting)
        return STATUS_SUCCESS;
    PURB urb = FxPoolAllocate(i->O.Globals, NonPagedPoolNx, max(setting_size(endpoints), sizeof(struct _URB_SELECT_INTERFACE)), FX_TAG);
    if (!urb)
        return STATUS_INSUFFICIENT_RESOURCES;
    format_setting(i, urb, endpoints, setting);
    NTSTATUS s = select_setting(i, a, urb);
    ExFreePoolWithTag(urb, FX_TAG);
    return s;
}

static NTSTATUS size_is(FxGlobals *g, PVOID structure, ULONG size, ULONG wanted)
{
    if (size == wanted)
        return STATUS_SUCCESS;
    FXLOG(g, StructureSize, P64(structure), size, wanted, S64(STATUS_INFO_LENGTH_MISMATCH));
    return STATUS_INFO_LENGTH_MISMATCH;
}

NTSTATUS imp_WdfUsbInterfaceSelectSetting(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface, PWDF_OBJECT_ATTRIBUTES PipesAttributes,
                                          PWDF_USB_INTERFACE_SELECT_SETTING_PARAMS Params)
{
    FxGlobals *g = FxGet(G);
    FxUsbInterface *i = interface_of(G, UsbInterface);
    FX_NOT_NULL(g, Params);
    FX_PASSIVE(g);
    NTSTATUS s = size_is(g, Params, Params->Size, sizeof *Params);
    if (NT_SUCCESS(s))
        s = FxValidateObjectAttributes(g, PipesAttributes, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    PUSB_INTERFACE_DESCRIPTOR d = Params->Types.Descriptor.InterfaceDescriptor;
    PURB urb = Params->Types.Urb.Urb;
    UCHAR setting = Params->Types.Interface.SettingIndex;
    switch (Params->Type) {
    case WdfUsbInterfaceSelectSettingTypeDescriptor:
        if (!d)
            return STATUS_INVALID_PARAMETER;
        if (i->Pipes && i->Current == d->bAlternateSetting)
            return STATUS_SUCCESS;
        return d->bInterfaceNumber == i->Number ? select_number(i, PipesAttributes, d->bNumEndpoints, d->bAlternateSetting) : STATUS_INVALID_PARAMETER;
    case WdfUsbInterfaceSelectSettingTypeSetting:
        return setting < i->SettingCount ? select_number(i, PipesAttributes, i->Settings[setting]->bNumEndpoints, setting) : STATUS_INVALID_PARAMETER;
    case WdfUsbInterfaceSelectSettingTypeUrb:
        if (!urb || urb->UrbHeader.Function != URB_FUNCTION_SELECT_INTERFACE || urb->UrbHeader.Length < sizeof(struct _URB_SELECT_INTERFACE) - sizeof(USBD_PIPE_INFORMATION))
            return STATUS_INVALID_PARAMETER;
        return select_setting(i, PipesAttributes, urb);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* ---- configurations ---- */

typedef struct {
    FxUsbInterface *Interface;
    PUSBD_INTERFACE_INFORMATION Info;
    FxUsbPipe **Pipes;
    ULONG Count;
} Choice;

/* What the URB says, an entry an interface, with its new pipes; the old ones go. */
static NTSTATUS choose(FxUsbDevice *u, const WDF_OBJECT_ATTRIBUTES *a, PURB urb, Choice *c, ULONG *count)
{
    PUCHAR end = (PUCHAR)urb + urb->UrbHeader.Length;
    for (PUCHAR at = (PUCHAR)&urb->UrbSelectConfiguration.Interface; at < end; at += ((PUSBD_INTERFACE_INFORMATION)at)->Length) {
        PUSBD_INTERFACE_INFORMATION info = (PUSBD_INTERFACE_INFORMATION)at;
        FxUsbInterface *i = info->NumberOfPipes <= 0xff && *count < u->Count && info->Length ? by_number(u, info->InterfaceNumber) : NULL;
        if (!i) {
            FXLOG(u->T.O.Globals, UsbNoInterface, P64(FxHandle(u)), info->InterfaceNumber, S64(STATUS_INVALID_DEVICE_REQUEST));
            return STATUS_INVALID_DEVICE_REQUEST;
        }
        Choice *x = &c[(*count)++];
        x->Interface = i;
        x->Info = info;
        x->Count = info->NumberOfPipes;
        NTSTATUS s = make_pipes(i, a, x->Count, &x->Pipes);
        if (!NT_SUCCESS(s))
            return s;
        if (i->Pipes)
            unconfigure(i);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS select_again(FxUsbDevice *u, FxRequest *r, Choice *x)
{
    if (!x->Count)
        return STATUS_SUCCESS;
    PURB urb = FxPoolAllocate(u->T.O.Globals, NonPagedPoolNx, setting_size(x->Count), FX_TAG);
    if (!urb)
        return STATUS_INSUFFICIENT_RESOURCES;
    format_setting(x->Interface, urb, x->Count, x->Info->AlternateSetting);
    NTSTATUS s = FxUsbSendUrb(&u->T, r, urb, WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE, 2);
    if (NT_SUCCESS(s))
        RtlCopyMemory(x->Info, &urb->UrbSelectInterface.Interface, urb->UrbSelectInterface.Interface.Length);
    ExFreePoolWithTag(urb, FX_TAG);
    return s;
}

static NTSTATUS select_config(FxUsbDevice *u, const WDF_OBJECT_ATTRIBUTES *a, PURB urb, UCHAR *configured)
{
    FxGlobals *g = u->T.O.Globals;
    ULONG count = 0;
    NTSTATUS s = STATUS_INSUFFICIENT_RESOURCES;
    Choice *c = FxPoolAllocate(g, NonPagedPoolNx, u->Count * sizeof *c, FX_TAG);
    FxRequest *r = c ? FxRequestNew(g, NULL, &s) : NULL;
    if (!r)
        goto out;
    s = choose(u, a, urb, c, &count);
    if (NT_SUCCESS(s))
        s = FxUsbSendUrb(&u->T, r, urb, WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE, 2);
    if (NT_SUCCESS(s))
        u->Config = urb->UrbSelectConfiguration.ConfigurationHandle;
    else
        FXLOG(g, UsbSelectConfig, P64(FxHandle(u)), S64(s));
    for (ULONG n = 0; n < count && NT_SUCCESS(s); n++) {
        if (n)
            s = select_again(u, r, &c[n]);
        if (!NT_SUCCESS(s))
            break;
        configure(c[n].Interface, c[n].Pipes, c[n].Count, c[n].Info);
        c[n].Pipes = NULL;
    }
    if (NT_SUCCESS(s) && configured)
        *configured = (UCHAR)count;
out:
    for (ULONG n = 0; n < count; n++)
        drop_pipes(c[n].Pipes, c[n].Count, TRUE);
    if (r)
        FxObject_DeleteObject(FX(r));
    if (c)
        ExFreePoolWithTag(c, FX_TAG);
    return s;
}

/* The list ends with a NULL descriptor. */
static NTSTATUS select_list(FxUsbDevice *u, const WDF_OBJECT_ATTRIBUTES *a, PUSB_CONFIGURATION_DESCRIPTOR config, PUSB_INTERFACE_DESCRIPTOR *list, UCHAR *configured)
{
    ULONG size = FIELD_OFFSET(struct _URB_SELECT_CONFIGURATION, Interface);
    for (ULONG n = 0; list[n]; n++)
        size += GET_USBD_INTERFACE_SIZE(list[n]->bNumEndpoints);
    PURB urb = size <= MAXUSHORT ? FxPoolAllocate(u->T.O.Globals, NonPagedPoolNx, max(size, sizeof(struct _URB_SELECT_CONFIGURATION)), FX_TAG) : NULL;
    if (!urb)
        return STATUS_INSUFFICIENT_RESOURCES;
    urb->UrbHeader.Length = (USHORT)size;
    urb->UrbHeader.Function = URB_FUNCTION_SELECT_CONFIGURATION;
    urb->UrbSelectConfiguration.ConfigurationDescriptor = config;
    PUCHAR at = (PUCHAR)&urb->UrbSelectConfiguration.Interface;
    for (ULONG n = 0; list[n]; n++) {
        PUSBD_INTERFACE_INFORMATION info = (PUSBD_INTERFACE_INFORMATION)at;
        info->InterfaceNumber = list[n]->bInterfaceNumber;
        info->AlternateSetting = list[n]->bAlternateSetting;
        info->NumberOfPipes = list[n]->bNumEndpoints;
        info->Length = (USHORT)GET_USBD_INTERFACE_SIZE(info->NumberOfPipes);
        for (ULONG p = 0; p < info->NumberOfPipes; p++)
            info->Pipes[p].MaximumTransferSize = USBD_DEFAULT_MAXIMUM_TRANSFER_SIZE;
        at += info->Length;
    }
    NTSTATUS s = select_config(u, a, urb, configured);
    ExFreePoolWithTag(urb, FX_TAG);
    return s;
}

static PUSB_INTERFACE_DESCRIPTOR *list_of(FxUsbDevice *u, ULONG count)
{
    return FxPoolAllocate(u->T.O.Globals, NonPagedPoolNx, (count + 1) * sizeof(PVOID), FX_TAG);
}

static NTSTATUS select_single(FxUsbDevice *u, const WDF_OBJECT_ATTRIBUTES *a, PWDF_USB_DEVICE_SELECT_CONFIG_PARAMS p)
{
    PUSB_INTERFACE_DESCRIPTOR list[2] = { 0 };
    RtlZeroMemory(&p->Types.SingleInterface, sizeof p->Types.SingleInterface);
    if (u->Count > 1) {
        FXLOG(u->T.O.Globals, UsbNotSingle, P64(FxHandle(u)), u->Count, S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    list[0] = u->Interfaces[0]->Settings[0];
    NTSTATUS s = select_list(u, a, u->ConfigDescriptor, list, NULL);
    if (NT_SUCCESS(s)) {
        p->Types.SingleInterface.NumberConfiguredPipes = (UCHAR)u->Interfaces[0]->PipeCount;
        p->Types.SingleInterface.ConfiguredUsbInterface = (WDFUSBINTERFACE)FxHandle(u->Interfaces[0]);
    }
    return s;
}

static NTSTATUS select_descriptors(FxUsbDevice *u, const WDF_OBJECT_ATTRIBUTES *a, PWDF_USB_DEVICE_SELECT_CONFIG_PARAMS p)
{
    ULONG count = p->Types.Descriptor.NumInterfaceDescriptors;
    if (!p->Types.Descriptor.InterfaceDescriptors || !count)
        return STATUS_INVALID_PARAMETER;
    for (ULONG n = 0; n < count; n++)
        if (!p->Types.Descriptor.InterfaceDescriptors[n])
            return STATUS_INVALID_PARAMETER;
    PUSB_INTERFACE_DESCRIPTOR *list = list_of(u, count);
    if (!list)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(list, p->Types.Descriptor.InterfaceDescriptors, count * sizeof *list);
    PUSB_CONFIGURATION_DESCRIPTOR config = p->Types.Descriptor.ConfigurationDescriptor;
    NTSTATUS s = select_list(u, a, config ? config : u->ConfigDescriptor, list, NULL);
    ExFreePoolWithTag(list, FX_TAG);
    return s;
}

/* Pairs: each interface once; an interface that is named twice counts once. */
static NTSTATUS pairs_list(FxUsbDevice *u, PWDF_DRIVER_GLOBALS G, PWDF_USB_DEVICE_SELECT_CONFIG_PARAMS p, PUSB_INTERFACE_DESCRIPTOR *list)
{
    ULONG count = 0;
    for (ULONG n = 0; n < p->Types.MultiInterface.NumberInterfaces; n++) {
        PWDF_USB_INTERFACE_SETTING_PAIR pair = &p->Types.MultiInterface.Pairs[n];
        FxUsbInterface *i = interface_of(G, pair->UsbInterface);
        BOOLEAN seen = FALSE;
        if (pair->SettingIndex >= i->SettingCount)
            return STATUS_INVALID_PARAMETER;
        for (ULONG m = 0; m < count; m++)
            seen |= list[m]->bInterfaceNumber == i->Number;
        if (!seen)
            list[count++] = i->Settings[pair->SettingIndex];
    }
    return count < u->Count ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static NTSTATUS select_multi(FxUsbDevice *u, PWDF_DRIVER_GLOBALS G, const WDF_OBJECT_ATTRIBUTES *a, PWDF_USB_DEVICE_SELECT_CONFIG_PARAMS p)
{
    BOOLEAN pairs = p->Type == WdfUsbTargetDeviceSelectConfigTypeInterfacesPairs;
    NTSTATUS s = STATUS_SUCCESS;
    if (pairs && (!p->Types.MultiInterface.Pairs || p->Types.MultiInterface.NumberInterfaces != u->Count)) {
        FXLOG(u->T.O.Globals, UsbPairs, P64(FxHandle(u)), p->Types.MultiInterface.NumberInterfaces, u->Count, S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    p->Types.MultiInterface.NumberOfConfiguredInterfaces = 0;
    PUSB_INTERFACE_DESCRIPTOR *list = list_of(u, u->Count);
    if (!list)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (pairs)
        s = pairs_list(u, G, p, list);
    else
        for (ULONG n = 0; n < u->Count; n++)
            list[n] = u->Interfaces[n]->Settings[0];
    if (NT_SUCCESS(s))
        s = select_list(u, a, u->ConfigDescriptor, list, &p->Types.MultiInterface.NumberOfConfiguredInterfaces);
    ExFreePoolWithTag(list, FX_TAG);
    return s;
}

/* GUESS: the configuration's handle is forgotten. */
static NTSTATUS deconfigure(FxUsbDevice *u)
{
    struct _URB_SELECT_CONFIGURATION urb = { { sizeof urb, URB_FUNCTION_SELECT_CONFIGURATION } };
    NTSTATUS s;
    FxRequest *r = FxRequestNew(u->T.O.Globals, NULL, &s);
    if (!r)
        return s;
    for (ULONG n = 0; n < u->Count; n++)
        if (u->Interfaces[n]->Pipes)
            unconfigure(u->Interfaces[n]);
    s = FxUsbSendUrb(&u->T, r, (PURB)&urb, WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE, 0);
    FxObject_DeleteObject(FX(r));
    return s;
}

NTSTATUS imp_WdfUsbTargetDeviceSelectConfig(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PWDF_OBJECT_ATTRIBUTES PipeAttributes, PWDF_USB_DEVICE_SELECT_CONFIG_PARAMS Params)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FX_NOT_NULL(g, Params);
    FX_PASSIVE(g);
    NTSTATUS s = size_is(g, Params, Params->Size, sizeof *Params);
    if (!NT_SUCCESS(s))
        return s;
    if (Params->Type < WdfUsbTargetDeviceSelectConfigTypeDeconfig || Params->Type > WdfUsbTargetDeviceSelectConfigTypeUrb)
        return STATUS_INVALID_PARAMETER;
    s = FxValidateObjectAttributes(g, PipeAttributes, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    if (u->Mismatched)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!u->Count)
        return STATUS_SUCCESS;
    PURB urb = Params->Types.Urb.Urb;
    switch (Params->Type) {
    case WdfUsbTargetDeviceSelectConfigTypeDeconfig:
        return deconfigure(u);
    case WdfUsbTargetDeviceSelectConfigTypeSingleInterface:
        return select_single(u, PipeAttributes, Params);
    case WdfUsbTargetDeviceSelectConfigTypeInterfacesDescriptor:
        return select_descriptors(u, PipeAttributes, Params);
    case WdfUsbTargetDeviceSelectConfigTypeUrb:
        if (!urb || urb->UrbHeader.Function != URB_FUNCTION_SELECT_CONFIGURATION ||
            urb->UrbHeader.Length < sizeof(struct _URB_SELECT_CONFIGURATION) - sizeof(USBD_PIPE_INFORMATION))
            return STATUS_INVALID_PARAMETER;
        return select_config(u, PipeAttributes, urb, NULL);
    default:
        return select_multi(u, G, PipeAttributes, Params);
    }
}

/* ---- what an interface is ---- */

WDFUSBINTERFACE imp_WdfUsbTargetDeviceGetInterface(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, UCHAR InterfaceIndex)
{
    FxUsbDevice *u = device(FxGet(G), UsbDevice);
    return InterfaceIndex < u->Count ? (WDFUSBINTERFACE)FxHandle(u->Interfaces[InterfaceIndex]) : NULL;
}

BYTE imp_WdfUsbInterfaceGetInterfaceNumber(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface)
{
    return interface_of(G, UsbInterface)->Number;
}

BYTE imp_WdfUsbInterfaceGetNumSettings(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface)
{
    return interface_of(G, UsbInterface)->SettingCount;
}

BYTE imp_WdfUsbInterfaceGetNumEndpoints(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface, UCHAR SettingIndex)
{
    FxUsbInterface *i = interface_of(G, UsbInterface);
    return SettingIndex < i->SettingCount ? i->Settings[SettingIndex]->bNumEndpoints : 0;
}

VOID imp_WdfUsbInterfaceGetDescriptor(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface, UCHAR SettingIndex, PUSB_INTERFACE_DESCRIPTOR InterfaceDescriptor)
{
    FxUsbInterface *i = interface_of(G, UsbInterface);
    FX_NOT_NULL(FxGet(G), InterfaceDescriptor);
    RtlZeroMemory(InterfaceDescriptor, sizeof *InterfaceDescriptor);
    if (SettingIndex < i->SettingCount)
        *InterfaceDescriptor = *i->Settings[SettingIndex];
}

BYTE imp_WdfUsbInterfaceGetConfiguredSettingIndex(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE Interface)
{
    FxUsbInterface *i = interface_of(G, Interface);
    if (i->Pipes)
        return i->Current;
    FXLOG(i->O.Globals, UsbNotConfigured, P64(Interface));
    FxVerifierDbgBreakPoint(i->O.Globals, FX(i), __builtin_return_address(0));
    return 0;
}

BYTE imp_WdfUsbInterfaceGetNumConfiguredPipes(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface)
{
    return (BYTE)interface_of(G, UsbInterface)->PipeCount;
}

static BOOLEAN pipe_information_good(FxGlobals *g, FxUsbInterface *i, PWDF_USB_PIPE_INFORMATION p, PVOID caller)
{
    if (NT_SUCCESS(size_is(g, p, p->Size, sizeof *p)))
        return TRUE;
    FxVerifierDbgBreakPoint(g, FX(i), caller);
    return FALSE;
}

/* DOC: sizes that a descriptor does not have are those that the framework takes for granted. */
VOID imp_WdfUsbInterfaceGetEndpointInformation(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface, UCHAR SettingIndex, UCHAR EndpointIndex,
                                               PWDF_USB_PIPE_INFORMATION EndpointInfo)
{
    enum { HIGH_SPEED = 2 * 1024 * 1024, LOW_SPEED = 256 * 1024, CONTROL = 4 * 1024 };
    FxUsbInterface *i = interface_of(G, UsbInterface);
    FxUsbDevice *u = i->Usb;
    FX_NOT_NULL(FxGet(G), EndpointInfo);
    if (!pipe_information_good(FxGet(G), i, EndpointInfo, __builtin_return_address(0)) || SettingIndex >= i->SettingCount)
        return;
    PUCHAR end = (PUCHAR)next_interface(u, i->Settings[SettingIndex]);
    PUSB_ENDPOINT_DESCRIPTOR e = find(behind(i->Settings[SettingIndex]), end ? end : config_end(u), USB_ENDPOINT_DESCRIPTOR_TYPE);
    for (; e && EndpointIndex; EndpointIndex--)
        e = find(behind(e), end ? end : config_end(u), USB_ENDPOINT_DESCRIPTOR_TYPE);
    if (!e)
        return;
    EndpointInfo->MaximumPacketSize = e->wMaxPacketSize;
    EndpointInfo->EndpointAddress = e->bEndpointAddress;
    EndpointInfo->Interval = e->bInterval;
    EndpointInfo->SettingIndex = SettingIndex;
    EndpointInfo->PipeType = FxUsbPipeType((USBD_PIPE_TYPE)(e->bmAttributes & 3));
    EndpointInfo->MaximumTransferSize = EndpointInfo->PipeType == WdfUsbPipeTypeControl ? CONTROL : u->Traits & WDF_USB_DEVICE_TRAIT_AT_HIGH_SPEED ? HIGH_SPEED : LOW_SPEED;
}

WDFUSBPIPE imp_WdfUsbInterfaceGetConfiguredPipe(PWDF_DRIVER_GLOBALS G, WDFUSBINTERFACE UsbInterface, UCHAR PipeIndex, PWDF_USB_PIPE_INFORMATION PipeInfo)
{
    FxUsbInterface *i = interface_of(G, UsbInterface);
    if (PipeInfo && !pipe_information_good(FxGet(G), i, PipeInfo, __builtin_return_address(0)))
        return NULL;
    if (PipeIndex >= i->PipeCount)
        return NULL;
    WDFUSBPIPE h = (WDFUSBPIPE)FxHandle(i->Pipes[PipeIndex]);
    if (PipeInfo)
        imp_WdfUsbTargetPipeGetInformation(G, h, PipeInfo);
    return h;
}
