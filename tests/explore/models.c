#include "models.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static void clear(struct vm_program *p)
{
    memset(p, 0, sizeof *p);
}

/* One writer, n readers. */
void model_readers(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    vm_emit(p, 0, VM_WRITE, VM_NONE, VM_NONE, 0, 1);
    for (unsigned t = 1; t <= n; t++)
        vm_emit(p, t, VM_READ, 0, VM_NONE, 0, 0);
}

void model_writers(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++)
        vm_emit(p, t, VM_WRITE, VM_NONE, VM_NONE, 0, (int)t + 1);
}

void model_ainc(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++)
        vm_emit(p, t, VM_ADD, 0, VM_NONE, 0, 1);
}

static void load_store(struct vm_program *p, unsigned t, int var)
{
    vm_emit(p, t, VM_READ, 0, VM_NONE, var, 0);
    vm_emit(p, t, VM_ADDI, 0, 0, 0, 1);
    vm_emit(p, t, VM_WRITE, 0, VM_NONE, var, 0);
}

void model_lockinc(struct vm_program *p, unsigned n, unsigned k)
{
    model_mutex(p, n, 1);
}

/* k counters, each incremented once by an atomic operation per thread: binc is k = 2, cinc k = 3. */
void model_counters(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++)
        for (unsigned v = 0; v < k; v++)
            vm_emit(p, t, VM_ADD, 0, VM_NONE, (int)v, 1);
}

/* inc, rw: load, then store. */
void model_rw(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++)
        load_store(p, t, 0);
}

void model_mutex(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++)
        for (unsigned i = 0; i < k; i++) {
            vm_emit(p, t, VM_LOCK, 0, VM_NONE, 0, 0);
            load_store(p, t, 0);
            vm_emit(p, t, VM_UNLOCK, 0, VM_NONE, 0, 0);
        }
}

void model_lastzero(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    vm_emit(p, 0, VM_SETI, 0, 0, 0, (int)n);
    vm_emit(p, 0, VM_READ, 1, 0, 0, 0);
    vm_emit(p, 0, VM_JZ, 1, 0, 5, 0);
    vm_emit(p, 0, VM_ADDI, 0, 0, 0, -1);
    vm_emit(p, 0, VM_JMP, 0, 0, 1, 0);
    for (unsigned t = 1; t <= n; t++) {
        vm_emit(p, t, VM_READ, 0, VM_NONE, (int)t - 1, 0);
        vm_emit(p, t, VM_ADDI, 0, 0, 0, 1);
        vm_emit(p, t, VM_WRITE, 0, VM_NONE, (int)t, 0);
    }
}

/* Flanagan and Godefroid's hash table: size 128, four messages a thread. */
void model_indexer(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++) {
        for (int m = 1; m <= 4; m++) {
            int w = m * 11 + (int)t;
            vm_emit(p, t, VM_SETI, 1, 0, 0, w * 7 % 128);
            int loop = (int)p->length[t];
            vm_emit(p, t, VM_SETI, 0, 0, 0, w);
            vm_emit(p, t, VM_CAS, 0, 1, 0, 0);
            vm_emit(p, t, VM_JNZ, 0, 0, loop + 6, 0);
            vm_emit(p, t, VM_ADDI, 1, 0, 0, 1);
            vm_emit(p, t, VM_MODI, 1, 0, 0, 128);
            vm_emit(p, t, VM_JMP, 0, 0, loop, 0);
        }
    }
}

/* Theirs too: 26 blocks, 32 inodes. Variables 0..31 inodes, 32..57 blocks; locks 0..31 and 32..57. A block's lock is chosen at run
 * time, and lock instructions are not indexed: the loop over the blocks is unrolled for the few that can be taken. */
