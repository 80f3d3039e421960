/* Windows without a screen, and message queues.
 *
 * DOC: "About Messages and Message Queues" (Microsoft Learn). A window belongs to the thread that made it; only that thread calls its procedure.
 * Messages sent to it by others are handled inside that thread's GetMessage, PeekMessage or SendMessage; posted ones are returned, then WM_QUIT.
 * Nothing is ever drawn, moved or typed: no message comes but from programs and from the system's events. */
#include "win32/window.h"

#include <stdio.h>

#include "win32/exports.h"
#include "win32/wait.h"

enum { WM_CREATE = 1, WM_DESTROY = 2, WM_CLOSE = 0x10, WM_QUERYENDSESSION = 0x11, WM_QUIT = 0x12, WM_NCCREATE = 0x81, WM_NCDESTROY = 0x82, WM_NCCALCSIZE = 0x83,
       WM_POWERBROADCAST = 0x218, WM_DEVICECHANGE = 0x219, PM_REMOVE = 1, EXTRA_BYTES = 64, NAME_UNITS = 64, FIRST_WINDOW = 0x10010, FIRST_ATOM = 0xC000,
       GWLP_WNDPROC = -4, GWLP_HINSTANCE = -6, GWLP_HWNDPARENT = -8, GWLP_ID = -12, GWL_STYLE = -16, GWL_EXSTYLE = -20, GWLP_USERDATA = -21,
       WINDOW_ERROR_CLASS_EXISTS = 1410, WINDOW_ERROR_NO_CLASS = 1411, WINDOW_ERROR_CANNOT_FIND_CLASS = 1407, WINDOW_ERROR_HANDLE = 1400, WINDOW_ERROR_QUEUE = 1444 };
enum { HWND_MESSAGE = -3, HWND_BROADCAST = 0xFFFF };

struct message { /* MSG */
    uint64_t window;
    ULONG message, pad;
    uint64_t wparam, lparam;
    ULONG time;
    LONG x, y, pad2;
};
_Static_assert(sizeof(struct message) == 48, "MSG");

struct sent { /* somebody's message, on its way */
    struct sent *next;
    struct window *to; /* NULL: to the thread */
    ULONG message;
    uint64_t wparam, lparam;
    bool is_posted;
    uint8_t *data; /* private memory, becomes lparam */
    ULONG bytes;
    struct queue *sender; /* waits for the answer */
    bool *done;
    KEVENT *answered;
    uint64_t *answer;
};

struct queue { /* of a thread */
    struct queue *next;
    struct thread *thread;
    HANDLE id;
    KEVENT alert; /* something was put in */
    struct sent *first;
    bool quits;
    uint64_t quit_code;
};

struct window_class {
    struct window_class *next;
    struct process *process;
    WCHAR name[NAME_UNITS];
    uint16_t atom;
    uint64_t procedure, instance;
    LONG extra;
};

struct window {
    struct window *next;
    struct queue *queue;
    uint64_t handle, procedure, user_data, instance, parent, id;
    ULONG style, extended_style;
    const struct window_class *class;
    bool is_destroyed;
    uint8_t extra[EXTRA_BYTES];
    WCHAR text[NAME_UNITS];
};

struct windows {
    struct queue *queues;
    struct window_class *classes;
    struct window *windows;
    uint64_t window_count;
    uint16_t atom_count;
};

static struct windows *room(void)
{
    struct w32_room *r = w32_room();
    if (!r->windows)
        r->windows = sim_alloc(sizeof(struct windows));
    return r->windows;
}

/* ---- queues ---- */

static bool is_alive(const struct queue *q)
{
    for (struct thread *t = ps_threads(); t; t = t->next)
        if (t == q->thread)
            return t->ethread && t->ethread->Cid.UniqueThread == q->id && !t->exiting;
    return false;
}

static struct queue *queue_of_id(HANDLE id)
{
    struct queue *q = room()->queues;
    while (q && (q->id != id || !is_alive(q)))
        q = q->next;
    return q;
}

