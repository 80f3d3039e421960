/* What an INF file says, as part of the configuration: which --driver is the function driver of which device, under which service, and
 * what is in the registry before the device is started. As setup does it:
 *
 *   [Version] → class      [Manufacturer] → models section of this system → the model with the device's hardware id, or the first
 *   model → DDInstall section (.NTamd64, .NT or plain): AddReg/DelReg to the software key
 *           .HW: to the hardware key      .Services: service, binary, its key      .Interfaces: -      .Filters: filters
 *   [ClassInstall32]: the class's key
 *
 * Models whose driver is here but whose device is not are for what a bus driver reports. Needs means sections of the same file; what copies
 * files, Include and co-installers ask for has no counterpart here and is passed over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cm/cm.h"
#include "session/config.h"
#include "session/inf.h"

enum { ADD_BINARY = 1, ADD_NO_CLOBBER = 2, ADD_DELETE = 4, ADD_APPEND = 8, ADD_KEY_ONLY = 0x10, ADD_OVERWRITE_ONLY = 0x20, SERVICE_OF_DEVICE = 2 };
enum { NAME = 400 };

struct install {
    struct config *c;
    const struct inf *inf;
    const char *path; /* of the file, for messages */
    char *err;
    size_t errlen;
    uint32_t major, minor, build;
    struct config_driver *function;
    char hwid[200]; /* of the device that is installed */
    char decoration[40]; /* of the DDInstall section found */
    bool root; /* one of several files for root devices: it brings its own */
};

static bool bad(struct install *in, uint32_t line, const char *what, const char *which)
{
    if (line)
        snprintf(in->err, in->errlen, "%s:%u: %s%s%s", in->path, line, what, which ? " " : "", which ? which : "");
    else
        snprintf(in->err, in->errlen, "%s: %s%s%s", in->path, what, which ? " " : "", which ? which : "");
    return false;
}

static void set(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    if (n >= size)
        for (n = size - 1; n && (from[n] & 0xC0) == 0x80;) /* whole characters */
            n--;
    memcpy(to, from, n);
    to[n] = 0;
}

/* ---- registry ---- */

static uint32_t number(const char *s)
{
    return (uint32_t)strtoul(s, NULL, 0);
}

static bool value_new(struct install *in, uint32_t line, const char *path, const char *subkey, const char *name, struct config_value **out)
{
    struct config *c = in->c;
    if (c->registry_count == CONFIG_MAX_REGISTRY)
        return bad(in, line, "more registry values than a configuration can have", NULL);
    struct config_value *v = &c->registry[c->registry_count++];
    memset(v, 0, sizeof *v);
    if (strlen(path) >= sizeof v->path || strlen(subkey) >= sizeof v->subkey || strlen(name) >= sizeof v->name)
        return bad(in, line, "a registry name is too long", NULL);
    strcpy(v->path, path);
    strcpy(v->subkey, subkey);
    strcpy(v->name, name);
    v->type = REG_SZ;
    *out = v;
    return true;
}

/* Joins fields from first on; REG_MULTI_SZ keeps each as a line. */
static bool join(struct install *in, const struct inf_entry *e, uint32_t first, const char *between, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (uint32_t i = first; i < e->field_count; i++) {
        size_t more = strlen(e->fields[i]) + (i > first ? strlen(between) : 0);
        if (n + more >= size)
            return bad(in, e->line, "a registry value is too long", NULL);
        n += (size_t)sprintf(out + n, "%s%s", i > first ? between : "", e->fields[i]);
    }
    return true;
}

/* Binary data: one byte a field, in hexadecimal. */
static bool bytes_of(struct install *in, const struct inf_entry *e, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (uint32_t i = 4; i < e->field_count; i++) {
        char *end;
        unsigned long b = strtoul(e->fields[i], &end, 16);
        if (!e->fields[i][0])
            continue;
        if (*end || b > 0xFF)
            return bad(in, e->line, "not a byte in hexadecimal:", e->fields[i]);
        if (n + 3 > size)
            return bad(in, e->line, "a registry value is too long", NULL);
        n += (size_t)sprintf(out + n, "%02lx", b);
    }
    return true;
}

