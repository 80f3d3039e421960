/* SMCLIB.SYS: the control codes. One request at a time under the mutex; IS_PRESENT and IS_ABSENT stand beside, since they may stay
 * pending for long. What needs the reader goes to the driver's callbacks. DOC: winsmcrd.h's control codes, "Smart Card Callback
 * Parameters". */
#include <ntddk.h>
#include <smclib.h>

static ULONG current_state(PSMARTCARD_EXTENSION SmartcardExtension)
{
    KIRQL irql;
    AccessUnsafeData(&irql);
    ULONG state = SmartcardExtension->ReaderCapabilities.CurrentState;
    EndAccessUnsafeData(irql);
    return state;
}

static NTSTATUS call_reader(PSMARTCARD_EXTENSION SmartcardExtension, ULONG function)
{
    if (!SmartcardExtension->ReaderFunction[function])
        return STATUS_NOT_SUPPORTED;
    return SmartcardExtension->ReaderFunction[function](SmartcardExtension);
}

/* ---- present, absent ---- */

/* An IRP that is marked pending stays so, whatever the callback says: one that it does not want is completed, and still was pending. */
static VOID start_tracking(PSMARTCARD_EXTENSION SmartcardExtension, PIRP Irp)
{
    KIRQL irql;
    NTSTATUS status = call_reader(SmartcardExtension, RDF_CARD_TRACKING);
    if (status == STATUS_PENDING)
        return;
    AccessUnsafeData(&irql);
    SmartcardExtension->OsData->NotificationIrp = NULL;
    EndAccessUnsafeData(irql);
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/* The IRP is the driver's from the callback on: its cancel routine and whoever sees the card's movement settle between them, through
 * NotificationIrp, who completes it. */
static NTSTATUS track(PSMARTCARD_EXTENSION SmartcardExtension, PIRP Irp, ULONG code)
{
    BOOLEAN want_present = code == IOCTL_SMARTCARD_IS_PRESENT, present;
    NTSTATUS status = STATUS_PENDING;
    KIRQL irql;
    if (!SmartcardExtension->ReaderFunction[RDF_CARD_TRACKING])
        return STATUS_NOT_SUPPORTED;
    AccessUnsafeData(&irql);
    present = SmartcardExtension->ReaderCapabilities.CurrentState > SCARD_ABSENT;
    if (SmartcardExtension->OsData->NotificationIrp)
        status = STATUS_DEVICE_BUSY;
    else if (SmartcardExtension->ReaderCapabilities.CurrentState == SCARD_UNKNOWN)
        status = STATUS_INVALID_DEVICE_STATE;
    else if (present == want_present)
        status = STATUS_SUCCESS;
    else {
        IoMarkIrpPending(Irp);
        SmartcardExtension->OsData->NotificationIrp = Irp;
        SmartcardExtension->MajorIoControlCode = code;
    }
    EndAccessUnsafeData(irql);
    if (status == STATUS_PENDING)
        start_tracking(SmartcardExtension, Irp);
    return status;
}

/* DOC: the driver calls this when a card came or went. */
VOID NTAPI SmartcardCompleteCardTracking(PSMARTCARD_EXTENSION SmartcardExtension)
{
    KIRQL irql;
    PIRP irp;
    IoAcquireCancelSpinLock(&irql);
    if (SmartcardExtension->OsData->NotificationIrp)
        IoSetCancelRoutine(SmartcardExtension->OsData->NotificationIrp, NULL);
    IoReleaseCancelSpinLock(irql);
    AccessUnsafeData(&irql);
    irp = SmartcardExtension->OsData->NotificationIrp;
    SmartcardExtension->OsData->NotificationIrp = NULL;
    EndAccessUnsafeData(irql);
    if (!irp)
        return;
    irp->IoStatus.Status = irp->Cancel ? STATUS_CANCELLED : STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

/* ---- attributes ---- */

static NTSTATUS give(PSMARTCARD_EXTENSION SmartcardExtension, const void *data, ULONG length)
{
    if (SmartcardExtension->IoRequest.ReplyBufferLength < length)
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(SmartcardExtension->IoRequest.ReplyBuffer, data, length);
    *SmartcardExtension->IoRequest.Information = length;
    return STATUS_SUCCESS;
}

static NTSTATUS give_number(PSMARTCARD_EXTENSION SmartcardExtension, ULONG number)
{
    return give(SmartcardExtension, &number, sizeof number);
}

static NTSTATUS give_text(PSMARTCARD_EXTENSION SmartcardExtension, const void *text, ULONG length)
{
    return length ? give(SmartcardExtension, text, length) : STATUS_NOT_SUPPORTED;
}

static UCHAR presence(PSMARTCARD_EXTENSION SmartcardExtension)
{
    ULONG state = current_state(SmartcardExtension);
    return state <= SCARD_ABSENT ? 0 : state == SCARD_SWALLOWED ? 2 : 1;
}

static NTSTATUS vendor_attribute(PSMARTCARD_EXTENSION SmartcardExtension, ULONG tag)
{
    const VENDOR_ATTR *v = &SmartcardExtension->VendorAttr;
    switch (tag) {
    case SCARD_ATTR_VENDOR_NAME:
        return give_text(SmartcardExtension, v->VendorName.Buffer, v->VendorName.Length);
    case SCARD_ATTR_VENDOR_IFD_TYPE:
        return give_text(SmartcardExtension, v->IfdType.Buffer, v->IfdType.Length);
    case SCARD_ATTR_VENDOR_IFD_SERIAL_NO:
        return give_text(SmartcardExtension, v->IfdSerialNo.Buffer, v->IfdSerialNo.Length);
    case SCARD_ATTR_VENDOR_IFD_VERSION:
        return give(SmartcardExtension, &v->IfdVersion, sizeof v->IfdVersion);
    case SCARD_ATTR_DEVICE_UNIT:
        return give_number(SmartcardExtension, v->UnitNo);
    default:
        return STATUS_NOT_SUPPORTED;
    }
}

static NTSTATUS reader_attribute(PSMARTCARD_EXTENSION SmartcardExtension, ULONG tag)
{
    const SCARD_READER_CAPABILITIES *r = &SmartcardExtension->ReaderCapabilities;
    switch (tag) {
    case SCARD_ATTR_PROTOCOL_TYPES:
        return give_number(SmartcardExtension, r->SupportedProtocols);
    case SCARD_ATTR_CHANNEL_ID:
        return give_number(SmartcardExtension, r->ReaderType << 16 | r->Channel);
    case SCARD_ATTR_DEFAULT_CLK:
        return give_number(SmartcardExtension, r->CLKFrequency.Default);
    case SCARD_ATTR_MAX_CLK:
        return give_number(SmartcardExtension, r->CLKFrequency.Max);
    case SCARD_ATTR_DEFAULT_DATA_RATE:
        return give_number(SmartcardExtension, r->DataRate.Default);
    case SCARD_ATTR_MAX_DATA_RATE:
        return give_number(SmartcardExtension, r->DataRate.Max);
    case SCARD_ATTR_MAX_IFSD:
        return give_number(SmartcardExtension, r->MaxIFSD);
    case SCARD_ATTR_POWER_MGMT_SUPPORT:
        return give_number(SmartcardExtension, r->PowerMgmtSupport);
    case SCARD_ATTR_CHARACTERISTICS:
        return give_number(SmartcardExtension, r->MechProperties);
    default:
        return vendor_attribute(SmartcardExtension, tag);
    }
}

static NTSTATUS card_attribute(PSMARTCARD_EXTENSION SmartcardExtension, ULONG tag)
{
    const SCARD_CARD_CAPABILITIES *c = &SmartcardExtension->CardCapabilities;
    UCHAR byte;
    switch (tag) {
    case SCARD_ATTR_ATR_STRING:
        return current_state(SmartcardExtension) <= SCARD_ABSENT ? STATUS_NO_MEDIA
                                                                 : give_text(SmartcardExtension, c->ATR.Buffer, c->ATR.Length);
    case SCARD_ATTR_ICC_PRESENCE:
        byte = presence(SmartcardExtension);
        return give(SmartcardExtension, &byte, 1);
    case SCARD_ATTR_ICC_INTERFACE_STATUS:
        byte = current_state(SmartcardExtension) >= SCARD_NEGOTIABLE;
        return give(SmartcardExtension, &byte, 1);
    case SCARD_ATTR_ICC_TYPE_PER_ATR:
        byte = (c->Protocol.Supported & SCARD_PROTOCOL_Tx) ? 1 : 0;
        return give(SmartcardExtension, &byte, 1);
    case SCARD_ATTR_CURRENT_PROTOCOL_TYPE:
        return give_number(SmartcardExtension, c->Protocol.Selected);
    case SCARD_ATTR_CURRENT_CLK:
        return give_number(SmartcardExtension, c->PtsData.CLKFrequency);
    case SCARD_ATTR_CURRENT_N:
        return give_number(SmartcardExtension, c->N);
    case SCARD_ATTR_CURRENT_W:
        return give_number(SmartcardExtension, c->T0.WI);
    case SCARD_ATTR_CURRENT_IFSC:
        return give_number(SmartcardExtension, c->T1.IFSC);
    case SCARD_ATTR_CURRENT_IFSD:
        return give_number(SmartcardExtension, SmartcardExtension->ReaderCapabilities.MaxIFSD);
    case SCARD_ATTR_CURRENT_EBC_ENCODING:
        return give_number(SmartcardExtension, c->T1.EDC);
    default:
        return reader_attribute(SmartcardExtension, tag);
    }
}

static NTSTATUS get_attribute(PSMARTCARD_EXTENSION SmartcardExtension)
{
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(ULONG) || !SmartcardExtension->IoRequest.ReplyBufferLength)
        return STATUS_INVALID_PARAMETER;
    SmartcardExtension->MinorIoControlCode = *(PULONG)SmartcardExtension->IoRequest.RequestBuffer;
    return card_attribute(SmartcardExtension, SmartcardExtension->MinorIoControlCode);
}

static NTSTATUS set_attribute(PSMARTCARD_EXTENSION SmartcardExtension)
{
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(ULONG))
        return STATUS_INVALID_PARAMETER;
    SmartcardExtension->MinorIoControlCode = *(PULONG)SmartcardExtension->IoRequest.RequestBuffer;
    switch (SmartcardExtension->MinorIoControlCode) {
    case SCARD_ATTR_SUPRESS_T1_IFS_REQUEST:
        SmartcardExtension->T1.State = T1_START;
        return STATUS_SUCCESS;
    case SCARD_ATTR_DEVICE_IN_USE:
        return STATUS_SUCCESS;
    default:
        return STATUS_NOT_SUPPORTED;
    }
}

