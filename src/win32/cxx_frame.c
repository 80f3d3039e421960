/* The language handler of C++ functions: which catch block takes an exception, what is destroyed on the way, and running the block.
 *
 * A catch block is a function of its own that runs on top of the frames that it abandons, called by the unwinder when all of them have been
 * told (STATUS_UNWIND_CONSOLIDATE). While it runs, the frame that it belongs to is as far unwound as its try block begins: a walk that
 * comes to such a frame through the block (seh_consolidated) takes the state from there, not from the instruction.
 *
 * Levels: the body of a function is one, each catch block another. With uncompressed tables all share one numbering: a block has the states
 * above its try block's up to catch_high. A level looks at its own try blocks only; outer ones have their turn when the walk comes to them. */
#include "win32/cxx.h"

#include "sim/machine.h"
#include "trap/trap.h"
#include "trap/unwind.h"

/* What the record of an unwind to a catch block carries. */
enum { INFO_CALL, INFO_FRAME, INFO_BLOCK, INFO_TO_STATE, INFO_OUTER_STATE, INFO_FUNCTION_FRAME, INFO_THROWN, INFO_GO_ON_COUNT, INFO_GO_ON,
       INFO_BEFORE = INFO_GO_ON + 2, INFO_CONTEXT, INFO_CONTEXT_BEFORE, INFO_COUNT };

struct level {
    struct cxx_function f;
    uint64_t frame; /* of the function or block that runs */
    uint64_t function_frame; /* of the function: what all offsets count from */
    int low, high; /* its states: low < s <= high */
    const EXCEPTION_RECORD *block; /* the catch block that runs on top of it, or NULL */
};

static uint64_t call_block_address(void)
{
    return door_export_address("ntdll.dll", "CxxCallCatchBlock");
}

static bool is_ours(const EXCEPTION_RECORD *r)
{
    return r && r->ExceptionCode == STATUS_UNWIND_CONSOLIDATE && r->NumberParameters == INFO_COUNT &&
           r->ExceptionInformation[INFO_CALL] == call_block_address();
}

static void level_of_block(struct level *l, const struct cxx_try *t, const struct cxx_handler *h)
{
    l->function_frame = *(const uint64_t *)(l->frame + h->frame_at);
    l->low = t->high;
    l->high = t->catch_high;
}

static bool level_read(struct level *l, uint64_t frame, const DISPATCHER_CONTEXT *dc, bool compressed)
{
    *l = (struct level) { .frame = frame, .function_frame = frame, .low = -1, .high = INT32_MAX };
    if (!cxx_function_read(&l->f, dc, compressed))
        return false;
    const EXCEPTION_RECORD *block = seh_consolidated(dc);
    l->block = is_ours(block) ? block : NULL;
    if (compressed) {
        if (l->f.is_catch)
            l->function_frame = *(const uint64_t *)(frame + l->f.frame_at);
        return true;
    }
    struct cxx_try t;
    struct cxx_handler h;
    const uint8_t *at = NULL;
    for (uint32_t i = 0; cxx_try_next(&l->f, &i, &at, &t);) {
        const uint8_t *handler_at = NULL;
        for (uint32_t j = 0; cxx_handler_next(&l->f, &t, &j, &handler_at, &h);)
            if (h.fn == l->f.base + l->f.begin)
                level_of_block(l, &t, &h);
    }
    return true;
}

static int level_state(const struct level *l, const DISPATCHER_CONTEXT *dc)
{
    return l->block ? (int)l->block->ExceptionInformation[INFO_OUTER_STATE] : cxx_state_at(&l->f, dc->ControlPc);
}

/* ---- which block ---- */

static bool is_cxx(const EXCEPTION_RECORD *r)
{
    uint64_t magic = r->ExceptionInformation[0];
    return r->ExceptionCode == CXX_EXCEPTION && r->NumberParameters == CXX_PARAMETERS &&
           (magic - CXX_MAGIC <= 2 || magic == CXX_MAGIC_PURE);
}

static bool names_match(const struct cxx_type *a, const struct cxx_type *b)
{
    return a == b || strcmp(a->name, b->name) == 0;
}

static const struct cxx_catchable *match(const struct cxx_handler *h, const EXCEPTION_RECORD *thrown)
{
    uint64_t base = thrown->ExceptionInformation[3];
    const struct cxx_throw_info *info = (const struct cxx_throw_info *)thrown->ExceptionInformation[2];
    const struct cxx_catchable_array *all = (const struct cxx_catchable_array *)(base + (uint32_t)info->catchable_array);
    uint32_t qualifiers = info->attributes & (CXX_CONST | CXX_VOLATILE | CXX_UNALIGNED);
    for (int32_t i = 0; i < all->count; i++) {
        const struct cxx_catchable *c = (const struct cxx_catchable *)(base + (uint32_t)all->types[i]);
        if (names_match(h->type, (const struct cxx_type *)(base + (uint32_t)c->type)) &&
            (!(c->properties & CXX_BY_REFERENCE_ONLY) || h->adjectives & CXX_REFERENCE) && !(qualifiers & ~h->adjectives))
            return c;
    }
    return NULL;
}

