/* Named pipes: \Device\NamedPipe. A pipe has instances, an instance two ends; each direction is a queue of writes, in order. A write
 * that fits into the quota is done at once, another when it has been read; a read waits for data.
 *
 *   listening ─ a client opens ─▶ connected ─ one end closes ─▶ closing (what is left can be read) ─ disconnect ─▶ disconnected ─ listen ─▶ listening
 *
 * DOC: CreateNamedPipe, ConnectNamedPipe, DisconnectNamedPipe, PeekNamedPipe; statuses as NT's file system gives them. */
#include "fs/pipe.h"

#include <string.h>

#include "io/io.h"
#include "io/room.h"
#include "ke/ke.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "sim/door.h"

enum { STANDARD = 5, PIPE_INFO = 23, PIPE_LOCAL = 24, NAME_MOST = 255, QUOTA_DEFAULT = 4096 };
enum { FSCTL_DISCONNECT = 0x110004, FSCTL_LISTEN = 0x110008, FSCTL_PEEK = 0x11400C, FSCTL_TRANSCEIVE = 0x11C017 };
enum { LISTENING = 2, CONNECTED = 3, CLOSING = 4, DISCONNECTED = 1, SERVER = 1, CLIENT = 0 };

struct chunk { /* a write */
    struct chunk *next;
    IRP *irp; /* waits for its reader; NULL: done */
    uint32_t size, read;
    uint8_t data[];
};

struct waiting { /* a pended request */
    struct waiting *next;
    IRP *irp;
};

struct end {
    const FILE_OBJECT *file; /* NULL: closed */
    struct chunk *incoming; /* oldest first */
    struct waiting *reads;
    uint32_t queued, quota;
    bool message_read, no_wait;
};

struct instance {
    struct instance *next;
    struct pipe *pipe;
    ULONG state;
    struct end ends[2];
    IRP *listen;
};

struct pipe {
    struct pipe *next;
    WCHAR name[NAME_MOST + 1];
    size_t length;
    bool message;
    ULONG most, configuration;
    struct instance *instances; /* oldest first */
};

struct pipes {
    struct pipe *first;
    DEVICE_OBJECT *device;
};

static struct pipes *room(void)
{
    return *fs_pipes();
}

/* ---- names ---- */

static WCHAR upper(WCHAR c)
{
    return c >= 'a' && c <= 'z' ? (WCHAR)(c - 32) : c;
}

static struct pipe *find(const WCHAR *name, size_t length)
{
    for (struct pipe *p = room()->first; p; p = p->next) {
        size_t i = 0;
        while (i < length && i < p->length && upper(p->name[i]) == upper(name[i]))
            i++;
        if (i == length && p->length == length)
            return p;
    }
    return NULL;
}

static struct instance *instance_of(const FILE_OBJECT *file, int *side)
{
    for (struct pipe *p = room()->first; p; p = p->next)
        for (struct instance *i = p->instances; i; i = i->next)
            for (int s = 0; s < 2; s++)
                if (i->ends[s].file == file) {
                    *side = s;
                    return i;
                }
    return NULL;
}

static struct instance *listening(const struct pipe *p)
{
    struct instance *i = p->instances;
    while (i && i->state != LISTENING)
        i = i->next;
    return i;
}

int fs_pipe_state(const WCHAR *name, size_t length)
{
    const struct pipe *p = find(name, length);
    return !p ? 0 : listening(p) ? 2 : 1;
}

/* ---- requests that wait ---- */

static void finish(IRP *irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    io_complete_request(irp, IO_NAMED_PIPE_INCREMENT);
}

/* It is ours to complete: its cancellation has not begun. */
static bool claim(IRP *irp)
{
    PVOID routine = irp->CancelRoutine;
    irp->CancelRoutine = NULL;
    return routine != NULL;
}

static void forget(const IRP *irp);

/* It waits already where it will be found; one that was cancelled before does not. */
static NTSTATUS pend(IRP *irp)
{
    if (irp->Cancel) {
        forget(irp);
        return STATUS_CANCELLED;
    }
    io_current_location(irp)->Control |= SL_PENDING_RETURNED;
    irp->CancelRoutine = (PVOID)door_export_address("ntoskrnl.exe", "FsPipeCancel");
    return STATUS_PENDING;
}

