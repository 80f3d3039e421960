/* Reading and writing replay files; see replay_file.h. The reader trusts nothing. */
#include "base/file.h"
#include "report/replay_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "session/hive.h"
#include "sim/image.h"
#include "race/points.h"
#include "sim/spins.h"

static const char magic[] = "irplab-replay 1\n";
enum { MAX_FILE = 256 << 20, MAX_FILES = CONFIG_MAX_DRIVERS + 1 + 2 * SESSION_MAX_MODULES, MAX_HEADER = 64 << 20 };

static uint64_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = 0xCBF29CE484222325ull;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3ull;
    return h;
}

static void put_hex(json_t *j, const char *key, uint64_t v)
{
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)v);
    json_object_set_new(j, key, json_string(text));
}

/* Of a file, or of one that came from another replay file. */
static const char *base_name(const char *path)
{
    static const char from_replay[] = "replay:";
    const char *slash = strrchr(path, '/');
    if (!slash && strncmp(path, from_replay, sizeof from_replay - 1) == 0)
        return path + sizeof from_replay - 1;
    return slash ? slash + 1 : path;
}

/* ---- configuration as JSON ---- */

static json_t *driver_json(const struct config_driver *d)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "file", base_name(d->file), "role", (int)d->role, "hwid", d->hwid, "service",
                     d->service, "by_registry", d->by_registry, "description", d->description, "manufacturer", d->manufacturer, "class", d->class_name, "class_guid",
                     d->class_guid, "section", d->section, "inf", d->inf_name, "provider", d->provider, "version", d->version);
}

static json_t *resources_json(const struct config_device *d)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < d->resource_count; i++) {
        const struct config_resource *x = &d->resources[i];
        json_array_append_new(list, json_pack("{s:i, s:I, s:I, s:b, s:b}", "kind", (int)x->kind, "start", (json_int_t)x->start, "length", (json_int_t)x->length, "shared",
                                              x->shared, "latched", x->latched));
    }
    return list;
}

static json_t *config_json(const struct config *c)
{
    json_t *drivers = json_array(), *devices = json_array(), *args = json_array(), *registry = json_array();
    for (uint32_t i = 0; i < c->driver_count; i++)
        json_array_append_new(drivers, driver_json(&c->drivers[i]));
    for (uint32_t i = 0; i < c->device_count; i++) {
        const struct config_device *d = &c->devices[i];
        json_t *codes = json_array();
        for (uint32_t k = 0; k < d->code_count; k++)
            json_array_append_new(codes, json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:I}", "code", (json_int_t)d->codes[k].code, "status", (json_int_t)d->codes[k].status, "bytes",
                                                   (json_int_t)d->codes[k].bytes, "delay", (json_int_t)d->codes[k].delay_ms, "pend", d->codes[k].pend, "interrupt", d->codes[k].interrupt,
                                                   "message", (json_int_t)d->codes[k].message));
        json_array_append_new(devices, json_pack("{s:s, s:o, s:o}", "hwid", d->hwid, "codes", codes, "resources", resources_json(d)));
    }
    for (uint32_t i = 0; i < c->registry_count; i++)
        json_array_append_new(registry, json_pack("{s:s, s:s, s:s, s:s, s:I, s:i}", "key", c->registry[i].path, "subkey", c->registry[i].subkey, "name",
                                                  c->registry[i].name, "text", c->registry[i].text, "type", (json_int_t)c->registry[i].type, "how",
                                                  (int)c->registry[i].how));
    for (uint32_t i = 0; i < c->arg_count; i++)
        json_array_append_new(args, json_string(c->args[i]));
    json_t *events = json_array();
    for (uint32_t i = 0; i < c->event_count; i++)
        json_array_append_new(events, json_pack("{s:i, s:s, s:I}", "kind", (int)c->events[i].kind, "device", c->events[i].device, "number", (json_int_t)c->events[i].number));
    json_t *hive_list = json_array();
    for (uint32_t i = 0; i < c->hive_count; i++)
        json_array_append_new(hive_list, json_pack("{s:s, s:s}", "file", base_name(c->hives[i].file), "key", c->hives[i].key));
    json_t *j = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:i, s:s, s:b, s:I, s:b}", "hives", hive_list, "events", events, "name", c->name, "drivers", drivers, "devices", devices, "registry", registry, "args", args,
                     "program", base_name(c->program), "cpus", (int)c->cpus, "os", c->os, "time_any", c->time_any, "seed", (json_int_t)c->seed, "verifier", c->verifier);
    if (c->reuse)
        json_object_set_new(j, "reuse", json_true());
    if (c->guard)
        json_object_set_new(j, "guard", json_true());
    if (c->watch)
        json_object_set_new(j, "watch", json_integer(c->watch));
    if (c->input[0])
        json_object_set_new(j, "input", json_string(c->input));
    return j;
}

