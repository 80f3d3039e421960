/* Between the driver and the program of this area. */
#define SLEEP_CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Out: what happened since the last time, a word each. */
#define IOCTL_SLEEP_LOG SLEEP_CODE(0)
/* In: whether the next question is answered with a refusal. */
#define IOCTL_SLEEP_REFUSE SLEEP_CODE(1)
/* In: seconds until the idle device goes to D3; 0 ends that. */
#define IOCTL_SLEEP_IDLE SLEEP_CODE(2)
/* The device is used: not idle. */
#define IOCTL_SLEEP_BUSY SLEEP_CODE(3)
/* Asks for D0. */
#define IOCTL_SLEEP_WAKE SLEEP_CODE(4)
