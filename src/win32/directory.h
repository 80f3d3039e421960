/* The current directory of the running process. */
#ifndef IRPLAB_WIN32_DIRECTORY_H
#define IRPLAB_WIN32_DIRECTORY_H

#include "win32/win32.h"

/* With the separator at its end; *units without the zero behind it. Good until it is changed. */
const WCHAR *w32_directory(size_t *units);

#endif
