/* The room's state, and waiting for what is no dispatcher object. */
#include "ex/room.h"

#include <stdio.h>
#include "ex/ex.h"
#include "ps/ps.h"
#include "sim/door.h"
#include "sim/image.h"

struct ex_room *ex_room(void)
{
    if (!MACHINE->rooms[ROOM_EX])
        MACHINE->rooms[ROOM_EX] = sim_alloc(sizeof(struct ex_room));
    return MACHINE->rooms[ROOM_EX];
}

void ex_wait(struct ex_waiter *w, uint64_t key, int kind, uint32_t frame, ULONG reason)
{
    struct guest_mark mark = guest_frame_push(frame);
    KEVENT *event = guest_frame_locals();
    KeInitializeEvent(event, SynchronizationEvent, FALSE);
    *w = (struct ex_waiter) { .key = key, .kind = kind, .thread = ex_thread(), .event = event };
    struct ex_waiter **at = &ex_room()->waiters;
    while (*at)
        at = &(*at)->next;
    *at = w;
    KeWaitForSingleObject(event, reason, KernelMode, FALSE, NULL);
    guest_frame_pop(mark);
}

bool ex_wait_describe(const struct thread *t, char *what, size_t size, const struct thread **holder)
{
    const struct ex_waiter *w = ex_room()->waiters;
    while (w && (w->thread != (const void *)t->ethread || !t->waiting))
        w = w->next;
    if (!w)
        return false;
    char name[200];
    image_symbol_text(w->key, name, sizeof name);
    ULONG reason = w->thread->WaitReason;
    snprintf(what, size, "%s %s", reason == WrResource ? "resource" : reason == WrPushLock ? "push lock" : reason == WrRundown ? "rundown protection" : "address", name);
    const ERESOURCE *r = (const ERESOURCE *)w->key;
    *holder = reason == WrResource && r->OwnerEntry.OwnerCount ? ps_thread_of((const void *)r->OwnerEntry.OwnerThread) : NULL;
    return true;
}

struct ex_waiter *ex_waiter_first(uint64_t key, const struct ex_waiter *after)
{
    struct ex_waiter *w = after ? after->next : ex_room()->waiters;
    while (w && w->key != key)
        w = w->next;
    return w;
}

void ex_waiter_take(struct ex_waiter *w, struct ex_waiter **woken)
{
    struct ex_waiter **at = &ex_room()->waiters;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    while (*woken)
        woken = &(*woken)->next;
    *woken = w;
    w->next = NULL;
}

void ex_wake_all(struct ex_waiter *woken)
{
    while (woken) {
        struct ex_waiter *next = woken->next; /* gone once its thread runs */
        KeSetEvent(woken->event, 1, FALSE);
        woken = next;
    }
}
