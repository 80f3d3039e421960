/* The images of the modules that we are: ntoskrnl.exe, hal.dll, kernel32.dll, … in the arena, with export directory, unwind
 * information and one 64-byte slot a function. A slot holds the way through the door and, at SITE, the address that callbacks
 * return to, so that guest code and debuggers see an ordinary module.
 *
 * Layout of an image: 0x1000 headers; .text (slots); .rdata (exports, unwind); .data (exported data). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"

enum {
    SLOT = 64,
    SITE = 0x25,
    TEXT_RVA = 0x1000,
    KERNEL_MODULES = 0x400000, /* offset in the kernel half */
    USER_MODULES_BYTES = 0x10000000,
    MAX_MODULES = 64,
    MAX_SLOTS = 8192,
};

static const struct {
    enum frame_name id;
    const char *module, *name;
} frame_names[] = {
#define FRAME(module, name) { FRAME_##name, #module, #name },
#define FRAME_ID(id, module, name) { FRAME_##id, #module, #name },
#include "sim/frames.def"
#undef FRAME
#undef FRAME_ID
};

/* Constants of the process: where each table entry ended up. The same in every run. */
static uint64_t export_at[MAX_SLOTS];
enum { MAX_RANGES = 128 };
static struct {
    uint64_t begin, end;
    uint32_t first;
} export_ranges[MAX_RANGES]; /* exports that lie side by side, a module each */
static unsigned export_range_count;
static uint64_t frame_at[FRAME_COUNT];

struct builder {
    const char *module; /* with extension */
    uint64_t base;
    uint32_t first, count; /* door_table range */
    uint32_t labels;
    uint32_t rdata, data, end; /* RVAs */
    uint32_t at; /* allocation pointer in .rdata */
    bool user;
};

static void put8(uint64_t at, uint8_t v)
{
    *(uint8_t *)at = v;
}
static void put16(uint64_t at, uint16_t v)
{
    memcpy((void *)at, &v, 2);
}
static void put32(uint64_t at, uint32_t v)
{
    memcpy((void *)at, &v, 4);
}
static void put64(uint64_t at, uint64_t v)
{
    memcpy((void *)at, &v, 8);
}

static bool is_user_module(const char *module)
{
    return strcmp(module, "ntoskrnl.exe") != 0 && strcmp(module, "hal.dll") != 0 && !strstr(module, ".sys");
}

static const char *label_module_file(const char *label_module)
{
    if (strcmp(label_module, "nt") == 0)
        return "ntoskrnl.exe";
    return strcmp(label_module, "ntdll") == 0 ? "ntdll.dll" : "kernel32.dll";
}

static uint32_t label_count(const char *module)
{
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof frame_names / sizeof frame_names[0]; i++)
        n += strcmp(label_module_file(frame_names[i].module), module) == 0;
    return n;
}

/* jmp qword ptr [rip+d] at `at`, through the cell at `cell`. */
static void put_jump(uint64_t at, uint64_t cell)
{
    put16(at, 0x25FF);
    put32(at + 2, (uint32_t)(cell - (at + 6)));
}

static void put_slot(const struct builder *b, uint32_t slot, uint32_t index)
{
    uint64_t at = b->base + TEXT_RVA + (uint64_t)slot * SLOT;
    uint64_t cells = b->base + TEXT_RVA;
    memset((void *)at, 0xCC, SLOT);
    put8(at, 0xB8); /* mov eax, index */
    put32(at + 1, index);
    put_jump(at + 5, cells);
    put16(at + SITE - SITE_CALL, 0xD0FF); /* call rax: how host_guest_call gets to the guest */
    /* The nop keeps unwinders from taking the jump for an epilog. */
    put8(at + SITE, 0x90);
    put_jump(at + SITE + 1, cells + 8);
}

/* Machine code for the guest in place of the way through the door. */
static void put_code(uint64_t at, const struct door_code *c)
{
    IR_ASSERT(c->size <= SLOT);
    memset((void *)at, 0xCC, SLOT);
    memcpy((void *)at, c->code, c->size);
}

