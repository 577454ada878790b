/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storing and removing, whatever is there: set, exchange, insert, delete, take. */
#include <config.h>

#include "store.h"

static int step_set(struct update *u)
{
	int rc = u->place.found ? conc_dict_replace(u, u->word)
				: conc_dict_add_entry(u, u->word);

	if (rc == 0)
		conc_dict_hand_out(u);
	return rc;
}

static inline int step_insert(struct update *u)
{
	int rc = u->place.found ? -EEXIST : conc_dict_add_entry(u, u->word);

	if (u->place.found)
		u->seen = conc_dict_word(u);
	if (rc == 0 || rc == -EEXIST)
		conc_dict_show(u, rc == -EEXIST);
	return rc;
}

static int step_delete(struct update *u)
{
	if (!u->place.found) {
		conc_dict_hand_out(u);
		return -ENOENT;
	}
	conc_dict_remove_entry(u);
	conc_dict_hand_out(u);
	return 0;
}

static int step_take_pointer(struct update *u)
{
	if (u->place.found && !word_is_pointer(u->search->dict->values,
					       conc_dict_word(u)))
		return -EDOM;
	return step_delete(u);
}

int conc_dict_set_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, uint64_t word, struct conc_value *old)
{
	struct search s;
	struct update u;
	int rc;

	update_ready(&u, NULL, old, NULL);
	u.search = &s;
	u.word = word;
	search_ready(&s, dict, key, len, hash);
	s.inserts = true;
	rc = conc_dict_write(&u, step_set);
	conc_search_end(&s);
	return rc;
}

static CONC_INLINE int operation_insert(struct update *u)
{
	int rc = word_encode(u->search->dict->values, u->stored, &u->word);

	u->search->inserts = true;
	return rc < 0 ? rc : conc_dict_write(u, step_insert);
}

int conc_dict_insert(conc_dict *dict, const void *key, size_t len,
		     const struct conc_value *value, struct conc_value *present)
{
	struct update u;

	update_ready(&u, value, NULL, present);
	return conc_dict_operate(&u, dict, key, len, operation_insert);
}

int conc_dict_int_insert(conc_dict *dict, int64_t key,
			 const struct conc_value *value,
			 struct conc_value *present)
{
	struct update u;

	update_ready(&u, value, NULL, present);
	return conc_dict_operate_int(&u, dict, key, operation_insert);
}

static CONC_INLINE int operation_delete(struct update *u)
{
	return conc_dict_write(u, step_delete);
}

int conc_dict_delete(conc_dict *dict, const void *key, size_t len)
{
	struct update u;

	update_ready(&u, NULL, NULL, NULL);
	return conc_dict_operate(&u, dict, key, len, operation_delete);
}

int conc_dict_int_delete(conc_dict *dict, int64_t key)
{
	struct update u;

	update_ready(&u, NULL, NULL, NULL);
	return conc_dict_operate_int(&u, dict, key, operation_delete);
}

/* Does not nap: of a gathering, it may be a try. */
static CONC_INLINE int operation_take(struct update *u)
{
	u->may_nap = false;
	return u->value == NULL ? -EINVAL : conc_dict_write(u, step_delete);
}

int conc_dict_take(conc_dict *dict, const void *key, size_t len,
		   struct conc_value *value)
{
	struct update u;

	update_ready(&u, NULL, value, NULL);
	return conc_dict_operate(&u, dict, key, len, operation_take);
}

int conc_dict_int_take(conc_dict *dict, int64_t key, struct conc_value *value)
{
	struct update u;

	update_ready(&u, NULL, value, NULL);
	return conc_dict_operate_int(&u, dict, key, operation_take);
}

/* --- without a struct conc_value ----------------------------------------- */

static CONC_INLINE int operation_take_pointer(struct update *u)
{
	u->may_nap = false;
	return conc_dict_write(u, step_take_pointer);
}

int conc_dict_take_pointer(conc_dict *dict, const void *key, size_t len,
			   void **pointer)
{
	struct conc_value value;
	struct update u;
	int rc;

	if (pointer == NULL)
		return -EINVAL;
	update_ready(&u, NULL, &value, NULL);
	rc = conc_dict_operate(&u, dict, key, len, operation_take_pointer);
	if (rc == 0)
		*pointer = value.u.pointer;
	return rc;
}

int conc_dict_int_take_pointer(conc_dict *dict, int64_t key, void **pointer)
{
	struct conc_value value;
	struct update u;
	int rc;

	if (pointer == NULL)
		return -EINVAL;
	update_ready(&u, NULL, &value, NULL);
	rc = conc_dict_operate_int(&u, dict, key, operation_take_pointer);
	if (rc == 0)
		*pointer = value.u.pointer;
	return rc;
}
