"""The worker runtime: supervisord runs the processes, one configuration made from the chains."""
