/* Hardware resources: what the configuration gives a device, as requirements; what is assigned from a requirements list; the raw and
 * the translated form that IRP_MN_START_DEVICE carries.
 *
 * The first alternative's preferred and required descriptors are assigned at their lowest address, vector or channel. GUESS: arbiters
 * resolve conflicts; devices of the lab have what they ask for. */
#include <string.h>

#include "mm/mm.h"
#include "pnp/room.h"
#include "session/config.h"
#include "sim/machine.h"

enum { RESOURCE_TAG = 0x70506E50, OPTION_PREFERRED = 1, OPTION_ALTERNATIVE = 8, DEVICE_EXCLUSIVE = 1, SHARED = 3, INTERRUPT_LATCHED = 1, PORT_IO = 1,
       FIRST_VECTOR = 0x50, MAX_DESCRIPTORS = 64,
       BY_MESSAGE = 2, MESSAGE_TOKEN = -2, LAST_MESSAGES = 0xC0, FIRST_MESSAGES = 0x60, VECTORS_OF_IRQL = 16 };

/* The descriptors of the first list. By address: a compiler may take the arrays of one element that the DDK declares at their word. */
static IO_RESOURCE_DESCRIPTOR *wanted(const IO_RESOURCE_REQUIREMENTS_LIST *l)
{
    return (IO_RESOURCE_DESCRIPTOR *)((uint64_t)l + offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List[0].Descriptors));
}

static CM_PARTIAL_RESOURCE_DESCRIPTOR *assigned(CM_RESOURCE_LIST *r)
{
    return (CM_PARTIAL_RESOURCE_DESCRIPTOR *)((uint64_t)r + offsetof(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors));
}

static ULONG type_of(const struct config_resource *r)
{
    static const UCHAR types[] = { CmResourceTypeMemory, CmResourceTypePort, CmResourceTypeInterrupt, CmResourceTypeDma, CmResourceTypeInterrupt };
    return types[r->kind];
}

IO_RESOURCE_REQUIREMENTS_LIST *pnp_requirements_of(const struct config_device *d)
{
    if (!d->resource_count)
        return NULL;
    ULONG bytes = (ULONG)(sizeof(IO_RESOURCE_REQUIREMENTS_LIST) + (d->resource_count - 1) * sizeof(IO_RESOURCE_DESCRIPTOR));
    IO_RESOURCE_REQUIREMENTS_LIST *l = ex_pool_alloc(PagedPool, bytes, RESOURCE_TAG);
    memset(l, 0, bytes);
    l->ListSize = bytes;
    l->InterfaceType = Internal;
    l->AlternativeLists = 1;
    l->List[0].Version = l->List[0].Revision = 1;
    l->List[0].Count = d->resource_count;
    for (uint32_t i = 0; i < d->resource_count; i++) {
        const struct config_resource *r = &d->resources[i];
        IO_RESOURCE_DESCRIPTOR *to = &wanted(l)[i];
        to->Type = (UCHAR)type_of(r);
        to->ShareDisposition = r->shared ? SHARED : DEVICE_EXCLUSIVE;
        if (r->kind == RESOURCE_INTERRUPT) {
            to->Flags = r->latched ? INTERRUPT_LATCHED : 0;
            to->u.Interrupt.MinimumVector = to->u.Interrupt.MaximumVector = (ULONG)r->start;
        } else if (r->kind == RESOURCE_MESSAGES) {
            /* DOC: IO_RESOURCE_DESCRIPTOR: the range ends at the token and is as long as there are messages. */
            to->Flags = INTERRUPT_LATCHED | BY_MESSAGE;
            to->u.Interrupt.MaximumVector = (ULONG)MESSAGE_TOKEN;
            to->u.Interrupt.MinimumVector = (ULONG)MESSAGE_TOKEN - ((ULONG)r->start - 1);
        } else if (r->kind == RESOURCE_DMA) {
            to->u.Dma.MinimumChannel = to->u.Dma.MaximumChannel = (ULONG)r->start;
        } else {
            uint64_t length = r->length ? r->length : 1;
            to->Flags = r->kind == RESOURCE_PORT ? PORT_IO : 0;
            to->u.Memory.Length = (ULONG)length;
            to->u.Memory.Alignment = 1;
            to->u.Memory.MinimumAddress.QuadPart = (LONGLONG)r->start;
            to->u.Memory.MaximumAddress.QuadPart = (LONGLONG)(r->start + length - 1);
        }
    }
    return l;
}

