/* The wake-up tree above the parts of a search with reduction. Its leaves are the parts.
 *
 * A node is an event; its children are the branches at the point after it, in the order in which they came: who comes later has those
 * before in its sleep set. Children are only ever appended, so parts below different children run at the same time.
 *
 * A reversal that lands at a node, found below its child c, is covered where a sleeping event or a child before c could come first in it.
 * Else it is led through the children after c as far as one could come first. Where that is a sealed node it is covered: nobody slept
 * there when its exploration began, so that finds everything below. Else what is left of it becomes a new leaf. A node that is not
 * sealed can be led through as long as something before it is being explored, so it keeps its children till then, explored or not. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/part.h"
#include "explore/share.h"
#include "explore/search.h"

enum state { OPEN /* has children */, READY, OUT, DONE };

enum { MOST_DEEP = 1 << 20, MANY_WAIT = 20000 };

struct tree_node {
    struct tree_node *parent, *child, *last, *next;
    uint32_t agent, print;
    uint8_t alternative, state;
    bool sealed;
    uint32_t left_size; /* of a part that was begun: how far it has come */
    uint8_t *left;
};

struct tree {
    struct footprints prints;
    struct tree_node *root;
    struct tree_node **waiting; /* a ring would do; those before `first` are gone */
    size_t first, count, room;
    size_t nodes;
    struct tree_node **way; /* root to a node */
    size_t way_count, way_room;
    struct tree_node **sleepers;
    size_t sleeper_count, sleeper_room;
};

/* --- nodes --------------------------------------------------------------------------------------------------------- */

static struct tree_node *new_node(struct tree *t, uint32_t agent, unsigned alternative, uint32_t print, enum state state)
{
    struct tree_node *n = calloc(1, sizeof *n);
    if (!n)
        base_panic("out of memory while exploring");
    n->agent = agent;
    n->alternative = (uint8_t)alternative;
    n->print = print;
    n->state = (uint8_t)state;
    t->nodes++;
    return n;
}

static void append(struct tree_node *parent, struct tree_node *n)
{
    n->parent = parent;
    if (parent->last)
        parent->last->next = n;
    else
        parent->child = n;
    parent->last = n;
}

static void free_below(struct tree *t, struct tree_node *n)
{
    while (n->child) {
        struct tree_node *c = n->child;
        free_below(t, c);
        n->child = c->next;
        t->nodes--;
        free(c->left);
        free(c);
    }
    n->last = NULL;
}

static void wait_for(struct tree *t, struct tree_node *leaf)
{
    leaf->state = READY;
    if (t->first > 1024 && t->first > t->count / 2) {
        memmove(t->waiting, t->waiting + t->first, (t->count - t->first) * sizeof *t->waiting);
        t->count -= t->first;
        t->first = 0;
    }
    t->waiting = explore_grow(t->waiting, &t->room, t->count + 1, sizeof *t->waiting);
    t->waiting[t->count++] = leaf;
}

struct tree *tree_new(void)
{
    struct tree *t = calloc(1, sizeof *t);
    if (!t)
        base_panic("out of memory while exploring");
    footprints_init(&t->prints);
    t->root = new_node(t, EXPLORE_NO_AGENT, 0, FOOTPRINT_NONE, READY);
    t->root->sealed = true;
    wait_for(t, t->root);
    return t;
}

void tree_free(struct tree *t)
{
    if (!t)
        return;
    free_below(t, t->root);
    free(t->root->left);
    free(t->root);
    footprints_free(&t->prints);
    free(t->waiting);
    free(t->way);
    free(t->sleepers);
    free(t);
}

size_t tree_waiting(const struct tree *t)
{
    return t->count - t->first;
}

size_t tree_nodes(const struct tree *t)
{
    return t->nodes;
}

/* --- who sleeps ---------------------------------------------------------------------------------------------------- */

static void way_to(struct tree *t, struct tree_node *n)
{
    size_t depth = 0;
    for (struct tree_node *x = n; x->parent; x = x->parent)
        depth++;
    t->way = explore_grow(t->way, &t->way_room, depth + 1, sizeof *t->way);
    t->way_count = depth;
    for (struct tree_node *x = n; x->parent; x = x->parent)
        t->way[--depth] = x;
}

static void sleeps(struct tree *t, struct tree_node *n)
{
    t->sleepers = explore_grow(t->sleepers, &t->sleeper_room, t->sleeper_count + 1, sizeof *t->sleepers);
    t->sleepers[t->sleeper_count++] = n;
}

static void add_earlier(struct tree *t, struct tree_node *n)
{
    for (struct tree_node *x = n->parent->child; x != n; x = x->next)
        sleeps(t, x);
}

