/* See share.h. */
#include "explore/share.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/part.h"
#include "explore/search.h"

enum { RANGE = 64, WANTED_PLACES = 24, DEEPEST_EXPANSION = 12 };

enum kind { TREE, CHOICES, PLACES, NUMBERS };

enum state { READY, OUT, DONE };

struct work {
    uint64_t id;
    enum state state;
    uint64_t reserved; /* runs it may make */
    struct tree_node **leaves;
    size_t leaf_count;
    struct explore_schedule to; /* CHOICES, PLACES */
    uint64_t key;               /* PLACES */
    uint32_t cost, generation;  /* PLACES: expansions above it */
    bool expanded;              /* PLACES: it is those that it leads to, */
    bool left_out;              /* but for some that the bound leaves out */
    uint64_t first, count;      /* NUMBERS */
    struct bytes result;        /* NUMBERS: until its turn comes */
};

struct rival {
    uint32_t print;
    uint32_t agent; /* EXPLORE_NO_AGENT: all */
};

struct share {
    struct explore_config config;
    enum kind kind;
    struct explore_result result;
    struct seen traces;
    bool over;
    uint64_t reserved;
    struct work **works; /* tree: only those that are out */
    size_t work_count, work_room, oldest, out, waiting;
    struct tree *tree;
    /* CHOICES and PLACES: one round for each bound */
    int bound, last_bound;
    uint64_t pass; /* PLACES: of all rounds */
    uint64_t memo; /* PLACES: changes with the pass, and when a part was lost: what explorers know of places then is of no use */
    bool left_out, skipped, learnt;
    struct footprints prints;
    struct rival *rivals;
    size_t rival_count, rival_room;
    uint64_t next_number; /* NUMBERS */
    bool in_order;        /* results wait for those before */
    bool failed;          /* NUMBERS: in a range that waits for its turn */
};

/* --- works --------------------------------------------------------------------------------------------------------- */

static struct work *add_work(struct share *p)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        base_panic("out of memory while exploring");
    p->works = explore_grow(p->works, &p->work_room, p->work_count + 1, sizeof *p->works);
    p->works[p->work_count++] = w;
    return w;
}

static void free_work(struct work *w)
{
    explore_schedule_free(&w->to);
    bytes_free(&w->result);
    free(w->leaves);
    free(w);
}

static void forget_works(struct share *p)
{
    for (size_t i = 0; i < p->work_count; i++)
        free_work(p->works[i]);
    p->work_count = p->oldest = p->waiting = p->out = 0;
}

static struct work *find_out(struct share *p, uint64_t id)
{
    for (size_t i = p->oldest; i < p->work_count; i++)
        if (p->works[i]->state == OUT && p->works[i]->id == id)
            return p->works[i];
    return NULL;
}

static void drop_done(struct share *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->work_count; i++) {
        if (p->works[i]->state == DONE)
            free_work(p->works[i]);
        else
            p->works[kept++] = p->works[i];
    }
    p->work_count = kept;
}

static uint64_t schedule_id(const struct explore_schedule *s, uint64_t id)
{
    for (size_t i = 0; i < s->count; i++)
        id = explore_mix(id ^ ((uint64_t)s->choices[i].agent << 8 | s->choices[i].alternative)) + i;
    return explore_mix(id + s->count);
}

/* --- rounds -------------------------------------------------------------------------------------------------------- */

static void begin_round(struct share *p)
{
    p->left_out = p->skipped = p->learnt = false;
    add_work(p);
    p->waiting = 1;
}

struct share *share_new(const struct explore_config *config)
{
    struct share *p = calloc(1, sizeof *p);
    if (!p)
        base_panic("out of memory while exploring");
    p->config = *config;
    search_defaults(&p->config);
    p->config.stop = NULL;
    p->config.ran = NULL;
    p->result = (struct explore_result){.complete = true, .preemptions = -1};
    footprints_init(&p->prints);
    p->kind = config->strategy == EXPLORE_DFS ? CHOICES : config->strategy != EXPLORE_DPOR ? NUMBERS : config->preemptions < 0 ? TREE : PLACES;
    p->last_bound = config->preemptions < 0 ? INT_MAX : config->preemptions;
    p->bound = config->iterate ? 0 : p->last_bound;
    if (p->kind == TREE)
        p->tree = tree_new();
    else if (p->kind != NUMBERS)
        begin_round(p);
    p->in_order = p->kind == NUMBERS;
    return p;
}

