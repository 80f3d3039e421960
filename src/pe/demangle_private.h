/* Shared by the two readers of C++ names. Private to this room. */
#ifndef IRPLAB_PE_DEMANGLE_PRIVATE_H
#define IRPLAB_PE_DEMANGLE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

bool pe_demangle_microsoft(const char *name, size_t length, char *out, size_t n);
bool pe_demangle_itanium(const char *name, size_t length, char *out, size_t n);

#endif
