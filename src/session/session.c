/* One run from load to unload; see session.h. */
#include "session/session.h"

#include <stdio.h>
#include <string.h>

#include "ex/work.h"
#include "host/host.h"
#include "io/io.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/pnp.h"
#include "po/po.h"
#include "ps/process.h"
#include "session/leaks.h"
#include "sim/door.h"
#include "trace/trace.h"
#include "trap/trap.h"

static const struct config *config; /* of the process: the same for all runs */

static struct session *state(void)
{
    return MACHINE->rooms[ROOM_SESSION];
}

const struct session *session_state(void)
{
    return state();
}

const struct config *session_config(void)
{
    return config;
}

static void fail(const char *what, NTSTATUS status)
{
    struct session *s = state();
    s->load_failed = true;
    snprintf(s->message, sizeof s->message, "%s failed with %s", what, nt_status_name(status));
    sim_end(RUN_DONE);
}

static void fail_text(const char *text)
{
    struct session *s = state();
    s->load_failed = true;
    snprintf(s->message, sizeof s->message, "%s", text);
    sim_end(RUN_DONE);
}

static void service_name(char *out, size_t size, const char *file)
{
    const char *slash = strrchr(file, '/');
    snprintf(out, size, "%s", slash ? slash + 1 : file);
    char *dot = strrchr(out, '.');
    if (dot)
        *dot = 0;
}

static void load_drivers(void)
{
    state()->phase = PHASE_LOAD;
    for (uint32_t i = 0; i < config->driver_count; i++) {
        const struct config_driver *d = &config->drivers[i];
        char path[CONFIG_PATH], service[64], err[600];
        if (!config_find_file(config, d->file, path, sizeof path)) {
            snprintf(err, sizeof err, "%.500s: no such file", d->file);
            fail_text(err);
        }
        service_name(service, sizeof service, d->file);
        DRIVER_OBJECT *driver;
        NTSTATUS s = io_load_driver(path, service, &driver, err, sizeof err);
        if (s == STATUS_INVALID_IMAGE_FORMAT || s == STATUS_IMAGE_ALREADY_LOADED)
            fail_text(err);
        if (!NT_SUCCESS(s)) {
            snprintf(err, sizeof err, "DriverEntry of %s", service);
            fail(err, s);
        }
    }
}

static void command_line(char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%s", config->program);
    for (uint32_t i = 0; i < config->arg_count && n < size; i++) {
        char text[600];
        pnp_expand(config->args[i], text, sizeof text);
        const char *quote = strpbrk(text, " \t") ? "\"" : "";
        n += (size_t)snprintf(out + n, size - n, " %s%s%s", quote, text, quote);
    }
}

static void run_program(void)
{
    struct session *s = state();
    s->phase = PHASE_PROGRAM;
    char path[CONFIG_PATH], err[600], line[4096];
    if (!config_find_file(config, config->program, path, sizeof path)) {
        snprintf(err, sizeof err, "%.500s: no such file", config->program);
        fail_text(err);
    }
    struct image_file *file = image_file_open(path, err, sizeof err);
    if (!file)
        fail_text(err);
    command_line(line, sizeof line);
    struct process *p = ps_create_program(file, line, err, sizeof err);
    if (!p)
        fail_text(err);
    ob_reference(p->eprocess);
    ps_resume_thread(p->main_thread);
    KeWaitForSingleObject(p->eprocess, Executive, KernelMode, FALSE, NULL);
    s->program_ended = true;
    s->program_exit = (uint32_t)p->exit_status;
    ob_dereference(p->eprocess);
}

static void unload_drivers(void)
{
    state()->phase = PHASE_UNLOAD;
    for (uint32_t i = config->driver_count; i-- > 0;) {
        char service[64];
        service_name(service, sizeof service, config->drivers[i].file);
        DRIVER_OBJECT *d = io_driver_find(service);
        if (d)
            io_unload_driver(d);
    }
}

static void session_thread(void *unused)
{
    struct session *s = state();
    s->agent = sim_current();
    load_drivers();
    s->phase = PHASE_START;
    char err[400];
    NTSTATUS status = pnp_start(config, err, sizeof err);
    if (!NT_SUCCESS(status))
        fail(err, status);
    if (config->program[0])
        run_program();
    s->phase = PHASE_REMOVE;
    pnp_remove_all();
    unload_drivers();
    s->phase = PHASE_LEAKS;
    leaks_check(s);
    s->phase = PHASE_DONE;
    sim_end(RUN_DONE);
}

