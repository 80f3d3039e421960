/* How a finished request reaches a program that did not wait for it: user APC or completion port. The port objects are here;
 * a packet is a small pool block, not the IRP, which is freed at once (GUESS: nobody looks for it there). */
#include "io/completion.h"

#include <string.h>

#include "ex/objects.h"
#include "io/room.h"
#include "ke/exports.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { PACKET_TAG = 0x6D436F49 /* "IoCm" */, REMOVE_AT_ONCE = 64 };

struct packet {
    LIST_ENTRY entry;
    PVOID key, apc_context;
    IO_STATUS_BLOCK iosb;
};

/* ---- user APCs ---- */

static void user_completion(KAPC *apc)
{
    IoFreeIrp((IRP *)((UCHAR *)apc - offsetof(IRP, Tail.Apc)));
}

/* The APC lies in the IRP where the completion APC was; its arguments are the routine's: context, status block, 0. */
bool io_user_apc_queue(IRP *irp, FILE_OBJECT *file)
{
    KTHREAD *thread = (KTHREAD *)irp->Tail.Overlay.Thread;
    PVOID routine = irp->Overlay.AsynchronousParameters.UserApcRoutine, context = irp->Overlay.AsynchronousParameters.UserApcContext;
    ke_apc_init_host_normal(&irp->Tail.Apc, thread, user_completion, FRAME_IopUserCompletion, routine, irp->RequestorMode, context);
    ke_apc_rundown_set(&irp->Tail.Apc, user_completion, FRAME_IopUserRundown);
    irp->CurrentLocation = (CHAR)(irp->StackCount + 2);
    if (!ke_apc_insert(&irp->Tail.Apc, irp->UserIosb, NULL))
        return false;
    if (file && !(irp->Flags & IRP_CREATE_OPERATION))
        ob_dereference(file);
    return true;
}

/* ---- packets ---- */

static void packet_insert(KQUEUE *port, PVOID key, PVOID apc_context, NTSTATUS status, ULONG_PTR information)
{
    struct packet *p = ex_pool_alloc(NonPagedPoolNx, sizeof *p, PACKET_TAG);
    p->key = key;
    p->apc_context = apc_context;
    p->iosb.Pointer = NULL;
    p->iosb.Status = status;
    p->iosb.Information = information;
    KeInsertQueue(port, &p->entry);
}

void io_completion_packet(IRP *irp, FILE_OBJECT *file)
{
    PVOID context = irp->Overlay.AsynchronousParameters.UserApcContext;
    /* A request without context (an OVERLAPPED whose event has its low bit set) sends none; nor does one that succeeded at once
     * on a file that was told so. */
    if (!context || ((file->Flags & FO_SKIP_COMPLETION_PORT) && !irp->PendingReturned && NT_SUCCESS(irp->IoStatus.Status)))
        return;
    packet_insert(file->CompletionContext->Port, file->CompletionContext->Key, context, irp->IoStatus.Status, irp->IoStatus.Information);
}

void io_completion_context_free(FILE_OBJECT *file)
{
    IO_COMPLETION_CONTEXT *c = file->CompletionContext;
    file->CompletionContext = NULL;
    ob_dereference(c->Port);
    ex_pool_free(c);
}

NTSTATUS io_completion_associate(FILE_OBJECT *file, HANDLE port, PVOID key)
{
    void *object;
    NTSTATUS s = ob_handle_reference(ps_current_process(), port, OB_COMPLETION, IO_COMPLETION_MODIFY_STATE, &object, NULL);
    if (!NT_SUCCESS(s))
        return s;
    if (file->CompletionContext || (file->Flags & FO_SYNCHRONOUS_IO)) {
        ob_dereference(object);
        return STATUS_INVALID_PARAMETER;
    }
    IO_COMPLETION_CONTEXT *c = ex_pool_alloc(NonPagedPoolNx, sizeof *c, PACKET_TAG);
    c->Port = object;
    c->Key = key;
    file->CompletionContext = c;
    return STATUS_SUCCESS;
}

/* ---- port objects ---- */

static void port_drain(KQUEUE *port)
{
    LIST_ENTRY *first = KeRundownQueue(port);
    if (!first)
        return;
    first->Blink->Flink = NULL;
    for (LIST_ENTRY *e = first, *next; e; e = next) {
        next = e->Flink;
        ex_pool_free((UCHAR *)e - offsetof(struct packet, entry));
    }
}

