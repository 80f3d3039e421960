/* The state machines of power and power policy: their events, and what the files that hold their states share (machine.c, power_states.c,
 * policy.c, policy_other.c, idle.c, wake.c). State names are those of the public enumerations; the transitions are those of the public framework. */
#ifndef WDF01000_MACHINE_H
#define WDF01000_MACHINE_H

#include "fx.h"

/* Of the power machine. */
enum {
    FXP_D0 = 1, FXP_DX = 2, FXP_WAKE_ARRIVAL = 4, FXP_WAKE_SUCCEEDED = 8, FXP_WAKE_FAILED = 0x10, FXP_WAKE_CANCELED = 0x20, FXP_IMPLICIT_D0 = 0x40,
    FXP_IMPLICIT_D3 = 0x80, FXP_PARENT_TO_D0 = 0x100, FXP_MARK_PAGEABLE = 0x200, FXP_MARK_NONPAGEABLE = 0x400, FXP_COMPLETE_D0 = 0x800,
    FXP_COMPLETE_DX = 0x1000,
};

/* Of the power policy machine. */
enum {
    FXPOL_START = 1, FXPOL_STOP = 2, FXPOL_SX = 4, FXPOL_S0 = 8, FXPOL_DOWN = 0x10, FXPOL_UP = 0x20, FXPOL_DOWN_IO_STOPPED = 0x40,
    FXPOL_UP_HW_STARTED = 0x80, FXPOL_WAKE_ARRIVED = 0x100, FXPOL_WAKE_SUCCESS = 0x200, FXPOL_WAKE_FAILED = 0x400, FXPOL_IO_PRESENT = 0x800,
    FXPOL_TIMEOUT = 0x1000, FXPOL_IDLE_CHANGED = 0x2000, FXPOL_SURPRISE_REMOVE = 0x4000, FXPOL_DOWN_FAILED = 0x20000, FXPOL_UP_FAILED = 0x40000,
    FXPOL_IMPLICIT_DOWN = 0x80000, FXPOL_IMPLICIT_DOWN_FAILED = 0x100000, FXPOL_UP_NOT_SEEN = 0x200000, FXPOL_REMOVE = 0x1000000,
};

typedef struct {
    ULONG Event, State;
} FxTransition; /* lists end with { 0 } */

typedef struct {
    ULONG (*Enter)(FxDevice *d); /* the next state; 0: it waits for an event */
    const FxTransition *To;
    BOOLEAN Open; /* takes events that are not urgent */
} FxMachineState;
#define FX_ON(...) (const FxTransition[]) { __VA_ARGS__, { 0, 0 } }

/* One state after the other, in whichever thread has an event for it and finds it free; at raised IRQL, or when another thread is in it, on a
 * work item. DOC: callbacks run at PASSIVE_LEVEL. */
typedef struct {
    FxDevice *Device;
    enum fx_machine Which;
    const FxMachineState *States;
    ULONG Base, Urgent, Once; /* Urgent: go first, and into every state. Once: not queued twice */
    void (*Dropped)(FxDevice *d, ULONG event);
    KSPIN_LOCK Lock; /* the queue */
    KEVENT Free, Quiet; /* nobody runs it; nobody has anything to do with it */
    volatile PKTHREAD Owner;
    ULONG Events[16], Count;
    PIO_WORKITEM Item;
    LONG Users; /* who posts an event, and the work item */
    BOOLEAN Queued;
} FxMachine;

enum fx_answer { FX_ANSWER_NONE, FX_STARTED, FX_START_FAILED, FX_STOPPED, FX_STOP_FAILED, FX_POLICY_REMOVED };

