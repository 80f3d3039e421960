/* WDFDEVICE: creation, names, interfaces, properties, dispatch. */
#include "fx.h"
#include "power.h"

#include <ntstrsafe.h>

FXM(NTSTATUS, FxDevice, Dispatch, (DEVICE_OBJECT * d, IRP *irp));
FXM(NTSTATUS, FxDevice, DispatchWithLock, (DEVICE_OBJECT * d, IRP *irp));
FXM(NTSTATUS, FxDevice, DispatchPackage, (FxDevice * d, IRP *irp));
FXM(void, FxDevice, InitDispatch, (FxDevice * d));

/* DOC: the NT device's extension is the first context of the WDFDEVICE. */
FxDevice *FxDeviceOf(const DEVICE_OBJECT *d)
{
    FxContext *c = (FxContext *)((PUCHAR)d->DeviceExtension - ((sizeof(FxContext) + 15) & ~15));
    return (FxDevice *)c->Object;
}

BOOLEAN FxDeviceIsPdo(const FxDevice *d)
{
    return d->D.Kind == FX_INIT_PDO;
}

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

/* ---- dispatch ---- */

NTSTATUS FxDeviceCompleteIrp(IRP *irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS FxDevicePass(FxDevice *d, IRP *irp)
{
    if (!d->Attached)
        return FxDeviceCompleteIrp(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    BOOLEAN power = IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_POWER;
    IoSkipCurrentIrpStackLocation(irp);
    return power ? PoCallDriver(d->Attached, irp) : IoCallDriver(d->Attached, irp);
}

static BOOLEAN is_io(UCHAR major)
{
    return major == IRP_MJ_READ || major == IRP_MJ_WRITE || major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL;
}

NTSTATUS FxDevice_DispatchPackage(FxDevice *d, IRP *irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    switch (major) {
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return FxPkgIo_Dispatch(d, irp);
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
    case IRP_MJ_SHUTDOWN:
        return FxPkgGeneral_Dispatch(d, irp);
    case IRP_MJ_PNP:
        return d->Legacy ? FxDeviceCompleteIrp(irp, STATUS_INVALID_DEVICE_REQUEST, 0) : FxPkgPnp_Dispatch(d, irp);
    case IRP_MJ_POWER:
        return d->Legacy ? FxDeviceCompleteIrp(irp, STATUS_INVALID_DEVICE_REQUEST, 0) : FxPkgPnp_DispatchPower(d, irp);
    case IRP_MJ_SYSTEM_CONTROL:
        return FxWmiIrpHandler_Dispatch(d, irp);
    default:
        return d->D.Filter ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static const FxPreprocess *preprocess_for(const FxDevice *d, const IO_STACK_LOCATION *sl)
{
    for (const FxPreprocess *p = d->D.Preprocess; p; p = p->Next) {
        if (p->Major != sl->MajorFunction)
            continue;
        if (p->AllMinors)
            return p;
        for (ULONG i = 0; i < p->MinorCount; i++)
            if (p->Minors[i] == sl->MinorFunction)
                return p;
    }
    return NULL;
}

NTSTATUS FxDevice_Dispatch(DEVICE_OBJECT *object, IRP *irp)
{
    FxDevice *d = FxDeviceOf(object);
    const FxPreprocess *p = d->D.Preprocess ? preprocess_for(d, IoGetCurrentIrpStackLocation(irp)) : NULL;
    return p ? p->Evt((WDFDEVICE)FxHandle(d), irp) : FxDevice_DispatchPackage(d, irp);
}

static NTSTATUS release_on_completion(DEVICE_OBJECT *object, IRP *irp, PVOID context)
{
    FxDevice *d = context;
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* DOC: the remove lock is held while an IRP is being dispatched; with the option "acquire for I/O" until an I/O request is completed, which takes
 * a stack location of its own. */
NTSTATUS FxDevice_DispatchWithLock(DEVICE_OBJECT *object, IRP *irp)
{
    FxDevice *d = FxDeviceOf(object);
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    UCHAR major = sl->MajorFunction;
    BOOLEAN io = is_io(major);
    if (!d->RemoveLockUsed || (io && !d->D.RemoveLockIo))
        return FxDevice_Dispatch(object, irp);
    NTSTATUS s = IoAcquireRemoveLock(&d->RemoveLock, irp);
    if (!NT_SUCCESS(s)) {
        FXLOG(d->O.Globals, RemoveLockRefused, P64(FxHandle(d)), P64(irp), major, S64(s));
        if (major == IRP_MJ_POWER)
            PoStartNextPowerIrp(irp);
        return FxDeviceCompleteIrp(irp, s, 0);
    }
    if (io) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, release_on_completion, d, TRUE, TRUE, TRUE);
        IoSetNextIrpStackLocation(irp);
        IoGetCurrentIrpStackLocation(irp)->DeviceObject = object;
        return FxDevice_Dispatch(object, irp);
    }
    BOOLEAN remove = major == IRP_MJ_PNP && sl->MinorFunction == IRP_MN_REMOVE_DEVICE;
    s = FxDevice_Dispatch(object, irp);
    if (!remove) /* the remove handler has waited for the others with it */
        IoReleaseRemoveLock(&d->RemoveLock, irp);
    return s;
}

NTSTATUS imp_WdfDeviceWdmDispatchPreprocessedIrp(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PIRP Irp)
{
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(FxGet(G), Irp);
    IoSetNextIrpStackLocation(Irp); /* undoes the driver's skip */
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = d->DeviceObject;
    return FxDevice_DispatchPackage(d, Irp);
}

/* ---- creation ---- */

static NTSTATUS create_nt_device(FxDevice *d, FxGlobals *g)
{
    FxInitData *i = &d->D;
    ULONG characteristics = i->Characteristics;
    UNICODE_STRING *name = i->Name.Buffer ? &i->Name : NULL;
    NTSTATUS s;
    if (!name && (i->AutoName || i->Kind == FX_INIT_PDO))
        characteristics |= FILE_AUTOGENERATED_DEVICE_NAME;
    if (i->Sddl.Buffer && (name || (characteristics & FILE_AUTOGENERATED_DEVICE_NAME)))
        s = IoCreateDeviceSecure(g->DriverObject, 0, name, i->DeviceType, characteristics, i->Exclusive, &i->Sddl, i->HasClass ? &i->Class : NULL, &d->DeviceObject);
    else
        s = IoCreateDevice(g->DriverObject, 0, name, i->DeviceType, characteristics, i->Exclusive, &d->DeviceObject);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, DeviceCreateFailed, P64(FxHandle(d)), S64(s));
        d->DeviceObject = NULL;
        return s;
    }
    d->DeviceObject->DeviceExtension = (PUCHAR)d->O.Contexts + ((sizeof(FxContext) + 15) & ~15);
    return STATUS_SUCCESS;
}

static NTSTATUS attach(FxDevice *d, FxGlobals *g)
{
    DEVICE_OBJECT *o = d->DeviceObject;
    d->Attached = IoAttachDeviceToDeviceStack(o, d->Pdo);
    if (!d->Attached) {
        FXLOG(g, DeviceAttachFailed, P64(FxHandle(d)), P64(d->Pdo), S64(STATUS_NO_SUCH_DEVICE));
        return STATUS_NO_SUCH_DEVICE;
    }
    if (d->D.Filter) {
        o->Flags |= d->Attached->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE | DO_POWER_INRUSH);
        o->DeviceType = d->Attached->DeviceType;
        o->Characteristics = d->Attached->Characteristics;
    }
    return STATUS_SUCCESS;
}

