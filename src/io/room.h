/* Private to io: the room's state and what its files share. */
#ifndef IRPLAB_IO_ROOM_H
#define IRPLAB_IO_ROOM_H

#include <stdbool.h>

#include "mm/mm.h"
#include "io/io.h"
#include "ps/ps.h"

/* What follows DRIVER_EXTENSION on NT; the DDK declares only the first part. */
struct io_driver_extension {
    DRIVER_EXTENSION e;
    PVOID client; /* IoAllocateDriverObjectExtension */
    PVOID fs_filter_callbacks;
};

struct io_driver { /* beside a DRIVER_OBJECT */
    DRIVER_OBJECT *driver;
    struct image *image;
    char service[64];
    bool stopping; /* unloaded when the last file on its devices is closed */
    bool unloaded; /* DriverUnload was called; it stays until nothing refers to it */
    struct io_driver *next;
};

/* Where a driver was that has been unloaded. */
struct io_gone {
    uint64_t base, size;
    char service[64];
    struct io_gone *next;
};

struct io_room {
    struct io_gone *gone; /* newest first */
    uint64_t irps_live;
    struct io_driver *drivers;
    uint64_t vpb_lock; /* KSPIN_LOCK of IoAcquireVpbSpinLock */
    IRP *cancelled_now; /* somebody is about to take its cancel routine */
    uint64_t cancel_lock; /* KSPIN_LOCK of IoAcquireCancelSpinLock; private: no export shows its address */
    struct io_timer *timers; /* of IoInitializeTimer */
    uint64_t timer_lock; /* KSPIN_LOCK around their routines, so that none runs when its device has gone; private */
    uint64_t device_names;
    LIST_ENTRY *file_systems; /* four lists, in pool */
    struct fs_watcher *fs_watchers;
    void *configuration; /* CONFIGURATION_INFORMATION, once asked for */
    struct io_reinitialize *reinitialize; /* in the order of registration */
    struct io_shutdown *shutdowns; /* the last registered first */
    PVOID create_pipe; /* of the open that is being made: it creates a named pipe with these parameters */
    ULONG *file_mapping; /* GENERIC_MAPPING of files, once asked for */
};

struct io_room *io_room(void);
void io_final_completion(IRP *irp);
void io_wait_for_canceller(IRP *irp); /* before an IRP leaves its thread's list; PASSIVE or APC_LEVEL */
/* The scheduling point before a driver's IRP enters the list of its thread. */
void io_queue_to_thread_point(void);
/* Queues the user APC of a finished request; false if it has none. Takes over irp (its memory is the APC). */
bool io_user_apc_queue(IRP *irp, FILE_OBJECT *file);
void io_completion_packet(IRP *irp, FILE_OBJECT *file);
void io_completion_context_free(FILE_OBJECT *file);
void io_finish_inline(IRP *irp);
/* Locks an MDL built by the I/O manager for a request; a bad address is returned as a status. operation: 0 read, 1 write, 2 modify. */
NTSTATUS io_mdl_lock(MDL *mdl, KPROCESSOR_MODE mode, ULONG operation);
/* Remembers how an IRP was completed, for reports (who, when, stack). */
void io_victim_note(IRP *irp);
void IofCompleteRequest(IRP *irp, CCHAR boost);
NTSTATUS IofCallDriver(DEVICE_OBJECT *device, IRP *irp);
void IoFreeMdl(MDL *mdl);
MDL *IoAllocateMdl(PVOID va, ULONG length, ULONG secondary, ULONG quota, IRP *irp);
void MmUnlockPages(MDL *mdl);
void MmProbeAndLockPages(MDL *mdl, ULONG mode, ULONG operation);
/* A driver object goes away, with its image; DriverUnload is not called. */
/* A query or set request of a file or its volume, with a system buffer; synchronous. */
NTSTATUS io_ask_about_file(FILE_OBJECT *file, UCHAR major, void *buffer, ULONG length, ULONG class, ULONG_PTR *information);
/* A file object that nobody opened; device counts it. */
FILE_OBJECT *io_stream_file(DEVICE_OBJECT *device);
/* IoSetCancelRoutine, with its scheduling point. */
PVOID io_cancel_routine_set(IRP *irp, PVOID routine);
void io_driver_forget(DRIVER_OBJECT *driver);
/* The object type's delete routine: the image goes with the object, which every device of it refers to until nothing refers to that. */
void io_driver_deleted(DRIVER_OBJECT *driver);
/* A reference to one of its devices has gone. */
void io_driver_let_go(const DEVICE_OBJECT *device);
/* After all DriverEntry routines have returned. */
void io_reinitialize_drivers(void);
/* IRP_MJ_SHUTDOWN to those that asked for it. */
void io_shutdown_system(void);
/* Registrations of a driver; NULL: of those that are no longer loaded. */
unsigned io_shutdowns_of(const DRIVER_OBJECT *driver);
/* Copies from or to memory that a user-mode caller named; false: it is not there, or not the caller's. A kernel-mode caller is trusted. */
bool io_user_read(KPROCESSOR_MODE mode, void *to, const void *from, size_t bytes);
bool io_user_write(KPROCESSOR_MODE mode, void *to, const void *from, size_t bytes);
/* As ProbeForWrite: the bytes at both ends of each page can be written. */
bool io_user_probe_write(KPROCESSOR_MODE mode, void *at, size_t bytes);
struct io_driver *io_driver_of(const DRIVER_OBJECT *driver);
/* The unloaded driver that an address lies in; NULL. */
const struct io_gone *io_gone_at(uint64_t address);
void io_file_types_register(void);
void io_file_systems_init(void);
/* A VPB for a device of a type that can hold a volume. */
void io_vpb_make(DEVICE_OBJECT *device);
void io_vpb_free(DEVICE_OBJECT *device);
/* The mounted volume on a device, referenced, mounting it first if need be; NULL if there is none. */
NTSTATUS io_volume_of(DEVICE_OBJECT *device, VPB **out);
DEVICE_OBJECT *IoGetBaseFileSystemDeviceObject(FILE_OBJECT *file);
void io_timer_free(DEVICE_OBJECT *device); /* of IoInitializeTimer, if there is one */
void io_fast_detach(DEVICE_OBJECT *source, DEVICE_OBJECT *target); /* FastIoDetachDevice of the one above */
void io_device_try_free(DEVICE_OBJECT *d);
void io_driver_extensions_free(DRIVER_OBJECT *driver);
/* A file of a named pipe's server; parameters are the file system's. */
NTSTATUS io_create_pipe(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, ULONG share, ULONG disposition, ULONG options, PVOID parameters);
NTSTATUS io_create_file(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share,
                        ULONG disposition, ULONG options, PVOID ea, ULONG ea_length, KPROCESSOR_MODE mode);

#endif
