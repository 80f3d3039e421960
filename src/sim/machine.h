/* The machine: everything that a run can change hangs from here, in the private part of the arena, so that one copy of
 * the arena's live parts is a snapshot.
 *
 * Agents are what the scheduler gives steps to: NT threads, DPC activities and the clock. Each but the clock has a fiber:
 * a host stack for our code and one or two guest stacks. An agent's code runs until it reaches a scheduling point
 * (sim_point), waits (sim_block) or ends; then control is back in sim_run, on the main stack.
 *
 * Processors. An agent is pinned to its processor while it stands at DISPATCH_LEVEL or above, and so is a thread whose DPCs are due or
 * run. What nobody is pinned to is taken by whoever goes on next. As long as nothing in the images can tell processors apart
 * (processors_matter), there are always enough of them: two agents that are pinned only exclude each other by locks, and drivers are
 * told how many `--cpus` says. Otherwise, and with one processor, each agent has a home that it runs on, and waits while somebody
 * else is pinned there.
 *
 * DPC activities. The DPCs that a thread queues run before the thread goes on, on its processor: they belong to an activity of
 * its own. Those of timers belong to the clock's activity, which takes any free processor. Those for a given processor belong to
 * that processor's and wait until nobody is pinned there. A device's interrupt is such an activity too: it takes any free processor, or
 * interrupts who is pinned to its own below the device's IRQL; the DPCs that it queues belong to an activity of its own. */
#ifndef IRPLAB_SIM_MACHINE_H
#define IRPLAB_SIM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "host/host.h"
#include "host/layout.h"
#include "nt/ke.h" /* IRQL names */

enum {
    MAX_PROCESSORS = 64, /* of a group; DOC: there is more than one beyond that */
    MAX_AGENTS = 256,
    HOST_STACK_SIZE = 0x10000,
    KERNEL_STACK_SIZE = 0x6000,
};

struct fiber {
    uint64_t host_sp; /* where the next door entry starts on the host stack */
    uint64_t guest_sp; /* lowest byte in use on the guest stack, at the last door entry */
    uint64_t callback; /* host stack record of the innermost host_guest_call */
    uint64_t switch_sp; /* saved host stack pointer while not running */
    struct host_fault fault;
    uint64_t host_stack; /* lowest address */
    uint64_t gs_base; /* while this fiber runs: KPCR or TEB */
    uint64_t kernel_stack, kernel_stack_top; /* guest stack in the kernel half */
    uint64_t frame_site; /* return address that a callback from here gets: inside the function whose frame is at guest_sp */
    uint64_t user_sp; /* guest_sp of the user stack while in the kernel */
};

enum agent_kind { AGENT_THREAD, AGENT_DPC, AGENT_CLOCK /* the next timer expires; has no fiber and needs no processor */ };

enum agent_state {
    AGENT_FREE,
    AGENT_READY, /* may be put on a processor */
    AGENT_RUNNING, /* on a processor */
    AGENT_WAITING, /* for sim_ready */
    AGENT_IDLE, /* DPC activity without work */
    AGENT_DEAD,
};

struct processor;
struct agent;
typedef bool sim_gate(const struct agent *a, const void *arg);

