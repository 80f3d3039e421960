/* Windows that nobody sees, and the message queues of threads. */
#include "check.h"

#include <wchar.h>

static char heard[200];
static HWND window;
static DWORD window_thread;

static LRESULT CALLBACK procedure(HWND w, UINT message, WPARAM wparam, LPARAM lparam)
{
    switch (message) {
    case WM_NCCREATE:
        strcat(heard, "nccreate ");
        break;
    case WM_CREATE:
        strcat(heard, "create ");
        CHECK_EQ(((CREATESTRUCTW *)lparam)->lpCreateParams == &window, 1);
        return wparam == 1 ? -1 : 0;
    case WM_DESTROY:
        strcat(heard, "destroy ");
        PostQuitMessage(5);
        return 0;
    case WM_NCDESTROY:
        strcat(heard, "ncdestroy ");
        break;
    case WM_USER:
        CHECK_EQ(GetCurrentThreadId(), window_thread);
        return (LRESULT)(wparam + lparam);
    }
    return DefWindowProcW(w, message, wparam, lparam);
}

static void make_window(void)
{
    WNDCLASSW c = { .lpfnWndProc = procedure, .hInstance = GetModuleHandleW(NULL), .lpszClassName = L"Irplab.Test", .cbWndExtra = 16 };
    ATOM atom = RegisterClassW(&c);
    CHECK(atom >= 0xC000);
    CHECK_EQ(RegisterClassW(&c), 0);
    CHECK_EQ(GetLastError(), ERROR_CLASS_ALREADY_EXISTS);
    CHECK(CreateWindowExW(0, L"Irplab.None", L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL) == NULL);
    CHECK_EQ(GetLastError(), ERROR_CANNOT_FIND_WND_CLASS);
    window = CreateWindowExW(0, L"irplab.test", L"title", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, c.hInstance, &window);
    CHECK(window != NULL);
    CHECK(IsWindow(window));
    CHECK_STR(heard, "nccreate create ");
    heard[0] = 0;
    SetWindowLongPtrW(window, GWLP_USERDATA, 0x123456789A);
    CHECK_EQ(GetWindowLongPtrW(window, GWLP_USERDATA), 0x123456789A);
    SetWindowLongPtrW(window, 8, 77);
    CHECK_EQ(GetWindowLongPtrW(window, 8), 77);
    SetLastError(0);
    CHECK_EQ(GetWindowLongPtrW(window, 16), 0);
    CHECK_EQ(GetLastError(), ERROR_INVALID_INDEX);
    DWORD process;
    CHECK_EQ(GetWindowThreadProcessId(window, &process), GetCurrentThreadId());
    CHECK_EQ(process, GetCurrentProcessId());
}

static void test_queue(void)
{
    MSG m;
    CHECK(!PeekMessageW(&m, NULL, 0, 0, PM_REMOVE));
    CHECK_EQ(SendMessageW(window, WM_USER, 3, 4), 7);
    CHECK(PostMessageW(window, WM_USER + 1, 1, 2));
    CHECK(PostMessageW(window, WM_USER + 2, 3, 4));
    CHECK(PostThreadMessageW(GetCurrentThreadId(), WM_USER + 3, 5, 6));
    CHECK(PeekMessageW(&m, NULL, 0, 0, PM_NOREMOVE));
    CHECK_EQ(m.message, WM_USER + 1);
    CHECK(PeekMessageW(&m, NULL, WM_USER + 2, WM_USER + 2, PM_REMOVE));
    CHECK_EQ(m.wParam, 3);
    CHECK_EQ(m.lParam, 4);
    CHECK(m.hwnd == window);
    CHECK_EQ(GetMessageW(&m, NULL, 0, 0), 1);
    CHECK_EQ(m.message, WM_USER + 1);
    CHECK_EQ(GetMessageW(&m, NULL, 0, 0), 1);
    CHECK_EQ(m.message, WM_USER + 3);
    CHECK(m.hwnd == NULL);
    CHECK(!PeekMessageW(&m, NULL, 0, 0, PM_REMOVE));
    CHECK(!PostMessageW((HWND)0x777777, WM_USER, 0, 0));
    CHECK_EQ(GetLastError(), ERROR_INVALID_WINDOW_HANDLE);
    CHECK(!PostThreadMessageW(0x777777, WM_USER, 0, 0));
    CHECK_EQ(GetLastError(), ERROR_INVALID_THREAD_ID);
}

static DWORD WINAPI sender(void *p)
{
    CHECK_EQ(SendMessageW(window, WM_USER, 10, 20), 30);
    CHECK(!DestroyWindow(window)); /* not ours */
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK(PostMessageW(window, WM_USER + 9, 0, 0));
    return 0;
}

static void test_other_thread(void)
{
    MSG m;
    HANDLE t = CreateThread(NULL, 0, sender, NULL, 0, NULL);
    CHECK_EQ(GetMessageW(&m, NULL, 0, 0), 1);
    CHECK_EQ(m.message, WM_USER + 9);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
}

static void test_wait(void)
{
    MSG m;
    HANDLE e = CreateEventW(NULL, FALSE, FALSE, NULL);
    CHECK_EQ(MsgWaitForMultipleObjects(1, &e, FALSE, 10, QS_ALLINPUT), WAIT_TIMEOUT);
    SetEvent(e);
    CHECK_EQ(MsgWaitForMultipleObjects(1, &e, FALSE, INFINITE, QS_ALLINPUT), WAIT_OBJECT_0);
    PostMessageW(window, WM_USER + 1, 0, 0);
    CHECK_EQ(MsgWaitForMultipleObjectsEx(1, &e, INFINITE, QS_ALLINPUT, MWMO_INPUTAVAILABLE), WAIT_OBJECT_0 + 1);
    CHECK(PeekMessageW(&m, NULL, 0, 0, PM_REMOVE));
    CHECK_EQ(MsgWaitForMultipleObjects(1, &e, FALSE, 0, QS_ALLINPUT), WAIT_TIMEOUT);
    CloseHandle(e);
}

static void test_end(void)
{
    MSG m;
    CHECK(PostMessageW(window, WM_CLOSE, 0, 0));
    while (GetMessageW(&m, NULL, 0, 0) > 0)
        DispatchMessageW(&m);
    CHECK_EQ(m.message, WM_QUIT);
    CHECK_EQ(m.wParam, 5);
    CHECK_STR(heard, "destroy ncdestroy ");
    CHECK(!IsWindow(window));
    CHECK(!PeekMessageW(&m, NULL, 0, 0, PM_REMOVE)); /* WM_QUIT comes once */
    CHECK(UnregisterClassW(L"Irplab.Test", GetModuleHandleW(NULL)));
    CHECK(!UnregisterClassW(L"Irplab.Test", GetModuleHandleW(NULL)));
    CHECK_EQ(GetLastError(), ERROR_CLASS_DOES_NOT_EXIST);
}

int main(void)
{
    window_thread = GetCurrentThreadId();
    make_window();
    test_queue();
    test_other_thread();
    test_wait();
    test_end();
    return check_failures;
}
