/* Reader threads fetch messages until they are stopped, which pthread_cancel would do: here CancelSynchronousIo.
 *
 * usage: messages WAY READERS MESSAGES [own]
 *   WAY  allocated, built-not-api, built, queued, unchecked (driver/msgfs.h)
 *
 * The main thread posts the messages, then stops the readers one after the other. At the end each message has been read once or is still
 * in the queue; the exit code counts what is wrong. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../driver/msgfs.h"

enum { MOST_READERS = 8 };

static struct msgclient_next how;
static volatile LONG stopping, received, sum, wrong;

static void complain(const char *what)
{
    printf("%s: %lu\n", what, GetLastError());
    InterlockedIncrement(&wrong);
}

static DWORD WINAPI reader(void *context)
{
    HANDLE client = CreateFileW(L"\\\\.\\MsgClient", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    (void)context;
    if (client == INVALID_HANDLE_VALUE) {
        complain("open the client");
        return 1;
    }
    while (!InterlockedCompareExchange(&stopping, 0, 0)) {
        DWORD message = 0, bytes = 0;
        if (DeviceIoControl(client, IOCTL_MSGCLIENT_NEXT, &how, sizeof how, &message, sizeof message, &bytes, NULL)) {
            InterlockedIncrement(&received);
            InterlockedExchangeAdd(&sum, (LONG)message);
        } else if (GetLastError() == ERROR_OPERATION_ABORTED) {
            break;
        } else {
            complain("next");
            break;
        }
    }
    CloseHandle(client);
    return 0;
}

/* A thread that is not in a synchronous operation just now cannot be cancelled: ERROR_NOT_FOUND. It will look at `stopping` before the
 * next one, or is about to begin it. */
static void stop(HANDLE thread)
{
    while (WaitForSingleObject(thread, 0) == WAIT_TIMEOUT) {
        if (CancelSynchronousIo(thread)) {
            WaitForSingleObject(thread, INFINITE);
            break;
        }
        if (GetLastError() != ERROR_NOT_FOUND) {
            complain("cancel");
            break;
        }
        Sleep(1);
    }
}

int main(int argc, char **argv)
{
    static const char *const ways[] = {"allocated", "built-not-api", "built", "queued", "unchecked"};
    HANDLE threads[MOST_READERS];
    int readers = argc > 2 ? atoi(argv[2]) : 2, messages = argc > 3 ? atoi(argv[3]) : 1;
    DWORD bytes;
    for (DWORD i = 0; argc > 1 && i < 5; i++)
        if (strcmp(argv[1], ways[i]) == 0)
            how.way = i;
    how.own_wait = argc > 4 && strcmp(argv[4], "own") == 0;
    HANDLE fs = CreateFileW(L"\\\\.\\MsgFs", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (fs == INVALID_HANDLE_VALUE || readers > MOST_READERS) {
        complain("open the file system");
        return 1;
    }
    for (int i = 0; i < readers; i++)
        threads[i] = CreateThread(NULL, 0, reader, NULL, 0, NULL);
    LONG expected = 0;
    for (int i = 1; i <= messages; i++) {
        DWORD message = 1u << i;
        expected += (LONG)message;
        if (!DeviceIoControl(fs, FSCTL_MSGFS_POST, &message, sizeof message, NULL, 0, &bytes, NULL))
            complain("post");
    }
    InterlockedExchange(&stopping, 1);
    for (int i = 0; i < readers; i++) {
        stop(threads[i]);
        CloseHandle(threads[i]);
    }
    LONG left = 0;
    for (DWORD message; DeviceIoControl(fs, FSCTL_MSGFS_TAKE, NULL, 0, &message, sizeof message, &bytes, NULL); left++)
        sum += (LONG)message;
    if (GetLastError() != ERROR_NO_MORE_ITEMS)
        complain("take");
    if (received + left != messages || sum != expected) {
        printf("%d messages posted, %ld read, %ld left, sum %ld instead of %ld\n", messages, received, left, sum, expected);
        wrong++;
    }
    CloseHandle(fs);
    return (int)wrong;
}
