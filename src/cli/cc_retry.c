/* What Microsoft's compiler takes and clang refuses, found by asking clang: a command is run with its messages held back;
 * if they tell of one of the causes below, that cause is removed and the command runs again. Only the last run's messages
 * are shown.
 *
 *   - a header spelled in another case (<Windows.h>, <NtStrSafe.h>), or with backslashes below such a folder: a forwarding
 *     header with the source's spelling is made in a temporary folder, which holds nothing else;
 *   - a .tmh header, which the trace preprocessor would make: cc_wpp.c makes one in that folder;
 *   - a header that wmimofck would make of a .mof file (NAMEMof.h of NAME.mof): cc_mof.c makes one there. The file is one of
 *     the command's, or lies in the source's folder, in one that -I names, or in one beside the source's;
 *   - a header that the message compiler would make of a message file (NAME.h of NAME.mc): cc_mc.c has it made;
 *   - a header that the message compiler would make of an instrumentation manifest: cc_manifest.c does;
 *   - `main` with other parameters or another result than C has them: it is an ordinary function then, and
 *     sdk/rt/program_main.c stands between it and the run-time's start-up code;
 *   - `wmain`: the start-up code that passes wide arguments is linked;
 *   - the rest of the dialect: `L#x`, a comma before no variable arguments, a goto past initialised variables of C++, … (mend_dialect);
 *   - C++ with destructors: clang 19 falls over them when asynchronous exceptions are on, so they are off there. */
#include "cli/cc_job.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_RUNS = 64 };

/* ---- running with messages held back ---- */

static char *read_all(FILE *file)
{
    size_t room = 4096, n = 0, got;
    char *text = cc_must(malloc(room));
    rewind(file);
    while ((got = fread(text + n, 1, room - n - 1, file)) > 0)
        if ((n += got) + 1 >= room)
            text = cc_must(realloc(text, room *= 2));
    text[n] = 0;
    return text;
}

static int run_captured(const struct cc_job *job, struct cc_words *command, char **messages)
{
    FILE *held = tmpfile();
    if (!held)
        return CC_EXIT_INTERNAL;
    int saved = dup(STDERR_FILENO);
    bool colour = isatty(saved);
    struct cc_words words = {0};
    cc_add_all(&words, command);
    if (colour)
        cc_add(&words, "-fdiagnostics-color");
    dup2(fileno(held), STDERR_FILENO);
    int status = cc_run(job, NULL, &words);
    dup2(saved, STDERR_FILENO);
    close(saved);
    cc_clear(&words);
    *messages = read_all(held);
    fclose(held);
    return status;
}

/* ---- headers in another case ---- */

/* The entry of `folder` that differs from `name` in case only; the first one in the order of its bytes, so that two such
 * entries give the same build everywhere. */
static bool find_entry(const char *folder, const char *name, char out[NAME_MAX + 1])
{
    DIR *d = opendir(*folder ? folder : ".");
    bool found = false;
    for (struct dirent *e; d && (e = readdir(d));)
        if (!strcasecmp(e->d_name, name) && (!found || strcmp(e->d_name, out) < 0)) {
            snprintf(out, NAME_MAX + 1, "%s", e->d_name);
            found = true;
        }
    if (d)
        closedir(d);
    return found;
}

bool cc_find_header(const char *folder, const char *spelled, char out[PATH_MAX])
{
    char part[NAME_MAX + 1], entry[NAME_MAX + 1];
    snprintf(out, PATH_MAX, "%s", *folder ? folder : ".");
    while (*spelled) {
        size_t n = strcspn(spelled, "/\\");
        if (n > NAME_MAX)
            return false;
        snprintf(part, sizeof part, "%.*s", (int)n, spelled);
        spelled += n + (spelled[n] != 0);
        if (!n || !strcmp(part, "."))
            continue;
        size_t at = strlen(out);
        bool up = !strcmp(part, "..");
        if (!up && !find_entry(out, part, entry))
            return false;
        if (at + 2 + strlen(up ? part : entry) > PATH_MAX)
            return false;
        out[at] = '/';
        strcpy(out + at + 1, up ? part : entry);
    }
    struct stat st;
    return !stat(out, &st) && S_ISREG(st.st_mode);
}

