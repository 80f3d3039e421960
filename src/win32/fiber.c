/* Fibers. The record of a fiber is in user memory: its first word is what GetFiberData reads. Switching keeps the caller's registers in
 * it and loads those of the other; the thread's stack limits follow.
 *
 * GUESS: fiber local storage belongs to the thread here. A fiber can be left only where no callback of the system (a thread pool's, an
 * exception filter's) is under way on its stack. */
#include "nt/seh.h"
#include "trap/unwind.h"
#include "win32/exports.h"
#include "win32/win32.h"

enum { ERROR_ALREADY_FIBER_ = 1280, ERROR_ALREADY_THREAD_ = 1281, DEFAULT_STACK = 0x40000, SMALLEST_STACK = 0x10000, STACK_LIMIT_AT = 0x10, DEALLOCATION_AT = 0x1478,
       MEM_COMMIT_RESERVE = 0x3000, MEM_RELEASE_ = 0x8000, PAGE_READWRITE_ = 4, NOT_A_FIBER = 0x1E00 };

struct fiber_record {
    uint64_t data; /* GetFiberData */
    uint64_t stack, top, limit; /* stack 0: a thread's own */
    uint64_t allocated; /* to be freed; 0: the thread's */
    CONTEXT context __attribute__((aligned(16)));
};

static uint64_t *teb_word(unsigned at)
{
    return (uint64_t *)(w32_teb() + at);
}

static struct fiber_record *current(void)
{
    return ps_current()->on_fibers ? (struct fiber_record *)*teb_word(TEB_FIBER_DATA_AT) : NULL;
}

static struct fiber_record *record_new(uint64_t data)
{
    uint64_t at = w32_alloc_zeroed(sizeof(struct fiber_record) + 16);
    if (!at)
        return NULL;
    struct fiber_record *f = (struct fiber_record *)((at + 15) & ~15ull);
    f->data = data;
    f->allocated = at;
    return f;
}

static uint64_t convert(uint64_t data)
{
    struct thread *t = ps_current();
    if (t->on_fibers)
        return (uint64_t)w32_error(ERROR_ALREADY_FIBER_);
    struct fiber_record *f = record_new(data);
    if (!f)
        return (uint64_t)w32_error(ERROR_NOT_ENOUGH_MEMORY);
    f->stack = t->user_stack;
    f->top = t->user_stack_top;
    f->limit = t->user_stack_limit;
    t->on_fibers = true;
    t->own_stack = f->stack;
    t->own_stack_top = f->top;
    t->own_stack_limit = f->limit;
    *teb_word(TEB_FIBER_DATA_AT) = (uint64_t)f;
    return (uint64_t)f;
}

uint64_t ConvertThreadToFiber(uint64_t data)
{
    return convert(data);
}

uint64_t ConvertThreadToFiberEx(uint64_t data, ULONG flags)
{
    return convert(data);
}

BOOL ConvertFiberToThread(void)
{
    struct fiber_record *f = current();
    if (!f)
        return w32_error(ERROR_ALREADY_THREAD_);
    ps_current()->on_fibers = false;
    *teb_word(TEB_FIBER_DATA_AT) = NOT_A_FIBER;
    w32_free(f->allocated);
    return TRUE;
}

BOOL IsThreadAFiber(void)
{
    return ps_current()->on_fibers;
}

static uint64_t create(uint64_t stack_bytes, uint64_t start, uint64_t data)
{
    uint64_t bytes = stack_bytes ? (stack_bytes + 0xFFFF) & ~0xFFFFull : DEFAULT_STACK;
    if (bytes < SMALLEST_STACK)
        bytes = SMALLEST_STACK;
    struct fiber_record *f = record_new(data);
    uint64_t stack = f ? VirtualAlloc(0, bytes, MEM_COMMIT_RESERVE, PAGE_READWRITE_) : 0;
    if (!stack)
        return (uint64_t)w32_error(ERROR_NOT_ENOUGH_MEMORY);
    f->stack = f->limit = stack;
    f->top = stack + bytes;
    /* As if called by what ends the thread. */
    uint64_t *sp = (uint64_t *)(f->top - 0x48);
    sp[0] = door_export_address("kernel32.dll", "BaseFiberExit");
    f->context.ContextFlags = 0x10000B; /* CONTROL | INTEGER | FLOATING_POINT */
    f->context.Rip = start;
    f->context.Rsp = (uint64_t)sp;
    f->context.Rcx = data;
    f->context.EFlags = 0x202;
    f->context.MxCsr = 0x1F80;
    f->context.SegCs = 0x33;
    f->context.SegSs = 0x2B;
    return (uint64_t)f;
}

uint64_t CreateFiber(uint64_t stack, uint64_t start, uint64_t data)
{
    return create(stack, start, data);
}

uint64_t CreateFiberEx(uint64_t commit, uint64_t reserve, ULONG flags, uint64_t start, uint64_t data)
{
    return create(reserve ? reserve : commit, start, data);
}

static void stack_set(const struct fiber_record *f)
{
    struct thread *t = ps_current();
    t->user_stack = f->stack;
    t->user_stack_top = f->top;
    t->user_stack_limit = f->limit;
    *teb_word(TEB_STACK_BASE_AT) = f->top;
    *teb_word(STACK_LIMIT_AT) = f->limit;
    *teb_word(DEALLOCATION_AT) = f->stack;
}

void SwitchToFiber(struct fiber_record *to)
{
    struct fiber_record *from = current();
    const CONTEXT *context = &to->context;
    w32_console_flush();
    if (!from || to == from)
        return;
    RtlCaptureContext(&from->context);
    from->limit = ps_current()->user_stack_limit;
    if (from->stack == ps_current()->own_stack)
        ps_current()->own_stack_limit = from->limit; /* it may have grown */
    stack_set(to);
    *teb_word(TEB_FIBER_DATA_AT) = (uint64_t)to;
    seh_restore(context, NULL);
}

/* DOC: deleting the fiber that runs ends the thread. */
void DeleteFiber(struct fiber_record *f)
{
    const struct thread *t = ps_current();
    if (f == current())
        ExitThread(1);
    uint64_t stack = f->stack == t->own_stack ? 0 : f->stack;
    w32_free(f->allocated);
    if (stack)
        VirtualFree(stack, 0, MEM_RELEASE_);
}

/* Where a fiber's routine returns to. */
void BaseFiberExit(void)
{
    ExitThread(0);
}

/* The registers of a context, and what waits as user APCs before that. */
void NtContinue(CONTEXT *context, ULONG alert)
{
    seh_restore(context, NULL);
}
