/* What guard mode finds (mm/guard.h), and what only it looks for. Everything here is a finding of the rule "special pool" or of the rules
 * of 0xC9, and ends the run with the screen that Driver Verifier's special pool gives.
 *
 * At each call into the kernel, before anything else:
 *   the bytes between a block's end and its guard page                    0xC1 with 0x24, before the block is freed
 *   IRPs at their last stack location: what lies where the next would be  0x35
 *   events and status blocks of IRPs under way, and objects given to the
 *   call, in stack frames that have been popped                           0xC9 with 0xD or 0xC */
#ifndef IRPLAB_VERIFY_GUARD_H
#define IRPLAB_VERIFY_GUARD_H

#include "mm/guard.h"
#include "nt/io.h"

struct door_frame;

/* Once a run, before its first step. */
void verify_guard_begin(bool on);

/* Return addresses on an agent's kernel stack, innermost first: how many. Set by the session. */
extern size_t (*verify_stack_hook)(const struct agent *a, uint64_t *frames, size_t max);

/* An instruction touched memory in or beside a block. access: 0 read, 1 write, 8 execute. */
_Noreturn void verify_guard_touched(const struct guard_block *b, enum guard_wrong how, uint64_t address, unsigned access, uint64_t rip, bool ours);
/* Parameter 4 of 0xC1. */
enum guard_free { GUARD_FREE_NOT_ALLOCATED = 0x20, GUARD_FREE_BAD_ADDRESS = 0x21, GUARD_FREE_DAMAGE_BEFORE = 0x23, GUARD_FREE_DAMAGE_BEHIND = 0x24 };
/* b: NULL if no block begins there. */
_Noreturn void verify_guard_bad_free(const struct guard_block *b, uint64_t p1, uint64_t p2, uint64_t p3, enum guard_free reason);
/* Called at the door. */
void verify_guard_door(const struct door_frame *f, const char *call);
/* A driver gets an IRP at its current location; its completion goes up from there, or it is gone. */
void verify_guard_irp_sent(const IRP *irp);
void verify_guard_irp_left(const IRP *irp);
/* A completion routine is about to be called. */
void verify_guard_context(const IRP *irp, uint64_t routine, uint64_t context);

/* The finding as one line; false: none. *place gets what is the same for findings of one cause. */
bool verify_guard_text(char *out, size_t size, uint64_t *place);
/* The block that it is about, with who allocated and freed it; NULL: none. */
const struct guard_block *verify_guard_found_block(void);

#endif
