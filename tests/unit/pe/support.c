#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char *image_dir = ".";

const char *image_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", image_dir, name);
    return path;
}

void load(struct loaded *l, const char *path)
{
    memset(l, 0, sizeof *l);
    if (pe_open_file(path, &l->img, l->err, sizeof l->err) != PE_OK)
        fail_msg("%s: %s", path, l->err);
    assert_int_equal(pe_map_private(&l->img, &l->m, l->err, sizeof l->err), PE_OK);
}

void unload(struct loaded *l)
{
    pe_unmap_private(&l->m);
    pe_close(&l->img);
}

void load_executable(struct loaded *l, const char *path)
{
    memset(l, 0, sizeof *l);
    if (pe_open_file(path, &l->img, l->err, sizeof l->err) != PE_OK)
        fail_msg("%s: %s", path, l->err);
    void *at = mmap(NULL, l->img.size_of_image, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    pe_map(&l->img, at, &l->m);
    if (pe_relocate(&l->m, (uint64_t)at, l->err, sizeof l->err) != PE_OK)
        fail_msg("%s: %s", path, l->err);
}

void unload_executable(struct loaded *l)
{
    munmap(l->m.base, l->m.size);
    pe_close(&l->img);
}

uint8_t *read_bytes(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *p = malloc(*size + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, *size, f), *size);
    fclose(f);
    return p;
}
