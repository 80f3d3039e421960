/* What the parts of `irplab cc` share: lists of words, running commands, and where the SDK lies. */
#include "cli/cc_job.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARENTS_TO_SEARCH = 5 };

/* ---- words ---- */

void *cc_must(void *p)
{
    if (!p) {
        fputs("irplab cc: out of memory\n", stderr);
        exit(CC_EXIT_INTERNAL);
    }
    return p;
}

void cc_add(struct cc_words *w, const char *word)
{
    if (w->count + 2 > w->room) {
        w->room = w->room ? 2 * w->room : 32;
        w->at = cc_must(realloc(w->at, w->room * sizeof *w->at));
    }
    w->at[w->count++] = cc_must(strdup(word));
    w->at[w->count] = NULL;
}

void cc_addf(struct cc_words *w, const char *format, ...)
{
    va_list ap;
    char *word;
    va_start(ap, format);
    int n = vasprintf(&word, format, ap);
    va_end(ap);
    if (n < 0)
        cc_must(NULL);
    cc_add(w, word);
    free(word);
}

void cc_add_all(struct cc_words *w, const struct cc_words *more)
{
    for (size_t i = 0; i < more->count; i++)
        cc_add(w, more->at[i]);
}

void cc_clear(struct cc_words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->at[i]);
    free(w->at);
    *w = (struct cc_words){0};
}

/* ---- running ---- */

static void print_command(const struct cc_words *command)
{
    for (size_t i = 0; i < command->count; i++)
        fprintf(stderr, "%s%s", i ? " " : "", command->at[i]);
    fputc('\n', stderr);
}

int cc_run(const struct cc_job *job, const char *folder, struct cc_words *command)
{
    if (job->verbose)
        print_command(command);
    pid_t pid = fork();
    if (!pid) {
        if (!folder || !chdir(folder))
            execvp(command->at[0], command->at);
        fprintf(stderr, "irplab cc: cannot run %s: 'make deps' installs it\n", command->at[0]);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return CC_EXIT_INTERNAL;
    return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : CC_EXIT_REFUSED;
}

/* ---- where the SDK is ---- */

static bool is_sdk(char *root, const char *part, const char *witness)
{
    char probe[PATH_MAX + 64];
    snprintf(probe, sizeof probe, "%s/%s/%s", root, part, witness);
    return !access(probe, R_OK);
}

/* The folder sdk (or share/irplab/sdk) next to the executable or beside one of its parents: in a checkout the
 * executable is below build, which has both the generated libraries and a link to the headers. */
static bool find_beside(const char *part, const char *witness, char out[PATH_MAX])
{
    static const char *const places[] = {"sdk", "share/irplab/sdk"};
    char dir[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    if (n <= 0)
        return false;
    dir[n] = 0;
    for (int up = 0; up < PARENTS_TO_SEARCH; up++) {
        char *slash = strrchr(dir, '/');
        if (!slash)
            return false;
        *slash = 0;
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            char root[PATH_MAX + 32];
            snprintf(root, sizeof root, "%s/%s", dir, places[i]);
            if (is_sdk(root, part, witness) && snprintf(out, PATH_MAX, "%s/%s", root, part) < PATH_MAX)
                return true;
        }
    }
    return false;
}

static bool find_part(const char *part, const char *witness, char out[PATH_MAX])
{
    char *env = getenv("IRPLAB_SDK");
    if (env && is_sdk(env, part, witness) && snprintf(out, PATH_MAX, "%s/%s", env, part) < PATH_MAX)
        return true;
    return find_beside(part, witness, out);
}

/* Import libraries may be missing while the build makes them; the linker then says which one it wants. */
bool cc_find_sdk(struct cc_job *job)
{
    if (!find_part("include", "km/wdm.h", job->include) || !find_part("rt", "gs_cookie.c", job->runtime))
        return false;
    if (!find_part("lib", "libntoskrnl-extra.a", job->lib))
        job->lib[0] = 0;
    return true;
}
