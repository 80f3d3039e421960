/* cfgmgr32: the device tree for programs. */
#include "win32/devices.h"

#include <stdio.h>
#include <strings.h>

#include "cm/cm.h"

enum { ID_LIST_ENUMERATOR = 1, ID_LIST_SERVICE = 2, ID_LIST_BUS_RELATIONS = 0x20, ID_LIST_PRESENT = 0x100, ID_LIST_CLASS = 0x200, ALL_INTERFACES = 1, MOST_TEXT = 16384 };

/* ---- the tree ---- */

ULONG CM_Locate_DevNodeW(ULONG *out, const WCHAR *id, ULONG flags)
{
    char text[DEVICE_ID_BYTES];
    struct syscall sc;
    if (!out)
        return CR_INVALID_POINTER;
    *out = 0;
    device_narrow(id, text, sizeof text);
    const char *first = strchr(text, '\\');
    if (id && text[0] && (!first || !strchr(first + 1, '\\')))
        return CR_INVALID_DEVICE_ID;
    devices_enter(&sc);
    /* GUESS: also with CM_LOCATE_DEVNODE_PHANTOM a device that is not there has no node here. */
    struct devnode *n = !id || !text[0] ? pnp_root() : device_named(text, false);
    ps_syscall_leave(&sc);
    if (!n)
        return CR_NO_SUCH_DEVNODE;
    *out = n->number;
    return CR_SUCCESS;
}

ULONG CM_Locate_DevNodeA(ULONG *out, const char *id, ULONG flags)
{
    uint64_t w = id ? w32_widen(id) : 0;
    ULONG r = CM_Locate_DevNodeW(out, (const WCHAR *)w, flags);
    w32_free(w);
    return r;
}

static struct devnode *present(struct devnode *n)
{
    while (n && n->state == NODE_REMOVED)
        n = n->sibling;
    return n;
}

static ULONG relative(ULONG *out, ULONG from, int which)
{
    struct syscall sc;
    if (!out)
        return CR_INVALID_POINTER;
    devices_enter(&sc);
    struct devnode *n = device_of(from);
    struct devnode *r = !n ? NULL : which == 0 ? n->parent : present(which == 1 ? n->child : n->sibling);
    ps_syscall_leave(&sc);
    *out = r ? r->number : 0;
    return !n ? device_missing(from) : r ? CR_SUCCESS : CR_NO_SUCH_DEVNODE;
}

ULONG CM_Get_Parent(ULONG *out, ULONG node, ULONG flags)
{
    return relative(out, node, 0);
}

ULONG CM_Get_Child(ULONG *out, ULONG node, ULONG flags)
{
    return relative(out, node, 1);
}

ULONG CM_Get_Sibling(ULONG *out, ULONG node, ULONG flags)
{
    return relative(out, node, 2);
}

ULONG CM_Get_Depth(ULONG *depth, ULONG node, ULONG flags)
{
    const struct devnode *n = device_of(node);
    if (!depth)
        return CR_INVALID_POINTER;
    if (!n)
        return device_missing(node);
    for (*depth = 0; n->parent; n = n->parent)
        ++*depth;
    return CR_SUCCESS;
}

ULONG CM_Get_DevNode_Status(ULONG *status, ULONG *problem, ULONG node, ULONG flags)
{
    struct syscall sc;
    if (!status || !problem)
        return CR_INVALID_POINTER;
    devices_enter(&sc);
    const struct devnode *n = device_of(node);
    ULONG s = n ? pnp_status(n) : 0, p = n ? n->problem : 0;
    ps_syscall_leave(&sc);
    if (!n)
        return device_missing(node);
    *status = s;
    *problem = p;
    return CR_SUCCESS;
}

/* ---- names ---- */

ULONG CM_Get_Device_ID_Size(ULONG *chars, ULONG node, ULONG flags)
{
    char id[DEVICE_ID_BYTES];
    const struct devnode *n = device_of(node);
    if (!chars)
        return CR_INVALID_POINTER;
    if (!n)
        return device_missing(node);
    device_id(n, id);
    *chars = (ULONG)strlen(id); /* DOC: without the zero */
    return CR_SUCCESS;
}

