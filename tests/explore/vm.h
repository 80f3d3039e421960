/* A toy machine for the explorer: threads of a few instructions over shared variables, locks, events and semaphores.
 * Programs are data, so that models are short and random ones can be made by the thousand. */
#ifndef TESTS_EXPLORE_VM_H
#define TESTS_EXPLORE_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "explore/explore.h"

enum { VM_THREADS = 32, VM_REGISTERS = 4, VM_CODE = 64, VM_VARS = 160, VM_OBJECTS = 64, VM_SNAPSHOTS = 8192 };

enum vm_op {
    /* visible; x: index register or VM_NONE, k: variable or object */
    VM_READ,    /* r = [k + x] */
    VM_WRITE,   /* [k + x] = r (or m if r is VM_NONE) */
    VM_ADD,     /* r = [k + x], [k + x] += m; a write */
    VM_COUNT,   /* [k + x] += m; commutes with its kind */
    VM_CAS,     /* if [k + x] == m then [k + x] = r, r = 1 else r = 0; a read when it fails */
    VM_AWAIT,   /* until [k] is register r, or, if r is VM_NONE, until it is not m. x: a variable that its loop has looked at before, found to be m, and
                 * would look at again if nothing else could go on (VM_NONE: none) */
    VM_TAKE,    /* until [k] is not 1; [k] = 1 */
    VM_LOCK,    /* exclusive lock k */
    VM_UNLOCK,
    VM_TRYLOCK, /* r = got it */
    VM_SHARE,   /* lock k shared; VM_OWN: exclusive */
    VM_UNSHARE,
    VM_OWN,
    VM_DISOWN,
    VM_SET,     /* event k */
    VM_CLEAR,
    VM_WAIT,    /* for event k and consume it */
    VM_WAITN,   /* for event k without consuming it */
    VM_WAITT,   /* like VM_WAIT, or time out (alternative 1, only while not set); r = timed out */
    VM_WAITALL, /* for events k and m, consuming both */
    VM_WAITANY, /* for event k or m, consuming the first that is set; r = which */
    VM_UP,      /* semaphore k */
    VM_DOWN,
    VM_SPAWN,   /* thread k */
    VM_JOIN,    /* thread k */
    VM_CHOOSE,  /* r = alternative of m; alternative 1 and up are faults if k */
    VM_YIELD,   /* a point at which switching away is free */
    VM_FAIL,    /* the run fails with key k */
    VM_EXIT,    /* the run ends well, whoever else is there */
    /* not visible */
    VM_SETI,    /* r = m */
    VM_ADDI,    /* r += m */
    VM_ADDR,    /* r += register x */
    VM_MULI,
    VM_MODI,
    VM_JZ,      /* if r == 0 goto k */
    VM_JNZ,
    VM_JMP,
    VM_END,
};

enum { VM_NONE = -1 };

struct vm_instruction {
    int16_t op, r, x, k, m;
};

struct vm_program {
    unsigned threads;
    uint32_t dormant; /* threads that start when spawned */
    bool no_hints;    /* tell the explorer nothing that it could do without */
    struct vm_instruction code[VM_THREADS][VM_CODE];
    unsigned length[VM_THREADS];
    int16_t vars[VM_VARS];
    int16_t tokens[VM_OBJECTS]; /* initial counts of semaphores, events set */
};

struct vm_state {
    uint32_t alive, done; /* threads */
    uint32_t running;
    uint32_t yielded;
    int16_t status; /* enum explore_status, once ended by an instruction */
    int16_t key;
    uint8_t pc[VM_THREADS];
    int16_t registers[VM_THREADS][VM_REGISTERS];
    int16_t tokens[VM_OBJECTS]; /* locks: holder + 1, -readers; events, semaphores: count */
    int16_t vars[VM_VARS];
};

struct vm {
    const struct vm_program *program;
    struct vm_state state;
    unsigned vars_used; /* what is copied ends here */
    struct explore_agent enabled[VM_THREADS];
    struct explore_waiting waiting[VM_THREADS];
    struct explore_access accesses[4], waits[VM_THREADS][2];
    uint32_t edge;
    char text[64];
    struct vm_state *snapshots;
    unsigned snapshot_count;
};

void vm_init(struct vm *vm, const struct vm_program *program);
void vm_free(struct vm *vm);
struct explore_machine vm_machine(struct vm *vm);
struct explore_machine vm_machine_without_snapshots(struct vm *vm);

void vm_emit(struct vm_program *p, unsigned thread, int op, int r, int x, int k, int m);

#endif
