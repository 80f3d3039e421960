#define IOCTL_RACE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xf10 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_WAIT IOCTL_RACE(0)
#define IOCTL_HOLD IOCTL_RACE(1)
#define IOCTL_NEXT IOCTL_RACE(2)
#define IOCTL_RELEASE IOCTL_RACE(3)
#define IOCTL_PURGE IOCTL_RACE(4)
#define IOCTL_TIMER IOCTL_RACE(5) /* a timer of passive level is deleted when its callback has begun, another one by its own callback */
