/* What disassembling alone costs: linear loops of Zydis and Capstone over the executable sections of images.
 * usage: loops zydis|zydis-text|capstone|capstone-text IMAGE… -> instructions, bytes, seconds */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <Zydis/Zydis.h>
#include <capstone/capstone.h>

static unsigned long long instructions, bytes;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void zydis(const unsigned char *p, size_t n, unsigned long long va, int text)
{
    ZydisDecoder d;
    ZydisFormatter f;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderContext c;
    char out[256];
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
    for (size_t at = 0; at < n;) {
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &c, p + at, n - at, &i))) {
            at++;
            continue;
        }
        ZydisDecoderDecodeOperands(&d, &c, &i, op, i.operand_count_visible);
        if (text)
            ZydisFormatterFormatInstruction(&f, &i, op, i.operand_count_visible, out, sizeof out, va + at, NULL);
        at += i.length;
        instructions++;
    }
}

static void capstone(const unsigned char *p, size_t n, unsigned long long va, int detail)
{
    csh h;
    cs_open(CS_ARCH_X86, CS_MODE_64, &h);
    cs_option(h, CS_OPT_DETAIL, detail ? CS_OPT_ON : CS_OPT_OFF);
    cs_insn *i = cs_malloc(h);
    while (n) {
        if (cs_disasm_iter(h, &p, &n, (uint64_t *)&va, i)) {
            instructions++;
            continue;
        }
        p++;
        n--;
        va++;
    }
    cs_free(i, 1);
    cs_close(&h);
}

static void image(const unsigned char *file, size_t size, const char *how)
{
    unsigned pe, rva, raw, offset, vsize, flags;
    unsigned short sections, optional;
    if (size < 0x200 || (memcpy(&pe, file + 0x3c, 4), pe > size - 0x108))
        return;
    memcpy(&sections, file + pe + 6, 2);
    memcpy(&optional, file + pe + 20, 2);
    for (unsigned k = 0; k < sections && pe + 24 + optional + 40 * (k + 1) <= size; k++) {
        const unsigned char *s = file + pe + 24 + optional + 40 * k;
        memcpy(&vsize, s + 8, 4);
        memcpy(&rva, s + 12, 4);
        memcpy(&raw, s + 16, 4);
        memcpy(&offset, s + 20, 4);
        memcpy(&flags, s + 36, 4);
        unsigned n = vsize < raw ? vsize : raw;
        if (!(flags & 0x20000000) || offset > size || n > size - offset)
            continue;
        bytes += n;
        if (how[0] == 'z')
            zydis(file + offset, n, rva, strcmp(how, "zydis-text") == 0);
        else
            capstone(file + offset, n, rva, strcmp(how, "capstone-detail") == 0);
    }
}

int main(int argc, char **argv)
{
    double seconds = 0;
    for (int k = 2; k < argc; k++) {
        FILE *f = fopen(argv[k], "rb");
        fseek(f, 0, SEEK_END);
        long size = ftell(f);
        rewind(f);
        unsigned char *p = malloc((size_t)size + 1);
        if (!p || fread(p, 1, (size_t)size, f) != (size_t)size)
            return 1;
        fclose(f);
        double start = now();
        image(p, (size_t)size, argv[1]);
        seconds += now() - start;
        free(p);
    }
    printf("%llu %llu %.6f\n", instructions, bytes, seconds);
}
