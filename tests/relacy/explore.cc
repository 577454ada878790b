// SPDX-License-Identifier: LGPL-2.1-or-later
//
// explore: runs a program on the library under Relacy's C11 memory model.
//
//     explore PROGRAM.so ITERATIONS [trace]
//
// The library is not transcribed.  Its own C files are compiled with
// -fsanitize=thread, and this file stands where ThreadSanitizer's run-time library
// would: so each atomic operation of the compiled code comes here, with its memory
// order, and each plain access too.
//
// Relacy runs the threads as fibers, of which one goes on at each atomic operation,
// keeps the newest values of every atomic object, and the vector clocks that say
// what happens before what.  A load gets any of these values that its order and the
// clocks allow.  Plain accesses, allocations and frees are checked against the
// clocks here: a pair of which one writes and neither happens before the other is a
// data race, also if this very interleaving had them one after the other.
//
// Out of Relacy's reach: loads of values that are stored later (which C11 would let
// relaxed loads read), stores that take effect in another order than they are run
// in, and more than the two last values of an object beside the newest.
#include <errno.h>

// Here these names mean the system's, below Relacy's.
static const int WORD_DIFFERS = EAGAIN, TIMED_OUT = ETIMEDOUT;
static void set_errno(int error) { errno = error; }

#include <relacy/relacy.hpp>

#include <dlfcn.h>
#include <link.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

#undef $
#undef calloc
#undef malloc

namespace {

const int THREADS_MOST = 3;
const size_t ARENA_BYTES = 1 << 18;

typedef rl::thread_info_base thread;

const rl::debug_info NOWHERE("", "", 0);

rl::context &relacy() { return rl::ctx(); }
thread &self() { return *relacy().threadx_; }
int thread_count() { return relacy().get_thread_count(); }

void fail(rl::test_result_e result, const char *what)
{
	relacy().fail_test(what, result, NOWHERE);
}

// ---- vector clocks ---------------------------------------------------------

struct clock {
	uint32_t at[THREADS_MOST];

