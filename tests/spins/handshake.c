/* Two threads that wait for each other's word, each counting its turns; and a third that only counts. All orders end. */
#include <windows.h>

static volatile LONG ping, pong;
static LONG turns[2];

static DWORD WINAPI answer(void *unused)
{
    for (LONG i = 1; i <= 2; i++) {
        while (ping != i)
            turns[1]++;
        pong = i;
    }
    return 0;
}

int main(void)
{
    HANDLE thread = CreateThread(NULL, 0, answer, NULL, 0, NULL);
    for (LONG i = 1; i <= 2; i++) {
        ping = i;
        while (pong != i)
            turns[0]++;
    }
    WaitForSingleObject(thread, INFINITE);
    return pong != 2;
}
