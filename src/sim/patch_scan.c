/* Finding the places: recursive disassembly from what is certainly code (functions with unwind data, exports, the entry, the control-flow
 * guard table, relocated pointers into code, and what these call, jump to or take the address of). */
#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "host/host.h"
#include "pe/pe.h"
#include "pe/unwind.h"
#include "sim/patch.h"
#include "sim/spins.h"

/* What is known of a byte of the image. */
enum {
    START = 1, /* an instruction begins */
    INSIDE = 2,
    TARGET = 4, /* something may jump here */
    WILD = 8, /* first byte of a function with jumps whose targets are not known */
    RELOCATED = 16,
    TAKEN = 32, /* moved or patched */
    CODE = 64, /* in an executable section */
    TABLE = 128, /* a table of jump targets begins */
};

/* A table of jump targets, as far as it has been read. */
struct table {
    uint32_t rva, relative_to, begin, end; /* targets lie in [begin, end) */
    uint32_t next; /* entry */
    bool over;
};

enum { MAX_SPIN = 96 }; /* bytes of a loop */
enum { JUMP = 5, MAX_WINDOW = 24, MAX_COPIES = 6 };

struct scan {
    const char *name;
    const struct pe_image *file;
    const struct pe_mapped *m;
    uint8_t *seen; /* per byte of the image */
    uint32_t *work;
    size_t work_count, work_capacity;
    struct patch_plan *plan;
    size_t capacity;
    ZydisDecoder decoder;
    bool switches_interrupts; /* a cli or sti was met */
    struct {
        uint32_t rva, target;
    } *back; /* short jumps backward */
    size_t back_count, back_capacity;
    unsigned watched; /* of a hundred memory accesses that are told */
    bool plain; /* so are those that are points */
    struct table *tables;
    size_t table_count, table_capacity;
    bool wild; /* a jump with unknown targets outside functions with unwind data */
};

static void push(struct scan *s, uint64_t rva)
{
    if (rva >= s->m->size || !(s->seen[rva] & CODE))
        return;
    s->seen[rva] |= TARGET;
    if (s->seen[rva] & (START | INSIDE))
        return;
    if (s->work_count == s->work_capacity) {
        s->work_capacity = s->work_capacity ? s->work_capacity * 2 : 1024;
        s->work = realloc(s->work, s->work_capacity * sizeof *s->work);
        IR_ASSERT(s->work);
    }
    s->work[s->work_count++] = (uint32_t)rva;
}

static bool is_printable(uint8_t c)
{
    return (c >= 0x20 && c < 0x7F) || c == '\t' || c == '\n' || c == '\r';
}

/* Text, narrow or wide, lies in executable sections too (.rdata merged into .text, images with small alignment, INIT). */
static bool is_text(const struct pe_mapped *m, uint64_t rva, unsigned step)
{
    enum { SURE = 4 };
    for (unsigned n = 0; n < SURE; n++) {
        const uint8_t *c = pe_at(m, (uint32_t)(rva + n * step), step);
        if (!c || (step == 2 && c[1]))
            return false;
        if (!c[0])
            return n > 0;
        if (!is_printable(c[0]))
            return false;
    }
    return true;
}

/* An address that something mentions: code, unless it is known to begin elsewhere or reads as text. */
static void push_mentioned(struct scan *s, uint64_t rva)
{
    struct pe_function f;
    if (rva >= s->m->size || (!pe_function_entry(s->m, (uint32_t)rva, &f) && (is_text(s->m, rva, 1) || is_text(s->m, rva, 2))))
        return;
    push(s, rva);
}

/* ---- starts ---- */

static bool push_export(void *ctx, const struct pe_export *e)
{
    push(ctx, e->rva);
    return true;
}

static void push_pointers(struct scan *s)
{
    /* Base relocations: each names a 64-bit pointer inside the image. */
    uint32_t at = s->m->dirs[PE_DIR_RELOC].rva, end = at + s->m->dirs[PE_DIR_RELOC].size;
    while (at && at + 8 <= end) {
        const uint32_t *block = pe_at(s->m, at, 8);
        if (!block || block[1] < 8 || block[1] > end - at)
            return;
        for (uint32_t i = 8; i + 2 <= block[1]; i += 2) {
            const uint16_t *entry = pe_at(s->m, at + i, 2);
            const void *cell = entry && *entry >> 12 == 10 ? pe_at(s->m, block[0] + (*entry & 0xFFF), 8) : NULL;
            uint64_t value;
            if (!cell)
                continue;
            memcpy(&value, cell, 8);
            for (unsigned b = 0; b < 8; b++)
                s->seen[block[0] + (*entry & 0xFFFu) + b] |= RELOCATED;
            push_mentioned(s, value - s->m->va);
        }
        at += block[1];
    }
}

/* Handlers that only an exception reaches: the scopes of __C_specific_handler. Other handlers keep other data there; what does
 * not describe parts of its own function is not taken for a scope table. */
static void push_scopes(struct scan *s, const struct pe_function *f)
{
    enum { MAX_SCOPES = 4096, FILTER_ALWAYS = 1 };
    struct pe_unwind_info info;
    if (!pe_unwind_info(s->m, f, &info) || !(info.flags & (PE_UNW_EHANDLER | PE_UNW_UHANDLER)))
        return;
    const uint32_t *count = pe_at(s->m, info.handler_data_rva, 4);
    const uint32_t *scopes = count && *count && *count <= MAX_SCOPES ? pe_at(s->m, info.handler_data_rva + 4, *count * 16) : NULL;
    for (uint32_t i = 0; scopes && i < *count; i++) {
        const uint32_t *scope = scopes + i * 4; /* begin, end, filter or handler, target */
        if (scope[0] < f->begin_rva || scope[1] > f->end_rva || scope[0] > scope[1])
            return;
        if (scope[2] != FILTER_ALWAYS)
            push(s, scope[2]);
        if (scope[3])
            push(s, scope[3]);
    }
}

