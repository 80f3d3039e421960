/* Between story.c (tasks) and verdict.c (what failed and what has to do with it). */
#ifndef IRPLAB_REPORT_STORY_PRIVATE_H
#define IRPLAB_REPORT_STORY_PRIVATE_H

#include "report/story.h"

/* Tasks, requests and IRPs of a record; nothing is shown yet. */
void story_build(struct story *s, const struct record *r);

#endif
