/* The door: the only way from an image into the kernel, and back.
 *
 * Exports are plain C functions listed in the rooms' exports.tsv. The door converts the calling convention, checks the IRQL
 * contract, makes a scheduling point where the table says so and records the call. Callbacks into images go through
 * guest_call, which builds guest frames that unwind like compiled ones. */
#ifndef IRPLAB_SIM_DOOR_H
#define IRPLAB_SIM_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "host/layout.h"
#include "rtl/guest_call.h"

enum { DOOR_VARARGS = 0xFF, DOOR_CODE = 0xFE, DOOR_RET_DOUBLE = 9 };
enum door_state { DOOR_DONE, DOOR_PARTIAL, DOOR_INTERNAL /* has a slot and an address, but is not exported */ };
enum { IRQL_EXACT_DISPATCH = 0x82, IRQL_UNCHECKED = 0xFF, IRQL_USER = 0xFE };

/* DOOR_BEHIND: the call lets others go on, so that what the caller touches behind it matters (sim/after.h). */
enum door_point {
    DOOR_PURE,
    DOOR_BEFORE = 1,
    DOOR_BEHIND = 2,
    /* Pure, and what of its caller's memory it touches: (to, from, bytes), (to, ..., bytes), (to, bytes), (one, other, bytes). */
    DOOR_COPIES = 4,
    DOOR_FILLS = 8,
    DOOR_CLEARS = 16,
    DOOR_COMPARES = 32,
};

struct agent;

struct door_entry {
    const char *module; /* lower case, with extension */
    const char *name; /* or "#N" */
    void (*fn)(void);
    uint8_t nargs; /* DOOR_VARARGS; DOOR_CODE: fn is machine code for the guest, see struct door_code */
    uint8_t ret; /* bytes of integer result, 0, or DOOR_RET_DOUBLE */
    uint8_t irql; /* highest allowed, or IRQL_* */
    uint8_t point; /* enum door_point, together */
    uint8_t state; /* enum door_state */
    bool (*gate)(const struct agent *a, const void *args); /* NULL, or what the call waits for before it begins; see sim_point_when */
};

struct door_data {
    const char *module;
    const char *name;
    uint32_t size;
    void (*fill)(void *at);
};

extern const struct door_entry door_table[];
extern const uint32_t door_count;
extern const struct door_data door_data[];
extern const uint32_t door_data_count;

/* A function that must not pass the door (it has a calling convention of its own): its code is copied into the export's slot. */
struct door_code {
    uint16_t size; /* of the code; a slot has 64 bytes */
    uint8_t pushes; /* bytes on the stack after the prolog */
    uint8_t prolog; /* bytes of code */
    uint8_t code[];
};

/* What lies on the guest stack during a call (host/layout.h). */
struct door_frame {
    uint64_t out[12]; /* at first xmm0 to xmm3 as the guest left them, at last xmm0 as it gets it; in between for callbacks */
    uint64_t rbx, rbp, rsi, rdi, r12, r13, r14, r15;
    uint8_t xmm[10][16];
    uint64_t index;
    uint64_t return_address;
    uint64_t args[]; /* rcx rdx r8 r9, then stack arguments */
};

/* The upper half of a result of sixteen bytes, set by the function right before it returns: what the guest finds in rdx. */
extern uint64_t door_result_high;

/* Kernel-internal frames for `k`. */
enum frame_name {
    FRAME_NONE,
#define FRAME(module, name) FRAME_##name,
#define FRAME_ID(id, module, name) FRAME_##id,
#include "sim/frames.def"
#undef FRAME
#undef FRAME_ID
    FRAME_COUNT,
};

/* Pushes a named frame on the running agent's guest stack, so that `k` shows it below what is called next. */
struct guest_mark {
    uint64_t sp, site;
};
struct guest_mark guest_frame_push(uint32_t frame);
void guest_frame_pop(struct guest_mark mark);
/* 0x80 bytes of zeroed locals in the frame that guest_frame_push made last (NT keeps events and status blocks on its stack). */
void *guest_frame_locals(void);

/* Eight bytes of local in the current frame, whatever it is; good until the next guest call with more than eight arguments. */
void *guest_small_local(void);

/* The frame of the innermost export call of an agent, and its table entry. */
struct agent;
const struct door_entry *door_current_call(const struct agent *a);

/* Index in the table of the export that an address lies in; UINT32_MAX if it is none. */
uint32_t door_index_at(uint64_t address);
/* Where a named function begins: what a view shows for a pointer to it. */
uint64_t door_frame_start(enum frame_name frame);
/* Address of an export or of a named frame's return site in the synthetic images; 0 if there is none. */
uint64_t door_export_address(const char *module, const char *name);
uint64_t door_frame_site(enum frame_name frame);
/* The named frame that an address lies in; FRAME_NONE if it is none. */
enum frame_name door_frame_at(uint64_t address);
/* Bytes of the named frame below its return address. */
uint32_t door_frame_size(enum frame_name frame);
/* A frame that a trap makes: unwinds like the door's frame with a machine frame in place of the return address. */
bool door_frame_is_trap(enum frame_name frame);
/* Return site of the export with this index. */
uint64_t door_site(uint32_t index);
/* Its address. */
uint64_t door_slot(uint32_t index);

/* Builds the synthetic images (ntoskrnl.exe, hal.dll, …) for the modules that the table names. */
void door_images_build(void);

/* A breach of contract found by the door: the driver's fault. Set by verify; NULL = ignored. */
extern void (*door_breach_hook)(const struct door_entry *e, uint8_t irql);
/* Called for each export call and return while not NULL. */
extern void (*door_trace_hook)(const struct door_entry *e, const struct door_frame *f, bool leaving, uint64_t result);
/* Called before an export touches that many bytes of its caller's memory at `to`, which it may write, and at `from` (0: only there). */
extern void (*door_memory_hook)(uint64_t caller, uint64_t to, bool writes, uint64_t from, uint64_t bytes);
/* Called at each call of an agent that is watched. */
extern void (*door_watch_hook)(const struct door_frame *f, const char *name);
/* Asked before guest code is called while images have been unloaded (MACHINE->images_gone): stops the run if the address lies in one. */
extern void (*door_gone_hook)(uint64_t address);
/* Called before returning to the guest when set in the agent (pending APCs). */
extern void (*door_leave_hook)(void);
/* Called when the caller of an export is about to touch a block of pool that has been freed (sim/after.h). Set by verify. */
extern void (*door_freed_hook)(uint64_t address, bool writes, uint64_t rip);

#endif
