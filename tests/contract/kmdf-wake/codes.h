#define IOCTL_WAKE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xe00 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
/* To the bus. */
#define IOCTL_LOG IOCTL_WAKE(0) /* out: what was called since the last time, a letter each */
#define IOCTL_INDICATE IOCTL_WAKE(1) /* in: status; out: what WdfDeviceIndicateWakeStatus says of the child */
#define IOCTL_INDICATE_BUS IOCTL_WAKE(2) /* ... of the bus itself */
#define IOCTL_BUS_FAILS IOCTL_WAKE(3) /* in: whether wake cannot be enabled at the bus the next time */
#define IOCTL_WAKES_ASLEEP IOCTL_WAKE(4) /* in: whether the child wakes while the system sleeps */
#define IOCTL_WMI IOCTL_WAKE(5) /* in: 0 and 1: the user's switch for idle; 2 and 3: for wake; 4, 5: reads them; out: its value, or 0xDEAD */
#define IOCTL_UNPLUG IOCTL_WAKE(6)
#define IOCTL_PLUG IOCTL_WAKE(7)
/* To the device. */
#define IOCTL_TOUCH IOCTL_WAKE(8)
#define IOCTL_ARM_FAILS IOCTL_WAKE(9) /* in: whether the next arming fails */
#define IOCTL_IDLE IOCTL_WAKE(10) /* in: IDLE_…; out: status */
#define IOCTL_SX IOCTL_WAKE(11) /* in: SX_…; out: status */
#define IOCTL_STOP_IDLE IOCTL_WAKE(12)
#define IOCTL_RESUME_IDLE IOCTL_WAKE(13)
#define IOCTL_FAILED IOCTL_WAKE(14) /* out: checks that failed */
enum { IDLE_OFF, IDLE_WAKE, IDLE_NO_WAKE, IDLE_USER, IDLE_TOO_DEEP, IDLE_USB, IDLE_BAD_CAPS, IDLE_BAD_SIZE };
enum { SX_OFF, SX_ON, SX_TOO_DEEP, SX_BAD_SIZE, SX_BAD_USER };