void share_free(struct share *p)
{
    if (!p)
        return;
    forget_works(p);
    free(p->works);
    tree_free(p->tree);
    footprints_free(&p->prints);
    free(p->rivals);
    seen_free(&p->traces);
    explore_result_free(&p->result);
    free(p);
}

static void not_complete(struct share *p, const char *why)
{
    p->result.complete = false;
    if (p->result.why_not)
        return;
    p->result.why_text = strdup(why);
    p->result.why_not = p->result.why_text;
}

/* All of a round has been explored: what comes next? */
static void next_round(struct share *p)
{
    p->pass++;
    p->memo++;
    if (p->kind == PLACES && p->learnt && p->skipped) { /* the same places again, now knowing more */
        p->left_out = p->skipped = p->learnt = false;
        for (size_t i = 0; i < p->work_count; i++) {
            p->works[i]->state = p->works[i]->expanded ? DONE : READY;
            p->waiting += !p->works[i]->expanded;
            p->left_out |= p->works[i]->left_out;
        }
        return;
    }
    p->result.preemptions = p->bound;
    if (p->left_out && p->bound < p->last_bound) {
        p->bound++;
        forget_works(p);
        begin_round(p);
        return;
    }
    p->over = true;
    p->result.unbounded = !p->left_out && p->config.delays < 0 && p->config.faults < 0 && p->result.complete;
}

static void nothing_left(struct share *p)
{
    if (p->over || p->out || share_waiting(p))
        return;
    if (p->kind == TREE) {
        p->over = true;
        p->result.unbounded = p->result.complete && p->config.faults < 0;
        p->result.preemptions = p->result.complete ? INT32_MAX : -1;
    } else if (p->kind != NUMBERS) {
        next_round(p);
    }
}

/* --- items --------------------------------------------------------------------------------------------------------- */

static uint64_t counted(const struct share *p)
{
    return p->result.schedules + p->result.cut + p->result.blocked;
}

/* How many runs the next item may make; 0: none is left. */
static uint64_t quota(const struct share *p, unsigned among)
{
    if (!p->config.schedules)
        return UINT64_MAX;
    uint64_t used = counted(p) + p->reserved;
    if (used >= p->config.schedules)
        return 0;
    uint64_t left = p->config.schedules - used, part = left / (2 * (uint64_t)among);
    return among <= 1 ? left : part ? part : 1;
}

static void put_rivals(struct share *p, struct bytes *b)
{
    struct prints_out m = {0};
    bytes_u(b, p->rival_count);
    for (size_t i = 0; i < p->rival_count; i++) {
        put_print(b, &m, &p->prints, p->rivals[i].print);
        bytes_u(b, p->rivals[i].agent == EXPLORE_NO_AGENT);
        bytes_u(b, p->rivals[i].agent != EXPLORE_NO_AGENT);
        if (p->rivals[i].agent != EXPLORE_NO_AGENT)
            bytes_u(b, p->rivals[i].agent);
    }
    free(m.map);
}

/* Numbers are never lacking while a limit or the clock lets them go on. */
static struct work *next_range(struct share *p)
{
    struct work *w = NULL;
    for (size_t i = p->oldest; i < p->work_count && !w; i++)
        if (p->works[i]->state == READY)
            w = p->works[i];
    if (w) {
        p->waiting--;
        return w;
    }
    uint64_t count = RANGE;
    if (p->failed && !p->config.keep_going)
        return NULL;
    if (p->config.schedules && p->next_number >= p->config.schedules)
        return NULL;
    if (p->config.schedules && p->config.schedules - p->next_number < count)
        count = p->config.schedules - p->next_number;
    if (p->config.schedules && p->config.schedules < 4 * RANGE)
        count = count < RANGE / 8 ? count : RANGE / 8;
    w = add_work(p);
    w->first = p->next_number;
    w->count = count;
    p->next_number += count;
    return w;
}

