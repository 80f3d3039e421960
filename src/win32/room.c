/* The room's records: one per process and one per thread, made when first asked for, so that nothing below has to tell us. */
#include "sim/image.h"
#include "win32/win32.h"
#include "win32/cxx.h"

struct w32_room *w32_room(void)
{
    if (!MACHINE->rooms[ROOM_WIN32]) {
        MACHINE->rooms[ROOM_WIN32] = sim_alloc(sizeof(struct w32_room));
        seh_escape_hook = crt_terminate;
    }
    return MACHINE->rooms[ROOM_WIN32];
}

struct w32_process *w32_process(void)
{
    struct w32_room *r = w32_room();
    struct process *process = ps_current()->process;
    for (struct w32_process *p = r->processes; p; p = p->next)
        if (p->process == process)
            return p;
    struct w32_process *p = sim_alloc(sizeof *p);
    p->process = process;
    p->next = r->processes;
    r->processes = p;
    w32_process_fill(p);
    return p;
}

struct w32_thread *w32_thread_known(void)
{
    const struct thread *t = ps_current();
    struct w32_thread *w = w32_room()->threads[t->agent->id];
    return w && w->id == t->ethread->Cid.UniqueThread ? w : NULL;
}

struct w32_thread *w32_thread(void)
{
    struct w32_room *r = w32_room();
    struct thread *t = ps_current();
    struct w32_thread **slot = &r->threads[t->agent->id];
    if (!*slot)
        *slot = sim_alloc(sizeof **slot);
    HANDLE id = t->ethread->Cid.UniqueThread;
    if ((*slot)->id != id) {
        struct waiter *waiter = (*slot)->waiter; /* is of use to the next */
        memset(*slot, 0, sizeof **slot);
        (*slot)->waiter = waiter;
        (*slot)->id = id;
    }
    return *slot;
}

struct w32_frame w32_frame_push(uint32_t frame)
{
    struct w32_frame f;
    w32_console_flush();
    f.mark = guest_frame_push(frame);
    f.locals = guest_frame_locals();
    return f;
}

void w32_frame_pop(struct w32_frame *f)
{
    guest_frame_pop(f->mark);
}
