/* Names of C++: every kind of piece that a driver's symbols have. */
namespace store { struct Traits { typedef int key; }; enum Kind { A, B };
template <class T> class Box { public: __attribute__((noinline)) int Get(T v) { return count += (int)sizeof v; } Box() : count(0) {} ~Box(); int count;
  __attribute__((noinline)) Box &operator+=(const Box &o) { count += o.count; return *this; } operator int(); bool operator()(int) const; };
template <class T> Box<T>::~Box() { count = -1; }
template <class T> Box<T>::operator int() { return count; }
template <class T> bool Box<T>::operator()(int v) const { return v == count; }
template <int N, class... P> __attribute__((noinline)) int Sum(P... p) { return N + (0 + ... + p); }
template <void (*F)(int)> struct Caller { __attribute__((noinline)) static void Call() { F(3); } };
}
volatile int sink;
namespace { struct Hidden { __attribute__((noinline)) int Work(int *p) { return *p + sink; } }; }
class Base { public: virtual int f(int) { return 1; } virtual ~Base() {} };
class Derived : public Base { public: int f(int v) override { return v + sink; } };
void Callback(int v) { sink += v; }
void operator delete(void *, unsigned long long) {}
void operator delete(void *) {}
void *operator new(unsigned long long n) { return (void *)(n + (unsigned long long)sink); }
__attribute__((noinline)) int Local(int v) { struct Inner { __attribute__((noinline)) static int Deep(int v) { return v * sink; } }; return Inner::Deep(v) + 1; }
template <class A, class B> __attribute__((noinline)) int Two(A *a, B &b, int (*f)(A, const B *)) { return f(*a, &b); }
int Pair(store::Kind k, const store::Box<store::Traits> *b) { return k + b->count; }
extern "C" int DriverEntry(void *a, void *b) {
  store::Box<store::Traits> x; x.Get(store::Traits()); store::Box<store::Traits> y; y += x; sink += y; sink += x(3);
  store::Box<store::Box<int *>> z; z.Get(store::Box<int *>());
  Hidden h; int q = sink; h.Work(&q); sink += store::Sum<-5>(1, 2L, 'c'); store::Caller<Callback>::Call();
  Base *p = sink ? new Derived : new Base; sink += p->f(2); delete p; sink += Local(sink);
  store::Kind k = store::B; sink += Two(&k, x, Pair); return sink; }