static bool get_text(const json_t *j, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(j, key));
    if (!s || strlen(s) >= size)
        return false;
    strcpy(out, s);
    return true;
}

static bool get_number(const json_t *j, const char *key, int64_t low, int64_t high, int64_t *out)
{
    const json_t *n = json_object_get(j, key);
    *out = json_integer_value(n);
    return json_is_integer(n) && *out >= low && *out <= high;
}

static bool driver_from(const json_t *j, struct config_driver *d)
{
    int64_t role;
    char name[200];
    if (!get_text(j, "file", name, sizeof name) || !get_number(j, "role", 0, ROLE_LOWER, &role) || !get_text(j, "hwid", d->hwid, sizeof d->hwid))
        return false;
    if (!name[0] || strchr(name, '/') || !get_text(j, "service", d->service, sizeof d->service) ||
        !get_text(j, "description", d->description, sizeof d->description) || !get_text(j, "manufacturer", d->manufacturer, sizeof d->manufacturer) ||
        !get_text(j, "class", d->class_name, sizeof d->class_name) || !get_text(j, "class_guid", d->class_guid, sizeof d->class_guid) ||
        !get_text(j, "section", d->section, sizeof d->section) || !get_text(j, "inf", d->inf_name, sizeof d->inf_name) ||
        !get_text(j, "provider", d->provider, sizeof d->provider) || !get_text(j, "version", d->version, sizeof d->version))
        return false;
    d->by_registry = json_is_true(json_object_get(j, "by_registry"));
    snprintf(d->file, sizeof d->file, "replay:%s", name);
    d->role = (enum driver_role)role;
    return true;
}

static bool code_from(const json_t *j, struct config_code *c)
{
    int64_t code, status, bytes, delay, message = 0; /* replay files of older versions have no messages */
    if (!get_number(j, "code", 0, UINT32_MAX, &code) || !get_number(j, "status", 0, UINT32_MAX, &status) || !get_number(j, "bytes", 0, UINT32_MAX, &bytes) ||
        !get_number(j, "delay", 0, UINT32_MAX, &delay) || (json_object_get(j, "message") && !get_number(j, "message", 0, UINT32_MAX, &message)))
        return false;
    *c = (struct config_code) { (uint32_t)code, (uint32_t)status, (uint32_t)bytes, (uint32_t)delay, json_is_true(json_object_get(j, "pend")),
                                json_is_true(json_object_get(j, "interrupt")), (uint32_t)message };
    return true;
}

static bool resource_from(const json_t *j, struct config_resource *x)
{
    int64_t kind, start, length;
    if (!get_number(j, "kind", 0, RESOURCE_MESSAGES, &kind) || !get_number(j, "start", 0, INT64_MAX, &start) || !get_number(j, "length", 0, UINT32_MAX, &length))
        return false;
    *x = (struct config_resource) { (enum resource_kind)kind, (uint64_t)start, (uint64_t)length, json_is_true(json_object_get(j, "shared")),
                                    json_is_true(json_object_get(j, "latched")) };
    return true;
}

