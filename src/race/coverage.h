/* Edges of images built with irplab cc --coverage that were executed. Of the process, not of a run: what all runs together have covered. */
#ifndef IRPLAB_RACE_COVERAGE_H
#define IRPLAB_RACE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_file;
struct coverage_image {
    struct image_file *file;
    uint32_t edges; /* that the image has */
    uint32_t covered;
    const uint32_t *counts; /* times, by edge: edges of them */
    const uint32_t *rvas; /* where the edge's block is (behind the call), 0: never executed */
};

/* Images in the order of their names; NULL: no more. Valid until the next run. */
const struct coverage_image *coverage_image(size_t i);
bool coverage_any(void);
/* For fuzzing: forgets what was covered. */
void coverage_clear(void);

#endif