static void chunk_drop(struct end *e, struct chunk **at)
{
    struct chunk *c = *at;
    *at = c->next;
    e->queued -= c->size - c->read;
    sim_free(c, sizeof *c + c->size);
}

/* From wherever it waits. */
static void forget(const IRP *irp)
{
    for (struct pipe *p = room()->first; p; p = p->next)
        for (struct instance *i = p->instances; i; i = i->next) {
            if (i->listen == irp)
                i->listen = NULL;
            for (int s = 0; s < 2; s++) {
                for (struct waiting **at = &i->ends[s].reads; *at; at = &(*at)->next)
                    if ((*at)->irp == irp) {
                        struct waiting *w = *at;
                        *at = w->next;
                        sim_free(w, sizeof *w);
                        return;
                    }
                for (struct chunk **at = &i->ends[s].incoming; *at; at = &(*at)->next)
                    if ((*at)->irp == irp) {
                        chunk_drop(&i->ends[s], at);
                        return;
                    }
            }
        }
}

/* Cancel routine: called with the cancel spin lock held. */
void FsPipeCancel(DEVICE_OBJECT *device, IRP *irp)
{
    forget(irp);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    finish(irp, STATUS_CANCELLED, 0);
}

/* ---- data ---- */

/* Copies what there is; in message mode one message, STATUS_BUFFER_OVERFLOW for a part of it. Writers whose data went are let go. */
static NTSTATUS take(struct instance *i, int side, uint8_t *to, uint32_t size, bool look, uint32_t *done)
{
    struct end *e = &i->ends[side];
    NTSTATUS s = STATUS_SUCCESS;
    *done = 0;
    for (struct chunk **at = &e->incoming; *at;) {
        struct chunk *c = *at;
        uint32_t left = c->size - c->read, n = left < size - *done ? left : size - *done;
        memcpy(to + *done, c->data + c->read, n);
        *done += n;
        if (n < left)
            s = e->message_read ? STATUS_BUFFER_OVERFLOW : s;
        if (look) {
            if (n < left || e->message_read)
                break;
            at = &c->next;
            continue;
        }
        c->read += n;
        e->queued -= n;
        if (n < left)
            break;
        IRP *writer = c->irp;
        uint32_t written = c->size;
        chunk_drop(e, at);
        if (writer && claim(writer))
            finish(writer, STATUS_SUCCESS, written);
        if (e->message_read || *done == size)
            break;
    }
    return s;
}

/* No data: what a read is told then. */
static NTSTATUS nothing(const struct instance *i, int side)
{
    if (i->state == DISCONNECTED)
        return STATUS_PIPE_DISCONNECTED;
    if (i->state == LISTENING)
        return STATUS_PIPE_LISTENING;
    if (i->state == CLOSING)
        return STATUS_PIPE_BROKEN;
    return i->ends[side].no_wait ? STATUS_PIPE_EMPTY : STATUS_PENDING;
}

static NTSTATUS read_pipe(struct instance *i, int side, IRP *irp, void *to, uint32_t size, ULONG_PTR *information)
{
    struct end *e = &i->ends[side];
    uint32_t done;
    NTSTATUS s = e->incoming ? STATUS_SUCCESS : nothing(i, side);
    if (s == STATUS_PENDING) {
        struct waiting *w = sim_alloc(sizeof *w), **at = &e->reads;
        w->irp = irp;
        while (*at)
            at = &(*at)->next;
        *at = w;
        return pend(irp);
    }
    if (!NT_SUCCESS(s))
        return s;
    s = take(i, side, to, size, false, &done);
    *information = done;
    return s;
}

/* Gives what has arrived to those who wait for it. */
static void serve(struct instance *i, int side)
{
    struct end *e = &i->ends[side];
    while (e->reads && (e->incoming || i->state != CONNECTED)) {
        struct waiting *w = e->reads;
        IRP *irp = w->irp;
        e->reads = w->next;
        sim_free(w, sizeof *w);
        if (!claim(irp))
            continue; /* being cancelled */
        const IO_STACK_LOCATION *sl = io_current_location(irp);
        uint32_t done = 0;
        NTSTATUS s = e->incoming ? take(i, side, irp->AssociatedIrp.SystemBuffer, sl->Parameters.Read.Length, false, &done) : nothing(i, side);
        finish(irp, s, done);
    }
}

