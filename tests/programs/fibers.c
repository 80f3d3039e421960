/* Fibers: who runs, on which stack, with what data; and going on with a context. */
#include <windows.h>
#include "check.h"

static void *first, *producer, *consumer;
static int item, sum;
static char order[40];

static int on_stack(const void *p)
{
    ULONG_PTR low, high;
    GetCurrentThreadStackLimits(&low, &high);
    return (ULONG_PTR)p >= low && (ULONG_PTR)p < high;
}

static void CALLBACK produce(void *data)
{
    int local = 0;
    CHECK(GetFiberData() == data && GetCurrentFiber() == producer);
    CHECK(on_stack(&local));
    for (local = 1; local <= 5; local++) {
        item = local;
        strcat(order, "p");
        SwitchToFiber(consumer);
    }
    item = 0;
    SwitchToFiber(consumer);
}

static void CALLBACK consume(void *data)
{
    double kept = 2.5;
    CHECK_EQ((int)(INT_PTR)data, 7);
    for (;;) {
        SwitchToFiber(producer);
        if (!item)
            break;
        sum += item;
        kept *= 2;
        strcat(order, "c");
    }
    CHECK(kept == 80);
    SwitchToFiber(first);
}


static void CALLBACK returns(void *data)
{
    *(int *)data = 1;
}

static DWORD CALLBACK ends_in_a_fiber(void *data)
{
    CHECK(ConvertThreadToFiber(NULL) != NULL);
    SwitchToFiber(CreateFiber(0x20000, returns, data));
    return 5; /* DOC: a fiber's routine that returns ends the thread */
}

static void contexts(void)
{
    static volatile int times;
    CONTEXT c;
    times = 0;
    RtlCaptureContext(&c);
    if (times++ < 3)
        RtlRestoreContext(&c, NULL);
    CHECK_EQ(times, 4);
}

int main(void)
{
    int ran = 0;
    DWORD code = 9;
    CHECK(!IsThreadAFiber());
    first = ConvertThreadToFiber((void *)3);
    CHECK(first != NULL && IsThreadAFiber());
    CHECK(!ConvertThreadToFiber(NULL));
    CHECK_EQ(GetLastError(), ERROR_ALREADY_FIBER);
    CHECK(GetFiberData() == (void *)3);
    producer = CreateFiber(0, produce, &item);
    consumer = CreateFiberEx(0x1000, 0x20000, 0, consume, (void *)7);
    SwitchToFiber(consumer);
    CHECK_EQ(sum, 15);
    CHECK_STR(order, "pcpcpcpcpc");
    DeleteFiber(producer);
    DeleteFiber(consumer);
    CHECK(ConvertFiberToThread());
    CHECK(!ConvertFiberToThread());
    HANDLE t = CreateThread(NULL, 0, ends_in_a_fiber, &ran, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code));
    CHECK_EQ(ran, 1);
    CHECK(code != 5);
    CloseHandle(t);
    contexts();
    printf("fibers: %d failed\n", check_failures);
    return check_failures;
}
