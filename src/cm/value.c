/* Values of keys. DOC of the buffer rules: STATUS_BUFFER_TOO_SMALL if not even the fixed part fits, STATUS_BUFFER_OVERFLOW if what
 * fits was stored; *ResultLength is the whole size in both cases. */
#include <string.h>

#include "cm/callback.h"
#include "sim/access.h"

enum { VALUE_BASIC, VALUE_FULL, VALUE_PARTIAL, VALUE_FULL_64, VALUE_PARTIAL_64 };
enum { BASIC_FIXED = 12, FULL_FIXED = 20, PARTIAL_FIXED = 12, PARTIAL_64_FIXED = 8, MAX_DATA = 0x1000000 };

static void put32(uint8_t *out, ULONG length, ULONG at, ULONG value)
{
    if (at + 4 <= length)
        memcpy(out + at, &value, 4);
}

static void put_bytes(uint8_t *out, ULONG length, ULONG at, const void *from, ULONG bytes)
{
    if (at < length && bytes)
        memcpy(out + at, from, bytes < length - at ? bytes : length - at);
}

static NTSTATUS verdict(ULONG length, ULONG fixed, ULONG all, ULONG *needed)
{
    *needed = all;
    return length < fixed ? STATUS_BUFFER_TOO_SMALL : length < all ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static NTSTATUS give_basic(const struct cm_value *v, uint8_t *out, ULONG length, ULONG *needed)
{
    NTSTATUS status = verdict(length, BASIC_FIXED, BASIC_FIXED + v->name_bytes, needed);
    if (status == STATUS_BUFFER_TOO_SMALL)
        return status;
    put32(out, length, 0, 0);
    put32(out, length, 4, v->type);
    put32(out, length, 8, v->name_bytes);
    put_bytes(out, length, BASIC_FIXED, v->name, v->name_bytes);
    return status;
}

static NTSTATUS give_full(const struct cm_value *v, ULONG align, uint8_t *out, ULONG length, ULONG *needed)
{
    ULONG offset = v->size ? (FULL_FIXED + v->name_bytes + align - 1) & ~(align - 1) : 0xFFFFFFFF;
    NTSTATUS status = verdict(length, FULL_FIXED, v->size ? offset + v->size : FULL_FIXED + v->name_bytes, needed);
    if (status == STATUS_BUFFER_TOO_SMALL)
        return status;
    put32(out, length, 0, 0);
    put32(out, length, 4, v->type);
    put32(out, length, 8, offset);
    put32(out, length, 12, v->size);
    put32(out, length, 16, v->name_bytes);
    put_bytes(out, length, FULL_FIXED, v->name, v->name_bytes);
    if (v->size)
        put_bytes(out, length, offset, v->data, v->size);
    return status;
}

static NTSTATUS give_partial(const struct cm_value *v, bool title, uint8_t *out, ULONG length, ULONG *needed)
{
    ULONG fixed = title ? PARTIAL_FIXED : PARTIAL_64_FIXED;
    NTSTATUS status = verdict(length, fixed, fixed + v->size, needed);
    if (status == STATUS_BUFFER_TOO_SMALL)
        return status;
    if (title)
        put32(out, length, 0, 0);
    put32(out, length, fixed - 8, v->type);
    put32(out, length, fixed - 4, v->size);
    put_bytes(out, length, fixed, v->data, v->size);
    return status;
}

static NTSTATUS give_value(const struct cm_value *v, ULONG class, uint8_t *out, ULONG length, ULONG *needed)
{
    switch (class) {
    case VALUE_BASIC:
        return give_basic(v, out, length, needed);
    case VALUE_FULL:
        return give_full(v, 4, out, length, needed); /* GUESS: data begins at a multiple of 4 */
    case VALUE_FULL_64:
        return give_full(v, 8, out, length, needed);
    case VALUE_PARTIAL:
        return give_partial(v, true, out, length, needed);
    case VALUE_PARTIAL_64:
        return give_partial(v, false, out, length, needed);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static NTSTATUS query_value(HANDLE key, UNICODE_STRING *name, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    const struct cm_value *v = cm_value(k, name->Buffer, name->Length / 2u);
    return v ? give_value(v, class, information, length, needed) : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS enumerate_value(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    const struct cm_value *v = k->values;
    while (v && index--)
        v = v->next;
    return v ? give_value(v, class, information, length, needed) : STATUS_NO_MORE_ENTRIES;
}

static NTSTATUS set_value(HANDLE key, UNICODE_STRING *name, ULONG title, ULONG type, const void *data, ULONG size)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_to_change(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    size_t chars = name ? name->Length / 2u : 0;
    /* GUESS: NT's limit for one value is the available memory. */
    if (chars > VALUE_NAME_CHARS || size > MAX_DATA)
        return STATUS_INVALID_PARAMETER;
    cm_value_set(k, name ? name->Buffer : NULL, chars, type, data, size);
    cm_notify(k, NOTIFY_LAST_SET);
    return STATUS_SUCCESS;
}

static NTSTATUS delete_value(HANDLE key, UNICODE_STRING *name)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_to_change(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    if (!cm_value_delete(k, name->Buffer, name->Length / 2u))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    cm_notify(k, NOTIFY_LAST_SET);
    return STATUS_SUCCESS;
}

/* ---- with callbacks ---- */

enum { POST = REG_NT_POST_DELETE_KEY }; /* the post class of these lies as far above it as the pre class above zero */

NTSTATUS ZwQueryValueKey(HANDLE key, UNICODE_STRING *name, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_QUERY_VALUE_KEY, POST + REG_NT_PRE_QUERY_VALUE_KEY, key,
                                          offsetof(REG_QUERY_VALUE_KEY_INFORMATION, CallContext), name);
    if (!c)
        return query_value(key, name, class, information, length, needed);
    REG_QUERY_VALUE_KEY_INFORMATION *q = &c->guest->info.query_value;
    q->ValueName = &c->guest->name;
    q->Class = class;
    q->Information = information;
    q->Length = length;
    q->ResultLength = &c->guest->result_length;
    NTSTATUS status = cm_call_pre(c) ? query_value(key, name, class, information, length, q->ResultLength) : c->status;
    cm_call_take_length(c, needed);
    return cm_call_end(c, status);
}

NTSTATUS ZwEnumerateValueKey(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_ENUMERATE_VALUE_KEY, POST + REG_NT_PRE_ENUMERATE_VALUE_KEY, key,
                                          offsetof(REG_ENUMERATE_KEY_INFORMATION, CallContext), NULL);
    if (!c)
        return enumerate_value(key, index, class, information, length, needed);
    cm_call_enumerates(c, index, class, information, length);
    NTSTATUS status = cm_call_pre(c) ? enumerate_value(key, index, class, information, length, &c->guest->result_length) : c->status;
    cm_call_take_length(c, needed);
    return cm_call_end(c, status);
}

NTSTATUS ZwSetValueKey(HANDLE key, UNICODE_STRING *name, ULONG title, ULONG type, const void *data, ULONG size)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_SET_VALUE_KEY, POST + REG_NT_PRE_SET_VALUE_KEY, key,
                                          offsetof(REG_SET_VALUE_KEY_INFORMATION, CallContext), name);
    if (!c)
        return set_value(key, name, title, type, data, size);
    REG_SET_VALUE_KEY_INFORMATION *v = &c->guest->info.set_value;
    v->ValueName = &c->guest->name;
    v->TitleIndex = title;
    v->Type = type;
    v->Data = data;
    v->DataSize = size;
    return cm_call_end(c, cm_call_pre(c) ? set_value(key, name, title, type, data, size) : c->status);
}

