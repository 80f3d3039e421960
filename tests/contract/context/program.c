/* A request whose buffer the driver reads from different address spaces. */
#include "contract_program.h"
#include <stdlib.h>

enum { READ_FAILED = 0x0BADBAD0 };

static void address_spaces(HANDLE device)
{
    DWORD *in = malloc(64), out[6] = { 0 }, bytes = 0;
    *in = 0x12345678;
    CHECK(DeviceIoControl(device, IOCTL_AREA(0, METHOD_NEITHER), in, 64, out, sizeof out, &bytes, NULL));
    CHECK_EQ(out[0], 0x12345678); /* in the caller's context */
    CHECK_EQ(out[1], READ_FAILED); /* in a work item */
    CHECK_EQ(out[2], 0x12345678); /* attached */
    CHECK_EQ(out[3], 0x12345678); /* by the system address of an MDL */
    CHECK_EQ(out[4], 0xC0000005); /* locking it in a work item */
    CHECK_EQ(out[5], 0);
    free(in);
}

const struct program_test program_tests[] = {
    { "address spaces", address_spaces },
    { NULL, NULL },
};
