#include "vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void vm_emit(struct vm_program *p, unsigned thread, int op, int r, int x, int k, int m)
{
    IR_ASSERT(thread < VM_THREADS && p->length[thread] < VM_CODE);
    p->threads = thread >= p->threads ? thread + 1 : p->threads;
    p->code[thread][p->length[thread]++] = (struct vm_instruction){(int16_t)op, (int16_t)r, (int16_t)x, (int16_t)k, (int16_t)m};
}

static bool visible(const struct vm_instruction *i)
{
    return i->op < VM_SETI;
}

static void local(struct vm_state *s, unsigned t, const struct vm_instruction *i)
{
    int16_t *r = s->registers[t];
    s->pc[t]++;
    switch (i->op) {
    case VM_SETI: r[i->r] = i->m; break;
    case VM_ADDI: r[i->r] = (int16_t)(r[i->r] + i->m); break;
    case VM_ADDR: r[i->r] = (int16_t)(r[i->r] + r[i->x]); break;
    case VM_MULI: r[i->r] = (int16_t)(r[i->r] * i->m); break;
    case VM_MODI: r[i->r] = (int16_t)(r[i->r] % i->m); break;
    case VM_JZ: s->pc[t] = r[i->r] == 0 ? (uint8_t)i->k : s->pc[t]; break;
    case VM_JNZ: s->pc[t] = r[i->r] != 0 ? (uint8_t)i->k : s->pc[t]; break;
    case VM_JMP: s->pc[t] = (uint8_t)i->k; break;
    }
}

/* On to the thread's next visible instruction. */
static void advance(struct vm *vm, unsigned t)
{
    struct vm_state *s = &vm->state;
    for (;;) {
        const struct vm_instruction *i = &vm->program->code[t][s->pc[t]];
        if (s->pc[t] >= vm->program->length[t] || i->op == VM_END) {
            s->alive &= ~(1u << t);
            s->done |= 1u << t;
            return;
        }
        if (visible(i))
            return;
        local(s, t, i);
    }
}

static void reset(void *context)
{
    struct vm *vm = context;
    struct vm_state *s = &vm->state;
    memset(s, 0, sizeof *s);
    memcpy(s->vars, vm->program->vars, sizeof s->vars);
    memcpy(s->tokens, vm->program->tokens, sizeof s->tokens);
    s->running = EXPLORE_NO_AGENT;
    for (unsigned t = 0; t < vm->program->threads; t++) {
        if (vm->program->dormant >> t & 1)
            continue;
        s->alive |= 1u << t;
        advance(vm, t);
    }
}

/* Alternatives possible now; 0: it has to wait. */
static uint32_t alternatives(const struct vm *vm, unsigned t, const struct vm_instruction *i)
{
    const struct vm_state *s = &vm->state;
    switch (i->op) {
    case VM_AWAIT: return i->r == VM_NONE ? s->vars[i->k] != i->m : s->vars[i->k] == s->registers[t][i->r];
    case VM_TAKE: return s->vars[i->k] != 1;
    case VM_LOCK: case VM_OWN: return s->tokens[i->k] == 0;
    case VM_SHARE: return s->tokens[i->k] <= 0;
    case VM_WAIT: case VM_WAITN: case VM_DOWN: return s->tokens[i->k] > 0;
    case VM_WAITT: return s->tokens[i->k] > 0 ? 1 : 2;
    case VM_WAITALL: return s->tokens[i->k] > 0 && s->tokens[i->m] > 0;
    case VM_WAITANY: return s->tokens[i->k] > 0 || s->tokens[i->m] > 0;
    case VM_JOIN: return s->done >> i->k & 1;
    case VM_CHOOSE: return (1u << i->m) - 1;
    default: return 1;
    }
}

static uint64_t object_of(const struct vm *vm, unsigned t, const struct vm_instruction *i)
{
    if (i->op == VM_AWAIT || i->op == VM_TAKE)
        return 1 + (uint64_t)i->k;
    if (i->op <= VM_CAS)
        return 1 + (uint64_t)i->k + (i->x == VM_NONE ? 0 : (uint64_t)vm->state.registers[t][i->x]);
    return i->op <= VM_DOWN ? 1000 + (uint64_t)i->k : 0;
}