static struct work *next_work(struct share *p)
{
    for (size_t i = p->oldest; i < p->work_count; i++)
        if (p->works[i]->state == READY) {
            p->waiting--;
            return p->works[i];
        }
    return NULL;
}

static size_t places(const struct share *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->work_count; i++)
        n += p->works[i]->state != DONE;
    return n;
}

static void put_work(struct share *p, struct work *w, unsigned among, struct bytes *item)
{
    switch (p->kind) {
    case TREE: break;
    case CHOICES:
        bytes_u(item, p->bound == INT_MAX ? 0 : (uint64_t)p->bound + 1);
        bytes_u(item, p->config.iterate);
        put_schedule(item, &w->to);
        w->id = schedule_id(&w->to, 0xdf5 + (uint64_t)p->bound);
        break;
    case PLACES:
        bytes_u(item, (uint64_t)p->bound);
        bytes_u(item, among > 1 && w->generation < DEEPEST_EXPANSION && places(p) < WANTED_PLACES);
        bytes_u(item, p->memo);
        put_schedule(item, &w->to);
        put_rivals(p, item);
        w->id = schedule_id(&w->to, 0xb0d + p->pass);
        break;
    case NUMBERS:
        bytes_u(item, w->first);
        bytes_u(item, w->count);
        w->id = explore_mix(w->first * 0x9e3779b97f4a7c15ull + w->count) ^ p->config.seed;
        break;
    }
}

/* Many leaves are given out at a time, fewer as fewer are left, so that all have something to do till the end. */
static size_t leaves_at_once(const struct share *p, unsigned among)
{
    size_t waiting = share_waiting(p), part = waiting / (2 * (size_t)among);
    return among <= 1 ? waiting : part ? part : 1;
}

static struct work *take_leaves(struct share *p, struct sharers who, struct bytes *body)
{
    struct tree_node **leaves = NULL;
    uint64_t id;
    size_t most = leaves_at_once(p, who.among);
    bool scarce = who.among > 1 && !who.asked && share_waiting(p) <= 2 * (size_t)who.among;
    size_t n = tree_take(p->tree, most, scarce ? 2 * who.among : 0, &id, body, &leaves);
    if (!n)
        return NULL;
    struct work *w = add_work(p);
    w->leaves = leaves;
    w->leaf_count = n;
    w->id = id;
    return w;
}

bool share_take(struct share *p, struct sharers who, uint64_t *id, struct bytes *item)
{
    struct explore_config c = p->config;
    struct work *w = NULL;
    struct bytes body = {0};
    if (p->over)
        return false;
    c.schedules = quota(p, who.among);
    if (!c.schedules && p->kind != NUMBERS)
        return false;
    if (p->kind == TREE) {
        w = take_leaves(p, who, &body);
    } else {
        w = p->kind == NUMBERS ? next_range(p) : next_work(p);
        if (w)
            put_work(p, w, who.among, &body);
    }
    if (w) {
        w->reserved = p->config.schedules && p->kind != NUMBERS ? c.schedules : 0;
        p->reserved += w->reserved;
        c.schedules = p->config.schedules && p->kind != NUMBERS ? c.schedules : 0;
        w->state = OUT;
        p->out++;
        *id = w->id;
        size_t begin = item->count;
        put_config(item, &c);
        bytes_put(item, body.data, body.count);
        bytes_seal(item, begin);
    }
    bytes_free(&body);
    return w != NULL;
}

unsigned share_wanted(const struct share *p, struct sharers who)
{
    return p->kind != NUMBERS && who.among > 1 ? 2 * who.among : 0;
}

double share_seconds(const struct share *p, struct sharers who)
{
    unsigned among = who.among;
    if (who.asked && share_wanted(p, who))
        return 1;
    if (p->kind == PLACES)
        return among > 1 ? 2 : 5;
    /* Many explorers bring many messages to one keeper: longer parts, about a thousand a second at most. */
    double whole = among <= 250 ? 0.25 : among <= 2000 ? among / 1000.0 : 2;
    return share_waiting(p) < among ? whole / 8 : whole;
}

