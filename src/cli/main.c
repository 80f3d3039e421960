/* irplab: the command line. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

static const struct {
    const char *name;
    int (*fn)(int argc, char **argv);
    const char *what;
} commands[] = {
    { "run", cli_run, "one run" },
    { "explore", cli_explore, "every schedule that matters" },
    { "replay", cli_replay, "exactly that run again" },
    { "report", cli_report, "what happened, to look at" },
    { "graph", cli_graph, "callers or callees of a function" },
    { "disasm", cli_disasm, "the code of a function, as a debugger lists it" },
    { "search", cli_search, "instructions and constants in an image" },
    { "imports", cli_imports, "what an image needs, and what is supported" },
    { "worker", cli_worker, "a share of somebody's exploration" },
    { "cc", cli_cc, "compile a driver or a program" },
};

static void print_help(FILE *out)
{
    fputs("usage: irplab COMMAND [options]\n\nRuns real Windows x64 drivers on Linux, finds their races and replays them.\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].what);
    fputs("\nirplab COMMAND --help says more. Example: irplab explore cases/camera-create-cancelled\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage_error("no command; see irplab --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("irplab " IRPLAB_VERSION);
        return EXIT_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].fn(argc - 1, argv + 1);
    return usage_error("unknown command '%s'; see irplab --help", argv[1]);
}
