/* What must not run natively in an image, found when it is first mapped and patched each time it is.
 *
 * A place is reached in one of three ways:
 *   by itself     it traps in user mode (cr8, cli, in, out, rdmsr …)
 *   int3          it would run (rdtsc, cpuid, an atomic instruction that is a scheduling point, syscall …): one byte, which is right
 *                 whatever the instruction's length
 *   jump          it and its neighbours (the window) have 5 bytes, and disassembly proves that nothing jumps between them: a jump to
 *                 the trampoline, a signal cheaper
 * A trampoline lies behind the image. It holds copies of the window's instructions, among them an atomic one, and jumps back.
 *
 * Only code that is reached by disassembling from known starts is patched: a byte of data is never changed. */
#ifndef IRPLAB_SIM_PATCH_H
#define IRPLAB_SIM_PATCH_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum patch_kind {
    PATCH_NONE,
    PATCH_ATOMIC, /* lock prefix, or xchg with memory; `detail`: enum patch_atomic, `reg`: what compare-exchange stores */
    PATCH_PAUSE,
    PATCH_SPIN, /* the jump back of a loop that waits for memory: `detail` is the condition or enum patch_spin, `disp` leads to the target */
    PATCH_RDTSC,
    PATCH_RDTSCP,
    PATCH_CPUID,
    PATCH_RANDOM, /* rdrand, rdseed */
    PATCH_RDPID,
    PATCH_XGETBV,
    PATCH_RDPMC,
    PATCH_STORE_SYSTEM, /* sgdt, sidt, sldt, str, smsw: `detail` says which */
    PATCH_SEGMENT_LIMIT, /* lsl */
    PATCH_SEGMENT_LOAD, /* mov, pop, lfs, lgs to fs or gs; wrfsbase, wrgsbase */
    PATCH_RDFSBASE,
    PATCH_SYSCALL, /* syscall, sysenter, int 80h */
    PATCH_CALL, /* calls, and jumps through memory, when they are watched: `detail` says how they go, `disp` where a direct one leads */
    PATCH_ACCESS, /* a plain access to memory that is watched: `detail`: PATCH_READS and the like; executed in the trampoline */
    PATCH_PUSHF, /* in functions that switch interrupts off */
    PATCH_POPF,
    PATCH_TRAPS, /* the rest traps by itself */
    PATCH_CR8_READ = PATCH_TRAPS,
    PATCH_CR8_WRITE,
    PATCH_CR_READ, /* `detail`: number, with PATCH_DEBUG_REGISTER for dr */
    PATCH_CR_WRITE, /* and debug registers: no effect */
    PATCH_CLI,
    PATCH_STI,
    PATCH_IN,
    PATCH_OUT,
    PATCH_STRING_IO, /* ins, outs */
    PATCH_RDMSR,
    PATCH_WRMSR,
    PATCH_HLT,
    PATCH_IGNORE, /* wbinvd, invlpg, swapgs, lgdt …: no effect here */
};

enum patch_call { PATCH_CALL_DIRECT, PATCH_CALL_REGISTER, PATCH_CALL_MEMORY, PATCH_JUMP_MEMORY };

enum patch_atomic { PATCH_UPDATE, PATCH_COMPARE, PATCH_COMPARE_PAIR /* cmpxchg8b, cmpxchg16b */ };
enum patch_store { PATCH_SGDT, PATCH_SIDT, PATCH_SLDT, PATCH_STR, PATCH_SMSW };

/* `detail` of PATCH_SPIN behind the 16 conditions. */
enum patch_spin {
    PATCH_SPIN_ALWAYS = 16,
    PATCH_SPIN_LOOP, /* these count rcx */
    PATCH_SPIN_LOOPE,
    PATCH_SPIN_LOOPNE,
    PATCH_SPIN_JRCXZ,
    PATCH_SPIN_REGISTER, /* an indirect jump */
    PATCH_SPIN_MEMORY,
};

enum { PATCH_NO_REGISTER = 0xFF, PATCH_DEBUG_REGISTER = 0x10 };

struct patch_site {
    uint32_t rva;
    uint8_t kind, detail;
    uint8_t length;
    uint8_t patched; /* bytes that differ from the file: 0, 1 or 5, from `window` on */
    uint8_t original[5]; /* what they are there */
    uint8_t reg; /* general register that is read or written, in encoding order */
    uint8_t size; /* bytes of the operand */
    uint8_t base, index, scale; /* memory operand */
    bool rip_relative;
    uint8_t disp_at; /* offset of the displacement in the instruction */
    int32_t disp;
    uint32_t window; /* rva of the first moved instruction */
    uint32_t trampoline; /* offset behind the image of its copy, or of what comes after it if it is emulated; 0: none */
    uint32_t region; /* offset behind the image where its trampoline begins, or would: ascends with rva */
    uint32_t first_copy, copies; /* in patch_plan */
};

