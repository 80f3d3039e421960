/* Scanning every image of the folders and files given: plans must be sound whatever the compiler made. */
#include <Zydis/Zydis.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pe/pe.h"
#include "sim/patch.h"

static unsigned images, sites, jumps, atomics, atomic_jumps, failures;

static void fail(const char *path, const struct patch_site *t, const char *why)
{
    printf("%s: site 0x%x of kind %d: %s\n", path, t->rva, t->kind, why);
    failures++;
}

static bool decodes(const struct pe_mapped *m, uint32_t rva, uint8_t length)
{
    ZydisDecoder d;
    ZydisDecodedInstruction in;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, NULL, m->base + rva, 15, &in)) && in.length == length;
}

/* Windows ascend and do not touch; copies are whole instructions that follow one another; offsets ascend. */
static void check(const char *path, const struct pe_mapped *m, const struct patch_plan *p)
{
    uint32_t end = 0, offset = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct patch_site *t = &p->sites[i];
        uint32_t window_end = t->rva + t->length, next = t->window;
        sites++;
        jumps += t->patched == 5;
        atomics += t->kind == PATCH_ATOMIC;
        atomic_jumps += t->kind == PATCH_ATOMIC && t->patched == 5;
        if (t->patched != 0 && t->patched != 1 && t->patched != 5)
            fail(path, t, "a patch of a strange size");
        if (t->window < end || t->window > t->rva)
            fail(path, t, "windows overlap");
        if (t->patched == 1 && t->window != t->rva && t->kind != PATCH_ATOMIC)
            fail(path, t, "int3 elsewhere");
        if (t->patched && memcmp(t->original, m->base + t->window, t->patched) != 0)
            fail(path, t, "other original bytes");
        for (uint32_t k = t->first_copy; k < t->first_copy + t->copies; k++) {
            const struct patch_copy *c = &p->copies[k];
            if (c->rva == t->rva + t->length && next == t->rva && t->kind != PATCH_ATOMIC)
                next = c->rva;
            if (c->rva != next || !decodes(m, c->rva, c->length) || c->offset < offset)
                fail(path, t, "a copy that does not fit");
            next = c->rva + c->length;
            offset = c->offset + c->length;
        }
        if (next > window_end)
            window_end = next;
        if (t->patched == 5 && window_end - t->window < 5)
            fail(path, t, "no room for a jump");
        if (offset > p->trampoline_bytes || p->trampoline_bytes > patch_room(m->size))
            fail(path, t, "no room for a trampoline");
        end = t->patched ? window_end : end;
    }
}

static void scan(const char *path)
{
    struct pe_image file;
    struct pe_mapped m;
    char err[PE_ERROR_TEXT];
    if (pe_open_file(path, &file, err, sizeof err) != PE_OK)
        return;
    if (pe_map_private(&file, &m, err, sizeof err) == PE_OK) {
        images++;
        struct patch_plan *p = patch_scan("test.sys", &file, &m, false);
        check(path, &m, p);
        free(p->sites);
        free(p->copies);
        free(p);
        pe_unmap_private(&m);
    }
    pe_close(&file);
}

static void scan_folder(const char *path)
{
    DIR *d = opendir(path);
    char name[4096];
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        scan(name);
    }
    if (d)
        closedir(d);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            scan_folder(argv[i]);
        else
            scan(argv[i]);
    }
    printf("%u images, %u sites (%u by jump), %u atomic (%u by jump), %u failures\n", images, sites, jumps, atomics, atomic_jumps, failures);
    return failures != 0 || images == 0;
}