	void clear() { memset(at, 0, sizeof(at)); }
	template <typename T> void join(const T *other)
	{
		for (int i = 0; i < thread_count(); i++)
			if (at[i] < other[i])
				at[i] = other[i];
	}
	// Does all that is noted here happen before what `t' does now?
	bool before(const thread &t) const
	{
		for (int i = 0; i < thread_count(); i++)
			if (t.acq_rel_order_[i] < at[i])
				return false;
		return true;
	}
	void note(const thread &t) { at[t.index_] = t.own_acq_rel_order_; }
};

void acquire(thread &t, const clock &from)
{
	t.own_acq_rel_order_ += 1;
	for (int i = 0; i < thread_count(); i++)
		if (t.acq_rel_order_[i] < from.at[i])
			t.acq_rel_order_[i] = from.at[i];
}

void release(thread &t, clock &to)
{
	t.own_acq_rel_order_ += 1;
	to.join(t.acq_rel_order_);
}

// ---- the program -----------------------------------------------------------

struct program {
	const int *threads;
	void (*before)(void);
	void (*thread)(int);
	void (*after)(void);
	char *base;
	// Its static data, and how it looked at first.
	char *data;
	size_t data_bytes;
	char *data_at_first;
	// What is _Thread_local in the library, and how it looked at first.
	char *local;
	size_t local_bytes;
	char *local_at_first;
	// What a run chooses: whether there is membarrier, and whether its threads
	// have been readers before.
	int *has_membarrier;
	void (*become_reader)(void);
} program;

char local_of[THREADS_MOST][1024];
int local_owner;
bool were_readers;

// Each fiber finds its own thread-local variables.
void switch_local()
{
	int now = self().index_;

	if (now == local_owner || program.local_bytes == 0)
		return;
	memcpy(local_of[local_owner], program.local, program.local_bytes);
	memcpy(program.local, local_of[now], program.local_bytes);
	local_owner = now;
}

bool is_local(const void *address)
{
	const char *at = (const char *)address;

	return at >= program.local && at < program.local + program.local_bytes;
}

// Any thread may go on from here.
void schedule()
{
	relacy().sched();
	switch_local();
}

unsigned steps;                    // stores until now
unsigned barrier_of[THREADS_MOST]; // the last full barrier of each, in steps

// ---- memory ----------------------------------------------------------------

// An atomic object: what Relacy knows of it, and the values it may have.
struct cell {
	rl::atomic_data *data;
	uint64_t history[rl::atomic_history_size];
	uint64_t value;
	char *address;
	size_t bytes;
	// Whose they are, the steps at which they came, and the last sequentially
	// consistent one.
	int writer[rl::atomic_history_size];
	rl::timestamp_t written[rl::atomic_history_size];
	unsigned since[rl::atomic_history_size];
	unsigned since_seq_cst;
};

struct shadow {
	unsigned run; // of another run: nothing below counts
	bool freed;
	cell *atomic;
	clock written, read, stored, loaded; // plain, plain, atomic, atomic
};

char arena[ARENA_BYTES] __attribute__((aligned(64)));
shadow arena_shadow[ARENA_BYTES];
shadow *data_shadow;
unsigned run;
size_t arena_used;

struct block {
	char *address;
	size_t bytes;
	bool live;
	bool kept; // never to be freed
	clock freed;
};
block blocks[1024];
size_t block_count;

cell cells[4096];
size_t cell_count;

// An atomic object with its first value: known to all, as what wrote it is
// checked as a plain write.
template <int threads> void first_value(rl::atomic_data *data)
{
	typedef rl::atomic_data_impl<threads> impl;
	typename impl::history_record &record =
		static_cast<impl *>(data)->history_[0];

	record.busy_ = true;
	record.seq_cst_ = false;
	record.thread_id_ = 0;
	record.acq_rel_timestamp_ = 0;
	for (int i = 0; i < threads; i++) {
		record.acq_rel_order_[i] = 0;
		record.first_seen_order_[i] = (rl::timestamp_t)-1;
	}
}
void (*set_first_value)(rl::atomic_data *data);

// The threads lie side by side.
template <int threads> thread &nth_thread(int n)
{
	typedef rl::aligned<rl::thread_info<threads>> one;

	return static_cast<one *>(&self())[n - self().index_];
}
thread &(*thread_at)(int n);

template <int threads> void fence_of(thread &t)
{
	static_cast<rl::thread_info<threads> &>(t).atomic_thread_fence_acq_rel();
}
void (*fence_acq_rel)(thread &t);

// NULL: memory that no two threads share (stacks, constants).
shadow *shadow_of(const void *address)
{
	const char *at = (const char *)address;
	shadow *g;

	if (at >= arena && at < arena + ARENA_BYTES)
		g = &arena_shadow[at - arena];
	else if (is_local(at))
		return NULL;
	else if (at >= program.data && at < program.data + program.data_bytes)
		g = &data_shadow[at - program.data];
	else
		return NULL;
	if (g->run != run) {
		memset(g, 0, sizeof(*g));
		g->run = run;
	}
	return g;
}

shadow &checked(const void *address)
{
	shadow *g = shadow_of(address);

	if (g == NULL)
		fail(rl::test_result_user_assert_failed, "atomic out of bounds");
	if (g->freed)
		fail(rl::test_result_access_to_freed_memory, "");
	return *g;
}

template <typename F> void each_byte(const void *address, size_t bytes, F f)
{
	const char *at = (const char *)address;

	for (; at < (const char *)address + bytes; at++) {
		shadow *g = shadow_of(at);

		if (g != NULL)
			f(*g);
	}
}

void check(shadow &g, bool fine)
{
	if (g.freed)
		fail(rl::test_result_access_to_freed_memory, "");
	if (!fine)
		fail(rl::test_result_data_race, "");
}

void plain_read(const void *address, size_t bytes)
{
	thread &t = self();

	t.own_acq_rel_order_ += 1;
	each_byte(address, bytes, [&](shadow &g) {
		check(g, g.written.before(t) && g.stored.before(t));
		g.read.note(t);
	});
}

// No atomic object any more; it may come back with the value of that time.
void forget(cell *c)
{
	if (c == NULL || c->data == NULL)
		return;
	relacy().atomic_dtor(c->data);
	c->data = NULL;
}

void plain_write(const void *address, size_t bytes)
{
	thread &t = self();

	t.own_acq_rel_order_ += 1;
	each_byte(address, bytes, [&](shadow &g) {
		check(g, g.written.before(t) && g.stored.before(t) &&
				 g.read.before(t) && g.loaded.before(t));
		g.written.note(t);
		forget(g.atomic);
		g.atomic = NULL;
	});
}

bool without_memory[THREADS_MOST];

void *allocate(size_t bytes, size_t alignment)
{
	block *found = NULL;

	if (without_memory[self().index_])
		return NULL;
	bytes = (bytes + 15) & ~(size_t)15;
	schedule();
	// Now and then in memory that was freed: addresses come back.
	for (size_t i = 0; i < block_count && found == NULL; i++)
		if (!blocks[i].live && blocks[i].bytes == bytes &&
		    relacy().rand(2, rl::sched_type_user) == 0)
			found = &blocks[i];
	if (found == NULL) {
		arena_used = (arena_used + alignment - 1) & ~(alignment - 1);
		if (arena_used + bytes > ARENA_BYTES || block_count == 1024)
			fail(rl::test_result_user_assert_failed, "arena is full");
		found = &blocks[block_count++];
		found->address = arena + arena_used;
		found->bytes = bytes;
		arena_used += bytes;
	} else {
		// As an allocator's lock does.
		acquire(self(), found->freed);
	}
	found->live = true;
	found->kept = false;
	each_byte(found->address, bytes, [](shadow &g) { g.freed = false; });
	plain_write(found->address, bytes);
	memset(found->address, 0, bytes);
	return found->address;
}

void deallocate(void *memory)
{
	if (memory == NULL)
		return;
	schedule();
	for (size_t i = 0; i < block_count; i++) {
		if (blocks[i].address != memory || !blocks[i].live)
			continue;
		plain_write(memory, blocks[i].bytes);
		each_byte(memory, blocks[i].bytes,
			     [](shadow &g) { g.freed = true; });
		blocks[i].live = false;
		blocks[i].freed.clear();
		release(self(), blocks[i].freed);
		return;
	}
	fail(rl::test_result_double_free, "");
}

// ---- full barriers ---------------------------------------------------------
//
// A fence orders what C11 says.  Between two fences that is no more than what
// loads show: a load behind the later one shows the stores that happen before the
// earlier one, but what is plain is not ordered by that.

clock fences;               // what happens before any
clock behind[THREADS_MOST]; // before those that come before the last one of a thread

void full_barrier(thread &t)
{
	fence_acq_rel(t);
	release(t, fences);
	behind[t.index_] = fences;
	barrier_of[t.index_] = steps;
}

void fence(int order)
{
	schedule();
	if (order == rl::mo_seq_cst)
		full_barrier(self());
	else if (order == rl::mo_acq_rel)
		relacy().atomic_thread_fence_acq_rel();
	else if (order == rl::mo_release)
		relacy().atomic_thread_fence_release();
	else
		relacy().atomic_thread_fence_acquire();
}

// The system call: full barriers of the caller at its beginning and its end, and
// one of each other thread in between, at a moment of its own.  It orders the
// caller and the other thread, both ways, but no two others.
void membarrier()
{
	thread &me = self();
	unsigned first = relacy().rand(thread_count(), rl::sched_type_user);
	clock before, after;

	before.clear();
	after.clear();
	schedule();
	full_barrier(me);
	release(me, before);
	for (int i = 0; i < thread_count(); i++) {
		thread &other = thread_at((first + i) % thread_count());

		if (&other == &me)
			continue;
		schedule();
		release(other, after);
		acquire(other, before);
		full_barrier(other);
	}
	schedule();
	acquire(me, after);
	full_barrier(me);
}

// ---- atomic operations -----------------------------------------------------

struct step {
	const char *what;
	const void *address;
	uint64_t before, after;
	int order;
	const void *caller;

