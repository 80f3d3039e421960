/* The user heap: HeapAlloc and what stands on it.
 *
 * Like the pool, each thread allocates from chunks of its own, so that an address depends on the thread and its sequence of
 * calls and not on the schedule. A block freed by its own thread is reused by it at once; one freed by another thread waits
 * until the owner would need a new chunk.
 *
 * In front of each block lie 16 bytes: size, owner and a check value that covers them and the block's state, so that a write
 * past the end of the block before, a wrong pointer and a second free are seen. Which blocks are free is kept outside the
 * guest's reach: a use after free does not harm the heap. */
#include "win32/heap.h"

#include "sim/access.h"

#include <sys/mman.h>

enum { CHUNK = 0x10000, LARGE = 0x8000, CLASSES = 64, HEADER = 16, FILL_FRESH = 0xBA, FILL_FREED = 0xFE };

struct block_header {
    uint64_t size; /* as asked for */
    uint16_t owner; /* agent */
    uint16_t size_class; /* CLASSES: large */
    uint32_t check;
};
_Static_assert(sizeof(struct block_header) == HEADER, "header");

/* Free blocks of one class, last in first out. */
struct stack {
    uint64_t *blocks;
    uint32_t count, room;
};

struct chunk {
    struct chunk *next;
    uint64_t base;
    size_t bytes;
};

struct heap_agent {
    uint64_t next, end; /* in the current chunk */
    struct stack own[CLASSES];
    struct stack remote[CLASSES]; /* freed by other threads */
};

struct heap {
    struct heap *next;
    struct w32_process *process;
    uint64_t handle; /* guest address that stands for it */
    struct heap_agent *agents[MAX_AGENTS];
    struct chunk *chunks;
    uint64_t live_blocks, live_bytes;
};

/* ---- classes: steps of 16 up to 512, then four per doubling ---- */

static size_t class_bytes(unsigned c)
{
    if (c < 32)
        return (c + 1) * 16;
    unsigned octave = (c - 32) / 4, step = (c - 32) % 4;
    return ((size_t)512 << octave) + (step + 1) * ((size_t)128 << octave);
}

static unsigned class_of(size_t bytes)
{
    if (bytes <= 512)
        return bytes ? (unsigned)((bytes - 1) / 16) : 0;
    unsigned c = 32;
    while (class_bytes(c) < bytes)
        c++;
    return c;
}

/* ---- headers ---- */

static uint32_t check_of(uint64_t block, const struct block_header *h, bool live)
{
    uint64_t x = block ^ h->size * 0x9E3779B97F4A7C15ull ^ (uint64_t)h->owner << 40 ^ (uint64_t)h->size_class << 24;
    return (uint32_t)(x ^ x >> 32) ^ (live ? 0x11FEB10C : 0xF4EEB10C);
}

static struct block_header *header_of(uint64_t block)
{
    return (struct block_header *)(block - HEADER);
}

static bool in_heap(const struct heap *h, uint64_t block)
{
    for (const struct chunk *c = h->chunks; c; c = c->next)
        if (block - c->base < c->bytes)
            return true;
    return false;
}

static bool is_live(const struct heap *h, uint64_t block)
{
    return block % 16 == 0 && in_heap(h, block) && header_of(block)->check == check_of(block, header_of(block), true);
}

_Noreturn static void corrupted(uint64_t block)
{
    /* What RtlReportFatalFailure ends with when a 64-bit process damages its heap. */
    uint64_t where = block;
    ke_raise_exception(STATUS_HEAP_CORRUPTION, 1, &where);
}

/* ---- stacks of free blocks ---- */

static void push(struct stack *s, uint64_t block)
{
    if (s->count == s->room) {
        uint32_t room = s->room ? s->room * 2 : 8;
        uint64_t *bigger = sim_alloc(room * 8);
        if (s->count)
            memcpy(bigger, s->blocks, s->count * 8);
        sim_free(s->blocks, s->room * 8);
        s->blocks = bigger;
        s->room = room;
    }
    s->blocks[s->count++] = block;
}

static uint64_t pop(struct stack *s)
{
    return s->count ? s->blocks[--s->count] : 0;
}

/* ---- getting blocks ---- */

static struct heap_agent *agent_of(struct heap *h, uint16_t id)
{
    if (!h->agents[id])
        h->agents[id] = sim_alloc(sizeof(struct heap_agent));
    return h->agents[id];
}

static uint64_t chunk_add(struct heap *h, size_t bytes)
{
    uint64_t base = mm_user_alloc(h->process->process, bytes, PROT_READ | PROT_WRITE);
    if (!base)
        return 0;
    struct chunk *c = sim_alloc(sizeof *c);
    *c = (struct chunk) { h->chunks, base, bytes };
    h->chunks = c;
    return base;
}

