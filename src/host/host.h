/* The only room that knows Linux: the arena's mapping, signals, switching between host stacks, files.
 * Rules: nothing here calls guest code; the signal handler only edits the interrupted context. */
#ifndef IRPLAB_HOST_HOST_H
#define IRPLAB_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/layout.h"

/* Guest registers in the order of the x64 CONTEXT record. */
struct host_context {
    union {
        uint64_t gpr[16];
        struct {
            uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
        };
    };
    uint64_t rip;
    uint64_t rflags;
    uint8_t xmm[16][16];
    uint32_t mxcsr;
    uint32_t reserved;
};

enum host_fault_kind {
    HOST_FAULT_ACCESS, /* page fault: address and access are valid */
    HOST_FAULT_PROTECTION, /* general protection: privileged instruction, non-canonical address, int n */
    HOST_FAULT_ILLEGAL,
    HOST_FAULT_BREAKPOINT, /* int3; rip is past it */
    HOST_FAULT_STEP,
    HOST_FAULT_DIVIDE,
    HOST_FAULT_FLOAT,
    HOST_FAULT_POINT, /* the filter wants ke_fault to do what rip points at: it may switch */
    HOST_FAULT_STACK, /* calls between guest and host code are nested too deeply: the host stack is used up */
    HOST_FAULT_TIMER, /* the watchdog found a guest that makes no calls */
};

struct host_fault {
    struct host_context context;
    enum host_fault_kind kind;
    bool in_host; /* host code touched guest memory: registers in context are the host's and meaningless */
    bool in_trampoline; /* HOST_FAULT_POINT: rip is the place in a trampoline that came through the door page */
    uint64_t address; /* faulting data address */
    unsigned access; /* 0 read, 1 write, 8 execute */
    int detail; /* si_code of the signal */
};

/* Maps the arena (all inaccessible) and the door page. Called once a process; ends it with a message on failure. */
void host_arena_map(void);
/* Makes [address, address+bytes) accessible; prot is PROT_*. Page-aligned. Access that this takes away from memory of the user and
 * kernel halves is gone at host_lose_now, which comes before guest code runs again. */
void host_protect(uint64_t address, size_t bytes, int prot);
extern bool host_losses_wait;
void host_lose_now(void);
/* Does host_lose_now take something away from these bytes? */
bool host_will_lose(uint64_t address, size_t bytes);
/* The same for memory whose access somebody gives back after a restore (mm/guard.c): host_write_losses does not count it. */
void host_protect_apart(uint64_t address, size_t bytes, int prot);
/* Pages that stay accessible as far as anybody asks, but whose next access faults (mm/guard.c). */
void host_shut(uint64_t page, bool shut);
/* Called by host_lose_now; NULL. */
extern void (*host_lose_hook)(void);
/* What host_protect or host_alias last said about the page of an address in the user or kernel half; PROT_NONE elsewhere. */
int host_page_protection(uint64_t address);
/* What the processor's page tables say of a page, but for cold ones (cold.h). */
int host_actual_protection(uint64_t page);
/* Do all of these pages have that protection? */
bool host_protection_is(uint64_t address, size_t bytes, int prot);
/* host_protect after a restore: in the user half access is not given yet, but when it is missed. */
void host_protection_restore(uint64_t address, size_t bytes, int prot);
/* Counts changes of what host_page_protection says. */
uint64_t host_protection_changes(void);
/* Has it changed for one of these bytes since there were so many? True if that is no longer known. */
bool host_protection_changed(uint64_t since, uint64_t address, size_t bytes);
/* Where all such changes since then lie: from 0 on if that is no longer known; to 0 if there were none. */
void host_protection_span(uint64_t since, uint64_t *from, uint64_t *to);
/* Counts calls that took write access away. */
uint64_t host_write_losses(void);
/* Zeros in pages of the user half, through their second mapping: where they are used, only those come into the processor's tables that somebody
 * touches, and a change of protection takes its time for each of these. */
void host_zero_user(uint64_t address, size_t bytes);
/* Processes' slices of the user half that nobody may touch while another process is current: the host's page tables only; what
 * host_page_protection says stays. */
