/* A WDM smart card reader without hardware: smclib does the control codes, a card in software does T=0 and T=1. */
#include <ntddk.h>
#include <smclib.h>
#include "codes.h"

enum { MEMORY = 256, IFS = 32 };

struct _READER_EXTENSION {
    UNICODE_STRING Link;
    UCHAR Memory[MEMORY];
    /* T=1, the card's side */
    UCHAR In[MEMORY + 8], Out[MEMORY + 8];
    ULONG InLength, OutLength, OutSent;
    UCHAR Sequence, WaitAsked, Garbled;
    UCHAR Last[MEMORY];
    ULONG LastLength;
};

typedef struct {
    SMARTCARD_EXTENSION Smartcard;
    struct _READER_EXTENSION Reader;
} EXTENSION;

/* ---- the card ---- */

/* An APDU of cases 2 and 3: header, then Lc bytes or Le. */
static ULONG card_command(PREADER_EXTENSION card, const UCHAR *apdu, ULONG length, UCHAR *reply)
{
    ULONG n = 0;
    if (length > 5 && apdu[1] == INS_WRITE)
        RtlCopyMemory(card->Memory, apdu + 5, length - 5);
    else if (length == 5 && apdu[1] != INS_WRITE)
        for (n = 0; n < apdu[4]; n++)
            reply[n] = card->Memory[n % MEMORY];
    else {
        reply[0] = 0x67; /* wrong length */
        reply[1] = 0;
        return 2;
    }
    reply[n++] = 0x90;
    reply[n++] = 0;
    return n;
}

static UCHAR checksum(const UCHAR *bytes, ULONG length)
{
    UCHAR sum = 0;
    while (length--)
        sum ^= *bytes++;
    return sum;
}

static void send_block(PREADER_EXTENSION card, PSMARTCARD_REPLY to, UCHAR pcb, const UCHAR *inf, UCHAR length)
{
    to->Buffer[0] = 0;
    to->Buffer[1] = pcb;
    to->Buffer[2] = length;
    RtlCopyMemory(to->Buffer + 3, inf, length);
    to->Buffer[3 + length] = checksum(to->Buffer, 3 + length);
    to->BufferLength = length + 4;
    RtlCopyMemory(card->Last, to->Buffer, to->BufferLength);
    card->LastLength = to->BufferLength;
}

static void send_part(PREADER_EXTENSION card, PSMARTCARD_REPLY to)
{
    ULONG left = card->OutLength - card->OutSent;
    UCHAR part = (UCHAR)(left > IFS ? IFS : left);
    send_block(card, to, (UCHAR)(card->Sequence << 6 | (left > IFS ? 0x20 : 0)), card->Out + card->OutSent, part);
    card->OutSent += part;
    card->Sequence ^= 1;
}

static void card_answers(PREADER_EXTENSION card, PSMARTCARD_REPLY to)
{
    UCHAR two = 2;
    if (card->In[1] == INS_SLOW && !card->WaitAsked) {
        card->WaitAsked = TRUE;
        send_block(card, to, 0xC3, &two, 1);
        return;
    }
    card->OutLength = card_command(card, card->In, card->InLength, card->Out);
    card->OutSent = 0;
    send_part(card, to);
    if (card->In[1] == INS_GARBLED && !card->Garbled) {
        card->Garbled = TRUE;
        to->Buffer[to->BufferLength - 1] ^= 0xFF;
    }
    card->InLength = 0;
}

static void card_block(PREADER_EXTENSION card, const UCHAR *b, ULONG length, PSMARTCARD_REPLY to)
{
    UCHAR pcb = b[1];
    if (pcb == 0xC1) { /* IFS request */
        send_block(card, to, 0xE1, b + 3, 1);
    } else if (pcb == 0xC0) {
        card->Sequence = 0;
        send_block(card, to, 0xE0, NULL, 0);
    } else if (pcb == 0xE3) {
        card_answers(card, to);
    } else if ((pcb & 0xC0) == 0x80) { /* R-block: the next part, or the last block once more */
        if ((pcb & 0x0F) || (pcb >> 4 & 1) != card->Sequence) {
            RtlCopyMemory(to->Buffer, card->Last, card->LastLength);
            to->BufferLength = card->LastLength;
        } else {
            send_part(card, to);
        }
    } else {
        RtlCopyMemory(card->In + card->InLength, b + 3, b[2]);
        card->InLength += b[2];
        if (pcb & 0x20)
            send_block(card, to, (UCHAR)(0x80 | (pcb & 0x40 ? 0 : 0x10)), NULL, 0); /* N(R): the next one expected */
        else
            card_answers(card, to);
    }
    UNREFERENCED_PARAMETER(length);
}