static void push_starts(struct scan *s)
{
    char err[PE_ERROR_TEXT];
    struct pe_load_config config;
    uint32_t n = pe_function_count(s->m);
    push_pointers(s);
    if (pe_load_config(s->m, &config) && config.guard_table_rva)
        for (uint32_t i = 0; i < config.guard_table_count && config.guard_table_stride >= 4; i++) {
            const uint32_t *rva = pe_at(s->m, config.guard_table_rva + i * config.guard_table_stride, 4);
            if (rva)
                push(s, *rva);
        }
    for (uint32_t i = 0; i < n; i++) {
        struct pe_function f;
        if (!pe_function_get(s->m, i, &f))
            continue;
        push(s, f.begin_rva);
        push_scopes(s, &f);
    }
    pe_exports(s->m, push_export, s, err, sizeof err);
    push(s, s->file->entry_rva);
}

/* ---- sites ---- */

static uint8_t gpr_of(ZydisRegister r)
{
    if (r == ZYDIS_REGISTER_NONE)
        return PATCH_NO_REGISTER;
    ZydisRegister large = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    if (large < ZYDIS_REGISTER_RAX || large > ZYDIS_REGISTER_R15)
        return PATCH_NO_REGISTER;
    return (uint8_t)(large - ZYDIS_REGISTER_RAX);
}

static const ZydisDecodedOperand *memory_operand(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    for (unsigned i = 0; i < in->operand_count_visible; i++)
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && op[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
            return &op[i];
    return NULL;
}

static bool is_fs_or_gs(ZydisRegister r)
{
    return r == ZYDIS_REGISTER_FS || r == ZYDIS_REGISTER_GS;
}

static bool is_control(ZydisRegister r)
{
    return r >= ZYDIS_REGISTER_CR0 && r <= ZYDIS_REGISTER_CR15;
}

static bool is_debug(ZydisRegister r)
{
    return r >= ZYDIS_REGISTER_DR0 && r <= ZYDIS_REGISTER_DR15;
}

static enum patch_kind kind_of_mov(const ZydisDecodedOperand *op, uint8_t *detail)
{
    if (op[0].type != ZYDIS_OPERAND_TYPE_REGISTER || op[1].type != ZYDIS_OPERAND_TYPE_REGISTER)
        return op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && is_fs_or_gs(op[0].reg.value) ? PATCH_SEGMENT_LOAD : PATCH_NONE;
    if (op[0].reg.value == ZYDIS_REGISTER_CR8)
        return PATCH_CR8_WRITE;
    if (op[1].reg.value == ZYDIS_REGISTER_CR8)
        return PATCH_CR8_READ;
    if (is_debug(op[0].reg.value))
        *detail = (uint8_t)(PATCH_DEBUG_REGISTER | (op[0].reg.value - ZYDIS_REGISTER_DR0));
    if (is_control(op[0].reg.value) || is_debug(op[0].reg.value))
        return PATCH_CR_WRITE;
    if (is_debug(op[1].reg.value))
        *detail = (uint8_t)(PATCH_DEBUG_REGISTER | (op[1].reg.value - ZYDIS_REGISTER_DR0));
    else if (is_control(op[1].reg.value))
        *detail = (uint8_t)(op[1].reg.value - ZYDIS_REGISTER_CR0);
    if (is_control(op[1].reg.value) || is_debug(op[1].reg.value))
        return PATCH_CR_READ;
    return is_fs_or_gs(op[0].reg.value) ? PATCH_SEGMENT_LOAD : PATCH_NONE;
}

/* A lock on the stack is a barrier; through gs it is the processor's or thread's own block. */
static enum patch_kind kind_of_atomic(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    const ZydisDecodedOperand *m = memory_operand(in, op);
    if (!m || m->mem.base == ZYDIS_REGISTER_RSP || is_fs_or_gs(m->mem.segment))
        return PATCH_NONE;
    return PATCH_ATOMIC;
}

static uint8_t atomic_detail(const ZydisDecodedInstruction *in)
{
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_CMPXCHG:
        return PATCH_COMPARE;
    case ZYDIS_MNEMONIC_CMPXCHG8B:
    case ZYDIS_MNEMONIC_CMPXCHG16B:
        return PATCH_COMPARE_PAIR;
    default:
        return PATCH_UPDATE;
    }
}

