/* The volume in memory; see fs.h. A node is a file or a folder, an open the state of one file object. A node whose deletion is
 * pending goes when its last open is cleaned up. */
#include "fs/directory.h"
#include "fs/fs.h"
#include "fs/pipe.h"

#include <string.h>
#include <strings.h>

#include "io/io.h"
#include "ke/ke.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "sim/door.h"

enum { ATTRIBUTE_READONLY = 1, ATTRIBUTE_DIRECTORY = 0x10, ATTRIBUTE_ARCHIVE = 0x20, ATTRIBUTE_NORMAL = 0x80, SETTABLE_ATTRIBUTES = 0x27 };
enum { BASIC = 4, STANDARD = 5, INTERNAL = 6, NAME = 9, RENAME = 10, DISPOSITION = 13, POSITION = 14, ALLOCATION = 19, END_OF_FILE = 20, NETWORK_OPEN = 34,
       ATTRIBUTE_TAG = 35 };
enum { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_APPEND = 4, ACCESS_DELETE = 0x10000, LARGEST_FILE = 0x4000000, NAME_MOST = 255 };
enum { FILE_SHARE_ALL = 7 };

struct node {
    struct node *parent, *next, *children; /* children: oldest first */
    WCHAR name[NAME_MOST + 1];
    size_t length;
    bool directory, delete_pending;
    uint8_t *data;
    uint64_t size, room;
    ULONG attributes;
    uint64_t created, written;
    uint64_t id;
};

struct open {
    struct open *next;
    const FILE_OBJECT *file;
    struct node *node; /* NULL: the volume itself */
    ULONG access, share;
    bool delete_on_close, cleaned;
    struct fs_scan scan; /* of a directory */
};

struct volume {
    struct node root;
    struct open *opens;
    DEVICE_OBJECT *device;
    uint64_t next_id;
    struct pipes *pipes;
};

bool (*fs_host_file_hook)(const char *name, const uint8_t **bytes, uint64_t *size);

static struct volume *volume(void)
{
    return MACHINE->rooms[ROOM_FS];
}

struct pipes **fs_pipes(void)
{
    return &volume()->pipes;
}

/* ---- nodes ---- */

static WCHAR upper(WCHAR c)
{
    return c >= 'a' && c <= 'z' ? (WCHAR)(c - 32) : c;
}

static bool same(const struct node *n, const WCHAR *name, size_t length)
{
    if (n->length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (upper(n->name[i]) != upper(name[i]))
            return false;
    return true;
}

static struct node *child(const struct node *parent, const WCHAR *name, size_t length)
{
    for (struct node *n = parent->children; n; n = n->next)
        if (same(n, name, length))
            return n;
    return NULL;
}

static void link_child(struct node *parent, struct node *n)
{
    struct node **at = &parent->children;
    while (*at)
        at = &(*at)->next;
    *at = n;
    n->next = NULL;
    n->parent = parent;
}

static void unlink_child(struct node *n)
{
    struct node **at = &n->parent->children;
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
}

static void set_name(struct node *n, const WCHAR *name, size_t length)
{
    memcpy(n->name, name, length * 2);
    n->name[length] = 0;
    n->length = length;
}

static struct node *node_new(struct node *parent, const WCHAR *name, size_t length, bool directory)
{
    struct node *n = sim_alloc(sizeof *n);
    set_name(n, name, length);
    n->directory = directory;
    n->attributes = directory ? ATTRIBUTE_DIRECTORY : ATTRIBUTE_ARCHIVE;
    n->created = n->written = ke_system_time();
    n->id = ++volume()->next_id;
    link_child(parent, n);
    return n;
}

static void node_free(struct node *n)
{
    unlink_child(n);
    sim_free(n->data, n->room);
    sim_free(n, sizeof *n);
}

/* New bytes are zero. False: too large. */
static bool resize(struct node *n, uint64_t size)
{
    if (size > LARGEST_FILE)
        return false;
    if (size > n->room) {
        uint64_t room = n->room ? n->room : 256;
        while (room < size)
            room *= 2;
        uint8_t *data = sim_alloc(room);
        if (n->size)
            memcpy(data, n->data, n->size);
        sim_free(n->data, n->room);
        n->data = data;
        n->room = room;
    }
    if (size < n->size)
        memset(n->data + size, 0, n->size - size);
    n->size = size;
    n->written = ke_system_time();
    return true;
}

/* A file beside the program appears in C:\irplab when it is first asked for. */
static struct node *host_file(struct node *folder, const WCHAR *name, size_t length)
{
    char narrow[NAME_MOST + 1];
    const uint8_t *bytes;
    uint64_t size;
    static const WCHAR home[] = { 'i', 'r', 'p', 'l', 'a', 'b' };
    if (!fs_host_file_hook || folder->parent != &volume()->root || !same(folder, home, 6))
        return NULL;
    for (size_t i = 0; i < length; i++) {
        if (name[i] >= 0x80)
            return NULL;
        narrow[i] = (char)name[i];
    }
    narrow[length] = 0;
    if (!fs_host_file_hook(narrow, &bytes, &size) || size > LARGEST_FILE)
        return NULL;
    struct node *n = node_new(folder, name, length, false);
    resize(n, size);
    memcpy(n->data, bytes, size);
    return n;
}

/* ---- paths ---- */

static bool is_name(const WCHAR *name, size_t length)
{
    if (length > NAME_MOST)
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] < 32 || (name[i] < 0x80 && strchr("<>:\"|?*/", name[i])))
            return false;
    return true;
}

