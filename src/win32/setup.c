/* setupapi: device information sets.
 *
 * A set is a copy, made when asked for: its devices by their numbers and names, its interfaces by their links, in the order in which
 * they were found or registered. SP_DEVINFO_DATA and SP_DEVICE_INTERFACE_DATA hold their place in the set (index + 1). */
#include "win32/devices.h"

#include <stdio.h>
#include <strings.h>

#include "cm/cm.h"

enum { ERROR_NO_MORE_ITEMS_ = 259, ERROR_INVALID_USER_BUFFER_ = 1784, ERROR_INVALID_DATA_ = 13, ERROR_NOT_FOUND_ = 1168 };
/* setupapi's own errors */
enum { E_NO_CLASSINSTALL_PARAMS = 0xE0000215, E_INVALID_CLASS = 0xE0000206, E_NO_SUCH_DEVINST = 0xE000020B, E_INVALID_REG_PROPERTY = 0xE0000209,
       E_KEY_DOES_NOT_EXIST = 0xE0000204, E_NO_SUCH_INTERFACE = 0xE000022A, E_DI_DO_DEFAULT = 0xE000020E, E_NOT_DISABLEABLE = 0xE0000231,
       E_INVALID_DEVINST_NAME = 0xE0000205, E_NO_SUCH_INTERFACE_DEVICE = 0xE0000225 };
enum { DIGCF_PRESENT = 2, DIGCF_ALLCLASSES = 4, DIGCF_DEVICEINTERFACE = 0x10 };
enum { DIF_REMOVE = 5, DIF_PROPERTYCHANGE = 0x12, DICS_ENABLE = 1, DICS_DISABLE, DICS_PROPCHANGE, DICS_START, DICS_STOP, DI_NEEDREBOOT = 0x100, DI_NEEDRESTART = 0x80,
       PARAMETERS = 64, LINK_BYTES = 420 };

struct member {
    struct member *next;
    ULONG number;
    char id[DEVICE_ID_BYTES];
    GUID class;
    ULONG flags; /* of its install parameters */
    ULONG parameter_bytes;
    uint8_t parameters[PARAMETERS]; /* of the class installer: a header, then what its function needs */
};

struct listed { /* an interface */
    struct listed *next;
    char link[LINK_BYTES];
    GUID class;
    ULONG number; /* of its device */
};

struct device_set {
    struct device_set *next;
    uint64_t handle;
    GUID class; /* setup class; zero: none */
    struct member *members;
    struct listed *interfaces;
};

/* SP_DEVICE_INTERFACE_DATA, SP_DEVINFO_DATA */
struct interface_data {
    ULONG size;
    GUID class;
    ULONG flags;
    uint64_t reserved; /* index + 1 */
};
struct devinfo_data {
    ULONG size;
    GUID class;
    ULONG instance;
    uint64_t reserved;
};
_Static_assert(sizeof(struct interface_data) == 32 && sizeof(struct devinfo_data) == 32, "setupapi.h");

/* ---- sets ---- */

static struct device_set *find(uint64_t handle)
{
    for (struct device_set *s = w32_room()->device_sets; s; s = s->next)
        if (s->handle == handle)
            return s;
    return NULL;
}

static struct device_set *set_new(const GUID *class)
{
    struct w32_room *r = w32_room();
    struct device_set *s = sim_alloc(sizeof *s);
    if (class)
        s->class = *class;
    s->handle = 0x5D000000 + ++r->device_set_count * 16;
    s->next = r->device_sets;
    r->device_sets = s;
    return s;
}

static struct member *member_of(const struct device_set *s, ULONG number)
{
    struct member *m = s->members;
    while (m && m->number != number)
        m = m->next;
    return m;
}

static struct member *member_add(struct device_set *s, const struct devnode *n)
{
    struct member *m = member_of(s, n->number), **end = &s->members;
    if (m)
        return m;
    while (*end)
        end = &(*end)->next;
    m = *end = sim_alloc(sizeof *m);
    m->number = n->number;
    device_id(n, m->id);
    device_class(n, &m->class);
    return m;
}

static uint64_t member_index(const struct device_set *s, const struct member *m)
{
    uint64_t i = 0;
    for (const struct member *k = s->members; k != m; k = k->next)
        i++;
    return i;
}

static void member_show(const struct device_set *s, const struct member *m, struct devinfo_data *to)
{
    to->class = m->class;
    to->instance = m->number;
    to->reserved = member_index(s, m) + 1;
}

