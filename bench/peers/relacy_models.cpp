// The models `writers 3`, `rw 3` and `mutex 3 2` for relacy: every interleaving, no reduction. Prints runs and seconds of each.
#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>
#include <relacy/relacy.hpp>

struct writers : rl::test_suite<writers, 3> {
    rl::atomic<int> x;
    void before() { x($) = 0; }
    void thread(unsigned i) { x.store((int)i + 1, rl::memory_order_seq_cst); }
};

struct read_write : rl::test_suite<read_write, 3> {
    rl::atomic<int> x;
    void before() { x($) = 0; }
    void thread(unsigned)
    {
        int v = x.load(rl::memory_order_seq_cst);
        x.store(v + 1, rl::memory_order_seq_cst);
    }
};

struct locks : rl::test_suite<locks, 3> {
    rl::mutex m;
    void thread(unsigned)
    {
        for (int i = 0; i < 2; i++) {
            m.lock($);
            m.unlock($);
        }
    }
};

template <typename T> static void measure(const char *name)
{
    rl::test_params p;
    std::ostringstream quiet;
    p.search_type = rl::fair_full_search_scheduler_type;
    p.output_stream = &quiet;
    auto start = std::chrono::steady_clock::now();
    bool ok = rl::simulate<T>(p);
    double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::string text = quiet.str();
    size_t at = text.find("iterations: ");
    std::printf("%s: %s runs %.6f s%s\n", name, at == std::string::npos ? "?" : std::to_string(std::atoll(text.c_str() + at + 12)).c_str(), s, ok ? "" : " FAILED");
}

int main()
{
    measure<writers>("writers 3");
    measure<read_write>("rw 3");
    measure<locks>("mutex 3 2");
}
