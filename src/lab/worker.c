/* The public face: every run happens in a process of its own, which inherits what is set and sends back what guests print and, at the end,
 * the result. So one process may ask for any number of runs, and whatever a guest does, the caller goes on.
 *
 * A message is its kind, its length (both 32 bits) and its bytes. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "lab/lab.h"

enum { SAID_1 = 1, SAID_2, SAID_3, ERROR_TEXT, STATUS, JSON, TEXT_PLAIN, TEXT_COLORED, LONGEST = 1 << 28 };

struct irplab_result {
    int status;
    char *json, *plain, *colored;
    json_t *document;
};

/* ---- the worker's side ---- */

static int channel;

static void send_bytes(const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n) {
        ssize_t written = write(channel, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            _exit(3); /* nobody listens any more */
        p += written;
        n -= (size_t)written;
    }
}

static void send_message(uint32_t kind, const void *bytes, size_t n)
{
    const uint32_t head[2] = { kind, (uint32_t)n };
    send_bytes(head, sizeof head);
    send_bytes(bytes, n);
}

static void send_said(void *user, int stream, const char *text, size_t bytes)
{
    send_message((uint32_t)(SAID_1 + stream - 1), text, bytes);
}

static void send_text(uint32_t kind, const struct lab_result *r, bool color)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    IR_ASSERT(f);
    lab_print(r, f, color, false);
    fclose(f);
    send_message(kind, text, n);
    free(text);
}

static void send_result(const struct lab_result *r)
{
    int32_t status = lab_status(r);
    char *json = lab_json(r);
    send_message(STATUS, &status, sizeof status);
    send_message(JSON, json, strlen(json));
    send_text(TEXT_PLAIN, r, false);
    send_text(TEXT_COLORED, r, true);
}

static void send_error(const char *text)
{
    send_message(ERROR_TEXT, text, strlen(text));
}

_Noreturn static void work(struct irplab *lab, enum lab_what what, const char *file)
{
    struct lab_result r;
    if (lab->say) {
        lab->say = send_said;
        lab->say_user = NULL;
    }
    bool ok = what == LAB_RUN ? lab_run(lab, &r) : what == LAB_EXPLORE ? lab_explore(lab, &r) : lab_replay(lab, file, &r);
    if (ok && lab_status(&r) == 2)
        send_error(r.failures[0].outcome.message);
    else if (ok)
        send_result(&r);
    else
        send_error(lab->error);
    _exit(0);
}

/* ---- the caller's side ---- */

