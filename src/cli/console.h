/* What the guest prints. */
#ifndef IRPLAB_CLI_CONSOLE_H
#define IRPLAB_CLI_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

/* Program output goes to out as it is written; debug prints to stderr if wanted. */
void console_pass_through(FILE *out, bool debug_prints);

#endif
