/* What the driver saw of the last create: related file object, access, options, flags, name. */
#define IOCTL_OBJECTS_CREATED IOCTL_AREA(0, METHOD_BUFFERED)
/* In: a handle of the program's. Out: the statuses of three ways to reference it. */
#define IOCTL_OBJECTS_REFERENCE IOCTL_AREA(1, METHOD_BUFFERED)
#define IOCTL_OBJECTS_OUT IOCTL_AREA(2, METHOD_OUT_DIRECT)
#define IOCTL_OBJECTS_ECHO IOCTL_AREA(3, METHOD_BUFFERED)
/* Answered by the driver's fast I/O routine with twice its input, unless that is 0: then by a request, with 7. */
#define IOCTL_OBJECTS_FAST IOCTL_AREA(5, METHOD_NEITHER)
/* Out: a kernel handle to an event, which is the driver's until the next call. */
#define IOCTL_OBJECTS_KERNEL_HANDLE IOCTL_AREA(4, METHOD_BUFFERED)

struct created {
    unsigned related, access, options, file_flags, share, read, write, del;
    unsigned short name[32];
};
