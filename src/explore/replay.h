#ifndef IRPLAB_EXPLORE_REPLAY_H
#define IRPLAB_EXPLORE_REPLAY_H

#include "explore/path.h"

enum { REPLAY_MOST = 1000000 }; /* events after a schedule's end */

/* To the end without preemption and with usual alternatives, at most to `most` events (EXPLORE_CUT). */
enum explore_status replay_usual(struct path *p, size_t most);
/* False: the choice cannot be made here. */
bool replay_choice(struct path *p, const struct explore_choice *choice);

#endif
