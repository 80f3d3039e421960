/* One run from load to unload; see session.h. */
#include "base/hash.h"
#include "session/session.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cm/cm.h"
#include "tm/tm.h"
#include "ex/ex.h"
#include "ex/objects.h"
#include "ex/work.h"
#include "fs/fs.h"
#include "host/host.h"
#include "io/room.h"
#include "kd/kd.h"
#include "kd/kd.h"
#include "ke/ke.h"
#include "mm/guard.h"
#include "mm/pool.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/pnp.h"
#include "po/po.h"
#include "ps/modules.h"
#include "ps/process.h"
#include "race/race.h"
#include "se/se.h"
#include "session/frameworks.h"
#include "session/hive.h"
#include "session/leaks.h"
#include "sim/image.h"
#include "sim/door.h"
#include "trace/trace.h"
#include "trap/trap.h"
#include "verify/guard.h"
#include "verify/stack.h"
#include "win32/console.h"
#include "win32/service.h"

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

/* `said`: what was printed last for the debugger, which often says why. */
static void fail(const char *what, NTSTATUS status, const char *said)
{
    struct session *s = state();
    int n = (int)strcspn(said, "\r\n");
    s->load_failed = true;
    snprintf(s->message, sizeof s->message, "%s failed with %s%s%.*s", what, nt_status_name(status), n ? "; it said: " : "", n, said);
    sim_end(RUN_DONE);
}

static void fail_text(const char *text)
{
    struct session *s = state();
    s->load_failed = true;
    s->bad_input = true;
    snprintf(s->message, sizeof s->message, "%s", text);
    sim_end(RUN_DONE);
}

/* ---- DLLs beside the program ---- */

/* Those that were opened, in order: a replay file carries them. Constant once opened, like all files of the process. */
static struct image_file *modules[SESSION_MAX_MODULES];
static uint32_t module_count;

const struct image_file *session_module(uint32_t index)
{
    return index < module_count ? modules[index] : NULL;
}

static void module_note(struct image_file *f)
{
    for (uint32_t i = 0; i < module_count; i++)
        if (modules[i] == f)
            return;
    if (module_count == SESSION_MAX_MODULES)
        base_panic("more than %d DLLs", SESSION_MAX_MODULES);
    modules[module_count++] = f;
}

/* The name as the folder spells it: Windows does not tell upper and lower case apart. */
static bool spelled(const char *folder, const char *name, char *out, size_t size)
{
    DIR *d = opendir(folder[0] ? folder : ".");
    bool found = false;
    for (const struct dirent *e; d && !found && (e = readdir(d)) != NULL;)
        if (strcasecmp(e->d_name, name) == 0) {
            snprintf(out, size, "%s%s", folder, e->d_name);
            found = true;
        }
    if (d)
        closedir(d);
    return found;
}

/* Where the program lies on the host, with a separator at the end ("": here); false: in a replay file. */
static bool program_folder(char *folder, size_t size)
{
    char path[CONFIG_PATH];
    if (!config->program[0] || !config_find_file(config, config->program, path, sizeof path) || strncmp(path, "replay:", 7) == 0)
        return false;
    const char *slash = strrchr(path, '/');
    snprintf(folder, size, "%.*s", slash ? (int)(slash + 1 - path) : 0, path);
    return true;
}

/* ---- other files beside the program: read once, the same for all runs of this process ---- */

static struct session_file data_files[SESSION_MAX_MODULES];
static uint32_t data_count;

const struct session_file *session_data(uint32_t index)
{
    return index < data_count ? &data_files[index] : NULL;
}

bool session_data_add(const char *name, uint8_t *bytes, uint64_t size)
{
    if (data_count == SESSION_MAX_MODULES || strlen(name) >= sizeof data_files[0].name)
        return false;
    struct session_file *f = &data_files[data_count++];
    strcpy(f->name, name);
    f->bytes = bytes;
    f->size = size;
    return true;
}

static bool data_known(const char *name, const uint8_t **bytes, uint64_t *size)
{
    for (uint32_t i = 0; i < data_count; i++)
        if (strcasecmp(data_files[i].name, name) == 0) {
            *bytes = data_files[i].bytes;
            *size = data_files[i].size;
            return true;
        }
    return false;
}