struct place {
    struct node *parent, *node; /* node NULL: not there */
    const WCHAR *name; /* the last component */
    size_t length;
    bool folder_wanted; /* ends with a separator */
};

/* Walks from a folder (the root) along a path. */
static NTSTATUS walk(struct node *from, const WCHAR *s, size_t chars, struct place *p)
{
    memset(p, 0, sizeof *p);
    p->folder_wanted = chars && s[chars - 1] == '\\';
    while (chars && s[chars - 1] == '\\')
        chars--;
    p->node = from;
    for (size_t i = 0; i < chars;) {
        if (s[i] == '\\') {
            i++;
            continue;
        }
        size_t start = i;
        while (i < chars && s[i] != '\\')
            i++;
        if (!p->node || !p->node->directory)
            return STATUS_OBJECT_PATH_NOT_FOUND;
        if (!is_name(s + start, i - start))
            return STATUS_OBJECT_NAME_INVALID;
        p->parent = p->node;
        p->name = s + start;
        p->length = i - start;
        p->node = child(p->parent, p->name, p->length);
        if (!p->node)
            p->node = host_file(p->parent, p->name, p->length);
    }
    return STATUS_SUCCESS;
}

/* ---- opens ---- */

static struct open *open_of(const FILE_OBJECT *file)
{
    for (struct open *o = volume()->opens; o; o = o->next)
        if (o->file == file)
            return o;
    return NULL;
}

static bool shared(const struct node *n, ULONG access, ULONG share)
{
    ULONG readers = ACCESS_READ | 0x20, writers = ACCESS_WRITE | ACCESS_APPEND;
    for (const struct open *o = volume()->opens; o; o = o->next) {
        if (o->node != n || o->cleaned)
            continue;
        if ((access & readers && !(o->share & FILE_SHARE_READ)) || (access & writers && !(o->share & FILE_SHARE_WRITE)) ||
            (access & ACCESS_DELETE && !(o->share & FILE_SHARE_DELETE)))
            return false;
        if ((o->access & readers && !(share & FILE_SHARE_READ)) || (o->access & writers && !(share & FILE_SHARE_WRITE)) ||
            (o->access & ACCESS_DELETE && !(share & FILE_SHARE_DELETE)))
            return false;
    }
    return true;
}

