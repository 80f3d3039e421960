/* Generic tables on AVL trees. The tree hangs as the right child of BalancedRoot; an element is links, then the driver's
 * data. Enumeration and indexes follow the order of comparison. */
#include "nt/status.h"
#include "rtl/memory.h"
#include "rtl/pool_hooks.h"
#include "rtl/tree.h"

struct node {
    RTL_BALANCED_LINKS links;
    UCHAR data[];
};
_Static_assert(sizeof(struct node) == 0x20, "what AllocateRoutine is asked for beyond the data");

typedef RTL_BALANCED_LINKS links;

static UCHAR *data_of(links *n)
{
    return ((struct node *)n)->data;
}

static links **slot_of(links *n)
{
    return n->Parent->LeftChild == n ? &n->Parent->LeftChild : &n->Parent->RightChild;
}

void RtlInitializeGenericTableAvl(RTL_AVL_TABLE *t, PVOID compare, PVOID allocate, PVOID free, PVOID context)
{
    rtl_fill(t, sizeof *t, 0);
    t->BalancedRoot.Parent = &t->BalancedRoot;
    t->CompareRoutine = compare;
    t->AllocateRoutine = allocate;
    t->FreeRoutine = free;
    t->TableContext = context;
}

static ULONG compare(RTL_AVL_TABLE *t, PVOID buffer, links *n)
{
    return (ULONG)guest_call(0, t->CompareRoutine, 3, (uint64_t)t, (uint64_t)buffer, (uint64_t)data_of(n));
}

static TABLE_SEARCH_RESULT search(RTL_AVL_TABLE *t, PVOID buffer, links **found)
{
    links *n = t->BalancedRoot.RightChild;
    *found = &t->BalancedRoot;
    if (!n)
        return TableEmptyTree;
    for (;;) {
        ULONG order = compare(t, buffer, n);
        links *child = order == GenericLessThan ? n->LeftChild : n->RightChild;
        *found = n;
        if (order != GenericLessThan && order != GenericGreaterThan)
            return TableFoundNode;
        if (!child)
            return order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
        n = child;
    }
}

/* Makes the child on the heavy side the parent of n. Balances are the caller's. */
static links *rotate(links *n, int heavy)
{
    links *child = heavy > 0 ? n->RightChild : n->LeftChild;
    links *middle = heavy > 0 ? child->LeftChild : child->RightChild;
    *slot_of(n) = child;
    child->Parent = n->Parent;
    n->Parent = child;
    if (heavy > 0) {
        n->RightChild = middle;
        child->LeftChild = n;
    } else {
        n->LeftChild = middle;
        child->RightChild = n;
    }
    if (middle)
        middle->Parent = n;
    return child;
}

/* n leans by two to the side of sign. Returns the new root of the subtree; *shrunk: it is lower than before. */
static links *rebalance(links *n, int sign, int *shrunk)
{
    links *child = sign > 0 ? n->RightChild : n->LeftChild;
    if (child->Balance == -sign) {
        links *grandchild = sign > 0 ? child->LeftChild : child->RightChild;
        int lean = grandchild->Balance;
        rotate(child, -sign);
        rotate(n, sign);
        n->Balance = (CHAR)(lean == sign ? -sign : 0);
        child->Balance = (CHAR)(lean == -sign ? sign : 0);
        grandchild->Balance = 0;
        *shrunk = 1;
        return grandchild;
    }
    *shrunk = child->Balance != 0;
    rotate(n, sign);
    n->Balance = (CHAR)(child->Balance ? 0 : sign);
    child->Balance = (CHAR)(child->Balance ? 0 : -sign);
    return child;
}

