/* What msgfs.sys and msgclient.sys are asked. */
#ifndef MSGFS_H
#define MSGFS_H

/* Of the file system, \\.\MsgFs. */
#define FSCTL_MSGFS_NEXT CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS) /* waits for a message; out: ULONG */
#define FSCTL_MSGFS_NEXT_OWN_WAIT CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS) /* with a wait of its own */
#define FSCTL_MSGFS_POST CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS) /* in: ULONG */
#define FSCTL_MSGFS_TAKE CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS) /* what is there; does not wait */

/* Of the client, \\.\MsgClient: the next message, fetched from the file system with an IRP of its own. In: struct below; out: ULONG. */
#define IOCTL_MSGCLIENT_NEXT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* How the client makes that IRP. */
#define WAY_ALLOCATED 0     /* IoAllocateIrp: in nobody's list */
#define WAY_BUILT_NOT_API 1 /* IoBuildDeviceIoControlRequest, patched: threaded */
#define WAY_BUILT 2         /* the same with IRP_SYNCHRONOUS_API */
#define WAY_QUEUED 3        /* IoAllocateIrp, IRP_SYNCHRONOUS_API, IoQueueThreadIrp */
#define WAY_BUILT_UNCHECKED 4 /* as WAY_BUILT, without looking whether the program's request has been cancelled before */

struct msgclient_next {
    unsigned long way;
    unsigned long own_wait; /* FSCTL_MSGFS_NEXT_OWN_WAIT */
};

#define MSGFS_DEVICE L"\\Device\\MsgFs"

#endif
