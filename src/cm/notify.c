/* ZwNotifyChangeKey. One call is one notification: the next change of a wanted kind in the key (or below it) writes the status
 * block, sets the event and queues the work item; so does closing the key's last handle (STATUS_NOTIFY_CLEANUP).
 * DOC: for kernel-mode callers ApcRoutine is a WORK_QUEUE_ITEM and ApcContext the queue. */
#include "ex/ex.h"
#include "cm/key.h"
#include "ex/work.h"
#include "nt/io.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "sim/access.h"
#include "sim/door.h"

struct cm_notify {
    const struct cm_key *key;
    const void *object; /* that the key was opened as: only compared */
    bool tree;
    ULONG filter;
    IO_STATUS_BLOCK *iosb;
    void *event_object; /* referenced */
    KEVENT *event; /* of a synchronous caller */
    WORK_QUEUE_ITEM *item;
    ULONG queue;
    struct cm_notify *next;
};

static bool is_within(const struct cm_key *key, const struct cm_key *top, bool tree)
{
    while (tree && key && key != top)
        key = key->parent;
    return key == top;
}

static void fire(struct cm_notify *n, NTSTATUS status)
{
    if (n->iosb) {
        n->iosb->Status = status;
        n->iosb->Information = 0;
    }
    KEVENT *event = n->event ? n->event : n->event_object;
    WORK_QUEUE_ITEM *item = n->item;
    void *object = n->event_object;
    ULONG queue = n->queue;
    sim_free(n, sizeof *n);
    if (item)
        ExQueueWorkItem(item, queue);
    if (event)
        KeSetEvent(event, 0, FALSE);
    if (object)
        ob_dereference(object);
}

void cm_notify(const struct cm_key *key, ULONG what)
{
    struct cm_notify *due = NULL, **last = &due, **at = &cm_room()->notifies;
    while (*at) {
        struct cm_notify *n = *at;
        if (!(n->filter & what) || !is_within(key, n->key, n->tree)) {
            at = &n->next;
            continue;
        }
        *at = n->next;
        n->next = NULL;
        *last = n;
        last = &n->next;
    }
    while (due) {
        struct cm_notify *n = due;
        due = n->next;
        fire(n, STATUS_NOTIFY_ENUM_DIR);
    }
}

void cm_notify_closed(const void *object)
{
    for (struct cm_notify **at = &cm_room()->notifies; *at;) {
        struct cm_notify *n = *at;
        if (n->object != object) {
            at = &n->next;
            continue;
        }
        *at = n->next;
        fire(n, STATUS_NOTIFY_CLEANUP);
        at = &cm_room()->notifies;
    }
}

NTSTATUS ZwNotifyChangeKey(HANDLE key, HANDLE event, PVOID routine, PVOID context, IO_STATUS_BLOCK *iosb, ULONG filter, ULONG tree, PVOID buffer,
                           ULONG length, ULONG asynchronous)
{
    struct cm_key *k;
    void *object = NULL;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    void *body = NULL;
    NTSTATUS status = cm_key_of(key, &k);
    if (NT_SUCCESS(status)) {
        status = ob_handle_reference(ps_current_process(), key, OB_KEY, 0, &body, NULL);
        ob_dereference(body); /* its handle holds it */
    }
    if (NT_SUCCESS(status) && event)
        status = ob_handle_reference(ps_current_process(), event, OB_EVENT, 0, &object, NULL);
    if (!NT_SUCCESS(status))
        return status;
    if (object)
        KeClearEvent(object);
    struct cm_notify *n = sim_alloc(sizeof *n), **at = &cm_room()->notifies;
    *n = (struct cm_notify) { .key = k, .object = body, .tree = (UCHAR)tree, .filter = filter, .iosb = iosb, .event_object = object, .item = routine,
                              .queue = (ULONG)(uint64_t)context };
    while (*at)
        at = &(*at)->next;
    *at = n;
    if ((UCHAR)asynchronous)
        return STATUS_PENDING;
    struct guest_mark mark = guest_frame_push(FRAME_NtNotifyChangeKey);
    n->event = guest_frame_locals();
    KeInitializeEvent(n->event, NotificationEvent, FALSE);
    KeWaitForSingleObject(n->event, Executive, KernelMode, FALSE, NULL);
    guest_frame_pop(mark);
    return STATUS_NOTIFY_ENUM_DIR;
}
