/*
 * open_cursors.h
 *		Keeps the cursors of the caller apart from code of others.
 */
#ifndef AUTHFORT_OPEN_CURSORS_H
#define AUTHFORT_OPEN_CURSORS_H

typedef struct OpenCursors OpenCursors;

/*
 * Has all cursors of the session look busy and hides them: none can be read,
 * moved or closed.  The result is in the current memory context.
 */
extern OpenCursors *open_cursors_shield(void);

/* Closes the cursors that were opened since then. */
extern void open_cursors_close_new(void);

/* Makes the shielded cursors what they were; raises nothing. */
extern void open_cursors_release(OpenCursors *cursors);

#endif /* AUTHFORT_OPEN_CURSORS_H */
