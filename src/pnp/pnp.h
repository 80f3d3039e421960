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

enum devnode_state { NODE_FOUND, NODE_ADDED, NODE_STARTED, NODE_FAILED, NODE_DISABLED /* or waiting to be enabled */, NODE_SURPRISE /* removed below open files */,
                     NODE_REMOVED };

/* CM_PROB_…, what keeps a device from running. */
enum pnp_problem { PROBLEM_FAILED_START = 10, PROBLEM_WILL_BE_REMOVED = 21, PROBLEM_DISABLED = 22, PROBLEM_DEVICE_NOT_THERE = 24, PROBLEM_FAILED_INSTALL = 28,
                   PROBLEM_FAILED_ADD = 31, PROBLEM_FAILED_POST_START = 43, PROBLEM_HELD_FOR_EJECT = 47 };

/* CM_DEVCAP_… */
enum { PNP_CAP_EJECT = 2, PNP_CAP_REMOVABLE = 4, PNP_CAP_UNIQUE_ID = 0x10, PNP_CAP_RAW = 0x40, PNP_CAP_SURPRISE_OK = 0x80 };

/* PNP_VETO_TYPE, who refused a removal. */
enum pnp_veto { PNP_VETO_UNKNOWN, PNP_VETO_APPLICATION = 3, PNP_VETO_OUTSTANDING_OPEN = 5, PNP_VETO_DEVICE = 6, PNP_VETO_DRIVER = 7, PNP_VETO_ILLEGAL_REQUEST = 8,
                PNP_VETO_NON_DISABLEABLE = 10 };

struct devnode {
    DEVICE_OBJECT *pdo; /* referenced */
    struct devnode *parent, *child, *sibling;
    uint32_t number; /* what programs know it by: their DEVINST */
    enum devnode_state state;
    unsigned problem; /* enum pnp_problem; 0 = none */
    bool stays; /* NODE_SURPRISE: it is still there, with its problem, when the last file is closed */
    bool told_removed; /* who registered for it has been told */
    bool not_disableable;
    bool no_relations; /* it said nothing when asked for relations the last time */
    bool installed; /* the registry was told what an INF file says of it */
    bool uninstalled;
    char device_id[200]; /* "USB\VID_045E&PID_0990" */
    char instance[64];
    char hwids[600]; /* hardware and compatible ids, separated by newlines */
    char text[200], location[200]; /* IRP_MN_QUERY_DEVICE_TEXT */
    char service[64];
    char driver_key[64]; /* "{class}\\0000"; "" = no driver */
    uint32_t address, ui_number; /* of the capabilities; UINT32_MAX = none */
    uint32_t capabilities; /* CM_DEVCAP_… */
    DEVICE_POWER_STATE device_states[PowerSystemMaximum]; /* of the capabilities */
    bool has_bus;
    PNP_BUS_INFORMATION bus;
    IO_RESOURCE_REQUIREMENTS_LIST *requirements; /* pool, as the bus gave them; NULL = none */
    CM_RESOURCE_LIST *raw, *translated; /* pool; assigned */
    struct property *properties;
    const struct config_device *root; /* of irplab's own devices: the answers to control codes */
    uint32_t root_calls;
};

/* The interrupt line that a started device was given, and its messages, which are counted through all descriptors. false: none. */
struct pnp_interrupt {
    ULONG vector;
    KIRQL irql;
    bool shared, latched;
};
bool pnp_interrupt_of(const DEVICE_OBJECT *pdo, struct pnp_interrupt *out);
bool pnp_message_of(const DEVICE_OBJECT *pdo, ULONG number, struct pnp_interrupt *out);

/* What programs may hear of. */
enum pnp_event_kind { PNP_EVENT_ARRIVAL, PNP_EVENT_REMOVAL, PNP_EVENT_QUERY_REMOVE, PNP_EVENT_REMOVE_CANCELLED, PNP_EVENT_REMOVED, PNP_EVENT_CUSTOM, PNP_EVENT_STARTED,
                      PNP_EVENT_GONE };
