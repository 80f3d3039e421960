/* The service control manager, as far as programs that load a driver need it. A service is a driver: those that the configuration
 * loaded are there and running; others are made from a file, which the session finds by name. */
#include "win32/service.h"

#include "cm/cm.h"
#include "io/room.h"
#include "ke/ke.h"
#include "win32/win32.h"

#include <stdio.h>
#include <strings.h>

bool (*service_file_hook)(const char *file_name, char *path, size_t size);

enum { ERROR_SERVICE_ALREADY_RUNNING_ = 1056, ERROR_SERVICE_DOES_NOT_EXIST_ = 1060, ERROR_SERVICE_NOT_ACTIVE_ = 1062, ERROR_SERVICE_MARKED_FOR_DELETE_ = 1072,
       ERROR_SERVICE_EXISTS_ = 1073, ERROR_INVALID_SERVICE_CONTROL_ = 1052 };
enum { SERVICE_KERNEL_DRIVER = 1, STOPPED = 1, RUNNING = 4, ACCEPT_STOP = 1, CONTROL_STOP = 1, CONTROL_INTERROGATE = 4 };

/* A service that a program made. */
struct service {
    struct service *next;
    char name[64], file[260];
    ULONG start;
    bool deleted;
};

/* What an SC_HANDLE stands for; its address in private memory is not shown: handles are numbers. */
struct service_handle {
    struct service_handle *next;
    uint64_t value;
    char name[64]; /* empty: the manager */
};

struct service_room {
    struct service *services;
    struct service_handle *handles;
    uint64_t next;
};

static struct service_room *room(void)
{
    struct w32_room *r = w32_room();
    if (!r->services)
        r->services = sim_alloc(sizeof(struct service_room));
    return r->services;
}

static uint64_t handle_new(const char *name)
{
    struct service_room *r = room();
    struct service_handle *h = sim_alloc(sizeof *h);
    snprintf(h->name, sizeof h->name, "%s", name);
    h->value = 0x5C000000 + ++r->next * 16;
    h->next = r->handles;
    r->handles = h;
    return h->value;
}

static struct service_handle *handle_find(uint64_t value)
{
    for (struct service_handle *h = room()->handles; h; h = h->next)
        if (h->value == value)
            return h;
    return NULL;
}

static struct service *find(const char *name)
{
    for (struct service *s = room()->services; s; s = s->next)
        if (strcasecmp(s->name, name) == 0)
            return s;
    return NULL;
}

static bool is_running(const char *name)
{
    return io_driver_find(name) != NULL;
}

/* ---- text ---- */

static void narrow(const WCHAR *w, char *out, size_t size)
{
    size_t i = 0;
    for (; w && w[i] && i + 1 < size; i++)
        out[i] = w[i] < 0x80 ? (char)w[i] : '?';
    out[i] = 0;
}

static void copy(const char *s, char *out, size_t size)
{
    snprintf(out, size, "%s", s ? s : "");
}

/* ---- handles ---- */

uint64_t OpenSCManagerW(const WCHAR *machine, const WCHAR *database, ULONG access)
{
    return handle_new("");
}

uint64_t OpenSCManagerA(const char *machine, const char *database, ULONG access)
{
    return handle_new("");
}

static bool has_handle(const char *name)
{
    for (struct service_handle *h = room()->handles; h; h = h->next)
        if (strcasecmp(h->name, name) == 0)
            return true;
    return false;
}

