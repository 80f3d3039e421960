/* The service control manager, as far as programs that load a driver need it. What it knows of a service lies in the registry, as on
 * Windows; here are handles, who is marked for deletion, and how the last start ended. Drivers that the configuration loaded are services
 * that run. Services that are programs can be created and looked at, not started. */
#include "sim/access.h"
#include "win32/service.h"

#include "cm/cm.h"
#include "io/room.h"
#include "ke/ke.h"
#include "win32/win32.h"

#include <stdio.h>
#include <strings.h>

bool (*service_file_hook)(const char *image, char *path, size_t size);

enum { E_DEPENDENT_RUNNING = 1051, E_INVALID_CONTROL = 1052, E_ALREADY_RUNNING = 1056, E_DISABLED = 1058, E_DOES_NOT_EXIST = 1060, E_CANNOT_ACCEPT = 1061,
       E_NOT_ACTIVE = 1062, E_DATABASE = 1065, E_NEVER_STARTED = 1077, E_MARKED_FOR_DELETE = 1072, E_EXISTS = 1073, E_DUPLICATE_NAME = 1078,
       E_SERVER_UNAVAILABLE = 1722, E_TIMEOUT = 1053, E_MORE_DATA = 234, E_INVALID_LEVEL = 124 };
enum { KERNEL_DRIVER = 1, FILE_SYSTEM_DRIVER = 2, OWN_PROCESS = 0x10, SHARE_PROCESS = 0x20, STOPPED = 1, STOP_PENDING = 3, RUNNING = 4, ACCEPT_STOP = 1,
       CONTROL_STOP = 1, CONTROL_PAUSE = 2, CONTROL_CONTINUE = 3, CONTROL_INTERROGATE = 4, NO_CHANGE = -1, START_DISABLED = 4 };
/* Access rights */
enum { MANAGER_CREATE = 2, MANAGER_ENUMERATE = 4, MANAGER_ALL = 0xF003F, QUERY_CONFIG = 1, CHANGE_CONFIG = 2, QUERY_STATUS = 4, DEPENDENTS = 8, START = 0x10,
       STOP = 0x20, PAUSE = 0x40, INTERROGATE = 0x80, DELETE_RIGHT = 0x10000, SERVICE_ALL = 0xF01FF };

enum { NAME = 80, TEXT = 400 };

/* Beside the registry. */
struct service {
    struct service *next;
    char name[NAME];
    ULONG exit_code; /* of the last start or stop */
    bool deleted; /* goes when nobody has a handle and its driver has stopped */
};

