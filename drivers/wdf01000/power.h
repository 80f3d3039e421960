/* Between pnp.c, power.c (idle and wake), resources.c and children.c. */
#ifndef WDF01000_POWER_H
#define WDF01000_POWER_H

void FxDeviceFail(FxDevice *d, WDF_DEVICE_FAILED_ACTION action);

/* states.c */
void FxState(FxDevice *d, enum fx_machine m, ULONG state); /* leaves the present one, enters this */
void FxStateSettled(FxDevice *d, enum fx_machine m); /* its work is done */

/* machine.c */
NTSTATUS FxPowerMake(FxDevice *d);
void FxPowerQuiet(FxDevice *d); /* waits until nobody is in the machines. PASSIVE_LEVEL */
void FxPowerFree(FxDevice *d);

/* idle.c */
NTSTATUS FxIdleMake(FxDevice *d, BOOLEAN started);
void FxIdleSetTimeout(FxDevice *d, ULONG ms);
NTSTATUS FxIdleReferenceWait(FxDevice *d, BOOLEAN wait); /* STATUS_PENDING: counted, the device is on its way to D0 */
void FxIdleFree(FxDevice *d);

/* wake.c: with the remove lock, which goes with the request */
NTSTATUS FxWakeDispatch(FxDevice *d, IRP *irp);

/* power.c */
void FxIdleSetState(FxDevice *d, BOOLEAN on);
void FxWakeSetState(FxDevice *d, BOOLEAN on);

/* power_wmi.c: the user's switch; FALSE: he has none */
NTSTATUS FxPowerWmi(FxDevice *d, const GUID *guid, BOOLEAN wanted);
void FxCapabilitiesQuery(FxDevice *d, BOOLEAN again); /* what the stack can wake from */

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
