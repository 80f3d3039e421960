/* What was found, in words. Findings end the run: RUN_FINDING. */
#include <ctype.h>
#include <string.h>

#include "nt/ke.h"
#include "ps/ps.h"
#include "race/intern.h"
#include "race/points.h"
#include "race/room.h"
#include "sim/image.h"
#include "trace/trace.h"

static const char *const rule_names[RACE_RULES] = {
    [RACE_DATA_RACE] = "DataRace",
    [RACE_USE_AFTER_FREE] = "UseAfterFree",
    [RACE_OUT_OF_BOUNDS] = "HeapBufferOverflow",
    [RACE_STACK_OUT_OF_BOUNDS] = "StackBufferOverflow",
    [RACE_GLOBAL_OUT_OF_BOUNDS] = "GlobalBufferOverflow",
    [RACE_USE_AFTER_SCOPE] = "UseAfterScope",
    [RACE_USE_AFTER_RETURN] = "UseAfterReturn",
    [RACE_USE_OF_COMPLETED_IRP] = "UseOfCompletedIrp",
};

void race_party_fill(struct race_party *p, const struct race_access *a)
{
    *p = (struct race_party) { .access = *a };
    const struct agent *agent = a->agent < MACHINE->agent_count ? MACHINE->agents[a->agent] : NULL;
    if (!agent)
        return;
    p->thread = agent->kind == AGENT_THREAD ? (uint64_t)agent->thread_object : 0;
    p->agent_kind = agent->kind;
    p->device = agent->device_irql != 0;
    const struct thread *t = agent->kind == AGENT_THREAD ? agent->thread : NULL;
    if (t && agent->state != AGENT_DEAD && t->name)
        snprintf(p->name, sizeof p->name, "%s", t->name);
}

_Noreturn void race_stop(struct race_room *r)
{
    const struct race_access *a = &r->finding.parties[r->finding.second].access;
    trace_event(TRACE_FINDING, r->finding.rule, a->address, a->pc, 0);
    sim_end(RUN_FINDING);
}

/* ---- words ---- */

static bool is_stack_of(const struct agent *a, uint64_t address)
{
    const struct thread *t = a->kind == AGENT_THREAD && a->state != AGENT_DEAD ? a->thread : NULL;
    return (address >= a->fiber.kernel_stack && address < a->fiber.kernel_stack_top) || (t && t->user_stack && address >= t->user_stack && address < t->user_stack_top);
}

static void tag_text(uint32_t tag, char out[8])
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(tag >> i * 8 & 0x7F);
        out[i] = isprint((unsigned char)c) ? c : '.';
    }
    out[4] = 0;
}

static int block_text(const struct race_block *b, uint64_t address, char *out, size_t size)
{
    char tag[8] = "";
    tag_text(b->tag, tag);
    char offset[60];
    uint64_t end = b->base + b->bytes;
    if (address < b->base)
        snprintf(offset, sizeof offset, "%llu bytes before", (unsigned long long)(b->base - address));
    else if (address >= end)
        snprintf(offset, sizeof offset, "%llu bytes behind the end of", (unsigned long long)(address - end));
    else
        snprintf(offset, sizeof offset, "at offset 0x%llx in", (unsigned long long)(address - b->base));
    return snprintf(out, size, "%s %s %s block%s%s%s of %llu bytes at %016llx", offset, b->live ? "a" : "a freed", b->tag ? "pool" : "heap", b->tag ? " '" : "",
                    b->tag ? tag : "", b->tag ? "'" : "", (unsigned long long)b->bytes, (unsigned long long)b->base);
}

void race_memory_text(const struct race_room *r, uint64_t address, struct race_block *block, char *out, size_t size)
{
    memset(block, 0, sizeof *block);
    const struct image *image = image_at(address);
    if (image) {
        image_symbol_text(address, out, size);
        return;
    }
    const struct race_block *b = race_block_at(r, address, 64);
    if (b) {
        *block = *b;
        block_text(b, address, out, size);
        return;
    }
    for (uint32_t i = 0; i < MACHINE->agent_count; i++)
        if (is_stack_of(MACHINE->agents[i], address)) {
            const struct agent *a = MACHINE->agents[i];
            snprintf(out, size, "on the stack of %s %016llx", a->kind == AGENT_THREAD ? "thread" : "a DPC", (unsigned long long)(uint64_t)a->thread_object);
            return;
        }
    snprintf(out, size, "memory of no block that is known");
}

static void access_text(const struct race_access *a, char *out, size_t size)
{
    char where[160];
    image_symbol_text(a->pc, where, sizeof where);
    if (a->freed)
        snprintf(out, size, "freed at %s", where);
    else
        snprintf(out, size, "%s%s of %u byte%s at %s", a->atomic ? "atomic " : "", a->write ? "write" : "read", a->size, a->size == 1 ? "" : "s", where);
}

static void who_text(const struct race_party *p, char *out, size_t size)
{
    if (p->agent_kind == AGENT_THREAD)
        snprintf(out, size, "thread %016llx%s%s%s", (unsigned long long)p->thread, p->name[0] ? " (" : "", p->name, p->name[0] ? ")" : "");
    else
        snprintf(out, size, p->device ? "an interrupt" : p->agent_kind == AGENT_CLOCK ? "the clock" : "a DPC");
}

