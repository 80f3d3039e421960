/* Older name for the kernel's share of driverspecs.h. */
#include <driverspecs.h>