uint64_t cxx_adjust(uint64_t object, const struct cxx_pmd *where)
{
    uint64_t at = object + (int64_t)where->mdisp;
    if (where->pdisp >= 0) {
        const uint8_t *offsets = *(const uint8_t **)(object + (uint32_t)where->pdisp);
        at += (int64_t)*(const int32_t *)(offsets + where->vdisp) + where->pdisp;
    }
    return at;
}

/* Makes the block's own object. An exception from its constructor ends the program, as no block can take it any more. */
static void make_object(const struct level *l, const struct cxx_handler *h, const struct cxx_catchable *c, const EXCEPTION_RECORD *thrown)
{
    uint64_t object = thrown->ExceptionInformation[1], to = l->function_frame + h->object;
    if (!h->type || !h->object || !object)
        return;
    if (h->adjectives & CXX_REFERENCE) {
        *(uint64_t *)to = cxx_adjust(object, &c->where);
    } else if (c->properties & CXX_SIMPLE) {
        memcpy((void *)to, (const void *)object, (size_t)c->size);
        if (c->size == 8 && *(uint64_t *)to)
            *(uint64_t *)to = cxx_adjust(*(uint64_t *)to, &c->where);
    } else if (!c->copy) {
        memcpy((void *)to, (const void *)cxx_adjust(object, &c->where), (size_t)c->size);
    } else {
        void *copy = (void *)(thrown->ExceptionInformation[3] + (uint32_t)c->copy);
        guest_call(FRAME_CxxBuildCatchObject, copy, 3, to, cxx_adjust(object, &c->where), (uint64_t)1);
    }
}

static _Noreturn void enter_block(const struct level *l, const struct cxx_try *t, const struct cxx_handler *h, const EXCEPTION_RECORD *thrown,
                                  const CONTEXT *context, const DISPATCHER_CONTEXT *dc)
{
    struct cxx_action a = { .to_state = -1 };
    cxx_action_of(&l->f, t->low, &a);
    EXCEPTION_RECORD r = { .ExceptionCode = STATUS_UNWIND_CONSOLIDATE, .ExceptionFlags = EXCEPTION_NONCONTINUABLE, .NumberParameters = INFO_COUNT };
    uint64_t *info = r.ExceptionInformation;
    info[INFO_CALL] = call_block_address();
    info[INFO_FRAME] = l->frame;
    info[INFO_BLOCK] = h->fn;
    info[INFO_TO_STATE] = (uint64_t)(int64_t)t->low;
    info[INFO_OUTER_STATE] = (uint64_t)(int64_t)a.to_state;
    info[INFO_FUNCTION_FRAME] = l->function_frame;
    info[INFO_THROWN] = (uint64_t)thrown;
    info[INFO_GO_ON_COUNT] = h->go_on_count;
    memcpy(&info[INFO_GO_ON], h->go_on, sizeof h->go_on);
    info[INFO_CONTEXT] = (uint64_t)context;
    seh_unwind(l->frame, dc->ControlPc, NULL, &r, 0);
}

static void first_pass(const struct level *l, const EXCEPTION_RECORD *record, const CONTEXT *context, const DISPATCHER_CONTEXT *dc)
{
    bool cxx = is_cxx(record);
    /* "throw;" carries nothing. */
    const EXCEPTION_RECORD *thrown = cxx && !record->ExceptionInformation[2] ? (const EXCEPTION_RECORD *)crt_thread()->exception : record;
    if (!cxx && l->f.only_cxx)
        return;
    cxx = thrown && is_cxx(thrown);
    int state = level_state(l, dc);
    struct cxx_try t;
    struct cxx_handler h;
    const uint8_t *at = NULL;
    for (uint32_t i = 0; cxx_try_next(&l->f, &i, &at, &t);) {
        if (state < t.low || state > t.high || t.low <= l->low || t.high > l->high)
            continue;
        const uint8_t *handler_at = NULL;
        for (uint32_t j = 0; cxx_handler_next(&l->f, &t, &j, &handler_at, &h);) {
            const struct cxx_catchable *c = NULL;
            if (h.type ? !cxx || !(c = match(&h, thrown)) : !cxx && h.adjectives & CXX_DOTS)
                continue;
            if (c)
                make_object(l, &h, c, thrown);
            enter_block(l, &t, &h, thrown, context, dc);
        }
    }
    if (l->f.is_noexcept)
        crt_terminate();
}

/* ---- leaving ---- */

