/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that read what others take away at the same moment, come, and end,
 * some of them inside a section.  What is freed is poisoned, and freed once.
 */
#include <config.h>

#include <concurrency.h>
#include <string.h>

#include "stress/crowd.h"

#define SLOTS 16
#define KEYS 16
#define MEMBERS 6
#define VISITS 40

struct item {
	struct conc_deferred deferred;
	uint64_t value;
	uint64_t inverse;
};

static struct world {
	struct crowd crowd;
	_Atomic(struct item *) slots[SLOTS];
	conc_dict *dict; /* of borrowed items */
	_Atomic long made, freed;
} world;

static struct item *make_item(uint64_t value)
{
	struct item *item = malloc(sizeof(*item));

	if (item == NULL)
		abort();
	item->value = value;
	item->inverse = ~value;
	atomic_fetch_add(&world.made, 1);
	return item;
}

static void check_item(const struct item *item)
{
	crowd_check(&world.crowd, item->inverse == ~item->value);
}

/* It may use the library: some wait once more. */
static void free_item(struct conc_deferred *deferred)
{
	struct item *item = (struct item *)deferred;

	check_item(item);
	if (item->value % 8 == 0) {
		item->value++;
		item->inverse = ~item->value;
		conc_defer(deferred, free_item);
		return;
	}
	crowd_check(&world.crowd, conc_reclaim(NULL) == -EBUSY);
	memset(item, 0xdb, sizeof(*item));
	free(item);
	atomic_fetch_add(&world.freed, 1);
}

static void give_up(struct item *item)
{
	if (item != NULL)
		conc_defer(&item->deferred, free_item);
}

static void replace_in_slot(uint64_t random)
{
	struct item *item = random % 4 == 0 ? NULL : make_item(random);

	/* acquire: what is in the other one; release: what is in this. */
	give_up(atomic_exchange_explicit(&world.slots[random / 4 % SLOTS], item,
					 memory_order_acq_rel));
}

static void replace_in_dict(uint64_t random)
{
	struct item *item;
	struct conc_value value = {.kind = CONC_POINTER}, old;
	int64_t key = (int64_t)(random / 4 % KEYS);
	void *found;

	if (random % 4 == 0) {
		if (conc_dict_int_take_pointer(world.dict, key, &found) == 0)
			give_up(found);
		return;
	}
	item = make_item(random);
	value.u.pointer = item;
	crowd_check(&world.crowd,
		    conc_dict_int_exchange(world.dict, key, &value, &old) == 0);
	if (old.kind == CONC_POINTER)
		give_up(old.u.pointer);
}

/* A section that goes on while others take the item away. */
static void read_slowly(const struct item *item, uint64_t random)
{
	for (uint64_t n = random % 8; n > 0; n--) {
		check_item(item);
		conc_read_begin();
		if (n % 4 == 0)
			sched_yield();
		conc_read_end();
	}
	check_item(item);
}

static void read_slot(uint64_t random)
{
	struct item *item;

	conc_read_begin();
	item = atomic_load_explicit(&world.slots[random / 8 % SLOTS],
				    memory_order_acquire);
	if (item != NULL)
		read_slowly(item, random);
	conc_read_end();
}

static void read_dict(uint64_t random)
{
	void *found;

	conc_read_begin();
	if (conc_dict_int_get_pointer(world.dict, (int64_t)(random / 8 % KEYS),
				      &found) == 0)
		read_slowly(found, random);
	conc_read_end();
}

static void do_something(uint64_t *seed)
{
	uint64_t random = crowd_random(seed);

	switch (crowd_random(seed) % 16) {
	case 0:
		replace_in_dict(random);
		break;
	case 1:
	case 2:
		replace_in_slot(random);
		break;
	case 3:
		if (random % 64 == 0)
			crowd_check(&world.crowd, conc_reclaim(NULL) == 0);
		break;
	case 4:
		(void)conc_reclaim_pending();
		break;
	case 5:
	case 6:
	case 7:
		read_dict(random);
		break;
	default:
		read_slot(random);
	}
}

static void *visit(void *arg)
{
	uint64_t seed = crowd_seed((unsigned)(uintptr_t)arg);

	for (int i = 0; i < VISITS; i++)
		do_something(&seed);
	/* Its end is the end of its section. */
	if (crowd_random(&seed) % 4 == 0)
		conc_read_begin();
	return NULL;
}

static void be_visited(uint64_t random)
{
	pthread_t visitors[3];

	for (size_t i = 0; i < COUNT_OF(visitors); i++)
		if (pthread_create(&visitors[i], NULL, visit,
				   (void *)(uintptr_t)(random + i)) != 0)
			abort();
	for (size_t i = 0; i < COUNT_OF(visitors); i++)
		pthread_join(visitors[i], NULL);
}

static void work(struct crowd *crowd, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(crowd)) {
		for (int i = 0; i < VISITS; i++)
			do_something(&seed);
		if (who % 2 == 0)
			be_visited(crowd_random(&seed));
	}
}

static void give_all_up(void)
{
	void *found;

	for (int i = 0; i < SLOTS; i++)
		give_up(atomic_exchange(&world.slots[i], NULL));
	for (int64_t key = 0; key < KEYS; key++)
		if (conc_dict_int_take_pointer(world.dict, key, &found) == 0)
			give_up(found);
	conc_dict_free(world.dict);
}

START_TEST(what_is_deferred_is_there_for_its_readers_and_freed_once)
{
	const struct conc_dict_attr attr = {.size = sizeof(attr),
					    .values = CONC_VALUE_BORROWED};

	ck_assert_int_eq(conc_dict_new(&attr, &world.dict), 0);
	crowd_run(&world.crowd, MEMBERS, work);
	give_all_up();
	/* Some have to wait twice. */
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_int_eq(atomic_load(&world.freed), atomic_load(&world.made));
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
	ck_assert_int_eq(atomic_load(&world.crowd.failures), 0);
	printf("%ld items\n", atomic_load(&world.made));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_deferred_is_there_for_its_readers_and_freed_once,
	};

	return run_tests("reclaiming under stress", tests, COUNT_OF(tests),
			 60 + crowd_seconds());
}
