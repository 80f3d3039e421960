/* Callback objects. An object's registrations are called in the order in which they came, at the notifier's IRQL.
 * DOC: a registration that ends while its routine runs is waited for. */
#include <string.h>

#include "ex/room.h"
#include "mm/mm.h"
#include "nt/ob.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "sim/door.h"

enum { CALLBACK_TAG = 0x6B426C43, SIGNATURE = 0x6C6C6143 };

/* In guest memory, as in NT; drivers see both only as handles. */
struct registration {
    struct registration *next;
    struct callback *object;
    PVOID function, context;
    ULONG busy;
    BOOLEAN gone;
};

struct callback {
    ULONG signature;
    BOOLEAN allow_multiple;
    struct registration *first;
};

static void callback_delete(void *object)
{
    struct callback *c = object;
    ob_remove_name(c);
    while (c->first) {
        struct registration *r = c->first;
        c->first = r->next;
        ex_pool_free(r);
    }
}

static const struct ob_type callback_type = { "Callback", callback_delete, NULL, OB_NOT_WAITABLE };

static struct callback *callback_new(bool allow_multiple)
{
    struct callback *c = ob_create(OB_CALLBACK, sizeof *c);
    c->signature = SIGNATURE;
    c->allow_multiple = allow_multiple;
    return c;
}

/* DOC: the system's own callbacks. Only PowerState is ever notified. */
void ex_callback_init(void)
{
    ob_type_register(OB_CALLBACK, &callback_type);
    static const char *const names[] = { "\\Callback\\SetSystemTime", "\\Callback\\PowerState", "\\Callback\\ProcessorAdd" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        WCHAR buffer[64];
        UNICODE_STRING name = ob_text(names[i], buffer, 64);
        struct callback *c = callback_new(true);
        ob_insert_name(c, &name, OBJ_PERMANENT);
        ob_dereference(c);
    }
}

NTSTATUS ExCreateCallback(PVOID *out, OBJECT_ATTRIBUTES *oa, ULONG create, ULONG allow_multiple)
{
    sim_access(SIM_ACCESS_NAMESPACE, SIM_WRITE);
    void *found = NULL;
    UNICODE_STRING rest = { 0 };
    UNICODE_STRING *name = oa ? oa->ObjectName : NULL;
    if (name && NT_SUCCESS(ob_lookup(name, oa->Attributes, &found, &rest))) {
        if (ob_type_of(found) != OB_CALLBACK) {
            ob_dereference(found);
            return STATUS_OBJECT_TYPE_MISMATCH;
        }
        *out = found;
        return STATUS_SUCCESS;
    }
    if (!(UCHAR)create)
        return STATUS_UNSUCCESSFUL;
    struct callback *c = callback_new((UCHAR)allow_multiple);
    NTSTATUS status = name ? ob_insert_name(c, name, oa->Attributes) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status)) {
        ob_dereference(c);
        return status;
    }
    /* The name of a temporary object ends with its last reference: it does not count as one. */
    if (name && !(oa->Attributes & OBJ_PERMANENT))
        ob_dereference(c);
    *out = c;
    return STATUS_SUCCESS;
}

PVOID ExRegisterCallback(struct callback *c, PVOID function, PVOID context)
{
    sim_access((uint64_t)c, SIM_WRITE);
    if (c->first && !c->allow_multiple)
        return NULL;
    struct registration *r = ex_pool_alloc(NonPagedPoolNx, sizeof *r, CALLBACK_TAG), **at = &c->first;
    *r = (struct registration) { .object = c, .function = function, .context = context };
    while (*at)
        at = &(*at)->next;
    *at = r;
    ob_reference(c);
    return r;
}

static void registration_free(struct registration *r)
{
    struct registration **at = &r->object->first;
    while (*at && *at != r)
        at = &(*at)->next;
    if (*at)
        *at = r->next;
    ob_dereference(r->object);
    ex_pool_free(r);
}

void ExUnregisterCallback(struct registration *r)
{
    sim_access((uint64_t)r->object, SIM_WRITE);
    r->gone = TRUE;
    struct ex_waiter w;
    if (r->busy)
        ex_wait(&w, (uint64_t)r, 0, FRAME_ExBlockOnAddressPushLock, WrExecutive);
    registration_free(r);
}

/* A registration that is held stays in the list, and so does its successor's place. */
static struct registration *hold(struct registration *r)
{
    while (r && r->gone)
        r = r->next;
    if (r)
        r->busy++;
    return r;
}

static void let_go(struct registration *r)
{
    if (--r->busy || !r->gone)
        return;
    struct ex_waiter *woken = NULL, *w = ex_waiter_first((uint64_t)r, NULL);
    if (w)
        ex_waiter_take(w, &woken);
    ex_wake_all(woken);
}

void ExNotifyCallback(struct callback *c, PVOID argument1, PVOID argument2)
{
    sim_access((uint64_t)c, SIM_READ);
    struct registration *r = hold(c->first);
    while (r) {
        guest_call(FRAME_NONE, r->function, 3, (uint64_t)r->context, (uint64_t)argument1, (uint64_t)argument2);
        struct registration *next = hold(r->next);
        let_go(r);
        r = next;
    }
}

void ex_callback_notify_named(const char *name, uint64_t argument1, uint64_t argument2)
{
    WCHAR buffer[64];
    UNICODE_STRING n = ob_text(name, buffer, 64), rest = { 0 };
    void *c = NULL;
    if (!NT_SUCCESS(ob_lookup(&n, OBJ_CASE_INSENSITIVE, &c, &rest)))
        return;
    ExNotifyCallback(c, (PVOID)argument1, (PVOID)argument2);
    ob_dereference(c);
}