void session_process_init(void)
{
    host_arena_map();
    sim_patch_install();
}

static void resume_hook(struct agent *a)
{
}

void session_begin(const struct config *c)
{
    config = c;
    sim_init(c->cpus);
    MACHINE->clock_100ns = 10000000ull * 60; /* a minute after boot */
    trace_init();
    MACHINE->rooms[ROOM_SESSION] = sim_alloc(sizeof(struct session));
    (void)resume_hook;
    ke_init();
    ob_init();
    ps_init();
    io_init();
    door_images_build();
    se_cm_ex_init();
    po_init();
    pnp_init();
    ex_work_init();
    leaks_baseline();
    ps_create_host_thread(session_thread, NULL, "session");
}

/* ---- outcome ---- */

const char *failure_kind_text(enum failure_kind k)
{
    static const char *const t[] = { "none", "bugcheck", "verifier", "deadlock", "hang", "crash", "exit", "unsupported", "load" };
    return t[k];
}

static uint64_t key_of(const struct outcome *o, uint64_t place)
{
    uint64_t h = 0xCBF29CE484222325ull;
    h = (h ^ (uint64_t)o->kind) * 0x100000001B3ull;
    h = (h ^ o->code) * 0x100000001B3ull;
    h = (h ^ place) * 0x100000001B3ull;
    return h;
}

void session_outcome(struct outcome *o)
{
    const struct session *s = state();
    memset(o, 0, sizeof *o);
    uint64_t place = 0;
    switch (MACHINE->end) {
    case RUN_BUGCHECK: {
        const struct ke_bugcheck *b = ke_bugcheck_info();
        o->kind = FAILURE_BUGCHECK;
        o->code = b->code;
        snprintf(o->name, sizeof o->name, "%s", nt_bugcheck_name(b->code));
        snprintf(o->message, sizeof o->message, "bug check 0x%X %s (%016llx, %016llx, %016llx, %016llx)", b->code, o->name, (unsigned long long)b->p[0],
                 (unsigned long long)b->p[1], (unsigned long long)b->p[2], (unsigned long long)b->p[3]);
        break;
    }
    case RUN_CRASH: {
        const struct trap_crash *c = trap_crash_info();
        char where[200];
        image_symbol_text(c->address, where, sizeof where);
        o->kind = FAILURE_CRASH;
        o->code = (uint32_t)c->code;
        snprintf(o->name, sizeof o->name, "%s", nt_status_name(c->code));
        snprintf(o->message, sizeof o->message, "the program crashed: %s at %s", o->name, where);
        place = c->address;
        break;
    }
    case RUN_DEADLOCK:
        o->kind = FAILURE_DEADLOCK;
        snprintf(o->name, sizeof o->name, "DEADLOCK");
        leaks_deadlock_text(o->message, sizeof o->message);
        break;
    case RUN_HANG: {
        const struct trap_crash *c = trap_hang_info();
        o->kind = FAILURE_HANG;
        snprintf(o->name, sizeof o->name, "HANG");
        if (c && c->happened) {
            char where[200];
            image_symbol_text(c->address, where, sizeof where);
            snprintf(o->message, sizeof o->message, "uncontrolled spin at %s", where);
        } else {
            snprintf(o->message, sizeof o->message, "no end after %llu scheduling points", (unsigned long long)MACHINE->points);
        }
        break;
    }
    case RUN_UNSUPPORTED:
        o->kind = FAILURE_UNSUPPORTED;
        snprintf(o->name, sizeof o->name, "UNSUPPORTED");
        snprintf(o->message, sizeof o->message, "%s", trap_unsupported_text() ? trap_unsupported_text() : "something unknown was called");
        break;
    default:
        if (s->load_failed) {
            o->kind = FAILURE_LOAD;
            snprintf(o->name, sizeof o->name, "LOAD");
            snprintf(o->message, sizeof o->message, "%s", s->message);
        } else if (s->program_ended && s->program_exit) {
            o->kind = FAILURE_EXIT;
            o->code = s->program_exit;
            snprintf(o->name, sizeof o->name, "EXIT");
            snprintf(o->message, sizeof o->message, "%s ended with exit code %u", config->program, s->program_exit);
        } else if (s->leak) {
            o->kind = FAILURE_VERIFIER;
            snprintf(o->name, sizeof o->name, "LEAK");
            snprintf(o->message, sizeof o->message, "%s", s->message);
        }
    }
    o->key = key_of(o, place);
}
