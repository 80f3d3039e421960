/* Cancellable waits. */
#include "../ex/ex_fixture.h"
#include "mm/mm.h"
#include "nt/io.h"

NTSTATUS FsRtlCancellableWaitForSingleObject(PVOID object, LARGE_INTEGER *timeout, IRP *irp);
void FsRtlDissectName(const UNICODE_STRING *path, UNICODE_STRING *first, UNICODE_STRING *rest);

static KEVENT *event;
static IRP *irp;
static struct thread *waiter;
static NTSTATUS result;

static int setup(void **state)
{
    ex_machine(state);
    event = ex_pool_alloc(0, sizeof *event, 1);
    KeInitializeEvent(event, NotificationEvent, FALSE);
    irp = ex_pool_alloc(0, sizeof *irp, 1);
    memset(irp, 0, sizeof *irp);
    return 0;
}

static void wait_body(void *unused)
{
    uint64_t begin = MACHINE->clock_100ns;
    result = FsRtlCancellableWaitForSingleObject(event, milliseconds(50), irp);
    note("ended");
    if (result == STATUS_TIMEOUT)
        assert_int_equal(MACHINE->clock_100ns - begin, 500000);
}

static void alert_only(void *unused)
{
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(10));
    ke_alert(&waiter->ethread->Tcb, KernelMode);
    note("alert");
}

static void an_alert_alone_ends_nothing(void **state)
{
    waiter = spawn(wait_body);
    spawn(alert_only);
    run_to_end("alert ended");
    assert_int_equal(result, STATUS_TIMEOUT);
}

static void cancel_and_alert(void *unused)
{
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(10));
    irp->Cancel = TRUE;
    ke_alert(&waiter->ethread->Tcb, KernelMode);
    note("cancel");
}

static void a_cancelled_irp_ends_the_wait(void **state)
{
    waiter = spawn(wait_body);
    spawn(cancel_and_alert);
    run_to_end("cancel ended");
    assert_int_equal(result, STATUS_CANCELLED);
}

static void set_body(void *unused)
{
    KeSetEvent(event, 0, FALSE);
}

static void the_object_ends_it_normally(void **state)
{
    waiter = spawn(wait_body);
    spawn(set_body);
    run_to_end("ended");
    assert_int_equal(result, STATUS_SUCCESS);
}

static void terminate_body(void *unused)
{
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(10));
    waiter->terminating = true;
    ke_thread_terminate(waiter);
}

static void the_end_of_the_thread_ends_it(void **state)
{
    waiter = spawn(wait_body);
    spawn(terminate_body);
    run_to_end("ended");
    assert_int_equal(result, STATUS_THREAD_IS_TERMINATING);
}

static void names_are_dissected(void **state)
{
    WCHAR buffer[40];
    UNICODE_STRING path = ob_text("\\one\\two\\three", buffer, 40), first, rest;
    FsRtlDissectName(&path, &first, &rest);
    assert_int_equal(first.Length, 6);
    assert_int_equal(rest.Length, 18);
    assert_int_equal(rest.Buffer[0], 't');
    FsRtlDissectName(&rest, &first, &rest);
    FsRtlDissectName(&rest, &first, &rest);
    assert_int_equal(first.Length, 10);
    assert_int_equal(rest.Length, 0);
}

BOOLEAN FsRtlIsFatDbcsLegal(const ANSI_STRING *name, ULONG wild, ULONG path, ULONG leading);
BOOLEAN FsRtlIsHpfsDbcsLegal(const ANSI_STRING *name, ULONG wild, ULONG path, ULONG leading);
void FsRtlDissectDbcs(const ANSI_STRING *path, ANSI_STRING *first, ANSI_STRING *rest);

static ANSI_STRING *ansi(const char *text)
{
    static ANSI_STRING s;
    s = (ANSI_STRING) { (USHORT)strlen(text), (USHORT)strlen(text), (CHAR *)text };
    return &s;
}

static void names_are_judged(void **state)
{
    assert_true(FsRtlIsFatDbcsLegal(ansi("CONFIG.SYS"), FALSE, FALSE, FALSE));
    assert_false(FsRtlIsFatDbcsLegal(ansi("TOOLONGNAME.SYS"), FALSE, FALSE, FALSE));
    assert_false(FsRtlIsFatDbcsLegal(ansi("A.B.C"), FALSE, FALSE, FALSE));
    assert_false(FsRtlIsFatDbcsLegal(ansi("*.SYS"), FALSE, FALSE, FALSE));
    assert_true(FsRtlIsFatDbcsLegal(ansi("*.SYS"), TRUE, FALSE, FALSE));
    assert_true(FsRtlIsFatDbcsLegal(ansi("\\DIR\\FILE"), FALSE, TRUE, TRUE));
    assert_false(FsRtlIsFatDbcsLegal(ansi("\\DIR\\FILE"), FALSE, TRUE, FALSE));
    assert_true(FsRtlIsHpfsDbcsLegal(ansi("a longer name.with.dots"), FALSE, FALSE, FALSE));
    assert_false(FsRtlIsHpfsDbcsLegal(ansi("ends."), FALSE, FALSE, FALSE));
    ANSI_STRING first, rest;
    FsRtlDissectDbcs(ansi("\\one\\two"), &first, &rest);
    assert_int_equal(first.Length, 3);
    assert_int_equal(rest.Length, 3);
    assert_int_equal(rest.Buffer[0], 't');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_alert_alone_ends_nothing, setup),
        cmocka_unit_test_setup(a_cancelled_irp_ends_the_wait, setup),
        cmocka_unit_test_setup(the_object_ends_it_normally, setup),
        cmocka_unit_test_setup(the_end_of_the_thread_ends_it, setup),
        cmocka_unit_test_setup(names_are_dissected, setup),
        cmocka_unit_test_setup(names_are_judged, setup),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
