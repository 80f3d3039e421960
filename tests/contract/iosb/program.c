/* The whole table: method x pended or not x status x synchronous or overlapped file x how the end is told, for the status block, the
 * event, what the call returns, the APC or packet, and the bytes that arrive.
 *
 *   the end of a request         status block   event   APC, packet   bytes of METHOD_BUFFERED
 *   no error                     written        set     sent          copied
 *   error at once                left alone     left    none          none
 *   error later, asynchronous    written        set     sent          none
 *   error later, synchronous     left alone     left    none          none    (the waiting call returns it)
 *
 * GUESS: the last line's status block and event; to be judged on Windows. */
#include "contract_program.h"
#include <winternl.h>
#include "codes.h"

enum { TELL_NOTHING, TELL_EVENT, TELL_APC, TELL_PORT, TELL_COUNT };
#define OUTPUT 16
#define UNTOUCHED 0x5A5A5A5A
#define PENDING_ 0x103

static const LONG statuses[] = {
    0,                /* STATUS_SUCCESS */
    0x40000000,       /* STATUS_OBJECT_NAME_EXISTS: information */
    (LONG)0x80000005, /* STATUS_BUFFER_OVERFLOW: a warning */
    (LONG)0x8000001A, /* STATUS_NO_MORE_ENTRIES */
    (LONG)0xC0000022, /* STATUS_ACCESS_DENIED */
    (LONG)0xC0000185, /* STATUS_IO_DEVICE_ERROR */
};

static BOOL is_error(LONG status)
{
    return ((ULONG)status >> 30) == 3;
}

static int apcs;
static IO_STATUS_BLOCK *apc_block;
static void *apc_context;

static void NTAPI apc(void *context, IO_STATUS_BLOCK *block, ULONG reserved)
{
    (void)reserved;
    apcs++;
    apc_block = block;
    apc_context = context;
}

struct row {
    ULONG method;
    BOOL synchronous;
    int tell;
    struct ask ask;
};

static struct {
    HANDLE file, event, port;
    IO_STATUS_BLOCK block;
    char output[OUTPUT];
} r;

/* A line that says which row it was. */
static void expect(const struct row *w, const char *what, unsigned long long is, unsigned long long expected)
{
    char text[200];
    if (is == expected)
        return;
    snprintf(text, sizeof text, "%s method %lu, %s, status %08lx, %s, %s: %s", w->ask.fs ? "FSCTL" : "IOCTL", w->method, w->ask.pend ? "pended" : "at once",
             (ULONG)w->ask.status, w->synchronous ? "synchronous" : "overlapped",
             w->tell == TELL_EVENT ? "event" : w->tell == TELL_APC ? "APC" : w->tell == TELL_PORT ? "port" : "nothing", what);
    contract_fail_values(__LINE__, text, is, expected);
}

static LONG send_it(const struct row *w)
{
    struct ask ask = w->ask;
    HANDLE event = w->tell == TELL_EVENT ? r.event : NULL;
    void *routine = w->tell == TELL_APC ? (void *)apc : NULL, *context = w->tell >= TELL_APC ? &r : NULL;
    if (w->ask.fs)
        return NtFsControlFile(r.file, event, (PIO_APC_ROUTINE)routine, context, &r.block, IOCTL_ASK(w->method), &ask, sizeof ask, r.output, OUTPUT);
    return NtDeviceIoControlFile(r.file, event, (PIO_APC_ROUTINE)routine, context, &r.block, IOCTL_ASK(w->method), &ask, sizeof ask, r.output, OUTPUT);
}

static int event_state(HANDLE event)
{
    return WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}

static int packets(DWORD *bytes, ULONG_PTR *key, OVERLAPPED **context)
{
    *context = NULL;
    GetQueuedCompletionStatus(r.port, bytes, key, context, 0);
    return *context != NULL;
}

static void try_row(const struct row *w)
{
    BOOL error = is_error(w->ask.status);
    BOOL told = !error || (w->ask.pend && !w->synchronous);
    LONG status;
    DWORD bytes = 0;
    ULONG_PTR key = 0;
    OVERLAPPED *context;

    r.file = contract_open(w->synchronous ? 0 : FILE_FLAG_OVERLAPPED);
    r.event = CreateEventW(NULL, TRUE, TRUE, NULL); /* set: the call clears it */
    r.port = w->tell == TELL_PORT ? CreateIoCompletionPort(r.file, NULL, 77, 0) : NULL;
    memset(&r.block, 0x5A, sizeof r.block);
    memset(r.output, '.', OUTPUT);
    apcs = 0;
    status = send_it(w);
    if (w->ask.pend && !w->synchronous) {
        expect(w, "the call returns", (ULONG)status, PENDING_);
        expect(w, "event before the end", event_state(r.event), w->tell == TELL_EVENT ? 0 : 1);
        Sleep(20);
    } else {
        expect(w, "the call returns", (ULONG)status, (ULONG)w->ask.status);
    }
    expect(w, "status of the block", (ULONG)r.block.Status, told ? (ULONG)w->ask.status : UNTOUCHED);
    expect(w, "information of the block", (ULONG)r.block.Information, told ? w->ask.information : UNTOUCHED);
    expect(w, "event", event_state(r.event), w->tell == TELL_EVENT ? told : 1);
    expect(w, "APC before an alertable wait", apcs, 0);
    SleepEx(0, TRUE);
    expect(w, "APC", apcs, w->tell == TELL_APC && told);
    if (apcs)
        expect(w, "arguments of the APC", apc_block == &r.block && apc_context == &r, 1);
    if (r.port) {
        int n = packets(&bytes, &key, &context);
        expect(w, "packet", n, told);
        if (n)
            expect(w, "the packet", bytes == w->ask.information && key == 77 && context == (OVERLAPPED *)&r, 1);
        expect(w, "a second packet", packets(&bytes, &key, &context), 0);
    }
    BOOL arrives = w->method == METHOD_BUFFERED ? !error : w->method != METHOD_IN_DIRECT;
    for (ULONG i = 0; i < OUTPUT; i++)
        if (r.output[i] != (arrives && i < w->ask.information ? 'd' : '.')) {
            expect(w, "byte that is wrong", i, OUTPUT);
            break;
        }
    CloseHandle(r.file);
    CloseHandle(r.event);
    if (r.port)
        CloseHandle(r.port);
}