static enum patch_kind kind_of(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, uint8_t *detail)
{
    *detail = 0;
    if ((in->attributes & ZYDIS_ATTRIB_HAS_LOCK) || in->mnemonic == ZYDIS_MNEMONIC_XCHG) {
        enum patch_kind k = kind_of_atomic(in, op);
        if (k == PATCH_ATOMIC)
            *detail = atomic_detail(in);
        return k;
    }
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        return kind_of_mov(op, detail);
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_TPAUSE:
    case ZYDIS_MNEMONIC_UMWAIT:
        return PATCH_PAUSE;
    case ZYDIS_MNEMONIC_RDTSC:
        return PATCH_RDTSC;
    case ZYDIS_MNEMONIC_RDTSCP:
        return PATCH_RDTSCP;
    case ZYDIS_MNEMONIC_CPUID:
        return PATCH_CPUID;
    case ZYDIS_MNEMONIC_RDRAND:
    case ZYDIS_MNEMONIC_RDSEED:
        return PATCH_RANDOM;
    case ZYDIS_MNEMONIC_RDPID:
        return PATCH_RDPID;
    case ZYDIS_MNEMONIC_XGETBV:
        return PATCH_XGETBV;
    case ZYDIS_MNEMONIC_RDPMC:
        return PATCH_RDPMC;
    case ZYDIS_MNEMONIC_SGDT:
        *detail = PATCH_SGDT;
        return PATCH_STORE_SYSTEM;
    case ZYDIS_MNEMONIC_SIDT:
        *detail = PATCH_SIDT;
        return PATCH_STORE_SYSTEM;
    case ZYDIS_MNEMONIC_SLDT:
        *detail = PATCH_SLDT;
        return PATCH_STORE_SYSTEM;
    case ZYDIS_MNEMONIC_STR:
        *detail = PATCH_STR;
        return PATCH_STORE_SYSTEM;
    case ZYDIS_MNEMONIC_SMSW:
        *detail = PATCH_SMSW;
        return PATCH_STORE_SYSTEM;
    case ZYDIS_MNEMONIC_LSL:
        return PATCH_SEGMENT_LIMIT;
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_WRFSBASE:
    case ZYDIS_MNEMONIC_WRGSBASE:
        return PATCH_SEGMENT_LOAD;
    case ZYDIS_MNEMONIC_POP:
        return op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && is_fs_or_gs(op[0].reg.value) ? PATCH_SEGMENT_LOAD : PATCH_NONE;
    case ZYDIS_MNEMONIC_RDFSBASE:
        return PATCH_RDFSBASE;
    case ZYDIS_MNEMONIC_SYSCALL:
    case ZYDIS_MNEMONIC_SYSENTER:
        return PATCH_SYSCALL;
    case ZYDIS_MNEMONIC_INT:
        return op[0].imm.value.u == 0x80 ? PATCH_SYSCALL : PATCH_NONE;
    case ZYDIS_MNEMONIC_PUSHFQ:
        return PATCH_PUSHF;
    case ZYDIS_MNEMONIC_POPFQ:
        return PATCH_POPF;
    case ZYDIS_MNEMONIC_CLI:
        return PATCH_CLI;
    case ZYDIS_MNEMONIC_STI:
        return PATCH_STI;
    case ZYDIS_MNEMONIC_IN:
        return PATCH_IN;
    case ZYDIS_MNEMONIC_OUT:
        return PATCH_OUT;
    case ZYDIS_MNEMONIC_INSB:
    case ZYDIS_MNEMONIC_INSW:
    case ZYDIS_MNEMONIC_INSD:
    case ZYDIS_MNEMONIC_OUTSB:
    case ZYDIS_MNEMONIC_OUTSW:
    case ZYDIS_MNEMONIC_OUTSD:
        return PATCH_STRING_IO;
    case ZYDIS_MNEMONIC_RDMSR:
        return PATCH_RDMSR;
    case ZYDIS_MNEMONIC_WRMSR:
        return PATCH_WRMSR;
    case ZYDIS_MNEMONIC_HLT:
        return PATCH_HLT;
    case ZYDIS_MNEMONIC_WBINVD:
    case ZYDIS_MNEMONIC_INVD:
    case ZYDIS_MNEMONIC_INVLPG:
    case ZYDIS_MNEMONIC_INVPCID:
    case ZYDIS_MNEMONIC_SWAPGS:
    case ZYDIS_MNEMONIC_LGDT:
    case ZYDIS_MNEMONIC_LIDT:
    case ZYDIS_MNEMONIC_LLDT:
    case ZYDIS_MNEMONIC_LTR:
    case ZYDIS_MNEMONIC_LMSW:
    case ZYDIS_MNEMONIC_CLTS:
    case ZYDIS_MNEMONIC_XSETBV:
    case ZYDIS_MNEMONIC_STAC: /* nothing depends on the flag here: kernel code may touch user memory always */
    case ZYDIS_MNEMONIC_CLAC:
        return PATCH_IGNORE;
    default:
        return PATCH_NONE;
    }
}

/* ---- plain accesses that are watched ---- */

static unsigned watch_percent; /* of the process */
static uint64_t watch_seed;
static bool sweeps;

void patch_watch_accesses(unsigned percent, uint64_t seed)
{
    watch_percent = percent;
    watch_seed = seed;
}

void patch_sweep(bool on)
{
    sweeps = on;
}

bool patch_sweeps(void)
{
    return sweeps;
}

unsigned patch_generation(void)
{
    return spins_generation() * 2 + sweeps;
}

static bool is_drawn(const struct scan *s, uint32_t rva)
{
    uint64_t h = watch_seed * 0x9E3779B97F4A7C15ull ^ rva;
    for (const char *c = s->name; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001B3ull;
    h = (h ^ h >> 32) * 0xD6E8FEB86659FD93ull;
    return (h >> 40) % 100 < s->watched;
}

static uint8_t string_access(const ZydisDecodedInstruction *in)
{
    uint8_t repeats = in->attributes & ZYDIS_ATTRIB_HAS_REP ? PATCH_REPEATS : 0;
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSQ:
        return PATCH_MOVES | repeats;
    case ZYDIS_MNEMONIC_MOVSD: /* of two instructions */
        return in->meta.category == ZYDIS_CATEGORY_STRINGOP ? PATCH_MOVES | repeats : 0;
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
        return PATCH_STORES | repeats;
    default:
        return 0;
    }
}

