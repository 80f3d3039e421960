/* The mistake of cases/lost-wakeup in a native program, for rr's chaos mode: who waits looks at the flag before it takes the lock, so the
 * wake-up may come between. Exits with 1 when nobody wakes it within a second. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static atomic_int done;

static void *work(void *arg)
{
    (void)arg;
    atomic_store(&done, 1);
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&woken);
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void)
{
    pthread_t worker;
    int lost = 0;
    if (pthread_create(&worker, NULL, work, NULL))
        return 2;
    if (!atomic_load(&done)) {
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec++;
        pthread_mutex_lock(&lock);
        lost = pthread_cond_timedwait(&woken, &lock, &end) == ETIMEDOUT;
        pthread_mutex_unlock(&lock);
    }
    pthread_join(worker, NULL);
    return lost;
}
