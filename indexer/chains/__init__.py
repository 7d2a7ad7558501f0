"""Chains: one tenant each, its profile, its endpoints, and connections into its schema."""