static struct listed *interface_add(struct device_set *s, const struct pnp_interface *i, const struct devnode *n)
{
    struct listed *l = sim_alloc(sizeof *l), **end = &s->interfaces;
    while (*end)
        end = &(*end)->next;
    *end = l;
    device_link(i->link, l->link, sizeof l->link);
    l->class = i->class;
    l->number = n->number;
    return l;
}

static struct listed *interface_at(const struct device_set *s, uint64_t index)
{
    struct listed *l = s->interfaces;
    while (l && index--)
        l = l->next;
    return l;
}

static bool enumerated_by(const struct devnode *n, const char *enumerator)
{
    char id[DEVICE_ID_BYTES];
    size_t length = strlen(enumerator);
    device_id(n, id);
    return !length || strcasecmp(id, enumerator) == 0 || (strncasecmp(id, enumerator, length) == 0 && id[length] == '\\');
}

static void fill_interfaces(struct device_set *s, const GUID *class, const char *device, ULONG flags)
{
    struct pnp_interface i;
    for (uint32_t k = 0; pnp_interface_at(k, &i); k++) {
        const struct devnode *n = pnp_node_of(i.pdo);
        if (!n || (class && !device_same_guid(&i.class, class)) || (!i.enabled && (flags & DIGCF_PRESENT)) || !enumerated_by(n, device))
            continue;
        interface_add(s, &i, n);
        member_add(s, n);
    }
}

static void fill_devices(struct device_set *s, const GUID *class, const char *enumerator, ULONG flags)
{
    const struct devnode *n;
    for (ULONG i = 0; (n = device_at(i, !(flags & DIGCF_PRESENT))) != NULL; i++) {
        GUID own;
        bool has = device_class(n, &own);
        if ((class && (!has || !device_same_guid(&own, class))) || !enumerated_by(n, enumerator))
            continue;
        member_add(s, n);
    }
}

static uint64_t get_class_devs(const GUID *class, const char *enumerator, ULONG flags)
{
    struct syscall sc;
    GUID c;
    if (!class && !(flags & DIGCF_ALLCLASSES))
        return w32_error(ERROR_INVALID_PARAMETER), (uint64_t)-1;
    if (flags & DIGCF_ALLCLASSES)
        class = NULL;
    if (class)
        memcpy(&c, class, sizeof c);
    struct device_set *s = set_new(class && !(flags & DIGCF_DEVICEINTERFACE) ? &c : NULL);
    devices_enter(&sc);
    if (flags & DIGCF_DEVICEINTERFACE)
        fill_interfaces(s, class ? &c : NULL, enumerator, flags);
    else
        fill_devices(s, class ? &c : NULL, enumerator, flags);
    ps_syscall_leave(&sc);
    return s->handle;
}

uint64_t SetupDiGetClassDevsW(const GUID *class, const WCHAR *enumerator, HANDLE parent, ULONG flags)
{
    char e[DEVICE_ID_BYTES];
    device_narrow(enumerator, e, sizeof e);
    return get_class_devs(class, e, flags);
}

uint64_t SetupDiGetClassDevsA(const GUID *class, const char *enumerator, HANDLE parent, ULONG flags)
{
    return get_class_devs(class, enumerator ? enumerator : "", flags);
}

uint64_t SetupDiGetClassDevsExW(const GUID *class, const WCHAR *enumerator, HANDLE parent, ULONG flags, uint64_t set, const WCHAR *machine, void *reserved)
{
    return SetupDiGetClassDevsW(class, enumerator, parent, flags);
}

uint64_t SetupDiGetClassDevsExA(const GUID *class, const char *enumerator, HANDLE parent, ULONG flags, uint64_t set, const char *machine, void *reserved)
{
    return SetupDiGetClassDevsA(class, enumerator, parent, flags);
}

uint64_t SetupDiCreateDeviceInfoList(const GUID *class, HANDLE parent)
{
    return set_new(class)->handle;
}

uint64_t SetupDiCreateDeviceInfoListExW(const GUID *class, HANDLE parent, const WCHAR *machine, void *reserved)
{
    return set_new(class)->handle;
}

BOOL SetupDiGetDeviceInfoListClass(uint64_t handle, GUID *class)
{
    const struct device_set *s = find(handle);
    static const GUID none;
    if (!s)
        return w32_error(ERROR_INVALID_HANDLE);
    if (device_same_guid(&s->class, &none))
        return w32_error(0xE0000219); /* ERROR_NO_ASSOCIATED_CLASS */
    *class = s->class;
    return TRUE;
}