void host_slices_hide_but(uint64_t shown_slice); /* 0: all */
/* The same, as soon as guest code runs (who goes on has none below it): at host_slices_hide_now. */
void host_slices_hide_but_later(uint64_t shown_slice);
void host_slices_hide_now(void);
/* Should the page be accessible, and is not? host_show gives it its access, and its neighbours theirs. */
bool host_is_hidden(uint64_t address);
void host_show(uint64_t address);
/* These pages will often change their access together (a thread's stack, at its begin and end). Only makes it faster. */
void host_map_apart(uint64_t address, size_t bytes);
/* Gives pages back to zero. */
void host_discard(uint64_t address, size_t bytes);
/* Maps bytes at address outside the arena (images without relocations, 0x7FFE0000). false if that place is taken. */
bool host_map_fixed(uint64_t address, size_t bytes);
/* The page at alias becomes the same memory as the arena's page at original. */
void host_alias(uint64_t alias, uint64_t original, size_t bytes, int prot);

/* Decides about a fault before it becomes a guest exception: true = context was edited, go on. Runs in the signal handler:
 * reads, writes and maps memory and edits the context, nothing else. With in_host set the context is left alone: true means that
 * the host's instruction can run now. */
typedef bool (*host_fault_filter)(struct host_fault *fault);
void host_signals_install(host_fault_filter filter);
/* Asked when code outside of the machine (no fiber runs) touches memory that is not accessible: true = now it is. NULL: nobody. */
extern bool (*host_outside_hook)(uint64_t address);
/* Watchdog: after this many microseconds without host_watchdog_pet the running guest gets HOST_FAULT_TIMER. 0 = off. */
void host_watchdog(unsigned microseconds);

void host_set_gs(uint64_t base);
bool host_has_fsgsbase(void);

/* Assembly, door.S. */
/* Copies from or to guest memory that may not be there: false if it faulted (a part may have been copied). For what NT does inside
 * its own __try: probes, reading what a user pointer points to, storing a status block. */
bool host_guarded_rep(void *to, const void *from, size_t bytes);
static inline bool host_guarded_copy(void *to, const void *from, size_t bytes)
{
    if (host_losses_wait && (host_will_lose((uint64_t)to, bytes) || host_will_lose((uint64_t)from, bytes)))
        host_lose_now();
    return host_guarded_rep(to, from, bytes);
}
/* Reads guest memory from outside, whosever it is, as it should be accessible: false if it should not be readable. */
bool host_peek(void *to, uint64_t from, size_t bytes);
void host_switch(uint64_t *save_sp, uint64_t load_sp);
/* The same to the stack at [stack, stack + bytes), or to the main stack (0); fiber.c. */
void host_fiber_switch(uint64_t *save_sp, uint64_t load_sp, uint64_t stack, size_t bytes);
/* A fiber runs for the first time. Called by host_fiber_start. */
void host_fiber_begun(void);
/* Frames of host code in [low, high) will not be returned to, or were replaced. */
void host_frames_given_up(uint64_t low, uint64_t high);
void host_fiber_start(void);
uint64_t host_guest_call(void *fn, uint64_t bottom, const uint64_t *args, uint64_t return_address);
_Noreturn void host_context_load(const struct host_context *context);
void host_door_entry(void);
/* A fault in [host_door_entry, host_door_entered) happened while the door made its frame: on the guest's stack, with the guest's
 * registers; from host_door_frame_made on the stack pointer has moved. */
extern const char host_door_frame_made[], host_door_entered[];
void host_door_return(void);
void host_fault_entry(void);
void host_point_entry(void);
/* What host_fault_entry kept of the guest's wide vector registers (its second argument, may be NULL): before host_context_load. */
void host_vectors_load(const void *area);
/* Set where the processor can tell whether these registers are in use. */
extern uint8_t host_has_vectors;

/* Lays out a new host stack so that the first host_switch to the returned stack pointer calls fn(arg). */
uint64_t host_stack_prepare(uint64_t top, void (*fn)(void *), void *arg);

#endif