/* An instruction in a trampoline. */
struct patch_copy {
    uint32_t rva, offset; /* of the original; behind the image */
    uint8_t length;
    uint8_t disp_at; /* of a displacement relative to rip; 0: none */
};

/* What was found in one file; immutable once made. */
struct patch_plan {
    struct patch_site *sites; /* by rva */
    uint32_t count;
    struct patch_copy *copies; /* by offset */
    uint32_t copy_count;
    uint32_t trampoline_bytes;
    uint8_t *called; /* marks of each site, when calls are watched: not part of a run */
    unsigned generation; /* patch_generation when it was made */
};

struct image;
struct pe_mapped;
struct pe_image;
struct host_context;

/* Disassembles a laid-out image; name: the file's, for the loops of sim/spins.h; brought: it is one of ours, and not swept. Owner of the plan: the
 * caller, for ever. */
struct patch_plan *patch_scan(const char *name, const struct pe_image *file, const struct pe_mapped *image, bool brought);
/* Changes with what plans are made from. */
unsigned patch_generation(void);
/* The `detail` of PATCH_SPIN for a jump; false if it is none that can be one. */
bool patch_spin_detail(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, unsigned *detail);

/* Bytes behind an image of that size that its trampolines may use. */
uint64_t patch_room(uint64_t image_size);

/* Applies the plan of the image's file (makes it first). image_patch_hook. */
void patch_image(struct image *image);

/* The site whose first byte is at rip; NULL if none. Signal-safe, as all that follow. */
const struct patch_site *patch_site_at(uint64_t rip);
/* The instruction at rip, if it is one that traps: kind, operands and length only. */
bool patch_trap_at(uint64_t rip, struct patch_site *site);
/* The site whose trampoline came through the door page with that address; *rip: its place in the image. */
const struct patch_site *patch_site_of_point(uint64_t place, uint64_t *rip);
/* Where control goes from the site at rip: atomic instructions are executed there, others are done. */
uint64_t patch_continue_at(uint64_t rip, const struct patch_site *site);
/* The address in the image for one in a trampoline; others as they are. */
uint64_t patch_original_address(uint64_t rip);
/* The memory operand's address at that site. */
uint64_t patch_operand_address(const struct patch_site *site, const struct host_context *c);

/* --- which calls were made: for the static half, which marks the edges that ran --- */

/* From now on calls in images are noted with this mark (a bit). Before images are scanned for the first time; again, to change the mark.
 * Watched runs are the same runs, only slower. */
void patch_watch_calls(uint8_t mark);
/* For whoever executes the call at rip. */
void patch_note_call(uint64_t rip);
/* The marks of the call at an RVA of a file; 0: it was never made, or is not watched. */
uint8_t patch_call_marks(const struct patch_plan *plan, uint32_t rva);
/* Whether there is a watched call. */
bool patch_call_watched(const struct patch_plan *plan, uint32_t rva);
bool patch_calls_are_watched(void);

/* --- plain accesses to memory, sampled: for race detection in images that tell nothing --- */

/* From now on so many of a hundred instructions that access memory are told before they run: drawn by seed, file name and place. Before images
 * are scanned for the first time, the same for the whole process. Accesses by the stack pointer and those of string instructions are left out, and images
 * that tell of their accesses themselves. */
void patch_watch_accesses(unsigned percent, uint64_t seed);
/* All of them, whatever was drawn, in images that tell nothing and that irplab does not bring: from the next image load on. race/sweep.h. */
void patch_sweep(bool on);
bool patch_sweeps(void);
/* Called on the host stack, the guest standing before the instruction; how: 1 read, 2 write, 3 both. Also for the accesses of sim/spins.h that are points. */
enum { PATCH_READS = 1, PATCH_WRITES = 2, PATCH_MOVES = 4 /* movs */, PATCH_STORES = 8 /* stos */, PATCH_REPEATS = 16 /* with one of them: rcx times */ };
extern void (*patch_access_hook)(uint64_t rip, uint64_t at, unsigned bytes, unsigned how);

/* The same before an atomic instruction, behind its point. */
extern void (*patch_atomic_hook)(uint64_t rip, uint64_t at, unsigned bytes, bool writes);

/* Puts the image's own bytes back into a copy of the `bytes` bytes at `address`, for views, disassembly and unwinding. */
void patch_original_bytes(uint64_t address, void *copy, size_t bytes);

#endif