static void set_flags(FxDevice *d)
{
    DEVICE_OBJECT *o = d->DeviceObject;
    if (!d->D.Filter) {
        o->Flags |= d->D.IoType == WdfDeviceIoBuffered ? DO_BUFFERED_IO : d->D.IoType == WdfDeviceIoDirect ? DO_DIRECT_IO : 0;
        if (!d->Legacy) {
            if (d->D.InrushSet)
                o->Flags |= DO_POWER_INRUSH;
            else if (d->D.PowerPageable)
                o->Flags |= DO_POWER_PAGABLE;
        }
    } else if (d->D.PowerSet) {
        o->Flags = d->D.PowerPageable ? o->Flags | DO_POWER_PAGABLE : o->Flags & ~(ULONG)DO_POWER_PAGABLE;
    }
    if (d->D.Preprocess)
        o->StackSize++;
    if (d->D.RemoveLockIo)
        o->StackSize++;
    if (d->D.SelfTarget)
        o->StackSize++;
    if (d->D.ForwardToParent && d->ParentDevice)
        o->StackSize = (CCHAR)(o->StackSize + d->ParentDevice->DeviceObject->StackSize);
}

static BOOLEAN device_dispose(FxObject *o);
static void device_destroy(FxObject *o);

static void lists_init(FxDevice *d)
{
    InitializeListHead(&d->Queues);
    InitializeListHead(&d->Files);
    InitializeListHead(&d->Targets);
    InitializeListHead(&d->Interrupts);
    InitializeListHead(&d->ChildLists);
    InitializeListHead(&d->StaticChildren);
    InitializeListHead(&d->PdoSibling);
    InitializeListHead(&d->WmiProviders);
    InitializeListHead(&d->DmaEnablers);
    KeInitializeSpinLock(&d->IoLock);
    KeInitializeSpinLock(&d->PowerLock);
    KeInitializeSpinLock(&d->WmiLock);
    KeInitializeSpinLock(&d->RelationLock);
    IoInitializeRemoveLock(&d->RemoveLock, FX_TAG, 0, 0);
}