	void output(std::ostream &s) const
	{
		static const char *const orders[] = {"relaxed", "consume",
						     "acquire", "release",
						     "acq_rel", "seq_cst"};

		s << what << " " << std::hex << address << " " << before
		  << " -> " << after << std::dec << " " << orders[order]
		  << " at +0x" << std::hex
		  << ((const char *)caller - program.base - 1) << std::dec;
	}
};

void note(const step &s)
{
	rl::context &c = relacy();

	if (c.collecting_history())
		c.exec_log(NOWHERE, s);
}

uint64_t raw(const void *address, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, address, bytes);
	return value;
}

cell &atomic_at(const void *address, size_t bytes)
{
	shadow &g = checked(address);
	cell *c = g.atomic;

	if (c == NULL || c->data == NULL) {
		if (cell_count == sizeof(cells) / sizeof(cells[0]))
			fail(rl::test_result_user_assert_failed, "too many atomics");
		c = &cells[cell_count++];
		c->data = relacy().atomic_ctor(NULL);
		set_first_value(c->data);
		c->address = (char *)address;
		c->bytes = bytes;
		memset(c->since, 0, sizeof(c->since));
		c->since_seq_cst = 0;
		c->value = c->history[0] = raw(address, bytes);
		each_byte(address, bytes, [&](shadow &g) { g.atomic = c; });
	}
	if (c->address != address || c->bytes != bytes)
		fail(rl::test_result_user_assert_failed, "atomics overlap");
	return *c;
}

