/* Values of keys. DOC of the buffer rules: STATUS_BUFFER_TOO_SMALL if not even the fixed part fits, STATUS_BUFFER_OVERFLOW if what
 * fits was stored; *ResultLength is the whole size in both cases. */
#include <string.h>

#include "cm/key.h"
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

NTSTATUS ZwQueryValueKey(HANDLE key, UNICODE_STRING *name, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    const struct cm_value *v = cm_value(k, name->Buffer, name->Length / 2u);
    return v ? give_value(v, class, information, length, needed) : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS ZwEnumerateValueKey(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed)
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

NTSTATUS ZwSetValueKey(HANDLE key, UNICODE_STRING *name, ULONG title, ULONG type, const void *data, ULONG size)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_of(key, &k);
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

NTSTATUS ZwDeleteValueKey(HANDLE key, UNICODE_STRING *name)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_of(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    if (!cm_value_delete(k, name->Buffer, name->Length / 2u))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    cm_notify(k, NOTIFY_LAST_SET);
    return STATUS_SUCCESS;
}
