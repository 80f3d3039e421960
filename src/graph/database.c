/* Reading and writing indexes. */
#include "graph/database.h"
#include "pe/symbols.h"

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
static const char magic[16] = "irplab index 004";

enum { ARRAYS = 9 };

struct header {
    char magic[16];
    struct graph_hash image, payload;
    struct graph_entry entry;
    uint64_t pdb_state; /* of the files that were there: see pdb_state() */
    char note[PE_ERROR_TEXT];
    uint64_t image_base;
    uint32_t size_of_image, entry_rva, guard_slots[4], framework;
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

/* Sizes and times of all files that may be the image's program database; 0: there is none. */
static uint64_t pdb_state(const struct graph_image *g, const struct graph_open *how)
{
    struct pe_codeview cv;
    char path[4096];
    uint64_t state = 0;
    if (!pe_codeview(&g->m, &cv))
        return 0;
    for (int i = 0; pe_pdb_candidate(&cv, g->path, how ? how->symbol_dir : NULL, i, path, sizeof path); i++) {
        struct stat st;
        if (stat(path, &st) != 0)
            continue;
        const uint64_t about[3] = { state, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec };
        state = graph_hash_bytes(about, sizeof about).a | 1;
    }
    return state;
}

/* Whether what is there now would give other names. An index that came from elsewhere keeps the names it has. */
static bool pdb_changed(const struct graph_image *g, const struct graph_open *how, const struct header *h)
{
    uint64_t state = pdb_state(g, how);
    return state && state != h->pdb_state;
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
    g->x.framework = h->framework;
    memcpy(g->x.guard_slots, h->guard_slots, sizeof h->guard_slots);
    snprintf(g->note, sizeof g->note, "%.*s", (int)sizeof h->note - 1, h->note);
    g->mapping = at;
    g->mapping_size = (size_t)st.st_size;
    g->from_database = true;
    return true;
}

/* --- storing -------------------------------------------------------------------------------------------------- */

static void describe(struct header *h, const struct graph_image *g, const struct graph_open *how, const char *pdb, double seconds)
{
    char *full = realpath(g->path, NULL);
    snprintf(h->entry.image, sizeof h->entry.image, "%s", full ? full : g->path);
    free(full);
    gethostname(h->entry.machine, sizeof h->entry.machine - 1);
    full = pdb ? realpath(pdb, NULL) : NULL;
    snprintf(h->entry.pdb, sizeof h->entry.pdb, "%s", full ? full : "");
    free(full);
    h->pdb_state = pdb_state(g, how);
    memcpy(h->note, g->note, sizeof h->note);
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

/* A file without a name until it is complete: nothing is left of one whose writer is killed. */
static bool store_unnamed(const char *folder, const char *path, const char *all, size_t size)
{
    char proc[64], beside[4200];
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    snprintf(beside, sizeof beside, "%s.%06x", path, (unsigned)fd << 20 ^ ((unsigned)getpid() & 0xfffff));
    bool ok = write_all(fd, all, size);
    if (ok && linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0) /* one is there: it is replaced */
        ok = errno == EEXIST && linkat(AT_FDCWD, proc, AT_FDCWD, beside, AT_SYMLINK_FOLLOW) == 0 && (rename(beside, path) == 0 || unlink(beside) == 0);
    close(fd);
    return ok;
}

/* The same where the file system has no files without a name. */
static void store_beside(const char *path, const char *all, size_t size)
{
    char beside[4200];
    snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC);
    bool ok = fd >= 0 && write_all(fd, all, size);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && (!ok || rename(beside, path) != 0))
        unlink(beside);
}

void graph_database_store(const struct graph_image *g, const struct graph_open *how, const char *pdb, double seconds)
{
    char path[4096], folder[3800];
    struct header h;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    h.image = graph_hash_bytes(g->pe.file, g->pe.file_size);
    h.image_base = g->x.image_base;
    h.size_of_image = g->x.size_of_image;
    h.entry_rva = g->x.entry;
    h.framework = g->x.framework;
    memcpy(h.guard_slots, g->x.guard_slots, sizeof h.guard_slots);
    describe(&h, g, how, pdb, seconds);
    if (!file_of(&h.image, path, sizeof path) || !graph_database_folder(folder, sizeof folder) || !make_folders(folder))
        return;
    char *all = flatten(g, &h);
    if (all && !store_unnamed(folder, path, all, h.size))
        store_beside(path, all, h.size);
    free(all);
}

/* --- listing -------------------------------------------------------------------------------------------------- */

/* What a process that was killed while it wrote has left: names that end in six letters, older than an hour. */
static void remove_leftovers(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[4400];
        struct stat st;
        const char *dot = strstr(e->d_name, ".idx.");
        if (!dot || strlen(dot) != 11 || snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path)
            continue;
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > 3600)
            unlink(path);
    }
    if (d)
        closedir(d);
}

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
    if (ok) {
        *out = h.entry;
        out->image[sizeof out->image - 1] = out->machine[sizeof out->machine - 1] = out->pdb[sizeof out->pdb - 1] = 0;
    }
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
    if (d)
        remove_leftovers(folder);
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
