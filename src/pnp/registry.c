/* What the registry says of devices: the instance key below Enum with its hardware key, the software key below Class, the service's
 * list of devices; values of the configuration; IoOpenDeviceRegistryKey and its like. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cm/cm.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "pnp/room.h"
#include "session/config.h"

#define CONTROL_SET "\\Registry\\Machine\\System\\CurrentControlSet\\"
/* GUESS: a device without an INF has no class; the system class stands in. */
#define DEFAULT_CLASS_GUID "{4d36e97d-e325-11ce-bfc1-08002be10318}"

enum { DEVICE_KEY = 1, DRIVER_KEY = 2, HARDWARE_PROFILE = 4, VALUE_BYTES = 1300, DATA_BYTES = VALUE_BYTES * 2 + 8 };

/* ---- values of the configuration ---- */

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static size_t wide(const char *text, WCHAR *out)
{
    size_t n = 0;
    for (const uint8_t *p = (const uint8_t *)text; *p && n < VALUE_BYTES; n++) {
        uint32_t c = *p++;
        if (c >= 0xC0) {
            unsigned more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
            for (c &= 0x3Fu >> more; more-- && (*p & 0xC0) == 0x80; p++)
                c = c << 6 | (*p & 0x3F);
        }
        out[n] = (WCHAR)(c > 0xFFFF ? '?' : c);
    }
    return n;
}

/* A list's lines as strings with a zero each, and one more. */
static size_t multi(const char *text, WCHAR *out)
{
    size_t n = wide(text, out);
    for (size_t i = 0; i < n; i++)
        if (out[i] == '\n')
            out[i] = 0;
    if (n)
        out[n++] = 0;
    out[n++] = 0;
    return n;
}

