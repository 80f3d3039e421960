/* Private to ke: the room's state and what its files give each other.
 *
 * What NT keeps in guest memory is kept there: wait blocks, timer and DPC links, APC queues. Their list heads lie in the
 * kernel half as well (ke_pages), so that no guest structure holds a host address. */
#ifndef IRPLAB_KE_PRIVATE_H
#define IRPLAB_KE_PRIVATE_H

#include "ke/exports.h"
#include "ke/ke.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/door.h"

enum { TIMER_BLOCK = THREAD_WAIT_OBJECTS }; /* the thread's wait block for its own timer */

/* KTHREAD.MiscFlags. GUESS: bit positions as public symbols of build 19041 show them. */
enum { MISC_WAIT_NEXT = 1 << 2, MISC_SYSTEM_AFFINITY = 1 << 3, MISC_ALERTABLE = 1 << 4, MISC_SYSTEM_THREAD = 1 << 10, MISC_APC_QUEUEABLE = 1 << 14 };

/* KWAIT_BLOCK.BlockState. GUESS: as public symbols show them. */
enum { BLOCK_ACTIVE = 4, BLOCK_INACTIVE = 5 };

/* KAPC_STATE.KernelApcInProgress. */
enum { APC_NORMAL_IN_PROGRESS = 1, APC_SPECIAL_IN_PROGRESS = 2 };

/* One virtual processor's block in the kernel half. */
struct ke_processor_pages {
    KPCR kpcr;
    ETHREAD idle;
    KDPC call_dpc; /* KeGenericCallDpc's */
};

/* Behind the processors' blocks. */
struct ke_global_pages {
    KUSER_SHARED_DATA shared;
    uint8_t fill[0x1000 - sizeof(KUSER_SHARED_DATA)];
    LIST_ENTRY dpcs[MAX_AGENTS]; /* KDPC.DpcListEntry, a list for each DPC activity */
    LIST_ENTRY timers; /* KTIMER.TimerListEntry, by due time, then age */
    LIST_ENTRY bugcheck_callbacks, bugcheck_reason_callbacks; /* newest first */
    struct ke_generic_call {
        KSPIN_LOCK busy;
        volatile ULONG left; /* processors whose routine has not said that it is done */
        struct { /* DEFERRED_REVERSE_BARRIER */
            volatile ULONG left;
            ULONG total;
        } barrier;
    } generic_call;
};

/* thread.ke */
struct ke_thread {
    bool in_wait; /* committed to a wait: the wait itself delivers APCs when it is over */
};

/* A kernel or DPC routine of ours: the guest sees the address of a named frame. */
struct ke_host_routine {
    PVOID address;
    uint32_t frame;
    void (*fn)(void *);
};

struct ke_room {
    struct ke_processor_pages *cpu[MAX_PROCESSORS];
    struct ke_global_pages *global;
    struct agent *last[MAX_PROCESSORS]; /* who was on the processor before */
    const struct ke_os *os;
    bool woke; /* the running operation has made somebody ready */
    struct ke_host_routine host_routines[32];
    uint32_t host_routine_count;
    KDPC *running_dpc[MAX_AGENTS];
    struct agent *dpc_waiters[MAX_AGENTS]; /* in KeFlushQueuedDpcs */
    uint32_t dpc_waiter_count;
    struct asked {
        uint64_t at; /* virtual time of the last question */
        uint64_t since, moved_to; /* when asking again and again began; what it moved the time to last */
        uint32_t count; /* questions at that time */
    } asked[MAX_AGENTS]; /* see ke_time_asked */
    struct spinner *spinners;
    struct line *lines; /* interrupt.c */
};

static inline struct ke_room *ke_room(void)
{
    return MACHINE->rooms[ROOM_KE];
}

/* KeGetCurrentThread: in a DPC the interrupted thread, or the idle thread. */
static inline KTHREAD *ke_kthread(void)
{
    return ((KPCR *)sim_processor()->kpcr)->Prcb.CurrentThread;
}

static inline struct ke_thread *ke_of(struct thread *t)
{
    return t->ke;
}

/* ---- lists ---- */

static inline void list_init(LIST_ENTRY *head)
{
    head->Flink = head->Blink = head;
}

static inline bool list_empty(const LIST_ENTRY *head)
{
    return head->Flink == head;
}

static inline void list_insert_before(LIST_ENTRY *at, LIST_ENTRY *e)
{
    e->Flink = at;
    e->Blink = at->Blink;
    at->Blink->Flink = e;
    at->Blink = e;
}

