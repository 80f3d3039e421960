/* Modules: GetModuleHandle, GetProcAddress, LoadLibrary of what is already there (the synthetic modules and the program). */
#include "sim/image.h"
#include "win32/win32.h"

#include <stdio.h>

static const char *base_name(const char *path)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (*p == '\\' || *p == '/')
            name = p + 1;
    return name;
}

/* A user-side image visible to the current process: synthetic, or in its slice. */
static struct image *find(const char *path)
{
    char name[80];
    snprintf(name, sizeof name, "%s", base_name(path));
    if (!strchr(name, '.') && strlen(name) < sizeof name - 5)
        strcat(name, ".dll");
    struct process *p = ps_current()->process;
    struct image *i = image_find(name);
    if (!i || !i->user || (!i->synthetic && i != p->image && i->base - p->slice >= USER_SLICE))
        return NULL;
    return i;
}

static struct image *find_wide(const WCHAR *path)
{
    char name[300];
    size_t i = 0;
    for (; path[i] && i < sizeof name - 1; i++)
        name[i] = path[i] < 0x80 ? (char)path[i] : '?';
    name[i] = 0;
    return find(name);
}

static uint64_t handle_of(struct image *i)
{
    if (!i)
        w32_error(ERROR_MOD_NOT_FOUND);
    return i ? i->base : 0;
}

static struct image *image_of(uint64_t module)
{
    module &= ~3ull; /* flag bits of data-file handles */
    struct image *i = module ? image_at(module) : ps_current()->process->image;
    return i && i->base == module ? i : module ? NULL : i;
}

uint64_t GetModuleHandleA(const char *name)
{
    return name ? handle_of(find(name)) : ps_current()->process->image->base;
}

uint64_t GetModuleHandleW(const WCHAR *name)
{
    return name ? handle_of(find_wide(name)) : ps_current()->process->image->base;
}

BOOL GetModuleHandleExW(ULONG flags, const WCHAR *name, uint64_t *module)
{
    if (flags & 4) { /* GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS */
        struct image *i = image_at((uint64_t)name);
        *module = handle_of(i && i->user ? i : NULL);
    } else {
        *module = GetModuleHandleW(name);
    }
    return *module != 0;
}

BOOL GetModuleHandleExA(ULONG flags, const char *name, uint64_t *module)
{
    if (flags & 4)
        return GetModuleHandleExW(flags, (const WCHAR *)name, module);
    *module = GetModuleHandleA(name);
    return *module != 0;
}

uint64_t LoadLibraryA(const char *name)
{
    return handle_of(find(name));
}

uint64_t LoadLibraryW(const WCHAR *name)
{
    return handle_of(find_wide(name));
}

uint64_t LoadLibraryExA(const char *name, HANDLE file, ULONG flags)
{
    return handle_of(find(name));
}

uint64_t LoadLibraryExW(const WCHAR *name, HANDLE file, ULONG flags)
{
    return handle_of(find_wide(name));
}

BOOL FreeLibrary(uint64_t module)
{
    return image_of(module) ? TRUE : w32_error(ERROR_MOD_NOT_FOUND);
}

uint64_t GetProcAddress(uint64_t module, const char *name)
{
    struct image *i = image_of(module);
    if (!i) {
        w32_error(ERROR_MOD_NOT_FOUND);
        return 0;
    }
    bool ordinal = (uint64_t)name < 0x10000;
    uint64_t at = image_export(i, ordinal ? NULL : name, ordinal ? (uint32_t)(uint64_t)name : 0);
    if (!at)
        w32_fail(ordinal ? STATUS_ORDINAL_NOT_FOUND : STATUS_PROCEDURE_NOT_FOUND);
    return at;
}

static size_t path_of(const struct image *i, char *out, size_t size)
{
    return (size_t)snprintf(out, size, "%s%s", i->synthetic ? "C:\\Windows\\system32\\" : "C:\\irplab\\", i->name);
}

ULONG GetModuleFileNameA(uint64_t module, char *buffer, ULONG size)
{
    char path[128];
    struct image *i = image_of(module);
    if (!i)
        return (ULONG)w32_error(ERROR_MOD_NOT_FOUND);
    size_t n = path_of(i, path, sizeof path);
    size_t copied = n < size ? n + 1 : size;
    memcpy(buffer, path, copied);
    if (n < size)
        return (ULONG)n;
    if (size)
        buffer[size - 1] = 0;
    w32_set_error(ERROR_INSUFFICIENT_BUFFER);
    return size;
}

ULONG GetModuleFileNameW(uint64_t module, WCHAR *buffer, ULONG size)
{
    char path[128];
    struct image *i = image_of(module);
    if (!i)
        return (ULONG)w32_error(ERROR_MOD_NOT_FOUND);
    size_t n = path_of(i, path, sizeof path);
    for (size_t k = 0; k <= n && k < size; k++)
        buffer[k] = (uint8_t)path[k];
    if (n < size)
        return (ULONG)n;
    if (size)
        buffer[size - 1] = 0;
    w32_set_error(ERROR_INSUFFICIENT_BUFFER);
    return size;
}

BOOL DisableThreadLibraryCalls(uint64_t module)
{
    return image_of(module) ? TRUE : w32_error(ERROR_MOD_NOT_FOUND);
}
