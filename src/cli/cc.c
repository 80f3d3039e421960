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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage_text[] =
    "usage: irplab cc [options] -o OUT.sys|OUT.exe|OUT.dll FILES\n"
    "Compiles C sources into a Windows x64 driver (.sys) or program (.exe, .dll).\n"
    "\n"
    "  FILES              .c, .cpp and .S sources, .rc resources, .mof classes, .mc messages, .def exports,\n"
    "                     .lib, .a, .o and .res inputs\n"
    "  -o OUT             what to write; its suffix says what it is\n"
    "  --race             the image tells of its memory accesses: runs find data races\n"
    "  --address          the same for use after free and out of bounds; not with --race\n"
    "  --coverage         the image tells which edges it takes: --json counts them\n"
    "  --msvc             the Microsoft ABI as its own tools make it: PDB, cookies, control flow guard\n"
    "  --kmdf 1.N         for which version of the framework sources that include wdf.h are built, 1.9 to 1.33\n"
    "                     (default: 1.33, or what -DKMDF_VERSION_MINOR says); none: do not link its entry\n"
    "  --sdk              print the folders of headers and import libraries, and stop\n"
    "  -v                 print the commands\n"
    "  -D -U -I -O -g -W -f -m -std= -include -isystem -l -L -Wl, -Xclang -mllvm\n"
    "                     as for clang\n"
    "\n"
    "Example: irplab cc -O2 -g -o toaster.sys toaster.c\n";

/* Debian keeps one libgcc a thread model; both hold the same helpers, but clang looks for neither. */
static void add_libgcc(struct cc_words *command)
{
    glob_t g;
    if (!glob("/usr/lib/gcc/x86_64-w64-mingw32/*-win32", 0, NULL, &g) && g.gl_pathc)
        cc_addf(command, "-L%s", g.gl_pathv[g.gl_pathc - 1]);
    globfree(&g);
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
        if (cc_starts(job->compiler.at[i], "-I") && job->compiler.at[i][2])
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
    static const char *const race[] = {"-Xclang", "-fsanitize=thread",
                                       "-mllvm", "-tsan-distinguish-volatile=1",
                                       "-mllvm", "-tsan-instrument-read-before-write=1",
                                       "-mllvm", "-tsan-handle-cxx-exceptions=0"}; /* frames left without a word are found by the stack pointer */
    /* Calls, not inlined checks: the runtime keeps its own shadow, and 0x300000000000 is only the place that its addresses are
     * computed from (src/race/asan.c). No fake stacks, so that frames lie where NT has them; globals are found by their section, since
     * a driver has no constructors. */
    static const char *const address[] = {"-Xclang", "-fsanitize=address",
                                          "-Xclang", "-fsanitize-address-use-after-scope",
                                          "-Xclang", "-fsanitize-address-globals-dead-stripping",
                                          "-mllvm", "-asan-instrumentation-with-call-threshold=0",
                                          "-mllvm", "-asan-max-inline-poisoning-size=0",
                                          "-mllvm", "-asan-mapping-offset=0x300000000000",
                                          "-mllvm", "-asan-use-after-return=never",
                                          "-mllvm", "-asan-stack-dynamic-alloca=0",
                                          "-mllvm", "-asan-constructor-kind=none"};
    /* The front end's words: the driver's own option would link a runtime that drivers cannot have. Type 3: edges. */
    static const char *const coverage[] = {"-Xclang", "-fsanitize-coverage-type=3", "-Xclang",
                                           "-fsanitize-coverage-trace-pc-guard"};
    for (size_t i = 0; job->race && i < sizeof race / sizeof *race; i++)
        cc_add(command, race[i]);
    for (size_t i = 0; job->address && i < sizeof address / sizeof *address; i++)
        cc_add(command, address[i]);
    if (job->address && job->kind != CC_DRIVER && cc_has_cpp(job)) { /* zones behind type information would make it other than libstdc++'s */
        cc_add(command, "-mllvm");
        cc_add(command, "-asan-globals=0");
    }
    for (size_t i = 0; job->coverage && i < sizeof coverage / sizeof *coverage; i++)
        cc_add(command, coverage[i]);
}

/* Clang does not survive its own exceptions and these in one function: C++ programs have the latter only when they use them. */
static bool mentions_try(const struct cc_job *job)
{
    for (size_t i = 0; i < job->sources.count; i++)
        if (cc_mentions(job->sources.at[i], "__try"))
            return true;
    return false;
}