struct agent {
    struct fiber fiber; /* first: MACHINE->fiber is the running agent */
    uint16_t id; /* index in MACHINE->agents */
    uint8_t kind;
    uint8_t state;
    uint8_t irql; /* saved while not on a processor */
    bool fresh; /* never ran */
    bool ran; /* since the last snapshot or restore: its stacks changed */
    bool yielded; /* by itself: switching away is free */
    uint8_t quiet; /* its points are none and what it touches is not told: the beginning and end of threads (sim_quiet) */
    /* Loops that wait for memory to change, see sim_turn. */
    bool turning; /* its last step ended in sim_turn */
    bool spinning; /* stands in such a loop: not enabled before somebody has done something (machine.progress), as long as others are */
    uint8_t turn_count;
    uint64_t turn_sites[4]; /* where its last steps ended, as far as all of them ended in sim_turn */
    uint64_t turn_states[4]; /* registers and stack there */
    uint8_t turn_rounds[4]; /* how often it has come there in another state */
    uint64_t vain_progress; /* machine.progress when it last had a turn because nobody else could go on, and how many since */
    uint32_t vain_turns;
    uint64_t spin_progress, spin_since; /* while spinning: machine.progress when it looked last; virtual time when it began */
    /* Loops that ask the kernel again and again, see sim_point. */
    uint64_t poll_sites[4]; /* where its last steps ended, as far as all of them ended at calls and wrote nothing */
    uint8_t poll_count;
    uint8_t polls; /* how often it has come to one of them again */
    bool wrote; /* something, since its last point */
    bool awaits; /* stands at such a call: not enabled before one of the objects below has changed, as long as others are */
    bool awaited; /* one has */
    uint8_t looked_count; /* MOST_LOOKED + 1: too many */
    uint64_t looked[16]; /* what it has read since it came to the newest of those places */
    /* Loops that wait for memory with atomic instructions, while orders are explored: sim/await.h. */
    uint64_t seen[16]; /* where its last steps ended and in what state, as far as all of them ended at atomic instructions and changed nothing */
    struct await_look {
        uint64_t rip, object, found[2];
        uint8_t bytes;
    } looks[16]; /* the same places: what is looked at there, and, of those behind it, what was found */
    uint8_t seen_count;
    uint8_t round; /* closed: so many looks were the round */
    bool at_await; /* stands before a look that is not enabled while it would be in vain */
    bool closed; /* its last step ended where one of those had ended */
    bool await_yields; /* the loop has a pause: switching away while it waits is free */
    bool paused; /* since this was cleared */
    bool pause_passed; /* since it came to an atomic instruction: that was its point for this round */
    /* Loops whose rounds change back what they change: sim/round.h. */
    bool at_round; /* stands where such a loop calls or has an atomic instruction */
    bool rounds; /* spinning: in such a loop */
    bool round_closed; /* has come round, and nobody else has done anything meanwhile */
    bool round_calls; /* its step, which is tried, began in a call */
    bool round_member; /* while a livelock is looked for: one of those who go round */
    uint8_t round_count;
    uint32_t round_op; /* the export that it is in, from 1; 0: none */
    uint64_t round_rip, round_key; /* the place, and with it the state of registers and stack */
    uint64_t round_seen[16], round_progress; /* where it has been since others have done something, and how much they had by then */
    uint64_t own_progress; /* machine.progress that was its own */
    uint64_t marks[8]; /* where it was, in what state: if it comes there again it may go round */
    uint32_t mark_passed;
    uint8_t await_bytes;
    uint64_t await_rip, await_object; /* where it stands, what it looks at */
    uint64_t atomic_at, atomic_was[2]; /* what the atomic instruction that it executes next may change */
    uint32_t atomic_bytes;
    /* Standing before an atomic instruction: what it is sure to touch, if nothing behind it that belongs to its step touches more. */
    uint64_t atomic_rip, promised_at;
    uint8_t promised_bytes, promise; /* enum atomic_promise */
    bool no_point; /* the next point is none: what it begins belongs to the operation before */
    uint16_t place; /* of its stacks; does not depend on what other agents did, but for the order in which threads are made */
    uint64_t affinity; /* processors that it may have, a bit each; 0 = any */
    struct processor *processor; /* while RUNNING; the last one otherwise */
    struct agent *dpc; /* THREAD, CLOCK, interrupts: activity for the DPCs it queues; NULL = none yet */
    struct agent *owner; /* DPC: the other way; NULL = of the processor `bound`, or an interrupt's */
    struct processor *bound;
    uint16_t watched; /* IRPs whose event or status block lies on its stack: the door looks after them (verify/stack.h) */
    bool due; /* DPC: has work and has not begun */
    uint8_t device_irql; /* DPC: it is an interrupt's, which comes in wherever the IRQL is lower; 0 = of DPCs */
    uint8_t irql_before; /* DPC, while it runs: of whom it interrupted */
    struct agent *interrupted; /* DPC, while it runs: whom; NULL = nobody was there */
    sim_gate *gate; /* not enabled while this is false */
    const void *gate_arg;
    bool told; /* to end, while it ran user code: what it waits for there does not matter any more */
    bool at_point; /* it stands in sim_point, not in a wait */
    bool behind; /* in sim_point_after: its call is done */
    uint64_t gave_up; /* object of the gate that it has passed with gates_open, to wait for ever */
    const volatile uint64_t *spin_on; /* not enabled while this is non-zero (bit 0): a held spin lock */
    const char *why; /* what it waits for, in words, for findings */
    uint64_t why_object;
    uint64_t why_since; /* virtual time */
    uint64_t stable_id; /* hash of creator's stable id and its count: the same in every schedule */
    uint32_t children;
    uint64_t next_object; /* what its next operation touches, as given to sim_point */
    uint32_t steps;
    void *thread; /* struct thread of ps, for AGENT_THREAD */
    void *thread_object; /* its ETHREAD, also when it has ended */
    uint64_t pool_next; /* this agent's pool window: see mm */
};

