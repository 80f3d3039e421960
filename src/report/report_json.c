/* The report's data as JSON, for other tools: what the page shows, without what it looks like. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nt/status.h"
#include "report/report.h"

static json_t *text(const char *t)
{
    json_t *j = t ? json_string(t) : json_null();
    return j ? j : json_string_nocheck("?"); /* not UTF-8 */
}

static json_t *lines(char *all)
{
    json_t *list = json_array();
    for (char *line = all ? strtok(all, "\n") : NULL; line; line = strtok(NULL, "\n"))
        json_array_append_new(list, text(line));
    return list;
}

static json_t *agent_of(const struct record *r, size_t event)
{
    return event == NO_EVENT ? json_null() : text(record_name(r, r->events[event].agent_name));
}

static json_t *requests_json(const struct story *s)
{
    json_t *list = json_array();
    for (int i = 0; i < s->request_count; i++) {
        const struct request *q = &s->requests[i];
        bool done = q->completion != NO_EVENT;
        json_array_append_new(list, json_pack("{s:i, s:o, s:o, s:o, s:o, s:b, s:b}", "number", (int)q->number, "thread", text(record_name(s->record, q->agent)), "what",
                                              text(q->what), "status", done ? text(nt_status_name(q->status)) : json_null(), "completed_by",
                                              agent_of(s->record, q->completion), "pended", q->pended, "victim", i == s->victim));
    }
    return list;
}

static json_t *slices_json(const struct report_side *side)
{
    json_t *list = json_array();
    for (size_t i = 0; i < side->slices.count; i++) {
        const struct slice *s = &side->slices.list[i];
        json_array_append_new(list, json_pack("{s:I, s:I, s:o, s:s, s:s, s:b}", "choice", (json_int_t)s->step, "choices", (json_int_t)s->steps, "runs",
                                              s->agent == NO_NAME ? json_null() : text(record_name(side->record, s->agent)), "does", s->did, "until", s->stop, "preempted",
                                              s->preempted));
    }
    return list;
}

static json_t *lifeline(const struct sequence *q, int i)
{
    return text(q->lifelines[i]);
}

static json_t *rows_json(const struct report_side *side)
{
    static const char *const kinds[] = { "gap", "call", "async", "return", "self", "point", "folded", "parting", "verdict" };
    json_t *list = json_array();
    for (size_t i = 0; i < side->sequence.row_count; i++) {
        const struct seq_row *row = &side->sequence.rows[i];
        json_t *j = json_pack("{s:s, s:o}", "kind", kinds[row->kind], "label", text(row->label));
        if (row->status)
            json_object_set_new(j, "status", text(row->status));
        if (row->event != NO_EVENT) {
            const struct record_event *e = &side->record->events[row->event];
            json_object_set_new(j, "thread", text(record_name(side->record, row->agent)));
            json_object_set_new(j, "choice", json_integer(e->step));
            json_object_set_new(j, "time", json_real((double)e->r.time_100ns / 1e7));
            json_object_set_new(j, "from", lifeline(&side->sequence, row->from));
            json_object_set_new(j, "to", lifeline(&side->sequence, row->to));
        }
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *links_json(const struct sequence *q)
{
    json_t *list = json_array();
    for (size_t i = 0; i < q->link_count; i++)
        json_array_append_new(list, json_pack("{s:I, s:I, s:s}", "from", (json_int_t)q->links[i].from, "to", (json_int_t)q->links[i].to, "label", q->links[i].label));
    return list;
}

static json_t *loops_json(const struct sequence *q)
{
    json_t *list = json_array();
    for (size_t i = 0; i < q->loop_count; i++)
        json_array_append_new(list, json_pack("{s:I, s:I, s:s, s:o}", "from", (json_int_t)q->loops[i].first, "to", (json_int_t)q->loops[i].last, "label", q->loops[i].label,
                                              "note", text(q->loops[i].note)));
    return list;
}

static json_t *side_json(const struct report_side *side)
{
    json_t *lifelines = json_array();
    for (int i = 0; i < side->sequence.lifeline_count; i++)
        json_array_append_new(lifelines, lifeline(&side->sequence, i));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schedule", text(side->schedule), "requests", requests_json(&side->story), "slices", slices_json(side), "lifelines",
                     lifelines, "rows", rows_json(side), "links", links_json(&side->sequence), "loops",
                     loops_json(&side->sequence));
}

static json_t *prints_json(const struct record *r, unsigned kind)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->event_count; i++)
        if (r->events[i].r.kind == kind)
            json_array_append_new(list, json_pack("{s:f, s:o, s:o}", "time", (double)r->events[i].r.time_100ns / 1e7, "thread", agent_of(r, i), "text", text(r->events[i].text)));
    return list;
}

static json_t *waits_json(const struct record *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->wait_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:f, s:o}", "thread", text(record_name(r, r->waits[i].who)), "for", text(r->waits[i].what), "where",
                                              text(r->waits[i].where), "since", (double)r->waits[i].since_100ns / 1e7, "stack", text(r->waits[i].stack)));
    return list;
}

static json_t *turn_json(const struct record *r)
{
    if (!r->turn.known)
        return json_null();
    return json_pack("{s:I, s:o, s:o}", "choice", (json_int_t)r->turn.step, "ran", text(record_name(r, r->turn.ran)), "instead", text(record_name(r, r->turn.instead)));
}

void report_json(FILE *out, const struct report *r)
{
    const struct record *f = r->failing.record;
    char *sentence = story_sentence(&r->failing.story), *steps = story_steps(&r->failing.story), hash[20];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)f->run_hash);
    json_t *j = json_pack("{s:s, s:o, s:s, s:I, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "name", r->name, "replay", text(r->file), "kind",
                          outcome_contract_kind(&f->outcome), "code", (json_int_t)f->outcome.code, "sentence", text(sentence), "steps", lines(steps), "run_hash", hash,
                          "differs", r->differs, "turning", turn_json(f), "waits", waits_json(f), "debug_print", prints_json(f, TRACE_DEBUG_PRINT), "console",
                          prints_json(f, TRACE_CONSOLE), "failing", side_json(&r->failing), "passing", r->has_passing ? side_json(&r->passing) : json_null());
    json_object_set_new(j, "stack", text(f->victim != SIZE_MAX ? f->events[f->victim].stack : f->failure));
    json_object_set_new(j, "irp", f->victim != SIZE_MAX ? text(f->events[f->victim].irp) : json_null());
    json_dumpf(j, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(j);
    free(sentence);
    free(steps);
}
