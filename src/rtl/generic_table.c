/* Generic tables on splay trees. An element is links, a list entry of the order of insertion, then the driver's data. */
#include "rtl/memory.h"
#include "rtl/pool_hooks.h"
#include "rtl/tree.h"

struct node {
    RTL_SPLAY_LINKS links;
    LIST_ENTRY order;
    UCHAR data[];
};
_Static_assert(sizeof(struct node) == 0x28, "what AllocateRoutine is asked for beyond the data");

static struct node *node_of(RTL_SPLAY_LINKS *links)
{
    return (struct node *)links;
}

static struct node *node_of_order(LIST_ENTRY *entry)
{
    return (struct node *)((UCHAR *)entry - offsetof(struct node, order));
}

void RtlInitializeGenericTable(RTL_GENERIC_TABLE *t, PVOID compare, PVOID allocate, PVOID free, PVOID context)
{
    t->TableRoot = NULL;
    t->InsertOrderList.Flink = t->InsertOrderList.Blink = &t->InsertOrderList;
    t->OrderedPointer = &t->InsertOrderList;
    t->WhichOrderedElement = 0;
    t->NumberGenericTableElements = 0;
    t->CompareRoutine = compare;
    t->AllocateRoutine = allocate;
    t->FreeRoutine = free;
    t->TableContext = context;
}

/* Where buffer is, or would hang. */
static TABLE_SEARCH_RESULT search(RTL_GENERIC_TABLE *t, PVOID buffer, RTL_SPLAY_LINKS **found)
{
    RTL_SPLAY_LINKS *n = t->TableRoot;
    *found = NULL;
    if (!n)
        return TableEmptyTree;
    for (;;) {
        ULONG order = (ULONG)guest_call(0, t->CompareRoutine, 3, (uint64_t)t, (uint64_t)buffer, (uint64_t)node_of(n)->data);
        RTL_SPLAY_LINKS *child = order == GenericLessThan ? n->LeftChild : n->RightChild;
        *found = n;
        if (order != GenericLessThan && order != GenericGreaterThan)
            return TableFoundNode;
        if (!child)
            return order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
        n = child;
    }
}

static void link_node(RTL_GENERIC_TABLE *t, struct node *n, RTL_SPLAY_LINKS *parent, ULONG where)
{
    n->links = (RTL_SPLAY_LINKS){.Parent = parent};
    if (where == TableEmptyTree)
        n->links.Parent = &n->links;
    else if (where == TableInsertAsLeft)
        parent->LeftChild = &n->links;
    else
        parent->RightChild = &n->links;
    LIST_ENTRY *head = &t->InsertOrderList;
    n->order.Flink = head;
    n->order.Blink = head->Blink;
    head->Blink->Flink = &n->order;
    head->Blink = &n->order;
    t->NumberGenericTableElements++;
}

PVOID RtlInsertElementGenericTableFull(RTL_GENERIC_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new, PVOID node_or_parent,
                                       ULONG search_result)
{
    struct node *n = node_or_parent;
    if (search_result != TableFoundNode) {
        n = (struct node *)guest_call(0, t->AllocateRoutine, 2, (uint64_t)t, (uint64_t)(size + sizeof(struct node)));
        if (!n) {
            if (is_new)
                *is_new = FALSE;
            return NULL;
        }
        rtl_copy(n->data, buffer, size);
        link_node(t, n, node_or_parent, search_result);
    }
    t->TableRoot = RtlSplay(&n->links);
    if (is_new)
        *is_new = search_result != TableFoundNode;
    return n->data;
}

PVOID RtlInsertElementGenericTable(RTL_GENERIC_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new)
{
    RTL_SPLAY_LINKS *found;
    TABLE_SEARCH_RESULT where = search(t, buffer, &found);
    return RtlInsertElementGenericTableFull(t, buffer, size, is_new, found, where);
}

PVOID RtlLookupElementGenericTableFull(RTL_GENERIC_TABLE *t, PVOID buffer, PVOID *node_or_parent,
                                       TABLE_SEARCH_RESULT *search_result)
{
    RTL_SPLAY_LINKS *found;
    *search_result = search(t, buffer, &found);
    *node_or_parent = found;
    if (*search_result != TableFoundNode)
        return NULL;
    t->TableRoot = RtlSplay(found);
    return node_of(found)->data;
}

PVOID RtlLookupElementGenericTable(RTL_GENERIC_TABLE *t, PVOID buffer)
{
    RTL_SPLAY_LINKS *found;
    if (search(t, buffer, &found) != TableFoundNode)
        return NULL;
    t->TableRoot = RtlSplay(found);
    return node_of(found)->data;
}

BOOLEAN RtlDeleteElementGenericTable(RTL_GENERIC_TABLE *t, PVOID buffer)
{
    RTL_SPLAY_LINKS *found;
    if (search(t, buffer, &found) != TableFoundNode)
        return FALSE;
    struct node *n = node_of(found);
    t->TableRoot = RtlDelete(found);
    n->order.Blink->Flink = n->order.Flink;
    n->order.Flink->Blink = n->order.Blink;
    t->NumberGenericTableElements--;
    t->WhichOrderedElement = 0;
    t->OrderedPointer = &t->InsertOrderList;
    guest_call(0, t->FreeRoutine, 2, (uint64_t)t, (uint64_t)n);
    return TRUE;
}

static RTL_SPLAY_LINKS *first_node(const RTL_GENERIC_TABLE *t)
{
    RTL_SPLAY_LINKS *n = t->TableRoot;
    while (n && n->LeftChild)
        n = n->LeftChild;
    return n;
}

/* The last element given is the root, for it was splayed. */
PVOID RtlEnumerateGenericTable(RTL_GENERIC_TABLE *t, ULONG restart)
{
    if (!t->TableRoot)
        return NULL;
    RTL_SPLAY_LINKS *n = (UCHAR)restart ? first_node(t) : RtlRealSuccessor(t->TableRoot);
    if (!n)
        return NULL;
    t->TableRoot = RtlSplay(n);
    return node_of(n)->data;
}

PVOID RtlEnumerateGenericTableWithoutSplaying(const RTL_GENERIC_TABLE *t, PVOID *restart_key)
{
    if (!t->TableRoot)
        return NULL;
    RTL_SPLAY_LINKS *n = *restart_key ? RtlRealSuccessor(*restart_key) : first_node(t);
    if (!n)
        return NULL;
    *restart_key = n;
    return node_of(n)->data;
}

/* The index counts in the order of insertion; the table remembers where the last call ended. */
PVOID RtlGetElementGenericTable(RTL_GENERIC_TABLE *t, ULONG index)
{
    if (index >= t->NumberGenericTableElements)
        return NULL;
    LIST_ENTRY *entry = t->OrderedPointer;
    ULONG at = t->WhichOrderedElement; /* counts from 1; 0 is the head */
    for (; at < index + 1; at++)
        entry = entry->Flink;
    for (; at > index + 1; at--)
        entry = entry->Blink;
    t->OrderedPointer = entry;
    t->WhichOrderedElement = at;
    return node_of_order(entry)->data;
}

ULONG RtlNumberGenericTableElements(const RTL_GENERIC_TABLE *t)
{
    return t->NumberGenericTableElements;
}

BOOLEAN RtlIsGenericTableEmpty(const RTL_GENERIC_TABLE *t)
{
    return t->TableRoot == NULL;
}
