/* Stands between the run-time's start-up code and a `main` (IRPLAB_MAIN; or wmain) that C does not know: with a result of void, or with parameters
 * of other types (`ULONG argc`), both of which Microsoft's compiler takes. Linked only with such programs, where the linker
 * wraps the name.
 *
 * A main without a result ends the program with 0. (GUESS: Microsoft's compiler clears eax at the end of a void main.) */
#ifdef IRPLAB_VOID_MAIN
#define RESULT(call) ((call), 0)
#else
#define RESULT(call) (call)
#endif

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)
#define REAL JOINED(__real_, IRPLAB_MAIN)
#define WRAP JOINED(__wrap_, IRPLAB_MAIN)

typedef int any_main(int, void *, void *);

any_main REAL, WRAP;

int WRAP(int argc, void *argv, void *envp)
{
    return RESULT(REAL(argc, argv, envp));
}
