/* See campaign.h.
 *
 * A state file is "irplab-search 4\n", a hash of what follows, and what follows: what is searched (a hash of the configuration and its
 * files, the options that matter), the loops that are scheduling points, the phase, what earlier phases came to, and the shared search. */
#include "lab/campaign.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/file.h"
#include "explore/part.h"
#include "lab/places.h"
#include "lab/search.h"
#include "race/points.h"
#include "race/race.h"
#include "session/explorable.h"
#include "sim/image.h"
#include "sim/patch.h"
#include "sim/spins.h"

static const char magic[] = "irplab-search 4\n", magic_name[] = "irplab-search ";
enum { MOST_PHASES = 4, LARGEST_FILE = 1 << 30, MOST_REFUSED = 3 };
static const double longest_slice = 60, shortest_slice = 0.03, patience = 0.5, longest_unasked = 3 /* half a lease of queue.c */;

struct campaign {
    struct irplab *lab;
    struct explorers *x;
    struct lab_result *r;
    struct explore_config phases[MOST_PHASES];
    unsigned phase_count, phase;
    struct share *share; /* of this phase */
    struct explore_result earlier; /* its failures only: found before racing places became points */
    char *opaque;        /* why the reduction cannot be trusted */
    bool stubs;
    unsigned refused;
    double started, deadline, shown, saved;
    double recalled; /* when all were asked to come back, the time being over; 0: not yet */
    double slice;    /* longest part: shorter while explorers die, so that something comes to its end between two deaths */
    double cost;     /* about what an item costs this process, in seconds: to give it out, and to take its result */
    double before; /* seconds spent before the state file was written */
};

/* ---- interruption ---- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = 1;
}

/* ---- what explorers answer ---- */

void campaign_answer(struct bytes *out, const struct bytes *result)
{
    bytes_text(out, explorable_opaque());
    bytes_u(out, image_stubs_used());
    places_put(out);
    bytes_put(out, result->data, result->count);
}

static bool caught_in_a_loop(void *user)
{
    return spins_waiting();
}

static void note_race(void *user)
{
    race_finding_note_pair();
}

static bool found_a_place(void *user)
{
    return spins_waiting() || race_points_waiting();
}

/* The search that the item is a part of; false: it cannot be read. */
static bool config_of(const void *item, size_t size, struct explore_config *x)
{
    struct reader in = { .at = item, .end = (const uint8_t *)item + size };
    get_config(&in, x);
    return !in.bad;
}

bool campaign_explore(const struct explore_machine *machine, struct part_keep *keep, const void *item, size_t size, struct part_how how, struct bytes *out)
{
    struct bytes result = { 0 };
    struct explore_config x;
    bool readable = config_of(item, size, &x), races = readable && x.keep_going; /* past its first failure a search looks at all orders of what races */
    explorable_promises(readable && search_uses_promises(&x));
    how.stop = races ? found_a_place : caught_in_a_loop;
    how.failed = races ? note_race : NULL;
    patch_sweep(readable && x.sweep && !spins_no_more_plain());
    bool good = explore_part(machine, keep, item, size, &how, &result);
    patch_sweep(false);
    spins_apply(); /* the keeper hears of it, and begins again */
    if (races)
        race_points_apply();
    if (good)
        campaign_answer(out, &result);
    bytes_free(&result);
    return good;
}

/* ---- phases ---- */

static void add_phase(struct campaign *c, struct explore_config x)
{
    IR_ASSERT(c->phase_count < MOST_PHASES);
    c->phases[c->phase_count++] = x;
}