/* Those that go on sleeping when n has run. */
static void wake(struct tree *t, const struct tree_node *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->sleeper_count; i++) {
        struct tree_node *s = t->sleepers[i];
        if (s->agent != n->agent && !footprint_conflict(&t->prints, s->print, n->print))
            t->sleepers[kept++] = s;
    }
    t->sleeper_count = kept;
}

/* --- items --------------------------------------------------------------------------------------------------------- */

static void put_event(struct tree *t, struct bytes *b, struct prints_out *m, const struct tree_node *n)
{
    bytes_u(b, n->agent);
    bytes_u(b, n->alternative);
    put_print(b, m, &t->prints, n->print);
}

static void put_trees(struct tree *t, struct bytes *b, struct prints_out *m, const struct tree_node *first)
{
    uint64_t n = 0;
    for (const struct tree_node *x = first; x; x = x->next)
        n++;
    bytes_u(b, n);
    for (const struct tree_node *x = first; x; x = x->next) {
        put_event(t, b, m, x);
        put_trees(t, b, m, x->sealed ? NULL : x->child);
    }
}

static void put_sleepers(struct tree *t, struct bytes *b, struct prints_out *m)
{
    bytes_u(b, t->sleeper_count);
    for (size_t i = 0; i < t->sleeper_count; i++)
        put_event(t, b, m, t->sleepers[i]);
}

static uint64_t put_item(struct tree *t, struct tree_node *leaf, unsigned wanted, struct bytes *b)
{
    struct prints_out m = {0};
    uint64_t id = bytes_hash(leaf->left, leaf->left_size);
    way_to(t, leaf);
    t->sleeper_count = 0;
    bytes_u(b, wanted);
    bytes_u(b, t->way_count);
    for (size_t i = 0; i < t->way_count; i++) {
        struct tree_node *n = t->way[i];
        put_event(t, b, &m, n);
        add_earlier(t, n);
        put_sleepers(t, b, &m);
        put_trees(t, b, &m, n->next);
        wake(t, n);
        id = explore_mix(id ^ ((uint64_t)n->agent << 8 | n->alternative)) + i;
    }
    put_sleepers(t, b, &m);
    bytes_u(b, leaf->left_size != 0);
    bytes_put(b, leaf->left, leaf->left_size);
    free(m.map);
    return id;
}

struct tree_node *tree_take(struct tree *t, unsigned wanted, uint64_t *id, struct bytes *item)
{
    if (t->first == t->count)
        return NULL;
    /* The nearest to the root hold most; with very many it is memory that counts, and the deepest are soon done. */
    struct tree_node *leaf = t->count - t->first > MANY_WAIT ? t->waiting[--t->count] : t->waiting[t->first++];
    leaf->state = OUT;
    *id = put_item(t, leaf, wanted, item);
    return leaf;
}

void tree_back(struct tree *t, struct tree_node *leaf)
{
    wait_for(t, leaf);
}

/* --- what comes to its end ------------------------------------------------------------------------------------------ */

static bool all_done(const struct tree_node *n)
{
    for (const struct tree_node *c = n->child; c; c = c->next)
        if (c->state != DONE)
            return false;
    return true;
}

/* A reversal may still be led to it from above. */
static bool may_be_led_to(const struct tree_node *n)
{
    for (; n->parent && !n->sealed; n = n->parent)
        for (const struct tree_node *x = n->parent->child; x != n; x = x->next)
            if (x->state != DONE)
                return true;
    return false;
}

static void is_done(struct tree *t, struct tree_node *n)
{
    for (; n; n = n->parent) {
        if (n->child && !all_done(n))
            return;
        n->state = DONE;
        if (n->child && !may_be_led_to(n)) {
            free_below(t, n);
            n->sealed = true;
        }
    }
}

static void is_open_again(struct tree_node *n)
{
    for (; n && n->state == DONE; n = n->parent)
        n->state = OPEN;
}

void tree_give_up(struct tree *t, struct tree_node *leaf)
{
    is_done(t, leaf);
}

/* --- reversals ----------------------------------------------------------------------------------------------------- */

/* An item of a reversal: how many of each agent's items have to come before it, as pairs in `before`. */
struct item {
    uint32_t agent, print;
    uint8_t alternative;
    bool taken;
    size_t before, before_count;
};

struct pair {
    uint32_t agent;
    uint64_t count;
};

struct reverse {
    size_t at; /* node */
    struct item *items;
    size_t count, room;
    struct pair *pairs;
    size_t pair_count, pair_room;
};

static uint64_t taken_of(const struct reverse *v, uint32_t agent)
{
    uint64_t n = 0;
    for (size_t i = 0; i < v->count; i++)
        n += v->items[i].taken && v->items[i].agent == agent;
    return n;
}