static NTSTATUS check_init(FxGlobals *g, PWDFDEVICE_INIT i)
{
    if (i->Created)
        return STATUS_INVALID_DEVICE_STATE;
    BOOLEAN named = i->D.HasName || i->D.AutoName || i->D.Kind == FX_INIT_PDO;
    if ((i->D.Kind != FX_INIT_CONTROL && i->D.Sddl.Buffer && !named) || (i->D.HasClass && !named)) {
        FXLOG(g, DeviceName, P64(i), S64(STATUS_INVALID_SECURITY_DESCR));
        return STATUS_INVALID_SECURITY_DESCR;
    }
    if (i->D.Kind == FX_INIT_PDO && (!i->D.DeviceId.Buffer || (i->D.Raw && !i->D.HasClass))) {
        FXLOG(g, PdoInvalid, P64(i), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS build(FxDevice *d, PWDFDEVICE_INIT i, FxGlobals *g)
{
    NTSTATUS s = create_nt_device(d, g);
    if (NT_SUCCESS(s) && i->D.Kind == FX_INIT_FDO)
        s = attach(d, g);
    if (!NT_SUCCESS(s))
        return s;
    set_flags(d);
    if (i->D.Kind != FX_INIT_CONTROL)
        s = FxPowerMake(d);
    if (NT_SUCCESS(s) && (d->Attached || FxDeviceIsPdo(d)))
        s = FxTargetCreateLocal(d, &d->DefaultTarget);
    return s;
}

/* What every device begins with. */
static FxDevice *device_new(FxGlobals *g, FxDriver *driver, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *s)
{
    FxDevice *d = FxObjectCreate(g, FX_TYPE_DEVICE, sizeof *d, a, s);
    if (!d)
        return NULL;
    d->O.Flags |= FXO_PASSIVE;
    d->O.Dispose = device_dispose;
    d->O.Destroy = device_destroy;
    d->O.Device = d;
    d->Driver = driver;
    lists_init(d);
    FxResolveConstraints(FX(d), a, FX(driver));
    FxCallbackLockInit(&d->CallbackLock, d->O.Level == WdfExecutionLevelPassive);
    d->PowerState = WdfPowerDeviceD3Final;
    d->Dx = PowerDeviceD3;
    FxStatesInit(d);
    d->Sx = PowerSystemWorking;
    return d;
}

/* DOC: a device of another port driver, that the framework does not own: objects can be its children and requests sent through its target; its IRPs
 * never come here, and the driver deletes the object itself. */
NTSTATUS imp_WdfDeviceMiniportCreate(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes, PDEVICE_OBJECT DeviceObject,
                                     PDEVICE_OBJECT AttachedDeviceObject, PDEVICE_OBJECT Pdo, WDFDEVICE *Device)
{
    FxGlobals *g = FxGet(G);
    FxDriver *driver = FX_OBJ(g, Driver, FxDriver, FX_TYPE_DRIVER);
    FX_NOT_NULL(g, DeviceObject);
    FX_NOT_NULL(g, Device);
    FX_PASSIVE(g);
    *Device = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_REFUSED);
    FxDevice *d = NT_SUCCESS(s) ? device_new(g, driver, Attributes, &s) : NULL;
    if (!d)
        return s;
    d->Miniport = d->Legacy = TRUE;
    d->D.Kind = FX_INIT_CONTROL;
    d->DeviceObject = DeviceObject;
    d->Attached = AttachedDeviceObject;
    d->Pdo = Pdo;
    s = AttachedDeviceObject ? FxTargetCreateLocal(d, &d->DefaultTarget) : STATUS_SUCCESS;
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(d), Attributes, FX(driver), (WDFOBJECT *)Device);
    if (!NT_SUCCESS(s))
        FxObjectDeleteFromFailedCreate(FX(d));
    return s;
}

extern NTSTATUS FxChildListCreateDefault(FxDevice *d);
extern void FxStaticChildAttach(FxDevice *d, PWDFDEVICE_INIT i);

NTSTATUS imp_WdfDeviceCreate(PWDF_DRIVER_GLOBALS G, PWDFDEVICE_INIT *DeviceInit, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDEVICE *Device)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, DeviceInit);
    FX_NOT_NULL(g, *DeviceInit);
    FX_NOT_NULL(g, Device);
    FX_PASSIVE(g);
    PWDFDEVICE_INIT i = *DeviceInit;
    *Device = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, i->D.Kind == FX_INIT_CONTROL ? FXA_PARENT_OPTIONAL : FXA_PARENT_REFUSED);
    if (NT_SUCCESS(s))
        s = check_init(g, i);
    if (!NT_SUCCESS(s))
        return s;
    FxDevice *d = device_new(g, i->Driver, Attributes, &s);
    if (!d)
        return s;
    d->O.Flags |= i->D.Kind == FX_INIT_FDO ? FXO_NO_DELETE : 0; /* DOC: a PDO may be deleted until it has been added */
    d->Pdo = i->Pdo;
    d->ParentDevice = i->Parent;
    d->Legacy = i->D.Kind == FX_INIT_CONTROL;
    d->D = i->D;
    d->PowerPolicyOwner = d->D.OwnerSet ? d->D.PowerPolicyOwner : d->D.Kind == FX_INIT_FDO ? !d->D.Filter : d->D.Raw;
    d->RemoveLockUsed = !d->Legacy;
    s = build(d, i, g);
    if (NT_SUCCESS(s) && FxDeviceIsPdo(d))
        d->Pdo = d->DeviceObject;
    WDFOBJECT h;
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(d), Attributes, i->Parent && i->ChildList == NULL ? FX(d->Driver) : FX(d->Driver), &h);
    if (NT_SUCCESS(s) && d->D.Kind == FX_INIT_FDO)
        s = FxChildListCreateDefault(d);
    if (!NT_SUCCESS(s)) {
        RtlZeroMemory(&d->D, sizeof d->D); /* still the initialiser's */
        FxObjectDeleteFromFailedCreate(FX(d));
        return s;
    }
    d->O.Contexts->Cleanup = Attributes ? Attributes->EvtCleanupCallback : NULL;
    RtlZeroMemory(&i->D, sizeof i->D);
    i->Created = d;
    if (FxDeviceIsPdo(d))
        FxStaticChildAttach(d, i);
    if (d->Legacy && (d->D.ShutdownFlags & WdfDeviceShutdown))
        IoRegisterShutdownNotification(d->DeviceObject);
    else if (d->Legacy && (d->D.ShutdownFlags & WdfDeviceLastChanceShutdown))
        IoRegisterLastChanceShutdownNotification(d->DeviceObject);
    if (d->Legacy || FxDeviceIsPdo(d)) {
        if (i->Owned && !i->ChildList)
            FxDeviceInitFree(i);
    }
    *DeviceInit = NULL;
    FXLOG(g, DeviceCreated, P64(h), P64(d->DeviceObject));
    *Device = (WDFDEVICE)h;
    return STATUS_SUCCESS;
}