struct processor {
    uint64_t kpcr; /* guest address */
    uint8_t number;
    uint8_t irql;
    bool interrupts_off; /* cli: nothing preempts what runs here */
    struct agent *thread; /* current, or NULL = idle */
    struct agent *dpc; /* activity for DPCs that are meant for this processor */
    struct agent *active; /* who executes: the thread, or a DPC activity that has interrupted it */
};

/* A part of the arena whose live bytes belong to a snapshot. */
enum segment_kind { SEGMENT_PLAIN, SEGMENT_STACK /* guest stack */, SEGMENT_HOST_STACK };
struct segment {
    uint64_t base;
    uint64_t size; /* committed bytes */
    uint64_t used; /* live bytes from base (PLAIN) */
    uint8_t kind;
    bool hashed;
    bool wiped; /* bytes behind `used` are zero in every run: a restore clears what a later run used */
    uint16_t agent; /* whose stack */
    uint64_t low; /* guest stacks: lowest byte in use when last looked at */
};

enum atomic_promise { PROMISES_NOTHING, PROMISES_READ, PROMISES_WRITE, PROMISES_OBJECTS /* a compare-exchange: one or the other */ };

enum choice_kind { CHOICE_SCHEDULE, CHOICE_DATA };

/* What sim_run asks to be decided. */
struct sim_choice {
    uint8_t kind;
    uint8_t n;
    uint8_t preempts; /* number of the leading alternative that costs nothing (0), others cost 1 if set */
    uint32_t tag; /* CHOICE_DATA: what is chosen */
    uint16_t agents[MAX_AGENTS];
};

/* Of a livelock: who comes by where. */
enum { ROUND_STEPS = 24 };
struct round_step {
    uint16_t agent;
    uint32_t op; /* the export that is called, from 1; 0: an atomic instruction */
    uint64_t rip; /* it, or where the call returns to */
};

enum run_end {
    RUN_GOING,
    RUN_DONE, /* the session ended by itself */
    RUN_DEADLOCK,
    RUN_BUGCHECK,
    RUN_CRASH, /* unhandled exception of the program */
    RUN_HANG, /* limit of steps or virtual time */
    RUN_UNSUPPORTED, /* something was called that is not there */
    RUN_FINDING, /* an access of an instrumented image was found wrong (race) */
    RUN_LIVELOCK, /* all who can go on look again and again at memory that nobody is left to change (sim/await.h) */
    RUN_STALE, /* a loop that waits had looked too early (sim/await.h): the run counts for nothing, the search goes on */
    RUN_SPIN, /* a loop was found that must be a point (sim/spins.h): the run counts for nothing and begins again */
};