/* Services that were deleted go when nobody has a handle to them and their driver has stopped. */
static void purge(void)
{
    for (struct service **at = &room()->services; *at;) {
        struct service *s = *at;
        if (!s->deleted || has_handle(s->name) || is_running(s->name)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        sim_free(s, sizeof *s);
    }
}

BOOL CloseServiceHandle(uint64_t handle)
{
    for (struct service_handle **at = &room()->handles; *at; at = &(*at)->next) {
        struct service_handle *h = *at;
        if (h->value != handle)
            continue;
        *at = h->next;
        sim_free(h, sizeof *h);
        purge();
        return TRUE;
    }
    return w32_error(ERROR_INVALID_HANDLE);
}

static uint64_t open_service(uint64_t manager, const char *name)
{
    purge();
    if (!handle_find(manager))
        return w32_error(ERROR_INVALID_HANDLE), 0;
    if (!is_running(name) && !find(name))
        return w32_error(ERROR_SERVICE_DOES_NOT_EXIST_), 0;
    return handle_new(name);
}

uint64_t OpenServiceW(uint64_t manager, const WCHAR *name, ULONG access)
{
    char n[64];
    narrow(name, n, sizeof n);
    return open_service(manager, n);
}

uint64_t OpenServiceA(uint64_t manager, const char *name, ULONG access)
{
    char n[64];
    copy(name, n, sizeof n);
    return open_service(manager, n);
}

static void key_of(const char *name, char *path, size_t size)
{
    snprintf(path, size, "HKLM\\System\\CurrentControlSet\\Services\\%s", name);
}

/* What the manager writes for a driver: its image as the kernel names it. */
static void registry_put(const struct service *s, ULONG type)
{
    char key[128], image[300];
    key_of(s->name, key, sizeof key);
    snprintf(image, sizeof image, "%s%s", s->file[0] && s->file[1] == ':' ? "\\??\\" : "", s->file);
    cm_set_dword(key, "Type", type);
    cm_set_dword(key, "Start", s->start);
    cm_set_dword(key, "ErrorControl", 1);
    cm_set_text(key, "ImagePath", image);
}

static uint64_t create_service(uint64_t manager, const char *name, ULONG type, ULONG start, const char *path)
{
    purge();
    if (!handle_find(manager))
        return w32_error(ERROR_INVALID_HANDLE), 0;
    struct service *s = find(name);
    if (is_running(name) || s)
        return w32_error(s && s->deleted ? ERROR_SERVICE_MARKED_FOR_DELETE_ : ERROR_SERVICE_EXISTS_), 0;
    s = sim_alloc(sizeof *s);
    copy(name, s->name, sizeof s->name);
    copy(path, s->file, sizeof s->file);
    s->start = start;
    s->next = room()->services;
    room()->services = s;
    registry_put(s, type);
    return handle_new(name);
}

uint64_t CreateServiceW(const uint64_t *a)
{
    char name[64], path[260];
    narrow((const WCHAR *)a[1], name, sizeof name);
    narrow((const WCHAR *)a[7], path, sizeof path);
    return create_service(a[0], name, (ULONG)a[4], (ULONG)a[5], path);
}

uint64_t CreateServiceA(const uint64_t *a)
{
    char name[64], path[260];
    copy((const char *)a[1], name, sizeof name);
    copy((const char *)a[7], path, sizeof path);
    return create_service(a[0], name, (ULONG)a[4], (ULONG)a[5], path);
}

/* ---- starting and stopping: in a system thread, as the manager asks the kernel to ---- */

struct job {
    char path[512], name[64], error[400];
    bool load;
    NTSTATUS status;
    KEVENT done;
};

static void job_run(void *arg)
{
    struct job *j = arg;
    DRIVER_OBJECT *d = io_driver_find(j->name);
    if (j->load)
        j->status = io_load_driver(j->path, j->name, &d, j->error, sizeof j->error);
    else
        j->status = d ? io_unload_driver(d) : STATUS_OBJECT_NAME_NOT_FOUND;
    KeSetEvent(&j->done, 0, FALSE);
}

static NTSTATUS job_do(struct job *j)
{
    struct syscall sc;
    ps_syscall_enter(&sc, j->load ? FRAME_NtLoadDriver : FRAME_NtUnloadDriver);
    KeInitializeEvent(&j->done, NotificationEvent, FALSE);
    ps_create_host_thread(job_run, j, j->load ? "driver loader" : "driver unloader");
    KeWaitForSingleObject(&j->done, Executive, KernelMode, FALSE, NULL);
    ps_syscall_leave(&sc);
    return j->status;
}

static const char *base_name(const char *path)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (*p == '\\' || *p == '/')
            name = p + 1;
    return name;
}

static BOOL start(uint64_t handle)
{
    struct service_handle *h = handle_find(handle);
    if (!h || !h->name[0])
        return w32_error(ERROR_INVALID_HANDLE);
    if (is_running(h->name))
        return w32_error(ERROR_SERVICE_ALREADY_RUNNING_);
    struct service *s = find(h->name);
    if (!s || s->deleted)
        return w32_error(s ? ERROR_SERVICE_MARKED_FOR_DELETE_ : ERROR_SERVICE_DOES_NOT_EXIST_);
    struct job *j = sim_alloc(sizeof *j);
    j->load = true;
    copy(s->name, j->name, sizeof j->name);
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    w32_console_flush();
    if (service_file_hook && service_file_hook(base_name(s->file), j->path, sizeof j->path))
        status = job_do(j);
    sim_free(j, sizeof *j);
    return w32_result(status);
}

