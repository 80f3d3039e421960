/* APCs and alerts: the tables of delivery and of waits. */
#include "ke_fixture.h"

static KAPC special, normal, user;
static KEVENT event;
static struct thread *target;

static void special_kernel(KAPC *apc)
{
    assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
    assert_false(apc->Inserted);
    note("special");
}
static void normal_kernel(KAPC *apc)
{
    assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
    note("kernel");
}
static __attribute__((ms_abi)) void normal_routine(void *context, void *arg1, void *arg2)
{
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_int_equal(ke_kthread()->ApcState.KernelApcInProgress, APC_NORMAL_IN_PROGRESS);
    assert_int_equal((uint64_t)context + (uint64_t)arg1 + (uint64_t)arg2, 7);
    note("normal");
}
static void user_kernel(KAPC *apc)
{
    note("user");
}

static void apcs_init(struct thread *t)
{
    target = t;
    KTHREAD *k = &t->ethread->Tcb;
    ke_apc_init_host(&special, k, special_kernel, FRAME_IopCompleteRequest);
    ke_apc_init_host_normal(&normal, k, normal_kernel, FRAME_IopCancelIrpsInThreadList, normal_routine, KernelMode, (PVOID)4);
    ke_apc_init_host_normal(&user, k, user_kernel, FRAME_KiInterruptDispatch, normal_routine, UserMode, NULL);
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
}

static void insert_both(void)
{
    assert_true(KeInsertQueueApc(&normal, (PVOID)1, (PVOID)2, 0));
    assert_true(KeInsertQueueApc(&special, NULL, NULL, 0));
}

static void to_itself(void *arg)
{
    apcs_init(ps_current());
    insert_both();
    note("|");
    KIRQL old = KfRaiseIrql(APC_LEVEL);
    insert_both();
    assert_false(KeInsertQueueApc(&special, NULL, NULL, 0));
    assert_true(KeAreAllApcsDisabled());
    note("raised");
    KeLowerIrql(old);
    note("|");
    KeEnterCriticalRegion();
    insert_both();
    note("critical");
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
    note("still");
    KeLeaveCriticalRegion();
    note("|");
    KeEnterGuardedRegion();
    insert_both();
    assert_true(KeAreAllApcsDisabled());
    note("guarded");
    KeLeaveGuardedRegion();
    note("|");
    KeEnterCriticalRegion();
    KeEnterGuardedRegion();
    insert_both();
    KeLeaveCriticalRegion();
    note("guarded");
    KeLeaveGuardedRegion();
}
/* nt_io.md 3.1 */
static void kernel_apcs_are_held_back_by_what_holds_them_back(void **state)
{
    spawn(to_itself);
    run_to_end("kernel normal special | raised special kernel normal | special critical still kernel normal | "
               "guarded special kernel normal | guarded special kernel normal");
}

static KAPC inner;
static void inner_kernel(KAPC *apc)
{
    note("inner");
}
static __attribute__((ms_abi)) void busy_routine(void *context, void *arg1, void *arg2)
{
    note("begin");
    MACHINE->fiber->fiber.guest_sp -= 0x1000; /* what lies below belongs to this function, which came without a door entry */
    KIRQL old = KfRaiseIrql(APC_LEVEL);
    ke_apc_insert(&inner, NULL, NULL);
    ke_apc_insert(&special, NULL, NULL);
    note("lower");
    KeLowerIrql(old);
    MACHINE->fiber->fiber.guest_sp += 0x1000;
    note("end");
}
static __attribute__((ms_abi)) void inner_routine(void *context, void *arg1, void *arg2)
{
    note("inner normal");
}
static void in_normal(void *arg)
{
    apcs_init(ps_current());
    KTHREAD *k = ke_kthread();
    ke_apc_init_host_normal(&normal, k, normal_kernel, FRAME_IopCancelIrpsInThreadList, busy_routine, KernelMode, NULL);
    ke_apc_init_host_normal(&inner, k, inner_kernel, FRAME_KiDispatchInterrupt, inner_routine, KernelMode, NULL);
    /* The guest routine runs our code without a door entry: give it room on the guest stack. */
    guest_frame_push(FRAME_KiStartSystemThread);
    KeInsertQueueApc(&normal, NULL, NULL, 0);
    note("done");
}
static void one_normal_apc_at_a_time_special_ones_between(void **state)
{
    spawn(in_normal);
    run_to_end("kernel begin lower special end inner inner normal done");
}

