/* The Microsoft ABI: objects for x86_64-pc-windows-msvc, linked as the WDK's build links them, with a PDB, stack cookies
 * and control flow guard.
 *
 * A PDB records the linker's command, its folder and the paths of the objects. So all of it happens in a fresh folder
 * under names that never change, and the results are moved out. */
#include "cli/cc_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The last dot of the name gives way to the new suffix: a/b.sys becomes a/b.pdb. */
static void with_suffix(char out[PATH_MAX], const char *path, const char *suffix)
{
    const char *dot = strrchr(path, '.');
    snprintf(out, PATH_MAX, "%.*s%s", (int)(dot ? dot - path : (long)strlen(path)), path, suffix);
}

static void add_frontend(struct cc_words *command)
{
    static const char *const words[] = {
        "clang-19", "--target=x86_64-pc-windows-msvc",
        /* The toolchain's headers know GNU compilers: as one of these the front end presents itself, whatever ABI it
         * generates code for. */
        "-fgnuc-version=4.2.1", "-U_MSC_VER", "-DIRPLAB_CC_MSVC=1", "-D__MINGW32__=1", "-D__MINGW64__=1", "-D__USE_MINGW_ANSI_STDIO=0",
        "-nostdlibinc", "-fno-ms-compatibility", "-Wno-builtin-macro-redefined",
        "-ffreestanding", "-fno-builtin-memcpy",
        "-fasynchronous-unwind-tables", /* a freestanding build has no .pdata otherwise */
        "-gcodeview", "-gline-tables-only", "-gno-codeview-command-line", "-fstack-protector-strong", "-Xclang", "-cfguard", "-c"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cc_add(command, words[i]);
}

static int compile(struct cc_job *job, const char *folder, const char *source, size_t index, struct cc_words *objects)
{
    struct cc_words command = {0};
    add_frontend(&command);
    cc_add_compile_flags(&command, job);
    cc_add(&command, "-isystem" MINGW_INCLUDE);
    cc_addf(&command, "-ffile-prefix-map=%s=sdk/rt", job->runtime);
    cc_add(&command, "-Xclang");
    cc_addf(&command, "-object-file-name=%zu.obj", index);
    cc_add(&command, source);
    cc_add(&command, "-o");
    cc_addf(&command, "%s/%zu.obj", folder, index);
    cc_addf(objects, "%zu.obj", index);
    int status = cc_run_compiler(job, &command);
    cc_clear(&command);
    return status;
}

static int add_resources(struct cc_job *job, const char *folder, struct cc_words *objects)
{
    struct cc_words paths = {0};
    int status = cc_build_resources(job, folder, &paths);
    for (size_t i = 0; i < paths.count; i++)
        cc_add(objects, base_name(paths.at[i]));
    cc_clear(&paths);
    return status;
}

static int compile_all(struct cc_job *job, const char *folder, struct cc_words *objects)
{
    char runtime[PATH_MAX + 32];
    snprintf(runtime, sizeof runtime, "%s/gs_cookie.c", job->runtime);
    int status = compile(job, folder, runtime, 0, objects);
    for (size_t i = 0; !status && i < job->sources.count; i++)
        status = compile(job, folder, job->sources.at[i], i + 1, objects);
    return status ? status : add_resources(job, folder, objects);
}

/* Libraries are linked to under short names, so that no path of this machine ends in the PDB. */
static bool bring_in(const char *folder, const char *path, const char *name)
{
    char real[PATH_MAX], at[PATH_MAX + 64];
    snprintf(at, sizeof at, "%s/%s", folder, name);
    return realpath(path, real) && !symlink(real, at);
}

static int add_inputs(struct cc_job *job, const char *folder, struct cc_words *command)
{
    for (size_t i = 0; i < job->libraries.count; i++) {
        const char *path = job->libraries.at[i];
        if (path[0] == '-' || !bring_in(folder, path, base_name(path))) {
            fprintf(stderr, "irplab cc: --msvc links plain .lib, .a and .o files: '%s' is none\n", path);
            return CC_EXIT_USAGE;
        }
        cc_add(command, base_name(path));
    }
    for (size_t i = 0; i < job->defs.count; i++) {
        if (!bring_in(folder, job->defs.at[i], base_name(job->defs.at[i])))
            return CC_EXIT_REFUSED;
        cc_addf(command, "/def:%s", base_name(job->defs.at[i]));
    }
    return 0;
}

static void add_link_flags(struct cc_job *job, struct cc_words *command)
{
    static const char *const words[] = {"/nologo", "/nodefaultlib", "/driver", "/debug", "/pdbsourcepath:.", "/Brepro",
                                        "/release", "/guard:cf", "/opt:ref", "/opt:noicf", "/dynamicbase", "/section:INIT,ERD"};
    char pdb[PATH_MAX];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cc_add(command, words[i]);
    with_suffix(pdb, base_name(job->out), ".pdb");
    cc_addf(command, "/out:%s", base_name(job->out));
    cc_addf(command, "/pdb:%s", pdb);
    cc_addf(command, "/pdbaltpath:%s", pdb);
    if (!job->has_subsystem)
        cc_add(command, "/subsystem:native");
    if (!job->has_entry)
        cc_addf(command, "/entry:%s", job->kmdf ? "FxDriverEntry" : "GsDriverEntry");
    if (!job->has_base)
        cc_add(command, "/base:0x140000000");
    for (size_t i = 0; i < job->linker.count; i++)
        cc_add(command, job->linker.at[i]);
    cc_add(command, "/libpath:lib");
    if (job->race || job->address || job->coverage)
        cc_add(command, "irplab-instrument.lib");
    static const char *const libraries[] = {
        "libwdmsec.a", "libusbdex.a", "libaux_klib.a", "wdfldr.lib", "smclib.lib", "usbd.lib", "hidclass.lib", "hidparse.lib",
        "vhf.lib", "battc.lib", "ntoskrnl.lib", "hal.lib", "ntoskrnl-extra.lib"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        cc_add(command, libraries[i]);
}

static int link_image(struct cc_job *job, const char *folder, const struct cc_words *objects)
{
    struct cc_words command = {0};
    int status = CC_EXIT_REFUSED;
    cc_add(&command, "lld-link-19");
    cc_add_all(&command, objects);
    if (bring_in(folder, job->lib, "lib"))
        status = add_inputs(job, folder, &command);
    if (!status) {
        add_link_flags(job, &command);
        status = cc_run(job, folder, &command);
    }
    cc_clear(&command);
    return status;
}

static int copy_out(struct cc_job *job, const char *folder, const char *to)
{
    struct cc_words command = {0};
    cc_add(&command, "cp");
    cc_addf(&command, "%s/%s", folder, base_name(to));
    cc_add(&command, to);
    int status = cc_run(job, NULL, &command);
    cc_clear(&command);
    return status;
}

static void remove_folder(struct cc_job *job, const char *folder)
{
    struct cc_words command = {0};
    cc_add(&command, "rm");
    cc_add(&command, "-rf");
    cc_add(&command, folder);
    cc_run(job, NULL, &command);
    cc_clear(&command);
}

int cc_build_msvc(struct cc_job *job)
{
    char folder[] = "/tmp/irplab-cc-XXXXXX", pdb[PATH_MAX];
    struct cc_words objects = {0};
    if (!mkdtemp(folder)) {
        perror("irplab cc: cannot make a temporary folder");
        return CC_EXIT_INTERNAL;
    }
    int status = compile_all(job, folder, &objects);
    if (!status)
        status = link_image(job, folder, &objects);
    if (!status)
        status = copy_out(job, folder, job->out);
    with_suffix(pdb, job->out, ".pdb");
    if (!status)
        status = copy_out(job, folder, pdb);
    remove_folder(job, folder);
    cc_clear(&objects);
    return status;
}
