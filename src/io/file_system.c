/* File systems: their registration, what a driver can ask about it, volumes and mounting.
 *
 * A registered file system's control device stands in one of four lists, by its device type, linked through DEVICE_OBJECT.Queue; one
 * that registers comes before those that are there (unless DO_LOW_PRIORITY_FILESYSTEM). Registration holds a reference. */
#include "io/room.h"

#include <string.h>

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

/* ---- volumes ----
 * A device that can hold a volume has a VPB from its birth. The first open of it that wants more than the device itself asks the
 * registered file systems of its kind, newest first, to mount it; the one that does puts its volume device into the VPB, and from then
 * on files that are opened on the device are that device's.
 * GUESS: where no file system wants the volume, requests go to the device; NT's RAW file system stands between and passes them on. */

enum { VPB_TAG = 0x20627056 /* "Vpb " */ };

static DEVICE_TYPE file_system_for(DEVICE_TYPE device)
{
    switch (device) {
    case FILE_DEVICE_DISK:
    case FILE_DEVICE_VIRTUAL_DISK:
        return FILE_DEVICE_DISK_FILE_SYSTEM;
    case FILE_DEVICE_CD_ROM:
        return FILE_DEVICE_CD_ROM_FILE_SYSTEM;
    case FILE_DEVICE_TAPE:
        return FILE_DEVICE_TAPE_FILE_SYSTEM;
    default:
        return 0;
    }
}

void io_vpb_make(DEVICE_OBJECT *device)
{
    if (!file_system_for(device->DeviceType))
        return;
    VPB *v = ex_pool_alloc(NonPagedPoolNx, sizeof *v, VPB_TAG);
    memset(v, 0, sizeof *v);
    v->Type = IO_TYPE_VPB;
    v->Size = sizeof *v;
    v->RealDevice = device;
    device->Vpb = v;
}

void io_vpb_free(DEVICE_OBJECT *device)
{
    VPB *v = device->Vpb;
    if (v && v->RealDevice == device)
        ex_pool_free(v);
    device->Vpb = NULL;
}

void IoAcquireVpbSpinLock(KIRQL *irql)
{
    *irql = KeAcquireSpinLockRaiseToDpc(&io_room()->vpb_lock);
}

void IoReleaseVpbSpinLock(ULONG irql)
{
    KeReleaseSpinLock(&io_room()->vpb_lock, irql);
}

static NTSTATUS ask_to_mount(DEVICE_OBJECT *fs, VPB *vpb)
{
    DEVICE_OBJECT *top = io_top_of_stack(fs);
    struct guest_mark mark = guest_frame_push(FRAME_IopMountVolume);
    struct locals {
        KEVENT event;
        IO_STATUS_BLOCK iosb;
    } *l = guest_frame_locals();
    KeInitializeEvent(&l->event, NotificationEvent, FALSE);
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    irp->Flags = IRP_MOUNT_COMPLETION | IRP_SYNCHRONOUS_PAGING_IO; /* freed where it is completed, no APC */
    irp->UserIosb = &l->iosb;
    irp->UserEvent = &l->event;
    irp->RequestorMode = KernelMode;
    irp->Tail.Overlay.Thread = (PVOID)ps_current()->ethread;
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    sl->MinorFunction = IRP_MN_MOUNT_VOLUME;
    sl->Parameters.MountVolume.Vpb = vpb;
    sl->Parameters.MountVolume.DeviceObject = io_top_of_stack(vpb->RealDevice);
    NTSTATUS s = io_call_driver(top, irp);
    if (s == STATUS_PENDING) {
        KeWaitForSingleObject(&l->event, Executive, KernelMode, FALSE, NULL);
        s = l->iosb.Status;
    }
    guest_frame_pop(mark);
    return s;
}

/* DOC: a file system that does not know the volume says STATUS_UNRECOGNIZED_VOLUME, and the next is asked; any other error is the open's. */
static NTSTATUS mount(VPB *vpb)
{
    LIST_ENTRY *head = list_for(file_system_for(vpb->RealDevice->DeviceType));
    for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink) {
        NTSTATUS s = ask_to_mount((DEVICE_OBJECT *)((UCHAR *)e - offsetof(DEVICE_OBJECT, Queue)), vpb);
        if (NT_SUCCESS(s)) {
            vpb->Flags |= VPB_MOUNTED;
            if (vpb->DeviceObject) {
                vpb->DeviceObject->StackSize = (CHAR)(io_top_of_stack(vpb->RealDevice)->StackSize + 1);
                vpb->DeviceObject->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
            }
            return STATUS_SUCCESS;
        }
        if (s != STATUS_UNRECOGNIZED_VOLUME)
            return s;
    }
    return STATUS_SUCCESS;
}

NTSTATUS io_volume_of(DEVICE_OBJECT *device, VPB **out)
{
    VPB *vpb = device->Vpb;
    NTSTATUS s = STATUS_SUCCESS;
    *out = NULL;
    if (!vpb)
        return s;
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&device->DeviceLock, Executive, KernelMode, FALSE, NULL);
    sim_access((uint64_t)vpb, SIM_WRITE);
    if (!(vpb->Flags & VPB_MOUNTED))
        s = mount(vpb);
    if (vpb->Flags & VPB_MOUNTED) {
        vpb->ReferenceCount++;
        *out = vpb;
    }
    KeSetEvent(&device->DeviceLock, 0, FALSE);
    KeLeaveCriticalRegion();
    return s;
}

DEVICE_OBJECT *IoGetBaseFileSystemDeviceObject(FILE_OBJECT *file)
{
    const VPB *own = file->Vpb, *of_device = file->Flags & FO_DIRECT_DEVICE_OPEN ? NULL : (const VPB *)file->DeviceObject->Vpb;
    if (own && own->DeviceObject)
        return own->DeviceObject;
    if (of_device && of_device->DeviceObject)
        return of_device->DeviceObject;
    return file->DeviceObject;
}
