/* Options that all commands that run guests share, and their positions: before or after CASE; after PROGRAM.exe all is the program's. */
#ifndef IRPLAB_CLI_OPTIONS_H
#define IRPLAB_CLI_OPTIONS_H

#include <stdbool.h>

#include "lab/lab.h"

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* What a command takes beside the common options. */
enum options_for { FOR_RUN, FOR_EXPLORE, FOR_FILE /* a FILE.irplab instead of a case or program */ };

struct options {
    struct irplab lab;
    bool json, quiet, verbose, help;
    enum color_when color;
    const char *file; /* FOR_FILE */
    const char *page; /* FOR_FILE: -o */
    const char *junit, *sarif; /* FOR_EXPLORE */
    bool check_orders;
    bool wdf_log; /* FOR_RUN, FOR_FILE: the framework's recorder, live */
};

/* Parses argv[1…] of a command. On a mistake prints one line and returns false. */
bool options_parse(struct options *o, int argc, char **argv, enum options_for what);
/* Whether to print in colour on stdout. */
bool options_color(const struct options *o);
/* One line on stderr "irplab: …"; returns 2. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
