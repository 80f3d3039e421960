/* The classic models with C11 atomics: each of their accesses is a scheduling point, loads only read. NAME N: so many threads. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { MOST = 16 };

static atomic_int x, cells[MOST];
static int threads;
static const char *model;

static void run(int i)
{
    if (!strcmp(model, "readers")) {
        if (i == 0)
            atomic_store(&x, 1);
        else
            (void)atomic_load(&x);
    } else if (!strcmp(model, "lastzero")) {
        if (i == 0)
            for (int k = threads - 1; atomic_load(&cells[k]) != 0;)
                k--;
        else
            atomic_store(&cells[i], atomic_load(&cells[i - 1]) + 1);
    } else if (!strcmp(model, "inc")) {
        atomic_store(&x, atomic_load(&x) + 1);
    } else if (!strcmp(model, "ainc")) {
        atomic_fetch_add(&x, 1);
    } else if (!strcmp(model, "writers")) {
        atomic_store(&x, i);
    } else if (!strcmp(model, "first")) { /* who fails to be the first only reads */
        int none = 0;
        atomic_compare_exchange_strong(&x, &none, i + 1);
    }
}

static DWORD WINAPI start(LPVOID i)
{
    run((int)(INT_PTR)i);
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE h[MOST];
    if (argc < 3)
        return 2;
    model = argv[1];
    threads = atoi(argv[2]);
    for (int i = 0; i < threads; i++)
        h[i] = CreateThread(NULL, 0, start, (LPVOID)(INT_PTR)i, 0, NULL);
    for (int i = 0; i < threads; i++)
        WaitForSingleObject(h[i], INFINITE);
    return 0;
}