static ULONG put_id(ULONG node, void *to, ULONG chars, bool wide)
{
    char id[DEVICE_ID_BYTES];
    const struct devnode *n = device_of(node);
    if (!to)
        return CR_INVALID_POINTER;
    if (!n)
        return device_missing(node);
    device_id(n, id);
    size_t length = strlen(id);
    if (length > chars)
        return CR_BUFFER_SMALL;
    for (size_t i = 0; i <= length && i < chars; i++) {
        if (wide)
            ((WCHAR *)to)[i] = (uint8_t)id[i];
        else
            ((char *)to)[i] = id[i];
    }
    return CR_SUCCESS;
}

ULONG CM_Get_Device_IDW(ULONG node, WCHAR *to, ULONG chars, ULONG flags)
{
    return put_id(node, to, chars, true);
}

ULONG CM_Get_Device_IDA(ULONG node, char *to, ULONG chars, ULONG flags)
{
    return put_id(node, to, chars, false);
}

static bool wanted(const struct devnode *n, const char *filter, ULONG flags)
{
    if (flags & ID_LIST_SERVICE)
        return strcasecmp(n->service, filter) == 0;
    if (flags & ID_LIST_ENUMERATOR) {
        size_t length = strlen(filter);
        return strncasecmp(n->device_id, filter, length) == 0 && (n->device_id[length] == '\\' || !n->device_id[length]);
    }
    if (flags & ID_LIST_CLASS)
        return n->driver_key[0] && strncasecmp(n->driver_key, filter, strlen(filter)) == 0;
    if (flags & ID_LIST_BUS_RELATIONS) {
        char id[DEVICE_ID_BYTES];
        device_id(n->parent, id);
        return strcasecmp(id, filter) == 0;
    }
    return true;
}

/* Strings, each with its zero, and one more; in host memory. */
static char *id_list(const char *filter, ULONG flags, ULONG *chars)
{
    struct syscall sc;
    char *text = sim_alloc(MOST_TEXT);
    size_t at = 0;
    devices_enter(&sc);
    struct devnode *n;
    for (ULONG i = 0; (n = device_at(i, !(flags & ID_LIST_PRESENT))) != NULL; i++) {
        char id[DEVICE_ID_BYTES];
        device_id(n, id);
        if (!wanted(n, filter, flags) || at + strlen(id) + 2 > MOST_TEXT)
            continue;
        at += (size_t)sprintf(text + at, "%s", id) + 1;
    }
    ps_syscall_leave(&sc);
    text[at++] = 0;
    *chars = (ULONG)at;
    return text;
}

static ULONG put_list(char *text, ULONG needed, void *to, ULONG chars, bool wide)
{
    bool fits = needed <= chars;
    for (ULONG i = 0; fits && i < needed; i++) {
        if (wide)
            ((WCHAR *)to)[i] = (uint8_t)text[i];
        else
            ((char *)to)[i] = text[i];
    }
    sim_free(text, MOST_TEXT);
    return fits ? CR_SUCCESS : CR_BUFFER_SMALL;
}

static ULONG list_ids(const char *filter, void *to, ULONG chars, ULONG *size, ULONG flags, bool wide)
{
    ULONG needed;
    if (!(size ? (void *)size : to))
        return CR_INVALID_POINTER;
    if (!filter[0] && (flags & (ID_LIST_SERVICE | ID_LIST_ENUMERATOR | ID_LIST_CLASS | ID_LIST_BUS_RELATIONS)))
        return CR_INVALID_POINTER;
    char *text = id_list(filter, flags, &needed);
    if (size) {
        *size = needed;
        sim_free(text, MOST_TEXT);
        return CR_SUCCESS;
    }
    return put_list(text, needed, to, chars, wide);
}

ULONG CM_Get_Device_ID_ListW(const WCHAR *filter, WCHAR *to, ULONG chars, ULONG flags)
{
    char f[DEVICE_ID_BYTES];
    device_narrow(filter, f, sizeof f);
    return list_ids(f, to, chars, NULL, flags, true);
}

ULONG CM_Get_Device_ID_ListA(const char *filter, char *to, ULONG chars, ULONG flags)
{
    return list_ids(filter ? filter : "", to, chars, NULL, flags, false);
}

ULONG CM_Get_Device_ID_List_SizeW(ULONG *size, const WCHAR *filter, ULONG flags)
{
    char f[DEVICE_ID_BYTES];
    device_narrow(filter, f, sizeof f);
    return list_ids(f, NULL, 0, size, flags, true);
}

ULONG CM_Get_Device_ID_List_SizeA(ULONG *size, const char *filter, ULONG flags)
{
    return list_ids(filter ? filter : "", NULL, 0, size, flags, false);
}

/* ---- properties ---- */