static inline void list_append(LIST_ENTRY *head, LIST_ENTRY *e)
{
    list_insert_before(head, e);
}

static inline void list_remove(LIST_ENTRY *e)
{
    e->Blink->Flink = e->Flink;
    e->Flink->Blink = e->Blink;
}

#define LIST_ITEM(entry, type, field) ((type *)((char *)(entry) - offsetof(type, field)))

/* ---- init.c ---- */

/* Returns the guest-visible address of fn. */
PVOID ke_host_routine_add(uint32_t frame, void (*fn)(void *));
/* NULL: a routine of the guest's. */
const struct ke_host_routine *ke_host_routine(const void *address);

/* ---- wait.c ---- */

/* A wait in the making. */
struct ke_wait {
    ULONG count;
    PVOID *objects;
    ULONG type; /* WAIT_TYPE */
    ULONG reason, mode;
    bool alertable;
    bool timed;
    uint64_t deadline;
    KWAIT_BLOCK *blocks;
    const char *why;
    bool queue; /* objects[0] is a KQUEUE: the result is an entry */
};
/* Returns what ended the wait: a status, or a queue's entry. */
LONG_PTR ke_wait_run(struct ke_wait *w);
void ke_wait_timeout(struct ke_wait *w, const LARGE_INTEGER *timeout);
/* Wakes whom the object's state allows to be woken. */
void ke_wait_test(DISPATCHER_HEADER *object);
/* Ends a thread's wait with this status. */
void ke_unwait(KTHREAD *k, LONG_PTR status);
/* End of an operation that may have woken somebody: the woken one may go first (NT's boost often makes it so). */
void ke_woken_point(const void *object);
/* The same at the end of a signalling export with a Wait argument. */
void ke_signalled(const void *object, ULONG wait);
void ke_header_init(DISPATCHER_HEADER *h, unsigned type, size_t bytes, LONG state);

/* ---- spin.c ---- */

/* Spins until somebody says that the word has changed; the caller tests it again. */
void ke_spin_until_changed(const volatile void *on, const char *why);
void ke_spin_changed(const volatile void *on);

/* ---- mutex.c ---- */

bool ke_mutant_free_for(const KMUTANT *m, const KTHREAD *k);
/* Returns STATUS_ABANDONED or STATUS_SUCCESS. */
NTSTATUS ke_mutant_take(KMUTANT *m, KTHREAD *k);
void ke_mutants_abandon(KTHREAD *k);

/* ---- queue.c ---- */

/* An entry for the current thread, which is in no wait; false if it has to wait. */
bool ke_queue_take(KQUEUE *q, LIST_ENTRY **entry);
/* A thread that belongs to a queue stops running, or goes on. */
void ke_queue_thread_waits(KTHREAD *k);
void ke_queue_thread_runs(KTHREAD *k);
void ke_queue_leave(KTHREAD *k);

/* ---- timer.c, clock.c ---- */

void ke_clock_init(void);
/* Virtual time from a NT time argument: relative if negative, otherwise system time. */
uint64_t ke_due_time(const LARGE_INTEGER *t);
void ke_timer_insert(KTIMER *timer, uint64_t due);
bool ke_timer_remove(KTIMER *timer);
/* Expires what is due at the present virtual time. True if that changed anything for anybody. */
bool ke_timers_expire(void);
KTIMER *ke_timer_first(void);
bool ke_timer_waits(void);
bool ke_timer_may_come_early(void);
bool ke_clock_idle(void);
void ke_clock_set(uint64_t now_100ns);

/* ---- dpc.c ---- */

void ke_dpc_init(void);
/* Its routine has been called or is about to be. */
bool ke_dpc_runs(const KDPC *dpc);
/* activity NULL: the running agent's. */
bool ke_dpc_queue(KDPC *dpc, struct agent *activity, PVOID arg1, PVOID arg2);
struct agent *ke_dpc_of_clock(void);

/* ---- apc.c ---- */

/* Kernel APCs that are not held back by a disable count. */
bool ke_apc_deliverable(const KTHREAD *k);
/* A disable count has become 0. */
void ke_apcs_enabled(KTHREAD *k);
/* The IRQL has fallen below APC_LEVEL. */
void ke_apc_interrupt(void);
void ke_apc_resume(struct agent *a);
void ke_apcs_rundown(KTHREAD *k);

/* The current process may have changed; init.c. */
void ke_address_space_follow(void);

#endif
