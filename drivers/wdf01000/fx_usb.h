/* USB targets: the device and its pipes are I/O targets of their own, interfaces are the objects between them.
 *
 * usb_device.c: the device, its descriptors, port and control transfers; usb_config.c: interfaces, selecting a configuration or a setting; usb_pipe.c: transfers;
 * usb_reader.c: continuous readers; usb_request.c: what a request keeps while it is formatted for one of them. */
#ifndef WDF01000_USB_H
#define WDF01000_USB_H

#include "fx.h"
#include "target_io.h"

#include <usbioctl.h>
#include <usbbusif.h>

typedef struct FxUsbDevice FxUsbDevice;
typedef struct FxUsbInterface FxUsbInterface;
typedef struct FxUsbPipe FxUsbPipe;
typedef struct FxUsbContext FxUsbContext;
typedef struct FxUsbReader FxUsbReader;

struct FxUsbDevice {
    FxTarget T; /* its lock guards the interfaces' lists of pipes, too */
    USBD_HANDLE Handle; /* NULL: made without a contract version */
    BOOLEAN OnUsbd, Mismatched; /* Mismatched: no interfaces are announced, but there is one */
    UCHAR Count;
    FxUsbInterface **Interfaces;
    USBD_PIPE_HANDLE ControlPipe;
    USBD_CONFIGURATION_HANDLE Config;
    USB_DEVICE_DESCRIPTOR Descriptor;
    PUSB_CONFIGURATION_DESCRIPTOR ConfigDescriptor;
    USBD_VERSION_INFORMATION Version;
    ULONG HcdPortCapabilities, Traits;
    PVOID BusContext;
    PUSB_BUSIFFN_QUERY_BUS_TIME QueryBusTime;
    PINTERFACE_DEREFERENCE BusDereference;
    KMUTEX Iteration; /* while pipes are stopped or thrown away */
};

struct FxUsbInterface {
    FxObject O;
    FxUsbDevice *Usb;
    UCHAR Number, Current, SettingCount;
    PUSB_INTERFACE_DESCRIPTOR *Settings; /* into the device's configuration descriptor */
    FxUsbPipe **Pipes; /* NULL: not configured */
    ULONG PipeCount;
};

struct FxUsbPipe {
    FxTarget T;
    FxUsbDevice *Usb;
    FxUsbInterface *Interface;
    USBD_PIPE_INFORMATION Info;
    BOOLEAN NoSizeCheck;
};

/* ---- usb_request.c ---- */

enum fx_usb_kind { FX_USB_TRANSFER, FX_USB_CONTROL, FX_USB_STRING, FX_USB_PIPE, FX_USB_URB };

struct FxUsbContext {
    enum fx_usb_kind Kind;
    WDF_USB_REQUEST_COMPLETION_PARAMS P; /* the completion parameters lead here */
    PURB Urb; /* Own, the stack's or the driver's */
    USBD_HANDLE Handle; /* Urb was allocated with it */
    USBD_HANDLE Assign; /* Urb is handed to the stack with it */
    PUSB_STRING_DESCRIPTOR String;
    ULONG StringSize;
    PVOID StringTo;
    size_t StringRoom;
    union {
        struct _URB_BULK_OR_INTERRUPT_TRANSFER Transfer;
        struct _URB_CONTROL_TRANSFER Control;
        struct _URB_CONTROL_DESCRIPTOR_REQUEST Descriptor;
        struct _URB_PIPE_REQUEST Pipe;
    } Own;
};

