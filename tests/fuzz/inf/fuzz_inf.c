/* Hostile INF files through the parser and the installer. `fuzz_inf N FILE...` replays each file and N mutations of it; the same N and
 * files are the same inputs everywhere. A crash is a bug; any refusal is fine, and must say why in one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/config.h"

static struct config config;
static char err[2000];
static unsigned long tried, taken;

/* What the installer needs of the rest of the configuration. */
bool config_find_file(const struct config *c, const char *name, char *out, size_t size)
{
    return false;
}

void config_service(const struct config_driver *d, char *out, size_t size)
{
    snprintf(out, size, "%s", d->service);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&config, 0, sizeof config);
    strcpy(config.os, "10");
    strcpy(config.drivers[config.driver_count++].file, "pnp.sys");
    if (tried++ & 1)
        strcpy(config.devices[config.device_count++].hwid, "ROOT\\CONTRACTPNP");
    err[0] = 0;
    if (inf_install(&config, "fuzz.inf", data, size, err, sizeof err))
        taken++;
    else if (!err[0] || (strchr(err, '\n') && strchr(err, '\n')[1]))
        abort();
    return 0;
}

#ifndef FUZZ_LIBFUZZER

static uint64_t state = 88172645463325252u;

static uint64_t next(void) /* xorshift64 */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Changes that meet the syntax: characters that mean something, lines doubled, cut or moved. */
static size_t edit(uint8_t *p, size_t size, size_t room)
{
    static const char special[] = "[]=,;\"%\\\n\r \t\xFF\xFE{}0x";
    size_t at = next() % size, n = next() % 40;
    switch (next() % 4) {
    case 0:
        p[at] = (uint8_t)special[next() % (sizeof special - 1)];
        return size;
    case 1:
        p[at] = (uint8_t)next();
        return size;
    case 2:
        if (size + n > room)
            return size;
        memmove(p + at + n, p + at, size - at);
        return size + n;
    default:
        n = n < size - at ? n : size - at - 1;
        memmove(p + at, p + at + n, size - at - n);
        return size - n ? size - n : 1;
    }
}

int main(int argc, char **argv)
{
    enum { ROOM = 1 << 16 };
    static uint8_t file[ROOM], work[ROOM];
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
    for (int i = 2; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        size_t size = f ? fread(file, 1, ROOM / 2, f) : 0;
        if (!size)
            return fprintf(stderr, "%s: cannot be read\n", argv[i]), 2;
        fclose(f);
        LLVMFuzzerTestOneInput(file, size);
        for (unsigned long r = 0; r < rounds; r++) {
            memcpy(work, file, size);
            size_t n = size;
            for (uint64_t k = next() % 6 + 1; k--;)
                n = edit(work, n, ROOM);
            /* Exactly as much memory as there is: reading past it is found. */
            uint8_t *own = malloc(n);
            memcpy(own, work, n);
            LLVMFuzzerTestOneInput(own, n);
            free(own);
        }
    }
    printf("%lu inputs, %lu installed\n", tried, taken);
    return 0;
}

#endif
