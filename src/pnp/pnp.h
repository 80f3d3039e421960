/* Plug and play: the device tree, starting and removing devices, device interfaces, device properties.
 *
 * A device node: found → drivers' AddDevice (lower filters, function, upper filters) → started → bus relations → children …
 *                … → query-remove → removed (children first).
 * irplab's own root bus (\Driver\PnpManager) provides the devices that the configuration asks for. */
#ifndef IRPLAB_PNP_PNP_H
#define IRPLAB_PNP_PNP_H

#include <stdbool.h>

#include "nt/io.h"

struct config;

enum devnode_state { NODE_FOUND, NODE_ADDED, NODE_STARTED, NODE_FAILED, NODE_SURPRISE /* removed below open files */, NODE_REMOVED };

struct devnode {
    DEVICE_OBJECT *pdo; /* referenced */
    struct devnode *parent, *child, *sibling;
    enum devnode_state state;
    char device_id[200]; /* "USB\VID_045E&PID_0990" */
    char instance[64];
    char hwids[600]; /* hardware and compatible ids, separated by newlines */
    char text[200], location[200]; /* IRP_MN_QUERY_DEVICE_TEXT */
    char service[64];
    char driver_key[64]; /* "{class}\\0000"; "" = no driver */
    uint32_t address, ui_number; /* of the capabilities; UINT32_MAX = none */
    bool removable, has_bus;
    PNP_BUS_INFORMATION bus;
    IO_RESOURCE_REQUIREMENTS_LIST *requirements; /* pool, as the bus gave them; NULL = none */
    CM_RESOURCE_LIST *raw, *translated; /* pool; assigned */
    struct property *properties;
    const struct config_device *root; /* of irplab's own devices: the answers to control codes */
    uint32_t root_calls;
};

/* The interrupt that a started device was given. false: none. */
struct pnp_interrupt {
    ULONG vector;
    KIRQL irql;
    bool shared, latched;
};
bool pnp_interrupt_of(const DEVICE_OBJECT *pdo, struct pnp_interrupt *out);

void pnp_init(void);
/* Makes the root devices, adds and starts the whole tree. err: what failed. */
NTSTATUS pnp_start(const struct config *config, char *err, size_t errlen);
struct config_value;
/* Does what a registry entry of the configuration says, in the key at path. */
void pnp_value_apply(const struct config_value *v, const char *path);
/* Plug-and-play notifications that a driver has registered and not unregistered; NULL: drivers that are no longer loaded. */
unsigned pnp_notifications_of(const DRIVER_OBJECT *driver);
/* A file on a device of a stack was closed: a device that is gone may now be removed. */
void pnp_file_closed(DEVICE_OBJECT *device);
/* Query-remove and remove, children first. */
void pnp_remove_all(void);
struct devnode *pnp_root(void);
/* Device objects of irplab's own root bus that are alive. */
uint64_t pnp_root_device_count(void);
struct devnode *pnp_node_of(const DEVICE_OBJECT *pdo);
/* Replaces ${interface:{GUID}} by the user-mode path of the first enabled interface of that class; false if there is none. */
bool pnp_expand(const char *text, char *out, size_t size);

/* Exports that siblings call by their NT name; documented where they are defined. */
NTSTATUS IoGetDeviceInterfaces(const GUID *class_guid, DEVICE_OBJECT *pdo, ULONG flags, WCHAR **list);

#endif