BOOL SetupDiDestroyDeviceInfoList(uint64_t handle)
{
    for (struct device_set **at = &w32_room()->device_sets; *at; at = &(*at)->next) {
        struct device_set *s = *at;
        if (s->handle != handle)
            continue;
        *at = s->next;
        for (struct member *m; (m = s->members) != NULL; sim_free(m, sizeof *m))
            s->members = m->next;
        for (struct listed *l; (l = s->interfaces) != NULL; sim_free(l, sizeof *l))
            s->interfaces = l->next;
        sim_free(s, sizeof *s);
        return TRUE;
    }
    return w32_error(ERROR_INVALID_HANDLE);
}

/* ---- devices ---- */

BOOL SetupDiEnumDeviceInfo(uint64_t handle, ULONG index, struct devinfo_data *data)
{
    const struct device_set *s = find(handle);
    if (!s)
        return w32_error(ERROR_INVALID_HANDLE);
    if (!data)
        return w32_error(ERROR_INVALID_PARAMETER);
    if (data->size != sizeof *data)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    const struct member *m = s->members;
    while (m && index--)
        m = m->next;
    if (!m)
        return w32_error(ERROR_NO_MORE_ITEMS_);
    member_show(s, m, data);
    return TRUE;
}

/* The member that a SP_DEVINFO_DATA stands for; NULL: the last error says why. */
static struct member *member_named(uint64_t handle, const struct devinfo_data *data)
{
    struct device_set *s = find(handle);
    struct member *m = s && data && data->size == sizeof *data ? member_of(s, data->instance) : NULL;
    if (!m)
        w32_error(!s ? ERROR_INVALID_HANDLE : data && data->size != sizeof *data ? ERROR_INVALID_USER_BUFFER_ : ERROR_INVALID_PARAMETER);
    return m;
}

/* Its node, also when it is gone. */
static struct devnode *node_of(const struct member *m)
{
    return device_named(m->id, true);
}

static BOOL put_text(const char *text, void *to, ULONG chars, ULONG *needed, bool wide)
{
    size_t n = strlen(text) + 1;
    if (needed)
        *needed = (ULONG)n;
    if (!to || chars < n)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    for (size_t i = 0; i < n; i++) {
        if (wide)
            ((WCHAR *)to)[i] = (uint8_t)text[i];
        else
            ((char *)to)[i] = text[i];
    }
    return TRUE;
}

BOOL SetupDiGetDeviceInstanceIdW(uint64_t handle, const struct devinfo_data *data, WCHAR *to, ULONG chars, ULONG *needed)
{
    const struct member *m = member_named(handle, data);
    return m ? put_text(m->id, to, chars, needed, true) : FALSE;
}

BOOL SetupDiGetDeviceInstanceIdA(uint64_t handle, const struct devinfo_data *data, char *to, ULONG chars, ULONG *needed)
{
    const struct member *m = member_named(handle, data);
    return m ? put_text(m->id, to, chars, needed, false) : FALSE;
}

static BOOL open_info(uint64_t handle, const char *id, struct devinfo_data *data)
{
    struct syscall sc;
    struct device_set *s = find(handle);
    if (!s)
        return w32_error(ERROR_INVALID_HANDLE);
    if (data && data->size != sizeof *data)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    devices_enter(&sc);
    const struct devnode *n = device_named(id, true);
    ps_syscall_leave(&sc);
    if (!n || !n->parent)
        return w32_error(E_NO_SUCH_DEVINST);
    const struct member *m = member_add(s, n);
    if (data)
        member_show(s, m, data);
    return TRUE;
}

BOOL SetupDiOpenDeviceInfoW(uint64_t handle, const WCHAR *id, HANDLE parent, ULONG flags, struct devinfo_data *data)
{
    char text[DEVICE_ID_BYTES];
    device_narrow(id, text, sizeof text);
    return open_info(handle, text, data);
}

BOOL SetupDiOpenDeviceInfoA(uint64_t handle, const char *id, HANDLE parent, ULONG flags, struct devinfo_data *data)
{
    return open_info(handle, id, data);
}

BOOL SetupDiDeleteDeviceInfo(uint64_t handle, const struct devinfo_data *data)
{
    struct device_set *s = find(handle);
    struct member *m = member_named(handle, data);
    if (!m)
        return FALSE;
    for (struct member **at = &s->members; *at; at = &(*at)->next)
        if (*at == m) {
            *at = m->next;
            sim_free(m, sizeof *m);
            break;
        }
    return TRUE;
}

/* ---- properties ---- */

