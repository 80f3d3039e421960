/* What the commands of the static half share: their images and their options. */
#ifndef IRPLAB_CLI_IMAGES_H
#define IRPLAB_CLI_IMAGES_H

#include "graph/image.h"

enum { CLI_MAX_WORDS = 4096 };

struct cli_words { /* arguments that are not options */
    const char *at[CLI_MAX_WORDS];
    int count;
    bool quiet, verbose;
};

struct cli_images {
    struct graph_image *at;
    size_t count;
};

/* Options that every command accepts and that mean nothing to this one are eaten. Returns true if argv[*i] was one. */
bool cli_common_option(struct cli_words *words, int argc, char **argv, int *i);

/* The value of option argv[*i], after '=' or as the next word; NULL: a message was printed. */
const char *cli_option_value(int argc, char **argv, int *i);

/* Opens the first `count` words, a memory dump as the modules in it; or prints one line and returns false. With `symbol` of the form module!name
 * only that module of a dump is analysed, and the kernel. A program database that is there and does not fit is told on stderr,
 * one that is missing with --verbose. Close in any case. */
bool cli_open_images(struct cli_images *images, const struct cli_words *words, int count, const char *symbol, const struct graph_open *how);
void cli_close_images(struct cli_images *images);

#endif
