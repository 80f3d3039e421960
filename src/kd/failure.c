/* The screen of a failed run: what it was, its parameters in words, and the stack. */
#include "kd/kd.h"

#include <string.h>

#include "io/room.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ps/process.h"
#include "race/race.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "trap/trap.h"
#include "verify/guard.h"
#include "verify/stack.h"

static void print_parameter(FILE *out, const struct ke_bugcheck *b, int i)
{
    char symbol[256] = "";
    const struct image *image = image_at(b->p[i]);
    const char *meaning = nt_bugcheck_parameter(b->code, i + 1);
    fprintf(out, "Arg%d: %016llx%s%s", i + 1, (unsigned long long)b->p[i], meaning[0] ? ", " : "", meaning);
    const struct io_gone *gone = io_gone_at(b->p[i]);
    if (image && !image->synthetic)
        image_symbol_text(b->p[i], symbol, sizeof symbol);
    else if (gone)
        snprintf(symbol, sizeof symbol, "<Unloaded_%s.sys>+0x%llx", gone->service, (unsigned long long)(b->p[i] - gone->base));
    fprintf(out, "%s%s%s\n", symbol[0] ? " (" : "", symbol, symbol[0] ? ")" : "");
}

static const IRP *irp_at(const LIST_ENTRY *l)
{
    return (const IRP *)((const UCHAR *)l - offsetof(IRP, ThreadListEntry));
}

static void print_irp(FILE *out, const IRP *irp)
{
    fprintf(out, "\n!irp %016llx\n", (unsigned long long)(uint64_t)irp);
    kd_print_irp(out, irp);
}

static void print_irp_list(FILE *out, const struct thread *t)
{
    const LIST_ENTRY *head = &t->ethread->IrpList;
    for (const LIST_ENTRY *l = head->Flink; l != head; l = l->Flink)
        print_irp(out, irp_at(l));
}

static void print_apcs(FILE *out)
{
    if (!kd_has_apcs())
        return;
    fprintf(out, "\n!apc\n");
    kd_print_apc(out);
}

/* The IRPs that the parameters name, or those that the thread has under way; the thread; what waits to be delivered. */
static void print_around(FILE *out, const struct ke_bugcheck *b)
{
    const struct thread *t = b->agent && b->agent->kind == AGENT_THREAD ? b->agent->thread : NULL;
    bool named = false;
    for (int i = 0; i < 4; i++) {
        bool again = false;
        for (int k = 0; k < i; k++)
            again |= b->p[k] == b->p[i];
        if (again || !io_is_irp(b->p[i]))
            continue;
        print_irp(out, (const IRP *)b->p[i]);
        named = true;
    }
    if (t && t->ethread) {
        if (!named)
            print_irp_list(out, t);
        fprintf(out, "\n!thread %016llx\n", (unsigned long long)(uint64_t)t->ethread);
        kd_print_thread(out, t, false);
    }
    print_apcs(out);
}

static void print_warnings(FILE *out)
{
    for (unsigned i = 0; i < verify_warning_count(); i++) {
        char text[768];
        verify_warning_text(i, text, sizeof text);
        fprintf(out, "warning: %s\n", text);
    }
    if (verify_warning_count())
        fprintf(out, "\n");
}

static void print_guard_stack(FILE *out, const char *what, const uint32_t *stack, uint64_t time_100ns)
{
    fprintf(out, "\n%s at %.3f s:\n", what, (double)time_100ns / 1e7);
    for (unsigned i = 0; i < GUARD_STACK && stack[i]; i++) {
        char site[256];
        image_symbol_text(KERNEL_BASE + stack[i], site, sizeof site);
        fprintf(out, "    %s\n", site);
    }
}

/* Guard mode: who had the block, and who gave it back. */
static void print_guard(FILE *out)
{
    const struct guard_block *b = verify_guard_found_block();
    if (!b)
        return;
    char tag[5];
    for (int i = 0; i < 4; i++)
        tag[i] = (char)(b->tag >> 8 * i) >= 0x20 && (b->tag >> 8 * i & 0xFF) < 0x7F ? (char)(b->tag >> 8 * i) : '.';
    tag[4] = 0;
    fprintf(out, "\npool block %016llx, %u bytes, tag '%s', %s", (unsigned long long)b->base, b->bytes, tag, b->live ? "in use" : "freed");
    print_guard_stack(out, "allocated", b->allocated, b->allocated_100ns);
    if (!b->live)
        print_guard_stack(out, "freed", b->freed, b->freed_100ns);
}