static void plan(struct campaign *c, const struct explore_config *x)
{
    static const enum explore_strategy draws[] = { EXPLORE_PCT, EXPLORE_RANDOM };
    static const uint64_t numbers[] = { AUTO_PCT, AUTO_RANDOM };
    /* A search that may go on later has the same phases whatever it is cut at now. */
    uint64_t most = x->schedules && !c->lab->search.state[0] ? x->schedules / 4 : UINT64_MAX;
    if (!search_is_automatic(c->lab)) {
        add_phase(c, *x);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct explore_config draw = *x;
        draw.strategy = draws[i];
        draw.preemptions = -1;
        draw.iterate = false;
        draw.schedules = numbers[i] < most ? numbers[i] : most;
        draw.sweep = draws[i] == EXPLORE_RANDOM && search_sweeps(c->lab);
        add_phase(c, draw);
    }
    add_phase(c, *x);
    struct explore_config all = *x;
    all.strategy = EXPLORE_DFS;
    add_phase(c, all);
}

static bool is_draw(const struct campaign *c)
{
    return search_is_automatic(c->lab) && c->phase < 2;
}

static bool enough(const struct campaign *c)
{
    const struct explore_config *x = &c->phases[c->phase_count - 1];
    return (c->r->found.failing && !x->keep_going) || (x->schedules && c->r->found.schedules >= x->schedules);
}

/* The oracle's turn comes only where the reduction cannot be trusted. */
static bool phase_wanted(const struct campaign *c)
{
    if (!search_is_automatic(c->lab) || c->phase < 2)
        return c->phases[c->phase].schedules || !is_draw(c);
    if (c->phase == 2)
        return !c->opaque;
    return c->opaque || (c->r->found.why_not && strncmp(c->r->found.why_not, "broken promise", 14) == 0);
}

/* Runs that this phase may make. */
static uint64_t phase_limit(const struct campaign *c)
{
    uint64_t all = c->phases[c->phase_count - 1].schedules, own = is_draw(c) ? c->phases[c->phase].schedules : 0;
    if (!all)
        return own;
    uint64_t left = all > c->r->found.schedules ? all - c->r->found.schedules : 1;
    return own && own < left ? own : left;
}

static struct share *new_share(struct campaign *c)
{
    struct explore_config x = c->phases[c->phase];
    x.schedules = phase_limit(c);
    return share_new(&x);
}

/* ---- state files ---- */

/* What has to be the same for a search to go on. */
static void put_options(const struct irplab *lab, struct bytes *b)
{
    struct explore_config x;
    search_config(lab, &x);
    x.schedules = 0;
    bytes_text(b, search_is_automatic(lab) ? "auto" : lab->search.strategy);
    bytes_u(b, lab->search.target_size);
    bytes_put(b, lab->search.target, lab->search.target_size);
    put_config(b, &x);
}

static void put_found(struct bytes *b, const struct explore_result *r)
{
    const uint64_t v[] = { r->schedules, r->blocked, r->failing, r->merged, r->traces, r->cut, r->steps, r->replayed, r->tries, r->futile };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        bytes_u(b, v[i]);
    bytes_u(b, (r->complete ? 1u : 0u) | (r->bound_hit ? 2u : 0u) | (r->unbounded ? 4u : 0u));
    bytes_u(b, (uint64_t)((int64_t)r->preemptions + 1));
    bytes_text(b, r->why_not);
    bytes_u(b, r->failure_count);
    for (size_t i = 0; i < r->failure_count; i++) {
        bytes_u(b, r->failures[i].key);
        bytes_text(b, r->failures[i].text);
        bytes_u(b, (uint64_t)r->failures[i].status);
        bytes_u(b, r->failures[i].preemptions);
        bytes_u(b, r->failures[i].times);
        bytes_u(b, r->failures[i].found_at);
        bytes_u(b, r->failures[i].race_points);
        put_schedule(b, &r->failures[i].schedule);
    }
}

