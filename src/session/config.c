/* irplab.yaml; see config.h. Unknown keys are errors. */
#include "session/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "cm/cm.h"

void config_init(struct config *c)
{
    memset(c, 0, sizeof *c);
    c->cpus = 2;
    c->verifier = true;
    strcpy(c->os, "10");
    c->preemptions = -1;
    c->schedules = -1;
    c->time_seconds = -1;
}

struct reader {
    yaml_document_t doc;
    struct config *c;
    const char *path;
    char *err;
    size_t errlen;
    bool variant; /* a twin or variant: may not set bounds */
    const struct config_event *event_given; /* the last that was read */
};

static bool bad(struct reader *r, const yaml_node_t *n, const char *text, const char *what)
{
    snprintf(r->err, r->errlen, "%s:%zu: %s%s%s", r->path, n ? n->start_mark.line + 1 : 0, text, what ? " " : "", what ? what : "");
    return false;
}

static const char *scalar(const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static bool text_into(struct reader *r, const yaml_node_t *n, char *out, size_t size)
{
    const char *s = scalar(n);
    if (!s)
        return bad(r, n, "a text is wanted here", NULL);
    if (strlen(s) >= size)
        return bad(r, n, "too long:", s);
    strcpy(out, s);
    return true;
}

static bool number(struct reader *r, const yaml_node_t *n, double low, double high, double *out)
{
    const char *s = scalar(n);
    char *end;
    errno = 0;
    *out = s ? (strncasecmp(s, "0x", 2) == 0 ? (double)strtoull(s, &end, 16) : strtod(s, &end)) : 0;
    if (!s || end == s || *end || errno || *out < low || *out > high)
        return bad(r, n, "not a number in range:", s);
    return true;
}

typedef bool key_fn(struct reader *r, void *at, const char *key, yaml_node_t *value);

static bool mapping(struct reader *r, yaml_node_t *n, void *at, key_fn *fn)
{
    if (!n || n->type != YAML_MAPPING_NODE)
        return bad(r, n, "keys and values are wanted here", NULL);
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        yaml_node_t *k = yaml_document_get_node(&r->doc, p->key), *v = yaml_document_get_node(&r->doc, p->value);
        if (!scalar(k))
            return bad(r, k, "a key must be a text", NULL);
        if (!fn(r, at, scalar(k), v))
            return false;
    }
    return true;
}

static bool unknown(struct reader *r, const yaml_node_t *v, const char *key)
{
    return bad(r, v, "unknown key", key);
}

static bool driver_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    static const char *const roles[] = { "legacy", "bus", "function", "upper", "lower" };
    struct config_driver *d = at;
    if (strcmp(key, "file") == 0)
        return text_into(r, v, d->file, sizeof d->file);
    if (strcmp(key, "hwid") == 0)
        return text_into(r, v, d->hwid, sizeof d->hwid);
    if (strcmp(key, "inf") == 0) {
        if (r->c->inf_count == CONFIG_MAX_INFS)
            return bad(r, v, "too many INF files", NULL);
        return text_into(r, v, r->c->infs[r->c->inf_count++], CONFIG_PATH);
    }
    if (strcmp(key, "role") != 0)
        return unknown(r, v, key);
    for (int i = 0; i < 5; i++)
        if (scalar(v) && strcmp(scalar(v), roles[i]) == 0) {
            d->role = (enum driver_role)i;
            return true;
        }
    return bad(r, v, "role is one of bus, function, upper, lower, legacy, not", scalar(v));
}

static bool flag(struct reader *r, const yaml_node_t *v, bool *out)
{
    const char *s = scalar(v);
    *out = s && strcmp(s, "true") == 0;
    return *out || (s && strcmp(s, "false") == 0) || bad(r, v, "true or false is wanted here", NULL);
}

static bool code_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    struct config_code *c = at;
    double x = 0;
    if (strcmp(key, "pend") == 0)
        return flag(r, v, &c->pend);
    if (strcmp(key, "interrupt") == 0)
        return flag(r, v, &c->interrupt);
    if (!number(r, v, 0, 4294967295.0, &x))
        return false;
    if (strcmp(key, "code") == 0)
        c->code = (uint32_t)x;
    else if (strcmp(key, "status") == 0)
        c->status = (uint32_t)x;
    else if (strcmp(key, "bytes") == 0)
        c->bytes = (uint32_t)x;
    else if (strcmp(key, "delay") == 0)
        c->delay_ms = (uint32_t)x;
    else if (strcmp(key, "message") == 0 && x < CONFIG_MAX_MESSAGES * CONFIG_MAX_RESOURCES)
        c->message = (uint32_t)x + 1;
    else if (strcmp(key, "message") == 0)
        return bad(r, v, "there are not so many messages:", scalar(v));
    else
        return unknown(r, v, key);
    return true;
}

