/* The power policy machine of a device that does not own its stack's policy: it lets the power machine go on at once. */
#include "machine.h"
#include "power.h"

#define S(name) WdfDevStatePwrPol##name

static ULONG starting(FxDevice *d)
{
    FxPowerEvent(d, FXP_IMPLICIT_D0);
    return 0;
}

static ULONG started(FxDevice *d)
{
    FxPnpAnswer(d, FX_STARTED);
    return S(StartingSucceeded);
}

static ULONG starting_failed(FxDevice *d)
{
    FxPnpAnswer(d, FX_START_FAILED);
    return 0;
}

static ULONG complete_dx(FxDevice *d)
{
    FxPowerEvent(d, FXP_COMPLETE_DX);
    return 0;
}

static ULONG complete_d0(FxDevice *d)
{
    FxPowerEvent(d, FXP_COMPLETE_D0);
    return 0;
}

static ULONG stopping(FxDevice *d)
{
    FxPowerEvent(d, FXP_IMPLICIT_D3);
    return S(StoppingWaitingForImplicitPowerDown);
}

static ULONG stopping_failed(FxDevice *d)
{
    FxPnpAnswer(d, FX_STOP_FAILED);
    return S(Stopped);
}

static ULONG send_status(FxDevice *d)
{
    FxPnpAnswer(d, FX_STOPPED);
    return S(Stopped);
}

static ULONG removed(FxDevice *d)
{
    FxPnpAnswer(d, FX_POLICY_REMOVED);
    return 0;
}

#define AT(name) [S(name) - S(ObjectCreated)]
#define STOPS { FXPOL_STOP, S(Stopping) }, { FXPOL_SURPRISE_REMOVE, S(Stopping) }
#define BEGINS { FXPOL_START, S(Starting) }, { FXPOL_REMOVE, S(Removed) }
#define EITHER(good, bad, next) { good, S(next) }, { bad, S(next) }

const FxMachineState FxOtherPolicyStates[] = {
    AT(ObjectCreated) = { NULL, FX_ON(BEGINS), TRUE },
    AT(Starting) = { starting, FX_ON({ FXPOL_UP, S(Started) }, { FXPOL_UP_FAILED, S(StartingFailed) }), FALSE },
    AT(Started) = { started, NULL, FALSE },
    AT(StartingSucceeded) = { NULL, FX_ON({ FXPOL_DOWN_IO_STOPPED, S(GotoDx) }, STOPS, { FXPOL_UP_HW_STARTED, S(GotoD0InD0) }), TRUE },
    AT(StartingFailed) = { starting_failed, FX_ON({ FXPOL_REMOVE, S(Removed) }), TRUE },
    AT(GotoDx) = { complete_dx, FX_ON({ FXPOL_DOWN, S(Dx) }, { FXPOL_DOWN_FAILED, S(StartingSucceeded) }), FALSE },
    AT(GotoDxInDx) = { complete_dx, FX_ON(EITHER(FXPOL_DOWN, FXPOL_DOWN_FAILED, Dx)), FALSE },
    AT(Dx) = { NULL, FX_ON({ FXPOL_UP_HW_STARTED, S(GotoD0) }, STOPS, { FXPOL_DOWN_IO_STOPPED, S(GotoDxInDx) }), TRUE },
    AT(GotoD0) = { complete_d0, FX_ON(EITHER(FXPOL_UP, FXPOL_UP_FAILED, StartingSucceeded)), FALSE },
    AT(GotoD0InD0) = { complete_d0, FX_ON(EITHER(FXPOL_UP, FXPOL_UP_FAILED, StartingSucceeded)), FALSE },
    AT(Stopping) = { stopping, NULL, FALSE },
    AT(StoppingWaitingForImplicitPowerDown) = { NULL, FX_ON({ FXPOL_IMPLICIT_DOWN, S(StoppingSendStatus) }, { FXPOL_IMPLICIT_DOWN_FAILED, S(StoppingFailed) },
                                                            { FXPOL_DOWN_IO_STOPPED, S(StoppingPoweringDown) }, { FXPOL_UP_HW_STARTED, S(StoppingPoweringUp) }), TRUE },
    AT(StoppingPoweringUp) = { complete_d0, FX_ON(EITHER(FXPOL_UP, FXPOL_UP_FAILED, StoppingWaitingForImplicitPowerDown)), FALSE },
    AT(StoppingPoweringDown) = { complete_dx, FX_ON(EITHER(FXPOL_DOWN, FXPOL_DOWN_FAILED, StoppingWaitingForImplicitPowerDown)), FALSE },
    AT(StoppingFailed) = { stopping_failed, NULL, FALSE },
    AT(StoppingSendStatus) = { send_status, NULL, FALSE },
    AT(Stopped) = { NULL, FX_ON(BEGINS), TRUE },
    AT(Removed) = { removed, FX_ON(BEGINS), TRUE },
    [WdfDevStatePwrPolNull - S(ObjectCreated)] = { 0 },
};