static uint32_t put_text_slots(struct builder *b)
{
    put64(b->base + TEXT_RVA, DOOR_PAGE + DOOR_ENTRY);
    put64(b->base + TEXT_RVA + 8, DOOR_PAGE + DOOR_RETURN);
    put8(b->base + TEXT_RVA + 0x20, 0xC3); /* guard check: ret */
    put16(b->base + TEXT_RVA + 0x28, 0xE0FF); /* guard dispatch: jmp rax */
    uint32_t slot = 1;
    IR_ASSERT(export_range_count < MAX_RANGES);
    uint64_t begin = b->base + TEXT_RVA + SLOT;
    export_ranges[export_range_count].begin = begin;
    export_ranges[export_range_count].end = begin + (uint64_t)b->count * SLOT;
    export_ranges[export_range_count++].first = b->first;
    for (uint32_t i = 0; i < b->count; i++, slot++) {
        const struct door_entry *e = &door_table[b->first + i];
        put_slot(b, slot, b->first + i);
        if (e->nargs == DOOR_CODE)
            put_code(b->base + TEXT_RVA + (uint64_t)slot * SLOT, (const struct door_code *)(uint64_t)e->fn);
        export_at[b->first + i] = b->base + TEXT_RVA + (uint64_t)slot * SLOT;
    }
    for (size_t i = 0; i < sizeof frame_names / sizeof frame_names[0]; i++) {
        if (strcmp(label_module_file(frame_names[i].module), b->module) != 0)
            continue;
        put_slot(b, slot, 0xFFFFFFFF);
        frame_at[frame_names[i].id] = b->base + TEXT_RVA + (uint64_t)slot * SLOT;
        slot++;
    }
    return slot;
}

static uint32_t reserve(struct builder *b, uint32_t bytes)
{
    uint32_t at = b->at;
    b->at += (bytes + 7) & ~7u;
    return at;
}

static uint32_t put_string(struct builder *b, const char *s)
{
    uint32_t rva = reserve(b, (uint32_t)strlen(s) + 1);
    strcpy((char *)(b->base + rva), s);
    return rva;
}

/* Unwind information of the frame that the door builds; with trap, of one that lies below a machine frame. */
static uint32_t put_unwind_door(struct builder *b, bool trap)
{
    uint16_t codes[64];
    unsigned n = 0;
    static const uint8_t gpr[8] = { 3, 5, 6, 7, 12, 13, 14, 15 };
    for (unsigned i = 0; i < 10; i++) {
        codes[n++] = (uint16_t)((8 | (6 + i) << 4) << 8); /* UWOP_SAVE_XMM128 */
        codes[n++] = (uint16_t)((DOOR_FRAME_XMM + i * 16) / 16);
    }
    for (unsigned i = 0; i < 8; i++) {
        codes[n++] = (uint16_t)((4 | gpr[i] << 4) << 8); /* UWOP_SAVE_NONVOL */
        codes[n++] = (uint16_t)((DOOR_FRAME_GPR + i * 8) / 8);
    }
    codes[n++] = (uint16_t)(1 << 8); /* UWOP_ALLOC_LARGE */
    codes[n++] = DOOR_FRAME_SIZE / 8;
    if (trap)
        codes[n++] = 10 << 8; /* UWOP_PUSH_MACHFRAME, no error code */
    uint32_t rva = reserve(b, 4 + n * 2 + 4);
    put8(b->base + rva, 1);
    put8(b->base + rva + 2, (uint8_t)n);
    memcpy((void *)(b->base + rva + 4), codes, n * 2);
    return rva;
}

static uint32_t put_unwind_alloc(struct builder *b, uint32_t bytes)
{
    uint32_t rva = reserve(b, 8);
    put8(b->base + rva, 1);
    put8(b->base + rva + 2, 2);
    put16(b->base + rva + 4, 1 << 8);
    put16(b->base + rva + 6, (uint16_t)(bytes / 8));
    return rva;
}