static bool sequence(struct reader *r, yaml_node_t *n, void *base, size_t size, uint32_t *count, uint32_t max, key_fn *fn)
{
    if (!n || n->type != YAML_SEQUENCE_NODE)
        return bad(r, n, "a list is wanted here", NULL);
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        if (*count == max)
            return bad(r, n, "the list is too long", NULL);
        if (!mapping(r, yaml_document_get_node(&r->doc, *i), (char *)base + *count * size, fn))
            return false;
        (*count)++;
    }
    return true;
}

/* kind: start, and what belongs to that kind. */
static bool resource_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    static const char *const kinds[] = { "memory", "port", "interrupt", "dma", "messages" };
    struct config_resource *x = at;
    double n = 0;
    if (strcmp(key, "shared") == 0)
        return flag(r, v, &x->shared);
    if (strcmp(key, "latched") == 0)
        return flag(r, v, &x->latched);
    if (strcmp(key, "length") == 0) {
        if (!number(r, v, 1, 4294967295.0, &n))
            return false;
        x->length = (uint64_t)n;
        return true;
    }
    for (int i = 0; i < 5; i++)
        if (strcmp(key, kinds[i]) == 0) {
            x->kind = (enum resource_kind)i;
            if (!number(r, v, i == RESOURCE_MESSAGES, i < 2 ? 9007199254740992.0 : i == RESOURCE_MESSAGES ? CONFIG_MAX_MESSAGES : 255, &n))
                return false;
            x->start = (uint64_t)n;
            return true;
        }
    return unknown(r, v, key);
}

static bool device_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    struct config_device *d = at;
    if (strcmp(key, "resources") == 0)
        return sequence(r, v, d->resources, sizeof d->resources[0], &d->resource_count, CONFIG_MAX_RESOURCES, resource_key);
    if (strcmp(key, "hwid") == 0)
        return text_into(r, v, d->hwid, sizeof d->hwid);
    if (strcmp(key, "codes") == 0)
        return sequence(r, v, d->codes, sizeof d->codes[0], &d->code_count, CONFIG_MAX_CODES, code_key);
    return unknown(r, v, key);
}

/* One entry: a key and its values. A plain number is a REG_DWORD, or a REG_QWORD if it needs more bits; a list a REG_MULTI_SZ; anything
 * else a REG_SZ. */
struct registry_entry {
    char path[sizeof((struct config_value *)0)->path];
    char hive[CONFIG_PATH]; /* a file instead of values */
    uint32_t first; /* its values start here in config.registry */
};

static bool multi_text(struct reader *r, const yaml_node_t *v, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++) {
        const yaml_node_t *e = yaml_document_get_node(&r->doc, *i);
        const char *s = scalar(e);
        if (!s || !*s)
            return bad(r, e, "a text is wanted here", NULL);
        if (n + strlen(s) + 2 > size)
            return bad(r, e, "too long:", s);
        n += (size_t)sprintf(out + n, "%s%s", n ? "\n" : "", s);
    }
    return true;
}

static bool registry_value(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    struct config *c = at;
    if (c->registry_count == CONFIG_MAX_REGISTRY)
        return bad(r, v, "too many registry values", NULL);
    struct config_value *x = &c->registry[c->registry_count];
    memset(x, 0, sizeof *x);
    if (strlen(key) >= sizeof x->name)
        return bad(r, v, "too long:", key);
    strcpy(x->name, key);
    c->registry_count++;
    if (v && v->type == YAML_SEQUENCE_NODE) {
        x->type = REG_MULTI_SZ;
        return multi_text(r, v, x->text, sizeof x->text);
    }
    if (!text_into(r, v, x->text, sizeof x->text))
        return false;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(x->text, &end, 0);
    bool is_number = v->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && end != x->text && !*end && !errno;
    x->type = !is_number ? REG_SZ : n <= UINT32_MAX ? REG_DWORD : REG_QWORD;
    return true;
}

static bool registry_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    struct registry_entry *e = at;
    if (strcmp(key, "key") == 0)
        return text_into(r, v, e->path, sizeof e->path);
    if (strcmp(key, "hive") == 0)
        return text_into(r, v, e->hive, sizeof e->hive);
    if (strcmp(key, "values") == 0)
        return mapping(r, v, r->c, registry_value);
    return unknown(r, v, key);
}

