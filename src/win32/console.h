/* The input of the console (console.c): programs read it as lines and as keys. */
#ifndef IRPLAB_WIN32_CONSOLE_H
#define IRPLAB_WIN32_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* What is typed at the console (constant of the process; NULL: nothing), lines ending with \n. */
extern const char *w32_console_typed;
/* The next line, or what is left of it, with \r\n at its end; at most size bytes. 0: nothing is typed any more. */
size_t w32_console_read(char *bytes, size_t size);
/* The next key, '\r' for the end of a line; -1: nothing is typed any more. */
int w32_console_key(bool take);

#endif