/* For fs: a file beside the program. */
static bool data_file(const char *name, const uint8_t **bytes, uint64_t *size)
{
    enum { LARGEST = 0x1000000 };
    char folder[CONFIG_PATH], path[CONFIG_PATH];
    if (data_known(name, bytes, size))
        return true;
    if (strpbrk(name, "/\\:") || name[0] == '.' || !program_folder(folder, sizeof folder) || !spelled(folder, name, path, sizeof path))
        return false;
    struct stat st;
    FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= LARGEST ? fopen(path, "rb") : NULL;
    if (!f)
        return false;
    uint8_t *whole = malloc((size_t)st.st_size + 1);
    bool ok = whole && fread(whole, 1, (size_t)st.st_size, f) == (size_t)st.st_size;
    fclose(f);
    if (!ok || !session_data_add(name, whole, (uint64_t)st.st_size)) {
        free(whole);
        return false;
    }
    return data_known(name, bytes, size);
}

static struct image_file *module_file(const char *name, char *err, size_t errlen)
{
    char path[CONFIG_PATH], folder[CONFIG_PATH];
    struct image_file *f;
    if (strlen(name) > 60 || strpbrk(name, "/\\:") || !config->program[0])
        return NULL;
    if (program_folder(folder, sizeof folder)) {
        if (!spelled(folder, name, path, sizeof path))
            return NULL;
        f = image_file_open(path, err, errlen);
    } else {
        snprintf(path, sizeof path, "replay:%s", name);
        f = image_file_known(path);
    }
    if (f) {
        f->brought = true;
        module_note(f);
    }
    return f;
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
        config_service(d, service, sizeof service);
        DRIVER_OBJECT *driver = io_driver_find(service);
        if (driver && strcasecmp(service, "Wdf01000") == 0)
            continue; /* one that replaces ours was loaded when its first client was bound */
        ex_debug_forget();
        NTSTATUS s = io_load_driver(path, service, &driver, err, sizeof err);
        if (s == STATUS_INVALID_IMAGE_FORMAT || s == STATUS_IMAGE_ALREADY_LOADED)
            fail_text(err);
        if (!NT_SUCCESS(s)) {
            snprintf(err, sizeof err, "DriverEntry of %s", service);
            fail(err, s, ex_debug_last());
        }
    }
}

/* One argument as the C run-time and CommandLineToArgvW will read it back: quotes escaped, backslashes doubled before a quote. */
static size_t argument_put(char *out, size_t size, const char *text)
{
    size_t n = 0, slashes = 0;
    bool quoted = !text[0] || strpbrk(text, " \t\"") != NULL;
    const char *s = text;
    char buffer[1400];
    buffer[n++] = ' ';
    if (quoted)
        buffer[n++] = '"';
    for (; *s && n < sizeof buffer - 8; s++) {
        slashes = *s == '\\' ? slashes + 1 : 0;
        if (*s == '"') {
            for (const char *back = s; back > text && back[-1] == '\\'; back--)
                buffer[n++] = '\\';
            buffer[n++] = '\\';
        }
        buffer[n++] = *s;
    }
    for (; quoted && slashes && n < sizeof buffer - 2; slashes--)
        buffer[n++] = '\\';
    if (quoted)
        buffer[n++] = '"';
    buffer[n] = 0;
    return (size_t)snprintf(out, size, "%s", buffer);
}

static void command_line(char *out, size_t size)
{
    /* The name alone: a run must not depend on where the program lies. */
    const char *name = strrchr(config->program, strchr(config->program, '/') ? '/' : ':');
    char first[1400];
    argument_put(first, sizeof first, name ? name + 1 : config->program);
    size_t n = (size_t)snprintf(out, size, "%s", first + 1);
    for (uint32_t i = 0; i < config->arg_count && n < size; i++) {
        char text[600];
        if (!pnp_expand(config->args[i], text, sizeof text)) {
            char err[400];
            snprintf(err, sizeof err, "no device interface is enabled for %.300s", config->args[i]);
            struct session *s = state();
            s->load_failed = true;
            snprintf(s->message, sizeof s->message, "%s", err);
            sim_end(RUN_DONE);
        }
        n += argument_put(out + n, size - n, text);
    }
}

/* ---- what happens to the machine meanwhile ---- */

static void display_change(ULONG state)
{
    po_setting_change(PO_MONITOR, state != 0); /* DOC: GUID_MONITOR_POWER_ON: a dimmed display is on */
    po_setting_change(PO_CONSOLE_DISPLAY, state);
    po_setting_change(PO_SESSION_DISPLAY, state);
}

