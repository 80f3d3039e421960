/* Between the two halves of a contract test. Test N of the driver is control code IOCTL_CONTRACT(N), its answer text: one
 * line a failed check. */
#ifndef CONTRACT_H
#define CONTRACT_H

#define IOCTL_CONTRACT(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_CONTRACT_COUNT CTL_CODE(FILE_DEVICE_UNKNOWN, 0xf00, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* In: a test's number. Out: its name. */
#define IOCTL_CONTRACT_NAME CTL_CODE(FILE_DEVICE_UNKNOWN, 0xf01, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* The area's own requests, of any method, start here. */
#define IOCTL_AREA(n, method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xa00 + (n), method, FILE_ANY_ACCESS)

#define CONTRACT_MOST_TESTS 0x100
#define CONTRACT_TEXT 4096

#define CONTRACT_WIDE_(text) L##text
#define CONTRACT_WIDE(text) CONTRACT_WIDE_(text)

#endif
