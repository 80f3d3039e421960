/* An exploration whose parts are explored by other processes (explore/share.h): its phases one after another, what they come to, the state
 * file. This process has no machine while it lasts. */
#ifndef IRPLAB_LAB_CAMPAIGN_H
#define IRPLAB_LAB_CAMPAIGN_H

#include "explore/bytes.h"
#include "explore/part.h"
#include "explore/share.h"
#include "lab/lab.h"

/* Whoever explores parts, somewhere. */
struct explorers {
    void *user;
    /* How many there are; 0: nobody yet. */
    unsigned (*count)(void *user);
    /* Somebody has nothing to do. */
    bool (*idle)(void *user);
    void (*give)(void *user, uint64_t id, const struct bytes *item, double seconds);
    /* Waits at most that long. PART_CAME: *id and bytes appended to answer; PART_LOST: *id. */
    enum part_news { NO_NEWS, PART_CAME, PART_LOST, EXPLORERS_FAILED /* lab->error says why */ } (*news)(void *user, double seconds, uint64_t *id, struct bytes *answer);
    /* Runs in parts that are out. */
    uint64_t (*running)(void *user);
    /* Asks one that explores a part to come back soon, in so many parts, for each that has nothing to do; or all of them. NULL: they cannot be asked. */
    void (*ask_back)(void *user, unsigned wanted, bool all);
    /* What is out is of no use any more; what became a scheduling point is known from now on. */
    void (*restart)(void *user);
    void (*end)(void *user);
};

/* What an explorer answers: loops and racing pairs that became scheduling points there, why a reduction cannot be trusted, whether an import was answered
 * by --stub, and the part's result. */
void campaign_answer(struct bytes *out, const struct bytes *result);
/* Explores an item here; for the explorers. Of how, stop and failed are filled in. */
bool campaign_explore(const struct explore_machine *machine, struct part_keep *keep, const void *item, size_t size, struct part_how how, struct bytes *out);

/* Fills in r->found and seconds. *opaque: why the reduction cannot be trusted, to be freed, or NULL. false: lab->error. */
bool campaign_run(struct irplab *lab, struct explorers *x, struct lab_result *r, char **opaque, bool *timed_out);

/* What is searched, for others to run: appended to out. Made by the usual run, in a process of its own. false: lab->error. */
bool target_make(struct irplab *lab, struct bytes *out);
/* lab->ready is that from now on; *run_hash is the usual run's where it was made. */
bool target_take(struct irplab *lab, const void *bytes, size_t size, uint64_t *run_hash);
/* What a state file holds becomes what lab searches, unless that was given, and then has to be the same. Before anything is forked. */
bool campaign_prepare(struct irplab *lab);

/* Explorers of this machine: processes forked now. */
bool crew_begin(struct irplab *lab, unsigned jobs, struct explorers *out);
/* Explorers that share a queue (queue.c). */
bool queue_begin(struct irplab *lab, struct explorers *out);
/* irplab worker: serves until the queue says that it is over, or for ever. 0, 2. */
int queue_work(struct irplab *lab);

/* A failed schedule is looked at by a process of its own before it is reported. Forked before this one has a machine. */
struct confirmer;
struct confirmer *confirm_begin(void);
/* Whether the replay file fails so there too. */
bool confirm_ask(struct confirmer *c, const char *replay, uint64_t key, uint64_t run_hash);
void confirm_end(struct confirmer *c);

#endif