/* Some thread that waits would go on if it looked at everything once more. */
static bool looked_too_early(const struct vm *vm)
{
    const struct vm_state *s = &vm->state;
    for (uint32_t left = s->alive; left; left &= left - 1) {
        unsigned t = (unsigned)__builtin_ctz(left);
        const struct vm_instruction *i = &vm->program->code[t][s->pc[t]];
        if (i->op == VM_AWAIT && i->x != VM_NONE && s->vars[i->x] != i->m)
            return true;
    }
    return false;
}

static enum explore_status point(void *context, struct explore_point *out)
{
    struct vm *vm = context;
    const struct vm_state *s = &vm->state;
    unsigned n = 0;
    out->running = s->running;
    out->running_can_go_on = false;
    out->enabled = vm->enabled;
    if (s->status)
        return (enum explore_status)s->status;
    for (uint32_t left = s->alive; left; left &= left - 1) {
        unsigned t = (unsigned)__builtin_ctz(left);
        const struct vm_instruction *i = &vm->program->code[t][s->pc[t]];
        uint32_t can = alternatives(vm, t, i);
        if (!can)
            continue;
        uint32_t faults = i->op == VM_CHOOSE && i->k ? can & ~1u : 0;
        vm->enabled[n++] = (struct explore_agent){t, can, faults, object_of(vm, t, i), i->op == VM_READ};
        out->running_can_go_on |= t == s->running && !s->yielded;
    }
    out->enabled_count = n;
    return n ? EXPLORE_RUNNING : !s->alive ? EXPLORE_DONE : looked_too_early(vm) ? EXPLORE_FUTILE : EXPLORE_DEADLOCK;
}

static unsigned touch(struct explore_access *a, uint64_t object, unsigned kind, unsigned lock)
{
    *a = (struct explore_access){object, (uint8_t)kind, (uint8_t)lock};
    return 1;
}

/* The accesses of an object instruction; also what a waiting one waits for. */
static unsigned object_accesses(const struct vm_instruction *i, struct explore_access *a)
{
    uint64_t k = 1000 + (uint64_t)i->k, m = 1000 + (uint64_t)i->m;
    switch (i->op) {
    case VM_AWAIT: return touch(a, 1 + (uint64_t)i->k, EXPLORE_READ, 0);
    case VM_TAKE: return touch(a, 1 + (uint64_t)i->k, EXPLORE_WRITE, 0);
    case VM_LOCK: return touch(a, k, EXPLORE_WRITE, EXPLORE_LOCK_ACQUIRE);
    case VM_UNLOCK: return touch(a, k, EXPLORE_WRITE, EXPLORE_LOCK_RELEASE);
    case VM_SHARE: case VM_UNSHARE: case VM_WAITN: return touch(a, k, EXPLORE_READ, 0);
    case VM_WAITALL: case VM_WAITANY: touch(a, k, EXPLORE_WRITE, 0); return 1 + touch(a + 1, m, EXPLORE_WRITE, 0);
    case VM_JOIN: case VM_SPAWN: case VM_CHOOSE: case VM_YIELD: case VM_FAIL: case VM_EXIT: return 0;
    default: return touch(a, k, EXPLORE_WRITE, 0);
    }
}

static void step_variable(struct vm *vm, unsigned t, const struct vm_instruction *i, struct explore_event *out)
{
    int16_t *r = vm->state.registers[t];
    unsigned at = (unsigned)(i->k + (i->x == VM_NONE ? 0 : r[i->x]));
    IR_ASSERT(at < VM_VARS);
    int16_t *v = &vm->state.vars[at];
    unsigned kind = EXPLORE_WRITE;
    switch (i->op) {
    case VM_READ: r[i->r] = *v; kind = EXPLORE_READ; break;
    case VM_WRITE: *v = i->r == VM_NONE ? i->m : r[i->r]; break;
    case VM_ADD:
        if (i->r != VM_NONE)
            r[i->r] = *v;
        *v = (int16_t)(*v + i->m);
        break;
    case VM_COUNT: *v = (int16_t)(*v + i->m); kind = EXPLORE_COMMUTE; break;
    case VM_CAS:
        kind = *v == i->m ? EXPLORE_WRITE : EXPLORE_READ;
        *v = *v == i->m ? r[i->r] : *v;
        r[i->r] = kind == EXPLORE_WRITE;
        break;
    }
    out->access_count = touch(vm->accesses, 1 + (uint64_t)at, kind, 0);
    out->flags = EXPLORE_NEVER_WAITS | (i->op == VM_CAS ? EXPLORE_SAME_OBJECTS : EXPLORE_FIXED);
}

