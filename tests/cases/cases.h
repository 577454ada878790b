/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that once failed in users' hands, small enough to read at a glance;
 * each is a promise, stated at its top.  They use the installed API alone.
 *
 * Exit status: 0 it holds, 1 it does not, 77 this run could not tell.  One that
 * hangs is ended by its alarm.  Those that are known to fail still stand in
 * XFAIL_TESTS (tests/Makefile.am), by name.
 */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <concurrency.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT_TELL 77

/* The setting up of a case went wrong: that says nothing about the promise. */
static inline void must(bool condition, const char *what)
{
	if (!condition) {
		printf("cannot tell: %s\n", what);
		exit(CANNOT_TELL);
	}
}

static inline pthread_t start(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, body, arg) == 0, "no thread");
	return thread;
}

/* Forks and waits for the child, which only ends. */
static inline void fork_once(void)
{
	pid_t child = fork();

	must(child >= 0, "no child");
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
}

#endif