static bool is_message(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d)
{
    return d->Type == CmResourceTypeInterrupt && (d->Flags & BY_MESSAGE);
}

/* ---- vectors of messages ----
 * A descriptor's messages have consecutive vectors, a power of two of them, of one IRQL; the highest that are free are given, since lines
 * begin at the lowest. */

static bool list_uses(const CM_RESOURCE_LIST *r, ULONG count, ULONG first, ULONG vectors)
{
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = r ? assigned((CM_RESOURCE_LIST *)r) : NULL;
    for (ULONG i = 0; i < count; i++) {
        if (d[i].Type != CmResourceTypeInterrupt)
            continue;
        ULONG at = is_message(&d[i]) ? d[i].u.MessageInterrupt.Raw.Vector : FIRST_VECTOR + (d[i].u.Interrupt.Vector & 0x7F);
        ULONG n = is_message(&d[i]) ? d[i].u.MessageInterrupt.Raw.MessageCount : 1;
        if (at < first + vectors && first < at + n)
            return true;
    }
    return false;
}

static bool tree_uses(const struct devnode *n, ULONG first, ULONG vectors)
{
    for (; n; n = n->sibling)
        if (list_uses(n->raw, n->raw ? n->raw->List[0].PartialResourceList.Count : 0, first, vectors) || tree_uses(n->child, first, vectors))
            return true;
    return false;
}

/* 0: none are left. */
static ULONG message_vectors(const CM_RESOURCE_LIST *so_far, ULONG so_far_count, ULONG messages)
{
    ULONG vectors = 1;
    while (vectors < messages)
        vectors *= 2;
    for (ULONG irql = LAST_MESSAGES; vectors <= VECTORS_OF_IRQL && irql >= FIRST_MESSAGES; irql -= VECTORS_OF_IRQL)
        for (ULONG at = irql; at < irql + VECTORS_OF_IRQL; at += vectors)
            if (!list_uses(so_far, so_far_count, at, vectors) && !tree_uses(pnp_room()->root, at, vectors))
                return at;
    return 0;
}

static void assign_messages(CM_PARTIAL_RESOURCE_DESCRIPTOR *to, const CM_RESOURCE_LIST *so_far, ULONG so_far_count, ULONG messages)
{
    to->u.MessageInterrupt.Raw.Vector = message_vectors(so_far, so_far_count, messages);
    to->u.MessageInterrupt.Raw.MessageCount = (USHORT)(to->u.MessageInterrupt.Raw.Vector ? messages : 0);
    to->u.MessageInterrupt.Raw.Affinity = sim_processors();
}

static void assign(const IO_RESOURCE_DESCRIPTOR *from, CM_PARTIAL_RESOURCE_DESCRIPTOR *to)
{
    memset(to, 0, sizeof *to);
    to->Type = from->Type;
    to->ShareDisposition = from->ShareDisposition;
    to->Flags = from->Flags;
    switch (from->Type) {
    case CmResourceTypePort:
    case CmResourceTypeMemory: {
        uint64_t at = (uint64_t)from->u.Memory.MinimumAddress.QuadPart, align = from->u.Memory.Alignment ? from->u.Memory.Alignment : 1;
        to->u.Memory.Start.QuadPart = (LONGLONG)((at + align - 1) / align * align);
        to->u.Memory.Length = from->u.Memory.Length;
        break;
    }
    case CmResourceTypeInterrupt:
        to->u.Interrupt.Vector = from->u.Interrupt.MinimumVector;
        to->u.Interrupt.Level = (USHORT)from->u.Interrupt.MinimumVector;
        to->u.Interrupt.Affinity = sim_processors();
        break;
    case CmResourceTypeDma:
        to->u.Dma.Channel = from->u.Dma.MinimumChannel;
        break;
    case CmResourceTypeBusNumber:
        to->u.BusNumber.Start = from->u.BusNumber.MinBusNumber;
        to->u.BusNumber.Length = from->u.BusNumber.Length;
        break;
    default:
        memcpy(to->u.DevicePrivate.Data, from->u.DevicePrivate.Data, sizeof to->u.DevicePrivate.Data);
    }
}

