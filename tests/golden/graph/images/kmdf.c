/* A driver of the framework as its headers make one: calls through a table that binding fills, callbacks in structures on the
 * stack and in data; and routines of the kernel that headers inline. */
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef void routine(void *, void *);
typedef void (*function)(void);
#define IMPORT __declspec(dllimport)
#define FAR __attribute__((noinline))

struct bind_info { u32 size; const u16 *component; u32 major, minor, build, count; function **table; void *module; };
IMPORT int WdfVersionBind(void *driver, void *path, struct bind_info *info, void **globals);
IMPORT int IofCallDriver(void *device, void *irp);
IMPORT void *IoAllocateIrp(int size, int quota);

function *WdfFunctions_01033;
void *WdfDriverGlobals;
static const u16 component[] = { 'K', 'm', 'd', 'f', 'L', 'i', 'b', 'r', 'a', 'r', 'y', 0 };
struct bind_info bind = { sizeof(struct bind_info), component, 1, 33, 0, 453, &WdfFunctions_01033, 0 };
volatile u64 state[64];

/* Compilers fill large structures from a constant. */
FAR void *memcpy(void *to, const void *from, u64 n)
{
    for (u64 i = 0; i < n; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

struct driver_config { u32 size; routine *add, *unload; u32 flags, tag; };
struct queue_config { u32 size, dispatch, managed; unsigned char zero, dflt; routine *io, *read, *write, *control, *internal, *stop, *resume, *canceled; u64 settings; void *driver; };
struct pnp { u32 size; routine *d0entry, *d0entry_post, *d0exit, *d0exit_pre, *prepare, *release, *more[11]; };
struct timer_config { u32 size; routine *fn; u32 period, automatic, delay; };
struct attributes { u32 size; routine *cleanup, *destroy; u32 level, scope; void *parent; u64 context; void *type; };

enum { DeviceInitSetPnpPowerEventCallbacks = 55, DeviceCreate = 75, DriverCreate = 116, IoQueueCreate = 152, TimerCreate = 318, RequestMarkCancelable = 255,
       RequestComplete = 263 };
#define CALL(type, index) ((type)WdfFunctions_01033[index])

FAR void EvtRead(void *q, void *r);
FAR void EvtWrite(void *q, void *r) { state[2]++; }
FAR void EvtControl(void *q, void *r) { state[3]++; EvtRead(q, r); }
FAR void EvtStop(void *q, void *r) { state[4]++; }
FAR void EvtCancel(void *q, void *r) { state[5]++; }
FAR void EvtTimer(void *t, void *u) { state[6]++; }
FAR void EvtCleanup(void *o, void *u) { state[7]++; }
FAR void EvtD0Entry(void *d, void *s) { state[8]++; }
FAR void EvtD0Exit(void *d, void *s) { state[9]++; }
FAR void EvtPrepare(void *d, void *s) { state[10]++; }
FAR void EvtUnload(void *d, void *s) { state[11]++; }
FAR void EvtDefault(void *q, void *r) { state[12]++; }
FAR void Completed(void *d, void *i) { state[13]++; }
FAR void Cancelled(void *d, void *i) { state[14]++; }

FAR void Complete(void *request, u32 status) { CALL(void (*)(void *, void *, u32), RequestComplete)(WdfDriverGlobals, request, status); }

FAR void EvtRead(void *q, void *r)
{
    CALL(void (*)(void *, void *, routine *), RequestMarkCancelable)(WdfDriverGlobals, r, EvtCancel);
    Complete(r, 0xC0000120);
}

static void clear(void *p, unsigned n) { for (unsigned i = 0; i < n; i++) ((volatile unsigned char *)p)[i] = 0; }

FAR int MakeQueue(void *device, void **queue)
{
    struct queue_config c;
    clear(&c, sizeof c);
    c.size = sizeof c;
    c.dispatch = 2;
    c.dflt = 1;
    c.read = EvtRead;
    c.write = EvtWrite;
    c.control = EvtControl;
    if (state[20])
        c.stop = EvtStop;
    return CALL(int (*)(void *, void *, struct queue_config *, void *, void **), IoQueueCreate)(WdfDriverGlobals, device, &c, 0, queue);
}

/* The same with a structure in data. */
struct queue_config fixed = { .size = sizeof(struct queue_config), .io = EvtDefault };
FAR int MakeFixedQueue(void *device)
{
    return CALL(int (*)(void *, void *, struct queue_config *, void *, void **), IoQueueCreate)(WdfDriverGlobals, device, &fixed, 0, 0);
}

FAR int MakeTimer(void *device)
{
    struct timer_config t = { sizeof t, EvtTimer, 100, 1, 0 };
    struct attributes a = { sizeof a, EvtCleanup, 0, 1, 1, device, 0, 0 };
    void *timer;
    return CALL(int (*)(void *, struct timer_config *, struct attributes *, void **), TimerCreate)(WdfDriverGlobals, &t, &a, &timer);
}

FAR void EvtDeviceAdd(void *driver, void *init)
{
    struct pnp p = { .size = sizeof p, .d0entry = EvtD0Entry, .d0exit = EvtD0Exit, .prepare = EvtPrepare };
    void *device, *queue;
    CALL(void (*)(void *, void *, struct pnp *), DeviceInitSetPnpPowerEventCallbacks)(WdfDriverGlobals, init, &p);
    if (CALL(int (*)(void *, void **, void *, void **), DeviceCreate)(WdfDriverGlobals, &init, 0, &device) < 0)
        return;
    MakeQueue(device, &queue);
    MakeFixedQueue(device);
    MakeTimer(device);
}

/* What IoSetCompletionRoutine, IoSetCancelRoutine leave behind. */
struct location { u64 head[7]; routine *completion; void *context; };
FAR int Forward(void *device, char *irp)
{
    struct location *next = *(struct location **)(irp + 0xb8) - 1;
    next->completion = Completed;
    next->context = device;
    return IofCallDriver(device, irp);
}

FAR int Send(void *device)
{
    char *irp = IoAllocateIrp(2, 0);
    struct location *next = *(struct location **)(irp + 0xb8) - 1;
    next->completion = Completed;
    return IofCallDriver(device, irp);
}

FAR void Queue(char *irp)
{
    __atomic_exchange_n((routine **)(irp + 0x68), Cancelled, __ATOMIC_SEQ_CST);
    state[15]++;
}

FAR int RealDriverEntry(void *driver, void *path)
{
    struct driver_config c = { sizeof c, EvtDeviceAdd, EvtUnload, 0, 0 };
    state[16] += (u64)Forward(driver, path) + (u64)Send(driver);
    Queue(path);
    return CALL(int (*)(void *, void *, void *, void *, struct driver_config *, void **), DriverCreate)(WdfDriverGlobals, driver, path, 0, &c, 0);
}

int FxDriverEntry(void *driver, void *path)
{
    int status = WdfVersionBind(driver, path, &bind, &WdfDriverGlobals);
    return status < 0 ? status : RealDriverEntry(driver, path);
}
