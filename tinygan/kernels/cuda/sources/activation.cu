#include "common.cuh"

// Activations and what their derivatives need, element by element: one launch each, every array read or written once.

__device__ inline float e_to(float x) { return expf(x); }
__device__ inline double e_to(double x) { return exp(x); }
__device__ inline float log1p_of(float x) { return log1pf(x); }
__device__ inline double log1p_of(double x) { return log1p(x); }
__device__ inline float tanh_of(float x) { return tanhf(x); }
__device__ inline double tanh_of(double x) { return tanh(x); }

// A slope of zero makes an exact zero, of minus infinity too; NaN stays NaN.
extern "C" __global__ void leaky_relu(real* out, const real* x, long long n, double slope) {
    EACH(i, (index_t)n) {
        real value = x[i];
        out[i] = value <= 0 ? (slope == 0 ? (real)0 : (real)slope * value) : value;
    }
}

extern "C" __global__ void leaky_relu_vjp(real* out, const real* g, const real* y, long long n, double slope) {
    EACH(i, (index_t)n) out[i] = g[i] * (y[i] > 0 ? (real)1 : (real)slope);
}

extern "C" __global__ void sigmoid(real* out, const real* x, long long n) {
    EACH(i, (index_t)n) {
        real value = x[i], z = e_to(value < 0 ? value : -value);
        out[i] = (value >= 0 ? (real)1 : z) / (z + 1);
    }
}

extern "C" __global__ void sigmoid_vjp(real* out, const real* g, const real* y, long long n) {
    EACH(i, (index_t)n) out[i] = g[i] * ((1 - y[i]) * y[i]);
}

extern "C" __global__ void softplus(real* out, const real* x, long long n) {
    EACH(i, (index_t)n) {
        real value = x[i];
        out[i] = (value < 0 ? 0 : value) + log1p_of(e_to(value < 0 ? value : -value));
    }
}

extern "C" __global__ void tanh_forward(real* out, const real* x, long long n) {
    EACH(i, (index_t)n) out[i] = tanh_of(x[i]);
}

extern "C" __global__ void tanh_vjp(real* out, const real* g, const real* y, long long n) {
    EACH(i, (index_t)n) out[i] = g[i] * (1 - y[i] * y[i]);
}