void model_filesystem(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++) {
        int i = (int)t % 32, b = i * 2 % 26;
        vm_emit(p, t, VM_LOCK, 0, VM_NONE, i, 0);
        vm_emit(p, t, VM_READ, 0, VM_NONE, i, 0);
        int skip = (int)p->length[t];
        vm_emit(p, t, VM_JNZ, 0, 0, 0, 0);
        int out[3];
        for (int tries = 0; tries < 3; tries++, b = (b + 1) % 26) {
            vm_emit(p, t, VM_LOCK, 0, VM_NONE, 32 + b, 0);
            vm_emit(p, t, VM_READ, 0, VM_NONE, 32 + b, 0);
            int busy = (int)p->length[t];
            vm_emit(p, t, VM_JNZ, 0, 0, 0, 0);
            vm_emit(p, t, VM_WRITE, VM_NONE, VM_NONE, 32 + b, 1);
            vm_emit(p, t, VM_WRITE, VM_NONE, VM_NONE, i, b + 1);
            vm_emit(p, t, VM_UNLOCK, 0, VM_NONE, 32 + b, 0);
            out[tries] = (int)p->length[t];
            vm_emit(p, t, VM_JMP, 0, 0, 0, 0);
            p->code[t][busy].k = (int16_t)p->length[t];
            vm_emit(p, t, VM_UNLOCK, 0, VM_NONE, 32 + b, 0);
        }
        vm_emit(p, t, VM_FAIL, 0, 0, 99, 0);
        for (int tries = 0; tries < 3; tries++)
            p->code[t][out[tries]].k = (int16_t)p->length[t];
        p->code[t][skip].k = (int16_t)p->length[t];
        vm_emit(p, t, VM_UNLOCK, 0, VM_NONE, i, 0);
    }
}

/* Independent threads of k writes each: one class. */
void model_independent(struct vm_program *p, unsigned n, unsigned k)
{
    clear(p);
    for (unsigned t = 0; t < n; t++)
        for (unsigned i = 0; i < k; i++)
            vm_emit(p, t, VM_WRITE, VM_NONE, VM_NONE, (int)t, (int)i);
}

/* --- text -------------------------------------------------------------------------------------------------------- */

/* Where the objects of one kind begin: events are the first. */
enum { SEMAPHORES = 10, LOCKS = 20 };

