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
    uint64_t r = mm_user_reserve(p, 0x30000);
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
        cmocka_unit_test_setup(kernel_memory_is_its_own_system_address, setup),
        cmocka_unit_test_setup(user_memory_gets_an_alias, setup),
        cmocka_unit_test_setup(aliases_come_back_with_a_snapshot, setup),
        cmocka_unit_test_setup(pages_without_an_address_can_be_mapped, setup),
        cmocka_unit_test_setup(device_memory_stays, setup),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
