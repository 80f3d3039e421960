/* SMCLIB.SYS: T=0, T=1 and raw transmissions between the caller's buffers (an SCARD_IO_REQUEST before the bytes) and what goes over the
 * line (SmartcardRequest, SmartcardReply). ISO 7816-3. BufferLength of the request may be set by the driver: bytes of its own header. */
#include <ntddk.h>
#include <smclib.h>

enum { HEADER = 5, SHORT_LE = 256, STATUS_WORDS = 2, PROLOGUE = 3, I_SEQUENCE = 0x40, I_MORE = 0x20, R_BLOCK = 0x80, R_SEQUENCE = 0x10 };

static const UCHAR *payload(PSMARTCARD_EXTENSION SmartcardExtension, ULONG *length)
{
    *length = SmartcardExtension->IoRequest.RequestBufferLength - sizeof(SCARD_IO_REQUEST);
    return SmartcardExtension->IoRequest.RequestBuffer + sizeof(SCARD_IO_REQUEST);
}

static NTSTATUS append(PSMARTCARD_EXTENSION SmartcardExtension, const void *bytes, ULONG length)
{
    PSMARTCARD_REQUEST r = &SmartcardExtension->SmartcardRequest;
    if (r->BufferLength + length > r->BufferSize)
        return STATUS_BUFFER_OVERFLOW;
    RtlCopyMemory(r->Buffer + r->BufferLength, bytes, length);
    r->BufferLength += length;
    return STATUS_SUCCESS;
}

/* Bytes for the caller: behind the SCARD_IO_REQUEST that says how they came. */
static NTSTATUS answer(PSMARTCARD_EXTENSION SmartcardExtension, ULONG protocol, const void *bytes, ULONG length)
{
    SCARD_IO_REQUEST head = {protocol, sizeof head};
    if (SmartcardExtension->IoRequest.ReplyBufferLength < sizeof head + length)
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(SmartcardExtension->IoRequest.ReplyBuffer, &head, sizeof head);
    RtlMoveMemory(SmartcardExtension->IoRequest.ReplyBuffer + sizeof head, bytes, length);
    *SmartcardExtension->IoRequest.Information = sizeof head + length;
    return STATUS_SUCCESS;
}

/* ---- T=0 ---- */

NTSTATUS NTAPI SmartcardT0Request(PSMARTCARD_EXTENSION SmartcardExtension)
{
    UCHAR header[HEADER] = {0};
    ULONG length;
    const UCHAR *apdu = payload(SmartcardExtension, &length);
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(SCARD_IO_REQUEST) || length < HEADER - 1)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(header, apdu, length < HEADER ? length : HEADER);
    SmartcardExtension->T0.Lc = length > HEADER ? header[4] : 0;
    SmartcardExtension->T0.Le = length == HEADER ? (header[4] ? header[4] : SHORT_LE) : 0;
    if (length > HEADER && length != HEADER + SmartcardExtension->T0.Lc && length != HEADER + SmartcardExtension->T0.Lc + 1)
        return STATUS_INVALID_PARAMETER;
    if (SmartcardExtension->IoRequest.ReplyBufferLength < sizeof(SCARD_IO_REQUEST) + SmartcardExtension->T0.Le + STATUS_WORDS)
        return STATUS_BUFFER_TOO_SMALL;
    NTSTATUS status = append(SmartcardExtension, header, HEADER);
    return NT_SUCCESS(status) ? append(SmartcardExtension, apdu + HEADER, SmartcardExtension->T0.Lc) : status;
}

NTSTATUS NTAPI SmartcardT0Reply(PSMARTCARD_EXTENSION SmartcardExtension)
{
    if (SmartcardExtension->SmartcardReply.BufferLength < STATUS_WORDS)
        return STATUS_DEVICE_PROTOCOL_ERROR;
    return answer(SmartcardExtension, SCARD_PROTOCOL_T0, SmartcardExtension->SmartcardReply.Buffer, SmartcardExtension->SmartcardReply.BufferLength);
}

/* ---- raw ---- */

NTSTATUS NTAPI SmartcardRawRequest(PSMARTCARD_EXTENSION SmartcardExtension)
{
    ULONG length;
    const UCHAR *bytes = payload(SmartcardExtension, &length);
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(SCARD_IO_REQUEST))
        return STATUS_INVALID_PARAMETER;
    return append(SmartcardExtension, bytes, length);
}

NTSTATUS NTAPI SmartcardRawReply(PSMARTCARD_EXTENSION SmartcardExtension)
{
    return answer(SmartcardExtension, SCARD_PROTOCOL_RAW, SmartcardExtension->SmartcardReply.Buffer, SmartcardExtension->SmartcardReply.BufferLength);
}

