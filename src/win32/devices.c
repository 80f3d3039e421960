/* What setupapi.c and cfgmgr.c share: nodes by number and by name, registry properties, keys. */
#include "win32/devices.h"

#include <stdio.h>
#include <strings.h>

#include "cm/cm.h"
#include "sim/access.h"

void devices_enter(struct syscall *sc)
{
    ps_syscall_enter(sc, FRAME_NtPlugPlayControl);
    sim_access(SIM_ACCESS_NAMESPACE, SIM_READ);
}

/* ---- nodes ---- */

static struct devnode *by_number(struct devnode *n, ULONG number)
{
    for (; n; n = n->sibling) {
        if (n->number == number)
            return n;
        struct devnode *c = by_number(n->child, number);
        if (c)
            return c;
    }
    return NULL;
}

struct devnode *device_of(ULONG number)
{
    struct devnode *n = by_number(pnp_root(), number);
    return n && n->state != NODE_REMOVED ? n : NULL;
}

ULONG device_missing(ULONG number)
{
    return by_number(pnp_root(), number) ? CR_NO_SUCH_DEVNODE : CR_INVALID_DEVNODE;
}

void device_id(const struct devnode *n, char out[DEVICE_ID_BYTES])
{
    snprintf(out, DEVICE_ID_BYTES, "%s\\%s", n->device_id, n->instance);
}

static bool is_named(const struct devnode *n, const char *id)
{
    char own[DEVICE_ID_BYTES];
    device_id(n, own);
    return strcasecmp(own, id) == 0;
}

static struct devnode *named(struct devnode *n, const char *id, bool gone)
{
    struct devnode *found = NULL;
    for (; n; n = n->sibling) {
        if ((n->state == NODE_REMOVED) == gone && is_named(n, id))
            found = n;
        struct devnode *c = named(n->child, id, gone);
        found = c ? c : found;
    }
    return found;
}

struct devnode *device_named(const char *id, bool gone)
{
    struct devnode *n = named(pnp_root(), id, false);
    return n || !gone ? n : named(pnp_root(), id, true);
}

static struct devnode *nth(struct devnode *n, ULONG *index, bool gone)
{
    for (; n; n = n->sibling) {
        char id[DEVICE_ID_BYTES];
        bool counts = n->state != NODE_REMOVED;
        if (gone && !counts && n->device_id[0]) {
            device_id(n, id);
            counts = device_named(id, true) == n;
        }
        if (counts && (*index)-- == 0)
            return n;
        struct devnode *c = nth(n->child, index, gone);
        if (c)
            return c;
    }
    return NULL;
}

struct devnode *device_at(ULONG index, bool gone)
{
    return nth(pnp_root()->child, &index, gone);
}

ULONG device_request(struct devnode *n, enum pnp_request what, struct pnp_answer *a)
{
    struct syscall sc;
    w32_console_flush();
    ps_syscall_enter(&sc, FRAME_NtPlugPlayControl);
    sim_point((uint64_t)n->pdo);
    pnp_request(n, what, a);
    ps_syscall_leave(&sc);
    return a->status == STATUS_PLUGPLAY_QUERY_VETOED ? CR_REMOVE_VETOED : NT_SUCCESS(a->status) ? CR_SUCCESS : CR_FAILURE;
}

/* ---- text ---- */

void device_narrow(const WCHAR *w, char *out, size_t size)
{
    size_t n = 0;
    for (; w && w[n] && n + 1 < size; n++)
        out[n] = w[n] < 0x80 ? (char)w[n] : '?';
    out[n] = 0;
}

ULONG device_text_narrow(ULONG type, const void *data, ULONG bytes, char *out)
{
    if (type != REG_SZ && type != REG_MULTI_SZ && type != REG_EXPAND_SZ) {
        memcpy(out, data, bytes);
        return bytes;
    }
    const WCHAR *w = data;
    for (ULONG i = 0; i < bytes / 2; i++) {
        int c = w32_wide_to_ansi(w[i]);
        out[i] = (char)(c < 0 ? '?' : c);
    }
    return bytes / 2;
}

