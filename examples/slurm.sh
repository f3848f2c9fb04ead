#!/usr/bin/env bash
# Runs on a Slurm cluster: call it on a login node, in a folder that all nodes see.
#   bash examples/slurm.sh my-photos --slurm partition=gpu
# The data set is prepared already. Every run becomes a job of an array; this command watches them. If you are
# logged out, the jobs go on: call it again to watch, or to submit what is still missing.
set -euo pipefail

dataset=$1
shift
infoseg-bench run --engine slurm --dataset "$dataset" --method kmeans --method infoseg --seeds 0-2 \
    --slurm gpus=1 --slurm cpus=4 --slurm mem_gb=16 --slurm minutes=240 --slurm kmeans.gpus=0 "$@"