static bool dword_of(struct install *in, const struct inf_entry *e, char *out, size_t size)
{
    if (e->field_count > 5) { /* DOC: also as four bytes, the lowest first */
        uint32_t v = 0;
        for (uint32_t i = 4; i < e->field_count && i < 8; i++)
            v |= (uint32_t)strtoul(e->fields[i], NULL, 16) << 8 * (i - 4);
        snprintf(out, size, "0x%x", v);
        return true;
    }
    char *end;
    const char *s = inf_field(e, 4);
    errno = 0;
    long long v = strtoll(s, &end, strncasecmp(s, "0x", 2) == 0 ? 16 : 10);
    if (*end || errno || v > UINT32_MAX || v < INT32_MIN)
        return bad(in, e->line, "not a number of 32 bits:", s);
    snprintf(out, size, "0x%x", (uint32_t)v);
    return true;
}

static bool add_value(struct install *in, const struct inf_entry *e, const char *path, const char *subkey)
{
    struct config_value *v;
    uint32_t flags = number(inf_field(e, 3));
    if (!value_new(in, e->line, path, subkey, inf_field(e, 2), &v))
        return false;
    v->how = flags & ADD_DELETE ? VALUE_DELETE : flags & ADD_KEY_ONLY ? VALUE_KEY : flags & ADD_APPEND ? VALUE_APPEND
           : flags & ADD_NO_CLOBBER ? VALUE_KEEP : flags & ADD_OVERWRITE_ONLY ? VALUE_REPLACE : VALUE_SET;
    switch (flags & 0xFFFF0001) {
    case 0:
        v->type = REG_SZ;
        return join(in, e, 4, ",", v->text, sizeof v->text);
    case 0x20000:
        v->type = REG_EXPAND_SZ;
        return join(in, e, 4, ",", v->text, sizeof v->text);
    case 0x10000:
        v->type = REG_MULTI_SZ;
        return join(in, e, 4, "\n", v->text, sizeof v->text);
    case 0x10001:
        v->type = REG_DWORD;
        return dword_of(in, e, v->text, sizeof v->text);
    case 0x20001:
        v->type = REG_NONE;
        return bytes_of(in, e, v->text, sizeof v->text);
    case ADD_BINARY:
        v->type = REG_BINARY;
        return bytes_of(in, e, v->text, sizeof v->text);
    default: /* DOC: the high word is the type itself */
        v->type = flags & 1 ? flags >> 16 : REG_SZ;
        return flags & 1 ? bytes_of(in, e, v->text, sizeof v->text) : join(in, e, 4, ",", v->text, sizeof v->text);
    }
}

