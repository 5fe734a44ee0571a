"""Arrays on any GPU that answers WebGPU: Intel, AMD, Apple, or an NVIDIA card without CUDA."""