/* ---- callbacks ---- */

static NTSTATUS card_power(PSMARTCARD_EXTENSION SmartcardExtension)
{
    /* T=0 and T=1, two historical bytes, checksum. */
    static const UCHAR atr[] = {0x3B, 0x82, 0x80, 0x01, 'i', 'l', 0x06};
    KIRQL irql;
    if (SmartcardExtension->MinorIoControlCode == SCARD_POWER_DOWN) {
        AccessUnsafeData(&irql);
        SmartcardExtension->ReaderCapabilities.CurrentState = SCARD_PRESENT;
        EndAccessUnsafeData(irql);
        SmartcardExtension->CardCapabilities.ATR.Length = 0;
        SmartcardExtension->CardCapabilities.Protocol.Selected = SCARD_PROTOCOL_UNDEFINED;
        return STATUS_SUCCESS;
    }
    RtlCopyMemory(SmartcardExtension->CardCapabilities.ATR.Buffer, atr, sizeof atr);
    SmartcardExtension->CardCapabilities.ATR.Length = sizeof atr;
    SmartcardExtension->ReaderExtension->Sequence = 0;
    RtlCopyMemory(SmartcardExtension->IoRequest.ReplyBuffer, atr, sizeof atr);
    *SmartcardExtension->IoRequest.Information = sizeof atr;
    return SmartcardUpdateCardCapabilities(SmartcardExtension);
}

static NTSTATUS set_protocol(PSMARTCARD_EXTENSION SmartcardExtension)
{
    ULONG wanted = SmartcardExtension->MinorIoControlCode;
    KIRQL irql;
    SmartcardExtension->CardCapabilities.Protocol.Selected = wanted & SCARD_PROTOCOL_T1 ? SCARD_PROTOCOL_T1 : SCARD_PROTOCOL_T0;
    AccessUnsafeData(&irql);
    SmartcardExtension->ReaderCapabilities.CurrentState = SCARD_SPECIFIC;
    EndAccessUnsafeData(irql);
    return STATUS_SUCCESS;
}

static NTSTATUS transmit_t0(PSMARTCARD_EXTENSION SmartcardExtension)
{
    NTSTATUS status = SmartcardT0Request(SmartcardExtension);
    if (!NT_SUCCESS(status))
        return status;
    SmartcardExtension->SmartcardReply.BufferLength =
        card_command(SmartcardExtension->ReaderExtension, SmartcardExtension->SmartcardRequest.Buffer,
                     SmartcardExtension->SmartcardRequest.BufferLength, SmartcardExtension->SmartcardReply.Buffer);
    return SmartcardT0Reply(SmartcardExtension);
}

static NTSTATUS transmit_t1(PSMARTCARD_EXTENSION SmartcardExtension)
{
    NTSTATUS status;
    SmartcardExtension->ReaderExtension->WaitAsked = FALSE;
    do {
        SmartcardExtension->SmartcardRequest.BufferLength = 0;
        status = SmartcardT1Request(SmartcardExtension);
        if (!NT_SUCCESS(status))
            return status;
        card_block(SmartcardExtension->ReaderExtension, SmartcardExtension->SmartcardRequest.Buffer,
                   SmartcardExtension->SmartcardRequest.BufferLength, &SmartcardExtension->SmartcardReply);
        status = SmartcardT1Reply(SmartcardExtension);
    } while (status == STATUS_MORE_PROCESSING_REQUIRED);
    return status;
}

static NTSTATUS transmit(PSMARTCARD_EXTENSION SmartcardExtension)
{
    return SmartcardExtension->CardCapabilities.Protocol.Selected == SCARD_PROTOCOL_T1 ? transmit_t1(SmartcardExtension)
                                                                                       : transmit_t0(SmartcardExtension);
}

static BOOLEAN take_notification(PSMARTCARD_EXTENSION SmartcardExtension, PIRP Irp)
{
    KIRQL irql;
    AccessUnsafeData(&irql);
    BOOLEAN ours = SmartcardExtension->OsData->NotificationIrp == Irp;
    if (ours)
        SmartcardExtension->OsData->NotificationIrp = NULL;
    EndAccessUnsafeData(irql);
    return ours;
}