/* ---- T=1 ----
 *
 * The driver calls Request, sends, receives, calls Reply, and begins again as long as that says STATUS_MORE_PROCESSING_REQUIRED. State is
 * what the next Request has to send. */

static USHORT crc(const UCHAR *bytes, ULONG length)
{
    USHORT sum = 0xFFFF;
    for (ULONG i = 0; i < length; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? (USHORT)(sum >> 1 ^ 0xA001) : (USHORT)(sum >> 1);
    }
    return sum;
}

static UCHAR lrc(const UCHAR *bytes, ULONG length)
{
    UCHAR sum = 0;
    for (ULONG i = 0; i < length; i++)
        sum ^= bytes[i];
    return sum;
}

static NTSTATUS block(PSMARTCARD_EXTENSION SmartcardExtension, UCHAR pcb, const UCHAR *inf, UCHAR length)
{
    UCHAR prologue[PROLOGUE] = {SmartcardExtension->T1.NAD, pcb, length};
    ULONG start = SmartcardExtension->SmartcardRequest.BufferLength;
    NTSTATUS status = append(SmartcardExtension, prologue, PROLOGUE);
    if (NT_SUCCESS(status))
        status = append(SmartcardExtension, inf, length);
    if (!NT_SUCCESS(status))
        return status;
    const UCHAR *bytes = SmartcardExtension->SmartcardRequest.Buffer + start;
    ULONG count = SmartcardExtension->SmartcardRequest.BufferLength - start;
    if (SmartcardExtension->CardCapabilities.T1.EDC & T1_CRC_CHECK) {
        USHORT sum = crc(bytes, count);
        UCHAR edc[2] = {(UCHAR)(sum >> 8), (UCHAR)sum};
        return append(SmartcardExtension, edc, 2);
    }
    UCHAR edc = lrc(bytes, count);
    return append(SmartcardExtension, &edc, 1);
}

static BOOLEAN begins(ULONG state)
{
    return state == T1_INIT || state == T1_START || state == T1_ERROR;
}

static NTSTATUS i_block(PSMARTCARD_EXTENSION SmartcardExtension)
{
    PT1_DATA t = &SmartcardExtension->T1;
    ULONG length;
    const UCHAR *apdu = payload(SmartcardExtension, &length);
    ULONG part = length - t->BytesSent;
    t->MoreData = part > t->IFSC;
    t->InfBytesSent = (UCHAR)(t->MoreData ? t->IFSC : part);
    t->BytesToSend = part;
    return block(SmartcardExtension, (UCHAR)((t->SSN ? I_SEQUENCE : 0) | (t->MoreData ? I_MORE : 0)), apdu + t->BytesSent, t->InfBytesSent);
}

NTSTATUS NTAPI SmartcardT1Request(PSMARTCARD_EXTENSION SmartcardExtension)
{
    PT1_DATA t = &SmartcardExtension->T1;
    UCHAR ifsd = (UCHAR)(SmartcardExtension->ReaderCapabilities.MaxIFSD && SmartcardExtension->ReaderCapabilities.MaxIFSD < T1_IFSD
                             ? SmartcardExtension->ReaderCapabilities.MaxIFSD
                             : T1_IFSD);
    if (SmartcardExtension->IoRequest.RequestBufferLength < sizeof(SCARD_IO_REQUEST))
        return STATUS_INVALID_PARAMETER;
    t->Wtx = 0;
    if (begins(t->State)) {
        t->BytesSent = t->BytesReceived = 0;
        t->Resend = t->Resynch = 0;
        t->State = t->State == T1_INIT ? T1_IFS_REQUEST : t->State == T1_ERROR ? T1_RESYNCH_REQUEST : T1_I_BLOCK;
    }
    switch (t->State) {
    case T1_IFS_REQUEST:
        t->IFSD = ifsd;
        return block(SmartcardExtension, T1_IFS_REQUEST, &ifsd, 1);
    case T1_RESYNCH_REQUEST:
        return block(SmartcardExtension, T1_RESYNCH_REQUEST, NULL, 0);
    case T1_IFS_RESPONSE:
        return block(SmartcardExtension, T1_IFS_RESPONSE, &t->IFSC, 1);
    case T1_WTX_RESPONSE:
        t->Wtx = t->OriginalState;
        return block(SmartcardExtension, T1_WTX_RESPONSE, &t->Wtx, 1);
    case T1_ABORT_RESPONSE:
        return block(SmartcardExtension, T1_ABORT_RESPONSE, NULL, 0);
    case T1_R_BLOCK:
        return block(SmartcardExtension, (UCHAR)(R_BLOCK | (t->RSN ? R_SEQUENCE : 0) | t->LastError), NULL, 0);
    default:
        return i_block(SmartcardExtension);
    }
}

