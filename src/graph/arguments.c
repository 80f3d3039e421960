/* The collateral of calls, read from what registers and stack hold at each. */
#include "graph/arguments.h"
#include "graph/sweep.h"
#include "graph/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nt/status.h"

enum { REGISTERS = 4, STACK_ARGUMENTS = 8 };

struct reader {
    const struct graph_image *g;
    uint32_t function;
    struct graph_arguments *out;
};

static void add(struct reader *r, uint32_t site, uint32_t function, const char *text)
{
    struct graph_arguments *o = r->out;
    for (size_t i = o->count; i-- > 0 && o->at[i].site == site;)
        if (strcmp(o->at[i].text, text) == 0)
            return;
    void *p = graph_grow(o->at, &o->room, o->count, sizeof *o->at);
    char *copy = p ? strdup(text) : NULL;
    if (p)
        o->at = p;
    if (!copy) {
        o->out_of_memory = true;
        return;
    }
    o->at[o->count++] = (struct graph_argument){ site, function, copy };
}

/* --- one value ------------------------------------------------------------------------------------------ */

static uint32_t function_of(const struct graph_image *g, uint64_t va)
{
    uint32_t rva = pe_rva_of(&g->m, va), f = rva && graph_is_code(g, rva) ? graph_function_at(&g->x, rva) : GRAPH_NONE;
    return f;
}

static bool tag_text(uint32_t tag, char *out)
{
    char text[5] = { 0 };
    for (int i = 0; i < 4; i++) {
        uint8_t c = (uint8_t)(tag >> (8 * i));
        if (i == 0 && tag == 0)
            return false;
        text[i] = c >= 0x20 && c < 0x7f ? (char)c : c == 0 ? ' ' : '.';
    }
    snprintf(out, GRAPH_NAME, "%08X\xe2\xae\x8e'%s'", tag, text);
    return true;
}

/* As a listing writes numbers: a leading zero before a letter. */
static void hexadecimal(uint32_t v, char *out, size_t n)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%X", v);
    snprintf(out, n, "0x%s%s", digits[0] > '9' ? "0" : "", digits);
}

static bool status_text(uint64_t v, char *out)
{
    bool extended = v >> 32 == 0 || v >> 32 == UINT32_MAX;
    const char *name = extended && (uint32_t)v >> 30 == 3 ? nt_status_name((NTSTATUS)(uint32_t)v) : NULL;
    if (!name || strncmp(name, "STATUS_", 7) != 0) /* "unknown" */
        return false;
    snprintf(out, GRAPH_NAME, "0x%X=%s", (uint32_t)v, name);
    return true;
}

static void read_constant(struct reader *r, uint32_t site, enum graph_role role, uint64_t v)
{
    char text[GRAPH_NAME];
    uint32_t f = function_of(r->g, v);
    if (f != GRAPH_NONE) {
        uint32_t import = r->g->x.functions[f].import;
        add(r, site, f, import != GRAPH_NONE ? graph_import_name(r->g, import, text) : graph_function_name(r->g, f, text));
        return;
    }
    if (role == GRAPH_ROLE_TAG && tag_text((uint32_t)v, text)) {
        add(r, site, GRAPH_NONE, text);
    } else if (role == GRAPH_ROLE_BUGCHECK) {
        const char *name = graph_bugcheck_name((uint32_t)v);
        hexadecimal((uint32_t)v, text, sizeof text);
        size_t n = strlen(text);
        if (name)
            snprintf(text + n, sizeof text - n, "=%s", name);
        add(r, site, GRAPH_NONE, text);
    } else if (status_text(v, text)) {
        add(r, site, GRAPH_NONE, text);
    }
}

struct callback_at {
    struct reader *r;
    uint32_t site;
};

static void callback(void *ctx, const char *field, uint32_t function)
{
    struct callback_at *c = ctx;
    char text[GRAPH_NAME];
    add(c->r, c->site, function, graph_function_name(c->r->g, function, text));
}

static void read_set(struct reader *r, uint32_t site, const char *routine, unsigned index, const struct graph_state *st, const struct graph_set *s)
{
    struct callback_at c = { r, site };
    graph_read_callbacks(r->g, st, s, routine, index, callback, &c);
    for (unsigned k = 0; s && k < s->count; k++) {
        if (s->v[k].kind == GRAPH_CONST)
            read_constant(r, site, graph_role_of(routine, index), s->v[k].number);
    }
}