static int emit_operation(struct vm_program *p, unsigned t, char kind, int k)
{
    int jump = -1;
    switch (kind) {
    case 'r': vm_emit(p, t, VM_READ, 0, VM_NONE, k, 0); break;
    case 'w': vm_emit(p, t, VM_WRITE, VM_NONE, VM_NONE, k, (int)t + 1); break;
    case 'f': vm_emit(p, t, VM_ADD, 0, VM_NONE, k, 1); break;
    case 'p': vm_emit(p, t, VM_COUNT, VM_NONE, VM_NONE, k, 1); break;
    case 'c': vm_emit(p, t, VM_READ, 0, VM_NONE, k, 0); jump = (int)p->length[t]; break;
    case 'x': vm_emit(p, t, VM_SETI, 0, 0, 0, 1); vm_emit(p, t, VM_CAS, 0, VM_NONE, k, 0); break;
    case 'y': vm_emit(p, t, VM_SETI, 0, 0, 0, 2); vm_emit(p, t, VM_CAS, 0, VM_NONE, k, 1); break;
    case 'L': vm_emit(p, t, VM_AWAIT, VM_NONE, VM_NONE, k, 0); break;
    case 'Z': vm_emit(p, t, VM_SETI, 1, 0, 0, 0); vm_emit(p, t, VM_AWAIT, 1, VM_NONE, k, 0); break;
    case 'T': vm_emit(p, t, VM_TAKE, VM_NONE, VM_NONE, k, 0); break;
    case 'D': vm_emit(p, t, VM_WRITE, VM_NONE, VM_NONE, k, 0); break;
    case 'E':
        vm_emit(p, t, VM_READ, 0, VM_NONE, k, 0);
        vm_emit(p, t, VM_JNZ, 0, 0, (int)p->length[t] + 2, 0);
        vm_emit(p, t, VM_AWAIT, VM_NONE, k, k + 1, 0);
        break;
    case 'F': vm_emit(p, t, VM_AWAIT, VM_NONE, VM_NONE, k, 0); vm_emit(p, t, VM_AWAIT, VM_NONE, VM_NONE, k + 1, 0); break;
    case 'K':
        vm_emit(p, t, VM_ADD, 1, VM_NONE, k, 1);
        vm_emit(p, t, VM_AWAIT, 1, VM_NONE, k + 1, 0);
        vm_emit(p, t, VM_ADDI, 1, 0, 0, 1);
        vm_emit(p, t, VM_WRITE, 1, VM_NONE, k + 1, 0);
        break;
    case 'l': vm_emit(p, t, VM_LOCK, 0, VM_NONE, LOCKS + k, 0); break;
    case 'u': vm_emit(p, t, VM_UNLOCK, 0, VM_NONE, LOCKS + k, 0); break;
    case 's': vm_emit(p, t, VM_SHARE, 0, VM_NONE, LOCKS + k, 0); break;
    case 'S': vm_emit(p, t, VM_UNSHARE, 0, VM_NONE, LOCKS + k, 0); break;
    case 'o': vm_emit(p, t, VM_OWN, 0, VM_NONE, LOCKS + k, 0); break;
    case 'O': vm_emit(p, t, VM_DISOWN, 0, VM_NONE, LOCKS + k, 0); break;
    case 'e': vm_emit(p, t, VM_SET, 0, VM_NONE, k, 0); break;
    case 'd': vm_emit(p, t, VM_CLEAR, 0, VM_NONE, k, 0); break;
    case 'v': vm_emit(p, t, VM_WAIT, 0, VM_NONE, k, 0); break;
    case 'n': vm_emit(p, t, VM_WAITN, 0, VM_NONE, k, 0); break;
    case 'm': vm_emit(p, t, VM_WAITT, 0, VM_NONE, k, 0); jump = (int)p->length[t]; break;
    case 'A': vm_emit(p, t, VM_WAITALL, 0, VM_NONE, k, k + 1); break;
    case 'B': vm_emit(p, t, VM_WAITANY, 0, VM_NONE, k, k + 1); jump = (int)p->length[t]; break;
    case 'a': vm_emit(p, t, VM_UP, 0, VM_NONE, SEMAPHORES + k, 0); break;
    case 'b': vm_emit(p, t, VM_DOWN, 0, VM_NONE, SEMAPHORES + k, 0); break;
    case 'h': vm_emit(p, t, VM_CHOOSE, 0, VM_NONE, 0, 2); jump = (int)p->length[t]; break;
    case 'g': vm_emit(p, t, VM_YIELD, 0, VM_NONE, 0, 0); break;
    case 'z': vm_emit(p, t, VM_SPAWN, 0, VM_NONE, k, 0); p->dormant |= 1u << k; break;
    case 'j': vm_emit(p, t, VM_JOIN, 0, VM_NONE, k, 0); break;
    case 't': vm_emit(p, t, VM_TRYLOCK, 0, VM_NONE, LOCKS + k, 0); jump = (int)p->length[t]; break;
    case '!': vm_emit(p, t, VM_FAIL, 0, VM_NONE, k, 0); break;
    case 'q': vm_emit(p, t, VM_EXIT, 0, VM_NONE, k, 0); break;
    default: base_panic("model text: unknown operation %c", kind);
    }
    if (jump >= 0)
        vm_emit(p, t, kind == 't' ? VM_JZ : VM_JNZ, 0, 0, 0, 0);
    return jump;
}

/* A jump goes over the next operation; that of a try-lock over the operations up to and with the release of its lock. */
static bool lands(char jump_kind, int jump_k, char kind, int k)
{
    return jump_kind != 't' || (kind == 'u' && k == jump_k);
}

