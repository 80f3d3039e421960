/* For areas whose tests are all in the driver. */
#include "contract_program.h"

const struct program_test program_tests[] = {{NULL, NULL}};