static struct queue *own_queue(void)
{
    struct thread *t = ps_current();
    struct queue *q = queue_of_id(t->ethread->Cid.UniqueThread);
    if (q)
        return q;
    q = sim_alloc(sizeof *q);
    q->thread = t;
    sim_name(q, sizeof *q, SIM_ACCESS_OF(SIM_MESSAGES, t->ethread));
    q->id = t->ethread->Cid.UniqueThread;
    KeInitializeEvent(&q->alert, SynchronizationEvent, FALSE);
    q->next = room()->queues;
    room()->queues = q;
    return q;
}

static void put(struct queue *q, const struct sent *what)
{
    struct sent *s = sim_alloc(sizeof *s), **at = &q->first;
    *s = *what;
    s->next = NULL;
    while (*at)
        at = &(*at)->next;
    *at = s;
    ke_event_set(&q->alert);
}

static void drop(struct sent *s)
{
    if (s->data)
        sim_free(s->data, s->bytes);
    sim_free(s, sizeof *s);
}

/* Takes out the first that is posted or not, and, if posted, fits. */
static struct sent *take(struct queue *q, bool posted, uint64_t window, ULONG low, ULONG high, bool leave)
{
    for (struct sent **at = &q->first; *at; at = &(*at)->next) {
        struct sent *s = *at;
        bool fits = !posted || ((!window || (s->to && s->to->handle == window) || (window == (uint64_t)-1 && !s->to)) &&
                                ((!low && !high) || (s->message >= low && s->message <= high)));
        if (s->is_posted != posted || !fits)
            continue;
        if (!leave)
            *at = s->next;
        return s;
    }
    return NULL;
}

/* ---- calling procedures ---- */

static uint64_t call(const struct window *w, ULONG message, uint64_t wparam, uint64_t lparam)
{
    return guest_call(FRAME_NONE, (void *)w->procedure, 4, w->handle, (uint64_t)message, wparam, lparam);
}

static void handle_sent(struct sent *s)
{
    uint64_t block = 0, r = 0;
    if (s->data && (block = w32_alloc(s->bytes)) != 0)
        memcpy((void *)block, s->data, s->bytes);
    if (!s->to->is_destroyed)
        r = call(s->to, s->message, s->wparam, block ? block : s->lparam);
    w32_free(block);
    if (s->answer)
        *s->answer = r;
    if (s->done) {
        *s->done = true;
        ke_event_set(&s->sender->alert);
    }
    if (s->answered)
        KeSetEvent(s->answered, 0, FALSE);
    drop(s);
}

static void handle_all_sent(struct queue *q)
{
    for (struct sent *s; (s = take(q, false, 0, 0, 0, false)) != NULL;)
        handle_sent(s);
}

struct window *window_of(uint64_t handle)
{
    struct window *w = MACHINE->rooms[ROOM_WIN32] && w32_room()->windows ? room()->windows : NULL;
    while (w && (w->handle != handle || w->is_destroyed || !is_alive(w->queue)))
        w = w->next;
    return w;
}

struct process *window_process(const struct window *w)
{
    return w->queue->thread->process;
}

bool window_is_top_level(const struct window *w)
{
    return w->parent == 0;
}

void window_tell(struct window *w, ULONG message, uint64_t wparam, const void *data, ULONG bytes, KEVENT *answered, uint64_t *answer)
{
    uint8_t *copy = bytes ? sim_alloc(bytes) : NULL;
    if (copy)
        memcpy(copy, data, bytes);
    put(w->queue, &(struct sent) { .to = w, .message = message, .wparam = wparam, .data = copy, .bytes = bytes, .answered = answered, .answer = answer });
}

void window_broadcast(ULONG message, uint64_t wparam)
{
    for (struct window *w = MACHINE->rooms[ROOM_WIN32] && w32_room()->windows ? room()->windows : NULL; w; w = w->next)
        if (window_is_top_level(w) && !w->is_destroyed && is_alive(w->queue))
            window_tell(w, message, wparam, NULL, 0, NULL, NULL);
}

/* ---- classes ---- */

/* A name or an atom. */
static const struct window_class *class_named(uint64_t name, bool wide)
{
    const struct window_class *c = room()->classes;
    for (; c; c = c->next) {
        if (c->process != ps_current()->process)
            continue;
        if (name < 0x10000 ? c->atom == name : wide && w32_wcsicmp(c->name, (const WCHAR *)name) == 0)
            break;
    }
    return c;
}

