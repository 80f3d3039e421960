/* Device interfaces and device properties. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "session/config.h"

enum { INTERFACE_TAG = 0x70506E50 };

static void guid_text(const GUID *g, char out[40])
{
    snprintf(out, 40, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}", g->Data1, g->Data2, g->Data3, g->Data4[0], g->Data4[1], g->Data4[2], g->Data4[3],
             g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
}

static void narrow(const UNICODE_STRING *s, char *out, size_t size)
{
    size_t n = 0;
    for (; n < s->Length / 2u && n + 1 < size; n++)
        out[n] = s->Buffer[n] < 0x80 ? (char)s->Buffer[n] : '?';
    out[n] = 0;
}

static UNICODE_STRING pool_unicode(const char *text)
{
    size_t n = strlen(text);
    UNICODE_STRING s = { (USHORT)(n * 2), (USHORT)(n * 2 + 2), ex_pool_alloc(PagedPool, n * 2 + 2, INTERFACE_TAG) };
    for (size_t i = 0; i <= n; i++)
        s.Buffer[i] = (UCHAR)text[i];
    return s;
}

static struct interface_record *find_link(const char *link)
{
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        if (strcasecmp(r->link, link) == 0)
            return r;
    return NULL;
}

NTSTATUS IoRegisterDeviceInterface(DEVICE_OBJECT *pdo, const GUID *class_guid, const UNICODE_STRING *reference, UNICODE_STRING *link)
{
    struct devnode *n = pnp_node_of(pdo);
    if (!n)
        return STATUS_INVALID_DEVICE_REQUEST;
    char guid[40], text[400], ref[100] = "";
    guid_text(class_guid, guid);
    if (reference && reference->Length)
        narrow(reference, ref, sizeof ref);
    size_t at = (size_t)snprintf(text, sizeof text, "\\??\\");
    for (const char *p = n->device_id; *p && at + 1 < sizeof text; p++)
        text[at++] = *p == '\\' ? '#' : *p;
    snprintf(text + at, sizeof text - at, "#%s#%s%s%s", n->instance, guid, ref[0] ? "\\" : "", ref);
    if (!find_link(text)) {
        struct interface_record *r = sim_alloc(sizeof *r);
        r->pdo = pdo;
        strcpy(r->guid, guid);
        strcpy(r->link, text);
        struct interface_record **end = &pnp_room()->interfaces;
        while (*end)
            end = &(*end)->next;
        *end = r;
    }
    *link = pool_unicode(text);
    return STATUS_SUCCESS;
}

static NTSTATUS set_state(struct interface_record *r, bool enable)
{
    WCHAR link[400], target[400];
    UNICODE_STRING l = ob_text(r->link, link, 400);
    void *object;
    if (enable == r->enabled)
        return enable ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_NAME_NOT_FOUND;
    if (!enable) {
        r->enabled = false;
        NTSTATUS s = ob_lookup_link(&l, &object);
        if (NT_SUCCESS(s)) {
            ob_remove_name(object);
            ob_dereference(object);
        }
        return STATUS_SUCCESS;
    }
    char name[300];
    ob_name_text(r->pdo, name, sizeof name);
    UNICODE_STRING t = ob_text(name, target, 400);
    NTSTATUS s = ob_symlink_create(&l, &t, &object);
    if (NT_SUCCESS(s)) {
        ob_dereference(object);
        r->enabled = true;
    }
    return s;
}

NTSTATUS IoSetDeviceInterfaceState(const UNICODE_STRING *link, ULONG enable)
{
    char text[400];
    narrow(link, text, sizeof text);
    struct interface_record *r = find_link(text);
    return r ? set_state(r, (enable & 0xFF) != 0) : STATUS_OBJECT_NAME_NOT_FOUND;
}

void pnp_interfaces_disable(const DEVICE_OBJECT *pdo)
{
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        if (r->pdo == pdo && r->enabled)
            set_state(r, false);
}

void pnp_interfaces_forget(const DEVICE_OBJECT *pdo)
{
    for (struct interface_record **at = &pnp_room()->interfaces; *at;) {
        struct interface_record *r = *at;
        if (r->pdo != pdo) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        sim_free(r, sizeof *r);
    }
}

NTSTATUS IoGetDeviceInterfaces(const GUID *class_guid, DEVICE_OBJECT *pdo, ULONG flags, WCHAR **list)
{
    char guid[40];
    guid_text(class_guid, guid);
    size_t n = 1;
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        n += strlen(r->link) + 1;
    WCHAR *w = ex_pool_alloc(PagedPool, n * 2, INTERFACE_TAG), *at = w;
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next) {
        if (strcasecmp(r->guid, guid) != 0 || (pdo && r->pdo != pdo) || (!r->enabled && !(flags & 1)))
            continue;
        for (const char *p = r->link; *p; p++)
            *at++ = (UCHAR)*p;
        *at++ = 0;
    }
    *at = 0;
    *list = w;
    return STATUS_SUCCESS;
}

bool pnp_expand(const char *text, char *out, size_t size)
{
    static const char mark[] = "${interface:";
    const char *at = strstr(text, mark);
    if (!at) {
        snprintf(out, size, "%s", text);
        return true;
    }
    const char *guid = at + sizeof mark - 1, *end = strchr(guid, '}');
    const char *close = end ? strchr(end + 1, '}') : NULL;
    const char *link = "";
    for (struct interface_record *r = pnp_room() ? pnp_room()->interfaces : NULL; r && end; r = r->next)
        if (r->enabled && strncasecmp(r->guid, guid, (size_t)(end + 1 - guid)) == 0) {
            link = r->link;
            break;
        }
    /* The user-mode form of "\??\X" is "\\?\X". */
    snprintf(out, size, "%.*s%s%s%s", (int)(at - text), text, link[0] ? "\\\\?\\" : "", link[0] ? link + 4 : "", close ? close + 1 : "");
    return link[0] != 0;
}

