/* The I/O manager: drivers, devices, file objects, IRPs. Face for siblings (po, pnp, ps, win32, session, kd).
 *
 * The life of an IRP:
 *
 *   allocated ──IoCallDriver──▶ at a driver ──IoCallDriver──▶ … lower …
 *                                   │
 *                            IoCompleteRequest: completion routines, from the current location upwards
 *                                   │  (MORE_PROCESSING_REQUIRED: stays where it is until completed again)
 *                                   ▼ past the top
 *      associated │ paging or close │ disowned │ deferred (issuer finishes inline) │ special kernel APC → IopCompleteRequest → freed
 */
#ifndef IRPLAB_IO_IO_H
#define IRPLAB_IO_IO_H

#include <stdbool.h>

#include "nt/io.h"
#include "nt/ke.h"
#include "nt/ob.h"
#include "sim/access.h"

struct thread;
struct process;

enum { IRP_TAG = 0x20707249 /* "Irp " */ };

void io_init(void);

/* ---- IRPs ---- */
IRP *IoAllocateIrp(CHAR stack_size, ULONG charge_quota);
void IoFreeIrp(IRP *irp);
void IoInitializeIrp(IRP *irp, USHORT packet_size, CHAR stack_size);
NTSTATUS io_call_driver(DEVICE_OBJECT *device, IRP *irp); /* IofCallDriver, called by host code: appears as a frame */
void io_complete_request(IRP *irp, CCHAR boost); /* IofCompleteRequest, called by host code */
ULONG IoCancelIrp(IRP *irp);
static inline IO_STACK_LOCATION *io_current_location(IRP *irp)
{
    return irp->Tail.Overlay.CurrentStackLocation;
}
static inline IO_STACK_LOCATION *io_next_location(IRP *irp)
{
    return irp->Tail.Overlay.CurrentStackLocation - 1;
}
/* Threaded: in the current thread's IRP list, freed by its completion APC. */
void io_queue_to_thread(IRP *irp);
/* Registered IRPs, for leak reports and views: every IRP from IoAllocateIrp until IoFreeIrp. */
void io_irps_walk(void (*fn)(void *ctx, IRP *irp), void *ctx);
/* Whether a live IRP begins there. */
bool io_is_irp(uint64_t address);
/* Sends a request built by host code down and waits for it (KernelMode, Executive). Frees it. frame labels the wait. */
NTSTATUS io_send_and_wait(DEVICE_OBJECT *device, IRP *irp, ULONG_PTR *information, uint32_t frame);
/* Called by ps when a thread ends: cancels its IRPs and waits for them. */
void io_thread_rundown(struct thread *t);

/* ---- devices and drivers ---- */
NTSTATUS IoCreateDevice(DRIVER_OBJECT *driver, ULONG extension_bytes, const UNICODE_STRING *name, DEVICE_TYPE type, ULONG characteristics, ULONG exclusive,
                        DEVICE_OBJECT **out);
void IoDeleteDevice(DEVICE_OBJECT *device);
DEVICE_OBJECT *IoAttachDeviceToDeviceStack(DEVICE_OBJECT *source, DEVICE_OBJECT *target);
void IoDetachDevice(DEVICE_OBJECT *target);
DEVICE_OBJECT *io_top_of_stack(DEVICE_OBJECT *device); /* no reference */
DEVICE_OBJECT *IoGetRelatedDeviceObject(FILE_OBJECT *file);
/* A driver object without an image (ours: root bus). Dispatch entries are guest addresses. */
DRIVER_OBJECT *io_driver_create(const char *name, PVOID start, ULONG size);
/* Loads the image and calls DriverEntry in the current (system) thread. */
NTSTATUS io_load_driver(const char *path, const char *service, DRIVER_OBJECT **out, char *err, size_t errlen);
/* Loads an image because another driver imports from it: DllInitialize is called, DriverEntry not (io_load_driver does that later with
 * the same image). NULL and one line in err. */
struct image *io_load_import(const char *path, const char *service, char *err, size_t errlen);
/* Unload if there is a routine and no device is left; the image goes away. */
NTSTATUS io_unload_driver(DRIVER_OBJECT *driver);
/* As the service manager does: at once, or (STATUS_SUCCESS too) when the last file on its devices is closed. */
NTSTATUS io_stop_driver(DRIVER_OBJECT *driver);
/* Whether somebody else, or the running thread, is in a dispatch or completion routine of the image, or in a routine that such a one has called.
 * Set by the session. */
struct image;
extern bool (*io_image_busy_hook)(const struct image *image, bool by_others);
/* Unloads a plug-and-play driver that has no device left. */
void io_driver_unload_idle(DRIVER_OBJECT *driver);
bool io_driver_is_stopping(const DRIVER_OBJECT *driver);
DRIVER_OBJECT *io_driver_find(const char *name);

/* ---- files ---- */
NTSTATUS NtCreateFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share,
                      ULONG disposition, ULONG options, PVOID ea, ULONG ea_length);
NTSTATUS NtClose(HANDLE handle);
NTSTATUS NtDeviceIoControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in, ULONG in_length, PVOID out,
                               ULONG out_length);
NTSTATUS NtFsControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in, ULONG in_length, PVOID out,
                         ULONG out_length);
NTSTATUS NtReadFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length, LARGE_INTEGER *offset, ULONG *key);
NTSTATUS NtWriteFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length, LARGE_INTEGER *offset, ULONG *key);
NTSTATUS NtFlushBuffersFile(HANDLE file, IO_STATUS_BLOCK *iosb);
NTSTATUS NtQueryInformationFile(HANDLE file, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class);
NTSTATUS NtSetInformationFile(HANDLE file, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class);
NTSTATUS NtWaitForSingleObject(HANDLE handle, ULONG alertable, LARGE_INTEGER *timeout);
NTSTATUS NtWaitForMultipleObjects(ULONG count, HANDLE *handles, ULONG type, ULONG alertable, LARGE_INTEGER *timeout);
NTSTATUS NtCancelIoFile(HANDLE file, IO_STATUS_BLOCK *iosb);
NTSTATUS NtCancelSynchronousIoFile(HANDLE thread, IO_STATUS_BLOCK *match, IO_STATUS_BLOCK *iosb);
NTSTATUS NtCancelIoFileEx(HANDLE file, IO_STATUS_BLOCK *match, IO_STATUS_BLOCK *iosb);

/* The running operation looks at or changes the IRP (sim/access.h). */
void io_irp_tell(const IRP *irp);
static inline void io_irp_touch(const IRP *irp)
{
    if (!sim_write_unheard())
        io_irp_tell(irp);
}

/* Exports that siblings call by their NT name; documented where they are defined. */
NTSTATUS IoCreateSymbolicLink(const UNICODE_STRING *link, const UNICODE_STRING *device);
NTSTATUS IoDeleteSymbolicLink(const UNICODE_STRING *link);
void IoAcquireCancelSpinLock(KIRQL *irql);
void IoReleaseCancelSpinLock(ULONG irql);
NTSTATUS ZwOpenFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, ULONG share, ULONG options);

#endif
