/* The report as one page that needs nothing else. Sections in the order in which a reader asks: what failed, how it came about, the
 * pictures, then the evidence. */
#include <stdlib.h>
#include <string.h>

#include "nt/status.h"
#include "report/markup.h"
#include "report/report.h"
#include "report/svg.h"

struct page {
    FILE *f;
    const struct report *r;
    struct palette palette;
};

static void text(struct page *p, const char *t)
{
    markup_text(p->f, t);
}

static void open_section(struct page *p, const char *id, const char *title)
{
    fprintf(p->f, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

static void close_section(struct page *p)
{
    fputs("</section>\n", p->f);
}

static void agent(struct page *p, const struct record *r, uint32_t name)
{
    fprintf(p->f, "<span class=\"who\"><span class=\"chip a%u\"></span>", palette_color(&p->palette, record_name(r, name)));
    text(p, record_name(r, name));
    fputs("</span>", p->f);
}

static void status(struct page *p, NTSTATUS s)
{
    fprintf(p->f, "<span class=\"mono %s\" title=\"0x%08X\">%s</span>", NT_ERROR(s) ? "bad" : NT_SUCCESS(s) ? "good" : "", (uint32_t)s, nt_status_name(s));
}

/* ---- head ---- */

static void head(struct page *p)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>", p->f);
    text(p, p->r->name);
    fprintf(p->f, " · irplab</title>\n<style>\n%s\n</style>\n</head>\n<body>\n<header>\n<h1>", page_style);
    text(p, p->r->name);
    fputs("</h1>\n<p class=\"sub\">", p->f);
    const struct config *c = &p->r->config;
    for (uint32_t i = 0; i < c->driver_count; i++) {
        const char *name = strrchr(c->drivers[i].file, ':');
        fputs(i ? ", " : "", p->f);
        text(p, name ? name + 1 : c->drivers[i].file);
    }
    const char *program = strrchr(c->program, ':');
    fprintf(p->f, "%s", c->driver_count && c->program[0] ? " · " : "");
    text(p, program ? program + 1 : c->program);
    fprintf(p->f, " · %u processors · ", c->cpus);
    fputs("Windows ", p->f);
    text(p, strncmp(c->os, "win", 3) == 0 ? c->os + 3 : c->os);
    fprintf(p->f, " · time %s</p>\n", c->time_any ? "any" : "idle");
    fputs("<nav><a href=\"#verdict\">Verdict</a><a href=\"#orders\">The two orders</a><a href=\"#schedule\">Schedule</a><a href=\"#requests\">Requests</a>"
          "<a href=\"#stacks\">Stacks</a><a href=\"#output\">Output</a><a href=\"#again\">Again</a></nav>\n</header>\n<main>\n", p->f);
}

static void verdict(struct page *p)
{
    const struct report_side *side = &p->r->failing;
    char *sentence = story_sentence(&side->story), *steps = story_steps(&side->story);
    open_section(p, "verdict", "What failed");
    fprintf(p->f, "<p class=\"verdict-line\">%s: ", outcome_contract_kind(&side->record->outcome));
    text(p, sentence);
    fputs("</p>\n", p->f);
    if (p->r->differs)
        fputs("<p class=\"bad\">This run differs from the recorded one: the pictures may not show what was found.</p>\n", p->f);
    if (steps) {
        fputs("<h3>How it came about</h3>\n<ol class=\"steps\">\n", p->f);
        for (char *line = strtok(steps, "\n"); line; line = strtok(NULL, "\n")) {
            fputs("<li>", p->f);
            text(p, line);
            fputs("</li>\n", p->f);
        }
        fputs("</ol>\n", p->f);
    }
    close_section(p);
    free(sentence);
    free(steps);
}

/* ---- diagrams ---- */

static void figure(struct page *p, const struct report_side *side, const char *id, const char *caption, const char *tag, const char *tag_class)
{
    fprintf(p->f, "<figure>\n<figcaption>%s <span class=\"tag %s\">%s</span></figcaption>\n", caption, tag_class, tag);
    svg_sequence(p->f, &side->sequence, side->record, &p->palette, id, caption);
    fputs("</figure>\n", p->f);
}

static void orders(struct page *p)
{
    open_section(p, "orders", p->r->has_passing ? "The two orders" : "The order of events");
    fputs("<div class=\"pair\">\n", p->f);
    figure(p, &p->r->failing, "failing", "The order that fails", "fails", "bad");
    if (p->r->has_passing)
        figure(p, &p->r->passing, "passing", "An order of the same exploration that does not", "passes", "good");
    fputs("</div>\n<p class=\"sub\">Filled heads are calls, open ones start something asynchronously, dashed lines return. A box is pale while another thread runs. "
          "Dots: another thread goes on. Point at a message for its choice in the schedule, virtual time and IRQL.</p>\n", p->f);
    close_section(p);
}

/* ---- schedule ---- */

static void slice_row(struct page *p, const struct record *r, const struct slice *s, unsigned *number)
{
    bool turn = r->turn.known && s->agent == r->turn.ran && r->turn.step >= s->step && r->turn.step < s->step + (s->steps ? s->steps : UINT32_MAX - s->step);
    fprintf(p->f, "<tr%s><td class=\"num\">", s->verdict ? " class=\"victim\"" : turn ? " class=\"turn\"" : "");
    if (s->agent != NO_NAME)
        fprintf(p->f, "%u", ++*number);
    fprintf(p->f, "</td><td class=\"num\">%u–%u</td><td>", s->step, s->steps ? s->step + s->steps - 1 : s->step);
    if (s->agent != NO_NAME)
        agent(p, r, s->agent);
    fputs("</td><td>", p->f);
    text(p, s->did);
    fprintf(p->f, "</td><td>%s", s->preempted ? "<span class=\"tag bad\">preempted</span> " : "");
    text(p, s->stop);
    fputs("</td></tr>\n", p->f);
}

static void schedule(struct page *p)
{
    const struct report_side *side = &p->r->failing;
    const struct record *r = side->record;
    const struct slices *s = &side->slices;
    open_section(p, "schedule", "The schedule that fails");
    fprintf(p->f, "<p class=\"sub\">%u switch%s to the failure, %u preemption%s.</p>\n", s->switches, s->switches == 1 ? "" : "es", s->preemptions,
            s->preemptions == 1 ? "" : "s");
    fputs("<div class=\"scroll\"><table>\n<tr><th></th><th>choices</th><th>who runs</th><th>and does</th><th>until it</th></tr>\n", p->f);
    unsigned number = 0;
    for (size_t i = 0; i < s->count; i++)
        slice_row(p, r, &s->list[i], &number);
    fputs("</table></div>\n", p->f);
    if (s->after)
        fprintf(p->f, "<p class=\"sub\">%u more switches to the end of the run.</p>\n", s->after);
    if (r->turn.known) {
        fprintf(p->f, "<p>Choice %u is the last one that could have avoided it. ", r->turn.step);
        agent(p, r, r->turn.ran);
        fputs(" (", p->f);
        text(p, r->turn.ran_where);
        fputs(") went on; had ", p->f);
        agent(p, r, r->turn.instead);
        fputs(" (", p->f);
        text(p, r->turn.instead_where);
        fputs(") run there, the run would have passed.</p>\n", p->f);
    }
    close_section(p);
}

/* ---- requests ---- */

static void request_end(struct page *p, const struct story *s, int request)
{
    if (request < 0) {
        fputs("<td class=\"quiet\">not made</td><td></td>", p->f);
        return;
    }
    const struct request *q = &s->requests[request];
    fputs("<td>", p->f);
    if (q->completion == NO_EVENT) {
        fputs("<span class=\"bad\">never completed</span></td><td></td>", p->f);
        return;
    }
    status(p, q->status);
    fprintf(p->f, "%s</td><td>", q->pended ? " <span class=\"quiet\">pended</span>" : "");
    agent(p, s->record, s->record->events[q->completion].agent_name);
    fputs("</td>", p->f);
}

static void requests(struct page *p)
{
    const struct story *s = &p->r->failing.story, *o = &p->r->passing.story;
    open_section(p, "requests", "Requests of the program");
    fprintf(p->f, "<div class=\"scroll\"><table>\n<tr><th></th><th>thread</th><th>request</th><th>in the order that fails</th><th>completed by</th>%s</tr>\n",
            p->r->has_passing ? "<th>in the other</th><th>completed by</th>" : "");
    for (int i = 0; i < s->request_count; i++) {
        fprintf(p->f, "<tr%s><td class=\"num\">%u</td><td>", i == s->victim ? " class=\"victim\"" : "", s->requests[i].number);
        agent(p, s->record, s->requests[i].agent);
        fputs("</td><td class=\"mono\">", p->f);
        text(p, s->requests[i].what);
        fputs("</td>", p->f);
        request_end(p, s, i);
        if (p->r->has_passing)
            request_end(p, o, story_counterpart(o, s, i));
        fputs("</tr>\n", p->f);
    }
    fputs("</table></div>\n", p->f);
    close_section(p);
}

/* ---- evidence ---- */

static void block(struct page *p, const char *title, const char *body)
{
    if (!body || !body[0])
        return;
    fputs("<h3>", p->f);
    text(p, title);
    fputs("</h3>\n<pre>", p->f);
    text(p, body);
    fputs("</pre>\n", p->f);
}

static void victim_stacks(struct page *p, const struct record *r)
{
    const struct record_event *v = &r->events[r->victim];
    char title[300];
    snprintf(title, sizeof title, "k, when %s completed it with %s", record_name(r, v->agent_name), nt_status_name((NTSTATUS)v->r.b));
    block(p, title, v->stack);
    snprintf(title, sizeof title, "!irp %016llx", (unsigned long long)v->r.a);
    block(p, title, v->irp);
}

static void stacks(struct page *p)
{
    const struct record *r = p->r->failing.record;
    open_section(p, "stacks", "Stacks");
    block(p, r->outcome.name, r->failure);
    if (r->victim != SIZE_MAX)
        victim_stacks(p, r);
    for (size_t i = 0; i < r->wait_count; i++) {
        char title[500];
        snprintf(title, sizeof title, "k of %s, which waits for %s since %.3f s", record_name(r, r->waits[i].who), r->waits[i].what, (double)r->waits[i].since_100ns / 1e7);
        block(p, title, r->waits[i].stack);
    }
    if (r->blocked)
        block(p, "!thread, !irp, !apc", r->blocked);
    if (!r->failure && r->victim == SIZE_MAX && !r->wait_count)
        fputs("<p class=\"sub\">This failure has no stack.</p>\n", p->f);
    close_section(p);
}

static bool has_kind(const struct record *r, unsigned kind)
{
    for (size_t i = 0; i < r->event_count; i++)
        if (r->events[i].r.kind == kind)
            return true;
    return false;
}

static void output(struct page *p)
{
    const struct record *r = p->r->failing.record;
    open_section(p, "output", "Output");
    if (has_kind(r, TRACE_DEBUG_PRINT)) {
        fputs("<h3>DbgPrint</h3>\n<div class=\"scroll\"><table>\n<tr><th>time</th><th>thread</th><th>text</th></tr>\n", p->f);
        for (size_t i = 0; i < r->event_count; i++) {
            const struct record_event *e = &r->events[i];
            if (e->r.kind != TRACE_DEBUG_PRINT || !e->text)
                continue;
            fprintf(p->f, "<tr><td class=\"num\">%.6f</td><td>", (double)e->r.time_100ns / 1e7);
            agent(p, r, e->agent_name);
            fputs("</td><td class=\"mono\">", p->f);
            markup_bytes(p->f, e->text, strcspn(e->text, "\r\n"));
            fputs("</td></tr>\n", p->f);
        }
        fputs("</table></div>\n", p->f);
    } else {
        fputs("<p class=\"sub\">No driver printed anything.</p>\n", p->f);
    }
    if (has_kind(r, TRACE_CONSOLE)) {
        fputs("<h3>The program</h3>\n<pre>", p->f);
        for (size_t i = 0; i < r->event_count; i++)
            if (r->events[i].r.kind == TRACE_CONSOLE)
                text(p, r->events[i].text);
        fputs("</pre>\n", p->f);
    }
    if (r->program_ended)
        fprintf(p->f, "<p class=\"sub\">It ended with exit code %u.</p>\n", r->program_exit);
    close_section(p);
}

static void again(struct page *p)
{
    open_section(p, "again", "Again");
    fputs("<p class=\"sub\">The file carries the images, the configuration and both schedules. The same choices give the same run, here and on another machine.</p>\n<pre>irplab replay ", p->f);
    text(p, p->r->file);
    fprintf(p->f, "</pre>\n<h3>The schedule on one line (run hash %016llx)</h3>\n<pre class=\"wrap\">", (unsigned long long)p->r->failing.record->run_hash);
    text(p, p->r->failing.schedule);
    fputs("</pre>\n", p->f);
    if (p->r->has_passing) {
        fputs("<h3>The one that passes</h3>\n<pre class=\"wrap\">", p->f);
        text(p, p->r->passing.schedule);
        fputs("</pre>\n", p->f);
    }
    close_section(p);
}

void report_html(FILE *out, const struct report *r)
{
    struct page p = { .f = out, .r = r };
    head(&p);
    verdict(&p);
    orders(&p);
    schedule(&p);
    requests(&p);
    stacks(&p);
    output(&p);
    again(&p);
    fprintf(out, "</main>\n<footer>irplab 0.1.0</footer>\n<script>%s</script>\n</body>\n</html>\n", page_script);
}
