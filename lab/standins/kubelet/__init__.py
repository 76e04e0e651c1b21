"""The scheduler and the kubelet of the one node: pods become processes of this machine."""
