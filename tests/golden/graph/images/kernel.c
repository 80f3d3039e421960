/* A kernel for memory dumps: exports what shapes.c imports, and calls through a table that a running system fills. */
typedef unsigned long long u64;
typedef unsigned int u32;
typedef void routine(void *, void *);
#define EXPORT __declspec(dllexport)
#define FAR __attribute__((noinline))

volatile u64 counters[32];
routine *volatile HalDispatch[4];

FAR void KiDefault(void *a, void *b) { counters[0] += (u64)a; }
FAR void KiCallHal(void *a) { HalDispatch[2](a, a); counters[1]++; }
FAR void KiInternal(void *a) { KiCallHal(a); KiDefault(a, a); }

EXPORT FAR void *ExAllocatePool2(u64 f, u64 n, u32 tag) { counters[2] += n; KiInternal((void *)f); return (void *)n; }
EXPORT FAR void ExFreePoolWithTag(void *p, u32 tag) { counters[3] += tag; }
EXPORT FAR void *IoAllocateWorkItem(void *d) { counters[4]++; return ExAllocatePool2(64, 72, 'kWoI'); }
EXPORT FAR void IoQueueWorkItem(void *i, routine *r, int q, void *c) { counters[5]++; KiInternal(i); }
EXPORT FAR void KeInitializeDpc(void *d, routine *r, void *c) { counters[6]++; }
EXPORT FAR int KeSetEvent(void *e, int i, int w) { counters[7] += (u64)i; return 0; }
EXPORT FAR void KeBugCheckEx(u32 c, u64 a, u64 b, u64 d, u64 e) { counters[8] += c; }
EXPORT FAR int PoRequestPowerIrp(void *d, int m, u64 s, routine *r, void *c, void *i) { counters[9]++; return 0; }
EXPORT FAR int IoCsqInitialize(void *q, routine *a, routine *b, routine *c, routine *d, routine *e, routine *f) { counters[10]++; return 0; }
EXPORT FAR int IoRegisterPlugPlayNotification(int a, int b, void *c, void *d, routine *r, void *e, void **f) { counters[11]++; return 0; }
EXPORT FAR void ExRaiseStatus(int s) { counters[12] += (u64)s; }

int KiSystemStartup(void *a) { HalDispatch[2] = KiDefault; KiInternal(a); return 0; }