static bool setting_do(const struct config_event *e)
{
    static const int settings[EVENT_KINDS] = { [EVENT_POWER_SOURCE] = PO_POWER_SOURCE + 1, [EVENT_BATTERY] = PO_BATTERY + 1, [EVENT_LID] = PO_LID + 1,
                                               [EVENT_AWAY_MODE] = PO_AWAY_MODE + 1, [EVENT_BATTERY_SAVER] = PO_SAVING + 1 };
    if (e->kind == EVENT_DISPLAY)
        display_change(e->number);
    else if (settings[e->kind])
        po_setting_change((enum po_setting)(settings[e->kind] - 1), e->number);
    return e->kind == EVENT_DISPLAY || settings[e->kind];
}

static void event_do(const struct config_event *e)
{
    if (setting_do(e))
        return;
    static const enum pnp_request requests[EVENT_KINDS] = { [EVENT_SURPRISE] = PNP_SURPRISE, [EVENT_REMOVAL] = PNP_QUERY_AND_REMOVE, [EVENT_STOP] = PNP_REBALANCE,
                                                            [EVENT_DISABLE] = PNP_DISABLE, [EVENT_ENABLE] = PNP_ENABLE, [EVENT_RESTART] = PNP_RESTART,
                                                            [EVENT_EJECT] = PNP_EJECT };
    if (e->kind == EVENT_SLEEP) {
        po_sleep((SYSTEM_POWER_STATE)(PowerSystemWorking + e->number), false);
    } else if (e->kind == EVENT_DELAY) {
        LARGE_INTEGER t = { .QuadPart = -10000ll * e->number };
        KeDelayExecutionThread(KernelMode, FALSE, &t);
    } else {
        struct pnp_answer a;
        struct devnode *n = pnp_find(e->device);
        if (n)
            pnp_request(n, requests[e->kind], &a);
    }
}

/* One after the other, by a thread whose moments are choices like all others. */
static void events_run(void *done)
{
    for (uint32_t i = 0; i < config->event_count; i++)
        event_do(&config->events[i]);
    KeSetEvent(done, 0, FALSE);
}

static KEVENT *events_start(void)
{
    if (!config->event_count)
        return NULL;
    KEVENT *done = ex_pool_alloc(NonPagedPoolNx, sizeof *done, 0x6E657645);
    KeInitializeEvent(done, NotificationEvent, FALSE);
    ps_create_host_thread(events_run, done, "events");
    return done;
}

static void events_wait(KEVENT *done)
{
    if (!done)
        return;
    KeWaitForSingleObject(done, Executive, KernelMode, FALSE, NULL);
    ex_pool_free(done);
}

/* A function of its own, as whatever needs room on the stack of who waits: it would be part of every snapshot. */
static __attribute__((noinline)) struct process *start_program(void)
{
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
    return p;
}

static void run_program(void)
{
    struct session *s = state();
    s->phase = PHASE_PROGRAM;
    struct process *p = start_program();
    ps_resume_thread(p->main_thread);
    KeWaitForSingleObject(p->eprocess, Executive, KernelMode, FALSE, NULL);
    s->program_ended = true;
    s->program_exit = (uint32_t)p->exit_status;
    ob_dereference(p->eprocess);
}

/* Time passes only when nothing else can go on: work that is still under way (power requests, work items) comes to its end. */
static void let_settle(void)
{
    LARGE_INTEGER ten_seconds = { .QuadPart = -100000000 };
    KeDelayExecutionThread(KernelMode, FALSE, &ten_seconds);
}

/* again: those that could not be unloaded because something on their devices is open, or attached, now are. */
static void unload_drivers(bool again)
{
    state()->phase = PHASE_UNLOAD;
    for (uint32_t i = config->driver_count; i-- > 0;) {
        char service[64];
        config_service(&config->drivers[i], service, sizeof service);
        DRIVER_OBJECT *d = io_driver_find(service);
        if (d && again)
            io_unload_driver(d);
        else if (d)
            io_stop_driver(d);
    }
}

/* When that fails the run does, but what was built is taken down as Windows does, so that the drivers' own way out is run too. */
static __attribute__((noinline)) bool start_devices(struct session *s)
{
    char err[400];
    NTSTATUS status = pnp_start(config, err, sizeof err);
    if (NT_SUCCESS(status))
        return true;
    s->load_failed = true;
    snprintf(s->message, sizeof s->message, "%s failed with %s", err, nt_status_name(status));
    return false;
}

