/* Failures as text, for the one source of a driver that includes this. No formatting function of the kernel is used to report: the kernel is what is tested. */
#ifndef CONTRACT_TEXT_H
#define CONTRACT_TEXT_H

static VOID Put(PCONTRACT t, PCSTR Text)
{
    for (; *Text && t->Used < CONTRACT_TEXT - 2; Text++)
        t->Text[t->Used++] = *Text;
}

static VOID PutNumber(PCONTRACT t, ULONG64 Value, ULONG Base)
{
    CHAR digits[24];
    LONG i = 23;

    digits[i] = 0;
    do {
        digits[--i] = "0123456789abcdef"[Value % Base];
        Value /= Base;
    } while (Value);
    Put(t, &digits[i]);
}

static VOID PutStart(PCONTRACT t, ULONG Line, PCSTR What)
{
    t->Failures++;
    Put(t, "line ");
    PutNumber(t, Line, 10);
    Put(t, ": ");
    Put(t, What);
}

VOID ContractFail(PCONTRACT t, ULONG Line, PCSTR What)
{
    PutStart(t, Line, What);
    Put(t, "\n");
}

VOID ContractFailValues(PCONTRACT t, ULONG Line, PCSTR What, ULONG64 Is, ULONG64 Expected)
{
    PutStart(t, Line, What);
    Put(t, " is 0x");
    PutNumber(t, Is, 16);
    Put(t, ", not 0x");
    PutNumber(t, Expected, 16);
    Put(t, "\n");
}

#endif
