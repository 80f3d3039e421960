/* What a driver touches right after a call that lets others go on: KeSetEvent, and then a field of the block that the waiter frees.
 *
 * Plain code between two scheduling points belongs to the step before it, so such an order could never be met. Making the return
 * from each such call a point would make every order of a correct driver many; so the code behind the call is looked at first: its
 * instructions are interpreted, with the registers that the call returns, up to the next call or atomic instruction, along both ways of
 * each branch. Only if one of them surely touches a block of pool is the return a scheduling point, whose step reads the life of that block
 * (SIM_LIFE_OF_BLOCK); giving the block back writes it. What cannot be computed (a register that was not kept, a value from memory that is
 * not there) counts as untouched. Nothing is executed, and the same machine state gives the same answer.
 *
 * The same look says, when the caller goes on, whether it is about to touch a block that was freed meanwhile: what it comes to before any
 * branch it surely touches. */
#ifndef IRPLAB_SIM_AFTER_H
#define IRPLAB_SIM_AFTER_H

#include <stdbool.h>
#include <stdint.h>

enum { AFTER_REGISTERS = 16, AFTER_MOST = 4 };

struct after_state {
    uint64_t rip;
    uint64_t reg[AFTER_REGISTERS]; /* rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15 */
    uint16_t known; /* a bit each */
};

struct after_touch {
    uint64_t block; /* its first address */
    uint64_t address, rip; /* what is touched first of it, and by which instruction */
    bool writes;
    bool certain; /* no branch lies before it */
    bool freed;
};

/* Blocks of pool that the code at start touches, once each, at most AFTER_MOST. block_of: the first address of the block that an address lies
 * in, and whether it was freed; 0: in none. */
unsigned after_touches(const struct after_state *start, uint64_t (*block_of)(uint64_t address, bool *freed), struct after_touch touches[AFTER_MOST]);

/* Code was loaded or has gone. */
void after_forget(void);

#endif