/* How it is accessed (PATCH_READS and the like); 0: it is not watched. */
static uint8_t access_of(const struct scan *s, uint32_t rva, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    if (!s->watched && !s->plain)
        return 0;
    uint8_t string = string_access(in);
    if (string)
        return is_drawn(s, rva) || (s->plain && spins_is_plain(s->name, rva)) ? string : 0;
    const ZydisDecodedOperand *m = memory_operand(in, op);
    if (!m || m->mem.base == ZYDIS_REGISTER_RSP || is_fs_or_gs(m->mem.segment) || m->size < 8 || m->size > 256 || m->mem.base == ZYDIS_REGISTER_EIP ||
        (m->mem.index != ZYDIS_REGISTER_NONE && gpr_of(m->mem.index) == PATCH_NO_REGISTER))
        return 0;
    switch (in->meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_POP:
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_STRINGOP:
    case ZYDIS_CATEGORY_SYSTEM:
        return 0;
    default:
        break;
    }
    uint8_t how = (m->actions & ZYDIS_OPERAND_ACTION_MASK_READ ? 1 : 0) | (m->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ? 2 : 0);
    return how && (is_drawn(s, rva) || (s->plain && spins_is_plain(s->name, rva))) ? how : 0;
}

static bool tells_itself(void *found, const struct pe_import *import)
{
    *(bool *)found = strcasecmp(import->module, "irplab.sys") == 0 || strcasecmp(import->module, "irplab.dll") == 0;
    return !*(bool *)found;
}

static void choose_watched(struct scan *s, bool brought)
{
    bool found = false, sweep = sweeps && !brought;
    char err[PE_ERROR_TEXT];
    if (watch_percent || sweep || spins_any_plain())
        pe_imports(s->m, tells_itself, &found, err, sizeof err);
    if (found)
        return;
    s->plain = spins_any_plain();
    s->watched = sweep ? 100 : watch_percent;
}

static void describe_operands(struct patch_site *t, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    t->base = t->index = t->reg = PATCH_NO_REGISTER;
    for (unsigned i = 0; i < in->operand_count_visible; i++)
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_of(op[i].reg.value) != PATCH_NO_REGISTER && t->reg == PATCH_NO_REGISTER) {
            t->reg = gpr_of(op[i].reg.value);
            t->size = (uint8_t)(op[i].size / 8);
        }
    const ZydisDecodedOperand *m = memory_operand(in, op);
    if (!m)
        return;
    t->rip_relative = m->mem.base == ZYDIS_REGISTER_RIP;
    t->base = gpr_of(m->mem.base);
    t->index = gpr_of(m->mem.index);
    t->scale = m->mem.scale;
    t->disp = (int32_t)m->mem.disp.value;
    t->disp_at = in->raw.disp.offset;
    if (t->reg == PATCH_NO_REGISTER)
        t->size = (uint8_t)(m->size / 8);
}

static void add_site(struct scan *s, uint32_t rva, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, enum patch_kind kind, uint8_t detail)
{
    struct patch_plan *p = s->plan;
    if (p->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 64;
        p->sites = realloc(p->sites, s->capacity * sizeof *p->sites);
        IR_ASSERT(p->sites);
    }
    struct patch_site *t = &p->sites[p->count++];
    *t = (struct patch_site) { .rva = rva, .kind = (uint8_t)kind, .detail = detail, .length = in->length };
    describe_operands(t, in, op);
    if (kind == PATCH_CLI || kind == PATCH_STI)
        s->switches_interrupts = true;
}

