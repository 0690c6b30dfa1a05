#include "common.cuh"

// target[position[i]] += values[order[i]] for i = 0 ... n - 1, where `position` is sorted: the thread at which a run of
// equal positions begins adds up the run, in order.
extern "C" __global__ void add_runs(real* target, const real* values, const long long* position, const long long* order,
                                    long long n) {
    EACH(i, (index_t)n) {
        if (i > 0 && position[i - 1] == position[i]) continue;
        real sum = target[position[i]];
        for (index_t j = i; j < (index_t)n && position[j] == position[i]; ++j) sum += values[order[j]];
        target[position[i]] = sum;
    }
}
