/* Thread- and fiber-local storage. Thread slots lie in the TEB, where inlined code of programs looks for them; fiber slots
 * (with call-backs at thread end) beside. */
#include "win32/tls.h"

enum { OUT_OF_INDEXES = -1 };

static int take_slot(uint32_t *used, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!(used[i / 32] >> i % 32 & 1)) {
            used[i / 32] |= 1u << i % 32;
            return (int)i;
        }
    return OUT_OF_INDEXES;
}

static bool is_taken(const uint32_t *used, ULONG i, unsigned count)
{
    return i < count && (used[i / 32] >> i % 32 & 1);
}

/* Where a slot of a thread lies; NULL when its expansion array is not there yet. */
static uint64_t *slot_of(uint8_t *teb, ULONG i)
{
    if (i < TLS_DIRECT)
        return (uint64_t *)(teb + TEB_TLS_AT) + i;
    uint64_t *expansion;
    memcpy(&expansion, teb + TEB_TLS_EXPANSION_AT, 8);
    return expansion ? expansion + (i - TLS_DIRECT) : NULL;
}

ULONG TlsAlloc(void)
{
    struct w32_process *p = w32_process();
    int i = take_slot(p->tls_used, TLS_DIRECT + TLS_EXPANSION);
    if (i < 0) {
        w32_fail(STATUS_NO_MEMORY);
        return (ULONG)OUT_OF_INDEXES;
    }
    uint64_t *slot = slot_of(w32_teb(), (ULONG)i);
    if (slot)
        *slot = 0;
    return (ULONG)i;
}

BOOL TlsFree(ULONG i)
{
    struct w32_process *p = w32_process();
    if (!is_taken(p->tls_used, i, TLS_DIRECT + TLS_EXPANSION))
        return w32_fail(STATUS_INVALID_PARAMETER);
    /* The slot becomes NULL in every thread of the process. */
    for (struct thread *t = ps_threads(); t; t = t->next) {
        uint64_t *slot = t->process == p->process && t->teb ? slot_of((uint8_t *)t->teb, i) : NULL;
        if (slot)
            *slot = 0;
    }
    p->tls_used[i / 32] &= ~(1u << i % 32);
    return TRUE;
}

uint64_t TlsGetValue(ULONG i)
{
    if (i >= TLS_DIRECT + TLS_EXPANSION) {
        w32_fail(STATUS_INVALID_PARAMETER);
        return 0;
    }
    uint64_t *slot = slot_of(w32_teb(), i);
    w32_set_error(0); /* documented: so that NULL can be told from failure */
    return slot ? *slot : 0;
}

BOOL TlsSetValue(ULONG i, uint64_t value)
{
    if (i >= TLS_DIRECT + TLS_EXPANSION)
        return w32_fail(STATUS_INVALID_PARAMETER);
    uint64_t *slot = slot_of(w32_teb(), i);
    if (!slot) {
        uint64_t expansion = w32_alloc_zeroed(TLS_EXPANSION * 8);
        if (!expansion)
            return w32_fail(STATUS_NO_MEMORY);
        memcpy(w32_teb() + TEB_TLS_EXPANSION_AT, &expansion, 8);
        slot = slot_of(w32_teb(), i);
    }
    *slot = value;
    return TRUE;
}

/* ---- fiber-local storage ---- */

ULONG FlsAlloc(uint64_t callback)
{
    struct w32_process *p = w32_process();
    int i = take_slot(p->fls_used, FLS_SLOTS);
    if (i < 0) {
        w32_fail(STATUS_NO_MEMORY);
        return (ULONG)OUT_OF_INDEXES;
    }
    p->fls_callback[i] = callback;
    w32_thread()->fls[i] = 0;
    return (ULONG)i;
}

/* Takes the value out and tells its owner. */
static void fls_release(struct w32_process *p, struct w32_thread *t, ULONG i)
{
    uint64_t value = t->fls[i], callback = p->fls_callback[i];
    t->fls[i] = 0;
    if (value && callback)
        guest_call(FRAME_NONE, (void *)callback, 1, value);
}

BOOL FlsFree(ULONG i)
{
    struct w32_process *p = w32_process();
    if (!is_taken(p->fls_used, i, FLS_SLOTS))
        return w32_fail(STATUS_INVALID_PARAMETER);
    struct w32_room *r = w32_room();
    for (struct thread *t = ps_threads(), *next; t; t = next) {
        next = t->next;
        struct w32_thread *w = t->process == p->process && t->teb ? r->threads[t->agent->id] : NULL;
        if (w && w->id == t->ethread->Cid.UniqueThread)
            fls_release(p, w, i);
    }
    p->fls_used[i / 32] &= ~(1u << i % 32);
    p->fls_callback[i] = 0;
    return TRUE;
}

uint64_t FlsGetValue(ULONG i)
{
    if (i >= FLS_SLOTS) {
        w32_fail(STATUS_INVALID_PARAMETER);
        return 0;
    }
    w32_set_error(0);
    return w32_thread()->fls[i];
}

BOOL FlsSetValue(ULONG i, uint64_t value)
{
    if (!is_taken(w32_process()->fls_used, i, FLS_SLOTS))
        return w32_fail(STATUS_INVALID_PARAMETER);
    w32_thread()->fls[i] = value;
    return TRUE;
}

void tls_thread_end(void)
{
    struct w32_process *p = w32_process();
    struct w32_thread *t = w32_thread_known();
    for (ULONG i = 0; t && i < FLS_SLOTS; i++)
        fls_release(p, t, i);
}
