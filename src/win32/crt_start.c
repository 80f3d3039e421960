/* Start and end of a program's C run-time: arguments, initialisers, exit functions, errno and the rest of a thread's state. */
#include "win32/crt.h"
#include "win32/critical.h"
#include "win32/env.h"

#include "nt/seh.h"
#include "sim/image.h"

#include <stdio.h>
#include <sys/mman.h>

/* ---- a thread's state ---- */

struct crt_thread *crt_thread(void)
{
    struct w32_thread *t = w32_thread();
    if (!t->crt) {
        /* On the heap of the process like the real one. Without memory for it nothing can go on. */
        t->crt = w32_alloc_zeroed(sizeof(struct crt_thread));
        IR_ASSERT(t->crt);
        ((struct crt_thread *)t->crt)->random = 1;
    }
    return (struct crt_thread *)t->crt;
}

int32_t *crt_errno(void)
{
    return &crt_thread()->error;
}

uint32_t *crt___doserrno(void)
{
    return &crt_thread()->dos_error;
}

int crt_fail(int error)
{
    *crt_errno() = error;
    return -1;
}

static int errno_of(ULONG error)
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_PATHNAME:
        return CRT_ENOENT;
    case ERROR_TOO_MANY_OPEN_FILES:
        return CRT_EMFILE;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
        return CRT_EACCES;
    case ERROR_INVALID_HANDLE:
        return CRT_EBADF;
    case ERROR_NOT_ENOUGH_MEMORY:
        return CRT_ENOMEM;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
        return CRT_EEXIST;
    case ERROR_BROKEN_PIPE:
        return CRT_EPIPE;
    case ERROR_DISK_FULL:
        return CRT_ENOSPC;
    default:
        return CRT_EINVAL; /* also what _dosmaperr does with the rest */
    }
}

int crt_fail_win32(ULONG error)
{
    *crt___doserrno() = error;
    return crt_fail(errno_of(error));
}

int32_t crt__get_errno(int32_t *value)
{
    if (!value)
        return CRT_EINVAL;
    *value = *crt_errno();
    return 0;
}

int32_t crt__set_errno(int32_t value)
{
    *crt_errno() = value;
    return 0;
}

