#!/usr/bin/env bash
# Runs on a Slurm cluster: call this on a login node, in a folder that all nodes can access.
#   bash examples/slurm.sh my-photos --slurm partition=gpu
# The data set must be prepared. Every run becomes a job of an array, and this command watches the jobs. If you are
# logged out, the jobs continue: call it again to watch them, or to submit missing runs.
set -euo pipefail

dataset=$1
shift
infoseg-bench run --engine slurm --dataset "$dataset" --method kmeans --method infoseg --seeds 0-2 \
    --slurm gpus=1 --slurm cpus=4 --slurm mem_gb=16 --slurm minutes=240 --slurm kmeans.gpus=0 "$@"