/* The frame at the top of a kernel stack that was entered from user mode: a machine frame above the locals. */
static uint32_t put_unwind_syscall(struct builder *b)
{
    uint32_t rva = reserve(b, 12);
    put8(b->base + rva, 1);
    put8(b->base + rva + 2, 3);
    put16(b->base + rva + 4, 1 << 8);
    put16(b->base + rva + 6, LABEL_FRAME_SIZE / 8);
    put16(b->base + rva + 8, 10 << 8); /* UWOP_PUSH_MACHFRAME, no error code */
    return rva;
}

static uint32_t put_unwind_code(struct builder *b, const struct door_code *c)
{
    uint32_t rva = reserve(b, 8);
    put8(b->base + rva, 1);
    put8(b->base + rva + 1, c->prolog);
    if (!c->pushes)
        return rva;
    put8(b->base + rva + 2, 1);
    put16(b->base + rva + 4, (uint16_t)(c->prolog | (2 | (c->pushes / 8 - 1) << 4) << 8)); /* UWOP_ALLOC_SMALL */
    return rva;
}

bool door_frame_is_trap(enum frame_name frame)
{
    return (frame >= FRAME_KiPageFault && frame <= FRAME_RcConsolidateFrames) || frame == FRAME_UserRcConsolidateFrames ||
           frame == FRAME_KiUserExceptionDispatcher;
}

uint32_t door_frame_size(enum frame_name frame)
{
    switch (frame) {
    case FRAME_RtlDispatchException:
    case FRAME_UserRtlDispatchException:
    case FRAME_RtlpUnwindEx:
    case FRAME_UserRtlpUnwindEx:
    case FRAME_KiFastFailDispatch:
        return SEH_FRAME_SIZE;
    default:
        return door_frame_is_trap(frame) ? DOOR_FRAME_SIZE : LABEL_FRAME_SIZE;
    }
}

/* The unwind records that slots share, by RVA. */
struct unwind_records {
    uint32_t door, trap, label, syscall, seh;
};

static uint32_t unwind_of_export(struct builder *b, const struct unwind_records *u, const struct door_entry *e)
{
    return e->nargs == DOOR_CODE ? put_unwind_code(b, (const struct door_code *)(uint64_t)e->fn) : u->door;
}

static uint32_t unwind_of_label(const struct unwind_records *u, enum frame_name frame)
{
    if (frame == FRAME_KiSystemServiceCopyEnd)
        return u->syscall;
    if (door_frame_is_trap(frame))
        return u->trap;
    return door_frame_size(frame) == SEH_FRAME_SIZE ? u->seh : u->label;
}

static uint32_t put_pdata(struct builder *b, uint32_t slots, uint32_t *bytes)
{
    const struct unwind_records u = { .door = put_unwind_door(b, false), .trap = put_unwind_door(b, true), .label = put_unwind_alloc(b, LABEL_FRAME_SIZE),
                                      .syscall = put_unwind_syscall(b), .seh = put_unwind_alloc(b, SEH_FRAME_SIZE) };
    *bytes = (slots - 1) * 12;
    uint32_t rva = reserve(b, *bytes);
    for (uint32_t i = 1; i < slots; i++) {
        uint32_t begin = TEXT_RVA + i * SLOT;
        uint64_t at = b->base + rva + (i - 1) * 12;
        put32(at, begin);
        put32(at + 4, begin + SLOT);
        put32(at + 8, i <= b->count ? unwind_of_export(b, &u, &door_table[b->first + i - 1]) : unwind_of_label(&u, door_frame_at(b->base + begin)));
    }
    return rva;
}

static uint32_t data_count(const char *module)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < door_data_count; i++)
        n += strcmp(door_data[i].module, module) == 0;
    return n;
}

