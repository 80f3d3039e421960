/* An image that has one of everything that src/pe reads. Built with the MSVC target; the symbols that the linker
 * knows (_tls_used, _load_config_used, __delayLoadHelper2) are defined here instead of by a C runtime. */
typedef unsigned long long u64;
typedef unsigned int u32;

__declspec(dllimport) int NamedFunction(int);
__declspec(dllimport) int NumberedFunction(int);
__declspec(dllimport) extern int NamedData;
__declspec(dllimport) int LateFunction(int);
__declspec(dllimport) int LateNumbered(int);

int counter = 5;
int *counter_pointer = &counter; /* a base relocation */

int alpha(int x)
{
    return NamedFunction(x) + NumberedFunction(x) + NamedData;
}

int beta(int x)
{
    return LateFunction(x) + LateNumbered(x) + *counter_pointer;
}

static int __attribute__((noinline)) internal(int x)
{
    return x * counter + alpha(x);
}

int hidden(int x)
{
    return internal(x) + 1;
}

void *__delayLoadHelper2(const void *descriptor, void **slot)
{
    return (void *)slot;
}

/* --- thread-local storage ------------------------------------------------------------------------------ */

u32 _tls_index = 0;

#pragma section(".tls", read, write)
__declspec(allocate(".tls")) u64 _tls_start = 0x1122334455667788ull;
__declspec(allocate(".tls")) u64 tls_second = 2;
__declspec(allocate(".tls")) u64 _tls_end = 0;

static void callback_one(void *module, u32 reason, void *reserved)
{
    counter++;
}

static void callback_two(void *module, u32 reason, void *reserved)
{
    counter += 2;
}

static void (*const callbacks[])(void *, u32, void *) = { callback_one, callback_two, 0 };

const struct {
    void *start, *end, *index;
    const void *callbacks;
    u32 zero_fill, characteristics;
} _tls_used = { &_tls_start, &_tls_end, &_tls_index, callbacks, 0x30, 0x00700000 /* 64 bytes */ };

/* --- load configuration --------------------------------------------------------------------------------- */

u64 __security_cookie = 0x2b992ddfa232ull;

static void check(void)
{
}

__attribute__((section(".00cfg"))) void *const guard_check_pointer = (void *)check;
__attribute__((section(".00cfg"))) void *const guard_dispatch_pointer = (void *)check;

extern char __guard_fids_table[], __guard_fids_count[], __guard_flags[];

const struct {
    u32 size, fill1[21];
    void *cookie, *seh_table;
    u64 seh_count;
    const void *check, *dispatch, *table;
    u64 table_count;
    u32 flags, code_integrity[3];
} _load_config_used = {
    0xa0, { 0 }, &__security_cookie, 0, 0, &guard_check_pointer, &guard_dispatch_pointer,
    0, 0, 0x100, { 0 },
};

int DllMain(void *module, u32 reason, void *reserved)
{
    return hidden((int)reason) != 0;
}
