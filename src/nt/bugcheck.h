/* Bug check codes, what their four parameters mean, and what the first one says for codes that are families. */
#ifndef IRPLAB_NT_BUGCHECK_H
#define IRPLAB_NT_BUGCHECK_H

#include "nt/types.h"

enum nt_bugcheck_codes {
#define X(code, name, p1, p2, p3, p4) name = (int)(code),
#include "nt/bugcheck.def"
#undef X
};

/* "IRQL_NOT_LESS_OR_EQUAL"; "unknown" for a code that is not listed. Never NULL. */
const char *nt_bugcheck_name(ULONG code);

/* What parameter 1 to 4 of the code holds, in a few words; "" if nothing is known. Never NULL. */
const char *nt_bugcheck_parameter(ULONG code, int parameter);

/* For codes whose first parameter selects a fault (0xC4, 0xC9, 0x9F, 0xC2, 0x139, …): that fault in words; "" if
 * the code is no family or the value is not listed. Never NULL. */
const char *nt_bugcheck_reason(ULONG code, ULONG_PTR parameter1);

#endif
