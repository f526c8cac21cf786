/* An example: lines come in by the serial port and are answered; the byte 4 (Ctrl-D) ends it. */
#include "board.h"
#include "model.h"

enum { MOST_PIECES = 100 };

int main(void)
{
    static char line[LILLIPUT_LONGEST], out[LILLIPUT_ROOM];
    if (lilliput_begin()) {
        board_write("these weights are damaged\n");
        return 1;
    }
    for (;;) {
        int size = 0, byte;
        while ((byte = board_read()) != '\n' && byte != 4)
            if (size + 1 < LILLIPUT_LONGEST) line[size++] = (char)byte;
        if (byte == 4) return 0;
        line[size] = 0;
        board_write(line);
        board_write(LILLIPUT_BETWEEN);
        if (lilliput_ask(line, 0, 0)) board_write("?");
        else
            for (int n = 0; n < MOST_PIECES && lilliput_next(out, LILLIPUT_ROOM); n++) board_write(out);
        board_write("\n");
    }
}
