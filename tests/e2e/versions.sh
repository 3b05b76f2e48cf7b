# Sourced: what the harness runs. Kubernetes and etcd themselves are in harness/go.mod.
# shellcheck shell=bash disable=SC2034
KUBERNETES=v1.36.4
KUBERNETES_MINOR=36
KWOK=v0.8.0
HELM=v4.2.4
