/* Memory by MDL, contiguous and mapped memory, sections, copies that may fail. */
#include "contract_driver.h"

enum { TAG = 'tseM' };

static VOID Mdls(PCONTRACT t)
{
    PUCHAR buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 3 * PAGE_SIZE, TAG);
    PMDL mdl, part;

    if (!buffer)
        return;
    CHECK_EQ(MmSizeOfMdl(buffer, PAGE_SIZE), sizeof(MDL) + sizeof(PFN_NUMBER));
    CHECK_EQ(MmSizeOfMdl(buffer + 1, PAGE_SIZE), sizeof(MDL) + 2 * sizeof(PFN_NUMBER));
    mdl = IoAllocateMdl(buffer + 100, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    CHECK(mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL);
    CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == buffer + 100);
    CHECK(MmGetMdlVirtualAddress(mdl) == buffer + 100 && MmGetMdlByteCount(mdl) == 2 * PAGE_SIZE && MmGetMdlByteOffset(mdl) == 100);
    CHECK_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), MmGetMdlByteCount(mdl)), 3);
    CHECK_EQ(MmGetMdlPfnArray(mdl)[0], MmGetPhysicalAddress(buffer).QuadPart >> PAGE_SHIFT);

    part = IoAllocateMdl(buffer + 100, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    IoBuildPartialMdl(mdl, part, buffer + 200, 300);
    CHECK(MmGetMdlByteCount(part) == 300 && MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == buffer + 200);
    IoBuildPartialMdl(mdl, part, buffer + 100 + 50, 0); /* DOC: a length of zero means the rest */
    CHECK_EQ(MmGetMdlByteCount(part), 2 * PAGE_SIZE - 50);
    MmPrepareMdlForReuse(part);
    IoFreeMdl(part);

    /* DOC: MmAdvanceMdl. */
    CHECK_STATUS(MmAdvanceMdl(mdl, 2 * PAGE_SIZE + 1), STATUS_INVALID_PARAMETER_2);
    IoFreeMdl(mdl);
    ExFreePoolWithTag(buffer, TAG);
}

static VOID PagesForMdl(PCONTRACT t)
{
    PHYSICAL_ADDRESS low, high, skip;
    PMDL mdl;
    PUCHAR at;
    ULONG i;

    low.QuadPart = skip.QuadPart = 0;
    high.QuadPart = (LONGLONG)-1;
    mdl = MmAllocatePagesForMdlEx(low, high, skip, 3 * PAGE_SIZE, MmCached, 0);
    if (!mdl) {
        ContractFail(t, __LINE__, "no pages");
        return;
    }
    CHECK(MmGetMdlByteCount(mdl) == 3 * PAGE_SIZE && MmGetMdlByteOffset(mdl) == 0 && (mdl->MdlFlags & MDL_PAGES_LOCKED));
    at = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    CHECK(at != NULL && ((ULONG_PTR)at & (PAGE_SIZE - 1)) == 0);
    for (i = 0; at && i < 3 * PAGE_SIZE; i += 511)
        CHECK_EQ(at[i], 0); /* DOC: pages are zeroed unless MM_DONT_ZERO_ALLOCATION */
    if (at) {
        at[3 * PAGE_SIZE - 1] = 7;
        CHECK_EQ(MmGetPhysicalAddress(at + PAGE_SIZE).QuadPart >> PAGE_SHIFT, MmGetMdlPfnArray(mdl)[1]);
        MmUnmapLockedPages(at, mdl);
        CHECK(!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
        at = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
        CHECK(at && at[3 * PAGE_SIZE - 1] == 7);
        MmUnmapLockedPages(at, mdl);
    }
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
}

/* A view of the driver's memory for the process; written there, seen here. */
static VOID UserMapping(PCONTRACT t)
{
    PUCHAR buffer = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, TAG);
    PMDL mdl = IoAllocateMdl(buffer, PAGE_SIZE, FALSE, FALSE, NULL);
    PUCHAR volatile user = NULL;

    MmBuildMdlForNonPagedPool(mdl);
    buffer[5] = 1;
    __try {
        user = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE, NormalPagePriority);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        ContractFail(t, __LINE__, "it raised");
    }
    CHECK(user && (ULONG_PTR)user < (ULONG_PTR)MmHighestUserAddress);
    if (user) {
        CHECK_EQ(user[5], 1);
        user[6] = 2;
        CHECK_EQ(buffer[6], 2);
        MmUnmapLockedPages(user, mdl);
    }
    IoFreeMdl(mdl);
    ExFreePoolWithTag(buffer, TAG);
}

