/* Results as data and as text; see lab.h. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lab/lab.h"
#include "report/orders.h"
#include "race/coverage.h"
#include "report/text.h"
#include "sim/image.h"
#include "sim/spins.h"

void lab_result_free(struct lab_result *r)
{
    for (size_t i = 0; i < r->failure_count; i++) {
        free(r->failures[i].schedule);
        free(r->failures[i].replay);
        record_free(r->failures[i].record);
        record_free(r->failures[i].passing);
        free(r->failures[i].screen);
        free(r->failures[i].guard_text);
    }
    free(r->failures);
    explore_result_free(&r->found);
}

int lab_status(const struct lab_result *r)
{
    if (r->failure_count && r->what != LAB_EXPLORE)
        return r->exit_status;
    return r->found.failing ? 1 : 0;
}

static json_t *failure_json(const struct lab_result *r, const struct lab_failure *f)
{
    const struct outcome *o = &f->outcome;
    json_t *j = json_pack("{s:s, s:I, s:s, s:s}", "kind", outcome_contract_kind(o), "code", (json_int_t)o->code, "name", o->name, "message", o->message);
    json_object_set_new(j, "replay", f->replay ? json_string(f->replay) : json_null());
    if (f->guard_text)
        json_object_set_new(j, "guard", json_pack("{s:I, s:s, s:s}", "code", (json_int_t)f->guard_outcome.code, "name", f->guard_outcome.name, "message",
                                                  f->guard_outcome.message));
    if (f->schedule)
        json_object_set_new(j, "schedule", json_string(f->schedule));
    if (r->what == LAB_EXPLORE) {
        json_object_set_new(j, "times", json_integer((json_int_t)f->times));
        json_object_set_new(j, "preemptions", json_integer(f->preemptions));
        json_object_set_new(j, "choices", json_integer((json_int_t)f->choices));
    }
    if (f->record) {
        json_object_set_new(j, "avoidable", report_turn_json(f->record));
        json_object_set_new(j, "orders", report_orders_json(f->record, f->passing));
    }
    return j;
}

static json_t *coverage_json(void)
{
    json_t *list = json_array();
    const struct coverage_image *c;
    for (size_t i = 0; (c = coverage_image(i)) != NULL; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "image", c->file->name, "edges", (json_int_t)c->edges, "covered", (json_int_t)c->covered));
    return list;
}

static void place_text(const struct spin *k, char *out, size_t size)
{
    uint32_t rva = k->rva & ~SPIN_PLAIN, offset = 0;
    struct image_file *f = image_file_named(k->image);
    const char *symbol = f ? image_file_symbol(f, rva, &offset) : NULL;
    int module = (int)strcspn(k->image, ".");
    if (symbol)
        snprintf(out, size, "%.*s!%s+0x%x", module, k->image, symbol, offset);
    else
        snprintf(out, size, "%.*s+0x%x", module, k->image, rva);
}

/* Plain accesses that are scheduling points, in words. */
static json_t *plain_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < spins_count(); i++) {
        char text[200];
        const struct spin *k = spins_get(i);
        if (!(k->rva & SPIN_PLAIN) || !k->image[0])
            continue;
        place_text(k, text, sizeof text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static void print_plain(FILE *to)
{
    enum { MOST = 8 };
    json_t *list = plain_json(), *place;
    size_t i, n = json_array_size(list);
    if (n)
        fprintf(to, "note: %zu plain access%s with nothing that orders %s %s:", n, n == 1 ? "" : "es", n == 1 ? "it" : "them", n == 1 ? "is a scheduling point" : "are scheduling points");
    json_array_foreach(list, i, place)
        if (i < MOST)
            fprintf(to, "%s %s", i ? "," : "", json_string_value(place));
    if (n)
        fprintf(to, "%s\n", n > MOST ? ", ..." : "");
    if (spins_no_more_plain())
        fprintf(to, "note: there are too many plain accesses for all to be looked at\n");
    json_decref(list);
}

char *lab_json(const struct lab_result *r)
{
    const struct explore_result *x = &r->found;
    json_t *failures = json_array();
    for (size_t i = 0; i < r->failure_count; i++)
        json_array_append_new(failures, failure_json(r, &r->failures[i]));
    json_t *j = json_pack("{s:I, s:I, s:I, s:b, s:s, s:f, s:o, s:b}", "schedules", (json_int_t)x->schedules, "blocked", (json_int_t)x->blocked, "failing",
                          (json_int_t)x->failing, "complete", r->complete, "bound", r->bound, "seconds", r->seconds, "failures", failures, "stubs", image_stubs_used());
    if (r->what == LAB_EXPLORE) {
        json_object_set_new(j, "traces", json_integer((json_int_t)x->traces));
        json_object_set_new(j, "steps", json_integer((json_int_t)x->steps));
        json_object_set_new(j, "replayed", json_integer((json_int_t)x->replayed));
        json_object_set_new(j, "tries", json_integer((json_int_t)x->tries));
        if (r->idle_timers)
            json_object_set_new(j, "idle_timers", json_true());
        json_object_set_new(j, "abandoned", json_integer((json_int_t)x->futile));
    }
    if (r->what == LAB_EXPLORE && spins_any_plain())
        json_object_set_new(j, "plain_points", plain_json());
    if (r->what == LAB_EXPLORE && spins_no_more_plain())
        json_object_set_new(j, "plain_unseen", json_true());
    if (coverage_any())
        json_object_set_new(j, "coverage", coverage_json());
    if (r->race_points)
        json_object_set_new(j, "race_points", json_integer((json_int_t)r->race_points));
    json_object_set_new(j, "program_exit", r->program_ended ? json_integer(r->program_exit) : json_null());
    if (r->has_run_hash) {
        char hash[20];
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)r->run_hash);
        json_object_set_new(j, "run_hash", json_string(hash));
    }
    char *text = json_dumps(j, JSON_INDENT(2));
    json_decref(j);
    return text;
}