bool device_guid(const char *text, GUID *out)
{
    unsigned v[11];
    if (sscanf(text, "{%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x}", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10]) != 11)
        return false;
    *out = (GUID) { v[0], (USHORT)v[1], (USHORT)v[2], { 0 } };
    for (int i = 0; i < 8; i++)
        out->Data4[i] = (UCHAR)v[3 + i];
    return true;
}

void device_guid_text(const GUID *g, char out[40])
{
    snprintf(out, 40, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}", g->Data1, g->Data2, g->Data3, g->Data4[0], g->Data4[1], g->Data4[2], g->Data4[3],
             g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
}

bool device_same_guid(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool device_class(const struct devnode *n, GUID *class)
{
    return device_guid(n->driver_key, class);
}

void device_link(const char *link, char *out, size_t size)
{
    snprintf(out, size, "\\\\?\\%s", link + 4);
}

bool device_interface_named(const char *path, struct pnp_interface *out)
{
    for (uint32_t i = 0; pnp_interface_at(i, out); i++)
        if (strlen(path) > 4 && strcasecmp(out->link + 4, path + 4) == 0)
            return true;
    return false;
}

/* ---- registry properties ---- */

static const struct registry_property {
    int property; /* DEVICE_REGISTRY_PROPERTY; -1: the value alone */
    const char *value; /* of the instance key, and whether a program may set it */
    ULONG type;
} registry_properties[] = {
    [0x00] = { 0, "DeviceDesc", REG_SZ },
    [0x01] = { 1, "HardwareID", REG_MULTI_SZ },
    [0x02] = { 2, "CompatibleIDs", REG_MULTI_SZ },
    [0x04] = { -1, "Service", REG_SZ },
    [0x07] = { 5, NULL, REG_SZ },
    [0x08] = { 6, "ClassGUID", REG_SZ },
    [0x09] = { 7, "Driver", REG_SZ },
    [0x0A] = { -1, "ConfigFlags", REG_DWORD },
    [0x0B] = { 8, "Mfg", REG_SZ },
    [0x0C] = { 9, "FriendlyName", REG_SZ },
    [0x0D] = { 10, "LocationInformation", REG_SZ },
    [0x0E] = { 11, NULL, REG_SZ },
    [0x0F] = { -1, "Capabilities", REG_DWORD },
    [0x10] = { 17, NULL, REG_DWORD },
    [0x11] = { -1, "UpperFilters", REG_MULTI_SZ },
    [0x12] = { -1, "LowerFilters", REG_MULTI_SZ },
    [0x13] = { 12, NULL, REG_BINARY },
    [0x14] = { 13, NULL, REG_DWORD },
    [0x15] = { 14, NULL, REG_DWORD },
    [0x16] = { 15, NULL, REG_SZ },
    [0x17] = { -1, "Security", REG_BINARY },
    [0x18] = { -1, "SecuritySDS", REG_SZ },
    [0x19] = { -1, "DeviceType", REG_DWORD },
    [0x1A] = { -1, "Exclusive", REG_DWORD },
    [0x1B] = { -1, "DeviceCharacteristics", REG_DWORD },
    [0x1C] = { 16, NULL, REG_DWORD },
    [0x1D] = { -1, "UINumberDescFormat", REG_SZ },
    [0x1E] = { -1, NULL, REG_BINARY },
    [0x1F] = { 19, NULL, REG_DWORD },
    [0x20] = { 19, NULL, REG_DWORD },
    [0x21] = { -1, "RemovalPolicy", REG_DWORD },
    [0x22] = { 18, NULL, REG_DWORD },
    [0x23] = { -1, "LocationPaths", REG_MULTI_SZ },
    [0x24] = { -1, "ContainerID", REG_SZ },
};

/* ConfigFlags: CONFIGFLAG_DISABLED for a device that is. */
static ULONG power_data(const struct devnode *n, ULONG *out)
{
    memset(out, 0, 56);
    out[0] = 56; /* CM_POWER_DATA: size, most recent state, capabilities, latencies, states of the system's, deepest wake */
    out[1] = n->state == NODE_STARTED ? 1 : 4;
    out[2] = 9; /* D0 and D3 */
    for (int i = 0; i < PowerSystemMaximum; i++)
        out[6 + i] = (ULONG)n->device_states[i];
    return 56;
}

ULONG device_registry_property(struct devnode *n, ULONG property, ULONG *type, void *data, ULONG *bytes)
{
    ULONG spdrp = property - 1;
    char path[400];
    uint32_t stored = 0;
    *bytes = 0;
    if (!property || spdrp >= sizeof registry_properties / sizeof registry_properties[0] || !registry_properties[spdrp].type)
        return CR_INVALID_PROPERTY;
    const struct registry_property *p = &registry_properties[spdrp];
    *type = p->type;
    if (spdrp == 0x1E) {
        *bytes = power_data(n, data);
        return CR_SUCCESS;
    }
    if (p->property >= 0) {
        NTSTATUS s = pnp_property(n, (ULONG)p->property, DEVICE_DATA_BYTES, data, bytes);
        return NT_SUCCESS(s) ? CR_SUCCESS : CR_NO_SUCH_VALUE;
    }
    pnp_instance_path(n, path, sizeof path);
    int64_t size = p->value ? cm_get_value(path, p->value, &stored, data, DEVICE_DATA_BYTES) : -1;
    if (size < 0 || size > DEVICE_DATA_BYTES)
        return CR_NO_SUCH_VALUE;
    *type = stored;
    *bytes = (ULONG)size;
    return CR_SUCCESS;
}

/* DOC: data of no bytes deletes the property. */
ULONG device_registry_property_set(struct devnode *n, ULONG property, const void *data, ULONG bytes)
{
    ULONG spdrp = property - 1;
    char path[400];
    if (!property || spdrp >= sizeof registry_properties / sizeof registry_properties[0] || !registry_properties[spdrp].type)
        return CR_INVALID_PROPERTY;
    const struct registry_property *p = &registry_properties[spdrp];
    if (!p->value)
        return CR_INVALID_PROPERTY;
    pnp_instance_path(n, path, sizeof path);
    if (!bytes)
        return cm_delete_value(path, p->value) ? CR_SUCCESS : CR_NO_SUCH_VALUE;
    cm_set_value(path, p->value, p->type, data, bytes);
    return CR_SUCCESS;
}

/* ---- keys ---- */

LONG device_key_open(const char *path, bool create, ULONG access, HANDLE *key)
{
    HANDLE machine = (HANDLE)0xFFFFFFFF80000002ull;
    uint64_t w = w32_widen(path);
    LONG e = create ? RegCreateKeyExW(machine, (const WCHAR *)w, 0, NULL, 0, access, NULL, key, NULL) : RegOpenKeyExW(machine, (const WCHAR *)w, 0, access, key);
    w32_free(w);
    return e;
}

/* "\Registry\Machine\…" without that. */
static void below_machine(char *path)
{
    static const char full[] = "\\Registry\\Machine\\", brief[] = "HKLM\\";
    size_t cut = strncasecmp(path, full, sizeof full - 1) == 0 ? sizeof full - 1 : strncasecmp(path, brief, sizeof brief - 1) == 0 ? sizeof brief - 1 : 0;
    memmove(path, path + cut, strlen(path + cut) + 1);
}

bool device_key_path(const struct devnode *n, bool software, char *path, size_t size)
{
    if (software && !n->driver_key[0])
        return false;
    if (software) {
        pnp_software_path(n, path, size);
    } else {
        pnp_instance_path(n, path, size);
        size_t at = strlen(path);
        snprintf(path + at, size - at, "\\Device Parameters");
    }
    below_machine(path);
    return true;
}

void device_class_path(const GUID *class, char *path, size_t size)
{
    char text[40];
    device_guid_text(class, text);
    snprintf(path, size, "System\\CurrentControlSet\\Control\\Class\\%s", text);
}