static BOOL registry_property(uint64_t handle, const struct devinfo_data *data, ULONG property, ULONG *type, void *to, ULONG size, ULONG *needed, bool wide)
{
    uint8_t value[DEVICE_DATA_BYTES], narrow[DEVICE_DATA_BYTES];
    ULONG bytes = 0, kind = 0;
    struct syscall sc;
    const struct member *m = member_named(handle, data);
    if (!m)
        return FALSE;
    devices_enter(&sc);
    struct devnode *n = node_of(m);
    ULONG r = n ? device_registry_property(n, property + 1, &kind, value, &bytes) : CR_NO_SUCH_DEVNODE;
    ps_syscall_leave(&sc);
    if (r != CR_SUCCESS)
        return w32_error(r == CR_INVALID_PROPERTY ? E_INVALID_REG_PROPERTY : r == CR_NO_SUCH_VALUE ? ERROR_INVALID_DATA_ : E_NO_SUCH_DEVINST);
    const uint8_t *from = value;
    if (!wide) {
        bytes = device_text_narrow(kind, value, bytes, (char *)narrow);
        from = narrow;
    }
    if (type)
        *type = kind;
    if (needed)
        *needed = bytes;
    if (!to || size < bytes)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memcpy(to, from, bytes);
    return TRUE;
}

BOOL SetupDiGetDeviceRegistryPropertyW(uint64_t handle, const struct devinfo_data *data, ULONG property, ULONG *type, void *to, ULONG size, ULONG *needed)
{
    return registry_property(handle, data, property, type, to, size, needed, true);
}

BOOL SetupDiGetDeviceRegistryPropertyA(uint64_t handle, const struct devinfo_data *data, ULONG property, ULONG *type, void *to, ULONG size, ULONG *needed)
{
    return registry_property(handle, data, property, type, to, size, needed, false);
}

static BOOL property_set(const struct member *m, ULONG property, const void *value, ULONG bytes)
{
    struct devnode *n = node_of(m);
    ULONG r = n ? device_registry_property_set(n, property + 1, value, value ? bytes : 0) : CR_NO_SUCH_DEVNODE;
    return r == CR_SUCCESS ? TRUE : w32_error(r == CR_INVALID_PROPERTY ? E_INVALID_REG_PROPERTY : r == CR_NO_SUCH_VALUE ? ERROR_INVALID_DATA_ : E_NO_SUCH_DEVINST);
}

BOOL SetupDiSetDeviceRegistryPropertyW(uint64_t handle, struct devinfo_data *data, ULONG property, const void *value, ULONG bytes)
{
    const struct member *m = member_named(handle, data);
    return m ? property_set(m, property, value, bytes) : FALSE;
}

BOOL SetupDiSetDeviceRegistryPropertyA(uint64_t handle, struct devinfo_data *data, ULONG property, const char *value, ULONG bytes)
{
    WCHAR wide[DEVICE_DATA_BYTES / 2];
    static const uint32_t numbers = 1u << 0xA | 1u << 0xF | 1u << 0x17 | 1u << 0x19 | 1u << 0x1A | 1u << 0x1B;
    const struct member *m = member_named(handle, data);
    if (!m)
        return FALSE;
    if (property >= 32 || numbers >> property & 1)
        return property_set(m, property, value, bytes);
    if (bytes > sizeof wide / 2)
        return w32_error(ERROR_INVALID_PARAMETER);
    for (ULONG i = 0; value && i < bytes; i++)
        wide[i] = w32_ansi_to_wide((uint8_t)value[i]);
    return property_set(m, property, value ? wide : NULL, bytes * 2);
}

static BOOL keyed_result(NTSTATUS s)
{
    return NT_SUCCESS(s) ? TRUE : w32_error(s == STATUS_BUFFER_TOO_SMALL ? ERROR_INSUFFICIENT_BUFFER : s == STATUS_ACCESS_DENIED ? ERROR_ACCESS_DENIED : ERROR_NOT_FOUND_);
}

BOOL SetupDiGetDevicePropertyW(uint64_t handle, const struct devinfo_data *data, const struct property_key *key, ULONG *type, void *to, ULONG size, ULONG *needed, ULONG flags)
{
    struct syscall sc;
    ULONG bytes = 0, kind = 0;
    const struct member *m = member_named(handle, data);
    if (!m)
        return FALSE;
    if (!key || !type || (!to && size))
        return w32_error(key && type ? ERROR_INVALID_USER_BUFFER_ : ERROR_INVALID_PARAMETER);
    devices_enter(&sc);
    struct devnode *n = node_of(m);
    NTSTATUS s = n ? pnp_keyed_get(n, key, 0, size, to, &bytes, &kind) : STATUS_NO_SUCH_DEVICE;
    ps_syscall_leave(&sc);
    *type = kind;
    if (needed)
        *needed = bytes;
    return keyed_result(s);
}

