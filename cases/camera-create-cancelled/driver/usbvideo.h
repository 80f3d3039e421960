/* usbvideo: a camera's function driver, reduced to how it opens, closes and changes power. */
#ifndef USBVIDEO_H
#define USBVIDEO_H

#include <ntddk.h>
#include "usbccgp.h"

#define USBVIDEO_TAG 'vbsU'

/* What a wake-up carries to its work item: every create has one of its own. */
typedef struct _WAKEUP {
    struct _USBVIDEO *Device;
    PIO_WORKITEM WorkItem;
    NTSTATUS Status; /* of the power request that it follows */
} WAKEUP, *PWAKEUP;

typedef struct _USBVIDEO {
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT Lower; /* the device below: the parent's child, or a filter on it */
    PDEVICE_OBJECT Pdo;
    IO_REMOVE_LOCK RemoveLock;
    UNICODE_STRING InterfaceName;

    /* Serialises open, close and control transfers. */
    KMUTEX DeviceMutex;

    /* Creates that wait for the device to have power. */
    IO_CSQ FilterCreateQueue;
    LIST_ENTRY FilterCreateList;
    KSPIN_LOCK FilterCreateLock;

    /* Guards everything below. */
    KSPIN_LOCK PowerLock;
    LONG OpenCount; /* handles, and creates on their way to become one */
    BOOLEAN IdleWorkItemQueued;
    PIO_WORKITEM IdleWorkItem;
    DEVICE_POWER_STATE PowerState; /* where the device is */
    BOOLEAN PowerBusy; /* a request is under way (fixed driver only) */
    BOOLEAN Configured;
} USBVIDEO, *PUSBVIDEO;

DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE USBVideoAddDevice;
DRIVER_UNLOAD USBVideoUnload;
DRIVER_DISPATCH USBVideoFilterCreate;
DRIVER_DISPATCH USBVideoFilterCleanup;
DRIVER_DISPATCH USBVideoFilterClose;
DRIVER_DISPATCH USBVideoPnp;
DRIVER_DISPATCH USBVideoPower;
DRIVER_DISPATCH USBVideoPassDown;

/* requests to the parent: controls.c */
NTSTATUS SubmitControlRequest(PUSBVIDEO Device, UCHAR Request, UCHAR Unit, USHORT Selector, PULONG Value);
NTSTATUS USBVideoCallUSBD(PUSBVIDEO Device, USHORT Configuration);
NTSTATUS GetDeviceRegValueDword(PUSBVIDEO Device, PCWSTR Name, PULONG Value);
VOID LoadPowerLineFrequency(PUSBVIDEO Device);
VOID LoadUVCCacheControl(PUSBVIDEO Device);
VOID SetRegionOfInterestControlToDefaults(PUSBVIDEO Device);
VOID MSXURestoreDefaults(PUSBVIDEO Device);

/* the queue of creates: queue.c */
NTSTATUS FilterCreateQueue_Initialize(PUSBVIDEO Device);
VOID FilterCreateQueue_CompleteIrp(PUSBVIDEO Device, PIRP Irp, NTSTATUS Status);
VOID FilterCreateQueue_CompleteQueue(PUSBVIDEO Device, NTSTATUS Status);

/* open, close and power: usbvideo.c, in which the two drivers differ */
NTSTATUS USBVideoSetPower(PUSBVIDEO Device, PIRP Irp);
VOID StopUSBVideoDevice(PUSBVIDEO Device);
VOID ExitIrpThreadAndQueue(PUSBVIDEO Device);
VOID USBVideoCreateFailed(PUSBVIDEO Device);

/* start, remove, pass: pnp.c */
VOID ConfigureUSBVideoDevice(PUSBVIDEO Device);
VOID UnConfigureUSBVideoDevice(PUSBVIDEO Device);

#endif
