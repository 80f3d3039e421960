/* `irplab cc`: compiles WDK-style sources into a driver (.sys) or a program (.exe, .dll). */
#ifndef IRPLAB_CLI_CC_H
#define IRPLAB_CLI_CC_H

/* argv[0] is the command's name. Returns the exit status: 0 done, 1 the compiler or linker refused,
 * 2 bad usage. */
int cli_cc(int argc, char **argv);

#endif
