/* What the guest prints. */
#ifndef IRPLAB_CLI_CONSOLE_H
#define IRPLAB_CLI_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

/* Program output goes to out as it is written; debug prints to stderr if wanted. */
void console_pass_through(FILE *out, bool debug_prints);
/* The run begins again: what it repeats of what was printed is not printed twice. */
void console_again(void);
/* The run has ended. */
void console_end(void);

#endif