/* The folders of a command, in its order: what -I and -isystem name, then the toolchain's own. */
static bool find_in_folders(const struct cc_words *command, const char *includer, const char *spelled, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    const char *slash = strrchr(includer, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash ? slash - includer : 0), includer);
    if (cc_find_header(folder, spelled, out))
        return true;
    for (size_t i = 0; i < command->count; i++) {
        const char *word = command->at[i];
        const char *named = cc_starts(word, "-isystem") ? word + 8 : cc_starts(word, "-I") ? word + 2 : NULL;
        if (named && !*named && i + 1 < command->count)
            named = command->at[i + 1];
        if (named && cc_find_header(named, spelled, out))
            return true;
    }
    return cc_find_header(MINGW_INCLUDE, spelled, out);
}

static bool make_folders(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *p = copy + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(copy, 0700) && errno != EEXIST)
                return false;
            *p = '/';
        }
    return true;
}

static bool forward(const struct cc_job *job, const char *spelled, const char *target)
{
    char path[PATH_MAX], real[PATH_MAX];
    if (strstr(spelled, "..") || spelled[0] == '/' || !realpath(target, real))
        return false;
    if (snprintf(path, sizeof path, "%s/%s", job->forward, spelled) >= (int)sizeof path)
        return false;
    for (char *p = path; *p; p++)
        if (*p == '\\')
            *p = '/';
    if (!access(path, F_OK) || !make_folders(path))
        return false;
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fprintf(file, "#include \"%s\"\n", real);
    return !fclose(file);
}

static void add_forward_folder(const struct cc_job *job, struct cc_words *command)
{
    cc_addf(command, "-isystem%s", job->forward);
    cc_addf(command, "-ffile-prefix-map=%s=sdk/include", job->forward);
}

static bool make_forward_folder(struct cc_job *job, struct cc_words *command)
{
    if (job->forward[0])
        return true;
    strcpy(job->forward, "/tmp/irplab-cc-XXXXXX");
    if (!mkdtemp(job->forward))
        return job->forward[0] = 0, false;
    add_forward_folder(job, command);
    return true;
}

/* Where a header of that name is made anew; false if there is one already. */
static bool new_header(const struct cc_job *job, const char *spelled, char path[PATH_MAX])
{
    if (strstr(spelled, "..") || spelled[0] == '/')
        return false;
    if (snprintf(path, PATH_MAX, "%s/%s", job->forward, spelled) >= PATH_MAX)
        return false;
    for (char *p = path; *p; p++)
        if (*p == '\\')
            *p = '/';
    return access(path, F_OK) && make_folders(path);
}

static bool trace_header(const struct cc_job *job, const char *includer, const char *spelled)
{
    char path[PATH_MAX];
    return new_header(job, spelled, path) && cc_write_tmh(job, includer, path);
}

static bool message_header(struct cc_job *job, struct cc_words *command, const char *includer, const char *spelled)
{
    char path[PATH_MAX];
    return make_forward_folder(job, command) && new_header(job, spelled, path) && cc_write_mc_header(job, includer, spelled, path);
}

static bool manifest_header(struct cc_job *job, struct cc_words *command, const char *includer, const char *spelled)
{
    char path[PATH_MAX];
    return make_forward_folder(job, command) && new_header(job, spelled, path) && cc_write_manifest(job, includer, spelled, path);
}

/* ---- headers made of .mof files ---- */

/* NAMEMof.h, NAME.h or NAME.bmf, in any case, of NAME.mof. */
static bool is_of_mof(const char *spelled, const char *mof)
{
    const char *slash = strrchr(mof, '/'), *name = slash ? slash + 1 : mof, *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : 0;
    if (!dot || strcasecmp(dot, ".mof") || strncasecmp(spelled, name, n))
        return false;
    return !strcasecmp(spelled + n, ".h") || !strcasecmp(spelled + n, "Mof.h") || !strcasecmp(spelled + n, ".bmf");
}

static bool find_mof_in(const char *folder, const char *spelled, char out[PATH_MAX])
{
    DIR *d = opendir(folder);
    bool found = false;
    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = is_of_mof(spelled, e->d_name) && snprintf(out, PATH_MAX, "%s/%s", folder, e->d_name) < PATH_MAX;
    if (d)
        closedir(d);
    return found;
}

