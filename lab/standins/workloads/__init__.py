"""The controllers of Deployments, ReplicaSets and endpoints."""
