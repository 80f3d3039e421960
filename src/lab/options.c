/* Configurations: cases, programs, options by name; see irplab.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lab/lab.h"
#include "lab/search.h"
#include "sim/image.h"

bool lab_fail(struct irplab *lab, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(lab->error, sizeof lab->error, format, ap);
    va_end(ap);
    lab->failed = true;
    return false;
}

void lab_init(struct irplab *lab)
{
    memset(lab, 0, sizeof *lab);
    config_init(&lab->config);
    lab->search = (struct lab_search) { .preemptions = -1, .delays = -1, .schedules = -1, .seconds = -1, .jobs = 1 };
}

struct irplab *irplab_new(void)
{
    struct irplab *lab = malloc(sizeof *lab);
    if (lab)
        lab_init(lab);
    return lab;
}

void irplab_free(struct irplab *lab)
{
    free(lab);
}

const char *irplab_error(const struct irplab *lab)
{
    return lab->failed ? lab->error : NULL;
}

void irplab_on_output(struct irplab *lab, irplab_output *fn, void *user)
{
    lab->say = fn;
    lab->say_user = user;
}

/* ---- options ---- */

static bool whole(struct irplab *lab, const char *name, const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 0);
    if (end == text || *end || errno || *out < low || *out > high)
        return lab_fail(lab, "--%s wants a whole number from %lld to %lld, not '%s'", name, (long long)low, (long long)high, text);
    return true;
}

static bool one_of(struct irplab *lab, const char *name, const char *text, const char *const *words, int *out)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    return lab_fail(lab, "--%s does not know '%s'; see --help", name, text);
}

static bool set_driver(struct irplab *lab, const char *name, const char *file)
{
    struct config *c = &lab->config;
    struct stat st;
    if (c->driver_count == CONFIG_MAX_DRIVERS)
        return lab_fail(lab, "more than %d drivers", CONFIG_MAX_DRIVERS);
    if (strlen(file) >= CONFIG_PATH || stat(file, &st) != 0)
        return lab_fail(lab, "%s: %s", file, strerror(strlen(file) >= CONFIG_PATH ? ENAMETOOLONG : errno));
    strcpy(c->drivers[c->driver_count++].file, file);
    return true;
}

static bool set_device(struct irplab *lab, const char *name, const char *hwid)
{
    struct config *c = &lab->config;
    if (c->device_count == CONFIG_MAX_DEVICES)
        return lab_fail(lab, "more than %d devices", CONFIG_MAX_DEVICES);
    if (!hwid[0] || strlen(hwid) >= sizeof c->devices[0].hwid)
        return lab_fail(lab, "--device wants a hardware id of up to %zu characters", sizeof c->devices[0].hwid - 1);
    strcpy(c->devices[c->device_count++].hwid, hwid);
    return true;
}

static bool set_inf(struct irplab *lab, const char *name, const char *file)
{
    struct config *c = &lab->config;
    struct stat st;
    if (strlen(file) >= CONFIG_PATH || stat(file, &st) != 0)
        return lab_fail(lab, "%s: %s", file, strerror(strlen(file) >= CONFIG_PATH ? ENAMETOOLONG : errno));
    if (!S_ISREG(st.st_mode))
        return lab_fail(lab, "%s: is not a file", file);
    if (c->inf_count == CONFIG_MAX_INFS)
        return lab_fail(lab, "more than %d INF files", CONFIG_MAX_INFS);
    strcpy(c->infs[c->inf_count++], file);
    return true;
}

/* Text: bytes that are none could not be kept in a replay file. */
static bool is_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] >= 0x80 || !s[i])
            return false;
    return true;
}

static bool set_input(struct irplab *lab, const char *name, const char *file)
{
    struct config *c = &lab->config;
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
    if (!f)
        return lab_fail(lab, "%s: %s", file, strerror(errno));
    size_t n = fread(c->input, 1, sizeof c->input, f);
    bool unread = ferror(f);
    if (f != stdin)
        fclose(f);
    bool fits = n < sizeof c->input && is_text(c->input, n);
    c->input[fits ? n : 0] = 0;
    if (unread)
        return lab_fail(lab, "%s: cannot be read", file);
    return fits || lab_fail(lab, "--input takes up to %zu characters of ASCII text", sizeof c->input - 1);
}

static bool set_stub(struct irplab *lab, const char *name, const char *text)
{
    return image_stub_add(text) || lab_fail(lab, "--stub wants MODULE!NAME=VALUE, not '%s'", text);
}

static bool set_cpus(struct irplab *lab, const char *name, const char *text)
{
    int64_t n;
    if (!whole(lab, name, text, 1, MAX_PROCESSORS, &n))
        return false;
    lab->config.cpus = (uint32_t)n;
    return true;
}

static bool set_seed(struct irplab *lab, const char *name, const char *text)
{
    int64_t n;
    if (!whole(lab, name, text, 0, INT64_MAX, &n))
        return false;
    lab->config.seed = (uint64_t)n;
    return true;
}

