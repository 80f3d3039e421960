/* KMDF in `irplab cc`: a driver one of whose sources includes wdf.h is linked with the framework's entry (sdk/rt/wdf_entry.c), which is
 * compiled for the same version of KMDF as the sources are. The framework itself says --kmdf none. */
#include "cli/cc_job.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FILES = 2000, LINE_LENGTH = 4096 };

/* Spelled as in `# include "x"` or <x>. Returns whether the line includes something. */
static bool included(const char *line, char out[PATH_MAX])
{
    line += strspn(line, " \t");
    if (*line++ != '#')
        return false;
    line += strspn(line, " \t");
    if (!cc_starts(line, "include"))
        return false;
    line += strlen("include");
    line += strspn(line, " \t");
    if (*line != '"' && *line != '<')
        return false;
    snprintf(out, PATH_MAX, "%.*s", (int)strcspn(line + 1, "\">\r\n"), line + 1);
    return true;
}

/* A file of the driver's own: beside its includer, or in a folder given with -I. */
static bool find_own(const struct cc_job *job, const char *includer, const char *name, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    const char *slash = strrchr(includer, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - includer) : 0, includer);
    if (cc_find_header(folder, name, out))
        return true;
    for (size_t i = 0; i < job->compiler.count; i++) {
        const char *word = job->compiler.at[i];
        if (cc_starts(word, "-I") && word[2] && cc_find_header(word + 2, name, out))
            return true;
    }
    return false;
}

static bool known(const struct cc_words *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++)
        if (!strcmp(files->at[i], path))
            return true;
    return false;
}

/* Whether a file includes the header itself; own files that it includes are added to the list. */
static bool scan(const struct cc_job *job, const char *path, const char *header, struct cc_words *files)
{
    char line[LINE_LENGTH], name[PATH_MAX], next[PATH_MAX], own[PATH_MAX];
    bool found = false;
    FILE *file = fopen(path, "r");
    snprintf(own, sizeof own, "%s", path); /* the list's words may move */
    while (file && !found && fgets(line, sizeof line, file)) {
        if (!included(line, name))
            continue;
        found = !strcasecmp(name, header);
        if (!found && files->count < MAX_FILES && find_own(job, own, name, next) && !known(files, next))
            cc_add(files, next);
    }
    if (file)
        fclose(file);
    return found;
}

static bool includes(const struct cc_job *job, const char *header)
{
    struct cc_words files = {0};
    bool found = false;
    for (size_t i = 0; i < job->sources.count; i++)
        cc_add(&files, job->sources.at[i]);
    for (size_t i = 0; i + 1 < job->compiler.count; i++)
        if (!strcmp(job->compiler.at[i], "-include"))
            cc_add(&files, job->compiler.at[i + 1]);
    for (size_t i = 0; i < files.count && !found; i++)
        found = scan(job, files.at[i], header, &files);
    cc_clear(&files);
    return found;
}

/* A driver that binds by itself, or is the library, needs no entry that does it. */
bool cc_is_kmdf_client(const struct cc_job *job)
{
    if (!includes(job, "wdf.h"))
        return false;
    for (size_t i = 0; i < job->sources.count; i++)
        if (cc_mentions(job->sources.at[i], "WdfVersionBind") || cc_mentions(job->sources.at[i], "WdfRegisterLibrary"))
            return false;
    return true;
}

int cc_take_kmdf(struct cc_job *job, const char *version)
{
    char *end = NULL;
    if (!strcmp(version, "none"))
        return job->no_kmdf = true, 0;
    long minor = cc_starts(version, "1.") ? strtol(version + 2, &end, 10) : 0;
    if (!end || *end || end == version + 2 || minor < 9 || minor > 33 || minor % 2 == 0)
        return cc_usage_error("--kmdf wants a version of KMDF, 1.9 to 1.33: '%s' is none", version);
    cc_add(&job->compiler, "-DKMDF_VERSION_MAJOR=1");
    cc_addf(&job->compiler, "-DKMDF_VERSION_MINOR=%ld", minor);
    return 0;
}