void share_back(struct share *p, uint64_t id)
{
    struct work *w = find_out(p, id);
    if (!w)
        return;
    p->out--;
    p->reserved -= w->reserved;
    w->reserved = 0;
    if (p->kind == TREE) {
        tree_back(p->tree, w->leaves, w->leaf_count);
        w->state = DONE;
        drop_done(p);
        return;
    }
    w->state = READY;
    p->waiting++;
    p->memo++;
}

size_t share_waiting(const struct share *p)
{
    return p->kind == TREE ? tree_waiting(p->tree) : p->waiting;
}

size_t share_out(const struct share *p)
{
    return p->out;
}

uint64_t share_schedules(const struct share *p)
{
    return p->result.schedules;
}

bool share_over(struct share *p)
{
    if (p->over)
        return true;
    if (p->config.schedules && counted(p) >= p->config.schedules) {
        not_complete(p, SEARCH_ENOUGH_RUNS);
        return p->over = true;
    }
    if (!p->config.keep_going && p->result.failing && !p->in_order) {
        not_complete(p, "stopped at the first failure");
        return p->over = true;
    }
    nothing_left(p);
    return p->over;
}

/* --- results ------------------------------------------------------------------------------------------------------- */

struct head {
    uint32_t flags;
    char *why;
    uint64_t counts[9];
    struct explore_failure *failures;
    size_t failure_count;
    const uint8_t *traces, *runs;
    size_t trace_count, run_bytes;
};

static void free_head(struct head *h)
{
    for (size_t i = 0; i < h->failure_count; i++) {
        free(h->failures[i].text);
        explore_schedule_free(&h->failures[i].schedule);
    }
    free(h->failures);
    free(h->why);
}

static void get_failures(struct reader *r, struct head *h)
{
    size_t n = read_count(r);
    h->failures = calloc(n + 1, sizeof *h->failures);
    if (!h->failures)
        base_panic("out of memory while exploring");
    for (size_t i = 0; i < n && !r->bad; i++) {
        struct explore_failure *f = &h->failures[h->failure_count++];
        f->key = read_u(r);
        f->text = read_text(r);
        uint64_t status = read_u(r);
        r->bad |= status != EXPLORE_FAILED && status != EXPLORE_DEADLOCK;
        f->status = (enum explore_status)status;
        f->preemptions = (unsigned)read_u(r);
        f->times = read_u(r);
        f->found_at = read_u(r);
        get_schedule(r, &f->schedule);
    }
}

static bool get_head(struct reader *r, struct head *h)
{
    memset(h, 0, sizeof *h);
    r->bad |= read_u(r) != PART_VERSION;
    h->flags = (uint32_t)read_u(r);
    h->why = read_text(r);
    for (size_t i = 0; i < 9; i++)
        h->counts[i] = read_u(r);
    get_failures(r, h);
    h->trace_count = read_count(r);
    h->traces = read_bytes(r, h->trace_count * 8);
    h->run_bytes = read_count(r);
    h->runs = read_bytes(r, h->run_bytes);
    r->bad |= h->run_bytes % 16 != 0;
    return !r->bad;
}

static int compare_schedules(const struct explore_schedule *a, const struct explore_schedule *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (size_t i = 0; i < a->count; i++) {
        if (a->choices[i].agent != b->choices[i].agent)
            return a->choices[i].agent < b->choices[i].agent ? -1 : 1;
        if (a->choices[i].alternative != b->choices[i].alternative)
            return a->choices[i].alternative < b->choices[i].alternative ? -1 : 1;
    }
    return 0;
}

/* Of two runs that fail alike one is kept, whatever the order in which they came. */
static bool better(const struct explore_failure *a, const struct explore_failure *b)
{
    return a->preemptions != b->preemptions ? a->preemptions < b->preemptions : compare_schedules(&a->schedule, &b->schedule) < 0;
}

