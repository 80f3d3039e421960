/* Device control, read and write, as a program sees them. */
#include "contract_program.h"
#include "codes.h"

#include <string.h>

static unsigned char in[16], out[24];

static void fill(void)
{
    for (unsigned i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i + 1);
    memset(out, 0xaa, sizeof out);
}

/* The first n bytes are turned, the rest is as it was. */
static int turned(unsigned n)
{
    for (unsigned i = 0; i < sizeof out; i++)
        if (out[i] != (i < n ? (unsigned char)~in[i] : 0xaa))
            return 0;
    return 1;
}

static void each_method(HANDLE device)
{
    static const DWORD codes[] = {IOCTL_TURN_BUFFERED, IOCTL_TURN_OUT_DIRECT, IOCTL_TURN_IN_DIRECT, IOCTL_TURN_NEITHER,
                                  IOCTL_TURN_LATER};
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        DWORD bytes = 0;
        fill();
        CHECK(DeviceIoControl(device, codes[i], in, 16, out, 16, &bytes, NULL));
        CHECK_EQ(bytes, 16);
        CHECK(turned(16));
        fill();
        CHECK(DeviceIoControl(device, codes[i], in, 16, out, 5, &bytes, NULL));
        CHECK_EQ(bytes, 5);
        CHECK(turned(5));
        fill();
        CHECK(DeviceIoControl(device, codes[i], in, 3, out, sizeof out, &bytes, NULL));
        CHECK_EQ(bytes, 3);
        CHECK(turned(3));
    }
}

static void nothing_to_move(HANDLE device)
{
    static const DWORD codes[] = {IOCTL_TURN_BUFFERED, IOCTL_TURN_OUT_DIRECT, IOCTL_TURN_NEITHER, IOCTL_TURN_LATER};
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        DWORD bytes = 99;
        fill();
        CHECK(DeviceIoControl(device, codes[i], NULL, 0, NULL, 0, &bytes, NULL));
        CHECK_EQ(bytes, 0);
        CHECK(DeviceIoControl(device, codes[i], in, 4, NULL, 0, &bytes, NULL));
        CHECK_EQ(bytes, 0);
        CHECK(DeviceIoControl(device, codes[i], NULL, 0, out, 4, &bytes, NULL));
        CHECK_EQ(bytes, 0);
        CHECK(turned(0));
    }
}

static void what_the_driver_is_given(HANDLE device)
{
    struct seen seen;
    DWORD bytes;
    fill();
    CHECK(DeviceIoControl(device, IOCTL_SEEN_BUFFERED, in, 7, &seen, sizeof seen, &bytes, NULL));
    CHECK_EQ(seen.code, IOCTL_SEEN_BUFFERED);
    CHECK_EQ(seen.in_length, 7);
    CHECK_EQ(seen.out_length, sizeof seen);
    CHECK(seen.system_buffer != 0);
    CHECK_EQ(seen.mdl, 0);
    CHECK_EQ(seen.requestor_mode, 1);
    CHECK(DeviceIoControl(device, IOCTL_SEEN_NEITHER, in, 7, &seen, sizeof seen, &bytes, NULL));
    CHECK_EQ(seen.type3_input, (ULONG_PTR)in);
    CHECK_EQ(seen.user_buffer, (ULONG_PTR)&seen);
    CHECK_EQ(seen.system_buffer, 0);
}

static void direct_input(HANDLE device)
{
    DWORD bytes = 0;
    fill();
    CHECK(DeviceIoControl(device, IOCTL_SUM_IN_DIRECT, NULL, 0, in, 4, &bytes, NULL));
    CHECK_EQ(bytes, 1 + 2 + 3 + 4);
}

