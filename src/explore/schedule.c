/* Schedules: lists of choices, and their text form of one line:
 *
 *     s1:AGENT,AGENT,...:RUN.RUN....:CHECK        RUN = NUMBER[/ALTERNATIVE][xTIMES]
 *
 * AGENT is an id in hexadecimal, in order of first use; NUMBER counts into that list; CHECK is a hash of what stands before it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/explore.h"
#include "explore/footprint.h"

void explore_schedule_append(struct explore_schedule *s, uint32_t agent, uint32_t alternative)
{
    s->choices = explore_grow(s->choices, &s->room, s->count + 1, sizeof *s->choices);
    s->choices[s->count++] = (struct explore_choice){agent, alternative};
}

void explore_schedule_copy(struct explore_schedule *to, const struct explore_schedule *from)
{
    to->choices = explore_grow(to->choices, &to->room, from->count, sizeof *to->choices);
    if (from->count)
        memcpy(to->choices, from->choices, from->count * sizeof *to->choices);
    to->count = from->count;
}

void explore_schedule_free(struct explore_schedule *s)
{
    free(s->choices);
    *s = (struct explore_schedule){0};
}

static bool same_choice(struct explore_choice a, struct explore_choice b)
{
    return a.agent == b.agent && a.alternative == b.alternative;
}

bool explore_schedule_equal(const struct explore_schedule *a, const struct explore_schedule *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_choice(a->choices[i], b->choices[i]))
            return false;
    return true;
}

/* --- printing ---------------------------------------------------------------------------------------------------- */

struct text {
    char *at;
    size_t length, room;
};

static void put(struct text *t, const char *format, uint64_t number)
{
    t->at = explore_grow(t->at, &t->room, t->length + 40, 1);
    t->length += (size_t)snprintf(t->at + t->length, 40, format, (unsigned long long)number);
}

static uint32_t check(const char *text, size_t length)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3ull;
    return (uint32_t)explore_mix(h);
}

struct names {
    uint32_t *ids;
    size_t count, room;
};

static size_t name(struct names *n, uint32_t id)
{
    size_t i = 0;
    while (i < n->count && n->ids[i] != id)
        i++;
    if (i == n->count) {
        n->ids = explore_grow(n->ids, &n->room, i + 1, sizeof *n->ids);
        n->ids[n->count++] = id;
    }
    return i;
}

char *explore_schedule_print(const struct explore_schedule *s)
{
    struct text t = {0};
    struct names names = {0};
    for (size_t i = 0; i < s->count; i++)
        name(&names, s->choices[i].agent);
    put(&t, "s1:", 0);
    for (size_t i = 0; i < names.count; i++)
        put(&t, i ? ",%llx" : "%llx", names.ids[i]);
    put(&t, ":", 0);
    for (size_t i = 0, run; i < s->count; i += run) {
        struct explore_choice c = s->choices[i];
        for (run = 1; i + run < s->count && same_choice(s->choices[i + run], c);)
            run++;
        put(&t, i ? ".%llu" : "%llu", name(&names, c.agent));
        if (c.alternative)
            put(&t, "/%llu", c.alternative);
        if (run > 1)
            put(&t, "x%llu", run);
    }
    put(&t, ":", 0);
    put(&t, "%08llx", check(t.at, t.length));
    free(names.ids);
    return t.at;
}

/* --- parsing ----------------------------------------------------------------------------------------------------- */

enum { MOST_EVENTS = 1 << 24 };

struct reader {
    const char *at;
    const char *why;
};

static uint64_t number(struct reader *r, int base, uint64_t most)
{
    uint64_t value = 0;
    const char *start = r->at;
    for (;; r->at++) {
        int c = *r->at;
        int digit = c >= '0' && c <= '9' ? c - '0' : base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            break;
        value = value * (unsigned)base + (unsigned)digit;
        if (value > most) {
            r->why = "a number in the schedule is too large";
            return 0;
        }
    }
    if (r->at == start)
        r->why = "a number is missing in the schedule";
    return value;
}

static bool take(struct reader *r, char c)
{
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static void read_names(struct reader *r, struct names *names)
{
    if (*r->at == ':')
        return;
    do {
        uint32_t id = (uint32_t)number(r, 16, UINT32_MAX);
        if (r->why)
            return;
        size_t known = names->count;
        if (name(names, id) != known)
            r->why = "an agent is named twice in the schedule";
    } while (!r->why && take(r, ','));
}

static void read_runs(struct reader *r, const struct names *names, struct explore_schedule *out)
{
    if (*r->at == ':')
        return;
    do {
        uint64_t which = number(r, 10, UINT32_MAX), alternative = 0, times = 1;
        if (!r->why && which >= names->count)
            r->why = "the schedule counts an agent that it does not name";
        if (!r->why && take(r, '/'))
            alternative = number(r, 10, EXPLORE_ALTERNATIVES_MAX - 1);
        if (!r->why && take(r, 'x'))
            times = number(r, 10, MOST_EVENTS);
        if (!r->why && out->count + times > MOST_EVENTS)
            r->why = "the schedule is too long";
        for (uint64_t i = 0; !r->why && i < times; i++)
            explore_schedule_append(out, names->ids[which], (uint32_t)alternative);
    } while (!r->why && take(r, '.'));
}

static void read_all(struct reader *r, const char *text, struct names *names, struct explore_schedule *out)
{
    read_names(r, names);
    if (!r->why && !take(r, ':'))
        r->why = "the schedule is damaged after its agents";
    if (!r->why)
        read_runs(r, names, out);
    if (!r->why && !take(r, ':'))
        r->why = "the schedule is damaged in its list of choices";
    uint32_t sum = check(text, (size_t)(r->at - text));
    if (!r->why && (number(r, 16, UINT32_MAX) != sum || *r->at))
        r->why = r->why ? r->why : "the schedule's check sum is wrong: it was cut or changed";
}

bool explore_schedule_parse(const char *text, struct explore_schedule *out, const char **why)
{
    struct reader r = {.at = text};
    struct names names = {0};
    *out = (struct explore_schedule){0};
    if (text[0] != 's' || text[1] != '1' || text[2] != ':')
        r.why = text[0] == 's' ? "the schedule has another version" : "this is not a schedule";
    else
        r.at += 3;
    if (!r.why)
        read_all(&r, text, &names, out);
    free(names.ids);
    if (!r.why)
        return true;
    explore_schedule_free(out);
    if (why)
        *why = r.why;
    return false;
}
