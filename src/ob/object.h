/* Private to ob: the records behind objects and the room's state. */
#ifndef IRPLAB_OB_OBJECT_H
#define IRPLAB_OB_OBJECT_H

#include "ke/ke.h"
#include "nt/ex.h"
#include "nt/status.h"
#include "ob/ob.h"

/* What an object has beside its header: only named objects and directories have one. */
struct ob_record {
    void *object;
    struct ob_record *next; /* bucket */
    struct ob_record *parent, *first_child, *sibling;
    UNICODE_STRING name; /* private memory */
    UNICODE_STRING target; /* symbolic links */
};

struct ob_room {
    struct ob_record *buckets[256];
    struct ob_record *root;
    uint64_t live[OB_TYPE_COUNT];
    void *type_objects[OB_TYPE_COUNT];
    struct ob_callbacks *callbacks; /* callback.c */
    bool open_links; /* the next lookup ends at a link instead of following it */
};

struct ob_room *ob_room(void);
struct ob_record *ob_record(const void *object);
BOOLEAN KeAreAllApcsDisabled(void);
NTSTATUS ObQueryNameString(PVOID object, UNICODE_STRING *info, ULONG length, ULONG *needed);
const struct ob_type *ob_type_info(enum ob_type_index index);

#endif
