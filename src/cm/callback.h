/* Registry callbacks: what drivers registered with CmRegisterCallback(Ex), and one operation on its way through them.
 *
 *     struct cm_call *c = cm_call_begin(RegNtPreX, RegNtPostX, object, bytes of the class's structure);
 *     … fill c->guest->info …
 *     if (cm_call_pre(c)) status = the operation, else status = c->status;
 *     status = cm_call_end(c, status);
 *
 * cm_call_begin returns NULL if nobody is to be told: then the operation is simply done. The structures lie in pool; callbacks run at
 * PASSIVE_LEVEL in the calling thread and may raise, so callers hold nothing meanwhile. */
#ifndef IRPLAB_CM_CALLBACK_H
#define IRPLAB_CM_CALLBACK_H

#include "cm/key.h"

/* REG_NOTIFY_CLASS (wdm.h). */
enum {
    REG_NT_PRE_DELETE_KEY = 0, REG_NT_PRE_SET_VALUE_KEY, REG_NT_PRE_DELETE_VALUE_KEY, REG_NT_PRE_SET_INFORMATION_KEY, REG_NT_PRE_RENAME_KEY,
    REG_NT_PRE_ENUMERATE_KEY, REG_NT_PRE_ENUMERATE_VALUE_KEY, REG_NT_PRE_QUERY_KEY, REG_NT_PRE_QUERY_VALUE_KEY,
    REG_NT_PRE_QUERY_MULTIPLE_VALUE_KEY, REG_NT_PRE_KEY_HANDLE_CLOSE = 14, REG_NT_POST_DELETE_KEY = 15, REG_NT_POST_KEY_HANDLE_CLOSE = 25,
    REG_NT_PRE_CREATE_KEY_EX = 26, REG_NT_POST_CREATE_KEY_EX, REG_NT_PRE_OPEN_KEY_EX, REG_NT_POST_OPEN_KEY_EX, REG_NT_PRE_FLUSH_KEY,
    REG_NT_POST_FLUSH_KEY, REG_NT_CALLBACK_OBJECT_CONTEXT_CLEANUP = 40,
};

typedef struct REG_KEY_INFORMATION { /* delete, flush, handle close */
    PVOID Object, CallContext, ObjectContext, Reserved;
} REG_KEY_INFORMATION;
typedef struct REG_SET_VALUE_KEY_INFORMATION {
    PVOID Object;
    UNICODE_STRING *ValueName;
    ULONG TitleIndex, Type;
    const void *Data;
    ULONG DataSize;
    PVOID CallContext, ObjectContext, Reserved;
} REG_SET_VALUE_KEY_INFORMATION;
typedef struct REG_NAME_KEY_INFORMATION { /* delete value, rename */
    PVOID Object;
    UNICODE_STRING *Name;
    PVOID CallContext, ObjectContext, Reserved;
} REG_NAME_KEY_INFORMATION;
typedef struct REG_SET_INFORMATION_KEY_INFORMATION {
    PVOID Object;
    ULONG KeySetInformationClass;
    PVOID KeySetInformation;
    ULONG KeySetInformationLength;
    PVOID CallContext, ObjectContext, Reserved;
} REG_SET_INFORMATION_KEY_INFORMATION;
typedef struct REG_ENUMERATE_KEY_INFORMATION { /* keys and values */
    PVOID Object;
    ULONG Index, Class;
    PVOID Information;
    ULONG Length;
    ULONG *ResultLength;
    PVOID CallContext, ObjectContext, Reserved;
} REG_ENUMERATE_KEY_INFORMATION;
typedef struct REG_QUERY_KEY_INFORMATION {
    PVOID Object;
    ULONG Class;
    PVOID Information;
    ULONG Length;
    ULONG *ResultLength;
    PVOID CallContext, ObjectContext, Reserved;
} REG_QUERY_KEY_INFORMATION;
typedef struct REG_QUERY_VALUE_KEY_INFORMATION {
    PVOID Object;
    UNICODE_STRING *ValueName;
    ULONG Class;
    PVOID Information;
    ULONG Length;
    ULONG *ResultLength;
    PVOID CallContext, ObjectContext, Reserved;
} REG_QUERY_VALUE_KEY_INFORMATION;
typedef struct REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION {
    PVOID Object, ValueEntries;
    ULONG EntryCount;
    PVOID ValueBuffer;
    ULONG *BufferLength, *RequiredBufferLength;
    PVOID CallContext, ObjectContext, Reserved;
} REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION;
typedef struct REG_CREATE_KEY_INFORMATION { /* the V1 form */
    UNICODE_STRING *CompleteName;
    PVOID RootObject, ObjectType;
    ULONG Options;
    UNICODE_STRING *Class;
    PVOID SecurityDescriptor, SecurityQualityOfService;
    ACCESS_MASK DesiredAccess, GrantedAccess;
    ULONG *Disposition;
    PVOID *ResultObject;
    PVOID CallContext, RootObjectContext, Transaction;
    ULONG_PTR Version;
    UNICODE_STRING *RemainingName;
    ULONG Wow64Flags, Attributes;
    UCHAR CheckAccessMode;
} REG_CREATE_KEY_INFORMATION;
_Static_assert(sizeof(REG_CREATE_KEY_INFORMATION) == 0x88, "REG_CREATE_KEY_INFORMATION_V1");
typedef struct REG_POST_OPERATION_INFORMATION {
    PVOID Object;
    NTSTATUS Status;
    PVOID PreInformation;
    NTSTATUS ReturnStatus;
    PVOID CallContext, ObjectContext, Reserved;
} REG_POST_OPERATION_INFORMATION;
_Static_assert(sizeof(REG_POST_OPERATION_INFORMATION) == 0x38, "REG_POST_OPERATION_INFORMATION");

