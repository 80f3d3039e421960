/* Which Windows the kernel presents itself as. */
#ifndef IRPLAB_EX_VERSION_H
#define IRPLAB_EX_VERSION_H

#include <stdbool.h>
#include <stdint.h>

struct ex_version {
    const char *os; /* as in a case's `os` */
    uint16_t major, minor;
    uint32_t build;
    const char *lab;
};

/* "win7", "8.1", "10", "11" (with or without "win"); false if unknown. Constant of the process: set before the machine. */
bool ex_version_select(const char *os);
const struct ex_version *ex_version(void);

#endif
