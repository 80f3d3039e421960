/* Threads and processes. struct thread and struct process are bookkeeping beside the guest's ETHREAD and EPROCESS. */
#ifndef IRPLAB_PS_PS_H
#define IRPLAB_PS_PS_H

#include "nt/ke.h"
#include "pe/pe.h"
#include "sim/machine.h"

struct handle_table;
struct user_module;

struct process {
    EPROCESS *eprocess; /* guest object */
    uint64_t slice; /* user address space: [slice, slice + USER_SLICE); 0 for System */
    void *user_ranges; /* of mm: what is taken in the slice */
    struct mm_region *regions; /* of mm: what was asked for together (virtual.c) */
    uint32_t id;
    uint32_t threads; /* alive */
    uint32_t had_threads; /* ever; 2 stands for more */
    struct handle_table *handles;
    struct image *image;
    struct thread *main_thread;
    struct user_module *modules, *modules_mapping; /* of modules.c */
    uint32_t tls_modules;
    uint64_t peb;
    char name[64];
    bool told; /* drivers know of it (notify.c) */
    bool begun; /* its first thread has looked whether there is something to tell */
    uint64_t locked_mdls; /* MDLs that hold pages of it; must be none when it ends */
    NTSTATUS exit_status;
    bool exited, exit_status_set;
    bool is_program; /* counts for deadlock findings and for the verdict */
    struct process *next;
};

struct thread {
    struct agent *agent;
    ETHREAD *ethread; /* guest object */
    struct process *process; /* owner */
    struct process *attached; /* KeStackAttachProcess; NULL = own */
    uint64_t teb; /* 0: system thread */
    uint64_t user_stack, user_stack_limit, user_stack_top;
    bool on_fibers; /* a program's: the stack may be one of its fibers'; the thread's own is this */
    uint64_t own_stack, own_stack_limit, own_stack_top;
    bool in_kernel; /* false while user code runs */
    uint8_t previous_mode; /* KernelMode or UserMode */
    bool waiting; /* in ke_wait */
    bool is_worker; /* idle workers do not keep a run alive */
    bool exiting; /* in ps_exit_thread */
    bool terminating; /* has been told to end */
    bool told; /* drivers know of it (notify.c) */
    bool suspended; /* created so, not yet resumed */
    uint32_t suspend_count; /* NtSuspendThread */
    KEVENT *resume; /* set when suspend_count falls to 0 */
    const char *name; /* "system worker 1"; for views */
    void *start, *context;
    void (*host_start)(void *); /* host threads */
    void *io; /* bookkeeping of io */
    void *keeps; /* an object that stays as long as the thread; referenced; NULL */
    struct thread *next; /* all threads in creation order */
    void *ke; /* wait bookkeeping of ke */
};

struct thread *ps_current(void); /* NULL in a DPC activity of an idle processor: use the processor's thread */
struct process *ps_current_process(void);
struct process *ps_system(void);
struct thread *ps_threads(void); /* all living threads */
struct thread *ps_thread_of(const void *kthread); /* guest ETHREAD/KTHREAD pointer → bookkeeping; NULL */
struct thread *ps_thread_living(const void *kthread); /* the same for those whose effect depends on whether it has ended */
void ps_looked_for(void); /* a step's effect depends on which processes and threads there are */
struct process *ps_process_of(const void *eprocess);

/* A system thread: fn is guest code called with context. frame: kernel frame shown above it. Runs when scheduled. */
struct thread *ps_create_system_thread(void *fn, void *context, const char *name);
/* A system thread whose body is host code. */
struct thread *ps_create_host_thread(void (*fn)(void *), void *arg, const char *name);
/* Ends the current thread (APC rundown, IRP cancellation); does not return. */
_Noreturn void ps_exit_thread(NTSTATUS status);

/* Entering and leaving the kernel from a user-side export: moves to the kernel stack, gs to the KPCR, PreviousMode = UserMode.
 * frame is the Nt function's name for `k`. Leaving delivers user APCs if alertable ones are pending. */
struct syscall {
    struct guest_mark_storage {
        uint64_t sp, site;
    } user;
    bool nested; /* was already in the kernel */
};
void ps_syscall_enter(struct syscall *s, uint32_t frame);
void ps_syscall_leave(struct syscall *s);

#endif