static BOOLEAN device_dispose(FxObject *o)
{
    FxDevice *d = (FxDevice *)o;
    if (FxDeviceIsPdo(d) && !d->InRemove)
        FxChildPdoForget(d);
    if (d->Legacy && d->D.ShutdownFlags && d->DeviceObject)
        IoUnregisterShutdownNotification(d->DeviceObject);
    return TRUE;
}

static void device_destroy(FxObject *o)
{
    FxDevice *d = (FxDevice *)o;
    FxDeviceInterfacesFree(d);
    if (d->HasLink)
        IoDeleteSymbolicLink(&d->Link);
    FxFreeString(&d->Link);
    FxFreeString(&d->Mof);
    FxPnpDeviceGone(d);
    if (d->Miniport) /* not ours */
        return;
    if (d->Attached)
        IoDetachDevice(d->Attached);
    d->Attached = NULL;
    if (d->DeviceObject)
        IoDeleteDevice(d->DeviceObject);
    d->DeviceObject = NULL;
    FxInitDataFree(&d->D);
}

void FxDeviceRemove(FxDevice *d)
{
    if (d->HasLink)
        IoDeleteSymbolicLink(&d->Link);
    d->HasLink = FALSE;
    FxObject_DeleteObject(FX(d));
}

VOID imp_WdfControlFinishInitializing(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxDevice *d = device(G, Device);
    FX_PASSIVE_V(FxGet(G));
    d->DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    d->Finished = TRUE;
}

