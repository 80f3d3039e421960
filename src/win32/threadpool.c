/* Thread pools: work, timers, waits and I/O of the Vista interface, and the older ones that Windows too builds on them
 * (QueueUserWorkItem, RegisterWaitForSingleObject, timer queues, BindIoCompletionCallback).
 *
 * An item is what the program created; a task is one callback that is due. Workers are threads of the process, made when tasks are
 * waiting and no worker is idle. A waiter thread waits for the objects and times of all items, an I/O thread for their port.
 * Every process has one pool: CreateThreadpool gives a name for it, its limits are not kept (any number of callbacks may overlap).
 *
 * GUESS: a periodic timer whose last callback has not begun yet does not queue another one. A registered wait that is not for once
 * waits again when its callback has returned. */
#include "ex/objects.h"
#include "io/completion.h"
#include "sim/access.h"
#include "win32/critical.h"
#include "win32/crt.h"
#include "win32/file.h"
#include "win32/overlapped.h"
#include "win32/wait.h"

enum item_kind { ITEM_WORK, ITEM_SIMPLE, ITEM_TIMER, ITEM_WAIT, ITEM_IO, ITEM_USER_WORK, ITEM_REGISTERED, ITEM_QUEUE_TIMER, ITEM_BOUND, ITEM_POOL, ITEM_GROUP, ITEM_QUEUE };
enum { MAX_WORKERS = 32, ONLY_ONCE = 8, ENVIRONMENT_GROUP_AT = 16, ENVIRONMENT_CANCEL_AT = 24, COMPLETION_CLASS = 30 };
static const uint64_t FOR_EVER = UINT64_MAX;

struct item {
    struct item *next; /* all items of the process, oldest first */
    uint64_t handle; /* guest: a block of its own */
    enum item_kind kind;
    uint64_t callback, context;
    uint64_t group, group_cancel; /* guest: cleanup group; its callback */
    struct item *owner; /* timers of a timer queue */
    uint32_t pending, running, detached; /* detached: running, but nobody waits for them */
    bool closed, armed, once;
    HANDLE object; /* waits; event to set when gone: done_event */
    HANDLE done_event;
    uint64_t due; /* in ticks of the interrupt time, FOR_EVER */
    uint64_t period_100ns, timeout_100ns;
    KEVENT idle; /* set while nothing is pending or running */
};

struct task {
    struct task *next;
    struct item *item;
    uint64_t argument; /* wait result, OVERLAPPED */
    uint32_t status, bytes;
};

struct thread_pool {
    struct item *items;
    struct task *first;
    uint32_t tasks, idle_workers, workers;
    KSEMAPHORE work;
    uint64_t key; /* guest block: what the pool's functions touch */
    HANDLE control; /* event: the waiter looks again */
    bool waiter, io_thread;
    uint64_t handles; /* guest: array for the waiter */
    HANDLE port;
};

/* What a callback asked to be done when it returns. In the guest's block the instance begins. */
struct instance {
    uint64_t handle;
    HANDLE event, semaphore, mutex;
    ULONG release;
    void *section;
    uint64_t library;
    struct item *item;
    bool let_go;
    struct instance *next;
};

static struct thread_pool *pool(void)
{
    struct w32_process *p = w32_process();
    if (!p->pool) {
        struct thread_pool *t = sim_alloc(sizeof *t);
        sim_name(t, sizeof *t, SIM_ACCESS_OF(SIM_THREAD_POOL, ps_current_process()->eprocess));
        KeInitializeSemaphore(&t->work, 0, 0x7FFFFFFF);
        t->key = w32_alloc_zeroed(16);
        p->pool = t;
    }
    sim_access(p->pool->key, SIM_WRITE);
    return p->pool;
}

static uint64_t now(void)
{
    return MACHINE->clock_100ns;
}

static struct item *find(uint64_t handle, enum item_kind kind)
{
    for (struct item *i = pool()->items; i; i = i->next)
        if (i->handle == handle && i->kind == kind)
            return i;
    return NULL;
}