struct machine {
    struct agent *fiber; /* running agent (offset 0, used by door.S) */
    uint64_t main_sp; /* offset 8 */
    uint64_t scratch; /* rax on the way from a trampoline to its emulation */
    struct agent *agents[MAX_AGENTS];
    uint32_t agent_count;
    uint16_t places; /* for stacks, that have been given out */
    uint64_t gone[MAX_AGENTS]; /* stable ids of ended agents whose slots others have taken */
    uint32_t gone_count;
    struct processor processors[MAX_PROCESSORS];
    uint32_t processor_count; /* as drivers are told; those behind are the same ones again */
    bool processors_matter;
    bool waiters_counted; /* an image can ask how many wait for a resource: they do not wait before its gates */
    bool locks_probed; /* an image can look at a spin lock without waiting for it: who holds one shows it at points */
    uint64_t clock_100ns; /* interrupt time since boot */
    struct agent *clock;
    bool guests_time; /* a driver or program has set a timer, or waits with a time-out */
    bool time_any; /* the clock may step whenever a timer waits; otherwise only when nobody else can */
    struct agent *last; /* who took the last step */
    struct sim_choice choice;
    uint32_t decided;
    bool stands; /* nobody has run since `choice` was made, which says what it would say now */
    bool choice_wanted; /* the running agent waits for a data choice */
    bool every_point; /* return to the strategy at every point, not only where there is a choice */
    uint32_t runnable; /* agents READY or RUNNING, and DPC activities with work */
    uint64_t points; /* scheduling points passed */
    uint64_t signals_lost[16]; /* newest first: objects that were signalled while nobody waited, and do not keep it */
    uint32_t idle_steps; /* of the clock, since threads came or went */
    bool idles; /* RUN_HANG: there were too many of those */
    uint64_t switches;
    bool gates_open; /* nobody can go on: those at gates may, to wait for ever */
    bool probing; /* a step is tried, and will be taken back */
    uint64_t stuck_at; /* progress + 1 when last was looked whether those who wait so do it for ever */
    uint32_t closed_by; /* number + 1 of an agent that has gone round in a loop not known yet */
    uint32_t suspect; /* number + 1 of an agent that has come by in the same state again */
    bool time_asked; /* in a step that is tried */
    bool round_works; /* in steps that are tried: something was changed, if only for a while, or others were given way without a look at memory between */
    uint64_t round_looked_at; /* progress + 1 when last was looked whether all go round */
    struct round_step round_steps[ROUND_STEPS]; /* RUN_LIVELOCK: what goes on for ever (none: looks at memory) */
    uint32_t round_step_count;
    uint64_t progress; /* steps that may have changed something for a loop that waits */
    uint32_t turns; /* that changed nothing, in a row, by whomever */
    bool watch_all; /* the door looks after everybody (verify/guard.h) */
    bool may_spin; /* an image has such loops: steps tell that they may have changed what they look at */
    uint32_t awaiting; /* agents with `awaits` */
    bool last_resort; /* the choice is a turn of a loop that waits in vain, because nobody else can go on */
    bool alone; /* nobody but the running agent can go on, and it waits for memory */
    uint32_t passed; /* atomic instructions in a row that were no choice */
    uint64_t point_limit; /* 0 = none */
    enum run_end end;
    struct segment *segments; /* in the private heap */
    uint32_t segment_count, segment_room;
    struct sim_named *named; /* sim_name */
    uint64_t heap_top; /* private heap: sim_alloc */
    uint64_t heap_free[32];
    struct {
        uint64_t base, size;
    } foreign[8]; /* images mapped outside the arena */
    uint32_t foreign_count;
    uint32_t images_gone; /* drivers that have been unloaded */
    uint64_t run_hash[2];
    /* Rooms hang their state here. */
    void *rooms[24];
};

enum room { ROOM_KE, ROOM_EX, ROOM_MM, ROOM_OB, ROOM_PS, ROOM_SE, ROOM_CM, ROOM_IO, ROOM_PO, ROOM_PNP, ROOM_WIN32, ROOM_TRACE, ROOM_SESSION, ROOM_IMAGE,
            ROOM_FSRTL, ROOM_FS, ROOM_VERIFY, ROOM_TRAP, ROOM_RULES, ROOM_GUARD, ROOM_USER1, ROOM_USER2, ROOM_RACE,
            ROOM_TM };

#define MACHINE ((struct machine *)PRIVATE_BASE)

_Static_assert(offsetof(struct machine, fiber) == MACHINE_FIBER, "door.S");
_Static_assert(offsetof(struct machine, main_sp) == MACHINE_MAIN_SP, "door.S");
_Static_assert(offsetof(struct machine, scratch) == MACHINE_SCRATCH, "door.S");
_Static_assert(HOST_FAULT_POINT == FAULT_KIND_POINT, "door.S");
_Static_assert(offsetof(struct fiber, fault.context) == FIBER_FAULT_CONTEXT, "door.S");
_Static_assert(offsetof(struct fiber, fault.kind) == FIBER_FAULT_KIND && sizeof(enum host_fault_kind) == 4, "door.S");
_Static_assert(offsetof(struct fiber, fault.in_host) == FIBER_FAULT_IN_HOST, "door.S");
_Static_assert(offsetof(struct fiber, fault.in_trampoline) == FIBER_FAULT_IN_HOST + 1, "door.S");
_Static_assert(offsetof(struct fiber, fault.address) == FIBER_FAULT_ADDRESS, "door.S");
_Static_assert(offsetof(struct fiber, host_sp) == FIBER_HOST_SP, "door.S");
_Static_assert(offsetof(struct fiber, guest_sp) == FIBER_GUEST_SP, "door.S");
_Static_assert(offsetof(struct fiber, callback) == FIBER_CALLBACK, "door.S");
_Static_assert(offsetof(struct fiber, switch_sp) == FIBER_SWITCH_SP, "door.S");

