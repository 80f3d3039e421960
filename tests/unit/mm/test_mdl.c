/* User memory, MDLs and system addresses, also across snapshots. */
#include <sys/mman.h>

#include "../ke/ke_fixture.h"
#include "mm/physical.h"
#include "mm/room.h"
#include "nt/bugcheck.h"
#include "nt/io.h"
#include "nt/status.h"

MDL *IoAllocateMdl(PVOID va, ULONG length, ULONG secondary, ULONG quota, IRP *irp);
void IoFreeMdl(MDL *m);
NTSTATUS io_mdl_lock(MDL *m, KPROCESSOR_MODE mode, ULONG operation);
void MmUnlockPages(MDL *m);
void MmBuildMdlForNonPagedPool(MDL *m);
PVOID MmMapLockedPagesSpecifyCache(MDL *m, ULONG mode, ULONG cache, PVOID wanted, ULONG bug_check, ULONG priority);
void MmUnmapLockedPages(PVOID address, MDL *m);
MDL *MmAllocatePagesForMdl(ULONG64 low, ULONG64 high, ULONG64 skip, SIZE_T bytes);
void MmFreePagesFromMdl(MDL *m);
PVOID MmMapIoSpace(ULONG64 physical, SIZE_T bytes, ULONG cache);
PVOID MmAllocateContiguousMemorySpecifyCache(SIZE_T bytes, ULONG64 lowest, ULONG64 highest, ULONG64 boundary, ULONG cache);
void MmFreeContiguousMemory(PVOID p);
void ex_pool_free(void *p);

enum { READ = 0, WRITE = 1 };

static struct process *process_make(void)
{
    struct process *p = sim_alloc(sizeof *p);
    p->slice = USER_BASE;
    p->eprocess = ps_system()->eprocess;
    struct process **at = &ps_room()->processes;
    while (*at)
        at = &(*at)->next;
    *at = p;
    return p;
}

static bool is_accessible(uint64_t address)
{
    return host_page_protection(address) != PROT_NONE;
}

static void user_ranges_are_reused_and_share_segments(void **state)
{
    struct process *p = process_make();
    uint64_t a = mm_user_alloc(p, 5000, PROT_READ | PROT_WRITE);
    uint32_t segments = MACHINE->segment_count;
    uint64_t b = mm_user_alloc(p, 4096, PROT_READ | PROT_WRITE), c = mm_user_alloc(p, 4096, PROT_READ | PROT_WRITE);
    assert_int_equal(b, a + 0x2000);
    assert_int_equal(MACHINE->segment_count, segments);
    *(char *)b = 1;
    mm_user_free(p, b, 4096);
    assert_false(is_accessible(b));
    assert_int_equal(MACHINE->segment_count, segments + 1);
    uint64_t r = mm_user_reserve(p, 0x30000, 0);
    assert_int_equal(r % 0x10000, 0);
    assert_false(is_accessible(r));
    assert_int_equal(mm_user_alloc(p, 100, PROT_READ | PROT_WRITE), b);
    assert_int_equal(*(char *)b, 0);
    assert_int_equal(MACHINE->segment_count, segments + 1);
    (void)c;
}

static void user_memory_comes_back_with_a_snapshot(void **state)
{
    struct process *p = process_make();
    uint64_t kept = mm_user_alloc(p, 0x3000, PROT_READ | PROT_WRITE);
    strcpy((char *)kept + 0x2000, "before");
    struct snapshot *s = sim_snapshot_take();
    mm_user_free(p, kept, 0x3000);
    uint64_t later = mm_user_alloc(p, 0x1000, PROT_READ | PROT_WRITE);
    uint64_t last = mm_user_alloc(p, 0x8000, PROT_READ | PROT_WRITE);
    assert_int_equal(later, kept);
    sim_snapshot_restore(s);
    assert_string_equal((char *)kept + 0x2000, "before");
    assert_true(is_accessible(kept) && is_accessible(kept + 0x2000));
    assert_false(is_accessible(kept + 0x3000));
    assert_false(is_accessible(last + 0x7000));
    sim_snapshot_restore(s);
    mm_user_free(p, kept, 0x3000);
    sim_snapshot_free(s);
}

