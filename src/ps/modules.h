/* The modules of a program: its image and the DLLs that lie beside it. Private to ps, session and win32.
 *
 * A DLL is looked for among the synthetic modules first and then through ps_module_file_hook. Static imports are loaded with the
 * program, before its first instruction; others by LoadLibrary. Each module has a place in the list in the order of initialisation:
 * what it needs comes first. Their start is as on Windows: TLS callbacks, then DllMain; the program's own TLS callbacks last.
 * GUESS: there is no loader lock; DllMain of two threads may overlap.
 * The memory of a module that was freed stays readable: only its name and its entry go. */
#ifndef IRPLAB_PS_MODULES_H
#define IRPLAB_PS_MODULES_H

#include "ps/ps.h"

struct image;
struct image_file;

/* The file for a module that is not there yet, by its plain name with extension; NULL: none. One that exists but cannot be used is
 * NULL with a line in err. Set by the session. */
extern struct image_file *(*ps_module_file_hook)(const char *name, char *err, size_t errlen);

/* Maps the program and the DLLs that it needs. False and one line in err. */
bool ps_modules_create(struct process *p, struct image_file *file, char *err, size_t errlen);

enum module_result { MODULE_OK, MODULE_NOT_FOUND, MODULE_BAD, MODULE_INIT_FAILED };
/* LoadLibrary for the current process: finds (one reference more) or loads and initialises. name has its extension and no path. */
enum module_result ps_module_load(const char *name, bool initialise, struct image **out);
/* FreeLibrary: false if image is not a module of the current process. */
bool ps_module_free(struct image *image);
/* One that is loaded, without a new reference; NULL. */
struct image *ps_module_find(const struct process *p, const char *name);
/* The modules of a process as its loader lists them: the program, what every program has, its DLLs; NULL: no more. */
struct image *ps_module_at(const struct process *p, unsigned index);
/* DisableThreadLibraryCalls. */
void ps_module_quiet(const struct image *image);
/* One reference that never goes (GET_MODULE_HANDLE_EX_FLAG_PIN), or one more. */
void ps_module_reference(const struct image *image, bool pin);

/* A new thread's thread-local variables; by its creator, so that where they lie does not depend on when it begins. */
void ps_modules_thread_create(struct thread *t, uint64_t at);
/* The room that they need. */
uint64_t ps_modules_thread_bytes(const struct process *p);
/* In user mode, by the thread itself: when it begins (the main thread: also the start of all modules), when it ends, and by the one
 * that ends the process. */
void ps_modules_thread_begin(struct thread *t);
void ps_modules_thread_end(struct thread *t);
void ps_modules_process_end(struct thread *t);
/* The thread's copies of thread-local variables. */
void ps_modules_thread_free(struct thread *t);

#endif