static void step_await(struct vm *vm, const struct vm_instruction *i, struct explore_event *out)
{
    if (i->op == VM_TAKE)
        vm->state.vars[i->k] = 1;
    out->access_count = object_accesses(i, vm->accesses);
    out->flags = EXPLORE_FIXED;
}

static void step_event_or_lock(struct vm *vm, unsigned t, const struct vm_instruction *i, unsigned alternative, struct explore_event *out)
{
    struct vm_state *s = &vm->state;
    int16_t *o = &s->tokens[i->k], *r = s->registers[t];
    out->access_count = object_accesses(i, vm->accesses);
    out->flags = EXPLORE_NEVER_WAITS | EXPLORE_FIXED;
    switch (i->op) {
    case VM_LOCK: *o = (int16_t)(t + 1); out->flags = EXPLORE_FIXED; break;
    case VM_UNLOCK: case VM_DISOWN: *o = 0; break;
    case VM_TRYLOCK:
        r[i->r] = *o == 0;
        out->access_count = touch(vm->accesses, 1000 + (uint64_t)i->k, *o == 0 ? EXPLORE_WRITE : EXPLORE_READ, 0);
        *o = *o == 0 ? (int16_t)(t + 1) : *o;
        out->flags = EXPLORE_NEVER_WAITS | EXPLORE_SAME_OBJECTS;
        break;
    case VM_SHARE: --*o; out->flags = EXPLORE_FIXED; break;
    case VM_UNSHARE: ++*o; break;
    case VM_OWN: *o = (int16_t)(t + 1); out->flags = EXPLORE_FIXED; break;
    case VM_SET: *o = 1; break;
    case VM_CLEAR: *o = 0; break;
    case VM_WAIT: *o = 0; out->flags = EXPLORE_FIXED; break;
    case VM_WAITN: out->flags = EXPLORE_FIXED; break;
    case VM_WAITT:
        r[i->r] = (int16_t)alternative;
        *o = 0;
        out->flags = EXPLORE_NEVER_WAITS;
        break;
    case VM_WAITALL: *o = s->tokens[i->m] = 0; out->flags = EXPLORE_FIXED; break;
    case VM_WAITANY:
        r[i->r] = *o == 0;
        *(*o ? o : &s->tokens[i->m]) = 0;
        out->flags = EXPLORE_FIXED;
        break;
    case VM_UP: ++*o; break;
    case VM_DOWN: --*o; out->flags = EXPLORE_FIXED; break;
    }
}

static void step_other(struct vm *vm, unsigned t, const struct vm_instruction *i, unsigned alternative, struct explore_event *out)
{
    struct vm_state *s = &vm->state;
    vm->edge = (uint32_t)i->k;
    switch (i->op) {
    case VM_SPAWN:
        s->alive |= 1u << i->k;
        advance(vm, (unsigned)i->k);
        out->enables = &vm->edge;
        out->enables_count = 1;
        out->flags = EXPLORE_NEVER_WAITS | EXPLORE_FIXED;
        break;
    case VM_JOIN:
        out->joins = &vm->edge;
        out->joins_count = 1;
        break;
    case VM_CHOOSE: s->registers[t][i->r] = (int16_t)alternative; out->flags = EXPLORE_NEVER_WAITS | EXPLORE_FIXED; break;
    case VM_YIELD: s->yielded = true; out->flags = EXPLORE_NEVER_WAITS | EXPLORE_FIXED; break;
    case VM_FAIL: s->status = EXPLORE_FAILED; s->key = i->k; break;
    case VM_EXIT: s->status = EXPLORE_DONE; out->flags = EXPLORE_ENDS; break;
    }
}

