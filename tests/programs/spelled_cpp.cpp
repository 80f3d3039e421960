// A C++ program with a main that has no result; the standard library comes from the archive.
#include <Windows.h>
#include <cstdio>
#include <string>
#include <vector>

static int destroyed;

struct counted {
    ~counted() { destroyed++; }
};

void main()
{
    std::vector<std::wstring> words = {L"one", L"two"};
    std::wstring all;
    {
        counted c;
        for (const auto &word : words)
            all += word;
    }
    if (all != L"onetwo" || destroyed != 1)
        ExitProcess(1);
    char text[32];
    std::snprintf(text, sizeof text, "%ws %I64d", all.c_str(), 5000000000LL);
    if (std::string(text) != "onetwo 5000000000")
        ExitProcess(2);
    std::printf("good\n");
}