static inline struct agent *sim_current(void)
{
    return MACHINE->fiber;
}

static inline struct processor *sim_processor(void)
{
    return MACHINE->fiber->processor;
}

/* The processors that drivers are told of, a bit each. */
static inline uint64_t sim_processors(void)
{
    return ~0ull >> (64 - MACHINE->processor_count);
}

static inline uint8_t sim_irql(void)
{
    return MACHINE->fiber->processor->irql;
}

/* An object was signalled for nobody: a pulse, a condition variable without waiters, an event that was reset again. For reports. */
void sim_signal_lost(uint64_t object);
bool sim_signal_was_lost(uint64_t object);

/* Sets the machine up in a freshly mapped arena. processors: 1..MAX_PROCESSORS. */
void sim_init(unsigned processors);

/* Private memory of the run, zeroed, 16-aligned; snapshotted, not hashed. Never fails (panics). */
void *sim_alloc(size_t bytes);
void sim_free(void *p, size_t bytes);
/* Where private memory lies depends on who came first. What is touched there (sim_access) is known by this name and the place within instead, which
 * may not: something of SIM_ACCESS_OF. A second time it has another. Freed with the same size it has none. */
void sim_name(const void *p, size_t bytes, uint64_t name);

/* A new agent whose fiber will call fn(arg) on its host stack. Its guest kernel stack is allocated, filled with a pattern.
 * Not ready until sim_ready. */
struct agent *sim_agent_create(enum agent_kind kind, void (*fn)(void *), void *arg);
/* The clock's agent. Once a run. */
void sim_clock_create(void);
/* The running agent ends; does not return. */
_Noreturn void sim_agent_exit(void);

/* A scheduling point: others may go first. Called by the door and at named places inside kernel functions, never with
 * half-made changes. object: guest address or other stable key of what the next operation touches; 0 = unknown.
 * An agent that has come to the same call often enough, without having written anything, polls: what it reads has not changed, and it
 * would find the same again. It stands back until one of the objects that it has read is written. */
void sim_point(uint64_t object);
/* A point behind a call that let others go on, before plain code that touches these blocks of pool (sim/after.h).
 * True: others may have run. */
bool sim_point_after(const uint64_t *blocks, unsigned n);
/* A point whose operation cannot go on before gate(agent, arg) holds: the agent is not enabled. gate looks at nothing but what the operation
 * tells that it touches. With nobody else left to go on, no timer either, it goes on all the same, to wait as NT would (m->gates_open). */
void sim_point_when(uint64_t object, sim_gate *gate, const void *arg);
/* For gates, which must not fault: false if the memory is not there. */
#define sim_peek(to, from) host_peek((to), (uint64_t)(from), sizeof *(to))
/* Between these the running agent's points are none, and what it touches is not told: what a thread does before its routine begins and
 * after it has ended belongs to one step each, on which nothing depends but what is waited for. */
static inline void sim_quiet_begin(void)
{
    MACHINE->fiber->quiet++;
}
static inline void sim_quiet_end(void)
{
    MACHINE->fiber->quiet--;
}
/* Like sim_point, and switching away costs no preemption (yield, delay, pause). */
void sim_yield(void);
/* The same for a call that gives others way (SwitchToThread, a delay of nothing): in a loop that waits it belongs to the look. */
void sim_give_way(void);
/* A step of the running agent ends inside an image: at the jump back of a loop that waits for memory, at a pause (`waits`), or before
 * an atomic instruction on the `bytes` bytes at `object`. site: where. A turn that ends where an earlier one did, with
 * nothing but such stops between and no atomic instruction that changed anything, is in vain: its agent stands back until somebody
 * else has made a step that is not. When all who could go on stand back they take one turn after the other, in a fixed order, and time
 * passes. False: that has lasted so long that nothing will change, a hang. */