static void inaccessible_memory_is_kept_too(void **state)
{
    struct process *p = process_make();
    char *m = (char *)mm_user_alloc(p, 0x3000, PROT_READ | PROT_WRITE);
    strcpy(m + 0x1000, "hidden");
    host_protect((uint64_t)m + 0x1000, 0x1000, PROT_NONE);
    host_protect((uint64_t)m + 0x2000, 0x1000, PROT_READ);
    struct snapshot *s = sim_snapshot_take();
    assert_int_equal(host_page_protection((uint64_t)m + 0x1000), PROT_NONE);
    host_protect((uint64_t)m, 0x3000, PROT_READ | PROT_WRITE);
    memset(m, 1, 0x3000);
    sim_snapshot_restore(s);
    mm_user_free(p, (uint64_t)m, 0x3000);
    sim_snapshot_restore(s);
    assert_int_equal(host_page_protection((uint64_t)m), PROT_READ | PROT_WRITE);
    assert_int_equal(host_page_protection((uint64_t)m + 0x1000), PROT_NONE);
    assert_int_equal(host_page_protection((uint64_t)m + 0x2000), PROT_READ);
    host_protect((uint64_t)m + 0x1000, 0x1000, PROT_READ);
    assert_string_equal(m + 0x1000, "hidden");
    sim_snapshot_free(s);
}

static void kernel_memory_is_its_own_system_address(void **state)
{
    char *p = ex_pool_alloc(0, 6000, 1);
    MDL *m = IoAllocateMdl(p + 10, 5000, FALSE, FALSE, NULL);
    assert_int_equal(io_mdl_lock(m, KernelMode, WRITE), STATUS_SUCCESS);
    assert_ptr_equal(MmMapLockedPagesSpecifyCache(m, KernelMode, 1, NULL, FALSE, 0), p + 10);
    MmUnlockPages(m);
    assert_int_equal(m->MdlFlags, 0);
    MmBuildMdlForNonPagedPool(m);
    assert_ptr_equal(m->MappedSystemVa, p + 10);
    IoFreeMdl(m);
    ex_pool_free(p);
}

static struct process *current;
static void user_body(void *unused)
{
    ps_current()->attached = current;
    char *user = (char *)mm_user_alloc(current, 0x4000, PROT_READ | PROT_WRITE);
    MDL *m = IoAllocateMdl(user + 0xFF0, 0x1020, FALSE, FALSE, NULL);
    assert_int_equal(io_mdl_lock(m, UserMode, WRITE), STATUS_SUCCESS);
    char *system = MmMapLockedPagesSpecifyCache(m, KernelMode, 1, NULL, FALSE, 0);
    assert_true((uint64_t)system > KERNEL_BASE);
    strcpy(system, "written by the driver");
    assert_string_equal(user + 0xFF0, "written by the driver");
    assert_int_equal(mm_physical_of((uint64_t)system), mm_physical_of((uint64_t)user + 0xFF0));
    /* A second MDL for the same page has an address of its own. */
    MDL *second = IoAllocateMdl(user + 0x1000, 8, FALSE, FALSE, NULL);
    assert_int_equal(io_mdl_lock(second, UserMode, READ), STATUS_SUCCESS);
    char *other = MmMapLockedPagesSpecifyCache(second, KernelMode, 1, NULL, FALSE, 0);
    assert_ptr_not_equal(other, system + 0x10);
    MmUnlockPages(m);
    assert_false(mm_is_accessible((uint64_t)system, 1, false));
    assert_memory_equal(other, user + 0x1000, 8);
    MmUnlockPages(second);
    IoFreeMdl(m);
    IoFreeMdl(second);
    m = IoAllocateMdl(user, 0x5000, FALSE, FALSE, NULL);
    assert_int_equal(io_mdl_lock(m, UserMode, READ), STATUS_ACCESS_VIOLATION);
    IoFreeMdl(m);
    ps_current()->attached = NULL;
    m = IoAllocateMdl(user, 0x1000, FALSE, FALSE, NULL);
    assert_int_equal(io_mdl_lock(m, UserMode, READ), STATUS_ACCESS_VIOLATION); /* not this process's */
    IoFreeMdl(m);
    note("done");
}

