/* The function driver under test: what its parts share. */
#ifndef KMDF_USB_DRIVER_H
#define KMDF_USB_DRIVER_H

#include <ntddk.h>
#include <wdf.h>
#include <usb.h>
#include <usbioctl.h>
#include <usbdlib.h>
#include <wdfusb.h>
#include "unit.h"

typedef struct _DEVICE {
    WDFDEVICE Device;
    WDFUSBDEVICE Usb;
    WDFUSBINTERFACE Interface;
    ULONG Failed, Model;
    LONG PipesGone; /* clean-up callbacks of pipes */
    BOOLEAN ReaderOn;
} DEVICE, *PDEVICE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEVICE, DeviceOf)

VOID Check(PDEVICE d, BOOLEAN Good, PCSTR File, ULONG Line, ULONG64 Value);
#define CHECK(x) Check(d, (x) != 0, __FILE__, __LINE__, 0)
#define CHECK_IS(is, wanted)                                                 \
    do {                                                                     \
        ULONG64 is_ = (ULONG64)(is);                                         \
        Check(d, is_ == (ULONG64)(wanted), __FILE__, __LINE__, is_);         \
    } while (0)
#define CHECK_STATUS(is, wanted) CHECK_IS((ULONG)(is), (ULONG)(wanted))

typedef VOID TEST(PDEVICE d);
TEST TestDevice, TestStrings, TestConfig, TestBulk, TestAsync, TestControl, TestUrbs, TestReader, TestReaderFails, TestPort, TestUsbd, TestReaderStays, TestTwo;

/* Tells the unit something, or asks it. */
NTSTATUS Vendor(PDEVICE d, UCHAR Request, USHORT Value, USHORT Index);
UNIT_STATE_DATA StateOf(PDEVICE d);
NTSTATUS SelectSingle(PDEVICE d); /* the configuration, with pipes that count when they go */
WDFUSBPIPE PipeAt(PDEVICE d, UCHAR Address);
VOID Sleep(LONG Ms);
VOID PipeCleanup(WDFOBJECT Pipe);

/* A request that is sent and waited for elsewhere. */
typedef struct _SENT {
    WDFREQUEST Request;
    WDFMEMORY Memory;
    PUCHAR Buffer;
    KEVENT Done;
    NTSTATUS Status;
    ULONG_PTR Information;
    WDF_REQUEST_TYPE Type;
    WDF_USB_REQUEST_COMPLETION_PARAMS Usb;
    LONG Completions;
} SENT, *PSENT;
VOID SentInit(PDEVICE d, PSENT s, size_t Size);
BOOLEAN SentGo(PSENT s, WDFIOTARGET Target, PWDF_REQUEST_SEND_OPTIONS Options);
VOID SentWait(PDEVICE d, PSENT s); /* and ready for the next format */
VOID SentFree(PSENT s);

#endif
