/* Device properties: the old list (IoGetDeviceProperty) and keyed ones, of devices and of interfaces. What setup and the bus said
 * lies in the registry; keyed properties that are none of those are kept beside the node or the interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cm/cm.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "session/config.h"

enum { DATA_BYTES = 4096 };

struct property_key {
    GUID set;
    ULONG id;
};

struct property {
    struct property *next;
    struct property_key key;
    ULONG lcid, type, size;
    uint8_t *data;
};

/* ---- IoGetDeviceProperty ---- */

enum { PROPERTY_DESCRIPTION, PROPERTY_HARDWARE_ID, PROPERTY_COMPATIBLE_IDS, PROPERTY_BOOT_CONFIGURATION, PROPERTY_BOOT_TRANSLATED, PROPERTY_CLASS_NAME,
       PROPERTY_CLASS_GUID, PROPERTY_DRIVER_KEY, PROPERTY_MANUFACTURER, PROPERTY_FRIENDLY_NAME, PROPERTY_LOCATION, PROPERTY_PDO_NAME, PROPERTY_BUS_TYPE_GUID,
       PROPERTY_LEGACY_BUS_TYPE, PROPERTY_BUS_NUMBER, PROPERTY_ENUMERATOR, PROPERTY_ADDRESS, PROPERTY_UI_NUMBER, PROPERTY_INSTALL_STATE, PROPERTY_REMOVAL_POLICY,
       PROPERTY_REQUIREMENTS, PROPERTY_ALLOCATED, PROPERTY_CONTAINER_ID };

static NTSTATUS give(const void *data, size_t bytes, ULONG length, PVOID buffer, ULONG *result)
{
    *result = (ULONG)bytes;
    if (length < bytes)
        return STATUS_BUFFER_TOO_SMALL;
    if (bytes)
        memcpy(buffer, data, bytes);
    return STATUS_SUCCESS;
}

/* Text in ASCII; lines of a list become its strings. */
static NTSTATUS give_text(const char *text, bool multi, ULONG length, PVOID buffer, ULONG *result)
{
    WCHAR w[600];
    size_t n = 0;
    for (; text[n] && n < 590; n++)
        w[n] = text[n] == '\n' ? 0 : (UCHAR)text[n];
    w[n] = w[n + 1] = 0;
    return give(w, (n + (multi ? 2 : 1)) * 2, length, buffer, result);
}

static NTSTATUS give_number(uint32_t n, ULONG length, PVOID buffer, ULONG *result)
{
    return give(&n, 4, length, buffer, result);
}

