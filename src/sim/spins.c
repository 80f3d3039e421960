/* The list of loops that became scheduling points; see spins.h. */
#include "sim/spins.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST = 512, MOST_MORE = 64, MOST_PLAIN = 192 };

static struct spin known[MOST], noted[MOST]; /* of the process */
static size_t known_count, noted_count;
static bool any_await; /* among the known */
static size_t more_count, plain_count; /* known with SPIN_MORE, with SPIN_PLAIN */
static bool any_round;
static unsigned generation;

static bool is_in(const struct spin *list, size_t count, const char *image, uint32_t rva)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].rva == rva && strcasecmp(list[i].image, image) == 0)
            return true;
    return false;
}

bool spins_note(const char *image, uint32_t rva)
{
    if (known_count + noted_count == MOST || is_in(known, known_count, image, rva) || is_in(noted, noted_count, image, rva))
        return false;
    struct spin *k = &noted[noted_count++];
    snprintf(k->image, sizeof k->image, "%s", image);
    k->rva = rva;
    return true;
}

static bool comes_before(const struct spin *a, const struct spin *b)
{
    int order = strcasecmp(a->image, b->image);
    return order < 0 || (order == 0 && a->rva < b->rva);
}

static void add(const struct spin *k)
{
    size_t at = known_count++;
    for (; at > 0 && comes_before(k, &known[at - 1]); at--)
        known[at] = known[at - 1];
    known[at] = *k;
    any_await |= (k->rva & SPIN_AWAIT) != 0;
    any_round |= (k->rva & SPIN_ROUND) != 0;
    more_count += (k->rva & SPIN_MORE) != 0;
    plain_count += (k->rva & SPIN_PLAIN) != 0;
}

bool spins_note_await(const char *image, uint32_t rva, bool yields)
{
    uint32_t entry = rva | SPIN_AWAIT | (yields ? SPIN_YIELDS : 0);
    bool forbidden = is_in(known, known_count, image, rva | SPIN_NO_AWAIT), there = is_in(known, known_count, image, entry) || is_in(noted, noted_count, image, entry);
    return !forbidden && (there || spins_note(image, entry));
}

void spins_forbid_await(const char *image, uint32_t rva)
{
    spins_note(image, rva | SPIN_NO_AWAIT);
}

bool spins_note_more(const char *image, uint32_t rva)
{
    bool fits = more_count < MOST_MORE; /* the last one stands for all */
    return fits ? spins_note(image, rva | SPIN_MORE) : spins_note("", SPIN_MORE);
}

void spins_note_ends(void)
{
    spins_note("*", SPIN_MORE);
}

bool spins_ends_matter(void)
{
    return more_count && is_in(known, known_count, "*", SPIN_MORE);
}

bool spins_note_round(const char *image, uint32_t rva)
{
    return spins_note(image, rva | SPIN_ROUND);
}

bool spins_any_round(void)
{
    return any_round;
}

bool spins_is_round(const char *image, uint32_t rva)
{
    return any_round && is_in(known, known_count, image, rva | SPIN_ROUND);
}

bool spins_any_more(void)
{
    return more_count != 0;
}

bool spins_is_more(const char *image, uint32_t rva)
{
    return is_in(known, known_count, image, rva | SPIN_MORE) || is_in(known, known_count, "", SPIN_MORE);
}

bool spins_note_no_more_plain(void)
{
    return spins_note("", SPIN_PLAIN);
}

bool spins_note_plain(const char *image, uint32_t rva)
{
    size_t noted_plain = 0;
    for (size_t i = 0; i < noted_count; i++)
        noted_plain += (noted[i].rva & SPIN_PLAIN) != 0;
    if (is_in(known, known_count, image, rva | SPIN_PLAIN) || is_in(noted, noted_count, image, rva | SPIN_PLAIN))
        return false;
    return plain_count + noted_plain < MOST_PLAIN ? spins_note(image, rva | SPIN_PLAIN) : spins_note_no_more_plain();
}

bool spins_no_more_plain(void)
{
    return spins_any_plain() && is_in(known, known_count, "", SPIN_PLAIN);
}

bool spins_any_plain(void)
{
    return plain_count != 0;
}

bool spins_is_plain(const char *image, uint32_t rva)
{
    return plain_count && is_in(known, known_count, image, rva | SPIN_PLAIN);
}

bool spins_is_await(const char *image, uint32_t rva, bool *yields)
{
    *yields = is_in(known, known_count, image, rva | SPIN_AWAIT | SPIN_YIELDS);
    return (*yields || is_in(known, known_count, image, rva | SPIN_AWAIT)) && !is_in(known, known_count, image, rva | SPIN_NO_AWAIT);
}

bool spins_any_await(void)
{
    return any_await;
}

bool spins_apply(void)
{
    if (!noted_count)
        return false;
    for (size_t i = 0; i < noted_count; i++)
        add(&noted[i]);
    noted_count = 0;
    generation++;
    return true;
}

bool spins_add(const char *image, uint32_t rva)
{
    return spins_note(image, rva) && spins_apply();
}

bool spins_waiting(void)
{
    return noted_count != 0;
}

void spins_forget_noted(void)
{
    noted_count = 0;
}

size_t spins_count(void)
{
    return known_count;
}

const struct spin *spins_get(size_t i)
{
    return &known[i];
}

unsigned spins_generation(void)
{
    return generation;
}