/* Calls, and jumps through memory (calls of imports at a function's end). */
static void watch_call(struct scan *s, uint32_t rva, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    bool call = in->mnemonic == ZYDIS_MNEMONIC_CALL, memory = op[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
    if ((!call && !(in->mnemonic == ZYDIS_MNEMONIC_JMP && memory && op[0].mem.base == ZYDIS_REGISTER_RIP)) || op[0].size == 80 || op[0].size == 48)
        return;
    if (memory && is_fs_or_gs(op[0].mem.segment))
        return;
    bool direct = op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    if (direct && !op[0].imm.value.s) /* call to the next instruction only reads rip */
        return;
    add_site(s, rva, in, op, PATCH_CALL, !call ? PATCH_JUMP_MEMORY : memory ? PATCH_CALL_MEMORY : direct ? PATCH_CALL_DIRECT : PATCH_CALL_REGISTER);
    if (direct)
        s->plan->sites[s->plan->count - 1].disp = (int32_t)op[0].imm.value.s;
}

/* ---- flow ---- */

/* Tables of 32-bit offsets that a jump through a register takes its target from: relative to the table (clang, gcc) or to the
 * image (Microsoft). How long one is nobody says: entries are taken as long as they lead into the function, do not lead into the middle
 * of an instruction, and no other table begins. They are taken after all that is certain, and one of each table in turn, so that what is
 * read beyond the end of a table meets code that is known by then. */
static void push_table(struct scan *s, uint32_t table, uint32_t relative_to, const struct pe_function *f)
{
    if (!pe_at(s->m, table, 4) || (s->seen[table] & TABLE))
        return;
    s->seen[table] |= TABLE;
    if (s->table_count == s->table_capacity) {
        s->table_capacity = s->table_capacity ? s->table_capacity * 2 : 64;
        s->tables = realloc(s->tables, s->table_capacity * sizeof *s->tables);
        IR_ASSERT(s->tables);
    }
    s->tables[s->table_count++] = (struct table) { .rva = table, .relative_to = relative_to, .begin = f->begin_rva, .end = f->end_rva };
}

/* The next entry of a table; false: there is none. */
static bool take_entry(struct scan *s, struct table *t)
{
    uint32_t at = t->rva + t->next * 4;
    const void *cell = t->next < 4096 ? pe_at(s->m, at, 4) : NULL;
    int32_t entry;
    if (!cell || (t->next && (s->seen[at] & TABLE)))
        return false;
    memcpy(&entry, cell, 4);
    uint32_t target = t->relative_to + (uint32_t)entry;
    if (target < t->begin || target >= t->end || (s->seen[target] & INSIDE))
        return false;
    t->next++;
    push(s, target);
    return true;
}

static bool leads_into(const struct scan *s, uint32_t table, uint32_t relative_to, const struct pe_function *f)
{
    const void *cell = pe_at(s->m, table, 4);
    int32_t entry = 0;
    if (cell)
        memcpy(&entry, cell, 4);
    uint32_t target = relative_to + (uint32_t)entry;
    return entry && target >= f->begin_rva && target < f->end_rva;
}

static bool function_of(const struct scan *s, uint32_t rva, struct pe_function *f)
{
    return pe_function_entry(s->m, rva, f);
}

static void look_at_address(struct scan *s, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, uint32_t rva)
{
    struct pe_function f;
    if (in->mnemonic == ZYDIS_MNEMONIC_LEA && op[1].mem.base == ZYDIS_REGISTER_RIP) {
        uint64_t target = rva + in->length + (uint64_t)op[1].mem.disp.value;
        bool in_function = target < s->m->size && function_of(s, rva, &f);
        if (in_function && leads_into(s, (uint32_t)target, (uint32_t)target, &f))
            push_table(s, (uint32_t)target, (uint32_t)target, &f);
        else
            push_mentioned(s, target);
    }
    bool loads = in->mnemonic == ZYDIS_MNEMONIC_MOV && op[1].type == ZYDIS_OPERAND_TYPE_MEMORY && op[1].size == 32 && op[1].mem.index != ZYDIS_REGISTER_NONE;
    if (loads && op[1].mem.scale == 4 && op[1].mem.disp.value > 0 && (uint64_t)op[1].mem.disp.value < s->m->size && function_of(s, rva, &f))
        push_table(s, (uint32_t)op[1].mem.disp.value, 0, &f);
}

static void note_back(struct scan *s, uint32_t rva, uint32_t target)
{
    if (s->back_count == s->back_capacity) {
        s->back_capacity = s->back_capacity ? s->back_capacity * 2 : 256;
        s->back = realloc(s->back, s->back_capacity * sizeof *s->back);
        IR_ASSERT(s->back);
    }
    s->back[s->back_count].rva = rva;
    s->back[s->back_count++].target = target;
}

/* A jump that may lead anywhere in its function. */
static void note_wild(struct scan *s, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, uint32_t rva)
{
    struct pe_function f, primary;
    if (in->meta.category != ZYDIS_CATEGORY_UNCOND_BR || op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return;
    if (op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && op[0].mem.base == ZYDIS_REGISTER_RIP)
        return; /* through an import: leaves the function */
    if (!function_of(s, rva, &f))
        s->wild = true;
    else if (pe_function_primary(s->m, &f, &primary))
        s->seen[primary.begin_rva] |= WILD;
    else
        s->seen[f.begin_rva] |= WILD;
}

/* Where control goes; false: not to the next instruction. */
static bool follow(struct scan *s, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, uint32_t rva)
{
    bool direct = in->operand_count_visible > 0 && op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op[0].imm.is_relative;
    if (direct) {
        uint64_t target = (uint64_t)rva + in->length + (uint64_t)op[0].imm.value.s;
        push(s, target);
        if (target <= rva && rva - target < MAX_SPIN)
            note_back(s, rva, (uint32_t)target);
    }
    note_wild(s, in, op, rva);
    switch (in->meta.category) {
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_UNCOND_BR:
        return false;
    default:
        break;
    }
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_SYSRET:
        return false;
    case ZYDIS_MNEMONIC_INT3: {
        /* Padding, or a breakpoint in the middle of a function. */
        struct pe_function f;
        return function_of(s, rva + in->length, &f);
    }
    case ZYDIS_MNEMONIC_INT:
        return op[0].imm.value.u != 0x29;
    default:
        return true;
    }
}

/* One straight line of code. */
static void decode_from(struct scan *s, uint32_t rva)
{
    while (rva < s->m->size && (s->seen[rva] & (CODE | START | INSIDE)) == CODE) {
        ZydisDecodedInstruction in;
        ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
        size_t room = s->m->size - rva;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&s->decoder, s->m->base + rva, room < 15 ? room : 15, &in, op)))
            return;
        for (unsigned i = 0; i < in.length; i++)
            if ((s->seen[rva + i] & (CODE | START | INSIDE)) != CODE)
                return; /* two readings of one byte: believe the first */
        s->seen[rva] |= START;
        for (unsigned i = 1; i < in.length; i++)
            s->seen[rva + i] |= INSIDE;
        uint8_t detail;
        enum patch_kind kind = kind_of(&in, op, &detail);
        if (kind)
            add_site(s, rva, &in, op, kind, detail);
        else if (patch_calls_are_watched())
            watch_call(s, rva, &in, op);
        else if ((detail = access_of(s, rva, &in, op)) != 0) {
            add_site(s, rva, &in, op, PATCH_ACCESS, detail);
            s->plan->sites[s->plan->count - 1].size = (uint8_t)(detail >= PATCH_MOVES ? in.operand_width / 8 : memory_operand(&in, op)->size / 8);
        }
        look_at_address(s, &in, op, rva);
        if (!follow(s, &in, op, rva))
            return;
        rva += in.length;
    }
}

static void drain(struct scan *s)
{
    while (s->work_count)
        decode_from(s, s->work[--s->work_count]);
}

static void decode_all(struct scan *s)
{
    drain(s);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < s->table_count; i++) { /* more may be found meanwhile, and the array move */
            if (s->tables[i].over)
                continue;
            s->tables[i].over = !take_entry(s, &s->tables[i]);
            more |= !s->tables[i].over;
            drain(s);
        }
    }
}

/* ---- loops that wait for memory ----
 * A loop without calls, stores and points in which no register carries anything from one turn to the next: each turn computes the same
 * from memory, so it ends at once or when somebody else writes. Its jump back is a point. */

struct flow_of_turn {
    bool read_first[ZYDIS_REGISTER_MAX_VALUE + 1], written[ZYDIS_REGISTER_MAX_VALUE + 1];
};

