/* Private to win32: the user side's state and the helpers that every export uses.
 *
 * The functions behind the exports run as host code on behalf of a user thread. What the guest may see (heap blocks, FILE
 * records, errno, environment) lies in the process's user memory; the rest hangs from ROOM_WIN32, keyed by process and
 * thread, made when first asked for. Guest memory is touched before state is changed: a fault abandons the function. */
#ifndef IRPLAB_WIN32_WIN32_H
#define IRPLAB_WIN32_WIN32_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/ob.h"
#include "nt/status.h"
#include "nt/types.h"
#include "ps/ps.h"
#include "sim/door.h"
#include "win32/nt.h"
#include "win32/console.h"

/* The fields of the TEB that the user side reads and writes. */
enum {
    TEB_STACK_BASE_AT = 0x08,
    TEB_FIBER_DATA_AT = 0x20,
    TEB_PROCESS_ID_AT = 0x40,
    TEB_THREAD_ID_AT = 0x48,
    TEB_PEB_AT = 0x60,
    TEB_LAST_ERROR_AT = 0x68,
    TEB_LOCKS_OWNED_AT = 0x6C,
    TEB_LAST_STATUS_AT = 0x1250,
    TEB_TLS_AT = 0x1480, /* 64 slots */
    TEB_TLS_EXPANSION_AT = 0x1780, /* pointer to 1024 more */
};

enum { TLS_DIRECT = 64, TLS_EXPANSION = 1024, FLS_SLOTS = 128, CRT_FILES = 512, CRT_FDS = 64, CRT_LOCKS = 64 };

struct heap;
struct region;
struct thread_pool;
struct instance;
struct search;
struct waiter;
struct service_room;
struct device_set;
struct device_notify;
struct device_broadcast;
struct windows;

/* An open low-level file of the C run-time. */
struct crt_fd {
    HANDLE handle;
    bool open, console, text, append, at_end;
    int16_t pushed_back; /* character, or -1 */
};

struct exit_function {
    uint64_t fn;
    uint64_t table; /* the guest's _onexit_table_t, 0: the process's */
};

/* Per process. */
struct w32_process {
    struct process *process;
    struct w32_process *next;
    struct heap *heaps, *default_heap;
    uint64_t environment; /* guest: double-terminated wide block */
    uint64_t command_line_w, command_line_a;
    uint32_t error_mode;
    uint32_t tls_used[(TLS_DIRECT + TLS_EXPANSION) / 32];
    uint32_t fls_used[FLS_SLOTS / 32];
    uint64_t fls_callback[FLS_SLOTS];
    struct crt_fd fds[CRT_FDS];
    uint64_t locks; /* guest: CRT_LOCKS critical sections for _lock */
    struct exit_function *exits;
    uint32_t exit_count, exit_room;
    uint64_t argv, wargv, environ_a, environ_w; /* guest arrays */
    int32_t argc;
    bool exiting;
    uint32_t key_polls, keys_read; /* _kbhit; _getch */
    bool file_names_oem; /* SetFileApisToOEM */
    uint64_t signal_handlers[32];
    uint64_t invalid_parameter_handler;
    uint64_t terminate_handler;
    uint64_t purecall_handler;
    uint64_t thread_local_exit; /* called when the main thread ends the program */
    uint64_t console_handlers[8];
    uint32_t random_state[4];
    struct search *searches; /* FindFirstFile */
    uint32_t temporary; /* last number of GetTempFileName */
    struct thread_pool *pool;
    struct instance *instances; /* callbacks of the pool that are running */
    unsigned line_stream; /* console output: the line so far */
    uint32_t line_used;
    char line[512];
};

/* Per thread. */
struct w32_thread {
    HANDLE id; /* whose record this is: agents are reused */
    uint64_t crt; /* guest: struct crt_thread */
    uint64_t fls[FLS_SLOTS];
    struct waiter *waiter;
};

struct w32_room {
    struct w32_process *processes;
    struct w32_thread *threads[MAX_AGENTS];
    struct waiter *waiters; /* all threads that wait on an address, oldest first */
    struct {
        uint64_t lock;
        const struct thread *thread;
    } slim_owners[32]; /* who has taken SRW locks exclusively, as far as there is room: for reports, the lock does not say it */
    struct service_room *services;
    char asked_in_vain[160]; /* the last "module!function" of a synthetic module that GetProcAddress did not have */
    struct device_set *device_sets;
    uint64_t device_set_count;
    struct device_notify *device_notify;
    struct device_broadcast *device_broadcast;
    struct windows *windows;
    uint32_t pipe_count; /* anonymous ones */
    size_t typed_at; /* how much of what is typed at the console has been read */
    bool typed_return; /* of the end of the line there only the \r */
};

