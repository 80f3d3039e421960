/* Imports that are bound when first called.
 *
 * DOC: "ResolveDelayLoadedAPI function", "PE Format" (delay-load directory). The linker's stub calls with its thunk; what is found goes there, so
 * that the next call needs nobody. The failure hooks are not called: a function that is not there raises what the linker's own helper raises. */
#include "win32/exports.h"

uint64_t GetProcAddress(uint64_t module, const char *name);
uint64_t LoadLibraryA(const char *name);
_Noreturn void RaiseException(ULONG code, ULONG flags, ULONG count, const ULONG_PTR *arguments);

struct delay_directory {
    uint32_t attributes; /* 1: references are RVAs */
    uint32_t name, module, addresses, names, bound, unload, time;
};

static _Noreturn void fail(bool has_dll, uint64_t base, const struct delay_directory *d)
{
    /* DOC: "Error handling and notification" of delay-loaded DLLs: VcppException(ERROR_SEVERITY_ERROR, ERROR_MOD_NOT_FOUND or ERROR_PROC_NOT_FOUND). */
    ULONG_PTR arguments[1] = { base + d->name };
    RaiseException(has_dll ? 0xC06D007F : 0xC06D007E, 0, 1, arguments);
}

uint64_t ResolveDelayLoadedAPI(uint64_t base, const struct delay_directory *d, uint64_t dll_hook, uint64_t system_hook, uint64_t *thunk, ULONG flags)
{
    uint64_t *module = (uint64_t *)(base + d->module);
    uint64_t at = (uint64_t)thunk - (base + d->addresses);
    uint64_t name = *(const uint64_t *)(base + d->names + at);
    bool by_ordinal = name >> 63;
    if (!*module)
        *module = LoadLibraryA((const char *)(base + d->name));
    uint64_t fn = *module ? GetProcAddress(*module, by_ordinal ? (const char *)(name & 0xFFFF) : (const char *)(base + name + 2)) : 0;
    if (!fn)
        fail(*module != 0, base, d);
    *thunk = fn;
    return fn;
}
