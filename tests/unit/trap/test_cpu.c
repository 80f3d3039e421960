/* Instructions that do not run natively, in a real driver image; each function in a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kd/kd.h"
#include "ke/ke.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "sim/patch.h"
#include "sim/spins.h"
#include "trap/trap.h"

static struct image *image;
static const char *path;

struct call {
    const char *function;
    uint64_t result;
};

static void body(void *arg)
{
    struct call *c = arg;
    MACHINE->fiber->fiber.frame_site = 0;
    c->result = guest_call(FRAME_KiStartSystemThread, (void *)image_export(image, c->function, 0), 0);
    sim_agent_exit();
}

static void machine(unsigned processors)
{
    char err[256];
    host_arena_map();
    sim_init(processors);
    ke_init();
    host_signals_install(trap_filter);
    door_images_build();
    struct image_file *file = image_file_open(path, err, sizeof err);
    image = file ? image_load(file, image_kernel_place(file->pe.size_of_image), false, err, sizeof err) : NULL;
    if (!image)
        base_panic("%s", err);
}

static struct call *start(const char *function)
{
    struct call *c = sim_alloc(sizeof *c);
    *c = (struct call) { function, UINT64_MAX };
    sim_ready(sim_agent_create(AGENT_THREAD, body, c));
    return c;
}

static uint64_t seed;

static unsigned pick(unsigned n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % n;
}

static void run(bool randomly)
{
    while (sim_run())
        sim_decide(randomly ? pick(MACHINE->choice.n) : 0);
}

/* ---- tests ---- */

static bool ends_well(const char *function)
{
    machine(1);
    struct call *c = start(function);
    run(false);
    if (c->result == 0)
        return true;
    printf("%s: line %lld, end %d\n", function, (long long)c->result, MACHINE->end);
    kd_print_failure(stdout);
    return false;
}

static bool contenders(unsigned processors)
{
    machine(processors);
    struct call *a = start("contender"), *b = start("contender");
    seed = processors;
    run(true);
    uint64_t most = a->result > b->result ? a->result : b->result;
    if (most == 100 && MACHINE->switches > 20)
        return true;
    printf("contenders: %llu, %llu, %llu switches, end %d\n", (unsigned long long)a->result, (unsigned long long)b->result,
           (unsigned long long)MACHINE->switches, MACHINE->end);
    return false;
}

static bool test_contenders_1(void)
{
    return contenders(1);
}

static bool test_contenders_2(void)
{
    return contenders(2);
}

static bool two_of(const char *function)
{
    machine(2);
    struct call *a = start(function), *b = start(function);
    run(true);
    if (a->result == 0 && b->result == 0 && MACHINE->switches >= 2)
        return true;
    printf("%s: lines %lld, %lld, %llu switches\n", function, (long long)a->result, (long long)b->result, (unsigned long long)MACHINE->switches);
    return false;
}

static bool test_registers(void)
{
    return two_of("registers");
}

static bool test_wide_registers(void)
{
    return !__builtin_cpu_supports("avx") || two_of("wide_registers");
}

static bool hangs_in(const char *function)
{
    machine(1);
    host_watchdog(5000);
    start(function);
    run(false);
    char where[200];
    image_symbol_text(trap_hang_info()->address, where, sizeof where);
    return MACHINE->end == RUN_HANG && trap_hang_info()->happened && strstr(where, function) != NULL;
}

static bool test_spin(void)
{
    return hangs_in("spin");
}

static bool test_long_way(void)
{
    /* No turn is like the one before: its jump back is found, for the run that begins again. */
    machine(1);
    host_watchdog(5000);
    start("long_way");
    run(false);
    char where[200] = "";
    if (MACHINE->end == RUN_SPIN && spins_apply() && spins_count() == 1)
        image_symbol_text(image->base + spins_get(0)->rva, where, sizeof where);
    if (strstr(where, "long_way"))
        return true;
    printf("end %d, %zu loops, at %s\n", MACHINE->end, spins_count(), where);
    return false;
}

static bool test_waiters(void)
{
    machine(1);
    struct call *a = start("waiter"), *b = start("setter");
    run(false);
    return a->result == 0 && b->result == 0;
}

static bool test_system_call(void)
{
    machine(1);
    start("direct_system_call");
    run(false);
    return MACHINE->end == RUN_UNSUPPORTED && strstr(trap_unsupported_text(), "0x3c") != NULL;
}

static bool test_original_bytes(void)
{
    machine(1);
    uint8_t file[64], memory[64];
    bool differs = false;
    static const char *const functions[] = { "atomics", "counter", "cr8" };
    for (int i = 0; i < 3; i++) {
        uint64_t at = image_export(image, functions[i], 0);
        for (uint64_t p = at; p < at + 256; p += 64) {
            const struct pe_section *s = pe_section_at(&image->file->pe, (uint32_t)(p - image->base));
            memcpy(file, image->file->pe.file + s->raw + (p - image->base - s->rva), 64);
            memcpy(memory, (void *)p, 64);
            differs = differs || memcmp(file, memory, 64) != 0;
            patch_original_bytes(p, memory, 64);
            if (memcmp(file, memory, 64) != 0)
                return false;
        }
    }
    return differs;
}

static const struct {
    const char *name;
    bool (*fn)(void);
} tests[] = {
    { "cr8", NULL },
    { "counter", NULL },
    { "processor", NULL },
    { "random", NULL },
    { "ports", NULL },
    { "interrupts", NULL },
    { "msr", NULL },
    { "tables", NULL },
    { "ignored", NULL },
    { "shared_data", NULL },
    { "atomics", NULL },
    { "atomic_fault", NULL },
    { "contenders on one", test_contenders_1 },
    { "contenders on two", test_contenders_2 },
    { "registers", test_registers },
    { "wide_registers", test_wide_registers },
    { "spin", test_spin },
    { "long way", test_long_way },
    { "waiters", test_waiters },
    { "time_waiter", NULL },
    { "system call", test_system_call },
    { "original bytes", test_original_bytes },
};

int main(int argc, char **argv)
{
    unsigned failed = 0, n = 0;
    if (argc < 2)
        return 2;
    path = argv[1];
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (argc > 2 && strcmp(argv[2], tests[i].name) != 0)
            continue;
        fflush(stdout);
        pid_t child = argc > 2 ? 0 : fork();
        if (child == 0) {
            bool ok = tests[i].fn ? tests[i].fn() : ends_well(tests[i].name);
            fflush(stdout);
            _exit(ok ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        n++;
        if (status != 0) {
            printf("FAILED %s (%x)\n", tests[i].name, status);
            failed++;
        }
    }
    printf("%u tests, %u failed\n", n, failed);
    return failed != 0;
}
