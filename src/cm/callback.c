/* Registry callbacks.
 *
 * DOC ("Filtering Registry Calls"): before an operation the callbacks are called from the highest altitude down, after it from the lowest up. A
 * callback that answers a pre-notification with anything but success ends the operation there: those below hear nothing, those above hear of
 * the end, it itself does not. STATUS_CALLBACK_BYPASS means that it did the work: the caller gets success. A post-notification answered with
 * STATUS_CALLBACK_BYPASS replaces the status by ReturnStatus. Registry operations of a callback are shown to those below it only.
 *
 * Callbacks may come and go while one runs: they are kept by cookie, never by address. CmUnRegisterCallback waits for the thread inside. */
#include "cm/callback.h"

#include <string.h>

#include "ex/ex.h"
#include "ke/exports.h"
#include "mm/mm.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "rtl/altitude.h"
#include "sim/access.h"
#include "sim/door.h"

enum { CALLBACK_TAG = 0x62634D43 /* 'CMcb' */ };

struct cm_callback {
    PVOID function, context;
    uint64_t cookie;
    UNICODE_STRING altitude; /* private memory */
    EX_RUNDOWN_REF inside;
    bool leaving;
    struct cm_callback *next; /* the next lower one */
};

/* A thread that is inside a callback. */
struct cm_active {
    const struct thread *thread;
    uint64_t cookie;
    struct cm_active *next; /* innermost first */
};

struct cm_context {
    void *object;
    uint64_t cookie;
    PVOID value;
    struct cm_context *next;
};

struct cm_callbacks {
    struct cm_callback *highest;
    struct cm_active *active;
    struct cm_context *contexts;
    uint64_t last_cookie;
};

static struct cm_callbacks *room(void)
{
    if (!cm_room()->callbacks)
        cm_room()->callbacks = sim_alloc(sizeof(struct cm_callbacks));
    return cm_room()->callbacks;
}

/* Who is registered, and the contexts of objects. */
static void touch(unsigned how)
{
    sim_access((uint64_t)&cm_room()->callbacks, how);
}

static struct cm_callback *by_cookie(uint64_t cookie)
{
    touch(SIM_READ);
    struct cm_callback *b = room()->highest;
    while (b && b->cookie != cookie)
        b = b->next;
    return b;
}

/* ---- contexts of objects ---- */

static struct cm_context **context_link(const void *object, uint64_t cookie)
{
    struct cm_context **at = &room()->contexts;
    touch(SIM_READ);
    while (*at && ((*at)->object != object || (*at)->cookie != cookie))
        at = &(*at)->next;
    return at;
}

static PVOID context_of(const void *object, uint64_t cookie)
{
    const struct cm_context *c = object ? *context_link(object, cookie) : NULL;
    return c ? c->value : NULL;
}

static PVOID context_take(struct cm_context **at)
{
    struct cm_context *c = *at;
    PVOID value = c->value;
    *at = c->next;
    sim_free(c, sizeof *c);
    return value;
}

/* ---- calling ---- */

static NTSTATUS invoke(struct cm_callback *b, uint32_t class, void *argument)
{
    struct cm_active *a = sim_alloc(sizeof *a);
    *a = (struct cm_active) { ps_current(), b->cookie, room()->active };
    room()->active = a;
    NTSTATUS status = (NTSTATUS)guest_call(FRAME_CmpCallCallBacksEx, b->function, 3, (uint64_t)b->context, (uint64_t)class, (uint64_t)argument);
    struct cm_active **at = &room()->active;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    sim_free(a, sizeof *a);
    return status;
}

static void give_back(struct cm_callback *b, void *object, PVOID value)
{
    struct {
        PVOID Object, ObjectContext, Reserved;
    } *info = ex_pool_alloc(PagedPool, sizeof *info, CALLBACK_TAG);
    info->Object = object;
    info->ObjectContext = value;
    info->Reserved = NULL;
    invoke(b, REG_NT_CALLBACK_OBJECT_CONTEXT_CLEANUP, info);
    ex_pool_free(info);
}

bool cm_has_contexts(const void *object)
{
    touch(SIM_READ);
    const struct cm_context *c = cm_room()->callbacks ? cm_room()->callbacks->contexts : NULL;
    while (c && c->object != object)
        c = c->next;
    return c != NULL;
}

void cm_contexts_drop(void *object)
{
    while (cm_has_contexts(object)) {
        struct cm_context **at = &room()->contexts;
        while ((*at)->object != object)
            at = &(*at)->next;
        struct cm_callback *b = by_cookie((*at)->cookie);
        PVOID value = context_take(at);
        if (b && ExAcquireRundownProtection(&b->inside)) {
            give_back(b, object, value);
            ExReleaseRundownProtection(&b->inside);
        }
    }
}

