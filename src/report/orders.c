/* Two orders of one exploration beside each other: see orders.h. */
#include "report/orders.h"

#include <stdlib.h>
#include <string.h>

#include "report/slices.h"

enum { COLUMN = 62, MOST_ROWS = 24 };

struct side {
    const struct record *record;
    struct story story;
    struct slices slices;
    size_t first; /* slice in which the two part */
};

static void open_side(struct side *s, const struct record *record, const struct side *failing, uint32_t turn)
{
    *s = (struct side) { .record = record };
    if (failing)
        story_of_other(&s->story, record, &failing->story);
    else
        story_of_failure(&s->story, record);
    slices_of(&s->slices, &s->story);
    while (s->first + 1 < s->slices.count && s->slices.list[s->first + 1].step <= turn)
        s->first++;
}

static void close_side(struct side *s)
{
    slices_free(&s->slices);
    story_free(&s->story);
}

/* Who runs, what it does, how it stops: cut to a column's width. */
static void cell(const struct side *s, size_t i, char *out, size_t size)
{
    out[0] = 0;
    if (i >= s->slices.count)
        return;
    const struct slice *x = &s->slices.list[i];
    const char *who = x->agent == NO_NAME ? "" : record_name(s->record, x->agent);
    int n = snprintf(out, size, "%s%s%s%s%s%s", who, who[0] && (x->did[0] || x->stop[0]) ? ": " : "", x->did, x->did[0] && x->stop[0] ? "; " : "",
                     x->preempted ? "preempted, " : "", x->stop);
    if (n > COLUMN) {
        n = COLUMN - 3;
        while (n > 0 && ((unsigned char)out[n] & 0xC0) == 0x80) /* not within a character */
            n--;
        memcpy(out + n, "...", 4);
    }
}

void report_orders(FILE *out, const struct record *failing, const struct record *passing, uint32_t turn)
{
    struct side left, right;
    open_side(&left, failing, NULL, turn);
    open_side(&right, passing, &left, turn);
    size_t a = left.slices.count - left.first, b = right.slices.count - right.first, rows = a > b ? a : b, shown = rows < MOST_ROWS ? rows : MOST_ROWS;
    fprintf(out, "\nthe two orders from there on\n  %-*s  %s\n", COLUMN, "failing", "passing");
    for (size_t i = 0; i < shown && left.slices.count && right.slices.count; i++) {
        char l[1000], r[1000];
        cell(&left, left.first + i, l, sizeof l);
        cell(&right, right.first + i, r, sizeof r);
        fprintf(out, r[0] ? "  %-*s  %s\n" : "  %-*s%s\n", r[0] ? COLUMN : 0, l, r);
    }
    if (shown < rows)
        fprintf(out, "  and %zu more\n", rows - shown);
    close_side(&left);
    close_side(&right);
}

static json_t *text(const char *t)
{
    json_t *j = json_string(t);
    return j ? j : json_string_nocheck("?"); /* not UTF-8 */
}

static json_t *side_json(const struct side *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->slices.count; i++) {
        const struct slice *x = &s->slices.list[i];
        json_array_append_new(list, json_pack("{s:I, s:I, s:o, s:o, s:o, s:b}", "choice", (json_int_t)x->step, "choices", (json_int_t)x->steps, "runs",
                                              x->agent == NO_NAME ? json_null() : text(record_name(s->record, x->agent)), "does", text(x->did), "until", text(x->stop),
                                              "preempted", x->preempted));
    }
    return list;
}

json_t *report_orders_json(const struct record *failing, const struct record *passing)
{
    struct side left, right;
    json_t *j = json_object();
    open_side(&left, failing, NULL, 0);
    json_object_set_new(j, "failing", side_json(&left));
    if (passing) {
        open_side(&right, passing, &left, 0);
        json_object_set_new(j, "passing", side_json(&right));
        close_side(&right);
    }
    close_side(&left);
    return j;
}

json_t *report_turn_json(const struct record *r)
{
    const struct record_turn *t = &r->turn;
    if (!t->known)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "choice", (json_int_t)t->step, "ran", text(record_name(r, t->ran)), "where", text(t->ran_where), "instead",
                     text(record_name(r, t->instead)), "instead_where", text(t->instead_where));
}