/* Where Windows mounts files of these names. */
static const char *hive_key(const char *file)
{
    static const char *const known[][2] = { { "SYSTEM", "\\Registry\\Machine\\System" }, { "SOFTWARE", "\\Registry\\Machine\\Software" }, { "DEFAULT", "\\Registry\\User\\.Default" } };
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(name, known[i][0]) == 0)
            return known[i][1];
    return NULL;
}

static bool hive_add(struct reader *r, yaml_node_t *n, const struct registry_entry *e)
{
    const char *key = e->path[0] ? e->path : hive_key(e->hive);
    if (r->c->registry_count != e->first)
        return bad(r, n, "an entry of registry has values or a hive, not both:", e->hive);
    if (!key)
        return bad(r, n, "a hive needs the key that it stands for:", e->hive);
    if (r->c->hive_count == CONFIG_MAX_HIVES)
        return bad(r, n, "too many hives", NULL);
    struct config_hive *h = &r->c->hives[r->c->hive_count++];
    strcpy(h->file, e->hive);
    snprintf(h->key, sizeof h->key, "%s", key);
    return true;
}

static bool registry_read(struct reader *r, yaml_node_t *n)
{
    if (!n || n->type != YAML_SEQUENCE_NODE)
        return bad(r, n, "registry is a list", NULL);
    r->c->registry_count = 0;
    r->c->hive_count = 0;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        struct registry_entry e = { .first = r->c->registry_count };
        if (!mapping(r, yaml_document_get_node(&r->doc, *i), &e, registry_key))
            return false;
        if (e.hive[0]) {
            if (!hive_add(r, yaml_document_get_node(&r->doc, *i), &e))
                return false;
            continue;
        }
        if (!e.path[0])
            return bad(r, n, "an entry of registry needs a key", NULL);
        for (uint32_t k = e.first; k < r->c->registry_count; k++)
            strcpy(r->c->registry[k].path, e.path);
    }
    return true;
}

/* What an event has beside its name. */
enum event_value { VALUE_DEVICE, VALUE_NUMBER, VALUE_WORD };
static const struct event_form {
    const char *key;
    enum event_value value;
    uint32_t low, high;
    const char *words[3]; /* in the order of their values */
} event_forms[EVENT_KINDS] = {
    [EVENT_SLEEP] = { "sleep", VALUE_NUMBER, 1, 4, { 0 } },
    [EVENT_DELAY] = { "delay", VALUE_NUMBER, 1, 1000000000, { 0 } },
    [EVENT_SURPRISE] = { .key = "surprise-removal" },
    [EVENT_REMOVAL] = { .key = "removal" },
    [EVENT_STOP] = { .key = "stop" },
    [EVENT_DISABLE] = { .key = "disable" },
    [EVENT_ENABLE] = { .key = "enable" },
    [EVENT_RESTART] = { .key = "restart" },
    [EVENT_EJECT] = { .key = "eject" },
    [EVENT_POWER_SOURCE] = { "power-source", VALUE_WORD, 0, 0, { "ac", "dc", "ups" } },
    [EVENT_BATTERY] = { "battery", VALUE_NUMBER, 0, 100, { 0 } },
    [EVENT_DISPLAY] = { "display", VALUE_WORD, 0, 0, { "off", "on", "dimmed" } },
    [EVENT_LID] = { "lid", VALUE_WORD, 0, 0, { "closed", "open" } },
    [EVENT_AWAY_MODE] = { "away-mode", VALUE_WORD, 0, 0, { "off", "on" } },
    [EVENT_BATTERY_SAVER] = { "battery-saver", VALUE_WORD, 0, 0, { "off", "on" } },
};

static bool event_word(struct reader *r, yaml_node_t *v, const struct event_form *form, uint32_t *out)
{
    for (uint32_t i = 0; i < 3 && form->words[i]; i++)
        if (scalar(v) && strcmp(scalar(v), form->words[i]) == 0) {
            *out = i;
            return true;
        }
    return bad(r, v, "this event has no value", scalar(v));
}

static bool event_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    struct config_event *e = at;
    double x = 0;
    for (int i = 0; i < EVENT_KINDS; i++) {
        const struct event_form *form = &event_forms[i];
        if (strcmp(key, form->key) != 0)
            continue;
        if (r->event_given == e)
            return bad(r, v, "an event is one key and its value; also here is", key);
        r->event_given = e;
        e->kind = (enum event_kind)i;
        if (form->value == VALUE_DEVICE)
            return text_into(r, v, e->device, sizeof e->device);
        if (form->value == VALUE_WORD)
            return event_word(r, v, form, &e->number);
        if (!number(r, v, form->low, form->high, &x))
            return false;
        e->number = (uint32_t)x;
        return true;
    }
    return unknown(r, v, key);
}