static void link_node(RTL_AVL_TABLE *t, links *n, links *parent, ULONG where)
{
    rtl_fill(n, sizeof *n, 0);
    n->Parent = parent;
    t->NumberGenericTableElements++;
    t->WhichOrderedElement = 0;
    t->OrderedPointer = NULL;
    if (where == TableEmptyTree) {
        n->Parent = &t->BalancedRoot;
        t->BalancedRoot.RightChild = n;
        t->DepthOfTree = 1;
        return;
    }
    if (where == TableInsertAsLeft)
        parent->LeftChild = n;
    else
        parent->RightChild = n;
    for (; n->Parent != &t->BalancedRoot; n = n->Parent) {
        int sign = n->Parent->LeftChild == n ? -1 : 1;
        int shrunk;
        if (n->Parent->Balance == sign) {
            rebalance(n->Parent, sign, &shrunk);
            return;
        }
        n->Parent->Balance = (CHAR)(n->Parent->Balance + sign);
        if (!n->Parent->Balance)
            return;
    }
    t->DepthOfTree++;
}

PVOID RtlInsertElementGenericTableFullAvl(RTL_AVL_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new, PVOID node_or_parent,
                                          ULONG search_result)
{
    links *n = node_or_parent;
    if (search_result != TableFoundNode) {
        n = (links *)guest_call(0, t->AllocateRoutine, 2, (uint64_t)t, (uint64_t)(size + sizeof(struct node)));
        if (n) {
            rtl_copy(data_of(n), buffer, size);
            link_node(t, n, node_or_parent, search_result);
        }
    }
    if (is_new)
        *is_new = n && search_result != TableFoundNode;
    return n ? data_of(n) : NULL;
}

PVOID RtlInsertElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new)
{
    links *found;
    TABLE_SEARCH_RESULT where = search(t, buffer, &found);
    return RtlInsertElementGenericTableFullAvl(t, buffer, size, is_new, found, where);
}

PVOID RtlLookupElementGenericTableFullAvl(RTL_AVL_TABLE *t, PVOID buffer, PVOID *node_or_parent,
                                          TABLE_SEARCH_RESULT *search_result)
{
    links *found;
    *search_result = search(t, buffer, &found);
    *node_or_parent = found;
    return *search_result == TableFoundNode ? data_of(found) : NULL;
}

PVOID RtlLookupElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer)
{
    links *found;
    return search(t, buffer, &found) == TableFoundNode ? data_of(found) : NULL;
}

static links *first_node(const RTL_AVL_TABLE *t)
{
    links *n = t->BalancedRoot.RightChild;
    while (n && n->LeftChild)
        n = n->LeftChild;
    return n;
}

static links *successor(links *n)
{
    if (n->RightChild) {
        n = n->RightChild;
        while (n->LeftChild)
            n = n->LeftChild;
        return n;
    }
    while (n->Parent->RightChild == n && n->Parent->Parent != n->Parent)
        n = n->Parent;
    return n->Parent->LeftChild == n ? n->Parent : NULL;
}

static links *predecessor(links *n)
{
    if (n->LeftChild) {
        n = n->LeftChild;
        while (n->RightChild)
            n = n->RightChild;
        return n;
    }
    while (n->Parent->LeftChild == n)
        n = n->Parent;
    return n->Parent->Parent == n->Parent ? NULL : n->Parent;
}

/* The subtree at the given side of n became lower by one. */
static void shrink(RTL_AVL_TABLE *t, links *n, int side)
{
    while (n != &t->BalancedRoot) {
        int shrunk = 1;
        if (n->Balance == -side) {
            n = rebalance(n, -side, &shrunk);
        } else {
            n->Balance = (CHAR)(n->Balance - side);
            shrunk = n->Balance == 0;
        }
        if (!shrunk)
            return;
        side = n->Parent->LeftChild == n ? -1 : 1;
        n = n->Parent;
    }
    t->DepthOfTree--;
}

/* n has at most one child. */
static void unlink_leafy(RTL_AVL_TABLE *t, links *n)
{
    links *child = n->LeftChild ? n->LeftChild : n->RightChild;
    links *parent = n->Parent;
    int side = parent->LeftChild == n ? -1 : 1;
    *slot_of(n) = child;
    if (child)
        child->Parent = parent;
    shrink(t, parent, side);
}

static void take_place(links *n, links *other)
{
    *slot_of(n) = other;
    *other = *n;
    if (other->LeftChild)
        other->LeftChild->Parent = other;
    if (other->RightChild)
        other->RightChild->Parent = other;
}

