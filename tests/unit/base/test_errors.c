/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers in words, and giving memory back: what is of no structure. */
#include <config.h>

#include <concurrency.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

#define CODE(name) {name, #name}

static const struct code {
	int number;
	const char *name;
} codes[] = {
	CODE(EAGAIN),    CODE(EBUSY),  CODE(ECANCELED),
	CODE(EDOM),      CODE(EEXIST), CODE(EINVAL),
	CODE(ELOOP),     CODE(ENOENT), CODE(ENOMEM),
	CODE(EOVERFLOW), CODE(EPIPE),  CODE(ENOTRECOVERABLE),
	CODE(ENOSYS),    CODE(ERANGE), CODE(ETIMEDOUT),
};

static const char *unknown(void)
{
	return conc_strerror(INT_MAX);
}

START_TEST(every_error_has_its_name_and_a_text_of_its_own)
{
	ck_assert_str_eq(conc_error_name(0), "0");
	ck_assert_ptr_nonnull(conc_strerror(0));
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		const char *text = conc_strerror(-codes[i].number);

		ck_assert_str_eq(conc_error_name(-codes[i].number),
				 codes[i].name);
		ck_assert_uint_gt(strlen(text), 0);
		ck_assert_int_ne(text[strlen(text) - 1], '.');
		ck_assert_str_ne(text, unknown());
		ck_assert_str_ne(text, conc_strerror(0));
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(text, conc_strerror(-codes[j].number));
		/* Static storage. */
		ck_assert_ptr_eq(text, conc_strerror(-codes[i].number));
	}
}
END_TEST

/* Marks the code that begins here as met; it must be one of those above. */
static void meet(const char *name, bool *met)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		if (strlen(codes[i].name) == len &&
		    strncmp(codes[i].name, name, len) == 0) {
			met[i] = true;
			return;
		}
	}
	ck_abort_msg("the headers name %.*s", (int)len, name);
}

static void read_header(const char *path, bool *met)
{
	FILE *file = fopen(path, "r");
	char line[500];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		for (const char *at = line; (at = strstr(at, "-E")); at++)
			meet(at + 1, met);
	fclose(file);
}

START_TEST(the_errors_are_those_that_the_headers_name)
{
	const char *top = getenv("top_srcdir");
	bool met[COUNT_OF(codes)] = {false};
	char pattern[4096];
	glob_t headers;

	/* Started by hand, it knows of no headers. */
	if (top == NULL)
		return;
	snprintf(pattern, sizeof(pattern), "%s/include/concurrency/*.h", top);
	ck_assert_int_eq(glob(pattern, 0, NULL, &headers), 0);
	for (size_t i = 0; i < headers.gl_pathc; i++)
		read_header(headers.gl_pathv[i], met);
	globfree(&headers);
	for (size_t i = 0; i < COUNT_OF(codes); i++)
		ck_assert_msg(met[i], "no header names %s", codes[i].name);
}
END_TEST

START_TEST(an_error_of_a_callbacks_own_has_a_text_and_no_name)
{
	const char *text = conc_strerror(CONC_ERROR_FIRST);

	ck_assert_str_ne(text, unknown());
	ck_assert_str_eq(conc_strerror(CONC_ERROR_FIRST - 1), text);
	ck_assert_str_eq(conc_strerror(CONC_ERROR_LAST), text);
	ck_assert_str_eq(conc_strerror(CONC_ERROR_FIRST + 1), unknown());
	ck_assert_str_eq(conc_strerror(CONC_ERROR_LAST - 1), unknown());
	ck_assert_ptr_null(conc_error_name(CONC_ERROR_FIRST));
	ck_assert_ptr_null(conc_error_name(CONC_ERROR_LAST));
	/* Whole, and not in the way of an errno value. */
	ck_assert_int_eq(CONC_ERROR_FIRST - CONC_ERROR_LAST + 1, 1 << 16);
	ck_assert_int_lt(CONC_ERROR_FIRST, -4095);
}
END_TEST

START_TEST(any_number_may_be_asked_about)
{
	static const int others[] = {1, EAGAIN, EINVAL, INT_MAX, INT_MIN,
				     INT_MIN + 1, -EXDEV};

	for (size_t i = 0; i < COUNT_OF(others); i++) {
		ck_assert_ptr_null(conc_error_name(others[i]));
		ck_assert_str_eq(conc_strerror(others[i]), unknown());
	}
	ck_assert_uint_gt(strlen(unknown()), 0);
}
END_TEST

static void *new_item(void)
{
	char *item = malloc(100);

	ck_assert_ptr_nonnull(item);
	memset(item, 1, 100);
	return item;
}

/* That nothing is left, or freed twice, is for the sanitizers. */
START_TEST(conc_free_may_drain_and_release)
{
	const struct conc_queue_attr attr = {
		.size = sizeof(attr),
		.drain = conc_free,
	};
	const struct conc_bounded_queue_attr bounded_attr = {
		.size = sizeof(bounded_attr),
		.drain = conc_free,
	};
	conc_bounded_queue *bounded = NULL;
	conc_queue *queue = NULL;

	ck_assert_int_eq(conc_queue_new(&attr, &queue), 0);
	ck_assert_int_eq(conc_bounded_queue_new(&bounded_attr, &bounded), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 100; i++) {
			conc_queue_push(queue, new_item());
			conc_bounded_queue_try_push(bounded, new_item());
		}
		if (round == 0) {
			void *item = NULL;

			ck_assert_int_eq(conc_queue_try_pop(queue, &item), 0);
			conc_free(item, &item);
		}
	}
	ck_assert_uint_eq(conc_queue_size(queue), 199);
	conc_queue_close(queue, true);
	ck_assert_uint_eq(conc_queue_size(queue), 0);
	conc_queue_free(queue);
	conc_bounded_queue_free(bounded);
	conc_free(NULL, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_error_has_its_name_and_a_text_of_its_own,
		the_errors_are_those_that_the_headers_name,
		an_error_of_a_callbacks_own_has_a_text_and_no_name,
		any_number_may_be_asked_about,
		conc_free_may_drain_and_release,
	};

	return run_tests("errors", tests, COUNT_OF(tests), 30);
}
