/* irplab imports: what images need, and what of it is supported. Nothing is loaded or run. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "base/assert.h"
#include "cli/options.h"
#include "pe/pe.h"
#include "session/frameworks.h"
#include "sim/door.h"
#include "sim/image.h"

static const char help[] =
    "usage: irplab imports [--json] IMAGE…\n"
    "\n"
    "Lists the imports of each image and whether irplab supports them: supported, partial or missing. Exports of the other images\n"
    "given count as supported. The exit status is 1 if something is missing.\n"
    "\n"
    "example: irplab imports build/cases/camera-create-cancelled/usbvideo.sys\n";

enum { MAX_IMAGES = 64 };

struct listed {
    const char *path;
    struct pe_image pe;
    struct pe_mapped mapped;
};

struct context {
    FILE *text; /* shown once all images have been read: bad input leaves stdout empty */
    struct listed *images;
    int count;
    const struct listed *current;
    json_t *list;
    bool json, missing_any;
    size_t supported, partial, missing;
};

static const char *base_name(const char *path)
{
    const char *s = strrchr(path, '/');
    return s ? s + 1 : path;
}

static bool same_module(const char *a, const char *b)
{
    size_t la = strcspn(a, "."), lb = strcspn(b, ".");
    return la == lb && strncasecmp(a, b, la) == 0;
}

static bool is_kernel(const char *module)
{
    return strcasecmp(module, "ntoskrnl.exe") == 0 || strcasecmp(module, "hal.dll") == 0;
}

static bool is_driver(const struct listed *l)
{
    return l->pe.subsystem == PE_SUBSYSTEM_NATIVE;
}

/* In the table behind the door, under the name that the loader would look it up by. */
static const char *state_in_table(const struct listed *from, const char *module, const char *name)
{
    module = image_canonical_module(module);
    if (strcasecmp(module, "hal") == 0)
        module = "hal.dll";
    if (is_kernel(module) != is_driver(from))
        return NULL;
    for (uint32_t i = 0; i < door_count; i++) {
        const struct door_entry *e = &door_table[i];
        bool fits = same_module(e->module, module) || (is_kernel(module) && is_kernel(e->module));
        if (fits && e->state != DOOR_INTERNAL && strcmp(e->name, name) == 0)
            return e->state == DOOR_PARTIAL ? "partial" : "supported";
    }
    for (uint32_t i = 0; i < door_data_count; i++)
        if (same_module(door_data[i].module, module) && strcmp(door_data[i].name, name) == 0)
            return "supported";
    return NULL;
}

/* One of the drivers that irplab brings, opened when first asked for; NULL. */
static struct listed *framework(const char *module)
{
    static struct listed opened[8];
    static char paths[8][1024];
    static int count;
    char path[1024], why[PE_ERROR_TEXT];
    if (!framework_find(module, path, sizeof path))
        return NULL;
    for (int i = 0; i < count; i++)
        if (strcmp(opened[i].path, path) == 0)
            return &opened[i];
    if (count == 8)
        return NULL;
    struct listed *l = &opened[count];
    memset(l, 0, sizeof *l);
    snprintf(paths[count], sizeof paths[count], "%s", path);
    l->path = paths[count];
    if (pe_open_file(path, &l->pe, why, sizeof why) != PE_OK || pe_map_private(&l->pe, &l->mapped, why, sizeof why) != PE_OK)
        return NULL;
    count++;
    return l;
}

static const char *state_of(const struct context *c, const struct listed *from, const char *module, const char *name, uint32_t ordinal, int depth);

/* An export of another image given, or what it is forwarded to. */
static const char *state_in_image(const struct context *c, const struct listed *l, const char *name, uint32_t ordinal, int depth)
{
    struct pe_export e;
    struct pe_forwarder fw;
    bool found = name ? pe_export_by_name(&l->mapped, name, &e) : pe_export_by_ordinal(&l->mapped, ordinal, &e);
    if (!found)
        return "missing";
    if (!e.forward)
        return "supported";
    return depth < 8 && pe_forwarder_parse(e.forward, &fw) ? state_of(c, l, fw.module, fw.name, fw.ordinal, depth + 1) : "missing";
}

