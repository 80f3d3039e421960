/* Power for programs: sending the system to sleep, and what state it is in. It is on mains, always. */
#include "po/po.h"
#include "win32/win32.h"

enum { LEVEL_BATTERY = 5, LEVEL_CAPABILITIES = 4, LEVEL_WAKE = 14, LEVEL_SLEEP = 15 };

static NTSTATUS sleep_to(SYSTEM_POWER_STATE state, bool force)
{
    struct syscall sc;
    w32_console_flush();
    ps_syscall_enter(&sc, FRAME_NtInitiatePowerAction);
    sim_point(0);
    NTSTATUS s = po_sleep(state, force);
    ps_syscall_leave(&sc);
    return s;
}

/* DOC: S4 or S3; returns when the system is awake again. */
ULONG SetSuspendState(ULONG hibernate, ULONG force, ULONG no_wake)
{
    return (ULONG)w32_result(sleep_to(hibernate & 0xFF ? PowerSystemHibernate : PowerSystemSleeping3, (force & 0xFF) != 0)) & 0xFF;
}

BOOL SetSystemPowerState(BOOL suspend, BOOL force)
{
    return w32_result(sleep_to(suspend ? PowerSystemSleeping3 : PowerSystemHibernate, force != 0));
}

/* action, lightest state, flags, asynchronous */
NTSTATUS NtInitiatePowerAction(ULONG action, ULONG state, ULONG flags, ULONG asynchronous)
{
    if (action != PowerActionSleep && action != PowerActionHibernate)
        return STATUS_INVALID_PARAMETER; /* GUESS: shutting down ends the run in no way here */
    return sleep_to(action == PowerActionHibernate ? PowerSystemHibernate : state >= PowerSystemSleeping1 && state <= PowerSystemSleeping3 ? (SYSTEM_POWER_STATE)state
                                                                                                                                        : PowerSystemSleeping3,
                    (flags & 0x40000000) != 0); /* POWER_ACTION_CRITICAL */
}

NTSTATUS NtSetSystemPowerState(ULONG action, ULONG state, ULONG flags)
{
    return NtInitiatePowerAction(action, state, flags, 0);
}

/* SYSTEM_POWER_STATUS */
BOOL GetSystemPowerStatus(uint8_t *status)
{
    memset(status, 0, 12);
    uint8_t left = (uint8_t)po_setting_value(PO_BATTERY);
    bool battery = po_setting_value(PO_POWER_SOURCE) || left < 100;
    status[0] = !po_setting_value(PO_POWER_SOURCE); /* on mains */
    status[1] = !battery ? 128 /* none */ : (uint8_t)(left > 66 ? 1 : left < 5 ? 4 : left < 33 ? 2 : 0); /* DOC: high, critical, low */
    status[2] = battery ? left : 255;
    status[3] = (uint8_t)po_setting_value(PO_SAVING);
    memset(status + 4, 0xFF, 8);
    return TRUE;
}

BOOL IsSystemResumeAutomatic(void)
{
    return FALSE;
}

/* SYSTEM_POWER_CAPABILITIES: a power button, S1 to S5, a hibernation file. */
static void capabilities(uint8_t *to)
{
    memset(to, 0, 76);
    to[0] = 1;
    memset(to + 3, 1, 5);
    to[8] = 1;
    to[14] = 1;
}

ULONG GetPwrCapabilities(uint8_t *to)
{
    capabilities(to);
    return 1;
}

ULONG IsPwrSuspendAllowed(void)
{
    return 1;
}

ULONG IsPwrHibernateAllowed(void)
{
    return 1;
}

NTSTATUS CallNtPowerInformation(ULONG level, const void *in, ULONG in_bytes, uint8_t *out, ULONG out_bytes)
{
    ULONG needed = level == LEVEL_CAPABILITIES ? 76 : level == LEVEL_BATTERY ? 32 : level == LEVEL_WAKE || level == LEVEL_SLEEP ? 8 : 0;
    if (!needed)
        return STATUS_NOT_SUPPORTED;
    if (in || !out)
        return STATUS_INVALID_PARAMETER;
    if (out_bytes < needed)
        return STATUS_BUFFER_TOO_SMALL;
    memset(out, 0, needed);
    if (level == LEVEL_CAPABILITIES)
        capabilities(out);
    if (level == LEVEL_BATTERY)
        out[0] = 1; /* on mains */
    return STATUS_SUCCESS;
}
