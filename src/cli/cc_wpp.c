/* The .tmh header that Microsoft's trace preprocessor (WPP) would make for a source: here its trace functions do nothing, as on Windows while no
 * trace session is on; their arguments are not evaluated there either.
 *
 * DOC ("WPP Preprocessor"): the names of the functions stand in comments between "begin_wpp config" and "end_wpp", as "FUNC Name(…)" or
 * "FUNC Name{…}(…)", or in the build's own files: WppTraceFunction of a project, -func: of its WPP options or of a file named sources. They are
 * looked for in the source's own folder and in those that -I names. DoTraceMessage is always there, and TraceEvents and Hexdump, the names that
 * the WDK's samples use. */
#include "cli/cc_job.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has(const struct cc_words *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->at[i], name))
            return true;
    return false;
}

/* The name that a piece of text begins with. */
static void take_name(struct cc_words *names, const char *line)
{
    char name[128];
    size_t n = 0;
    line += strspn(line, " \t");
    while (n + 1 < sizeof name && (isalnum((unsigned char)line[n]) || line[n] == '_')) {
        name[n] = line[n];
        n++;
    }
    name[n] = 0;
    if (n && !has(names, name))
        cc_add(names, name);
}

/* "//   FUNC Name{LEVEL=…}(…)" */
static void take_line(struct cc_words *names, const char *line)
{
    line += strspn(line, " \t/*");
    if (!strncmp(line, "FUNC", 4) && isspace((unsigned char)line[4]))
        take_name(names, line + 4);
}

/* "<WppTraceFunction>Name(…);Other(…)</…", "-func:Name(…)" */
static void take_project_line(struct cc_words *names, const char *line)
{
    static const char element[] = "<WppTraceFunction>";
    const char *at = strstr(line, element);
    for (at = at ? at + strlen(element) : NULL; at && *at && *at != '<'; at += *at == ';') {
        take_name(names, at);
        at += strcspn(at, ";<");
    }
    for (at = line; (at = strstr(at, "func:")) != NULL; at += strlen("func:"))
        take_name(names, at + strlen("func:"));
}

static bool is_project(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot ? !strcasecmp(dot, ".vcxproj") : !strcasecmp(name, "sources");
}

static void scan_file(struct cc_words *names, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    bool inside = false, project = is_project(path);
    while (f && getline(&line, &room, f) >= 0) {
        if (project)
            take_project_line(names, line);
        if (strstr(line, "begin_wpp"))
            inside = true;
        if (inside)
            take_line(names, line);
        if (strstr(line, "end_wpp"))
            inside = false;
    }
    free(line);
    if (f)
        fclose(f);
}

static bool is_source(const char *name)
{
    static const char *const suffixes[] = {".h", ".hpp", ".hxx", ".c", ".cpp", ".cxx", ".ini", ".tpl"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
        if (!strcasecmp(dot, suffixes[i]))
            return true;
    return is_project(name);
}

static void scan_folder(struct cc_words *names, const char *folder)
{
    char path[PATH_MAX];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_source(e->d_name) && snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < (int)sizeof path)
            scan_file(names, path);
    if (d)
        closedir(d);
}

static void collect(struct cc_words *names, const struct cc_job *job, const char *includer)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(includer, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - includer) : 1, slash ? includer : ".");
    scan_folder(names, folder);
    for (size_t i = 0; i < job->compiler.count; i++) {
        const char *word = job->compiler.at[i];
        if (cc_starts(word, "-I"))
            scan_folder(names, word[2] || i + 1 == job->compiler.count ? word + 2 : job->compiler.at[i + 1]);
    }
    static const char *const usual[] = {"DoTraceMessage", "TraceEvents", "Hexdump"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!has(names, usual[i]))
            cc_add(names, usual[i]);
    qsort(names->at, names->count, sizeof *names->at, compare); /* the order of a folder's entries is nobody's */
}

bool cc_write_tmh(const struct cc_job *job, const char *includer, const char *path)
{
    static const char *const always[] = {"WPP_INIT_TRACING", "WPP_CLEANUP", "WPP_SYSTEMCONTROL", "WPP_SYSTEMCONTROL2", "WPP_TRACE_CONTROL"};
    static const char *const never[] = {"WPP_LEVEL_ENABLED", "WPP_FLAG_ENABLED", "WPP_FLAG_LEVEL_ENABLED", "WPP_LEVEL_FLAGS_ENABLED"};
    struct cc_words names = {0};
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    collect(&names, job, includer);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        fprintf(f, "#undef %s\n#define %s(...) ((void)0)\n", always[i], always[i]);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        fprintf(f, "#undef %s\n#define %s(...) 0\n", never[i], never[i]);
    for (size_t i = 0; i < names.count; i++)
        fprintf(f, "#undef %s\n#define %s(...) ((void)0)\n", names.at[i], names.at[i]);
    cc_clear(&names);
    return !fclose(f);
}