static bool set_watch(struct irplab *lab, const char *name, const char *text)
{
    int64_t n;
    if (!whole(lab, name, text, 0, 100, &n))
        return false;
    lab->config.watch = (uint32_t)n;
    lab->config.sweep_off = n == 0;
    return true;
}

static bool set_time_model(struct irplab *lab, const char *name, const char *text)
{
    static const char *const models[] = { "idle", "any", NULL };
    int which = 0;
    if (!one_of(lab, name, text, models, &which))
        return false;
    lab->config.time_any = which == 1;
    return true;
}

static bool set_verifier(struct irplab *lab, const char *name, const char *text)
{
    static const char *const switches[] = { "on", "off", NULL };
    int which = 0;
    if (!one_of(lab, name, text, switches, &which))
        return false;
    lab->config.verifier = which == 0;
    return true;
}

static bool set_reuse(struct irplab *lab, const char *name, const char *text)
{
    return lab->config.reuse = true;
}

static bool set_guard(struct irplab *lab, const char *name, const char *text)
{
    return lab->config.guard = true;
}

static bool set_output(struct irplab *lab, const char *name, const char *folder)
{
    if (!folder[0] || strlen(folder) >= sizeof lab->output - 200)
        return lab_fail(lab, "--output wants the name of a folder");
    strcpy(lab->output, folder);
    return true;
}

static bool set_strategy(struct irplab *lab, const char *name, const char *text)
{
    static const char *const strategies[] = { "auto", "dpor", "dfs", "pct", "pos", "surw", "random", NULL };
    int which = 0;
    if (!one_of(lab, name, text, strategies, &which))
        return false;
    lab->search.strategy = strategies[which];
    return true;
}

static bool set_preemptions(struct irplab *lab, const char *name, const char *text)
{
    int64_t n;
    if (!whole(lab, name, text, 0, 1000, &n))
        return false;
    lab->search.preemptions = (int32_t)n;
    return true;
}

static bool set_delays(struct irplab *lab, const char *name, const char *text)
{
    int64_t n;
    if (!whole(lab, name, text, 0, 1000, &n))
        return false;
    lab->search.delays = (int32_t)n;
    return true;
}

static bool set_depth(struct irplab *lab, const char *name, const char *text)
{
    int64_t n;
    if (!whole(lab, name, text, 1, 64, &n))
        return false;
    lab->search.depth = (unsigned)n;
    return true;
}

static bool set_schedules(struct irplab *lab, const char *name, const char *text)
{
    return whole(lab, name, text, 1, INT64_MAX, &lab->search.schedules);
}

static bool set_time(struct irplab *lab, const char *name, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds > 0) || seconds > 1e9)
        return lab_fail(lab, "--time wants seconds, not '%s'", text);
    lab->search.seconds = seconds;
    return true;
}

static bool set_jobs(struct irplab *lab, const char *name, const char *text)
{
    int64_t n;
    if (!whole(lab, name, text, 1, 256, &n))
        return false;
    lab->search.jobs = (int)n;
    return true;
}

static bool set_path(struct irplab *lab, const char *name, const char *file, char *out)
{
    if (!file[0] || strlen(file) >= CONFIG_PATH - 16)
        return lab_fail(lab, "--%s wants a file's name", name);
    strcpy(out, file);
    return true;
}

static bool set_state(struct irplab *lab, const char *name, const char *file)
{
    return set_path(lab, name, file, lab->search.state);
}

static bool set_resume(struct irplab *lab, const char *name, const char *file)
{
    return set_path(lab, name, file, lab->search.resume);
}

static bool set_queue(struct irplab *lab, const char *name, const char *url)
{
    if (!url[0] || strlen(url) >= CONFIG_PATH - 16)
        return lab_fail(lab, "--queue wants redis://HOST:PORT/NAME");
    strcpy(lab->search.queue, url);
    return true;
}

static bool set_schedule(struct irplab *lab, const char *name, const char *text)
{
    struct explore_schedule s = { 0 };
    const char *why = NULL;
    if (!explore_schedule_parse(text, &s, &why))
        return lab_fail(lab, "--schedule: %s", why);
    explore_schedule_free(&s);
    lab->search.schedule = strdup(text);
    return lab->search.schedule != NULL;
}

static bool set_keep_going(struct irplab *lab, const char *name, const char *text)
{
    return lab->search.keep_going = true;
}

static const struct option {
    const char *name;
    bool (*set)(struct irplab *lab, const char *name, const char *value);
    bool exploring, is_switch;
} options[] = {
    { "driver", set_driver },
    { "device", set_device },
    { "inf", set_inf },
    { "input", set_input },
    { "stub", set_stub },
    { "cpus", set_cpus },
    { "seed", set_seed },
    { "watch", set_watch },
    { "time-model", set_time_model },
    { "verifier", set_verifier },
    { "guard", set_guard, .is_switch = true },
    { "reuse", set_reuse, .is_switch = true },
    { "output", set_output },
    { "schedule", set_schedule },
    { "strategy", set_strategy, .exploring = true },
    { "preemptions", set_preemptions, .exploring = true },
    { "delays", set_delays, .exploring = true },
    { "depth", set_depth, .exploring = true },
    { "schedules", set_schedules, .exploring = true },
    { "time", set_time, .exploring = true },
    { "jobs", set_jobs, .exploring = true },
    { "state", set_state, .exploring = true },
    { "resume", set_resume, .exploring = true },
    { "queue", set_queue, .exploring = true },
    { "keep-going", set_keep_going, .exploring = true, .is_switch = true },
};

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

