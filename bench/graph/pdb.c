/* How long the names of an image take to load: pdb IMAGE -> symbols, best milliseconds of 20. */
#include <stdio.h>
#include <time.h>

#include "pe/symbols.h"

int main(int argc, char **argv)
{
    struct pe_image image;
    double best = 1e9;
    size_t count = 0;
    char err[256];
    if (argc < 2 || pe_open_file(argv[1], &image, err, sizeof err) != PE_OK)
        return 1;
    for (int k = 0; k < 20; k++) {
        struct timespec a, b;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        struct pe_symbols *s = pe_symbols_load(&image, argv[1], NULL, err, sizeof err);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
        best = ms < best ? ms : best;
        count = pe_symbol_count(s);
        pe_symbols_free(s);
    }
    printf("%zu %.3f\n", count, best);
    return 0;
}
