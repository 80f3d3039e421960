/* Pointers, handles and offsets that are wrong, given to the system services directly; what an open says to the driver. */
#include "contract_program.h"
#include "codes.h"
#include <winternl.h>

NTSYSAPI NTSTATUS NTAPI NtReadFile(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, PVOID, ULONG, PLARGE_INTEGER, PULONG);
NTSYSAPI NTSTATUS NTAPI NtWriteFile(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, const void *, ULONG, PLARGE_INTEGER, PULONG);

#define ACCESS_VIOLATION_STATUS 0xC0000005u
#define INVALID_PARAMETER_STATUS 0xC000000Du
#define INVALID_HANDLE_STATUS 0xC0000008u

static void *nowhere(void)
{
    return VirtualAlloc(NULL, 0x1000, MEM_RESERVE, PAGE_NOACCESS);
}

static NTSTATUS open_by(HANDLE *handle, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb)
{
    return NtCreateFile(handle, FILE_READ_DATA | SYNCHRONIZE, oa, iosb, NULL, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

static void pointers_of_create(HANDLE device)
{
    void *bad = nowhere();
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES oa;
    IO_STATUS_BLOCK iosb;
    HANDLE h;
    (void)device;
    RtlInitUnicodeString(&name, L"\\??\\Contract-objects");
    InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_EQ((unsigned)open_by(bad, &oa, &iosb), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)open_by(&h, &oa, bad), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)open_by(&h, bad, &iosb), ACCESS_VIOLATION_STATUS);
    oa.ObjectName = bad;
    CHECK_EQ((unsigned)open_by(&h, &oa, &iosb), ACCESS_VIOLATION_STATUS);
    oa.ObjectName = &name;
    name.Buffer = bad;
    CHECK_EQ((unsigned)open_by(&h, &oa, &iosb), ACCESS_VIOLATION_STATUS);
    RtlInitUnicodeString(&name, L"\\??\\Contract-objects");
    CHECK_EQ((unsigned)open_by(&h, &oa, &iosb), 0);
    CHECK_EQ((unsigned)NtClose(h), 0);
    CHECK_EQ((unsigned)NtClose(h), INVALID_HANDLE_STATUS);
}

static void pointers_of_requests(HANDLE device)
{
    char *bad = nowhere(), *readable = VirtualAlloc(NULL, 0x1000, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY), buffer[16] = {0};
    IO_STATUS_BLOCK iosb = {{0}};
    LARGE_INTEGER zero = {.QuadPart = 0};
    DWORD bytes;
    CHECK_EQ((unsigned)NtDeviceIoControlFile(device, NULL, NULL, NULL, (void *)bad, IOCTL_OBJECTS_ECHO, buffer, 4, buffer, 4), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)NtDeviceIoControlFile(device, NULL, NULL, NULL, &iosb, IOCTL_OBJECTS_ECHO, bad, 4, buffer, 4), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)NtDeviceIoControlFile(device, NULL, NULL, NULL, &iosb, IOCTL_OBJECTS_ECHO, buffer, 4, bad, 4), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)NtDeviceIoControlFile(device, NULL, NULL, NULL, &iosb, IOCTL_OBJECTS_OUT, NULL, 0, readable, 16), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)NtReadFile(device, NULL, NULL, NULL, &iosb, bad, 16, &zero, NULL), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)NtReadFile(device, NULL, NULL, NULL, &iosb, readable, 16, &zero, NULL), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)NtWriteFile(device, NULL, NULL, NULL, &iosb, bad, 16, &zero, NULL), ACCESS_VIOLATION_STATUS);
    CHECK_EQ((unsigned)NtWriteFile(device, NULL, NULL, NULL, &iosb, readable, 16, &zero, NULL), 0);
    CHECK_EQ((unsigned)NtWriteFile(device, NULL, NULL, NULL, &iosb, buffer, 16, (void *)bad, NULL), ACCESS_VIOLATION_STATUS);
    CHECK(!WriteFile(device, bad, 8, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_NOACCESS);
    CHECK(!DeviceIoControl(device, IOCTL_OBJECTS_ECHO, buffer, 4, bad, 4, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_NOACCESS);
    /* A length without a buffer is none. */
    CHECK_EQ((unsigned)NtDeviceIoControlFile(device, NULL, NULL, NULL, &iosb, IOCTL_OBJECTS_ECHO, NULL, 4, buffer, 4), 0);
    CHECK_EQ(iosb.Information, 0);
    VirtualFree(readable, 0, MEM_RELEASE);
}

static void offsets(HANDLE device)
{
    HANDLE file = contract_open(FILE_FLAG_OVERLAPPED), event = CreateEventW(NULL, TRUE, FALSE, NULL);
    IO_STATUS_BLOCK iosb = {{0}};
    LARGE_INTEGER at = {.QuadPart = -5};
    char buffer[8] = {0};
    CHECK_EQ((unsigned)NtReadFile(file, event, NULL, NULL, &iosb, buffer, 8, NULL, NULL), INVALID_PARAMETER_STATUS);
    CHECK_EQ((unsigned)NtReadFile(file, event, NULL, NULL, &iosb, buffer, 8, &at, NULL), INVALID_PARAMETER_STATUS);
    at.QuadPart = -1; /* the end of the file: only to write */
    CHECK_EQ((unsigned)NtReadFile(device, NULL, NULL, NULL, &iosb, buffer, 8, &at, NULL), INVALID_PARAMETER_STATUS);
    CHECK_EQ((unsigned)NtWriteFile(device, NULL, NULL, NULL, &iosb, buffer, 8, &at, NULL), 0);
    CHECK_EQ((unsigned)NtReadFile(device, NULL, NULL, NULL, &iosb, buffer, 8, NULL, NULL), 0);
    CloseHandle(event);
    CloseHandle(file);
}

static void kernel_handles(HANDLE device)
{
    HANDLE kernel = NULL;
    DWORD bytes;
    CHECK(DeviceIoControl(device, IOCTL_OBJECTS_KERNEL_HANDLE, NULL, 0, &kernel, sizeof kernel, &bytes, NULL));
    CHECK((LONG_PTR)kernel < 0);
    CHECK(!CloseHandle(kernel));
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
}

static void references(HANDLE device)
{
    unsigned status[3] = {0};
    DWORD bytes;
    HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL), weak = NULL;
    CHECK(DeviceIoControl(device, IOCTL_OBJECTS_REFERENCE, &event, sizeof event, status, sizeof status, &bytes, NULL));
    CHECK_EQ(status[0], 0xC0000024u); /* a file was asked for */
    CHECK_EQ(status[1], 0);
    CHECK_EQ(status[2], 0);
    CHECK(DuplicateHandle(GetCurrentProcess(), event, GetCurrentProcess(), &weak, SYNCHRONIZE, FALSE, 0));
    CHECK(DeviceIoControl(device, IOCTL_OBJECTS_REFERENCE, &weak, sizeof weak, status, sizeof status, &bytes, NULL));
    CHECK_EQ(status[1], 0);
    CHECK_EQ(status[2], 0xC0000022u); /* not with that access */
    CloseHandle(weak);
    CloseHandle(event);
}