/* ---- waits ---- */

static KPROCESSOR_MODE wait_mode;
static bool wait_alertable;
static KIRQL wait_irql;
static LARGE_INTEGER *wait_timeout;

static void waiter(void *arg)
{
    KIRQL old = KfRaiseIrql(wait_irql);
    NTSTATUS s = KeWaitForSingleObject(&event, UserRequest, (ULONG)wait_mode, wait_alertable, wait_timeout);
    note(s == STATUS_SUCCESS ? "success" : s == STATUS_ALERTED ? "alerted" : s == STATUS_USER_APC ? "user-apc" : s == STATUS_TIMEOUT ? "timeout" : "?");
    KeLowerIrql(old);
}

enum what { SPECIAL, NORMAL, USER, ALERT_KERNEL, ALERT_USER };
static enum what what;

static void disturb(void *arg)
{
    switch (what) {
    case SPECIAL:
        KeInsertQueueApc(&special, NULL, NULL, 0);
        break;
    case NORMAL:
        KeInsertQueueApc(&normal, (PVOID)1, (PVOID)2, 0);
        break;
    case USER:
        KeInsertQueueApc(&user, NULL, NULL, 0);
        break;
    default:
        KeAlertThread(&target->ethread->Tcb, what == ALERT_USER);
    }
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(10));
    note("set");
    KeSetEvent(&event, 0, FALSE);
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(10));
}

/* nt_io.md 3.2 */
static void the_wait_matrix(void **state)
{
    static const struct {
        enum what what;
        KPROCESSOR_MODE mode;
        bool alertable;
        KIRQL irql;
        const char *log;
    } rows[] = {
        { SPECIAL, KernelMode, false, PASSIVE_LEVEL, "special set success" },
        { SPECIAL, UserMode, true, PASSIVE_LEVEL, "special set success" },
        { SPECIAL, KernelMode, false, APC_LEVEL, "set success special" },
        { NORMAL, KernelMode, false, PASSIVE_LEVEL, "kernel normal set success" },
        { NORMAL, UserMode, false, PASSIVE_LEVEL, "kernel normal set success" },
        { NORMAL, UserMode, false, APC_LEVEL, "set success kernel normal" },
        { USER, UserMode, true, PASSIVE_LEVEL, "user-apc set" },
        { USER, UserMode, false, PASSIVE_LEVEL, "set success" },
        { USER, KernelMode, true, PASSIVE_LEVEL, "set success" },
        { USER, KernelMode, false, PASSIVE_LEVEL, "set success" },
        { ALERT_KERNEL, KernelMode, true, PASSIVE_LEVEL, "alerted set" },
        { ALERT_KERNEL, UserMode, true, PASSIVE_LEVEL, "alerted set" },
        { ALERT_KERNEL, KernelMode, false, PASSIVE_LEVEL, "set success" },
        { ALERT_USER, UserMode, true, PASSIVE_LEVEL, "alerted set" },
        { ALERT_USER, KernelMode, true, PASSIVE_LEVEL, "set success" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        machine_make(1);
        what = rows[i].what;
        wait_mode = rows[i].mode;
        wait_alertable = rows[i].alertable;
        wait_irql = rows[i].irql;
        wait_timeout = NULL;
        apcs_init(spawn(waiter));
        spawn(disturb);
        run_to_end(rows[i].log);
    }
}

static void an_apc_does_not_lengthen_a_wait(void **state)
{
    what = SPECIAL;
    wait_mode = KernelMode;
    wait_alertable = false;
    wait_irql = PASSIVE_LEVEL;
    wait_timeout = milliseconds(5);
    uint64_t start = MACHINE->clock_100ns;
    apcs_init(spawn(waiter));
    spawn(disturb);
    run_to_end("special timeout set");
    assert_int_equal(MACHINE->clock_100ns - start, 200000);
}

static void alert_before(void *arg)
{
    apcs_init(ps_current());
    KTHREAD *k = ke_kthread();
    assert_false(KeAlertThread(k, KernelMode));
    assert_true(KeAlertThread(k, KernelMode));
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, NULL), STATUS_ALERTED);
    assert_false(KeTestAlertThread(KernelMode));
    KeInsertQueueApc(&user, NULL, NULL, 0);
    ke_event_set(&event);
    assert_int_equal(KeWaitForSingleObject(&event, Executive, UserMode, TRUE, NULL), STATUS_SUCCESS); /* the object comes first */
    assert_int_equal(KeWaitForSingleObject(&event, Executive, UserMode, TRUE, milliseconds(0)), STATUS_USER_APC);
    assert_int_equal(KeDelayExecutionThread(UserMode, FALSE, milliseconds(1)), STATUS_USER_APC); /* still pending */
    struct ke_user_apc u;
    assert_true(ke_user_apc_take(&u));
    assert_ptr_equal(u.normal, normal_routine);
    assert_false(ke_user_apc_take(&u));
    ke_user_apc_done();
    assert_false(ke_user_apc_take(&u));
    assert_int_equal(KeDelayExecutionThread(UserMode, TRUE, milliseconds(1)), STATUS_SUCCESS);
}
static void alerts_and_user_apcs_are_remembered(void **state)
{
    spawn(alert_before);
    run_to_end("user");
}

