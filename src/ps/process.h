/* Private to ps and its near siblings (session, win32): creation of programs, the room's state. */
#ifndef IRPLAB_PS_PROCESS_H
#define IRPLAB_PS_PROCESS_H

#include "ps/ps.h"
#include "sim/image.h"

enum { TEB_STACK_BASE = 0x08, TEB_STACK_LIMIT = 0x10, TEB_TLS_POINTER = 0x58, TEB_LAST_ERROR = 0x68, TEB_LAST_STATUS = 0x1250,
       TEB_DEALLOCATION_STACK = 0x1478, TEB_TLS_SLOTS = 0x1480 };

struct ps_room {
    struct thread *threads;
    struct process *processes, *system;
    struct process *mapping; /* modules.c: whose modules are being mapped */
    uint32_t next_id;
    uint32_t slices_used;
    struct ps_notify *notify; /* notify.c; NULL: nobody has ever registered */
};

struct ps_room *ps_room(void);
void ps_init(void);
struct process *ps_processes(void);
/* Maps the program into a new process with one suspended main thread (start it with ps_resume_thread). */
struct process *ps_create_program(struct image_file *file, const char *command_line, char *err, size_t errlen);
NTSTATUS ps_create_user_thread(struct process *process, void *start, void *parameter, uint64_t stack_size, bool suspended, struct thread **out);
NTSTATUS ps_resume_thread(struct thread *t);
/* Called in user mode when a thread ends, before its modules are told. Set by win32. */
extern void (*ps_user_end_hook)(void);
/* The thread is one of `left` that its process has left. */
bool ps_ends_last(const struct thread *t, uint32_t left);
/* A thread's own end in user mode: fiber-local values, modules; the last thread ends the process. */
_Noreturn void ps_user_exit_thread(NTSTATUS status);
/* The end of the process in user mode: the other threads end, modules are told. */
_Noreturn void ps_user_exit_process(NTSTATUS status);
/* Another thread is to end as soon as it can. */
void ps_terminate_thread(struct thread *t, NTSTATUS status);
/* Ends the current process with all threads. */
_Noreturn void ps_exit_process(NTSTATUS status);
void ps_process_rundown(struct process *p, NTSTATUS status);
/* A fault just below the committed part of the current thread's user stack: commits more. Runs in the signal handler. */
bool ps_user_stack_grow(uint64_t address);
/* The stack has grown as far as it may: commits the last pages for the handling of that. False if address is not there. */
bool ps_user_stack_last(uint64_t address);
/* After a snapshot was restored: stacks are as large as they were. */
void ps_user_stacks_restored(void);

#endif
