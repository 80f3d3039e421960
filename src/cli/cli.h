/* The commands: each gets its own arguments, argv[0] being the command's name, and returns the exit status. */
#ifndef IRPLAB_CLI_CLI_H
#define IRPLAB_CLI_CLI_H

int cli_run(int argc, char **argv);
int cli_explore(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_imports(int argc, char **argv);
int cli_graph(int argc, char **argv);
int cli_disasm(int argc, char **argv);
int cli_search(int argc, char **argv);
int cli_worker(int argc, char **argv);
int cli_cc(int argc, char **argv);

enum { EXIT_OK = 0, EXIT_FAILURE_FOUND = 1, EXIT_USAGE = 2, EXIT_INTERNAL = 3 };

#endif