static void add_language(struct cc_words *command, const struct cc_job *job)
{
    static const char *const common[] = {
        "-fms-extensions",
        /* A handler that begins right behind a call which never returns would lie in the range that it guards (ranges end
         * one byte behind the call): its __finally would not run. Microsoft's compiler puts a trap there as well. */
        "-mllvm", "-trap-unreachable",
        "-fno-strict-aliasing", /* as Microsoft's compiler: WDK sources rely on it */
        "-fwrapv",
        "-mcx16", /* every x64 processor that Windows runs on */
    };
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        cc_add(command, common[i]);
    if (job->kind == CC_DRIVER || !cc_has_cpp(job) || mentions_try(job)) {
        cc_add(command, "-Xclang");
        cc_add(command, "-fasync-exceptions"); /* without it the handler around a faulting load is dropped */
    }
    if (!job->has_optimization)
        cc_add(command, job->kind == CC_DRIVER ? "-O2" : "-O1");
    if (job->kind == CC_DRIVER) {
        /* A driver has no C run-time start: no constructors, and memcpy is what nt exports. */
        cc_add(command, "-fno-builtin-printf");
        cc_add(command, "-fno-exceptions");
        if (cc_has_cpp(job)) {
            cc_add(command, "-fno-rtti");
            cc_add(command, "-fno-threadsafe-statics");
        }
        cc_add(command, "-D_AMD64_=1");
        cc_add(command, "-D_WIN64=1");
        cc_add(command, "-D_KERNEL_MODE=1"); /* what /kernel defines */
        cc_add(command, "-DKERNEL_MODE_DRIVER=1");
        cc_add(command, "-DIRPLAB_SDK=1");
    }
}

/* A program's printf is the C run-time's, as on Windows: mingw's own knows neither %ws nor %I64d. */
static void add_program_language(struct cc_words *command, const struct cc_job *job)
{
    if (job->kind != CC_DRIVER)
        cc_add(command, "-D__USE_MINGW_ANSI_STDIO=0");
}

/* Behind the caller's own, since -Wall would bring them back: what clang says of WDK sources and headers, and Microsoft's
 * compiler does not. The last three are errors by default here, and warnings there. */
