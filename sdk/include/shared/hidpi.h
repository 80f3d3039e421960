/* The toolchain's, with the usages that it is written in, which Microsoft's header brings along. */
#include <hidusage.h>
#include_next <hidpi.h>
