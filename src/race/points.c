#include "race/points.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sim/image.h"

enum { MOST = 256 };

static struct race_pair known[MOST], noted[MOST]; /* of the process */
static size_t known_count, applied_count, noted_count; /* known: in force */

bool race_place_at(uint64_t pc, struct race_place *out)
{
    const struct image *i = image_at(pc);
    if (!i || !i->file)
        return false;
    snprintf(out->image, sizeof out->image, "%s", i->file->name);
    out->rva = (uint32_t)(pc - i->base);
    return true;
}

static int compare(const struct race_place *a, const struct race_place *b)
{
    int order = strcasecmp(a->image, b->image);
    return order ? order : a->rva < b->rva ? -1 : a->rva > b->rva;
}

static struct race_pair in_order(const struct race_place *a, const struct race_place *b)
{
    return compare(a, b) <= 0 ? (struct race_pair) { *a, *b } : (struct race_pair) { *b, *a };
}

static bool is_in(const struct race_pair *list, size_t count, const struct race_pair *p)
{
    for (size_t i = 0; i < count; i++)
        if (compare(&list[i].a, &p->a) == 0 && compare(&list[i].b, &p->b) == 0)
            return true;
    return false;
}

bool race_points_note(const struct race_place *a, const struct race_place *b)
{
    struct race_pair p = in_order(a, b);
    if (known_count + noted_count >= MOST || is_in(known, known_count, &p) || is_in(noted, noted_count, &p))
        return false;
    noted[noted_count++] = p;
    return true;
}

bool race_points_apply(void)
{
    if (!noted_count)
        return false;
    for (size_t i = 0; i < noted_count; i++)
        known[known_count++] = noted[i];
    applied_count = known_count;
    noted_count = 0;
    return true;
}

bool race_points_waiting(void)
{
    return noted_count != 0;
}

void race_points_forget_noted(void)
{
    noted_count = 0;
}

bool race_points_add(const struct race_place *a, const struct race_place *b)
{
    return race_points_note(a, b) && race_points_apply();
}

size_t race_points_count(void)
{
    return known_count;
}

void race_points_use(size_t count)
{
    known_count = count < applied_count ? count : applied_count;
}

const struct race_pair *race_points_get(size_t i)
{
    return &known[i];
}

bool race_points_has_pair(const struct race_place *a, const struct race_place *b)
{
    struct race_pair p = in_order(a, b);
    return is_in(known, known_count, &p);
}

bool race_points_stops(uint64_t pc)
{
    struct race_place p;
    if (!known_count || !race_place_at(pc, &p))
        return false;
    for (size_t i = 0; i < known_count; i++)
        if (compare(&known[i].a, &p) == 0 || compare(&known[i].b, &p) == 0)
            return true;
    return false;
}