/* The highest callback that is told of what this thread does: below the one that it is inside of. */
static struct cm_callback *first_told(void)
{
    const struct agent *a = MACHINE->fiber;
    if (!a || a->kind != AGENT_THREAD)
        return NULL;
    touch(SIM_READ);
    if (!cm_room()->callbacks || KeGetCurrentIrql() != 0)
        return NULL;
    const struct thread *t = ps_current();
    for (const struct cm_active *i = room()->active; i; i = i->next)
        if (i->thread == t) {
            struct cm_callback *b = by_cookie(i->cookie);
            return b ? b->next : NULL;
        }
    return room()->highest;
}

static PVOID *contexts(struct cm_call *c)
{
    return (PVOID *)((char *)&c->guest->info + c->contexts_at);
}

/* Terminated: drivers print captured names with %S (GUESS that NT's are; WDK samples, general/registry/regfltr, CallbackCapture). */
static size_t put_name(UNICODE_STRING *to, const UNICODE_STRING *from, WCHAR *text)
{
    *to = (UNICODE_STRING) { .Buffer = text };
    if (!from || !from->Length)
        return 0;
    memcpy(text, from->Buffer, from->Length);
    to->Length = to->MaximumLength = from->Length;
    return from->Length / 2u + 1;
}

static size_t name_bytes(const UNICODE_STRING *name)
{
    return name && name->Length ? name->Length + sizeof(WCHAR) : 0;
}

struct cm_call *cm_call_begin(uint32_t pre, uint32_t post, void *object, size_t contexts_at, const UNICODE_STRING *name, const UNICODE_STRING *class_name)
{
    struct cm_callback *b = first_told();
    if (!b)
        return NULL;
    struct cm_call *c = sim_alloc(sizeof *c);
    size_t bytes = sizeof *c->guest + name_bytes(name) + name_bytes(class_name);
    *c = (struct cm_call) { .pre = pre, .post = post, .object = object, .contexts_at = contexts_at, .guest_bytes = bytes };
    c->guest = ex_pool_alloc(PagedPool, bytes, CALLBACK_TAG);
    memset(c->guest, 0, bytes);
    size_t chars = put_name(&c->guest->name, name, c->guest->text);
    put_name(&c->guest->class_name, class_name, c->guest->text + chars);
    return c;
}

bool cm_call_pre(struct cm_call *c)
{
    uint64_t cookies[CM_MAX_CALLBACKS];
    unsigned count = 0;
    for (struct cm_callback *b = first_told(); b && count < CM_MAX_CALLBACKS; b = b->next)
        cookies[count++] = b->cookie;
    for (unsigned i = 0; i < count; i++) {
        struct cm_callback *b = by_cookie(cookies[i]);
        if (!b || !ExAcquireRundownProtection(&b->inside))
            continue;
        PVOID *place = contexts(c);
        place[0] = NULL;
        place[1] = context_of(c->object, cookies[i]);
        NTSTATUS status = invoke(b, c->pre, &c->guest->info);
        ExReleaseRundownProtection(&b->inside);
        if (!NT_SUCCESS(status)) {
            c->status = status == STATUS_CALLBACK_BYPASS ? STATUS_SUCCESS : status;
            return false;
        }
        c->at[c->seen].cookie = cookies[i];
        c->at[c->seen++].call_context = place[0];
    }
    return true;
}

NTSTATUS cm_call_tell_end(struct cm_call *c, void *object, NTSTATUS status)
{
    while (c->seen) {
        uint64_t cookie = c->at[--c->seen].cookie;
        struct cm_callback *b = by_cookie(cookie);
        if (!b || !ExAcquireRundownProtection(&b->inside))
            continue;
        PVOID *place = contexts(c);
        place[0] = c->at[c->seen].call_context;
        place[1] = context_of(c->object, cookie);
        c->guest->post = (REG_POST_OPERATION_INFORMATION) {
            .Object = NT_SUCCESS(status) || object == c->object ? object : NULL,
            .Status = status,
            .PreInformation = &c->guest->info,
            .ReturnStatus = status,
            .CallContext = place[0],
            .ObjectContext = context_of(object, cookie),
        };
        NTSTATUS answer = invoke(b, c->post, &c->guest->post);
        ExReleaseRundownProtection(&b->inside);
        if (answer == STATUS_CALLBACK_BYPASS)
            status = c->guest->post.ReturnStatus;
        else if (!NT_SUCCESS(answer) && NT_SUCCESS(status)) /* GUESS: an error without bypass is the operation's, too */
            status = answer;
        object = c->guest->post.Object; /* another one may stand there now */
    }
    return status;
}

