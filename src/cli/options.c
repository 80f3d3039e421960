/* Command-line options; see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "sim/image.h"

int usage_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "irplab: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    return 2;
}

struct parser {
    struct options *o;
    int argc, at;
    char **argv;
    bool explore;
};

static const char *value(struct parser *p, const char *name, const char *inline_value)
{
    if (inline_value)
        return inline_value;
    if (p->at + 1 >= p->argc) {
        usage_error("%s needs a value; see --help", name);
        return NULL;
    }
    return p->argv[++p->at];
}

static bool whole(const char *name, const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    *out = text ? strtoll(text, &end, 0) : 0;
    if (!text)
        return false;
    if (end == text || *end || errno || *out < low || *out > high) {
        usage_error("%s wants a whole number from %lld to %lld, not '%s'", name, (long long)low, (long long)high, text);
        return false;
    }
    return true;
}

static bool one_of(const char *name, const char *text, const char *const *words, int *out)
{
    for (int i = 0; text && words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    if (text)
        usage_error("%s does not know '%s'; see --help", name, text);
    return false;
}

static bool add_driver(struct options *o, const char *file)
{
    if (!file)
        return false;
    if (o->config.driver_count == CONFIG_MAX_DRIVERS) {
        usage_error("more than %d drivers", CONFIG_MAX_DRIVERS);
        return false;
    }
    struct stat st;
    if (stat(file, &st) != 0) {
        usage_error("%s: %s", file, strerror(errno));
        return false;
    }
    snprintf(o->config.drivers[o->config.driver_count++].file, CONFIG_PATH, "%s", file);
    return true;
}

static bool add_device(struct options *o, const char *hwid)
{
    if (!hwid)
        return false;
    if (o->config.device_count == CONFIG_MAX_DEVICES) {
        usage_error("more than %d devices", CONFIG_MAX_DEVICES);
        return false;
    }
    snprintf(o->config.devices[o->config.device_count++].hwid, sizeof o->config.devices[0].hwid, "%s", hwid);
    return true;
}

static bool common(struct parser *p, const char *name, const char *inl, bool *known)
{
    static const char *const colors[] = { "auto", "always", "never", NULL }, *const models[] = { "idle", "any", NULL };
    static const char *const switches[] = { "on", "off", NULL };
    struct options *o = p->o;
    int64_t n;
    int which;
    *known = true;
    if (strcmp(name, "--driver") == 0)
        return add_driver(o, value(p, name, inl));
    if (strcmp(name, "--device") == 0)
        return add_device(o, value(p, name, inl));
    if (strcmp(name, "--inf") == 0) {
        const char *v = value(p, name, inl);
        struct stat st;
        if (!v)
            return false;
        if (stat(v, &st) != 0 || !S_ISREG(st.st_mode)) {
            usage_error("%s: %s", v, stat(v, &st) != 0 ? strerror(errno) : "is not a file");
            return false;
        }
        if (o->config.inf_count == CONFIG_MAX_INFS) {
            usage_error("more than %d INF files", CONFIG_MAX_INFS);
            return false;
        }
        snprintf(o->config.infs[o->config.inf_count++], CONFIG_PATH, "%s", v);
        return true;
    }
    if (strcmp(name, "--stub") == 0) {
        const char *v = value(p, name, inl);
        if (v && !image_stub_add(v)) {
            usage_error("--stub wants MODULE!NAME=VALUE, not '%s'", v);
            return false;
        }
        return v != NULL;
    }
    if (strcmp(name, "--cpus") == 0) {
        if (!whole(name, value(p, name, inl), 1, 16, &n))
            return false;
        o->config.cpus = (uint32_t)n;
        return true;
    }
    if (strcmp(name, "--seed") == 0) {
        if (!whole(name, value(p, name, inl), 0, INT64_MAX, &n))
            return false;
        o->config.seed = (uint64_t)n;
        return true;
    }
    if (strcmp(name, "--time-model") == 0) {
        if (!one_of(name, value(p, name, inl), models, &which))
            return false;
        o->config.time_any = which == 1;
        return true;
    }
    if (strcmp(name, "--verifier") == 0) {
        if (!one_of(name, value(p, name, inl), switches, &which))
            return false;
        o->config.verifier = which == 0;
        return true;
    }
    if (strcmp(name, "--color") == 0) {
        if (!one_of(name, value(p, name, inl), colors, &which))
            return false;
        o->color = (enum color_when)which;
        return true;
    }
    if (strcmp(name, "--output") == 0 || strcmp(name, "-o") == 0) {
        const char *v = value(p, name, inl);
        if (v)
            snprintf(o->output, sizeof o->output, "%s", v);
        return v != NULL;
    }
    if (strcmp(name, "--json") == 0)
        return o->json = true;
    if (strcmp(name, "--quiet") == 0)
        return o->quiet = true;
    if (strcmp(name, "--verbose") == 0)
        return o->verbose = true;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return o->help = true;
    *known = false;
    return false;
}

static bool exploring(struct parser *p, const char *name, const char *inl, bool *known)
{
    static const char *const strategies[] = { "auto", "dpor", "dfs", "pct", "pos", "surw", "random", NULL };
    struct options *o = p->o;
    int64_t n;
    int which;
    *known = true;
    if (strcmp(name, "--strategy") == 0) {
        if (!one_of(name, value(p, name, inl), strategies, &which))
            return false;
        o->strategy = strategies[which];
        return true;
    }
    if (strcmp(name, "--preemptions") == 0) {
        if (!whole(name, value(p, name, inl), 0, 1000, &n))
            return false;
        o->preemptions = (int32_t)n;
        return true;
    }
    if (strcmp(name, "--schedules") == 0)
        return whole(name, value(p, name, inl), 1, INT64_MAX, &o->schedules);
    if (strcmp(name, "--jobs") == 0) {
        if (!whole(name, value(p, name, inl), 1, 256, &n))
            return false;
        o->jobs = (int)n;
        return true;
    }
    if (strcmp(name, "--time") == 0) {
        const char *v = value(p, name, inl);
        char *end;
        o->seconds = v ? strtod(v, &end) : 0;
        if (v && (end == v || *end || o->seconds <= 0)) {
            usage_error("--time wants seconds, not '%s'", v);
            return false;
        }
        return v != NULL;
    }
    if (strcmp(name, "--queue") == 0)
        return (o->queue = value(p, name, inl)) != NULL;
    if (strcmp(name, "--keep-going") == 0)
        return o->keep_going = true;
    if (strcmp(name, "--check-orders") == 0)
        return o->check_orders = true;
    *known = false;
    return false;
}

static bool is_program(const char *arg)
{
    size_t n = strlen(arg);
    return n > 4 && strcasecmp(arg + n - 4, ".exe") == 0;
}

static bool target(struct parser *p, const char *arg)
{
    struct options *o = p->o;
    struct stat st;
    if (o->has_target) {
        usage_error("'%s': a case or program was already given", arg);
        return false;
    }
    o->has_target = true;
    if (stat(arg, &st) != 0) {
        usage_error("%s: %s", arg, strerror(errno));
        return false;
    }
    char err[600];
    if (S_ISDIR(st.st_mode) && !is_program(arg)) {
        /* Options given before the case stay in force: the case is read first, then they are applied again by the caller's order. */
        struct config before = o->config, c;
        config_init(&c);
        if (!config_read_case(&c, arg, err, sizeof err)) {
            usage_error("%s", err);
            return false;
        }
        if (before.cpus != 2)
            c.cpus = before.cpus;
        c.time_any |= before.time_any;
        c.seed = before.seed;
        c.verifier = before.verifier;
        for (uint32_t i = 0; i < before.driver_count && c.driver_count < CONFIG_MAX_DRIVERS; i++)
            c.drivers[c.driver_count++] = before.drivers[i];
        for (uint32_t i = 0; i < before.device_count && c.device_count < CONFIG_MAX_DEVICES; i++)
            c.devices[c.device_count++] = before.devices[i];
        for (uint32_t i = 0; i < before.inf_count && c.inf_count < CONFIG_MAX_INFS; i++)
            strcpy(c.infs[c.inf_count++], before.infs[i]);
        o->config = c;
        return true;
    }
    if (!is_program(arg) && !S_ISREG(st.st_mode)) {
        usage_error("%s: neither a case folder nor a program", arg);
        return false;
    }
    snprintf(o->config.program, sizeof o->config.program, "%s", arg);
    const char *slash = strrchr(arg, '/');
    snprintf(o->config.name, sizeof o->config.name, "%.127s", slash ? slash + 1 : arg);
    while (++p->at < p->argc) {
        if (o->config.arg_count == CONFIG_MAX_ARGS) {
            usage_error("more than %d arguments for the program", CONFIG_MAX_ARGS);
            return false;
        }
        snprintf(o->config.args[o->config.arg_count++], sizeof o->config.args[0], "%s", p->argv[p->at]);
    }
    return true;
}

