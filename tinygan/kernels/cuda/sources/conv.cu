#include "common.cuh"
#include "window.cuh"

// columns[g, row, k, c] = image[n, i stride + k dilation - padding, g per_group + c], or 0 outside, for row = (n, i).
// A thread copies N channels. The offsets k[2] of a row lie side by side in the image, channels included, when there is
// no dilation: so (k[2], channel) is one number j, and the edge is a comparison without a division.
template <int N> __device__ void gather(real* columns, const real* image, const Window& w, index_t rows,
                                        index_t channels, index_t groups) {
    index_t per_group = channels / groups, taps = (index_t)w.kernel[0] * w.kernel[1] * w.kernel[2];
    index_t run = w.kernel[2] * (channels / N), line = w.size[2] * channels;
    EACH(item, rows * w.kernel[0] * w.kernel[1] * run) {
        index_t rest = item, j = split(rest, run) * N;
        index_t k1 = split(rest, w.kernel[1]), k0 = split(rest, w.kernel[0]), row = rest;
        index_t i2 = split(rest, w.out[2]), i1 = split(rest, w.out[1]), i0 = split(rest, w.out[0]), n = rest;
        index_t x0 = start_of(w, 0, i0) + k0 * w.dilation[0], x1 = start_of(w, 1, i1) + k1 * w.dilation[1];
        index_t x2 = start_of(w, 2, i2) * channels + j;  // in numbers, not positions
        if (w.dilation[2] > 1) x2 += j / channels * (w.dilation[2] - 1) * channels;
        Lanes<N> lanes = {};
        if (x0 >= 0 && x0 < w.size[0] && x1 >= 0 && x1 < w.size[1] && x2 >= 0 && x2 < line)
            lanes = load<N>(image + ((n * w.size[0] + x0) * w.size[1] + x1) * line + x2);
        index_t to = item * N;
        if (groups > 1) {
            index_t c = j % channels, g = c / per_group, tap = (k0 * w.kernel[1] + k1) * w.kernel[2] + j / channels;
            to = ((g * rows + row) * taps + tap) * per_group + c % per_group;
        }
        store<N>(columns + to, lanes);
    }
}

extern "C" __global__ void gather_columns(real* columns, const real* image, Window w, long long rows,
                                          long long channels, long long groups) {
    if (in_lanes((index_t)(channels / groups), image, columns))
        gather<WIDE>(columns, image, w, (index_t)rows, (index_t)channels, (index_t)groups);
    else
        gather<1>(columns, image, w, (index_t)rows, (index_t)channels, (index_t)groups);
}

// The adjoint: x[n, position, c] = sum of columns[g, (n, i), k, c] over all (i, k) that meet the position, k in order.
// Every number of x is written once by one thread, which takes N channels: no atomics, the same bits every time.
template <int N> __device__ void fold(real* x, const real* columns, const Window& w, index_t images, index_t channels,
                                      index_t groups) {
    index_t per_group = channels / groups, taps = (index_t)w.kernel[0] * w.kernel[1] * w.kernel[2];
    index_t rows = images * w.out[0] * w.out[1] * w.out[2];
    EACH(item, images * w.size[0] * w.size[1] * w.size[2] * (channels / N)) {
        index_t rest = item, c = split(rest, channels / N) * N, g = groups == 1 ? 0 : c / per_group;
        int x2 = (int)split(rest, w.size[2]), x1 = (int)split(rest, w.size[1]), x0 = (int)split(rest, w.size[0]);
        const real* from = columns + g * rows * taps * per_group + c - g * per_group;
        Lanes<N> sum = {};
        for (int k0 = first_meeting(w, 0, x0), i0; k0 < w.kernel[0]; k0 = next_meeting(w, 0, k0)) {
            if (!meets(w, 0, x0, k0, i0)) continue;
            for (int k1 = first_meeting(w, 1, x1), i1; k1 < w.kernel[1]; k1 = next_meeting(w, 1, k1)) {
                if (!meets(w, 1, x1, k1, i1)) continue;
                for (int k2 = first_meeting(w, 2, x2), i2; k2 < w.kernel[2]; k2 = next_meeting(w, 2, k2)) {
                    if (!meets(w, 2, x2, k2, i2)) continue;
                    index_t row = ((rest * w.out[0] + i0) * w.out[1] + i1) * w.out[2] + i2;
                    index_t tap = (k0 * w.kernel[1] + k1) * w.kernel[2] + k2;
                    add(sum, load<N>(from + (row * taps + tap) * per_group));
                }
            }
        }
        store<N>(x + item * N, sum);
    }
}

extern "C" __global__ void fold_columns(real* x, const real* columns, Window w, long long images, long long channels,
                                        long long groups) {
    if (in_lanes((index_t)(channels / groups), columns, x))
        fold<WIDE>(x, columns, w, (index_t)images, (index_t)channels, (index_t)groups);
    else
        fold<1>(x, columns, w, (index_t)images, (index_t)channels, (index_t)groups);
}
