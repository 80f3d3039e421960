/* Opening the images of a static command. */
#include "cli/images.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"

bool cli_common_option(int argc, char **argv, int *i)
{
    if (strcmp(argv[*i], "--quiet") == 0 || strcmp(argv[*i], "--verbose") == 0)
        return true;
    if (strncmp(argv[*i], "--color=", 8) == 0)
        return true;
    if (strcmp(argv[*i], "--color") == 0 && *i + 1 < argc) {
        ++*i;
        return true;
    }
    return false;
}

const char *cli_option_value(int argc, char **argv, int *i)
{
    const char *equals = strchr(argv[*i], '=');
    if (equals)
        return equals + 1;
    if (*i + 1 >= argc) {
        usage_error("%s wants a value", argv[*i]);
        return NULL;
    }
    return argv[++*i];
}

bool cli_open_images(struct graph_image *images, const char *const *paths, int count, const struct graph_open *how)
{
    for (int i = 0; i < count; i++) {
        char err[PE_ERROR_TEXT];
        if (graph_open_image(&images[i], paths[i], how, err, sizeof err) != PE_OK) {
            usage_error("%s: %s", paths[i], err);
            cli_close_images(images, i);
            return false;
        }
    }
    return true;
}

void cli_close_images(struct graph_image *images, int count)
{
    for (int i = 0; i < count; i++)
        graph_close_image(&images[i]);
}