static void merge_failure(struct share *p, struct explore_failure *f, bool count)
{
    struct explore_result *r = &p->result;
    for (size_t i = 0; i < r->failure_count; i++) {
        struct explore_failure *known = &r->failures[i];
        if (known->key != f->key)
            continue;
        known->times += count ? f->times : 0;
        if (!p->in_order && better(f, known)) {
            struct explore_schedule s = known->schedule;
            known->schedule = f->schedule;
            f->schedule = s;
            known->preemptions = f->preemptions;
        }
        return;
    }
    r->failures = realloc(r->failures, (r->failure_count + 1) * sizeof *r->failures);
    if (!r->failures)
        base_panic("out of memory while exploring");
    r->failures[r->failure_count] = *f;
    r->failures[r->failure_count].found_at += r->schedules;
    r->failures[r->failure_count++].times = count ? f->times : 0;
    f->text = NULL;
    f->schedule = (struct explore_schedule){0};
}

static uint64_t number_at(const uint8_t *from)
{
    uint64_t v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* Classes that several parts came to count once. */
static void merge_runs(struct share *p, const struct head *h)
{
    struct explore_result *r = &p->result;
    for (size_t i = 0; i < h->run_bytes; i += 16) {
        uint64_t failure = number_at(h->runs + i + 8);
        if (!seen_add(&p->traces, number_at(h->runs + i)))
            continue;
        r->schedules++;
        r->traces++;
        r->failing += failure != 0;
        for (size_t k = 0; k < r->failure_count && failure; k++)
            r->failures[k].times += r->failures[k].key == failure;
    }
}

static void merge(struct share *p, struct head *h)
{
    struct explore_result *r = &p->result;
    bool classes = p->kind == PLACES;
    for (size_t i = 0; i < h->failure_count; i++)
        merge_failure(p, &h->failures[i], !classes);
    if (classes)
        merge_runs(p, h);
    else
        r->schedules += h->counts[0], r->failing += h->counts[2];
    for (size_t i = 0; i < h->trace_count && !classes; i++)
        r->traces += seen_add(&p->traces, number_at(h->traces + 8 * i));
    r->blocked += h->counts[1];
    r->merged += h->counts[3];
    r->cut += h->counts[4];
    r->steps += h->counts[5];
    r->replayed += h->counts[6];
    r->tries += h->counts[7];
    r->futile += h->counts[8];
    r->bound_hit |= (h->flags & PART_BOUND_HIT) != 0;
    p->left_out |= (h->flags & PART_LEFT_OUT) != 0;
    p->skipped |= (h->flags & PART_SKIPPED) != 0;
    if (h->why[0])
        not_complete(p, h->why);
}

/* What stopped for good; the search goes on with the rest, but knows that it is not complete. */
static bool stopped(const struct share *p, const struct head *h)
{
    return h->why[0] && (strncmp(h->why, "broken promise", 14) == 0 || strstr(h->why, "limit of nodes") || strstr(h->why, "more agents"));
}

static bool done_choices(struct share *p, const struct head *h, const struct reader *r)
{
    struct reader look = *r;
    size_t n = h->flags & PART_FINISHED ? 0 : read_count(&look);
    struct explore_schedule *rest = calloc(n + 1, sizeof *rest);
    if (!rest)
        base_panic("out of memory while exploring");
    for (size_t i = 0; i < n && !look.bad; i++)
        get_schedule(&look, &rest[i]);
    for (size_t i = 0; i < n && !look.bad; i++) {
        struct work *x = add_work(p);
        explore_schedule_copy(&x->to, &rest[n - 1 - i]);
        p->waiting++;
    }
    for (size_t i = 0; i < n; i++)
        explore_schedule_free(&rest[i]);
    free(rest);
    return !look.bad;
}

static void learn(struct share *p, uint32_t print, uint32_t agent)
{
    for (size_t i = 0; i < p->rival_count; i++)
        if (p->rivals[i].print == print && p->rivals[i].agent == agent)
            return;
    p->rivals = explore_grow(p->rivals, &p->rival_room, p->rival_count + 1, sizeof *p->rivals);
    p->rivals[p->rival_count++] = (struct rival){print, agent};
    p->learnt = true;
}

static void get_rivals(struct share *p, struct reader *r, bool apply)
{
    struct prints_in m = {0};
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        uint32_t print = get_print(r, &m, &p->prints);
        bool all = read_u(r);
        if (all && apply)
            learn(p, print, EXPLORE_NO_AGENT);
        for (size_t k = read_count(r); k > 0 && !r->bad; k--) {
            uint64_t agent = read_u(r);
            if (apply)
                learn(p, print, (uint32_t)agent);
        }
    }
    free(m.all);
}