static void step(void *context, uint32_t t, unsigned alternative, struct explore_event *out)
{
    struct vm *vm = context;
    struct vm_state *s = &vm->state;
    IR_ASSERT(s->alive >> t & 1);
    const struct vm_instruction *i = &vm->program->code[t][s->pc[t]];
    IR_ASSERT(alternatives(vm, t, i) >> alternative & 1);
    *out = (struct explore_event){.accesses = vm->accesses, .op = (uint32_t)i->op};
    s->pc[t]++;
    s->running = t;
    s->yielded = false;
    if (i->op <= VM_CAS)
        step_variable(vm, t, i, out);
    else if (i->op <= VM_TAKE)
        step_await(vm, i, out);
    else if (i->op <= VM_DOWN)
        step_event_or_lock(vm, t, i, alternative, out);
    else
        step_other(vm, t, i, alternative, out);
    if (vm->program->no_hints) {
        out->flags &= EXPLORE_ENDS;
        for (unsigned a = 0; a < out->access_count; a++)
            vm->accesses[a].lock = EXPLORE_NOT_A_LOCK;
    }
    if (s->status != EXPLORE_FAILED && !(i->op == VM_EXIT))
        advance(vm, t);
}

static void outcome(void *context, struct explore_outcome *out)
{
    struct vm *vm = context;
    uint64_t key = (uint64_t)vm->state.key;
    if (vm->state.status != EXPLORE_FAILED)
        key = 1000 + vm->state.alive;
    snprintf(vm->text, sizeof vm->text, "%s %llu", key < 1000 ? "failure" : "deadlock", (unsigned long long)key);
    *out = (struct explore_outcome){key, vm->text};
}

static unsigned waiting(void *context, const struct explore_waiting **out)
{
    struct vm *vm = context;
    unsigned n = 0;
    for (uint32_t left = vm->state.alive; left; left &= left - 1) {
        unsigned t = (unsigned)__builtin_ctz(left);
        const struct vm_instruction *i = &vm->program->code[t][vm->state.pc[t]];
        if (alternatives(vm, t, i))
            continue;
        unsigned count = object_accesses(i, vm->waits[t]);
        for (unsigned a = 0; a < count && vm->program->no_hints; a++)
            vm->waits[t][a].lock = EXPLORE_NOT_A_LOCK;
        vm->waiting[n++] = (struct explore_waiting){t, vm->waits[t], count};
    }
    *out = vm->waiting;
    return n;
}

static size_t live(const struct vm *vm)
{
    return offsetof(struct vm_state, vars) + vm->vars_used * sizeof(int16_t);
}

static void *snapshot(void *context)
{
    struct vm *vm = context;
    if (vm->snapshot_count == VM_SNAPSHOTS)
        return NULL;
    struct vm_state *s = &vm->snapshots[vm->snapshot_count++];
    memcpy(s, &vm->state, live(vm));
    return s;
}

static void restore(void *context, void *s)
{
    struct vm *vm = context;
    memcpy(&vm->state, s, live(vm));
}

static void discard(void *context, void *s)
{
    struct vm *vm = context;
    IR_ASSERT(vm->snapshot_count > 0 && s == &vm->snapshots[vm->snapshot_count - 1]);
    vm->snapshot_count--;
}

void vm_init(struct vm *vm, const struct vm_program *program)
{
    memset(vm, 0, sizeof *vm);
    vm->program = program;
    vm->snapshots = malloc(VM_SNAPSHOTS * sizeof *vm->snapshots);
    vm->vars_used = VM_VARS;
}

void vm_free(struct vm *vm)
{
    IR_ASSERT(vm->snapshot_count == 0);
    free(vm->snapshots);
}

struct explore_machine vm_machine_without_snapshots(struct vm *vm)
{
    return (struct explore_machine){.context = vm, .reset = reset, .point = point, .step = step, .outcome = outcome, .waiting = waiting};
}

struct explore_machine vm_machine(struct vm *vm)
{
    struct explore_machine m = vm_machine_without_snapshots(vm);
    m.snapshot = snapshot;
    m.restore = restore;
    m.discard = discard;
    return m;
}
