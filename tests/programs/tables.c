/* A table of jump targets that is followed by other data: what a reader of the image takes for its next entries leads into the middle of
 * instructions. Code reached by such a wrong reading must stay as it is. */
#include "check.h"

/* n 0, 1: through the table. The constants hold what would be "lock inc" if somebody began to read there. */
static __attribute__((noinline)) unsigned pick(unsigned long long n)
{
    volatile char room[64]; /* a function without a frame has no unwind data, and nobody knows where it ends */
    unsigned result = 0;
    room[n & 1] = 0;
    __asm__ volatile("cmpq $1, %%rdx\n\t"
                     "ja 4f\n\t"
                     "leaq 5f(%%rip), %%rcx\n\t"
                     "movslq (%%rcx,%%rdx,4), %%rdx\n\t"
                     "addq %%rcx, %%rdx\n\t"
                     "jmpq *%%rdx\n"
                     "1:\n\t"
                     "movl $0x00fff001, %%eax\n\t" /* b8 01 f0 ff 00 */
                     "jmp 6f\n"
                     "2:\n\t"
                     "movl $0x00fff002, %%eax\n\t"
                     "jmp 6f\n"
                     "4:\n\t"
                     "movl $0x00fff003, %%eax\n\t"
                     "addl $0x00fff004, %%eax\n\t"
                     "jmp 6f\n\t"
                     ".section .rdata,\"dr\"\n\t"
                     ".balign 4\n"
                     "5:\n\t"
                     ".long 1b - 5b, 2b - 5b\n\t"
                     ".long 4b + 2 - 5b, 1b + 2 - 5b, 2b + 2 - 5b, 4b + 7 - 5b\n\t" /* not its entries */
                     ".long 0\n\t"
                     ".text\n"
                     "6:\n\t"
                     : "=a"(result), "+d"(n)
                     :
                     : "rcx", "cc");
    return result;
}

int main(void)
{
    CHECK(pick(0) == 0x00fff001);
    CHECK(pick(1) == 0x00fff002);
    CHECK(pick(2) == 0x00fff003 + 0x00fff004);
    return check_failures;
}