/* ---- what it is ---- */

WDFDEVICE imp_WdfWdmDeviceGetWdfDeviceHandle(PWDF_DRIVER_GLOBALS G, PDEVICE_OBJECT DeviceObject)
{
    FX_NOT_NULL(FxGet(G), DeviceObject);
    if (DeviceObject->DriverObject != FxGet(G)->DriverObject || !DeviceObject->DeviceExtension)
        return NULL;
    return (WDFDEVICE)FxHandle(FxDeviceOf(DeviceObject));
}

PDEVICE_OBJECT imp_WdfDeviceWdmGetDeviceObject(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return device(G, Device)->DeviceObject;
}

PDEVICE_OBJECT imp_WdfDeviceWdmGetAttachedDevice(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return device(G, Device)->Attached;
}

PDEVICE_OBJECT imp_WdfDeviceWdmGetPhysicalDevice(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return device(G, Device)->Pdo;
}

WDFDRIVER imp_WdfDeviceGetDriver(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return (WDFDRIVER)FxHandle(device(G, Device)->Driver);
}

WDFQUEUE imp_WdfDeviceGetDefaultQueue(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxDevice *d = device(G, Device);
    return d->DefaultQueue ? (WDFQUEUE)FxHandle(d->DefaultQueue) : NULL;
}

WDFIOTARGET imp_WdfDeviceGetIoTarget(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxDevice *d = device(G, Device);
    return d->DefaultTarget ? (WDFIOTARGET)FxHandle(d->DefaultTarget) : NULL;
}

ULONG imp_WdfDeviceGetCharacteristics(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return device(G, Device)->DeviceObject->Characteristics;
}

VOID imp_WdfDeviceSetCharacteristics(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, ULONG Characteristics)
{
    device(G, Device)->DeviceObject->Characteristics = Characteristics;
}

ULONG imp_WdfDeviceGetAlignmentRequirement(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return device(G, Device)->DeviceObject->AlignmentRequirement;
}

VOID imp_WdfDeviceSetAlignmentRequirement(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, ULONG AlignmentRequirement)
{
    device(G, Device)->DeviceObject->AlignmentRequirement = AlignmentRequirement;
}

NTSTATUS imp_WdfDeviceAssignMofResourceName(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PCUNICODE_STRING MofResourceName)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, MofResourceName);
    FX_PASSIVE(g);
    if (d->Mof.Buffer)
        return STATUS_ALREADY_COMMITTED;
    return FxCopyString(g, &d->Mof, MofResourceName);
}

/* ---- names ---- */

NTSTATUS ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION Info, ULONG Length, PULONG Needed);

/* The name that the system made up: of a PDO, whether the PnP manager knows it already or not. */
static NTSTATUS system_name(FxDevice *d, UNICODE_STRING *name, PVOID buffer, ULONG size)
{
    ULONG needed;
    POBJECT_NAME_INFORMATION info = buffer;
    DEVICE_OBJECT *named = d->Pdo ? d->Pdo : d->DeviceObject;
    NTSTATUS s = ObQueryNameString(named, info, size, &needed);
    if (NT_SUCCESS(s) && !info->Name.Length)
        s = STATUS_INVALID_DEVICE_STATE;
    if (NT_SUCCESS(s))
        *name = info->Name;
    return s;
}