/* Could n's event come first in what is left? With `take` it is taken away. */
static bool comes_first(struct tree *t, struct reverse *v, const struct tree_node *n, bool take)
{
    size_t i = 0;
    while (i < v->count && (v->items[i].taken || v->items[i].agent != n->agent))
        i++;
    if (i < v->count) {
        if (v->items[i].alternative != n->alternative)
            return false;
        for (size_t k = 0; k < v->items[i].before_count; k++) {
            const struct pair *p = &v->pairs[v->items[i].before + k];
            if (p->agent != n->agent && taken_of(v, p->agent) < p->count)
                return false;
        }
        v->items[i].taken |= take;
        return true;
    }
    for (i = 0; i < v->count; i++)
        if (!v->items[i].taken && footprint_conflict(&t->prints, n->print, v->items[i].print))
            return false;
    return true;
}

/* way: to the leaf below which it was found. */
static void land(struct tree *t, struct reverse *v)
{
    struct tree_node *from = t->way[v->at], *at = from->parent, *next = from->next;
    t->sleeper_count = 0;
    for (size_t i = 0; i < v->at; i++) {
        add_earlier(t, t->way[i]);
        wake(t, t->way[i]);
    }
    add_earlier(t, from);
    for (size_t i = 0; i < t->sleeper_count; i++)
        if (comes_first(t, v, t->sleepers[i], false))
            return;
    while (next) {
        if (!comes_first(t, v, next, true)) {
            next = next->next;
            continue;
        }
        if (next->sealed)
            return;
        at = next;
        next = next->child;
    }
    is_open_again(at);
    for (size_t i = 0; i < v->count; i++) {
        if (v->items[i].taken)
            continue;
        struct tree_node *n = new_node(t, v->items[i].agent, v->items[i].alternative, v->items[i].print, OPEN);
        append(at, n);
        at = n;
    }
    at->sealed = true;
    wait_for(t, at);
}

static bool get_reverse(struct tree *t, struct reader *r, struct prints_in *m, struct reverse *v, size_t deepest)
{
    v->at = read_u(r);
    v->count = 0;
    v->pair_count = 0;
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        v->items = explore_grow(v->items, &v->room, v->count + 1, sizeof *v->items);
        uint64_t agent = read_u(r), alternative = read_u(r);
        uint32_t print = get_print(r, m, &t->prints);
        struct item *x = &v->items[v->count++];
        *x = (struct item){(uint32_t)agent, print, (uint8_t)alternative, false, v->pair_count, read_count(r)};
        r->bad |= agent >= EXPLORE_NO_AGENT || alternative >= EXPLORE_ALTERNATIVES_MAX;
        for (size_t i = 0; i < x->before_count && !r->bad; i++) {
            v->pairs = explore_grow(v->pairs, &v->pair_room, v->pair_count + 1, sizeof *v->pairs);
            uint64_t before = read_u(r);
            v->pairs[v->pair_count++] = (struct pair){(uint32_t)before, read_u(r)};
        }
    }
    r->bad |= v->at >= deepest || v->count == 0;
    return !r->bad;
}

/* --- results ------------------------------------------------------------------------------------------------------- */

/* Children of parent as a message tells, those with no child waiting. */
static void get_trees(struct tree *t, struct reader *r, struct prints_in *m, struct tree_node *parent, unsigned deep, enum state leaf)
{
    r->bad |= deep > MOST_DEEP >> 8;
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        uint64_t agent = read_u(r), alternative = read_u(r);
        uint32_t print = get_print(r, m, &t->prints);
        r->bad |= agent >= EXPLORE_NO_AGENT || alternative >= EXPLORE_ALTERNATIVES_MAX;
        struct tree_node *x = new_node(t, (uint32_t)agent, (unsigned)alternative, print, leaf);
        append(parent, x);
        if (leaf != DONE)
            get_trees(t, r, m, x, deep + 1, leaf);
        if (!x->child)
            x->sealed = true;
        else
            x->state = OPEN;
    }
}

static void keep(struct tree_node *leaf, const uint8_t *left, size_t size)
{
    free(leaf->left);
    leaf->left = size ? malloc(size) : NULL;
    leaf->left_size = (uint32_t)size;
    if (size && !leaf->left)
        base_panic("out of memory while exploring");
    if (size)
        memcpy(leaf->left, left, size);
}

/* The nodes that the explorer gave up, below `top`: what is done there, then its branches, of which the first leads to the next node. Below
 * the first of the last it left off, if there is a rest. */
static void get_rest(struct tree *t, struct reader *r, struct tree_node *top)
{
    struct prints_in m = {0};
    struct tree_node *at = top, *current = top;
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        get_trees(t, r, &m, at, 0, DONE);
        struct tree_node *done = at->last;
        get_trees(t, r, &m, at, 0, READY);
        current = done ? done->next : at->child;
        if (n == 1)
            break;
        r->bad |= !current || current->child;
        if (r->bad)
            break;
        current->state = OPEN;
        current->sealed = false;
        at = current;
    }
    free(m.all);
    struct reader look = *r;
    if (r->bad || !read_count(&look)) {
        r->bad |= !top->child;
        read_u(r);
        return;
    }
    r->bad |= !current || current->child;
    if (!r->bad)
        keep(current, r->at, (size_t)(r->end - r->at));
    r->at = r->end;
}

