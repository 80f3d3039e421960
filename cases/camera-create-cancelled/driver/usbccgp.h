/* What the composite parent (usbccgp.sys) offers the functions above it. */
#ifndef USBCCGP_H
#define USBCCGP_H

/* Sent to the parent as IRP_MJ_INTERNAL_DEVICE_CONTROL: one control transfer to the function's unit. */
#define IOCTL_INTERNAL_USBCCGP_CONTROL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x901, METHOD_BUFFERED, FILE_ANY_ACCESS)

enum { CONTROL_SET_CUR = 0x01, CONTROL_GET_CUR = 0x81 };

typedef struct _USBCCGP_CONTROL {
    UCHAR Request;
    UCHAR Unit;
    USHORT Selector;
    ULONG Value;
} USBCCGP_CONTROL, *PUSBCCGP_CONTROL;

#endif