/* With --device, drivers given on the command line belong to those devices: the first is their function driver, the others filters.
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

bool options_parse(struct options *o, int argc, char **argv, bool explore)
{
    memset(o, 0, sizeof *o);
    config_init(&o->config);
    o->strategy = NULL;
    o->preemptions = -1;
    o->schedules = -1;
    o->seconds = -1;
    o->jobs = 1;
    struct parser p = { .o = o, .argc = argc, .argv = argv, .explore = explore };
    for (p.at = 1; p.at < argc; p.at++) {
        char *arg = argv[p.at];
        if (arg[0] != '-' || !arg[1]) {
            if (!target(&p, arg))
                return false;
            continue;
        }
        char name[64];
        char *eq = strchr(arg, '=');
        snprintf(name, sizeof name, "%.*s", eq ? (int)(eq - arg) : (int)sizeof name - 1, arg);
        bool known;
        bool ok = common(&p, name, eq ? eq + 1 : NULL, &known);
        if (!known && explore)
            ok = exploring(&p, name, eq ? eq + 1 : NULL, &known);
        if (!known) {
            usage_error("unknown option '%s'; see --help", arg);
            return false;
        }
        if (!ok)
            return false;
    }
    char err[CONFIG_PATH + 200];
    if (!o->help && !config_install(&o->config, err, sizeof err)) {
        usage_error("%s", err);
        return false;
    }
    drivers_to_devices(&o->config);
    return true;
}
