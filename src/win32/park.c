/* Waiting on an address; see park.h. Invariant: a listed waiter's thread is between park_enter and the end of park_wait, or
 * it was ended there; those are dropped when met. */
#include "win32/park.h"

#include "sim/access.h"
#include "sim/image.h"
#include "win32/critical.h"
#include "win32/wait.h"

#include <stdio.h>
#include <sys/mman.h>

struct waiter {
    struct waiter *next; /* in the room's list, oldest first */
    struct thread *thread;
    HANDLE id; /* of the thread: records are reused */
    uint64_t key;
    enum park_kind kind;
    bool listed, woken;
    KEVENT alert; /* NtAlertThreadByThreadId sets it */
};

static bool is_alive(const struct waiter *w)
{
    for (struct thread *t = ps_threads(); t; t = t->next)
        if (t == w->thread)
            return t->ethread && t->ethread->Cid.UniqueThread == w->id && !t->exiting;
    return false;
}

static void unlist(struct waiter *w)
{
    for (struct waiter **at = &w32_room()->waiters; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            w->listed = false;
            return;
        }
}

static struct waiter *oldest(uint64_t key)
{
    struct process *process = ps_current()->process;
    for (struct waiter *w = w32_room()->waiters, *next; w; w = next) {
        next = w->next;
        if (!is_alive(w))
            unlist(w);
        else if (w->key == key && w->thread->process == process)
            return w;
    }
    return NULL;
}

void park_enter(uint64_t key, enum park_kind kind)
{
    sim_access(SIM_ACCESS_OF(SIM_PARKED, key), SIM_WRITE);
    struct w32_thread *t = w32_thread();
    if (!t->waiter)
        t->waiter = sim_alloc(sizeof(struct waiter));
    struct waiter *w = t->waiter;
    if (w->listed)
        unlist(w);
    w->thread = ps_current();
    sim_name(w, sizeof *w, SIM_ACCESS_OF(SIM_WAITER, w->thread->ethread));
    w->id = w->thread->ethread->Cid.UniqueThread;
    w->key = key;
    w->kind = kind;
    w->woken = false;
    w->next = NULL;
    KeInitializeEvent(&w->alert, SynchronizationEvent, FALSE);
    struct waiter **at = &w32_room()->waiters;
    while (*at)
        at = &(*at)->next;
    *at = w;
    w->listed = true;
}

bool park_wait(ULONG milliseconds)
{
    struct waiter *w = w32_thread()->waiter;
    struct w32_frame f = w32_frame_push(FRAME_RtlpWaitOnAddress);
    LARGE_INTEGER *timeout = w32_timeout((LARGE_INTEGER *)f.locals, milliseconds);
    NTSTATUS status = nt_wait_for_alert(&w->alert, timeout);
    w32_frame_pop(&f);
    if (w->listed) {
        sim_access(SIM_ACCESS_OF(SIM_PARKED, w->key), SIM_WRITE);
        unlist(w);
    }
    /* Woken and timed out at once counts as woken: whoever woke it has relied on that. */
    return w->woken || status != STATUS_TIMEOUT;
}

static void wake(struct waiter *w)
{
    unlist(w);
    w->woken = true;
    ke_event_set(&w->alert);
}

bool park_wake_one(uint64_t key)
{
    struct waiter *w = oldest(key);
    sim_access(SIM_ACCESS_OF(SIM_PARKED, key), w ? SIM_WRITE : SIM_READ);
    if (w)
        wake(w);
    return w != NULL;
}

void park_wake_all(uint64_t key)
{
    while (park_wake_one(key))
        ;
}

int park_first(uint64_t key)
{
    struct waiter *w = oldest(key);
    return w ? (int)w->kind : -1;
}

void park_own(uint64_t lock, bool takes)
{
    struct w32_room *r = w32_room();
    enum { MOST = sizeof r->slim_owners / sizeof r->slim_owners[0] };
    for (unsigned i = 0; i < MOST; i++)
        if (r->slim_owners[i].lock == (takes ? 0 : lock)) {
            r->slim_owners[i].lock = takes ? lock : 0;
            r->slim_owners[i].thread = takes ? ps_current() : NULL;
            return;
        }
}

static const struct thread *owner_of(const struct waiter *w)
{
    const struct w32_room *r = w32_room();
    for (unsigned i = 0; i < sizeof r->slim_owners / sizeof r->slim_owners[0]; i++)
        if ((w->kind == PARK_SRW_EXCLUSIVE || w->kind == PARK_SRW_SHARED) && r->slim_owners[i].lock == w->key)
            return r->slim_owners[i].thread;
    if (w->kind != PARK_CRITICAL_SECTION || !(host_page_protection(w->key & ~0xFFFull) & PROT_READ))
        return NULL;
    uint64_t id = ((const struct critical_section *)w->key)->owning_thread;
    for (const struct thread *t = ps_threads(); t && id; t = t->next)
        if (t->process == w->thread->process && t->ethread && (uint64_t)t->ethread->Cid.UniqueThread == id && t->agent->state != AGENT_DEAD)
            return t;
    return NULL;
}

uint64_t park_key(const struct thread *t, const struct thread **owner)
{
    for (const struct waiter *w = w32_room()->waiters; w; w = w->next)
        if (w->thread == t && is_alive(w)) {
            *owner = owner_of(w);
            return w->key;
        }
    return 0;
}

bool park_describe(const struct thread *t, char *text, size_t size)
{
    static const char *const kinds[] = { "critical section", "SRW lock (exclusive)", "SRW lock (shared)", "condition variable", "address", "one-time initialisation", "synchronization barrier" };
    for (const struct waiter *w = w32_room()->waiters; w; w = w->next) {
        if (w->thread != t || !is_alive(w))
            continue;
        char where[200];
        image_symbol_text(w->key, where, sizeof where);
        size_t n = (size_t)snprintf(text, size, "%s %s", kinds[w->kind], where);
        bool readable = (host_page_protection(w->key & ~0xFFFull) & PROT_READ) != 0;
        uint64_t owner = w->kind == PARK_CRITICAL_SECTION && readable ? ((const struct critical_section *)w->key)->owning_thread : 0;
        if (owner && n < size)
            snprintf(text + n, size - n, ", owned by thread %llx,", (unsigned long long)owner);
        return true;
    }
    return false;
}