/* ---- power, protocol, transmission ---- */

static NTSTATUS power(PSMARTCARD_EXTENSION SmartcardExtension)
{
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(ULONG))
        return STATUS_INVALID_PARAMETER;
    SmartcardExtension->MinorIoControlCode = *(PULONG)SmartcardExtension->IoRequest.RequestBuffer;
    if (SmartcardExtension->MinorIoControlCode > SCARD_WARM_RESET)
        return STATUS_INVALID_PARAMETER;
    if (current_state(SmartcardExtension) <= SCARD_ABSENT)
        return STATUS_NO_MEDIA;
    if (SmartcardExtension->MinorIoControlCode != SCARD_POWER_DOWN && SmartcardExtension->IoRequest.ReplyBufferLength < MAXIMUM_ATR_LENGTH)
        return STATUS_BUFFER_TOO_SMALL;
    return call_reader(SmartcardExtension, RDF_CARD_POWER);
}

static NTSTATUS set_protocol(PSMARTCARD_EXTENSION SmartcardExtension)
{
    SCARD_CARD_CAPABILITIES *card = &SmartcardExtension->CardCapabilities;
    ULONG state = current_state(SmartcardExtension), wanted;
    NTSTATUS status;
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(ULONG))
        return STATUS_INVALID_PARAMETER;
    if (SmartcardExtension->IoRequest.ReplyBufferLength < sizeof(ULONG))
        return STATUS_BUFFER_TOO_SMALL;
    wanted = *(PULONG)SmartcardExtension->IoRequest.RequestBuffer;
    if (state <= SCARD_ABSENT)
        return STATUS_NO_MEDIA;
    if (state == SCARD_SPECIFIC)
        return wanted & card->Protocol.Selected ? give_number(SmartcardExtension, card->Protocol.Selected) : STATUS_INVALID_DEVICE_STATE;
    if (state != SCARD_NEGOTIABLE)
        return STATUS_INVALID_DEVICE_STATE;
    if (!(wanted & card->Protocol.Supported & SmartcardExtension->ReaderCapabilities.SupportedProtocols))
        return STATUS_NOT_SUPPORTED;
    card->PtsData.Type = wanted & SCARD_PROTOCOL_DEFAULT ? PTS_TYPE_DEFAULT : PTS_TYPE_OPTIMAL;
    SmartcardExtension->MinorIoControlCode = wanted & card->Protocol.Supported;
    status = call_reader(SmartcardExtension, RDF_SET_PROTOCOL);
    return NT_SUCCESS(status) && status != STATUS_PENDING ? give_number(SmartcardExtension, card->Protocol.Selected) : status;
}