static const char *routine_of(const struct graph_image *g, const struct graph_edge *e)
{
    if (e->kind == GRAPH_EDGE_IMPORT && e->to >= GRAPH_FRAMEWORK_SLOT) /* while the index is built */
        return graph_framework_name(e->to - GRAPH_FRAMEWORK_SLOT);
    if (e->kind == GRAPH_EDGE_IMPORT)
        return graph_string(&g->x, g->x.imports[e->to].name);
    return e->kind == GRAPH_EDGE_GUARD ? "" : graph_string(&g->x, g->x.functions[e->to].name);
}

/* --- one call ------------------------------------------------------------------------------------------- */

static void stack_load(void *ctx, int64_t offset)
{
    unsigned *most = ctx;
    int64_t k = (offset - 0x28) / 8;
    if (offset >= 0x28 && k < STACK_ARGUMENTS && k >= *most)
        *most = (unsigned)k + 1;
}

/* What the body of a function of this image reads behind its home area. */
static unsigned stack_arguments_of(const struct graph_image *g, uint32_t function)
{
    unsigned most = 0;
    struct graph_body body;
    struct graph_watch watch = { .ctx = &most, .at_stack_load = stack_load };
    if (!graph_body(g, function, &body))
        return STACK_ARGUMENTS;
    graph_propagate(g, &body, NULL, &watch);
    graph_body_free(&body);
    return most;
}

static bool any_on_stack(const struct graph_state *st)
{
    for (unsigned k = 0; k < STACK_ARGUMENTS; k++)
        if (graph_stack_argument(st, 0x20 + 8 * (int64_t)k))
            return true;
    return false;
}

/* Locals lie where the arguments of another call would: how many there are is asked of the callee. */
static unsigned arity(struct reader *r, const struct graph_edge *e, const char *routine, const struct graph_state *st)
{
    if (e->kind == GRAPH_EDGE_IMPORT)
        return graph_arity_of(routine);
    if (e->kind == GRAPH_EDGE_GUARD || !any_on_stack(st))
        return GRAPH_ANY_ARGUMENTS;
    return REGISTERS + stack_arguments_of(r->g, e->to);
}

static void read_arguments(struct reader *r, const struct graph_edge *e, const struct graph_state *st)
{
    static const uint8_t registers[REGISTERS] = { 1, 2, 8, 9 };
    const char *routine = routine_of(r->g, e);
    uint32_t site = e->site;
    unsigned count = arity(r, e, routine, st);
    for (unsigned k = 0; k < REGISTERS && k < count; k++)
        read_set(r, site, routine, k, st, &st->reg[registers[k]]);
    for (unsigned k = 0; REGISTERS + k < count && k < STACK_ARGUMENTS; k++)
        read_set(r, site, routine, REGISTERS + k, st, graph_stack_argument(st, 0x20 + 8 * (int64_t)k));
}

static uint64_t stored_at(const struct graph_image *g, uint64_t va)
{
    uint32_t rva = pe_rva_of(&g->m, va);
    const uint8_t *p = rva ? pe_at(&g->m, rva, 8) : NULL;
    uint64_t to = 0;
    if (p)
        memcpy(&to, p, sizeof to);
    return to;
}

static uint32_t stored_function(const struct graph_image *g, uint64_t va)
{
    uint64_t to = stored_at(g, va);
    return to ? function_of(g, to) : GRAPH_NONE;
}

/* What a guarded call goes to: rax. */
static void read_guard(struct reader *r, uint32_t site, const struct graph_set *s)
{
    char text[GRAPH_NAME], target[GRAPH_NAME];
    bool any = false;
    for (unsigned k = 0; k < s->count; k++) {
        uint64_t v = s->v[k].number;
        uint32_t f = s->v[k].kind == GRAPH_CONST ? function_of(r->g, v) : GRAPH_NONE;
        if (s->v[k].kind == GRAPH_LOADED && s->v[k].field == 0 && pe_rva_of(&r->g->m, v)) {
            graph_address_name(r->g, pe_rva_of(&r->g->m, v), text);
            f = stored_function(r->g, v);
            size_t n = strlen(text);
            if (f != GRAPH_NONE)
                snprintf(text + n, sizeof text - n, "=%s", graph_function_name(r->g, f, target));
            else if (r->g->peers && graph_peer_name(r->g, stored_at(r->g, v), target)) /* in another module of the dump */
                snprintf(text + n, sizeof text - n, "=%s", target);
        } else if (f != GRAPH_NONE) {
            graph_function_name(r->g, f, text);
        } else {
            continue;
        }
        add(r, site, f, text);
        any = true;
    }
    if (!any)
        add(r, site, GRAPH_NONE, "N/A");
}