static void apply_set(const struct config_value *v, const char *path)
{
    WCHAR data[VALUE_BYTES + 4];
    size_t n = 0;
    uint64_t number = strtoull(v->text, NULL, 0);
    switch (v->type) {
    case REG_DWORD:
        cm_set_dword(path, v->name, (uint32_t)number);
        return;
    case REG_QWORD:
        /* In an INF: eight bytes; in a case: a number. */
        if (strlen(v->text) == 16 && strspn(v->text, "0123456789abcdef") == 16)
            break;
        cm_set_value(path, v->name, v->type, &number, 8);
        return;
    case REG_SZ:
    case REG_EXPAND_SZ:
        n = wide(v->text, data);
        data[n++] = 0;
        cm_set_value(path, v->name, v->type, data, n * 2);
        return;
    case REG_MULTI_SZ:
        n = multi(v->text, data);
        cm_set_value(path, v->name, v->type, data, n * 2);
        return;
    default:
        break;
    }
    uint8_t *bytes = (uint8_t *)data;
    for (const char *p = v->text; p[0] && p[1]; p += 2)
        bytes[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
    cm_set_value(path, v->name, v->type, bytes, n);
}

static void apply_append(const struct config_value *v, const char *path)
{
    WCHAR data[DATA_BYTES];
    uint32_t type;
    int64_t old = cm_get_value(path, v->name, &type, data, VALUE_BYTES);
    if (old < 4 || old > VALUE_BYTES || type != REG_MULTI_SZ) {
        apply_set(v, path);
        return;
    }
    size_t n = (size_t)old / 2 - 1; /* without the last zero */
    n += multi(v->text, data + n);
    cm_set_value(path, v->name, REG_MULTI_SZ, data, n * 2);
}

void pnp_value_apply(const struct config_value *v, const char *path)
{
    char full[600];
    bool there;
    snprintf(full, sizeof full, "%.400s%s%s", path, v->subkey[0] ? "\\" : "", v->subkey);
    there = cm_get_value(full, v->name, NULL, NULL, 0) >= 0;
    switch (v->how) {
    case VALUE_SET:
        apply_set(v, full);
        return;
    case VALUE_KEEP:
        if (!there)
            apply_set(v, full);
        return;
    case VALUE_REPLACE:
        if (there)
            apply_set(v, full);
        return;
    case VALUE_APPEND:
        apply_append(v, full);
        return;
    case VALUE_DELETE:
        if (there)
            cm_delete_value(full, v->name);
        return;
    case VALUE_KEY: {
        HANDLE h;
        if (NT_SUCCESS(cm_open(full, true, 0xF003F, &h)))
            ob_handle_close(ps_system(), h);
        return;
    }
    }
}

/* wanted: ids separated by newlines, as ids are. */
static bool any_listed(const char *ids, const char *wanted)
{
    for (const char *p = wanted; *p;) {
        char one[200];
        size_t length = strcspn(p, "\n");
        snprintf(one, sizeof one, "%.*s", (int)length, p);
        if (pnp_id_listed(ids, one))
            return true;
        p += length + (p[length] == '\n');
    }
    return false;
}

/* The configuration's values for devices with one of this node's hardware ids. */
static void values_apply(const struct devnode *n, const char *prefix, const char *path)
{
    const struct config *c = pnp_room()->config;
    size_t length = strlen(prefix);
    for (uint32_t i = 0; i < c->registry_count; i++) {
        const struct config_value *v = &c->registry[i];
        if (strncmp(v->path, prefix, length) == 0 && any_listed(n->hwids, v->path + length))
            pnp_value_apply(v, path);
    }
}

static void put_multi(const char *path, const char *name, const char *lines)
{
    WCHAR data[VALUE_BYTES + 4];
    size_t n = multi(lines, data);
    cm_set_value(path, name, REG_MULTI_SZ, data, n * 2);
}

static void put_text(const char *path, const char *name, const char *text)
{
    if (text[0])
        cm_set_text(path, name, text);
}

/* ---- keys of a device ---- */

void pnp_instance_path(const struct devnode *n, char *out, size_t size)
{
    snprintf(out, size, CONTROL_SET "Enum\\%s\\%s", n->device_id, n->instance);
}

void pnp_software_path(const struct devnode *n, char *out, size_t size)
{
    snprintf(out, size, CONTROL_SET "Control\\Class\\%s", n->driver_key);
}

static bool key_exists(const char *path)
{
    HANDLE h;
    if (!NT_SUCCESS(cm_open(path, false, 0x20019, &h)))
        return false;
    ob_handle_close(ps_system(), h);
    return true;
}

void pnp_registry_identify(struct devnode *n)
{
    char path[400], parameters[500];
    pnp_instance_path(n, path, sizeof path);
    snprintf(parameters, sizeof parameters, "%s\\Device Parameters", path);
    bool known = key_exists(parameters);
    pnp_registry_key_make(parameters);
    put_multi(path, "HardwareID", n->hwids);
    cm_set_dword(path, "Capabilities", n->capabilities);
    if (n->text[0])
        put_text(path, "DeviceDesc", n->text);
    put_text(path, "LocationInformation", n->location);
    if (known)
        return; /* a device that comes back has what it had */
    cm_set_dword(path, "ConfigFlags", 0);
    values_apply(n, "instance:", path);
    values_apply(n, "device:", parameters);
}

void pnp_registry_compatible(const struct devnode *n, const char *ids)
{
    char path[400];
    pnp_instance_path(n, path, sizeof path);
    put_multi(path, "CompatibleIDs", ids);
}

/* Installed before: a device that comes back keeps its keys. */
static bool driver_key_known(struct devnode *n)
{
    char path[400];
    WCHAR text[64] = { 0 };
    pnp_instance_path(n, path, sizeof path);
    if (cm_get_value(path, "Driver", NULL, text, sizeof text - 2) <= 0)
        return false;
    for (size_t i = 0; i < sizeof n->driver_key - 1; i++)
        n->driver_key[i] = (char)text[i];
    return true;
}

void pnp_registry_install(struct devnode *n, const struct config_driver *d)
{
    char path[400], class[300], key[400];
    const char *guid = d->class_guid[0] ? d->class_guid : DEFAULT_CLASS_GUID;
    config_service(d, n->service, sizeof n->service);
    if (driver_key_known(n))
        return;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(n->driver_key, sizeof n->driver_key, "%s\\%04u", guid, i);
        pnp_software_path(n, key, sizeof key);
        if (!key_exists(key))
            break;
    }
    pnp_instance_path(n, path, sizeof path);
    snprintf(class, sizeof class, CONTROL_SET "Control\\Class\\%s", guid);
    put_text(path, "Service", n->service);
    put_text(path, "ClassGUID", guid);
    put_text(path, "Driver", n->driver_key);
    put_text(path, "Mfg", d->manufacturer);
    put_text(path, "DeviceDesc", d->description);
    put_text(class, "Class", d->class_name[0] ? d->class_name : "System");
    pnp_registry_key_make(key);
    put_text(key, "DriverDesc", d->description);
    put_text(key, "ProviderName", d->provider);
    put_text(key, "DriverVersion", d->version);
    put_text(key, "InfPath", d->inf_name);
    put_text(key, "InfSection", d->section);
    put_text(key, "MatchingDeviceId", d->inf_name[0] ? n->device_id : "");
    values_apply(n, "model:", path);
    values_apply(n, "class:", class);
    values_apply(n, "driver:", key);
}

