/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue whose capacity changes all the time.  Who cannot push for a while
 * pops what it has pushed so far, so it never stands still for ever.
 */
#include <errno.h>

#include "soak/soak.h"

#define MOST 32
#define CAPACITY_MOST 64
#define PATIENCE 200000 /* ns */

static conc_bounded_queue *queue;
static struct account accounts[SOAK_THREADS];

static void begin(void)
{
	struct conc_bounded_queue_attr attr = {.size = sizeof(attr),
					       .capacity = CAPACITY_MOST};

	soak_check(conc_bounded_queue_new(&attr, &queue) == 0);
}

static bool push(struct soaker *soaker)
{
	uint64_t item = 1 + soak_random(soaker, UINT32_MAX);
	int rc = conc_bounded_queue_push(queue, (void *)(uintptr_t)item,
					 conc_deadline_after(PATIENCE), NULL);

	soak_check(rc == 0 || rc == -ETIMEDOUT);
	if (rc == 0)
		account_in(&accounts[soaker->who], item);
	return rc == 0;
}

static void pop(struct soaker *soaker)
{
	void *item;

	soak_check(conc_bounded_queue_pop(queue, &item, CONC_FOREVER, NULL) ==
		   0);
	account_out(&accounts[soaker->who], (uintptr_t)item);
	soak_check(conc_bounded_queue_size(queue) <= CAPACITY_MOST);
	soak_check(conc_bounded_queue_task_done(queue) == 0);
}

static unsigned burst(struct soaker *soaker)
{
	unsigned wanted = 1 + (unsigned)soak_random(soaker, MOST), count = 0;

	if (soak_random(soaker, 64) == 0)
		conc_bounded_queue_set_capacity(
			queue,
			1 + (int64_t)soak_random(soaker, CAPACITY_MOST));
	while (count < wanted && push(soaker))
		count++;
	for (unsigned i = 0; i < count; i++)
		pop(soaker);
	return 3 * count;
}

static void end(void)
{
	soak_check(conc_bounded_queue_join(queue, CONC_TRY, NULL) == 0);
	soak_check(conc_bounded_queue_size(queue) == 0);
	soak_balance("bounded queue", accounts);
	conc_bounded_queue_free(queue);
}

const struct load load_bounded_queue = {"bounded queue", begin, burst, end};