static void user_memory_gets_an_alias(void **state)
{
    current = process_make();
    spawn(user_body);
    run_to_end("done");
}

NTSTATUS MmMapViewInSystemSpace(PVOID section, PVOID *base, SIZE_T *size);
NTSTATUS MmUnmapViewInSystemSpace(PVOID base);

NTSTATUS MmCreateSection(PVOID *section, ULONG access, OBJECT_ATTRIBUTES *oa, LARGE_INTEGER *size, ULONG protect, ULONG attributes, HANDLE file,
                         PVOID file_object);
NTSTATUS MmMapViewOfSection(PVOID section, EPROCESS *process, PVOID *base, ULONG_PTR zero_bits, SIZE_T commit, LARGE_INTEGER *offset, SIZE_T *size,
                            ULONG inherit, ULONG type, ULONG protect);
NTSTATUS MmUnmapViewOfSection(EPROCESS *process, PVOID base);

static void section_body(void *unused)
{
    SIZE_T bytes = 0;
    PVOID first = NULL, second = NULL, system, section;
    LARGE_INTEGER size = { .QuadPart = 10000 }, offset = { .QuadPart = 100 };
    ps_current()->attached = current;
    assert_int_equal(MmCreateSection(&section, SECTION_ALL_ACCESS, NULL, &size, 4, 0, NULL, NULL), STATUS_INVALID_PARAMETER_6);
    assert_int_equal(MmCreateSection(&section, SECTION_ALL_ACCESS, NULL, &size, 4, 0x8000000, NULL, NULL), STATUS_SUCCESS);
    assert_int_equal(MmMapViewInSystemSpace(section, &system, &bytes), STATUS_SUCCESS);
    assert_int_equal(bytes, 12288);
    strcpy(system, "shared");
    assert_int_equal(MmMapViewOfSection(section, current->eprocess, &first, 0, 0, &offset, &bytes, 1, 0, 4), STATUS_MAPPED_ALIGNMENT);
    assert_int_equal(MmMapViewOfSection(section, current->eprocess, &first, 0, 0, NULL, &bytes, 1, 0, 4), STATUS_SUCCESS);
    assert_int_equal(MmMapViewOfSection(section, current->eprocess, &second, 0, 0, NULL, &bytes, 1, 0, 4), STATUS_SUCCESS);
    assert_ptr_not_equal(first, second);
    assert_string_equal(first, "shared");
    strcpy(second, "by all");
    assert_string_equal(first, "by all");
    ob_dereference(section);
    assert_int_equal(MmUnmapViewOfSection(current->eprocess, first), STATUS_SUCCESS);
    assert_int_equal(MmUnmapViewOfSection(current->eprocess, first), STATUS_NOT_MAPPED_VIEW);
    assert_int_equal(MmUnmapViewOfSection(current->eprocess, second), STATUS_SUCCESS);
    assert_string_equal(system, "by all");
    assert_int_equal(MmUnmapViewInSystemSpace(system), STATUS_SUCCESS);
    assert_int_equal(ob_live_count(OB_SECTION), 0);
    ps_current()->attached = NULL;
    note("done");
}

static void sections_are_shared(void **state)
{
    current = process_make();
    current->eprocess = ob_create(OB_PROCESS, sizeof(EPROCESS));
    spawn(section_body);
    run_to_end("done");
}