static void note_read(struct flow_of_turn *f, ZydisRegister r)
{
    ZydisRegister large = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    if (large == ZYDIS_REGISTER_NONE)
        large = r;
    if (!f->written[large])
        f->read_first[large] = true;
}

static void note_write(struct flow_of_turn *f, ZydisRegister r)
{
    ZydisRegister large = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    f->written[large == ZYDIS_REGISTER_NONE ? r : large] = true;
}

static bool is_flags_or_ip(ZydisRegister r)
{
    return ZydisRegisterGetClass(r) == ZYDIS_REGCLASS_FLAGS || ZydisRegisterGetClass(r) == ZYDIS_REGCLASS_IP;
}

/* False: it does something that a second turn would see. */
static bool note_operands(struct flow_of_turn *f, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
    bool clears = (in->mnemonic == ZYDIS_MNEMONIC_XOR || in->mnemonic == ZYDIS_MNEMONIC_SUB) && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                  op[1].type == ZYDIS_OPERAND_TYPE_REGISTER && op[0].reg.value == op[1].reg.value;
    for (unsigned i = 0; i < in->operand_count; i++) {
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY) {
            if (op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
                return false;
            note_read(f, op[i].mem.base);
            note_read(f, op[i].mem.index);
        }
        bool partial = op[i].size < 32 || (op[i].actions & ZYDIS_OPERAND_ACTION_CONDWRITE);
        bool reads = (op[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ) || (partial && (op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && reads && !clears && !is_flags_or_ip(op[i].reg.value))
            note_read(f, op[i].reg.value);
    }
    for (unsigned i = 0; i < in->operand_count; i++)
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && (op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) && !is_flags_or_ip(op[i].reg.value))
            note_write(f, op[i].reg.value);
    return true;
}

static bool stays_in_turn(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, uint32_t rva, uint32_t target, uint32_t back)
{
    uint64_t to = rva + in->length + (uint64_t)op[0].imm.value.s;
    switch (in->meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
        return to < target || to > back; /* a way out; ways around something inside are not looked at */
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SYSCALL:
        return false;
    default:
        return true;
    }
}

static bool is_spin(const struct scan *s, uint32_t target, uint32_t back)
{
    struct flow_of_turn f = { 0 };
    for (uint32_t rva = target; rva != back;) {
        ZydisDecodedInstruction in;
        ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
        uint8_t detail;
        if (rva > back || !(s->seen[rva] & START) || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&s->decoder, s->m->base + rva, 15, &in, op)))
            return false;
        if (!stays_in_turn(&in, op, rva, target, back) || kind_of(&in, op, &detail) || !note_operands(&f, &in, op))
            return false;
        rva += in.length;
    }
    for (int r = 0; r <= ZYDIS_REGISTER_MAX_VALUE; r++)
        if (f.read_first[r] && f.written[r])
            return false;
    return !f.written[ZYDIS_REGISTER_RSP];
}

static void add_spins(struct scan *s)
{
    for (size_t i = 0; i < s->back_count; i++) {
        uint32_t rva = s->back[i].rva, target = s->back[i].target;
        ZydisDecodedInstruction in;
        ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
        if (rva + 15 > s->m->size || !is_spin(s, target, rva) ||
            !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&s->decoder, s->m->base + rva, 15, &in, op)))
            continue;
        bool conditional = in.meta.category == ZYDIS_CATEGORY_COND_BR;
        if (conditional && (in.opcode & 0xF0) != 0x70 && (in.opcode & 0xF0) != 0x80)
            continue; /* loop, jrcxz */
        add_site(s, rva, &in, op, PATCH_SPIN, conditional ? in.opcode & 0xF : 16);
        struct patch_site *t = &s->plan->sites[s->plan->count - 1];
        t->disp = (int32_t)op[0].imm.value.s;
    }
}

/* For code that the scan did not reach: behind a jump table, made at run time. */
bool patch_trap_at(uint64_t rip, struct patch_site *t)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[15], detail;
    memset(bytes, 0x90, sizeof bytes);
    if (!host_guarded_copy(bytes, (const void *)rip, sizeof bytes) && !host_guarded_copy(bytes, (const void *)rip, 0x1000 - (rip & 0xFFF) < 15 ? 0x1000 - (rip & 0xFFF) : 1))
        return false;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, sizeof bytes, &in, op)))
        return false;
    enum patch_kind kind = kind_of(&in, op, &detail);
    if (kind < PATCH_TRAPS)
        return false;
    *t = (struct patch_site) { .kind = (uint8_t)kind, .detail = detail, .length = in.length };
    describe_operands(t, &in, op);
    return true;
}

bool patch_spin_detail(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, unsigned *detail)
{
    bool direct = op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op[0].imm.is_relative;
    if (in->meta.category == ZYDIS_CATEGORY_UNCOND_BR) {
        bool far_jump = in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
        *detail = direct ? PATCH_SPIN_ALWAYS : op[0].type == ZYDIS_OPERAND_TYPE_REGISTER ? PATCH_SPIN_REGISTER : PATCH_SPIN_MEMORY;
        return !far_jump;
    }
    if (in->meta.category != ZYDIS_CATEGORY_COND_BR || !direct)
        return false;
    switch (in->mnemonic) {
    case ZYDIS_MNEMONIC_LOOP:
        *detail = PATCH_SPIN_LOOP;
        return true;
    case ZYDIS_MNEMONIC_LOOPE:
        *detail = PATCH_SPIN_LOOPE;
        return true;
    case ZYDIS_MNEMONIC_LOOPNE:
        *detail = PATCH_SPIN_LOOPNE;
        return true;
    case ZYDIS_MNEMONIC_JRCXZ:
        *detail = PATCH_SPIN_JRCXZ;
        return true;
    case ZYDIS_MNEMONIC_JECXZ:
        return false;
    default:
        *detail = in->opcode & 0xF;
        return (in->opcode & 0xF0) == 0x70 || (in->opcode & 0xF0) == 0x80;
    }
}

