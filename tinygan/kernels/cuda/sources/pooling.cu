#include "common.cuh"
#include "window.cuh"

// Pooling over channels-last images: every thread computes one number, neighbouring threads have neighbouring channels.

// Calls f(n, position) for the positions of window row = (n, i) inside the image, in row-major order.
template <typename F> __device__ inline void each_inside(const Window& w, index_t row, F f) {
    index_t n = row;
    int s2 = start_of(w, 2, split(n, w.out[2])), s1 = start_of(w, 1, split(n, w.out[1]));
    int s0 = start_of(w, 0, split(n, w.out[0]));
    for (int k0 = first_inside(w, 0, s0); k0 < end_inside(w, 0, s0); ++k0)
        for (int k1 = first_inside(w, 1, s1); k1 < end_inside(w, 1, s1); ++k1)
            for (int k2 = first_inside(w, 2, s2); k2 < end_inside(w, 2, s2); ++k2) {
                index_t line = (index_t)(s0 + k0 * w.dilation[0]) * w.size[1] + s1 + k1 * w.dilation[1];
                f(n, line * w.size[2] + s2 + k2 * w.dilation[2]);
            }
}

// y[n, i, c] = sum of image[n, position, c] over the window.
extern "C" __global__ void window_sum(real* y, const real* image, Window w, long long n_rows, long long n_channels) {
    index_t channels = (index_t)n_channels, positions = (index_t)w.size[0] * w.size[1] * w.size[2];
    EACH(item, (index_t)n_rows * channels) {
        index_t row = item, c = split(row, channels);
        real sum = 0;
        each_inside(w, row, [&](index_t n, index_t at) { sum += image[(n * positions + at) * channels + c]; });
        y[item] = sum;
    }
}

// The windows that meet a position along an axis are neighbours: from first_window to last_window, without dilation.
__device__ inline int first_window(const Window& w, int axis, int position) {
    int distance = position + w.padding[axis] - w.kernel[axis] + 1;
    return distance <= 0 ? 0 : (distance + w.stride[axis] - 1) / w.stride[axis];
}
__device__ inline int last_window(const Window& w, int axis, int position) {
    int last = (position + w.padding[axis]) / w.stride[axis];
    return last < w.out[axis] ? last : w.out[axis] - 1;
}

// The adjoint: x[n, position, c] = sum of cotangent[n, i, c] over the windows i that meet the position, in order.
extern "C" __global__ void window_sum_transpose(real* x, const real* cotangent, Window w, long long images,
                                                long long n_channels) {
    index_t channels = (index_t)n_channels;
    EACH(item, (index_t)images * w.size[0] * w.size[1] * w.size[2] * channels) {
        index_t rest = item, c = split(rest, channels);
        int x2 = (int)split(rest, w.size[2]), x1 = (int)split(rest, w.size[1]), x0 = (int)split(rest, w.size[0]);
        real sum = 0;
        for (int i0 = first_window(w, 0, x0); i0 <= last_window(w, 0, x0); ++i0)
            for (int i1 = first_window(w, 1, x1); i1 <= last_window(w, 1, x1); ++i1)
                for (int i2 = first_window(w, 2, x2); i2 <= last_window(w, 2, x2); ++i2) {
                    index_t row = ((rest * w.out[0] + i0) * w.out[1] + i1) * w.out[2] + i2;
                    sum += cotangent[row * channels + c];
                }
        x[item] = sum;
    }
}

// The position of the maximum of a window: the first of equals, NaN above all, of several NaN the last. No window lies
// in the padding altogether.
__device__ inline index_t maximum(const real* image, const Window& w, index_t row, index_t c, index_t channels,
                                  real& best) {
    index_t positions = (index_t)w.size[0] * w.size[1] * w.size[2], where = -1;
    each_inside(w, row, [&](index_t n, index_t at) {
        real value = image[(n * positions + at) * channels + c];
        if (where < 0 || value > best || value != value) {
            best = value;
            where = at;
        }
    });
    return where;
}

// y[n, i, c] = the maximum of image[n, position, c] over the window.
extern "C" __global__ void max_pool(real* y, const real* image, Window w, long long n_rows, long long n_channels) {
    EACH(item, (index_t)(n_rows * n_channels)) {
        index_t row = item, c = split(row, (index_t)n_channels);
        real best = 0;
        maximum(image, w, row, c, (index_t)n_channels, best);
        y[item] = best;
    }
}

// index[n, i, c] = the position of that maximum, flat in the image.
extern "C" __global__ void max_pool_indices(long long* index, const real* image, Window w, long long n_rows,
                                            long long n_channels) {
    EACH(item, (index_t)(n_rows * n_channels)) {
        index_t row = item, c = split(row, (index_t)n_channels);
        real best = 0;
        index[item] = maximum(image, w, row, c, (index_t)n_channels, best);
    }
}
