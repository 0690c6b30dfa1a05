#include "common.cuh"

// y[i, c] += b[c] for the channels-last matrix y (n / channels, channels).
extern "C" __global__ void add_bias(real* y, const real* b, long long n, long long channels) {
    EACH(i, (index_t)n) y[i] += b[i % (index_t)channels];
}

// sums[part, c] = sum of y[i, c] over the rows i of the part, for y (rows, channels) cut into `parts` runs of rows.
// A block takes a part and up to blockDim channels. Neighbouring threads read neighbouring numbers: when the channels
// are few, a block reads several rows at once, one beside the other, and thread t has channel t % channels throughout.
extern "C" __global__ void column_sums(real* sums, const real* y, long long n_rows, long long n_channels,
                                       long long n_parts) {
    __shared__ real partial[1024];
    index_t rows = (index_t)n_rows, channels = (index_t)n_channels, parts = (index_t)n_parts;
    index_t width = channels < (index_t)blockDim.x ? channels : (index_t)blockDim.x;
    index_t side_by_side = (index_t)blockDim.x / width, tiles = (channels + width - 1) / width;
    index_t length = (rows + parts - 1) / parts, thread = (index_t)threadIdx.x;
    EACH_ROW(block, parts * tiles) {
        index_t part = block / tiles, channel = block % tiles * width + thread % width;
        index_t end = (part + 1) * length < rows ? (part + 1) * length : rows;
        real sum = 0;
        if (channel < channels && thread < width * side_by_side)
            for (index_t row = part * length + thread / width; row < end; row += side_by_side)
                sum += y[row * channels + channel];
        __syncthreads();                 // the sums of the block's row before this one have been read
        partial[thread] = sum;
        __syncthreads();
        if (thread < width && channel < channels) {
            for (index_t k = 1; k < side_by_side; ++k) sum += partial[k * width + thread];
            sums[part * channels + channel] = sum;
        }
    }
}
