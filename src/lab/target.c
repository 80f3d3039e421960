/* What is searched, as bytes that another process or machine can run: a replay file of the usual run. See campaign.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "lab/campaign.h"
#include "report/record.h"
#include "report/replay_file.h"
#include "session/explorable.h"

enum { LARGEST = 1 << 28 };

static bool temporary(struct irplab *lab, char *path, size_t size)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, size, "%s/irplab-XXXXXX", folder && folder[0] ? folder : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        return lab_fail(lab, "%s: %s", path, strerror(errno));
    close(fd);
    return true;
}

_Noreturn static void write_target(struct irplab *lab, const char *path, int to)
{
    const struct explore_schedule none = { 0 };
    session_process_init();
    struct record *record = record_run(explorable_open(&lab->ready), &none, NULL);
    if (outcome_exit_status(&record->outcome) == 2)
        lab_fail(lab, "%s", record->outcome.message);
    else if (!replay_write(path, &lab->ready, &none, &none, SIZE_MAX, record, lab->error, sizeof lab->error))
        lab->failed = true;
    size_t n = lab->failed ? strlen(lab->error) : 0;
    _exit(!n || write(to, lab->error, n) == (ssize_t)n ? 0 : 3);
}

static bool read_file(struct irplab *lab, const char *path, struct bytes *out)
{
    struct stat st;
    FILE *f = fopen(path, "r");
    bool ok = f && fstat(fileno(f), &st) == 0 && st.st_size > 0 && st.st_size < LARGEST;
    char *bytes = ok ? malloc((size_t)st.st_size) : NULL;
    ok = bytes && fread(bytes, 1, (size_t)st.st_size, f) == (size_t)st.st_size;
    if (ok)
        bytes_put(out, bytes, (size_t)st.st_size);
    free(bytes);
    if (f)
        fclose(f);
    return ok || lab_fail(lab, "%s: cannot be read", path);
}

bool target_make(struct irplab *lab, struct bytes *out)
{
    char path[CONFIG_PATH], why[sizeof lab->error] = { 0 };
    int ends[2], status = 0;
    if (!temporary(lab, path, sizeof path))
        return false;
    if (pipe(ends) != 0)
        base_panic("cannot start a process: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        write_target(lab, path, ends[1]);
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; n + 1 < sizeof why && (got = read(ends[0], why + n, sizeof why - 1 - n)) > 0;)
        n += (size_t)got;
    close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    bool ok = n ? lab_fail(lab, "%s", why) : true;
    if (ok && (child < 0 || status != 0))
        base_panic("the usual run ended without a result (status %d)", status);
    ok = ok && read_file(lab, path, out);
    unlink(path);
    return ok;
}

bool target_take(struct irplab *lab, const void *bytes, size_t size, uint64_t *run_hash)
{
    static struct replay replay; /* large; its images stay registered */
    char path[CONFIG_PATH];
    if (!temporary(lab, path, sizeof path))
        return false;
    FILE *f = fopen(path, "w");
    bool ok = f && fwrite(bytes, 1, size, f) == size;
    ok = f && fclose(f) == 0 && ok;
    if (!ok)
        lab_fail(lab, "%s: %s", path, strerror(errno));
    else if (!replay_read(path, &replay, lab->error, sizeof lab->error))
        ok = !(lab->failed = true);
    unlink(path);
    if (!ok)
        return false;
    explore_schedule_free(&replay.schedule);
    explore_schedule_free(&replay.passing);
    lab->ready = replay.config;
    *run_hash = replay.run_hash;
    return lab->has_target = true;
}