int crt_invalid_parameter(int error)
{
    struct w32_process *p = w32_process();
    *crt_errno() = error;
    if (p->invalid_parameter_handler)
        guest_call(FRAME_NONE, (void *)p->invalid_parameter_handler, 5, (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0);
    return -1;
}

uint64_t crt__set_invalid_parameter_handler(uint64_t handler)
{
    struct w32_process *p = w32_process();
    uint64_t old = p->invalid_parameter_handler;
    p->invalid_parameter_handler = handler;
    return old;
}

uint64_t crt__get_invalid_parameter_handler(void)
{
    return w32_process()->invalid_parameter_handler;
}

/* ---- arguments and environment as arrays ---- */

LONG UnhandledExceptionFilter(EXCEPTION_POINTERS *p);

static uint64_t array_of_strings(const WCHAR *block, bool wide)
{
    size_t count = 0;
    for (const WCHAR *s = block; *s; s += w32_wcslen(s) + 1)
        count++;
    uint64_t *array = (uint64_t *)w32_alloc((count + 1) * 8);
    size_t n = 0;
    for (const WCHAR *s = block; *s; s += w32_wcslen(s) + 1) {
        if (*s == '=')
            continue;
        uint64_t copy = w32_alloc((w32_wcslen(s) + 1) * 2);
        lstrcpyW((WCHAR *)copy, s);
        array[n++] = wide ? copy : w32_narrow((WCHAR *)copy);
        if (!wide)
            w32_free(copy);
    }
    array[n] = 0;
    return (uint64_t)array;
}

static void arguments_make(struct w32_process *p)
{
    const WCHAR *line = (const WCHAR *)p->command_line_w;
    size_t chars = w32_wcslen(line);
    uint64_t scratch = w32_alloc((chars + 1) * 2);
    uint64_t *wide = (uint64_t *)w32_alloc((chars / 2 + 3) * 8), *narrow = (uint64_t *)w32_alloc((chars / 2 + 3) * 8);
    size_t length;
    for (const WCHAR *s = line; (s = w32_argument_next(s, p->argc == 0, (WCHAR *)scratch, &length)) != NULL; p->argc++) {
        WCHAR *copy = (WCHAR *)w32_alloc((length + 1) * 2);
        memcpy(copy, (WCHAR *)scratch, length * 2);
        copy[length] = 0;
        wide[p->argc] = (uint64_t)copy;
        narrow[p->argc] = w32_narrow(copy);
    }
    wide[p->argc] = narrow[p->argc] = 0;
    p->wargv = (uint64_t)wide;
    p->argv = (uint64_t)narrow;
    w32_free(scratch);
}

static void put_data(const char *module, const char *name, const void *value, size_t bytes)
{
    const struct image *i = image_find(module);
    uint64_t at = i ? image_export(i, name, 0) : 0;
    if (at)
        memcpy((void *)at, value, bytes);
}

void crt_environment_fill(struct w32_process *p)
{
    p->environ_a = array_of_strings((const WCHAR *)p->environment, false);
    p->environ_w = array_of_strings((const WCHAR *)p->environment, true);
    put_data("msvcrt.dll", "_environ", &p->environ_a, 8);
    put_data("msvcrt.dll", "_wenviron", &p->environ_w, 8);
}

/* GUESS: the data exports exist once in the arena; a second program of a run would see the last one's. */
void crt_process_fill(struct w32_process *p)
{
    arguments_make(p);
    crt_environment_fill(p);
    for (int i = 0; i < CRT_FDS; i++)
        p->fds[i].pushed_back = -1;
    for (int i = 0; i < 3; i++)
        p->fds[i] = (struct crt_fd) { .handle = GetStdHandle((ULONG)-(10 + i)), .open = true, .console = w32_console_of(GetStdHandle((ULONG)-(10 + i))) != 0, .text = true, .pushed_back = -1 };
    put_data("msvcrt.dll", "_acmdln", &p->command_line_a, 8);
    put_data("msvcrt.dll", "_wcmdln", &p->command_line_w, 8);
    put_data("msvcrt.dll", "__argc", &p->argc, 4);
    put_data("msvcrt.dll", "__argv", &p->argv, 8);
    put_data("msvcrt.dll", "__wargv", &p->wargv, 8);
    put_data("msvcrt.dll", "__initenv", &p->environ_a, 8);
    put_data("msvcrt.dll", "__winitenv", &p->environ_w, 8);
    static const char program[] = "program.exe";
    uint64_t name = w32_alloc(sizeof program);
    memcpy((void *)name, program, sizeof program);
    put_data("msvcrt.dll", "_pgmptr", p->argc ? (void *)p->argv : &name, 8);
    if (p->argc)
        put_data("msvcrt.dll", "_wpgmptr", (void *)p->wargv, 8);
}

/* int __getmainargs(int *argc, char ***argv, char ***env, int expand, _startupinfo *info) */
int32_t crt___getmainargs(int32_t *argc, uint64_t *argv, uint64_t *env, int32_t expand, void *info)
{
    struct w32_process *p = w32_process();
    *argc = p->argc;
    *argv = p->argv;
    *env = p->environ_a;
    return 0;
}

int32_t crt___wgetmainargs(int32_t *argc, uint64_t *argv, uint64_t *env, int32_t expand, void *info)
{
    struct w32_process *p = w32_process();
    *argc = p->argc;
    *argv = p->wargv;
    *env = p->environ_w;
    return 0;
}

/* Where UCRT's accessors point: the data exports of msvcrt hold the same values. */
static uint64_t data_address(const char *name)
{
    w32_process();
    const struct image *i = image_find("msvcrt.dll");
    return i ? image_export(i, name, 0) : 0;
}

uint64_t crt___p___argc(void)
{
    return data_address("__argc");
}

uint64_t crt___p___argv(void)
{
    return data_address("__argv");
}

uint64_t crt___p___wargv(void)
{
    return data_address("__wargv");
}

uint64_t crt___p__acmdln(void)
{
    return data_address("_acmdln");
}

uint64_t crt___p__wcmdln(void)
{
    return data_address("_wcmdln");
}

uint64_t crt___p__environ(void)
{
    return data_address("_environ");
}

uint64_t crt___p__wenviron(void)
{
    return data_address("_wenviron");
}

uint64_t crt___p___initenv(void)
{
    return data_address("__initenv");
}

uint64_t crt___p___winitenv(void)
{
    return data_address("__winitenv");
}

uint64_t crt___p__fmode(void)
{
    return data_address("_fmode");
}

uint64_t crt___p__commode(void)
{
    return data_address("_commode");
}

uint64_t crt___p__pgmptr(void)
{
    return data_address("_pgmptr");
}

uint64_t crt__get_initial_narrow_environment(void)
{
    return w32_process()->environ_a;
}

uint64_t crt__get_initial_wide_environment(void)
{
    return w32_process()->environ_w;
}

uint64_t crt__get_narrow_winmain_command_line(void)
{
    const char *s = (const char *)w32_process()->command_line_a;
    bool quoted = false;
    for (; *s && (quoted || (*s != ' ' && *s != '\t')); s++)
        quoted ^= *s == '"';
    while (*s == ' ' || *s == '\t')
        s++;
    return (uint64_t)s;
}

/* ---- initialisers ---- */

void crt__initterm(uint64_t *from, uint64_t *to)
{
    for (; from < to; from++)
        if (*from)
            guest_call(FRAME_NONE, (void *)*from, 0);
}

int32_t crt__initterm_e(uint64_t *from, uint64_t *to)
{
    for (; from < to; from++) {
        int32_t r = *from ? (int32_t)guest_call(FRAME_NONE, (void *)*from, 0) : 0;
        if (r)
            return r;
    }
    return 0;
}

/* ---- exit functions ---- */

static bool exits_add(struct w32_process *p, uint64_t fn, uint64_t table)
{
    if (p->exit_count == p->exit_room) {
        uint32_t room = p->exit_room ? p->exit_room * 2 : 32;
        struct exit_function *bigger = sim_alloc(room * sizeof *bigger);
        if (p->exit_count)
            memcpy(bigger, p->exits, p->exit_count * sizeof *bigger);
        sim_free(p->exits, p->exit_room * sizeof *bigger);
        p->exits = bigger;
        p->exit_room = room;
    }
    p->exits[p->exit_count++] = (struct exit_function) { fn, table };
    return true;
}

/* Last registered first; each is gone before it runs, so that one that exits does not run again. */
static void exits_run(struct w32_process *p, uint64_t table)
{
    for (;;) {
        uint32_t i = p->exit_count;
        while (i > 0 && (!p->exits[i - 1].fn || p->exits[i - 1].table != table))
            i--;
        if (i == 0)
            return;
        uint64_t fn = p->exits[i - 1].fn;
        p->exits[i - 1].fn = 0;
        while (p->exit_count && !p->exits[p->exit_count - 1].fn)
            p->exit_count--;
        guest_call(FRAME_NONE, (void *)fn, 0);
    }
}

uint64_t crt__onexit(uint64_t fn)
{
    return exits_add(w32_process(), fn, 0) ? fn : 0;
}

int32_t crt_atexit(uint64_t fn)
{
    return exits_add(w32_process(), fn, 0) ? 0 : -1;
}

int32_t crt__crt_atexit(uint64_t fn)
{
    return crt_atexit(fn);
}

int32_t crt__crt_at_quick_exit(uint64_t fn)
{
    return exits_add(w32_process(), fn, 1) ? 0 : -1;
}

int32_t crt__initialize_onexit_table(uint64_t *table)
{
    if (!table)
        return -1;
    if (table[0] == table[2])
        table[0] = table[1] = table[2] = (uint64_t)table;
    return 0;
}

int32_t crt__register_onexit_function(uint64_t table, uint64_t fn)
{
    return table && exits_add(w32_process(), fn, table) ? 0 : -1;
}

int32_t crt__execute_onexit_table(uint64_t table)
{
    exits_run(w32_process(), table);
    return 0;
}

/* DLLs of msvcrt's time kept their own array; the run-time only grows it. */
uint64_t crt___dllonexit(uint64_t fn, uint64_t *start, uint64_t *end)
{
    exits_add(w32_process(), fn, (uint64_t)start);
    return fn;
}

void crt__cexit(void)
{
    enum { DLL_PROCESS_DETACH = 0 };
    struct w32_process *p = w32_process();
    uint64_t fn = p->thread_local_exit;
    p->thread_local_exit = 0;
    if (fn)
        guest_call(FRAME_NONE, (void *)fn, 3, (uint64_t)0, (uint64_t)DLL_PROCESS_DETACH, (uint64_t)0);
    exits_run(w32_process(), 0);
    crt_files_flush_all();
}

void crt__c_exit(void)
{
}

_Noreturn void crt__exit(int32_t code)
{
    ExitProcess((ULONG)code);
}

_Noreturn void crt_exit(int32_t code)
{
    crt__cexit();
    ExitProcess((ULONG)code);
}

_Noreturn void crt_quick_exit(int32_t code)
{
    exits_run(w32_process(), 1);
    ExitProcess((ULONG)code);
}

_Noreturn void crt__amsg_exit(int32_t number)
{
    char text[64];
    int n = snprintf(text, sizeof text, "runtime error %d\n", number);
    w32_console_write(2, text, (size_t)n);
    ExitProcess(255);
}

/* ---- signals ---- */

enum { SIG_ERROR = -1, CRT_SIGABRT = 22, CRT_SIGABRT_COMPAT = 6 };

static bool is_signal(int32_t n)
{
    return n == 2 || n == 4 || n == 8 || n == 11 || n == 15 || n == 21 || n == CRT_SIGABRT || n == CRT_SIGABRT_COMPAT;
}

uint64_t crt_signal(int32_t number, uint64_t handler)
{
    struct w32_process *p = w32_process();
    if (!is_signal(number)) {
        *crt_errno() = CRT_EINVAL;
        return (uint64_t)SIG_ERROR;
    }
    number = number == CRT_SIGABRT_COMPAT ? CRT_SIGABRT : number;
    uint64_t old = p->signal_handlers[number];
    if (handler != 4) /* SIG_SGE: a question */
        p->signal_handlers[number] = handler;
    return old;
}

int32_t crt_raise(int32_t number)
{
    struct w32_process *p = w32_process();
    if (!is_signal(number))
        return crt_invalid_parameter(CRT_EINVAL);
    number = number == CRT_SIGABRT_COMPAT ? CRT_SIGABRT : number;
    uint64_t handler = p->signal_handlers[number];
    if (handler == 1) /* SIG_IGN */
        return 0;
    if (handler == 0)
        ExitProcess(3);
    p->signal_handlers[number] = 0;
    guest_call(FRAME_NONE, (void *)handler, 1, (uint64_t)(uint32_t)number);
    return 0;
}

_Noreturn void crt_abort(void)
{
    struct w32_process *p = w32_process();
    if (p->signal_handlers[CRT_SIGABRT] > 1)
        crt_raise(CRT_SIGABRT);
    ExitProcess(3);
}

/* UCRT ends an aborted program with a fail-fast exception, whose code becomes the exit code. */
_Noreturn void crt_abort_ucrt(void)
{
    struct w32_process *p = w32_process();
    if (p->signal_handlers[CRT_SIGABRT] > 1)
        crt_raise(CRT_SIGABRT);
    ExitProcess((ULONG)STATUS_STACK_BUFFER_OVERRUN);
}

_Noreturn void crt__invalid_parameter_noinfo_noreturn(void)
{
    ExitProcess((ULONG)STATUS_STACK_BUFFER_OVERRUN);
}

void crt__invalid_parameter_noinfo(void)
{
    crt_invalid_parameter(CRT_EINVAL);
}

_Noreturn void crt__purecall(void)
{
    struct w32_process *p = w32_process();
    if (p->purecall_handler)
        guest_call(FRAME_NONE, (void *)p->purecall_handler, 0);
    crt_abort();
}

_Noreturn void crt__assert(const char *expression, const char *file, uint32_t line)
{
    char text[600];
    int n = snprintf(text, sizeof text, "Assertion failed: %.200s, file %.200s, line %u\n", expression, file, line);
    w32_console_write(2, text, (size_t)n);
    crt_abort();
}

_Noreturn void crt__wassert(const WCHAR *expression, const WCHAR *file, uint32_t line)
{
    static const WCHAR head[] = { 'A', 's', 's', 'e', 'r', 't', 'i', 'o', 'n', ' ', 'f', 'a', 'i', 'l', 'e', 'd', ':', ' ' };
    static const WCHAR middle[] = { ',', ' ', 'f', 'i', 'l', 'e', ' ' };
    char text[32];
    w32_console_write_wide(2, head, sizeof head / 2);
    w32_console_write_wide(2, expression, w32_wcslen(expression));
    w32_console_write_wide(2, middle, sizeof middle / 2);
    w32_console_write_wide(2, file, w32_wcslen(file));
    w32_console_write(2, text, (size_t)snprintf(text, sizeof text, ", line %u\n", line));
    crt_abort();
}

/* ---- knobs without effect here ---- */

void crt___set_app_type(int32_t type)
{
}

int32_t crt__configure_argv(int32_t mode)
{
    w32_process();
    return 0;
}

int32_t crt__initialize_environment(void)
{
    w32_process();
    return 0;
}

void crt___setusermatherr(uint64_t handler)
{
}

int32_t crt__set_new_mode(int32_t mode)
{
    return 0;
}

uint32_t crt__set_abort_behavior(uint32_t flags, uint32_t mask)
{
    return 0;
}

int32_t crt__set_error_mode(int32_t mode)
{
    return 0;
}

uint64_t crt__set_purecall_handler(uint64_t handler)
{
    struct w32_process *p = w32_process();
    uint64_t old = p->purecall_handler;
    p->purecall_handler = handler;
    return old;
}

uint64_t crt_set_terminate(uint64_t handler)
{
    struct w32_process *p = w32_process();
    uint64_t old = p->terminate_handler;
    p->terminate_handler = handler;
    return old;
}

_Noreturn void crt_terminate(void)
{
    struct w32_process *p = w32_process();
    if (p->terminate_handler)
        guest_call(FRAME_NONE, (void *)p->terminate_handler, 0);
    /* The two run-times end an aborted program in different ways. */
    const struct door_entry *e = door_current_call(MACHINE->fiber);
    if (e && strcmp(e->module, "msvcrt.dll") == 0)
        crt_abort();
    crt_abort_ucrt();
}

int32_t crt__set_fmode(int32_t mode)
{
    memcpy((void *)data_address("_fmode"), &mode, 4);
    return 0;
}

int32_t crt__get_fmode(int32_t *mode)
{
    memcpy(mode, (void *)data_address("_fmode"), 4);
    return 0;
}

int32_t crt__configthreadlocale(int32_t mode)
{
    return 2; /* _DISABLE_PER_THREAD_LOCALE */
}

/* _controlfp and its kin: the control word as MSVC presents it; precision and rounding stay as they are. */
enum { CONTROL_DEFAULT = 0x0009001F };

uint32_t crt__controlfp(uint32_t value, uint32_t mask)
{
    return CONTROL_DEFAULT;
}

int32_t crt__controlfp_s(uint32_t *current, uint32_t value, uint32_t mask)
{
    if (current)
        *current = CONTROL_DEFAULT;
    return 0;
}

uint32_t crt__clearfp(void)
{
    return 0;
}

void crt__fpreset(void)
{
}

/* ---- data exports ---- */

void crt_data_one(void *at)
{
    uint32_t one = 1;
    memcpy(at, &one, 4);
}

void crt_data_os_version(void *at)
{
    /* _osver, _winver, _winmajor, _winminor in their own exports: Windows 10 */
    uint32_t v = 19045;
    memcpy(at, &v, 4);
}

void crt_data_ten(void *at)
{
    uint32_t v = 10;
    memcpy(at, &v, 4);
}

void crt_data_winver(void *at)
{
    uint32_t v = 10 << 8;
    memcpy(at, &v, 4);
}

void crt_data_zero(void *at)
{
}

/* ---- the run-time's own locks ---- */

static struct critical_section *lock_at(uint32_t i)
{
    struct w32_process *p = w32_process();
    if (!p->locks) {
        p->locks = w32_alloc_zeroed(CRT_LOCKS * sizeof(struct critical_section));
        for (uint32_t k = 0; k < CRT_LOCKS; k++)
            InitializeCriticalSection((struct critical_section *)p->locks + k);
    }
    return (struct critical_section *)p->locks + i % CRT_LOCKS;
}

void crt__lock(uint32_t i)
{
    EnterCriticalSection(lock_at(i));
}

void crt__unlock(uint32_t i)
{
    LeaveCriticalSection(lock_at(i));
}

/* The filter around main: faults that have a signal go to its handler, the rest to the last filter. DOC: "signal" (SIGFPE, SIGILL, SIGSEGV). */
int32_t crt__seh_filter_exe(uint32_t code, EXCEPTION_POINTERS *pointers)
{
    enum { CRT_SIGILL = 4, CRT_SIGFPE = 8, CRT_SIGSEGV = 11 };
    struct w32_process *p = w32_process();
    NTSTATUS s = (NTSTATUS)code;
    int number = s == STATUS_ACCESS_VIOLATION ? CRT_SIGSEGV
                 : s == STATUS_ILLEGAL_INSTRUCTION || s == STATUS_PRIVILEGED_INSTRUCTION ? CRT_SIGILL
                 : code >= 0xC000008D && code <= 0xC0000093 ? CRT_SIGFPE
                                                            : 0;
    uint64_t handler = number ? p->signal_handlers[number] : 0;
    if (!handler)
        return UnhandledExceptionFilter(pointers);
    if (handler == 1) /* SIG_IGN */
        return EXCEPTION_CONTINUE_EXECUTION;
    p->signal_handlers[number] = 0;
    guest_call(FRAME_NONE, (void *)handler, 1, (uint64_t)(unsigned)number);
    return EXCEPTION_CONTINUE_EXECUTION;
}

/* DLLs ask for their own code only. */
int32_t crt__seh_filter_dll(uint32_t code, EXCEPTION_POINTERS *pointers)
{
    enum { CXX = 0xE06D7363 };
    return code == CXX ? crt__seh_filter_exe(code, pointers) : EXCEPTION_CONTINUE_SEARCH;
}

/* Destructors of the main program's thread-local objects: called at exit before everything else. */
void crt__register_thread_local_exe_atexit_callback(uint64_t fn)
{
    w32_process()->thread_local_exit = fn;
}

int32_t crt__query_app_type(void)
{
    return 1; /* _crt_console_app */
}

void crt__crt_debugger_hook(int32_t reserved)
{
}

/* Nobody has set a handler: _set_new_handler is static in programs. */
int32_t crt__callnewh(size_t bytes)
{
    return 0;
}

/* The filter around main in old start-up code: nothing is handled here. */
int32_t crt__XcptFilter(uint32_t code, void *pointers)
{
    return 0;
}

void crt_data_huge(void *at)
{
    double huge = __builtin_inf();
    memcpy(at, &huge, 8);
}
