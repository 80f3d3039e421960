/* Reading a whole regular file. Private to this room. */
#ifndef IRPLAB_PE_FILE_H
#define IRPLAB_PE_FILE_H

#include "pe/pe.h"

/* *bytes is malloc'ed. Refuses directories, devices, FIFOs and files over `limit`. */
enum pe_status pe_read_file(const char *path, size_t limit, uint8_t **bytes, size_t *size, char *err, size_t errlen);

#endif
