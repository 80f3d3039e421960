/* Options that all commands that run guests share, and their positions: before or after CASE; after PROGRAM.exe all is the program's. */
#ifndef IRPLAB_CLI_OPTIONS_H
#define IRPLAB_CLI_OPTIONS_H

#include <stdbool.h>

#include "session/config.h"

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
    struct config config;
    bool has_target; /* a CASE or PROGRAM was given */
    bool json, quiet, verbose;
    enum color_when color;
    char output[CONFIG_PATH];
    /* explore */
    const char *strategy;
    int32_t preemptions;
    int64_t schedules;
    double seconds;
    int jobs;
    const char *queue;
    bool keep_going;
    bool check_orders;
    bool help;
};

/* Parses argv[1…] of a command. extra: names of explore's options are accepted too. On a mistake prints one line and returns false. */
bool options_parse(struct options *o, int argc, char **argv, bool explore);
/* One line on stderr "irplab: …"; returns 2. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
