/* The compiler driver alone: what the build itself uses to make cases, before irplab is linked. */
#include "cli/cc.h"

int main(int argc, char **argv)
{
    return cli_cc(argc, argv);
}