bool sim_turn(uint64_t site, uint64_t state, uint64_t object, unsigned bytes, bool waits);
/* The running agent waits until sim_ready; why and object describe the wait for people. Its processor becomes idle. */
void sim_block(const char *why, uint64_t object);
void sim_ready(struct agent *agent);
/* Gives the processor up for another one that the affinity allows. */
void sim_migrate(void);
/* A held spin lock: waits, keeping the processor, until *word has bit 0 clear. */
void sim_spin(const volatile uint64_t *word, const char *why);
/* A choice among n alternatives that is not about scheduling; tag names it. 0 is what happens without exploration. */
unsigned sim_choose(unsigned n, uint32_t tag);

/* IRQL of the current processor. Lowering below DISPATCH_LEVEL runs pending DPCs first. */
void sim_irql_set(uint8_t irql);
/* A DPC activity of this thread or the clock; bound: of a processor (then owner is NULL). */
struct agent *sim_dpc_create(struct agent *owner, struct processor *bound, void (*fn)(void *));
/* The activity of a device's interrupt. */
struct agent *sim_interrupt_create(uint8_t irql, void (*fn)(void *));
/* There is work for a DPC activity. If it is the running thread's own it runs now, or as soon as the IRQL allows. */
void sim_dpc_request(struct agent *activity);
/* Its work has been taken back before the activity began. */
void sim_dpc_cancel(struct agent *activity);
/* DPCs of the running thread wait for its IRQL to fall. */
bool sim_dpc_waits(void);
/* Called by the DPC activity when its queue is empty: hands the processor back. */
void sim_dpc_idle(void);

/* Runs agents until a decision is needed (true; see MACHINE->choice, answer with sim_decide) or the run ended (false). */
bool sim_run(void);
void sim_decide(unsigned alternative);
/* Runs everybody, by default choices, until nobody can go on (before a session starts). */
void sim_settle(void);
/* Ends the run from the running agent; does not return. */
_Noreturn void sim_end(enum run_end how);
/* A step of the clock: advances time to the next due timer. Set by ke. Returns true if that changed anything for anybody. */
extern bool (*sim_idle_hook)(void);
/* Whether there is a timer. */
extern bool (*sim_timer_hook)(void);
/* The next one may also come while others can go on, if the time model is any. */
extern bool (*sim_timer_early_hook)(void);
/* Called in the agent's context before it goes on after having been switched out (kernel APC delivery). */
extern void (*sim_resume_hook)(struct agent *agent);
/* Around what that runs: the agent's points in between are those of what it does there, not the one that it stands at. Nothing is lost where
 * it does not come back. */
struct sim_stand {
    sim_gate *gate;
    const void *gate_arg;
    uint64_t next_object;
    bool at_point, behind, awaits, spinning, at_await;
    uint8_t promise;
};
void sim_stand_leave(struct sim_stand *s);
void sim_stand_back(const struct sim_stand *s);
extern void (*sim_place_hook)(struct agent *agent, struct processor *p);

/* Segments for snapshots. */
struct segment *sim_segment_add(uint64_t base, uint64_t size, enum segment_kind kind, bool hashed);
void sim_segment_remove(uint64_t base);
/* Of a guest stack: where it stops being zero, looked at from below, rounded down to 16 bytes; and all zeros again. Both know which pages nobody has
 * written. */
uint64_t sim_stack_low(uint64_t base, uint64_t bytes);
void sim_stack_clear(uint64_t base, uint64_t bytes);

/* Called after a snapshot was restored (mm: system addresses of MDLs). */
extern void (*sim_restored_hook)(void);

/* Calls add for memory that is no segment and belongs to a snapshot (mm: guarded pool). What was added is accessible, also when
 * sim_restored_hook has returned. */
extern void (*sim_pages_hook)(void (*add)(void *ctx, uint64_t base, uint64_t bytes), void *ctx);

struct snapshot;
/* From now on snapshots leave out what has not been written since. */
void sim_snapshot_watch(void);
struct snapshot *sim_snapshot_take(void);
void sim_snapshot_restore(struct snapshot *s);
void sim_snapshot_free(struct snapshot *s);
size_t sim_snapshot_bytes(const struct snapshot *s);
/* Of making one like it, in steps of ordinary length. */
unsigned sim_snapshot_cost(const struct snapshot *s);

/* Classification for the signal handler. */
bool machine_is_guest_code(uint64_t rip);
bool machine_foreign_image(uint64_t rip);
bool machine_host_fault_is_guests(enum host_fault_kind kind, uint64_t address);

#endif