static ULONG registry_property(ULONG node, ULONG property, ULONG *type, void *to, ULONG *length, bool wide)
{
    uint8_t data[DEVICE_DATA_BYTES], narrow[DEVICE_DATA_BYTES];
    ULONG bytes, kind;
    struct syscall sc;
    if (!length)
        return CR_INVALID_POINTER;
    devices_enter(&sc);
    struct devnode *n = device_of(node);
    ULONG r = n ? device_registry_property(n, property, &kind, data, &bytes) : device_missing(node);
    ps_syscall_leave(&sc);
    if (r != CR_SUCCESS)
        return r;
    const uint8_t *from = data;
    if (!wide) {
        bytes = device_text_narrow(kind, data, bytes, (char *)narrow);
        from = narrow;
    }
    ULONG room = *length;
    *length = bytes;
    if (type)
        *type = kind;
    if (room < bytes || !to)
        return CR_BUFFER_SMALL;
    memcpy(to, from, bytes);
    return CR_SUCCESS;
}

ULONG CM_Get_DevNode_Registry_PropertyW(ULONG node, ULONG property, ULONG *type, void *to, ULONG *length, ULONG flags)
{
    return registry_property(node, property, type, to, length, true);
}

ULONG CM_Get_DevNode_Registry_PropertyA(ULONG node, ULONG property, ULONG *type, void *to, ULONG *length, ULONG flags)
{
    return registry_property(node, property, type, to, length, false);
}

ULONG CM_Set_DevNode_Registry_PropertyW(ULONG node, ULONG property, const void *data, ULONG length, ULONG flags)
{
    struct devnode *n = device_of(node);
    return n ? device_registry_property_set(n, property, data, data ? length : 0) : device_missing(node);
}

static ULONG property_result(NTSTATUS s)
{
    return NT_SUCCESS(s) ? CR_SUCCESS : s == STATUS_BUFFER_TOO_SMALL ? CR_BUFFER_SMALL : s == STATUS_ACCESS_DENIED ? CR_ACCESS_DENIED : CR_NO_SUCH_VALUE;
}

ULONG CM_Get_DevNode_PropertyW(ULONG node, const struct property_key *key, ULONG *type, void *to, ULONG *size, ULONG flags)
{
    struct syscall sc;
    ULONG needed = 0, kind = 0, room;
    if (!key || !type || !size || (*size && !to))
        return CR_INVALID_POINTER;
    room = *size;
    devices_enter(&sc);
    struct devnode *n = device_of(node);
    NTSTATUS s = n ? pnp_keyed_get(n, key, 0, room, to, &needed, &kind) : STATUS_NO_SUCH_DEVICE;
    ps_syscall_leave(&sc);
    if (!n)
        return CR_NO_SUCH_DEVNODE;
    *size = needed;
    *type = kind;
    return property_result(s);
}

ULONG CM_Set_DevNode_PropertyW(ULONG node, const struct property_key *key, ULONG type, const void *data, ULONG size, ULONG flags)
{
    struct devnode *n = device_of(node);
    if (!key)
        return CR_INVALID_POINTER;
    return n ? property_result(pnp_keyed_set(n, key, 0, type, size, data)) : CR_NO_SUCH_DEVNODE;
}


ULONG CM_Get_Device_Interface_PropertyW(const WCHAR *link, const struct property_key *key, ULONG *type, void *to, ULONG *size, ULONG flags)
{
    struct syscall sc;
    ULONG needed = 0, kind = 0, room;
    if (!link || !key || !type || !size || (*size && !to))
        return CR_INVALID_POINTER;
    UNICODE_STRING name = { (USHORT)(w32_wcslen(link) * 2), (USHORT)(w32_wcslen(link) * 2), (WCHAR *)link };
    char path[400];
    struct pnp_interface i;
    device_narrow(link, path, sizeof path);
    if (!device_interface_named(path, &i))
        return CR_NO_SUCH_DEVICE_INTERFACE;
    room = *size;
    devices_enter(&sc);
    NTSTATUS s = IoGetDeviceInterfacePropertyData(&name, key, 0, 0, room, to, &needed, &kind);
    ps_syscall_leave(&sc);
    *size = needed;
    *type = kind;
    return property_result(s);
}

/* ---- keys ---- */