CM_RESOURCE_LIST *pnp_resources_assign(const IO_RESOURCE_REQUIREMENTS_LIST *l)
{
    if (!l || !l->AlternativeLists || !l->List[0].Count)
        return NULL;
    ULONG n = 0, count = l->List[0].Count < MAX_DESCRIPTORS ? l->List[0].Count : MAX_DESCRIPTORS;
    size_t bytes = sizeof(CM_RESOURCE_LIST) + (count - 1) * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    CM_RESOURCE_LIST *r = ex_pool_alloc(PagedPool, bytes, RESOURCE_TAG);
    memset(r, 0, bytes);
    r->Count = 1;
    r->List[0].InterfaceType = l->InterfaceType;
    r->List[0].BusNumber = l->BusNumber;
    r->List[0].PartialResourceList.Version = r->List[0].PartialResourceList.Revision = 1;
    for (ULONG i = 0; i < count; i++) {
        const IO_RESOURCE_DESCRIPTOR *d = &wanted(l)[i];
        if (d->Type == CmResourceTypeConfigData) {
            r->List[0].InterfaceType = (INTERFACE_TYPE)d->u.DevicePrivate.Data[0];
            continue;
        }
        if (d->Type == CmResourceTypeNull || (d->Option & OPTION_ALTERNATIVE))
            continue;
        assign(d, &assigned(r)[n]);
        if (is_message(&assigned(r)[n]))
            assign_messages(&assigned(r)[n], r, n, d->u.Interrupt.MaximumVector - d->u.Interrupt.MinimumVector + 1);
        n++;
    }
    r->List[0].PartialResourceList.Count = n;
    return r;
}

CM_RESOURCE_LIST *pnp_resources_translate(const CM_RESOURCE_LIST *raw)
{
    if (!raw)
        return NULL;
    ULONG count = raw->List[0].PartialResourceList.Count;
    CM_RESOURCE_LIST *r = ex_pool_alloc(PagedPool, pnp_resources_bytes(raw), RESOURCE_TAG);
    memcpy(r, raw, pnp_resources_bytes(raw));
    for (ULONG i = 0; i < count; i++) {
        CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &assigned(r)[i];
        if (d->Type != CmResourceTypeInterrupt)
            continue;
        /* An interrupt's vector says its IRQL: the high four bits. */
        ULONG vector = is_message(d) ? d->u.MessageInterrupt.Raw.Vector : FIRST_VECTOR + (d->u.Interrupt.Vector & 0x7F);
        KAFFINITY affinity = d->u.Interrupt.Affinity;
        memset(&d->u, 0, sizeof d->u);
        d->u.Interrupt.Level = (USHORT)(vector >> 4);
        d->u.Interrupt.Vector = vector;
        d->u.Interrupt.Affinity = affinity;
    }
    return r;
}

size_t pnp_resources_bytes(const CM_RESOURCE_LIST *r)
{
    return r ? sizeof *r + (r->List[0].PartialResourceList.Count - 1) * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR) : 0;
}

static struct pnp_interrupt interrupt_of(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, ULONG message)
{
    return (struct pnp_interrupt) { .vector = d->u.Interrupt.Vector + message, .irql = (KIRQL)d->u.Interrupt.Level, .shared = d->ShareDisposition == SHARED,
                                    .latched = d->Flags & INTERRUPT_LATCHED };
}

bool pnp_interrupt_of(const DEVICE_OBJECT *pdo, struct pnp_interrupt *out)
{
    const struct devnode *n = pnp_node_of(pdo);
    CM_RESOURCE_LIST *r = n ? n->translated : NULL;
    for (ULONG i = 0; r && i < r->List[0].PartialResourceList.Count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &assigned(r)[i];
        if (d->Type != CmResourceTypeInterrupt || is_message(d))
            continue;
        *out = interrupt_of(d, 0);
        return true;
    }
    return false;
}

bool pnp_message_of(const DEVICE_OBJECT *pdo, ULONG number, struct pnp_interrupt *out)
{
    const struct devnode *n = pnp_node_of(pdo);
    CM_RESOURCE_LIST *r = n ? n->translated : NULL;
    for (ULONG i = 0; r && i < r->List[0].PartialResourceList.Count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &assigned(r)[i];
        if (!is_message(d))
            continue;
        ULONG count = assigned(n->raw)[i].u.MessageInterrupt.Raw.MessageCount;
        if (number < count) {
            *out = interrupt_of(d, number);
            return true;
        }
        number -= count;
    }
    return false;
}