static NTSTATUS write_pipe(struct instance *i, int side, IRP *irp, const void *from, uint32_t size, ULONG_PTR *information)
{
    struct end *other = &i->ends[!side];
    if (i->state != CONNECTED)
        return i->state == DISCONNECTED ? STATUS_PIPE_DISCONNECTED : i->state == LISTENING ? STATUS_PIPE_LISTENING : STATUS_PIPE_CLOSING;
    bool fits = other->queued + size <= other->quota || !other->queued || other->reads;
    if (!fits && i->ends[side].no_wait)
        return STATUS_SUCCESS; /* DOC: nothing was written */
    struct chunk *c = sim_alloc(sizeof *c + size), **at = &other->incoming;
    c->size = size;
    memcpy(c->data, from, size);
    c->irp = fits ? NULL : irp;
    while (*at)
        at = &(*at)->next;
    *at = c;
    other->queued += size;
    if (!fits)
        return pend(irp);
    serve(i, !side);
    *information = size;
    return STATUS_SUCCESS;
}

/* ---- opening and closing ---- */

static struct end end_of(const FILE_OBJECT *file, uint32_t quota, bool message_read, bool no_wait)
{
    return (struct end) { .file = file, .quota = quota ? quota : QUOTA_DEFAULT, .message_read = message_read, .no_wait = no_wait };
}

static NTSTATUS create_server(const IO_STACK_LOCATION *sl, ULONG_PTR *did)
{
    const struct fs_pipe_parameters *n = sl->Parameters.CreatePipe.Parameters;
    const UNICODE_STRING *name = &sl->FileObject->FileName;
    size_t length = name->Length / 2;
    ULONG disposition = sl->Parameters.CreatePipe.Options >> 24;
    if (length < 2 || length - 1 > NAME_MOST)
        return STATUS_OBJECT_NAME_INVALID;
    struct pipe *p = find(name->Buffer + 1, length - 1);
    if (!p && disposition == FILE_OPEN)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (p && disposition == FILE_CREATE)
        return STATUS_ACCESS_DENIED;
    ULONG count = 0;
    for (const struct instance *k = p ? p->instances : NULL; k; k = k->next)
        count++;
    if (p && count >= p->most)
        return STATUS_INSTANCE_NOT_AVAILABLE;
    if (!p) {
        p = sim_alloc(sizeof *p);
        memcpy(p->name, name->Buffer + 1, (length - 1) * 2);
        p->length = length - 1;
        p->message = n->message;
        p->most = n->instances;
        p->configuration = sl->Parameters.CreatePipe.ShareAccess;
        p->next = room()->first;
        room()->first = p;
    }
    struct instance *i = sim_alloc(sizeof *i), **at = &p->instances;
    i->pipe = p;
    i->state = LISTENING;
    i->ends[SERVER] = end_of(sl->FileObject, n->in_quota, n->message_read, n->no_wait);
    i->ends[CLIENT] = end_of(NULL, n->out_quota, false, false);
    while (*at)
        at = &(*at)->next;
    *at = i;
    *did = count ? FILE_OPENED : FILE_CREATED;
    return STATUS_SUCCESS;
}

static NTSTATUS open_client(const IO_STACK_LOCATION *sl, ULONG_PTR *did)
{
    const UNICODE_STRING *name = &sl->FileObject->FileName;
    size_t length = name->Length / 2;
    struct pipe *p = length > 1 ? find(name->Buffer + 1, length - 1) : NULL;
    if (length <= 1)
        return STATUS_SUCCESS; /* the device itself */
    if (!p)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    struct instance *i = listening(p);
    if (!i)
        return STATUS_PIPE_NOT_AVAILABLE;
    i->ends[CLIENT].file = sl->FileObject;
    i->state = CONNECTED;
    *did = FILE_OPENED;
    if (i->listen) {
        IRP *waits = i->listen;
        i->listen = NULL;
        if (claim(waits))
            finish(waits, STATUS_SUCCESS, 0);
    }
    return STATUS_SUCCESS;
}

static void drop_incoming(struct end *e, NTSTATUS status)
{
    while (e->incoming) {
        IRP *writer = e->incoming->irp;
        chunk_drop(e, &e->incoming);
        if (writer && claim(writer))
            finish(writer, status, 0);
    }
}

