/* Pool and lookaside lists. */
#include "contract_driver.h"

static BOOLEAN IsZero(PUCHAR Bytes, SIZE_T Count)
{
    for (SIZE_T i = 0; i < Count; i++)
        if (Bytes[i])
            return FALSE;
    return TRUE;
}

static VOID Families(PCONTRACT t)
{
    PVOID p;

    p = ExAllocatePoolWithTag(NonPagedPoolNx, 100, CONTRACT_TAG);
    CHECK(p && !((ULONG_PTR)p & 15));
    ExFreePoolWithTag(p, CONTRACT_TAG);
    p = ExAllocatePoolWithTag(PagedPool, 100, CONTRACT_TAG);
    CHECK(p && !((ULONG_PTR)p & 15));
    ExFreePool(p);
    p = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, CONTRACT_TAG);
    CHECK(p && !((ULONG_PTR)p & (PAGE_SIZE - 1)));
    ExFreePoolWithTag(p, CONTRACT_TAG);
    p = ExAllocatePoolWithTag(NonPagedPoolNx, 5 * PAGE_SIZE + 1, CONTRACT_TAG);
    CHECK(p && !((ULONG_PTR)p & (PAGE_SIZE - 1)));
    ExFreePoolWithTag(p, CONTRACT_TAG);
    p = ExAllocatePoolWithQuotaTag((POOL_TYPE)(PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE), 64, CONTRACT_TAG);
    CHECK(p != NULL);
    ExFreePoolWithTag(p, CONTRACT_TAG);
    p = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 64, CONTRACT_TAG, NormalPoolPriority);
    CHECK(p != NULL);
    ExFreePoolWithTag(p, CONTRACT_TAG);
}

static VOID Zeroed(PCONTRACT t)
{
    for (SIZE_T size = 16; size <= 2 * PAGE_SIZE; size *= 8) {
        /* So that there is something that must be cleared. */
        PUCHAR dirty = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, size, CONTRACT_TAG), p;
        CHECK(dirty != NULL);
        RtlFillMemory(dirty, size, 0xee);
        ExFreePoolWithTag(dirty, CONTRACT_TAG);
        p = (PUCHAR)ExAllocatePool2(POOL_FLAG_NON_PAGED, size, CONTRACT_TAG);
        CHECK(p && IsZero(p, size));
        ExFreePoolWithTag(p, CONTRACT_TAG);
        p = (PUCHAR)ExAllocatePoolZero(NonPagedPoolNx, size, CONTRACT_TAG);
        CHECK(p && IsZero(p, size));
        ExFreePoolWithTag(p, CONTRACT_TAG);
    }
}

static VOID FlagsForm(PCONTRACT t)
{
    PVOID p = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED, 48, CONTRACT_TAG);

    CHECK(p != NULL);
    ExFreePool(p);
    p = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, 48, CONTRACT_TAG);
    CHECK(p && !((ULONG_PTR)p & 63));
    ExFreePoolWithTag(p, CONTRACT_TAG);
    /* DOC: exactly one kind of pool must be named. GUESS: two are answered by NULL. */
    CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED, 48, CONTRACT_TAG) == NULL);
}

static VOID Writable(PCONTRACT t)
{
    PUCHAR blocks[32];
    ULONG wrong = 0;

    for (ULONG i = 0; i < RTL_NUMBER_OF(blocks); i++) {
        blocks[i] = (PUCHAR)ExAllocatePoolWithTag(i & 1 ? PagedPool : NonPagedPoolNx, 8 + 24 * i, CONTRACT_TAG);
        if (blocks[i])
            RtlFillMemory(blocks[i], 8 + 24 * i, (UCHAR)i);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(blocks); i++) {
        for (ULONG j = 0; blocks[i] && j < 8 + 24 * i; j++)
            wrong += blocks[i][j] != (UCHAR)i;
        CHECK(blocks[i] != NULL);
        if (blocks[i])
            ExFreePoolWithTag(blocks[i], CONTRACT_TAG);
    }
    CHECK_EQ(wrong, 0);
}

static VOID AtDispatchLevel(PCONTRACT t)
{
    KIRQL irql;
    PVOID p;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    p = ExAllocatePoolWithTag(NonPagedPoolNx, 32, CONTRACT_TAG);
    if (p)
        ExFreePoolWithTag(p, CONTRACT_TAG);
    KeLowerIrql(irql);
    CHECK(p != NULL);
}

static VOID Lookaside(PCONTRACT t)
{
    PNPAGED_LOOKASIDE_LIST list =
        (PNPAGED_LOOKASIDE_LIST)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(NPAGED_LOOKASIDE_LIST), CONTRACT_TAG);
    PVOID a, b;

    CHECK(list != NULL);
    if (!list)
        return;
    ExInitializeNPagedLookasideList(list, NULL, NULL, POOL_NX_ALLOCATION, 40, CONTRACT_TAG, 0);
    a = ExAllocateFromNPagedLookasideList(list);
    b = ExAllocateFromNPagedLookasideList(list);
    CHECK(a && b && a != b);
    ExFreeToNPagedLookasideList(list, a);
    ExFreeToNPagedLookasideList(list, b);
    a = ExAllocateFromNPagedLookasideList(list);
    CHECK(a != NULL);
    ExFreeToNPagedLookasideList(list, a);
    ExDeleteNPagedLookasideList(list);
    ExFreePoolWithTag(list, CONTRACT_TAG);
}

static VOID Mdls(PCONTRACT t)
{
    PUCHAR p = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, 2 * PAGE_SIZE, CONTRACT_TAG);
    PMDL mdl = IoAllocateMdl(p + 100, PAGE_SIZE, FALSE, FALSE, NULL);

    CHECK(p && mdl);
    if (mdl) {
        MmBuildMdlForNonPagedPool(mdl);
        CHECK(MmGetMdlVirtualAddress(mdl) == p + 100);
        CHECK_EQ(MmGetMdlByteCount(mdl), PAGE_SIZE);
        CHECK_EQ(MmGetMdlByteOffset(mdl), 100);
        CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute) == p + 100);
        CHECK_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(p + 100, PAGE_SIZE), 2);
        IoFreeMdl(mdl);
    }
    ExFreePoolWithTag(p, CONTRACT_TAG);
}

static const CONTRACT_TEST Tests[] = {
    {"families", Families},
    {"zeroed", Zeroed},
    {"by flags", FlagsForm},
    {"blocks do not overlap", Writable},
    {"at DISPATCH_LEVEL", AtDispatchLevel},
    {"lookaside lists", Lookaside},
    {"memory descriptor lists", Mdls},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
