/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In liburcu's place while lib/ is explored: read sections and grace periods
 * that order what liburcu promises and nothing else (explore.cc, "grace
 * periods").
 */
#ifndef EXPLORE_URCU_BP_H
#define EXPLORE_URCU_BP_H

struct urcu_bp_reader;

void urcu_bp_register_thread(void);
void urcu_bp_read_lock(void);
void urcu_bp_read_unlock(void);
int urcu_bp_read_ongoing(void);
void urcu_bp_synchronize_rcu(void);
void urcu_bp_before_fork(void);
void urcu_bp_after_fork_child(void);

#endif
