/* Device interfaces for programs: the part of setupapi and cfgmgr32 that finds a device's path by its interface class.
 *
 * A device information set is a copy, made when asked for, of the links of one class in the order of their registration. */
#include "pnp/pnp.h"
#include "win32/win32.h"

#include "mm/mm.h"
#include "sim/access.h"

enum { ERROR_NO_MORE_ITEMS_ = 259, ERROR_INVALID_USER_BUFFER_ = 1784 };
enum { DIGCF_PRESENT = 2, DIGCF_DEVICEINTERFACE = 0x10 };
enum { CR_SUCCESS = 0, CR_INVALID_POINTER = 3, CR_BUFFER_SMALL = 0x1A, CM_ALL_DEVICES = 1 };

struct device_set {
    struct device_set *next;
    uint64_t handle;
    GUID class;
    WCHAR *links; /* private memory: strings and an empty one */
    size_t chars;
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

/* The links of a class as user-mode paths, in private memory: "\??\X" is "\\?\X" for programs. */
static WCHAR *links_of(const GUID *class, bool all, size_t *chars)
{
    struct syscall sc;
    WCHAR *list = NULL;
    ps_syscall_enter(&sc, FRAME_NtDeviceIoControlFile); /* GUESS: Windows asks the plug-and-play service by other means */
    sim_access(SIM_ACCESS_NAMESPACE, SIM_READ);
    NTSTATUS s = IoGetDeviceInterfaces(class, NULL, all ? 1 : 0, &list);
    size_t n = 0;
    WCHAR *copy = NULL;
    if (NT_SUCCESS(s)) {
        while (list[n])
            n += w32_wcslen(list + n) + 1;
        n++;
        copy = sim_alloc(n * 2);
        memcpy(copy, list, n * 2);
        ex_pool_free(list);
        for (WCHAR *p = copy; *p; p += w32_wcslen(p) + 1)
            if (p[0] == '\\' && p[1] == '?')
                p[1] = '\\', p[2] = '?';
    }
    ps_syscall_leave(&sc);
    *chars = n;
    return copy;
}

static const WCHAR *link_at(const struct device_set *set, ULONG index)
{
    const WCHAR *p = set->links;
    while (p && *p && index--)
        p += w32_wcslen(p) + 1;
    return p && *p ? p : NULL;
}

static struct device_set *find(uint64_t handle)
{
    for (struct device_set *s = w32_room()->device_sets; s; s = s->next)
        if (s->handle == handle)
            return s;
    return NULL;
}

/* ---- setupapi ---- */

uint64_t SetupDiGetClassDevsW(const GUID *class, const WCHAR *enumerator, HANDLE parent, ULONG flags)
{
    GUID c;
    if (!(flags & DIGCF_DEVICEINTERFACE) || !class)
        return w32_error(ERROR_INVALID_PARAMETER), (uint64_t)-1; /* only interfaces can be listed here */
    memcpy(&c, class, sizeof c);
    struct w32_room *r = w32_room();
    struct device_set *s = sim_alloc(sizeof *s);
    s->class = c;
    s->links = links_of(class, !(flags & DIGCF_PRESENT), &s->chars);
    s->handle = 0x5D000000 + ++r->device_set_count * 16;
    s->next = r->device_sets;
    r->device_sets = s;
    return s->handle;
}

uint64_t SetupDiGetClassDevsA(const GUID *class, const char *enumerator, HANDLE parent, ULONG flags)
{
    return SetupDiGetClassDevsW(class, NULL, parent, flags);
}

BOOL SetupDiDestroyDeviceInfoList(uint64_t handle)
{
    for (struct device_set **at = &w32_room()->device_sets; *at; at = &(*at)->next) {
        struct device_set *s = *at;
        if (s->handle != handle)
            continue;
        *at = s->next;
        sim_free(s->links, s->chars * 2);
        sim_free(s, sizeof *s);
        return TRUE;
    }
    return w32_error(ERROR_INVALID_HANDLE);
}

BOOL SetupDiEnumDeviceInterfaces(uint64_t handle, void *device, const GUID *class, ULONG index, struct interface_data *data)
{
    const struct device_set *s = find(handle);
    if (!s)
        return w32_error(ERROR_INVALID_HANDLE);
    if (data->size != sizeof *data)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    if (memcmp(class, &s->class, sizeof *class) != 0 || !link_at(s, index))
        return w32_error(ERROR_NO_MORE_ITEMS_);
    data->class = s->class;
    data->flags = 1; /* SPINT_ACTIVE */
    data->reserved = index + 1ull;
    return TRUE;
}

/* The detail structure is a size (8 for the wide form, 8 for the narrow one on x64) and the path behind its first four bytes. */
static BOOL detail(uint64_t handle, const struct interface_data *data, uint8_t *out, ULONG size, ULONG *needed, struct devinfo_data *device, bool wide)
{
    const struct device_set *s = find(handle);
    const WCHAR *link = s && data->reserved ? link_at(s, (ULONG)data->reserved - 1) : NULL;
    if (!link)
        return w32_error(s ? ERROR_INVALID_PARAMETER : ERROR_INVALID_HANDLE);
    size_t n = w32_wcslen(link) + 1, bytes = 4 + n * (wide ? 2 : 1);
    if (needed)
        *needed = (ULONG)bytes;
    if (!out || size < bytes)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    if (*(const ULONG *)out != 8)
        return w32_error(ERROR_INVALID_USER_BUFFER_);
    for (size_t i = 0; i < n; i++) {
        int c = w32_wide_to_ansi(link[i]);
        if (wide)
            memcpy(out + 4 + i * 2, &link[i], 2);
        else
            out[4 + i] = (uint8_t)(c < 0 ? '?' : c);
    }
    if (device && device->size == sizeof *device) {
        device->class = s->class;
        device->instance = (ULONG)data->reserved;
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

/* ---- cfgmgr32 ---- */

ULONG CM_Get_Device_Interface_List_SizeW(ULONG *chars, const GUID *class, const WCHAR *device, ULONG flags)
{
    size_t n;
    if (!chars || !class)
        return CR_INVALID_POINTER;
    WCHAR *links = links_of(class, (flags & CM_ALL_DEVICES) != 0, &n);
    sim_free(links, n * 2);
    *chars = (ULONG)n;
    return CR_SUCCESS;
}

ULONG CM_Get_Device_Interface_ListW(const GUID *class, const WCHAR *device, WCHAR *to, ULONG chars, ULONG flags)
{
    size_t n;
    if (!class || !to)
        return CR_INVALID_POINTER;
    WCHAR *links = links_of(class, (flags & CM_ALL_DEVICES) != 0, &n);
    bool fits = n <= chars;
    if (fits)
        memcpy(to, links, n * 2);
    sim_free(links, n * 2);
    return fits ? CR_SUCCESS : CR_BUFFER_SMALL;
}

ULONG CM_Get_Device_Interface_List_SizeA(ULONG *chars, const GUID *class, const char *device, ULONG flags)
{
    return CM_Get_Device_Interface_List_SizeW(chars, class, NULL, flags);
}

ULONG CM_Get_Device_Interface_ListA(const GUID *class, const char *device, char *to, ULONG chars, ULONG flags)
{
    if (!to)
        return CR_INVALID_POINTER;
    WCHAR *wide = (WCHAR *)w32_alloc_zeroed(((size_t)chars + 1) * 2);
    ULONG r = CM_Get_Device_Interface_ListW(class, NULL, wide, chars, flags);
    for (ULONG i = 0; r == CR_SUCCESS && i < chars; i++) {
        int c = w32_wide_to_ansi(wide[i]);
        to[i] = (char)(c < 0 ? '?' : c);
    }
    w32_free((uint64_t)wide);
    return r;
}