BOOL StartServiceW(uint64_t handle, ULONG count, void *arguments)
{
    return start(handle);
}

BOOL StartServiceA(uint64_t handle, ULONG count, void *arguments)
{
    return start(handle);
}

static void status_put(const char *name, ULONG *status)
{
    const DRIVER_OBJECT *d = io_driver_find(name);
    memset(status, 0, 28);
    status[0] = SERVICE_KERNEL_DRIVER;
    status[1] = d ? RUNNING : STOPPED;
    status[2] = d && d->DriverUnload ? ACCEPT_STOP : 0;
}

BOOL QueryServiceStatus(uint64_t handle, ULONG *status)
{
    struct service_handle *h = handle_find(handle);
    if (!h || !h->name[0])
        return w32_error(ERROR_INVALID_HANDLE);
    status_put(h->name, status);
    return TRUE;
}

BOOL QueryServiceStatusEx(uint64_t handle, ULONG level, ULONG *status, ULONG size, ULONG *needed)
{
    struct service_handle *h = handle_find(handle);
    if (!h || !h->name[0])
        return w32_error(ERROR_INVALID_HANDLE);
    *needed = 36;
    if (size < 36)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    status_put(h->name, status);
    status[7] = status[8] = 0; /* process, flags */
    return TRUE;
}

BOOL ControlService(uint64_t handle, ULONG control, ULONG *status)
{
    struct service_handle *h = handle_find(handle);
    if (!h || !h->name[0])
        return w32_error(ERROR_INVALID_HANDLE);
    const DRIVER_OBJECT *d = io_driver_find(h->name);
    if (!d)
        return w32_error(ERROR_SERVICE_NOT_ACTIVE_);
    if (control != CONTROL_STOP && control != CONTROL_INTERROGATE)
        return w32_error(ERROR_INVALID_SERVICE_CONTROL_);
    if (control == CONTROL_STOP) {
        if (!d->DriverUnload)
            return w32_error(ERROR_INVALID_SERVICE_CONTROL_);
        struct job *j = sim_alloc(sizeof *j);
        copy(h->name, j->name, sizeof j->name);
        w32_console_flush();
        NTSTATUS s = job_do(j);
        sim_free(j, sizeof *j);
        if (!NT_SUCCESS(s))
            return w32_fail(s);
    }
    status_put(h->name, status);
    return TRUE;
}

BOOL DeleteService(uint64_t handle)
{
    struct service_handle *h = handle_find(handle);
    if (!h || !h->name[0])
        return w32_error(ERROR_INVALID_HANDLE);
    for (struct service **at = &room()->services; *at; at = &(*at)->next) {
        struct service *s = *at;
        if (strcasecmp(s->name, h->name) != 0)
            continue;
        if (s->deleted)
            return w32_error(ERROR_SERVICE_MARKED_FOR_DELETE_);
        s->deleted = true;
        return TRUE;
    }
    return TRUE; /* one that the configuration loaded stays */
}

/* ---- configuration ---- */

/* QUERY_SERVICE_CONFIG: type, start, error control, path, load order group, tag, dependencies, account, display name; the strings
 * lie behind it. */
static BOOL query_config(uint64_t handle, uint8_t *to, ULONG bytes, ULONG *needed, bool wide)
{
    struct service_handle *h = handle_find(handle);
    if (!h || !h->name[0])
        return w32_error(ERROR_INVALID_HANDLE);
    char key[128], path[300] = "";
    uint32_t start = 3, type;
    key_of(h->name, key, sizeof key);
    cm_get_value(key, "Start", &type, &start, 4);
    const struct service *s = find(h->name);
    snprintf(path, sizeof path, "%s", s ? s->file : "");
    const char *const texts[] = { path, "", "", "", h->name };
    static const uint8_t at[] = { 16, 24, 40, 48, 56 };
    size_t unit = wide ? 2 : 1, size = 64;
    for (int i = 0; i < 5; i++)
        size += (strlen(texts[i]) + 2) * unit;
    *needed = (ULONG)size;
    if (bytes < size)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memset(to, 0, size);
    const ULONG head[3] = { SERVICE_KERNEL_DRIVER, start, 1 };
    memcpy(to, head, sizeof head);
    uint8_t *next = to + 64;
    for (int i = 0; i < 5; i++) {
        memcpy(to + at[i], &next, 8);
        for (size_t k = 0; texts[i][k]; k++)
            next[k * unit] = (uint8_t)texts[i][k];
        next += (strlen(texts[i]) + 2) * unit;
    }
    return TRUE;
}

