/* Driver objects: loading an image, DriverEntry, unloading. */
#include "ex/work.h"
#include "io/room.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cm/cm.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "cm/callback.h"
#include "ob/callback.h"
#include "ps/notify.h"
#include "sim/access.h"
#include "sim/door.h"
#include "sim/image.h"
#include "trace/trace.h"
#include "verify/pool_rules.h"

enum { DRIVER_TAG = 0x76697244 };

static WCHAR *pool_wide(const char *text, USHORT *bytes)
{
    size_t n = strlen(text);
    WCHAR *w = ex_pool_alloc(NonPagedPoolNx, (n + 1) * 2, DRIVER_TAG);
    for (size_t i = 0; i <= n; i++)
        w[i] = (UCHAR)text[i];
    *bytes = (USHORT)(n * 2);
    return w;
}

static UNICODE_STRING pool_unicode(const char *text)
{
    UNICODE_STRING s;
    s.Buffer = pool_wide(text, &s.Length);
    s.MaximumLength = (USHORT)(s.Length + 2);
    return s;
}

DRIVER_OBJECT *io_driver_create(const char *name, PVOID start, ULONG size)
{
    char path[96];
    WCHAR w[96];
    snprintf(path, sizeof path, "\\Driver\\%s", name);
    UNICODE_STRING where = ob_text(path, w, 96);
    DRIVER_OBJECT *d = ob_create(OB_DRIVER, sizeof *d);
    if (!NT_SUCCESS(ob_insert_name(d, &where, 0))) {
        ob_dereference(d);
        return NULL;
    }
    d->Type = IO_TYPE_DRIVER;
    d->Size = sizeof *d;
    d->DriverStart = start;
    d->DriverSize = size;
    d->DriverName = pool_unicode(path);
    d->DriverExtension = ex_pool_alloc(NonPagedPoolNx, sizeof(struct io_driver_extension), DRIVER_TAG);
    memset(d->DriverExtension, 0, sizeof(struct io_driver_extension));
    d->DriverExtension->DriverObject = d;
    PVOID unsupported = (PVOID)door_export_address("ntoskrnl.exe", "IopInvalidDeviceRequest");
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        d->MajorFunction[i] = unsupported;
    struct io_driver *r = sim_alloc(sizeof *r);
    r->driver = d;
    snprintf(r->service, sizeof r->service, "%s", name);
    struct io_driver **at = &io_room()->drivers;
    while (*at)
        at = &(*at)->next;
    *at = r;
    return d;
}

struct io_driver *io_driver_of(const DRIVER_OBJECT *driver)
{
    for (struct io_driver *r = io_room()->drivers; r; r = r->next)
        if (r->driver == driver && !r->unloaded)
            return r;
    return NULL;
}

DRIVER_OBJECT *io_driver_find(const char *name)
{
    for (struct io_driver *r = io_room()->drivers; r; r = r->next)
        if (!r->unloaded && strcasecmp(r->service, name) == 0)
            return r->driver;
    return NULL;
}

static void remember_gone(const struct image *image)
{
    uint64_t routine;
    if (ps_notify_left_in(image->base, image->size, &routine) || cm_callback_left_in(image->base, image->size, &routine) ||
        ob_callback_left_in(image->base, image->size, &routine))
        KeBugCheckEx(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, routine, 0, routine, 0);
    struct io_gone *g = sim_alloc(sizeof *g);
    g->base = image->base;
    g->size = image->size;
    snprintf(g->service, sizeof g->service, "%s", image->module);
    g->next = io_room()->gone;
    io_room()->gone = g;
    MACHINE->images_gone++;
}

const struct io_gone *io_gone_at(uint64_t address)
{
    if (image_at(address))
        return NULL;
    for (const struct io_gone *g = io_room()->gone; g; g = g->next)
        if (address - g->base < g->size)
            return g;
    return NULL;
}

