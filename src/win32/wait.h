/* Time-outs and the Nt calls for waiting that other files use. */
#ifndef IRPLAB_WIN32_WAIT_H
#define IRPLAB_WIN32_WAIT_H

#include "win32/win32.h"

enum { INFINITE = 0xFFFFFFFF };

/* A relative time-out in 100 ns from milliseconds, into *at; NULL for INFINITE. */
LARGE_INTEGER *w32_timeout(LARGE_INTEGER *at, ULONG milliseconds);
ULONG WaitForSingleObjectEx(HANDLE handle, ULONG milliseconds, BOOL alertable);

#endif
