#define IOCTL_FIRST(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xe00 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_CHECKS IOCTL_FIRST(0) /* out: checks that failed */
#define IOCTL_CHILD IOCTL_FIRST(1) /* looks at the child as plug and play sees it */
#define IOCTL_PROPERTIES IOCTL_FIRST(2)
#define IOCTL_CONTROL_DEVICES IOCTL_FIRST(3)
#define IOCTL_INFORMATION IOCTL_FIRST(4) /* out: three bytes of four */
#define IOCTL_MDLS IOCTL_FIRST(5) /* in: 0x5EED or nothing */