struct named {
    const char *name;
    uint32_t rva;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static uint32_t put_exports(struct builder *b, uint32_t *bytes)
{
    uint32_t nd = data_count(b->module), n = b->count + nd, data = b->data;
    struct named *names = calloc(n, sizeof *names);
    uint32_t k = 0;
    for (uint32_t i = 0; i < b->count; i++)
        if (door_table[b->first + i].name[0] != '#' && door_table[b->first + i].state != DOOR_INTERNAL)
            names[k++] = (struct named) { door_table[b->first + i].name, (uint32_t)(export_at[b->first + i] - b->base) };
    for (uint32_t i = 0; i < door_data_count; i++) {
        if (strcmp(door_data[i].module, b->module) != 0)
            continue;
        names[k++] = (struct named) { door_data[i].name, data };
        data += (door_data[i].size + 15) & ~15u;
    }
    qsort(names, k, sizeof *names, by_name);
    uint32_t start = reserve(b, 40), functions = reserve(b, k * 4), name_table = reserve(b, k * 4), ordinals = reserve(b, k * 2);
    uint32_t module_name = put_string(b, b->module);
    for (uint32_t i = 0; i < k; i++) {
        put32(b->base + functions + i * 4, names[i].rva);
        put32(b->base + name_table + i * 4, put_string(b, names[i].name));
        put16(b->base + ordinals + i * 2, (uint16_t)i);
    }
    uint64_t d = b->base + start;
    put32(d + 12, module_name);
    put32(d + 16, 1);
    put32(d + 20, k);
    put32(d + 24, k);
    put32(d + 28, functions);
    put32(d + 32, name_table);
    put32(d + 36, ordinals);
    *bytes = b->at - start;
    free(names);
    return start;
}

static void put_section(uint64_t at, const char *name, uint32_t rva, uint32_t size, uint32_t flags)
{
    memcpy((void *)at, name, strlen(name));
    put32(at + 8, size);
    put32(at + 12, rva);
    put32(at + 16, size);
    put32(at + 20, rva);
    put32(at + 36, flags);
}

static void put_headers(const struct builder *b, uint32_t exports, uint32_t exports_size, uint32_t pdata, uint32_t pdata_size)
{
    uint64_t h = b->base;
    put16(h, 0x5A4D);
    put32(h + 0x3C, 0x80);
    uint64_t nt = h + 0x80, opt = nt + 24;
    put32(nt, 0x4550);
    put16(nt + 4, 0x8664);
    put16(nt + 6, 3);
    put16(nt + 20, 240);
    put16(nt + 22, 0x2022);
    put16(opt, 0x20B);
    put64(opt + 24, b->base);
    put32(opt + 32, 0x1000);
    put32(opt + 36, 0x1000);
    put16(opt + 40, 10); /* operating-system and subsystem versions */
    put16(opt + 48, 10);
    put32(opt + 56, b->end);
    put32(opt + 60, 0x1000);
    put16(opt + 68, b->user ? 3 : 1);
    put32(opt + 108, 16);
    put32(opt + 112, exports);
    put32(opt + 116, exports_size);
    put32(opt + 112 + 3 * 8, pdata);
    put32(opt + 116 + 3 * 8, pdata_size);
    uint64_t s = opt + 240;
    put_section(s, ".text", TEXT_RVA, b->rdata - TEXT_RVA, 0x60000020);
    put_section(s + 40, ".rdata", b->rdata, b->data - b->rdata, 0x40000040);
    put_section(s + 80, ".data", b->data, b->end - b->data, 0xC0000040);
}

static uint32_t page_up(uint32_t x)
{
    return (x + 0xFFF) & ~0xFFFu;
}

static uint32_t data_bytes(const char *module)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < door_data_count; i++)
        if (strcmp(door_data[i].module, module) == 0)
            n += (door_data[i].size + 15) & ~15u;
    return n;
}

static void data_fill(const struct builder *b)
{
    uint64_t at = b->base + b->data;
    for (uint32_t i = 0; i < door_data_count; i++) {
        if (strcmp(door_data[i].module, b->module) != 0)
            continue;
        if (door_data[i].fill)
            door_data[i].fill((void *)at);
        at += (door_data[i].size + 15) & ~15u;
    }
}

