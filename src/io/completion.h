/* Completion ports, for the user side. */
#ifndef IRPLAB_IO_COMPLETION_H
#define IRPLAB_IO_COMPLETION_H

#include "nt/io.h"
#include "nt/ob.h"

typedef struct FILE_IO_COMPLETION_INFORMATION {
    PVOID KeyContext;
    PVOID ApcContext;
    IO_STATUS_BLOCK IoStatusBlock;
} FILE_IO_COMPLETION_INFORMATION;

void io_completion_types_register(void);
/* FileCompletionInformation: completions on the file go to the port with this key. */
NTSTATUS io_completion_associate(FILE_OBJECT *file, HANDLE port, PVOID key);

NTSTATUS NtCreateIoCompletion(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG threads);
NTSTATUS NtSetIoCompletion(HANDLE handle, PVOID key, PVOID apc_context, NTSTATUS status, ULONG_PTR information);
NTSTATUS NtRemoveIoCompletion(HANDLE handle, PVOID *key, PVOID *apc_context, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *timeout);
NTSTATUS NtRemoveIoCompletionEx(HANDLE handle, FILE_IO_COMPLETION_INFORMATION *out, ULONG count, ULONG *removed, LARGE_INTEGER *timeout, ULONG alertable);

#endif