static NTSTATUS transmit(PSMARTCARD_EXTENSION SmartcardExtension)
{
    PPERF_INFO perf = SmartcardExtension->PerfInfo;
    PSCARD_IO_REQUEST request = (PSCARD_IO_REQUEST)SmartcardExtension->IoRequest.RequestBuffer;
    ULONG state = current_state(SmartcardExtension);
    NTSTATUS status;
    if (state <= SCARD_ABSENT)
        return STATUS_NO_MEDIA;
    if (state != SCARD_SPECIFIC)
        return STATUS_INVALID_DEVICE_STATE;
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(SCARD_IO_REQUEST))
        return STATUS_INVALID_PARAMETER;
    if (SmartcardExtension->IoRequest.ReplyBufferLength < sizeof(SCARD_IO_REQUEST))
        return STATUS_BUFFER_TOO_SMALL;
    if (request->dwProtocol != SmartcardExtension->CardCapabilities.Protocol.Selected)
        return STATUS_INVALID_DEVICE_STATE;
    perf->NumTransmissions++;
    perf->BytesSent += SmartcardExtension->IoRequest.RequestBufferLength;
    status = call_reader(SmartcardExtension, RDF_TRANSMIT);
    perf->BytesReceived += *SmartcardExtension->IoRequest.Information;
    return status;
}

