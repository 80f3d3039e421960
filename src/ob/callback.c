/* Object callbacks.
 *
 * DOC ("ObRegisterCallbacks", "OB_PRE_OPERATION_INFORMATION"): routines are called from the highest altitude down before the handle is made, in the
 * thread that asks for it; they may take rights away, never add any, and nothing of a kernel handle. Each is told afterwards with the
 * context that it left. GUESS: afterwards in the opposite order; SYNCHRONIZE and the right to limited questions cannot be taken away.
 *
 * Windows refuses images that are not linked with /INTEGRITYCHECK (STATUS_ACCESS_DENIED); that is not asked for here. */
#include "ob/callback.h"

#include <string.h>

#include "ex/ex.h"
#include "ke/exports.h"
#include "mm/mm.h"
#include "ob/object.h"
#include "ps/ps.h"
#include "rtl/altitude.h"
#include "sim/access.h"
#include "sim/door.h"


enum { CALLBACK_TAG = 0x6C43624F /* 'ObCl' */, VERSION_0100 = 0x0100, MAX_OPERATIONS = 64, ALL_ACCESS = 0x1FFFFF, QUERY_LIMITED_PROCESS = 0x1000,
       QUERY_LIMITED_THREAD = 0x0800, MAXIMUM_ALLOWED_ = 0x02000000 };

typedef struct OB_OPERATION_REGISTRATION {
    PVOID *ObjectType;
    ULONG Operations;
    PVOID PreOperation, PostOperation;
} OB_OPERATION_REGISTRATION;
_Static_assert(sizeof(OB_OPERATION_REGISTRATION) == 0x20, "OB_OPERATION_REGISTRATION");

typedef struct OB_CALLBACK_REGISTRATION {
    USHORT Version, OperationRegistrationCount;
    UNICODE_STRING Altitude;
    PVOID RegistrationContext;
    OB_OPERATION_REGISTRATION *OperationRegistration;
} OB_CALLBACK_REGISTRATION;
_Static_assert(sizeof(OB_CALLBACK_REGISTRATION) == 0x28, "OB_CALLBACK_REGISTRATION");

typedef struct OB_PRE_OPERATION_PARAMETERS {
    ACCESS_MASK DesiredAccess, OriginalDesiredAccess;
    PVOID SourceProcess, TargetProcess; /* of a duplication */
} OB_PRE_OPERATION_PARAMETERS;

typedef struct OB_PRE_OPERATION_INFORMATION {
    ULONG Operation, Flags; /* bit 0: KernelHandle */
    PVOID Object, ObjectType, CallContext;
    OB_PRE_OPERATION_PARAMETERS *Parameters;
} OB_PRE_OPERATION_INFORMATION;
_Static_assert(sizeof(OB_PRE_OPERATION_INFORMATION) == 0x28, "OB_PRE_OPERATION_INFORMATION");

typedef struct OB_POST_OPERATION_INFORMATION {
    ULONG Operation, Flags;
    PVOID Object, ObjectType, CallContext;
    NTSTATUS ReturnStatus;
    ACCESS_MASK *Parameters; /* GrantedAccess */
} OB_POST_OPERATION_INFORMATION;
_Static_assert(sizeof(OB_POST_OPERATION_INFORMATION) == 0x30, "OB_POST_OPERATION_INFORMATION");

/* One operation of a registration. */
struct operation {
    uint64_t id; /* of its registration; never used again */
    enum ob_type_index type;
    ULONG operations;
    PVOID pre, post, context;
    UNICODE_STRING altitude; /* private memory, one copy each */
    EX_RUNDOWN_REF *inside; /* of the registration, in private memory */
    struct operation *next; /* the next lower one; those of one registration in its order */
};

struct ob_callbacks {
    struct operation *highest;
    uint64_t last_id;
    unsigned count;
};

/* What callees get addresses in. */
struct guest_part {
    OB_PRE_OPERATION_INFORMATION pre;
    OB_POST_OPERATION_INFORMATION post;
    OB_PRE_OPERATION_PARAMETERS parameters;
    ACCESS_MASK granted;
};

struct ob_handle_call {
    struct guest_part *guest;
    unsigned seen;
    struct {
        const struct operation *operation;
        uint64_t id;
        PVOID context;
    } at[MAX_OPERATIONS];
};

static struct ob_callbacks *room(void)
{
    if (!ob_room()->callbacks)
        ob_room()->callbacks = sim_alloc(sizeof(struct ob_callbacks));
    return ob_room()->callbacks;
}

/* Who is registered. */
static void touch(unsigned how)
{
    sim_access((uint64_t)&ob_room()->callbacks, how);
}

