/* Between pnp.c, power.c (idle and wake), resources.c and children.c. */
#ifndef WDF01000_POWER_H
#define WDF01000_POWER_H

void FxDeviceFail(FxDevice *d, WDF_DEVICE_FAILED_ACTION action);

/* states.c */
void FxState(FxDevice *d, enum fx_machine m, ULONG state); /* leaves the present one, enters this */
void FxStateSettled(FxDevice *d, enum fx_machine m); /* its work is done */
static inline void FxPolicyState(FxDevice *d, ULONG state)
{
    if (d->PowerPolicyOwner)
        FxState(d, FX_POLICY_MACHINE, state);
}
void FxPolicyRests(FxDevice *d); /* started: in the state that its idle settings say */

/* power.c */
NTSTATUS FxPowerRequest(FxDevice *d, DEVICE_POWER_STATE state); /* a device power IRP, sent and waited for; PASSIVE */
DEVICE_POWER_STATE FxSleepState(FxDevice *d);
NTSTATUS FxPowerSleep(FxDevice *d, SYSTEM_POWER_STATE to); /* the system goes to sleep: so does the device */
NTSTATUS FxPowerWake(FxDevice *d); /* ... and is back */
void FxIdleStart(FxDevice *d); /* the device is started: idle counting begins */
void FxIdleStop(FxDevice *d); /* ... and ends; waits for what is under way */
void FxIdleHalt(FxDevice *d); /* the device has failed; does not wait */
void FxIdleAwake(FxDevice *d); /* brings the device to D0 and keeps it there, until */
void FxIdleAsleep(FxDevice *d);
void FxIdlePowered(FxDevice *d, BOOLEAN on);
void FxIdleFree(FxDevice *d);
void FxWakeArm(FxDevice *d);
void FxWakeDisarm(FxDevice *d);
NTSTATUS FxWakeWait(FxDevice *d, IRP *irp);

/* resources.c */
WDFCMRESLIST FxResourcesHandle(FxDevice *d); /* the translated list */
void FxResourcesDelete(FxDevice *d);
NTSTATUS FxResourcesRemoveAdded(FxDevice *d, IO_STACK_LOCATION *now, IO_STACK_LOCATION *next);
NTSTATUS FxPdoResources(FxDevice *d, IRP *irp);

/* requirements.c: they complete the IRP */
NTSTATUS FxFilterRequirements(FxDevice *d, IRP *irp);
NTSTATUS FxPdoRequirements(FxDevice *d, IRP *irp);

/* relations.c */
NTSTATUS FxRelationsQuery(FxDevice *d, IRP *irp, enum fx_relations which); /* STATUS_NOT_SUPPORTED: there are none */
NTSTATUS FxDependentsNotify(FxDevice *d, ULONG type, BOOLEAN in); /* PASSIVE */
void FxRelationsFree(FxDevice *d);

/* children.c */
void FxChildListsScan(FxDevice *d);
void FxPdoCapabilities(FxDevice *d, DEVICE_CAPABILITIES *c);
NTSTATUS FxPdoRelations(FxDevice *d, IRP *irp);
BOOLEAN FxChildPdoGone(FxDevice *d); /* reported missing, or its parent is going: the PDO is deleted */

#endif