static NTSTATUS last_error(PSMARTCARD_EXTENSION SmartcardExtension)
{
    NTSTATUS status = give_number(SmartcardExtension, SmartcardExtension->LastError);
    if (NT_SUCCESS(status))
        SmartcardExtension->LastError = 0;
    return status;
}

static NTSTATUS perf_counters(PSMARTCARD_EXTENSION SmartcardExtension)
{
    const PERF_INFO *perf = SmartcardExtension->PerfInfo;
    ULONG numbers[3] = {perf->NumTransmissions, perf->BytesSent, perf->BytesReceived};
    return give(SmartcardExtension, numbers, sizeof numbers);
}

static NTSTATUS move_card(PSMARTCARD_EXTENSION SmartcardExtension, ULONG function)
{
    return current_state(SmartcardExtension) <= SCARD_ABSENT && SmartcardExtension->ReaderFunction[function]
               ? STATUS_NO_MEDIA
               : call_reader(SmartcardExtension, function);
}

enum { FIRST_VENDOR_FUNCTION = 2048 };

static NTSTATUS dispatch(PSMARTCARD_EXTENSION SmartcardExtension)
{
    switch (SmartcardExtension->MajorIoControlCode) {
    case IOCTL_SMARTCARD_POWER:
        return power(SmartcardExtension);
    case IOCTL_SMARTCARD_GET_ATTRIBUTE:
        return get_attribute(SmartcardExtension);
    case IOCTL_SMARTCARD_SET_ATTRIBUTE:
        return set_attribute(SmartcardExtension);
    case IOCTL_SMARTCARD_CONFISCATE:
        return move_card(SmartcardExtension, RDF_CARD_CONFISCATE);
    case IOCTL_SMARTCARD_EJECT:
        return move_card(SmartcardExtension, RDF_CARD_EJECT);
    case IOCTL_SMARTCARD_SWALLOW:
        return move_card(SmartcardExtension, RDF_READER_SWALLOW);
    case IOCTL_SMARTCARD_TRANSMIT:
        return transmit(SmartcardExtension);
    case IOCTL_SMARTCARD_SET_PROTOCOL:
        return set_protocol(SmartcardExtension);
    case IOCTL_SMARTCARD_GET_STATE:
        return give_number(SmartcardExtension, current_state(SmartcardExtension));
    case IOCTL_SMARTCARD_GET_LAST_ERROR:
        return last_error(SmartcardExtension);
    case IOCTL_SMARTCARD_GET_PERF_CNTR:
        return perf_counters(SmartcardExtension);
    default:
        return ((SmartcardExtension->MajorIoControlCode >> 2) & 0xFFF) >= FIRST_VENDOR_FUNCTION
                   ? call_reader(SmartcardExtension, RDF_IOCTL_VENDOR)
                   : STATUS_INVALID_DEVICE_REQUEST;
    }
}

