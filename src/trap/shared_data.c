/* KUSER_SHARED_DATA at its two fixed addresses. User mode: the page is mapped there when first touched. Kernel mode: that address is
 * not ours to map, so the accessing instruction runs as a copy that addresses our page instead; made once a place. */
#include <Zydis/Zydis.h>
#include <string.h>
#include <sys/mman.h>

#include "ke/private.h"
#include "sim/patch.h"
#include "trap/emulate.h"
#include "trap/trap.h"

#define COPIES_BASE (KERNEL_BASE + 0xA0180000)

enum { COPY = 32, COPIES_BYTES = 0x4000, MAX_COPIES = COPIES_BYTES / COPY, DIRECTION_FLAG = 0x400 };

/* Not part of a run: the same instruction at the same place always gets the same copy. */
static struct {
    uint64_t rip, address;
    uint8_t code[15];
} copies[MAX_COPIES];
static unsigned copy_count;
static bool copies_mapped, user_mapped;

static bool in_page(uint64_t address, uint64_t page)
{
    return address - page < sizeof(KUSER_SHARED_DATA);
}

bool shared_data_is(uint64_t address)
{
    /* A program has no access to the kernel's address. */
    return (in_page(address, KI_USER_SHARED_DATA_KERNEL) && !trap_user_mode()) || in_page(address, KI_USER_SHARED_DATA_USER);
}

static uint64_t copy_of(uint64_t rip, uint64_t address)
{
    for (unsigned i = 0; i < copy_count; i++)
        if (copies[i].rip == rip && copies[i].address == address && memcmp(copies[i].code, (const void *)rip, 4) == 0)
            return COPIES_BASE + i * COPY;
    return 0;
}

/* The instruction with its memory operand replaced. Length, 0 if that cannot be done (string instructions). */
static ZyanUSize readdress(uint64_t rip, uint64_t to, uint64_t at, uint8_t *out, uint8_t *length)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisEncoderRequest request;
    uint8_t bytes[15];
    memcpy(bytes, (const void *)rip, 15);
    patch_original_bytes(rip, bytes, 15);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, 15, &in, op)))
        return 0;
    if (!ZYAN_SUCCESS(ZydisEncoderDecodedInstructionToEncoderRequest(&in, op, in.operand_count_visible, &request)))
        return 0;
    *length = in.length;
    for (unsigned i = 0; i < request.operand_count; i++) {
        if (request.operands[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        request.operands[i].mem.base = ZYDIS_REGISTER_RIP;
        request.operands[i].mem.index = ZYDIS_REGISTER_NONE;
        request.operands[i].mem.scale = 0;
        request.operands[i].mem.displacement = (ZyanI64)to;
        ZyanUSize n = 15;
        return ZYAN_SUCCESS(ZydisEncoderEncodeInstructionAbsolute(&request, out, &n, at)) ? n : 0;
    }
    return 0;
}

static uint64_t copy_make(uint64_t rip, uint64_t address, uint64_t to)
{
    static const uint8_t jump[6] = { 0xFF, 0x25, 0, 0, 0, 0 };
    uint64_t at = COPIES_BASE + copy_count * COPY;
    uint8_t code[COPY] = { 0 }, length;
    if (copy_count == MAX_COPIES)
        copy_count = 0; /* begin anew: old copies are made again when needed */
    ZyanUSize n = readdress(rip, to, at, code, &length);
    if (!n)
        return 0;
    uint64_t next = rip + length;
    memcpy(code + n, jump, 6);
    memcpy(code + n + 6, &next, 8);
    if (!copies_mapped)
        host_protect(COPIES_BASE, COPIES_BYTES, PROT_READ | PROT_WRITE);
    copies_mapped = true;
    host_protect(at & ~0xFFFull, 0x1000, PROT_READ | PROT_WRITE);
    memcpy((void *)at, code, COPY);
    host_protect(at & ~0xFFFull, 0x1000, PROT_READ | PROT_EXEC);
    copies[copy_count].rip = rip;
    copies[copy_count].address = address;
    memcpy(copies[copy_count++].code, (const void *)rip, 15);
    return at;
}

/* movs from the page, with or without rep, upwards and within it. `from` is the page's byte that rsi names. False: it is something else. */
static bool move_string(struct host_context *c, uint64_t from, uint64_t left)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction in;
    uint8_t bytes[15];
    memcpy(bytes, (const void *)c->rip, 15);
    patch_original_bytes(c->rip, bytes, 15);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, 15, &in)) || in.address_width != 64 || c->rflags & DIRECTION_FLAG)
        return false;
    unsigned size = in.mnemonic == ZYDIS_MNEMONIC_MOVSB ? 1 : in.mnemonic == ZYDIS_MNEMONIC_MOVSW ? 2 :
                    in.mnemonic == ZYDIS_MNEMONIC_MOVSD ? 4 : in.mnemonic == ZYDIS_MNEMONIC_MOVSQ ? 8 : 0;
    bool repeated = in.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPNE);
    uint64_t count = repeated ? c->rcx : 1;
    if (size == 0 || in.opcode != (size == 1 ? 0xA4 : 0xA5) || in.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT || count > left / size ||
        !host_guarded_copy((void *)c->rdi, (const void *)from, count * size))
        return false;
    c->rsi += count * size;
    c->rdi += count * size;
    c->rcx -= repeated ? count : 0;
    c->rip += in.length;
    return true;
}

bool shared_data_access(struct host_fault *f)
{
    if (!MACHINE->rooms[ROOM_KE])
        return false;
    if (in_page(f->address, KI_USER_SHARED_DATA_USER) && f->access == 0) {
        if (!user_mapped)
            host_alias(KI_USER_SHARED_DATA_USER, ke_shared_data() & ~0xFFFull, 0x1000, PROT_READ);
        return user_mapped = true;
    }
    if (f->in_host || f->access != 0 || !in_page(f->address, KI_USER_SHARED_DATA_KERNEL))
        return false;
    uint64_t to = ke_shared_data() + (f->address - KI_USER_SHARED_DATA_KERNEL);
    if (f->address == f->context.rsi && move_string(&f->context, to, KI_USER_SHARED_DATA_KERNEL + sizeof(KUSER_SHARED_DATA) - f->address))
        return true;
    uint64_t copy = copy_of(f->context.rip, f->address);
    if (!copy)
        copy = copy_make(f->context.rip, f->address, to);
    if (copy)
        f->context.rip = copy;
    return copy != 0;
}
