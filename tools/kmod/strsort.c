/* SPDX-License-Identifier: MIT */
/*
 * Sorting texts word by word: see strsort.h.
 *
 * All texts are sorted by their first eight bytes, as one number each; a run
 * that has these bytes in common and goes on is sorted by the next eight, and
 * so on. So a text is touched once a word, however long a beginning it shares,
 * and comparisons are those of numbers. The sort of numbers is a merge sort:
 * stable, and never slow.
 */
#include "strsort.h"

#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#include "buffer.h"

#define WORD  8u
#define SMALL 12u /* runs that are sorted by insertion */

struct item {
	uint64_t word;    /* bytes of the text, the first one highest */
	const char *rest; /* the text from the word on */
	uint32_t number;
};

/* What is still to be sorted: items that are equal before their rest. */
struct run {
	size_t begin, end;
};

/* The word at @s; behind the text's end it is zero. */
static uint64_t word_at(const char *s)
{
	uint64_t word = 0;
	unsigned i = 0;

	for (; i < WORD && s[i] != '\0'; i++)
		word = word << 8 | (unsigned char)s[i];
	return i == WORD ? word : i == 0 ? 0 : word << 8 * (WORD - i);
}

static void insertion_sort(struct item *items, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct item moved = items[i];
		size_t at = i;

		for (; at > 0 && items[at - 1].word > moved.word; at--)
			items[at] = items[at - 1];
		items[at] = moved;
	}
}

/* Merges from[0..half-1] and from[half..n-1] to @to. */
static void merge(
    const struct item *from, size_t half, size_t n, struct item *to)
{
	size_t a = 0, b = half;

	for (size_t i = 0; i < n; i++) {
		const bool first =
		    b == n || (a < half && from[a].word <= from[b].word);

		to[i] = first ? from[a++] : from[b++];
	}
}

/* Stable; @spare has room for @n. */
static void merge_sort(struct item *items, size_t n, struct item *spare)
{
	struct item *from = items, *to = spare;

	for (size_t i = 0; i < n; i += SMALL)
		insertion_sort(items + i, n - i < SMALL ? n - i : SMALL);
	for (size_t width = SMALL; width < n; width *= 2) {
		struct item *const swapped = from;

		for (size_t i = 0; i < n; i += 2 * width) {
			const size_t left = n - i;

			merge(from + i, left < width ? left : width,
			    left < 2 * width ? left : 2 * width, to + i);
		}
		from = to;
		to = swapped;
	}
	if (from != items)
		memcpy(items, from, n * sizeof(*items));
}

/* Remembers each run that is equal so far and has not ended; goes on to it. */
static void find_runs(
    struct item *items, struct run sorted, struct buffer *todo)
{
	size_t begin = sorted.begin, end;

	for (; begin < sorted.end; begin = end) {
		const uint64_t word = items[begin].word;

		end = begin + 1;
		while (end < sorted.end && items[end].word == word)
			end++;
		if (end - begin < 2 || (word & 0xff) == 0)
			continue;
		for (size_t i = begin; i < end; i++) {
			items[i].rest += WORD;
			items[i].word = word_at(items[i].rest);
		}
		buffer_add(
		    todo, &(struct run){ begin, end }, sizeof(struct run));
	}
}

static void sort_runs(struct item *items, uint32_t n, struct buffer *todo)
{
	const struct run all = { 0, n };

	buffer_add(todo, &all, sizeof(all));
	while (todo->n != 0 && !todo->failed) {
		struct run run;

		todo->n -= sizeof(run);
		memcpy(&run, todo->p + todo->n, sizeof(run));
		merge_sort(items + run.begin, run.end - run.begin, items + n);
		find_runs(items, run, todo);
	}
}

int strsort(strsort_text_fn *text, const void *arg, uint32_t n, uint32_t *order)
{
	struct buffer memory = { 0 }, todo = { 0 };
	const size_t bytes = 2 * (size_t)n * sizeof(struct item);
	struct item *items = (void *)buffer_room(&memory, bytes);

	for (uint32_t i = 0; items != NULL && i < n; i++) {
		const char *const s = text(arg, i);

		items[i] = (struct item){ word_at(s), s, i };
	}
	if (items != NULL)
		sort_runs(items, n, &todo);
	for (uint32_t i = 0; items != NULL && i < n; i++)
		order[i] = items[i].number;
	const int err = items == NULL || todo.failed ? -TN_ENOMEM : 0;

	buffer_free(&todo);
	buffer_free(&memory);
	return err;
}

/* --- what is nearly sorted */

/* Some of the texts. */
struct chosen {
	strsort_text_fn *text;
	const void *arg;
	const uint32_t *numbers;
};

static const char *chosen_text(const void *arg, uint32_t i)
{
	const struct chosen *c = arg;

	return c->text(c->arg, c->numbers[i]);
}

/* Does number @a of the texts come before number @b? */
static bool is_before(const struct chosen *c, uint32_t a, uint32_t b)
{
	const int order = strcmp(c->text(c->arg, a), c->text(c->arg, b));

	return order < 0 || (order == 0 && a < b);
}

static bool is_sorted(const struct chosen *c, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (!is_before(c, c->numbers[i - 1], c->numbers[i]))
			return false;
	return true;
}

/* How many of the first @n, which are sorted, come before @number. */
static uint32_t place_of(const struct chosen *c, uint32_t n, uint32_t number)
{
	uint32_t low = 0;

	while (low < n) {
		const uint32_t middle = low + (n - low) / 2;

		if (is_before(c, c->numbers[middle], number))
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

int strsort_known(strsort_text_fn *text, const void *arg, uint32_t n,
    uint32_t *order, uint32_t known)
{
	const struct chosen all = { text, arg, order };
	const struct chosen rest = { text, arg, order + known };
	struct buffer memory = { 0 };
	uint32_t left = n - known, *sorted;
	int err;

	if (known == 0 || !is_sorted(&all, known))
		return strsort(text, arg, n, order);
	sorted = (void *)buffer_room(&memory, 2 * sizeof(*sorted) * left);
	if (sorted == NULL)
		return -TN_ENOMEM;
	err = strsort(chosen_text, &rest, left, sorted + left);
	for (uint32_t i = 0; !err && i < left; i++)
		sorted[i] = order[known + sorted[left + i]];
	/* from the last: what comes behind it moves to its final place */
	while (!err && left-- > 0) {
		const uint32_t at = place_of(&all, known, sorted[left]);

		memmove(order + at + left + 1, order + at,
		    (known - at) * sizeof(*order));
		order[at + left] = sorted[left];
		known = at;
	}
	buffer_free(&memory);
	return err;
}
