/* A search shared through a Redis server: items and results are streams, the case's files a value. See campaign.h and docs/distributed.md.
 *
 * Under the name in the URL:      NAME:current    the number of the search that is on; renewed, so that it goes when its keeper does
 *   NAME:E:head    version, hash of the target, generation, loops and races that are scheduling points
 *   NAME:E:target  a replay file: what is searched
 *   NAME:E:items   a stream with one group of consumers; an item that nobody acknowledges for LEASE is claimed by another
 *   NAME:E:results a stream
 *   NAME:E:workers when each was last heard of, by the server's clock
 *
 * An item may be explored twice (a slow worker is taken for dead); its result counts once, by the item's id and generation. The generation
 * changes when something became a scheduling point and all begins again. */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "lab/campaign.h"
#include "lab/places.h"
#include "session/explorable.h"

enum { VERSION = 4, LEASE_MS = 6000, HEARD_OF_MS = 3000, CURRENT_MS = 15000, KEPT_MS = 3600000, MOST_OUT = 4096, NAME = 100, ANSWER_S = 10 };
enum { RESTART = 77, AWAY }; /* status of an explorer that wants to begin in a fresh process; of one that has lost its server */
static const double away_patience = 20, /* seconds that a server may be gone */
    current_patience = 20;              /* that a search may be waited for whose keeper is dead, perhaps */

/* ---- the server ---- */

struct server {
    redisContext *c;
    char host[256], name[NAME], password[256], user[256], shown[400];
    int port, db;
    char error[300];
};

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = c ? strchr(digits, c | 0x20) : NULL;
    return p ? (int)(p - digits) : -1;
}

/* With %XX decoded; false: too long, or not two digits. */
static bool decode(const char *text, char *to, size_t room)
{
    size_t n = 0;
    for (; *text && n + 1 < room; text++, n++) {
        to[n] = *text;
        if (*text != '%')
            continue;
        int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
        if (low < 0 || high + low == 0)
            return false;
        to[n] = (char)(high << 4 | low);
        text += 2;
    }
    to[n] = 0;
    return !*text;
}

