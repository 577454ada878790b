/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In liburcu's place while lib/ is explored: its sections as a thread counts
 * them itself, which order nothing, and its barriers, as the headers of the same
 * names beside this one have them.  How the kernel's membarrier and fences order is
 * explore.cc's ("full barriers").
 */
#ifndef EXPLORE_URCU_BP_H
#define EXPLORE_URCU_BP_H

#include <stdatomic.h>

/*
 * Whether readers have no barriers of their own: chosen anew for each run, unless
 * the program sets it in explore_before().
 */
extern int urcu_bp_has_sys_membarrier;

struct urcu_bp_reader {
	unsigned long ctr;
};

struct urcu_bp_gp {
	unsigned long ctr;
};

#define URCU_BP_GP_COUNT 1UL
#define URCU_BP_GP_CTR_NEST_MASK 0xffffUL
#define URCU_TLS(name) (&name##_own)

extern struct urcu_bp_gp urcu_bp_gp;
extern _Thread_local struct urcu_bp_reader urcu_bp_reader_own;

#define CMM_LOAD_SHARED(x) (x)
#define CMM_STORE_SHARED(x, v) ((x) = (v))
#define cmm_barrier() ((void)0)
#define cmm_smp_mb() atomic_thread_fence(memory_order_seq_cst)

static inline void urcu_bp_register_thread(void)
{
}

static inline void urcu_bp_read_lock(void)
{
	urcu_bp_reader_own.ctr += URCU_BP_GP_COUNT;
}

static inline void urcu_bp_read_unlock(void)
{
	urcu_bp_reader_own.ctr -= URCU_BP_GP_COUNT;
}

static inline int urcu_bp_read_ongoing(void)
{
	return (urcu_bp_reader_own.ctr & URCU_BP_GP_CTR_NEST_MASK) != 0;
}

#endif
