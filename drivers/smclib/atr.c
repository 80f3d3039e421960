/* SMCLIB.SYS: the answer to reset, ISO 7816-3: TS T0 [TA TB TC TD]... historical bytes [TCK]. */
#include <ntddk.h>
#include <smclib.h>

static CLOCK_RATE_CONVERSION clock_rates[16] = {{372, 4000000},  {372, 5000000},  {558, 6000000},   {744, 8000000},
                                                {1116, 12000000}, {1488, 16000000}, {1860, 20000000}, {0, 0},
                                                {0, 0},           {512, 5000000},   {768, 7500000},   {1024, 10000000},
                                                {1536, 15000000}, {2048, 20000000}, {0, 0},           {0, 0}};
static BIT_RATE_ADJUSTMENT bit_rates[16] = {{0, 0}, {1, 1}, {2, 1}, {4, 1}, {8, 1}, {16, 1}, {32, 1}, {0, 0},
                                            {12, 1}, {20, 1}, {1, 2}, {1, 4}, {1, 8}, {1, 16}, {1, 32}, {1, 64}};

enum { DEFAULT_CLOCK_KHZ = 3580, DEFAULT_RATE = 9600 };

struct reader {
    const UCHAR *at, *end;
    BOOLEAN bad;
};

static UCHAR next(struct reader *r)
{
    if (r->at < r->end)
        return *r->at++;
    r->bad = TRUE;
    return 0;
}

/* Least significant bit first, and the other polarity. */
VOID NTAPI SmartcardInvertData(PUCHAR Buffer, ULONG Length)
{
    for (ULONG i = 0; i < Length; i++) {
        UCHAR in = Buffer[i], out = 0;
        for (int bit = 0; bit < 8; bit++)
            out |= (UCHAR)(((in >> bit) & 1) << (7 - bit));
        Buffer[i] = (UCHAR)~out;
    }
}

/* The values of ISO 7816-3 for cards that say nothing. */
static VOID set_defaults(PSCARD_CARD_CAPABILITIES card)
{
    card->ClockRateConversion = clock_rates;
    card->BitRateAdjustment = bit_rates;
    card->Fl = card->Dl = 1;
    card->II = 50;
    card->P = 5;
    card->N = 0;
    card->Protocol.Supported = card->Protocol.Selected = 0;
    card->T0.WI = 10;
    card->T1.IFSC = T1_IFSC_DEFAULT;
    card->T1.CWI = T1_CWT_DEFAULT;
    card->T1.BWI = T1_BWT_DEFAULT;
    card->T1.EDC = 0;
    card->HistoricalChars.Length = 0;
}

/* Interface bytes. *specific: TA2 is there, the card works with what it names and negotiates nothing. */
static VOID read_interface_bytes(PSCARD_CARD_CAPABILITIES card, struct reader *r, UCHAR y, BOOLEAN *specific, BOOLEAN *checked)
{
    UCHAR protocol = 0;
    for (ULONG i = 1; !r->bad; i++) {
        if (y & 1) {
            UCHAR ta = next(r);
            if (i == 1)
                card->Fl = ta >> 4, card->Dl = ta & 15;
            else if (i == 2)
                *specific = TRUE, card->Protocol.Selected = 1u << (ta & 15);
            else if (protocol == 1)
                card->T1.IFSC = ta;
        }
        if (y & 2) {
            UCHAR tb = next(r);
            if (i > 2 && protocol == 1)
                card->T1.BWI = tb >> 4, card->T1.CWI = tb & 15;
        }
        if (y & 4) {
            UCHAR tc = next(r);
            if (i == 1)
                card->N = tc;
            else if (i == 2)
                card->T0.WI = tc;
            else if (protocol == 1)
                card->T1.EDC = tc & 1;
        }
        if (!(y & 8))
            break;
        UCHAR td = next(r);
        y = td >> 4;
        protocol = td & 15;
        *checked |= protocol != 0;
        if (protocol <= 1)
            card->Protocol.Supported |= 1u << protocol; /* SCARD_PROTOCOL_T0, _T1 */
    }
    if (!card->Protocol.Supported)
        card->Protocol.Supported = SCARD_PROTOCOL_T0;
}

static BOOLEAN checksum_fits(const UCHAR *atr, ULONG length)
{
    UCHAR sum = 0;
    for (ULONG i = 1; i < length; i++)
        sum ^= atr[i];
    return sum == 0;
}