static void bad_pointers(HANDLE device)
{
    DWORD bytes;
    fill();
    CHECK(!DeviceIoControl(device, IOCTL_TURN_NEITHER, (void *)0x10, 4, out, 4, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_NOACCESS);
    CHECK(!DeviceIoControl(device, IOCTL_TURN_BUFFERED, (void *)0x10, 4, out, 4, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_NOACCESS);
    CHECK(!DeviceIoControl(device, IOCTL_TURN_OUT_DIRECT, in, 4, (void *)0x10, 4, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_NOACCESS);
    CHECK(turned(0));
}

static void statuses(HANDLE device)
{
    static const struct {
        unsigned status;
        DWORD error;
    } rows[] = {
        {0xC000000D, ERROR_INVALID_PARAMETER},     {0xC0000010, ERROR_INVALID_FUNCTION},
        {0xC0000022, ERROR_ACCESS_DENIED},         {0xC00000BB, ERROR_NOT_SUPPORTED},
        {0xC000009A, ERROR_NO_SYSTEM_RESOURCES},   {0xC00000A3, ERROR_NOT_READY},
        {0xC0000023, ERROR_INSUFFICIENT_BUFFER},   {0xC0000120, ERROR_OPERATION_ABORTED},
        {0xC0000001, ERROR_GEN_FAILURE},           {0xC0000225, ERROR_NOT_FOUND},
        {0xC00000B5, ERROR_SEM_TIMEOUT},           {0xC0000034, ERROR_FILE_NOT_FOUND},
        {0xC0000017, ERROR_NOT_ENOUGH_MEMORY},     {0xC0000004, ERROR_BAD_LENGTH},
        {0x80000011, ERROR_BUSY},                  {0x80000005, ERROR_MORE_DATA},
        {0xC0000011, ERROR_HANDLE_EOF},            {0xC0000002, ERROR_INVALID_FUNCTION},
    };
    for (unsigned later = 0; later < 2; later++) {
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct ending end = {rows[i].status, 0, later};
            DWORD bytes;
            CHECK(!DeviceIoControl(device, IOCTL_END_SO, &end, sizeof end, NULL, 0, &bytes, NULL));
            CHECK_EQ(GetLastError(), rows[i].error);
            CHECK_EQ((unsigned)RtlGetLastNtStatus(), rows[i].status);
        }
    }
}

/* An error moves no data; a warning does, and says how much. */
static void errors_and_warnings(HANDLE device)
{
    for (unsigned later = 0; later < 2; later++) {
        struct ending end = {0xC000000D, 4, later};
        DWORD bytes = 0;
        fill();
        CHECK(!DeviceIoControl(device, IOCTL_END_SO, &end, sizeof end, out, 12, &bytes, NULL));
        CHECK(turned(0));
        end.status = 0x80000005;
        CHECK(!DeviceIoControl(device, IOCTL_END_SO, &end, sizeof end, out, 12, &bytes, NULL));
        CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
        CHECK_EQ(bytes, 4);
        CHECK(!memcmp(out, &end, 4));
        CHECK_EQ(out[4], 0xaa);
    }
}

static void unknown_code(HANDLE device)
{
    DWORD bytes;
    CHECK(!DeviceIoControl(device, IOCTL_AREA(0x77, METHOD_BUFFERED), NULL, 0, NULL, 0, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_INVALID_FUNCTION);
}

static void overlapped(HANDLE unused)
{
    HANDLE device = contract_open(FILE_FLAG_OVERLAPPED);
    OVERLAPPED o = {0};
    DWORD bytes = 0;
    (void)unused;
    o.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    fill();
    if (!DeviceIoControl(device, IOCTL_TURN_LATER, in, 8, out, 8, NULL, &o))
        CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CHECK(GetOverlappedResult(device, &o, &bytes, TRUE));
    CHECK_EQ(bytes, 8);
    CHECK(turned(8));
    fill();
    ResetEvent(o.hEvent);
    CHECK(DeviceIoControl(device, IOCTL_TURN_BUFFERED, in, 8, out, 8, NULL, &o));
    CHECK_EQ(WaitForSingleObject(o.hEvent, 0), WAIT_OBJECT_0);
    CHECK_EQ(o.InternalHigh, 8);
    CHECK(turned(8));
    CloseHandle(o.hEvent);
    CloseHandle(device);
}

static void read_and_write(HANDLE device)
{
    DWORD bytes = 0;
    fill();
    CHECK(WriteFile(device, NULL, 0, &bytes, NULL));
    CHECK_EQ(bytes, 0);
    CHECK(ReadFile(device, out, 4, &bytes, NULL)); /* end of file is no error of ReadFile: nothing was read */
    CHECK_EQ(bytes, 0);
    CHECK(WriteFile(device, in, 6, &bytes, NULL));
    CHECK_EQ(bytes, 6);
    CHECK(ReadFile(device, out, sizeof out, &bytes, NULL));
    CHECK_EQ(bytes, 6);
    CHECK(!memcmp(in, out, 6));
    CHECK_EQ(out[6], 0xaa);
}

const struct program_test program_tests[] = {
    {"each method", each_method},
    {"nothing to move", nothing_to_move},
    {"what the driver is given", what_the_driver_is_given},
    {"direct input", direct_input},
    {"bad pointers", bad_pointers},
    {"statuses and errors", statuses},
    {"errors and warnings", errors_and_warnings},
    {"an unknown code", unknown_code},
    {"overlapped", overlapped},
    {"read and write", read_and_write},
    {NULL, NULL},
};