static bool find_mof_beside(const char *folder, const char *spelled, char out[PATH_MAX])
{
    char pattern[PATH_MAX];
    glob_t g;
    bool found = false;
    if (snprintf(pattern, sizeof pattern, "%s/../*/", folder) >= (int)sizeof pattern)
        return false;
    if (!glob(pattern, 0, NULL, &g))
        for (size_t i = 0; i < g.gl_pathc && !found; i++)
            found = find_mof_in(g.gl_pathv[i], spelled, out);
    globfree(&g);
    return found;
}

bool cc_find_mof(const struct cc_job *job, const char *includer, const char *spelled, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    const char *slash = strrchr(includer, '/');
    for (size_t i = 0; i < job->mofs.count; i++)
        if (is_of_mof(spelled, job->mofs.at[i]) || job->mofs.count == 1) /* the one given may make a header of any name */
            return snprintf(out, PATH_MAX, "%s", job->mofs.at[i]) < PATH_MAX;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - includer) : 1, slash ? includer : ".");
    if (find_mof_in(folder, spelled, out))
        return true;
    for (size_t i = 0; i < job->compiler.count; i++)
        if (cc_starts(job->compiler.at[i], "-I") && find_mof_in(job->compiler.at[i] + 2, spelled, out))
            return true;
    return find_mof_beside(folder, spelled, out);
}

static bool mof_header(struct cc_job *job, struct cc_words *command, const char *includer, const char *spelled)
{
    char mof[PATH_MAX], path[PATH_MAX];
    return cc_find_mof(job, includer, spelled, mof) && make_forward_folder(job, command) && new_header(job, spelled, path) &&
           cc_write_mof_header(mof, path);
}

/* "FILE:LINE:COLUMN: fatal error: 'NAME' file not found" */
static bool mend_header(struct cc_job *job, struct cc_words *command, const char *messages)
{
    bool mended = false;
    for (const char *at = messages; (at = strstr(at, "' file not found")); at++) {
        const char *line = at, *name = at;
        char includer[PATH_MAX], spelled[PATH_MAX], target[PATH_MAX];
        while (line > messages && line[-1] != '\n')
            line--;
        while (name > line && name[-1] != '\'')
            name--;
        snprintf(includer, sizeof includer, "%.*s", (int)strcspn(line, ":"), line);
        snprintf(spelled, sizeof spelled, "%.*s", (int)(at - name), name);
        const char *dot = strrchr(spelled, '.');
        if (dot && !strcasecmp(dot, ".tmh") && make_forward_folder(job, command))
            mended |= trace_header(job, includer, spelled);
        else if (*spelled && find_in_folders(command, includer, spelled, target) && make_forward_folder(job, command))
            mended |= forward(job, spelled, target);
        else if (*spelled)
            mended |= mof_header(job, command, includer, spelled) || message_header(job, command, includer, spelled) || manifest_header(job, command, includer, spelled);
    }
    return mended;
}

/* ---- main in another shape ---- */

bool cc_has_cpp(const struct cc_job *job)
{
    for (size_t i = 0; i < job->sources.count; i++)
        if (cc_is_cpp(job->sources.at[i]))
            return true;
    return false;
}

/* Something stands between the start-up code and the function of that name. */
static void wrap_main(const struct cc_job *job, struct cc_words *command, const char *name, bool is_void)
{
    cc_addf(command, "-Wl,--wrap=%s", name);
    cc_addf(command, "-DIRPLAB_MAIN=%s", name);
    if (is_void)
        cc_add(command, "-DIRPLAB_VOID_MAIN=1");
    cc_addf(command, "%s/program_main.c", job->runtime);
}