NTSTATUS imp_WdfDeviceCreateSymbolicLink(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PCUNICODE_STRING SymbolicLinkName)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, SymbolicLinkName);
    FX_PASSIVE(g);
    ULONG64 buffer[40];
    UNICODE_STRING own, *target = &d->D.Name;
    NTSTATUS s;
    if (!SymbolicLinkName->Buffer || !SymbolicLinkName->Length)
        return STATUS_INVALID_PARAMETER;
    if (!target->Buffer) { /* a name that the system made up, or the PDO's */
        s = system_name(d, &own, buffer, sizeof buffer);
        if (!NT_SUCCESS(s))
            return s;
        target = &own;
    }
    UNICODE_STRING copy = { 0 };
    s = FxCopyString(g, &copy, SymbolicLinkName);
    if (!NT_SUCCESS(s))
        return s;
    s = IoCreateSymbolicLink(&copy, target);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, LinkFailed, P64(Device), S64(s));
        FxFreeString(&copy);
        return s;
    }
    if (d->HasLink)
        IoDeleteSymbolicLink(&d->Link);
    FxFreeString(&d->Link);
    d->Link = copy;
    d->HasLink = TRUE;
    return STATUS_SUCCESS;
}

extern NTSTATUS FxStringAssign(FxGlobals *g, WDFSTRING s, PCWSTR text);
extern NTSTATUS FxStringAssignUnicode(FxGlobals *g, WDFSTRING s, const UNICODE_STRING *text);

NTSTATUS imp_WdfDeviceRetrieveDeviceName(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, WDFSTRING String)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_PASSIVE(g);
    if (d->D.Name.Buffer)
        return FxStringAssignUnicode(g, String, &d->D.Name);
    if (FxDeviceIsPdo(d)) {
        ULONG64 buffer[40];
        UNICODE_STRING name;
        NTSTATUS s = system_name(d, &name, buffer, sizeof buffer);
        return NT_SUCCESS(s) ? FxStringAssignUnicode(g, String, &name) : s;
    }
    return STATUS_INVALID_DEVICE_STATE;
}

/* ---- properties and keys ---- */

extern NTSTATUS FxRegistryFromHandle(FxGlobals *g, HANDLE handle, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent, WDFKEY *key);
extern NTSTATUS FxMemoryOfProperty(FxGlobals *g, DEVICE_OBJECT *pdo, DEVICE_REGISTRY_PROPERTY property, POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                                   WDFMEMORY *memory);

NTSTATUS imp_WdfDeviceOpenRegistryKey(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, ULONG Type, ACCESS_MASK Access, PWDF_OBJECT_ATTRIBUTES Attributes, WDFKEY *Key)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Key);
    FX_PASSIVE(g);
    HANDLE h;
    *Key = NULL;
    if (d->Legacy || !d->Pdo || (FxDeviceIsPdo(d) && d->Pnp < FX_PNP_INIT))
        return STATUS_INVALID_DEVICE_STATE;
    NTSTATUS s = IoOpenDeviceRegistryKey(d->Pdo, Type, Access, &h);
    return NT_SUCCESS(s) ? FxRegistryFromHandle(g, h, Attributes, FX(d), Key) : s;
}

NTSTATUS imp_WdfDeviceQueryProperty(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, DEVICE_REGISTRY_PROPERTY Property, ULONG Length, PVOID Buffer, PULONG Result)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Result);
    FX_PASSIVE(g);
    if (d->Legacy || !d->Pdo)
        return STATUS_INVALID_DEVICE_STATE;
    return IoGetDeviceProperty(d->Pdo, Property, Length, Buffer, Result);
}

NTSTATUS imp_WdfDeviceAllocAndQueryProperty(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, DEVICE_REGISTRY_PROPERTY Property, POOL_TYPE PoolType,
                                            PWDF_OBJECT_ATTRIBUTES Attributes, WDFMEMORY *Memory)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Memory);
    FX_PASSIVE(g);
    *Memory = NULL;
    if (d->Legacy || !d->Pdo)
        return STATUS_INVALID_DEVICE_STATE;
    return FxMemoryOfProperty(g, d->Pdo, Property, PoolType, Attributes, FX(d), Memory);
}

/* ---- dispatching ---- */