static bool receive(int from, void *to, size_t n)
{
    char *p = to;
    while (n) {
        ssize_t got = read(from, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static void take(struct irplab *lab, struct irplab_result *r, uint32_t kind, char *bytes, uint32_t n)
{
    char **texts[] = { &r->json, &r->plain, &r->colored };
    switch (kind) {
    case SAID_1:
    case SAID_2:
    case SAID_3:
        if (lab->say)
            lab->say(lab->say_user, (int)(kind - SAID_1 + 1), bytes, n);
        break;
    case ERROR_TEXT:
        lab_fail(lab, "%s", bytes);
        break;
    case STATUS:
        if (n == sizeof(int32_t))
            memcpy(&r->status, bytes, n);
        break;
    case JSON:
    case TEXT_PLAIN:
    case TEXT_COLORED:
        free(*texts[kind - JSON]);
        *texts[kind - JSON] = bytes;
        return;
    }
    free(bytes);
}

static void listen(struct irplab *lab, struct irplab_result *r, int from)
{
    uint32_t head[2];
    while (receive(from, head, sizeof head) && head[1] <= LONGEST) {
        char *bytes = malloc((size_t)head[1] + 1);
        if (!bytes || !receive(from, bytes, head[1])) {
            free(bytes);
            return;
        }
        bytes[head[1]] = 0;
        take(lab, r, head[0], bytes, head[1]);
    }
}

static struct irplab_result *in_worker(struct irplab *lab, enum lab_what what, const char *file)
{
    int ends[2];
    struct irplab_result *r = calloc(1, sizeof *r);
    if (!r || pipe(ends) != 0) {
        lab_fail(lab, "cannot start: %s", strerror(errno));
        free(r);
        return NULL;
    }
    fflush(NULL);
    pid_t worker = fork();
    if (worker == 0) {
        close(ends[0]);
        channel = ends[1];
        work(lab, what, file);
    }
    close(ends[1]);
    if (worker < 0)
        lab_fail(lab, "cannot start: %s", strerror(errno));
    else
        listen(lab, r, ends[0]);
    close(ends[0]);
    int status = 0;
    while (worker > 0 && waitpid(worker, &status, 0) < 0 && errno == EINTR)
        ;
    r->document = r->json ? json_loads(r->json, 0, NULL) : NULL;
    if (!lab->failed && (!r->document || !r->plain || !r->colored)) {
        if (WIFSIGNALED(status))
            lab_fail(lab, "the run ended with signal %d, an internal error", WTERMSIG(status));
        else
            lab_fail(lab, "the run ended without a result (exit status %d), an internal error", WEXITSTATUS(status));
    }
    if (!lab->failed)
        return r;
    irplab_result_free(r);
    return NULL;
}

struct irplab_result *irplab_run(struct irplab *lab)
{
    return lab_prepare(lab) ? in_worker(lab, LAB_RUN, NULL) : NULL;
}

struct irplab_result *irplab_explore(struct irplab *lab)
{
    return lab_prepare(lab) ? in_worker(lab, LAB_EXPLORE, NULL) : NULL;
}

struct irplab_result *irplab_replay(struct irplab *lab, const char *file)
{
    lab->failed = false;
    return in_worker(lab, LAB_REPLAY, file);
}

bool irplab_report(struct irplab *lab, const char *replay_file, const char *html_file)
{
    int ends[2], status;
    bool differs;
    lab->failed = false;
    if (pipe(ends) != 0)
        return lab_fail(lab, "cannot start: %s", strerror(errno));
    fflush(NULL);
    pid_t worker = fork();
    if (worker == 0) {
        close(ends[0]);
        channel = ends[1];
        if (!lab_report(lab, replay_file, html_file, NULL, &differs))
            send_error(lab->error);
        _exit(0);
    }
    close(ends[1]);
    if (worker < 0) {
        lab_fail(lab, "cannot start: %s", strerror(errno));
    } else {
        struct irplab_result none = { 0 };
        listen(lab, &none, ends[0]);
        while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
            ;
        if (!lab->failed && status != 0)
            lab_fail(lab, "%s: no report was made, an internal error", replay_file);
    }
    close(ends[0]);
    return !lab->failed;
}

/* ---- results ---- */

void irplab_result_free(struct irplab_result *r)
{
    if (!r)
        return;
    json_decref(r->document);
    free(r->json);
    free(r->plain);
    free(r->colored);
    free(r);
}

int irplab_status(const struct irplab_result *r)
{
    return r->status;
}

const char *irplab_json(const struct irplab_result *r)
{
    return r->json;
}

void irplab_print(const struct irplab_result *r, FILE *to, bool color)
{
    fputs(color ? r->colored : r->plain, to);
}

uint64_t irplab_schedules(const struct irplab_result *r)
{
    return (uint64_t)json_integer_value(json_object_get(r->document, "schedules"));
}

bool irplab_complete(const struct irplab_result *r)
{
    return json_is_true(json_object_get(r->document, "complete"));
}

uint64_t irplab_run_hash(const struct irplab_result *r)
{
    const char *text = json_string_value(json_object_get(r->document, "run_hash"));
    return text ? strtoull(text, NULL, 16) : 0;
}

size_t irplab_failure_count(const struct irplab_result *r)
{
    return json_array_size(json_object_get(r->document, "failures"));
}

struct irplab_failure irplab_failure(const struct irplab_result *r, size_t i)
{
    const json_t *f = json_array_get(json_object_get(r->document, "failures"), i);
    return (struct irplab_failure) {
        .kind = json_string_value(json_object_get(f, "kind")),
        .code = (uint32_t)json_integer_value(json_object_get(f, "code")),
        .name = json_string_value(json_object_get(f, "name")),
        .message = json_string_value(json_object_get(f, "message")),
        .replay = json_string_value(json_object_get(f, "replay")),
    };
}
