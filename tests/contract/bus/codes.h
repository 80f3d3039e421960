/* Between the bus driver, the driver of its children and the program. */
#include <initguid.h>

DEFINE_GUID(GUID_BUS_CONTROL, 0x2ad0f9b1, 0x1c6f, 0x4b09, 0x9c, 0x11, 0x7a, 0x3e, 0x10, 0x02, 0x55, 0x01);
DEFINE_GUID(GUID_CHILD, 0x2ad0f9b1, 0x1c6f, 0x4b09, 0x9c, 0x11, 0x7a, 0x3e, 0x10, 0x02, 0x55, 0x02);
DEFINE_GUID(GUID_CHILD_CUSTOM, 0x2ad0f9b1, 0x1c6f, 0x4b09, 0x9c, 0x11, 0x7a, 0x3e, 0x10, 0x02, 0x55, 0x03);

#define BUS_CODE(n) CTL_CODE(FILE_DEVICE_BUS_EXTENDER, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
/* In: a child's serial number. */
#define IOCTL_BUS_PLUG BUS_CODE(0)
#define IOCTL_BUS_UNPLUG BUS_CODE(1) /* pulled out */
#define IOCTL_BUS_EJECT BUS_CODE(2) /* its button was pressed */
/* Out: what the child's drivers were asked for since the last time, a word a request. */
#define IOCTL_BUS_LOG BUS_CODE(3)

/* Of a child. */
#define IOCTL_CHILD_SERIAL BUS_CODE(8) /* out: its serial number, from its name */
#define IOCTL_CHILD_REFUSE BUS_CODE(9) /* in: whether it refuses to be removed */
#define IOCTL_CHILD_STATE BUS_CODE(10) /* in: what it says when asked for its state, now */
#define IOCTL_CHILD_CUSTOM BUS_CODE(11) /* sends a custom event */
