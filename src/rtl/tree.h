/* Splay links, generic tables on splay trees, generic tables on AVL trees. The structures are the DDK's: drivers embed
 * them and read a few fields. Comparison, allocation and free are the driver's routines; nothing of ours is held while
 * they run. */
#ifndef IRPLAB_RTL_TREE_H
#define IRPLAB_RTL_TREE_H

#include "nt/types.h"

typedef struct RTL_SPLAY_LINKS {
    struct RTL_SPLAY_LINKS *Parent; /* the root's is the root */
    struct RTL_SPLAY_LINKS *LeftChild;
    struct RTL_SPLAY_LINKS *RightChild;
} RTL_SPLAY_LINKS;

typedef struct RTL_GENERIC_TABLE {
    RTL_SPLAY_LINKS *TableRoot;
    LIST_ENTRY InsertOrderList;
    LIST_ENTRY *OrderedPointer;
    ULONG WhichOrderedElement;
    ULONG NumberGenericTableElements;
    PVOID CompareRoutine;
    PVOID AllocateRoutine;
    PVOID FreeRoutine;
    PVOID TableContext;
} RTL_GENERIC_TABLE;

typedef struct RTL_BALANCED_LINKS {
    struct RTL_BALANCED_LINKS *Parent;
    struct RTL_BALANCED_LINKS *LeftChild;
    struct RTL_BALANCED_LINKS *RightChild;
    CHAR Balance; /* height of the right subtree minus that of the left */
    UCHAR Reserved[3];
} RTL_BALANCED_LINKS;

typedef struct RTL_AVL_TABLE {
    RTL_BALANCED_LINKS BalancedRoot; /* its right child is the root */
    PVOID OrderedPointer;
    ULONG WhichOrderedElement;
    ULONG NumberGenericTableElements;
    ULONG DepthOfTree;
    RTL_BALANCED_LINKS *RestartKey;
    ULONG DeleteCount;
    PVOID CompareRoutine;
    PVOID AllocateRoutine;
    PVOID FreeRoutine;
    PVOID TableContext;
} RTL_AVL_TABLE;

_Static_assert(sizeof(RTL_GENERIC_TABLE) == 0x48, "as in the DDK");
_Static_assert(sizeof(RTL_AVL_TABLE) == 0x68, "as in the DDK");

typedef enum RTL_GENERIC_COMPARE_RESULTS { GenericLessThan, GenericGreaterThan, GenericEqual } RTL_GENERIC_COMPARE_RESULTS;
typedef enum TABLE_SEARCH_RESULT {
    TableEmptyTree, TableFoundNode, TableInsertAsLeft, TableInsertAsRight
} TABLE_SEARCH_RESULT;

/* splay.c: those that change the tree return its new root. */
RTL_SPLAY_LINKS *RtlSplay(RTL_SPLAY_LINKS *links);
RTL_SPLAY_LINKS *RtlDelete(RTL_SPLAY_LINKS *links);
void RtlDeleteNoSplay(RTL_SPLAY_LINKS *links, RTL_SPLAY_LINKS **root);
RTL_SPLAY_LINKS *RtlSubtreeSuccessor(RTL_SPLAY_LINKS *links);
RTL_SPLAY_LINKS *RtlSubtreePredecessor(RTL_SPLAY_LINKS *links);
RTL_SPLAY_LINKS *RtlRealSuccessor(RTL_SPLAY_LINKS *links);
RTL_SPLAY_LINKS *RtlRealPredecessor(RTL_SPLAY_LINKS *links);

/* generic_table.c */
void RtlInitializeGenericTable(RTL_GENERIC_TABLE *t, PVOID compare, PVOID allocate, PVOID free, PVOID context);
PVOID RtlInsertElementGenericTable(RTL_GENERIC_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new);
PVOID RtlInsertElementGenericTableFull(RTL_GENERIC_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new,
                                       PVOID node_or_parent, ULONG search_result);
BOOLEAN RtlDeleteElementGenericTable(RTL_GENERIC_TABLE *t, PVOID buffer);
PVOID RtlLookupElementGenericTable(RTL_GENERIC_TABLE *t, PVOID buffer);
PVOID RtlLookupElementGenericTableFull(RTL_GENERIC_TABLE *t, PVOID buffer, PVOID *node_or_parent,
                                       TABLE_SEARCH_RESULT *search_result);
PVOID RtlEnumerateGenericTable(RTL_GENERIC_TABLE *t, ULONG restart);
PVOID RtlEnumerateGenericTableWithoutSplaying(const RTL_GENERIC_TABLE *t, PVOID *restart_key);
PVOID RtlGetElementGenericTable(RTL_GENERIC_TABLE *t, ULONG index);
ULONG RtlNumberGenericTableElements(const RTL_GENERIC_TABLE *t);
BOOLEAN RtlIsGenericTableEmpty(const RTL_GENERIC_TABLE *t);

/* avl_table.c */
void RtlInitializeGenericTableAvl(RTL_AVL_TABLE *t, PVOID compare, PVOID allocate, PVOID free, PVOID context);
PVOID RtlInsertElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new);
PVOID RtlInsertElementGenericTableFullAvl(RTL_AVL_TABLE *t, PVOID buffer, ULONG size, BOOLEAN *is_new,
                                          PVOID node_or_parent, ULONG search_result);
BOOLEAN RtlDeleteElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer);
PVOID RtlLookupElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer);
PVOID RtlLookupElementGenericTableFullAvl(RTL_AVL_TABLE *t, PVOID buffer, PVOID *node_or_parent,
                                          TABLE_SEARCH_RESULT *search_result);
PVOID RtlLookupFirstMatchingElementGenericTableAvl(RTL_AVL_TABLE *t, PVOID buffer, PVOID *restart_key);
PVOID RtlEnumerateGenericTableAvl(RTL_AVL_TABLE *t, ULONG restart);
PVOID RtlEnumerateGenericTableWithoutSplayingAvl(const RTL_AVL_TABLE *t, PVOID *restart_key);
PVOID RtlEnumerateGenericTableLikeADirectory(RTL_AVL_TABLE *t, PVOID match, PVOID match_data, ULONG next_flag,
                                             PVOID *restart_key, ULONG *delete_count, PVOID buffer);
PVOID RtlGetElementGenericTableAvl(RTL_AVL_TABLE *t, ULONG index);
ULONG RtlNumberGenericTableElementsAvl(const RTL_AVL_TABLE *t);
BOOLEAN RtlIsGenericTableEmptyAvl(const RTL_AVL_TABLE *t);

#endif