/* DOC: 0xCE. A timer, DPC, work item, callback or thread that the driver left behind. */
static void check_gone(uint64_t address)
{
    enum { EXECUTE = 0x10 };
    if (io_gone_at(address))
        KeBugCheckEx(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, address, EXECUTE, address, 0);
}

static bool has_driver(const struct image *image)
{
    for (const struct io_driver *r = io_room()->drivers; r; r = r->next)
        if (r->image == image)
            return true;
    return false;
}

bool (*io_image_busy_hook)(const struct image *image, bool by_others);

/* A dispatch or completion routine that has done its last call may still have to return, and no driver can wait for that.
 * GUESS: on Windows these few instructions are over by then. Whoever stays there for longer is caught. */
static void let_return(const struct image *image)
{
    enum { TRIES = 10 };
    LARGE_INTEGER second = { .QuadPart = -10000000 };
    for (int i = 0; i < TRIES && io_image_busy_hook && io_image_busy_hook(image, true); i++)
        KeDelayExecutionThread(KernelMode, FALSE, &second);
}

/* An image goes when neither a driver object nor an importer holds it. DOC: "DllUnload": called before an export driver that was
 * loaded for its importers goes. */
static void release(struct image *image)
{
    if (image->importers || has_driver(image))
        return;
    uint64_t unload = image->as_import ? image_export(image, "DllUnload", 0) : 0;
    if (unload)
        guest_call(FRAME_MmUnloadSystemImage, (void *)unload, 0);
    sim_point(SIM_ACCESS_OF(SIM_IMAGE, image->base)); /* whose code others may be about to run, or to return to */
    sim_access_order(SIM_ACCESS_OF(SIM_IMAGE, image->base), SIM_WRITE);
    let_return(image);
    struct image *held[IMAGE_MAX_DEPENDS];
    uint32_t count = image->depends_count;
    memcpy(held, image->depends, sizeof held);
    remember_gone(image);
    door_gone_hook = check_gone;
    verify_image_goes(image->base, image->size);
    image_unload(image);
    for (uint32_t i = 0; i < count; i++)
        release(held[i]);
}

/* Nothing refers to it any more: neither its name nor a device of its, which a queued work item, for one, refers to. */
struct later {
    WORK_QUEUE_ITEM item;
    struct image *image;
};

static void release_now(void *context)
{
    struct later *l = context;
    struct image *image = l->image;
    ex_pool_free(l);
    release(image);
}

/* The thread that let go of the last reference may have been called by that very driver (which completes a power request, for one). */
static void release_safely(struct image *image)
{
    if (!io_image_busy_hook || !io_image_busy_hook(image, false)) {
        release(image);
        return;
    }
    struct later *l = ex_pool_alloc(NonPagedPoolNx, sizeof *l, DRIVER_TAG);
    memset(l, 0, sizeof *l);
    l->image = image;
    ex_work_queue_host(&l->item, release_now, l, WORK_DELAYED);
}

void io_driver_deleted(DRIVER_OBJECT *driver)
{
    struct io_driver **at = &io_room()->drivers;
    while (*at && (*at)->driver != driver)
        at = &(*at)->next;
    struct io_driver *r = *at;
    if (!r)
        return; /* it could not be named */
    *at = r->next;
    struct image *image = r->image;
    sim_free(r, sizeof *r);
    io_driver_extensions_free(driver);
    ex_pool_free(driver->DriverExtension);
    ex_pool_free(driver->DriverName.Buffer);
    if (image)
        release_safely(image);
}

void io_driver_forget(DRIVER_OBJECT *driver)
{
    sim_access((uint64_t)driver, SIM_WRITE);
    io_driver_of(driver)->unloaded = true;
    ob_remove_name(driver);
    ob_dereference(driver);
}