static void thread_text(struct vm_program *p, unsigned t, const char *text, unsigned length)
{
    struct {
        int at, k;
        char kind;
    } open[16];
    unsigned opened = 0;
    p->threads = t + 1 > p->threads ? t + 1 : p->threads;
    for (unsigned i = 0; i + 1 < length; i += 2) {
        int k = text[i + 1] - '0';
        int jump = emit_operation(p, t, text[i], k);
        for (unsigned o = 0; o < opened;) {
            if (lands(open[o].kind, open[o].k, text[i], k)) {
                p->code[t][open[o].at].k = (int16_t)p->length[t];
                open[o] = open[--opened];
            } else {
                o++;
            }
        }
        if (jump >= 0) {
            IR_ASSERT(opened < 16);
            open[opened].at = jump;
            open[opened].k = k;
            open[opened++].kind = text[i];
        }
    }
    for (unsigned o = 0; o < opened; o++)
        p->code[t][open[o].at].k = (int16_t)p->length[t];
}

void model_text(struct vm_program *p, const char *text)
{
    clear(p);
    for (unsigned t = 0;; t++) {
        size_t length = strcspn(text, ",");
        thread_text(p, t, text, (unsigned)length);
        text += length;
        if (!*text++)
            return;
    }
}

static unsigned draw(uint64_t *seed, unsigned n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (unsigned)((*seed * 0x2545F4914F6CDD1Dull) >> 33) % n;
}

struct writer {
    uint64_t *seed;
    const struct random_shape *shape;
    char *text;
    unsigned at, size;
    bool conditional; /* the operation before may skip the next, which must not be half of a pair */
};

static void put(struct writer *w, char kind, char number)
{
    w->text[w->at++] = kind;
    w->text[w->at++] = number;
    w->conditional = strchr("cmBh", kind) != NULL;
}

static void put_unconditional(struct writer *w, char kind, char number)
{
    if (w->conditional)
        put(w, 'r', '0');
    put(w, kind, number);
}

static void put_any(struct writer *w)
{
    put(w, w->shape->kinds[draw(w->seed, (unsigned)strlen(w->shape->kinds))], (char)('0' + draw(w->seed, w->shape->variables)));
}

static void put_section(struct writer *w)
{
    const struct random_shape *s = w->shape;
    unsigned kind = s->shared ? 1 + draw(w->seed, 2) : draw(w->seed, 8) == 0 ? 3 : 0;
    char lock = (char)('0' + draw(w->seed, 2));
    put_unconditional(w, "lsot"[kind], lock);
    if (draw(w->seed, 4))
        put_any(w);
    if (s->nested && kind != 3 && draw(w->seed, 2)) {
        unsigned inner = s->shared ? 1 + draw(w->seed, 2) : 0;
        put_unconditional(w, "lso"[inner], (char)(lock ^ 1));
        if (draw(w->seed, 2))
            put_any(w);
        put_unconditional(w, "uSO"[inner], (char)(lock ^ 1));
    } else if (draw(w->seed, 2)) {
        put_any(w);
    }
    put_unconditional(w, "uSOu"[kind], lock);
}

void model_random_text(uint64_t *seed, const struct random_shape *s, char *text, unsigned size)
{
    struct writer w = {seed, s, text, 0, size, false};
    unsigned threads = s->least_threads + draw(seed, s->most_threads - s->least_threads + 1);
    unsigned parent[10] = {0};
    for (unsigned t = 1; t < threads && s->spawn; t++)
        parent[t] = draw(seed, t + 1); /* itself: runs from the start */
    for (unsigned t = 0; t < threads; t++) {
        unsigned operations = 1 + draw(seed, s->most_operations);
        w.conditional = false;
        if (t)
            text[w.at++] = ',';
        for (unsigned i = 0; i < operations; i++) {
            for (unsigned child = t + 1; child < threads && s->spawn; child++)
                if (parent[child] == t && (i + 1 == operations || draw(seed, 2))) {
                    put_unconditional(&w, 'z', (char)('0' + child));
                    parent[child] = draw(seed, 2) ? 20 : 30;
                }
            if (s->locks && draw(seed, 3) == 0)
                put_section(&w);
            else
                put_any(&w);
        }
        for (unsigned child = t + 1; child < threads && s->spawn; child++)
            if (parent[child] == 20) {
                put_unconditional(&w, 'j', (char)('0' + child));
                put_any(&w);
                parent[child] = 30;
            }
        IR_ASSERT(w.at + 64 < size);
    }
    text[w.at] = 0;
}
