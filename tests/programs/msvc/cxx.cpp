// C++ exceptions and types at run time as Microsoft's ABI has them.
#include "msvc.h"

extern "C" {
__declspec(dllimport) void *__current_exception();
__declspec(dllimport) int __uncaught_exceptions();
__declspec(dllimport) const char *__std_type_info_name(void *data, void *list);
__declspec(dllimport) int __std_type_info_compare(const void *a, const void *b);
typedef void (*handler)();
__declspec(dllimport) handler set_terminate(handler);
}

// What happened, digit by digit.
static long long trail;
static void note(int digit) { trail = trail * 10 + digit; }

struct noted {
    int digit;
    explicit noted(int d) : digit(d) {}
    ~noted() { note(digit); }
};

static __declspec(noinline) void throw_int(int v)
{
    noted n(1);
    throw v;
}

static void test_basic()
{
    trail = 0;
    int got = 0;
    try {
        noted a(2);
        throw_int(42);
        note(9);
    } catch (int v) {
        got = v;
        note(3);
    }
    note(4);
    CHECK_EQ(got, 42);
    CHECK_EQ(trail, 1234);
    CHECK_EQ(*(void **)__current_exception(), 0);
}

static void test_types()
{
    trail = 0;
    for (int i = 0; i < 4; i++)
        try {
            if (i == 0)
                throw 1.5;
            if (i == 1)
                throw "text";
            if (i == 2)
                throw (const int *)nullptr;
            throw 'c';
        } catch (int) {
            note(9);
        } catch (double d) {
            note(d == 1.5 ? 1 : 8);
        } catch (const char *s) {
            note(s[0] == 't' ? 2 : 8);
        } catch (const void *p) { // a pointer converts
            note(p ? 8 : 3);
        } catch (...) {
            note(4);
        }
    CHECK_EQ(trail, 1234);
}

// Objects that are copied into blocks, and destroyed as often as made.
static int alive, copies;
struct base1 {
    virtual int who() { return 1; }
    int x = 11;
};
struct base2 {
    virtual int other() { return 2; }
    int y = 22;
};
struct thrown : base1, base2 {
    int z = 33;
    thrown() { alive++; }
    thrown(const thrown &o) : base1(o), base2(o), z(o.z) { alive++, copies++; }
    ~thrown() { alive--; }
    int who() override { return 3; }
};

static void test_objects()
{
    alive = copies = 0;
    try {
        throw thrown();
    } catch (thrown t) {
        CHECK_EQ(t.z, 33);
        CHECK_EQ(copies, 1);
        CHECK_EQ(alive, 2);
    }
    CHECK_EQ(alive, 0);
    try {
        throw thrown();
    } catch (base2 &b) {
        CHECK_EQ(b.y, 22);
        CHECK_EQ(b.other(), 2);
        CHECK_EQ(alive, 1);
    }
    CHECK_EQ(alive, 0);
    thrown t;
    try {
        throw &t;
    } catch (base2 *b) {
        CHECK_EQ(b->y, 22);
        CHECK_EQ(b == static_cast<base2 *>(&t), 1);
    }
    try {
        throw thrown();
    } catch (base1 b) { // a part of it
        CHECK_EQ(b.who(), 1);
        CHECK_EQ(b.x, 11);
    }
    CHECK_EQ(alive, 1);
}

struct root {
    int r = 5;
    virtual ~root() {}
};
struct left : virtual root {
    int l = 6;
};
struct right : virtual root {
    int ri = 7;
};
struct bottom : left, right {
    int b = 8;
};

static void test_virtual_base()
{
    int got = 0;
    try {
        throw bottom();
    } catch (root &r) {
        got = r.r;
    }
    CHECK_EQ(got, 5);
    got = 0;
    try {
        throw bottom();
    } catch (right r) {
        got = r.ri * 10 + r.r;
    }
    CHECK_EQ(got, 75);
}