void check_atomic(const cell &c, bool stores)
{
	thread &t = self();

	each_byte(c.address, c.bytes, [&](shadow &g) {
		check(g, g.written.before(t) && (!stores || g.read.before(t)));
	});
}

void note_atomic(const cell &c, bool stores)
{
	thread &t = self();

	each_byte(c.address, c.bytes, [&](shadow &g) {
		(stores ? g.stored : g.loaded).note(t);
	});
}

void set(cell &c, unsigned index, uint64_t value, int order)
{
	c.writer[index] = self().index_;
	c.written[index] = self().own_acq_rel_order_;
	c.since[index] = ++steps;
	if (order == rl::mo_seq_cst)
		c.since_seq_cst = steps;
	c.history[index] = c.value = value;
	memcpy(c.address, &value, c.bytes);
}

unsigned load_index(cell &c, int order, bool newest)
{
	thread &t = self();

	switch (order) {
	case rl::mo_relaxed:
		return newest ? t.atomic_load_relaxed_rmw(c.data)
			      : t.atomic_load_relaxed(c.data);
	case rl::mo_seq_cst:
		return newest ? t.atomic_load_seq_cst_rmw(c.data)
			      : t.atomic_load_seq_cst(c.data);
	default:
		return newest ? t.atomic_load_acquire_rmw(c.data)
			      : t.atomic_load_acquire(c.data);
	}
}

unsigned rmw_index(cell &c, int order)
{
	thread &t = self();
	bool aba;

	switch (order) {
	case rl::mo_relaxed:
		return t.atomic_rmw_relaxed(c.data, aba);
	case rl::mo_release:
		return t.atomic_rmw_release(c.data, aba);
	case rl::mo_acq_rel:
		return t.atomic_rmw_acq_rel(c.data, aba);
	case rl::mo_seq_cst:
		return t.atomic_rmw_seq_cst(c.data, aba);
	default:
		return t.atomic_rmw_acquire(c.data, aba);
	}
}

// Whether a full barrier hides the value from the calling thread.  Who has passed
// one sees what was stored, sequentially consistent, before it, and what happens
// before an earlier fence (C11, 7.17.3 with 29.3p4 to p6 of C++11), though neither
// need happen before.
bool is_hidden(const cell &c, unsigned index, int order)
{
	int me = self().index_;
	const clock &shown = order == rl::mo_seq_cst ? fences : behind[me];

	if (c.since_seq_cst <= barrier_of[me] && c.since[index] < c.since_seq_cst)
		return true;
	for (size_t i = 0; i < rl::atomic_history_size; i++)
		if (c.since[i] > c.since[index] &&
		    c.written[i] <= shown.at[c.writer[i]])
			return true;
	return false;
}