static void get_found(struct reader *in, struct explore_result *r)
{
    uint64_t *v[] = { &r->schedules, &r->blocked, &r->failing, &r->merged, &r->traces, &r->cut, &r->steps, &r->replayed, &r->tries, &r->futile };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        *v[i] = read_u(in);
    uint64_t flags = read_u(in), preemptions = read_u(in);
    r->complete = flags & 1;
    r->bound_hit = flags & 2;
    r->unbounded = flags & 4;
    r->preemptions = (int)((int64_t)preemptions - 1);
    char *why = read_text(in);
    r->why_not = r->why_text = why[0] ? why : NULL;
    if (!why[0])
        free(why);
    size_t n = read_count(in);
    r->failures = calloc(n + 1, sizeof *r->failures);
    IR_ASSERT(r->failures);
    for (size_t i = 0; i < n && !in->bad; i++) {
        struct explore_failure *f = &r->failures[r->failure_count++];
        f->key = read_u(in);
        f->text = read_text(in);
        f->status = (enum explore_status)read_u(in);
        f->preemptions = (unsigned)read_u(in);
        f->times = read_u(in);
        f->found_at = read_u(in);
        f->race_points = read_u(in);
        get_schedule(in, &f->schedule);
    }
}

static bool state_save(struct campaign *c)
{
    const char *path = c->lab->search.state;
    struct base_file f;
    struct bytes b = { 0 };
    put_options(c->lab, &b);
    bytes_u(&b, (uint64_t)((c->before + lab_now() - c->started) * 1000));
    bytes_text(&b, c->opaque);
    bytes_u(&b, c->stubs);
    places_put(&b);
    bytes_u(&b, c->phase);
    put_found(&b, &c->earlier);
    put_found(&b, &c->r->found);
    bytes_u(&b, c->share != NULL);
    if (c->share)
        share_save(c->share, &b);
    uint64_t hash = bytes_hash(b.data, b.count);
    bool ok = base_file_begin(&f, path);
    if (ok) {
        fwrite(magic, 1, sizeof magic - 1, f.stream);
        fwrite(&hash, sizeof hash, 1, f.stream);
        fwrite(b.data, 1, b.count, f.stream);
        ok = base_file_end(&f, true);
    }
    bytes_free(&b);
    return ok || lab_fail(c->lab, "%s: %s", path, strerror(errno));
}

/* The file's bytes, to be freed; NULL: lab->error. */
static uint8_t *state_bytes(struct irplab *lab, const char *path, size_t *size)
{
    FILE *f = fopen(path, "r");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0) {
        lab_fail(lab, "%s: %s", path, strerror(errno));
        if (f)
            fclose(f);
        return NULL;
    }
    const char *why = !S_ISREG(st.st_mode) ? "is not a file" : st.st_size > LARGEST_FILE ? "is too large for a state file" : NULL;
    uint8_t *bytes = malloc(why ? 1 : (size_t)st.st_size + 1);
    IR_ASSERT(bytes);
    if (!why && fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
        why = "cannot be read";
    fclose(f);
    *size = (size_t)st.st_size;
    const size_t head = sizeof magic - 1;
    uint64_t hash = 0;
    if (!why && *size >= head && memcmp(bytes, magic, head) != 0 && memcmp(bytes, magic_name, sizeof magic_name - 1) == 0)
        why = "was written by another version of irplab";
    if (!why && (*size < head || memcmp(bytes, magic, head) != 0))
        why = "is not a state file of irplab explore";
    if (!why && *size >= head + sizeof hash)
        memcpy(&hash, bytes + head, sizeof hash);
    if (!why && (*size < head + sizeof hash || bytes_hash(bytes + head + sizeof hash, *size - head - sizeof hash) != hash))
        why = "is damaged or cut short";
    if (!why)
        return bytes;
    free(bytes);
    lab_fail(lab, "%s: %s", path, why);
    return NULL;
}

static struct reader state_reader(uint8_t *bytes, size_t size)
{
    return (struct reader) { .at = bytes + sizeof magic - 1 + sizeof(uint64_t), .end = bytes + size };
}

