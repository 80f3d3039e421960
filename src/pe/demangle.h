/* C++ names as debuggers show them: the qualified name with its template arguments, without parameters, return type and
 * `class`, `struct`, `enum`, `union`: `SMKM_STORE<SM_TRAITS>::SmStWorkItemGet` for `?SmStWorkItemGet@?$SMKM_STORE@USM_TRAITS@@@@...`.
 *
 * Microsoft's scheme is read here, the Itanium one by the C++ run-time's own reader. Names are hostile: any bytes are fine,
 * recursion and output are bounded. DOC: the grammar as published with clang's MicrosoftMangle and in Agner Fog's
 * "Calling conventions", chapter 8. */
#ifndef IRPLAB_PE_DEMANGLE_H
#define IRPLAB_PE_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/* False: not a C++ name, not understood, or longer than n; out is then unspecified. `name` need not be terminated. */
bool pe_demangle(const char *name, size_t length, char *out, size_t n);

#endif