static uint16_t class_add(uint64_t procedure, LONG extra, uint64_t instance, const WCHAR *name)
{
    if (!procedure || !name || (uint64_t)name < 0x10000 || w32_wcslen(name) >= NAME_UNITS || extra < 0 || extra > EXTRA_BYTES)
        return (uint16_t)w32_error(ERROR_INVALID_PARAMETER);
    if (class_named((uint64_t)name, true))
        return (uint16_t)w32_error(WINDOW_ERROR_CLASS_EXISTS);
    struct window_class *c = sim_alloc(sizeof *c);
    *c = (struct window_class) { .process = ps_current()->process, .procedure = procedure, .extra = extra, .instance = instance };
    memcpy(c->name, name, (w32_wcslen(name) + 1) * 2);
    c->atom = (uint16_t)(FIRST_ATOM + room()->atom_count++);
    c->next = room()->classes;
    room()->classes = c;
    return c->atom;
}

struct class_given { /* WNDCLASS; the extended form has its size in front */
    ULONG style, pad;
    uint64_t procedure;
    LONG class_extra, window_extra;
    uint64_t instance, icon, cursor, brush, menu;
    uint64_t name;
};

static uint16_t class_given(const struct class_given *c, bool wide)
{
    uint64_t w = wide || c->name < 0x10000 ? 0 : w32_widen((const char *)c->name);
    uint16_t atom = class_add(c->procedure, c->window_extra, c->instance, w ? (const WCHAR *)w : (const WCHAR *)c->name);
    w32_free(w);
    return atom;
}

uint16_t RegisterClassW(const struct class_given *c)
{
    return class_given(c, true);
}

uint16_t RegisterClassA(const struct class_given *c)
{
    return class_given(c, false);
}

/* cbSize and style share the first eight bytes. */
uint16_t RegisterClassExW(const struct class_given *c)
{
    return c->style != 80 ? (uint16_t)w32_error(ERROR_INVALID_PARAMETER) : class_given(c, true);
}

uint16_t RegisterClassExA(const struct class_given *c)
{
    return c->style != 80 ? (uint16_t)w32_error(ERROR_INVALID_PARAMETER) : class_given(c, false);
}

static BOOL class_remove(uint64_t name)
{
    const struct window_class *c = class_named(name, true);
    if (!c)
        return w32_error(WINDOW_ERROR_NO_CLASS);
    for (const struct window *w = room()->windows; w; w = w->next)
        if (w->class == c && !w->is_destroyed && is_alive(w->queue))
            return w32_error(1412 /* ERROR_CLASS_HAS_WINDOWS */);
    for (struct window_class **at = &room()->classes; *at; at = &(*at)->next)
        if (*at == c) {
            (*at)->process = NULL; /* windows that are gone still point to it */
            break;
        }
    return TRUE;
}

BOOL UnregisterClassW(uint64_t name, uint64_t instance)
{
    return class_remove(name);
}

BOOL UnregisterClassA(uint64_t name, uint64_t instance)
{
    uint64_t w = name < 0x10000 ? 0 : w32_widen((const char *)name);
    BOOL r = class_remove(w ? w : name);
    w32_free(w);
    return r;
}

/* ---- windows ---- */

struct create { /* CREATESTRUCT */
    uint64_t parameter, instance, menu, parent;
    LONG height, width, y, x;
    LONG style, pad;
    uint64_t name, class;
    ULONG extended_style, pad2;
};
_Static_assert(sizeof(struct create) == 80, "CREATESTRUCT");

static void destroyed(struct window *w)
{
    w->is_destroyed = true;
}

static bool begin(struct window *w, const uint64_t *a)
{
    enum { RECT_BYTES = 16 };
    struct create *c = (struct create *)w32_alloc_zeroed(sizeof *c + RECT_BYTES);
    if (!c)
        return false;
    *c = (struct create) { a[11], a[10], a[9], a[8], (LONG)a[7], (LONG)a[6], (LONG)a[5], (LONG)a[4], (LONG)a[3], 0, a[2], a[1], (ULONG)a[0], 0 };
    bool made = call(w, WM_NCCREATE, 0, (uint64_t)c) != 0;
    if (made) {
        call(w, WM_NCCALCSIZE, 0, (uint64_t)(c + 1));
        made = (LONG)call(w, WM_CREATE, 0, (uint64_t)c) != -1;
        if (!made) {
            call(w, WM_DESTROY, 0, 0);
            call(w, WM_NCDESTROY, 0, 0);
        }
    } else {
        call(w, WM_NCDESTROY, 0, 0);
    }
    w32_free((uint64_t)c);
    return made;
}

