#define IOCTL_PNP(n, access) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xc00 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_ORDER IOCTL_PNP(0, 0) /* out: callbacks so far, a letter each */
#define IOCTL_CHECKS IOCTL_PNP(1, 0) /* out: number of checks that failed, ULONG */
#define IOCTL_PLUG IOCTL_PNP(2, 0) /* in: serial number, ULONG */
#define IOCTL_UNPLUG IOCTL_PNP(3, 0)
#define IOCTL_CHILDREN IOCTL_PNP(4, 0) /* out: how many children have a device, ULONG */
#define IOCTL_WHO IOCTL_PNP(5, 0) /* to a child. out: its serial number */
#define IOCTL_FILTERED IOCTL_PNP(6, 0) /* answered by the filter */
#define IOCTL_FORGET IOCTL_PNP(7, 0) /* clears the order */