static void print_counts(const struct lab_result *r, FILE *to, bool quiet)
{
    const struct explore_result *x = &r->found;
    if (!quiet || !r->failure_count)
        fprintf(to, "%s%llu schedules, %llu failing, %s; %s; %.2f s\n", r->failure_count ? "\n" : "", (unsigned long long)x->schedules, (unsigned long long)x->failing,
                r->complete ? "complete" : "not complete", r->bound, r->seconds);
    if (!r->complete && (r->why_not || x->why_not))
        fprintf(to, "not complete: %s\n", r->why_not ? r->why_not : x->why_not);
    if (r->idle_timers && !r->failure_count)
        fprintf(to, "note: timers and time-outs came only when nobody else could go on (but in a few schedules drawn at random); --time-model any explores all orders of them\n");
    if (!quiet)
        print_plain(to);
    if (image_stubs_used())
        fprintf(to, "note: an import was answered by --stub\n");
}

void lab_print_guard(const struct lab_failure *f, FILE *to)
{
    if (!f->guard_text)
        return;
    fprintf(to, "\nThe same run with --guard names the cause:\n%s\n\n%s", f->guard_outcome.message, f->guard_text);
}

void lab_print(const struct lab_result *r, FILE *to, bool color, bool quiet)
{
    for (size_t i = 0; i < r->failure_count; i++) {
        const struct lab_failure *f = &r->failures[i];
        if (i)
            fprintf(to, "\n---- failure %zu of %zu ----\n\n", i + 1, r->failure_count);
        if (f->record)
            report_text(to, f->record, color);
        if (f->record && f->passing && f->record->turn.known)
            report_orders(to, f->record, f->passing, f->record->turn.step);
        lab_print_guard(f, to);
        if (f->replay && r->what == LAB_EXPLORE)
            fprintf(to, "\nreplay: irplab replay %s\n", f->replay);
    }
    if (r->what == LAB_EXPLORE)
        print_counts(r, to, quiet);
    else if (r->what == LAB_REPLAY && !r->failure_count)
        fprintf(to, "no failure\n");
}
