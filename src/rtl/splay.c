/* Splay trees (Sleator and Tarjan): an access rotates a node up to the root. */
#include "rtl/tree.h"

static int is_root(const RTL_SPLAY_LINKS *n)
{
    return n->Parent == n;
}

static int is_left(const RTL_SPLAY_LINKS *n)
{
    return n->Parent->LeftChild == n;
}

/* Puts child (or NULL) where n hangs below its parent. */
static void replace_in_parent(RTL_SPLAY_LINKS *n, RTL_SPLAY_LINKS *child)
{
    if (is_left(n))
        n->Parent->LeftChild = child;
    else
        n->Parent->RightChild = child;
    if (child)
        child->Parent = n->Parent;
}

/* Rotates n, which is not the root, above its parent. */
static void rotate_up(RTL_SPLAY_LINKS *n)
{
    RTL_SPLAY_LINKS *parent = n->Parent;
    int left = is_left(n);
    RTL_SPLAY_LINKS *middle = left ? n->RightChild : n->LeftChild;
    if (is_root(parent))
        n->Parent = n;
    else
        replace_in_parent(parent, n);
    if (left) {
        parent->LeftChild = middle;
        n->RightChild = parent;
    } else {
        parent->RightChild = middle;
        n->LeftChild = parent;
    }
    if (middle)
        middle->Parent = parent;
    parent->Parent = n;
}

RTL_SPLAY_LINKS *RtlSplay(RTL_SPLAY_LINKS *n)
{
    while (!is_root(n)) {
        RTL_SPLAY_LINKS *parent = n->Parent;
        if (!is_root(parent))
            rotate_up(is_left(n) == is_left(parent) ? parent : n);
        rotate_up(n);
    }
    return n;
}

RTL_SPLAY_LINKS *RtlSubtreeSuccessor(RTL_SPLAY_LINKS *n)
{
    n = n->RightChild;
    while (n && n->LeftChild)
        n = n->LeftChild;
    return n;
}

RTL_SPLAY_LINKS *RtlSubtreePredecessor(RTL_SPLAY_LINKS *n)
{
    n = n->LeftChild;
    while (n && n->RightChild)
        n = n->RightChild;
    return n;
}

RTL_SPLAY_LINKS *RtlRealSuccessor(RTL_SPLAY_LINKS *n)
{
    if (n->RightChild)
        return RtlSubtreeSuccessor(n);
    while (!is_root(n) && !is_left(n))
        n = n->Parent;
    return is_root(n) ? NULL : n->Parent;
}

RTL_SPLAY_LINKS *RtlRealPredecessor(RTL_SPLAY_LINKS *n)
{
    if (n->LeftChild)
        return RtlSubtreePredecessor(n);
    while (!is_root(n) && is_left(n))
        n = n->Parent;
    return is_root(n) ? NULL : n->Parent;
}

/* Puts predecessor into the place that n has in the tree; its own old place was given up before. */
static void take_place(RTL_SPLAY_LINKS *n, RTL_SPLAY_LINKS *other)
{
    other->LeftChild = n->LeftChild;
    other->RightChild = n->RightChild;
    if (is_root(n))
        other->Parent = other;
    else
        replace_in_parent(n, other);
    if (other->LeftChild)
        other->LeftChild->Parent = other;
    if (other->RightChild)
        other->RightChild->Parent = other;
}

/* Unlinks n. Returns the lowest node whose subtree changed, or NULL if the tree is empty now. */
static RTL_SPLAY_LINKS *unlink_node(RTL_SPLAY_LINKS *n)
{
    if (n->LeftChild && n->RightChild) {
        RTL_SPLAY_LINKS *predecessor = RtlSubtreePredecessor(n);
        RTL_SPLAY_LINKS *changed = unlink_node(predecessor);
        take_place(n, predecessor);
        return changed == n ? predecessor : changed;
    }
    RTL_SPLAY_LINKS *child = n->LeftChild ? n->LeftChild : n->RightChild;
    if (is_root(n)) {
        if (child)
            child->Parent = child;
        return child;
    }
    replace_in_parent(n, child);
    return n->Parent;
}

RTL_SPLAY_LINKS *RtlDelete(RTL_SPLAY_LINKS *n)
{
    RTL_SPLAY_LINKS *changed = unlink_node(n);
    return changed ? RtlSplay(changed) : NULL;
}

void RtlDeleteNoSplay(RTL_SPLAY_LINKS *n, RTL_SPLAY_LINKS **root)
{
    RTL_SPLAY_LINKS *node = unlink_node(n);
    while (node && !is_root(node))
        node = node->Parent;
    *root = node;
}