struct pnp_event {
    enum pnp_event_kind kind;
    const DEVICE_OBJECT *pdo; /* of targets and instances */
    const struct devnode *node;
    const GUID *class; /* of interfaces */
    const char *link; /* "\\??\\…" */
    const void *custom; /* GUID, file, offset, data: TARGET_DEVICE_CUSTOM_NOTIFICATION from Event on */
    ULONG custom_bytes;
};
/* Returns false where a program refuses (query-remove). NULL: nobody listens. */
extern bool (*pnp_user_hook)(const struct pnp_event *e);

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
/* What drivers, programs and the configuration may ask for. It is done by a system worker thread, after what was asked for before. */
enum pnp_request { PNP_DISABLE, PNP_ENABLE, PNP_RESTART, PNP_QUERY_AND_REMOVE, PNP_EJECT, PNP_ENUMERATE, PNP_SURPRISE, PNP_REBALANCE, PNP_UNINSTALL, PNP_STATE,
                   PNP_CLOSED };
struct pnp_answer {
    NTSTATUS status; /* STATUS_PLUGPLAY_QUERY_VETOED: see veto */
    enum pnp_veto veto;
    char name[300]; /* of who refused */
};
/* The tree does not change between these; may be nested. PASSIVE_LEVEL. */
void pnp_tree_enter(void);
void pnp_tree_leave(void);
/* PASSIVE_LEVEL; waits until it is done. */
void pnp_request(struct devnode *n, enum pnp_request what, struct pnp_answer *a);
/* Query-remove and remove, children first. */
void pnp_remove_all(void);
struct devnode *pnp_root(void);
/* DN_… */
uint32_t pnp_status(const struct devnode *n);
/* DEVICE_REGISTRY_PROPERTY; as IoGetDeviceProperty. */
NTSTATUS pnp_property(const struct devnode *n, ULONG property, ULONG length, PVOID buffer, ULONG *result);
/* DEVPROPKEY; as IoGetDevicePropertyData and IoSetDevicePropertyData. */
struct property_key;
NTSTATUS pnp_keyed_get(struct devnode *n, const struct property_key *key, ULONG lcid, ULONG size, PVOID data, ULONG *needed, ULONG *type);
NTSTATUS pnp_keyed_set(struct devnode *n, const struct property_key *key, ULONG lcid, ULONG type, ULONG size, const void *data);
/* Where the registry has a device (instance key, above "Device Parameters") and its driver. */
void pnp_instance_path(const struct devnode *n, char *out, size_t size);
void pnp_software_path(const struct devnode *n, char *out, size_t size);
/* The interfaces, in the order of their registration: index 0, 1, …; false: no more. */
struct pnp_interface {
    const char *link; /* "\\??\\…" */
    const char *guid; /* "{…}" in lower case */
    GUID class;
    const DEVICE_OBJECT *pdo;
    bool enabled;
};
bool pnp_interface_at(uint32_t index, struct pnp_interface *out);
/* The reference string at the end of a link, with its backslash; "" if there is none. */
const char *pnp_interface_reference(const char *link);
/* Device objects of irplab's own root bus that are alive. */
uint64_t pnp_root_device_count(void);
struct devnode *pnp_node_of(const DEVICE_OBJECT *pdo);
/* The first device that is there with this hardware, compatible or instance id; NULL. */
struct devnode *pnp_find(const char *id);
/* Replaces ${interface:{GUID}} by the user-mode path of the first enabled interface of that class; false if there is none. */
bool pnp_expand(const char *text, char *out, size_t size);

/* Exports that siblings call by their NT name; documented where they are defined. */
NTSTATUS IoGetDeviceInterfaces(const GUID *class_guid, DEVICE_OBJECT *pdo, ULONG flags, WCHAR **list);
NTSTATUS IoGetDeviceInterfacePropertyData(const UNICODE_STRING *link, const struct property_key *key, ULONG lcid, ULONG flags, ULONG size, PVOID data, ULONG *needed,
                                          ULONG *type);

#endif