static void table(ULONG method, BOOL fs)
{
    for (int s = 0; s < (int)(sizeof statuses / sizeof *statuses); s++)
        for (ULONG pend = 0; pend < 2; pend++)
            for (BOOL synchronous = FALSE; synchronous < 2; synchronous++)
                for (int tell = 0; tell < TELL_COUNT; tell++) {
                    if (tell == TELL_PORT && synchronous)
                        continue; /* a synchronous file has none */
                    struct row w = {method, synchronous, tell, {statuses[s], 5, pend, fs}};
                    try_row(&w);
                }
}

static void buffered(HANDLE device)
{
    (void)device;
    table(METHOD_BUFFERED, FALSE);
}

static void in_direct(HANDLE device)
{
    (void)device;
    table(METHOD_IN_DIRECT, FALSE);
}

static void out_direct(HANDLE device)
{
    (void)device;
    table(METHOD_OUT_DIRECT, FALSE);
}

static void neither(HANDLE device)
{
    (void)device;
    table(METHOD_NEITHER, FALSE);
}

/* FSCTLs complete in the caller (deferred) where they can; nothing of that may be seen. */
static void fs_control(HANDLE device)
{
    (void)device;
    table(METHOD_BUFFERED, TRUE);
    table(METHOD_OUT_DIRECT, TRUE);
}

/* An APC routine on a file with a port is refused. */
static void apc_and_port(HANDLE device)
{
    struct row w = {METHOD_BUFFERED, FALSE, TELL_APC, {0, 0, 0, 0}};
    (void)device;
    r.file = contract_open(FILE_FLAG_OVERLAPPED);
    r.port = CreateIoCompletionPort(r.file, NULL, 1, 0);
    CHECK_EQ((ULONG)send_it(&w), 0xC000000D);
    CloseHandle(r.file);
    CloseHandle(r.port);
}

/* A packet for a request without context is not sent; nor on success at once, if the file has been told so. */
static void no_packet(HANDLE device)
{
    struct ask ask = {0, 0, 0, 0};
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *context;
    (void)device;
    for (int i = 0; i < 4; i++) {
        r.file = contract_open(FILE_FLAG_OVERLAPPED);
        r.port = CreateIoCompletionPort(r.file, NULL, 1, 0);
        if (i > 0)
            CHECK(SetFileCompletionNotificationModes(r.file, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
        ask.pend = i == 2;
        ask.status = i == 3 ? (LONG)0x80000005 : 0;
        NtDeviceIoControlFile(r.file, NULL, NULL, i ? &r : NULL, &r.block, IOCTL_ASK(METHOD_BUFFERED), &ask, sizeof ask, NULL, 0);
        Sleep(10);
        /* 0 no context; 1 success at once; 2 success later; 3 a warning at once, which is no success */
        CHECK_EQ(packets(&bytes, &key, &context), i >= 2);
        CloseHandle(r.file);
        CloseHandle(r.port);
    }
}

/* Without an event the file object is signalled, unless the file has been told not to. */
static void file_signal(HANDLE device)
{
    struct ask ask = {0, 0, 1, 0};
    (void)device;
    for (int skip = 0; skip < 2; skip++) {
        r.file = contract_open(FILE_FLAG_OVERLAPPED);
        if (skip)
            CHECK(SetFileCompletionNotificationModes(r.file, FILE_SKIP_SET_EVENT_ON_HANDLE));
        CHECK_EQ((ULONG)NtDeviceIoControlFile(r.file, NULL, NULL, NULL, &r.block, IOCTL_ASK(METHOD_BUFFERED), &ask, sizeof ask, NULL, 0), PENDING_);
        CHECK_EQ(WaitForSingleObject(r.file, 50), skip ? WAIT_TIMEOUT : WAIT_OBJECT_0);
        CHECK_EQ((ULONG)r.block.Status, 0);
        CloseHandle(r.file);
    }
}

const struct program_test program_tests[] = {
    {"buffered", buffered}, {"in_direct", in_direct},       {"out_direct", out_direct}, {"neither", neither}, {"fs_control", fs_control},
    {"apc_and_port", apc_and_port}, {"no_packet", no_packet}, {"file_signal", file_signal}, {NULL, NULL},
};
