/* Private to ex: the room's state. */
#ifndef IRPLAB_EX_ROOM_H
#define IRPLAB_EX_ROOM_H

#include "ke/ke.h"
#include "nt/ex.h"

struct ex_waiter;

enum { EX_LOOKASIDES = 64 };

struct ex_room {
    struct ex_work *work;
    struct ex_waiter *waiters; /* in the order of their arrival */
    uint64_t lookasides[EX_LOOKASIDES]; /* initialised lookaside lists, sorted */
    unsigned lookaside_count;
};

struct ex_room *ex_room(void);

/* A thread that waits for something of ex that is no dispatcher object (a resource, a push lock, a rundown). It lies on the
 * waiter's host stack; the event that it waits on lies on its guest stack, where NT has it too. */
struct ex_waiter {
    uint64_t key; /* address of what it waits for */
    int kind;
    KTHREAD *thread;
    KEVENT *event;
    struct ex_waiter *next;
};

/* Waits until ex_wake. frame: enum frame_name of NT's waiting function. */
void ex_wait(struct ex_waiter *w, uint64_t key, int kind, uint32_t frame, ULONG reason);
/* First waiter for key, or the next one after `after`; NULL if none. */
struct ex_waiter *ex_waiter_first(uint64_t key, const struct ex_waiter *after);
/* Takes a waiter off the list and chains it in front of woken; ex_wake_all lets the chain go, oldest first. Everything about the
 * lock must be decided before: the first wake may switch. */
void ex_waiter_take(struct ex_waiter *w, struct ex_waiter **woken);
void ex_wake_all(struct ex_waiter *woken);

static inline KTHREAD *ex_thread(void)
{
    return ((KPCR *)sim_processor()->kpcr)->Prcb.CurrentThread;
}

void ex_callback_init(void);
void ex_timer_objects_init(void);
NTSTATUS ExUuidCreate(GUID *uuid);

#endif
