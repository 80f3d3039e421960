/* What the C run-time asks of the process's surroundings. */
#ifndef IRPLAB_WIN32_ENV_H
#define IRPLAB_WIN32_ENV_H

#include "win32/win32.h"

/* The value of a variable, or NULL. */
const WCHAR *w32_variable(const WCHAR *name, size_t length);
/* The next argument of a command line into out; see env.c. */
const WCHAR *w32_argument_next(const WCHAR *s, bool program, WCHAR *out, size_t *length);
HANDLE GetProcessHeap(void);
HANDLE GetStdHandle(ULONG which);
WCHAR *lstrcpyW(WCHAR *to, const WCHAR *from);
/* The C run-time's part of a process's record. */
void crt_process_fill(struct w32_process *p);
/* Its arrays of "name=value", made again after a change. */
void crt_environment_fill(struct w32_process *p);

#endif