BOOL SetupDiSetDevicePropertyW(uint64_t handle, const struct devinfo_data *data, const struct property_key *key, ULONG type, const void *value, ULONG size, ULONG flags)
{
    const struct member *m = member_named(handle, data);
    struct devnode *n = m ? node_of(m) : NULL;
    if (!m)
        return FALSE;
    return keyed_result(n ? pnp_keyed_set(n, key, 0, type, size, value) : STATUS_NO_SUCH_DEVICE);
}

/* ---- interfaces ---- */

static void interface_show(const struct device_set *s, uint64_t index, const struct listed *l, struct interface_data *to)
{
    struct pnp_interface i;
    to->class = l->class;
    to->flags = device_interface_named(l->link, &i) ? i.enabled ? 1 : 0 : 4; /* SPINT_ACTIVE, SPINT_REMOVED */
    to->reserved = index + 1;
}

BOOL SetupDiEnumDeviceInterfaces(uint64_t handle, const struct devinfo_data *device, const GUID *class, ULONG index, struct interface_data *data)
{
    const struct device_set *s = find(handle);
    uint64_t at = 0;
    if (!s)
        return w32_error(ERROR_INVALID_HANDLE);
    if (!class || !data)
        return w32_error(ERROR_INVALID_PARAMETER);
    if (data->size != sizeof *data)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    for (const struct listed *l = s->interfaces; l; l = l->next, at++) {
        if (!device_same_guid(&l->class, class) || (device && device->instance != l->number) || index--)
            continue;
        interface_show(s, at, l, data);
        return TRUE;
    }
    return w32_error(ERROR_NO_MORE_ITEMS_);
}

static const struct listed *interface_named(uint64_t handle, const struct interface_data *data)
{
    const struct device_set *s = find(handle);
    const struct listed *l = s && data && data->size == sizeof *data && data->reserved ? interface_at(s, data->reserved - 1) : NULL;
    if (!l)
        w32_error(!s ? ERROR_INVALID_HANDLE : data && data->size != sizeof *data ? ERROR_INVALID_USER_BUFFER_ : ERROR_INVALID_PARAMETER);
    return l;
}

/* The detail structure is a size (8 on x64, narrow and wide) and the path behind its first four bytes. */
static BOOL detail(uint64_t handle, const struct interface_data *data, uint8_t *out, ULONG size, ULONG *needed, struct devinfo_data *device, bool wide)
{
    const struct device_set *s = find(handle);
    const struct listed *l = interface_named(handle, data);
    if (!l)
        return FALSE;
    size_t n = strlen(l->link) + 1, bytes = 4 + n * (wide ? 2 : 1);
    const struct member *m = member_of(s, l->number);
    if ((!out) != (!size))
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    if (out && *(const ULONG *)out != 8)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    if (needed)
        *needed = (ULONG)bytes;
    if (device && device->size == sizeof *device && m)
        member_show(s, m, device);
    if (size < bytes)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    for (size_t i = 0; i < n; i++) {
        if (wide)
            memcpy(out + 4 + i * 2, (const WCHAR[]) { (uint8_t)l->link[i] }, 2);
        else
            out[4 + i] = (uint8_t)l->link[i];
    }
    return TRUE;
}

BOOL SetupDiGetDeviceInterfaceDetailW(uint64_t handle, const struct interface_data *data, uint8_t *out, ULONG size, ULONG *needed, struct devinfo_data *device)
{
    return detail(handle, data, out, size, needed, device, true);
}

BOOL SetupDiGetDeviceInterfaceDetailA(uint64_t handle, const struct interface_data *data, uint8_t *out, ULONG size, ULONG *needed, struct devinfo_data *device)
{
    return detail(handle, data, out, size, needed, device, false);
}

static BOOL open_interface(uint64_t handle, const char *path, struct interface_data *data)
{
    struct pnp_interface i;
    struct device_set *s = find(handle);
    if (!s)
        return w32_error(ERROR_INVALID_HANDLE);
    if (data && data->size != sizeof *data)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    const struct devnode *n = device_interface_named(path, &i) ? pnp_node_of(i.pdo) : NULL;
    if (!n)
        return w32_error(E_NO_SUCH_INTERFACE_DEVICE);
    uint64_t at = 0;
    const struct listed *l = s->interfaces;
    for (; l && strcasecmp(l->link + 4, path + 4) != 0; l = l->next)
        at++;
    if (!l)
        l = interface_add(s, &i, n);
    member_add(s, n);
    if (data)
        interface_show(s, at, l, data);
    return TRUE;
}