/* A handle that is none ends a program on Windows too. */
static struct item *get(uint64_t handle, enum item_kind kind)
{
    struct item *i = find(handle, kind);
    if (!i)
        ke_raise_exception(STATUS_INVALID_PARAMETER, 0, NULL);
    return i;
}

_Static_assert(sizeof(struct item) <= 256, "names of items");

static struct item *item_new(enum item_kind kind, uint64_t callback, uint64_t context, const uint8_t *environment)
{
    struct thread_pool *t = pool();
    struct item *i = sim_alloc(sizeof *i), **at = &t->items;
    i->kind = kind;
    i->handle = w32_alloc_zeroed(16);
    sim_name(i, sizeof *i, SIM_ACCESS_OF(SIM_THREAD_POOL_ITEM, i->handle * 16)); /* as far apart as they are long */
    i->callback = callback;
    i->context = context;
    i->due = FOR_EVER;
    if (environment) {
        memcpy(&i->group, environment + ENVIRONMENT_GROUP_AT, 8);
        memcpy(&i->group_cancel, environment + ENVIRONMENT_CANCEL_AT, 8);
    }
    KeInitializeEvent(&i->idle, NotificationEvent, TRUE);
    while (*at)
        at = &(*at)->next;
    *at = i;
    return i;
}

static void item_free(struct item *i)
{
    struct item **at = &pool()->items;
    while (*at && *at != i)
        at = &(*at)->next;
    if (*at)
        *at = i->next;
    w32_free(i->handle);
    sim_free(i, sizeof *i);
}

/* Nothing of it is due or running any more. */
static void item_settle(struct item *i)
{
    if (i->pending || i->running)
        return;
    ke_event_set(&i->idle);
    if (!i->closed || i->detached)
        return;
    if (i->done_event)
        NtSetEvent(i->done_event, NULL);
    item_free(i);
}

/* ---- workers ---- */

static void thread_start(const char *routine)
{
    ULONG id;
    HANDLE h = CreateThread(NULL, 0, (void *)door_export_address("kernel32.dll", routine), NULL, 0, &id);
    if (h)
        CloseHandle(h);
}

static void task_add(struct item *i, uint64_t argument, uint32_t status, uint32_t bytes)
{
    struct thread_pool *t = pool();
    struct task *k = sim_alloc(sizeof *k), **at = &t->first;
    *k = (struct task) { NULL, i, argument, status, bytes };
    while (*at)
        at = &(*at)->next;
    *at = k;
    i->pending++;
    i->idle.Header.SignalState = 0;
    t->tasks++;
    bool more = t->idle_workers < t->tasks && t->workers < MAX_WORKERS;
    t->workers += more;
    KeReleaseSemaphore(&t->work, 0, 1, FALSE);
    if (more)
        thread_start("TppWorkerThread");
}

static struct task *task_take(struct thread_pool *t)
{
    struct task *k = t->first;
    t->first = k->next;
    t->tasks--;
    k->item->pending--;
    k->item->running++;
    return k;
}

static void tasks_cancel(struct item *i)
{
    struct thread_pool *t = pool();
    for (struct task **at = &t->first; *at;) {
        struct task *k = *at;
        if (k->item != i) {
            at = &k->next;
            continue;
        }
        *at = k->next;
        t->tasks--;
        i->pending--;
        sim_free(k, sizeof *k);
    }
    if (!i->pending && !i->running)
        ke_event_set(&i->idle);
}

static void call(const struct task *k, uint64_t instance)
{
    const struct item *i = k->item;
    void *fn = (void *)i->callback;
    switch (i->kind) {
    case ITEM_WORK:
    case ITEM_TIMER:
        guest_call(FRAME_NONE, fn, 3, instance, i->context, i->handle);
        break;
    case ITEM_SIMPLE:
        guest_call(FRAME_NONE, fn, 2, instance, i->context);
        break;
    case ITEM_WAIT:
        guest_call(FRAME_NONE, fn, 4, instance, i->context, i->handle, k->argument);
        break;
    case ITEM_IO:
        guest_call(FRAME_NONE, fn, 6, instance, i->context, k->argument, (uint64_t)(NT_SUCCESS((NTSTATUS)k->status) ? 0 : rtl_nt_status_to_dos_error((NTSTATUS)k->status)),
                   (uint64_t)k->bytes, i->handle);
        break;
    case ITEM_BOUND:
        guest_call(FRAME_NONE, fn, 3, (uint64_t)(NT_SUCCESS((NTSTATUS)k->status) ? 0 : rtl_nt_status_to_dos_error((NTSTATUS)k->status)), (uint64_t)k->bytes, k->argument);
        break;
    case ITEM_USER_WORK:
        guest_call(FRAME_NONE, fn, 1, i->context);
        break;
    default:
        guest_call(FRAME_NONE, fn, 2, i->context, k->argument);
        break;
    }
}