static void print_bugcheck(FILE *out, const struct ke_bugcheck *b)
{
    print_warnings(out);
    fprintf(out, "*** Fatal System Error: 0x%08x\n                       (0x%016llX,0x%016llX,0x%016llX,0x%016llX)\n\n", b->code,
            (unsigned long long)b->p[0], (unsigned long long)b->p[1], (unsigned long long)b->p[2], (unsigned long long)b->p[3]);
    fprintf(out, "%s (%x)\n", nt_bugcheck_name(b->code), b->code);
    const char *reason = nt_bugcheck_reason(b->code, b->p[0]);
    if (reason[0])
        fprintf(out, "%s\n", reason);
    fprintf(out, "Arguments:\n");
    for (int i = 0; i < 4; i++)
        print_parameter(out, b, i);
    fprintf(out, "\n");
    kd_print_k(out, b->agent);
    print_guard(out);
    print_around(out, b);
}

/* ---- a run in which nobody can go on ---- */

struct orphans {
    FILE *out;
    bool any;
};

static bool in_a_list(const IRP *irp)
{
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        const LIST_ENTRY *head = &t->ethread->IrpList;
        for (const LIST_ENTRY *l = head->Flink; l != head; l = l->Flink)
            if (irp_at(l) == irp)
                return true;
    }
    return false;
}

static void print_orphan(void *ctx, IRP *irp)
{
    struct orphans *o = ctx;
    if (irp->CurrentLocation > irp->StackCount || in_a_list(irp))
        return;
    if (!o->any)
        fprintf(o->out, "\nIRPs that are in no thread's list:\n");
    o->any = true;
    print_irp(o->out, irp);
}

void kd_print_blocked(FILE *out)
{
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        if (t->process == ps_system() || !t->waiting)
            continue;
        fprintf(out, "\n!thread %016llx\n", (unsigned long long)(uint64_t)t->ethread);
        kd_print_thread(out, t, false);
        print_irp_list(out, t);
    }
    struct orphans o = { out, false };
    io_irps_walk(print_orphan, &o);
    print_apcs(out);
    fprintf(out, "\n");
    print_warnings(out);
}

static void print_access(FILE *out, const EXCEPTION_RECORD *r)
{
    if (r->ExceptionCode != STATUS_ACCESS_VIOLATION || r->NumberParameters < 2)
        return;
    const char *how = r->ExceptionInformation[0] == 8 ? "executing" : r->ExceptionInformation[0] == 1 ? "writing" : "reading";
    char a[18];
    fprintf(out, "   attempt of %s address %s\n", how, kd_address(r->ExceptionInformation[1], a));
}

static void print_crash(FILE *out, const struct trap_crash *c)
{
    char symbol[256], a[18];
    image_symbol_text(c->address, symbol, sizeof symbol);
    fprintf(out, "Unhandled exception %08x %s%s\nExceptionAddress: %s (%s)\n", (uint32_t)c->code, nt_status_name(c->code),
            c->record.ExceptionFlags & EXCEPTION_NONCONTINUABLE ? " (noncontinuable)" : "", kd_address(c->address, a), symbol);
    print_access(out, &c->record);
    fprintf(out, "\n");
    kd_print_k(out, c->agent);
}

void kd_print_failure(FILE *out)
{
    const struct agent *a = kd_failed_agent();
    switch (MACHINE->end) {
    case RUN_BUGCHECK:
        print_bugcheck(out, ke_bugcheck_info());
        break;
    case RUN_CRASH:
        print_crash(out, trap_crash_info());
        break;
    case RUN_UNSUPPORTED:
        fprintf(out, "%s\n\n", trap_unsupported_text() ? trap_unsupported_text() : "something unknown was called");
        if (a)
            kd_print_k(out, a);
        break;
    case RUN_HANG:
    case RUN_LIVELOCK:
        if (a)
            kd_print_k(out, a);
        break;
    case RUN_FINDING:
        race_finding_print(out);
        break;
    default:
        break;
    }
    kd_print_wdf_log(out, NULL);
    kd_print_wdf_stack_refusal(out, NULL);
}