NTSTATUS ZwDeleteValueKey(HANDLE key, UNICODE_STRING *name)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_DELETE_VALUE_KEY, POST + REG_NT_PRE_DELETE_VALUE_KEY, key,
                                          offsetof(REG_NAME_KEY_INFORMATION, CallContext), name);
    if (!c)
        return delete_value(key, name);
    c->guest->info.name.Name = &c->guest->name;
    return cm_call_end(c, cm_call_pre(c) ? delete_value(key, name) : c->status);
}

/* KEY_VALUE_ENTRY: Length, Offset and Type are filled for each name. DOC: data begins at multiples of 4 GUESS: as those of NT do. */
struct value_entry {
    UNICODE_STRING *name;
    ULONG length, offset, type;
};
_Static_assert(sizeof(struct value_entry) == 24, "KEY_VALUE_ENTRY");

static NTSTATUS query_multiple(HANDLE key, struct value_entry *entries, ULONG count, uint8_t *buffer, ULONG *length, ULONG *required)
{
    struct cm_key *k;
    ULONG at = 0, used = 0, room = *length;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    for (ULONG i = 0; NT_SUCCESS(status) && i < count; i++)
        if (!cm_value(k, entries[i].name->Buffer, entries[i].name->Length / 2u))
            status = STATUS_OBJECT_NAME_NOT_FOUND;
    if (!NT_SUCCESS(status))
        return status;
    for (ULONG i = 0; i < count; i++) {
        const struct cm_value *v = cm_value(k, entries[i].name->Buffer, entries[i].name->Length / 2u);
        at = (at + 3) & ~3u;
        if (at + v->size <= room && used == i) {
            if (v->size)
                memcpy(buffer + at, v->data, v->size);
            entries[i].length = v->size;
            entries[i].offset = at;
            entries[i].type = v->type;
            *length = at + v->size;
            used++;
        }
        at += v->size;
    }
    if (required)
        *required = at;
    return used == count ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

NTSTATUS ZwQueryMultipleValueKey(HANDLE key, PVOID entries, ULONG count, PVOID buffer, ULONG *length, ULONG *required)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_QUERY_MULTIPLE_VALUE_KEY, POST + REG_NT_PRE_QUERY_MULTIPLE_VALUE_KEY, key,
                                          offsetof(REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION, CallContext), NULL);
    if (!c)
        return query_multiple(key, entries, count, buffer, length, required);
    REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION *q = &c->guest->info.query_multiple;
    c->guest->buffer_length = *length;
    q->ValueEntries = entries;
    q->EntryCount = count;
    q->ValueBuffer = buffer;
    q->BufferLength = &c->guest->buffer_length;
    q->RequiredBufferLength = required ? &c->guest->result_length : NULL;
    NTSTATUS status = c->status;
    if (cm_call_pre(c))
        status = query_multiple(key, entries, count, buffer, q->BufferLength, q->RequiredBufferLength);
    else
        status = c->status;
    *length = c->guest->buffer_length;
    cm_call_take_length(c, required);
    return cm_call_end(c, status);
}
