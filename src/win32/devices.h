/* Private to win32: devices as setupapi and cfgmgr32 see them. */
#ifndef IRPLAB_WIN32_DEVICES_H
#define IRPLAB_WIN32_DEVICES_H

#include "pnp/pnp.h"
#include "win32/win32.h"

enum { DEVICE_ID_BYTES = 300, DEVICE_DATA_BYTES = 4096 };

/* CONFIGRET */
enum { CR_SUCCESS = 0, CR_INVALID_POINTER = 3, CR_INVALID_FLAG = 4, CR_INVALID_DEVNODE = 5, CR_NO_SUCH_DEVNODE = 0xD, CR_FAILURE = 0x13, CR_REMOVE_VETOED = 0x17,
       CR_BUFFER_SMALL = 0x1A, CR_INVALID_DEVICE_ID = 0x1E, CR_INVALID_DATA = 0x1F, CR_NOT_DISABLEABLE = 0x29, CR_NO_SUCH_REGISTRY_KEY = 0x2E,
       CR_NO_SUCH_VALUE = 0x25, CR_ACCESS_DENIED = 0x33, CR_INVALID_PROPERTY = 0x35, CR_NO_SUCH_DEVICE_INTERFACE = 0x37 };

/* DEVPROPKEY */
struct property_key {
    GUID set;
    ULONG id;
};

/* A kernel call around work on the device tree. */
void devices_enter(struct syscall *sc);

/* The node behind a DEVINST; NULL: none, or it is gone. */
struct devnode *device_of(ULONG number);
/* Why there is none: CR_NO_SUCH_DEVNODE for one that is gone, or CR_INVALID_DEVNODE. */
ULONG device_missing(ULONG number);
/* By device instance id. gone: also one that was there once (the newest). */
struct devnode *device_named(const char *id, bool gone);
void device_id(const struct devnode *n, char out[DEVICE_ID_BYTES]);
/* All nodes below the root, parents before children, in the order in which they were found; index from 0; NULL: no more. A device that
 * is gone is there once, unless it has come back. */
struct devnode *device_at(ULONG index, bool gone);
/* Setup class; false: none (no driver). */
bool device_class(const struct devnode *n, GUID *class);
/* One of CM_DRP_… (SPDRP_… + 1). data: DEVICE_DATA_BYTES; strings are UTF-16. CR_… */
ULONG device_registry_property(struct devnode *n, ULONG property, ULONG *type, void *data, ULONG *bytes);
ULONG device_registry_property_set(struct devnode *n, ULONG property, const void *data, ULONG bytes);
/* REG_SZ and REG_MULTI_SZ in the ANSI code page; returns the bytes. */
ULONG device_text_narrow(ULONG type, const void *data, ULONG bytes, char *out);
/* A registry key below HKLM, opened or made. Win32 error. */
LONG device_key_open(const char *path, bool create, ULONG access, HANDLE *key);
/* The key of a device's hardware or driver; false: it has no driver. path: below HKLM. */
bool device_key_path(const struct devnode *n, bool software, char *path, size_t size);
void device_narrow(const WCHAR *w, char *out, size_t size);
bool device_guid(const char *text, GUID *out);
ULONG device_request(struct devnode *n, enum pnp_request what, struct pnp_answer *a);
/* The link of a device interface for programs ("\\?\…"). */
void device_link(const char *link, char *out, size_t size);
/* The interface with this path; false: none. */
bool device_interface_named(const char *path, struct pnp_interface *out);
/* Setup class's key below HKLM, by its GUID. */
void device_class_path(const GUID *class, char *path, size_t size);
void device_guid_text(const GUID *g, char out[40]);
bool device_same_guid(const GUID *a, const GUID *b);

/* The device that a handle is open on; NULL. Only to be compared. */
const DEVICE_OBJECT *device_of_file(HANDLE handle);
/* Windows that listen are told; false: one refuses. */
bool device_broadcast_event(const struct pnp_event *e);

LONG RegOpenKeyExW(HANDLE key, const WCHAR *sub_key, ULONG options, ULONG access, HANDLE *out);
LONG RegCreateKeyExW(HANDLE key, const WCHAR *sub_key, ULONG reserved, WCHAR *class, ULONG options, ULONG access, void *security, HANDLE *out, ULONG *disposition);

#endif
