/* A driver in which every kind of edge and argument occurs once. truth.tsv lists them; keep the two together. */
typedef unsigned long long u64;
typedef unsigned int u32;
typedef void routine(void *, void *);
#define IMPORT __declspec(dllimport)
#define FAR __attribute__((noinline))

IMPORT void *ExAllocatePool2(u64, u64, u32);
IMPORT void ExFreePoolWithTag(void *, u32);
IMPORT void *IoAllocateWorkItem(void *);
IMPORT void IoQueueWorkItem(void *, routine *, int, void *);
IMPORT void KeInitializeDpc(void *, routine *, void *);
IMPORT int KeSetEvent(void *, int, int);
IMPORT void KeBugCheckEx(u32, u64, u64, u64, u64);
IMPORT int PoRequestPowerIrp(void *, int, u64, routine *, void *, void *);
IMPORT int IoCsqInitialize(void *, routine *, routine *, routine *, routine *, routine *, routine *);
IMPORT int IoRegisterPlugPlayNotification(int, int, void *, void *, routine *, void *, void **);
IMPORT void ExRaiseStatus(int);

volatile u64 state[64];
routine *volatile hook;
routine *const fixed_table[2];

FAR void WorkItem(void *a, void *b) { state[1] += (u64)a; }
FAR void WorkItemOther(void *a, void *b) { state[2] += (u64)b; }
FAR void DpcRoutine(void *a, void *b) { state[3] += (u64)a; }
FAR void PowerDone(void *a, void *b) { state[4] += (u64)a; }
FAR void CsqInsert(void *a, void *b) { state[5]++; }
FAR void CsqRemove(void *a, void *b) { state[6]++; }
FAR void CsqPeek(void *a, void *b) { state[7]++; }
FAR void CsqLock(void *a, void *b) { state[8]++; }
FAR void CsqUnlock(void *a, void *b) { state[9]++; }
FAR void CsqComplete(void *a, void *b) { state[10]++; }
FAR void Arrival(void *a, void *b) { state[11]++; }
FAR void OnlyByPointer(void *a, void *b) { KeSetEvent(a, 0, 0); }
routine *const fixed_table[2] = { OnlyByPointer, WorkItem };

FAR void CompleteAll(void *queue, int status) { state[12] += (u64)queue + (u64)(u32)status; }
FAR void Cancelled(void *queue) { CompleteAll(queue, (int)0xC0000120); state[13]++; }
FAR int TailCaller(void *a) { return KeSetEvent(a, 1, 0); }
/* As compilers for kernels write calls of imports, so that the loader can make them direct ones. */
FAR void Optimizable(void *e)
{
    state[18]++;
    __asm__ volatile("subq $40, %%rsp\n\t.byte 0x48\n\tcallq *__imp_KeSetEvent(%%rip)\n\t.byte 0x0f,0x1f,0x44,0,0\n\taddq $40, %%rsp" : : "c"(e)
                     : "rax", "rdx", "r8", "r9", "r10", "r11", "memory");
    state[19]++;
}

FAR void TailOwn(void *a) { state[14]++; CompleteAll(a, 0); }

/* Which routine is queued is decided in blocks that meet at the call. */
FAR void QueueOneOfTwo(void *device, int which)
{
    void *item = IoAllocateWorkItem(device);
    if (item)
        IoQueueWorkItem(item, which ? WorkItem : WorkItemOther, 1, device);
}

FAR void Callbacks(void *a)
{
    KeInitializeDpc(a, DpcRoutine, 0);
    PoRequestPowerIrp(a, 2, 1, PowerDone, a, 0);
    IoCsqInitialize(a, CsqInsert, CsqRemove, CsqPeek, CsqLock, CsqUnlock, CsqComplete);
    IoRegisterPlugPlayNotification(2, 1, a, a, Arrival, a, (void **)a);
}

FAR void *Pool(u64 n)
{
    void *p = ExAllocatePool2(64, n, 'oFtS');
    if (!p)
        ExRaiseStatus((int)0xC000009A);
    ExFreePoolWithTag(p, 'oFtS');
    return p;
}

FAR void Check(u64 a)
{
    if (a == 1)
        KeBugCheckEx(0xF7, a, 0, 0, 0);
    state[15]++;
    if (a == 2)
        KeBugCheckEx(0x5C, a, 0, 0, 0);
}

FAR u64 Even(u64 n);
FAR u64 Odd(u64 n) { return n == 0 ? state[20] : Even(n - 1) + 1; }
FAR u64 Even(u64 n) { return n == 0 ? state[21] : Odd(n - 1) + 2; }

FAR u64 Switch(u64 n, void *a)
{
    switch (n) {
    case 0: WorkItem(a, a); return state[30] * 3;
    case 1: WorkItemOther(a, a); return state[31] * 5;
    case 2: DpcRoutine(a, a); return state[32] * 7;
    case 3: CsqInsert(a, a); return state[33] * 11;
    case 4: CsqRemove(a, a); return state[34] * 13;
    case 5: CsqPeek(a, a); return state[35] * 17;
    default: return n;
    }
}

FAR void Guarded(void *a) { hook(a, a); state[16]++; }
FAR void GuardedFixed(void *a, u64 i) { fixed_table[i & 1](a, a); state[17]++; }
FAR u64 Leaf(u64 a, u64 b) { return a * 31 + b; }

struct driver { u64 head[6]; void *extension; u64 more[6]; routine *unload; routine *major[28]; };
FAR void Unload(struct driver *d, void *b) { state[40]++; }
FAR void Default(void *d, void *i) { state[41]++; }
FAR void Create(void *d, void *i) { QueueOneOfTwo(d, (int)state[0]); Cancelled(i); state[42]++; }
FAR void Close(void *d, void *i) { Callbacks(d); state[43] += Leaf(state[44], 3); }

FAR static void SetRoutines(struct driver *d)
{
    for (int i = 0; i < 28; i++)
        d->major[i] = Default;
    d->major[0] = Create;
    d->major[2] = Close;
    d->unload = (routine *)Unload;
}

int DriverEntry(struct driver *d, void *path)
{
    SetRoutines(d);
    hook = WorkItem;
    Check(state[50]);
    Pool(state[51]);
    state[52] += Even(9) + Switch(state[53], d);
    Guarded(d);
    GuardedFixed(d, state[54]);
    TailOwn(d);
    Optimizable(d);
    return TailCaller(d);
}