void cm_call_free(struct cm_call *c)
{
    if (c->holds)
        ob_dereference(c->object);
    ex_pool_free(c->guest);
    sim_free(c, sizeof *c);
}

struct cm_call *cm_call_begin_key(uint32_t pre, uint32_t post, HANDLE key, size_t contexts_at, const UNICODE_STRING *name)
{
    void *object;
    if (!first_told() || !NT_SUCCESS(ob_handle_reference(ps_current_process(), key, OB_KEY, 0, &object, NULL)))
        return NULL;
    struct cm_call *c = cm_call_begin(pre, post, object, contexts_at, name, NULL);
    c->holds = true;
    c->guest->info.key.Object = object; /* the first member of all these */
    return c;
}

NTSTATUS cm_call_end(struct cm_call *c, NTSTATUS status)
{
    status = cm_call_tell_end(c, c->object, status);
    cm_call_free(c);
    return status;
}

void cm_call_enumerates(struct cm_call *c, ULONG index, ULONG class, PVOID information, ULONG length)
{
    REG_ENUMERATE_KEY_INFORMATION *e = &c->guest->info.enumerate;
    e->Index = index;
    e->Class = class;
    e->Information = information;
    e->Length = length;
    e->ResultLength = &c->guest->result_length;
}

void cm_call_take_length(const struct cm_call *c, ULONG *needed)
{
    if (needed && c->guest->result_length)
        *needed = c->guest->result_length;
}

/* ---- exports ---- */

static NTSTATUS add(PVOID function, const UNICODE_STRING *altitude, PVOID context, LARGE_INTEGER *cookie, bool shared)
{
    touch(SIM_WRITE);
    unsigned count = 0;
    struct cm_callback **at = &room()->highest;
    for (struct cm_callback *b = room()->highest; b; b = b->next)
        count++;
    if (count == CM_MAX_CALLBACKS)
        return STATUS_INSUFFICIENT_RESOURCES;
    int order = 1;
    while (*at && (order = rtl_altitude_compare(&(*at)->altitude, altitude)) > 0)
        at = &(*at)->next;
    if (*at && order == 0 && !shared)
        return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
    while (*at && shared && rtl_altitude_compare(&(*at)->altitude, altitude) == 0)
        at = &(*at)->next;
    struct cm_callback *b = sim_alloc(sizeof *b);
    b->function = function;
    b->context = context;
    b->altitude = (UNICODE_STRING) { altitude->Length, altitude->Length, memcpy(sim_alloc(altitude->Length), altitude->Buffer, altitude->Length) };
    b->cookie = 0x01D0000000000000ull + ++room()->last_cookie;
    sim_name(b, sizeof *b, SIM_ACCESS_OF(SIM_ROOM, (uint64_t)ROOM_CM << 32) + room()->last_cookie * sizeof *b);
    ExInitializeRundownProtection(&b->inside);
    b->next = *at;
    *at = b;
    cookie->QuadPart = (LONGLONG)b->cookie;
    return STATUS_SUCCESS;
}

/* DOC: the older function has no altitude. GUESS: all that use it share one, above most others, and later ones are called later. */
NTSTATUS CmRegisterCallback(PVOID function, PVOID context, LARGE_INTEGER *cookie)
{
    WCHAR text[8];
    UNICODE_STRING altitude = ob_text("425000", text, 8);
    altitude.MaximumLength = altitude.Length;
    return add(function, &altitude, context, cookie, true);
}

NTSTATUS CmRegisterCallbackEx(PVOID function, UNICODE_STRING *altitude, PVOID driver, PVOID context, LARGE_INTEGER *cookie, PVOID reserved)
{
    if (!altitude || !driver || !rtl_altitude_is_valid(altitude))
        return STATUS_INVALID_PARAMETER;
    return add(function, altitude, context, cookie, false);
}

NTSTATUS CmUnRegisterCallback(LARGE_INTEGER cookie)
{
    touch(SIM_WRITE);
    struct cm_callback *b = by_cookie((uint64_t)cookie.QuadPart);
    if (!b || b->leaving)
        return STATUS_INVALID_PARAMETER;
    b->leaving = true;
    ExWaitForRundownProtectionRelease(&b->inside);
    for (struct cm_context **at = &room()->contexts; *at;) {
        if ((*at)->cookie != b->cookie) {
            at = &(*at)->next;
            continue;
        }
        void *object = (*at)->object;
        give_back(b, object, context_take(at));
        at = &room()->contexts; /* the list may be another one by now */
    }
    struct cm_callback **link = &room()->highest;
    while (*link != b)
        link = &(*link)->next;
    *link = b->next;
    sim_free(b->altitude.Buffer, b->altitude.MaximumLength);
    sim_free(b, sizeof *b);
    return STATUS_SUCCESS;
}

