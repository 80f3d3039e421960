/* Private to cm: keys and values. Bookkeeping in private memory; a guest holds key objects (through handles), which name a key by
 * its number. */
#ifndef IRPLAB_CM_KEY_H
#define IRPLAB_CM_KEY_H

#include "cm/cm.h"
#include "ke/ke.h"
#include "nt/status.h"

enum { KEY_NAME_CHARS = 256, VALUE_NAME_CHARS = 16383, KEY_PATH_CHARS = 1024, PATH_DEPTH = 64 };

struct cm_value {
    WCHAR *name;
    USHORT name_bytes;
    uint32_t type;
    uint8_t *data;
    ULONG size;
    struct cm_value *next; /* in the order in which they were made */
};

struct cm_key {
    WCHAR *name;
    USHORT name_bytes;
    WCHAR *class_name;
    USHORT class_bytes;
    uint64_t id;
    uint64_t written_100ns;
    bool is_volatile, deleted;
    struct cm_key *parent, *children, *sibling; /* children in the order of their upper-case names */
    struct cm_value *values;
    void *maker; /* the transaction that made the key and has not ended; only it sees the key. NULL: none */
    UNICODE_STRING *told_name; /* in pool: what CmCallbackGetKeyObjectID gave out; NULL: nothing */
};

struct cm_notify;

struct cm_room {
    struct cm_key *root; /* \Registry */
    struct cm_key **by_id; /* deleted keys stay */
    uint64_t key_count, key_capacity;
    struct cm_notify *notifies;
    struct cm_callbacks *callbacks; /* callback.c */
    void *viewer; /* the transaction of the operation that is being done; NULL: none */
    void *root_object; /* \Registry as a key object, kept; NULL until it is asked for */
};

struct cm_room *cm_room(void);

/* ---- tree.c ---- */

/* \Registry, for an operation that belongs to no transaction. */
struct cm_key *cm_root(void);

struct cm_key *cm_child(const struct cm_key *key, const WCHAR *name, size_t chars);
/* Whether the operation that is being done sees the key; the next child that it sees, from c on. */
bool cm_sees(const struct cm_key *key);
struct cm_key *cm_seen(struct cm_key *c);
/* A child of that name that is hidden from it. */
bool cm_is_hidden(const struct cm_key *key, const WCHAR *name, size_t chars);
struct cm_key *cm_child_make(struct cm_key *key, const WCHAR *name, size_t chars, bool is_volatile);
void cm_key_delete(struct cm_key *key);
/* false: the parent has another key of that name. */
bool cm_key_rename(struct cm_key *key, const WCHAR *name, size_t chars);
/* Nobody is told the name any more that CmCallbackGetKeyObjectID gave out. */
void cm_told_name_drop(struct cm_key *key);
struct cm_value *cm_value(const struct cm_key *key, const WCHAR *name, size_t chars);
void cm_value_set(struct cm_key *key, const WCHAR *name, size_t chars, uint32_t type, const void *data, ULONG size);
bool cm_value_delete(struct cm_key *key, const WCHAR *name, size_t chars);
/* Full path into text (KEY_PATH_CHARS characters); returns how many. */
size_t cm_key_path(const struct cm_key *key, WCHAR *text);
/* Walks path from key. Returns the last key that exists; *rest is what is left of path after it (empty: all was found). */
struct cm_key *cm_walk_path(struct cm_key *key, const WCHAR *path, size_t chars, const WCHAR **rest, size_t *rest_chars);
/* Makes all of path below key. */
struct cm_key *cm_path_make(struct cm_key *key, const WCHAR *path, size_t chars, bool is_volatile);

/* ---- object.c ---- */

/* The key that a handle of the current process means; STATUS_KEY_DELETED if it is gone. */
NTSTATUS cm_key_of(HANDLE handle, struct cm_key **key);
/* The key of a key object, deleted or not. */
struct cm_key *cm_key_of_object(const void *object);
/* The same, to change the key. Stops the run if the handle belongs to a transaction, but the key was there before it. */
NTSTATUS cm_key_to_change(HANDLE handle, struct cm_key **key);
/* A new key object, bound to the transaction of the operation that is being done; the caller's reference. */
void *cm_object_make(const struct cm_key *key);
/* The transaction that a key object is bound to, or NULL. */
void *cm_transaction_of_object(const void *object);
NTSTATUS cm_handle_make(struct cm_key *key, ACCESS_MASK access, ULONG attributes, HANDLE *handle);

/* ---- notify.c ---- */

enum { NOTIFY_NAME = 1, NOTIFY_ATTRIBUTES = 2, NOTIFY_LAST_SET = 4, NOTIFY_SECURITY = 8 };
/* Something of this kind changed in key. The change is complete: waking may switch. */
void cm_notify(const struct cm_key *key, ULONG what);
/* The last handle of a key object is closed: what it waits for ends. */
void cm_notify_closed(const void *object);

void cm_object_init(void);

#endif
