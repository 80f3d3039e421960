/* The scalar types of NT as the host compiler sees them: same names, same sizes on x64 Windows.
 * Guest pointers are ordinary host pointers: the guest runs in this process. */
#ifndef IRPLAB_NT_TYPES_H
#define IRPLAB_NT_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t UCHAR, BOOLEAN, BYTE, KIRQL;
typedef char CHAR, CCHAR, KPROCESSOR_MODE; /* signed on this machine, as there */
typedef uint16_t USHORT, WORD, WCHAR;
typedef int16_t SHORT, CSHORT;
typedef uint32_t ULONG, DWORD, ACCESS_MASK, DEVICE_TYPE;
typedef int32_t LONG, NTSTATUS, KPRIORITY, BOOL;
typedef uint64_t ULONGLONG, ULONG64, ULONG_PTR, SIZE_T, UINT64;
typedef int64_t LONGLONG, LONG_PTR, LONG64;
typedef void *PVOID, *HANDLE;

typedef union LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    LONGLONG QuadPart;
} LARGE_INTEGER;

typedef struct UNICODE_STRING {
    USHORT Length; /* bytes */
    USHORT MaximumLength; /* bytes */
    WCHAR *Buffer;
} UNICODE_STRING;

typedef struct ANSI_STRING {
    USHORT Length;
    USHORT MaximumLength;
    CHAR *Buffer;
} ANSI_STRING;

typedef struct LIST_ENTRY {
    struct LIST_ENTRY *Flink;
    struct LIST_ENTRY *Blink;
} LIST_ENTRY;

typedef struct SINGLE_LIST_ENTRY {
    struct SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY;

typedef struct GUID {
    ULONG Data1;
    USHORT Data2;
    USHORT Data3;
    UCHAR Data4[8];
} GUID;

#define TRUE 1
#define FALSE 0

#endif