/* extended style, class, name, style, x, y, width, height, parent, menu, instance, parameter */
static uint64_t create(const uint64_t *a, const struct window_class *c, const WCHAR *name)
{
    if (!c)
        return (uint64_t)w32_error(WINDOW_ERROR_CANNOT_FIND_CLASS);
    uint64_t parent = (int64_t)a[8] == HWND_MESSAGE ? (uint64_t)(int64_t)HWND_MESSAGE : a[8];
    if (parent && (int64_t)parent != HWND_MESSAGE && !window_of(parent))
        return (uint64_t)w32_error(WINDOW_ERROR_HANDLE);
    struct window *w = sim_alloc(sizeof *w);
    *w = (struct window) { .queue = own_queue(), .procedure = c->procedure, .instance = a[10], .parent = parent, .id = a[9], .style = (ULONG)a[3],
                           .extended_style = (ULONG)a[0], .class = c };
    w->handle = FIRST_WINDOW + 2 * room()->window_count++;
    for (size_t i = 0; name && name[i] && i < NAME_UNITS - 1; i++)
        w->text[i] = name[i];
    w->next = room()->windows;
    room()->windows = w;
    if (begin(w, a))
        return w->handle;
    destroyed(w);
    return 0;
}

uint64_t CreateWindowExW(const uint64_t *a)
{
    return create(a, class_named(a[1], true), (const WCHAR *)a[2]);
}

uint64_t CreateWindowExA(const uint64_t *a)
{
    uint64_t class = a[1] < 0x10000 ? 0 : w32_widen((const char *)a[1]), name = a[2] ? w32_widen((const char *)a[2]) : 0;
    uint64_t h = create(a, class_named(class ? class : a[1], true), (const WCHAR *)name);
    w32_free(class);
    w32_free(name);
    return h;
}

BOOL DestroyWindow(uint64_t handle)
{
    struct window *w = window_of(handle);
    if (!w)
        return w32_error(WINDOW_ERROR_HANDLE);
    if (w->queue != own_queue())
        return w32_error(ERROR_ACCESS_DENIED);
    call(w, WM_DESTROY, 0, 0);
    for (struct window *c = room()->windows; c; c = c->next)
        if (c->parent == handle && !c->is_destroyed)
            DestroyWindow(c->handle);
    call(w, WM_NCDESTROY, 0, 0);
    destroyed(w);
    return TRUE;
}

BOOL IsWindow(uint64_t handle)
{
    return window_of(handle) != NULL;
}

ULONG GetWindowThreadProcessId(uint64_t handle, ULONG *process)
{
    const struct window *w = window_of(handle);
    if (!w)
        return (ULONG)w32_error(WINDOW_ERROR_HANDLE);
    if (process)
        *process = window_process(w)->id;
    return (ULONG)(uint64_t)w->queue->id;
}

/* GUESS: a window that nobody can see is neither shown nor hidden; it was not visible before. */
BOOL ShowWindow(uint64_t handle, LONG how)
{
    return window_of(handle) ? FALSE : w32_error(WINDOW_ERROR_HANDLE);
}

BOOL UpdateWindow(uint64_t handle)
{
    return window_of(handle) ? TRUE : w32_error(WINDOW_ERROR_HANDLE);
}

/* DOC: what is known of any window; indices from 0 are the program's own bytes. */
static void *word_of(struct window *w, LONG index, size_t bytes)
{
    switch (index) {
    case GWLP_WNDPROC:
        return &w->procedure;
    case GWLP_HINSTANCE:
        return &w->instance;
    case GWLP_HWNDPARENT:
        return &w->parent;
    case GWLP_ID:
        return &w->id;
    case GWLP_USERDATA:
        return &w->user_data;
    case GWL_STYLE:
        return &w->style;
    case GWL_EXSTYLE:
        return &w->extended_style;
    default:
        return index >= 0 && (size_t)index + bytes <= (size_t)w->class->extra ? w->extra + index : NULL;
    }
}