static void computing(void *arg)
{
    note("computing");
    sim_yield();
    note("goes on");
}
static void a_ready_thread_gets_its_apc_before_it_goes_on(void **state)
{
    what = SPECIAL;
    apcs_init(spawn(computing));
    spawn(disturb);
    run_to_end("computing special goes on set");
}

static unsigned requeued;
static void requeue(KAPC *apc)
{
    note("again");
    if (requeued++ < 2)
        assert_true(ke_apc_insert(apc, NULL, NULL));
}
static void requeuing(void *arg)
{
    ke_apc_init_host(&special, ke_kthread(), requeue, FRAME_IopCompleteRequest);
    KeInsertQueueApc(&special, NULL, NULL, 0);
}
static void a_kernel_routine_may_queue_its_apc_again(void **state)
{
    requeued = 0;
    spawn(requeuing);
    run_to_end("again again again");
}

static void remove_one(void *arg)
{
    apcs_init(ps_current());
    KIRQL old = KfRaiseIrql(APC_LEVEL);
    KeInsertQueueApc(&special, NULL, NULL, 0);
    assert_true(KeRemoveQueueApc(&special));
    assert_false(KeRemoveQueueApc(&special));
    KeLowerIrql(old);
    note("none");
}
static void a_removed_apc_does_not_run(void **state)
{
    spawn(remove_one);
    run_to_end("none");
}

static void bad_irql(KAPC *apc)
{
    KfRaiseIrql(DISPATCH_LEVEL);
}
static __attribute__((ms_abi)) void bad_irql_guest(KAPC *apc)
{
    bad_irql(apc);
}
static void call_bad(void *arg)
{
    KeInitializeApc(&special, ke_kthread(), OriginalApcEnvironment, bad_irql_guest, NULL, NULL, KernelMode, NULL);
    KeInsertQueueApc(&special, NULL, NULL, 0);
}
static void exit_in_region(void *arg)
{
    KeEnterCriticalRegion();
}
static void misuse_is_a_bug_check(void **state)
{
    spawn(call_bad);
    assert_int_equal(fixture_run(), RUN_BUGCHECK);
    assert_int_equal(ke_bugcheck_info()->code, IRQL_UNEXPECTED_VALUE);
    assert_int_equal(ke_bugcheck_info()->p[0], DISPATCH_LEVEL << 16 | APC_LEVEL << 8);
    machine_make(1);
    spawn(exit_in_region);
    assert_int_equal(fixture_run(), RUN_BUGCHECK);
    assert_int_equal(ke_bugcheck_info()->code, KERNEL_APC_PENDING_DURING_EXIT);
}

#define T(name) cmocka_unit_test_setup(name, one_processor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(kernel_apcs_are_held_back_by_what_holds_them_back), T(one_normal_apc_at_a_time_special_ones_between), T(the_wait_matrix),
        T(an_apc_does_not_lengthen_a_wait), T(alerts_and_user_apcs_are_remembered), T(a_ready_thread_gets_its_apc_before_it_goes_on),
        T(a_kernel_routine_may_queue_its_apc_again), T(a_removed_apc_does_not_run), T(misuse_is_a_bug_check),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