static bool number_in(const char *text, long least, long most, int *out)
{
    char *end;
    long v = strtol(text, &end, 10);
    *out = (int)v;
    return text[0] >= '0' && text[0] <= '9' && !*end && v >= least && v <= most;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT */
static bool parse_host(char *text, struct server *s)
{
    char *colon = strrchr(text, ':'), *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
    if (text[0] == '[' && !bracket)
        return false;
    if (bracket) {
        *bracket++ = 0;
        text++;
        colon = *bracket ? bracket : NULL;
        if (colon && *colon != ':')
            return false;
    }
    if (colon)
        *colon = 0;
    if ((colon && !number_in(colon + 1, 1, 65535, &s->port)) || !text[0] || strlen(text) >= sizeof s->host)
        return false;
    strcpy(s->host, text);
    return bracket || !strchr(text, ':');
}

/* redis://[[USER]:PASSWORD@]HOST[:PORT][/[NAME]][?db=N] */
static bool parse_url(const char *url, struct server *s)
{
    static const char scheme[] = "redis://";
    char text[CONFIG_PATH];
    memset(s, 0, sizeof *s);
    s->port = 6379;
    strcpy(s->name, "irplab");
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    snprintf(text, sizeof text, "%s", url + sizeof scheme - 1);
    char *at = strrchr(text, '@'), *host = at ? at + 1 : text;
    char *query = strchr(host, '?'), *slash;
    if (query) {
        *query++ = 0;
        if (strncmp(query, "db=", 3) != 0 || !number_in(query + 3, 0, 1 << 20, &s->db))
            return false;
    }
    if ((slash = strchr(host, '/'))) {
        *slash++ = 0;
        if (strspn(slash, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != strlen(slash) || strlen(slash) >= sizeof s->name)
            return false;
        if (*slash)
            strcpy(s->name, slash);
    }
    if (at) {
        *at = 0;
        char *colon = strchr(text, ':');
        if (!colon)
            return false;
        *colon = 0;
        if (!decode(text, s->user, sizeof s->user) || !decode(colon + 1, s->password, sizeof s->password))
            return false;
    }
    if (!parse_host(host, s))
        return false;
    snprintf(s->shown, sizeof s->shown, strchr(s->host, ':') ? "redis://[%s]:%d/%s" : "redis://%s:%d/%s", s->host, s->port, s->name);
    return true;
}

static bool server_fail(struct server *s, const char *why)
{
    snprintf(s->error, sizeof s->error, "%s: %s", s->shown, why);
    for (char *p = s->error; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    return false;
}

/* NULL: the server is gone or refuses; s->error says why. */
static redisReply *ask(struct server *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    redisReply *r = redisvCommand(s->c, format, ap);
    va_end(ap);
    if (r && r->type != REDIS_REPLY_ERROR)
        return r;
    server_fail(s, r ? r->str : s->c->errstr[0] ? s->c->errstr : "the server does not answer");
    freeReplyObject(r);
    return NULL;
}

/* false: as ask's NULL. */
static bool tell(struct server *s, redisReply *answer)
{
    bool ok = answer != NULL;
    freeReplyObject(answer);
    return ok;
}

static void close_server(struct server *s)
{
    if (s->c)
        redisFree(s->c);
    s->c = NULL;
}

static bool open_server(struct server *s)
{
    close_server(s);
    struct timeval limit = { 3, 0 }, answer = { ANSWER_S, 0 };
    s->c = redisConnectWithTimeout(s->host, s->port, limit);
    if (!s->c || s->c->err)
        return server_fail(s, s->c ? s->c->errstr : "out of memory");
    redisSetTimeout(s->c, answer);
    if (s->password[0] && !tell(s, s->user[0] ? ask(s, "AUTH %s %s", s->user, s->password) : ask(s, "AUTH %s", s->password)))
        return false;
    if (s->db && !tell(s, ask(s, "SELECT %d", s->db)))
        return false;
    return tell(s, ask(s, "PING"));
}

/* The last answer was none because the server is gone, or has just come back; not because it refuses. */
static bool server_away(const struct server *s)
{
    return !s->c || s->c->err || strstr(s->error, "LOADING");
}

static const redisReply *field(const redisReply *pairs, const char *name)
{
    for (size_t i = 0; pairs && pairs->type == REDIS_REPLY_ARRAY && i + 1 < pairs->elements; i += 2)
        if (pairs->element[i]->type == REDIS_REPLY_STRING && strcmp(pairs->element[i]->str, name) == 0 && pairs->element[i + 1]->type == REDIS_REPLY_STRING)
            return pairs->element[i + 1];
    return NULL;
}

static uint64_t number_field(const redisReply *pairs, const char *name)
{
    const redisReply *f = field(pairs, name);
    return f ? strtoull(f->str, NULL, 10) : 0;
}

/* ---- the keeper ---- */

struct queue {
    struct irplab *lab;
    struct server s;
    long long search;
    uint64_t generation;
    uint64_t out[MOST_OUT];
    unsigned out_count, workers;
    double counted, renewed;
    char last[64]; /* result that was read last */
    double away;   /* since when the server is gone; 0: it is not */
    bool lost;     /* what is out is of no use any more: all of it is to be told of */
    bool failed;
};

/* The server is gone, which may pass, or something is wrong. */
static bool queue_fail(struct queue *q)
{
    if (server_away(&q->s) && (!q->away || lab_now() - q->away < away_patience)) {
        q->away = q->away ? q->away : lab_now();
        return false;
    }
    q->failed = true;
    return lab_fail(q->lab, "%s", q->s.error);
}

static bool begin_generation(struct queue *q)
{
    struct server *s = &q->s;
    struct bytes places = { 0 };
    places_put(&places);
    q->generation++;
    bool ok = tell(s, ask(s, "DEL %s:%lld:items", s->name, q->search)) &&
              tell(s, ask(s, "XGROUP CREATE %s:%lld:items explorers 0 MKSTREAM", s->name, q->search)) &&
              tell(s, ask(s, "HSET %s:%lld:head version %d target %llu generation %llu places %b", s->name, q->search, VERSION,
                          (unsigned long long)bytes_hash(q->lab->search.target, q->lab->search.target_size), (unsigned long long)q->generation, places.data, places.count));
    bytes_free(&places);
    return ok;
}

/* Workers come and go. */
static unsigned count(void *user)
{
    struct queue *q = user;
    struct server *s = &q->s;
    double now = lab_now();
    if (q->failed || q->away || (q->workers && now - q->counted < 1) || now - q->counted < 0.1)
        return q->workers;
    q->counted = now;
    redisReply *t = ask(s, "TIME"), *n = NULL;
    if (t && t->type == REDIS_REPLY_ARRAY && t->elements == 2) {
        long long ms = atoll(t->element[0]->str) * 1000 + atoll(t->element[1]->str) / 1000;
        n = ask(s, "ZCOUNT %s:%lld:workers %lld +inf", s->name, q->search, ms - HEARD_OF_MS);
    }
    if (n && n->type == REDIS_REPLY_INTEGER)
        q->workers = (unsigned)n->integer;
    else
        queue_fail(q);
    freeReplyObject(t);
    freeReplyObject(n);
    return q->workers;
}

static bool idle(void *user)
{
    struct queue *q = user;
    return !q->failed && !q->away && !q->lost && q->out_count < 2 * count(q) + 1 && q->out_count < MOST_OUT;
}

static void give(void *user, uint64_t id, const struct bytes *item, double seconds)
{
    struct queue *q = user;
    struct server *s = &q->s;
    q->out[q->out_count++] = id;
    if (!tell(s, ask(s, "XADD %s:%lld:items * id %llu generation %llu ms %d body %b", s->name, q->search, (unsigned long long)id, (unsigned long long)q->generation,
                     (int)(seconds * 1000), item->data, item->count)))
        queue_fail(q);
}

static bool was_out(struct queue *q, uint64_t id)
{
    for (unsigned i = 0; i < q->out_count; i++)
        if (q->out[i] == id) {
            q->out[i] = q->out[--q->out_count];
            return true;
        }
    return false;
}

/* One entry of the stream; brought twice, or of a generation that is gone, it is nothing. */
static enum part_news take(struct queue *q, const redisReply *entry, uint64_t *id, struct bytes *answer)
{
    const redisReply *pairs = entry->element[1], *body = field(pairs, "body");
    snprintf(q->last, sizeof q->last, "%s", entry->element[0]->str);
    *id = number_field(pairs, "id");
    if (!body || number_field(pairs, "generation") != q->generation || !was_out(q, *id))
        return NO_NEWS;
    bytes_put(answer, body->str, body->len);
    return PART_CAME;
}

/* One search at a time has the queue's name. -1: the server; 0: another has it. */
static int have_name(struct queue *q)
{
    struct server *s = &q->s;
    redisReply *r = ask(s, "SET %s:current %lld NX PX %d", s->name, q->search, CURRENT_MS);
    int have = !r ? -1 : r->type != REDIS_REPLY_NIL;
    freeReplyObject(r);
    if (have)
        return have;
    r = ask(s, "GET %s:current", s->name);
    have = !r ? -1 : r->type == REDIS_REPLY_STRING && atoll(r->str) == q->search;
    freeReplyObject(r);
    if (have == 1 && !tell(s, ask(s, "PEXPIRE %s:current %d", s->name, CURRENT_MS)))
        return -1;
    return have;
}

static bool name_taken(struct queue *q)
{
    char why[200];
    snprintf(why, sizeof why, "another search has this queue: give one of them another name (redis://HOST:PORT/NAME)");
    return server_fail(&q->s, why);
}

/* What a dead keeper leaves behind goes by itself. */
static bool keep_keys(struct queue *q)
{
    static const char *const keys[] = { "head", "target", "items", "results", "workers" };
    struct server *s = &q->s;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!tell(s, ask(s, "PEXPIRE %s:%lld:%s %d", s->name, q->search, keys[i], KEPT_MS)))
            return false;
    return true;
}

static bool put_search(struct queue *q)
{
    struct server *s = &q->s;
    strcpy(q->last, "0");
    return begin_generation(q) && tell(s, ask(s, "DEL %s:%lld:results", s->name, q->search)) &&
           tell(s, ask(s, "SET %s:%lld:target %b", s->name, q->search, q->lab->search.target, q->lab->search.target_size)) && keep_keys(q);
}

/* A server that was away may have forgotten all; it may also have been emptied. */
static bool still_there(struct queue *q)
{
    struct server *s = &q->s;
    redisReply *r = ask(s, "HGET %s:%lld:head generation", s->name, q->search), *x = r ? ask(s, "EXISTS %s:%lld:items %s:%lld:target", s->name, q->search, s->name, q->search) : NULL;
    bool there = r && r->type == REDIS_REPLY_STRING && strtoull(r->str, NULL, 10) == q->generation && x && x->type == REDIS_REPLY_INTEGER && x->integer == 2, answered = r && x;
    freeReplyObject(r);
    freeReplyObject(x);
    if (!answered || there)
        return answered;
    q->lost = true;
    return put_search(q);
}

static bool renew(struct queue *q)
{
    double now = lab_now();
    if (now - q->renewed < 2)
        return true;
    q->renewed = now;
    int have = have_name(q);
    if (have == 0)
        return name_taken(q);
    return have > 0 && still_there(q) && keep_keys(q);
}

/* Begins again with a server that was gone. */
static bool come_back(struct queue *q)
{
    if (!open_server(&q->s))
        return usleep(100000), queue_fail(q);
    q->lost = true;
    q->renewed = -10;
    if (!put_search(q) || !renew(q))
        return queue_fail(q);
    q->away = 0;
    return true;
}

static enum part_news news(void *user, double seconds, uint64_t *id, struct bytes *answer)
{
    struct queue *q = user;
    struct server *s = &q->s;
    enum part_news n = NO_NEWS;
    if (q->away && !q->failed && !come_back(q))
        return q->failed ? EXPLORERS_FAILED : NO_NEWS;
    if (q->lost && q->out_count)
        return *id = q->out[--q->out_count], PART_LOST;
    q->lost = false;
    if (!q->failed && !renew(q))
        queue_fail(q);
    redisReply *r = q->failed || q->away || q->lost ? NULL : ask(s, "XREAD COUNT 1 BLOCK %d STREAMS %s:%lld:results %s", (int)(seconds * 1000) + 1, s->name, q->search, q->last);
    if (!r && !q->failed && !q->away && !q->lost)
        queue_fail(q);
    if (!r)
        return q->failed ? EXPLORERS_FAILED : NO_NEWS;
    if (r->type == REDIS_REPLY_ARRAY && r->elements == 1 && r->element[0]->elements == 2 && r->element[0]->element[1]->elements == 1) {
        const redisReply *entry = r->element[0]->element[1]->element[0];
        if (entry->elements == 2 && entry->element[0]->type == REDIS_REPLY_STRING)
            n = take(q, entry, id, answer);
        if (!tell(s, ask(s, "XDEL %s:%lld:results %s", s->name, q->search, q->last)))
            queue_fail(q); /* what has come has come */
    }
    freeReplyObject(r);
    return n;
}

static uint64_t running(void *user)
{
    return 0; /* what is out is counted when it comes */
}

static void restart(void *user)
{
    struct queue *q = user;
    q->out_count = 0;
    if (!begin_generation(q) || !keep_keys(q))
        queue_fail(q);
}

static void end(void *user)
{
    struct queue *q = user;
    struct server *s = &q->s;
    if (s->c && !s->c->err) {
        if (have_name(q) > 0)
            tell(s, ask(s, "DEL %s:current", s->name));
        tell(s, ask(s, "DEL %s:%lld:head %s:%lld:target %s:%lld:items %s:%lld:results %s:%lld:workers", s->name, q->search, s->name, q->search, s->name, q->search, s->name,
                    q->search, s->name, q->search));
    }
    close_server(s);
    free(q);
}

/* A keeper that was killed has the name for some seconds more. */
static bool wait_for_name(struct queue *q)
{
    double until = lab_now() + current_patience;
    for (int have; (have = have_name(q)) <= 0; usleep(200000)) {
        if (have < 0)
            return false;
        if (lab_now() > until)
            return name_taken(q);
    }
    q->renewed = lab_now();
    return true;
}

bool queue_begin(struct irplab *lab, struct explorers *out)
{
    struct queue *q = calloc(1, sizeof *q);
    if (!q)
        base_panic("out of memory");
    struct server *s = &q->s;
    q->lab = lab;
    signal(SIGPIPE, SIG_IGN);
    if (!parse_url(lab->search.queue, s)) {
        free(q);
        return lab_fail(lab, "--queue wants redis://HOST:PORT/NAME, not '%s'", lab->search.queue);
    }
    redisReply *number = open_server(s) ? ask(s, "INCR %s:last", s->name) : NULL;
    q->search = number ? number->integer : 0;
    bool ok = number && put_search(q) && wait_for_name(q);
    freeReplyObject(number);
    if (!ok) {
        lab_fail(lab, "%s", s->error);
        close_server(s);
        free(q);
        return false;
    }
    *out = (struct explorers) { q, count, idle, give, news, running, NULL, restart, end };
    return true;
}

/* ---- explorers ---- */

struct explorer {
    struct irplab *lab;
    struct server s;
    long long search;
    uint64_t generation;
    char me[64];
    const struct explore_machine *machine; /* NULL: not yet */
    struct part_keep *keep;
};

_Noreturn static void refuse(const struct explorer *e, const char *why)
{
    fprintf(stderr, "irplab: %s\n", why);
    _exit(2);
}

/* After an answer that was none. */
_Noreturn static void without_answer(const struct explorer *e)
{
    if (server_away(&e->s))
        _exit(AWAY);
    refuse(e, e->s.error);
}

/* The search that is on; 0: none. */
static long long current(struct explorer *e)
{
    redisReply *r = ask(&e->s, "GET %s:current", e->s.name);
    if (!r)
        without_answer(e);
    long long n = r->type == REDIS_REPLY_STRING ? atoll(r->str) : 0;
    freeReplyObject(r);
    return n;
}

static bool heard_of(struct explorer *e)
{
    struct server *s = &e->s;
    redisReply *t = ask(s, "TIME");
    if (!t || t->type != REDIS_REPLY_ARRAY || t->elements != 2)
        return freeReplyObject(t), false;
    long long ms = atoll(t->element[0]->str) * 1000 + atoll(t->element[1]->str) / 1000;
    freeReplyObject(t);
    return tell(s, ask(s, "ZADD %s:%lld:workers %lld %s", s->name, e->search, ms, e->me));
}

/* What is searched, and that it is what the keeper says, and runs here as it does there. */
static void learn_search(struct explorer *e)
{
    struct server *s = &e->s;
    char why[600];
    redisReply *head = ask(s, "HGETALL %s:%lld:head", s->name, e->search), *target = ask(s, "GET %s:%lld:target", s->name, e->search);
    if (!head || !target)
        without_answer(e);
    if (head->type != REDIS_REPLY_ARRAY || head->elements == 0 || target->type != REDIS_REPLY_STRING)
        _exit(RESTART); /* it has just ended */
    if (number_field(head, "version") != VERSION) {
        snprintf(why, sizeof why, "%s: search %lld is of another version of irplab (its queue has version %llu, this one %d): refused", s->shown, e->search,
                 (unsigned long long)number_field(head, "version"), VERSION);
        refuse(e, why);
    }
    if (bytes_hash(target->str, target->len) != number_field(head, "target")) {
        snprintf(why, sizeof why, "%s: the files of search %lld are damaged (their hash is not the keeper's): refused", s->shown, e->search);
        refuse(e, why);
    }
    e->generation = number_field(head, "generation");
    const redisReply *places = field(head, "places");
    struct reader r = { .at = (const uint8_t *)(places ? places->str : ""), .end = (const uint8_t *)(places ? places->str + places->len : "") };
    if (places)
        places_get(&r);
    uint64_t expected = 0;
    if (!target_take(e->lab, target->str, target->len, &expected)) {
        snprintf(why, sizeof why, "%s: the files of search %lld cannot be used: %.300s", s->shown, e->search, e->lab->error);
        refuse(e, why);
    }
    freeReplyObject(head);
    freeReplyObject(target);
    session_process_init();
    e->machine = explorable_open(&e->lab->ready);
    const struct explore_schedule none = { 0 };
    struct record *usual = record_run(e->machine, &none, NULL);
    bool same = usual->run_hash == expected;
    record_free(usual);
    if (!same) {
        snprintf(why, sizeof why, "%s: search %lld runs differently here than at its keeper (another build of irplab?): refused", s->shown, e->search);
        refuse(e, why);
    }
    e->keep = part_keep_new();
}

/* An item that the group has: id of the entry in `entry`. NULL: none now. claimed: of a worker that seems dead. */
static redisReply *next_item(struct explorer *e, bool *gone)
{
    struct server *s = &e->s;
    *gone = false;
    redisReply *r = ask(s, "XAUTOCLAIM %s:%lld:items explorers %s %d 0 COUNT 1", s->name, e->search, e->me, LEASE_MS);
    if (r && r->type == REDIS_REPLY_ARRAY && r->elements >= 2 && r->element[1]->type == REDIS_REPLY_ARRAY && r->element[1]->elements == 1 &&
        r->element[1]->element[0]->type == REDIS_REPLY_ARRAY)
        return r;
    freeReplyObject(r);
    r = r ? ask(s, "XREADGROUP GROUP explorers %s COUNT 1 BLOCK 500 STREAMS %s:%lld:items >", e->me, s->name, e->search) : NULL;
    *gone = !r;
    if (!r && server_away(s)) /* not the stream is gone but the server */
        _exit(AWAY);
    if (r && r->type == REDIS_REPLY_ARRAY && r->elements == 1)
        return r;
    freeReplyObject(r);
    return NULL;
}

/* Both answers hold one list of entries, at different places. */
static const redisReply *entry_of(const redisReply *r)
{
    const redisReply *list = r->elements >= 2 ? r->element[1] : r->element[0]->elements == 2 ? r->element[0]->element[1] : NULL;
    const redisReply *x = list && list->type == REDIS_REPLY_ARRAY && list->elements ? list->element[0] : NULL;
    return x && x->type == REDIS_REPLY_ARRAY && x->elements == 2 && x->element[0]->type == REDIS_REPLY_STRING ? x : NULL;
}

static void explore_item(struct explorer *e, const redisReply *entry)
{
    struct server *s = &e->s;
    const redisReply *pairs = entry->element[1], *body = field(pairs, "body");
    struct bytes answer = { 0 };
    const char *at = entry->element[0]->str;
    unsigned long long id = number_field(pairs, "id"), generation = number_field(pairs, "generation");
    if (body && e->generation != generation) { /* back with it, for one that knows the points of that generation */
        ask(s, "XADD %s:%lld:items * id %llu generation %llu ms %llu body %b", s->name, e->search, id, generation, (unsigned long long)number_field(pairs, "ms"), body->str, body->len);
        ask(s, "XACK %s:%lld:items explorers %s", s->name, e->search, at);
        ask(s, "XDEL %s:%lld:items %s", s->name, e->search, at);
        _exit(RESTART);
    }
    struct part_how how = { .seconds = (double)number_field(pairs, "ms") / 1000 };
    bool good = body && campaign_explore(e->machine, e->keep, body->str, body->len, how, &answer);
    if (!good) {
        fprintf(stderr, "irplab: %s: an item of search %lld is none: left out\n", s->shown, e->search);
    } else if (!tell(s, ask(s, "XADD %s:%lld:results * id %llu generation %llu worker %s body %b", s->name, e->search, id, generation, e->me, answer.data, answer.count))) {
        if (server_away(s))
            _exit(AWAY);
    }
    tell(s, ask(s, "XACK %s:%lld:items explorers %s", s->name, e->search, at));
    tell(s, ask(s, "XDEL %s:%lld:items %s", s->name, e->search, at));
    bytes_free(&answer);
}

_Noreturn static void serve(struct irplab *lab, const struct server *where, unsigned number)
{
    static struct explorer e;
    e.lab = lab;
    e.s = *where;
    e.s.c = NULL;
    if (!open_server(&e.s))
        without_answer(&e);
    char host[40] = "";
    gethostname(host, sizeof host - 1);
    snprintf(e.me, sizeof e.me, "%.30s-%d-%u", host, (int)getpid(), number);
    while (!(e.search = current(&e)))
        usleep(100000);
    learn_search(&e);
    while (current(&e) == e.search && heard_of(&e)) {
        bool gone;
        redisReply *r = next_item(&e, &gone);
        const redisReply *entry = r ? entry_of(r) : NULL;
        if (entry)
            explore_item(&e, entry);
        else if (gone)
            usleep(50000);
        freeReplyObject(r);
    }
    _exit(server_away(&e.s) ? AWAY : RESTART);
}

static volatile sig_atomic_t told_to_end;

/* A server that an explorer has lost may come again. */
static bool wait_for_server(struct server *s)
{
    double until = lab_now() + away_patience;
    while (!told_to_end) {
        bool there = open_server(s);
        close_server(s);
        if (there)
            return true;
        if (lab_now() > until)
            return false;
        usleep(200000);
    }
    return true;
}

static void on_end(int number)
{
    told_to_end = 1;
}

static pid_t start(struct irplab *lab, const struct server *s, unsigned number)
{
    pid_t me = getpid();
    fflush(NULL);
    pid_t child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != me)
        _exit(0);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    serve(lab, s, number);
}

int queue_work(struct irplab *lab)
{
    static struct server s;
    pid_t children[256];
    unsigned jobs = (unsigned)lab->search.jobs, deaths = 0;
    int status = 0, result = 0;
    if (!parse_url(lab->search.queue, &s))
        return lab_fail(lab, "--queue wants redis://HOST:PORT/NAME, not '%s'", lab->search.queue), 2;
    signal(SIGPIPE, SIG_IGN);
    if (!open_server(&s))
        return lab_fail(lab, "%s", s.error), 2;
    close_server(&s);
    struct sigaction act = { .sa_handler = on_end };
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    for (unsigned i = 0; i < jobs; i++)
        children[i] = start(lab, &s, i);
    while (!told_to_end && result == 0) {
        pid_t gone = waitpid(-1, &status, 0);
        for (unsigned i = 0; i < jobs && gone > 0; i++) {
            if (children[i] != gone)
                continue;
            children[i] = 0;
            if (WIFEXITED(status) && (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) == 3))
                result = WEXITSTATUS(status); /* it has said why */
            else if (WIFEXITED(status) && WEXITSTATUS(status) == AWAY && !wait_for_server(&s))
                result = (lab_fail(lab, "%s", s.error), 2);
            else if (!(WIFEXITED(status) && (WEXITSTATUS(status) == RESTART || WEXITSTATUS(status) == AWAY)) && ++deaths > 50)
                result = (lab_fail(lab, "its processes died %u times", deaths), 3);
            else
                children[i] = start(lab, &s, i);
        }
    }
    for (unsigned i = 0; i < jobs; i++)
        if (children[i] > 0) {
            kill(children[i], SIGKILL);
            while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
                ;
        }
    return result;
}