BOOLEAN RtlDeleteElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer)
{
    links *n;
    if (search(t, buffer, &n) != TableFoundNode)
        return FALSE;
    if (t->RestartKey == n)
        t->RestartKey = predecessor(n);
    if (n->LeftChild && n->RightChild) {
        links *other = predecessor(n);
        unlink_leafy(t, other);
        take_place(n, other);
    } else {
        unlink_leafy(t, n);
    }
    t->DeleteCount++;
    t->NumberGenericTableElements--;
    t->WhichOrderedElement = 0;
    t->OrderedPointer = NULL;
    guest_call(0, t->FreeRoutine, 2, (uint64_t)t, (uint64_t)n);
    return TRUE;
}

PVOID RtlEnumerateGenericTableWithoutSplayingAvl(const RTL_AVL_TABLE *t, PVOID *restart_key)
{
    links *n = *restart_key ? successor(*restart_key) : first_node(t);
    if (!n)
        return NULL;
    *restart_key = n;
    return data_of(n);
}

PVOID RtlEnumerateGenericTableAvl(RTL_AVL_TABLE *t, ULONG restart)
{
    if ((UCHAR)restart)
        t->RestartKey = NULL;
    return RtlEnumerateGenericTableWithoutSplayingAvl(t, (PVOID *)&t->RestartKey);
}

/* The first of several elements that compare equal to buffer. */
PVOID RtlLookupFirstMatchingElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer, PVOID *restart_key)
{
    links *n;
    if (search(t, buffer, &n) != TableFoundNode)
        return NULL;
    for (links *before; (before = predecessor(n)) != NULL && compare(t, buffer, before) == GenericEqual;)
        n = before;
    *restart_key = n;
    return data_of(n);
}

static links *place_after(RTL_AVL_TABLE *t, PVOID buffer, ULONG next_flag)
{
    links *n;
    switch (search(t, buffer, &n)) {
    case TableEmptyTree:
        return NULL;
    case TableFoundNode:
        return next_flag ? successor(n) : n;
    case TableInsertAsLeft:
        return n;
    default:
        return successor(n);
    }
}

/* An enumeration that survives deletions: if the table lost an element since, it goes on from where buffer would be.
 * match returns STATUS_SUCCESS for a hit, STATUS_NO_MATCH to go on, anything else to stop. */
PVOID RtlEnumerateGenericTableLikeADirectory(RTL_AVL_TABLE *t, PVOID match, PVOID match_data, ULONG next_flag,
                                             PVOID *restart_key, ULONG *delete_count, PVOID buffer)
{
    links *n = *restart_key;
    if (!n || *delete_count != t->DeleteCount)
        n = buffer ? place_after(t, buffer, next_flag) : first_node(t);
    else if (next_flag)
        n = successor(n);
    *delete_count = t->DeleteCount;
    for (; n; n = successor(n)) {
        NTSTATUS status = STATUS_SUCCESS;
        *restart_key = n;
        if (match)
            status = (NTSTATUS)guest_call(0, match, 3, (uint64_t)t, (uint64_t)data_of(n), (uint64_t)match_data);
        if (status == STATUS_SUCCESS)
            return data_of(n);
        if (status != STATUS_NO_MATCH)
            return NULL;
    }
    return NULL;
}

PVOID RtlGetElementGenericTableAvl(RTL_AVL_TABLE *t, ULONG index)
{
    if (index >= t->NumberGenericTableElements)
        return NULL;
    links *n = t->OrderedPointer;
    ULONG at = t->WhichOrderedElement; /* counts from 1; 0: nothing is remembered */
    if (!at) {
        n = first_node(t);
        at = 1;
    }
    for (; at < index + 1; at++)
        n = successor(n);
    for (; at > index + 1; at--)
        n = predecessor(n);
    t->OrderedPointer = n;
    t->WhichOrderedElement = at;
    return data_of(n);
}

ULONG RtlNumberGenericTableElementsAvl(const RTL_AVL_TABLE *t)
{
    return t->NumberGenericTableElements;
}

BOOLEAN RtlIsGenericTableEmptyAvl(const RTL_AVL_TABLE *t)
{
    return t->NumberGenericTableElements == 0;
}
