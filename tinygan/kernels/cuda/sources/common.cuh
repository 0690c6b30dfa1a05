// What all kernels share: the types of the compilation, the loops over a grid and a block, the sum over a block.
#ifndef REAL
#define REAL float
#define INDEX int
#endif
typedef REAL real;
typedef INDEX index_t;

// i = 0 ... n - 1, spread over all threads of the grid.
#define EACH(i, n)                                                              \
    for (index_t i = (index_t)blockIdx.x * (index_t)blockDim.x + (index_t)threadIdx.x; i < (n); \
         i += (index_t)gridDim.x * (index_t)blockDim.x)

// row = 0 ... n - 1, spread over the blocks: every thread of a block has the same row.
#define EACH_ROW(row, n) for (index_t row = (index_t)blockIdx.x; row < (n); row += (index_t)gridDim.x)

// i = 0 ... n - 1, spread over the threads of the block.
#define EACH_IN_BLOCK(i, n) for (index_t i = (index_t)threadIdx.x; i < (n); i += (index_t)blockDim.x)

// a b, rounded before anything is added to it: the compiler would fuse the two.
__device__ inline float times(float a, float b) { return __fmul_rn(a, b); }
__device__ inline double times(double a, double b) { return __dmul_rn(a, b); }

// The sum of `value` over the threads of the block, given to all of them. A tree over the numbers of the threads: the
// order of the additions depends on blockDim alone. Every thread of the block must come here.
template <typename T> __device__ T block_sum(T value) {
    __shared__ T part[1024];
    __syncthreads();                     // an earlier call has been read by all
    part[threadIdx.x] = value;
    for (unsigned n = blockDim.x; n > 1;) {
        unsigned half = (n + 1) / 2;
        __syncthreads();
        if (threadIdx.x < n / 2) part[threadIdx.x] += part[threadIdx.x + half];
        n = half;
    }
    __syncthreads();
    return part[0];
}
