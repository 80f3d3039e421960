/* Message files (.mc): the toolchain's message compiler makes of one the header that sources include (NAME.h of NAME.mc) and the resource
 * script that a project's own includes (NAME.rc). The file is one of the command's, or lies in the folder of the file that
 * includes, or in one that -I names. */
#include "cli/cc_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* NAME of NAME.h, NAME.rc or NAME.mc in some folder. */
static size_t stem_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static bool find_mc(const struct cc_job *job, const char *includer, const char *spelled, char out[PATH_MAX])
{
    char wanted[NAME_MAX + 1], folder[PATH_MAX];
    const char *name = last_part(spelled), *slash = strrchr(includer, '/');
    size_t stem = stem_of(name);
    if (snprintf(wanted, sizeof wanted, "%.*s.mc", (int)stem, name) >= (int)sizeof wanted)
        return false;
    for (size_t i = 0; i < job->mcs.count; i++)
        if (!strcasecmp(last_part(job->mcs.at[i]), wanted))
            return snprintf(out, PATH_MAX, "%s", job->mcs.at[i]) < PATH_MAX;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - includer) : 0, includer);
    if (cc_find_header(folder, wanted, out))
        return true;
    for (size_t i = 0; i < job->compiler.count; i++)
        if (cc_starts(job->compiler.at[i], "-I") && cc_find_header(job->compiler.at[i] + 2, wanted, out))
            return true;
    return false;
}

static bool compile(const struct cc_job *job, const char *mc, const char *folder)
{
    struct cc_words command = {0};
    if (mkdir(folder, 0700) && access(folder, W_OK))
        return false;
    cc_add(&command, "x86_64-w64-mingw32-windmc");
    cc_add(&command, "-h");
    cc_add(&command, folder);
    cc_add(&command, "-r");
    cc_add(&command, folder);
    cc_add(&command, mc);
    int status = cc_run(job, NULL, &command);
    cc_clear(&command);
    return !status;
}

bool cc_write_mc_header(const struct cc_job *job, const char *includer, const char *spelled, const char *path)
{
    char mc[PATH_MAX], folder[PATH_MAX];
    const char *end = last_part(spelled) + stem_of(last_part(spelled));
    if (strcasecmp(end, ".h") || !find_mc(job, includer, spelled, mc))
        return false;
    snprintf(folder, sizeof folder, "%s/mc", job->forward);
    if (!compile(job, mc, folder))
        return false;
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    fprintf(f, "#include \"%s/%.*s.h\"\n", folder, (int)stem_of(last_part(mc)), last_part(mc));
    return !fclose(f);
}

void cc_write_mc_resources(const struct cc_job *job, const char *script, const char *folder)
{
    char line[1024], name[NAME_MAX + 1], mc[PATH_MAX];
    FILE *f = fopen(script, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, " #include \"%255[^\"]\"", name) == 1 && find_mc(job, script, name, mc))
            compile(job, mc, folder);
    if (f)
        fclose(f);
}
