/* The smart card library's control codes as a program sees them: state, tracking, power, protocol, transmission, attributes. */
#include <windows.h>
#include <winioctl.h>
#include <winsmcrd.h>
#include <stdio.h>
#include <string.h>
#include "codes.h"

static int failures;
static HANDLE reader;

static void fail(int line, const char *what, unsigned long long is, unsigned long long expected)
{
    printf("program.c:%d: %s is 0x%llx, not 0x%llx (error %lu)\n", line, what, is, expected, GetLastError());
    failures++;
}

#define CHECK_EQ(is, expected)                                                                         \
    do {                                                                                               \
        unsigned long long is_ = (unsigned long long)(is), expected_ = (unsigned long long)(expected); \
        if (is_ != expected_)                                                                          \
            fail(__LINE__, #is, is_, expected_);                                                       \
    } while (0)

static BYTE out[600];
static DWORD got;

/* Win32's error; 0 when it worked. */
static DWORD control(DWORD code, const void *in, DWORD size, DWORD room)
{
    got = 0;
    memset(out, 0xEE, sizeof out);
    return DeviceIoControl(reader, code, (void *)in, size, out, room, &got, NULL) ? 0 : GetLastError();
}

static DWORD with_number(DWORD code, DWORD number, DWORD room)
{
    return control(code, &number, sizeof number, room);
}

static DWORD number(void)
{
    DWORD n;
    memcpy(&n, out, sizeof n);
    return n;
}

static void check_state(int line, DWORD expected)
{
    DWORD error = control(IOCTL_SMARTCARD_GET_STATE, NULL, 0, sizeof(DWORD));
    if (error || number() != expected)
        fail(line, "state", error ? error : number(), expected);
}

static void test_without_card(void)
{
    check_state(__LINE__, SCARD_ABSENT);
    CHECK_EQ(control(IOCTL_SMARTCARD_IS_ABSENT, NULL, 0, 0), 0);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_POWER, SCARD_COLD_RESET, 33), ERROR_NO_MEDIA_IN_DRIVE);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_SET_PROTOCOL, SCARD_PROTOCOL_T0, 4), ERROR_NO_MEDIA_IN_DRIVE);
    CHECK_EQ(control(IOCTL_SMARTCARD_EJECT, NULL, 0, 0), ERROR_NOT_SUPPORTED);
    CHECK_EQ(control(SCARD_CTL_CODE(100), NULL, 0, 0), ERROR_INVALID_FUNCTION);
    CHECK_EQ(control(IOCTL_SMARTCARD_GET_STATE, NULL, 0, 2), ERROR_INSUFFICIENT_BUFFER);
}

static void test_tracking(void)
{
    OVERLAPPED o = {0}, second = {0};
    DWORD bytes;
    HANDLE file = CreateFileW(L"\\\\.\\SCReader0", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    CHECK_EQ(file == INVALID_HANDLE_VALUE, 0);
    o.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    second.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    CHECK_EQ(DeviceIoControl(file, IOCTL_SMARTCARD_IS_PRESENT, NULL, 0, NULL, 0, &bytes, &o), FALSE);
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CHECK_EQ(DeviceIoControl(file, IOCTL_SMARTCARD_IS_PRESENT, NULL, 0, NULL, 0, &bytes, &second), FALSE);
    CHECK_EQ(GetLastError(), ERROR_BUSY);
    CHECK_EQ(CancelIoEx(file, &o), TRUE);
    CHECK_EQ(GetOverlappedResult(file, &o, &bytes, TRUE), FALSE);
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    ResetEvent(o.hEvent);
    CHECK_EQ(DeviceIoControl(file, IOCTL_SMARTCARD_IS_PRESENT, NULL, 0, NULL, 0, &bytes, &o), FALSE);
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CHECK_EQ(control(IOCTL_READER_INSERT, NULL, 0, 0), 0);
    CHECK_EQ(GetOverlappedResult(file, &o, &bytes, TRUE), TRUE);
    CHECK_EQ(control(IOCTL_SMARTCARD_IS_PRESENT, NULL, 0, 0), 0);
    CloseHandle(o.hEvent);
    CloseHandle(second.hEvent);
    CloseHandle(file);
    check_state(__LINE__, SCARD_PRESENT);
}

static void test_power(void)
{
    static const BYTE atr[] = {0x3B, 0x82, 0x80, 0x01, 'i', 'l', 0x06};
    DWORD bad = 9;
    CHECK_EQ(with_number(IOCTL_SMARTCARD_SET_PROTOCOL, SCARD_PROTOCOL_T0, 4), ERROR_BAD_COMMAND);
    CHECK_EQ(control(IOCTL_SMARTCARD_POWER, &bad, sizeof bad, 33), ERROR_INVALID_PARAMETER);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_POWER, SCARD_COLD_RESET, 4), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_POWER, SCARD_COLD_RESET, 33), 0);
    CHECK_EQ(got, sizeof atr);
    CHECK_EQ(memcmp(out, atr, sizeof atr), 0);
    check_state(__LINE__, SCARD_NEGOTIABLE);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_GET_ATTRIBUTE, SCARD_ATTR_ATR_STRING, 33), 0);
    CHECK_EQ(got, sizeof atr);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_SET_PROTOCOL, SCARD_PROTOCOL_RAW, 4), ERROR_NOT_SUPPORTED);
}