static void session_thread(void *unused)
{
    struct session *s = state();
    s->agent = sim_current();
    load_drivers();
    io_reinitialize_drivers();
    s->phase = PHASE_START;
    if (start_devices(s)) {
        KEVENT *events = events_start();
        if (config->program[0])
            run_program();
        events_wait(events);
    }
    s->phase = PHASE_REMOVE;
    pnp_remove_all();
    unload_drivers(false);
    let_settle();
    if (config->driver_count) {
        unload_drivers(true);
        let_settle();
    }
    io_shutdown_system();
    KeFlushQueuedDpcs();
    s->phase = PHASE_LEAKS;
    mm_pool_check();
    leaks_check(s);
    s->phase = PHASE_DONE;
    sim_end(RUN_DONE);
}

void session_process_init(void)
{
    race_process_init();
    host_arena_map();
    host_signals_install(trap_filter);
}

/* The services of the drivers, and values of the configuration that belong to no device; pnp sets those once it knows the device's key. */
static void registry_fill(const struct config *c)
{
    static const char *const of_devices[] = { "device:", "instance:", "driver:", "class:", "model:" };
    const char *const version = "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion";
    char build[16];
    snprintf(build, sizeof build, "%u", ke_os()->build);
    cm_set_text(version, "CurrentBuild", build);
    cm_set_text(version, "CurrentBuildNumber", build);
    cm_set_text(version, "SystemRoot", "C:\\Windows");
    /* The user's own keys, HKEY_CURRENT_USER for programs. */
    cm_set_text("HKU\\S-1-5-21-1-2-3-1000\\Environment", "TEMP", "C:\\Windows\\Temp");
    cm_set_text("HKU\\S-1-5-21-1-2-3-1000\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows", "Device", "");
    hives_apply(c);
    for (uint32_t i = 0; i < c->driver_count; i++) {
        char service[64], path[400], image[128];
        config_service(&c->drivers[i], service, sizeof service);
        snprintf(path, sizeof path, "HKLM\\System\\CurrentControlSet\\Services\\%s", service);
        snprintf(image, sizeof image, "\\SystemRoot\\System32\\drivers\\%s.sys", service);
        cm_set_dword(path, "Type", 1);
        cm_set_dword(path, "Start", 3);
        cm_set_dword(path, "ErrorControl", 1);
        cm_set_text(path, "ImagePath", image);
    }
    for (uint32_t i = 0; i < c->registry_count; i++) {
        const struct config_value *v = &c->registry[i];
        char path[400];
        bool of_device = false;
        for (size_t k = 0; k < sizeof of_devices / sizeof of_devices[0]; k++)
            of_device |= strncmp(v->path, of_devices[k], strlen(of_devices[k])) == 0;
        if (of_device)
            continue;
        if (strncmp(v->path, "service:", 8) == 0)
            snprintf(path, sizeof path, "HKLM\\System\\CurrentControlSet\\Services\\%s", v->path + 8);
        else
            snprintf(path, sizeof path, "%s", v->path);
        pnp_value_apply(v, path);
    }
}

/* A framework's file: carried by a replay file, or ours; what was used is carried by the replay files of this run. */
static struct image_file *framework_file(const char *name, char *err, size_t errlen)
{
    char path[CONFIG_PATH];
    snprintf(path, sizeof path, "replay:%s", name);
    struct image_file *f = image_file_known(path);
    if (!f && framework_find(name, path, sizeof path))
        f = image_file_open(path, err, errlen);
    if (f)
        module_note(f);
    return f;
}

/* The service of a framework, as it is there on Windows. */
static void framework_service(const char *file, char *service, size_t size)
{
    char key[200], image[160];
    snprintf(service, size, "%.*s", (int)strcspn(file, "."), file);
    snprintf(key, sizeof key, "HKLM\\System\\CurrentControlSet\\Services\\%s", service);
    snprintf(image, sizeof image, "\\SystemRoot\\System32\\drivers\\%s", file);
    if (cm_get_value(key, "ImagePath", NULL, NULL, 0) >= 0)
        return;
    cm_set_dword(key, "Type", 1);
    cm_set_dword(key, "Start", 0);
    cm_set_dword(key, "ErrorControl", 1);
    cm_set_text(key, "ImagePath", image);
}

