/* lastzero(N): N writers, writer i: a[i] = a[i - 1] + 1; a reader looks for the last zero from the top. A step is a statement. */
#ifndef N
#define N 10
#endif
int a[N + 1];

proctype writer(int i)
{
    int v;
    v = a[i - 1];
    a[i] = v + 1
}

proctype reader()
{
    int i = N;
    int v;
    do
    :: v = a[i]; if :: v == 0 -> break :: else -> i = i - 1 fi
    od
}

init
{
    int k = 1;
    atomic {
        run reader();
        do :: k <= N -> run writer(k); k = k + 1 :: else -> break od
    }
}