static void locks_text(uint32_t set, char *out, size_t size)
{
    const uint64_t *locks;
    size_t n = race_interned(set, &locks), at = 0;
    snprintf(out, size, "none");
    for (size_t i = 0; i < n && at < size; i++) {
        char name[120];
        if (image_at(locks[i]))
            image_symbol_text(locks[i], name, sizeof name);
        else
            snprintf(name, sizeof name, "%016llx", (unsigned long long)locks[i]);
        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", name);
    }
}

static void message_text(const struct race_finding *f, char *out, size_t size)
{
    char first[240], second[240], who[2][80];
    access_text(&f->parties[0].access, first, sizeof first);
    who_text(&f->parties[0], who[0], sizeof who[0]);
    if (!f->second) {
        snprintf(out, size, "%s: %s by %s: %016llx, %s", rule_names[f->rule], first, who[0], (unsigned long long)f->parties[0].access.address, f->what);
        return;
    }
    access_text(&f->parties[1].access, second, sizeof second);
    who_text(&f->parties[1], who[1], sizeof who[1]);
    snprintf(out, size, "data race on %016llx, %s: %s by %s, and %s by %s, with nothing that orders them", (unsigned long long)f->parties[1].access.address, f->what, first,
             who[0], second, who[1]);
}

bool race_finding_get(char *name, size_t name_size, char *message, size_t message_size, uint64_t *place)
{
    const struct race_room *r = race_room();
    if (!r || !r->finding.rule)
        return false;
    snprintf(name, name_size, "%s", rule_names[r->finding.rule]);
    message_text(&r->finding, message, message_size);
    *place = r->finding.place;
    return true;
}

/* pc: of the access, in place of where its function began to be told of; 0: the stack as it is. */
static void print_stack(FILE *out, uint32_t stack, uint64_t pc)
{
    const uint64_t *frames;
    size_t n = race_interned(stack, &frames);
    fprintf(out, " # Call Site\n");
    for (size_t i = 0; i < n || (i == 0 && pc); i++) {
        char site[256];
        image_symbol_text(i == 0 && pc ? pc : frames[i], site, sizeof site);
        fprintf(out, "%02zx %s\n", i, site);
    }
}

static void print_party(FILE *out, const struct race_party *p, const char *what)
{
    char access[240], who[80], locks[400];
    access_text(&p->access, access, sizeof access);
    who_text(p, who, sizeof who);
    locks_text(p->access.locks, locks, sizeof locks);
    fprintf(out, "%s: %s\n    address %016llx, by %s, IRQL %u, locks held: %s\n", what, access, (unsigned long long)p->access.address, who, p->access.irql, locks);
    print_stack(out, p->access.stack, p->access.pc);
}

void race_finding_print(FILE *out)
{
    const struct race_room *r = race_room();
    if (!r || !r->finding.rule)
        return;
    const struct race_finding *f = &r->finding;
    fprintf(out, "*** %s\n\nMemory: %016llx, %s\n\n", rule_names[f->rule], (unsigned long long)f->parties[f->second].access.address, f->what);
    print_party(out, &f->parties[0], f->second ? "Earlier" : "Access");
    if (f->second) {
        fprintf(out, "\n");
        print_party(out, &f->parties[1], "Later");
    }
    if (f->block.base && f->block.made) {
        fprintf(out, "\nAllocated:\n");
        print_stack(out, f->block.made, 0);
    }
    if (f->block.base && f->block.freed) {
        fprintf(out, "\nFreed:\n");
        print_stack(out, f->block.freed, 0);
    }
}

/* ---- data races ---- */

static struct race_place place_or_nt(uint64_t pc)
{
    struct race_place p;
    if (race_place_at(pc, &p))
        return p;
    const struct image *i = image_at(pc);
    p = (struct race_place) { .rva = i ? (uint32_t)(pc - i->base) : 0 };
    snprintf(p.image, sizeof p.image, "%s", i ? i->name : "?");
    return p;
}

static uint64_t place_hash(const struct race_place *p)
{
    uint64_t h = 0xCBF29CE484222325ull ^ p->rva;
    for (const char *c = p->image; *c; c++)
        h = (h ^ (uint64_t)tolower((unsigned char)*c)) * 0x100000001B3ull;
    return h * 0x9E3779B97F4A7C15ull;
}

uint64_t race_place_number(uint64_t pc)
{
    struct race_place p = place_or_nt(pc);
    return place_hash(&p);
}

void race_found(struct race_room *r, const struct race_access *earlier, const struct race_access *later)
{
    if (earlier->stack == RACE_SWEPT || later->stack == RACE_SWEPT) {
        race_swept_found(r, earlier, later);
        return;
    }
    struct race_place a = place_or_nt(earlier->pc), b = place_or_nt(later->pc);
    if (race_points_has_pair(&a, &b))
        return;
    struct race_finding *f = &r->finding;
    f->rule = RACE_DATA_RACE;
    f->second = true;
    race_party_fill(&f->parties[0], earlier);
    race_party_fill(&f->parties[1], later);
    f->place = place_hash(&a) + place_hash(&b);
    race_memory_text(r, later->address, &f->block, f->what, sizeof f->what);
    race_stop(r);
}

void race_finding_note_pair(void)
{
    const struct race_room *r = race_room();
    if (!r || r->finding.rule != RACE_DATA_RACE)
        return;
    struct race_place a = place_or_nt(r->finding.parties[0].access.pc), b = place_or_nt(r->finding.parties[1].access.pc);
    race_points_note(&a, &b);
}