// Relacy's choice, unless a barrier hides it.
uint64_t load_value(cell &c, int order)
{
	unsigned index = load_index(c, order, false);

	if (is_hidden(c, index, order))
		index = load_index(c, order, true);
	return c.history[index];
}

uint64_t load(const void *address, size_t bytes, int order, const void *caller)
{
	// No affair of others, as in store().
	if (is_local(address))
		return raw(address, bytes);
	schedule();
	cell &c = atomic_at(address, bytes);
	check_atomic(c, false);
	uint64_t value = load_value(c, order);
	note_atomic(c, false);
	note(step{"load", address, c.value, value, order, caller});
	return value;
}

void store(void *address, size_t bytes, uint64_t value, int order,
	   const void *caller)
{
	if (is_local(address)) {
		memcpy(address, &value, bytes);
		return;
	}
	schedule();
	cell &c = atomic_at(address, bytes);
	check_atomic(c, true);
	thread &t = self();
	unsigned index = order == rl::mo_relaxed ? t.atomic_store_relaxed(c.data)
			 : order == rl::mo_seq_cst
				 ? t.atomic_store_seq_cst(c.data)
				 : t.atomic_store_release(c.data);
	note_atomic(c, true);
	note(step{"store", address, c.value, value, order, caller});
	set(c, index, value, order);
}

template <typename F>
uint64_t read_modify_write(void *address, size_t bytes, int order,
			   const void *caller, const char *what, F f)
{
	// No affair of others, as in store().
	if (is_local(address)) {
		uint64_t own = raw(address, bytes), changed = f(own);

		memcpy(address, &changed, bytes);
		return own;
	}
	schedule();
	cell &c = atomic_at(address, bytes);
	check_atomic(c, true);
	unsigned index = rmw_index(c, order);
	uint64_t before = c.value;
	note_atomic(c, true);
	note(step{what, address, before, f(before), order, caller});
	set(c, index, f(before), order);
	return before;
}

bool compare_exchange(void *address, size_t bytes, uint64_t *expected,
		      uint64_t desired, int order, int order_if_not, bool weak,
		      const void *caller)
{
	schedule();
	cell &c = atomic_at(address, bytes);
	uint64_t before = c.value;
	bool same = before == *expected;

	if (same && weak && relacy().rand(8, rl::sched_type_cas_fail) == 0)
		same = false;
	check_atomic(c, same);
	if (same) {
		unsigned index = rmw_index(c, order);

		note(step{"exchanged", address, before, desired, order, caller});
		set(c, index, desired, order);
	} else {
		load_index(c, order_if_not, true);
		note(step{"not exchanged", address, before, before, order_if_not,
			  caller});
		*expected = before;
	}
	note_atomic(c, same);
	return same;
}

// ---- futexes ---------------------------------------------------------------
//
// What the kernel promises: its look at the word stands behind a full barrier, and
// who looks after a wake sees what came before that wake.  No order comes from
// being woken.

struct {
	const void *address; // NULL: it does not sleep
} sleeping[THREADS_MOST];
clock wakes; // what came before any

long futex_wait(uint32_t *word, uint32_t expected, bool timed)
{
	thread &t = self();
	rl::timestamp_t saved[THREADS_MOST];
	uint32_t value;

	schedule();
	shadow &g = checked(word);
	cell &c = g.atomic != NULL ? *g.atomic : atomic_at(word, sizeof(*word));
	memcpy(saved, t.acq_rel_order_, sizeof(saved[0]) * thread_count());
	acquire(t, wakes);
	value = load_value(c, rl::mo_seq_cst) >> 8 * ((char *)word - c.address);
	for (int i = 0; i < thread_count(); i++)
		if (i != t.index_)
			t.acq_rel_order_[i] = saved[i];
	note(step{"futex wait", word, expected, value, rl::mo_seq_cst, word});
	if (value != expected) {
		set_errno(WORD_DIFFERS);
		return -1;
	}
	sleeping[t.index_].address = word;
	rl::unpark_reason reason =
		relacy().park_current_thread(timed, false, false, NOWHERE);
	switch_local();
	sleeping[t.index_].address = NULL;
	if (reason == rl::unpark_reason_normal)
		return 0;
	set_errno(TIMED_OUT);
	return -1;
}

