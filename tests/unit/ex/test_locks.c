/* Resources, push locks, rundown protection, callbacks. */
#include "ex_fixture.h"
#include "mm/mm.h"

BOOLEAN ExAcquireSharedStarveExclusive(ERESOURCE *r, ULONG wait);
BOOLEAN ExAcquireSharedWaitForExclusive(ERESOURCE *r, ULONG wait);
void ExConvertExclusiveToSharedLite(ERESOURCE *r);
ULONG ExIsResourceAcquiredSharedLite(ERESOURCE *r);
BOOLEAN ExIsResourceAcquiredExclusiveLite(ERESOURCE *r);
NTSTATUS ExCreateCallback(PVOID *out, OBJECT_ATTRIBUTES *oa, ULONG create, ULONG allow_multiple);
PVOID ExRegisterCallback(PVOID c, PVOID function, PVOID context);
void ExUnregisterCallback(PVOID r);
void ExNotifyCallback(PVOID c, PVOID argument1, PVOID argument2);

static ERESOURCE resource;

static void writer(void *unused)
{
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    ExAcquireResourceSharedLite(&resource, TRUE); /* an exclusive owner stays exclusive */
    assert_true(ExIsResourceAcquiredExclusiveLite(&resource));
    assert_int_equal(ExIsResourceAcquiredSharedLite(&resource), 3);
    note("W(");
    yield();
    note(")W");
    for (int i = 0; i < 3; i++)
        ExReleaseResourceLite(&resource);
}

static void reader(void *unused)
{
    ExAcquireResourceSharedLite(&resource, TRUE);
    note("R(");
    yield();
    note(")R");
    ExReleaseResourceLite(&resource);
}

static void writers_exclude_and_readers_share(void **state)
{
    ExInitializeResourceLite(&resource);
    spawn(writer);
    spawn(reader);
    spawn(reader);
    spawn(writer);
    run_to_end("W( )W R( R( )R )R W( )W");
    assert_int_equal(resource.ActiveCount, 0);
    assert_int_equal(resource.ActiveEntries, 0);
    assert_int_equal(resource.NumberOfExclusiveWaiters + resource.NumberOfSharedWaiters, 0);
    ExDeleteResourceLite(&resource);
}

static void first_reader(void *unused)
{
    ExAcquireResourceSharedLite(&resource, TRUE);
    note("first");
    yield();
    /* A writer waits by now. */
    assert_true(ExAcquireResourceSharedLite(&resource, FALSE));
    assert_false(ExAcquireSharedWaitForExclusive(&resource, FALSE));
    yield();
    ExReleaseResourceLite(&resource);
    ExReleaseResourceLite(&resource);
}

static void late_reader(void *unused)
{
    sim_yield();
    sim_yield();
    assert_false(ExAcquireResourceSharedLite(&resource, FALSE));
    assert_true(ExAcquireSharedStarveExclusive(&resource, FALSE));
    note("starver");
    ExReleaseResourceLite(&resource);
}

static void converter(void *unused)
{
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    note("writer");
    ExConvertExclusiveToSharedLite(&resource);
    assert_false(ExIsResourceAcquiredExclusiveLite(&resource));
    assert_int_equal(ExIsResourceAcquiredSharedLite(&resource), 1);
    ExReleaseResourceLite(&resource);
}

static void shared_forms_differ_by_waiting_writers(void **state)
{
    ExInitializeResourceLite(&resource);
    spawn(first_reader);
    spawn(converter);
    spawn(late_reader);
    run_to_end("first starver writer");
    ExDeleteResourceLite(&resource);
}

static void release_unowned(void)
{
    ExInitializeResourceLite(&resource);
    ExReleaseResourceLite(&resource);
}

static void release_body(void *unused)
{
    release_unowned();
}

static void releasing_what_is_not_owned_is_a_bug_check(void **state)
{
    spawn(release_body);
    assert_int_equal(fixture_run(), RUN_BUGCHECK);
    assert_int_equal(ke_bugcheck_info()->code, RESOURCE_NOT_OWNED);
}

static EX_PUSH_LOCK push;

static void push_writer(void *unused)
{
    ExfAcquirePushLockExclusive(&push);
    note("W(");
    yield();
    note(")W");
    ExfReleasePushLock(&push);
}

static void push_reader(void *unused)
{
    ExfAcquirePushLockShared(&push);
    note("R(");
    yield();
    note(")R");
    ExfReleasePushLock(&push);
}

