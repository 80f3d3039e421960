/* The screen of a failed run: what it was, its parameters in words, and the stack. */
#include "kd/kd.h"

#include "nt/bugcheck.h"
#include "nt/status.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "trap/trap.h"

static void print_parameter(FILE *out, const struct ke_bugcheck *b, int i)
{
    char symbol[256] = "";
    const struct image *image = image_at(b->p[i]);
    const char *meaning = nt_bugcheck_parameter(b->code, i + 1);
    fprintf(out, "Arg%d: %016llx%s%s", i + 1, (unsigned long long)b->p[i], meaning[0] ? ", " : "", meaning);
    if (image && !image->synthetic)
        image_symbol_text(b->p[i], symbol, sizeof symbol);
    fprintf(out, "%s%s%s\n", symbol[0] ? " (" : "", symbol, symbol[0] ? ")" : "");
}

static void print_bugcheck(FILE *out, const struct ke_bugcheck *b)
{
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
        if (a)
            kd_print_k(out, a);
        break;
    default:
        break;
    }
}
