/* Drivers whose threads retry, for check_retry.py. MODEL chooses how; with ORDERED both threads take the locks in the same order (or give back what they took), and come to
 * an end in every order. DriverEntry starts two threads and waits for them. */
#include <ntifs.h>

#define FAST_MUTEXES 1
#define SPIN_LOCKS 2
#define MUTEXES_YIELD 3
#define MUTEXES_DELAY_0 4
#define RESOURCES_STALL 5
#define WORD_STALL 6
#define WORD_YIELD 7
#define WORD_DELAY_0 8
#define WORD_DELAY_1 9
#define WORD_PAUSE 10


#if MODEL >= WORD_STALL
static volatile LONG word, inside;

static VOID Wait(VOID)
{
    LARGE_INTEGER delay;
#if MODEL == WORD_STALL
    KeStallExecutionProcessor(10);
#elif MODEL == WORD_YIELD
    ZwYieldExecution();
#elif MODEL == WORD_DELAY_0
    delay.QuadPart = 0;
    KeDelayExecutionThread(KernelMode, FALSE, &delay);
#elif MODEL == WORD_DELAY_1
    delay.QuadPart = -10000;
    KeDelayExecutionThread(KernelMode, FALSE, &delay);
#else
    YieldProcessor();
#endif
    UNREFERENCED_PARAMETER(delay);
}

static VOID Work(ULONG me)
{
    UNREFERENCED_PARAMETER(me);
    while (InterlockedExchange(&word, 1))
        Wait();
    inside++;
#ifdef ORDERED
    InterlockedExchange(&word, 0);
#endif
}

static VOID Begin(VOID)
{
}

static VOID End(VOID)
{
}
#else

#if MODEL == FAST_MUTEXES
static FAST_MUTEX lock[2];
#define MAKE(i) ExInitializeFastMutex(&lock[i])
#define TAKE(i) ExAcquireFastMutex(&lock[i])
#define TRY(i) ExTryToAcquireFastMutex(&lock[i])
#define GIVE(i) ExReleaseFastMutex(&lock[i])
#define WAIT()
#define DROP(i)
#elif MODEL == SPIN_LOCKS
static KSPIN_LOCK lock[2];

#define MAKE(i) KeInitializeSpinLock(&lock[i])
#define TAKE(i) KeAcquireSpinLockAtDpcLevel(&lock[i])
#define TRY(i) KeTryToAcquireSpinLockAtDpcLevel(&lock[i])
#define GIVE(i) KeReleaseSpinLockFromDpcLevel(&lock[i])
#define WAIT()
#define DROP(i)
#elif MODEL == MUTEXES_YIELD || MODEL == MUTEXES_DELAY_0
static KMUTEX lock[2];
static LARGE_INTEGER none;
#define MAKE(i) KeInitializeMutex(&lock[i], 0)
#define TAKE(i) KeWaitForSingleObject(&lock[i], Executive, KernelMode, FALSE, NULL)
#define TRY(i) (KeWaitForSingleObject(&lock[i], Executive, KernelMode, FALSE, &none) == STATUS_SUCCESS)
#define GIVE(i) KeReleaseMutex(&lock[i], FALSE)
#if MODEL == MUTEXES_YIELD
#define WAIT() ZwYieldExecution()
#else
#define WAIT() KeDelayExecutionThread(KernelMode, FALSE, &none)
#endif
#define DROP(i)
#else
static ERESOURCE lock[2];
#define MAKE(i) ExInitializeResourceLite(&lock[i])
#define TAKE(i) (KeEnterCriticalRegion(), ExAcquireResourceExclusiveLite(&lock[i], TRUE))
#define TRY(i) (KeEnterCriticalRegion(), ExAcquireResourceExclusiveLite(&lock[i], FALSE) || (KeLeaveCriticalRegion(), FALSE))
#define GIVE(i) (ExReleaseResourceLite(&lock[i]), KeLeaveCriticalRegion())
#define WAIT() KeStallExecutionProcessor(20)
#define DROP(i) ExDeleteResourceLite(&lock[i])
#endif

static VOID Begin(VOID)
{
    MAKE(0);
    MAKE(1);
}

static VOID End(VOID)
{
    DROP(0);
    DROP(1);
}

/* Holds its own, tries the other's, gives its own back and begins again. */
static VOID Work(ULONG me)
{
#ifdef ORDERED
    me = 0;
#endif
#if MODEL == SPIN_LOCKS
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
#endif
    for (;;) {
        TAKE(me);
        if (TRY(1 - me))
            break;
        GIVE(me);
        WAIT();
    }
    GIVE(1 - me);
    GIVE(me);
#if MODEL == SPIN_LOCKS
    KeLowerIrql(irql);
#endif
}
#endif

static VOID Thread(PVOID context)
{
    Work((ULONG)(ULONG_PTR)context);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID Unload(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    PVOID threads[2];
    UNREFERENCED_PARAMETER(path);
    driver->DriverUnload = Unload;
    Begin();
    for (ULONG i = 0; i < 2; i++) {
        HANDLE handle;
        NTSTATUS status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Thread, (PVOID)(ULONG_PTR)i);
        if (!NT_SUCCESS(status))
            return status;
        ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &threads[i], NULL);
        ZwClose(handle);
    }
    for (ULONG i = 0; i < 2; i++) {
        KeWaitForSingleObject(threads[i], Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(threads[i]);
    }
    End();
    return STATUS_SUCCESS;
}