static VOID Contiguous(PCONTRACT t)
{
    PHYSICAL_ADDRESS low, high, boundary, at;
    PUCHAR p;

    low.QuadPart = boundary.QuadPart = 0;
    high.QuadPart = 0xFFFFFFFF;
    p = MmAllocateContiguousMemory(2 * PAGE_SIZE, high);
    CHECK(p != NULL);
    if (p) {
        at = MmGetPhysicalAddress(p);
        CHECK(at.QuadPart != 0 && (at.QuadPart & (PAGE_SIZE - 1)) == 0 && at.QuadPart + 2 * PAGE_SIZE <= 0x100000000LL);
        CHECK_EQ(MmGetPhysicalAddress(p + PAGE_SIZE + 17).QuadPart, at.QuadPart + PAGE_SIZE + 17);
        CHECK(MmGetVirtualForPhysical(at) == p);
        MmFreeContiguousMemory(p);
    }
    p = MmAllocateContiguousMemorySpecifyCache(100, low, high, boundary, MmNonCached);
    CHECK(p != NULL);
    if (p)
        MmFreeContiguousMemorySpecifyCache(p, 100, MmNonCached);
    p = MmAllocateNonCachedMemory(PAGE_SIZE);
    CHECK(p != NULL && ((ULONG_PTR)p & (PAGE_SIZE - 1)) == 0);
    if (p)
        MmFreeNonCachedMemory(p, PAGE_SIZE);
}

static VOID Reserved(PCONTRACT t)
{
    PUCHAR buffer = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, TAG), place, at;
    PMDL mdl;

    if (!buffer)
        return;
    buffer[9] = 77;
    mdl = IoAllocateMdl(buffer, PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    place = MmAllocateMappingAddress(4 * PAGE_SIZE, TAG);
    CHECK(place != NULL);
    if (place) {
        at = MmMapLockedPagesWithReservedMapping(place, TAG, mdl, MmCached);
        CHECK(at && at[9] == 77);
        if (at)
            MmUnmapReservedMapping(at, TAG, mdl);
        MmFreeMappingAddress(place, TAG);
    }
    IoFreeMdl(mdl);
    ExFreePoolWithTag(buffer, TAG);
}

/* DOC: MmCopyMemory: an address that cannot be read is a status, not a fault. */
static VOID Copies(PCONTRACT t)
{
    UCHAR from[32] = "from here", to[32];
    MM_COPY_ADDRESS address;
    SIZE_T bytes = 99;

    RtlZeroMemory(to, sizeof(to));
    address.VirtualAddress = from;
    CHECK_STATUS(MmCopyMemory(to, address, 10, MM_COPY_MEMORY_VIRTUAL, &bytes), STATUS_SUCCESS);
    CHECK(bytes == 10 && RtlCompareMemory(to, from, 10) == 10);
    address.VirtualAddress = (PUCHAR)MmSystemRangeStart + 0x30000000; /* nothing lies there */
    CHECK(!NT_SUCCESS(MmCopyMemory(to, address, 10, MM_COPY_MEMORY_VIRTUAL, &bytes)));
    CHECK_EQ(bytes, 0);
    address.PhysicalAddress = MmGetPhysicalAddress(from);
    CHECK_STATUS(MmCopyMemory(to, address, 4, MM_COPY_MEMORY_PHYSICAL, &bytes), STATUS_SUCCESS);
    CHECK(!NT_SUCCESS(MmCopyMemory(to, address, 4, MM_COPY_MEMORY_PHYSICAL | MM_COPY_MEMORY_VIRTUAL, &bytes)));
    CHECK(MmIsAddressValid(from) && !MmIsAddressValid((PUCHAR)MmSystemRangeStart + 0x30000000));
}

