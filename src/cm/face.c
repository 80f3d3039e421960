/* The registry for siblings: UTF-8 paths, set-up, walking. */
#include <stdio.h>
#include <string.h>

#include "cm/key.h"
#include "ps/ps.h"
#include "rtl/nls.h"

static size_t wide(const char *text, WCHAR *out, size_t max)
{
    ULONG bytes = 0;
    RtlUTF8ToUnicodeN(out, (ULONG)max * 2, &bytes, text, (ULONG)strlen(text));
    return bytes / 2;
}

static void narrow(const WCHAR *text, size_t chars, char *out, size_t size)
{
    ULONG bytes = 0;
    RtlUnicodeToUTF8N(out, (ULONG)size - 1, &bytes, text, (ULONG)chars * 2);
    out[bytes] = 0;
}

/* What stands for \Registry\… in a path, and how much of the path it is. */
static const char *root_of(const char *path, size_t *skip)
{
    static const struct {
        const char *prefix, *stands_for;
    } roots[] = {
        { "\\Registry\\", "" },
        { "HKLM\\", "Machine\\" },
        { "HKEY_LOCAL_MACHINE\\", "Machine\\" },
        { "HKU\\", "User\\" },
    };
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        *skip = strlen(roots[i].prefix);
        if (strncasecmp(path, roots[i].prefix, *skip) == 0)
            return roots[i].stands_for;
    }
    return NULL;
}

static struct cm_key *key_at(const char *path, bool make)
{
    size_t skip;
    const char *root = root_of(path, &skip);
    if (!root)
        return NULL;
    char text[KEY_PATH_CHARS];
    WCHAR buffer[KEY_PATH_CHARS];
    snprintf(text, sizeof text, "%s%s", root, path + skip);
    size_t n = wide(text, buffer, KEY_PATH_CHARS);
    if (make)
        return cm_path_make(cm_root(), buffer, n, false);
    const WCHAR *rest;
    size_t rest_chars;
    struct cm_key *k = cm_walk_path(cm_root(), buffer, n, &rest, &rest_chars);
    return rest_chars ? NULL : k;
}

bool cm_set_value(const char *path, const char *name, uint32_t type, const void *data, size_t size)
{
    struct cm_key *k = key_at(path, true);
    WCHAR buffer[KEY_NAME_CHARS];
    if (k)
        cm_value_set(k, buffer, wide(name, buffer, KEY_NAME_CHARS), type, data, (ULONG)size);
    return k != NULL;
}

bool cm_set_text(const char *path, const char *name, const char *text)
{
    WCHAR buffer[KEY_PATH_CHARS];
    size_t n = wide(text, buffer, KEY_PATH_CHARS - 1);
    buffer[n] = 0;
    return cm_set_value(path, name, REG_SZ, buffer, (n + 1) * 2);
}

bool cm_set_dword(const char *path, const char *name, uint32_t value)
{
    return cm_set_value(path, name, REG_DWORD, &value, sizeof value);
}

int64_t cm_get_value(const char *path, const char *name, uint32_t *type, void *data, size_t size)
{
    const struct cm_key *k = key_at(path, false);
    WCHAR buffer[KEY_NAME_CHARS];
    const struct cm_value *v = k ? cm_value(k, buffer, wide(name, buffer, KEY_NAME_CHARS)) : NULL;
    if (!v)
        return -1;
    if (type)
        *type = v->type;
    if (v->size && size)
        memcpy(data, v->data, v->size < size ? v->size : size);
    return v->size;
}

bool cm_make_key(const char *path)
{
    return key_at(path, true) != NULL;
}

bool cm_delete_value(const char *path, const char *name)
{
    struct cm_key *k = key_at(path, false);
    WCHAR buffer[KEY_NAME_CHARS];
    return k && cm_value_delete(k, buffer, wide(name, buffer, KEY_NAME_CHARS));
}

NTSTATUS cm_open(const char *path, bool create, ACCESS_MASK access, HANDLE *handle)
{
    struct cm_key *k = key_at(path, create);
    return k ? cm_handle_make(k, access, OBJ_KERNEL_HANDLE, handle) : STATUS_OBJECT_NAME_NOT_FOUND;
}

typedef void walk_fn(void *ctx, const char *path, const char *name, uint32_t type, const void *data, size_t size);

static void walk(const struct cm_key *k, walk_fn *fn, void *ctx)
{
    WCHAR wide_path[KEY_PATH_CHARS];
    char path[KEY_PATH_CHARS * 3 + 1], name[KEY_NAME_CHARS * 3 + 1];
    narrow(wide_path, cm_key_path(k, wide_path), path, sizeof path);
    for (const struct cm_value *v = k->values; v; v = v->next) {
        narrow(v->name, v->name_bytes / 2u, name, sizeof name);
        fn(ctx, path, name, v->type, v->data, v->size);
    }
    for (const struct cm_key *c = k->children; c; c = c->sibling)
        walk(c, fn, ctx);
}

void cm_walk(walk_fn *fn, void *ctx)
{
    walk(cm_root(), fn, ctx);
}

/* What every machine has and drivers look at. */
static void populate(void)
{
    static const char *const keys[] = {
        "HKLM\\System\\CurrentControlSet\\Services", "HKLM\\System\\CurrentControlSet\\Enum",
        "HKLM\\System\\CurrentControlSet\\Control\\Class", "HKLM\\System\\CurrentControlSet\\Control\\DeviceClasses",
        "HKLM\\System\\CurrentControlSet\\Control\\Session Manager\\Memory Management", "HKLM\\Hardware\\DeviceMap",
        "HKLM\\Hardware\\Description\\System\\CentralProcessor\\0", "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion",
        "HKU\\.DEFAULT",
    };
    /* As Windows spells them. */
    static const char *const tops[] = { "\\Registry\\MACHINE\\HARDWARE", "\\Registry\\MACHINE\\SOFTWARE", "\\Registry\\MACHINE\\SYSTEM", "\\Registry\\USER" };
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++)
        key_at(tops[i], true);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        key_at(keys[i], true);
    char build[16], version[16];
    snprintf(build, sizeof build, "%u", ke_os()->build);
    snprintf(version, sizeof version, "%u.%u", ke_os()->major >= 10 ? 6 : ke_os()->major, ke_os()->major >= 10 ? 3 : ke_os()->minor);
    cm_set_text(keys[7], "CurrentBuildNumber", build);
    cm_set_text(keys[7], "CurrentBuild", build);
    cm_set_text(keys[7], "CurrentVersion", version);
    cm_set_text(keys[7], "SystemRoot", "C:\\Windows");
    cm_set_text("HKLM\\System\\CurrentControlSet\\Control", "SystemBootDevice", "multi(0)disk(0)rdisk(0)partition(1)");
    cm_set_text("HKLM\\System\\CurrentControlSet\\Control\\ComputerName\\ComputerName", "ComputerName", "IRPLAB");
}

void cm_init(void)
{
    MACHINE->rooms[ROOM_CM] = sim_alloc(sizeof(struct cm_room));
    cm_object_init();
    static const WCHAR registry[] = { 'R', 'E', 'G', 'I', 'S', 'T', 'R', 'Y' };
    cm_room()->root = cm_child_make(NULL, registry, 8, false);
    populate();
}
