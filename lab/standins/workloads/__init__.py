"""The controllers of Deployments, ReplicaSets, Jobs and endpoints."""
