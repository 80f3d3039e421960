/* File systems: their registration, and what a driver can ask about it.
 *
 * A registered file system's control device stands in one of four lists, by its device type, linked through DEVICE_OBJECT.Queue; one
 * that registers comes before those that are there (unless DO_LOW_PRIORITY_FILESYSTEM). Registration holds a reference. */
#include "io/room.h"

#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "sim/door.h"

enum { LISTS = 4, FILE_DEVICE_TAPE_FILE_SYSTEM = 0x20 };

void io_file_systems_init(void)
{
    struct io_room *r = io_room();
    r->file_systems = ex_pool_alloc(NonPagedPoolNx, LISTS * sizeof *r->file_systems, 0x73466F49 /* "IoFs" */);
    for (int i = 0; i < LISTS; i++)
        r->file_systems[i].Flink = r->file_systems[i].Blink = &r->file_systems[i];
}

/* The list of a device type; NULL: no file system. The heads lie in pool: guest structures point to them. */
static LIST_ENTRY *list_for(DEVICE_TYPE type)
{
    struct io_room *r = io_room();
    switch (type) {
    case FILE_DEVICE_DISK_FILE_SYSTEM:
        return &r->file_systems[0];
    case FILE_DEVICE_CD_ROM_FILE_SYSTEM:
        return &r->file_systems[1];
    case FILE_DEVICE_TAPE_FILE_SYSTEM:
        return &r->file_systems[2];
    case FILE_DEVICE_NETWORK_FILE_SYSTEM:
        return &r->file_systems[3];
    default:
        return NULL;
    }
}

static void insert_after(LIST_ENTRY *at, LIST_ENTRY *e)
{
    e->Blink = at;
    e->Flink = at->Flink;
    at->Flink->Blink = e;
    at->Flink = e;
}

/* ---- who wants to know ---- */

struct fs_watcher {
    DRIVER_OBJECT *driver;
    PVOID routine;
    struct fs_watcher *next;
};

static void tell(DEVICE_OBJECT *device, bool active)
{
    for (const struct fs_watcher *w = io_room()->fs_watchers; w; w = w->next)
        guest_call(FRAME_IopNotifyFsRegistration, w->routine, 2, (uint64_t)device, (uint64_t)active);
}

static struct fs_watcher **find_watcher(const DRIVER_OBJECT *driver, PVOID routine)
{
    struct fs_watcher **at = &io_room()->fs_watchers;
    while (*at && ((*at)->driver != driver || (*at)->routine != routine))
        at = &(*at)->next;
    return at;
}

static void tell_what_is_there(PVOID routine)
{
    for (int i = 0; i < LISTS; i++) {
        LIST_ENTRY *head = &io_room()->file_systems[i];
        for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink)
            guest_call(FRAME_IopNotifyFsRegistration, routine, 2, (uint64_t)e - offsetof(DEVICE_OBJECT, Queue), (uint64_t)TRUE);
    }
}

/* DOC: a callback that registers is called for the file systems that are active already. */
NTSTATUS IoRegisterFsRegistrationChangeMountAware(DRIVER_OBJECT *driver, PVOID routine, ULONG synchronize)
{
    struct fs_watcher **at = find_watcher(driver, routine);
    if (*at)
        return STATUS_DEVICE_ALREADY_ATTACHED;
    *at = sim_alloc(sizeof **at);
    (*at)->driver = driver;
    (*at)->routine = routine;
    ob_reference(driver);
    tell_what_is_there(routine);
    return STATUS_SUCCESS;
}

NTSTATUS IoRegisterFsRegistrationChange(DRIVER_OBJECT *driver, PVOID routine)
{
    return IoRegisterFsRegistrationChangeMountAware(driver, routine, FALSE);
}

void IoUnregisterFsRegistrationChange(DRIVER_OBJECT *driver, PVOID routine)
{
    struct fs_watcher **at = find_watcher(driver, routine), *w = *at;
    if (!w)
        return;
    *at = w->next;
    sim_free(w, sizeof *w);
    ob_dereference(driver);
}

/* ---- registration ---- */

void IoRegisterFileSystem(DEVICE_OBJECT *device)
{
    LIST_ENTRY *head = list_for(device->DeviceType);
    sim_access(SIM_ACCESS_NAMESPACE, SIM_WRITE);
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    if (head) {
        insert_after(device->Flags & DO_LOW_PRIORITY_FILESYSTEM ? head->Blink : head, (LIST_ENTRY *)&device->Queue);
        device->ReferenceCount++;
    }
    tell(device, true);
}

void IoUnregisterFileSystem(DEVICE_OBJECT *device)
{
    LIST_ENTRY *e = (LIST_ENTRY *)&device->Queue;
    sim_access(SIM_ACCESS_NAMESPACE, SIM_WRITE);
    if (e->Flink && list_for(device->DeviceType)) {
        e->Blink->Flink = e->Flink;
        e->Flink->Blink = e->Blink;
        e->Flink = e->Blink = NULL;
        device->ReferenceCount--;
    }
    tell(device, false);
}
