#include "lab/places.h"

#include <stdlib.h>
#include <string.h>

#include "race/points.h"
#include "sim/spins.h"

static void put_place(struct bytes *out, const char *image, uint32_t rva)
{
    bytes_text(out, image);
    bytes_u(out, rva);
}

void places_put(struct bytes *out)
{
    bytes_u(out, spins_count());
    for (size_t i = 0; i < spins_count(); i++)
        put_place(out, spins_get(i)->image, spins_get(i)->rva);
    bytes_u(out, race_points_count());
    for (size_t i = 0; i < race_points_count(); i++) {
        put_place(out, race_points_get(i)->a.image, race_points_get(i)->a.rva);
        put_place(out, race_points_get(i)->b.image, race_points_get(i)->b.rva);
    }
}

static void get_place(struct reader *in, struct race_place *out)
{
    char *image = read_text(in);
    memset(out, 0, sizeof *out);
    in->bad |= strlen(image) >= sizeof out->image;
    if (!in->bad)
        strcpy(out->image, image);
    out->rva = (uint32_t)read_u(in);
    free(image);
}

unsigned places_get(struct reader *in)
{
    unsigned fresh = 0;
    struct race_place a, b;
    for (size_t n = read_count(in); n > 0 && !in->bad; n--) {
        get_place(in, &a);
        fresh |= !in->bad && spins_add(a.image, a.rva) ? PLACES_LOOPS : 0;
    }
    for (size_t n = read_count(in); n > 0 && !in->bad; n--) {
        get_place(in, &a);
        get_place(in, &b);
        fresh |= !in->bad && race_points_add(&a, &b) ? PLACES_RACES : 0;
    }
    return fresh;
}
