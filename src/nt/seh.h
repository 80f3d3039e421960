/* Structures of exception handling: what handlers, filters and the unwinder see. Layouts are those of x64 Windows (winnt.h). */
#ifndef IRPLAB_NT_SEH_H
#define IRPLAB_NT_SEH_H

#include "nt/types.h"

enum {
    EXCEPTION_NONCONTINUABLE = 0x01,
    EXCEPTION_UNWINDING = 0x02,
    EXCEPTION_EXIT_UNWIND = 0x04,
    EXCEPTION_STACK_INVALID = 0x08,
    EXCEPTION_NESTED_CALL = 0x10,
    EXCEPTION_TARGET_UNWIND = 0x20,
    EXCEPTION_COLLIDED_UNWIND = 0x40,
    EXCEPTION_UNWIND = 0x66, /* any of the unwinding flags */
    EXCEPTION_MAXIMUM_PARAMETERS = 15,
};

enum { EXCEPTION_EXECUTE_HANDLER = 1, EXCEPTION_CONTINUE_SEARCH = 0, EXCEPTION_CONTINUE_EXECUTION = -1 };

typedef enum EXCEPTION_DISPOSITION {
    ExceptionContinueExecution, ExceptionContinueSearch, ExceptionNestedException, ExceptionCollidedUnwind
} EXCEPTION_DISPOSITION;

typedef struct EXCEPTION_RECORD {
    NTSTATUS ExceptionCode;
    ULONG ExceptionFlags;
    struct EXCEPTION_RECORD *ExceptionRecord;
    PVOID ExceptionAddress;
    ULONG NumberParameters;
    ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD;
_Static_assert(sizeof(EXCEPTION_RECORD) == 0x98, "EXCEPTION_RECORD");

typedef struct M128A {
    ULONG64 Low;
    LONG64 High;
} __attribute__((aligned(16))) M128A;

typedef struct XMM_SAVE_AREA32 {
    USHORT ControlWord;
    USHORT StatusWord;
    UCHAR TagWord;
    UCHAR Reserved1;
    USHORT ErrorOpcode;
    ULONG ErrorOffset;
    USHORT ErrorSelector;
    USHORT Reserved2;
    ULONG DataOffset;
    USHORT DataSelector;
    USHORT Reserved3;
    ULONG MxCsr;
    ULONG MxCsr_Mask;
    M128A FloatRegisters[8];
    M128A XmmRegisters[16];
    UCHAR Reserved4[96];
} XMM_SAVE_AREA32;

enum {
    CONTEXT_AMD64 = 0x00100000,
    CONTEXT_CONTROL = CONTEXT_AMD64 | 0x1,
    CONTEXT_INTEGER = CONTEXT_AMD64 | 0x2,
    CONTEXT_SEGMENTS = CONTEXT_AMD64 | 0x4,
    CONTEXT_FLOATING_POINT = CONTEXT_AMD64 | 0x8,
    CONTEXT_FULL = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_FLOATING_POINT,
    CONTEXT_UNWOUND_TO_CALL = 0x20000000,
};

typedef struct CONTEXT {
    ULONG64 P1Home, P2Home, P3Home, P4Home, P5Home, P6Home;
    ULONG ContextFlags;
    ULONG MxCsr;
    USHORT SegCs, SegDs, SegEs, SegFs, SegGs, SegSs;
    ULONG EFlags;
    ULONG64 Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    union {
        ULONG64 Gpr[16]; /* in the order of the instruction encoding */
        struct {
            ULONG64 Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15;
        };
    };
    ULONG64 Rip;
    XMM_SAVE_AREA32 FltSave;
    M128A VectorRegister[26];
    ULONG64 VectorControl;
    ULONG64 DebugControl;
    ULONG64 LastBranchToRip, LastBranchFromRip, LastExceptionToRip, LastExceptionFromRip;
} CONTEXT;
_Static_assert(sizeof(CONTEXT) == 0x4D0, "CONTEXT");
_Static_assert(offsetof(CONTEXT, EFlags) == 0x44 && offsetof(CONTEXT, Gpr) == 0x78 && offsetof(CONTEXT, Rip) == 0xF8, "CONTEXT");
_Static_assert(offsetof(CONTEXT, FltSave.XmmRegisters) == 0x1A0 && offsetof(CONTEXT, VectorRegister) == 0x300, "CONTEXT");

typedef struct EXCEPTION_POINTERS {
    EXCEPTION_RECORD *ExceptionRecord;
    CONTEXT *ContextRecord;
} EXCEPTION_POINTERS;

typedef struct RUNTIME_FUNCTION {
    ULONG BeginAddress;
    ULONG EndAddress;
    ULONG UnwindData;
} RUNTIME_FUNCTION;

typedef struct DISPATCHER_CONTEXT {
    ULONG64 ControlPc;
    ULONG64 ImageBase;
    RUNTIME_FUNCTION *FunctionEntry;
    ULONG64 EstablisherFrame;
    ULONG64 TargetIp;
    CONTEXT *ContextRecord;
    PVOID LanguageHandler;
    PVOID HandlerData;
    PVOID HistoryTable;
    ULONG ScopeIndex;
    ULONG Fill0; /* padding; ours: not 0 if ControlPc is a return address */
} DISPATCHER_CONTEXT;
_Static_assert(sizeof(DISPATCHER_CONTEXT) == 0x50, "DISPATCHER_CONTEXT");

typedef struct KNONVOLATILE_CONTEXT_POINTERS {
    M128A *FloatingContext[16];
    ULONG64 *IntegerContext[16];
} KNONVOLATILE_CONTEXT_POINTERS;

/* What __C_specific_handler's data is: guarded ranges, innermost first. */
typedef struct SCOPE_TABLE {
    ULONG Count;
    struct {
        ULONG BeginAddress;
        ULONG EndAddress;
        ULONG HandlerAddress; /* filter; 1 = EXCEPTION_EXECUTE_HANDLER; __finally function if JumpTarget is 0 */
        ULONG JumpTarget; /* the __except block; 0: this is a __finally */
    } ScopeRecord[];
} SCOPE_TABLE;

/* _JUMP_BUFFER of the C run-time. */
typedef struct JUMP_BUFFER {
    ULONG64 Frame, Rbx, Rsp, Rbp, Rsi, Rdi, R12, R13, R14, R15, Rip;
    ULONG MxCsr;
    USHORT FpCsr;
    USHORT Spare;
    M128A Xmm[10];
} JUMP_BUFFER;
_Static_assert(sizeof(JUMP_BUFFER) == 0x100, "_JUMP_BUFFER");

#endif