/* HKR in .HW: these are properties of the device and lie in its instance key, anything else below "Device Parameters". */
static bool is_device_property(const char *name)
{
    static const char *const names[] = { "UpperFilters", "LowerFilters", "FriendlyName", "Security", "DeviceType", "DeviceCharacteristics", "Exclusive",
                                         "ConfigFlags", "Capabilities", "UINumberDescFormat", "RemovalPolicy", "LocationInformation" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Where a root and subkey lie. relative: what HKR stands for. */
static bool place(struct install *in, const struct inf_entry *e, const char *relative, char *path, size_t size)
{
    static const struct {
        const char *root, *to;
    } roots[] = { { "HKLM", "\\Registry\\Machine" }, { "HKU", "\\Registry\\User" }, { "HKCU", "\\Registry\\User\\.Default" }, { "HKCR", "\\Registry\\Machine\\Software\\Classes" } };
    const char *root = inf_field(e, 0), *sub = inf_field(e, 1);
    if (strcasecmp(root, "HKR") == 0) {
        bool instance = strncmp(relative, "device:", 7) == 0 && !sub[0] && is_device_property(inf_field(e, 2));
        snprintf(path, size, "%s%s", instance ? "instance:" : "", instance ? relative + 7 : relative);
        return true;
    }
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        if (strcasecmp(root, roots[i].root) == 0) {
            snprintf(path, size, "%s%s%s", roots[i].to, sub[0] ? "\\" : "", sub);
            return true;
        }
    return bad(in, e->line, "not a registry root:", root);
}

static bool registry_section(struct install *in, const char *name, uint32_t line, const char *relative, bool remove)
{
    const struct inf_section *s = inf_section(in->inf, name);
    if (!s)
        return bad(in, line, "there is no section", name);
    for (uint32_t i = 0; i < s->entry_count; i++) {
        const struct inf_entry *e = &s->entries[i];
        char path[NAME];
        if (!place(in, e, relative, path, sizeof path))
            return false;
        const char *sub = path[0] == '\\' ? "" : inf_field(e, 1);
        if (!remove) {
            if (!add_value(in, e, path, sub))
                return false;
            continue;
        }
        struct config_value *v;
        if (!value_new(in, e->line, path, sub, inf_field(e, 2), &v))
            return false;
        v->how = VALUE_DELETE;
    }
    return true;
}

/* What "Needs" names in this file is part of the section. What other files have ("Include") is not here and has no effect. */
typedef bool section_fn(struct install *in, const struct inf_section *s, const void *what);

enum { MOST_NEEDS = 8 };

static bool with_needs(struct install *in, const struct inf_section *s, unsigned depth, section_fn *fn, const void *what)
{
    for (uint32_t i = 0; s && i < s->entry_count && depth < MOST_NEEDS; i++) {
        const struct inf_entry *e = &s->entries[i];
        for (uint32_t f = 0; e->key && strcasecmp(e->key, "Needs") == 0 && f < e->field_count; f++)
            if (!with_needs(in, inf_section(in->inf, e->fields[f]), depth + 1, fn, what))
                return false;
    }
    return !s || fn(in, s, what);
}

static bool registry_directives(struct install *in, const struct inf_section *s, const void *relative)
{
    for (int add = 0; add < 2; add++)
        for (uint32_t i = 0; i < s->entry_count; i++) {
            const struct inf_entry *e = &s->entries[i];
            if (!e->key || strcasecmp(e->key, add ? "AddReg" : "DelReg") != 0)
                continue;
            for (uint32_t f = 0; f < e->field_count; f++)
                if (e->fields[f][0] && !registry_section(in, e->fields[f], e->line, relative, !add))
                    return false;
        }
    return true;
}

/* The DelReg and AddReg directives of a section, in setup's order. */
static bool registry_of(struct install *in, const struct inf_section *s, const char *relative)
{
    return with_needs(in, s, 0, registry_directives, relative);
}

/* ---- which sections ---- */

/* "NTamd64.10.0...16299" fits this system? The score grows with what is asked for; 0 = does not fit. */
static unsigned decoration_score(const struct install *in, const char *d)
{
    unsigned score;
    if (strncasecmp(d, "NTamd64", 7) == 0) {
        score = 2;
        d += 7;
    } else if (strncasecmp(d, "NT", 2) == 0 && (!d[2] || d[2] == '.')) {
        score = 1;
        d += 2;
    } else {
        return 0;
    }
    uint32_t part[6] = { 0 };
    unsigned n = 0;
    while (*d == '.' && n < 6) {
        part[n++] = number(++d);
        d += strcspn(d, ".");
    }
    if (n == 0)
        return score;
    uint32_t major = part[0], minor = n > 1 ? part[1] : 0, build = n > 4 ? part[4] : 0;
    if (major > in->major || (major == in->major && minor > in->minor) || (major == in->major && minor == in->minor && build > in->build))
        return 0;
    if (n > 2 && part[2] > 1) /* servers and domain controllers */
        return 0;
    return score + 10 + major * 100 + minor * 20 + (build ? 10 : 0);
}

/* [Manufacturer]: %name% = section[, decoration, …]; writes the name of the models section that fits best. */
static const struct inf_section *models_of(const struct install *in, const struct inf_entry *m)
{
    const struct inf_section *best = NULL;
    unsigned best_score = 0;
    for (uint32_t i = 1; i < m->field_count; i++) {
        char name[NAME];
        unsigned score = decoration_score(in, m->fields[i]);
        snprintf(name, sizeof name, "%.150s.%.200s", m->fields[0], m->fields[i]);
        const struct inf_section *s = inf_section(in->inf, name);
        if (s && score > best_score) {
            best = s;
            best_score = score;
        }
    }
    if (best)
        return best;
    char name[NAME];
    static const char *const plain[] = { ".NTamd64", ".NT", "" }; /* GUESS: on x64 Windows asks for NTamd64 */
    for (size_t k = 0; k < sizeof plain / sizeof plain[0]; k++) {
        snprintf(name, sizeof name, "%.300s%s", inf_field(m, 0), plain[k]);
        const struct inf_section *s = inf_section(in->inf, name);
        if (s)
            return s;
    }
    return NULL;
}

static const struct inf_section *decorated(struct install *in, const char *base, const char *after)
{
    char name[NAME];
    const char *const endings[] = { in->decoration, ".NTamd64", ".NT", "" };
    for (size_t i = after[0] ? 0 : 1; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(name, sizeof name, "%.200s%.40s%.100s", base, endings[i], after);
        const struct inf_section *s = inf_section(in->inf, name);
        if (s) {
            if (!after[0])
                set(in->decoration, sizeof in->decoration, endings[i]);
            return s;
        }
    }
    return NULL;
}

/* ---- services ---- */

static const char *file_part(const char *path)
{
    const char *a = strrchr(path, '\\'), *b = strrchr(path, '/');
    const char *last = a > b ? a : b;
    return last ? last + 1 : path;
}

static struct config_driver *driver_for(struct install *in, const char *binary)
{
    for (uint32_t i = 0; i < in->c->driver_count; i++)
        if (strcasecmp(file_part(in->c->drivers[i].file), file_part(binary)) == 0)
            return &in->c->drivers[i];
    return NULL;
}

static bool service_value(struct install *in, uint32_t line, const char *service, const char *name, const char *text, uint32_t type)
{
    struct config_value *v;
    char path[100];
    if (!text[0])
        return true;
    snprintf(path, sizeof path, "service:%.80s", service);
    if (!value_new(in, line, path, "", name, &v))
        return false;
    v->type = type;
    set(v->text, sizeof v->text, text);
    return true;
}

static bool add_service(struct install *in, const struct inf_entry *e)
{
    const char *service = inf_field(e, 0);
    uint32_t flags = number(inf_field(e, 1));
    if (!service[0])
        return true; /* DOC: "AddService = , 2": a device that needs no driver */
    if (strlen(service) >= sizeof in->function->service)
        return bad(in, e->line, "a service's name is too long:", service);
    const struct inf_section *s = inf_section(in->inf, inf_field(e, 2));
    if (!s)
        return bad(in, e->line, "there is no section", inf_field(e, 2));
    const struct inf_entry *binary = inf_find(s, "ServiceBinary"), *type = inf_find(s, "ServiceType");
    if (!binary || !inf_field(binary, 0)[0])
        return bad(in, e->line, "the service has no ServiceBinary:", service);
    if (type && number(inf_field(type, 0)) != 1 && number(inf_field(type, 0)) != 2)
        return true; /* a program: of no concern to a kernel */
    struct config_driver *d = driver_for(in, inf_field(binary, 0));
    if (d)
        set(d->service, sizeof d->service, service);
    if (flags & SERVICE_OF_DEVICE) {
        if (!d)
            return bad(in, binary->line, "no --driver is the file that this service is made of:", file_part(inf_field(binary, 0)));
        in->function = d;
    } else if (d) {
        d->by_registry = true;
    }
    char image[NAME], relative[100];
    snprintf(image, sizeof image, "\\SystemRoot\\System32\\drivers\\%.100s", file_part(inf_field(binary, 0)));
    snprintf(relative, sizeof relative, "service:%.80s", service);
    return service_value(in, e->line, service, "Type", inf_field(type, 0), REG_DWORD) &&
           service_value(in, e->line, service, "Start", inf_field(inf_find(s, "StartType"), 0), REG_DWORD) &&
           service_value(in, e->line, service, "ErrorControl", inf_field(inf_find(s, "ErrorControl"), 0), REG_DWORD) &&
           service_value(in, e->line, service, "ImagePath", image, REG_EXPAND_SZ) &&
           service_value(in, e->line, service, "DisplayName", inf_field(inf_find(s, "DisplayName"), 0), REG_SZ) &&
           service_value(in, e->line, service, "Description", inf_field(inf_find(s, "Description"), 0), REG_SZ) &&
           service_value(in, e->line, service, "Group", inf_field(inf_find(s, "LoadOrderGroup"), 0), REG_SZ) && registry_of(in, s, relative);
}

static bool service_directives(struct install *in, const struct inf_section *s, const void *unused)
{
    for (uint32_t i = 0; i < s->entry_count; i++)
        if (s->entries[i].key && strcasecmp(s->entries[i].key, "AddService") == 0 && !add_service(in, &s->entries[i]))
            return false;
    return true;
}

static bool services(struct install *in, const struct inf_section *s)
{
    return with_needs(in, s, 0, service_directives, NULL);
}

/* [DDInstall.Filters]: AddFilter = name,,section; the section says where: FilterPosition = Upper | Lower. */
static bool filters(struct install *in, const struct inf_section *s)
{
    for (uint32_t i = 0; s && i < s->entry_count; i++) {
        const struct inf_entry *e = &s->entries[i];
        if (!e->key || strcasecmp(e->key, "AddFilter") != 0)
            continue;
        const struct inf_section *f = inf_section(in->inf, inf_field(e, 2));
        if (!f)
            return bad(in, e->line, "there is no section", inf_field(e, 2));
        bool lower = strcasecmp(inf_field(inf_find(f, "FilterPosition"), 0), "Lower") == 0;
        char path[NAME];
        struct config_value *v;
        snprintf(path, sizeof path, "instance:%s", in->hwid);
        if (!value_new(in, e->line, path, "", lower ? "LowerFilters" : "UpperFilters", &v))
            return false;
        v->type = REG_MULTI_SZ;
        v->how = VALUE_APPEND;
        set(v->text, sizeof v->text, inf_field(e, 0));
    }
    return true;
}

/* ---- one device ---- */

static bool fits(const struct inf_entry *model, const char *hwid)
{
    for (uint32_t i = 1; i < model->field_count; i++)
        if (model->fields[i][0] && strcasecmp(model->fields[i], hwid) == 0)
            return true;
    return false;
}

struct found {
    const struct inf_entry *manufacturer, *model;
};

/* The model with this hardware id, or the first (hwid NULL). */
static struct found find_model(const struct install *in, const char *hwid, bool *any_section)
{
    const struct inf_section *m = inf_section(in->inf, "Manufacturer");
    *any_section = false;
    for (uint32_t i = 0; m && i < m->entry_count; i++) {
        const struct inf_section *models = models_of(in, &m->entries[i]);
        *any_section |= models != NULL;
        for (uint32_t k = 0; models && k < models->entry_count; k++) {
            const struct inf_entry *e = &models->entries[k];
            if (hwid ? fits(e, hwid) : inf_field(e, 1)[0] != 0)
                return (struct found) { &m->entries[i], e };
        }
    }
    return (struct found) { NULL, NULL };
}

static void add_hwid(struct config_driver *d, const char *hwid)
{
    size_t n = strlen(d->hwid);
    if (n + strlen(hwid) + 2 < sizeof d->hwid)
        sprintf(d->hwid + n, "%s%s", n ? "\n" : "", hwid);
}

/* A second model of the same driver: what it is called belongs to its own devices. */
static bool describe_more(struct install *in, const struct found *f)
{
    struct config_value *v;
    char path[NAME];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s:%.200s", i ? "driver" : "model", in->hwid);
        if (!value_new(in, f->model->line, path, "", i ? "DriverDesc" : "DeviceDesc", &v))
            return false;
        set(v->text, sizeof v->text, f->model->key ? f->model->key : "");
    }
    return true;
}

static bool describe(struct install *in, const struct found *f)
{
    struct config_driver *d = in->function;
    if (d->description[0] && strcmp(d->description, f->model->key ? f->model->key : "") != 0)
        return describe_more(in, f);
    const struct inf_section *version = inf_section(in->inf, "Version");
    const struct inf_entry *ver = inf_find(version, "DriverVer");
    const char *slash = strrchr(in->path, '/');
    set(d->description, sizeof d->description, f->model->key ? f->model->key : "");
    set(d->manufacturer, sizeof d->manufacturer, f->manufacturer->key ? f->manufacturer->key : inf_field(f->manufacturer, 0));
    set(d->class_name, sizeof d->class_name, inf_field(inf_find(version, "Class"), 0));
    set(d->class_guid, sizeof d->class_guid, inf_field(inf_find(version, "ClassGuid"), 0));
    for (char *p = d->class_guid; *p; p++)
        *p = *p >= 'A' && *p <= 'F' ? (char)(*p + 32) : *p;
    set(d->provider, sizeof d->provider, inf_field(inf_find(version, "Provider"), 0));
    set(d->version, sizeof d->version, inf_field(ver, 1));
    set(d->section, sizeof d->section, inf_field(f->model, 0));
    set(d->inf_name, sizeof d->inf_name, slash ? slash + 1 : in->path);
    return true;
}

static bool install_device(struct install *in, const char *hwid, const struct found *f)
{
    char driver[NAME], device[NAME], class[NAME];
    const char *base = inf_field(f->model, 0);
    set(in->hwid, sizeof in->hwid, hwid);
    snprintf(driver, sizeof driver, "driver:%.200s", hwid);
    snprintf(device, sizeof device, "device:%.200s", hwid);
    snprintf(class, sizeof class, "class:%.200s", hwid);
    in->function = NULL;
    in->decoration[0] = 0;
    const struct inf_section *s = decorated(in, base, "");
    if (!s)
        return bad(in, f->model->line, "there is no section", base);
    if (!services(in, decorated(in, base, ".Services")))
        return false;
    if (!in->function)
        return bad(in, f->model->line, "no service for the device: no AddService with flag 2 in", base);
    struct config_driver *d = in->function;
    if (d->role != ROLE_BUS)
        d->role = ROLE_FUNCTION;
    d->by_registry = false;
    add_hwid(d, hwid);
    return describe(in, f) && registry_of(in, decorated(in, "ClassInstall32", ""), class) && registry_of(in, s, driver) &&
           registry_of(in, decorated(in, base, ".HW"), device) && filters(in, decorated(in, base, ".Filters"));
}

/* ---- one file ---- */

static bool check_version(struct install *in)
{
    const struct inf_section *v = inf_section(in->inf, "Version");
    if (!v)
        return bad(in, 0, "is not an INF file: there is no section [Version]", NULL);
    const char *signature = inf_field(inf_find(v, "Signature"), 0);
    if (strcasecmp(signature, "$Windows NT$") != 0 && strcasecmp(signature, "$Chicago$") != 0)
        return bad(in, 0, "is not an INF file for Windows: Signature in [Version] is not \"$Windows NT$\"", NULL);
    return inf_section(in->inf, "Manufacturer") ? true : bad(in, 0, "installs no device: there is no section [Manufacturer]", NULL);
}

/* ---- devices that a bus driver will report ---- */

static bool names_our_driver(struct install *in, const struct inf_section *s, const void *found)
{
    for (uint32_t i = 0; i < s->entry_count; i++) {
        const struct inf_entry *e = &s->entries[i], *binary;
        if (!e->key || strcasecmp(e->key, "AddService") != 0 || !(number(inf_field(e, 1)) & SERVICE_OF_DEVICE))
            continue;
        const struct inf_section *service = inf_section(in->inf, inf_field(e, 2));
        binary = service ? inf_find(service, "ServiceBinary") : NULL;
        if (binary && driver_for(in, inf_field(binary, 0)))
            *(bool *)(uintptr_t)found = true;
    }
    return true;
}

/* Its function driver is one of the --driver files. */
static bool can_install(struct install *in, const struct inf_entry *model)
{
    bool found = false;
    in->decoration[0] = 0;
    if (!decorated(in, inf_field(model, 0), ""))
        return false;
    return with_needs(in, decorated(in, inf_field(model, 0), ".Services"), 0, names_our_driver, &found) && found;
}

static bool is_known(const struct config *c, const char *hwid)
{
    for (uint32_t i = 0; i < c->device_count; i++)
        if (strcasecmp(c->devices[i].hwid, hwid) == 0)
            return true;
    return false;
}

/* Every model whose driver is here, under its first id that is not a device of irplab's. A root device is only there if it was asked for. */
static bool install_children(struct install *in, unsigned *count)
{
    const struct inf_section *m = inf_section(in->inf, "Manufacturer");
    for (uint32_t i = 0; m && i < m->entry_count; i++) {
        const struct inf_section *models = models_of(in, &m->entries[i]);
        for (uint32_t k = 0; models && k < models->entry_count; k++) {
            const struct inf_entry *e = &models->entries[k];
            const struct found f = { &m->entries[i], e };
            const char *hwid = inf_field(e, 1);
            if (!hwid[0] || strncasecmp(hwid, "ROOT\\", 5) == 0 || is_known(in->c, hwid) || !can_install(in, e))
                continue;
            for (uint32_t id = 1; id < e->field_count; id++)
                if (e->fields[id][0] && !is_known(in->c, e->fields[id]) && !install_device(in, e->fields[id], &f))
                    return false;
            (*count)++;
        }
    }
    return true;
}

/* The hardware ids of devices that this file could be for. */
static bool install_all(struct install *in)
{
    struct config *c = in->c;
    bool any_section;
    unsigned installed = 0;
    if (!check_version(in))
        return false;
    struct found first = find_model(in, NULL, &any_section);
    if (!any_section)
        return bad(in, 0, "has no models section for x64 Windows (NTamd64) of this version", NULL);
    if (!first.model)
        return bad(in, 0, "its models section names no hardware id", NULL);
    uint32_t devices = c->device_count;
    for (uint32_t i = 0; i < devices; i++) {
        struct found f = find_model(in, c->devices[i].hwid, &any_section);
        bool again = false;
        for (uint32_t k = 0; k < i; k++)
            again |= strcasecmp(c->devices[k].hwid, c->devices[i].hwid) == 0;
        if (f.model && !again && !install_device(in, c->devices[i].hwid, &f))
            return false;
        installed += f.model != NULL;
    }
    if (installed)
        return install_children(in, &installed);
    /* Not on a device of irplab's: that of a bus driver, if the configuration says which. */
    for (uint32_t i = 0; i < c->driver_count; i++) {
        struct found f = c->drivers[i].hwid[0] ? find_model(in, c->drivers[i].hwid, &any_section) : first;
        char hwid[200];
        if (!c->drivers[i].hwid[0] || !f.model)
            continue;
        set(hwid, sizeof hwid, c->drivers[i].hwid);
        c->drivers[i].hwid[0] = 0;
        if (!install_device(in, hwid, &f))
            return false;
        installed++;
    }
    if (!installed && c->device_count && c->inf_count > 1 && !install_children(in, &installed))
        return false;
    if (installed)
        return true;
    if (c->device_count && !in->root)
        return bad(in, 0, "installs none of the devices; it has no model with the hardware id", c->devices[0].hwid);
    if (c->device_count == CONFIG_MAX_DEVICES)
        return bad(in, 0, "is for one device too many", NULL);
    if (strlen(inf_field(first.model, 1)) >= sizeof c->devices[0].hwid)
        return bad(in, first.model->line, "a hardware id is too long", NULL);
    set(c->devices[c->device_count++].hwid, sizeof c->devices[0].hwid, inf_field(first.model, 1));
    return install_device(in, inf_field(first.model, 1), &first) && install_children(in, &installed);
}

static void version_of(const char *os, struct install *in)
{
    static const struct {
        const char *os;
        uint32_t major, minor, build;
    } known[] = { { "7", 6, 1, 7601 }, { "8", 6, 2, 9200 }, { "8.1", 6, 3, 9600 }, { "10", 10, 0, 19045 }, { "11", 10, 0, 22631 } };
    os += strncmp(os, "win", 3) == 0 ? 3 : 0;
    in->major = 10;
    in->build = 19045;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(os, known[i].os) == 0) {
            in->major = known[i].major;
            in->minor = known[i].minor;
            in->build = known[i].build;
        }
}

