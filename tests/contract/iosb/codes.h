/* What a request of the table asks the driver for. It fills the output with 'd', as many bytes as Information says, and ends with this
 * status, at once or from a timer's DPC. The same struct is the input of every method. */
#ifndef IOSB_CODES_H
#define IOSB_CODES_H

struct ask {
    long status;
    unsigned long information;
    unsigned long pend; /* 0, or 1: completed a moment after STATUS_PENDING has been returned */
    unsigned long fs; /* for the program: send it as FSCTL */
};

#define IOCTL_ASK(method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xa20, method, FILE_ANY_ACCESS)

#endif