/* An APDU's answer, behind its header. */
static DWORD transmit(DWORD protocol, const void *apdu, DWORD length, DWORD room)
{
    BYTE in[400];
    SCARD_IO_REQUEST head = {protocol, sizeof head};
    memcpy(in, &head, sizeof head);
    memcpy(in + sizeof head, apdu, length);
    return control(IOCTL_SMARTCARD_TRANSMIT, in, sizeof head + length, sizeof head + room);
}

static void read_back(int line, DWORD protocol, BYTE instruction, BYTE length)
{
    BYTE apdu[5] = {0, instruction, 0, 0, length};
    DWORD error = transmit(protocol, apdu, sizeof apdu, 300);
    if (error || got != 8 + length + 2u)
        fail(line, "answer's length", error ? error : got, 8 + length + 2u);
    for (unsigned i = 0; i < length; i++)
        if (out[8 + i] != (BYTE)(i * 3))
            fail(line, "byte of the answer", out[8 + i], (BYTE)(i * 3));
    if (out[8 + length] != 0x90)
        fail(line, "SW1", out[8 + length], 0x90);
}

static void test_transmission(DWORD protocol)
{
    BYTE write[5 + 200] = {0, INS_WRITE, 0, 0, 200}, shorter[3] = {0};
    for (unsigned i = 0; i < 200; i++)
        write[5 + i] = (BYTE)(i * 3);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_POWER, SCARD_WARM_RESET, 33), 0);
    CHECK_EQ(transmit(protocol, write, sizeof write, 300), ERROR_BAD_COMMAND); /* no protocol yet */
    CHECK_EQ(with_number(IOCTL_SMARTCARD_SET_PROTOCOL, protocol, 4), 0);
    CHECK_EQ(number(), protocol);
    check_state(__LINE__, SCARD_SPECIFIC);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_SET_PROTOCOL, protocol, 4), 0); /* again: it is */
    CHECK_EQ(transmit(protocol ^ SCARD_PROTOCOL_Tx, write, sizeof write, 300), ERROR_BAD_COMMAND);
    CHECK_EQ(transmit(protocol, write, sizeof write, 300), 0);
    CHECK_EQ(got, 10);
    CHECK_EQ(out[8] << 8 | out[9], 0x9000);
    read_back(__LINE__, protocol, INS_READ, 4);
    read_back(__LINE__, protocol, INS_READ, 200);
    read_back(__LINE__, protocol, INS_SLOW, 40);
    read_back(__LINE__, protocol, INS_GARBLED, 20);
    if (protocol == SCARD_PROTOCOL_T0) {
        CHECK_EQ(transmit(protocol, shorter, sizeof shorter, 300), ERROR_INVALID_PARAMETER);
        CHECK_EQ(transmit(protocol, (BYTE[5]){0, INS_READ, 0, 0, 100}, 5, 50), ERROR_INSUFFICIENT_BUFFER);
    }
}

static void test_attributes(void)
{
    CHECK_EQ(with_number(IOCTL_SMARTCARD_GET_ATTRIBUTE, SCARD_ATTR_VENDOR_NAME, 32), 0);
    CHECK_EQ(got, 3);
    CHECK_EQ(memcmp(out, "Lab", 3), 0);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_GET_ATTRIBUTE, SCARD_ATTR_VENDOR_IFD_TYPE, 2), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_GET_ATTRIBUTE, SCARD_ATTR_DEVICE_UNIT, 4), 0);
    CHECK_EQ(number(), 7);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_GET_ATTRIBUTE, SCARD_ATTR_CURRENT_PROTOCOL_TYPE, 4), 0);
    CHECK_EQ(number(), SCARD_PROTOCOL_T1);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_GET_ATTRIBUTE, SCARD_ATTR_ICC_PRESENCE, 1), 0);
    CHECK_EQ(out[0], 1);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_GET_ATTRIBUTE, 0x12345678, 4), ERROR_NOT_SUPPORTED);
    CHECK_EQ(control(IOCTL_SMARTCARD_GET_ATTRIBUTE, NULL, 0, 4), ERROR_INVALID_PARAMETER);
    CHECK_EQ(with_number(IOCTL_SMARTCARD_SET_ATTRIBUTE, SCARD_ATTR_MAX_CLK, 0), ERROR_NOT_SUPPORTED);
}

int main(void)
{
    reader = CreateFileW(L"\\\\.\\SCReader0", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (reader == INVALID_HANDLE_VALUE) {
        printf("the reader cannot be opened: %lu\n", GetLastError());
        return 255;
    }
    test_without_card();
    test_tracking();
    test_power();
    test_transmission(SCARD_PROTOCOL_T0);
    test_transmission(SCARD_PROTOCOL_T1);
    test_attributes();
    CHECK_EQ(with_number(IOCTL_SMARTCARD_POWER, SCARD_POWER_DOWN, 0), 0);
    check_state(__LINE__, SCARD_PRESENT);
    CHECK_EQ(control(IOCTL_READER_REMOVE, NULL, 0, 0), 0);
    check_state(__LINE__, SCARD_ABSENT);
    CloseHandle(reader);
    return failures;
}
