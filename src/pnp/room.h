/* Private to pnp. */
#ifndef IRPLAB_PNP_ROOM_H
#define IRPLAB_PNP_ROOM_H

#include "pnp/pnp.h"
#include "sim/machine.h"

struct config_device;
struct config_driver;
struct notification;
struct property;
struct job;
struct pnp_lock;
struct wmi_room;

struct interface_record {
    struct interface_record *next;
    DEVICE_OBJECT *pdo;
    GUID class;
    char guid[40]; /* "{…}" in lower case */
    char link[400]; /* "\??\ROOT#X#0000#{guid}", with "\reference" */
    bool enabled;
    bool pended; /* to be enabled when the device is started */
    struct property *properties;
};

struct pnp_room {
    struct devnode *root;
    const struct config *config;
    DRIVER_OBJECT *root_driver;
    struct interface_record *interfaces; /* in the order of registration */
    struct notification *notifications;
    uint64_t notification_serial;
    uint32_t node_serial;
    /* One change of the tree at a time. */
    struct pnp_lock *lock; /* pool */
    const struct agent *owner;
    unsigned depth;
    struct job *jobs; /* oldest first */
    bool drain_queued;
    struct wmi_room *wmi; /* once anybody asked for it */
};

struct pnp_room *pnp_room(void);
/* For the reduction: which nodes there are and their states are one object. */
void pnp_tree_touch(unsigned how);
void pnp_node_state(struct devnode *n, enum devnode_state state);
/* So are the interfaces. */
void pnp_interfaces_touch(unsigned how);
void pnp_wmi_init(void);
struct devnode *pnp_node_new(struct devnode *parent, DEVICE_OBJECT *pdo);
NTSTATUS pnp_start_node(struct devnode *n, char *err, size_t errlen);
NTSTATUS pnp_enumerate(struct devnode *n, char *err, size_t errlen);
/* Drivers are added and started to a device whose identity is known. */
NTSTATUS pnp_bring_up(struct devnode *n, char *err, size_t errlen);
NTSTATUS pnp_start_device(struct devnode *n);
ULONG_PTR pnp_device_state(struct devnode *n);
DEVICE_RELATIONS *pnp_relations(struct devnode *n, ULONG type);
NTSTATUS pnp_send(DEVICE_OBJECT *device, IO_STACK_LOCATION *parameters, ULONG_PTR *information);
NTSTATUS pnp_send_minor(DEVICE_OBJECT *device, UCHAR minor);
/* IRP_MN_REMOVE_DEVICE; then drivers that have no device left are unloaded. */
void pnp_send_remove(struct devnode *n);
/* Without asking; the node is gone afterwards. */
void pnp_remove_node(struct devnode *n, bool surprise);
/* Surprise removal of a device that is still there: the node stays, with its problem. */
void pnp_fail_node(struct devnode *n, unsigned problem);
void pnp_resources_free(struct devnode *n);
void pnp_roots_make(const struct config *config);
void pnp_interfaces_disable(const DEVICE_OBJECT *pdo);
void pnp_interfaces_forget(const DEVICE_OBJECT *pdo);
/* After a start: what was enabled during it takes effect. */
void pnp_interfaces_started(const DEVICE_OBJECT *pdo);
struct interface_record *pnp_interface_of(const UNICODE_STRING *link);
/* ids: separated by newlines. */
bool pnp_id_listed(const char *ids, const char *hwid);
void pnp_properties_free(struct property **list);

/* Requirements in pool; NULL if the device has no resources. */
IO_RESOURCE_REQUIREMENTS_LIST *pnp_requirements_of(const struct config_device *d);
/* What is assigned, in pool, in its raw form and as processors see it; NULL for no list. */
CM_RESOURCE_LIST *pnp_resources_assign(const IO_RESOURCE_REQUIREMENTS_LIST *l);
CM_RESOURCE_LIST *pnp_resources_translate(const CM_RESOURCE_LIST *raw);
size_t pnp_resources_bytes(const CM_RESOURCE_LIST *r);

/* Creates a key with all its parents. */
void pnp_registry_key_make(const char *path);
/* The instance and hardware keys of a device that was found. */
void pnp_registry_identify(struct devnode *n);
void pnp_registry_compatible(const struct devnode *n, const char *ids);
/* The software key of a device that gets this function driver. */
void pnp_registry_install(struct devnode *n, const struct config_driver *d);
/* Services\X\Enum as the tree is now. */
void pnp_registry_count_instances(const char *service);
/* Services named as filters of the device or its class, one a line; false: none. */
bool pnp_registry_filters(const struct devnode *n, bool of_class, bool upper, char *out, size_t size);

void pnp_notify_interface(const GUID *class, const char *link, bool enabled);
/* Who refused: PNP_VETO_APPLICATION or PNP_VETO_DRIVER; PNP_VETO_UNKNOWN: nobody. */
enum pnp_veto pnp_notify_query_remove(const DEVICE_OBJECT *pdo);
void pnp_notify_remove_cancelled(const DEVICE_OBJECT *pdo);
void pnp_notify_removed(const DEVICE_OBJECT *pdo);
/* Programs that registered for a device instance. */
void pnp_notify_instance(const struct devnode *n, bool started);

#endif