BOOL SetupDiOpenDeviceInterfaceW(uint64_t handle, const WCHAR *path, ULONG flags, struct interface_data *data)
{
    char text[LINK_BYTES];
    device_narrow(path, text, sizeof text);
    return open_interface(handle, text, data);
}

BOOL SetupDiOpenDeviceInterfaceA(uint64_t handle, const char *path, ULONG flags, struct interface_data *data)
{
    return open_interface(handle, path, data);
}


BOOL SetupDiGetDeviceInterfacePropertyW(uint64_t handle, const struct interface_data *data, const struct property_key *key, ULONG *type, void *to, ULONG size, ULONG *needed,
                                        ULONG flags)
{
    struct syscall sc;
    WCHAR text[LINK_BYTES];
    ULONG bytes = 0, kind = 0;
    const struct listed *l = interface_named(handle, data);
    if (!l)
        return FALSE;
    if (!key || !type || (!to && size))
        return w32_error(ERROR_INVALID_PARAMETER);
    UNICODE_STRING link = ob_text(l->link, text, LINK_BYTES);
    devices_enter(&sc);
    NTSTATUS s = IoGetDeviceInterfacePropertyData(&link, key, 0, 0, size, to, &bytes, &kind);
    ps_syscall_leave(&sc);
    *type = kind;
    if (needed)
        *needed = bytes;
    return keyed_result(s);
}

/* ---- keys ---- */

static const HANDLE no_key = (HANDLE)-1;

static HANDLE key_result(LONG error, HANDLE key)
{
    if (error)
        w32_error((ULONG)error);
    return error ? no_key : key;
}

enum { DIREG_DEV = 1, DIREG_DRV = 2 };

static HANDLE device_key(uint64_t handle, const struct devinfo_data *data, ULONG kind, bool create, ULONG access)
{
    char path[600];
    HANDLE key = NULL;
    const struct member *m = member_named(handle, data);
    const struct devnode *n = m ? node_of(m) : NULL;
    if (!m)
        return no_key;
    if (kind != DIREG_DEV && kind != DIREG_DRV)
        return w32_error(ERROR_INVALID_FLAGS), no_key;
    if (!n || !device_key_path(n, kind == DIREG_DRV, path, sizeof path))
        return w32_error(E_KEY_DOES_NOT_EXIST), no_key;
    LONG e = device_key_open(path, create, access, &key);
    return key_result(e == ERROR_FILE_NOT_FOUND ? (LONG)E_KEY_DOES_NOT_EXIST : e, key);
}

HANDLE SetupDiOpenDevRegKey(uint64_t handle, const struct devinfo_data *data, ULONG scope, ULONG profile, ULONG kind, ULONG access)
{
    return device_key(handle, data, kind, false, access);
}

HANDLE SetupDiCreateDevRegKeyW(uint64_t handle, const struct devinfo_data *data, ULONG scope, ULONG profile, ULONG kind, void *inf, const WCHAR *section)
{
    return device_key(handle, data, kind, true, 0xF003F);
}

HANDLE SetupDiCreateDevRegKeyA(uint64_t handle, const struct devinfo_data *data, ULONG scope, ULONG profile, ULONG kind, void *inf, const char *section)
{
    return device_key(handle, data, kind, true, 0xF003F);
}

HANDLE SetupDiOpenClassRegKey(const GUID *class, ULONG access)
{
    char path[200] = "System\\CurrentControlSet\\Control\\Class";
    HANDLE key = NULL;
    if (class)
        device_class_path(class, path, sizeof path);
    LONG e = device_key_open(path, false, access, &key);
    return key_result(e ? (LONG)E_INVALID_CLASS : 0, key);
}

static HANDLE class_key(const GUID *class, ULONG access, ULONG flags)
{
    char path[200] = "System\\CurrentControlSet\\Control\\DeviceClasses", text[40];
    HANDLE key = NULL;
    if (!(flags & 2)) /* DIOCR_INTERFACE */
        return SetupDiOpenClassRegKey(class, access);
    if (class) {
        size_t at = strlen(path);
        device_guid_text(class, text);
        snprintf(path + at, sizeof path - at, "\\%s", text);
    }
    return key_result(device_key_open(path, false, access, &key), key);
}

HANDLE SetupDiOpenClassRegKeyExW(const GUID *class, ULONG access, ULONG flags, const WCHAR *machine, void *reserved)
{
    return class_key(class, access, flags);
}

HANDLE SetupDiOpenClassRegKeyExA(const GUID *class, ULONG access, ULONG flags, const char *machine, void *reserved)
{
    return class_key(class, access, flags);
}