/* Loops that a run was caught in. */
static void add_found_spins(struct scan *s, const char *name)
{
    for (size_t i = 0; i < spins_count(); i++) {
        const struct spin *k = spins_get(i);
        ZydisDecodedInstruction in;
        ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
        bool here = strcasecmp(k->image, name) == 0 && !(k->rva & (SPIN_AWAIT | SPIN_NO_AWAIT | SPIN_ROUND | SPIN_MORE | SPIN_PLAIN)) && (uint64_t)k->rva + 15 <= s->m->size && (s->seen[k->rva] & CODE);
        for (uint32_t n = 0; here && n < s->plan->count; n++)
            here = s->plan->sites[n].rva != k->rva;
        if (!here || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&s->decoder, s->m->base + k->rva, 15, &in, op)))
            continue;
        unsigned detail;
        if (!patch_spin_detail(&in, op, &detail))
            continue;
        add_site(s, k->rva, &in, op, PATCH_SPIN, (uint8_t)detail);
        struct patch_site *t = &s->plan->sites[s->plan->count - 1];
        if (detail <= PATCH_SPIN_JRCXZ)
            t->disp = (int32_t)op[0].imm.value.s;
    }
}

static int by_rva(const void *a, const void *b)
{
    uint32_t x = ((const struct patch_site *)a)->rva, y = ((const struct patch_site *)b)->rva;
    return x < y ? -1 : x > y;
}

/* Flags are only of interest where interrupts are switched. */
static void drop_flag_sites(struct scan *s)
{
    struct patch_plan *p = s->plan;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        bool flags = p->sites[i].kind == PATCH_PUSHF || p->sites[i].kind == PATCH_POPF;
        if (!flags || s->switches_interrupts)
            p->sites[n++] = p->sites[i];
    }
    p->count = n;
}

/* ---- how a site is reached ---- */

/* Length of a movable instruction at rva: one that runs anywhere, given that an address relative to it is corrected. 0: not movable. */
static uint8_t movable(const struct scan *s, uint32_t rva, uint8_t *disp_at)
{
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t detail;
    if (rva + 15 > s->m->size || !(s->seen[rva] & START) || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&s->decoder, s->m->base + rva, 15, &in, op)))
        return 0;
    for (unsigned i = 0; i < in.length; i++)
        if (s->seen[rva + i] & (RELOCATED | TAKEN))
            return 0;
    bool relative_branch = in.operand_count_visible > 0 && op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op[0].imm.is_relative;
    if (relative_branch || in.meta.category == ZYDIS_CATEGORY_CALL || in.meta.category == ZYDIS_CATEGORY_RET || in.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
        in.meta.category == ZYDIS_CATEGORY_INTERRUPT || in.mnemonic == ZYDIS_MNEMONIC_UD2)
        return 0;
    *disp_at = (in.attributes & ZYDIS_ATTRIB_IS_RELATIVE) ? in.raw.disp.offset : 0;
    if ((in.attributes & ZYDIS_ATTRIB_IS_RELATIVE) && in.raw.disp.size != 32)
        return 0;
    if (access_of(s, rva, &in, op))
        return 0;
    enum patch_kind k = kind_of(&in, op, &detail);
    bool is_flags = k == PATCH_PUSHF || k == PATCH_POPF;
    return k == PATCH_NONE || (is_flags && !s->switches_interrupts) ? in.length : 0;
}

/* Targets of jumps are known in this function, those of exceptions included. */
static bool is_tame(const struct scan *s, uint32_t rva)
{
    struct pe_function f, primary;
    struct pe_unwind_info info;
    if (!function_of(s, rva, &f))
        return !s->wild;
    if (!pe_function_primary(s->m, &f, &primary) || !pe_unwind_info(s->m, &primary, &info))
        return false;
    return !(s->seen[primary.begin_rva] & WILD) && !(info.flags & (PE_UNW_EHANDLER | PE_UNW_UHANDLER));
}

static uint32_t instruction_before(const struct scan *s, uint32_t rva)
{
    uint32_t at = rva;
    while (at > 0 && rva - at < 15)
        if (s->seen[--at] & START)
            return at;
    return 0;
}

struct window {
    struct patch_copy copies[MAX_COPIES];
    unsigned count;
    uint32_t bytes;
};

static bool add_copy(struct window *w, uint32_t rva, uint8_t length, uint8_t disp_at)
{
    if (w->count == MAX_COPIES || w->bytes + length > MAX_WINDOW)
        return false;
    w->copies[w->count++] = (struct patch_copy) { .rva = rva, .length = length, .disp_at = disp_at };
    w->bytes += length;
    return true;
}

/* The site and what follows it, until a jump fits. */
static bool extend(const struct scan *s, const struct patch_site *t, struct window *w)
{
    if (!add_copy(w, t->rva, t->length, t->rip_relative ? t->disp_at : 0))
        return false;
    for (uint32_t at = t->rva + t->length; w->bytes < JUMP;) {
        uint8_t disp_at, n = s->seen[at] & TARGET ? 0 : movable(s, at, &disp_at);
        if (!n || !add_copy(w, at, n, disp_at))
            return false;
        at += n;
    }
    return true;
}

static bool find_window(const struct scan *s, const struct patch_site *t, struct window *w)
{
    for (unsigned i = 0; i < t->length; i++)
        if (s->seen[t->rva + i] & (RELOCATED | TAKEN))
            return false;
    *w = (struct window) { 0 };
    if (extend(s, t, w))
        return true;
    uint32_t before = s->seen[t->rva] & TARGET ? 0 : instruction_before(s, t->rva);
    uint8_t disp_at, n = before ? movable(s, before, &disp_at) : 0;
    *w = (struct window) { 0 };
    return n && before + n == t->rva && add_copy(w, before, n, disp_at) && extend(s, t, w);
}