static uint8_t *read_file(const char *path, size_t *size, char *err, size_t errlen)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p = f ? malloc(INF_MAX_BYTES + 1) : NULL;
    *size = p ? fread(p, 1, INF_MAX_BYTES + 1, f) : 0;
    if (!p || ferror(f)) {
        snprintf(err, errlen, "%s: %s", path, strerror(errno));
        free(p);
        p = NULL;
    }
    if (f)
        fclose(f);
    return p;
}

static bool install_file(struct config *c, const char *path, const void *bytes, size_t size, bool root, char *err, size_t errlen)
{
    struct inf inf;
    struct install in = { .c = c, .inf = &inf, .path = path, .err = err, .errlen = errlen, .root = root };
    version_of(c->os, &in);
    bool ok = inf_parse(&inf, path, bytes, size, err, errlen) && install_all(&in);
    inf_free(&inf);
    return ok;
}

/* Drivers that the registry names as filters have their place by that alone. */
static void filters_note(struct config *c)
{
    for (uint32_t i = 0; i < c->registry_count; i++) {
        const struct config_value *v = &c->registry[i];
        if (strcasecmp(v->name, "UpperFilters") != 0 && strcasecmp(v->name, "LowerFilters") != 0)
            continue;
        for (const char *p = v->text; *p;) {
            size_t length = strcspn(p, "\n");
            for (uint32_t k = 0; k < c->driver_count; k++) {
                char service[64];
                config_service(&c->drivers[k], service, sizeof service);
                if (strlen(service) == length && strncasecmp(service, p, length) == 0)
                    c->drivers[k].by_registry = true;
            }
            p += length + (p[length] == '\n');
        }
    }
}