NTSTATUS CmSetCallbackObjectContext(PVOID object, LARGE_INTEGER *cookie, PVOID value, PVOID *old)
{
    touch(SIM_WRITE);
    if (!object || !cookie || ob_type_of(object) != OB_KEY || !by_cookie((uint64_t)cookie->QuadPart))
        return STATUS_INVALID_PARAMETER;
    struct cm_context **at = context_link(object, (uint64_t)cookie->QuadPart);
    PVOID before = *at ? (*at)->value : NULL;
    if (*at && !value) {
        context_take(at);
    } else if (*at) {
        (*at)->value = value;
    } else if (value) {
        struct cm_context *c = sim_alloc(sizeof *c);
        *c = (struct cm_context) { object, (uint64_t)cookie->QuadPart, value, NULL };
        *at = c;
    }
    if (old)
        *old = before;
    return STATUS_SUCCESS;
}

/* DOC: 1.1 since Windows 7. */
void CmGetCallbackVersion(ULONG *major, ULONG *minor)
{
    if (major)
        *major = 1;
    if (minor)
        *minor = 1;
}

PVOID CmGetBoundTransaction(LARGE_INTEGER *cookie, PVOID object)
{
    return object && ob_type_of(object) == OB_KEY ? cm_transaction_of_object(object) : NULL;
}

static UNICODE_STRING *name_make(const struct cm_key *key)
{
    WCHAR path[KEY_PATH_CHARS];
    size_t bytes = cm_key_path(key, path) * 2;
    UNICODE_STRING *name = ex_pool_alloc(PagedPool, sizeof *name + bytes + 2, CALLBACK_TAG);
    *name = (UNICODE_STRING) { (USHORT)bytes, (USHORT)(bytes + 2), (WCHAR *)(name + 1) };
    memcpy(name->Buffer, path, bytes);
    name->Buffer[bytes / 2] = 0;
    return name;
}

static NTSTATUS key_of_object(const LARGE_INTEGER *cookie, PVOID object, struct cm_key **key)
{
    if (!cookie || !object || ob_type_of(object) != OB_KEY)
        return STATUS_INVALID_PARAMETER;
    *key = cm_key_of_object(object);
    return STATUS_SUCCESS;
}

/* GUESS: what the identity of a key looks like; it is the same for all objects of one key, and not zero. */
static ULONG_PTR id_of(const struct cm_key *key)
{
    return (key->id + 1) * 16;
}

/* DOC: the name stays valid as long as the callback runs, or as somebody has the key open. It is kept until the key is deleted. */
NTSTATUS CmCallbackGetKeyObjectID(LARGE_INTEGER *cookie, PVOID object, ULONG_PTR *id, const UNICODE_STRING **name)
{
    struct cm_key *key;
    NTSTATUS status = key_of_object(cookie, object, &key);
    if (!NT_SUCCESS(status))
        return status;
    if (id)
        *id = id_of(key);
    if (name) {
        if (!key->told_name)
            key->told_name = name_make(key);
        *name = key->told_name;
    }
    return STATUS_SUCCESS;
}

NTSTATUS CmCallbackGetKeyObjectIDEx(LARGE_INTEGER *cookie, PVOID object, ULONG_PTR *id, const UNICODE_STRING **name, ULONG flags)
{
    struct cm_key *key;
    NTSTATUS status = flags ? STATUS_INVALID_PARAMETER : key_of_object(cookie, object, &key);
    if (!NT_SUCCESS(status))
        return status;
    if (id)
        *id = id_of(key);
    if (name)
        *name = name_make(key);
    return STATUS_SUCCESS;
}

void CmCallbackReleaseKeyObjectIDEx(UNICODE_STRING *name)
{
    if (name)
        ex_pool_free(name);
}

bool cm_callback_left_in(uint64_t base, uint64_t size, uint64_t *routine)
{
    for (const struct cm_callback *b = cm_room()->callbacks ? room()->highest : NULL; b; b = b->next)
        if ((uint64_t)b->function - base < size) {
            *routine = (uint64_t)b->function;
            return true;
        }
    return false;
}