/* A call through a register or memory: of an import, a function, or a function of the framework, when that is known. */
static bool read_target(struct reader *r, uint32_t site, const struct graph_set *s, struct graph_edge *e)
{
    const struct graph_index *x = &r->g->x;
    *e = (struct graph_edge){ .site = site, .from = r->function, .kind = GRAPH_EDGE_IMPORT, .to = GRAPH_NONE };
    if (s->count == 0)
        return false;
    if (s->v[0].kind == GRAPH_MEMBER && x->framework && s->v[0].number == x->image_base + x->framework) {
        uint32_t index = s->v[0].field >= 0 && s->v[0].field % 8 == 0 ? (uint32_t)s->v[0].field / 8 : GRAPH_NONE;
        uint32_t import = graph_import_at(x, GRAPH_FRAMEWORK_SLOT + index);
        e->to = !graph_framework_name(index) ? GRAPH_NONE : import != GRAPH_NONE ? import : GRAPH_FRAMEWORK_SLOT + index;
    } else if (s->v[0].kind == GRAPH_LOADED && s->v[0].field == 0) {
        e->to = graph_import_at(&r->g->x, pe_rva_of(&r->g->m, s->v[0].number));
    } else if (s->v[0].kind == GRAPH_CONST) {
        e->kind = GRAPH_EDGE_CALL;
        e->to = function_of(r->g, s->v[0].number);
        if (e->to != GRAPH_NONE && r->g->x.functions[e->to].import != GRAPH_NONE) {
            e->kind = GRAPH_EDGE_IMPORT;
            e->to = r->g->x.functions[e->to].import;
        }
    }
    return e->to != GRAPH_NONE;
}

static const struct graph_edge *edge_at(const struct graph_image *g, uint32_t function, uint32_t site)
{
    const struct graph_function *f = &g->x.functions[function];
    uint32_t low = f->first_edge, high = f->first_edge + f->edge_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (g->x.edges[mid].site < site)
            low = mid + 1;
        else
            high = mid;
    }
    return low < f->first_edge + f->edge_count && g->x.edges[low].site == site ? &g->x.edges[low] : NULL;
}

static bool is_dispatcher(const struct graph_image *g, const struct graph_edge *e)
{
    return e->kind == GRAPH_EDGE_GUARD && (e->to == GRAPH_NONE || e->to == g->x.guard_slots[0] || e->to == g->x.guard_slots[1]);
}

static bool add_call(struct reader *r, const struct graph_edge *e)
{
    void *p = graph_grow(r->out->calls, &r->out->call_room, r->out->call_count, sizeof *e);
    if (!p) {
        r->out->out_of_memory = true;
        return false;
    }
    r->out->calls = p;
    r->out->calls[r->out->call_count++] = *e;
    return true;
}

static void at_call(void *ctx, uint32_t site, const struct graph_insn *i, const struct graph_state *st)
{
    struct reader *r = ctx;
    const struct graph_edge *e = edge_at(r->g, r->function, site);
    struct graph_edge found;
    bool indirect = graph_is(i, GRAPH_MAP_1, 0xff) && !graph_rip_relative(i), guarded = e && is_dispatcher(r->g, e);
    struct graph_set target = { .unknown = true };
    if (indirect && (!e || e->kind == GRAPH_EDGE_GUARD))
        target = graph_mod(i) == 3 ? st->reg[graph_rm(i)] : graph_called(r->g, st, site, i);
    else if (guarded && st->reg[0].count && st->reg[0].v[0].kind == GRAPH_MEMBER)
        target = st->reg[0];
    if (target.count && read_target(r, site, &target, &found)) {
        if (!add_call(r, &found))
            return;
        e = &found;
    }
    if (!e || e->kind == GRAPH_EDGE_POINTER)
        return;
    if (is_dispatcher(r->g, e))
        read_guard(r, site, &st->reg[0]);
    else
        read_arguments(r, e, st);
}

/* --- inlined routines --------------------------------------------------------------------------------------------------- */