/* name NULL: by ordinal */
static const char *state_of(const struct context *c, const struct listed *from, const char *module, const char *name, uint32_t ordinal, int depth)
{
    const char *s = name ? state_in_table(from, module, name) : NULL;
    for (int i = 0; i < c->count && !s; i++)
        if (is_driver(&c->images[i]) == is_driver(from) && same_module(base_name(c->images[i].path), module))
            s = state_in_image(c, &c->images[i], name, ordinal, depth);
    struct listed *f = s ? NULL : framework(module);
    if (f && is_driver(from))
        s = state_in_image(c, f, name, ordinal, depth);
    return s ? s : "missing";
}

static bool on_import(void *ctx, const struct pe_import *imp)
{
    struct context *c = ctx;
    char module[128], ordinal[16];
    size_t n = 0;
    for (; imp->module[n] && n + 1 < sizeof module; n++)
        module[n] = (char)tolower((unsigned char)imp->module[n]);
    module[n] = 0;
    snprintf(ordinal, sizeof ordinal, "#%u", imp->ordinal);
    const char *name = imp->name ? imp->name : ordinal, *state = state_of(c, c->current, module, imp->name, imp->ordinal, 0);
    size_t *count = strcmp(state, "missing") == 0 ? &c->missing : strcmp(state, "partial") == 0 ? &c->partial : &c->supported;
    (*count)++;
    c->missing_any |= count == &c->missing;
    if (c->json)
        json_array_append_new(c->list, json_pack("{s:s, s:s, s:s}", "module", module, "name", name, "state", state));
    else
        fprintf(c->text, "  %-10s %s!%s%s\n", state, module, name, imp->delay ? "  (delay-loaded)" : "");
    return true;
}

static bool open_all(struct context *c, char *err, size_t errlen)
{
    for (int i = 0; i < c->count; i++) {
        struct listed *l = &c->images[i];
        char why[PE_ERROR_TEXT];
        if (pe_open_file(l->path, &l->pe, why, sizeof why) != PE_OK || pe_map_private(&l->pe, &l->mapped, why, sizeof why) != PE_OK) {
            snprintf(err, errlen, "%s: %s", l->path, why);
            return false;
        }
    }
    return true;
}

int cli_imports(int argc, char **argv)
{
    struct listed images[MAX_IMAGES];
    struct context c = { .images = images };
    memset(images, 0, sizeof images);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_OK;
        }
        if (strcmp(argv[i], "--json") == 0) {
            c.json = true;
        } else if (strcmp(argv[i], "--quiet") == 0 || strcmp(argv[i], "--verbose") == 0) {
            continue;
        } else if (strcmp(argv[i], "--color") == 0) {
            i++;
        } else if (argv[i][0] == '-') {
            return usage_error("unknown option '%s'; see irplab imports --help", argv[i]);
        } else if (c.count == MAX_IMAGES) {
            return usage_error("more than %d images", MAX_IMAGES);
        } else {
            images[c.count++].path = argv[i];
        }
    }
    if (!c.count)
        return usage_error("imports of what? Give an IMAGE; see irplab imports --help");
    char err[1200];
    if (!open_all(&c, err, sizeof err))
        return usage_error("%s", err);
    json_t *all = json_array();
    char *text = NULL;
    size_t text_size = 0;
    c.text = open_memstream(&text, &text_size);
    IR_ASSERT(c.text);
    for (int i = 0; i < c.count; i++) {
        char why[PE_ERROR_TEXT];
        c.current = &images[i];
        c.list = json_array();
        c.supported = c.partial = c.missing = 0;
        if (!c.json)
            fprintf(c.text, "%s\n", images[i].path);
        if (pe_imports(&images[i].mapped, on_import, &c, why, sizeof why) != PE_OK) {
            json_decref(c.list);
            json_decref(all);
            fclose(c.text);
            free(text);
            return usage_error("%s: %s", images[i].path, why);
        }
        if (!c.json)
            fprintf(c.text, "  %zu supported, %zu partial, %zu missing\n", c.supported, c.partial, c.missing);
        json_array_append_new(all, json_pack("{s:s, s:o}", "image", images[i].path, "imports", c.list));
    }
    json_t *j = json_pack("{s:o}", "images", all);
    fclose(c.text);
    fputs(text, stdout);
    free(text);
    if (c.json) {
        json_dumpf(j, stdout, JSON_INDENT(2));
        printf("\n");
    }
    json_decref(j);
    return c.missing_any ? EXIT_FAILURE_FOUND : EXIT_OK;
}