static NTSTATUS call_entry(DRIVER_OBJECT *d, struct image *image, const char *service)
{
    char key[192];
    snprintf(key, sizeof key, "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\%s", service);
    char image_path[160];
    snprintf(image_path, sizeof image_path, "\\SystemRoot\\System32\\drivers\\%s", image->name);
    if (cm_get_value(key, "ImagePath", NULL, NULL, 0) < 0) {
        cm_set_dword(key, "Type", 1); /* SERVICE_KERNEL_DRIVER, demand start, errors are logged */
        cm_set_dword(key, "Start", 3);
        cm_set_dword(key, "ErrorControl", 1);
        cm_set_text(key, "ImagePath", image_path);
    }
    UNICODE_STRING *path = ex_pool_alloc(PagedPool, sizeof *path, DRIVER_TAG);
    *path = pool_unicode(key);
    d->DriverInit = (PVOID)image->entry;
    d->DriverExtension->ServiceKeyName = pool_unicode(service);
    trace_event(TRACE_DRIVER_ENTRY, (uint64_t)d, image->entry, 0, 0);
    NTSTATUS s = (NTSTATUS)guest_call(FRAME_PnpCallDriverEntry, (void *)image->entry, 2, (uint64_t)d, (uint64_t)path);
    ex_pool_free(path->Buffer);
    ex_pool_free(path);
    ex_pool_free(d->DriverExtension->ServiceKeyName.Buffer);
    d->DriverExtension->ServiceKeyName = (UNICODE_STRING) { 0 };
    return s;
}

