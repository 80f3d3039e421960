/* The propagation over blocks: states join where paths meet, until nothing changes. */
#include "graph/values.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VISITS = 6 };

static bool same(const struct graph_value *a, const struct graph_value *b)
{
    return a->kind == b->kind && a->param == b->param && a->field == b->field && a->number == b->number;
}

static inline bool join_set(struct graph_set *to, const struct graph_set *from)
{
    bool changed = false;
    if (!from->count && (to->unknown || !from->unknown)) /* most of them */
        return false;
    if (from->unknown && !to->unknown)
        changed = to->unknown = true;
    for (unsigned i = 0; i < from->count && !to->full; i++) {
        unsigned k = 0;
        while (k < to->count && !same(&to->v[k], &from->v[i]))
            k++;
        if (k < to->count)
            continue;
        changed = true;
        if (to->count == GRAPH_SET)
            to->full = to->unknown = true;
        else
            to->v[to->count++] = from->v[i];
    }
    return changed;
}

/* A slot that only one side knows is unknown on the other. */
static bool join_slots(struct graph_state *to, const struct graph_state *from)
{
    bool changed = false;
    for (uint32_t i = 0; i < to->slot_count; i++) {
        uint32_t k = 0;
        while (k < from->slot_count && from->slot[k].offset != to->slot[i].offset)
            k++;
        if (k < from->slot_count) {
            changed |= join_set(&to->slot[i].set, &from->slot[k].set);
            to->slot[i].old |= from->slot[k].old;
        } else if (!to->slot[i].set.unknown) {
            changed = to->slot[i].set.unknown = true;
        }
    }
    for (uint32_t k = 0; k < from->slot_count; k++) {
        uint32_t i = 0;
        while (i < to->slot_count && from->slot[k].offset != to->slot[i].offset)
            i++;
        if (i < to->slot_count || to->slot_count == GRAPH_SLOTS)
            continue;
        to->slot[to->slot_count] = from->slot[k];
        to->slot[to->slot_count++].set.unknown = true;
        changed = true;
    }
    return changed;
}

static bool join_vectors(struct graph_state *to, const struct graph_state *from)
{
    bool changed = false;
    if (!to->vectors && !from->vectors)
        return false;
    if (!from->vectors) { /* unknown there: unknown too here */
        for (int r = 0; r < 16; r++) {
            changed |= !to->xmm[r].unknown || !to->high[r].unknown;
            to->xmm[r].unknown = to->high[r].unknown = true;
        }
        return changed;
    }
    if (!to->vectors) {
        memcpy(to->xmm, from->xmm, sizeof to->xmm);
        memcpy(to->high, from->high, sizeof to->high);
        for (int r = 0; r < 16; r++)
            to->xmm[r].unknown = to->high[r].unknown = true;
        return to->vectors = true;
    }
    for (int r = 0; r < 16; r++) {
        changed |= join_set(&to->xmm[r], &from->xmm[r]);
        changed |= join_set(&to->high[r], &from->high[r]);
    }
    return changed;
}

static bool join(struct graph_state *to, const struct graph_state *from)
{
    if (!to->known) {
        graph_state_copy(to, from);
        return true;
    }
    bool changed = false;
    if (to->sp_known && (!from->sp_known || from->sp != to->sp)) {
        to->sp_known = false;
        changed = true;
    }
    for (int r = 0; r < 16; r++)
        changed |= join_set(&to->reg[r], &from->reg[r]);
    changed |= join_vectors(to, from);
    return join_slots(to, from) || changed;
}

static void run_block(const struct graph_image *g, const struct graph_block *b, struct graph_state *st, const struct graph_watch *w,
                      const struct graph_watch *hiding)
{
    const uint8_t *bytes = g->m.base;
    for (uint32_t at = b->begin; at < b->end;) {
        struct graph_insn i;
        if (!graph_decode(bytes + at, bytes + b->end, &i))
            return;
        if (hiding && hiding->hides && hiding->hides(hiding->ctx, at)) {
            i.imm ^= 0x5a0000;
            i.disp ^= 0x5a0000;
        }
        graph_step(g, st, at, &i, w);
        at += i.length;
    }
}

struct work {
    const struct graph_body *body;
    struct graph_state *states; /* before each block */
    uint8_t *visits;
    bool *waiting;
};

static void spread(struct work *w, uint32_t to, const struct graph_state *st, bool *any)
{
    if (to == GRAPH_NONE || w->visits[to] >= MOST_VISITS)
        return;
    if (join(&w->states[to], st)) {
        w->waiting[to] = true;
        *any = true;
    }
}

static void settle(const struct graph_image *g, struct work *w, const struct graph_watch *watch)
{
    for (bool any = true; any;) {
        any = false;
        for (uint32_t i = 0; i < w->body->count; i++) {
            const struct graph_block *b = &w->body->blocks[i];
            if (!w->waiting[i])
                continue;
            w->waiting[i] = false;
            w->visits[i]++;
            struct graph_state st;
            graph_state_copy(&st, &w->states[i]);
            run_block(g, b, &st, NULL, watch);
            spread(w, b->next, &st, &any);
            spread(w, b->target, &st, &any);
            for (uint32_t k = 0; k < b->case_count; k++)
                spread(w, w->body->cases[b->first_case + k], &st, &any);
        }
    }
}

void graph_state_copy(struct graph_state *to, const struct graph_state *from)
{
    memcpy(to, from, offsetof(struct graph_state, slot) + from->slot_count * sizeof from->slot[0]);
    if (from->vectors) {
        memcpy(to->xmm, from->xmm, sizeof to->xmm);
        memcpy(to->high, from->high, sizeof to->high);
    }
}

void graph_state_start(struct graph_state *st, bool parameters)
{
    static const uint8_t registers[4] = { 1, 2, 8, 9 };
    memset(st, 0, offsetof(struct graph_state, slot));
    st->known = st->sp_known = true;
    for (int r = 0; r < 16; r++)
        st->reg[r].unknown = true;
    for (uint8_t p = 0; p < 4 && parameters; p++)
        st->reg[registers[p]] = (struct graph_set){ .count = 1, .v = { { .kind = GRAPH_PARAM, .param = p } } };
    st->reg[4] = (struct graph_set){ .count = 1, .v = { { .kind = GRAPH_STACK } } };
}

bool graph_propagate(const struct graph_image *g, const struct graph_body *body, const struct graph_state *entry,
                     const struct graph_watch *watch)
{
    struct work w = { body, calloc(body->count + 1, sizeof *w.states), calloc(body->count + 1, 1),
                      calloc(body->count + 1, sizeof *w.waiting) };
    bool ok = w.states && w.visits && w.waiting;
    if (ok && body->entry != GRAPH_NONE) {
        if (entry)
            graph_state_copy(&w.states[body->entry], entry);
        else
            graph_state_start(&w.states[body->entry], !(watch && watch->narrow));
        w.states[body->entry].narrow = watch && watch->narrow;
        w.waiting[body->entry] = true;
        settle(g, &w, watch);
    }
    for (uint32_t i = 0; ok && i < body->count; i++) {
        struct graph_state st;
        if (w.states[i].known) {
            graph_state_copy(&st, &w.states[i]);
        } else { /* a handler: nothing is known there, not even the stack */
            graph_state_start(&st, false);
            st.reg[4] = (struct graph_set){ .unknown = true };
            st.sp_known = false;
            st.narrow = watch && watch->narrow;
        }
        run_block(g, &body->blocks[i], &st, watch, watch);
    }
    free(w.states);
    free(w.visits);
    free(w.waiting);
    return ok;
}
