/* Exceptions in a real driver image, without an executive: each exported function of seh_guest.sys is called in a process of its own
 * (a test framework's signal handlers must not be in the way). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kd/kd.h"
#include "ke/ke.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "trap/trap.h"

static struct image *image;
static const char *function;
static uint64_t trail;
static uint64_t result = UINT64_MAX;

static void body(void *arg)
{
    (void)arg;
    struct fiber *f = &MACHINE->fiber->fiber;
    f->frame_site = 0;
    uint64_t at = image_export(image, function, 0);
    if (at)
        result = guest_call(FRAME_KiStartSystemThread, (void *)at, 0);
    trail = *(uint32_t *)guest_call(FRAME_KiStartSystemThread, (void *)image_export(image, "trail_at", 0), 0);
    sim_end(RUN_DONE);
}

static int run(const char *path)
{
    char err[256];
    host_arena_map();
    sim_init(1);
    ke_init();
    host_signals_install(trap_filter);
    door_images_build();
    struct image_file *file = image_file_open(path, err, sizeof err);
    image = file ? image_load(file, image_kernel_place(file->pe.size_of_image), false, err, sizeof err) : NULL;
    if (!image) {
        printf("%s\n", err);
        return 1;
    }
    sim_ready(sim_agent_create(AGENT_THREAD, body, NULL));
    while (sim_run())
        sim_decide(0);
    return 0;
}

struct expectation {
    const char *name;
    uint32_t bugcheck; /* 0: returns 0 */
    int parameter; /* compared if not 0 */
    uint64_t value;
};

static const struct expectation tests[] = {
    { "plain_load" },
    { "plain_store" },
    { "null_call" },
    { "noncanonical" },
    { "inside_export" },
    { "raise_status" },
    { "nested_finally" },
    { "finally_in_order" },
    { "finally_on_return" },
    { "continue_execution" },
    { "exception_in_filter" },
    { "exception_out_of_filter" },
    { "collided_unwind" },
    { "collided_inside" },
    { "breakpoint" },
    { "divide" },
    { "illegal" },
    { "assertion" },
    { "debug_service" },
    { "raise_record" },
    { "raise_and_continue" },
    { "registers_survive" },
    { "back_trace" },
    { "bug_kernel_address", PAGE_FAULT_IN_NONPAGED_AREA, 1, 0x2001F0000000 },
    { "bug_at_dispatch", DRIVER_IRQL_NOT_LESS_OR_EQUAL, 2, DISPATCH_LEVEL },
    { "bug_read_only", ATTEMPTED_WRITE_TO_READONLY_MEMORY },
    { "bug_execute_data", ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY },
    { "bug_fast_fail", KERNEL_SECURITY_CHECK_FAILURE, 1, 3 },
    { "bug_unhandled", KMODE_EXCEPTION_NOT_HANDLED, 1, (uint64_t)(int64_t)(int32_t)STATUS_INSUFFICIENT_RESOURCES },
    { "bug_stack_overflow", UNEXPECTED_KERNEL_MODE_TRAP, 1, 8 },
    { "bug_big_frame", UNEXPECTED_KERNEL_MODE_TRAP, 1, 8 },
};

static bool judge(const struct expectation *t)
{
    const struct ke_bugcheck *b = ke_bugcheck_info();
    if (!t->bugcheck) {
        if (MACHINE->end == RUN_DONE && result == 0)
            return true;
        printf("%s: end %d, line %lld, trail %u, bug check %x (%llx %llx %llx %llx) %s\n", t->name, MACHINE->end, (long long)result, (unsigned)trail, b->code,
               (unsigned long long)b->p[0], (unsigned long long)b->p[1], (unsigned long long)b->p[2], (unsigned long long)b->p[3],
               trap_unsupported_text() ? trap_unsupported_text() : "");
        return false;
    }
    bool right = MACHINE->end == RUN_BUGCHECK && b->code == t->bugcheck && (!t->parameter || b->p[t->parameter - 1] == t->value);
    if (!right)
        printf("%s: end %d, line %lld, bug check %x (%llx %llx %llx %llx)\n", t->name, MACHINE->end, (long long)result, b->code,
               (unsigned long long)b->p[0], (unsigned long long)b->p[1], (unsigned long long)b->p[2], (unsigned long long)b->p[3]);
    return right;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    unsigned failed = 0, n = 0;
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (argc > 2 && strcmp(argv[2], tests[i].name) != 0)
            continue;
        n++;
        fflush(stdout);
        pid_t child = argc > 2 ? 0 : fork();
        if (child == 0) {
            function = tests[i].name;
            bool ok = run(argv[1]) == 0 && judge(&tests[i]);
            if (argc > 2)
                kd_print_failure(stdout);
            fflush(stdout);
            _exit(ok ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        if (status != 0) {
            printf("FAILED %s (%x)\n", tests[i].name, status);
            failed++;
        }
    }
    printf("%u tests, %u failed\n", n, failed);
    return failed != 0;
}