/* A place that is known at no greater cost is there already. */
static void add_place(struct share *p, uint64_t key, uint32_t cost, uint32_t generation, const struct explore_schedule *to)
{
    for (size_t i = 0; i < p->work_count; i++)
        if (p->works[i]->key == key && p->works[i]->cost <= cost)
            return;
    struct work *x = add_work(p);
    explore_schedule_copy(&x->to, to);
    x->key = key;
    x->cost = cost;
    x->generation = generation;
    p->waiting++;
}

static bool done_place(struct share *p, struct work *w, struct head *h, struct reader *r)
{
    struct reader look = *r;
    get_rivals(p, &look, false);
    size_t n = h->flags & PART_EXPANDED ? read_count(&look) : 0;
    for (int apply = 0; apply < 2; apply++) {
        if (apply)
            get_rivals(p, r, true);
        if (apply && h->flags & PART_EXPANDED)
            read_count(r);
        for (size_t i = 0; i < n && !look.bad; i++) {
            struct reader *from = apply ? r : &look;
            struct explore_schedule to = {0};
            uint64_t key = read_u(from), cost = read_u(from);
            get_schedule(from, &to);
            if (apply)
                add_place(p, key, (uint32_t)cost, w->generation + 1, &to);
            explore_schedule_free(&to);
        }
        if (look.bad)
            return false;
    }
    w->expanded = h->flags & PART_EXPANDED;
    w->left_out = w->expanded && h->flags & PART_LEFT_OUT;
    return true;
}

/* Ranges in the order of their numbers; what failed first ends it. */
static void merge_in_order(struct share *p)
{
    while (p->oldest < p->work_count && p->works[p->oldest]->state == DONE && !p->over) {
        struct work *w = p->works[p->oldest++];
        struct reader r = {.at = w->result.data, .end = w->result.data + w->result.count};
        struct head h;
        get_head(&r, &h);
        merge(p, &h);
        if (!p->config.keep_going && p->result.failing) {
            not_complete(p, "stopped at the first failure");
            p->over = true;
        }
        free_head(&h);
        bytes_free(&w->result);
    }
}

static bool done_range(struct share *p, struct work *w, struct head *h, const void *result, size_t size)
{
    uint64_t made = h->counts[0] + h->counts[4];
    if (made > w->count || (made < w->count && !h->failure_count && !h->why[0] && !made))
        return false;
    if (made < w->count && !(h->failure_count && !p->config.keep_going) && !stopped(p, h)) {
        struct work *x = add_work(p); /* its other half waits right behind it */
        *x = (struct work){.first = w->first + made, .count = w->count - made, .state = READY};
        size_t at = p->work_count - 1;
        for (; at > 0 && p->works[at - 1]->first > x->first; at--)
            p->works[at] = p->works[at - 1];
        p->works[at] = x;
        p->waiting++;
        w->count = made;
    }
    bytes_put(&w->result, result, size);
    p->failed |= h->failure_count != 0;
    return true;
}

