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

enum devnode_state { NODE_FOUND, NODE_ADDED, NODE_STARTED, NODE_FAILED, NODE_REMOVED };

struct devnode {
    DEVICE_OBJECT *pdo; /* referenced */
    struct devnode *parent, *child, *sibling;
    enum devnode_state state;
    char device_id[200]; /* "USB\VID_045E&PID_0990" */
    char instance[64];
    char hwids[400]; /* separated by newlines */
    char service[64];
    const struct config_device *root; /* of irplab's own devices: the answers to control codes */
    uint32_t root_calls;
};

void pnp_init(void);
/* Makes the root devices, adds and starts the whole tree. err: what failed. */
NTSTATUS pnp_start(const struct config *config, char *err, size_t errlen);
/* Query-remove and remove, children first. */
void pnp_remove_all(void);
struct devnode *pnp_root(void);
/* Device objects of irplab's own root bus that are alive. */
uint64_t pnp_root_device_count(void);
struct devnode *pnp_node_of(const DEVICE_OBJECT *pdo);
/* Replaces ${interface:{GUID}} by the user-mode path of the first enabled interface of that class; false if there is none. */
bool pnp_expand(const char *text, char *out, size_t size);

#endif