struct FxPower {
    FxMachine Power, Policy;
    /* PnP waits for the policy machine */
    KEVENT Answered;
    enum fx_answer Answer;
    KEVENT FailDone; /* a failed device has given everything back */
    PIO_WORKITEM FailItem;
    BOOLEAN Failing, Leaving, Running; /* Running: the policy machine has started; the others under PowerLock */
    NTSTATUS UpStatus; /* why the latest way up failed */
    /* power machine */
    IRP *DeviceIrp; /* the one that it works on */
    BOOLEAN IoFailed, DownFailed;
    BOOLEAN ParentReferenced; /* of a PDO */
    /* policy owner */
    BOOLEAN RequestedUp, RequestedDown, RequestedWake, WakeDropped, PowerFailed, SystemWakeSource;
    IRP *SystemIrp;
    NTSTATUS WaitWakeStatus;
    LONG WakeClaimed; /* who of canceller and completion routine comes second completes it */
    BOOLEAN ChildrenCanPowerUp;
    LONG ChildrenOn, ChildrenArmed;
    /* settings */
    BOOLEAN IdleSet, IdleEnabled, WakeFromS0, PowerUpOnWake, IdleOverridable, IdleDirty;
    BOOLEAN WakeSet, WakeEnabled, WakeOverridable, WakeDirty, ArmForChildren, IndicateToChildren;
    DEVICE_POWER_STATE IdleDx, WakeDx;
    PVOID IdleWmi, WakeWmi; /* the user's switches */
    BOOLEAN CapsKnown;
    DEVICE_POWER_STATE DeviceWake, StateFor[PowerSystemMaximum];
    SYSTEM_POWER_STATE SystemWake;
    /* wait-wake requests: of the bus driver's PDO, or the owner's own on its way */
    BOOLEAN WaitWakeOwner, EnabledAtBus;
    IRP *volatile WaitWake;
    KSPIN_LOCK WakeLock;
    LIST_ENTRY WakeDone; /* with their status, to be completed */
};

void FxMachinePost(FxMachine *m, ULONG event);
void FxMachineWait(FxMachine *m); /* until nobody runs it any more. PASSIVE_LEVEL */

/* power_states.c */
extern const FxMachineState FxPowerStates[];
void FxPowerDropped(FxDevice *d, ULONG event);
void FxPowerReleaseIrp(FxDevice *d); /* the device power request is let go */
static inline void FxPowerEvent(FxDevice *d, ULONG event)
{
    FxMachinePost(&d->M->Power, event);
}

/* policy.c, policy_other.c */
extern const FxMachineState FxPolicyStates[], FxOtherPolicyStates[];
void FxPolicyDropped(FxDevice *d, ULONG event);
static inline void FxPolicyEvent(FxDevice *d, ULONG event)
{
    FxMachinePost(&d->M->Policy, event);
}
ULONG FxWakeReason(FxDevice *d); /* 1: the device is enabled, 2: children are armed */
enum { FX_WAKE_DEVICE = 1, FX_WAKE_CHILDREN = 2 };
NTSTATUS FxChildMayPowerUp(FxDevice *child, BOOLEAN *on); /* its parent is wanted; on: and in D0 */
void FxChildPoweredDown(FxDevice *child);
BOOLEAN FxCanWakeFrom(FxDevice *d, SYSTEM_POWER_STATE s);
void FxSettingsSave(FxDevice *d);

/* pnp.c */
void FxPnpAnswer(FxDevice *d, enum fx_answer a);
void FxPnpPowerFailed(FxDevice *d); /* a transition of the started device failed */
void FxPnpInternalFailure(FxDevice *d);
NTSTATUS FxReport(FxDevice *d, PVOID routine, NTSTATUS s);

/* wake.c */
BOOLEAN FxWakeCancel(FxDevice *d); /* the owner's wait-wake request; FALSE: there is none */
NTSTATUS FxWakeSend(FxDevice *d, SYSTEM_POWER_STATE s);
NTSTATUS FxWakeEnableAtBus(FxDevice *d);
void FxWakeDisableAtBus(FxDevice *d);
BOOLEAN FxWakeIndicate(FxDevice *d, NTSTATUS s); /* of a PDO; FALSE: nobody waits */
void FxWakeCompletePended(FxDevice *d);
void FxWakeFail(FxDevice *d, NTSTATUS s); /* from within the power machine */

/* idle.c */
enum fx_idle_event {
    FX_IDLE_START, FX_IDLE_STOP, FX_IDLE_ENABLED, FX_IDLE_DISABLED, FX_IDLE_UP, FX_IDLE_UP_FAILED, FX_IDLE_DOWN, FX_IDLE_DOWN_FAILED, FX_IDLE_INCREMENT,
    FX_IDLE_DECREMENT, FX_IDLE_EXPIRED
};
void FxIdleEvent(FxDevice *d, enum fx_idle_event e);
BOOLEAN FxIdleDisable(FxDevice *d); /* FALSE: the timer's expiry is on its way */
BOOLEAN FxIdleReturns(FxDevice *d); /* nobody wants the device: it may stay where it is */

/* children.c */
void FxChildrenEach(FxDevice *d, void (*what)(FxDevice *pdo, ULONG_PTR context), ULONG_PTR context);

#endif
