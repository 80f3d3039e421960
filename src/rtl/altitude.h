/* Altitudes of filters: decimal numbers of any length, with or without a fraction ("380010.25"). */
#ifndef IRPLAB_RTL_ALTITUDE_H
#define IRPLAB_RTL_ALTITUDE_H

#include <stdbool.h>

#include "nt/types.h"

/* At least one digit, and nothing but digits and one point between them. */
bool rtl_altitude_is_valid(const UNICODE_STRING *a);
/* Negative: a lies lower; 0: the same number; positive: a lies higher. */
int rtl_altitude_compare(const UNICODE_STRING *a, const UNICODE_STRING *b);

#endif
