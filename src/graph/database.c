/* Reading and writing indexes. */
#include "graph/database.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Changes whenever the records or what is put into them do. */
static const char magic[16] = "irplab index 001";

enum { ARRAYS = 9 };

struct header {
    char magic[16];
    struct graph_hash image, payload;
    struct graph_entry entry;
    uint64_t pdb_size;
    int64_t pdb_time;
    uint64_t image_base;
    uint32_t size_of_image, entry_rva, guard_slots[4];
    uint32_t count[ARRAYS];
    uint64_t offset[ARRAYS];
    uint64_t size;
};

struct array {
    void **at;
    uint32_t *count;
    size_t each;
};

static void arrays_of(struct graph_index *x, struct array out[ARRAYS])
{
    const struct array all[ARRAYS] = {
        { (void **)&x->functions, &x->function_count, sizeof *x->functions },
        { (void **)&x->edges, &x->edge_count, sizeof *x->edges },
        { (void **)&x->incoming, &x->incoming_count, sizeof *x->incoming },
        { (void **)&x->parts, &x->part_count, sizeof *x->parts },
        { (void **)&x->parts_of, &x->part_count, sizeof *x->parts_of },
        { (void **)&x->imports, &x->import_count, sizeof *x->imports },
        { (void **)&x->symbols, &x->symbol_count, sizeof *x->symbols },
        { (void **)&x->tables, &x->table_count, sizeof *x->tables },
        { (void **)&x->strings, &x->string_size, 1 },
    };
    memcpy(out, all, sizeof all);
}

/* --- where ------------------------------------------------------------------------------------------------ */

bool graph_database_folder(char *out, size_t n)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        return snprintf(out, n, "%s/irplab/graph", cache) < (int)n;
    return home && home[0] == '/' && snprintf(out, n, "%s/.cache/irplab/graph", home) < (int)n;
}