/* DOC: the I/O manager clears DO_DEVICE_INITIALIZING of devices that DriverEntry created. */
static void devices_ready(DRIVER_OBJECT *d)
{
    for (DEVICE_OBJECT *dev = d->DeviceObject; dev; dev = dev->NextDevice)
        dev->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

static struct image *map(const char *path, char *err, size_t errlen)
{
    struct image_file *file = image_file_open(path, err, errlen);
    return file ? image_load(file, image_kernel_place(file->pe.size_of_image), false, err, errlen) : NULL;
}

/* DOC: "DllInitialize": of an export driver, called when the image is loaded because of an importer, with the path of the service's key. */
struct image *io_load_import(const char *path, const char *service, char *err, size_t errlen)
{
    struct image *image = map(path, err, errlen);
    if (!image)
        return NULL;
    image->as_import = true;
    uint64_t initialize = image_export(image, "DllInitialize", 0);
    if (!initialize)
        return image;
    char key[192];
    snprintf(key, sizeof key, "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\%s", service);
    UNICODE_STRING *name = ex_pool_alloc(PagedPool, sizeof *name, DRIVER_TAG);
    *name = pool_unicode(key);
    NTSTATUS s = (NTSTATUS)guest_call(FRAME_MmCallDllInitialize, (void *)initialize, 1, (uint64_t)name);
    ex_pool_free(name->Buffer);
    ex_pool_free(name);
    if (NT_SUCCESS(s))
        return image;
    snprintf(err, errlen, "DllInitialize of %s failed with %s", image->name, nt_status_name(s));
    return NULL;
}

NTSTATUS io_load_driver(const char *path, const char *service, DRIVER_OBJECT **out, char *err, size_t errlen)
{
    struct image_file *file = image_file_open(path, err, errlen);
    if (!file)
        return STATUS_INVALID_IMAGE_FORMAT;
    struct image *image = image_of_file(file); /* there already if another driver imports from it */
    if (!image || !image->as_import || has_driver(image))
        image = map(path, err, errlen);
    if (!image)
        return STATUS_INVALID_IMAGE_FORMAT;
    if (!image->entry) {
        snprintf(err, errlen, "%s: has no entry point", path);
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    DRIVER_OBJECT *d = io_driver_create(service, (PVOID)image->base, (ULONG)image->size);
    if (!d) {
        snprintf(err, errlen, "%s: a driver named %s is already loaded", path, service);
        return STATUS_IMAGE_ALREADY_LOADED;
    }
    io_driver_of(d)->image = image;
    ps_notify_image(image, ps_system());
    NTSTATUS s = call_entry(d, image, service);
    if (!NT_SUCCESS(s)) {
        io_driver_forget(d);
        return s;
    }
    image_discard_init(image);
    devices_ready(d);
    d->Flags |= DRVO_INITIALIZED;
    *out = d;
    return s;
}

NTSTATUS io_unload_driver(DRIVER_OBJECT *d)
{
    if (d->DeviceObject && d->DriverExtension->AddDevice)
        return STATUS_INVALID_DEVICE_REQUEST; /* PnP devices are removed first */
    if (!d->DriverUnload)
        return STATUS_INVALID_DEVICE_REQUEST;
    sim_point((uint64_t)d);
    sim_access((uint64_t)d, SIM_WRITE);
    if (d->Flags & DRVO_UNLOAD_INVOKED)
        return STATUS_INVALID_DEVICE_REQUEST; /* what it closes in its Unload was the last that was open */
    trace_event(TRACE_DRIVER_UNLOAD, (uint64_t)d, 0, 0, 0);
    d->Flags |= DRVO_UNLOAD_INVOKED;
    guest_call(FRAME_IopLoadUnloadDriver, d->DriverUnload, 1, (uint64_t)d);
    /* DOC: WDK samples, general/cancel/startio, CsampUnload: "The OS (XP and beyond) forces any DPCs that are already running to run to
     * completion, even after the driver unload routine returns, but before unmapping the driver image from memory." */
    KeFlushQueuedDpcs();
    io_driver_forget(d);
    return STATUS_SUCCESS;
}

/* DOC: "DRIVER_UNLOAD": a plug-and-play driver is unloaded after the last of its devices has gone. */
void io_driver_unload_idle(DRIVER_OBJECT *d)
{
    const struct io_driver *r = io_driver_of(d);
    if (r && r->image && !d->DeviceObject && d->DriverExtension->AddDevice)
        io_unload_driver(d);
}

static bool in_use(const DRIVER_OBJECT *d)
{
    for (const DEVICE_OBJECT *dev = d->DeviceObject; dev; dev = dev->NextDevice)
        if (dev->ReferenceCount > 0 || dev->AttachedDevice)
            return true;
    return false;
}

/* DOC: a driver whose devices are open, or have others above them, is unloaded when that has ended; until then nobody can open them. */
NTSTATUS io_stop_driver(DRIVER_OBJECT *d)
{
    if (!in_use(d) || !d->DriverUnload || d->DriverExtension->AddDevice)
        return io_unload_driver(d);
    for (DEVICE_OBJECT *dev = d->DeviceObject; dev; dev = dev->NextDevice)
        dev->DeviceObjectExtension->ExtensionFlags |= DOE_UNLOAD_PENDING;
    sim_access((uint64_t)d, SIM_WRITE);
    io_driver_of(d)->stopping = true;
    return STATUS_SUCCESS;
}

bool io_driver_is_stopping(const DRIVER_OBJECT *d)
{
    const struct io_driver *r = io_driver_of(d);
    return r && r->stopping;
}

struct last_close {
    WORK_QUEUE_ITEM item;
    DRIVER_OBJECT *driver; /* referenced */
};

static void unload_now(void *context)
{
    struct last_close *c = context;
    sim_access((uint64_t)c->driver, SIM_READ);
    struct io_driver *r = io_driver_of(c->driver);
    if (r && r->stopping && !in_use(c->driver))
        io_unload_driver(c->driver);
    ob_dereference(c->driver);
    ex_pool_free(c);
}

void io_driver_let_go(const DEVICE_OBJECT *device)
{
    struct io_driver *r = device->ReferenceCount ? NULL : io_driver_of(device->DriverObject);
    if (!r || !r->stopping || in_use(r->driver))
        return;
    struct last_close *c = ex_pool_alloc(NonPagedPoolNx, sizeof *c, DRIVER_TAG);
    memset(c, 0, sizeof *c);
    c->driver = r->driver;
    ob_reference(r->driver);
    ex_work_queue_host(&c->item, unload_now, c, WORK_DELAYED);
}
