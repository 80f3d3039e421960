/* Faults of a program's own, by name; with RIGHT the same program without them. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static int counter, data;
static atomic_int ready, relaxed;
static CRITICAL_SECTION section;
static SRWLOCK srw = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static volatile LONG flag;
static char global_name[11];
static volatile int sink;

#ifdef RIGHT
enum { FIX = 1 };
#else
enum { FIX = 0 };
#endif

static DWORD WINAPI count(LPVOID unused)
{
    if (FIX)
        EnterCriticalSection(&section);
    counter++;
    if (FIX)
        LeaveCriticalSection(&section);
    return 0;
}

/* Data handed on by an atomic: relaxed, or released and acquired. */
static DWORD WINAPI publish(LPVOID unused)
{
    data = 42;
    atomic_store_explicit(&ready, 1, FIX ? memory_order_release : memory_order_relaxed);
    return 0;
}

static DWORD WINAPI consume(LPVOID unused)
{
    if (atomic_load_explicit(&ready, FIX ? memory_order_acquire : memory_order_relaxed))
        counter = data;
    return 0;
}

/* Data handed on by relaxed atomics and fences. */
static DWORD WINAPI publish_fenced(LPVOID unused)
{
    data = 42;
    if (FIX)
        atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&relaxed, 1, memory_order_relaxed);
    return 0;
}

static DWORD WINAPI consume_fenced(LPVOID unused)
{
    int there = atomic_load_explicit(&relaxed, memory_order_relaxed);
    if (FIX)
        atomic_thread_fence(memory_order_acquire);
    if (there)
        counter = data;
    return 0;
}

/* By a volatile flag, as on Windows, or beside it. */
static DWORD WINAPI publish_volatile(LPVOID unused)
{
    if (FIX)
        data = 1;
    flag = 1;
    if (!FIX)
        data = 1;
    return 0;
}

static DWORD WINAPI consume_volatile(LPVOID unused)
{
    if (flag)
        counter = data;
    return 0;
}

/* Readers and a writer. */
static DWORD WINAPI read_shared(LPVOID unused)
{
    AcquireSRWLockShared(&srw);
    sink = data;
    if (!FIX)
        data++;
    ReleaseSRWLockShared(&srw);
    return 0;
}

static DWORD WINAPI wait_changed(LPVOID unused)
{
    AcquireSRWLockExclusive(&srw);
    while (!counter)
        SleepConditionVariableSRW(&changed, &srw, INFINITE, 0);
    ReleaseSRWLockExclusive(&srw);
    return 0;
}

static DWORD WINAPI make_changed(LPVOID unused)
{
    if (FIX)
        AcquireSRWLockExclusive(&srw);
    counter = 1;
    if (FIX)
        ReleaseSRWLockExclusive(&srw);
    WakeAllConditionVariable(&changed);
    return 0;
}

static void together(LPTHREAD_START_ROUTINE a, LPTHREAD_START_ROUTINE b)
{
    HANDLE h[2] = {CreateThread(NULL, 0, a, NULL, 0, NULL), CreateThread(NULL, 0, b, NULL, 0, NULL)};
    WaitForMultipleObjects(2, h, TRUE, INFINITE);
    CloseHandle(h[0]);
    CloseHandle(h[1]);
}

/* ---- one thread ---- */

static __attribute__((noinline)) void fill(volatile char *at, int bytes)
{
    for (int i = 0; i < bytes + 1 - FIX; i++)
        at[i] = 1;
}

static __attribute__((noinline)) void on_stack(void)
{
    char local[10];
    fill(local, sizeof local);
    sink = local[0];
}

static void on_heap(void)
{
    char *p = malloc(10);
    fill(p, 10);
    free(p);
}

static void freed(void)
{
    char *p = malloc(10), *other;
    p[3] = 1;
    if (FIX)
        sink = p[3];
    free(p);
    other = malloc(10); /* does not get its place */
    if (!FIX)
        sink = p[3];
    free(other);
}

static void scope(void)
{
    volatile int *p = NULL;
    int outer = 0;
    if (FIX)
        p = &outer;
    {
        volatile int inner = 3;
        if (!FIX)
            p = &inner;
        sink = inner;
    }
    sink = *p;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    InitializeCriticalSection(&section);
    if (!strcmp(what, "count"))
        together(count, count);
    else if (!strcmp(what, "publish"))
        together(publish, consume);
    else if (!strcmp(what, "fence"))
        together(publish_fenced, consume_fenced);
    else if (!strcmp(what, "volatile"))
        together(publish_volatile, consume_volatile);
    else if (!strcmp(what, "shared"))
        together(read_shared, read_shared);
    else if (!strcmp(what, "condition"))
        together(wait_changed, make_changed);
    else if (!strcmp(what, "stack"))
        on_stack();
    else if (!strcmp(what, "heap"))
        on_heap();
    else if (!strcmp(what, "freed"))
        freed();
    else if (!strcmp(what, "scope"))
        scope();
    else if (!strcmp(what, "global"))
        fill(global_name, sizeof global_name);
    else
        return 2;
    return 0;
}
