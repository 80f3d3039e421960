/* What the virtual smart card bus, its readers and the service say to each other. */
#ifndef VSC_H
#define VSC_H

/* From the service to the bus: forwarded, as internal control codes, to the reader that the request names. */
#define IOCTL_VSC_INSERT_CARD CTL_CODE(0x8031, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_VSC_REMOVE_CARD CTL_CODE(0x8031, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* For the bus itself. */
#define IOCTL_VSC_PLUG CTL_CODE(0x8031, 0x811, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_VSC_UNPLUG CTL_CODE(0x8031, 0x812, METHOD_BUFFERED, FILE_ANY_ACCESS)

enum { VSC_FIRST_READERS = 2, VSC_READERS = 3 }; /* in the bus at start, and places for them */

typedef struct {
    ULONG Reader;
} VSC_REQUEST;

/* What the reader answers: how many cards it has seen. */
typedef struct {
    ULONG Cards;
} VSC_ANSWER;

#endif
