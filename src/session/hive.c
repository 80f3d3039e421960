/* Registry hive files of the configuration ("registry: - hive: FILE"), read with libhivex. A file is read once, when the configuration is
 * checked; every run gets the same values from memory, and a replay file carries the bytes. */
#include "session/hive.h"

#include <errno.h>
#include <hivex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cm/cm.h"
#include "session/session.h"

enum { LARGEST = 0x8000000, PATH_BYTES = 1200, MOST_VALUES = 200000, DEEPEST = 64 };

struct hive_value {
    char *path; /* below the hive's key; "" = that itself */
    char *name; /* NULL: the key alone */
    uint32_t type;
    uint8_t *data;
    size_t size;
};

struct hive {
    struct hive_value *values;
    size_t count, room;
};

static struct hive hives[CONFIG_MAX_HIVES]; /* of the process: the configuration is */

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

static bool add(struct hive *h, const char *path, const char *name, uint32_t type, uint8_t *data, size_t size)
{
    if (h->count == MOST_VALUES)
        return false;
    if (h->count == h->room) {
        h->room = h->room ? h->room * 2 : 256;
        struct hive_value *more = realloc(h->values, h->room * sizeof *more);
        if (!more)
            return false;
        h->values = more;
    }
    h->values[h->count++] = (struct hive_value) { strdup(path), name ? strdup(name) : NULL, type, data, size };
    return true;
}

static bool read_values(struct hive *h, hive_h *file, hive_node_h node, const char *path)
{
    hive_value_h *values = hivex_node_values(file, node);
    bool ok = values != NULL;
    for (size_t i = 0; ok && values[i]; i++) {
        hive_type type;
        size_t size = 0;
        char *name = hivex_value_key(file, values[i]);
        char *data = hivex_value_value(file, values[i], &type, &size);
        ok = name && data && add(h, path, name, (uint32_t)type, (uint8_t *)data, size);
        free(name);
    }
    free(values);
    return ok;
}

static bool read_key(struct hive *h, hive_h *file, hive_node_h node, const char *path, unsigned depth)
{
    char below[PATH_BYTES];
    if (depth == DEEPEST || !add(h, path, NULL, 0, NULL, 0) || !read_values(h, file, node, path))
        return false;
    hive_node_h *children = hivex_node_children(file, node);
    bool ok = children != NULL;
    for (size_t i = 0; ok && children[i]; i++) {
        char *name = hivex_node_name(file, children[i]);
        int n = name ? snprintf(below, sizeof below, "%s\\%s", path, name) : -1;
        ok = n > 0 && (size_t)n < sizeof below && read_key(h, file, children[i], below, depth + 1);
        free(name);
    }
    free(children);
    return ok;
}

/* libhivex reads files: the bytes become one without a name. */
static bool parse(struct hive *h, const uint8_t *bytes, uint64_t size)
{
    char path[64];
    int fd = memfd_create("hive", 0);
    bool ok = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    hive_h *file = ok ? hivex_open(path, 0) : NULL;
    ok = file && read_key(h, file, hivex_root(file), "", 0);
    if (file)
        hivex_close(file);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool read_bytes(const char *path, uint8_t **bytes, uint64_t *size, char *err, size_t errlen)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    *bytes = NULL;
    if (!f || fstat(fileno(f), &st) != 0) {
        snprintf(err, errlen, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode) || st.st_size > LARGEST) {
        snprintf(err, errlen, "%s: is no file, or too large for a hive", path);
    } else {
        *size = (uint64_t)st.st_size;
        *bytes = malloc(*size + 1);
        if (!*bytes || fread(*bytes, 1, *size, f) != *size) {
            snprintf(err, errlen, "%s: cannot be read", path);
            free(*bytes);
            *bytes = NULL;
        }
    }
    if (f)
        fclose(f);
    return *bytes != NULL;
}

/* Guests cannot spell a name with a colon. */
static void name_of(const struct config_hive *c, char *out, size_t size)
{
    snprintf(out, size, "hive:%.200s", base_name(c->file));
}

static bool bytes_of(const struct config *c, const struct config_hive *x, const uint8_t **bytes, uint64_t *size, char *err, size_t errlen)
{
    char name[256], path[CONFIG_PATH];
    uint8_t *own;
    name_of(x, name, sizeof name);
    const struct session_file *f;
    for (uint32_t i = 0; (f = session_data(i)) != NULL; i++)
        if (strcmp(f->name, name) == 0) {
            *bytes = f->bytes;
            *size = f->size;
            return true;
        }
    if (!config_find_file(c, x->file, path, sizeof path)) {
        snprintf(err, errlen, "%.700s: no such file", x->file);
        return false;
    }
    if (!read_bytes(path, &own, size, err, errlen))
        return false;
    *bytes = own;
    if (session_data_add(name, own, *size))
        return true;
    snprintf(err, errlen, "%.700s: too many files", x->file);
    return false;
}

bool hives_read(const struct config *c, char *err, size_t errlen)
{
    for (uint32_t i = 0; i < c->hive_count; i++) {
        const uint8_t *bytes;
        uint64_t size;
        if (hives[i].values)
            continue;
        if (!bytes_of(c, &c->hives[i], &bytes, &size, err, errlen))
            return false;
        if (!parse(&hives[i], bytes, size)) {
            snprintf(err, errlen, "%.700s: is not a registry hive, or a damaged one", c->hives[i].file);
            return false;
        }
    }
    return true;
}

void hives_apply(const struct config *c)
{
    for (uint32_t i = 0; i < c->hive_count; i++)
        for (size_t k = 0; k < hives[i].count; k++) {
            const struct hive_value *v = &hives[i].values[k];
            char path[PATH_BYTES + 320];
            snprintf(path, sizeof path, "%s%s", c->hives[i].key, v->path);
            if (v->name)
                cm_set_value(path, v->name, v->type, v->data, v->size);
            else
                cm_make_key(path);
        }
}
