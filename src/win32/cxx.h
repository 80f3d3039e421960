/* C++ exceptions as Microsoft's compiler and clang's msvc target lay them out (x64): what is thrown, and a view of a function's tables that
 * is the same for both of their encodings.
 *
 * DOC: LLVM, lib/CodeGen/AsmPrinter/WinException.cpp (FuncInfo and its maps), clang, lib/CodeGen/MicrosoftCXXABI.cpp (ThrowInfo, RTTI).
 * The compressed encoding: "Making C++ Exception Handling Smaller On x64" (Visual C++ team blog); details beyond it are guesses. */
#ifndef IRPLAB_WIN32_CXX_H
#define IRPLAB_WIN32_CXX_H

#include "trap/dispatch.h"
#include "win32/crt.h"

enum {
    CXX_EXCEPTION = (int)0xE06D7363,
    CXX_MAGIC = 0x19930520, /* up to + 2: later compilers */
    CXX_MAGIC_PURE = 0x01994000,
    CXX_PARAMETERS = 4,
};

/* All references are relative to the image's base. */
struct cxx_throw_info {
    uint32_t attributes;
    int32_t destructor, forward, catchable_array;
};
enum { CXX_CONST = 1, CXX_VOLATILE = 2, CXX_UNALIGNED = 4, CXX_REFERENCE = 8, CXX_DOTS = 0x40 };

/* Where a base lies in an object. */
struct cxx_pmd {
    int32_t mdisp, pdisp, vdisp; /* pdisp -1: not in a virtual base */
};
struct cxx_catchable {
    uint32_t properties;
    int32_t type;
    struct cxx_pmd where;
    int32_t size;
    int32_t copy;
};
enum { CXX_SIMPLE = 1, CXX_BY_REFERENCE_ONLY = 2, CXX_HAS_VIRTUAL_BASE = 4 };
struct cxx_catchable_array {
    int32_t count, types[];
};
struct cxx_type {
    uint64_t vftable;
    uint64_t undecorated; /* made when asked for */
    char name[];
};

/* The address of a base in an object. */
uint64_t cxx_adjust(uint64_t object, const struct cxx_pmd *where);

/* ---- a function's tables ---- */

struct cxx_function {
    uint64_t base;
    uint32_t begin; /* of the function or funclet, relative */
    bool only_cxx; /* structured exceptions are neither caught nor expected */
    bool is_noexcept;
    bool is_compressed, is_catch; /* is_catch: with compressed tables a catch block has its own */
    uint32_t frame_at; /* where a catch block of compressed tables keeps its function's frame */
    uint32_t states, tries, places;
    const uint8_t *unwind_map, *try_map, *ip_map; /* of compressed tables: behind the count */
};

/* False: the tables are none that we know. */
bool cxx_function_read(struct cxx_function *f, const DISPATCHER_CONTEXT *dc, bool compressed);
int cxx_state_at(const struct cxx_function *f, uint64_t pc);

enum cxx_action_kind { CXX_NOTHING, CXX_FUNCLET, CXX_DESTROY, CXX_DESTROY_POINTED };
struct cxx_action {
    enum cxx_action_kind kind;
    uint64_t fn;
    uint32_t object; /* offset in the frame */
    int to_state;
};
bool cxx_action_of(const struct cxx_function *f, int state, struct cxx_action *out);

struct cxx_try {
    int low, high, catch_high;
    uint32_t handlers;
    const uint8_t *at; /* of the handlers */
};
/* *cursor is NULL at first; false: no more. Inner ones come first. */
bool cxx_try_next(const struct cxx_function *f, uint32_t *i, const uint8_t **cursor, struct cxx_try *out);

struct cxx_handler {
    uint32_t adjectives;
    const struct cxx_type *type; /* NULL: everything */
    uint32_t object; /* offset in the frame, 0: none */
    uint64_t fn;
    uint32_t frame_at;
    uint32_t go_on_count;
    uint64_t go_on[2]; /* of compressed tables: what small results of the block stand for */
};
bool cxx_handler_next(const struct cxx_function *f, const struct cxx_try *t, uint32_t *i, const uint8_t **cursor, struct cxx_handler *out);

/* ---- what the thread is handling ---- */

/* Calls the destructor of a thrown object. */
void cxx_destroy(const EXCEPTION_RECORD *thrown);
_Noreturn void crt_terminate(void);
/* Throws std::bad_cast or std::bad_typeid ("__non_rtti_object" is not told apart). what: a constant. */
_Noreturn void cxx_throw_standard(const char *name, const char *what);
_Noreturn void RaiseException(ULONG code, ULONG flags, ULONG count, const ULONG_PTR *arguments);

#endif