ULONG CM_Open_DevNode_Key(ULONG node, ULONG access, ULONG profile, ULONG disposition, HANDLE *key, ULONG flags)
{
    char path[600];
    const struct devnode *n = device_of(node);
    if (!key)
        return CR_INVALID_POINTER;
    if (!n)
        return device_missing(node);
    if (!device_key_path(n, flags & 1, path, sizeof path))
        return CR_NO_SUCH_REGISTRY_KEY;
    return device_key_open(path, disposition == 0, access, key) == 0 ? CR_SUCCESS : CR_NO_SUCH_REGISTRY_KEY;
}

/* ---- changes ---- */

static ULONG change(ULONG node, enum pnp_request what, struct pnp_answer *a)
{
    struct devnode *n = device_of(node);
    memset(a, 0, sizeof *a);
    return n ? device_request(n, what, a) : device_missing(node);
}

ULONG CM_Disable_DevNode(ULONG node, ULONG flags)
{
    struct pnp_answer a;
    ULONG r = change(node, PNP_DISABLE, &a);
    return r == CR_REMOVE_VETOED && a.veto == PNP_VETO_NON_DISABLEABLE ? CR_NOT_DISABLEABLE : r;
}

/* DOC: success says that the device may start, not that it did. */
ULONG CM_Enable_DevNode(ULONG node, ULONG flags)
{
    struct pnp_answer a;
    ULONG r = change(node, PNP_ENABLE, &a);
    return r == CR_FAILURE ? CR_SUCCESS : r;
}

/* CM_SETUP_DEVNODE_READY, _RESET, …: a device that does not run is started. */
ULONG CM_Setup_DevNode(ULONG node, ULONG flags)
{
    struct pnp_answer a;
    struct devnode *n = device_of(node);
    if (n && n->problem == PROBLEM_DISABLED)
        return CR_SUCCESS;
    ULONG r = change(node, PNP_ENABLE, &a);
    return r == CR_FAILURE ? CR_SUCCESS : r;
}

ULONG CM_Reenumerate_DevNode(ULONG node, ULONG flags)
{
    struct pnp_answer a;
    struct devnode *n = device_of(node);
    if (n && n == pnp_root())
        return CR_SUCCESS;
    return change(node, PNP_ENUMERATE, &a);
}

/* Removing is what undoes the installation; a device that its bus reports is found again. */
ULONG CM_Uninstall_DevNode(ULONG node, ULONG flags)
{
    struct pnp_answer a;
    return change(node, PNP_UNINSTALL, &a);
}

static ULONG take_away(ULONG node, enum pnp_request what, ULONG *type, void *name, ULONG chars, bool wide)
{
    struct pnp_answer a;
    ULONG r = change(node, what, &a);
    if (r != CR_REMOVE_VETOED)
        return r;
    if (type)
        *type = (ULONG)a.veto;
    for (ULONG i = 0; name && i < chars; i++) {
        char c = i + 1 < chars ? a.name[i] : 0;
        if (wide)
            ((WCHAR *)name)[i] = (uint8_t)c;
        else
            ((char *)name)[i] = c;
        if (!c)
            break;
    }
    return r;
}

ULONG CM_Query_And_Remove_SubTreeW(ULONG node, ULONG *type, WCHAR *name, ULONG chars, ULONG flags)
{
    return take_away(node, flags & 4 ? PNP_DISABLE : PNP_QUERY_AND_REMOVE, type, name, chars, true);
}

ULONG CM_Query_And_Remove_SubTreeA(ULONG node, ULONG *type, char *name, ULONG chars, ULONG flags)
{
    return take_away(node, flags & 4 ? PNP_DISABLE : PNP_QUERY_AND_REMOVE, type, name, chars, false);
}

ULONG CM_Request_Device_EjectW(ULONG node, ULONG *type, WCHAR *name, ULONG chars, ULONG flags)
{
    return take_away(node, PNP_EJECT, type, name, chars, true);
}

ULONG CM_Request_Device_EjectA(ULONG node, ULONG *type, char *name, ULONG chars, ULONG flags)
{
    return take_away(node, PNP_EJECT, type, name, chars, false);
}

/* ---- interfaces ---- */

static char *interface_list(const GUID *class, const char *device, ULONG flags, ULONG *chars)
{
    struct syscall sc;
    struct pnp_interface i;
    char *text = sim_alloc(MOST_TEXT);
    size_t at = 0;
    devices_enter(&sc);
    for (uint32_t k = 0; pnp_interface_at(k, &i); k++) {
        char link[420], id[DEVICE_ID_BYTES];
        const struct devnode *n = pnp_node_of(i.pdo);
        if (!device_same_guid(&i.class, class) || (!i.enabled && !(flags & ALL_INTERFACES)) || !n)
            continue;
        device_id(n, id);
        device_link(i.link, link, sizeof link);
        if ((device[0] && strcasecmp(id, device) != 0) || at + strlen(link) + 2 > MOST_TEXT)
            continue;
        at += (size_t)sprintf(text + at, "%s", link) + 1;
    }
    ps_syscall_leave(&sc);
    text[at++] = 0;
    *chars = (ULONG)at;
    return text;
}

