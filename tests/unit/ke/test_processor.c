/* Calls on all processors, affinity, attaching, timers with callbacks. The guest's routines here are host functions in the guest's
 * convention that make no calls which could switch, except where a frame is pushed for them. */
#include "ke_fixture.h"

static unsigned seen;
static KEVENT event;

static int two_that_matter(void **state)
{
    two_processors(state);
    MACHINE->processors_matter = true; /* as if an image imported what tells them apart */
    return 0;
}

static void make_three(void)
{
    machine_make(3);
    MACHINE->processors_matter = true;
}


static __attribute__((ms_abi)) void on_each(KDPC *dpc, void *context, void *done, void *barrier)
{
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    seen |= 1u << KeGetCurrentProcessorNumber();
    if (context)
        KeSignalCallDpcSynchronize(barrier);
    assert_true(!context || seen == 7);
    KeSignalCallDpcDone(done);
}
static void call_all(void *arg)
{
    guest_frame_push(FRAME_KiStartSystemThread);
    KeGenericCallDpc(on_each, NULL);
    assert_int_equal(seen, 7);
    seen = 0;
    KeGenericCallDpc(on_each, (void *)1);
    assert_int_equal(seen, 7);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    note("end");
}
static void a_generic_call_runs_on_every_processor(void **state)
{
    make_three();
    seen = 0;
    spawn(call_all);
    run_to_end("end");
}

static __attribute__((ms_abi)) uint64_t on_interrupt(uint64_t context)
{
    assert_int_equal(KeGetCurrentIrql(), IPI_LEVEL);
    seen |= 1u << KeGetCurrentProcessorNumber();
    return context + 1;
}
static void interrupt_all(void *arg)
{
    assert_int_equal(KeIpiGenericCall(on_interrupt, 41), 42);
    assert_int_equal(seen, 7);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    sim_yield();
    note("end");
}
static void an_interrupt_call_runs_on_every_processor(void **state)
{
    make_three();
    seen = 0;
    spawn(interrupt_all);
    spawn(interrupt_all);
    run_to_end("end end");
}

static void move(void *arg)
{
    for (unsigned i = 0; i < 3; i++) {
        KeSetSystemAffinityThread(1u << i);
        assert_int_equal(KeGetCurrentProcessorNumber(), i);
        sim_yield();
        assert_int_equal(KeGetCurrentProcessorNumber(), i);
    }
    assert_int_equal(KeSetSystemAffinityThreadEx(2), 4);
    assert_int_equal(KeGetCurrentProcessorNumber(), 1);
    KeRevertToUserAffinityThread();
    note("end");
}
static void affinity_decides_the_processor(void **state)
{
    make_three();
    for (int i = 0; i < 4; i++)
        spawn(move);
    run_to_end("end end end end");
}

static void count_processors(void *arg)
{
    KAFFINITY mask;
    PROCESSOR_NUMBER number;
    assert_int_equal(KeQueryActiveProcessorCount(&mask), 2);
    assert_int_equal(mask, 3);
    assert_int_equal(KeQueryActiveProcessorCountEx(0xFFFF), 2);
    assert_int_equal(KeQueryActiveProcessorCountEx(1), 0);
    ULONG index = KeGetCurrentProcessorNumberEx(&number);
    assert_int_equal(index, number.Number);
    assert_int_equal(KeGetProcessorIndexFromNumber(&number), number.Number);
    assert_int_equal(KeGetProcessorNumberFromIndex(2, &number), STATUS_INVALID_PARAMETER);
    const KPCR *k = (const KPCR *)sim_processor()->kpcr;
    assert_ptr_equal(k->Self, k);
    assert_ptr_equal(k->CurrentPrcb->CurrentThread, &ps_current()->ethread->Tcb);
    note("end");
}
static void processors_are_counted(void **state)
{
    spawn(count_processors);
    run_to_end("end");
}

/* ---- set and wait as one ---- */

