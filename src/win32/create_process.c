/* CreateProcess: another program in the same run, with its own address space, handle table and modules.
 *
 * The image is looked for where DLLs are: beside the first program, by its plain name. It gets the parent's environment (or the given
 * one), inherited handles at their own values, and the same console. Attributes of security and directories are accepted and mean
 * nothing here: there is one user and no file system. */
#include "ps/notify.h"
#include "ps/modules.h"
#include "ps/nt_thread.h"
#include "ps/process.h"
#include "sim/image.h"
#include "win32/directory.h"
#include "win32/exports.h"
#include "win32/win32.h"

enum { CREATE_SUSPENDED = 0x4, CREATE_UNICODE_ENVIRONMENT = 0x400, USE_STD_HANDLES = 0x100, NAME_BYTES = 64, LINE_BYTES = 4096,
       PARAMETERS_AT = 0x20, STANDARD_INPUT_AT = 0x20, ENVIRONMENT_AT = 0x80, WINDOWS_CONSOLE = 3, DIRECTORY_AT = 0x38, DIRECTORY_UNITS = 260 };

struct startup_info { /* STARTUPINFOW */
    ULONG bytes;
    uint64_t reserved, desktop, title;
    ULONG x, y, width, height, columns, rows, fill, flags;
    USHORT show, reserved2_bytes;
    uint64_t reserved2;
    HANDLE standard[3];
};
_Static_assert(offsetof(struct startup_info, standard) == 80, "STARTUPINFOW");

struct process_information {
    HANDLE process, thread;
    ULONG process_id, thread_id;
};

/* UTF-8 of at most size - 1 bytes; false if there are more. */
static bool narrow(const WCHAR *s, size_t units, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0, used; i < units; i += used) {
        char c[4];
        size_t bytes = base_utf8_put(w32_from_utf16(s + i, units - i, &used), c);
        if (n + bytes >= size)
            return false;
        memcpy(out + n, c, bytes);
        n += bytes;
    }
    out[n] = 0;
    return true;
}

/* The program's file name: of the application, or the first word of the command line. */
static bool program_name(const WCHAR *application, const WCHAR *line, char *out)
{
    const WCHAR *from = application ? application : line;
    size_t units = application ? w32_wcslen(application) : 0;
    if (!application) {
        WCHAR end = *from == '"' ? *from++ : ' ';
        while (from[units] && from[units] != end && !(end == ' ' && from[units] == '\t'))
            units++;
    }
    for (size_t i = units; i-- > 0;)
        if (from[i] == '\\' || from[i] == '/') {
            from += i + 1;
            units -= i + 1;
            break;
        }
    if (!units || !narrow(from, units, out, NAME_BYTES - 4))
        return false;
    if (!strchr(out, '.'))
        strcat(out, ".exe");
    return true;
}

/* A double-terminated block, as wide characters, in the child's memory. */
static uint64_t environment_copy(struct process *p, const void *block, bool wide)
{
    const WCHAR *w = block;
    const uint8_t *a = block;
    size_t n = 0;
    while (wide ? w[n] || w[n + 1] : a[n] || a[n + 1])
        n++;
    uint64_t at = mm_user_alloc(p, (n + 2) * 2, 3 /* PROT_READ | PROT_WRITE */);
    for (size_t i = 0; at && i < n; i++)
        ((WCHAR *)at)[i] = wide ? w[i] : w32_ansi_to_wide(a[i]);
    return at;
}

/* The creator's own, unless it names one. */
static void directory_fill(struct process *p, const WCHAR *given)
{
    size_t n;
    const WCHAR *s = w32_directory(&n);
    UNICODE_STRING *d = (UNICODE_STRING *)(*(uint64_t *)(p->peb + PARAMETERS_AT) + DIRECTORY_AT);
    d->Buffer = (WCHAR *)mm_user_alloc(p, DIRECTORY_UNITS * 2, 3 /* PROT_READ | PROT_WRITE */);
    IR_ASSERT(d->Buffer);
    if (given) {
        s = given;
        n = w32_wcslen(given);
    }
    memcpy(d->Buffer, s, n * 2);
    if (s[n - 1] != '\\')
        d->Buffer[n++] = '\\';
    d->Length = (USHORT)(n * 2);
    d->MaximumLength = DIRECTORY_UNITS * 2;
}

