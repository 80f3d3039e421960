/* The command line of `irplab cc`: what clang knows goes through, the rest is said here. Errors are one line each. */
#include "cli/cc_job.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cc_starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

static bool ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n > m && !strcasecmp(s + n - m, suffix);
}

bool cc_is_cpp(const char *path)
{
    return ends(path, ".cpp") || ends(path, ".cc") || ends(path, ".cxx");
}

int cc_usage_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("irplab cc: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return CC_EXIT_USAGE;
}

static enum cc_kind kind_of(const char *out)
{
    return ends(out, ".sys")   ? CC_DRIVER
           : ends(out, ".exe") ? CC_PROGRAM
           : ends(out, ".dll") ? CC_LIBRARY
                               : CC_NONE;
}

/* GNU spells --entry,X --entry=X -e,X and lld-link /entry:X; either silences the default. */
static void note_linker_word(struct cc_job *job, const char *word)
{
    job->has_entry |= cc_starts(word, "--entry") || !strcmp(word, "-e") || cc_starts(word, "/entry:");
    job->has_base |= cc_starts(word, "--image-base") || cc_starts(word, "/base:");
    job->has_subsystem |= cc_starts(word, "--subsystem") || cc_starts(word, "/subsystem:");
    cc_add(&job->linker, word);
}

static void split_linker_words(struct cc_job *job, const char *list)
{
    char *copy = cc_must(strdup(list)), *save = NULL;
    for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
        note_linker_word(job, w);
    free(copy);
}

static bool takes_next_word(const char *a)
{
    static const char *const options[] = {"-D", "-U", "-I", "-L", "-l", "-Xclang", "-mllvm", "-isystem", "-include", "-x", "-MF", "-MT", "-MQ"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(a, options[i]))
            return true;
    return false;
}

static bool is_passed_through(const char *a)
{
    static const char *const prefixes[] = {"-D", "-U", "-I", "-O", "-g", "-W", "-f", "-m", "-std=", "-pedantic"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (cc_starts(a, prefixes[i]))
            return true;
    static const char *const words[] = {"-w", "-s", "-static", "-shared", "-pthread", "-ansi", "-pipe", "-MD", "-MMD", "-MP"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(a, words[i]))
            return true;
    return false;
}

static bool take_switch(struct cc_job *job, const char *a)
{
    struct {
        const char *name;
        bool *value;
    } const switches[] = {{"--race", &job->race},
                          {"--address", &job->address},
                          {"--coverage", &job->coverage},
                          {"--msvc", &job->msvc},
                          {"-v", &job->verbose},
                          {"--verbose", &job->verbose}};
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (!strcmp(a, switches[i].name))
            return *switches[i].value = true;
    return false;
}

/* How a source was named must not show in the image: one below the current folder is named from there. */
static const char *from_here(const char *path)
{
    char cwd[PATH_MAX];
    size_t n;
    if (path[0] != '/' || !getcwd(cwd, sizeof cwd))
        return path;
    n = strlen(cwd);
    return !strncmp(path, cwd, n) && path[n] == '/' ? path + n + 1 : path;
}

static int take_file(struct cc_job *job, const char *a)
{
    if (access(a, R_OK))
        return cc_usage_error("cannot read '%s'", a);
    if (ends(a, ".c") || ends(a, ".cpp") || ends(a, ".cc") || ends(a, ".cxx") || ends(a, ".s"))
        cc_add(&job->sources, from_here(a));
    else if (ends(a, ".def"))
        cc_add(&job->defs, a);
    else if (ends(a, ".lib") || ends(a, ".a") || ends(a, ".o") || ends(a, ".obj") || ends(a, ".res"))
        cc_add(&job->libraries, a);
    else if (ends(a, ".rc"))
        cc_add(&job->resources, from_here(a));
    else if (ends(a, ".mof"))
        cc_add(&job->mofs, a);
    else if (ends(a, ".mc"))
        cc_add(&job->mcs, a);
    else
        return cc_usage_error("'%s' is neither a source (.c, .cpp, .S), a resource (.rc, .res), a .mof, a .mc, a .def nor a library (.lib, .a, .o)", a);
    return 0;
}

/* One option, with its argument when that is the next word; *i is left on the last word used. */
static int take_option(struct cc_job *job, int argc, char **argv, int *i)
{
    const char *a = argv[*i];
    if (take_switch(job, a))
        return 0;
    if (!strcmp(a, "--kmdf"))
        return ++*i < argc ? cc_take_kmdf(job, argv[*i]) : cc_usage_error("'--kmdf' needs an argument");
    if (cc_starts(a, "--kmdf="))
        return cc_take_kmdf(job, a + strlen("--kmdf="));
    if (!strcmp(a, "-o") || takes_next_word(a)) {
        if (++*i >= argc)
            return cc_usage_error("'%s' needs an argument", a);
        if (!strcmp(a, "-o"))
            job->out = argv[*i];
        else if (!strcmp(a, "-l") || !strcmp(a, "-L"))
            cc_addf(&job->libraries, "%s%s", a, argv[*i]);
        else if (a[2] == 0 && a[1] != 'x') /* -D, -U, -I: one word from here on */
            cc_addf(&job->compiler, "%s%s", a, argv[*i]);
        else {
            cc_add(&job->compiler, a);
            cc_add(&job->compiler, argv[*i]);
        }
        return 0;
    }
    if (cc_starts(a, "-Wl,"))
        split_linker_words(job, a + 4);
    else if (cc_starts(a, "-l") || cc_starts(a, "-L"))
        cc_add(&job->libraries, a);
    else if (is_passed_through(a)) {
        job->has_optimization |= cc_starts(a, "-O");
        cc_add(&job->compiler, a);
    } else
        return cc_usage_error("unknown option '%s'", a);
    return 0;
}

static int check_job(struct cc_job *job)
{
    if (!job->out)
        return cc_usage_error("no output: say -o OUT.sys, OUT.exe or OUT.dll");
    job->kind = kind_of(job->out);
    if (job->kind == CC_NONE)
        return cc_usage_error("cannot tell what '%s' is: its name must end in .sys, .exe or .dll", job->out);
    if (!job->sources.count)
        return cc_usage_error("no sources for '%s'", job->out);
    if (job->race && job->address)
        return cc_usage_error("--race and --address exclude each other");
    if (job->msvc && job->kind != CC_DRIVER)
        return cc_usage_error("--msvc builds drivers only: '%s' is none", job->out);
    job->kmdf = job->kind == CC_DRIVER && !job->no_kmdf && cc_is_kmdf_client(job);
    return 0;
}

int cc_parse(struct cc_job *job, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int status = argv[i][0] == '-' && argv[i][1] ? take_option(job, argc, argv, &i) : take_file(job, argv[i]);
        if (status)
            return status;
    }
    return check_job(job);
}
