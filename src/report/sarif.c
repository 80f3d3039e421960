/* SARIF 2.1.0 (OASIS standard); see ci.h. Images have no lines, so a place is a logical location: module!function. Servers that show results beside
 * files (GitHub's code scanning refuses results without one) get the file that tells what is run. */
#include <jansson.h>
#include <string.h>

#include "report/ci.h"
#include "report/record.h"

static const struct {
    const char *kind, *text;
} rules[] = {
    { "bugcheck", "A driver did what the kernel answers with a bug check." },
    { "verifier", "A driver broke a rule of the verifier." },
    { "deadlock", "Threads wait for each other, or for what nobody will do." },
    { "hang", "A thread goes on without end." },
    { "crash", "The program ended with an exception that nobody handled." },
    { "exit", "The program ended with an exit code other than zero." },
};

/* The event whose stack tells most of a failure: the completion of the request that failed, or the last one. */
static const struct record_event *telling_event(const struct record *r)
{
    if (r->victim != SIZE_MAX)
        return &r->events[r->victim];
    for (size_t i = r->event_count; i-- > 0;)
        if (r->events[i].chain_length && (r->failed == NO_NAME || r->events[i].agent_name == r->failed))
            return &r->events[i];
    return NULL;
}

static json_t *logical(const struct record_frame *f)
{
    char name[600];
    snprintf(name, sizeof name, "%s!%s", f->module, f->function);
    return json_pack("{s:[{s:s, s:s, s:s}]}", "logicalLocations", "name", f->function, "fullyQualifiedName", name, "kind", "function");
}

/* A file's name as a URI reference (RFC 3986). */
static json_t *uri(const char *file)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    char text[3 * 4096 + 8] = "";
    size_t n = 0;
    if (file[0] == '/')
        n = (size_t)snprintf(text, sizeof text, "file://");
    for (; *file && n + 4 < sizeof text; file++)
        n += (size_t)snprintf(text + n, sizeof text - n, strchr(plain, *file) ? "%c" : "%%%02X", (unsigned char)*file);
    return json_string(text);
}

static void add_file(json_t *result, const char *file)
{
    json_t *all = json_object_get(result, "locations"), *location = all ? json_array_get(all, 0) : json_object();
    json_object_set_new(location, "physicalLocation", json_pack("{s:{s:o}, s:{s:i}}", "artifactLocation", "uri", uri(file), "region", "startLine", 1));
    if (!all)
        json_object_set_new(result, "locations", json_pack("[o]", location));
}

static void add_stack(json_t *result, const struct record *r)
{
    const struct record_event *e = telling_event(r);
    if (!e || !e->chain_length)
        return;
    json_t *frames = json_array();
    for (size_t i = e->chain_length; i-- > 0;)
        json_array_append_new(frames, json_pack("{s:o}", "location", logical(&r->frames[e->chain + i])));
    json_object_set_new(result, "stacks", json_pack("[{s:o}]", "frames", frames));
    const struct record_frame *driver = record_driver_frame(r, e);
    if (driver)
        json_object_set_new(result, "locations", json_pack("[o]", logical(driver)));
}

static json_t *result_of(const struct ci_failure *f, const char *file)
{
    char cause[20];
    snprintf(cause, sizeof cause, "%016llx", (unsigned long long)f->key);
    json_t *j = json_pack("{s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s, s:I}}", "ruleId", f->kind, "level", "error", "message", "text", f->message, "partialFingerprints", "cause/v1", cause,
                          "properties", "name", f->name, "code", (json_int_t)f->code);
    if (f->replay)
        json_object_set_new(json_object_get(j, "properties"), "replay", json_string(f->replay));
    if (f->record)
        add_stack(j, f->record);
    if (file)
        add_file(j, file);
    return j;
}

void ci_sarif(FILE *out, const struct ci_result *r)
{
    json_t *known = json_array(), *results = json_array();
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        json_array_append_new(known, json_pack("{s:s, s:{s:s}}", "id", rules[i].kind, "shortDescription", "text", rules[i].text));
    for (size_t i = 0; i < r->failure_count; i++)
        json_array_append_new(results, result_of(&r->failures[i], r->file));
    json_t *run = json_pack("{s:{s:{s:s, s:s, s:o}}, s:o, s:{s:s, s:I, s:b, s:s}}", "tool", "driver", "name", "irplab", "version", r->version, "rules", known, "results", results,
                            "properties", "case", r->name, "schedules", (json_int_t)r->schedules, "complete", r->complete, "bound", r->bound);
    json_t *j = json_pack("{s:s, s:s, s:[o]}", "version", "2.1.0", "$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json", "runs", run);
    json_dumpf(j, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(j);
}
