/* What the driver saw of each file since the last reset, as letters: C create, L cleanup, X close, P parked, c cancelled. */
#define IOCTL_FILES_LOG IOCTL_AREA(0, METHOD_BUFFERED)
#define IOCTL_FILES_PARK IOCTL_AREA(1, METHOD_BUFFERED)
#define IOCTL_FILES_CONTEXT IOCTL_AREA(2, METHOD_BUFFERED)
#define IOCTL_FILES_NAME IOCTL_AREA(3, METHOD_BUFFERED)