static const char *last_part(const char *path)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (*p == '\\' || *p == '/')
            name = p + 1;
    return name;
}

/* "\??\C:\x", "\SystemRoot\x", "System32\x": the path on C:, without the drive. */
static void on_volume(const char *image, char *out, size_t size)
{
    if (strncmp(image, "\\??\\", 4) == 0)
        image += 4;
    if (image[0] && image[1] == ':')
        snprintf(out, size, "%s", image + 2);
    else if (strncasecmp(image, "\\SystemRoot\\", 12) == 0)
        snprintf(out, size, "Windows\\%s", image + 12);
    else
        snprintf(out, size, "Windows\\%s", image);
}

static bool same_bytes(const char *path, const uint8_t *bytes, uint64_t size)
{
    FILE *f = fopen(path, "rb");
    uint8_t block[4096];
    uint64_t at = 0;
    size_t n;
    if (!f)
        return false;
    while ((n = fread(block, 1, sizeof block, f)) > 0 && at + n <= size && memcmp(block, bytes + at, n) == 0)
        at += n;
    fclose(f);
    return n == 0 && at == size;
}

/* A driver that the program has copied to a place and name of its own: the file beside the program with the same bytes. */
static bool copied_from(const uint8_t *bytes, uint64_t size, char *path, size_t room)
{
    char folder[CONFIG_PATH], best[300] = "", err[400];
    if (!program_folder(folder, sizeof folder)) {
        for (uint32_t i = 0; i < data_count; i++) /* a replay file */
            if (data_files[i].size == size && memcmp(data_files[i].bytes, bytes, size) == 0) {
                struct image_file *f = module_file(data_files[i].name, err, sizeof err);
                snprintf(path, room, "%s", f ? f->path : "");
                return f != NULL;
            }
        return false;
    }
    DIR *d = opendir(folder[0] ? folder : ".");
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char full[CONFIG_PATH + 300];
        const char *dot = strrchr(e->d_name, '.');
        snprintf(full, sizeof full, "%s%s", folder, e->d_name);
        if (dot && strcasecmp(dot, ".sys") == 0 && (!best[0] || strcmp(e->d_name, best) < 0) && same_bytes(full, bytes, size))
            snprintf(best, sizeof best, "%.250s", e->d_name);
    }
    if (d)
        closedir(d);
    struct image_file *f = best[0] ? module_file(best, err, sizeof err) : NULL;
    snprintf(path, room, "%s", f ? f->path : "");
    return f != NULL;
}

/* The host's file for a driver that the program asks the service manager to load: image as the registry has it. */
static bool driver_file(const char *image, char *path, size_t size)
{
    char where[CONFIG_PATH], err[400];
    const char *file_name = last_part(image);
    const uint8_t *bytes;
    uint64_t length;
    for (uint32_t i = 0; i < config->driver_count; i++) {
        const char *slash = strrchr(config->drivers[i].file, '/');
        if (strcasecmp(slash ? slash + 1 : config->drivers[i].file, file_name) == 0)
            return config_find_file(config, config->drivers[i].file, path, size);
    }
    /* Beside the program, where programs that install their driver look for it. */
    struct image_file *f = module_file(file_name, err, sizeof err);
    if (f) {
        snprintf(path, size, "%s", f->path);
        return true;
    }
    on_volume(image, where, sizeof where);
    if (fs_contents(where, &bytes, &length))
        return copied_from(bytes, length, path, size);
    if (config_find_file(config, file_name, path, size))
        return true;
    f = framework_file(file_name, err, sizeof err);
    if (f)
        snprintf(path, size, "%s", f->path);
    return f != NULL;
}

/* A driver that another one imports from and that is not loaded yet: one of those given with the same run. */
static struct image *needed(const struct image *from, const char *module, char *err, size_t errlen)
{
    for (uint32_t i = 0; i < config->driver_count; i++) {
        const char *file = config->drivers[i].file, *slash = strrchr(file, strchr(file, '/') ? '/' : ':'), *name = slash ? slash + 1 : file;
        size_t n = strcspn(name, ".");
        char path[CONFIG_PATH], service[64];
        if (strcasecmp(name, module) != 0 && (strchr(module, '.') || strlen(module) != n || strncasecmp(name, module, n) != 0))
            continue;
        config_service(&config->drivers[i], service, sizeof service);
        return config_find_file(config, file, path, sizeof path) ? io_load_import(path, service, err, errlen) : NULL;
    }
    struct image_file *f = framework_file(module, err, errlen);
    if (!f)
        return NULL;
    char service[64], library[64];
    framework_service(f->name, service, sizeof service);
    if (strcasecmp(f->name, "wdfldr.sys") == 0) /* it loads the library by its service */
        framework_service("Wdf01000.sys", library, sizeof library);
    return io_load_import(f->path, service, err, errlen);
}

