/* Modules: GetModuleHandle, GetProcAddress, LoadLibrary of the synthetic modules and of DLLs beside the program. */
#include "ps/modules.h"
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

/* The plain name with its extension: ".dll" unless there is one; a dot at the end says that there is none. False: too long. */
static bool module_name(const char *path, char *name, size_t size)
{
    size_t n = (size_t)snprintf(name, size, "%s", base_name(path));
    if (n == 0 || n + 5 > size)
        return false;
    if (name[n - 1] == '.')
        name[n - 1] = 0;
    else if (!strchr(name, '.'))
        strcat(name, ".dll");
    return true;
}

static struct image *find(const char *path)
{
    char name[80];
    return module_name(path, name, sizeof name) ? ps_module_find(ps_current()->process, name) : NULL;
}

static void narrow(const WCHAR *path, char *name, size_t size)
{
    size_t i = 0;
    for (; path[i] && i < size - 1; i++)
        name[i] = path[i] < 0x80 ? (char)path[i] : '?';
    name[i] = 0;
}

static struct image *find_wide(const WCHAR *path)
{
    char name[300];
    narrow(path, name, sizeof name);
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

enum { HANDLE_EX_PIN = 1, HANDLE_EX_UNCHANGED = 2, HANDLE_EX_FROM_ADDRESS = 4 };

static BOOL handle_ex(ULONG flags, struct image *i, uint64_t *module)
{
    if (i && (flags & HANDLE_EX_PIN || !(flags & HANDLE_EX_UNCHANGED)))
        ps_module_reference(i, (flags & HANDLE_EX_PIN) != 0);
    *module = handle_of(i);
    return *module != 0;
}

static struct image *image_around(uint64_t address)
{
    struct image *i = image_at(address);
    return i && i->user ? i : NULL;
}

BOOL GetModuleHandleExW(ULONG flags, const WCHAR *name, uint64_t *module)
{
    if (flags & HANDLE_EX_FROM_ADDRESS)
        return handle_ex(flags, image_around((uint64_t)name), module);
    return handle_ex(flags, name ? find_wide(name) : ps_current()->process->image, module);
}

BOOL GetModuleHandleExA(ULONG flags, const char *name, uint64_t *module)
{
    if (flags & HANDLE_EX_FROM_ADDRESS)
        return handle_ex(flags, image_around((uint64_t)name), module);
    return handle_ex(flags, name ? find(name) : ps_current()->process->image, module);
}

/* ---- loading: from beside the program, wherever the path points ---- */

enum { DONT_RESOLVE_DLL_REFERENCES = 1, LOAD_AS_DATA = 0x02 | 0x20 | 0x40 };

/* GUESS: a module that is loaded only as data is mapped like any other, but not started. */
static uint64_t load(const char *path, ULONG flags)
{
    char name[80];
    struct image *i = NULL;
    w32_process();
    w32_console_flush();
    switch (module_name(path, name, sizeof name) ? ps_module_load(name, !(flags & (DONT_RESOLVE_DLL_REFERENCES | LOAD_AS_DATA)), &i) : MODULE_NOT_FOUND) {
    case MODULE_OK:
        return i->base;
    case MODULE_BAD:
        return w32_error(ERROR_BAD_EXE_FORMAT), 0;
    case MODULE_INIT_FAILED:
        return w32_error(ERROR_DLL_INIT_FAILED), 0;
    default:
        return w32_error(ERROR_MOD_NOT_FOUND), 0;
    }
}

uint64_t LoadLibraryExA(const char *name, HANDLE file, ULONG flags)
{
    if (!name)
        return w32_error(ERROR_INVALID_PARAMETER), 0;
    return load(name, flags);
}

uint64_t LoadLibraryExW(const WCHAR *name, HANDLE file, ULONG flags)
{
    char path[300];
    if (!name)
        return w32_error(ERROR_INVALID_PARAMETER), 0;
    narrow(name, path, sizeof path);
    return load(path, flags);
}

uint64_t LoadLibraryA(const char *name)
{
    return LoadLibraryExA(name, NULL, 0);
}

uint64_t LoadLibraryW(const WCHAR *name)
{
    return LoadLibraryExW(name, NULL, 0);
}

BOOL FreeLibrary(uint64_t module)
{
    struct image *i = image_of(module);
    w32_console_flush();
    return i && ps_module_free(i) ? TRUE : w32_error(ERROR_MOD_NOT_FOUND);
}

_Noreturn void FreeLibraryAndExitThread(uint64_t module, ULONG code)
{
    FreeLibrary(module);
    ExitThread(code);
}

const char *module_asked_in_vain(void)
{
    const struct w32_room *r = MACHINE->rooms[ROOM_WIN32];
    return r && r->asked_in_vain[0] ? r->asked_in_vain : NULL;
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
    if (!at && i->synthetic && !ordinal)
        snprintf(w32_room()->asked_in_vain, sizeof w32_room()->asked_in_vain, "%s!%.100s", i->name, name);
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
    const struct image *i = image_of(module);
    if (!i)
        return w32_error(ERROR_MOD_NOT_FOUND);
    ps_module_quiet(i);
    return TRUE;
}
