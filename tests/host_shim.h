// CUDA C++ for a host compiler: one thread of one block at a time, or several host threads that meet at a barrier.
#pragma once
#include <math.h>
#include <sched.h>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __shared__ static               // blocks run one after the other
#define __launch_bounds__(...)
#define __restrict__ __restrict

struct shim_index { unsigned x, y, z; };
static thread_local shim_index threadIdx, blockIdx;
static shim_index blockDim, gridDim;

extern "C" void shim_sizes(unsigned grid, unsigned block) { gridDim = {grid, 1, 1}; blockDim = {block, 1, 1}; }
extern "C" void shim_place(unsigned block, unsigned thread) { blockIdx = {block, 0, 0}; threadIdx = {thread, 0, 0}; }

static unsigned shim_arrived, shim_generation;

inline void __syncthreads() {
    if (blockDim.x == 1) return;
    unsigned generation = __atomic_load_n(&shim_generation, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&shim_arrived, 1, __ATOMIC_ACQ_REL) == blockDim.x) {
        __atomic_store_n(&shim_arrived, 0, __ATOMIC_RELEASE);
        __atomic_add_fetch(&shim_generation, 1, __ATOMIC_ACQ_REL);
    } else {
        while (__atomic_load_n(&shim_generation, __ATOMIC_ACQUIRE) == generation) sched_yield();
    }
}

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };

template <typename T> inline T min(T a, T b) { return b < a ? b : a; }
template <typename T> inline T max(T a, T b) { return a < b ? b : a; }
inline float rsqrtf(float x) { return 1 / sqrtf(x); }
inline double rsqrt(double x) { return 1 / sqrt(x); }
inline float rsqrt(float x) { return 1 / sqrtf(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
inline float __fmul_rn(float a, float b) { return a * b; }  // nothing is fused: the compiler is told so
inline double __dmul_rn(double a, double b) { return a * b; }
inline void sincospi(double x, double* sine, double* cosine) { *sine = sin(M_PI * x), *cosine = cos(M_PI * x); }
inline void sincospif(float x, float* sine, float* cosine) {
    *sine = (float)sin(M_PI * (double)x), *cosine = (float)cos(M_PI * (double)x);
}
