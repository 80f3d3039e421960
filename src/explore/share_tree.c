/* The wake-up tree above the parts of a search with reduction. Its leaves are what is given out, many at a time.
 *
 * A node is an event; its children are the branches at the point after it, in the order in which they came: who comes later has those
 * before in its sleep set. Children are only ever appended, so parts below different children run at the same time.
 *
 * A reversal that lands at a node, found below its child c, is covered where a sleeping event or a child before c could come first in it.
 * Else it is led through the children after c as far as one could come first. Where that is a sealed node it is covered: nobody slept
 * there when its exploration began, so that finds everything below. Else what is left of it becomes a new leaf. A node that is not
 * sealed can be led through as long as something before it is being explored, so it keeps its children till then, explored or not.
 *
 * Leaves are given out from the left, as one process comes to them, with the tree that lies to their right: what an explorer finds can only
 * land there. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/part.h"
#include "explore/share.h"
#include "explore/search.h"

enum state { OPEN /* has children */, READY, OUT, DONE };

struct tree_node {
    struct tree_node *parent, *child, *last, *next;
    uint32_t agent, print;
    uint8_t alternative, state;
    bool sealed;
    uint32_t ready;     /* leaves that wait, from here down */
    uint32_t left_size; /* of a part that was begun: how far it has come */
    uint8_t *left;
};

/* Those asleep at a node of the way: `count` from `first` in sleepers. */
struct asleep {
    size_t first, count;
};

