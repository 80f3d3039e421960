/* Explorers as processes of this machine, each with a pair of pipes. One that dies is replaced; what it had is lost and given out again.
 *
 * To an explorer: id, seconds, size, item. From it: kind, id, size, bytes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "lab/campaign.h"
#include "session/explorable.h"

enum { ANSWER = 1, PROGRESS, MOST_DEATHS = 20, LARGEST = 1 << 30 };

struct order {
    uint64_t id;
    double seconds;
    uint64_t size;
};

struct head {
    uint64_t kind, id, size;
};

struct explorer {
    pid_t pid;
    int to, from;
    bool busy, asked; /* asked: to come back */
    double since;     /* when it was given what it has */
    uint64_t id, runs;
    struct bytes heard;
};

struct crew {
    struct irplab *lab;
    struct explorer *all;
    unsigned count, deaths;
    _Atomic unsigned *wanted; /* of each; in memory that all have */
};

/* ---- the explorer ---- */

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

static bool write_all(int fd, const void *from, size_t n)
{
    for (const char *p = from; n > 0;) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

struct speaker {
    int fd;
    uint64_t id;
    double last;
};

static void say_progress(void *user, uint64_t schedules)
{
    struct speaker *s = user;
    struct head h = { PROGRESS, s->id, sizeof schedules };
    double now = lab_now();
    char message[sizeof h + sizeof schedules];
    if (now - s->last < 0.1)
        return;
    s->last = now;
    memcpy(message, &h, sizeof h);
    memcpy(message + sizeof h, &schedules, sizeof schedules);
    if (!write_all(s->fd, message, sizeof message))
        _exit(0);
}

_Noreturn static void explore_orders(struct irplab *lab, int from, int to, const _Atomic unsigned *wanted)
{
    session_process_init();
    const struct explore_machine *machine = explorable_open(&lab->ready);
    struct part_keep *keep = part_keep_new();
    struct order o;
    while (read_all(from, &o, sizeof o) && o.size < LARGEST) {
        void *item = malloc(o.size + 1);
        struct bytes answer = { 0 };
        struct speaker s = { to, o.id, lab_now() };
        if (!item || !read_all(from, item, o.size))
            break;
        struct part_how how = { .seconds = o.seconds, .progress = say_progress, .wanted = wanted, .user = &s };
        if (!campaign_explore(machine, keep, item, o.size, how, &answer))
            base_panic("a part of the search that came by the pipe is none");
        struct head h = { ANSWER, o.id, answer.count };
        if (!write_all(to, &h, sizeof h) || !write_all(to, answer.data, answer.count))
            break;
        bytes_free(&answer);
        free(item);
    }
    _exit(0);
}

/* ---- the keeper ---- */

static bool start(struct crew *c, struct explorer *e)
{
    int orders[2], answers[2];
    if (pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
        return lab_fail(c->lab, "cannot start a process of the search: %s", strerror(errno));
    fflush(NULL);
    pid_t keeper = getpid();
    e->pid = fork();
    if (e->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != keeper)
            _exit(0);
        signal(SIGINT, SIG_IGN); /* a terminal sends it to all; the keeper decides */
        for (unsigned i = 0; i < c->count; i++)
            if (&c->all[i] != e && c->all[i].pid > 0) {
                close(c->all[i].to);
                close(c->all[i].from);
            }
        close(orders[1]);
        close(answers[0]);
        explore_orders(c->lab, orders[0], answers[1], &c->wanted[e - c->all]);
    }
    close(orders[0]);
    close(answers[1]);
    e->to = orders[1];
    e->from = answers[0];
    e->busy = false;
    e->runs = 0;
    e->heard.count = 0;
    return e->pid > 0 || lab_fail(c->lab, "cannot start a process of the search: %s", strerror(errno));
}

/* What its end was; a process that found an error of irplab has said so already. */
static void gone(struct explorer *e, bool kill_it)
{
    int status = 0;
    if (e->pid <= 0)
        return;
    if (kill_it)
        kill(e->pid, SIGKILL);
    close(e->to);
    close(e->from);
    while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
        ;
    e->pid = 0;
    if (!kill_it && WIFEXITED(status) && WEXITSTATUS(status) == 3)
        _exit(3);
    if (!kill_it && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        _exit(3);
}

static unsigned count(void *user)
{
    return ((struct crew *)user)->count;
}

static struct explorer *idle_one(struct crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->all[i].pid > 0 && !c->all[i].busy)
            return &c->all[i];
    return NULL;
}

static bool idle(void *user)
{
    return idle_one(user) != NULL;
}

static void give(void *user, uint64_t id, const struct bytes *item, double seconds)
{
    struct crew *c = user;
    struct explorer *e = idle_one(c);
    struct order o = { id, seconds, item->count };
    IR_ASSERT(e);
    e->busy = true;
    e->asked = false;
    e->since = lab_now();
    e->id = id;
    e->runs = 0;
    atomic_store(&c->wanted[e - c->all], 0);
    /* Should it be dead, that is heard of when its answer is waited for. */
    if (write_all(e->to, &o, sizeof o))
        write_all(e->to, item->data, item->count);
}

/* A whole message of e: true, and it is taken away. */
static bool message(struct explorer *e, struct head *h, struct bytes *body)
{
    if (e->heard.count < sizeof *h)
        return false;
    memcpy(h, e->heard.data, sizeof *h);
    if (h->size > LARGEST)
        h->size = 0;
    if (e->heard.count - sizeof *h < h->size)
        return false;
    body->count = 0;
    bytes_put(body, e->heard.data + sizeof *h, h->size);
    size_t used = sizeof *h + h->size;
    memmove(e->heard.data, e->heard.data + used, e->heard.count - used);
    e->heard.count -= used;
    return true;
}

static enum part_news heard(struct crew *c, struct explorer *e, uint64_t *id, struct bytes *answer)
{
    struct head h;
    struct bytes body = { 0 };
    enum part_news news = NO_NEWS;
    while (news == NO_NEWS && message(e, &h, &body)) {
        if (h.kind == PROGRESS && body.count == sizeof e->runs)
            memcpy(&e->runs, body.data, sizeof e->runs);
        if (h.kind != ANSWER || !e->busy || h.id != e->id)
            continue;
        e->busy = false;
        e->runs = 0;
        *id = h.id;
        bytes_put(answer, body.data, body.count);
        news = PART_CAME;
    }
    bytes_free(&body);
    return news;
}

static enum part_news lost(struct crew *c, struct explorer *e, uint64_t *id)
{
    bool busy = e->busy;
    *id = e->id;
    gone(e, false);
    if (++c->deaths > MOST_DEATHS * c->count) {
        lab_fail(c->lab, "processes of the search died %u times", c->deaths);
        return EXPLORERS_FAILED;
    }
    if (!start(c, e))
        return EXPLORERS_FAILED;
    return busy ? PART_LOST : NO_NEWS;
}

static enum part_news listen_to(struct crew *c, struct explorer *e, uint64_t *id, struct bytes *answer)
{
    char buffer[65536];
    ssize_t n = read(e->from, buffer, sizeof buffer);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return NO_NEWS;
    if (n <= 0)
        return lost(c, e, id);
    bytes_put(&e->heard, buffer, (size_t)n);
    return heard(c, e, id, answer);
}

static enum part_news news(void *user, double seconds, uint64_t *id, struct bytes *answer)
{
    struct crew *c = user;
    struct pollfd fds[256];
    for (unsigned i = 0; i < c->count; i++) { /* two messages may have come at once */
        enum part_news n = heard(c, &c->all[i], id, answer);
        if (n != NO_NEWS)
            return n;
        fds[i] = (struct pollfd) { .fd = c->all[i].from, .events = POLLIN };
    }
    if (poll(fds, c->count, (int)(seconds * 1000) + 1) <= 0)
        return NO_NEWS;
    for (unsigned i = 0; i < c->count; i++) {
        enum part_news n = fds[i].revents ? listen_to(c, &c->all[i], id, answer) : NO_NEWS;
        if (n != NO_NEWS)
            return n;
    }
    return NO_NEWS;
}

static uint64_t running(void *user)
{
    struct crew *c = user;
    uint64_t n = 0;
    for (unsigned i = 0; i < c->count; i++)
        n += c->all[i].runs;
    return n;
}

static void ask(struct crew *c, struct explorer *e, unsigned wanted)
{
    e->asked = true;
    atomic_store(&c->wanted[e - c->all], wanted);
}

/* One for each that has nothing to do: who has been at it longest. */
static void ask_back(void *user, unsigned wanted, bool all)
{
    struct crew *c = user;
    for (unsigned i = 0; i < c->count && all; i++)
        if (c->all[i].busy)
            ask(c, &c->all[i], wanted);
    struct explorer *longest = NULL;
    unsigned idle = 0, asked = 0;
    for (unsigned i = 0; i < c->count; i++) {
        struct explorer *e = &c->all[i];
        idle += !e->busy;
        asked += e->busy && e->asked;
        if (e->busy && !e->asked && (!longest || e->since < longest->since))
            longest = e;
    }
    if (longest && asked < idle)
        ask(c, longest, wanted);
}

static void restart(void *user)
{
    struct crew *c = user;
    for (unsigned i = 0; i < c->count; i++) {
        gone(&c->all[i], true);
        if (!start(c, &c->all[i]))
            base_panic("%s", c->lab->error);
    }
}

static void end(void *user)
{
    struct crew *c = user;
    for (unsigned i = 0; i < c->count; i++) {
        gone(&c->all[i], true);
        bytes_free(&c->all[i].heard);
    }
    if (c->wanted)
        munmap(c->wanted, c->count * sizeof *c->wanted);
    free(c->all);
    free(c);
}

bool crew_begin(struct irplab *lab, unsigned jobs, struct explorers *out)
{
    struct crew *c = calloc(1, sizeof *c);
    if (c)
        c->all = calloc(jobs, sizeof *c->all);
    if (!c || !c->all)
        base_panic("out of memory");
    c->lab = lab;
    c->count = jobs;
    c->wanted = mmap(NULL, jobs * sizeof *c->wanted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c->wanted == MAP_FAILED)
        base_panic("out of memory");
    signal(SIGPIPE, SIG_IGN);
    *out = (struct explorers) { c, count, idle, give, news, running, ask_back, restart, end };
    for (unsigned i = 0; i < jobs; i++)
        if (!start(c, &c->all[i])) {
            end(c);
            return false;
        }
    return true;
}