static char *kept_user, *kept_view;
static MDL *kept_view_mdl;
static void view_body(void *unused)
{
    ps_current()->attached = current;
    char *pool = ex_pool_alloc(0, 4096, 1);
    kept_view_mdl = IoAllocateMdl(pool, 4096, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(kept_view_mdl);
    kept_view = MmMapLockedPagesSpecifyCache(kept_view_mdl, UserMode, 1, NULL, FALSE, 0);
    assert_true((uint64_t)kept_view < USER_END);
    strcpy(pool, "for the program");
    assert_string_equal(kept_view, "for the program");
    assert_int_equal(mm_physical_of((uint64_t)kept_view), mm_physical_of((uint64_t)pool));
    ps_current()->attached = NULL;
    kept_user = pool;
    note("done");
}

static void user_mappings_come_and_go_with_snapshots(void **state)
{
    current = process_make();
    struct snapshot *before = sim_snapshot_take();
    spawn(view_body);
    run_to_end("done");
    MACHINE->end = RUN_GOING;
    struct snapshot *mapped = sim_snapshot_take();
    MmUnmapLockedPages(kept_view, kept_view_mdl);
    assert_false(is_accessible((uint64_t)kept_view));
    sim_snapshot_restore(mapped);
    assert_string_equal(kept_view, "for the program");
    sim_snapshot_restore(before);
    assert_false(is_accessible((uint64_t)kept_view));
    sim_snapshot_free(before);
    sim_snapshot_free(mapped);
}

static MDL *kept_mdl;
static char *kept_system;
static void lock_body(void *unused)
{
    ps_current()->attached = current;
    char *user = (char *)mm_user_alloc(current, 0x1000, PROT_READ | PROT_WRITE);
    kept_mdl = IoAllocateMdl(user, 0x1000, FALSE, FALSE, NULL);
    io_mdl_lock(kept_mdl, UserMode, WRITE);
    kept_system = MmMapLockedPagesSpecifyCache(kept_mdl, KernelMode, 1, NULL, FALSE, 0);
    strcpy(kept_system, "snapshot");
    ps_current()->attached = NULL;
}

static void aliases_come_back_with_a_snapshot(void **state)
{
    current = process_make();
    spawn(lock_body);
    run_to_end("");
    MACHINE->end = RUN_GOING;
    struct snapshot *locked = sim_snapshot_take();
    MmUnlockPages(kept_mdl);
    struct snapshot *unlocked = sim_snapshot_take();
    sim_snapshot_restore(locked);
    assert_string_equal(kept_system, "snapshot");
    sim_snapshot_restore(unlocked);
    assert_false(mm_is_accessible((uint64_t)kept_system, 1, false));
    sim_snapshot_restore(locked);
    MmUnlockPages(kept_mdl);
    sim_snapshot_free(locked);
    sim_snapshot_free(unlocked);
}

static void pages_without_an_address_can_be_mapped(void **state)
{
    MDL *m = MmAllocatePagesForMdl(0, ~0ull, 0, 10000);
    assert_int_equal(m->ByteCount, 12288);
    char *p = MmMapLockedPagesSpecifyCache(m, KernelMode, 1, NULL, FALSE, 0);
    assert_int_equal(p[9999], 0);
    MmFreePagesFromMdl(m);
    ex_pool_free(m);
    uint64_t blocks, bytes;
    mm_pool_totals(&blocks, &bytes);
    MmFreeContiguousMemory(MmAllocateContiguousMemorySpecifyCache(0x9000, 0, 0xFFFFFFFF, 0x10000, 0));
    uint64_t after;
    mm_pool_totals(&after, &bytes);
    assert_int_equal(after, blocks);
}

static void device_memory_stays(void **state)
{
    uint32_t *registers = MmMapIoSpace(0xFE000010, 0x100, 0);
    registers[1] = 7;
    assert_int_equal(((uint32_t *)MmMapIoSpace(0xFE000014, 4, 0))[0], 7);
    assert_int_equal(mm_physical_of((uint64_t)registers), 0xFE000010);
    assert_int_equal(mm_virtual_of(0xFE000010), registers);
}

static int setup(void **state)
{
    return machine_make(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(user_ranges_are_reused_and_share_segments, setup),
        cmocka_unit_test_setup(user_memory_comes_back_with_a_snapshot, setup),
        cmocka_unit_test_setup(inaccessible_memory_is_kept_too, setup),
        cmocka_unit_test_setup(kernel_memory_is_its_own_system_address, setup),
        cmocka_unit_test_setup(user_memory_gets_an_alias, setup),
        cmocka_unit_test_setup(aliases_come_back_with_a_snapshot, setup),
        cmocka_unit_test_setup(user_mappings_come_and_go_with_snapshots, setup),
        cmocka_unit_test_setup(sections_are_shared, setup),
        cmocka_unit_test_setup(pages_without_an_address_can_be_mapped, setup),
        cmocka_unit_test_setup(device_memory_stays, setup),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