static bool make_folders(char *path)
{
    for (char *c = path + 1; *c; c++)
        if (*c == '/') {
            *c = 0;
            if (mkdir(path, 0700) != 0 && errno != EEXIST)
                return false;
            *c = '/';
        }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool file_of(const struct graph_hash *h, char *out, size_t n)
{
    char folder[3800];
    return graph_database_folder(folder, sizeof folder) &&
           snprintf(out, n, "%s/%016" PRIx64 "%016" PRIx64 ".idx", folder, h->a, h->b) < (int)n;
}

/* --- program databases -------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *base = path;
    for (; *path; path++)
        if (*path == '/' || *path == '\\')
            base = path + 1;
    return base;
}

static bool exists(const char *folder, int length, const char *name)
{
    char path[8192];
    return snprintf(path, sizeof path, "%.*s%s%s", length, folder, length && folder[length - 1] != '/' ? "/" : "", name) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

/* Whether what is there now would give other names. */
static bool pdb_changed(const struct graph_image *g, const struct graph_open *how, const struct header *h)
{
    struct pe_codeview cv;
    struct stat st;
    if (h->entry.pdb[0])
        return stat(h->entry.pdb, &st) == 0 && ((uint64_t)st.st_size != h->pdb_size || st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec != h->pdb_time);
    if (!pe_codeview(&g->m, &cv))
        return false;
    const char *name = base_name(cv.path), *dir = how ? how->symbol_dir : NULL;
    int length = (int)(base_name(g->path) - g->path);
    return name[0] && (exists(g->path, length, name) || (dir && exists(dir, (int)strlen(dir), name)));
}

/* --- loading -------------------------------------------------------------------------------------------------- */

static bool is_sound(const struct header *h, const struct graph_hash *image, size_t size)
{
    struct graph_index x;
    struct array arrays[ARRAYS];
    arrays_of(&x, arrays);
    if (size < sizeof *h || memcmp(h->magic, magic, sizeof magic) != 0 || h->size != size || memcmp(&h->image, image, sizeof *image) != 0)
        return false;
    for (int k = 0; k < ARRAYS; k++)
        if (h->offset[k] > size || (size - h->offset[k]) / arrays[k].each < h->count[k])
            return false;
    struct graph_hash payload = graph_hash_bytes(h + 1, size - sizeof *h);
    return memcmp(&payload, &h->payload, sizeof payload) == 0;
}

bool graph_database_load(struct graph_image *g, const struct graph_open *how)
{
    char path[4096];
    struct graph_hash hash = graph_hash_bytes(g->pe.file, g->pe.file_size);
    struct stat st;
    int fd = file_of(&hash, path, sizeof path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    void *at = fstat(fd, &st) == 0 && st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (at == MAP_FAILED)
        return false;
    const struct header *h = at;
    if (!is_sound(h, &hash, (size_t)st.st_size) || pdb_changed(g, how, h)) {
        munmap(at, (size_t)st.st_size);
        return false;
    }
    struct array arrays[ARRAYS];
    arrays_of(&g->x, arrays);
    for (int k = 0; k < ARRAYS; k++) {
        *arrays[k].at = (char *)at + h->offset[k];
        *arrays[k].count = h->count[k];
    }
    g->x.image_base = h->image_base;
    g->x.size_of_image = h->size_of_image;
    g->x.entry = h->entry_rva;
    memcpy(g->x.guard_slots, h->guard_slots, sizeof h->guard_slots);
    g->mapping = at;
    g->mapping_size = (size_t)st.st_size;
    g->from_database = true;
    return true;
}

/* --- storing -------------------------------------------------------------------------------------------------- */

static void describe(struct header *h, const struct graph_image *g, const char *pdb, double seconds)
{
    struct stat st;
    char *full = realpath(g->path, NULL);
    snprintf(h->entry.image, sizeof h->entry.image, "%s", full ? full : g->path);
    free(full);
    gethostname(h->entry.machine, sizeof h->entry.machine - 1);
    full = pdb ? realpath(pdb, NULL) : NULL;
    if (full && stat(full, &st) == 0) {
        snprintf(h->entry.pdb, sizeof h->entry.pdb, "%s", full);
        h->pdb_size = (uint64_t)st.st_size;
        h->pdb_time = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    }
    free(full);
    h->entry.image_size = g->pe.file_size;
    h->entry.made = time(NULL);
    h->entry.seconds = seconds;
    h->entry.functions = g->x.function_count;
    h->entry.edges = g->x.edge_count;
}

static char *flatten(const struct graph_image *g, struct header *h)
{
    struct array arrays[ARRAYS];
    struct graph_index x = g->x;
    arrays_of(&x, arrays);
    h->size = sizeof *h;
    for (int k = 0; k < ARRAYS; k++) {
        h->offset[k] = h->size;
        h->count[k] = *arrays[k].count;
        h->size += (h->count[k] * arrays[k].each + 7) & ~(uint64_t)7;
    }
    h->entry.index_size = h->size;
    char *all = calloc(1, h->size);
    for (int k = 0; all && k < ARRAYS; k++)
        if (h->count[k])
            memcpy(all + h->offset[k], *arrays[k].at, h->count[k] * arrays[k].each);
    if (all) {
        h->payload = graph_hash_bytes(all + sizeof *h, h->size - sizeof *h);
        memcpy(all, h, sizeof *h);
    }
    return all;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

void graph_database_store(const struct graph_image *g, const char *pdb, double seconds)
{
    char path[4096], folder[3800], beside[4200];
    struct header h;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    h.image = graph_hash_bytes(g->pe.file, g->pe.file_size);
    h.image_base = g->x.image_base;
    h.size_of_image = g->x.size_of_image;
    h.entry_rva = g->x.entry;
    memcpy(h.guard_slots, g->x.guard_slots, sizeof h.guard_slots);
    describe(&h, g, pdb, seconds);
    if (!file_of(&h.image, path, sizeof path) || !graph_database_folder(folder, sizeof folder) || !make_folders(folder))
        return;
    char *all = flatten(g, &h);
    snprintf(beside, sizeof beside, "%s.%d", path, (int)getpid());
    int fd = all ? open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    bool ok = fd >= 0 && write_all(fd, all, h.size);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && (!ok || rename(beside, path) != 0))
        unlink(beside);
    free(all);
}

/* --- listing -------------------------------------------------------------------------------------------------- */

static bool read_entry(const char *folder, const char *name, struct graph_entry *out)
{
    char path[4400];
    struct header h;
    size_t n = strlen(name);
    if (n < 4 || strcmp(name + n - 4, ".idx") != 0)
        return false;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    bool ok = f && fread(&h, sizeof h, 1, f) == 1 && memcmp(h.magic, magic, sizeof magic) == 0;
    if (f)
        fclose(f);
    if (ok)
        *out = h.entry;
    return ok;
}

static int newest_first(const void *a, const void *b)
{
    const struct graph_entry *x = a, *y = b;
    return x->made > y->made ? -1 : x->made < y->made ? 1 : strcmp(x->image, y->image);
}

bool graph_database_list(struct graph_entry **out, size_t *count)
{
    char folder[3800];
    DIR *d = graph_database_folder(folder, sizeof folder) ? opendir(folder) : NULL;
    *out = NULL;
    *count = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        struct graph_entry *p = realloc(*out, (*count + 1) * sizeof *p);
        if (!p) {
            closedir(d);
            return false;
        }
        *out = p;
        *count += read_entry(folder, e->d_name, &p[*count]);
    }
    if (d)
        closedir(d);
    if (*count)
        qsort(*out, *count, sizeof **out, newest_first);
    return true;
}
