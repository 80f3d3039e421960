/* Drivers that touch memory right behind the call that gave it away, in plain code without a call between; behind an atomic instruction or a plain
 * store that did (race/sweep.h); and that change it together without a lock. Built once for each mistake, and with -DFIXED the right way. DriverEntry
 * does all of it, so that no program is needed. */
#include <ntddk.h>

struct job {
    KEVENT done;
    LIST_ENTRY link;
    PIO_WORKITEM item;
    LONG result;
};

static LIST_ENTRY queue;
static KSPIN_LOCK queue_lock;
static KSEMAPHORE queue_count;
static KEVENT freed;

DRIVER_UNLOAD unload;
VOID unload(PDRIVER_OBJECT driver)
{
    if (driver->DeviceObject)
        IoDeleteDevice(driver->DeviceObject);
}

static struct job *job_create(void)
{
    struct job *j = ExAllocatePoolWithTag(NonPagedPool, sizeof *j, 'boJB');
    if (j) {
        KeInitializeEvent(&j->done, NotificationEvent, FALSE);
        j->result = 0;
    }
    return j;
}

static NTSTATUS thread_start(PKSTART_ROUTINE routine, PVOID context, PVOID *thread)
{
    HANDLE handle;
    NTSTATUS status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context);
    if (!NT_SUCCESS(status))
        return status;
    status = ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, thread, NULL);
    ZwClose(handle);
    return status;
}