/* ---- registration ---- */

static enum ob_type_index type_of(PVOID *where)
{
    static const enum ob_type_index supported[] = { OB_PROCESS, OB_THREAD };
    for (size_t i = 0; where && i < sizeof supported / sizeof *supported; i++)
        if (*where == ob_type_object(supported[i]))
            return supported[i];
    return OB_NONE;
}

static NTSTATUS check(const OB_CALLBACK_REGISTRATION *r)
{
    if ((r->Version & 0xFF00) != VERSION_0100 || !r->OperationRegistrationCount || !rtl_altitude_is_valid(&r->Altitude))
        return STATUS_INVALID_PARAMETER;
    for (unsigned i = 0; i < r->OperationRegistrationCount; i++) {
        const OB_OPERATION_REGISTRATION *o = &r->OperationRegistration[i];
        if (type_of(o->ObjectType) == OB_NONE || !(o->Operations & (OB_HANDLE_CREATE | OB_HANDLE_DUPLICATE)) || (!o->PreOperation && !o->PostOperation))
            return STATUS_INVALID_PARAMETER;
    }
    for (const struct operation *o = room()->highest; o; o = o->next)
        if (rtl_altitude_compare(&o->altitude, &r->Altitude) == 0)
            return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
    return room()->count + r->OperationRegistrationCount > MAX_OPERATIONS ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

NTSTATUS ObRegisterCallbacks(const OB_CALLBACK_REGISTRATION *r, PVOID *handle)
{
    touch(SIM_WRITE);
    NTSTATUS status = check(r);
    if (!NT_SUCCESS(status))
        return status;
    uint64_t id = ++room()->last_id;
    EX_RUNDOWN_REF *inside = sim_alloc(sizeof *inside);
    sim_name(inside, sizeof *inside, SIM_ACCESS_OF(SIM_ROOM, (uint64_t)ROOM_OB << 32) + id * sizeof *inside);
    ExInitializeRundownProtection(inside);
    struct operation **at = &room()->highest;
    while (*at && rtl_altitude_compare(&(*at)->altitude, &r->Altitude) > 0)
        at = &(*at)->next;
    for (unsigned i = 0; i < r->OperationRegistrationCount; i++) {
        const OB_OPERATION_REGISTRATION *from = &r->OperationRegistration[i];
        struct operation *o = sim_alloc(sizeof *o);
        *o = (struct operation) {
            .id = id,
            .type = type_of(from->ObjectType),
            .operations = from->Operations,
            .pre = from->PreOperation,
            .post = from->PostOperation,
            .context = r->RegistrationContext,
            .altitude = { r->Altitude.Length, r->Altitude.Length, memcpy(sim_alloc(r->Altitude.Length), r->Altitude.Buffer, r->Altitude.Length) },
            .inside = inside,
            .next = *at,
        };
        *at = o;
        at = &o->next;
        room()->count++;
    }
    *handle = (PVOID)(id << 4); /* GUESS: opaque; never an address of ours */
    return STATUS_SUCCESS;
}

static const struct operation *find(uint64_t id)
{
    touch(SIM_READ);
    const struct operation *o = room()->highest;
    while (o && o->id != id)
        o = o->next;
    return o;
}

void ObUnRegisterCallbacks(PVOID handle)
{
    uint64_t id = (uint64_t)handle >> 4;
    touch(SIM_WRITE);
    const struct operation *first = find(id);
    if (!first)
        return;
    EX_RUNDOWN_REF *inside = first->inside;
    ExWaitForRundownProtectionRelease(inside);
    touch(SIM_WRITE);
    for (struct operation **at = &room()->highest; *at;) {
        struct operation *o = *at;
        if (o->id != id) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        sim_free(o->altitude.Buffer, o->altitude.MaximumLength);
        sim_free(o, sizeof *o);
        room()->count--;
    }
    sim_free(inside, sizeof *inside);
}

USHORT ObGetFilterVersion(void)
{
    return VERSION_0100;
}

bool ob_callback_left_in(uint64_t base, uint64_t size, uint64_t *routine)
{
    for (const struct operation *o = ob_room()->callbacks ? room()->highest : NULL; o; o = o->next) {
        *routine = (uint64_t)(o->pre && (uint64_t)o->pre - base < size ? o->pre : o->post);
        if (*routine && *routine - base < size)
            return true;
    }
    return false;
}

/* ---- telling ---- */

/* What generic rights and MAXIMUM_ALLOWED stand for: the callbacks see what would be granted. */
static ACCESS_MASK specific(enum ob_type_index type, ACCESS_MASK access)
{
    static const GENERIC_MAPPING process = { 0x20410, 0x20BEA, 0x121001, ALL_ACCESS }, thread = { 0x20048, 0x20437, 0x120800, ALL_ACCESS };
    const GENERIC_MAPPING *m = type == OB_PROCESS ? &process : &thread;
    ACCESS_MASK all = access & ~0xF2000000u;
    all |= access & 0x80000000u ? m->GenericRead : 0;
    all |= access & 0x40000000u ? m->GenericWrite : 0;
    all |= access & 0x20000000u ? m->GenericExecute : 0;
    return access & (0x10000000u | MAXIMUM_ALLOWED_) ? all | ALL_ACCESS : all;
}

static bool can_tell(enum ob_type_index type)
{
    const struct agent *a = MACHINE->fiber;
    if (type != OB_PROCESS && type != OB_THREAD)
        return false;
    touch(SIM_READ);
    return a && a->kind == AGENT_THREAD && ob_room()->callbacks && room()->highest && KeGetCurrentIrql() == 0;
}

static void tell_pre(struct ob_handle_call *c, const struct operation *o, ACCESS_MASK retain, bool kernel)
{
    OB_PRE_OPERATION_INFORMATION *info = &c->guest->pre;
    OB_PRE_OPERATION_PARAMETERS *p = &c->guest->parameters;
    ACCESS_MASK before = p->DesiredAccess;
    info->CallContext = NULL;
    if (o->pre)
        guest_call(FRAME_ObpCallPreOperationCallbacks, o->pre, 2, (uint64_t)o->context, (uint64_t)info);
    p->DesiredAccess = kernel ? before : (p->DesiredAccess | retain) & before;
}

struct ob_handle_call *ob_callbacks_pre(unsigned operation, void *object, bool kernel, struct process *source, struct process *target, ACCESS_MASK *access)
{
    enum ob_type_index type = ob_type_of(object);
    if (!can_tell(type))
        return NULL;
    struct ob_handle_call *c = sim_alloc(sizeof *c);
    const struct operation *wanted[MAX_OPERATIONS];
    uint64_t ids[MAX_OPERATIONS];
    unsigned count = 0;
    for (const struct operation *o = room()->highest; o; o = o->next)
        if (o->type == type && (o->operations & operation)) {
            ids[count] = o->id;
            wanted[count++] = o;
        }
    ACCESS_MASK desired = specific(type, *access);
    c->guest = ex_pool_alloc(PagedPool, sizeof *c->guest, CALLBACK_TAG);
    *c->guest = (struct guest_part) {
        .pre = { .Operation = operation, .Flags = kernel, .Object = object, .ObjectType = ob_type_object(type), .Parameters = &c->guest->parameters },
        .parameters = { desired, desired, source ? source->eprocess : NULL, target ? target->eprocess : NULL },
    };
    ACCESS_MASK retain = SYNCHRONIZE | (type == OB_PROCESS ? QUERY_LIMITED_PROCESS : QUERY_LIMITED_THREAD);
    for (unsigned i = 0; i < count; i++) {
        const struct operation *o = wanted[i];
        if (!find(ids[i]) || !ExAcquireRundownProtection(o->inside))
            continue;
        EX_RUNDOWN_REF *inside = o->inside;
        tell_pre(c, o, retain, kernel);
        c->at[c->seen].operation = o;
        c->at[c->seen].id = ids[i];
        c->at[c->seen++].context = c->guest->pre.CallContext;
        ExReleaseRundownProtection(inside);
    }
    *access = c->guest->granted = c->guest->parameters.DesiredAccess;
    return c;
}

void ob_callbacks_post(struct ob_handle_call *c, NTSTATUS status)
{
    while (c && c->seen) {
        const struct operation *o = c->at[--c->seen].operation;
        if (!find(c->at[c->seen].id) || !o->post || !ExAcquireRundownProtection(o->inside))
            continue;
        EX_RUNDOWN_REF *inside = o->inside;
        if (!NT_SUCCESS(status))
            c->guest->granted = 0;
        c->guest->post = (OB_POST_OPERATION_INFORMATION) { c->guest->pre.Operation,  c->guest->pre.Flags, c->guest->pre.Object, c->guest->pre.ObjectType,
                                                           c->at[c->seen].context, status, &c->guest->granted };
        guest_call(FRAME_ObpCallPostOperationCallbacks, o->post, 2, (uint64_t)o->context, (uint64_t)&c->guest->post);
        ExReleaseRundownProtection(inside);
    }
    if (c) {
        ex_pool_free(c->guest);
        sim_free(c, sizeof *c);
    }
}