enum lab_option lab_option(const char *name, bool exploring)
{
    const struct option *o = find(name);
    return !o || (o->exploring && !exploring) ? LAB_NO_OPTION : o->is_switch ? LAB_SWITCH : LAB_VALUE;
}

bool irplab_set(struct irplab *lab, const char *option, const char *value)
{
    const struct option *o = find(option);
    lab->failed = false;
    if (!o)
        return lab_fail(lab, "unknown option '%s'", option);
    if (!value && !o->is_switch)
        return lab_fail(lab, "--%s needs a value; see --help", option);
    return o->set(lab, option, value);
}

/* ---- what to run ---- */

bool irplab_case(struct irplab *lab, const char *folder)
{
    lab->failed = false;
    lab->has_target = false;
    config_init(&lab->config);
    if (!config_read_case(&lab->config, folder, lab->error, sizeof lab->error))
        return !(lab->failed = true);
    return lab->has_target = true;
}

bool irplab_program(struct irplab *lab, const char *file, int argc, const char *const argv[])
{
    struct config *c = &lab->config;
    struct stat st;
    lab->failed = false;
    c->program[0] = 0;
    c->arg_count = 0;
    lab->has_target = false;
    if (!file)
        return true;
    if (strlen(file) >= sizeof c->program || stat(file, &st) != 0)
        return lab_fail(lab, "%s: %s", file, strerror(strlen(file) >= sizeof c->program ? ENAMETOOLONG : errno));
    if (!S_ISREG(st.st_mode))
        return lab_fail(lab, "%s: neither a case folder nor a program", file);
    if (argc > CONFIG_MAX_ARGS)
        return lab_fail(lab, "more than %d arguments for the program", CONFIG_MAX_ARGS);
    for (int i = 0; i < argc; i++) {
        if (strlen(argv[i]) >= sizeof c->args[0])
            return lab_fail(lab, "argument %d of the program is longer than %zu characters", i + 1, sizeof c->args[0] - 1);
        strcpy(c->args[i], argv[i]);
    }
    c->arg_count = (uint32_t)argc;
    strcpy(c->program, file);
    const char *slash = strrchr(file, '/');
    snprintf(c->name, sizeof c->name, "%.127s", slash ? slash + 1 : file);
    return lab->has_target = true;
}

/* With devices, drivers that nothing else gives a place belong to those devices: the first is their function driver, the others filters.
 * Those that an INF speaks of have their place already. */
static void drivers_to_devices(struct config *c)
{
    bool has_function = c->inf_count != 0;
    for (uint32_t i = 0; c->device_count && i < c->driver_count; i++) {
        struct config_driver *d = &c->drivers[i];
        if (d->hwid[0] || d->by_registry || d->role != ROLE_LEGACY)
            continue;
        size_t n = 0;
        for (uint32_t k = 0; k < c->device_count; k++)
            if (n + strlen(c->devices[k].hwid) + 2 < sizeof d->hwid)
                n += (size_t)snprintf(d->hwid + n, sizeof d->hwid - n, "%s%s", k ? "\n" : "", c->devices[k].hwid);
        d->role = has_function ? ROLE_UPPER : ROLE_FUNCTION;
        has_function = true;
    }
}

bool lab_prepare(struct irplab *lab)
{
    char err[sizeof lab->error];
    lab->failed = false;
    if (lab->search.delays >= 0 && search_is_automatic(lab))
        lab->search.strategy = "dfs";
    if (lab->search.delays >= 0 && strcmp(lab->search.strategy, "dfs") != 0)
        return lab_fail(lab, "--delays is a bound of --strategy dfs, not of %s", lab->search.strategy);
    if (lab->search.depth && (search_is_automatic(lab) || strcmp(lab->search.strategy, "pct") != 0))
        return lab_fail(lab, "--depth is for --strategy pct");
    if (!lab->has_target && !lab->config.driver_count && lab->search.resume[0])
        return true; /* the state file knows (campaign_prepare) */
    if (!lab->has_target && !lab->config.driver_count)
        return lab_fail(lab, "there is nothing to run: give a case, a program or a driver");
    lab->ready = lab->config;
    if (!config_install(&lab->ready, err, sizeof err))
        return lab_fail(lab, "%s", err);
    drivers_to_devices(&lab->ready);
    return session_check_files(&lab->ready, err, sizeof err) || lab_fail(lab, "%s", err);
}
