/* The simulated USB devices: what the bus (bus.c) and those who test with it agree on. */
#ifndef KMDF_USB_UNIT_H
#define KMDF_USB_UNIT_H

/* Models: 1 one interface with three settings; 2 two interfaces, on a stack without the bus interface; 3 the loop-back board of a public sample. */
enum { MODEL_ONE = 1, MODEL_TWO, MODEL_BOARD };

#define UNIT_VENDOR 0x1209

/* Vendor requests to the device. */
enum {
    UNIT_STALL = 1, /* value: endpoint, index: how many transfers to come end with a stall */
    UNIT_EVENT, /* value: the byte that the next interrupt read gets, or waits for one */
    UNIT_STATE, /* in: UNIT_STATE_DATA */
    UNIT_HOLD, /* is not answered until it is cancelled */
    UNIT_ECHO, /* in: value and index */
    UNIT_PORT, /* value: the port's status from now on */
    UNIT_KEEP, /* out: up to 16 bytes, see UNIT_STATE_DATA */
};

typedef struct _UNIT_STATE_DATA {
    ULONG Configured, Setting[2], Selects, Waiting, Resets, Aborts, PortResets, Cycles, Transfers, ControlFlags;
    UCHAR Kept[16];
} UNIT_STATE_DATA;

#define IOCTL_UNIT(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xe00 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_PLUG IOCTL_UNIT(0) /* in: model */
#define IOCTL_UNPLUG IOCTL_UNIT(1)

#endif
