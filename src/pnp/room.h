/* Private to pnp. */
#ifndef IRPLAB_PNP_ROOM_H
#define IRPLAB_PNP_ROOM_H

#include "pnp/pnp.h"
#include "sim/machine.h"

struct interface_record {
    struct interface_record *next;
    DEVICE_OBJECT *pdo;
    char guid[40]; /* "{…}" in lower case */
    char link[400]; /* "\??\ROOT#X#0000#{guid}" */
    bool enabled;
};

struct pnp_room {
    struct devnode *root;
    const struct config *config;
    DRIVER_OBJECT *root_driver;
    struct interface_record *interfaces; /* in the order of registration */
};

struct pnp_room *pnp_room(void);
struct devnode *pnp_node_new(struct devnode *parent, DEVICE_OBJECT *pdo);
NTSTATUS pnp_start_node(struct devnode *n, char *err, size_t errlen);
NTSTATUS pnp_enumerate(struct devnode *n, char *err, size_t errlen);
NTSTATUS pnp_send(DEVICE_OBJECT *device, IO_STACK_LOCATION *parameters, ULONG_PTR *information);
void pnp_roots_make(const struct config *config);
void pnp_interfaces_disable(const DEVICE_OBJECT *pdo);
void pnp_interfaces_forget(const DEVICE_OBJECT *pdo);
/* Creates a key with all its parents. */
void pnp_registry_key_make(const char *path);

#endif