static void push_locks_serve_in_order(void **state)
{
    push.Value = 0;
    spawn(push_reader);
    spawn(push_writer);
    spawn(push_reader);
    spawn(push_reader);
    run_to_end("R( )R W( )W R( R( )R )R");
    assert_int_equal(push.Value, 0);
}

static EX_RUNDOWN_REF rundown;

static void user(void *unused)
{
    assert_true(ExAcquireRundownProtection(&rundown));
    yield();
    assert_false(ExAcquireRundownProtection(&rundown));
    note("last");
    ExReleaseRundownProtection(&rundown);
}

static void waiter(void *unused)
{
    sim_yield();
    ExWaitForRundownProtectionRelease(&rundown);
    note("gone");
    ExWaitForRundownProtectionRelease(&rundown); /* again: at once */
}

static void rundown_waits_for_the_last_user(void **state)
{
    rundown.Count = 0;
    spawn(user);
    spawn(user);
    spawn(waiter);
    run_to_end("last last gone");
}

static void *object;
static uint32_t *calls;

static void callback_body(void *unused)
{
    static const uint8_t increment[] = { 0xFF, 0x01, 0xC3 }; /* inc dword ptr [rcx]; ret */
    void *fn = guest_code(increment, sizeof increment);
    WCHAR buffer[32];
    UNICODE_STRING name = ob_text("\\Callback\\Test", buffer, 32);
    OBJECT_ATTRIBUTES oa = { sizeof oa, NULL, &name, OBJ_CASE_INSENSITIVE, NULL, NULL };
    void *same;
    assert_int_equal(ExCreateCallback(&object, &oa, FALSE, FALSE), STATUS_UNSUCCESSFUL);
    assert_int_equal(ExCreateCallback(&object, &oa, TRUE, FALSE), STATUS_SUCCESS);
    assert_int_equal(ExCreateCallback(&same, &oa, TRUE, FALSE), STATUS_SUCCESS);
    assert_ptr_equal(same, object);
    ob_dereference(same);
    calls = ex_pool_alloc(0, 4, 1);
    *calls = 0;
    void *r = ExRegisterCallback(object, fn, calls);
    assert_non_null(r);
    assert_null(ExRegisterCallback(object, fn, calls)); /* one only */
    ExNotifyCallback(object, NULL, NULL);
    ExNotifyCallback(object, NULL, NULL);
    assert_int_equal(*calls, 2);
    ExUnregisterCallback(r);
    ExNotifyCallback(object, NULL, NULL);
    assert_int_equal(*calls, 2);
    ob_dereference(object);
    assert_int_equal(ExCreateCallback(&object, &oa, FALSE, FALSE), STATUS_UNSUCCESSFUL);
    note("callback");
}

static void callbacks_are_called_while_registered(void **state)
{
    spawn(callback_body);
    run_to_end("callback");
}

void RtlRunOnceInitialize(void *once);
NTSTATUS RtlRunOnceBeginInitialize(void *once, ULONG flags, PVOID *context);
NTSTATUS RtlRunOnceComplete(void *once, ULONG flags, PVOID context);

static ULONG_PTR once;

static void initialiser(void *unused)
{
    PVOID context;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_PENDING);
    yield();
    note("made");
    assert_int_equal(RtlRunOnceComplete(&once, 0, (PVOID)0x40), STATUS_SUCCESS);
}

static void once_user(void *unused)
{
    PVOID context;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_SUCCESS);
    assert_int_equal((uint64_t)context, 0x40);
    note("used");
}

static void one_initialises_and_the_others_wait(void **state)
{
    RtlRunOnceInitialize(&once);
    spawn(initialiser);
    spawn(once_user);
    spawn(once_user);
    run_to_end("made used used");
    assert_int_equal(RtlRunOnceComplete(&once, 0, NULL), STATUS_UNSUCCESSFUL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(writers_exclude_and_readers_share, ex_machine),
        cmocka_unit_test_setup(shared_forms_differ_by_waiting_writers, ex_machine),
        cmocka_unit_test_setup(releasing_what_is_not_owned_is_a_bug_check, ex_machine),
        cmocka_unit_test_setup(push_locks_serve_in_order, ex_machine),
        cmocka_unit_test_setup(rundown_waits_for_the_last_user, ex_machine),
        cmocka_unit_test_setup(one_initialises_and_the_others_wait, ex_machine),
        cmocka_unit_test_setup(callbacks_are_called_while_registered, ex_machine),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
