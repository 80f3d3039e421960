/* A tree as one HTML page that needs nothing else: the page (page.html) with the tree's JSON in it. */
#include "graph/tree.h"

#include <stdlib.h>
#include <string.h>

extern const char graph_page[];

void graph_tree_html(const struct graph_tree *t, FILE *out)
{
    const char *at = strstr(graph_page, "@DATA@");
    char *json = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&json, &size);
    if (!memory)
        return;
    graph_tree_json(t, memory);
    fclose(memory);
    fwrite(graph_page, 1, (size_t)(at - graph_page), out);
    for (size_t i = 0; i < size; i++) /* names may contain </script> */
        if (json[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(json[i], out);
    fputs(at + strlen("@DATA@"), out);
    free(json);
}