struct w32_room *w32_room(void);
struct w32_process *w32_process(void);
struct w32_thread *w32_thread(void);
struct w32_thread *w32_thread_known(void); /* NULL: it has not been asked for yet */
/* A record per process is made when it is first asked for: these fill it (crt_start.c, env.c, heap.c). */
void w32_process_fill(struct w32_process *p);

static inline uint8_t *w32_teb(void)
{
    return (uint8_t *)ps_current()->teb;
}

static inline uint8_t *w32_peb(void)
{
    return (uint8_t *)ps_current()->process->peb;
}

/* ---- errors ---- */

void w32_set_error(ULONG error);
/* Sets the last error and returns FALSE. */
BOOL w32_error(ULONG error);
/* Sets last status and last error from a status and returns FALSE. */
BOOL w32_fail(NTSTATUS status);
/* TRUE, or w32_fail for a status that is not a success. */
BOOL w32_result(NTSTATUS status);

/* ---- user memory ---- */

/* Blocks of the process's default heap; 0 if full. */
uint64_t w32_alloc(size_t bytes);
uint64_t w32_alloc_zeroed(size_t bytes);
void w32_free(uint64_t block);

/* ---- text ---- */

size_t w32_wcslen(const WCHAR *s);
WCHAR w32_upper(WCHAR c);
WCHAR w32_lower(WCHAR c);
int w32_wcsicmp(const WCHAR *a, const WCHAR *b);
int w32_strnicmp(const char *a, const char *b, size_t n); /* ASCII */
/* One code point from UTF-16 / UTF-8; *used gets how many units it took. Malformed input gives U+FFFD. */
uint32_t w32_from_utf16(const WCHAR *s, size_t units, size_t *used);
uint32_t w32_from_utf8(const char *s, size_t bytes, size_t *used);
size_t w32_to_utf16(uint32_t c, WCHAR out[2]);
/* Code page 1252, the system's ANSI code page here: byte to UTF-16 and back (-1: no such character). */
WCHAR w32_ansi_to_wide(uint8_t c);
int w32_wide_to_ansi(WCHAR c);
/* Guest copies of a string on the default heap, converted; 0 if full. */
uint64_t w32_widen(const char *s);
uint64_t w32_narrow(const WCHAR *s);

/* ---- console ---- */

/* Text to the guest's standard output (1) or error (2); "\r\n" appears as "\n". */
void w32_console_write(int fd, const char *bytes, size_t count);
/* Gives out a part of a line: before anything that may end the run or take time. */
void w32_console_flush(void);
void w32_console_write_wide(int fd, const WCHAR *text, size_t count);
/* 0: no console handle; 1 input, 2 output, 3 error. */
int w32_console_of(HANDLE handle);

/* ---- process ---- */

/* Address of an exported variable of a synthetic module; 0 if there is none. */
uint64_t w32_data_export(const char *module, const char *name);
/* A number from the process's own generator: the same in every run. */
uint32_t w32_random(void);
_Noreturn void ExitProcess(ULONG code);
_Noreturn void ExitThread(ULONG code);
HANDLE CreateThread(void *security, uint64_t stack, void *start, void *parameter, ULONG flags, ULONG *id);
BOOL FreeLibrary(uint64_t module);
/* Called before a thread of the process may end: what win32 does then. */
void w32_thread_hooks(void);
BOOL SetEnvironmentVariableW(const WCHAR *name, const WCHAR *value);

/* The NT path of a named object in to (n + 20 characters); returns its length. */
size_t w32_named_object(const WCHAR *name, size_t n, WCHAR *to);

/* ---- entering the kernel ---- */

/* A frame with 0x80 bytes of zeroed locals on the user stack, for status blocks and object attributes. */
struct w32_frame {
    struct guest_mark mark;
    uint8_t *locals;
};
struct w32_frame w32_frame_push(uint32_t frame);
void w32_frame_pop(struct w32_frame *f);

#endif
