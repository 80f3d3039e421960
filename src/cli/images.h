/* What the commands of the static half share: their images and their options. */
#ifndef IRPLAB_CLI_IMAGES_H
#define IRPLAB_CLI_IMAGES_H

#include "graph/image.h"

enum { CLI_MAX_IMAGES = 64 };

struct cli_words { /* arguments that are not options */
    const char *at[CLI_MAX_IMAGES + 64];
    int count;
};

/* Options that every command accepts and that mean nothing to this one are eaten. Returns true if argv[*i] was one. */
bool cli_common_option(int argc, char **argv, int *i);

/* The value of option argv[*i], after '=' or as the next word; NULL: a message was printed. */
const char *cli_option_value(int argc, char **argv, int *i);

/* Opens all or prints one line and returns false. */
bool cli_open_images(struct graph_image *images, const char *const *paths, int count, const struct graph_open *how);
void cli_close_images(struct graph_image *images, int count);

#endif