void session_begin(const struct config *c)
{
    service_file_hook = driver_file;
    pnp_user_hook = device_notify_event;
    ps_module_file_hook = module_file;
    fs_host_file_hook = data_file;
    w32_console_typed = c->input[0] ? c->input : NULL;
    image_need_hook = needed;
    config = c;
    race_watch(c->watch, c->seed);
    pool_reuse_at_once(c->reuse);
    sim_init(c->cpus);
    MACHINE->time_any = c->time_any;
    host_watchdog(TRAP_WATCHDOG_US);
    MACHINE->clock_100ns = 10000000ull * 60; /* a minute after boot */
    trace_init();
    MACHINE->rooms[ROOM_SESSION] = sim_alloc(sizeof(struct session));
    ke_init();
    ke_set_os(c->os);
    ob_init();
    ex_objects_init();
    ps_init();
    io_init();
    door_images_build();
    se_init();
    ex_init();
    cm_init();
    tm_init(cm_transaction_ended);
    registry_fill(c);
    po_init();
    pnp_init();
    ex_work_init();
    verify_init(c->verifier);
    fs_init();
    leaks_baseline();
    sim_settle(); /* the kernel's own threads reach their first wait */
    ps_create_host_thread(session_thread, NULL, "session");
    session_guard(c->guard);
}

static size_t stack_of(const struct agent *a, uint64_t *frames, size_t max)
{
    return kd_stack_addresses(a, frames, max);
}

void session_guard(bool on)
{
    verify_stack_hook = stack_of;
    io_image_busy_hook = leaks_image_busy;
    verify_guard_begin(on);
}

/* ---- outcome ---- */

const char *failure_kind_text(enum failure_kind k)
{
    static const char *const t[] = { "none", "bugcheck", "verifier", "deadlock", "hang", "crash", "exit", "unsupported", "load" };
    return t[k];
}

const char *outcome_contract_kind(const struct outcome *o)
{
    switch (o->kind) {
    case FAILURE_UNSUPPORTED:
        return "crash";
    case FAILURE_LOAD:
        return "exit";
    default:
        return failure_kind_text(o->kind);
    }
}

int outcome_exit_status(const struct outcome *o)
{
    if (o->kind == FAILURE_LOAD && session_state()->bad_input)
        return 2;
    return o->kind == FAILURE_NONE ? 0 : 1;
}

/* Images, pool and user memory are hashed whole; stacks are left to the events, because what lies below the last frame of an
 * ended thread tells nothing. */
uint64_t session_run_hash(void)
{
    uint64_t h = trace_hash();
    for (uint32_t i = 0; i < MACHINE->segment_count; i++) {
        const struct segment *s = &MACHINE->segments[i];
        if (s->hashed && s->kind == SEGMENT_PLAIN)
            h = base_hash_bytes(h ^ s->base, (const uint8_t *)s->base, s->used);
    }
    return mm_guard_hash(h);
}