/* A value of the instance key, as it lies there. */
static NTSTATUS give_value(const struct devnode *n, const char *name, ULONG length, PVOID buffer, ULONG *result)
{
    char path[400];
    uint8_t data[DATA_BYTES];
    pnp_instance_path(n, path, sizeof path);
    int64_t bytes = cm_get_value(path, name, NULL, data, sizeof data);
    if (bytes < 0) {
        *result = 0;
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return give(data, (size_t)bytes, length, buffer, result);
}

static NTSTATUS give_class_name(const struct devnode *n, ULONG length, PVOID buffer, ULONG *result)
{
    char path[400];
    uint8_t data[DATA_BYTES];
    pnp_software_path(n, path, sizeof path);
    char *last = strrchr(path, '\\');
    *last = 0;
    int64_t bytes = n->driver_key[0] ? cm_get_value(path, "Class", NULL, data, sizeof data) : -1;
    *result = 0;
    return bytes < 0 ? STATUS_OBJECT_NAME_NOT_FOUND : give(data, (size_t)bytes, length, buffer, result);
}

static NTSTATUS give_resources(const CM_RESOURCE_LIST *r, ULONG length, PVOID buffer, ULONG *result)
{
    *result = 0;
    return r ? give(r, pnp_resources_bytes(r), length, buffer, result) : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS give_requirements(const struct devnode *n, ULONG length, PVOID buffer, ULONG *result)
{
    *result = 0;
    return n->requirements ? give(n->requirements, n->requirements->ListSize, length, buffer, result) : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS no_such(ULONG *result)
{
    *result = 0;
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

/* ExpectNoRemoval, ExpectOrderlyRemoval, ExpectSurpriseRemoval */
static uint32_t removal_policy(const struct devnode *n)
{
    return !(n->capabilities & (PNP_CAP_REMOVABLE | PNP_CAP_EJECT)) ? 1 : n->capabilities & PNP_CAP_SURPRISE_OK ? 3 : 2;
}

static NTSTATUS give_property(const struct devnode *n, ULONG property, ULONG length, PVOID buffer, ULONG *result)
{
    char text[400];
    switch (property) {
    case PROPERTY_DESCRIPTION:
        return give_value(n, "DeviceDesc", length, buffer, result);
    case PROPERTY_HARDWARE_ID:
        return give_value(n, "HardwareID", length, buffer, result);
    case PROPERTY_COMPATIBLE_IDS:
        return give_value(n, "CompatibleIDs", length, buffer, result);
    case PROPERTY_CLASS_NAME:
        return give_class_name(n, length, buffer, result);
    case PROPERTY_CLASS_GUID:
        return give_value(n, "ClassGUID", length, buffer, result);
    case PROPERTY_DRIVER_KEY:
        return give_value(n, "Driver", length, buffer, result);
    case PROPERTY_MANUFACTURER:
        return give_value(n, "Mfg", length, buffer, result);
    case PROPERTY_FRIENDLY_NAME:
        return give_value(n, "FriendlyName", length, buffer, result);
    case PROPERTY_LOCATION:
        return give_value(n, "LocationInformation", length, buffer, result);
    case PROPERTY_BOOT_CONFIGURATION:
        return give_resources(n->raw, length, buffer, result);
    case PROPERTY_BOOT_TRANSLATED:
        return give_resources(n->translated, length, buffer, result);
    case PROPERTY_ALLOCATED:
        return give_resources(n->raw, length, buffer, result);
    case PROPERTY_REQUIREMENTS:
        return give_requirements(n, length, buffer, result);
    case PROPERTY_PDO_NAME:
        text[0] = 0;
        if (n->pdo)
            ob_name_text(n->pdo, text, sizeof text);
        return text[0] ? give_text(text, false, length, buffer, result) : no_such(result);
    case PROPERTY_ENUMERATOR:
        snprintf(text, sizeof text, "%.*s", (int)strcspn(n->device_id, "\\"), n->device_id);
        return give_text(text, false, length, buffer, result);
    case PROPERTY_BUS_TYPE_GUID:
        return n->has_bus ? give(&n->bus.BusTypeGuid, sizeof(GUID), length, buffer, result) : no_such(result);
    case PROPERTY_LEGACY_BUS_TYPE:
        return n->has_bus ? give_number((uint32_t)n->bus.LegacyBusType, length, buffer, result) : no_such(result);
    case PROPERTY_BUS_NUMBER:
        return n->has_bus ? give_number(n->bus.BusNumber, length, buffer, result) : no_such(result);
    case PROPERTY_ADDRESS:
        return n->address != UINT32_MAX ? give_number(n->address, length, buffer, result) : no_such(result);
    case PROPERTY_UI_NUMBER:
        return n->ui_number != UINT32_MAX ? give_number(n->ui_number, length, buffer, result) : no_such(result);
    case PROPERTY_INSTALL_STATE:
        return give_number(0, length, buffer, result); /* InstallStateInstalled */
    case PROPERTY_REMOVAL_POLICY:
        return give_number(removal_policy(n), length, buffer, result);
    case PROPERTY_CONTAINER_ID:
        return no_such(result);
    default:
        *result = 0;
        return STATUS_INVALID_PARAMETER_2;
    }
}

NTSTATUS pnp_property(const struct devnode *n, ULONG property, ULONG length, PVOID buffer, ULONG *result)
{
    return give_property(n, property, length, buffer, result);
}

NTSTATUS IoGetDeviceProperty(DEVICE_OBJECT *pdo, ULONG property, ULONG length, PVOID buffer, ULONG *result)
{
    struct devnode *n = pnp_node_of(pdo);
    if (!n)
        return STATUS_INVALID_DEVICE_REQUEST;
    return give_property(n, property, length, buffer, result);
}

/* ---- keyed properties ---- */

enum { TYPE_EMPTY = 0, TYPE_UINT32 = 7, TYPE_GUID = 0xD, TYPE_BOOLEAN = 0x11, TYPE_STRING = 0x12, TYPE_LIST = 0x2012 };

static const GUID device_set = { 0xA45C254E, 0xDF1C, 0x4EFD, { 0x80, 0x20, 0x67, 0xD1, 0x46, 0xA8, 0x50, 0xE0 } };
static const GUID instance_set = { 0x78C34FC8, 0x104A, 0x4ACA, { 0x9E, 0xA4, 0x52, 0x4D, 0x52, 0x99, 0x6E, 0x57 } };

/* Ids of DEVPKEY_Device_… that are properties of the old list or values of the instance key. */
static const struct {
    ULONG id;
    int property; /* -1: a value */
    const char *value;
    ULONG type;
} known[] = {
    { 2, PROPERTY_DESCRIPTION, "DeviceDesc", TYPE_STRING }, { 3, PROPERTY_HARDWARE_ID, NULL, TYPE_LIST },
    { 4, PROPERTY_COMPATIBLE_IDS, NULL, TYPE_LIST },        { 6, -1, "Service", TYPE_STRING },
    { 9, PROPERTY_CLASS_NAME, NULL, TYPE_STRING },          { 11, PROPERTY_DRIVER_KEY, NULL, TYPE_STRING },
    { 12, -1, "ConfigFlags", TYPE_UINT32 },                 { 13, PROPERTY_MANUFACTURER, "Mfg", TYPE_STRING },
    { 14, PROPERTY_FRIENDLY_NAME, "FriendlyName", TYPE_STRING }, { 15, PROPERTY_LOCATION, "LocationInformation", TYPE_STRING },
    { 16, PROPERTY_PDO_NAME, NULL, TYPE_STRING },           { 17, -1, "Capabilities", TYPE_UINT32 },
    { 18, PROPERTY_UI_NUMBER, NULL, TYPE_UINT32 },          { 19, -1, "UpperFilters", TYPE_LIST },
    { 20, -1, "LowerFilters", TYPE_LIST },                  { 21, PROPERTY_BUS_TYPE_GUID, NULL, TYPE_GUID },
    { 22, PROPERTY_LEGACY_BUS_TYPE, NULL, TYPE_UINT32 },    { 23, PROPERTY_BUS_NUMBER, NULL, TYPE_UINT32 },
    { 24, PROPERTY_ENUMERATOR, NULL, TYPE_STRING },         { 30, PROPERTY_ADDRESS, NULL, TYPE_UINT32 },
};

static struct property **property_at(struct property **list, const struct property_key *key, ULONG lcid)
{
    while (*list && (memcmp(&(*list)->key, key, sizeof *key) != 0 || (*list)->lcid != lcid))
        list = &(*list)->next;
    return list;
}

static NTSTATUS property_get(struct property **list, const struct property_key *key, ULONG lcid, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    const struct property *p = *property_at(list, key, lcid);
    *needed = 0;
    *type = TYPE_EMPTY;
    if (!p)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *type = p->type;
    return give(p->data, p->size, size, data, needed);
}

static void property_free(struct property *p)
{
    sim_free(p->data, p->size ? p->size : 1);
    sim_free(p, sizeof *p);
}

static NTSTATUS property_set(struct property **list, const struct property_key *key, ULONG lcid, ULONG type, ULONG size, const void *data)
{
    struct property **at = property_at(list, key, lcid), *old = *at;
    if (old) {
        *at = old->next;
        property_free(old);
    }
    if (!data || type == TYPE_EMPTY) /* DOC: without data the property is deleted */
        return old ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
    struct property *p = sim_alloc(sizeof *p);
    *p = (struct property) { .key = *key, .lcid = lcid, .type = type, .size = size, .data = sim_alloc(size ? size : 1) };
    if (size)
        memcpy(p->data, data, size);
    while (*list)
        list = &(*list)->next;
    *list = p;
    return STATUS_SUCCESS;
}

void pnp_properties_free(struct property **list)
{
    while (*list) {
        struct property *p = *list;
        *list = p->next;
        property_free(p);
    }
}

static int known_index(const struct property_key *key)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (memcmp(&key->set, &device_set, sizeof device_set) == 0 && key->id == known[i].id)
            return (int)i;
    return -1;
}

static NTSTATUS class_guid(const struct devnode *n, ULONG size, PVOID data, ULONG *needed)
{
    unsigned v[11];
    if (sscanf(n->driver_key, "{%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x}", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10]) != 11)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    GUID g = { v[0], (USHORT)v[1], (USHORT)v[2], { 0 } };
    for (int i = 0; i < 8; i++)
        g.Data4[i] = (UCHAR)v[3 + i];
    return give(&g, sizeof g, size, data, needed);
}

/* ---- keyed properties that follow from the tree, the software key or the node itself ---- */

static const GUID relations_set = { 0x4340A6C5, 0x93FA, 0x4706, { 0x97, 0x2C, 0x7B, 0x64, 0x80, 0x08, 0xA5, 0xA7 } };
static const GUID driver_set = { 0xA8B865DD, 0x2E3D, 0x4094, { 0xAD, 0x97, 0xE5, 0x93, 0xA7, 0x0C, 0x75, 0xD6 } };
static const GUID presence_set = { 0x540B947E, 0x8B40, 0x45BC, { 0xA8, 0xA2, 0x6A, 0x0B, 0x89, 0x4C, 0xBD, 0xA2 } };
static const GUID name_set = { 0xB725F130, 0x47EF, 0x101A, { 0xA5, 0xF1, 0x02, 0x60, 0x8C, 0x9E, 0xEB, 0xAC } };
static const GUID interface_set = { 0x026E516E, 0xB814, 0x414B, { 0x83, 0xCD, 0x85, 0x6D, 0x6F, 0xEF, 0x48, 0x22 } };

static bool is_set(const struct property_key *key, const GUID *set)
{
    return memcmp(&key->set, set, sizeof *set) == 0;
}

uint32_t pnp_status(const struct devnode *n)
{
    enum { ROOT_ENUMERATED = 1, DRIVER_LOADED = 2, ENUM_LOADED = 4, STARTED = 8, HAS_PROBLEM = 0x400, DISABLEABLE = 0x2000, REMOVABLE = 0x4000,
           WILL_BE_REMOVED = 0x40000, NT_ENUMERATOR = 0x800000, NT_DRIVER = 0x1000000 };
    uint32_t s = NT_ENUMERATOR | NT_DRIVER;
    s |= n->parent == pnp_root() || !n->parent ? ROOT_ENUMERATED : 0;
    s |= n->state == NODE_STARTED ? DRIVER_LOADED | STARTED | ENUM_LOADED : n->state == NODE_ADDED ? DRIVER_LOADED : 0;
    s |= n->state == NODE_SURPRISE ? DRIVER_LOADED | WILL_BE_REMOVED : 0;
    s |= n->problem ? HAS_PROBLEM : 0;
    s |= n->parent && !n->not_disableable ? DISABLEABLE : 0;
    s |= n->capabilities & PNP_CAP_REMOVABLE ? REMOVABLE : 0;
    return s;
}

static void id_line(const struct devnode *n, char *out, size_t size)
{
    size_t at = strlen(out);
    snprintf(out + at, size - at, "%s%s\\%s", at ? "\n" : "", n->device_id, n->instance);
}

static NTSTATUS give_relation(const struct devnode *n, ULONG id, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    char text[590] = "";
    const struct devnode *from = id == 9 ? n->child : id == 10 && n->parent ? n->parent->child : NULL;
    if (id == 8 && n->parent)
        id_line(n->parent, text, sizeof text);
    for (; from; from = from->sibling)
        if (from != n && from->state != NODE_REMOVED)
            id_line(from, text, sizeof text);
    if (!text[0])
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *type = id == 8 ? TYPE_STRING : TYPE_LIST;
    return give_text(text, id != 8, size, data, needed);
}

static NTSTATUS give_number_typed(uint32_t v, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    *type = TYPE_UINT32;
    return give_number(v, size, data, needed);
}

static NTSTATUS give_boolean(bool v, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    const uint8_t b = v ? 0xFF : 0;
    *type = TYPE_BOOLEAN;
    return give(&b, 1, size, data, needed);
}

/* Of the software key. */
static NTSTATUS give_driver_value(const struct devnode *n, ULONG id, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    static const char *const names[] = { "DriverVersion", "DriverDesc", "InfPath", "InfSection", "InfSectionExt", "MatchingDeviceId", "ProviderName" };
    char path[400];
    uint8_t text[DATA_BYTES];
    if (id < 3 || id > 9 || !n->driver_key[0])
        return STATUS_OBJECT_NAME_NOT_FOUND;
    pnp_software_path(n, path, sizeof path);
    int64_t bytes = cm_get_value(path, names[id - 3], NULL, text, sizeof text);
    if (bytes < 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *type = TYPE_STRING;
    return give(text, (size_t)bytes, size, data, needed);
}

/* STATUS_NOT_FOUND: no such key is known here. */
static NTSTATUS give_special(const struct devnode *n, const struct property_key *key, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    char text[300];
    if (is_set(key, &instance_set) && key->id == 256) {
        snprintf(text, sizeof text, "%s\\%s", n->device_id, n->instance);
        *type = TYPE_STRING;
        return give_text(text, false, size, data, needed);
    }
    if (is_set(key, &device_set) && key->id == 10) {
        NTSTATUS s = class_guid(n, size, data, needed);
        *type = s == STATUS_OBJECT_NAME_NOT_FOUND ? TYPE_EMPTY : TYPE_GUID;
        return s;
    }
    if (is_set(key, &device_set) && key->id == 33)
        return give_number_typed(removal_policy(n), size, data, needed, type);
    if (is_set(key, &device_set) && key->id == 36)
        return give_number_typed(n->problem == PROBLEM_FAILED_INSTALL ? 2 : 0, size, data, needed, type); /* CM_INSTALL_STATE_… */
    if (is_set(key, &relations_set) && key->id == 2)
        return give_number_typed(pnp_status(n), size, data, needed, type);
    if (is_set(key, &relations_set) && key->id == 3)
        return give_number_typed(n->problem, size, data, needed, type);
    if (is_set(key, &relations_set) && key->id >= 8 && key->id <= 10)
        return give_relation(n, key->id, size, data, needed, type);
    if (is_set(key, &presence_set) && key->id == 5)
        return give_boolean(n->state != NODE_REMOVED, size, data, needed, type);
    if (is_set(key, &presence_set) && key->id == 6)
        return give_boolean(n->problem != 0, size, data, needed, type);
    if (is_set(key, &driver_set) && key->id >= 3 && key->id <= 9)
        return give_driver_value(n, key->id, size, data, needed, type);
    if (is_set(key, &name_set) && key->id == 10) {
        NTSTATUS s = give_value(n, "FriendlyName", size, data, needed);
        s = s == STATUS_OBJECT_NAME_NOT_FOUND ? give_value(n, "DeviceDesc", size, data, needed) : s;
        *type = s == STATUS_OBJECT_NAME_NOT_FOUND ? TYPE_EMPTY : TYPE_STRING;
        return s;
    }
    return STATUS_NOT_FOUND;
}

NTSTATUS pnp_keyed_get(struct devnode *n, const struct property_key *key, ULONG lcid, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    int k = known_index(key);
    *needed = 0;
    *type = TYPE_EMPTY;
    NTSTATUS s = give_special(n, key, size, data, needed, type);
    if (s != STATUS_NOT_FOUND)
        return s;
    if (k < 0)
        return property_get(&n->properties, key, lcid, size, data, needed, type);
    s = known[k].property >= 0 ? give_property(n, (ULONG)known[k].property, size, data, needed) : give_value(n, known[k].value, size, data, needed);
    if (s != STATUS_OBJECT_NAME_NOT_FOUND)
        *type = known[k].type;
    return s;
}

NTSTATUS IoGetDevicePropertyData(DEVICE_OBJECT *pdo, const struct property_key *key, ULONG lcid, ULONG flags, ULONG size, PVOID data, ULONG *needed, ULONG *type)
{
    struct devnode *n = pnp_node_of(pdo);
    *needed = 0;
    *type = TYPE_EMPTY;
    return n ? pnp_keyed_get(n, key, lcid, size, data, needed, type) : STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS pnp_keyed_set(struct devnode *n, const struct property_key *key, ULONG lcid, ULONG type, ULONG size, const void *data)
{
    int k = known_index(key);
    if (is_set(key, &instance_set) || is_set(key, &relations_set) || is_set(key, &presence_set))
        return STATUS_ACCESS_DENIED;
    if (k < 0)
        return property_set(&n->properties, key, lcid, type, size, data);
    if (!known[k].value)
        return STATUS_ACCESS_DENIED; /* GUESS: what the bus and setup say cannot be set */
    char path[400];
    pnp_instance_path(n, path, sizeof path);
    if (!data)
        return cm_delete_value(path, known[k].value) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
    cm_set_value(path, known[k].value, known[k].type == TYPE_STRING ? REG_SZ : known[k].type == TYPE_LIST ? REG_MULTI_SZ : REG_DWORD, data, size);
    return STATUS_SUCCESS;
}

NTSTATUS IoSetDevicePropertyData(DEVICE_OBJECT *pdo, const struct property_key *key, ULONG lcid, ULONG flags, ULONG type, ULONG size, PVOID data)
{
    struct devnode *n = pnp_node_of(pdo);
    return n ? pnp_keyed_set(n, key, lcid, type, size, data) : STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS IoSetDeviceInterfacePropertyData(const UNICODE_STRING *link, const struct property_key *key, ULONG lcid, ULONG flags, ULONG type, ULONG size, PVOID data)
{
    struct interface_record *r = pnp_interface_of(link);
    return r ? property_set(&r->properties, key, lcid, type, size, data) : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS IoGetDeviceInterfacePropertyData(const UNICODE_STRING *link, const struct property_key *key, ULONG lcid, ULONG flags, ULONG size, PVOID data, ULONG *needed,
                                          ULONG *type)
{
    struct interface_record *r = pnp_interface_of(link);
    *needed = 0;
    *type = TYPE_EMPTY;
    if (!r)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (is_set(key, &instance_set) && key->id == 256)
        return pnp_keyed_get(pnp_node_of(r->pdo), key, lcid, size, data, needed, type);
    if (is_set(key, &interface_set) && key->id == 3)
        return give_boolean(r->enabled, size, data, needed, type);
    if (is_set(key, &interface_set) && key->id == 4) {
        *type = TYPE_GUID;
        return give(&r->class, sizeof r->class, size, data, needed);
    }
    return property_get(&r->properties, key, lcid, size, data, needed, type);
}
