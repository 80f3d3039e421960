/* Objects: headers, types, reference counts, handles, the namespace. Guest objects carry NT's OBJECT_HEADER in front. */
#ifndef IRPLAB_OB_OB_H
#define IRPLAB_OB_OB_H

#include "nt/ob.h"
#include "nt/types.h"

#include <stdbool.h>

enum ob_type_index {
    OB_NONE,
    OB_TYPE,
    OB_DIRECTORY,
    OB_SYMLINK,
    OB_DEVICE,
    OB_DRIVER,
    OB_FILE,
    OB_EVENT,
    OB_SEMAPHORE,
    OB_MUTANT,
    OB_TIMER,
    OB_THREAD,
    OB_PROCESS,
    OB_KEY,
    OB_SECTION,
    OB_COMPLETION,
    OB_CALLBACK,
    OB_TOKEN,
    OB_WMI_GUID,
    OB_TM_MANAGER,
    OB_TM_RESOURCE,
    OB_TM_TRANSACTION,
    OB_TM_ENLISTMENT,
    OB_TYPE_COUNT,
};

#define OB_NOT_WAITABLE (~0ull)

struct process;

struct ob_type {
    const char *name; /* "File" */
    void (*delete)(void *object); /* last reference gone */
    void (*close)(void *object, struct process *process, bool last_handle_of_all); /* a handle was closed */
    uint64_t offset_of_waitable; /* of the dispatcher header in the body (FILE_OBJECT: its Event), or OB_NOT_WAITABLE */
    bool (*delete_waits)(const void *object); /* NULL: never. Then delete runs in a worker thread if it cannot wait where it is. */
};

void ob_init(void);
void ob_type_register(enum ob_type_index index, const struct ob_type *type);
/* New object, zeroed, PointerCount 1, unnamed. */
void *ob_create(enum ob_type_index type, size_t bytes);
enum ob_type_index ob_type_of(const void *object);
const char *ob_type_name(enum ob_type_index type);
/* Says that an object's last reference matters to this step, where it can. */
void ob_life_touch(const void *object, unsigned how);
void ob_reference(void *object);
void ob_dereference(void *object);
/* Its creator keeps its reference until the object is made temporary again (devices: IoDeleteDevice). */
void ob_make_permanent(void *object);
void ob_make_temporary(void *object);

/* Namespace. Paths as "\\Device\\Foo" in UTF-16. Inserting takes a reference. */
NTSTATUS ob_insert_name(void *object, const UNICODE_STRING *path, ULONG attributes);
void ob_remove_name(void *object);
/* Walks directories and symbolic links. *rest gets what follows the object (a device: the remainder of the path). References. */
NTSTATUS ob_lookup(const UNICODE_STRING *path, ULONG attributes, void **object, UNICODE_STRING *rest);
/* Like ob_lookup, but a symbolic link in the last place is what is found. */
NTSTATUS ob_lookup_link(const UNICODE_STRING *path, void **object);
/* The object's full name as text into out (UTF-8); empty if unnamed. */
void ob_name_text(const void *object, char *out, size_t size);

/* Handles are multiples of 4; kernel handles (of System) have bit 31.. set as NT's do (0xFFFFFFFF80000000 + h). */
NTSTATUS ob_handle_create(struct process *process, void *object, ACCESS_MASK access, ULONG attributes, HANDLE *handle);
/* What a new process gets of its parent's handles. */
void ob_handles_inherit(struct process *from, struct process *to);
NTSTATUS ob_handle_close(struct process *process, HANDLE handle);
/* References the object. type OB_NONE = any. */
NTSTATUS ob_handle_reference(struct process *process, HANDLE handle, enum ob_type_index type, ACCESS_MASK wanted, void **object, ACCESS_MASK *granted);
void ob_handles_close_all(struct process *process);
/* The dispatcher header to wait on for an object; NULL if not waitable. */
void *ob_waitable(void *object);
/* A close routine of types: a name goes with the last handle, unless it is permanent. */
void ob_close_named(void *object, struct process *process, bool last_handle_of_all);
/* Permanent. Takes a reference for the namespace; *object stays the caller's as well. */
NTSTATUS ob_symlink_create(const UNICODE_STRING *name, const UNICODE_STRING *target, void **object);
/* Changes the attributes of a handle (OBJ_INHERIT, OBJ_PROTECT_CLOSE) that are in mask, and gives all of them (NULL: not wanted). */
NTSTATUS ob_handle_attributes(struct process *process, HANDLE handle, ULONG mask, ULONG set, ULONG *attributes);
NTSTATUS ob_handle_duplicate(struct process *from, HANDLE source, struct process *to, ULONG access, bool same_access, ULONG attributes, HANDLE *out);
/* The object that IoFileObjectType and its like point to. */
void *ob_type_object(enum ob_type_index type);
/* ASCII text as a counted string in buffer. */
UNICODE_STRING ob_text(const char *text, WCHAR *buffer, size_t count);
uint64_t ob_live_count(enum ob_type_index type);
/* Each living object of a type, in the order of their addresses; caller: who made it, 0 = unknown. */
void ob_walk(enum ob_type_index type, void (*fn)(void *ctx, void *object, uint64_t caller), void *ctx);
/* Open handles of a process; *first gets one of them with its object. */
uint64_t ob_handle_count(struct process *process, HANDLE *last, void **object);

/* What a wait on the handle would wait on, without a reference; NULL: nothing. For looking ahead. */
void *ob_waitable_of_handle(struct process *process, HANDLE handle);
/* The object, without a reference and without telling that it was looked for; NULL: there is none. */
void *ob_of_handle(struct process *process, HANDLE handle);

/* The full path that object attributes mean: their name, below RootDirectory if they have one (a handle to a directory object of the current
 * process). *path is valid as long as oa and room are. */
enum { OB_PATH_CHARS = 1024 };
struct ob_path {
    UNICODE_STRING name;
    WCHAR room[OB_PATH_CHARS];
};
NTSTATUS ob_attributes_path(const OBJECT_ATTRIBUTES *oa, struct ob_path *path);
/* The object's full name as UTF-16, not terminated; returns the number of characters, and writes those that fit. */
size_t ob_name_wide(const void *object, WCHAR *out, size_t room);

/* Exports that siblings call by their NT name; documented where they are defined. */
NTSTATUS ZwDuplicateObject(HANDLE from_process, HANDLE from, HANDLE to_process, HANDLE *to, ULONG access, ULONG attributes, ULONG options);
NTSTATUS ZwOpenSymbolicLinkObject(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa);
NTSTATUS ZwQuerySymbolicLinkObject(HANDLE handle, UNICODE_STRING *target, ULONG *length);

#endif