/* The request's context of that kind, its URB zeroed with its length set. The request's own IRP is validated first. */
NTSTATUS FxUsbContextFor(FxUsbDevice *u, FxTarget *t, FxRequest *r, enum fx_usb_kind kind, FxUsbContext **c);
void FxUsbContextFree(FxRequest *r);
void FxUsbContextCompleted(FxRequest *r); /* fills the completion parameters */
/* The next location asks for the context's URB. */
void FxUsbContextSubmit(FxRequest *r, FxTarget *t, FxUsbContext *c, WDF_USB_REQUEST_TYPE type);
NTSTATUS FxUsbBuffer(FxRequest *r, const FxIoBuffer *b, PVOID *buffer, PMDL *mdl, ULONG *length);
/* A URB of the framework's own on a request of its own, waited for. timeout in seconds, 0: none. */
NTSTATUS FxUsbSendUrb(FxTarget *t, FxRequest *r, PURB urb, ULONG flags, ULONG timeout);
NTSTATUS FxUsbFormatUrb(FxGlobals *g, FxUsbDevice *u, FxTarget *t, WDFREQUEST Request, WDFMEMORY Memory, PWDFMEMORY_OFFSET Offset, WDF_USB_REQUEST_TYPE type);
NTSTATUS FxUsbSendUrbSynchronously(PWDF_DRIVER_GLOBALS G, FxUsbDevice *u, FxTarget *t, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS Options, PURB Urb, WDF_USB_REQUEST_TYPE type);
/* Somewhere below the device, or below a request that a queue presented: gone when the device is. */
BOOLEAN FxUsbGoesWithDevice(FxUsbDevice *u, FxObject *o);
/* As the caller wants it, but in any state of the target. */
void FxUsbIgnoreState(WDF_REQUEST_SEND_OPTIONS *o, PWDF_REQUEST_SEND_OPTIONS given);

/* ---- usb_device.c ---- */

NTSTATUS FxUsbPortStatus(FxUsbDevice *u, ULONG *status);
NTSTATUS FxUsbConnected(FxUsbDevice *u); /* STATUS_DEVICE_DOES_NOT_EXIST: not */
NTSTATUS FxUsbResetPort(FxUsbDevice *u);
void FxUsbCancelAll(FxUsbDevice *u); /* what the device and its pipes have sent */

/* ---- usb_config.c ---- */

NTSTATUS FxUsbInterfacesCreate(FxUsbDevice *u);
FxUsbPipe *FxUsbNextPipe(FxUsbDevice *u, ULONG *number, ULONG *pipe); /* referenced; NULL: no more */

/* ---- usb_pipe.c ---- */

NTSTATUS FxUsbPipeCreate(FxUsbInterface *i, const WDF_OBJECT_ATTRIBUTES *a, FxUsbPipe **out);
WDF_USB_PIPE_TYPE FxUsbPipeType(USBD_PIPE_TYPE t);
NTSTATUS FxUsbPipeFormatTransfer(FxUsbPipe *p, FxRequest *r, const FxIoBuffer *b, ULONG flags);
NTSTATUS FxUsbPipeReset(FxUsbPipe *p); /* its reader's reads are cancelled, or else what was sent */
void FxUsbPipeGoes(FxUsbPipe *p, BOOLEAN failed); /* failed: the driver never saw it */
void FxUsbPipesStart(FxTarget *device);
void FxUsbPipesStop(FxTarget *device, WDF_IO_TARGET_SENT_IO_ACTION action);
void FxUsbPipesPurge(FxTarget *device, WDF_IO_TARGET_PURGE_IO_ACTION action);
void FxTargetPurge(FxTarget *t, WDF_IO_TARGET_PURGE_IO_ACTION action);

/* ---- usb_reader.c ---- */

NTSTATUS FxUsbReaderCreate(FxUsbPipe *p, PWDF_USB_CONTINUOUS_READER_CONFIG c, size_t total);
NTSTATUS FxUsbReaderStart(FxUsbReader *r);
void FxUsbReaderStopped(FxUsbReader *r); /* the target's lock is held */
void FxUsbReaderRemoving(FxUsbReader *r);
void FxUsbReaderWait(FxUsbReader *r);
void FxUsbReaderCancel(FxUsbReader *r); /* all its reads, waited for */
void FxUsbReaderDelete(FxUsbReader *r);

#endif
