/* What the example needs of a board: a serial port. */
#ifndef BOARD_H
#define BOARD_H

void board_write(const char *text);
int board_read(void); /* waits for a byte */

#endif