static void add_warnings(struct cc_words *command, const struct cc_job *job)
{
    static const char *const words[] = {"-Wno-ignored-attributes", "-Wno-pragma-pack", "-Wno-unknown-pragmas",
                                        "-Wno-ignored-pragma-intrinsic", "-Wno-microsoft", "-Wno-multichar",
                                        "-Wno-missing-braces", "-Wno-invalid-token-paste", "-Wno-duplicate-decl-specifier",
                                        "-Wno-error=int-conversion",
                                        "-Wno-error=incompatible-function-pointer-types",
                                        "-Wno-error=implicit-function-declaration"};
    static const char *const cplusplus[] = {"-Wno-c++11-narrowing", "-Wno-writable-strings"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cc_add(command, words[i]);
    for (size_t i = 0; cc_has_cpp(job) && i < sizeof cplusplus / sizeof *cplusplus; i++)
        cc_add(command, cplusplus[i]);
}

static void add_headers(struct cc_words *command, const struct cc_job *job)
{
    if (job->kind == CC_DRIVER) {
        cc_addf(command, "-isystem%s/km", job->include);
        cc_addf(command, "-isystem%s/shared", job->include);
        cc_addf(command, "-isystem%s/wdf", job->include);
        cc_add(command, "-isystem" MINGW_INCLUDE "/ddk");
    } else {
        cc_addf(command, "-isystem%s/program", job->include);
        cc_addf(command, "-isystem%s/shared", job->include);
    }
}

void cc_add_compile_flags(struct cc_words *command, const struct cc_job *job)
{
    add_language(command, job);
    add_program_language(command, job);
    add_instrumentation(command, job);
    map_paths(command, job);
    cc_add_all(command, &job->compiler);
    add_warnings(command, job);
    add_headers(command, job);
}

/* ---- the mingw ABI: one command compiles and links ---- */

static void add_gnu_driver_link(struct cc_words *command, const struct cc_job *job)
{
    cc_add(command, "-nostdlib");
    if (!job->has_subsystem)
        cc_add(command, "-Wl,--subsystem,native");
    if (!job->has_entry)
        cc_addf(command, "-Wl,--entry,%s", job->kmdf ? "FxDriverEntry" : "DriverEntry");
    if (!job->has_base)
        cc_add(command, "-Wl,--image-base,0x140000000");
    cc_add(command, "-Xlinker");
    cc_add(command, "-Xlink=/section:INIT,ERD"); /* as Microsoft's linker makes it with /driver: discardable */
    /* Of operator delete a source may define the form with a size or the one without; Microsoft's compiler calls the first where this
     * ABI calls the second. */
    static const char *const aliases[] = {"_ZdlPv=_ZdlPvy", "_ZdlPvy=_ZdlPv", "_ZdaPv=_ZdaPvy", "_ZdaPvy=_ZdaPv"};
    for (size_t i = 0; cc_has_cpp(job) && i < sizeof aliases / sizeof *aliases; i++) {
        cc_add(command, "-Xlinker");
        cc_addf(command, "-Xlink=/alternatename:%s", aliases[i]);
    }
    /* A pseudo relocation would need a start-up routine that no driver has: refuse instead. */
    cc_add(command, "-Wl,--disable-runtime-pseudo-reloc");
    cc_add_all(command, &job->libraries);
    cc_addf(command, "-L%s", job->lib);
    if (job->race || job->address || job->coverage)
        cc_add(command, "-lirplab-instrument");
    static const char *const libraries[] = {
        "-lwdmsec", "-lusbdex", "-laux_klib", "-lwdfldr", "-lsmclib", "-lusbd", "-lhidclass", "-lhidparse", "-lvhf", "-lbattc",
        "-lwmilib", "-lntoskrnl", "-lhal", "-lntoskrnl-extra", "-lgcc"};
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
    if (cc_has_cpp(job)) { /* the archive: there is no libstdc++ DLL in a run */
        static const char *const words[] = {"-Wl,-Bstatic", "-lstdc++", "-lgcc_eh", "-lgcc", "-Wl,-Bdynamic"};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            cc_add(command, words[i]);
    }
    /* What samples name in their project files, which nobody hands over; a library that nothing needs leaves no trace. */
    static const char *const usual[] = {"-lsetupapi", "-lcfgmgr32", "-luser32", "-ladvapi32", "-lntdll"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        cc_add(command, usual[i]);
}

/* Resource scripts go through the toolchain's own compiler; compiled ones (.res) are taken by the linker. */
int cc_build_resources(const struct cc_job *job, const char *folder, struct cc_words *objects)
{
    int status = 0;
    struct cc_words made = {0};
    char messages[PATH_MAX];
    snprintf(messages, sizeof messages, "%s/mc", folder);
    for (size_t i = 0; !status && i < job->resources.count; i++) {
        struct cc_words command = {0};
        static const char *const words[] = {"x86_64-w64-mingw32-windres", "-O", "coff", "-D_WIN64", "-DRC_INVOKED"};
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            cc_add(&command, words[k]);
        for (size_t k = 0; k < job->compiler.count; k++)
            if (cc_starts(job->compiler.at[k], "-D") || cc_starts(job->compiler.at[k], "-I"))
                cc_add(&command, job->compiler.at[k]);
        cc_addf(&command, "-I%s/km", job->include);
        cc_add(&command, "-I" MINGW_INCLUDE "/ddk");
        cc_addf(&command, "-I%s", folder);
        cc_write_bmf_files(job, job->resources.at[i], folder, &made);
        cc_addf(&command, "-I%s", messages);
        cc_write_mc_resources(job, job->resources.at[i], messages);
        cc_add(&command, job->resources.at[i]);
        cc_addf(&command, "%s/%zu-rc.obj", folder, i);
        cc_addf(objects, "%s/%zu-rc.obj", folder, i);
        status = cc_run(job, NULL, &command);
        cc_clear(&command);
    }
    for (size_t i = 0; i < made.count; i++)
        unlink(made.at[i]);
    cc_clear(&made);
    cc_remove_folder(job, messages);
    return status;
}

static int link_gnu(struct cc_job *job, const struct cc_words *resources)
{
    struct cc_words command = {0};
    cc_add(&command, "clang-19");
    cc_add(&command, "--target=x86_64-w64-mingw32");
    cc_add_compile_flags(&command, job);
    cc_add_all(&command, &job->sources);
    cc_add_all(&command, resources);
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
    int status = cc_run_compiler(job, &command);
    cc_clear(&command);
    return status;
}

static int build_gnu(struct cc_job *job)
{
    char folder[] = "/tmp/irplab-cc-XXXXXX";
    struct cc_words resources = {0};
    if (!job->resources.count)
        return link_gnu(job, &resources);
    if (!mkdtemp(folder)) {
        perror("irplab cc: cannot make a temporary folder");
        return CC_EXIT_INTERNAL;
    }
    int status = cc_build_resources(job, folder, &resources);
    if (!status)
        status = link_gnu(job, &resources);
    for (size_t i = 0; i < resources.count; i++)
        unlink(resources.at[i]);
    rmdir(folder);
    cc_clear(&resources);
    return status;
}

/* ---- entry ---- */

static int print_sdk(struct cc_job *job)
{
    if (!cc_find_sdk(job))
        return cc_usage_error("the SDK was not found: set IRPLAB_SDK to its folder");
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
    int status = cc_parse(&job, argc, argv);
    if (!status && !cc_find_sdk(&job))
        status = cc_usage_error("the SDK was not found: set IRPLAB_SDK to its folder");
    if (!status && job.coverage)
        cc_addf(&job.sources, "%s/coverage_sections.c", job.runtime);
    if (!status && job.kmdf)
        cc_addf(&job.sources, "%s/wdf_entry.c", job.runtime);
    if (!status && job.kind == CC_DRIVER && cc_has_cpp(&job))
        cc_addf(&job.sources, "%s/cpp_runtime.c", job.runtime);
    if (!status)
        status = job.msvc ? cc_build_msvc(&job) : build_gnu(&job);
    cc_remove_forward(&job);
    cc_clear(&job.compiler);
    cc_clear(&job.linker);
    cc_clear(&job.sources);
    cc_clear(&job.libraries);
    cc_clear(&job.defs);
    cc_clear(&job.resources);
    cc_clear(&job.mofs);
    return status;
}
