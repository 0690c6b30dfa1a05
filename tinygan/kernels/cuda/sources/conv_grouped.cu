#include "common.cuh"
#include "window.cuh"

// Convolution with few channels to a group, depthwise above all, without columns: every thread sums up one number.
// Weights are (outputs, channels / groups, k); neighbouring threads have neighbouring channels.

// y[row, o] = sum over k and c of image[n, i stride + k dilation - padding, g C/groups + c] weight[o, c, k].
extern "C" __global__ void correlate_grouped(real* y, const real* image, const real* weight, Window w, long long n_rows,
                                             long long n_channels, long long n_outputs, long long n_groups) {
    index_t channels = (index_t)n_channels, outputs = (index_t)n_outputs;
    index_t per_group = channels / (index_t)n_groups, group_outputs = outputs / (index_t)n_groups;
    index_t taps = (index_t)w.kernel[0] * w.kernel[1] * w.kernel[2];
    EACH(item, (index_t)n_rows * outputs) {
        index_t rest = item, o = split(rest, outputs), first = o / group_outputs * per_group;
        int s2 = start_of(w, 2, split(rest, w.out[2])), s1 = start_of(w, 1, split(rest, w.out[1]));
        int s0 = start_of(w, 0, split(rest, w.out[0]));
        real sum = 0;
        for (int k0 = first_inside(w, 0, s0); k0 < end_inside(w, 0, s0); ++k0)
            for (int k1 = first_inside(w, 1, s1); k1 < end_inside(w, 1, s1); ++k1)
                for (int k2 = first_inside(w, 2, s2); k2 < end_inside(w, 2, s2); ++k2) {
                    index_t position = (rest * w.size[0] + s0 + k0 * w.dilation[0]) * w.size[1] + s1 + k1 * w.dilation[1];
                    position = position * w.size[2] + s2 + k2 * w.dilation[2];
                    index_t tap = (k0 * w.kernel[1] + k1) * w.kernel[2] + k2;
                    for (index_t c = 0; c < per_group; ++c)
                        sum += image[position * channels + first + c] * weight[(o * per_group + c) * taps + tap];
                }
        y[item] = sum;
    }
}

// x[n, position, g C/groups + c] = sum over all (i, k) that meet the position, and the outputs o of the group, of
// cotangent[(n, i), o] weight[o, c, k].
extern "C" __global__ void transpose_grouped(real* x, const real* cotangent, const real* weight, Window w,
                                             long long images, long long n_channels, long long n_outputs,
                                             long long n_groups) {
    index_t channels = (index_t)n_channels, outputs = (index_t)n_outputs;
    index_t per_group = channels / (index_t)n_groups, group_outputs = outputs / (index_t)n_groups;
    index_t taps = (index_t)w.kernel[0] * w.kernel[1] * w.kernel[2];
    EACH(item, (index_t)images * w.size[0] * w.size[1] * w.size[2] * channels) {
        index_t rest = item, channel = split(rest, channels), g = channel / per_group, c = channel - g * per_group;
        int x2 = (int)split(rest, w.size[2]), x1 = (int)split(rest, w.size[1]), x0 = (int)split(rest, w.size[0]);
        real sum = 0;
        for (int k0 = first_meeting(w, 0, x0), i0; k0 < w.kernel[0]; k0 = next_meeting(w, 0, k0)) {
            if (!meets(w, 0, x0, k0, i0)) continue;
            for (int k1 = first_meeting(w, 1, x1), i1; k1 < w.kernel[1]; k1 = next_meeting(w, 1, k1)) {
                if (!meets(w, 1, x1, k1, i1)) continue;
                for (int k2 = first_meeting(w, 2, x2), i2; k2 < w.kernel[2]; k2 = next_meeting(w, 2, k2)) {
                    if (!meets(w, 2, x2, k2, i2)) continue;
                    index_t row = ((rest * w.out[0] + i0) * w.out[1] + i1) * w.out[2] + i2;
                    index_t tap = (k0 * w.kernel[1] + k1) * w.kernel[2] + k2;
                    for (index_t o = g * group_outputs; o < (g + 1) * group_outputs; ++o)
                        sum += cotangent[row * outputs + o] * weight[(o * per_group + c) * taps + tap];
                }
            }
        }
        x[item] = sum;
    }
}
