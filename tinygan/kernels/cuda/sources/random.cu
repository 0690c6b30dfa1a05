#include "common.cuh"

// Random numbers by Philox4x64-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 4.3).
//
// Block number b of a draw is the cipher of the counter (b + 1, 0, 0, draw) under the key (seed, stream): the words, in
// their order, that NumPy's generator of this key and counter gives. A thread makes whole blocks of four words; every
// element is written once, nothing is read. Seed, stream and draw are 64 bits without a sign, whatever their type here.

typedef unsigned long long word;

struct Block {
    word words[4];

    __device__ Block(word c0, word c1, word c2, word c3, word k0, word k1) : words{c0, c1, c2, c3} {
        const word first = 0xD2E7470EE14C6C93, second = 0xCA5A826395121157;
        for (int round = 0; round < 10; ++round) {
            word a = words[0], c = words[2];
            words[0] = __umul64hi(second, c) ^ words[1] ^ k0;
            words[1] = second * c;
            words[2] = __umul64hi(first, a) ^ words[3] ^ k1;
            words[3] = first * a;
            k0 += 0x9E3779B97F4A7C15;  // the golden ratio
            k1 += 0xBB67AE8584CAA73B;  // sqrt(3) - 1
        }
    }

    // Number j of the eight halves, the lower half of a word before the upper.
    __device__ unsigned half(int j) const { return (unsigned)(words[j / 2] >> (j % 2 * 32)); }
};

// b = the blocks of a draw of n elements, of which each gives `each`, spread over all threads of the grid.
#define EACH_BLOCK(b, n, each)                                                                              \
    for (long long b = blockIdx.x * (long long)blockDim.x + threadIdx.x; b < ((n) + (each) - 1) / (each); \
         b += (long long)gridDim.x * blockDim.x)

constexpr int PER_BLOCK = sizeof(real) == 4 ? 8 : 4;  // a float takes half a word, a double a whole one

// Number j of the uniform numbers on [0, 1) of a block: 24 or 53 upper bits, as NumPy's.
__device__ inline void unit(const Block& block, int j, float* u) { *u = (block.half(j) >> 8) * (1.0f / 16777216); }
__device__ inline void unit(const Block& block, int j, double* u) {
    *u = (double)(block.words[j] >> 11) * (1.0 / 9007199254740992);
}

// The cipher itself, of n counters (n, 4) under keys (n, 2), for the known answers.
extern "C" __global__ void philox(word* out, const word* counters, const word* keys, long long n) {
    EACH_BLOCK(b, n, 1) {
        const word *c = counters + 4 * b, *k = keys + 2 * b;
        Block block(c[0], c[1], c[2], c[3], k[0], k[1]);
        for (int j = 0; j < 4; ++j) out[4 * b + j] = block.words[j];
    }
}

// u width + low: the product is rounded before low is added, as NumPy does it.
extern "C" __global__ void uniform(real* out, long long n, long long seed, long long stream, long long draw, double low,
                                   double width) {
    EACH_BLOCK(b, n, PER_BLOCK) {
        Block block(b + 1, 0, 0, draw, seed, stream);
#pragma unroll
        for (int j = 0; j < PER_BLOCK; ++j) {
            real u;
            unit(block, j, &u);
            if (b * PER_BLOCK + j < n) out[b * PER_BLOCK + j] = times(u, (real)width) + (real)low;
        }
    }
}

// 1 where a uniform number in single precision is below p, else 0.
extern "C" __global__ void bernoulli(real* out, long long n, long long seed, long long stream, long long draw,
                                     double p) {
    EACH_BLOCK(b, n, 8) {
        Block block(b + 1, 0, 0, draw, seed, stream);
#pragma unroll
        for (int j = 0; j < 8; ++j) {
            float u;
            unit(block, j, &u);
            if (b * 8 + j < n) out[b * 8 + j] = u < (float)p;
        }
    }
}

// Two normal numbers from two uniform ones, u on (0, 1) and v on [0, 1) (Box and Muller 1958, equation 1):
// sqrt(-2 log u) times the cosine and the sine of 2 pi v.
__device__ inline void pair(const Block& block, int j, float* out) {
    float u = ((float)block.half(j) + 0.5f) * (1.0f / 4294967296), v = (float)block.half(j + 1) * (1.0f / 4294967296);
    float radius = sqrtf(-2 * logf(u));
    sincospif(2 * v, out + 1, out);
    out[0] *= radius;
    out[1] *= radius;
}
__device__ inline void pair(const Block& block, int j, double* out) {
    double u = ((double)(block.words[j] >> 11) + 0.5) * (1.0 / 9007199254740992), v;
    unit(block, j + 1, &v);
    double radius = sqrt(-2 * log(u));
    sincospi(2 * v, out + 1, out);
    out[0] *= radius;
    out[1] *= radius;
}

extern "C" __global__ void normal(real* out, long long n, long long seed, long long stream, long long draw) {
    EACH_BLOCK(b, n, PER_BLOCK) {
        Block block(b + 1, 0, 0, draw, seed, stream);
#pragma unroll
        for (int j = 0; j < PER_BLOCK; j += 2) {
            real both[2];
            pair(block, j, both);
            if (b * PER_BLOCK + j < n) out[b * PER_BLOCK + j] = both[0];
            if (b * PER_BLOCK + j + 1 < n) out[b * PER_BLOCK + j + 1] = both[1];
        }
    }
}

// Uniform on {0, ..., last} (Lemire 2019, arXiv:1805.10941, Algorithm 5): the upper half of the product of a random
// word and last + 1, unless the lower half is one of the few that would favour some results. An element that meets such
// a one goes on with a sequence of its own, whose counter has the element's number in its third word.
__device__ inline word below32(unsigned random, word last, word element, word seed, word stream, word draw) {
    if (last == 0xFFFFFFFF) return random;
    unsigned range = (unsigned)last + 1, favoured = (0xFFFFFFFF - (unsigned)last) % range;
    word product = (word)random * range;
    for (word again = 1; (unsigned)product < favoured; ++again)
        product = (word)Block(again, 0, element + 1, draw, seed, stream).half(0) * range;
    return product >> 32;
}
__device__ inline word below64(word random, word last, word element, word seed, word stream, word draw) {
    if (last == 0xFFFFFFFFFFFFFFFF) return random;
    word range = last + 1, favoured = (0xFFFFFFFFFFFFFFFF - last) % range;
    for (word again = 1; random * range < favoured; ++again)
        random = Block(again, 0, element + 1, draw, seed, stream).words[0];
    return __umul64hi(random, range);
}

// low + uniform on {0, ..., last}; up to 2^32 values take half a word each, more take a whole one.
extern "C" __global__ void integers(long long* out, long long n, long long seed, long long stream, long long draw,
                                    long long low, long long last) {
    bool narrow = (word)last <= 0xFFFFFFFF;
    int each = narrow ? 8 : 4;
    EACH_BLOCK(b, n, each) {
        Block block(b + 1, 0, 0, draw, seed, stream);
        for (int j = 0; j < each && b * each + j < n; ++j) {
            word element = b * each + j;
            word value = narrow ? below32(block.half(j), last, element, seed, stream, draw)
                                : below64(block.words[j], last, element, seed, stream, draw);
            out[element] = (long long)((word)low + value);
        }
    }
}