bool share_done(struct share *p, uint64_t id, const void *result, size_t size)
{
    struct work *w = find_out(p, id);
    struct reader r = {.at = result, .end = (const uint8_t *)result + size};
    struct head h;
    if (!w || p->over || !read_sealed(&r))
        return false;
    size = (size_t)(r.end - r.at);
    bool good = get_head(&r, &h), ended = false;
    if (good) {
        ended = stopped(p, &h) || (!p->config.keep_going && h.failure_count);
        switch (p->kind) {
        case TREE:
            good = ended || tree_done(p->tree, w->leaves, w->leaf_count, &r);
            break;
        case CHOICES: good = ended || done_choices(p, &h, &r); break;
        case PLACES: good = ended || done_place(p, w, &h, &r); break;
        case NUMBERS: good = done_range(p, w, &h, result, size); break;
        }
    }
    if (good) {
        p->out--;
        p->reserved -= w->reserved;
        w->reserved = 0;
        w->state = DONE;
        if (p->kind == NUMBERS)
            merge_in_order(p);
        else
            merge(p, &h);
        if (ended && p->kind != NUMBERS) {
            if (!h.why[0])
                not_complete(p, "stopped at the first failure");
            p->over = true;
        }
        if (p->kind == TREE || p->kind == CHOICES)
            drop_done(p);
        if (p->kind == TREE && tree_nodes(p->tree) > p->config.nodes && !p->over) {
            p->result.bound_hit = p->over = true;
            not_complete(p, "the wake-up tree outgrew its limit of nodes");
        }
    }
    free_head(&h);
    return good;
}

/* --- what it all comes to ------------------------------------------------------------------------------------------ */

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct explore_failure *)a)->key, y = ((const struct explore_failure *)b)->key;
    return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
    const struct explore_failure *x = a, *y = b;
    if (x->preemptions != y->preemptions)
        return x->preemptions < y->preemptions ? -1 : 1;
    return by_key(a, b);
}

void share_result(struct share *p, struct explore_result *out)
{
    if (p->kind == NUMBERS) { /* also those that wait for numbers before them that will not come */
        for (; p->oldest < p->work_count && !p->over; p->oldest++)
            merge_in_order(p);
        not_complete(p, "schedules were drawn at random");
    } else if (!p->over) {
        not_complete(p, SEARCH_STOPPED);
    }
    *out = p->result;
    if (!p->in_order && out->failure_count)
        qsort(out->failures, out->failure_count, sizeof *out->failures, by_place);
    p->result = (struct explore_result){0};
    p->over = true;
}

/* --- files --------------------------------------------------------------------------------------------------------- */

static void save_counts(const struct share *p, struct bytes *b)
{
    const struct explore_result *r = &p->result;
    const uint64_t v[] = {r->schedules, r->blocked, r->failing, r->merged, r->traces, r->cut, r->steps, r->replayed, r->tries, r->complete, r->bound_hit,
                          (uint64_t)((int64_t)r->preemptions + 1), p->next_number, p->pass, p->left_out, p->skipped, p->learnt, p->over, r->unbounded, r->futile};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        bytes_u(b, v[i]);
    bytes_u(b, (uint64_t)(uint32_t)p->bound);
    bytes_text(b, r->why_not);
    bytes_u(b, r->failure_count);
    for (size_t i = 0; i < r->failure_count; i++) {
        const struct explore_failure *f = &r->failures[i];
        bytes_u(b, f->key);
        bytes_text(b, f->text);
        bytes_u(b, (uint64_t)f->status);
        bytes_u(b, f->preemptions);
        bytes_u(b, f->times);
        bytes_u(b, f->found_at);
        put_schedule(b, &f->schedule);
    }
    bytes_u(b, p->traces.count);
    for (size_t i = 0; i < p->traces.size; i++)
        if (p->traces.slots[i])
            bytes_put(b, &p->traces.slots[i], 8);
}

void share_save(struct share *p, struct bytes *b)
{
    put_config(b, &p->config);
    save_counts(p, b);
    if (p->kind == TREE) {
        tree_save(p->tree, b);
        return;
    }
    bytes_u(b, p->work_count - (p->kind == NUMBERS ? p->oldest : 0));
    for (size_t i = p->kind == NUMBERS ? p->oldest : 0; i < p->work_count; i++) {
        const struct work *w = p->works[i];
        bytes_u(b, (w->state == DONE ? 1u : 0u) | (w->expanded ? 2u : 0u) | (w->left_out ? 4u : 0u));
        put_schedule(b, &w->to);
        bytes_u(b, w->key);
        bytes_u(b, w->cost);
        bytes_u(b, w->generation);
        bytes_u(b, w->first);
        bytes_u(b, w->count);
        bytes_u(b, w->result.count);
        bytes_put(b, w->result.data, w->result.count);
    }
    put_rivals(p, b);
}

