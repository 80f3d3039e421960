/* What a run is made of: from the command line, or a case's irplab.yaml. Constant of the process. */
#ifndef IRPLAB_SESSION_CONFIG_H
#define IRPLAB_SESSION_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFIG_MAX_DRIVERS = 16, CONFIG_MAX_DEVICES = 16, CONFIG_MAX_REGISTRY = 512, CONFIG_MAX_ARGS = 64, CONFIG_MAX_CODES = 32,
       CONFIG_MAX_RESOURCES = 16, CONFIG_MAX_MESSAGES = 16, CONFIG_MAX_INFS = 8, CONFIG_MAX_EVENTS = 32, CONFIG_MAX_HIVES = 8, CONFIG_PATH = 1024, CONFIG_INPUT = 4096 };

enum driver_role { ROLE_LEGACY, ROLE_BUS, ROLE_FUNCTION, ROLE_UPPER, ROLE_LOWER };

struct config_driver {
    char file[CONFIG_PATH];
    enum driver_role role;
    char hwid[600]; /* of its devices, separated by newlines; "" = none */
    char service[64]; /* of an INF; "" = the file's name */
    bool by_registry; /* an INF names its service as a filter: UpperFilters and LowerFilters decide */
    /* What an INF says of the devices of a function driver; "" = nothing. */
    char description[200], manufacturer[200], class_name[64], class_guid[40], section[128], inf_name[64], provider[200], version[64];
};

/* An answer of irplab's own device to a control code. */
struct config_code {
    uint32_t code;
    uint32_t status;
    uint32_t bytes; /* Information; the output is zero-filled */
    uint32_t delay_ms; /* completed later, from a DPC; 0 with pend: at once but after returning STATUS_PENDING */
    bool pend;
    bool interrupt; /* the device asserts its interrupt when it answers */
    uint32_t message; /* or sends this message, counted from 1; 0 = none */
};

/* A hardware resource that the device is started with. */
enum resource_kind { RESOURCE_MEMORY, RESOURCE_PORT, RESOURCE_INTERRUPT, RESOURCE_DMA, RESOURCE_MESSAGES };

struct config_resource {
    enum resource_kind kind;
    uint64_t start; /* address, or vector, or channel, or how many messages */
    uint64_t length; /* of memory and ports */
    bool shared, latched; /* interrupts */
};

struct config_device {
    char hwid[200];
    struct config_resource resources[CONFIG_MAX_RESOURCES];
    uint32_t resource_count;
    struct config_code codes[CONFIG_MAX_CODES];
    uint32_t code_count;
};

/* path: "device:HWID" (its hardware key), "instance:HWID" (the key above that), "driver:HWID" (its software key), "class:HWID" (its
 * class's key), "model:HWID" (what an INF file calls it: the instance key, once a driver is found), "service:NAME", or a full path. subkey lies below it. */
enum value_how { VALUE_SET, VALUE_KEEP /* if it is there */, VALUE_REPLACE /* only if it is there */, VALUE_APPEND, VALUE_DELETE, VALUE_KEY /* only make the key */ };

struct config_value {
    char path[300];
    char subkey[100];
    char name[100];
    char text[1200]; /* REG_SZ and REG_EXPAND_SZ; a number as written; REG_MULTI_SZ separated by newlines; else hexadecimal digits */
    uint32_t type; /* REG_… */
    enum value_how how;
};

/* A registry hive file, and the key that its root is. */
struct config_hive {
    char file[CONFIG_PATH];
    char key[300];
};

/* What happens to the machine while the program runs. */
enum event_kind { EVENT_SLEEP, EVENT_DELAY, EVENT_SURPRISE, EVENT_REMOVAL, EVENT_STOP, EVENT_DISABLE, EVENT_ENABLE, EVENT_RESTART, EVENT_EJECT,
                  EVENT_POWER_SOURCE, EVENT_BATTERY, EVENT_DISPLAY, EVENT_LID, EVENT_AWAY_MODE, EVENT_BATTERY_SAVER, EVENT_KINDS };

struct config_event {
    enum event_kind kind;
    char device[200]; /* hardware id, or device instance id */
    uint32_t number; /* S-state; milliseconds; percent; the value of a power setting */
};

struct config {
    char name[128]; /* of the case, or of the program */
    char folder[CONFIG_PATH]; /* where relative names are looked for first; "" = current */
    struct config_driver drivers[CONFIG_MAX_DRIVERS];
    uint32_t driver_count;
    struct config_device devices[CONFIG_MAX_DEVICES];
    uint32_t device_count;
    char infs[CONFIG_MAX_INFS][CONFIG_PATH];
    uint32_t inf_count;
    struct config_value registry[CONFIG_MAX_REGISTRY];
    uint32_t registry_count;
    struct config_hive hives[CONFIG_MAX_HIVES];
    uint32_t hive_count;
    struct config_event events[CONFIG_MAX_EVENTS]; /* one after the other, from the program's start on; when, is open */
    uint32_t event_count;
    char program[CONFIG_PATH]; /* "" = load, start, unload */
    char args[CONFIG_MAX_ARGS][256];
    uint32_t arg_count;
    char input[CONFIG_INPUT]; /* what is typed at the console, lines end with \n; terminated */
    uint32_t cpus; /* 2 */
    char os[8]; /* "10" */
    bool time_any;
    uint64_t seed;
    bool sweep_off; /* nor are those looked at in a few runs of an exploration (race/sweep.h) */
    uint32_t watch; /* of a hundred memory accesses in images that tell nothing, how many are looked at (race/race.h) */
    bool verifier; /* the rules of verify/ stop a run (default); off: it goes on to what Windows would do without them */
    bool reuse; /* pool blocks that were freed are given out again at once (mm/pool.h) */
    bool guard; /* pool blocks on pages of their own (mm/guard.h) */
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
/* Reads the INF files and does what they say: services, roles, device and registry entries. Once, when everything else is known. */
bool config_install(struct config *c, char *err, size_t errlen);
/* One INF file that is in memory; path names it in err (one line). */
bool inf_install(struct config *c, const char *path, const void *bytes, size_t size, char *err, size_t errlen);
/* The driver's service: of its INF, or the file's name without its ending. */
void config_service(const struct config_driver *d, char *out, size_t size);
/* Finds a driver or program file: as given, in the case folder, in build/cases/NAME. Writes the path found; false if there is none. */
bool config_find_file(const struct config *c, const char *name, char *out, size_t size);

#endif