static void act(const struct level *l, const struct cxx_action *a)
{
    uint64_t object = l->function_frame + a->object;
    switch (a->kind) {
    case CXX_NOTHING:
        break;
    case CXX_FUNCLET:
        guest_call(FRAME_CxxUnwindToState, (void *)a->fn, 2, a->fn, l->function_frame);
        break;
    case CXX_DESTROY:
        guest_call(FRAME_CxxUnwindToState, (void *)a->fn, 1, object);
        break;
    case CXX_DESTROY_POINTED:
        guest_call(FRAME_CxxUnwindToState, (void *)a->fn, 1, *(const uint64_t *)object);
        break;
    }
}

/* Where the unwind stops in this frame; l->low or less: all of it is left. */
static int target_state(const struct level *l, const EXCEPTION_RECORD *record, const DISPATCHER_CONTEXT *dc)
{
    if (!(record->ExceptionFlags & EXCEPTION_TARGET_UNWIND))
        return l->low;
    if (is_ours(record))
        return (int)record->ExceptionInformation[INFO_TO_STATE];
    if (record->ExceptionCode == STATUS_LONGJUMP)
        return cxx_state_at(&l->f, dc->TargetIp);
    return l->low;
}

static bool same_object(uint64_t a, uint64_t b)
{
    const EXCEPTION_RECORD *x = (const EXCEPTION_RECORD *)a, *y = (const EXCEPTION_RECORD *)b;
    return x && y && x->ExceptionInformation[1] == y->ExceptionInformation[1];
}

/* What a block handled is over, unless "throw;" carries it on, or a block around this one handles it too. */
static void forget(const uint64_t *info, uint64_t next)
{
    struct crt_thread *thread = crt_thread();
    thread->exception = info[INFO_BEFORE];
    thread->exception_context = info[INFO_CONTEXT_BEFORE];
    if (!same_object(info[INFO_THROWN], next) && !same_object(info[INFO_THROWN], info[INFO_BEFORE]))
        cxx_destroy((const EXCEPTION_RECORD *)info[INFO_THROWN]);
}

static void second_pass(const struct level *l, const EXCEPTION_RECORD *record, DISPATCHER_CONTEXT *dc)
{
    enum { BIAS = 2 }; /* ScopeIndex 0 is its start */
    int state = dc->ScopeIndex ? (int)dc->ScopeIndex - BIAS : level_state(l, dc);
    int to = target_state(l, record, dc);
    if (l->block && !dc->ScopeIndex) {
        dc->ScopeIndex = (uint32_t)(state + BIAS);
        forget(l->block->ExceptionInformation, is_ours(record) ? record->ExceptionInformation[INFO_THROWN] : 0);
    }
    for (struct cxx_action a; state != to && state > l->low && state <= l->high && cxx_action_of(&l->f, state, &a);) {
        /* Before the call: should it never return, an unwind that takes over goes on behind it. */
        state = a.to_state;
        dc->ScopeIndex = (uint32_t)(state + BIAS);
        act(l, &a);
    }
}

static ULONG handle(EXCEPTION_RECORD *record, uint64_t frame, CONTEXT *context, DISPATCHER_CONTEXT *dc, bool compressed)
{
    struct level l;
    if (!level_read(&l, frame, dc, compressed))
        crt_terminate();
    if (record->ExceptionFlags & EXCEPTION_UNWIND)
        second_pass(&l, record, dc);
    else
        first_pass(&l, record, context, dc);
    return ExceptionContinueSearch;
}

ULONG crt___CxxFrameHandler3(EXCEPTION_RECORD *record, uint64_t frame, CONTEXT *context, DISPATCHER_CONTEXT *dc)
{
    return handle(record, frame, context, dc, false);
}

ULONG crt___CxxFrameHandler4(EXCEPTION_RECORD *record, uint64_t frame, CONTEXT *context, DISPATCHER_CONTEXT *dc)
{
    return handle(record, frame, context, dc, true);
}

/* ---- the block ---- */

/* Called by the unwinder; returns where the function goes on. */
uint64_t cxx_call_block(EXCEPTION_RECORD *record)
{
    struct crt_thread *thread = crt_thread();
    uint64_t *info = record->ExceptionInformation;
    const EXCEPTION_RECORD *thrown = (const EXCEPTION_RECORD *)info[INFO_THROWN];
    /* Only now: blocks that were left on the way have put back what they found. */
    info[INFO_BEFORE] = thread->exception;
    info[INFO_CONTEXT_BEFORE] = thread->exception_context;
    thread->exception = (uint64_t)thrown;
    thread->exception_context = info[INFO_CONTEXT];
    if (thread->throwing && thrown->ExceptionCode == CXX_EXCEPTION)
        thread->throwing--;
    uint64_t next = guest_call(FRAME_NONE, (void *)info[INFO_BLOCK], 2, info[INFO_BLOCK], info[INFO_FUNCTION_FRAME]);
    /* GUESS: with compressed tables a small result is the number of one of the places listed with the block. */
    if (next < info[INFO_GO_ON_COUNT])
        next = info[INFO_GO_ON + next];
    forget(info, 0);
    return next;
}
