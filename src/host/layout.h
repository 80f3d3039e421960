/* Where everything lies, and the offsets that the assembly shares with C (asserted in sim/machine.h).
 * One arena at a fixed address: the addresses below also map under AddressSanitizer. */
#ifndef IRPLAB_HOST_LAYOUT_H
#define IRPLAB_HOST_LAYOUT_H

#define USER_BASE 0x200000000000
#define USER_SLICE 0x10000000 /* bytes of user half a process */
#define USER_SLICES 15
#define USER_VIEWS 0x2000000 /* last bytes of each slice: the same memory as elsewhere, a second time */
#define USER_END 0x2000F0000000
#define KERNEL_BASE 0x200100000000
#define KERNEL_END 0x200200000000
#define PRIVATE_BASE 0x200200000000
#define PRIVATE_END 0x200300000000
#define DOOR_PAGE 0x200300000000
#define ALIAS_BASE 0x200400000000 /* system addresses of user pages, same offset as in the user half */

#define VIEW_BASE 0x200600000000 /* the user and kernel halves a second time, always accessible: for copying whole pages */

/* Entries of the door page: each is a jump to host code. */
#define DOOR_ENTRY 0x00 /* an export was called; eax = index in the door table */
#define DOOR_RETURN 0x10 /* a callback returned */
#define DOOR_POINT 0x20 /* from the trampoline of a patched instruction: rax = address in it, the guest's rax in MACHINE_SCRATCH */
#define POINT_BYTES 23 /* what a trampoline needs to get there; the instruction follows */

/* struct machine */
#define MACHINE_FIBER 0x00
#define MACHINE_MAIN_SP 0x08
#define MACHINE_SCRATCH 0x10

/* struct fiber */
#define FIBER_HOST_SP 0x00
#define FIBER_GUEST_SP 0x08
#define FIBER_CALLBACK 0x10
#define FIBER_SWITCH_SP 0x18
#define FIBER_FAULT_CONTEXT 0x20 /* struct host_fault begins with the registers */
#define FAULT_KIND_POINT 7 /* HOST_FAULT_POINT */
#define FIBER_FAULT_KIND 0x1B8
#define FIBER_FAULT_IN_HOST 0x1BC
#define FIBER_FAULT_ADDRESS 0x1C0

/* The frame that the door builds on the guest's stack, from its lowest byte. Its unwind information is
 * generated with the synthetic images, so that the frame unwinds like one of a compiled function. */
#define DOOR_FRAME_OUT 0x00 /* home area and eight stack arguments for callbacks */
#define DOOR_FRAME_GPR 0x60 /* rbx rbp rsi rdi r12 r13 r14 r15 */
#define DOOR_FRAME_XMM 0xA0 /* xmm6 .. xmm15 */
#define DOOR_FRAME_INDEX 0x140
#define DOOR_FRAME_SIZE 0x148 /* the return address follows, then the caller's home area */
#define LABEL_FRAME_SIZE 0xE8 /* a named frame without saved registers, for `k`: arguments, then 0x80 bytes of locals */
#define SEH_FRAME_SIZE 0xB18 /* a named frame with an exception record and two contexts in its locals (trap/frames.h) */
#define CALLBACK_MAX_ARGS 12
#define SITE_CALL 2 /* bytes of `call rax` before the place that a callback returns to */

#endif