static void wait_below(struct tree *t, struct tree_node *n)
{
    for (struct tree_node *c = n->child; c; c = c->next) {
        if (c->state == READY)
            wait_for(t, c);
        wait_below(t, c);
    }
}

bool tree_done(struct tree *t, struct tree_node *leaf, struct reader *in, bool finished)
{
    struct reader look = *in;
    struct prints_in m = {0};
    struct reverse v = {0};
    struct tree_node *top = new_node(t, 0, 0, FOOTPRINT_NONE, OPEN);
    IR_ASSERT(leaf->state == OUT);
    way_to(t, leaf);
    size_t deep = t->way_count, reversals = read_count(&look);
    for (size_t i = 0; i < reversals && !look.bad; i++)
        get_reverse(t, &look, &m, &v, deep);
    if (!finished && !look.bad)
        get_rest(t, &look, top);
    bool good = !look.bad && look.at == look.end;
    if (good) {
        m.count = 0;
        read_count(in);
        for (size_t i = 0; i < reversals; i++) {
            get_reverse(t, in, &m, &v, deep);
            way_to(t, leaf);
            land(t, &v);
        }
        leaf->child = top->child;
        leaf->last = top->last;
        top->child = NULL;
        for (struct tree_node *c = leaf->child; c; c = c->next)
            c->parent = leaf;
        leaf->state = OPEN;
        keep(leaf, top->left, top->left_size);
        wait_below(t, leaf);
        if (finished)
            is_done(t, leaf);
        else if (leaf->left)
            wait_for(t, leaf);
    }
    free_below(t, top);
    free(top->left);
    free(top);
    t->nodes--;
    free(m.all);
    free(v.items);
    free(v.pairs);
    return good;
}

/* --- files --------------------------------------------------------------------------------------------------------- */

static void save_below(const struct tree *t, const struct tree_node *n, struct prints_out *m, struct bytes *out)
{
    uint64_t children = 0;
    for (const struct tree_node *c = n->child; c; c = c->next)
        children++;
    bytes_u(out, children);
    for (const struct tree_node *c = n->child; c; c = c->next) {
        bytes_u(out, c->agent);
        bytes_u(out, c->alternative);
        put_print(out, m, &t->prints, c->print);
        bytes_u(out, (c->state == OUT ? READY : c->state) * 2u + c->sealed);
        bytes_u(out, c->left_size);
        bytes_put(out, c->left, c->left_size);
        save_below(t, c, m, out);
    }
}

void tree_save(const struct tree *t, struct bytes *out)
{
    struct prints_out m = {0};
    bytes_u(out, t->root->state == OUT ? READY : t->root->state);
    bytes_u(out, t->root->left_size);
    bytes_put(out, t->root->left, t->root->left_size);
    save_below(t, t->root, &m, out);
    free(m.map);
}

static void get_left(struct reader *r, struct tree_node *n)
{
    size_t size = read_count(r);
    const uint8_t *left = read_bytes(r, size);
    if (left)
        keep(n, left, size);
}

static void load_below(struct tree *t, struct reader *r, struct prints_in *m, struct tree_node *parent, unsigned deep)
{
    r->bad |= deep > MOST_DEEP >> 4;
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        uint64_t agent = read_u(r), alternative = read_u(r);
        uint32_t print = get_print(r, m, &t->prints);
        uint64_t state = read_u(r);
        r->bad |= agent >= EXPLORE_NO_AGENT || alternative >= EXPLORE_ALTERNATIVES_MAX || state / 2 > DONE || state / 2 == OUT;
        struct tree_node *x = new_node(t, (uint32_t)agent, (unsigned)alternative, print, (enum state)(state / 2));
        x->sealed = state & 1;
        append(parent, x);
        get_left(r, x);
        load_below(t, r, m, x, deep + 1);
        r->bad |= x->state == OPEN ? !x->child : x->state == READY && x->child;
    }
}

struct tree *tree_load(struct reader *in)
{
    struct tree *t = tree_new();
    struct prints_in m = {0};
    t->count = t->first = 0;
    uint64_t state = read_u(in);
    t->root->state = (uint8_t)state;
    get_left(in, t->root);
    load_below(t, in, &m, t->root, 0);
    in->bad |= state > DONE || state == OUT || (state == READY && t->root->child) || (state == OPEN && !t->root->child);
    free(m.all);
    if (in->bad) {
        tree_free(t);
        return NULL;
    }
    if (t->root->state == READY)
        wait_for(t, t->root);
    wait_below(t, t->root);
    return t;
}
