/* Pipes: anonymous ones with a child's output, named ones with states, messages, cancellation. The child is this program again. */
#include <windows.h>
#include "check.h"

#define PIPE "\\\\.\\pipe\\irplab-programs"

static void anonymous(void)
{
    HANDLE r, w;
    char text[20] = "";
    DWORD n = 0;
    CHECK(CreatePipe(&r, &w, NULL, 0));
    CHECK_EQ(GetFileType(r), FILE_TYPE_PIPE);
    CHECK(WriteFile(w, "hello", 5, &n, NULL) && n == 5);
    CHECK(PeekNamedPipe(r, text, 2, &n, NULL, NULL) && n == 2 && !memcmp(text, "he", 2));
    CHECK(ReadFile(r, text, 3, &n, NULL) && n == 3);
    CHECK(ReadFile(r, text, sizeof text, &n, NULL) && n == 2 && !memcmp(text, "lo", 2));
    CHECK(!ReadFile(w, text, 1, &n, NULL));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK(WriteFile(w, "end", 3, &n, NULL));
    CHECK(CloseHandle(w));
    CHECK(ReadFile(r, text, sizeof text, &n, NULL) && n == 3);
    CHECK(!ReadFile(r, text, sizeof text, &n, NULL));
    CHECK_EQ(GetLastError(), ERROR_BROKEN_PIPE);
    CHECK(CloseHandle(r));
}

/* What a child prints comes through its standard output. */
static void redirected(void)
{
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    STARTUPINFOA si = {.cb = sizeof si, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION p;
    HANDLE out_r, out_w, in_r, in_w;
    char path[MAX_PATH], line[MAX_PATH + 20], text[200];
    DWORD n, used = 0, code = 99;
    CHECK(CreatePipe(&out_r, &out_w, &inherit, 0) && CreatePipe(&in_r, &in_w, &inherit, 0));
    CHECK(SetHandleInformation(out_r, HANDLE_FLAG_INHERIT, 0) && SetHandleInformation(in_w, HANDLE_FLAG_INHERIT, 0));
    si.hStdInput = in_r;
    si.hStdOutput = si.hStdError = out_w;
    GetModuleFileNameA(NULL, path, sizeof path);
    sprintf(line, "\"%s\" child", path);
    CHECK(CreateProcessA(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &si, &p));
    CloseHandle(out_w);
    CloseHandle(in_r);
    CHECK(WriteFile(in_w, "question\r\n", 10, &n, NULL));
    CloseHandle(in_w);
    while (used < sizeof text - 1 && ReadFile(out_r, text + used, sizeof text - 1 - used, &n, NULL) && n)
        used += n;
    text[used] = 0;
    CHECK_EQ(GetLastError(), ERROR_BROKEN_PIPE);
    CHECK_STR(text, "the child was asked: question\r\n");
    CHECK_EQ(WaitForSingleObject(p.hProcess, 10000), WAIT_OBJECT_0);
    CHECK(GetExitCodeProcess(p.hProcess, &code) && code == 3);
    CloseHandle(p.hProcess);
    CloseHandle(p.hThread);
    CloseHandle(out_r);
}

static HANDLE server(DWORD mode, DWORD type)
{
    return CreateNamedPipeA(PIPE, PIPE_ACCESS_DUPLEX | mode, type, 1, 100, 100, 0, NULL);
}

static HANDLE client(void)
{
    return CreateFileA(PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
}

static void states(void)
{
    char text[20];
    DWORD n;
    CHECK(client() == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK(!WaitNamedPipeA(PIPE, 10));
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    HANDLE s = server(FILE_FLAG_FIRST_PIPE_INSTANCE, PIPE_TYPE_BYTE), c;
    CHECK(s != INVALID_HANDLE_VALUE);
    CHECK(server(0, PIPE_TYPE_BYTE) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
    CHECK(!ReadFile(s, text, 1, &n, NULL));
    CHECK_EQ(GetLastError(), ERROR_PIPE_LISTENING);
    CHECK(WaitNamedPipeA(PIPE, 10));
    c = client();
    CHECK(c != INVALID_HANDLE_VALUE);
    CHECK(client() == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
    CHECK(!WaitNamedPipeA(PIPE, 30));
    CHECK_EQ(GetLastError(), ERROR_SEM_TIMEOUT);
    CHECK(!ConnectNamedPipe(s, NULL));
    CHECK_EQ(GetLastError(), ERROR_PIPE_CONNECTED);
    CHECK(WriteFile(c, "abc", 3, &n, NULL));
    CHECK(CloseHandle(c));
    CHECK(ReadFile(s, text, sizeof text, &n, NULL) && n == 3);
    CHECK(!WriteFile(s, "x", 1, &n, NULL));
    CHECK_EQ(GetLastError(), ERROR_NO_DATA);
    CHECK(!ConnectNamedPipe(s, NULL));
    CHECK_EQ(GetLastError(), ERROR_NO_DATA);
    CHECK(DisconnectNamedPipe(s));
    CHECK(!ReadFile(s, text, 1, &n, NULL));
    CHECK_EQ(GetLastError(), ERROR_PIPE_NOT_CONNECTED);
    CHECK(CloseHandle(s));
}

static void messages(void)
{
    char text[20];
    DWORD n, mode = PIPE_READMODE_MESSAGE, left;
    HANDLE s = server(0, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE), c = client();
    CHECK(SetNamedPipeHandleState(c, &mode, NULL, NULL));
    CHECK(WriteFile(c, "first", 5, &n, NULL) && WriteFile(c, "second", 6, &n, NULL));
    CHECK(PeekNamedPipe(s, NULL, 0, NULL, &n, &left) && n == 11 && left == 5);
    CHECK(!ReadFile(s, text, 2, &n, NULL));
    CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
    CHECK_EQ(n, 2);
    CHECK(ReadFile(s, text, sizeof text, &n, NULL) && n == 3);
    CHECK(ReadFile(s, text, sizeof text, &n, NULL) && n == 6);
    CHECK(CloseHandle(c) && CloseHandle(s));
}

static DWORD CALLBACK connects(void *unused)
{
    HANDLE c = client();
    DWORD n;
    Sleep(10);
    CHECK(WriteFile(c, "late", 4, &n, NULL));
    Sleep(10);
    CloseHandle(c);
    return 0;
}

static void overlapped(void)
{
    OVERLAPPED o = {0};
    char text[20];
    DWORD n = 0;
    HANDLE s = server(FILE_FLAG_OVERLAPPED, PIPE_TYPE_BYTE), t;
    o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    CHECK(!ConnectNamedPipe(s, &o));
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    t = CreateThread(NULL, 0, connects, NULL, 0, NULL);
    CHECK(GetOverlappedResult(s, &o, &n, TRUE));
    CHECK(!ReadFile(s, text, sizeof text, NULL, &o));
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CHECK(GetOverlappedResult(s, &o, &n, TRUE) && n == 4);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CloseHandle(t);
    CHECK(DisconnectNamedPipe(s));
    CHECK(!ConnectNamedPipe(s, &o) && GetLastError() == ERROR_IO_PENDING);
    CHECK(CancelIo(s));
    CHECK(!GetOverlappedResult(s, &o, &n, TRUE));
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    CHECK(CloseHandle(s) && CloseHandle(o.hEvent));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        char line[40];
        if (!fgets(line, sizeof line, stdin))
            return 4;
        line[strcspn(line, "\r\n")] = 0;
        printf("the child was asked: %s\n", line);
        return 3;
    }
    anonymous();
    redirected();
    states();
    messages();
    overlapped();
    printf("pipes: %d failed\n", check_failures);
    return check_failures;
}