/* Where IoOpenDeviceInterfaceRegistryKey keeps it. */
HANDLE SetupDiOpenDeviceInterfaceRegKey(uint64_t handle, const struct interface_data *data, ULONG reserved, ULONG access)
{
    char path[900];
    HANDLE key = NULL;
    struct pnp_interface i;
    const struct listed *l = interface_named(handle, data);
    if (!l)
        return no_key;
    if (!device_interface_named(l->link, &i))
        return w32_error(E_NO_SUCH_INTERFACE_DEVICE), no_key;
    const char *end = pnp_interface_reference(i.link);
    snprintf(path, sizeof path, "System\\CurrentControlSet\\Control\\DeviceClasses\\%s\\##?#%.*s\\#%s\\Device Parameters", i.guid, (int)(end - i.link - 4), i.link + 4,
             *end ? end + 1 : "");
    return key_result(device_key_open(path, true, access, &key), key);
}

/* ---- classes ---- */

static bool class_name_of(const GUID *class, char *name, size_t size)
{
    char path[250], full[300];
    WCHAR text[64] = { 0 };
    device_class_path(class, path, sizeof path);
    snprintf(full, sizeof full, "HKLM\\%s", path);
    if (cm_get_value(full, "Class", NULL, text, sizeof text - 2) <= 0)
        return false;
    device_narrow(text, name, size);
    return true;
}

static BOOL class_name(const GUID *class, void *to, ULONG chars, ULONG *needed, bool wide)
{
    char name[64];
    if (!class_name_of(class, name, sizeof name))
        return w32_error(E_INVALID_CLASS);
    return put_text(name, to, chars, needed, wide);
}

BOOL SetupDiClassNameFromGuidW(const GUID *class, WCHAR *to, ULONG chars, ULONG *needed)
{
    return class_name(class, to, chars, needed, true);
}

BOOL SetupDiClassNameFromGuidA(const GUID *class, char *to, ULONG chars, ULONG *needed)
{
    return class_name(class, to, chars, needed, false);
}

/* GUESS: a class without a description of its own has its name. */
BOOL SetupDiGetClassDescriptionW(const GUID *class, WCHAR *to, ULONG chars, ULONG *needed)
{
    return class_name(class, to, chars, needed, true);
}

BOOL SetupDiGetClassDescriptionA(const GUID *class, char *to, ULONG chars, ULONG *needed)
{
    return class_name(class, to, chars, needed, false);
}

static BOOL class_guids(const char *name, GUID *to, ULONG room, ULONG *needed)
{
    const struct devnode *n;
    ULONG count = 0;
    for (ULONG i = 0; (n = device_at(i, true)) != NULL; i++) {
        GUID class;
        char own[64];
        bool before = false;
        if (!device_class(n, &class) || !class_name_of(&class, own, sizeof own) || strcasecmp(own, name) != 0)
            continue;
        for (ULONG k = 0; k < count && k < room; k++)
            before |= device_same_guid(&to[k], &class);
        if (!before && count++ < room)
            to[count - 1] = class;
    }
    *needed = count;
    return count <= room ? TRUE : w32_error(ERROR_INSUFFICIENT_BUFFER);
}

BOOL SetupDiClassGuidsFromNameW(const WCHAR *name, GUID *to, ULONG room, ULONG *needed)
{
    char text[64];
    device_narrow(name, text, sizeof text);
    return class_guids(text, to, room, needed);
}

BOOL SetupDiClassGuidsFromNameA(const char *name, GUID *to, ULONG room, ULONG *needed)
{
    return class_guids(name, to, room, needed);
}

/* ---- changes ---- */

BOOL SetupDiSetClassInstallParamsW(uint64_t handle, const struct devinfo_data *data, const void *parameters, ULONG bytes)
{
    struct member *m = member_named(handle, data);
    if (!m)
        return FALSE;
    m->parameter_bytes = 0;
    if (!parameters)
        return TRUE;
    if (bytes < 8 || *(const ULONG *)parameters != 8)
        return w32_error(ERROR_INVALID_PARAMETER);
    m->parameter_bytes = bytes < PARAMETERS ? bytes : PARAMETERS;
    memcpy(m->parameters, parameters, m->parameter_bytes);
    return TRUE;
}

BOOL SetupDiSetClassInstallParamsA(uint64_t handle, const struct devinfo_data *data, const void *parameters, ULONG bytes)
{
    return SetupDiSetClassInstallParamsW(handle, data, parameters, bytes);
}

