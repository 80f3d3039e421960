/* A session is one run from load to unload: it sets the machine up from a configuration and drives it with a system thread of its
 * own that loads drivers, starts devices and the program, waits for it, removes and unloads, and looks for what was left behind. */
#ifndef IRPLAB_SESSION_SESSION_H
#define IRPLAB_SESSION_SESSION_H

#include "session/config.h"
#include "sim/machine.h"

enum session_phase { PHASE_SETUP, PHASE_LOAD, PHASE_START, PHASE_PROGRAM, PHASE_REMOVE, PHASE_UNLOAD, PHASE_LEAKS, PHASE_DONE };

struct session {
    enum session_phase phase;
    struct agent *agent;
    uint32_t program_exit;
    bool program_ended;
    bool bad_input; /* an image could not be used */
    bool load_failed; /* a DriverEntry or a start failed, or an image could not be loaded */
    char message[512]; /* of the first failure found by the session itself (load, leak) */
    bool leak;
};

/* Process set-up: arena, signals. Once. */
void session_process_init(void);
/* Builds a fresh machine with the configuration; the machine is then ready for sim_run. */
void session_begin(const struct config *config);
/* Guard mode (mm/guard.h) for the run that begins now, whatever the configuration says: nothing has run yet. */
void session_guard(bool on);
const struct session *session_state(void);
const struct config *session_config(void);
/* Images beside the program that runs of this process have used so far (DLLs, drivers that the program loads); NULL: no more. */
enum { SESSION_MAX_MODULES = 32 };
struct image_file;
const struct image_file *session_module(uint32_t index);
/* Other files beside the program that runs of this process have opened; NULL: no more. */
struct session_file {
    char name[256];
    uint8_t *bytes;
    uint64_t size;
};
const struct session_file *session_data(uint32_t index);
/* One that a replay file brings; takes over bytes. False: too many. */
bool session_data_add(const char *name, uint8_t *bytes, uint64_t size);

/* How a run ended, in the terms of the command line's contract. */
enum failure_kind { FAILURE_NONE, FAILURE_BUGCHECK, FAILURE_VERIFIER, FAILURE_DEADLOCK, FAILURE_HANG, FAILURE_CRASH, FAILURE_EXIT, FAILURE_UNSUPPORTED, FAILURE_LOAD };
struct outcome {
    enum failure_kind kind;
    uint32_t code;
    char name[96];
    char message[768];
    uint64_t key; /* equal for failures of one cause */
    bool guarded; /* guard mode named it */
};
void session_outcome(struct outcome *out);
const char *failure_kind_text(enum failure_kind k);
/* The word for it in --json: bugcheck|verifier|deadlock|hang|crash|exit. */
const char *outcome_contract_kind(const struct outcome *o);
/* 0, 1 or 2 (an image that could not be used is an input error). */
int outcome_exit_status(const struct outcome *o);
/* Hash over the events of the run and the guest-visible bytes at its end. */
uint64_t session_run_hash(void);
/* All files are there and are images that can be used; otherwise one line in err. */
bool session_check_files(const struct config *config, char *err, size_t errlen);

#endif