static bool device_from(const json_t *j, struct config_device *d)
{
    const json_t *codes = json_object_get(j, "codes");
    if (!get_text(j, "hwid", d->hwid, sizeof d->hwid) || !json_is_array(codes) || json_array_size(codes) > CONFIG_MAX_CODES)
        return false;
    for (d->code_count = 0; d->code_count < json_array_size(codes); d->code_count++)
        if (!code_from(json_array_get(codes, d->code_count), &d->codes[d->code_count]))
            return false;
    const json_t *resources = json_object_get(j, "resources");
    if (json_array_size(resources) > CONFIG_MAX_RESOURCES)
        return false;
    for (d->resource_count = 0; d->resource_count < json_array_size(resources); d->resource_count++)
        if (!resource_from(json_array_get(resources, d->resource_count), &d->resources[d->resource_count]))
            return false;
    return true;
}

static bool config_from(const json_t *j, struct config *c)
{
    config_init(c);
    int64_t n;
    char program[200];
    const json_t *drivers = json_object_get(j, "drivers"), *devices = json_object_get(j, "devices"), *args = json_object_get(j, "args"),
                 *registry = json_object_get(j, "registry");
    if (!get_text(j, "name", c->name, sizeof c->name) || !get_text(j, "program", program, sizeof program) || strchr(program, '/') ||
        !get_text(j, "os", c->os, sizeof c->os) || !get_number(j, "cpus", 1, 16, &n))
        return false;
    c->cpus = (uint32_t)n;
    c->time_any = json_is_true(json_object_get(j, "time_any"));
    c->verifier = !json_is_false(json_object_get(j, "verifier"));
    c->reuse = json_is_true(json_object_get(j, "reuse"));
    c->guard = json_is_true(json_object_get(j, "guard"));
    if (!get_number(j, "seed", 0, INT64_MAX, &n))
        return false;
    c->seed = (uint64_t)n;
    if (json_object_get(j, "watch") && !get_number(j, "watch", 0, 100, &n))
        return false;
    c->watch = json_object_get(j, "watch") ? (uint32_t)n : 0;
    if (json_object_get(j, "input") && !get_text(j, "input", c->input, sizeof c->input))
        return false;
    if (program[0])
        snprintf(c->program, sizeof c->program, "replay:%s", program);
    if (json_array_size(drivers) > CONFIG_MAX_DRIVERS || json_array_size(devices) > CONFIG_MAX_DEVICES || json_array_size(args) > CONFIG_MAX_ARGS ||
        json_array_size(registry) > CONFIG_MAX_REGISTRY)
        return false;
    for (; c->driver_count < json_array_size(drivers); c->driver_count++)
        if (!driver_from(json_array_get(drivers, c->driver_count), &c->drivers[c->driver_count]))
            return false;
    for (; c->device_count < json_array_size(devices); c->device_count++)
        if (!device_from(json_array_get(devices, c->device_count), &c->devices[c->device_count]))
            return false;
    for (; c->arg_count < json_array_size(args); c->arg_count++) {
        const char *s = json_string_value(json_array_get(args, c->arg_count));
        if (!s || strlen(s) >= sizeof c->args[0])
            return false;
        strcpy(c->args[c->arg_count], s);
    }
    const json_t *events = json_object_get(j, "events"); /* replay files of older versions have none */
    if (json_array_size(events) > CONFIG_MAX_EVENTS)
        return false;
    for (; c->event_count < json_array_size(events); c->event_count++) {
        struct config_event *e = &c->events[c->event_count];
        const json_t *from = json_array_get(events, c->event_count);
        int64_t kind, number;
        if (!get_number(from, "kind", 0, EVENT_KINDS - 1, &kind) || !get_text(from, "device", e->device, sizeof e->device) || !get_number(from, "number", 0, UINT32_MAX, &number))
            return false;
        e->kind = (enum event_kind)kind;
        e->number = (uint32_t)number;
    }
    const json_t *hive_list = json_object_get(j, "hives");
    if (json_array_size(hive_list) > CONFIG_MAX_HIVES)
        return false;
    for (; c->hive_count < json_array_size(hive_list); c->hive_count++) {
        struct config_hive *h = &c->hives[c->hive_count];
        const json_t *from = json_array_get(hive_list, c->hive_count);
        if (!get_text(from, "file", h->file, sizeof h->file) || !get_text(from, "key", h->key, sizeof h->key))
            return false;
    }
    for (; c->registry_count < json_array_size(registry); c->registry_count++) {
        struct config_value *v = &c->registry[c->registry_count];
        const json_t *e = json_array_get(registry, c->registry_count);
        int64_t type, how;
        if (!get_text(e, "key", v->path, sizeof v->path) || !get_text(e, "subkey", v->subkey, sizeof v->subkey) || !get_text(e, "name", v->name, sizeof v->name) ||
            !get_text(e, "text", v->text, sizeof v->text) || !get_number(e, "type", 0, UINT32_MAX, &type) || !get_number(e, "how", 0, VALUE_KEY, &how))
            return false;
        v->type = (uint32_t)type;
        v->how = (enum value_how)how;
    }
    return true;
}

