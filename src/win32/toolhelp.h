/* Processes and their modules, for what lists them. */
#ifndef IRPLAB_WIN32_TOOLHELP_H
#define IRPLAB_WIN32_TOOLHELP_H

#include "win32/win32.h"

struct image;

/* The process of a handle of the current one; NULL: it is none. */
struct process *w32_process_of(HANDLE handle);
/* Where a module lies, as programs are told. Returns the number of characters. */
size_t w32_module_path(const struct image *image, char *to, size_t size);

#endif
