/* The machine as the explorer sees it: an adapter between explore/explore.h and sim. */
#ifndef IRPLAB_SESSION_EXPLORABLE_H
#define IRPLAB_SESSION_EXPLORABLE_H

#include "explore/explore.h"
#include "session/config.h"

/* Boots a machine with the configuration up to the point before the first driver is loaded; reset goes back there. session_process_init
 * was called. The returned callbacks are good for the life of the process. */
const struct explore_machine *explorable_open(const struct config *config);
/* Runs from the next reset on are guarded (session_guard), or not; the configuration says how it begins. */
void explorable_guard(bool on);
/* From the next reset on runs have the time model any, whatever the configuration says. */
void explorable_any_time(bool on);
/* Whether the search makes use of what atomic instructions are sure to touch: it is begun again when one of them is seen to touch more. */
void explorable_promises(bool on);
/* Id of an agent for choices: the same in every schedule. */
struct agent;
uint32_t explorable_agent_id(const struct agent *a);

/* Why a search with reduction may have left something out, whatever it says: a sentence; NULL: nothing has happened that it cannot see. */
const char *explorable_opaque(void);

#endif