static void port_delete(void *object)
{
    port_drain(object);
}

/* Who still waits when the last handle is closed hears of it. */
static void port_close(void *object, struct process *process, bool last)
{
    ob_close_named(object, process, last);
    if (last)
        port_drain(object);
}

void io_completion_types_register(void)
{
    static const struct ob_type port = { "IoCompletion", port_delete, port_close, 0 };
    ob_type_register(OB_COMPLETION, &port);
}

static void port_initialise(void *body, const void *context)
{
    KeInitializeQueue(body, *(const ULONG *)context);
}

NTSTATUS NtCreateIoCompletion(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG threads)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtCreateIoCompletion);
    sim_point(0);
    NTSTATUS s = ex_object_create(handle, OB_COMPLETION, sizeof(KQUEUE), access, oa, port_initialise, &threads);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtSetIoCompletion(HANDLE handle, PVOID key, PVOID apc_context, NTSTATUS status, ULONG_PTR information)
{
    struct syscall sc;
    void *port;
    ps_syscall_enter(&sc, FRAME_NtSetIoCompletion);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_COMPLETION, IO_COMPLETION_MODIFY_STATE, &port, NULL);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)port);
        packet_insert(port, key, apc_context, status, information);
        ob_dereference(port);
    }
    ps_syscall_leave(&sc);
    return s;
}

/* *taken gets how many; the packets' contents go to out. */
static NTSTATUS remove_packets(KQUEUE *port, FILE_IO_COMPLETION_INFORMATION *out, ULONG count, ULONG *taken, LARGE_INTEGER *timeout, ULONG alertable)
{
    LIST_ENTRY *entries[REMOVE_AT_ONCE];
    ULONG r = KeRemoveQueueEx(port, UserMode, alertable, timeout, entries, count < REMOVE_AT_ONCE ? count : REMOVE_AT_ONCE);
    if (r > REMOVE_AT_ONCE || r == 0)
        return r == 0 ? STATUS_TIMEOUT : (NTSTATUS)r;
    for (ULONG i = 0; i < r; i++) {
        struct packet *p = (struct packet *)((UCHAR *)entries[i] - offsetof(struct packet, entry));
        out[i].KeyContext = p->key;
        out[i].ApcContext = p->apc_context;
        out[i].IoStatusBlock = p->iosb;
        ex_pool_free(p);
    }
    *taken = r;
    return STATUS_SUCCESS;
}

NTSTATUS NtRemoveIoCompletionEx(HANDLE handle, FILE_IO_COMPLETION_INFORMATION *out, ULONG count, ULONG *removed, LARGE_INTEGER *timeout, ULONG alertable)
{
    struct syscall sc;
    void *port;
    if (count == 0)
        return STATUS_INVALID_PARAMETER;
    ps_syscall_enter(&sc, FRAME_NtRemoveIoCompletionEx);
    FILE_IO_COMPLETION_INFORMATION found[REMOVE_AT_ONCE];
    ULONG n = 0;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_COMPLETION, IO_COMPLETION_MODIFY_STATE, &port, NULL);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)port);
        s = remove_packets(port, found, count, &n, timeout, alertable);
        ob_dereference(port);
    }
    if (!ex_put(out, found, n * sizeof *found) || !ex_put(removed, &n, sizeof n))
        s = STATUS_ACCESS_VIOLATION;
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtRemoveIoCompletion(HANDLE handle, PVOID *key, PVOID *apc_context, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *timeout)
{
    struct syscall sc;
    void *port;
    ps_syscall_enter(&sc, FRAME_NtRemoveIoCompletion);
    FILE_IO_COMPLETION_INFORMATION found;
    ULONG n = 0;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_COMPLETION, IO_COMPLETION_MODIFY_STATE, &port, NULL);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)port);
        s = remove_packets(port, &found, 1, &n, timeout, FALSE);
        ob_dereference(port);
    }
    if (n && (!ex_put(key, &found.KeyContext, 8) || !ex_put(apc_context, &found.ApcContext, 8) || !ex_put(iosb, &found.IoStatusBlock, sizeof *iosb)))
        s = STATUS_ACCESS_VIOLATION;
    ps_syscall_leave(&sc);
    return s;
}

void io_victim_note(IRP *irp)
{
}