/* Of several files without --device, one whose first model is a root device comes first: the others are for what its driver reports. */
static bool is_of_root(struct config *c, const char *path, const void *bytes, size_t size)
{
    char unused[400];
    struct inf inf;
    bool any, root = false;
    struct install in = { .c = c, .inf = &inf, .path = path, .err = unused, .errlen = sizeof unused };
    version_of(c->os, &in);
    if (inf_parse(&inf, path, bytes, size, unused, sizeof unused)) {
        struct found f = find_model(&in, NULL, &any);
        root = f.model && strncasecmp(inf_field(f.model, 1), "ROOT\\", 5) == 0;
    }
    inf_free(&inf);
    return root;
}

struct inf_bytes {
    uint8_t *bytes;
    size_t size;
    char path[CONFIG_PATH];
    bool root;
};

bool inf_install(struct config *c, const char *path, const void *bytes, size_t size, char *err, size_t errlen)
{
    return install_file(c, path, bytes, size, false, err, errlen);
}

static bool install_files(struct config *c, struct inf_bytes *files, char *err, size_t errlen)
{
    for (int root = 1; root >= 0; root--)
        for (uint32_t i = 0; i < c->inf_count; i++)
            if (files[i].root == (root != 0) && !install_file(c, files[i].path, files[i].bytes, files[i].size, root != 0, err, errlen))
                return false;
    return true;
}

bool config_install(struct config *c, char *err, size_t errlen)
{
    struct inf_bytes *files = calloc(c->inf_count + 1, sizeof *files);
    bool ok = files != NULL;
    for (uint32_t i = 0; ok && i < c->inf_count; i++) {
        struct inf_bytes *f = &files[i];
        ok = config_find_file(c, c->infs[i], f->path, sizeof f->path);
        if (!ok)
            snprintf(err, errlen, "%.700s: no such file", c->infs[i]);
        else
            ok = (f->bytes = read_file(f->path, &f->size, err, errlen)) != NULL;
        f->root = ok && !c->device_count && c->inf_count > 1 && is_of_root(c, f->path, f->bytes, f->size);
    }
    ok = ok && install_files(c, files, err, errlen);
    for (uint32_t i = 0; files && i < c->inf_count; i++)
        free(files[i].bytes);
    free(files);
    if (ok)
        filters_note(c);
    return ok;
}
