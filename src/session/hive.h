/* Registry hive files of the configuration. */
#ifndef IRPLAB_SESSION_HIVE_H
#define IRPLAB_SESSION_HIVE_H

#include "session/config.h"

/* Reads and checks them, once per process; false and one line in err. Before the first run. */
bool hives_read(const struct config *c, char *err, size_t errlen);
/* Into the registry of this run, before the other registry entries. */
void hives_apply(const struct config *c);

#endif
