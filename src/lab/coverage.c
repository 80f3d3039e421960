/* The edges that were executed, as a file: coverage.json in the folder of --output. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lab/failures.h"
#include "race/coverage.h"
#include "sim/image.h"

/* "function+0x12", or the place alone. */
static void symbol_of(const struct coverage_image *c, uint32_t rva, char *out, size_t size)
{
    uint32_t offset = 0;
    const char *name = image_file_symbol(c->file, rva, &offset);
    if (name)
        snprintf(out, size, "%s+0x%x", name, offset);
    else
        snprintf(out, size, "0x%x", rva);
}

static json_t *edges_of(const struct coverage_image *c)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < c->edges; k++) {
        char symbol[300];
        if (!c->counts[k])
            continue;
        symbol_of(c, c->rvas[k], symbol, sizeof symbol);
        json_array_append_new(list, json_pack("{s:I, s:I, s:I, s:s}", "edge", (json_int_t)k, "rva", (json_int_t)c->rvas[k], "count", (json_int_t)c->counts[k], "symbol", symbol));
    }
    return list;
}

bool lab_coverage_write(struct irplab *lab)
{
    char folder[CONFIG_PATH], path[CONFIG_PATH + 20];
    if (!coverage_any() || !lab->output[0])
        return true;
    if (!lab_output_folder(lab, folder, sizeof folder))
        return false;
    snprintf(path, sizeof path, "%s/coverage.json", folder);
    json_t *images = json_array();
    const struct coverage_image *c;
    for (size_t i = 0; (c = coverage_image(i)) != NULL; i++)
        json_array_append_new(images, json_pack("{s:s, s:I, s:o}", "image", c->file->name, "all", (json_int_t)c->edges, "edges", edges_of(c)));
    json_t *head = json_pack("{s:o}", "images", images);
    struct base_file f;
    bool ok = base_file_begin(&f, path);
    ok = ok && base_file_end(&f, json_dumpf(head, f.stream, JSON_INDENT(2)) == 0);
    json_decref(head);
    return ok || lab_fail(lab, "%s: %s", path, strerror(errno));
}
