/* How fast a buffer is read again and again, as products with weights read it.
 *
 *     bandwidth BYTES     prints GB/s of processor time
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef float Eight __attribute__((vector_size(32)));

int main(int argc, char **argv)
{
    size_t bytes = argc == 2 ? (size_t)atol(argv[1]) / 256 * 256 : 0;
    size_t count = bytes / sizeof(Eight), rounds = (size_t)2e9 / (bytes + 1) + 1;
    if (!bytes) return 2;
    Eight *buffer = aligned_alloc(256, bytes), sum[8] = {{0}};
    for (size_t i = 0; i < count; i++) buffer[i] = (Eight){(float)i};
    clock_t started = clock();
    for (size_t n = 0; n < rounds; n++) {
        for (size_t i = 0; i < count; i += 8)
            for (int k = 0; k < 8; k++) sum[k] += buffer[i + k];
        __asm__ volatile("" : : "r"(buffer) : "memory");
    }
    double seconds = (double)(clock() - started) / CLOCKS_PER_SEC;
    for (int k = 1; k < 8; k++) sum[0] += sum[k];
    fprintf(stderr, "%g\n", (double)sum[0][0]); /* so that the sums are worked out */
    printf("%f\n", (double)bytes * (double)rounds / seconds / 1e9);
    return 0;
}