static ULONG list_interfaces(const GUID *class, const char *device, void *to, ULONG chars, ULONG *size, ULONG flags, bool wide)
{
    ULONG needed;
    if (!class || !(size ? (void *)size : to))
        return CR_INVALID_POINTER;
    if (flags & ~(ULONG)ALL_INTERFACES)
        return CR_INVALID_FLAG;
    const GUID copy = *class;
    char *text = interface_list(&copy, device, flags, &needed);
    if (size) {
        *size = needed;
        sim_free(text, MOST_TEXT);
        return CR_SUCCESS;
    }
    return put_list(text, needed, to, chars, wide);
}

ULONG CM_Get_Device_Interface_List_SizeW(ULONG *chars, const GUID *class, const WCHAR *device, ULONG flags)
{
    char d[DEVICE_ID_BYTES];
    device_narrow(device, d, sizeof d);
    return chars ? list_interfaces(class, d, NULL, 0, chars, flags, true) : CR_INVALID_POINTER;
}

ULONG CM_Get_Device_Interface_ListW(const GUID *class, const WCHAR *device, WCHAR *to, ULONG chars, ULONG flags)
{
    char d[DEVICE_ID_BYTES];
    device_narrow(device, d, sizeof d);
    return list_interfaces(class, d, to, chars, NULL, flags, true);
}

ULONG CM_Get_Device_Interface_List_SizeA(ULONG *chars, const GUID *class, const char *device, ULONG flags)
{
    return chars ? list_interfaces(class, device ? device : "", NULL, 0, chars, flags, false) : CR_INVALID_POINTER;
}

ULONG CM_Get_Device_Interface_ListA(const GUID *class, const char *device, char *to, ULONG chars, ULONG flags)
{
    return list_interfaces(class, device ? device : "", to, chars, NULL, flags, false);
}

ULONG CM_Get_Device_Interface_AliasW(const WCHAR *link, const GUID *class, WCHAR *to, ULONG *chars, ULONG flags)
{
    char path[420], id[DEVICE_ID_BYTES] = "";
    struct pnp_interface i;
    ULONG needed;
    if (!link || !class || !to || !chars)
        return CR_INVALID_POINTER;
    device_narrow(link, path, sizeof path);
    if (!device_interface_named(path, &i))
        return CR_NO_SUCH_DEVICE_INTERFACE;
    device_id(pnp_node_of(i.pdo), id);
    char *list = interface_list(class, id, ALL_INTERFACES, &needed);
    size_t length = strlen(list);
    bool fits = length + 1 <= *chars;
    for (size_t k = 0; fits && length && k <= length; k++)
        to[k] = (uint8_t)list[k];
    sim_free(list, MOST_TEXT);
    if (!length)
        return CR_NO_SUCH_DEVICE_INTERFACE;
    *chars = (ULONG)length + 1;
    return fits ? CR_SUCCESS : CR_BUFFER_SMALL;
}

/* GUESS: which error most of them are. */
ULONG CM_MapCrToWin32Err(ULONG cr, ULONG otherwise)
{
    static const struct {
        ULONG cr, error;
    } known[] = {
        { CR_SUCCESS, 0 }, { 2, 8 }, { CR_INVALID_POINTER, ERROR_INVALID_PARAMETER }, { CR_INVALID_FLAG, 1004 }, { CR_INVALID_DEVNODE, 1168 },
        { CR_NO_SUCH_DEVNODE, 1168 }, { CR_BUFFER_SMALL, ERROR_INSUFFICIENT_BUFFER }, { CR_INVALID_DEVICE_ID, ERROR_INVALID_PARAMETER },
        { CR_NO_SUCH_REGISTRY_KEY, ERROR_FILE_NOT_FOUND }, { CR_NO_SUCH_VALUE, 1168 }, { CR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { CR_NO_SUCH_DEVICE_INTERFACE, 1168 }, { CR_INVALID_DATA, 13 }, { CR_INVALID_PROPERTY, 1168 },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].cr == cr)
            return known[i].error;
    return otherwise;
}