bool session_check_files(const struct config *c, char *err, size_t errlen)
{
    if (!hives_read(c, err, errlen))
        return false;
    char path[CONFIG_PATH];
    for (uint32_t i = 0; i <= c->driver_count; i++) {
        const char *name = i < c->driver_count ? c->drivers[i].file : c->program;
        if (!name[0])
            continue;
        if (!config_find_file(c, name, path, sizeof path)) {
            snprintf(err, errlen, "%s: no such file%s", name, c->folder[0] ? " in the case's folder or among the built cases; run make first" : "");
            return false;
        }
        const struct image_file *f = image_file_open(path, err, errlen);
        if (!f)
            return false;
        bool native = f->pe.subsystem == PE_SUBSYSTEM_NATIVE, driver = i < c->driver_count;
        if (driver && !native) {
            snprintf(err, errlen, "%s: is a program (subsystem %u), not a driver", path, f->pe.subsystem);
            return false;
        }
        if (!driver && native) {
            snprintf(err, errlen, "%s: is a driver (native subsystem), not a program; give it with --driver", path);
            return false;
        }
    }
    return true;
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
        if (verify_guard_text(o->message, sizeof o->message, &place)) {
            o->kind = FAILURE_VERIFIER;
            o->guarded = true;
            break;
        }
        if (verify_finding_text(o->message, sizeof o->message)) {
            o->kind = FAILURE_VERIFIER;
            place = b->p[3];
            break;
        }
        snprintf(o->message, sizeof o->message, "bug check 0x%X %s (%016llx, %016llx, %016llx, %016llx)", b->code, o->name, (unsigned long long)b->p[0],
                 (unsigned long long)b->p[1], (unsigned long long)b->p[2], (unsigned long long)b->p[3]);
        char said[640];
        if (b->code == WDF_VIOLATION && kd_wdf_last_error(said, sizeof said)) {
            size_t n = strlen(o->message);
            snprintf(o->message + n, sizeof o->message - n, ": the framework says: %s", said);
        }
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
        const char *asked = c->address == 0 ? module_asked_in_vain() : NULL;
        if (asked) { /* not the program's fault: it called what GetProcAddress had for it */
            o->kind = FAILURE_UNSUPPORTED;
            snprintf(o->name, sizeof o->name, "UNSUPPORTED");
            snprintf(o->message, sizeof o->message, "%s is not supported: GetProcAddress answered NULL, and that was called", asked);
        }
        break;
    }
    case RUN_DEADLOCK:
        o->kind = FAILURE_DEADLOCK;
        snprintf(o->name, sizeof o->name, leaks_lost_wakeup() ? "LOST_WAKEUP" : "DEADLOCK");
        leaks_deadlock_text(o->message, sizeof o->message);
        break;
    case RUN_LIVELOCK:
        o->kind = FAILURE_HANG;
        snprintf(o->name, sizeof o->name, "LIVELOCK");
        leaks_livelock_text(o->message, sizeof o->message);
        place = RUN_LIVELOCK; /* of another cause than a hang */
        break;
    case RUN_HANG: {
        const struct trap_crash *c = trap_hang_info();
        o->kind = FAILURE_HANG;
        snprintf(o->name, sizeof o->name, c && c->happened ? "UNCONTROLLED_SPIN" : "HANG");
        if (c && c->happened) {
            char where[200];
            image_symbol_text(c->address, where, sizeof where);
            int n = snprintf(o->message, sizeof o->message, "endless loop at %s, which nobody is left to end", where);
            char waits[400];
            if (leaks_work_routine(c->agent, waits, sizeof waits))
                n += snprintf(o->message + n, sizeof o->message - (size_t)n, ", in the work item of %s", waits);
            if (leaks_waits_text(waits, sizeof waits))
                snprintf(o->message + n, sizeof o->message - (size_t)n, "; %s", waits);
            place = c->address;
        } else {
            leaks_hang_text(kd_failed_agent(), o->message, sizeof o->message);
        }
        break;
    }
    case RUN_UNSUPPORTED:
        o->kind = FAILURE_UNSUPPORTED;
        snprintf(o->name, sizeof o->name, "UNSUPPORTED");
        snprintf(o->message, sizeof o->message, "%s", trap_unsupported_text() ? trap_unsupported_text() : "something unknown was called");
        break;
    case RUN_FINDING:
        if (race_finding_get(o->name, sizeof o->name, o->message, sizeof o->message, &place))
            o->kind = FAILURE_VERIFIER;
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
            const char *name = strrchr(config->program, strchr(config->program, '/') ? '/' : ':');
            size_t n = (size_t)snprintf(o->message, sizeof o->message, "%s ended with exit code %u", name ? name + 1 : config->program, s->program_exit);
            if (s->program_exit >= 0x80000000u)
                snprintf(o->message + n, sizeof o->message - n, " (0x%X %s)", s->program_exit, nt_status_name((NTSTATUS)s->program_exit));
        } else if (s->leak) {
            o->kind = FAILURE_VERIFIER;
            snprintf(o->name, sizeof o->name, "LEAK");
            snprintf(o->message, sizeof o->message, "%s", s->message);
        }
    }
    o->key = key_of(o, place);
}
