#define IOCTL_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0xd40, METHOD_BUFFERED, FILE_ANY_ACCESS) /* in: which test. out: checks that failed */
#define IOCTL_COUNT CTL_CODE(FILE_DEVICE_UNKNOWN, 0xd41, METHOD_BUFFERED, FILE_ANY_ACCESS) /* out: how many tests there are */