static uint64_t build(struct builder *b)
{
    uint32_t slots = 1 + b->count + label_count(b->module);
    IR_ASSERT(slots < MAX_SLOTS);
    b->rdata = TEXT_RVA + page_up(slots * SLOT);
    /* Generous bound for directories: names, tables and unwind records. */
    b->data = b->rdata + page_up(0x2000 + slots * 120 + data_count(b->module) * 120);
    uint32_t data_size = page_up(data_bytes(b->module) + 16);
    b->end = b->data + data_size;
    host_protect(b->base, b->end, PROT_READ | PROT_WRITE);
    b->at = b->rdata;
    put_text_slots(b);
    uint32_t exports_size, pdata_size;
    uint32_t pdata = put_pdata(b, slots, &pdata_size);
    uint32_t exports = put_exports(b, &exports_size);
    IR_ASSERT(b->at <= b->data);
    put_headers(b, exports, exports_size, pdata, pdata_size);
    host_protect(b->base, 0x1000, PROT_READ);
    host_protect(b->base + TEXT_RVA, b->rdata - TEXT_RVA, PROT_READ | PROT_EXEC);
    host_protect(b->base + b->rdata, b->data - b->rdata, PROT_READ);
    struct segment *s = sim_segment_add(b->base + b->data, data_size, SEGMENT_PLAIN, true);
    s->used = data_bytes(b->module);
    image_register_synthetic(b->module, b->base, b->end, b->user);
    data_fill(b);
    return b->base + ((b->end + 0xFFFF) & ~0xFFFFull);
}

void door_images_build(void)
{
    export_range_count = 0;
    uint64_t kernel_at = KERNEL_BASE + KERNEL_MODULES, user_at = USER_END;
    for (uint32_t i = 0; i < door_count;) {
        struct builder b = { .module = door_table[i].module, .first = i };
        while (i < door_count && strcmp(door_table[i].module, b.module) == 0)
            i++;
        b.count = i - b.first;
        b.user = is_user_module(b.module);
        b.base = b.user ? user_at : kernel_at;
        uint64_t next = build(&b);
        *(b.user ? &user_at : &kernel_at) = next;
    }
}

uint64_t door_slot(uint32_t index)
{
    return export_at[index];
}

uint64_t door_site(uint32_t index)
{
    return export_at[index] + SITE;
}

uint64_t door_frame_site(enum frame_name frame)
{
    return frame_at[frame] + SITE;
}

uint64_t door_frame_start(enum frame_name frame)
{
    return frame_at[frame];
}

enum frame_name door_frame_at(uint64_t address)
{
    for (size_t i = 0; i < sizeof frame_names / sizeof frame_names[0]; i++)
        if (address - frame_at[frame_names[i].id] < SLOT)
            return frame_names[i].id;
    return FRAME_NONE;
}

const char *door_frame_name(uint64_t address, const char **module)
{
    for (size_t i = 0; i < sizeof frame_names / sizeof frame_names[0]; i++)
        if (address - frame_at[frame_names[i].id] < SLOT) {
            *module = frame_names[i].module;
            return frame_names[i].name;
        }
    return NULL;
}

uint32_t door_index_at(uint64_t address)
{
    for (unsigned i = 0; i < export_range_count; i++)
        if (address >= export_ranges[i].begin && address < export_ranges[i].end)
            return export_ranges[i].first + (uint32_t)((address - export_ranges[i].begin) / SLOT);
    return UINT32_MAX;
}

const struct door_entry *door_entry_at(uint64_t address)
{
    uint32_t i = door_index_at(address);
    return i == UINT32_MAX ? NULL : &door_table[i];
}

uint64_t door_export_address(const char *module, const char *name)
{
    uint32_t low = 0, high = door_count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int c = strcmp(door_table[mid].module, module);
        if (c == 0)
            c = strcmp(door_table[mid].name, name);
        if (c == 0)
            return export_at[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return 0;
}

uint64_t door_guard_check(void)
{
    return export_at[0] ? image_find("ntoskrnl.exe")->base + TEXT_RVA + 0x20 : 0;
}

uint64_t door_guard_dispatch(void)
{
    return export_at[0] ? image_find("ntoskrnl.exe")->base + TEXT_RVA + 0x28 : 0;
}