static VOID Virtual(PCONTRACT t)
{
    PVOID base = NULL;
    SIZE_T bytes = 100;
    HANDLE secure;
    volatile NTSTATUS raised = STATUS_SUCCESS;

    CHECK_STATUS(ZwAllocateVirtualMemory(ZwCurrentProcess(), &base, 0, &bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
    CHECK(base && bytes == PAGE_SIZE && ((ULONG_PTR)base & 0xFFFF) == 0);
    if (!base)
        return;
    *(PULONG)base = 5;
    secure = MmSecureVirtualMemory(base, PAGE_SIZE, PAGE_READWRITE);
    CHECK(secure != NULL);
    if (secure)
        MmUnsecureVirtualMemory(secure);
    bytes = 0;
    CHECK_STATUS(ZwFreeVirtualMemory(ZwCurrentProcess(), &base, &bytes, MEM_RELEASE), STATUS_SUCCESS);
    __try {
        ProbeForRead(base, 4, 4);
        raised = *(volatile ULONG *)base == 5 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        raised = GetExceptionCode();
    }
    CHECK_STATUS(raised, STATUS_ACCESS_VIOLATION);
}

/* A section without a file: seen by the system, by the process, by another view. */
static VOID Sections(PCONTRACT t)
{
    OBJECT_ATTRIBUTES attributes;
    LARGE_INTEGER size, offset;
    HANDLE section;
    PVOID object, view = NULL, user = NULL;
    SIZE_T bytes = 0;

    size.QuadPart = 2 * PAGE_SIZE;
    offset.QuadPart = 0;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwCreateSection(&section, SECTION_ALL_ACCESS, &attributes, &size, PAGE_READWRITE, SEC_COMMIT, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(section, SECTION_MAP_READ, NULL, KernelMode, &object, NULL), STATUS_SUCCESS);
    CHECK_STATUS(MmMapViewInSystemSpace(object, &view, &bytes), STATUS_SUCCESS);
    CHECK(view && (ULONG_PTR)view >= (ULONG_PTR)MmSystemRangeStart && bytes >= 2 * PAGE_SIZE);
    bytes = 0;
    CHECK_STATUS(ZwMapViewOfSection(section, ZwCurrentProcess(), &user, 0, 0, &offset, &bytes, ViewUnmap, 0, PAGE_READWRITE), STATUS_SUCCESS);
    CHECK(user && (ULONG_PTR)user < (ULONG_PTR)MmHighestUserAddress && bytes == 2 * PAGE_SIZE);
    if (view && user) {
        CHECK_EQ(*(PULONG)user, 0);
        *(PULONG)((PUCHAR)view + PAGE_SIZE) = 0x12345678;
        CHECK_EQ(*(PULONG)((PUCHAR)user + PAGE_SIZE), 0x12345678);
    }
    if (user)
        CHECK_STATUS(ZwUnmapViewOfSection(ZwCurrentProcess(), user), STATUS_SUCCESS);
    CHECK_STATUS(ZwUnmapViewOfSection(ZwCurrentProcess(), user), STATUS_NOT_MAPPED_VIEW);
    if (view)
        CHECK_STATUS(MmUnmapViewInSystemSpace(view), STATUS_SUCCESS);
    ObDereferenceObject(object);
    ZwClose(section);
    size.QuadPart = 0;
    CHECK(!NT_SUCCESS(ZwCreateSection(&section, SECTION_ALL_ACCESS, &attributes, &size, PAGE_READWRITE, SEC_COMMIT, NULL)));
}

static VOID Pageable(PCONTRACT t)
{
    PVOID handle = MmLockPagableCodeSection((PVOID)Pageable);

    CHECK(handle != NULL);
    MmLockPagableSectionByHandle(handle);
    MmUnlockPagableImageSection(handle);
    MmUnlockPagableImageSection(handle);
    CHECK(MmPageEntireDriver((PVOID)Pageable) != NULL);
    MmResetDriverPaging((PVOID)Pageable);
    CHECK(MmQuerySystemSize() >= MmSmallSystem && MmQuerySystemSize() <= MmLargeSystem);
}

static VOID PhysicalRanges(PCONTRACT t)
{
    PPHYSICAL_MEMORY_RANGE ranges = MmGetPhysicalMemoryRanges();
    PHYSICAL_ADDRESS at = MmGetPhysicalAddress(t);
    ULONG i, within = 0;

    CHECK(ranges != NULL);
    if (!ranges)
        return;
    for (i = 0; ranges[i].NumberOfBytes.QuadPart || ranges[i].BaseAddress.QuadPart; i++)
        within += at.QuadPart >= ranges[i].BaseAddress.QuadPart && at.QuadPart < ranges[i].BaseAddress.QuadPart + ranges[i].NumberOfBytes.QuadPart;
    CHECK(i > 0 && within == 1);
    ExFreePool(ranges);
}

static const CONTRACT_TEST Tests[] = {
    {"MDLs", Mdls},
    {"pages for an MDL", PagesForMdl},
    {"a mapping for the process", UserMapping},
    {"contiguous memory", Contiguous},
    {"a reserved mapping", Reserved},
    {"copies", Copies},
    {"virtual memory", Virtual},
    {"sections", Sections},
    {"pageable code", Pageable},
    {"physical ranges", PhysicalRanges},
};

const CONTRACT_AREA ContractArea = {Tests, sizeof(Tests) / sizeof(Tests[0]), NULL, NULL, NULL};
