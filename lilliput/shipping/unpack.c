/* The weight file, which packing.py packed: see there. */
static uint64_t unpacked[(WEIGHTS_SIZE + 7) / 8];

static const void *unpack(const uint8_t *packed)
{
    static uint16_t chances[256];
    uint8_t *out = (uint8_t *)unpacked;
    uint32_t width = 0xffffffff, code = 0;
    for (int i = 0; i < 256; i++) chances[i] = 1 << 14;
    for (int i = 0; i < 4; i++) code = code << 8 | *packed++;
    for (size_t n = 0; n < WEIGHTS_SIZE; n++) {
        int node = 1;
        while (node < 256) {
            uint32_t chance = chances[node], bound = (width >> 15) * chance;
            int bit = code >= bound;
            code -= bit ? bound : 0;
            width = bit ? width - bound : bound;
            chances[node] = (uint16_t)(bit ? chance - (chance >> 6) : chance + ((32768 - chance) >> 6));
            for (; width < 1 << 24; width <<= 8) code = code << 8 | *packed++;
            node = 2 * node + bit;
        }
        out[n] = (uint8_t)node;
    }
    return out;
}
