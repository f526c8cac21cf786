/* Arm's MPS2 board with a Cortex-M3 (AN385), which QEMU emulates too; for another, the port's
 * registers here and the memory in board.ld are to be changed.
 */
#include "board.h"

#include <stddef.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define DATA REGISTER(0x40004000)
#define STATE REGISTER(0x40004004) /* 1: sending is full; 2: a byte has come */
#define CONTROL REGISTER(0x40004008)
#define PACE REGISTER(0x40004010)
#define RESET REGISTER(0xe000ed0c) /* the core's own */

int main(void);
extern uint32_t stack_top, data_start, data_end, data_in_flash, bss_start, bss_end;

void board_write(const char *text)
{
    for (; *text; text++) {
        while (STATE & 1) {}
        DATA = (uint8_t)*text;
    }
}

int board_read(void)
{
    while (!(STATE & 2)) {}
    return (int)(DATA & 0xff);
}

void board_start(void);

void board_start(void)
{
    uint32_t *from = &data_in_flash;
    for (uint32_t *to = &data_start; to < &data_end;) *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;) *to++ = 0;
    PACE = 217; /* 115,200 a second at 25 MHz */
    CONTROL = 3;
    main();
    RESET = 0x05fa0004;
    for (;;) {}
}

static void fault(void)
{
    for (;;) {}
}

/* The core's table: where the stack begins, the start, and 14 exceptions. */
__attribute__((section(".vectors"), used)) static const struct {
    void *stack;
    void (*handler[15])(void);
} VECTORS = {&stack_top, {board_start, fault, fault, fault, fault, fault, fault, fault, fault, fault,
                          fault, fault, fault, fault, fault}};

/* What a compiler takes for granted; a C library's own are taken where one is linked. */
#define OURS __attribute__((weak, used))

OURS void *memcpy(void *out, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++) ((uint8_t *)out)[i] = ((const uint8_t *)from)[i];
    return out;
}

OURS void *memmove(void *out, const void *from, size_t size)
{
    if ((uintptr_t)out <= (uintptr_t)from) return memcpy(out, from, size);
    while (size--) ((uint8_t *)out)[size] = ((const uint8_t *)from)[size];
    return out;
}

OURS void *memset(void *out, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++) ((uint8_t *)out)[i] = (uint8_t)byte;
    return out;
}

OURS int memcmp(const void *a, const void *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)a)[i] != ((const uint8_t *)b)[i])
            return ((const uint8_t *)a)[i] - ((const uint8_t *)b)[i];
    return 0;
}

OURS size_t strlen(const char *text)
{
    size_t size = 0;
    while (text[size]) size++;
    return size;
}

OURS char *strchr(const char *text, int byte)
{
    for (; *text != (char)byte; text++)
        if (!*text) return NULL;
    return (char *)(uintptr_t)text;
}