BOOL SetupDiGetClassInstallParamsW(uint64_t handle, const struct devinfo_data *data, void *to, ULONG bytes, ULONG *needed)
{
    const struct member *m = member_named(handle, data);
    if (!m)
        return FALSE;
    if (!m->parameter_bytes)
        return w32_error(E_NO_CLASSINSTALL_PARAMS);
    if (needed)
        *needed = m->parameter_bytes;
    if (bytes < m->parameter_bytes)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memcpy(to, m->parameters, m->parameter_bytes);
    return TRUE;
}

BOOL SetupDiGetClassInstallParamsA(uint64_t handle, const struct devinfo_data *data, void *to, ULONG bytes, ULONG *needed)
{
    return SetupDiGetClassInstallParamsW(handle, data, to, bytes, needed);
}

static BOOL request(struct member *m, enum pnp_request what)
{
    struct pnp_answer a = { 0 };
    struct devnode *n = device_named(m->id, false);
    if (!n)
        return w32_error(E_NO_SUCH_DEVINST);
    ULONG r = device_request(n, what, &a);
    if (r == CR_REMOVE_VETOED && a.veto == PNP_VETO_NON_DISABLEABLE)
        return w32_error(E_NOT_DISABLEABLE);
    if (r == CR_REMOVE_VETOED) /* DOC: what cannot be done now is done when the system starts again */
        m->flags |= DI_NEEDREBOOT;
    return TRUE;
}

/* SP_PROPCHANGE_PARAMS: header, state, scope, hardware profile. */
static BOOL change_state(struct member *m)
{
    const ULONG *p = (const ULONG *)m->parameters;
    if (m->parameter_bytes < 20 || p[1] != DIF_PROPERTYCHANGE)
        return w32_error(E_NO_CLASSINSTALL_PARAMS);
    switch (p[2]) {
    case DICS_ENABLE:
    case DICS_START:
        return request(m, PNP_ENABLE);
    case DICS_DISABLE:
    case DICS_STOP:
        return request(m, PNP_DISABLE);
    case DICS_PROPCHANGE:
        return request(m, PNP_RESTART);
    default:
        return w32_error(ERROR_INVALID_PARAMETER);
    }
}

BOOL SetupDiChangeState(uint64_t handle, struct devinfo_data *data)
{
    struct member *m = member_named(handle, data);
    return m ? change_state(m) : FALSE;
}

BOOL SetupDiRemoveDevice(uint64_t handle, struct devinfo_data *data)
{
    struct member *m = member_named(handle, data);
    return m ? request(m, PNP_UNINSTALL) : FALSE;
}

BOOL SetupDiRestartDevices(uint64_t handle, struct devinfo_data *data)
{
    struct member *m = member_named(handle, data);
    return m ? request(m, PNP_RESTART) : FALSE;
}

/* There are no co-installers: the default of each function is all that happens. */
BOOL SetupDiCallClassInstaller(ULONG function, uint64_t handle, struct devinfo_data *data)
{
    if (!find(handle))
        return w32_error(ERROR_INVALID_HANDLE);
    switch (function) {
    case DIF_PROPERTYCHANGE:
        return SetupDiChangeState(handle, data);
    case DIF_REMOVE:
        return SetupDiRemoveDevice(handle, data);
    default:
        return w32_error(E_DI_DO_DEFAULT);
    }
}

/* SP_DEVINSTALL_PARAMS: size, flags, more flags; the rest is of no use here. */
static BOOL get_install_params(uint64_t handle, const struct devinfo_data *data, ULONG *to)
{
    const struct member *m = data ? member_named(handle, data) : NULL;
    if (!find(handle) || (data && !m))
        return w32_error(!find(handle) ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER);
    ULONG size = to[0];
    if (size < 12 || size > 1024)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    memset(to + 1, 0, size - 4);
    to[1] = m ? m->flags : 0;
    return TRUE;
}

BOOL SetupDiGetDeviceInstallParamsW(uint64_t handle, const struct devinfo_data *data, ULONG *to)
{
    return get_install_params(handle, data, to);
}

BOOL SetupDiGetDeviceInstallParamsA(uint64_t handle, const struct devinfo_data *data, ULONG *to)
{
    return get_install_params(handle, data, to);
}

static BOOL set_install_params(uint64_t handle, const struct devinfo_data *data, const ULONG *from)
{
    struct member *m = data ? member_named(handle, data) : NULL;
    if (data && !m)
        return FALSE;
    if (m)
        m->flags = from[1];
    return TRUE;
}

BOOL SetupDiSetDeviceInstallParamsW(uint64_t handle, const struct devinfo_data *data, const ULONG *from)
{
    return set_install_params(handle, data, from);
}

BOOL SetupDiSetDeviceInstallParamsA(uint64_t handle, const struct devinfo_data *data, const ULONG *from)
{
    return set_install_params(handle, data, from);
}
