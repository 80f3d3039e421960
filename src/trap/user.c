/* What a program can hook into: vectored handlers and the filter for unhandled exceptions. Per process. */
#include <string.h>

#include "nt/status.h"
#include "ps/ps.h"
#include "sim/machine.h"
#include "trap/dispatch.h"
#include "trap/trap.h"

struct vectored {
    struct vectored *next;
    struct process *process;
    uint64_t fn;
    uint64_t handle; /* what the program got */
    bool for_continue;
};

struct last_filter {
    struct last_filter *next;
    struct process *process;
    uint64_t fn;
};

static struct process *current_process(void)
{
    const struct thread *t = MACHINE->fiber->thread;
    return t ? t->process : NULL;
}

static PVOID vectored_add(ULONG first, uint64_t fn, bool for_continue)
{
    struct trap_room *r = trap_room();
    struct vectored *v = sim_alloc(sizeof *v);
    *v = (struct vectored) { .process = current_process(), .fn = fn, .handle = ++r->vectored_handles * 16, .for_continue = for_continue };
    struct vectored **at = &r->vectored;
    while (!first && *at)
        at = &(*at)->next;
    v->next = *at;
    *at = v;
    return (PVOID)v->handle;
}

static ULONG vectored_remove(PVOID handle)
{
    for (struct vectored **at = &trap_room()->vectored; *at; at = &(*at)->next) {
        struct vectored *v = *at;
        if (v->handle != (uint64_t)handle || v->process != current_process())
            continue;
        *at = v->next;
        sim_free(v, sizeof *v);
        return 1;
    }
    return 0;
}

PVOID RtlAddVectoredExceptionHandler(ULONG first, PVOID handler)
{
    return vectored_add(first, (uint64_t)handler, false);
}

PVOID RtlAddVectoredContinueHandler(ULONG first, PVOID handler)
{
    return vectored_add(first, (uint64_t)handler, true);
}

ULONG RtlRemoveVectoredExceptionHandler(PVOID handle)
{
    return vectored_remove(handle);
}

ULONG RtlRemoveVectoredContinueHandler(PVOID handle)
{
    return vectored_remove(handle);
}

/* A handler may remove itself or others: the list is looked at anew after each call. */
static struct vectored *after(uint64_t handle, bool for_continue)
{
    bool passed = handle == 0;
    for (struct vectored *v = trap_room()->vectored; v; v = v->next) {
        if (passed && v->for_continue == for_continue && v->process == current_process())
            return v;
        passed = passed || v->handle == handle;
    }
    return NULL;
}

static bool call_all(struct seh_frame *s, bool for_continue)
{
    uint64_t handle = 0;
    for (struct vectored *v; (v = after(handle, for_continue)) != NULL;) {
        handle = v->handle;
        LONG r = (LONG)guest_call(FRAME_RtlpCallVectoredHandlers, (void *)v->fn, 1, (uint64_t)&s->pointers);
        if (r == EXCEPTION_CONTINUE_EXECUTION)
            return true;
    }
    return false;
}

bool seh_vectored(struct seh_frame *s)
{
    return call_all(s, false);
}

void seh_vectored_continue(struct seh_frame *s)
{
    call_all(s, true);
}

/* ---- the last filter ---- */

static struct last_filter *filter_of(struct process *p)
{
    struct last_filter *f = trap_room()->last_filters;
    while (f && f->process != p)
        f = f->next;
    return f;
}

PVOID SetUnhandledExceptionFilter(PVOID fn)
{
    struct trap_room *r = trap_room();
    struct last_filter *f = filter_of(current_process());
    if (!f) {
        f = sim_alloc(sizeof *f);
        f->process = current_process();
        f->next = r->last_filters;
        r->last_filters = f;
    }
    uint64_t old = f->fn;
    f->fn = (uint64_t)fn;
    return (PVOID)old;
}

static int call_filter(EXCEPTION_POINTERS *p, uint32_t frame)
{
    struct last_filter *f = filter_of(current_process());
    return f && f->fn ? (int)guest_call(frame, (void *)f->fn, 1, (uint64_t)p) : EXCEPTION_CONTINUE_SEARCH;
}

LONG UnhandledExceptionFilter(EXCEPTION_POINTERS *p)
{
    return call_filter(p, FRAME_NONE);
}

int seh_last_filter(struct seh_frame *s)
{
    return call_filter(&s->pointers, FRAME_UnhandledExceptionFilter);
}