static uint32_t trampoline_size(const struct patch_site *t, const struct window *w)
{
    return w->bytes + (t->patched == JUMP ? POINT_BYTES : 0) + JUMP;
}

/* Lays the trampoline out at offset `at`. */
static void lay_out(struct scan *s, struct patch_site *t, const struct window *w, uint32_t at)
{
    struct patch_plan *p = s->plan;
    p->copies = realloc(p->copies, (p->copy_count + w->count + 1) * sizeof *p->copies);
    IR_ASSERT(p->copies);
    t->first_copy = p->copy_count;
    for (unsigned i = 0; i < w->count; i++) {
        bool is_site = w->copies[i].rva == t->rva;
        if (is_site && t->patched == JUMP)
            at += POINT_BYTES;
        if (is_site)
            t->trampoline = at;
        if (is_site && t->kind != PATCH_ATOMIC && t->kind != PATCH_ACCESS)
            continue; /* emulated: not copied */
        p->copies[p->copy_count] = w->copies[i];
        p->copies[p->copy_count++].offset = at;
        at += w->copies[i].length;
    }
    t->copies = p->copy_count - t->first_copy;
}

static void place_site(struct scan *s, struct patch_site *t, uint32_t *at, uint64_t room)
{
    struct window w = { 0 };
    t->window = t->rva;
    t->region = *at;
    t->patched = t->kind == PATCH_CALL || t->kind == PATCH_ACCESS ? 1 : is_tame(s, t->rva) && find_window(s, t, &w) ? JUMP : t->kind < PATCH_TRAPS ? 1 : 0;
    if (t->patched != JUMP) {
        w = (struct window) { 0 };
        add_copy(&w, t->rva, t->length, t->rip_relative ? t->disp_at : 0);
    }
    bool needs_trampoline = t->patched == JUMP || t->kind == PATCH_ATOMIC || t->kind == PATCH_ACCESS;
    if (needs_trampoline && *at + trampoline_size(t, &w) > room) {
        t->patched = t->kind == PATCH_ATOMIC || t->kind == PATCH_ACCESS ? 0 : t->kind < PATCH_TRAPS; /* an atomic instruction that is no point */
        needs_trampoline = false;
    }
    if (needs_trampoline) {
        t->window = w.copies[0].rva;
        lay_out(s, t, &w, *at);
        *at += trampoline_size(t, &w);
    }
    memcpy(t->original, s->m->base + t->window, t->patched);
    for (unsigned i = 0; i < (t->patched == JUMP ? w.bytes : t->patched); i++)
        s->seen[t->window + i] |= TAKEN;
}

/* Bytes of code may be read from a wrong start (data that looks like an address of code). That does little harm where few instructions are looked
 * for, but nearly any bytes are an access to memory: in functions with unwind data only those stay that one also comes to by reading the
 * function from its beginning. */
static bool read_from_beginning(const struct scan *s, const struct pe_function *f, uint32_t rva)
{
    uint32_t at = f->begin_rva;
    while (at < rva) {
        ZydisDecodedInstruction in;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&s->decoder, NULL, s->m->base + at, f->end_rva - at < 15 ? f->end_rva - at : 15, &in)))
            return false;
        at += in.length;
    }
    return at == rva;
}

static void drop_doubtful_accesses(struct scan *s)
{
    struct patch_plan *p = s->plan;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        struct pe_function f;
        const struct patch_site *t = &p->sites[i];
        if (t->kind != PATCH_ACCESS || !function_of(s, t->rva, &f) || read_from_beginning(s, &f, t->rva))
            p->sites[n++] = *t;
    }
    p->count = n;
}

/* The first 16 bytes behind the image hold the address of the door page's entry. */
static void place_trampolines(struct scan *s)
{
    struct patch_plan *p = s->plan;
    uint64_t room = patch_room(s->m->size);
    uint32_t at = 16;
    for (uint32_t i = 0; i < p->count; i++)
        place_site(s, &p->sites[i], &at, room);
    p->trampoline_bytes = at;
    p->generation = patch_generation();
}

struct patch_plan *patch_scan(const char *name, const struct pe_image *file, const struct pe_mapped *image, bool brought)
{
    struct scan s = { .name = name, .file = file, .m = image, .plan = calloc(1, sizeof *s.plan), .seen = calloc(1, image->size) };
    IR_ASSERT(s.plan && s.seen);
    choose_watched(&s, brought);
    ZydisDecoderInit(&s.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (uint32_t i = 0; i < file->section_count; i++) {
        const struct pe_section *section = &file->sections[i];
        if (!(section->flags & (PE_SCN_EXECUTE | PE_SCN_CODE))) /* not the protection: with small alignment all pages are executable */
            continue;
        for (uint32_t at = section->rva; at < section->rva + section->vsize && at < image->size; at++)
            s.seen[at] |= CODE;
    }
    push_starts(&s);
    decode_all(&s);
    add_spins(&s);
    add_found_spins(&s, name);
    if (s.plan->count)
        qsort(s.plan->sites, s.plan->count, sizeof *s.plan->sites, by_rva);
    drop_flag_sites(&s);
    drop_doubtful_accesses(&s);
    place_trampolines(&s);
    if (patch_calls_are_watched()) {
        s.plan->called = calloc(s.plan->count + 1, 1);
        IR_ASSERT(s.plan->called);
    }
    free(s.seen);
    free(s.work);
    free(s.back);
    free(s.tables);
    return s.plan;
}