static void test_rethrow()
{
    trail = 0;
    alive = copies = 0;
    try {
        noted a(3);
        try {
            noted b(1);
            throw thrown();
        } catch (base1 &) {
            noted c(2);
            CHECK_EQ(__uncaught_exceptions(), 0);
            throw;
        }
    } catch (thrown &t) {
        note(4);
        CHECK_EQ(alive, 1);
        CHECK_EQ(t.z, 33);
    }
    CHECK_EQ(trail, 1234);
    CHECK_EQ(alive, 0);
    CHECK_EQ(copies, 0);
    CHECK_EQ(*(void **)__current_exception(), 0);
}

// An exception of its own out of a block replaces the one that was handled.
static void test_replace()
{
    trail = 0;
    alive = 0;
    try {
        noted a(3);
        try {
            throw thrown();
        } catch (thrown &) {
            noted b(1);
            throw 7;
        }
    } catch (int v) {
        CHECK_EQ(alive, 0);
        note(v);
    }
    CHECK_EQ(trail, 137);
    CHECK_EQ(alive, 0);
}

static __declspec(noinline) int inner_throw(int v)
{
    try {
        throw v;
    } catch (int w) {
        return w + 1;
    }
}

static void test_nested()
{
    trail = 0;
    try {
        throw 1;
    } catch (int a) {
        note(a);
        try {
            noted n(2);
            throw 3.0;
        } catch (double) {
            note(3);
            note(inner_throw(3));
            try {
                throw 5L;
            } catch (long b) {
                note((int)b);
            }
            note(6);
        }
        note(7);
        try {
            throw;
        } catch (int again) {
            note(again + 7);
        }
    }
    CHECK_EQ(trail, 12345678);
    // Thrown on inside a block, and then replaced: the outer block still has its object.
    trail = 0;
    alive = 0;
    try {
        throw thrown();
    } catch (thrown &t) {
        try {
            try {
                throw;
            } catch (base2 &) {
                throw 1.5;
            }
        } catch (double) {
            CHECK_EQ(alive, 1);
            CHECK_EQ(t.z, 33);
            note(1);
        }
    }
    CHECK_EQ(alive, 0);
    CHECK_EQ(trail, 1);
    // Out of two blocks at once, caught by the function's own outer one.
    trail = 0;
    try {
        noted n(4);
        try {
            throw 1;
        } catch (int) {
            noted m(3);
            try {
                throw 2.0;
            } catch (double) {
                noted k(2);
                note(1);
                throw 'x';
            }
        } catch (char) {
            note(9); // not for what its sibling throws
        }
    } catch (char c) {
        note(c == 'x' ? 5 : 9);
    }
    CHECK_EQ(trail, 12345);
}

static void test_loop()
{
    trail = 0;
    int sum = 0;
    for (int i = 0; i < 1000; i++)
        try {
            noted n(0);
            if (i % 3 == 0)
                throw i;
            if (i % 3 == 1)
                continue;
            sum += 1;
        } catch (int v) {
            sum += v % 7;
            if (v > 900)
                break;
        }
    CHECK_EQ(sum, 1204);
}

// A constructor that fails: what is made already is destroyed, in reverse.
struct parts {
    noted a, b;
    explicit parts(bool fail) : a(2), b(1)
    {
        if (fail)
            throw 3;
    }
};

static void test_constructors()
{
    trail = 0;
    try {
        parts *p = new parts(true);
        (void)p;
    } catch (int v) {
        note(v);
    }
    CHECK_EQ(trail, 123);
}

static __declspec(noinline) void thrower(int depth)
{
    noted n(depth % 2);
    if (depth == 0)
        throw depth;
    thrower(depth - 1);
}

static void test_deep()
{
    trail = 0;
    int caught = -1;
    try {
        thrower(100);
    } catch (int v) {
        caught = v;
    }
    CHECK_EQ(caught, 0);
}

// A structured exception passes C++ frames: their objects are destroyed, their blocks not asked.
static __declspec(noinline) void raise_through()
{
    noted n(1);
    try {
        noted m(2);
        RaiseException(0xE0000001, 0, 0, nullptr);
    } catch (...) {
        note(9);
    }
}

static __declspec(noinline) int around()
{
    __try {
        raise_through();
    } __except (1) {
        return 1;
    }
    return 0;
}