long futex_wake(const void *word, int count)
{
	schedule();
	release(self(), wakes);
	note(step{"futex wake", word, (uint64_t)count, 0, rl::mo_seq_cst, word});
	while (count-- > 0) {
		int who[THREADS_MOST], found = 0;

		for (int i = 0; i < thread_count(); i++)
			if (sleeping[i].address == word)
				who[found++] = i;
		if (found == 0)
			break;
		found = who[relacy().rand(found, rl::sched_type_user)];
		sleeping[found].address = NULL;
		relacy().unpark_thread(found, false, NOWHERE);
	}
	return 0;
}

int64_t now;           // ns; each look at the clock takes long
bool time_stands_still; // no deadline comes

// ---- runs ------------------------------------------------------------------

void begin_run()
{
	run++;
	arena_used = block_count = cell_count = 0;
	memcpy(program.data, program.data_at_first, program.data_bytes);
	for (int i = 0; i < THREADS_MOST; i++)
		memcpy(local_of[i], program.local_at_first, program.local_bytes);
	memcpy(program.local, program.local_at_first, program.local_bytes);
	local_owner = self().index_;
	steps = 0;
	memset(barrier_of, 0, sizeof(barrier_of));
	memset(behind, 0, sizeof(behind));
	fences.clear();
	memset(without_memory, 0, sizeof(without_memory));
	*program.has_membarrier = relacy().rand(2, rl::sched_type_user);
	were_readers = relacy().rand(2, rl::sched_type_user);
	memset(sleeping, 0, sizeof(sleeping));
	wakes.clear();
	now = 0;
	time_stands_still = false;
}

void end_run()
{
	for (size_t i = 0; i < cell_count; i++)
		forget(&cells[i]);
}

template <int threads>
struct suite : rl::test_suite<suite<threads>, threads> {
	void before()
	{
		set_first_value = first_value<threads>;
		thread_at = nth_thread<threads>;
		fence_acq_rel = fence_of<threads>;
		begin_run();
		program.before();
	}
	void thread(unsigned index)
	{
		switch_local();
		if (were_readers)
			program.become_reader();
		program.thread(index);
	}
	void after()
	{
		switch_local();
		program.after();
		end_run();
	}
};

void find_data(const char *file)
{
	struct here {
		static int look(dl_phdr_info *info, size_t, void *file)
		{
			const char *name = strrchr(info->dlpi_name, '/');
			const char *wanted = strrchr((const char *)file, '/');

			if (name == NULL || wanted == NULL || strcmp(name, wanted))
				return 0;
			program.base = (char *)info->dlpi_addr;
			for (int i = 0; i < info->dlpi_phnum; i++) {
				const ElfW(Phdr) &part = info->dlpi_phdr[i];

				if (part.p_type != PT_LOAD || !(part.p_flags & PF_W))
					continue;
				program.data = program.base + part.p_vaddr;
				program.data_bytes = part.p_memsz;
			}
			return 1;
		}
	};

	dl_iterate_phdr(here::look, (void *)file);
}

void *symbol(void *object, const char *name)
{
	void *found = dlsym(object, name);

	if (found == NULL) {
		fprintf(stderr, "explore: %s\n", dlerror());
		exit(2);
	}
	return found;
}

