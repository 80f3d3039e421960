/* A lock made by hand that is not one: between the look and the taking another thread may look, too. */
#include <windows.h>

static volatile LONG lock, inside, bad;
static LONG turns;

static DWORD WINAPI enter(void *unused)
{
    while (InterlockedOr(&lock, 0))
        turns++;
    InterlockedExchange(&lock, 1);
    if (InterlockedIncrement(&inside) != 1)
        bad = 1;
    InterlockedDecrement(&inside);
    InterlockedExchange(&lock, 0);
    return 0;
}

int main(void)
{
    HANDLE thread = CreateThread(NULL, 0, enter, NULL, 0, NULL);
    enter(NULL);
    WaitForSingleObject(thread, INFINITE);
    return bad;
}