/* One end goes: the other can read what is left. */
static void close_end(struct instance *i, int side)
{
    struct end *mine = &i->ends[side];
    if (i->listen && side == SERVER) {
        IRP *waits = i->listen;
        i->listen = NULL;
        if (claim(waits))
            finish(waits, STATUS_PIPE_BROKEN, 0);
    }
    while (mine->reads) {
        struct waiting *w = mine->reads;
        IRP *irp = w->irp;
        mine->reads = w->next;
        sim_free(w, sizeof *w);
        if (claim(irp))
            finish(irp, STATUS_PIPE_BROKEN, 0);
    }
    drop_incoming(mine, STATUS_PIPE_CLOSING);
    if (i->state == CONNECTED)
        i->state = CLOSING;
    serve(i, !side);
}

static void instance_free(struct instance *i)
{
    struct pipe *p = i->pipe;
    drop_incoming(&i->ends[0], STATUS_PIPE_CLOSING);
    drop_incoming(&i->ends[1], STATUS_PIPE_CLOSING);
    for (struct instance **at = &p->instances; *at; at = &(*at)->next)
        if (*at == i) {
            *at = i->next;
            break;
        }
    sim_free(i, sizeof *i);
    if (p->instances)
        return;
    for (struct pipe **at = &room()->first; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            break;
        }
    sim_free(p, sizeof *p);
}

static void closed(struct instance *i, int side)
{
    i->ends[side].file = NULL;
    if (!i->ends[SERVER].file && !i->ends[CLIENT].file)
        instance_free(i);
}

/* ---- controls ---- */

static NTSTATUS listen(struct instance *i, int side, IRP *irp)
{
    if (side != SERVER)
        return STATUS_ILLEGAL_FUNCTION;
    if (i->state == CONNECTED)
        return STATUS_PIPE_CONNECTED;
    if (i->state == CLOSING)
        return STATUS_PIPE_CLOSING;
    i->state = LISTENING;
    if (i->ends[SERVER].no_wait)
        return STATUS_PIPE_LISTENING;
    i->listen = irp;
    return pend(irp);
}

static NTSTATUS disconnect(struct instance *i, int side)
{
    if (side != SERVER)
        return STATUS_ILLEGAL_FUNCTION;
    if (i->state == DISCONNECTED)
        return STATUS_PIPE_DISCONNECTED;
    i->state = DISCONNECTED;
    for (int s = 0; s < 2; s++) {
        drop_incoming(&i->ends[s], STATUS_PIPE_DISCONNECTED); /* DOC: what was not read is lost */
        serve(i, s);
    }
    i->ends[CLIENT].file = NULL;
    return STATUS_SUCCESS;
}

/* FILE_PIPE_PEEK_BUFFER: state, bytes, messages, length of the first, data. */
static NTSTATUS peek(struct instance *i, int side, IRP *irp, uint32_t room_for, ULONG_PTR *information)
{
    struct end *e = &i->ends[side];
    uint32_t done = 0, *out = irp->AssociatedIrp.SystemBuffer;
    if (room_for < 16)
        return STATUS_INVALID_PARAMETER;
    if (!e->incoming && i->state != CONNECTED)
        return nothing(i, side);
    uint32_t messages = 0;
    for (const struct chunk *c = e->incoming; c; c = c->next)
        messages++;
    const uint32_t head[4] = { i->state, e->queued, e->message_read ? messages : 0, e->message_read && e->incoming ? e->incoming->size - e->incoming->read : 0 };
    NTSTATUS s = take(i, side, (uint8_t *)(out + 4), room_for - 16, true, &done);
    memcpy(out, head, sizeof head);
    *information = 16 + done;
    return s == STATUS_SUCCESS && done < e->queued && room_for > 16 && !e->message_read ? STATUS_BUFFER_OVERFLOW : s;
}