NTSTATUS imp_WdfDeviceConfigureRequestDispatching(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, WDFQUEUE Queue, WDF_REQUEST_TYPE RequestType)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FxQueue *q = FX_OBJ(g, Queue, FxQueue, FX_TYPE_QUEUE);
    UCHAR major = RequestType == WdfRequestTypeCreate ? IRP_MJ_CREATE : RequestType == WdfRequestTypeRead ? IRP_MJ_READ : RequestType == WdfRequestTypeWrite ?
                  IRP_MJ_WRITE : RequestType == WdfRequestTypeDeviceControl ? IRP_MJ_DEVICE_CONTROL : RequestType == WdfRequestTypeDeviceControlInternal ?
                  IRP_MJ_INTERNAL_DEVICE_CONTROL : 0xFF;
    if (major == 0xFF)
        return STATUS_INVALID_PARAMETER;
    if (q->O.Device != d)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (d->Dispatching[major] == q)
        return STATUS_SUCCESS;
    if (d->Dispatching[major])
        return STATUS_WDF_BUSY;
    d->Dispatching[major] = q;
    return STATUS_SUCCESS;
}

/* DOC: what to do with IRPs of one major function before they become requests (1.11): the driver's callback sees the WDM IRP and calls
 * WdfDeviceWdmDispatchIrp or WdfDeviceWdmDispatchIrpToIoQueue. */
struct FxDispatchStep {
    struct FxDispatchStep *Next;
    UCHAR Major;
    PFN_WDFDEVICE_WDM_IRP_DISPATCH Evt;
    WDFCONTEXT Context;
};

NTSTATUS imp_WdfDeviceConfigureWdmIrpDispatchCallback(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, WDFDRIVER Driver, UCHAR MajorFunction,
                                                      PFN_WDFDEVICE_WDM_IRP_DISPATCH Evt, WDFCONTEXT Context)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, (PVOID)Evt);
    if (!is_io(MajorFunction))
        return STATUS_INVALID_PARAMETER;
    struct FxDispatchStep *step = FxPoolAllocate(g, NonPagedPoolNx, sizeof *step, FX_TAG);
    if (!step)
        return STATUS_INSUFFICIENT_RESOURCES;
    *step = (struct FxDispatchStep) { NULL, MajorFunction, Evt, Context };
    struct FxDispatchStep **at = &d->Dispatch;
    while (*at)
        at = &(*at)->Next;
    *at = step;
    return STATUS_SUCCESS;
}

/* The steps of FxPkgIo::DispatchStep1: TRUE when the driver's callback took the IRP. */
BOOLEAN FxDeviceDynamicDispatch(FxDevice *d, IRP *irp, NTSTATUS *status)
{
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    for (struct FxDispatchStep *step = d->Dispatch; step; step = step->Next)
        if (step->Major == major) {
            irp->Tail.Overlay.DriverContext[0] = d;
            *status = step->Evt((WDFDEVICE)FxHandle(d), major, IoGetCurrentIrpStackLocation(irp)->MinorFunction,
                                IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode, step->Context, irp, d);
            return TRUE;
        }
    return FALSE;
}

void FxDeviceDispatchFree(FxDevice *d)
{
    while (d->Dispatch) {
        struct FxDispatchStep *next = d->Dispatch->Next;
        ExFreePoolWithTag(d->Dispatch, FX_TAG);
        d->Dispatch = next;
    }
}

NTSTATUS imp_WdfDeviceWdmDispatchIrp(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PIRP Irp, WDFCONTEXT DispatchContext)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, Irp);
    FX_NOT_NULL(g, DispatchContext);
    return FxPkgIo_DispatchStep2(d, Irp, NULL);
}

NTSTATUS imp_WdfDeviceWdmDispatchIrpToIoQueue(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PIRP Irp, WDFQUEUE Queue, ULONG Flags)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FxQueue *q = FX_OBJ(g, Queue, FxQueue, FX_TYPE_QUEUE);
    FX_NOT_NULL(g, Irp);
    if (q->O.Device != d)
        return FxDeviceCompleteIrp(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (Flags & WDF_DISPATCH_IRP_TO_IO_QUEUE_PREPROCESSED_IRP) {
        IoSetNextIrpStackLocation(Irp);
        IoGetCurrentIrpStackLocation(Irp)->DeviceObject = d->DeviceObject;
    }
    return FxPkgIo_DispatchStep2(d, Irp, q);
}