static void test_structured()
{
    trail = 0;
    CHECK_EQ(around(), 1);
    CHECK_EQ(trail, 21);
}

// A finally block between a throw and its catch.
static __declspec(noinline) void with_finally()
{
    __try {
        throw_int(5);
    } __finally {
        note(2);
    }
}

static void test_finally()
{
    trail = 0;
    try {
        with_finally();
    } catch (int) {
        note(3);
    }
    CHECK_EQ(trail, 123);
}

// ---- types at run time ----

struct unrelated {
    virtual ~unrelated() {}
};
class hidden : private base1 {
public:
    base1 *up() { return this; }
};
namespace outer {
class named {
public:
    virtual ~named() {}
};
}

static __declspec(noinline) base1 *hide(void *p) { return (base1 *)p; }

static void test_casts()
{
    thrown t;
    base1 *p = &t;
    CHECK(dynamic_cast<thrown *>(p) == &t);
    CHECK(dynamic_cast<base2 *>(p) == &t);
    CHECK(dynamic_cast<void *>(static_cast<base2 *>(p == nullptr ? nullptr : &t)) == &t);
    CHECK(dynamic_cast<unrelated *>(p) == nullptr);
    CHECK(dynamic_cast<thrown *>(hide(nullptr)) == nullptr);
    base1 plain;
    p = &plain;
    CHECK(dynamic_cast<thrown *>(p) == nullptr);
    bottom b;
    left *l = &b;
    root *r = &b;
    CHECK(dynamic_cast<right *>(l) == &b);
    CHECK(dynamic_cast<bottom *>(r) == &b);
    CHECK(dynamic_cast<left *>(r) == l);
    hidden h;
    CHECK(dynamic_cast<hidden *>(h.up()) == nullptr); // by a private base
}

static void test_typeid()
{
    thrown t;
    base1 *p = &t;
    CHECK_EQ(strcmp(typeid(*p).raw_name(), typeid(thrown).raw_name()), 0);
    CHECK(strcmp(typeid(*p).raw_name(), typeid(base1).raw_name()) != 0);
    CHECK_EQ(strcmp(typeid(thrown).raw_name(), ".?AUthrown@@"), 0);
    CHECK_EQ(strcmp(__std_type_info_name((char *)&typeid(outer::named) + 8, nullptr), "class outer::named"), 0);
    CHECK_EQ(strcmp(__std_type_info_name((char *)&typeid(int) + 8, nullptr), "int"), 0);
    CHECK_EQ(__std_type_info_compare((char *)&typeid(int) + 8, (char *)&typeid(int) + 8), 0);
}

namespace std {
class exception {
public:
    virtual ~exception();
    virtual const char *what() const;
    const char *text;
    bool is_copy;
};
class bad_cast : public exception {};
}

static void test_bad_cast()
{
    base1 plain;
    base1 *p = &plain;
    bool caught = false;
    try {
        (void)dynamic_cast<thrown &>(*p);
    } catch (std::exception &e) {
        caught = strcmp(e.what(), "Bad dynamic_cast!") == 0;
    }
    CHECK(caught);
}

// ---- the end ----

static void at_terminate()
{
    note(2);
    CHECK_EQ(trail, 12);
    if (failures == 0)
        say("good\n");
    ExitProcess(failures);
}

static volatile bool again = true;
struct throws_again {
    ~throws_again() noexcept(false)
    {
        if (again)
            throw 2;
    }
};

extern "C" void start()
{
    test_basic();
    test_types();
    test_objects();
    test_virtual_base();
    test_rethrow();
    test_replace();
    test_nested();
    test_loop();
    test_constructors();
    test_deep();
    test_structured();
    test_finally();
    test_casts();
    test_typeid();
    test_bad_cast();
    // A destructor that throws while an exception is on its way ends the program: std::terminate.
    trail = 1;
    set_terminate(at_terminate);
    try {
        throws_again t;
        throw 1;
    } catch (int) {
    }
    say("went on behind std::terminate\n");
    ExitProcess(99);
}
