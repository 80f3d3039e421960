#define IOCTL_DEV(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xd00 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_CHECKS IOCTL_DEV(0) /* out: checks that failed */
#define IOCTL_INTERRUPT IOCTL_DEV(1) /* the device interrupts. out: how often the DPC ran */
#define IOCTL_DMA IOCTL_DEV(2)
#define IOCTL_FILE IOCTL_DEV(3) /* out: the name that the handle was opened with */
#define IOCTL_NEITHER CTL_CODE(FILE_DEVICE_UNKNOWN, 0xd04, METHOD_NEITHER, FILE_ANY_ACCESS)
#define IOCTL_PREPROCESSED IOCTL_DEV(5) /* answered by the WDM callback */
#define IOCTL_CHILD IOCTL_DEV(6) /* in: 1 add the static child, 0 mark it missing. out: static children seen */
#define IOCTL_MDL CTL_CODE(FILE_DEVICE_UNKNOWN, 0xd07, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
#define IOCTL_PARENT IOCTL_DEV(8) /* to the child: answered by a queue of the bus */
#define IOCTL_RUN IOCTL_DEV(9) /* checks that need a started device */
#define IOCTL_SAMPLER 0x222004
