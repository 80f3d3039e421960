#include "report/report.h"

#include <stdlib.h>
#include <string.h>

static void side_make(struct report_side *side, const struct explore_machine *machine, const struct explore_schedule *schedule, const struct record_turning *turning)
{
    side->record = record_run(machine, schedule, turning);
    side->schedule = explore_schedule_print(schedule);
}

/* Without a known turning point the two orders part where the schedules do. */
static uint32_t parts_at(const struct replay *p)
{
    size_t i = 0, n = p->schedule.count < p->passing.count ? p->schedule.count : p->passing.count;
    while (i < n && p->schedule.choices[i].agent == p->passing.choices[i].agent && p->schedule.choices[i].alternative == p->passing.choices[i].alternative)
        i++;
    return (uint32_t)i;
}

/* What the diagrams say where they part. */
static void parting_text(const struct record *r, bool failing, char *out, size_t size)
{
    if (!r->turn.known)
        snprintf(out, size, "from here on the two orders differ");
    else if (failing)
        snprintf(out, size, "the last choice that could have avoided it: %s goes on", record_name(r, r->turn.ran));
    else
        snprintf(out, size, "the other choice: %s runs", record_name(r, r->turn.instead));
}

void report_make(struct report *out, const struct replay *replay, const char *file, const struct explore_machine *machine)
{
    memset(out, 0, sizeof *out);
    const char *slash = strrchr(file, '/');
    out->file = slash ? slash + 1 : file;
    out->config = replay->config;
    out->name = out->config.name[0] ? out->config.name : out->file;
    out->has_passing = replay->passing.count > 0;
    struct record_turning turning = { replay->turning, &replay->passing };
    uint32_t parts = out->has_passing ? parts_at(replay) : UINT32_MAX;
    side_make(&out->failing, machine, &replay->schedule, replay->turning != SIZE_MAX && out->has_passing ? &turning : NULL);
    out->differs = out->failing.record->run_hash != replay->run_hash;
    story_of_failure(&out->failing.story, out->failing.record);
    char parting[300];
    parting_text(out->failing.record, true, parting, sizeof parting);
    sequence_build(&out->failing.sequence, &out->failing.story, parts, parting, true);
    slices_of(&out->failing.slices, &out->failing.story);
    if (!out->has_passing)
        return;
    side_make(&out->passing, machine, &replay->passing, NULL);
    story_of_other(&out->passing.story, out->passing.record, &out->failing.story);
    parting_text(out->failing.record, false, parting, sizeof parting);
    sequence_build(&out->passing.sequence, &out->passing.story, parts, parting, false);
    slices_of(&out->passing.slices, &out->passing.story);
    sequence_compare(&out->failing.sequence, &out->passing.sequence);
}

static void side_free(struct report_side *side)
{
    slices_free(&side->slices);
    sequence_free(&side->sequence);
    story_free(&side->story);
    record_free(side->record);
    free(side->schedule);
}

void report_free(struct report *r)
{
    side_free(&r->failing);
    if (r->has_passing)
        side_free(&r->passing);
}