/* ---- writing ---- */

struct blob {
    char name[200];
    bool data; /* not an image: a file that the program opens */
    void *packed;
    size_t packed_bytes, bytes;
    uint64_t hash;
};

static bool pack_bytes(struct blob *b, const uint8_t *bytes, size_t size, const char *name, bool data)
{
    b->bytes = size;
    b->data = data;
    b->hash = hash_of(bytes, size);
    snprintf(b->name, sizeof b->name, "%s", name);
    size_t bound = ZSTD_compressBound(b->bytes);
    b->packed = malloc(bound);
    b->packed_bytes = b->packed ? ZSTD_compress(b->packed, bound, bytes, size, 3) : 0;
    return b->packed && !ZSTD_isError(b->packed_bytes);
}

static bool pack_image(struct blob *b, const struct image_file *f, const char *name)
{
    return pack_bytes(b, f->pe.file, f->pe.file_size, name, false);
}

static bool pack(struct blob *b, const struct config *c, const char *file, char *err, size_t errlen)
{
    char path[CONFIG_PATH];
    if (!config_find_file(c, file, path, sizeof path)) {
        snprintf(err, errlen, "%s: no such file", file);
        return false;
    }
    const struct image_file *f = image_file_open(path, err, errlen);
    return f && pack_image(b, f, base_name(file));
}

static json_t *schedule_json(const struct explore_schedule *s)
{
    char *text = explore_schedule_print(s);
    json_t *j = json_string(text ? text : "");
    free(text);
    return j;
}

static bool write_all(const char *path, json_t *head, const struct blob *blobs, size_t count, char *err, size_t errlen)
{
    struct base_file file;
    char *text = json_dumps(head, JSON_COMPACT | JSON_SORT_KEYS);
    bool ok = base_file_begin(&file, path);
    if (ok) {
        FILE *f = file.stream;
        ok = text && fputs(magic, f) >= 0 && fputs(text, f) >= 0 && fputc('\n', f) != EOF;
        for (size_t i = 0; ok && i < count; i++)
            ok = fwrite(blobs[i].packed, 1, blobs[i].packed_bytes, f) == blobs[i].packed_bytes;
        ok = base_file_end(&file, ok);
    }
    if (!ok)
        snprintf(err, errlen, "%s: %s", path, strerror(errno));
    free(text);
    return ok;
}

/* Loops that are scheduling points; see sim/spins.h. What the reduction knows of operations does not concern a single run. */
static json_t *spins_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < spins_count(); i++)
        if (!(spins_get(i)->rva & SPIN_MORE))
            json_array_append_new(list, json_pack("{s:s, s:I}", "image", spins_get(i)->image, "rva", (json_int_t)spins_get(i)->rva));
    return list;
}

