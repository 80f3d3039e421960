/* What one `irplab cc` was asked to build, shared by its parts: the command line (cc_options.c), the two ways to build
 * (cc.c: the mingw ABI; cc_msvc.c: the Microsoft one), and what all of them need (cc_tools.c). */
#ifndef IRPLAB_CLI_CC_JOB_H
#define IRPLAB_CLI_CC_JOB_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define MINGW_INCLUDE "/usr/share/mingw-w64/include"

enum { CC_EXIT_REFUSED = 1, CC_EXIT_USAGE = 2, CC_EXIT_INTERNAL = 3 };

enum cc_kind { CC_NONE, CC_DRIVER, CC_PROGRAM, CC_LIBRARY };

struct cc_words {
    char **at;
    size_t count, room;
};

struct cc_job {
    const char *out;
    enum cc_kind kind;
    bool race, address, coverage, msvc, verbose;
    bool kmdf, no_kmdf; /* a source includes wdf.h; --kmdf none */
    bool has_entry, has_base, has_subsystem, has_optimization;
    struct cc_words compiler; /* passed through to clang */
    struct cc_words linker; /* single words for the linker: what stood behind -Wl, */
    struct cc_words sources, libraries, defs, resources, mofs, mcs;
    char include[PATH_MAX], lib[PATH_MAX], runtime[PATH_MAX];
    char forward[32]; /* temporary folder of forwarding headers; empty: none needed (cc_retry.c) */
    bool free_main; /* main has a shape that C does not know */
    char *own_messages; /* what clang said before it was told to imitate Microsoft's compiler (cc_retry.c) */
};

/* Words own their text; a list is always ended by NULL, ready for exec. */
void *cc_must(void *p);
void cc_add(struct cc_words *w, const char *word);
void cc_addf(struct cc_words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cc_add_all(struct cc_words *w, const struct cc_words *more);
void cc_clear(struct cc_words *w);

/* Everything between clang and the file names that does not depend on the ABI. */
void cc_add_compile_flags(struct cc_words *command, const struct cc_job *job);

/* Whether one of the sources is C++. */
bool cc_has_cpp(const struct cc_job *job);

bool cc_starts(const char *s, const char *prefix);

/* Says one line and returns the exit status of bad usage. */
int cc_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fills a job from the command line. Returns 0, or the exit status after having said what is wrong. */
int cc_parse(struct cc_job *job, int argc, char **argv);

/* Whether a word stands in a source's code. */
bool cc_mentions(const char *path, const char *word);
/* Whether a source declares a function of that name without a result. */
bool cc_gives_nothing(const char *path, const char *function);
bool cc_is_cpp(const char *path);

/* Whether the sources make a KMDF driver (cc_kmdf.c). */
bool cc_is_kmdf_client(const struct cc_job *job);

/* --kmdf VERSION. Returns 0, or the exit status after having said what is wrong. */
int cc_take_kmdf(struct cc_job *job, const char *version);

/* Compiles the resource scripts into objects in `folder`; *objects gets their paths. */
int cc_build_resources(const struct cc_job *job, const char *folder, struct cc_words *objects);

bool cc_find_sdk(struct cc_job *job);

/* Runs a command, in `folder` unless NULL. Returns an exit status of ours. */
int cc_run(const struct cc_job *job, const char *folder, struct cc_words *command);

/* Runs clang; what Microsoft's compiler takes and clang refuses is mended, and clang run again (cc_retry.c). */
int cc_run_compiler(struct cc_job *job, struct cc_words *command);
void cc_remove_forward(struct cc_job *job);
void cc_remove_folder(const struct cc_job *job, const char *folder);

/* The header, and in `folder` the resource scripts, that the message compiler makes of .mc files (cc_mc.c); false if there is no such file. */
bool cc_write_mc_header(const struct cc_job *job, const char *includer, const char *spelled, const char *path);
void cc_write_mc_resources(const struct cc_job *job, const char *script, const char *folder);

/* Takes out of clang's messages what it says of `int` and `long` in formats (cc_messages.c). */
void cc_drop_format_noise(char *messages);

/* The file that a source means by `spelled`, below `folder` ("": the current one): case does not count, nor which slash. */
bool cc_find_header(const char *folder, const char *spelled, char out[PATH_MAX]);

/* Writes what stands for a source's .tmh header (cc_wpp.c). */
bool cc_write_tmh(const struct cc_job *job, const char *includer, const char *path);
/* Writes what stands for a header made of an instrumentation manifest, if there is one for it (cc_manifest.c). */
bool cc_write_manifest(const struct cc_job *job, const char *includer, const char *header, const char *path);

/* Writes the header that wmimofck makes of a .mof file (cc_mof.c); false, having said why, if the file is not understood. */
bool cc_write_mof_header(const char *mof, const char *path);

/* The .mof file that a header or a .bmf file of that name is made of: of the command line, in the includer's folder, below -I, or beside. */
bool cc_find_mof(const struct cc_job *job, const char *includer, const char *spelled, char out[PATH_MAX]);

/* Makes the .bmf files that a resource script names, and that are not there, in `folder`. */
void cc_write_bmf_files(const struct cc_job *job, const char *script, const char *folder, struct cc_words *made);

int cc_build_msvc(struct cc_job *job);

#endif
