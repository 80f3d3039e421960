/* Replay files (.irplab): a schedule with everything it needs, so that the run is the same here and on another machine.
 *
 *   "irplab-replay 1\n", one line of JSON, then for each file in its list: zstd-compressed bytes.
 * The JSON holds configuration, schedule (one line of text), the failure, run hash, sizes and hashes of the files. */
#ifndef IRPLAB_REPORT_REPLAY_FILE_H
#define IRPLAB_REPORT_REPLAY_FILE_H

#include "report/record.h"
#include "session/config.h"

struct replay {
    struct config config; /* its files are registered as images under "replay:NAME" */
    struct explore_schedule schedule;
    struct explore_schedule passing; /* a run of the same exploration that did not fail; may be empty */
    uint64_t run_hash;
    size_t turning; /* index of the last choice that could have avoided the failure; SIZE_MAX unknown */
};

/* Writes atomically (a temporary name, then renamed). false and one line in err. */
bool replay_write(const char *path, const struct config *config, const struct explore_schedule *schedule, const struct explore_schedule *passing, size_t turning,
                  const struct record *record, char *err, size_t errlen);
bool replay_read(const char *path, struct replay *out, char *err, size_t errlen);

#endif