static NTSTATUS information_of(struct instance *i, int side, IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *done)
{
    uint32_t *out = irp->AssociatedIrp.SystemBuffer, space = sl->Parameters.QueryFile.Length;
    const struct end *e = &i->ends[side];
    switch (sl->Parameters.QueryFile.FileInformationClass) {
    case STANDARD:
        memset(out, 0, space < 24 ? space : 24);
        if (space >= 24)
            out[4] = 1;
        *done = 24;
        return STATUS_SUCCESS;
    case PIPE_INFO:
        if (space < 8)
            return STATUS_INFO_LENGTH_MISMATCH;
        out[0] = e->message_read;
        out[1] = e->no_wait;
        *done = 8;
        return STATUS_SUCCESS;
    case PIPE_LOCAL: {
        uint32_t count = 0;
        for (const struct instance *k = i->pipe->instances; k; k = k->next)
            count++;
        const uint32_t all[10] = { i->pipe->message, i->pipe->configuration, i->pipe->most, count, i->ends[SERVER].quota, e->queued, i->ends[CLIENT].quota,
                                   i->ends[!side].quota - i->ends[!side].queued, i->state, side == SERVER };
        if (space < sizeof all)
            return STATUS_INFO_LENGTH_MISMATCH;
        memcpy(out, all, sizeof all);
        *done = sizeof all;
        return STATUS_SUCCESS;
    }
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static NTSTATUS information_set(struct instance *i, int side, const IRP *irp, const IO_STACK_LOCATION *sl)
{
    const uint32_t *in = irp->AssociatedIrp.SystemBuffer;
    if (sl->Parameters.SetFile.FileInformationClass != PIPE_INFO || sl->Parameters.SetFile.Length < 8)
        return STATUS_INVALID_PARAMETER;
    if (in[0] && !i->pipe->message)
        return STATUS_INVALID_PARAMETER;
    i->ends[side].message_read = in[0] != 0;
    i->ends[side].no_wait = in[1] != 0;
    return STATUS_SUCCESS;
}

/* ---- the device ---- */

static NTSTATUS answer(IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *information)
{
    int side = 0;
    sim_access((uint64_t)room()->device, SIM_WRITE);
    if (sl->MajorFunction == IRP_MJ_CREATE_NAMED_PIPE)
        return create_server(sl, information);
    if (sl->MajorFunction == IRP_MJ_CREATE)
        return open_client(sl, information);
    struct instance *i = instance_of(sl->FileObject, &side);
    if (!i)
        return sl->MajorFunction == IRP_MJ_CLEANUP || sl->MajorFunction == IRP_MJ_CLOSE ? STATUS_SUCCESS
             : sl->MajorFunction == IRP_MJ_READ || sl->MajorFunction == IRP_MJ_WRITE ? STATUS_PIPE_DISCONNECTED : STATUS_INVALID_DEVICE_REQUEST;
    switch (sl->MajorFunction) {
    case IRP_MJ_CLEANUP:
        close_end(i, side);
        return STATUS_SUCCESS;
    case IRP_MJ_CLOSE:
        closed(i, side);
        return STATUS_SUCCESS;
    case IRP_MJ_READ:
        return read_pipe(i, side, irp, irp->AssociatedIrp.SystemBuffer, sl->Parameters.Read.Length, information);
    case IRP_MJ_WRITE:
        return write_pipe(i, side, irp, irp->AssociatedIrp.SystemBuffer, sl->Parameters.Write.Length, information);
    case IRP_MJ_QUERY_INFORMATION:
        return information_of(i, side, irp, sl, information);
    case IRP_MJ_SET_INFORMATION:
        return information_set(i, side, irp, sl);
    case IRP_MJ_FLUSH_BUFFERS:
        return STATUS_SUCCESS;
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        switch (sl->Parameters.DeviceIoControl.IoControlCode) {
        case FSCTL_LISTEN:
            return listen(i, side, irp);
        case FSCTL_DISCONNECT:
            return disconnect(i, side);
        case FSCTL_PEEK:
            return peek(i, side, irp, sl->Parameters.DeviceIoControl.OutputBufferLength, information);
        default:
            return STATUS_NOT_SUPPORTED;
        }
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

NTSTATUS FsPipeDispatch(DEVICE_OBJECT *device, IRP *irp)
{
    ULONG_PTR information = 0;
    NTSTATUS s = answer(irp, io_current_location(irp), &information);
    if (s == STATUS_PENDING)
        return s;
    irp->IoStatus.Status = s;
    irp->IoStatus.Information = information;
    io_complete_request(irp, 0);
    return s;
}

void fs_pipe_init(DEVICE_OBJECT *device)
{
    *fs_pipes() = sim_alloc(sizeof(struct pipes));
    room()->device = device;
}