static void instance_end(const struct instance *n)
{
    if (n->section)
        LeaveCriticalSection(n->section);
    if (n->mutex)
        NtReleaseMutant(n->mutex, NULL);
    if (n->semaphore)
        NtReleaseSemaphore(n->semaphore, (LONG)n->release, NULL);
    if (n->event)
        NtSetEvent(n->event, NULL);
    if (n->library)
        FreeLibrary(n->library);
}

static void run(struct task *k)
{
    struct w32_process *p = w32_process();
    struct item *i = k->item;
    struct instance n = { .handle = w32_alloc_zeroed(16), .item = i, .next = p->instances };
    struct instance *mine = sim_alloc(sizeof *mine);
    *mine = n;
    p->instances = mine;
    call(k, mine->handle);
    for (struct instance **at = &p->instances; *at; at = &(*at)->next)
        if (*at == mine) {
            *at = mine->next;
            break;
        }
    n = *mine;
    w32_free(mine->handle);
    sim_free(mine, sizeof *mine);
    instance_end(&n);
    w32_console_flush();
    pool();
    if (n.let_go)
        i->detached--;
    else
        i->running--;
    bool one = i->kind == ITEM_SIMPLE || i->kind == ITEM_USER_WORK;
    i->closed |= one;
    if (i->kind == ITEM_REGISTERED && !i->once && !i->closed && !i->armed) {
        i->armed = true;
        i->due = i->timeout_100ns == FOR_EVER ? FOR_EVER : now() + i->timeout_100ns;
        NtSetEvent(pool()->control, NULL);
    }
    item_settle(i);
}

static NTSTATUS wait_kernel(void *object)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtWaitForWorkViaWorkerFactory);
    NTSTATUS s = KeWaitForSingleObject(object, WrQueue, UserMode, FALSE, NULL);
    ps_syscall_leave(&sc);
    return s;
}

/* Start routine of a worker: an address for the guest. */
void TppWorkerThread(void)
{
    for (;;) {
        struct thread_pool *t = pool();
        t->idle_workers++;
        ps_current()->is_worker = true; /* an idle one keeps nobody waiting */
        wait_kernel(&t->work);
        ps_current()->is_worker = false;
        t = pool();
        t->idle_workers--;
        if (!t->first)
            continue; /* cancelled meanwhile */
        struct task *k = task_take(t);
        run(k);
        sim_free(k, sizeof *k);
    }
}

/* ---- the waiter ---- */

static uint64_t first_due(const struct thread_pool *t)
{
    uint64_t due = FOR_EVER;
    for (const struct item *i = t->items; i; i = i->next)
        if (i->armed && i->due < due)
            due = i->due;
    return due;
}

static void timer_fire(struct item *i)
{
    if (i->period_100ns)
        i->due = now() + i->period_100ns;
    else
        i->armed = false, i->due = FOR_EVER;
    if (!i->pending)
        task_add(i, 1, 0, 0);
}

static void expired(struct thread_pool *t)
{
    for (struct item *i = t->items, *next; i; i = next) {
        next = i->next;
        if (!i->armed || i->due > now())
            continue;
        if (i->kind == ITEM_TIMER || i->kind == ITEM_QUEUE_TIMER) {
            timer_fire(i);
        } else {
            i->armed = false;
            i->due = FOR_EVER;
            task_add(i, i->kind == ITEM_WAIT ? 0x102 : 1, 0, 0);
        }
    }
}

