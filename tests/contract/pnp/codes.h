/* Between the driver and the program of this area. */
#include <initguid.h>

DEFINE_GUID(GUID_CONTRACT_PNP, 0x6d1f7a52, 0x43a5, 0x4f7e, 0x9b, 0x11, 0x2c, 0x55, 0x0a, 0x94, 0xd3, 0x01);
DEFINE_GUID(GUID_CONTRACT_PNP_ALIAS, 0x6d1f7a52, 0x43a5, 0x4f7e, 0x9b, 0x11, 0x2c, 0x55, 0x0a, 0x94, 0xd3, 0x02);

/* Out: the failed checks, a line each. */
#define IOCTL_PNP_RESULTS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Out: the name that the file was opened with. */
#define IOCTL_PNP_NAME CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Runs the tests that want a started device. */
#define IOCTL_PNP_STARTED CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
