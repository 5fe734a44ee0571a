"""The CUDA kernels of the ladder on a CPU: compiled as C++, a thread for each thread, one block after another."""

import ctypes
import subprocess
from types import SimpleNamespace

import numpy as np
from fake_cuda import CUDARuntimeError

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
    """Return a function that runs the kernel of a step: step, blocks, a, b, c, m, n, k."""
    texts = [
        f"#define multiply multiply_{step.number}\n{kernel_text(step.number, 'cuda')}\n#undef multiply\n"
        for step in STEPS
    ]
    source, library = folder / "ladder.cpp", folder / "ladder.so"
    source.write_text("".join([_WORDS_OF_CUDA, *texts, _RUN]), encoding="utf-8")
    # CuPy compiles as C++14.
    options = ["-std=c++14", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-pthread"]
    subprocess.run([compiler, *options, source, "-o", library], check=True)
    run = ctypes.CDLL(str(library)).run

    def launch(step, blocks, a, b, c, m, n, k):
        run(step, *blocks, *(x.ctypes.data_as(ctypes.c_void_p) for x in (a, b, c)), m, n, k)

    return launch


class DeviceArray(np.ndarray):
    """Stands for cupy.ndarray: memory with an address."""

    @property
    def data(self):
        return SimpleNamespace(ptr=self.ctypes.data)


class FakeEvent:
    """What the host waits for."""

    def __init__(self, cupy):
        self.cupy = cupy

    def record(self):
        self.cupy.waited += 1

    @property
    def done(self):
        if self.cupy.failed is not None:
            raise self.cupy.failed
        return self.cupy.ends

    def synchronize(self):
        assert self.done


class FakeCuPy:
    """CuPy as far as a kernel of one's own needs it; its kernels are those of the ladder, run on the CPU."""

    ndarray = DeviceArray

    def __init__(self, launch):
        self.launch = launch
        self.refused = None
        self.failed = None
        self.ends = True
        self.waited = 0
        runtime = SimpleNamespace(CUDARuntimeError=CUDARuntimeError)
        self.cuda = SimpleNamespace(Event=lambda: FakeEvent(self), runtime=runtime)

    def asarray(self, x):
        return np.array(x).view(DeviceArray)

    def empty(self, shape, dtype):
        return self.asarray(np.full(shape, np.nan, dtype))

    def ascontiguousarray(self, x):
        return np.ascontiguousarray(x).view(DeviceArray)

    def RawKernel(self, code, name):  # noqa: N802
        [step] = [each.number for each in STEPS if kernel_text(each.number, "cuda") == code] or [None]

        def kernel(blocks, threads, arguments):
            assert threads == (256,)
            a, b, c, *sizes = arguments
            assert all(isinstance(x, DeviceArray) and x.data.ptr % 16 == 0 for x in (a, b))
            assert [type(each) for each in sizes] == [np.int32] * 3  # a Python int would be 64 bits long
            self.launch(step, blocks, a, b, c, *map(int, sizes))

        def compile_now():
            if self.refused is not None:
                raise self.refused

        kernel.compile = compile_now
        return kernel