static VOID compute_times(PSMARTCARD_EXTENSION SmartcardExtension)
{
    PSCARD_CARD_CAPABILITIES card = &SmartcardExtension->CardCapabilities;
    ULONG khz = SmartcardExtension->ReaderCapabilities.CLKFrequency.Default, f = clock_rates[card->Fl & 15].F;
    if (!khz)
        khz = DEFAULT_CLOCK_KHZ;
    if (!f)
        f = 372;
    card->etu = 1 + 372 * 1000 / khz;
    card->GT = card->N == 255 ? 0 : card->N * card->etu;
    card->T0.WT = (ULONG)((ULONGLONG)960 * card->T0.WI * f * 1000 / khz);
    card->T1.CWT = ((1u << card->T1.CWI) + 11) * card->etu;
    card->T1.BWT = (ULONG)((((ULONGLONG)1 << card->T1.BWI) * 960 * 372 * 1000) / khz) + 11 * card->etu;
    card->T1.BGT = 22 * card->etu;
    card->PtsData.Fl = card->Fl;
    card->PtsData.Dl = card->Dl;
    card->PtsData.CLKFrequency = khz;
    card->PtsData.DataRate = SmartcardExtension->ReaderCapabilities.DataRate.Default ? SmartcardExtension->ReaderCapabilities.DataRate.Default
                                                                                     : DEFAULT_RATE;
    card->PtsData.StopBits = card->N == 255 ? 1 : 2;
}

static NTSTATUS parse(PSMARTCARD_EXTENSION SmartcardExtension, BOOLEAN *specific)
{
    PSCARD_CARD_CAPABILITIES card = &SmartcardExtension->CardCapabilities;
    struct reader r = {card->ATR.Buffer, card->ATR.Buffer + card->ATR.Length, FALSE};
    BOOLEAN checked = FALSE;
    if (card->ATR.Length < 2 || card->ATR.Length > MAXIMUM_ATR_LENGTH)
        return STATUS_UNRECOGNIZED_MEDIA;
    if (card->ATR.Buffer[0] == 0x03) /* read with the wrong convention */
        SmartcardInvertData(card->ATR.Buffer, card->ATR.Length);
    if (card->ATR.Buffer[0] != 0x3B && card->ATR.Buffer[0] != 0x3F)
        return STATUS_UNRECOGNIZED_MEDIA;
    card->InversConvention = next(&r) == 0x3F;
    UCHAR t0 = next(&r);
    read_interface_bytes(card, &r, t0 >> 4, specific, &checked);
    for (UCHAR i = 0; i < (t0 & 15); i++)
        card->HistoricalChars.Buffer[card->HistoricalChars.Length++] = next(&r);
    if (r.bad || (checked && !checksum_fits(card->ATR.Buffer, card->ATR.Length)))
        return STATUS_UNRECOGNIZED_MEDIA;
    return STATUS_SUCCESS;
}

/* DOC: called by the driver when a reset gave an answer; tells what the card can, and whether there is something to negotiate. A driver
 * that knows its card's answer better parses it itself (RDF_ATR_PARSE). */
NTSTATUS NTAPI SmartcardUpdateCardCapabilities(PSMARTCARD_EXTENSION SmartcardExtension)
{
    BOOLEAN specific = FALSE;
    NTSTATUS status = STATUS_NOT_SUPPORTED;
    KIRQL irql;
    set_defaults(&SmartcardExtension->CardCapabilities);
    if (SmartcardExtension->ReaderFunction[RDF_ATR_PARSE])
        status = SmartcardExtension->ReaderFunction[RDF_ATR_PARSE](SmartcardExtension);
    if (status == STATUS_NOT_SUPPORTED)
        status = parse(SmartcardExtension, &specific);
    if (!NT_SUCCESS(status))
        return status;
    compute_times(SmartcardExtension);
    RtlZeroMemory(&SmartcardExtension->T1, sizeof SmartcardExtension->T1);
    SmartcardExtension->T1.IFSC = SmartcardExtension->CardCapabilities.T1.IFSC;
    SmartcardExtension->T1.IFSD = T1_IFSD_DEFAULT;
    AccessUnsafeData(&irql);
    SmartcardExtension->ReaderCapabilities.CurrentState = specific ? SCARD_SPECIFIC : SCARD_NEGOTIABLE;
    EndAccessUnsafeData(irql);
    return STATUS_SUCCESS;
}
