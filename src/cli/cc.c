/* irplab cc: turns C sources written for the WDK or for Win32 into PE images with clang and lld.
 *
 * It owns the flags, and nothing else: what they are and why is spread over the functions below, one concern each.
 * The rules:
 *   - the suffix of -o says what is built: .sys is a driver, .exe and .dll belong to user mode;
 *   - two builds give the same bytes, wherever the tree lies: no time stamps, no absolute paths, no temporary names;
 *   - the overlay of the SDK comes before the toolchain's own headers, and its import libraries after them. */
#include "cli/cc.h"
#include "cli/cc_job.h"

#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARENTS_TO_SEARCH = 5 };

static const char usage_text[] =
    "usage: irplab cc [options] -o OUT.sys|OUT.exe|OUT.dll FILES\n"
    "Compiles C sources into a Windows x64 driver (.sys) or program (.exe, .dll).\n"
    "\n"
    "  FILES              .c and .cpp sources, .def exports, .lib, .a and .o inputs\n"
    "  -o OUT             what to write; its suffix says what it is\n"
    "  --race             instrument memory accesses for data-race detection\n"
    "  --address          instrument memory accesses for bounds checks\n"
    "  --coverage         instrument edges for coverage\n"
    "  --msvc             the Microsoft ABI as its own tools make it: PDB, cookies, control flow guard\n"
    "  --sdk              print the folders of headers and import libraries, and stop\n"
    "  -v                 print the commands\n"
    "  -D -U -I -O -g -W -f -m -std= -include -isystem -l -L -Wl, -Xclang -mllvm\n"
    "                     as for clang\n"
    "\n"
    "Example: irplab cc -O2 -g -o toaster.sys toaster.c\n";

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

static bool starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

static bool ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n > m && !strcasecmp(s + n - m, suffix);
}

__attribute__((format(printf, 1, 2))) static int usage_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("irplab cc: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return CC_EXIT_USAGE;
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
static bool find_sdk(struct cc_job *job)
{
    if (!find_part("include", "km/wdm.h", job->include) || !find_part("rt", "gs_cookie.c", job->runtime))
        return false;
    if (!find_part("lib", "libntoskrnl-extra.a", job->lib))
        job->lib[0] = 0;
    return true;
}

/* Debian keeps one libgcc a thread model; both hold the same helpers, but clang looks for neither. */
static void add_libgcc(struct cc_words *command)
{
    glob_t g;
    if (!glob("/usr/lib/gcc/x86_64-w64-mingw32/*-win32", 0, NULL, &g) && g.gl_pathc)
        cc_addf(command, "-L%s", g.gl_pathv[g.gl_pathc - 1]);
    globfree(&g);
}

/* ---- the command line ---- */

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
    job->has_entry |= starts(word, "--entry") || !strcmp(word, "-e") || starts(word, "/entry:");
    job->has_base |= starts(word, "--image-base") || starts(word, "/base:");
    job->has_subsystem |= starts(word, "--subsystem") || starts(word, "/subsystem:");
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
    static const char *const options[] = {"-D", "-U", "-I", "-L", "-l", "-Xclang", "-mllvm", "-isystem", "-include"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(a, options[i]))
            return true;
    return false;
}