/* Racing instructions that are scheduling points; see race/points.h. */
static json_t *races_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < race_points_count(); i++) {
        const struct race_pair *p = race_points_get(i);
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:I}", "image", p->a.image, "rva", (json_int_t)p->a.rva, "other_image", p->b.image, "other_rva",
                                              (json_int_t)p->b.rva));
    }
    return list;
}

bool replay_write(const char *path, const struct config *config, const struct explore_schedule *schedule, const struct explore_schedule *passing, size_t turning,
                  const struct record *record, char *err, size_t errlen)
{
    struct blob blobs[MAX_FILES];
    size_t count = 0;
    memset(blobs, 0, sizeof blobs);
    bool ok = true;
    for (uint32_t i = 0; ok && i <= config->driver_count; i++) {
        const char *file = i < config->driver_count ? config->drivers[i].file : config->program;
        if (file[0])
            ok = pack(&blobs[count++], config, file, err, errlen);
    }
    const struct image_file *extra;
    for (uint32_t i = 0; ok && (extra = session_module(i)) != NULL; i++)
        ok = pack_image(&blobs[count++], extra, extra->name);
    const struct session_file *data;
    for (uint32_t i = 0; ok && (data = session_data(i)) != NULL; i++)
        if (data->size)
            ok = pack_bytes(&blobs[count++], data->bytes, data->size, data->name, true);
    if (ok) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_t *e = json_pack("{s:s, s:I, s:I}", "name", blobs[i].name, "bytes", (json_int_t)blobs[i].bytes, "packed", (json_int_t)blobs[i].packed_bytes);
            put_hex(e, "hash", blobs[i].hash);
            if (blobs[i].data)
                json_object_set_new(e, "data", json_true());
            json_array_append_new(list, e);
        }
        json_t *head = json_pack("{s:o, s:o, s:o, s:o, s:I, s:s, s:s}", "config", config_json(config), "files", list, "schedule", schedule_json(schedule), "passing",
                                 schedule_json(passing), "turning", (json_int_t)(turning == SIZE_MAX ? -1 : (json_int_t)turning), "failure",
                                 outcome_contract_kind(&record->outcome), "message", record->outcome.message);
        put_hex(head, "run_hash", record->run_hash);
        json_t *spins = spins_json();
        if (json_array_size(spins))
            json_object_set_new(head, "spins", spins);
        else
            json_decref(spins);
        if (race_points_count())
            json_object_set_new(head, "races", races_json());
        ok = write_all(path, head, blobs, count, err, errlen);
        json_decref(head);
    }
    for (size_t i = 0; i < count; i++)
        free(blobs[i].packed);
    return ok;
}

/* ---- reading ---- */

static uint8_t *read_whole(const char *path, size_t *bytes, char *err, size_t errlen)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p = NULL;
    long n = -1;
    if (f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && n <= MAX_HEADER * 4l && fseek(f, 0, SEEK_SET) == 0) {
        p = malloc((size_t)n + 1);
        if (p && fread(p, 1, (size_t)n, f) != (size_t)n) {
            free(p);
            p = NULL;
        }
    }
    if (!p)
        snprintf(err, errlen, "%s: %s", path, !f ? strerror(errno) : "cannot be read as a file");
    if (f)
        fclose(f);
    *bytes = p ? (size_t)n : 0;
    if (p)
        p[n] = 0;
    return p;
}

