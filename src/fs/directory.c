/* IRP_MN_QUERY_DIRECTORY: what a directory of the volume holds, in the forms of FILE_INFORMATION_CLASS that name files.
 *
 * DOC: "ZwQueryDirectoryFile": the first query of an open directory sets the pattern that all of them have; each goes on where the one before ended
 * (restarted: at the beginning); as many entries as fit are given. STATUS_NO_SUCH_FILE if the first finds none, STATUS_NO_MORE_FILES later,
 * STATUS_BUFFER_OVERFLOW if not even the first entry fits (as much of its name as there is room for is given). */
#include <stddef.h>
#include <string.h>

#include "fs/directory.h"
#include "io/room.h"
#include "mm/mm.h"
#include "nt/status.h"

enum { RESTART_SCAN = 1, RETURN_SINGLE_ENTRY = 2, CASE_SENSITIVE = 0x80 };

BOOLEAN FsRtlIsNameInExpression(const UNICODE_STRING *expression, const UNICODE_STRING *name, ULONG ignore_case, WCHAR *upcase);

/* Where each form has its fields; all begin with NextEntryOffset and FileIndex. */
static const struct form {
    UCHAR class, name, name_length, times, ids; /* offsets; 0: has none */
} forms[] = {
    { 1, 0x40, 0x3C, 8, 0 }, /* FileDirectoryInformation */
    { 2, 0x44, 0x3C, 8, 0 }, /* FileFullDirectoryInformation */
    { 3, 0x5E, 0x3C, 8, 0 }, /* FileBothDirectoryInformation */
    { 12, 0x0C, 0x08, 0, 0 }, /* FileNamesInformation */
    { 37, 0x68, 0x3C, 8, 0x60 }, /* FileIdBothDirectoryInformation */
    { 38, 0x50, 0x3C, 8, 0x48 }, /* FileIdFullDirectoryInformation */
};

static const struct form *form_of(ULONG class)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].class == class)
            return &forms[i];
    return NULL;
}

static ULONG length_of(const WCHAR *name)
{
    ULONG n = 0;
    while (n < 255 && name[n])
        n++;
    return n * 2;
}

static bool matches(const struct fs_scan *s, struct fs_entry *e)
{
    UNICODE_STRING name = { (USHORT)length_of(e->name), sizeof e->name, e->name };
    const UNICODE_STRING pattern = { s->pattern_bytes, s->pattern_bytes, (WCHAR *)s->pattern };
    return !s->pattern_bytes || FsRtlIsNameInExpression(&pattern, &name, TRUE, NULL);
}

static void fill(UCHAR *at, const struct form *f, const struct fs_entry *e, ULONG index, ULONG name_bytes)
{
    memset(at, 0, f->name);
    memcpy(at + 4, &index, 4);
    if (f->times) {
        for (ULONG i = 0; i < 4; i++)
            memcpy(at + f->times + 8 * i, &e->written, 8);
        memcpy(at + 0x28, &e->size, 8);
        uint64_t allocated = (e->size + 0xFFF) & ~0xFFFull;
        memcpy(at + 0x30, &allocated, 8);
        memcpy(at + 0x38, &e->attributes, 4);
    }
    if (f->ids) {
        uint64_t id = index + 1;
        memcpy(at + f->ids, &id, 8);
    }
    ULONG whole = length_of(e->name);
    memcpy(at + f->name_length, &whole, 4);
    memcpy(at + f->name, e->name, name_bytes);
}

static void pattern_take(struct fs_scan *s, const UNICODE_STRING *wanted)
{
    bool all = !wanted || !wanted->Length || (wanted->Length == 2 && wanted->Buffer[0] == '*') || wanted->Length > sizeof s->pattern;
    s->begun = true;
    s->pattern_bytes = all ? 0 : wanted->Length;
    if (all)
        return;
    memcpy(s->pattern, wanted->Buffer, wanted->Length);
    for (ULONG i = 0; i < wanted->Length / 2u; i++) /* the expression has to be in upper case */
        if (s->pattern[i] >= 'a' && s->pattern[i] <= 'z')
            s->pattern[i] = (WCHAR)(s->pattern[i] - 32);
}

static UCHAR *buffer_of(const IRP *irp)
{
    if (irp->MdlAddress)
        return MmMapLockedPagesSpecifyCache(irp->MdlAddress, KernelMode, 1, NULL, FALSE, 16);
    return irp->AssociatedIrp.SystemBuffer ? irp->AssociatedIrp.SystemBuffer : irp->UserBuffer;
}

NTSTATUS fs_query_directory(const FILE_OBJECT *file, struct fs_scan *s, const IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *done)
{
    const struct form *f = form_of(sl->Parameters.QueryDirectory.FileInformationClass);
    ULONG room_for = sl->Parameters.QueryDirectory.Length, used = 0, last = 0;
    UCHAR *out = buffer_of(irp);
    bool first = !s->begun;
    if (!f)
        return STATUS_INVALID_INFO_CLASS;
    if (room_for < f->name || !out)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (first)
        pattern_take(s, sl->Parameters.QueryDirectory.FileName);
    if (sl->Flags & RESTART_SCAN)
        s->next = 0;
    struct fs_entry e;
    bool any = false;
    for (; fs_entry(file, s->next, &e); s->next++) {
        if (!matches(s, &e))
            continue;
        ULONG name = length_of(e.name), at = (used + 7) & ~7u;
        if (at + f->name + name > room_for) {
            if (any)
                break;
            fill(out, f, &e, s->next, (room_for - f->name) & ~1u);
            *done = room_for;
            return STATUS_BUFFER_OVERFLOW;
        }
        if (any) {
            ULONG step = at - last;
            memcpy(out + last, &step, 4);
        }
        fill(out + at, f, &e, s->next, name);
        last = at;
        used = at + f->name + name;
        any = true;
        if (sl->Flags & RETURN_SINGLE_ENTRY) {
            s->next++;
            break;
        }
    }
    *done = used;
    return any ? STATUS_SUCCESS : first ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
}
