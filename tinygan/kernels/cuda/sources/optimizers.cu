#include "common.cuh"

// Optimiser steps over many arrays in one launch: every element is read, updated in registers and written once.
//
// The arithmetic is that of the kernels for NumPy arrays, rounding by rounding (products that are added are made by
// `times`), so both devices take the same step to the last bit.

constexpr int MOST = 80;  // arrays of one launch: the table is an argument, and arguments have 4 KiB

struct Arrays {  // array j of kind k (parameter, gradient, moments) at pointers[k][j]; ends[j] elements up to its end
    real* pointers[5][MOST];
    long long ends[MOST], number;
};

__device__ inline float root(float x) { return sqrtf(x); }
__device__ inline double root(double x) { return sqrt(x); }

// Where a thread is: element i - begin of array j, for its positions i among the elements of all arrays end to end.
struct Walk {
    long long i, begin, end, step;
    int j;

    __device__ Walk(const Arrays& a)
        : i(blockIdx.x * (long long)blockDim.x + threadIdx.x), begin(0), end(a.ends[a.number - 1]),
          step((long long)gridDim.x * blockDim.x), j(0) {}

    __device__ bool inside(const Arrays& a) {
        if (i >= end) return false;
        while (i >= a.ends[j]) begin = a.ends[j++];
        return true;
    }

    __device__ real& element(const Arrays& a, int kind) const { return a.pointers[kind][j][i - begin]; }
};

#define EACH_OF(walk, arrays) for (Walk walk(arrays); walk.inside(arrays); walk.i += walk.step)

// average + weight (value - average), from the nearer end; `rest` is 1 - weight.
__device__ inline real lerp(real average, real value, real weight, real rest, bool near) {
    real distance = value - average;
    return near ? average + times(distance, weight) : value - times(distance, rest);
}

__device__ inline real decayed(real g, real p, real decay) { return decay == 0 ? g : times(p, decay) + g; }

// Kinds: p, g, buf (when momentum is not 0).
extern "C" __global__ void sgd(Arrays a, double minus_lr, double momentum, double keep, double decay,
                               long long nesterov, long long first) {
    EACH_OF(walk, a) {
        real p = walk.element(a, 0), g = decayed(walk.element(a, 1), p, (real)decay);
        if (momentum != 0) {
            real buf = first ? g : times(walk.element(a, 2), (real)momentum) + times(g, (real)keep);
            walk.element(a, 2) = buf;
            g = nesterov ? times(buf, (real)momentum) + g : buf;
        }
        walk.element(a, 0) = p + times(g, (real)minus_lr);
    }
}

// Kinds: p, g, square_avg, buf (when momentum > 0), grad_avg (when centered).
extern "C" __global__ void rmsprop(Arrays a, double minus_lr, double alpha, double weight, double eps, double decay,
                                   double momentum, long long centered, long long near) {
    EACH_OF(walk, a) {
        real p = walk.element(a, 0), g = decayed(walk.element(a, 1), p, (real)decay);
        real square = times(walk.element(a, 2), (real)alpha) + times(times(g, (real)weight), g);
        walk.element(a, 2) = square;
        if (centered) {
            real mean = lerp(walk.element(a, 4), g, (real)weight, (real)(1 - weight), near);
            walk.element(a, 4) = mean;
            square -= times(mean, mean);
        }
        real s = root(square) + (real)eps;
        if (momentum > 0) {
            real buf = times(walk.element(a, 3), (real)momentum) + g / s;
            walk.element(a, 3) = buf;
            walk.element(a, 0) = p + times(buf, (real)minus_lr);
        } else {
            walk.element(a, 0) = p + times(g, (real)minus_lr) / s;
        }
    }
}

// Kinds: p, g, m, v. `keep` is 1 but for decoupled decay.
extern "C" __global__ void adam(Arrays a, double keep, double decay, double weight, double beta2, double weight2,
                                double correction, double eps, double minus_step, long long near) {
    EACH_OF(walk, a) {
        real p = walk.element(a, 0);
        if (keep != 1) p = times(p, (real)keep);
        real g = decayed(walk.element(a, 1), p, (real)decay);
        real m = lerp(walk.element(a, 2), g, (real)weight, (real)(1 - weight), near);
        real v = times(walk.element(a, 3), (real)beta2) + times(times(g, (real)weight2), g);
        walk.element(a, 2) = m;
        walk.element(a, 3) = v;
        walk.element(a, 0) = p + times(m, (real)minus_step) / (root(v) / (real)correction + (real)eps);
    }
}

// Kinds: p, g, total.
extern "C" __global__ void adagrad(Arrays a, double minus_rate, double eps, double decay) {
    EACH_OF(walk, a) {
        real p = walk.element(a, 0), g = decayed(walk.element(a, 1), p, (real)decay);
        real total = walk.element(a, 2) + times(g, g);
        walk.element(a, 2) = total;
        walk.element(a, 0) = p + times(g, (real)minus_rate) / (root(total) + (real)eps);
    }
}

// Kinds: average, live.
extern "C" __global__ void average(Arrays a, double weight) {
    EACH_OF(walk, a) {
        real mean = walk.element(a, 0);
        walk.element(a, 0) = mean + times(walk.element(a, 1) - mean, (real)weight);
    }
}

// Kinds: target, source.
extern "C" __global__ void copy(Arrays a) {
    EACH_OF(walk, a) walk.element(a, 0) = walk.element(a, 1);
}