struct tree {
    struct footprints prints;
    struct tree_node *root;
    size_t nodes;
    struct tree_node **way; /* root to a node */
    size_t way_count, way_room;
    struct asleep *asleep; /* at the nodes of the way, as far as asked for */
    size_t asleep_count, asleep_room;
    struct tree_node **sleepers;
    size_t sleeper_room;
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

/* The next in preorder below top (not NULL only if there is one); deeper: n's children come first. */
static struct tree_node *next_below(const struct tree_node *top, struct tree_node *n, bool deeper)
{
    if (deeper && n->child)
        return n->child;
    while (n != top && !n->next)
        n = n->parent;
    return n == top ? NULL : n->next;
}

static void free_below(struct tree *t, struct tree_node *top)
{
    struct tree_node *n = top;
    while (top->child) {
        while (n->child)
            n = n->child;
        struct tree_node *parent = n->parent;
        parent->child = n->next;
        t->nodes--;
        free(n->left);
        free(n);
        n = parent;
    }
    top->last = NULL;
}

static void count_ready(struct tree_node *n, int more)
{
    for (; n; n = n->parent)
        n->ready += (uint32_t)more;
}

static void wait_for(struct tree_node *leaf)
{
    leaf->state = READY;
    count_ready(leaf, 1);
}

struct tree *tree_new(void)
{
    struct tree *t = calloc(1, sizeof *t);
    if (!t)
        base_panic("out of memory while exploring");
    footprints_init(&t->prints);
    t->root = new_node(t, EXPLORE_NO_AGENT, 0, FOOTPRINT_NONE, READY);
    t->root->sealed = true;
    wait_for(t->root);
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
    free(t->way);
    free(t->asleep);
    free(t->sleepers);
    free(t);
}

size_t tree_waiting(const struct tree *t)
{
    return t->root->ready;
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
    t->asleep_count = 0;
    for (struct tree_node *x = n; x->parent; x = x->parent)
        t->way[--depth] = x;
}

static void sleeps(struct tree *t, struct asleep *a, struct tree_node *n)
{
    t->sleepers = explore_grow(t->sleepers, &t->sleeper_room, a->first + a->count + 1, sizeof *t->sleepers);
    t->sleepers[a->first + a->count++] = n;
}

/* At the parent of node `at` of the way, while what is below that is explored: those that slept when it was reached, and the children before. The
 * way stays as it is meanwhile, and children come last, so that this does not change. */
static struct asleep asleep_at(struct tree *t, size_t at)
{
    for (size_t i = t->asleep_count; i <= at; i++) {
        struct asleep a = {0};
        if (i) {
            struct asleep was = t->asleep[i - 1];
            const struct tree_node *ran = t->way[i - 1];
            a.first = was.first + was.count;
            for (size_t k = 0; k < was.count; k++) {
                struct tree_node *s = t->sleepers[was.first + k];
                if (s->agent != ran->agent && !footprint_conflict(&t->prints, s->print, ran->print))
                    sleeps(t, &a, s);
            }
        }
        for (struct tree_node *x = t->way[i]->parent->child; x != t->way[i]; x = x->next)
            sleeps(t, &a, x);
        t->asleep = explore_grow(t->asleep, &t->asleep_room, i + 1, sizeof *t->asleep);
        t->asleep[i] = a;
        t->asleep_count = i + 1;
    }
    return t->asleep[at];
}

/* --- items --------------------------------------------------------------------------------------------------------- */

static uint64_t leaf_id(const struct tree_node *leaf)
{
    uint64_t id = bytes_hash(leaf->left, leaf->left_size);
    for (const struct tree_node *x = leaf; x->parent; x = x->parent)
        id = explore_mix(id ^ ((uint64_t)x->agent << 8 | x->alternative)) + 1;
    return id;
}

struct taking {
    size_t most, count;
    struct tree_node **leaves;
    size_t room;
    uint64_t id;
};

/* A node as the item tells of it, without its children. True: they follow. What is below a branch matters where one of the leaves lies there, and, unless
 * it is sealed, to those that lie before it. */
static bool put_node(struct tree *t, struct bytes *b, struct prints_out *m, struct tree_node *n, struct taking *k)
{
    bool leads = n->ready && k->count < k->most, mine = leads && n->state == READY;
    if (n->parent) {
        bytes_u(b, n->agent);
        bytes_u(b, n->alternative);
        put_print(b, m, &t->prints, n->print);
    }
    bytes_u(b, (n->sealed ? ITEM_SEALED : 0u) | (mine ? ITEM_MINE : leads ? ITEM_LEADS : 0u));
    bool follow = n->child && (leads || (k->count && !n->sealed));
    if (mine) {
        k->leaves = explore_grow(k->leaves, &k->room, k->count + 1, sizeof *k->leaves);
        k->leaves[k->count++] = n;
        k->id = explore_mix(k->id ^ leaf_id(n));
        bytes_u(b, n->left_size);
        bytes_put(b, n->left, n->left_size);
        return false;
    }
    uint64_t children = 0;
    for (const struct tree_node *c = follow ? n->child : NULL; c; c = c->next)
        children++;
    bytes_u(b, children);
    return follow;
}

size_t tree_take(struct tree *t, size_t most, unsigned wanted, uint64_t *id, struct bytes *item, struct tree_node ***leaves)
{
    struct prints_out m = {0};
    struct taking k = {.most = most};
    if (!t->root->ready)
        return 0;
    bytes_u(item, wanted);
    for (struct tree_node *n = t->root; n;)
        n = next_below(t->root, n, put_node(t, item, &m, n, &k));
    free(m.map);
    for (size_t i = 0; i < k.count; i++) {
        k.leaves[i]->state = OUT;
        count_ready(k.leaves[i], -1);
    }
    *id = k.id;
    *leaves = k.leaves;
    return k.count;
}

void tree_back(struct tree *t, struct tree_node **leaves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wait_for(leaves[i]);
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

/* --- reversals ----------------------------------------------------------------------------------------------------- */

/* An item of a reversal: how many of each agent's items have to come before it, as pairs from `before`. */
struct item {
    uint32_t agent, print;
    uint8_t alternative;
    bool taken;
    uint32_t same; /* next of the agent, or NO_ITEM */
    size_t before, before_count;
};

enum { NO_ITEM = 0xFFFFFFFF };

struct pair {
    uint32_t agent;
    uint64_t count;
};

/* An agent of a reversal: its first item left, and how many are gone. */
struct actor {
    uint32_t agent, next;
    uint64_t taken;
};

struct reverse {
    size_t at; /* node */
    size_t first, count;
};

/* A message's. */
struct reverses {
    struct reverse *all;
    size_t count, room;
    struct item *items;
    size_t item_count, item_room;
    struct pair *pairs;
    size_t pair_count, pair_room;
    struct actor *actors; /* of one */
    size_t actor_count, actor_room;
};

static struct actor *actor_of(struct reverses *v, uint32_t agent)
{
    for (size_t i = 0; i < v->actor_count; i++)
        if (v->actors[i].agent == agent)
            return &v->actors[i];
    return NULL;
}

static void set_actors(struct reverses *v, const struct reverse *r)
{
    v->actor_count = 0;
    for (size_t i = r->count; i-- > 0;) {
        struct item *x = &v->items[r->first + i];
        struct actor *a = actor_of(v, x->agent);
        if (!a) {
            v->actors = explore_grow(v->actors, &v->actor_room, v->actor_count + 1, sizeof *v->actors);
            a = &v->actors[v->actor_count++];
            *a = (struct actor){x->agent, NO_ITEM, 0};
        }
        x->same = a->next;
        a->next = (uint32_t)i;
    }
}

static bool conflicts(struct tree *t, struct reverses *v, const struct reverse *r, uint32_t print)
{
    for (size_t i = r->first; i < r->first + r->count; i++)
        if (!v->items[i].taken && footprint_conflict(&t->prints, print, v->items[i].print))
            return true;
    return false;
}

/* Could n's event come first in what is left? With `take` it is taken away. */
static bool comes_first(struct tree *t, struct reverses *v, const struct reverse *r, const struct tree_node *n, bool take)
{
    struct actor *a = actor_of(v, n->agent);
    if (!a || a->next == NO_ITEM)
        return !conflicts(t, v, r, n->print);
    struct item *x = &v->items[r->first + a->next];
    if (x->alternative != n->alternative)
        return false;
    for (size_t k = 0; k < x->before_count; k++) {
        const struct pair *p = &v->pairs[x->before + k];
        const struct actor *other = actor_of(v, p->agent);
        if (p->agent != n->agent && (other ? other->taken : 0) < p->count)
            return false;
    }
    if (take) {
        x->taken = true;
        a->taken++;
        a->next = x->same;
    }
    return true;
}

/* The way leads to the leaf below which it was found. */
static void land(struct tree *t, struct reverses *v, const struct reverse *r)
{
    struct tree_node *from = t->way[r->at], *at = from->parent, *next = from->next;
    struct asleep asleep = asleep_at(t, r->at);
    set_actors(v, r);
    for (size_t i = 0; i < asleep.count; i++)
        if (comes_first(t, v, r, t->sleepers[asleep.first + i], false))
            return;
    while (next) {
        if (!comes_first(t, v, r, next, true)) {
            next = next->next;
            continue;
        }
        if (next->sealed)
            return;
        at = next;
        next = next->child;
    }
    is_open_again(at);
    for (size_t i = r->first; i < r->first + r->count; i++) {
        const struct item *x = &v->items[i];
        if (x->taken)
            continue;
        struct tree_node *n = new_node(t, x->agent, x->alternative, x->print, OPEN);
        append(at, n);
        at = n;
    }
    at->sealed = true;
    wait_for(at);
}

static void get_reverse(struct tree *t, struct reader *r, struct prints_in *m, struct reverses *v, size_t deepest)
{
    struct reverse x = {.at = read_u(r), .first = v->item_count};
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        v->items = explore_grow(v->items, &v->item_room, v->item_count + 1, sizeof *v->items);
        uint64_t agent = read_u(r), alternative = read_u(r);
        uint32_t print = get_print(r, m, &t->prints);
        struct item *i = &v->items[v->item_count++];
        *i = (struct item){(uint32_t)agent, print, (uint8_t)alternative, .before = v->pair_count, .before_count = read_count(r)};
        r->bad |= agent >= EXPLORE_NO_AGENT || alternative >= EXPLORE_ALTERNATIVES_MAX;
        for (size_t k = 0; k < i->before_count && !r->bad; k++) {
            v->pairs = explore_grow(v->pairs, &v->pair_room, v->pair_count + 1, sizeof *v->pairs);
            uint64_t before = read_u(r);
            v->pairs[v->pair_count++] = (struct pair){(uint32_t)before, read_u(r)};
        }
    }
    x.count = v->item_count - x.first;
    r->bad |= x.at >= deepest || x.count == 0;
    v->all = explore_grow(v->all, &v->room, v->count + 1, sizeof *v->all);
    v->all[v->count++] = x;
}

static void free_reverses(struct reverses *v)
{
    free(v->all);
    free(v->items);
    free(v->pairs);
    free(v->actors);
}

/* --- results ------------------------------------------------------------------------------------------------------- */

/* Reads children of `parent` with all below them, as a message tells: how many, then each with its own. */
struct levels {
    size_t *more;
    size_t count, room;
};

static void push_level(struct levels *l, size_t more)
{
    l->more = explore_grow(l->more, &l->room, l->count + 1, sizeof *l->more);
    l->more[l->count++] = more;
}

/* Those with no child waiting, if that is leaf's state. */
static void get_trees(struct tree *t, struct reader *r, struct prints_in *m, struct tree_node *parent, enum state leaf)
{
    struct levels l = {0};
    struct tree_node *at = parent;
    push_level(&l, read_count(r));
    while (l.count && !r->bad) {
        if (!l.more[l.count - 1]) {
            at = --l.count ? at->parent : at;
            continue;
        }
        l.more[l.count - 1]--;
        uint64_t agent = read_u(r), alternative = read_u(r);
        uint32_t print = get_print(r, m, &t->prints);
        r->bad |= agent >= EXPLORE_NO_AGENT || alternative >= EXPLORE_ALTERNATIVES_MAX;
        struct tree_node *x = new_node(t, (uint32_t)agent, (unsigned)alternative, print, leaf);
        append(at, x);
        size_t children = leaf != DONE ? read_count(r) : 0;
        if (children) {
            x->state = OPEN;
            push_level(&l, children);
            at = x;
        } else {
            x->sealed = true;
        }
    }
    free(l.more);
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
        get_trees(t, r, &m, at, DONE);
        struct tree_node *done = at->last;
        get_trees(t, r, &m, at, READY);
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

static void wait_below(struct tree_node *top)
{
    for (struct tree_node *n = next_below(top, top, true); n; n = next_below(top, n, true))
        if (n->state == READY)
            wait_for(n);
}

/* What a result says of a leaf. */
struct told {
    uint64_t state; /* RESULT_ */
    size_t first, count; /* reversals */
};

static size_t depth_of(const struct tree_node *n)
{
    size_t depth = 0;
    for (; n->parent; n = n->parent)
        depth++;
    return depth;
}

/* Of leaves in the order in which they were given out; those that it does not name were not begun. */
static void get_told(struct tree *t, struct reader *r, struct tree_node **leaves, size_t count, struct told *told, struct reverses *v, struct tree_node *top)
{
    struct prints_in m = {0};
    bool rest = false;
    for (uint64_t number = read_u(r), before = 0; number && !r->bad; before = number, number = read_u(r)) {
        r->bad |= number <= before || number > count || rest;
        if (r->bad)
            break;
        struct told *x = &told[number - 1];
        size_t depth = depth_of(leaves[number - 1]);
        x->state = read_u(r);
        x->first = v->count;
        r->bad |= x->state > RESULT_REST;
        rest = x->state == RESULT_REST;
        for (size_t n = read_count(r); n > 0 && !r->bad; n--)
            get_reverse(t, r, &m, v, depth);
        x->count = v->count - x->first;
    }
    if (rest && !r->bad)
        get_rest(t, r, top);
    r->bad |= r->at != r->end;
    free(m.all);
}

/* The rest of a part that was begun goes below its leaf. */
static void attach(struct tree_node *leaf, struct tree_node *top)
{
    leaf->child = top->child;
    leaf->last = top->last;
    top->child = NULL;
    for (struct tree_node *c = leaf->child; c; c = c->next)
        c->parent = leaf;
    leaf->state = OPEN;
    keep(leaf, top->left, top->left_size);
    wait_below(leaf);
    if (leaf->left)
        wait_for(leaf);
}

bool tree_done(struct tree *t, struct tree_node **leaves, size_t count, struct reader *in)
{
    struct reverses v = {0};
    struct tree_node *top = new_node(t, 0, 0, FOOTPRINT_NONE, OPEN);
    struct told *told = calloc(count + 1, sizeof *told);
    if (!told)
        base_panic("out of memory while exploring");
    get_told(t, in, leaves, count, told, &v, top);
    for (size_t i = 0; i < count && !in->bad; i++) {
        IR_ASSERT(leaves[i]->state == OUT);
        way_to(t, leaves[i]);
        for (size_t k = 0; k < told[i].count; k++)
            land(t, &v, &v.all[told[i].first + k]);
        switch (told[i].state) {
        case RESULT_UNTOUCHED: wait_for(leaves[i]); break;
        case RESULT_REST: attach(leaves[i], top); break;
        case RESULT_FINISHED:
            keep(leaves[i], NULL, 0);
            is_done(t, leaves[i]);
            break;
        }
    }
    free_below(t, top);
    free(top->left);
    free(top);
    t->nodes--;
    free(told);
    free_reverses(&v);
    return !in->bad;
}

/* --- files --------------------------------------------------------------------------------------------------------- */

static void save_node(const struct tree *t, const struct tree_node *n, struct prints_out *m, struct bytes *out)
{
    uint64_t children = 0;
    for (const struct tree_node *c = n->child; c; c = c->next)
        children++;
    bytes_u(out, n->parent ? n->agent : 0);
    bytes_u(out, n->alternative);
    put_print(out, m, &t->prints, n->print);
    bytes_u(out, (n->state == OUT ? READY : n->state) * 2u + n->sealed);
    bytes_u(out, n->left_size);
    bytes_put(out, n->left, n->left_size);
    bytes_u(out, children);
}

void tree_save(const struct tree *t, struct bytes *out)
{
    struct prints_out m = {0};
    for (struct tree_node *n = t->root; n; n = next_below(t->root, n, true))
        save_node(t, n, &m, out);
    free(m.map);
}

static void get_left(struct reader *r, struct tree_node *n)
{
    size_t size = read_count(r);
    const uint8_t *left = read_bytes(r, size);
    if (left)
        keep(n, left, size);
}

/* Returns how many children it has. NULL parent: it is the root. */
static size_t load_node(struct tree *t, struct reader *r, struct prints_in *m, struct tree_node *parent, struct tree_node **out)
{
    uint64_t agent = read_u(r), alternative = read_u(r);
    uint32_t print = get_print(r, m, &t->prints);
    uint64_t state = read_u(r);
    r->bad |= agent >= EXPLORE_NO_AGENT || alternative >= EXPLORE_ALTERNATIVES_MAX || state / 2 > DONE || state / 2 == OUT;
    struct tree_node *x = parent ? new_node(t, (uint32_t)agent, (unsigned)alternative, print, OPEN) : t->root;
    x->state = (uint8_t)(state / 2);
    x->sealed = state & 1;
    if (parent)
        append(parent, x);
    get_left(r, x);
    size_t children = read_count(r);
    r->bad |= x->state == OPEN ? !children : x->state == READY && children;
    *out = x;
    return children;
}

struct tree *tree_load(struct reader *in)
{
    struct tree *t = tree_new();
    struct prints_in m = {0};
    struct levels l = {0};
    struct tree_node *at = NULL;
    t->root->ready = 0;
    push_level(&l, load_node(t, in, &m, NULL, &at));
    while (l.count && !in->bad) {
        if (!l.more[l.count - 1]) {
            at = --l.count ? at->parent : at;
            continue;
        }
        l.more[l.count - 1]--;
        struct tree_node *parent = at;
        push_level(&l, load_node(t, in, &m, parent, &at));
    }
    free(l.more);
    free(m.all);
    in->bad |= !t->root->sealed;
    if (in->bad) {
        tree_free(t);
        return NULL;
    }
    if (t->root->state == READY)
        wait_for(t->root);
    wait_below(t->root);
    return t;
}
