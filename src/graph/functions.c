/* Where functions begin: .pdata (chained records belong to their primary one), symbols, exports, the entry point, guard
 * tables, targets of calls and of jumps that leave a function, and pointers. Code outside .pdata is swept from each of
 * these until it ends, which finds more. */
#include "graph/build.h"
#include "graph/decode.h"
#include "pe/unwind.h"

#include <stdlib.h>
#include <string.h>

static bool is_code(const struct graph_builder *b, uint32_t rva)
{
    return graph_is_code(b->g, rva);
}

static void add_start(struct graph_builder *b, uint32_t rva, unsigned extra)
{
    uint8_t *st = &b->state[rva];
    bool known = *st & STATE_START;
    *st |= (uint8_t)(STATE_START | extra);
    if (known || *st & (STATE_INSIDE | STATE_PART))
        return;
    void *p = graph_grow(b->work, &b->work_room, b->work_count, sizeof *b->work);
    if (!p) {
        b->out_of_memory = true;
        return;
    }
    b->work = p;
    b->work[b->work_count++] = rva;
}

/* --- .pdata --------------------------------------------------------------------------------------------- */

static uint32_t primary_of(const struct pe_mapped *m, const struct pe_function *fn)
{
    const uint8_t *info = pe_at(m, fn->unwind_rva & ~1u, 4);
    struct pe_function primary;
    bool chained = fn->unwind_rva & 1 || (info && info[0] >> 3 & PE_UNW_CHAININFO);
    return chained && pe_function_primary(m, fn, &primary) ? primary.begin_rva : fn->begin_rva;
}

