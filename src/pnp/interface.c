/* Device interfaces and device properties. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cm/cm.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "session/config.h"
#include "sim/access.h"

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
    pnp_interfaces_touch(SIM_READ);
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        if (strcasecmp(r->link, link) == 0)
            return r;
    return NULL;
}

struct interface_record *pnp_interface_of(const UNICODE_STRING *link)
{
    char text[400];
    narrow(link, text, sizeof text);
    if (strncmp(text, "\\\\?\\", 4) == 0) /* the form for programs */
        text[1] = '?';
    return find_link(text);
}

/* The reference string at the end of a link, with its backslash; "". Before it there is none behind "\??\": those of the device's id
 * are "#" there. Braces do not tell: ids and reference strings may have them. */
const char *pnp_interface_reference(const char *link)
{
    const char *name = strncmp(link, "\\??\\", 4) ? link : link + 4, *end = strchr(name, '\\');
    return end ? end : name + strlen(name);
}

static void link_text(const struct devnode *n, const char *guid, const char *reference, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "\\??\\");
    for (const char *p = n->device_id; *p && at + 1 < size; p++)
        out[at++] = *p == '\\' ? '#' : *p;
    snprintf(out + at, size - at, "#%s#%s%s%s", n->instance, guid, reference[0] ? "\\" : "", reference);
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
    if (strpbrk(ref, "\\/"))
        return STATUS_INVALID_PARAMETER; /* DOC: no path separators */
    link_text(n, guid, ref, text, sizeof text);
    if (!find_link(text)) {
        struct interface_record *r = sim_alloc(sizeof *r);
        pnp_interfaces_touch(SIM_WRITE);
        r->pdo = pdo;
        r->class = *class_guid;
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

/* The link object is that of all reference strings of a class: what follows "}" is the name that the driver gets. */
static size_t base_length(const char *link)
{
    return (size_t)(pnp_interface_reference(link) - link);
}

static bool base_in_use(const struct interface_record *but)
{
    size_t n = base_length(but->link);
    for (const struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        if (r != but && r->enabled && base_length(r->link) == n && strncasecmp(r->link, but->link, n) == 0)
            return true;
    return false;
}

static NTSTATUS set_state(struct interface_record *r, bool enable)
{
    WCHAR link[400], target[400];
    char base[400], name[300];
    void *object;
    NTSTATUS s = STATUS_SUCCESS;
    if (enable == r->enabled)
        return enable ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_NAME_NOT_FOUND;
    pnp_interfaces_touch(SIM_WRITE);
    snprintf(base, sizeof base, "%.*s", (int)base_length(r->link), r->link);
    UNICODE_STRING l = ob_text(base, link, 400);
    bool shared = base_in_use(r);
    if (!enable) {
        r->enabled = false;
        if (!shared && NT_SUCCESS(ob_lookup_link(&l, &object))) {
            ob_remove_name(object);
            ob_dereference(object);
        }
    } else {
        ob_name_text(r->pdo, name, sizeof name);
        UNICODE_STRING t = ob_text(name, target, 400);
        if (!shared && NT_SUCCESS(s = ob_symlink_create(&l, &t, &object)))
            ob_dereference(object);
        r->enabled = NT_SUCCESS(s);
    }
    if (NT_SUCCESS(s))
        pnp_notify_interface(&r->class, r->link, enable);
    return s;
}

NTSTATUS IoSetDeviceInterfaceState(const UNICODE_STRING *link, ULONG enable)
{
    struct interface_record *r = pnp_interface_of(link);
    struct devnode *n = r ? pnp_node_of(r->pdo) : NULL;
    bool on = (enable & 0xFF) != 0;
    if (!n)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    /* OBS: enabled before the device is started, it takes effect when it is. */
    if (on && n->state < NODE_STARTED) {
        pnp_interfaces_touch(SIM_WRITE);
        r->pended = true;
        return STATUS_SUCCESS;
    }
    if (!on && r->pended) {
        pnp_interfaces_touch(SIM_WRITE);
        r->pended = false;
        return STATUS_SUCCESS;
    }
    return set_state(r, on);
}

void pnp_interfaces_started(const DEVICE_OBJECT *pdo)
{
    pnp_interfaces_touch(SIM_READ);
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        if (r->pdo == pdo && r->pended) {
            pnp_interfaces_touch(SIM_WRITE);
            r->pended = false;
            set_state(r, true);
        }
}

void pnp_interfaces_disable(const DEVICE_OBJECT *pdo)
{
    pnp_interfaces_touch(SIM_READ);
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        if (r->pdo == pdo && r->enabled)
            set_state(r, false);
}

void pnp_interfaces_forget(const DEVICE_OBJECT *pdo)
{
    pnp_interfaces_touch(SIM_READ);
    for (struct interface_record **at = &pnp_room()->interfaces; *at;) {
        struct interface_record *r = *at;
        if (r->pdo != pdo) {
            at = &r->next;
            continue;
        }
        pnp_interfaces_touch(SIM_WRITE);
        *at = r->next;
        pnp_properties_free(&r->properties);
        sim_free(r, sizeof *r);
    }
}

bool pnp_interface_at(uint32_t index, struct pnp_interface *out)
{
    const struct interface_record *r = pnp_room()->interfaces;
    while (r && index--)
        r = r->next;
    if (r)
        *out = (struct pnp_interface) { r->link, r->guid, r->class, r->pdo, r->enabled };
    return r != NULL;
}

NTSTATUS IoGetDeviceInterfaces(const GUID *class_guid, DEVICE_OBJECT *pdo, ULONG flags, WCHAR **list)
{
    size_t n = 1;
    *list = NULL;
    if (pdo && !pnp_node_of(pdo))
        return STATUS_INVALID_DEVICE_REQUEST;
    pnp_interfaces_touch(SIM_READ);
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next)
        n += strlen(r->link) + 1;
    WCHAR *w = ex_pool_alloc(PagedPool, n * 2, INTERFACE_TAG), *at = w;
    for (struct interface_record *r = pnp_room()->interfaces; r; r = r->next) {
        if (memcmp(&r->class, class_guid, sizeof r->class) != 0 || (pdo && r->pdo != pdo) || (!r->enabled && !(flags & 1)))
            continue;
        for (const char *p = r->link; *p; p++)
            *at++ = (UCHAR)*p;
        *at++ = 0;
    }
    *at = 0;
    *list = w;
    return STATUS_SUCCESS;
}

NTSTATUS IoGetDeviceInterfaceAlias(const UNICODE_STRING *link, const GUID *class_guid, UNICODE_STRING *alias)
{
    const struct interface_record *from = pnp_interface_of(link);
    *alias = (UNICODE_STRING) { 0 };
    for (const struct interface_record *r = pnp_room()->interfaces; from && r; r = r->next)
        if (r->pdo == from->pdo && memcmp(&r->class, class_guid, sizeof r->class) == 0 && strcasecmp(pnp_interface_reference(r->link), pnp_interface_reference(from->link)) == 0) {
            *alias = pool_unicode(r->link);
            return STATUS_SUCCESS;
        }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS IoOpenDeviceInterfaceRegistryKey(const UNICODE_STRING *link, ULONG access, HANDLE *key)
{
    char path[900], name[400];
    struct interface_record *r = pnp_interface_of(link);
    if (!r)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    /* DeviceClasses\{guid}\##?#ROOT#X#0000#{guid}\#reference\Device Parameters */
    snprintf(name, sizeof name, "%.*s", (int)base_length(r->link + 4), r->link + 4);
    const char *reference = pnp_interface_reference(r->link);
    snprintf(path, sizeof path, "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\%s\\##?#%s\\#%s\\Device Parameters", r->guid, name,
             reference[0] ? reference + 1 : "");
    return cm_open(path, true, access, key);
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