static uint64_t word(uint64_t handle, LONG index, const uint64_t *value, size_t bytes)
{
    struct window *w = window_of(handle);
    if (!w)
        return (uint64_t)w32_error(WINDOW_ERROR_HANDLE);
    size_t n = index == GWL_STYLE || index == GWL_EXSTYLE ? 4 : bytes;
    void *at = word_of(w, index, n);
    if (!at)
        return (uint64_t)w32_error(1413 /* ERROR_INVALID_INDEX */);
    uint64_t old = 0;
    memcpy(&old, at, n);
    if (value)
        memcpy(at, value, n);
    return old;
}

uint64_t GetWindowLongPtrW(uint64_t handle, LONG index)
{
    return word(handle, index, NULL, 8);
}

uint64_t SetWindowLongPtrW(uint64_t handle, LONG index, uint64_t value)
{
    return word(handle, index, &value, 8);
}

LONG GetWindowLongW(uint64_t handle, LONG index)
{
    return (LONG)word(handle, index, NULL, 4);
}

LONG SetWindowLongW(uint64_t handle, LONG index, LONG value)
{
    uint64_t v = (uint32_t)value;
    return (LONG)word(handle, index, &v, 4);
}

/* GUESS: what nobody answers about devices and power is granted. */
uint64_t DefWindowProcW(uint64_t handle, ULONG message, uint64_t wparam, uint64_t lparam)
{
    switch (message) {
    case WM_NCCREATE:
    case WM_QUERYENDSESSION:
    case WM_DEVICECHANGE:
    case WM_POWERBROADCAST:
        return TRUE;
    case WM_CLOSE:
        DestroyWindow(handle);
        return 0;
    default:
        return 0;
    }
}

/* ---- messages ---- */

static BOOL post(struct window *w, struct queue *q, ULONG message, uint64_t wparam, uint64_t lparam)
{
    sim_access((uint64_t)q, SIM_WRITE);
    put(q, &(struct sent) { .to = w, .message = message, .wparam = wparam, .lparam = lparam, .is_posted = true });
    return TRUE;
}

BOOL PostThreadMessageW(ULONG thread, ULONG message, uint64_t wparam, uint64_t lparam)
{
    struct queue *q = queue_of_id((HANDLE)(uint64_t)thread);
    return q ? post(NULL, q, message, wparam, lparam) : w32_error(WINDOW_ERROR_QUEUE);
}

BOOL PostMessageW(uint64_t handle, ULONG message, uint64_t wparam, uint64_t lparam)
{
    struct window *w = window_of(handle);
    if (!handle)
        return post(NULL, own_queue(), message, wparam, lparam);
    return w ? post(w, w->queue, message, wparam, lparam) : w32_error(WINDOW_ERROR_HANDLE);
}

void PostQuitMessage(LONG code)
{
    struct queue *q = own_queue();
    q->quits = true;
    q->quit_code = (uint64_t)(uint32_t)code;
    ke_event_set(&q->alert);
}

/* Waits until something is put into the queue. false: the time is over. */
static bool wait(struct queue *q, ULONG milliseconds)
{
    struct w32_frame f = w32_frame_push(FRAME_NtUserGetMessage);
    NTSTATUS s = nt_wait_for_alert(&q->alert, w32_timeout((LARGE_INTEGER *)f.locals, milliseconds));
    w32_frame_pop(&f);
    return s != STATUS_TIMEOUT;
}

uint64_t SendMessageW(uint64_t handle, ULONG message, uint64_t wparam, uint64_t lparam)
{
    struct window *w = window_of(handle);
    if (!w)
        return (uint64_t)w32_error(WINDOW_ERROR_HANDLE);
    struct queue *q = own_queue();
    if (w->queue == q)
        return call(w, message, wparam, lparam);
    if (window_process(w) != ps_current()->process)
        return (uint64_t)w32_error(ERROR_ACCESS_DENIED); /* pointers of one process mean nothing in another */
    struct answer {
        bool done;
        uint64_t value;
    } *r = sim_alloc(sizeof *r);
    sim_access((uint64_t)w->queue, SIM_WRITE);
    put(w->queue, &(struct sent) { .to = w, .message = message, .wparam = wparam, .lparam = lparam, .sender = q, .done = &r->done, .answer = &r->value });
    while (!r->done && is_alive(w->queue)) {
        handle_all_sent(q);
        if (!r->done)
            wait(q, (ULONG)INFINITE);
    }
    uint64_t value = r->value;
    sim_free(r, sizeof *r);
    return value;
}

