/* Random programs with their number of happens-before classes, by brute force, and how many of these wait for ever: brute_list PROGRAMS SEED. */
#include <stdio.h>
#include <stdlib.h>

#include "brute.h"
#include "models.h"

static const struct random_shape shapes[] = {
    {"rwfcccw", 4, 5, 3, 4},
    {"rwfccw", 4, 5, 2, 3, .locks = true},
    {"rwfcw", 3, 4, 2, 3, .locks = true, .nested = true},
    {"rwxxycf", 4, 5, 3, 3},
    {"rwcLLZTDD", 3, 4, 3, 2},
    {"rwcLEEFD", 3, 4, 3, 2},
    {"KKrfcL", 3, 3, 2, 2},
    {"rwcLZTD", 3, 4, 2, 2, .locks = true},
};

static bool without_trylock(const char *text)
{
    for (; *text; text++)
        if (*text == 't')
            return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct vm_program program;
    struct brute_result r;
    char text[400];
    unsigned programs = argc > 1 ? (unsigned)atoi(argv[1]) : 10, done = 0;
    uint64_t seed = argc > 2 ? (uint64_t)atoll(argv[2]) * 2654435761u + 1 : 1;
    for (unsigned i = 0; done < programs; i++) {
        model_random_text(&seed, &shapes[i % (sizeof shapes / sizeof *shapes)], text, sizeof text);
        model_text(&program, text);
        brute_force(&program, 4000, false, &r);
        if (r.too_large || r.classes > 150 || !without_trylock(text))
            continue;
        printf("%s %llu %llu\n", text, (unsigned long long)r.classes, (unsigned long long)r.failing);
        done++;
    }
    return 0;
}
