/* DbgPrint: what it prints is compared by the runner with expected.txt; here, what it returns. */
#include "contract_driver.h"

static VOID Lines(PCONTRACT t)
{
    UNICODE_STRING counted = RTL_CONSTANT_STRING(L"counted");
    ANSI_STRING ansi = RTL_CONSTANT_STRING("ansi");

    CHECK_STATUS(DbgPrint("contract: plain\n"), STATUS_SUCCESS);
    CHECK_STATUS(DbgPrint("contract: %d %u %x %X %08x\n", -1, 2u, 0xab, 0xAB, 0x1234), STATUS_SUCCESS);
    CHECK_STATUS(DbgPrint("contract: %s %S %ws\n", "narrow", L"wide", L"too"), STATUS_SUCCESS);
    CHECK_STATUS(DbgPrint("contract: %wZ %Z\n", &counted, &ansi), STATUS_SUCCESS);
    CHECK_STATUS(DbgPrint("contract: %I64x %I64d %p\n", 0x123456789aULL, -7LL, (PVOID)0x1000), STATUS_SUCCESS);
    CHECK_STATUS(DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "contract: an error\n"), STATUS_SUCCESS);
    DbgPrint("contract: one line in ");
    DbgPrint("two parts\n");
}

static VOID AtDispatchLevel(PCONTRACT t)
{
    KIRQL irql;
    ULONG status;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = DbgPrint("contract: at level %u\n", (ULONG)KeGetCurrentIrql());
    KeLowerIrql(irql);
    CHECK_STATUS(status, STATUS_SUCCESS);
}

static const CONTRACT_TEST Tests[] = {
    {"lines", Lines},
    {"at DISPATCH_LEVEL", AtDispatchLevel},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
