/* Drivers that irplab brings: frameworks and class libraries that other drivers import from (wdfldr, Wdf01000, smclib, ...). */
#ifndef IRPLAB_SESSION_FRAMEWORKS_H
#define IRPLAB_SESSION_FRAMEWORKS_H

#include <stdbool.h>
#include <stddef.h>

/* The host's path of the image that we bring under this name, in any case, with or without extension: in the folder drivers (or
 * share/irplab/drivers) beside the executable or one of its parents, or in the folder that IRPLAB_DRIVERS names. False: there is none. */
bool framework_find(const char *module, char *path, size_t size);

#endif
