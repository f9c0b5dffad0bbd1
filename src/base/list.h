/* A doubly linked list whose links are members of its items, so that it takes no memory of its own
 * and an item is removed without a search. Appending and taking the first makes it a FIFO queue.
 *
 *     struct job { int number; struct list_link link; };
 *     struct list jobs = {0};
 *     list_append(&jobs, &job->link);
 *     struct job *first = list_item(list_take_first(&jobs), struct job, link);
 *
 * An item is in one list for each of its links. No function waits, allocates or locks. */
#pragma once

#include <assert.h>
#include <stddef.h>

struct list_link {
    struct list_link *next, *previous; /* NULL at the ends */
};

/* An empty list is all zeros. */
struct list {
    struct list_link *first, *last;
};

/* The item that a link is a member of; NULL for NULL. */
#define list_item(pointer, type, member)                                                           \
    ({                                                                                             \
        struct list_link *link_ = (pointer);                                                       \
        link_ ? (type *)(void *)((char *)link_ - offsetof(type, member)) : NULL;                   \
    })

#define list_first(list, type, member) list_item((list)->first, type, member)

/* for (list_each(struct job, job, &jobs, link)): in order; the list must not change meanwhile. */
#define list_each(type, name, list, member)                                                        \
    type *name = list_first(list, type, member);                                                   \
    name;                                                                                          \
    name = list_item(name->member.next, type, member)

static inline void list_append(struct list *list, struct list_link *link)
{
    assert(link != list->last);
    *link = (struct list_link){.previous = list->last};
    if (list->last)
        list->last->next = link;
    else
        list->first = link;
    list->last = link;
}

static inline void list_prepend(struct list *list, struct list_link *link)
{
    *link = (struct list_link){.next = list->first};
    if (list->first)
        list->first->previous = link;
    else
        list->last = link;
    list->first = link;
}

/* NULL `before`: at the end. */
static inline void list_insert(struct list *list, struct list_link *before, struct list_link *link)
{
    if (!before) {
        list_append(list, link);
        return;
    }
    assert(before->previous || list->first == before); /* it is in this list */
    *link = (struct list_link){.next = before, .previous = before->previous};
    if (before->previous)
        before->previous->next = link;
    else
        list->first = link;
    before->previous = link;
}

/* All of `from` to the end of `to`, in one step; `from` is empty then. */
static inline void list_move(struct list *to, struct list *from)
{
    assert(to != from);
    if (!from->first)
        return;
    from->first->previous = to->last;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct list){0};
}

/* It must be in this list. */
static inline void list_remove(struct list *list, struct list_link *link)
{
    assert(link->previous ? link->previous->next == link : list->first == link);
    assert(link->next ? link->next->previous == link : list->last == link);
    if (link->previous)
        link->previous->next = link->next;
    else
        list->first = link->next;
    if (link->next)
        link->next->previous = link->previous;
    else
        list->last = link->previous;
    *link = (struct list_link){0};
}

/* NULL when the list is empty. */
static inline struct list_link *list_take_first(struct list *list)
{
    struct list_link *first = list->first;
    if (first) {
        assert(!first->previous); /* else it would stay the first */
        list_remove(list, first);
    }
    return first;
}