static uint64_t carve(struct heap *h, struct heap_agent *a, size_t bytes)
{
    if (a->end - a->next < bytes) {
        uint64_t base = chunk_add(h, CHUNK);
        if (!base)
            return 0;
        a->next = base;
        a->end = base + CHUNK;
    }
    uint64_t at = a->next;
    a->next += bytes;
    return at + HEADER;
}

static uint64_t take(struct heap *h, unsigned c)
{
    struct heap_agent *a = agent_of(h, MACHINE->fiber->id);
    uint64_t block = sim_keeps_freed(h->live_bytes) ? 0 : pop(&a->own[c]);
    if (!block && a->end - a->next < class_bytes(c) + HEADER)
        block = pop(&a->remote[c]);
    return block ? block : carve(h, a, class_bytes(c) + HEADER);
}

static uint64_t take_large(struct heap *h, size_t bytes)
{
    size_t whole = (bytes + 0x1000 + 0xFFF) & ~(size_t)0xFFF;
    uint64_t base = whole > bytes ? chunk_add(h, whole) : 0;
    return base ? base + HEADER : 0;
}

static void give_back_large(struct heap *h, uint64_t block)
{
    for (struct chunk **at = &h->chunks; *at; at = &(*at)->next) {
        struct chunk *c = *at;
        if (c->base != block - HEADER)
            continue;
        *at = c->next;
        mm_user_free(h->process->process, c->base, c->bytes);
        sim_free(c, sizeof *c);
        return;
    }
    IR_ASSERT(!"large block");
}

struct heap *heap_create(struct w32_process *p)
{
    struct heap *h = sim_alloc(sizeof *h);
    h->process = p;
    h->handle = mm_user_alloc(p->process, 0x1000, PROT_READ | PROT_WRITE);
    if (!h->handle) {
        sim_free(h, sizeof *h);
        return NULL;
    }
    *(uint32_t *)(h->handle + 0x10) = 0xFFEEFFEE; /* where NT's heap has its signature */
    h->next = p->heaps;
    p->heaps = h;
    return h;
}

uint64_t heap_alloc(struct heap *h, ULONG flags, size_t bytes)
{
    bool large = bytes > LARGE;
    unsigned c = large ? CLASSES : class_of(bytes);
    uint64_t block = large ? take_large(h, bytes) : take(h, c);
    if (!block) {
        if (flags & HEAP_GENERATE_EXCEPTIONS)
            ke_raise_status(STATUS_NO_MEMORY);
        return 0;
    }
    sim_memory(block, bytes, 0, SIM_MEMORY_NEW);
    struct block_header *b = header_of(block);
    *b = (struct block_header) { .size = bytes, .owner = MACHINE->fiber->id, .size_class = (uint16_t)c };
    b->check = check_of(block, b, true);
    memset((void *)block, flags & HEAP_ZERO_MEMORY ? 0 : FILL_FRESH, large ? bytes : class_bytes(c));
    h->live_blocks++;
    h->live_bytes += bytes;
    return block;
}

void heap_free(struct heap *h, uint64_t block)
{
    if (!is_live(h, block))
        corrupted(block);
    struct block_header *b = header_of(block);
    sim_memory(block, b->size, 0, SIM_MEMORY_FREED);
    h->live_blocks--;
    h->live_bytes -= b->size;
    b->check = check_of(block, b, false);
    if (b->size_class == CLASSES) {
        give_back_large(h, block);
        return;
    }
    unsigned c = b->size_class;
    memset((void *)block, FILL_FREED, class_bytes(c));
    struct heap_agent *owner = agent_of(h, b->owner);
    push(b->owner == MACHINE->fiber->id ? &owner->own[c] : &owner->remote[c], block);
}

size_t heap_size(struct heap *h, uint64_t block)
{
    return is_live(h, block) ? header_of(block)->size : (size_t)-1;
}

static size_t capacity(const struct block_header *b)
{
    return b->size_class == CLASSES ? ((b->size + 0x1000 + 0xFFF) & ~(size_t)0xFFF) - HEADER : class_bytes(b->size_class);
}

uint64_t heap_realloc(struct heap *h, ULONG flags, uint64_t block, size_t bytes)
{
    if (!is_live(h, block))
        corrupted(block);
    struct block_header *b = header_of(block);
    size_t old = b->size;
    if (bytes <= capacity(b) && (b->size_class == CLASSES) == (bytes > LARGE)) {
        if (bytes > old)
            memset((void *)(block + old), flags & HEAP_ZERO_MEMORY ? 0 : FILL_FRESH, bytes - old);
        h->live_bytes += bytes - old;
        b->size = bytes;
        b->check = check_of(block, b, true);
        return block;
    }
    if (flags & HEAP_REALLOC_IN_PLACE_ONLY)
        return 0;
    uint64_t to = heap_alloc(h, flags, bytes);
    if (!to)
        return 0;
    memcpy((void *)to, (void *)block, old < bytes ? old : bytes);
    heap_free(h, block);
    return to;
}