static void what_an_open_says(HANDLE device)
{
    struct created c;
    DWORD bytes;
    HANDLE file = CreateFileW(CONTRACT_PATH L"\\x", GENERIC_WRITE | DELETE, FILE_SHARE_DELETE, NULL, CREATE_ALWAYS,
                              FILE_FLAG_OVERLAPPED | FILE_FLAG_WRITE_THROUGH | FILE_FLAG_RANDOM_ACCESS, NULL);
    CHECK(file != INVALID_HANDLE_VALUE);
    CHECK(DeviceIoControl(device, IOCTL_OBJECTS_CREATED, NULL, 0, &c, sizeof c, &bytes, NULL));
    CHECK_EQ(c.options >> 24, FILE_OVERWRITE_IF);
    CHECK_EQ(c.options & (FILE_WRITE_THROUGH | FILE_RANDOM_ACCESS | FILE_SYNCHRONOUS_IO_NONALERT), FILE_WRITE_THROUGH | FILE_RANDOM_ACCESS);
    CHECK_EQ(c.share, FILE_SHARE_DELETE);
    CHECK(!(c.access & GENERIC_WRITE) && (c.access & FILE_WRITE_DATA) && (c.access & DELETE));
    CHECK_EQ(c.file_flags & 0x10, 0x10); /* FO_WRITE_THROUGH */
    CHECK_EQ(c.file_flags & 2, 0); /* FO_SYNCHRONOUS_IO */
    CloseHandle(file);
}

static void fast(HANDLE device)
{
    unsigned in = 21, out = 0;
    DWORD bytes = 0;
    CHECK(DeviceIoControl(device, IOCTL_OBJECTS_FAST, &in, sizeof in, &out, sizeof out, &bytes, NULL));
    CHECK_EQ(out, 42);
    CHECK_EQ(bytes, 4);
    in = 0;
    CHECK(DeviceIoControl(device, IOCTL_OBJECTS_FAST, &in, sizeof in, &out, sizeof out, &bytes, NULL));
    CHECK_EQ(out, 7);
    CHECK_EQ(bytes, 4);
}

const struct program_test program_tests[] = {
    {"pointers of a create", pointers_of_create},
    {"pointers of requests", pointers_of_requests},
    {"offsets", offsets},
    {"kernel handles", kernel_handles},
    {"references of the program's handles", references},
    {"what an open says", what_an_open_says},
    {"fast device control", fast},
    {NULL, NULL},
};