static void parameters_fill(struct process *p, const void *environment, bool wide, const struct startup_info *si)
{
    uint64_t parameters = *(uint64_t *)(p->peb + PARAMETERS_AT);
    uint64_t copy = environment_copy(p, environment ? environment : (const void *)w32_process()->environment, environment ? wide : true);
    if (copy)
        *(uint64_t *)(parameters + ENVIRONMENT_AT) = copy;
    if (si->flags & USE_STD_HANDLES)
        memcpy((void *)(parameters + STANDARD_INPUT_AT), si->standard, sizeof si->standard);
}

static NTSTATUS handles(struct process *p, bool inherit, struct process_information *out)
{
    struct process *me = ps_current()->process;
    p->eprocess->InheritedFromUniqueProcessId = (HANDLE)(uint64_t)me->id;
    if (inherit)
        ob_handles_inherit(me, p);
    NTSTATUS s = ob_handle_create(me, p->eprocess, PROCESS_ALL_ACCESS, 0, &out->process);
    if (NT_SUCCESS(s))
        s = ob_handle_create(me, p->main_thread->ethread, THREAD_ALL_ACCESS, 0, &out->thread);
    out->process_id = p->id;
    out->thread_id = (ULONG)(uint64_t)p->main_thread->ethread->Cid.UniqueThread;
    return s;
}

BOOL CreateProcessW(const WCHAR *application, const WCHAR *command_line, void *process_security, void *thread_security, BOOL inherit, ULONG flags,
                    const void *environment, const WCHAR *directory, const struct startup_info *si, struct process_information *out)
{
    char name[NAME_BYTES], line[LINE_BYTES], err[400];
    const WCHAR *words = command_line ? command_line : application;
    const struct startup_info startup = *si;
    if (!words || !program_name(application, command_line, name) || !narrow(words, w32_wcslen(words), line, sizeof line))
        return w32_error(ERROR_FILE_NOT_FOUND);
    struct image_file *file = ps_module_file_hook ? ps_module_file_hook(name, err, sizeof err) : NULL;
    if (!file)
        return w32_error(ERROR_FILE_NOT_FOUND);
    if (file->pe.subsystem != WINDOWS_CONSOLE)
        return w32_error(ERROR_BAD_EXE_FORMAT);
    WCHAR folder[DIRECTORY_UNITS] = { 0 };
    if (directory && (GetFullPathNameW(directory, DIRECTORY_UNITS - 1, folder, NULL) >= DIRECTORY_UNITS - 1 || !(GetFileAttributesW(folder) + 1)))
        return w32_error(ERROR_DIRECTORY);
    w32_console_flush();
    w32_process();
    struct process_information made = { 0 };
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtCreateUserProcess);
    sim_point(0);
    struct process *p = ps_create_program(file, line, err, sizeof err);
    NTSTATUS s = p ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if (p) {
        directory_fill(p, folder[0] ? folder : NULL);
        parameters_fill(p, environment, (flags & CREATE_UNICODE_ENVIRONMENT) != 0, &startup);
        s = handles(p, inherit, &made);
        UNICODE_STRING told = { (USHORT)(w32_wcslen(words) * 2), (USHORT)(w32_wcslen(words) * 2), (WCHAR *)words };
        NTSTATUS wanted = ps_notify_process_begin(p, ps_current()->process, &told);
        if (NT_SUCCESS(wanted)) {
            ps_notify_thread(p->main_thread, true);
        } else { /* a driver does not want it: it ends before it began */
            s = wanted;
            ob_handle_close(ps_current()->process, made.process);
            ob_handle_close(ps_current()->process, made.thread);
            ps_terminate_thread(p->main_thread, wanted);
            flags = 0;
        }
        if (!(flags & CREATE_SUSPENDED))
            ps_resume_thread(p->main_thread);
    }
    ps_syscall_leave(&sc);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    *out = made;
    return TRUE;
}

/* The ANSI structure has the same shape. */
BOOL CreateProcessA(const char *application, const char *command_line, void *process_security, void *thread_security, BOOL inherit, ULONG flags,
                    const void *environment, const char *directory, const struct startup_info *si, struct process_information *out)
{
    uint64_t a = application ? w32_widen(application) : 0, c = command_line ? w32_widen(command_line) : 0, d = directory ? w32_widen(directory) : 0;
    BOOL made = CreateProcessW((const WCHAR *)a, (const WCHAR *)c, process_security, thread_security, inherit, flags, environment, (const WCHAR *)d, si, out);
    w32_free(d);
    if (a)
        w32_free(a);
    if (c)
        w32_free(c);
    return made;
}
