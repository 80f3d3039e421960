/* What an exploration found out about code and begins again with: loops (sim/spins.h) and racing pairs (race/points.h), as bytes for other
 * processes and files. */
#ifndef IRPLAB_LAB_PLACES_H
#define IRPLAB_LAB_PLACES_H

#include "explore/bytes.h"

enum { PLACES_LOOPS = 1, PLACES_RACES = 2 };

/* All that is in force here. */
void places_put(struct bytes *out);
/* Is in force here from now on. Returns of what kind some were new; in->bad. */
unsigned places_get(struct reader *in);

#endif
