/* The four methods, all with the same deed: the output is the input with each byte's bits turned, as far as both reach. */
#define IOCTL_TURN_BUFFERED IOCTL_AREA(0, METHOD_BUFFERED)
#define IOCTL_TURN_IN_DIRECT IOCTL_AREA(1, METHOD_IN_DIRECT)
#define IOCTL_TURN_OUT_DIRECT IOCTL_AREA(2, METHOD_OUT_DIRECT)
#define IOCTL_TURN_NEITHER IOCTL_AREA(3, METHOD_NEITHER)
/* As buffered, completed later by a worker. */
#define IOCTL_TURN_LATER IOCTL_AREA(4, METHOD_BUFFERED)
/* In: struct ending. Completes so. */
#define IOCTL_END_SO IOCTL_AREA(5, METHOD_BUFFERED)
/* Out: struct seen, what the driver was given. */
#define IOCTL_SEEN_BUFFERED IOCTL_AREA(6, METHOD_BUFFERED)
#define IOCTL_SEEN_NEITHER IOCTL_AREA(7, METHOD_NEITHER)
/* The second buffer of METHOD_IN_DIRECT is input: answers with the sum of its bytes as Information. */
#define IOCTL_SUM_IN_DIRECT IOCTL_AREA(8, METHOD_IN_DIRECT)

struct ending {
    unsigned status, information, later;
};

struct seen {
    unsigned long long code, in_length, out_length, type3_input, user_buffer, system_buffer, mdl, requestor_mode;
};