static const char *known_strategy(const char *name)
{
    static const char *const names[] = { "auto", "dpor", "dfs", "pct", "pos", "surw", "random" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return names[i];
    return NULL;
}

/* The file's search, for a command line that names no target. */
static bool take_options(struct irplab *lab, struct reader *in)
{
    struct explore_config x;
    char *name = read_text(in);
    const char *strategy = known_strategy(name);
    free(name);
    size_t size = read_count(in);
    const uint8_t *target = read_bytes(in, size);
    get_config(in, &x);
    if (in->bad || !strategy)
        return lab_fail(lab, "%s: is damaged", lab->search.resume);
    lab->search.target = malloc(size + 1);
    IR_ASSERT(lab->search.target);
    memcpy(lab->search.target, target, size);
    lab->search.target_size = size;
    uint64_t run_hash;
    if (!target_take(lab, target, size, &run_hash))
        return false;
    lab->search.strategy = lab->search.strategy ? lab->search.strategy : strategy;
    lab->search.preemptions = lab->search.preemptions >= 0 ? lab->search.preemptions : x.preemptions;
    lab->search.keep_going |= x.keep_going;
    return true;
}

bool campaign_prepare(struct irplab *lab)
{
    struct bytes target = { 0 };
    struct base_file try;
    if (!lab->search.state[0] && lab->search.resume[0])
        strcpy(lab->search.state, lab->search.resume);
    if (lab->search.state[0] && !base_file_begin(&try, lab->search.state)) /* now, and not after a night's search */
        return lab_fail(lab, "%s: %s", lab->search.state, strerror(errno));
    if (lab->search.state[0])
        base_file_end(&try, false);
    if (lab->search.resume[0] && !lab->has_target && !lab->config.driver_count) {
        size_t size = 0;
        uint8_t *bytes = state_bytes(lab, lab->search.resume, &size);
        if (!bytes)
            return false;
        struct reader in = state_reader(bytes, size);
        bool ok = take_options(lab, &in);
        free(bytes);
        return ok;
    }
    if (lab->search.resume[0]) { /* said before anything is run */
        size_t size = 0;
        uint8_t *bytes = state_bytes(lab, lab->search.resume, &size);
        if (!bytes)
            return false;
        free(bytes);
    }
    if (!target_make(lab, &target))
        return false;
    lab->search.target = target.data;
    lab->search.target_size = target.count;
    return true;
}

static bool state_load(struct campaign *c)
{
    const char *path = c->lab->search.resume;
    size_t size = 0;
    uint8_t *bytes = state_bytes(c->lab, path, &size);
    struct bytes mine = { 0 };
    if (!bytes)
        return false;
    struct reader in = state_reader(bytes, size);
    put_options(c->lab, &mine);
    const uint8_t *theirs = read_bytes(&in, mine.count);
    bool same = theirs && memcmp(theirs, mine.data, mine.count) == 0;
    bytes_free(&mine);
    if (!same) {
        free(bytes);
        return lab_fail(c->lab, "%s: belongs to another search: other files, another configuration or other options", path);
    }
    c->before = (double)read_u(&in) / 1000;
    char *opaque = read_text(&in);
    c->opaque = opaque[0] ? opaque : NULL;
    c->stubs = read_u(&in);
    bool places = places_get(&in) != 0; /* that explorers do not know yet */
    uint64_t phase = read_u(&in);
    in.bad |= phase > c->phase_count;
    c->phase = (unsigned)phase;
    get_found(&in, &c->earlier);
    get_found(&in, &c->r->found);
    if (read_u(&in))
        c->share = c->phase < c->phase_count ? share_load(&in) : NULL;
    if (c->share)
        share_limit(c->share, phase_limit(c));
    bool good = !in.bad && in.at == in.end;
    free(bytes);
    if (good && places)
        c->x->restart(c->x->user);
    return good || lab_fail(c->lab, "%s: is damaged", path);
}

/* ---- the loop ---- */

static void show(struct campaign *c)
{
    double now = lab_now();
    if (!c->lab->progress || now - c->shown < 0.2)
        return;
    c->shown = now;
    c->lab->progress(c->r->found.schedules + share_schedules(c->share) + c->x->running(c->x->user), now - c->started);
}

/* Something became a scheduling point: what was explored without it counts for nothing. */
static void begin_again(struct campaign *c)
{
    explore_result_free(&c->r->found);
    memset(&c->r->found, 0, sizeof c->r->found);
    share_free(c->share);
    c->share = NULL;
    c->phase = 0;
    c->x->restart(c->x->user);
}

/* A loop became a scheduling point: schedules of before are none any more. */
static void loops_became_points(struct campaign *c)
{
    explore_result_free(&c->earlier);
    memset(&c->earlier, 0, sizeof c->earlier);
    race_points_use(0);
    begin_again(c);
}

/* Racing places did: what was found with those before, as many as `points`, stays. */
static void races_became_points(struct campaign *c, size_t points)
{
    struct explore_result part;
    size_t all = race_points_count();
    share_result(c->share, &part);
    search_result_add(&c->r->found, &part);
    race_points_use(points);
    search_keep_failures(&c->earlier, &c->r->found);
    race_points_use(all);
    begin_again(c);
}

/* false: all begins again. */
static bool came(struct campaign *c, uint64_t id, const struct bytes *answer)
{
    struct reader r = { .at = answer->data, .end = answer->data + answer->count };
    char *opaque = read_text(&r);
    bool stubs = read_u(&r);
    size_t points = race_points_count();
    unsigned fresh = places_get(&r);
    if (!r.bad && opaque[0] && !c->opaque)
        c->opaque = strdup(opaque);
    free(opaque);
    c->stubs |= stubs && !r.bad;
    if ((fresh & PLACES_LOOPS) && !r.bad) {
        loops_became_points(c);
        return false;
    }
    if (r.bad || !share_done(c->share, id, r.at, (size_t)(r.end - r.at))) {
        race_points_use(points);
        share_back(c->share, id);
        if (++c->refused == MOST_REFUSED)
            base_panic("results of parts of the search were refused %u times", c->refused);
        return true;
    }
    if (fresh & PLACES_RACES)
        races_became_points(c, points);
    return !(fresh & PLACES_RACES);
}

static bool out_of_time(const struct campaign *c)
{
    return interrupted || lab_now() > c->deadline;
}

static void note_cost(struct campaign *c, double since)
{
    c->cost += (lab_now() - since - c->cost / 2) / 8;
}

/* Who cannot be asked to come back does so by itself; the more there are the later, so that half of this process's time is enough for all of them. */
static double seconds_for(const struct campaign *c, struct sharers who)
{
    double seconds = share_seconds(c->share, who), all = 2 * (double)share_out(c->share) * c->cost;
    if (!who.asked && seconds < all)
        seconds = fmin(all, longest_unasked);
    return fmin(seconds, c->slice);
}

static void hand_out(struct campaign *c)
{
    struct sharers who = { c->x->count(c->x->user), c->x->ask_back != NULL };
    while (who.among && c->x->idle(c->x->user)) {
        struct bytes item = { 0 };
        uint64_t id;
        double since = lab_now();
        bool more = share_take(c->share, who, &id, &item);
        if (more) {
            c->x->give(c->x->user, id, &item, seconds_for(c, who));
            note_cost(c, since);
        }
        bytes_free(&item);
        if (!more) {
            if (who.asked && share_wanted(c->share, who))
                c->x->ask_back(c->x->user, share_wanted(c->share, who), false);
            return;
        }
    }
}

/* What has been explored by the end of the time counts, as far as it comes back at once. */
static bool wait_for_the_last(struct campaign *c)
{
    if (!c->x->ask_back || !share_out(c->share))
        return false;
    if (!c->recalled)
        c->x->ask_back(c->x->user, 1, true);
    c->recalled = c->recalled ? c->recalled : lab_now();
    return lab_now() - c->recalled < patience;
}

static void lost(struct campaign *c, uint64_t id)
{
    share_back(c->share, id);
    c->slice = fmax(fmin(c->slice, 1) / 2, shortest_slice);
}

enum phase_end { ENDED, BEGINS_AGAIN, OUT_OF_TIME, FAILED };

static enum phase_end explore_phase(struct campaign *c)
{
    if (!c->share)
        c->share = new_share(c);
    while (!share_over(c->share)) {
        struct bytes answer = { 0 };
        uint64_t id = 0;
        bool again = false;
        if (out_of_time(c) && !wait_for_the_last(c))
            return OUT_OF_TIME;
        if (!c->recalled)
            hand_out(c);
        enum part_news n = c->x->news(c->x->user, c->recalled ? 0.01 : fmax(0, fmin(c->deadline - lab_now(), 0.1)), &id, &answer);
        c->slice = n == PART_CAME ? fmin(c->slice * 1.5, longest_slice) : c->slice;
        double since = lab_now();
        if (n == PART_CAME) {
            again = !came(c, id, &answer);
            note_cost(c, since);
        }
        else if (n == PART_LOST)
            lost(c, id);
        bytes_free(&answer);
        if (n == EXPLORERS_FAILED)
            return FAILED;
        if (again)
            return BEGINS_AGAIN;
        show(c);
        if (c->lab->search.state[0] && lab_now() - c->saved > 5) {
            c->saved = lab_now();
            if (!state_save(c))
                return FAILED;
        }
    }
    return ENDED;
}

static void end_phase(struct campaign *c)
{
    struct explore_result part;
    share_result(c->share, &part);
    search_result_add(&c->r->found, &part);
    share_free(c->share);
    c->share = NULL;
}

/* true: the search came to its end, or time ran out. */
static bool explore_phases(struct campaign *c, bool *timed_out)
{
    while (c->phase < c->phase_count) {
        bool go_on = c->share || (!enough(c) && phase_wanted(c));
        enum phase_end end = go_on ? explore_phase(c) : ENDED;
        if (end == FAILED)
            return false;
        if (end == BEGINS_AGAIN)
            continue;
        *timed_out = end == OUT_OF_TIME;
        if (*timed_out && c->lab->search.state[0] && !state_save(c))
            return false;
        bool limit = c->share && end == ENDED && c->phases[c->phase_count - 1].schedules && c->lab->search.state[0];
        if (limit && !state_save(c)) /* the number of schedules may be higher next time */
            return false;
        if (go_on)
            end_phase(c);
        if (*timed_out)
            return true;
        c->phase++;
    }
    return !c->lab->search.state[0] || c->phases[c->phase_count - 1].schedules || state_save(c);
}

bool campaign_run(struct irplab *lab, struct explorers *x, struct lab_result *r, char **opaque, bool *timed_out)
{
    struct campaign c = { .lab = lab, .x = x, .r = r, .slice = longest_slice };
    struct explore_config config;
    *timed_out = false;
    double seconds = search_config(lab, &config);
    plan(&c, &config);
    c.started = c.saved = lab_now();
    c.deadline = c.started + seconds;
    interrupted = 0;
    struct sigaction act = { .sa_handler = on_interrupt }, old;
    sigaction(SIGINT, &act, &old);
    bool ok = (!lab->search.resume[0] || state_load(&c)) && explore_phases(&c, timed_out);
    if (lab->progress && ok && c.share == NULL)
        lab->progress(r->found.schedules, lab_now() - c.started);
    sigaction(SIGINT, &old, NULL);
    r->seconds = c.before + lab_now() - c.started;
    if (ok)
        search_put_first(&c.earlier, &r->found);
    explore_result_free(&c.earlier);
    if (c.stubs)
        image_stubs_were_used();
    share_free(c.share);
    *opaque = c.opaque;
    return ok;
}
