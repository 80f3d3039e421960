/* See coverage.h. An edge's number is the place of its guard in the section that the linker made of them; nothing is written there. */
#include "race/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "pe/pe.h"
#include "race/room.h"
#include "sim/image.h"

enum { MOST = 64, HEAD = 8 /* bytes before the first guard, rt/coverage_sections.c */ };

static struct coverage_image *images[MOST];
static size_t image_count;
/* The image that was asked for last, and where its guards are. */
static uint64_t last_base, last_low, last_high;
static const struct image_file *last_file;
static struct coverage_image *last;

static struct coverage_image *entry(const struct image *image, uint32_t edges)
{
    size_t at = 0;
    for (; at < image_count; at++) {
        int order = strcasecmp(images[at]->file->name, image->file->name);
        if (images[at]->file == image->file)
            return images[at];
        if (order > 0)
            break;
    }
    if (image_count == MOST)
        return NULL;
    struct coverage_image *c = calloc(1, sizeof *c);
    uint32_t *numbers = calloc(edges ? edges : 1, 2 * sizeof *numbers);
    if (!c || !numbers)
        base_panic("out of memory");
    c->file = image->file;
    c->edges = edges;
    c->counts = numbers;
    c->rvas = numbers + edges;
    memmove(images + at + 1, images + at, (image_count - at) * sizeof *images);
    images[at] = c;
    image_count++;
    return c;
}

static bool find(const struct image *image)
{
    if (image->file == last_file && image->base == last_base)
        return last != NULL;
    const struct pe_section *s = pe_section_find(&image->file->pe, ".SCOV");
    last_file = image->file;
    last_base = image->base;
    last = NULL;
    if (!s || s->vsize < HEAD + 4)
        return false;
    last_low = image->base + s->rva + HEAD;
    last_high = image->base + s->rva + s->vsize - 4; /* the end's own word */
    last = entry(image, (uint32_t)((last_high - last_low) / 4));
    return last != NULL;
}

void race_edge_executed(uint64_t guard)
{
    const struct image *image = image_at(guard);
    if (!image || !image->file || !find(image) || guard < last_low || guard >= last_high)
        return;
    size_t i = (guard - last_low) / 4;
    uint32_t *counts = (uint32_t *)last->counts, *rvas = (uint32_t *)last->rvas;
    if (counts[i] == 0) {
        last->covered++;
        rvas[i] = (uint32_t)(race_call()->return_address - image->base);
    }
    counts[i] += counts[i] != UINT32_MAX;
}

void race_edges_init(uint64_t from, uint64_t to)
{
}

const struct coverage_image *coverage_image(size_t i)
{
    return i < image_count ? images[i] : NULL;
}

bool coverage_any(void)
{
    return image_count != 0;
}

void coverage_clear(void)
{
    for (size_t i = 0; i < image_count; i++) {
        memset((uint32_t *)images[i]->counts, 0, 2 * images[i]->edges * sizeof(uint32_t));
        images[i]->covered = 0;
    }
}