static KEVENT answer;
static void ask(void *arg)
{
    KeSetEvent(&event, 0, TRUE);
    sim_point(0); /* the door's, before the wait */
    assert_int_equal(wait_for(&answer), STATUS_SUCCESS);
    note("asked");
}
static void reply(void *arg)
{
    wait_for(&event);
    KePulseEvent(&answer, 0, FALSE); /* lost if the other does not wait yet */
}
static void nobody_runs_between_set_and_wait(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&answer, NotificationEvent, FALSE);
    spawn(reply);
    spawn(ask);
    while (sim_run())
        sim_decide(MACHINE->choice.n - 1u); /* whenever possible, the other one goes first */
    assert_string_equal(log_text, "asked");
    assert_null(ps_threads());
}

/* ---- attach ---- */

static KAPC apc;
static void apc_kernel(KAPC *a)
{
    note("apc");
}
static void attach(void *arg)
{
    struct process other = { .eprocess = ob_create(OB_PROCESS, sizeof(EPROCESS)), .next = NULL };
    ps_system()->next = &other;
    KAPC_STATE outer, inner;
    KPROCESS *own = ke_kthread()->ApcState.Process;
    ke_kthread()->WaitReason = 33;
    ke_apc_init_host(&apc, ke_kthread(), apc_kernel, FRAME_IopCompleteRequest);
    KeStackAttachProcess(&other.eprocess->Pcb, &outer);
    assert_true(KeIsAttachedProcess());
    assert_ptr_equal(ps_current_process(), &other);
    KeStackAttachProcess(own, &inner);
    assert_ptr_equal(ps_current_process(), ps_system());
    KeUnstackDetachProcess(&inner);
    KeStackAttachProcess(&other.eprocess->Pcb, &inner); /* no change */
    KeUnstackDetachProcess(&inner);
    assert_ptr_equal(ps_current_process(), &other);
    KeInsertQueueApc(&apc, NULL, NULL, 0); /* for the own process: waits */
    note("attached");
    KeUnstackDetachProcess(&outer);
    assert_false(KeIsAttachedProcess());
    assert_ptr_equal(ps_current_process(), ps_system());
    assert_int_equal(ke_kthread()->WaitReason, 33);
    note("end");
    ps_system()->next = NULL;
    ob_dereference(other.eprocess);
}
static void apcs_wait_for_the_thread_to_come_home(void **state)
{
    spawn(attach);
    run_to_end("attached apc end");
}

/* ---- timers with callbacks ---- */

static __attribute__((ms_abi)) void tick(void *timer, void *context)
{
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    seen++;
    ke_event_set(&event);
}
static __attribute__((ms_abi)) void deleted(void *context)
{
    assert_int_equal((uint64_t)context, 5);
    note("deleted");
}
static void use_timer(void *arg)
{
    PVOID t = ExAllocateTimer(tick, NULL, 0);
    assert_false(ExSetTimer(t, -10000, 20000, NULL));
    uint64_t start = MACHINE->clock_100ns;
    for (int i = 0; i < 3; i++)
        wait_for(&event);
    assert_int_equal(MACHINE->clock_100ns - start, 50000);
    assert_int_equal(seen, 3);
    struct {
        ULONG version, reserved;
        PVOID callback, context;
    } p = { 0, 0, deleted, (PVOID)5 };
    assert_true(ExDeleteTimer(t, TRUE, TRUE, &p));
    t = ExAllocateTimer(NULL, NULL, 0);
    ExSetTimer(t, -10000, 0, NULL);
    assert_int_equal(wait_for(t), STATUS_SUCCESS);
    assert_false(ExCancelTimer(t, NULL));
    assert_false(ExDeleteTimer(t, TRUE, FALSE, NULL));
    note("end");
}
static void a_timer_object_calls_back_until_it_is_deleted(void **state)
{
    seen = 0;
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    spawn(use_timer);
    run_to_end("deleted end");
}

#define T(name) cmocka_unit_test_setup(name, two_that_matter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_generic_call_runs_on_every_processor), T(an_interrupt_call_runs_on_every_processor), T(affinity_decides_the_processor), T(processors_are_counted),
        cmocka_unit_test_setup(nobody_runs_between_set_and_wait, one_processor), T(apcs_wait_for_the_thread_to_come_home),
        T(a_timer_object_calls_back_until_it_is_deleted),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
