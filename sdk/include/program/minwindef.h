/* min and max of windows.h in C++. Microsoft's are macros, which libstdc++ would take away again (bits/c++config.h): here they are functions that
 * take two types, and give way to std::min and std::max where those fit. */
#ifndef IRPLAB_SDK_MINWINDEF_H
#define IRPLAB_SDK_MINWINDEF_H

#include_next <minwindef.h>

#ifdef __cplusplus /* windows.h and the C++ library define NOMINMAX themselves */
extern "C++" {
template <typename A, typename B> constexpr auto(min)(A a, B b) -> decltype(true ? a : b)
{
    return b < a ? b : a;
}
template <typename A, typename B> constexpr auto(max)(A a, B b) -> decltype(true ? a : b)
{
    return a < b ? b : a;
}
}
#endif

#endif