static void load_counts(struct share *p, struct reader *in)
{
    struct explore_result *r = &p->result;
    uint64_t v[20];
    for (size_t i = 0; i < 20; i++)
        v[i] = read_u(in);
    r->schedules = v[0], r->blocked = v[1], r->failing = v[2], r->merged = v[3], r->traces = v[4], r->cut = v[5], r->steps = v[6], r->replayed = v[7], r->tries = v[8];
    r->complete = v[9];
    r->bound_hit = v[10];
    in->bad |= v[11] > (uint64_t)INT32_MAX + 1;
    r->preemptions = (int)((int64_t)v[11] - 1);
    p->next_number = v[12];
    p->pass = v[13];
    p->left_out = v[14];
    p->skipped = v[15];
    p->learnt = v[16];
    p->over = v[17];
    r->unbounded = v[18];
    r->futile = v[19];
    p->bound = (int)(uint32_t)read_u(in);
    in->bad |= p->bound < 0;
    char *why = read_text(in);
    if (why[0])
        r->why_not = r->why_text = why;
    else
        free(why);
    struct head h = {0};
    get_failures(in, &h);
    r->failures = h.failures;
    r->failure_count = h.failure_count;
    size_t n = read_count(in);
    const uint8_t *traces = read_bytes(in, n * 8);
    for (size_t i = 0; i < n && traces; i++)
        seen_add(&p->traces, number_at(traces + 8 * i));
}

static void load_works(struct share *p, struct reader *in)
{
    forget_works(p);
    for (size_t n = read_count(in); n > 0 && !in->bad; n--) {
        struct work *w = add_work(p);
        uint64_t flags = read_u(in);
        w->state = flags & 1 ? DONE : READY;
        w->expanded = flags & 2;
        w->left_out = flags & 4;
        p->waiting += w->state == READY;
        get_schedule(in, &w->to);
        w->key = read_u(in);
        w->cost = (uint32_t)read_u(in);
        w->generation = (uint32_t)read_u(in);
        w->first = read_u(in);
        w->count = read_u(in);
        size_t size = read_count(in);
        const uint8_t *bytes = read_bytes(in, size);
        if (bytes)
            bytes_put(&w->result, bytes, size);
        struct reader look = {.at = w->result.data, .end = w->result.data + w->result.count};
        struct head h;
        if (p->kind == NUMBERS && w->state == DONE) {
            in->bad |= !get_head(&look, &h);
            free_head(&h);
        }
    }
    bool learnt = p->learnt;
    get_rivals(p, in, true);
    p->learnt = learnt;
}

struct share *share_load(struct reader *in)
{
    struct explore_config c;
    get_config(in, &c);
    if (in->bad)
        return NULL;
    struct share *p = share_new(&c);
    load_counts(p, in);
    if (p->kind == TREE && !in->bad) {
        tree_free(p->tree);
        p->tree = tree_load(in);
    } else if (!in->bad) {
        load_works(p, in);
    }
    if (in->bad || (p->kind == TREE && !p->tree)) {
        share_free(p);
        return NULL;
    }
    return p;
}

void share_limit(struct share *p, uint64_t schedules)
{
    struct explore_result *r = &p->result;
    bool by_limit = p->over && r->why_not && strcmp(r->why_not, SEARCH_ENOUGH_RUNS) == 0;
    p->config.schedules = schedules;
    if (!by_limit)
        return;
    p->over = false;
    free(r->why_text);
    r->why_not = r->why_text = NULL;
    r->complete = !r->cut && !r->bound_hit;
    if (!r->complete)
        not_complete(p, "a run was cut: it was too long, or the machine gave it up");
}
