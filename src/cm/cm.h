/* The registry: a tree of keys in memory. Nothing is loaded from or saved to files; the configuration and drivers fill it. */
#ifndef IRPLAB_CM_CM_H
#define IRPLAB_CM_CM_H

#include <stdbool.h>

#include "nt/ob.h"
#include "nt/types.h"

enum { REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_LINK, REG_MULTI_SZ, REG_RESOURCE_LIST,
       REG_FULL_RESOURCE_DESCRIPTOR, REG_RESOURCE_REQUIREMENTS_LIST, REG_QWORD };

/* After ob_init. */
void cm_init(void);
/* Of tm_init. */
void cm_transaction_ended(void *transaction, bool committed);

/* Paths are UTF-8: "\Registry\Machine\…", or with "HKLM\" or "HKU\" in front. Missing keys are made. false: not such a path. */
bool cm_set_value(const char *path, const char *name, uint32_t type, const void *data, size_t size);
bool cm_set_text(const char *path, const char *name, const char *text); /* REG_SZ */
bool cm_set_dword(const char *path, const char *name, uint32_t value);
/* Copies at most size bytes of a value; returns its full size, or -1 if it is not there. type may be NULL. */
int64_t cm_get_value(const char *path, const char *name, uint32_t *type, void *data, size_t size);
/* A key with its parents. false: not such a path. */
bool cm_make_key(const char *path);
bool cm_delete_value(const char *path, const char *name);
/* A handle of System's to a key; made (with its parents) if create. */
NTSTATUS cm_open(const char *path, bool create, ACCESS_MASK access, HANDLE *handle);
/* Calls fn for each value of each key, keys in order of their names; path and name are UTF-8. */
void cm_walk(void (*fn)(void *ctx, const char *path, const char *name, uint32_t type, const void *data, size_t size), void *ctx);

NTSTATUS ZwCreateKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options, ULONG *disposition);
NTSTATUS ZwOpenKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa);
NTSTATUS ZwDeleteKey(HANDLE key);
NTSTATUS ZwQueryKey(HANDLE key, ULONG class, PVOID information, ULONG length, ULONG *needed);
NTSTATUS ZwEnumerateKey(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed);
NTSTATUS ZwSetValueKey(HANDLE key, UNICODE_STRING *name, ULONG title, ULONG type, const void *data, ULONG size);
NTSTATUS ZwQueryValueKey(HANDLE key, UNICODE_STRING *name, ULONG class, PVOID information, ULONG length, ULONG *needed);
NTSTATUS ZwEnumerateValueKey(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed);
NTSTATUS ZwDeleteValueKey(HANDLE key, UNICODE_STRING *name);

#endif