static int by_begin(const void *a, const void *b)
{
    const struct graph_part *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Records of hostile images may lie anywhere and overlap: what does not follow the one before is dropped. */
static bool read_pdata(struct graph_builder *b)
{
    const struct pe_mapped *m = &b->g->m;
    uint32_t n = pe_function_count(m);
    b->parts = malloc((n + 1) * sizeof *b->parts);
    if (!b->parts)
        return false;
    bool sorted = true;
    for (uint32_t i = 0; i < n; i++) {
        struct pe_function fn;
        if (!pe_function_get(m, i, &fn) || fn.begin_rva >= fn.end_rva || fn.end_rva > m->size || !is_code(b, fn.begin_rva) ||
            !is_code(b, fn.end_rva - 1))
            continue;
        sorted &= b->part_count == 0 || b->parts[b->part_count - 1].begin <= fn.begin_rva;
        b->parts[b->part_count++] = (struct graph_part){ fn.begin_rva, fn.end_rva, primary_of(m, &fn) };
    }
    if (!sorted && b->part_count)
        qsort(b->parts, b->part_count, sizeof *b->parts, by_begin);
    size_t kept = 0;
    for (size_t i = 0; i < b->part_count; i++)
        if (!kept || b->parts[i].begin >= b->parts[kept - 1].end)
            b->parts[kept++] = b->parts[i];
    b->part_count = kept;
    return true;
}

static void mark_pdata(struct graph_builder *b)
{
    for (size_t i = 0; i < b->part_count; i++) {
        const struct graph_part *p = &b->parts[i];
        b->state[p->begin] |= STATE_PART;
        memset(b->state + p->begin + 1, STATE_INSIDE, p->end - p->begin - 1);
    }
    for (size_t i = 0; i < b->part_count; i++) {
        struct graph_part *p = &b->parts[i];
        if (p->function >= b->g->m.size || !(b->state[p->function] & STATE_PART))
            p->function = p->begin; /* its primary part was dropped */
        b->state[p->function] |= STATE_START;
    }
}

/* --- the other sources ---------------------------------------------------------------------------------- */

static void from_symbols(struct graph_builder *b)
{
    const struct pe_symbol *s;
    for (size_t i = 0; (s = pe_symbol_get(b->symbols, i)) != NULL; i++)
        if (s->kind == PE_SYMBOL_FUNCTION && is_code(b, s->rva) &&
            (!(b->state[s->rva] & STATE_INSIDE) || s->source == PE_SYMBOL_PROC))
            add_start(b, s->rva, 0);
}

static void from_guard_table(struct graph_builder *b, const struct pe_load_config *lc)
{
    for (uint32_t i = 0; i < lc->guard_table_count; i++) {
        uint64_t at = (uint64_t)lc->guard_table_rva + (uint64_t)i * lc->guard_table_stride;
        const uint8_t *p = at < b->g->m.size ? pe_at(&b->g->m, (uint32_t)at, 4) : NULL;
        uint32_t rva;
        if (!p)
            return;
        memcpy(&rva, p, sizeof rva);
        if (is_code(b, rva))
            add_start(b, rva, STATE_POINTER);
    }
}

static void from_load_config(struct graph_builder *b)
{
    struct pe_load_config lc;
    uint32_t *slots = b->g->x.guard_slots;
    if (pe_load_config(&b->g->m, &lc)) {
        slots[0] = lc.guard_dispatch_pointer_rva;
        slots[1] = lc.guard_xfg_dispatch_pointer_rva;
        slots[2] = lc.guard_check_pointer_rva;
        if (lc.guard_table_stride)
            from_guard_table(b, &lc);
    }
    const struct pe_symbol *s = slots[0] ? NULL : pe_symbol_find(b->symbols, "__guard_dispatch_icall_fptr");
    if (s)
        slots[0] = s->rva;
}

/* Absolute addresses in data, found by their relocations. */
static void from_relocations(struct graph_builder *b)
{
    const struct pe_mapped *m = &b->g->m;
    struct pe_directory d = m->dirs[PE_DIR_RELOC];
    for (uint32_t done = 0; done + 8 <= d.size;) {
        uint32_t page, size;
        const uint8_t *p = pe_at(m, d.rva + done, 8);
        if (!p)
            return;
        memcpy(&page, p, 4);
        memcpy(&size, p + 4, 4);
        if (size < 8 || size > d.size - done || !pe_at(m, d.rva + done, size))
            return;
        for (uint32_t i = 8; i + 2 <= size; i += 2) {
            uint16_t entry;
            uint64_t va;
            memcpy(&entry, p + i, 2);
            const uint8_t *at = entry >> 12 == 10 && page < m->size ? pe_at(m, page + (entry & 0xfff), 8) : NULL;
            if (!at)
                continue;
            memcpy(&va, at, 8);
            uint32_t rva = pe_rva_of(m, va);
            if (rva && is_code(b, rva) && !(b->state[rva] & STATE_INSIDE))
                add_start(b, rva, STATE_POINTER);
        }
        done += size;
    }
}

/* --- sweeping ------------------------------------------------------------------------------------------- */

/* What the sweep just saw may begin functions. A pointer may also lead to data between functions: it counts when the
 * bytes there decode for a while. */
static bool looks_like_code(const struct graph_builder *b, uint32_t rva)
{
    const uint8_t *p = b->g->m.base + rva, *end = b->g->m.base + b->g->m.size;
    for (int n = 0; n < 8; n++) {
        struct graph_insn i;
        if (!graph_decode(p, end, &i) || (i.opcode == 0 && i.map == GRAPH_MAP_1 && i.modrm == 0))
            return false;
        enum graph_flow f = graph_flow_of(&i);
        if (f == GRAPH_RETURN || f == GRAPH_JUMP || f == GRAPH_JUMP_FAR)
            return true;
        if (f == GRAPH_STOP)
            return n > 0;
        p += i.length;
    }
    return true;
}

static void starts_of(struct graph_builder *b, size_t from)
{
    for (size_t i = from; i < b->raws.count; i++) {
        const struct graph_raw *r = &b->raws.at[i];
        if (r->kind > RAW_BRANCH && r->kind != RAW_POINTER)
            continue;
        if (!is_code(b, r->target))
            continue;
        uint8_t st = b->state[r->target];
        if (r->kind == RAW_CALL)
            add_start(b, r->target, 0);
        else if (r->kind == RAW_POINTER && !(st & (STATE_INSIDE | STATE_START)) && looks_like_code(b, r->target))
            add_start(b, r->target, STATE_POINTER);
        else if (r->kind != RAW_POINTER && !(st & (STATE_INSIDE | STATE_PART)))
            add_start(b, r->target, 0);
    }
}

static uint32_t section_end(const struct graph_image *g, uint32_t rva)
{
    for (uint32_t i = 0; i < g->pe.section_count; i++) {
        const struct pe_section *s = &g->pe.sections[i];
        uint32_t size = s->vsize < s->raw_size ? s->vsize : s->raw_size;
        if (rva >= s->rva && rva - s->rva < size)
            return s->rva + size;
    }
    return rva;
}

static bool sweep_leaf(struct graph_builder *b, uint32_t rva)
{
    uint32_t end = section_end(b->g, rva), limit = rva + 1;
    while (limit < end && !(b->state[limit] & (STATE_START | STATE_PART)))
        limit++;
    void *p = graph_grow(b->leaves, &b->leaf_room, b->leaf_count, sizeof *b->leaves);
    if (!p)
        return false;
    b->leaves = p;
    b->state[rva] |= STATE_SWEPT;
    end = graph_sweep(b->g, rva, limit, true, &b->raws);
    b->leaves[b->leaf_count++] = (struct graph_part){ rva, end > rva ? end : rva + 1, rva };
    return true;
}

/* The sweep takes about two thirds of the time; it is the part that can be measured. */
static void tell_progress(const struct graph_builder *b, size_t part)
{
    if (b->how && b->how->progress)
        b->how->progress(b->how->progress_ctx, b->parts[part].begin - b->parts[0].begin,
                         (uint64_t)(b->parts[b->part_count - 1].end - b->parts[0].begin) * 3 / 2);
}

static bool sweep_all(struct graph_builder *b)
{
    for (size_t i = 0; i < b->part_count; i++) {
        if (i % 1024 == 0)
            tell_progress(b, i);
        graph_sweep(b->g, b->parts[i].begin, b->parts[i].end, false, &b->raws);
    }
    starts_of(b, 0);
    from_relocations(b);
    while (b->work_count && !b->out_of_memory && !b->raws.out_of_memory) {
        uint32_t rva = b->work[--b->work_count];
        size_t before = b->raws.count;
        if (b->state[rva] & STATE_SWEPT)
            continue;
        if (!sweep_leaf(b, rva))
            return false;
        starts_of(b, before);
    }
    graph_join_cold_parts(b);
    return !b->out_of_memory && !b->raws.out_of_memory;
}

bool graph_find_functions(struct graph_builder *b)
{
    const struct graph_image *g = b->g;
    b->state = calloc(1, (size_t)g->m.size + 1);
    if (!b->state || !read_pdata(b))
        return false;
    mark_pdata(b);
    from_load_config(b);
    from_symbols(b);
    if (g->pe.entry_rva && is_code(b, g->pe.entry_rva))
        add_start(b, g->pe.entry_rva, 0);
    return sweep_all(b);
}