struct heap *heap_of_handle(HANDLE handle)
{
    for (struct heap *h = w32_process()->heaps; h; h = h->next)
        if (h->handle == (uint64_t)handle)
            return h;
    return NULL;
}

uint64_t w32_alloc(size_t bytes)
{
    return heap_alloc(w32_process()->default_heap, 0, bytes);
}

uint64_t w32_alloc_zeroed(size_t bytes)
{
    return heap_alloc(w32_process()->default_heap, HEAP_ZERO_MEMORY, bytes);
}

void w32_free(uint64_t block)
{
    if (block)
        heap_free(w32_process()->default_heap, block);
}

/* ---- exports: heaps ---- */

HANDLE GetProcessHeap(void)
{
    return (HANDLE)w32_process()->default_heap->handle;
}

HANDLE HeapCreate(ULONG options, uint64_t initial, uint64_t maximum)
{
    struct heap *h = heap_create(w32_process());
    if (!h)
        w32_error(ERROR_NOT_ENOUGH_MEMORY);
    return h ? (HANDLE)h->handle : NULL;
}

BOOL HeapDestroy(HANDLE handle)
{
    struct heap *h = heap_of_handle(handle);
    struct w32_process *p = w32_process();
    if (!h || h == p->default_heap)
        return w32_error(ERROR_INVALID_HANDLE);
    for (struct heap **at = &p->heaps; *at; at = &(*at)->next)
        if (*at == h) {
            *at = h->next;
            break;
        }
    for (struct chunk *c = h->chunks, *next; c; c = next) {
        next = c->next;
        mm_user_free(p->process, c->base, c->bytes);
        sim_free(c, sizeof *c);
    }
    mm_user_free(p->process, h->handle, 0x1000);
    return TRUE;
}

/* A handle that is no heap is as bad as a block that is none. */
static struct heap *heap_checked(HANDLE handle)
{
    struct heap *h = heap_of_handle(handle);
    if (!h)
        corrupted((uint64_t)handle);
    return h;
}

uint64_t HeapAlloc(HANDLE heap, ULONG flags, uint64_t bytes)
{
    uint64_t p = heap_alloc(heap_checked(heap), flags, bytes);
    if (!p)
        w32_fail(STATUS_NO_MEMORY);
    return p;
}

uint64_t HeapReAlloc(HANDLE heap, ULONG flags, uint64_t block, uint64_t bytes)
{
    uint64_t p = block ? heap_realloc(heap_checked(heap), flags, block, bytes) : 0;
    if (!p)
        w32_fail(STATUS_NO_MEMORY);
    return p;
}

BOOL HeapFree(HANDLE heap, ULONG flags, uint64_t block)
{
    struct heap *h = heap_checked(heap);
    if (block)
        heap_free(h, block);
    return TRUE;
}

uint64_t HeapSize(HANDLE heap, ULONG flags, uint64_t block)
{
    return heap_size(heap_checked(heap), block);
}

BOOL HeapValidate(HANDLE heap, ULONG flags, uint64_t block)
{
    struct heap *h = heap_of_handle(heap);
    return h && (!block || is_live(h, block));
}

BOOL HeapLock(HANDLE heap)
{
    return TRUE;
}

BOOL HeapUnlock(HANDLE heap)
{
    return TRUE;
}

uint64_t HeapCompact(HANDLE heap, ULONG flags)
{
    return CHUNK;
}

BOOL HeapSetInformation(HANDLE heap, ULONG information, const void *data, uint64_t bytes)
{
    return TRUE;
}

BOOL HeapQueryInformation(HANDLE heap, ULONG information, void *data, uint64_t bytes, uint64_t *needed)
{
    if (information != 0)
        return w32_error(ERROR_INVALID_PARAMETER);
    if (needed)
        *needed = 4;
    if (bytes < 4)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    *(ULONG *)data = 2; /* low-fragmentation heap */
    return TRUE;
}

ULONG GetProcessHeaps(ULONG count, HANDLE *heaps)
{
    ULONG n = 0;
    for (struct heap *h = w32_process()->heaps; h; h = h->next, n++)
        if (n < count)
            heaps[n] = (HANDLE)h->handle;
    return n;
}

/* ---- exports: local and global memory ---- */

enum { LMEM_MOVEABLE = 2, LMEM_ZEROINIT = 0x40 };

/* GUESS: movable blocks are fixed ones here; their handle is their address. */
uint64_t LocalAlloc(ULONG flags, uint64_t bytes)
{
    uint64_t p = flags & LMEM_ZEROINIT ? w32_alloc_zeroed(bytes) : w32_alloc(bytes);
    if (!p)
        w32_error(ERROR_NOT_ENOUGH_MEMORY);
    return p;
}