static VOID set_up(PSMARTCARD_EXTENSION SmartcardExtension, PIRP Irp)
{
    PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(Irp);
    Irp->IoStatus.Information = 0;
    SmartcardExtension->OsData->CurrentIrp = Irp;
    SmartcardExtension->MajorIoControlCode = at->Parameters.DeviceIoControl.IoControlCode;
    SmartcardExtension->MinorIoControlCode = 0;
    SmartcardExtension->IoRequest.Information = (PULONG)&Irp->IoStatus.Information;
    SmartcardExtension->IoRequest.RequestBuffer = SmartcardExtension->IoRequest.ReplyBuffer = Irp->AssociatedIrp.SystemBuffer;
    SmartcardExtension->IoRequest.RequestBufferLength = at->Parameters.DeviceIoControl.InputBufferLength;
    SmartcardExtension->IoRequest.ReplyBufferLength = at->Parameters.DeviceIoControl.OutputBufferLength;
    SmartcardExtension->SmartcardRequest.BufferLength = 0;
    SmartcardExtension->SmartcardReply.BufferLength = 0;
}

/* A request that a callback left pending (CurrentIrp still set) keeps the reader busy until the driver completes it. */
static NTSTATUS control(PSMARTCARD_EXTENSION SmartcardExtension, PIRP Irp)
{
    NTSTATUS status;
    KeWaitForSingleObject(&SmartcardExtension->OsData->Mutex, Executive, KernelMode, FALSE, NULL);
    if (SmartcardExtension->OsData->CurrentIrp) {
        status = STATUS_DEVICE_BUSY;
    } else {
        set_up(SmartcardExtension, Irp);
        status = dispatch(SmartcardExtension);
        if (status != STATUS_PENDING)
            SmartcardExtension->OsData->CurrentIrp = NULL;
    }
    KeReleaseMutex(&SmartcardExtension->OsData->Mutex, FALSE);
    return status;
}

NTSTATUS NTAPI SmartcardDeviceControl(PSMARTCARD_EXTENSION SmartcardExtension, PIRP Irp)
{
    ULONG code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    NTSTATUS status;
    if (SmartcardExtension->Version < SMCLIB_VERSION_REQUIRED || !SmartcardExtension->OsData)
        status = STATUS_UNSUCCESSFUL;
    else if (code == IOCTL_SMARTCARD_IS_PRESENT || code == IOCTL_SMARTCARD_IS_ABSENT)
        status = track(SmartcardExtension, Irp, code);
    else
        status = control(SmartcardExtension, Irp);
    if (status != STATUS_PENDING) {
        if (!NT_SUCCESS(status))
            Irp->IoStatus.Information = 0;
        Irp->IoStatus.Status = status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
    }
    return status;
}