static bool bounds_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    struct config *c = at;
    double x;
    if (!number(r, v, 0, 1e15, &x))
        return false;
    if (strcmp(key, "preemptions") == 0)
        c->preemptions = (int32_t)x;
    else if (strcmp(key, "schedules") == 0)
        c->schedules = (int64_t)x;
    else if (strcmp(key, "time") == 0)
        c->time_seconds = x;
    else
        return unknown(r, v, key);
    return true;
}

static bool args_read(struct reader *r, yaml_node_t *n)
{
    struct config *c = r->c;
    if (!n || n->type != YAML_SEQUENCE_NODE)
        return bad(r, n, "args is a list", NULL);
    c->arg_count = 0;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        if (c->arg_count == CONFIG_MAX_ARGS)
            return bad(r, n, "the list is too long", NULL);
        if (!text_into(r, yaml_document_get_node(&r->doc, *i), c->args[c->arg_count++], sizeof c->args[0]))
            return false;
    }
    return true;
}

static bool os_known(const char *os)
{
    static const char *const known[] = { "win7", "win8.1", "win10", "win11", "7", "8.1", "10", "11" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(os, known[i]) == 0)
            return true;
    return false;
}

static bool top_key(struct reader *r, void *at, const char *key, yaml_node_t *v)
{
    struct config *c = at;
    double x = 0;
    if (strcmp(key, "drivers") == 0) {
        memset(c->drivers, 0, sizeof c->drivers);
        c->driver_count = 0;
        c->inf_count = 0;
        return sequence(r, v, c->drivers, sizeof c->drivers[0], &c->driver_count, CONFIG_MAX_DRIVERS, driver_key);
    }
    if (strcmp(key, "devices") == 0) {
        memset(c->devices, 0, sizeof c->devices);
        c->device_count = 0;
        return sequence(r, v, c->devices, sizeof c->devices[0], &c->device_count, CONFIG_MAX_DEVICES, device_key);
    }
    if (strcmp(key, "registry") == 0)
        return registry_read(r, v);
    if (strcmp(key, "events") == 0) {
        memset(c->events, 0, sizeof c->events);
        c->event_count = 0;
        r->event_given = NULL;
        return sequence(r, v, c->events, sizeof c->events[0], &c->event_count, CONFIG_MAX_EVENTS, event_key);
    }
    if (strcmp(key, "program") == 0)
        return text_into(r, v, c->program, sizeof c->program);
    if (strcmp(key, "args") == 0)
        return args_read(r, v);
    if (strcmp(key, "input") == 0)
        return text_into(r, v, c->input, sizeof c->input);
    if (strcmp(key, "expect") == 0)
        return text_into(r, v, c->expect, sizeof c->expect);
    if (strcmp(key, "os") == 0) {
        if (!text_into(r, v, c->os, sizeof c->os))
            return false;
        return os_known(c->os) || bad(r, v, "os is win7, 8.1, 10 or 11, not", c->os);
    }
    if (strcmp(key, "reuse") == 0)
        return flag(r, v, &c->reuse);
    if (strcmp(key, "guard") == 0)
        return flag(r, v, &c->guard);
    if (strcmp(key, "time_model") == 0) {
        c->time_any = scalar(v) && strcmp(scalar(v), "any") == 0;
        return c->time_any || (scalar(v) && strcmp(scalar(v), "idle") == 0) || bad(r, v, "time_model is idle or any, not", scalar(v));
    }
    if (strcmp(key, "cpus") == 0) {
        if (!number(r, v, 1, 64, &x))
            return false;
        c->cpus = (uint32_t)x;
        return true;
    }
    if (strcmp(key, "bounds") == 0)
        return r->variant ? bad(r, v, "a variant has the bounds of its parent and may not set its own", NULL) : mapping(r, v, c, bounds_key);
    return unknown(r, v, key);
}