static void list_instances(const struct devnode *n, const char *service, const char *path, uint32_t *count)
{
    for (; n; n = n->sibling) {
        if ((n->state == NODE_ADDED || n->state == NODE_STARTED) && strcasecmp(n->service, service) == 0) {
            char name[16], instance[300];
            snprintf(name, sizeof name, "%u", (*count)++);
            snprintf(instance, sizeof instance, "%s\\%s", n->device_id, n->instance);
            cm_set_text(path, name, instance);
        }
        list_instances(n->child, service, path, count);
    }
}

void pnp_registry_count_instances(const char *service)
{
    char path[300], name[16];
    uint32_t before = 0, count = 0, type;
    if (!service[0])
        return;
    snprintf(path, sizeof path, CONTROL_SET "Services\\%s\\Enum", service);
    cm_get_value(path, "Count", &type, &before, 4);
    list_instances(pnp_root()->child, service, path, &count);
    for (uint32_t i = count; i < before; i++) {
        snprintf(name, sizeof name, "%u", i);
        cm_delete_value(path, name);
    }
    cm_set_dword(path, "Count", count);
    cm_set_dword(path, "NextInstance", count);
}

bool pnp_registry_filters(const struct devnode *n, bool of_class, bool upper, char *out, size_t size)
{
    char path[400];
    uint8_t data[DATA_BYTES] = { 0 };
    uint32_t type;
    pnp_instance_path(n, path, sizeof path);
    if (of_class)
        snprintf(path, sizeof path, CONTROL_SET "Control\\Class\\%.38s", n->driver_key);
    int64_t bytes = cm_get_value(path, upper ? "UpperFilters" : "LowerFilters", &type, data, sizeof data - 8);
    out[0] = 0;
    if (bytes <= 0 || bytes > (int64_t)sizeof data - 8 || (type != REG_MULTI_SZ && type != REG_SZ))
        return false;
    size_t at = 0;
    const WCHAR *w = (const WCHAR *)data;
    for (int64_t i = 0; i < bytes / 2 && at + 2 < size; i++) {
        if (!w[i] && (!at || out[at - 1] == '\n'))
            break;
        out[at++] = w[i] ? (char)w[i] : '\n';
    }
    out[at] = 0;
    return at != 0;
}

/* ---- exports ---- */

void pnp_registry_key_make(const char *path)
{
    HANDLE h;
    if (NT_SUCCESS(cm_open(path, true, 0xF003F, &h)))
        ob_handle_close(ps_system(), h);
}

NTSTATUS IoOpenDeviceRegistryKey(DEVICE_OBJECT *pdo, ULONG type, ULONG access, HANDLE *key)
{
    struct devnode *n = pnp_node_of(pdo);
    char path[600], within[500];
    if (!(type & (DEVICE_KEY | DRIVER_KEY)) || (type & (DEVICE_KEY | DRIVER_KEY)) == (DEVICE_KEY | DRIVER_KEY))
        return STATUS_INVALID_PARAMETER;
    if (!n)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (type & DRIVER_KEY) {
        if (!n->driver_key[0])
            return STATUS_OBJECT_NAME_NOT_FOUND;
        snprintf(within, sizeof within, "Control\\Class\\%s", n->driver_key);
    } else {
        snprintf(within, sizeof within, "Enum\\%s\\%s\\Device Parameters", n->device_id, n->instance);
    }
    if (type & HARDWARE_PROFILE)
        snprintf(path, sizeof path, CONTROL_SET "Hardware Profiles\\Current\\System\\CurrentControlSet\\%s", within);
    else
        snprintf(path, sizeof path, CONTROL_SET "%s", within);
    return cm_open(path, true, access, key);
}

/* DOC: "IoOpenDriverRegistryKey": the Parameters key of the driver's service, which is made if it is not there; flags are reserved. */
NTSTATUS IoOpenDriverRegistryKey(DRIVER_OBJECT *driver, ULONG type, ULONG access, ULONG flags, HANDLE *key)
{
    enum { PARAMETERS, PERSISTENT_STATE, SHARED_PERSISTENT_STATE };
    char path[300];
    const struct io_driver *r = io_driver_of(driver);
    if (type > SHARED_PERSISTENT_STATE || flags || !r)
        return STATUS_INVALID_PARAMETER;
    if (type != PARAMETERS)
        ke_unsupported("IoOpenDriverRegistryKey for a driver's persistent state");
    snprintf(path, sizeof path, CONTROL_SET "Services\\%s\\Parameters", r->service);
    return cm_open(path, true, access, key);
}