static bool files_from(const json_t *list, const uint8_t *at, const uint8_t *end, const char **why)
{
    *why = "its list of files is damaged";
    if (!json_is_array(list) || json_array_size(list) > MAX_FILES)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        int64_t bytes, packed;
        char name[200], path[220], hash[20], err[400];
        if (!get_text(e, "name", name, sizeof name) || strchr(name, '/') || !get_text(e, "hash", hash, sizeof hash) || !get_number(e, "bytes", 1, MAX_FILE, &bytes) ||
            !get_number(e, "packed", 1, MAX_FILE, &packed))
            return false;
        *why = "a file in it is truncated";
        if (packed > end - at)
            return false;
        uint8_t *raw = malloc((size_t)bytes);
        size_t got = raw ? ZSTD_decompress(raw, (size_t)bytes, at, (size_t)packed) : 0;
        *why = "a file in it is damaged";
        if (ZSTD_isError(got) || got != (size_t)bytes || hash_of(raw, got) != strtoull(hash, NULL, 16)) {
            free(raw);
            return false;
        }
        at += packed;
        if (json_is_true(json_object_get(e, "data"))) {
            *why = "it has too many files";
            if (!session_data_add(name, raw, (uint64_t)bytes))
                return false;
            continue;
        }
        snprintf(path, sizeof path, "replay:%s", name);
        *why = "an image in it is not usable";
        if (!image_file_from_memory(path, raw, (size_t)bytes, err, sizeof err)) /* keeps raw for the life of the process */
            return false;
    }
    return true;
}

static bool spins_from(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct spin k;
        int64_t rva;
        const json_t *e = json_array_get(list, i);
        if (!get_text(e, "image", k.image, sizeof k.image) || !get_number(e, "rva", 0, UINT32_MAX, &rva) || !spins_add(k.image, (uint32_t)rva))
            return false;
    }
    return !list || json_is_array(list);
}

static bool races_from(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct race_pair p;
        int64_t rva, other;
        const json_t *e = json_array_get(list, i);
        if (!get_text(e, "image", p.a.image, sizeof p.a.image) || !get_number(e, "rva", 0, UINT32_MAX, &rva) ||
            !get_text(e, "other_image", p.b.image, sizeof p.b.image) || !get_number(e, "other_rva", 0, UINT32_MAX, &other))
            return false;
        p.a.rva = (uint32_t)rva;
        p.b.rva = (uint32_t)other;
        if (!race_points_add(&p.a, &p.b))
            return false;
    }
    return !list || json_is_array(list);
}

bool replay_read(const char *path, struct replay *out, char *err, size_t errlen)
{
    size_t bytes;
    memset(out, 0, sizeof *out);
    uint8_t *all = read_whole(path, &bytes, err, errlen);
    if (!all)
        return false;
    const char *why = "is not a replay file of irplab";
    json_t *head = NULL;
    bool ok = bytes > sizeof magic && memcmp(all, magic, sizeof magic - 1) == 0;
    if (ok) {
        const uint8_t *text = all + sizeof magic - 1, *eol = memchr(text, '\n', bytes - (sizeof magic - 1));
        why = "its header is truncated";
        ok = eol != NULL;
        json_error_t je;
        head = ok ? json_loadb((const char *)text, (size_t)(eol - text), 0, &je) : NULL;
        if (ok && !head)
            why = "its header is damaged";
        ok = head && config_from(json_object_get(head, "config"), &out->config);
        if (head && !ok)
            why = "its configuration is damaged";
        ok = ok && files_from(json_object_get(head, "files"), eol + 1, all + bytes, &why);
    }
    if (ok) {
        why = "its list of loops is damaged";
        ok = spins_from(json_object_get(head, "spins"));
    }
    if (ok) {
        why = "its list of races is damaged";
        ok = races_from(json_object_get(head, "races"));
    }
    if (ok) {
        const char *s = json_string_value(json_object_get(head, "schedule")), *p = json_string_value(json_object_get(head, "passing")), *bad = NULL;
        char hash[20];
        int64_t turning;
        why = "its schedule is damaged";
        ok = s && explore_schedule_parse(s, &out->schedule, &bad) && get_text(head, "run_hash", hash, sizeof hash);
        if (ok && p && p[0])
            explore_schedule_parse(p, &out->passing, &bad);
        if (ok)
            out->run_hash = strtoull(hash, NULL, 16);
        out->turning = get_number(head, "turning", 0, INT64_MAX, &turning) ? (size_t)turning : SIZE_MAX;
    }
    if (!ok)
        snprintf(err, errlen, "%s: %s", path, why);
    else
        ok = hives_read(&out->config, err, errlen);
    json_decref(head);
    free(all);
    return ok;
}