static bool read_file(struct config *c, const char *path, bool variant, char *err, size_t errlen)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        snprintf(err, errlen, "%s: %s", path, strerror(errno));
        return false;
    }
    struct reader r = { .c = c, .path = path, .err = err, .errlen = errlen, .variant = variant };
    yaml_parser_t parser;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, f);
    bool ok = yaml_parser_load(&parser, &r.doc) != 0;
    if (!ok)
        snprintf(err, errlen, "%s:%zu: %s", path, parser.problem_mark.line + 1, parser.problem ? parser.problem : "not YAML");
    if (ok) {
        yaml_node_t *root = yaml_document_get_root_node(&r.doc);
        ok = root ? mapping(&r, root, c, top_key) : bad(&r, NULL, "is empty", NULL);
        yaml_document_delete(&r.doc);
    }
    yaml_parser_delete(&parser);
    fclose(f);
    return ok;
}

void config_service(const struct config_driver *d, char *out, size_t size)
{
    const char *file = d->file, *last = strrchr(file, strchr(file, '/') ? '/' : ':');
    snprintf(out, size, "%.*s", (int)size - 1, d->service[0] ? d->service : last ? last + 1 : file);
    char *dot = d->service[0] ? NULL : strrchr(out, '.');
    if (dot)
        *dot = 0;
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool config_read_case(struct config *c, const char *path, char *err, size_t errlen)
{
    char folder[CONFIG_PATH], file[CONFIG_PATH + 32], parent[CONFIG_PATH + 32];
    snprintf(folder, sizeof folder, "%s", path);
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        folder[--n] = 0;
    const char *yaml = strrchr(folder, '/');
    if (yaml && strcmp(yaml, "/irplab.yaml") == 0)
        folder[yaml - folder] = 0;
    snprintf(file, sizeof file, "%s/irplab.yaml", folder);
    if (!exists(file)) {
        snprintf(err, errlen, "%s: no irplab.yaml in this folder", path);
        return false;
    }
    snprintf(parent, sizeof parent, "%s/../irplab.yaml", folder);
    bool variant = exists(parent);
    if (variant) {
        /* A variant starts with all that its parent says. */
        char up[CONFIG_PATH];
        snprintf(up, sizeof up, "%.1000s/..", folder);
        if (!config_read_case(c, up, err, errlen))
            return false;
    }
    const char *slash = strrchr(folder, '/');
    const char *last = slash ? slash + 1 : folder;
    if (variant) {
        char name[sizeof c->name * 2];
        snprintf(name, sizeof name, "%s/%s", c->name, last);
        snprintf(c->name, sizeof c->name, "%.127s", name);
    } else {
        char real[4096];
        if ((strcmp(last, ".") == 0 || strcmp(last, "..") == 0) && realpath(folder, real))
            last = strrchr(real, '/') + 1;
        else if (realpath(folder, real))
            last = strrchr(real, '/') + 1;
        snprintf(c->name, sizeof c->name, "%.127s", last);
    }
    snprintf(c->folder, sizeof c->folder, "%s", folder);
    return read_file(c, file, variant, err, errlen);
}

static bool try_file(char *out, size_t size, const char *folder, const char *sub, const char *name)
{
    snprintf(out, size, "%s%s%s%s%s", folder, folder[0] ? "/" : "", sub, sub[0] ? "/" : "", name);
    return exists(out);
}

/* The folder of the executable is build/ or build/src; cases lie in build/cases. */
static void build_cases(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 16);
    out[n > 0 ? n : 0] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(out, '/');
        if (slash)
            *slash = 0;
        char probe[CONFIG_PATH + 16];
        struct stat st;
        snprintf(probe, sizeof probe, "%s/cases", out);
        if (stat(probe, &st) == 0) {
            snprintf(out, size, "%s", probe);
            return;
        }
    }
    out[0] = 0;
}

bool config_find_file(const struct config *c, const char *name, char *out, size_t size)
{
    char cases[CONFIG_PATH], sub[300];
    if (exists(name) || strncmp(name, "replay:", 7) == 0) {
        snprintf(out, size, "%s", name);
        return true;
    }
    if (name[0] == '/') {
        snprintf(out, size, "%s", name);
        return is_folder(name); /* opening it says what is wrong */
    }
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    if (c->folder[0] && (try_file(out, size, c->folder, "", name) || try_file(out, size, c->folder, "driver", name) || try_file(out, size, c->folder, "program", name)))
        return true;
    build_cases(cases, sizeof cases);
    if (!cases[0] || !c->name[0])
        return false;
    if (try_file(out, size, cases, c->name, name) || try_file(out, size, cases, c->name, base))
        return true;
    /* A variant without its own image uses its parent's. */
    snprintf(sub, sizeof sub, "%s", c->name);
    char *slash = strrchr(sub, '/');
    if (!slash)
        return false;
    *slash = 0;
    return try_file(out, size, cases, sub, base) || (c->folder[0] && try_file(out, size, c->folder, "..", name));
}
