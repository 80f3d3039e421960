/* Snapshots that leave out what nobody writes, against whole copies: random writes, growth, protections, restores of any age. */
#include <stdlib.h>
#include <sys/mman.h>

#include "machine_fixture.h"

#include "host/cold.h"

enum { PAGES = 48, BYTES = PAGES * 0x1000, SNAPSHOTS = 12, STEPS = 4000 };

#define WIPED (KERNEL_BASE + 0x50000000ull)
#define PLAIN (KERNEL_BASE + 0x58000000ull)
#define USERS (USER_BASE + 0x100000ull)

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % n;
}

/* What a snapshot has to bring back. */
struct copy {
    struct snapshot *snapshot;
    uint64_t used, value;
    uint8_t wiped[BYTES], plain[BYTES], users[BYTES], stack[KERNEL_STACK_SIZE];
};

static struct copy copies[SNAPSHOTS];
static uint64_t *value; /* in the private heap */
static struct agent *agent;

static struct segment *segment_at(uint64_t base)
{
    for (uint32_t i = 0; i < MACHINE->segment_count; i++)
        if (MACHINE->segments[i].base == base)
            return &MACHINE->segments[i];
    return NULL;
}

static void take(struct copy *c)
{
    sim_snapshot_free(c->snapshot);
    c->used = segment_at(WIPED)->used;
    c->value = *value;
    memcpy(c->wiped, (void *)WIPED, BYTES);
    memcpy(c->plain, (void *)PLAIN, BYTES);
    memcpy(c->users, (void *)USERS, BYTES);
    memcpy(c->stack, (void *)agent->fiber.kernel_stack, KERNEL_STACK_SIZE);
    c->snapshot = sim_snapshot_take();
}

static void restore(const struct copy *c)
{
    sim_snapshot_restore(c->snapshot);
    assert_int_equal(segment_at(WIPED)->used, c->used);
    assert_int_equal(*value, c->value);
    assert_memory_equal((void *)WIPED, c->wiped, BYTES);
    assert_memory_equal((void *)PLAIN, c->plain, BYTES);
    assert_memory_equal((void *)USERS, c->users, BYTES);
    assert_memory_equal((void *)agent->fiber.kernel_stack, c->stack, KERNEL_STACK_SIZE);
}

/* Mostly the first pages, so that others stay cold for long. */
static uint64_t somewhere(uint64_t bytes)
{
    uint64_t near = bytes < 0x4000 ? bytes : 0x4000;
    return below(8) ? below((uint32_t)near) : below((uint32_t)bytes);
}

static void change(void)
{
    struct segment *s = segment_at(WIPED);
    switch (below(7)) {
    case 0: /* more or less in use: what is given back is cleared, as pool does it */
        {
            uint64_t used = 16 + below(BYTES - 16) / 16 * 16;
            if (used < s->used)
                memset((void *)(WIPED + used), 0, s->used - used);
            s->used = used;
        }
        return;
    case 1:
        *(uint8_t *)(WIPED + somewhere(s->used)) = (uint8_t)below(256);
        return;
    case 2:
        *(uint8_t *)(PLAIN + somewhere(BYTES)) = (uint8_t)below(256);
        return;
    case 3:
        ++*value;
        return;
    case 6: /* the agent runs, and uses more or less of its stack */
        agent->ran = true;
        *(uint64_t *)(agent->fiber.kernel_stack_top - 8 - 8 * below(KERNEL_STACK_SIZE / 8)) = below(2) ? below(256) : 0;
        return;
    case 4: /* taken away and given back */
        {
            uint64_t page = USERS + (uint64_t)below(PAGES) * 0x1000;
            host_protect(page, 0x1000, PROT_READ);
            host_lose_now();
            if (below(2))
                host_protect(page, 0x1000, PROT_READ | PROT_WRITE);
        }
        return;
    default:
        {
            uint64_t at = USERS + somewhere(BYTES);
            if (host_page_protection(at) & PROT_WRITE)
                *(uint8_t *)at = (uint8_t)below(256);
        }
    }
}

static void nobody(void *arg)
{
}

/* Between two restores only what the snapshot itself keeps in the arena is written: where a stack begins, and who has run. */
static void its_own_notes_come_back(void **state)
{
    uint64_t low = agent->fiber.kernel_stack_top - 64;
    host_signals_install(NULL);
    memset((void *)agent->fiber.kernel_stack, 0, KERNEL_STACK_SIZE);
    *(uint64_t *)low = 1;
    agent->ran = true;
    sim_snapshot_watch();
    take(&copies[0]);
    *(uint64_t *)(low - 0x1000) = 2;
    agent->ran = true;
    sim_snapshot_watch(); /* cold: the place of the stack's begin, and that the agent ran */
    take(&copies[1]);
    restore(&copies[1]);
    assert_false(agent->ran);
    take(&copies[2]);
    restore(&copies[0]);
    restore(&copies[2]);
    restore(&copies[1]);
}

static void all_that_was_there_comes_back(void **state)
{
    host_signals_install(NULL); /* cmocka's own are in place by now */
    sim_init(2);
    host_protect(WIPED, BYTES, PROT_READ | PROT_WRITE);
    host_protect(PLAIN, BYTES, PROT_READ | PROT_WRITE);
    host_protect(USERS, BYTES, PROT_READ | PROT_WRITE);
    sim_segment_add(WIPED, BYTES, SEGMENT_PLAIN, true)->wiped = true;
    segment_at(WIPED)->used = 0x8000;
    sim_segment_add(PLAIN, BYTES, SEGMENT_PLAIN, true)->used = BYTES;
    sim_segment_add(USERS, BYTES, SEGMENT_PLAIN, true)->used = BYTES;
    for (uint64_t i = 0; i < 0x8000; i++)
        *(uint8_t *)(WIPED + i) = (uint8_t)(i * 7);
    value = sim_alloc(8);
    agent = sim_agent_create(AGENT_DPC, nobody, NULL);
    seed = 1;
    sim_snapshot_watch();
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        take(&copies[i]);
    size_t most = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        for (unsigned n = below(8); n; n--)
            change();
        if (below(4) == 0)
            take(&copies[below(SNAPSHOTS)]);
        else if (below(2))
            restore(&copies[below(SNAPSHOTS)]);
        most = host_cold_count > most ? host_cold_count : most;
    }
    assert_true(most > PAGES); /* or nothing was left out, and this tests nothing */
    const uint64_t *pages;
    assert_true(host_heated(&pages) > PAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_that_was_there_comes_back), cmocka_unit_test(its_own_notes_come_back) };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