void load_program(const char *file)
{
	void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	char *(*locals)(size_t *bytes);

	if (object == NULL) {
		fprintf(stderr, "explore: %s\n", dlerror());
		exit(2);
	}
	program.threads = (int *)symbol(object, "explore_threads");
	*(void **)&program.before = symbol(object, "explore_before");
	*(void **)&program.thread = symbol(object, "explore_thread");
	*(void **)&program.after = symbol(object, "explore_after");
	*(void **)&locals = symbol(object, "explore_locals");
	program.local = locals(&program.local_bytes);
	program.has_membarrier = (int *)symbol(object, "urcu_bp_has_sys_membarrier");
	*(void **)&program.become_reader = symbol(object, "conc_rcu_reader");
	find_data(file);
	if (program.data == NULL || program.local_bytes > sizeof(local_of[0])) {
		fprintf(stderr, "explore: no data in %s\n", file);
		exit(2);
	}
	program.data_at_first = (char *)malloc(program.data_bytes);
	memcpy(program.data_at_first, program.data, program.data_bytes);
	program.local_at_first = (char *)malloc(program.local_bytes);
	memcpy(program.local_at_first, program.local, program.local_bytes);
	data_shadow = (shadow *)calloc(program.data_bytes, sizeof(shadow));
}

} // namespace

// ---- what the program calls ------------------------------------------------

extern "C" {

void explore_assert(bool holds, const char *what)
{
	if (!holds)
		fail(rl::test_result_user_assert_failed, what);
}

unsigned explore_choose(unsigned n)
{
	return relacy().rand(n, rl::sched_type_user);
}

void explore_delay(void)
{
	for (unsigned steps = explore_choose(32); steps > 0; steps--)
		schedule();
}

void explore_stop_time(void) { time_stands_still = true; }

void explore_without_memory(bool without)
{
	without_memory[self().index_] = without;
}

void explore_keep(const void *memory)
{
	for (size_t i = 0; i < block_count; i++)
		if (blocks[i].address == memory)
			blocks[i].kept = true;
}

void explore_assert_only_kept(void)
{
	for (size_t i = 0; i < block_count; i++)
		if (blocks[i].live && !blocks[i].kept)
			fail(rl::test_result_memory_leak, "");
}

// memory.h

long conc_alloc_fail_after = -1;

void *conc_alloc(size_t bytes) { return allocate(bytes, 16); }
void *conc_alloc_array(size_t count, size_t each) { return allocate(count * each, 16); }
void *conc_alloc_lines(size_t bytes) { return allocate(bytes, 64); }
void conc_release(void *memory) { deallocate(memory); }

void *explore_memset(void *memory, int byte, size_t bytes)
{
	plain_write(memory, bytes);
	return memset(memory, byte, bytes);
}

void *explore_memcpy(void *to, const void *from, size_t bytes)
{
	plain_read(from, bytes);
	plain_write(to, bytes);
	return memcpy(to, from, bytes);
}

// thread_exit.h: nobody forks, but in a program of its own, and a thread ends
// where a program says so.

void conc_thread_enter(void (*enter)(void)) { enter(); }
void conc_thread_exit_await(void) {}
__attribute__((weak)) bool conc_thread_exit_held(void) { return false; }

// hash.h: no secrets, so that each run has the same table.

uint64_t conc_hash_multiplier(void)
{
	return UINT64_C(0x9E3779B97F4A7C15);
}

uint64_t conc_hash_bytes(const void *bytes, size_t len)
{
	uint64_t hash = len;

	for (size_t i = 0; i < len; i++)
		hash = hash * 31 + ((const unsigned char *)bytes)[i];
	return hash;
}

// the system

long futex_call(va_list arguments)
{
	uint32_t *word = va_arg(arguments, uint32_t *);
	int operation = va_arg(arguments, int);
	uint32_t value = va_arg(arguments, uint32_t);
	const timespec *limit = va_arg(arguments, const timespec *);

	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAKE)
		return futex_wake(word, value);
	return futex_wait(word, value, limit != NULL && !time_stands_still);
}

long explore_syscall(long number, ...)
{
	va_list arguments;
	long result = 0;

	va_start(arguments, number);
	if (number == SYS_membarrier)
		membarrier();
	else if (number == SYS_futex)
		result = futex_call(arguments);
	else
		fail(rl::test_result_user_assert_failed, "no such system call");
	va_end(arguments);
	return result;
}