/* DOC: wdm.h on x64. IRP: Tail.Overlay.CurrentStackLocation 0xb8, CancelRoutine 0x68. IO_STACK_LOCATION: 0x48 bytes, CompletionRoutine 0x38. */
enum { CURRENT_LOCATION = 0xb8, CANCEL_ROUTINE = 0x68, LOCATION = 0x48, COMPLETION_ROUTINE = 0x38 };

static bool is_completion_routine(const struct graph_set *at)
{
    for (unsigned k = 0; k < at->count; k++) {
        const struct graph_value *v = &at->v[k];
        if ((v->kind == GRAPH_FIELD || v->kind == GRAPH_DEREF || v->kind == GRAPH_MEMBER) && v->field == CURRENT_LOCATION &&
            ((int64_t)v->number == COMPLETION_ROUTINE - LOCATION || v->number == COMPLETION_ROUTINE))
            return true;
    }
    return false;
}

/* IoSetCancelRoutine is an exchange with a field of any IRP. */
static bool is_cancel_exchange(const struct graph_image *g, uint32_t site)
{
    struct graph_insn i;
    return graph_decode(g->m.base + site, g->m.base + g->m.size, &i) && graph_is(&i, GRAPH_MAP_1, 0x87) && i.rex & GRAPH_REX_W && graph_mod(&i) != 3 &&
           !graph_rip_relative(&i) && i.disp == CANCEL_ROUTINE;
}

static void at_store(void *ctx, uint32_t site, const struct graph_set *at, bool indexed, const struct graph_set *what)
{
    struct reader *r = ctx;
    for (unsigned k = 0; k < what->count; k++) {
        uint32_t f = what->v[k].kind == GRAPH_CONST ? function_of(r->g, what->v[k].number) : GRAPH_NONE;
        const char *name = f == GRAPH_NONE                  ? NULL
                           : is_cancel_exchange(r->g, site) ? "IoSetCancelRoutine"
                           : is_completion_routine(at)      ? "IoSetCompletionRoutine"
                                                            : NULL;
        if (!name)
            continue;
        void *p = graph_grow(r->out->inlined, &r->out->inlined_room, r->out->inlined_count, sizeof *r->out->inlined);
        if (!p) {
            r->out->out_of_memory = true;
            return;
        }
        r->out->inlined = p;
        r->out->inlined[r->out->inlined_count++] = (struct graph_inlined){ site, f, name };
    }
}

static void only_calls(void *ctx, uint32_t site, const struct graph_insn *i, const struct graph_state *st)
{
    struct reader *r = ctx;
    struct graph_edge found;
    if (!graph_is(i, GRAPH_MAP_1, 0xff) || graph_rip_relative(i) || edge_at(r->g, r->function, site))
        return;
    struct graph_set target = graph_mod(i) == 3 ? st->reg[graph_rm(i)] : graph_called(r->g, st, site, i);
    if (target.count && read_target(r, site, &target, &found))
        add_call(r, &found);
}

bool graph_calls_of(const struct graph_image *g, uint32_t function, struct graph_arguments *out)
{
    struct graph_body body;
    struct reader r = { g, function, out };
    struct graph_watch watch = { .ctx = &r, .narrow = true, .at_call = only_calls };
    if (g->x.framework)
        return graph_arguments_of(g, function, out);
    memset(out, 0, sizeof *out);
    if (!graph_body(g, function, &body))
        return false;
    bool ok = graph_propagate(g, &body, NULL, &watch) && !out->out_of_memory;
    graph_body_free(&body);
    if (!ok)
        graph_arguments_free(out);
    return ok;
}

bool graph_arguments_of(const struct graph_image *g, uint32_t function, struct graph_arguments *out)
{
    struct graph_body body;
    struct reader r = { g, function, out };
    struct graph_watch watch = { .ctx = &r, .at_call = at_call, .at_store = at_store };
    memset(out, 0, sizeof *out);
    if (!graph_body(g, function, &body))
        return false;
    bool ok = graph_propagate(g, &body, NULL, &watch) && !out->out_of_memory;
    graph_body_free(&body);
    if (!ok)
        graph_arguments_free(out);
    return ok;
}

void graph_arguments_free(struct graph_arguments *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->at[i].text);
    free(a->at);
    free(a->calls);
    free(a->inlined);
    memset(a, 0, sizeof *a);
}