/* What an SC_HANDLE stands for. */
struct service_handle {
    struct service_handle *next;
    uint64_t value;
    ULONG access;
    char name[NAME]; /* empty: the manager */
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

/* A text of the caller's, narrow or wide. */
static void take(uint64_t text, bool wide, char *out, size_t size)
{
    if (wide)
        narrow((const WCHAR *)text, out, size);
    else
        copy((const char *)text, out, size);
}

/* ---- the registry ---- */

static void key_of(const char *name, char *path, size_t size)
{
    snprintf(path, size, "HKLM\\System\\CurrentControlSet\\Services\\%s", name);
}

static ULONG number_of(const char *name, const char *value, ULONG otherwise)
{
    char key[200];
    uint32_t type, n = otherwise;
    key_of(name, key, sizeof key);
    return cm_get_value(key, value, &type, &n, 4) == 4 ? n : otherwise;
}

static void text_of(const char *name, const char *value, char *out, size_t size)
{
    char key[200];
    WCHAR data[TEXT + 1] = { 0 };
    uint32_t type;
    key_of(name, key, sizeof key);
    int64_t bytes = cm_get_value(key, value, &type, data, sizeof data - 2);
    narrow(bytes > 0 ? data : NULL, out, size);
}

static bool is_there(const char *name)
{
    char key[200];
    key_of(name, key, sizeof key);
    return name[0] && cm_get_value(key, "Type", NULL, NULL, 0) >= 0;
}

static void put_text(const char *name, const char *value, const char *text)
{
    char key[200];
    key_of(name, key, sizeof key);
    cm_set_text(key, value, text);
}

static void put_number(const char *name, const char *value, ULONG n)
{
    char key[200];
    key_of(name, key, sizeof key);
    cm_set_dword(key, value, n);
}

static void forget_key(const char *name)
{
    static const char *const values[] = { "Type", "Start", "ErrorControl", "ImagePath", "DisplayName", "Description", "Group", "Tag", "DependOnService", "ObjectName" };
    char key[200];
    HANDLE h;
    key_of(name, key, sizeof key);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        cm_delete_value(key, values[i]);
    if (NT_SUCCESS(cm_open(key, false, 0xF003F, &h))) {
        ZwDeleteKey(h); /* one with keys of its own stays, but is no service any more */
        ob_handle_close(ps_system(), h);
    }
}

/* ---- services ---- */

static struct service *record(const char *name, bool make)
{
    struct service *s = room()->services;
    while (s && strcasecmp(s->name, name) != 0)
        s = s->next;
    if (!s && make) {
        s = sim_alloc(sizeof *s);
        copy(name, s->name, sizeof s->name);
        s->exit_code = E_NEVER_STARTED;
        s->next = room()->services;
        room()->services = s;
    }
    return s;
}

static bool is_running(const char *name)
{
    return io_driver_find(name) != NULL;
}

static bool is_deleted(const char *name)
{
    const struct service *s = record(name, false);
    return s && s->deleted;
}

static bool has_handle(const char *name)
{
    for (struct service_handle *h = room()->handles; h; h = h->next)
        if (strcasecmp(h->name, name) == 0)
            return true;
    return false;
}

static void purge(void)
{
    for (struct service **at = &room()->services; *at;) {
        struct service *s = *at;
        if (!s->deleted || has_handle(s->name) || is_running(s->name)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        forget_key(s->name);
        sim_free(s, sizeof *s);
    }
}

struct enumeration {
    void (*fn)(void *ctx, const char *name);
    void *ctx;
};

static void each_value(void *ctx, const char *path, const char *name, uint32_t type, const void *data, size_t size)
{
    struct enumeration *e = ctx;
    static const char below[] = "\\System\\CurrentControlSet\\Services\\";
    const char *at = strcasestr(path, below);
    if (at && strcasecmp(name, "Type") == 0 && type == REG_DWORD && !strchr(at + sizeof below - 1, '\\'))
        e->fn(e->ctx, at + sizeof below - 1);
}

/* In the order of their names. */
static void each_service(void (*fn)(void *ctx, const char *name), void *ctx)
{
    struct enumeration e = { fn, ctx };
    cm_walk(each_value, &e);
}

/* ---- handles ---- */

static uint64_t handle_new(const char *name, ULONG access)
{
    const bool manager = !name[0];
    ULONG a = access & 0x1FFFFF;
    if (access & 0x80000000)
        a |= manager ? MANAGER_ENUMERATE | 0x10 : QUERY_CONFIG | QUERY_STATUS | INTERROGATE | DEPENDENTS;
    if (access & GENERIC_WRITE)
        a |= manager ? MANAGER_CREATE | 0x20 : CHANGE_CONFIG;
    if (access & GENERIC_EXECUTE)
        a |= manager ? 1 | 8 : START | STOP | PAUSE | 0x100;
    if (access & (GENERIC_ALL | 0x02000000))
        a |= manager ? MANAGER_ALL : SERVICE_ALL;
    struct service_room *r = room();
    struct service_handle *h = sim_alloc(sizeof *h);
    copy(name, h->name, sizeof h->name);
    h->access = a;
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

/* The handle of a service (or of the manager) with these rights; NULL: the last error says why. */
static struct service_handle *handle_for(uint64_t value, bool manager, ULONG access)
{
    struct service_handle *h = handle_find(value);
    if (!h || !h->name[0] != manager)
        w32_error(ERROR_INVALID_HANDLE);
    else if ((h->access & access) != access)
        w32_error(ERROR_ACCESS_DENIED);
    else
        return h;
    return NULL;
}

static uint64_t open_manager(const char *machine, const char *database, ULONG access)
{
    if (database[0] && strcasecmp(database, "ServicesActive") != 0)
        return w32_error(strcasecmp(database, "ServicesFailed") == 0 ? E_DATABASE : ERROR_INVALID_NAME), 0;
    while (*machine == '\\')
        machine++;
    if (machine[0] && strcasecmp(machine, "IRPLAB") != 0 && strcasecmp(machine, "localhost") != 0 && strcmp(machine, ".") != 0)
        return w32_error(E_SERVER_UNAVAILABLE), 0;
    return handle_new("", access);
}

uint64_t OpenSCManagerW(const WCHAR *machine, const WCHAR *database, ULONG access)
{
    char m[NAME], d[NAME];
    narrow(machine, m, sizeof m);
    narrow(database, d, sizeof d);
    return open_manager(m, d, access);
}

uint64_t OpenSCManagerA(const char *machine, const char *database, ULONG access)
{
    return open_manager(machine ? machine : "", database ? database : "", access);
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

static bool is_name(const char *name)
{
    return name[0] && strlen(name) < NAME - 1 && !strpbrk(name, "/\\");
}

static uint64_t open_service(uint64_t manager, const char *name, ULONG access)
{
    purge();
    if (!handle_for(manager, true, 0))
        return 0;
    if (!is_name(name))
        return w32_error(ERROR_INVALID_NAME), 0;
    if (!is_there(name) && !is_running(name))
        return w32_error(E_DOES_NOT_EXIST), 0;
    return handle_new(name, access);
}

uint64_t OpenServiceW(uint64_t manager, const WCHAR *name, ULONG access)
{
    char n[NAME];
    narrow(name, n, sizeof n);
    return open_service(manager, n, access);
}

uint64_t OpenServiceA(uint64_t manager, const char *name, ULONG access)
{
    char n[NAME];
    copy(name, n, sizeof n);
    return open_service(manager, n, access);
}

/* ---- creating ---- */

struct same_name {
    const char *display, *name;
    bool found;
};

static void compare_display(void *ctx, const char *name)
{
    struct same_name *s = ctx;
    char own[TEXT];
    text_of(name, "DisplayName", own, sizeof own);
    if (strcasecmp(name, s->name) != 0 && (strcasecmp(own, s->display) == 0 || strcasecmp(name, s->display) == 0))
        s->found = true;
}

static bool type_is_valid(ULONG type)
{
    type &= ~0x100u; /* interactive */
    return type == KERNEL_DRIVER || type == FILE_SYSTEM_DRIVER || type == 4 || type == 8 || type == OWN_PROCESS || type == SHARE_PROCESS || type == 0x50 || type == 0x60;
}

/* What the manager writes for a driver: its image as the kernel names it. */
static void put_image(const char *name, ULONG type, const char *path)
{
    char image[TEXT + 8];
    bool driver = type == KERNEL_DRIVER || type == FILE_SYSTEM_DRIVER;
    snprintf(image, sizeof image, "%s%s", driver && path[0] && path[1] == ':' ? "\\??\\" : "", path);
    put_text(name, "ImagePath", image);
}

/* a: manager, name, display name, access, type, start, error control, path, group, tag, dependencies, account, password. */
static uint64_t create_service(const uint64_t *a, bool wide)
{
    char name[NAME], display[TEXT], path[TEXT], group[TEXT];
    ULONG type = (ULONG)a[4], start = (ULONG)a[5], control = (ULONG)a[6];
    take(a[1], wide, name, sizeof name);
    take(a[2], wide, display, sizeof display);
    take(a[7], wide, path, sizeof path);
    take(a[8], wide, group, sizeof group);
    purge();
    if (!handle_for(a[0], true, MANAGER_CREATE))
        return 0;
    if (!is_name(name))
        return w32_error(ERROR_INVALID_NAME), 0;
    if (!type_is_valid(type) || start > START_DISABLED || control > 3 || !path[0])
        return w32_error(ERROR_INVALID_PARAMETER), 0;
    /* DOC: boot and system start are for drivers. */
    if (start < 2 && type != KERNEL_DRIVER && type != FILE_SYSTEM_DRIVER)
        return w32_error(ERROR_INVALID_PARAMETER), 0;
    if (is_deleted(name))
        return w32_error(E_MARKED_FOR_DELETE), 0;
    if (is_there(name) || is_running(name))
        return w32_error(E_EXISTS), 0;
    struct same_name s = { display, name, false };
    if (display[0])
        each_service(compare_display, &s);
    if (s.found)
        return w32_error(E_DUPLICATE_NAME), 0;
    record(name, true)->exit_code = E_NEVER_STARTED;
    put_number(name, "Type", type);
    put_number(name, "Start", start);
    put_number(name, "ErrorControl", control);
    put_image(name, type, path);
    put_text(name, "DisplayName", display[0] ? display : name);
    if (group[0])
        put_text(name, "Group", group);
    if (type & (OWN_PROCESS | SHARE_PROCESS))
        put_text(name, "ObjectName", "LocalSystem");
    if (a[9])
        *(ULONG *)a[9] = 0;
    return handle_new(name, (ULONG)a[3]);
}

uint64_t CreateServiceW(const uint64_t *a)
{
    return create_service(a, true);
}

uint64_t CreateServiceA(const uint64_t *a)
{
    return create_service(a, false);
}

/* ---- starting and stopping: in a system thread, as the manager asks the kernel to ---- */

struct job {
    char path[512], name[NAME], error[400];
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
        j->status = d ? io_stop_driver(d) : STATUS_OBJECT_NAME_NOT_FOUND;
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

/* The image of a service whose ImagePath is given, for the host; "" names the usual place. */
static bool find_image(const char *service, const char *image, char *path, size_t size)
{
    char usual[NAME + 8];
    snprintf(usual, sizeof usual, "%s.sys", service);
    return service_file_hook && service_file_hook(image[0] ? image : usual, path, size);
}

/* A driver may load another: there is no console then. */
static void flush_output(void)
{
    if (ps_current_process() != ps_system())
        w32_console_flush();
}

static NTSTATUS load(const char *name, const char *image)
{
    struct job *j = sim_alloc(sizeof *j);
    sim_name(j, sizeof *j, SIM_ACCESS_OF(SIM_JOB, ps_current()->ethread));
    NTSTATUS s = STATUS_OBJECT_NAME_NOT_FOUND;
    j->load = true;
    copy(name, j->name, sizeof j->name);
    flush_output();
    if (find_image(name, image, j->path, sizeof j->path))
        s = job_do(j);
    sim_free(j, sizeof *j);
    return s;
}

static NTSTATUS unload(const char *name)
{
    struct job *j = sim_alloc(sizeof *j);
    sim_name(j, sizeof *j, SIM_ACCESS_OF(SIM_JOB, ps_current()->ethread));
    copy(name, j->name, sizeof j->name);
    flush_output();
    NTSTATUS s = job_do(j);
    sim_free(j, sizeof *j);
    return s;
}

static BOOL start(uint64_t handle)
{
    char image[TEXT];
    const struct service_handle *h = handle_for(handle, false, START);
    if (!h)
        return FALSE;
    if (is_running(h->name))
        return w32_error(E_ALREADY_RUNNING);
    if (is_deleted(h->name))
        return w32_error(E_MARKED_FOR_DELETE);
    if (!is_there(h->name))
        return w32_error(E_DOES_NOT_EXIST);
    if (number_of(h->name, "Start", 3) == START_DISABLED)
        return w32_error(E_DISABLED);
    ULONG type = number_of(h->name, "Type", KERNEL_DRIVER);
    if (type != KERNEL_DRIVER && type != FILE_SYSTEM_DRIVER)
        return w32_error(E_TIMEOUT); /* a program: nobody starts it here, and so it does not answer */
    char name[NAME];
    copy(h->name, name, sizeof name); /* the handle may be closed meanwhile */
    text_of(name, "ImagePath", image, sizeof image);
    NTSTATUS s = load(name, image);
    record(name, true)->exit_code = NT_SUCCESS(s) ? 0 : rtl_nt_status_to_dos_error(s);
    return w32_result(s);
}

BOOL StartServiceW(uint64_t handle, ULONG count, void *arguments)
{
    return start(handle);
}

BOOL StartServiceA(uint64_t handle, ULONG count, void *arguments)
{
    return start(handle);
}

/* SERVICE_STATUS */
static void status_put(const char *name, ULONG *status)
{
    const DRIVER_OBJECT *d = io_driver_find(name);
    const struct service *s = record(name, false);
    const bool going = d && io_driver_is_stopping(d);
    memset(status, 0, 28);
    status[0] = number_of(name, "Type", KERNEL_DRIVER);
    status[1] = going ? STOP_PENDING : d ? RUNNING : STOPPED;
    status[2] = d && !going && d->DriverUnload ? ACCEPT_STOP : 0;
    status[3] = d ? 0 : s ? s->exit_code : E_NEVER_STARTED;
}

BOOL QueryServiceStatus(uint64_t handle, ULONG *status)
{
    const struct service_handle *h = handle_for(handle, false, QUERY_STATUS);
    if (!h)
        return FALSE;
    status_put(h->name, status);
    return TRUE;
}

BOOL QueryServiceStatusEx(uint64_t handle, ULONG level, ULONG *status, ULONG size, ULONG *needed)
{
    const struct service_handle *h = handle_for(handle, false, QUERY_STATUS);
    if (!h)
        return FALSE;
    if (level != 0)
        return w32_error(E_INVALID_LEVEL);
    *needed = 36;
    if (size < 36)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    status_put(h->name, status);
    status[7] = status[8] = 0; /* process, flags */
    return TRUE;
}

static BOOL control(uint64_t handle, ULONG control, ULONG *status)
{
    static const ULONG rights[] = { 0, STOP, PAUSE, PAUSE, INTERROGATE };
    const struct service_handle *h = handle_for(handle, false, control < 5 ? rights[control] : 0);
    if (!h)
        return FALSE;
    if (control == 0 || control > 255)
        return w32_error(ERROR_INVALID_PARAMETER);
    const DRIVER_OBJECT *d = io_driver_find(h->name);
    if (!d) {
        status_put(h->name, status);
        return w32_error(E_NOT_ACTIVE);
    }
    if (control != CONTROL_STOP && control != CONTROL_INTERROGATE)
        return w32_error(E_INVALID_CONTROL);
    if (control == CONTROL_STOP && io_driver_is_stopping(d)) {
        status_put(h->name, status);
        return w32_error(E_CANNOT_ACCEPT);
    }
    if (control == CONTROL_STOP) {
        if (!d->DriverUnload)
            return w32_error(E_INVALID_CONTROL);
        char name[NAME];
        copy(h->name, name, sizeof name);
        NTSTATUS s = unload(name);
        if (!NT_SUCCESS(s))
            return w32_error(s == STATUS_INVALID_DEVICE_REQUEST ? E_INVALID_CONTROL : rtl_nt_status_to_dos_error(s));
        record(name, true)->exit_code = 0;
        status_put(name, status);
        purge();
        return TRUE;
    }
    status_put(h->name, status);
    return TRUE;
}

BOOL ControlService(uint64_t handle, ULONG code, ULONG *status)
{
    return control(handle, code, status);
}

/* SERVICE_CONTROL_STATUS_REASON_PARAMS: reason, comment, SERVICE_STATUS_PROCESS. */
static BOOL control_ex(uint64_t handle, ULONG code, ULONG level, uint8_t *parameters)
{
    return level == 1 ? control(handle, code, (ULONG *)(parameters + 16)) : w32_error(E_INVALID_LEVEL);
}

BOOL ControlServiceExW(uint64_t handle, ULONG code, ULONG level, uint8_t *parameters)
{
    return control_ex(handle, code, level, parameters);
}

BOOL ControlServiceExA(uint64_t handle, ULONG code, ULONG level, uint8_t *parameters)
{
    return control_ex(handle, code, level, parameters);
}

BOOL DeleteService(uint64_t handle)
{
    const struct service_handle *h = handle_for(handle, false, DELETE_RIGHT);
    if (!h)
        return FALSE;
    struct service *s = record(h->name, true);
    if (s->deleted)
        return w32_error(E_MARKED_FOR_DELETE);
    s->deleted = true;
    return TRUE;
}

/* ---- configuration ---- */

static size_t put(uint8_t *to, const char *text, bool wide)
{
    size_t n = 0;
    for (;; n++) {
        if (wide)
            ((WCHAR *)to)[n] = (uint8_t)text[n];
        else
            to[n] = (uint8_t)text[n];
        if (!text[n])
            break;
    }
    return (n + 1) * (wide ? 2 : 1);
}

/* QUERY_SERVICE_CONFIG: type, start, error control, path, load order group, tag, dependencies, account, display name; the strings
 * lie behind it. */
static BOOL query_config(uint64_t handle, uint8_t *to, ULONG bytes, ULONG *needed, bool wide)
{
    const struct service_handle *h = handle_for(handle, false, QUERY_CONFIG);
    char path[TEXT], group[TEXT], account[TEXT], display[TEXT];
    if (!h)
        return FALSE;
    text_of(h->name, "ImagePath", path, sizeof path);
    text_of(h->name, "Group", group, sizeof group);
    text_of(h->name, "ObjectName", account, sizeof account);
    text_of(h->name, "DisplayName", display, sizeof display);
    const char *const texts[] = { path, group, "", account, display[0] ? display : h->name };
    static const uint8_t at[] = { 16, 24, 40, 48, 56 };
    size_t unit = wide ? 2 : 1, size = 64;
    for (int i = 0; i < 5; i++)
        size += (strlen(texts[i]) + 2) * unit;
    *needed = (ULONG)size;
    if (bytes < size)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memset(to, 0, size);
    const ULONG head[3] = { number_of(h->name, "Type", KERNEL_DRIVER), number_of(h->name, "Start", 3), number_of(h->name, "ErrorControl", 1) };
    memcpy(to, head, sizeof head);
    uint8_t *next = to + 64;
    for (int i = 0; i < 5; i++) {
        memcpy(to + at[i], &next, 8);
        put(next, texts[i], wide);
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

/* a: handle, type, start, error control, path, group, tag, dependencies, account, password, display name. */
static BOOL change_config(const uint64_t *a, bool wide)
{
    const struct service_handle *h = handle_for(a[0], false, CHANGE_CONFIG);
    ULONG type = (ULONG)a[1], start = (ULONG)a[2], error = (ULONG)a[3];
    char path[TEXT], display[TEXT];
    if (!h)
        return FALSE;
    if (is_deleted(h->name))
        return w32_error(E_MARKED_FOR_DELETE);
    if ((type != (ULONG)NO_CHANGE && !type_is_valid(type)) || (start != (ULONG)NO_CHANGE && start > START_DISABLED) || (error != (ULONG)NO_CHANGE && error > 3))
        return w32_error(ERROR_INVALID_PARAMETER);
    take(a[4], wide, path, sizeof path);
    take(a[10], wide, display, sizeof display);
    struct same_name s = { display, h->name, false };
    if (display[0])
        each_service(compare_display, &s);
    if (s.found)
        return w32_error(E_DUPLICATE_NAME);
    if (type != (ULONG)NO_CHANGE)
        put_number(h->name, "Type", type);
    if (start != (ULONG)NO_CHANGE)
        put_number(h->name, "Start", start);
    if (error != (ULONG)NO_CHANGE)
        put_number(h->name, "ErrorControl", error);
    if (path[0])
        put_image(h->name, number_of(h->name, "Type", KERNEL_DRIVER), path);
    if (display[0])
        put_text(h->name, "DisplayName", display);
    return TRUE;
}

BOOL ChangeServiceConfigW(const uint64_t *a)
{
    return change_config(a, true);
}

BOOL ChangeServiceConfigA(const uint64_t *a)
{
    return change_config(a, false);
}

enum { INFO_DESCRIPTION = 1, INFO_FAILURE_ACTIONS = 2, INFO_DELAYED_START = 3, INFO_SID = 5, INFO_PRESHUTDOWN = 7 };

static BOOL change_config2(uint64_t handle, ULONG level, const uint64_t *info, bool wide)
{
    const struct service_handle *h = handle_for(handle, false, CHANGE_CONFIG);
    char text[TEXT];
    if (!h)
        return FALSE;
    if (level != INFO_DESCRIPTION) /* of programs: kept by nobody */
        return level >= 2 && level <= 12 ? TRUE : w32_error(E_INVALID_LEVEL);
    if (!info[0])
        return TRUE; /* DOC: NULL leaves it */
    take(info[0], wide, text, sizeof text);
    char key[200];
    key_of(h->name, key, sizeof key);
    if (text[0])
        put_text(h->name, "Description", text);
    else
        cm_delete_value(key, "Description");
    return TRUE;
}

BOOL ChangeServiceConfig2W(uint64_t handle, ULONG level, const uint64_t *info)
{
    return change_config2(handle, level, info, true);
}

BOOL ChangeServiceConfig2A(uint64_t handle, ULONG level, const uint64_t *info)
{
    return change_config2(handle, level, info, false);
}

static BOOL query_config2(uint64_t handle, ULONG level, uint8_t *to, ULONG bytes, ULONG *needed, bool wide)
{
    const struct service_handle *h = handle_for(handle, false, QUERY_CONFIG);
    char text[TEXT] = "";
    if (!h)
        return FALSE;
    if (level < INFO_DESCRIPTION || level > 12)
        return w32_error(E_INVALID_LEVEL);
    if (level == INFO_DESCRIPTION)
        text_of(h->name, "Description", text, sizeof text);
    size_t size = level == INFO_DESCRIPTION ? 8 + (text[0] ? (strlen(text) + 1) * (wide ? 2 : 1) : 0) : level == INFO_FAILURE_ACTIONS ? 40 : 4;
    *needed = (ULONG)size;
    if (bytes < size)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memset(to, 0, size);
    if (text[0]) {
        *(uint64_t *)to = (uint64_t)(to + 8);
        put(to + 8, text, wide);
    }
    return TRUE;
}

BOOL QueryServiceConfig2W(uint64_t handle, ULONG level, uint8_t *to, ULONG bytes, ULONG *needed)
{
    return query_config2(handle, level, to, bytes, needed, true);
}

BOOL QueryServiceConfig2A(uint64_t handle, ULONG level, uint8_t *to, ULONG bytes, ULONG *needed)
{
    return query_config2(handle, level, to, bytes, needed, false);
}

/* ---- names ---- */

struct by_display {
    const char *display;
    char name[NAME];
};

static void find_display(void *ctx, const char *name)
{
    struct by_display *b = ctx;
    char own[TEXT];
    text_of(name, "DisplayName", own, sizeof own);
    if (!b->name[0] && strcasecmp(own[0] ? own : name, b->display) == 0)
        copy(name, b->name, sizeof b->name);
}

/* chars: room in, length without the zero out. */
static BOOL give_name(const char *text, void *to, ULONG *chars, bool wide)
{
    ULONG length = (ULONG)strlen(text), space = *chars;
    *chars = length;
    if (!to || space <= length)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    put(to, text, wide);
    return TRUE;
}

static BOOL display_name(uint64_t manager, const char *name, void *to, ULONG *chars, bool wide)
{
    char text[TEXT];
    if (!handle_for(manager, true, 0))
        return FALSE;
    if (!is_there(name))
        return w32_error(E_DOES_NOT_EXIST);
    text_of(name, "DisplayName", text, sizeof text);
    return give_name(text[0] ? text : name, to, chars, wide);
}

BOOL GetServiceDisplayNameW(uint64_t manager, const WCHAR *name, WCHAR *to, ULONG *chars)
{
    char n[NAME];
    narrow(name, n, sizeof n);
    return display_name(manager, n, to, chars, true);
}

BOOL GetServiceDisplayNameA(uint64_t manager, const char *name, char *to, ULONG *chars)
{
    return display_name(manager, name, to, chars, false);
}

static BOOL key_name_of(uint64_t manager, const char *display, void *to, ULONG *chars, bool wide)
{
    struct by_display b = { display, "" };
    if (!handle_for(manager, true, 0))
        return FALSE;
    each_service(find_display, &b);
    return b.name[0] ? give_name(b.name, to, chars, wide) : w32_error(E_DOES_NOT_EXIST);
}

BOOL GetServiceKeyNameW(uint64_t manager, const WCHAR *display, WCHAR *to, ULONG *chars)
{
    char d[TEXT];
    narrow(display, d, sizeof d);
    return key_name_of(manager, d, to, chars, true);
}

BOOL GetServiceKeyNameA(uint64_t manager, const char *display, char *to, ULONG *chars)
{
    return key_name_of(manager, display, to, chars, false);
}

/* ---- enumerating: ENUM_SERVICE_STATUS (two names, a status) or …_PROCESS; structures from the front, strings from the back ---- */

struct listing {
    uint8_t *to;
    size_t room, used, strings; /* used: structures, strings: from the end */
    size_t record, needed; /* of those that did not fit */
    ULONG type, state, index, first, count;
    bool wide, process, full;
};

static void list_one(void *ctx, const char *name)
{
    struct listing *l = ctx;
    char display[TEXT];
    ULONG status[7];
    status_put(name, status);
    bool active = status[1] != STOPPED;
    if (!(status[0] & l->type) || !(l->state & (active ? 1 : 2)) || l->index++ < l->first)
        return;
    text_of(name, "DisplayName", display, sizeof display);
    const char *const shown = display[0] ? display : name;
    size_t unit = l->wide ? 2 : 1, texts = (strlen(name) + strlen(shown) + 2) * unit;
    if (l->full || l->used + l->record + l->strings + texts > l->room) {
        l->full = true;
        l->needed += l->record + texts;
        return;
    }
    uint8_t *at = l->to + l->used, *end = l->to + (l->room & ~(size_t)1) - l->strings - texts;
    const uint64_t names[2] = { (uint64_t)end, (uint64_t)(end + (strlen(name) + 1) * unit) };
    memset(at, 0, l->record);
    memcpy(at, names, sizeof names);
    memcpy(at + 16, status, sizeof status);
    put(end, name, l->wide);
    put((uint8_t *)names[1], shown, l->wide);
    l->used += l->record;
    l->strings += texts;
    l->count++;
}

static BOOL enumerate(uint64_t manager, bool process, ULONG type, ULONG state, uint8_t *to, ULONG bytes, ULONG *needed, ULONG *count, ULONG *resume, bool wide)
{
    if (!handle_for(manager, true, MANAGER_ENUMERATE))
        return FALSE;
    if (!(type & 0x3F) || state < 1 || state > 3)
        return w32_error(ERROR_INVALID_PARAMETER);
    purge();
    struct listing l = { .to = to, .room = to ? bytes & ~1u : 0, .record = process ? 56 : 48, .type = type, .state = state, .first = resume ? *resume : 0, .wide = wide,
                         .process = process };
    each_service(list_one, &l);
    *needed = (ULONG)l.needed;
    *count = l.count;
    if (resume)
        *resume = l.full ? l.first + l.count : 0;
    return l.full ? w32_error(E_MORE_DATA) : TRUE;
}

BOOL EnumServicesStatusW(uint64_t manager, ULONG type, ULONG state, uint8_t *to, ULONG bytes, ULONG *needed, ULONG *count, ULONG *resume)
{
    return enumerate(manager, false, type, state, to, bytes, needed, count, resume, true);
}

BOOL EnumServicesStatusA(uint64_t manager, ULONG type, ULONG state, uint8_t *to, ULONG bytes, ULONG *needed, ULONG *count, ULONG *resume)
{
    return enumerate(manager, false, type, state, to, bytes, needed, count, resume, false);
}

/* a: manager, level, type, state, to, bytes, needed, count, resume, group */
static BOOL enumerate_ex(const uint64_t *a, bool wide)
{
    if ((ULONG)a[1] != 0)
        return w32_error(E_INVALID_LEVEL);
    return enumerate(a[0], true, (ULONG)a[2], (ULONG)a[3], (uint8_t *)a[4], (ULONG)a[5], (ULONG *)a[6], (ULONG *)a[7], (ULONG *)a[8], wide);
}

BOOL EnumServicesStatusExW(const uint64_t *a)
{
    return enumerate_ex(a, true);
}

BOOL EnumServicesStatusExA(const uint64_t *a)
{
    return enumerate_ex(a, false);
}

/* No service depends on another here. */
static BOOL dependents(uint64_t handle, ULONG *needed, ULONG *count)
{
    if (!handle_for(handle, false, DEPENDENTS))
        return FALSE;
    *needed = *count = 0;
    return TRUE;
}

BOOL EnumDependentServicesW(uint64_t handle, ULONG state, void *to, ULONG bytes, ULONG *needed, ULONG *count)
{
    return dependents(handle, needed, count);
}

BOOL EnumDependentServicesA(uint64_t handle, ULONG state, void *to, ULONG bytes, ULONG *needed, ULONG *count)
{
    return dependents(handle, needed, count);
}

uint64_t LockServiceDatabase(uint64_t manager)
{
    return handle_for(manager, true, 8) ? 0x5CB00000 : 0;
}

BOOL UnlockServiceDatabase(uint64_t lock)
{
    return lock == 0x5CB00000 ? TRUE : w32_error(1071); /* ERROR_INVALID_SERVICE_LOCK */
}

/* DOC: a program that the manager did not start is told so. */
BOOL StartServiceCtrlDispatcherW(const void *table)
{
    return w32_error(1063); /* ERROR_FAILED_SERVICE_CONTROLLER_CONNECT */
}

BOOL StartServiceCtrlDispatcherA(const void *table)
{
    return w32_error(1063);
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
    char name[NAME], path[200], image[TEXT];
    if (!key_name(key, name, sizeof name))
        return STATUS_INVALID_PARAMETER;
    key_of(name, path, sizeof path);
    if (cm_get_value(path, "Type", NULL, NULL, 0) < 0 && cm_get_value(path, "ImagePath", NULL, NULL, 0) < 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (is_running(name))
        return STATUS_IMAGE_ALREADY_LOADED;
    text_of(name, "ImagePath", image, sizeof image);
    return load(name, image);
}

NTSTATUS NtUnloadDriver(const UNICODE_STRING *key)
{
    char name[NAME];
    if (!key_name(key, name, sizeof name))
        return STATUS_INVALID_PARAMETER;
    const DRIVER_OBJECT *d = io_driver_find(name);
    return !d ? STATUS_OBJECT_NAME_NOT_FOUND : !d->DriverUnload || io_driver_is_stopping(d) ? STATUS_INVALID_DEVICE_REQUEST : unload(name);
}