static VOID cancel_tracking(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    EXTENSION *e = DeviceObject->DeviceExtension;
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    if (!take_notification(&e->Smartcard, Irp))
        return;
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS track(PSMARTCARD_EXTENSION SmartcardExtension)
{
    PIRP irp = SmartcardExtension->OsData->NotificationIrp;
    NTSTATUS status = STATUS_PENDING;
    KIRQL irql;
    IoAcquireCancelSpinLock(&irql);
    if (irp->Cancel)
        status = STATUS_CANCELLED;
    else
        IoSetCancelRoutine(irp, cancel_tracking);
    IoReleaseCancelSpinLock(irql);
    return status;
}

static NTSTATUS vendor(PSMARTCARD_EXTENSION SmartcardExtension)
{
    KIRQL irql;
    if (SmartcardExtension->MajorIoControlCode != IOCTL_READER_INSERT && SmartcardExtension->MajorIoControlCode != IOCTL_READER_REMOVE)
        return STATUS_INVALID_DEVICE_REQUEST;
    AccessUnsafeData(&irql);
    SmartcardExtension->ReaderCapabilities.CurrentState = SmartcardExtension->MajorIoControlCode == IOCTL_READER_INSERT ? SCARD_PRESENT
                                                                                                                        : SCARD_ABSENT;
    EndAccessUnsafeData(irql);
    SmartcardCompleteCardTracking(SmartcardExtension);
    return STATUS_SUCCESS;
}

/* ---- the driver ---- */

static NTSTATUS control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    EXTENSION *e = DeviceObject->DeviceExtension;
    NTSTATUS status = SmartcardAcquireRemoveLock(&e->Smartcard);
    if (!NT_SUCCESS(status)) {
        Irp->IoStatus.Status = status;
        Irp->IoStatus.Information = 0;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return status;
    }
    status = SmartcardDeviceControl(&e->Smartcard, Irp);
    SmartcardReleaseRemoveLock(&e->Smartcard);
    return status;
}

static NTSTATUS open_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID unload(PDRIVER_OBJECT DriverObject)
{
    EXTENSION *e = DriverObject->DeviceObject->DeviceExtension;
    SmartcardAcquireRemoveLock(&e->Smartcard);
    SmartcardReleaseRemoveLockAndWait(&e->Smartcard);
    SmartcardDeleteLink(&e->Reader.Link);
    SmartcardExit(&e->Smartcard);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static void describe(PSMARTCARD_EXTENSION s)
{
    s->Version = SMCLIB_VERSION;
    RtlCopyMemory(s->VendorAttr.VendorName.Buffer, "Lab", 3);
    s->VendorAttr.VendorName.Length = 3;
    RtlCopyMemory(s->VendorAttr.IfdType.Buffer, "Paper", 5);
    s->VendorAttr.IfdType.Length = 5;
    s->VendorAttr.UnitNo = 7;
    s->ReaderCapabilities.SupportedProtocols = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;
    s->ReaderCapabilities.ReaderType = SCARD_READER_TYPE_VENDOR;
    s->ReaderCapabilities.CLKFrequency.Default = s->ReaderCapabilities.CLKFrequency.Max = 3571;
    s->ReaderCapabilities.DataRate.Default = s->ReaderCapabilities.DataRate.Max = 9600;
    s->ReaderCapabilities.MaxIFSD = 254;
    s->ReaderFunction[RDF_CARD_POWER] = card_power;
    s->ReaderFunction[RDF_SET_PROTOCOL] = set_protocol;
    s->ReaderFunction[RDF_TRANSMIT] = transmit;
    s->ReaderFunction[RDF_CARD_TRACKING] = track;
    s->ReaderFunction[RDF_IOCTL_VENDOR] = vendor;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\ContractReader");
    PDEVICE_OBJECT device;
    UNREFERENCED_PARAMETER(RegistryPath);
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(EXTENSION), &name, FILE_DEVICE_SMARTCARD, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    EXTENSION *e = device->DeviceExtension;
    e->Smartcard.Version = SMCLIB_VERSION_REQUIRED - 1;
    if (SmartcardInitialize(&e->Smartcard) != STATUS_UNSUCCESSFUL || e->Smartcard.OsData)
        status = STATUS_REVISION_MISMATCH;
    describe(&e->Smartcard);
    e->Smartcard.ReaderExtension = &e->Reader;
    if (NT_SUCCESS(status))
        status = SmartcardInitialize(&e->Smartcard);
    if (NT_SUCCESS(status)) {
        e->Smartcard.ReaderCapabilities.CurrentState = SCARD_ABSENT;
        status = SmartcardCreateLink(&e->Reader.Link, &name);
        if (!NT_SUCCESS(status))
            SmartcardExit(&e->Smartcard);
    }
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DriverObject->MajorFunction[IRP_MJ_CLOSE] = open_close;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
