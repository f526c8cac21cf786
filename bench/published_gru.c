/* tinystoriesgru's way to decode its pure GRU in C, written anew from its description, to be timed
 * beside the engine: weights in int16 with one scale, each product taken in double precision, the
 * sums one number at a time, the library's exp and tanh, all logits after every character.
 *
 *     published_gru SYMBOLS WIDTH PLACES CHARACTERS     prints characters a second
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const double SCALE = 8192.0;
static uint32_t chance = 1;

static int16_t *matrix(int rows, int cols)
{
    int16_t *w = malloc(sizeof *w * (size_t)rows * (size_t)cols);
    for (int i = 0; i < rows * cols; i++) {
        chance = chance * 1664525u + 1013904223u;
        w[i] = (int16_t)((int)(chance >> 20) - 2048);
    }
    return w;
}

static double row_times(const int16_t *row, const double *x, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += (double)row[i] / SCALE * x[i];
    return sum;
}

static double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    int symbols = atoi(argv[1]), h = atoi(argv[2]), places = atoi(argv[3]), count = atoi(argv[4]);
    int16_t *token = matrix(symbols, h), *place = matrix(places, h), *input = matrix(3 * h, 2 * h);
    int16_t *recurrent = matrix(3 * h, h), *priority = matrix(1, h), *writer = matrix(h, h);
    int16_t *head = matrix(symbols, h), *bias = matrix(1, 9 * h);
    double *x = calloc((size_t)(2 * h), sizeof *x), *state = calloc((size_t)h, sizeof *state);
    double *next = calloc((size_t)h, sizeof *next), *logits = calloc((size_t)symbols, sizeof *logits);
    double *normed = calloc((size_t)h, sizeof *normed), *memory = x + h;
    int symbol = 1;
    clock_t started = clock();
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < h; i++)
            x[i] = token[symbol * h + i] / SCALE + place[t % places * h + i] / SCALE;
        for (int i = 0; i < h; i++) {
            double gate[3], from[3];
            for (int g = 0; g < 3; g++) {
                int row = g * h + i;
                gate[g] = row_times(input + (size_t)row * 2 * h, x, 2 * h) + bias[row] / SCALE;
                from[g] = row_times(recurrent + (size_t)row * h, state, h) + bias[3 * h + row] / SCALE;
            }
            double r = sigmoid(gate[0] + from[0]), z = sigmoid(gate[1] + from[1]);
            next[i] = (1.0 - z) * tanh(gate[2] + r * from[2]) + z * state[i];
        }
        double mean = 0.0, square = 0.0;
        for (int i = 0; i < h; i++) state[i] = next[i], mean += next[i] / h;
        double p = sigmoid(row_times(priority, state, h));
        for (int i = 0; i < h; i++) {
            double c = tanh(row_times(writer + (size_t)i * h, state, h) + bias[6 * h + i] / SCALE);
            next[i] = (1.0 - p) * memory[i] + p * c;
        }
        for (int i = 0; i < h; i++) memory[i] = next[i], square += (state[i] - mean) * (state[i] - mean) / h;
        for (int i = 0; i < h; i++)
            normed[i] = (state[i] - mean) / sqrt(square + 1e-5) * (bias[7 * h + i] / SCALE + 1.0);
        int best = 0;
        for (int v = 0; v < symbols; v++) {
            logits[v] = row_times(head + (size_t)v * h, normed, h);
            if (logits[v] > logits[best]) best = v;
        }
        symbol = best;
    }
    printf("%f\n", count / ((double)(clock() - started) / CLOCKS_PER_SEC));
    return 0;
}