void TppWaiterThread(void)
{
    struct thread_pool *t = pool();
    for (;;) {
        HANDLE *handles = (HANDLE *)t->handles;
        struct item *waits[64];
        ULONG n = 1;
        handles[0] = t->control;
        for (struct item *i = t->items; i && n < 64; i = i->next)
            if (i->armed && i->object)
                waits[n] = i, handles[n++] = i->object;
        struct w32_frame f = w32_frame_push(FRAME_TppWaiterpThread);
        LARGE_INTEGER *timeout = (LARGE_INTEGER *)f.locals;
        uint64_t due = first_due(t);
        timeout->QuadPart = due == FOR_EVER || due < now() ? 0 : -(LONGLONG)(due - now());
        bool nothing = n == 1 && due == FOR_EVER;
        ps_current()->is_worker = nothing || n > 1; /* who waits for an object of the program does not keep the run alive */
        NTSTATUS s = NtWaitForMultipleObjects(n, handles, 1 /* WaitAny */, FALSE, due == FOR_EVER ? NULL : timeout);
        w32_frame_pop(&f);
        t = pool();
        if (s > 0 && (ULONG)s < n) {
            bool there = false;
            for (struct item *i = t->items; i; i = i->next)
                there |= i == waits[s] && i->armed;
            if (there) {
                waits[s]->armed = false;
                waits[s]->due = FOR_EVER;
                task_add(waits[s], 0, 0, 0);
            }
        }
        expired(t);
    }
}

static void waiter_wake(void)
{
    struct thread_pool *t = pool();
    if (!t->waiter) {
        t->waiter = true;
        t->handles = w32_alloc_zeroed(64 * 8 + 8);
        NtCreateEvent((HANDLE *)t->handles, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE);
        t->control = *(HANDLE *)t->handles;
        thread_start("TppWaiterThread");
        return;
    }
    NtSetEvent(t->control, NULL);
}

static void arm(struct item *i, uint64_t due)
{
    i->due = due;
    i->armed = true;
    waiter_wake();
}

static uint64_t milliseconds(ULONG ms)
{
    return ms == (ULONG)INFINITE ? FOR_EVER : (uint64_t)ms * 10000;
}

static uint64_t due_in(uint64_t ticks)
{
    return ticks == FOR_EVER ? FOR_EVER : now() + ticks;
}

/* A FILETIME: negative relative, otherwise of the system's clock. */
static uint64_t due_at(const int64_t *time)
{
    int64_t t;
    memcpy(&t, time, 8);
    if (t <= 0)
        return now() + (uint64_t)-t;
    uint64_t at = ke_system_time();
    return (uint64_t)t > at ? now() + ((uint64_t)t - at) : now();
}

/* ---- closing and waiting ---- */

static void disarm(struct item *i)
{
    i->armed = false;
    i->due = FOR_EVER;
}

static void wait_idle(struct item *i, bool cancel)
{
    if (cancel)
        tasks_cancel(i);
    if (i->pending || i->running)
        nt_wait_for_alert(&i->idle, NULL);
}

static void close_item(struct item *i)
{
    disarm(i);
    i->closed = true;
    item_settle(i);
}

/* ---- Vista's interface ---- */

uint64_t CreateThreadpoolWork(uint64_t callback, uint64_t context, const uint8_t *environment)
{
    return item_new(ITEM_WORK, callback, context, environment)->handle;
}

void SubmitThreadpoolWork(uint64_t work)
{
    task_add(get(work, ITEM_WORK), 0, 0, 0);
}

void WaitForThreadpoolWorkCallbacks(uint64_t work, BOOL cancel)
{
    wait_idle(get(work, ITEM_WORK), cancel != 0);
}

void CloseThreadpoolWork(uint64_t work)
{
    close_item(get(work, ITEM_WORK));
}

BOOL TrySubmitThreadpoolCallback(uint64_t callback, uint64_t context, const uint8_t *environment)
{
    task_add(item_new(ITEM_SIMPLE, callback, context, environment), 0, 0, 0);
    return TRUE;
}

uint64_t CreateThreadpoolTimer(uint64_t callback, uint64_t context, const uint8_t *environment)
{
    return item_new(ITEM_TIMER, callback, context, environment)->handle;
}