static bool mend_main(struct cc_job *job, struct cc_words *command, const char *messages)
{
    bool is_void = strstr(messages, "return type of 'main' is not 'int'") || strstr(messages, "'main' must return 'int'");
    bool is_wide = strstr(messages, "undefined symbol: WinMain") || strstr(messages, "undefined symbol: wmain");
    if (job->kind != CC_PROGRAM || job->free_main || job->msvc)
        return false;
    if (!is_void && !is_wide && !strstr(messages, "parameter of 'main' ("))
        return false;
    job->free_main = true;
    if (is_wide) {
        bool unicode = false;
        for (size_t i = 0; i < job->compiler.count; i++)
            unicode |= !strncmp(job->compiler.at[i], "-DUNICODE", strlen("-DUNICODE"));
        cc_add(command, "-municode");
        if (!unicode) /* wide arguments do not make CreateFile mean CreateFileW */
            cc_add(command, "-UUNICODE");
        for (size_t i = 0; i < job->sources.count; i++)
            is_void |= cc_gives_nothing(job->sources.at[i], "wmain") || cc_gives_nothing(job->sources.at[i], "_tmain");
        if (is_void)
            wrap_main(job, command, "wmain", true);
        return true;
    }
    cc_add(command, "-ffreestanding"); /* the one way to tell clang that main is any function */
    wrap_main(job, command, "main", is_void);
    return true;
}

/* ---- asynchronous exceptions in C++ ---- */

static bool mend_crash(struct cc_words *command, const char *messages)
{
    if (!strstr(messages, "frontend command failed due to signal"))
        return false;
    for (size_t i = 1; i < command->count; i++)
        if (!strcmp(command->at[i], "-fasync-exceptions") && !strcmp(command->at[i - 1], "-Xclang")) {
            free(command->at[i - 1]);
            free(command->at[i]);
            memmove(command->at + i - 1, command->at + i + 1, (command->count - i) * sizeof *command->at);
            command->count -= 2;
            return true;
        }
    return false;
}

/* ---- Microsoft's dialect ---- */

/* "FILE:LINE:COLUMN: error: …": the linker's have no numbers. */
static unsigned compile_errors(const char *messages)
{
    unsigned n = 0;
    for (const char *at = messages; (at = strstr(at, ": error: ")); at++)
        n += at > messages && isdigit((unsigned char)at[-1]);
    return n;
}

/* Clang's imitation of Microsoft's compiler as a whole. Not from the start: it changes more than these sources need. The toolchain's
 * headers want to see a GNU compiler all the same. Keeps the messages, in case that does not help. */
static bool mend_dialect(struct cc_job *job, struct cc_words *command, char **messages)
{
    if (job->own_messages || job->msvc || !compile_errors(*messages))
        return false;
    job->own_messages = *messages;
    *messages = NULL;
    cc_add(command, "-fms-compatibility");
    cc_add(command, "-fgnuc-version=4.2.1");
    return true;
}

/* ---- entry ---- */

int cc_run_compiler(struct cc_job *job, struct cc_words *command)
{
    int status = CC_EXIT_INTERNAL;
    char *messages = NULL;
    cc_add(command, "-fno-crash-diagnostics");
    if (job->forward[0]) /* headers made for a source before this one */
        add_forward_folder(job, command);
    for (int run = 0; run < MAX_RUNS; run++) {
        free(messages);
        messages = NULL;
        status = run_captured(job, command, &messages);
        if (status == CC_EXIT_INTERNAL || !messages)
            break;
        bool again = status && (mend_header(job, command, messages) || mend_crash(command, messages));
        if (!again && !mend_main(job, command, messages) && !(status && mend_dialect(job, command, &messages)))
            break;
    }
    if (messages) {
        char *shown = job->own_messages && compile_errors(messages) >= compile_errors(job->own_messages) ? job->own_messages : messages;
        cc_drop_format_noise(shown);
        fputs(shown, stderr);
    }
    free(messages);
    free(job->own_messages);
    job->own_messages = NULL;
    return status;
}

void cc_remove_folder(const struct cc_job *job, const char *folder)
{
    struct cc_words command = {0};
    if (access(folder, F_OK))
        return;
    cc_add(&command, "rm");
    cc_add(&command, "-rf");
    cc_add(&command, folder);
    cc_run(job, NULL, &command);
    cc_clear(&command);
}

void cc_remove_forward(struct cc_job *job)
{
    if (job->forward[0])
        cc_remove_folder(job, job->forward);
    job->forward[0] = 0;
}