/* What callbacks get addresses in: pool. */
struct cm_call_guest {
    union {
        REG_KEY_INFORMATION key;
        REG_SET_VALUE_KEY_INFORMATION set_value;
        REG_NAME_KEY_INFORMATION name;
        REG_SET_INFORMATION_KEY_INFORMATION set_information;
        REG_ENUMERATE_KEY_INFORMATION enumerate;
        REG_QUERY_KEY_INFORMATION query;
        REG_QUERY_VALUE_KEY_INFORMATION query_value;
        REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION query_multiple;
        REG_CREATE_KEY_INFORMATION create;
    } info;
    REG_POST_OPERATION_INFORMATION post;
    ULONG result_length, buffer_length, disposition;
    PVOID result_object;
    UNICODE_STRING name, remaining, class_name;
    WCHAR text[]; /* the name's, then the class's */
};

enum { CM_MAX_CALLBACKS = 64 };

struct cm_call {
    uint32_t pre, post;
    void *object; /* whose context the callbacks are given */
    bool holds; /* object is to be dereferenced in the end */
    size_t contexts_at; /* of CallContext in info; the object's context follows it */
    NTSTATUS status; /* of an operation that a callback kept from happening */
    size_t guest_bytes;
    struct cm_call_guest *guest;
    unsigned seen; /* callbacks that are to be told of the end */
    struct {
        uint64_t cookie;
        PVOID call_context;
    } at[CM_MAX_CALLBACKS];
};

/* name and class_name may be NULL; they are copied, since the caller's may lie where no guest can look. */
struct cm_call *cm_call_begin(uint32_t pre, uint32_t post, void *object, size_t contexts_at, const UNICODE_STRING *name, const UNICODE_STRING *class_name);
/* false: the operation is not to be done; c->status says what it ends with. */
bool cm_call_pre(struct cm_call *c);
/* Tells those that let it happen, and returns what the operation ends with. object: the key that it was done on, or that it gave. */
NTSTATUS cm_call_tell_end(struct cm_call *c, void *object, NTSTATUS status);
void cm_call_free(struct cm_call *c);

/* The same for an operation on an open key: object is the key's, and referenced until the end. NULL too if the handle is none. */
struct cm_call *cm_call_begin_key(uint32_t pre, uint32_t post, HANDLE key, size_t contexts_at, const UNICODE_STRING *name);
/* Both, for the key's own object. */
NTSTATUS cm_call_end(struct cm_call *c, NTSTATUS status);

/* An operation with a buffer: what the callbacks see of an enumeration, and its length back to the caller (before cm_call_end; needed
 * may be NULL). */
void cm_call_enumerates(struct cm_call *c, ULONG index, ULONG class, PVOID information, ULONG length);
void cm_call_take_length(const struct cm_call *c, ULONG *needed);

/* A key object goes: its contexts are given back to their owners. */
void cm_contexts_drop(void *object);
bool cm_has_contexts(const void *object);
/* Whether a registered callback lies in [base, base + size). */
bool cm_callback_left_in(uint64_t base, uint64_t size, uint64_t *routine);

#endif