/* ---- properties ---- */

enum { PROPERTY_DESCRIPTION, PROPERTY_HARDWARE_ID, PROPERTY_COMPATIBLE_IDS, PROPERTY_BOOT_CONFIGURATION, PROPERTY_BOOT_TRANSLATED, PROPERTY_CLASS_NAME,
       PROPERTY_CLASS_GUID, PROPERTY_DRIVER_KEY, PROPERTY_MANUFACTURER, PROPERTY_FRIENDLY_NAME, PROPERTY_LOCATION, PROPERTY_PDO_NAME, PROPERTY_BUS_TYPE_GUID,
       PROPERTY_LEGACY_BUS_TYPE, PROPERTY_BUS_NUMBER, PROPERTY_ENUMERATOR, PROPERTY_ADDRESS, PROPERTY_UI_NUMBER };

static NTSTATUS give_text(const char *text, bool multi, ULONG length, PVOID buffer, ULONG *result)
{
    size_t n = strlen(text), total = (n + (multi ? 2 : 1)) * 2;
    *result = (ULONG)total;
    if (length < total)
        return STATUS_BUFFER_TOO_SMALL;
    WCHAR *w = buffer;
    for (size_t i = 0; i < n; i++)
        w[i] = text[i] == '\n' ? 0 : (UCHAR)text[i];
    w[n] = 0;
    if (multi)
        w[n + 1] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS IoGetDeviceProperty(DEVICE_OBJECT *pdo, ULONG property, ULONG length, PVOID buffer, ULONG *result)
{
    struct devnode *n = pnp_node_of(pdo);
    if (!n)
        return STATUS_INVALID_DEVICE_REQUEST;
    char text[400];
    switch (property) {
    case PROPERTY_DESCRIPTION:
    case PROPERTY_FRIENDLY_NAME:
        return give_text(n->device_id, false, length, buffer, result);
    case PROPERTY_HARDWARE_ID:
        return give_text(n->hwids, true, length, buffer, result);
    case PROPERTY_PDO_NAME:
        ob_name_text(pdo, text, sizeof text);
        return give_text(text, false, length, buffer, result);
    case PROPERTY_ENUMERATOR:
        snprintf(text, sizeof text, "%.*s", (int)strcspn(n->device_id, "\\"), n->device_id);
        return give_text(text, false, length, buffer, result);
    case PROPERTY_DRIVER_KEY:
        snprintf(text, sizeof text, "%s\\%s", n->service, n->instance);
        return give_text(text, false, length, buffer, result);
    default:
        *result = 0;
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
}

/* ---- registry ---- */

NTSTATUS ZwCreateKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options, ULONG *disposition);

static NTSTATUS key_open(const char *path, ULONG access, HANDLE *key)
{
    /* Each level exists before the next is made. */
    char part[500];
    NTSTATUS s = STATUS_OBJECT_NAME_NOT_FOUND;
    size_t n = strlen(path), base = strlen("\\Registry\\Machine\\System");
    for (size_t i = base; i <= n; i++) {
        if (path[i] && path[i] != '\\')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        WCHAR w[500];
        UNICODE_STRING name = ob_text(part, w, 500);
        OBJECT_ATTRIBUTES oa = { .Length = sizeof oa, .ObjectName = &name, .Attributes = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE };
        HANDLE h;
        s = ZwCreateKey(&h, access, &oa, 0, NULL, 0, NULL);
        if (!NT_SUCCESS(s))
            return s;
        if (i == n)
            *key = h;
        else
            ob_handle_close(ps_system(), h);
    }
    return s;
}

void pnp_registry_key_make(const char *path)
{
    HANDLE h;
    if (NT_SUCCESS(key_open(path, 0xF003F, &h)))
        ob_handle_close(ps_system(), h);
}

NTSTATUS IoOpenDeviceRegistryKey(DEVICE_OBJECT *pdo, ULONG type, ULONG access, HANDLE *key)
{
    struct devnode *n = pnp_node_of(pdo);
    if (!n)
        return STATUS_INVALID_DEVICE_REQUEST;
    char path[500];
    if (type & 2) /* PLUGPLAY_REGKEY_DRIVER */
        snprintf(path, sizeof path, "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\%s\\%s", n->service, n->instance);
    else
        snprintf(path, sizeof path, "\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\%s\\%s\\Device Parameters", n->device_id, n->instance);
    return key_open(path, access, key);
}

NTSTATUS IoOpenDeviceInterfaceRegistryKey(const UNICODE_STRING *link, ULONG access, HANDLE *key)
{
    char text[400], path[600];
    narrow(link, text, sizeof text);
    struct interface_record *r = find_link(text);
    if (!r)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    snprintf(path, sizeof path, "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\%s\\%s\\Device Parameters", r->guid, r->link + 4);
    return key_open(path, access, key);
}
