/* `!irp`, in the layout that the debugger's documentation shows. */
#include <string.h>

#include "kd/kd.h"
#include "nt/io.h"
#include "nt/irp_names.h"
#include "ob/ob.h"
#include "sim/image.h"

static void print_completion(FILE *out, const IO_STACK_LOCATION *sl)
{
    const uint64_t both[2] = { (uint64_t)sl->CompletionRoutine, (uint64_t)sl->Context };
    for (int i = 0; i < 2; i++)
        fprintf(out, both[i] ? "%s%016llx" : "%s%08llx", i ? "-" : "", (unsigned long long)both[i]);
}

/* Each word has its place; those that do not apply are left empty. */
static void print_control(FILE *out, UCHAR control)
{
    static const struct {
        UCHAR bit;
        const char *word;
    } words[] = { { SL_INVOKE_ON_SUCCESS, "Success" }, { SL_INVOKE_ON_ERROR, "Error" }, { SL_INVOKE_ON_CANCEL, "Cancel" }, { SL_PENDING_RETURNED, "pending" } };
    char text[64];
    size_t n = 0, solid = 0;
    for (size_t i = 0; i < 4; i++) {
        n += (size_t)sprintf(text + n, " %s", control & words[i].bit ? words[i].word : "");
        if (control & words[i].bit)
            solid = n;
    }
    fprintf(out, "%.*s", (int)solid, text);
}

static void print_location(FILE *out, const IO_STACK_LOCATION *sl, bool current)
{
    bool unused = !sl->MajorFunction && !sl->DeviceObject && !sl->CompletionRoutine;
    const char *minor = nt_minor_name(sl->MajorFunction, sl->MinorFunction);
    bool has_minor = minor[0] && (sl->MajorFunction == IRP_MJ_PNP || sl->MajorFunction == IRP_MJ_POWER || sl->MajorFunction == IRP_MJ_SYSTEM_CONTROL ||
                                  sl->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL);
    fprintf(out, "%c[%s(%x), %s(%x)]\n", current ? '>' : ' ', unused ? "N/A" : nt_major_name(sl->MajorFunction), sl->MajorFunction, has_minor ? minor : "N/A",
            sl->MinorFunction);
    fprintf(out, "           %2x %2x ", sl->Flags, sl->Control);
    fprintf(out, sl->DeviceObject ? "%016llx " : "%08llx ", (unsigned long long)(uint64_t)sl->DeviceObject);
    fprintf(out, sl->FileObject ? "%016llx " : "%08llx ", (unsigned long long)(uint64_t)sl->FileObject);
    print_completion(out, sl);
    print_control(out, sl->Control);
    fprintf(out, "\n");
    if (unused)
        return;
    char driver[128] = "", routine[200] = "";
    if (sl->DeviceObject)
        ob_name_text(sl->DeviceObject->DriverObject, driver, sizeof driver);
    if (sl->CompletionRoutine)
        image_symbol_text((uint64_t)sl->CompletionRoutine, routine, sizeof routine);
    if (driver[0] || routine[0])
        fprintf(out, "\t       %s%s%s\n", driver, routine[0] ? "\t" : "", routine);
    const uint64_t *args = (const uint64_t *)&sl->Parameters;
    fprintf(out, "\t\t\tArgs: %08llx %08llx %08llx %08llx\n", (unsigned long long)args[0], (unsigned long long)args[1], (unsigned long long)args[2],
            (unsigned long long)args[3]);
}

void kd_print_irp(FILE *out, const void *at)
{
    const IRP *irp = at;
    int n = irp->StackCount;
    const IO_STACK_LOCATION *base = (const IO_STACK_LOCATION *)(irp + 1);
    if (irp->CurrentLocation > n)
        fprintf(out, "Irp is active with %d stacks %d is current (= 0x%016llx)\n", n, irp->CurrentLocation, (unsigned long long)(uint64_t)(base + irp->CurrentLocation - 1));
    else
        fprintf(out, "Irp is active with %d stacks %d is current (= 0x%016llx)\n", n, irp->CurrentLocation,
                (unsigned long long)(uint64_t)irp->Tail.Overlay.CurrentStackLocation);
    if (irp->MdlAddress)
        fprintf(out, " Mdl=%016llx:", (unsigned long long)(uint64_t)irp->MdlAddress);
    else
        fprintf(out, " No Mdl:");
    if ((irp->Flags & IRP_BUFFERED_IO) && irp->AssociatedIrp.SystemBuffer)
        fprintf(out, " System buffer=%016llx:", (unsigned long long)(uint64_t)irp->AssociatedIrp.SystemBuffer);
    else
        fprintf(out, " No System Buffer:");
    fprintf(out, " Thread %016llx:  Irp stack trace.%s%s\n", (unsigned long long)(uint64_t)irp->Tail.Overlay.Thread, irp->PendingReturned ? "  Pending has been returned" : "",
            irp->Cancel ? "  Cancelled" : "");
    fprintf(out, "     cmd  flg cl Device   File     Completion-Context\n");
    for (int i = 0; i < n; i++)
        print_location(out, &base[i], i + 1 == irp->CurrentLocation);
}