uint64_t LocalFree(uint64_t block)
{
    w32_free(block);
    return 0;
}

uint64_t LocalReAlloc(uint64_t block, uint64_t bytes, ULONG flags)
{
    if (flags & 0x80) /* LMEM_MODIFY */
        return block;
    uint64_t p = heap_realloc(w32_process()->default_heap, flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0, block, bytes);
    if (!p)
        w32_error(ERROR_NOT_ENOUGH_MEMORY);
    return p;
}

uint64_t LocalSize(uint64_t block)
{
    size_t n = heap_size(w32_process()->default_heap, block);
    if (n != (size_t)-1)
        return n;
    w32_error(ERROR_INVALID_HANDLE);
    return 0;
}

uint64_t LocalLock(uint64_t block)
{
    return block;
}

BOOL LocalUnlock(uint64_t block)
{
    return w32_error(0); /* lock count is zero now */
}

uint64_t LocalHandle(uint64_t block)
{
    return block;
}

/* ---- exports: the C run-time ---- */

enum { ENOMEM_ = 12, EINVAL_ = 22 };
int32_t *crt_errno(void);

uint64_t crt_malloc(uint64_t bytes)
{
    uint64_t p = bytes <= 0xFFFFFFFFFFFFFFE0ull ? w32_alloc(bytes) : 0;
    if (!p)
        *crt_errno() = ENOMEM_;
    return p;
}

uint64_t crt_calloc(uint64_t n, uint64_t each)
{
    uint64_t bytes, p = __builtin_mul_overflow(n, each, &bytes) ? 0 : w32_alloc_zeroed(bytes);
    if (!p)
        *crt_errno() = ENOMEM_;
    return p;
}

void crt_free(uint64_t p)
{
    w32_free(p);
}

uint64_t crt_realloc(uint64_t block, uint64_t bytes)
{
    if (!block)
        return crt_malloc(bytes);
    if (!bytes) {
        w32_free(block);
        return 0;
    }
    uint64_t p = heap_realloc(w32_process()->default_heap, 0, block, bytes);
    if (!p)
        *crt_errno() = ENOMEM_;
    return p;
}

uint64_t crt__recalloc(uint64_t block, uint64_t n, uint64_t each)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes)) {
        *crt_errno() = ENOMEM_;
        return 0;
    }
    if (!block)
        return crt_calloc(n, each);
    if (!bytes) {
        w32_free(block);
        return 0;
    }
    return heap_realloc(w32_process()->default_heap, HEAP_ZERO_MEMORY, block, bytes);
}

uint64_t crt__msize(uint64_t block)
{
    size_t n = block ? heap_size(w32_process()->default_heap, block) : (size_t)-1;
    if (n == (size_t)-1)
        *crt_errno() = EINVAL_;
    return n;
}

uint64_t crt__expand(uint64_t block, uint64_t bytes)
{
    return heap_realloc(w32_process()->default_heap, HEAP_REALLOC_IN_PLACE_ONLY, block, bytes);
}

/* _aligned_malloc keeps the block's own address in front of what it returns, as Microsoft's does. */
uint64_t crt__aligned_offset_malloc(uint64_t bytes, uint64_t alignment, uint64_t offset)
{
    if (!alignment || (alignment & (alignment - 1)) || (offset && offset >= bytes)) {
        *crt_errno() = EINVAL_;
        return 0;
    }
    uint64_t a = alignment < 8 ? 8 : alignment;
    uint64_t block = crt_malloc(bytes + a + 16);
    if (!block)
        return 0;
    uint64_t at = ((block + 8 + offset + a - 1) & ~(a - 1)) - offset;
    memcpy((void *)((at & ~7ull) - 8), &block, 8);
    return at;
}

uint64_t crt__aligned_malloc(uint64_t bytes, uint64_t alignment)
{
    return crt__aligned_offset_malloc(bytes, alignment, 0);
}

void crt__aligned_free(uint64_t at)
{
    if (!at)
        return;
    uint64_t block;
    memcpy(&block, (void *)((at & ~7ull) - 8), 8);
    w32_free(block);
}

uint64_t crt__aligned_realloc(uint64_t at, uint64_t bytes, uint64_t alignment)
{
    if (!at)
        return crt__aligned_malloc(bytes, alignment);
    if (!bytes) {
        crt__aligned_free(at);
        return 0;
    }
    uint64_t block;
    memcpy(&block, (void *)((at & ~7ull) - 8), 8);
    size_t old = heap_size(w32_process()->default_heap, block) - (at - block);
    uint64_t to = crt__aligned_malloc(bytes, alignment);
    if (!to)
        return 0;
    memcpy((void *)to, (void *)at, old < bytes ? old : bytes);
    crt__aligned_free(at);
    return to;
}