BOOL SetThreadpoolTimerEx(uint64_t timer, const int64_t *due, ULONG period, ULONG window)
{
    struct item *i = get(timer, ITEM_TIMER);
    BOOL was = i->armed;
    i->period_100ns = due && period ? milliseconds(period) : 0;
    if (due)
        arm(i, due_at(due));
    else
        disarm(i);
    return was;
}

void SetThreadpoolTimer(uint64_t timer, const int64_t *due, ULONG period, ULONG window)
{
    SetThreadpoolTimerEx(timer, due, period, window);
}

BOOL IsThreadpoolTimerSet(uint64_t timer)
{
    return get(timer, ITEM_TIMER)->armed;
}

void WaitForThreadpoolTimerCallbacks(uint64_t timer, BOOL cancel)
{
    wait_idle(get(timer, ITEM_TIMER), cancel != 0);
}

void CloseThreadpoolTimer(uint64_t timer)
{
    close_item(get(timer, ITEM_TIMER));
}

uint64_t CreateThreadpoolWait(uint64_t callback, uint64_t context, const uint8_t *environment)
{
    return item_new(ITEM_WAIT, callback, context, environment)->handle;
}

BOOL SetThreadpoolWaitEx(uint64_t wait, HANDLE object, const int64_t *timeout, void *reserved)
{
    struct item *i = get(wait, ITEM_WAIT);
    BOOL was = i->armed;
    i->object = object;
    if (object)
        arm(i, timeout ? due_at(timeout) : FOR_EVER);
    else
        disarm(i);
    return was;
}

void SetThreadpoolWait(uint64_t wait, HANDLE object, const int64_t *timeout)
{
    SetThreadpoolWaitEx(wait, object, timeout, NULL);
}

void WaitForThreadpoolWaitCallbacks(uint64_t wait, BOOL cancel)
{
    wait_idle(get(wait, ITEM_WAIT), cancel != 0);
}

void CloseThreadpoolWait(uint64_t wait)
{
    close_item(get(wait, ITEM_WAIT));
}

/* ---- I/O ---- */

struct io_locals {
    IO_STATUS_BLOCK iosb;
    PVOID key, context;
    HANDLE handle;
    HANDLE port; /* FILE_COMPLETION_INFORMATION */
    uint64_t port_key;
};

void TppIoThread(void)
{
    for (;;) {
        struct thread_pool *t = pool();
        struct w32_frame f = w32_frame_push(FRAME_TppWaiterpThread);
        struct io_locals *l = (struct io_locals *)f.locals;
        ps_current()->is_worker = true;
        NTSTATUS s = NtRemoveIoCompletion(t->port, &l->key, &l->context, &l->iosb, NULL);
        uint64_t key = (uint64_t)l->key, overlapped = (uint64_t)l->context;
        uint32_t status = (uint32_t)l->iosb.Status, bytes = (uint32_t)l->iosb.Information;
        w32_frame_pop(&f);
        for (struct item *i = NT_SUCCESS(s) ? pool()->items : NULL; i; i = i->next)
            if (i->handle == key) {
                task_add(i, overlapped, status, bytes);
                break;
            }
    }
}

static NTSTATUS bind_file(HANDLE file, const struct item *i)
{
    struct thread_pool *t = pool();
    struct w32_frame f = w32_frame_push(FRAME_CreateIoCompletionPort);
    struct io_locals *l = (struct io_locals *)f.locals;
    NTSTATUS s = STATUS_SUCCESS;
    if (!t->io_thread) {
        t->io_thread = true;
        s = NtCreateIoCompletion(&l->handle, IO_COMPLETION_ALL_ACCESS, NULL, 0);
        t->port = l->handle;
        thread_start("TppIoThread");
    }
    l->port = t->port;
    l->port_key = i->handle;
    if (NT_SUCCESS(s))
        s = NtSetInformationFile(file, &l->iosb, &l->port, 16, COMPLETION_CLASS);
    w32_frame_pop(&f);
    return s;
}