static bool is_passed_through(const char *a)
{
    static const char *const prefixes[] = {"-D", "-U", "-I", "-O", "-g", "-W", "-f", "-m", "-std=", "-pedantic"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (starts(a, prefixes[i]))
            return true;
    return !strcmp(a, "-w");
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
        return usage_error("cannot read '%s'", a);
    if (ends(a, ".c") || ends(a, ".cpp") || ends(a, ".cc") || ends(a, ".S"))
        cc_add(&job->sources, from_here(a));
    else if (ends(a, ".def"))
        cc_add(&job->defs, a);
    else if (ends(a, ".lib") || ends(a, ".a") || ends(a, ".o") || ends(a, ".obj"))
        cc_add(&job->libraries, a);
    else
        return usage_error("'%s' is neither a source (.c, .cpp), a .def nor a library (.lib, .a, .o)", a);
    return 0;
}

/* One option, with its argument when that is the next word; *i is left on the last word used. */
static int take_option(struct cc_job *job, int argc, char **argv, int *i)
{
    const char *a = argv[*i];
    if (take_switch(job, a))
        return 0;
    if (!strcmp(a, "-o") || takes_next_word(a)) {
        if (++*i >= argc)
            return usage_error("'%s' needs an argument", a);
        if (!strcmp(a, "-o"))
            job->out = argv[*i];
        else if (!strcmp(a, "-l") || !strcmp(a, "-L"))
            cc_addf(&job->libraries, "%s%s", a, argv[*i]);
        else {
            cc_add(&job->compiler, a);
            cc_add(&job->compiler, argv[*i]);
        }
        return 0;
    }
    if (starts(a, "-Wl,"))
        split_linker_words(job, a + 4);
    else if (starts(a, "-l") || starts(a, "-L"))
        cc_add(&job->libraries, a);
    else if (is_passed_through(a)) {
        job->has_optimization |= starts(a, "-O");
        cc_add(&job->compiler, a);
    } else
        return usage_error("unknown option '%s'", a);
    return 0;
}

static int check_job(struct cc_job *job)
{
    if (!job->out)
        return usage_error("no output: say -o OUT.sys, OUT.exe or OUT.dll");
    job->kind = kind_of(job->out);
    if (job->kind == CC_NONE)
        return usage_error("cannot tell what '%s' is: its name must end in .sys, .exe or .dll", job->out);
    if (!job->sources.count)
        return usage_error("no sources for '%s'", job->out);
    if (job->race && job->address)
        return usage_error("--race and --address exclude each other");
    if (job->msvc && job->kind != CC_DRIVER)
        return usage_error("--msvc builds drivers only: '%s' is none", job->out);
    return 0;
}

static int parse(struct cc_job *job, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int status = argv[i][0] == '-' && argv[i][1] ? take_option(job, argc, argv, &i) : take_file(job, argv[i]);
        if (status)
            return status;
    }
    return check_job(job);
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

/* ---- compiling: what both ABIs share ---- */

/* Of maps that match, the last one given wins: the folder alone stands in debug information's list of folders. */
static void map_folder(struct cc_words *command, const char *folder, size_t length)
{
    cc_addf(command, "-ffile-prefix-map=%.*s=.", (int)length, folder);
    cc_addf(command, "-ffile-prefix-map=%.*s/=", (int)length, folder);
}

/* Debug information and __FILE__ name a source by its last part: never by where the tree happens to lie. */
static void map_paths(struct cc_words *command, const struct cc_job *job)
{
    char cwd[PATH_MAX], real[PATH_MAX];
    cc_add(command, "-fdebug-compilation-dir=.");
    if (getcwd(cwd, sizeof cwd))
        map_folder(command, cwd, strlen(cwd));
    for (size_t i = 0; i < job->sources.count; i++) {
        const char *source = job->sources.at[i], *slash = strrchr(source, '/');
        if (slash && slash > source)
            map_folder(command, source, slash - source);
    }
    for (size_t i = 0; i < job->compiler.count; i++)
        if (starts(job->compiler.at[i], "-I") && job->compiler.at[i][2])
            map_folder(command, job->compiler.at[i] + 2, strlen(job->compiler.at[i] + 2));
    cc_addf(command, "-ffile-prefix-map=%s=sdk/include", job->include);
    if (realpath(job->include, real))
        cc_addf(command, "-ffile-prefix-map=%s=sdk/include", real);
    cc_addf(command, "-ffile-prefix-map=%s=sdk/rt", job->runtime);
    cc_add(command, "-ffile-prefix-map=" MINGW_INCLUDE "=mingw");
    cc_add(command, "-ffile-prefix-map=/usr/x86_64-w64-mingw32/include=mingw");
    cc_add(command, "-ffile-prefix-map=/usr/lib/llvm-19/lib/clang/19=clang");
}

static void add_instrumentation(struct cc_words *command, const struct cc_job *job)
{
    static const char *const race[] = {"-Xclang", "-fsanitize=thread"};
    /* Calls, not inlined checks: the runtime keeps its own shadow. Stack and globals are not laid out anew, so that
     * frames stay NT-sized. */
    static const char *const address[] = {"-Xclang",
                                          "-fsanitize=address",
                                          "-mllvm",
                                          "-asan-instrumentation-with-call-threshold=0",
                                          "-mllvm",
                                          "-asan-stack=0",
                                          "-mllvm",
                                          "-asan-globals=0"};
    /* The front end's words: the driver's own option would link a runtime that drivers cannot have. Type 3: edges. */
    static const char *const coverage[] = {"-Xclang", "-fsanitize-coverage-type=3", "-Xclang",
                                           "-fsanitize-coverage-trace-pc-guard"};
    for (size_t i = 0; job->race && i < sizeof race / sizeof *race; i++)
        cc_add(command, race[i]);
    for (size_t i = 0; job->address && i < sizeof address / sizeof *address; i++)
        cc_add(command, address[i]);
    for (size_t i = 0; job->coverage && i < sizeof coverage / sizeof *coverage; i++)
        cc_add(command, coverage[i]);
}

static void add_language(struct cc_words *command, const struct cc_job *job)
{
    static const char *const common[] = {
        "-fms-extensions",
        "-Xclang", "-fasync-exceptions", /* without it the handler around a faulting load is dropped */
        /* A handler that begins right behind a call which never returns would lie in the range that it guards (ranges end
         * one byte behind the call): its __finally would not run. Microsoft's compiler puts a trap there as well. */
        "-mllvm", "-trap-unreachable",
        "-fno-strict-aliasing", /* as Microsoft's compiler: WDK sources rely on it */
        "-fwrapv",
    };
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        cc_add(command, common[i]);
    if (!job->has_optimization)
        cc_add(command, job->kind == CC_DRIVER ? "-O2" : "-O1");
    if (job->kind == CC_DRIVER) {
        /* A driver has no C run-time start: no constructors, and memcpy is what nt exports. */
        cc_add(command, "-fno-builtin-printf");
        cc_add(command, "-fno-exceptions");
        cc_add(command, "-D_AMD64_=1");
        cc_add(command, "-D_WIN64=1");
        cc_add(command, "-DKERNEL_MODE_DRIVER=1");
        cc_add(command, "-DIRPLAB_SDK=1");
    }
}

/* Behind the caller's own, since -Wall would bring them back: what clang says of WDK sources and headers, and Microsoft's
 * compiler does not. The last two are errors by default here, and warnings there. */
static void add_warnings(struct cc_words *command)
{
    static const char *const words[] = {"-Wno-ignored-attributes", "-Wno-pragma-pack", "-Wno-unknown-pragmas",
                                        "-Wno-ignored-pragma-intrinsic", "-Wno-microsoft", "-Wno-multichar",
                                        "-Wno-missing-braces", "-Wno-error=int-conversion",
                                        "-Wno-error=incompatible-function-pointer-types"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cc_add(command, words[i]);
}

static void add_headers(struct cc_words *command, const struct cc_job *job)
{
    if (job->kind == CC_DRIVER) {
        cc_addf(command, "-isystem%s/km", job->include);
        cc_addf(command, "-isystem%s/shared", job->include);
        cc_add(command, "-isystem" MINGW_INCLUDE "/ddk");
    } else
        cc_addf(command, "-isystem%s/shared", job->include);
}

void cc_add_compile_flags(struct cc_words *command, const struct cc_job *job)
{
    add_language(command, job);
    add_instrumentation(command, job);
    map_paths(command, job);
    cc_add_all(command, &job->compiler);
    add_warnings(command);
    add_headers(command, job);
}

/* ---- the mingw ABI: one command compiles and links ---- */

static void add_gnu_driver_link(struct cc_words *command, const struct cc_job *job)
{
    cc_add(command, "-nostdlib");
    if (!job->has_subsystem)
        cc_add(command, "-Wl,--subsystem,native");
    if (!job->has_entry)
        cc_add(command, "-Wl,--entry,DriverEntry");
    if (!job->has_base)
        cc_add(command, "-Wl,--image-base,0x140000000");
    /* A pseudo relocation would need a start-up routine that no driver has: refuse instead. */
    cc_add(command, "-Wl,--disable-runtime-pseudo-reloc");
    cc_add_all(command, &job->libraries);
    cc_addf(command, "-L%s", job->lib);
    if (job->race || job->address || job->coverage)
        cc_add(command, "-lirplab-instrument");
    static const char *const libraries[] = {"-lwdmsec", "-lntoskrnl", "-lhal", "-lntoskrnl-extra", "-lgcc"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        cc_add(command, libraries[i]);
}

static void add_gnu_program_link(struct cc_words *command, const struct cc_job *job)
{
    if (job->kind == CC_LIBRARY)
        cc_add(command, "-shared");
    cc_add_all(command, &job->libraries);
    cc_addf(command, "-L%s", job->lib);
    if (job->race || job->address || job->coverage)
        cc_add(command, "-lirplab-instrument-user");
    cc_add(command, "-lntdll");
}

static int build_gnu(struct cc_job *job)
{
    struct cc_words command = {0};
    cc_add(&command, "clang-19");
    cc_add(&command, "--target=x86_64-w64-mingw32");
    cc_add_compile_flags(&command, job);
    cc_add_all(&command, &job->sources);
    cc_add_all(&command, &job->defs);
    cc_add(&command, "-fuse-ld=lld-19");
    cc_add(&command, "-Wl,--no-insert-timestamp");
    add_libgcc(&command);
    if (job->kind == CC_DRIVER)
        add_gnu_driver_link(&command, job);
    else
        add_gnu_program_link(&command, job);
    for (size_t i = 0; i < job->linker.count; i++)
        cc_addf(&command, "-Wl,%s", job->linker.at[i]);
    cc_add(&command, "-o");
    cc_add(&command, job->out);
    int status = cc_run(job, NULL, &command);
    cc_clear(&command);
    return status;
}

/* ---- entry ---- */

static int print_sdk(struct cc_job *job)
{
    if (!find_sdk(job))
        return usage_error("the SDK was not found: set IRPLAB_SDK to its folder");
    printf("%s\n%s\n", job->include, job->lib);
    return 0;
}

int cli_cc(int argc, char **argv)
{
    struct cc_job job = {0};
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
        return fputs(usage_text, stdout), 0;
    if (argc == 2 && !strcmp(argv[1], "--sdk"))
        return print_sdk(&job);
    int status = parse(&job, argc, argv);
    if (!status && !find_sdk(&job))
        status = usage_error("the SDK was not found: set IRPLAB_SDK to its folder");
    if (!status && job.coverage)
        cc_addf(&job.sources, "%s/coverage_sections.c", job.runtime);
    if (!status)
        status = job.msvc ? cc_build_msvc(&job) : build_gnu(&job);
    cc_clear(&job.compiler);
    cc_clear(&job.linker);
    cc_clear(&job.sources);
    cc_clear(&job.libraries);
    cc_clear(&job.defs);
    return status;
}
