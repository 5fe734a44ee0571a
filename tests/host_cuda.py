"""The CUDA kernels of the ladder on the CPU: a C++ compiler, a thread for each thread, one block after another."""

import ctypes
import subprocess

import numpy as np

from gpu_lessons.devices.ladder import STEPS, kernel_text

_WORDS_OF_CUDA = """
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>
#define __global__
#define __device__
#define __launch_bounds__(threads)
#define __shared__ static
struct float4 { float x, y, z, w; };
static float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
struct Place { int x, y; };
static thread_local Place blockIdx, threadIdx;
static std::mutex lock;
static std::condition_variable all_here;
static int waiting = 0, turn = 0;
static void __syncthreads() {
  std::unique_lock<std::mutex> held(lock);
  int mine = turn;
  if (++waiting == 256) { waiting = 0; turn++; all_here.notify_all(); }
  else { all_here.wait(held, [mine] { return turn != mine; }); }
}
"""
_RUN = """
extern "C" void run(int step, int wide, int high, const float* a, const float* b, float* c, int m, int n, int k) {
  decltype(&multiply_1) kernels[] = {multiply_1, multiply_2, multiply_3, multiply_4, multiply_5};
  for (int y = 0; y < high; y++) for (int x = 0; x < wide; x++) {
    std::vector<std::thread> threads;
    for (int me = 0; me < 256; me++) threads.emplace_back([=] {
      blockIdx = {x, y}; threadIdx = {me, 0}; kernels[step - 1](a, b, c, m, n, k);
    });
    for (auto& thread : threads) thread.join();
  }
}
"""


def compiled(compiler, folder):
    """Return a function: step, a, b give the product by the CUDA kernel of that step."""
    texts = [
        f"#define multiply multiply_{each.number}\n{kernel_text(each.number, 'cuda')}\n#undef multiply\n"
        for each in STEPS
    ]
    source, library = folder / "ladder.cpp", folder / "ladder.so"
    source.write_text("".join([_WORDS_OF_CUDA, *texts, _RUN]), encoding="utf-8")
    options = ["-std=c++17", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-pthread"]
    subprocess.run([compiler, *options, source, "-o", library], check=True)
    run = ctypes.CDLL(str(library)).run

    def product(step, a, b):
        (m, k), n = a.shape, b.shape[1]
        c = np.full((m, n), np.nan, np.float32)
        tile = STEPS[step - 1].tile
        places = [x.ctypes.data_as(ctypes.c_void_p) for x in (a, b, c)]
        run(step, -(-n // tile), -(-m // tile), *places, m, n, k)
        return c

    return product
