/* Linked into images built with irplab cc --coverage: the ends of the array of edge guards, which the linker sorts by the
 * letters behind the dollar sign. The compiler skips the first eight bytes itself. */
__attribute__((section(".SCOV$GA"), used)) unsigned long long __start___sancov_guards = 0;
__attribute__((section(".SCOV$GZ"), used)) unsigned int __stop___sancov_guards = 0;
