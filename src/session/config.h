/* What a run is made of: from the command line, or a case's irplab.yaml. Constant of the process. */
#ifndef IRPLAB_SESSION_CONFIG_H
#define IRPLAB_SESSION_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFIG_MAX_DRIVERS = 16, CONFIG_MAX_DEVICES = 16, CONFIG_MAX_REGISTRY = 64, CONFIG_MAX_ARGS = 64, CONFIG_MAX_CODES = 32, CONFIG_PATH = 1024 };

enum driver_role { ROLE_LEGACY, ROLE_BUS, ROLE_FUNCTION, ROLE_UPPER, ROLE_LOWER };

struct config_driver {
    char file[CONFIG_PATH];
    enum driver_role role;
    char hwid[200]; /* "" = none */
    char inf[CONFIG_PATH];
};

/* An answer of irplab's own device to a control code. */
struct config_code {
    uint32_t code;
    uint32_t status;
    uint32_t bytes; /* Information; the output is zero-filled */
    uint32_t delay_ms; /* completed later, from a DPC; 0 with pend: at once but after returning STATUS_PENDING */
    bool pend;
};

struct config_device {
    char hwid[200];
    struct config_code codes[CONFIG_MAX_CODES];
    uint32_t code_count;
};

struct config_value {
    char path[300]; /* "device:HWID", "service:NAME" or a full path */
    char name[100];
    char text[300]; /* REG_SZ, or a number as written */
    bool is_dword;
};

struct config {
    char name[128]; /* of the case, or of the program */
    char folder[CONFIG_PATH]; /* where relative names are looked for first; "" = current */
    struct config_driver drivers[CONFIG_MAX_DRIVERS];
    uint32_t driver_count;
    struct config_device devices[CONFIG_MAX_DEVICES];
    uint32_t device_count;
    struct config_value registry[CONFIG_MAX_REGISTRY];
    uint32_t registry_count;
    char program[CONFIG_PATH]; /* "" = load, start, unload */
    char args[CONFIG_MAX_ARGS][256];
    uint32_t arg_count;
    uint32_t cpus; /* 2 */
    char os[8]; /* "10" */
    bool time_any;
    uint64_t seed;
    bool verifier; /* the rules of verify/ stop a run (default); off: it goes on to what Windows would do without them */
    /* bounds */
    int32_t preemptions; /* -1 = not given */
    int64_t schedules; /* -1 = not given */
    double time_seconds; /* < 0 = not given */
    char expect[64];
};

void config_init(struct config *c);
/* Reads CASE (a folder with irplab.yaml, or the file). build: folder of built cases ("" = beside the sources only).
 * false and one line in err. */
bool config_read_case(struct config *c, const char *path, char *err, size_t errlen);
/* Finds a driver or program file: as given, in the case folder, in build/cases/NAME. Writes the path found; false if there is none. */
bool config_find_file(const struct config *c, const char *name, char *out, size_t size);

#endif
