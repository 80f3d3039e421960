#include "report/text.h"

#include <string.h>

#include "nt/irp_names.h"
#include "nt/status.h"
#include "sim/image.h"

static const char *name(const struct record *r, uint32_t i)
{
    return i < r->name_count ? r->names[i] : "-";
}

static void print_requests(FILE *out, const struct record *r)
{
    bool title = false;
    for (size_t i = 0; i < r->event_count; i++) {
        const struct record_event *e = &r->events[i];
        if (e->r.kind != TRACE_IRP_FINISHED)
            continue;
        /* The completion tells which request it was. */
        for (size_t j = i; j-- > 0;) {
            const struct record_event *c = &r->events[j];
            if (c->r.kind != TRACE_IRP_COMPLETE || c->r.a != e->r.a)
                continue;
            if (!c->user_request)
                break;
            if (!title)
                fprintf(out, "\nrequests of the program, as they finished\n");
            title = true;
            fprintf(out, "  %-32s %-28s by %s\n", nt_major_name((UCHAR)(c->r.c >> 8)), nt_status_name((NTSTATUS)c->r.b), name(r, c->agent_name));
            break;
        }
    }
}

static void print_switches(FILE *out, const struct record *r)
{
    if (!r->switch_count)
        return;
    fprintf(out, "\nswitches\n");
    for (size_t i = 0; i < r->switch_count; i++) {
        const struct record_switch *s = &r->switches[i];
        if (s->from == NO_NAME)
            continue;
        fprintf(out, "  %3zu  %s %s %s; %s runs\n", i, name(r, s->from), s->preemption ? "is preempted at" : "stops:", s->where ? s->where : "?", name(r, s->to));
    }
}

static void print_console(FILE *out, const struct record *r)
{
    bool title = false;
    for (size_t i = 0; i < r->event_count; i++)
        if (r->events[i].r.kind == TRACE_CONSOLE && r->events[i].text) {
            if (!title)
                fprintf(out, "\nprogram output\n");
            title = true;
            fputs(r->events[i].text, out);
        }
}

void report_text(FILE *out, const struct record *r, bool color)
{
    const char *red = color ? "\033[31;1m" : "", *off = color ? "\033[0m" : "";
    fprintf(out, "%sfailure: %s: %s%s\n", red, outcome_contract_kind(&r->outcome), r->outcome.message, off);
    if (r->failure)
        fprintf(out, "\n%s", r->failure);
    print_requests(out, r);
    if (r->victim != SIZE_MAX) {
        const struct record_event *v = &r->events[r->victim];
        fprintf(out, "\n%s was completed with %s by %s\n", nt_major_name((UCHAR)(v->r.c >> 8)), nt_status_name((NTSTATUS)v->r.b), name(r, v->agent_name));
        fprintf(out, "\nk\n%s\n!irp %016llx\n%s", v->stack, (unsigned long long)v->r.a, v->irp);
    }
    print_switches(out, r);
    print_console(out, r);
}