uint64_t CreateThreadpoolIo(HANDLE file, uint64_t callback, uint64_t context, const uint8_t *environment)
{
    struct item *i = item_new(ITEM_IO, callback, context, environment);
    NTSTATUS s = bind_file(file, i);
    if (NT_SUCCESS(s))
        return i->handle;
    item_free(i);
    w32_fail(s);
    return 0;
}

/* Nothing to count: the callbacks that are due come from the port. */
void StartThreadpoolIo(uint64_t io)
{
    get(io, ITEM_IO);
}

void CancelThreadpoolIo(uint64_t io)
{
    get(io, ITEM_IO);
}

void WaitForThreadpoolIoCallbacks(uint64_t io, BOOL cancel)
{
    wait_idle(get(io, ITEM_IO), cancel != 0);
}

void CloseThreadpoolIo(uint64_t io)
{
    close_item(get(io, ITEM_IO));
}

BOOL BindIoCompletionCallback(HANDLE file, uint64_t callback, ULONG flags)
{
    struct item *i = item_new(ITEM_BOUND, callback, 0, NULL);
    NTSTATUS s = bind_file(file, i);
    if (!NT_SUCCESS(s))
        item_free(i);
    return w32_result(s);
}

/* ---- pools and cleanup groups ---- */

uint64_t CreateThreadpool(void *reserved)
{
    return item_new(ITEM_POOL, 0, 0, NULL)->handle;
}

void CloseThreadpool(uint64_t handle)
{
    item_free(get(handle, ITEM_POOL));
}

void SetThreadpoolThreadMaximum(uint64_t handle, ULONG most)
{
    get(handle, ITEM_POOL);
}

BOOL SetThreadpoolThreadMinimum(uint64_t handle, ULONG least)
{
    get(handle, ITEM_POOL);
    return TRUE;
}

uint64_t CreateThreadpoolCleanupGroup(void)
{
    return item_new(ITEM_GROUP, 0, 0, NULL)->handle;
}

void CloseThreadpoolCleanupGroup(uint64_t group)
{
    item_free(get(group, ITEM_GROUP));
}

static struct item *member(uint64_t group)
{
    for (struct item *i = pool()->items; i; i = i->next)
        if (i->group == group && !i->closed)
            return i;
    return NULL;
}

void CloseThreadpoolCleanupGroupMembers(uint64_t group, BOOL cancel, uint64_t context)
{
    struct item *i;
    get(group, ITEM_GROUP);
    while ((i = member(group)) != NULL) {
        disarm(i);
        bool dropped = cancel && i->pending;
        i->running++; /* stays until we are done with it */
        if (cancel)
            tasks_cancel(i);
        if (dropped && i->group_cancel)
            guest_call(FRAME_NONE, (void *)i->group_cancel, 2, i->context, context);
        i->running--;
        wait_idle(i, false);
        if (member(group) == i)
            close_item(i);
    }
}

/* ---- what a callback may ask for ---- */

static struct instance *instance(uint64_t handle)
{
    for (struct instance *n = w32_process()->instances; n; n = n->next)
        if (n->handle == handle)
            return n;
    ke_raise_exception(STATUS_INVALID_PARAMETER, 0, NULL);
}

void SetEventWhenCallbackReturns(uint64_t handle, HANDLE event)
{
    instance(handle)->event = event;
}

void ReleaseSemaphoreWhenCallbackReturns(uint64_t handle, HANDLE semaphore, ULONG count)
{
    instance(handle)->semaphore = semaphore;
    instance(handle)->release = count;
}

void ReleaseMutexWhenCallbackReturns(uint64_t handle, HANDLE mutex)
{
    instance(handle)->mutex = mutex;
}

void LeaveCriticalSectionWhenCallbackReturns(uint64_t handle, void *section)
{
    instance(handle)->section = section;
}

void FreeLibraryWhenCallbackReturns(uint64_t handle, uint64_t library)
{
    instance(handle)->library = library;
}

BOOL CallbackMayRunLong(uint64_t handle)
{
    instance(handle);
    return TRUE;
}

/* From now on nobody waits for this callback. */
void DisassociateCurrentThreadFromCallback(uint64_t handle)
{
    struct instance *n = instance(handle);
    if (n->let_go)
        return;
    n->let_go = true;
    n->item->running--;
    n->item->detached++;
    item_settle(n->item);
}