int explore_clock_gettime(clockid_t, timespec *time)
{
	if (!time_stands_still)
		now += 100000;
	time->tv_sec = now / 1000000000;
	time->tv_nsec = now % 1000000000;
	return 0;
}

int explore_sched_yield(void)
{
	relacy().yield(1, NOWHERE);
	switch_local();
	return 0;
}

// ThreadSanitizer's entry points.

#define CALLER __builtin_return_address(0)

void __tsan_init(void) {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit(void) {}

void __tsan_atomic_thread_fence(int order) { fence(order); }
void __tsan_atomic_signal_fence(int) {}

#define PLAIN(bytes)                                                           \
	void __tsan_read##bytes(void *p) { plain_read(p, bytes); }             \
	void __tsan_write##bytes(void *p) { plain_write(p, bytes); }           \
	void __tsan_unaligned_read##bytes(void *p) { plain_read(p, bytes); }   \
	void __tsan_unaligned_write##bytes(void *p) { plain_write(p, bytes); }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)
void __tsan_read_range(void *p, size_t bytes) { plain_read(p, bytes); }
void __tsan_write_range(void *p, size_t bytes) { plain_write(p, bytes); }

#define RMW(bits, name, result)                                                \
	uint##bits##_t __tsan_atomic##bits##_##name(                           \
		uint##bits##_t *p, uint##bits##_t v, int order)                \
	{                                                                      \
		return read_modify_write(p, bits / 8, order, CALLER, #name,    \
					 [=](uint64_t old) {                   \
						 return (uint##bits##_t)(      \
							 result);              \
					 });                                   \
	}
#define CAS(bits, name, weak)                                                  \
	int __tsan_atomic##bits##_compare_exchange_##name(                     \
		uint##bits##_t *p, uint##bits##_t *expected,                   \
		uint##bits##_t desired, int order, int order_if_not)           \
	{                                                                      \
		uint64_t was = *expected;                                      \
		bool done = compare_exchange(p, bits / 8, &was, desired, order,\
					     order_if_not, weak, CALLER);      \
                                                                               \
		*expected = was;                                               \
		return done;                                                   \
	}
#define ATOMIC(bits)                                                           \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *p,     \
						  int order)                   \
	{                                                                      \
		return load(p, bits / 8, order, CALLER);                       \
	}                                                                      \
	void __tsan_atomic##bits##_store(uint##bits##_t *p, uint##bits##_t v,  \
					 int order)                            \
	{                                                                      \
		store(p, bits / 8, v, order, CALLER);                          \
	}                                                                      \
	RMW(bits, exchange, v + 0 * old)                                       \
	RMW(bits, fetch_add, old + v)                                          \
	RMW(bits, fetch_sub, old - v)                                          \
	RMW(bits, fetch_and, old &v)                                           \
	RMW(bits, fetch_or, old | v)                                           \
	CAS(bits, strong, false)                                               \
	CAS(bits, weak, true)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

} // extern "C"

int main(int count, char **arguments)
{
	std::ostream nowhere(NULL);
	rl::test_params params;
	bool passed, trace = count > 3;

	if (count < 3) {
		fprintf(stderr, "explore PROGRAM.so ITERATIONS [trace]\n");
		return 2;
	}
	load_program(arguments[1]);
	params.iteration_count = strtoul(arguments[2], NULL, 10);
	params.execution_depth_limit = 5000;
	params.output_stream = trace ? &std::cout : &nowhere;
	params.progress_stream = &nowhere;
	switch (*program.threads) {
	case 2:
		passed = rl::simulate<suite<2>>(params);
		break;
	case 3:
		passed = rl::simulate<suite<3>>(params);
		break;
	default:
		fprintf(stderr, "explore: 2 or 3 threads\n");
		return 2;
	}
	if (passed)
		printf("%lu runs\n", (unsigned long)params.stop_iteration);
	else
		printf("%s in run %lu\n", rl::test_result_str(params.test_result),
		       (unsigned long)params.stop_iteration);
	return passed ? 0 : 1;
}
