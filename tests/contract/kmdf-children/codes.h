#define IOCTL_CHILDREN(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xd80 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SCAN IOCTL_CHILDREN(0) /* in: which of four children are there, a bit each */
#define IOCTL_ADDRESSES IOCTL_CHILDREN(1)
#define IOCTL_EJECT IOCTL_CHILDREN(2) /* in: serial number */
#define IOCTL_EJECT_PDO IOCTL_CHILDREN(3)
#define IOCTL_DEVICE IOCTL_CHILDREN(4) /* checks of the device itself */
#define IOCTL_FILE IOCTL_CHILDREN(5) /* this file's request is taken out of a queue by its file */
#define IOCTL_KEEP IOCTL_CHILDREN(6)
#define IOCTL_FAILED IOCTL_CHILDREN(7) /* out: failed checks */
#define IOCTL_OPEN IOCTL_CHILDREN(9) /* in: serial number, + 16: refuse to let it go, + 32: without callbacks; a target of the bus to that child */
#define IOCTL_TARGET IOCTL_CHILDREN(10) /* out: the target's state, and what was called: 0x100 query, 0x1000 cancelled, 0x10000 complete, so often */
#define IOCTL_DMA CTL_CODE(FILE_DEVICE_UNKNOWN, 0xd88, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