static NTSTATUS open_existing(const struct place *p, ULONG disposition, ULONG options, ULONG access, ULONG share, ULONG_PTR *did)
{
    struct node *n = p->node;
    bool overwrite = disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF || disposition == FILE_SUPERSEDE;
    if (n->delete_pending)
        return STATUS_DELETE_PENDING;
    if (disposition == FILE_CREATE) {
        *did = FILE_EXISTS;
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (n->directory && (options & FILE_NON_DIRECTORY_FILE || overwrite))
        return STATUS_FILE_IS_A_DIRECTORY;
    if (!n->directory && (options & FILE_DIRECTORY_FILE || p->folder_wanted))
        return options & FILE_DIRECTORY_FILE ? STATUS_NOT_A_DIRECTORY : STATUS_OBJECT_NAME_INVALID;
    if (n->attributes & ATTRIBUTE_READONLY && !n->directory && (access & (ACCESS_WRITE | ACCESS_APPEND) || overwrite))
        return STATUS_ACCESS_DENIED;
    if (options & FILE_DELETE_ON_CLOSE && n->attributes & ATTRIBUTE_READONLY)
        return STATUS_CANNOT_DELETE;
    if (!shared(n, access | (overwrite ? ACCESS_WRITE : 0), share))
        return STATUS_SHARING_VIOLATION;
    if (overwrite)
        resize(n, 0);
    *did = disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : overwrite ? FILE_OVERWRITTEN : FILE_OPENED;
    return STATUS_SUCCESS;
}

static NTSTATUS make_new(struct place *p, ULONG disposition, ULONG options, ULONG attributes, ULONG_PTR *did)
{
    if (disposition == FILE_OPEN || disposition == FILE_OVERWRITE) {
        *did = FILE_DOES_NOT_EXIST;
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (p->folder_wanted && !(options & FILE_DIRECTORY_FILE))
        return STATUS_OBJECT_NAME_INVALID;
    p->node = node_new(p->parent, p->name, p->length, (options & FILE_DIRECTORY_FILE) != 0);
    p->node->attributes |= attributes & SETTABLE_ATTRIBUTES;
    *did = FILE_CREATED;
    return STATUS_SUCCESS;
}

static NTSTATUS create(IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *did)
{
    FILE_OBJECT *f = sl->FileObject;
    ULONG disposition = sl->Parameters.Create.Options >> 24, options = sl->Parameters.Create.Options & 0xFFFFFF;
    ULONG access = sl->Parameters.Create.SecurityContext->DesiredAccess, share = sl->Parameters.Create.ShareAccess;
    struct place p;
    struct node *from = &volume()->root;
    sim_access((uint64_t)volume()->device, SIM_WRITE);
    if (f->RelatedFileObject) {
        const struct open *o = open_of(f->RelatedFileObject);
        from = o ? o->node : NULL;
    }
    bool itself = f->FileName.Length == 0 && !f->RelatedFileObject;
    NTSTATUS s = itself ? STATUS_SUCCESS : !from ? STATUS_INVALID_PARAMETER : walk(from, f->FileName.Buffer, f->FileName.Length / 2, &p);
    if (NT_SUCCESS(s) && !itself)
        s = p.node ? open_existing(&p, disposition, options, access, share, did) : make_new(&p, disposition, options, sl->Parameters.Create.FileAttributes, did);
    if (!NT_SUCCESS(s))
        return s;
    struct open *o = sim_alloc(sizeof *o);
    *o = (struct open) { volume()->opens, f, itself ? NULL : p.node, access, share & FILE_SHARE_ALL, !itself && (options & FILE_DELETE_ON_CLOSE), false };
    volume()->opens = o;
    f->FsContext2 = f; /* drivers above tell opened files by a context that is not NULL */
    f->FsContext = f;
    return s;
}

static bool is_open(const struct node *n)
{
    for (const struct open *o = volume()->opens; o; o = o->next)
        if (o->node == n && !o->cleaned)
            return true;
    return false;
}

static NTSTATUS cleanup(struct open *o)
{
    o->cleaned = true;
    if (!o->node)
        return STATUS_SUCCESS;
    if (o->delete_on_close && !o->node->children)
        o->node->delete_pending = true;
    if (o->node->delete_pending && !is_open(o->node)) {
        struct node *n = o->node;
        for (struct open *i = volume()->opens; i; i = i->next)
            if (i->node == n)
                i->node = NULL;
        node_free(n);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS close_file(const FILE_OBJECT *file)
{
    for (struct open **at = &volume()->opens; *at; at = &(*at)->next)
        if ((*at)->file == file) {
            struct open *o = *at;
            *at = o->next;
            sim_free(o, sizeof *o);
            break;
        }
    return STATUS_SUCCESS;
}

/* ---- data ---- */

static NTSTATUS transfer(struct open *o, IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *done)
{
    bool write = sl->MajorFunction == IRP_MJ_WRITE;
    struct node *n = o->node;
    FILE_OBJECT *f = sl->FileObject;
    ULONG length = sl->Parameters.Read.Length;
    int64_t at = sl->Parameters.Read.ByteOffset.QuadPart;
    if (!n || n->directory)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (write && (at == -1 || (o->access & (ACCESS_WRITE | ACCESS_APPEND)) == ACCESS_APPEND))
        at = (int64_t)n->size; /* FILE_WRITE_TO_END_OF_FILE, or a handle that may only append */
    else if (at == -2)
        at = f->CurrentByteOffset.QuadPart; /* FILE_USE_FILE_POINTER_POSITION */
    if (at < 0)
        return STATUS_INVALID_PARAMETER;
    uint64_t from = (uint64_t)at;
    if (!write && length && from >= n->size)
        return STATUS_END_OF_FILE;
    if (write && from + length > n->size && length && !resize(n, from + length))
        return STATUS_DISK_FULL;
    if (!write && from + length > n->size)
        length = (ULONG)(n->size - from);
    if (length && write)
        memcpy(n->data + from, irp->AssociatedIrp.SystemBuffer, length);
    else if (length)
        memcpy(irp->AssociatedIrp.SystemBuffer, n->data + from, length);
    if (write)
        n->written = ke_system_time();
    if (f->Flags & FO_SYNCHRONOUS_IO)
        f->CurrentByteOffset.QuadPart = at + length;
    *done = length;
    return STATUS_SUCCESS;
}

/* ---- information ---- */

static NTSTATUS give(IRP *irp, ULONG room, const void *from, ULONG bytes, ULONG_PTR *done)
{
    if (room < bytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(irp->AssociatedIrp.SystemBuffer, from, bytes);
    *done = bytes;
    return STATUS_SUCCESS;
}

static ULONG attributes_of(const struct node *n)
{
    return n->attributes ? n->attributes : ATTRIBUTE_NORMAL;
}

/* The path from the root, backwards into the end of a buffer; returns its length. */
static size_t path_of(const struct node *n, WCHAR *out, size_t room)
{
    size_t at = room;
    for (; n->parent; n = n->parent) {
        if (n->length + 1 > at)
            return 0;
        at -= n->length;
        memcpy(out + at, n->name, n->length * 2);
        out[--at] = '\\';
    }
    if (at == room)
        out[--at] = '\\';
    memmove(out, out + at, (room - at) * 2);
    return room - at;
}

static NTSTATUS query(const struct open *o, IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *done)
{
    const struct node *n = o->node;
    ULONG room = sl->Parameters.QueryFile.Length;
    if (!n)
        return STATUS_INVALID_DEVICE_REQUEST;
    uint64_t allocated = (n->size + 0xFFF) & ~0xFFFull;
    switch (sl->Parameters.QueryFile.FileInformationClass) {
    case BASIC: {
        const uint64_t basic[5] = { n->created, n->written, n->written, n->written, attributes_of(n) };
        return give(irp, room, basic, 40, done);
    }
    case STANDARD: {
        const struct {
            uint64_t allocated, size;
            ULONG links;
            BOOLEAN deleting, directory;
        } standard = { allocated, n->size, n->delete_pending ? 0 : 1, n->delete_pending, n->directory };
        return give(irp, room, &standard, 24, done);
    }
    case INTERNAL:
        return give(irp, room, &n->id, 8, done);
    case POSITION:
        return give(irp, room, &sl->FileObject->CurrentByteOffset, 8, done);
    case NETWORK_OPEN: {
        const uint64_t all[7] = { n->created, n->written, n->written, n->written, allocated, n->size, attributes_of(n) };
        return give(irp, room, all, 56, done);
    }
    case ATTRIBUTE_TAG: {
        const ULONG tag[2] = { attributes_of(n), 0 };
        return give(irp, room, tag, 8, done);
    }
    case NAME: {
        struct {
            ULONG bytes;
            WCHAR text[600];
        } name;
        name.bytes = (ULONG)path_of(n, name.text, 600) * 2;
        return give(irp, room, &name, 4 + name.bytes, done);
    }
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static NTSTATUS rename_node(struct node *n, const uint8_t *information, ULONG bytes, bool replace)
{
    ULONG length;
    struct place p;
    memcpy(&length, information + 16, 4);
    if (bytes < 20 || length > bytes - 20)
        return STATUS_INVALID_PARAMETER;
    const WCHAR *to = (const WCHAR *)(information + 20);
    size_t chars = length / 2, skip = 0;
    static const char prefix[] = "\\??\\C:";
    while (skip < 6 && skip < chars && upper(to[skip]) == (WCHAR)prefix[skip])
        skip++;
    bool full = chars && to[0] == '\\';
    NTSTATUS s = full && skip < 6 ? STATUS_NOT_SAME_DEVICE : walk(full ? &volume()->root : n->parent, to + (full ? skip : 0), chars - (full ? skip : 0), &p);
    if (!NT_SUCCESS(s))
        return s;
    for (const struct node *i = p.parent; i; i = i->parent)
        if (i == n)
            return STATUS_SHARING_VIOLATION; /* into itself */
    if (p.node && p.node != n) {
        if (!replace || p.node->directory)
            return replace ? STATUS_ACCESS_DENIED : STATUS_OBJECT_NAME_COLLISION;
        if (is_open(p.node))
            return STATUS_ACCESS_DENIED;
        node_free(p.node);
    }
    WCHAR name[NAME_MOST];
    memcpy(name, p.name, p.length * 2);
    unlink_child(n);
    set_name(n, name, p.length);
    link_child(p.parent, n);
    return STATUS_SUCCESS;
}

static NTSTATUS set(struct open *o, IRP *irp, const IO_STACK_LOCATION *sl)
{
    const uint8_t *in = irp->AssociatedIrp.SystemBuffer;
    ULONG bytes = sl->Parameters.SetFile.Length;
    struct node *n = o->node;
    uint64_t number = 0;
    if (!n || !bytes)
        return STATUS_INVALID_DEVICE_REQUEST;
    memcpy(&number, in, bytes < 8 ? bytes : 8);
    switch (sl->Parameters.SetFile.FileInformationClass) {
    case BASIC: {
        uint64_t times[4];
        ULONG attributes;
        if (bytes < 40)
            return STATUS_INFO_LENGTH_MISMATCH;
        memcpy(times, in, 32);
        memcpy(&attributes, in + 32, 4);
        if (times[0])
            n->created = times[0];
        if (times[2])
            n->written = times[2];
        if (attributes)
            n->attributes = (attributes & SETTABLE_ATTRIBUTES) | (n->attributes & ATTRIBUTE_DIRECTORY);
        return STATUS_SUCCESS;
    }
    case DISPOSITION:
        if ((uint8_t)number && n->attributes & ATTRIBUTE_READONLY)
            return STATUS_CANNOT_DELETE;
        if ((uint8_t)number && (n->children || !n->parent))
            return n->parent ? STATUS_DIRECTORY_NOT_EMPTY : STATUS_CANNOT_DELETE;
        n->delete_pending = (uint8_t)number != 0;
        return STATUS_SUCCESS;
    case RENAME:
        return n->parent ? rename_node(n, in, bytes, (uint8_t)number != 0) : STATUS_INVALID_PARAMETER;
    case POSITION:
        sl->FileObject->CurrentByteOffset.QuadPart = (LONGLONG)number;
        return STATUS_SUCCESS;
    case ALLOCATION:
        return number >= n->size || resize(n, number) ? STATUS_SUCCESS : STATUS_DISK_FULL;
    case END_OF_FILE:
        if (n->directory)
            return STATUS_INVALID_PARAMETER;
        return resize(n, number) ? STATUS_SUCCESS : STATUS_DISK_FULL;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

bool fs_entry(const FILE_OBJECT *file, ULONG index, struct fs_entry *out)
{
    const struct open *o = open_of(file);
    sim_access((uint64_t)volume()->device, SIM_READ);
    const struct node *n = o && o->node ? o->node->children : NULL;
    /* The directory itself and the one above it come first, but not in the root. */
    bool dots = o && o->node && o->node->directory && o->node->parent;
    if (dots && index < 2) {
        n = index ? o->node->parent : o->node;
        *out = (struct fs_entry) { .name = { '.', index ? '.' : 0 }, .written = n->written, .attributes = attributes_of(n) };
        return true;
    }
    index -= dots ? 2 : 0;
    while (n && index--)
        n = n->next;
    if (!n)
        return false;
    memcpy(out->name, n->name, sizeof out->name);
    out->size = n->size;
    out->written = n->written;
    out->attributes = attributes_of(n);
    return true;
}

/* ---- dispatch ---- */

bool fs_contents(const char *path, const uint8_t **bytes, uint64_t *size)
{
    WCHAR wide[400];
    struct place p;
    size_t n = 0;
    for (; path[n] && n < 399; n++)
        wide[n] = (uint8_t)path[n];
    if (!volume() || !NT_SUCCESS(walk(&volume()->root, wide, n, &p)) || !p.node || p.node->directory)
        return false;
    *bytes = p.node->data;
    *size = p.node->size;
    return true;
}

static NTSTATUS directory(struct open *o, const IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *done)
{
    if (sl->MinorFunction != IRP_MN_QUERY_DIRECTORY)
        return STATUS_INVALID_DEVICE_REQUEST; /* nobody is told of changes */
    if (!o->node || !o->node->directory)
        return STATUS_INVALID_PARAMETER;
    return fs_query_directory(o->file, &o->scan, irp, sl, done);
}

static NTSTATUS answer(IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *information)
{
    struct open *o = open_of(sl->FileObject);
    if (sl->MajorFunction == IRP_MJ_CREATE)
        return create(irp, sl, information);
    if (!o)
        return STATUS_INVALID_DEVICE_REQUEST;
    sim_access((uint64_t)volume()->device, SIM_WRITE);
    switch (sl->MajorFunction) {
    case IRP_MJ_CLEANUP:
        return cleanup(o);
    case IRP_MJ_CLOSE:
        return close_file(sl->FileObject);
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        return transfer(o, irp, sl, information);
    case IRP_MJ_QUERY_INFORMATION:
        return query(o, irp, sl, information);
    case IRP_MJ_SET_INFORMATION:
        return set(o, irp, sl);
    case IRP_MJ_DIRECTORY_CONTROL:
        return directory(o, irp, sl, information);
    case IRP_MJ_FLUSH_BUFFERS:
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

NTSTATUS FsVolumeDispatch(DEVICE_OBJECT *device, IRP *irp)
{
    ULONG_PTR information = 0;
    NTSTATUS s = answer(irp, io_current_location(irp), &information);
    irp->IoStatus.Status = s;
    irp->IoStatus.Information = information;
    io_complete_request(irp, 0);
    return s;
}

/* \Device\Null: takes everything, gives nothing. */
NTSTATUS FsNullDispatch(DEVICE_OBJECT *device, IRP *irp)
{
    const IO_STACK_LOCATION *sl = io_current_location(irp);
    NTSTATUS s = STATUS_SUCCESS;
    ULONG_PTR information = 0;
    switch (sl->MajorFunction) {
    case IRP_MJ_READ:
        s = STATUS_END_OF_FILE;
        break;
    case IRP_MJ_WRITE:
        information = sl->Parameters.Write.Length;
        break;
    case IRP_MJ_QUERY_INFORMATION:
        if (sl->Parameters.QueryFile.FileInformationClass == STANDARD) {
            memset(irp->AssociatedIrp.SystemBuffer, 0, sl->Parameters.QueryFile.Length);
            information = 24;
            break;
        }
        s = STATUS_INVALID_PARAMETER;
        break;
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
    case IRP_MJ_FLUSH_BUFFERS:
    case IRP_MJ_SET_INFORMATION:
        break;
    default:
        s = STATUS_INVALID_DEVICE_REQUEST;
    }
    irp->IoStatus.Status = s;
    irp->IoStatus.Information = information;
    io_complete_request(irp, 0);
    return s;
}

/* ---- the devices ---- */

static UNICODE_STRING text(const char *s, WCHAR *buffer)
{
    return ob_text(s, buffer, 64);
}

static DEVICE_OBJECT *device_make(const char *driver, const char *routine, const char *name, DEVICE_TYPE type, ULONG characteristics)
{
    WCHAR w[64];
    DRIVER_OBJECT *d = io_driver_create(driver, NULL, 0);
    DEVICE_OBJECT *device;
    PVOID dispatch = (PVOID)door_export_address("ntoskrnl.exe", routine);
    IR_ASSERT(d && dispatch);
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        d->MajorFunction[i] = dispatch;
    UNICODE_STRING n = text(name, w);
    NTSTATUS s = IoCreateDevice(d, 0, &n, type, characteristics, FALSE, &device);
    IR_ASSERT(NT_SUCCESS(s));
    device->Flags |= DO_BUFFERED_IO;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return device;
}

static void link_make(const char *name, const char *target)
{
    WCHAR a[64], b[64];
    UNICODE_STRING n = text(name, a), t = text(target, b);
    IoCreateSymbolicLink(&n, &t);
}

static void folders_make(void)
{
    static const char *const folders[] = { "irplab", "Windows", "Windows\\System32", "Windows\\System32\\drivers", "Windows\\Temp", "Users", "Users\\Public", "ProgramData" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        WCHAR w[64];
        struct place p;
        UNICODE_STRING u = text(folders[i], w);
        NTSTATUS s = walk(&volume()->root, u.Buffer, u.Length / 2, &p);
        IR_ASSERT(NT_SUCCESS(s) && !p.node);
        node_new(p.parent, p.name, p.length, true);
    }
}

void fs_init(void)
{
    struct volume *v = sim_alloc(sizeof *v);
    MACHINE->rooms[ROOM_FS] = v;
    v->root.directory = true;
    v->root.attributes = ATTRIBUTE_DIRECTORY;
    folders_make();
    v->device = device_make("RamDisk", "FsVolumeDispatch", "\\Device\\HarddiskVolume1", FILE_DEVICE_DISK, 0);
    link_make("\\GLOBAL??\\C:", "\\Device\\HarddiskVolume1");
    link_make("\\SystemRoot", "\\Device\\HarddiskVolume1\\Windows");
    device_make("Null", "FsNullDispatch", "\\Device\\Null", FILE_DEVICE_NULL, 0);
    link_make("\\GLOBAL??\\NUL", "\\Device\\Null");
    fs_pipe_init(device_make("Npfs", "FsPipeDispatch", "\\Device\\NamedPipe", FILE_DEVICE_NAMED_PIPE, 0));
    link_make("\\GLOBAL??\\PIPE", "\\Device\\NamedPipe");
}
