/* Decodes every executable section of the images given with our decoder and with Zydis: counts, disagreements, MB/s. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <Zydis/Zydis.h>

#include "graph/decode.h"
#include "pe/pe.h"

struct total {
    size_t files, bytes, ours, bad, zydis, zydis_bad, different;
    double seconds, zydis_seconds;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ours(const uint8_t *p, const uint8_t *end, struct total *t)
{
    struct graph_insn i;
    double start = now();
    while (p < end) {
        if (graph_decode(p, end, &i)) {
            p += i.length;
            t->ours++;
        } else {
            p++;
            t->bad++;
        }
    }
    t->seconds += now() - start;
}

static void zydis(const uint8_t *p, const uint8_t *end, struct total *t)
{
    ZydisDecoder d;
    ZydisDecodedInstruction z;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    double start = now();
    while (p < end) {
        ZydisDecoderContext c;
        if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &c, p, (ZyanUSize)(end - p), &z))) {
            p += z.length;
            t->zydis++;
        } else {
            p++;
            t->zydis_bad++;
        }
    }
    t->zydis_seconds += now() - start;
}

/* Every length of both, at every instruction. */
static void compare(const uint8_t *text, const uint8_t *end, struct total *t, const char *path)
{
    ZydisDecoder d;
    ZydisDecodedInstruction z;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (const uint8_t *p = text; p < end;) {
        ZydisDecoderContext c;
        struct graph_insn i;
        bool zok = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &c, p, (ZyanUSize)(end - p), &z));
        bool ok = graph_decode(p, end, &i);
        if (zok != ok || (ok && z.length != i.length)) {
            if (t->different++ < 20) {
                fprintf(stderr, "%s+0x%zx: ours %u, zydis %u:", path, (size_t)(p - text), i.length, zok ? z.length : 0);
                for (int k = 0; k < 12 && p + k < end; k++)
                    fprintf(stderr, " %02x", p[k]);
                fprintf(stderr, "\n");
            }
        }
        p += zok ? z.length : 1;
    }
}

static void file(const char *path, struct total *t, bool check)
{
    struct pe_image img;
    char err[PE_ERROR_TEXT];
    if (pe_open_file(path, &img, err, sizeof err) != PE_OK)
        return;
    const struct pe_section *s = pe_section_find(&img, ".text");
    if (s) {
        const uint8_t *text = img.file + s->raw;
        size_t n = s->vsize < s->raw_size ? s->vsize : s->raw_size;
        t->files++;
        t->bytes += n;
        ours(text, text + n, t);
        zydis(text, text + n, t);
        if (check)
            compare(text, text + n, t, path);
    }
    pe_close(&img);
}

static void folder(const char *path, struct total *t, bool check)
{
    DIR *d = opendir(path);
    char name[4096];
    if (!d) {
        file(path, t, check);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            file(name, t, check);
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    struct total t = { 0 };
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
    for (int i = check ? 2 : 1; i < argc; i++)
        folder(argv[i], &t, check);
    printf("%zu files, %zu bytes; ours %zu instructions, %zu bad bytes, %.1f MB/s; Zydis %zu, %zu, %.1f MB/s; ratio %.2f; %zu differ\n",
           t.files, t.bytes, t.ours, t.bad, (double)t.bytes / 1e6 / t.seconds, t.zydis, t.zydis_bad,
           (double)t.bytes / 1e6 / t.zydis_seconds, t.zydis_seconds / t.seconds, t.different);
    return t.ours == t.zydis && t.bad == t.zydis_bad && !t.different ? 0 : 1;
}