BOOL QueryServiceConfigA(uint64_t handle, uint8_t *to, ULONG bytes, ULONG *needed)
{
    return query_config(handle, to, bytes, needed, false);
}

BOOL QueryServiceConfigW(uint64_t handle, uint8_t *to, ULONG bytes, ULONG *needed)
{
    return query_config(handle, to, bytes, needed, true);
}

enum { NO_CHANGE = -1 };

static BOOL change_config(uint64_t handle, ULONG start, const char *path)
{
    struct service_handle *h = handle_find(handle);
    struct service *s = h && h->name[0] ? find(h->name) : NULL;
    char key[128];
    if (!h || !h->name[0])
        return w32_error(ERROR_INVALID_HANDLE);
    if (s && start != (ULONG)NO_CHANGE)
        s->start = start;
    if (s && path[0])
        copy(path, s->file, sizeof s->file);
    key_of(h->name, key, sizeof key);
    if (start != (ULONG)NO_CHANGE)
        cm_set_dword(key, "Start", start);
    return TRUE;
}

/* handle, type, start, error control, path, … */
BOOL ChangeServiceConfigW(const uint64_t *a)
{
    char path[260];
    narrow((const WCHAR *)a[4], path, sizeof path);
    return change_config(a[0], (ULONG)a[2], path);
}

BOOL ChangeServiceConfigA(const uint64_t *a)
{
    char path[260];
    copy((const char *)a[4], path, sizeof path);
    return change_config(a[0], (ULONG)a[2], path);
}

/* ---- the same without the manager: the service's registry key says what to load ---- */

static bool key_name(const UNICODE_STRING *key, char *name, size_t size)
{
    size_t n = key->Length / 2, from = n;
    while (from && key->Buffer[from - 1] != '\\')
        from--;
    if (n == from || n - from >= size)
        return false;
    for (size_t i = from; i < n; i++)
        name[i - from] = (char)key->Buffer[i];
    name[n - from] = 0;
    return true;
}

NTSTATUS NtLoadDriver(const UNICODE_STRING *key)
{
    struct job *j = sim_alloc(sizeof *j);
    char path[128], image[300] = "";
    uint32_t type;
    NTSTATUS s = STATUS_INVALID_PARAMETER;
    j->load = true;
    if (key_name(key, j->name, sizeof j->name)) {
        uint8_t value[600] = { 0 };
        key_of(j->name, path, sizeof path);
        int64_t bytes = cm_get_value(path, "ImagePath", &type, value, sizeof value - 2);
        narrow((const WCHAR *)value, image, sizeof image);
        s = bytes < 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
    }
    w32_console_flush();
    if (NT_SUCCESS(s) && is_running(j->name))
        s = STATUS_IMAGE_ALREADY_LOADED;
    else if (NT_SUCCESS(s))
        s = service_file_hook && service_file_hook(base_name(image), j->path, sizeof j->path) ? job_do(j) : STATUS_OBJECT_NAME_NOT_FOUND;
    sim_free(j, sizeof *j);
    return s;
}

NTSTATUS NtUnloadDriver(const UNICODE_STRING *key)
{
    struct job *j = sim_alloc(sizeof *j);
    NTSTATUS s = STATUS_INVALID_PARAMETER;
    w32_console_flush();
    if (key_name(key, j->name, sizeof j->name)) {
        const DRIVER_OBJECT *d = io_driver_find(j->name);
        s = !d ? STATUS_OBJECT_NAME_NOT_FOUND : !d->DriverUnload ? STATUS_INVALID_DEVICE_REQUEST : job_do(j);
    }
    sim_free(j, sizeof *j);
    return s;
}
