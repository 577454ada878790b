/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The errors that the library returns, in words. */
#include <config.h>

#include <concurrency/common.h>

#include <errno.h>

/* The texts themselves, and no pointers: nothing to be relocated when it is loaded. */
static const struct error {
	int number;
	char name[16];
	char text[68];
} errors[] = {
	{0, "0", "success"},
	{EAGAIN, "EAGAIN", "nothing to take, no room, unfinished tasks, or another value"},
	{EBUSY, "EBUSY", "another thread, or the caller, is at it already"},
	{ECANCELED, "ECANCELED", "the token that the call was given has been fired"},
	{EDOM, "EDOM", "the value is not of the kind that this is for, or a division by 0"},
	{EEXIST, "EEXIST", "the key is there already"},
	{EINVAL, "EINVAL", "an argument is not one that this function takes"},
	{ELOOP, "ELOOP", "comparing a key stores another key of the same hash each time"},
	{ENOENT, "ENOENT", "there is no such key, or no further entry"},
	{ENOMEM, "ENOMEM", "no memory"},
	{ENOSYS, "ENOSYS", "a sandbox forbids membarrier(2): nothing can be freed"},
	{ENOTRECOVERABLE, "ENOTRECOVERABLE", "marked as failed, and nothing left to take"},
	{EOVERFLOW, "EOVERFLOW", "a number is out of range"},
	{EPIPE, "EPIPE", "closed: nothing goes in, and nothing is left to take"},
	{ERANGE, "ERANGE", "no task is unfinished"},
	{ETIMEDOUT, "ETIMEDOUT", "the deadline has passed"},
};

static const struct error *find(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		/* Not -error: there is no -INT_MIN. */
		if (-errors[i].number == error)
			return &errors[i];
	return NULL;
}

const char *conc_error_name(int error)
{
	const struct error *found = find(error);

	return found == NULL ? NULL : found->name;
}

const char *conc_strerror(int error)
{
	const struct error *found = find(error);

	if (found != NULL)
		return found->text;
	return error <= CONC_ERROR_FIRST && error >= CONC_ERROR_LAST
		       ? "an error of a callback's own"
		       : "an error that the library does not know";
}