/* ---- the older interfaces ---- */

BOOL QueueUserWorkItem(uint64_t function, uint64_t context, ULONG flags)
{
    task_add(item_new(ITEM_USER_WORK, function, context, NULL), 0, 0, 0);
    return TRUE;
}

BOOL RegisterWaitForSingleObject(uint64_t *wait, HANDLE object, uint64_t callback, uint64_t context, ULONG ms, ULONG flags)
{
    struct item *i = item_new(ITEM_REGISTERED, callback, context, NULL);
    *wait = i->handle;
    i->object = object;
    i->once = (flags & ONLY_ONCE) != 0;
    i->timeout_100ns = milliseconds(ms);
    arm(i, due_in(i->timeout_100ns));
    return TRUE;
}

/* The end of an item: event INVALID_HANDLE_VALUE waits for callbacks, another is set when they are over, none: no waiting. */
static BOOL end_item(struct item *i, HANDLE event)
{
    disarm(i);
    if (event == INVALID_HANDLE_VALUE) {
        wait_idle(i, false);
        close_item(i);
        return TRUE;
    }
    bool busy = i->pending || i->running;
    i->done_event = event;
    close_item(i);
    return busy ? w32_error(ERROR_IO_PENDING) : TRUE;
}

BOOL UnregisterWaitEx(uint64_t wait, HANDLE event)
{
    struct item *i = find(wait, ITEM_REGISTERED);
    return i ? end_item(i, event) : w32_error(ERROR_INVALID_HANDLE);
}

BOOL UnregisterWait(uint64_t wait)
{
    return UnregisterWaitEx(wait, NULL);
}

uint64_t CreateTimerQueue(void)
{
    return item_new(ITEM_QUEUE, 0, 0, NULL)->handle;
}

BOOL CreateTimerQueueTimer(uint64_t *timer, uint64_t queue, uint64_t callback, uint64_t context, ULONG due, ULONG period, ULONG flags)
{
    struct item *owner = queue ? find(queue, ITEM_QUEUE) : NULL;
    if (queue && !owner)
        return w32_error(ERROR_INVALID_HANDLE);
    struct item *i = item_new(ITEM_QUEUE_TIMER, callback, context, NULL);
    i->owner = owner;
    i->period_100ns = period && !(flags & ONLY_ONCE) ? milliseconds(period) : 0;
    *timer = i->handle;
    arm(i, due_in(milliseconds(due)));
    return TRUE;
}

BOOL ChangeTimerQueueTimer(uint64_t queue, uint64_t timer, ULONG due, ULONG period)
{
    struct item *i = find(timer, ITEM_QUEUE_TIMER);
    if (!i)
        return w32_error(ERROR_INVALID_HANDLE);
    i->period_100ns = period ? milliseconds(period) : 0;
    arm(i, due_in(milliseconds(due)));
    return TRUE;
}

BOOL DeleteTimerQueueTimer(uint64_t queue, uint64_t timer, HANDLE event)
{
    struct item *i = find(timer, ITEM_QUEUE_TIMER);
    return i ? end_item(i, event) : w32_error(ERROR_INVALID_HANDLE);
}

BOOL DeleteTimerQueueEx(uint64_t queue, HANDLE event)
{
    struct item *owner = find(queue, ITEM_QUEUE);
    if (!owner)
        return w32_error(ERROR_INVALID_HANDLE);
    BOOL all = TRUE;
    for (bool again = true; again;) {
        again = false;
        for (struct item *i = pool()->items; i && !again; i = i->next)
            if (i->owner == owner && !i->closed) {
                i->owner = NULL;
                all &= end_item(i, event == INVALID_HANDLE_VALUE ? event : NULL);
                again = true;
            }
    }
    if (event && event != INVALID_HANDLE_VALUE)
        NtSetEvent(event, NULL);
    item_free(owner);
    return all ? TRUE : w32_error(ERROR_IO_PENDING);
}

BOOL DeleteTimerQueue(uint64_t queue)
{
    return DeleteTimerQueueEx(queue, NULL);
}