/* 1: there is one; -1: WM_QUIT; 0: nothing. */
static int next(struct queue *q, struct message *to, uint64_t window, ULONG low, ULONG high, bool leave)
{
    sim_access((uint64_t)q, SIM_WRITE);
    handle_all_sent(q);
    struct sent *s = take(q, true, window, low, high, leave);
    if (!s && !q->quits)
        return 0;
    struct message m = { .message = WM_QUIT, .wparam = q->quit_code, .time = GetTickCount() };
    if (s) {
        m.window = s->to ? s->to->handle : 0;
        m.message = s->message;
        m.wparam = s->wparam;
        m.lparam = s->lparam;
        if (!leave)
            drop(s);
    } else if (!leave) {
        q->quits = false;
    }
    *to = m;
    return m.message == WM_QUIT ? -1 : 1;
}

LONG GetMessageW(struct message *to, uint64_t window, ULONG low, ULONG high)
{
    struct queue *q = own_queue();
    if (window && window != (uint64_t)-1 && !window_of(window))
        return w32_error(WINDOW_ERROR_HANDLE), -1;
    w32_console_flush();
    for (int r;;) {
        if ((r = next(q, to, window, low, high, false)) != 0)
            return r > 0;
        wait(q, (ULONG)INFINITE);
    }
}

BOOL PeekMessageW(struct message *to, uint64_t window, ULONG low, ULONG high, ULONG flags)
{
    return next(own_queue(), to, window, low, high, !(flags & PM_REMOVE)) != 0;
}

BOOL TranslateMessage(const struct message *m)
{
    return FALSE; /* there is no keyboard */
}

uint64_t DispatchMessageW(const struct message *m)
{
    struct message own = *m;
    struct window *w = own.window ? window_of(own.window) : NULL;
    return w ? call(w, own.message, own.wparam, own.lparam) : 0;
}

/* The handles, or a message: their number. DOC: one that was seen before (and left) does not count, except with MWMO_INPUTAVAILABLE; here what is in the queue counts. */
ULONG MsgWaitForMultipleObjectsEx(ULONG count, const HANDLE *handles, ULONG milliseconds, ULONG mask, ULONG flags)
{
    enum { ALL = 1, ALERTABLE = 2, FAILED = -1, TIMEOUT = 258, IO_COMPLETION = 0xC0 };
    void *objects[MAXIMUM_WAIT_OBJECTS];
    struct queue *q = own_queue();
    if (count >= MAXIMUM_WAIT_OBJECTS || flags & ALL)
        return w32_error(ERROR_INVALID_PARAMETER), (ULONG)FAILED;
    for (ULONG i = 0; i < count; i++)
        if (!(objects[i] = ob_waitable_of_handle(ps_current()->process, handles[i])))
            return w32_error(ERROR_INVALID_HANDLE), (ULONG)FAILED;
    handle_all_sent(q);
    if (q->first || q->quits)
        ke_event_set(&q->alert);
    objects[count] = &q->alert;
    struct w32_frame f = w32_frame_push(FRAME_WaitForMultipleObjectsEx);
    LARGE_INTEGER *timeout = w32_timeout((LARGE_INTEGER *)f.locals, milliseconds);
    KWAIT_BLOCK *blocks = sim_alloc(MAXIMUM_WAIT_OBJECTS * sizeof *blocks);
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtWaitForMultipleObjects);
    NTSTATUS s = KeWaitForMultipleObjects(count + 1, objects, WaitAny, UserRequest, UserMode, (flags & ALERTABLE) != 0, timeout, blocks);
    ps_syscall_leave(&sc);
    sim_free(blocks, MAXIMUM_WAIT_OBJECTS * sizeof *blocks);
    w32_frame_pop(&f);
    if (s == (NTSTATUS)count)
        handle_all_sent(q);
    return (ULONG)s;
}

ULONG MsgWaitForMultipleObjects(ULONG count, const HANDLE *handles, BOOL all, ULONG milliseconds, ULONG mask)
{
    return MsgWaitForMultipleObjectsEx(count, handles, milliseconds, mask, all ? 1 : 0);
}
