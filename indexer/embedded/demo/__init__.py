"""The demo: two live local chains, their workers and the web server, watched or checked."""
