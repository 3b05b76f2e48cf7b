/* GPUs that a pod names, and sizes said by hand. One row per spelling. */
#include "tests/unit/core/workloadkit.h"

/* Two containers: an engine counts the GPUs of its own. */
static void own_gpus(void) {
    const struct podkit kit = {.command = {"text-generation-launcher"}, .gpus = 4};
    struct podkit_room room;
    struct pod pod = *podkit_build(&kit, &room);
    struct container both[2] = {room.container, {.name = SPAN("other"), .gpus = 1, .at = 1}};
    struct workload w = {0};
    struct err e = {0};
    pod.containers = both;
    pod.n_containers = 2;
    ok(workload_read(&pod, &w, &e) && w.tp.known && w.tp.n == 4 && w.gpus == 5,
       "an engine's own container has 4 of the pod's 5 GPUs");
}

static const struct reading_row rows[] = {
    {"NVIDIA_VISIBLE_DEVICES pin",
     {.command = {"vllm", "serve", "m"},
      .args = {"-tp", "2"},
      .env = {"NVIDIA_VISIBLE_DEVICES=0,1"},
      .gpus = 2},
     "tp=2 pin=1/2"},
    {"NVIDIA_VISIBLE_DEVICES pin noask",
     {.command = {"vllm", "serve", "m"},
      .args = {"-tp", "2"},
      .env = {"NVIDIA_VISIBLE_DEVICES=0,1"}},
     "gpu=1 pin=1/2"},
    {"NVIDIA_VISIBLE_DEVICES all noask",
     {.command = {"vllm", "serve", "m"}, .env = {"NVIDIA_VISIBLE_DEVICES=all"}},
     "gpu=1 pin=2/0"},
    {"NVIDIA_VISIBLE_DEVICES all ask",
     {.command = {"vllm", "serve", "m"}, .env = {"NVIDIA_VISIBLE_DEVICES=all"}, .gpus = 2},
     "gpu=1"},
    {"NVIDIA_VISIBLE_DEVICES none",
     {.command = {"x"}, .env = {"NVIDIA_VISIBLE_DEVICES=none"}},
     "gpu=0 pin=0/0"},
    {"NVIDIA_VISIBLE_DEVICES void",
     {.command = {"x"}, .env = {"NVIDIA_VISIBLE_DEVICES=void"}},
     "gpu=0 pin=0/0"},
    {"NVIDIA_VISIBLE_DEVICES ",
     {.command = {"x"}, .env = {"NVIDIA_VISIBLE_DEVICES="}},
     "gpu=0 pin=0/0"},
    {"NVIDIA_VISIBLE_DEVICES uuid",
     {.command = {"vllm", "serve", "m"},
      .env = {"NVIDIA_VISIBLE_DEVICES=GPU-aaaa,GPU-bbbb"},
      .gpus = 2},
     "pin=1/2"},
    {"NVIDIA_VISIBLE_DEVICES mig",
     {.command = {"vllm", "serve", "m"}, .env = {"NVIDIA_VISIBLE_DEVICES=MIG-aaaa"}},
     "gpu=1 pin=3/0"},
    {"NVIDIA_VISIBLE_DEVICES spaces",
     {.command = {"vllm", "serve", "m"}, .env = {"NVIDIA_VISIBLE_DEVICES= 0, 1 "}, .gpus = 2},
     "pin=1/2"},
    {"NVIDIA_VISIBLE_DEVICES ref tpguard",
     {.command = {"vllm", "serve", "m"},
      .env = {"NVIDIA_VISIBLE_DEVICES<metadata.annotations['tpguard.io/gpus']"},
      .gpus = 2},
     "pin=0/0"},
    {"NVIDIA_VISIBLE_DEVICES ref other",
     {.command = {"vllm", "serve", "m"},
      .env = {"NVIDIA_VISIBLE_DEVICES<metadata.annotations['foo']"},
      .gpus = 2},
     "pin=3/0"},
    {"NVIDIA_VISIBLE_DEVICES $(VAR)",
     {.command = {"vllm", "serve", "m"},
      .env = {"G=0,1", "NVIDIA_VISIBLE_DEVICES=$(G)"},
      .gpus = 2},
     "pin=1/2"},
    {"NVIDIA_VISIBLE_DEVICES $(VAR) undefined",
     {.command = {"vllm", "serve", "m"}, .env = {"NVIDIA_VISIBLE_DEVICES=$(G)"}, .gpus = 2},
     "pin=3/0"},
    {"CUDA_VISIBLE_DEVICES narrow",
     {.command = {"vllm", "serve", "m"},
      .args = {"-tp", "2"},
      .env = {"CUDA_VISIBLE_DEVICES=0"},
      .gpus = 2},
     "visible=0 tp=2"},
    {"CUDA_VISIBLE_DEVICES order",
     {.command = {"vllm", "serve", "m"},
      .args = {"-tp", "2", "-dp", "2"},
      .env = {"CUDA_VISIBLE_DEVICES=0,2,1,3"},
      .gpus = 4},
     "visible=0,2,1,3"},
    {"CUDA_VISIBLE_DEVICES stop",
     {.command = {"vllm", "serve", "m"}, .env = {"CUDA_VISIBLE_DEVICES=0,1,-1,2"}, .gpus = 4},
     "visible=0,1"},
    {"CUDA_VISIBLE_DEVICES stop oor",
     {.command = {"vllm", "serve", "m"}, .env = {"CUDA_VISIBLE_DEVICES=0,1,7"}, .gpus = 2},
     "visible=0,1"},
    {"CUDA_VISIBLE_DEVICES noask",
     {.command = {"vllm", "serve", "m"}, .args = {"-tp", "2"}, .env = {"CUDA_VISIBLE_DEVICES=2,3"}},
     "pin=1/2 gpu=1 tp=2 scope=single"},
    {"CUDA_VISIBLE_DEVICES in pin",
     {.command = {"vllm", "serve", "m"},
      .args = {"-tp", "2"},
      .env = {"NVIDIA_VISIBLE_DEVICES=2,3", "CUDA_VISIBLE_DEVICES=1,0"}},
     "pin=1/2 visible=1,0"},
    {"CUDA_VISIBLE_DEVICES uuid",
     {.command = {"vllm", "serve", "m"},
      .args = {"-tp", "2"},
      .env = {"CUDA_VISIBLE_DEVICES=GPU-a,GPU-b"},
      .gpus = 2},
     "pin=1/2"},
    {"CUDA_VISIBLE_DEVICES empty noask",
     {.command = {"x"}, .env = {"CUDA_VISIBLE_DEVICES="}},
     "gpu=0 pin=0/0"},
    {"CUDA_VISIBLE_DEVICES -1 noask",
     {.command = {"x"}, .env = {"CUDA_VISIBLE_DEVICES=-1"}},
     "gpu=0 pin=0/0"},
    {"annotation wins",
     {.command = {"vllm", "serve", "m"},
      .args = {"-tp", "2"},
      .gpus = 4,
      .annotation = {"tpguard.io/tensor-parallel-size", "4"}},
     "tp=4"},
};

int main(void) {
    workloadkit_check(rows, sizeof rows / sizeof rows[0]);
    own_gpus();
    return tap_done();
}
