/* The parts of `irplab graph` that print tables. */
#ifndef IRPLAB_CLI_GRAPH_TABLES_H
#define IRPLAB_CLI_GRAPH_TABLES_H

#include "cli/images.h"

/* what: --functions, --edges or --index. */
int cli_graph_table(const struct cli_images *images, const char *what);
/* --modules of memory dumps: what is in them, without analysing it. */
int cli_graph_modules(const char *const *paths, int count, bool json);
int cli_graph_list(bool json);

#endif
