/* Failures are confirmed by a process that was forked before there was a machine, from the replay file alone: as whoever gets the file
 * will see it. For each file it forks another, so that each replay begins in a fresh process. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "lab/campaign.h"

struct confirmer {
    pid_t pid;
    int to, from;
};

struct seen_again {
    uint64_t failed, key, run_hash;
};

static bool read_all(int fd, void *to, size_t n)
{
    for (char *p = to; n > 0;) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

_Noreturn static void replay_once(const char *file, int to)
{
    static struct irplab lab; /* large */
    struct lab_result r;
    struct seen_again s = { 0 };
    int quiet = open("/dev/null", O_WRONLY);
    if (quiet >= 0)
        dup2(quiet, 1);
    lab_init(&lab);
    if (lab_replay(&lab, file, &r) && r.failure_count)
        s = (struct seen_again) { 1, r.failures[0].outcome.key, r.run_hash };
    _exit(write(to, &s, sizeof s) == sizeof s ? 0 : 3);
}

_Noreturn static void serve(int from, int to)
{
    char file[CONFIG_PATH + 200];
    while (read_all(from, file, sizeof file)) {
        struct seen_again s = { 0 };
        int ends[2], status;
        if (pipe(ends) != 0)
            _exit(3);
        pid_t child = fork();
        if (child == 0)
            replay_once(file, ends[1]);
        close(ends[1]);
        if (!read_all(ends[0], &s, sizeof s))
            s = (struct seen_again) { 0 };
        close(ends[0]);
        while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        if (write(to, &s, sizeof s) != sizeof s)
            break;
    }
    _exit(0);
}

struct confirmer *confirm_begin(void)
{
    struct confirmer *c = calloc(1, sizeof *c);
    int ask[2], answer[2];
    if (!c || pipe2(ask, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0)
        base_panic("cannot start the process that confirms failures: %s", strerror(errno));
    fflush(NULL);
    c->pid = fork();
    if (c->pid < 0)
        base_panic("cannot start the process that confirms failures: %s", strerror(errno));
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_IGN);
        close(ask[1]);
        close(answer[0]);
        serve(ask[0], answer[1]);
    }
    close(ask[0]);
    close(answer[1]);
    c->to = ask[1];
    c->from = answer[0];
    return c;
}

bool confirm_ask(struct confirmer *c, const char *replay, uint64_t key, uint64_t run_hash)
{
    char file[CONFIG_PATH + 200] = { 0 };
    struct seen_again s = { 0 };
    snprintf(file, sizeof file, "%s", replay);
    return write(c->to, file, sizeof file) == sizeof file && read_all(c->from, &s, sizeof s) && s.failed && s.key == key && s.run_hash == run_hash;
}

void confirm_end(struct confirmer *c)
{
    int status;
    close(c->to);
    close(c->from);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    free(c);
}