static void thread_wait(PVOID thread)
{
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

#if defined(EVENT) || defined(CALLER)
/* The waiter frees what holds the event as soon as it is set. */
#ifdef CALLER
__attribute__((noinline)) /* the touch is in the caller of who makes the call */
#endif
static void finish(struct job *j)
{
    KeSetEvent(&j->done, IO_NO_INCREMENT, FALSE);
    __asm__ volatile("");
}

static VOID worker(PVOID context)
{
    struct job *j = context;
#ifdef FIXED
    j->result = 1;
#endif
    finish(j);
#ifndef FIXED
    if (!j->result)
        j->result = 1;
#endif
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    struct job *j = job_create();
    PVOID thread;
    if (!j || !NT_SUCCESS(thread_start(worker, j, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    KeWaitForSingleObject(&j->done, Executive, KernelMode, FALSE, NULL);
    ExFreePoolWithTag(j, 'boJB');
    thread_wait(thread);
    return STATUS_SUCCESS;
}
#elif defined(LIST)
/* Who takes the job from the list frees it. */
static VOID taker(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    KeWaitForSingleObject(&queue_count, Executive, KernelMode, FALSE, NULL);
    PLIST_ENTRY e = ExInterlockedRemoveHeadList(&queue, &queue_lock);
    if (e)
        ExFreePoolWithTag(CONTAINING_RECORD(e, struct job, link), 'boJB');
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    struct job *j = job_create();
    PVOID thread;
    if (!j || !NT_SUCCESS(thread_start(taker, NULL, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
#ifdef FIXED
    j->result = 7;
#endif
    KeReleaseSemaphore(&queue_count, IO_NO_INCREMENT, 1, FALSE); /* too early is no mistake: the list may still be empty */
    ExInterlockedInsertTailList(&queue, &j->link, &queue_lock);
#ifndef FIXED
    j->result = 7;
#endif
    thread_wait(thread);
    PLIST_ENTRY e = ExInterlockedRemoveHeadList(&queue, &queue_lock);
    if (e)
        ExFreePoolWithTag(CONTAINING_RECORD(e, struct job, link), 'boJB');
    return STATUS_SUCCESS;
}
#elif defined(WORK)
/* The work item frees its context. */
static IO_WORKITEM_ROUTINE work;
static VOID work(PDEVICE_OBJECT device, PVOID context)
{
    struct job *j = context;
    UNREFERENCED_PARAMETER(device);
    IoFreeWorkItem(j->item);
    ExFreePoolWithTag(j, 'boJB');
    KeSetEvent(&freed, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    struct job *j = NT_SUCCESS(status) ? job_create() : NULL;
    if (!j || !(j->item = IoAllocateWorkItem(device)))
        return STATUS_INSUFFICIENT_RESOURCES;
#ifdef FIXED
    LONG waiting = j->result;
    IoQueueWorkItem(j->item, work, DelayedWorkQueue, j);
#else
    IoQueueWorkItem(j->item, work, DelayedWorkQueue, j);
    j->result = 1;
    LONG waiting = 0;
#endif
    KeWaitForSingleObject(&freed, Executive, KernelMode, FALSE, NULL);
    return waiting ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}
#elif defined(LOCK)
/* The last who holds the lock frees it with what it protects; another still looks at it behind its own release. */
static struct locked {
    KSPIN_LOCK lock;
    LONG users, done;
} *shared;

static void let_go(struct locked *l)
{
    KIRQL irql;
    KeAcquireSpinLock(&l->lock, &irql);
    BOOLEAN last = --l->users == 0;
    KeReleaseSpinLock(&l->lock, irql);
#ifdef FIXED
    if (last)
        ExFreePoolWithTag(l, 'kcLB');
#else
    if (last)
        ExFreePoolWithTag(l, 'kcLB');
    else
        l->done++;
#endif
}

static VOID leaver(PVOID context)
{
    let_go(context);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    PVOID thread;
    shared = ExAllocatePoolWithTag(NonPagedPool, sizeof *shared, 'kcLB');
    if (!shared)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeSpinLock(&shared->lock);
    shared->users = 2;
    shared->done = 0;
    if (!NT_SUCCESS(thread_start(leaver, shared, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    let_go(shared);
    thread_wait(thread);
    return STATUS_SUCCESS;
}
#elif defined(COUNT) || defined(REREAD)
/* The last reference frees it; another still looks at it behind its own decrement, or reads the count once more. */
static struct counted {
    LONG references, flags;
} *counted;

static void let_go(struct counted *c)
{
#if defined(FIXED)
    if (InterlockedDecrement(&c->references) == 0)
        ExFreePoolWithTag(c, 'tcOB');
#elif defined(COUNT)
    if (InterlockedDecrement(&c->references) == 0)
        ExFreePoolWithTag(c, 'tcOB');
    else
        c->flags |= 1;
#else
    InterlockedDecrement(&c->references);
    if (c->references == 0)
        ExFreePoolWithTag(c, 'tcOB');
#endif
}

static VOID leaver(PVOID context)
{
    let_go(context);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    PVOID thread;
    counted = ExAllocatePoolWithTag(NonPagedPool, sizeof *counted, 'tcOB');
    if (!counted)
        return STATUS_INSUFFICIENT_RESOURCES;
    counted->references = 2;
    counted->flags = 0;
    if (!NT_SUCCESS(thread_start(leaver, counted, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    let_go(counted);
    thread_wait(thread);
    return STATUS_SUCCESS;
}
#elif defined(EXCHANGE) || defined(STORE)
/* Who sees the flag frees what it lies in; the result is stored behind it. */
struct flagged {
    volatile LONG done;
    LONG result;
};

static VOID worker(PVOID context)
{
    struct flagged *f = context;
#ifdef FIXED
    f->result = 1;
#endif
#ifdef EXCHANGE
    InterlockedExchange(&f->done, 1);
#else
    f->done = 1;
#endif
#ifndef FIXED
    f->result = 1;
#endif
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    LARGE_INTEGER while_waiting = { .QuadPart = -10000 };
    struct flagged *f = ExAllocatePoolWithTag(NonPagedPool, sizeof *f, 'gfLB');
    PVOID thread;
    if (!f)
        return STATUS_INSUFFICIENT_RESOURCES;
    f->done = f->result = 0;
    if (!NT_SUCCESS(thread_start(worker, f, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    while (!f->done)
        KeDelayExecutionThread(KernelMode, FALSE, &while_waiting);
    ExFreePoolWithTag(f, 'gfLB');
    thread_wait(thread);
    return STATUS_SUCCESS;
}
#elif defined(ADD)
/* Without a lock prefix an addition to memory is a read and a write. */
static LONG sum;

static VOID adder(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
#ifdef FIXED
    InterlockedIncrement(&sum);
#else
    __asm__ volatile("incl %0" : "+m"(sum));
#endif
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    PVOID one, two;
    if (!NT_SUCCESS(thread_start(adder, NULL, &one)) || !NT_SUCCESS(thread_start(adder, NULL, &two)))
        return STATUS_INSUFFICIENT_RESOURCES;
    thread_wait(one);
    thread_wait(two);
    if (sum != 2)
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, (ULONG_PTR)sum, 0, 0, 0);
    return STATUS_SUCCESS;
}
#elif defined(COPY) || defined(MOVS)
/* What was found under the lock is written behind it, by an export or by a string instruction, while another takes it away and frees it. */
static UCHAR *buffer, text[64];
static KSPIN_LOCK buffer_lock;
static volatile SIZE_T text_size = sizeof text;

static VOID dropper(PVOID context)
{
    KIRQL irql;
    UNREFERENCED_PARAMETER(context);
    KeAcquireSpinLock(&buffer_lock, &irql);
    UCHAR *b = buffer;
    buffer = NULL;
    KeReleaseSpinLock(&buffer_lock, irql);
    if (b)
        ExFreePoolWithTag(b, 'fuBB');
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void fill(UCHAR *to)
{
#ifdef COPY
    RtlMoveMemory(to, text, text_size);
#else
    __movsb(to, text, text_size);
#endif
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    KIRQL irql;
    PVOID thread;
    KeInitializeSpinLock(&buffer_lock);
    buffer = ExAllocatePoolWithTag(NonPagedPool, sizeof text, 'fuBB');
    if (!buffer || !NT_SUCCESS(thread_start(dropper, NULL, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    KeAcquireSpinLock(&buffer_lock, &irql);
    UCHAR *b = buffer;
#ifdef FIXED
    if (b)
        fill(b);
#endif
    KeReleaseSpinLock(&buffer_lock, irql);
#ifndef FIXED
    if (b)
        fill(b);
#endif
    thread_wait(thread);
    return STATUS_SUCCESS;
}
#elif defined(AGAIN)
/* What was known of an object is taken to be true as long as the object at that address is the current one: another may lie there by now (--reuse). Nothing
 * that was freed is touched. */
static struct versioned {
    LONG value;
} *current;
static LONG version;
static KSPIN_LOCK current_lock;

static VOID replacer(PVOID context)
{
    KIRQL irql;
    UNREFERENCED_PARAMETER(context);
    KeAcquireSpinLock(&current_lock, &irql);
    struct versioned *old = current;
    current = NULL;
    version++;
    KeReleaseSpinLock(&current_lock, irql);
    ExFreePoolWithTag(old, 'rvFB');
    struct versioned *fresh = ExAllocatePoolWithTag(NonPagedPool, sizeof *fresh, 'rvFB');
    if (fresh)
        fresh->value = 2;
    KeAcquireSpinLock(&current_lock, &irql);
    current = fresh;
    KeReleaseSpinLock(&current_lock, irql);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    KIRQL irql;
    PVOID thread;
    KeInitializeSpinLock(&current_lock);
    current = ExAllocatePoolWithTag(NonPagedPool, sizeof *current, 'rvFB');
    if (!current)
        return STATUS_INSUFFICIENT_RESOURCES;
    current->value = 1;
    if (!NT_SUCCESS(thread_start(replacer, NULL, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    KeAcquireSpinLock(&current_lock, &irql);
    struct versioned *seen = current;
    LONG value = seen ? seen->value : 0, seen_version = version;
    KeReleaseSpinLock(&current_lock, irql);
    KeAcquireSpinLock(&current_lock, &irql);
#ifdef FIXED
    BOOLEAN same = seen_version == version;
#else
    BOOLEAN same = current == seen;
    UNREFERENCED_PARAMETER(seen_version);
#endif
    if (same && seen && current->value != value)
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, (ULONG_PTR)value, (ULONG_PTR)current->value, 0, 0);
    KeReleaseSpinLock(&current_lock, irql);
    thread_wait(thread);
    if (current)
        ExFreePoolWithTag(current, 'rvFB');
    return STATUS_SUCCESS;
}
#elif defined(FRAME)
/* Who asks waits for a millisecond, on its stack; the answer comes when it comes. The default order of time never lets the wait end first. */
static KEVENT *asked;
static KEVENT asked_something;
static KSPIN_LOCK asked_lock;

static VOID answerer(PVOID context)
{
    KIRQL irql;
    UNREFERENCED_PARAMETER(context);
    KeWaitForSingleObject(&asked_something, Executive, KernelMode, FALSE, NULL);
    KeAcquireSpinLock(&asked_lock, &irql);
    KEVENT *answered = asked;
    asked = NULL;
#ifdef FIXED
    if (answered)
        KeSetEvent(answered, IO_NO_INCREMENT, FALSE);
#endif
    KeReleaseSpinLock(&asked_lock, irql);
#ifndef FIXED
    if (answered)
        KeSetEvent(answered, IO_NO_INCREMENT, FALSE);
#endif
    PsTerminateSystemThread(STATUS_SUCCESS);
}

__attribute__((noinline)) static void ask(void)
{
    KEVENT answered;
    KIRQL irql;
    LARGE_INTEGER a_while = { .QuadPart = -10000 };
    KeInitializeEvent(&answered, NotificationEvent, FALSE);
    KeAcquireSpinLock(&asked_lock, &irql);
    asked = &answered;
    KeReleaseSpinLock(&asked_lock, irql);
    KeSetEvent(&asked_something, IO_NO_INCREMENT, FALSE);
    if (KeWaitForSingleObject(&answered, Executive, KernelMode, FALSE, &a_while) == STATUS_TIMEOUT) {
        KeAcquireSpinLock(&asked_lock, &irql);
        asked = NULL;
        KeReleaseSpinLock(&asked_lock, irql);
    }
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    PVOID thread;
    KeInitializeSpinLock(&asked_lock);
    KeInitializeEvent(&asked_something, SynchronizationEvent, FALSE);
    if (!NT_SUCCESS(thread_start(answerer, NULL, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    ask();
    thread_wait(thread);
    return STATUS_SUCCESS;
}
#elif defined(ONCE)
/* What is made when it is first wanted is looked at and made without a lock: made twice, one is lost. */
static struct job *volatile once;
static FAST_MUTEX making;

static struct job *get(void)
{
#ifdef FIXED
    ExAcquireFastMutex(&making);
#endif
    if (!once)
        once = job_create();
#ifdef FIXED
    ExReleaseFastMutex(&making);
#endif
    return once;
}

static VOID getter(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    get();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    PVOID thread;
    ExInitializeFastMutex(&making);
    if (!NT_SUCCESS(thread_start(getter, NULL, &thread)))
        return STATUS_INSUFFICIENT_RESOURCES;
    get();
    thread_wait(thread);
    if (once)
        ExFreePoolWithTag(once, 'boJB');
    return STATUS_SUCCESS;
}
#endif

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNREFERENCED_PARAMETER(path);
    InitializeListHead(&queue);
    KeInitializeSpinLock(&queue_lock);
    KeInitializeSemaphore(&queue_count, 0, 10);
    KeInitializeEvent(&freed, NotificationEvent, FALSE);
    driver->DriverUnload = unload;
    return begin(driver);
}