static NTSTATUS fail(PT1_DATA t)
{
    t->State = T1_ERROR;
    t->SSN = t->RSN = 0;
    return STATUS_IO_DEVICE_ERROR;
}

/* A block that did not come through: ask for it again, at most three times, then begin anew with a resynchronisation. */
static NTSTATUS again(PT1_DATA t, UCHAR error)
{
    if (t->Resend++ < T1_MAX_RETRIES) {
        t->LastError = error;
        t->State = T1_R_BLOCK;
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    return fail(t);
}

static NTSTATUS take_i_block(PSMARTCARD_EXTENSION SmartcardExtension, UCHAR pcb, const UCHAR *inf, UCHAR length)
{
    PT1_DATA t = &SmartcardExtension->T1;
    PUCHAR out = SmartcardExtension->IoRequest.ReplyBuffer + sizeof(SCARD_IO_REQUEST);
    if (!!(pcb & I_SEQUENCE) != t->RSN)
        return again(t, T1_ERROR_OTHER);
    if (!t->BytesReceived) { /* the first of an answer also acknowledges the last of the request */
        t->BytesSent += t->InfBytesSent;
        t->SSN ^= 1;
    }
    t->RSN ^= 1;
    t->Resend = 0;
    t->LastError = 0;
    if (SmartcardExtension->IoRequest.ReplyBufferLength < sizeof(SCARD_IO_REQUEST) + t->BytesReceived + length)
        return fail(t), STATUS_BUFFER_TOO_SMALL;
    RtlMoveMemory(out + t->BytesReceived, inf, length);
    t->BytesReceived += length;
    if (pcb & I_MORE) {
        t->State = T1_R_BLOCK;
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    t->State = T1_START;
    return answer(SmartcardExtension, SCARD_PROTOCOL_T1, out, t->BytesReceived);
}

static NTSTATUS take_r_block(PT1_DATA t, UCHAR pcb)
{
    BOOLEAN acknowledged = !!(pcb & R_SEQUENCE) != t->SSN;
    if (acknowledged && t->MoreData) {
        t->BytesSent += t->InfBytesSent;
        t->SSN ^= 1;
        t->Resend = 0;
    } else if (t->Resend++ >= T1_MAX_RETRIES) {
        return fail(t);
    }
    t->State = T1_I_BLOCK;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS take_s_block(PT1_DATA t, UCHAR pcb, const UCHAR *inf, UCHAR length)
{
    switch (pcb) {
    case T1_IFS_RESPONSE:
    case T1_RESYNCH_RESPONSE:
        if (pcb == T1_RESYNCH_RESPONSE)
            t->SSN = t->RSN = 0;
        t->State = T1_I_BLOCK;
        return STATUS_MORE_PROCESSING_REQUIRED;
    case T1_IFS_REQUEST:
        if (length != 1)
            return again(t, T1_ERROR_OTHER);
        t->IFSC = *inf;
        t->State = T1_IFS_RESPONSE;
        return STATUS_MORE_PROCESSING_REQUIRED;
    case T1_WTX_REQUEST:
        if (length != 1)
            return again(t, T1_ERROR_OTHER);
        t->OriginalState = *inf; /* the multiplier, until it is answered */
        t->State = T1_WTX_RESPONSE;
        return STATUS_MORE_PROCESSING_REQUIRED;
    case T1_ABORT_REQUEST:
        t->State = T1_ABORT_RESPONSE;
        return STATUS_MORE_PROCESSING_REQUIRED;
    default:
        return fail(t);
    }
}

NTSTATUS NTAPI SmartcardT1Reply(PSMARTCARD_EXTENSION SmartcardExtension)
{
    PT1_DATA t = &SmartcardExtension->T1;
    const UCHAR *bytes = SmartcardExtension->SmartcardReply.Buffer;
    ULONG length = SmartcardExtension->SmartcardReply.BufferLength;
    ULONG edc = SmartcardExtension->CardCapabilities.T1.EDC & T1_CRC_CHECK ? 2 : 1;
    SmartcardExtension->SmartcardRequest.BufferLength = 0;
    if (length < PROLOGUE + edc || bytes[2] != length - PROLOGUE - edc)
        return again(t, T1_ERROR_OTHER);
    if (edc == 1 ? lrc(bytes, length) != 0 : crc(bytes, length - 2) != (bytes[length - 2] << 8 | bytes[length - 1]))
        return again(t, T1_ERROR_CHKSUM);
    if (!(bytes[1] & 0x80))
        return take_i_block(SmartcardExtension, bytes[1], bytes + PROLOGUE, bytes[2]);
    if (!(bytes[1] & 0x40))
        return take_r_block(t, bytes[1]);
    return take_s_block(t, bytes[1], bytes + PROLOGUE, bytes[2]);
}
