/* The service control manager, as far as programs that load a driver need it. A service is a driver: those that the configuration
 * loaded are there and running; others are made from a file, which the session finds by name. */
#include "win32/service.h"

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

BOOL CloseServiceHandle(uint64_t handle)
{
    for (struct service_handle **at = &room()->handles; *at; at = &(*at)->next) {
        struct service_handle *h = *at;
        if (h->value != handle)
            continue;
        *at = h->next;
        sim_free(h, sizeof *h);
        return TRUE;
    }
    return w32_error(ERROR_INVALID_HANDLE);
}

static uint64_t open_service(uint64_t manager, const char *name)
{
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

static uint64_t create_service(uint64_t manager, const char *name, ULONG type, ULONG start, const char *path)
{
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
        if (is_running(s->name)) { /* goes when it stops */
            s->deleted = true;
            return TRUE;
        }
        *at = s->next;
        sim_free(s, sizeof *s);
        return TRUE;
    }
    return TRUE; /* one that the configuration loaded stays */
}
