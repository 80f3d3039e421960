/* Waits for a flag that nobody sets any more: the loop carries a counter, so that no turn is like the one before. */
#include <windows.h>

static volatile LONG flag;
static LONG turns;

static DWORD WINAPI sleeper(void *event)
{
    WaitForSingleObject(event, INFINITE);
    flag = 1;
    return 0;
}

int main(void)
{
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL), thread = CreateThread(NULL, 0, sleeper, event, 0, NULL);
    while (!flag)
        turns++;
    SetEvent(event);
    WaitForSingleObject(thread, INFINITE);
    return 0;
}
